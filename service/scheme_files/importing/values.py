"""Cells of other people's tables in the scheme's own form: words, numbers, ages, lists of codes."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from rules.dip.codes import ATTRIBUTE_WORDS, FAMILY_WORDS, STATUS_WORDS
from rules.dip.compiler import LAYOUTS

NOTHING: Final = frozenset({"-", "--", "—", "——", "/", "无", "空", "null", "NULL", "None", "#N/A"})
"""What people write into a cell that says nothing."""
YES: Final = frozenset({"是", "√", "1", "Y", "y", "true", "基层病种"})
NO: Final = frozenset({"否", "×", "0", "N", "n", "false", "非基层病种"})


WORDS: Final[dict[str, dict[str, str]]] = {
    "attribute": {word: str(name) for name, word in ATTRIBUTE_WORDS.items()} | {
        "保守": "conservative", "内科治疗": "conservative", "诊断性": "diagnostic", "治疗性": "therapeutic",
        "介入": "intervention", "手术治疗": "surgery", "相关手术": "surgery",
    },
    "class": {word: str(status) for status, word in STATUS_WORDS.items()}
    | dict.fromkeys(YES, "primary_care") | dict.fromkeys(NO, ""),
    "family": {word: str(name) for name, word in FAMILY_WORDS.items()},
    "sex": {"男": "male", "女": "female", "男性": "male", "女性": "female", "1": "male", "2": "female"},
    "severity": {"中度": "moderate", "重度": "severe", "CC": "moderate", "MCC": "severe"},
    "use": {"预算": "budget", "预算点值": "budget"} | dict.fromkeys(("结算", "结算点值", "清算"), "settlement"),
    "status": dict.fromkeys(("1", "是", "完整", "启用"), "active")
    | dict.fromkeys(("0", "否", "不完整", "停用"), "incomplete"),
    "effect": {
        "剔除": "removed", "按保守治疗入组": "conservative", "不得作主手术": "not_main", "限诊断范围": "within_scope",
    },
    "type": {
        "合并症": "cci", "疾病严重程度": "severity", "肿瘤严重程度": "tumour_severity", "年龄": "age",
        "年龄特征": "age", "重症监护": "icu", "次要诊断": "secondary", "次要诊断病种": "secondary",
    },
    "level": {f"{word}级": str("一二三四1234".index(word) % 4 + 1) for word in "一二三四1234"},
    "main_op": dict.fromkeys(("保守治疗", "无手术", "无操作"), ""),
    "anywhere": {"是": "true", "否": "false"},
}  # fmt: skip
"""Column to the words of its cells and what the scheme writes."""

_NUMBERS: Final = frozenset({"number", "yuan", "whole number", "number from 0 to 1"})
_DIAGNOSES: Final = frozenset({"dx", "any_dx", "other_dx", "without_dx", "scope"})
_AGE: Final = re.compile(r"(\d+)(周?岁|个?月|天|日)(以[上下内])?")
_UNITS: Final = {"岁": "y", "月": "m", "天": "d", "日": "d"}
_NUMBER: Final = re.compile(r"([-+]?[\d,]+(?:\.\d+)?(?:[eE][-+]?\d+)?)(%|元|分|天|日|例)?")


def translated(table: str, column: str, cell: str) -> str:
    """Return a cell in the scheme's form; what is not understood stays, and the scheme's check will say so."""
    text = cell.strip()
    if text in NOTHING:
        return ""
    known = WORDS.get(column, {})
    if text in known:
        return known[text]
    form = _FORMS[table].get(column, "")
    if form in _NUMBERS:
        return _number(text, yuan=form == "yuan")
    if column in _DIAGNOSES:
        return _diagnoses(text)
    if column in {"min_age", "max_age"}:
        return _age(text)
    return _code(text) if column in _CODES else text


_FORMS: Final = {table: {column.name: column.cell for column in layout.columns} for table, layout in LAYOUTS.items()}
_CODES: Final = frozenset({"main_op", "related_op", "code", "from", "to", "key"})


def _number(text: str, *, yuan: bool) -> str:
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    if found is None:
        return text
    try:
        value = Decimal(found[1].replace(",", ""))
    except InvalidOperation:
        return text
    value = value / 100 if found[2] == "%" else value
    # Spreadsheets compute in binary: 0.6110000000000001 is 0.611.
    value = value.quantize(Decimal("0.0001") if yuan else Decimal("1e-10"), rounding=ROUND_HALF_UP)
    shown = f"{value:f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) or "0"


def _diagnoses(text: str) -> str:
    parts = re.split(r"[|、,;/\s]+", unicodedata.normalize("NFKC", text))
    return "|".join(part for part in parts if part)


def _age(text: str) -> str:
    found = _AGE.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    return text if found is None or found[3] else f"{found[1]}{_UNITS[found[2][-1]]}"


def _code(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "|".join(lines) if len(lines) > 1 else text
