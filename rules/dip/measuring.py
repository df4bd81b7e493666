"""Measuring a region's directory: scores from mean costs, auxiliary coefficients, the budget's point value.

Score (dip facts 4.1): RW_i = m_i / M and score = RW_i x 1000, or m_i / (mean cost of a benchmark disease) x 1000;
m_i is the mean cost of the group, M that of all cases, each over several years weighted 1 : 2 : 7 (oldest first).
Inside a group and a year the cases beyond the 2.5th and 97.5th percentile are left out, from 25 cases on.
Auxiliary coefficient (dip facts 3.1): m_j / M_group. Every number named here is a parameter of the caller.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rules.dip.amounts import in_yuan, rounded, usable_cost, usable_days
from rules.dip.auxiliary import shortfall
from rules.dip.codes import AuxiliaryType
from rules.dip.model import Assessed, Auxiliary, AuxiliaryRow, Case
from rules.noun import Noun


class Measuring(Noun, frozen=True, kw_only=True):
    """How to measure."""

    weights: tuple[Decimal, ...] = (Decimal(1), Decimal(2), Decimal(7))
    """Weights of the years, oldest first; a year without cases of a group does not count for it."""
    trim_low: Decimal = Decimal("0.025")
    trim_high: Decimal = Decimal("0.975")
    """Percentiles (0-1) between which costs are kept, both included."""
    trim_from: int = 25
    """Cases of a group in a year from which on it is trimmed."""
    scale: Decimal = Decimal(1000)
    benchmark: str = ""
    """Group whose mean cost stands in for M (标杆病种); empty: M is the mean of all cases."""
    decimals: int = 4
    """Scores, coefficients and ratios are rounded half up to so many decimals, once."""
    min_group_cases: int = 15
    min_subtype_cases: int = 5
    min_variation_drop: Decimal = Decimal("0.2")
    """Trigger of an auxiliary coefficient (dip facts 3.1): cases last year, and how much splitting lowers the CV; half
    of each is enough for ICU days (``rules.dip.auxiliary``)."""


class Observed(Noun, frozen=True, kw_only=True):
    """One discharge of the years that are measured."""

    group: str
    year: int
    """Place among the years, from 0, oldest first."""
    cost: int | None = None
    days: int | None = None
    died: bool | None = None
    subtypes: tuple[tuple[AuxiliaryType, str], ...] = ()


class GroupMeasure(Noun, frozen=True, kw_only=True):
    """What the years say of one group."""

    group: str
    cases: int
    """Cases with a cost, of all years; ``trimmed`` of them were left out."""
    trimmed: int = 0
    last_year: int = 0
    """Cases of the last year, before trimming."""
    yearly_means: tuple[int | None, ...] = ()
    mean_cost: int = 0
    """Weighted mean cost, 1/10,000 yuan."""
    rw: Decimal | None = None
    score: Decimal | None = None
    variation: Decimal | None = None
    """Coefficient of variation of cost (population standard deviation / mean), last year, after trimming."""
    mean_days: Decimal | None = None
    """Mean stay, last year, two decimals."""
    mortality: Decimal | None = None
    """Share of deaths among the cases of the last year whose outcome is known."""


class SubtypeMeasure(Noun, frozen=True, kw_only=True):
    """What splitting a group by one sub-type would mean."""

    row: AuxiliaryRow
    """As the auxiliary directory would have it: m_j / M, cases of the last year after trimming, and how much splitting
    lowers the CV: 1 - CV after / CV before; after: mean CV of all sub-types of the type, weighted by cases, the rest
    being one."""
    mean_cost: int
    why_not: str = ""
    """In what the trigger falls short; empty when it is met."""


class Measured(Noun, frozen=True, kw_only=True):
    """A region's groups as measured."""

    cases: int
    """Discharges handed in; those without a usable cost, group or year are ``left_out``."""
    left_out: int = 0
    mean_cost: int | None = None
    """M: weighted mean cost of all cases that were kept."""
    groups: tuple[GroupMeasure, ...] = ()
    subtypes: tuple[SubtypeMeasure, ...] = ()
    notes: tuple[str, ...] = ()


Kept = list[list[tuple[int, Observed]]]
"""Cost and case, of each year."""


def observed(case: Case, assessed: Assessed, year: int) -> Observed:
    """Return what is measured of an assessed case."""
    return Observed(
        group=assessed.grouping.group,
        year=year,
        cost=case.cost,
        days=case.days,
        died=case.died,
        subtypes=tuple((typing.type, typing.subtype) for typing in assessed.typings if typing.subtype),
    )


