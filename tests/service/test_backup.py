"""A backup holds what was answered before it began, proves itself, and comes back whole."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from service.cli import main
from service.data_lock import DataDirectoryInUse, DataDirectoryLock
from service.db.writes import PostgresStore
from service.identity import Identity
from service.journal_files import FRAME, HEADER
from service.journal_owners import lock_new_worker
from service.recorder import Recorder
from service.records import VerdictRecord, encode
from service.sealing import Sealer
from service.settings import Settings
from service.upkeep import backup, journal_copy, programs
from service.upkeep.backup import make_backup
from service.upkeep.manifest import BackupError, DamagedBackup, fingerprint, read_manifest
from service.upkeep.programs import client_programs, without_password
from service.upkeep.restoring import restore_backup
from tests.http import test_recorded
from tests.http.test_recorded import eventually
from tests.postgres import PostgresServer, execute, value
from tests.service.test_whole import ROOT, _send, served, stored
from tests.writer.samples import a_journal, a_record, until

QUICK: dict[str, Any] = {"linger": 0.005, "backoff": (0.01, 0.1), "adopt_every": 0.1}
ANCHOR = b'{"hospital":"H1"}\n'


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """An instance with keys, evidence, and a database elsewhere."""
    data = tmp_path / "data"
    Identity.open(data)
    Sealer.open(data)
    (data / "evidence").mkdir()
    (data / "evidence" / "anchors.jsonl").write_bytes(ANCHOR + b'{"hospital":"H')
    return Settings(data_dir=data, database_url=database_url)


@pytest.fixture
def empty_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database without tables."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


def ids(url: str) -> list[str]:
    return sorted(str(row["id"]) for row in execute(url, "SELECT id FROM verdict"))


def elsewhere(settings: Settings, url: str, name: str = "elsewhere") -> Settings:
    return Settings(data_dir=settings.data_dir.parent / name, database_url=url)


async def record_all(url: str, directory: Path) -> None:
    """Start a service's recorder on a journal directory, as the next start does, until nothing is pending."""
    journal = a_journal(directory)
    recorder = Recorder(journal, PostgresStore(url), **QUICK)
    recorder.start()
    await until(lambda: not list(journal.directory.glob("[!.]*-1.log"))[1:])
    assert await recorder.drain(20)
    journal.close()


async def journal_twenty(url: str, directory: Path, records: list[VerdictRecord]) -> None:
    """Leave twenty records in one segment, of which the database has the first ten."""
    journal = a_journal(directory)
    recorder = Recorder(journal, PostgresStore(url), **QUICK)
    recorder.start()
    for record in records[:10]:
        journal.append(encode(record))
    await recorder.drain(20)
    for record in records[10:20]:
        journal.append(encode(record))
    journal.close()


async def move(url: str, directory: Path, further: list[VerdictRecord]) -> None:
    """Record what is journaled, and some more; nothing stays in the journal."""
    journal = a_journal(directory)
    for record in further:
        journal.append(encode(record))
    journal.close()
    await record_all(url, directory)
    assert [] == list((directory / "journal").iterdir())


