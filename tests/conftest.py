"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.postgres import PostgresServer, running_server


@pytest.fixture(scope="session")
def postgres_server() -> Generator[PostgresServer]:
    """One PostgreSQL for the whole session; ask it for `new_database()` or `migrated_database()`."""
    with running_server() as server:
        yield server


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Generator[str]:
    """A database of this test's own, with all tables and no rows."""
    url = postgres_server.migrated_database()
    yield url
    postgres_server.drop(url)
