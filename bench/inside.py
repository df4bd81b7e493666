"""One process, no sockets: where a request's time goes, what the evaluator costs, and how both grow with the rules.

Times are CPU time of this thread. Every figure is a median over rounds in which what is compared takes turns.
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from bench.messages import Body
from rules import Rulebook, check, encode
from rules.model import Input
from service.app import build_instance
from service.asked import Asked
from service.dialects._contract import Answer, Reading
from service.journal import Journal
from service.keys import ANYONE, KeyRing
from service.schemes import NO_SCHEMES, STARTER, Schemes, shipped
from service.settings import Settings
from service.state import Active

ZONE: Final = ZoneInfo("Asia/Shanghai")
PATH: Final = "/national"
_SCOPE: Final[dict[str, Any]] = {
    "type": "http",
    "method": "POST",
    "path": PATH,
    "query_string": b"",
    "headers": [(b"content-type", b"application/json")],
}
Step = Callable[[], object]


class TimedJournal(Journal):
    """A journal that also sums up what its appends cost, and shows each payload to whoever asks."""

    spent = 0
    size = 0
    seen: Callable[[bytes], object] = len

    def append(self, payload: bytes) -> bool:
        """Keep a record."""
        started = time.thread_time_ns()
        kept = super().append(payload)
        self.spent += time.thread_time_ns() - started
        self.size += len(payload)
        self.seen(payload)
        return kept


class Insider:
    """One worker around one rulebook as the service puts it together, without server and database."""

    def __init__(self, rulebook: Rulebook, schemes: Schemes = NO_SCHEMES) -> None:
        self.rulebook = rulebook
        self._folder = tempfile.TemporaryDirectory(prefix="dipcheck-bench-")
        settings = Settings(data_dir=Path(self._folder.name))
        self.journal = TimedJournal(settings.data_dir / "journal")
        instance = build_instance(
            FastAPI(),
            settings=settings,
            keyring=KeyRing({}),
            journal=self.journal,
            clock=lambda: datetime.now(UTC),
            webhook=None,
            upstream=None,
        )
        instance.state.active = Active(rulebook, "bundled", schemes)
        self.flow, self.hot_path = instance.flow, instance.hot_path
        self.dialect = instance.dialects["national"]
        self._numbers = count()

    def close(self) -> None:
        """Remove what was written."""
        self.journal.close()
        self._folder.cleanup()

    def fresh(self, body: Body) -> bytes:
        """Return a message with an id not used before."""
        return body.numbered(next(self._numbers))

    def read(self, data: bytes) -> Reading:
        """Read a message."""
        reading = self.dialect.read(self.hot_path.call_for(dict(_SCOPE), data, ANYONE))
        if not isinstance(reading, Reading):
            raise TypeError("a message of the bench is a check")
        return reading

    def given(self, body: Body) -> Input:
        """Return what a message gives the rules."""
        reading = self.read(self.fresh(body))
        return Input(encounter=reading.encounter, time=reading.time, role=reading.role)

    def check(self, reading: Reading) -> Answer:
        """Check and record, as the hot path does between reading and writing."""
        asked = Asked("national", reading, datetime.now(UTC), "check", time.perf_counter())
        answer: Answer = finish(self.flow.check(asked))
        return answer

    def request(self, data: bytes) -> bytes:
        """Answer a request whole, from ASGI call to ASGI reply."""
        sent: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))

        finish(self.hot_path(dict(_SCOPE), receive, send))
        return sent[-1]


def finish(coroutine: Any) -> Any:
    """Run a coroutine that never waits for anything; cheaper than a loop, and the same work."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise AssertionError("this was meant not to wait")


@dataclass(frozen=True, slots=True)
class Shares:
    """CPU µs of one request: whole, by step, and parts of the step *record*."""

    whole: float
    read: float
    check: float
    record: float
    write: float
    append: float
    encode: float
    journal_bytes: float


def shares(rulebook: Rulebook, bodies: Sequence[Body], rounds: int) -> Shares:
    """Return where the time of a request goes, journal included, with the DIP scheme that ships in use."""
    scheme = shipped(STARTER.name)
    insider = Insider(rulebook, NO_SCHEMES if scheme is None else Schemes((scheme,)))
    try:
        readings = [insider.read(insider.fresh(body)) for body in bodies]
        given = [Input(encounter=one.encounter, time=one.time, role=one.role) for one in readings]
        answers = [insider.check(reading) for reading in readings]
        before = insider.journal.size
        steps: dict[str, Step] = {
            "whole": lambda: [insider.request(insider.fresh(body)) for body in bodies],
            "read": lambda: [insider.read(insider.fresh(body)) for body in bodies],
            "check": lambda: [check(one, rulebook, scheme) for one in given],
            "check+record": lambda: [insider.check(reading) for reading in readings],
            "write": lambda: [insider.dialect.write(*pair) for pair in zip(readings, answers, strict=True)],
            "encode": lambda: [
                (encode(one), encode(one.encounter), encode(answer.verdict))
                for one, answer in zip(given, answers, strict=True)
            ],
        }
        spent = in_turn(steps, rounds)
        appended = (rounds + 1) * 2 * len(bodies)
        per = {name: statistics.median(values) / len(bodies) for name, values in spent.items()}
        return Shares(
            whole=per["whole"],
            read=per["read"],
            check=per["check"],
            record=per["check+record"] - per["check"],
            write=per["write"],
            append=insider.journal.spent / 1000 / (appended + len(bodies)),
            encode=per["encode"],
            journal_bytes=(insider.journal.size - before) / appended,
        )
    finally:
        insider.close()


def in_turn(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Return the CPU µs of each step, round by round; one round goes before. The collector is set as when serving."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            started = time.thread_time_ns()
            step()
            if turn:
                spent[name].append((time.thread_time_ns() - started) / 1000)
    gc.unfreeze()
    return spent
