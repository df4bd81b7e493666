"""Cells of a row, read by the form their column needs; every fault is reported, and the row then counts as broken."""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from rules.compiler.diagnostics import Place, Report, did_you_mean
from rules.compiler.documents import day, exact, fixed
from rules.compiler.drafts import RawRow
from rules.dip.compiler.codes import UnknownList, beginning, diagnoses, parts, whole
from rules.dip.compiler.expressions import is_operation, is_whole_operation, short_operation
from rules.dip.normalise import operation

_AGE: Final = re.compile(r"(\d{1,5})([dmy])")
DAYS: Final = {"d": 1, "m": 30, "y": 365}
"""Days that a unit of age counts."""
_COMMAS: Final = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
EARLIEST, LATEST = date(1949, 10, 1), date(2099, 12, 31)
"""A date outside is a slip of the pen; an open end is an empty cell."""


class Cells:
    """The cells of one row. A reader returns ``None`` (or what is empty) for an empty cell and for a faulty one."""

    __slots__ = ("broken", "cells", "columns", "place", "report")

    def __init__(self, raw: RawRow, columns: Container[str], report: Report) -> None:
        self.columns = columns
        self.cells: Mapping[str, str] = raw.cells
        self.place: Place = raw.place
        self.report = report
        self.broken = False

    def fault(self, column: str, message: str, help: str = "", code: str = "INVALID_CELL") -> None:
        """Note that a cell cannot be read."""
        self.broken = True
        self.report.at(self.place, code, message, column=column, help=help)

    def text(self, column: str) -> str:
        """Return a text; ``""`` if it is empty."""
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        """Return a text that must be there."""
        if column not in self.columns:  # said once, of the header
            self.broken = True
        elif column not in self.cells:
            self.fault(column, f"`{column}` is empty", "every row needs it")
        return self.cells.get(column, "")

    def choice(self, column: str, known: Iterable[str], default: str | None = None) -> Any:
        """Return one of several words."""
        cell = self.cells.get(column)
        if cell is None:
            return default
        words = tuple(known)
        if cell not in words:
            self.fault(column, f"`{cell}` is not one of {', '.join(words)}", did_you_mean(cell, words))
            return default
        return cell

    def number(self, column: str, *, low: int | None = 0, high: int | None = None) -> Decimal | None:
        """Return a number as it stands."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            value = exact(cell)
        except ValueError as fault:
            self.fault(column, str(fault), _number_help(cell))
            return None
        return value if self._within(column, value, low, high) else None

    def needed_number(self, column: str) -> Decimal:
        """Return a number that must be there."""
        self.needed(column)
        return self.number(column) or Decimal(0)

    def needed_choice(self, column: str, known: Iterable[str]) -> Any:
        """Return one of several words, one of which must be there."""
        self.needed(column)
        return self.choice(column, known, "")

    def _within(self, column: str, value: Decimal | int, low: int | None, high: int | None) -> bool:
        if (low is None or value >= low) and (high is None or value <= high):
            return True
        if column == "score":
            self.fault(
                column,
                f"score `{value}` is negative",
                "a score is zero (actual cost is paid) or more",
                "NEGATIVE_SCORE",
            )
        else:
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            self.fault(column, f"`{self.cells[column]}` is out of range", f"{bounds} is expected", "OUT_OF_RANGE")
        return False

    def whole(self, column: str, *, low: int = 0, high: int | None = None) -> int | None:
        """Return a whole number."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}", cell):
            self.fault(column, f"`{cell}` is not a whole number", _number_help(cell, whole=True))
            return None
        return int(cell) if self._within(column, int(cell), low, high) else None

    def money(self, column: str) -> int | None:
        """Return yuan in 1/10,000."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            exact(cell)
            value = fixed(cell)
        except ValueError as fault:
            self.fault(column, str(fault), _number_help(cell))
            return None
        return value if self._within(column, value, 0, None) else None

    def age(self, column: str, *, last: bool = False) -> int | None:
        """Return an age in days; a last age is whole (``17y`` ends on the day before the 18th birthday)."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        found = _AGE.fullmatch(cell)
        if found is None:
            self.fault(column, f"`{cell}` is no age", "an age is a number with d, m or y: 28d, 6m, 18y")
            return None
        unit = DAYS[found[2]]
        return int(found[1]) * unit + (unit - 1 if last else 0)

    def day(self, column: str) -> date | None:
        """Return a date."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            value = day(cell)
        except ValueError as fault:
            self.fault(column, str(fault), "spreadsheets change dates; format the column as text")
            return None
        if not EARLIEST <= value <= LATEST:
            self.fault(column, f"`{cell}` is not between {EARLIEST} and {LATEST}", "leave it empty for an open end")
            return None
        return value

    def flag(self, column: str) -> bool:
        """Return true or false; empty means false."""
        return bool(self.choice(column, ("true", "false"), "false") == "true")

    def diagnoses(self, column: str, lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Return prefixes of diagnoses, ranges and lists spread out."""
        cell = self.cells.get(column)
        if cell is None:
            return ()
        try:
            return diagnoses(cell, lists)
        except UnknownList as fault:
            self.fault(column, f"unknown list `{fault}`", did_you_mean(str(fault), lists), "UNKNOWN_LIST")
        except ValueError as fault:
            self.fault(
                column, str(fault), "codes, prefixes, ranges such as C00-C75, or `@list`, joined by |", "INVALID_CODE"
            )
        return ()

    def diagnosis(self, column: str, *, prefix: bool = False) -> str:
        """Return one whole diagnosis code, or the beginning of one."""
        cell = self.needed(column)
        if not cell:
            return ""
        try:
            return beginning(cell) if prefix else whole(cell)
        except ValueError as fault:
            self.fault(column, str(fault), "such as A00.000, N40.x00 or A01.002+G01*", "INVALID_CODE")
        return ""

    def sent(self, column: str, normal: Callable[[str], str], shape: re.Pattern[str]) -> str:
        """Return a code as senders write it, which need not be whole: a map is there to mend it."""
        code = normal(self.needed(column))
        if code and not shape.fullmatch(code):
            self.fault(column, f"`{self.text(column)}` is no code", "a code of another version", "INVALID_CODE")
        return code

    def operation(self, column: str, *, family: bool = False) -> str:
        """Return one whole operation code; a family ends in ``*``."""
        cell = self.needed(column)
        if not cell:
            return ""
        tail = "*" if family and cell.endswith("*") else ""
        code = short_operation(cell.removesuffix("*")) if tail else operation(cell)
        if not (is_operation(code) if tail else is_whole_operation(code)):
            self.fault(column, f"`{cell}` is no operation code", "such as 51.2300 or 33.6x00", "INVALID_CODE")
            return ""
        return code + tail

    def bounds(self, low: str, high: str, least: int | None, most: int | None) -> None:
        """Note two bounds that leave nothing between them."""
        if least is not None and most is not None and least > most:
            message = f"{low} `{self.text(low)}` is above {high} `{self.text(high)}`"
            self.fault(high, message, code="REVERSED_BOUNDS")

    def period(self) -> tuple[date | None, date | None]:
        """Return the first and the last day a row holds."""
        first, last = self.day("valid_from"), self.day("valid_to")
        if first and last and last < first:
            message = f"valid_to `{last}` is before valid_from `{first}`"
            self.fault("valid_to", message, "both days are included", "REVERSED_DATES")
        return first, last


def words(cell: str) -> tuple[str, ...]:
    """Return the values of a cell that joins several by ``|``."""
    return tuple(parts(cell))


def _number_help(cell: str, *, whole: bool = False) -> str:
    if _COMMAS.fullmatch(cell):
        return f"write `{cell.replace(',', '')}`, without thousands separators"
    return "digits, and a point before decimals" if cell[:1].isdigit() and not whole else ""
