"""Signs over a set of cases: point chasing, drift of a group, cost shifted to patients (冲点, 转嫁费用; dip facts 6.1).

None of them proves anything of one case. Thresholds are the scheme's (``Quality``); those without a source are project
choices and say so there. Cases whose ratio or share is not known do not count, in either direction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from rules.dip.amounts import usable_cost, usable_money
from rules.dip.model import Assessed, Case, Quality
from rules.dip.naming import quoted
from rules.dip.quality_facts import Sign
from rules.dip.quality_signs import cost_ratio


def point_chasing(cases: Iterable[tuple[Case, Assessed]], quality: Quality) -> tuple[Sign, ...]:
    """Return groups many of whose cases cost less than the scheme's share of the reference average (冲点)."""
    judged: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    names: dict[str, str] = {}
    for case, assessed in cases:
        ratio = cost_ratio(case, assessed)
        if ratio is not None and assessed.grouping.status != "ungrouped":
            judged[assessed.grouping.group].append((case.id, ratio < quality.low_cost))
            names[assessed.grouping.group] = assessed.group.name if assessed.group else ""
    return tuple(sign for group in sorted(judged) for sign in _chased(group, names[group], judged[group], quality))


def _chased(group: str, name: str, judged: list[tuple[str, bool]], quality: Quality) -> Iterable[Sign]:
    low = [case for case, is_low in judged if is_low]
    share = Decimal(len(low)) / len(judged)
    if len(judged) >= quality.chasing_cases and share >= quality.chasing_share:
        words = (
            f"病种{quoted(group, name)}可比较的 {len(judged)} 例中有 {len(low)} 例费用低于参考均费的 "
            f"{_percent(quality.low_cost)},占 {_percent(share)}。请核对这些病例的入院指征与编码依据。"
        )
        yield Sign(code="point_chasing", detail=words, other_group=group, evidence=tuple(case for case in low if case))


def drift(now: Mapping[str, int], before: Mapping[str, int], quality: Quality) -> tuple[Sign, ...]:
    """Return groups whose share of all cases changed between two years by more than the scheme allows.

    Share change = (share now - share before) / share before; groups too small in both years, or new, say nothing.
    """
    total, earlier = sum(now.values()), sum(before.values())
    found = []
    for group in sorted(before):
        cases, past = now.get(group, 0), before[group]
        if past <= 0 or total <= 0 or max(cases, past) < quality.chasing_cases:
            continue
        change = (Decimal(cases) / total) / (Decimal(past) / earlier) - 1
        if abs(change) > quality.drift:
            words = (
                f"病种【{group}】占全部病例的比例由 {_percent(Decimal(past) / earlier, 2)} 变为 "
                f"{_percent(Decimal(cases) / total, 2)},变动 {_percent(change)}。请分析收治结构与编码变化。"
            )
            found.append(Sign(code="point_chasing", detail=words, other_group=group))
    return tuple(found)


def own_share(cases: Iterable[Case]) -> Decimal | None:
    """Return what patients pay outside the catalogue / total cost, over the cases that say both."""
    own = cost = 0
    for case in cases:
        paid, total = usable_money(case.out_of_catalogue), usable_cost(case.cost)
        if paid is not None and total is not None:
            own, cost = own + paid, cost + total
    return Decimal(own) / cost if cost else None


def cost_shift(now: Iterable[Case], before: Iterable[Case], quality: Quality) -> tuple[Sign, ...]:
    """Return a sign when the patients' own share rose by the scheme's points or more (转嫁费用)."""
    share, earlier = own_share(now), own_share(before)
    if share is None or earlier is None or share - earlier < quality.own_share_rise:
        return ()
    words = (
        f"患者自费占总费用的比例由 {_percent(earlier, 1)} 升至 {_percent(share, 1)}。"
        "请核对目录内项目是否转由患者自费或院外购买。"
    )
    return (Sign(code="cost_shifted_to_patient", detail=words),)


def _percent(share: Decimal, decimals: int = 0) -> str:
    return f"{share * 100:.{decimals}f}%"
