"""Special-case review (特例单议) and additions to the points (加成分值).

In: a case and what is known of its worth. Out: in words, why it may be put up for review; the additions it earned.
Sources: dip facts 4.5 (candidates), 4.1 (new technology, negotiated drugs, combined tumour therapy).
"""

from decimal import Decimal

from rules.dip.amounts import in_yuan, usable_cost, usable_days, usable_number
from rules.dip.deviation import Judged, shown
from rules.dip.directory import Directory
from rules.dip.model import Case, Factor, Group, PointsRules, Review


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

    The cost is compared with the payment standard (standard points x value) where there is one, else with the average.
    """
    found = []
    start = rules.deviation.review_from
    if start is not None and judged.ratio is not None and judged.ratio >= start:
        found.append(f"费用为参考均费的 {shown(judged.ratio)} 倍(方案:{start} 倍起)")
    if rules.review is not None:
        found.extend(_costly(case, standard, judged, value, rules.review))
        found.extend(_unusual(case, group, rules.review))
    return tuple(found)


def _costly(
    case: Case, standard: Decimal | None, judged: Judged, value: Decimal | None, review: Review
) -> tuple[str, ...]:
    multiple, cost = review.cost_multiple, usable_cost(case.cost)
    if multiple is None or cost is None:
        return ()
    if standard and value:
        ratio, words = in_yuan(cost) / (standard * value), "支付标准(参考)"
    elif judged.ratio is not None:
        ratio, words = judged.ratio, "参考均费"
    else:
        return ()
    return (f"费用为{words}的 {shown(ratio)} 倍(方案:超过 {multiple} 倍)",) if ratio > multiple else ()


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
