"""Stage *grades*: how sure a rule is bounds how loud it may be, and its kind bounds what it may protect."""

from typing import Final

from rules.codes import LEVEL_RANK, Certainty, Level
from rules.compiler.diagnostics import Report
from rules.compiler.drafts import Typed
from rules.kinds import KINDS

LOUDEST: Final[dict[Certainty, Level]] = {"violation": "block", "suspicious": "warn", "notice": "info"}


def grade(typed: Typed, report: Report) -> Typed:
    """Check level and scope of every row. Faults: too loud for its certainty; a scope its kind does not allow."""
    for found in typed.rows:
        row, loudest = found.row, LOUDEST[found.row.certainty]
        if LEVEL_RANK[row.level] > LEVEL_RANK[loudest]:
            message = f"a `{row.certainty}` rule cannot `{row.level}`"
            help = f"`{row.certainty}` goes up to `{loudest}`"
            report.at(found.place, "LEVEL_TOO_LOUD", message, column="level", help=help)
        scopes = KINDS[found.kind].scopes
        if row.scope not in scopes:
            message = f"scope `{row.scope}` does not fit rules of kind {found.kind}"
            help = f"allowed: {', '.join(scopes)}"
            report.at(found.place, "SCOPE_NOT_ALLOWED", message, column="scope", help=help)
    return typed
