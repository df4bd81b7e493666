"""Perioperative antibiotics (围手术期抗菌药物预防): prophylaxis too early, too long, or not needed at all.

An infection on the record makes it treatment, and another operation may need what a clean one does not: silent. The
record has days of operations, not hours, so a limit in hours is judged by whole days: 24 hours after an operation end
on the next day at the latest. Only what is wrong at any hour of the day is said.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, Literal

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import day_of, with_first_line
from rules.kinds._record import (
    is_coded,
    listed,
    operated,
    sure,
    thought_of,
    unread_operation,
    with_diagnosis,
    with_operation,
)
from rules.kinds._text import called
from rules.kinds._view import Charge, View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

Fault = Literal["late", "early", "needless"]
CODES: Final[dict[Fault, str]] = {
    "late": "PROPHYLAXIS_TOO_LONG",
    "early": "PROPHYLAXIS_TOO_EARLY",
    "needless": "PROPHYLAXIS_NOT_INDICATED",
}
UNRELATED: Final = Diagnosis(code="Z00.000", name="健康查体", main=True)
HOURS: Final = 24
"""In a day, which is as fine as the record tells."""
_NO_INCISION: Final = ("87.", "88.", "89.", *(f"9{digit}." for digit in range(10)), "17.9")
"""ICD-9-CM-3 chapters of diagnostic and miscellaneous procedures, and of traditional medicine (17.9)."""


class PerioperativeRow(Row):
    """One line of ``perioperative_antibiotics.csv``."""

    ops: Codes = Field(min_length=1, description="ICD-9-CM-3 patterns of clean operations")
    with_ops: Codes = Field(default=(), description="operations that go with them and change nothing")
    infection_dx: Codes = Field(min_length=1, description="ICD-10 patterns that make it treatment")
    max_hours_after: int | None = Field(default=None, ge=0, description="hours of use after the operation")
    window_before_hours: int | None = Field(default=None, ge=0, description="hours before it in which use may begin")
    indicated: bool = Field(default=True, description="false: these operations need no prophylaxis at all")
    risk_dx: Codes = Field(default=(), description="ICD-10 patterns of patients who need it all the same")


class Perioperative(Rule, frozen=True, kw_only=True):
    """Run form: clean operations, when prophylaxis may be used around them, and what makes it something else."""

    ops: tuple[str, ...]
    with_ops: tuple[str, ...]
    infection_dx: tuple[str, ...]
    days_after: int | None
    """Whole days after the operation's day on which use may still be within the hours."""
    days_before: int | None
    hours_after: int | None
    hours_before: int | None
    indicated: bool
    risk_dx: tuple[str, ...]


class Use(msgspec.Struct, frozen=True):
    """One current line: its days of use and its money."""

    line: int
    name: str
    days: tuple[date, ...]
    amount: int


class Case(msgspec.Struct, frozen=True):
    """Days of the clean operations, their names, and the antibiotics used."""

    operations: tuple[date, ...]
    called: str
    uses: tuple[Use, ...]


def compile_row(row: PerioperativeRow) -> Perioperative:
    """Return the run form. Raises ``ValueError`` for hours of a prophylaxis that is not indicated, or none at all."""
    timed = row.max_hours_after is not None or row.window_before_hours is not None
    if timed != row.indicated:
        raise ValueError("give max_hours_after or window_before_hours where prophylaxis is indicated, and only there")
    return Perioperative(
        **shared(row),
        ops=row.ops,
        with_ops=row.with_ops,
        infection_dx=row.infection_dx,
        days_after=_days(row.max_hours_after),
        days_before=_days(row.window_before_hours),
        hours_after=row.max_hours_after,
        hours_before=row.window_before_hours,
        indicated=row.indicated,
        risk_dx=row.risk_dx,
    )


