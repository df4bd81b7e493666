"""The way of records to PostgreSQL, by itself: verdicts journaled beforehand, then the recorder on them.

In: a rulebook and messages. Out: how fast the rows are there, bare, chained and sealed, and what that took.
"""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import uvloop

from bench.inside import Insider
from bench.messages import Body
from bench.servers import cores, cpu_clock_ns, tree
from rules import Rulebook
from service.db.migrate import upgrade
from service.db.writes import PostgresStore
from service.embedded_postgres import DataDirectoryLock, EmbeddedPostgres
from service.journal import Journal
from service.recorder import Recorder
from service.sealing import KEY_BYTES, Sealer

POLICIES: Final = ("never", "100", "always")
CLIENTS: Final = (1, 32)
CPU_GOAL: Final = 1.2
"""CPU of an answer that waits for the disk, of one that is not recorded, at the most clients."""
ADDED_MS_GOAL: Final = 2.0
GOAL_LINES: Final = 3
"""Lines of an order whose verdict is about as large as those the goal was set on."""
DRAIN_GOAL: Final = 6_000
"""Verdicts per second."""
BARE: Final = "bare"
_WAYS: Final = (BARE, "chained", "sealed and chained")
_ROUNDS: Final = 3
_PATIENCE: Final = 120.0
_TABLES: Final = ("verdict", "finding", "not_checked")


@dataclass(frozen=True, slots=True)
class Drained:
    """What bringing records to the database took."""

    verdicts: int
    rows: int
    seconds: float
    cpu_us: float
    """CPU of this process per verdict, PostgreSQL's not counted."""
    server_us: float
    """CPU of PostgreSQL per verdict."""
    payload_bytes: float
    """Journal bytes of one verdict."""

    @property
    def rate(self) -> float:
        """Verdicts per second."""
        return self.verdicts / self.seconds


def drain(rulebook: Rulebook, bodies: tuple[Body, ...], verdicts: int) -> dict[str, list[Drained]]:
    """Journal so many verdicts, then let the recorder loose on them, each way in turn, into a database of its own."""
    payloads = _payloads(rulebook, bodies, verdicts)
    found: dict[str, list[Drained]] = {way: [] for way in _WAYS}
    with tempfile.TemporaryDirectory(prefix="dipcheck-bench-") as folder:
        Path(folder).chmod(0o755)
        with DataDirectoryLock.acquire(Path(folder) / "data") as lock:
            postgres = EmbeddedPostgres(lock)
            try:
                postgres.wait_until_ready()
                _bind(postgres)
                for number in range(_ROUNDS):
                    for way in _WAYS:
                        name = f"d{number}{_WAYS.index(way)}"
                        url = uvloop.run(_new_database(postgres, name))
                        upgrade(url)
                        work = _drain(payloads, postgres, _store(way, url), Path(folder) / name)
                        found[way].append(uvloop.run(work))
                return found
            finally:
                postgres.stop()


def _bind(postgres: EmbeddedPostgres) -> None:
    """Put PostgreSQL on the other core, as in the measurements over HTTP; its new processes stay there."""
    own, other = cores()
    os.sched_setaffinity(0, {own})
    for pid in tree(postgres.pid or 0):
        os.sched_setaffinity(pid, {other})


def _store(way: str, url: str) -> PostgresStore:
    sealer = Sealer(bytes(range(KEY_BYTES))) if way.startswith("sealed") else None
    return PostgresStore(url, sealer=sealer, chained=way != BARE)


async def _new_database(postgres: EmbeddedPostgres, name: str) -> str:
    connection = await asyncpg.connect(postgres.url_of("postgres", role="postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name} OWNER dipcheck")
    finally:
        await connection.close()
    return postgres.url_of(name, role="dipcheck")


def _payloads(rulebook: Rulebook, bodies: tuple[Body, ...], verdicts: int) -> list[bytes]:
    insider = Insider(rulebook)
    try:
        payloads: list[bytes] = []
        insider.journal.seen = payloads.append
        for number in range(verdicts):
            insider.request(insider.fresh(bodies[number % len(bodies)]))
        return payloads
    finally:
        insider.close()


async def _drain(payloads: list[bytes], postgres: EmbeddedPostgres, store: PostgresStore, folder: Path) -> Drained:
    journal = Journal(folder)
    for payload in payloads:
        journal.append(payload)
    recorder = Recorder(journal, store)
    server, started, cpu = _cpu_ns(postgres), time.perf_counter(), time.process_time()
    recorder.start()
    while recorder.depth_bytes:
        await asyncio.sleep(0.005)
        if time.perf_counter() - started > _PATIENCE:
            raise RuntimeError(f"the recorder does not get on: {recorder.last_error}")
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    server = _cpu_ns(postgres) - server  # before its connection ends, and with it its clock
    await recorder.drain(5.0)
    journal.close()
    rows = await _rows(postgres.url_of(folder.name, role="dipcheck"))
    if rows[0] != len(payloads):
        raise AssertionError(f"{rows[0]} of {len(payloads)} verdicts are in the database")
    number = len(payloads)
    size = sum(map(len, payloads)) / number
    return Drained(number, sum(rows), seconds, cpu * 1_000_000 / number, server / 1000 / number, size)


def _cpu_ns(postgres: EmbeddedPostgres) -> int:
    return sum(cpu_clock_ns(pid) for pid in tree(postgres.pid or 0))


async def _rows(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]
    finally:
        await connection.close()
