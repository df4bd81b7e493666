"""History as context: a check never waits longer than it may, and says so where history did not come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rules import Look, encode
from rules.model import NO_CONTEXT, Context, Line
from service.errors import NO_DATABASE, Problem
from service.history.context import CONNECTIONS, HistoryContext, asked_of, wanted
from tests.builders import NOW, a_line, an_encounter

pytestmark = pytest.mark.anyio

ZONE = timezone(timedelta(hours=8))
LOOKS = (Look(("A01",), 30),)
LATE = Context(late=("history",))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Connection:
    """Answers every look with the rows of its pool."""

    def __init__(self, pool: "StubPool") -> None:
        self._pool = pool

    async def fetch(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        self._pool.arguments = arguments
        if self._pool.slow:
            await asyncio.sleep(60)
        if self._pool.fault is not None:
            raise self._pool.fault
        return self._pool.rows

    async def execute(self, query: str) -> None:
        self._pool.tried += 1


class StubPool:
    """Lends connections as ``service.db.pool.Pool`` does: late or broken, it is a problem."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.asked = 0
        self.tried = 0
        self.most = 0
        self.slow = False
        self.fault: Exception | None = None
        self.arguments: tuple[object, ...] = ()
        self._lent = 0

    @asynccontextmanager
    async def connection(self, timeout: float) -> AsyncIterator[Connection]:  # noqa: ASYNC109 - as the pool
        self.asked += 1
        self._lent += 1
        self.most = max(self.most, self._lent)
        try:
            async with asyncio.timeout(timeout):
                yield Connection(self)
        except (OSError, TimeoutError) as error:
            raise Problem(NO_DATABASE, detail=type(error).__name__) from error
        finally:
            self._lent -= 1

    async def close(self) -> None:
        self.rows = []


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def row(what: str, content: bytes | None = None, since: date | None = None) -> dict[str, Any]:
    return {"what": what, "content": content, "since": since}


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("dipcheck_history_total", {"outcome": outcome}) or 0.0


async def look(context: HistoryContext, deadline: float = 5.0) -> Context:
    return await context(LOOKS, an_encounter(), deadline)


async def test_what_is_recorded_is_the_context() -> None:
    """Lines asked for, and the day from which on the hospital vouches for them."""
    line = Line(id="1", item="A01", begin=datetime(2026, 3, 9, 17, 0, tzinfo=UTC), visit="V1")
    pool, before = StubPool(row("saved", encode(line)), row("since", since=date(2026, 1, 1))), counted("answered")
    found = await look(HistoryContext(pool, ZONE))  # type: ignore[arg-type]

    assert found.late == ()
    assert found.history is not None
    assert date(2026, 1, 1) == found.history.since
    assert [(date(2026, 3, 10), None)] == [(one.begin.date(), one.visit) for one in found.history.lines if one.begin]
    assert 1 == counted("answered") - before


@pytest.mark.parametrize(
    ("tellings", "standing"),
    [
        ([(True, 8, False), (True, 9, False), (False, 10, False)], []),
        ([(False, 8, False), (True, 9, False)], [9]),
        ([(True, 8, True), (False, 10, False)], []),
        ([(True, 8, True), (True, 9, True), (False, 10, True)], [8, 9]),
    ],
)
async def test_what_is_cancelled_was_saved_by_every_telling(
    tellings: list[tuple[bool, int, bool]], standing: list[int]
) -> None:
    """A line without a clock has a row per message; two clock times are two lines, and a later telling stands."""
    rows = [
        row("saved" if saved else "cancelled", encode(Line(id="1", item="A01", begin=at_hour(hour), timed=timed)))
        for saved, hour, timed in tellings
    ]
    found = await look(HistoryContext(StubPool(*rows), ZONE))  # type: ignore[arg-type]

    assert found.history is not None
    assert standing == [line.begin.hour for line in found.history.lines if line.begin]


def at_hour(hour: int) -> datetime:
    return datetime(2026, 3, 10, hour, tzinfo=ZONE)


async def test_nothing_is_asked_without_looks_or_a_patient() -> None:
    """The record is of people; an encounter of nobody has no past."""
    pool = StubPool()
    context = HistoryContext(pool, ZONE)  # type: ignore[arg-type]

    assert await context((), an_encounter(), 5.0) is NO_CONTEXT
    assert await context(LOOKS, an_encounter(pseudonym=""), 5.0) is NO_CONTEXT
    assert 0 == pool.asked


