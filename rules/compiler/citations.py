"""Stage *citations*: every rule rests on an instrument that is named here and was in force with it."""

from datetime import date

from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.drafts import Names, Typed, TypedRow
from rules.model import Citation


def cite(typed: Typed, report: Report) -> Typed:
    """Check citations and dates. Faults: unknown, unused, reversed dates, never in force with its rule."""
    citations = {found.citation.id: found.citation for found in typed.citations}
    for row in typed.rows:
        _check_order(row, report)
        _check_citation(row, citations, typed.declared_citations, report)
    _check_dates(typed, report)
    if report.failed:  # a row that could not be read may rest on what looks unused
        return typed
    used = {row.row.citation for row in typed.rows}
    for found in typed.citations:
        if found.citation.id not in used:
            message = f"no rule rests on `{found.citation.id}`"
            report.at(found.place, "UNUSED_CITATION", message, column="id")
    return typed


def _check_order(row: TypedRow, report: Report) -> None:
    first, last = row.row.valid_from, row.row.valid_to
    if first and last and first > last:
        message = f"valid_to `{last}` is before valid_from `{first}`"
        report.at(row.place, "REVERSED_DATES", message, column="valid_to", help="both days are included")


def _check_citation(row: TypedRow, citations: dict[str, Citation], declared: Names, report: Report) -> None:
    name = row.row.citation
    citation = citations.get(name)
    if citation is None:
        if declared is not None and name not in declared:
            help = did_you_mean(name, declared) or "add it to citations.csv"
            report.at(row.place, "UNKNOWN_CITATION", f"unknown citation `{name}`", column="citation", help=help)
    elif not _meet(row.row.valid_from, row.row.valid_to, citation.valid_from, citation.valid_to):
        message = f"`{name}` is not in force on any day of this rule"
        help = f"`{name}` holds from {citation.valid_from or 'ever'} to {citation.valid_to or 'now'}"
        report.at(row.place, "CITATION_NOT_IN_FORCE", message, column="citation", help=help)


def _check_dates(typed: Typed, report: Report) -> None:
    for found in typed.citations:
        citation = found.citation
        for column in ("published", "valid_from"):
            first: date | None = getattr(citation, column)
            if first and citation.valid_to and first > citation.valid_to:
                message = f"valid_to `{citation.valid_to}` is before {column} `{first}`"
                report.at(found.place, "REVERSED_DATES", message, column="valid_to")


def _meet(start: date | None, end: date | None, other_start: date | None, other_end: date | None) -> bool:
    """Say whether two periods share a day; an open end is ``None``."""
    starts_in_time = not (start and other_end) or start <= other_end
    other_starts_in_time = not (other_start and end) or other_start <= end
    return starts_in_time and other_starts_in_time
