"""From drafted entries to pack rows: one per knowledge point, with its items, its id and its cells.

``read_book`` reads one workbook: its tables, their entries, the rows they make, and every fault at its place.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.workbooks.classes import GROUPS, RuleClass
from service.workbooks.entries import Entry, entries_of, is_code_list
from service.workbooks.faults import Fault, Spot
from service.workbooks.layouts import Table, plain, read_table
from service.workbooks.sheets import read_workbook
from service.workbooks.values import family

MOST_EXACT: Final = 20
"""Up to so many codes are written one by one; above it by families, where those are one name's alone."""
IMPORTED: Final = "导入: "
"""Begins the note of a row that the importer left incomplete, so that a later import may complete it."""
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,46}")
_NOT_ID: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Drafted:
    """One knowledge point as a pack row, but for its id, dates and citation."""

    rule_class: RuleClass
    key: str
    """What it is about: the same text makes it the same knowledge point next time."""
    point: str
    """The authority's own id, as a rule id; empty where the workbook has none."""
    own_id: str
    """The id it gets where the workbook has none: from class and codes, so the same next time."""
    codes: tuple[str, ...]
    cells: Mapping[str, str]
    spots: tuple[Spot, ...]
    supersedes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The authority's id, else our own."""
        return self.point or self.own_id


