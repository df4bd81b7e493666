"""Dose limit (超说明书用量): a single dose, or all doses of a day, beyond what the label allows.

A dose is judged in the rule's unit, by body weight where the row says so, for the ages and routes that it names. What
is taken once or as needed has no daily dose (a loading dose may exceed the maintenance one): only the single dose is
judged. Each line stands for itself.
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._ages import Age, AgeCell, born, completed
from rules.kinds._contract import Codes, Quantity, Row, RuleKind, shared
from rules.kinds._doses import in_unit, pace_of
from rules.kinds._edits import day_of, with_first_line, with_patient
from rules.kinds._text import number
from rules.kinds._view import View
from rules.kinds._windows import merged
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule
from rules.words import ROUTES

GRAMS_IN_KG = 1000


class DoseRow(Row):
    """One line of ``dose_limit.csv``. At least one of the three limits."""

    max_single: Quantity | None = Field(default=None, gt=0, description="most in one dose")
    max_daily: Quantity | None = Field(default=None, gt=0, description="most on one day: dose by times a day")
    min_single: Quantity | None = Field(default=None, gt=0, description="least in one dose")
    unit: str = Field(min_length=1, description="unit of the limits, such as mg")
    per_kg: bool = Field(default=False, description="the limits are for each kilogram of body weight")
    min_age: AgeCell | None = Field(default=None, description="first age the row is about: 3y, 6m, 28d")
    max_age: AgeCell | None = Field(default=None, description="last age the row is about, whole")
    routes: Codes = Field(default=(), description="routes the row is about: oral, iv, im …; empty means all")


class DoseLimit(Rule, frozen=True, kw_only=True):
    """Run form: limits in 1/10,000 units (for each kilogram with ``per_kg``), and for whom they hold."""

    max_single: int | None = None
    max_daily: int | None = None
    min_single: int | None = None
    unit: str
    per_kg: bool
    min_age: Age | None = None
    max_age: Age | None = None
    routes: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True):
    """One line's dose in the rule's unit, and what makes up a day and a limit."""

    line: int
    dose: int
    times: int | None
    """Doses a day; ``None`` where a day has no dose of its own, or the rule does not ask."""
    weight_g: int
    """0 where the limits do not ask for it."""


class Breach(msgspec.Struct, frozen=True):
    """One limit that a dose does not keep, in words."""

    high: bool
    limit: str
    present: str


def compile_row(row: DoseRow) -> DoseLimit:
    """Return the run form. Raises ``ValueError`` for no limit, reversed limits and unknown routes."""
    if row.max_single is None and row.max_daily is None and row.min_single is None:
        raise ValueError("set max_single, max_daily or min_single")
    if row.min_single is not None and row.max_single is not None and row.min_single > row.max_single:
        raise ValueError("min_single is above max_single")
    if row.min_age and row.max_age and row.min_age.unit == row.max_age.unit and row.min_age.count > row.max_age.count:
        raise ValueError("min_age is above max_age")
    if unknown := sorted(set(row.routes) - ROUTES):
        raise ValueError(f"`{unknown[0]}` is no route; routes are {', '.join(sorted(ROUTES))}")
    return DoseLimit(
        **shared(row),
        max_single=row.max_single,
        max_daily=row.max_daily,
        min_single=row.min_single,
        unit=row.unit,
        per_kg=row.per_kg,
        min_age=row.min_age,
        max_age=row.max_age,
        routes=row.routes,
    )


def read(rule: DoseLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case per line that does not keep a limit: only there age and route need be known."""
    gaps: list[Missing] = []
    for line in lines:
        concern = _concerns(rule, line, view)
        if concern is False:
            continue
        found = _case(rule, line, view)
        if isinstance(found, Missing):
            gaps.append(found)
        elif _breaches(rule, found):
            if isinstance(concern, Missing):
                gaps.append(concern)
            else:
                yield found
    yield from merged(gaps)


def _concerns(rule: DoseLimit, line: Line, view: View) -> bool | Missing:
    """Say whether the row is about this patient's age and this line's route, or what is missing to tell."""
    birth = view.encounter.patient.birth_date
    route = view.meaning("route", line.route)
    if birth is not None:
        day = view.service_day(line)
        if rule.min_age is not None and completed(birth, day, rule.min_age.unit) < rule.min_age.count:
            return False
        if rule.max_age is not None and completed(birth, day, rule.max_age.unit) > rule.max_age.count:
            return False
    if rule.routes and route is not None and route not in rule.routes:
        return False
    if rule.routes and route is None:
        return view.unread(line.route, "line.route", line)
    if birth is None and (rule.min_age is not None or rule.max_age is not None):
        return Missing(fields=("patient.birth_date",), lines=(line.position,))
    return True


