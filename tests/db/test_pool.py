"""A database that is not there costs a request its budget and no more."""

import socket
import time
from pathlib import Path

import asyncpg
import pytest

from service.db.pool import Pool
from service.errors import NO_DATABASE, Problem

pytestmark = pytest.mark.anyio


async def test_nobody_listens(tmp_path: Path) -> None:
    """The problem names the kind of failure, nothing of the address."""
    pool = Pool(f"postgresql://user:secret@/name?host={tmp_path}")

    with pytest.raises(Problem) as caught:
        async with pool.connection(1):
            pass
    assert caught.value.kind is NO_DATABASE
    assert "secret" not in str(caught.value)
    await pool.close()


async def test_a_server_that_says_nothing(tmp_path: Path) -> None:
    """Connected and silent: the budget ends it."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / ".s.PGSQL.5432"))
    server.listen()
    pool = Pool(f"postgresql://user@/name?host={tmp_path}")
    began = time.monotonic()

    with pytest.raises(Problem):
        async with pool.connection(0.2):
            pass
    assert time.monotonic() - began < 2
    await pool.close()
    server.close()


@pytest.mark.db
class TestWithDatabase:
    async def test_a_slow_query(self, database_url: str) -> None:
        """It ends at the budget, and the pool goes on."""
        pool = Pool(database_url, size=1)
        began = time.monotonic()
        with pytest.raises(Problem):
            async with pool.connection(0.2) as connection:
                await connection.execute("SELECT pg_sleep(30)")

        assert time.monotonic() - began < 2
        async with pool.connection(5) as connection:
            assert await connection.fetchval("SELECT 1") == 1
        await pool.close()

    async def test_all_connections_lent(self, database_url: str) -> None:
        """Waiting for one counts against the budget as well."""
        pool = Pool(database_url, size=1)
        async with pool.connection(5):
            with pytest.raises(Problem):
                async with pool.connection(0.1):
                    pass
        await pool.close()

    async def test_a_fault_of_ours_is_not_hidden(self, database_url: str) -> None:
        """Wrong SQL is a bug, not an outage."""
        pool = Pool(database_url)
        with pytest.raises(asyncpg.PostgresSyntaxError):
            async with pool.connection(5) as connection:
                await connection.execute("SELEKT")
        await pool.close()

    async def test_opens_again_after_close(self, database_url: str) -> None:
        """Closing lets go of connections, not of the address."""
        pool = Pool(database_url)
        for _ in range(2):
            async with pool.connection(5) as connection:
                assert await connection.fetchval("SELECT 1") == 1
            await pool.close()
