"""The commands that look after the record: ``backup``, ``restore`` and ``retain``.

Exit codes: 0 done, 1 something is wrong with what was examined, 2 wrong use or a database that does not answer.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from service.errors import Problem

if TYPE_CHECKING:
    from service.settings import Settings
    from service.upkeep.manifest import Manifest
    from service.upkeep.restoring import Restored

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Answer: TypeAlias = tuple[int, list[str]]

DONE, WRONG, MISUSE = 0, 1, 2
_HISTORY_AT_LEAST: Final = 24


def add_commands(commands: Group) -> None:
    """Add ``backup``, ``restore`` and ``retain``."""
    _add_backup(commands)
    _add_restore(commands)
    _add_retain(commands)


def _command(commands: Group, name: str, help: str, answer: Callable[..., Answer]) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(run=lambda chosen: _answered(answer, chosen))
    return parser


def _answered(answer: Callable[..., Answer], chosen: argparse.Namespace) -> int:
    """Read the settings, run a command and write down what it says."""
    from service.settings import Settings, SettingsError  # noqa: PLC0415 - the pack commands need none

    try:
        code, lines = answer(Settings.from_environment(os.environ), chosen)
    except SettingsError as fault:
        code, lines = MISUSE, [str(fault)]
    except Problem as problem:
        code, lines = MISUSE, [f"{problem.kind.title}: {problem.detail or 'is the service running?'}"]
    except OSError as fault:
        code, lines = MISUSE, [f"{fault.filename or ''}: {fault.strerror or fault}"]
    if code == MISUSE:
        sys.stderr.write("".join(f"dipcheck: {line}\n" for line in lines))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


# backup


def _add_backup(commands: Group) -> None:
    backup = _command(commands, "backup", "write journal and database of the running service into a folder", _backup)
    backup.add_argument("folder", type=Path, metavar="DIR", help="a new folder; with --check, one that was written")
    backup.add_argument("--with-keys", action="store_true", help="copy the secret keys, too")
    backup.add_argument("--check", action="store_true", help="say whether a backup still is what was written")
    _add_programs(backup)


def _add_programs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--programs", type=Path, metavar="DIR", help="folder of pg_dump and pg_restore to use instead")


def _backup(settings: "Settings", chosen: argparse.Namespace) -> Answer:
    from service.upkeep.backup import check_backup, make_backup  # noqa: PLC0415 - brings a database driver
    from service.upkeep.manifest import BackupError, DamagedBackup  # noqa: PLC0415

    try:
        if chosen.check:
            manifest, faults = check_backup(chosen.folder)
            return (WRONG, faults) if faults else (DONE, [*_described(manifest), "every file is as it was written"])
        made = make_backup(settings, chosen.folder, with_keys=chosen.with_keys, programs=chosen.programs)
    except DamagedBackup as fault:
        return WRONG, [str(fault)]
    except BackupError as fault:
        return MISUSE, [str(fault)]
    return DONE, [f"{chosen.folder}: done", *_described(made.manifest), f"manifest.json has SHA-256 {made.seal}"]


def _described(manifest: "Manifest") -> Iterable[str]:
    size = sum(file.size for file in manifest.files)
    yield f"made {manifest.made:%Y-%m-%d %H:%M:%S} UTC by version {manifest.version}, tables {manifest.schema}"
    yield f"{len(manifest.files)} files, {size} bytes"
    yield f"{manifest.rows['verdict']} verdicts in the database, {manifest.journal_records} records in the journal"
    if manifest.holds_keys:
        yield "it holds the secret keys: whoever has it can read it"
    else:
        named = ", ".join(f"{name} {mark}" for name, mark in manifest.key_fingerprints.items())
        yield f"it needs these keys, which it does not hold: {named or 'none'}"


# restore


def _add_restore(commands: Group) -> None:
    restore = _command(commands, "restore", "restore a backup; the service must not run", _restore)
    restore.add_argument("folder", type=Path, metavar="DIR", help="a folder that `dipcheck backup` wrote")
    restore.add_argument("--into", type=Path, metavar="DATADIR", help="data directory; DIPCHECK_DATA_DIR if left out")
    restore.add_argument("--replace", action="store_true", help="move what the data directory holds aside")
    keys = restore.add_mutually_exclusive_group()
    keys.add_argument("--keys", type=Path, metavar="DIR", help="folder of the keys, when the backup holds none")
    keys.add_argument("--without-keys", action="store_true", help="restore although the keys are not at hand")
    _add_programs(restore)


def _restore(settings: "Settings", chosen: argparse.Namespace) -> Answer:
    from service.data_lock import DataDirectoryInUse  # noqa: PLC0415 - brings a database driver
    from service.postgres_place import PostgresUnavailable  # noqa: PLC0415
    from service.upkeep.manifest import BackupError, DamagedBackup  # noqa: PLC0415
    from service.upkeep.restoring import restore_backup  # noqa: PLC0415

    try:
        restored = restore_backup(
            settings,
            chosen.folder,
            into=chosen.into,
            replace=chosen.replace,
            keys=chosen.keys,
            without_keys=chosen.without_keys,
            programs=chosen.programs,
        )
    except DamagedBackup as fault:
        return WRONG, [str(fault)]
    except (BackupError, DataDirectoryInUse, PostgresUnavailable) as fault:
        return MISUSE, [str(fault)]
    return DONE, list(_told(restored))


def _told(restored: "Restored") -> Iterable[str]:
    yield f"restored into {restored.data_dir}"
    if restored.aside is not None:
        yield f"what was there before is in {restored.aside}"
    yield f"{restored.verdicts} verdicts are in the database, {restored.pending} more in the journal"
    if restored.keys_missing:
        names = ", ".join(restored.keys_missing)
        yield f"put {names} into {restored.data_dir / 'keys'} BEFORE the service is started: it would make new ones"
    yield "start the service: it takes over the journal"


# retain


def _add_retain(commands: Group) -> None:
    retain = _command(commands, "retain", "drop the months that are older than the retention setting", _retain)
    retain.add_argument(
        "--months",
        type=_positive,
        metavar="N",
        help="whole months to keep beside the running one; DIPCHECK_RETAIN_MONTHS",
    )
    retain.add_argument(
        "--history-months",
        type=_positive,
        metavar="N",
        help=f"months of saved lines to keep, which rules look back on; the same, but at least {_HISTORY_AT_LEAST}",
    )
    retain.add_argument("--dry-run", action="store_true", help="only say what would go")
    retain.add_argument("--by", default="cli", metavar="NAME", help="who orders it, for the record")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return int(text)


def _retain(settings: "Settings", chosen: argparse.Namespace) -> Answer:
    from service.upkeep.retention import retain  # noqa: PLC0415 - brings a database driver

    months = chosen.months or settings.retain_months
    if months is None:
        return DONE, ["all months are kept: neither DIPCHECK_RETAIN_MONTHS nor --months is set"]
    history = chosen.history_months or max(months, _HISTORY_AT_LEAST)
    complete, lines = retain(settings, months=months, history_months=history, by=chosen.by, dry_run=chosen.dry_run)
    return (DONE if complete else WRONG), lines
