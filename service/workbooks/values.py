"""What the words of a workbook mean as parameters: codes, days, frequencies, windows, sexes, visits, levels.

Each reader returns the meaning, or ``None`` where the words do not give it: nothing is guessed. Ages have a module
of their own.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from rules.codings import item_code
from service.workbooks.layouts import plain

YEAR, MONTH, WEEK = 365, 31, 7
"""Days of a period in words; a month is the longest one, so that no month is cut short."""

_DIGITS: Final = {word: number for number, word in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER: Final = r"(\d+|[一二两三四五六七八九十]+)"
_PERIOD: Final = rf"{_NUMBER}(?:个)?(天|日|周|月|年)"
_DAYS: Final = {"天": 1, "日": 1, "周": WEEK, "月": MONTH, "年": YEAR}


def number(text: str) -> int | None:
    """Return a whole number from digits or from Chinese numerals up to 99."""
    word = plain(text)
    if word.isdigit() and word.isascii():
        return int(word)
    tens, mark, ones = word.rpartition("十")
    if not mark:
        return _DIGITS.get(word)
    high, low = _DIGITS.get(tens) if tens else 1, _DIGITS.get(ones) if ones else 0
    return None if high is None or low is None else high * 10 + low


# codes

_SHAPES: Final = re.compile(r"\d{15}|X[0-9A-Z]{22}|Z[0-9A-Z]{19}|T[0-9A-Z]{9}|C[0-9A-Z]{26}")
_EATEN: Final = re.compile(r"[1-9]\d{12}")
"""A national service code (00…) that a spreadsheet took for a number: its two zeros are gone."""
_BETWEEN: Final = re.compile(r"[,;、/|\s]+|以及|和|及")


def codes(cell: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the national codes of a cell in normal form, and the parts that are none."""
    good: list[str] = []
    bad: list[str] = []
    for part in filter(None, _BETWEEN.split(unicodedata.normalize("NFKC", cell))):
        code = item_code(part.removesuffix(".0"))
        code = f"00{code}" if _EATEN.fullmatch(code) else code
        (good if _SHAPES.fullmatch(code) else bad).append(code)
    return tuple(dict.fromkeys(good)), tuple(bad)


def family(code: str) -> str | None:
    """Return the family a drug code belongs to (ruling 3); services and decoction pieces have none."""
    return {"X": code[:14], "Z": code[:11]}.get(code[0])


# days

_COURSE: Final = re.compile(rf"(?:不超过|不得超过|不能超过|不多于|最多|至多|最长)(?:支付|使用)?(?:时间)?{_PERIOD}")
_APART: Final = re.compile(rf"间隔(?:时间|天数)?(?:不短于|不少于|不低于|不得少于|不得短于|大于等于|至少){_PERIOD}")
_ONCE_IN: Final = re.compile(rf"每{_NUMBER}?(天|日|周)内?(?:最多|不超过|至多|限)?(?:支付|收费|计费|检查)?{_NUMBER}次")


def days(text: str) -> int | None:
    """Return the days of a period such as 14天, 2周, 12个月, 一年."""
    match = re.fullmatch(_PERIOD, plain(text))
    return _in_days(match[1], match[2]) if match else None


def _in_days(count: str, unit: str) -> int | None:
    amount = number(count)
    if amount is None:
        return None
    return amount // 12 * YEAR + amount % 12 * MONTH if unit == "月" else amount * _DAYS[unit]


def course_days(text: str) -> int | None:
    """Return the days a sentence says are paid for; ``None`` where it says none, or more than one number."""
    found = {_in_days(count, unit) for count, unit in _COURSE.findall(plain(text))}
    return found.pop() if len(found) == 1 else None


def interval(text: str) -> tuple[int, int] | None:
    """Return how many within how many days: 间隔不短于14天 is 1 in 14, 每周最多一次 is 1 in 7."""
    found = {(1, apart) for count, unit in _APART.findall(plain(text)) if (apart := _in_days(count, unit))}
    for count, unit, most in _ONCE_IN.findall(plain(text)):
        span, times = _in_days(count or "1", unit), number(most)
        if span and times and (unit == "周" or span > 1):
            found.add((times, span))
    return found.pop() if len(found) == 1 else None


