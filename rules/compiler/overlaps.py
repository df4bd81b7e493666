"""Stage *overlaps*: two rules that would say the same thing twice, and rules that name rules."""

from collections.abc import Hashable, Iterator
from datetime import date
from typing import Final

from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.drafts import Compiled, Names, PlacedRule

_WORDING: Final = frozenset({
    "id", "name", "title", "items", "certainty", "level", "citation", "basis", "reason_required",
    "valid_from", "valid_to", "implied_by", "status", "note",
})  # fmt: skip
"""Fields that do not decide when a rule fires."""


def find_overlaps(compiled: Compiled, report: Report) -> Compiled:
    """Compare rules. Faults: same kind, pattern, days and parameters twice; an unknown rule in ``implied_by``."""
    seen: dict[Hashable, list[PlacedRule]] = {}
    for found in compiled.rules:
        _check_implied(found, compiled.declared, report)
        for key in _keys(found):
            earlier = seen.setdefault(key, [])
            twin = next((other for other in earlier if _same_days(other, found)), None)
            if twin is None:
                earlier.append(found)
            else:
                _report_twin(found, twin, report)
    return compiled


def _keys(found: PlacedRule) -> Iterator[Hashable]:
    """Yield what would make two rules the same, once per item pattern."""
    if found.rule.status != "active":
        return
    fields = (name for name in found.rule.__struct_fields__ if name not in _WORDING)
    parameters = tuple(getattr(found.rule, name) for name in fields)
    for pattern in dict.fromkeys(found.rule.items):
        yield found.kind, pattern, parameters


def _same_days(one: PlacedRule, other: PlacedRule) -> bool:
    latest_start = max(one.rule.valid_from or date.min, other.rule.valid_from or date.min)
    earliest_end = min(one.rule.valid_to or date.max, other.rule.valid_to or date.max)
    return latest_start <= earliest_end


def _report_twin(found: PlacedRule, twin: PlacedRule, report: Report) -> None:
    shared = [pattern for pattern in found.rule.items if pattern in twin.rule.items]
    message = f"`{found.rule.id}` says the same as `{twin.rule.id}` about `{shared[0]}`"
    help = f"see {twin.place.file}, row {twin.place.row}; keep one, or separate their dates"
    report.at(found.place, "OVERLAPPING_RULES", message, column="items", help=help)


def _check_implied(found: PlacedRule, declared: Names, report: Report) -> None:
    for name in found.rule.implied_by:
        if name == found.rule.id:
            message = f"`{name}` cannot be implied by itself"
            report.at(found.place, "UNKNOWN_RULE", message, column="implied_by")
        elif declared is not None and name not in declared:
            help = did_you_mean(name, declared)
            report.at(found.place, "UNKNOWN_RULE", f"unknown rule `{name}`", column="implied_by", help=help)
