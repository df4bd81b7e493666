"""Which operations belong to which diagnosis by a scheme's catalogue: its rows name them as main operation.

Rows that ask for no principal diagnosis (pre-groups) belong to none in particular; they are asked for by themselves.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from rules.dip.directory import Bucket, Directory, LayerIndex
from rules.dip.normalise import head

REMEMBERED: Final = 16_384
CATEGORY: Final = 3
"""Characters of an ICD-10 category; a bare one is padded for the catalogue (N40.x)."""


class Owned(NamedTuple):
    """Main operations of a diagnosis: whole codes, and short codes that stand for all that begin so."""

    listed: bool
    """The catalogue has any row of this diagnosis."""
    whole: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def holds(self, operation: str) -> bool:
        """Say whether an operation in normal form is one of them."""
        return operation in self.whole or (bool(self.prefixes) and operation.startswith(self.prefixes))


class Ownership:
    """What every diagnosis owns under one directory, worked out when first asked."""

    def __init__(self, directory: Directory) -> None:
        self._layers = tuple(step.index for step in directory.steps if step.index is not None and step.index.rows)
        self.of: Callable[[str], Owned] = lru_cache(maxsize=REMEMBERED)(self._of)
        """Main operations of a diagnosis in normal form."""
        self.of_any = _owned((index, index.principal.buckets.get("")) for index in self._layers)
        """Main operations of rows that ask for no principal diagnosis."""

    def _of(self, diagnosis: str) -> Owned:
        code = f"{diagnosis}.x" if len(diagnosis) == CATEGORY else diagnosis
        return _owned((index, bucket) for index in self._layers for bucket in _buckets(index, code))

    def categories(self, operation: str) -> frozenset[str] | None:
        """Return the categories an operation is listed for as main one, none if it is not; ``None``: for any."""
        keys = {key for index in self._layers for key in index.keys(operation)}
        named = [self._homes[key] for key in keys if key in self._homes]
        if any(names is None for names in named):
            return None
        return frozenset(name for names in named if names for name in names)

    @cached_property
    def _homes(self) -> dict[str, frozenset[str] | None]:
        found: dict[str, set[str]] = {}
        anywhere: set[str] = set()
        for index in self._layers:
            for prepared in index.rows:
                row = prepared.row
                named = {name.lstrip("=")[:CATEGORY] for name in (*row.diagnoses, *row.any_diagnosis)}
                for code in (code for part in row.main for code in part):
                    found.setdefault(code, set()).update(named)
                    if not named:
                        anywhere.add(code)
        return {code: None if code in anywhere else frozenset(names) for code, names in found.items()}


def ownership(directory: Directory) -> Ownership:
    """Return the ownership of a directory, made once."""
    return directory.keep(Ownership)


def _owned(found: Iterable[tuple[LayerIndex, Bucket | None]]) -> Owned:
    listed, whole, prefixes = False, set[str](), set[str]()
    for index, bucket in found:
        if bucket is not None:
            listed = True
            (prefixes if index.match == "prefix" else whole).update(bucket.by_main, bucket.by_any)
    return Owned(listed, frozenset(whole), tuple(sorted(prefixes)))


def _buckets(index: LayerIndex, code: str) -> Iterator[Bucket]:
    """Return the buckets of a diagnosis, without that of rows for any."""
    principal = index.principal
    for length in principal.lengths:
        bucket = principal.buckets.get(code[:length]) if 0 < length <= len(code) else None
        if bucket is not None:
            yield bucket
    for whole in dict.fromkeys((code, head(code))):
        found = principal.whole.get(whole)
        if found is not None:
            yield found
