"""Payload and record as one history: every charge once, however often and however well it was told.

In: an encounter and what was recorded. Out: the lines and visits that the payload lacks. What both tell of is the
payload's: it is newer. Senders tell one line with a clock time, with a day only, or with no time at all, so lines are
compared by id, item, visit and service day, and by the clock only where both told it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Final

from msgspec.structs import fields, replace

from rules.codes import SETTLEMENT
from rules.model import Encounter, Line, PastVisit

Key = tuple[object, ...]
Days = tuple[date, date]


def once(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Drop exact repeats of a line with an id, and the past copy of a line that is being saved now.

    Some senders report a line twice; that is one charge, not two (national interface, reader rule 5).
    """
    if len({(line.id or line.position, line.item, line.begin) for line in lines}) == len(lines):
        return lines  # nothing can be a repeat, which is nearly always
    seen: dict[object, Line] = {}
    for line in sorted(lines, key=lambda line: not line.current):
        key: object = line.position if not line.id else (*_identity(line), line.quantity, line.amount)
        seen.setdefault(key, line)
    return lines if len(seen) == len(lines) else tuple(sorted(seen.values(), key=lambda line: line.position))


def _identity(line: Line) -> tuple[str, str, datetime | None, str | None]:
    """Return what makes two reports of a line the same one (decision 10); without a time the visit tells too."""
    return (line.id, line.item, line.begin, line.visit if line.begin is None else None)


def unrepeated(
    encounter: Encounter, lines: tuple[Line, ...], recorded: tuple[Line, ...], today: date
) -> tuple[Line, ...]:
    """Return the recorded lines that these lines of the payload do not tell of, at positions from -1 downwards.

    ``today`` is the day of current lines that name none. From the day on that the sender vouches for, what it does not
    tell of was taken back, and so was what the bill of a stay leaves out.
    """
    since, own = encounter.history_since, encounter.visit.id
    billed = _billed(encounter, lines)
    older = [
        line
        for line in recorded
        if not (since and line.begin and line.begin.date() >= since)
        and not (billed and line.visit == own and line.self_paid is not True and _within(line, billed))
    ]
    told = [_Told(line, own, today) for line in lines]
    settled = not SETTLEMENT.isdisjoint(encounter.scenes)
    left = _used_besides(_left([_Told(line, own, None) for line in _told_best(older, own)], told), told, settled, today)
    return tuple(
        replace(line, position=-1 - number, current=False, visit=None if own and line.visit == own else line.visit)
        for number, line in enumerate(left)
    )


def _billed(encounter: Encounter, lines: tuple[Line, ...]) -> Days | None:
    """Return the days of a stay whose bill this is: at its settlement a message carries what is charged on them."""
    if encounter.visit.type != "inpatient" or not encounter.visit.id or SETTLEMENT.isdisjoint(encounter.scenes):
        return None
    days = [line.begin.date() for line in lines if line.visit is None and line.begin is not None]
    return (min(days), max(days)) if days else None


def _within(line: Line, days: Days) -> bool:
    return line.begin is not None and days[0] <= line.begin.date() <= days[1]


class _Told:
    """A line and what tells whether another is the same charge."""

    __slots__ = ("back", "day", "line", "name", "visit")

    def __init__(self, line: Line, own: str, today: date | None) -> None:
        visit = own if line.visit is None else line.visit
        back = line.quantity is not None and line.quantity < 0
        self.line = line
        self.visit = visit
        self.back = back
        self.name: Key = (line.id, line.item, visit, back)
        self.day = line.begin.date() if line.begin is not None else today if line.current else None


_Kept = Callable[[_Told], Key]
_Sought = Callable[[_Told], tuple[Key, ...]]


def _clocks(told: _Told) -> tuple[bool, ...]:
    """Say what recorded lines a line may be by the clock: two clock times that differ are two charges."""
    return (False,) if told.line.timed else (False, True)


