"""Deviation of cost (费用偏差): the reference average, the ratio r, the band, and what a formula makes of them.

In: a case, its group, the scheme's ``Deviation``. Out: the band with the ratio it was judged by, and a ``Bent``: the
factor of the formula and which of the other factors it leaves standing.
Sources: dip facts 4.4; mission K20-K22 for references (same-level mean below, mean of the region above).
"""

from decimal import Decimal
from typing import Final, NamedTuple

from rules.dip.amounts import in_yuan, money, usable_cost
from rules.dip.codes import Band, PointsReason, Reference
from rules.dip.coefficients import level_of
from rules.dip.model import Case, Deviation, Group, PointsNote

NAMES: Final[dict[Reference, str]] = {
    "group_mean": "病种均费",
    "level_mean": "同级医院均费",
    "points_times_average": "分值×分值均费",
}
ONE: Final = Decimal(1)


class Judged(NamedTuple):
    """How far a cost lies from its reference."""

    band: Band = "unknown"
    ratio: Decimal | None = None
    average: int | None = None
    reference: Reference = "group_mean"
    notes: tuple[PointsNote, ...] = ()
    undecided: bool = False
    """The scheme bends the points of this group, and what that takes is absent: the points cannot be told."""


class Bent(NamedTuple):
    """What a formula does to score x coefficient x auxiliary."""

    factor: Decimal
    source: str
    coefficient: bool = True
    """The hospital coefficient still multiplies."""
    auxiliary: bool = True
    actual_cost: bool = False
    """The factor makes points that pay the actual cost."""


class Average(NamedTuple):
    """A reference average in 1/10,000 yuan, or why there is none."""

    amount: int | None
    reason: PointsReason = "average_absent"
    detail: str = ""


def judge(case: Case, group: Group, rules: Deviation) -> Judged:
    """Return the band and ratio of a case: cost / reference average (dip facts 4.4).

    The low limit is judged by ``low_reference`` and comes first; the ratio reported is that of the limit which decided,
    and for a normal case that of ``high_reference``. Where the scheme does not bend points (``applies``) nothing is
    judged: the band is unknown and the ratio for reference.
    """
    bound = applies(group, rules)
    cost = usable_cost(case.cost)
    if cost is None:
        reason = "缺总费用" if case.cost is None else "总费用不是正常金额"
        note = PointsNote(reason="cost_absent", detail=reason)
        return Judged(notes=(note,), undecided=True) if bound else Judged()
    low = average(rules.low_reference, case, group, rules)
    high = low if rules.high_reference == rules.low_reference else average(rules.high_reference, case, group, rules)
    if not bound:
        return Judged("unknown", _ratio(cost, high.amount), high.amount, rules.high_reference)
    return _banded(cost, low, high, rules)


def _banded(cost: int, low: Average, high: Average, rules: Deviation) -> Judged:
    if low.amount is None:
        return _no_average(low)
    limit = rules.low * low.amount
    if cost < limit or (rules.low_inclusive and cost == limit):
        return Judged("low", _ratio(cost, low.amount), low.amount, rules.low_reference)
    if high.amount is None:
        return _no_average(high)
    limit = rules.high * high.amount
    above = cost > limit or (rules.high_inclusive and cost == limit)
    return Judged("high" if above else "normal", _ratio(cost, high.amount), high.amount, rules.high_reference)


def applies(group: Group, rules: Deviation) -> bool:
    """Return whether a scheme bends the points of a group at all."""
    return rules.formula != "none" and group.kind in rules.classes


