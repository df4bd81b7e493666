"""What a backup holds (备份清单): its files with their SHA-256, and what was in the database when it was made.

In: a finished folder. Out: ``manifest.json``, and later whether the folder still is what the manifest says.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
JOURNAL: Final = "journal"
EVIDENCE: Final = "evidence"
KEYS: Final = "keys"
FORMAT: Final = 1

_FINGERPRINT: Final = b"dipcheck key fingerprint\n"


class BackupError(Exception):
    """A backup that cannot be made or used; the message says why and what to do."""


class DamagedBackup(BackupError):
    """A backup that is not what was written; the message names each file."""


class KeptFile(msgspec.Struct, frozen=True):
    """One file of a backup: its path within it, its bytes, and their SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of."""

    made: datetime
    version: str
    """Of the service that made it."""
    schema: str
    """Revision of the tables."""
    programs: int
    """Major version of the ``pg_dump`` that wrote the dump."""
    server: int
    """Major version of the server it was taken from."""
    key_fingerprints: Mapping[str, str]
    """Which secret keys belong to it, by file name. A fingerprint tells nothing about its key."""
    holds_keys: bool
    journal_records: int
    """Records in the journal's files; most of them are in the database, too."""
    rows: Mapping[str, int]
    """Rows by table, counted in the very snapshot that was dumped."""
    files: tuple[KeptFile, ...]
    format: int = FORMAT


def kept_files(folder: Path) -> tuple[KeptFile, ...]:
    """Return every file below a folder but the manifest, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = ((path.relative_to(folder).as_posix(), path) for path in paths)
    return tuple(KeptFile(name, path.stat().st_size, _sha256(path)) for name, path in names if name != MANIFEST)


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write the manifest and return its SHA-256, which says for all files whether any was altered."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    (folder / MANIFEST).write_bytes(data)
    (folder / MANIFEST).chmod(0o600)
    return hashlib.sha256(data).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises ``BackupError`` when there is none, or it is of a newer format."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise BackupError(f"`{folder}` is no backup: {MANIFEST} cannot be read ({error.strerror})") from None
    except msgspec.DecodeError as error:
        raise DamagedBackup(f"{MANIFEST} of `{folder}` is damaged: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(f"`{folder}` is a backup of format {manifest.format}, made by a newer version")
    return manifest


def faults_of(folder: Path, manifest: Manifest) -> list[str]:
    """Return what is wrong with the files of a backup: missing, altered, or not in the manifest."""
    found = {file.name: file for file in kept_files(folder)}
    listed = {file.name: file for file in manifest.files}
    faults = [f"{name} is missing" for name in listed if name not in found]
    for name, file in found.items():
        if name not in listed:
            faults.append(f"{name} is not in the manifest")
        elif file.size != listed[name].size:
            faults.append(f"{name} has {file.size} bytes instead of {listed[name].size}")
        elif file.sha256 != listed[name].sha256:
            faults.append(f"{name} was altered: its SHA-256 is another one")
    return faults


def fingerprints(keys: Path) -> dict[str, str]:
    """Return the fingerprint of every secret key in a folder, by file name."""
    return {path.name: fingerprint(path.read_bytes()) for path in sorted(keys.glob("*.key"))}


def fingerprint(key: bytes) -> str:
    """Return 16 hex digits by which a key is recognised, and from which it cannot be told."""
    return hashlib.sha256(_FINGERPRINT + key).hexdigest()[:16]


def copy_files(paths: Iterable[Path], target: Path) -> None:
    """Copy files into a new folder, for this account only."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in paths:
        write_private(target / path.name, path.read_bytes())


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only this account may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def sync_tree(folder: Path) -> None:
    """Make everything below a folder survive a power cut."""
    for path in (*folder.rglob("*"), folder):
        sync_folder(path)


def sync_folder(path: Path) -> None:
    """Make a folder's entries, or a file's content, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
