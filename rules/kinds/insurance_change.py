"""Change of insurance (费别变更): the visit is insured otherwise than it was registered with.

Checklist B5 and E3. A prompt about the visit, brought up by every encounter; it names no line, since no order is at
fault. Most senders do not keep what a visit was registered with; a row says so by ``always_sent`` false.
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, Triggers, shared
from rules.kinds._edits import with_visit
from rules.kinds._reading import ALWAYS_SENT, called_insurance
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule


class ChangeRow(Row):
    """One line of ``insurance_change.csv``."""

    items: Codes = ()
    always_sent: bool = Field(default=True, description=ALWAYS_SENT)


class InsuranceChange(Rule, frozen=True, kw_only=True):
    """Run form: whether an absent former insurance is *not checked*."""

    always_sent: bool


class Case(msgspec.Struct, frozen=True):
    """险种 at registration and now."""

    before: str
    now: str


def compile_row(row: ChangeRow) -> InsuranceChange:
    """Return the run form."""
    return InsuranceChange(**shared(row), always_sent=row.always_sent)


def read(rule: InsuranceChange, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the visit."""
    before, now = view.encounter.visit.insurance_before, view.encounter.visit.insurance
    if before is not None and now is not None:
        yield Case(before, now)
    elif before is not None:
        yield Missing(fields=("visit.insurance",))
    elif rule.always_sent:
        yield Missing(fields=("visit.insurance_before",))


def check(rule: InsuranceChange, case: Case) -> Draft | None:
    """Fire when the two differ."""
    if case.before == case.now:
        return None
    before, now = called_insurance(case.before), called_insurance(case.now)
    return Draft(
        code="INSURANCE_CHANGED",
        message=f"【{rule.name}】本次就诊登记时为{before},现为{now};请核对参保信息,已开医嘱按现费别重新审核。",
        lines=(),
        limit=f"登记时为{before}",
        present=now,
        allowed="核对参保信息",
        facts=(("visit.insurance_before", case.before), ("visit.insurance", case.now)),
    )


def witness(rule: InsuranceChange, encounter: Encounter) -> Encounter:
    """Registered as a resident, now insured as an employee, or the other way round."""
    now = encounter.visit.insurance
    return with_visit(encounter, insurance_before="310" if now == "390" else "390", insurance=now or "310")


def near_miss(rule: InsuranceChange, encounter: Encounter) -> Encounter:
    """Registered with what insures the visit now."""
    now = encounter.visit.insurance or "310"
    return with_visit(encounter, insurance_before=now, insurance=now)


KIND = RuleKind(
    name="insurance_change",
    title="费别变更",
    codes=(("INSURANCE_CHANGED", "费别变更"),),
    row=ChangeRow,
    rule=InsuranceChange,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
