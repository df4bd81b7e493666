"""Who counts in a settlement, and what the points consist of: nothing handed in is dropped without a reason.

In: assessed cases. Out: the cases that are settled with their points, those left out with the reason, the parts of the
points (dip facts 5), mean points, CMI and grouping rate.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from rules.dip.amounts import rounded, usable_cost, usable_money
from rules.dip.codes import GROUPING_REASON_WORDS, GroupingReason, PointsReason
from rules.dip.model import Assessed, Case
from rules.dip.settled import PARTS, LeftOut, LeftOutReason, Part, PartPoints

ADD_ON: Final = "add_on"
AUXILIARY: Final = "auxiliary"
REVIEW: Final = "review"
"""Names of factors (``rules.dip.points``)."""
PASSING: Final[frozenset[PointsReason]] = frozenset(("fact_missing", "special_review", "score_zero"))
"""What is noted of a case without keeping it from having points."""


class Placed(NamedTuple):
    """A case and its place among those handed in."""

    position: int
    case: Case
    assessed: Assessed


def split(placed: Iterable[Placed]) -> tuple[list[Placed], tuple[LeftOut, ...]]:
    """Return the cases to settle, and those left out by reason, in order of their first case."""
    settled: list[Placed] = []
    left: dict[tuple[LeftOutReason, str], list[Placed]] = defaultdict(list)
    for one in placed:
        why = _why_left_out(one.case, one.assessed)
        if why is None:
            settled.append(one)
        else:
            left[why].append(one)
    return settled, tuple(_left_out(reason, detail, ones) for (reason, detail), ones in left.items())


def _why_left_out(case: Case, assessed: Assessed) -> tuple[LeftOutReason, str] | None:
    """Return reason and detail; ``None`` for a case that has points, or is paid what it cost."""
    money, counted = assessed.payment, assessed.points
    if money.eligible is False:
        return money.ineligible or "not_eligible", ""
    if money.eligible is None:
        return "eligibility_unknown", ""
    if counted.points is not None:
        return None
    if counted.pays_actual_cost:
        return None if usable_cost(case.cost) is not None else ("cost_absent", "")
    if assessed.grouping.status == "ungrouped":
        return "ungrouped", "、".join(_reasons(assessed))
    reasons = [note.reason for note in counted.notes]
    return next((reason for reason in reasons if reason not in PASSING), next(iter(reasons), "fact_missing")), ""


def _reasons(assessed: Assessed) -> tuple[str, ...]:
    reasons: dict[GroupingReason, None] = dict.fromkeys(remark.reason for remark in assessed.grouping.remarks)
    return tuple(GROUPING_REASON_WORDS[reason] for reason in reasons)


def _left_out(reason: LeftOutReason, detail: str, ones: Sequence[Placed]) -> LeftOut:
    return LeftOut(
        reason=reason,
        detail=detail,
        positions=tuple(one.position for one in ones),
        cost=sum(usable_cost(one.case.cost) or 0 for one in ones),
        deductions=own_deductions(ones),
    )


def own_deductions(placed: Iterable[Placed]) -> int:
    """Return the audit deductions the cases carry themselves."""
    return sum(usable_money(one.case.deductions) or 0 for one in placed)


def total(placed: Iterable[Placed]) -> Decimal:
    """Return the points of cases; those paid by actual cost alone have none."""
    return sum((one.assessed.points.points or Decimal(0) for one in placed), Decimal(0))


def parts(placed: Iterable[Placed]) -> tuple[PartPoints, ...]:
    """Return the parts of the total points; they add up to it exactly."""
    points: dict[Part, Decimal] = defaultdict(Decimal)
    cases: dict[Part, int] = defaultdict(int)
    for one in placed:
        for part, amount in _parts(one.assessed).items():
            points[part] += amount
            cases[part] += 1
    return tuple(PartPoints(part=part, points=points[part], cases=cases[part]) for part in PARTS if cases[part])


def _parts(assessed: Assessed) -> dict[Part, Decimal]:
    """Split the points of one case: additions first, then review, then what the auxiliary coefficient added."""
    whole = assessed.points.points
    if whole is None:
        return {}
    added = sum((factor.value for factor in assessed.points.factors if factor.name == ADD_ON), Decimal(0))
    found: dict[Part, Decimal] = {"add_on": added} if added else {}
    rest = whole - added
    if any(factor.name == REVIEW for factor in assessed.points.factors):
        return found | {"special_review": rest}
    status = assessed.grouping.status
    corrected = _without_auxiliary(assessed, rest) if status == "core" else rest
    found[status] = corrected
    if corrected != rest:
        found["auxiliary"] = rest - corrected
    return found


def _without_auxiliary(assessed: Assessed, points: Decimal) -> Decimal:
    """Return the points before the auxiliary coefficient; one that replaces the hospital's has no part of its own."""
    factors = [factor.value for factor in assessed.points.factors if factor.name == AUXILIARY]
    return rounded(points / factors[0], 4) if factors and factors[0] else points


def mean_points(placed: Sequence[Placed]) -> Decimal | None:
    """Return total points / cases with points (L15; dip facts 5)."""
    counted = [one for one in placed if one.assessed.points.points is not None]
    return rounded(total(counted) / len(counted), 4) if counted else None


def case_mix(placed: Iterable[Placed], base_score: Decimal) -> Decimal | None:
    """Return CMI: mean RW = score / base score of the cases whose group has one (dip facts 5; users page, 5)."""
    scores = [group.score for one in placed if (group := one.assessed.group) and group.score]
    return rounded(sum(scores, Decimal(0)) / len(scores) / base_score, 4) if scores and base_score > 0 else None


def grouped(placed: Iterable[Placed]) -> tuple[int, int]:
    """Return DIP discharges that have a group, and all DIP discharges: cases that DIP is not known to leave out."""
    discharges = [one for one in placed if one.assessed.payment.eligible is not False]
    return sum(one.assessed.grouping.status != "ungrouped" for one in discharges), len(discharges)
