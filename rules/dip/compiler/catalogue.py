"""Tables of groups to nouns: the catalogue, the comprehensive directory and the groups of last resort."""

import re
from collections.abc import Container
from typing import Any, Final, get_args

from rules.compiler.diagnostics import Report
from rules.compiler.drafts import RawRow
from rules.dip.codes import Attribute, Family
from rules.dip.compiler.cells import Cells
from rules.dip.compiler.codes import categories
from rules.dip.compiler.drafts import GroupRow, Placed, Tables
from rules.dip.compiler.expressions import ExpressionError, NestedConjunction, ShortCode, parse_expression
from rules.dip.compiler.layout import CLASSES
from rules.dip.model import ComprehensiveRow, Expression, Group, IncompleteRow, LastResort, Row

ATTRIBUTES: Final = get_args(Attribute)
GROUP_COLUMNS: Final = (
    "name", "class", "family", "score", "mean_cost", "mean_cost_1", "mean_cost_2", "mean_cost_3",
    "coefficient_1", "coefficient_2", "coefficient_3", "basic_factor", "mean_days", "mortality", "cases", "variation",
)  # fmt: skip
"""Columns that say what a group is worth, not who belongs to it."""
_LEVELS: Final = re.compile(r"surgery:([1-4](?:\|[1-4])*)")
_KEY: Final = re.compile(r"[A-Z](\d[0-9A-Z]?)?")
ANYTHING: Final = "*"


class CatalogueReader:
    """Reads rows of ``catalogue.csv`` under one manifest; the same expression is parsed once."""

    def __init__(self, tables: Tables, report: Report) -> None:
        self.lists = tables.lists
        self.known = bool(tables.written.lines)
        """The manifest could be read; else its notation is not known, and no cell is blamed for it."""
        self.comma_is_all = tables.written.manifest.notation.comma_is_all or not self.known
        self.short = {layer for layer, step in tables.layers.items() if step.operation_match == "prefix"}
        self.report = report
        self.parsed: dict[tuple[str, bool], Expression] = {}

    def read(
        self, raw: RawRow, columns: Container[str]
    ) -> tuple[GroupRow | None, Placed[Row] | Placed[IncompleteRow] | None]:
        """Return a row's group, and the row itself (its number is given later)."""
        cells = Cells(raw, columns, self.report)
        status = cells.choice("status", ("active", "incomplete"), "active")
        group = read_group(cells, cells.choice("class", CLASSES, "core"))
        row = self.row(cells, group.code)
        if status == "incomplete":
            note = cells.text("note")
            if not note:
                message = f"`{group.code}` is incomplete and does not say why"
                cells.fault("note", message, "say in one sentence what is missing", "MISSING_NOTE")
            waiting = IncompleteRow(group=group.code, name=group.name, layer=row.layer, note=note)
            return None, None if cells.broken else Placed(raw.place, waiting)
        if cells.broken:
            return None, None
        return GroupRow(raw.place, group, raw.cells), Placed(raw.place, row)

    def row(self, cells: Cells, group: str) -> Row:
        """Return who belongs to the group, by one row."""
        layer = cells.text("layer") or "core"
        star = cells.text("main_op") == ANYTHING
        ages = cells.age("min_age"), cells.age("max_age", last=True)
        weights = cells.whole("min_weight_g"), cells.whole("max_weight_g")
        days = cells.whole("min_days"), cells.whole("max_days")
        cells.bounds("min_age", "max_age", *ages)
        cells.bounds("min_weight_g", "max_weight_g", *weights)
        cells.bounds("min_days", "max_days", *days)
        if star and cells.text("related_op"):
            message = "related operations beside `*`"
            cells.fault("related_op", message, "`*` says that operations do not matter", "INVALID_EXPRESSION")
        return Row(
            group=group,
            layer=layer,
            diagnoses=cells.diagnoses("dx", self.lists),
            any_diagnosis=cells.diagnoses("any_dx", self.lists),
            other_diagnoses=cells.diagnoses("other_dx", self.lists),
            without_diagnoses=cells.diagnoses("without_dx", self.lists),
            condition=cells.text("condition"),
            main=() if star else self.expression(cells, "main_op", layer),
            related=() if star else self.expression(cells, "related_op", layer),
            anywhere=cells.flag("anywhere"),
            any_operations=star,
            attribute=cells.choice("attribute", ATTRIBUTES),
            sex=cells.choice("sex", ("male", "female")),
            min_age_days=ages[0],
            max_age_days=ages[1],
            min_weight_g=weights[0],
            max_weight_g=weights[1],
            min_days=days[0],
            max_days=days[1],
        )

    def expression(self, cells: Cells, column: str, layer: str) -> Expression:
        """Return the operations of one cell."""
        text = cells.text(column)
        if not text:
            return ()
        short = layer in self.short or not self.known
        known = self.parsed.get((text, short))
        if known is not None:
            return known
        try:
            found = parse_expression(text, short=short, comma_is_all=self.comma_is_all)
        except NestedConjunction as fault:
            cells.fault(
                column, str(fault), "write one row for each alternative, with the same group", "NESTED_CONJUNCTION"
            )
            return ()
        except ExpressionError as fault:
            cells.fault(column, str(fault), _expression_help(fault), "INVALID_EXPRESSION")
            return ()
        self.parsed[text, short] = found
        return found


