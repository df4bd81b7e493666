"""The settler (入账): applies what was told of a verdict's lines, once the verdict is in the database.

One task per worker; several share the work row by row. In: events in ``line_event``. Out: rows in ``saved_line`` and
``saved_visit``, what became of the findings, and reasons sealed. A batch is one transaction, so that a cut connection
leaves nothing half done; and what it writes follows from all that was told, so that doing it again changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
import structlog

from rules.model import Line
from service import metrics
from service.db import history_writes, settling
from service.db.history_writes import LineRow, Standing, VisitRow
from service.db.patient_keys import AnyConnection, PatientKey, keys_for
from service.db.pool import Pool
from service.db.settling import Became, DispositionRow, EventRow, Sealed, VerdictRow, Waiting
from service.history import reading
from service.saved_lines import SavedLine
from service.sealing import Sealer, Unreadable, bound_to

EVERY: Final = 0.3
"""Seconds between two looks: a confirmation counts as history well within a second of being recorded."""
BATCH: Final = 50
"""Events at once: checks are answered by the same loop, and must not wait for long arrays."""
FRESH: Final = timedelta(minutes=10)
"""How far back the frequent look goes; older events wait for a verdict that is late, and are looked at now and then."""
SWEEP_EVERY: Final = 30.0
PATIENCE: Final = timedelta(days=7)
"""How long an event waits for a verdict before it is given up."""
GIVEN_UP: Final = 1_000
"""Events given up at once."""
_LONGEST_PAUSE: Final = 15.0
_WITHIN: Final = 20.0
_BEGINNING: Final = datetime(1990, 1, 1, tzinfo=UTC)
_DATA_CLASSES: Final = ("22", "23", "54")
_CONTENT: Final = (asyncpg.PostgresError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What an event that cannot be settled raises, from the database or on the way there."""

_log = structlog.get_logger("dipcheck.settler")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _MonthMissing(Exception):
    """A line falls into a month that may have no partition yet."""

    def __init__(self, days: set[date]) -> None:
        super().__init__()
        self.days = days


@dataclass(frozen=True, slots=True)
class _Read:
    """A verdict that could be read, and all that was told of it."""

    row: VerdictRow
    evaluated: reading.Evaluated
    kept: dict[int, SavedLine]
    states: dict[int, reading.LineState]
    findings: dict[int, tuple[int, ...]]
    dispositions: list[DispositionRow]

    def lines(self) -> Iterable[LineRow]:
        """Yield the rows of its lines; of somebody unknown nothing can be looked up, and nothing is kept."""
        if self.row.patient:
            yield from reading.line_rows(self.evaluated, self.kept, self.states, self.row.id)

    def visits(self) -> Iterable[VisitRow]:
        """Yield the row of its visit, if anything of it was saved."""
        saved = [state.received for state in self.states.values() if state.status == "saved"]
        found = reading.visit_row(self.evaluated.encounter, max(saved)) if saved else None
        if found is not None:
            yield found

    def became(self, standing: Mapping[UUID, Standing]) -> dict[int, Became]:
        """Return what became of its findings: by how its lines stand in the record, whoever told of them last."""
        stands = {at: standing[line.key] for at, line in self.kept.items() if line.key in standing}
        return reading.became(self.findings, {**self.states, **stands}, self.dispositions)


@dataclass(slots=True)
class _Batch:
    """What a batch is going to write."""

    read: list[_Read] = field(default_factory=list)
    sealed: list[Sealed] = field(default_factory=list)
    results: list[tuple[Waiting, str]] = field(default_factory=list)


