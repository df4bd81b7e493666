"""Frequency limit (限定频次): at most so many times, hours or days of an item per natural day.

Quantities are spread over the days they belong to before they are added up (ruling 9; audit rules, 7 point 4): hours
run on from a timed begin and split at midnight; a long-term or multi-day line is an amount over [begin, stop or now];
units of 日 are one a day. Charges known from before use the limit up first; what is being saved now is what exceeds.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec
from pydantic import Field

from rules.kinds._contract import Quantity, Row, RuleKind, shared
from rules.kinds._edits import with_first_line
from rules.kinds._text import number
from rules.kinds._view import LONGEST_SPAN, Charge, View, judged
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule

Unit = Literal["次", "小时", "日"]
HOUR_WORDS = frozenset({"小时", "时", "h", "H", "hour", "hours"})
DAY_WORDS = frozenset({"日", "天", "床日", "d", "D", "day", "days"})


class FrequencyRow(Row):
    """One line of ``frequency_limit.csv``."""

    max: Quantity = Field(gt=0, description="a number; kept in 1/10,000")
    unit: Unit = Field(description="what is counted")
    window: Literal["day"] = Field(default="day", description="per natural day")


class FrequencyLimit(Rule, frozen=True, kw_only=True):
    """Run form: the limit per natural day, in 1/10,000 units."""

    max: int
    unit: Unit


class Share(msgspec.Struct, frozen=True):
    """What one current line adds to a day, and the whole it is part of: its quantity and its money."""

    line: int
    quantity: int
    whole: int
    amount: int


class Day(msgspec.Struct, frozen=True):
    """One natural day: what was charged before, and what is being saved now."""

    day: date
    past: int
    shares: tuple[Share, ...]
    involved: tuple[int, ...]


class Spread(msgspec.Struct, frozen=True):
    """One charge over its days, and whether it is what the rule is asked about."""

    charge: Charge
    days: dict[date, int]
    asked: bool


class Case(msgspec.Struct, frozen=True):
    """All days that current lines fall on."""

    days: tuple[Day, ...]


def compile_row(row: FrequencyRow) -> FrequencyLimit:
    """Return the run form."""
    return FrequencyLimit(**shared(row), max=row.max, unit=row.unit)


def read(rule: FrequencyLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case with the days that matter, or what keeps the quantities from being spread."""
    before, now = judged(rule, view.charges(rule.items), lines)
    if _surely_within(rule, before, now):
        return
    spread: list[Spread] = []
    gap: Missing | None = None
    for asked, charges in ((False, before), (True, now)):
        for charge in charges:
            if asked and charge.quantity is None:
                yield Missing(fields=("line.quantity",), lines=(charge.line.position,))
                continue
            days = over_days(charge.line, charge.quantity or 0, rule.unit, view)
            if not isinstance(days, Missing):
                spread.append(Spread(charge, days, asked))
            elif asked:
                yield days
                return
            else:
                gap = days
    case = Case(tuple(_days(spread)))
    if gap is not None and _exceeded(rule, case):
        gap = None  # what is known of the day exceeds without it
    yield _lacking(rule, case, spread) or gap or case


def _surely_within(rule: FrequencyLimit, before: list[Charge], now: list[Charge]) -> bool:
    """Say whether even all of it on one day fits the limit, which settles most orders without spreading."""
    total = 0
    for charge in (*before, *now):
        if charge.quantity is None:
            return False
        total += charge.quantity
    return total <= rule.max


def _lacking(rule: FrequencyLimit, case: Case, spread: list[Spread]) -> Missing | None:
    """Return what keeps the sums from being trusted: a unit that is not hours, a known charge without a quantity."""
    exceeded = {day.day for day in _exceeded(rule, case)}
    if exceeded:
        unfit = [one for one in spread if not _fits(one.charge.line, rule.unit) and not exceeded.isdisjoint(one.days)]
        lines = tuple(one.charge.line.position for one in unfit if one.asked)
        return Missing(fields=("line.unit",), lines=lines) if unfit else None
    wanted = {day.day for day in case.days}
    uncounted = any(one.charge.quantity is None and not wanted.isdisjoint(one.days) for one in spread)
    return Missing(fields=("line.quantity",)) if uncounted else None


def _fits(line: Line, unit: Unit) -> bool:
    """Hour-priced items count only where the message's own unit is hours."""
    return unit != "小时" or line.unit in HOUR_WORDS


