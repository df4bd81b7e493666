"""National messages: readings remembered by value, and quick ways to read the usual forms for the first time.

In: a reading function. Out: a mapping that calls it once per value. A look-up costs a fifth of a cached call; that is
most of the reader's time on 30 orders of 20 fields. ``number`` and ``clock`` are fast paths of the scalars' ``fixed``
and ``moment``, which stay their plain twins.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from rules.model import UNIT
from service.schemas.scalars import fixed, moment

T = TypeVar("T")
LARGE: Final = 10**9
MOST: Final = 8_192
"""Few enough that dropping them all takes no time worth noticing."""
_FRACTION: Final = {0: 10_000, 1: 1_000, 2: 100, 3: 10, 4: 1}
"""What a digit counts, by the decimals written."""
_UNKNOWN_YEARS: Final = frozenset({1, 1900, 9999})


class Memo(dict[Any, T], Generic[T]):
    """What a function returned for a value. What raises is not kept; neither are the numbers 0 and 1.

    ``0 == False`` and ``1 == True`` are one key to a dictionary but not one quantity: those are read each time.
    """

    __slots__ = ("_most", "_read")

    def __init__(self, read: Callable[[Any], T], most: int = MOST) -> None:
        super().__init__()
        self._read = read
        self._most = most

    def __missing__(self, value: Any) -> T:
        """Read a value for the first time. Raises what the function raises, and ``TypeError`` for a container."""
        found = self._read(value)
        if isinstance(value, str | tuple) or value is None or value not in (0, 1):
            if len(self) >= self._most:
                self.clear()
            self[value] = found
        return found


def number(value: object) -> int | None:
    """Return money or a quantity in 1/10,000: ``fixed``, quicker for usual numbers and for plain digits."""
    if type(value) is float and -LARGE < value < LARGE:
        return round(value * UNIT)
    if type(value) is int and -LARGE < value < LARGE:
        return value * UNIT
    if type(value) is str and len(value) < 12:
        whole, _, fraction = value.partition(".")
        digits = whole + fraction
        if digits.isascii() and digits.isdigit() and len(fraction) <= 4:
            return int(digits) * _FRACTION[len(fraction)]
    return fixed(value)


def clock(value: object, zone: tzinfo) -> tuple[datetime | None, bool]:
    """Return a time and whether it carried a clock: ``moment``, quicker for ``yyyy-MM-dd HH:mm:ss``."""
    if type(value) is str and len(value) == 19 and value[4] == value[7] == "-" and value[10] == " ":
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if when.year not in _UNKNOWN_YEARS and when.tzinfo is None:
                return when.replace(tzinfo=zone), bool(when.hour or when.minute or when.second)
    return moment(value, zone) or (None, False)


Times = Memo[tuple[datetime | None, bool]]


@lru_cache(maxsize=16)
def times_in(zone: tzinfo) -> Times:
    """Return the memo of times in one zone."""
    return Memo(lambda value: clock(value, zone))
