"""The command ``dipcheck``: one subcommand per task, each a small function that prints and returns an exit code.

Exit codes: 0 done, 1 the pack has faults or a case failed, 2 wrong use or a file that cannot be read.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import structlog

from rules import Rulebook, check
from rules.compiler import BuiltPackError, Diagnostic, Examined, build, examine, load, render, run_cases
from rules.compiler.columns import as_markdown, citation_columns, own_columns, shared_columns
from rules.kinds import KINDS
from rules.pack import CompiledPack
from service import activating as activation
from service.errors import Problem
from service.evidence import command as evidence
from service.history import command as history
from service.privacy import command as privacy
from service.replay import command as replay
from service.scheme_files import command as schemes
from service.upkeep import command as upkeep
from service.workbooks import command as workbooks

if TYPE_CHECKING:
    from service.settings import Settings

OK, FAULTS, MISUSE = 0, 1, 2

Command = Callable[[argparse.Namespace], int]
Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    # Left alone, log lines go to standard output: into an export, a table, a document.
    structlog.configure(logger_factory=lambda *_names: structlog.WriteLogger(sys.stderr))
    run: Command = chosen.run
    try:
        return run(chosen)
    except BrokenPipeError:  # the reader (``| head``) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dipcheck", description="Rules checking for hospitals, before an order is saved."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_serve(commands)
    add_pack(commands)
    add_key(commands)
    add_openapi(commands)
    add_dip(commands)
    add_scheme(commands)
    for room in (history, replay, evidence, privacy, upkeep):
        room.add_commands(commands)
    return parser


def _command(group: Group, name: str, help: str, run: Command) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = group.add_parser(name, help=help, description=help)
    command.set_defaults(run=run)
    return command


# serve


def add_serve(commands: Group) -> None:
    """Add ``serve``."""
    _command(commands, "serve", "start the service (settings come from the environment)", serve)


def serve(_chosen: argparse.Namespace) -> int:
    """Start the service and stay until it is told to stop."""
    # Imported here: the pack commands need neither a server nor a database driver.
    from service.supervisor import serve as supervise  # noqa: PLC0415

    settings = _settings()
    return MISUSE if settings is None else supervise(settings)


def _settings() -> "Settings | None":
    """Return the settings, or say what is wrong with them."""
    from service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        return Settings.from_environment(os.environ)
    except SettingsError as fault:
        _misuse(str(fault))
        return None


# key


def add_key(commands: Group) -> None:
    """Add ``key new``."""
    key = commands.add_parser("key", help="make an API key for a calling system")
    actions = key.add_subparsers(title="actions", required=True, metavar="ACTION")
    new = _command(actions, "new", "make a key, keep its hash, and show it once", make_key)
    new.add_argument("name", metavar="NAME", help="the calling system, for people to recognise")
    new.add_argument("--hospital", metavar="CODE", help="hospital code that its messages belong to")


def make_key(chosen: argparse.Namespace) -> int:
    """Print a new key; the running service knows it after its next start."""
    from service import keys  # noqa: PLC0415

    settings = _settings()
    if settings is None:
        return MISUSE
    try:
        print(keys.create(settings.data_dir, chosen.name, chosen.hospital))
    except ValueError as fault:
        return _misuse(str(fault))
    print("restart the service to use it; it is not shown again", file=sys.stderr)
    return OK


# openapi


def add_openapi(commands: Group) -> None:
    """Add ``openapi``."""
    _command(commands, "openapi", "print the API's OpenAPI document as YAML", show_openapi)


def show_openapi(_chosen: argparse.Namespace) -> int:
    """Print the document that `openapi.yaml` holds."""
    from service.app import create_app  # noqa: PLC0415
    from service.openapi import as_yaml  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    sys.stdout.write(as_yaml(create_app(Settings()).web.openapi()))
    return OK


# dip


def add_dip(commands: Group) -> None:
    """Add ``dip group``."""
    dip = commands.add_parser("dip", help="group discharges by DIP (病种分值付费)")
    actions = dip.add_subparsers(title="actions", required=True, metavar="ACTION")
    grouping = _command(actions, "group", "group the cases of a CSV file; writes CSV", group_cases)
    grouping.add_argument("--scheme", required=True, metavar="NAME|FOLDER", help="a scheme that ships, or a folder")
    grouping.add_argument("--explain", action="store_true", help="the trace also says where each coefficient came from")
    grouping.add_argument("--insurance", metavar="CODE", help="险种 (310, 390) of rows that do not say")
    grouping.add_argument(
        "--day", type=_day, metavar="YYYY-MM-DD", help="day of discharge of rows that do not say; today if left out"
    )
    grouping.add_argument("cases", metavar="CSV", help="the file; - reads standard input")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no day as in 2026-03-18") from None


def group_cases(chosen: argparse.Namespace) -> int:
    """Write the cases of a file with group, points and money; 1 if a column or a cell could not be read."""
    # Imported here: the other commands need no DIP.
    from service.dip.command import group_table  # noqa: PLC0415

    return group_table(chosen)


# scheme


def add_scheme(commands: Group) -> None:
    """Add ``scheme`` and what can be done with one."""
    scheme = commands.add_parser("scheme", help="check, test, build, show or import a DIP scheme")
    scheme.set_defaults(run=answer_scheme)
    schemes.add_actions(scheme)


def answer_scheme(chosen: argparse.Namespace) -> int:
    """Run one action and print what it says."""
    code, lines = chosen.answer(chosen)
    if code == MISUSE:
        return _misuse("\n".join(lines))
    print("\n".join(lines))
    return int(code)


# pack


def add_pack(commands: Group) -> None:
    """Add ``pack`` and what can be done with one."""
    pack = commands.add_parser("pack", help="check, test, build or show a rule pack")
    actions = pack.add_subparsers(title="actions", required=True, metavar="ACTION")
    checking = _command(actions, "check", "report every fault of a pack", check_pack)
    checking.add_argument("folder", type=_folder, metavar="DIR")
    checking.add_argument("--json", action="store_true", help="print the diagnostics as JSON")
    testing = _command(actions, "test", "run a pack's named cases", try_pack)
    testing.add_argument("folder", type=_folder, metavar="DIR")
    building = _command(actions, "build", "write a pack as one file", build_pack)
    building.add_argument("folder", type=_folder, metavar="DIR")
    building.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    showing = _command(actions, "show", "say what a pack holds", show_pack)
    showing.add_argument("path", type=Path, metavar="DIR|FILE")
    activating = _command(actions, "activate", "make a pack the active one of its name, on every worker", activate)
    activating.add_argument("path", type=Path, metavar="DIR|FILE")
    activation.add_arguments(activating)
    importing = _command(
        actions, "import", "read the authority's workbooks (.xlsx, .xls) into a pack", import_workbooks
    )
    workbooks.add_arguments(importing)
    columns = _command(actions, "columns", "list the columns of a table, as Markdown", show_columns)
    columns.add_argument("table", choices=[*KINDS, "citations"], metavar="TABLE", help="a kind of rule, or citations")


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder `{text}`")
    return Path(text)


def check_pack(chosen: argparse.Namespace) -> int:
    """Print every diagnostic of a pack; 1 if any is an error."""
    examined = examine(chosen.folder)
    if chosen.json:
        print(msgspec.json.format(msgspec.json.encode(examined.diagnostics)).decode())
    else:
        _print_diagnostics(examined.diagnostics, chosen.folder)
        print(_summary(examined))
    return FAULTS if examined.pack is None else OK


def try_pack(chosen: argparse.Namespace) -> int:
    """Run a pack's cases through the engine; 1 if a case fails or the pack has faults."""
    examined = examine(chosen.folder)
    if examined.pack is None:
        return _faulty(examined, chosen.folder)
    from service.schemes import shipped  # noqa: PLC0415 - the other commands need no DIP

    rulebook = Rulebook.build([examined.pack])
    failed = 0
    for outcome in run_cases(examined.cases, lambda given, scheme: check(given, rulebook, scheme), shipped):
        if not outcome.passed:
            failed += 1
            placed = outcome.placed
            print(f"FAILED  {chosen.folder}/{placed.file}, line {placed.line}: {placed.case.name}")
            print("\n".join(f"  {line}" for line in outcome.differences))
    print(f"{len(examined.cases) - failed} of {len(examined.cases)} cases passed")
    return FAULTS if failed else OK


