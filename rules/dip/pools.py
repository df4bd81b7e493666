"""Comprehensive and last-resort groups, indexed (综合病种 and 保底组, dip facts 2.1, 2.5.6 and 2.5.7)."""

import re
from collections.abc import Callable
from functools import lru_cache

from rules.dip.coded import Coded
from rules.dip.model import Scheme
from rules.dip.normalise import REMEMBERED, head, is_diagnosis

_RANGE = re.compile(r"([A-Z][0-9A-Z]{2})-([A-Z][0-9A-Z]{2})")
_CATEGORY = re.compile(r"[A-Z]\d[0-9A-Z]")


class Pool:
    """Groups of one key: by attribute, and by attribute and surgery level."""

    __slots__ = ("levelled", "whole")

    def __init__(self) -> None:
        self.whole: dict[str, list[str]] = {}
        self.levelled: dict[tuple[str, int], list[str]] = {}

    def add(self, attribute: str, group: str) -> None:
        """Enter ``surgery`` or ``surgery:3|4``."""
        name, _, levels = attribute.partition(":")
        places = [(self.levelled, (name, int(level))) for level in levels.split("|") if level.isdigit()]
        for table, key in places:
            table.setdefault(key, []).append(group)
        if not places:
            self.whole.setdefault(name, []).append(group)

    def groups(self, coded: Coded) -> tuple[tuple[str, ...], ...]:
        """Return, for each level the case may have, the groups that fit; one answer where levels do not matter."""
        attribute = coded.attribute or ""
        plain = tuple(dict.fromkeys(self.whole.get(attribute, ())))
        if not any(name == attribute for name, _ in self.levelled):
            return (plain,) if plain else ()
        answers = dict.fromkeys(
            tuple(dict.fromkeys(self.levelled.get((attribute, level), ()))) or plain for level in coded.levels
        )
        return tuple(answers) if any(answers) else ()


class Pools:
    """The comprehensive directory and the last-resort groups of a scheme."""

    def __init__(self, scheme: Scheme) -> None:
        rules = scheme.comprehensive
        self.lengths = rules.key_lengths
        self.template = rules.template
        self.numbers = rules.numbers
        self.keys: dict[str, Pool] = {}
        ranges: dict[tuple[str, str], Pool] = {}
        for row in rules.rows:
            found = _RANGE.fullmatch(row.key)
            pool = ranges.setdefault((found[1], found[2]), Pool()) if found else self.keys.setdefault(row.key, Pool())
            pool.add(row.attribute, row.group)
        self.ranges = tuple(sorted(ranges.items(), key=lambda item: _width(*item[0])))
        """Narrowest first."""
        self.levelled = any(":" in row.attribute for row in rules.rows)
        """Surgery is split by level somewhere."""
        self._known = category_test(scheme.normalisation.categories)
        self._last = {entry.key: entry.group for entry in reversed(scheme.last_resort)}
        self._longest = max(map(len, self._last), default=0)
        self.pools: Callable[[str], tuple[tuple[str, Pool], ...]] = lru_cache(maxsize=REMEMBERED)(self._pools_of)
        """Pools of a principal diagnosis with their keys, the closest first."""
        self.last_resort: Callable[[str], str] = lru_cache(maxsize=REMEMBERED)(self._last_resort_of)
        """Last-resort group by the longest beginning of the code, then ``*``; or ``""``."""

    def _pools_of(self, diagnosis: str) -> tuple[tuple[str, Pool], ...]:
        code = head(diagnosis)
        found = [
            (code[:length], self.keys[code[:length]])
            for length in self.lengths
            if len(code) >= length and code[:length] in self.keys
        ]
        category = code[:3]
        found += [(f"{low}-{high}", pool) for (low, high), pool in self.ranges if low <= category <= high]
        return tuple(found)

    def from_template(self, coded: Coded) -> str:
        """Return the group that exists for every known category, or ``""``."""
        category = coded.code[:3]
        number = self.numbers.get(coded.attribute or "")
        if not self.template or number is None or not self.knows(category) or not is_diagnosis(coded.code):
            return ""
        return self.template.replace("{category}", category).replace("{number}", number)

    def knows(self, category: str) -> bool:
        """Say whether a category is known."""
        return self._known(category)

    def _last_resort_of(self, code: str) -> str:
        for length in range(min(len(code), self._longest), 0, -1):
            if (group := self._last.get(code[:length])) is not None:
                return group
        return self._last.get("*", "")


def category_test(categories: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the judge of whether a three-character category is known: a list, ranges, or any of ICD shape."""
    listed = frozenset(entry for entry in categories if "-" not in entry)
    ranges = tuple((low, high) for low, _, high in (entry.partition("-") for entry in categories if "-" in entry))

    def known(category: str) -> bool:
        if not _CATEGORY.fullmatch(category):
            return False
        return not categories or category in listed or any(low <= category <= high for low, high in ranges)

    return known


def _width(low: str, high: str) -> int:
    """Return how many categories a range spans, roughly: letters count 100."""
    return sum((ord(b) - ord(a)) * weight for a, b, weight in zip(low, high, (100, 10, 1), strict=True))
