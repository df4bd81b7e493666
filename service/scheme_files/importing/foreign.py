"""Files as people hand them out: CSV (UTF-8 or GBK), workbooks, and two columns of text (``.dat``)."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.scheme_files.importing.headings import HeadingFault, Recognised, plain, recognise
from service.scheme_files.importing.values import translated
from service.workbooks.faults import Fault, Spot, in_words
from service.workbooks.sheets import Sheet, Workbook, read_workbook

WORKBOOK: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of .xlsx and .xls."""
_CODE: Final = re.compile(r"[A-Z]\d\S*|\d{2}\.\S*")
_SUMS: Final = ("合计", "小计", "总计")
_PAIR: Final = {True: ("from", "to"), False: ("code", "name")}


class FileFault(ValueError):
    """A file cannot be read; the message says why and what to do, in Chinese."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file in the scheme's own columns."""

    spot: Spot
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Read:
    """One file or sheet: how its headings were understood, its rows, and those that are none."""

    spot: Spot
    table: str
    recognised: Recognised
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unread: Mapping[str, int] | None = None
    """Headings that are not known, with how many rows say something under them."""


def read_file(path: Path, table: str, sheet: str, given: Mapping[str, str]) -> Read:
    """Read one file into the columns of a table; ``""`` guesses it. Raises ``FileFault``."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise FileFault(f"{path.name}: 读不了这个文件({fault.strerror})") from None
    if content.startswith(WORKBOOK):
        book = read_workbook(path)
        if isinstance(book, Fault):
            raise FileFault(in_words(book))
        return _read_book(book, table or "catalogue", sheet, given)
    text = _decoded(path.name, content)
    if path.suffix.lower() == ".dat":
        return _read_pairs(path.name, text, table)
    grid = Sheet(path.name, "", tuple(tuple(cell.strip() for cell in row) for row in _records(path.name, text)))
    try:
        return _read_sheet(grid, table or "catalogue", given)
    except HeadingFault as fault:
        raise FileFault(f"{path.name}: {fault}") from None


def _decoded(name: str, content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileFault(f"{name}: 既不是 UTF-8 也不是 GBK 编码的文本;请另存为 CSV UTF-8")


def _records(name: str, text: str) -> list[list[str]]:
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as fault:
        raise FileFault(f"{name}: 不是 CSV({fault});请检查引号") from None


def _read_book(book: Workbook, table: str, sheet: str, given: Mapping[str, str]) -> Read:
    sheets = [one for one in book.sheets if not sheet or one.name == sheet]
    names = "、".join(one.name for one in book.sheets) or "没有可见的工作表"
    if not sheets:
        raise FileFault(f"{book.file}: 没有工作表“{sheet}”;有 {names}")
    read: list[Read] = []
    faults: list[str] = []
    for one in sheets:
        try:
            read.append(_read_sheet(one, table, given, book.left_out))
        except HeadingFault as fault:
            faults.append(f"{book.file} 工作表“{one.name}”: {fault}")
    if not read:
        raise FileFault("\n".join(faults))
    if len(read) > 1:
        raise FileFault(f"{book.file}: 不止一个工作表像是 {table};请用 --sheet 写明: {names}")
    return read[0]


def _read_sheet(sheet: Sheet, table: str, given: Mapping[str, str], left_out: Sequence[str] = ()) -> Read:
    """Return one sheet. Raises ``HeadingFault``."""
    found = recognise(sheet.rows, table, given)
    rows: list[Row] = []
    notes: list[str] = []
    heading = sheet.rows[found.row]
    for number, row in enumerate(sheet.rows[found.row + 1 :], start=found.row + 2):
        filled = [cell for cell in row if cell]
        if not filled or row == heading:
            continue
        spot = Spot(sheet.file, sheet.name, number)
        if filled[0].startswith(_SUMS) or (len(filled) == 1 and len(found.columns) > 1 and len(filled[0]) > 15):
            notes.append(f"第{number}行: {filled[0][:40]}")
            continue
        rows.append(Row(spot, _cells(row, found, table)))
    body = sheet.rows[found.row + 1 :]
    unread = {found.headings[at]: sum(bool(row[at]) for row in body if at < len(row)) for at in found.ignored}
    return Read(Spot(sheet.file, sheet.name), table, found, tuple(rows), tuple(notes), tuple(left_out), unread)


def _cells(row: Sequence[str], found: Recognised, table: str) -> dict[str, str]:
    cells: dict[str, str] = {}
    for place, column in found.columns.items():
        cell = row[place] if place < len(row) else ""
        text = translated(table, column, cell)
        if column == "class" and cells.get("class") not in {None, "", "core"}:
            continue  # 基层病种 says more than 病种类型
        cells[column] = text or cells.get(column, "")
    return cells


def _read_pairs(name: str, text: str, table: str) -> Read:
    """Read ``code name`` or ``from to``: two columns parted by a blank, without headings."""
    lines = [(number, line.split(None, 1)) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    pairs = [(number, parts[0], parts[1].strip() if len(parts) > 1 else "") for number, parts in lines]
    if not pairs:
        raise FileFault(f"{name}: 文件是空的")
    coded = sum(bool(_CODE.fullmatch(second)) for _, _, second in pairs) > len(pairs) * 0.9
    guessed = (
        f"{'operation' if pairs[0][1][:1].isdigit() else 'diagnos'}{'' if pairs[0][1][:1].isdigit() else 'is'}_map"
    )
    plural = "operations" if pairs[0][1][:1].isdigit() else "diagnoses"
    table = table or (guessed if coded else plural)
    columns = _PAIR[table.endswith("_map")]
    if table not in {"operations", "diagnoses", "operation_map", "diagnosis_map"}:
        raise FileFault(f"{name}: 两列的 .dat 只能导入 operations、diagnoses、operation_map、diagnosis_map")
    rows = tuple(
        Row(Spot(name, "", number), dict(zip(columns, (first, second), strict=True))) for number, first, second in pairs
    )
    return Read(Spot(name), table, Recognised(-1, dict(enumerate(columns))), rows)


def given_headings(options: Sequence[str]) -> dict[str, str]:
    """Return ``--map "heading=column"`` as a mapping. Raises ``FileFault``."""
    found: dict[str, str] = {}
    for option in options:
        heading, mark, column = option.rpartition("=")
        if not mark or not heading.strip():
            raise FileFault(f'--map 要写成 "表头=列名",不是“{option}”')
        found[plain(heading)] = column.strip()
    return found
