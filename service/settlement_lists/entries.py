"""Settlement lists: diagnoses and operations, main ones first, what does not group left out and named.

Source: national interface section 5: ``diag_type`` has two lists in use, so ``maindiag_flag`` decides first.
"""

from typing import Final

from rules.codings import diagnosis_code
from rules.dip.quality_facts import Admission, RecordDiagnosis, RecordOperation
from service.settlement_lists.nodes import ListNode

_ADMISSION: Final[dict[str, Admission]] = {
    "1": "present",
    "有": "present",
    "2": "undetermined",
    "临床未确定": "undetermined",
    "3": "unknown",
    "情况不明": "unknown",
    "4": "absent",
    "无": "absent",
}
_MAIN: Final = {"1": True, "M": True, "0": False, "O": False, "2": False}
_NO_DIAGNOSIS: Final = {"3": "中医诊断", "4": "中医证候或手术操作", "5": "按病种付费病种"}
"""``diag_type`` that is no western diagnosis in either list."""
_NO_ANAESTHESIA: Final = frozenset({"无", "无麻醉", "未麻醉"})

Diagnoses = tuple[RecordDiagnosis, ...]
Operations = tuple[RecordOperation, ...]


def read_diagnoses(given: ListNode) -> tuple[Diagnoses | None, tuple[str, ...], int | None]:
    """Return western diagnoses, principal first; what was left out; and how many entries there were."""
    rows = given.rows("diseinfo")
    if rows is None:
        return None, (), None
    kept: list[tuple[RecordDiagnosis, str]] = []
    left_out: list[str] = []
    entries = 0
    for at, row in enumerate(rows):
        code, name = row.text("diag_code", "dise_code"), row.text("diag_name", "dise_name") or ""
        if code is None and not name:
            continue
        entries += 1
        kind = (row.text("diag_type") or "").lstrip("0")
        why = _left_out(code or "", kind)
        if why:
            left_out.append(f"{row.path}:{why},不参与入组")
            continue
        kept.append((_diagnosis(row, at, code or "", name), kind))
    return _principal_first(kept), tuple(left_out), entries


def _left_out(code: str, kind: str) -> str:
    """Say why an entry is no western diagnosis. Type 2 is one or the other: the shape of the code tells."""
    if kind in _NO_DIAGNOSIS:
        return _NO_DIAGNOSIS[kind]
    return "中医诊断" if code and diagnosis_code(code)[1] == "tcm" else ""


def _diagnosis(row: ListNode, at: int, code: str, name: str) -> RecordDiagnosis:
    return RecordDiagnosis(
        code=code,
        name=name,
        admission=_admission(row),
        main=_MAIN.get((row.text("maindiag_flag") or "").upper()),
        at=at,
    )


def _admission(row: ListNode) -> Admission | None:
    """Read 入院病情, where 无 is an answer and no blank."""
    for key in ("adm_cond_type", "adm_cond"):
        if row.plain(key) == "无":
            return "absent"
    return _ADMISSION.get((row.text("adm_cond_type", "adm_cond") or "").lstrip("0"))


def _principal_first(kept: list[tuple[RecordDiagnosis, str]]) -> Diagnoses:
    """Mark the principal diagnosis and put it first.

    The first flagged one; else the only one of type 1 where others are of type 2 (the list that calls them 西医主要 and
    西医其他); else, where nobody flags anything, the first (dip facts 2.2). A list that flags every one *not* main has
    no principal diagnosis: choosing one would be a guess.
    """
    found = [diagnosis for diagnosis, _ in kept]
    at = next((place for place, diagnosis in enumerate(found) if diagnosis.main), None)
    if at is None:
        first = [place for place, (_, kind) in enumerate(kept) if kind == "1"]
        if len(first) == 1 and any(kind == "2" for _, kind in kept):
            at = first[0]
        elif found and all(diagnosis.main is None for diagnosis in found):
            at = 0
    if at is None:
        return tuple(found)
    principal = found.pop(at)
    marked = RecordDiagnosis(
        code=principal.code, name=principal.name, admission=principal.admission, main=True, at=principal.at
    )
    return (marked, *found)


def read_operations(given: ListNode) -> tuple[Operations | None, tuple[str, ...], int | None]:
    """Return operations, main one first; what was left out; and how many entries there were."""
    rows = given.rows("oprninfo")
    if rows is None:
        return None, (), None
    found: list[RecordOperation] = []
    left_out: list[str] = []
    for at, row in enumerate(rows):
        operation = _operation(row, at)
        if operation is None:
            continue
        if not operation.code:
            left_out.append(f"{row.path}:手术操作无编码,不参与入组")
        found.append(operation)
    found.sort(key=lambda operation: operation.main is not True)
    return tuple(found), tuple(left_out), len(found)


def _operation(row: ListNode, at: int) -> RecordOperation | None:
    code, name = row.text("oprn_oprt_code"), row.text("oprn_oprt_name") or ""
    began = row.when("oprn_oprt_begntime", "oprn_oprt_date")
    ended = row.when("oprn_oprt_endtime")
    anaesthesia = row.plain("anst_way")
    kind = (row.text("oprn_oprt_type") or "").lstrip("0")
    surgeon = row.text("oper_dr_code", "oper_dr_name") is not None
    anaesthetist = row.text("anst_dr_code", "anst_dr_name") is not None
    if code is None and not name:
        return None
    return RecordOperation(
        code=code or "",
        name=name,
        main={"1": True, "2": False}.get(kind),
        began=began[0] if began else None,
        ended=ended[0] if ended else None,
        timed=bool(began and began[1] and (ended is None or ended[1])),
        surgeon=surgeon,
        anaesthesia="" if anaesthesia in _NO_ANAESTHESIA else row.text("anst_way"),
        anaesthetist=anaesthetist,
        at=at,
    )
