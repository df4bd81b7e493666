"""Which operations belong to which diagnosis by the catalogue."""

import pytest

from rules.dip.directory import Directory
from rules.dip.model import Step
from rules.dip.ownership import Owned, ownership
from tests.dip.builders import a_row, a_scheme


def owned(diagnosis: str, *rows: object, match: str = "equal") -> Owned:
    """Return what a diagnosis owns in a catalogue of these rows."""
    step = Step(step="layer", layers=("core",), operation_match=match)
    return ownership(Directory.build(a_scheme(*rows, steps=(step,)))).of(diagnosis)


def test_main_operations_of_its_rows():
    """By prefix, by category, by whole code; not those of other diagnoses, not related operations."""
    rows = (
        a_row("a", "K80.1", "51.2300", "51.8801"),
        a_row("b", "K80", "51.2200"),
        a_row("c", "=K80.100", "51.2100"),
        a_row("d", "K81", "51.9900"),
    )

    assert Owned(True, frozenset({"51.2300", "51.2200", "51.2100"})) == owned("K80.100", *rows)
    assert Owned(True, frozenset({"51.2300", "51.2200", "51.2100"})) == owned("K80.100+G01*", *rows)
    assert Owned(True, frozenset({"51.2300", "51.2200"})) == owned("K80.101", *rows)
    assert Owned(False) == owned("I10.x00", *rows)


def test_a_bare_category_is_padded():
    """``N40`` is what the catalogue writes ``N40.x``."""
    assert owned("N40", a_row("a", "N40.x", "60.2900")).holds("60.2900")


def test_operations_that_may_stand_anywhere():
    """A row whose operations may stand in any position names them too."""
    assert owned("K80.100", a_row("a", "K80.1", "51.2300", anywhere=True)).holds("51.2300")


@pytest.mark.parametrize(("operation", "expected"), [("51.2300x001", True), ("51.23", True), ("51.2400", False)])
def test_short_codes(operation, expected):
    """Where the scheme matches by prefix, a short code stands for all that begin so."""
    assert expected is owned("K80.100", a_row("a", "K80.1", "51.23"), match="prefix").holds(operation)


def test_rows_for_any_diagnosis():
    """They belong to no diagnosis in particular."""
    found = ownership(Directory.build(a_scheme(a_row("x", "", "33.6x00"), a_row("a", "K80.1", "51.2300"))))

    assert (False, True) == (found.of("K80.100").holds("33.6x00"), found.of_any.holds("33.6x00"))


def test_categories():
    """Where an operation is listed as main one: by category, for any diagnosis, or nowhere."""
    rows = (
        a_row("a", "K80.1|K81", "51.2300"),
        a_row("x", "", "33.6x00"),
        a_row("p", "", "96.7100", any_diagnosis=("P07",)),
    )
    found = ownership(Directory.build(a_scheme(*rows)))

    assert [frozenset({"K80", "K81"}), None, frozenset({"P07"}), frozenset()] == [
        found.categories(code) for code in ("51.2300", "33.6x00", "96.7100", "00.0000")
    ]


def test_made_once():
    """A directory keeps what was made of it."""
    directory = Directory.build(a_scheme(a_row()))

    assert ownership(directory) is ownership(directory)
