"""Code patterns: how a rule names items, diagnoses and operations.

``XL02BBA326A001010102180`` means that code; ``XL02BBA326A001*`` the family that starts so; ``XB05BAZ087B002?`` a
family known to mean several items: any code of it that no other pattern of the same rule names is *ambiguous*
(ruling 3). ``PatternIndex`` is the fast path; ``find_by_scan`` is its plain twin.
"""

from collections.abc import Iterable
from typing import Final, Generic, Literal, TypeVar

Match = Literal["yes", "ambiguous"]
T = TypeVar("T")
EVERY_ITEM: Final = "*"
"""The pattern of every item there is."""
REMEMBERED = 65_536
"""Codes an index remembers the answer for; strangers' codes cannot fill the memory."""


def matches(patterns: Iterable[str], code: str) -> Match | None:
    """Say whether ``code`` is named by ``patterns``: yes, ambiguous, or not at all (``None``)."""
    ambiguous = False
    for pattern in patterns:
        tail = pattern[-1:]
        if tail == "*":
            if code.startswith(pattern[:-1]):
                return "yes"
        elif tail == "?":
            ambiguous = ambiguous or code.startswith(pattern[:-1])
        elif pattern == code:
            return "yes"
    return "ambiguous" if ambiguous else None


def names_all(patterns: Iterable[str], other: str) -> bool:
    """Say whether every code that ``other`` names is named by one of ``patterns``, ambiguous names included."""
    stem = other.rstrip("*?")
    return any(
        pattern == other or (pattern[-1:] in {"*", "?"} and stem.startswith(pattern[:-1])) for pattern in patterns
    )


def find_by_scan(entries: Iterable[tuple[tuple[str, ...], T]], code: str) -> list[tuple[T, Match]]:
    """Return every entry whose patterns name ``code``, in order: the plain twin of ``PatternIndex.find``."""
    found = ((entry, matches(patterns, code)) for patterns, entry in entries)
    return [(entry, match) for entry, match in found if match is not None]


class PatternIndex(Generic[T]):
    """From a code to the entries that name it, in one look-up per family length in use.

    Immutable once built. Cost follows the length of the answer, not the number of patterns.
    """

    __slots__ = ("_ambiguous", "_exact", "_families", "_known")

    def __init__(self, entries: Iterable[tuple[tuple[str, ...], T]]) -> None:
        exact: dict[str, list[T]] = {}
        families: dict[int, dict[str, list[T]]] = {}
        ambiguous: dict[int, dict[str, list[T]]] = {}
        for patterns, entry in entries:
            for pattern in patterns:
                table = exact
                key = pattern
                if pattern.endswith(("*", "?")):
                    key = pattern[:-1]
                    table = (families if pattern.endswith("*") else ambiguous).setdefault(len(key), {})
                table.setdefault(key, []).append(entry)
        self._exact = {key: tuple(found) for key, found in exact.items()}
        self._families = _freeze(families)
        self._ambiguous = _freeze(ambiguous)
        self._known: dict[str, tuple[tuple[T, Match], ...]] = {}

    def find(self, code: str) -> tuple[tuple[T, Match], ...]:
        """Return the entries that name ``code``; an entry appears once, ``yes`` before ``ambiguous``.

        Answers are remembered, since a hospital orders the same few thousand items all day.
        """
        known = self._known.get(code)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[code] = self._look_up(code)
        return known

    def _look_up(self, code: str) -> tuple[tuple[T, Match], ...]:
        found: dict[T, Match] = {}
        for entry in self._exact.get(code, ()):
            found[entry] = "yes"
        for length, table in self._families:
            for entry in table.get(code[:length], ()):
                found[entry] = "yes"
        for length, table in self._ambiguous:
            for entry in table.get(code[:length], ()):
                found.setdefault(entry, "ambiguous")
        return tuple(found.items())


def _freeze(tables: dict[int, dict[str, list[T]]]) -> tuple[tuple[int, dict[str, tuple[T, ...]]], ...]:
    return tuple((length, {key: tuple(found) for key, found in tables[length].items()}) for length in sorted(tables))
