"""The hash chain on the real database: whole when nobody touched it, and every touch is named."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from service.db import evidence as stored
from service.db.evidence_writes import HeadMoved
from service.db.patients import erase
from service.db.pool import Pool
from service.db.rows import COLUMNS
from service.db.writes import PostgresStore
from service.evidence import anchors, chain, receipts
from service.evidence.chain import LASTING, Head, Subject, extend, genesis, vouched
from service.evidence.contents import Contents
from service.evidence.verifying import Report, verify
from service.journal_files import Tally
from service.recorder import Recorder
from service.records import LineEventRecord, VerdictRecord, encode
from service.sealing import Sealer
from service.verdict_records import content_digest
from tests.architecture.trees import ROOT
from tests.db.test_writes import SEALER, WORKER, a_batch, count, rows
from tests.writer.samples import IDENTITY, NOON, TODAY, a_disposition, a_journal, a_record, an_input

pytestmark = [pytest.mark.db, pytest.mark.anyio]

OTHER = str(uuid.UUID(int=8))


def a_genuine(number: int = 0, **options: Any) -> VerdictRecord:
    """Return a record as the flow makes it: its digest is of its input, and its id of both."""
    record = a_record(number, **options)
    given = an_input()
    encounter = bytes(msgspec.json.decode(record.input, type=dict[str, msgspec.Raw])["encounter"])
    digests = bytes(msgspec.json.decode(record.verdict, type=dict[str, msgspec.Raw])["digests"])
    content = content_digest(given, encounter)
    name = IDENTITY.verdict_id(record.hospital, record.message_id, content, digests, record.received)
    return replace(record, id=name, content_digest=content.hex(), caller="his")


def an_event(number: int) -> LineEventRecord:
    return LineEventRecord(
        id=str(uuid.UUID(int=number)),
        hospital="H1",
        received=NOON,
        day=TODAY,
        verdict_id=a_genuine(number).id,
        action="saved",
        lines=("rx-0",),
    )


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def anchors_file(tmp_path: Path) -> Path:
    return tmp_path / anchors.FILE


@pytest.fixture
async def store(database_url: str, anchors_file: Path, clock: Clock) -> AsyncIterator[PostgresStore]:
    """A store that makes a checkpoint with every batch."""
    store = PostgresStore(database_url, sealer=SEALER, anchors_file=anchors_file, clock=clock, checkpoint_every=0.0)
    yield store
    await store.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


async def proven(
    url: str, file: Path | None = None, *, deep: bool = False, sealer: Sealer = SEALER, **span: Any
) -> Report:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await verify(
                connection,
                sealer,
                anchors=anchors.read(file) if file is not None else None,
                contents=Contents(sealer, IDENTITY) if deep else None,
                **span,
            )
    finally:
        await connection.close()


async def touched(url: str, *changes: tuple[Any, ...], deep: bool = False) -> list[Report]:
    """Verify after each change by itself, which is taken back again."""
    connection = await asyncpg.connect(url)
    reports = []
    try:
        for change in changes:
            transaction = connection.transaction()
            await transaction.start()
            assert not (await connection.execute(*change)).endswith(" 0"), "it changes nothing"
            reports.append(await verify(connection, SEALER, contents=Contents(SEALER, IDENTITY) if deep else None))
            await transaction.rollback()
    finally:
        await connection.close()
    return reports


async def filled(store: PostgresStore) -> list[VerdictRecord]:
    """Write three batches: verdicts, dispositions and events of two hospitals."""
    records = [a_genuine(number, hospital="H2" if number == 4 else "H1") for number in range(6)]
    await store.write(a_batch(*records[:2], a_disposition(records[0]), an_event(1)))
    await store.write(a_batch(*records[2:5], start=100))
    await store.write(a_batch(records[5], an_event(5), start=200))
    return records


def test_the_page_specifies_what_is_hashed() -> None:
    """`docs/evidence.md` names the lasting columns in their order."""
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")

    assert [table for table, names in LASTING.items() if f"| {', '.join(names)} |" not in page] == []


class TestWriting:
    async def test_every_row_has_its_link(self, store: PostgresStore, pool: Pool) -> None:
        """In the order of writing; a disposition tells of lines, so it has two."""
        records = await filled(store)
        found = await rows(
            pool, "SELECT sequence, subject, subject_id, day FROM evidence WHERE hospital = 'H1' ORDER BY sequence"
        )
        heads = await rows(pool, "SELECT hospital, sequence, day FROM chain_head ORDER BY hospital")

        assert [row["subject"] for row in found] == [
            *("verdict", "verdict", "disposition", "line_event", "line_event"),
            *("verdict", "verdict", "verdict", "line_event"),
        ]
        assert [row["sequence"] for row in found] == list(range(1, 10))
        assert (found[0]["subject_id"], found[0]["day"]) == (records[0].id, TODAY)
        assert [tuple(row) for row in heads] == [("H1", 9, TODAY), ("H2", 1, TODAY)]

    async def test_what_was_there_already_has_no_second_link(self, store: PostgresStore, pool: Pool) -> None:
        """Also when the process is another one and knows no heads."""
        records = await filled(store)
        await store.write(a_batch(*records, an_event(1), a_disposition(records[0]), start=300))
        await store.close()
        await store.write(a_batch(*records, a_genuine(9), start=400))

        assert await count(pool, "evidence WHERE subject = 'verdict'") == 7
        assert await count(pool, "evidence") == 11

    async def test_the_first_link_binds_hospital_and_worker(self, store: PostgresStore, pool: Pool) -> None:
        """It follows from a genesis that names both."""
        await store.write(a_batch(a_genuine()))
        (row,) = await rows(pool, "SELECT * FROM evidence")
        subject = Subject("verdict", row["subject_id"], row["subject_day"], row["digest"])
        (link,) = extend(genesis("H1", WORKER, TODAY), [subject], TODAY)

        assert row["link"] == link.link
        assert len({genesis(*pair, TODAY).link for pair in (("H1", WORKER), ("H2", WORKER), ("H1", OTHER))}) == 3

    async def test_a_head_somebody_else_moved(self, store: PostgresStore, database_url: str, pool: Pool) -> None:
        """The write fails and the next attempt reads the head again: the chain has one end."""
        await store.write(a_batch(a_genuine(0)))
        other = PostgresStore(database_url, sealer=SEALER)
        await other.write(a_batch(a_genuine(1), start=50))
        await other.close()
        with pytest.raises((HeadMoved, asyncpg.PostgresError)):
            await store.write(a_batch(a_genuine(2), start=90))
        await store.write(a_batch(a_genuine(2), start=90))

        assert [row[0] for row in await rows(pool, "SELECT sequence FROM evidence ORDER BY 1")] == [1, 2, 3]
        assert (await proven(database_url)).whole

    async def test_a_clock_put_back(self, store: PostgresStore, clock: Clock, pool: Pool, database_url: str) -> None:
        """The day of a link is never before that of the link before it."""
        await store.write(a_batch(a_genuine(0)))
        clock.now -= timedelta(days=40)
        await store.write(a_batch(a_genuine(1), start=50))

        assert {row["day"] for row in await rows(pool, "SELECT day FROM evidence")} == {TODAY}
        assert (await proven(database_url)).whole


class TestCheckpoints:
    async def sequences(self, pool: Pool) -> list[int]:
        return [row[0] for row in await rows(pool, "SELECT sequence FROM checkpoint ORDER BY 1")]

    async def test_at_the_first_batch_and_then_once_a_while(
        self, database_url: str, pool: Pool, anchors_file: Path
    ) -> None:
        """Not with every batch."""
        store = PostgresStore(database_url, sealer=SEALER, anchors_file=anchors_file, checkpoint_every=3600)
        for number in range(3):
            await store.write(a_batch(a_genuine(number), start=50 * number))
        await store.rest()

        assert await self.sequences(pool) == [1]
        await store.forget(WORKER)
        assert await self.sequences(pool) == [1, 3]
        assert anchors.read(anchors_file)["H1", WORKER].sequence == 3
        await store.close()

    async def test_while_there_is_nothing_to_write(self, database_url: str, pool: Pool) -> None:
        """The last links of a busy hour are vouched for though nothing follows."""
        store = PostgresStore(database_url, sealer=SEALER, checkpoint_every=0.2)
        await store.write(a_batch(a_genuine(0)))
        await store.write(a_batch(a_genuine(1), start=50))
        assert await self.sequences(pool) == [1]
        await pause(0.25)
        await store.rest()
        await store.rest()

        assert await self.sequences(pool) == [1, 2]
        await store.close()

    async def test_a_new_month_begins_behind_a_checkpoint(self, database_url: str, pool: Pool) -> None:
        """So that the old month can be retired and the chain still begins somewhere."""
        clock = Clock()
        store = PostgresStore(database_url, sealer=SEALER, checkpoint_every=3600, clock=clock)
        await store.write(a_batch(a_genuine(0)))
        await store.write(a_batch(a_genuine(1), start=50))
        clock.now += timedelta(days=20)
        await store.write(a_batch(a_genuine(2), start=90))
        await store.forget(WORKER)
        await store.close()
        assert await self.sequences(pool) == [1, 2, 3]
        for table in ("verdict", "evidence"):
            await rows(pool, f"DROP TABLE {table}_2026_03")
            await rows(
                pool,
                f"INSERT INTO retired (table_name, month, rows, retired_by) VALUES ('{table}', '2026-03-01', 2, 'x')",
            )
        report = await proven(database_url)

        assert [str(found) for found in report.breaks] == []
        assert (report.links, report.retired) == (1, 1)

    async def test_the_mac_is_over_whose_chain_it_is(self, store: PostgresStore, pool: Pool) -> None:
        """Hospital, worker, place, link and day."""
        await store.write(a_batch(a_genuine()))
        (row,) = await rows(pool, "SELECT * FROM checkpoint")

        assert row["mac"] == SEALER.mac(vouched("H1", WORKER, Head(1, row["link"], TODAY)))

    async def test_by_the_recorder(self, tmp_path: Path, database_url: str, pool: Pool) -> None:
        """A drained journal ends with a checkpoint."""
        journal = a_journal(tmp_path)
        store = PostgresStore(database_url, sealer=SEALER, checkpoint_every=3600)
        recorder = Recorder(journal, store, linger=0.001, batch_records=2)
        for number in range(7):
            journal.append(encode(a_genuine(number)))
        recorder.start()

        assert await recorder.drain(10)
        journal.close()
        assert await self.sequences(pool) == [2, 7]

    async def test_anchors_that_cannot_be_written(self, database_url: str, tmp_path: Path, pool: Pool) -> None:
        """They are a witness: their failing is counted and keeps nothing from being recorded."""
        tally = Tally()
        (tmp_path / "evidence").write_text("no folder")
        store = PostgresStore(
            database_url, sealer=SEALER, anchors_file=tmp_path / anchors.FILE, counters=tally, checkpoint_every=0
        )
        await store.write(a_batch(a_genuine()))
        await store.close()

        assert tally.counts["anchors_failed"] == 1
        assert await count(pool, "verdict") == 1


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


OTHERS: dict[str, str] = {
    "received": "received + interval '1 microsecond'",
    "explained": "NOT explained",
    "key": "gen_random_uuid()",
    "reason_digest": "reason_digest || ''::bytea || '\\x00'",
    "verdict_id": "gen_random_uuid()",
    "id": "gen_random_uuid()",
    "day": "day + 1",
    "number": "coalesce(number, 0) + 1",
    "lines": "array_append(lines, 'x')",
    "amount": "amount + 1",
    "elapsed_us": "elapsed_us + 1",
    "input": "input || '\\x00'",
    "verdict": "verdict || '\\x00'",
}
"""Another value for a column; texts get one more letter."""
LONGER = "coalesce({}, '') || 'x'"


class TestVerify:
    async def test_whole(self, store: PostgresStore, database_url: str, anchors_file: Path) -> None:
        """Everything is counted and nothing is broken."""
        await filled(store)
        report = await proven(database_url, anchors_file, deep=True)

        assert [str(found) for found in report.breaks] == []
        assert (report.chains, report.links, report.anchors, report.unvouched) == (2, 10, 2, 0)
        assert report.subjects == {"verdict": 6, "disposition": 1, "line_event": 3}
        assert (report.opened, report.erased, report.checkpoints) == (6, 0, 4)

    async def test_nothing(self, database_url: str) -> None:
        """An empty record is whole."""
        assert (await proven(database_url, deep=True)).whole

    async def test_a_column_that_was_changed(self, store: PostgresStore, database_url: str) -> None:
        """Every column that a digest covers, in every table."""
        records = await filled(store)
        where = {"verdict": f"id = '{records[1].id}'", "line_event": "source = 'confirm'"}
        columns = [(table, column) for table, names in LASTING.items() for column in names]
        changes = [
            (
                f"UPDATE {table} SET {column} = {OTHERS.get(column, LONGER.format(column))}"
                f" WHERE {where.get(table, 'true')} AND hospital = 'H1'",
            )
            for table, column in columns
        ]
        reports = await touched(database_url, *changes)
        named = {
            place
            for place, report in zip(columns, reports, strict=True)
            if place[0] in {found.table for found in report.breaks}
        }

        assert named == set(columns)

    @pytest.mark.parametrize(
        ("statement", "named"),
        [
            ("UPDATE finding SET message = 'x' WHERE verdict_id = $1", "message is not the verdict's"),
            ("UPDATE finding SET amount = 0 WHERE verdict_id = $1", "amount is not the verdict's"),
            ("DELETE FROM finding WHERE verdict_id = $1", "there are 0 rows for 1 findings"),
            (
                "INSERT INTO finding SELECT hospital, day, verdict_id, number + 1, rule, kind, code, certainty, level,"
                " scope, title, item, amount, department, doctor, lines, message FROM finding WHERE verdict_id = $1",
                "there are 2 rows for 1 findings",
            ),
            ("UPDATE verdict SET patient = 'q' WHERE id = $1", "patient is not the input's"),
            ("UPDATE verdict SET visit = 'V2' WHERE id = $1", "visit is not the input's"),
            ("UPDATE verdict SET message_id = 'M9' WHERE id = $1", "message_id is not the one its id was made from"),
            ("UPDATE verdict SET message_id = NULL WHERE id = $1", "message_id is not the one its id was made from"),
        ],
    )
    async def test_what_follows_from_the_sealed_bytes(
        self, store: PostgresStore, database_url: str, statement: str, named: str
    ) -> None:
        """Columns that an erasure blanks are in no digest; the deep verification derives them and names the one."""
        records = await filled(store)
        (report,) = await touched(database_url, (statement, uuid.UUID(records[2].id)), deep=True)

        assert [found.what for found in report.breaks] == [named]
        assert records[2].id in report.breaks[0].id

    @pytest.mark.parametrize("table", list(LASTING))
    async def test_a_row_taken_out(self, store: PostgresStore, pool: Pool, database_url: str, table: str) -> None:
        """By its name."""
        await filled(store)
        (row,) = await rows(pool, f"SELECT subject_id FROM evidence WHERE subject = '{table}' ORDER BY 1 LIMIT 1")
        await rows(pool, f"DELETE FROM {table} WHERE {name_of(table)} = $1", row[0])
        report = await proven(database_url)

        assert [(found.table, found.id, found.what) for found in report.breaks] == [(table, row[0], "the row is gone")]

    @pytest.mark.parametrize("table", list(LASTING))
    async def test_a_row_put_in(self, store: PostgresStore, pool: Pool, database_url: str, table: str) -> None:
        """A copy of a row under another name is in no chain."""
        await filled(store)
        names = COLUMNS[table]
        key = "finding_id" if table == "disposition" else "id"
        value = "'forged'" if table == "disposition" else f"'{uuid.UUID(int=99)}'"
        chosen = ", ".join(
            value if name == key else "received + interval '9 days'" if name == "received" else name for name in names
        )
        await rows(pool, f"INSERT INTO {table} SELECT {chosen} FROM {table} LIMIT 1")
        report = await proven(database_url)

        assert [(found.table, found.what) for found in report.breaks] == [(table, "no chain knows the row")]

    async def test_two_links_swapped(self, store: PostgresStore, pool: Pool, database_url: str) -> None:
        """What they say is exchanged: the first of them does not follow."""
        await filled(store)
        await rows(
            pool,
            "UPDATE evidence e SET subject = o.subject, subject_id = o.subject_id, digest = o.digest FROM evidence o"
            " WHERE e.hospital = 'H1' AND o.hospital = 'H1' AND e.sequence + o.sequence = 13"
            " AND e.sequence IN (6, 7)",
        )
        report = await proven(database_url)

        assert report.breaks[0].id == f"{WORKER}/6"
        assert "does not follow" in report.breaks[0].what

    async def test_a_link_that_was_changed(self, store: PostgresStore, database_url: str) -> None:
        """Every column of it."""
        await filled(store)
        changes = [
            "subject = 'line_event'",
            "subject_id = subject_id || 'x'",
            "subject_day = subject_day + 1",
            "digest = sha256('x')",
            "link = sha256('x')",
            "day = day - 1",
            "day = day + 1",
            "sequence = sequence + 100",
        ]
        reports = await touched(
            database_url,
            *((f"UPDATE evidence SET {change} WHERE hospital = 'H1' AND sequence = 6",) for change in changes),
        )

        assert [report.breaks[0].table for report in reports] == ["evidence"] * len(changes)

    async def test_a_link_taken_out(self, store: PostgresStore, pool: Pool, database_url: str) -> None:
        """With its row: there is a gap."""
        records = await filled(store)
        await rows(pool, "DELETE FROM evidence WHERE subject_id = $1", records[1].id)
        await rows(pool, "DELETE FROM verdict WHERE id = $1", uuid.UUID(records[1].id))
        report = await proven(database_url)

        assert (report.breaks[0].id, report.breaks[0].what) == (f"{WORKER}/3", "it should be link 2 of its chain")

    async def test_the_beginning_cut_off(self, store: PostgresStore, pool: Pool, database_url: str) -> None:
        """Only a checkpoint stands for what was retired."""
        records = await filled(store)
        await rows(pool, "DELETE FROM evidence WHERE hospital = 'H1' AND sequence <= 3")
        await rows(pool, "DELETE FROM verdict WHERE id = ANY($1)", [uuid.UUID(one.id) for one in records[:2]])
        await rows(pool, "DELETE FROM disposition")
        report = await proven(database_url)

        assert report.breaks[0].id == f"{WORKER}/4"
        assert "gone" in report.breaks[0].what

    async def test_the_end_cut_off(
        self, store: PostgresStore, pool: Pool, database_url: str, anchors_file: Path
    ) -> None:
        """Rows, links and checkpoints taken out and the head set back: only the anchors beside the database tell."""
        records = await filled(store)
        (kept,) = await rows(pool, "SELECT link FROM evidence WHERE hospital = 'H1' AND sequence = 7")
        await rows(pool, "DELETE FROM evidence WHERE hospital = 'H1' AND sequence > 7")
        assert "the chain ends before it" in (await proven(database_url)).breaks[0].what
        await rows(pool, "UPDATE chain_head SET sequence = 7, link = $1 WHERE hospital = 'H1'", kept["link"])
        assert "the link it vouches for is gone" in (await proven(database_url)).breaks[0].what
        await rows(pool, "DELETE FROM checkpoint WHERE sequence > 7")
        await rows(pool, "DELETE FROM verdict WHERE id = $1", uuid.UUID(records[5].id))
        await rows(pool, f"DELETE FROM line_event WHERE id = '{uuid.UUID(int=5)}'")
        assert (await proven(database_url)).whole
        report = await proven(database_url, anchors_file)

        assert (report.breaks[0].id, report.broken) == (f"{WORKER}/9", 1)
        assert "cut off" in report.breaks[0].what

    async def test_a_checkpoint_that_was_changed(self, store: PostgresStore, database_url: str) -> None:
        """Every column of it."""
        await filled(store)
        changes = ["link = sha256('x')", "mac = sha256('x')", "day = day + 1", "sequence = sequence - 1"]
        reports = await touched(
            database_url,
            *((f"UPDATE checkpoint SET {change} WHERE hospital = 'H1' AND sequence = 9",) for change in changes),
        )

        assert ["checkpoint" in {found.table for found in report.breaks} for report in reports] == [True] * 4

    async def test_a_head_that_was_changed(self, store: PostgresStore, pool: Pool, database_url: str) -> None:
        """It must be the last link's."""
        await filled(store)
        await rows(pool, "UPDATE chain_head SET link = sha256('x') WHERE hospital = 'H2'")

        assert [found.table for found in (await proven(database_url)).breaks] == ["chain_head"]

    @pytest.mark.parametrize("checkpoints", ["kept", "made", "dropped"])
    async def test_evidence_replaced_without_the_key(
        self, store: PostgresStore, pool: Pool, database_url: str, anchors_file: Path, checkpoints: str
    ) -> None:
        """A chain made anew over altered rows follows from itself; what vouches for it does not."""
        records = await filled(store)
        await rows(pool, "UPDATE verdict SET amount = 0 WHERE id = $1", uuid.UUID(records[1].id))
        await forge(pool, checkpoints)
        report = await proven(database_url, anchors_file if checkpoints == "dropped" else None)

        assert not report.whole
        assert report.breaks[0].table in {"checkpoint", "evidence"}

    async def test_another_key_proves_nothing(self, store: PostgresStore, database_url: str) -> None:
        """Whoever verifies must have the service's own."""
        await filled(store)
        report = await proven(database_url, sealer=Sealer(bytes(32)))

        assert {found.table for found in report.breaks} == {"checkpoint"}

    async def test_an_erasure_leaves_it_whole(
        self, store: PostgresStore, database_url: str, anchors_file: Path
    ) -> None:
        """The chain is over ciphertexts, which stay; the erased are counted."""
        await filled(store)
        connection = await asyncpg.connect(database_url)
        await erase(connection, ("H1", "p" * 32), by="somebody", reason="asked for")
        await connection.close()
        report = await proven(database_url, anchors_file, deep=True)

        assert [str(found) for found in report.breaks] == []
        assert (report.opened, report.erased) == (1, 5)

    async def test_a_span_of_days(self, store: PostgresStore, clock: Clock, pool: Pool, database_url: str) -> None:
        """Begins and ends in the middle of a chain; what is broken outside it is not looked at."""
        for number in range(9):
            record = replace(a_genuine(number), received=clock.now, day=clock.now.date())
            await store.write(a_batch(record, start=50 * number))
            clock.now += timedelta(days=1)
        days = {"first": date(2026, 3, 20), "last": date(2026, 3, 22)}
        assert ((await proven(database_url, **days)).links, (await proven(database_url, **days)).broken) == (3, 0)
        await rows(pool, "UPDATE verdict SET amount = 7 WHERE day IN ('2026-03-18', '2026-03-25')")
        assert (await proven(database_url, **days)).whole
        await rows(pool, "UPDATE verdict SET amount = 7 WHERE day = '2026-03-21'")
        assert (await proven(database_url, **days)).broken == 1
        assert (await proven(database_url, hospital="H2")).whole
        assert (await proven(database_url)).broken == 3
        await rows(pool, "DELETE FROM evidence WHERE day = '2026-03-22'")

        found = (await proven(database_url, **days)).breaks
        assert [one.table for one in found] == ["verdict", "evidence", "checkpoint", "verdict"]
        assert "ends before it" in found[1].what

    async def test_rows_from_before_there_was_a_chain(
        self, store: PostgresStore, database_url: str, pool: Pool
    ) -> None:
        """The version before wrote them plain: they are counted, and nothing vouches for them."""
        before = PostgresStore(database_url)
        old = replace(a_genuine(8), received=NOON - timedelta(days=2))
        await before.write(a_batch(old, replace(a_disposition(old), received=NOON - timedelta(days=2))))
        await before.close()
        await rows(pool, "UPDATE verdict SET caller = NULL")
        await rows(pool, "DELETE FROM line_event")
        await filled(store)
        report = await proven(database_url)
        assert (report.whole, report.before) == (True, 2)
        await rows(pool, "UPDATE verdict SET received = received + interval '30 days' WHERE caller IS NULL")

        assert [found.id for found in (await proven(database_url)).breaks] == [old.id]

    async def test_a_retired_month(self, store: PostgresStore, pool: Pool, database_url: str) -> None:
        """Its rows are not missed; one that was written late is known by its new link."""
        records = await filled(store)
        await rows(pool, "DROP TABLE verdict_2026_03")
        assert (await proven(database_url)).broken == 6
        await rows(
            pool, "INSERT INTO retired (table_name, month, rows, retired_by) VALUES ('verdict', '2026-03-01', 6, 'x')"
        )
        await store.write(a_batch(records[0], start=500))
        report = await proven(database_url)

        assert [str(found) for found in report.breaks] == []
        assert (report.retired, report.subjects["verdict"]) == (6, 1)

    async def test_reports_of_many_breaks(self, store: PostgresStore, pool: Pool, database_url: str) -> None:
        """All are counted, the first ones named."""
        await store.write(a_batch(*(a_genuine(number) for number in range(40))))
        await rows(pool, "UPDATE verdict SET amount = 1")
        report = await proven(database_url)

        assert (report.broken, len(report.breaks)) == (40, 20)


