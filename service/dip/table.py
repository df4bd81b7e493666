"""Cases as coders keep them in a CSV file: one row, one case.

In: a row's cells by column. Out: a ``Case``, and what is wrong with a cell in words a coder can act on. Spreadsheets
write one thing in many ways (``10d``, ``45岁``, ``三级``, ``12,345.60``); what means nothing is named, never guessed.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, Final

from msgspec.structs import replace

from rules.dip.model import Case
from service.schemas import scalars
from service.schemas.dip_case import CaseIn, case_of, disagreements

_NEGATIVE = re.compile(r"[-\u2212\uff0d]\s*\d+(?:\.\d+)?\s*\D?")
_AGE = re.compile(r"(\d{1,5})(?:\.0+)?\s*(d|天|日|y|岁)?", re.IGNORECASE)
_COUNT = re.compile(r"(\d{1,6})(?:\.0+)?\s*(?:天|日|d|g|克)?", re.IGNORECASE)
_LEVEL = re.compile(r"([1-3一二三])(?:\.0+)?(?:级.*|[甲乙丙]等?|特等?)?")
_LEVELS: Final = {"一": 1, "二": 2, "三": 3}
_SEXES: Final = {"男": "male", "男性": "male", "male": "male", "m": "male", "1": "male"} | {
    "女": "female", "女性": "female", "female": "female", "f": "female", "2": "female"
}  # fmt: skip
_UNKNOWN_SEX: Final = frozenset({"0", "9", "未知", "不详", "未说明"})
SEPARATORS: Final = re.compile("[|\uff5c;\uff1b、]")
"""Between the codes of one cell, in either width."""
LONGEST_CELL: Final = 10_000


class CellError(ValueError):
    """A cell that means nothing."""


def _text(cell: str) -> str | None:
    return scalars.text(cell)


def _codes(cell: str) -> tuple[str, ...]:
    return tuple(code for part in SEPARATORS.split(cell) if (code := scalars.text(part)))


def _count(cell: str) -> int:
    found = _COUNT.fullmatch(cell)
    if found is None:
        raise CellError("应为不小于 0 的整数")
    return int(found[1])


def _weight(cell: str) -> int:
    grams = _count(cell)
    if not 0 < grams <= 500_000:
        raise CellError("应为以克计的体重")
    return grams


def _money(cell: str) -> int | None:
    found = scalars.fixed(cell)
    if found is not None and found < 0:
        raise CellError("不能为负数")
    return found


def _sex(cell: str) -> str | None:
    key = cell.casefold()
    if key in _UNKNOWN_SEX:
        return None
    if key not in _SEXES:
        raise CellError("应为 男、女、male、female、M、F、1 或 2")
    return _SEXES[key]


def _level(cell: str) -> int:
    found = _LEVEL.fullmatch(cell)
    if found is None:
        raise CellError("应为 1、2 或 3 级")
    return _LEVELS.get(found[1]) or int(found[1])


def _flag(cell: str) -> bool:
    found = scalars.flag(cell)
    if found is None:
        raise CellError("应为 是 或 否(1 或 0)")
    return found


def age(cell: str) -> dict[str, int]:
    """Return ``45`` as years and ``10d`` as days; below a year there are no completed years."""
    found = _AGE.fullmatch(cell)
    if found is None and _NEGATIVE.fullmatch(cell):
        raise CellError("不能为负数")
    if found is None:
        raise CellError("应为岁数(45)或日龄(10d)")
    number, unit = int(found[1]), (found[2] or "").lower()
    if unit in {"d", "天", "日"}:
        return {"age_days": number} | ({"age": 0} if number < 365 else {})
    if number > 150:
        raise CellError("年龄超出合理范围")
    return {"age": number}


Reading = Callable[[str], Any]
READINGS: Final[dict[str, tuple[str, Reading]]] = {
    "id": ("id", _text),
    "principal_dx": ("principal", _text),
    "other_dx": ("others", _codes),
    "absent_on_admission": ("absent_on_admission", _codes),
    "procedures": ("operations", _codes),
    "sex": ("sex", _sex),
    "weight_g": ("weight_g", _weight),
    "los": ("days", _count),
    "icu_days": ("icu_days", _count),
    "died": ("died", _flag),
    "cost": ("cost", _money),
    "drug_cost": ("drug_cost", _money),
    "treatment_cost": ("treatment_cost", _money),
    "material_cost": ("material_cost", _money),
    "hospital": ("hospital", _text),
    "hospital_level": ("hospital_level", _level),
    "insurance": ("insurance", _text),
    "medical_type": ("medical_type", _text),
    "place": ("place", _text),
    "out_of_area": ("out_of_area", _flag),
    "day_surgery": ("day_surgery", _flag),
    "department": ("department", _text),
    "departments": ("departments", _count),
    "planned": ("planned", _flag),
    "new_technology": ("new_technology", _flag),
    "critical": ("critical", _flag),
    "deductible": ("deductible", _money),
    "copayment": ("copayment", _money),
    "out_of_catalogue": ("out_of_catalogue", _money),
    "other_payers": ("other_payers", _money),
    "fund_paid": ("fund_paid", _money),
}
"""Column to field and how its cell is read."""
DAYS: Final = {"birth_date": "birth_date", "admitted": "admitted", "discharged": "discharged"}
COLUMNS: Final = (*READINGS, "age", *DAYS)
REQUIRED: Final = "principal_dx"


@dataclass(frozen=True, slots=True)
class Assumed:
    """What holds for rows that do not say it themselves."""

    insurance: str | None = None
    day: date | None = None
    """Day of discharge, by which coefficients and point values are looked up."""

    def of(self, case: Case) -> tuple[Case, tuple[str, ...]]:
        """Return the case with what it lacks, and what was assumed, in words."""
        said = []
        if case.insurance is None and self.insurance is not None:
            case = replace(case, insurance=self.insurance)
            said.append(f"未写险种,按 {self.insurance} 计")
        if case.discharged is None and self.day is not None and (case.admitted is None or case.admitted <= self.day):
            case = replace(case, discharged=self.day)
            said.append(f"未写出院日期,按 {self.day} 计")
        return case, tuple(said)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: where it stands, its cells, and the case or what is wrong."""

    number: int
    """Line of the file, from 1; the header is line 1."""
    cells: list[str]
    case: Case | None
    faults: tuple[str, ...] = ()
    """``column: what is wrong``; with one there is no case."""
    assumed: tuple[str, ...] = ()
    """What the row does not say and was taken as given, in words."""


