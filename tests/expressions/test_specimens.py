"""Assignments that build a specimen: each does what it says, in order, from an ordinary encounter."""

from datetime import date

import pytest

from rules.expressions.specimens import edited, specimen
from rules.model import UNIT
from tests.builders import an_encounter, at

CELLS = ("5", "H00010002", "", "")


def made(text):
    return edited(text, CELLS, an_encounter())


def test_a_field_is_set():
    """Numbers, texts, truth values and days; a parameter and sums of it are constants too."""
    found = made('line.quantity = p1 + 0.5; line.unit = "日"; line.self_paid = True; line.day = day("2026-03-01")')
    (line,) = found.lines

    assert (55_000, "日", True, at("2026-03-01 10:00")) == (line.quantity, line.unit, line.self_paid, line.begin)
    assert 55 * UNIT == line.amount


def test_an_age_is_completed_on_the_line_s_day():
    """The day comes first where both are set, since assignments are made in order."""
    found = made('line.day = day("2026-01-10"); patient.age_years = 3')

    assert date(2023, 1, 10) == found.patient.birth_date


def test_a_diagnosis_replaces_the_check_up_only():
    """Several may be added."""
    codes = [one.code for one in made('diagnosis("E11.900"); diagnosis("I10.X00")').diagnoses]

    assert ["E11.900", "I10.X00"] == codes


def test_an_operation_is_added():
    """Beside any that are there."""
    assert ["36.0601"] == [one.code for one in made('operation("36.0601")').operations]


@pytest.mark.parametrize(
    ("text", "quantity", "begin"),
    [
        ("charge(p2)", UNIT, "2026-03-18 10:00"),
        ("charge('H00010002', 2.5)", 25_000, "2026-03-18 10:00"),
        ("charge('H00010002', 2, 3)", 2 * UNIT, "2026-03-15 10:00"),
    ],
)
def test_a_charge_is_a_known_line_of_this_visit(text, quantity, begin):
    """Item, quantity, days ago; at ten yuan each."""
    line = made(text).lines[1]

    assert ("H00010002", quantity, 10 * quantity, at(begin)) == (line.item, line.quantity, line.amount, line.begin)
    assert (False, None, "") == (line.current, line.visit, line.name)


def test_the_parameters_it_names_are_known():
    """A cell that only a specimen uses is used."""
    assert {"p1", "p2"} == specimen("line.quantity = p1; charge(p2)", CELLS)[1]