class TestReceipts:
    async def test_links_between_the_verdict_and_its_checkpoint(
        self, database_url: str, pool: Pool, clock: Clock
    ) -> None:
        """They are shown by digests only, and lead to the checkpoint; the link before may be in a retired month."""
        store = PostgresStore(database_url, sealer=SEALER, checkpoint_every=3600, clock=clock)
        await store.write(a_batch(a_genuine(0)))
        clock.now += timedelta(days=20)
        await store.write(a_batch(*(a_genuine(number) for number in range(1, 6)), start=50))
        await rows(pool, "DROP TABLE evidence_2026_03")
        second, last = (uuid.UUID(a_genuine(number).id) for number in (1, 5))
        assert receipt(await stored.held(pool, second, within=5)).checkpoint is None
        await store.forget(WORKER)
        await store.close()
        given = [receipt(await stored.held(pool, one, within=5)) for one in (second, last)]

        assert [len(one.following) for one in given] == [4, 0]
        assert [list(receipts.faults_of(one, SEALER)) for one in given] == [[], []]
        assert [one.checkpoint and one.checkpoint.sequence for one in given] == [6, 6]

    async def test_of_what_no_chain_knows(self, database_url: str, pool: Pool) -> None:
        """There is none for a row of the version before."""
        store = PostgresStore(database_url)
        await store.write(a_batch(a_record()))
        await store.close()

        assert await stored.held(pool, uuid.UUID(a_record().id), within=5) is None


