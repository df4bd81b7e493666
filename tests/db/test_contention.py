"""Writers that meet: an erasure, a retirement, another worker. Nothing is lost or left behind; all come to an end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from service.db import history_writes, patients, saved_rows
from service.db.partitions import Partitions
from service.db.patient_keys import Person
from service.db.patients import Erasure
from service.db.pool import Pool
from service.db.verdicts import Erased, StoredVerdict, find
from service.db.writes import Poisoned, PostgresStore
from service.history.settling import Settler
from tests.db.test_saved_rows import LATER, PATIENT, a_line, an_event, carrying, lines_of, telling
from tests.db.test_writes import SEALER, a_batch, count, rows
from tests.writer.samples import NOON, SHANGHAI, TODAY, a_comparison, a_record, a_verdict

pytestmark = [pytest.mark.db, pytest.mark.anyio]

PERSON: Person = ("H1", PATIENT)
MONTH = "2026_03"
TOMORROW = TODAY + timedelta(days=1)


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


async def erase(pool: Pool, person: Person = PERSON) -> Erasure:
    async with pool.connection(20) as connection:
        return await patients.erase(connection, person, by="officer", reason="request")


def retiring(monkeypatch: pytest.MonkeyPatch, pool: Pool, *tables: str) -> None:
    """Drop a table's month each time after the recorder made sure that all are there."""
    ensure, left = Partitions.ensure, list(tables)

    async def ensured(self: Partitions, connection: Any, months: Any) -> None:
        await ensure(self, connection, months)
        if left:
            await rows(pool, f"DROP TABLE {left.pop(0)}_{MONTH}")

    monkeypatch.setattr(Partitions, "ensure", ensured)