@pytest.mark.db
class TestOrder:
    """Journal first, then the database: a record is in one of them or in both."""

    @pytest.fixture
    def back_up(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[VerdictRecord]]:
        """Back up while the journal's records go into the database and five more come; return all in their order."""
        records = [a_record(number) for number in range(25)]
        url, dump = settings.database_url or "", backup._dump

        def run(*, moved_first: bool) -> list[VerdictRecord]:
            async def meanwhile(*arguments: Any) -> Any:
                if moved_first:
                    await move(url, settings.data_dir, records[20:])
                    return await dump(*arguments)
                dumped = await dump(*arguments)
                await move(url, settings.data_dir, records[20:])
                return dumped

            asyncio.run(journal_twenty(url, settings.data_dir, records))
            monkeypatch.setattr(backup, "_dump", meanwhile)
            make_backup(settings, settings.data_dir.parent / "backup", with_keys=True)
            return records

        return run

    @pytest.mark.parametrize("moved_first", [True, False])
    def test_records_that_move_meanwhile(
        self, settings: Settings, empty_url: str, back_up: Callable[..., list[VerdictRecord]], moved_first: bool
    ) -> None:
        """Before the dump or after it: what was answered before the backup began is restored, once.

        The five that came after the dump are not: their answers left after it had begun.
        """
        records = back_up(moved_first=moved_first)
        restored = restore_backup(elsewhere(settings, empty_url), settings.data_dir.parent / "backup")
        asyncio.run(record_all(empty_url, settings.data_dir.parent / "elsewhere"))

        assert ((25, 0) if moved_first else (10, 10)) == (restored.verdicts, restored.pending)
        assert sorted(record.id for record in records[: 25 if moved_first else 20]) == ids(empty_url)

    def test_records_of_the_journal_only(self, settings: Settings, empty_url: str, tmp_path: Path) -> None:
        """The database was down before the backup: what only the journal holds is said and recorded later."""
        journal = a_journal(settings.data_dir)
        for number in range(7):
            journal.append(encode(a_record(number)))
        make_backup(settings, tmp_path / "backup", with_keys=True)
        journal.close()

        restored = restore_backup(elsewhere(settings, empty_url), tmp_path / "backup")
        assert (0, 7) == (restored.verdicts, restored.pending)
        asyncio.run(record_all(empty_url, tmp_path / "elsewhere"))
        assert sorted(a_record(number).id for number in range(7)) == ids(empty_url)

    def test_a_segment_that_vanishes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Recorded and deleted between listing and copying: it is left out."""
        journal = a_journal(tmp_path)
        journal.append(encode(a_record()))
        journal.close()
        (path,) = (tmp_path / "journal").glob("*.log")
        gone = path.with_name(path.name.replace("-1.log", "-2.log"))
        monkeypatch.setattr(journal_copy, "segments_in", lambda _: [("w", 1, path), ("w", 2, gone)])

        assert 1 == journal_copy.copy_journal(tmp_path / "journal", tmp_path / "copy")
        assert [path.name] == [copy.name for copy in (tmp_path / "copy").iterdir()]


class TestSegments:
    """A segment is copied while its writer goes on."""

    @pytest.fixture
    def segment(self, tmp_path: Path) -> Path:
        journal = a_journal(tmp_path)
        for number in range(3):
            journal.append(encode(a_record(number)))
        journal.close()
        (path,) = (tmp_path / "journal").glob("*.log")
        return path

    def copied(self, segment: Path) -> bytes:
        target = segment.with_name("copy")
        size = journal_copy.copy_segment(segment, target)
        assert size == target.stat().st_size
        return target.read_bytes()

    def test_whole(self, segment: Path) -> None:
        """Byte for byte, for this account only."""
        assert segment.read_bytes() == self.copied(segment)
        assert 0o600 == segment.with_name("copy").stat().st_mode & 0o777

    @pytest.mark.parametrize("cut", [1, 5000])
    def test_a_record_being_written_is_left_out(self, segment: Path, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
        """Its writer goes on, so it was not acknowledged when we looked; the copy ends before it."""
        whole = segment.read_bytes()
        payload = encode(a_record(9)) * 3
        record = FRAME.pack(b"\xf5DJR", len(payload), 0) + payload
        segment.write_bytes(whole + record[:cut])

        def goes_on(_: float) -> None:
            with segment.open("ab") as file:
                file.write(record[cut:])

        monkeypatch.setattr(journal_copy, "time", SimpleNamespace(sleep=goes_on))
        assert whole == self.copied(segment)

    def test_a_torn_tail_is_kept(self, segment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its writer is gone; the recorder sets it aside, here as there."""
        monkeypatch.setattr(journal_copy, "time", SimpleNamespace(sleep=lambda _: None))
        segment.write_bytes(segment.read_bytes()[:-4])

        assert segment.read_bytes() == self.copied(segment)

    def test_damage_is_kept(self, segment: Path) -> None:
        """Where a frame cannot be read, nobody knows where the last record ends."""
        data = bytearray(segment.read_bytes())
        data[HEADER.size : HEADER.size + 4] = b"????"
        segment.write_bytes(data)

        assert bytes(data) == self.copied(segment)

    def test_empty_segments_stay_behind(self, tmp_path: Path) -> None:
        """Nothing was ever recorded in them."""
        journal = a_journal(tmp_path)

        assert 0 == journal_copy.copy_journal(tmp_path / "journal", tmp_path / "copy")
        assert [] == list((tmp_path / "copy").iterdir())
        journal.close()


