"""Interleaved rounds over HTTP: every server in turn, CPU of its process tree per request and latency.

What the service does behind its answers counts too: a turn ends when the server has come to rest, records written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from bench import load
from bench.messages import Body
from bench.servers import Server

WARM_REQUESTS: Final = 300


@dataclass(slots=True)
class Series:
    """One server's figures at one number of clients, round by round."""

    cpu_us: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    requests: int = 0


def turn(server: Server, target: load.Target, clients: int, seconds: float, series: Series) -> None:
    """Load a server once and note what it took."""
    server.settle()
    before = server.cpu_ns()
    found = load.run(target, clients, seconds)
    server.settle()
    series.cpu_us.append((server.cpu_ns() - before) / 1000 / found.requests)
    series.rate.append(found.rate)
    series.p50.append(found.at(0.5))
    series.p99.append(found.at(0.99))
    series.requests += found.requests


def interleaved(
    turns: Sequence[tuple[Server, load.Target]], clients: int, seconds: float, rounds: int
) -> dict[str, Series]:
    """Return each server's series; a server that stands in ``turns`` twice has two values a round.

    Every second round goes backwards, so that nobody is always asked after the same other one.
    """
    found = {server.name: Series() for server, _ in turns}
    for number in range(rounds):
        for server, target in turns if number % 2 == 0 else reversed(turns):
            turn(server, target, clients, seconds, found[server.name])
    return found


def warm(server: Server, target: load.Target) -> None:
    """Let a server have seen every body before it is timed."""
    load.run(target, 2, 5.0, WARM_REQUESTS)
    server.settle()


def prove(target: load.Target) -> int:
    """Ask the service every body once and compare with what must be found; return how many findings that were.

    Raises ``AssertionError`` when an answer says anything else, before anything is timed.
    """
    return sum(_prove(target, body) for body in target.bodies)


def _prove(target: load.Target, body: Body) -> int:
    answer = orjson.loads(load.ask(target, body))
    if answer["infcode"] != 0 or answer["output"] is None:
        raise AssertionError(f"the service refused a message of the bench: {answer['err_msg']}")
    found = tuple(sorted(row["rule_id"] for row in answer["output"]["result"]))
    if found != body.expected:
        lacking, strange = set(body.expected) - set(found), set(found) - set(body.expected)
        raise AssertionError(f"wrong findings: lacking {sorted(lacking)}, not expected {sorted(strange)}")
    return len(found)
