"""Numbers of a case that can be used, and rounding: half up, once, at the end.

A negative cost, a cost beyond all reason or a number that is none counts as absent: what was sent cannot be so.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from rules.model import UNIT

MOST_MONEY: Final = 10**16
"""A million million yuan, in 1/10,000 yuan."""
MOST_DAYS: Final = 100_000
MOST_NUMBER: Final = Decimal(10**9)
_WIDE: Final = Context(prec=80)
_UNIT: Final = Decimal(UNIT)
_QUANTA: Final = tuple(Decimal(1).scaleb(-places) for places in range(13))


def usable_money(amount: int | None) -> int | None:
    """Return an amount of zero or more, in 1/10,000 yuan; ``None`` when it is absent or cannot be."""
    return amount if amount is not None and 0 <= amount <= MOST_MONEY else None


def usable_cost(amount: int | None) -> int | None:
    """Return a cost above zero: a stay that cost nothing has no recorded cost."""
    return amount if amount is not None and 0 < amount <= MOST_MONEY else None


def usable_days(days: int | None) -> int | None:
    """Return a length of stay or age of zero or more days."""
    return days if days is not None and 0 <= days <= MOST_DAYS else None


def usable_number(number: Decimal | None) -> Decimal | None:
    """Return a finite number of a reasonable size."""
    return number if number is not None and number.is_finite() and abs(number) <= MOST_NUMBER else None


def rounded(number: Decimal, decimals: int) -> Decimal:
    """Return a number rounded half up."""
    return number.quantize(_QUANTA[decimals], ROUND_HALF_UP, _WIDE)


def money(yuan: Decimal, decimals: int) -> int:
    """Return yuan, rounded half up to so many decimals, in 1/10,000 yuan."""
    return int(yuan.quantize(_QUANTA[decimals if decimals < 4 else 4], ROUND_HALF_UP, _WIDE) * _UNIT)


def in_yuan(amount: int) -> Decimal:
    """Return an amount of 1/10,000 yuan in yuan."""
    return Decimal(amount) / _UNIT