def _days(hours: int | None) -> int | None:
    """Return hours as the days they may reach into, counted from any hour of a day."""
    return None if hours is None else -(-hours // HOURS)


def read(rule: Perioperative, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for a visit with clean operations only and no infection, or what keeps that from being known."""
    operations = operated(view, rule.ops)
    if not operations or thought_of(view, rule.infection_dx) or sure(view, rule.risk_dx):
        return
    lacking = _other_surgery(rule, view) or view.unread_diagnoses
    days = tuple(sorted(done.day for done in operations if done.day is not None))
    if isinstance(lacking, Missing):
        yield lacking
    elif lacking is None and rule.indicated and len(days) < len(operations):
        yield Missing(fields=("operation.day",))
    elif lacking is None:
        uses = [_use(rule, charge, view) for charge in _kept(rule, lines, view)]
        yield from (use for use in uses if isinstance(use, Missing))
        yield Case(days, listed(operations), tuple(use for use in uses if isinstance(use, Use)))


def _kept(rule: Perioperative, lines: tuple[Line, ...], view: View) -> list[Charge]:
    """Return what is left of the lines after reversals: a drug that was returned was not used."""
    asked = {line.position for line in lines}
    return [charge for charge in view.charges(rule.items) if charge.line.position in asked]


def _other_surgery(rule: Perioperative, view: View) -> Missing | Literal["other"] | None:
    """Say whether another operation was done that may need prophylaxis, or whether one cannot be read."""
    others = [done.code for done in view.encounter.operations if not matches((*rule.ops, *rule.with_ops), done.code)]
    incised = any(is_coded(code) and not code.startswith(_NO_INCISION) for code in others)
    return "other" if incised else unread_operation(others)


def _use(rule: Perioperative, charge: Charge, view: View) -> Use | Missing:
    line = charge.line
    span = view.span(line)
    if span is None:
        return Missing(fields=("line.time",), lines=(line.position,))
    first, last = span
    days = tuple(first + timedelta(days=step) for step in range((last - first).days + 1))
    return Use(line.position, called(line, rule.name), days, charge.amount)


def check(rule: Perioperative, case: Case) -> Draft | None:
    """Fire for use beyond the hours after an operation, else for use before the hours before it, else for any use."""
    faults: tuple[Fault, ...] = ("late", "early") if rule.indicated else ("needless",)
    for fault in faults:
        wrong = ((use, _wrong(fault, rule, case, use.days)) for use in case.uses)
        faulty = [(use, days) for use, days in wrong if days]
        if faulty:
            return _draft(fault, rule, case, faulty)
    return None


def _wrong(fault: Fault, rule: Perioperative, case: Case, days: tuple[date, ...]) -> tuple[date, ...]:
    """Return the days of use that are outside at any hour, seen from every operation."""
    if fault == "needless":
        return days
    outside = [day for day in days if not any(_around(rule, done, day) for done in case.operations)]
    return tuple(day for day in outside if (day > case.operations[0]) == (fault == "late"))


def _around(rule: Perioperative, done: date, day: date) -> bool:
    """Say whether a day of use may be within the hours around an operation."""
    gap, bound = ((day - done).days, rule.days_after) if day > done else ((done - day).days, rule.days_before)
    return bound is None or gap <= bound


def _draft(fault: Fault, rule: Perioperative, case: Case, faulty: list[tuple[Use, tuple[date, ...]]]) -> Draft:
    names = "、".join(dict.fromkeys(use.name for use, _ in faulty))
    wrong = sorted({day for _, days in faulty for day in days})
    at_stake = {use.line: use.amount * len(days) // len(use.days) for use, days in faulty}
    limit, present, allowed = _words(fault, rule, case, wrong)
    return Draft(
        code=CODES[fault],
        message=f"【{rule.name}】{case.called}{limit}:{names}{present};{allowed}。有感染的请补录诊断,否则请停用。",
        lines=tuple(sorted(at_stake)),
        amounts=tuple(at_stake[line] for line in sorted(at_stake)),
        limit=limit,
        present=f"{names}{present}",
        allowed=allowed,
        facts=(
            ("operations", case.called),
            ("operation.days", "、".join(day.isoformat() for day in case.operations)),
            ("days", "、".join(day.isoformat() for day in wrong)),
        ),
    )


def _words(fault: Fault, rule: Perioperative, case: Case, wrong: list[date]) -> tuple[str, str, str]:
    """Return limit, what was found and what is permitted; days, since the record has no hours."""
    if fault == "needless":
        return "为清洁手术,一般不需预防用药", "已开具", "有高危因素的请注明"
    if fault == "early":
        day, done = wrong[0], case.operations[0]
        from_day = (done - timedelta(days=rule.days_before or 0)).isoformat()
        limit = f"预防用药应在术前 {rule.hours_before} 小时内"
        return limit, f" {day.isoformat()} 已用,手术日期 {done.isoformat()}", f"按日期最早 {from_day} 可用"
    day = wrong[-1]
    done = max(done for done in case.operations if done < day)
    to_day = (done + timedelta(days=rule.days_after or 0)).isoformat()
    limit = f"术后预防用药不超过 {rule.hours_after} 小时"
    return limit, f" {day.isoformat()} 仍在用,手术日期 {done.isoformat()}", f"按日期最晚用至 {to_day}"


def _used(rule: Perioperative, encounter: Encounter, *, beyond: int) -> Encounter:
    """The operation done so that the line's one day of use lies so many days beyond what is permitted."""
    day = day_of(encounter)
    if rule.days_after is not None:
        done = day - timedelta(days=rule.days_after + beyond)
    else:
        done = day + timedelta(days=(rule.days_before or 0) + beyond)
    single = with_first_line(encounter, long_term=False, stop=None)
    return with_operation(single, rule.ops, done)


def witness(rule: Perioperative, encounter: Encounter) -> Encounter:
    """One day beyond what is permitted, for a patient without an infection or a risk."""
    named = (*rule.infection_dx, *rule.risk_dx)
    others = tuple(found for found in encounter.diagnoses if matches(named, found.code) is None)
    well = msgspec.structs.replace(encounter, diagnoses=others or (UNRELATED,))
    return _used(rule, well, beyond=1)


def near_miss(rule: Perioperative, encounter: Encounter) -> Encounter:
    """The last or first day permitted; without an indication, a patient with an infection."""
    used = _used(rule, encounter, beyond=0)
    return used if rule.indicated else with_diagnosis(used, rule.infection_dx)


KIND = RuleKind(
    name="perioperative_antibiotics",
    title="围手术期抗菌药物预防",
    codes=(
        ("PROPHYLAXIS_TOO_LONG", "术后预防用药过长"),
        ("PROPHYLAXIS_TOO_EARLY", "术前预防用药过早"),
        ("PROPHYLAXIS_NOT_INDICATED", "无指征预防用药"),
    ),
    row=PerioperativeRow,
    rule=Perioperative,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
