"""Tables inside sheets: which row is the header, what each column is, and which rows are no knowledge points.

Nothing here knows the given files: a header is any row near the top whose words are column words (``COLUMN_WORDS``).
Above it stands the title; totals, notes and repeated headers are set apart, not taken for data.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from service.workbooks.faults import Fault, Spot
from service.workbooks.sheets import Sheet

LONGEST_NAME: Final = 40
"""A longer text alone in its row is a remark."""
HEADER_WITHIN: Final = 10
"""The header stands in the first so many rows."""

COLUMN_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "supersedes": (
        "替代知识点编号",
        r"(替代|取代|修订前|原|被替代|被取代|被修订)(的)?(知识点|规则)?(编号|编码|代码|ID)",
    ),
    "point": ("知识点编号", r"(知识点|规则点)(编号|编码|代码|ID|序号)|知识点"),
    "type": ("限定类型", r"(限定|限制|规则|知识点)(类型|名称|类别|分类)"),
    "sub_code": ("从项编码", r"(从项|子项|被包含项?|重复项|内涵项)(项目)?(国家|国标|医保)*(编码|代码|编号)"),
    "main_code": ("主项编码", r"(主项|母项|包含项)(项目)?(国家|国标|医保)*(编码|代码|编号)"),
    "sub_name": ("从项名称", r"(从项|子项|被包含项?|重复项|内涵项)(项目)?(名称)?"),
    "main_name": ("主项名称", r"(主项|母项|包含项)(项目)?(名称)?"),
    "code": (
        "项目编码",
        r"(全国|国家|国标|医保|统一|标准|医疗服务|诊疗|服务|药品|饮片|中药|耗材|项目|目录|贯标)*(编码|代码|码)|"
        r"(国家|国标|医保|服务|药品|饮片|耗材|项目)+编号",
    ),
    "name": (
        "项目名称",
        r"(全国|国家|医保|医疗服务|诊疗|服务|药品|中药|饮片|耗材|项目|目录)*(通用|注册)?(名称?|通用名)|药品|项目|饮片",
    ),
    "window": ("频度", r"频度|(统计|计算|限定|重复|收费)?(时间)?(窗口|范围|时限|时窗)|时间(范围|窗口|维度)"),
    "max": (
        "限制数量",
        r"(限制|限定|最大|最高|支付|允许)?(数量|次数|频次)(上限|限制|限额)?|限定数|(频次|数量|次数)限定",
    ),
    "unit": ("数量单位", r"(数量|计价|计量|计费|频次|限制|限定)?单位"),
    "days": ("疗程周期", r"(疗程|限定|统计|间隔|支付|频次)?周期(天数|\(天\))?|(周期|间隔)(时间|天数|日数)?"),
    "value": (
        "限定对象",
        r"(限定|限制|限)(支付)?(对象|值域|值|性别|年龄|年龄段|人群|险种|保险|保险类型|范围|天数|疗程|级别|机构级别|"
        r"医疗机构级别|就医方式|方式|条件|组别|分组)|(性别|年龄|年龄段|险种|手术组|分组|组别|就医方式|就诊方式|"
        r"医疗机构级别|机构级别|支付疗程|支付天数|参数|阈值|适应症)",
    ),
    "text": (
        "说明",
        r"(药品|项目|规则|知识点|目录|支付)?(说明|备注|依据|描述|内涵|内容|提示)|(限定|限制|限)?(支付)?(范围|内容)(说明|描述)|"
        r"备注(说明|内容)?|(医保)?(限定)?支付(范围|限定|条件)",
    ),
    "serial": ("序号", r"序号|编号|NO\.?|行号"),
}
"""Column to the word people look for and the words it is known by; the first that fits wins."""

_ROLES: Final = tuple((role, re.compile(f"(?:{words})$", re.IGNORECASE)) for role, (_, words) in COLUMN_WORDS.items())
_ALONE: Final = frozenset({"serial"})
_TOTAL: Final = re.compile(r"^(合计|总计|小计|共计|总数)|^共\d+[条个项]")
_NOTE: Final = re.compile(r"^(备注|注|说明|附注|注释|填表|来源|数据来源|第\d+页)[::\d第\s共页/]|^注\d*[.、]")
_COUNT: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Record:
    """One data row: its cells by column, as text."""

    spot: Spot
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet's table."""

    sheet: str
    file: str
    title: str
    """Text above the header, and the sheet's own name: where a class is named."""
    headers: Mapping[str, str]
    """Column to its header as it stands in the sheet."""
    records: tuple[Record, ...]
    announced: tuple[int, ...]
    """Numbers that the table's own total row gives."""
    notes: tuple[str, ...]

    def has(self, *roles: str) -> bool:
        """Say whether any of these columns is there."""
        return any(role in self.headers for role in roles)


