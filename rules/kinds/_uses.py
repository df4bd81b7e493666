"""Stretches of use (用药期): from which day to which a drug is taken, and by which route class.

In: lines of drugs, current and known. Out: one ``Use`` per line, or per order that a stay repeats day by day. What
nobody says stays open: an end without stop or days of supply, a route without a word or a coded dose form (ruling 18).
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Final

import msgspec

from rules.kinds._view import LONGEST_SPAN, View
from rules.model import Line

DAY: Final = timedelta(days=1)
FORM: Final = slice(10, 14)
"""Where a western drug code holds its dose form."""
ROUTES: Final = {"iv": "injection", "im": "injection", "sc": "injection"}
"""Route classes that hold several routes; any other route is a class of its own."""
FORMS: Final = {
    "oral_solid": "oral",
    "sustained_release": "oral",
    "oral_liquid": "oral",
    "granule": "oral",
    "decoction_piece": "oral",
    "injection": "injection",
    "inhalation": "inhaled",
    "topical": "topical",
    "patch": "patch",
}
"""Route class by dose form; a suppository may be rectal or vaginal, so it tells none."""
CODED_FORMS: Final = {
    **dict.fromkeys(("A001", "A006", "A010", "A011", "A012", "A017", "A018", "A022", "A025"), "oral"),
    **dict.fromkeys(("E001", "E002", "E003", "E005", "H002", "K001", "M002", "N001", "P001"), "oral"),
    **dict.fromkeys(("X001", "X002", "X004", "X006"), "oral"),
    **dict.fromkeys(("B001", "B002", "B003", "B004", "B014", "B018", "B029"), "injection"),
    **dict.fromkeys(("A008", "A009", "D009", "E006", "E008", "E009", "F009", "U004"), "vaginal"),
    **dict.fromkeys(("F001", "F002"), "topical"),
    "G010": "ophthalmic",
    "L025": "nasal",
    "L031": "inhaled",
    "V002": "patch",
}
"""Route class by characters 11 to 14 of a western code, as published knowledge points show them beside the names.

Forms that serve several routes (D003 栓, A003 舌下片) are left out: they tell none.
"""


class Use(msgspec.Struct, frozen=True):
    """A stretch of use: its lines, the drug, its route class, first and last day as far as they are known."""

    lines: tuple[Line, ...]
    """One line, or those of a drug that a stay repeats day by day."""
    drug: str
    route: str | None
    first: date | None
    last: date | None
    ordered: bool
    """Ordered for this stay, not prescribed to be taken home."""

    @property
    def line(self) -> Line:
        """The line that tells the use from others."""
        return self.lines[0]


def uses(lines: Iterable[Line], drug: Callable[[str], str], view: View) -> list[Use]:
    """Return lines as stretches of use, in order of appearance; ``drug`` names the drug of an item code.

    Many senders write an order of a stay once for each day it is charged, and never say when it stopped: its lines on
    successive days are one stretch, and none of them lasts beyond its day.
    """
    orders: dict[object, dict[int, date]] = {}
    held = list(lines)
    for line in held:
        day = view.day_of(line)
        if day is not None and _unended(line, view):
            orders.setdefault(_repeated(line), {})[line.position] = day
    begins = {place: (order, begin) for order, days in orders.items() for place, begin in _begins(days).items()}
    stretches: dict[object, list[Line]] = {}
    for line in held:
        stretches.setdefault(begins.get(line.position, line.position), []).append(line)
    return [_use(tuple(found), found[0].position in begins, drug, view) for found in stretches.values()]


def _use(lines: tuple[Line, ...], daily: bool, drug: Callable[[str], str], view: View) -> Use:
    line, days = lines[0], [day for day in map(view.day_of, lines) if day is not None]
    first = min(days, default=None)
    last = max(days) if daily else _last_day(line, first, view)
    return Use(lines, drug(line.item), _route_class(line, view), first, last, in_stay(line, view))


def _unended(line: Line, view: View) -> bool:
    """Say whether a line may be one day's share of an order of a stay: nothing of it tells an end."""
    told = line.stop is not None or line.supply_days or line.discharge_medication
    return not told and (line.long_term is True or in_stay(line, view))


def _repeated(line: Line) -> tuple[object, ...]:
    """Return what the lines of one order have in common when each day has its own."""
    return line.visit, line.item, line.route, line.long_term


def _begins(days: dict[int, date]) -> dict[int, date]:
    """Return, by position, the first of the successive days that a line stands in; nothing where no two succeed."""
    begins: dict[date, date] = {}
    for day in sorted(set(days.values())):
        begins[day] = begins.get(day - DAY, day)
    succeed = any(day != begin for day, begin in begins.items())
    return {position: begins[day] for position, day in days.items()} if succeed else {}


def in_stay(line: Line, view: View) -> bool:
    """Say whether a line is an order of this stay, and not taken home from it."""
    return view.encounter.visit.type == "inpatient" and line.visit is None and not line.discharge_medication


def _route_class(line: Line, view: View) -> str | None:
    """Return oral, injection, inhaled … from the route, else the dose form, else the code; ``None`` is unknown."""
    route = view.meaning("route", line.route)
    if route is not None and route != "other":
        return ROUTES.get(route, route)
    form = view.meaning("dose_form", line.dose_form)
    if form in FORMS:
        return FORMS[form]
    return CODED_FORMS.get(line.item[FORM]) if line.item.startswith("X") else None


def _last_day(line: Line, first: date | None, view: View) -> date | None:
    """Return the last day of use; ``None`` when nobody says (ruling 18).

    A long-term order that begins now runs on; a temporary order of an in-patient is for its day; what is taken home
    lasts for its days of supply.
    """
    if first is None:
        return None
    supply = line.supply_days or 0
    if 0 < supply <= LONGEST_SPAN:
        return first + (supply - 1) * DAY
    if line.stop is not None:
        return max(first, line.stop.date())
    if line.long_term:
        return _open_end(line, first, view)
    return first if line.long_term is False and in_stay(line, view) else None


def _open_end(line: Line, first: date, view: View) -> date | None:
    """Return how long an order without a stop goes on for certain: from today on, until the discharge if there was one.

    One that began earlier may have ended since: at settlement, and from senders that flag no line as current, all lines
    of the stay are being saved.
    """
    if not line.current or first < view.today:
        return None
    discharged = view.encounter.visit.discharged
    return max(first, discharged.date()) if discharged else date.max


def same_route(use: Use, other: Use) -> bool | None:
    """Say whether two uses are of one route class; one coded dose form is one route, whichever it is."""
    if use.route is not None and other.route is not None:
        return use.route == other.route
    coded = use.line.item.startswith("X") and len(use.line.item) > FORM.stop
    return True if coded and use.line.item[FORM] == other.line.item[FORM] else None
