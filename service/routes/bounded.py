"""Routes under the limits that the hot path has: of what is read, from whom, and of what is said of a failure.

FastAPI takes a body whole, of any size and from anybody, before it looks at who calls. Here the key is asked for first,
then the media type, and what is read is bounded; what is no JSON is said to be none. What fails unforeseen is a problem
here already: further out the server would log it with its text, which may quote a row or a message.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import orjson
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from service.errors import INTERNAL, MEDIA_TYPE, NOT_JSON, Problem
from service.hot_path import JSON_TYPES, Disconnected, content_type, read_body
from service.instance import instance_of, require_caller

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_log = structlog.get_logger("dipcheck.app")
CLIENT_GONE: Final = 499
"""Nobody reads it; it only ends the call."""


class BoundedRoute(APIRoute):
    """A route that reads no more than ``max_body_bytes``, and only for callers with a key."""

    def get_route_handler(self) -> Handler:
        """Return the handler, with the body read before FastAPI asks for it."""
        handle = super().get_route_handler()
        declared = self.body_field is not None

        async def bounded(request: Request) -> Response:
            try:
                return await handle(await _with_body(request) if declared else request)
            except (Problem, HTTPException, RequestValidationError):
                raise
            except Disconnected:
                return Response(status_code=CLIENT_GONE)
            except Exception as error:
                _log.error("request failed", error=type(error).__name__, path=self.path)
                raise Problem(INTERNAL) from None

        return bounded


async def _with_body(request: Request) -> Request:
    """Return the request with its body read. Raises ``Problem``."""
    require_caller(request)
    require_json(request)
    body = await read_body(request.scope["headers"], request.receive, instance_of(request).settings.max_body_bytes)
    if body:
        decoded(body)
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return unread.pop() if unread else await request.receive()

    return Request(request.scope, receive)


def require_json(request: Request) -> None:
    """Raise ``Problem`` for a media type that is no JSON."""
    media = content_type(request.scope["headers"]).partition(";")[0].strip().lower()
    if media and media not in JSON_TYPES:
        raise Problem(MEDIA_TYPE, media)


def turn_of(request: Request, of: str) -> asyncio.Lock:
    """Return the worker's turn at something that would leave little time, memory or connections to others."""
    turns: dict[str, asyncio.Lock] = request.app.state.__dict__.setdefault("turns", {})
    return turns.setdefault(of, asyncio.Lock())


def decoded(body: bytes) -> Any:
    """Return the document in a body. Raises ``Problem`` for what is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(NOT_JSON, error.msg) from None
