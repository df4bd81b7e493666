"""Sums of quantity or money over a window: a line, a prescription, days, a calendar month, a visit, a life.

In: the charges of a rule's items and how to measure one. Out: what each window holds, and what could not be counted
where that could still change the answer. A line that runs over several days is shared out over them (ruling 9); what is
known from before uses a limit up before what is being saved now.
"""

import calendar
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from rules.kinds._contract import Look
from rules.kinds._text import number
from rules.kinds._view import Charge, View, judged
from rules.model import Line, Missing, Rule

Name = Literal["line", "prescription", "day", "month", "year", "visit", "lifetime", "days", "first"]
WINDOW: Final = r"^(line|prescription|day|month|year|visit|lifetime|(days|first):[1-9]\d{0,3})$"
"""The cell of a window: ``days:30`` rolls, ``first:365`` begins with the first use."""
A_LIFE: Final = 36_500
"""Days back that a whole life is asked for."""
_BACK: Final[dict[Name, int]] = {"month": 31, "year": 366, "lifetime": A_LIFE, "first": A_LIFE}
_WORDS: Final[dict[Name, str]] = {
    "line": "单次",
    "prescription": "每张处方",
    "day": "每日",
    "month": "每自然月",
    "year": "每自然年",
    "visit": "本次就诊",
    "lifetime": "累计",
}
_KNOWN: Final[dict[Name, str]] = {"prescription": "同一处方", "visit": "本次就诊", "lifetime": "此前"}
"""Where charges from before were found, for windows without a date of their own."""


class Window(msgspec.Struct, frozen=True, array_like=True):
    """What a limit is counted over; ``days`` belongs to the windows ``days`` and ``first`` alone."""

    name: Name
    days: int

    def __str__(self) -> str:
        """Return the window in words: 每日, 30 天内."""
        return _WORDS.get(self.name) or f"{'首次使用起 ' if self.name == 'first' else ''}{self.days} 天内"

    @property
    def dated(self) -> bool:
        """The day of a charge decides whether it counts."""
        return self.name in {"day", "month", "year", "days", "first"}

    @property
    def own_visit(self) -> bool:
        """Only charges of this visit count."""
        return self.name in {"line", "prescription", "visit"}

    @property
    def back(self) -> int:
        """Days of the past that the window needs."""
        return _BACK.get(self.name, self.days)

    def looks(self, items: tuple[str, ...]) -> tuple[Look, ...]:
        """Return the past to ask for."""
        return (Look(items, self.back),) if self.back else ()


def window_of(cell: str) -> Window:
    """Return the window that a cell of the form ``WINDOW`` names."""
    name, _, days = cell.partition(":")
    return msgspec.convert((name, int(days or 0)), Window)


class WindowRule(Rule, frozen=True, kw_only=True):
    """Run form of a rule that counts over a window."""

    window: Window


class Entry(msgspec.Struct, frozen=True):
    """One charge as it is counted: its value and money in 1/10,000, and the days it belongs to where known."""

    line: Line
    value: int
    amount: int
    span: tuple[date, date] | None
    asked: bool

    def part(self, first: date, last: date) -> int:
        """Return what falls on the days from ``first`` to ``last``; the parts of all days sum up to the value."""
        if self.span is None:
            return 0
        begin, end = self.span
        if first <= begin and end <= last:
            return self.value
        days = (end - begin).days + 1
        low = min(max((first - begin).days, 0), days)
        high = min(max((last - begin).days + 1, low), days)
        return self.value * high // days - self.value * low // days


class Count(msgspec.Struct, frozen=True):
    """One window: its day, month or year where it has one, what was in it before, and what is being saved."""

    label: str
    before: int
    shares: tuple[tuple[Entry, int], ...]
    earlier: tuple[Line, ...]

    @property
    def now(self) -> int:
        """What is being saved in this window."""
        return sum(value for _, value in self.shares)

    @property
    def total(self) -> int:
        """What the window holds when the lines are saved."""
        return self.before + self.now


class Tally(msgspec.Struct, frozen=True):
    """All windows that something is being saved in."""

    window: Window
    counts: tuple[Count, ...]


class Excess(msgspec.Struct, frozen=True):
    """What exceeds a limit: the worst window, the value and money above it per line, and what else is involved."""

    window: Window
    worst: Count
    over: dict[int, int]
    amounts: tuple[int, ...]
    involved: tuple[int, ...]
    others: int
    """Further windows that are exceeded too; rolling ones overlap and are not counted."""

    @property
    def lines(self) -> tuple[int, ...]:
        """Positions of the lines above the limit."""
        return tuple(self.over)


