"""``dipcheck scheme``: check, test, build, show and import DIP schemes.

Each action returns an exit code and the lines to print. A scheme is named by its folder, by a built file, or, if it
ships with the service, by its name.
"""

import argparse
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from rules.compiler.diagnostics import Diagnostic, did_you_mean, render
from rules.dip.compiler import (
    ExaminedScheme,
    SchemeError,
    SchemeFileError,
    build_scheme,
    compile_scheme,
    examine_scheme,
    load_scheme,
    run_scheme_cases,
)
from rules.dip.model import Scheme
from service import activating as activation
from service.errors import Problem
from service.scheme_files.importing import command as importing
from service.scheme_files.words import describe
from service.schemes import SHIPPED
from service.settings import Settings, SettingsError

OK, FAULTS, MISUSE = 0, 1, 2
Answer: TypeAlias = tuple[int, list[str]]


def scheme_folder(name_or_path: str) -> Path:
    """Return the folder or built file that is meant. Raises ``ValueError`` when there is none."""
    path = Path(name_or_path)
    if path.exists():
        return path
    shipped = SHIPPED / name_or_path
    if name_or_path in shipped_schemes():
        return shipped
    help = did_you_mean(name_or_path, shipped_schemes())
    raise ValueError(f"there is no scheme `{name_or_path}`: neither a folder, a file nor one that ships ({help})")


def shipped_schemes() -> tuple[str, ...]:
    """Return the names of the schemes that ship."""
    if not SHIPPED.is_dir():
        return ()
    return tuple(sorted(path.name for path in SHIPPED.iterdir() if (path / "scheme.yaml").is_file()))


def read_scheme(name_or_path: str) -> Scheme:
    """Return a scheme from its folder, a built file or its name.

    Raises ``SchemeError`` (it has faults), ``ValueError`` (there is none, or the file is damaged), ``OSError``.
    """
    path = scheme_folder(name_or_path)
    return compile_scheme(path) if path.is_dir() else load_scheme(path.read_bytes())


def add_actions(scheme: argparse.ArgumentParser) -> None:
    """Add the actions to ``dipcheck scheme``; each sets ``answer``."""
    actions = scheme.add_subparsers(title="actions", required=True, metavar="ACTION")

    def action(name: str, help: str, answer: Callable[[argparse.Namespace], Answer]) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=help, description=help)
        parser.set_defaults(answer=answer)
        return parser

    checking = action("check", "report every fault of a scheme", check)
    checking.add_argument("folder", type=_folder, metavar="DIR")
    checking.add_argument("--json", action="store_true", help="print the diagnostics as JSON")
    testing = action("test", "run a scheme's named cases", test)
    testing.add_argument("folder", type=_folder, metavar="DIR")
    building = action("build", "write a scheme as one file", build)
    building.add_argument("folder", type=_folder, metavar="DIR")
    building.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    showing = action("show", "say what a scheme holds and what it lacks", show)
    showing.add_argument("scheme", metavar="DIR|FILE|NAME")
    activating = action("activate", "make a scheme the active one of its name, on every worker", activate)
    activating.add_argument("scheme", metavar="DIR|FILE|NAME")
    activation.add_arguments(activating)
    withdrawing = action("withdraw", "take the scheme of a name out of use, on every worker", withdraw)
    withdrawing.add_argument("name", metavar="NAME")
    activation.add_arguments(withdrawing)
    importing.add_arguments(action("import", "read a city's catalogue or a code table into a scheme", import_table))


def _folder(text: str) -> Path:
    try:
        path = scheme_folder(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"`{text}` is no folder")
    return path


def check(chosen: argparse.Namespace) -> Answer:
    """Return every diagnostic of a scheme; 1 if any is an error."""
    examined = examine_scheme(chosen.folder)
    code = FAULTS if examined.scheme is None else OK
    if chosen.json:
        return code, [msgspec.json.format(msgspec.json.encode(examined.diagnostics)).decode()]
    return code, [*diagnosed(examined.diagnostics, chosen.folder), summary(examined)]