async def test_a_database_that_does_not_answer_in_time_is_late() -> None:
    """The check goes on at the deadline; afterwards nobody asks for a second, and connections are made ready."""
    pool, clock = StubPool(), Clock()
    context = HistoryContext(pool, ZONE, monotonic=clock)  # type: ignore[arg-type]
    pool.slow, late, paused = True, counted("late"), counted("paused")

    assert LATE == await look(context, 0.01)
    await asyncio.sleep(0)  # the trial runs
    assert (LATE, LATE) == (await look(context), await look(context))
    assert (1, 2) == (counted("late") - late, counted("paused") - paused)
    assert 1 + CONNECTIONS == pool.asked

    pool.slow = False
    await asyncio.sleep(0.01)
    assert (CONNECTIONS, CONNECTIONS) == (pool.tried, pool.most)
    assert LATE == await look(context)
    clock.seconds += 1.0
    assert (await look(context)).history is not None


@pytest.mark.parametrize("fault", [ConnectionRefusedError(), RuntimeError("anything")])
async def test_a_database_that_is_not_there_is_unavailable(fault: Exception) -> None:
    """Whatever goes wrong, the check is answered."""
    pool, before = StubPool(), counted("unavailable")
    pool.fault = fault

    assert LATE == await look(HistoryContext(pool, ZONE))  # type: ignore[arg-type]
    assert 1 == counted("unavailable") - before


async def test_a_line_that_cannot_be_read_is_no_history() -> None:
    """A part of the past would look like the whole of it."""
    before = counted("unavailable")

    assert LATE == await look(HistoryContext(StubPool(row("saved", b"{")), ZONE))  # type: ignore[arg-type]
    assert 1 == counted("unavailable") - before


async def test_too_many_lines_are_none_of_the_database_s_fault() -> None:
    """The next patient is asked about at once."""
    line = encode(Line(item="A01", begin=NOW))
    pool, before = StubPool(*[row("saved", line)] * 5_001), counted("too_many")
    context = HistoryContext(pool, ZONE)  # type: ignore[arg-type]

    assert LATE == await look(context)
    pool.rows = []
    assert (await look(context)).history is not None
    assert 1 == counted("too_many") - before


async def test_closing_ends_a_trial() -> None:
    """A service that stops waits for no connection."""
    pool = StubPool()
    pool.fault = ConnectionRefusedError()
    context = HistoryContext(pool, ZONE)  # type: ignore[arg-type]
    await look(context)
    await context.close()

    assert LATE == await look(context)


async def test_the_message_s_time_is_that_of_lines_without_one() -> None:
    """A check made up for later looks back from when the order was written."""
    pool = StubPool()
    undated = an_encounter(a_line(begin=None), admitted=None)
    await HistoryContext(pool, ZONE)(LOOKS, undated, 5.0, at=NOW)  # type: ignore[arg-type]

    assert date(2026, 2, 16) == pool.arguments[2]


class TestWanted:
    async def test_far_and_near_windows_are_two_conditions(self) -> None:
        """So that a rule over years does not bring years of everything."""
        looks = (Look(("A01", "A02*", "A03?"), 30), Look(("B01",), 7), Look(("C01", "C*"), 365))
        far, near = wanted(tuple(asked_of(looks, an_encounter(), NOW)))

        assert (date(2025, 3, 18), ["C01"], ["C"]) == (far.since, far.codes, far.families)
        assert (date(2026, 2, 16), ["A01", "B01"], ["A02", "A03"]) == (near.since, near.codes, near.families)

    async def test_alike_windows_are_one(self) -> None:
        """The second condition then names nothing."""
        far, near = wanted(tuple(asked_of(LOOKS, an_encounter(), NOW)))

        assert (date(2026, 2, 16), ["A01"]) == (far.since, far.codes)
        assert ([], []) == (near.codes, near.families)

    async def test_visits_alone_name_no_items(self) -> None:
        """Nothing is asked of lines."""
        far, near = wanted(tuple(asked_of((Look(days=15, visits=True),), an_encounter(), NOW)))

        assert ([], [], [], []) == (far.codes, far.families, near.codes, near.families)
