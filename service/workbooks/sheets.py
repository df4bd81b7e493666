"""Workbooks as grids of text: .xlsx and .xls alike, merged cells filled, numbers written as people see them.

In: a path. Out: the visible sheets that hold something, row and column as the spreadsheet counts them (from 0 here).
"""

import io
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from service.workbooks.faults import Fault, Spot

_TEXT_PAGES: Final = (b"<html", b"<!doctype", b"<table", b"<?xml")
_RESAVE: Final = "请用表格软件打开,另存为 .xlsx 后再导入"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One visible sheet."""

    file: str
    name: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Workbook:
    """One file: its sheets, and those that were left out with the reason."""

    file: str
    sheets: tuple[Sheet, ...]
    left_out: tuple[str, ...] = ()


def read_workbook(path: Path) -> Workbook | Fault:
    """Read a workbook by what it holds, not by the ending of its name."""
    spot = Spot(path.name)
    try:
        content = path.read_bytes()
    except OSError as fault:
        return Fault(spot, f"读不了这个文件({fault.strerror})", "请检查路径和权限")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return _workbook(path.name, book)
    except PasswordError:
        return Fault(spot, "工作簿有密码", "请去掉密码后再导入")
    except CalamineError:
        if content.lstrip()[:200].lower().startswith(_TEXT_PAGES):
            return Fault(spot, "扩展名是 Excel,内容其实是网页或文本", _RESAVE)
        return Fault(spot, "不是能读的 Excel 工作簿", _RESAVE)


def _workbook(file: str, book: CalamineWorkbook) -> Workbook:
    sheets, left_out = [], []
    for data in book.sheets_metadata:
        if data.typ is not SheetTypeEnum.WorkSheet:
            continue
        rows = _grid(book.get_sheet_by_name(data.name))
        if not any(any(row) for row in rows):
            continue
        if data.visible is SheetVisibleEnum.Visible:
            sheets.append(Sheet(file, data.name, rows))
        else:
            left_out.append(f"工作表“{data.name}”是隐藏的,未读")
    return Workbook(file, tuple(sheets), tuple(left_out))


def _grid(sheet: CalamineSheet) -> tuple[tuple[str, ...], ...]:
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if top < len(rows) and left < len(rows[top]):
            for row in rows[top : bottom + 1]:
                row[left : right + 1] = [rows[top][left]] * len(row[left : right + 1])
    return tuple(tuple(row) for row in rows)


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != datetime.min.time() else cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).replace("_x000D_", "").strip()
