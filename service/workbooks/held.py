"""What a pack holds, row by row, so that an edit leaves every byte of the other rows alone.

In: a pack's files. Out: tables that can end rows and take new ones, and give back their text.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from rules.compiler.tables import columns_of
from rules.kinds import KINDS
from service.workbooks.classes import BY_TITLE
from service.workbooks.rows import key_of

MARK: Final = "\ufeff"
USUAL: Final = (
    "rule_id", "items", "name", "title", "certainty", "level", "reason", "scope", "citation", "basis",
    "valid_from", "valid_to", "status", "note",
)  # fmt: skip
"""Shared columns that a new table has in any case."""

DECORATION: Final = frozenset({"remark"})
"""Columns that a table of the pack need not be given for the importer's sake."""


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One rule of the pack: its cells that are not empty."""

    kind: str
    place: int
    cells: Mapping[str, str]

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.cells["rule_id"]

    @property
    def title(self) -> str:
        """Its national class."""
        return self.cells["title"]

    @property
    def name(self) -> str:
        """Its item."""
        return self.cells["name"]

    @property
    def live(self) -> bool:
        """It has no last day."""
        return "valid_to" not in self.cells

    @property
    def items(self) -> tuple[str, ...]:
        """Its code patterns."""
        return patterns(self.cells.get("items", ""))

    @property
    def key(self) -> str | None:
        """What it is about, in the words of its class; ``None`` if that is no class of the authority's workbooks."""
        one = BY_TITLE.get(self.title)
        if one is None or one.kind != self.kind:
            return None
        return key_of(one, self.name, self.items, patterns(self.cells.get("sub", "")), self.cells.get("group", ""))


def patterns(cell: str) -> tuple[str, ...]:
    """Return the parts of a cell with several values."""
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def names(items: Iterable[str], code: str) -> bool:
    """Say whether code patterns name a code for certain."""
    return any(code.startswith(item[:-1]) if item.endswith("*") else item == code for item in items)


class HeldIndex:
    """From a class and a code to the rows that name it, without going through all of them."""

    def __init__(self, rows: Iterable[HeldRow]) -> None:
        self._rows: dict[tuple[str, str, str], list[HeldRow]] = {}
        self._lengths: set[int] = set()
        for row in rows:
            for item in row.items:
                self._rows.setdefault((row.kind, row.title, item), []).append(row)
                if item.endswith("*"):
                    self._lengths.add(len(item) - 1)

    def naming(self, kind: str, title: str, code: str) -> list[HeldRow]:
        """Return the rows of a class that name a code for certain."""
        items = (code, *(f"{code[:length]}*" for length in self._lengths))
        return [row for item in items for row in self._rows.get((kind, title, item), ())]


@dataclass(frozen=True, slots=True)
class HeldTable:
    """One CSV file of a pack: its header, the text of each record, and its rows."""

    file: str
    mark: str
    header: tuple[str, ...]
    records: tuple[str, ...]
    rows: tuple[HeldRow, ...]
    """Row ``place`` is the index in ``records``; record 0 is the header."""

    @property
    def _end(self) -> str:
        return "\r\n" if any(record.endswith("\r\n") for record in self.records) else "\n"

    def edited(self, ended: Mapping[int, date], added: Sequence[Mapping[str, str]]) -> str:
        """Return the table's text with last days set and rows added; all else stays as it stands, byte for byte."""
        wanted = {"valid_to"} if ended else set()
        wanted.update(column for cells in added for column in cells if column not in DECORATION)
        header = (*self.header, *(column for column in self._order() if column in wanted - set(self.header)))
        records = list(self.records)
        if header != self.header:
            records = [self._widened(record, header, first=at == 0) for at, record in enumerate(records)]
        rows = {row.place: row for row in self.rows}
        for place, last in ended.items():
            cells = _cells(records[place], header)
            records[place] = _written([cells | {"valid_to": last.isoformat()}], header, self._end)
            if rows[place].cells.get("valid_to"):
                raise ValueError(f"{rows[place].id} has ended already")
        if records and not records[-1].endswith(("\n", "\r")):
            records[-1] += self._end
        return self.mark + "".join(records) + _written(added, header, self._end)

    def _order(self) -> tuple[str, ...]:
        return columns_of(self.file.removesuffix(".csv")).known

    def _widened(self, record: str, header: Sequence[str], *, first: bool) -> str:
        cells = dict(zip(header, header, strict=True)) if first else _cells(record, self.header)
        return _written([cells], header, self._end) if record.strip() else record


def read_held(files: Mapping[str, bytes]) -> dict[str, HeldTable]:
    """Return the rule tables of a pack that has no faults, by kind."""
    return {kind: held_table(f"{kind}.csv", files[f"{kind}.csv"]) for kind in KINDS if f"{kind}.csv" in files}


def held_table(file: str, content: bytes) -> HeldTable:
    """Return one table; a kind's rows, or those of ``citations.csv``."""
    text = content.decode("utf-8")
    mark = MARK if text.startswith(MARK) else ""
    lines = list(io.StringIO(text.removeprefix(MARK), newline=""))
    reader = csv.reader(lines)
    records: list[str] = []
    rows: list[HeldRow] = []
    header: tuple[str, ...] = ()
    start = 0
    for place, record in enumerate(reader):
        records.append("".join(lines[start : reader.line_num]))
        start = reader.line_num
        cells = tuple(cell.strip() for cell in record)
        if place == 0:
            header = cells
        elif any(cells):
            found = {column: cell for column, cell in zip(header, cells, strict=False) if cell}
            rows.append(HeldRow(file.removesuffix(".csv"), place, found))
    return HeldTable(file, mark, header, tuple(records), tuple(rows))


def new_table(file: str, added: Sequence[Mapping[str, str]]) -> str:
    """Return the text of a table that the pack does not have yet."""
    columns = columns_of(file.removesuffix(".csv"))
    wanted = {*columns.required, *(column for cells in added for column in cells)}
    if "rule_id" in columns.known:
        wanted.update(USUAL)
    header = tuple(column for column in columns.known if column in wanted)
    return _written([dict(zip(header, header, strict=True)), *added], header, "\n")


def eve(day: date) -> date:
    """Return the day before."""
    return day - timedelta(days=1)


def _cells(record: str, header: Sequence[str]) -> dict[str, str]:
    return dict(zip(header, next(csv.reader([record])), strict=False))


def _written(rows: Iterable[Mapping[str, str]], header: Sequence[str], end: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows([cells.get(column, "") for column in header] for cells in rows)
    return out.getvalue()