def average(reference: Reference, case: Case, group: Group, rules: Deviation) -> Average:
    """Return the average that a cost is compared with.

    Where the catalogue has no mean it is score x yuan per point of the insurance, for a primary-care group x its basic
    factor (dip facts 4.4).
    """
    mean = group.mean_cost if reference == "group_mean" else None
    if reference == "level_mean":
        level = level_of(case)
        if level is None:
            return Average(None, "level_absent", "缺医院级别,同级医院均费不能确定")
        mean = group.level_mean_costs[level - 1]
    if mean is not None and mean > 0:
        return Average(mean)
    per_point = _per_point(case.insurance, rules.average_factors)
    if per_point is None or not group.score:
        return Average(None, detail=f"缺{NAMES[reference]}")
    basic = group.basic_factor if group.kind == "primary_care" and group.basic_factor is not None else ONE
    amount = money(group.score * per_point * basic, 4)
    return Average(amount if amount > 0 else None, detail=f"缺{NAMES[reference]}")


def _per_point(insurance: str | None, factors: dict[str, Decimal]) -> Decimal | None:
    general = factors.get("")
    if insurance is not None:
        return factors.get(insurance, general)
    return general if len(set(factors.values())) == 1 else None


def _ratio(cost: int, amount: int | None) -> Decimal | None:
    return None if amount is None else Decimal(cost) / amount


def _no_average(missing: Average) -> Judged:
    return Judged(notes=(PointsNote(reason=missing.reason, detail=missing.detail),), undecided=True)


def bend(judged: Judged, coefficient: Decimal | None, rules: Deviation) -> Bent | None:
    """Return the factor of a deviating case; ``None`` where the points stay as they are.

    proportional: low r, high r - limit + 1. coefficient_inside: low r without the coefficient C; high r - limit + C and
    nothing more; above ``extreme`` C alone. actual_cost: low by the actual cost (``rules.dip.points``); high stays and
    goes to special review. Continuous at the high limit: proportional always, coefficient_inside where no auxiliary
    coefficient applies; every other limit is a jump (dip facts 4.4).
    """
    r, band = judged.ratio, judged.band
    if r is None or band in ("normal", "unknown"):
        return None
    words = f"费用为{NAMES[judged.reference]}的 {shown(r)} 倍,{_beyond(band, rules)}"
    if rules.formula == "proportional":
        if band == "low":
            return Bent(r, f"{words},按比例 r")
        return Bent(r - rules.high + 1, f"{words},r-{rules.high}+1")
    if rules.formula == "coefficient_inside":
        return _inside(r, band, coefficient, rules, words)
    if rules.formula == "actual_cost" and band == "low":
        return Bent(r, f"{words},按实际费用", False, False, True)
    return None


def _beyond(band: Band, rules: Deviation) -> str:
    if band == "low":
        return f"{'不高于' if rules.low_inclusive else '低于'}下限 {rules.low}"
    return f"{'不低于' if rules.high_inclusive else '高于'}上限 {rules.high}"


def _inside(r: Decimal, band: Band, coefficient: Decimal | None, rules: Deviation, words: str) -> Bent | None:
    if band == "low":
        return Bent(r, f"{words},按比例 r,不乘机构系数", coefficient=False)
    if rules.extreme is not None and r > rules.extreme:
        return Bent(ONE, f"{words},且高于 {rules.extreme} 倍,只计机构系数", auxiliary=False)
    if coefficient is None:
        return None
    source = f"{words},r-{rules.high}+机构系数 {coefficient.normalize():f},不再乘其他系数"
    return Bent(r - rules.high + coefficient, source, coefficient=False, auxiliary=False)


def shown(ratio: Decimal) -> str:
    """Return a ratio with at most four decimals, as messages write it."""
    return f"{ratio:.4f}".rstrip("0").rstrip(".") if ratio < MOST_SHOWN else f"{ratio:.0f}"


MOST_SHOWN: Final = Decimal(10**12)


def yuan_per_point(group: Group, judged: Judged, value: Decimal | None) -> Decimal | None:
    """Return how many yuan a point pays for turning cost into points: the point value, else average / score.

    Source: dip facts 4.4, DIP 3.0: points x cost / standard, the standard being points x value.
    """
    if value is not None and value > 0:
        return value
    if judged.average is None or not group.score:
        return None
    return in_yuan(judged.average) / group.score
