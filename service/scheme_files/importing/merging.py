"""A table of a scheme with the rows of a file in place of its own: what is added, changed, removed and kept."""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from rules.compiler.diagnostics import Report
from rules.compiler.tables import read_records, read_table
from rules.dip.compiler import CODES, LAYOUTS
from service.scheme_files.importing.foreign import Row
from service.workbooks.faults import Spot

WHO: Final = ("group", "layer", "dx", "any_dx", "other_dx", "without_dx", "condition", "main_op", "related_op")
IDENTITY: Final[dict[str, tuple[str, ...]]] = {
    "catalogue": WHO,
    "coefficients": ("hospital", "level", "insurance", "group", "dx", "class", "valid_from", "valid_to"),
    "point_values": ("use", "insurance", "place", "valid_from", "valid_to"),
}
"""Columns that make two rows the same where the layout names none."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row that says something else than before."""

    row: Row
    before: Mapping[str, str]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """What an import would do to one table."""

    table: str
    added: tuple[Row, ...]
    changed: tuple[Change, ...]
    removed: tuple[Mapping[str, str], ...]
    kept: tuple[Mapping[str, str], ...]
    """Rows of the table that the file does not have and that stay."""
    unchanged: int
    text: str
    """The new table."""
    spots: Mapping[int, Spot]
    """Row of the new table, as a spreadsheet shows it, to where it came from."""


def held_rows(table: str, content: bytes | None) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Return header and rows of a table that a scheme has; nothing if it cannot be read or is not there."""
    if content is None:
        return (), []
    report = Report(CODES)
    records = read_records(f"{table}.csv", content, report)
    if not records:
        return (), []
    known = LAYOUTS[table].known
    found = read_table(f"{table}.csv", table, known, records, report)
    return tuple(column for column in records[0] if column in known.known), [dict(raw.cells) for raw in found.rows]


def merge(table: str, content: bytes | None, rows: Sequence[Row], *, keep: bool) -> Merge:
    """Put the rows of a file in place of a table's; with ``keep`` its other rows stay, before the new ones."""
    header, held = held_rows(table, content)
    given = tuple(dict.fromkeys(column for row in rows for column in row.cells))
    identity = [column for column in LAYOUTS[table].key or IDENTITY[table] if column in given]
    waiting: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for cells in held:
        waiting.setdefault(_key(cells, identity), []).append(cells)
    added: list[Row] = []
    changed: list[Change] = []
    written: list[tuple[Mapping[str, str], Spot | None]] = []
    taken: dict[int, Row] = {}
    for row in rows:
        same = waiting.get(_key(row.cells, identity))
        before = same.pop(0) if same else None
        if before is None:
            added.append(row)
            written.append((row.cells, row.spot))
            continue
        taken[id(before)] = row
        columns = tuple(column for column in given if not _same(before.get(column, ""), row.cells.get(column, "")))
        if columns:
            changed.append(Change(row, before, columns))
        written.append(({**before, **{column: row.cells.get(column, "") for column in columns}}, row.spot))
    left = [cells for cells in held if id(cells) not in taken]
    if keep:
        written = _in_place(held, taken, written, added)
    columns_after = _header(table, header, given)
    return Merge(
        table=table,
        added=tuple(added),
        changed=tuple(changed),
        removed=() if keep else tuple(left),
        kept=tuple(left) if keep else (),
        unchanged=len(rows) - len(added) - len(changed),
        text=_text(columns_after, [cells for cells, _ in written]),
        spots={number: spot for number, (_, spot) in enumerate(written, start=2) if spot is not None},
    )


Written = list[tuple[Mapping[str, str], Spot | None]]


def _in_place(
    held: Sequence[dict[str, str]], taken: Mapping[int, Row], written: Written, added: Sequence[Row]
) -> Written:
    """Return the rows of a table where they stand, and the new ones after them."""
    by_spot = {spot: cells for cells, spot in written}
    rows: Written = []
    for cells in held:
        row = taken.get(id(cells))
        rows.append((cells, None) if row is None else (by_spot[row.spot], row.spot))
    return rows + [(row.cells, row.spot) for row in added]


def _key(cells: Mapping[str, str], identity: Sequence[str]) -> tuple[str, ...]:
    return tuple("".join(unicodedata.normalize("NFKC", cells.get(column, "")).upper().split()) for column in identity)


def _same(one: str, other: str) -> bool:
    """Say whether two cells say the same: 1000 is 1000.0."""
    if one == other:
        return True
    try:
        return bool(one and other and Decimal(one) == Decimal(other))
    except InvalidOperation:
        return False


def _header(table: str, header: Sequence[str], given: Sequence[str]) -> list[str]:
    layout = LAYOUTS[table].known
    wanted = {*given, *layout.required}
    return [*header, *(column for column in layout.known if column in wanted and column not in header)]


def _text(header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cells.get(column, "") for column in header] for cells in rows)
    return out.getvalue()
