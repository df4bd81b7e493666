"""Settlement lists: which of the fields that must be filled are (完整性), without looking at what they hold.

Source: the *required* column of national interface section 5. Name, identity number, address and contact of the
patient are required too, but are not looked at.
"""

from collections.abc import Iterator
from typing import Final, Literal

from service.settlement_lists.nodes import ListNode

_HEAD: Final[tuple[tuple[str, ...], ...]] = (
    ("mdtrt_id",),
    ("setl_id",),
    ("fixmedins_code",),
    ("fixmedins_name",),
    ("medcasno",),
    ("gend",),
    ("brdy",),
    ("age", "nwb_age"),
    ("hi_type", "insutype"),
    ("insuplc", "insuplc_admdvs"),
    ("ipt_med_type", "med_type"),
    ("adm_caty",),
    ("dscg_caty",),
    ("setl_begn_date",),
    ("setl_end_date",),
    ("hi_paymtd",),
    ("bill_code",),
    ("bill_no",),
    ("biz_sn",),
)
"""Each with the names it goes by; ``age`` from one year on, ``nwb_age`` under one."""
_ONLY: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "4101": (("psn_selfpay", "psn_selfpay_amt"), ("psn_ownpay", "psn_ownpay_amt"), ("acct_pay",), ("psn_cashpay",)),
    "4101A": (("psn_no",),),
}
_ENTRIES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "diseinfo": (("diag_type",), ("diag_code", "dise_code"), ("diag_name", "dise_name")),
    "oprninfo": (
        ("oprn_oprt_type",),
        ("oprn_oprt_name",),
        ("oprn_oprt_code",),
        ("oprn_oprt_date", "oprn_oprt_begntime"),
        ("oper_dr_code",),
    ),
    "icuinfo": (
        ("scs_cutd_ward_type",),
        ("scs_cutd_inpool_time",),
        ("scs_cutd_exit_time",),
        ("scs_cutd_sum_dura",),
    ),
}
_ENTRIES_4101: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "iteminfo": (
        ("med_chrgitm", "med_chrgitm_type"),
        ("amt",),
        ("claa_sumfee",),
        ("clab_amt",),
        ("fulamt_ownpay_amt",),
        ("oth_amt",),
    ),
    "payinfo": (("fund_pay_type",), ("fund_payamt",)),
}


def required_fields(kind: Literal["4101", "4101A"], given: ListNode, head: ListNode) -> tuple[int, tuple[str, ...]]:
    """Return how many fields must be filled, and the paths of those that are not."""
    wanted = list(_wanted(kind, given, head))
    return len(wanted), tuple(node.name(*keys) for node, keys in wanted if node.sent(*keys) is None)


def _wanted(
    kind: Literal["4101", "4101A"], given: ListNode, head: ListNode
) -> Iterator[tuple[ListNode, tuple[str, ...]]]:
    for keys in (*_HEAD, *_ONLY[kind]):
        yield head, keys
    entries = _ENTRIES | _ENTRIES_4101 if kind == "4101" else _ENTRIES
    for name, fields in entries.items():
        for row in given.rows(name) or ():
            if not row.empty:
                yield from ((row, keys) for keys in fields)
