"""Rows into tables: COPY, which is the fast way, or through a staging table where some may be there already.

In: rows with the columns of ``COLUMNS``. Out: rows in the table, each key once.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import asyncpg

from service.db.bounded_copy import copy_rows
from service.db.rows import COLUMNS, KEYS, Row

ROWS_A_TURN: Final = 64
"""Rows handed to the driver before other tasks of the event loop get their turn."""


async def turns(rows: Iterable[Row]) -> AsyncIterator[Row]:
    """Yield the rows, giving other tasks their turn: a batch must not hold up a check."""
    for count, row in enumerate(rows, 1):
        yield row
        if count % ROWS_A_TURN == 0:
            await asyncio.sleep(0)


async def copy(connection: "asyncpg.Connection[asyncpg.Record]", table: str, rows: Sequence[Row]) -> None:
    """Copy rows into a table. Raises ``asyncpg.UniqueViolationError`` when one is there already."""
    await copy_rows(connection, table, records=turns(rows), columns=COLUMNS[table])


class Staging:
    """The staging tables of one connection: made once, emptied by every commit."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def forget(self) -> None:
        """Believe in none: they went with the connection."""
        self._made.clear()

    async def ensure(self, connection: "asyncpg.Connection[asyncpg.Record]", tables: Iterable[str]) -> None:
        """Make what is missing, outside any transaction, so that no roll-back takes it away again."""
        for table in sorted(set(tables) - self._made):
            await connection.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS staging_{table} (LIKE {table} INCLUDING DEFAULTS)"
                " ON COMMIT DELETE ROWS"
            )
            self._made.add(table)


async def fill(connection: "asyncpg.Connection[asyncpg.Record]", table: str, rows: Iterable[Row]) -> None:
    """Copy rows into a table's staging table."""
    await copy_rows(connection, f"staging_{table}", records=turns(rows), columns=COLUMNS[table], schema_name="pg_temp")


async def stage(connection: "asyncpg.Connection[asyncpg.Record]", table: str, rows: Iterable[Row]) -> list[Row]:
    """Write rows of which some may be there already or come twice; return those that were not there.

    In the order of their keys, so that two writers of the same rows wait for each other and never in a circle.
    """
    length = KEYS[table]
    first: dict[Row, Row] = {}
    for row in rows:
        first.setdefault(row[:length], row)
    await fill(connection, table, first.values())
    names, key = ", ".join(COLUMNS[table]), ", ".join(COLUMNS[table][:length])
    inserted = await connection.fetch(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM pg_temp.staging_{table} ORDER BY {key}"
        f" ON CONFLICT DO NOTHING RETURNING {key}"
    )
    added = {tuple(row) for row in inserted}
    return [row for key_of, row in first.items() if key_of in added]
