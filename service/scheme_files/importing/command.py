"""``dipcheck scheme import``: preview, write or undo."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rules.compiler.diagnostics import Diagnostic, render
from rules.compiler.loading import read_files
from rules.dip.compiler import LAYOUTS, examine_scheme
from service.scheme_files.importing.foreign import FileFault, Read, Row, given_headings, read_file
from service.scheme_files.importing.merging import Merge, merge
from service.workbooks.apply import RollbackRefused, roll_back, write
from service.workbooks.faults import Spot

DONE, FAULTY, MISUSE = 0, 1, 2
FIRST: Final = 20
"""Entries of a list that are shown unless all are wanted."""
PREVIEW: Final = "预览,未写入;核对后加 --write 写入"
ROW_CODES: Final = frozenset({
    "INVALID_CELL", "INVALID_CODE", "INVALID_EXPRESSION", "NESTED_CONJUNCTION", "MISSING_NOTE", "OUT_OF_RANGE",
    "NEGATIVE_SCORE", "REVERSED_BOUNDS", "REVERSED_DATES", "UNKNOWN_KEY", "UNKNOWN_LIST", "UNKNOWN_CONDITION",
    "SECONDARY_WITHOUT_DIAGNOSIS",
})  # fmt: skip
"""Diagnostics that are about one row and no other."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
Answer = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known before anything is written."""

    read: tuple[Read, ...]
    merged: Merge
    refused: Mapping[Spot, tuple[str, ...]]
    """Rows that cannot be used, with the reasons."""
    diagnostics: tuple[Diagnostic, ...]
    """What ``scheme check`` would say of the result."""
    changed: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def errors(self) -> list[Diagnostic]:
        """What keeps the result from being a scheme."""
        return [found for found in self.diagnostics if found.severity == "error"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``dipcheck scheme import``."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="CSV, XLSX, XLS, or two columns (.dat)")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="scheme to import into; made if absent")
    parser.add_argument("--table", choices=tuple(LAYOUTS), metavar="TABLE", help=f"one of {', '.join(LAYOUTS)}")
    parser.add_argument("--sheet", default="", metavar="NAME", help="sheet of a workbook")
    parser.add_argument("--map", action="append", default=[], metavar="HEADING=COLUMN", help="what a heading means")
    parser.add_argument("--keep", action="store_true", help="rows that the file does not have stay")
    parser.add_argument("--skip-refused", action="store_true", help="import the other rows although some are refused")
    parser.add_argument("--full", action="store_true", help="list everything, not only the first of each")
    parser.add_argument("--write", action="store_true", help="write; a preview otherwise")
    parser.add_argument("--undo", action="store_true", help="undo the last import")


def import_table(chosen: argparse.Namespace) -> Answer:
    """Preview, write or undo an import."""
    if chosen.undo:
        return _undone(chosen.into)
    if not chosen.files:
        return MISUSE, ["没有给文件;要撤销上次导入请加 --undo"]
    try:
        given = given_headings(chosen.map)
        _check_given(given, chosen.table or "catalogue")
        files = _scheme_files(chosen.into)
        read = _read(chosen, given)
        plan = _planned(chosen, files, read)
    except FileFault as fault:
        return MISUSE, [str(fault)]
    lines = [*_described(plan, full=chosen.full)]
    refusal = _refusal(chosen, plan)
    if not chosen.write:
        return (FAULTY if refusal else DONE), [*lines, *refusal, PREVIEW]
    if refusal:
        return FAULTY, [*lines, *refusal, "未写入任何内容"]
    return _written(chosen.into, plan, lines)


def _check_given(given: Mapping[str, str], table: str) -> None:
    known = LAYOUTS[table].known.known
    for heading, column in given.items():
        if column and column not in known:
            raise FileFault(f"--map 的 {heading}={column}: 表 {table} 没有 {column} 这一列;有 {'、'.join(known)}")


def _undone(folder: Path) -> Answer:
    try:
        restored = roll_back(folder)
    except RollbackRefused as refused:
        return FAULTY, [str(refused)]
    except OSError as fault:
        return MISUSE, [f"撤销没有完成({fault.strerror});排除原因后可再次 --undo"]
    return DONE, [f"已撤销上次导入,恢复 {len(restored)} 个文件: {'、'.join(restored)}"]


def _scheme_files(folder: Path) -> Mapping[str, bytes]:
    """Return the files of a scheme; none for a folder that is yet to be made. Raises ``FileFault``."""
    if folder.exists() and not folder.is_dir():
        raise FileFault(f"{folder} 不是文件夹")
    try:
        files = read_files(folder) if folder.is_dir() else {}
    except OSError as fault:
        raise FileFault(f"读不了 {folder}({fault.strerror})") from None
    if files and "scheme.yaml" not in files:
        raise FileFault(f"{folder} 里没有 scheme.yaml,不是病种方案")
    return files


def _read(chosen: argparse.Namespace, given: Mapping[str, str]) -> tuple[Read, ...]:
    read = tuple(read_file(path, chosen.table or "", chosen.sheet, given) for path in chosen.files)
    tables = dict.fromkeys(one.table for one in read)
    if len(tables) > 1:
        raise FileFault(f"这些文件属于不同的表({'、'.join(tables)});请分开导入")
    return read


def _planned(chosen: argparse.Namespace, files: Mapping[str, bytes], read: Sequence[Read]) -> Plan:
    rows = [row for one in read for row in one.rows]
    plan = _tried(chosen, files, read, rows, {})
    if not (plan.refused and chosen.skip_refused):
        return plan
    usable = [row for row in rows if row.spot not in plan.refused]
    return _tried(chosen, files, read, usable, plan.refused)


def _tried(
    chosen: argparse.Namespace,
    files: Mapping[str, bytes],
    read: Sequence[Read],
    rows: Sequence[Row],
    refused: Mapping[Spot, tuple[str, ...]],
) -> Plan:
    """Return what an import of these rows would give, and which of them the scheme's check refuses."""
    table = read[0].table
    file = f"{table}.csv"
    merged = merge(table, files.get(file), rows, keep=chosen.keep)
    changed = {file: merged.text.encode()}
    if not files:
        changed["scheme.yaml"] = _skeleton(chosen.into, table, rows)
    diagnostics = examine_scheme({**files, **changed}, cases=False).diagnostics
    wrong: dict[Spot, list[str]] = {}
    for found in diagnostics:
        spot = merged.spots.get(found.row or 0) if found.file == file else None
        if spot is not None and found.code in ROW_CODES and found.severity == "error":
            place = f"{found.column}: " if found.column else ""
            wrong.setdefault(spot, []).append(f"{place}{found.message}")
    faults = {spot: tuple(reasons) for spot, reasons in wrong.items()}
    same = all(files.get(name) == content for name, content in changed.items())
    return Plan(tuple(read), merged, {**refused, **faults}, diagnostics, {} if same else changed)


