"""One search over four libraries (K46): diagnoses, operations and groups of a DIP scheme, items of the rulebook.

In: part of a code or of a name, in any width and case. Out: rows that say their library, in stable order: the code
itself, codes that begin so, names that begin so, names that hold it; each by code. A library is indexed once and
searched without walking its rows.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from rules import Rulebook
from rules.dip.codes import ATTRIBUTE_WORDS, FAMILY_WORDS, STATUS_WORDS
from rules.dip.directory import Directory
from rules.dip.model import Group, Row, Scheme
from rules.model import UNIT

Library = Literal["diagnoses", "operations", "items", "groups"]
LIBRARIES: Final[tuple[Library, ...]] = get_args(Library)
REMEMBERED: Final = 8
"""Indexes kept: a few schemes and the rulebook before and after a change."""


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a library."""

    library: Library
    code: str
    name: str
    more: dict[str, Any]
    """What the library knows besides: attribute and level of an operation, class and score of a group …"""


class LibraryIndex:
    """The rows of one library: by code with bisection, by name in one long text."""

    def __init__(self, rows: Iterable[Found]) -> None:
        # One row per code; the last given wins, so tables come after what the catalogue merely names.
        unique = {row.code: row for row in rows}
        self._rows = tuple(sorted(unique.values(), key=lambda row: (_code_key(row.code), row.code)))
        self._codes = [_code_key(row.code) for row in self._rows]
        names = [_name_key(row.name) for row in self._rows]
        self._text = "\n" + "\n".join(names) + "\n"
        self._starts: list[int] = []
        at = 1
        for name in names:
            self._starts.append(at)
            at += len(name) + 1

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, asked: str, limit: int) -> list[Found]:
        """Return at most ``limit`` rows."""
        found: dict[int, None] = {}
        code, name = _code_key(asked), _name_key(asked)
        for ranked in (self._by_code(code), self._by_text("\n" + name, 1), self._by_text(name, 0)):
            if not name:
                break
            for place in ranked:
                found.setdefault(place)
                if len(found) == limit:
                    return [self._rows[row] for row in found]
        return [self._rows[row] for row in found]

    def _by_code(self, code: str) -> Iterator[int]:
        place = bisect_left(self._codes, code)
        while code and place < len(self._codes) and self._codes[place].startswith(code):
            yield place
            place += 1

    def _by_text(self, text: str, skip: int) -> Iterator[int]:
        """Yield rows whose name holds the text, each once."""
        at = self._text.find(text)
        while at >= 0:
            row = bisect_right(self._starts, at + skip) - 1
            yield row
            # On to the next row, from the line break before it, which a search for beginnings needs.
            following = self._starts[row + 1] - 1 if row + 1 < len(self._starts) else len(self._text)
            at = self._text.find(text, following)


def _name_key(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _code_key(text: str) -> str:
    """Return a code without its dot, so that ``k801`` finds ``K80.1``."""
    return _name_key(text).replace(".", "")


class Libraries:
    """Indexes by digest, built when first asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, dict[Library, LibraryIndex]] = OrderedDict()

    def of(self, directory: Directory, rulebook: Rulebook) -> dict[Library, LibraryIndex]:
        """Return the four libraries of a scheme and a rulebook, in fixed order."""
        scheme = self._indexed(f"scheme {directory.scheme.digest}", lambda: scheme_libraries(directory))
        items = self._indexed(f"rulebook {rulebook.digest}", lambda: {"items": LibraryIndex(items_of(rulebook))})
        both = scheme | items
        return {library: both[library] for library in LIBRARIES}

    def _indexed(self, digest: str, build: Callable[[], dict[Library, LibraryIndex]]) -> dict[Library, LibraryIndex]:
        if digest not in self._kept:
            self._kept[digest] = build()
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return self._kept[digest]


def scheme_libraries(directory: Directory) -> dict[Library, LibraryIndex]:
    """Index a scheme's own tables, and the codes that only its catalogue names."""
    scheme = directory.scheme
    return {
        "diagnoses": LibraryIndex(diagnoses_of(scheme)),
        "operations": LibraryIndex(operations_of(scheme)),
        "groups": LibraryIndex(_group(group) for group in directory.groups.values()),
    }


def diagnoses_of(scheme: Scheme) -> Iterator[Found]:
    """Yield diagnoses: what rows name (prefixes included), then the table with its names."""
    for row in scheme.rows:
        for code in (*row.diagnoses, *row.any_diagnosis, *row.other_diagnoses):
            yield Found("diagnoses", code.removeprefix("="), "", {})
    for entry in scheme.diagnoses:
        yield Found("diagnoses", entry.code, entry.name, {})


def operations_of(scheme: Scheme) -> Iterator[Found]:
    """Yield operations: what rows name, then the table with names, attributes and levels."""
    for row in scheme.rows:
        for code in _operations_of(row):
            yield Found("operations", code, "", {})
    for entry in scheme.operations:
        attribute = ATTRIBUTE_WORDS[entry.attribute] if entry.attribute else None
        more = {"attribute": entry.attribute, "attribute_name": attribute, "level": entry.level}
        yield Found("operations", entry.code, entry.name, more)


def _operations_of(row: Row) -> Iterator[str]:
    for part in (*row.main, *row.related):
        yield from part


def _group(group: Group) -> Found:
    more = {
        "class": group.kind,
        "class_name": STATUS_WORDS[group.kind],
        "family": group.family,
        "family_name": FAMILY_WORDS[group.family] if group.family else None,
        "score": None if group.score is None else float(group.score),
        "mean_cost": None if group.mean_cost is None else group.mean_cost / UNIT,
    }
    return Found("groups", group.code, group.name, more)


def items_of(rulebook: Rulebook) -> Iterator[Found]:
    """Yield items that rules name, codes of families ending in ``*`` or ``?`` as the packs write them."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for entry in rulebook.entries:
        if entry.names:
            for code in entry.rule.items:
                names[code] = names.get(code) or entry.rule.name
                counts[code] = counts.get(code, 0) + 1
    for code, name in names.items():
        yield Found("items", code, name, {"rules": counts[code]})
