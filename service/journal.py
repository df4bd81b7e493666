"""The journal (本地流水): the local append-only record a verdict is in before its answer leaves.

In: payloads of bytes. Out: segment files that survive the death of the process at any instant, and a ``Tail`` per
worker from which the recorder reads what is not in the database yet. Every way of losing something has its own
counter, and none of them raises: the service keeps answering and says ``recorded: false``.

The format of the files is specified in ``docs/journal.md``.
"""

import asyncio
import errno
import os
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
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
from service.journal_sync import Syncer

FsyncPolicy = Literal["interval", "always", "never"]

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_USAGE_EVERY: Final = 1.0
"""Seconds between looks at what all workers together keep in the directory."""

_DOUBTS: Final = 1_000
"""Segments whose sync failed that are remembered, to tell those whose records were in them."""

_unsettled: ContextVar[tuple[str, int, int, int] | None] = ContextVar("journal_unsettled", default=None)
"""Worker, task, and the first and last record that this task appended since it last asked whether they are on the
disk. The task stands in it because a context is copied to tasks that are started later."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _File:
    """A segment as it is written. Records are counted from 1 over all segments of the worker."""

    descriptor: int
    before: int
    """Records in earlier segments."""
    last: int | None = None
    """The last record in it, once it no longer grows."""
    lost_after: int | None = None
    """A sync of it failed: whether the records behind this one are on the disk, nobody knows."""

    def doubtful(self, first: int, last: int) -> bool:
        """Say whether one of these records may have been lost with it."""
        return self.lost_after is not None and last > self.lost_after and (self.last is None or first <= self.last)


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
        self._appended = 0
        self._settled = 0
        """Records up to here are on the disk, or in a file of ``_doubts``."""
        self._doubts: deque[_File] = deque(maxlen=_DOUBTS)
        self._refusing: Event | None = None
        self._retired: deque[_File] = deque()
        self._usage = directory_usage(directory)
        self._looked = time.monotonic()
        self._file = self._open_segment()
        self._closed = False
        self._syncer = Syncer(self._keep, fsync_interval if fsync == "interval" else _USAGE_EVERY)
        self._syncer.start()

    @property
    def worker(self) -> str:
        """This worker's id, new at every start."""
        return self._lock.worker

    @property
    def waits(self) -> bool:
        """Whether an answer waits for ``durable`` before it leaves."""
        return self._policy == "always"

    async def durable(self) -> bool:
        """Return once everything appended before this call is on the disk, as far as the policy promises it.

        False, counted: the disk refused a sync that records of this task depended on (those it appended since it
        last called this). Policies that promise nothing return at once.
        """
        if not self.waits:
            return True
        upto = self._appended
        first, last = self._mine() or (self._settled + 1, upto)
        _unsettled.set(None)
        if self._settled < upto:
            await self._syncer.wait()
        if self._settled >= upto and not any(file.doubtful(first, last) for file in tuple(self._doubts)):
            return True
        self._counters.add("not_recorded_io_error")
        return False

    def append(self, payload: bytes) -> bool:
        """Write a record; it survives the death of the process once this returns. False: not recorded, counted.

        Under the policy ``always`` it survives a power cut once ``durable`` says so.
        """
        length = len(payload)
        if length > MAX_PAYLOAD or not length:
            return self._refuse("not_recorded_too_large")
        size = length + FRAME.size
        if self._usage + size > self._limit:
            return self._refuse_full()
        if (self._size >= self._segment_bytes or not self._sound) and not self._rotate():
            return False
        try:
            written = os.writev(self._file.descriptor, (FRAME.pack(MARK, length, crc32(payload)), payload))
            if written != size:
                raise OSError(errno.ENOSPC, "short write")
        except OSError as error:
            return self._take_back(error)
        self._size += size
        self._usage += size
        # Dirty first: the other thread takes what is counted and not dirty for synced.
        self._dirty = True
        self._appended += 1
        if self.waits:
            mine = self._mine()
            _unsettled.set((self.worker, _task(), mine[0] if mine else self._appended, self._appended))
        if not self.tail.records:
            self.tail.current_at = time.monotonic()
        self.tail.ends[self._segment] = self._size
        self.tail.records += 1
        if self._refusing is not None:
            self._refusing = None
            log.info("journal_records_again")
        self.on_append()
        return True

    def _mine(self) -> tuple[int, int] | None:
        """Return the first and last record of the running task that it has not asked about."""
        worker, task, first, last = _unsettled.get() or ("", 0, 0, 0)
        return (first, last) if worker == self.worker and task == _task() else None

    def close(self) -> None:
        """Stop, sync and give the worker's files up: the next start adopts what is not in the database yet."""
        if self._closed:
            return
        self._closed = True
        self._syncer.stop()
        self._sync()
        os.close(self._file.descriptor)
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
        if recorded and not self._closed and self._rotate():
            self.on_append()
        return self._refuse("not_recorded_full")

    def _take_back(self, error: OSError) -> bool:
        """Remove what a failed write left, or give the segment up if even that fails."""
        try:
            os.ftruncate(self._file.descriptor, self._size)
            # A file that was sound stays so: what did not fit is cut off again. Any other error ends it.
            self._sound = self._sound and error.errno in _FULL
        except OSError:
            self._sound = False
        return self._refuse_full() if error.errno in _FULL else self._refuse("not_recorded_io_error")

    def _rotate(self) -> bool:
        """Go on in a new segment. When none can be made, a sound old one goes on growing."""
        old = self._file
        if self._closed:
            return self._refuse("not_recorded_closed")
        try:
            self._file = self._open_segment()
        except OSError as error:
            return self._sound or self._refuse(_reason(error))
        self._sound = True
        old.last = self._appended
        self._retired.append(old)
        return True

    def _open_segment(self) -> _File:
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
        return _File(descriptor, self._appended)

    def _keep(self) -> None:
        """Sync what was appended, and see from time to time how much all workers keep. Runs on the other thread."""
        self._sync()
        if time.monotonic() - self._looked >= _USAGE_EVERY:
            self._looked = time.monotonic()
            try:
                self._usage = directory_usage(self.directory)
            except OSError as error:  # the old figure serves, and appends say what is wrong
                log.error("journal_usage_unknown", error=type(error).__name__)

    def _sync(self) -> None:
        """Make everything appended so far survive a power cut; failures are counted and end the segment."""
        # Counted first, then the growing segment: a file that is retired meanwhile is then found in the queue, and
        # nothing that was counted is missed.
        upto = self._appended
        if self._dirty:
            self._dirty = False
            file = self._file
            if not self._sync_one(file) and file is self._file:
                self._sound = False
        while self._retired:
            file = self._retired.popleft()
            self._sync_one(file)
            os.close(file.descriptor)
        self._settled = upto

    def _sync_one(self, file: _File) -> bool:
        if self._policy == "never":
            return True
        try:
            os.fdatasync(file.descriptor)
        except OSError as error:
            self._counters.add("sync_failures")
            log.error("journal_sync_failed", error=type(error).__name__, errno=error.errno)
            if file.lost_after is None:
                # The kernel may have dropped the pages and tells it once: a later success proves nothing for them.
                file.lost_after = max(self._settled, file.before)
                self._doubts.append(file)
            return False
        return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _task() -> int:
    try:
        return id(asyncio.current_task())
    except RuntimeError:  # appended outside an event loop
        return 0


def _reason(error: OSError) -> Event:
    return "not_recorded_full" if error.errno in _FULL else "not_recorded_io_error"


def _nothing() -> None:
    """Nobody waits for appends."""
