"""What the flow keeps of a check: the input's bytes and the digest that gives a verdict its identity."""

from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from rules import Encounter, Input, encode
from rules.model import Context, Digests, Finding, History, Line, Overlay, Verdict
from service.verdict_records import content_digest, input_bytes, owners_of, sent_digest

ZONE = timezone(timedelta(hours=8))
TIME = datetime(2026, 3, 18, 9, 15, tzinfo=ZONE)
TIMED = Line(item="X", begin=TIME, quantity=10_000)
GIVEN = [
    Input(encounter=Encounter(hospital="H1"), time=TIME),
    Input(encounter=Encounter(hospital="H1", lines=(TIMED,)), time=TIME, role="nurse"),
    Input(
        encounter=Encounter(hospital="H1", lines=(TIMED, replace(TIMED, begin=None))),
        time=TIME,
        context=Context(history=History(since=TIME.date(), lines=(TIMED,)), late=("quotas",)),
        overlay=Overlay(levels=(("r", "info"),), off=("s",)),
    ),
]


@pytest.mark.parametrize("given", GIVEN)
def test_the_input_is_encoded_once_and_the_same(given):
    """The fast way around a second encoding gives the canonical bytes."""
    assert encode(given) == input_bytes(given, encode(given.encounter))


def digest(given):
    return content_digest(given, encode(given.encounter))


def test_the_envelopes_clock_is_no_content():
    """Moving the message's time changes nothing while every current line has its own."""
    given = GIVEN[1]

    assert digest(given) == digest(replace(given, time=TIME + timedelta(days=3)))


def test_the_day_counts_when_a_line_leans_on_it():
    """A current line without a begin is judged on the message's day, so that day is content."""
    given = GIVEN[2]

    assert digest(given) == digest(replace(given, time=TIME + timedelta(minutes=5)))
    assert digest(given) != digest(replace(given, time=TIME + timedelta(days=1)))


@pytest.mark.parametrize(
    "change",
    [{"role": "coder"}, {"context": Context()}, {"overlay": Overlay()}, {"encounter": Encounter(hospital="H2")}],
)
def test_whatever_is_evaluated_counts(change):
    """Encounter, context, overlay and role each give another identity."""
    assert digest(GIVEN[2]) != digest(replace(GIVEN[2], **change))


def test_more_history_is_no_other_message():
    """What was sent is the same, whatever the record knew at the time; another encounter is another message."""
    with_history, without = GIVEN[2], replace(GIVEN[2], context=Context())
    sent = [sent_digest(given, encode(given.encounter)) for given in (with_history, without)]

    assert sent[0] == sent[1]
    assert sent[0] != sent_digest(GIVEN[1], encode(GIVEN[1].encounter))


def finding(*lines):
    return Finding(
        rule="r",
        kind="k",
        code="c",
        title="t",
        item="i",
        certainty="violation",
        level="warn",
        scope="payment",
        lines=lines,
        message="m",
        amounts=(0,) * len(lines),
    )


def test_owners_are_named_where_somebody_else_ordered():
    """Statistics go by who ordered a finding's first line; the record's own department need not be repeated."""
    lines = (Line(department="D1", doctor="A"), Line(position=1, department="D2"), Line(position=2))
    encounter = Encounter(hospital="H1", lines=lines)
    verdict = Verdict(
        state="warned",
        findings=(finding(0), finding(1, 0), finding(2)),
        digests=Digests(engine="1", rulebook="r", overlay=""),
    )

    assert ((2, "D2", "A"),) == owners_of(verdict, encounter, "D1", "A")
