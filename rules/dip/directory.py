"""A scheme, indexed: what ``group`` looks up instead of reading every row (``rules.dip.reference`` is the plain twin).

Rows are found by prefixes of the principal diagnosis, then by the main operation; rows that ask for a diagnosis in any
position are found by every diagnosis; what is left (no operations named) stands in lists per prefix.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, TypeVar, cast

from rules.dip.coded import Coded
from rules.dip.codes import Attribute, Match
from rules.dip.matching import Codes, Prepared, Ways
from rules.dip.model import Exclusion, Group, OperationEntry, Row, Scheme, Step
from rules.dip.normalise import REMEMBERED, Normaliser, head, is_short_operation
from rules.dip.pools import Pools
from rules.dip.principal import Principals

KeptT = TypeVar("KeptT")
COMMON: Final = 8_192
"""Principal diagnoses whose buckets are remembered: more than one region's hospitals use."""


class Bucket:
    """Rows of one diagnosis prefix."""

    __slots__ = ("by_any", "by_main", "conservative", "free")

    def __init__(self) -> None:
        self.by_main: dict[str, list[Prepared]] = {}
        """By every code of the main parts."""
        self.by_any: dict[str, list[Prepared]] = {}
        """Rows whose operations may stand anywhere, by the codes of their first part."""
        self.free: list[Prepared] = []
        """Rows to which operations do not matter."""
        self.conservative: list[Prepared] = []

    def rows(self) -> Iterator[Prepared]:
        """Return every row, some more than once."""
        for listed in (*self.by_main.values(), *self.by_any.values(), self.free, self.conservative):
            yield from listed

    def add(self, row: Prepared) -> None:
        """Enter a row where ``LayerIndex.candidates`` looks for it."""
        if row.row.any_operations:
            self.free.append(row)
        elif not row.operative:
            self.conservative.append(row)
        elif row.anywhere:
            # A row of related operations alone may be met in part: by any of its codes.
            parts = row.row.main[:1] or row.row.related
            for code in _codes(parts):
                self.by_any.setdefault(code, []).append(row)
        else:
            for code in _codes(row.row.main):
                self.by_main.setdefault(code, []).append(row)


def _codes(parts: Iterable[Iterable[str]]) -> Iterator[str]:
    return iter(dict.fromkeys(code for part in parts for code in part))


class DiagnosisIndex:
    """Buckets by prefix of a diagnosis, or by a whole code."""

    __slots__ = ("buckets", "lengths", "whole")

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.whole: dict[str, Bucket] = {}
        self.lengths: tuple[int, ...] = ()

    def add(self, row: Prepared, diagnoses: Iterable[str]) -> None:
        """Enter a row under each of its diagnoses."""
        for code in dict.fromkeys(diagnoses):
            if code.startswith("="):
                self.whole.setdefault(code[1:], Bucket()).add(row)
            else:
                self.buckets.setdefault(code, Bucket()).add(row)
                if len(code) not in self.lengths:
                    self.lengths = tuple(sorted((*self.lengths, len(code))))

    def of(self, code: str) -> tuple[Bucket, ...]:
        """Return the buckets a diagnosis falls into."""
        found = []
        buckets = self.buckets
        for length in self.lengths:
            if length > len(code):
                break
            if (bucket := buckets.get(code[:length])) is not None:
                found.append(bucket)
        if self.whole:
            for whole in dict.fromkeys((code, head(code))):
                if (bucket := self.whole.get(whole)) is not None:
                    found.append(bucket)
        return tuple(found)


