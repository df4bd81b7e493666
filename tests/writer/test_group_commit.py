"""Under `always` an answer waits for the disk together with all the others, and is told the truth."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.journal import Journal
from service.journal_files import FRAME, HEADER, Tally
from tests.writer.samples import a_journal, payloads, until

pytestmark = pytest.mark.anyio
PATIENCE = 10.0


class Disk:
    """Stands in for fdatasync: counts, remembers how much of which file was there, and does as the test says."""

    def __init__(self) -> None:
        self.synced: dict[int, int] = {}
        """Inode to the size that a good sync covered."""
        self.syncs = 0
        self.fails: Callable[[], bool] = lambda: False
        self.before: Callable[[], object] = lambda: None

    def fdatasync(self, descriptor: int) -> None:
        self.syncs += 1
        found = os.fstat(descriptor)
        fails = self.fails()
        self.before()
        if fails:
            raise OSError(errno.EIO, "no")
        self.synced[found.st_ino] = max(found.st_size, self.synced.get(found.st_ino, 0))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    return disk


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def journal(tmp_path: Path, disk: Disk, tally: Tally) -> Iterator[Journal]:
    journal = a_journal(tmp_path, tally, fsync="always", segment_bytes=2_000)
    yield journal
    journal.close()


async def kept(journal: Journal, payload: bytes) -> bool:
    """Do as a check does: append, then wait."""
    return journal.append(payload) and await journal.durable()


async def all_of(*waiting: object) -> list[bool]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*waiting)  # type: ignore[call-overload,no-any-return]


class TestSharing:
    async def test_many_share_few_syncs(self, journal: Journal, disk: Disk) -> None:
        """A hundred callers at once need a sync or two, and the order of their records is kept."""
        disk.before = lambda: threading.Event().wait(0.02)
        journal._segment_bytes = 1_000_000
        before = disk.syncs

        assert await all_of(*(kept(journal, b"%03d" % number) for number in range(100))) == [True] * 100
        assert disk.syncs - before <= 3
        assert payloads(journal.tail) == [b"%03d" % number for number in range(100)]

    async def test_one_alone_waits_for_one_sync(self, journal: Journal, disk: Disk) -> None:
        """No window: the sync begins at once."""
        before = disk.syncs

        assert await kept(journal, b"one")
        assert disk.syncs - before == 1

    async def test_nothing_new_needs_no_sync(self, journal: Journal, disk: Disk) -> None:
        """What an earlier sync covered is not synced again."""
        await kept(journal, b"one")
        before = disk.syncs

        assert await journal.durable()
        assert disk.syncs == before

    async def test_append_does_not_sync(self, journal: Journal, disk: Disk) -> None:
        """The event loop writes and goes on; the thread syncs."""
        threads: list[str] = []
        disk.before = lambda: threads.append(threading.current_thread().name)
        journal.append(b"one")

        assert threads == []
        assert await journal.durable()
        assert threads == ["journal-keeper"]

    async def test_true_means_on_the_disk(self, journal: Journal, disk: Disk) -> None:
        """Whoever is told so has a sync behind it that began with the record in the file, across segments."""

        async def caller(number: int) -> int:
            told = 0
            for turn in range(20):
                payload = b"%d/%d" % (number, turn) + b"." * (number * 7 % 90)
                journal.append(payload)
                path, end = journal.directory / f"{journal.worker}-{journal._segment}.log", journal._size
                inode = path.stat().st_ino
                if turn % 3 == 0:
                    await asyncio.sleep(0)
                told += await journal.durable() and disk.synced[inode] >= end
            return told

        async with asyncio.timeout(PATIENCE):
            told = await asyncio.gather(*(caller(number) for number in range(20)))
        assert told == [20] * 20
        assert journal._segment > 5


class TestPolicies:
    @pytest.mark.parametrize(("policy", "waits"), [("always", True), ("interval", False), ("never", False)])
    async def test_who_waits(self, tmp_path: Path, disk: Disk, policy: str, waits: bool) -> None:
        """Only `always` makes an answer wait; the others return at once, whatever the disk does."""
        journal = a_journal(tmp_path, fsync=policy, fsync_interval=60.0)

        assert journal.waits is waits
        assert await kept(journal, b"one")
        assert disk.syncs == waits
        journal.close()


class TestRefused:
    """A sync that fails is answered False to those whose records it was for, and to nobody else."""

    async def test_exactly_those(self, journal: Journal, disk: Disk, tally: Tally) -> None:
        """Before and after it all is well; the segment ends."""
        before = await all_of(kept(journal, b"a"), kept(journal, b"b"))
        disk.fails = lambda: True
        during = await all_of(kept(journal, b"c"), kept(journal, b"d"))
        disk.fails = lambda: False
        after = await all_of(kept(journal, b"e"), kept(journal, b"f"))

        assert (before, during, after) == ([True] * 2, [False] * 2, [True] * 2)
        assert tally.counts["sync_failures"] >= 1
        assert tally.counts["not_recorded_io_error"] == 2
        assert len(journal.tail.ends) > 1
        assert payloads(journal.tail) == [b"a", b"b", b"c", b"d", b"e", b"f"]

    async def test_one_who_asks_late(self, journal: Journal, disk: Disk) -> None:
        """Who appended before the failure and asks after a good sync of later records is told the truth."""
        asked = asyncio.Event()

        async def late() -> bool:
            journal.append(b"late")
            await asked.wait()
            return await journal.durable()

        waiting = asyncio.create_task(late())
        await asyncio.sleep(0)
        disk.fails = lambda: True
        assert not await kept(journal, b"during")
        disk.fails = lambda: False
        assert await kept(journal, b"after")
        asked.set()

        assert not await waiting

    async def test_tasks_started_by_one_who_never_asked(self, journal: Journal, disk: Disk) -> None:
        """What a task left unasked before a failure is not laid at the door of the tasks it starts after it."""
        journal.append(b"never asked about")
        disk.fails = lambda: True
        assert await all_of(kept(journal, b"during")) == [False]
        disk.fails = lambda: False

        assert await all_of(kept(journal, b"after")) == [True]
        assert not await journal.durable()

    async def test_one_who_appends_while_it_fails(self, journal: Journal, disk: Disk) -> None:
        """The file is lost for what came in during the sync, too: the next good one proves nothing."""
        started, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            started.set()
            go_on.wait(PATIENCE)

        disk.before, disk.fails = hold, lambda: True
        first = asyncio.create_task(kept(journal, b"first"))
        await until(started.is_set)
        second = asyncio.create_task(kept(journal, b"second"))
        await asyncio.sleep(0)
        disk.before, disk.fails = lambda: None, lambda: False
        go_on.set()

        assert await all_of(first, second) == [False, False]
        assert await kept(journal, b"third")

    async def test_a_full_disk(self, journal: Journal, monkeypatch: pytest.MonkeyPatch, tally: Tally) -> None:
        """Who could not append does not wait; who did is told True."""
        waiting = asyncio.create_task(kept(journal, b"kept"))
        await asyncio.sleep(0)
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", lambda *_: _fail(errno.ENOSPC))
            assert not await kept(journal, b"lost")

        assert await all_of(waiting) == [True]
        assert tally.counts["not_recorded_full"] == 1
        assert payloads(journal.tail) == [b"kept"]
        assert journal._size == HEADER.size + FRAME.size + 4

    async def test_a_full_disk_found_by_the_sync(self, journal: Journal, disk: Disk, tally: Tally) -> None:
        """Space promised at the write and refused at the sync: not recorded, and the next segment is tried."""
        disk.before = lambda: _fail(errno.ENOSPC)
        assert not await kept(journal, b"lost")
        disk.before = lambda: None

        assert await kept(journal, b"kept")

    async def test_a_dead_keeper(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even a fault of our own leaves nobody hanging, and nobody is told True."""
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", lambda _: 1 / 0)
            assert await all_of(kept(journal, b"one"), kept(journal, b"two")) == [False, False]
            assert await all_of(kept(journal, b"three")) == [False]


