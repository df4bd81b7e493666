"""A lazy pool of PostgreSQL connections that never keeps a request waiting longer than it allows.

In: an address (``postgresql://…``, a Unix socket directory as ``?host=`` works). Out: connections for the length of
a ``with`` block. A database that does not answer in time is a ``Problem`` of kind ``NO_DATABASE``, never a hang.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from service.errors import NO_DATABASE, Problem

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Tls: TypeAlias = ssl.SSLContext | bool | None
"""As asyncpg takes it; ``None`` leaves it to ``sslmode`` in the address."""

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
    asyncpg.QueryCanceledError,
)
"""What a database that is down, starting, full, not ours or not migrated yet raises."""


class Pool:
    """Connections to one database, made when first needed. Belongs to one event loop."""

    def __init__(
        self,
        url: str,
        *,
        tls: Tls = None,
        size: int = 4,
        command_timeout: float = 30.0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``settings`` are the server's, for every connection (``plan_cache_mode``)."""
        self._url = url
        self._settings = {"application_name": "dipcheck", **(settings or {})}
        self._tls = tls
        self._size = size
        self._command_timeout = command_timeout
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def connection(self, timeout: float) -> AsyncIterator[Connection]:  # noqa: ASYNC109 - callers pass a budget
        """Lend a connection; getting it and using it together may take ``timeout`` seconds.

        Raises ``Problem`` (``NO_DATABASE``) when the database does not answer by then.
        """
        try:
            async with asyncio.timeout(timeout):
                pool = await self._opened()
                connection = await pool.acquire()
                try:
                    yield connection
                except BaseException:
                    # Giving a connection back tidies it up by asking the server, which may be what just hung.
                    connection.terminate()
                    raise
                finally:
                    await pool.release(connection)
        except UNAVAILABLE as error:
            raise Problem(NO_DATABASE, detail=type(error).__name__) from error

    async def close(self) -> None:
        """End all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        # With no connection to begin with, nothing here waits, so two callers never make two pools.
        if self._pool is None or self._pool.is_closing():
            self._pool = await asyncpg.create_pool(
                self._url,
                ssl=self._tls,
                min_size=0,
                max_size=self._size,
                command_timeout=self._command_timeout,
                server_settings=self._settings,
            )
        return self._pool