class LayerIndex:
    """The rows of one ``layer`` step."""

    __slots__ = ("_of", "anywhere", "anywhere_codes", "match", "operation_lengths", "principal", "rows")

    def __init__(self, rows: Iterable[Prepared], match: Match) -> None:
        self.rows = tuple(rows)
        self.match = match
        self.principal = DiagnosisIndex()
        self.anywhere = DiagnosisIndex()
        """Rows that name no principal diagnosis but one in any position."""
        lengths: set[int] = set()
        for row in self.rows:
            if row.row.any_diagnosis and not row.row.diagnoses:
                self.anywhere.add(row, row.row.any_diagnosis)
            else:
                self.principal.add(row, row.row.diagnoses or ("",))
            lengths.update(len(code) for part in (*row.row.main, *row.row.related) for code in part)
        self.operation_lengths = tuple(sorted(lengths))
        listed = (*self.anywhere.buckets, *(f"={code}" for code in self.anywhere.whole))
        self.anywhere_codes = Codes(listed) if listed else None
        self._of: Callable[[str], tuple[Bucket, ...]] = lru_cache(maxsize=COMMON)(self.principal.of)

    def buckets(self, coded: Coded) -> tuple[Bucket, ...]:
        """Return the buckets that may hold rows of a case."""
        found = self._of(coded.code)
        if self.anywhere_codes is not None:
            for code in (coded.code, *coded.others):
                if self.anywhere_codes.holds(code):
                    found += tuple(bucket for bucket in self.anywhere.of(code) if bucket not in found)
        return found

    def candidates(self, coded: Coded, buckets: Iterable[Bucket]) -> list[Prepared]:
        """Return the rows with operations that name the main operation, or any operation where they may."""
        found: list[Prepared] = []
        for bucket in buckets:
            if bucket.by_main:
                for key in (coded.main,) if self.match == "equal" else self.keys(coded.main):
                    if (listed := bucket.by_main.get(key)) is not None:
                        found = [*found, *listed] if found else listed
            if bucket.by_any:
                for operation in coded.operations:
                    for key in self.keys(operation):
                        found = [*found, *bucket.by_any.get(key, ())]
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def keys(self, operation: str) -> tuple[str, ...]:
        """Return the catalogue codes that may stand for an operation."""
        if self.match == "equal":
            return (operation,)
        beginnings = (operation[:length] for length in self.operation_lengths if length <= len(operation))
        return tuple(code for code in beginnings if code == operation or is_short_operation(code))


class PreparedStep:
    """One step of the scheme with its index."""

    __slots__ = ("index", "step")

    def __init__(self, step: Step, index: LayerIndex | None) -> None:
        self.step = step
        self.index = index


class Directory:
    """A scheme ready to group by. Immutable once built; may be shared by threads."""

    def __init__(self, scheme: Scheme) -> None:
        rules = scheme.normalisation
        self.scheme = scheme
        self.groups: dict[str, Group] = {group.code: group for group in scheme.groups}
        self.normaliser = Normaliser(scheme)
        self.conditions = {condition.name: Ways(condition) for condition in scheme.conditions}
        self.steps: tuple[PreparedStep, ...] = tuple(
            PreparedStep(step, self._index(step) if step.step == "layer" else None) for step in scheme.steps
        )
        self.exclusions: dict[str, tuple[Exclusion, Codes]] = {
            entry.code: (entry, Codes(entry.scope)) for entry in rules.exclusions
        }
        self.pools = Pools(scheme)
        self.principals = Principals(scheme, self.pools.knows)
        self._entries = {entry.code: entry for entry in scheme.operations if not entry.code.endswith("*")}
        families = [entry for entry in scheme.operations if entry.code.endswith("*")]
        self._families = tuple(sorted(families, key=lambda entry: -len(entry.code)))
        self.operation: Callable[[str], OperationEntry | None] = lru_cache(maxsize=REMEMBERED)(self._entry)
        self.attribute: Callable[[str], Attribute | None] = lru_cache(maxsize=REMEMBERED)(self._attribute)
        """Attribute an operation counts with, by the table alone; ``None`` if it is not known."""
        self._kept: dict[Callable[[Directory], object], object] = {}

    @classmethod
    def build(cls, scheme: Scheme) -> "Directory":
        """Return a scheme, indexed."""
        return cls(scheme)

    def keep(self, make: Callable[["Directory"], KeptT]) -> KeptT:
        """Return what another module makes of this directory: made when first asked for, gone with the directory.

        Two threads may make it at the same time; either result is as good.
        """
        found = self._kept.get(make)
        if found is None:
            found = self._kept[make] = make(self)
        return cast(KeptT, found)

    def group_of(self, row: Row) -> Group:
        """Return the group of a row; one the scheme does not describe is a core group without figures."""
        return self.groups.get(row.group) or Group(code=row.group)

    def _index(self, step: Step) -> LayerIndex:
        rows = sorted((row for row in self.scheme.rows if row.layer in step.layers), key=lambda row: row.number)
        prepared = (Prepared(row, self.group_of(row), self.conditions, step.operation_match) for row in rows)
        return LayerIndex(prepared, step.operation_match)

    def _attribute(self, code: str) -> Attribute | None:
        entry = self._entry(code)
        if entry is None or entry.attribute is None:
            return None
        return self.scheme.comprehensive.intervention_as if entry.attribute == "intervention" else entry.attribute

    def _entry(self, code: str) -> OperationEntry | None:
        """Return what the operation table says of a code: itself, else the longest family it belongs to."""
        entry = self._entries.get(code)
        if entry is not None:
            return entry
        return next((family for family in self._families if code.startswith(family.code[:-1])), None)
