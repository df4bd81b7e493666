"""The journal keeps what it acknowledged, says what it did not, and finds its way around damage."""

import asyncio
import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.journal import Journal
from service.journal_files import FRAME, HEADER, MARK, Event, Stretch, Tally, read_stretches, segment_path
from service.journal_owners import adopt
from tests.writer.samples import a_journal, payloads


def only_segment(journal: Journal) -> Path:
    return segment_path(journal.directory, journal.worker, 1)


def abandon(journal: Journal) -> None:
    """Do to a journal what the death of its process does: the files stay, the lock goes."""
    journal._syncer.stop()
    os.close(journal._file.descriptor)
    journal.tail.close()
    journal._lock.release(remove=False)


def adopted_payloads(directory: Path, tally: Tally) -> list[bytes]:
    orphans = adopt(directory, tally, set())
    found = [payload for orphan in orphans for payload in payloads(orphan.tail)]
    for orphan in orphans:
        orphan.release()
    return found


def stretches_of(path: Path) -> list[Stretch]:
    """Read a whole segment as an adopter does."""
    found: list[Stretch] = []
    size, offset = path.stat().st_size, HEADER.size
    with path.open("rb") as file:
        while offset < size:
            found += read_stretches(file.fileno(), 1, offset, size, limit=3, sealed=True)
            offset = found[-1].end
    return found


