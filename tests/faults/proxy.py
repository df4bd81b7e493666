"""A way to PostgreSQL that a test can slow down, cut or close, as networks and servers do."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

_PORT: Final = 5432
_CHUNK: Final = 64 * 1024


class Proxy:
    """Listens on a Unix socket and passes on, on a thread of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        """``url`` is where the database is; ``folder`` takes the socket and must have a short name."""
        self._target = urlsplit(url)
        self._folder = folder
        self.url = self._target._replace(
            netloc=self._target.netloc.rpartition("@")[0] + "@" if "@" in self._target.netloc else "",
            query=f"host={quote(str(folder), safe='')}&port={_PORT}",
        ).geturl()
        self.delay = 0.0
        """Seconds that everything is late, in both directions."""
        self.cuts_in_copy = 0
        """How many times more a connection is cut in the middle of a COPY."""
        self.cut = 0
        """Connections that were."""
        self.stalled = False
        """A COPY came while it should stall; nothing is passed on since."""
        self._stalls = False
        self._resumed = asyncio.Event()
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._run(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stall(self) -> None:
        """Pass nothing on any more once a COPY has begun, and do not say so."""
        self._resumed.clear()
        self._stalls = True

    def close(self) -> None:
        """Cut all connections and take no more, as a server that was stopped."""
        self._open = False
        self._loop.call_soon_threadsafe(self._cut_all)

    def open(self) -> None:
        """Take connections and pass on again."""
        self._open, self._stalls, self.stalled = True, False, False
        self._loop.call_soon_threadsafe(self._resumed.set)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _begin(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._folder / f".s.PGSQL.{_PORT}")

    async def _end(self) -> None:
        self._server.close()
        self._resumed.set()
        self._cut_all()
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=5)

    def _cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        there, back = await self._connected()
        self._writers |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, back, towards_server=True))
                group.create_task(self._pass_on(there, writer, towards_server=False))
        except* OSError:
            pass
        finally:
            self._writers -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        asked = parse_qs(self._target.query)
        host = asked.get("host", [self._target.hostname or "127.0.0.1"])[0]
        port = int(asked.get("port", [str(self._target.port or _PORT)])[0])
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, towards_server: bool
    ) -> None:
        copying = False
        while data := await reader.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            if copying and self._stalls:
                self.stalled = True
                await self._resumed.wait()
                raise ConnectionAbortedError
            if copying and self.cuts_in_copy:
                self.cuts_in_copy -= 1
                self.cut += 1
                writer.write(data[: len(data) // 2])
                with suppress(TimeoutError):
                    await asyncio.wait_for(writer.drain(), 1.0)
                await asyncio.sleep(0.02)  # what was written must be there before the connection is not
                raise ConnectionAbortedError
            copying = towards_server and (copying or b"COPY " in data)
            writer.write(data)
            await writer.drain()
        raise ConnectionAbortedError