def _skeleton(folder: Path, table: str, rows: Sequence[Row]) -> bytes:
    """Return the manifest of a scheme that has nothing yet but one table. Raises ``FileFault``."""
    name = folder.resolve().name
    if not _NAME.fullmatch(name):
        raise FileFault(f"新方案以文件夹命名,“{name}”不行: 只能用小写字母、数字、.、_ 和 -")
    layers = dict.fromkeys(row.cells.get("layer") or "core" for row in rows) if table == "catalogue" else ["core"]
    return (
        f'name: {name}\nversion: "1"\ntitle: {name}\nsteps:\n  - {{step: principal}}\n  - {{step: operations}}\n'
        + "".join(
            f"  - {{step: layer, layers: [{layer}], prefer: [most_parts, most_operations_used, nearest_mean_cost]}}\n"
            for layer in layers
        )
        + "  - {step: comprehensive}\n  - {step: last_resort}\n"
    ).encode()


def _described(plan: Plan, *, full: bool) -> Iterator[str]:
    for one in plan.read:
        yield from _headings(one)
    merged = plan.merged
    sums = (
        ("新增", len(merged.added)), ("变更", len(merged.changed)), ("删除", len(merged.removed)),
        ("保留", len(merged.kept)), ("不变", merged.unchanged), ("拒绝", len(plan.refused)),
    )  # fmt: skip
    yield f"{merged.table}.csv: {','.join(f'{word} {count}' for word, count in sums)}"
    yield from _listed("新增", [_row(row.cells) for row in merged.added], full=full)
    yield from _listed("变更", [_change(merged, at) for at in range(len(merged.changed))], full=full)
    yield from _listed("删除", [_row(cells) for cells in merged.removed], full=full)
    refused = [f"{_place(spot)}: {';'.join(reasons)}" for spot, reasons in plan.refused.items()]
    yield from _listed("拒绝", refused, full=full)
    warnings = [render(found) for found in plan.diagnostics if found.severity == "warning"]
    if warnings:
        yield "导入后的方案会有这些提醒:"
        yield from _listed("", warnings, full=full)


