"""Points of one case (病例分值) and where every factor of them came from.

In: a case, its group, its sub-types, the scheme. Out: the points of a normal case, the points after deviation, review
and additions, and the factors whose product they are, each with its source in words. What cannot be told is absent
with its reason.
Sources: dip facts 4.2 (points = score x hospital coefficient x auxiliary coefficient x deviation + additions), 4.4
(deviation), 4.5 and mission K23 (special-case review), 3.1 (the highest auxiliary coefficient, never the product).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from rules.dip.amounts import in_yuan, rounded, usable_cost, usable_days
from rules.dip.auxiliary import SUBTYPE_WORDS, TYPE_WORDS
from rules.dip.codes import PointsReason
from rules.dip.coefficients import hospital_coefficient
from rules.dip.deviation import Judged, bend, judge, shown, yuan_per_point
from rules.dip.directory import Directory
from rules.dip.model import (
    Case,
    Converted,
    Factor,
    Group,
    Grouping,
    PointsNote,
    PointsResult,
    PointsRules,
    Review,
    Typing,
)
from rules.dip.payment import budget_value
from rules.dip.reviewing import added_points, approved_coefficient, candidates

ONE: Final = Decimal(1)


class Worth(NamedTuple):
    """What a case is made of before its cost counts."""

    score: Decimal | None
    """Of the case: for a bed-day group that of a day x days."""
    parts: tuple[Factor, ...] = ()
    coefficient: Factor | None = None
    auxiliary: Factor | None = None
    notes: tuple[PointsNote, ...] = ()
    standard: Decimal | None = None
    """Score x coefficient x auxiliary; ``None`` without a score or a coefficient."""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """All factors of the standard points."""
        if self.coefficient is None:
            return self.parts if self.auxiliary is None else (*self.parts, self.auxiliary)
        return (*self.parts, self.coefficient, *(() if self.auxiliary is None else (self.auxiliary,)))


class Counted(NamedTuple):
    """Points before additions and rounding, and the factors they are the product of."""

    points: Decimal | None
    factors: tuple[Factor, ...] = ()
    notes: tuple[PointsNote, ...] = ()
    actual_cost: bool = False


class Scene(NamedTuple):
    """A case and what its points rest on."""

    case: Case
    group: Group | None
    directory: Directory
    judged: Judged
    value: Decimal | None
    """Budget point value, for turning cost into points."""

    @property
    def rules(self) -> PointsRules:
        """How the scheme makes points."""
        return self.directory.scheme.points

    @property
    def yuan_per_point(self) -> Decimal | None:
        """What a point pays."""
        return self.value if self.group is None else yuan_per_point(self.group, self.judged, self.value)


def points(
    case: Case,
    grouping: Grouping,
    typings: tuple[Typing, ...],
    directory: Directory,
    indicators: Mapping[str, Decimal] | None = None,
) -> PointsResult:
    """Return the points of a case under its scheme (dip facts 4.2, 4.4, 4.5).

    An approved special-case review comes before everything; then the conversion of ungrouped and last-resort cases;
    then a score of zero, which pays the actual cost; then score, coefficient, sub-type and deviation.
    """
    rules = directory.scheme.points
    group = directory.groups.get(grouping.group) if grouping.group else None
    judged = judge(case, group, rules.deviation) if group is not None else Judged()
    row = budget_value(case, directory).row
    scene = Scene(case, group, directory, judged, row.value if row else None)
    worth = _worth(scene, grouping, typings, indicators) if group is not None else Worth(None)
    converted = _conversion(grouping, group, rules)
    approved = approved_coefficient(case)
    if approved is not None:
        counted = _reviewed(scene, approved, rules.review or Review())
    elif converted is not None:
        counted, judged = _converted(scene, converted)
        scene, worth = scene._replace(judged=judged), Worth(None)
    elif group is None:
        reason = PointsNote(reason="ungrouped") if grouping.status == "ungrouped" else _no_score(grouping.group)
        return PointsResult(notes=(reason,))
    elif group.score == 0:
        counted, worth = _score_zero(scene), Worth(None)
    else:
        counted = _bent(scene, worth)
    return _finished(scene, worth, counted)


def _conversion(grouping: Grouping, group: Group | None, rules: PointsRules) -> Converted | None:
    if grouping.status == "ungrouped":
        # Only a sound case that the directory has no group for: money by the actual cost would pass a code that cannot
        # be read, or a fact that is lacking, off as an answer.
        return rules.ungrouped if any(remark.reason == "no_group" for remark in grouping.remarks) else None
    return rules.last_resort if group is not None and group.kind == "last_resort" else None


def _finished(scene: Scene, worth: Worth, counted: Counted) -> PointsResult:
    case, group, directory, judged, value = scene
    rules, total = directory.scheme.points, counted.points
    standard = exact = worth.standard
    if standard is not None:
        standard = rounded(standard, rules.decimals)
    factors = counted.factors
    if total is not None:
        if rules.add_ons or case.add_on_points is not None:
            additions = added_points(case, rules, directory)
            total = sum((part.value for part in additions), total)
            factors = (*factors, *additions)
        total = standard if total is exact else rounded(total, rules.decimals)
    found: tuple[str, ...] = ()
    open_to_review = rules.review is not None or rules.deviation.review_from is not None
    if group is not None and open_to_review and approved_coefficient(case) is None:
        found = candidates(case, group, judged, rules, standard=exact, value=value)
    return PointsResult(
        standard_points=standard,
        points=total,
        ratio=judged.ratio,
        average=judged.average,
        band=judged.band,
        review_candidate=found,
        pays_actual_cost=counted.actual_cost,
        factors=factors,
        notes=(*worth.notes, *judged.notes, *counted.notes),
    )


# Before the cost counts


def _worth(
    scene: Scene, grouping: Grouping, typings: tuple[Typing, ...], indicators: Mapping[str, Decimal] | None
) -> Worth:
    group, directory = scene.group or Group(code=grouping.group), scene.directory
    notes = []
    best = None
    if typings:
        notes = [
            PointsNote(reason="fact_missing", detail=f"{TYPE_WORDS[typing.type]}:{typing.note}")
            for typing in typings
            if not typing.subtype
        ]
        best = _highest(typings)
    if best is not None and directory.scheme.auxiliary.mode == "replace_hospital_coefficient":
        coefficient: Factor | None = _auxiliary(best, typings, "hospital_coefficient", ",代替机构系数")
        best = None
    else:
        coefficient, found = hospital_coefficient(scene.case, grouping, group, directory, indicators)
        notes.extend(found)
    auxiliary = None if best is None else _auxiliary(best, typings, "auxiliary", "")
    if group.score is None:
        notes.append(_no_score(group.code))
        return Worth(None, (), coefficient, auxiliary, tuple(notes))
    score: Decimal | None = group.score
    parts = _score(group, directory)
    if group.kind == "bed_day" and directory.scheme.points.bed_day == "per_day":
        score, parts = _by_day(scene.case, group.score, parts, notes)
    standard = None if score is None or coefficient is None else score * coefficient.value
    if standard is not None and auxiliary is not None:
        standard *= auxiliary.value
    return Worth(score, parts, coefficient, auxiliary, tuple(notes), standard)


def _score(group: Group, directory: Directory) -> tuple[Factor, ...]:
    """Return a group's score as a factor, made once: most cases of a month are of few groups."""
    known = directory.keep(_scores)
    found = known.get(group.code)
    if found is None:
        value = ONE if group.score is None else group.score
        found = known[group.code] = (Factor(name="score", value=value, source=f"病种目录 {group.code} 分值"),)
    return found


