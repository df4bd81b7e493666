"""A parent and a worker as small as can be, for tests of what surrounds the application.

`python -m tests.service.stand_in parent <data directory> [name=value ...]` serves with this module's own worker, or,
with `worker`, answers requests the way the real worker does but for the application behind it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKER = (sys.executable, "-m", "tests.service.stand_in", "worker")
NO_MIGRATION = (sys.executable, "-c", "")


@dataclass(frozen=True)
class StandInSettings:
    """The part of the settings that parent and worker read."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    database_url: str | None = None
    workers: int = 1
    drain_seconds: float = 10.0
    tls_certificate: Path | None = None
    tls_key: Path | None = None


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer `<worker index> <process id>`; under /slow only after a second."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    body = f"{os.environ['DIPCHECK_WORKER']} {os.getpid()}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


def packs(prepare: Callable[[Any], None] = lambda settings: None) -> Any:
    """Make a module to stand for `service.packs`, so that no rules need be compiled."""
    module: Any = types.ModuleType("service.packs")
    module.prepare = prepare
    module.welcome = lambda settings: f"serving on port {settings.port}"
    return module


def parent(data_dir: str, *assignments: str) -> int:
    from service.supervisor import serve

    sys.modules["service.packs"] = packs()
    given: dict[str, Any] = dict(assignment.split("=", 1) for assignment in assignments)
    for name, convert in (("workers", int), ("port", int), ("drain_seconds", float)):
        if name in given:
            given[name] = convert(given[name])
    settings = StandInSettings(Path(data_dir), **given)
    return serve(settings, worker_command=WORKER, migrate_command=NO_MIGRATION)  # type: ignore[arg-type]


def worker() -> int:
    from service.worker import run

    socket_fd, lifeline_fd = (int(os.environ[f"DIPCHECK_{name}_FD"]) for name in ("SOCKET", "LIFELINE"))
    settings = StandInSettings(Path(os.environ["DIPCHECK_DATA_DIR"]))
    return run(application, settings, socket_fd=socket_fd, lifeline_fd=lifeline_fd)  # type: ignore[arg-type]


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    sys.exit({"parent": parent, "worker": worker}[role](*arguments))