_STEPS: Final[tuple[tuple[bool, _Kept, _Sought], ...]] = (
    # Whether it takes an id, the key of a recorded line, the keys to seek for a line: the surest likeness first.
    (
        False,
        lambda kept: (kept.line.begin, kept.line.quantity, kept.line.amount),
        lambda told: ((told.line.begin, told.line.quantity, told.line.amount),),
    ),
    (
        False,
        lambda kept: (kept.line.begin, kept.line.quantity),
        lambda told: ((told.line.begin, told.line.quantity),),
    ),
    (
        False,
        lambda kept: (kept.day, kept.line.quantity, kept.line.timed),
        lambda told: tuple((told.day, told.line.quantity, timed) for timed in _clocks(told)) if told.day else (),
    ),
    (True, lambda kept: (kept.line.begin,), lambda told: ((told.line.begin,),)),
    (True, lambda kept: (kept.day, kept.line.timed), lambda told: tuple((told.day, timed) for timed in _clocks(told))),
    (True, lambda kept: (kept.line.quantity,), lambda told: () if told.line.begin else ((told.line.quantity,),)),
    (True, lambda kept: (kept.day is None,), lambda told: ((True,),) if told.line.begin else ((True,), (False,))),
)


def _left(recorded: list[_Told], lines: list[_Told]) -> list[_Told]:
    """Return the recorded lines but one for each line of the payload that is the same charge."""
    left = dict(enumerate(recorded))
    names = {kept.name for kept in recorded}
    open_ = [told for told in lines if told.name in names]
    for needs_id, key_of, keys_for in _STEPS:
        if not open_:
            break
        places: dict[Key, list[int]] = {}
        for place, kept in left.items():
            places.setdefault((*kept.name, *key_of(kept)), []).append(place)
        unmatched = []
        for told in open_:
            keys = [(*told.name, *key) for key in keys_for(told)] if told.line.id or not needs_id else []
            found = next((key for key in keys if places.get(key)), None)
            if found is None:
                unmatched.append(told)
            else:
                del left[places[found].pop()]
        open_ = unmatched
    return list(left.values())


class _Use:
    """What is told of the use of one item in one visit: on which days, under which ids."""

    __slots__ = ("_ordered", "days", "running", "undated")

    def __init__(self) -> None:
        self._ordered: list[date] = []
        self.days: dict[date, set[str]] = {}
        self.running: Days | None = None
        """From the first to the last day of lines that cover several."""
        self.undated = False

    def add(self, told: _Told, today: date) -> None:
        """Take in a line."""
        if told.day is None:
            self.undated = True
            return
        self.days.setdefault(told.day, set()).add(told.line.id)
        first, last = _days_of(told, told.day, today)
        if first < last:
            low, high = self.running or (first, last)
            self.running = min(low, first), max(high, last)

    def holds(self, kept: _Told, today: date) -> bool:
        """Say whether this is the use that a recorded line tells of under another id, or as a whole order."""
        if self.undated or kept.day is None:
            return True
        first, last = _days_of(kept, kept.day, today)
        if self.running and self.running[0] <= last and first <= self.running[1]:
            return True
        if first < last:
            self._ordered = self._ordered or sorted(self.days)
            place = bisect_left(self._ordered, first)
            return place < len(self._ordered) and self._ordered[place] <= last
        ids = self.days.get(kept.day, set())
        # One id with two clock times is two charges; no id tells nothing of the kind.
        return bool(ids if not kept.line.id else ids - {kept.line.id})


def _days_of(told: _Told, day: date, today: date) -> Days:
    line = told.line
    end = line.stop.date() if line.stop is not None else today if line.long_term else day
    return day, max(day, end)


def _used_besides(recorded: list[_Told], lines: list[_Told], settled: bool, today: date) -> list[Line]:
    """Return the recorded lines that are not what is told of an item, a day and a visit under other ids.

    Many systems give an order and its charges ids of their own, so one use is told twice. Where the payload carries an
    item's past in a visit, it tells all of that day, and a recorded line besides is another telling, or was changed
    or taken back. An order (it has a dose, a frequency or runs on) is the use that bare charges of its days tell of,
    wherever those stand.
    """
    past: dict[Key, _Use] = defaultdict(_Use)
    charged: dict[Key, _Use] = defaultdict(_Use)
    for told in lines:
        if told.visit and (settled or not told.line.current or (told.day or today) < today):
            past[_use_of(told)].add(told, today)
    for told in (*lines, *recorded):
        if told.visit and not _is_order(told.line):
            charged[_use_of(told)].add(told, today)
    return [
        kept.line
        for kept in recorded
        if not _holds(past, kept, today) and not (_is_order(kept.line) and _holds(charged, kept, today))
    ]


