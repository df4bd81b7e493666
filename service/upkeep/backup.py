"""``dipcheck backup``: the journal and the database of a running service, in one folder that proves itself.

In: settings and a folder that does not exist. Out: that folder, complete, or nothing.

The order is what makes the two parts one whole. A record is in the journal before its answer leaves, and leaves the
journal only after the database has it. So the journal is copied *first*, then a snapshot of the database is taken:
what was answered before we began is in the copy, or had left the journal by then and is in the snapshot. What is in
both does no harm, since a record that is written twice is there once (decision 7). The other way round, a record
could leave the journal between the two looks and be in neither.
"""

import asyncio
import fcntl
import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from service.db.snapshots import VERSIONS, connected, describe, newest_revision, snapshot
from service.db.tables import metadata
from service.packs import database_url
from service.settings import Settings
from service.upkeep.journal_copy import copy_journal
from service.upkeep.manifest import (
    DUMP,
    EVIDENCE,
    JOURNAL,
    KEYS,
    BackupError,
    Manifest,
    copy_files,
    faults_of,
    fingerprints,
    kept_files,
    read_manifest,
    sync_folder,
    sync_tree,
    write_manifest,
    write_private,
)
from service.upkeep.programs import client_programs

_DUMP_OPTIONS: Final = ("--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges")
_ANCHORS: Final = "*.jsonl"


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup."""

    manifest: Manifest
    seal: str
    """SHA-256 of the manifest: kept elsewhere, it says later whether anything was altered."""


@dataclass(frozen=True, slots=True)
class _Dumped:
    programs: int
    server: int
    schema: str
    rows: dict[str, int]


def make_backup(settings: Settings, target: Path, *, with_keys: bool = False, programs: Path | None = None) -> Made:
    """Write a backup of a running service into a new folder.

    Raises ``BackupError`` (it cannot be made), ``Problem`` (the database does not answer) or ``OSError``; there is no
    folder then.
    """
    if target.exists():
        raise BackupError(f"`{target}` exists: a backup is written into a new folder")
    data = settings.data_dir
    url = database_url(settings)
    with _part_of(target) as part:
        begun = datetime.now(UTC)
        records = copy_journal(data / "journal", part / JOURNAL)
        _copy_anchors(data / "evidence", part / EVIDENCE)
        if with_keys:
            copy_files(sorted(path for path in (data / "keys").iterdir() if _is_key(path)), part / KEYS)
        dumped = asyncio.run(_dump(url, part / DUMP, programs))
        (part / DUMP).chmod(0o600)
        manifest = Manifest(
            made=begun,
            version=importlib.metadata.version("dipcheck"),
            schema=dumped.schema,
            programs=dumped.programs,
            server=dumped.server,
            key_fingerprints=fingerprints(data / "keys"),
            holds_keys=with_keys,
            journal_records=records,
            rows=dumped.rows,
            files=kept_files(part),
        )
        seal = write_manifest(part, manifest)
        sync_tree(part)
        part.rename(target)
    sync_folder(target.parent)
    return Made(manifest, seal)


def check_backup(folder: Path) -> tuple[Manifest, list[str]]:
    """Return a backup's manifest, and what is wrong with its files. Raises ``BackupError``."""
    manifest = read_manifest(folder)
    return manifest, faults_of(folder, manifest)


async def _dump(url: str, target: Path, folder: Path | None) -> _Dumped:
    async with connected(url) as connection:
        found = await describe(connection)
        if found.schema != newest_revision():
            raise BackupError(
                f"the database's tables are of revision {found.schema or 'none'}, those of this version of "
                f"{newest_revision()}: make the backup with the version that serves"
            )
        programs = client_programs(found.server, folder=folder, url=url)
        # Ours by name: whoever shares the database has extensions that another server may not know.
        tables = [f"--table-and-children={name}" for name in (VERSIONS, *sorted(metadata.tables))]
        async with snapshot(connection) as moment:
            await programs.dump(url, *_DUMP_OPTIONS, *tables, f"--snapshot={moment.id}", f"--file={target}")
    return _Dumped(programs.major, found.server, found.schema, dict(moment.rows))


def _copy_anchors(source: Path, target: Path) -> None:
    """Copy the local witnesses of the chains, each up to its last whole line."""
    if not source.is_dir():
        return
    target.mkdir(mode=0o700)
    for path in sorted(source.glob(_ANCHORS)):
        data = path.read_bytes()
        write_private(target / path.name, data[: data.rfind(b"\n") + 1])


def _is_key(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Make the folder in which a backup grows; nothing of it stays when the block fails."""
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError), _held(part):
        shutil.rmtree(part)  # of a backup that was killed
    part.mkdir(mode=0o700)
    try:
        with _held(part):
            yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Lock a folder while the block lasts. Raises ``BackupError`` when another process has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(f"another backup is being written to `{folder}`") from None
    finally:
        os.close(descriptor)
