"""What rules ask of the past, that it is enough, and that nothing else is ever taken as known."""

from datetime import date, datetime

import pytest
from msgspec.json import decode
from msgspec.structs import replace

from rules import Look, check, encode, needs
from rules.engine import specimen
from rules.engine.specimen_scheme import SCHEME
from rules.model import Asked, Context, Encounter, History, Input, PastVisit
from rules.patterns import matches
from service.history.context import asked_of
from tests.builders import MORE_RULES, SAMPLES, a_line, a_rule, a_rulebook, an_encounter, at, icd, past

ROWS = [*SAMPLES.items(), *MORE_RULES]
LONG_AGO = date(1900, 1, 1)
BY_PAYLOAD_ALONE = {"required_item", "facility_level_limit"}
"""Kinds for which the record cannot tell that an item is absent: they ask for what is there."""
SAID_OTHERWISE = {"step_therapy"}
"""Kinds that name this hospital's record where only that is known."""
INTERVAL = a_rule("item_interval")
VISITS = a_rule("frequent_visits", rule_id="R2")
each_row = pytest.mark.parametrize(("name", "columns"), ROWS)


def specimens(name, columns):
    """Yield the rulebook of a sample row with the inputs in which it fires and is just silent."""
    rulebook = a_rulebook(a_rule(name, **({"items": "XL02BBA326A001*"} | columns)))
    for make in (specimen.witness, specimen.near_miss):
        yield rulebook, make(rulebook.entries[0], rulebook)


def said(given, rulebook):
    """Return what a verdict says, whatever places the lines of the past have."""
    found = check(given, rulebook, SCHEME)
    return [(one.code, one.lines, one.message) for one in found.findings], found.not_checked


def with_record(given, asked, *, lines=(), visits=()):
    """Return the input with no word of the sender about its past, and a record that was asked for so much."""
    encounter = replace(given.encounter, history_since=None, visits=None)
    kept = tuple(line for line in encounter.lines if line not in lines)
    numbered = tuple(replace(line, position=place) for place, line in enumerate(kept))
    history = History(since=LONG_AGO, lines=tuple(lines), visits=tuple(visits), asked=tuple(asked))
    return replace(given, encounter=replace(encounter, lines=numbered), context=Context(history=history))


@each_row
def test_what_was_not_asked_for_is_not_known(name, columns):
    """A record that vouches for everything, asked for another item, lets no rule of any kind speak or pass."""
    for rulebook, given in specimens(name, columns):
        silent = replace(given, encounter=replace(given.encounter, history_since=None, visits=None))
        other = with_record(given, [Asked(since=LONG_AGO, items=("ZZ*",))])

        assert said(silent, rulebook) == said(other, rulebook)


@each_row
def test_what_a_kind_asks_for_is_enough(name, columns):
    """With no past in the message and the record answering the looks, the rule says what it says of a full message."""
    for rulebook, given in specimens(name, columns):
        looks = rulebook.entries[0].looks
        if not looks or name in BY_PAYLOAD_ALONE:
            continue
        asked = tuple(asked_of(looks, given.encounter, given.time))
        lines = [line for line in given.encounter.lines if not line.current and asked_for(line, asked)]
        recorded = with_record(given, asked, lines=lines, visits=given.encounter.visits or ())

        full, other = said(given, rulebook), said(recorded, rulebook)
        if name in SAID_OTHERWISE:
            full, other = (([(code, lines) for code, lines, _ in one[0]], one[1]) for one in (full, other))
        assert full == other


def asked_for(line, asked):
    return any(matches(one.items, line.item) and line.begin and line.begin.date() >= one.since for one in asked)


