"""Writes batches of journal records into PostgreSQL: COPY straight into the partitions.

In: a ``Batch`` of entries in journal order. Out: rows, sealed and chained, and the worker's journal position, in one
transaction. A batch that holds a row the database already has is redone through staging tables, so writing one twice
changes nothing. A record the database refuses for what is in it raises ``Poisoned``; every other error is worth a
retry.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import structlog

from service.db.batches import Batch, Entry, Poisoned
from service.db.copying import Staging, copy, stage
from service.db.evidence_writes import CHECKPOINT_EVERY, ChainWriter, Growth
from service.db.partitions import Partitions
from service.db.patient_keys import Person
from service.db.pool import Tls
from service.db.repeats import of_the_same_day, refiled
from service.db.rows import Row, rows_of
from service.db.saved_rows import Memory, Told, tell
from service.db.sealed_rows import RowSealer
from service.db.tables import PARTITIONED, month_of
from service.evidence import anchors
from service.journal_files import Counters, Tally
from service.records import JournalRecord
from service.sealing import Sealer

_APPLICATION: Final = "dipcheck-recorder"
_RECORDS_A_TURN: Final = 16
_DATA_CLASSES: Final = ("22", "23", "54")
"""SQLSTATE classes that speak of a record's content: data, integrity, a value beyond the database's limits."""
_LOCAL: Final = ZoneInfo("Asia/Shanghai")
_APART: Final = frozenset({"saved_line", "verdict_repeat", "evidence"})
"""Partitioned tables that no record makes rows of by itself."""

_ASIDE: Final = (
    'INSERT INTO set_aside (worker, segment, "offset", reason, payload) VALUES ($1, $2, $3, $4, $5)'
    " ON CONFLICT DO NOTHING"
)
_ADVANCE: Final = (
    'INSERT INTO journal_position (worker, segment, "offset") VALUES ($1, $2, $3)'
    ' ON CONFLICT (worker) DO UPDATE SET segment = $2, "offset" = $3, updated = now()'
)
_ATTEMPTS: Final = len(PARTITIONED) + 2
"""At one batch: while months are being retired, each attempt may find the next table's month gone."""

