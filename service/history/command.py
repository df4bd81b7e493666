"""The commands about the record of saved lines: ``dipcheck history import`` and ``dipcheck history cover``.

Exit codes: 0 done, 1 rows were rejected, 2 wrong use, or a file or database that cannot be reached.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from service.history.importing import Report
    from service.settings import Settings

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
OK, FAULTS, MISUSE = 0, 1, 2
_BLOCK = 256 * 1024


def add_commands(commands: Group) -> None:
    """Add ``history``."""
    history = commands.add_parser("history", help="the record of lines the hospital saved")
    actions = history.add_subparsers(title="actions", required=True, metavar="ACTION")
    help = "load past lines from NDJSON or CSV; the same file again changes nothing"
    loading = actions.add_parser("import", help=help, description=help)
    loading.set_defaults(run=import_file)
    loading.add_argument("file", metavar="FILE", help="the file; - reads standard input")
    loading.add_argument("--as", dest="form", choices=["csv", "ndjson"], help="by the file's name if left out")
    loading.add_argument("--import-id", metavar="NAME", help="go on where an import of this name broke off")
    loading.add_argument("--as-of", type=_time, metavar="TIME", help="when the file was true; its own time if left out")
    loading.add_argument("--complete-since", type=_day, metavar="DAY", help="vouch for the record from that day on")
    _common(loading)
    help = "say, or declare, from which day on the record is complete"
    covering = actions.add_parser("cover", help=help, description=help)
    covering.set_defaults(run=cover)
    which = covering.add_mutually_exclusive_group()
    which.add_argument("--since", type=_day, metavar="DAY", help="every line saved from that day on is there")
    which.add_argument("--withdraw", action="store_true", help="nobody vouches any more")
    _common(covering)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hospital", metavar="CODE", help="hospital code; DIPCHECK_HOSPITAL if left out")
    parser.add_argument("--by", default=os.environ.get("USER", "") or "cli", metavar="NAME", help="who says so")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no day as in 2026-03-18") from None


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no time as in 2026-03-18T08:00:00+08:00") from None


def import_file(chosen: argparse.Namespace) -> int:
    """Import a file into the database of the running service, or of DIPCHECK_DATABASE_URL."""
    # Imported here: the other commands need neither a database driver nor the models.
    from service.errors import Problem  # noqa: PLC0415
    from service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        settings = Settings.from_environment(os.environ)
        report = asyncio.run(_import(settings, chosen, chosen.form or _form_of(chosen.file)))
    except (SettingsError, ValueError) as fault:
        return _misuse(str(fault))
    except OSError as fault:
        return _misuse(f"cannot read `{chosen.file}`: {fault.strerror or type(fault).__name__}")
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem}")
    _print(report)
    if report.rows_rejected:
        if chosen.complete_since:
            sys.stderr.write("not declared complete: rows were rejected\n")
        return FAULTS
    return _declare(settings, chosen, chosen.complete_since) if chosen.complete_since else OK


def _form_of(name: str) -> str:
    """Return what a file is by its name. Raises ``ValueError`` where that does not tell."""
    form = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}.get(Path(name).suffix.lower())
    if form is None:
        raise ValueError("say --as csv or --as ndjson: the file's name does not tell")
    return form


async def _import(settings: "Settings", chosen: argparse.Namespace, form: str) -> "Report":
    from service.db.pool import Pool  # noqa: PLC0415
    from service.dialects._contract import Call  # noqa: PLC0415
    from service.history.importing import Importer, ProgressFile, told_at  # noqa: PLC0415
    from service.identity import Identity  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415
    from service.sealing import Sealer  # noqa: PLC0415
    from service.sites import Sites  # noqa: PLC0415

    if not (settings.data_dir / "keys" / "pseudonym.key").is_file():
        # A key made here would give everybody another pseudonym than the service does.
        raise ValueError(f"`{settings.data_dir}` is no data directory of a service: it has no key for pseudonyms")
    hospital = chosen.hospital or settings.hospital
    call = Call(
        path="",
        query="",
        body=b"",
        content_type="",
        received=datetime.now(UTC),
        hospital=hospital,
        default_hospital=hospital,
        sites=Sites.from_file(settings.sites_file),
        pseudonym=Identity.open(settings.data_dir).pseudonym,
        zone=settings.tz,
        caller="cli",
    )
    source, changed = _opened(chosen.file)
    told = told_at(chosen.as_of or changed, call)
    pool = Pool(database_url(settings))
    progress = ProgressFile(settings.data_dir, hospital, chosen.import_id)
    try:
        importer = Importer(
            pool,
            Sealer.open(settings.data_dir, "sm4-gcm" if settings.cipher == "sm4-gcm" else "aes-256-gcm"),
            call,
            hospital,
            form="csv" if form == "csv" else "ndjson",
            told=told,
            progress=progress,
        )
        return await importer.run(_chunks(source))
    finally:
        os.close(source)
        await pool.close()


def _opened(name: str) -> tuple[int, datetime | None]:
    """Return a descriptor, and when the file was written. Raises ``OSError``."""
    if name == "-":
        return os.dup(sys.stdin.fileno()), None
    source = os.open(name, os.O_RDONLY)
    return source, datetime.fromtimestamp(os.fstat(source).st_mtime, UTC)


async def _chunks(source: int) -> AsyncIterator[bytes]:
    while chunk := os.read(source, _BLOCK):
        yield chunk


def _print(report: "Report") -> None:
    for fault in report.rejected:
        _say(f"row {fault.row}: {fault.field}: {fault.message}" if fault.field else f"row {fault.row}: {fault.message}")
    told = report.document(None)
    _say(
        f"{report.rows_done} rows: {report.rows_written} written, {report.rows_rejected} rejected,"
        f" {told['rows_per_second']} rows a second"
    )


def cover(chosen: argparse.Namespace) -> int:
    """Print from when on the record is complete, or declare it."""
    from service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as fault:
        return _misuse(str(fault))
    if chosen.since is None and not chosen.withdraw:
        return _show(settings, chosen)
    if chosen.since is not None and chosen.since > datetime.now(settings.tz).date():
        return _misuse("--since must not be later than today")
    return _declare(settings, chosen, chosen.since)


def _declare(settings: "Settings", chosen: argparse.Namespace, since: date | None) -> int:
    from service.db import history_writes  # noqa: PLC0415
    from service.db.pool import Pool  # noqa: PLC0415
    from service.errors import Problem  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415

    hospital = chosen.hospital or settings.hospital

    async def declare() -> None:
        pool = Pool(database_url(settings))
        try:
            await history_writes.declare_coverage(pool, hospital, since, chosen.by)
        finally:
            await pool.close()

    try:
        asyncio.run(declare())
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem.detail}")
    _say(f"{hospital}: complete since {since}" if since else f"{hospital}: nobody vouches any more")
    return OK


def _show(settings: "Settings", chosen: argparse.Namespace) -> int:
    from service.db import history_writes  # noqa: PLC0415
    from service.db.pool import Pool  # noqa: PLC0415
    from service.errors import Problem  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415

    hospital = chosen.hospital or settings.hospital

    async def read() -> history_writes.Coverage | None:
        pool = Pool(database_url(settings))
        try:
            return await history_writes.coverage(pool, hospital)
        finally:
            await pool.close()

    try:
        found = asyncio.run(read())
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem.detail}")
    if found is None or found.since is None:
        _say(f"{hospital}: nobody vouches for the record")
    else:
        _say(f"{hospital}: complete since {found.since}, says {found.declared_by} ({found.declared:%Y-%m-%d %H:%M})")
    return OK


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _misuse(message: str) -> int:
    sys.stderr.write(f"dipcheck: {message}\n")
    return MISUSE
