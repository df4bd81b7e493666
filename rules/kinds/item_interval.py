"""Item interval (周期超频次): at most so many of an item within a number of days, across visits.

``days`` 15 and ``max`` 1 mean: not again before 15 days have passed, so day 16 is allowed when day 1 was used. The
past is what the payload carries and what was recorded; where it is not known far enough back and nothing known
exceeds the limit, the rule is *not checked* rather than silent.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
from pydantic import Field

from rules.kinds._contract import Look, Quantity, Row, RuleKind, shared
from rules.kinds._edits import days_before, past, with_first_line
from rules.kinds._text import number
from rules.kinds._view import Charge, View, judged
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule


class IntervalRow(Row):
    """One line of ``item_interval.csv``."""

    max: Quantity = Field(gt=0, description="a number; kept in 1/10,000")
    days: int = Field(gt=0, description="days that `max` is counted over")


class ItemInterval(Rule, frozen=True, kw_only=True):
    """Run form: how many (1/10,000) within how many days."""

    max: int
    days: int


class Share(msgspec.Struct, frozen=True):
    """What one current line adds: its quantity and its money."""

    line: int
    quantity: int
    amount: int


class Case(msgspec.Struct, frozen=True):
    """One service day: what is being saved on it, and what the days around it already hold."""

    day: date
    shares: tuple[Share, ...]
    around: tuple[tuple[date, int], ...]
    """Other days within the interval, in order, with the quantity each holds."""
    involved: tuple[int, ...]


def compile_row(row: IntervalRow) -> ItemInterval:
    """Return the run form."""
    return ItemInterval(**shared(row), max=row.max, days=row.days)


def read(rule: ItemInterval, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case per service day, in order; earlier days of the same message count as before."""
    before, now = judged(rule, view.charges(rule.items), lines)
    held: dict[date, list[Charge]] = {}
    undated = False
    for charge in before:
        when = view.day_of(charge.line)
        undated = undated or when is None
        if when is not None:
            held.setdefault(when, []).append(charge)
    days: dict[date, list[Charge]] = {}
    for charge in now:
        if charge.quantity is None:
            yield Missing(fields=("line.quantity",), lines=(charge.line.position,))
        else:
            days.setdefault(view.service_day(charge.line), []).append(charge)
    for day in sorted(days):
        near = {other: held[other] for other in _around(rule, day, held)}
        case = _case(day, days[day], near)
        lacking = None if _exceeded(rule, case) else _lacking(rule, case, near, view, undated=undated)
        yield msgspec.structs.replace(lacking, lines=tuple(share.line for share in case.shares)) if lacking else case
        held.setdefault(day, []).extend(days[day])


def _around(rule: ItemInterval, day: date, held: dict[date, list[Charge]]) -> list[date]:
    """Return the days nearer than the interval that hold something, in order."""
    return sorted(other for other in held if abs((day - other).days) < rule.days)


def _case(day: date, now: list[Charge], near: dict[date, list[Charge]]) -> Case:
    return Case(
        day=day,
        shares=tuple(Share(charge.line.position, charge.quantity or 0, charge.amount) for charge in now),
        # A known charge without a quantity was done at least once.
        around=tuple(
            (when, sum(UNIT if charge.quantity is None else charge.quantity for charge in charges))
            for when, charges in near.items()
        ),
        involved=tuple(charge.line.position for charges in near.values() for charge in charges),
    )


def _exceeded(rule: ItemInterval, case: Case) -> bool:
    return sum(used for _, used in case.around) + sum(share.quantity for share in case.shares) > rule.max


def _lacking(
    rule: ItemInterval, case: Case, near: dict[date, list[Charge]], view: View, *, undated: bool
) -> Missing | None:
    """Return what a silent answer would have to know: times and quantities of the past, and that it is complete."""
    if undated:
        return Missing(fields=("line.time",))
    if any(charge.quantity is None for charges in near.values() for charge in charges):
        return Missing(fields=("line.quantity",))
    admitted = view.encounter.visit.admitted
    in_stay = admitted is not None and admitted.date() <= case.day - timedelta(days=rule.days)
    return None if in_stay or view.covered_back(case.day, rule.days - 1, rule.items) else view.history_missing()


def check(rule: ItemInterval, case: Case) -> Draft | None:
    """Fire when the days around hold more than the limit, on the lines that exceed it."""
    if not _exceeded(rule, case):
        return None
    used, now = sum(quantity for _, quantity in case.around), sum(share.quantity for share in case.shares)
    room = max(0, rule.max - used)
    over: dict[int, int] = {}
    within: list[int] = []
    left = room
    for share in case.shares:
        excess = max(0, share.quantity - left)
        left = max(0, left - share.quantity)
        if excess:
            over[share.line] = share.amount * excess // share.quantity
        else:
            within.append(share.line)
    last = case.around[-1][0] if case.around else None
    done = f"{last.isoformat()} 已做 {number(used)} 次," if last else ""
    again = f";最早 {_again(rule, case).isoformat()} 可再做" if last and not room else ""
    limit = f"{rule.days} 天内限 {number(rule.max)} 次"
    lines = tuple(sorted(over))
    return Draft(
        code="INTERVAL_TOO_SHORT",
        message=f"【{rule.name}】{limit}:{done}本次 {number(now)} 次;本次最多可做 {number(room)} 次{again}。",
        lines=lines,
        involved=tuple(sorted({*case.involved, *within})),
        amounts=tuple(over[line] for line in lines),
        limit=limit,
        present=f"{done}本次 {number(now)} 次",
        allowed=f"{number(room)} 次",
        facts=(
            ("line.day", case.day.isoformat()),
            ("past", number(used)),
            ("last_day", last.isoformat() if last else ""),
        ),
    )


def _again(rule: ItemInterval, case: Case) -> date:
    """Return the first day on which enough of the past has left the interval for something to be done again."""
    held = sum(quantity for _, quantity in case.around)
    for day, quantity in case.around:
        held -= quantity
        if held < rule.max:
            return day + timedelta(days=rule.days)
    return case.day


def _earlier(rule: ItemInterval, encounter: Encounter, days: int) -> Encounter:
    single = with_first_line(encounter, quantity=UNIT, unit="次")
    known = msgspec.structs.replace(single, history_since=date(2000, 1, 1))
    return past(known, days_before(encounter, days), quantity=rule.max)


def witness(rule: ItemInterval, encounter: Encounter) -> Encounter:
    """The limit used up one day too recently."""
    return _earlier(rule, encounter, rule.days - 1)


def near_miss(rule: ItemInterval, encounter: Encounter) -> Encounter:
    """The limit used up exactly the interval ago."""
    return _earlier(rule, encounter, rule.days)


KIND = RuleKind(
    name="item_interval",
    title="周期超频次",
    codes=(("INTERVAL_TOO_SHORT", "间隔过短"),),
    row=IntervalRow,
    rule=ItemInterval,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging", "payment"),
    looks=lambda rule: (Look(rule.items, rule.days),),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
