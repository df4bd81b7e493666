"""The pipeline on one screen: every stage by name, in order, and the run that collects what they report."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rules.compiler.case_files import read_cases
from rules.compiler.cases import PlacedCase
from rules.compiler.citations import cite
from rules.compiler.compiling import compile_rows
from rules.compiler.diagnostics import Diagnostic, PackError, Report
from rules.compiler.drafts import Sealed, Source
from rules.compiler.grades import grade
from rules.compiler.identity import identify
from rules.compiler.loading import load
from rules.compiler.manifest import describe
from rules.compiler.overlaps import find_overlaps
from rules.compiler.parameters import substitute
from rules.compiler.patterns import check_patterns
from rules.compiler.rows import validate
from rules.compiler.sealing import seal
from rules.compiler.tables import tabulate
from rules.pack import CompiledPack


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: takes what the step before returned, reports faults, and goes on after them."""

    name: str
    run: Callable[[Any, Report], Any]


STAGES: Final = (
    Stage("load", load),
    Stage("manifest", describe),
    Stage("tables", tabulate),
    Stage("parameters", substitute),
    Stage("rows", validate),
    Stage("identity", identify),
    Stage("citations", cite),
    Stage("grades", grade),
    Stage("patterns", check_patterns),
    Stage("compile", compile_rows),
    Stage("overlaps", find_overlaps),
    Stage("cases", read_cases),
    Stage("seal", seal),
)
"""A test proves that each stage takes the very type the one before it returns."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What examining a pack gave: every diagnostic, and the pack and its cases if none is an error."""

    diagnostics: tuple[Diagnostic, ...]
    pack: CompiledPack | None = None
    cases: tuple[PlacedCase, ...] = ()


def examine(source: Source, *, cases: bool = True) -> Examined:
    """Run every stage on a pack and report every fault; never raises for what the pack holds.

    Without ``cases`` the named cases are not read: they are no part of the pack, and reading them takes longest.
    """
    report = Report()
    draft: Any = source
    for stage in STAGES:
        if stage.run is read_cases and not cases:
            continue
        if stage.run is seal and report.failed:  # only a faultless pack gets a digest
            return Examined(report.diagnostics)
        draft = stage.run(draft, report)
    sealed: Sealed = draft
    return Examined(report.diagnostics, sealed.pack, sealed.cases)


def compile_pack(source: Source) -> CompiledPack:
    """Return the compiled pack, its cases unread. Raises ``PackError`` with every diagnostic if any is an error."""
    examined = examine(source, cases=False)
    if examined.pack is None:
        raise PackError(examined.diagnostics)
    return examined.pack
