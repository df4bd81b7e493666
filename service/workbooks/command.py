"""``dipcheck pack import``: the authority's workbooks into a pack, previewed first, and back again."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from rules.compiler import Diagnostic, examine, render
from rules.compiler.diagnostics import Report
from rules.compiler.loading import load
from service.workbooks import report
from service.workbooks.apply import RollbackRefused, roll_back, write
from service.workbooks.edits import Citation, citation_of, edited, new_pack
from service.workbooks.faults import Fault, Spot, in_words
from service.workbooks.gaps import as_csv, find_gaps, read_items
from service.workbooks.held import read_held
from service.workbooks.plan import Plan, make_plan
from service.workbooks.rows import Book, Drafted, read_book

DONE, FAULTY, MISUSE = 0, 1, 2
PREVIEW: Final = "预览,未写入;核对后加 --apply 写入"
Answer = tuple[int, list[str]]
"""Exit code and lines to print."""


@dataclass(frozen=True, slots=True)
class Import:
    """All that is known before anything is written."""

    books: tuple[Book, ...]
    files: Mapping[str, bytes]
    plan: Plan
    faults: tuple[Fault, ...]
    changed: Mapping[str, bytes]
    diagnostics: tuple[Diagnostic, ...]
    """What ``pack check`` would say of the result; only errors count."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``dipcheck pack import``."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="workbook, .xlsx or .xls")
    parser.add_argument(
        "--into", type=Path, required=True, metavar="PACKDIR", help="pack to import into; made if absent"
    )
    parser.add_argument("--apply", action="store_true", help="write; a preview otherwise")
    parser.add_argument("--effective", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first service day")
    parser.add_argument("--published", type=int, metavar="N", help="announced number of knowledge points")
    parser.add_argument("--citation", default="", metavar="ID", help="instrument the rows rest on")
    parser.add_argument("--class", dest="rule_class", default="", metavar="NAME", help="rule class of every file")
    parser.add_argument("--items", type=Path, metavar="CSV", help="the hospital's item dictionary")
    parser.add_argument("--gaps", type=Path, metavar="CSV", help="write every gap here")
    parser.add_argument("--skip-faulty", action="store_true", help="import the other rows although some are faulty")
    parser.add_argument("--full", action="store_true", help="list everything, not only the first of each")
    parser.add_argument("--rollback", action="store_true", help="undo the last import")


def import_pack(chosen: argparse.Namespace) -> Answer:
    """Preview, write or undo an import."""
    folder: Path = chosen.into
    if chosen.rollback:
        return _rolled_back(folder)
    misuse = _misused(chosen)
    if misuse:
        return MISUSE, [misuse]
    files = _pack_files(folder)
    if isinstance(files, str):
        return FAULTY, [files]
    found = _examined(chosen, files)
    lines = _described(chosen, found)
    refusal = _refusal(chosen, found)
    if not chosen.apply:
        return (FAULTY if found.faults or refusal else DONE), [*lines, *refusal, PREVIEW]
    if refusal:
        return FAULTY, [*lines, *refusal, "未写入任何内容"]
    return _written(folder, found, lines)


def _misused(chosen: argparse.Namespace) -> str:
    if not chosen.files:
        return "没有给工作簿;要撤销上次导入请加 --rollback"
    return "--gaps 要与 --items 一起用" if chosen.gaps and not chosen.items else ""


def _rolled_back(folder: Path) -> Answer:
    try:
        restored = roll_back(folder)
    except RollbackRefused as refused:
        return FAULTY, [f"{refused}"]
    except OSError as fault:
        return MISUSE, [f"撤销没有完成({fault.strerror});排除原因后可再次 --rollback"]
    return DONE, [f"已撤销上次导入,恢复 {len(restored)} 个文件: {'、'.join(restored)}"]


def _pack_files(folder: Path) -> Mapping[str, bytes] | str:
    """Return the pack's files, or those of a new one; or why it cannot be imported into."""
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return new_pack(folder.resolve().name)
        files = load(folder, Report()).files if folder.is_dir() else {}
    except ValueError as fault:
        return f"{fault}"
    except OSError as fault:
        return f"读不了规则包 {folder}({fault.strerror})"
    if examine(files).pack is None:
        return f"{folder} 不是规则包,或自身有错误;请先用 dipcheck pack check 改正"
    return files


def _examined(chosen: argparse.Namespace, files: Mapping[str, bytes]) -> Import:
    books = tuple(read_book(path, chosen.rule_class) for path in chosen.files)
    faults = [fault for book in books for fault in book.faults]
    citations: dict[str, Citation] = {}
    for book in books:
        citation = citation_of(book, chosen.citation)
        if citation is not None:
            citations[book.file] = citation
        elif book.drafts:
            faults.append(Fault(Spot(book.file), "看不出是第几批,规则没有依据可引", "请用 --citation 写明依据编号"))
    drafts = [draft for book in books for draft in book.drafts if book.file in citations]
    plan = make_plan(drafts, read_held(files), chosen.effective)
    faults += plan.faults
    dated = not plan.needs_date or chosen.effective is not None
    changed = edited(files, plan, citations, chosen.effective) if plan.writes and dated else {}
    after = examine({**files, **changed}) if changed else None
    wrong = tuple(found for found in after.diagnostics if found.severity == "error") if after else ()
    return Import(books, files, plan, tuple(dict.fromkeys(faults)), changed, wrong)


def _described(chosen: argparse.Namespace, found: Import) -> list[str]:
    lines = list(report.counts(found.books))
    if chosen.published is not None:
        lines.append(report.published(chosen.published, _rows(found.books)))
    lines += report.differences(found.plan, full=chosen.full)
    if chosen.items:
        lines += _gap_lines(chosen, found)
    return [*lines, *report.errors(found.faults, full=chosen.full)]


def _rows(books: Sequence[Book]) -> int:
    return sum(book.rows for book in books)


def _refusal(chosen: argparse.Namespace, found: Import) -> list[str]:
    """Return why nothing may be written; empty when all is well."""
    reasons = []
    if any(not fault.spot.row for fault in found.faults):
        reasons.append("有读不懂的文件或工作表,请先改正,或去掉这些文件")
    elif found.faults and not chosen.skip_faulty:
        reasons.append("有错误的行,请先改正;要跳过它们只导入其余,请加 --skip-faulty")
    if chosen.published is not None and chosen.published != _rows(found.books):
        reasons.append("行数与公布数不一致,请先核对;核对无误后去掉 --published 再导入")
    if found.plan.needs_date and chosen.effective is None:
        reasons.append("有变更或取代的条目,请用 --effective 写明生效日,旧条将在前一日终止")
    if found.diagnostics:
        reasons.append("导入后的规则包通不过检查:")
        reasons += [render(diagnostic) for diagnostic in found.diagnostics]
    return reasons


def _gap_lines(chosen: argparse.Namespace, found: Import) -> list[str]:
    items = read_items(chosen.items)
    if isinstance(items, Fault):
        return [in_words(items)]
    gaps = find_gaps(_rules_of(found.plan), items)
    lines = [f"院内字典 {len(items)} 项", *report.missing(gaps, full=chosen.full)]
    if chosen.gaps:
        try:
            chosen.gaps.write_text(as_csv(gaps), encoding="utf-8-sig", newline="")
        except OSError as fault:
            return [*lines, f"不能写 {chosen.gaps}({fault.strerror})"]
        lines.append(f"全部缺口已写入 {chosen.gaps}")
    return lines


def _rules_of(plan: Plan) -> list[tuple[str, Drafted]]:
    rules = [*plan.added, *((change.id, change.draft) for change in plan.changed)]
    rules += [(row.id, draft) for draft, row in plan.same]
    return rules + [(kept.held.id, kept.draft) for kept in plan.kept]


def _written(folder: Path, found: Import, lines: list[str]) -> Answer:
    if not found.changed:
        return DONE, [*lines, "规则包已是这些内容,未改动"]
    new = found.files if not folder.exists() or not any(folder.iterdir()) else {}
    try:
        write(folder, {**new, **found.changed})
    except OSError as fault:
        return MISUSE, [*lines, f"写入没有完成({fault.strerror});用 --rollback 可恢复到导入前"]
    plan = found.plan
    done = f"已写入 {folder}: 新增 {len(plan.added)},变更 {len(plan.changed)},取代 {len(plan.ended)};--rollback 可撤销"
    return DONE, [*lines, done]
