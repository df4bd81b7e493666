"""Stage *tables*: CSV text to rows of cells with the row numbers a spreadsheet shows.

In: files. Out: one table per known kind, and the citations; unknown columns and ragged rows are reported and left out.
"""

import csv
import io
from dataclasses import dataclass

from rules.compiler.diagnostics import Place, Report, did_you_mean
from rules.compiler.drafts import Described, Names, RawRow, Table, Tabulated
from rules.compiler.loading import decode
from rules.kinds import KINDS
from rules.model import Citation
from rules.words import Word

CITATIONS = "citations"
WORDS = "words"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a table may have, and those it must have."""

    known: tuple[str, ...]
    required: tuple[str, ...]


def columns_of(table: str) -> Columns:
    """Return the columns of a kind's table, of ``citations`` or of ``words``."""
    if table == CITATIONS:
        return Columns(Citation.__struct_fields__, ("id", "instrument"))
    if table == WORDS:
        return Columns((*Word.__struct_fields__, "note"), ("dictionary", "code", "meaning"))
    fields = KINDS[table].row.model_fields
    return Columns(tuple(fields), tuple(name for name, field in fields.items() if field.is_required()))


def tabulate(described: Described, report: Report) -> Tabulated:
    """Read every table. Faults: unknown table, no header, not CSV, and those of columns and row lengths."""
    tables: list[Table] = []
    declared: Names = frozenset()
    for file, content in described.files.items():
        if not file.endswith(".csv"):
            continue
        name = file.removesuffix(".csv")
        records = read_records(file, content, report)
        declared = None if declared is None or records is None else declared | _declared(records)
        if name not in KINDS and name not in {CITATIONS, WORDS}:
            help = did_you_mean(name, [*KINDS, CITATIONS, WORDS])
            report.add("UNKNOWN_TABLE", file, f"there is no kind of rule called `{name}`", help=help)
        elif records:
            tables.append(read_table(file, name, columns_of(name), records, report))
    return Tabulated(
        manifest=described.manifest,
        rules=tuple(table for table in tables if table.kind in KINDS),
        citations=tuple(table for table in tables if table.kind == CITATIONS),
        words=tuple(table for table in tables if table.kind == WORDS),
        cases={name: content for name, content in described.files.items() if _is_case_file(name)},
        declared=declared,
    )


def _is_case_file(name: str) -> bool:
    return name.startswith("cases/") and name.endswith(".yaml")


def read_records(file: str, content: bytes, report: Report) -> list[list[str]] | None:
    """Return header and rows; ``None`` when the file cannot be read, nothing when it is empty."""
    text = decode(file, content, report)
    if text is None:
        return None
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        records.extend([cell.strip() for cell in record] for record in reader)
    except csv.Error as fault:
        row = len(records) + 1
        report.add("INVALID_CSV", file, f"not CSV: {fault}", row=row, help="check the quotes of this row")
        return None
    if not records or not any(records[0]):
        report.add("EMPTY_TABLE", file, "the table has no header", row=1, help="the first row names the columns")
        return []
    if len(records[0]) == 1 and any(mark in records[0][0] for mark in ";\t"):
        mark = ";" if ";" in records[0][0] else "tab"
        report.add("INVALID_CSV", file, f"columns are separated by `{mark}`", row=1, help="use commas")
        return None
    return records


def _declared(records: list[list[str]]) -> frozenset[str]:
    """Return every rule id some row claims, so that mentions of a broken row are no further fault."""
    if not records or "rule_id" not in records[0]:
        return frozenset()
    at = records[0].index("rule_id")
    return frozenset(record[at] for record in records[1:] if len(record) > at and record[at])


def read_table(file: str, name: str, allowed: Columns, records: list[list[str]], report: Report) -> Table:
    """Return one table's rows. Faults: unknown, missing or repeated columns; rows longer or shorter than the header."""
    header = records[0]
    columns = _columns(file, header, allowed, report)
    known = frozenset(columns)
    rows = []
    for number, record in enumerate(records[1:], start=2):
        if not any(record):
            continue
        if len(record) != len(header):
            message = f"the row has {len(record)} cells and the header {len(header)}"
            help = 'a cell with a comma needs double quotes: "a, b"'
            report.add("RAGGED_ROW", file, message, row=number, help=help)
            continue
        cells = {column: cell for column, cell in zip(header, record, strict=True) if cell and column in known}
        rows.append(RawRow(Place(file, number), cells))
    return Table(file, name, columns, tuple(rows))


def _columns(file: str, header: list[str], allowed: Columns, report: Report) -> tuple[str, ...]:
    """Return the usable columns; report those that are unknown, missing or there twice."""
    for column in sorted(set(header)):
        if column not in allowed.known:
            help = did_you_mean(column, [name for name in allowed.known if name not in header])
            report.add("UNKNOWN_COLUMN", file, f"unknown column `{column}`", row=1, column=column, help=help)
        elif header.count(column) > 1:
            report.add("DUPLICATE_COLUMN", file, f"column `{column}` is there twice", row=1, column=column)
    for column in allowed.required:
        if column not in header:
            report.add("MISSING_COLUMN", file, f"column `{column}` is missing", row=1, column=column)
    return tuple(column for column in header if column in allowed.known)
