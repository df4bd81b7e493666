"""Insurance limit (限工伤 / 限生育保险): an item that only work-injury or maternity insurance pays for.

No 险种 value says work injury, so an unmapped site is *not checked* (ruling 10). Maternity passes for med_type
51 / 52 / 53, for insurance 510, and with obstetric diagnoses, since maternity is merged with employee insurance.
Where a message does not say who pays the line, the warning stays at ``warn`` (ruling 2).
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import with_visit
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

Fund = Literal["work_injury", "maternity"]
WORDS: dict[Fund, str] = {"work_injury": "工伤保险", "maternity": "生育保险"}
INSURANCES = {
    "310": "职工基本医疗保险",
    "340": "离休人员医疗保障",
    "390": "城乡居民基本医疗保险",
    "391": "城镇居民基本医疗保险",
    "510": "生育保险",
}


class InsuranceRow(Row):
    """One line of ``insurance_limit.csv``."""

    insurance: Fund = Field(description="the fund that pays")


class InsuranceLimit(Rule, frozen=True, kw_only=True):
    """Run form: the fund that pays."""

    insurance: Fund


class Case(msgspec.Struct, frozen=True):
    """Whether the fund applies to this visit, and the lines with what is known of who pays them."""

    applies: bool
    insurance: str
    lines: tuple[int, ...]
    payer_known: bool


def compile_row(row: InsuranceRow) -> InsuranceLimit:
    """Return the run form."""
    return InsuranceLimit(**shared(row), insurance=row.insurance)


def read(rule: InsuranceLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case: the fund belongs to the visit."""
    visit = view.encounter.visit
    injury = rule.insurance == "work_injury"
    applies = visit.work_injury if injury else view.maternity
    if applies is None:
        yield Missing(fields=("visit.work_injury",)) if injury else _unknown(view)
        return
    known = tuple(line for line in lines if line.self_paid is not None)
    unknown = tuple(line for line in lines if line.self_paid is None)
    for group, payer_known in ((known, True), (unknown, False)):
        if group:
            positions = tuple(line.position for line in group)
            yield Case(applies, visit.insurance or "", positions, payer_known)


def _unknown(view: View) -> Missing:
    """Return what could still make this a maternity visit."""
    visit = view.encounter.visit
    sent = (("visit.insurance", visit.insurance), ("visit.medical_type", visit.medical_type))
    absent = tuple(name for name, value in sent if value is None)
    return Missing(fields=absent) if absent or view.unread_diagnoses is None else view.unread_diagnoses


def check(rule: InsuranceLimit, case: Case) -> Draft | None:
    """Fire when another insurance pays for this visit."""
    if case.applies:
        return None
    fund = WORDS[rule.insurance]
    present = INSURANCES.get(case.insurance, f"险种 {case.insurance}" if case.insurance else f"非{fund}")
    cap: Level = "block" if case.payer_known else "warn"
    return Draft(
        code="INSURANCE_NOT_ELIGIBLE",
        message=f"【{rule.name}】限{fund}支付,本次就诊为{present};请更换项目,或经患者同意后自费。",
        lines=case.lines,
        limit=f"限{fund}",
        present=present,
        allowed=fund,
        facts=(("visit.insurance", case.insurance),),
        cap=cap,
    )


def _fund(rule: InsuranceLimit, encounter: Encounter, *, applies: bool) -> Encounter:
    if rule.insurance == "work_injury":
        return with_visit(encounter, work_injury=applies)
    return with_visit(encounter, insurance="510" if applies else "310")


KIND = RuleKind(
    name="insurance_limit",
    title="限工伤 / 生育保险",
    codes=(("INSURANCE_NOT_ELIGIBLE", "险种不符"),),
    row=InsuranceRow,
    rule=InsuranceLimit,
    compile=compile_row,
    read=read,
    check=check,
    witness=lambda rule, encounter: _fund(rule, encounter, applies=False),
    near_miss=lambda rule, encounter: _fund(rule, encounter, applies=True),
)
