"""How the record is: partitions that are there, what was set aside, what waits, the last checkpoint.

In: a hospital for what belongs to one. Out: rows; a journal's payload is never among them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from service.db.pool import Connection, Pool
from service.db.tables import PARTITIONED
from service.db.verdicts import READ_WITHIN

_MONTH: Final = len("2026_03")


@dataclass(frozen=True, slots=True)
class Months:
    """The months a table has partitions for, as ``2026-03``."""

    table: str
    oldest: str
    newest: str
    count: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """Records that could not be written, by the kind of fault."""

    reason: str
    count: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where in whose journal a record stood that could not be written, and why."""

    worker: UUID
    segment: int
    offset: int
    reason: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait, and since when."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The newest link of the hospital's evidence that is vouched for."""

    worker: UUID
    sequence: int
    day: date
    created: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a worker's journal is in the database."""

    worker: UUID
    segment: int
    offset: int
    updated: datetime


@dataclass(frozen=True, slots=True)
class RecordState:
    """Everything about the record that the database knows."""

    months: tuple[Months, ...]
    set_aside: tuple[SetAside, ...]
    line_events: Waiting
    rechecks: Waiting
    checkpoint: Checkpoint | None
    positions: tuple[Position, ...]


async def state(pool: Pool, hospital: str) -> RecordState:
    """Return how the record is. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(READ_WITHIN) as connection:
        aside = await connection.fetch(
            "SELECT reason, count(*), max(created) AS newest FROM set_aside GROUP BY reason ORDER BY reason"
        )
        checkpoint = await connection.fetchrow(
            "SELECT worker, sequence, day, created FROM checkpoint WHERE hospital = $1"
            " ORDER BY created DESC, sequence DESC LIMIT 1",
            hospital,
        )
        positions = await connection.fetch(
            'SELECT worker, segment, "offset", updated FROM journal_position ORDER BY updated DESC, worker LIMIT 100'
        )
        return RecordState(
            months=await _months(connection),
            set_aside=tuple(SetAside(**row) for row in aside),
            line_events=await _waiting(connection, "line_event", "settled", hospital),
            rechecks=await _waiting(connection, "recheck", "finished", hospital),
            checkpoint=None if checkpoint is None else Checkpoint(**checkpoint),
            positions=tuple(Position(**row) for row in positions),
        )


async def places(pool: Pool, most: int) -> tuple[Place, ...]:
    """Return where the records stood that were set aside, the newest first."""
    async with pool.connection(READ_WITHIN) as connection:
        rows = await connection.fetch(
            'SELECT worker, segment, "offset", reason, created FROM set_aside'
            ' ORDER BY created DESC, worker, segment, "offset" LIMIT $1',
            most,
        )
    return tuple(Place(**row) for row in rows)


async def _months(connection: Connection) -> tuple[Months, ...]:
    rows = await connection.fetch(
        "SELECT parent.relname AS name, min(part.relname) AS oldest, max(part.relname) AS newest, count(*)"
        " FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent"
        " WHERE parent.relkind = 'p' AND part.relkind = 'r' AND parent.relname = ANY($1)"
        " AND parent.relnamespace = current_schema()::regnamespace GROUP BY 1 ORDER BY 1",
        list(PARTITIONED),
    )
    return tuple(Months(row["name"], _month(row["oldest"]), _month(row["newest"]), row["count"]) for row in rows)


def _month(partition: str) -> str:
    return partition[-_MONTH:].replace("_", "-")


async def _waiting(connection: Connection, table: str, done: str, hospital: str) -> Waiting:
    row = await connection.fetchrow(
        f"SELECT count(*), min(received) AS oldest FROM {table} WHERE hospital = $1 AND {done} IS NULL", hospital
    )
    return Waiting(**row) if row is not None else Waiting(0, None)
