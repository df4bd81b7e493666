"""When two lines belong together: on one day, in one visit, on one prescription, in use at once, in one infusion.

In: lines of a view and a window. Out: for each line, the others it surely meets and what keeps the rest from being
told. Lines that agree in all a window asks (``Place``) are compared once, so that long stays stay cheap.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Final, Literal

import msgspec
from pydantic import AfterValidator

from rules.codings import injected
from rules.kinds._text import day as written_day
from rules.kinds._view import LONGEST_SPAN, Charge, View
from rules.model import Line, Missing

Window = str
"""``day``, ``visit``, ``prescription``, ``overlap``, ``same_infusion`` or ``days:N``."""
PairWindow = Literal["prescription", "day", "overlap", "visit", "same_infusion"]
Known = bool | None

LONGEST_SUPPLY: Final = 84
"""Days a prescription can reach at most (12 weeks, 长期处方管理规范): none begun longer ago is still in use."""
_DAYS: Final = re.compile(r"^days:([1-9]\d{0,2})$")
_FIELDS: Final = {"prescription": "line.prescription", "same_infusion": "line.group", "overlap": "line.supply_days"}


def _window(value: str) -> str:
    if value not in {"day", "visit", "prescription"} and not _DAYS.match(value):
        raise ValueError("a window is day, visit, prescription or days:N")
    return value


WindowCell = Annotated[str, AfterValidator(_window)]
"""A cell that names a window for a partner: day, visit, prescription, or so many days either way."""


def days_in(window: Window) -> int:
    """Return N of ``days:N``, else 0."""
    found = _DAYS.match(window)
    return int(found[1]) if found else 0


def in_words(window: Window) -> str:
    """Return a window as people say it."""
    fixed = {
        "day": "同一日",
        "visit": "本次就诊",
        "prescription": "同一处方",
        "overlap": "用药期间",
        "same_infusion": "同组输液",
    }
    return fixed.get(window) or f"前后 {days_in(window)} 天内"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when a line stands, as far as a window asks; what it does not ask is left alike."""

    visit: str | None = None
    first: int | None = None
    """Days are ordinals: they are compared far more often than read."""
    last: int | None = None
    """``None`` when nobody knows how long the line is in use."""
    prescription: str = ""
    group: str = ""
    decoction: bool = False
    """A decoction piece being saved now, of a day whose unnumbered pieces are one decoction."""
    pourable: bool = True
    """The line can be an infusion, for all that its route, form and code say."""


class Met(msgspec.Struct, frozen=True):
    """What one line meets in its window, and the field that would tell of those that cannot be told."""

    lines: tuple[Line, ...]
    unclear: str = ""


class Company:
    """Lines that others may meet in a window, by the place they stand in."""

    def __init__(self, window: Window, charges: Iterable[Charge], view: View) -> None:
        self._window = window
        self._reach = days_in(window)
        self._view = view
        self._decoctions = _lone_decoctions(view) if window == "prescription" else frozenset()
        self._grouped = any(line.group for line in view.encounter.lines)
        self._places: dict[Place, list[Line]] = {}
        self._met: dict[Place, Met] = {}
        for charge in charges:
            self._places.setdefault(self._place(charge.line), []).append(charge.line)

    @property
    def empty(self) -> bool:
        """Whether nobody is here."""
        return not self._places

    def of(self, line: Line) -> Met:
        """Return what a line meets here."""
        place = self._place(line)
        met = self._met.get(place)
        if met is None:
            met = self._met[place] = self._meet(place)
        return met

    def _meet(self, place: Place) -> Met:
        sure: list[Line] = []
        unclear = ""
        for other, lines in self._places.items():
            together = self._together(place, other)
            if together:
                sure.extend(lines)
            elif together is None:
                unclear = _field(self._window, place, other)
        return Met(tuple(sure), unclear)

    def _place(self, line: Line) -> Place:
        if self._window == "visit":
            return Place(visit=line.visit)
        first, last = days_of(in_use(line, self._view) if self._window == "overlap" else self._view.span(line))
        if self._window == "prescription":
            return Place(
                visit=line.visit,
                first=first,
                last=last,
                prescription=line.prescription or "",
                group=line.group or "",
                decoction=line.current and first in self._decoctions and is_decoction(line),
            )
        if self._window == "same_infusion":
            return Place(
                visit=line.visit,
                first=first,
                last=last,
                prescription=line.prescription or "",
                group=line.group or "",
                pourable=may_be_infused(line, self._view),
            )
        return Place(first=first, last=last)

    def _together(self, one: Place, other: Place) -> Known:
        if self._window == "visit":
            return one.visit == other.visit
        if self._window == "overlap":
            return _in_use_at_once(one, other)
        if self._window == "prescription":
            return self._on_one_prescription(one, other)
        if self._window == "same_infusion":
            return self._in_one_infusion(one, other)
        return near(one, other, self._reach)

    def _on_one_prescription(self, one: Place, other: Place) -> Known:
        """By number; without numbers by group, or as the one decoction that is being written."""
        if one.visit != other.visit:
            return False
        if one.prescription and other.prescription:
            return one.prescription == other.prescription
        if near(one, other, 0) is False:
            return False  # a prescription is of one day
        if one.prescription or other.prescription:
            return None
        if one.group and other.group:
            return one.group == other.group
        return True if one.decoction and other.decoction else None

    def _in_one_infusion(self, one: Place, other: Place) -> Known:
        """By group, counted anew on each prescription; a sender that groups any line groups what runs together."""
        same_day = near(one, other, 0)
        if one.visit != other.visit or not (one.pourable and other.pourable) or same_day is False:
            return False
        if one.prescription and other.prescription and one.prescription != other.prescription:
            return False
        if self._grouped:
            return same_day if one.group and one.group == other.group else False
        return None


