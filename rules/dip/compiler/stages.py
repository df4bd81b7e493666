"""The pipeline on one screen: files, rows, scheme, checks, cases, digest."""

from dataclasses import dataclass

from rules.compiler.diagnostics import Diagnostic, Report
from rules.compiler.drafts import Source
from rules.dip.compiler.assembly import assemble
from rules.dip.compiler.cases import PlacedCase, read_cases
from rules.dip.compiler.faults import CODES, SchemeError
from rules.dip.compiler.mentions import check_mentions, unknown_group
from rules.dip.compiler.numbers import check_numbers
from rules.dip.compiler.overlaps import check_overlaps
from rules.dip.compiler.parameters import check_parameters
from rules.dip.compiler.reading import check_twice, load, read_scheme
from rules.dip.compiler.sealing import sealed
from rules.dip.model import Scheme


@dataclass(frozen=True, slots=True)
class ExaminedScheme:
    """What examining a scheme gave: every diagnostic, and the scheme and its cases if none is an error."""

    diagnostics: tuple[Diagnostic, ...]
    scheme: Scheme | None = None
    cases: tuple[PlacedCase, ...] = ()


def examine_scheme(source: Source, *, cases: bool = True) -> ExaminedScheme:
    """Read a folder (or its files by name) and report every fault; never raises for what it holds."""
    report = Report(CODES)
    files = load(source, report)
    drafted = read_scheme(files, report)
    check_twice(drafted, report)
    scheme = assemble(drafted, report)
    check_mentions(drafted, scheme, report)
    check_parameters(drafted, report)
    check_numbers(drafted, scheme, report)
    check_overlaps(drafted, scheme, report)
    named = read_cases(files, unknown_group(drafted, scheme), report) if cases else ()
    if report.failed:
        return ExaminedScheme(report.diagnostics)
    return ExaminedScheme(report.diagnostics, sealed(scheme), named)


def compile_scheme(source: Source) -> Scheme:
    """Return the compiled scheme, its cases unread. Raises ``SchemeError`` with every diagnostic if any is an error."""
    examined = examine_scheme(source, cases=False)
    if examined.scheme is None:
        raise SchemeError(examined.diagnostics)
    return examined.scheme
