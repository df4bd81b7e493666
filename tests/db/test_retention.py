"""Months that are older than the setting go, the rest stays, and nothing that comes late is lost."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service.cli import main
from service.db import retention as stored
from service.db.evidence import EVER
from service.db.retention import Month
from service.db.tables import PARTITIONED, partition_name
from service.db.writes import Batch, Entry, PostgresStore
from service.evidence.verifying import Report, verify
from service.records import JournalRecord, encode
from service.sealing import Sealer
from service.settings import Settings
from service.upkeep import retention
from service.upkeep.retention import months_before, retain
from tests.postgres import execute, value
from tests.writer.samples import a_disposition, a_record

pytestmark = pytest.mark.db

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD, KEPT = date(2025, 8, 31), date(2025, 9, 1)
"""The last day that goes and the first that stays, with fourteen months beside this one."""
SEALER = Sealer(bytes(32))
WORKER = "00000000-0000-0000-0000-000000000007"
KEY = "00000000-0000-0000-0000-00000000000"


def write(url: str, *records: JournalRecord, store: PostgresStore | None = None) -> None:
    """Record as the recorder does."""
    entries = tuple(Entry(1, at, at + 1, encode(record), record) for at, record in enumerate(records, 32))

    async def run() -> None:
        own = store or PostgresStore(url)
        await own.write(Batch(WORKER, entries))
        await own.close()

    asyncio.run(run())


@pytest.fixture
def retained(database_url: str, tmp_path: Path) -> Callable[..., tuple[bool, list[str]]]:
    """Retire as of a fixed day, keeping fourteen months of records and twenty-four of lines."""
    settings = Settings(data_dir=tmp_path, database_url=database_url)

    def run(**changes: Any) -> tuple[bool, list[str]]:
        orders: dict[str, Any] = {"months": 14, "history_months": 24, "by": "test", "now": NOW} | changes
        return retain(settings, **orders)

    return run


def partitions(url: str, table: str) -> set[str]:
    rows = execute(
        url, f"SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = '{table}'::regclass"
    )
    return {row["name"] for row in rows}


def make_month(url: str, table: str, first: date) -> None:
    following = months_before(first, -1)
    execute(
        url,
        f"CREATE TABLE IF NOT EXISTS {partition_name(table, first)} PARTITION OF {table}"
        f" FOR VALUES FROM ('{first}') TO ('{following}')",
        "SELECT 1",
    )


def a_saved_line(url: str, day: date, number: int, *, visit: str = "V1") -> None:
    make_month(url, "saved_line", day.replace(day=1))
    execute(
        url,
        f"INSERT INTO saved_line VALUES ('H1', '{day}', '{KEY}{number}', 'p', 'X', '{visit}', 'saved', 'import', NULL,"
        " 'x', now())",
        "SELECT 1",
    )


def an_evidence(url: str, written: date, subject: str, subject_day: date, number: int) -> None:
    make_month(url, "evidence", written.replace(day=1))
    execute(
        url,
        f"INSERT INTO evidence VALUES ('H1', '{written}', '{WORKER}', {number}, '{subject}', 'id', '{subject_day}',"
        " 'd', 'l')",
        "SELECT 1",
    )


class TestMonths:
    """What goes and what stays."""

    @pytest.mark.parametrize(
        ("day", "months", "first"),
        [
            (date(2026, 11, 22), 1, date(2026, 10, 1)),
            (date(2026, 11, 30), 11, date(2025, 12, 1)),
            (date(2026, 1, 1), 12, date(2025, 1, 1)),
            (date(2026, 12, 31), 24, date(2024, 12, 1)),
            (date(2026, 12, 31), -1, date(2027, 1, 1)),
        ],
    )
    def test_whole_months_are_kept_beside_the_running_one(self, day: date, months: int, first: date) -> None:
        """The running month is never counted and never goes."""
        assert first == months_before(day, months)

    def test_older_months_go_with_every_table(self, database_url: str, retained: Any) -> None:
        """Rows of the month before the span go, those of its first day stay; it is written down."""
        old, kept = a_record(1, day=OLD), a_record(2, day=KEPT)
        write(database_url, old, kept)
        complete, said = retained()

        assert complete
        assert "retired verdict 2025-08: 1 rows" in said
        assert [kept.id] == [str(row["id"]) for row in execute(database_url, "SELECT id FROM verdict")]
        assert 1 == value(database_url, "SELECT count(*) FROM finding")
        rows = execute(database_url, "SELECT table_name, rows, retired_by FROM retired WHERE month = '2025-08-01'")
        written = {row["table_name"]: (row["rows"], row["retired_by"]) for row in rows}
        assert {"verdict": (1, "test"), "finding": (1, "test")}.items() <= written.items()
        assert not any("2025_08" in name for table in PARTITIONED for name in partitions(database_url, table))

    def test_again_changes_nothing(self, database_url: str, retained: Any) -> None:
        """The second run finds nothing to do and writes nothing."""
        write(database_url, a_record(1, day=OLD))
        retained()
        before = value(database_url, "SELECT count(*) FROM retired")
        complete, said = retained()

        assert complete
        assert not any("retired" in line for line in said)
        assert before == value(database_url, "SELECT count(*) FROM retired")

    def test_a_dry_run_only_says(self, database_url: str, retained: Any) -> None:
        """It names months and rows, evidence included, and touches none."""
        write(database_url, a_record(1, day=OLD), a_record(2, day=OLD))
        an_evidence(database_url, OLD, "verdict", OLD, 1)
        complete, said = retained(dry_run=True)

        assert complete
        assert "would retire verdict 2025-08: 2 rows" in said
        assert "would retire evidence 2025-08: 1 rows" in said
        assert 2 == value(database_url, "SELECT count(*) FROM verdict")
        assert 0 == value(database_url, "SELECT count(*) FROM retired")

    def test_the_shortest_span_keeps_the_running_and_the_next_month(self, database_url: str, retained: Any) -> None:
        """One month: the one before the running one stays, too."""
        days = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 11, 22), date(2026, 12, 1)]
        write(database_url, *[a_record(number, day=day) for number, day in enumerate(days)])
        retained(months=1)

        rows = execute(database_url, "SELECT day FROM verdict ORDER BY day")
        assert days[1:] == [row["day"] for row in rows]

    def test_a_month_that_was_detached_is_left_alone(self, database_url: str, retained: Any) -> None:
        """Somebody keeps it: it is no partition any more."""
        write(database_url, a_record(1, day=OLD))
        execute(database_url, "ALTER TABLE verdict DETACH PARTITION verdict_2025_08", "SELECT 1")
        retained()

        assert 1 == value(database_url, "SELECT count(*) FROM verdict_2025_08")


class TestLate:
    """A record for a month that was retired."""

    def test_it_is_recorded_and_retired_again(self, database_url: str, retained: Any) -> None:
        """By a recorder that still believes in the partition, with its disposition; the next run retires it."""

        async def run() -> None:
            store = PostgresStore(database_url)
            await store.write(batch(a_record(1, day=OLD)))
            await asyncio.to_thread(retained)
            late = a_record(2, day=OLD)
            await store.write(batch(late, a_disposition(late), a_record(3, day=KEPT)))
            await store.close()

        asyncio.run(run())
        assert 2 == value(database_url, "SELECT count(*) FROM verdict")
        assert 0 == value(database_url, "SELECT count(*) FROM set_aside")
        complete, said = retained()
        assert complete
        assert "retired verdict 2025-08: 1 rows" in said
        assert 2 == value(
            database_url, "SELECT count(*) FROM retired WHERE table_name = 'verdict' AND month = '2025-08-01'"
        )

    def test_it_comes_while_the_month_is_retired(self, database_url: str, retained: Any) -> None:
        """Whoever is first, it is in the database in the end, in a partition that was made anew or not yet dropped."""

        async def run() -> int:
            store = PostgresStore(database_url)
            for number in range(8):
                retiring = asyncio.create_task(asyncio.to_thread(retained))
                await store.write(batch(a_record(number, day=OLD)))
                await retiring
            await store.close()
            return int(await asyncio.to_thread(value, database_url, "SELECT count(*) FROM verdict"))

        left = asyncio.run(run())
        counted = value(database_url, "SELECT sum(rows)::int FROM retired WHERE table_name = 'verdict'")
        assert 8 == left + counted
        assert 0 == value(database_url, "SELECT count(*) FROM set_aside")


def batch(*records: JournalRecord) -> Batch:
    entries = tuple(Entry(1, at, at + 1, encode(record), record) for at, record in enumerate(records, 32))
    return Batch(WORKER, entries)


class TestHistory:
    """Saved lines have their own span, and nobody vouches for what went."""

    def test_lines_stay_longer(self, database_url: str, retained: Any) -> None:
        """Fourteen months of records, twenty-four of lines."""
        for number, day in enumerate([date(2024, 10, 31), date(2024, 11, 1), OLD]):
            a_saved_line(database_url, day, number)
        retained()

        rows = execute(database_url, "SELECT day FROM saved_line ORDER BY day")
        assert [date(2024, 11, 1), OLD] == [row["day"] for row in rows]

    def test_coverage_ends_where_lines_end(self, database_url: str, retained: Any) -> None:
        """A hospital that vouched for earlier days is told so; one that withdrew, or begins later, is left alone."""
        a_saved_line(database_url, date(2023, 1, 1), 1)
        execute(
            database_url,
            "INSERT INTO history_coverage (hospital, since, declared_by) VALUES ('H1', '2025-01-01', 'a'),"
            " ('H1', '2020-01-01', 'b'), ('H2', '2026-01-01', 'a'), ('H3', '2020-01-01', 'a'), ('H3', NULL, 'a')",
            "SELECT 1",
        )
        _, said = retained()

        latest = execute(
            database_url,
            "SELECT DISTINCT ON (hospital) hospital, since, declared_by FROM history_coverage"
            " ORDER BY hospital, id DESC",
        )
        assert [
            ("H1", date(2024, 11, 1), "retain: test"),
            ("H2", date(2026, 1, 1), "a"),
            ("H3", None, "a"),
        ] == [tuple(row) for row in latest]
        assert "history of H1: complete from 2024-11-01 on, was 2020-01-01" in said

    def test_coverage_stays_where_no_line_goes(self, database_url: str, retained: Any) -> None:
        """Nothing went, so what was vouched for still holds."""
        execute(
            database_url,
            "INSERT INTO history_coverage (hospital, since, declared_by) VALUES ('H1', '2020-01-01', 'a')",
            "SELECT 1",
        )
        retained()

        assert date(2020, 1, 1) == value(database_url, "SELECT since FROM history_coverage")

    def test_visits_go_with_their_last_line(self, database_url: str, retained: Any) -> None:
        """One with a line stays, and so does one that was told of lately: an import of visits brings no lines."""
        a_saved_line(database_url, date(2023, 1, 1), 1, visit="gone")
        a_saved_line(database_url, OLD, 2, visit="kept")
        execute(
            database_url,
            "INSERT INTO saved_visit VALUES ('H1', 'p', 'gone', 'x', '2023-01-01'),"
            " ('H1', 'p', 'kept', 'x', '2023-01-01'), ('H1', 'p', 'told lately', 'x', '2026-11-01')",
            "SELECT 1",
        )
        _, said = retained()

        rows = execute(database_url, "SELECT visit FROM saved_visit ORDER BY visit")
        assert ["kept", "told lately"] == [row["visit"] for row in rows]
        assert "removed 1 visits and 0 patients' keys that nothing refers to, 0 records set aside" in said


class TestEvidence:
    """A month of evidence stays as long as a row that it vouches for."""

    def test_it_goes_when_all_its_rows_are_gone(self, database_url: str, retained: Any) -> None:
        """Of the month itself and of those before."""
        write(database_url, a_record(1, day=OLD))
        an_evidence(database_url, OLD, "verdict", OLD, 1)
        an_evidence(database_url, OLD, "verdict", date(2025, 7, 31), 2)
        _, said = retained()

        assert "retired evidence 2025-08: 2 rows" in said
        assert 0 == value(database_url, "SELECT count(*) FROM evidence")

    def test_it_stays_for_a_row_of_the_next_month(self, database_url: str, retained: Any) -> None:
        """A verdict filed under tomorrow was chained today; evidence of later months waits with it."""
        write(database_url, a_record(1, day=OLD), a_record(2, day=KEPT))
        an_evidence(database_url, date(2025, 7, 31), "verdict", date(2025, 7, 31), 1)
        an_evidence(database_url, OLD, "verdict", KEPT, 2)
        complete, said = retained()

        assert complete
        assert "retired evidence 2025-07: 1 rows" in said
        assert "kept evidence 2025-08 and later: still there is verdict 2025-09" in said
        assert {2} == {row["sequence"] for row in execute(database_url, "SELECT sequence FROM evidence")}

    def test_no_gap_opens_in_a_chain(self, database_url: str, retained: Any) -> None:
        """The oldest month that stays keeps all later ones."""
        make_month(database_url, "verdict", KEPT)
        an_evidence(database_url, date(2025, 7, 31), "verdict", KEPT, 1)
        an_evidence(database_url, OLD, "verdict", OLD, 2)
        retained()

        assert 2 == value(database_url, "SELECT count(*) FROM evidence")


class TestVerified:
    """What was retired is no break in the record."""

    def test_the_rest_verifies(self, database_url: str, retained: Any) -> None:
        """Months go one after the other; each time the record is whole, and what is gone is counted as retired."""
        days = [date(2025, 7, 15), OLD, KEPT, date(2025, 10, 5), NOW.date()]
        written = [date(2025, 7, 15), OLD, OLD, date(2025, 10, 5), NOW.date()]

        async def record() -> None:
            clock = [NOW]
            store = PostgresStore(database_url, sealer=SEALER, clock=lambda: clock[0])
            for number, (day, when) in enumerate(zip(days, written, strict=True)):
                clock[0] = datetime(when.year, when.month, when.day, 4, tzinfo=UTC)
                await store.write(batch(a_record(number, day=day)))
            await store.forget(WORKER)
            await store.close()

        asyncio.run(record())
        seen = [proof(database_url)]
        for months in (15, 14, 13, 12):
            assert retained(months=months)[0]
            seen.append(proof(database_url))

        assert [(True, left) for left in (5, 4, 3, 2, 1)] == seen


def proof(url: str) -> tuple[bool, int]:
    """Verify everything; say whether it is whole, and how many verdicts there are."""

    async def run() -> Report:
        connection = await asyncpg.connect(url)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await verify(
                connection, SEALER, first=EVER[0], last=EVER[1], hospital=None, anchors={}, contents=None
            )
        await connection.close()
        return found

    report = asyncio.run(run())
    return report.whole, value(url, "SELECT count(*) FROM verdict")


class TestKeys:
    """Patients' keys go when nothing is sealed with them any more."""

    @pytest.fixture(autouse=True)
    def keys(self, database_url: str) -> None:
        """Four patients: of a month that goes, of one that stays, of a disposition that stays, and a new one."""
        execute(
            database_url,
            "INSERT INTO patient_key VALUES "
            + ", ".join(
                f"('H1', '{KEY}{number}', 'p{number}', 'w', '{created}')"
                for number, created in enumerate(["2025-08-01", "2025-08-01", "2025-08-01", "2026-11-01"])
            ),
            "SELECT 1",
        )
        old, kept = a_record(0, day=OLD), a_record(1, day=KEPT)
        write(database_url, old, kept, a_disposition(kept))
        execute(
            database_url,
            f"UPDATE verdict SET key = '{KEY}0' WHERE id = '{old.id}'",
            f"UPDATE verdict SET key = '{KEY}1' WHERE id = '{kept.id}'",
            f"UPDATE disposition SET key = '{KEY}2'",
            "SELECT 1",
        )

    def test_unused_ones_go(self, database_url: str, retained: Any) -> None:
        """The one whose only verdict was retired."""
        _, said = retained()

        rows = execute(database_url, "SELECT patient FROM patient_key ORDER BY patient")
        assert ["p1", "p2", "p3"] == [row["patient"] for row in rows]
        assert "removed 0 visits and 1 patients' keys that nothing refers to, 0 records set aside" in said

    def test_another_hospitals_row_keeps_no_key(self, database_url: str, retained: Any) -> None:
        """Keys are joined by hospital, too."""
        execute(database_url, f"INSERT INTO patient_key VALUES ('H2', '{KEY}1', 'p', 'w', '2025-01-01')", "SELECT 1")
        retained()

        assert 0 == value(database_url, "SELECT count(*) FROM patient_key WHERE hospital = 'H2'")

    def test_one_that_was_taken_meanwhile_stays(self, database_url: str) -> None:
        """A recorder holds the key and has not committed what it sealed: it is neither waited for nor deleted."""

        async def run() -> int:
            ours, recorder = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
            await ours.execute("DELETE FROM verdict WHERE day = $1", OLD)
            async with recorder.transaction():
                await recorder.fetch("SELECT id FROM patient_key WHERE patient = 'p0' FOR KEY SHARE")
                dropped = await stored.drop_unused_keys(ours, "H1", NOW)
            await ours.close()
            await recorder.close()
            return dropped

        # p3 is unused, too, and was made before this time.
        assert 1 == asyncio.run(run())
        assert 1 == value(database_url, "SELECT count(*) FROM patient_key WHERE patient = 'p0'")

    def test_one_that_was_used_meanwhile_stays(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Committed after we looked and before we locked: it is looked at again."""

        async def stale(*_: Any) -> list[str]:
            return [f"{KEY}1", f"{KEY}3"]

        async def run() -> int:
            connection = await asyncpg.connect(database_url)
            dropped = await stored.drop_unused_keys(connection, "H1", NOW)
            await connection.close()
            return dropped

        monkeypatch.setattr(stored, "unused_keys", stale)
        assert 1 == asyncio.run(run())
        assert 1 == value(database_url, "SELECT count(*) FROM patient_key WHERE patient = 'p1'")


def test_old_records_set_aside_go(database_url: str, retained: Any) -> None:
    """Their payloads would have been rows of months that went."""
    execute(
        database_url,
        f"INSERT INTO set_aside VALUES ('{WORKER}', 1, 32, 'x', 'p', '2025-08-31'),"
        f" ('{WORKER}', 1, 64, 'x', 'p', now())",
        "SELECT 1",
    )
    retained()

    assert [64] == [row["offset"] for row in execute(database_url, 'SELECT "offset" FROM set_aside')]


class TestInUse:
    """Others use the tables, or retire at the same time."""

    def test_a_reader_delays_it(self, database_url: str, retained: Any) -> None:
        """It tries again until the reader is gone; nobody waits behind it for longer than a moment."""
        write(database_url, a_record(1, day=OLD))
        done: list[tuple[bool, list[str]]] = []
        thread = threading.Thread(target=lambda: done.append(retained()))

        async def read() -> None:
            reader = await asyncpg.connect(database_url)
            async with reader.transaction():
                await reader.fetch("SELECT id FROM verdict")
                thread.start()
                await asyncio.sleep(0.6)
                assert thread.is_alive()
            await reader.close()

        asyncio.run(read())
        thread.join()
        assert done[0][0]
        assert "retired verdict 2025-08: 1 rows" in done[0][1]

    def test_what_cannot_go_is_said_and_stays(self, database_url: str, retained: Any) -> None:
        """With its evidence; the other tables go."""
        write(database_url, a_record(1, day=OLD))
        an_evidence(database_url, OLD, "verdict", OLD, 1)

        async def read() -> tuple[bool, list[str]]:
            reader = await asyncpg.connect(database_url)
            async with reader.transaction():
                await reader.fetch("SELECT id FROM verdict")
                found: tuple[bool, list[str]] = await asyncio.to_thread(retained, patience=0.0)
            await reader.close()
            return found

        complete, said = asyncio.run(read())
        assert not complete
        assert "kept verdict 2025-08: the table is in use; run this again later" in said
        assert "retired finding 2025-08: 1 rows" in said
        assert "kept evidence 2025-08 and later: still there is verdict 2025-08" in said
        assert 1 == value(database_url, "SELECT count(*) FROM verdict")
        complete, said = retained()
        assert complete
        assert "retired evidence 2025-08: 1 rows" in said

    def test_one_at_a_time(self, database_url: str, retained: Any) -> None:
        """The second one leaves at once."""

        async def run() -> tuple[bool, list[str]]:
            other = await asyncpg.connect(database_url)
            assert await stored.is_alone(other)
            found: tuple[bool, list[str]] = await asyncio.to_thread(retained)
            await other.close()
            return found

        assert (False, ["another `dipcheck retain` is running"]) == asyncio.run(run())


def test_a_month_says_what_it_is() -> None:
    """As people read it, and as the database names it."""
    month = Month("verdict", date(2025, 8, 1))

    assert ("verdict 2025-08", "verdict_2025_08") == (str(month), month.partition)


class TestCommand:
    """What ``dipcheck retain`` makes of its settings."""

    @pytest.fixture
    def orders(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
        """Catch what would be done."""
        given: list[dict[str, Any]] = []

        def note(_: Settings, **changes: Any) -> tuple[bool, list[str]]:
            given.append(changes)
            return changes["by"] != "slow", ["said"]

        monkeypatch.setattr(retention, "retain", note)
        monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path))
        return given

    def test_nothing_is_set(self, orders: Any, capsys: pytest.CaptureFixture[str]) -> None:
        """All months are kept."""
        assert (0, []) == (main(["retain"]), orders)
        assert "all months are kept" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "months", "history"),
        [
            ([], 36, 36),
            (["--months", "6"], 6, 24),
            (["--months", "6", "--history-months", "12"], 6, 12),
        ],
    )
    def test_spans(
        self, orders: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str], months: int, history: int
    ) -> None:
        """What is said on the command line comes before the setting; lines stay two years unless somebody says less."""
        monkeypatch.setenv("DIPCHECK_RETAIN_MONTHS", "36")

        assert 0 == main(["retain", *arguments])
        assert [{"months": months, "history_months": history, "by": "cli", "dry_run": False}] == orders

    def test_not_all_could_go(self, orders: Any) -> None:
        """Exit code 1."""
        assert 1 == main(["retain", "--months", "6", "--by", "slow"])

    @pytest.mark.parametrize("text", ["0", "-1", "x"])
    def test_no_number_of_months(self, text: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Refused as wrong use."""
        with pytest.raises(SystemExit) as ended:
            main(["retain", "--months", text])

        assert 2 == ended.value.code
        assert "expected a number from 1" in capsys.readouterr().err