def _holds(uses: dict[Key, _Use], kept: _Told, today: date) -> bool:
    use = uses.get(_use_of(kept)) if kept.visit else None
    return use is not None and use.holds(kept, today)


def _use_of(told: _Told) -> Key:
    return told.line.item, told.visit, told.back


def _is_order(line: Line) -> bool:
    """Say whether a line is surely an order and no charge."""
    return line.long_term is True or not (line.dose is None and line.frequency is None and line.supply_days is None)


def _told_best(recorded: Iterable[Line], own: str) -> list[Line]:
    """Return each recorded charge once, as it was told best.

    A line told without its clock time stands under the time of the message that told it, and so once per telling: the
    last telling holds. What was told with its clock time needs none of them. A line told without its id is one that
    was told with it, or with its clock time (``_without_nameless``).
    """
    charges: dict[Key, Line] = {}
    alike: dict[Key, list[Line]] = {}
    for number, line in enumerate(recorded):
        told = _Told(line, own, None)
        key: Key = (*told.name, line.begin, line.quantity, line.amount) if line.id else (number,)
        if key not in charges:
            charges[key] = line
            if line.id and line.begin is not None:
                alike.setdefault((*told.name, told.day), []).append(line)
    dropped: set[int] = set()
    for same in alike.values():
        loose = [line for line in same if not line.timed]
        if loose and len(same) > 1:
            holds = loose[-1].begin if len(loose) == len(same) else None
            dropped.update(id(line) for line in loose if line.begin != holds)
    return _without_nameless([line for line in charges.values() if id(line) not in dropped], own)


def _without_nameless(lines: list[Line], own: str) -> list[Line]:
    """Return lines without those of an item, a visit and a day that were told again in another manner.

    A sender that gives ids to what is being saved, but none to history, tells the same twice; so does one whose history
    without ids lacks the clock. Each telling of history is a whole, so the manner that was told last holds.
    """
    if all(line.id for line in lines):
        return lines
    manner: dict[Key, tuple[bool, bool]] = {}
    for line in lines:
        manner[_Told(line, own, None).name[1:], line.begin and line.begin.date()] = _manner(line)
    return [
        line
        for line in lines
        if manner[_Told(line, own, None).name[1:], line.begin and line.begin.date()] == _manner(line)
    ]


def _manner(line: Line) -> tuple[bool, bool]:
    return bool(line.id), not line.id and line.timed


def other_visits(
    encounter: Encounter, told: tuple[PastVisit, ...], recorded: tuple[PastVisit, ...]
) -> tuple[PastVisit, ...]:
    """Return other visits of the person, from payload and record, each once, in order of admission.

    What the payload leaves open about a visit, the record may tell. A visit that the payload names by its day alone is
    the recorded one of that day.
    """
    own, here = encounter.visit.id, encounter.hospital
    known: dict[object, PastVisit] = {}
    for number, visit in enumerate(told):
        known.setdefault(_visit(visit, here) or number, visit)
    nameless = [visit.admitted.date() for visit in known.values() if _nameless(visit, here) and visit.admitted]
    for number, visit in enumerate(recorded, len(told)):
        key = _visit(visit, here)
        day = visit.admitted.date() if visit.admitted else None
        if key in known:
            known[key] = _filled(known[key], visit)
        elif day in nameless and visit.hospital in {None, here}:
            nameless.remove(day)
        else:
            known[key or number] = visit
    others = [visit for visit in known.values() if not (own and visit.id == own)]
    return tuple(sorted(others, key=lambda visit: (str(visit.admitted or visit.discharged or ""), visit.id)))


def _visit(visit: PastVisit, here: str) -> Key | None:
    return (None if visit.hospital == here else visit.hospital, visit.id) if visit.id else None


def _nameless(visit: PastVisit, here: str) -> bool:
    return not visit.id and visit.hospital in {None, here}


def _filled(told: PastVisit, recorded: PastVisit) -> PastVisit:
    """Return a visit as told, with what the record knows beyond that."""
    values = {field.name: getattr(told, field.name) for field in fields(PastVisit)}
    return replace(told, **{name: getattr(recorded, name) for name, value in values.items() if value in {None, ""}})
