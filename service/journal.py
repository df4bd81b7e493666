"""The journal (本地流水): the local append-only record a verdict is in before its answer leaves.

In: payloads of bytes. Out: segment files that survive the death of the process at any instant, and a ``Tail`` per
worker from which the recorder reads what is not in the database yet. Every way of losing something has its own
counter, and none of them raises: the service keeps answering and says ``recorded: false``.

The format of the files is specified in ``docs/journal.md``.
"""

import errno
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal
from zlib import crc32

import structlog

from service.journal_files import (
    FORMAT_VERSION,
    FRAME,
    HEADER,
    MAGIC,
    MARK,
    MAX_PAYLOAD,
    Counters,
    Event,
    Position,
    Tail,
    Tally,
    directory_usage,
    segment_path,
)
from service.journal_owners import lock_new_worker

FsyncPolicy = Literal["interval", "always", "never"]

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_USAGE_EVERY: Final = 1.0
"""Seconds between looks at what all workers together keep in the directory."""

log = structlog.get_logger(__name__)


class Journal:
    """One worker's journal. ``append`` belongs to one thread; a background thread syncs and watches the disk."""

    def __init__(
        self,
        directory: Path,
        *,
        counters: Counters | None = None,
        fsync: FsyncPolicy = "interval",
        fsync_interval: float = 0.1,
        limit_bytes: int = 10 * 1024**3,
        segment_bytes: int = 64 * 1024**2,
    ) -> None:
        """Open a new journal in a directory that workers share. Raises ``OSError`` when it cannot be written.

        ``limit_bytes`` bounds what all workers keep there together; beyond it records are refused and counted.
        It may be overrun by what the other workers append within a second.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.on_append: Callable[[], None] = _nothing
        """Called after each append, by the appending thread."""
        self._counters: Counters = counters or Tally()
        self._policy = fsync
        self._limit = limit_bytes
        # Only a finished segment makes room, so several must fit into the limit.
        self._segment_bytes = min(segment_bytes, max(limit_bytes // 8, HEADER.size))
        self._lock = lock_new_worker(directory)
        self.tail = Tail(directory, self._lock.worker)
        self._segment = 0
        self._size = 0
        self._sound = True
        self._dirty = False
        self._refusing: Event | None = None
        self._retired: deque[int] = deque()
        self._usage = directory_usage(directory)
        self._descriptor = self._open_segment()
        self._stop = threading.Event()
        period = fsync_interval if fsync == "interval" else _USAGE_EVERY
        self._keeper = threading.Thread(target=self._keep, args=(period,), name="journal-keeper", daemon=True)
        self._keeper.start()

    @property
    def worker(self) -> str:
        """This worker's id, new at every start."""
        return self._lock.worker

    def append(self, payload: bytes) -> bool:
        """Write a record; it survives the death of the process once this returns. False: not recorded, counted."""
        length = len(payload)
        if length > MAX_PAYLOAD or not length:
            return self._refuse("not_recorded_too_large")
        size = length + FRAME.size
        if self._usage + size > self._limit:
            return self._refuse_full()
        if (self._size >= self._segment_bytes or not self._sound) and not self._rotate():
            return False
        try:
            written = os.writev(self._descriptor, (FRAME.pack(MARK, length, crc32(payload)), payload))
            if written != size:
                raise OSError(errno.ENOSPC, "short write")
            if self._policy == "always":
                os.fdatasync(self._descriptor)
        except OSError as error:
            return self._take_back(error)
        self._size += size
        self._usage += size
        self._dirty = True
        if not self.tail.records:
            self.tail.current_at = time.monotonic()
        self.tail.ends[self._segment] = self._size
        self.tail.records += 1
        if self._refusing is not None:
            self._refusing = None
            log.info("journal_records_again")
        self.on_append()
        return True

    def close(self) -> None:
        """Stop, sync and give the worker's files up: the next start adopts what is not in the database yet."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._keeper.join()
        self._sync()
        os.close(self._descriptor)
        self._sound = False  # an append from now on finds no segment to go on in
        self.tail.growing = None
        for path in self.tail.commit(self.tail.position, 0):
            path.unlink(missing_ok=True)
        self.tail.close()
        self._lock.release(remove=not self.tail.ends)

    def _refuse(self, reason: Event) -> bool:
        self._counters.add(reason)
        if self._refusing != reason:
            # Said once per change, not once per check: a full disk must not fill the log as well.
            self._refusing = reason
            log.error("journal_does_not_record", reason=reason)
        return False

    def _refuse_full(self) -> bool:
        """Refuse, and finish a segment that is in the database already, so that it can make room."""
        recorded = self._size > HEADER.size and not self.tail.bytes
        if recorded and not self._stop.is_set() and self._rotate():
            self.on_append()
        return self._refuse("not_recorded_full")

    def _take_back(self, error: OSError) -> bool:
        """Remove what a failed write left, or give the segment up if even that fails."""
        try:
            os.ftruncate(self._descriptor, self._size)
            # After a failed sync the kernel may have dropped pages: nothing more goes into that file.
            self._sound = error.errno in _FULL
        except OSError:
            self._sound = False
        return self._refuse_full() if error.errno in _FULL else self._refuse("not_recorded_io_error")

    def _rotate(self) -> bool:
        """Go on in a new segment. When none can be made, a sound old one goes on growing."""
        old = self._descriptor
        if self._stop.is_set():
            return self._refuse("not_recorded_closed")
        try:
            self._descriptor = self._open_segment()
        except OSError as error:
            return self._sound or self._refuse(_reason(error))
        self._sound = True
        self._retired.append(old)
        return True

    def _open_segment(self) -> int:
        number = self._segment + 1
        path = segment_path(self.directory, self.worker, number)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        header = HEADER.pack(MAGIC, FORMAT_VERSION, number, uuid.UUID(self.worker).bytes)
        try:
            if os.write(descriptor, header) != len(header):
                raise OSError(errno.ENOSPC, "short write")
            if self._policy != "never":
                _sync_directory(self.directory)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._segment, self._size = number, len(header)
        self._usage += len(header)
        self.tail.ends[number] = len(header)
        self.tail.growing = number
        if number == 1:
            self.tail.position = Position(number, len(header))
        return descriptor

    def _keep(self, period: float) -> None:
        """Sync what was appended, and see how much all workers keep, until the journal is closed."""
        looked = time.monotonic()
        while not self._stop.wait(period):
            self._sync()
            if time.monotonic() - looked >= _USAGE_EVERY:
                looked = time.monotonic()
                self._usage = directory_usage(self.directory)

    def _sync(self) -> None:
        """Make everything appended so far survive a power cut; failures are counted and end the segment."""
        # The growing segment first: one that is retired meanwhile is then found in the queue, and none is missed.
        if self._dirty:
            self._dirty = False
            if not self._sync_one(self._descriptor):
                self._sound = False
        while self._retired:
            descriptor = self._retired.popleft()
            self._sync_one(descriptor)
            os.close(descriptor)

    def _sync_one(self, descriptor: int) -> bool:
        if self._policy == "never":
            return True
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self._counters.add("sync_failures")
            log.error("journal_sync_failed", error=type(error).__name__, errno=error.errno)
            return False
        return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> Event:
    return "not_recorded_full" if error.errno in _FULL else "not_recorded_io_error"


def _nothing() -> None:
    """Nobody waits for appends."""
