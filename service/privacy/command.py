"""The commands about one patient's data: ``dipcheck patient export`` and ``dipcheck patient erase``.

The patient's id comes from standard input or is asked for, never from the command line: everybody on the machine can
read the arguments of a running process, and shells keep them in a history.
"""

import argparse
import asyncio
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.db.patient_keys import Person
    from service.privacy.erasing import Erased
    from service.settings import Settings

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
OK, FAULTS, MISUSE = 0, 1, 2
_WITHIN: Final = 3_600.0
"""Seconds: nobody waits at a screen, and a record of years is read through."""


class _Misuse(Exception):
    """The command cannot be run as it was given; the text says why."""


def add_commands(commands: Group) -> None:
    """Add ``patient``."""
    patient = commands.add_parser("patient", help="export or erase one person's data (id from standard input)")
    actions = patient.add_subparsers(title="actions", required=True, metavar="ACTION")
    help = "write all that is stored of a person as lines of JSON"
    export_to = actions.add_parser("export", help=help, description=f"{help}; the id is read from standard input")
    export_to.add_argument("--to", type=Path, metavar="FILE", help="a new file, for its owner only; else the screen")
    export_to.set_defaults(run=run_export)
    help = "erase a person's data for good"
    erase = actions.add_parser("erase", help=help, description=f"{help}; the id is read from standard input")
    erase.add_argument("--reason", required=True, metavar="TEXT", help="kept in the record of erasures: no name, no id")
    erase.add_argument("--by", default=os.environ.get("USER", "cli"), metavar="NAME", help="who decided it")
    erase.add_argument("--yes", action="store_true", help="do not ask; without a terminal it is needed")
    erase.set_defaults(run=run_erase)
    for action in (export_to, erase):
        action.add_argument("--hospital", metavar="CODE", help="default: DIPCHECK_HOSPITAL")


def run_export(chosen: argparse.Namespace) -> int:
    """Write a person's export; 1 when it broke off."""
    try:
        settings = _settings()
        person = _person(chosen, settings)
        with _output(chosen.to) as out:
            whole = asyncio.run(_export(settings, person, out))
    except _Misuse as fault:
        return _say(MISUSE, str(fault))
    return OK if whole else _say(FAULTS, "the export broke off: its last line is not `end`")


def run_erase(chosen: argparse.Namespace) -> int:
    """Erase a person's data; 1 when records of the person are still on their way, so that it has to be done again."""
    try:
        settings = _settings()
        person = _person(chosen, settings, kept=(chosen.reason, chosen.by))
        if not chosen.yes:
            _confirm()
        done = asyncio.run(_erase(settings, person, by=chosen.by, reason=chosen.reason))
    except _Misuse as fault:
        return _say(MISUSE, str(fault))
    rows = done.rows
    if rows.id is None:
        _tell("nothing is stored of this person\n", sys.stdout)
    else:
        counts = f"{rows.verdicts} verdicts, {rows.lines} lines, {rows.visits} visits, {rows.keys} keys"
        _tell(f"erasure {rows.id}: {counts}\n", sys.stdout)
    if done.repeat:
        return _say(FAULTS, "records of this person are still on their way to the database: do it again in a while")
    return OK


async def _export(settings: "Settings", person: "Person", out: BinaryIO) -> bool:
    """Write the lines; say whether the last one was reached. Raises ``_Misuse``: the database does not answer."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from service.db.pool import Pool  # noqa: PLC0415 - other commands need no database driver
    from service.errors import Problem  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415
    from service.privacy.exporting import END, export  # noqa: PLC0415
    from service.sealing import Sealer  # noqa: PLC0415

    last = b""
    try:
        pool = Pool(database_url(settings), command_timeout=_WITHIN)
        try:
            async for last in await export(pool, Sealer.open(settings.data_dir), person, at=datetime.now(UTC)):
                out.write(last)
        finally:
            await pool.close()
    except Problem as problem:
        raise _Misuse(f"{problem.kind.title}: {problem.detail or 'is the service running?'}") from None
    return last.startswith(END)


async def _erase(settings: "Settings", person: "Person", *, by: str, reason: str) -> "Erased":
    """Erase; raises ``_Misuse`` when the database does not answer."""
    from service.db.pool import Pool  # noqa: PLC0415 - other commands need no database driver
    from service.errors import Problem  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415
    from service.privacy.erasing import erase  # noqa: PLC0415

    try:
        pool = Pool(database_url(settings), command_timeout=_WITHIN)
        try:
            journal = settings.data_dir / "journal"
            return await erase(pool, person, by=by, reason=reason, journal=journal, within=_WITHIN)
        finally:
            await pool.close()
    except Problem as problem:
        raise _Misuse(f"{problem.kind.title}: {problem.detail or 'is the service running?'}") from None


def _settings() -> "Settings":
    from service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        return Settings.from_environment(os.environ)
    except SettingsError as fault:
        raise _Misuse(str(fault)) from None


def _person(chosen: argparse.Namespace, settings: "Settings", *, kept: tuple[str, ...] = ()) -> "Person":
    """Return who is meant, by the id on standard input, which must not stand in a text that is kept."""
    from service.identity import Identity  # noqa: PLC0415
    from service.privacy.people import names, person_of  # noqa: PLC0415
    from service.schemas.scalars import text  # noqa: PLC0415

    # A key made here would name nobody, and "nothing is stored" would be no answer.
    missing = [name for name in ("pseudonym.key", "seal.key") if not (settings.data_dir / "keys" / name).is_file()]
    if missing:
        raise _Misuse(f"no {' and no '.join(missing)} in `{settings.data_dir / 'keys'}`: set DIPCHECK_DATA_DIR")
    if sys.stdin.isatty():
        _tell("patient id: ", sys.stderr)
    patient_id = text(sys.stdin.readline())
    if patient_id is None:
        raise _Misuse("no patient id on standard input")
    if any(names(text, patient_id) for text in kept):
        raise _Misuse("the reason, and who decided it, are kept: they must not hold the patient's id")
    return person_of(Identity.open(settings.data_dir), chosen.hospital or settings.hospital, patient_id)


def _confirm() -> None:
    """Ask before what cannot be taken back. Raises ``_Misuse`` unless it is confirmed."""
    if not sys.stdin.isatty():
        raise _Misuse("erasing cannot be taken back: add --yes")
    _tell("this cannot be taken back; type `erase` to go on: ", sys.stderr)
    if sys.stdin.readline().strip() != "erase":
        raise _Misuse("nothing was erased")


@contextmanager
def _output(path: Path | None) -> "Iterator[BinaryIO]":
    """Give standard output, or a new file that only its owner reads. Raises ``_Misuse``."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise _Misuse(f"cannot write `{path}`: {fault.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _say(code: int, text: str) -> int:
    _tell(f"{text}\n", sys.stderr)
    return code


def _tell(text: str, out: TextIO) -> None:
    out.write(text)
    out.flush()
