"""Closures: equal to the plain twin everywhere, sound about what is unknown, and total."""

import pytest

from rules.expressions.compiling import condition
from rules.expressions.types import Scene, Unknown
from rules.kinds._view import View
from rules.model import UNIT
from tests.builders import a_line, an_encounter, an_input, at, past
from tests.expressions.material import CELLS, CONDITIONS, scene_of, views
from tests.expressions.twin import Twin

VIEWS = views()
each = pytest.mark.parametrize("text", CONDITIONS)


def run(text, view, cells=CELLS, **changes):
    return condition(text, cells, "line").run(scene_of(view, **changes))


def bare(value):
    return value if isinstance(value, bool) else value.lacks


@each
def test_the_closures_agree_with_the_plain_twin(text):
    """The same truth, and where it is unknown the same facts, in every scene."""
    for view in VIEWS:
        for payment in (False, True):
            found = run(text, view, payment=payment)

            assert bare(Twin(text, CELLS, scene_of(view, payment=payment)).run()) == bare(found)


@each
def test_a_condition_is_true_false_or_names_what_it_lacks(text):
    """No fourth answer, and never an unknown without a cause."""
    for view in VIEWS:
        found = run(text, view)

        assert found is True or found is False or (isinstance(found, Unknown) and found.lacks)


def test_the_material_is_no_formality():
    """Every condition is seen true, false and unknown somewhere, but for those that cannot be one of them."""
    seen = {text: {None if isinstance(found, Unknown) else found for found in _all(text)} for text in CONDITIONS}
    rare = {text: kinds for text, kinds in seen.items() if len(kinds) < 3}

    assert rare == {
        "1 / (line.price - line.price) > 1": {None},
        'is_item("A0*") and not is_item("A02")': {True, False},
        'charged("B01*|C01")': {True, False},
        'days_since("C01") > 20': {True, None},
    }


def _all(text):
    return [run(text, view) for view in VIEWS]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("line.self_paid and visit.rescue", False),
        ("visit.rescue and line.self_paid", False),
        ("line.self_paid or line.quantity == 1", True),
        ("line.quantity == 1 or line.self_paid", True),
        ("not (line.self_paid and visit.rescue)", True),
        ("line.self_paid and line.quantity == 1", ("line.self_paid",)),
        ("line.self_paid or visit.rescue", ("line.self_paid",)),
        ("line.self_paid or patient.pregnant", ("line.self_paid", "patient.pregnant")),
        ("(line.self_paid and visit.rescue) or patient.pregnant", ("patient.pregnant",)),
        ("not line.self_paid", ("line.self_paid",)),
        ("1 < line.supply_days < 0", ("line.supply_days",)),
        ("5 < line.quantity < line.supply_days", False),
    ],
)
def test_unknown_is_kleenes(text, value):
    """One part decides alone; else only the facts that could still decide are named."""
    view = View(an_input(an_encounter(a_line(self_paid=None))))
    found = condition(text, ("", "", "", ""), "line").run(scene_of(view))

    assert value == (found if isinstance(found, bool) else tuple(field for field, _ in found.lacks))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("line.quantity * 3 == 7.5", True),
        ("line.quantity / 3 == 0.8333", True),
        ("line.quantity - 5 == -2.5", True),
        ("-line.quantity + 0.0001 == -2.4999", True),
        ("line.quantity * 0.0001 == 0.0002", True),
        ("-line.quantity * 0.0001 == -0.0003", True),
    ],
)
def test_numbers_keep_their_scale(text, value):
    """Products and quotients are in 1/10,000 again, rounded down."""
    view = View(an_input(an_encounter(a_line(quantity=25_000))))

    assert value == run(text, view)


def test_division_by_zero_is_unknown_and_blames_the_divisor():
    """Nothing is guessed, and nothing raises."""
    view = View(an_input(an_encounter(a_line(quantity=0))))

    assert (("line.quantity", "missing"),) == run("line.amount / line.quantity > 1", view).lacks


def test_numbers_stay_short():
    """A product beyond all reason is unknown instead of growing with the text."""
    view = View(an_input(an_encounter(a_line(quantity=10**13))))
    text = " * ".join(["line.quantity"] * 15) + " > 1"

    assert (("line.quantity", "missing"),) == run(text, view).lacks


def test_a_limit_that_is_exceeded_anyhow_does_not_wait_for_the_past():
    """Earlier days can only add to a total: above it is true, below it is unknown, and silence would be a guess."""
    view = View(an_input(an_encounter(a_line(quantity=6 * UNIT))))

    assert run('total_quantity("A01", 30) > 5', view) is True
    assert run('total_quantity("A01", 30) <= 5', view) is False
    assert (("history", "missing"),) == run('total_quantity("A01", 30) > 6', view).lacks
    assert (("history", "missing"),) == run('total_quantity("A01", 30) == 6', view).lacks


def test_cost_follows_the_lines_not_their_square():
    """A day's total is added up once for all of its lines."""
    view = View(an_input(an_encounter(*[a_line("A01", id=f"L{number}") for number in range(3_000)])))
    ready, memo = condition('total_quantity("A01", 30) > 2999', CELLS, "line"), {}

    assert all(ready.run(Scene(view, line, payment=False, memo=memo)) is True for line in view.lines)
    assert 2 == len(memo)


def test_the_scene_of_a_visit_is_the_message_day():
    """Without a line the day is the message's."""
    view = View(an_input(an_encounter(a_line(), past("2026-03-17", "B01")), time=at("2026-03-19 08:00")))
    scene = Scene(view, None, payment=False, memo={})

    assert condition('days_since("B01") == 2', CELLS, "visit").run(scene) is True
