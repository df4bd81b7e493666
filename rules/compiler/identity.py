"""Stage *identity*: a rule's id and a citation's id mean one thing in the whole pack."""

from dataclasses import replace

from rules.compiler.diagnostics import Place, Report
from rules.compiler.drafts import Typed


def identify(typed: Typed, report: Report) -> Typed:
    """Keep the first row of each id. Faults: an id used twice; an incomplete row that does not say why."""
    rules: dict[str, Place] = {}
    rows = []
    for row in typed.rows:
        first = rules.setdefault(row.row.rule_id, row.place)
        if first is row.place:
            rows.append(row)
        else:
            report.at(row.place, "DUPLICATE_RULE", _taken(row.row.rule_id), column="rule_id", help=_first(first))
        if row.row.status == "incomplete" and not row.row.note:
            help = "say in one sentence what is missing"
            message = f"`{row.row.rule_id}` is incomplete and does not say why"
            report.at(row.place, "MISSING_NOTE", message, column="note", help=help)
    citations: dict[str, Place] = {}
    kept = []
    for citation in typed.citations:
        first = citations.setdefault(citation.citation.id, citation.place)
        if first is citation.place:
            kept.append(citation)
        else:
            report.at(
                citation.place, "DUPLICATE_CITATION", _taken(citation.citation.id), column="id", help=_first(first)
            )
    return replace(typed, rows=tuple(rows), citations=tuple(kept))


def _taken(name: str) -> str:
    return f"`{name}` is already taken"


def _first(place: Place) -> str:
    return f"first used in {place.file}, row {place.row}"
