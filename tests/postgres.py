"""One PostgreSQL for a test session, and a new database for whoever asks.

The bundled one in a temporary directory, or that of `DIPCHECK_TEST_DATABASE_URL`, whose role must be allowed to
create databases. A test that needs tables gets a copy of one migrated database, which costs no second migration.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from service.embedded_postgres import DataDirectoryLock, EmbeddedPostgres

# What a test server needs not survive, which makes it several times faster.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def execute(url: str, *statements: str) -> list[asyncpg.Record]:
    """Run statements on a connection of their own; give the rows of the last."""

    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetch(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def value(url: str, statement: str) -> Any:
    """Give the first column of the first row."""
    return execute(url, statement)[0][0]


class PostgresServer:
    """A running server that hands out databases."""

    def __init__(self, admin_url: str, *, owner_url: str) -> None:
        """Take one address to create databases with, and one whose role shall own them."""
        self._admin_url = admin_url
        self._owner_url = owner_url
        self._numbers = count(1)
        self._prefix = f"dipcheck_test_{os.getpid()}"
        self._template: str | None = None
        self._made: list[str] = []

    def new_database(self, *, template: str = "template0") -> str:
        """Create an empty database and give its address."""
        name = f"{self._prefix}_{next(self._numbers)}"
        owner = value(self._owner_url, "SELECT current_user")
        execute(self._admin_url, f'CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE "{template}"')
        self._made.append(name)
        return self._url_of(name)

    def migrated_database(self) -> str:
        """Create a database with all tables and give its address."""
        if self._template is None:
            from service.db.migrate import upgrade

            url = self.new_database()
            upgrade(url)
            self._template = self._made[-1]
        return self.new_database(template=self._template)

    def drop(self, url: str) -> None:
        """Drop a database, ending whatever is still connected to it."""
        name = urlsplit(url).path.removeprefix("/")
        execute(self._admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._made.remove(name)

    def close(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        for name in self._made:
            execute(self._admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._made.clear()

    def _url_of(self, name: str) -> str:
        return urlsplit(self._owner_url)._replace(path=f"/{name}").geturl()


@contextmanager
def running_server() -> Generator[PostgresServer]:
    """Run the bundled PostgreSQL, or use the configured one, while the block lasts."""
    configured = os.environ.get("DIPCHECK_TEST_DATABASE_URL")
    if configured:
        server = PostgresServer(configured, owner_url=configured)
        try:
            yield server
        finally:
            server.close()
        return
    with (
        tempfile.TemporaryDirectory(prefix="dipcheck-test-") as directory,
        DataDirectoryLock.acquire(Path(directory, "data")) as lock,
    ):
        postgres = EmbeddedPostgres(lock, overrides=QUICK)
        try:
            postgres.wait_until_ready()
            yield PostgresServer(postgres.url_of("postgres", role="postgres"), owner_url=postgres.url)
        finally:
            postgres.stop()
