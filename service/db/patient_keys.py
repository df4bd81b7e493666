"""Patients' keys (患者密钥): made at a patient's first record, lent to whoever seals or opens, gone after an erasure.

In: people as (hospital, pseudonym). Out: an unwrapped key and its id each. Who seals takes keys within the
transaction that writes: the rows stay locked (FOR KEY SHARE) until it ends, so an erasure waits for it and then finds
all that it wrote, or came first and the person gets a new key. One statement names one hospital, which a distribution
by hospital requires; a batch of one hospital costs one statement, two where somebody is new.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from service.db.pool import Connection
from service.sealing import Sealer

AnyConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | Connection"
Person: TypeAlias = tuple[str, str]
"""(hospital, pseudonym), as the columns hold them. ``""`` is everybody of the hospital whose id is not known."""

_ATTEMPTS: Final = 5
"""How often a key may be erased between our finding that it is there and our locking it, before we give up."""

_LOCK: Final = (
    "SELECT patient, id, wrapped FROM patient_key WHERE hospital = $1 AND patient = ANY($2::text[]) FOR KEY SHARE"
)
_MAKE: Final = (
    "INSERT INTO patient_key (hospital, id, patient, wrapped)"
    " SELECT $1, made.id, made.patient, made.wrapped"
    " FROM unnest($2::uuid[], $3::text[], $4::bytea[]) AS made(id, patient, wrapped)"
    " ON CONFLICT (hospital, patient) DO NOTHING RETURNING patient, id, wrapped"
)
_ONE: Final = "SELECT wrapped FROM patient_key WHERE hospital = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class PatientKey:
    """A patient's key, unwrapped: never stored or logged as it stands here."""

    id: UUID
    key: bytes


async def keys_for(connection: AnyConnection, sealer: Sealer, people: Iterable[Person]) -> dict[Person, PatientKey]:
    """Return the key of each person, making those that are missing. Call it within the transaction that writes.

    Raises ``Unreadable`` when the service's own key does not open one that is there: the key file is another one than
    it was, and what is sealed now could not be read beside the rest.
    """
    by_hospital: dict[str, set[str]] = {}
    for hospital, patient in people:
        by_hospital.setdefault(hospital, set()).add(patient)
    keys: dict[Person, PatientKey] = {}
    # In one order for all, so that two batches that make the same keys wait for each other and never in a circle.
    for hospital in sorted(by_hospital):
        for row in await _rows_of(connection, sealer, hospital, by_hospital[hospital]):
            keys[hospital, row["patient"]] = PatientKey(row["id"], sealer.unwrap(row["wrapped"]))
    return keys


async def key_of(connection: AnyConnection, sealer: Sealer, hospital: str, key_id: UUID) -> bytes | None:
    """Return a key, unwrapped; ``None``: it was erased. Takes no lock. Raises ``Unreadable`` as ``keys_for``."""
    wrapped = await connection.fetchval(_ONE, hospital, key_id)
    return None if wrapped is None else sealer.unwrap(wrapped)


async def _rows_of(
    connection: AnyConnection, sealer: Sealer, hospital: str, patients: set[str]
) -> list[asyncpg.Record]:
    """Return locked rows, one for each patient."""
    rows = list(await connection.fetch(_LOCK, hospital, sorted(patients)))
    for _ in range(_ATTEMPTS):
        missing = sorted(patients - {row["patient"] for row in rows})
        if not missing:
            break
        made = await connection.fetch(
            _MAKE, hospital, [uuid4() for _ in missing], missing, [sealer.new_key() for _ in missing]
        )
        rows += made
        if len(made) < len(missing):
            # Another recorder made the same key first; we waited for it, and it is to be seen now.
            others = sorted(set(missing) - {row["patient"] for row in made})
            rows += await connection.fetch(_LOCK, hospital, others)
    else:
        if len(rows) < len(patients):
            raise RuntimeError("keys were erased as fast as they were made")
    return rows
