"""Recorded history as context of a check: what rules would like to know of the past, in one query under a deadline.

In: looks, an encounter, seconds. Out: a ``Context``. A check never fails for its history: where the record does not
answer in time, the context says that history is late and the rules that need it are *not checked*. After a miss nobody
asks for a second, so that a slow database is not asked ever more; meanwhile a connection is tried out in peace.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import date, datetime, tzinfo
from typing import Final, Literal

import msgspec
import structlog
from msgspec.structs import replace

from rules import Encounter, Look
from rules.model import NO_CONTEXT, Asked, Context, History, Line, PastVisit
from rules.patterns import matches
from service import metrics
from service.db.history import Found, TooMany, Wanted, past
from service.db.pool import Pool
from service.errors import Problem

Outcome = Literal["answered", "late", "unavailable", "too_many", "paused"]
HISTORY: Final = "history"
LATE: Final = Context(late=(HISTORY,))
PAUSE: Final = 1.0
"""Seconds without a look after one that was not answered."""
TRIED_FOR: Final = 5.0
"""Seconds a connection may take when no check waits for it."""
CONNECTIONS: Final = 4
"""Connections made ready at once: those of a worker's pool."""
NEAR: Final = 92
"""Days of the shorter of two windows in a query: most rules look back over weeks, few over years."""

_log = structlog.get_logger("dipcheck.history")
_LINE: Final = msgspec.json.Decoder(Line)
_VISIT: Final = msgspec.json.Decoder(PastVisit)


class HistoryContext:
    """Asks the record for a worker's checks (``check_flow.ContextSource``). Belongs to one event loop."""

    def __init__(
        self, pool: Pool, zone: tzinfo, *, pause: float = PAUSE, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._zone = zone
        self._pause = pause
        self._monotonic = monotonic
        self._resume = -pause
        self._trial: asyncio.Task[None] | None = None

    async def __call__(
        self, looks: tuple[Look, ...], encounter: Encounter, deadline: float, at: datetime | None = None
    ) -> Context:
        """Return what is recorded of the patient; ``deadline`` is in seconds. Never raises.

        ``at`` is the message's time, from which windows are counted where no current line tells its own; absent, the
        time of the call.
        """
        if not looks or not encounter.patient.pseudonym:
            return NO_CONTEXT
        if self._monotonic() < self._resume or self._trying:
            return self._missed("paused")
        asked = tuple(asked_of(looks, encounter, at or datetime.now(self._zone)))
        try:
            found = await self._past(encounter, asked, deadline)
            history = history_of(found, asked, encounter, self._zone)
        except TooMany:
            return self._missed("too_many")
        except Exception as error:
            late = isinstance(error, Problem) and error.detail == TimeoutError.__name__
            if not isinstance(error, Problem):
                _log.error("history not read", error=type(error).__name__)
            self._hold_off()
            return self._missed("late" if late else "unavailable")
        metrics.HISTORY_READ.labels("answered").inc()
        return Context(history=history)

    async def close(self) -> None:
        """Stop trying for a connection, and end those there are."""
        if self._trial is not None:
            self._trial.cancel()
            await asyncio.gather(self._trial, return_exceptions=True)
        await self._pool.close()

    async def _past(self, encounter: Encounter, asked: tuple[Asked, ...], deadline: float) -> Found:
        far, near = wanted(asked)
        visits = any(one.visits for one in asked)
        async with self._pool.connection(deadline) as connection:
            return await past(
                connection, encounter.hospital, encounter.patient.pseudonym, far=far, near=near, visits=visits
            )

    def _missed(self, outcome: Outcome) -> Context:
        metrics.HISTORY_READ.labels(outcome).inc()
        return LATE

    @property
    def _trying(self) -> bool:
        return self._trial is not None and not self._trial.done()

    def _hold_off(self) -> None:
        """Ask nothing for a while, and have a connection ready afterwards: making one may take longer than a look."""
        self._resume = self._monotonic() + self._pause
        if not self._trying:
            self._trial = asyncio.create_task(self._try_out())

    async def _try_out(self) -> None:
        """Hold as many connections at once as looks may need, so that none has to be made while a check waits."""
        with suppress(Problem):  # the next look after the pause says so
            async with AsyncExitStack() as held:
                for _ in range(CONNECTIONS):
                    connection = await held.enter_async_context(self._pool.connection(TRIED_FOR))
                    await connection.execute("SELECT 1")


def asked_of(looks: Iterable[Look], encounter: Encounter, now: datetime) -> Iterator[Asked]:
    """Yield what to ask for, one for each day back to which something is asked, the earliest first."""
    first = min(((line.begin or now).date() for line in encounter.lines if line.current), default=now.date())
    admitted = encounter.visit.admitted
    begun = min(first, admitted.date()) if admitted else first
    items: dict[date, set[str]] = defaultdict(set)
    visits: set[date] = set()
    for look in looks:
        if look.visits:
            visits.add(_back(begun, look.days))
        if look.items:
            items[_back(first, look.days)].update(look.items)
    since = min(visits, default=None)
    for day in sorted({*items, *([since] if since else [])}):
        yield Asked(since=day, items=tuple(sorted(items[day])), visits=day == since)


def _back(day: date, days: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - days))


