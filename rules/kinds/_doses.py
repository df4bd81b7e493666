"""Doses, frequencies and days of supply, read through the hospital's dictionaries.

A text equal to the rule's own unit means itself; any other needs an entry. What is absent or has no known meaning comes
back as the ``Missing`` to yield.
"""

from decimal import Decimal
from typing import Final

import msgspec

from rules.kinds._view import LONGEST_SPAN, View
from rules.model import Line, Missing
from rules.words import normal


def based(amount: int, text: str, view: View) -> tuple[Decimal, str]:
    """Return an amount in its base unit and that unit: 2 ``g`` is 2000 ``mg``; an unmapped text is its own base."""
    factor, _, base = (view.meaning("unit", text) or f"1 {text}").partition(" ")
    return amount * Decimal(factor), normal(base)


def in_unit(amount: int, text: str | None, unit: str, line: Line, view: View, *, field: str) -> int | Missing:
    """Return an amount in a rule's own unit, or that its unit is absent or has no known relation to the rule's."""
    if text is None:
        return view.unread(text, field, line)
    if normal(text) == normal(unit):
        return amount
    (held, base), (one, wanted) = based(amount, text, view), based(1, unit, view)
    return int((held / one).to_integral_value()) if base == wanted else view.unread(text, field, line)


class Pace(msgspec.Struct, frozen=True):
    """How often a dose is given: so many times in so many days; 0 days means a single time, or only as needed."""

    times: int
    days: int

    @property
    def repeats(self) -> bool:
        """Given again and again, so that a day has its dose."""
        return self.days > 0

    @property
    def daily(self) -> int:
        """The most times that fall on one day: 1 for once a week. Only for a pace that ``repeats``."""
        return -(-self.times // self.days)


ONCE: Final = Pace(1, 0)
AS_NEEDED: Final = Pace(0, 0)


def pace_of(line: Line, view: View) -> Pace | Missing:
    """Return how often a line's dose is given, or that its frequency is absent or unmapped."""
    meaning = view.meaning("frequency", line.frequency)
    if meaning in {"once", "prn"}:
        return ONCE if meaning == "once" else AS_NEEDED
    times, _, days = (meaning or "0/1").partition("/")
    return Pace(int(times), int(days)) if int(times) else view.unread(line.frequency, "line.frequency", line)


class Supply(msgspec.Struct, frozen=True):
    """How many whole days a line lasts, and whether the sender says so or it was worked out."""

    days: int
    stated: bool


def tells_supply(view: View) -> bool:
    """Say whether the sender states days of supply at all: any line that does makes their absence elsewhere a gap."""
    return any(line.supply_days is not None for line in view.encounter.lines)


def tells_discharge(view: View) -> bool:
    """Say whether the sender tells discharge medication from other orders at all: any line that says yes or no."""
    return any(line.discharge_medication is not None for line in view.encounter.lines)


def supply_of(line: Line, view: View) -> Supply | Missing:
    """Return the days a line lasts: as stated, else its quantity by dose and frequency, in whole days."""
    unknown = Missing(fields=("line.supply_days",), lines=(line.position,))
    if line.supply_days is not None:
        return Supply(line.supply_days, stated=True) if 0 < line.supply_days <= LONGEST_SPAN else unknown
    if line.frequency is None:
        return unknown
    pace = pace_of(line, view)
    if pace == ONCE:
        return Supply(1, stated=False)
    doses = _doses_held(line, view)
    if doses is None or pace == AS_NEEDED:
        return unknown  # nor would a meaning of the frequency help
    return pace if isinstance(pace, Missing) else Supply(int(doses * pace.days / pace.times), stated=False)


def _doses_held(line: Line, view: View) -> Decimal | None:
    """Return how many doses a line's quantity is; ``None`` where the two are not counted in the same."""
    if line.quantity is None or line.dose is None or line.dose <= 0 or line.unit is None or line.dose_unit is None:
        return None
    held, unit = based(line.quantity, line.unit, view)
    dose, same = based(line.dose, line.dose_unit, view)
    return held / dose if unit == same else None