def days_of(span: tuple[date | None, date | None] | None) -> tuple[int | None, int | None]:
    """Return the first and last day of a span as ordinals, as far as they are known."""
    first, last = span or (None, None)
    return first.toordinal() if first else None, last.toordinal() if last else None


def near(one: Place, other: Place, days: int) -> Known:
    """Say whether two lines have days at most ``days`` apart."""
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return None
    return one.first - days <= other.last and other.first - days <= one.last


def _in_use_at_once(one: Place, other: Place) -> Known:
    """Only the end of the line that begins first matters."""
    if one.first is None or other.first is None:
        return None
    if one.first == other.first:
        return True
    end, begin = (one.last, other.first) if one.first < other.first else (other.last, one.first)
    if end is not None:
        return begin <= end
    return None if begin - min(one.first, other.first) < LONGEST_SUPPLY else False


def _field(window: Window, one: Place, other: Place) -> str:
    """Return the field that would tell whether two lines are together."""
    undated = window != "prescription" and None in (one.first, other.first)
    return "line.time" if undated else _FIELDS.get(window, "line.time")


def in_use(line: Line, view: View) -> tuple[date | None, date | None]:
    """Return the first and last day a drug is in use; the last is ``None`` when nothing tells.

    Days of supply come first, then a stop or a long-term order, then the one day of an in-patient's order. The day of
    a stop is the day of switching (ruling 18): what replaces the drug begins on it. What an out-patient takes home
    without days of supply ends nobody knows when.
    """
    first = view.day_of(line)
    if first is None:
        return None, None
    if line.supply_days and line.supply_days > 0:
        return first, first + timedelta(days=min(line.supply_days, LONGEST_SPAN) - 1)
    if line.stop is not None or line.long_term:
        span = view.span(line)
        switched = timedelta(days=line.stop is not None)
        return first, max(first, span[1] - switched) if span else None
    on_the_ward = view.encounter.visit.type == "inpatient" and line.visit is None and not line.discharge_medication
    return first, first if on_the_ward else None


def is_decoction(line: Line) -> bool:
    """Say whether a line is a decoction piece (中药饮片): by its national code, or because it is counted in 付."""
    return line.item.startswith("T") or line.doses is not None


def _lone_decoctions(view: View) -> frozenset[int]:
    """Return the days whose unnumbered pieces being saved agree in group, count, doctor and department."""
    forms: dict[date, set[tuple[object, ...]]] = {}
    for line in view.current:
        if is_decoction(line) and not line.prescription:
            form = (line.group, line.doses, line.doctor, line.department)
            forms.setdefault(view.service_day(line), set()).add(form)
    return frozenset(day.toordinal() for day, found in forms.items() if len(found) == 1)


def may_be_infused(line: Line, view: View) -> bool:
    """Say whether a line can run in an infusion: by its route, else its dose form, else its code; unknown is yes."""
    route = view.meaning("route", line.route)
    if route is not None:
        return route in {"iv", "other"}
    form = view.meaning("dose_form", line.dose_form)
    if form is not None:
        return form in {"injection", "other"}
    return injected(line.item) is not False


def share_a_code(patterns: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Say whether some code can be named by a pattern of each."""
    return not set(patterns).isdisjoint(others) or _reach(patterns, others) or _reach(others, patterns)


def _reach(patterns: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Say whether a family among ``patterns`` holds one of the others, or a part of it."""
    families = tuple(pattern[:-1] for pattern in patterns if pattern.endswith(("*", "?")))
    return any(other.rstrip("*?").startswith(families) for other in others)


def known_from(line: Line, view: View) -> str:
    """Return when and by whom an earlier line was ordered, for a message; nothing for one being saved now."""
    if line.current:
        return ""
    day = view.day_of(line)
    doctor = f",开单医师 {line.doctor}" if line.doctor else ""
    return f"({day.isoformat() if day else '此前'} 已开{doctor})"


def unclear(fields: Iterable[str], lines: Iterable[int]) -> Missing:
    """Return what to report for lines whose partners cannot be told."""
    return Missing(fields=tuple(sorted(set(fields))), lines=tuple(sorted(set(lines))))


def on_days(days: Iterable[date], view: View) -> str:
    """Return the days a message is about, for those who read it later; nothing where that is only today."""
    found = sorted(set(days))
    if not found or found == [view.today]:
        return ""
    return f"({written_day(found[0])}{f' 等 {len(found)} 日' if len(found) > 1 else ''})"
