"""Charge date (计费日期与住院时间不符): what an in-patient is charged for belongs between admission and discharge.

The day of discharge counts as inside, and each row says how many days beside the stay are let pass (bookings over
midnight). Emergency admissions and day surgery bring charges from before the admission with them, newborns are charged
before they are registered and after their mothers have left: those sides are not judged. Neither is a charge that is
taken back whole.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._ages import completed
from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import begin_of, with_visit
from rules.kinds._reading import ALWAYS_SENT, listed, maternity_unknown
from rules.kinds._text import day
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule, Visit

BROUGHT_ALONG: Final = ("24", "28")
"""医疗类别 急诊转住院 and 日间手术: what was charged before the admission is part of the stay."""
NEWBORN_DAYS: Final = 28


class ChargeDateRow(Row):
    """One line of ``charge_date.csv``."""

    days_before: int = Field(default=0, ge=0, le=30, description="days before admission that are let pass")
    days_after: int = Field(default=0, ge=0, le=30, description="days after discharge that are let pass")
    always_sent: bool = Field(default=True, description=ALWAYS_SENT)


class ChargeDate(Rule, frozen=True, kw_only=True):
    """Run form: how many days beside the stay are let pass."""

    days_before: int
    days_after: int
    always_sent: bool


class Charged(msgspec.Struct, frozen=True):
    """One line, what it is called and its day."""

    line: int
    name: str
    day: date
    dated: bool
    """The line says its day; otherwise the message's day stands in."""


class Case(msgspec.Struct, frozen=True):
    """The first and last day of the stay, as far as they are judged, and what is charged."""

    admitted: date | None
    discharged: date | None
    charges: tuple[Charged, ...]


def compile_row(row: ChargeDateRow) -> ChargeDate:
    """Return the run form."""
    return ChargeDate(
        **shared(row), days_before=row.days_before, days_after=row.days_after, always_sent=row.always_sent
    )


def read(rule: ChargeDate, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for a stay; what is unknown of it matters only where a charge might lie outside."""
    visit = view.encounter.visit
    if not visit.type_conflict and visit.type not in {"inpatient", None}:
        return
    if visit.admitted is None and rule.always_sent:
        yield Missing(fields=("visit.admitted",))
    if visit.admitted and visit.discharged and visit.discharged.date() < visit.admitted.date():
        yield Missing(fields=("visit.admitted", "visit.discharged"), reason="conflict")
        return
    first, last = _first_day(view), _last_day(view)
    if _surely_within(lines, view, first, last):
        return
    left = {charge.line.position for charge in view.charges(rule.items)}
    charged = view.in_order(line for line in lines if line.position in left)
    case = Case(first, last, tuple(_charged(line, view) for line in charged))
    doubts = {charge.line: _doubt(charge, case, view) for charge in _outside(rule, case)}
    for doubt in dict.fromkeys(doubt for doubt in doubts.values() if doubt is not None):
        yield replace(doubt, lines=tuple(sorted(line for line, other in doubts.items() if other == doubt)))
    yield replace(case, charges=tuple(charge for charge in case.charges if doubts.get(charge.line) is None))


def _doubt(charge: Charged, case: Case, view: View) -> Missing | None:
    """Return what could still excuse a charge beside the stay."""
    visit = view.encounter.visit
    if visit.type_conflict:
        return Missing(fields=("visit.type",), reason="conflict")
    if visit.type is None:
        return Missing(fields=("visit.type",))
    if not charge.dated:
        return Missing(fields=("line.time",))
    if case.admitted is not None and charge.day < case.admitted:
        return Missing(fields=("visit.medical_type",)) if _entry_unknown(visit) else None
    may_be_mother = view.maternity is None and view.encounter.patient.sex != "male"
    return maternity_unknown(view) if may_be_mother else None


def _entry_unknown(visit: Visit) -> bool:
    return visit.emergency is None and visit.medical_type is None


def _surely_within(lines: tuple[Line, ...], view: View, first: date | None, last: date | None) -> bool:
    """Say whether even the earliest and the latest line lie within the stay, which settles nearly every message."""
    times = [line.begin or view.time for line in lines]
    return (first is None or first <= min(times).date()) and (last is None or max(times).date() <= last)


def _charged(line: Line, view: View) -> Charged:
    return Charged(line.position, line.name, view.service_day(line), line.begin is not None)


def _first_day(view: View) -> date | None:
    """Return the day before which nothing should be charged; ``None`` where that is unknown or not judged."""
    visit, born = view.encounter.visit, view.encounter.patient.birth_date
    if visit.admitted is None or visit.emergency or (visit.medical_type or "").startswith(BROUGHT_ALONG):
        return None
    first = visit.admitted.date()
    return None if born is not None and completed(born, first, "d") <= NEWBORN_DAYS else first


def _last_day(view: View) -> date | None:
    """Return the day after which nothing should be charged: none while the patient is in, or with a newborn."""
    discharged = view.encounter.visit.discharged
    return None if discharged is None or view.maternity is True else discharged.date()


def _outside(rule: ChargeDate, case: Case) -> list[Charged]:
    early, late = timedelta(days=rule.days_before), timedelta(days=rule.days_after)
    return [
        charge
        for charge in case.charges
        if (case.admitted is not None and case.admitted - charge.day > early)
        or (case.discharged is not None and charge.day - case.discharged > late)
    ]


def check(rule: ChargeDate, case: Case) -> Draft | None:
    """Fire for the lines charged on a day beside the stay."""
    outside = _outside(rule, case)
    if not outside:
        return None
    begin = day(case.admitted) if case.admitted else ""
    end = day(case.discharged) if case.discharged else ""
    stay = f"{begin} 至 {end or '今'}" if begin else f"{end} 及以前"
    present = listed(f"{day(charge.day)} {charge.name or '一项'}" for charge in outside)
    return Draft(
        code="CHARGED_OUTSIDE_STAY",
        message=f"【{rule.name}】住院期间为 {stay},以下计费不在其内:{present};请核对计费日期,不属本次住院的请退费。",
        lines=tuple(sorted(charge.line for charge in outside)),
        limit=f"住院期间 {stay}",
        present=present,
        allowed=stay,
        facts=(
            ("visit.admitted", begin),
            ("visit.discharged", end),
            ("days", "、".join(dict.fromkeys(day(charge.day) for charge in outside))),
        ),
    )


def _admitted(encounter: Encounter, *, days_after_begin: int) -> Encounter:
    return with_visit(
        encounter,
        type="inpatient",
        type_conflict=False,
        emergency=False,
        medical_type="21",
        admitted=begin_of(encounter) + timedelta(days=days_after_begin),
        discharged=None,
    )


KIND = RuleKind(
    name="charge_date",
    title="计费日期与住院时间不符",
    codes=(("CHARGED_OUTSIDE_STAY", "计费日期不在住院期间"),),
    row=ChargeDateRow,
    rule=ChargeDate,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=lambda rule, encounter: _admitted(encounter, days_after_begin=rule.days_before + 1),
    near_miss=lambda rule, encounter: _admitted(encounter, days_after_begin=rule.days_before),
    rest=lambda rule, encounter: encounter,
)