class TestEnds:
    async def test_closing_wakes_all(self, tmp_path: Path, disk: Disk) -> None:
        """Closing syncs what is there; nobody waits for ever."""
        journal = a_journal(tmp_path, fsync="always")
        disk.before = lambda: threading.Event().wait(0.01)
        waiting = [asyncio.create_task(kept(journal, b"%d" % number)) for number in range(20)]
        await asyncio.sleep(0)
        journal.close()

        assert await all_of(*waiting) == [True] * 20
        assert not await kept(journal, b"after")

    async def test_closing_on_a_bad_disk(self, tmp_path: Path, disk: Disk) -> None:
        """The same when the last sync fails."""
        journal = a_journal(tmp_path, fsync="always")
        disk.fails = lambda: True
        waiting = [asyncio.create_task(kept(journal, b"%d" % number)) for number in range(3)]
        await asyncio.sleep(0)
        journal.close()

        assert await all_of(*waiting) == [False] * 3

    async def test_a_caller_that_goes_away(self, journal: Journal, disk: Disk) -> None:
        """One that is cancelled takes nobody with it."""
        disk.before = lambda: threading.Event().wait(0.01)
        going, staying = (asyncio.create_task(kept(journal, payload)) for payload in (b"going", b"staying"))
        await asyncio.sleep(0)
        going.cancel()

        assert await all_of(staying) == [True]
        assert going.cancelled()

    def test_a_loop_that_is_gone(self, tmp_path: Path, disk: Disk) -> None:
        """A loop closed under its waiters leaves the thread at work."""
        journal = a_journal(tmp_path, fsync="always")

        async def leave() -> None:
            disk.before = lambda: threading.Event().wait(0.05)
            waiting = asyncio.create_task(kept(journal, b"one"))
            await asyncio.sleep(0)
            waiting.cancel()

        asyncio.run(leave())
        assert asyncio.run(kept(journal, b"two"))
        journal.close()


def _fail(code: int) -> None:
    raise OSError(code, "no")
