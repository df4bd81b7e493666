"""Duplicate charge (重复收费): an item charged beside another whose content already includes it.

Rows are directed pairs: ``items`` is the main item, ``sub`` the one it includes, and the money at stake is the sub's.
Four windows (audit rules, section 7 point 1): the same service day, the same visit, within six hours, the same clock
hour. The last two need real times; an order's begin day is not one, so they are *not checked* without (ruling 9).
Self-pay never clears a duplicate charge (ruling 1). Beside a charge of another visit (the emergency room in the
morning, the ward at noon) it is at most a warning: that there was one service, not two, nobody says.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, time, timedelta

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.codes import Window
from rules.kinds._contract import Codes, Row, RuleKind, Triggers, shared
from rules.kinds._edits import days_before, plus_line, sample_code
from rules.kinds._together import on_days, share_a_code
from rules.kinds._view import Charge, View
from rules.model import Draft, Encounter, Line, Missing, Rule

WORDS: dict[Window, str] = {"day": "同一日", "visit": "同一次就诊", "six_hours": "6 小时内", "hour": "同一小时内"}
HOUR = 3600
DAY = timedelta(days=1)
Stretch = tuple[int, int]


class DuplicateRow(Row):
    """One line of ``duplicate_charge.csv``."""

    sub: Codes = Field(min_length=1, description="the item that `items` already includes")
    sub_name: str = Field(min_length=1, description="what people call it")
    window: Window = Field(description="when the two must not both be charged")


class DuplicateCharge(Rule, frozen=True, kw_only=True):
    """Run form: main and included item, and the window in which they must not both be charged."""

    sub: tuple[str, ...]
    sub_name: str
    window: Window


class Case(msgspec.Struct, frozen=True):
    """Both items charged in one window: which current lines to change, against which others, for how much."""

    lines: tuple[int, ...]
    involved: tuple[int, ...]
    amounts: tuple[int, ...]
    when: str
    elsewhere: bool
    """The others are charges of another visit."""


class Placed(msgspec.Struct, frozen=True):
    """A charge and the stretch of time it takes up, if that is known."""

    charge: Charge
    stretch: Stretch | None
    widest: Stretch | None
    """What it may take up at most: without a clock time its days; ``None`` when these are unknown too."""

    @property
    def position(self) -> int:
        """The line's position."""
        return self.charge.line.position

    @property
    def current(self) -> bool:
        """The line is being saved now."""
        return self.charge.line.current

    @property
    def elsewhere(self) -> bool:
        """The line is of another visit."""
        return self.charge.line.visit is not None


class Timeline:
    """Charges by the stretch they take up, so that a long stay is not compared line by line."""

    def __init__(self, placed: list[Placed]) -> None:
        known = sorted(((one.stretch, order) for order, one in enumerate(placed) if one.stretch is not None))
        self._starts = [start for (start, _), _ in known]
        self._longest: list[tuple[int, Placed]] = []
        for (_, end), order in known:
            if self._longest and self._longest[-1][0] >= end:
                self._longest.append(self._longest[-1])
            else:
                self._longest.append((end, placed[order]))

    def meets(self, one: Placed) -> Placed | None:
        """Return a charge whose stretch touches this one's: of those begun by its end, the one that ends last."""
        if one.stretch is None:
            return None
        start, end = one.stretch
        begun = bisect_right(self._starts, end)
        if not begun or self._longest[begun - 1][0] < start:
            return None
        return self._longest[begun - 1][1]


def compile_row(row: DuplicateRow) -> DuplicateCharge:
    """Return the run form. Raises ``ValueError`` for an item paired with itself."""
    if share_a_code(row.items, row.sub):
        raise ValueError("an item cannot be a duplicate of itself; items and sub share a code")
    return DuplicateCharge(**shared(row), sub=row.sub, sub_name=row.sub_name, window=row.window)


