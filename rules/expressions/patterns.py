"""Code patterns inside a condition: well formed and in normal form when the pack is compiled, not when a line comes.

The same forms as in a table's columns, but for ambiguous families (``X?``), which could only ever be unknown here.
"""

import re
from typing import Final, Literal

from rules.codings import diagnosis_code, item_code
from rules.expressions.types import Fault

System = Literal["item", "diagnosis", "operation"]

_FORMS: Final[dict[System, re.Pattern[str]]] = {
    "item": re.compile(r"^[0-9A-Z]+$"),
    "diagnosis": re.compile(r"^[A-Z](\d([0-9A-Z](\.[0-9X]{1,3}(X\d{0,3})?)?)?)?$"),
    "operation": re.compile(r"^\d{1,2}(\.[0-9X]*)?$"),
}
_EXAMPLES: Final[dict[System, str]] = {
    "item": "a national code, or its first characters and `*`",
    "diagnosis": "an ICD-10 code such as N40.X00, or its first characters and `*` such as N40*",
    "operation": "an ICD-9-CM-3 code such as 36.0601, or its first characters and `*`",
}


def patterns_in(text: str, system: System, at: int) -> tuple[str, ...]:
    """Return the patterns of a text, which may join several by ``|``. Raises ``Fault`` for what is no pattern."""
    patterns = tuple(part.strip() for part in text.split("|") if part.strip())
    if not patterns:
        raise Fault(f"an empty pattern; write {_EXAMPLES[system]}", at)
    for pattern in patterns:
        _check(pattern, system, at)
    return patterns


def code_in(text: str, system: System, at: int) -> str:
    """Return one whole code. Raises ``Fault`` for a family."""
    if text.endswith(("*", "?")):
        raise Fault(f"`{text}` is a family; a specimen needs a whole code", at)
    _check(text, system, at)
    return text


def _check(pattern: str, system: System, at: int) -> None:
    if pattern.endswith("?"):
        raise Fault(f"`{pattern}`: an ambiguous family cannot be asked about; list codes, or write `*`", at)
    stem = pattern.removesuffix("*")
    normal = _normal(stem, system, family=pattern.endswith("*"))
    if normal != stem:
        raise Fault(f"`{pattern}` is not in normal form; write `{normal}{'*' if pattern.endswith('*') else ''}`", at)
    if not _FORMS[system].match(stem):
        raise Fault(f"`{pattern}` is no {system} pattern; write {_EXAMPLES[system]}", at)
    if system == "diagnosis" and not pattern.endswith("*") and diagnosis_code(stem)[1] != "icd":
        raise Fault(f"`{pattern}` is no whole ICD-10 code; write {_EXAMPLES[system]}", at)


def _normal(stem: str, system: System, *, family: bool) -> str:
    if system == "item":
        return item_code(stem)
    return diagnosis_code(stem)[0] if system == "diagnosis" and not family else stem.upper()
