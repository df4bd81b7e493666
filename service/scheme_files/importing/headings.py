"""Headings of other people's tables, and the columns they mean.

A heading is known by its words, whatever its blanks, line breaks, full-width letters and units in brackets. The one
place to add a heading.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.dip.compiler import LAYOUTS

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "group": ("病种编码", "病种代码", "DIP编码", "DIP病种编码", "DIP代码", "分组编码", "入组编码", "核心病种编码",
              "综合病种编码", "病种序号", "group_no"),
    "name": ("病种名称", "DIP名称", "DIP病种名称", "分组名称", "核心病种名称", "综合病种名称", "名称"),
    "layer": ("层级", "分组层级", "目录层级"),
    "class": ("病种类型", "病种类别", "病种分类", "基层病种", "是否基层病种", "是否为基层病种"),
    "family": ("五类病种", "病种五分类"),
    "dx": ("主要诊断编码", "主诊断编码", "主要诊断代码", "主诊断代码", "主要诊断", "诊断编码", "诊断代码",
           "疾病诊断编码", "适用诊断编码"),
    "any_dx": ("任一诊断编码",),
    "other_dx": ("其他诊断编码", "次要诊断编码", "其他诊断代码", "次要诊断代码"),
    "without_dx": ("除外诊断编码", "不含诊断编码"),
    "main_op": ("主要手术操作编码", "主要手术编码", "主手术编码", "主要操作编码", "主手术操作编码", "手术操作编码",
                "手术操作代码", "手术编码", "操作编码", "主要手术操作代码"),
    "related_op": ("相关手术操作编码", "相关手术编码", "其他手术操作编码", "相关操作编码", "相关手术操作代码",
                   "其他手术编码"),
    "attribute": ("操作属性", "手术操作属性", "治疗方式", "操作类型", "手术属性", "属性", "op_type"),
    "score": ("分值", "病种分值", "基准分值", "标准分值", "基础分值"),
    "mean_cost": ("次均费用", "例均费用", "平均费用", "病例平均费用", "次均住院费用", "病种均费"),
    "mean_cost_1": ("一级次均费用", "一级医院次均费用"),
    "mean_cost_2": ("二级次均费用", "二级医院次均费用"),
    "mean_cost_3": ("三级次均费用", "三级医院次均费用"),
    "coefficient_1": ("一级系数", "一级医院系数", "一级医疗机构系数", "一级调整系数", "一级"),
    "coefficient_2": ("二级系数", "二级医院系数", "二级医疗机构系数", "二级调整系数", "二级"),
    "coefficient_3": ("三级系数", "三级医院系数", "三级医疗机构系数", "三级调整系数", "三级"),
    "basic_factor": ("基层病种系数", "基础系数"),
    "mean_days": ("平均住院日", "次均住院日", "平均住院天数", "例均住院日"),
    "mortality": ("死亡率", "病死率"),
    "cases": ("病例数", "例数", "出院例数"),
    "variation": ("变异系数", "费用变异系数", "CV"),
    "sex": ("性别", "限性别", "适用性别"),
    "min_age": ("年龄下限", "最小年龄"),
    "max_age": ("年龄上限", "最大年龄"),
    "status": ("状态", "row_complete"),
    "note": ("备注", "说明"),
    "key": ("诊断类目", "诊断类目编码", "类目编码", "类目"),
    "code": ("编码", "代码", "诊断编码", "诊断代码", "疾病编码", "疾病诊断编码", "手术操作编码", "手术操作代码",
             "手术编码", "操作编码", "医保编码", "op_code"),
    "level": ("手术级别", "级别", "医院等级", "医疗机构等级", "医院级别", "医疗机构级别"),
    "incision": ("切口等级", "切口类别"),
    "from": ("原编码", "源编码", "映射前编码", "上报编码"),
    "to": ("目标编码", "映射编码", "映射后编码", "目录编码"),
    "effect": ("处理方式",),
    "scope": ("适用诊断范围",),
    "type": ("辅助目录类型", "分型类型"),
    "subtype": ("分型", "亚型", "辅助目录分型"),
    "coefficient": ("系数", "调整系数", "校正系数", "机构系数", "医院系数"),
    "hospital": ("医院编码", "医疗机构编码", "机构编码", "定点医药机构编码"),
    "insurance": ("险种", "险种类型"),
    "disease": ("疾病大类", "合并症分类"),
    "weight": ("权重", "CCI权重"),
    "severity": ("严重程度",),
    "table": ("排除表", "排除表编号"),
    "value": ("点值", "分值单价"),
    "use": ("点值类型",),
    "place": ("参保地",),
    "valid_from": ("生效日期", "开始日期"),
    "valid_to": ("失效日期", "结束日期"),
    "source": ("文件依据", "依据"),
}  # fmt: skip
"""Column to headings that mean it."""

NAMES_OF_CODES: Final = (
    "诊断名称", "疾病名称", "疾病诊断名称", "手术操作名称", "手术名称", "操作名称",
)  # fmt: skip
"""Headings that mean ``name`` in a table of codes, and only say a code in words in any other."""
CODE_TABLES: Final = frozenset({"operations", "diagnoses"})

NAMES: Final = frozenset({
    "序号", "主要诊断名称", "主诊断名称", "其他诊断名称", "主要手术操作名称", "主要手术名称", "主手术名称",
    "主手术操作名称", "相关手术操作名称", "相关手术名称", "其他手术操作名称", *NAMES_OF_CODES,
})  # fmt: skip
"""Headings that say in words what a code beside them says; left out without a word."""

FIRST_ROWS: Final = 10
_UNITS: Final = re.compile(r"[(\[【].*?[)\]】]")


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the headings of one sheet mean."""

    row: int
    """Row of the headings, from 0."""
    columns: Mapping[int, str]
    """Place in a row to the column it means."""
    headings: Mapping[int, str] = field(default_factory=dict)
    ignored: tuple[int, ...] = ()
    """Places whose heading is not known."""


