"""Money of one pool of cases, and of all pools together: standards, prepayment, clearing, effects (dip facts 5).

In: the placed cases of a pool and the value of its points. Out: a ``Pool`` whose sums each say which cases they lack.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec.structs import replace

from rules.dip import tallying
from rules.dip.amounts import in_yuan, money, rounded, usable_cost, usable_money
from rules.dip.clearing import assessment_coefficient, banded, prepayment
from rules.dip.codes import FundFormula
from rules.dip.directory import Directory
from rules.dip.model import Case, PaymentRules
from rules.dip.payment import FUND, Use, point_value
from rules.dip.settled import Clearing, Counts, Effects, LeftOut, Pool, PoolTerms, Prepayment, Sum
from rules.dip.tallying import Placed

SHARE_DECIMALS: Final = 4


class PointValues:
    """The scheme's point values, each looked up once for an insurance, an insured place and a day of discharge."""

    __slots__ = ("_known", "_scheme")

    def __init__(self, directory: Directory) -> None:
        self._scheme = directory.scheme
        self._known: dict[tuple[str | None, str | None, date | None, Use], Decimal | None] = {}

    def of(self, case: Case, use: Use) -> Decimal | None:
        """Return yuan per point for a case."""
        key = (case.insurance, case.place, case.discharged, use)
        if key not in self._known:
            self._known[key] = point_value(case, self._scheme, use, case.discharged)
        return self._known[key]


class Terms(NamedTuple):
    """What holds for the whole settlement; ``settle`` says what each means."""

    directory: Directory
    values: PointValues
    pools: tuple[PoolTerms, ...]
    budget_value: Decimal | None
    score: Decimal | None
    deductions: int
    advance: int
    prepaid: int
    care_cost: int | None
    fund_ratio: Decimal | None
    formula: FundFormula
    base_score: Decimal

    @property
    def rules(self) -> PaymentRules:
        """Return the scheme's rules of payment."""
        return self.directory.scheme.payment


class Value(NamedTuple):
    """A pool's settlement value; ``fixed`` where the fund's money says what it is, else the scheme's rows say."""

    value: Decimal | None = None
    fixed: bool = False
    notes: tuple[str, ...] = ()


def budget_of(one: Placed, terms: Terms) -> Decimal | None:
    """Return the budget's point value for a case."""
    if terms.budget_value is not None:
        return terms.budget_value
    return terms.values.of(one.case, "budget")


