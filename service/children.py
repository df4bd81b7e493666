"""Child processes: how often to start one again, how one learns that its parent is gone, how to wait for a change."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Backoff", "Signals", "end", "ends_with_parent", "reap_strangers"]

_STEADY: Final = 10.0  # a process that lived this long did not die of its start

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG: Final = 1


class Backoff:
    """How long to wait before a new start: not at all after a long life, longer after each short one."""

    def __init__(self, *, first: float = 0.5, longest: float = 30.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def after(self, lived: float) -> float:
        """Give the seconds to wait after a life of `lived` seconds."""
        if lived >= _STEADY:
            self._next = self._first
            return 0.0
        wait, self._next = self._next, min(self._next * 2, self._longest)
        return wait


def ends_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Make a `preexec_fn` after which the child is sent `number` when the thread that started it ends.

    `subprocess` calls it after it has changed the user, which would have cleared the request.
    """
    parent = os.getpid()

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the request was made: nobody would ever tell us
            os._exit(1)

    return ask


class Signals:
    """Turns signals into an end of waiting, and the stopping ones into a call."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self._wake_read, self._wake_write = socket.socketpair()
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> Signals:
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._former_wakeup = signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._former[number] = signal.signal(number, self._stop)
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._former_wakeup)
        self._wake_read.close()
        self._wake_write.close()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until a signal comes: the end of a child is one."""
        readable, _, _ = select.select([self._wake_read], [], [], seconds)
        if readable:
            self._wake_read.recv(4096)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._on_stop()


def end(process: subprocess.Popen[bytes], number: signal.Signals, *, patience: float) -> None:
    """Ask a child to stop and wait for it; after `patience` seconds insist."""
    process.send_signal(number)  # does nothing to one that has ended
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def reap_strangers(own: set[int]) -> None:
    """As process 1 of a container, take leave of orphans: nobody else can, and they would pile up."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid in own:
            return
        os.waitpid(found.si_pid, 0)
