"""The parent keeps workers and database running, stops them in good order, and leaves nothing behind when killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import supervisor
from service.embedded_postgres import DataDirectoryLock, read_state
from service.supervisor import serve
from tests.postgres import value
from tests.service import stand_in
from tests.service.stand_in import NO_MIGRATION, WORKER, StandInSettings

ROOT = Path(__file__).parents[2]
ELSEWHERE = "database_url=postgresql://nobody@127.0.0.1:1/none"


def eventually(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Parent:
    """A running parent process and what a test asks about it."""

    def __init__(self, process: subprocess.Popen[str], data_dir: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        assert process.stdout is not None
        self.welcome = process.stdout.readline().strip()
        self.url = f"http://127.0.0.1:{self.welcome.rpartition(' ')[2]}"

    def ask(self, path: str = "/") -> tuple[int, int]:
        """Give the index and process id of the worker that answers."""
        index, pid = httpx.get(self.url + path, timeout=20).text.split()
        return int(index), int(pid)

    def children(self) -> list[int]:
        """List what the parent started, and what those did."""
        of = {pid: parent for pid, parent in processes() if parent}
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in of.items() if parent == pid]
        return found[1:]

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


def processes() -> Generator[tuple[int, int]]:
    """Give every living process with its parent."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            yield int(name), int(fields[1])


def alive(pids: list[int]) -> list[int]:
    living = {pid for pid, _ in processes()}
    return [pid for pid in pids if pid in living]