def over_days(line: Line, quantity: int, unit: Unit, view: View) -> dict[date, int] | Missing:
    """Spread a quantity over the days it belongs to; sums to the quantity. Missing without a time, or if absurd."""
    span = view.span(line)
    if span is None:
        return Missing(fields=("line.time",))
    first, last = span
    days = (last - first).days + 1
    by_clock = unit == "小时" and line.timed and days == 1 and not line.long_term and line.stop is None
    by_day = line.unit in DAY_WORDS and unit != "小时"
    if (by_clock and quantity > LONGEST_SPAN * 24 * UNIT) or (by_day and quantity > LONGEST_SPAN * UNIT):
        return Missing(fields=("line.quantity",))
    if by_clock and line.begin and quantity:
        return _by_clock(line.begin, quantity)
    if by_day:
        days = max(days, -(-quantity // UNIT))
    each, rest = divmod(quantity, days)
    return {first + timedelta(days=step): each + (1 if step < rest else 0) for step in range(days)}


def _by_clock(begin: datetime, hours: int) -> dict[date, int]:
    """Run hours on from ``begin``, splitting at each midnight."""
    days: dict[date, int] = {}
    at = begin
    while hours > 0:
        midnight = datetime.combine(at.date() + timedelta(days=1), time(), tzinfo=at.tzinfo)
        room = round((midnight - at).total_seconds() * UNIT / 3600)
        days[at.date()] = min(hours, room)
        hours -= room
        at = midnight
    return days


def _days(spread: list[Spread]) -> Iterator[Day]:
    """Turn charges into days, keeping only those on which something is being saved now."""
    wanted = sorted({day for one in spread if one.asked for day in one.days})
    past = dict.fromkeys(wanted, 0)
    shares: dict[date, list[Share]] = {day: [] for day in wanted}
    involved: dict[date, list[int]] = {day: [] for day in wanted}
    for one in spread:
        position, whole = one.charge.line.position, one.charge.quantity or 0
        for day, quantity in one.days.items():
            if one.asked and quantity:
                shares[day].append(Share(position, quantity, whole, one.charge.amount))
            elif quantity and day in past:
                past[day] += quantity
                involved[day].append(position)
    for day in wanted:
        yield Day(day, past[day], tuple(shares[day]), tuple(involved[day]))


def _exceeded(rule: FrequencyLimit, case: Case) -> list[Day]:
    return [
        day for day in case.days if day.shares and day.past + sum(share.quantity for share in day.shares) > rule.max
    ]


def check(rule: FrequencyLimit, case: Case) -> Draft | None:
    """Fire for the days above the limit, on the lines that exceed it, for the part that does."""
    exceeded = _exceeded(rule, case)
    if not exceeded:
        return None
    over: dict[int, int] = {}
    whole: dict[int, Share] = {}
    involved: set[int] = set()
    for day in exceeded:
        room = max(0, rule.max - day.past)
        involved.update(day.involved)
        for share in day.shares:
            excess = max(0, share.quantity - room)
            room = max(0, room - share.quantity)
            if excess:
                over[share.line] = over.get(share.line, 0) + excess
                whole[share.line] = share
            else:
                involved.add(share.line)
    amounts = {line: whole[line].amount * excess // whole[line].whole for line, excess in over.items()}
    worst = max(exceeded, key=lambda day: day.past + sum(share.quantity for share in day.shares))
    return _draft(rule, worst, amounts, tuple(sorted(involved - set(over))), others=len(exceeded) - 1)


def _draft(rule: FrequencyLimit, day: Day, over: dict[int, int], involved: tuple[int, ...], *, others: int) -> Draft:
    now = sum(share.quantity for share in day.shares)
    room = max(0, rule.max - day.past)
    total = (
        f"已计 {number(day.past)} {rule.unit} + 本次 {number(now)} {rule.unit} = {number(day.past + now)} {rule.unit}"
    )
    present = total if day.past else f"本次 {number(now)} {rule.unit}"
    limit = f"限 {number(rule.max)} {rule.unit}/日"
    more = f",另有 {others} 天同样超出" if others else ""
    lines = tuple(sorted(over))
    return Draft(
        code="FREQUENCY_EXCEEDED",
        message=f"【{rule.name}】{limit}:{day.day.isoformat()} {present}{more};"
        f"当日本次最多可计 {number(room)} {rule.unit}。",
        lines=lines,
        involved=involved,
        amounts=tuple(over[line] for line in lines),
        limit=limit,
        present=present,
        allowed=f"{number(room)} {rule.unit}",
        facts=(
            ("day", day.day.isoformat()),
            ("past", number(day.past)),
            ("now", number(now)),
            ("allowed", number(room)),
        ),
    )


def _quantity(rule: FrequencyLimit, encounter: Encounter, quantity: int) -> Encounter:
    begin = encounter.lines[0].begin
    # A bare day: nothing to run on from, so the whole quantity falls on it.
    at = begin.replace(hour=0, minute=0, second=0) if begin else None
    return with_first_line(encounter, quantity=quantity, unit=rule.unit, begin=at, timed=False, stop=None)


def witness(rule: FrequencyLimit, encounter: Encounter) -> Encounter:
    """One unit more than a day may hold."""
    unit = "次" if rule.unit == "日" else rule.unit
    changed = _quantity(rule, encounter, rule.max + UNIT)
    return with_first_line(changed, unit=unit)


def near_miss(rule: FrequencyLimit, encounter: Encounter) -> Encounter:
    """Exactly what a day may hold."""
    return _quantity(rule, encounter, rule.max)


KIND = RuleKind(
    name="frequency_limit",
    title="限定频次",
    codes=(("FREQUENCY_EXCEEDED", "超频次"),),
    row=FrequencyRow,
    rule=FrequencyLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