# frequencies

_PER_DAY: Final = (
    re.compile(r"(?:每|1)?(?:自然)?[日天](?:最多|不超过|不得超过|不能超过|不能大于|不大于|至多|限)?"
               r"(?:收费|计费|支付)?(\d+)(次|小时)"),
    re.compile(r"(\d+)(次|小时)/[日天]"),
)  # fmt: skip


def per_day(amount: str, unit: str = "") -> tuple[int, str] | None:
    """Return a daily limit and its unit, 次 or 小时: from a number and its unit, or from words such as 1次/日.

    The authority writes one a day as 1 and 日; several 日 say nothing clear and are not read.
    """
    count, words = number(amount), plain(unit)
    if count is not None:
        if words in {"日", "天", "床日", "次/日", "次/天", "次", "每日", "每天"}:
            return (count, "次") if count == 1 or "次" in words else None
        return (count, "小时") if words in {"小时", "小时/日", "小时/天"} else None
    text = plain(amount)
    match = next((found for pattern in _PER_DAY if (found := pattern.fullmatch(text))), None)
    return (int(match[1]), match[2]) if match else None


# single words

_WINDOWS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("单日", "同日", "同一日", "当日", "每日", "日", "同一天", "每天", "自然日"), "day"),
    **dict.fromkeys(("单次就诊", "同次就诊", "同一次就诊", "每次就诊", "单次住院", "同一次住院", "一次就诊"), "visit"),
    **dict.fromkeys(("6小时", "6小时内", "六小时", "六小时内"), "six_hours"),
    **dict.fromkeys(("同一小时", "同一小时内", "同小时", "1小时", "1小时内", "一小时", "一小时内"), "hour"),
}


def window(text: str) -> str | None:
    """Return when two items must not both be charged."""
    return _WINDOWS.get(plain(text))


def sex(text: str) -> str | None:
    """Return the one sex that is allowed."""
    match = re.fullmatch(r"[仅限]*(?:于)?(男|女)(?:性)?(?:患者|病人|专用|使用|参保人)*", plain(text))
    return {"男": "male", "女": "female"}[match[1]] if match else None


def insurance(text: str) -> str | None:
    """Return the fund that pays."""
    match = re.fullmatch(r"[仅限]*(工伤|生育)(?:保险)?(?:支付|基金|参保人员|目录用药)*", plain(text))
    return {"工伤": "work_injury", "生育": "maternity"}[match[1]] if match else None


_VISITS: Final = {"住院": "inpatient", "急诊": "emergency", "抢救": "emergency", "门诊": "outpatient"}


def visits(text: str) -> tuple[str, ...] | None:
    """Return the kinds of visit allowed, where the words say nothing but that."""
    words = re.sub(r"^[仅限]+|患者|病人|使用|支付|就医|方式|期间|期|时|。$", "", plain(text))
    parts = [part for part in re.split(r"或|和|及|与|、|,|/|;", words) if part]
    if not parts or any(part not in _VISITS for part in parts):
        return None
    return tuple(sorted({_VISITS[part] for part in parts}))


_LEVELS: Final = {"一级": 1, "二级": 2, "三级": 3}
_LEVEL: Final = re.compile(
    r"[仅限]*(?P<first>首次处方)?[限由]*(?P<level>[二三]级)(?P<up>及以上)?(?:(?:医院|医疗机构|定点医疗机构)*"
    r"(?P<eye>[一-龥]{1,4}科)?)(?:或(?P<alt>[二三]级)(?:及以上)(?P<field>[一-龥]{1,4}科)专科(?:医院|医疗机构))?"
    r"(?:使用|支付|患者)*。?"
)


def facility(text: str) -> dict[str, str] | None:
    """Return the cells of a hospital level limit, where the words say nothing but that."""
    match = _LEVEL.fullmatch(plain(text))
    if match is None or (match["level"] == "二级" and not match["up"]) or bool(match["eye"]) != bool(match["alt"]):
        return None
    cells = {"min_level": str(_LEVELS[match["level"]])}
    if match["alt"]:
        cells |= {"alt_specialty": match["field"], "alt_level": str(_LEVELS[match["alt"]])}
    return cells | ({"first_prescription": "true"} if match["first"] else {})