def _scores(_directory: Directory) -> dict[str, tuple[Factor, ...]]:
    return {}


def _by_day(
    case: Case, score: Decimal, parts: tuple[Factor, ...], notes: list[PointsNote]
) -> tuple[Decimal | None, tuple[Factor, ...]]:
    """A bed-day group is paid score x days of the stay (dip facts 2.1)."""
    days = usable_days(case.days)
    if not days:
        notes.append(PointsNote(reason="days_absent", detail="缺住院天数,床日病种按日计分"))
        return None, parts
    return score * days, (*parts, Factor(name="days", value=Decimal(days), source="床日病种按住院天数计分"))


def _highest(typings: tuple[Typing, ...]) -> Typing | None:
    best: Typing | None = None
    for typing in typings:
        if typing.coefficient is not None and (
            best is None or best.coefficient is None or typing.coefficient > best.coefficient
        ):
            best = typing
    return best


def _auxiliary(best: Typing, typings: tuple[Typing, ...], name: str, effect: str) -> Factor:
    several = sum(typing.coefficient is not None for typing in typings) > 1
    words = f"{TYPE_WORDS[best.type]} {SUBTYPE_WORDS.get(best.subtype, best.subtype)}"
    value = ONE if best.coefficient is None else best.coefficient
    return Factor(name=name, value=value, source=f"{words}{',取各分型最高' if several else ''}{effect}")


def _no_score(code: str) -> PointsNote:
    return PointsNote(reason="score_absent", detail=f"方案没有病种 {code} 的分值")


