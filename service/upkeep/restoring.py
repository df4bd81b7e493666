"""``dipcheck restore``: a backup into a data directory and a database, beside what is there and never over it.

In: a backup that is what its manifest says. Out: a data directory that the next ``dipcheck serve`` starts from; it
adopts the journal, whose records are then in the database once. Everything is built in ``.restoring`` within the data
directory and moved to its place when complete: a restore that fails changes nothing there.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from service.data_lock import DataDirectoryLock, try_lock
from service.db.migrate import upgrade
from service.db.snapshots import (
    VERSIONS,
    analyze,
    connected,
    counts,
    describe,
    knows_revision,
    missing,
    positions,
)
from service.db.tables import metadata
from service.embedded_postgres import EmbeddedPostgres
from service.postgres_place import own_directory
from service.settings import Settings
from service.upkeep.backup import check_backup
from service.upkeep.journal_copy import pending_verdicts
from service.upkeep.manifest import (
    DUMP,
    EVIDENCE,
    JOURNAL,
    KEYS,
    BackupError,
    DamagedBackup,
    Manifest,
    copy_files,
    fingerprints,
    sync_tree,
)
from service.upkeep.programs import client_programs

_STAGING: Final = ".restoring"
_ASIDE: Final = "before-restore-"
_NO_CONTENT: Final = {"run", "lost+found", _STAGING}
_RESTORE_OPTIONS: Final = ("--no-owner", "--no-privileges", "--exit-on-error")


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there now."""

    data_dir: Path
    verdicts: int
    """Verdicts in the database."""
    pending: int
    """Further verdicts that are in the journal only; the next start records them."""
    aside: Path | None
    """Where the former content of the data directory is."""
    keys_missing: tuple[str, ...]
    """Secret keys that have to be put into place before the service is started."""


def restore_backup(
    settings: Settings,
    folder: Path,
    *,
    into: Path | None = None,
    replace: bool = False,
    keys: Path | None = None,
    without_keys: bool = False,
    programs: Path | None = None,
) -> Restored:
    """Restore a backup into a data directory that nobody uses, and a database that holds none of our tables.

    Raises ``BackupError``, ``DataDirectoryInUse``, ``PostgresUnavailable``, ``Problem`` or ``OSError``; the data
    directory holds then what it held before.
    """
    manifest = _sound(folder)
    source = _key_folder(folder, manifest, keys, without_keys)
    data_dir = (into or settings.data_dir).absolute()
    with DataDirectoryLock.acquire(data_dir):
        _require_room(data_dir, replace=replace)
        with _staging(data_dir) as staging:
            _copy_parts(folder, staging, source)
            verdicts, pending = _restore_database(settings.database_url, folder, manifest, staging, programs)
            aside = _put_in_place(data_dir, staging)
    absent = () if source else tuple(manifest.key_fingerprints)
    return Restored(data_dir, verdicts, pending, aside, absent)


def _sound(folder: Path) -> Manifest:
    manifest, faults = check_backup(folder)
    if faults:
        raise DamagedBackup(f"`{folder}` is damaged, nothing was restored: {'; '.join(faults)}")
    if not knows_revision(manifest.schema):
        raise BackupError(f"`{folder}` was made by a newer version ({manifest.version}): restore it with that one")
    return manifest


def _key_folder(folder: Path, manifest: Manifest, keys: Path | None, without_keys: bool) -> Path | None:
    """Return where the keys are to be taken from: the very ones that belong to the backup."""
    source = keys or (folder / KEYS if manifest.holds_keys else None)
    if source is None:
        if without_keys or not manifest.key_fingerprints:
            return None
        raise BackupError(
            f"the backup holds no keys; without {', '.join(manifest.key_fingerprints)} nothing sealed can be read: "
            "name the folder they are kept in with --keys, or say --without-keys and put them into place yourself"
        )
    found = fingerprints(source)
    wrong = [name for name, wanted in manifest.key_fingerprints.items() if found.get(name) != wanted]
    if wrong:
        raise BackupError(f"`{source}` does not hold the keys of this backup: {', '.join(wrong)}")
    return source


