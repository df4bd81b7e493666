"""The main directory of a scheme (主目录): groups, rows, codes, and the steps that read them."""

from decimal import Decimal

import msgspec

from rules.codes import Sex
from rules.dip.codes import (
    Attribute,
    AttributeOf,
    ExclusionEffect,
    Family,
    GroupClass,
    Match,
    Related,
    RowFilter,
    StepName,
    TieRule,
    UnknownOperation,
)
from rules.noun import Noun


class Group(Noun, frozen=True, kw_only=True):
    """One group of the directory (病种) and what it is worth."""

    code: str
    name: str = ""
    kind: GroupClass = "core"
    family: Family | None = None
    score: Decimal | None = None
    """分值; zero means actual cost is paid."""
    mean_cost: int | None = None
    level_mean_costs: tuple[int | None, int | None, int | None] = (None, None, None)
    """Mean cost at hospitals of level 1, 2 and 3."""
    coefficients: tuple[Decimal | None, Decimal | None, Decimal | None] = (None, None, None)
    """The group's own coefficient at hospitals of level 1, 2 and 3."""
    basic_factor: Decimal | None = None
    """A primary-care group's factor in place of the hospital coefficient."""
    mean_days: Decimal | None = None
    mortality: Decimal | None = None
    """Usual share of deaths."""
    cases: int | None = None
    """Cases of the group last year."""
    variation: Decimal | None = None
    """Coefficient of variation of cost last year."""


Expression = tuple[tuple[str, ...], ...]
"""Operations in conjunctive form: every part must be met, each by any of its codes. ``()`` asks for nothing."""


class Row(Noun, frozen=True, kw_only=True):
    """One row of the catalogue: who belongs to a group."""

    group: str
    layer: str = "core"
    number: int = 0
    """Place in the catalogue, from 0."""
    diagnoses: tuple[str, ...] = ()
    """Prefixes of the principal diagnosis (``A40``, ``K80.1``, a whole code)."""
    any_diagnosis: tuple[str, ...] = ()
    """Prefixes, one of which must be among all diagnoses, whatever the position."""
    other_diagnoses: tuple[str, ...] = ()
    """Prefixes, one of which must be among the other diagnoses."""
    without_diagnoses: tuple[str, ...] = ()
    """Prefixes, none of which may be among the other diagnoses."""
    condition: str = ""
    """Name of a condition of the scheme; ``!`` before it negates."""
    main: Expression = ()
    """Main operation. Of several parts one must hold the case's main operation."""
    related: Expression = ()
    """Related operations, in any position."""
    anywhere: bool = False
    """The main part may be met by an operation in any position."""
    any_operations: bool = False
    """Operations do not matter (written ``*``); without it a row that names none is for conservative cases."""
    attribute: Attribute | None = None
    """As the catalogue prints it; else that of the operations the row uses."""
    sex: Sex | None = None
    min_age_days: int | None = None
    max_age_days: int | None = None
    min_weight_g: int | None = None
    max_weight_g: int | None = None
    """Bounds include themselves."""
    min_days: int | None = None
    max_days: int | None = None


class Either(Noun, frozen=True, kw_only=True):
    """One way to meet a condition: all that it names must hold."""

    principal: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


class Condition(Noun, frozen=True, kw_only=True):
    """A named condition of rows: any one of several ways (耐药结核 …). Prefixes, or ``=`` before a whole code."""

    name: str
    any: tuple[Either, ...]


class OperationEntry(Noun, frozen=True, kw_only=True):
    """An operation code (手术操作编码库), or a family of codes ending in ``*``."""

    code: str
    name: str = ""
    attribute: Attribute | None = None
    level: int | None = None
    """Surgery level 1-4 (手术级别)."""
    incision: int | None = None
    """Incision class (切口等级) 0-3."""


class DiagnosisEntry(Noun, frozen=True, kw_only=True):
    """A diagnosis code (诊断编码库)."""

    code: str
    name: str = ""


class Exclusion(Noun, frozen=True, kw_only=True):
    """An operation that does not count as others do."""

    code: str
    effect: ExclusionEffect
    scope: tuple[str, ...] = ()
    """Prefixes of principal diagnoses for which it may be the main operation."""


class Limit(Noun, frozen=True, kw_only=True):
    """Sex and age a diagnosis or operation belongs to (``code`` is a prefix)."""

    code: str
    sex: Sex | None = None
    min_age_days: int | None = None
    max_age_days: int | None = None


class Normalisation(Noun, frozen=True, kw_only=True):
    """How codes are brought into the catalogue's terms before anything else."""

    diagnosis_map: dict[str, str] = msgspec.field(default_factory=dict)
    operation_map: dict[str, str] = msgspec.field(default_factory=dict)
    not_principal: tuple[str, ...] = ("V", "W", "X", "Y")
    """Prefixes of codes that may never be principal (external causes); morphology and asterisk codes never may."""
    excluded_principal: tuple[str, ...] = ()
    excluded_match: Match = "equal"
    exclusions: tuple[Exclusion, ...] = ()
    limits: tuple[Limit, ...] = ()
    whole_table: bool = False
    """The diagnosis table is complete: a code that is not in it is refused. Otherwise its category must be known."""
    whole_operations: bool = False
    """The operation table is complete: a code that is not in it is a fault of the record."""
    categories: tuple[str, ...] = ()
    """Known three-character categories, or ranges (``A00-A09``); empty means any of ICD shape."""
    unknown_operation: UnknownOperation = "conservative"


class Step(Noun, frozen=True, kw_only=True):
    """One step of the grouper."""

    step: StepName
    layers: tuple[str, ...] = ()
    prefer: tuple[TieRule, ...] = ()
    require: tuple[RowFilter, ...] = ()
    related: Related = "complete"
    operation_match: Match = "equal"
    """``prefix``: short operation codes of the catalogue stand for all that begin so."""


class ComprehensiveRow(Noun, frozen=True, kw_only=True):
    """One row of the comprehensive directory (综合病种)."""

    group: str
    key: str
    """Category, its first two characters or its letter, or a range of categories (``A00-A99``)."""
    attribute: str
    """An attribute, or ``surgery:3|4`` for surgery of those levels."""


class Comprehensive(Noun, frozen=True, kw_only=True):
    """How a case that has no core group is pooled."""

    key_lengths: tuple[int, ...] = (3, 2, 1)
    """Lengths of the diagnosis key, tried in order; ranges come after them."""
    attribute_of: AttributeOf = "highest"
    intervention_as: Attribute = "surgery"
    minor_is_conservative: bool = False
    """A case whose operations are all of incision class 0 and below level 3 counts as conservative."""
    rows: tuple[ComprehensiveRow, ...] = ()
    template: str = ""
    """Code of a group that exists for every known category: ``{category}-{number}``; empty: only ``rows``."""
    numbers: dict[str, str] = msgspec.field(default_factory=dict)
    """Attribute to the number in ``template``."""


class LastResort(Noun, frozen=True, kw_only=True):
    """保底组: by first letter, ``*`` for any."""

    group: str
    key: str


class IncompleteRow(Noun, frozen=True, kw_only=True):
    """A row of the catalogue that lacks something (``status`` incomplete): listed, never used."""

    group: str
    name: str = ""
    layer: str = "core"
    note: str = ""
    """What is missing."""
