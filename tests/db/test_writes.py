"""The record on the real database: each verdict once, whatever happens on the way."""

import asyncio
import gc
import hashlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from rules.model import encode as encode_noun
from service.db import copying
from service.db.pool import Pool
from service.db.rows import COLUMNS, Row, rows_of
from service.db.tables import metadata
from service.db.verdicts import StoredVerdict, by_message, find
from service.db.writes import Batch, Entry, Poisoned, PostgresStore
from service.journal_files import Tally
from service.recorder import Recorder
from service.records import JournalRecord, encode
from service.sealing import Sealer
from tests.writer.samples import (
    a_comparison,
    a_disposition,
    a_journal,
    a_record,
    a_verdict,
    an_input,
    until,
)

pytestmark = [pytest.mark.db, pytest.mark.anyio]

LONG_HOSPITAL = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(256))
"""Longer than an index takes, and not to be compressed."""
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'dipcheck-recorder' AND datname = current_database()"
)
"""Ends the recorder's connection, whatever it is doing."""
WORKER = str(uuid.UUID(int=7))
SEALER = Sealer(bytes(range(32)))


@pytest.fixture(params=["plain", "sealed"])
async def store(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(database_url, sealer=SEALER if request.param == "sealed" else None)
    yield store
    await store.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


def a_batch(*records: JournalRecord, start: int = 32) -> Batch:
    entries = (
        Entry(1, start + number, start + number + 1, encode(record), record) for number, record in enumerate(records)
    )
    return Batch(WORKER, tuple(entries))


async def rows(pool: Pool, query: str, *arguments: Any) -> list[asyncpg.Record]:
    async with pool.connection(5) as connection:
        return await connection.fetch(query, *arguments)


async def count(pool: Pool, table: str) -> int:
    return int((await rows(pool, f"SELECT count(*) FROM {table}"))[0][0])


@pytest.mark.parametrize("record", [a_record(), a_disposition(a_record()), a_comparison(a_record())])
def test_rows_have_their_tables_columns(record: JournalRecord) -> None:
    """Tuples are made by position: their length must follow the tables."""
    for table, row in rows_of(record):
        assert len(row) == len(COLUMNS[table]) == len(metadata.tables[table].columns)


class TestWrite:
    async def test_a_verdict_and_all_that_hangs_on_it(self, store: PostgresStore, pool: Pool) -> None:
        """Input and verdict come back byte for byte, with the dispositions."""
        record = a_record(verdict=a_verdict(findings=2, not_checked=1))
        await store.write(a_batch(record, a_disposition(record), a_comparison(record)))
        found = await find(pool, SEALER, record.id)

        assert isinstance(found, StoredVerdict)
        assert found.input == encode_noun(an_input())
        assert found.verdict == encode_noun(a_verdict(findings=2, not_checked=1))
        assert (found.meta.id, found.meta.received, found.meta.message_id) == (record.id, record.received, "M0")
        assert [(one.number, one.action, one.reason) for one in found.dispositions] == [(1, "continued", "病情需要")]
        assert [await count(pool, table) for table in ("finding", "not_checked", "upstream_comparison")] == [2, 1, 1]
        assert await store.position(WORKER) == (1, 35)

    async def test_columns_stand_where_they_belong(self, store: PostgresStore, pool: Pool) -> None:
        """A finding is the ordering department's, not the visit's; money is in 1/10,000 yuan."""
        await store.write(a_batch(replace(a_record(), owners=((1, "D02", "DR7"),))))
        (finding,) = await rows(pool, "SELECT * FROM finding")
        (missing,) = await rows(pool, "SELECT * FROM not_checked")
        (verdict,) = await rows(pool, "SELECT * FROM verdict")

        assert (finding["number"], finding["rule"], finding["scope"], finding["amount"]) == (
            1,
            "R0",
            "payment",
            246_800,
        )
        assert (finding["department"], finding["doctor"], finding["lines"]) == ("D02", "DR7", [0])
        assert (missing["rule"], missing["reason"], missing["fields"]) == ("N0", "missing", ["birth_date"])
        assert (verdict["visit"], verdict["department"], verdict["rulebook"]) == ("V1", "D01", "r1")

    async def test_a_finding_without_an_owner_of_its_own_falls_back(self, store: PostgresStore, pool: Pool) -> None:
        """Then the visit's is the best that is known."""
        await store.write(a_batch(a_record()))

        assert (await rows(pool, "SELECT department FROM finding"))[0][0] == "D01"

    async def test_twice_is_once(self, store: PostgresStore, pool: Pool) -> None:
        """The same batch again, one that overlaps it, and one that repeats itself change nothing and raise nothing."""
        records = [a_record(number) for number in range(5)]
        feedback = [a_disposition(records[0]), a_comparison(records[0])]
        await store.write(a_batch(*records[:4], *feedback))
        await store.write(a_batch(*records[:4], *feedback))
        await store.write(a_batch(*records[2:], *records[2:], start=900))

        assert [await count(pool, table) for table in ("verdict", "finding", "disposition")] == [5, 5, 1]
        assert await count(pool, "upstream_comparison") == 1
        assert await store.position(WORKER) == (1, 906)

    async def test_a_new_reason_is_a_new_disposition(self, store: PostgresStore, pool: Pool) -> None:
        """Repeats are one row, changes of mind are not."""
        record = a_record()
        await store.write(a_batch(*[a_disposition(record, reason=reason) for reason in ("a", "b", "a")]))

        assert await count(pool, "disposition") == 2

    async def test_unknown_months_get_partitions(self, store: PostgresStore, pool: Pool) -> None:
        """Also the last month of a year and years ago; this month's and the next one's are made ahead."""
        days = [date(2019, 12, 31), date(2020, 1, 1), date(2031, 7, 15)]
        await store.write(a_batch(*[a_record(number, day=day) for number, day in enumerate(days)]))

        assert await count(pool, "verdict_2019_12") == await count(pool, "verdict_2031_07") == 1
        assert await count(pool, "pg_inherits WHERE inhparent = 'verdict'::regclass") == 5

    async def test_workers_make_partitions_together(self, database_url: str, pool: Pool) -> None:
        """Nobody fails because somebody else was quicker."""
        stores = [PostgresStore(database_url) for _ in range(6)]
        batches = [a_batch(a_record(number)) for number in range(6)]
        await asyncio.gather(*(store.write(batch) for store, batch in zip(stores, batches, strict=True)))
        for store in stores:
            await store.close()

        assert await count(pool, "verdict") == 6

    async def test_a_retired_partition_is_made_again(self, store: PostgresStore, pool: Pool) -> None:
        """Retention may remove one that this process still believes in."""
        await store.write(a_batch(a_record(1)))
        await rows(pool, "DROP TABLE verdict_2026_03")
        await store.write(a_batch(a_record(2)))

        assert await count(pool, "verdict_2026_03") == 1

    @pytest.mark.parametrize("text", ["nul\0byte", "表情😀", "' ; --"])
    async def test_any_text(self, store: PostgresStore, pool: Pool, text: str) -> None:
        """U+0000 cannot be held by PostgreSQL: the column shows a replacement, the input keeps the exact bytes."""
        await store.write(a_batch(a_record(department=text)))

        assert (await rows(pool, "SELECT department FROM verdict"))[0][0] == text.replace("\0", "\ufffd")

    @pytest.mark.parametrize(
        "record",
        [
            a_record(amount=2**70),
            a_record(day=date(9999, 12, 31)),
            a_record(hospital=LONG_HOSPITAL),
            msgspec.structs.replace(a_record(), id="no uuid"),
            msgspec.structs.replace(a_record(), verdict=msgspec.Raw(b"{")),
            msgspec.structs.replace(a_disposition(a_record()), number=2**40),
        ],
        ids=["money", "day", "key", "id", "verdict", "number"],
    )
    async def test_poison(self, store: PostgresStore, pool: Pool, record: JournalRecord) -> None:
        """A record that can never be written says so, without its values, and leaves nothing behind."""
        with pytest.raises(Poisoned) as caught:
            await store.write(a_batch(a_record(1), record))

        assert len(caught.value.reason) < 60
        assert await count(pool, "verdict") == 0
        await store.write(a_batch(a_record(1)))
        assert await count(pool, "verdict") == 1

    async def test_set_aside(self, store: PostgresStore, pool: Pool) -> None:
        """The payload is kept with its place and reason, once, and the position goes on."""
        batch = a_batch(a_record(1)).set_aside("DataError 22003")
        await store.write(batch)
        await store.write(batch)

        kept = await rows(pool, 'SELECT segment, "offset", reason, payload FROM set_aside')
        assert [tuple(row) for row in kept] == [(1, 32, "DataError 22003", encode(a_record(1)))]
        assert await store.position(WORKER) == (1, 33)

    async def test_a_wrong_address_is_no_poison(self) -> None:
        """A mistake in the settings must not set the journal aside."""
        store = PostgresStore("postgresql:///x?host=/nowhere&sslmode=wrong")

        with pytest.raises(asyncpg.InterfaceError):
            await store.write(a_batch(a_record()))

    async def test_forget(self, store: PostgresStore) -> None:
        """A position goes with its worker."""
        await store.write(a_batch(a_record()))
        await store.forget(WORKER)

        assert await store.position(WORKER) is None


class TestRead:
    async def test_unknown(self, pool: Pool) -> None:
        """Not stored (yet) is `None`, not an error."""
        assert await find(pool, SEALER, a_record().id) is None
        assert await by_message(pool, "H1", "M0") == ()

    async def test_by_message(self, store: PostgresStore, pool: Pool) -> None:
        """A message whose content changed has several verdicts; another hospital's are not among them."""
        one, other = a_record(1), a_record(1, content=an_input(lines=4))
        await store.write(a_batch(one, other, a_record(1, hospital="H2")))
        found = await by_message(pool, "H1", "M1")

        assert {one.id, other.id} == {meta.id for meta in found}


QUICK: dict[str, Any] = {"linger": 0.005, "backoff": (0.01, 0.1), "adopt_every": 0.1}


class TestRecorder:
    async def test_writes_and_leaves_no_trace(self, tmp_path: Path, database_url: str, pool: Pool) -> None:
        """Journal to rows, drained on stop; position and files are gone."""
        journal = a_journal(tmp_path, segment_bytes=20_000)
        recorder = Recorder(journal, PostgresStore(database_url), **QUICK)
        recorder.start()
        for number in range(200):
            journal.append(encode(a_record(number)))

        assert await recorder.drain(20)
        journal.close()
        assert await count(pool, "verdict") == 200
        assert await count(pool, "journal_position") == 0
        assert list(journal.directory.iterdir()) == []

    async def test_poison_among_others(self, tmp_path: Path, database_url: str, pool: Pool) -> None:
        """The rest are written, the poisoned ones kept aside."""
        tally, journal = Tally(), a_journal(tmp_path)
        for number in range(20):
            journal.append(encode(a_record(number, amount=2**63 if number in {3, 11} else 5)))
        recorder = Recorder(journal, PostgresStore(database_url), counters=tally, **QUICK)
        recorder.start()
        await until(lambda: recorder.depth_records == 0)

        assert (await count(pool, "verdict"), await count(pool, "set_aside")) == (18, 2)
        assert (tally.counts["records_written"], tally.counts["set_aside"]) == (18, 2)
        await recorder.drain(5)
        journal.close()

    async def test_a_connection_cut_in_the_middle_of_a_copy(
        self, database_url: str, pool: Pool, stray_futures: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The write fails as a whole, the store connects anew, and the same batch goes in."""
        store, batch = PostgresStore(database_url), a_batch(*(a_record(number) for number in range(3)))
        whole = copying.turns

        async def cut(found: Iterable[Row]) -> AsyncIterator[Row]:
            async for row in whole(found):
                yield row
                await rows(pool, CUT)
                await asyncio.sleep(0.05)

        monkeypatch.setattr(copying, "turns", cut)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await store.write(batch)
        monkeypatch.undo()
        await store.write(batch)

        assert await count(pool, "verdict") == 3
        await store.close()
        gc.collect()
        assert len(stray_futures) <= 1

    async def test_connections_cut_while_writing(
        self, tmp_path: Path, database_url: str, pool: Pool, stray_futures: list[str]
    ) -> None:
        """Each cut is retried; every record arrives once."""
        tally, journal = Tally(), a_journal(tmp_path)
        recorder = Recorder(journal, PostgresStore(database_url), counters=tally, batch_records=20, **QUICK)
        recorder.start()
        for number in range(600):
            journal.append(encode(a_record(number)))
            if number % 100 == 50:
                await asyncio.sleep(0.02)
                await rows(pool, CUT)
        await until(lambda: recorder.depth_records == 0, 30)

        assert tally.counts["retries"] > 0
        assert await count(pool, "verdict") == 600
        await recorder.drain(5)
        journal.close()

    async def test_tables_that_come_later(self, tmp_path: Path, postgres_server: Any) -> None:
        """A database that is not migrated yet is one that is not there yet."""
        from service.db.migrate import upgrade

        url = await asyncio.to_thread(postgres_server.new_database)
        journal = a_journal(tmp_path)
        recorder = Recorder(journal, PostgresStore(url), **QUICK)
        recorder.start()
        journal.append(encode(a_record()))
        await until(lambda: recorder.last_error is not None)
        await asyncio.to_thread(upgrade, url)
        await until(lambda: recorder.depth_records == 0)

        assert recorder.last_error is None
        await recorder.drain(5)
        journal.close()
        await asyncio.to_thread(postgres_server.drop, url)


def test_the_server_stops_and_starts_again(tmp_path: Path) -> None:
    """Checks go on being journaled while it is away, and all are in the database afterwards."""
    from service.db.migrate import upgrade
    from service.embedded_postgres import DataDirectoryLock, EmbeddedPostgres

    async def fill_through_an_outage(postgres: EmbeddedPostgres, lock: DataDirectoryLock) -> EmbeddedPostgres:
        journal = a_journal(tmp_path)
        recorder = Recorder(journal, PostgresStore(postgres.url), **QUICK)
        recorder.start()
        for number in range(300):
            assert journal.append(encode(a_record(number)))
            if number == 100:
                await until(lambda: recorder.depth_records == 0)
                await asyncio.to_thread(postgres.stop)
            if number == 200:
                await until(lambda: recorder.last_error is not None)
                postgres = EmbeddedPostgres(lock)
                # On this thread: the server is told to stop when the thread that started it ends.
                postgres.wait_until_ready()
            await asyncio.sleep(0)
        assert recorder.alive
        assert await recorder.drain(20)
        journal.close()
        return postgres

    with tempfile.TemporaryDirectory() as directory, DataDirectoryLock.acquire(Path(directory)) as lock:
        postgres = EmbeddedPostgres(lock)
        try:
            postgres.wait_until_ready()
            upgrade(postgres.url)
            postgres = asyncio.run(fill_through_an_outage(postgres, lock))
            from tests.postgres import value

            assert value(postgres.url, "SELECT count(*) FROM verdict") == 300
        finally:
            postgres.stop()
