"""Writes batches of journal records into PostgreSQL: COPY straight into the partitions.

In: a ``Batch`` of entries in journal order. Out: rows, and the worker's journal position, in one transaction. A
batch that holds a row the database already has is redone through staging tables, so writing one twice changes
nothing. A record the database refuses for what is in it raises ``Poisoned``; every other error is worth a retry.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg
import msgspec
import structlog

from service.db.pool import Tls
from service.db.rows import COLUMNS, Row, rows_of
from service.db.tables import PARTITIONED, month_of, next_month, partition_name
from service.records import JournalRecord

_APPLICATION: Final = "dipcheck-recorder"
_PARTITION_LOCK: Final = 0x6469_7031
"""Advisory lock under which partitions are made, one process at a time."""
_AHEAD_EVERY: Final = timedelta(hours=1)
_ROWS_A_TURN: Final = 64
"""Rows handed to the driver before other tasks of the event loop get their turn."""
_RECORDS_A_TURN: Final = 16

_DATA_CLASSES: Final = ("22", "23", "54")
"""SQLSTATE classes that speak of a record's content: data, integrity, a value beyond the database's limits."""

log = structlog.get_logger(__name__)


class Poisoned(Exception):
    """Something in this batch can never be written. ``reason`` names the kind of fault, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch of a journal: a record, or, with a ``fault``, bytes to be set aside."""

    segment: int
    start: int
    end: int
    payload: bytes
    record: JournalRecord | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries of one worker's journal."""

    worker: str
    entries: tuple[Entry, ...]

    @property
    def records(self) -> list[JournalRecord]:
        """The records to write, in order."""
        return [entry.record for entry in self.entries if entry.record is not None]

    @property
    def aside(self) -> list[Entry]:
        """The entries to set aside."""
        return [entry for entry in self.entries if entry.fault]

    def halves(self) -> tuple["Batch", "Batch"]:
        """Return the first and the second half."""
        middle = len(self.entries) // 2
        return Batch(self.worker, self.entries[:middle]), Batch(self.worker, self.entries[middle:])

    def set_aside(self, reason: str) -> "Batch":
        """Return the batch with every entry to be set aside."""
        return Batch(self.worker, tuple(replace(entry, record=None, fault=reason) for entry in self.entries))


class PostgresStore:
    """The recorder's one connection to the database: made when needed, thrown away when anything went wrong."""

    def __init__(
        self, url: str, *, tls: Tls = None, connect_timeout: float = 5.0, command_timeout: float = 60.0
    ) -> None:
        """``command_timeout`` bounds every statement, so that a silent network ends in a retry and not in a wait."""
        self._url = url
        self._tls = tls
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._months: set[date] = set()
        self._ahead_at = datetime.min.replace(tzinfo=UTC)

    async def position(self, worker: str) -> tuple[int, int] | None:
        """Return (segment, offset) up to which a worker's journal is in the database."""
        async with _Broken(self):
            connection = await self._connected()
            row = await connection.fetchrow('SELECT segment, "offset" FROM journal_position WHERE worker = $1', worker)
        return (row["segment"], row["offset"]) if row else None

    async def write(self, batch: Batch) -> None:
        """Write a batch and advance its worker's position, all or nothing.

        Raises ``Poisoned`` when something in the batch can never be written; any other error is worth a retry.
        """
        tables = await _tables_of(batch.records)
        async with _Broken(self):
            # Outside what is read as poison: a wrong address is a ValueError too, and no record's fault.
            connection = await self._connected()
        try:
            async with _Broken(self):
                await self._write_tables(connection, batch, tables)
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "")[:2] in _DATA_CLASSES:
                raise Poisoned(f"{type(error).__name__} {error.sqlstate}") from None
            raise
        except (ValueError, OverflowError, TypeError) as error:
            # The driver could not even write the value down.
            raise Poisoned(type(error).__name__) from None

    async def forget(self, worker: str) -> None:
        """Remove the position of a worker whose segments are gone."""
        async with _Broken(self):
            connection = await self._connected()
            await connection.execute("DELETE FROM journal_position WHERE worker = $1", worker)

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._months.clear()  # another server may answer now
            self._connection = await asyncpg.connect(
                self._url,
                ssl=self._tls,
                timeout=self._connect_timeout,
                command_timeout=self._command_timeout,
                server_settings={"application_name": _APPLICATION},
            )
        return self._connection

    async def _write_tables(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        batch: Batch,
        tables: dict[str, list[Row]],
    ) -> None:
        months = {month_of(day) for day in {record.day for record in batch.records}}
        await self._ensure_partitions(connection, months)
        try:
            await self._transaction(connection, batch, tables, staged=False)
        except asyncpg.UniqueViolationError:
            await self._transaction(connection, batch, tables, staged=True)
        except asyncpg.CheckViolationError:
            # "no partition found for row": it was there and has been retired since.
            self._months.clear()
            await self._ensure_partitions(connection, months)
            await self._transaction(connection, batch, tables, staged=True)

    async def _transaction(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        batch: Batch,
        tables: dict[str, list[Row]],
        *,
        staged: bool,
    ) -> None:
        async with connection.transaction():
            for table in PARTITIONED:  # always in this order, so that two writers never wait for each other
                if rows := tables.get(table):
                    await (_stage if staged else _copy)(connection, table, rows)
            if batch.aside:
                await connection.executemany(
                    'INSERT INTO set_aside (worker, segment, "offset", reason, payload) VALUES ($1, $2, $3, $4, $5)'
                    " ON CONFLICT DO NOTHING",
                    [(batch.worker, entry.segment, entry.start, entry.fault, entry.payload) for entry in batch.aside],
                )
            last = batch.entries[-1]
            await connection.execute(
                'INSERT INTO journal_position (worker, segment, "offset") VALUES ($1, $2, $3)'
                ' ON CONFLICT (worker) DO UPDATE SET segment = $2, "offset" = $3, updated = now()',
                batch.worker,
                last.segment,
                last.end,
            )

    async def _ensure_partitions(self, connection: "asyncpg.Connection[asyncpg.Record]", months: set[date]) -> None:
        """Make the partitions these months need, and from time to time this month's and the next one's."""
        if missing := months - self._months:
            await _make_partitions(connection, missing)
            self._months |= missing
        now = datetime.now(UTC)
        if now - self._ahead_at < _AHEAD_EVERY:
            return
        self._ahead_at = now
        this = month_of(now.date())
        try:
            await _make_partitions(connection, {this, next_month(this)})
        except asyncpg.PostgresError as error:
            # Only the calendar asked for these: what waits to be written does not wait for them.
            log.warning("partitions_ahead_failed", error=type(error).__name__)