@contextmanager
def parent(data_dir: Path, *assignments: str) -> Generator[Parent]:
    command = [sys.executable, "-m", "tests.service.stand_in", "parent", str(data_dir), *assignments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Parent(process, data_dir)
        finally:
            if process.poll() is None:
                process.terminate()


@pytest.mark.db
def test_serves_and_stops(tmp_path: Path) -> None:
    """The parent says where it serves, answers, and on SIGTERM ends with 0, leaving no process behind."""
    with parent(tmp_path / "数据 data") as running:
        assert running.welcome.startswith("serving on port ")
        assert running.ask()[0] == 0
        eventually(lambda: read_state(running.data_dir) == "ready")
        started = running.children()
        assert len(started) > 2
        assert running.terminate() == 0
        assert alive(started) == []
        assert read_state(running.data_dir) == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_ways_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and a closed terminal stop it in the same good order."""
    with parent(tmp_path, ELSEWHERE) as running:
        running.ask()
        running.process.send_signal(number)
        assert running.process.wait(20) == 0


def test_answers_without_a_database(tmp_path: Path) -> None:
    """Workers do not wait for the database, and no bundled one is started when an address is given."""
    with parent(tmp_path, ELSEWHERE, "workers=2") as running:
        running.ask()
        assert read_state(tmp_path) is None
        assert len(running.children()) == 2
        assert not (tmp_path / "postgres").exists()


def test_killed_worker(tmp_path: Path) -> None:
    """A worker that was killed is started again; the other one answers meanwhile."""
    with parent(tmp_path, ELSEWHERE, "workers=2") as running:
        eventually(lambda: {running.ask()[0] for _ in range(8)} == {0, 1})
        index, pid = running.ask()
        os.kill(pid, signal.SIGKILL)
        for _ in range(5):
            running.ask()
        eventually(lambda: any(running.ask() == (index, other) for other in running.children() if other != pid))


def test_requests_under_way_are_answered(tmp_path: Path) -> None:
    """A request that was taken before SIGTERM gets its answer."""
    with parent(tmp_path, ELSEWHERE) as running:
        running.ask()
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(running.ask("/slow")))
        asking.start()
        time.sleep(0.4)
        assert running.terminate() == 0
        asking.join()
        assert [index for index, _ in answers] == [0]


def test_patience_has_an_end(tmp_path: Path) -> None:
    """A worker that does not finish in the set time is ended."""
    with parent(tmp_path, ELSEWHERE, "drain_seconds=1") as running:
        _, pid = running.ask()
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        assert running.terminate() == 0
        assert time.monotonic() - began < 10
        assert alive([pid]) == []


@pytest.mark.db
@pytest.mark.slow
@pytest.mark.parametrize("at_once", [True, False])
def test_killed_parent(tmp_path: Path, at_once: bool) -> None:
    """When the parent is killed its workers and its database stop by themselves; the next start need not wait."""
    with parent(tmp_path / "data", "workers=2") as first:
        first.ask()
        eventually(lambda: read_state(first.data_dir) == "ready")
        left = first.children()
        first.process.kill()
        first.process.wait()
        if not at_once:
            eventually(lambda: alive(left) == [])
        port = first.url.rpartition(":")[2]
        with parent(tmp_path / "data", f"port={port}") as second:
            assert second.ask()[1] not in left
            eventually(lambda: read_state(second.data_dir) == "ready")
            eventually(lambda: alive(left) == [])
            assert second.terminate() == 0


@pytest.mark.db
@pytest.mark.slow
def test_killed_postmaster(tmp_path: Path) -> None:
    """While a killed database recovers the workers answer as before; its address stays the same."""
    with parent(tmp_path / "data") as running:
        _, worker = running.ask()
        eventually(lambda: read_state(running.data_dir) == "ready")
        lock = (tmp_path / "data" / "postgres" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lock[0]), signal.SIGKILL)
        eventually(lambda: read_state(running.data_dir) == "recovering")
        assert running.ask() == (0, worker)
        eventually(lambda: read_state(running.data_dir) == "ready")
        directory = lock[4]
        assert value(f"postgresql://dipcheck@/dipcheck?host={directory}", "SELECT 1") == 1


def test_port_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A port that another program has is named, with the setting that changes it."""
    monkeypatch.setattr(supervisor, "_BIND_PATIENCE", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert serve(StandInSettings(tmp_path, port=port)) == 1  # type: ignore[arg-type]
    assert f"port {port} of `127.0.0.1` is taken" in (message := capfd.readouterr().err)
    assert "DIPCHECK_PORT" in message


def test_unknown_host(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An address that is not this machine's is named."""
    assert serve(StandInSettings(tmp_path, host="192.0.2.1", port=1)) == 1  # type: ignore[arg-type]
    assert "cannot listen on port 1 of `192.0.2.1`" in capfd.readouterr().err


def test_second_instance(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A second instance on the same data does not start."""
    with DataDirectoryLock.acquire(tmp_path):
        assert serve(StandInSettings(tmp_path)) == 1  # type: ignore[arg-type]
    assert "in use by another dipcheck" in capfd.readouterr().err


def test_rules_with_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Rules that cannot be compiled stop the start, with the compiler's words."""

    def fail(settings: object) -> None:
        raise ValueError("line 3: no such kind")

    monkeypatch.setitem(sys.modules, "service.packs", stand_in.packs(prepare=fail))
    assert serve(StandInSettings(tmp_path)) == 1  # type: ignore[arg-type]
    assert "the rules cannot be made ready: line 3: no such kind" in capfd.readouterr().err


def test_migrations_are_tried_until_they_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is not there yet is migrated once it is, with the address the workers have, and only once."""
    attempts = tmp_path / "attempts"
    program = (
        "import os, sys\n"
        "with open(sys.argv[1], 'a') as attempts: attempts.write(os.environ['DIPCHECK_DATABASE_URL'] + '\\n')\n"
        "sys.exit(len(open(sys.argv[1]).readlines()) < 2)\n"
    )

    def stop_when_migrated() -> None:
        eventually(lambda: attempts.exists() and len(attempts.read_text().splitlines()) == 2)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setitem(sys.modules, "service.packs", stand_in.packs())
    stopping = threading.Thread(target=stop_when_migrated)
    stopping.start()
    settings: Any = StandInSettings(tmp_path / "data", database_url="postgresql://somewhere/else")
    migrate = (sys.executable, "-W", "ignore", "-c", program, str(attempts))
    assert serve(settings, worker_command=WORKER, migrate_command=migrate) == 0
    stopping.join()
    assert attempts.read_text().splitlines() == ["postgresql://somewhere/else"] * 2


def test_worker_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends at once is started again, but ever more slowly."""
    starts = tmp_path / "starts"
    program = "import sys, time\nwith open(sys.argv[1], 'a') as f: f.write(f'{time.monotonic()}\\n')\nsys.exit(3)"

    def times() -> list[float]:
        return [float(line) for line in starts.read_text().splitlines()] if starts.exists() else []

    def stop_after_three() -> None:
        eventually(lambda: len(times()) == 3)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setitem(sys.modules, "service.packs", stand_in.packs())
    stopping = threading.Thread(target=stop_after_three)
    stopping.start()
    settings: Any = StandInSettings(tmp_path / "data", database_url="postgresql://somewhere/else")
    failing = (sys.executable, "-S", "-c", program, str(starts))
    assert serve(settings, worker_command=failing, migrate_command=NO_MIGRATION) == 0
    stopping.join()
    first, second, third = times()
    assert second - first > 0.4
    assert third - second > 0.9
