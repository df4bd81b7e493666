"""National messages, step one: bytes to nodes, each with only the keys this dialect reads.

In: the body and its content type. Out: a ``Message`` and the charset to answer in. The fast decoder knows every
container shape that senders were seen to use, and never materialises an unread key. For any other shape it gives way
to the plain twin, which puts the whole decoded message into the same nodes, odd containers as they are, so that the
one reader complains about them in the caller's own field names. The leaves are ``Any`` on both paths: what a scalar
means is the reader's business. A key that occurs twice counts as its last occurrence, on both paths.
"""

import re
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from service.errors import INVALID, NOT_JSON, Fault, Problem


class Node(msgspec.Struct, gc=False):
    """One object of a message; an absent key reads ``None``."""


class Order(Node):
    """``fsi_order_dtos``: what rules and record need of the 34 fields, and the extra self-pay flag of S1."""

    rx_id: Any = None
    rxno: Any = None
    grpno: Any = None
    long_drord_flag: Any = None
    hilist_type: Any = None
    drord_bhvr: Any = None
    hilist_code: Any = None
    hilist_name: Any = None
    hilist_lv: Any = None
    hilist_dosform: Any = None
    hosplist_dosform: Any = None
    cnt: Any = None
    pric: Any = None
    sumamt: Any = None
    ownpay_amt: Any = None
    selfpay_amt: Any = None
    self_paying_flag: Any = None
    spec_unt: Any = None
    drord_begn_date: Any = None
    drord_stop_date: Any = None
    drord_dept_codg: Any = None
    drord_dr_codg: Any = None
    drord_dr_profttl: Any = None
    curr_drord_flag: Any = None


class Diagnose(Node):
    """``fsi_diagnose_dtos``."""

    maindise_flag: Any = None
    dise_codg: Any = None
    dise_name: Any = None


class Surgery(Node):
    """``fsi_operation_dtos``."""

    oprn_code: Any = None
    oprn_name: Any = None
    main_oprn_flag: Any = None
    oprn_date: Any = None


class Encounter(Node):
    """``fsi_encounter_dtos``."""

    mdtrt_id: Any = None
    medins_lv: Any = None
    adm_date: Any = None
    dscg_date: Any = None
    dscg_main_dise_codg: Any = None
    dscg_main_dise_name: Any = None
    dr_codg: Any = None
    adm_dept_codg: Any = None
    dscg_dept_codg: Any = None
    med_mdtrt_type: Any = None
    med_type: Any = None
    matn_stas: Any = None
    medfee_sumamt: Any = None
    insutype: Any = None
    out_setl_flag: Any = None
    fsi_diagnose_dtos: list[Diagnose] | Diagnose | str | None = None
    fsi_order_dtos: list[Order] | Order | str | None = None
    fsi_operation_dtos: list[Surgery] | Surgery | str | None = None


class Patient(Node):
    """``patient_dtos``."""

    patn_id: Any = None
    gend: Any = None
    brdy: Any = None
    curr_mdtrt_id: Any = None
    fsi_encounter_dtos: list[Encounter] | Encounter | str | None = None


class Warn(Node):
    """One entry of a 3103's ``warns``."""

    warn_rslt_id: Any = None
    dspo_way: Any = None
    dspo_way_rea: Any = None


class Data(Node):
    """``input.data`` of 3101, 3102 and 3103."""

    task_id: Any = None
    trig_scen: Any = None
    patient_dtos: list[Patient] | Patient | str | None = None
    warns: list[Warn] | Warn | str | None = None


class Input(Node):
    """``input``; one vendor family (S4) puts the nodes flat beside ``data``."""

    data: Data | str | None = None
    patient_dtos: list[Patient] | Patient | str | None = None
    fsi_encounter_dtos: list[Encounter] | Encounter | str | None = None
    fsi_diagnose_dtos: list[Diagnose] | Diagnose | str | None = None
    fsi_order_dtos: list[Order] | Order | str | None = None
    fsi_operation_dtos: list[Surgery] | Surgery | str | None = None
    warns: list[Warn] | Warn | str | None = None


class Message(Node):
    """The envelope."""

    infno: Any = None
    msgid: Any = None
    mdtrtarea_admvs: Any = None
    inf_time: Any = None
    fixmedins_code: Any = None
    insuplc_admdvs: Any = None
    input: Input | str | None = None


