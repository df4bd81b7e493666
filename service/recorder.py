"""The recorder: brings what the journal holds into the database, in batches, behind the answers.

In: the tails of this worker's journal and of dead workers' journals. Out: batches to a ``Store``, which writes each
together with the position it reaches. A database that is down delays nothing and loses nothing: the position stays
where it was. A record that can never be written is set aside by halving its batch, counted, and the rest go on.

Glossary: *tail*, one worker's journal from its position on; *entry*, one record or one damaged stretch; *batch*,
consecutive entries written in one transaction; *linger*, the pause after a wake-up in which a batch gathers.
"""

import asyncio
import random
import time
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from service.db.batches import Batch, Entry, Poisoned
from service.journal import Journal
from service.journal_files import Counters, Position, Stretch, Tail, Tally
from service.journal_owners import Orphan, adopt
from service.records import decode

_RECORDS_A_TURN: Final = 32
"""Records read and decoded before other tasks of the event loop get their turn: about a millisecond."""

_FORGET_WITHIN: Final = 2.0
_REST_WITHIN: Final = 5.0
"""Seconds; what is not done by then is due again at the next rest."""

_JITTER: Final = random.Random()
log = structlog.get_logger(__name__)


class Store(Protocol):
    """Where batches go (``service.db.writes.PostgresStore``; tests have a fake)."""

    async def position(self, worker: str) -> tuple[int, int] | None:
        """Return (segment, offset) up to which a worker's journal is stored."""
        ...

    async def write(self, batch: Batch) -> None:
        """Store a batch and its position, all or nothing. Raises ``Poisoned``, or anything else to be retried."""
        ...

    async def rest(self) -> None:
        """Do what is due while there is nothing to write. Raises whatever keeps it from being done."""
        ...

    async def forget(self, worker: str) -> None:
        """Conclude what was written for a worker whose journal is gone, and remove its position."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class Recorder:
    """One task that writes for its own worker and for the dead ones it adopted."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        *,
        counters: Counters | None = None,
        linger: float = 0.2,
        batch_records: int = 1000,
        batch_bytes: int = 8 * 1024 * 1024,
        adopt_every: float = 10.0,
        backoff: tuple[float, float] = (0.1, 5.0),
    ) -> None:
        """Times in seconds; ``backoff`` is the first and the longest pause between retries, before jitter."""
        self._journal = journal
        self._store = store
        self._counters: Counters = counters or Tally()
        self._linger = linger
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._adopt_every = adopt_every
        self._backoff = backoff
        self._orphans: list[Orphan] = []
        self._positioned: set[str] = {journal.worker}
        self._refused: set[str] = set()
        self._adopt_at = 0.0
        self._failures = 0
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.last_error: str | None = None
        """Class of the last failure; ``None`` once a write succeeds again. Never a message: it may quote values."""

    @property
    def alive(self) -> bool:
        """Whether the task runs; the service is not ready without it."""
        return self._task is not None and not self._task.done()

    @property
    def depth_records(self) -> int:
        """Records journaled and not in the database yet (near enough for a dead worker's)."""
        return sum(tail.records for tail in self._tails())

    @property
    def depth_bytes(self) -> int:
        """Bytes journaled and not in the database yet."""
        return sum(tail.bytes for tail in self._tails())

    @property
    def lag_seconds(self) -> float:
        """Age in seconds of the oldest record that may not be in the database; 0 when all are."""
        ages = [time.monotonic() - tail.current_at for tail in self._tails() if tail.bytes]
        return max(ages, default=0.0)

    def start(self) -> None:
        """Start the task, on the running event loop."""
        self._journal.on_append = self._wake.set
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109 - a budget, not a cancellation
        """Stop, writing what is there if the database answers. Returns whether all of it is in the database.

        What is not stays in the journal and is adopted at the next start.
        """
        self._stop.set()
        self._wake.set()
        if self._task is not None:
            ended, _ = await asyncio.wait({self._task}, timeout=timeout)
            self._task.cancel()
            if not ended:
                # Rolling back would wait for the same silent server.
                await self._store.close()
            await asyncio.gather(self._task, return_exceptions=True)
        self._journal.on_append = _nothing
        done = self.depth_bytes == 0
        await self._give_up_tails(done=done)
        await self._store.close()
        return done

    async def _give_up_tails(self, *, done: bool) -> None:
        if done and self.last_error is None:
            # Its segments go with the journal; so may its position. Left behind it would do no harm.
            await self._attempt_forget(self._journal.worker)
        for orphan in self._orphans:
            orphan.release()
        self._orphans.clear()

    def _tails(self) -> list[Tail]:
        return [self._journal.tail, *(orphan.tail for orphan in self._orphans)]

    # --- the task ---

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._adopt_if_due()
                busy = await self._pass()
            except Exception as error:  # whatever it is, the journal keeps the records and this task goes on
                if self._stop.is_set():
                    return
                await self._pause_after(error)
                continue
            if self._stop.is_set():
                if not busy:
                    return
            elif not busy:
                await self._rest()
            elif self.depth_records < self._batch_records:
                await self._sleep(self._linger)

    async def _pass(self) -> bool:
        """Write one batch of each tail; say whether there was any."""
        busy = False
        for tail in self._tails():
            busy |= await self._advance(tail)
        for orphan in [orphan for orphan in self._orphans if not orphan.tail.ends]:
            self._orphans.remove(orphan)
            orphan.release()
            await self._attempt_forget(orphan.worker)
        return busy

    async def _rest(self) -> None:
        """Let the store do what is due, then wait for records. Its failing is no reason to be late with them."""
        try:
            async with asyncio.timeout(_REST_WITHIN):
                await self._store.rest()
        except Exception as error:
            log.warning("recorder_rest_failed", error=type(error).__name__)
        await self._wait_for_records()

    async def _wait_for_records(self) -> None:
        try:
            async with asyncio.timeout(self._adopt_every):
                await self._wake.wait()
        except TimeoutError:
            return
        await self._sleep(self._linger)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or less when the service stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _pause_after(self, error: Exception) -> None:
        first, longest = self._backoff
        pause = min(longest, first * 2 ** min(self._failures, 30)) * _JITTER.uniform(0.5, 1.5)
        self._failures += 1
        self._counters.add("retries")
        if self.last_error != type(error).__name__:
            # Once per kind of failure; an outage of an hour is one line, not thousands.
            log.warning("recorder_retries", error=type(error).__name__, depth_records=self.depth_records)
        self.last_error = type(error).__name__
        await self._sleep(pause)

    async def _adopt_if_due(self) -> None:
        if time.monotonic() < self._adopt_at or self._stop.is_set():
            return
        self._adopt_at = time.monotonic() + self._adopt_every
        self._orphans += await asyncio.to_thread(adopt, self._journal.directory, self._counters, self._refused)

    # --- one batch ---

    async def _advance(self, tail: Tail) -> bool:
        """Write the next batch of a tail; say whether there was one."""
        if tail.worker not in self._positioned:
            await self._take_position(tail)
        batch = await self._gather(tail)
        if batch is None:
            await self._commit(tail, tail.position, 0)
            return False
        await self._write(tail, batch)
        return True

    async def _take_position(self, tail: Tail) -> None:
        """Go on where the dead worker's recorder was."""
        stored = await self._store.position(tail.worker)
        if stored is not None and Position(*stored) > tail.position:
            await self._commit(tail, Position(*stored), 0)
            for orphan in self._orphans:
                if orphan.tail is tail:
                    await asyncio.to_thread(orphan.measure)
        self._positioned.add(tail.worker)

    async def _gather(self, tail: Tail) -> Batch | None:
        """Return the next batch of a tail, if there is any."""
        tail.mark()
        entries: list[Entry] = []
        position, size = tail.position, 0
        while len(entries) < self._batch_records and size < self._batch_bytes:
            limit = min(_RECORDS_A_TURN, self._batch_records - len(entries))
            stretches, position = tail.read(position, limit)
            if not stretches:
                break
            entries += [_entry(stretch) for stretch in stretches]
            size += sum(len(stretch.payload) for stretch in stretches)
            await asyncio.sleep(0)
        return Batch(tail.worker, tuple(entries)) if entries else None

    async def _write(self, tail: Tail, batch: Batch) -> None:
        """Write a batch, halving it around what can never be written."""
        try:
            await self._store.write(batch)
        except Poisoned as poison:
            if len(batch.entries) == 1:
                await self._set_aside(tail, batch, poison.reason)
                return
            for half in batch.halves():
                await self._write(tail, half)
            return
        await self._written(tail, batch)

    async def _set_aside(self, tail: Tail, batch: Batch, reason: str) -> None:
        if batch.entries[0].fault:
            raise RuntimeError("the store refuses what was set aside")
        aside = batch.set_aside(reason)
        await self._store.write(aside)
        await self._written(tail, aside)

    async def _written(self, tail: Tail, batch: Batch) -> None:
        """Count what is stored now and let go of the segments behind it."""
        self._failures, self.last_error = 0, None
        self._counters.add("batches")
        if records := len(batch.records):
            self._counters.add("records_written", records)
        for entry in batch.aside:
            self._count_aside(entry)
        last = batch.entries[-1]
        await self._commit(tail, Position(last.segment, last.end), len(batch.entries))

    def _count_aside(self, entry: Entry) -> None:
        if entry.fault == "torn_tail":
            self._counters.add("torn_tails")
        elif entry.fault == "corrupt":
            self._counters.add("corrupt_stretches")
        else:
            self._counters.add("set_aside")
        place = {"segment": entry.segment, "offset": entry.start, "bytes": entry.end - entry.start}
        log.error("record_set_aside", reason=entry.fault, **place)

    async def _commit(self, tail: Tail, position: Position, records: int) -> None:
        done = tail.commit(position, records)
        if done:
            # Unlinking a large file takes milliseconds that a check should not wait for.
            await asyncio.to_thread(_unlink, done)

    async def _attempt_forget(self, worker: str) -> None:
        try:
            async with asyncio.timeout(_FORGET_WITHIN):
                await self._store.forget(worker)
        except Exception as error:  # a row left behind does no harm
            log.info("journal_position_kept", error=type(error).__name__)


def _entry(stretch: Stretch) -> Entry:
    """Return a stretch as an entry; a payload that is no record is to be set aside."""
    place = (stretch.segment, stretch.start, stretch.end, stretch.payload)
    if stretch.fault:
        return Entry(*place, fault=stretch.fault)
    try:
        return Entry(*place, record=decode(stretch.payload))
    except (msgspec.MsgspecError, ValueError) as error:
        return Entry(*place, fault=type(error).__name__)


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _nothing() -> None:
    """Nobody waits for appends."""
