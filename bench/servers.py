"""Servers under measurement: each a tree of processes on one core, with the CPU clock of the tree.

The service is started as a user would (``dipcheck serve``), its bundled PostgreSQL included. That PostgreSQL is no
part of the tree that is counted, and is moved to the other core, where the load generator runs.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.load import HOST
from rules import CompiledPack
from service import packs

ROOT: Final = Path(__file__).resolve().parent.parent
_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 30.0
_IDLE_SHARE: Final = 0.03
"""Of one core: what a server uses that has nothing left to do."""
_LOOK_SECONDS: Final = 0.08
_SETTLE_SECONDS: Final = 15.0


_USABLE: Final = sorted(os.sched_getaffinity(0))  # before the bench binds itself to one of them


def cores() -> tuple[int, int]:
    """Return the core of the servers and that of everything else; the same one where there is only one."""
    return _USABLE[0], _USABLE[-1]


@dataclass(slots=True)
class Server:
    """A running server."""

    name: str
    process: subprocess.Popen[bytes]
    port: int

    def counted(self) -> list[int]:
        """Return the processes whose CPU counts: the tree without PostgreSQL."""
        return [pid for pid in tree(self.process.pid) if not _is_postgres(pid)]

    def cpu_ns(self) -> int:
        """Return the CPU time of the tree in ns, dead threads included."""
        return sum(cpu_clock_ns(pid) for pid in self.counted())

    def settle(self) -> None:
        """Wait until nothing is left to do, such as records on their way to the database."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        quiet = 0
        while quiet < 2:
            before = self.cpu_ns()
            time.sleep(_LOOK_SECONDS)
            quiet = quiet + 1 if self.cpu_ns() - before < _IDLE_SHARE * _LOOK_SECONDS * 1e9 else 0
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not come to rest")

    def memory_mb(self) -> float:
        """Return what the tree holds, in MB."""
        return sum(resident_mb(pid) for pid in self.counted())

    def stop(self) -> None:
        """Stop in good order, or by force."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def cpu_clock_ns(pid: int) -> int:
    """Return the CPU clock of another process, all its threads; 0 when it is gone."""
    try:
        return time.clock_gettime_ns(~pid << 3 | 2)  # what clock_getcpuclockid(3) computes
    except OSError:
        return 0


def resident_mb(pid: int | str) -> float:
    """Return the resident memory of a process in MB."""
    return status_kb(pid, "VmRSS") / 1024


def status_kb(pid: int | str, key: str) -> int:
    """Return a line of ``/proc/<pid>/status`` in kB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)


def tree(root: int) -> list[int]:
    """Return a process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            children.setdefault(_parent(int(entry.name)), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False


# --- starting ---


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _start(name: str, command: Sequence[str], port: int, log: Path, environment: dict[str, str]) -> Server:
    core, _ = cores()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 - the bench has one thread
        )
    return Server(name, process, port)


@contextmanager
def running(*makers: "Maker") -> Iterator[list[Server]]:
    """Start servers beside each other, give them when all answer, and stop them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dipcheck-bench-")))
        started = []
        for number, maker in enumerate(makers):
            own = folder / str(number)
            own.mkdir(mode=0o755)
            server = maker.start(own)
            stack.callback(server.stop)
            started.append((maker, server, own))
        for maker, server, own in started:
            _wait(maker, server, own)
        yield [server for _, server, _ in started]


def _wait(maker: "Maker", server: Server, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not maker.ready(server):
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.name} did not start:\n{(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.1)
    maker.settle(server)


@dataclass(frozen=True, slots=True)
class Plain:
    """An ASGI application of the bench under uvicorn with httptools and uvloop."""

    name: str
    app: str

    def start(self, folder: Path) -> Server:
        port = free_port()
        address = ["--host", HOST, "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
        quiet = ["--no-access-log", "--log-level", "warning", "--lifespan", "off"]
        command = [sys.executable, "-m", "uvicorn", self.app, *address, *quiet]
        return _start(self.name, command, port, folder / "log", {})

    def ready(self, server: Server) -> bool:
        """Say whether it listens."""
        with socket.socket() as found:
            return found.connect_ex((HOST, server.port)) == 0

    def settle(self, server: Server) -> None:
        """Wait for the end of its start."""
        server.settle()


@dataclass(frozen=True, slots=True)
class Service:
    """The service with its journal, its recorder and its bundled PostgreSQL, on the starter pack or another."""

    name: str
    pack: CompiledPack | None = None
    mode: str = "whole"
    """``whole``, or a variant of ``bench.variant``."""
    fsync: str = "100"
    """When the journal is synced, as ``DIPCHECK_FSYNC`` says it."""

    def start(self, folder: Path) -> Server:
        data = folder / "data"
        if self.pack is not None:
            packs.keep(data, self.pack)
            packs.write_activation(data, packs.Activation({self.pack.name: self.pack.digest}, source="database"))
        port = free_port()
        module = ["service.cli", "serve"] if self.mode == "whole" else ["bench.variant", "serve", self.mode]
        environment = {name: "" for name in os.environ if name.startswith("DIPCHECK_")} | {
            "DIPCHECK_HOST": HOST,
            "DIPCHECK_PORT": str(port),
            "DIPCHECK_DATA_DIR": str(data),
            "DIPCHECK_LOG_LEVEL": "error",
            "DIPCHECK_FSYNC": self.fsync,
        }
        return _start(self.name, [sys.executable, "-m", *module], port, folder / "log", environment)

    def ready(self, server: Server) -> bool:
        """Say whether it checks, and its database has confirmed the rules and takes records."""
        try:
            found = get(server, "/readyz")
        except (OSError, ValueError):
            return False
        return bool(found["rulebook"]) and found["activation_confirmed_seconds_ago"] is not None

    def settle(self, server: Server) -> None:
        """Move PostgreSQL to the other core, and wait for the end of the start."""
        _, other = cores()
        for pid in tree(server.process.pid):
            if _is_postgres(pid):
                os.sched_setaffinity(pid, {other})
        server.settle()


Maker = Plain | Service
BASELINE: Final = Plain("baseline", "bench.baseline:app")
ECHO: Final = Plain("echo", "bench.echo:app")


def get(server: Server, path: str) -> Any:
    """Return a JSON answer; a 503 of ``/readyz`` is one too."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{server.port}{path}", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def metric(server: Server, name: str) -> float:
    """Return the sum of a metric's samples whose line begins so."""
    with urllib.request.urlopen(f"http://{HOST}:{server.port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))
