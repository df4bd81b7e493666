"""One jr_id for the findings of a card: at most 50 characters, and every part is recognised again."""

from datetime import UTC, datetime

import pytest

from service.dialects._finding_ids import LONGEST, joined, most_joined, parted
from service.identity import Identity

IDENTITY = Identity(b"k" * 32)
VERDICT = IDENTITY.verdict_id("H1", None, b"content", b"digests", datetime(2026, 3, 18, tzinfo=UTC))


def ids(*numbers):
    return [IDENTITY.finding_id(VERDICT, number) for number in numbers]


def test_one_finding_keeps_its_id():
    """Nothing changes for the ordinary card."""
    assert joined(ids(4)) == ids(4)[0]
    assert parted(ids(4)[0]) == ids(4)


@pytest.mark.parametrize("numbers", [(1, 2), (3, 1, 15), (17, 18)])
def test_every_part_is_recognised(numbers):
    """What is said about the card reaches each of its findings."""
    named = [IDENTITY.parse_finding_id(part) for part in parted(joined(ids(*numbers)))]

    assert [(VERDICT, number) for number in numbers] == named


@pytest.mark.parametrize("findings", [1, 15, 16, 255, 256, 65_535])
def test_as_many_as_fit(findings):
    """The field holds 50 characters."""
    numbers = range(findings, findings - most_joined(findings), -1) if findings > 3 else (1,)

    assert len(joined(ids(*numbers))) <= LONGEST


def test_three_fit_for_few():
    """Level, visit type and course of one remark are one card."""
    assert most_joined(15) == 3
    assert most_joined(16) == 2


@pytest.mark.parametrize("text", ["A+B", "jr+1", "", "+", f"{'0' * 36}-1+zz"])
def test_a_foreign_id_is_left_whole(text):
    """An upstream platform's ids are none of our business."""
    assert parted(text) == [text]


@pytest.mark.parametrize("text", ["{}+0", "{}+", "{}+fffffff", "{}+01", "x{}+2", "{}+2+3"])
def test_a_part_that_names_nothing(text):
    """Only a genuine id with a number beside it names another finding."""
    assert IDENTITY.parse_finding_id(text.format(ids(1)[0])) is None
