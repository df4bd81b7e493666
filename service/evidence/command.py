"""``dipcheck verify`` and ``dipcheck receipt``: prove that the record is whole, and that one verdict is in it.

Exit codes: 0 proven, 1 something is not as it was written, 2 wrong use or the database does not answer.
"""

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from service.evidence.receipts import Receipt
    from service.evidence.verifying import Report
    from service.sealing import Sealer
    from service.settings import Settings

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
OK, FAULTS, MISUSE = 0, 1, 2
_WITHIN: Final = 10.0
"""Seconds to reach the database in, and to read one receipt."""
_A_STATEMENT: Final = 24 * 3600.0
"""Seconds a statement of a verification may take: it reads everything there is."""


def add_commands(commands: Group) -> None:
    """Add ``verify`` and ``receipt``."""
    about = "prove that the record is whole and unaltered, or name the first break"
    proving = commands.add_parser("verify", help=about, description=about)
    proving.set_defaults(run=prove)
    proving.add_argument("--from", dest="begin", type=_day, metavar="DAY", help="first day; all if left out")
    proving.add_argument("--to", dest="end", type=_day, metavar="DAY", help="last day; all if left out")
    proving.add_argument("--hospital", metavar="CODE", help="one hospital; all if left out")
    proving.add_argument("--deep", action="store_true", help="also open what is sealed and compare")
    about = "print the receipt of a verdict, or check one"
    receipt = commands.add_parser("receipt", help=about, description=about)
    receipt.set_defaults(run=answer_receipt)
    which = receipt.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", type=_uuid, metavar="ID", help="the verdict's id")
    which.add_argument("--check", type=Path, metavar="FILE", help="a receipt, as JSON")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no day as in 2026-03-18") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no verdict id") from None


def prove(chosen: argparse.Namespace) -> int:
    """Verify a span of days and print what was found."""
    # Imported here: the other commands need no database.
    import asyncio  # noqa: PLC0415

    from service.db.pool import UNAVAILABLE  # noqa: PLC0415
    from service.errors import Problem  # noqa: PLC0415

    if chosen.begin is not None and chosen.end is not None and chosen.begin > chosen.end:
        return _misuse("--from is after --to: nothing would be proven")
    settings = _settings()
    sealer = None if settings is None else _sealer(settings)
    if settings is None or sealer is None:
        return MISUSE
    try:
        report = asyncio.run(_verify(settings, sealer, chosen))
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem.detail or 'is the service running?'}")
    except UNAVAILABLE as fault:
        return _misuse(f"the database does not answer: {type(fault).__name__}")
    _say("\n".join(_words(report, deep=chosen.deep)))
    return OK if report.whole else FAULTS


async def _verify(settings: "Settings", sealer: "Sealer", chosen: argparse.Namespace) -> "Report":
    import asyncpg  # noqa: PLC0415

    from service.db.evidence import EVER  # noqa: PLC0415
    from service.evidence import anchors  # noqa: PLC0415
    from service.evidence.contents import Contents  # noqa: PLC0415
    from service.evidence.verifying import verify  # noqa: PLC0415
    from service.identity import Identity  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415

    # Before the transaction begins: what they vouch for must be in it.
    known = anchors.read(settings.data_dir / anchors.FILE)
    contents = Contents(sealer, Identity.open(settings.data_dir)) if chosen.deep else None
    connection = await asyncpg.connect(
        database_url(settings), timeout=_WITHIN, command_timeout=_A_STATEMENT, server_settings={"jit": "off"}
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await verify(
                connection,
                sealer,
                first=chosen.begin or EVER[0],
                last=chosen.end or EVER[1],
                hospital=chosen.hospital,
                anchors=known,
                contents=contents,
            )
    finally:
        await connection.close()


def _words(report: "Report", *, deep: bool) -> list[str]:
    """Return a report as lines for people."""
    subjects = ", ".join(f"{count} {table} rows" for table, count in report.subjects.items())
    lines = [
        f"{report.chains} chains, {report.links} links, {report.checkpoints} checkpoints, {report.anchors} anchors",
        f"{subjects} are as they were written",
    ]
    counts = [
        (report.retired, "retired with their month"),
        (report.before, "from before there was a chain, which nothing vouches for"),
        (report.unvouched, "links behind the last checkpoint of their chain"),
    ]
    if deep:
        lines.append(f"{report.opened} verdicts opened and compared, {report.erased} erased")
    lines += [f"{count} {what}" for count, what in counts if count]
    if report.whole:
        return [*lines, "whole and unaltered"]
    others = report.broken - 1
    lines.append(f"BROKEN  {report.breaks[0]}")
    lines += [f"        {found}" for found in report.breaks[1:]]
    return [*lines, f"{others} more breaks behind the first" if others else "one break"]


def answer_receipt(chosen: argparse.Namespace) -> int:
    """Print a receipt, or check one."""
    from service.errors import Problem  # noqa: PLC0415

    settings = _settings()
    if settings is None:
        return MISUSE
    try:
        return _check(settings, chosen.check) if chosen.check is not None else _print(settings, chosen.id)
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem.detail or 'is the service running?'}")


