"""Conditions and scenes for the evaluator's tests: every form of the language, and every fact there, absent or odd."""

from datetime import date

from msgspec.structs import replace

from rules.expressions.types import Scene
from rules.kinds._view import View
from rules.model import UNIT, Context, History, Operation
from tests.builders import a_line, an_encounter, an_input, at, icd, past

CELLS = ("5", "", "主任医师", "2026-03-01")
CONDITIONS = [
    "line.quantity > p1",
    "line.quantity >= 2 and line.quantity <= 4",
    "2 <= line.quantity < 4",
    "2 < line.quantity != p1",
    "not line.quantity == 3",
    "line.quantity != 3 or patient.pregnant",
    "line.amount / line.quantity > 9.9999",
    "line.amount / (line.quantity - 3) > 1",
    "1 / (line.price - line.price) > 1",
    "line.price * line.quantity == line.amount",
    "line.quantity * line.quantity * line.quantity * line.quantity * line.quantity > 1",
    "-line.quantity < -2.5",
    "-(line.quantity + line.price) < -line.amount",
    "line.quantity / 3 * 3 == line.quantity",
    "patient.age_years < 14 or patient.age_years >= 60",
    "patient.age_days <= 28 and not visit.maternity",
    'patient.sex == "female" and patient.pregnant == True',
    'patient.sex != "female" or patient.pregnant == False',
    'visit.type in ("outpatient", "pharmacy")',
    'visit.type not in ("outpatient",) and visit.emergency',
    'visit.insurance == "310" and not visit.work_injury',
    "visit.stay_days > 3",
    "visit.admitted <= p4",
    'line.day > day("2026-03-17") and line.day != visit.admitted',
    "line.hour < 8 or line.hour >= 22",
    "line.self_paid or line.discharge_medication",
    "line.self_paid and line.discharge_medication and visit.rescue",
    'line.department != p3 and line.name == "甲"',
    "line.doctor_title in ('chief', 'associate_chief')",
    "line.supply_days > 7",
    'has_diagnosis("I2*", "E11*")',
    'not has_diagnosis("I2*")',
    'has_operation("36.06*") or has_diagnosis("I2*")',
    'is_item("A0*") and not is_item("A02")',
    'charged("B01*|C01")',
    'not charged("B01") and line.quantity > 1',
    'total_quantity("A01", 1) > 3',
    'total_quantity("A01", 7) > 3',
    'total_quantity("A01", 7) <= 100',
    'total_quantity("A01", 0) == 4',
    'total_quantity("A01", 30) - total_quantity("B01", 30) > 2',
    '-total_quantity("A01", 30) < -3',
    'total_quantity("A01", 30) + line.quantity >= 5',
    'total_quantity("A01", 30) * 2 > 4',
    'total_amount("A01|B01", 3) > 50',
    'total_amount("A01", 30) / total_quantity("A01", 30) > 10',
    'total_amount("A01", 30) > visit.total_amount / 2',
    'total_quantity("A01", 30) in (1, 2, 3)',
    'days_since("A01") < 15',
    'days_since("A01") >= 30',
    'days_since("A01") == 3',
    'days_since("A01") != 3 or days_since("C01") < 10',
    'days_since("C01") > 20',
    '(line.self_paid or patient.sex == "male") and (visit.rescue or days_since("A01") < 10)',
    'not (line.self_paid and patient.sex == "male") or not (visit.rescue or days_since("A01") < 10)',
]


def encounters():
    """Return encounters that differ in what is known."""
    today = a_line("A01", quantity=4 * UNIT, doctor_title="chief", discharge_medication=False)
    known = (
        past("2026-03-15", "A01", visit="V0"),
        past("2026-03-18 08:00", "B01", quantity=2 * UNIT),
        past("2026-02-20", "A01", visit="V0"),
    )
    full = an_encounter(
        today,
        *known,
        diagnoses=(icd("E11.900"),),
        pregnant=False,
        total_amount=500 * UNIT,
        history_since=date(2025, 1, 1),
    )
    made = [full, replace(full, history_since=None), replace(full, history_since=date(2026, 3, 10))]
    made += [replace(full, diagnoses=found) for found in ((), (icd("I21.900"),), (icd("XYZ1"),))]
    made += [
        replace(full, operations=found)
        for found in ((Operation(code="36.0601"),), (Operation(code="45.1600"),), (Operation(),))
    ]
    for noun, name, values in (
        ("patient", "sex", (None, "female")),
        ("patient", "birth_date", (None, date(2026, 3, 1), date(2027, 1, 1))),
        ("patient", "pregnant", (None, True)),
        ("visit", "type", (None, "outpatient")),
        ("visit", "type_conflict", (True,)),
        ("visit", "emergency", (None, True)),
        ("visit", "rescue", (None, True)),
        ("visit", "insurance", (None, "510")),
        ("visit", "admitted", (None, at("2026-01-02"), at("2026-04-01"))),
        ("visit", "total_amount", (None, 0)),
    ):
        made += [replace(full, **{noun: replace(getattr(full, noun), **{name: value})}) for value in values]
    for name, values in (
        ("quantity", (None, 0, UNIT, 3 * UNIT, 6 * UNIT, 10**15)),
        ("price", (None, 0)),
        ("amount", (None, 0)),
        ("self_paid", (None, True)),
        ("timed", (False,)),
        ("doctor_title", (None, "技师", "resident")),
        ("department", ("主任医师",)),
        ("supply_days", (3, 14)),
        ("discharge_medication", (None, True)),
        ("begin", (None, at("2026-03-17 23:00"))),
    ):
        made += [changed(full, 0, **{name: value}) for value in values]
    made += [
        replace(
            full,
            patient=replace(full.patient, sex="female", pregnant=pregnant),
            visit=replace(full.visit, rescue=rescue),
        )
        for pregnant in (None, True, False)
        for rescue in (None, True)
    ]
    taken = changed(full, 0, self_paid=True, discharge_medication=True)
    made += [replace(taken, visit=replace(taken.visit, rescue=rescue)) for rescue in (None, True)]
    made += [changed(full, 0, item="A02"), changed(full, 0, item="C01", department="眼科", name="甲")]
    made += [replace(full, lines=full.lines[:1]), replace(full, lines=full.lines[:1], history_since=None)]
    made += [changed(full, 1, begin=None), changed(full, 1, quantity=None), changed(full, 3, begin=None, amount=None)]
    made += [changed(full, 1, stop=at("2026-03-20"), long_term=True, quantity=8 * UNIT), changed(full, 2, unit="日")]
    made.append(an_encounter(a_line("A01", quantity=None, price=None, self_paid=None)))
    return made


def changed(encounter, place, **changes):
    """Return an encounter with one of its lines changed."""
    lines = list(encounter.lines)
    lines[place] = replace(lines[place], **changes)
    return replace(encounter, lines=tuple(lines))


def views():
    """Return views of all encounters, with and without what was recorded."""
    recorded = History(since=date(2026, 1, 1), lines=(past("2026-03-05", "B01"), past("2026-01-10", "C01")))
    contexts = (Context(), Context(late=("history",)), Context(history=recorded))
    return [View(an_input(encounter, context=context)) for encounter in encounters() for context in contexts]


def scene_of(view, *, payment=False):
    """Return the scene of the first line."""
    return Scene(view, view.lines[0], payment=payment, memo={})
