"""The parent process that `dipcheck serve` is: it owns the port and the database, and answers no request.

In: settings. Out: running workers, until a signal; then the exit code. One loop on one thread does everything, in
steps that do not wait, because the bundled PostgreSQL must be started by a thread that lives as long as it does.
For the same reason what takes long (migrations) is a process of its own.

Workers start at once and do not wait for the database: a check needs none. What ends when the parent is killed:
a worker sees its lifeline close, PostgreSQL is sent a signal by the kernel.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.children import Backoff, Signals, ends_with_parent, reap_strangers
from service.data_lock import DataDirectoryInUse, DataDirectoryLock
from service.embedded_postgres import READY, EmbeddedPostgres, PostgresUnavailable, clear_state
from service.postgres_place import own_directory

if TYPE_CHECKING:
    from service.settings import Settings

__all__ = ["MIGRATE_COMMAND", "WORKER_COMMAND", "serve"]

WORKER_COMMAND: Final = (sys.executable, "-m", "service.worker")
MIGRATE_COMMAND: Final = (
    sys.executable,
    "-c",
    "import os; from service.db.migrate import upgrade; upgrade(os.environ['DIPCHECK_DATABASE_URL'])",
)

_BACKLOG: Final = 2048
_BIND_PATIENCE: Final = 5.0  # seconds in which the workers of a killed parent let go of the port
_STEP_SECONDS: Final = 0.1  # between two looks while something is under way
_WATCH_SECONDS: Final = 1.0  # when all runs; the end of a child is noticed at once all the same
_MIGRATION_RETRY_LONGEST: Final = 15.0

_log = logging.getLogger("dipcheck.supervisor")


class CannotServe(RuntimeError):
    """The service cannot start; the message says why and what to do."""


def serve(
    settings: Settings,
    *,
    worker_command: Sequence[str] = WORKER_COMMAND,
    migrate_command: Sequence[str] = MIGRATE_COMMAND,
) -> int:
    """Serve until SIGTERM or SIGINT; return 0 then, and 1 if it cannot start."""
    _configure_log()
    try:
        with DataDirectoryLock.acquire(settings.data_dir) as lock, _listen(settings) as listener:
            settings = dataclasses.replace(settings, port=listener.getsockname()[1])
            _prepare_packs(settings)
            return _Supervisor(settings, lock, listener, worker_command, migrate_command).run()
    except (CannotServe, DataDirectoryInUse, PostgresUnavailable, OSError) as error:
        sys.stderr.write(f"dipcheck cannot start: {error}\n")
        return 1


class _Supervisor:
    """The loop and what it watches over."""

    def __init__(
        self,
        settings: Settings,
        lock: DataDirectoryLock,
        listener: socket.socket,
        worker_command: Sequence[str],
        migrate_command: Sequence[str],
    ) -> None:
        self._settings = settings
        self._postgres = None if settings.database_url else EmbeddedPostgres(lock)
        if self._postgres is None:
            clear_state(settings.data_dir)
        environment = _environment(settings, self._database_url)
        _tell_address(settings.data_dir, self._database_url)
        self._lifeline_read, self._lifeline_write = os.pipe()
        self._workers = [
            _Worker(index, worker_command, environment, listener.fileno(), self._lifeline_read)
            for index in range(settings.workers)
        ]
        self._migration = _Migration(
            migrate_command, environment, own_directory(settings.data_dir, "log") / "migrate.log"
        )
        self._stop_asked = 0

    @property
    def _database_url(self) -> str:
        return self._settings.database_url or (self._postgres.url if self._postgres else "")

    def run(self) -> int:
        """Watch until told to stop, then stop everything in the order in which it is needed least."""
        with Signals(self._on_stop) as signals:
            try:
                self._step()
                _announce(self._settings)
                while not self._stop_asked:
                    self._step()
                    signals.wait(_WATCH_SECONDS if self._settled else _STEP_SECONDS)
                self._drain(signals)
            finally:
                for worker in self._workers:
                    worker.kill()
                self._migration.stop()
                if self._postgres is not None:
                    self._postgres.stop()
                os.close(self._lifeline_write)
                os.close(self._lifeline_read)
        _log.info("stopped")
        return 0

    def _step(self) -> None:
        """Look once after everything; nothing here waits."""
        if self._postgres is not None:
            before = self._postgres.state
            self._postgres.step()
            if self._postgres.state != before:
                _log.info("database: %s", self._postgres.state)
        for worker in self._workers:
            worker.step()
        if self._postgres is None or self._postgres.state == READY:
            self._migration.step()
        if os.getpid() == 1:
            reap_strangers(self._children())

    @property
    def _settled(self) -> bool:
        database = self._postgres is None or self._postgres.state == READY
        return database and self._migration.done and all(worker.running for worker in self._workers)

    def _children(self) -> set[int]:
        pids = {worker.pid for worker in self._workers} | {self._migration.pid}
        pids.add(self._postgres.pid if self._postgres else None)
        return {pid for pid in pids if pid is not None}

    def _drain(self, signals: Signals) -> None:
        """Let the workers answer what they have; a second signal or the set time ends the patience."""
        _log.info("stopping: waiting up to %g s for requests under way", self._settings.drain_seconds)
        for worker in self._workers:
            worker.terminate()
        deadline = time.monotonic() + self._settings.drain_seconds
        while any(worker.running for worker in self._workers):
            if self._stop_asked > 1 or time.monotonic() > deadline:
                _log.warning("ending workers that have not finished")
                return
            signals.wait(_STEP_SECONDS)

    def _on_stop(self) -> None:
        self._stop_asked += 1


class _Worker:
    """One worker process, started again whenever it ends."""

    def __init__(
        self, index: int, command: Sequence[str], environment: Mapping[str, str], listener: int, lifeline: int
    ) -> None:
        self._index = index
        self._command = [*command]
        self._descriptors = (listener, lifeline)
        self._environment = {
            **environment,
            "DIPCHECK_WORKER": str(index),
            "DIPCHECK_SOCKET_FD": str(listener),
            "DIPCHECK_LIFELINE_FD": str(lifeline),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff = Backoff()
        self._started = 0.0
        self._resume = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def step(self) -> None:
        """Start the process if it is time to; note it if it has ended."""
        now = time.monotonic()
        if self._process is not None and not self.running:
            pause = self._backoff.after(now - self._started)
            _log.warning(
                "worker %d ended (%d); starting it again in %g s", self._index, self._process.returncode, pause
            )
            _forget_gauges(self._environment, self._process.pid)
            self._process, self._resume = None, now + pause
        if self._process is None and now >= self._resume:
            self._started = now
            try:
                self._process = self._start()
            except OSError as error:  # no memory or no process to be had just now
                self._resume = now + self._backoff.after(0.0)
                _log.warning("worker %d cannot be started: %s", self._index, error)

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            env=self._environment,
            pass_fds=self._descriptors,
            start_new_session=True,  # a Ctrl-C is for the parent alone, which then asks in good order
        )


class _Migration:
    """Brings the database to the present schema, tried until it succeeds once."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self._command = [*command]
        self._environment = dict(environment)
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff = Backoff(longest=_MIGRATION_RETRY_LONGEST)
        self._resume = 0.0
        self.done = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def step(self) -> None:
        """Start an attempt if it is time to; note how it ended."""
        now = time.monotonic()
        if self._process is None:
            if not self.done and now >= self._resume:
                try:
                    self._process = self._start()
                except OSError as error:
                    self._retry(str(error))
            return
        code = self._process.poll()
        if code is None:
            return
        self._process, self.done = None, code == 0
        if not self.done:
            lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()
            self._retry(next((line for line in reversed(lines) if line.strip()), f"ended with {code}"))

    def _retry(self, reason: str) -> None:
        pause = self._backoff.after(0.0)
        self._resume = time.monotonic() + pause
        _log.warning("migrations: %s (see %s); again in %g s", reason, self._output, pause)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with open(self._output, "wb", opener=partial(os.open, mode=0o600)) as output:
            return subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGTERM),  # noqa: PLW1509 - the parent has one thread
            )