def _expression_help(fault: ExpressionError) -> str:
    if isinstance(fault, ShortCode):
        return "steps with `operation_match: prefix` take short codes; a spreadsheet may have eaten its zeros"
    if "`,`" in str(fault):
        return "`notation: {comma_is_all: true}` in scheme.yaml makes it `+`"
    return "such as (51.2300|51.2400)+51.8803"


def read_group(cells: Cells, kind: Any) -> Group:
    """Return what one row says of its group."""
    means = (cells.money("mean_cost_1"), cells.money("mean_cost_2"), cells.money("mean_cost_3"))
    factors = (cells.number("coefficient_1"), cells.number("coefficient_2"), cells.number("coefficient_3"))
    return Group(
        code=cells.needed("group"),
        name=cells.text("name"),
        kind=kind,
        family=cells.choice("family", get_args(Family)),
        score=cells.number("score"),
        mean_cost=cells.money("mean_cost"),
        level_mean_costs=means,
        coefficients=factors,
        basic_factor=cells.number("basic_factor"),
        mean_days=cells.number("mean_days"),
        mortality=cells.number("mortality", high=1),
        cases=cells.whole("cases"),
        variation=cells.number("variation"),
    )


def read_comprehensive(
    raw: RawRow, columns: Container[str], lengths: tuple[int, ...], report: Report
) -> tuple[GroupRow | None, Placed[ComprehensiveRow] | None]:
    """Return one row of the comprehensive directory, and what it says of its group."""
    cells = Cells(raw, columns, report)
    group = read_group(cells, "comprehensive")
    key = cells.needed("key").upper()
    if key and not (_KEY.fullmatch(key) and len(key) in lengths) and not _is_range(key):
        known = ", ".join(str(length) for length in lengths)
        help = f"{known} first characters of a code, or a range of categories such as A00-A99"
        cells.fault("key", f"`{cells.text('key')}` is no key of this directory", help, "UNKNOWN_KEY")
    attribute = cells.needed("attribute")
    if attribute and attribute not in ATTRIBUTES and not _LEVELS.fullmatch(attribute):
        help = f"{', '.join(ATTRIBUTES)}, or surgery:3|4 for levels of surgery"
        cells.fault("attribute", f"`{attribute}` is no attribute", help, "UNKNOWN_KEY")
    if cells.broken:
        return None, None
    row = ComprehensiveRow(group=group.code, key=key, attribute=attribute)
    return GroupRow(raw.place, group, raw.cells), Placed(raw.place, row)


def _is_range(key: str) -> bool:
    found = categories(key)
    return found is not None and found[0] <= found[1]


def read_last_resort(
    raw: RawRow, columns: Container[str], report: Report
) -> tuple[GroupRow | None, Placed[LastResort] | None]:
    """Return one group of last resort."""
    cells = Cells(raw, columns, report)
    group = read_group(cells, "last_resort")
    key = cells.needed("key").upper()
    if key and key != ANYTHING and not re.fullmatch("[A-Z]", key):
        help = "the first letter of a diagnosis, or `*` for any"
        cells.fault("key", f"`{cells.text('key')}` is no key of last resort", help, "UNKNOWN_KEY")
    if cells.broken:
        return None, None
    return GroupRow(raw.place, group, raw.cells), Placed(raw.place, LastResort(group=group.code, key=key))


def merged_groups(found: tuple[GroupRow, ...], report: Report) -> tuple[Group, ...]:
    """Return each group once. Faults: rows of one group that contradict each other.

    A row that leaves a column of its group empty says nothing about it.
    """
    groups: dict[str, Group] = {}
    said: dict[tuple[str, str], GroupRow] = {}
    for row in found:
        code, known = row.group.code, groups.get(row.group.code)
        _compare(code, row, said, report)
        groups[code] = row.group if known is None else _united(known, row.group)
    return tuple(groups[code] for code in sorted(groups))


def _compare(code: str, row: GroupRow, said: dict[tuple[str, str], GroupRow], report: Report) -> None:
    for column in GROUP_COLUMNS:
        if column not in row.cells:
            continue
        first = said.setdefault((code, column), row)
        if first is not row and first.cells[column] != row.cells[column]:
            message = f"`{code}` has {column} `{row.cells[column]}` here and `{first.cells[column]}` elsewhere"
            help = f"see {first.place.file}, row {first.place.row}; what a group is worth is the same in all its rows"
            report.at(row.place, "GROUP_CONTRADICTED", message, column=column, help=help)
    first = said.setdefault((code, "file"), row)
    if first.place.file != row.place.file:
        help = f"see {first.place.file}, row {first.place.row}"
        report.at(row.place, "GROUP_CONTRADICTED", f"`{code}` is a group of another table", column="group", help=help)


def _united(one: Group, other: Group) -> Group:
    """Return a group with what either of two rows says of it."""
    filled: dict[str, Any] = {}
    for name in one.__struct_fields__:
        first, second = getattr(one, name), getattr(other, name)
        if name in {"level_mean_costs", "coefficients"}:
            filled[name] = tuple(a if a is not None else b for a, b in zip(first, second, strict=True))
        elif name == "kind":
            filled[name] = second if first == "core" else first
        else:
            filled[name] = second if first is None or first == "" else first
    return Group(**filled)
