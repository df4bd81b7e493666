"""Diagnosis cells: prefixes, whole codes, ranges of categories, named lists; and short operation codes."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from rules.dip.normalise import diagnosis

_PREFIX: Final = re.compile(r"[A-Z](\d([0-9A-Z](\.[0-9x]{0,3}(x\d{0,4})?)?)?)?")
_WHOLE: Final = re.compile(
    r"[A-Z]\d[0-9A-Z](\.[0-9x]{1,3}(x\d{1,4})?)?\*?(\+[A-Z]\d[0-9A-Z](\.[0-9x]{1,3}(x\d{1,4})?)?\*)*"
)
_RANGE: Final = re.compile(r"([A-Z])(\d\d)(?:\.(\d))?-([A-Z])(\d\d)(?:\.(\d))?")
RANGE_HELP: Final = "a range names categories, or fourth characters of one category: C00-C75, T31.1-T31.4"


class UnknownList(ValueError):
    """``@name`` names no list."""


def parts(cell: str) -> Iterator[str]:
    """Yield the values of a cell that joins several by ``|``, in half-width form."""
    for part in unicodedata.normalize("NFKC", cell).split("|"):
        if part.strip():
            yield part.strip()


def diagnoses(cell: str, lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the prefixes that a cell names, ranges and lists spread out. Raises ``ValueError``, ``UnknownList``."""
    found: dict[str, None] = {}
    for part in parts(cell):
        if part.startswith("@"):
            if part[1:] not in lists:
                raise UnknownList(part[1:])
            found.update(dict.fromkeys(lists[part[1:]]))
        else:
            found.update(dict.fromkeys(spread(part)))
    return tuple(found)


def spread(part: str) -> tuple[str, ...]:
    """Return the prefixes of one value: a range gives its categories, ``=`` before a code stays."""
    if part.startswith("="):
        return (f"={whole(part[1:])}",)
    return _range(part) if "-" in part else (beginning(part),)


def beginning(text: str) -> str:
    """Return the beginning of a diagnosis code in normal form. Raises ``ValueError``."""
    code = diagnosis(text)
    if not (_PREFIX.fullmatch(code) or _WHOLE.fullmatch(code)):
        raise ValueError(f"`{text}` is no diagnosis code")
    return code


def whole(text: str) -> str:
    """Return a diagnosis code in normal form. Raises ``ValueError`` when it has not the shape of one."""
    code = diagnosis(text)
    if not _WHOLE.fullmatch(code):
        raise ValueError(f"`{text}` is no whole diagnosis code")
    return code


def _range(text: str) -> tuple[str, ...]:
    found = _RANGE.fullmatch(text.replace(" ", "").upper())
    if found is None:
        raise ValueError(f"`{text}` is no range of diagnoses")
    first, last = f"{found[1]}{found[2]}", f"{found[4]}{found[5]}"
    if found[3] or found[6]:
        if not (found[3] and found[6]) or first != last:
            raise ValueError(f"`{text}` is no range of diagnoses")
        numbers = range(int(found[3]), int(found[6]) + 1)
        return _some(text, tuple(f"{first}.{number}" for number in numbers))
    numbers = range(_place(first), _place(last) + 1)
    return _some(text, tuple(f"{chr(ord('A') + number // 100)}{number % 100:02}" for number in numbers))


def _some(text: str, codes: tuple[str, ...]) -> tuple[str, ...]:
    if not codes:
        raise ValueError(f"`{text}` ends before it begins")
    return codes


def _place(category: str) -> int:
    return (ord(category[0]) - ord("A")) * 100 + int(category[1:])


def categories(text: str) -> tuple[int, int] | None:
    """Return first and last place of a range ``A00-A99`` in the order of categories; ``None`` if it is no range."""
    found = _RANGE.fullmatch(text)
    if found is None or found[3] or found[6]:
        return None
    return _place(f"{found[1]}{found[2]}"), _place(f"{found[4]}{found[5]}")
