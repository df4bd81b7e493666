"""``dipcheck replay``: judges a period's verdicts again, by their own rules or by others.

Exit codes: 0 done; 1 something that had to give its own bytes did not, or could not be read or loaded; 2 wrong use,
or the database does not answer.
"""

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from service.replay.running import Job
    from service.replay.tally import Tally
    from service.settings import Settings

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
OK, FAULTS, MISUSE = 0, 1, 2
EVERY_HOSPITAL: Final = "all"
_FILTERS: Final = ("department", "doctor", "rule", "kind", "state", "dialect", "visit")


class _Misuse(Exception):
    """Wrong use, in a sentence."""


def add_commands(commands: Group) -> None:
    """Add ``replay``."""
    about = "judge a period's verdicts again, by their own rules or by others"
    replay = commands.add_parser("replay", help=about, description=about)
    replay.set_defaults(run=replay_period)
    replay.add_argument("--from", dest="begin", type=_day, required=True, metavar="YYYY-MM-DD", help="first day")
    replay.add_argument("--to", dest="end", type=_day, required=True, metavar="YYYY-MM-DD", help="last day, included")
    replay.add_argument(
        "--hospital", metavar="CODE", help=f"whose; this service's own if left out, `{EVERY_HOSPITAL}` for every one"
    )
    for name in _FILTERS:
        replay.add_argument(f"--{name}", metavar=name.upper(), help=f"only verdicts with this {name}, as said then")
    amount = replay.add_mutually_exclusive_group()
    amount.add_argument("--limit", type=_count, metavar="N", help="the first so many of each hospital, by day")
    amount.add_argument("--sample", type=_count, metavar="N", help="so many of each hospital, the same ones every time")
    replay.add_argument(
        "--pack",
        action="append",
        default=[],
        metavar="NAME|DIGEST|DIR|FILE",
        help="as if it had been activated: instead of the pack of its name, or beside the others; may be repeated",
    )
    replay.add_argument("--scheme", metavar="NAME|DIGEST|DIR|FILE", help="the DIP scheme that judges stays")
    replay.add_argument("--off", action="append", default=[], metavar="RULE", help="a rule that does not speak")
    replay.add_argument("--json", action="store_true", help="print the summary as JSON")
    replay.add_argument("--csv", type=Path, metavar="FILE", help="write each finding that differs")
    replay.add_argument("--jobs", type=_count, default=1, metavar="N", help="processes; 1 if left out")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no day as in 2026-03-18") from None


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no number from 1")
    return int(text)


def replay_period(chosen: argparse.Namespace) -> int:
    """Replay and print the summary."""
    # Imported here: the other commands need no database driver.
    from rules.compiler import BuiltPackError, PackError  # noqa: PLC0415
    from rules.dip.compiler import SchemeError, SchemeFileError  # noqa: PLC0415
    from service.errors import Problem  # noqa: PLC0415
    from service.replay.loading import NotLoadable  # noqa: PLC0415
    from service.replay.running import run  # noqa: PLC0415
    from service.sealing import Unreadable  # noqa: PLC0415
    from service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        settings = Settings.from_environment(os.environ)
        job = job_of(chosen, settings)
        tally = run(job, chosen.jobs)
    except (SettingsError, _Misuse, NotLoadable, PackError, BuiltPackError, SchemeError, SchemeFileError) as fault:
        return _misuse(str(fault))
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem.detail or 'is the service running?'}")
    except Unreadable as fault:
        return _misuse(f"the key file does not fit: {fault}")
    except OSError as fault:
        return _misuse(f"{fault.filename or chosen.csv}: {fault.strerror}")
    own = not (chosen.pack or chosen.scheme or chosen.off)
    _print(tally, own=own, as_json=chosen.json)
    return OK if tally.sound else FAULTS


def _print(tally: "Tally", *, own: bool, as_json: bool) -> None:
    import orjson  # noqa: PLC0415

    from service.replay.summary import lines_of, summary_document  # noqa: PLC0415

    document = summary_document(tally, own=own)
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() if as_json else "\n".join(lines_of(document))
    sys.stdout.write(text + "\n")


def job_of(chosen: argparse.Namespace, settings: "Settings") -> "Job":
    """Return what is to be done. Raises ``_Misuse`` and what reading a pack or scheme raises."""
    from rules.model import Overlay  # noqa: PLC0415
    from service.db.replays import Filters  # noqa: PLC0415
    from service.packs import database_url  # noqa: PLC0415
    from service.replay.running import Job  # noqa: PLC0415

    if chosen.end < chosen.begin:
        raise _Misuse("--to is before --from")
    if not (settings.data_dir / "keys" / "seal.key").exists():
        raise _Misuse(
            f"there is no key in `{settings.data_dir}`: set DIPCHECK_DATA_DIR to the service's data directory"
        )
    hospital = chosen.hospital or settings.hospital
    scheme = _built_scheme(chosen.scheme)
    return Job(
        url=database_url(settings),
        data_dir=settings.data_dir,
        hospital=None if hospital == EVERY_HOSPITAL else hospital,
        filters=Filters(
            begin=chosen.begin,
            end=chosen.end,
            limit=chosen.limit,
            sample=chosen.sample,
            **{name: getattr(chosen, name) for name in _FILTERS},
        ),
        packs=tuple(named for named in chosen.pack if not Path(named).exists()),
        built=tuple(_built_pack(Path(named)) for named in chosen.pack if Path(named).exists()),
        scheme=chosen.scheme if scheme is None else None,
        built_scheme=scheme,
        overlay=Overlay(off=tuple(sorted(chosen.off))) if chosen.off else None,
        csv=chosen.csv,
    )


def _built_pack(path: Path) -> bytes:
    """Return a pack's folder compiled, or a built file as it is."""
    from rules.compiler import build, compile_pack, load  # noqa: PLC0415

    if path.is_dir():
        return build(compile_pack(path))
    data = path.read_bytes()
    load(data)
    return data


def _built_scheme(named: str | None) -> bytes | None:
    """Return a scheme's folder or file, built; ``None`` for a name or digest."""
    from rules.dip.compiler import build_scheme, compile_scheme, load_scheme  # noqa: PLC0415

    if named is None or not Path(named).exists():
        return None
    if Path(named).is_dir():
        return build_scheme(compile_scheme(Path(named)))
    data = Path(named).read_bytes()
    load_scheme(data)
    return data


def _misuse(message: str) -> int:
    sys.stderr.write(f"dipcheck: {message}\n")
    return MISUSE
