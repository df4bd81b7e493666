"""The recorder loses nothing: a store that is full, failing, slow or poisoned delays records and drops none."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from service.journal import Journal
from service.journal_files import HEADER, Tally, segment_path
from service.recorder import Recorder
from service.records import encode
from tests.writer.samples import FakeStore, a_comparison, a_disposition, a_journal, a_record, until
from tests.writer.test_journal import abandon

pytestmark = pytest.mark.anyio

QUICK: dict[str, Any] = {"linger": 0.001, "backoff": (0.001, 0.01), "adopt_every": 0.05}


def a_recorder(journal: Journal, store: FakeStore, tally: Tally | None = None, **options: Any) -> Recorder:
    recorder = Recorder(journal, store, counters=tally, **{**QUICK, **options})
    recorder.start()
    return recorder


def fill(journal: Journal, *numbers: int) -> list[str]:
    records = [a_record(number) for number in numbers]
    for record in records:
        assert journal.append(encode(record))
    return [record.id for record in records]


async def test_records_reach_the_store_in_order(tmp_path: Path) -> None:
    """Verdicts, dispositions and comparisons are written in the order of the journal, each once."""
    store, tally, journal = FakeStore(), Tally(), a_journal(tmp_path)
    recorder = a_recorder(journal, store, tally)
    records = [a_record(1), a_disposition(a_record(1)), a_comparison(a_record(1)), a_record(2)]
    for record in records:
        journal.append(encode(record))
    await until(lambda: recorder.depth_records == 0)

    assert [encode(record) for record in records] == [encode(record) for record in store.stored]
    assert tally.counts["records_written"] == 4
    assert tally.counts["batches"] == len(store.batches)
    assert (recorder.depth_bytes, recorder.lag_seconds, recorder.last_error, recorder.alive) == (0, 0.0, None, True)
    assert await recorder.drain(1)
    journal.close()
    assert list(journal.directory.iterdir()) == []
    assert store.forgotten == [journal.worker]


async def test_batches_gather(tmp_path: Path) -> None:
    """What arrives while it lingers is one batch; a backlog is cut at the size of a batch."""
    store, journal = FakeStore(), a_journal(tmp_path)
    recorder = a_recorder(journal, store, linger=0.2, batch_records=50)
    await asyncio.sleep(0.05)
    ids = fill(journal, *range(120))
    await until(lambda: recorder.depth_records == 0)

    assert ids == store.ids
    assert [len(batch.entries) for batch in store.batches] == [50, 50, 20]
    await recorder.drain(1)
    journal.close()


async def test_a_failing_store_delays_and_loses_nothing(tmp_path: Path) -> None:
    """While it fails depth, lag and retries grow; then everything is written."""
    store, tally, journal = FakeStore(), Tally(), a_journal(tmp_path)
    store.fail = ConnectionRefusedError()
    recorder = a_recorder(journal, store, tally)
    ids = fill(journal, 1, 2, 3)
    await until(lambda: tally.counts["retries"] > 3)

    assert (recorder.depth_records, recorder.last_error, recorder.alive) == (3, "ConnectionRefusedError", True)
    assert recorder.lag_seconds > 0
    store.fail = None
    await until(lambda: recorder.depth_records == 0)
    assert ids == store.ids
    assert recorder.last_error is None
    await recorder.drain(1)
    journal.close()


async def test_a_poisoned_record_is_set_aside(tmp_path: Path) -> None:
    """Halving finds it, whatever its place; the rest are written, each once and in order."""
    store, tally, journal = FakeStore(), Tally(), a_journal(tmp_path)
    ids = fill(journal, *range(37))
    poisoned = {ids[0], ids[17], ids[36]}
    store.is_poison = lambda record: getattr(record, "id", "") in poisoned
    recorder = a_recorder(journal, store, tally)
    await until(lambda: recorder.depth_records == 0)

    assert [one for one in ids if one not in poisoned] == store.ids
    assert store.aside == ["InvalidText 22021"] * 3
    assert tally.counts["set_aside"] == 3
    assert tally.counts["records_written"] == 34
    await recorder.drain(1)
    journal.close()


async def test_a_payload_that_is_no_record_is_set_aside(tmp_path: Path) -> None:
    """It never reaches the rows of a batch."""
    store, tally, journal = FakeStore(), Tally(), a_journal(tmp_path)
    recorder = a_recorder(journal, store, tally)
    before = fill(journal, 1)
    journal.append(b"{]")
    journal.append(b'{"record":"unheard-of"}')
    after = fill(journal, 2)
    await until(lambda: recorder.depth_records == 0)

    assert before + after == store.ids
    assert store.aside == ["DecodeError", "ValidationError"]
    assert tally.counts["set_aside"] == 2
    await recorder.drain(1)
    journal.close()


async def test_a_full_journal_goes_on_when_the_store_answers(tmp_path: Path) -> None:
    """Refused records are counted; recorded segments make room again."""
    store, tally = FakeStore(), Tally()
    size = len(encode(a_record(1)))
    journal = a_journal(tmp_path, tally, limit_bytes=int(size * 3.5), segment_bytes=size)
    store.fail = ConnectionRefusedError()
    recorder = a_recorder(journal, store, tally)
    ids = fill(journal, 1, 2, 3)

    assert journal.append(encode(a_record(4))) is False
    assert tally.counts["not_recorded_full"] == 1
    store.fail = None
    await until(lambda: recorder.depth_records == 0)
    await until(lambda: journal.append(encode(a_record(5))))
    await until(lambda: len(store.ids) == 4)
    assert [*ids, a_record(5).id] == store.ids
    await recorder.drain(1)
    journal.close()


async def test_a_limit_below_the_size_of_a_segment(tmp_path: Path) -> None:
    """What is recorded makes room however small the limit is."""
    store, tally = FakeStore(), Tally()
    size = len(encode(a_record(1)))
    journal = a_journal(tmp_path, tally, limit_bytes=size * 3)
    recorder = a_recorder(journal, store, tally)
    for number in range(8):
        await until(lambda number=number: journal.append(encode(a_record(number))))  # type: ignore[misc]
    await until(lambda: len(store.ids) == 8)

    await recorder.drain(1)
    journal.close()


async def test_an_idle_hour_is_no_lag(tmp_path: Path) -> None:
    """Lag is the age of what waits, not the time since something waited last."""
    store, journal = FakeStore(), a_journal(tmp_path)
    recorder = a_recorder(journal, store, linger=60)
    journal.tail.current_at -= 3600
    fill(journal, 1)

    assert recorder.lag_seconds < 60
    await recorder.drain(1)
    journal.close()


async def test_segments_are_deleted_once_recorded(tmp_path: Path) -> None:
    """Only after the position is stored, and the growing one stays."""
    store = FakeStore()
    journal = a_journal(tmp_path, segment_bytes=len(encode(a_record(1))))
    store.fail = ConnectionRefusedError()
    recorder = a_recorder(journal, store)
    fill(journal, *range(5))
    await asyncio.sleep(0.05)

    assert len(list(journal.directory.glob("*.log"))) == 5
    store.fail = None
    await until(lambda: len(list(journal.directory.glob("*.log"))) == 1)
    assert len(store.ids) == 5
    await recorder.drain(1)
    journal.close()


async def test_rests(tmp_path: Path) -> None:
    """When all is written the store does what is due; its failing there is no failure of the recorder."""
    store, tally, journal = FakeStore(), Tally(), a_journal(tmp_path)
    recorder = a_recorder(journal, store, tally)
    fill(journal, 1)
    await until(lambda: len(store.ids) == 1 and store.rests > 1)
    store.fail = ConnectionRefusedError()
    await until(lambda: store.rests > 3)

    assert (recorder.alive, recorder.last_error, tally.counts["retries"]) == (True, None, 0)
    store.fail = None
    await recorder.drain(1)
    journal.close()


class TestStop:
    async def test_a_silent_server_takes_no_more_than_the_budget(self, tmp_path: Path) -> None:
        """Rolling back waits for it as well, until the connection is ended."""
        store, ended = FakeStore(), asyncio.Event()

        async def write(_batch: object) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await ended.wait()

        async def close() -> None:
            ended.set()

        store.write, store.close = write, close  # type: ignore[method-assign]
        journal = a_journal(tmp_path)
        recorder = Recorder(journal, store, linger=0.001)
        recorder.start()
        journal.append(encode(a_record()))
        await asyncio.sleep(0.05)

        assert not await asyncio.wait_for(recorder.drain(0.05), 5)
        journal.close()

    async def test_drains(self, tmp_path: Path) -> None:
        """Everything journaled before the stop is written, though the linger is long."""
        store, journal = FakeStore(), a_journal(tmp_path)
        recorder = a_recorder(journal, store, linger=60, batch_records=10)
        ids = fill(journal, *range(55))

        assert await recorder.drain(5)
        assert ids == store.ids
        assert recorder.alive is False
        journal.close()
        assert list(journal.directory.iterdir()) == []

    async def test_does_not_wait_for_a_store_that_fails(self, tmp_path: Path) -> None:
        """The records stay in the journal for the next start."""
        store, journal = FakeStore(), a_journal(tmp_path)
        store.fail = ConnectionRefusedError()
        recorder = a_recorder(journal, store, backoff=(60, 60))
        ids = fill(journal, 1, 2)
        await until(lambda: recorder.last_error is not None)

        async with asyncio.timeout(1):
            assert not await recorder.drain(30)
        journal.close()
        await self.next_start_writes(tmp_path, ids)

    async def test_gives_a_slow_store_up(self, tmp_path: Path) -> None:
        """The time-out holds though a write hangs."""
        store, journal = FakeStore(), a_journal(tmp_path)
        store.hang = True
        recorder = a_recorder(journal, store)
        ids = fill(journal, 1)

        async with asyncio.timeout(2):
            assert not await recorder.drain(0.1)
        assert recorder.alive is False
        journal.close()
        await self.next_start_writes(tmp_path, ids)

    async def next_start_writes(self, tmp_path: Path, ids: list[str]) -> None:
        store, journal = FakeStore(), a_journal(tmp_path)
        recorder = a_recorder(journal, store)
        await until(lambda: len(store.ids) == len(ids))
        assert ids == store.ids
        await recorder.drain(1)
        journal.close()
        assert list(journal.directory.iterdir()) == []

    async def test_before_it_was_started(self, tmp_path: Path) -> None:
        """A service that failed to start stops all the same."""
        journal = a_journal(tmp_path)

        assert await Recorder(journal, FakeStore()).drain(1)
        journal.close()


async def test_a_dead_task_is_seen(tmp_path: Path) -> None:
    """`alive` is what readiness asks."""
    journal = a_journal(tmp_path)
    recorder = a_recorder(journal, FakeStore())
    assert recorder.alive
    assert recorder._task is not None
    recorder._task.cancel()
    await until(lambda: not recorder.alive)

    await recorder.drain(1)
    journal.close()


async def test_an_unexpected_error_does_not_end_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own is retried and shown like the store's."""
    store, tally, journal = FakeStore(), Tally(), a_journal(tmp_path)
    recorder = a_recorder(journal, store, tally)
    with monkeypatch.context() as patch:
        patch.setattr("service.recorder._entry", lambda stretch: 1 / 0)
        ids = fill(journal, 1)
        await until(lambda: recorder.last_error == "ZeroDivisionError")
    await until(lambda: recorder.depth_records == 0)

    assert ids == store.ids
    await recorder.drain(1)
    journal.close()