class Settler:
    """Settles events until it is cancelled."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        zone: tzinfo,
        *,
        every: float = EVERY,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._pool = pool
        self._sealer = sealer
        self._zone = zone
        self._every = every
        self._clock = clock
        self._months = history_writes.Months()
        self._swept: float | None = None
        self._failures = 0
        self._tried: list[Waiting] = []

    async def run(self) -> None:
        """Settle what comes, for ever. An outage of the database is waited out."""
        while True:
            pause = self._every
            try:
                await self.settle_all()
                self._failures = 0
            except Exception as error:  # whatever it is, the events are in the database and this task goes on
                pause = self._pause_after(error)
            await asyncio.sleep(pause)

    def _pause_after(self, error: Exception) -> float:
        if self._failures == 0:
            _log.warning("settling waits", error=type(error).__name__)
        self._failures += 1
        self._months.forget()  # another server may answer next time
        return float(min(_LONGEST_PAUSE, self._every * 2 ** min(self._failures, 10)))

    async def settle_all(self) -> int:
        """Settle all that can be settled now; return how many events that were. Raises what the database raises."""
        now, started = self._clock(), asyncio.get_running_loop().time()
        sweeping = self._swept is None or started - self._swept >= SWEEP_EVERY
        since = _BEGINNING if sweeping else now - FRESH
        async with self._pool.connection(_WITHIN) as connection:
            hospitals = await settling.hospitals_waiting(connection, since)
        settled = 0
        for hospital in hospitals:
            settled += await self._settle_hospital(hospital, since)
            if sweeping:
                await self._give_up(hospital, now - PATIENCE)
        if sweeping:
            self._swept = started
        return settled

    async def _settle_hospital(self, hospital: str, since: datetime) -> int:
        settled = 0
        while True:
            done = await self._settle_some(hospital, since)
            settled += done
            if done < BATCH:
                return settled

    async def _settle_some(self, hospital: str, since: datetime) -> int:
        """Settle a batch; where something in it cannot be settled, one event at a time."""
        try:
            return await self._attempt(hospital, since, BATCH)
        except _CONTENT as error:
            self._unless_content(error)
        settled = 0
        for _ in range(BATCH):
            done = await self._settle_one(hospital, since)
            settled += done
            if not done:
                break
        return settled

    async def _settle_one(self, hospital: str, since: datetime) -> int:
        """Settle an event, or settle it as refused. A month may be retired while it is tried, but hardly twice."""
        for last in (False, True):
            try:
                return await self._attempt(hospital, since, 1)
            except _CONTENT as error:
                self._unless_content(error)
                if last or not isinstance(error, asyncpg.CheckViolationError):
                    return await self._set_aside(hospital, error)
        raise AssertionError("the last attempt returns or raises")

    def _unless_content(self, error: Exception) -> None:
        """Raise what is no fault of a row's content and worth another attempt."""
        self._months.forget()  # a failed transaction took its partitions with it
        if isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] not in _DATA_CLASSES:
            raise error

    async def _attempt(self, hospital: str, since: datetime, most: int) -> int:
        """Settle up to so many events, making a month that is missing first: never while rows are held."""
        while True:
            try:
                return await self._transaction(hospital, since, most)
            except _MonthMissing as missing:
                async with self._pool.connection(_WITHIN) as connection:
                    await self._months.ensure(connection, missing.days)

    async def _transaction(self, hospital: str, since: datetime, most: int) -> int:
        self._tried = []
        async with self._pool.connection(_WITHIN) as connection, connection.transaction():
            waiting = self._tried = await settling.waiting(connection, hospital, since, most)
            if not waiting:
                return 0
            batch = await self._prepare(connection, hospital, waiting)
            lines = await _lines_of(batch)
            days = {line.day for line in lines}
            if self._months.missing(days):
                raise _MonthMissing(days)
            await history_writes.upsert_lines(connection, hospital, lines)
            await history_writes.upsert_visits(
                connection, hospital, [row for read in batch.read for row in read.visits()]
            )
            places = [(line.day, line.key) for read in batch.read if read.row.patient for line in read.kept.values()]
            standing = await history_writes.standing(connection, hospital, places)
            await settling.conclude(connection, hospital, [(read.row, read.became(standing)) for read in batch.read])
            await settling.seal_reasons(connection, hospital, batch.sealed)
            await settling.settle(connection, hospital, batch.results)
        for _, result in batch.results:
            metrics.HISTORY_TOLD.labels("settling", result).inc()
        return len(batch.results)

    async def _set_aside(self, hospital: str, error: Exception) -> int:
        """Settle the events just tried as refused: what the database refuses once it refuses always."""
        async with self._pool.connection(_WITHIN) as connection:
            await settling.settle(connection, hospital, [(event, "refused") for event in self._tried])
        for event in self._tried:
            metrics.HISTORY_TOLD.labels("settling", "refused").inc()
            _log.error("a line event was refused", event_id=str(event.id), error=type(error).__name__)
        return len(self._tried)

    async def _give_up(self, hospital: str, before: datetime) -> None:
        given_up = GIVEN_UP
        while given_up == GIVEN_UP:
            # A few at a time: one statement over all of them might never get done, and hold up other hospitals.
            async with self._pool.connection(_WITHIN) as connection:
                given_up = await settling.give_up(connection, hospital, before, GIVEN_UP)
            self._count_given_up(given_up)

    @staticmethod
    def _count_given_up(given_up: int) -> None:
        if given_up:
            metrics.HISTORY_TOLD.labels("settling", "no_verdict").inc(given_up)
            _log.error("line events given up: their verdicts never came", events=given_up)

    async def _prepare(self, connection: AnyConnection, hospital: str, waiting: Sequence[Waiting]) -> _Batch:
        """Read everything about the verdicts of a batch; return what is to be written."""
        ids = sorted({event.verdict_id for event in waiting})
        made = await self._keys_made(connection, hospital, ids)
        rows = await settling.verdicts(connection, hospital, ids)
        wrapped = await settling.wrapped_keys(connection, hospital, [row.key for row in rows if row.key is not None])
        told = await settling.events(connection, hospital, ids)
        found = await settling.findings(connection, hospital, rows)
        acted = await settling.dispositions(connection, hospital, ids)
        batch = _Batch()
        for row in rows:
            key = None if row.key is None else wrapped.get(row.key)
            if row.key is None and row.patient not in made:
                continue  # it came since we took the keys: its events wait
            batch.sealed += self._sealed(hospital, row, key, made.get(row.patient), acted[row.id])
            waits = [event for event in waiting if event.verdict_id == row.id]
            opened = self._open(hospital, row, key)
            if isinstance(opened, str):
                # What became of the findings stays as it was: nobody can tell any more which lines are meant.
                batch.results += [(event, opened) for event in waits]
                continue
            told_of = {event.id: event for event in told[row.id]}
            evaluated, kept = opened
            current = {line.position: line for line in evaluated.encounter.lines if line.current}
            states = reading.line_states(told_of.values(), current, found[row.id])
            batch.read.append(_Read(row, evaluated, kept, states, found[row.id], acted[row.id]))
            batch.results += [(event, _result(told_of[event.id], row, current, found[row.id])) for event in waits]
            # Checks come in between.
            await asyncio.sleep(0)
        return batch

    def _open(
        self, hospital: str, row: VerdictRow, wrapped: bytes | None
    ) -> tuple[reading.Evaluated, dict[int, SavedLine]] | str:
        """Return what a verdict was about and its lines as they are kept, or why nobody can tell."""
        if row.key is not None and wrapped is None:
            return "erased"
        try:
            content = row.input
            if wrapped is not None:
                bound = bound_to("verdict", "input", hospital, str(row.id))
                content = self._sealer.open_sealed(self._sealer.unwrap(wrapped), content, bound)
            evaluated = reading.read_evaluated(content)
            return evaluated, reading.kept_lines(evaluated.encounter, evaluated.time, self._zone)
        except (Unreadable, msgspec.MsgspecError, OverflowError) as error:
            # An overflow is a time at the edge of the calendar, moved over it by its zone.
            _log.error("a verdict's input cannot be read", verdict_id=str(row.id), error=type(error).__name__)
            return "unreadable"

    async def _keys_made(
        self, connection: AnyConnection, hospital: str, ids: Sequence[UUID]
    ) -> dict[str, PatientKey | None]:
        """Take the keys of people whose verdicts a version wrote that did not seal, before any row of theirs is held.

        An erasure takes the key first, too: it waits for what is written now, or this waits for it.
        """
        people = await settling.unsealed_people(connection, hospital, ids)
        try:
            keys = await keys_for(connection, self._sealer, [(hospital, patient) for patient in people])
        except Unreadable:
            # Held they are; but nothing can be sealed with them.
            return dict.fromkeys(people)
        return {patient: keys[hospital, patient] for patient in people}

    def _sealed(
        self,
        hospital: str,
        row: VerdictRow,
        wrapped: bytes | None,
        made: PatientKey | None,
        dispositions: Sequence[DispositionRow],
    ) -> list[Sealed]:
        """Return reasons sealed as the verdict is sealed; those of an erased person are blanked."""
        plain = [entry for entry in dispositions if entry.reason]
        if not plain:
            return []
        if row.key is not None and wrapped is None:
            return [Sealed(entry, None, None) for entry in plain]
        try:
            key = made if wrapped is None or row.key is None else PatientKey(row.key, self._sealer.unwrap(wrapped))
        except Unreadable:
            key = None  # said where the input is opened
        if key is None:
            return []  # the reason stays as it is
        sealed = []
        for entry in plain:
            bound = bound_to("disposition", "reason", hospital, entry.finding_id)
            sealed.append(Sealed(entry, key.id, self._sealer.seal(key.key, entry.reason.encode(), bound)))
        return sealed


async def _lines_of(batch: _Batch) -> list[LineRow]:
    """Return the rows of all lines, giving checks their turn."""
    rows: list[LineRow] = []
    for read in batch.read:
        rows += read.lines()
        await asyncio.sleep(0)
    return rows


def _result(
    event: EventRow,
    row: VerdictRow,
    current: dict[int, Line],
    findings: dict[int, tuple[int, ...]],
) -> str:
    """Return what became of an event whose verdict could be read."""
    if event.action not in reading.TELLING:
        return "applied"
    if not reading.lines_of(event, current, findings):
        return "no_line"
    return "applied" if row.patient else "no_patient"
