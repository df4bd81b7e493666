"""What a scheme is between reading and sealing: nouns with the places they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from rules.compiler.diagnostics import Place
from rules.compiler.drafts import Table
from rules.dip.compiler.manifest import Written
from rules.dip.model import ComprehensiveRow, Group, IncompleteRow, LastResort, Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A noun and the row it was written in."""

    place: Place
    noun: T


@dataclass(frozen=True, slots=True)
class Tables:
    """The manifest, the tables that are there, and the lists."""

    written: Written
    tables: Mapping[str, Table]
    lists: Mapping[str, tuple[str, ...]]

    @property
    def layers(self) -> dict[str, Any]:
        """Layer to the first step that looks in it."""
        steps = [step for step in self.written.manifest.steps if step.step == "layer"]
        return {layer: step for step in reversed(steps) for layer in step.layers}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One row's view of its group: the group, and the columns it fills."""

    place: Place
    group: Group
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drafted:
    """Every well-formed row of every table."""

    tables: Tables
    groups: tuple[GroupRow, ...] = ()
    rows: tuple[Placed[Row], ...] = ()
    incomplete: tuple[Placed[IncompleteRow], ...] = ()
    comprehensive: tuple[Placed[ComprehensiveRow], ...] = ()
    last_resort: tuple[Placed[LastResort], ...] = ()
    entries: Mapping[str, tuple[Placed[Any], ...]] = field(default_factory=dict)
    """The other tables by name."""
    declared: frozenset[str] | None = frozenset()
    """Every group code that some row claims, broken rows included; ``None`` when a table could not be read."""