def build_pack(chosen: argparse.Namespace) -> int:
    """Write a pack as one file, whole or not at all; 1 if it has faults."""
    examined = examine(chosen.folder)
    if examined.pack is None:
        return _faulty(examined, chosen.folder)
    data, target = build(examined.pack), chosen.output
    part = target.with_name(f"{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as fault:
        return _misuse(f"cannot write `{target}`: {fault.strerror}")
    print(f"{target}: {len(data)} bytes, digest {examined.pack.digest}")
    return OK


def activate(chosen: argparse.Namespace) -> int:
    """Store a pack in the database and write a dated activation; running workers take it within a second."""
    from service.packs import activate_pack  # noqa: PLC0415

    settings, pack = _settings(), _compiled(chosen.path)
    if settings is None or pack is None:
        return MISUSE if settings is None else FAULTS
    try:
        at = activation.begin(chosen.active_from)
    except ValueError as fault:
        return _misuse(str(fault))
    try:
        number = activate_pack(settings, pack, by=chosen.by or "cli", at=at)
    except Problem as problem:
        return _misuse(f"{problem.kind.title}: {problem.detail or 'is the service running?'}")
    except ValueError as fault:
        return _misuse(f"not activated: {fault}")
    print(f"activation {number}: {pack.name} {pack.version}, digest {pack.digest}")
    return OK


def _compiled(path: Path) -> CompiledPack | None:
    """Return the pack in a folder or a built file; say what is wrong with it otherwise."""
    if path.is_dir():
        examined = examine(path)
        if examined.pack is None:
            _faulty(examined, path)
        return examined.pack
    try:
        return load(path.read_bytes())
    except OSError as fault:
        _misuse(f"cannot read `{path}`: {fault.strerror}")
    except BuiltPackError as fault:
        print(f"{path}: {fault}", file=sys.stderr)
    return None


def show_pack(chosen: argparse.Namespace) -> int:
    """Print what a pack holds, from its folder or from a built file."""
    if not chosen.path.exists():
        return _misuse(f"cannot read `{chosen.path}`: No such file or directory")
    pack = _compiled(chosen.path)
    if pack is None:
        return FAULTS
    print("\n".join(_description(pack)))
    return OK


def import_workbooks(chosen: argparse.Namespace) -> int:
    """Preview, write or undo an import of workbooks into a pack; 1 if anything keeps it from being written."""
    code, lines = workbooks.import_pack(chosen)
    print("\n".join(lines))
    return code


def show_columns(chosen: argparse.Namespace) -> int:
    """Print the columns of one table."""
    if chosen.table == "citations":
        print(as_markdown(citation_columns()))
    else:
        print(as_markdown(shared_columns() + own_columns(chosen.table)))
    return OK


def _description(pack: CompiledPack) -> Iterable[str]:
    yield f"{pack.name} {pack.version}  {pack.title}"
    yield f"digest {pack.digest}"
    yield ""
    yield f"{'kind':<24}{'active':>8}{'incomplete':>12}"
    for kind, rules in pack.rules.items():
        incomplete = sum(rule.status == "incomplete" for rule in rules)
        yield f"{kind:<24}{len(rules) - incomplete:>8}{incomplete:>12}"
    total = sum(len(rules) for rules in pack.rules.values())
    waiting = [rule for rules in pack.rules.values() for rule in rules if rule.status == "incomplete"]
    yield f"{'all':<24}{total - len(waiting):>8}{len(waiting):>12}"
    unset = [name for name, value in pack.parameters.items() if value is None]
    if unset:
        yield "\nparameters without a value (their rules are not checked):"
        for name in unset:
            readers = [rule.id for rules in pack.rules.values() for rule in rules if name in rule.unset]
            yield f"  {name}: {', '.join(readers) or 'no rule'}"
    if waiting:
        yield "\nincomplete rules (listed, never evaluated):"
        yield from (f"  {rule.id}  {rule.name}: {rule.note}" for rule in waiting)


def _summary(examined: Examined) -> str:
    errors = sum(found.severity == "error" for found in examined.diagnostics)
    warnings = len(examined.diagnostics) - errors
    if examined.pack is None:
        return f"{errors} errors, {warnings} warnings"
    rules = sum(map(len, examined.pack.rules.values()))
    return f"{rules} rules, {len(examined.cases)} cases, {warnings} warnings, digest {examined.pack.digest}"


def _faulty(examined: Examined, folder: Path) -> int:
    _print_diagnostics(examined.diagnostics, folder)
    print(_summary(examined))
    return FAULTS


def _print_diagnostics(diagnostics: Iterable[Diagnostic], folder: Path) -> None:
    for diagnostic in diagnostics:
        print(render(diagnostic, folder.as_posix()), end="\n\n")


def _misuse(message: str) -> int:
    print(f"dipcheck: {message}", file=sys.stderr)
    return MISUSE


if __name__ == "__main__":
    sys.exit(main())