def measure(cases: Sequence[Observed], rules: Measuring | None = None) -> Measured:
    """Return scores, means and auxiliary coefficients of all groups, in order of their codes."""
    given = rules or Measuring()
    by_group: dict[str, Kept] = defaultdict(lambda: [[] for _ in given.weights])
    for case in cases:
        cost = usable_cost(case.cost)
        if cost is not None and case.group and 0 <= case.year < len(given.weights):
            by_group[case.group][case.year].append((cost, case))
    kept = {group: [_trimmed(year, given) for year in by_group[group]] for group in sorted(by_group)}
    means = {group: mean for group, years in kept.items() if (mean := _mean(years, given)) is not None}
    whole = _mean(
        [[pair for years in kept.values() for pair in years[year]] for year in range(len(given.weights))], given
    )
    base = means.get(given.benchmark) if given.benchmark else whole
    counted = {group: kept[group] for group in means}
    return Measured(
        cases=len(cases),
        left_out=len(cases) - sum(len(year) for years in by_group.values() for year in years),
        mean_cost=None if whole is None else int(rounded(whole, 0)),
        groups=tuple(_group(group, by_group[group], years, (whole, base), given) for group, years in counted.items()),
        subtypes=tuple(
            subtype for group, years in counted.items() for subtype in _subtypes(group, years, means[group], given)
        ),
        notes=tuple(_notes(given, base)),
    )


def _notes(rules: Measuring, base: Decimal | None) -> Iterable[str]:
    if base is None and rules.benchmark:
        yield f"标杆病种 {rules.benchmark} 没有可用病例,分值无法测算。"
    elif base is None:
        yield "没有可用病例,分值无法测算。"


def auxiliary_rows(measured: Measured) -> tuple[AuxiliaryRow, ...]:
    """Return rows of the auxiliary directory for the sub-types whose trigger is met."""
    return tuple(found.row for found in measured.subtypes if not found.why_not)


def percentile(ordered: Sequence[int], share: Decimal) -> Decimal:
    """Return a percentile of ordered numbers, linear between neighbours: place (n - 1) x share, from 0."""
    place = (len(ordered) - 1) * min(max(share, Decimal(0)), Decimal(1))
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def weighted_mean(values: Sequence[Decimal | None], weights: Sequence[Decimal]) -> Decimal | None:
    """Return the mean of the years' values by weight; a year without a value does not count."""
    known = [(value, weight) for value, weight in zip(values, weights, strict=False) if value is not None]
    whole = sum((weight for _, weight in known), Decimal(0))
    return sum((value * weight for value, weight in known), Decimal(0)) / whole if whole > 0 else None


def variation(costs: Sequence[int]) -> Decimal | None:
    """Return the coefficient of variation: population standard deviation / mean."""
    if not costs or not sum(costs):
        return None
    mean = Decimal(sum(costs)) / len(costs)
    return (sum(((cost - mean) ** 2 for cost in costs), Decimal(0)) / len(costs)).sqrt() / mean


def _trimmed(year: list[tuple[int, Observed]], rules: Measuring) -> list[tuple[int, Observed]]:
    """Leave out the cases of a group and a year that lie beyond the percentiles."""
    if len(year) < max(rules.trim_from, 1):
        return year
    ordered = sorted(cost for cost, _ in year)
    low, high = percentile(ordered, rules.trim_low), percentile(ordered, rules.trim_high)
    return [(cost, case) for cost, case in year if low <= cost <= high]


def _yearly(years: Kept) -> list[Decimal | None]:
    return [Decimal(sum(cost for cost, _ in year)) / len(year) if year else None for year in years]


def _mean(years: Kept, rules: Measuring) -> Decimal | None:
    return weighted_mean(_yearly(years), rules.weights)


def _group(
    code: str, all_years: Kept, years: Kept, against: tuple[Decimal | None, Decimal | None], rules: Measuring
) -> GroupMeasure:
    """Sum up a group; ``against`` is M and what its score is measured by."""
    whole, base = against
    mean = _mean(years, rules) or Decimal(0)
    cases, used = sum(map(len, all_years)), sum(map(len, years))
    last = [case for _, case in years[-1]]
    days = [stay for case in last if (stay := usable_days(case.days)) is not None]
    outcomes = [case.died for case in last if case.died is not None]
    spread = variation([cost for cost, _ in years[-1]])
    return GroupMeasure(
        group=code,
        cases=cases,
        trimmed=cases - used,
        last_year=len(all_years[-1]),
        yearly_means=tuple(None if one is None else int(rounded(one, 0)) for one in _yearly(years)),
        mean_cost=int(rounded(mean, 0)),
        rw=None if whole is None else rounded(mean / whole, rules.decimals),
        score=None if base is None else rounded(mean / base * rules.scale, rules.decimals),
        variation=None if spread is None else rounded(spread, rules.decimals),
        mean_days=rounded(Decimal(sum(days)) / len(days), 2) if days else None,
        mortality=rounded(Decimal(sum(outcomes)) / len(outcomes), rules.decimals) if outcomes else None,
    )