class TestAdoption:
    async def test_of_a_worker_that_died(self, tmp_path: Path) -> None:
        """Its records are written by another one, its files removed, its position forgotten."""
        store, tally = FakeStore(), Tally()
        dead = a_journal(tmp_path, segment_bytes=1000)
        ids = fill(dead, *range(9))
        abandon(dead)
        journal = a_journal(tmp_path)
        recorder = a_recorder(journal, store, tally)
        await until(lambda: len(store.ids) == 9)

        assert ids == store.ids
        await until(lambda: store.forgotten == [dead.worker])
        assert sorted(path.name for path in journal.directory.iterdir()) == [
            f"{journal.worker}-1.log",
            f"{journal.worker}.lock",
        ]
        await recorder.drain(1)
        journal.close()

    async def test_goes_on_at_its_position(self, tmp_path: Path) -> None:
        """What the dead worker's recorder had stored is not written again."""
        store = FakeStore()
        dead = a_journal(tmp_path, segment_bytes=5000)
        ids = fill(dead, *range(9))
        first, position = dead.tail.read(dead.tail.position, 2)
        assert len(first) == 2
        store.positions[dead.worker] = tuple(position)
        abandon(dead)
        journal = a_journal(tmp_path)
        recorder = a_recorder(journal, store)
        await until(lambda: recorder.depth_bytes == 0 and bool(store.ids))

        assert ids[2:] == store.ids
        await recorder.drain(1)
        journal.close()

    async def test_while_running(self, tmp_path: Path) -> None:
        """A worker that dies later is adopted by the next round; lag speaks of its records."""
        store, journal, dying = FakeStore(), a_journal(tmp_path), a_journal(tmp_path)
        recorder = a_recorder(journal, store)
        ids = fill(dying, 1)
        await asyncio.sleep(0.1)
        assert store.ids == []
        abandon(dying)
        await until(lambda: ids == store.ids)

        await recorder.drain(1)
        journal.close()

    async def test_counts_a_torn_tail(self, tmp_path: Path) -> None:
        """The whole records before it are written, its bytes set aside."""
        store, tally = FakeStore(), Tally()
        dead = a_journal(tmp_path)
        ids = fill(dead, 1, 2)
        abandon(dead)
        path = segment_path(dead.directory, dead.worker, 1)
        os.truncate(path, path.stat().st_size - 10)
        journal = a_journal(tmp_path)
        recorder = a_recorder(journal, store, tally)
        await until(lambda: tally.counts["torn_tails"] == 1)

        assert ids[:1] == store.ids
        assert store.aside == ["torn_tail"]
        await until(lambda: not path.exists())
        await recorder.drain(1)
        journal.close()

    async def test_counts_a_corrupt_middle(self, tmp_path: Path) -> None:
        """The records around it are written, its bytes set aside."""
        store, tally = FakeStore(), Tally()
        dead = a_journal(tmp_path)
        ids = fill(dead, 1, 2, 3)
        path = segment_path(dead.directory, dead.worker, 1)
        content = bytearray(path.read_bytes())
        content[HEADER.size + (len(content) - HEADER.size) // 2] ^= 0xFF
        path.write_bytes(content)
        abandon(dead)
        journal = a_journal(tmp_path)
        recorder = a_recorder(journal, store, tally)
        await until(lambda: tally.counts["corrupt_stretches"] == 1)

        assert [ids[0], ids[2]] == store.ids
        assert store.aside == ["corrupt"]
        await recorder.drain(1)
        journal.close()

    async def test_an_unfinished_one_is_left_to_the_next(self, tmp_path: Path) -> None:
        """A stop lets go of what it adopted."""
        store = FakeStore()
        dead = a_journal(tmp_path)
        ids = fill(dead, 1)
        abandon(dead)
        journal = a_journal(tmp_path)
        store.fail = ConnectionRefusedError()
        recorder = a_recorder(journal, store)
        await until(lambda: recorder.depth_records == 1)
        assert not await recorder.drain(1)
        journal.close()
        store.fail = None
        following = a_journal(tmp_path)
        recorder = a_recorder(following, store)
        await until(lambda: ids == store.ids)

        await recorder.drain(1)
        following.close()