class TestAppend:
    def test_keeps_order_and_bytes(self, tmp_path: Path) -> None:
        """What was appended is read back, small and larger than one read."""
        journal = a_journal(tmp_path)
        appended = [b"a", b"x" * 700_000, b"\x00" * 10, MARK * 5, b"z"]

        assert all(journal.append(payload) for payload in appended)
        assert appended == payloads(journal.tail)
        assert journal.tail.records == 5
        assert journal.tail.bytes == sum(len(payload) + FRAME.size for payload in appended)
        abandon(journal)

    def test_is_in_the_file_before_it_returns(self, tmp_path: Path) -> None:
        """Nothing is buffered in the process: a kill takes nothing with it."""
        journal = a_journal(tmp_path, fsync="never")
        journal.append(b"payload")

        assert only_segment(journal).read_bytes().endswith(b"payload")
        abandon(journal)

    def test_wakes_the_recorder(self, tmp_path: Path) -> None:
        """Every append says so."""
        woken: list[int] = []
        journal = a_journal(tmp_path)
        journal.on_append = lambda: woken.append(1)
        journal.append(b"a")

        assert woken == [1]
        abandon(journal)

    def test_rotates(self, tmp_path: Path) -> None:
        """A segment that is large enough is followed by the next; reading goes on across them."""
        journal = a_journal(tmp_path, segment_bytes=100)
        appended = [bytes([number]) * 60 for number in range(1, 10)]
        for payload in appended:
            journal.append(payload)

        assert appended == payloads(journal.tail)
        assert len(list(journal.directory.glob("*.log"))) > 3
        abandon(journal)

    def test_recorded_segments_go(self, tmp_path: Path) -> None:
        """Only a segment that no longer grows and is wholly recorded is given up."""
        journal = a_journal(tmp_path, segment_bytes=100)
        for _ in range(4):
            journal.append(b"x" * 60)
        tail, position = journal.tail, journal.tail.position
        while (read := tail.read(position, 1))[0]:
            position = read[1]
        done = tail.commit(position, 4)

        assert [segment_path(journal.directory, journal.worker, number) for number in (1, 2, 3)] == done
        assert (tail.bytes, tail.records) == (0, 0)
        abandon(journal)

    @pytest.mark.parametrize("policy", ["interval", "always", "never"])
    def test_syncs_as_told(self, tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """`interval` soon after, `never` not at all, `always` as soon as somebody waits, and within a second anyway."""
        synced: list[int] = []
        monkeypatch.setattr(os, "fdatasync", synced.append)
        journal = a_journal(tmp_path, fsync=policy, fsync_interval=0.01)
        journal.append(b"a")
        assert synced == []
        if policy == "always":
            assert asyncio.run(journal.durable())
        time.sleep(0.1)

        assert bool(synced) == (policy != "never")
        journal.close()


class TestNotRecorded:
    """Every way of losing a record answers False and moves its own counter."""

    def refused(self, journal: Journal, tally: Tally, event: Event, payload: bytes = b"lost") -> None:
        assert journal.append(payload) is False
        assert tally.counts[event] == 1

    def test_full(self, tmp_path: Path) -> None:
        """The limit is for the directory; what is there stays, and it goes on when there is room."""
        tally = Tally()
        journal = a_journal(tmp_path, tally, limit_bytes=HEADER.size + FRAME.size + 4)

        assert journal.append(b"kept")
        self.refused(journal, tally, "not_recorded_full")
        assert payloads(journal.tail) == [b"kept"]
        journal._limit = 1000
        assert journal.append(b"more")
        abandon(journal)

    def test_the_limit_counts_other_workers(self, tmp_path: Path) -> None:
        """What a dead worker left counts as well."""
        tally = Tally()
        dead = a_journal(tmp_path)
        dead.append(b"x" * 540)
        abandon(dead)
        journal = a_journal(tmp_path, tally, limit_bytes=600)

        self.refused(journal, tally, "not_recorded_full")
        abandon(journal)

    def test_too_large(self, tmp_path: Path) -> None:
        """A payload beyond the format's limit, and an empty one, are refused."""
        tally = Tally()
        journal = a_journal(tmp_path, tally)

        self.refused(journal, tally, "not_recorded_too_large", b"")
        abandon(journal)

    def test_closed(self, tmp_path: Path) -> None:
        """After close nothing is acknowledged."""
        tally = Tally()
        journal = a_journal(tmp_path, tally)
        journal.close()

        self.refused(journal, tally, "not_recorded_closed")

    @pytest.mark.parametrize(
        ("code", "event"), [(errno.EIO, "not_recorded_io_error"), (errno.ENOSPC, "not_recorded_full")]
    )
    def test_a_failing_write(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, event: Event) -> None:
        """The error is counted by what it means, and the next record is kept."""
        tally = Tally()
        journal = a_journal(tmp_path, tally)
        journal.append(b"before")
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", _raiser(OSError(code, "no")))
            self.refused(journal, tally, event)
        assert journal.append(b"after")
        assert payloads(journal.tail) == [b"before", b"after"]
        abandon(journal)

    def test_a_partial_write_is_taken_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Half a record does not stay in front of the next one."""
        tally = Tally()
        journal = a_journal(tmp_path, tally)
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", lambda fd, parts: os.write(fd, b"".join(parts)[:9]))
            self.refused(journal, tally, "not_recorded_full")
        journal.append(b"after")
        path = only_segment(journal)
        abandon(journal)

        assert [stretch.payload for stretch in stretches_of(path)] == [b"after"]

    def test_a_failing_background_sync_ends_the_segment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is counted, and what follows goes into a new file."""
        tally = Tally()
        journal = a_journal(tmp_path, tally, fsync_interval=0.01)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", _raiser(OSError(errno.EIO, "no")))
            journal.append(b"one")
            deadline = time.monotonic() + 5
            while journal._sound and time.monotonic() < deadline:
                time.sleep(0.01)
        journal.append(b"two")

        assert tally.counts["sync_failures"] >= 1
        assert sorted(journal.tail.ends) == [1, 2]
        assert payloads(journal.tail) == [b"one", b"two"]
        abandon(journal)

    def test_no_new_segment_can_be_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sound segment grows beyond its size rather than lose a record."""
        journal = a_journal(tmp_path, segment_bytes=10)
        monkeypatch.setattr(journal, "_open_segment", _raiser(OSError(errno.EMFILE, "no")))

        assert journal.append(b"one")
        assert journal.append(b"two")
        abandon(journal)


class TestDamage:
    def segment(self, tmp_path: Path, *appended: bytes) -> Path:
        journal = a_journal(tmp_path)
        for payload in appended:
            journal.append(payload)
        path = only_segment(journal)
        abandon(journal)
        return path

    @pytest.mark.parametrize("cut", range(1, FRAME.size + 5))
    def test_a_torn_tail(self, tmp_path: Path, cut: int) -> None:
        """Wherever the last record is cut, the ones before it are whole and the rest is reported."""
        path = self.segment(tmp_path, b"one", b"two!!")
        os.truncate(path, path.stat().st_size - cut)
        first, torn = stretches_of(path)

        assert (first.payload, first.fault) == (b"one", "")
        assert torn.fault == "torn_tail"

    def test_a_tail_of_zeros(self, tmp_path: Path) -> None:
        """A file grown by the system before its pages were written is a torn tail."""
        path = self.segment(tmp_path, b"one")
        os.truncate(path, path.stat().st_size + 5000)

        assert [("", b"one"), ("torn_tail", bytes(5000))] == [(s.fault, s.payload) for s in stretches_of(path)]

    def test_a_corrupt_middle(self, tmp_path: Path) -> None:
        """Only the damaged record is missed; its bytes are handed on, the ones behind it are found."""
        path = self.segment(tmp_path, b"one", b"two", b"three")
        content = bytearray(path.read_bytes())
        content[content.index(b"two")] ^= 0xFF
        path.write_bytes(content)

        assert [(s.fault, None if s.fault else s.payload) for s in stretches_of(path)] == [
            ("", b"one"),
            ("corrupt", None),
            ("", b"three"),
        ]

    def test_a_corrupt_length_does_not_swallow_what_follows(self, tmp_path: Path) -> None:
        """A length that points beyond the file looks like a torn tail, and is not one."""
        path = self.segment(tmp_path, b"one", b"two", b"three")
        content = bytearray(path.read_bytes())
        content[content.index(b"two") - 5] = 0x02
        path.write_bytes(content)

        assert [s.payload for s in stretches_of(path) if not s.fault] == [b"one", b"three"]

    @settings(max_examples=200, deadline=None)
    @given(data=st.data())
    def test_any_flipped_byte(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        """One damaged byte costs at most one record, and every byte is accounted for."""
        sizes = data.draw(st.lists(st.integers(1, 400_000), min_size=1, max_size=6))
        path = self.segment(
            tmp_path_factory.mktemp("journal"), *(bytes([n + 1]) * size for n, size in enumerate(sizes))
        )
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(HEADER.size, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        found = stretches_of(path)

        assert len([s for s in found if not s.fault]) == len(sizes) - 1
        assert len([s for s in found if s.fault]) == 1
        assert [s.start for s in found] == [HEADER.size, *(s.end for s in found[:-1])]
        assert found[-1].end == len(content)


class TestAdoption:
    def test_a_dead_workers_records_are_adopted(self, tmp_path: Path) -> None:
        """Whoever gets the lock reads them."""
        tally = Tally()
        dead = a_journal(tmp_path)
        dead.append(b"one")
        abandon(dead)

        assert adopted_payloads(dead.directory, tally) == [b"one"]
        assert tally.counts["segments_adopted"] == 1

    def test_a_living_worker_is_left_alone(self, tmp_path: Path) -> None:
        """The lock is held by the living, this process included; and an adopted one is not adopted twice."""
        tally = Tally()
        living, dead = a_journal(tmp_path), a_journal(tmp_path)
        living.append(b"mine")
        dead.append(b"left")
        abandon(dead)
        orphans = adopt(living.directory, tally, set())

        assert [dead.worker] == [orphan.worker for orphan in orphans]
        assert adopt(living.directory, tally, set()) == []
        orphans[0].release()
        abandon(living)

    def test_segments_without_a_lock_file(self, tmp_path: Path) -> None:
        """Segments copied here by hand, as from a backup, are adopted too."""
        tally = Tally()
        dead = a_journal(tmp_path)
        dead.append(b"one")
        abandon(dead)
        (dead.directory / f"{dead.worker}.lock").unlink()

        assert adopted_payloads(dead.directory, tally) == [b"one"]

    def test_measures_what_is_pending(self, tmp_path: Path) -> None:
        """Depth is known before the database was asked."""
        dead = a_journal(tmp_path, segment_bytes=50)
        for _ in range(7):
            dead.append(b"x" * 20)
        abandon(dead)
        (orphan,) = adopt(dead.directory, Tally(), set())

        assert (7, 7 * (20 + FRAME.size)) == (orphan.tail.records, orphan.tail.bytes)
        orphan.release()

    def test_the_version_before_is_read(self, tmp_path: Path) -> None:
        """An upgrade takes over what the older service left."""
        dead = a_journal(tmp_path)
        dead.append(b"one")
        path = only_segment(dead)
        abandon(dead)
        content = bytearray(path.read_bytes())
        content[8] = 1
        path.write_bytes(content)

        assert adopted_payloads(dead.directory, Tally()) == [b"one"]

    def test_a_newer_format_is_left_alone(self, tmp_path: Path) -> None:
        """It is counted once and stays for the version that wrote it."""
        tally, refused = Tally(), set[str]()
        dead = a_journal(tmp_path)
        dead.append(b"one")
        path = only_segment(dead)
        abandon(dead)
        content = bytearray(path.read_bytes())
        content[8] = 99
        path.write_bytes(content)

        assert adopt(dead.directory, tally, refused) == adopt(dead.directory, tally, refused) == []
        assert tally.counts["segments_refused"] == 1
        assert path.exists()

    def test_a_segment_cut_in_its_header_is_a_torn_tail(self, tmp_path: Path) -> None:
        """No record was acknowledged from it: it goes, counted."""
        tally = Tally()
        dead = a_journal(tmp_path)
        path = only_segment(dead)
        abandon(dead)
        os.truncate(path, 10)

        assert adopt(dead.directory, tally, set()) == []
        assert tally.counts["torn_tails"] == 1
        assert not path.exists()

    def test_a_damaged_header_does_not_hide_records(self, tmp_path: Path) -> None:
        """The marks are enough to find them."""
        dead = a_journal(tmp_path)
        dead.append(b"one")
        path = only_segment(dead)
        abandon(dead)
        path.write_bytes(b"?" * HEADER.size + path.read_bytes()[HEADER.size :])

        assert adopted_payloads(dead.directory, Tally()) == [b"one"]

    def test_a_clean_end_leaves_nothing(self, tmp_path: Path) -> None:
        """A closed journal without pending records removes its files and its lock."""
        journal = a_journal(tmp_path)
        journal.close()

        assert list(journal.directory.iterdir()) == []

    def test_one_that_cannot_be_read_does_not_stop_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its lock is let go, so that the next round tries again."""
        bad, good = a_journal(tmp_path), a_journal(tmp_path)
        for journal in (bad, good):
            journal.append(journal.worker.encode())
            abandon(journal)
        whole = Path.open

        def refuse(path: Path, *args: Any, **options: Any) -> Any:
            if bad.worker in path.name:
                raise PermissionError(path)
            return whole(path, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", refuse)
            assert adopted_payloads(good.directory, Tally()) == [good.worker.encode()]
        assert bad.worker.encode() in adopted_payloads(good.directory, Tally())


def _raiser(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