# After the cost counts


def _bent(scene: Scene, worth: Worth) -> Counted:
    judged, rules = scene.judged, scene.rules.deviation
    if worth.score is None or judged.undecided:
        return Counted(None, worth.factors)
    bent = bend(judged, worth.coefficient.value if worth.coefficient else None, rules)
    if bent is None:
        to_review = judged.band == "high" and rules.formula == "actual_cost"
        notes = (_note("special_review", "费用高于上限,可申请特例单议"),) if to_review else ()
        return Counted(worth.standard, worth.factors, notes)
    if bent.actual_cost:
        return _at_actual_cost(scene, f"{bent.source},")
    if bent.coefficient and worth.coefficient is None:
        return Counted(None, worth.factors)
    product, factors = worth.score * bent.factor, worth.parts
    if bent.coefficient and worth.coefficient is not None:
        product, factors = product * worth.coefficient.value, (*factors, worth.coefficient)
    if bent.auxiliary and worth.auxiliary is not None:
        product, factors = product * worth.auxiliary.value, (*factors, worth.auxiliary)
    return Counted(product, (*factors, Factor(name="deviation", value=bent.factor, source=bent.source)))


def _score_zero(scene: Scene) -> Counted:
    """A score of zero pays the actual cost (dip facts 4.4)."""
    counted = _at_actual_cost(scene, "")
    return counted._replace(notes=(_note("score_zero", "分值为零,按实际费用支付"), *counted.notes))


def _at_actual_cost(scene: Scene, words: str) -> Counted:
    """Points that pay the actual cost: cost / yuan per point (DIP 3.0 below the limit, dip facts 4.4)."""
    cost, per_point = usable_cost(scene.case.cost), scene.yuan_per_point
    if cost is None or per_point is None:
        lack = _note("cost_absent", "缺总费用") if cost is None else _no_value()
        return Counted(None, (), (lack,), actual_cost=True)
    made = in_yuan(cost) / per_point
    source = f"{words}{shown(in_yuan(cost))} 元 ÷ 每分 {shown(per_point)} 元"
    return Counted(made, (Factor(name="actual_cost", value=made, source=source),), actual_cost=True)


def _no_value() -> PointsNote:
    return _note("point_value_absent", "缺点值,实际费用不能折算为分值")


def _note(reason: PointsReason, detail: str) -> PointsNote:
    return PointsNote(reason=reason, detail=detail)


def _reviewed(scene: Scene, approved: Decimal, review: Review) -> Counted:
    """Points of an approved special-case review: cost / yuan per point x the coefficient stored with the case.

    Source: dip facts 4.5; ``item_share`` (mission K23): only that share of the cost, item by item.
    """
    counted = _at_actual_cost(scene, "特例单议按实际费用折算:")._replace(actual_cost=False)
    if counted.points is None:
        return counted
    factors = [*counted.factors, Factor(name="review", value=approved, source="特例单议评审系数")]
    product = counted.points * approved
    if review.points_from == "item_share":
        factors.append(Factor(name="item_share", value=review.item_share, source="按项目比例支付"))
        product *= review.item_share
    return Counted(product, tuple(factors), (_note("special_review", "特例单议已通过"),))


def _converted(scene: Scene, rule: Converted) -> tuple[Counted, Judged]:
    """Points by actual cost: score x cost / mean cost x factors (dip facts 4.4, blank groups; 2.5, ungrouped)."""
    group, cost = scene.group, usable_cost(scene.case.cost)
    own = group.score if group is not None else None
    score = rule.score if own is None else own
    mean = (group.mean_cost if group is not None else None) or rule.mean_cost
    ratio = Decimal(cost) / mean if cost is not None and mean is not None and mean > 0 else None
    judged = Judged("unknown", ratio, mean)
    if score is None:
        return Counted(None, (), (_no_score(group.code if group is not None else "(未入组)"),)), judged
    source = "方案设定的折算分值" if group is None or own is None else f"病种目录 {group.code} 分值"
    parts = (Factor(name="score", value=score, source=source),)
    if ratio is None:
        lack = _note("average_absent", "缺均费") if cost is not None else _note("cost_absent", "缺总费用")
        return Counted(None, parts, (lack,)), judged
    factor, words = ratio, f"费用 ÷ 均费 = {shown(ratio)}"
    for share in rule.factors:
        factor *= share
        words += f" × {share.normalize():f}"
    name = "ungrouped" if group is None else "last_resort"
    return Counted(score * factor, (*parts, Factor(name=name, value=factor, source=words))), judged