class TestNeeds:
    def test_each_look_is_named_once(self):
        """However many lines bring its rules up."""
        book = a_rulebook(INTERVAL, a_rule("item_interval", rule_id="R3", name="又一项目"))

        assert (Look(("A01",), 15),) == needs(an_encounter(a_line(), a_line()), book)

    def test_diagnoses_and_operations_bring_looks_up_too(self):
        """A custom rule over the visit asks whatever brings it up."""
        rule = a_rule("required_item", items="A01", with_items="B01", window="days:3")

        assert (Look(("B01",), 3),) == needs(an_encounter(diagnoses=(icd("K21.900"),)), a_rulebook(rule))
        assert () == needs(an_encounter(a_line("C01")), a_rulebook(rule))

    @pytest.mark.parametrize(("since", "asks"), [("2026-03-03", False), ("2026-03-04", True), (None, True)])
    def test_what_the_sender_vouches_for_is_not_asked(self, since, asks):
        """Fifteen days back from the earliest current line, or the admission where that is earlier."""
        encounter = an_encounter(a_line(), admitted=None, history_since=at(since).date() if since else None)

        assert asks == bool(needs(encounter, a_rulebook(INTERVAL)))

    def test_a_line_without_a_time_leaves_the_window_open(self):
        """Nobody here knows the message's time."""
        encounter = an_encounter(a_line(begin=None), history_since=date(2020, 1, 1))

        assert (Look(("A01",), 15),) == needs(encounter, a_rulebook(INTERVAL))

    @pytest.mark.parametrize(("scenes", "asks"), [(("1",), True), (("2",), False), ((), False)])
    def test_visits_are_asked_for_where_the_rule_speaks(self, scenes, asks):
        """Not with every order: only in the scenes of the row, or of its kind."""
        assert asks == bool(needs(an_encounter(scenes=scenes), a_rulebook(VISITS)))

    @pytest.mark.parametrize(("visits", "asks"), [((), False), ((PastVisit(id="V0"),), False), (None, True)])
    def test_visits_that_were_sent_are_not_asked_for(self, visits, asks):
        """An empty list says that there were none."""
        encounter = an_encounter(scenes=("1",), visits=visits, history_since=date(2020, 1, 1))

        assert asks == bool(needs(encounter, a_rulebook(VISITS)))

    def test_a_rule_that_cannot_run_asks_nothing(self):
        """One of its parameters is not set."""
        assert () == needs(an_encounter(), a_rulebook(replace(INTERVAL, unset=("days",))))


class TestAsked:
    NOW = datetime(2026, 3, 18, 10, 0, tzinfo=at("2026-03-18").tzinfo)

    def test_looks_are_joined_by_their_day(self):
        """The earliest first; visits count back from the admission."""
        looks = (
            Look(("B01",), 7),
            Look(("A01",), 7),
            Look(("C*",), 30),
            Look(days=15, visits=True),
            Look(days=3, visits=True),
        )
        found = tuple(asked_of(looks, an_encounter(a_line(), past("2026-01-01"), admitted=at("2026-03-10")), self.NOW))

        assert (
            Asked(since=date(2026, 2, 16), items=("C*",)),
            Asked(since=date(2026, 2, 23), visits=True),
            Asked(since=date(2026, 3, 11), items=("A01", "B01")),
        ) == found

    def test_without_current_lines_today_counts(self):
        """A registration charges nothing yet; a line without a time is of the message's."""
        empty = Encounter(hospital="H1")
        undated = an_encounter(a_line(begin=None))

        for encounter in (empty, undated):
            (found,) = asked_of((Look(("A01",), 1),), encounter, self.NOW)
            assert date(2026, 3, 17) == found.since

    def test_a_life_ends_at_the_first_day_there_is(self):
        """A hostile message may be of the year one."""
        encounter = an_encounter(a_line(begin=datetime(1, 1, 5, tzinfo=self.NOW.tzinfo)))
        (found,) = asked_of((Look(("A01",), 36_500),), encounter, self.NOW)

        assert date.min == found.since


def test_an_input_with_history_reads_back():
    """What was asked for is part of what is stored."""

    history = History(
        since=date(2026, 1, 1), lines=(past("2026-03-01"),), asked=(Asked(since=date(2026, 2, 1), items=("A01",)),)
    )
    given = Input(encounter=an_encounter(), time=at("2026-03-18"), context=Context(history=history))

    assert given == decode(encode(given), type=Input)
