"""Insurance limit (限工伤, 限生育保险, 限险种): an item that only work-injury, maternity or other insurance pays for.

No 险种 value says work injury, so an unmapped site is *not checked* (ruling 10). Maternity passes for med_type
51 / 52 / 53, for insurance 510, and with obstetric diagnoses, since maternity is merged with employee insurance. Any
other limit names its 险种 by code: 310 pays for employees only.
Where a message does not say who pays the line, the warning stays at ``warn`` (ruling 2).
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import positions, with_visit
from rules.kinds._reading import INSURANCES, called_insurance, grouped, maternity_unknown
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

FUNDS: Final = {"work_injury": "工伤保险", "maternity": "生育保险"}
_CODE: Final = re.compile(r"^\d{3}$")


class InsuranceRow(Row):
    """One line of ``insurance_limit.csv``."""

    insurance: Codes = Field(min_length=1, description="work_injury, maternity, or 险种 codes such as 310, that pay")


class InsuranceLimit(Rule, frozen=True, kw_only=True):
    """Run form: the fund that pays, or the 险种 that do."""

    insurance: tuple[str, ...]

    @property
    def fund(self) -> str | None:
        """``work_injury`` or ``maternity``; ``None`` for a limit by 险种."""
        return self.insurance[0] if self.insurance[0] in FUNDS else None


class Case(msgspec.Struct, frozen=True):
    """Whether the fund applies to this visit, and the lines with what is known of who pays them."""

    applies: bool
    insurance: str
    lines: tuple[int, ...]
    payer_known: bool


def compile_row(row: InsuranceRow) -> InsuranceLimit:
    """Return the run form. Raises ``ValueError`` for anything but one fund alone or codes."""
    alone = len(row.insurance) == 1 and row.insurance[0] in FUNDS
    if not alone and not all(_CODE.match(code) for code in row.insurance):
        raise ValueError("insurance is `work_injury` or `maternity` alone, or codes of three digits joined by |")
    return InsuranceLimit(**shared(row), insurance=row.insurance)


def read(rule: InsuranceLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case: the fund belongs to the visit."""
    applies = _applies(rule, view)
    if isinstance(applies, Missing):
        yield applies
        return
    for payer_known, group in grouped(lines, lambda line: line.self_paid is not None).items():
        yield Case(applies, view.encounter.visit.insurance or "", positions(group), payer_known)


def _applies(rule: InsuranceLimit, view: View) -> bool | Missing:
    """Say whether what pays for the item pays for this visit, or what is missing to tell."""
    visit = view.encounter.visit
    if rule.fund == "work_injury":
        return visit.work_injury if visit.work_injury is not None else Missing(fields=("visit.work_injury",))
    if rule.fund == "maternity":
        return view.maternity if view.maternity is not None else maternity_unknown(view)
    return visit.insurance in rule.insurance if visit.insurance else Missing(fields=("visit.insurance",))


def check(rule: InsuranceLimit, case: Case) -> Draft | None:
    """Fire when another insurance pays for this visit."""
    if case.applies:
        return None
    fund = FUNDS[rule.fund] if rule.fund else "或".join(called_insurance(code) for code in rule.insurance)
    present = called_insurance(case.insurance) if case.insurance else f"非{fund}"
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
    if rule.fund == "work_injury":
        return with_visit(encounter, work_injury=applies)
    paying = ("510",) if rule.fund == "maternity" else rule.insurance
    other = next(code for code in INSURANCES if code not in paying)
    return with_visit(encounter, insurance=paying[0] if applies else other)


KIND = RuleKind(
    name="insurance_limit",
    title="限险种",
    codes=(("INSURANCE_NOT_ELIGIBLE", "险种不符"),),
    row=InsuranceRow,
    rule=InsuranceLimit,
    compile=compile_row,
    read=read,
    check=check,
    witness=lambda rule, encounter: _fund(rule, encounter, applies=False),
    near_miss=lambda rule, encounter: _fund(rule, encounter, applies=True),
)