def _headings(read: Read) -> Iterator[str]:
    place = f"{read.spot.file}{f' 工作表“{read.spot.sheet}”' if read.spot.sheet else ''}"
    yield f"{place} → {read.table}.csv: {len(read.rows)} 行"
    found = read.recognised
    for at, column in found.columns.items():
        if at in found.headings:
            yield f"  {found.headings[at]} → {column}"
    for heading, count in (read.unread or {}).items():
        yield f"  {heading}: 不认得,未读({count} 行有内容)"
    yield from (f"  不是病种的行,未读: {note}" for note in read.notes)
    yield from (f"  {reason}" for reason in read.left_out)


def _listed(word: str, entries: Sequence[str], *, full: bool) -> Iterator[str]:
    shown = entries if full else entries[:FIRST]
    yield from (f"  {word} {entry}" if word else f"  {entry}" for entry in shown)
    if len(shown) < len(entries):
        yield f"  {word} 还有 {len(entries) - len(shown)} 条,加 --full 全部列出"


def _row(cells: Mapping[str, str]) -> str:
    return " ".join(cell for cell in list(cells.values())[:6] if cell)


def _change(merged: Merge, at: int) -> str:
    change = merged.changed[at]
    parts = [
        f"{column} {change.before.get(column) or '空'} → {change.row.cells.get(column) or '空'}"
        for column in change.columns
    ]
    return f"{next(iter(change.row.cells.values()), '')}: {','.join(parts)}"


def _place(spot: Spot) -> str:
    parts = [spot.file, f"工作表“{spot.sheet}”" if spot.sheet else "", f"第{spot.row}行"]
    return ",".join(part for part in parts if part)


def _refusal(chosen: argparse.Namespace, plan: Plan) -> list[str]:
    """Return why nothing may be written; empty when all is well."""
    reasons = []
    if not plan.merged.spots:
        reasons.append("没有可以导入的行")
    if plan.refused and not chosen.skip_refused:
        reasons.append("有被拒绝的行,请先改正;要跳过它们只导入其余,请加 --skip-refused")
    others = [found for found in plan.errors if not _is_refused(found, plan)]
    if others:
        reasons.append("导入后的方案通不过检查:")
        reasons += [render(found) for found in (others if chosen.full else others[:FIRST])]
        if len(others) > FIRST and not chosen.full:
            reasons.append(f"还有 {len(others) - FIRST} 处,加 --full 全部列出")
    return reasons


def _is_refused(found: Diagnostic, plan: Plan) -> bool:
    return found.file == f"{plan.merged.table}.csv" and plan.merged.spots.get(found.row or 0) in plan.refused


def _written(folder: Path, plan: Plan, lines: list[str]) -> Answer:
    if not plan.changed:
        return DONE, [*lines, "方案已是这些内容,未改动"]
    try:
        write(folder, plan.changed)
    except OSError as fault:
        return MISUSE, [*lines, f"写入没有完成({fault.strerror});用 --undo 可恢复到导入前"]
    merged = plan.merged
    done = f"新增 {len(merged.added)},变更 {len(merged.changed)},删除 {len(merged.removed)}"
    return DONE, [*lines, f"已写入 {folder}/{merged.table}.csv: {done};--undo 可撤销"]
