"""Orders that wait to be checked afterwards: taken by one worker, finished once, and taken over from a dead one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from rules.model import encode as encode_noun
from service.asked import Asked
from service.db import rechecks
from service.db.batches import Batch, Entry
from service.db.pool import Pool
from service.db.writes import PostgresStore
from service.dialects._contract import Answer
from service.errors import NO_DATABASE, NOT_READY, Problem
from service.rechecking import Later, Rechecker, unnamed
from service.records import JournalRecord, LineEventRecord, RecheckRecord, encode
from service.sealing import Sealer
from tests.writer.samples import IDENTITY, NOON, SHANGHAI, TODAY, a_record, a_verdict, an_input, until

pytestmark = [pytest.mark.db, pytest.mark.anyio]

SEALER = Sealer(bytes(32))
LIST = UUID(int=5)


def an_id(number: int) -> UUID:
    return uuid5(LIST, str(number))


def an_order(number: int = 0, **changes: Any) -> RecheckRecord:
    record = RecheckRecord(
        id=str(an_id(number)),
        list_id=str(LIST),
        hospital="H1",
        received=NOON + timedelta(seconds=number),
        day=TODAY,
        input=msgspec.Raw(encode_noun(an_input())),
        patient="p" * 32,
        caller="his",
        message_id=f"M{number}",
    )
    return replace(record, **changes)


def a_batch(*records: JournalRecord, start: int = 32) -> Batch:
    entries = (
        Entry(1, start + number, start + number + 1, encode(record), record) for number, record in enumerate(records)
    )
    return Batch(str(UUID(int=9)), tuple(entries))


@dataclass
class Flow:
    """Answers every check with one verdict id per message, or as a test says."""

    error: Exception | None = None
    recorded: bool = True
    keeps: bool = True
    asked: list[Asked] = field(default_factory=list)
    kept: list[JournalRecord] = field(default_factory=list)
    waits = False

    async def check(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return Answer(
            verdict_id=verdict_of(asked.reading.message_id),
            verdict=a_verdict(),
            finding_ids=(),
            recorded=self.recorded,
            repeated_id=False,
            elapsed_us=1,
        )

    async def keep(self, record: JournalRecord) -> bool:
        self.kept.append(record)
        return self.keeps

    def append(self, payload: bytes) -> bool:
        raise AssertionError("the flow journals")

    async def durable(self) -> bool:
        return True


def verdict_of(message_id: str | None) -> str:
    return IDENTITY.verdict_id("H1", message_id, b"", b"", NOON)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = Pool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(database_url, sealer=SEALER)
    yield store
    await store.close()


async def rows(pool: Pool, query: str, *arguments: Any) -> list[asyncpg.Record]:
    async with pool.connection(5) as connection:
        return await connection.fetch(query, *arguments)


async def outcomes(pool: Pool) -> list[tuple[str | None, str | None]]:
    """Return (verdict, problem) of the orders that are finished, by message."""
    found = await rows(pool, "SELECT verdict_id, problem FROM recheck WHERE finished IS NOT NULL ORDER BY received, id")
    return [(str(row["verdict_id"]) if row["verdict_id"] else None, row["problem"]) for row in found]


def a_rechecker(pool: Pool, flow: Any, **options: Any) -> Rechecker:
    return Rechecker(pool, SEALER, flow, flow, SHANGHAI, **options)


class TestTaking:
    async def test_each_is_taken_once(self, store: PostgresStore, pool: Pool) -> None:
        """However many workers ask at once, nobody gets what another has; sealed inputs come opened."""
        await store.write(a_batch(*(an_order(number) for number in range(8))))
        taken = await asyncio.gather(*(rechecks.take(pool, SEALER, "H1", 3) for _ in range(4)))
        found = [due for batch in taken for due in batch]

        assert sorted(an_id(number) for number in range(8)) == sorted(due.id for due in found)
        assert {encode_noun(an_input())} == {due.input for due in found}
        assert {False} == {due.again for due in found}
        assert () == await rechecks.take(pool, SEALER, "H1", 3)
        assert encode_noun(an_input()) not in {row["input"] for row in await rows(pool, "SELECT input FROM recheck")}

    async def test_a_dead_workers_orders_are_free_again(self, store: PostgresStore, pool: Pool) -> None:
        """After a minute, and said to be taken again."""
        await store.write(a_batch(an_order()))
        await rechecks.take(pool, SEALER, "H1", 3)
        for age, expected in (("59 seconds", []), ("61 seconds", [True])):
            await rows(pool, f"UPDATE recheck SET started = now() - interval '{age}'")
            assert expected == [due.again for due in await rechecks.take(pool, SEALER, "H1", 3)]

    async def test_hospitals_are_apart(self, store: PostgresStore, pool: Pool) -> None:
        """Each is asked for by itself."""
        await store.write(a_batch(an_order(1), an_order(2, hospital="H2")))

        assert ("H1", "H2") == await rechecks.hospitals_due(pool)
        assert [an_id(2)] == [due.id for due in await rechecks.take(pool, SEALER, "H2", 9)]
        assert () == await rechecks.listed(pool, "H3", LIST)

    async def test_the_first_end_holds(self, store: PostgresStore, pool: Pool) -> None:
        """A worker that was thought dead must not overwrite what another found."""
        await store.write(a_batch(an_order()))
        (due,) = await rechecks.take(pool, SEALER, "H1", 1)
        await rechecks.finish(pool, due, problem="internal")
        await rechecks.finish(pool, due, verdict_id=verdict_of("M0"))
        await rechecks.put_back(pool, due, tried=True)

        assert [(None, "internal")] == await outcomes(pool)
        assert () == await rechecks.take(pool, SEALER, "H1", 1)


class TestRechecker:
    async def test_a_verdict_and_its_saved_lines(self, store: PostgresStore, pool: Pool) -> None:
        """Checked under the time and message of the order, as the caller's, and its lines count as saved."""
        await store.write(a_batch(an_order(1), an_order(2, saved=False)))
        flow = Flow()
        assert await a_rechecker(pool, flow).pass_once()

        assert [(verdict_of("M1"), None), (verdict_of("M2"), None)] == await outcomes(pool)
        first = flow.asked[0]
        assert ("recheck", "his", "M1", NOON, NOON + timedelta(seconds=1)) == (
            first.mode,
            first.caller,
            first.reading.message_id,
            first.reading.time,
            first.received,
        )
        assert an_input().encounter == first.reading.encounter
        (event,) = flow.kept
        assert isinstance(event, LineEventRecord)
        assert (verdict_of("M1"), "saved", None) == (event.verdict_id, event.action, event.lines)
        assert not await a_rechecker(pool, flow).pass_once()

    async def test_without_a_message_id(self, store: PostgresStore, pool: Pool) -> None:
        """The verdict's id hangs on the order, not on the moment, so that a second try gives the same."""
        await store.write(a_batch(an_order(message_id=None)))
        flow = Flow(keeps=False)
        for _ in range(2):
            with pytest.raises(Later):
                await a_rechecker(pool, flow).pass_once()

        assert [unnamed(an_id(0))] * 2 == [asked.reading.message_id for asked in flow.asked]
        assert 1 == len({record.id for record in flow.kept if isinstance(record, LineEventRecord)})

    async def test_killed_in_the_middle(self, store: PostgresStore, pool: Pool) -> None:
        """The verdict that a dead worker's check gave is found, not made again with a history that holds it."""
        await store.write(a_batch(an_order(message_id="M7")))
        (due,) = await rechecks.take(pool, SEALER, "H1", 1)
        given = replace(a_record(7), mode="recheck", received=due.received)
        await store.write(a_batch(given, start=500))
        await rows(pool, "UPDATE recheck SET started = now() - interval '2 minutes'")
        flow = Flow()
        await a_rechecker(pool, flow).pass_once()

        assert [(given.id, None)] == await outcomes(pool)
        assert [] == flow.asked
        assert [given.id] == [record.verdict_id for record in flow.kept if isinstance(record, LineEventRecord)]

    @pytest.mark.parametrize(
        "flow", [Flow(recorded=False), Flow(keeps=False), Flow(Problem(NOT_READY))], ids=["verdict", "lines", "rules"]
    )
    async def test_what_cannot_be_kept_waits(self, store: PostgresStore, pool: Pool, flow: Flow) -> None:
        """A full journal, or no rulebook yet, is no reason to lose an order: all that were taken wait again."""
        await store.write(a_batch(an_order(1), an_order(2)))
        with pytest.raises((Later, Problem)):
            await a_rechecker(pool, flow).pass_once()

        assert [] == await outcomes(pool)
        assert [True, False] == [due.again for due in await rechecks.take(pool, SEALER, "H1", 9)]

    async def test_one_that_breaks_stops_no_other(self, store: PostgresStore, pool: Pool) -> None:
        """Its row says so, and the next is checked."""
        await store.write(a_batch(an_order(1)))
        await a_rechecker(pool, Flow(RuntimeError("boom"))).pass_once()
        await store.write(a_batch(an_order(2), start=500))
        await a_rechecker(pool, Flow()).pass_once()

        assert [(None, "internal"), (verdict_of("M2"), None)] == await outcomes(pool)

    async def test_erased_and_altered(self, store: PostgresStore, pool: Pool) -> None:
        """Without the person's key an order is erased; with other bytes it is unreadable; neither is checked."""
        await store.write(a_batch(an_order(1), an_order(2, patient="q" * 32)))
        await rows(pool, "UPDATE recheck SET input = input || 'x' WHERE message_id = 'M1'")
        await rows(pool, "DELETE FROM patient_key WHERE patient = $1", "q" * 32)
        flow = Flow()
        await a_rechecker(pool, flow).pass_once()

        assert [(None, "unreadable"), (None, "erased")] == await outcomes(pool)
        assert ([], []) == (flow.asked, flow.kept)

    async def test_it_goes_on_after_an_outage(
        self, store: PostgresStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A database that does not answer is said once and tried again."""
        await store.write(a_batch(an_order()))
        whole, failures = rechecks.hospitals_due, [Problem(NO_DATABASE), RuntimeError("boom")]

        async def failing(pool: Pool) -> tuple[str, ...]:
            if failures:
                raise failures.pop()
            return await whole(pool)

        monkeypatch.setattr(rechecks, "hospitals_due", failing)
        flow = Flow()
        rechecker = a_rechecker(pool, flow, every=0.01)
        task = asyncio.create_task(rechecker.run())
        await until(lambda: not failures and rechecker.last_error is None)
        await until(lambda: bool(flow.kept))
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestListed:
    async def test_how_far_a_list_is(self, store: PostgresStore, pool: Pool) -> None:
        """Waiting, taken, checked with its verdict's state and money, failed."""
        checked = replace(a_record(3), mode="recheck")
        await store.write(a_batch(*(an_order(number) for number in range(4)), checked))
        taken = {due.message_id: due for due in await rechecks.take(pool, SEALER, "H1", 3)}
        await rechecks.finish(pool, taken["M1"], problem="erased")
        await rechecks.finish(pool, taken["M2"], verdict_id=checked.id)
        found = {order.message_id: order for order in await rechecks.listed(pool, "H1", LIST)}

        assert ["M0", "M1", "M2", "M3"] == list(found)
        assert found["M0"].started is not None
        assert found["M0"].finished is None
        assert (found["M1"].problem, found["M2"].state, found["M2"].amount) == ("erased", "warned", 246_800)
        assert found["M3"].started is None
