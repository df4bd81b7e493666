"""The right to run on a data directory, and how what a dead predecessor left running there is known and ended.

Locks of the kernel rather than pid files: a lock goes with the last process that has it, however that ends, and
a stranger who has been given a dead process's number does not hold it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from service.postgres_place import own_directory

__all__ = ["DataDirectoryInUse", "DataDirectoryLock", "Leftovers", "server_started_by_hand", "try_lock"]

_NAMES: Final = {b"postgres", b"initdb"}  # what is started with the lock in its hands; a backup may read the file
_LEFTOVER_PATIENCE: Final = 5.0  # seconds before a leftover that ignores SIGINT is sent SIGTERM


class DataDirectoryInUse(RuntimeError):
    """Another dipcheck owns the data directory."""


class DataDirectoryLock:
    """The right to run on a data directory; its holder may also end what a dead predecessor left behind."""

    def __init__(self, data_dir: Path, descriptor: int) -> None:
        self.data_dir = data_dir
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, data_dir: Path) -> Self:
        """Take the lock, making the directory if needed; raise `DataDirectoryInUse` if another has it."""
        path = own_directory(data_dir, "run") / "dipcheck.lock"
        descriptor = try_lock(path)
        if descriptor is None:
            holder = path.read_text(encoding="utf-8", errors="replace").strip() or "unknown"
            raise DataDirectoryInUse(
                f"the data directory `{data_dir}` is in use by another dipcheck (process {holder}): "
                "stop that one, or set DIPCHECK_DATA_DIR to another directory"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(data_dir, descriptor)

    def release(self) -> None:
        """Give the directory up; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Leftovers:
    """What a dead dipcheck left running on a cluster, known by its name and the lock it inherited."""

    def __init__(self, lock_path: Path) -> None:
        self._lock_path = lock_path
        self._since = time.monotonic()
        self._asked: set[tuple[int, int]] = set()

    def ask_to_stop(self) -> None:
        """Send each leftover SIGINT once, and SIGTERM once if it is still there after a while.

        To a postmaster SIGINT is the fast shutdown. An orphaned backend takes it for a cancelled query and
        mostly sees by itself that its postmaster is gone; if it is busy, SIGTERM ends it.
        """
        patient = time.monotonic() - self._since < _LEFTOVER_PATIENCE
        number = signal.SIGINT if patient else signal.SIGTERM
        for pid in _processes():
            if self._is_one(pid) and (pid, number) not in self._asked:
                self._asked.add((pid, number))
                self._signal(pid, number)

    def _signal(self, pid: int, number: signal.Signals) -> None:
        """Send through a handle on the process, looked at again, so that its number cannot change hands."""
        with suppress(OSError):
            handle = os.pidfd_open(pid)
            try:
                if self._is_one(pid):
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def _is_one(self, pid: int) -> bool:
        with suppress(OSError):
            return _name(pid) in _NAMES and _holds(pid, self._lock_path.stat())
        return False


def try_lock(path: Path) -> int | None:
    """Open a file and lock it; nothing if another process has the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid())


def _name(pid: int) -> bytes:
    return Path(f"/proc/{pid}/comm").read_bytes().strip()


def _holds(pid: int, wanted: os.stat_result) -> bool:
    with suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.path.samestat(os.stat(f"/proc/{pid}/fd/{descriptor}"), wanted):
                    return True
    return False


def server_started_by_hand(cluster: Path) -> int | None:
    """Give a PostgreSQL process that works in the cluster; asked only when none of ours runs there."""
    try:
        wanted = cluster.stat()
    except FileNotFoundError:
        return None
    for pid in _processes():
        with suppress(OSError):
            if _name(pid) == b"postgres" and os.path.samestat(os.stat(f"/proc/{pid}/cwd"), wanted):
                return pid
    return None