def excess(tally: Tally, limit: int) -> Excess | None:
    """Return what lies above the limit; ``None`` when nothing does."""
    broken = [count for count in tally.counts if count.total > limit]
    if not broken:
        return None
    rolling = tally.window.name == "days"
    over: dict[int, int] = {}
    entries: dict[int, Entry] = {}
    for count in broken:
        room = max(0, limit - count.before)
        for entry, value in count.shares:
            above, room = max(0, value - room), max(0, room - value)
            place = entry.line.position
            entries[place] = entry
            over[place] = max(over.get(place, 0), above) if rolling else over.get(place, 0) + above
    over = {place: over[place] for place in sorted(over) if over[place]}
    involved = {line.position for count in broken for line in count.earlier} | entries.keys()
    return Excess(
        window=tally.window,
        worst=max(broken, key=lambda count: count.total),
        over=over,
        amounts=tuple(entries[place].amount * above // entries[place].value for place, above in over.items()),
        involved=tuple(sorted(involved - over.keys())),
        others=0 if rolling else len(broken) - 1,
    )


def tally(
    rule: WindowRule, lines: tuple[Line, ...], view: View, measure: Callable[[Charge], int | Missing], *, limit: int
) -> Iterator[Tally | Missing]:
    """Yield what a rule's windows hold, and what could not be counted where that could still change the answer.

    Charges that share no window with what is being saved are left out, and so is any count that cannot exceed.
    """
    window = rule.window
    before, now = judged(rule, view.charges(rule.items, visit_only=window.own_visit), lines)
    saved, gaps = _entries(now, window, view, measure, asked=True)
    known, open_before = _entries(_near(window, before, saved, view), window, view, measure, asked=False)
    entries = known + saved
    could = sum(entry.value for entry in entries) > limit
    counted = Tally(window, tuple(_counts(window, entries)) if could else ())
    broken = could and excess(counted, limit) is not None
    yield from merged(gaps if broken else open_before + gaps)
    unread = _unnumbered(window, saved, limit) or _uncovered(rule, entries, view, broken=broken)
    if unread is not None:
        yield unread
    else:
        yield counted


def _near(window: Window, before: list[Charge], saved: list[Entry], view: View) -> list[Charge]:
    """Return the known charges that may share a window with what is being saved."""
    if not before or not saved:
        return []
    if not window.dated or window.name == "first":
        return before
    days = [entry.span for entry in saved if entry.span]
    low, high = min(begin for begin, _ in days), max(end for _, end in days)
    if window.name == "days":
        low, high = low - timedelta(days=window.days - 1), high + timedelta(days=window.days - 1)
    else:
        low, high = _calendar(window, low)[0], _calendar(window, high)[1]
    spans = ((charge, view.span(charge.line)) for charge in before)
    return [charge for charge, span in spans if span is None or (span[0] <= high and low <= span[1])]


def _entries(
    charges: list[Charge],
    window: Window,
    view: View,
    measure: Callable[[Charge], int | Missing],
    *,
    asked: bool,
) -> tuple[list[Entry], list[Missing]]:
    """Return charges as they are counted, and what keeps others from being counted."""
    entries: list[Entry] = []
    gaps: list[Missing] = []
    for charge in charges:
        found = _entry(charge, window, view, measure, asked=asked)
        if isinstance(found, Missing):
            gaps.append(found)
        elif found.value > 0:
            entries.append(found)
    return entries, gaps


def _entry(
    charge: Charge, window: Window, view: View, measure: Callable[[Charge], int | Missing], *, asked: bool
) -> Entry | Missing:
    """Return a charge as it is counted, or what keeps it from being counted."""
    value, span = measure(charge), view.span(charge.line)
    places = (charge.line.position,) if asked else ()
    if isinstance(value, Missing):
        return replace(value, lines=places)
    if window.dated and span is None:
        return Missing(fields=("line.time",), lines=places)
    return Entry(charge.line, value, charge.amount, span, asked)


def merged(gaps: Iterable[Missing]) -> Iterator[Missing]:
    """Yield one gap for each kind of it, with all its lines: a long order says once what it lacks."""
    kinds: dict[Missing, list[int]] = {}
    for gap in gaps:
        kinds.setdefault(replace(gap, lines=()), []).extend(gap.lines)
    for gap, places in kinds.items():
        yield replace(gap, lines=tuple(sorted(places)))


def _unnumbered(window: Window, saved: list[Entry], limit: int) -> Missing | None:
    """Lines without a prescription number may be one prescription: that matters once all of them together exceed."""
    if window.name != "prescription":
        return None
    loose = [entry for entry in saved if entry.line.prescription is None]
    if sum(entry.value for entry in loose) <= limit or any(entry.value > limit for entry in loose):
        return None
    return Missing(fields=("line.prescription",), lines=tuple(entry.line.position for entry in loose))


def _uncovered(rule: WindowRule, entries: list[Entry], view: View, *, broken: bool) -> Missing | None:
    """Return that the past is not known far enough back; what is known to exceed a limit needs no more past.

    A count from the first use is different: with an earlier use unknown, it would begin on the wrong day.
    """
    window, items = rule.window, rule.items
    if not window.back or (broken and window.name != "first"):
        return None
    days = [entry.span[0] for entry in entries if entry.asked and entry.span]
    if not days:
        return None
    first = _needed_since(window, min(days), entries, view)
    admitted = view.encounter.visit.admitted
    if first is None or view.covered_since(first, items) or (admitted is not None and admitted.date() <= first):
        return None
    return view.history_missing()


def _needed_since(window: Window, day: date, entries: list[Entry], view: View) -> date | None:
    """Return the first day whose charges matter; ``None`` when ``day`` lies after the window of the first use."""
    if window.name == "days":
        return day - timedelta(days=window.days - 1)
    if window.name in {"month", "year"}:
        return _calendar(window, day)[0]
    if window.name == "first" and day - _first_use(entries) >= timedelta(days=window.days):
        return None
    return view.encounter.patient.birth_date or date.min


def _first_use(entries: list[Entry]) -> date:
    return min(entry.span[0] for entry in entries if entry.span)


def _counts(window: Window, entries: list[Entry]) -> Iterator[Count]:
    """Yield the windows that something is being saved in."""
    asked = [entry for entry in entries if entry.asked]
    if not window.dated:
        for group in _groups(window, asked, entries):
            yield _count("", [(entry, entry.value) for entry in group])
        return
    shared_out = _rolling(window, entries) if window.days else _by_calendar(window, entries)
    for first, parts in shared_out:
        found = _count(_label(window, first), parts)
        if found.shares:
            yield found


def _groups(window: Window, asked: list[Entry], entries: list[Entry]) -> Iterator[list[Entry]]:
    """Yield the charges that are counted together: a line, a prescription, or all of them."""
    if window.name == "line":
        yield from ([entry] for entry in asked)
    elif window.name == "prescription":
        numbers = dict.fromkeys(entry.line.prescription for entry in asked if entry.line.prescription is not None)
        yield from ([entry for entry in entries if entry.line.prescription == number] for number in numbers)
        yield from ([entry] for entry in asked if entry.line.prescription is None)
    elif asked:
        yield entries


def _count(label: str, parts: list[tuple[Entry, int]]) -> Count:
    known = [(entry, value) for entry, value in parts if value and not entry.asked]
    return Count(
        label=label,
        before=sum(value for _, value in known),
        shares=tuple((entry, value) for entry, value in parts if value and entry.asked),
        earlier=tuple(entry.line for entry, _ in known),
    )


def _rolling(window: Window, entries: list[Entry]) -> Iterator[tuple[date, list[tuple[Entry, int]]]]:
    """Yield every run of days that could hold the most, by its first day, and what falls on it."""
    back = timedelta(days=window.days - 1)
    spans = [(entry, entry.span) for entry in entries if entry.span]
    if window.name == "first":
        firsts = {_first_use(entries)} if spans else set()
    else:
        # A rolling sum is greatest where some charge ends, or where the window begins with one.
        firsts = {first for _, (begin, end) in spans for first in (begin, end - back)}
    for first in sorted(firsts):
        last = first + back
        yield first, [(entry, entry.part(first, last)) for entry, span in spans if span[0] <= last and first <= span[1]]


def _by_calendar(window: Window, entries: list[Entry]) -> Iterator[tuple[date, list[tuple[Entry, int]]]]:
    """Yield each day, month or year by its first day, and what falls on it; a charge is looked at on its own days."""
    held: dict[date, list[tuple[Entry, int]]] = {}
    for entry in entries:
        if entry.span is None:
            continue
        day, end = entry.span
        while day <= end:
            first, last = _calendar(window, day)
            held.setdefault(first, []).append((entry, entry.part(first, last)))
            day = last + timedelta(days=1)
    yield from sorted(held.items(), key=lambda item: item[0])


def _calendar(window: Window, day: date) -> tuple[date, date]:
    if window.name == "day":
        return day, day
    if window.name == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31)
    return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _label(window: Window, first: date) -> str:
    """Return a calendar window's own name: 2026-03-18, 2026-03, 2026 年."""
    if window.name == "year":
        return f"{first.year} 年"
    return first.isoformat()[: {"day": 10, "month": 7}.get(window.name, 0)]


def in_words(found: Excess, unit: str, done: str) -> str:
    """Return the worst window's sum in words: what is being saved, what was there before and since when, and both."""
    worst = found.worst
    now = f"本次 {number(worst.now)} {unit}"
    if not worst.earlier:
        return f"{worst.label} {now}".strip()
    where = f"{worst.label} " if worst.label else _KNOWN.get(found.window.name) or str(found.window)
    return f"{now} + {where}{done} {number(worst.before)} {unit}{_source(worst)} = {number(worst.total)} {unit}"


def _source(count: Count) -> str:
    """Return when and by whom the latest of the earlier charges was ordered, as far as it is known."""
    last = max(count.earlier, key=lambda line: line.begin.isoformat() if line.begin else "")
    day = f"最近 {last.begin.date().isoformat()}" if last.begin else ""
    who = f"开单医师 {last.doctor}" if last.doctor else ""
    known = ",".join(part for part in (day, who) if part)
    return f"({known})" if known else ""
