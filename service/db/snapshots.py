"""The database as a backup sees it: one snapshot, what is in it, and what a restored one holds.

In: an address. Out: the number of a snapshot that ``pg_dump`` is told, with rows counted in that same snapshot.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
from alembic.script import ScriptDirectory

import migrations
from service.db.pool import UNAVAILABLE
from service.db.tables import metadata
from service.errors import NO_DATABASE, Problem

VERSIONS: Final = "alembic_version"
_APPLICATION: Final = "dipcheck-backup"
_CONNECT_WITHIN: Final = 10.0
_LOCK_WITHIN: Final = "60s"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the database; good as long as the block it comes from lasts."""

    id: str
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Described:
    """What a database is: the server's major version, the revision of our tables, and whose tables are in it."""

    server: int
    schema: str | None
    tables: frozenset[str]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Lend a connection without time limits. Raises ``Problem`` (``NO_DATABASE``) when it does not do as asked."""
    settings = {"application_name": _APPLICATION, "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_WITHIN, server_settings=settings)
    except UNAVAILABLE as error:
        raise Problem(NO_DATABASE, detail=f"{type(error).__name__}: {error}") from error
    try:
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Problem(NO_DATABASE, detail=f"{type(error).__name__}: {error}") from error
    finally:
        await connection.close(timeout=_CONNECT_WITHIN)


def newest_revision() -> str:
    """Return the revision of the tables that this code knows."""
    return ScriptDirectory(migrations.__path__[0]).get_current_head() or ""


def knows_revision(revision: str) -> bool:
    """Say whether this code can bring tables of a revision up to its own."""
    scripts = ScriptDirectory(migrations.__path__[0])
    return revision in {script.revision for script in scripts.walk_revisions()}


async def describe(connection: "asyncpg.Connection[asyncpg.Record]") -> Described:
    """Return what a database is."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
    )
    tables = frozenset(row["relname"] for row in rows)
    schema = await connection.fetchval(f"SELECT version_num FROM {VERSIONS}") if VERSIONS in tables else None
    return Described(connection.get_server_version().major, schema, tables)


@asynccontextmanager
async def snapshot(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Snapshot]:
    """Hold the database still, for whoever is told the snapshot's number; others go on writing.

    Tables are locked first, so that nothing in the snapshot is dropped (``dipcheck retain``) before it is read.
    """
    tables = sorted(metadata.tables)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WITHIN}'")
        await connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS SHARE MODE")
        number = await connection.fetchval("SELECT pg_export_snapshot()")
        yield Snapshot(number, await counts(connection))


async def counts(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    """Return rows by table."""
    return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in sorted(metadata.tables)}


async def positions(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, tuple[int, int]]:
    """Return (segment, offset) up to which each worker's journal is in the database."""
    rows = await connection.fetch('SELECT worker, segment, "offset" FROM journal_position')
    return {str(row["worker"]): (row["segment"], row["offset"]) for row in rows}


async def missing(
    connection: "asyncpg.Connection[asyncpg.Record]", verdicts: Mapping[str, Iterable[str]]
) -> dict[str, set[str]]:
    """Return which of these verdicts (ids by hospital) the database does not hold."""
    absent = {}
    for hospital, ids in verdicts.items():
        wanted = [UUID(one) for one in ids]
        rows = await connection.fetch(
            "SELECT id FROM verdict WHERE hospital = $1 AND id = ANY($2::uuid[])", hospital, wanted
        )
        absent[hospital] = {str(one) for one in wanted} - {str(row["id"]) for row in rows}
    return absent


async def analyze(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Gather what the planner wants to know of tables that were just filled."""
    await connection.execute("ANALYZE")
