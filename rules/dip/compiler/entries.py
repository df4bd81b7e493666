"""The other tables to nouns: one reader for each."""

import re
from collections.abc import Callable, Container, Mapping
from typing import Any, Final, get_args

from rules.compiler.diagnostics import Report
from rules.compiler.drafts import RawRow
from rules.dip.codes import AuxiliaryType, ExclusionEffect, GroupClass
from rules.dip.compiler.catalogue import ATTRIBUTES
from rules.dip.compiler.cells import Cells
from rules.dip.compiler.codes import beginning
from rules.dip.compiler.drafts import Placed
from rules.dip.compiler.expressions import is_operation, short_operation
from rules.dip.model import (
    AuxiliaryRow,
    CciEntry,
    Coefficient,
    DiagnosisEntry,
    Exclusion,
    Limit,
    OperationEntry,
    PointValue,
    SeverityEntry,
    SeverityExclusion,
)
from rules.dip.normalise import diagnosis, operation

_SENT_OPERATION: Final = re.compile(r"\d\d\.[0-9A-Zx]+")
_SENT_DIAGNOSIS: Final = re.compile(r"[A-Z]\d[0-9A-Z]\S*")

Lists = Mapping[str, tuple[str, ...]]


def read_entry(table: str, raw: RawRow, columns: Container[str], lists: Lists, report: Report) -> Placed[Any] | None:
    """Return one row of a table as its noun; ``None`` after a fault."""
    cells = Cells(raw, columns, report)
    noun = READERS[table](cells, lists)
    return None if cells.broken or noun is None else Placed(raw.place, noun)


def _operation(cells: Cells, _lists: Lists) -> OperationEntry:
    return OperationEntry(
        code=cells.operation("code", family=True),
        name=cells.text("name"),
        attribute=cells.choice("attribute", ATTRIBUTES),
        level=cells.whole("level", low=1, high=4),
        incision=cells.whole("incision", high=3),
    )


def _diagnosis(cells: Cells, _lists: Lists) -> DiagnosisEntry:
    return DiagnosisEntry(code=cells.diagnosis("code"), name=cells.text("name"))


def _operation_pair(cells: Cells, _lists: Lists) -> tuple[str, str]:
    return cells.sent("from", operation, _SENT_OPERATION), cells.operation("to")


def _diagnosis_pair(cells: Cells, _lists: Lists) -> tuple[str, str]:
    return cells.sent("from", diagnosis, _SENT_DIAGNOSIS), cells.diagnosis("to")


def _excluded_diagnosis(cells: Cells, _lists: Lists) -> str:
    return cells.diagnosis("code", prefix=True)


def _exclusion(cells: Cells, lists: Lists) -> Exclusion:
    effect = cells.needed_choice("effect", get_args(ExclusionEffect))
    scope = cells.diagnoses("scope", lists)
    if bool(scope) != (effect == "within_scope") and not cells.broken:
        message = "`within_scope` names no diagnoses" if not scope else f"`{effect}` has no scope"
        cells.fault("scope", message, "diagnoses for which the operation may be the main one")
    return Exclusion(code=cells.operation("code"), effect=effect, scope=scope)


def _limit(cells: Cells, _lists: Lists) -> Limit:
    text = cells.needed("code")
    code = _beginning(text)
    if text and not code:
        cells.fault("code", f"`{text}` is no code", "first characters of a diagnosis or operation code", "INVALID_CODE")
    least, most = cells.age("min_age"), cells.age("max_age", last=True)
    cells.bounds("min_age", "max_age", least, most)
    sex = cells.choice("sex", ("male", "female"))
    if sex is None and least is None and most is None and not cells.broken:
        cells.fault("sex", "the row limits nothing", "fill in sex, min_age or max_age")
    return Limit(code=code, sex=sex, min_age_days=least, max_age_days=most)


def _beginning(text: str) -> str:
    """Return the beginning of a diagnosis or operation code in normal form; ``""`` if it is neither."""
    if text[:1].isdigit():
        code = short_operation(text)
        return code if is_operation(code) else ""
    try:
        return beginning(text)
    except ValueError:
        return ""


def _auxiliary(cells: Cells, lists: Lists) -> AuxiliaryRow:
    kind = cells.needed_choice("type", get_args(AuxiliaryType))
    others = cells.diagnoses("other_dx", lists)
    if kind == "secondary" and not others and "other_dx" not in cells.cells:
        message = f"`{cells.text('subtype')}` names no other diagnosis"
        help = "a `secondary` sub-type needs other_dx"
        cells.fault("other_dx", message, help, "SECONDARY_WITHOUT_DIAGNOSIS")
    return AuxiliaryRow(
        type=kind,
        subtype=cells.needed("subtype"),
        group=cells.text("group"),
        coefficient=cells.needed_number("coefficient"),
        other_diagnoses=others,
        group_cases=cells.whole("group_cases"),
        subtype_cases=cells.whole("subtype_cases"),
        variation_drop=cells.number("variation_drop", high=1),
    )


def _cci(cells: Cells, _lists: Lists) -> CciEntry:
    cells.needed("weight")
    weight = cells.whole("weight", low=1)
    return CciEntry(code=cells.diagnosis("code"), disease=cells.needed("disease"), weight=weight or 0)


def _severity(cells: Cells, _lists: Lists) -> SeverityEntry:
    severity = cells.needed_choice("severity", ("moderate", "severe"))
    return SeverityEntry(code=cells.diagnosis("code"), severity=severity, table=cells.text("table"))


def _severity_exclusion(cells: Cells, _lists: Lists) -> SeverityExclusion:
    return SeverityExclusion(code=cells.diagnosis("code", prefix=True), table=cells.needed("table"))


def _coefficient(cells: Cells, lists: Lists) -> Coefficient:
    first, last = cells.period()
    return Coefficient(
        coefficient=cells.needed_number("coefficient"),
        hospital=cells.text("hospital"),
        level=cells.whole("level", low=1, high=3),
        insurance=cells.text("insurance"),
        group=cells.text("group"),
        diagnoses=cells.diagnoses("dx", lists),
        kind=cells.choice("class", get_args(GroupClass)),
        valid_from=first,
        valid_to=last,
        source=cells.text("source"),
    )


def _point_value(cells: Cells, _lists: Lists) -> PointValue:
    first, last = cells.period()
    return PointValue(
        value=cells.needed_number("value"),
        use=cells.choice("use", ("budget", "settlement"), "budget"),
        insurance=cells.text("insurance"),
        place=cells.text("place"),
        valid_from=first,
        valid_to=last,
    )


READERS: Final[dict[str, Callable[[Cells, Lists], Any]]] = {
    "operations": _operation,
    "diagnoses": _diagnosis,
    "operation_map": _operation_pair,
    "diagnosis_map": _diagnosis_pair,
    "excluded_diagnoses": _excluded_diagnosis,
    "excluded_operations": _exclusion,
    "limits": _limit,
    "auxiliary": _auxiliary,
    "cci": _cci,
    "severity": _severity,
    "severity_exclusions": _severity_exclusion,
    "coefficients": _coefficient,
    "point_values": _point_value,
}
"""Table to the reader of its rows, in the order they are read."""
