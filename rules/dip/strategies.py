"""Strategies of hospitals over a month of cases, and what they do to the value of a point (模拟演算, K30; ruling 26).

A 冲分值 raises points without treating more, B 费用冲高 raises cost, C 合理控费 lowers it. The fund is fixed: more
points in the region make each worth less (K25). Each strategy is played twice, by this hospital alone and by all alike.
A is a violation (高套分值) and is shown to warn of it; nothing here recommends a code, a case or a cut in necessary
care, and a standard is a reference (ruling 24).
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from rules.dip import tallying
from rules.dip.amounts import in_yuan, money, rounded, usable_cost, usable_number
from rules.dip.assess import assess
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.dip.reckoning import PointValues
from rules.dip.settled import LeftOut
from rules.dip.tallying import Placed
from rules.dip.words import number, yuan
from rules.noun import Noun

Strategy = Literal["today", "chase_points", "raise_cost", "control_cost"]
Followers = Literal["nobody", "this_hospital", "all_hospitals"]

STRATEGY_WORDS: Final[dict[Strategy, str]] = {
    "today": "现状",
    "chase_points": "A 冲分值",
    "raise_cost": "B 费用冲高",
    "control_cost": "C 合理控费",
}
VALUE_DECIMALS: Final = 4


class StrategyParameters(Noun, frozen=True, kw_only=True):
    """How far each strategy goes; the shares are the caller's, one in ten unless given."""

    points_rise: Decimal = Decimal("0.1")
    """A: every case's points rise by this share, its cost stays."""
    cost_rise: Decimal = Decimal("0.1")
    """B: every case's cost rises by this share; points follow by the scheme's deviation rule."""
    cost_cut: Decimal = Decimal("0.1")
    """C: every case's cost falls by this share; points follow by the scheme's deviation rule."""


class Outcome(Noun, frozen=True, kw_only=True):
    """What a strategy comes to. Amounts in 1/10,000 yuan; ``None`` where the value of a point is not known."""

    strategy: Strategy
    followers: Followers
    violation: bool = False
    cases: int
    points: Decimal
    region_points: Decimal
    point_value: Decimal | None = None
    """Four decimals; income is reckoned with this value."""
    income: int | None = None
    """Sum of points x value (支付标准, reference), or of the cost where that is what is paid."""
    cost: int
    balance: int | None = None
    """income - cost."""
    difference: int | None = None
    """balance - today's balance."""
    low: int = 0
    high: int = 0
    """Cases whose cost deviates (费用偏差)."""
    words: str = ""


