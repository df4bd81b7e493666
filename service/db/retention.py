"""Retires months (保留期限): drops partitions that are older than a setting, and what nothing refers to any more.

In: a connection of one's own. Each month of a table goes in one transaction, together with its row in ``retired``:
detached, dropped and written down, or still there. The locks this takes are asked for briefly, so that readers and
writers never queue behind it for longer; who gets none tries again. A record that comes late for a retired month finds
no partition, and the recorder makes it anew.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

import asyncpg

from service.db.tables import PARTITIONED, partition_name

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

LOCK_WITHIN: Final = "300ms"
"""How long anybody may have to wait for a retirement that waits for its own locks. Shorter than the server's
``deadlock_timeout``, so that of two that wait for each other it is always this one that gives way."""

_RETIREMENT: Final = 0x6469_7032
"""Advisory lock of whoever retires months: one at a time."""
_PARTITION: Final = re.compile(rf"({'|'.join(PARTITIONED)})_(\d{{4}})_(\d{{2}})")

_SEALED: Final = ("verdict", "disposition", "recheck")
"""The tables whose column ``key`` names a patient's key."""
_UNUSED: Final = " AND ".join(
    f"NOT EXISTS (SELECT FROM {table} t WHERE t.hospital = k.hospital AND t.key = k.id)" for table in _SEALED
)


class InUse(Exception):
    """Somebody uses the table for longer than we may wait."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month of one table, as a partition."""

    table: str
    first: date

    @property
    def partition(self) -> str:
        """The partition's name."""
        return partition_name(self.table, self.first)

    def __str__(self) -> str:
        return f"{self.table} {self.first:%Y-%m}"


async def is_alone(connection: Connection) -> bool:
    """Take the right to retire months for as long as the connection lasts; say whether nobody else has it."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _RETIREMENT))


async def months(connection: Connection) -> list[Month]:
    """Return every month that is attached to its table. One that somebody detached to keep it is left alone."""
    rows = await connection.fetch(
        "SELECT child.relname FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid"
        " WHERE i.inhparent = ANY($1::text[]::regclass[])",
        list(PARTITIONED),
    )
    matched = (_PARTITION.fullmatch(row["relname"]) for row in rows)
    return sorted(Month(found[1], date(int(found[2]), int(found[3]), 1)) for found in matched if found)


async def count(connection: Connection, month: Month) -> int:
    """Return the rows of a month."""
    return int(await connection.fetchval(f"SELECT count(*) FROM {month.partition}"))


async def vouched_for(connection: Connection, month: Month) -> set[Month]:
    """Return the months of the rows that a month of ``evidence`` vouches for: with it gone, nothing would."""
    rows = await connection.fetch(
        f"SELECT DISTINCT subject, date_trunc('month', subject_day)::date AS first FROM {month.partition}"
    )
    return {Month(row["subject"], row["first"]) for row in rows}


async def retire(connection: Connection, month: Month, *, by: str) -> int:
    """Drop a month and write that down; return the rows it had. Raises ``InUse``: try again."""
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WITHIN}'")
            # Against writers only, and of this month only: the count is what is dropped, and readers go on meanwhile.
            await connection.execute(f"LOCK TABLE {month.partition} IN SHARE MODE")
            rows = await count(connection, month)
            await connection.execute(f"ALTER TABLE {month.table} DETACH PARTITION {month.partition}")
            await connection.execute(f"DROP TABLE {month.partition}")
            await connection.execute(
                "INSERT INTO retired (table_name, month, rows, retired_by) VALUES ($1, $2, $3, $4)",
                month.table,
                month.first,
                rows,
                by,
            )
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
        raise InUse(str(month)) from error
    return rows


async def shorten_coverage(connection: Connection, since: date, *, by: str) -> list[tuple[str, date]]:
    """Say of every hospital whose history is declared complete from before a day that it is so from that day on.

    To be done before its lines are dropped: rules that look back must not take what was retired for what never was.
    Returns (hospital, former day).
    """
    changed = []
    for row in await connection.fetch("SELECT DISTINCT hospital FROM history_coverage ORDER BY hospital"):
        hospital = row["hospital"]
        former = await connection.fetchval(
            "SELECT since FROM history_coverage WHERE hospital = $1 ORDER BY id DESC LIMIT 1", hospital
        )
        if former is not None and former < since:
            await connection.execute(
                "INSERT INTO history_coverage (hospital, since, declared_by) VALUES ($1, $2, $3)",
                hospital,
                since,
                f"retain: {by}",
            )
            changed.append((hospital, former))
    return changed


async def hospitals(connection: Connection) -> list[str]:
    """Return whose visits or patients' keys there are."""
    rows = await connection.fetch("SELECT hospital FROM saved_visit UNION SELECT hospital FROM patient_key ORDER BY 1")
    return [row["hospital"] for row in rows]


_VISITS_WITHOUT_LINES: Final = (
    "FROM saved_visit v WHERE v.hospital = $1 AND v.received < $2 AND NOT EXISTS"
    " (SELECT FROM saved_line l WHERE l.hospital = v.hospital AND l.visit = v.visit AND l.patient = v.patient)"
)


async def visits_without_lines(connection: Connection, hospital: str, before: datetime) -> int:
    """Return how many visits, told before a time, have no line any more."""
    return int(await connection.fetchval(f"SELECT count(*) {_VISITS_WITHOUT_LINES}", hospital, before))


async def drop_visits_without_lines(connection: Connection, hospital: str, before: datetime) -> int:
    """Delete them; return how many."""
    return _affected(await connection.execute(f"DELETE {_VISITS_WITHOUT_LINES}", hospital, before))


async def unused_keys(connection: Connection, hospital: str, before: datetime) -> list[str]:
    """Return patients' keys, made before a time, that nothing is sealed with any more. Reads whole tables."""
    rows = await connection.fetch(
        f"SELECT k.id FROM patient_key k WHERE k.hospital = $1 AND k.created < $2 AND {_UNUSED}", hospital, before
    )
    return [row["id"] for row in rows]


async def drop_unused_keys(connection: Connection, hospital: str, before: datetime) -> int:
    """Delete them; return how many.

    Locked first and looked at again: a recorder that just took a key (``FOR KEY SHARE``) may not have committed what
    it sealed when we looked, and a lock that was waited for does not look again by itself.
    """
    found = await unused_keys(connection, hospital, before)
    if not found:
        return 0
    async with connection.transaction():
        rows = await connection.fetch(
            "SELECT id FROM patient_key WHERE hospital = $1 AND id = ANY($2::uuid[]) FOR UPDATE SKIP LOCKED",
            hospital,
            found,
        )
        return _affected(
            await connection.execute(
                f"DELETE FROM patient_key k WHERE k.hospital = $1 AND k.id = ANY($2::uuid[]) AND {_UNUSED}",
                hospital,
                [row["id"] for row in rows],
            )
        )


async def set_aside(connection: Connection, before: datetime) -> int:
    """Return how many records were set aside before a time."""
    return int(await connection.fetchval("SELECT count(*) FROM set_aside WHERE created < $1", before))


async def drop_set_aside(connection: Connection, before: datetime) -> int:
    """Delete them: their payloads are what would have been rows of a retired month. Return how many."""
    return _affected(await connection.execute("DELETE FROM set_aside WHERE created < $1", before))


def _affected(status: str) -> int:
    return int(status.rpartition(" ")[2])
