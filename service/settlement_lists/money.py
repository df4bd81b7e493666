"""Settlement lists: fees by class, total, and who pays which share. Amounts in 1/10,000 yuan.

Sources: national interface section 5 (iteminfo, payinfo) and 6.11 (fee classes). Codes of ``fund_pay_type`` are in no
source that could be opened: the few read here are the national ones as generally known, and any other makes the fund's
share and that of other payers *not known*.
"""

from dataclasses import dataclass
from typing import Final

from rules.dip.quality_facts import FeeClass, FeeItem
from service.settlement_lists.nodes import ListNode

FEE_CLASSES: Final[dict[str, FeeClass]] = {
    "01": "bed",
    "02": "consultation",
    "03": "examination",
    "04": "laboratory",
    "05": "treatment",
    "06": "surgery",
    "07": "nursing",
    "08": "material",
    "09": "western_drug",
    "10": "herbal_pieces",
    "11": "patent_drug",
    "12": "general_service",
    "13": "registration",
    "14": "other",
}
FEE_NAMES: Final[dict[str, FeeClass]] = {
    "床位费": "bed",
    "诊察费": "consultation",
    "检查费": "examination",
    "化验费": "laboratory",
    "治疗费": "treatment",
    "手术费": "surgery",
    "护理费": "nursing",
    "卫生材料费": "material",
    "西药费": "western_drug",
    "中药饮片费": "herbal_pieces",
    "中成药费": "patent_drug",
    "一般诊疗费": "general_service",
    "挂号费": "registration",
    "其他费": "other",
}
DRUGS: Final[frozenset[FeeClass]] = frozenset({"western_drug", "herbal_pieces", "patent_drug"})
_POOL: Final = ("310100", "390100", "510100")
"""统筹基金 of employees, residents and maternity."""
_OTHERS: Final = ("320", "330", "370", "3902", "392", "61", "999996")
"""公务员补助, 大额补助, 企业补充, 居民大病, 医疗救助, 医院负担."""
_OWN_ACCOUNT: Final = ("310200",)
"""个人账户: a way to pay one's own share, which is counted there."""


@dataclass(frozen=True, slots=True)
class Money:
    """What a stay cost, and who bears it."""

    cost: int | None
    total: int | None
    """As stated by itself."""
    drug: int | None = None
    treatment: int | None = None
    material: int | None = None
    deductible: int | None = None
    copayment: int | None = None
    own: int | None = None
    fund: int | None = None
    others: int | None = None


def read_fees(given: ListNode) -> tuple[FeeItem, ...] | None:
    """Return fee classes; an entry without an amount is none."""
    rows = given.rows("iteminfo")
    if rows is None:
        return None
    found = (_fee(row, at) for at, row in enumerate(rows))
    return tuple(fee for fee in found if fee is not None)


def _fee(row: ListNode, at: int) -> FeeItem | None:
    kind, amount = row.text("med_chrgitm", "med_chrgitm_type"), row.money("amt")
    parts = [row.money(key) for key in ("claa_sumfee", "clab_amt", "fulamt_ownpay_amt", "oth_amt")]
    if amount is None:
        return None
    return FeeItem(
        fee_class=_fee_class(kind),
        amount=amount,
        class_a=parts[0],
        class_b=parts[1],
        own=parts[2],
        other=parts[3],
        at=at,
    )


def _fee_class(sent: str | None) -> FeeClass | None:
    return FEE_CLASSES.get((sent or "").zfill(2)) or FEE_NAMES.get(sent or "")


def read_money(given: ListNode, head: ListNode, fees: tuple[FeeItem, ...] | None) -> Money:
    """Return cost and shares. The cost is the sum of the fee classes, else the stated total."""
    total = head.money("medfee_sumamt", "med_sumfee") or None
    cost = sum(fee.amount for fee in fees) if fees else total
    fund, others = _payers(given)
    self_paid = head.money("psn_selfpay", "psn_selfpay_amt")
    own = head.money("psn_ownpay", "psn_ownpay_amt")
    return Money(
        cost=cost,
        total=total,
        drug=_of_classes(fees, DRUGS),
        treatment=_of_classes(fees, frozenset({"treatment"})),
        material=_of_classes(fees, frozenset({"material"})),
        # 个人自付 holds the deductible and cannot be taken apart: the sum of the two is what formulas need.
        deductible=None if self_paid is None else 0,
        copayment=self_paid,
        own=own,
        fund=fund,
        others=others,
    )


def _of_classes(fees: tuple[FeeItem, ...] | None, classes: frozenset[FeeClass]) -> int | None:
    """Return the fees of some classes; one of an unknown class may belong to them, so nothing is known then."""
    if not fees or any(fee.fee_class is None and fee.amount for fee in fees):
        return None
    return sum(fee.amount for fee in fees if fee.fee_class in classes)


def _payers(given: ListNode) -> tuple[int | None, int | None]:
    """Return what the pool paid and what others did (supplements, aid, the hospital); unknown types leave both open."""
    rows = given.rows("payinfo")
    if rows is None:
        return None, None
    pool = others = 0
    for row in rows:
        kind, amount = row.text("fund_pay_type"), row.money("fund_payamt")
        if not amount:
            continue
        if kind is None or not kind.startswith((*_POOL, *_OTHERS, *_OWN_ACCOUNT)):
            return None, None
        pool += amount if kind.startswith(_POOL) else 0
        others += amount if kind.startswith(_OTHERS) else 0
    return (pool, others) if rows else (None, None)
