"""The recorder alone: journaled verdicts into PostgreSQL, rows per second and CPU. A PostgreSQL of its own."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from bench.inside import Insider
from bench.messages import Body
from rules import Rulebook
from service.db.migrate import upgrade
from service.db.writes import PostgresStore
from service.embedded_postgres import DataDirectoryLock, EmbeddedPostgres
from service.journal import Journal
from service.recorder import Recorder

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
    payload_bytes: float
    """Journal bytes of one verdict."""


def drain(rulebook: Rulebook, bodies: tuple[Body, ...], verdicts: int) -> Drained:
    """Journal so many verdicts, then let the recorder loose on them."""
    payloads = _payloads(rulebook, bodies, verdicts)
    with tempfile.TemporaryDirectory(prefix="dipcheck-bench-") as folder:
        Path(folder).chmod(0o755)
        with DataDirectoryLock.acquire(Path(folder) / "data") as lock:
            postgres = EmbeddedPostgres(lock)
            try:
                postgres.wait_until_ready()
                upgrade(postgres.url)
                return asyncio.run(_drain(payloads, postgres.url, Path(folder) / "journal"))
            finally:
                postgres.stop()


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


async def _drain(payloads: list[bytes], url: str, folder: Path) -> Drained:
    journal = Journal(folder)
    for payload in payloads:
        journal.append(payload)
    store = PostgresStore(url)
    recorder = Recorder(journal, store)
    started, cpu = time.perf_counter(), time.process_time()
    recorder.start()
    while recorder.depth_bytes:
        await asyncio.sleep(0.005)
        if time.perf_counter() - started > _PATIENCE:
            raise RuntimeError(f"the recorder does not get on: {recorder.last_error}")
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    await recorder.drain(5.0)
    journal.close()
    rows = await _rows(url)
    if rows[0] != len(payloads):
        raise AssertionError(f"{rows[0]} of {len(payloads)} verdicts are in the database")
    size = sum(map(len, payloads)) / len(payloads)
    return Drained(len(payloads), sum(rows), seconds, cpu * 1_000_000 / len(payloads), size)


async def _rows(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]
    finally:
        await connection.close()
