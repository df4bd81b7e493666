"""One person's rows: found by pseudonym, handed out whole, or erased in one transaction.

A person is (hospital, pseudonym); the pseudonym ``""`` is everybody whose id nobody told, and is no person. What an
erasure takes and what it leaves is a table in ``docs/privacy.md``; a test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec

from service.db.patient_keys import AnyConnection, Person

Place = tuple[date, UUID]
"""Partition day and id of a verdict."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure took: rows, by table. ``id`` is the erasure's; ``None``: there was nothing to erase."""

    id: UUID | None
    keys: int
    verdicts: int
    findings: int
    dispositions: int
    lines: int
    visits: int
    rechecks: int
    set_aside: int


_CLAIM: Final = (
    "INSERT INTO patient_key (hospital, id, patient, wrapped) VALUES ($1, $3, $2, '')"
    " ON CONFLICT (hospital, patient) DO NOTHING"
)
"""Whoever writes for a person holds the person's key row (``keys_for``). Of a person without one, a row that is never
committed stands in: a writer that is making one is waited for, and one that comes waits."""
_KEYS: Final = "DELETE FROM patient_key WHERE hospital = $1 AND patient = $2 RETURNING id"
_VERDICTS: Final = (
    "UPDATE verdict SET patient = '', visit = '', message_id = NULL, key = coalesce(key, $3),"
    " input = CASE WHEN key IS NULL THEN ''::bytea ELSE input END,"
    " verdict = CASE WHEN key IS NULL THEN ''::bytea ELSE verdict END"
    " WHERE hospital = $1 AND patient = $2 RETURNING day, id, key = $3 AS was_plain"
)
"""A row of the version before holds plain bytes, which no key erases: they go, and a key that never was takes the
place of none, so that the row reads as erased. Sealed bytes stay: evidence is over them."""
_RECHECKS: Final = (
    "UPDATE recheck SET patient = '', message_id = NULL, key = coalesce(key, $3),"
    " input = CASE WHEN key IS NULL THEN ''::bytea ELSE input END, finished = coalesce(finished, now()),"
    " problem = CASE WHEN finished IS NULL THEN 'erased' ELSE problem END"
    " WHERE hospital = $1 AND patient = $2 RETURNING id, key = $3 AS was_plain"
)
_FINDINGS: Final = (
    "UPDATE finding SET item = '', message = '' FROM unnest($2::date[], $3::uuid[]) AS place(day, id)"
    " WHERE finding.hospital = $1 AND finding.day = place.day AND finding.verdict_id = place.id"
)
# A comparison is filed by its own call's day, and a retry past midnight is filed under its first call's.
_COMPARISONS: Final = (
    "UPDATE upstream_comparison SET line_id = gen_random_uuid()::text"
    " FROM unnest($2::date[], $3::uuid[]) AS place(day, id)"
    " WHERE upstream_comparison.hospital = $1 AND upstream_comparison.day BETWEEN place.day - 3 AND place.day + 3"
    " AND upstream_comparison.verdict_id = place.id AND line_id <> ''"
)
_DISPOSITIONS: Final = (
    "UPDATE disposition SET reason = '', sealed_reason = NULL"
    " WHERE hospital = $1 AND verdict_id = ANY($2::uuid[]) AND (reason <> '' OR sealed_reason IS NOT NULL)"
)
_LINES: Final = "DELETE FROM saved_line WHERE hospital = $1 AND patient = $2"
_VISITS: Final = "DELETE FROM saved_visit WHERE hospital = $1 AND patient = $2"
_MENTIONS: Final = (
    "payload <> ''::bytea AND position($1::bytea IN payload) > 0"
    " AND EXISTS (SELECT FROM unnest($2::bytea[]) AS mention WHERE position(mention IN payload) > 0)"
)
"""A record set aside has no columns: it is the person's when it names the hospital and the person or a verdict."""
_ASIDE: Final = f"UPDATE set_aside SET payload = ''::bytea WHERE {_MENTIONS}"
_RECORD: Final = (
    "INSERT INTO erasure (hospital, id, erased_by, reason, keys, verdicts, lines) VALUES ($1, $2, $3, $4, $5, $6, $7)"
)


