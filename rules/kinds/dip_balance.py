"""Cost against the reference standard (单病种费用预警): what a stay has cost beside what its DIP group is worth.

It speaks once about the whole stay, after this order: what it cost before, what the order adds, and whether the sum
comes near the reference standard of the group or goes beyond it. That is for information; care follows the patient's
need (ruling 24).
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.dip.result import DipResult, Standing
from rules.kinds._contract import Quantity, RuleKind, Triggers
from rules.kinds._dip import (
    REFERENCE,
    DipRow,
    DipRule,
    DoctorLevel,
    dip_shared,
    group_words,
    grouped,
    heard,
    payer_unknown,
    share_words,
    yuan,
)
from rules.kinds._dip_specimens import STANDARD, a_stay
from rules.kinds._record import in_its_scene
from rules.kinds._text import number
from rules.kinds._view import View
from rules.model import UNIT, Draft, Encounter, Line, Missing


class BalanceRow(DipRow):
    """One line of ``dip_balance.csv``. Shares are of the reference standard: 0.9 is nine tenths of it."""

    approaching: Quantity = Field(default=0, ge=0, description="speaks from this share on; 0: never")
    exceeding: Quantity = Field(gt=0, description="speaks above this share; 1 is the standard itself")
    doctor_level: DoctorLevel = Field(
        default="info", description="the loudest that doctors, nurses and pharmacists hear it; coders hear `level`"
    )


class Balance(DipRule, frozen=True, kw_only=True):
    """Run form: shares of the reference standard in 1/10,000; no ``approaching`` is zero."""

    approaching: int
    exceeding: int


class Case(msgspec.Struct, frozen=True):
    """A priced stay before and after this order. Amounts in 1/10,000 yuan."""

    group: str
    before: int
    after: int
    standard_before: int
    standard: int
    payable: int | None
    """What is paid at this cost, where that is not the standard: after deviation."""
    balance: int | None
    estimated: bool
    cap: Level


def compile_row(row: BalanceRow) -> Balance:
    """Return the run form. Raises ``ValueError`` when coming near would be after going beyond."""
    if row.approaching >= row.exceeding:
        raise ValueError("approaching must be below exceeding")
    return Balance(**dip_shared(row), approaching=row.approaching, exceeding=row.exceeding)


def read(rule: Balance, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield the stay with its price, or what keeps it from being compared; nothing where the scheme has no price."""
    found = grouped(view)
    said = _compared(rule, found, view) if isinstance(found, DipResult) else found
    if said is not None:
        yield said


def _compared(rule: Balance, result: DipResult, view: View) -> Case | Missing | None:
    now, after = result.now, result.after
    if not after.standard:
        return _unpriced(after, view)
    if now.cost is None or after.cost is None:
        return Missing(fields=("visit.total_amount",))
    case = Case(
        group=group_words(result, after),
        before=now.cost,
        after=after.cost,
        standard_before=now.standard or after.standard,
        standard=after.standard,
        payable=after.payable if after.payable != after.standard else None,
        balance=after.balance,
        estimated=result.estimated,
        cap=heard(rule, view),
    )
    return (payer_unknown(result, view) if check(rule, case) is not None else None) or case


def _unpriced(standing: Standing, view: View) -> Missing | None:
    """Return what a group lacks of facts to be priced; nothing where it is the scheme that has no price."""
    reasons = standing.reasons
    if "score_absent" in reasons:
        return None
    if "level_absent" in reasons and view.encounter.facility.level is None:
        return Missing(fields=("facility.level",))
    if "point_value_absent" in reasons and view.encounter.visit.insurance is None:
        return Missing(fields=("visit.insurance",))
    return None


def check(rule: Balance, case: Case) -> Draft | None:
    """Speak of a stay that has come near its reference standard, or gone beyond the share of it that the row names."""
    if _beyond(rule, case.after, case.standard):
        already = _beyond(rule, case.before, case.standard_before)
        whole = "" if rule.exceeding == UNIT else f"的 {share_words(rule.exceeding, UNIT)}"
        place = f"{'此前已' if already else '本次后'}超出参考支付标准{whole}"
        return _draft(rule, case, "DIP_STANDARD_EXCEEDED", place)
    if rule.approaching and case.after * UNIT >= rule.approaching * case.standard:
        place = "接近" if case.after < case.standard else "已达"
        return _draft(rule, case, "DIP_STANDARD_APPROACHING", f"{place}参考支付标准")
    return None


def _beyond(rule: Balance, cost: int, standard: int) -> bool:
    return cost * UNIT > rule.exceeding * standard


def _draft(rule: Balance, case: Case, code: str, place: str) -> Draft:
    limit = f"参考支付标准 {yuan(case.standard)}"
    share = share_words(case.after, case.standard)
    present = f"{_cost(case)},为参考支付标准的 {share}"
    balance = () if case.balance is None else (("balance", number(case.balance)),)
    return Draft(
        code=code,
        message=f"【{rule.name}】{case.group},{limit};{present},{place}{_balance(case)};{REFERENCE}。",
        lines=(),
        limit=limit,
        present=present,
        allowed=REFERENCE,
        facts=(
            ("group", case.group),
            ("standard", number(case.standard)),
            ("cost_before", number(case.before)),
            ("cost", number(case.after)),
            ("share", share),
            *balance,
        ),
        cap=case.cap,
    )


def _cost(case: Case) -> str:
    order = case.after - case.before
    if not order:
        return f"住院费用 {yuan(case.after)}"
    return f"此前费用 {yuan(case.before)},本次 {yuan(order)},合计 {yuan(case.after)}"


def _balance(case: Case) -> str:
    if case.balance is None:
        return ""
    word = "结余" if case.balance >= 0 else "超支"
    deviated = "" if case.payable is None else f",按费用偏差参考支付 {yuan(case.payable)}"
    return f"{deviated},{'预估' if case.estimated else ''}{word} {yuan(abs(case.balance))}"


def _costing(rule: Balance, encounter: Encounter, cost: int) -> Encounter:
    return in_its_scene(rule, a_stay(encounter, cost=cost, over=False))


def _threshold(rule: Balance) -> tuple[int, int]:
    """Return the cost at which the row begins to speak, and the dearest at which it does not."""
    if not rule.approaching:
        quiet = STANDARD * rule.exceeding // UNIT
        return quiet + 1, quiet
    loud = -(-STANDARD * rule.approaching // UNIT)
    return loud, loud - 1


def witness(rule: Balance, encounter: Encounter) -> Encounter:
    """A stay that costs just so much of its standard that the row speaks."""
    return _costing(rule, encounter, _threshold(rule)[0])


def near_miss(rule: Balance, encounter: Encounter) -> Encounter:
    """A stay that costs the least part of a yuan less."""
    return _costing(rule, encounter, _threshold(rule)[1])


KIND = RuleKind(
    name="dip_balance",
    title="病种参考支付标准",
    codes=(
        ("DIP_STANDARD_APPROACHING", "接近参考支付标准"),
        ("DIP_STANDARD_EXCEEDED", "超出参考支付标准"),
    ),
    row=BalanceRow,
    rule=Balance,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