def one_value(values: Iterable[Decimal | None]) -> Decimal | None:
    """Return the value that all have."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def pool(placed: Sequence[Placed], value: Value, terms: Terms) -> Pool:
    """Settle the cases of one pool."""
    settled, left_out = tallying.split(placed)
    finals = {one.position: _final(one, value, terms) for one in settled}
    budgets = {one.position: budget_of(one, terms) for one in settled}
    standards = {one.position: _standard(one, finals[one.position], terms) for one in settled}
    planned = {one.position: _standard(one, budgets[one.position], terms) for one in settled}
    own = tallying.own_deductions(settled)
    fund = _sum(settled, lambda one: _fund(one, planned[one.position], terms.rules.fund, terms))
    year = _clearing(settled, standards, own, terms)
    return Pool(
        insurance=placed[0].case.insurance or None,
        place=placed[0].case.place or None,
        counts=_counts(placed, settled, left_out, terms),
        budget_value=one_value(budgets.values()),
        settlement_value=one_value(finals.values()),
        standard=_sum(settled, lambda one: standards[one.position]),
        budget_standard=_sum(settled, lambda one: planned[one.position]),
        reimbursed=_sum(settled, lambda one: _fund(one, standards[one.position], "reimbursed", terms)),
        month=prepayment(fund, terms.rules, own),
        year=year,
        effects=_effects(*_surplus(settled, standards), year, None),
        notes=(*value.notes, *_notes(finals, budgets, fund, year)),
    )


def overall(placed: Sequence[Placed], pools: Sequence[Pool], terms: Terms) -> Pool:
    """Add the pools up, and set against them what concerns the hospital as a whole.

    What is deducted from the whole lowers what is paid, not the deposit.
    """
    settled, left_out = tallying.split(placed)
    paying = [one for one in pools if one.counts.settled]
    year = _whole_year([one.year for one in paying], terms)
    surpluses = [one.effects.surplus for one in paying if one.effects.surplus is not None]
    return Pool(
        counts=_counts(placed, settled, left_out, terms),
        budget_value=one_value(one.budget_value for one in paying),
        settlement_value=one_value(one.settlement_value for one in paying),
        standard=_added(one.standard for one in paying),
        budget_standard=_added(one.budget_standard for one in paying),
        reimbursed=_added(one.reimbursed for one in paying),
        month=_whole_month([one.month for one in paying], terms),
        year=year,
        effects=_effects(
            sum(surpluses) if surpluses else None,
            sum(one.effects.surplus_cases for one in paying),
            year,
            terms.care_cost,
        ),
        notes=tuple(dict.fromkeys(note for one in pools for note in one.notes)),
    )


def _final(one: Placed, value: Value, terms: Terms) -> Decimal | None:
    """Return the settlement value of a point for a case."""
    if value.fixed:
        return value.value
    return terms.values.of(one.case, "settlement")


def _counts(placed: Sequence[Placed], settled: Sequence[Placed], left_out: tuple[LeftOut, ...], terms: Terms) -> Counts:
    grouped, discharges = tallying.grouped(placed)
    return Counts(
        cases=len(placed),
        settled=len(settled),
        left_out=left_out,
        points=tallying.total(settled),
        parts=tallying.parts(settled),
        mean_points=tallying.mean_points(settled),
        cmi=tallying.case_mix(settled, terms.base_score),
        grouped=grouped,
        discharges=discharges,
        grouping_rate=_share(grouped, discharges),
        cost=_sum(settled, lambda one: usable_cost(one.case.cost)),
    )


# Amounts of one case


def _standard(one: Placed, value: Decimal | None, terms: Terms) -> int | None:
    """Return 支付标准 at a value: points x value (K26), or the cost where that is what is paid."""
    counted = one.assessed.points
    if counted.pays_actual_cost:
        cost = usable_cost(one.case.cost)
        return None if cost is None else money(in_yuan(cost), terms.rules.decimals)
    if counted.points is None or value is None:
        return None
    return money(counted.points * value, terms.rules.decimals)


def _fund(one: Placed, standard: int | None, formula: FundFormula, terms: Terms) -> int | None:
    """Return the fund's share of a standard; the settlement's own fund ratio stands in for the case's."""
    if standard is None:
        return None
    if formula == "times_fund_ratio" and terms.fund_ratio is not None:
        share: Decimal | None = in_yuan(standard) * terms.fund_ratio
    else:
        share, _ = FUND[formula](one.case, in_yuan(standard))
    if share is None:
        return None
    return money(share if terms.rules.fund_may_be_negative else max(share, Decimal(0)), terms.rules.decimals)


def _recorded(one: Placed, terms: Terms) -> int | None:
    """Return the fund's part of the actual cost (基金记账)."""
    paid, cost = usable_money(one.case.fund_paid), usable_cost(one.case.cost)
    if paid is not None or terms.fund_ratio is None or cost is None:
        return paid
    return money(in_yuan(cost) * terms.fund_ratio, terms.rules.decimals)


# Sums


def _sum(placed: Iterable[Placed], amount: Callable[[Placed], int | None]) -> Sum:
    known: list[int] = []
    absent: list[int] = []
    for one in placed:
        found = amount(one)
        if found is None:
            absent.append(one.position)
        else:
            known.append(found)
    return Sum(amount=sum(known), cases=len(known), absent=tuple(absent))


def _added(sums: Iterable[Sum]) -> Sum:
    given = list(sums)
    return Sum(
        amount=sum(one.amount for one in given),
        cases=sum(one.cases for one in given),
        absent=tuple(sorted(position for one in given for position in one.absent)),
    )


def _surplus(settled: Sequence[Placed], standards: dict[int, int | None]) -> tuple[int | None, int]:
    """Return standard - cost over the cases for which both are known (O11), and how many they are."""
    both = [
        standard - cost
        for one in settled
        if (standard := standards[one.position]) is not None and (cost := usable_cost(one.case.cost)) is not None
    ]
    return (sum(both) if both else None), len(both)


# The month and the year