def _listen(settings: Settings) -> socket.socket:
    """Bind the port; wait a moment for the workers of a parent that was killed just now."""
    deadline = time.monotonic() + _BIND_PATIENCE
    while True:
        try:
            return _bind(settings.host, settings.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(_STEP_SECONDS)
                continue
            where = f"port {settings.port} of `{settings.host}`"
            if error.errno == errno.EADDRINUSE:
                why = f"{where} is taken by another program: stop that one, or set DIPCHECK_PORT"
            else:
                why = f"cannot listen on {where}: {error.strerror or error}; set DIPCHECK_HOST and DIPCHECK_PORT"
            raise CannotServe(why) from error


def _bind(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _environment(settings: Settings, database_url: str) -> dict[str, str]:
    """Give the children the same settings as ours, with what was open before in its final form."""
    return {
        **os.environ,
        "DIPCHECK_DATABASE_URL": database_url,
        "DIPCHECK_DATA_DIR": str(settings.data_dir.absolute()),
        "DIPCHECK_HOST": settings.host,
        "DIPCHECK_PORT": str(settings.port),
        "PROMETHEUS_MULTIPROC_DIR": str(_metrics_folder(settings.data_dir)),
    }


def _metrics_folder(data_dir: Path) -> Path:
    """Return the folder through which all workers' metrics become one page, emptied: counters start with us."""
    folder = own_directory(data_dir, "run") / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def _forget_gauges(environment: Mapping[str, str], pid: int) -> None:
    """Drop a dead worker's gauges from the page (its counters stay: they happened)."""
    for file in Path(environment["PROMETHEUS_MULTIPROC_DIR"]).glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)


def _tell_address(data_dir: Path, url: str) -> None:
    """Leave the database's address where `dipcheck pack activate` finds it, for this account only."""
    path = own_directory(data_dir, "run") / "database.url"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(url)


def _prepare_packs(settings: Settings) -> None:
    from service.packs import prepare  # noqa: PLC0415 - not needed to say that the port is taken
    from service.settings import SettingsError  # noqa: PLC0415

    try:
        prepare(settings)
    except SettingsError as error:
        raise CannotServe(str(error)) from error
    except Exception as error:  # whatever it is: without rules there is nothing to serve
        raise CannotServe(f"the rules cannot be made ready: {error}") from error


def _announce(settings: Settings) -> None:
    from service.packs import welcome  # noqa: PLC0415 - as above

    sys.stdout.write(welcome(settings).rstrip("\n") + "\n")
    sys.stdout.flush()


def _configure_log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    _log.handlers[:] = [handler]
    _log.setLevel(logging.INFO)
    _log.propagate = False
