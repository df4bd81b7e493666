"""What is asked: at settlement the whole visit is judged."""

from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from rules.codes import SETTLEMENT
from rules.model import Encounter, Line, Visit
from service.asked import whole_visit

TIME = datetime(2026, 3, 18, 9, 15, tzinfo=timezone(timedelta(hours=8)))
LINES = (
    Line(item="A", current=True, begin=TIME),
    Line(position=1, item="B", current=False, begin=TIME),
    Line(position=2, item="C", current=False, begin=TIME, visit="another"),
)


@pytest.mark.parametrize("scene", sorted(SETTLEMENT))
def test_settlement_judges_every_line_of_the_visit(scene):
    """What was saved before is judged with what is new; another visit's lines stay history."""
    found = whole_visit(Encounter(hospital="H1", scenes=(scene,), lines=LINES))

    assert [True, True, False] == [line.current for line in found.lines]


@pytest.mark.parametrize("scenes", [(), ("4",), ("5",), ("10",)])
def test_elsewhere_history_stays_history(scenes):
    """An order is judged by itself, and the very encounter comes back."""
    given = Encounter(hospital="H1", scenes=scenes, lines=LINES)

    assert whole_visit(given) is given


def test_an_encounter_that_is_whole_already_is_not_copied():
    """Nothing to change, nothing made."""
    given = Encounter(hospital="H1", scenes=("9",), lines=(LINES[0], replace(LINES[2], position=1)))

    assert whole_visit(given) is given


@pytest.mark.parametrize(("scene", "current"), [("4", [True, False, False]), ("9", [True, True, False])])
def test_lines_that_name_their_own_visit_are_its_own(scene, current):
    """A sender may name the visit on every line; only another visit's lines stay apart."""
    visit = Visit(id="another")
    lines = (*LINES[:2], replace(LINES[2], visit="a third"))
    named = tuple(replace(line, visit=line.visit or "another") for line in lines)
    found = whole_visit(Encounter(hospital="H1", visit=visit, scenes=(scene,), lines=named))

    assert [None, None, "a third"] == [line.visit for line in found.lines]
    assert current == [line.current for line in found.lines]
