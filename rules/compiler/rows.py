"""Stage *rows*: cells to written forms, one pydantic model per kind; every fault of every row, with its column.

An active row must satisfy its kind. An incomplete one (ruling 15) lacks something by definition: its empty cells are
no fault, what it does say must still be well formed, and it keeps only the columns that all kinds share.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.documents import day
from rules.compiler.drafts import RawRow, Table, Tabulated, Typed, TypedCitation, TypedRow
from rules.compiler.words import read_words
from rules.kinds import KINDS
from rules.kinds._contract import Codes, Row
from rules.model import Citation

EARLIEST, LATEST = date(1949, 10, 1), date(2099, 12, 31)
"""A date outside is a slip of the pen; ``no end`` is an empty cell."""

SCENES = frozenset(str(number) for number in range(1, 11))
_ABSENT = frozenset({"missing", "too_short", "string_too_short"})
_QUOTED = re.compile(r"'([^']*)'")


class IncompleteRow(Row):
    """The shared columns of a row that cannot run yet; not even its items need be known."""

    items: Codes = ()


def validate(tabulated: Tabulated, report: Report) -> Typed:
    """Read every row of every table. Faults: cells of the wrong form, empty ones that are needed."""
    rows = (_rule_row(raw, table, tabulated, report) for table in tabulated.rules for raw in table.rows)
    citations = (_citation(raw, table, report) for table in tabulated.citations for raw in table.rows)
    ids = frozenset(raw.cells.get("id", "") for table in tabulated.citations for raw in table.rows)
    return Typed(
        manifest=tabulated.manifest,
        rows=tuple(row for row in rows if row is not None),
        citations=tuple(citation for citation in citations if citation is not None),
        words=read_words(tabulated.words, report),
        cases=tabulated.cases,
        declared=tabulated.declared,
        declared_citations=ids if tabulated.citations else None,
    )


def _rule_row(raw: RawRow, table: Table, tabulated: Tabulated, report: Report) -> TypedRow | None:
    model: type[Row] = KINDS[table.kind].row
    incomplete = raw.cells.get("status") == "incomplete"
    clean = _check_dates(raw, _date_columns(model), report) & _check_scenes(raw, report)
    row, faults = _validated(model, raw.cells)
    if incomplete:
        faults = [fault for fault in faults if not _may_lack(fault)]
    # A date is read by its one form above; what pydantic thinks of it would be a second fault.
    dates = _date_columns(model)
    faults = [fault for fault in faults if _column(fault) not in dates]
    for fault in faults:
        if not _said_before(fault, raw, table, tabulated):
            _report_cell(fault, raw, table, report)
    if faults or not clean:
        return None
    if incomplete:
        shared = {name: cell for name, cell in raw.cells.items() if name in Row.model_fields}
        row, _ = _validated(IncompleteRow, shared)
    return TypedRow(raw.place, table.kind, row, raw.unset) if row is not None else None


def _validated(model: type[Row], cells: Mapping[str, str]) -> tuple[Row | None, list[ErrorDetails]]:
    try:
        return model.model_validate(dict(cells)), []
    except ValidationError as error:
        return None, error.errors()


def _column(fault: ErrorDetails) -> str:
    return str(fault["loc"][0]) if fault["loc"] else ""


def _may_lack(fault: ErrorDetails) -> bool:
    """An incomplete row may lack its items, its kind's own columns, and hence any agreement between columns."""
    column = _column(fault)
    own = column == "items" or column not in Row.model_fields
    return own and (fault["type"] in _ABSENT or not column)


def _said_before(fault: ErrorDetails, raw: RawRow, table: Table, tabulated: Tabulated) -> bool:
    """The column is missing from the header, or its parameter is unknown: one fault, not one per row."""
    column = _column(fault)
    if column not in KINDS[table.kind].row.model_fields and column:
        return True
    if fault["type"] != "missing":
        return False
    manifest = tabulated.manifest
    unknown = column in raw.parameters and (manifest is None or raw.parameters[column] not in manifest.parameters)
    return column not in table.columns or unknown


def _report_cell(fault: ErrorDetails, raw: RawRow, table: Table, report: Report) -> None:
    column = _column(fault)
    message, help = _in_words(fault, column)
    parameter = raw.parameters.get(column)
    if parameter in raw.unset and fault["type"] == "missing":
        help = f"parameter `${parameter}` has no value; give it an `example` in pack.yaml to shape the rule"
    elif parameter:
        message += f" (from `${parameter}`)"
    report.at(raw.place, "INVALID_CELL" if column else "INVALID_ROW", message, column=column, help=help)


def _in_words(fault: ErrorDetails, column: str) -> tuple[str, str]:
    """Return a message and a help line for what pydantic found."""
    given, context, kind = fault["input"], fault.get("ctx", {}), fault["type"]
    text = given if isinstance(given, str) else "|".join(given) if isinstance(given, tuple) else ""
    if kind in _ABSENT:
        return f"`{column}` is empty", "every active row needs it; mark the row incomplete otherwise"
    if kind == "literal_error":
        known = _QUOTED.findall(str(context.get("expected", "")))
        return f"`{text}` is not one of {', '.join(known)}", did_you_mean(text, known)
    if kind == "string_too_long":
        return f"`{column}` has {len(text)} characters, at most {context.get('max_length')} are allowed", ""
    if kind == "string_pattern_mismatch":
        return f"`{text}` is not of the form {context.get('pattern')}", ""
    if kind == "value_error":
        reason = str(context.get("error", ""))
        return (f"`{text}`: {reason}" if text and column else reason), ""
    message = str(fault["msg"])
    return f"`{text}`: {message[:1].lower()}{message[1:]}", ""


def _date_columns(model: type[Row]) -> frozenset[str]:
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if field.annotation is date or date in get_args(field.annotation)
    )


def _check_dates(raw: RawRow, columns: frozenset[str], report: Report) -> bool:
    # pydantic would take 20260131 for a count of seconds; a date here has one form.
    clean = True
    for column in sorted(columns & raw.cells.keys()):
        try:
            found = day(raw.cells[column])
            message = "" if EARLIEST <= found <= LATEST else f"`{found}` is not between {EARLIEST} and {LATEST}"
            help = "leave it empty for an open end"
        except ValueError as fault:
            message, help = str(fault), "spreadsheets change dates; format the column as text"
        if message:
            report.at(raw.place, "INVALID_CELL", message, column=column, help=help)
            clean = False
    return clean


def _check_scenes(raw: RawRow, report: Report) -> bool:
    strange = [part.strip() for part in raw.cells.get("scenes", "").split("|") if part.strip()]
    strange = [scene for scene in strange if scene not in SCENES]
    for scene in strange:
        help = "trig_scen values are 1 to 10, joined by |"
        report.at(raw.place, "INVALID_CELL", f"`{scene}` is no scene", column="scenes", help=help)
    return not strange


def _citation(raw: RawRow, table: Table, report: Report) -> TypedCitation | None:
    dates = frozenset({"published", "valid_from", "valid_to"})
    clean = _check_dates(raw, dates, report)
    for column in ("id", "instrument"):
        if column not in raw.cells and column in table.columns:
            report.at(raw.place, "INVALID_CELL", f"`{column}` is empty", column=column)
        clean = clean and column in raw.cells
    if not clean:
        return None
    values: dict[str, Any] = dict(raw.cells)
    values |= {column: day(raw.cells[column]) for column in dates & raw.cells.keys()}
    return TypedCitation(raw.place, msgspec.convert(values, Citation))
