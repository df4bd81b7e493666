"""Partitions of the tables by month: made when a row needs one, and this month's and the next one's ahead.

In: the months that rows fall into, by table. Out: partitions that are there, whoever else makes them meanwhile.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

import asyncpg
import structlog

from service.db.tables import PARTITIONED, month_of, next_month, partition_name

Months: TypeAlias = Mapping[str, set[date]]
"""Table to the first days of months."""

_LOCK: Final = 0x6469_7031
"""Advisory lock under which partitions are made, one process at a time."""
_AHEAD_EVERY: Final = timedelta(hours=1)

_log = structlog.get_logger(__name__)


class Partitions:
    """What one connection knows of the partitions there are."""

    def __init__(self) -> None:
        self._known: set[tuple[str, date]] = set()
        self._ahead_at = datetime.min.replace(tzinfo=UTC)

    def forget(self) -> None:
        """Believe in none: another server may answer now, or some were retired."""
        self._known.clear()

    async def ensure(self, connection: "asyncpg.Connection[asyncpg.Record]", months: Months) -> None:
        """Make the partitions these months need, and from time to time this month's and the next one's."""
        wanted = {(table, month) for table, found in months.items() for month in found}
        if missing := wanted - self._known:
            await _make(connection, missing)
            self._known |= missing
        now = datetime.now(UTC)
        if now - self._ahead_at < _AHEAD_EVERY:
            return
        self._ahead_at = now
        this = month_of(now.date())
        try:
            await _make(connection, {(table, month) for table in PARTITIONED for month in (this, next_month(this))})
        except asyncpg.PostgresError as error:
            # Only the calendar asked for these: what waits to be written does not wait for them.
            _log.warning("partitions_ahead_failed", error=type(error).__name__)


async def _make(connection: "asyncpg.Connection[asyncpg.Record]", wanted: set[tuple[str, date]]) -> None:
    """Make the missing partitions among these; workers that ask at the same time wait for each other.

    Made beside the table and attached, since CREATE … PARTITION OF would lock out every reader and queue behind
    the slowest of them.
    """
    names = {partition_name(table, month): (table, month) for table, month in sorted(wanted)}
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute("SET LOCAL lock_timeout = '5s'")
        missing = await connection.fetch(
            "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL", list(names)
        )
        for (name,) in missing:
            table, month = names[name]
            await connection.execute(
                f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL);"
                f"ALTER TABLE {table} ATTACH PARTITION {name}"
                f" FOR VALUES FROM ('{month}') TO ('{next_month(month)}')"
            )
