"""COPY that ends: asyncpg's waits for ever for room in a connection that is gone, or that nobody reads from.

In: rows and a connection. Out: the rows in the table, or ``TimeoutError`` once the connection is lost or the time is
over. asyncpg's own ``timeout`` is not heeded while a COPY of records waits to write (``writing_allowed`` in its
``copy_in``), and a lost connection does not wake it.
"""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

import asyncpg

LONGEST = 60.0
"""Seconds a COPY may take, as long as any statement of the recorder."""


async def copy_rows(
    connection: "asyncpg.Connection[asyncpg.Record]",
    table: str,
    *,
    records: AsyncIterable[Any],
    columns: tuple[str, ...],
    schema_name: str | None = None,
) -> None:
    """Copy rows as ``copy_records_to_table`` does. Raises ``TimeoutError``; the connection is ended then."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LONGEST) as limit:

            def lost(_connection: object) -> None:
                if not limit.expired():
                    limit.reschedule(loop.time())

            connection.add_termination_listener(lost)
            try:
                await connection.copy_records_to_table(table, records=records, columns=columns, schema_name=schema_name)
            finally:
                connection.remove_termination_listener(lost)
    except TimeoutError:
        connection.terminate()  # a roll-back would wait for the same silent server
        raise