@pytest.mark.db
class TestBackup:
    """What a backup holds, and when there is none."""

    def test_what_it_holds(self, settings: Settings, tmp_path: Path) -> None:
        """Without being told, no key; anchors up to their last whole line; nothing that others may read."""
        made = make_backup(settings, tmp_path / "backup")
        folder = tmp_path / "backup"

        assert {"database.dump", "evidence/anchors.jsonl"} == {file.name for file in made.manifest.files}
        assert ANCHOR == (folder / "evidence" / "anchors.jsonl").read_bytes()
        key = (settings.data_dir / "keys" / "seal.key").read_bytes()
        assert fingerprint(key) == made.manifest.key_fingerprints["seal.key"]
        assert {0} == {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}
        assert made.manifest == read_manifest(folder)

    def test_keys_when_asked_for(self, settings: Settings, tmp_path: Path) -> None:
        """Both secret keys, byte for byte."""
        make_backup(settings, tmp_path / "backup", with_keys=True)

        for path in (settings.data_dir / "keys").iterdir():
            assert path.read_bytes() == (tmp_path / "backup" / "keys" / path.name).read_bytes()

    def test_a_folder_that_exists(self, settings: Settings, tmp_path: Path) -> None:
        """It is never written into."""
        (tmp_path / "backup").mkdir()
        with pytest.raises(BackupError, match="exists"):
            make_backup(settings, tmp_path / "backup")

    def test_a_failure_leaves_nothing(self, settings: Settings, tmp_path: Path) -> None:
        """What pg_dump says is passed on."""
        failing = a_program(tmp_path / "bin", "pg_dump", 'echo "disk full" >&2; exit 3')
        with pytest.raises(BackupError, match=r"pg_dump failed \(3\): disk full"):
            make_backup(settings, tmp_path / "backup", programs=failing)

        assert [] == [path for path in tmp_path.iterdir() if path.name.startswith("backup")]

    def test_what_a_killed_one_left(self, settings: Settings, tmp_path: Path) -> None:
        """It is cleared away, unless its process lives."""
        (tmp_path / "backup.part").mkdir()
        (tmp_path / "backup.part" / "left").touch()
        with backup._held(tmp_path / "backup.part"), pytest.raises(BackupError, match="another backup"):
            make_backup(settings, tmp_path / "backup")
        make_backup(settings, tmp_path / "backup")

        assert not (tmp_path / "backup" / "left").exists()

    def test_tables_of_another_version(self, settings: Settings, tmp_path: Path) -> None:
        """A version that does not know all tables would leave some behind."""
        execute(settings.database_url or "", "UPDATE alembic_version SET version_num = '9999'", "SELECT 1")
        with pytest.raises(BackupError, match="of revision 9999"):
            make_backup(settings, tmp_path / "backup")

    def test_a_stopped_service(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
        """Its bundled database is not there: exit code 2, and what to do."""
        monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.delenv("DIPCHECK_DATABASE_URL", raising=False)

        assert 2 == main(["backup", str(tmp_path / "backup")])
        assert "start the service first" in capsys.readouterr().err


def a_program(folder: Path, name: str, does: str, major: int = 18) -> Path:
    """Make a program that says its version like PostgreSQL's, and else does something of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{name} (PostgreSQL) {major}.1" && exit\n{does}\n')
    path.chmod(0o755)
    return folder


@pytest.mark.db
class TestCheck:
    """``backup --check`` finds what was changed."""

    @pytest.fixture
    def folder(self, settings: Settings, tmp_path: Path) -> Path:
        make_backup(settings, tmp_path / "backup", with_keys=True)
        return tmp_path / "backup"

    def test_unchanged(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Exit code 0, and what it is."""
        assert 0 == main(["backup", "--check", str(folder)])
        assert "every file is as it was written" in capsys.readouterr().out

    def test_changed(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Exit code 1, each file by name; such a backup is not restored."""
        dump = bytearray((folder / "database.dump").read_bytes())
        dump[-1] ^= 1
        (folder / "database.dump").write_bytes(dump)
        (folder / "evidence" / "anchors.jsonl").unlink()
        (folder / "keys" / "seal.key").write_bytes(b"short")
        (folder / "extra").touch()

        assert 1 == main(["backup", "--check", str(folder)])
        assert [
            "database.dump was altered: its SHA-256 is another one",
            "evidence/anchors.jsonl is missing",
            "extra is not in the manifest",
            "keys/seal.key has 5 bytes instead of 32",
        ] == sorted(capsys.readouterr().out.splitlines())
        with pytest.raises(DamagedBackup, match="nothing was restored"):
            restore_backup(Settings(data_dir=folder.parent / "new", database_url="postgresql://nobody/"), folder)
        assert not (folder.parent / "new").exists()

    def test_no_backup(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Exit code 2 for a folder that is none, 1 for a manifest nobody can read."""
        assert 2 == main(["backup", "--check", str(tmp_path)])
        (tmp_path / "manifest.json").write_text("{")
        assert 1 == main(["backup", "--check", str(tmp_path)])

    def test_a_newer_format(self, folder: Path) -> None:
        """It is refused, not guessed at."""
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
        with pytest.raises(BackupError, match="made by a newer version"):
            read_manifest(folder)


@pytest.mark.db
class TestRestore:
    """A restore goes beside what is there, or nowhere."""

    @pytest.fixture
    def folder(self, settings: Settings, tmp_path: Path) -> Path:
        make_backup(settings, tmp_path / "backup")
        return tmp_path / "backup"

    @pytest.fixture
    def restore(self, settings: Settings, empty_url: str, folder: Path) -> Callable[..., Any]:
        def run(**changes: Any) -> Any:
            orders = {"keys": settings.data_dir / "keys"} | changes
            return restore_backup(elsewhere(settings, empty_url), folder, **orders)

        return run

    def test_keys_from_elsewhere(self, settings: Settings, restore: Any, tmp_path: Path) -> None:
        """They are kept apart and come back with the rest; the data directory is ready to be served from."""
        restored = restore()

        assert () == restored.keys_missing
        assert Identity.open(settings.data_dir).pseudonym("x") == Identity.open(tmp_path / "elsewhere").pseudonym("x")
        assert ANCHOR == (tmp_path / "elsewhere" / "evidence" / "anchors.jsonl").read_bytes()
        names = {path.name for path in (tmp_path / "elsewhere").iterdir()}
        assert {"run", "keys", "journal", "evidence"} == names

    def test_the_wrong_keys(self, restore: Any, tmp_path: Path) -> None:
        """Nothing could be read with them."""
        Identity.open(tmp_path / "others")
        with pytest.raises(BackupError, match=r"does not hold the keys of this backup: pseudonym.key, seal.key"):
            restore(keys=tmp_path / "others" / "keys")

    def test_no_keys(self, restore: Any, tmp_path: Path) -> None:
        """Only by saying so; then it is said which are missing."""
        with pytest.raises(BackupError, match="holds no keys"):
            restore(keys=None)
        restored = restore(keys=None, without_keys=True)

        assert ("pseudonym.key", "seal.key") == restored.keys_missing
        assert not (tmp_path / "elsewhere" / "keys").exists()

    def test_a_directory_that_is_not_empty(self, restore: Any, tmp_path: Path) -> None:
        """Refused; with --replace what was there is moved aside, whole."""
        (tmp_path / "elsewhere" / "keys").mkdir(parents=True)
        (tmp_path / "elsewhere" / "keys" / "old").touch()
        with pytest.raises(BackupError, match="is not empty"):
            restore()
        restored = restore(replace=True)

        assert (restored.aside / "keys" / "old").exists()
        assert not (tmp_path / "elsewhere" / "keys" / "old").exists()

    def test_a_directory_in_use(self, restore: Any, tmp_path: Path) -> None:
        """By a running service, or by a worker of one that was killed."""
        with DataDirectoryLock.acquire(tmp_path / "elsewhere"), pytest.raises(DataDirectoryInUse):
            restore(replace=True)
        (tmp_path / "elsewhere" / "journal").mkdir()
        lock = lock_new_worker(tmp_path / "elsewhere" / "journal")
        with pytest.raises(BackupError, match="still runs"):
            restore(replace=True)
        lock.release(remove=False)

        assert restore(replace=True).aside is not None

    def test_a_database_with_tables(self, settings: Settings, folder: Path, tmp_path: Path) -> None:
        """It is left alone, and the data directory stays empty."""
        with pytest.raises(BackupError, match="holds our tables already"):
            restore_backup(
                elsewhere(settings, settings.database_url or ""), folder, keys=settings.data_dir / "keys", replace=True
            )

        assert ["run"] == [path.name for path in (tmp_path / "elsewhere").iterdir()]

    def test_a_failure_changes_nothing(self, restore: Any, empty_url: str, tmp_path: Path) -> None:
        """Neither in the data directory nor in the database."""
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "kept").touch()
        failing = a_program(tmp_path / "bin", "pg_restore", "exit 1")
        a_program(tmp_path / "bin", "pg_dump", "exit 1")
        with pytest.raises(BackupError, match="pg_restore failed"):
            restore(replace=True, programs=failing)

        assert {"kept", "run"} == {path.name for path in (tmp_path / "elsewhere").iterdir()}
        assert 0 == value(empty_url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")

    def test_a_backup_of_a_newer_version(self, restore: Any, folder: Path) -> None:
        """Its tables are unknown here."""
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": "9999"}))
        with pytest.raises(BackupError, match="newer version"):
            restore()

    def test_every_table_comes_back(self, settings: Settings, restore: Any, empty_url: str) -> None:
        """With its rows, its partitions, and its numbers that count on."""
        url = settings.database_url or ""
        execute(url, "INSERT INTO history_coverage (hospital, declared_by) VALUES ('H1', 'a')", "SELECT 1")
        make_backup(settings, settings.data_dir.parent / "again")
        restore_backup(
            elsewhere(settings, empty_url), settings.data_dir.parent / "again", keys=settings.data_dir / "keys"
        )
        execute(empty_url, "INSERT INTO history_coverage (hospital, declared_by) VALUES ('H1', 'b')", "SELECT 1")

        assert [1, 2] == [row["id"] for row in execute(empty_url, "SELECT id FROM history_coverage ORDER BY id")]
        assert tables(url) == tables(empty_url)


def tables(url: str) -> list[str]:
    rows = execute(url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1")
    return [row["relname"] for row in rows]


class TestPrograms:
    """Which pg_dump is taken, and what is on its command line."""

    @pytest.mark.parametrize(
        ("url", "address", "secret"),
        [
            ("postgresql://u:s%40x@h:5432/d?sslmode=disable", "postgresql://u@h:5432/d?sslmode=disable", "s@x"),
            ("postgresql://u@/d?host=%2Frun%2Fx&port=1", "postgresql://u@/d?host=%2Frun%2Fx&port=1", ""),
            ("postgresql://h/d?user=u&password=a%26b", "postgresql://h/d?user=u", "a&b"),
            ("postgres://u:p:q@h/d", "postgres://u@h/d", "p:q"),
        ],
    )
    def test_no_password_on_a_command_line(self, url: str, address: str, secret: str) -> None:
        """Process lists are for every account to read."""
        assert (address, secret) == without_password(url)

    def test_the_oldest_that_will_do(self) -> None:
        """A newer one may speak to an older server in words it does not know."""
        chosen = [client_programs(server, folder=None, url="postgresql://h/d").major for server in (14, 16, 17, 18)]

        assert [16, 16, 18, 18] == chosen
        assert 18 == client_programs(16, folder=None, url="postgresql://h/d", written_by=18).major

    def test_a_newer_server(self) -> None:
        """It needs its own programs."""
        with pytest.raises(BackupError, match=r"PostgreSQL 99, newer than the bundled programs: .*--programs"):
            client_programs(99, folder=None, url="postgresql://h/d")

    def test_a_server_that_wants_tls(self) -> None:
        """The bundled ones were built without."""
        with pytest.raises(BackupError, match="no TLS"):
            client_programs(18, folder=None, url="postgresql://h/d?sslmode=verify-full")

    def test_programs_that_were_named(self, tmp_path: Path) -> None:
        """They are taken if they are new enough, and refused if not."""
        folder = a_program(tmp_path, "pg_dump", "", major=17)

        assert 17 == client_programs(16, folder=folder, url="postgresql://h/d?sslmode=require").major
        with pytest.raises(BackupError, match="are of PostgreSQL 17; needed is 18"):
            client_programs(18, folder=folder, url="postgresql://h/d")
        with pytest.raises(BackupError, match="cannot be run"):
            client_programs(18, folder=tmp_path / "nowhere", url="postgresql://h/d")

    def test_the_password_reaches_the_program(self, tmp_path: Path) -> None:
        """By its environment."""
        a_program(tmp_path, "pg_dump", f'echo "$PGPASSWORD $*" > {tmp_path}/said')
        chosen = programs.ClientPrograms(tmp_path, 18)
        asyncio.run(chosen.dump("postgresql://u:secret@h/d", "--verbose"))

        assert "secret --dbname=postgresql://u@h/d --verbose\n" == (tmp_path / "said").read_text()


@pytest.mark.db
@pytest.mark.slow
def test_a_node_that_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve, back up under load, go on, kill; restore elsewhere, serve: what was answered before is there, once."""
    monkeypatch.setattr(test_recorded, "PATIENCE", 90.0)  # two starts, and thousands of records to take over
    data, new, folder = tmp_path / "data", tmp_path / "new", tmp_path / "backup"
    answered: set[str] = set()
    with served(data) as running:
        running.ready()
        stop = threading.Event()
        senders = [threading.Thread(target=_send, args=(running, answered, stop, at)) for at in range(3)]
        for sender in senders:
            sender.start()
        time.sleep(2.0)
        before = set(answered)
        run("backup", str(folder), "--with-keys", data=data)
        time.sleep(0.5)
        socket = Path(parse_qs(urlsplit(running.database_url).query)["host"][0])
        os.kill(running.process.pid, signal.SIGKILL)
        stop.set()
        for sender in senders:
            sender.join()
    eventually(lambda: not (socket / ".s.PGSQL.5432").exists())
    shutil.rmtree(socket, ignore_errors=True)  # the lost node's; where nobody ends it in good order, it stays
    after = answered - before
    assert len(before) > 20
    assert after

    said = run("restore", str(folder), "--into", str(new), data=data)
    assert "start the service: it takes over the journal" in said
    with served(new) as again:
        again.ready()
        eventually(lambda: before <= stored(again))
        assert value(again.database_url, "SELECT count(*) = count(DISTINCT id) FROM verdict")
        assert 0 == value(again.database_url, "SELECT count(*) FROM set_aside")
        verdict = min(before)
        assert 200 == httpx.get(f"{again.url}/v1/verdicts/{verdict}").status_code
        after_restore = again.check(message_id="after the restore")["id"]
        eventually(lambda: after_restore in stored(again))
        assert "whole and unaltered" in run("verify", "--deep", data=new)


def run(*arguments: str, data: Path) -> str:
    """Run a command of ours; fail with what it said if it does."""
    command = [sys.executable, "-m", "service.cli", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"DIPCHECK_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout
