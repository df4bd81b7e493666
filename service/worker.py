"""One worker: the application on the port that the parent opened, until it is told to stop or the parent is gone.

Run as `python -m service.worker` by the supervisor, which says in the environment which descriptors it hands over.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

import uvicorn
import uvloop

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from service.settings import Settings

__all__ = ["main", "run"]

_DRAIN_SHARE: Final = 0.7  # of the drain time is for requests under way; the rest for the journal and the recorder
_KEEP_ALIVE_SECONDS: Final = 75  # longer than clients and proxies keep a connection, so that they close it
_STUCK_SECONDS: Final = 5.0  # after an orphan's drain time, until it is ended by force


class _Server(uvicorn.Server):
    """A server that ends with code 0 when asked to: uvicorn's own would die of the signal it was sent."""

    def handle_exit(self, *_: object) -> None:
        """Stop in good order; how often it is asked makes no difference."""
        self.should_exit = True


def main() -> int:
    """Serve as the environment says; return the exit code."""
    from service.app import create_app  # noqa: PLC0415 - what takes long to import comes last
    from service.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    return run(
        create_app(settings),
        settings,
        socket_fd=int(os.environ["DIPCHECK_SOCKET_FD"]),
        lifeline_fd=int(os.environ["DIPCHECK_LIFELINE_FD"]),
    )


def run(app: ASGIApp, settings: Settings, *, socket_fd: int, lifeline_fd: int) -> int:
    """Serve an application on a listening socket until SIGTERM, or until the other end of the lifeline closes."""
    server = _Server(_config(app, settings))
    watcher = threading.Thread(
        target=_watch_lifeline, args=(lifeline_fd, server, settings.drain_seconds), name="lifeline", daemon=True
    )
    with socket.socket(fileno=socket_fd) as listener:
        watcher.start()
        uvloop.run(server.serve(sockets=[listener]))
    return 0


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds * _DRAIN_SHARE)),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


def _watch_lifeline(descriptor: int, server: uvicorn.Server, drain_seconds: float) -> None:
    """Stop the server when the parent is gone, and end a process that cannot stop.

    On a thread of its own, because an event loop that hangs would not see it.
    """
    os.read(descriptor, 1)  # nobody ever writes: it returns when the last writing end is closed
    server.should_exit = True
    time.sleep(drain_seconds + _STUCK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
