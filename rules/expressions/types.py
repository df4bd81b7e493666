"""The values of conditions: what a field can be, what is not known, and the place a condition is judged at.

Numbers are integers in 1/10,000 (``rules.model.UNIT``) whatever they count. A fact that is not there is ``Unknown``,
with the facts that are lacking; a number that is known in part (a total whose earlier days are not known) carries
the bounds it surely lies in, so that a limit that is exceeded anyhow need not wait for the rest.
"""

from collections.abc import Hashable
from datetime import date
from typing import Final, Literal

import msgspec

from rules.codes import Reason
from rules.kinds._text import number
from rules.kinds._view import View
from rules.model import Line

Type = Literal["boolean", "number", "text", "day"]
Place = Literal["line", "visit"]
"""Where a condition is judged: at each line, or once for the visit."""
Lack = tuple[str, Reason]

LARGEST: Final = 10**18
"""Products and quotients beyond this are unknown: it keeps every number of a condition short."""


class Unknown(msgspec.Struct, frozen=True):
    """A value that is not known: what is lacking, and for numbers the bounds it lies in all the same."""

    lacks: tuple[Lack, ...]
    least: int | None = None
    most: int | None = None


Value = bool | int | str | date | Unknown


class Fault(ValueError):
    """A text that is no condition: a plain sentence, and the character it is about (from 0)."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at

    def in_column(self, column: str) -> ValueError:
        """Return the fault as the author of a table reads it: column, place, sentence."""
        place = f"`{column}`" if self.at is None else f"`{column}`, character {self.at + 1}"
        return ValueError(f"{place}: {self}")


class Scene:
    """One place a condition is judged at: a line or the visit, its day, and who pays for what counts."""

    __slots__ = ("day", "line", "memo", "payment", "view")

    def __init__(self, view: View, line: Line | None, *, payment: bool, memo: dict[Hashable, object]) -> None:
        self.view = view
        self.line = line
        self.day: date = view.service_day(line) if line is not None else view.today
        self.payment = payment
        """The rule protects payment: charges that the patient pays count for nothing (ruling 1)."""
        self.memo = memo
        """What functions remember during one use of a rule, so that a day's total is added up once."""


def lacking(*lacks: Lack, least: int | None = None, most: int | None = None) -> Unknown:
    """Return an unknown value that lacks these facts."""
    return Unknown(lacks, least, most)


def merged(*values: Value) -> tuple[Lack, ...]:
    """Return what unknown values lack, each fact once, in order."""
    return tuple(dict.fromkeys(lack for value in values if isinstance(value, Unknown) for lack in value.lacks))


def in_words(value: Value) -> str:
    """Return a value as a Chinese sentence shows it."""
    if isinstance(value, Unknown):
        return "未知"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int):
        return number(value)
    return value.isoformat() if isinstance(value, date) else value