class Simulation(Noun, frozen=True, kw_only=True):
    """Today, and each strategy by this hospital alone and by all; cases = those of today + those left out."""

    today: Outcome
    outcomes: tuple[Outcome, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


class Worth(NamedTuple):
    """One case under a strategy; no ``points`` where the actual cost is paid, which no value of a point moves."""

    points: Decimal | None
    actual_cost: bool
    cost: int
    band: str


class Purse(NamedTuple):
    """What pays for the points: a fixed sum of yuan, and the region's points that share it."""

    yuan: Decimal | None
    region: Decimal
    own: Decimal
    notes: tuple[str, ...] = ()

    def shared(self, own: Decimal, followers: Followers) -> Decimal:
        """Return the region's points when this hospital has so many, and nobody or everybody else does the same."""
        others = self.region - self.own
        return own + (others * own / self.own if followers == "all_hospitals" and self.own else others)

    def value(self, region: Decimal) -> Decimal | None:
        """Return yuan per point."""
        return None if self.yuan is None or region <= 0 else rounded(self.yuan / region, VALUE_DECIMALS)


def simulate(
    cases: Sequence[tuple[Case, Assessed]],
    directory: Directory,
    *,
    fund: int | None = None,
    region_points: Decimal | None = None,
    point_value: Decimal | None = None,
    payment_ratio: Decimal | None = None,
    parameters: StrategyParameters | None = None,
) -> Simulation:
    """Play the strategies over assessed cases of one pool and month.

    The money that is shared is ``fund`` / payment ratio, else the point value (given, or the scheme's budget value)
    x the region's points. Without the region's points this hospital is taken to be all of the region.
    """
    given = parameters or StrategyParameters()
    placed = [Placed(position, *pair) for position, pair in enumerate(cases)]
    up = _recost(placed, 1 + given.cost_rise, directory)
    down = _recost(placed, 1 - given.cost_cut, directory)
    left_out, taken = _comparable(placed, up, down)
    today = [_worth(one) for one in taken]
    purse = _purse(taken, today, directory, (fund, region_points, point_value, payment_ratio))
    start = _outcome("today", "nobody", today, purse, None)
    raised = [
        worth._replace(points=None if worth.points is None else worth.points * (1 + given.points_rise))
        for worth in today
    ]
    played: tuple[tuple[Strategy, list[Worth]], ...] = (
        ("chase_points", raised),
        ("raise_cost", [_worth(up[one.position]) for one in taken]),
        ("control_cost", [_worth(down[one.position]) for one in taken]),
    )
    both: tuple[Followers, ...] = ("this_hospital", "all_hospitals")
    outcomes = [_outcome(name, who, worths, purse, start) for name, worths in played for who in both]
    return Simulation(
        today=replace(start, words=_today_words(start)),
        outcomes=tuple(replace(one, words="".join(_words(one, start, given))) for one in outcomes),
        left_out=left_out,
        notes=purse.notes,
    )


def _recost(placed: Sequence[Placed], factor: Decimal, directory: Directory) -> list[Placed]:
    """Assess the cases again at another cost; what the cost is made of moves along."""
    return [_again(one, factor, directory) for one in placed]


def _again(one: Placed, factor: Decimal, directory: Directory) -> Placed:
    def moved(amount: int | None) -> int | None:
        return None if amount is None else int(rounded(amount * factor, 0))

    if usable_cost(one.case.cost) is None:
        return one
    case = replace(
        one.case,
        cost=moved(one.case.cost),
        drug_cost=moved(one.case.drug_cost),
        treatment_cost=moved(one.case.treatment_cost),
        material_cost=moved(one.case.material_cost),
    )
    return Placed(one.position, case, assess(case, directory))


def _comparable(
    placed: Sequence[Placed], up: Sequence[Placed], down: Sequence[Placed]
) -> tuple[tuple[LeftOut, ...], list[Placed]]:
    """Return who is left out, and the cases that can be reckoned under every strategy."""
    taken, left_out = tallying.split(placed)
    lost: list[LeftOut] = []
    kept = {one.position for one in taken}
    for version in (up, down):
        _, without = tallying.split(one for one in version if one.position in kept)
        lost.extend(without)
        kept -= {position for one in without for position in one.positions}
    free = tuple(one.position for one in taken if one.position in kept and usable_cost(one.case.cost) is None)
    if free:
        lost.append(LeftOut(reason="cost_absent", positions=free, cost=0))
    kept -= set(free)
    return (*left_out, *lost), [one for one in taken if one.position in kept]


def _worth(one: Placed) -> Worth:
    counted = one.assessed.points
    return Worth(
        None if counted.pays_actual_cost else counted.points,
        counted.pays_actual_cost,
        usable_cost(one.case.cost) or 0,
        counted.band,
    )


def _purse(
    taken: Sequence[Placed],
    today: Sequence[Worth],
    directory: Directory,
    given: tuple[int | None, Decimal | None, Decimal | None, Decimal | None],
) -> Purse:
    """Return the sum that is shared, and the region's points."""
    fund, region_points, point_value, payment_ratio = given
    own = sum((worth.points for worth in today if worth.points is not None), Decimal(0))
    region = usable_number(region_points)
    notes = () if region is not None else ("未提供区域总分值,按本院即为全区域模拟。",)
    if region is None:
        region = own
    if region < own:
        return Purse(None, region, own, (f"区域总分值 {number(region)} 小于本院分值 {number(own)},点值不能确定。",))
    ratio = usable_number(payment_ratio)
    ratio = directory.scheme.payment.payment_ratio if ratio is None else ratio
    if fund is not None and ratio > 0:
        return Purse(in_yuan(fund) / ratio, region, own, notes)
    value = usable_number(point_value)
    if value is None:
        known = PointValues(directory)
        values = {known.of(one.case, "budget") for one in taken}
        value = values.pop() if len(values) == 1 else None
    if value is None:
        return Purse(None, region, own, (*notes, "未提供基金总额,也没有唯一的点值,只能模拟分值与费用。"))
    return Purse(value * region, region, own, notes)


def _outcome(
    strategy: Strategy, followers: Followers, worths: Sequence[Worth], purse: Purse, today: Outcome | None
) -> Outcome:
    own = sum((worth.points for worth in worths if worth.points is not None), Decimal(0))
    region = purse.shared(own, followers)
    value = purse.value(region)
    cost = sum(worth.cost for worth in worths)
    income = None
    if value is not None:
        income = sum(
            worth.cost if worth.points is None else money(worth.points * value, VALUE_DECIMALS) for worth in worths
        )
    balance = None if income is None else income - cost
    before = today.balance if today else balance
    return Outcome(
        strategy=strategy,
        followers=followers,
        violation=strategy == "chase_points",
        cases=len(worths),
        points=own,
        region_points=region,
        point_value=value,
        income=income,
        cost=cost,
        balance=balance,
        difference=None if balance is None or before is None else balance - before,
        low=sum(worth.band == "low" for worth in worths),
        high=sum(worth.band == "high" for worth in worths),
    )


# Words


def _today_words(one: Outcome) -> str:
    head = f"现状:{one.cases} 例,分值 {number(one.points)},费用 {yuan(one.cost)} 元"
    if one.point_value is None or one.income is None or one.balance is None:
        return f"{head};点值未知。"
    kept = f"结余 {yuan(one.balance)} 元" if one.balance >= 0 else f"超支 {yuan(-one.balance)} 元"
    return f"{head},点值 {number(one.point_value)} 元,支付标准(参考)合计 {yuan(one.income)} 元,{kept}。"


def _words(one: Outcome, today: Outcome, given: StrategyParameters) -> Iterator[str]:
    who = "仅本院如此" if one.followers == "this_hospital" else "各院都如此"
    yield f"{STRATEGY_WORDS[one.strategy]}({who}):"
    if one.strategy == "chase_points":
        yield f"费用不变而分值抬高 {_percent(given.points_rise)},属高套分值,是违规行为,此处仅说明后果,不得采用。"
    elif one.strategy == "raise_cost":
        yield f"费用升高 {_percent(given.cost_rise)},多出的药品、耗材等都是医院的成本,不合理的费用会被审核扣减。"
    else:
        yield f"在保证医疗质量、不减少必要诊疗、不推诿患者的前提下,费用降低 {_percent(given.cost_cut)}。"
    yield from _effect(one, today)
    if one.strategy == "chase_points":
        yield "高套的分值经审核会被追回,并影响年度考核与信用评价。"
    elif one.low > today.low:
        yield f"{one.low - today.low} 例费用降到正常范围以下,分值随之降低。"
    elif one.high > today.high:
        yield f"{one.high - today.high} 例费用升到正常范围以上,须接受重点审核。"
    if one.strategy == "control_cost":
        yield "支付标准仅供参考,具体病例按病情诊疗。"


def _effect(one: Outcome, today: Outcome) -> Iterator[str]:
    if one.point_value is None or today.point_value is None or one.difference is None:
        yield f"本院分值由 {number(today.points)} 变为 {number(one.points)};点值未知。"
        return
    moved = "不变" if one.point_value == today.point_value else f"由 {number(today.point_value)} 元变为"
    value = f"点值{moved}" + ("" if one.point_value == today.point_value else f" {number(one.point_value)} 元")
    kept = (
        "不变" if not one.difference else f"{'增加' if one.difference > 0 else '减少'} {yuan(abs(one.difference))} 元"
    )
    yield f"{value},本院账面结余{kept}。"


def _percent(share: Decimal) -> str:
    return f"{number(share * 100)}%"
