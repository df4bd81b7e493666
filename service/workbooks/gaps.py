"""Gaps between imported knowledge points and the hospital's item dictionary (院内项目字典).

In: a CSV of the hospital's items with its own code, the national code and a name, columns known by their words. Out:
hospital items without a national code, and knowledge points of which the hospital has no item.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from service.workbooks.faults import Fault, Spot
from service.workbooks.layouts import plain
from service.workbooks.rows import Drafted
from service.workbooks.values import codes

Gap = Literal["no_national_code", "unreadable_national_code", "not_in_hospital"]
WORDS: Final[Mapping[Gap, str]] = {
    "no_national_code": "院内项目没有国家编码",
    "unreadable_national_code": "院内项目的国家编码读不出",
    "not_in_hospital": "院内没有这个知识点的项目",
}
_COLUMNS: Final = {
    "national": re.compile(r"(国家|国标|医保|贯标|全国|上传|标准).*(编码|代码|码|编号)|(national|med_list|nhsa).*code"),
    "hospital": re.compile(r".*(院内|医院|本院|院方|本地|内部|HIS|收费|物价|项目|药品|耗材|自编).*(编码|代码|码|编号)|"
                           r"编码|代码|编号|(hospital|local|item|his).*code|code", re.IGNORECASE),
    "name": re.compile(r".*(名称|品名|通用名|项目名)|名|(item_?)?name", re.IGNORECASE),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the dictionary."""

    hospital: str
    national: str
    name: str


@dataclass(frozen=True, slots=True)
class Missing:
    """One gap: the hospital's item, or the knowledge point, and what may close it."""

    gap: Gap
    item: Item
    rule: str = ""
    hint: str = ""


def read_items(path: Path) -> tuple[Item, ...] | Fault:
    """Read a dictionary, UTF-8 or GBK."""
    spot = Spot(path.name)
    try:
        content = path.read_bytes()
    except OSError as fault:
        return Fault(spot, f"读不了这个文件({fault.strerror})", "请检查路径和权限")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    columns = _columns(rows[0]) if rows else {}
    if len(columns) < len(_COLUMNS):
        seen = "、".join(rows[0]) if rows else "空文件"
        remedy = "第一行要有院内编码、国家编码、名称三列"
        return Fault(Spot(path.name, row=1), f"字典的表头看不懂,看到的是 {seen}", remedy)
    items = ({name: row[at].strip() if at < len(row) else "" for name, at in columns.items()} for row in rows[1:])
    return tuple(Item(**item) for item in items if any(item.values()))


def _columns(header: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        name = next((name for name, words in _COLUMNS.items() if words.fullmatch(plain(cell))), None)
        if name is not None:
            found.setdefault(name, place)
    return found


def find_gaps(drafts: Iterable[tuple[str, Drafted]], items: Iterable[Item]) -> tuple[Missing, ...]:
    """Compare the hospital's items with knowledge points, each with its rule id."""
    known = list(drafts)
    by_name = {plain(draft.cells["name"]): name for name, draft in known}
    gaps: list[Missing] = []
    owned: set[str] = set()
    unmapped: dict[str, str] = {}
    for item in items:
        good, bad = codes(item.national)
        owned.update(good)
        if good and not bad:
            continue
        gap: Gap = "unreadable_national_code" if bad else "no_national_code"
        rule = by_name.get(plain(item.name), "")
        gaps.append(Missing(gap, item, rule, "与这个知识点同名,对上编码后即可判断" if rule else ""))
        unmapped.setdefault(plain(item.name), item.hospital)
    for name, draft in known:
        if owned.isdisjoint(draft.codes):
            item = Item("", "|".join(draft.codes[:3]) + ("…" if len(draft.codes) > 3 else ""), draft.cells["name"])
            local = unmapped.get(plain(item.name), "")
            gaps.append(Missing("not_in_hospital", item, name, f"院内 {local} 同名而未对码" if local else ""))
    return tuple(gaps)


def as_csv(gaps: Iterable[Missing]) -> str:
    """Return all gaps as a table for the hospital's own work list."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("缺口", "院内编码", "国家编码", "名称", "规则编号", "提示"))
    for one in gaps:
        writer.writerow((WORDS[one.gap], one.item.hospital, one.item.national, one.item.name, one.rule, one.hint))
    return out.getvalue()
