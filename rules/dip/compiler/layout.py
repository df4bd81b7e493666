"""The files of a scheme and the columns of its tables: the one place to add a table or a column."""

from dataclasses import dataclass
from typing import Final, get_args

from rules.compiler.tables import Columns
from rules.dip.codes import Attribute, AuxiliaryType, ExclusionEffect, Family, GroupClass

MANIFEST: Final = "scheme.yaml"
CLASSES: Final = tuple(name for name in get_args(GroupClass) if name not in {"comprehensive", "last_resort"})
"""Classes of the catalogue's groups; the others have tables of their own."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what a cell looks like, and what it means."""

    name: str
    cell: str
    meaning: str = ""
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """One table: what it holds, its columns, and the columns that make two rows the same entry."""

    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def known(self) -> Columns:
        """All columns, and those that must be there."""
        needed = tuple(column.name for column in self.columns if column.needed)
        return Columns(tuple(column.name for column in self.columns), needed)


def _either(values: object) -> str:
    return " / ".join(f"`{value}`" for value in get_args(values))


def _worth(*, levels: bool = True) -> tuple[Column, ...]:
    """Columns of what a group is worth."""
    score = Column("score", "number", "points (分值); 0 means that actual cost is paid")
    mean = Column("mean_cost", "yuan", "mean cost of the group's cases (次均费用)")
    if not levels:
        return score, mean
    means = (Column(f"mean_cost_{level}", "yuan", f"mean cost at hospitals of level {level}") for level in (1, 2, 3))
    factors = (Column(f"coefficient_{level}", "number", f"coefficient at level {level}") for level in (1, 2, 3))
    return score, mean, *means, *factors


_SEX: Final = Column("sex", "`male` / `female`")
_AGES: Final = (
    Column("min_age", "age such as `28d`, `6m`, `18y`", "first age, included"),
    Column("max_age", "age such as `28d`, `6m`, `18y`", "last age, whole: `17y` ends before the 18th birthday"),
)
_NOTE: Final = Column("note", "text")
_FAMILY: Final = Column("family", _either(Family), "one of the five classes of groups (五类病种)")
_DATES: Final = (Column("valid_from", "date"), Column("valid_to", "date", "last day, included"))
_OPERATIONS: Final = "operations (see *Operations*)"
_DIAGNOSES: Final = "diagnoses (see *Diagnoses*)"

