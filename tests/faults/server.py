"""`dipcheck serve` as a process tree that tests kill, hold and start again on one data directory."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE = 150.0
"""Seconds until something that must come about is given up; a busy machine takes long to start a worker."""


def eventually(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until a condition holds and return what it gave; fail if it never does."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.05)
    return found


class Server:
    """A served instance, in several lives."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self.url = ""
        self._settings = {"workers": 1, "log_level": "error", "drain_seconds": 30} | settings
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()

    def start(self, **settings: object) -> None:
        """Begin a life; returns when the address is known, before anything is answered."""
        chosen = {"data_dir": self.data_dir, "port": 0} | self._settings | settings
        environment = {name: text for name, text in os.environ.items() if not name.startswith("DIPCHECK_")}
        environment |= {f"DIPCHECK_{name.upper()}": str(value) for name, value in chosen.items()}
        command = [sys.executable, "-m", "service.cli", "serve"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().rpartition(" ")[2].strip()
        assert self.url.startswith("http"), self.log.read_text(encoding="utf-8")[-2000:]
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    @property
    def port(self) -> int:
        """Return where it answers. Raises ``OSError`` before its first life."""
        if not self.url:
            raise ConnectionRefusedError
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def database_url(self) -> str:
        return (self.data_dir / "run" / "database.url").read_text(encoding="utf-8")

    def workers(self) -> list[int]:
        """Return the living workers, oldest first."""
        return [pid for pid in children_of(self.pid) if b"service.worker" in command_of(pid)]

    def postgres(self) -> list[int]:
        """Return the bundled PostgreSQL's processes, the postmaster first; none while there is none."""
        for pid in children_of(self.pid):
            if b"postgres" in command_of(pid).partition(b"\0")[0]:
                return [pid, *children_of(pid)]
        return []

    def get(self, path: str) -> httpx.Response | None:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}{path}", timeout=5)
        return None

    def status(self) -> dict[str, Any]:
        """Return what `/readyz` says; nothing while nobody answers."""
        found = self.get("/readyz")
        return {} if found is None else found.json()

    def answers(self) -> None:
        """Wait until checks are answered."""
        eventually(lambda: self.status().get("ready"), "an answer")

    def counter(self, event: str) -> float:
        """Return how often the journal's and the recorder's event was counted since the start, in all workers."""
        return self.sample(f'dipcheck_journal_events_total{{event="{event}"')

    def sample(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        lines = eventually(lambda: self.get("/metrics"), "the page of metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def kill_all(self) -> None:
        """Kill parent and workers together, as a crash of the machine does."""
        for pid in [self.pid, *self.workers()]:
            kill(pid)
        self._wait()

    def kill_parent(self) -> None:
        """Kill the parent alone: its workers notice, and stop in good order."""
        workers = self.workers()
        kill(self.pid)
        self._wait()
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the end of the orphans")

    def stop(self) -> int:
        """Stop in good order; return the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self._wait()

    def _wait(self) -> int:
        assert self._process is not None
        code = self._process.wait(PATIENCE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    try:
        return [int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except FileNotFoundError:
        return []


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
