"""Workbooks written for a test: invented names and codes, in the shapes the authority and its copiers use."""

import csv
import io

import openpyxl
import xlwt

from service import cli

NAMES = ["某男用片", "某女用丸"]
WESTERN = ["XA01AAA001A001010100001", "XA01AAA001A001010100002", "XA01AAA001A001010100003"]
PATENT = ["ZA01AAA0001010100001", "ZA01AAA0001010100002"]
SERVICES = ["002101030280000", "002101030300000", "001103000010000"]
PIECES = ["T000100001", "T000100002"]


def xlsx(path, sheets, merged=(), hidden=()):
    """Write an .xlsx: sheet name to rows; ``merged`` holds ranges of the first sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    for span in merged:
        book.worksheets[0].merge_cells(span)
    book.save(path)
    return path


def xls(path, sheets, merged=()):
    """Write an .xls; ``merged`` holds (top, bottom, left, right, text) of the first sheet, from 0."""
    book = xlwt.Workbook()
    for at, (name, rows) in enumerate(sheets.items()):
        sheet = book.add_sheet(name)
        for top, bottom, left, right, text in merged if at == 0 else ():
            sheet.write_merge(top, bottom, left, right, text)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if cell not in {None, ""}:
                    sheet.write(number, place, cell)
    book.save(str(path))
    return path


def sexes(*rows):
    """Return the rows of a one-sheet table of services with a sex."""
    return [["项目名称", "国标代码", "限定类型", "限定对象"], *([*row[:2], "限定性别对象", row[2]] for row in rows)]


def drugs(*rows):
    """Return the two sheets of a drug workbook: (name, text, type, value, codes) each."""
    limits = [["药品通用名", "药品说明", "限定类型", "限定对象"], *([*row[:4]] for row in rows)]
    codes = [["药品通用名", "序号", "国标代码"]]
    codes += [[row[0], number, code] for row in rows for number, code in enumerate(row[4], start=1)]
    return {"Sheet1": limits, "Sheet2": codes}


def run(capsys, *arguments):
    """Run ``dipcheck pack import`` and return its exit code and what it printed."""
    code = cli.main(["pack", "import", *map(str, arguments)])
    return code, capsys.readouterr().out


def table(pack, kind):
    """Return the rows of a pack's table, by rule id."""
    text = (pack / f"{kind}.csv").read_text(encoding="utf-8")
    return {row["rule_id"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


def contents(folder):
    """Return every file of a folder with its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else None
