"""The load generator: so many clients on kept connections, each asking again as soon as it is answered.

Bounded in time and in count, and only ever aimed at this machine. Latency is from the first byte sent to the last
received. ``wrk``, where it is installed, gives a throughput that no Python client holds back.
"""

import gc
import json
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from bench.arithmetic import percentile
from bench.messages import NUMBER_DIGITS, Body

HOST: Final = "127.0.0.1"
MOST: Final = 200_000
"""Requests of one run, whatever its time."""
_PATIENCE: Final = 20.0
_BUFFER: Final = 1 << 20
_NUMBERS: Final = count(int(time.time()) % 100_000 * 10_000)


class LoadError(RuntimeError):
    """A server did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and which in turn."""

    port: int
    path: str
    bodies: Sequence[Body]


@dataclass(frozen=True, slots=True)
class Load:
    """What one run brought."""

    requests: int
    seconds: float
    latencies: list[float] = field(repr=False)
    """Milliseconds, sorted."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def at(self, share: float) -> float:
        """Return a percentile of latency in milliseconds."""
        return percentile(self.latencies, share)


def head_of(target: Target, body: Body) -> bytes:
    """Return the request's head for a body."""
    return (
        f"POST {target.path} HTTP/1.1\r\nHost: {HOST}:{target.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {body.size}\r\n\r\n"
    ).encode()


class _Client:
    """One connection: a request under way and what came back of it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self.started = 0.0
        self._received = b""
        self._wanted = 0

    def ask(self, data: bytes) -> None:
        """Send a request."""
        self._received, self._wanted = b"", 0
        self.started = time.perf_counter()
        self.socket.sendall(data)

    def hear(self) -> bytes | None:
        """Take what has come; return the answer's body when it is whole. Raises ``LoadError`` for any but a 200."""
        data = self.socket.recv(_BUFFER)
        if not data:
            raise LoadError("the server closed the connection")
        self._received += data
        if not self._wanted:
            self._wanted = _length_of(self._received)
        if not self._wanted or len(self._received) < self._wanted:
            return None
        return self._received

    def close(self) -> None:
        self.socket.close()


def _length_of(data: bytes) -> int:
    """Return how long an answer is, head included; 0 while its head is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return 0
    if not data.startswith(b"HTTP/1.1 200"):
        raise LoadError(f"answered {data[9:12].decode('ascii', 'replace')}: {data[end + 4 : end + 300]!r}")
    at = data.lower().index(b"content-length:") + 15
    return end + 4 + int(data[at : data.index(b"\r", at)])


def ask(target: Target, body: Body) -> bytes:
    """Ask once, with a fresh message id, and return the answer's body."""
    client = _Client(target.port)
    try:
        client.ask(head_of(target, body) + body.numbered(next(_NUMBERS)))
        answer = None
        while answer is None:
            answer = client.hear()
        return answer.partition(b"\r\n\r\n")[2]
    finally:
        client.close()


def run(target: Target, clients: int, seconds: float, most: int = MOST) -> Load:
    """Load a server for a time and return what came of it. Raises ``LoadError``, or ``OSError`` if it is not there."""
    requests = [(head_of(target, body), body) for body in target.bodies]
    everyone = {client.socket.fileno(): client for client in (_Client(target.port) for _ in range(clients))}
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _run(everyone, requests, seconds, most)
    finally:
        if collecting:
            gc.enable()
        for client in everyone.values():
            client.close()


def _run(everyone: dict[int, _Client], requests: Sequence[tuple[bytes, Body]], seconds: float, most: int) -> Load:
    poll = select.epoll()
    turns = count()

    def ask_next(client: _Client) -> None:
        head, body = requests[next(turns) % len(requests)]
        client.ask(head + body.numbered(next(_NUMBERS)))

    started = time.perf_counter()
    for number, client in everyone.items():
        poll.register(number, select.EPOLLIN)
        ask_next(client)
    latencies: list[float] = []
    waiting = len(everyone)
    while waiting:
        ready = poll.poll(_PATIENCE)
        if not ready:
            raise LoadError("the server does not answer")
        for number, _ in ready:
            client = everyone[number]
            if client.hear() is None:
                continue
            now = time.perf_counter()
            latencies.append((now - client.started) * 1000)
            if now - started < seconds and len(latencies) + waiting <= most:
                ask_next(client)
            else:
                waiting -= 1
    poll.close()
    return Load(len(latencies), time.perf_counter() - started, sorted(latencies))


_SCRIPT: Final = """
local head, tail, at = {%s}, {%s}, %d
request = function()
  at = at + 1
  local turn = at %% #head + 1
  return wrk.format("POST", "%s", {["Content-Type"] = "application/json"},
    head[turn] .. string.format("%%0%dd", at) .. tail[turn])
end
done = function(summary)
  local errors = summary.errors
  io.write(string.format('{"requests": %%d, "microseconds": %%d, "errors": %%d}',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


def wrk_is_here() -> bool:
    """Say whether wrk can be used."""
    return shutil.which("wrk") is not None


def throughput(target: Target, clients: int, seconds: int) -> float:
    """Return requests per second by wrk. Raises ``LoadError`` when any was not answered well."""
    first = next(_NUMBERS) + 5_000_000
    script = _SCRIPT % (
        ",".join(_lua(body.head) for body in target.bodies),
        ",".join(_lua(body.tail) for body in target.bodies),
        first,
        target.path,
        NUMBER_DIGITS,
    )
    with tempfile.TemporaryDirectory(prefix="dipcheck-bench-") as folder:
        path = Path(folder) / "post.lua"
        path.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", str(path), f"http://{HOST}:{target.port}"],
            capture_output=True,
            check=True,
            timeout=seconds + _PATIENCE,
        )
    found = json.loads(done.stdout[done.stdout.rindex(b"{") :])
    if found["errors"]:
        raise LoadError(f"{found['errors']} of {found['requests']} requests were not answered well")
    return float(found["requests"] / (found["microseconds"] / 1_000_000))


def _lua(data: bytes) -> str:
    return f"[==[{data.decode()}]==]"
