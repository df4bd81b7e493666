"""The recorder's record of saved lines, of calls and of what became of orders, on the real database."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from rules.model import Diagnosis, Input, Line, PastVisit
from rules.model import encode as encode_noun
from service.db.pool import Pool
from service.db.rows import COLUMNS, KEYS
from service.db.saved_rows import AGAIN_AFTER
from service.db.tables import PARTITIONED, metadata
from service.db.writes import Poisoned, PostgresStore
from service.journal_files import Tally
from service.recorder import Recorder
from service.records import (
    LineEventRecord,
    RecheckRecord,
    RefusalRecord,
    SavedLinesRecord,
    VerdictRecord,
    encode,
)
from service.sealing import Sealer, Unreadable, bound_to
from tests.db.test_writes import SEALER, a_batch, count, rows
from tests.writer.samples import NOON, TODAY, a_comparison, a_disposition, a_journal, a_record, a_verdict, an_input

pytestmark = [pytest.mark.db, pytest.mark.anyio]

PATIENT = "p" * 32
LATER = timedelta(minutes=1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(database_url, sealer=SEALER)
    yield store
    await store.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


def a_line(number: int = 0, **options: Any) -> Line:
    shape = {"id": f"old-{number}", "item": f"XB01AA{number:05}", "quantity": 70_000, "begin": NOON - timedelta(days=9)}
    return Line(**{**shape, "current": False, **options})


def carrying(*lines: Line, number: int = 0, received: Any = NOON, **options: Any) -> VerdictRecord:
    """Return a verdict on a message that carries lines as history."""
    whole = an_input()
    encounter = replace(
        whole.encounter,
        lines=whole.encounter.lines + lines,
        diagnoses=(Diagnosis(code="I10", main=True),),
    )
    record = a_record(number, content=Input(encounter=encounter, time=whole.time))
    return replace(record, carries_history=True, received=received, **options)


def telling(*lines: Line, received: Any = NOON, **options: Any) -> SavedLinesRecord:
    return SavedLinesRecord(
        hospital="H1", received=received, day=TODAY, patient=PATIENT, visit="V9", lines=lines, **options
    )


def an_event(**options: Any) -> LineEventRecord:
    shape = {"verdict_id": a_record().id, "action": "saved", "hospital": "H1", "received": NOON, "day": TODAY}
    return LineEventRecord(id=str(uuid.UUID(int=1)), **{**shape, **options})


def a_refusal() -> RefusalRecord:
    return RefusalRecord(
        id=str(uuid.UUID(int=5)), hospital="H1", received=NOON, day=TODAY, dialect="native", problem="invalid"
    )


def a_recheck() -> RecheckRecord:
    given = msgspec.Raw(encode_noun(an_input()))
    one, other = str(uuid.UUID(int=6)), str(uuid.UUID(int=7))
    return RecheckRecord(
        id=one, list_id=other, hospital="H1", received=NOON, day=TODAY, input=given, patient=PATIENT, caller="his"
    )


async def lines_of(pool: Pool) -> list[tuple[Any, ...]]:
    found = await rows(pool, "SELECT visit, item, status, source FROM saved_line ORDER BY item, day")
    return [tuple(row) for row in found]


def test_keys_stand_first() -> None:
    """Rows are told apart by their first columns, so the key of every such table must stand there."""
    tables = {table: metadata.tables[table] for table in PARTITIONED}

    assert {table: [column.name for column in tables[table].primary_key.columns] for table in PARTITIONED} == {
        table: list(COLUMNS[table][: KEYS[table]]) for table in PARTITIONED
    }


class TestTwin:
    RECORDS = (
        a_record(verdict=a_verdict(findings=2)),
        a_disposition(a_record()),
        a_comparison(a_record()),
        an_event(lines=("rx-0",)),
        a_refusal(),
        a_recheck(),
        telling(a_line(4)),
        carrying(a_line(3), number=1),
    )
    UNLIKE = frozenset({"input", "verdict", "key", "created", "sealed_reason"})
    """Sealed anew, or stamped by the database."""

    async def written(self, url: str, *batches: tuple[Any, ...]) -> dict[str, list[dict[str, Any]]]:
        store, pool = PostgresStore(url, sealer=SEALER), Pool(url)
        for at, batch in enumerate(batches):
            await store.write(a_batch(*batch, start=32 + 100 * at))
        found = {}
        for table in PARTITIONED:
            if table != "evidence":
                key = ", ".join(COLUMNS[table][: KEYS[table]])
                every = await rows(pool, f"SELECT * FROM {table} ORDER BY {key}")
                found[table] = [
                    {name: value for name, value in row.items() if name not in self.UNLIKE} for row in every
                ]
        await store.close()
        await pool.close()
        return found

    async def test_the_staged_way_writes_the_same_rows(self, postgres_server: Any) -> None:
        """Whether rows are copied or come through staging, the same ones are there."""
        urls = [await asyncio.to_thread(postgres_server.migrated_database) for _ in range(2)]
        copied = await self.written(urls[0], self.RECORDS)
        staged = await self.written(urls[1], (self.RECORDS[0],), self.RECORDS)
        for url in urls:
            await asyncio.to_thread(postgres_server.drop, url)

        assert copied == staged
        assert [table for table in PARTITIONED if not copied.get(table)] == ["verdict_repeat", "evidence"]


class TestSealing:
    async def test_nothing_of_a_patient_is_plain(self, store: PostgresStore, pool: Pool) -> None:
        """Input and verdict open with the patient's key, for this row and no other."""
        record = a_record()
        await store.write(a_batch(record, a_recheck()))
        (verdict,) = await rows(pool, "SELECT * FROM verdict")
        (recheck,) = await rows(pool, "SELECT * FROM recheck")
        (kept,) = await rows(pool, "SELECT * FROM patient_key")
        key = SEALER.unwrap(kept["wrapped"])

        def opened(row: asyncpg.Record, table: str, column: str, identifier: str) -> bytes:
            return SEALER.open_sealed(key, row[column], bound_to(table, column, "H1", identifier))

        assert (verdict["key"], recheck["key"], kept["patient"]) == (kept["id"], kept["id"], PATIENT)
        assert opened(verdict, "verdict", "input", record.id) == bytes(record.input)
        assert opened(verdict, "verdict", "verdict", record.id) == bytes(record.verdict)
        assert opened(recheck, "recheck", "input", str(recheck["id"])) == bytes(a_recheck().input)
        with pytest.raises(Unreadable):
            opened(verdict, "verdict", "input", a_record(1).id)

    async def test_a_key_of_its_own_for_each(self, store: PostgresStore, pool: Pool) -> None:
        """One for each patient of each hospital, one for all whose id nobody told."""
        people = [("H1", "a"), ("H1", "b"), ("H2", "a"), ("H1", "a"), ("H1", "")]
        records = [
            replace(a_record(number, hospital=hospital), patient=patient)
            for number, (hospital, patient) in enumerate(people)
        ]
        await store.write(a_batch(*records))

        assert len({row["key"] for row in await rows(pool, "SELECT key FROM verdict")}) == 4

    async def test_a_damaged_key_is_one_patients_trouble(self, store: PostgresStore, pool: Pool) -> None:
        """Records of that patient are poison; with other keys at hand the key file is not what is wrong."""
        await store.write(a_batch(*(replace(a_record(number), patient=f"p{number}") for number in range(3))))
        await rows(pool, "UPDATE patient_key SET wrapped = 'x' WHERE patient = 'p1'")

        with pytest.raises(Poisoned, match="Unreadable"):
            await store.write(a_batch(replace(a_record(9), patient="p1")))
        await store.write(a_batch(replace(a_record(9), patient="p2")))
        assert await count(pool, "verdict") == 4

    async def test_the_recorder_goes_round_it(self, tmp_path: Path, store: PostgresStore, pool: Pool) -> None:
        """What cannot be sealed is set aside with its reason, and the rest are written."""
        await store.write(a_batch(*(replace(a_record(number), patient=f"p{number}") for number in range(3))))
        await rows(pool, "UPDATE patient_key SET wrapped = 'x' WHERE patient = 'p1'")
        tally, journal = Tally(), a_journal(tmp_path)
        for number in range(10, 20):
            journal.append(encode(replace(a_record(number), patient=f"p{number % 3}")))
        recorder = Recorder(journal, store, counters=tally, linger=0.001)
        recorder.start()

        assert await recorder.drain(10)
        journal.close()
        assert (tally.counts["set_aside"], tally.counts["records_written"]) == (4, 6)
        assert {row["reason"] for row in await rows(pool, "SELECT reason FROM set_aside")} == {"Unreadable"}
        assert await count(pool, "verdict") == 9

    async def test_another_key_file_is_no_poison(self, store: PostgresStore, database_url: str) -> None:
        """What waits goes on waiting until somebody puts the right file in its place."""
        await store.write(a_batch(a_record()))
        other = PostgresStore(database_url, sealer=Sealer(bytes(32)))

        with pytest.raises(Unreadable):
            await other.write(a_batch(a_record(1)))
        await other.close()


