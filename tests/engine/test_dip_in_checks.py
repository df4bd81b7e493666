"""DIP inside a check: the grouper and the scan give the same verdict, and what is stored gives it again."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rules import Input, check, encode, reference
from rules.model import UNIT, Operation
from service.schemes import SHIPPED, shipped
from tests.builders import an_encounter, an_input, icd
from tests.engine.encounters import BOOK, inputs

SCHEMES = sorted(folder.parent.name for folder in SHIPPED.glob("*/scheme.yaml"))
LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
DIAGNOSES = (
    "K80.100",
    "Z51.103",
    "C34.100",
    "I63.900",
    "P07.300",
    "A09.900",
    "T21.300",
    "T31.100",
    "O80.000",
    "",
    "X59.900",
)
OPERATIONS = ("51.2300", "51.8803", "99.2503", "99.2800x005", "33.6x00", "96.7201", "86.6201", "47.0100", "??", "6.31")
some = settings(max_examples=40, deadline=None, suppress_health_check=LARGE)


@st.composite
def stays(draw):
    """Return a check of a stay whose codes the shipped schemes know, with other odd facts around them."""
    found = draw(inputs())
    encounter = replace(
        found.encounter,
        visit=replace(
            found.encounter.visit, type="inpatient", total_amount=draw(st.sampled_from((None, 0, 9_000 * UNIT)))
        ),
        diagnoses=tuple(icd(code) for code in draw(st.lists(st.sampled_from(DIAGNOSES), max_size=4))),
        operations=tuple(Operation(code=code) for code in draw(st.lists(st.sampled_from(OPERATIONS), max_size=4))),
        ordered_operations=tuple(
            Operation(code=code) for code in draw(st.lists(st.sampled_from(OPERATIONS), max_size=1))
        ),
    )
    return replace(found, encounter=encounter, role=draw(st.sampled_from(("doctor", "coder"))))


@pytest.mark.parametrize("name", SCHEMES)
@some
@given(given_input=stays())
def test_the_grouper_answers_like_the_plain_scan(name, given_input):
    """The verdict is the same bytes, whichever way the group was found; nothing fails inside."""
    scheme = shipped(name)

    verdict = check(given_input, BOOK, scheme)

    assert encode(reference(given_input, BOOK, scheme)) == encode(verdict)
    assert "dip" not in {entry.kind for entry in verdict.not_checked}
    assert (scheme.scheme.digest, True) == (verdict.digests.scheme, verdict.dip is not None)


@some
@given(given_input=stays())
def test_a_stored_input_gives_the_same_bytes_again(given_input):
    """Also for stays: nothing of the answer rests on what was remembered of another."""
    scheme = shipped("example-city-a")
    stored = msgspec.json.decode(encode(given_input), type=Input)

    assert encode(check(given_input, BOOK, scheme)) == encode(check(stored, BOOK, scheme))


def test_moves_do_not_hang_on_an_earlier_check():
    """What is remembered of a stay is the same whatever the stay cost when it was first seen."""
    scheme = shipped("example-city-a")
    stay = an_encounter(diagnoses=(icd("I10.x00"), icd("K80.100")), total_amount=1_000 * UNIT)
    stay = replace(stay, operations=(Operation(code="51.2300"),))
    dear = replace(stay, visit=replace(stay.visit, total_amount=900_000 * UNIT))

    first = check(an_input(dear), BOOK, scheme).dip.moves

    assert first == check(an_input(stay), BOOK, scheme).dip.moves
    assert first
