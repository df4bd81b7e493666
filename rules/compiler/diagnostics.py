"""What the compiler says about a faulty pack: a closed list of codes, and where each fault is.

In: what a stage found. Out: ``Diagnostic`` values in a stable order, and their text. A message is one line in lower
case with the author's own text in backticks; ``help`` says what to do. Each code has a section in ``docs/packs.md``.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

Severity = Literal["error", "warning"]

CODES: Final[dict[str, Severity]] = {
    "MISSING_FILE": "error",
    "UNKNOWN_FILE": "warning",
    "NOT_UTF8": "error",
    "INVALID_YAML": "error",
    "INVALID_MANIFEST": "error",
    "UNKNOWN_TABLE": "error",
    "EMPTY_TABLE": "error",
    "INVALID_CSV": "error",
    "DUPLICATE_COLUMN": "error",
    "UNKNOWN_COLUMN": "error",
    "MISSING_COLUMN": "error",
    "RAGGED_ROW": "error",
    "UNKNOWN_PARAMETER": "error",
    "UNUSED_PARAMETER": "warning",
    "INVALID_CELL": "error",
    "INVALID_ROW": "error",
    "MISSING_NOTE": "error",
    "DUPLICATE_RULE": "error",
    "DUPLICATE_CITATION": "error",
    "UNKNOWN_CITATION": "error",
    "UNUSED_CITATION": "warning",
    "REVERSED_DATES": "error",
    "CITATION_NOT_IN_FORCE": "error",
    "LEVEL_TOO_LOUD": "error",
    "SCOPE_NOT_ALLOWED": "error",
    "INVALID_PATTERN": "error",
    "LONE_AMBIGUOUS_FAMILY": "error",
    "REDUNDANT_PATTERN": "warning",
    "NARROW_PATTERN": "warning",
    "OVERLAPPING_RULES": "error",
    "UNKNOWN_RULE": "error",
    "INVALID_CASE": "error",
}
"""Every code and how grave it is, in the order of the stages that raise them."""


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: what it is, where it is, and what to do about it."""

    code: str
    file: str
    row: int | None = None
    """Row as a spreadsheet numbers it (the header is 1); for YAML, the line."""
    column: str = ""
    message: str
    help: str = ""
    severity: Severity


class PackError(Exception):
    """A pack has faults; ``diagnostics`` names every one of them."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(render(diagnostic) for diagnostic in self.diagnostics))


class Place(msgspec.Struct, frozen=True):
    """Where a row stands, so that later stages can point at it."""

    file: str
    row: int


class Report:
    """Collects the faults of one pack (or of what else has tables) while its stages run, which go on after a fault.

    ``codes`` is the closed list of what may be said: a pack's unless another is given.
    """

    def __init__(self, codes: Mapping[str, Severity] = CODES) -> None:
        self._codes = codes
        self._found: dict[Diagnostic, None] = {}

    def add(
        self, code: str, file: str, message: str, *, row: int | None = None, column: str = "", help: str = ""
    ) -> None:
        """Note one fault; saying the same thing twice counts once."""
        severity = self._codes[code]
        found = Diagnostic(code=code, file=file, row=row, column=column, message=message, help=help, severity=severity)
        self._found[found] = None

    def at(self, place: Place, code: str, message: str, *, column: str = "", help: str = "") -> None:
        """Note one fault of a table row."""
        self.add(code, place.file, message, row=place.row, column=column, help=help)

    @property
    def failed(self) -> bool:
        """Some fault keeps the pack from being compiled."""
        return any(found.severity == "error" for found in self._found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All faults by file, row and column, then code: the same pack gives the same order."""
        return tuple(sorted(self._found, key=_order))


def _order(found: Diagnostic) -> tuple[str, int, str, str, str]:
    return (found.file, found.row or 0, found.column, found.code, found.message)


def render(diagnostic: Diagnostic, folder: str = "") -> str:
    """Return a diagnostic as people read it: code and place, message, help."""
    place = f"{folder.rstrip('/')}/{diagnostic.file}" if folder else diagnostic.file
    if diagnostic.row is not None:
        place += f", {'line' if diagnostic.file.endswith('.yaml') else 'row'} {diagnostic.row}"
    if diagnostic.column:
        place += f", column {diagnostic.column}" if diagnostic.file.endswith(".csv") else f", {diagnostic.column}"
    mark = "" if diagnostic.severity == "error" else " (warning)"
    lines = [f"{diagnostic.code}{mark}  {place}", f"  {diagnostic.message}"]
    return "\n".join([*lines, f"  help: {diagnostic.help}"] if diagnostic.help else lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a help line that names the nearest known word, or all of them when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known: {', '.join(names)}" if names else ""