def _require_room(data_dir: Path, *, replace: bool) -> None:
    """Refuse a data directory that holds something, or that a process of a killed service still works in."""
    if _content(data_dir) and not replace:
        raise BackupError(f"`{data_dir}` is not empty: name another with --into, or set it aside with --replace")
    locks = [data_dir / "run" / "postgres.lock", *(data_dir / "journal").glob("*.lock")]
    for path in locks:
        if path.exists():
            descriptor = try_lock(path)
            if descriptor is None:
                raise BackupError(f"a process of a former dipcheck still runs on `{data_dir}`; try again in a moment")
            os.close(descriptor)


def _content(data_dir: Path) -> list[Path]:
    return [
        path for path in sorted(data_dir.iterdir()) if path.name not in _NO_CONTENT and not path.name.startswith(_ASIDE)
    ]


@contextmanager
def _staging(data_dir: Path) -> Iterator[Path]:
    staging = data_dir / _STAGING
    shutil.rmtree(staging, ignore_errors=True)  # of a restore that was killed
    own_directory(data_dir, _STAGING)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copy_parts(folder: Path, staging: Path, keys: Path | None) -> None:
    copy_files(sorted((folder / JOURNAL).iterdir()), staging / "journal")
    if (folder / EVIDENCE).is_dir():
        copy_files(sorted((folder / EVIDENCE).iterdir()), staging / "evidence")
    if keys is not None:
        copy_files((path for path in sorted(keys.iterdir()) if path.is_file()), staging / "keys")
    sync_tree(staging)


def _restore_database(
    url: str | None, folder: Path, manifest: Manifest, staging: Path, programs: Path | None
) -> tuple[int, int]:
    """Fill the database; return the verdicts in it, and those that only the journal holds."""
    if url is not None:
        return _fill(url, folder, manifest, staging, programs, options=("--single-transaction",))
    with DataDirectoryLock.acquire(staging) as lock:
        postgres = EmbeddedPostgres(lock)
        try:
            postgres.wait_until_ready()
            jobs = f"--jobs={min(4, os.cpu_count() or 1)}"
            return _fill(postgres.url, folder, manifest, staging, programs, options=(jobs,))
        finally:
            postgres.stop()


def _fill(
    url: str, folder: Path, manifest: Manifest, staging: Path, programs: Path | None, *, options: tuple[str, ...]
) -> tuple[int, int]:
    asyncio.run(_load(url, folder / DUMP, manifest, programs, options))
    upgrade(url)
    return asyncio.run(_examine(url, staging / "journal"))


async def _load(url: str, dump: Path, manifest: Manifest, programs: Path | None, options: tuple[str, ...]) -> None:
    async with connected(url) as connection:
        found = await describe(connection)
        if there := found.tables & {VERSIONS, *metadata.tables}:
            raise BackupError(f"the database holds our tables already ({', '.join(sorted(there)[:3])} …): it must not")
        chosen = client_programs(found.server, folder=programs, url=url, written_by=manifest.programs)
        if found.server < manifest.server:
            raise BackupError(f"a backup of PostgreSQL {manifest.server} does not fit into {found.server}")
        await chosen.restore(url, *_RESTORE_OPTIONS, *options, str(dump))
        rows = await counts(connection)
    short = [name for name, wanted in manifest.rows.items() if name in rows and rows[name] != wanted]
    if short:
        raise BackupError(f"the database holds other rows than the backup was made of: {', '.join(short)}")


async def _examine(url: str, journal: Path) -> tuple[int, int]:
    async with connected(url) as connection:
        await analyze(connection)
        verdicts = (await counts(connection))["verdict"]
        pending: dict[str, set[str]] = {}
        for hospital, verdict in pending_verdicts(journal, await positions(connection)):
            pending.setdefault(hospital, set()).add(verdict)
        absent = await missing(connection, pending)
    return verdicts, sum(map(len, absent.values()))


def _put_in_place(data_dir: Path, staging: Path) -> Path | None:
    """Move what was there aside and what was restored to its place; return where the former is."""
    shutil.rmtree(staging / "run", ignore_errors=True)  # sockets and locks of the server that was filled
    former, aside = _content(data_dir), None
    if former:
        aside = own_directory(data_dir, f"{_ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        for path in former:
            path.rename(aside / path.name)
    for path in sorted(staging.iterdir()):
        path.rename(data_dir / path.name)
    return aside
