"""Visit-type limit (限就医方式): an item for some kinds of visit only (``allow``), or not for some (``deny``).

A visit whose scene and codes contradict each other is *not checked* (ruling 6). A visit satisfies ``emergency`` only
when the message says it was one; when it does not say and that would decide, the rule is *not checked*. An online visit
(互联网诊疗) is an out-patient one that says so; ``always_sent`` tells what it means when a message does not say.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec
from pydantic import BeforeValidator, Field

from rules.codes import VisitType
from rules.kinds._contract import Row, RuleKind, shared, split_cell
from rules.kinds._edits import positions, with_visit
from rules.kinds._reading import ALWAYS_SENT, or_self_pay
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule, Visit

Allowed = Literal["inpatient", "outpatient", "emergency", "pharmacy"]
Denied = Literal["inpatient", "outpatient", "emergency", "pharmacy", "internet"]
WORDS: Final[dict[str, str]] = {
    "inpatient": "住院",
    "outpatient": "门诊",
    "emergency": "急诊",
    "pharmacy": "药店购药",
    "internet": "互联网诊疗",
}
INTERNET: Final = ("visit.internet",)
TYPES: Final[tuple[VisitType, ...]] = ("outpatient", "inpatient", "pharmacy")


class VisitTypeRow(Row):
    """One line of ``visit_type_limit.csv``."""

    allow: Annotated[tuple[Allowed, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="the only kinds of visit allowed"
    )
    deny: Annotated[tuple[Denied, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="kinds of visit not allowed"
    )
    always_sent: bool = Field(default=True, description=f"for `internet`; {ALWAYS_SENT}")


class VisitTypeLimit(Rule, frozen=True, kw_only=True):
    """Run form: the kinds of visit allowed, or not."""

    allow: tuple[Allowed, ...]
    deny: tuple[Denied, ...]
    always_sent: bool


class Case(msgspec.Struct, frozen=True):
    """The visit's type, whether it is an emergency, the kind of it that is denied, and the lines."""

    type: str
    emergency: bool
    denied: Denied | None
    lines: tuple[int, ...]


def compile_row(row: VisitTypeRow) -> VisitTypeLimit:
    """Return the run form. Raises ``ValueError`` unless exactly one list is filled and some visit is left."""
    if bool(row.allow) == bool(row.deny):
        raise ValueError("fill either allow or deny")
    if set(TYPES) <= set(row.deny):
        raise ValueError("deny leaves no kind of visit; an item nobody pays for is another kind of rule")
    return VisitTypeLimit(**shared(row), allow=row.allow, deny=row.deny, always_sent=row.always_sent)