def test(chosen: argparse.Namespace) -> Answer:
    """Run a scheme's cases; 1 if a case fails or the scheme has faults."""
    examined = examine_scheme(chosen.folder)
    if examined.scheme is None:
        return FAULTS, [*diagnosed(examined.diagnostics, chosen.folder), summary(examined)]
    lines: list[str] = []
    failed = 0
    for outcome in run_scheme_cases(examined.scheme, examined.cases):
        if not outcome.passed:
            failed += 1
            placed = outcome.placed
            lines.append(f"FAILED  {chosen.folder}/{placed.file}, line {placed.line}: {placed.case.name}")
            lines += [f"  {line}" for line in outcome.differences]
    lines.append(f"{len(examined.cases) - failed} of {len(examined.cases)} cases passed")
    return FAULTS if failed else OK, lines


def build(chosen: argparse.Namespace) -> Answer:
    """Write a scheme as one file, whole or not at all; 1 if it has faults."""
    examined = examine_scheme(chosen.folder, cases=False)
    if examined.scheme is None:
        return FAULTS, [*diagnosed(examined.diagnostics, chosen.folder), summary(examined)]
    data, target = build_scheme(examined.scheme), chosen.output
    part = target.with_name(f"{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as fault:
        return MISUSE, [f"cannot write `{target}`: {fault.strerror}"]
    return OK, [f"{target}: {len(data)} bytes, digest {examined.scheme.digest}"]


def show(chosen: argparse.Namespace) -> Answer:
    """Return what a scheme holds."""
    scheme, refused = _read(chosen.scheme)
    return refused if scheme is None else (OK, list(describe(scheme)))


def _read(name: str) -> tuple[Scheme | None, Answer]:
    """Return a scheme, or what keeps it from being read."""
    try:
        return read_scheme(name), (OK, [])
    except SchemeError as fault:
        return None, (FAULTS, [*diagnosed(fault.diagnostics, Path(name)), _sum(fault.diagnostics)])
    except SchemeFileError as fault:
        return None, (FAULTS, [f"{name}: {fault}"])
    except OSError as fault:
        return None, (MISUSE, [f"cannot read `{name}`: {fault.strerror}"])
    except ValueError as fault:
        return None, (MISUSE, [str(fault)])


def activate(chosen: argparse.Namespace) -> Answer:
    """Store a scheme in the database and write a dated activation; running workers take it within a second."""
    from service.packs import activate_scheme  # noqa: PLC0415 - the other actions need no database

    scheme, refused = _read(chosen.scheme)
    if scheme is None:
        return refused
    return _activation(
        chosen,
        lambda settings, at: activate_scheme(settings, scheme, by=chosen.by or "cli", at=at),
        f"{scheme.name} {scheme.version}, digest {scheme.digest}",
    )


def withdraw(chosen: argparse.Namespace) -> Answer:
    """Write that no scheme of a name is in use from a time on."""
    from service.packs import withdraw_scheme  # noqa: PLC0415 - the other actions need no database

    return _activation(
        chosen,
        lambda settings, at: withdraw_scheme(settings, chosen.name, by=chosen.by or "cli", at=at),
        f"{chosen.name} withdrawn",
    )


def _activation(chosen: argparse.Namespace, write: Callable[[Settings, datetime | None], int], what: str) -> Answer:
    try:
        settings = Settings.from_environment(os.environ)
        number = write(settings, activation.begin(chosen.active_from))
    except SettingsError as fault:
        return MISUSE, [str(fault)]
    except Problem as problem:
        return MISUSE, [f"{problem.kind.title}: {problem.detail or 'is the service running?'}"]
    except (ValueError, LookupError) as fault:
        return MISUSE, [f"not activated: {fault}"]
    return OK, [f"activation {number}: {what}"]


def import_table(chosen: argparse.Namespace) -> Answer:
    """Preview, write or undo an import; 1 if anything keeps it from being written."""
    return importing.import_table(chosen)


def diagnosed(diagnostics: Iterable[Diagnostic], folder: Path) -> list[str]:
    """Return diagnostics as people read them, a blank line after each."""
    return [f"{render(diagnostic, folder.as_posix())}\n" for diagnostic in diagnostics]


def summary(examined: ExaminedScheme) -> str:
    """Return one line about a whole examination."""
    scheme = examined.scheme
    if scheme is None:
        return _sum(examined.diagnostics)
    counts = f"{len(scheme.groups)} groups, {len(scheme.rows)} rows, {len(examined.cases)} cases"
    return f"{counts}, {len(examined.diagnostics)} warnings, digest {scheme.digest}"


def _sum(diagnostics: Iterable[Diagnostic]) -> str:
    graded = [diagnostic.severity for diagnostic in diagnostics]
    return f"{graded.count('error')} errors, {graded.count('warning')} warnings"
