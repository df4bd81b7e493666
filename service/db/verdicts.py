"""Reads verdicts back: the exact bytes that were evaluated and answered, and what users did with the findings."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from service.db.pool import Connection, Pool

READ_WITHIN: Final = 2.0
"""Seconds a read may take before it is a ``NO_DATABASE`` problem."""

_META: Final = (
    "id, hospital, day, received, dialect, mode, message_id, visit, patient, department, doctor, state, amount,"
    " elapsed_us, content_digest"
)


@dataclass(frozen=True, slots=True)
class VerdictMeta:
    """What stands beside a verdict's bytes. ``amount`` is in 1/10,000 yuan, ``patient`` a pseudonym."""

    id: str
    hospital: str
    day: date
    received: datetime
    dialect: str
    mode: str
    message_id: str | None
    visit: str
    patient: str
    department: str | None
    doctor: str | None
    state: str
    amount: int
    elapsed_us: int
    content_digest: str


@dataclass(frozen=True, slots=True)
class StoredDisposition:
    """What a user did with finding ``number`` (from 1). The reason may hold a name: show it, never log it."""

    finding_id: str
    number: int
    action: str
    reason: str
    explained: bool
    received: datetime
    dialect: str


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict as it was answered, what it was made from, and what became of it."""

    meta: VerdictMeta
    verdict: bytes
    input: bytes
    dispositions: tuple[StoredDisposition, ...]


async def find(pool: Pool, verdict_id: str, *, within: float = READ_WITHIN) -> StoredVerdict | None:
    """Return a stored verdict, or ``None`` when there is none (yet). ``verdict_id`` is a UUID.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer within that many seconds.
    """
    key = UUID(verdict_id)
    async with pool.connection(within) as connection:
        row = await connection.fetchrow(
            f"SELECT {_META}, verdict, input FROM verdict WHERE id = $1 ORDER BY received LIMIT 1", key
        )
        if row is None:
            return None
        dispositions = await _dispositions(connection, row["hospital"], key)
    return StoredVerdict(_meta(row), row["verdict"], row["input"], dispositions)


async def by_message(
    pool: Pool, hospital: str, message_id: str, *, within: float = READ_WITHIN
) -> tuple[VerdictMeta, ...]:
    """Return the verdicts of one message id, oldest first: more than one when its content changed.

    Raises ``Problem`` (``NO_DATABASE``) as ``find``.
    """
    async with pool.connection(within) as connection:
        rows = await connection.fetch(
            f"SELECT {_META} FROM verdict WHERE hospital = $1 AND message_id = $2 ORDER BY received, id",
            hospital,
            message_id,
        )
    return tuple(_meta(row) for row in rows)


async def _dispositions(connection: Connection, hospital: str, key: UUID) -> tuple[StoredDisposition, ...]:
    rows = await connection.fetch(
        "SELECT finding_id, number, action, reason, explained, received, dialect FROM disposition"
        " WHERE hospital = $1 AND verdict_id = $2 ORDER BY received, finding_id, action",
        hospital,
        key,
    )
    return tuple(StoredDisposition(**row) for row in rows)


def _meta(row: asyncpg.Record) -> VerdictMeta:
    fields = {name: row[name] for name in VerdictMeta.__slots__}
    return VerdictMeta(**{**fields, "id": str(fields["id"])})