def read(rule: VisitTypeLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case: the type belongs to the visit."""
    visit = view.encounter.visit
    emergency = visit.emergency is True
    if rule.deny:
        found = _denied(rule, visit)
        yield found if isinstance(found, Missing) else Case(visit.type or "", emergency, found, positions(lines))
    elif visit.type_conflict or visit.type is None:
        yield _untold(visit)
    elif _needs_emergency(rule, visit.type) and visit.emergency is None:
        yield Missing(fields=("visit.emergency",))
    else:
        yield Case(visit.type, emergency, None, positions(lines))


def _untold(visit: Visit) -> Missing:
    """Return why the visit's type is not known."""
    return Missing(fields=("visit.type",), reason="conflict" if visit.type_conflict else "missing")


def _needs_emergency(rule: VisitTypeLimit, kind: VisitType) -> bool:
    return kind != "pharmacy" and "emergency" in rule.allow and kind not in rule.allow


def _denied(rule: VisitTypeLimit, visit: Visit) -> Denied | Missing | None:
    """Return the first denied kind that the visit surely is, else what is missing to tell, else nothing."""
    found = {kind: _is(kind, visit) for kind in rule.deny}
    if True in found.values():
        return next(kind for kind, answer in found.items() if answer is True)
    unknown = [answer for answer in found.values() if isinstance(answer, Missing)]
    return next((answer for answer in unknown if rule.always_sent or answer.fields != INTERNET), None)


def _is(kind: Denied, visit: Visit) -> bool | Missing:
    """Say whether a visit is of a kind, or what is missing to tell."""
    if kind == "internet":
        return _is_online(visit)
    if visit.type_conflict or visit.type is None:
        return _untold(visit)
    if kind != "emergency":
        return visit.type == kind
    if visit.type != "outpatient":
        return False
    return visit.emergency if visit.emergency is not None else Missing(fields=("visit.emergency",))


def _is_online(visit: Visit) -> bool | Missing:
    """Nobody is in a ward, a pharmacy or an emergency room online; of other visits the flag must say so."""
    if visit.internet is not None:
        return visit.internet
    present = visit.type in {"inpatient", "pharmacy"} and not visit.type_conflict
    return False if present or visit.emergency else Missing(fields=INTERNET)


def check(rule: VisitTypeLimit, case: Case) -> Draft | None:
    """Fire when this kind of visit is denied, or is not one of those allowed."""
    if rule.deny:
        return _refusal(rule, case, case.denied) if case.denied is not None else None
    if case.type in rule.allow or (case.emergency and "emergency" in rule.allow):
        return None
    allowed = "或".join(WORDS[kind] for kind in rule.allow)
    present = "急诊" if case.emergency and case.type == "outpatient" else WORDS[case.type]
    pays = "方予支付" if rule.scope == "payment" else ""
    return Draft(
        code="VISIT_TYPE_NOT_ALLOWED",
        message=f"【{rule.name}】限{allowed}使用{pays},本次为{present}就诊;请更换项目{or_self_pay(rule)}。",
        lines=case.lines,
        limit=f"限{allowed}",
        present=present,
        allowed=allowed,
        facts=_facts(case),
    )


def _refusal(rule: VisitTypeLimit, case: Case, denied: Denied) -> Draft:
    limit = f"{'、'.join(WORDS[kind] for kind in rule.deny)}不得使用"
    return Draft(
        code="VISIT_TYPE_NOT_ALLOWED",
        message=f"【{rule.name}】{limit},本次为{WORDS[denied]};请更换项目或改换就医方式{or_self_pay(rule)}。",
        lines=case.lines,
        limit=limit,
        present=WORDS[denied],
        allowed=f"{'、'.join(WORDS[kind] for kind in rule.deny)}以外的就医方式",
        facts=(*_facts(case), ("visit.denied", denied)),
    )


def _facts(case: Case) -> tuple[tuple[str, str], ...]:
    return (("visit.type", case.type), ("visit.emergency", "1" if case.emergency else "0"))


def witness(rule: VisitTypeLimit, encounter: Encounter) -> Encounter:
    """The first kind of visit that is not allowed."""
    if rule.deny:
        return _visit(encounter, rule.deny[0])
    other = next((kind for kind in ("outpatient", "inpatient") if kind not in rule.allow), "pharmacy")
    return _visit(encounter, other)


def near_miss(rule: VisitTypeLimit, encounter: Encounter) -> Encounter:
    """The first kind of visit that is allowed."""
    left = rule.allow or tuple(kind for kind in TYPES if kind not in rule.deny)
    return _visit(encounter, left[0])


def _visit(encounter: Encounter, kind: str) -> Encounter:
    type = "outpatient" if kind in {"emergency", "internet"} else kind
    online, emergency = kind == "internet", kind == "emergency"
    return with_visit(encounter, type=type, type_conflict=False, emergency=emergency, internet=online)


def rest(rule: VisitTypeLimit, encounter: Encounter) -> Encounter:
    """An in-patient is at rest unless the rule denies just that."""
    return near_miss(rule, encounter) if rule.allow or "inpatient" in rule.deny else encounter


KIND = RuleKind(
    name="visit_type_limit",
    title="限就医方式",
    codes=(("VISIT_TYPE_NOT_ALLOWED", "就医方式不符"),),
    row=VisitTypeRow,
    rule=VisitTypeLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "safety"),
    witness=witness,
    near_miss=near_miss,
    rest=rest,
)
