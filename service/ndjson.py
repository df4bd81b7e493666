"""Lines of JSON in, lines of JSON out, both while the other is under way; memory stays flat whatever the length.

A caller may read answers while it still sends, or send everything first and read later: what the caller sends is always
taken, in memory first and then into a temporary file, so that neither waits for the other. Only one line is ever held
whole; a line longer than allowed becomes an error line of its own.
"""

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MEDIA_TYPE: Final = "application/x-ndjson"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/ndjson", "application/jsonl", "application/x-jsonlines")
IN_MEMORY: Final = 1024 * 1024
ON_DISK: Final = 1024**3
"""Bytes waiting beyond which the caller must wait for answers."""
BLOCK: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class Spool:
    """First in, first out: in memory up to so many bytes, the rest in a file that is gone when closed."""

    def __init__(self, memory: int = IN_MEMORY) -> None:
        self._memory = memory
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._read = self._written = 0

    @property
    def waiting(self) -> int:
        """Bytes not taken yet."""
        return self._held + self._written - self._read

    def put(self, chunk: bytes) -> None:
        """Add bytes at the end."""
        if self._read == self._written and self._held + len(chunk) <= self._memory:
            self._chunks.append(chunk)
            self._held += len(chunk)
            return
        if self._file is None:
            # Closed by ``close``: the spool outlives any one block.
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._file.seek(self._written)
        self._written += self._file.write(chunk)

    def take(self) -> bytes:
        """Return the next bytes; empty when there are none."""
        if self._chunks:
            chunk = self._chunks.popleft()
            self._held -= len(chunk)
            return chunk
        if self._file is None or self._read == self._written:
            return b""
        self._file.seek(self._read)
        chunk = self._file.read(min(BLOCK, self._written - self._read))
        self._read += len(chunk)
        if self._read == self._written:
            self._read = self._written = 0
            self._file.truncate(0)
        return chunk

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()


class Upload:
    """What a caller sends, taken as it comes by a task of its own."""

    def __init__(self, receive: Receive, *, memory: int = IN_MEMORY, disk: int = ON_DISK) -> None:
        self._receive = receive
        self._spool = Spool(memory)
        self._disk = disk
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False
        self.gone = False
        """The caller went away: nobody reads answers."""

    async def run(self) -> None:
        """Take what comes until the caller goes away."""
        try:
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return
                self._spool.put(message.get("body", b""))
                self._ended = self._ended or not message.get("more_body", False)
                self._news.set()
                while self._spool.waiting > self._disk:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self.gone = True
            self._news.set()

    @property
    def cut(self) -> bool:
        """The caller went away before everything was sent."""
        return self.gone and not self._ended

    @property
    def idle(self) -> bool:
        """Nothing waits to be answered."""
        return not self._spool.waiting

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what came, until the caller has sent everything or went away."""
        while True:
            chunk = self._spool.take()
            self._room.set()
            if chunk:
                yield chunk
            elif self._ended or self.gone:
                return
            else:
                self._news.clear()
                await self._news.wait()

    def close(self) -> None:
        """Let go of what was not read."""
        self._spool.close()


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """One line of an upload, numbered from 1; blank lines count and are not handed on."""

    number: int
    body: bytes | None
    """``None``: longer than allowed."""


class LineSplitter:
    """Cuts chunks into lines; holds at most one unfinished line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._number = 0
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[NumberedLine]:
        """Yield the lines that a chunk completes."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            yield from self._line(line)
        self._too_long = self._too_long or len(rest) > self._limit
        self._rest = b"" if self._too_long else rest

    def end(self) -> Iterator[NumberedLine]:
        """Yield the last line, which need not end in a line break."""
        if self._rest or self._too_long:
            yield from self._line(self._rest)

    def _line(self, line: bytes) -> Iterator[NumberedLine]:
        self._number += 1
        too_long = self._too_long or len(line) > self._limit
        self._too_long = False
        if self._number == 1:
            line = line.removeprefix(_BOM)
        line = line.strip()
        if too_long or line:
            yield NumberedLine(self._number, None if too_long else line)


async def lines_of(upload: Upload, limit: int) -> AsyncIterator[NumberedLine]:
    """Yield the lines of an upload."""
    splitter = LineSplitter(limit)
    async for chunk in upload.chunks():
        for line in splitter.feed(chunk):
            yield line
    if not upload.gone:
        for line in splitter.end():
            yield line


class LineAnswers(Response):
    """A response that answers each line of the request with one line, in order, as they come."""

    media_type = MEDIA_TYPE

    def __init__(
        self, answer: Callable[[NumberedLine], bytes], *, limit: int, closing: Callable[[], bytes] = bytes
    ) -> None:
        """``answer`` gives a line's answer without its line break; ``closing`` what follows the last one."""
        super().__init__()
        del self.headers["content-length"]
        self._answer = answer
        self._limit = limit
        self._closing = closing

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer line by line; stop when the caller goes away."""
        upload = Upload(receive)
        taking = asyncio.create_task(upload.run(), name="ndjson-upload")
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._serve(upload, send)
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            upload.close()

    async def _serve(self, upload: Upload, send: Send) -> None:
        splitter, ready = LineSplitter(self._limit), bytearray()
        async for chunk in upload.chunks():
            await self._answer_all(splitter.feed(chunk), ready, upload, send)
            if ready and upload.idle:
                await _send(ready, send)
        if upload.gone:
            return
        await self._answer_all(splitter.end(), ready, upload, send)
        if closing := self._closing():
            ready += closing + b"\n"
        await _send(ready, send, more=False)

    async def _answer_all(self, lines: Iterator[NumberedLine], ready: bytearray, upload: Upload, send: Send) -> None:
        for line in lines:
            if upload.gone:
                return
            ready += self._answer(line) + b"\n"
            if len(ready) >= BLOCK:
                await _send(ready, send)
            # Other callers' checks come in between.
            await asyncio.sleep(0)


async def _send(ready: bytearray, send: Send, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": bytes(ready), "more_body": more})
    ready.clear()
