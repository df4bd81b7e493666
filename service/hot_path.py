"""The hot path: a small ASGI layer in front of FastAPI that answers checks itself (decision 13).

In: an HTTP POST on a dialect's path. Out: the flow's reply. Everything else goes on to the application behind it.
Authentication, size and media type are settled here, in each dialect's own envelope; the body is read once.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from service import keys
from service.check_flow import CheckFlow
from service.dialects._contract import Call, Dialect, Reply
from service.errors import MEDIA_TYPE, TOO_LARGE, UNAUTHENTICATED, Problem
from service.sites import Sites

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON_TYPES: Final = ("application/json", "text/json", "application/fhir+json")


NOBODY: Final = keys.Caller("", None)
"""Who was not admitted."""


class Disconnected(Exception):
    """The caller went away before its message was complete; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What every call needs to know of this instance."""

    keys: keys.KeyRing
    sites: Sites
    pseudonym: Callable[[str], str]
    zone: tzinfo
    hospital: str
    max_body: int
    max_lines: int
    clock: Callable[[], datetime]


class HotPath:
    """Answers dialect paths, passes the rest on."""

    def __init__(self, app: App, flow: CheckFlow, dialects: Iterable[Dialect], entrance: Entrance) -> None:
        self._app = app
        self._flow = flow
        self._entrance = entrance
        self._exact: dict[str, Dialect] = {}
        self._under: dict[str, Dialect] = {}
        for dialect in dialects:
            for path in dialect.paths:
                (self._under if path.endswith("/*") else self._exact)[path.removesuffix("/*")] = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one ASGI call."""
        if scope["type"] == "http" and scope["method"] == "POST":
            dialect = self.dialect_of(scope["path"])
            if dialect is not None:
                await self.serve(dialect, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def dialect_of(self, path: str) -> Dialect | None:
        """Return the dialect that answers a path."""
        found = self._exact.get(path)
        if found is None and (head := path.rpartition("/")[0]) in self._under:
            return self._under[head]
        return found

    async def serve(self, dialect: Dialect, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the message, answer it, write the reply."""
        try:
            caller = self.admit(scope["headers"])
            body = await read_body(scope["headers"], receive, self._entrance.max_body)
            reply = await self._flow.answer(dialect, self._call(scope, body, caller))
        except Problem as problem:
            reply = self._flow.refuse(dialect, problem, self._call(scope, b""))
        except Disconnected:
            return
        await send_reply(reply, send)

    def admit(self, headers: list[tuple[bytes, bytes]]) -> keys.Caller:
        """Return who calls. Raises ``Problem``: unknown key, or a media type that is no JSON."""
        caller = self._entrance.keys.caller(keys.presented(headers))
        if caller is None:
            raise Problem(UNAUTHENTICATED)
        media = content_type(headers).partition(";")[0].strip().lower()
        if media and media not in JSON_TYPES:
            raise Problem(MEDIA_TYPE, media)
        return caller

    def _call(self, scope: Scope, body: bytes, caller: keys.Caller = NOBODY) -> Call:
        entrance = self._entrance
        return Call(
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            body=body,
            content_type=content_type(scope["headers"]),
            received=entrance.clock(),
            hospital=caller.hospital,
            default_hospital=entrance.hospital,
            sites=entrance.sites,
            pseudonym=entrance.pseudonym,
            zone=entrance.zone,
            max_lines=entrance.max_lines,
            caller=caller.name,
            headers=scope["headers"],
        )

    def call_for(self, scope: Scope, body: bytes, caller: keys.Caller) -> Call:
        """Return a call built from a request that another route has read (batches)."""
        return self._call(scope, body, caller)


def content_type(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the content type header as text."""
    return next((value.decode("latin-1") for name, value in headers if name == b"content-type"), "")


async def read_body(headers: list[tuple[bytes, bytes]], receive: Receive, limit: int) -> bytes:
    """Return the whole body. Raises ``Problem`` above the limit, announced or not; ``Disconnected`` when cut off."""
    announced = next((value for name, value in headers if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > limit:
        raise Problem(TOO_LARGE, f"上限 {limit} 字节")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise Problem(TOO_LARGE, f"上限 {limit} 字节")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def send_reply(reply: Reply, send: Send) -> None:
    """Write a reply."""
    headers = [(b"content-type", reply.content_type), (b"content-length", str(len(reply.body)).encode())]
    if reply.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if reply.status == 413:
        # The rest of the body is not read, so the connection cannot be used again.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
