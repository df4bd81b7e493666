"""Frequent visits (频繁门诊、购药、住院): more visits of one type within a window than a place considers usual.

Other visits of the person and this one are counted, in whatever hospital they are known. It speaks at registration and
settlement, but never to an emergency, which counts as a visit before later ones only. How many are too many is local;
care that comes in series (dialysis, chemotherapy) is excepted by diagnosis.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Final

import msgspec
from pydantic import Field, StringConstraints

from rules.codes import VisitType
from rules.codings import diagnosis_code
from rules.kinds._contract import Codes, Look, Row, RuleKind, Triggers, shared
from rules.kinds._edits import begin_of
from rules.kinds._record import another_type, in_its_scene, speaks_in, sure, urgent
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, PastVisit, Rule
from rules.patterns import matches

SCENES: Final = ("1", "3", "6", "7", "8", "9", "10")
"""挂号, 住院登记, 结算 and 预结算, 购药划卡: moments of the visit itself, not of an order."""
WORDS: Final[dict[VisitType, str]] = {"outpatient": "门诊", "inpatient": "住院", "pharmacy": "购药"}
_LONGEST: Final = {"day": 0, "month": 31, "year": 366}
"""Days that a calendar window may reach back."""
_ROLLING: Final = re.compile(r"^days:([1-9]\d{0,2})$")


class FrequentRow(Row):
    """One line of ``frequent_visits.csv``."""

    items: Codes = ()
    type: VisitType = Field(description="which visits are counted")
    window: Annotated[str, StringConstraints(pattern=r"^(day|month|year|days:[1-9]\d{0,2})$")] = Field(
        description="day, calendar month or year, or days:N up to and with today"
    )
    max: int = Field(gt=0, description="visits within the window, this one included")
    except_dx: Codes = Field(default=(), description="ICD-10 patterns of care that comes in series")


class FrequentVisits(Rule, frozen=True, kw_only=True):
    """Run form: which visits, within what, how many."""

    type: VisitType
    window: str
    max: int
    except_dx: tuple[str, ...]


class Case(msgspec.Struct, frozen=True):
    """The window up to this visit, and the days of the other visits in it, in order."""

    first: date
    day: date
    others: tuple[date, ...]


class Counted(msgspec.Struct, frozen=True):
    """Other visits: the days of those that surely count, and what is not known of those that may."""

    days: tuple[date, ...]
    unsure: tuple[Missing, ...]


def compile_row(row: FrequentRow) -> FrequentVisits:
    """Return the run form."""
    return FrequentVisits(**shared(row), type=row.type, window=row.window, max=row.max, except_dx=row.except_dx)


def read(rule: FrequentVisits, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield the visits of the window, or what keeps them from being counted."""
    if not speaks_in(rule, SCENES, view) or urgent(view):
        return
    other = another_type(view, rule.type)
    if isinstance(other, Missing):
        yield other
    elif not other and not sure(view, rule.except_dx):
        yield _counted(rule, view)


def _counted(rule: FrequentVisits, view: View) -> Case | Missing:
    """Return the case; too few for certain are not checked where more may have been."""
    begun = view.encounter.visit.admitted or view.time
    day = begun.date()
    first = first_of(rule.window, day)
    counted = _others(rule, first, begun, view)
    case = Case(first, day, counted.days)
    if check(rule, case) is not None:
        # Care in series may hide behind a diagnosis that nobody can read.
        return (view.unread_diagnoses if rule.except_dx else None) or case
    if len(counted.days) + len(counted.unsure) >= rule.max and counted.unsure:
        return counted.unsure[0]
    return case if view.visits_covered_since(first) else view.history_missing()


def first_of(window: str, day: date) -> date:
    """Return the first day of a window that ends with ``day``."""
    if rolling := _ROLLING.match(window):
        return day - timedelta(days=int(rolling[1]) - 1)
    return {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[window]


def _others(rule: FrequentVisits, first: date, begun: datetime, view: View) -> Counted:
    """Count the visits begun before this one, from the window's first day on."""
    days: list[date] = []
    unsure: list[Missing] = []
    for visit in view.past_visits:
        when = visit.admitted or visit.discharged
        if visit.type not in {rule.type, None} or matches(rule.except_dx, visit.diagnosis):
            continue
        if when is not None and (when.date() < first or when >= begun):
            continue
        unknown = _unknown(rule, visit)
        if when is None or unknown:
            unsure.append(unknown or Missing(fields=("visits.admitted",)))
        else:
            days.append(when.date())
    return Counted(tuple(sorted(days)), tuple(unsure))


def _unknown(rule: FrequentVisits, visit: PastVisit) -> Missing | None:
    """Return what is not known of a visit that may count."""
    if visit.type is None:
        return Missing(fields=("visits.type",))
    if rule.except_dx and diagnosis_code(visit.diagnosis)[1] != "icd":
        return Missing(fields=("visits.diagnosis",), reason="unmapped" if visit.diagnosis else "missing")
    return None


def looks(rule: FrequentVisits) -> tuple[Look, ...]:
    """The visits of the longest window of its kind, in the scenes it speaks in."""
    rolling = _ROLLING.match(rule.window)
    days = int(rolling[1]) if rolling else _LONGEST[rule.window]
    return (Look(days=days, visits=True, scenes=rule.scenes or SCENES),)


def check(rule: FrequentVisits, case: Case) -> Draft | None:
    """Fire when this visit is one too many."""
    total = len(case.others) + 1
    if total <= rule.max:
        return None
    what, past = WORDS[rule.type], len(case.others)
    within = f"{case.first.isoformat()} 至 {case.day.isoformat()}" if case.first < case.day else case.day.isoformat()
    limit = f"{_window(rule.window)}{what}不超过 {rule.max} 次"
    present = f"已有 {past} 次 + 本次 = {total} 次"
    return Draft(
        code="VISITS_TOO_FREQUENT",
        message=f"【{rule.name}】{limit}:{within} {present},最近一次为 {case.others[-1].isoformat()};"
        f"请核实本次{what}是否必要。",
        lines=(),
        limit=limit,
        present=present,
        allowed=f"{rule.max} 次",
        facts=(("first", case.first.isoformat()), ("day", case.day.isoformat()), ("visits", str(total))),
    )


def _window(window: str) -> str:
    rolling = _ROLLING.match(window)
    return f"{rolling[1]} 天内" if rolling else {"day": "每日", "month": "每月", "year": "每年"}[window]


def _visited(rule: FrequentVisits, encounter: Encounter, times: int) -> Encounter:
    """So many other visits of the type just before this one, all on its day."""
    begun = begin_of(encounter)
    before = [begun - timedelta(seconds=number) for number in range(times, 0, -1)]
    visits = tuple(PastVisit(id=f"{at}", type=rule.type, admitted=at, diagnosis="Z00.000") for at in before)
    visit = msgspec.structs.replace(encounter.visit, type=rule.type, type_conflict=False, admitted=begun)
    known = msgspec.structs.replace(encounter, visit=visit, visits=visits, history_since=date(2000, 1, 1))
    return in_its_scene(rule, known, SCENES)


KIND = RuleKind(
    name="frequent_visits",
    title="频繁就诊",
    codes=(("VISITS_TOO_FREQUENT", "就诊过于频繁"),),
    row=FrequentRow,
    rule=FrequentVisits,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    looks=looks,
    witness=lambda rule, encounter: _visited(rule, encounter, rule.max),
    near_miss=lambda rule, encounter: _visited(rule, encounter, rule.max - 1),
    rest=lambda rule, encounter: encounter,
)
