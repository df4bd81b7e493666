"""Reads of the hash chain: links in order, the rows they are about, rows no link is about, heads and checkpoints.

In: one hospital and a span of days. Out: database rows, streamed where there may be many. All reads of one
verification share the caller's transaction, so that a service that goes on writing changes nothing in between.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import asyncpg

from service.db.patient_keys import AnyConnection
from service.db.pool import Pool
from service.evidence.chain import HASHED, IDENTITIES, LASTING, Head, genesis, plain

EVER: Final = (date(1900, 1, 1), date(2999, 12, 31))
"""Span of days in which everything lies."""
_A_FETCH: Final = 1_000
_KEY_TYPES: Final = {"id": "uuid", "finding_id": "text", "action": "text", "reason_digest": "bytea"}

_HOSPITALS: Final = (
    # Of every hospital, and so the one statement here that names none.
    "SELECT hospital FROM chain_head UNION SELECT hospital FROM checkpoint"
    ' UNION SELECT DISTINCT hospital FROM verdict WHERE "day" BETWEEN $1 AND $2 ORDER BY hospital'
)
_LINKS: Final = """
SELECT e.day, e.worker, e.sequence, e.subject, e.subject_id, e.subject_day, e.digest, e.link,
    c.link AS vouched_link, c.day AS vouched_day, c.mac
FROM evidence e LEFT JOIN LATERAL (
    SELECT link, day, mac FROM checkpoint
    WHERE checkpoint.hospital = e.hospital AND checkpoint.worker = e.worker AND checkpoint.sequence = e.sequence LIMIT 1
) AS c ON true
WHERE e.hospital = $1 AND e.day BETWEEN $2 AND $3
ORDER BY e.day, e.worker, e.sequence
"""
_LINK: Final = (
    "SELECT day, link FROM evidence WHERE hospital = $1 AND worker = $2 AND sequence = $3 ORDER BY day LIMIT 1"
)
_POINT: Final = "SELECT link, day, mac FROM checkpoint WHERE hospital = $1 AND worker = $2 AND sequence = $3"
_POINTS_WITHOUT_LINK: Final = """
SELECT c.worker, c.sequence, c.link, c.day, c.mac FROM checkpoint c
WHERE c.hospital = $1 AND c.day BETWEEN $2 AND $3 AND NOT EXISTS (
    SELECT FROM evidence e
    WHERE e.hospital = c.hospital AND e.day = c.day AND e.worker = c.worker AND e.sequence = c.sequence
)
ORDER BY c.worker, c.sequence
"""
_HEADS: Final = "SELECT worker, sequence, link, day FROM chain_head WHERE hospital = $1 ORDER BY worker"
_BEGUN: Final = (
    "SELECT least((SELECT min(day) FROM evidence WHERE hospital = $1),"
    " (SELECT min(day) FROM checkpoint WHERE hospital = $1))"
)
_RETIRED: Final = "SELECT DISTINCT table_name, month FROM retired"
_KNOWN_ELSEWHERE: Final = (
    "SELECT EXISTS (SELECT FROM evidence WHERE hospital = $1 AND subject = $2 AND subject_id = $3 AND digest = $4)"
)
_FINDINGS: Final = (
    "SELECT verdict_id, rule, kind, code, certainty, level, scope, title, item, amount, lines, message FROM finding"
    " WHERE hospital = $1 AND day = ANY($2::date[]) AND verdict_id = ANY($3::uuid[]) ORDER BY verdict_id, number"
)


@dataclass(frozen=True, slots=True)
class Span:
    """What is verified: one hospital's days from the first to the last."""

    hospital: str
    first: date = EVER[0]
    last: date = EVER[1]

    @property
    def whole(self) -> bool:
        """Whether it reaches to the end of time, where heads and anchors say how much there must be."""
        return self.last == EVER[1]


async def hospitals(connection: AnyConnection, first: date, last: date) -> list[str]:
    """Return the hospitals that have verdicts in a span of days, or a chain."""
    return [row["hospital"] for row in await connection.fetch(_HOSPITALS, first, last)]


async def retired(connection: AnyConnection) -> set[tuple[str, date]]:
    """Return the months that were dropped, as (table, first day)."""
    return {(row["table_name"], row["month"]) for row in await connection.fetch(_RETIRED)}


