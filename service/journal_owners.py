"""Who owns a journal: a lock per worker, and taking over what a dead worker left.

In: the journal directory. Out: a ``WorkerLock`` that dies with its process, and ``Orphan`` journals to be recorded.
"""

import errno
import fcntl
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import structlog

from service.journal_files import (
    HEADER,
    MAGIC,
    READABLE_VERSIONS,
    Counters,
    Position,
    Tail,
    count_records,
    segment_path,
    segments_in,
)

log = structlog.get_logger(__name__)


class WorkerLock:
    """An flock on ``<worker>.lock``: whoever holds it owns that worker's segments. It dies with its process."""

    def __init__(self, directory: Path, worker: str) -> None:
        """Raises ``BlockingIOError`` when somebody else holds it, ``OSError`` when it cannot be made."""
        self.worker = worker
        self._path = directory / f"{worker}.lock"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(self._descriptor).st_nlink:
                raise BlockingIOError(errno.EWOULDBLOCK, "the lock was removed by another owner")
        except OSError:
            os.close(self._descriptor)
            raise

    def release(self, *, remove: bool) -> None:
        """Let go; ``remove`` when no segment is left."""
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


class Orphan:
    """A dead worker's journal, adopted: a tail that no longer grows."""

    def __init__(self, directory: Path, lock: WorkerLock, segments: dict[int, int]) -> None:
        self.tail = Tail(directory, lock.worker)
        self.tail.ends = segments
        self.tail.position = Position(min(segments), HEADER.size)
        self._directory = directory
        self._lock = lock

    @property
    def worker(self) -> str:
        """The dead worker's id."""
        return self._lock.worker

    def measure(self) -> None:
        """Count its pending records and see how old they may be. Reads the files: not for an event loop."""
        self.tail.records = 0
        age = 0.0
        for segment, end in sorted(self.tail.ends.items()):
            path = segment_path(self._directory, self.worker, segment)
            at_position = segment == self.tail.position.segment
            self.tail.records += count_records(path, self.tail.position.offset if at_position else HEADER.size, end)
            age = max(age, time.time() - path.stat().st_mtime)
        self.tail.current_at = time.monotonic() - age

    def release(self) -> None:
        """Give it up; without segments its lock file goes too."""
        self.tail.close()
        self._lock.release(remove=not self.tail.ends)


def adopt(directory: Path, counters: Counters, refused: set[str]) -> list[Orphan]:
    """Take over the segments of workers that died. Reads files: not for an event loop. Raises ``OSError``.

    ``refused`` remembers the segments of an unknown format between calls, so that each is counted once.
    """
    adopted = []
    for worker in sorted({worker for worker, _, _ in segments_in(directory)} | set(_lock_names(directory))):
        try:
            lock = WorkerLock(directory, worker)
        except BlockingIOError:
            continue  # alive, or another worker was quicker
        try:
            orphan = _adopt_worker(directory, lock, counters, refused)
        except OSError as error:
            lock.release(remove=False)
            log.error("journal_not_adopted", worker=worker, error=type(error).__name__)
            continue
        if orphan is not None:
            counters.add("segments_adopted", len(orphan.tail.ends))
            log.info("journal_adopted", worker=worker, records=orphan.tail.records)
            adopted.append(orphan)
    return adopted


def _adopt_worker(directory: Path, lock: WorkerLock, counters: Counters, refused: set[str]) -> Orphan | None:
    """Return a dead worker's journal, or ``None`` and the lock released when there is nothing to read."""
    # Listed again under the lock: only now does nobody else change them.
    paths = {number: path for owner, number, path in segments_in(directory) if owner == lock.worker}
    readable = {number: path for number, path in paths.items() if _is_readable(path, counters, refused)}
    if not readable:
        lock.release(remove=not paths)
        return None
    orphan = Orphan(directory, lock, {number: path.stat().st_size for number, path in readable.items()})
    orphan.measure()
    return orphan


def _is_readable(path: Path, counters: Counters, refused: set[str]) -> bool:
    """Say whether a segment is of a format we know; a newer one is left alone for the version that wrote it.

    A damaged header is readable: what stands behind it is found by the marks.
    """
    with path.open("rb") as file:
        header = file.read(HEADER.size)
    if len(header) < HEADER.size:
        # The process died while making it: no record was ever acknowledged from it.
        counters.add("torn_tails")
        path.unlink()
        return False
    magic, version, _, _ = HEADER.unpack(header)
    if magic != MAGIC or version in READABLE_VERSIONS:
        return True
    if path.name not in refused:
        refused.add(path.name)
        counters.add("segments_refused")
        log.error("journal_segment_refused", segment=path.name, version=version)
    return False


def _lock_names(directory: Path) -> Iterable[str]:
    return (path.stem for path in directory.glob("*.lock"))


def lock_new_worker(directory: Path) -> WorkerLock:
    """Return the lock of a worker that nobody has been before."""
    while True:
        try:
            return WorkerLock(directory, str(uuid.uuid4()))
        except BlockingIOError:
            continue  # an adopting process held the new file for an instant