class HeadingFault(ValueError):
    """The headings of a sheet cannot be used; the message says why, in Chinese."""


def plain(text: str) -> str:
    """Return a heading without blanks and units, half-width."""
    return _UNITS.sub("", re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)))


def meaning(heading: str, table: str) -> str | None:
    """Return the column of a table that a heading means."""
    known = LAYOUTS[table].known.known
    word = plain(heading)
    if word in known:
        return word
    if table in CODE_TABLES and word in NAMES_OF_CODES:
        return "name"
    return next((column for column in known if word and word in HEADINGS.get(column, ())), None)


def recognise(rows: Sequence[Sequence[str]], table: str, given: Mapping[str, str]) -> Recognised:
    """Find the headings in the first rows. Raises ``HeadingFault``: none, two for one column, or one is missing."""
    best = max(range(min(FIRST_ROWS, len(rows))), key=lambda at: _hits(rows[at], table, given), default=None)
    if best is None or not _hits(rows[best], table, given):
        shown = "、".join(filter(None, rows[0][:8])) if rows else "(空表)"
        raise HeadingFault(f'前 {FIRST_ROWS} 行里没有认得的表头(看到 {shown});请用 --map "表头=列名" 写明')
    row = rows[best]
    unused = set(given) - {plain(cell) for cell in row}
    if unused:
        raise HeadingFault(f"--map 写的表头 {'、'.join(sorted(unused))} 不在表里")
    columns: dict[int, str] = {}
    ignored: list[int] = []
    for place, cell in enumerate(row):
        column = given.get(plain(cell), meaning(cell, table))
        if column:
            columns[place] = column
        elif cell and column is None and plain(cell) not in NAMES:
            ignored.append(place)
    _check(row, columns, table)
    return Recognised(best, columns, {place: cell for place, cell in enumerate(row) if cell}, tuple(ignored))


def _hits(row: Sequence[str], table: str, given: Mapping[str, str]) -> int:
    return sum(bool(given.get(plain(cell)) or meaning(cell, table)) for cell in row)


def _check(row: Sequence[str], columns: Mapping[int, str], table: str) -> None:
    for column in dict.fromkeys(columns.values()):
        headings = [row[place] for place, found in columns.items() if found == column]
        if len(headings) > 1 and column != "class":  # 病种类型 beside 基层病种: both say something
            raise HeadingFault(f'{"、".join(headings)} 都认作 {column};请用 --map 写明是哪一列,其余写 "表头="')
    missing = [column for column in LAYOUTS[table].known.required if column not in columns.values()]
    if missing:
        words = [f"{column}({'、'.join(HEADINGS.get(column, ())[:3])})" for column in missing]
        raise HeadingFault(f'没有找到 {"、".join(words)} 这一列;请用 --map "表头={missing[0]}" 写明')