async def links(connection: AnyConnection, span: Span) -> AsyncIterator[list[asyncpg.Record]]:
    """Yield a hospital's links with the checkpoints at them, each chain's in its order, some at a time."""
    cursor = await connection.cursor(_LINKS, span.hospital, span.first, span.last)
    while found := await cursor.fetch(_A_FETCH):
        yield found


async def link_at(connection: AnyConnection, hospital: str, worker: UUID, sequence: int) -> asyncpg.Record | None:
    """Return day and link at a place of a chain."""
    return await connection.fetchrow(_LINK, hospital, worker, sequence)


async def checkpoint_at(connection: AnyConnection, hospital: str, worker: UUID, sequence: int) -> asyncpg.Record | None:
    """Return link, day and MAC of the checkpoint at a place of a chain."""
    return await connection.fetchrow(_POINT, hospital, worker, sequence)


async def checkpoints_without_link(connection: AnyConnection, span: Span) -> AsyncIterator[list[asyncpg.Record]]:
    """Yield the checkpoints whose link is not there."""
    cursor = await connection.cursor(_POINTS_WITHOUT_LINK, span.hospital, span.first, span.last)
    while found := await cursor.fetch(_A_FETCH):
        yield found


async def heads(connection: AnyConnection, hospital: str) -> dict[UUID, Head]:
    """Return where a hospital's chains stand, by worker."""
    rows = await connection.fetch(_HEADS, hospital)
    return {row["worker"]: Head(row["sequence"], row["link"], row["day"]) for row in rows}


async def begun(connection: AnyConnection, hospital: str) -> date | None:
    """Return the day of a hospital's first link that is known of."""
    day: date | None = await connection.fetchval(_BEGUN, hospital)
    return day


async def known_elsewhere(connection: AnyConnection, hospital: str, table: str, subject: str, digest: bytes) -> bool:
    """Say whether some link is about a row as it is now."""
    return bool(await connection.fetchval(_KNOWN_ELSEWHERE, hospital, table, subject, digest))


async def subjects(
    connection: AnyConnection, hospital: str, table: str, keys: Sequence[tuple[date, str]], *, deep: bool = False
) -> dict[tuple[date, str], asyncpg.Record]:
    """Return the rows that links are about, by partition day and subject id.

    They have the lasting columns, hashed where the chain holds hashes; ``deep`` adds the bytes of a verdict and what
    opens them (``opened_input``, ``opened_verdict``, ``wrapped``).
    """
    names = IDENTITIES[table]
    parsed = [(day, subject, parts) for day, subject in keys if (parts := _parts(table, subject)) is not None]
    columns = [[parts[at] for _, _, parts in parsed] for at in range(len(names))]
    rows = await connection.fetch(_subject_query(table, deep), hospital, [day for day, _, _ in parsed], *columns)
    found = {row["place"]: row for row in rows}
    return {(day, subject): found[place] for place, (day, subject, _) in enumerate(parsed, 1) if place in found}


def _subject_query(table: str, deep: bool) -> str:
    names = IDENTITIES[table]
    chosen = [f"sha256(s.{name}) AS {name}" if name in HASHED else f"s.{name}" for name in LASTING[table]]
    join = ""
    if deep and table == "verdict":
        chosen += ["s.input AS opened_input", "s.verdict AS opened_verdict", "s.patient", "s.visit", "s.message_id"]
        chosen += ["k.wrapped"]
        join = " LEFT JOIN patient_key k ON k.hospital = s.hospital AND k.id = s.key"
    arrays = ", ".join(f"${at}::{_KEY_TYPES[name]}[]" for at, name in enumerate(names, 3))
    same = " AND ".join(f"{table}.{name} = asked.{name}" for name in names)
    return (
        f"SELECT asked.place, {', '.join(chosen)}"
        f" FROM unnest($2::date[], {arrays}) WITH ORDINALITY AS asked(day, {', '.join(names)}, place)"
        f" CROSS JOIN LATERAL (SELECT * FROM {table}"
        f" WHERE {table}.hospital = $1 AND {table}.day = asked.day AND {same} LIMIT 1) AS s{join}"
    )


def _parts(table: str, subject: str) -> tuple[object, ...] | None:
    """Return the key columns in a subject's id; ``None`` when it is no such id."""
    try:
        if table != "disposition":
            return (UUID(subject),)
        finding, action, digest = subject.rsplit("|", 2)
        return finding, action, bytes.fromhex(digest)
    except ValueError:
        return None


