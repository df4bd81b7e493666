"""Special-case review (特例单议) and additions to the points (加成分值).

In: a case and what is known of its worth. Out: in words, why it may be put up for review; the additions it earned.
Sources: dip facts 4.5 (candidates), 4.1 (new technology, negotiated drugs, combined tumour therapy).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from rules.dip.amounts import in_yuan, usable_cost, usable_days, usable_number
from rules.dip.deviation import Judged, shown
from rules.dip.directory import Directory
from rules.dip.model import Case, Deviation, Factor, Group, PointsRules, Review

AVERAGE: Final = "参考均费"
STANDARD: Final = "支付标准(参考)"


def candidates(
    case: Case,
    group: Group,
    judged: Judged,
    rules: PointsRules,
    *,
    standard: Decimal | None,
    value: Decimal | None,
) -> tuple[str, ...]:
    """Return in words what makes a case a candidate for special-case review (dip facts 4.5); empty when nothing does.

    One line for each sort of reason: a cost far above the average and far above the standard is one dear stay.
    The cost is compared with the payment standard (standard points x value) where there is one, else with the average.
    """
    costly = dict(_far_above(judged, rules.deviation))
    for compared, words in _costly(case, standard, judged, value, rules.review):
        costly.setdefault(compared, words)
    found = [f"费用{','.join(costly.values())}"] if costly else []
    if rules.review is not None:
        found.extend(_unusual(case, group, rules.review))
    return tuple(found)


def _far_above(judged: Judged, deviation: Deviation) -> Iterator[tuple[str, str]]:
    """Yield what the cost is compared with, and how it compares: the ratio from which a deviating case may go up."""
    start, ratio = deviation.review_from, judged.ratio
    if start is not None and ratio is not None and ratio >= start:
        yield AVERAGE, f"为{AVERAGE}的 {shown(ratio)} 倍(方案:{start} 倍起)"


def _costly(
    case: Case, standard: Decimal | None, judged: Judged, value: Decimal | None, review: Review | None
) -> Iterator[tuple[str, str]]:
    """Yield the same for the review's own multiple; two comparisons with the average are one reason, not two."""
    cost = usable_cost(case.cost)
    if review is None or review.cost_multiple is None or cost is None:
        return
    multiple = review.cost_multiple
    if standard and value:
        ratio, words = in_yuan(cost) / (standard * value), STANDARD
    elif judged.ratio is not None:
        ratio, words = judged.ratio, AVERAGE
    else:
        return
    if ratio > multiple:
        yield words, f"为{words}的 {shown(ratio)} 倍(方案:超过 {multiple} 倍)"


def approved_coefficient(case: Case) -> Decimal | None:
    """Return the coefficient of an approved review; nothing, zero or less is no approval."""
    approved = usable_number(case.approved_review_coefficient)
    return approved if approved is not None and approved > 0 else None


def _unusual(case: Case, group: Group, review: Review) -> tuple[str, ...]:
    found = []
    days = usable_days(case.days)
    if review.long_stay_multiple is not None and days is not None and group.mean_days:
        times = days / group.mean_days
        if times > review.long_stay_multiple:
            found.append(f"住院 {days} 天,为病种平均的 {shown(times)} 倍(方案:超过 {review.long_stay_multiple} 倍)")
    if review.new_technology and case.new_technology:
        found.append("使用新药新技术")
    if review.departments is not None and case.departments is not None and case.departments >= review.departments:
        found.append(f"{case.departments} 个科室联合诊疗(方案:{review.departments} 个起)")
    if review.critical and case.critical:
        found.append("危急重症抢救")
    return tuple(found)


def added_points(case: Case, rules: PointsRules, directory: Directory) -> tuple[Factor, ...]:
    """Return the additions a case has earned (dip facts 4.1).

    Points granted with the case stand for all of the scheme's own additions. An addition of the scheme counts when all
    that it names holds: one of its operations is recorded, a new technology was used; one that names nothing is only
    ever granted with the case.
    """
    granted = usable_number(case.add_on_points)
    if granted is not None:
        return (Factor(name="add_on", value=granted, source="随病例给定的加成分值"),) if granted else ()
    if not rules.add_ons:
        return ()
    operations = directory.normaliser.operations(case.operations)
    return tuple(
        Factor(name="add_on", value=add_on.points, source=f"加成:{add_on.name}")
        for add_on in rules.add_ons
        if (add_on.operations or add_on.new_technology)
        and (not add_on.operations or any(code.startswith(add_on.operations) for code in operations))
        and (not add_on.new_technology or case.new_technology is True)
    )