def receipt(held: stored.Held | None) -> receipts.Receipt:
    assert held is not None
    return receipts.receipt_of(held)


def name_of(table: str) -> str:
    if table == "disposition":
        return "finding_id || '|' || action || '|' || encode(reason_digest, 'hex')"
    return "id::text"


async def forge(pool: Pool, checkpoints: str) -> None:
    """Make the chain of H1 anew over the rows as they are, as somebody could who has no key."""
    every = await rows(pool, "SELECT * FROM evidence WHERE hospital = 'H1' ORDER BY sequence")
    head = genesis("H1", WORKER, TODAY)
    async with pool.connection(5) as connection:
        for row in every:
            place = (row["subject_day"], row["subject_id"])
            found = (await stored.subjects(connection, "H1", row["subject"], [place]))[place]
            digest = chain.digest_of(row["subject"], [found[name] for name in LASTING[row["subject"]]])
            (link,) = extend(head, [Subject(row["subject"], *reversed(place), digest)], TODAY)
            await connection.execute(
                "UPDATE evidence SET digest = $1, link = $2 WHERE hospital = 'H1' AND sequence = $3",
                digest,
                link.link,
                link.sequence,
            )
            if checkpoints == "made":
                mac = Sealer(bytes(32)).mac(vouched("H1", WORKER, Head(link.sequence, link.link, TODAY)))
                await connection.execute(
                    "UPDATE checkpoint SET link = $1, mac = $2 WHERE hospital = 'H1' AND sequence = $3",
                    link.link,
                    mac,
                    link.sequence,
                )
            head = Head(link.sequence, link.link, TODAY)
        await connection.execute("UPDATE chain_head SET link = $1 WHERE hospital = 'H1'", head.link)
        if checkpoints == "dropped":
            await connection.execute("DELETE FROM checkpoint WHERE hospital = 'H1'")