_INNER: Final[dict[type[Node], dict[str, type[Node]]]] = {
    Message: {"input": Input},
    Input: {
        "data": Data,
        "patient_dtos": Patient,
        "fsi_encounter_dtos": Encounter,
        "fsi_diagnose_dtos": Diagnose,
        "fsi_order_dtos": Order,
        "fsi_operation_dtos": Surgery,
        "warns": Warn,
    },
    Data: {"patient_dtos": Patient, "warns": Warn},
    Patient: {"fsi_encounter_dtos": Encounter},
    Encounter: {"fsi_diagnose_dtos": Diagnose, "fsi_order_dtos": Order, "fsi_operation_dtos": Surgery},
}
"""Where which node stands, for the twin; the fast decoder reads it from the types."""

T = TypeVar("T", bound=Node)
UTF_8: Final = "utf-8"
_BOM: Final = b"\xef\xbb\xbf"
_GB: Final = frozenset({"gbk", "gb18030", "gb2312", "cp936", "x-gbk"})
_FAST: Final = msgspec.json.Decoder(Message)
_PLAIN: Final = msgspec.json.Decoder()
# Untyped msgspec rather than orjson: orjson turns whole numbers beyond 64 bits into floats, and some ids are that long.


def decode(body: bytes, content_type: str) -> tuple[Message, str]:
    """Return the message and the charset it came in. Raises ``Problem`` when it is not a JSON object."""
    utf8, charset = to_utf8(body, content_type)
    try:
        return decode_fast(utf8), charset
    except RecursionError:
        raise Problem(NOT_JSON, "嵌套层数过多") from None
    except msgspec.MsgspecError:
        return decode_plainly(utf8), charset


def decode_fast(utf8: bytes) -> Message:
    """Return the keys that are read. Raises ``msgspec.MsgspecError`` for bad JSON *and* for unknown shapes."""
    return _FAST.decode(utf8)


def decode_plainly(utf8: bytes) -> Message:
    """Return a message of any shape: the twin of ``decode_fast``. Raises ``Problem``."""
    try:
        plain = _PLAIN.decode(utf8)
    except RecursionError:
        raise Problem(NOT_JSON, "嵌套层数过多") from None
    except msgspec.MsgspecError:
        raise Problem(NOT_JSON) from None
    if not isinstance(plain, dict):
        raise Problem(INVALID, faults=(Fault("body", "报文应为 JSON 对象"),))
    return shaped(Message, plain)


def shaped(kind: type[T], plain: dict[str, Any]) -> T:
    """Return the node of a plain object; whatever stands where a node should is kept as it is."""
    inner = _INNER.get(kind, {})
    return kind(
        **{
            key: _filled(inner[key], plain[key]) if key in inner else plain[key]
            for key in kind.__struct_fields__
            if key in plain
        }
    )


def _filled(kind: type[Node], value: Any) -> Any:
    if isinstance(value, dict):
        return shaped(kind, value)
    if isinstance(value, list):
        return [shaped(kind, item) if isinstance(item, dict) else item for item in value]
    return value


def to_utf8(body: bytes, content_type: str) -> tuple[bytes, str]:
    """Return the body as UTF-8 without a byte-order mark, and the charset it came in.

    A declared GB charset is believed; else bytes that are not UTF-8 are taken for GB18030 (DLL bridges send GBK and
    declare nothing). GB18030 contains GBK, so one decoder serves both.
    """
    declared = declared_charset(content_type)
    if declared != UTF_8:
        text = _decoded(body, "gb18030")
        if text is not None:
            return text.encode(), declared
    if body.startswith(_BOM):
        body = body[3:]
    if body.isascii() or _decoded(body, UTF_8) is not None:
        return body, UTF_8
    text = _decoded(body, "gb18030")
    if text is None:
        raise Problem(NOT_JSON, "编码既非 UTF-8 也非 GB18030")
    return text.encode(), "gb18030"


def _decoded(body: bytes, charset: str) -> str | None:
    try:
        return body.decode(charset)
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=256)
def declared_charset(content_type: str) -> str:
    """Return the GB charset a content type names, else UTF-8."""
    found = re.search(r"charset\s*=\s*[\"']?([\w-]{1,20})", content_type, re.IGNORECASE)
    name = found[1].lower() if found else UTF_8
    return name if name in _GB else UTF_8
