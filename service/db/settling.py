"""What the settler reads and writes: events that wait, the verdicts they are about, and what becomes of the findings.

All of it is of one hospital at a time and in the caller's transaction, which holds the verdicts' rows: two settlers
that work on one verdict do so one after the other, and the later one sees all that is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from service.db.patient_keys import AnyConnection

_HOSPITALS: Final = (
    # Of every hospital, and so the one statement here that names none.
    "SELECT DISTINCT hospital FROM line_event WHERE settled IS NULL AND received >= $1 ORDER BY hospital"
)
_WAITING: Final = """
SELECT e.id, e.day, e.verdict_id FROM line_event e
WHERE e.hospital = $1 AND e.settled IS NULL AND e.received >= $2
    AND EXISTS (SELECT FROM verdict v WHERE v.hospital = e.hospital AND v.id = e.verdict_id OFFSET 0)
ORDER BY e.received, e.id LIMIT $3
FOR NO KEY UPDATE SKIP LOCKED
"""
"""``OFFSET 0`` keeps this a look-up per event: a few events meet millions of verdicts, whatever the statistics say."""
_VERDICTS: Final = """
SELECT id, day, patient, key, input FROM verdict WHERE hospital = $1 AND id = ANY($2::uuid[])
ORDER BY patient = '', received, day
FOR NO KEY UPDATE SKIP LOCKED
"""
"""The first of a verdict's rows counts: one that came again after an erasure can be read, the erased one cannot."""
_UNSEALED: Final = (
    "SELECT DISTINCT patient FROM verdict WHERE hospital = $1 AND id = ANY($2::uuid[]) AND key IS NULL ORDER BY patient"
)
_KEYS: Final = (
    "SELECT id, wrapped FROM patient_key WHERE hospital = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR KEY SHARE NOWAIT"
)
_EVENTS: Final = """
SELECT id, verdict_id, number, lines, action, source, received, settled IS NULL AS waits FROM line_event
WHERE hospital = $1 AND verdict_id = ANY($2::uuid[])
"""
_FINDINGS: Final = """
SELECT verdict_id, day, number, lines FROM finding
WHERE hospital = $1 AND day = ANY($2::date[]) AND verdict_id = ANY($3::uuid[])
"""
_DISPOSITIONS: Final = """
SELECT day, finding_id, action, reason_digest, verdict_id, number, received, sealed_reason IS NULL AND reason <> '' AS
    plain, reason
FROM disposition WHERE hospital = $1 AND verdict_id = ANY($2::uuid[])
"""
_CONCLUDE: Final = """
UPDATE finding SET action = became.action, acted = became.acted, outcome = became.outcome, concluded = became.concluded
FROM unnest(
    $2::date[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7::text[], $8::timestamptz[]
) AS became (day, verdict_id, number, action, acted, outcome, concluded)
WHERE finding.hospital = $1 AND finding.day = became.day AND finding.verdict_id = became.verdict_id
    AND finding.number = became.number
    AND (finding.action, finding.acted, finding.outcome, finding.concluded)
        IS DISTINCT FROM (became.action, became.acted, became.outcome, became.concluded)
"""
_SEAL: Final = """
UPDATE disposition SET reason = '', key = sealed.key, sealed_reason = sealed.content
FROM unnest($2::date[], $3::text[], $4::text[], $5::bytea[], $6::uuid[], $7::bytea[])
    AS sealed (day, finding_id, action, reason_digest, key, content)
WHERE disposition.hospital = $1 AND disposition.day = sealed.day AND disposition.finding_id = sealed.finding_id
    AND disposition.action = sealed.action AND disposition.reason_digest = sealed.reason_digest
"""
_SETTLE: Final = """
UPDATE line_event SET settled = now(), result = became.result
FROM unnest($2::date[], $3::uuid[], $4::text[]) AS became (day, id, result)
WHERE line_event.hospital = $1 AND line_event.day = became.day AND line_event.id = became.id
"""
_GIVE_UP: Final = """
UPDATE line_event e SET settled = now(), result = 'no_verdict'
FROM (
    SELECT day, id FROM line_event w WHERE w.hospital = $1 AND w.settled IS NULL AND w.received < $2
        AND NOT EXISTS (SELECT FROM verdict v WHERE v.hospital = w.hospital AND v.id = w.verdict_id OFFSET 0)
    ORDER BY w.received, w.id LIMIT $3
    FOR NO KEY UPDATE SKIP LOCKED
) gone
WHERE e.hospital = $1 AND e.day = gone.day AND e.id = gone.id
RETURNING e.id
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits and whose verdict is there; its row is locked."""

    id: UUID
    day: date
    verdict_id: UUID


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What settling needs of a verdict; ``days`` are several where a retry was filed under another day."""

    id: UUID
    days: tuple[date, ...]
    patient: str
    key: UUID | None
    input: bytes


@dataclass(frozen=True, slots=True)
class EventRow:
    """What was told of lines of a verdict."""

    id: UUID
    number: int | None
    lines: frozenset[str] | None
    action: str
    source: str
    received: datetime


@dataclass(frozen=True, slots=True)
class DispositionRow:
    """What a user did with a finding; ``reason`` is only here while it still stands in plain text."""

    day: date
    finding_id: str
    action: str
    reason_digest: bytes
    number: int
    received: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A reason sealed with a key; ``None``: the person's data were erased."""

    disposition: DispositionRow
    key: UUID | None
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a finding."""

    action: str | None = None
    acted: datetime | None = None
    outcome: str | None = None
    concluded: datetime | None = None


async def hospitals_waiting(connection: AnyConnection, since: datetime) -> list[str]:
    """Return the hospitals that have events waiting which came in since then."""
    return [row["hospital"] for row in await connection.fetch(_HOSPITALS, since)]


async def waiting(connection: AnyConnection, hospital: str, since: datetime, most: int) -> list[Waiting]:
    """Lock and return events whose verdict is there, the oldest first; what another settler holds is left to it."""
    rows = await connection.fetch(_WAITING, hospital, since, most)
    return list({row["id"]: Waiting(row["id"], row["day"], row["verdict_id"]) for row in rows}.values())


async def verdicts(connection: AnyConnection, hospital: str, ids: Sequence[UUID]) -> list[VerdictRow]:
    """Lock and return verdicts, each once; what somebody else works on is left out."""
    rows: dict[UUID, VerdictRow] = {}
    for row in await connection.fetch(_VERDICTS, hospital, ids):
        first = rows.get(row["id"])
        if first is None:
            rows[row["id"]] = VerdictRow(row["id"], (row["day"],), row["patient"], row["key"], row["input"])
        else:
            rows[row["id"]] = VerdictRow(first.id, (*first.days, row["day"]), first.patient, first.key, first.input)
    return list(rows.values())


async def unsealed_people(connection: AnyConnection, hospital: str, ids: Sequence[UUID]) -> list[str]:
    """Return whose verdicts were written by a version that did not seal."""
    return [row["patient"] for row in await connection.fetch(_UNSEALED, hospital, ids)]


async def wrapped_keys(connection: AnyConnection, hospital: str, ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """Return wrapped keys by id and hold them: an erasure waits, and then finds all that is written now.

    Raises ``asyncpg.LockNotAvailableError`` while an erasure is at it, which waits for the verdicts we hold.
    """
    rows = await connection.fetch(_KEYS, hospital, sorted(set(ids)))
    return {row["id"]: row["wrapped"] for row in rows}


async def events(connection: AnyConnection, hospital: str, ids: Sequence[UUID]) -> dict[UUID, list[EventRow]]:
    """Return all events of verdicts, settled or not."""
    found: dict[UUID, list[EventRow]] = {key: [] for key in ids}
    for row in await connection.fetch(_EVENTS, hospital, ids):
        lines = None if row["lines"] is None else frozenset(row["lines"])
        found[row["verdict_id"]].append(
            EventRow(row["id"], row["number"], lines, row["action"], row["source"], row["received"])
        )
    return found


async def findings(
    connection: AnyConnection, hospital: str, rows: Sequence[VerdictRow]
) -> dict[UUID, dict[int, tuple[int, ...]]]:
    """Return the lines of each finding of verdicts: positions by number."""
    found: dict[UUID, dict[int, tuple[int, ...]]] = {row.id: {} for row in rows}
    days = sorted({day for row in rows for day in row.days})
    for row in await connection.fetch(_FINDINGS, hospital, days, [row.id for row in rows]):
        found[row["verdict_id"]][row["number"]] = tuple(row["lines"])
    return found


async def dispositions(
    connection: AnyConnection, hospital: str, ids: Sequence[UUID]
) -> dict[UUID, list[DispositionRow]]:
    """Return what users did with findings of verdicts."""
    found: dict[UUID, list[DispositionRow]] = {key: [] for key in ids}
    for row in await connection.fetch(_DISPOSITIONS, hospital, ids):
        found[row["verdict_id"]].append(
            DispositionRow(
                row["day"],
                row["finding_id"],
                row["action"],
                row["reason_digest"],
                row["number"],
                row["received"],
                row["reason"] if row["plain"] else "",
            )
        )
    return found


async def conclude(
    connection: AnyConnection, hospital: str, found: Sequence[tuple[VerdictRow, Mapping[int, Became]]]
) -> None:
    """Write what became of verdicts' findings, where it is anything else than what stands there."""
    places = [
        (day, row.id, number, became)
        for row, by_number in found
        for day in row.days
        for number, became in sorted(by_number.items())
    ]
    if not places:
        return
    became = [entry for *_, entry in places]
    await connection.execute(
        _CONCLUDE,
        hospital,
        [day for day, *_ in places],
        [verdict_id for _, verdict_id, *_ in places],
        [number for *_, number, _ in places],
        [entry.action for entry in became],
        [entry.acted for entry in became],
        [entry.outcome for entry in became],
        [entry.concluded for entry in became],
    )


async def seal_reasons(connection: AnyConnection, hospital: str, sealed: Sequence[Sealed]) -> None:
    """Put sealed reasons, or none where there is no key any more, in the place of plain ones."""
    if not sealed:
        return
    rows = [entry.disposition for entry in sealed]
    await connection.execute(
        _SEAL,
        hospital,
        [row.day for row in rows],
        [row.finding_id for row in rows],
        [row.action for row in rows],
        [row.reason_digest for row in rows],
        [entry.key for entry in sealed],
        [entry.content for entry in sealed],
    )


async def settle(connection: AnyConnection, hospital: str, results: Iterable[tuple[Waiting, str]]) -> None:
    """Mark events as settled, and how."""
    done = list(results)
    await connection.execute(
        _SETTLE,
        hospital,
        [event.day for event, _ in done],
        [event.id for event, _ in done],
        [result for _, result in done],
    )


async def give_up(connection: AnyConnection, hospital: str, before: datetime, most: int) -> int:
    """Settle so many of the events that came in before then and whose verdict never came; return how many."""
    return len(await connection.fetch(_GIVE_UP, hospital, before, most))
