"""Ages in completed days, months and years between a birth date and a service day (周岁, audit rules 7 point 6)."""

import re
from datetime import date
from typing import Annotated, Literal

import msgspec
from pydantic import BeforeValidator, InstanceOf

AgeUnit = Literal["d", "m", "y"]
WORDS: dict[AgeUnit, str] = {"d": "天", "m": "个月", "y": "岁"}
DAYS_IN: dict[AgeUnit, int] = {"d": 1, "m": 30, "y": 365}
"""Only for ordering ages of different units."""
_AGE = re.compile(r"^(\d{1,5})([dmy])$")


class Age(msgspec.Struct, frozen=True, array_like=True):
    """A count of completed units."""

    count: int
    unit: AgeUnit

    def __str__(self) -> str:
        """Return the age in words: 3 岁, 28 天."""
        return f"{self.count} {WORDS[self.unit]}"


def parse(value: object) -> object:
    """Return ``3y``, ``6m`` or ``28d`` as an ``Age``; anything else is a fault of the row."""
    if not isinstance(value, str):
        return value
    found = _AGE.match(value.strip())
    if found is None:
        raise ValueError("an age is a number with d, m or y: 28d, 6m, 14y")
    unit: AgeUnit = {"d": "d", "m": "m", "y": "y"}[found[2]]  # type: ignore[assignment]
    return Age(int(found[1]), unit)


AgeCell = Annotated[InstanceOf[Age], BeforeValidator(parse)]


def completed(birth: date, on: date, unit: AgeUnit) -> int:
    """Return how many whole units have passed; a birthday itself counts as completed. Negative before birth."""
    if unit == "d":
        return (on - birth).days
    months = (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)
    return months if unit == "m" else months // 12


def in_words(birth: date, on: date) -> str:
    """Return an age as people say it: days under 1 month, months under 2 years, else years."""
    if (months := completed(birth, on, "m")) < 1:
        return f"{completed(birth, on, 'd')} 天"
    return f"{months} 个月" if months < 24 else f"{months // 12} 岁"


def born(on: date, age: Age) -> date:
    """Return a birth date for someone who is exactly ``age`` on the day ``on`` (day 28 at most)."""
    if age.unit == "d":
        return date.fromordinal(on.toordinal() - age.count)
    months = on.year * 12 + on.month - 1 - age.count * (12 if age.unit == "y" else 1)
    # A birthday on the 29th to 31st has no match in every month; the first of a month always does.
    return date(months // 12, months % 12 + 1, min(on.day, 28))