async def unlinked(connection: AnyConnection, span: Span, table: str) -> AsyncIterator[list[asyncpg.Record]]:
    """Yield rows of a table that no link is about: ``subject``, ``received``, and whether an older version wrote it."""
    names = IDENTITIES[table]
    shown = [f"encode(s.{name}, 'hex')" if name == "reason_digest" else f"s.{name}::text" for name in names]
    subject = " || '|' || ".join(shown)
    older = {"verdict": "s.caller IS NULL AND s.key IS NULL", "line_event": "false"}.get(table, "true")
    cursor = await connection.cursor(
        f"SELECT {subject} AS subject, s.day, s.received, {older} AS older FROM {table} s"
        " WHERE s.hospital = $1 AND s.day BETWEEN $2 AND $3 AND NOT EXISTS (SELECT FROM evidence e"
        f" WHERE e.hospital = s.hospital AND e.subject = '{table}' AND e.subject_id = {subject}"
        " AND e.subject_day = s.day)",
        span.hospital,
        span.first,
        span.last,
    )
    while found := await cursor.fetch(_A_FETCH):
        yield found


async def finding_rows(
    connection: AnyConnection, hospital: str, places: Sequence[tuple[date, UUID]]
) -> dict[UUID, list[tuple[object, ...]]]:
    """Return what follows from verdicts' bytes in the rows of their findings, in order, by verdict."""
    found: dict[UUID, list[tuple[object, ...]]] = {}
    days, ids = [day for day, _ in places], [verdict for _, verdict in places]
    for row in await connection.fetch(_FINDINGS, hospital, days, ids):
        found.setdefault(row["verdict_id"], []).append(tuple(row)[1:])
    return found


# Receipts

_RECEIPT_LINK: Final = (
    "SELECT day, worker, sequence, subject_id, subject_day, digest, link FROM evidence"
    " WHERE hospital = $1 AND subject = 'verdict' AND subject_id = $2 ORDER BY day DESC, sequence DESC LIMIT 1"
)
_NEXT_POINT: Final = (
    "SELECT sequence, link, day, mac FROM checkpoint"
    " WHERE hospital = $1 AND worker = $2 AND sequence >= $3 ORDER BY sequence LIMIT 1"
)
_BETWEEN: Final = (
    "SELECT sequence, subject, subject_id, subject_day, digest, day FROM evidence"
    " WHERE hospital = $1 AND worker = $2 AND sequence > $3 AND sequence <= $4 AND day BETWEEN $5 AND $6"
    " ORDER BY sequence"
)
_HOSPITAL_OF: Final = (
    # An id says nothing of its hospital, as in ``service.db.verdicts.find``.
    "SELECT hospital FROM verdict WHERE id = $1 ORDER BY received LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What the database holds about one verdict's link: its row, its neighbours, and the next checkpoint."""

    row: asyncpg.Record
    link: asyncpg.Record
    previous: bytes
    following: list[asyncpg.Record]
    checkpoint: asyncpg.Record | None


async def held(pool: Pool, verdict_id: UUID, *, within: float) -> Held | None:
    """Return what a receipt is made of; ``None``: not in the database, or in no chain.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer within so many seconds.
    """
    async with pool.connection(within) as connection, connection.transaction(isolation="repeatable_read"):
        hospital = await connection.fetchval(_HOSPITAL_OF, verdict_id)
        link = hospital and await connection.fetchrow(_RECEIPT_LINK, hospital, str(verdict_id))
        if not link:
            return None
        place = (link["subject_day"], link["subject_id"])
        row = (await subjects(connection, hospital, "verdict", [place])).get(place)
        if row is None:
            return None
        point = await connection.fetchrow(_NEXT_POINT, hospital, link["worker"], link["sequence"])
        following = []
        if point is not None:
            bounds = (link["sequence"], point["sequence"], link["day"], point["day"])
            following = await connection.fetch(_BETWEEN, hospital, link["worker"], *bounds)
        return Held(row, link, await _previous(connection, hospital, link), following, point)


async def _previous(connection: AnyConnection, hospital: str, link: asyncpg.Record) -> bytes:
    """Return the link before one; without it (its month was retired) the checkpoint that stands for it."""
    worker, before = link["worker"], link["sequence"] - 1
    if before == 0:
        return genesis(hospital, str(plain(worker)), link["day"]).link
    row = await link_at(connection, hospital, worker, before) or await checkpoint_at(
        connection, hospital, worker, before
    )
    return b"" if row is None else bytes(row["link"])