def _whole_month(months: Sequence[Prepayment], terms: Terms) -> Prepayment:
    whole = Prepayment(
        fund=_added(one.fund for one in months),
        ratio=terms.rules.prepay_ratio,
        deductions=sum(one.deductions for one in months) + terms.deductions,
        advance=terms.advance,
    )
    known = [(one.prepayment, one.deposit) for one in months if one.prepayment is not None and one.deposit is not None]
    if len(known) < len(months):
        return whole
    prepaid = sum(one for one, _ in known) - terms.deductions
    deposit = sum(one for _, one in known)
    return replace(whole, prepayment=prepaid, deposit=deposit, paid=prepaid - deposit)


def _clearing(settled: Sequence[Placed], standards: dict[int, int | None], own: int, terms: Terms) -> Clearing:
    """Return a pool's clearing: payable, banded, x assessment coefficient - the cases' own deductions."""
    rules = terms.rules
    shares = {one.position: _fund(one, standards[one.position], terms.formula, terms) for one in settled}
    payable = _sum(settled, lambda one: shares[one.position])
    recorded = _sum((one for one in settled if shares[one.position] is not None), lambda one: _recorded(one, terms))
    unknown = bool(payable.absent) and not payable.cases
    compared = not unknown and not recorded.absent and bool(rules.bands)
    band = banded(recorded.amount, payable.amount, rules.bands, rules.decimals) if compared else None
    amount = payable.amount if not unknown and not rules.bands else band.amount if band else None
    coefficient = assessment_coefficient(terms.score, rules.assessment)
    due = None
    if amount is not None and coefficient is not None:
        due = money(in_yuan(amount) * coefficient, rules.decimals) - own
    return Clearing(
        formula=terms.formula,
        payable=payable,
        recorded=recorded,
        band=band,
        banded=amount,
        coefficient=coefficient,
        deductions=own,
        due=due,
        balance=due,
    )


def _whole_year(years: Sequence[Clearing], terms: Terms) -> Clearing:
    dues = [one.due for one in years if one.due is not None]
    amounts = [one.banded for one in years if one.banded is not None]
    due = sum(dues) - terms.deductions if len(dues) == len(years) else None
    return Clearing(
        formula=terms.formula,
        payable=_added(one.payable for one in years),
        recorded=_added(one.recorded for one in years),
        banded=sum(amounts) if len(amounts) == len(years) else None,
        coefficient=assessment_coefficient(terms.score, terms.rules.assessment),
        deductions=sum(one.deductions for one in years) + terms.deductions,
        due=due,
        prepaid=terms.prepaid,
        advance=terms.advance,
        balance=None if due is None else due - terms.prepaid - terms.advance,
    )


def _effects(surplus: int | None, cases: int, year: Clearing, care_cost: int | None) -> Effects:
    """Return what the clearing means; the fund's money is compared with the fund's part of the charges (K33-K35)."""
    if year.due is None:
        return Effects(surplus=surplus, surplus_cases=cases)
    charged = year.recorded.amount if year.recorded.cases and not year.recorded.absent else None
    return Effects(
        surplus=surplus,
        surplus_cases=cases,
        fund_surplus=None if charged is None else year.due - charged,
        cost_view=_share(year.due, care_cost or 0),
        charge_view=_share(year.due, charged or 0),
    )


def _share(part: int, whole: int) -> Decimal | None:
    return rounded(Decimal(part) / whole, SHARE_DECIMALS) if whole > 0 else None


def _notes(
    finals: dict[int, Decimal | None], budgets: dict[int, Decimal | None], fund: Sum, year: Clearing
) -> Iterable[str]:
    """Yield what keeps an amount from being known or whole."""
    without = sum(value is None for value in finals.values())
    if without:
        yield f"{without} 例没有结算点值。"
    planless = sum(value is None for value in budgets.values())
    if planless:
        yield f"{planless} 例没有预算点值。"
    if len(fund.absent) > planless:
        yield f"{len(fund.absent) - planless} 例缺患者负担等信息,未计入月预结算。"
    if len(year.payable.absent) > without:
        yield f"{len(year.payable.absent) - without} 例缺基金支付比例等信息,未计入年度清算。"
    if year.recorded.absent:
        yield f"{len(year.recorded.absent)} 例缺基金记账金额,不能与应付金额比较。"
    elif year.banded is None and year.payable.cases:
        yield "实际与应付金额之比不在任何分担档内。"
    if year.coefficient is None:
        yield "缺年度考核得分或得分低于各档,清算金额不能确定。"
