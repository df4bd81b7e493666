"""The types between the stages: what a pack is after each of them.

A stage takes the latest type it needs and returns the next, so a half-processed pack can be neither evaluated nor
built. Rows that are broken are reported and left out; ``declared`` remembers their ids, so that one broken row does
not make every mention of it a second fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from rules.compiler.cases import PlacedCase
from rules.compiler.diagnostics import Place
from rules.kinds._contract import Row
from rules.model import Citation, Rule
from rules.noun import Noun
from rules.pack import CompiledPack
from rules.words import Word

Source = Path | Mapping[str, bytes]
"""A pack's folder, or its files by name relative to it (``cases/a.yaml``)."""

Names = frozenset[str] | None
"""Names that may be mentioned; ``None`` when a file that could hold more of them could not be read."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The files of a pack, as bytes."""

    files: Mapping[str, bytes]


class Parameter(Noun, frozen=True):
    """A value that the sources leave to the hospital; no value means rules that need it are *not checked*."""

    value: str | None = None
    note: str = ""
    example: str | None = None
    """Stands in for an unset value where a column cannot be empty; such a rule is still never evaluated."""


class Manifest(Noun, frozen=True):
    """``pack.yaml``."""

    name: str
    version: str
    title: str
    language: str = "zh"
    """Language of the names, titles and messages."""
    note: str = ""
    parameters: dict[str, Parameter] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """Files beside the manifest; without one (it was faulty) nothing is said about parameters."""

    manifest: Manifest | None
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row's cells that are not empty, by column."""

    place: Place
    cells: Mapping[str, str]
    unset: tuple[str, ...] = ()
    """Parameters without a value that this row reads."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Column to the parameter its value comes from."""


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file: its kind of rule (or ``citations``), and its rows."""

    file: str
    kind: str
    columns: tuple[str, ...]
    rows: tuple[RawRow, ...]


@dataclass(frozen=True, slots=True)
class Tabulated:
    """Tables of text; every column is known."""

    manifest: Manifest | None
    rules: tuple[Table, ...]
    citations: tuple[Table, ...]
    words: tuple[Table, ...]
    cases: Mapping[str, bytes]
    declared: Names
    """Every rule id that some row claims, broken rows included."""


@dataclass(frozen=True, slots=True)
class TypedRow:
    """One row in its written form. An incomplete row has only the columns all kinds share."""

    place: Place
    kind: str
    row: Row
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypedCitation:
    """One row of ``citations.csv``."""

    place: Place
    citation: Citation


@dataclass(frozen=True, slots=True)
class Typed:
    """Every well-formed row."""

    manifest: Manifest | None
    rows: tuple[TypedRow, ...]
    citations: tuple[TypedCitation, ...]
    words: tuple[Word, ...]
    cases: Mapping[str, bytes]
    declared: Names
    declared_citations: Names


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """One rule in run form, and the row it came from."""

    place: Place
    kind: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Compiled:
    """Every rule in run form."""

    manifest: Manifest | None
    rules: tuple[PlacedRule, ...]
    citations: tuple[TypedCitation, ...]
    words: tuple[Word, ...]
    case_files: Mapping[str, bytes]
    declared: Names
    cases: tuple[PlacedCase, ...] = ()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A faultless pack with its digest, and its cases (which are no part of the digest)."""

    pack: CompiledPack
    cases: tuple[PlacedCase, ...]