async def erase(
    connection: AnyConnection, person: Person, *, by: str, reason: str, within: float | None = None
) -> Erasure:
    """Erase a person's data in one transaction, and note that it was done, by whom and why, but never whose.

    Waits for what is being written of the person, and what comes then waits for it. ``within`` is what one statement
    may take, in seconds. Raises ``ValueError`` for the pseudonym ``""``.
    """
    hospital, patient = person
    if not patient:
        raise ValueError("no person has the empty pseudonym")
    number, none_such, stand_in = uuid4(), uuid4(), uuid4()
    async with connection.transaction():
        await connection.execute(_CLAIM, hospital, patient, stand_in, timeout=within)
        held = await connection.fetch(_KEYS, hospital, patient, timeout=within)
        keys = [row["id"] for row in held if row["id"] != stand_in]
        # In the order of those who write them (keys, lines, visits, findings, dispositions): nobody waits in a circle.
        lines = _count(await connection.execute(_LINES, hospital, patient))
        visits = _count(await connection.execute(_VISITS, hospital, patient))
        verdicts = await connection.fetch(_VERDICTS, hospital, patient, none_such, timeout=within)
        rechecks = await connection.fetch(_RECHECKS, hospital, patient, none_such, timeout=within)
        places = [(row["day"], row["id"]) for row in verdicts]
        findings, dispositions = await _erase_beside(connection, hospital, places)
        aside = _count(await connection.execute(_ASIDE, *_mentions(person, places), timeout=within))
        if any(row["was_plain"] for row in (*verdicts, *rechecks)):
            keys.append(none_such)
        found = bool(keys or verdicts or rechecks or lines or visits or aside)
        if found:
            await connection.execute(_RECORD, hospital, number, by, reason, keys, len(verdicts), lines)
    return Erasure(
        id=number if found else None,
        keys=len(keys),
        verdicts=len(verdicts),
        findings=findings,
        dispositions=dispositions,
        lines=lines,
        visits=visits,
        rechecks=len(rechecks),
        set_aside=aside,
    )


async def _erase_beside(connection: AnyConnection, hospital: str, places: list[Place]) -> tuple[int, int]:
    """Blank what hangs on these verdicts; return how many findings and dispositions."""
    days, ids = [day for day, _ in places], [verdict for _, verdict in places]
    findings = _count(await connection.execute(_FINDINGS, hospital, days, ids))
    await connection.execute(_COMPARISONS, hospital, days, ids)
    return findings, _count(await connection.execute(_DISPOSITIONS, hospital, ids))


def _mentions(person: Person, places: Sequence[Place]) -> tuple[bytes, list[bytes]]:
    """Return how a journal record names the hospital, and what of the person it may name."""
    hospital, patient = person
    return (
        b'"hospital":' + msgspec.json.encode(hospital),
        [patient.encode(), *(str(verdict).encode() for _, verdict in places)],
    )


def _count(status: str) -> int:
    """Return the number of rows in a command's status (``UPDATE 3``)."""
    return int(status.rpartition(" ")[2])


async def positions(connection: AnyConnection) -> dict[str, tuple[int, int]]:
    """Return up to which (segment, offset) each worker's journal is in the database."""
    rows = await connection.fetch('SELECT worker, segment, "offset" FROM journal_position')
    return {str(row["worker"]): (row["segment"], row["offset"]) for row in rows}


async def has_rows(connection: AnyConnection, person: Person) -> bool:
    """Say whether something of a person has come since the last erasure, or was being written during it."""
    found: bool = await connection.fetchval(_HAS_ROWS, *person)
    return found