@dataclass(frozen=True, slots=True)
class Book:
    """All that one workbook gave."""

    file: str
    drafts: tuple[Drafted, ...] = ()
    faults: tuple[Fault, ...] = ()
    tables: tuple[Table, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def batch(self) -> str:
        """Where the batch is named: the file, titles, and sheets."""
        return " ".join([self.file, *(f"{table.title} {table.sheet}" for table in self.tables)])

    @property
    def limits(self) -> tuple[Table, ...]:
        """The tables whose rows are knowledge points."""
        return tuple(table for table in self.tables if not is_code_list(table, self.tables))

    @property
    def rows(self) -> int:
        """Rows that are knowledge points, as the workbook counts them."""
        return sum(len(table.records) for table in self.limits)


def read_book(path: Path, forced: str = "") -> Book:
    """Read one workbook into drafts and faults; ``forced`` names the class whatever the workbook calls it."""
    found = read_workbook(path)
    if isinstance(found, Fault):
        return Book(path.name, faults=(found,))
    read = [(sheet, read_table(sheet)) for sheet in found.sheets]
    tables = tuple(table for _, table in read if isinstance(table, Table))
    faults = [fault for _, fault in read if isinstance(fault, Fault)]
    text_only = [f"工作表“{sheet.name}”只有文字,未读" for sheet, table in read if table is None]
    if not tables and not faults:
        faults.append(Fault(Spot(path.name), "没有可读的表", "请确认文件里有知识点明细"))
    book = Book(path.name, tables=tables, left_out=(*found.left_out, *text_only))
    entries = list(entries_of(tables, forced, faults))
    drafts = tuple(_drafted(entries, faults))
    faults.extend(_miscounted(book, drafts))
    return Book(path.name, drafts, tuple(dict.fromkeys(faults)), tables, book.left_out)


def _miscounted(book: Book, drafts: Sequence[Drafted]) -> Iterator[Fault]:
    """A table's own total must be its rows (or, where a workbook has one table, its knowledge points or codes)."""
    for table in book.tables:
        held = {len(table.records)}
        if len(book.limits) == 1:
            held |= {len(drafts), len({code for draft in drafts for code in draft.codes})}
        for total in table.announced:
            if total not in held:
                message = f"合计行写 {total},读到 {len(table.records)} 行"
                yield Fault(Spot(table.file, table.sheet), message, "请核对是否有行缺失或重复")


# drafts: entries of one knowledge point, as one row


def _drafted(entries: Sequence[Entry], faults: list[Fault]) -> Iterator[Drafted]:
    points: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        points.setdefault((entry.rule_class.title, _point(entry) or _key(entry)), []).append(entry)
    owners = _owners(entries)
    taken: dict[tuple[str, str], Entry] = {}
    for group in points.values():
        doubts = [*_disagreeing(group), *_said_twice(group, taken)]
        drafted = _draft(group, owners)
        if drafted.point and not _ID.fullmatch(drafted.point):
            spot, said = group[0].record.spot, group[0].record.cells["point"]
            doubts.append(Fault(spot, f"知识点编号“{said}”不能作规则编号", "请改为46位以内的字母数字"))
        faults.extend(doubts)
        if not doubts:
            yield drafted


def _disagreeing(group: Sequence[Entry]) -> Iterator[Fault]:
    """Rows of one knowledge point must limit it alike; which of them is right is nobody's guess."""
    first = group[0]
    for entry in group:
        if entry.reading != first.reading:
            message = f"“{_name(entry)}”与第{first.record.spot.row}行是同一知识点,限定内容却不同"
            yield Fault(entry.record.spot, message, "请核对后只保留一种")


def _said_twice(group: Sequence[Entry], taken: dict[tuple[str, str], Entry]) -> Iterator[Fault]:
    """One code under two names of a class would prompt twice, perhaps in contradiction."""
    first = group[0]
    if first.rule_class.per not in {"name", "code"}:
        return
    for code in {code: None for entry in group for code in entry.codes}:
        other = taken.setdefault((first.rule_class.title, code), first)
        if other is not first:
            message = f"编码 {code} 已列在“{_name(other)}”(第{other.record.spot.row}行)名下"
            yield Fault(first.record.spot, message, "请核对后只保留一处")


def _point(entry: Entry) -> str:
    if entry.rule_class.per in {"group", "class"}:  # many numbered rows are one rule there
        return ""
    return _NOT_ID.sub("-", plain(entry.record.cells.get("point", ""))).strip("-")


def _name(entry: Entry) -> str:
    return entry.record.cells.get("name") or entry.record.cells.get("main_name", "")


def _key(entry: Entry) -> str:
    return key_of(entry.rule_class, _name(entry), entry.codes, entry.sub, entry.reading.cells.get("group", ""))


def key_of(rule_class: RuleClass, name: str, items: Sequence[str], sub: Sequence[str] = (), group: str = "") -> str:
    """Return what a rule is about, from a workbook's row or from a pack's."""
    match rule_class.per:
        case "name":
            return plain(name)
        case "code":
            return "|".join(sorted(items))
        case "pair":
            return ">".join(("|".join(sorted(items)), "|".join(sorted(sub))))
        case "group":
            return plain(group or name)
        case "class":
            return rule_class.title


def _owners(entries: Iterable[Entry]) -> dict[str, set[str]]:
    """Return the names that have a code of each family."""
    owners: dict[str, set[str]] = {}
    for entry in entries:
        for code in entry.codes:
            owners.setdefault(family(code) or code, set()).add(plain(_name(entry)))
    return owners


def _draft(group: Sequence[Entry], owners: Mapping[str, set[str]]) -> Drafted:
    first = group[0]
    one, reading = first.rule_class, first.reading
    found = tuple(dict.fromkeys(code for entry in group for code in entry.codes))
    name = {"group": reading.cells.get("group", ""), "class": one.title}.get(one.per, _name(first))
    lacks = reading.lacks or ("一组至少要有两个项目,待人工核对" if one.per == "group" and len(found) < 2 else "")
    cells = {
        "items": "|".join(_patterns(found, owners)),
        "name": name,
        "title": one.title,
        **one.grade.cells,
        "basis": reading.basis[:40],
        "status": "incomplete" if lacks else "active",
        "note": f"{IMPORTED}{lacks}" if lacks else reading.note,
        **reading.cells,
    }
    if one.subject == "drug" and one.grade.scope == "payment" and one.per == "name":
        cells["remark"] = family(found[0]) or found[0]
    if first.sub:
        cells["sub"] = "|".join(first.sub)
    replaced = (part for entry in group for part in re.split(r"[,;、|\s]+", entry.record.cells.get("supersedes", "")))
    return Drafted(
        rule_class=one,
        key=_key(first),
        point=_point(first),
        own_id=_own_id(one, name, found, first.sub, owners),
        codes=found,
        cells={column: _one_line(cell) for column, cell in cells.items() if cell},
        spots=tuple(entry.record.spot for entry in group),
        supersedes=tuple(dict.fromkeys(_NOT_ID.sub("-", plain(part)).strip("-") for part in replaced if part)),
    )


def _one_line(cell: str) -> str:
    """Return text without the line breaks that a narrow spreadsheet column gave it."""
    return re.sub(r"\s+", " ", re.sub(r"\s*[\r\n]+\s*", "", cell)).strip()


def _patterns(found: Sequence[str], owners: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Return codes one by one, or, where they are many, by the families that no other name of the workbook shares."""
    if len(found) <= MOST_EXACT:
        return tuple(sorted(found))
    alone = {code: family(code) for code in found}
    patterns = (
        f"{prefix}*" if (prefix := alone[code]) and len(owners[prefix]) == 1 else code for code in sorted(found)
    )
    return tuple(dict.fromkeys(patterns))


def _own_id(one: RuleClass, name: str, found: Sequence[str], sub: Sequence[str], owners: Mapping[str, set[str]]) -> str:
    match one.per:
        case "group":
            return f"{one.prefix}-{GROUPS.get(plain(name)) or hashlib.sha256(plain(name).encode()).hexdigest()[:8]}"
        case "class":
            return f"{one.prefix}-pieces"
        case "pair":
            return f"{one.prefix}-{min(found)}-{min(sub)}"
        case _:
            own = [prefix for code in found if (prefix := family(code)) and len(owners[prefix]) == 1]
            return f"{one.prefix}-{min(own, default=min(found))}"