def _case(rule: DoseLimit, line: Line, view: View) -> Case | Missing:
    """Return what is judged, or the first fact that is missing for it."""
    if line.dose is None or line.dose <= 0:
        return Missing(fields=("line.dose",), lines=(line.position,))
    dose = in_unit(line.dose, line.dose_unit, rule.unit, line, view, field="line.dose_unit")
    if isinstance(dose, Missing):
        return dose
    weight = (view.encounter.patient.weight_g or 0) if rule.per_kg else 0
    if rule.per_kg and weight <= 0:
        return Missing(fields=("patient.weight_g",), lines=(line.position,))
    single = Case(line.position, dose, None, weight)
    if rule.max_daily is None:
        return single
    pace = pace_of(line, view)
    if isinstance(pace, Missing):
        # A single dose beyond its own limit is at fault however often it is given.
        return single if _breaches(rule, single) else pace
    return Case(line.position, dose, pace.daily if pace.repeats else None, weight)


def _breaches(rule: DoseLimit, case: Case) -> list[Breach]:
    """Return the limits that are not kept, the loudest first."""
    found: list[Breach] = []
    dose = f"{number(case.dose)} {rule.unit}"
    if rule.max_single is not None and case.dose > _limit(rule, rule.max_single, case):
        found.append(Breach(True, f"单次最大 {_in_words(rule, rule.max_single, case)}", f"本次 {dose}"))
    if rule.max_daily is not None and case.times is not None:
        daily = case.dose * case.times
        if daily > _limit(rule, rule.max_daily, case):
            sums = f"本次 {dose} × 每日 {case.times} 次 = {number(daily)} {rule.unit}"
            found.append(Breach(True, f"每日最大 {_in_words(rule, rule.max_daily, case)}", sums))
    if rule.min_single is not None and case.dose < _limit(rule, rule.min_single, case):
        found.append(Breach(False, f"单次最小 {_in_words(rule, rule.min_single, case)}", f"本次 {dose}"))
    return found


def _limit(rule: DoseLimit, limit: int, case: Case) -> int:
    return limit * case.weight_g // GRAMS_IN_KG if rule.per_kg else limit


def _in_words(rule: DoseLimit, limit: int, case: Case) -> str:
    whole = f"{number(_limit(rule, limit, case))} {rule.unit}"
    if not rule.per_kg:
        return whole
    weight = number(case.weight_g * UNIT // GRAMS_IN_KG)
    return f"{number(limit)} {rule.unit}/kg × {weight} kg = {whole}"


def check(rule: DoseLimit, case: Case) -> Draft | None:
    """Fire for every limit that the line's dose does not keep, in one finding."""
    found = _breaches(rule, case)
    if not found:
        return None
    words = ";".join(f"{breach.limit},{breach.present}" for breach in found)
    return Draft(
        code="DOSE_TOO_HIGH" if found[0].high else "DOSE_TOO_LOW",
        message=f"【{rule.name}】{_whom(rule)}{words};请核对剂量、单位与频次。",
        lines=(case.line,),
        limit=found[0].limit,
        present=found[0].present,
        allowed=found[0].limit,
        facts=(
            ("line.dose", f"{number(case.dose)} {rule.unit}"),
            ("times_a_day", str(case.times or "")),
            ("patient.weight_g", str(case.weight_g or "")),
        ),
    )


def _whom(rule: DoseLimit) -> str:
    """Return the ages the row is about in words: (3 岁至 12 岁)."""
    if rule.min_age is not None and rule.max_age is not None:
        return f"({rule.min_age}至 {rule.max_age}患者)"
    if rule.min_age is not None:
        return f"({rule.min_age}及以上患者)"
    return f"({rule.max_age}及以下患者)" if rule.max_age is not None else ""


def _dosed(rule: DoseLimit, encounter: Encounter, more: int) -> Encounter:
    """Return the encounter with a dose at the rule's tightest limit and ``more``, once a day, for whom it holds."""
    weight = encounter.patient.weight_g or 20 * GRAMS_IN_KG
    highest = [limit for limit in (rule.max_single, rule.max_daily) if limit is not None]
    limit = min(highest) if highest else rule.min_single or 0
    if rule.per_kg:
        encounter = with_patient(encounter, weight_g=weight)
        limit = limit * weight // GRAMS_IN_KG
    if (age := rule.min_age or rule.max_age) is not None:
        encounter = with_patient(encounter, birth_date=born(day_of(encounter), age))
    dose = limit + (more if highest else -more)
    route = rule.routes[0] if rule.routes else encounter.lines[0].route
    return with_first_line(encounter, dose=dose, dose_unit=rule.unit, frequency="1/1", route=route)


def witness(rule: DoseLimit, encounter: Encounter) -> Encounter:
    """A little beyond the tightest limit."""
    return _dosed(rule, encounter, 1)


def near_miss(rule: DoseLimit, encounter: Encounter) -> Encounter:
    """Exactly the tightest limit."""
    return _dosed(rule, encounter, 0)


KIND = RuleKind(
    name="dose_limit",
    title="超说明书用量",
    codes=(("DOSE_TOO_HIGH", "用量超出"), ("DOSE_TOO_LOW", "用量不足")),
    row=DoseRow,
    rule=DoseLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