def plain(text: str) -> str:
    """Return text for comparing: half-width, without blanks and line breaks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def role_of(header: str) -> str | None:
    """Return which column a header names, ``None`` for one that means nothing here."""
    words = re.sub(r"[*::]|\([^)]*\)$|\d+$", "", plain(header))
    return next((role for role, pattern in _ROLES if pattern.fullmatch(words or plain(header))), None)


def read_table(sheet: Sheet) -> Table | Fault | None:
    """Return a sheet's table; ``None`` for a page of text only; a fault when its header is not understood."""
    found = _find_header(sheet)
    if found is None:
        return _not_understood(sheet)
    first, last, columns = found
    headers = {role: _header(sheet, first, last, place) for role, place in columns.items()}
    kept = [(number, row) for number, row in enumerate(sheet.rows[last + 1 :], start=last + 2) if any(row)]
    ends = max((at for at, (_, row) in enumerate(kept) if not _is_text(row) and not _is_total(row)), default=-1)
    records, announced, notes = [], [], []
    for at, (number, row) in enumerate(kept):
        text = next(cell for cell in row if cell)
        if _is_total(row):
            announced.extend(_numbers(row))
        elif _repeats(row, sheet.rows[last]):
            continue
        elif _is_note(row, last=at > ends):
            notes.append(text)
        else:
            cells = {role: row[place] for role, place in columns.items() if place < len(row) and row[place]}
            records.append(Record(Spot(sheet.file, sheet.name, number), cells))
    title = " ".join(dict.fromkeys(cell for row in sheet.rows[:first] for cell in row if cell))
    return Table(sheet.name, sheet.file, title, headers, tuple(records), tuple(announced), tuple(notes))


def _find_header(sheet: Sheet) -> tuple[int, int, dict[str, int]] | None:
    """Return first and last row of the header and its columns; a header may stand in two rows, one above the other."""
    best: tuple[int, int, dict[str, int]] | None = None
    for last in range(min(HEADER_WITHIN, len(sheet.rows))):
        for first in (last, last - 1):
            if first < 0 or (first < last and _is_text(sheet.rows[first])):
                continue
            width = len(sheet.rows[last])
            columns = _columns(_header(sheet, first, last, place) for place in range(width))
            if _is_header(columns) and (best is None or len(columns) > len(best[2])):
                best = (first, last, columns)
    return best


def _header(sheet: Sheet, first: int, last: int, place: int) -> str:
    upper, lower = sheet.rows[first][place], sheet.rows[last][place]
    return lower if first == last or plain(upper) == plain(lower) else f"{upper}{lower}"


def _columns(headers: Iterable[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for place, header in enumerate(headers):
        role = role_of(header) if header else None
        if role is not None:
            columns.setdefault(role, place)
    return columns


def _is_header(columns: Mapping[str, int]) -> bool:
    return len(columns.keys() - _ALONE) > 1 and bool(columns.keys() & {"name", "code", "main_name", "main_code"})


def _is_text(row: tuple[str, ...]) -> bool:
    """Say whether a row holds one text only (a title, a total, a note), which merging may have repeated."""
    return len({cell for cell in row if cell}) <= 1


def _is_note(row: tuple[str, ...], *, last: bool) -> bool:
    """Say whether a row is a remark on the table. A short text in one cell may be a row that lost its other cells."""
    if not _is_text(row):
        return False
    text = plain(next(cell for cell in row if cell))
    sentence = "。" in text or len(text) > LONGEST_NAME or sum(map(bool, row)) > 1
    return bool(_NOTE.match(text)) or (last and sentence)


def _is_total(row: tuple[str, ...]) -> bool:
    return bool(_TOTAL.match(plain(next(cell for cell in row if cell))))


def _repeats(row: tuple[str, ...], header: tuple[str, ...]) -> bool:
    return [plain(cell) for cell in row] == [plain(cell) for cell in header]


def _numbers(row: tuple[str, ...]) -> list[int]:
    found = [_COUNT.search(plain(cell)) for cell in dict.fromkeys(row)]
    return [int(match[0]) for match in found if match is not None][:1]


def _not_understood(sheet: Sheet) -> Fault | None:
    if all(_is_text(row) for row in sheet.rows):
        return None
    seen = max(sheet.rows[:HEADER_WITHIN], key=lambda row: len({cell for cell in row if cell}))
    words = "、".join(f"“{cell}”" for cell in dict.fromkeys(seen) if cell)
    known = "、".join(word for word, _ in COLUMN_WORDS.values())
    remedy = f"请让表头在前{HEADER_WITHIN}行内,至少有名称或编码一列和一列限定内容;认得的列名如: {known}"
    return Fault(Spot(sheet.file, sheet.name), f"找不到能看懂的表头,看到的是 {words}", remedy)
