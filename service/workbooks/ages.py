"""What the words of a workbook mean as an age band.

In: a cell such as 新生儿 or 3-12岁, or a running remark. Out: cells of ``age_limit``, or ``None`` where the words do
not give a band. Where they leave a bound open (12岁以下: with or without 12?) the wider reading is taken, on which
the rule is silent, and the note says so (ruling 17).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from service.workbooks.layouts import plain

Bound = tuple[int, str]
"""A number and ``y``, ``m`` or ``d``."""


@dataclass(frozen=True, slots=True)
class Band:
    """Cells of an age limit, and what a person should know about its bounds."""

    cells: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One alternative of a remark: its bounds, and whether only 儿童 closes it above."""

    low: Bound | None
    high: Bound | Literal["child"] | None
    note: str = ""


CHILD: Final = Band({"max_age": "$child_years", "silent_until": "17y"}, "原文未写年龄上限,14至17岁不提示")
WORKING: Final = Band({"min_age": "16y", "max_age": "$working_age"}, "退休年龄在变动,上限由医院填写,只提醒不拦截")
_WORDS: Final[Mapping[str, Band]] = {
    **dict.fromkeys(("儿童", "小儿", "患儿"), CHILD),
    "婴幼儿": Band({"max_age": "3y"}, "满3岁当年不提示"),
    "婴儿": Band({"max_age": "1y"}, "满1岁当年不提示"),
    "新生儿": Band({"max_age": "28d"}),
}
"""Widest first: a remark that names several is read by the widest."""

_UNITS: Final = {"岁": "y", "周岁": "y", "个月": "m", "月": "m", "月龄": "m", "天": "d", "日": "d", "日龄": "d"}
_DAYS_IN: Final = {"y": 365, "m": 30, "d": 1}
_IN_TEXT: Final = "周岁|岁|月龄|日龄"
"""Units that speak of age in a running remark; 14天 there is a course, not an age."""
_IN_CELL: Final = f"{_IN_TEXT}|个月|月|天|日"
_ITEMS: Final = re.compile(r"[:;。]\d[.、]|;")


def age_word(text: str) -> Band | None:
    """Return the band of a cell that is one word, such as 新生儿."""
    return _WORDS.get(re.sub(r"^[仅限]+|患者|专用|使用|用药|。$", "", plain(text)))


def age_cell(text: str) -> Band | None:
    """Return the band a cell gives: by its word, or by its numbers."""
    return age_word(text) or _by_numbers([plain(text)], _IN_CELL)


def age_remark(text: str) -> Band | None:
    """Return the band a running remark gives: by its numbers in years, else by 儿童 and the like."""
    words = plain(text)
    if "法定就业年龄" in words:
        return WORKING
    if re.search(r"\d(周岁|岁|月龄|日龄)", words):
        parts = [part for part in _ITEMS.split(words) if re.sub(r"^[限::。]+", "", part)]
        return _by_numbers(parts, _IN_TEXT)
    if re.search("成人|青少年|老年", words):
        return None
    return next((band for word, band in _WORDS.items() if word in words), None)


def _by_numbers(parts: Sequence[str], units: str) -> Band | None:
    stretches = [_stretch(part, units) for part in parts]
    known = [one for one in stretches if one is not None]
    if len(known) < len(stretches) or not known:
        return None
    cells: dict[str, str] = {}
    lows = [one.low for one in known if one.low is not None]
    if len(lows) == len(known):
        cells["min_age"] = _written(min(lows, key=_in_days))
    notes = [one.note for one in known]
    highs = [one.high for one in known if one.high is not None]
    numbers = [high for high in highs if high != "child"]
    if numbers and len(numbers) < len(highs):
        return None
    if len(highs) == len(known):
        if numbers:
            cells["max_age"] = _written(max(numbers, key=_in_days))
        else:
            cells |= CHILD.cells
            notes.append(CHILD.note)
    if len(set(known)) > 1:
        notes.append("原文按适应症分列年龄,取最宽")
    return Band(cells, ";".join(dict.fromkeys(note for note in notes if note))) if cells else None


def _stretch(text: str, units: str) -> Stretch | None:
    child: Literal["child"] | None = "child" if re.search("儿童|小儿|患儿", text) else None
    span = re.findall(rf"(\d+)({units})?[至到~–—-]+(\d+)({units})(及)?(以下)?", text)
    if span:
        low, low_unit, high, high_unit, with_it, below = span[0]
        note = _open(high, high_unit, "以下") if below and not with_it else ""
        whole = Stretch((int(low), _UNITS[low_unit or high_unit]), (int(high), _UNITS[high_unit]), note)
        return whole if len(span) == 1 else None
    low_bound, low_note = _low(text, units)
    high_bound, high_note = _high(text, units)
    if low_bound is None and high_bound is None:
        return None
    return Stretch(low_bound, high_bound or child, ";".join(filter(None, (low_note, high_note))))


def _low(text: str, units: str) -> tuple[Bound | None, str]:
    found = re.search(rf"(?:(?<![未不])满|≥|不小于|不低于)(\d+)({units})(?!及?以下)", text)
    if found:
        return (int(found[1]), _UNITS[found[2]]), ""
    found = re.search(rf"(\d+)({units})(及|含|\(含\))?(?:\d+(?:{units}))?以上", text)
    if found:
        return (int(found[1]), _UNITS[found[2]]), "" if found[3] else _open(found[1], found[2], "以上")
    return None, ""


def _high(text: str, units: str) -> tuple[Bound | None, str]:
    found = re.search(rf"(?:未满|不满|小于|<)(\d+)({units})", text)
    if found:
        return (int(found[1]) - 1, _UNITS[found[2]]), ""
    found = re.search(rf"(?:≤|不超过|不大于)(\d+)({units})", text)
    if found:
        return (int(found[1]), _UNITS[found[2]]), ""
    found = re.search(rf"(\d+)({units})(及|含|\(含\))?(?:\d+(?:{units}))?(以下|以内|之内)", text)
    if found:
        clear = found[3] or found[4] != "以下"
        return (int(found[1]), _UNITS[found[2]]), "" if clear else _open(found[1], found[2], "以下")
    return None, ""


def _open(number: str, unit: str, word: str) -> str:
    return f"原文写“{number}{unit}{word}”而未写明是否含本数,满{number}{unit}时不提示"


def _in_days(bound: Bound) -> int:
    return bound[0] * _DAYS_IN[bound[1]]


def _written(bound: Bound) -> str:
    return f"{bound[0]}{bound[1]}"
