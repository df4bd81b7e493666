"""Async tests of the database run on asyncio."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stray_futures() -> AsyncIterator[list[str]]:
    """Collect what asyncpg leaves behind when a connection goes away in the middle of a COPY.

    It raises to its caller, which is what the recorder retries; but on a busy machine a future of the command it had
    begun, or of its cancelling, can be nobody's, and Python reports it when it is collected. Nothing else passes.
    """
    loop = asyncio.get_running_loop()
    was, strays = loop.get_exception_handler(), []

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(context.get("exception"), asyncpg.ConnectionDoesNotExistError):
            strays.append(context["message"])
        elif was is not None:
            was(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    yield strays
    gc.collect()  # what a traceback still holds would otherwise be reported in a later test
    loop.set_exception_handler(was)