class TestSavedLines:
    async def test_what_a_message_carries(self, store: PostgresStore, pool: Pool) -> None:
        """Lines that are not current and have a time, and the visit they belong to."""
        await store.write(a_batch(carrying(a_line(1), a_line(2, visit="V0"), a_line(3, begin=None))))
        (visit,) = await rows(pool, "SELECT patient, visit, past_visit FROM saved_visit")
        (line, _) = await rows(pool, "SELECT day, patient, line, verdict_id FROM saved_line ORDER BY item")

        assert await lines_of(pool) == [
            ("V1", "XB01AA00001", "saved", "message"),
            ("V0", "XB01AA00002", "saved", "message"),
        ]
        assert (visit["patient"], visit["visit"]) == (PATIENT, "V1")
        assert msgspec.json.decode(visit["past_visit"], type=PastVisit).diagnosis == "I10"
        assert (line["day"], line["patient"]) == (date(2026, 3, 9), PATIENT)
        assert msgspec.json.decode(line["line"], type=Line) == a_line(1, visit="V1")
        assert str(line["verdict_id"]) == carrying(a_line(1), a_line(2, visit="V0"), a_line(3, begin=None)).id

    async def test_who_is_not_known_has_no_history(self, store: PostgresStore, pool: Pool) -> None:
        """All those without an id are not one person."""
        await store.write(a_batch(carrying(a_line(1), patient="")))

        assert await lines_of(pool) == []

    async def test_a_message_without_history_tells_nothing(self, store: PostgresStore, pool: Pool) -> None:
        """Its current lines may never be saved."""
        await store.write(a_batch(a_record()))

        assert await lines_of(pool) == []

    @pytest.mark.parametrize(
        ("action", "status", "self_paid"),
        [("saved", "saved", None), ("self_paid", "saved", True), ("cancelled", "cancelled", None)],
    )
    async def test_lines_told_of_by_themselves(
        self, store: PostgresStore, pool: Pool, action: Any, status: str, self_paid: bool | None
    ) -> None:
        """Saved, paid by the patient, or taken back."""
        await store.write(a_batch(telling(a_line(1), action=action, past_visit=PastVisit(id="V9", type="outpatient"))))
        (line,) = await rows(pool, "SELECT status, line FROM saved_line")

        assert line["status"] == status
        assert msgspec.json.decode(line["line"], type=Line).self_paid is self_paid
        assert await count(pool, "saved_visit WHERE visit = 'V9'") == 1

    async def test_what_was_told_last_holds(self, store: PostgresStore, pool: Pool) -> None:
        """A cancel holds against what was told before it, whenever that is written, but not for ever."""
        saved = telling(a_line(1), received=NOON)
        cancelled = telling(a_line(1), received=NOON + LATER, action="cancelled")
        await store.write(a_batch(cancelled))
        await store.write(a_batch(saved))
        assert await lines_of(pool) == [("V9", "XB01AA00001", "cancelled", "confirm")]
        await store.write(a_batch(telling(a_line(1), received=NOON + 2 * LATER), saved))

        assert await lines_of(pool) == [("V9", "XB01AA00001", "saved", "confirm")]

    async def test_a_line_told_of_again_at_once_is_spared(self, store: PostgresStore, pool: Pool) -> None:
        """A message repeats its history at every check; a while later, or changed, it is told again."""
        await store.write(a_batch(carrying(a_line(1))))
        first = await rows(pool, "SELECT received FROM saved_line")
        await store.write(a_batch(carrying(a_line(1), number=1, received=NOON + LATER)))
        assert first == await rows(pool, "SELECT received FROM saved_line")
        await store.write(a_batch(carrying(a_line(1, quantity=1), number=2, received=NOON + LATER)))
        assert await rows(pool, "SELECT received FROM saved_line") == [(NOON + LATER,)]
        await store.write(a_batch(carrying(a_line(1, quantity=1), number=3, received=NOON + LATER + AGAIN_AFTER)))

        assert await rows(pool, "SELECT received FROM saved_line") == [(NOON + LATER + AGAIN_AFTER,)]

    async def test_what_this_process_took_back_comes_back(self, store: PostgresStore, pool: Pool) -> None:
        """A later message that carries a line which was taken back says that it is there after all."""
        of = {"visit": "V1"}
        await store.write(a_batch(carrying(a_line(1))))
        taken = replace(telling(a_line(1), received=NOON + LATER, action="cancelled"), **of)
        await store.write(a_batch(taken))
        assert await lines_of(pool) == [("V1", "XB01AA00001", "cancelled", "confirm")]
        await store.write(a_batch(carrying(a_line(1), number=1, received=NOON + 2 * LATER)))

        assert await lines_of(pool) == [("V1", "XB01AA00001", "saved", "message")]

    async def test_a_failed_batch_is_not_remembered(self, store: PostgresStore, pool: Pool) -> None:
        """What was rolled back is told again."""
        with pytest.raises(Poisoned):
            await store.write(a_batch(carrying(a_line(1)), a_record(5, amount=2**70)))
        await store.write(a_batch(carrying(a_line(1))))

        assert len(await lines_of(pool)) == 1

    async def test_only_the_months_that_are_needed(self, store: PostgresStore, pool: Pool) -> None:
        """A line of years ago makes one partition of its own table and none of the others."""
        await store.write(a_batch(carrying(a_line(1, begin=NOON - timedelta(days=2000)))))

        assert await count(pool, "saved_line_2020_09") == 1
        assert await rows(pool, "SELECT to_regclass('verdict_2020_09')") == [(None,)]

    async def test_a_day_nobody_believes(self, database_url: str, pool: Pool) -> None:
        """It is left out and counted, and its verdict is written all the same."""
        tally = Tally()
        store = PostgresStore(database_url, sealer=SEALER, counters=tally)
        far = [a_line(1, begin=NOON.replace(year=1900)), a_line(2, begin=NOON.replace(year=2190)), a_line(3)]
        await store.write(a_batch(carrying(*far)))
        await store.close()

        assert [line[1] for line in await lines_of(pool)] == ["XB01AA00003"]
        assert tally.counts["lines_out_of_range"] == 2
        assert await count(pool, "verdict") == 1


