"""Clients under whose load a server is killed: what each was told is remembered, to be held against the database."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from service.packs import EXAMPLE
from tests.writer.samples import SHANGHAI

_ANSWER_WITHIN: Final = 60.0
_DISPOSED_EVERY: Final = 7
"""Every so many answers a client also says what became of the first finding."""


class Callers:
    """So many clients on kept connections, each asking again as soon as it was answered, on a thread of their own.

    A client whose connection breaks asks again with the same message id, as a hospital's system does.
    """

    def __init__(self, port: Callable[[], int], *, clients: int = 8, pause: float = 0.02, name: str = "m") -> None:
        self.recorded: dict[str, int] = {}
        """Verdict id to findings, of answers that said `recorded: true`."""
        self.unrecorded: set[str] = set()
        """Verdict ids of answers that said `recorded: false`."""
        self.disposed: set[str] = set()
        """Ids of findings whose disposition was said to be stored."""
        self.broken = 0
        """Connections that broke before an answer was whole."""
        self.failed: list[str] = []
        """Answers that were none: any status but 200."""
        self.latencies: list[float] = []
        """Seconds."""
        self._port = port
        self._clients = clients
        self._pause = pause
        self._name = name
        # Its own time, so that one that is asked again after midnight is still the same message.
        self._encounter = EXAMPLE | {"time": datetime.now(UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self) -> "Callers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * _ANSWER_WITHIN)

    @property
    def answered(self) -> int:
        return len(self.recorded) + len(self.unrecorded)

    async def _all(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self._clients)))

    async def _client(self, number: int) -> None:
        connection: _Connection | None = None
        turn = 0
        while not self._stop.is_set():
            try:
                connection = connection or await _Connection.open(self._port())
                body = self._encounter | {"message_id": f"{self._name}-{number}-{turn}"}
                began = time.monotonic()
                answer = await self._ask(connection, "/v1/checks", body)
                self.latencies.append(time.monotonic() - began)
                if answer is not None:
                    self._note(answer)
                    if turn % _DISPOSED_EVERY == 0 and answer["findings"]:
                        await self._dispose(connection, answer["findings"][0]["id"])
                turn += 1
                await asyncio.sleep(self._pause)
            except (OSError, EOFError, TimeoutError):
                self.broken += 1
                if connection is not None:
                    connection.close()
                connection = None
                await asyncio.sleep(0.05)
        if connection is not None:
            connection.close()

    def _note(self, answer: dict[str, Any]) -> None:
        if answer["recorded"]:
            self.recorded[answer["id"]] = len(answer["findings"])
        else:
            self.unrecorded.add(answer["id"])

    async def _dispose(self, connection: "_Connection", finding: str) -> None:
        entry = {"finding": finding, "action": "continued", "reason": "病情需要"}
        answer = await self._ask(connection, "/v1/dispositions", {"dispositions": [entry]})
        if answer is not None and answer["dispositions"][0]["state"] == "stored":
            self.disposed.add(finding)

    async def _ask(self, connection: "_Connection", path: str, document: object) -> Any:
        async with asyncio.timeout(_ANSWER_WITHIN):
            status, body = await connection.post(path, orjson.dumps(document))
        if status == 200:
            return orjson.loads(body)
        self.failed.append(f"{status} {body[:200]!r}")
        return None


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: "
        self._writer.write(head.encode() + b"%d\r\n\r\n" % len(body) + body)
        found = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in found.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return int(found[9:12]), await self._reader.readexactly(int(length[15:]))

    def close(self) -> None:
        with suppress(OSError):
            self._writer.close()
