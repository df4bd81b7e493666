"""Databases that are down, slow or refuse, and disks that are full: every check is answered, and what was
acknowledged as recorded is in PostgreSQL in the end. Each outage lasts seconds here.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.faults.callers import Callers
from tests.faults.conftest import small_disk
from tests.faults.proxy import Proxy
from tests.faults.server import Server, eventually
from tests.postgres import execute

pytestmark = [pytest.mark.db, pytest.mark.slow, pytest.mark.timeout(600)]
OUTAGE = 4.0
"""Seconds."""


@pytest.fixture
def server(tmp_path: Path, proxy: Proxy) -> Iterator[Server]:
    """A server whose database is behind the proxy."""
    with Server(tmp_path / "data", database_url=proxy.url, fsync="always") as server:
        server.start()
        eventually(lambda: server.status().get("activation") == "database", "the database")
        yield server


def ids_in(url: str) -> Counter[str]:
    return Counter(str(row["id"]) for row in execute(url, "SELECT id FROM verdict"))


def assert_stored(url: str, callers: Callers) -> None:
    """Everything acknowledged as recorded comes, once; nothing was refused."""
    eventually(lambda: set(callers.recorded) <= set(ids_in(url)), "all that was acknowledged")
    assert set(ids_in(url).values()) == {1}
    assert callers.failed == []
    assert callers.broken == 0


def test_a_database_that_is_gone_for_a_while(server: Server, proxy: Proxy, database_url: str) -> None:
    """Stopped and started again under load: answers go on as before, and all are recorded."""
    with Callers(lambda: server.port) as callers:
        eventually(lambda: ids_in(database_url), "the first rows")
        proxy.close()
        answered, stored = callers.answered, len(ids_in(database_url))
        time.sleep(OUTAGE)
        during = callers.answered - answered
        status = server.status()
        assert len(ids_in(database_url)) == stored
        proxy.open()
        eventually(lambda: len(ids_in(database_url)) > stored + during, "what was answered meanwhile")
        rate_before_and_after = callers.answered

    assert_stored(database_url, callers)
    assert during > 20
    assert rate_before_and_after > answered + during
    assert status["ready"]
    assert status["journal"]["records"] >= during / 2
    assert 0 < status["journal"]["lag_seconds"] < OUTAGE + 5
    assert status["database"]["last_error"]
    assert server.counter("retries") > 0
    assert callers.unrecorded == set()


def test_a_slow_database(server: Server, proxy: Proxy, database_url: str) -> None:
    """Every packet a fifth of a second late: no answer is."""
    with Callers(lambda: server.port) as callers:
        eventually(lambda: callers.answered > 50, "answers")
        before = len(callers.latencies)
        proxy.delay = 0.2
        time.sleep(OUTAGE)
        during = sorted(callers.latencies[before:])
        proxy.delay = 0.0

    assert_stored(database_url, callers)
    assert during[len(during) // 2] < 0.2
    assert callers.unrecorded == set()


def test_a_connection_cut_in_the_middle_of_a_copy(server: Server, proxy: Proxy, database_url: str) -> None:
    """Half a batch is none: it is written again, and no row is there twice."""
    with Callers(lambda: server.port) as callers:
        eventually(lambda: ids_in(database_url), "the first rows")
        proxy.cuts_in_copy = 5
        eventually(lambda: proxy.cut == 5, "five cuts")

    assert_stored(database_url, callers)
    assert server.counter("retries") >= 5
    assert callers.unrecorded == set()


def test_a_connection_that_stalls_and_goes_away(server: Server, proxy: Proxy, database_url: str) -> None:
    """A COPY that waits for a silent server is told when the connection ends."""
    with Callers(lambda: server.port) as callers:
        eventually(lambda: ids_in(database_url), "the first rows")
        proxy.stall()
        eventually(lambda: proxy.stalled, "a COPY")
        before = callers.answered
        time.sleep(OUTAGE)
        assert callers.answered > before + 20
        proxy.close()
        proxy.open()

    assert_stored(database_url, callers)
    assert callers.unrecorded == set()


async def _locked(url: str, seconds: float) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE finding IN ACCESS EXCLUSIVE MODE")
            await connection.fetchval("SELECT pg_sleep($1)", seconds)
    finally:
        await connection.close()


def test_a_database_that_refuses_for_a_lock(tmp_path: Path, database_url: str) -> None:
    """Somebody holds a table longer than the database lets anybody wait: tried again until it is free."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    execute(database_url, f"ALTER DATABASE \"{name}\" SET lock_timeout = '100ms'")
    with Server(tmp_path / "data", database_url=database_url) as server:
        server.start()
        with Callers(lambda: server.port) as callers:
            eventually(lambda: ids_in(database_url), "the first rows")
            asyncio.run(_locked(database_url, OUTAGE))

        assert_stored(database_url, callers)
        assert server.counter("retries") > 0
        assert server.counter("set_aside") == 0
        assert callers.unrecorded == set()


def test_a_full_disk(tmp_path: Path, proxy: Proxy, database_url: str) -> None:
    """No room: answers go on, say so, and are counted; with room again they are recorded again."""
    with (
        small_disk(tmp_path / "disk", "24m") as disk,
        Server(disk / "data", database_url=proxy.url, fsync="always") as server,
    ):
        server.log = tmp_path / "server.log"
        server.start()
        eventually(lambda: server.status().get("activation") == "database", "the database")
        with Callers(lambda: server.port) as callers:
            eventually(lambda: len(callers.recorded) > 50, "recorded answers")
            _fill(disk / "ballast")
            eventually(lambda: len(callers.unrecorded) > 50, "answers that say that they are not recorded")
            worker = server.workers()
            refused = server.counter("not_recorded_full")
            (disk / "ballast").unlink()
            before = len(callers.recorded)
            eventually(lambda: len(callers.recorded) > before + 50, "recorded answers again")

        assert_stored(database_url, callers)
        assert refused > 50
        assert server.workers() == worker
        assert server.status()["ready"]


def _fill(path: Path) -> None:
    """Write until nothing fits any more, not a byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