def read(rule: DuplicateCharge, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the sub lines to drop, one for main lines beside known subs, and what cannot be placed."""
    if not (view.holds(rule.items) and view.holds(rule.sub)):
        return
    mains, subs = _placed(rule, rule.items, view), _placed(rule, rule.sub, view)
    unsaid = {line.position for line in lines}
    for elsewhere in (False, True):
        beside = [main for main in mains if main.elsewhere is elsewhere]
        known = [sub for sub in subs if sub.elsewhere is elsewhere and not sub.current]
        cases = (
            _drop_subs([sub for sub in subs if sub.position in unsaid], beside, view),
            _drop_mains([main for main in mains if main.position in unsaid], known, view),
        )
        for case in cases:
            if case is not None:
                unsaid.difference_update(case.lines)
                yield case
    unclear = unsaid & _unplaced(mains, subs)
    if unclear:
        yield Missing(fields=("line.time",), lines=tuple(sorted(unclear)))


def _placed(rule: DuplicateCharge, items: tuple[str, ...], view: View) -> list[Placed]:
    charges = view.charges(items, visit_only=rule.window == "visit")
    found = [(one, stretch(one.line, rule.window, view)) for one in charges]
    return [Placed(one, known, known or _widest(one.line, rule.window, view)) for one, known in found]


def _drop_subs(subs: list[Placed], mains: list[Placed], view: View) -> Case | None:
    """Sub lines being saved now are what to drop, each for its own money."""
    beside, against = Timeline(mains), Timeline(subs)
    dropped = [sub for sub in subs if beside.meets(sub)]
    others = [main for main in mains if against.meets(main)]
    return _case(dropped, {sub.position: sub.charge.amount for sub in dropped}, others, view)


def _drop_mains(mains: list[Placed], subs: list[Placed], view: View) -> Case | None:
    """Where the sub was charged before, the main is the line to reconsider; each sub's money is counted once."""
    beside, against = Timeline(subs), Timeline(mains)
    kept = [main for main in mains if beside.meets(main)]
    stakes = {main.position: 0 for main in kept}
    others = []
    for sub in subs:
        main = against.meets(sub)
        if main is not None:
            stakes[main.position] += sub.charge.amount
            others.append(sub)
    return _case(kept, stakes, others, view)


def _case(named: list[Placed], stakes: dict[int, int], others: list[Placed], view: View) -> Case | None:
    if not named:
        return None
    positions = tuple(sorted(stakes))
    elsewhere = all(one.elsewhere for one in others)
    return Case(
        lines=positions,
        involved=tuple(sorted(one.position for one in others)),
        amounts=tuple(stakes[position] for position in positions),
        when=_earlier(others, elsewhere) or on_days((view.service_day(one.charge.line) for one in named), view),
        elsewhere=elsewhere,
    )


def _earlier(others: list[Placed], elsewhere: bool) -> str:
    """Return since when the other item is charged, where that was before."""
    days = [one.charge.line.begin.date().isoformat() for one in others if one.charge.line.begin and not one.current]
    return f"({min(days)} {'另一次就诊' if elsewhere else ''}已收)" if days else ""


def _unplaced(mains: list[Placed], subs: list[Placed]) -> set[int]:
    """Return the current lines that may stand in one window, for all that their times say."""
    unclear: set[int] = set()
    for some, others in ((mains, subs), (subs, mains)):
        lost = [_at_widest(one) for one in some if one.stretch is None]
        if lost:
            wide = [_at_widest(one) for one in others]
            unclear.update(_may_meet(lost, wide), _may_meet(wide, lost))
    return unclear


def _at_widest(one: Placed) -> Placed:
    return replace(one, stretch=one.widest)


def _may_meet(these: list[Placed], those: list[Placed]) -> Iterator[int]:
    """Yield the current lines among these that may meet some of those; what has no place may be anywhere."""
    beside = Timeline(those)
    anywhere = any(one.stretch is None for one in those)
    for one in these:
        if one.current and (anywhere or (those and one.stretch is None) or beside.meets(one)):
            yield one.position


def stretch(line: Line, window: Window, view: View) -> Stretch | None:
    """Return first and last moment of a line for a window (two lines coincide when these overlap), or ``None``.

    Days are ordinals; hours are whole clock hours; for six hours each line reaches three hours to either side.
    """
    if window == "visit":
        return (0, 0)
    if window == "day":
        span = view.span(line)
        return (span[0].toordinal(), span[1].toordinal()) if span else None
    if not line.timed or line.long_term or line.begin is None:
        return None
    return _around(line.begin, line.begin, window)


def _widest(line: Line, window: Window, view: View) -> Stretch | None:
    """Return what a line without a clock time may take up: the whole of its days."""
    span = view.span(line)
    if span is None:
        return None
    zone = view.time.tzinfo
    midnight = datetime.combine(span[1] + DAY, time(), zone) - timedelta(seconds=1)
    return _around(datetime.combine(span[0], time(), zone), midnight, window)


def _around(first: datetime, last: datetime, window: Window) -> Stretch:
    begin, end = int(first.timestamp()), int(last.timestamp())
    return (begin // HOUR, end // HOUR) if window == "hour" else (begin - 3 * HOUR, end + 3 * HOUR)


def check(rule: DuplicateCharge, case: Case) -> Draft:
    """Fire: ``read`` yields a case only when both are charged in one window."""
    when = WORDS[rule.window]
    return Draft(
        code="DUPLICATE_CHARGE",
        message=f"【{rule.name}】已包含【{rule.sub_name}】,{when}不得同时收费{case.when};请只保留其中一项。",
        lines=case.lines,
        involved=case.involved,
        amounts=case.amounts,
        limit=f"{when}不得同时收费",
        present="两项均已收费",
        allowed=f"只收【{rule.name}】",
        facts=(("window", rule.window),),
        cap="warn" if case.elsewhere else "block",
    )


def witness(rule: DuplicateCharge, encounter: Encounter) -> Encounter:
    """The included item as a second current line at the same time."""
    return plus_line(encounter, item=sample_code(rule.sub), name=rule.sub_name)


def near_miss(rule: DuplicateCharge, encounter: Encounter) -> Encounter:
    """The included item just outside the window; in one visit nothing is outside, so there it is absent."""
    if rule.window == "visit":
        return encounter
    begin = days_before(encounter, 1) if rule.window == "day" else days_before(encounter, 0) - timedelta(hours=7)
    return plus_line(encounter, item=sample_code(rule.sub), name=rule.sub_name, begin=begin, current=False)


KIND = RuleKind(
    name="duplicate_charge",
    title="重复收费",
    codes=(("DUPLICATE_CHARGE", "重复收费"),),
    row=DuplicateRow,
    rule=DuplicateCharge,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(items=rule.items + rule.sub),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