class Table:
    """A CSV file of cases. Raises ``ValueError``: no header, or none that names the principal diagnosis."""

    def __init__(self, text: str, zone: tzinfo, assumed: Assumed = Assumed()) -> None:
        self._zone = zone
        self._assumed = assumed
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self.header = [name.strip() for name in next(self._reader, [])]
        if REQUIRED not in self.header:
            raise ValueError(f"第一行应为列名,其中须有 {REQUIRED}")
        repeated = sorted({name for name in self.header if name and self.header.count(name) > 1})
        if repeated:
            raise ValueError(f"列名重复:{'、'.join(repeated)}")

    def unknown(self, but: Iterable[str]) -> list[str]:
        """Return columns that mean nothing here."""
        known = {*COLUMNS, *but, ""}
        return [name for name in self.header if name not in known]

    def rows(self) -> Iterator[TableRow]:
        """Yield every row but blank ones. Raises ``ValueError`` where the file is no CSV."""
        while True:
            number = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as fault:
                raise ValueError(f"第 {number} 行不是合法的 CSV,这一行及其后未处理:{fault}") from None
            if any(cell.strip() for cell in cells):
                yield self._row(number, cells)

    def _row(self, number: int, cells: list[str]) -> TableRow:
        if len(cells) > len(self.header):
            return TableRow(number, cells[: len(self.header)], None, (f"有 {len(cells)} 格,多于列名",))
        cells = cells + [""] * (len(self.header) - len(cells))
        given, faults = self._given(dict(zip(self.header, cells, strict=True)))
        if faults:
            return TableRow(number, cells, None, tuple(faults))
        # Every cell was read by its own column's rule; there is nothing left to validate but how they agree.
        form = CaseIn.model_construct(**given)
        if faults := list(disagreements(form)):
            return TableRow(number, cells, None, tuple(faults))
        case, assumed = self._assumed.of(case_of(form, hospital=form.hospital or ""))
        return TableRow(number, cells, case, assumed=assumed)

    def _given(self, named: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
        given: dict[str, Any] = {}
        faults: list[str] = []
        for column, cell in named.items():
            text = scalars.text(cell)
            if text is None or column not in COLUMNS:
                continue
            try:
                given |= self._cell(column, text)
            except ValueError as fault:
                faults.append(f"{column}:{fault}")
        return given, faults

    def _cell(self, column: str, text: str) -> dict[str, Any]:
        if len(text) > LONGEST_CELL:
            raise CellError("过长")
        if column == "age":
            return age(text)
        if column in DAYS:
            return {DAYS[column]: scalars.day(text, self._zone)}
        name, read = READINGS[column]
        return {name: read(text)}
