"""Prescriptions (处方) and the drugs in them, for the kinds that judge several lines together.

In: the items a kind is about, and a view. Out: the prescriptions that lines being saved stand in, with what is known
of each. Lines of one number of this visit are one prescription. Current lines without a number are handed over
together: they may be one prescription or several, and each kind settles what follows from that.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from rules.codings import PATENT_FAMILY, category_of
from rules.kinds._text import called
from rules.kinds._view import Charge, View
from rules.model import Line
from rules.patterns import matches

PIECES: Final = "T*"
"""Decoction pieces (中药饮片) by their national code."""
SETTLING: Final = frozenset(("6", "7", "8", "9", "10"))
"""Scenes of settlement and of the pharmacy counter: nothing more is written into a prescription there."""
SUBSTANCE: Final = 10
"""Characters of a western drug code that name its class and substance (audit rules, 4.1)."""
WIDTHS: Final = {"X": (SUBSTANCE, 23), "Z": (PATENT_FAMILY, 20), "T": (10, 10)}
"""Per catalogue: characters that tell one drug from another, and those of the whole code."""


class Prescription(msgspec.Struct, frozen=True):
    """What is known of one prescription; without a number, of all current lines that carry none."""

    number: str | None
    charges: tuple[Charge, ...]
    """Current and known charges of the wanted items, known ones first."""
    asked: tuple[int, ...]
    """Positions of the lines that the rule may speak about."""
    unread: tuple[Line, ...]
    """Lines that may be drugs of this prescription, but whose code nobody can recognise."""

    @property
    def others(self) -> tuple[int, ...]:
        """Positions of the charges that the rule is not asked about."""
        asked = set(self.asked)
        return tuple(charge.line.position for charge in self.charges if charge.line.position not in asked)


def prescriptions(patterns: tuple[str, ...], lines: tuple[Line, ...], view: View) -> list[Prescription]:
    """Return the prescriptions that ``lines`` stand in, with their charges of items that the patterns name."""
    asked = {line.position for line in lines}
    groups: dict[str | None, list[Charge]] = {}
    for charge in view.charges(patterns, visit_only=True):
        number = charge.line.prescription or None
        if charge.line.current or number:
            groups.setdefault(number, []).append(charge)
    strange = unread_drugs(patterns, view)
    found = []
    for number, charges in groups.items():
        mine = tuple(charge.line.position for charge in charges if charge.line.position in asked)
        if mine:
            unread = [line for line in strange if (line.prescription or None) == number and (line.current or number)]
            found.append(Prescription(number, tuple(charges), mine, tuple(unread)))
    return found


def day_by_day(found: Prescription, view: View) -> list[Prescription]:
    """Return a prescription parted by the days of its lines; what has no day may stand in each.

    A stay charges a decoction day by day under one number, and some senders write one number on all of a stay.
    """
    days = {charge.line.position: view.day_of(charge.line) for charge in found.charges}
    if len({*days.values()} - {None}) <= 1:
        return [found]
    parts: list[Prescription] = []
    for day in dict.fromkeys(days[position] for position in found.asked):
        charges = tuple(charge for charge in found.charges if days[charge.line.position] in {day, None})
        unread = tuple(line for line in found.unread if view.day_of(line) in {day, None})
        parts.append(Prescription(found.number, charges, tuple(one for one in found.asked if days[one] == day), unread))
    return parts


def unread_drugs(patterns: tuple[str, ...], view: View) -> list[Line]:
    """Return this visit's lines that may be drugs, of no known code and not named by the patterns themselves."""
    return [
        line
        for line in view.lines
        if category_of(line.item) is None
        and line.category in {None, "drug"}
        and line.visit is None
        and (line.quantity is None or line.quantity > 0)
        and matches(patterns, line.item) != "yes"
    ]


def substance(item: str) -> str:
    """Return what makes two codes one drug: class and substance, whatever form and brand; else the whole code."""
    return item[: WIDTHS[item[0]][0]] if item[:1] in WIDTHS else item


def names(lines: Iterable[Line], otherwise: str) -> str:
    """Return the names of lines for a message, each once, in order."""
    return "、".join(dict.fromkeys(called(line, otherwise) for line in lines))


def sample_drugs(patterns: tuple[str, ...], count: int, key: Callable[[str], str] = substance) -> tuple[str, ...]:
    """Return up to ``count`` codes of different drugs that the patterns name, for ``witness`` and ``near_miss``.

    The first is the one that specimens order.
    """
    exact = [pattern for pattern in patterns if pattern[-1:] not in {"*", "?"}]
    families = [pattern[:-1] for pattern in patterns if pattern.endswith("*")]
    filled = [_filled(stem, step) for stem in families for step in range(count)]
    found: dict[str, str] = {}
    for code in (*exact, *filled):
        found.setdefault(key(code), code)
    return tuple(found.values())[:count]


def _filled(stem: str, step: int) -> str:
    """Return the code of a family with a number for its substance, as long as a real code."""
    named, whole = WIDTHS.get(stem[:1], (0, 0))
    return f"{stem}{step:0{max(1, named - len(stem))}d}".ljust(whole, "0")