def wanted(asked: tuple[Asked, ...]) -> tuple[Wanted, Wanted]:
    """Return what to query far back, and not so far back."""
    edge = _back(max(one.since for one in asked), NEAR)
    far = [one for one in asked if one.items and one.since < edge]
    near = [one for one in asked if one.items and one.since >= edge]
    return _wanted(far or near), _wanted(near if far else [], default=asked[-1].since)


def _wanted(asked: list[Asked], default: date = date.max) -> Wanted:
    patterns = {pattern for one in asked for pattern in one.items}
    families = sorted(pattern[:-1] for pattern in patterns if pattern.endswith(("*", "?")))
    codes = sorted(pattern for pattern in patterns if not pattern.endswith(("*", "?")))
    return Wanted(min((one.since for one in asked), default=default), codes, families)


def history_of(found: Found, asked: tuple[Asked, ...], encounter: Encounter, zone: tzinfo) -> History:
    """Return rows as rules read them: what stands of what was asked for, in the hospital's time, by visit."""
    own, wanted_since = encounter.visit.id, _SinceWhen(asked)
    told = ((saved, _placed(_LINE.decode(content), own, zone)) for saved, content in found.lines)
    visits_since = min((one.since for one in asked if one.visits), default=None)
    visits = (_in_zone(_VISIT.decode(content), zone) for content in found.visits)
    return History(
        since=found.since,
        lines=tuple(line for line in _standing(told) if wanted_since.takes(line)),
        visits=tuple(
            visit
            for visit in visits
            if visits_since is not None and not (own and visit.id == own) and _lasted(visit, visits_since)
        ),
        asked=asked,
    )


def _standing(told: Iterable[tuple[bool, Line]]) -> list[Line]:
    """Return the lines that stand as saved after all that was told, in the order it was told.

    A line without a clock time has a row for each message that told of it: what is cancelled was saved by all of them.
    """
    standing: dict[int, Line] = {}
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, (saved, line) in enumerate(told):
        day = line.begin.date() if line.begin else None
        if saved:
            standing[number] = line
            alike[line.visit, line.id, line.item, day, line.timed].append(number)
        elif line.id:
            # Two clock times are two lines, and a telling of the same clock time is the same row.
            for timed in (False,) if line.timed else (False, True):
                for gone in alike.pop((line.visit, line.id, line.item, day, timed), ()):
                    del standing[gone]
    return list(standing.values())


class _SinceWhen:
    """Back to which day each item was asked for, remembered by item."""

    def __init__(self, asked: tuple[Asked, ...]) -> None:
        self._asked = asked
        self._known: dict[str, date] = {}

    def takes(self, line: Line) -> bool:
        """Say whether a line was asked for."""
        since = self._known.get(line.item)
        if since is None:
            days = (one.since for one in self._asked if matches(one.items, line.item))
            since = self._known[line.item] = min(days, default=date.max)
        return line.begin is None or line.begin.date() >= since


def _placed(line: Line, own: str, zone: tzinfo) -> Line:
    """Return a line in the hospital's time; without a visit of its own when it is of this one."""
    visit = None if own and line.visit == own else line.visit or ""
    begin = line.begin.astimezone(zone) if line.begin else None
    stop = line.stop.astimezone(zone) if line.stop else None
    return replace(line, current=False, visit=visit, begin=begin, stop=stop)


def _in_zone(visit: PastVisit, zone: tzinfo) -> PastVisit:
    admitted = visit.admitted.astimezone(zone) if visit.admitted else None
    discharged = visit.discharged.astimezone(zone) if visit.discharged else None
    return replace(visit, admitted=admitted, discharged=discharged)


def _lasted(visit: PastVisit, since: date) -> bool:
    """Say whether a visit reaches into the days asked for; a stay whose end nobody told may."""
    last = visit.discharged or visit.admitted
    endless = visit.discharged is None and visit.type != "outpatient"
    return endless or last is None or last.date() >= since