LAYOUTS: Final[dict[str, Layout]] = {
    "catalogue": Layout(
        "The main directory (主目录), one row per way into a group. Row order counts only for `catalogue_order`.",
        (
            Column("group", "text", "code of the group; several rows may share it", needed=True),
            Column("name", "text", "name of the group"),
            Column("layer", "text", "layer that a step looks in; empty means `core`"),
            Column("class", " / ".join(f"`{name}`" for name in CLASSES), "empty means `core`"),
            _FAMILY,
            Column("dx", _DIAGNOSES, "principal diagnosis"),
            Column("any_dx", _DIAGNOSES, "one of them must be among all diagnoses"),
            Column("other_dx", _DIAGNOSES, "one of them must be among the other diagnoses"),
            Column("without_dx", _DIAGNOSES, "none of them may be among the other diagnoses"),
            Column("condition", "text", "name of a condition of `scheme.yaml`; `!` before it negates"),
            Column("main_op", _OPERATIONS, "main operation; `*`: operations do not matter; empty: conservative cases"),
            Column("related_op", _OPERATIONS, "related operations"),
            Column("anywhere", "true or false", "the main part may be met by an operation in any position"),
            Column("attribute", _either(Attribute), "as printed; else that of the operations the row uses"),
            _SEX,
            *_AGES,
            Column("min_weight_g", "whole number", "weight of a newborn, bounds included"),
            Column("max_weight_g", "whole number"),
            Column("min_days", "whole number", "length of stay, bounds included"),
            Column("max_days", "whole number"),
            *_worth(),
            Column("basic_factor", "number", "of a primary-care group, in place of the hospital coefficient"),
            Column("mean_days", "number", "mean length of stay"),
            Column("mortality", "number from 0 to 1", "usual share of deaths"),
            Column("cases", "whole number", "cases last year"),
            Column("variation", "number", "coefficient of variation of cost last year"),
            Column("status", "`active` / `incomplete`", "incomplete rows are listed, never used"),
            Column("note", "text", "why the row is incomplete, or what to know about it"),
        ),
    ),
    "comprehensive": Layout(
        "The comprehensive directory (综合病种).",
        (
            Column("group", "text", "code of the group; several rows may share it", needed=True),
            Column("name", "text"),
            Column("key", "text", "category, its first two characters or letter, or a range `A00-A99`", needed=True),
            Column("attribute", _either(Attribute), "or `surgery:3\\|4` for surgery of those levels", needed=True),
            _FAMILY,
            *_worth(),
            Column("mean_days", "number"),
            Column("cases", "whole number"),
            Column("variation", "number"),
            _NOTE,
        ),
        ("key", "attribute"),
    ),
    "last_resort": Layout(
        "Groups of last resort (保底组).",
        (
            Column("group", "text", needed=True),
            Column("name", "text"),
            Column("key", "text", "first letter of the principal diagnosis, or `*` for any", needed=True),
            *_worth(levels=False),
            _NOTE,
        ),
        ("key",),
    ),
    "operations": Layout(
        "Operation codes (手术操作编码库).",
        (
            Column("code", "operation code", "or a family `51.2*`", needed=True),
            Column("name", "text"),
            Column("attribute", _either(Attribute), "操作属性"),
            Column("level", "1 to 4", "手术级别"),
            Column("incision", "0 to 3", "切口等级"),
            _NOTE,
        ),
        ("code",),
    ),
    "diagnoses": Layout(
        "Diagnosis codes (诊断编码库).",
        (Column("code", "diagnosis code", needed=True), Column("name", "text")),
        ("code",),
    ),
    "operation_map": Layout(
        "Operation codes as sent, to those of the catalogue.",
        (Column("from", "operation code", needed=True), Column("to", "operation code", needed=True)),
        ("from",),
    ),
    "diagnosis_map": Layout(
        "Diagnosis codes as sent, to those of the catalogue.",
        (Column("from", "diagnosis code", needed=True), Column("to", "diagnosis code", needed=True)),
        ("from",),
    ),
    "excluded_diagnoses": Layout(
        "Diagnoses that may not be principal; compared as `normalisation.excluded_match` says.",
        (Column("code", "diagnosis code", needed=True), _NOTE),
        ("code",),
    ),
    "excluded_operations": Layout(
        "Operations that do not count as others do.",
        (
            Column("code", "operation code", needed=True),
            Column("effect", _either(ExclusionEffect), needed=True),
            Column("scope", _DIAGNOSES, "for `within_scope`: principal diagnoses for which it may be main"),
            _NOTE,
        ),
        ("code",),
    ),
    "limits": Layout(
        "Sex and age that a diagnosis or operation belongs to.",
        (Column("code", "first characters of a diagnosis or operation code", needed=True), _SEX, *_AGES, _NOTE),
        ("code",),
    ),
    "lists": Layout(
        "Named lists of diagnoses, used as `@list`.",
        (
            Column("list", "text", "name of the list", needed=True),
            Column("code", "diagnosis code, prefix or range; `=` before a whole code", needed=True),
        ),
        ("list", "code"),
    ),
    "auxiliary": Layout(
        "The auxiliary directory (辅助目录).",
        (
            Column("type", _either(AuxiliaryType), needed=True),
            Column("subtype", "text", "`severe`, `0-28d`, `2-7` …; of `secondary` a free name", needed=True),
            Column("group", "text", "empty: every group it corrects"),
            Column("coefficient", "number", "correction coefficient m_j / M", needed=True),
            Column("other_dx", _DIAGNOSES, "for `secondary`: the named other diagnosis"),
            Column("group_cases", "whole number", "cases of the group last year"),
            Column("subtype_cases", "whole number", "cases of the sub-type last year"),
            Column("variation_drop", "number from 0 to 1", "how much splitting lowers the coefficient of variation"),
            _NOTE,
        ),
        ("type", "subtype", "group"),
    ),
    "cci": Layout(
        "CCI dictionary.",
        (
            Column("code", "diagnosis code", needed=True),
            Column("disease", "text", "disease class; within it only the highest weight counts", needed=True),
            Column("weight", "whole number", needed=True),
        ),
        ("code",),
    ),
    "severity": Layout(
        "Severity lists.",
        (
            Column("code", "diagnosis code", needed=True),
            Column("severity", "`moderate` / `severe`", needed=True),
            Column("table", "text", "exclusion table"),
        ),
        ("code",),
    ),
    "severity_exclusions": Layout(
        "Principal diagnoses, of which the codes of the same table are a part.",
        (Column("code", "first characters of a diagnosis code", needed=True), Column("table", "text", needed=True)),
        ("code", "table"),
    ),
    "coefficients": Layout(
        "Hospital coefficients (机构系数); the row that names most is used.",
        (
            Column("coefficient", "number", needed=True),
            Column("hospital", "text", "hospital code; empty fields hold for all"),
            Column("level", "1 to 3", "hospital level"),
            Column("insurance", "text", "险种 (310, 390 …)"),
            Column("group", "text"),
            Column("dx", _DIAGNOSES, "principal diagnoses (obstetrics …)"),
            Column("class", _either(GroupClass)),
            *_DATES,
            Column("source", "text", "where the number comes from; shown with the points"),
        ),
    ),
    "point_values": Layout(
        "Yuan per point (点值).",
        (
            Column("value", "number", needed=True),
            Column("use", "`budget` / `settlement`", "empty means `budget`"),
            Column("insurance", "text", "empty fields hold for all"),
            Column("place", "text", "参保地"),
            *_DATES,
        ),
    ),
}  # fmt: skip
"""Table (its file without ``.csv``) to its layout."""


def has_place(name: str) -> bool:
    """Say whether a file of this name may stand in a scheme's folder."""
    if name.startswith("cases/"):
        return name.count("/") == 1 and name.endswith((".yaml", ".md"))
    return "/" not in name and (name == MANIFEST or name.endswith((".csv", ".md")))
