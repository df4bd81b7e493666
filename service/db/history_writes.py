"""Writes into the record of saved lines: lines and visits as they were told of last, and from when on it is complete.

In: rows of one hospital. Out: ``saved_line`` and ``saved_visit``, where what was told last stands, in whatever order it
came. Two tellings of the same moment end alike, too: cancelled wins, and the visit of which more is said.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg

from service.db.partitions import Partitions
from service.db.patient_keys import AnyConnection, keys_for
from service.db.pool import Pool
from service.db.tables import month_of
from service.sealing import Sealer

Status = Literal["saved", "cancelled"]

_UPSERT_LINES: Final = """
INSERT INTO saved_line
    (hospital, day, line_key, patient, item, visit, status, source, verdict_id, line, received)
SELECT $1, told.* FROM unnest(
    $2::date[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::bytea[],
    $11::timestamptz[]
) AS told (day, line_key, patient, item, visit, status, source, verdict_id, line, received)
ON CONFLICT (hospital, day, line_key) DO UPDATE SET
    patient = excluded.patient, item = excluded.item, visit = excluded.visit, status = excluded.status,
    source = excluded.source,
    verdict_id = CASE excluded.source
        WHEN 'message' THEN coalesce(saved_line.verdict_id, excluded.verdict_id)
        ELSE coalesce(excluded.verdict_id, saved_line.verdict_id)
    END,
    line = excluded.line, received = excluded.received
WHERE (saved_line.received, saved_line.status = 'cancelled', saved_line.line)
    < (excluded.received, excluded.status = 'cancelled', excluded.line)
"""
_CANCELLED: Final = """
SELECT told.day, told.line_key FROM unnest($2::date[], $3::uuid[]) AS told (day, line_key)
WHERE EXISTS (
    SELECT FROM saved_line WHERE saved_line.hospital = $1 AND saved_line.day = told.day
        AND saved_line.line_key = told.line_key AND saved_line.status = 'cancelled' OFFSET 0
)
"""
"""``OFFSET 0`` keeps this a look-up per line, whatever the statistics say."""
_UPSERT_VISITS: Final = """
INSERT INTO saved_visit (hospital, patient, visit, past_visit, received)
SELECT $1, told.* FROM unnest($2::text[], $3::text[], $4::bytea[], $5::timestamptz[])
    AS told (patient, visit, past_visit, received)
ON CONFLICT (hospital, patient, visit) DO UPDATE SET past_visit = excluded.past_visit, received = excluded.received
WHERE (saved_visit.received, length(saved_visit.past_visit), saved_visit.past_visit)
    < (excluded.received, length(excluded.past_visit), excluded.past_visit)
"""


@dataclass(frozen=True, slots=True)
class LineRow:
    """What was told of one line. ``patient`` is a pseudonym, ``line`` the canonical bytes of the line."""

    day: date
    key: UUID
    patient: str
    item: str
    visit: str
    status: Status
    source: str
    verdict_id: UUID | None
    line: bytes
    received: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a line stands in the record, whoever told of it last, and the verdict that was told of it."""

    status: Status
    received: datetime
    verdict_id: UUID | None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """What was told of one visit; ``past_visit`` is the canonical bytes of ``rules.model.PastVisit``."""

    patient: str
    visit: str
    past_visit: bytes
    received: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """From which day on a hospital vouches that its saved lines are complete; ``None``: it does not."""

    since: date | None
    declared_by: str
    declared: datetime


class Months:
    """The months that have a partition for saved lines, as far as this process knows."""

    def __init__(self) -> None:
        self._partitions = Partitions()
        self._known: set[date] = set()

    def missing(self, days: Iterable[date]) -> set[date]:
        """Return the months of these days not known to be there. Raises ``ValueError`` for years nobody lives in."""
        return {month_of(day) for day in days} - self._known

    async def ensure(self, connection: AnyConnection, days: Iterable[date]) -> None:
        """Make the partitions that are missing, in a transaction of their own."""
        if missing := self.missing(days):
            # A pool lends a stand-in for the connection.
            await self._partitions.ensure(connection, {"saved_line": missing})  # type: ignore[arg-type]
            self._known |= missing

    def forget(self) -> None:
        """Ask again: a month was retired, or another server answers."""
        self._partitions.forget()
        self._known.clear()


async def upsert_lines(connection: AnyConnection, hospital: str, rows: Iterable[LineRow]) -> int:
    """Tell of lines; return how many. Partitions must be there (``Months``); one statement, ordered by key.

    Raises ``asyncpg.CheckViolationError`` where a partition is missing.
    """
    latest: dict[tuple[date, UUID], LineRow] = {}
    for row in rows:
        known = latest.get((row.day, row.key))
        if known is None or _rank(known) < _rank(row):
            latest[row.day, row.key] = row
    if not latest:
        return 0
    # In one order for all, so that two writers wait for each other and never in a circle.
    told = [latest[place] for place in sorted(latest)]
    await connection.execute(
        _UPSERT_LINES,
        hospital,
        [row.day for row in told],
        [row.key for row in told],
        [row.patient for row in told],
        [row.item for row in told],
        [row.visit for row in told],
        [row.status for row in told],
        [row.source for row in told],
        [row.verdict_id for row in told],
        [row.line for row in told],
        [row.received for row in told],
    )
    return len(told)


async def cancelled(
    connection: AnyConnection, hospital: str, places: Iterable[tuple[date, UUID]]
) -> set[tuple[date, UUID]]:
    """Return which of these lines, by day and key, stand as cancelled."""
    wanted = sorted(set(places))
    rows = await connection.fetch(_CANCELLED, hospital, [day for day, _ in wanted], [key for _, key in wanted])
    return {(row["day"], row["line_key"]) for row in rows}


def _rank(row: LineRow) -> tuple[datetime, bool, bytes]:
    return row.received, row.status == "cancelled", row.line


async def standing(
    connection: AnyConnection, hospital: str, places: Iterable[tuple[date, UUID]]
) -> dict[UUID, Standing]:
    """Return how lines stand, by key; those nobody told of are not among them."""
    wanted = sorted(set(places))
    rows = await connection.fetch(
        "SELECT line_key, status, received, verdict_id FROM saved_line"
        " WHERE hospital = $1 AND day = ANY($2::date[]) AND line_key = ANY($3::uuid[])",
        hospital,
        sorted({day for day, _ in wanted}),
        [key for _, key in wanted],
    )
    return {row["line_key"]: Standing(row["status"], row["received"], row["verdict_id"]) for row in rows}


async def upsert_visits(connection: AnyConnection, hospital: str, rows: Iterable[VisitRow]) -> None:
    """Tell of visits in which something was saved."""
    latest: dict[tuple[str, str], VisitRow] = {}
    for row in rows:
        known = latest.get((row.patient, row.visit))
        if known is None or _fullness(known) < _fullness(row):
            latest[row.patient, row.visit] = row
    if not latest:
        return
    told = [latest[place] for place in sorted(latest)]
    await connection.execute(
        _UPSERT_VISITS,
        hospital,
        [row.patient for row in told],
        [row.visit for row in told],
        [row.past_visit for row in told],
        [row.received for row in told],
    )


def _fullness(row: VisitRow) -> tuple[datetime, int, bytes]:
    return row.received, len(row.past_visit), row.past_visit


async def write_past(
    pool: Pool,
    months: Months,
    hospital: str,
    lines: list[LineRow],
    visits: list[VisitRow],
    *,
    sealer: Sealer,
    within: float = 30.0,
) -> None:
    """Write lines and visits in one transaction, their people's keys held, so that an erasure waits for all of it.

    Raises ``Problem`` (``NO_DATABASE``), what the database refuses, and ``Unreadable`` as ``keys_for``.
    """
    people = {(hospital, line.patient) for line in lines} | {(hospital, visit.patient) for visit in visits}
    async with pool.connection(within) as connection:
        for attempt in range(2):
            await months.ensure(connection, {row.day for row in lines})
            try:
                async with connection.transaction():
                    await keys_for(connection, sealer, people)
                    await upsert_lines(connection, hospital, lines)
                    await upsert_visits(connection, hospital, visits)
                return
            except asyncpg.CheckViolationError:
                # A month was retired since we looked.
                months.forget()
                if attempt:
                    raise
            await asyncio.sleep(0)


async def declare_coverage(
    pool: Pool, hospital: str, since: date | None, declared_by: str, *, within: float = 5.0
) -> Coverage:
    """Keep from when on a hospital vouches for its saved lines. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(within) as connection:
        declared: datetime = await connection.fetchval(
            "INSERT INTO history_coverage (hospital, since, declared_by) VALUES ($1, $2, $3) RETURNING created",
            hospital,
            since,
            declared_by,
        )
    return Coverage(since, declared_by, declared)


async def coverage(pool: Pool, hospital: str, *, within: float = 2.0) -> Coverage | None:
    """Return what a hospital declared last; ``None``: nothing yet. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(within) as connection:
        row = await connection.fetchrow(
            "SELECT since, declared_by, created FROM history_coverage WHERE hospital = $1 ORDER BY id DESC LIMIT 1",
            hospital,
        )
    return Coverage(row["since"], row["declared_by"], row["created"]) if row else None
