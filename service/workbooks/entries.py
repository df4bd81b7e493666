"""Rows of a workbook with their codes, their class and what they mean.

Codes stand beside the name, or in a second sheet that is joined by name; which sheet is which follows from its
columns, not from its place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.codings import category_of
from rules.kinds import KINDS
from service.workbooks.classes import Reading, RuleClass, Subject, candidates
from service.workbooks.faults import Fault, Spot
from service.workbooks.layouts import COLUMN_WORDS, Record, Table, plain
from service.workbooks.values import codes

PRECISE: Final = ("value", "max", "days", "window")
LIMITING: Final = (*PRECISE, "text")
"""Columns that say what is limited; a table without them beside one without codes is a list of codes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a table of limits, with its codes, its class and what it means."""

    record: Record
    rule_class: RuleClass
    codes: tuple[str, ...]
    sub: tuple[str, ...]
    reading: Reading


def is_code_list(table: Table, tables: Iterable[Table]) -> bool:
    """Say whether a table only gives the codes of names that another table of the workbook limits."""
    beside = any(other.has(*LIMITING) and not other.has("code", "main_code") for other in tables)
    return beside and table.has("code") and not table.has(*PRECISE)


def entries_of(tables: Sequence[Table], forced: str, faults: list[Fault]) -> Iterator[Entry]:
    """Return every row of every table of limits that could be read; the others become faults."""
    lists = [table for table in tables if is_code_list(table, tables)]
    listed = _by_name(lists, faults)
    names = set()
    for table in (table for table in tables if table not in lists):
        for record in table.records:
            names.add(plain(record.cells.get("name", "")))
            entry = _entry(record, table, listed, forced, faults)
            if entry is not None:
                yield entry
    for name, (_, spot) in listed.items():
        if name not in names:
            message = f"编码表里的“{name}”在知识点表里没有"
            faults.append(Fault(spot, message, "请核对两个工作表的名称是否一致", "名称"))


def _by_name(lists: Iterable[Table], faults: list[Fault]) -> dict[str, tuple[tuple[str, ...], Spot]]:
    """Return the codes of each name, and where the name first stands."""
    found: dict[str, tuple[tuple[str, ...], Spot]] = {}
    for table in lists:
        for record in table.records:
            name = plain(record.cells.get("name", ""))
            if not name:
                faults.append(_empty(record, table, "name"))
                continue
            good = _codes(record, table, "code", faults)
            before, spot = found.get(name, ((), record.spot))
            found[name] = ((*before, *(code for code in good if code not in before)), spot)
    return found


def _entry(
    record: Record,
    table: Table,
    listed: Mapping[str, tuple[tuple[str, ...], Spot]],
    forced: str,
    faults: list[Fault],
) -> Entry | None:
    known = len(faults)
    pair = table.has("main_code", "sub_code")
    for column in ("main_name", "sub_name") if pair else ("name",):
        if not record.cells.get(column):
            faults.append(_empty(record, table, column))
    sub: tuple[str, ...] = ()
    if pair:
        found, sub = (_codes(record, table, column, faults) for column in ("main_code", "sub_code"))
    elif table.has("code"):
        found = _codes(record, table, "code", faults)
    else:
        found = listed.get(plain(record.cells.get("name", "")), ((), record.spot))[0]
        if not found and len(faults) == known:
            message = f"“{record.cells.get('name', '')}”没有编码"
            faults.append(Fault(record.spot, message, "请在编码表中补上,或核对两个工作表的名称是否一致", "名称"))
    if len(faults) > known:
        return None
    rule_class = _class_of(record, table, _subject(found), forced)
    if isinstance(rule_class, Fault):
        faults.append(rule_class)
        return None
    return Entry(record, rule_class, found, sub, rule_class.read(_with_units(record.cells, table)))


def _codes(record: Record, table: Table, column: str, faults: list[Fault]) -> tuple[str, ...]:
    if not record.cells.get(column):
        faults.append(_empty(record, table, column))
        return ()
    good, bad = codes(record.cells[column])
    if bad:
        said = "、".join(f"“{code}”" for code in bad)
        remedy = "服务项目15位数字,西药X加22位,中成药Z加19位,饮片T加9位;请把该列设为文本格式后重新填写"
        faults.append(Fault(record.spot, f"{said}不是国家编码", remedy, table.headers[column]))
    return good


def _empty(record: Record, table: Table, column: str) -> Fault:
    header = table.headers.get(column, COLUMN_WORDS[column][0])
    return Fault(record.spot, f"“{header}”是空的", "请补全;合并单元格拆开后每行都要有", header)


def _subject(found: tuple[str, ...]) -> Subject:
    return "service" if category_of(found[0]) == "service" else "drug"


def _class_of(record: Record, table: Table, subject: Subject, forced: str) -> RuleClass | Fault:
    evidence = (record.cells.get("type", ""), table.title, table.sheet, table.file)
    for text in (forced,) if forced else evidence:
        found = candidates(text, subject)
        if found:
            break
    else:
        said = f"--class {forced}" if forced else "限定类型、标题、工作表名和文件名"
        message = f"从{said}认不出是哪一类{'药品' if subject == 'drug' else '服务项目'}规则"
        return Fault(record.spot, message, "请用 --class 写明规则类别,如 药品限支付疗程")
    chosen = found[0] if len(found) == 1 else next((one for one in found if one.holds(record.cells)), None)
    if chosen is None:
        titles = "、".join(one.title for one in found)
        said = record.cells.get("value") or record.cells.get("text", "")
        return Fault(record.spot, f"“{said}”看不出属于 {titles} 中的哪一类", "请改正限定内容,或用 --class 写明")
    return _fits(chosen, table)


def _fits(chosen: RuleClass, table: Table) -> RuleClass | Fault:
    sheet = Spot(table.file, table.sheet)
    if chosen.kind not in KINDS:
        remedy = "请升级程序后再导入,或先去掉这个文件"
        return Fault(sheet, f"“{chosen.title}”所需的规则类型 {chosen.kind} 本版本没有", remedy)
    if chosen.per == "pair" and not table.has("main_code"):
        return Fault(sheet, f"“{chosen.title}”要有主项编码和从项编码两列", "请补上这两列的表头")
    if chosen.needs and not table.has(*chosen.needs):
        words = "、".join(COLUMN_WORDS[column][0] for column in chosen.needs)
        seen = "、".join(table.headers.values())
        return Fault(sheet, f"“{chosen.title}”缺少限定内容的列,看到的列是 {seen}", f"请补上其中一列: {words}")
    return chosen


def _with_units(cells: Mapping[str, str], table: Table) -> Mapping[str, str]:
    """A bare number under a header that says 天 is a number of days."""
    value = cells.get("value", "")
    return {**cells, "value": f"{value}天"} if value.isdigit() and "天" in table.headers["value"] else cells