class TestCalls:
    @pytest.mark.parametrize(
        ("action", "told"),
        [
            ("continued", "saved"),
            ("self_paid", "self_paid"),
            ("deleted", "cancelled"),
            ("revised", "reviewed"),
            ("disputed", "reviewed"),
            ("ignored", "reviewed"),
        ],
    )
    async def test_a_disposition_tells_of_lines(self, store: PostgresStore, pool: Pool, action: Any, told: str) -> None:
        """As an event of its finding, once however often it is written."""
        given = replace(a_disposition(a_record()), action=action, reason_code="clinical_need")
        await store.write(a_batch(given))
        await store.write(a_batch(given, given))
        (event,) = await rows(pool, "SELECT verdict_id, number, lines, action, source, settled FROM line_event")
        (disposition,) = await rows(pool, "SELECT action, reason_code FROM disposition")

        assert tuple(event) == (uuid.UUID(a_record().id), 1, None, told, "disposition", None)
        assert tuple(disposition) == (action, "clinical_need")

    async def test_a_change_of_mind_back_is_an_event_of_its_own(self, store: PostgresStore, pool: Pool) -> None:
        """The disposition's row is the first one's, but what holds is what was said last."""
        given = a_disposition(a_record())
        await store.write(a_batch(given, replace(given, received=NOON + LATER)))

        assert (await count(pool, "disposition"), await count(pool, "line_event")) == (1, 2)

    async def test_a_call_that_came_again(self, store: PostgresStore, pool: Pool) -> None:
        """A retry is one verdict and a repeat; the same record written twice is no repeat."""
        record = replace(a_record(), caller="his")
        await store.write(a_batch(record))
        again = replace(record, received=NOON + LATER, caller="his-2")
        await store.write(a_batch(record, again, again, replace(again, received=NOON + 2 * LATER)))
        repeats = await rows(pool, "SELECT verdict_id, received, caller FROM verdict_repeat ORDER BY received")

        assert [tuple(row) for row in repeats] == [
            (uuid.UUID(record.id), NOON + LATER, "his-2"),
            (uuid.UUID(record.id), NOON + 2 * LATER, "his-2"),
        ]
        assert [tuple(row) for row in await rows(pool, "SELECT received, caller FROM verdict")] == [(NOON, "his")]

    async def test_both_calls_in_one_batch(self, store: PostgresStore, pool: Pool) -> None:
        """The first in the journal is the verdict, the other a repeat."""
        record = a_record()
        await store.write(a_batch(record, replace(record, received=NOON + LATER)))

        assert (await count(pool, "verdict"), await count(pool, "verdict_repeat")) == (1, 1)

    async def test_columns_stand_where_they_belong(self, store: PostgresStore, pool: Pool) -> None:
        """Refusals, events and rechecks as they were journaled."""
        await store.write(a_batch(a_refusal(), an_event(lines=("a", "b\0"), number=3), a_recheck()))
        (refusal,) = await rows(pool, "SELECT day, dialect, caller, message_id, problem FROM refusal")
        (event,) = await rows(pool, "SELECT number, lines, action, source, settled, result FROM line_event")
        (recheck,) = await rows(pool, "SELECT list_id, caller, patient, dialect, saved, started FROM recheck")

        assert tuple(refusal) == (TODAY, "native", "", None, "invalid")
        assert tuple(event) == (3, ["a", "b\ufffd"], "saved", "confirm", None, None)
        assert tuple(recheck) == (uuid.UUID(int=7), "his", PATIENT, "native", True, None)
