"""Brings a database's tables to the version of this code.

In: an address. Several replicas may start together: the first one migrates under an advisory lock, the others wait
and find nothing left to do. A migration that cannot get a table lock in five seconds fails instead of queueing
every reader behind itself.

Migrations only add, so that two versions run side by side on one schema (``docs/scale.md``). A service that finds the
tables of a version newer than itself leaves them as they are, and works.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import migrations
from service.db.pool import Tls
from service.db.tables import is_partition

_MIGRATION_LOCK: Final = 0x6469_7030
_LOCK_TIMEOUT: Final = "5s"


def upgrade(url: str, revision: str = "head", *, tls: Tls = None) -> None:
    """Migrate up to a revision. Not for a thread that runs an event loop.

    Raises what the database raises (``OSError`` when nobody answers, ``sqlalchemy.exc.DBAPIError``).
    """
    asyncio.run(_migrate(url, tls, lambda config: _upgrade(config, revision)))


def downgrade(url: str, revision: str, *, tls: Tls = None) -> None:
    """Migrate down to a revision (``base``: to nothing, losing every row). Raises as ``upgrade``."""
    asyncio.run(_migrate(url, tls, lambda config: command.downgrade(config, revision)))


def is_ours(name: str | None, kind: str, _parents: Mapping[str, Any]) -> bool:
    """Say whether migrations care about a database object: partitions are made as days need them."""
    return not (kind == "table" and name is not None and is_partition(name))


async def _migrate(url: str, tls: Tls, step: Callable[[Config], None]) -> None:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        # The driver reads the address itself, so that every part of the service understands the same ones.
        return await asyncpg.connect(url, ssl=tls, server_settings={"application_name": "dipcheck-migrate"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run, step)
    finally:
        await engine.dispose()


def _run(connection: Connection, step: Callable[[Config], None]) -> None:
    # The lock first: waiting for another replica to finish may take longer than a table lock may.
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    step(_config(connection))


def _upgrade(config: Config, revision: str) -> None:
    if not is_newer(config.attributes["connection"], ScriptDirectory.from_config(config)):
        command.upgrade(config, revision)


def is_newer(connection: Connection, known: ScriptDirectory) -> bool:
    """Say whether the tables are of a version that this code does not know yet."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current is not None and current not in {script.revision for script in known.walk_revisions()}


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
