"""Scalars as senders write them, turned into the core's exact ones.

In: a JSON scalar of any type. Out: an exact integer, an aware datetime, a date, a text, or ``None`` for absent.
Raises ``ValueError`` with a short Chinese sentence (never quoting the value) when something is there but means nothing.
Reader rules: national interface section 7 (``""``, ``"-"``, null and missing are absent; year 9999 or 1900 is unknown).
"""

import math
import re
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from rules.model import UNIT

LARGEST: Final = 10**15
"""No money or quantity reaches 100 billion; what does is a fault in the message."""

ABSENT: Final = frozenset({"", "-", "--", "null", "NULL"})
_CLOCK = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?$")
_DIGITS = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2}))?$")
_UNKNOWN_YEARS = frozenset({1, 1900, 9999})  # year 1 is .NET's empty date


def text(value: object) -> str | None:
    """Return a code or name as text; a number becomes its shortest text; absent forms become ``None``."""
    if value is None:
        return None
    if isinstance(value, str):
        stripped = value.strip()
        return None if stripped in ABSENT else stripped
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value == int(value) else repr(value)
    raise ValueError("应为文本或数字")


def fixed(value: object) -> int | None:
    """Return money or a quantity in 1/10,000, exact for up to four decimals (further ones round half up)."""
    if value is None:
        return None
    if isinstance(value, str):
        return _fixed_text(value)
    if isinstance(value, bool):
        raise ValueError("应为数字")
    if isinstance(value, int):
        number = value * UNIT
    elif isinstance(value, float) and math.isfinite(value):
        number = round(value * UNIT) if abs(value) < LARGEST else LARGEST + 1
    else:
        raise ValueError("应为有限的数字")
    if abs(number) > LARGEST:
        raise ValueError("数值超出合理范围")
    return number


@lru_cache(maxsize=65_536)
def _fixed_text(value: str) -> int | None:
    stripped = value.strip().replace(",", "").replace(",", "")
    if stripped in ABSENT:
        return None
    try:
        number = Decimal(stripped)
    except InvalidOperation:
        raise ValueError("应为数字") from None
    if not number.is_finite() or number.adjusted() > 14:
        raise ValueError("数值超出合理范围")
    scaled = (number * UNIT).to_integral_value(rounding="ROUND_HALF_UP")
    if abs(scaled) > LARGEST:
        raise ValueError("数值超出合理范围")
    return int(scaled)


def moment(value: object, zone: tzinfo) -> tuple[datetime, bool] | None:
    """Return an aware datetime and whether it carried a clock time; ``None`` when absent or unknown.

    Numbers are epoch milliseconds, or yyyymmdd (some serialisers send them). A date alone is that day's midnight, not
    timed; and so is midnight sharp, since that is how most senders pad a bare date.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _moment_text(value, zone)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("应为日期时间")
    if 1900_01_01 <= value <= 9999_12_31:
        return _moment_text(str(int(value)), zone)  # 20260318 as a number is a date; as epoch it would be 1970
    try:
        return _timed(datetime.fromtimestamp(value / 1000, zone))
    except (ValueError, OverflowError, OSError):
        raise ValueError("日期时间不合法") from None


@lru_cache(maxsize=65_536)
def _moment_text(value: str, zone: tzinfo) -> tuple[datetime, bool] | None:
    stripped = value.strip()
    if stripped in ABSENT:
        return None
    found = _CLOCK.match(stripped) or _DIGITS.match(stripped)
    if found is None:
        return _moment_iso(stripped, zone)
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in found.groups())
    if year in _UNKNOWN_YEARS:
        return None
    try:
        return _timed(datetime(year, month, day, hour, minute, second, tzinfo=zone))
    except ValueError:
        raise ValueError("日期时间不存在") from None


def _moment_iso(value: str, zone: tzinfo) -> tuple[datetime, bool] | None:
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("日期时间格式不认识") from None
    if parsed.year in _UNKNOWN_YEARS:
        return None
    aware = parsed.replace(tzinfo=zone) if parsed.tzinfo is None else parsed.astimezone(zone)
    return _timed(aware)


def _timed(when: datetime) -> tuple[datetime, bool]:
    return when, bool(when.hour or when.minute or when.second or when.microsecond)


def day(value: object, zone: tzinfo) -> date | None:
    """Return a local date (a time part is dropped)."""
    found = moment(value, zone)
    return found[0].date() if found else None


_TRUE = frozenset({"1", "true", "True", "TRUE", "Y", "y", "是"})
_FALSE = frozenset({"0", "false", "False", "FALSE", "N", "n", "否"})


def flag(value: object) -> bool | None:
    """Return a yes/no flag; anything that is neither is unknown, not false."""
    found = text(value)
    if found is None:
        return None
    return True if found in _TRUE else False if found in _FALSE else None
