"""``dipcheck dip group``: a file of discharges in, the same rows with group, points and money out, for coders.

Exit codes: 0 every row was answered, 1 a column or a cell could not be read (named on standard error and in the row;
all other rows are answered), 2 wrong use. The output may be given back: what this command wrote is written anew.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Final

from rules.dip.assess import assess
from rules.dip.compiler import SchemeError, SchemeFileError
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.dip.tracing import explain
from rules.dip.words import note_words, points_words
from rules.model import UNIT
from service.dip.answers import NOT_IN_FORCE
from service.dip.table import Assumed, Table, TableRow
from service.scheme_files.command import read_scheme
from service.schemes import in_force
from service.settings import Settings

OK, FAULTS, MISUSE = 0, 1, 2
ERROR: Final = "error"
"""Status of a row that could not be read: it was not grouped, which is something else than ``ungrouped``."""
RESULTS: Final = (
    "status", "group", "group_name", "reasons", "points", "standard_points", "payment", "balance", "ratio", "band",
    "notes", "trace", "error",
)  # fmt: skip
"""Columns that are added; in a file that has them already they are written anew."""


def group_table(chosen: argparse.Namespace) -> int:
    """Group every row of a file."""
    try:
        directory = Directory.build(read_scheme(chosen.scheme))
    except (SchemeError, SchemeFileError) as fault:
        return _complain(f"{chosen.scheme}: {fault}", FAULTS)
    except (OSError, ValueError) as fault:
        return _complain(str(fault), MISUSE)
    try:
        zone = Settings().tz
        assumed = Assumed(chosen.insurance or None, chosen.day or today(zone))
        table = Table(_decoded(_content(chosen.cases)), zone, assumed)
    except OSError as fault:
        return _complain(f"cannot read `{chosen.cases}`: {fault.strerror}", MISUSE)
    except ValueError as fault:
        return _complain(f"{chosen.cases}: {fault}", MISUSE)
    return _write(table, directory, explained=chosen.explain)


def today(zone: tzinfo) -> date:
    """Return the hospital's local day."""
    return datetime.now(zone).date()


def _content(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _decoded(content: bytes) -> str:
    """Return text of a UTF-8 file, with or without its mark, or of one that a Chinese spreadsheet saved."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("文件既不是 UTF-8 也不是 GB18030 编码")


def _write(table: Table, directory: Directory, *, explained: bool) -> int:
    """Write all rows; 1 if anything could not be read."""
    code = OK
    for column in table.unknown(RESULTS):
        code = _complain(f"第 1 行:不认识的列 {column},未使用", FAULTS)
    kept = [place for place, name in enumerate(table.header) if name not in RESULTS]
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whatever the console's own encoding: the file must hold Chinese.
        sys.stdout.reconfigure(encoding="utf-8")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*(table.header[place] for place in kept), *RESULTS])
    try:
        for row in table.rows():
            for fault in row.faults:
                code = _complain(f"第 {row.number} 行,{fault}", FAULTS)
            results = _results(row, directory, explained=explained)
            cells = [row.cells[place] if place < len(row.cells) else "" for place in kept]
            writer.writerow([*cells, *(results.get(name, "") for name in RESULTS)])
    except ValueError as fault:
        code = _complain(str(fault), FAULTS)
        # Said in the file as well: whoever reads it must see that rows are wanting.
        writer.writerow(["" for _ in kept] + [_refused(str(fault)).get(name, "") for name in RESULTS])
    return code


def _refused(fault: str) -> dict[str, str]:
    return {"status": ERROR, "error": fault}


def _results(row: TableRow, directory: Directory, *, explained: bool) -> dict[str, str]:
    if row.case is None:
        return _refused(";".join(row.faults))
    assessed = assess(row.case, directory)
    trace = [*explain(row.case, directory), *(points_words(assessed) if explained else ())]
    notes = [*row.assumed, *_notes(row.case, assessed, directory)]
    return results_of(assessed) | {"notes": ";".join(dict.fromkeys(notes)), "trace": " ".join(trace)}


def _notes(case: Case, assessed: Assessed, directory: Directory) -> Iterator[str]:
    """Yield what is lacking for points and money, each with the fact that would help."""
    # That there is no group stands under status, and why under reasons and in the trace.
    notes = (*assessed.points.notes, *assessed.payment.notes)
    yield from (note_words(note) for note in notes if note.reason != "ungrouped")
    if case.discharged is not None and not in_force(directory.scheme, case.discharged):
        yield NOT_IN_FORCE


def results_of(assessed: Assessed) -> dict[str, str]:
    """Return what is said of a case as cells; empty is not known."""
    grouping, points, payment = assessed.grouping, assessed.points, assessed.payment
    return {
        "status": grouping.status,
        "group": grouping.group,
        "group_name": assessed.group.name if assessed.group else "",
        "reasons": "|".join(dict.fromkeys(_reasons(assessed))),
        "points": _number(points.points),
        "standard_points": _number(points.standard_points),
        "payment": _yuan(payment.standard),
        "balance": _yuan(payment.balance),
        "ratio": "" if points.ratio is None else f"{points.ratio:.6f}".rstrip("0").rstrip("."),
        "band": points.band,
    }


def _reasons(assessed: Assessed) -> Iterator[str]:
    yield from (remark.reason for remark in assessed.grouping.remarks)
    notes = (*assessed.points.notes, *assessed.payment.notes)
    # That there is no group stands under status.
    yield from (note.reason for note in notes if note.reason != "ungrouped")


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"


def _yuan(amount: int | None) -> str:
    return "" if amount is None else f"{Decimal(amount) / UNIT:.2f}"


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"dipcheck: {message}\n")
    return code
