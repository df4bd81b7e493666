"""What the compiler says about a faulty scheme: a closed list of codes. Each has a section in ``docs/schemes.md``."""

from collections.abc import Iterable
from typing import Final

from rules.compiler.diagnostics import Diagnostic, Severity, render

CODES: Final[dict[str, Severity]] = {
    "MISSING_FILE": "error",
    "UNKNOWN_FILE": "warning",
    "NOT_UTF8": "error",
    "INVALID_YAML": "error",
    "INVALID_SCHEME": "error",
    "UNKNOWN_TABLE": "error",
    "EMPTY_TABLE": "error",
    "INVALID_CSV": "error",
    "DUPLICATE_COLUMN": "error",
    "UNKNOWN_COLUMN": "error",
    "MISSING_COLUMN": "error",
    "RAGGED_ROW": "error",
    "INVALID_CELL": "error",
    "INVALID_CODE": "error",
    "INVALID_EXPRESSION": "error",
    "NESTED_CONJUNCTION": "error",
    "MISSING_NOTE": "error",
    "OUT_OF_RANGE": "error",
    "NEGATIVE_SCORE": "error",
    "REVERSED_BOUNDS": "error",
    "REVERSED_DATES": "error",
    "DUPLICATE_ENTRY": "error",
    "GROUP_CONTRADICTED": "error",
    "UNKNOWN_LIST": "error",
    "UNUSED_LIST": "warning",
    "UNKNOWN_CONDITION": "error",
    "UNUSED_CONDITION": "warning",
    "INVALID_STEP": "error",
    "EMPTY_LAYER": "warning",
    "UNUSED_LAYER": "error",
    "UNUSED_TABLE": "error",
    "UNKNOWN_GROUP": "error",
    "OVERLAPPING_ROWS": "error",
    "ROWS_TIE": "warning",
    "UNREACHABLE_ROW": "warning",
    "UNKNOWN_KEY": "error",
    "COEFFICIENT_GAP": "warning",
    "DEVIATION_LIMITS": "error",
    "BANDS_GAP": "error",
    "BANDS_OVERLAP": "error",
    "BANDS_UNORDERED": "error",
    "SECONDARY_WITHOUT_DIAGNOSIS": "error",
    "OVERLAPPING_DATES": "error",
    "MAP_CHAIN": "warning",
    "MAP_CYCLE": "error",
    "INVALID_CASE": "error",
}
"""Every code and how grave it is."""


class SchemeError(Exception):
    """A scheme has faults; ``diagnostics`` names every one of them."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(render(diagnostic) for diagnostic in self.diagnostics))


class SchemeFileError(ValueError):
    """A built scheme cannot be used; the message says why in one sentence."""
