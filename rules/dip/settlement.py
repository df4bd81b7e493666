"""Settlement of a set of cases: points, the value of a point, a month's prepayment and a year's clearing (dip facts 5).

In: assessed cases of one hospital and what the fund says. Out: a ``Settlement`` by pool (insurance and insured place)
and overall. Every case is settled or left out with its reason, and every sum says how many cases it is over. A
standard is a reference for the accounts, never a cap on a patient's care (ruling 24).
"""

from collections.abc import Sequence
from decimal import Decimal

from rules.dip import tallying
from rules.dip.amounts import rounded, usable_cost, usable_number
from rules.dip.clearing import VALUE_DECIMALS, exact_value, floating_value
from rules.dip.codes import FundFormula
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.dip.reckoning import PointValues, Terms, Value, budget_of, one_value, overall, pool
from rules.dip.reviewing import approved_coefficient
from rules.dip.settled import PoolTerms, ReviewCandidate, ReviewPlan, Settlement
from rules.dip.tallying import Placed


def settle(
    cases: Sequence[tuple[Case, Assessed]],
    directory: Directory,
    *,
    budget: int | None = None,
    total_region_points: Decimal | None = None,
    pools: tuple[PoolTerms, ...] = (),
    budget_value: Decimal | None = None,
    assessment_score: Decimal | None = None,
    deductions: int = 0,
    advance: int = 0,
    prepaid: int = 0,
    care_cost: int | None = None,
    fund_ratio: Decimal | None = None,
    formula: FundFormula = "times_fund_ratio",
    base_score: Decimal = Decimal(1000),
) -> Settlement:
    """Settle assessed cases of one hospital and period.

    ``budget`` is what one fund has for all of them and ``total_region_points`` what shares it (without a budget it is
    not read); ``pools`` say the same of the fund of an insurance or a place, and come before it. Without the region's
    points the cases are taken to be all of the region (a note says so); without any fund the scheme's
    settlement values hold. ``budget_value`` stands in for the scheme's. ``deductions`` come on top of the cases' own.
    ``advance`` and ``prepaid`` are what the hospital has received, ``care_cost`` what care cost it. ``fund_ratio`` is
    the fund's share of the cost for all cases; without it each case has its own. ``base_score`` is the score of a case
    of average cost (dip facts 4.1).
    """
    offered = (*pools, PoolTerms(fund=budget, region_points=total_region_points)) if budget is not None else pools
    terms = Terms(
        directory,
        PointValues(directory),
        offered,
        usable_number(budget_value),
        usable_number(assessment_score),
        deductions,
        advance,
        prepaid,
        care_cost,
        usable_number(fund_ratio),
        formula,
        usable_number(base_score) or Decimal(0),
    )
    placed = [Placed(position, *pair) for position, pair in enumerate(cases)]
    by_pool: dict[tuple[str, str], list[Placed]] = {}
    for one in placed:
        by_pool.setdefault((one.case.insurance or "", one.case.place or ""), []).append(one)
    values = _values(by_pool, terms)
    counted = tuple(pool(by_pool[key], values[key], terms) for key in sorted(by_pool))
    return Settlement(pools=counted, overall=overall(placed, counted, terms), review=_review(placed, directory))


# The value of a point


def _values(by_pool: dict[tuple[str, str], list[Placed]], terms: Terms) -> dict[tuple[str, str], Value]:
    """Return the settlement value of each pool; pools of the same terms share a fund, hence a value."""
    held = {key: _terms_of(key, terms.pools) for key in by_pool}
    points: dict[int, Decimal] = {}
    for key, number in held.items():
        if number is not None:
            points[number] = points.get(number, Decimal(0)) + tallying.total(tallying.split(by_pool[key])[0])
    return {
        key: Value() if number is None else _value(terms.pools[number], points[number], by_pool[key], terms)
        for key, number in held.items()
    }


def _terms_of(key: tuple[str, str], offered: Sequence[PoolTerms]) -> int | None:
    """Return the number of the terms that hold for a pool: those that name most, the first of equals."""
    fits = [
        (-bool(one.insurance) - bool(one.place), number)
        for number, one in enumerate(offered)
        if one.fund is not None and one.insurance in {"", key[0]} and one.place in {"", key[1]}
    ]
    return min(fits)[1] if fits else None


def _value(fund: PoolTerms, own: Decimal, placed: Sequence[Placed], terms: Terms) -> Value:
    """Return (fund / payment ratio) / total points, floated where the scheme says so."""
    region, notes = usable_number(fund.region_points), []
    if region is None:
        notes.append("未提供区域总分值,按本批病例即为全部病例计算点值。")
    elif region < own:
        return Value(None, True, (f"区域总分值 {region} 小于本批病例分值 {own},点值不能确定。",))
    given = usable_number(fund.payment_ratio)
    ratio = terms.rules.payment_ratio if given is None else given
    value = exact_value(fund.fund or 0, own if region is None else region, ratio)
    if value is None:
        return Value(None, True, (*notes, "总分值或支付比例为零,点值不能确定。"))
    share = terms.rules.floating_share
    if share is None:
        return Value(rounded(value, VALUE_DECIMALS), True, tuple(notes))
    base = one_value(budget_of(one, terms) for one in placed)
    if base is None:
        return Value(None, True, (*notes, "方案采用浮动点值,预算点值不唯一或缺失,结算点值不能确定。"))
    return Value(floating_value(base, value, share), True, tuple(notes))


# Special-case review


def _review(placed: Sequence[Placed], directory: Directory) -> ReviewPlan | None:
    """Say which candidates fit the share limit of DIP discharges (dip facts 4.5); reviewed cases count against it."""
    rules = directory.scheme.points.review
    if rules is None:
        return None
    discharges = [one for one in placed if one.assessed.payment.eligible is not False]
    approved = tuple(one.position for one in discharges if approved_coefficient(one.case) is not None)
    limit = int(rules.share_limit * len(discharges))
    waiting = [
        (_excess(one), one)
        for one in discharges
        if one.assessed.points.review_candidate and one.position not in approved
    ]
    waiting.sort(key=lambda pair: (pair[0] is None, -(pair[0] or 0), pair[1].position))
    return ReviewPlan(
        share_limit=rules.share_limit,
        discharges=len(discharges),
        limit=limit,
        approved=approved,
        candidates=tuple(
            ReviewCandidate(
                position=one.position,
                case=one.case.id,
                why=one.assessed.points.review_candidate,
                excess=excess,
                within=place < limit - len(approved),
            )
            for place, (excess, one) in enumerate(waiting)
        ),
    )


def _excess(one: Placed) -> int | None:
    """Return cost - standard of a normal case."""
    cost, standard = usable_cost(one.case.cost), one.assessed.payment.normal_standard
    return None if cost is None or standard is None else cost - standard
