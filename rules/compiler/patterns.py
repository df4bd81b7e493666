"""Stage *patterns*: codes and code families are written in the one normal form that messages are read into.

Which columns hold patterns follows from their names (``column_system``); a test keeps every kind's columns known.
"""

import re
from typing import Final, Literal

from rules.codings import diagnosis_code, item_code
from rules.compiler.diagnostics import Report
from rules.compiler.drafts import Typed, TypedRow
from rules.patterns import EVERY_ITEM, matches

System = Literal["item", "diagnosis", "operation"]

_COLUMNS: Final[dict[System, re.Pattern[str]]] = {
    "item": re.compile(r"^((\w+_)?items?|sub)$"),
    "diagnosis": re.compile(r"^(\w+_)?(dx|diagnoses)$"),
    "operation": re.compile(r"^(\w+_)?(ops|operations)$"),
}
_FORMS: Final[dict[System, re.Pattern[str]]] = {
    "item": re.compile(r"^[0-9A-Z]+$"),
    "diagnosis": re.compile(r"^[A-Z](\d([0-9A-Z](\.[0-9X]{1,3}(X\d{0,3})?)?)?)?$"),
    "operation": re.compile(r"^\d{1,2}(\.[0-9X]*)?$"),
}
_HELP: Final[dict[System, str]] = {
    "item": "a national code, or its first characters and `*`; `?` for a family that means several items",
    "diagnosis": "an ICD-10 code such as N40.X00, or its first characters and `*` such as N40*",
    "operation": "an ICD-9-CM-3 code such as 36.0601, or its first characters and `*`",
}


def column_system(column: str) -> System | None:
    """Return what the patterns of a column name, ``None`` when the column holds none."""
    return next((system for system, names in _COLUMNS.items() if names.match(column)), None)


def check_patterns(typed: Typed, report: Report) -> Typed:
    """Check every pattern. Faults: malformed, ambiguous without exact codes, said twice, narrower than it looks."""
    for row in typed.rows:
        for column in type(row.row).model_fields:
            system, value = column_system(column), getattr(row.row, column)
            if system is not None and isinstance(value, tuple | str) and value:
                patterns = (value,) if isinstance(value, str) else value
                _check_column(row, column, system, patterns, report)
    return typed


def _check_column(row: TypedRow, column: str, system: System, patterns: tuple[str, ...], report: Report) -> None:
    good = [pattern for pattern in patterns if _well_formed(row, column, system, pattern, report)]
    exact = [pattern for pattern in good if pattern[-1] not in "*?"]
    for pattern in good:
        if pattern[-1] == "?" and not any(code.startswith(pattern[:-1]) for code in exact):
            message = f"`{pattern}` names no code for certain"
            help = "list the codes that are meant beside it, or write `*` if every code is"
            report.at(row.place, "LONE_AMBIGUOUS_FAMILY", message, column=column, help=help)
        _check_redundant(row, column, pattern, good, report)
        if system == "diagnosis" and pattern in exact and "." not in pattern:
            message = f"`{pattern}` names that three-character code only, which hospitals rarely send"
            report.at(row.place, "NARROW_PATTERN", message, column=column, help=f"write `{pattern}*`")


def _well_formed(row: TypedRow, column: str, system: System, pattern: str, report: Report) -> bool:
    if pattern == EVERY_ITEM and system == "item":
        return True
    family = pattern[-1:] in {"*", "?"}
    stem = pattern[:-1] if family else pattern
    normal = _normal(stem, system, family=family)
    if normal != stem:
        help = f"write `{normal}{pattern[-1] if family else ''}`"
        report.at(row.place, "INVALID_PATTERN", f"`{pattern}` is not in normal form", column=column, help=help)
    elif not _FORMS[system].match(stem):
        message = f"`{pattern}` is no {system} pattern"
        report.at(row.place, "INVALID_PATTERN", message, column=column, help=_HELP[system])
    elif system == "diagnosis" and not family and diagnosis_code(stem)[1] != "icd":
        message = f"`{pattern}` is no whole ICD-10 code"
        report.at(row.place, "INVALID_PATTERN", message, column=column, help=_HELP[system])
    else:
        return True
    return False


def _normal(stem: str, system: System, *, family: bool) -> str:
    if system == "item":
        return item_code(stem)
    if system == "diagnosis" and not family:
        return diagnosis_code(stem)[0]
    return stem.upper()


def _check_redundant(row: TypedRow, column: str, pattern: str, patterns: list[str], report: Report) -> None:
    others = [other for other in patterns if other != pattern]
    stem = pattern.rstrip("*?")
    wider = [other for other in others if other.endswith("*") and matches((other,), stem) == "yes"]
    if wider or patterns.count(pattern) > 1:
        message = f"`{pattern}` is already named by `{wider[0] if wider else pattern}`"
        report.at(row.place, "REDUNDANT_PATTERN", message, column=column, help="remove one of them")