def _subtypes(code: str, years: Kept, mean: Decimal, rules: Measuring) -> Iterable[SubtypeMeasure]:
    """Yield the sub-types of a group, by type and name."""
    trigger = Auxiliary(
        min_group_cases=rules.min_group_cases,
        min_subtype_cases=rules.min_subtype_cases,
        min_variation_drop=rules.min_variation_drop,
    )
    names: dict[AuxiliaryType, set[str]] = defaultdict(set)
    for year in years:
        for _, case in year:
            for kind, subtype in case.subtypes:
                names[kind].add(subtype)
    for kind in sorted(names):
        drop = variation_drop(years[-1], kind)
        for subtype in sorted(names[kind]):
            own = [[pair for pair in year if (kind, subtype) in pair[1].subtypes] for year in years]
            own_mean = _mean(own, rules)
            if own_mean is None:
                continue
            row = AuxiliaryRow(
                type=kind,
                subtype=subtype,
                group=code,
                coefficient=rounded(own_mean / mean, rules.decimals),
                group_cases=len(years[-1]),
                subtype_cases=len(own[-1]),
                variation_drop=None if drop is None else rounded(drop, rules.decimals),
            )
            why = shortfall(row, trigger) or ("" if drop is not None else "上年费用没有差异,无从降低变异系数")
            yield SubtypeMeasure(row=row, mean_cost=int(rounded(own_mean, 0)), why_not=why)


def variation_drop(cases: Sequence[tuple[int, Observed]], kind: AuxiliaryType) -> Decimal | None:
    """Return how much splitting by a type lowers the coefficient of variation (project formula, dip facts 3.1)."""
    before = variation([cost for cost, _ in cases])
    if not before:
        return None
    parts: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for cost, case in cases:
        parts[tuple(sorted(subtype for one, subtype in case.subtypes if one == kind))].append(cost)
    after = sum((spread * len(part) for part in parts.values() if (spread := variation(part))), Decimal(0))
    return (before - after / len(cases)) / before


class YearTotals(Noun, frozen=True, kw_only=True):
    """A year's trimmed total cost (1/10,000 yuan) and points of a pool."""

    cost: int
    points: Decimal


def budget_value(
    years: Sequence[YearTotals],
    *,
    weights: Sequence[Decimal] = Measuring().weights,
    adjustment: Decimal = Decimal(1),
    decimals: int = 4,
) -> Decimal | None:
    """Year-start point value in yuan (dip facts 5): weighted cost / weighted points, oldest first, x adjustment.

    ``adjustment`` is this year's budget / the past's, the authority's figure. ``None`` without points.
    """
    pairs = list(zip(years, weights, strict=False))
    cost = sum((in_yuan(year.cost) * weight for year, weight in pairs), Decimal(0))
    points = sum((year.points * weight for year, weight in pairs), Decimal(0))
    return rounded(cost / points * adjustment, decimals) if points > 0 else None


class Consumption(Noun, frozen=True, kw_only=True):
    """费用消耗指数 and 时间消耗指数: 1 is the benchmark, below 1 is cheaper or shorter. Four decimals."""

    cost_index: Decimal | None = None
    cost_cases: int = 0
    time_index: Decimal | None = None
    time_cases: int = 0
    left_out: int = 0
    """Cases that count for neither."""


def consumption(cases: Sequence[tuple[Case, Assessed]]) -> Consumption:
    """Return the indices: sum(k_i x n_i) / sum(n_i), k_i = own mean of group i / its benchmark mean (users page, 5).

    That is the mean of cost / group mean over the cases. The benchmark is the group's mean in the directory.
    """
    costs: list[Decimal] = []
    stays: list[Decimal] = []
    neither = 0
    for case, assessed in cases:
        group, cost, days = assessed.group, usable_cost(case.cost), usable_days(case.days)
        known = len(costs) + len(stays)
        if group and group.mean_cost and cost is not None:
            costs.append(Decimal(cost) / group.mean_cost)
        if group and group.mean_days and days is not None:
            stays.append(Decimal(days) / group.mean_days)
        neither += known == len(costs) + len(stays)
    return Consumption(
        cost_index=rounded(sum(costs, Decimal(0)) / len(costs), 4) if costs else None,
        cost_cases=len(costs),
        time_index=rounded(sum(stays, Decimal(0)) / len(stays), 4) if stays else None,
        time_cases=len(stays),
        left_out=neither,
    )
