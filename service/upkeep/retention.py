"""``dipcheck retain``: months older than the retention setting go. Never by itself: somebody runs it, or a timer.

In: how many whole months to keep beside the running one; saved lines have their own, longer span, since rules look back
on them. Out: what was done, line by line, and whether all of it could be. Running it again goes on where it stopped.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from datetime import time as clock_time
from typing import Final

from service.db import retention as stored
from service.db.retention import Connection, InUse, Month
from service.db.snapshots import connected
from service.packs import database_url
from service.settings import Settings

PATIENCE: Final = 120.0
"""Seconds for which one run tries for tables in use (by a backup, or a long query) before it leaves them."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

_LINES: Final = "saved_line"
_EVIDENCE: Final = "evidence"


@dataclass(slots=True)
class _Run:
    """One run: its orders and what came of them."""

    by: str
    dry_run: bool
    records_from: date
    """First day that is kept of everything but saved lines."""
    lines_from: date
    """First day that is kept of saved lines."""
    zone: tzinfo
    deadline: float
    complete: bool = True

    def start_of(self, day: date) -> datetime:
        """Return the instant a day begins."""
        return datetime.combine(day, clock_time.min, self.zone)


def retain(
    settings: Settings,
    *,
    months: int,
    history_months: int,
    by: str,
    dry_run: bool = False,
    now: datetime | None = None,
    patience: float = PATIENCE,
) -> tuple[bool, list[str]]:
    """Retire what is older; return whether all could be, and what was done.

    Raises ``Problem`` when the database does not answer.
    """
    today = (now or datetime.now(UTC)).astimezone(settings.tz).date()
    run = _Run(
        by=by,
        dry_run=dry_run,
        records_from=months_before(today, months),
        lines_from=months_before(today, history_months),
        zone=settings.tz,
        deadline=time.monotonic() + patience,
    )
    lines = asyncio.run(_retain(database_url(settings), run))
    return run.complete, lines


def months_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before a day's own."""
    number = day.year * 12 + day.month - 1 - months
    return date(max(number // 12, 1), number % 12 + 1, 1)


async def _retain(url: str, run: _Run) -> list[str]:
    async with connected(url) as connection:
        if not await stored.is_alone(connection):
            run.complete = False
            return ["another `dipcheck retain` is running"]
        said = [f"kept: records from {run.records_from} on, saved lines from {run.lines_from} on"]
        present = await stored.months(connection)
        lines, rest, evidence = _old(present, run)
        if lines:
            said += await _shorten_coverage(connection, run)
        for month in (*lines, *rest):
            said.append(await _retire(connection, month, run))
        said += await _retire_evidence(connection, evidence, run)
        said += await _tidy(connection, run)
    return said


def _old(present: Iterable[Month], run: _Run) -> tuple[list[Month], list[Month], list[Month]]:
    """Return the months to go, oldest first: of saved lines, of evidence, and of everything else between them."""
    ordered = sorted(present, key=lambda month: (month.first, month.table))
    lines = [month for month in ordered if month.table == _LINES and month.first < run.lines_from]
    others = [month for month in ordered if month.table != _LINES and month.first < run.records_from]
    evidence = [month for month in others if month.table == _EVIDENCE]
    return lines, [month for month in others if month.table != _EVIDENCE], evidence


async def _shorten_coverage(connection: Connection, run: _Run) -> list[str]:
    if run.dry_run:
        return [f"would say that history is complete from {run.lines_from} on, where it is declared from before"]
    changed = await stored.shorten_coverage(connection, run.lines_from, by=run.by)
    return [f"history of {hospital}: complete from {run.lines_from} on, was {former}" for hospital, former in changed]


async def _retire(connection: Connection, month: Month, run: _Run) -> str:
    """Retire a month, trying again while others use the table; say what became of it."""
    if run.dry_run:
        return f"would retire {month}: {await stored.count(connection, month)} rows"
    pause = _FIRST_PAUSE
    while True:
        try:
            return f"retired {month}: {await stored.retire(connection, month, by=run.by)} rows"
        except InUse:
            if time.monotonic() + pause > run.deadline:
                run.complete = False
                return f"kept {month}: the table is in use; run this again later"
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _retire_evidence(connection: Connection, months: list[Month], run: _Run) -> list[str]:
    """Retire months of evidence whose rows are gone, from the oldest on and without a gap."""
    said: list[str] = []
    for month in months:
        vouched = await stored.vouched_for(connection, month)
        present = set(await stored.months(connection))
        gone = set(_old(present, run)[1]) if run.dry_run else set()
        beside = {other for other in present if other.first == month.first and other.table not in {_LINES, _EVIDENCE}}
        held = sorted(((vouched & present) | beside) - gone)
        if held:
            return [*said, f"kept {month} and later: still there is {', '.join(map(str, held))}"]
        said.append(await _retire(connection, month, run))
        if not run.complete:
            break
    return said


async def _tidy(connection: Connection, run: _Run) -> list[str]:
    """Delete what no month refers to any more."""
    lines_from, records_from = run.start_of(run.lines_from), run.start_of(run.records_from)
    visits = keys = 0
    for hospital in await stored.hospitals(connection):
        if run.dry_run:
            visits += await stored.visits_without_lines(connection, hospital, lines_from)
            keys += len(await stored.unused_keys(connection, hospital, records_from))
        else:
            visits += await stored.drop_visits_without_lines(connection, hospital, lines_from)
            keys += await stored.drop_unused_keys(connection, hospital, records_from)
    aside = await (stored.set_aside if run.dry_run else stored.drop_set_aside)(connection, records_from)
    done = "would remove at least" if run.dry_run else "removed"
    return [f"{done} {visits} visits and {keys} patients' keys that nothing refers to, {aside} records set aside"]