_HAS_ROWS: Final = (
    "SELECT EXISTS (SELECT FROM patient_key WHERE hospital = $1 AND patient = $2)"
    " OR EXISTS (SELECT FROM saved_line WHERE hospital = $1 AND patient = $2)"
    " OR EXISTS (SELECT FROM saved_visit WHERE hospital = $1 AND patient = $2)"
)
_PLACES: Final = "SELECT day, id FROM verdict WHERE hospital = $1 AND patient = $2 ORDER BY received, id"
_READ: Final = (
    "SELECT verdict.*, patient_key.wrapped"
    " FROM unnest($2::date[], $3::uuid[]) WITH ORDINALITY AS place(day, id, number)"
    " JOIN verdict ON verdict.hospital = $1 AND verdict.day = place.day AND verdict.id = place.id"
    " LEFT JOIN patient_key ON patient_key.hospital = verdict.hospital AND patient_key.id = verdict.key"
    " ORDER BY place.number"
)
_READ_FINDINGS: Final = (
    "SELECT finding.verdict_id, number, rule, action, acted, outcome, concluded"
    " FROM unnest($2::date[], $3::uuid[]) AS place(day, id)"
    " JOIN finding ON finding.hospital = $1 AND finding.day = place.day AND finding.verdict_id = place.id"
    " ORDER BY finding.verdict_id, number"
)
_READ_COMPARISONS: Final = (
    "SELECT DISTINCT verdict_id, line_id, upstream_rule, our_rule, outcome, received"
    " FROM unnest($2::date[], $3::uuid[]) AS place(day, id) JOIN upstream_comparison AS compared"
    " ON compared.hospital = $1 AND compared.day BETWEEN place.day - 3 AND place.day + 3"
    " AND compared.verdict_id = place.id"
    " ORDER BY verdict_id, line_id, upstream_rule, our_rule"
)
_READ_EVENTS: Final = (
    "SELECT verdict_id, number, lines, action, source, received, settled, result FROM line_event"
    " WHERE hospital = $1 AND verdict_id = ANY($2::uuid[]) ORDER BY received, id"
)
_READ_LINES: Final = (
    "SELECT day, item, visit, status, source, verdict_id, line, received FROM saved_line"
    " WHERE hospital = $1 AND patient = $2 ORDER BY day, line_key"
)
_READ_VISITS: Final = (
    "SELECT visit, past_visit, received FROM saved_visit WHERE hospital = $1 AND patient = $2 ORDER BY visit"
)
_READ_RECHECKS: Final = (
    "SELECT recheck.*, patient_key.wrapped FROM recheck"
    " LEFT JOIN patient_key ON patient_key.hospital = recheck.hospital AND patient_key.id = recheck.key"
    " WHERE recheck.hospital = $1 AND recheck.patient = $2 ORDER BY recheck.received, recheck.id"
)
_READ_ASIDE: Final = f"SELECT reason, payload, created FROM set_aside WHERE {_MENTIONS} ORDER BY created"


@dataclass(frozen=True, slots=True)
class VerdictRows:
    """Some verdicts of a person, as they are stored, and what hangs on them by verdict id."""

    verdicts: list[asyncpg.Record]
    """With ``wrapped``, for ``service.db.verdicts.opened``."""
    findings: dict[UUID, list[asyncpg.Record]]
    comparisons: dict[UUID, list[asyncpg.Record]]
    events: dict[UUID, list[asyncpg.Record]]


async def verdict_places(connection: AnyConnection, person: Person, *, within: float | None = None) -> list[Place]:
    """Return where a person's verdicts are, oldest first."""
    return [(row["day"], row["id"]) for row in await connection.fetch(_PLACES, *person, timeout=within)]


async def verdict_rows(connection: AnyConnection, hospital: str, places: Sequence[Place]) -> VerdictRows:
    """Return the verdicts at some places. One erased in between has nobody's rows any more, and says so by its key."""
    days, ids = [day for day, _ in places], [verdict for _, verdict in places]
    return VerdictRows(
        await connection.fetch(_READ, hospital, days, ids),
        _grouped(await connection.fetch(_READ_FINDINGS, hospital, days, ids)),
        _grouped(await connection.fetch(_READ_COMPARISONS, hospital, days, ids)),
        _grouped(await connection.fetch(_READ_EVENTS, hospital, ids)),
    )


async def line_rows(connection: AnyConnection, person: Person) -> list[asyncpg.Record]:
    """Return a person's saved lines, by day."""
    return await connection.fetch(_READ_LINES, *person)


async def visit_rows(connection: AnyConnection, person: Person) -> list[asyncpg.Record]:
    """Return a person's visits."""
    return await connection.fetch(_READ_VISITS, *person)


async def recheck_rows(
    connection: AnyConnection, person: Person, *, within: float | None = None
) -> list[asyncpg.Record]:
    """Return a person's orders that were saved unchecked, with ``wrapped`` for ``service.db.verdicts.opened``."""
    return await connection.fetch(_READ_RECHECKS, *person, timeout=within)


async def aside_rows(
    connection: AnyConnection, person: Person, places: Sequence[Place], *, within: float | None = None
) -> list[asyncpg.Record]:
    """Return the records about a person that could not be written."""
    return await connection.fetch(_READ_ASIDE, *_mentions(person, places), timeout=within)


def _grouped(rows: list[asyncpg.Record]) -> dict[UUID, list[asyncpg.Record]]:
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["verdict_id"], []).append(row)
    return found
