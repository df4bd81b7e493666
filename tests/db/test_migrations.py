"""The database a migration makes is the one the code expects, and the way back is open."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from service.db.migrate import downgrade, is_ours, upgrade
from service.db.tables import PARTITIONED, metadata
from tests.postgres import PostgresServer, execute, value

pytestmark = pytest.mark.db

KEYS = (
    "SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index i"
    " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
    " WHERE i.indisprimary AND i.indrelid = '{}'::regclass"
)
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> Any:
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


def on(url: str, task: Callable[[Connection], Any]) -> Any:
    async def run() -> Any:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
        )
        async with engine.begin() as connection:
            return await connection.run_sync(task)

    return asyncio.run(run())


def test_up_down_up(empty_url: str) -> None:
    """Nothing is left behind by the way down that would stop the way up."""
    upgrade(empty_url)
    downgrade(empty_url, "base")
    assert value(empty_url, TABLES) == 1  # alembic_version
    upgrade(empty_url)
    upgrade(empty_url)

    assert value(empty_url, TABLES) == 1 + len(metadata.tables)


def test_tables_equal_migrations(database_url: str) -> None:
    """Autogenerate finds nothing to change; partitions are not its business."""
    execute(
        database_url,
        "CREATE TABLE verdict_2026_03 PARTITION OF verdict FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')",
        "SELECT 1",
    )
    options = {"include_name": is_ours, "compare_type": True, "compare_server_default": True}

    def differences(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert on(database_url, differences) == []


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_keys_equal_migrations(database_url: str, table: Any) -> None:
    """Autogenerate does not look at primary keys; and every row about a hospital has it first."""
    key = value(database_url, KEYS.format(table.name))

    assert key == [column.name for column in table.primary_key.columns]
    assert (key[:2] == ["hospital", "day"]) == (table.name in PARTITIONED)


def test_replicas_start_together(empty_url: str) -> None:
    """One migrates, the others wait and find it done."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(upgrade, [empty_url] * 6))

    assert value(empty_url, "SELECT count(*) FROM alembic_version") == 1


def test_a_held_table_lock_fails_instead_of_waiting(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration behind a long query would make every reader wait behind itself."""
    monkeypatch.setattr("service.db.migrate._LOCK_TIMEOUT", "50ms")
    upgrade(empty_url)

    async def attempt() -> None:
        holder = await asyncpg.connect(empty_url)
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM verdict")
            with pytest.raises(Exception, match="lock timeout"):
                await asyncio.to_thread(downgrade, empty_url, "base")
        await holder.close()

    asyncio.run(attempt())


def test_nobody_answers(empty_url: str) -> None:
    """The caller sees the reason at once."""
    absent = urlsplit(empty_url)._replace(path="/no_such_database").geturl()

    with pytest.raises(DBAPIError, match="no_such_database"):
        upgrade(absent)
