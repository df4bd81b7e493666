"""The list of orders that wait to be checked in the background (补审): taken by one worker at a time, then finished.

In: the hospital, and what became of an order. Out: ``Due`` orders, sealed as they stand, and how far a list is. A row
that a worker took and did not finish is free again after ``TAKEN_FOR``: that worker is gone.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from service.db.pool import Pool
from service.db.verdicts import READ_WITHIN, opened
from service.sealing import Sealer, Unreadable

TAKEN_FOR: Final = timedelta(seconds=60)
"""How long a worker may take over what it took."""
_SPREAD: Final = timedelta(days=3)
"""Further than the day of a verdict's partition can be from the day it was asked for."""


@dataclass(frozen=True, slots=True)
class Due:
    """An order to check now."""

    hospital: str
    day: date
    id: UUID
    received: datetime
    caller: str
    message_id: str | None
    dialect: str
    saved: bool
    again: bool
    """Another worker took it before and did not finish."""
    input: bytes | None
    """Opened; ``None``: the person's data were erased."""
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """How far an order of a list is."""

    id: UUID
    message_id: str | None
    received: datetime
    started: datetime | None
    finished: datetime | None
    verdict_id: UUID | None
    problem: str | None
    state: str | None
    """State of the verdict, once it is in the database."""
    amount: int | None
    """Of the verdict, in 1/10,000 yuan."""


_DUE: Final = """
WITH due AS (
  SELECT day, id, started FROM recheck
  WHERE hospital = $1 AND finished IS NULL AND (started IS NULL OR started < now() - $2::interval)
  ORDER BY received, id LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE recheck SET started = now() FROM due
  WHERE recheck.hospital = $1 AND recheck.day = due.day AND recheck.id = due.id
  RETURNING recheck.*, due.started IS NOT NULL AS again
)
SELECT taken.hospital, taken.day, taken.id, taken.received, coalesce(taken.caller, '') AS caller, taken.message_id,
       taken.dialect, taken.saved, taken.again, taken.input, taken.key, patient_key.wrapped
FROM taken LEFT JOIN patient_key ON patient_key.hospital = taken.hospital AND patient_key.id = taken.key
ORDER BY taken.received, taken.id
"""
_LIST: Final = """
SELECT r.id, r.message_id, r.received, r.started, r.finished, r.verdict_id, r.problem, v.state, v.amount
FROM recheck r LEFT JOIN verdict v
  ON v.hospital = r.hospital AND v.id = r.verdict_id AND v.day BETWEEN $4 AND $5
WHERE r.hospital = $1 AND r.list_id = $2 AND r.day = $3
ORDER BY r.received, r.id
"""


async def hospitals_due(pool: Pool) -> tuple[str, ...]:
    """Return the hospitals that have orders waiting."""
    async with pool.connection(READ_WITHIN) as connection:
        rows = await connection.fetch("SELECT DISTINCT hospital FROM recheck WHERE finished IS NULL ORDER BY hospital")
    return tuple(row["hospital"] for row in rows)


async def take(pool: Pool, sealer: Sealer, hospital: str, most: int) -> tuple[Due, ...]:
    """Take orders that wait, so that no other worker does, the oldest first."""
    async with pool.connection(READ_WITHIN) as connection:
        rows = await connection.fetch(_DUE, hospital, TAKEN_FOR, most)
    return tuple(_due(sealer, row) for row in rows)


async def finish(pool: Pool, due: Due, *, verdict_id: str | None = None, problem: str | None = None) -> None:
    """Note what became of an order; the first that does so holds."""
    async with pool.connection(READ_WITHIN) as connection:
        await connection.execute(
            "UPDATE recheck SET finished = now(), verdict_id = $4, problem = $5"
            " WHERE hospital = $1 AND day = $2 AND id = $3 AND finished IS NULL",
            due.hospital,
            due.day,
            due.id,
            None if verdict_id is None else UUID(verdict_id),
            problem,
        )


async def put_back(pool: Pool, due: Due, *, tried: bool) -> None:
    """Let an order wait again. One that was ``tried`` may have its verdict already: whoever takes it looks first."""
    async with pool.connection(READ_WITHIN) as connection:
        await connection.execute(
            "UPDATE recheck SET started = CASE WHEN $4 THEN started - $5::interval END"
            " WHERE hospital = $1 AND day = $2 AND id = $3 AND finished IS NULL",
            due.hospital,
            due.day,
            due.id,
            tried or due.again,
            TAKEN_FOR,
        )


async def verdict_given(pool: Pool, hospital: str, message_id: str, received: datetime) -> str | None:
    """Return the verdict that a re-check of this message asked for at this moment already gave, if it is known."""
    async with pool.connection(READ_WITHIN) as connection:
        found: UUID | None = await connection.fetchval(
            "SELECT id FROM verdict WHERE hospital = $1 AND message_id = $2 AND day BETWEEN $4 AND $5"
            " AND mode = 'recheck' AND received = $3 ORDER BY id LIMIT 1",
            hospital,
            message_id,
            received,
            received.date() - _SPREAD,
            received.date() + _SPREAD,
        )
    return None if found is None else str(found)


async def listed(pool: Pool, hospital: str, list_id: UUID) -> tuple[Listed, ...]:
    """Return how far each order of a list is; nothing when no such list is in the database (yet)."""
    async with pool.connection(READ_WITHIN) as connection:
        days = await connection.fetch(
            "SELECT DISTINCT day FROM recheck WHERE hospital = $1 AND list_id = $2 ORDER BY day", hospital, list_id
        )
        rows: list[asyncpg.Record] = []
        for (day,) in days:
            rows += await connection.fetch(_LIST, hospital, list_id, day, day - _SPREAD, day + _SPREAD)
    return tuple(Listed(**row) for row in rows)


@dataclass(frozen=True, slots=True)
class Stay:
    """What the record knows of a visit's lines: canonical bytes of ``rules.model.Line``."""

    saved: tuple[bytes, ...]
    cancelled: frozenset[UUID]
    """Keys of the person's lines that were taken back, of this visit or another."""


async def newest_of_visit(pool: Pool, hospital: str, visit: str) -> str | None:
    """Return the verdict given last for a visit, whose message knew most of it."""
    async with pool.connection(READ_WITHIN) as connection:
        found: UUID | None = await connection.fetchval(
            "SELECT id FROM verdict WHERE hospital = $1 AND visit = $2 ORDER BY received DESC, id DESC LIMIT 1",
            hospital,
            visit,
        )
    return None if found is None else str(found)


async def stay_of(pool: Pool, hospital: str, patient: str, visit: str) -> Stay:
    """Return the saved lines of a visit, oldest first, and what of the person's was taken back."""
    async with pool.connection(READ_WITHIN) as connection:
        rows = await connection.fetch(
            "SELECT line_key, visit, status, line FROM saved_line"
            " WHERE hospital = $1 AND patient = $2 AND (visit = $3 OR status = 'cancelled') ORDER BY day, line_key",
            hospital,
            patient,
            visit,
        )
    return Stay(
        saved=tuple(row["line"] for row in rows if row["status"] == "saved"),
        cancelled=frozenset(row["line_key"] for row in rows if row["status"] == "cancelled"),
    )


def _due(sealer: Sealer, row: asyncpg.Record) -> Due:
    names = ("hospital", "day", "id", "received", "caller", "message_id", "dialect", "saved", "again")
    fields = {name: row[name] for name in names}
    try:
        return Due(**fields, input=opened(sealer, row, "recheck", "input", str(row["id"])))
    except Unreadable:
        return Due(**fields, input=None, unreadable=True)
