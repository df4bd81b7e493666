"""Group commit (成组落盘): whoever waits for the disk shares one sync with all who waited when it began.

In: how to sync everything appended so far, and awaiting callers on an event loop. Out: each is released once a sync
that began after its call has ended. The next sync begins as soon as the last one ended while somebody waits, and no
later: a fixed window would only add to the answers' time.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

import structlog

_Waiter = asyncio.Future[None]
log: Final = structlog.get_logger(__name__)


class Syncer:
    """A thread that syncs: back to back while somebody waits, every so often while nobody does."""

    def __init__(self, sync: Callable[[], None], period: float) -> None:
        """``sync`` runs on this thread, at least every ``period`` seconds."""
        self._sync = sync
        self._period = period
        self._queue: SimpleQueue[_Waiter | None] = SimpleQueue()
        self._stopping = False
        self._ended = False
        self._lock = threading.Lock()
        """Between whoever begins to wait and the end of the thread: nobody may come after it has looked."""
        self._thread = threading.Thread(target=self._run, name="journal-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    async def wait(self) -> None:
        """Return once a sync that began after this call has ended, well or not; at once when nobody syncs any more."""
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._ended:
                return
            self._queue.put(waiter)
        await waiter

    def stop(self) -> None:
        """End the thread after one more sync, which releases all who wait."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        waiting: list[_Waiter] = []
        try:
            while not self._stopping:
                waiting = self._next()
                self._sync()
                self._release(waiting)
            waiting = self._rest()
            self._sync()  # for those who began to wait during the last one
        except Exception as error:  # whoever waits finds what was not synced; nobody hangs
            log.error("journal_keeper_died", error=type(error).__name__)
        with self._lock:
            self._ended = True
        self._release(waiting + self._rest())

    def _next(self) -> list[_Waiter]:
        """Wait for somebody, or for the time, and return all who wait by then."""
        try:
            first = self._queue.get(timeout=self._period)
        except Empty:
            return []
        return [*([first] if first is not None else []), *self._rest()]

    def _rest(self) -> list[_Waiter]:
        found: list[_Waiter] = []
        with suppress(Empty):
            while True:
                waiter = self._queue.get_nowait()
                if waiter is not None:
                    found.append(waiter)
        return found

    @staticmethod
    def _release(waiting: list[_Waiter]) -> None:
        for loop in {waiter.get_loop() for waiter in waiting}:
            with suppress(RuntimeError):  # the loop is closed: nobody is left there to be told
                loop.call_soon_threadsafe(_let_go, waiting, loop)


def _let_go(waiting: list[_Waiter], loop: asyncio.AbstractEventLoop) -> None:
    for waiter in waiting:
        if not waiter.done() and waiter.get_loop() is loop:
            waiter.set_result(None)
