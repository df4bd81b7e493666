"""Visit-type limit (限就医方式): an item paid for only in in-patient, out-patient, emergency or pharmacy visits.

A visit whose scene and codes contradict each other is *not checked* (ruling 6). A visit satisfies ``emergency`` only
when the message says it was one; when it does not say and that would decide, the rule is *not checked*.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from pydantic import BeforeValidator, Field

from rules.codes import VisitType
from rules.kinds._contract import Row, RuleKind, shared, split_cell
from rules.kinds._edits import with_visit
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

Allowed = Literal["inpatient", "outpatient", "emergency", "pharmacy"]
WORDS: dict[Allowed, str] = {"inpatient": "住院", "outpatient": "门诊", "emergency": "急诊", "pharmacy": "药店购药"}


class VisitTypeRow(Row):
    """One line of ``visit_type_limit.csv``."""

    allow: Annotated[tuple[Allowed, ...], BeforeValidator(split_cell)] = Field(
        min_length=1, description="kinds of visit allowed"
    )


class VisitTypeLimit(Rule, frozen=True, kw_only=True):
    """Run form: the kinds of visit allowed."""

    allow: tuple[Allowed, ...]


class Case(msgspec.Struct, frozen=True):
    """The visit's type, whether it is an emergency, and the lines."""

    type: VisitType
    emergency: bool
    lines: tuple[int, ...]


def compile_row(row: VisitTypeRow) -> VisitTypeLimit:
    """Return the run form."""
    return VisitTypeLimit(**shared(row), allow=row.allow)


def read(rule: VisitTypeLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case: the type belongs to the visit."""
    visit = view.encounter.visit
    if visit.type_conflict:
        yield Missing(fields=("visit.type",), reason="conflict")
    elif visit.type is None:
        yield Missing(fields=("visit.type",))
    elif _needs_emergency(rule, visit.type) and visit.emergency is None:
        yield Missing(fields=("visit.emergency",))
    else:
        yield Case(visit.type, bool(visit.emergency), tuple(line.position for line in lines))


def _needs_emergency(rule: VisitTypeLimit, kind: VisitType) -> bool:
    return kind != "pharmacy" and "emergency" in rule.allow and kind not in rule.allow


def check(rule: VisitTypeLimit, case: Case) -> Draft | None:
    """Fire when this kind of visit is not allowed."""
    if case.type in rule.allow or (case.emergency and "emergency" in rule.allow):
        return None
    allowed = "或".join(WORDS[kind] for kind in rule.allow)
    present = "急诊" if case.emergency and case.type == "outpatient" else WORDS[case.type]
    return Draft(
        code="VISIT_TYPE_NOT_ALLOWED",
        message=f"【{rule.name}】限{allowed}使用方予支付,本次为{present}就诊;请更换项目,或经患者同意后自费。",
        lines=case.lines,
        limit=f"限{allowed}",
        present=present,
        allowed=allowed,
        facts=(("visit.type", case.type), ("visit.emergency", "1" if case.emergency else "0")),
    )


def witness(rule: VisitTypeLimit, encounter: Encounter) -> Encounter:
    """The first kind of visit that is not allowed."""
    other: VisitType = "outpatient" if "outpatient" not in rule.allow else "inpatient"
    if other in rule.allow:
        other = "pharmacy"
    return with_visit(encounter, type=other, type_conflict=False, emergency=False)


def near_miss(rule: VisitTypeLimit, encounter: Encounter) -> Encounter:
    """The first kind of visit that is allowed."""
    first = rule.allow[0]
    if first == "emergency":
        return with_visit(encounter, type="outpatient", type_conflict=False, emergency=True)
    return with_visit(encounter, type=first, type_conflict=False, emergency=False)


KIND = RuleKind(
    name="visit_type_limit",
    title="限就医方式",
    codes=(("VISIT_TYPE_NOT_ALLOWED", "就医方式不符"),),
    row=VisitTypeRow,
    rule=VisitTypeLimit,
    compile=compile_row,
    read=read,
    check=check,
    witness=witness,
    near_miss=near_miss,
)