def _print(settings: "Settings", identifier: UUID) -> int:
    import msgspec  # noqa: PLC0415

    found = _stored(settings, identifier)
    if found is None:
        return _misuse("there is no such verdict in the database, or no chain knows it")
    _say(msgspec.json.format(msgspec.json.encode(found)).decode())
    return OK


def _stored(settings: "Settings", identifier: UUID) -> "Receipt | None":
    """Return the receipt of what the database holds. Raises ``Problem``."""
    import asyncio  # noqa: PLC0415

    from service.db import evidence as stored  # noqa: PLC0415
    from service.db.pool import Pool  # noqa: PLC0415
    from service.evidence.receipts import receipt_of  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415

    async def read() -> "Receipt | None":
        pool = Pool(database_url(settings))
        try:
            held = await stored.held(pool, identifier, within=_WITHIN)
            return None if held is None else receipt_of(held)
        finally:
            await pool.close()

    return asyncio.run(read())


def _check(settings: "Settings", file: Path) -> int:
    """Check a receipt with the key file, and against the database where it answers."""
    import msgspec  # noqa: PLC0415

    from service.errors import Problem  # noqa: PLC0415
    from service.evidence import receipts  # noqa: PLC0415

    try:
        given = receipts.read(file.read_bytes())
    except OSError as fault:
        return _misuse(f"cannot read `{file}`: {fault.strerror}")
    except msgspec.MsgspecError as fault:
        return _misuse(f"`{file}` is no receipt: {fault}")
    sealer = _sealer(settings)
    if sealer is None:
        return MISUSE
    faults = list(receipts.faults_of(given, sealer))
    lines = ["checked with the key file"]
    try:
        identifier = UUID(str(given.verdict.get("id")))
        faults += receipts.differences(given, _stored(settings, identifier)) if not faults else []
        lines.append("compared with the database")
    except ValueError:
        pass  # said above: its columns are not those the link is about
    except Problem:
        lines.append("not compared with the database, which does not answer")
    if faults:
        _say("\n".join(f"BROKEN  {fault}" for fault in faults))
        return FAULTS
    _say("\n".join([*lines, f"verdict {given.verdict['id']} was recorded as the receipt says"]))
    return OK


def _settings() -> "Settings | None":
    from service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        return Settings.from_environment(os.environ)
    except SettingsError as fault:
        _misuse(str(fault))
        return None


def _sealer(settings: "Settings") -> "Sealer | None":
    """Return the service's key; never makes one, with which nothing could be proven."""
    from service.sealing import Sealer  # noqa: PLC0415

    path = settings.data_dir / "keys" / "seal.key"
    try:
        return Sealer(path.read_bytes())
    except OSError as fault:
        _misuse(f"cannot read the key file `{path}`: {fault.strerror}; set DIPCHECK_DATA_DIR to the service's own")
    except ValueError as fault:
        _misuse(f"`{path}`: {fault}")
    return None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _misuse(message: str) -> int:
    sys.stderr.write(f"dipcheck: {message}\n")
    return MISUSE
