"""Stage *compile*: written forms to run forms, by each kind's own ``compile``."""

from typing import Any

from msgspec.structs import replace

from rules.compiler.diagnostics import Report
from rules.compiler.drafts import Compiled, PlacedRule, Typed, TypedRow
from rules.kinds import KINDS
from rules.kinds._contract import shared
from rules.model import Rule


def compile_rows(typed: Typed, report: Report) -> Compiled:
    """Compile every row. Faults: what the kind says about columns that contradict each other."""
    rules = [rule for row in typed.rows if (rule := _compile(row, report)) is not None]
    return Compiled(
        manifest=typed.manifest,
        rules=tuple(rules),
        citations=typed.citations,
        words=typed.words,
        case_files=typed.cases,
        declared=typed.declared,
    )


def _compile(found: TypedRow, report: Report) -> PlacedRule | None:
    if found.row.status == "incomplete":
        # Only what all kinds share: an incomplete rule cannot be evaluated, whoever tries.
        return PlacedRule(found.place, found.kind, Rule(**shared(found.row)))
    compile_row: Any = KINDS[found.kind].compile
    try:
        rule: Rule = compile_row(found.row)
    except ValueError as fault:
        report.at(found.place, "INVALID_ROW", str(fault))
        return None
    return PlacedRule(found.place, found.kind, replace(rule, unset=found.unset) if found.unset else rule)