class _Broken:
    """Throws the store's connection away when a block fails: what state it is in is no longer known."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    async def __aenter__(self) -> None:
        """Nothing to prepare."""

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        """Throw the connection away on any error."""
        if kind is not None:
            await self._store.close()


async def _tables_of(records: Sequence[JournalRecord]) -> dict[str, list[Row]]:
    """Return rows by table, giving other tasks their turn. Raises ``Poisoned`` for content that makes no rows."""
    tables: dict[str, list[Row]] = {}
    for count, record in enumerate(records, 1):
        try:
            month_of(record.day)
            for table, row in rows_of(record):
                tables.setdefault(table, []).append(row)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Poisoned(type(error).__name__) from None
        if count % _RECORDS_A_TURN == 0:
            await asyncio.sleep(0)
    return tables


async def _turns(rows: list[Row]) -> AsyncIterator[Row]:
    """Yield the rows, giving other tasks their turn: a batch must not hold up a check."""
    for count, row in enumerate(rows, 1):
        yield row
        if count % _ROWS_A_TURN == 0:
            await asyncio.sleep(0)


async def _copy(connection: "asyncpg.Connection[asyncpg.Record]", table: str, rows: list[Row]) -> None:
    await connection.copy_records_to_table(table, records=_turns(rows), columns=COLUMNS[table])


async def _stage(connection: "asyncpg.Connection[asyncpg.Record]", table: str, rows: list[Row]) -> None:
    """Write rows of which some may be there already."""
    staging = f"staging_{table}"
    await connection.execute(f"CREATE TEMP TABLE {staging} (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP")
    await connection.copy_records_to_table(staging, schema_name="pg_temp", records=_turns(rows), columns=COLUMNS[table])
    names = ", ".join(COLUMNS[table])
    await connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM pg_temp.{staging} ON CONFLICT DO NOTHING"
    )


async def _make_partitions(connection: "asyncpg.Connection[asyncpg.Record]", months: set[date]) -> None:
    """Make the missing partitions of these months; workers that ask at the same time wait for each other.

    Made beside the table and attached, since CREATE … PARTITION OF would lock out every reader and queue behind
    the slowest of them.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _PARTITION_LOCK)
        await connection.execute("SET LOCAL lock_timeout = '5s'")
        for month in sorted(months):
            for table in PARTITIONED:
                name = partition_name(table, month)
                if await connection.fetchval("SELECT to_regclass($1)", name) is None:
                    await connection.execute(
                        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL);"
                        f"ALTER TABLE {table} ATTACH PARTITION {name}"
                        f" FOR VALUES FROM ('{month}') TO ('{next_month(month)}')"
                    )
