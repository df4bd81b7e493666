"""Reads verdicts back: the exact bytes that were evaluated and answered, and what users did with the findings.

What is sealed is opened here, and nowhere earlier: a row whose key is gone was erased, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from service.db.patient_keys import AnyConnection
from service.db.pool import Pool
from service.sealing import Sealer, bound_to

READ_WITHIN: Final = 2.0
"""Seconds a read may take before it is a ``NO_DATABASE`` problem."""

_META: Final = (
    "id, hospital, day, received, dialect, mode, message_id, visit, patient, department, doctor, state, amount,"
    " elapsed_us, content_digest, caller"
)
_FIND: Final = (
    f"SELECT {', '.join('verdict.' + name for name in _META.split(', '))},"
    " verdict.verdict, verdict.input, verdict.key, patient_key.wrapped"
    " FROM verdict LEFT JOIN patient_key ON patient_key.hospital = verdict.hospital AND patient_key.id = verdict.key"
    " WHERE verdict.id = $1"
    # A message that came again after an erasure, on another day, has a row that can be read beside the erased one.
    " ORDER BY verdict.key IS NOT NULL AND patient_key.wrapped IS NULL, verdict.received LIMIT 1"
)
_DISPOSITIONS: Final = (
    "SELECT verdict_id, finding_id, number, action, reason, explained, received, dialect, reason_code,"
    " disposition.key, sealed_reason, patient_key.wrapped"
    " FROM disposition LEFT JOIN patient_key"
    " ON patient_key.hospital = disposition.hospital AND patient_key.id = disposition.key"
    " WHERE disposition.hospital = $1 AND verdict_id = ANY($2::uuid[]) ORDER BY received, finding_id, action"
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
    caller: str | None


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
    reason_code: str


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict as it was answered, what it was made from, and what became of it; its bytes are opened."""

    meta: VerdictMeta
    verdict: bytes
    input: bytes
    dispositions: tuple[StoredDisposition, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """A verdict of somebody whose data were erased: what is left of it, which says nothing of the person."""

    meta: VerdictMeta


async def find(
    pool: Pool, sealer: Sealer, verdict_id: str, *, within: float = READ_WITHIN
) -> StoredVerdict | Erased | None:
    """Return a stored verdict, or ``None`` when there is none (yet). ``verdict_id`` is a UUID.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer within that many seconds, and ``Unreadable``
    when the bytes were altered or are another key file's.
    """
    key = UUID(verdict_id)
    async with pool.connection(within) as connection:
        row = await connection.fetchrow(_FIND, key)
        if row is None:
            return None
        kept = await dispositions_of(connection, sealer, row["hospital"], [key])
    meta = _meta(row)
    verdict, given = (opened(sealer, row, "verdict", column, meta.id) for column in ("verdict", "input"))
    if verdict is None or given is None:
        return Erased(meta)
    return StoredVerdict(meta, verdict, given, kept.get(key, ()))


def opened(sealer: Sealer, row: asyncpg.Record, table: str, column: str, identifier: str) -> bytes | None:
    """Return the plain bytes of a sealed column; ``None``: the key is gone. Without a key they are plain already.

    The row has ``column``, ``hospital``, ``key``, and the ``wrapped`` key that a left join on ``patient_key`` found.
    Raises ``Unreadable``.
    """
    data: bytes = row[column]
    if row["key"] is None:
        return data
    if row["wrapped"] is None:
        return None
    bound = bound_to(table, column, row["hospital"], identifier)
    return sealer.open_sealed(sealer.unwrap(row["wrapped"]), data, bound)


async def hospitals(pool: Pool, verdict_ids: Sequence[str], *, within: float = READ_WITHIN) -> dict[str, str]:
    """Return whose verdicts these are, as far as they are in the database. Raises ``Problem`` as ``find``."""
    async with pool.connection(within) as connection:
        rows = await connection.fetch(
            "SELECT id, hospital FROM verdict WHERE id = ANY ($1)", [UUID(found) for found in verdict_ids]
        )
    return {str(row["id"]): row["hospital"] for row in rows}


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


async def dispositions_of(
    connection: AnyConnection, sealer: Sealer, hospital: str, verdict_ids: Sequence[UUID]
) -> dict[UUID, tuple[StoredDisposition, ...]]:
    """Return what users did with the findings of some verdicts, oldest first, by verdict id. Raises ``Unreadable``."""
    found: dict[UUID, tuple[StoredDisposition, ...]] = {}
    for row in await connection.fetch(_DISPOSITIONS, hospital, verdict_ids):
        found[row["verdict_id"]] = (*found.get(row["verdict_id"], ()), _disposition(sealer, hospital, row))
    return found


def _disposition(sealer: Sealer, hospital: str, row: asyncpg.Record) -> StoredDisposition:
    reason: str = row["reason"]
    if row["sealed_reason"] is not None and row["wrapped"] is not None:
        bound = bound_to("disposition", "reason", hospital, row["finding_id"])
        reason = sealer.open_sealed(sealer.unwrap(row["wrapped"]), row["sealed_reason"], bound).decode()
    names = ("finding_id", "number", "action", "explained", "received", "dialect")
    return StoredDisposition(**{name: row[name] for name in names}, reason=reason, reason_code=row["reason_code"] or "")


def _meta(row: asyncpg.Record) -> VerdictMeta:
    fields = {name: row[name] for name in VerdictMeta.__slots__}
    return VerdictMeta(**{**fields, "id": str(fields["id"])})