__all__ = ["Batch", "Entry", "Poisoned", "PostgresStore"]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Content:
    """A batch as rows: plain ones by table, retries of earlier days' verdicts, what it tells of saved lines, and what
    attempts at it have sealed, by the place of a row in ``tables``."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    retries: list[Row] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    sealed: dict[tuple[str, int], tuple[UUID, Row]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Done:
    """What a transaction did: to be taken over once it is committed."""

    growth: Growth | None
    told: Told
    keys: Mapping[Person, UUID]


class PostgresStore:
    """The recorder's one connection to the database: made when needed, thrown away when anything went wrong."""

    def __init__(
        self,
        url: str,
        *,
        sealer: Sealer | None = None,
        chained: bool | None = None,
        zone: tzinfo = _LOCAL,
        anchors_file: Path | None = None,
        counters: Counters | None = None,
        clock: Callable[[], datetime] | None = None,
        checkpoint_every: float = CHECKPOINT_EVERY,
        tls: Tls = None,
        connect_timeout: float = 5.0,
        command_timeout: float = 60.0,
    ) -> None:
        """``command_timeout`` bounds every statement, so that a silent network ends in a retry and not in a wait.

        Without a ``sealer`` rows stay plain. Rows are chained where there is one, unless ``chained`` says otherwise;
        ``zone`` is the hospital's, for the days of saved lines and of links.
        """
        self._url = url
        self._tls = tls
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._zone = zone
        self._anchors_file = anchors_file
        self._counters: Counters = counters or Tally()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._partitions = Partitions()
        self._staging = Staging()
        self._memory = Memory()
        self._sealer = None if sealer is None else RowSealer(sealer)
        self._chain: ChainWriter | None = None
        now = clock or _utc_now
        if chained or (chained is None and sealer is not None):
            mac = None if sealer is None else sealer.mac
            self._chain = ChainWriter(mac, today=lambda: now().astimezone(zone).date(), every=checkpoint_every)

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
        content = await _content_of(batch.records, self._zone)
        async with _Broken(self):
            # Outside what is read as poison: a wrong address is a ValueError too, and no record's fault.
            connection = await self._connected()
        try:
            async with _Broken(self):
                await self._write_content(connection, batch, content)
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "")[:2] in _DATA_CLASSES:
                raise Poisoned(f"{type(error).__name__} {error.sqlstate}") from None
            raise
        except (ValueError, OverflowError, TypeError) as error:
            # The driver could not even write the value down.
            raise Poisoned(type(error).__name__) from None

    async def rest(self) -> None:
        """Make the checkpoints that are due while there is nothing to write."""
        chain = self._chain
        if chain is None or not (due := chain.due()):
            return
        async with _Broken(self):
            connection = await self._connected()
            for worker in due:
                async with connection.transaction():
                    growth = await chain.vouch_due(connection, worker)
                await self._grown(growth)

    async def forget(self, worker: str) -> None:
        """End a worker whose segments are gone: vouch for where its chains end, and remove its position."""
        growth: Growth | None = None
        async with _Broken(self):
            connection = await self._connected()
            async with connection.transaction():
                if self._chain is not None:
                    growth = await self._chain.finish(connection, worker)
                await connection.execute("DELETE FROM journal_position WHERE worker = $1", worker)
        if growth is not None and self._chain is not None:
            await self._grown(growth)
            self._chain.ended(worker)

    async def close(self) -> None:
        """End the connection."""
        if self._chain is not None:
            self._chain.forget()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            # Another server may answer now.
            self._partitions.forget()
            self._staging.forget()
            self._connection = await asyncpg.connect(
                self._url,
                ssl=self._tls,
                timeout=self._connect_timeout,
                command_timeout=self._command_timeout,
                server_settings={"application_name": _APPLICATION},
            )
        return self._connection

    async def _write_content(
        self, connection: "asyncpg.Connection[asyncpg.Record]", batch: Batch, content: _Content
    ) -> None:
        content.tables, content.retries = await refiled(connection, content.tables)
        done = await self._attempted(connection, batch, content)
        self._memory.remember(done.told, done.keys)
        if done.told.out_of_range:
            self._counters.add("lines_out_of_range", done.told.out_of_range)
        if done.growth is not None:
            await self._grown(done.growth)

    async def _attempted(
        self, connection: "asyncpg.Connection[asyncpg.Record]", batch: Batch, content: _Content
    ) -> _Done:
        """Write a batch; through staging tables if need be, and once more where a month was retired meanwhile."""
        staged = bool(content.retries)
        for left in reversed(range(_ATTEMPTS)):
            await self._partitions.ensure(connection, self._months(content))
            if staged:
                await self._staging.ensure(connection, [*content.tables, "verdict_repeat"])
            try:
                return await self._transaction(connection, batch, content, staged=staged)
            except asyncpg.UniqueViolationError:
                if staged:
                    raise
                staged = True
            except asyncpg.CheckViolationError:
                # "no partition found for row": it was there and has been retired since.
                if not left:
                    raise  # or it is there, and somebody detached it to keep it
                self._partitions.forget()
            if self._chain is not None:
                self._chain.forget()
        raise AssertionError("the last attempt returns or raises")

    def _months(self, content: _Content) -> dict[str, set[date]]:
        months = {table: {month_of(row[1]) for row in rows} for table, rows in content.tables.items()}
        months["saved_line"] = content.told.months
        months["verdict_repeat"] = months.get("verdict", set()) | {month_of(row[1]) for row in content.retries}
        months["evidence"] = set() if self._chain is None else {self._chain.month}
        return months

    async def _transaction(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        batch: Batch,
        content: _Content,
        *,
        staged: bool,
    ) -> _Done:
        growth: Growth | None = None
        ids: dict[Person, UUID] = {}
        async with connection.transaction():
            tables = content.tables
            if self._sealer is not None:
                keys = await self._sealer.keys(connection, tables, content.told.people)
                tables = await self._sealer.seal(tables, keys, content.sealed)
                ids = {person: key.id for person, key in keys.items()}
            if staged:
                written = await _stage_all(connection, tables, content.retries)
            else:
                written = await _copy_all(connection, tables)
            told = await self._memory.spare(connection, content.told, ids)
            await told.write(connection)
            if self._chain is not None:
                growth = await self._chain.grow(connection, batch.worker, written)
            if batch.aside:
                await connection.executemany(
                    _ASIDE,
                    [(batch.worker, entry.segment, entry.start, entry.fault, entry.payload) for entry in batch.aside],
                )
            last = batch.entries[-1]
            await connection.execute(_ADVANCE, batch.worker, last.segment, last.end)
        return _Done(growth, told, ids)

    async def _grown(self, growth: Growth) -> None:
        """Take over what was committed, and note its checkpoints beside the database."""
        if self._chain is not None:
            self._chain.committed(growth)
        if self._anchors_file is None or not growth.anchors:
            return
        try:
            await asyncio.to_thread(anchors.append, self._anchors_file, growth.anchors)
        except OSError as error:
            self._counters.add("anchors_failed")
            log.warning("anchors_failed", error=type(error).__name__)


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


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _content_of(records: Sequence[JournalRecord], zone: tzinfo) -> _Content:
    """Return a batch as rows, giving other tasks their turn. Raises ``Poisoned`` for content that makes no rows."""
    content = _Content()
    for count, record in enumerate(records, 1):
        try:
            month_of(record.day)
            for table, row in rows_of(record):
                content.tables.setdefault(table, []).append(row)
            tell(content.told, record, zone)
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise Poisoned(type(error).__name__) from None
        if count % _RECORDS_A_TURN == 0:
            await asyncio.sleep(0)
    return content


def _in_order(tables: Iterable[str]) -> list[str]:
    """Return tables in one order for all, so that two writers never wait for each other in a circle."""
    return [table for table in PARTITIONED if table in tables and table not in _APART]


async def _copy_all(
    connection: "asyncpg.Connection[asyncpg.Record]", tables: dict[str, list[Row]]
) -> dict[str, list[Row]]:
    """Copy rows that are all new; return them."""
    for table in _in_order(tables):
        await copy(connection, table, tables[table])
    return tables


async def _stage_all(
    connection: "asyncpg.Connection[asyncpg.Record]", tables: dict[str, list[Row]], retries: Sequence[Row]
) -> dict[str, list[Row]]:
    """Write rows of which some may be there already, and those of retries; return those that were not there."""
    written = {}
    for table in _in_order(tables):
        written[table] = await stage(connection, table, tables[table])
    if verdicts := tables.get("verdict"):
        retries = [*retries, *await of_the_same_day(connection, verdicts, written["verdict"])]
    if retries:
        await stage(connection, "verdict_repeat", retries)
    return written