class TestRetirement:
    async def test_months_retired_one_after_another(
        self, store: PostgresStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many tables lose the month while a late record is being written: it is no fault of the record's."""
        retiring(monkeypatch, pool, "not_checked", "finding", "verdict", "line_event")
        await store.write(a_batch(a_record(), an_event()))

        assert [await count(pool, table) for table in ("verdict", "finding", "not_checked", "line_event")] == [1] * 4

    async def test_a_month_retired_while_a_batch_is_written_again(
        self, store: PostgresStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The way through staging tables meets it, too."""
        await store.write(a_batch(a_record()))
        retiring(monkeypatch, pool, "not_checked", "finding")
        await store.write(a_batch(a_record(), a_record(1)))

        assert await count(pool, "verdict") == 2

    async def test_a_month_that_somebody_keeps_apart(self, store: PostgresStore, pool: Pool) -> None:
        """A detached month cannot be made anew: its late records are set aside, and hold up nothing."""
        await store.write(a_batch(a_record()))
        await rows(pool, f"ALTER TABLE verdict DETACH PARTITION verdict_{MONTH}")

        with pytest.raises(Poisoned, match="23514"):
            await store.write(a_batch(a_record(1)))

    async def test_nor_does_it_hold_up_the_settler(self, store: PostgresStore, pool: Pool) -> None:
        """A line of such a month is refused and said so; other hospitals' lines are settled."""
        other = replace(a_record(1, hospital="H2"), patient="q" * 32)
        told = replace(an_event(hospital="H2", verdict_id=other.id), id=str(UUID(int=2)))
        await store.write(a_batch(a_record(), an_event(), other, told))
        await Settler(pool, SEALER, SHANGHAI, clock=lambda: NOON).settle_all()
        await rows(pool, "DELETE FROM saved_line")
        await rows(pool, "UPDATE line_event SET settled = NULL")
        await rows(pool, f"ALTER TABLE saved_line DETACH PARTITION saved_line_{MONTH}")
        await rows(pool, "UPDATE line_event SET action = 'reviewed' WHERE hospital = 'H2'")
        await Settler(pool, SEALER, SHANGHAI, clock=lambda: NOON).settle_all()

        assert await rows(pool, "SELECT hospital, result FROM line_event ORDER BY hospital") == [
            ("H1", "refused"),
            ("H2", "applied"),
        ]


@asynccontextmanager
async def paused(monkeypatch: pytest.MonkeyPatch, write: Awaitable[Any]) -> AsyncIterator[asyncio.Event]:
    """Begin to write, up to where lines are written and not committed; go on when the event is set."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    upsert = history_writes.upsert_lines

    async def wait(*given: Any) -> int:
        written = await upsert(*given)
        reached.set()
        await go_on.wait()
        return written

    for module in (history_writes, saved_rows):
        monkeypatch.setattr(module, "upsert_lines", wait)
    writing = asyncio.ensure_future(write)
    done = asyncio.ensure_future(reached.wait())
    await asyncio.wait({writing, done}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    done.cancel()
    yield go_on
    go_on.set()
    await writing


class TestErasure:
    async def left(self, pool: Pool) -> list[int]:
        return [await count(pool, f"{table} WHERE patient = '{PATIENT}'") for table in ("saved_line", "saved_visit")]

    async def meets(self, pool: Pool, monkeypatch: pytest.MonkeyPatch, write: Awaitable[Any]) -> None:
        """An erasure begun while something is being written waits for it, and takes it."""
        async with paused(monkeypatch, write) as go_on:
            erasing = asyncio.create_task(erase(pool))
            await asyncio.sleep(0.2)
            waited = not erasing.done()
            go_on.set()
            done = await asyncio.wait_for(erasing, 10)

        assert waited
        assert (done.lines, await self.left(pool)) == (1, [0, 0])

    async def test_a_batch_is_waited_for(
        self, store: PostgresStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lines told by themselves, of somebody who has no verdict and no key."""
        await self.meets(pool, monkeypatch, store.write(a_batch(telling(a_line(1)))))

    async def test_an_import_is_waited_for(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        """It holds the people's keys as the recorder does."""
        line = history_writes.LineRow(TODAY, UUID(int=1), PATIENT, "XA01", "V1", "saved", "import", None, b"{}", NOON)
        write = history_writes.write_past(pool, history_writes.Months(), "H1", [line], [], sealer=SEALER)
        await self.meets(pool, monkeypatch, write)

    @pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
    async def test_settling_is_waited_for(
        self, database_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch, sealed: bool
    ) -> None:
        """Of verdicts, too, that a version wrote which did not seal."""
        store = PostgresStore(database_url, sealer=SEALER if sealed else None)
        await store.write(a_batch(a_record(), an_event(lines=("rx-0",))))
        await store.close()
        await self.meets(pool, monkeypatch, Settler(pool, SEALER, SHANGHAI, clock=lambda: NOON).settle_all())

    @pytest.mark.parametrize("known", [True, False], ids=["with a key", "without"])
    async def test_a_batch_waits_for_it(self, store: PostgresStore, pool: Pool, database_url: str, known: bool) -> None:
        """What comes while a person is being erased is written afterwards, under a new key."""
        if known:
            await store.write(a_batch(a_record()))
        before = await rows(pool, "SELECT id FROM patient_key")
        other = await asyncpg.connect(database_url)
        async with other.transaction():
            await patients.erase(other, PERSON, by="officer", reason="request")  # type: ignore[arg-type]
            writing = asyncio.create_task(store.write(a_batch(telling(a_line(1)), start=900)))
            await asyncio.sleep(0.2)
            waited = not writing.done()
        await other.close()
        await asyncio.wait_for(writing, 10)

        assert waited
        assert await self.left(pool) == [1, 0]
        (after,) = await rows(pool, "SELECT id FROM patient_key")
        assert after not in before

    async def test_of_somebody_unknown_nothing_is_noted(self, pool: Pool) -> None:
        """The row that stands in for a key that never was is no trace."""
        done = await erase(pool)

        assert (done.id, done.keys) == (None, 0)
        assert await count(pool, "patient_key") == await count(pool, "erasure") == 0

    async def test_erasures_and_batches_never_wait_in_a_circle(self, pool: Pool, database_url: str) -> None:
        """Many at once, each of all the people: all come to an end without one being given up."""
        stores = [PostgresStore(database_url, sealer=SEALER) for _ in range(3)]
        people = [f"p{number}" for number in range(8)]

        async def write(store: PostgresStore, order: int) -> None:
            for turn in range(4):
                told = [replace(telling(a_line(at)), patient=name) for at, name in enumerate(people)]
                seen = [replace(a_record(100 * order + turn * 10 + at), patient=name) for at, name in enumerate(people)]
                await store.write(a_batch(*(told + seen)[:: (-1) ** order], start=1000 * turn + 32))

        async def wipe() -> None:
            for name in reversed(people):
                await erase(pool, ("H1", name))

        tasks: list[Awaitable[None]] = [write(store, order) for order, store in enumerate(stores)]
        await asyncio.wait_for(asyncio.gather(*tasks, wipe(), wipe()), 60)
        for store in stores:
            await store.close()

        assert await count(pool, "verdict") == 96


class TestMemory:
    async def test_what_was_erased_is_told_again(self, store: PostgresStore, pool: Pool) -> None:
        """The next message of the person tells of the same lines, a moment later, and they are new."""
        await store.write(a_batch(carrying(a_line(1))))
        await erase(pool)
        await store.write(a_batch(carrying(a_line(1), number=1, received=NOON + LATER)))

        assert [line[1] for line in await lines_of(pool)] == ["XB01AA00001"]
        assert await count(pool, "saved_visit") == 1

    async def test_what_somebody_else_took_back_comes_back(
        self, store: PostgresStore, pool: Pool, database_url: str
    ) -> None:
        """Told last stands: a message that carries a line after another process wrote that it was cancelled."""
        await store.write(a_batch(carrying(a_line(1), a_line(2))))
        other = PostgresStore(database_url, sealer=SEALER)
        taken = replace(telling(a_line(1), received=NOON + LATER, action="cancelled"), visit="V1")
        await other.write(a_batch(taken, start=900))
        await other.close()
        await store.write(a_batch(carrying(a_line(1), a_line(2), number=1, received=NOON + 2 * LATER)))

        found = await rows(pool, "SELECT item, status, received FROM saved_line ORDER BY item")
        assert [tuple(row) for row in found] == [
            ("XB01AA00001", "saved", NOON + 2 * LATER),
            ("XB01AA00002", "saved", NOON),
        ]

    async def test_a_change_beside_a_line_that_is_spared(self, store: PostgresStore, pool: Pool) -> None:
        """Two messages of one batch say different things of a line: the one that says something new is written."""
        await store.write(a_batch(carrying(a_line(1))))
        again = carrying(a_line(1), number=1, received=NOON + LATER)
        changed = carrying(a_line(1, quantity=1), number=2, received=NOON + 2 * LATER)
        await store.write(a_batch(again, changed))

        assert await rows(pool, "SELECT received FROM saved_line") == [(NOON + 2 * LATER,)]


class TestOneVerdictOnTwoDays:
    @staticmethod
    def retry(**changes: Any) -> Any:
        """Return the same answer to the same message, called again after midnight."""
        given = a_record(verdict=a_verdict(findings=2))
        return replace(given, **{"day": TOMORROW, "received": NOON + timedelta(days=1), **changes})

    async def test_it_is_one_call_answered_twice(self, store: PostgresStore, pool: Pool) -> None:
        """Its findings are there once; the retry has a row of its own, under the verdict's day."""
        await store.write(a_batch(a_record(verdict=a_verdict(findings=2))))
        await store.write(a_batch(self.retry(), a_record(1)))
        await store.write(a_batch(self.retry(), a_record(1), start=900))

        counts = [await count(pool, table) for table in ("verdict", "finding", "not_checked", "verdict_repeat")]
        assert counts == [2, 3, 2, 1]
        assert await rows(pool, "SELECT day, received FROM verdict_repeat") == [(TODAY, NOON + timedelta(days=1))]

    async def test_in_one_batch(self, store: PostgresStore, pool: Pool) -> None:
        """As after an outage of the database over midnight."""
        await store.write(a_batch(a_record(verdict=a_verdict(findings=2)), self.retry()))

        assert [await count(pool, table) for table in ("verdict", "finding", "verdict_repeat")] == [1, 2, 1]

    async def test_in_the_months_to_come(self, store: PostgresStore, pool: Pool) -> None:
        """Weeks later it is a call of another month, which is not looked through for it."""
        weeks = timedelta(weeks=3)
        await store.write(a_batch(a_record()))
        await store.write(a_batch(replace(a_record(), day=TODAY + weeks, received=NOON + weeks)))

        assert [await count(pool, table) for table in ("verdict", "verdict_repeat")] == [2, 0]

    async def test_after_an_erasure_it_is_kept(self, store: PostgresStore, pool: Pool) -> None:
        """The erased one cannot be read, so the answer that was recorded anew must be; lines settle by it."""
        await store.write(a_batch(a_record(verdict=a_verdict(findings=2))))
        await erase(pool)
        assert isinstance(await find(pool, SEALER, a_record().id), Erased)
        await store.write(a_batch(self.retry(), an_event(day=TOMORROW, lines=("rx-0",))))
        await Settler(pool, SEALER, SHANGHAI, clock=lambda: NOON).settle_all()

        assert isinstance(await find(pool, SEALER, a_record().id), StoredVerdict)
        assert await rows(pool, "SELECT result FROM line_event") == [("applied",)]

    async def test_its_comparisons_are_erased_with_it(self, store: PostgresStore, pool: Pool) -> None:
        """They are filed by the day of their own call."""
        await store.write(a_batch(a_record()))
        await store.write(a_batch(self.retry(), replace(a_comparison(a_record()), day=TOMORROW)))
        await erase(pool)

        assert await count(pool, "upstream_comparison WHERE line_id = 'rx-0'") == 0

    async def test_calls_without_a_message_id_have_ids_of_their_own(self, store: PostgresStore, pool: Pool) -> None:
        """Nothing says that two of them are one."""
        await store.write(a_batch(replace(a_record(), message_id=None), a_record(1)))

        assert await count(pool, "verdict") == 2


class TestSettler:
    async def test_what_breaks_it_is_one_events_trouble(
        self, store: PostgresStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever goes wrong on the way to the database, not only what the database refuses."""
        told = [replace(an_event(verdict_id=a_record(at).id), id=str(UUID(int=at))) for at in range(1, 4)]
        await store.write(a_batch(*(a_record(at) for at in range(1, 4)), *told))
        settler = Settler(pool, SEALER, SHANGHAI, clock=lambda: NOON)
        opened: Callable[..., Any] = settler._open

        def broken(hospital: str, row: Any, wrapped: Any) -> Any:
            if str(row.id) == a_record(2).id:
                raise KeyError("position")
            return opened(hospital, row, wrapped)

        monkeypatch.setattr(settler, "_open", broken)
        await settler.settle_all()

        assert await rows(pool, "SELECT result FROM line_event ORDER BY id") == [
            ("applied",),
            ("refused",),
            ("applied",),
        ]
