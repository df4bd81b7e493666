"""Payload and record as one history: whatever subset the payload repeats, and however well, each charge counts once."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from rules.kinds._merging import other_visits
from rules.kinds._view import View
from rules.model import Asked, Context, History, Line, PastVisit
from rules.patterns import names_all
from tests.builders import NOW, ZONE, a_line, an_encounter, an_input, at, past

TODAY = NOW.date()


def a_view(*sent, record=(), visits=(), since=None, asked=None, **changes):
    history = History(since=since, lines=tuple(record), visits=tuple(visits), asked=asked)
    return View(an_input(an_encounter(*sent, **changes), context=Context(history=history)))


def recorded(day, item="A01", **changes):
    return past(day, item, **({"visit": "V1"} | changes))


def counted(view):
    return sorted((line.item, line.quantity) for line in view.lines)


# --- whatever the payload repeats ---


@st.composite
def a_record_and_a_payload(draw):
    """Draw the charges there were, and what a later payload tells of them.

    Of an item in a visit it tells nothing, some of what is being saved, or all there is, each in any of three ways.
    """
    clocks, named = draw(st.booleans()), draw(st.booleans())
    facts = st.tuples(
        st.sampled_from(["a", "b"] if named else [""]),
        st.sampled_from(["A01", "B01"]),
        st.sampled_from(["V1", "V0"]),
        st.integers(0, 3),
        st.integers(1, 2),
    )
    drawn = draw(st.lists(facts, max_size=8, unique_by=lambda one: (one[:2], one[3]) if one[0] else object()))
    charges = [
        Line(
            id=key, item=item, visit=visit, begin=NOW - timedelta(days=day), timed=clocks, quantity=count, current=False
        )
        for key, item, visit, day, count in drawn
    ]
    tells = {
        use: draw(st.sampled_from(["nothing", "now", "all"])) for use in {(line.item, line.visit) for line in charges}
    }
    sent = []
    for line in charges:
        how, saved = tells[line.item, line.visit], line.visit == "V1" and line.begin == NOW
        if how == "all":
            sent.append(draw(telling(line)))
        elif how == "now" and saved and draw(st.booleans()):
            sent.append(replace(line, visit=None, current=True))
    undated = [(line.id, line.item, line.visit) for line in sent if line.begin is None and line.id]
    assume(len(set(undated)) == len(undated))
    return charges, draw(st.permutations(charges)), draw(st.permutations(sent))


@st.composite
def telling(draw, line):
    """Draw how a payload tells a line again: as before, by its day alone, or without any time."""
    current = line.visit == "V1" and draw(st.booleans())
    # What is being saved without a time is of today.
    timeless = not current or (line.id and line.begin == NOW)
    how = draw(st.sampled_from(["as before", "day", *(["nothing"] if timeless else [])]))
    told = replace(line, visit=None if line.visit == "V1" else line.visit, current=current)
    if how == "day":
        return replace(
            told, begin=datetime(line.begin.year, line.begin.month, line.begin.day, tzinfo=ZONE), timed=False
        )
    return replace(told, begin=None, timed=False) if how == "nothing" else told


@given(a_record_and_a_payload())
def test_every_charge_counts_once(drawn):
    """Totals of quantity by item are those of the charges there were, and so is the number of lines."""
    charges, record, sent = drawn
    encounter = replace(an_encounter(), lines=tuple(replace(line, position=at) for at, line in enumerate(sent)))
    view = View(an_input(encounter, context=Context(history=History(lines=tuple(record)))))

    assert sorted((line.item, line.quantity) for line in charges) == counted(view)


# --- one charge or two ---


class TestOneCharge:
    @pytest.mark.parametrize(
        ("sent", "record"),
        [
            (a_line(id="1"), recorded("2026-03-18 10:00", id="1", quantity=3_0000)),
            (a_line(id="1", begin=None), recorded("2026-03-18 09:00", id="1", timed=False)),
            (a_line(id="1", begin=None), recorded("2026-03-17 09:00", id="1", timed=False)),
            (a_line(id="1", begin=at("2026-03-18"), timed=False), recorded("2026-03-18 09:00", id="1")),
            (past("2026-03-18", id="1", timed=False), recorded("2026-03-18 09:00", id="1")),
            (past(None, id="1"), recorded("2026-03-11 09:00", id="1")),
            (past("2026-03-11", id="1"), recorded(None, id="1")),
            (past("2026-03-11 08:00", id="1", visit="V0"), recorded("2026-03-11 08:00", id="1", visit="V0")),
        ],
    )
    def test_by_its_id(self, sent, record):
        """What was saved before is what is being saved now, whatever clock either side lacks; the payload holds."""
        assert [sent.begin] == [line.begin for line in a_view(sent, record=[record]).lines]

    @pytest.mark.parametrize("begin", ["2026-03-11 08:00", "2026-03-11"])
    def test_without_an_id(self, begin):
        """Same item, quantity, visit and time, or day where one side has no clock."""
        sent = replace(past(begin, timed=begin != "2026-03-11"), id="")
        encounter = replace(an_encounter(), lines=(sent,))
        history = History(lines=(recorded("2026-03-11 08:00", id=""),))

        assert 1 == len(View(an_input(encounter, context=Context(history=history))).lines)

    def test_told_several_times(self):
        """A line without a clock stands in the record once per message that told it; the last one holds."""
        told = [recorded(f"2026-03-11 {hour}", id="1", timed=False, quantity=count) for hour, count in TELLINGS]
        (line,) = a_view(record=told).lines[1:]

        assert TELLINGS[-1][1] == line.quantity

    def test_told_with_a_clock_at_last(self):
        """The clock time is the better telling, whenever it came."""
        told = [recorded("2026-03-11 09:00", id="1"), recorded("2026-03-11 10:00", id="1", timed=False)]

        assert [at("2026-03-11 09:00")] == [line.begin for line in a_view(record=told).lines[1:]]

    def test_told_twice_alike(self):
        """An exact repeat of a line with an id is one charge."""
        assert 2 == len(a_view(record=[recorded("2026-03-11 09:00", id="1")] * 2).lines)


TELLINGS = [("08:00", 1_0000), ("09:00", 2_0000), ("11:00", 3_0000)]


class TestTwoCharges:
    @pytest.mark.parametrize(
        "record",
        [
            recorded("2026-03-18 09:00", id="1"),
            recorded("2026-03-17 10:00", id="1"),
            recorded("2026-03-18 10:00", "B01", id="1"),
            recorded("2026-03-18 10:00", id="2"),
            recorded("2026-03-18 10:00", id="1", visit="V0"),
            recorded("2026-03-18 10:00", id="1", visit=""),
            recorded("2026-03-18 10:00", id="1", quantity=-1_0000),
        ],
    )
    def test_another_clock_day_item_id_visit_or_a_reversal(self, record):
        """What both sides told precisely and differently is not the same."""
        assert 2 == len(a_view(a_line(id="1"), record=[record]).lines)

    def test_lines_of_one_message_alike_but_for_the_quantity(self):
        """Some senders repeat an id; each line the payload repeats takes its own out of the record."""
        both = [recorded("2026-03-18 10:00", id="1", quantity=count, timed=False) for count in (1_0000, 2_0000)]

        assert [("A01", 1_0000), ("A01", 2_0000)] == counted(a_view(a_line(id="1", quantity=2_0000), record=both))

    def test_without_an_id_another_quantity(self):
        """Nothing says that it is the same one."""
        encounter = replace(an_encounter(), lines=(replace(a_line(), id=""),))
        history = History(lines=(recorded("2026-03-18 10:00", id="", quantity=2_0000),))

        assert 2 == len(View(an_input(encounter, context=Context(history=history))).lines)


class TestOrderAndCharge:
    """One use told twice, as an order and as its charge, each under an id of its own."""

    ORDER = recorded("2026-03-18 08:00", id="O1", dose=1, frequency="qd")
    DAILY = recorded("2026-03-16 08:00", id="O1", quantity=3_0000, long_term=True)

    @pytest.mark.parametrize("record", [recorded("2026-03-18 08:00", id="O1"), recorded("2026-03-18", id="")])
    def test_history_tells_all_of_an_item_on_its_day(self, record):
        """The charge is there, under whatever id, quantity or clock; what is recorded besides is its order."""
        sent = past("2026-03-18 11:00", id="F1", quantity=2_0000)

        assert [("A01", 2_0000), ("A01", 1_0000)] == [
            (line.item, line.quantity) for line in used(sent, a_line(id="F2"), record=record)
        ]

    @pytest.mark.parametrize(
        "record",
        [
            recorded("2026-03-17 08:00", id="O1"),
            recorded("2026-03-18 08:00", "B01", id="O1"),
            recorded("2026-03-18 08:00", id="O1", visit="V0"),
            recorded("2026-03-18 08:00", id="O1", visit=""),
            recorded("2026-03-18 08:00", id="O1", quantity=-1_0000),
            recorded("2026-03-18 08:00", id="F1"),
        ],
    )
    def test_of_another_day_item_or_visit_it_tells_nothing(self, record):
        """Nor of a reversal, nor of the same id at another clock time."""
        assert 2 == len(used(past("2026-03-18 11:00", id="F1"), record=record))

    def test_history_without_a_time_tells_all_of_an_item(self):
        """It repeats the stay, and nobody can say which recorded line is which."""
        record = [recorded(f"2026-03-{day} 08:00", id=f"O{day}") for day in (15, 16, 17)]

        assert ["", ""] == [line.id for line in used(*[replace(past(None), id="")] * 2, record=record)]

    def test_what_is_being_saved_is_a_use_of_its_own(self):
        """A second order of the day is no other telling of the first, alike as they are."""
        assert 2 == len(used(a_line(id="F2"), record=recorded("2026-03-18 08:00", id="F1")))
        assert 2 == len(used(replace(self.ORDER, id="O2", current=True, visit=None), record=self.ORDER))

    def test_unless_it_is_the_bare_charge_of_a_recorded_order(self):
        """An order has a dose, a frequency or days, a charge has not."""
        assert ["F1"] == [line.id for line in used(a_line(id="F1"), record=self.ORDER)]

    def test_within_the_record(self):
        """Both were told: the charge is what was used."""
        charge = recorded("2026-03-18 11:00", id="F1")

        assert ["F1"] == [line.id for line in used(record=(self.ORDER, charge))]

    def test_an_order_over_several_days(self):
        """It is the use that the charges of its days tell of, and they are its use, whichever is sent."""
        charges = [recorded(f"2026-03-{day} 09:00", id=f"F{day}") for day in (16, 17, 18)]
        sent = [replace(line, visit=None) for line in charges]

        assert ["F16", "F17", "F18"] == [line.id for line in used(*sent, record=self.DAILY)]
        assert ["F16", "F17", "F18"] == sorted(line.id for line in used(record=(self.DAILY, *charges)))
        assert ["O1"] == [line.id for line in used(replace(self.DAILY, visit=None), record=charges)]

    def test_a_line_dated_before_today_tells_of_the_past(self):
        """Some senders flag no line of a stay, so that all of them are current (ruling 5)."""
        sent = a_line(id="F1", begin=at("2026-03-17 11:00"))

        assert ["F1"] == [line.id for line in used(sent, record=recorded("2026-03-17 08:00", id="O1"))]

    def test_at_the_settlement_of_a_stay_the_bill_tells_all(self):
        """What it leaves out of its days was taken back, or the patient pays it; earlier ones may be billed."""
        sent = (a_line(id="F1"), a_line(id="F2", begin=at("2026-03-16 11:00")))
        record = [recorded(f"2026-03-{day} 08:00", "B01", id=f"O{day}") for day in (15, 16, 17)]
        record += [
            recorded("2026-03-17", "C01", id="S", self_paid=True),
            recorded("2026-03-17", "C01", id="V", visit="V0"),
        ]

        found = used(*sent, record=record, scenes=("9",))
        assert ["F1", "F2", "O15", "S", "V"] == sorted(line.id for line in found)
        assert 7 == len(used(*sent, record=record, scenes=("4",)))

    @pytest.mark.parametrize(("scene", "count"), [("6", 1), ("2", 2)])
    def test_at_the_settlement_of_an_outpatient_nothing_is_ordered(self, scene, count):
        """What is settled is what was prescribed; prescriptions are settled one by one."""
        record = [recorded("2026-03-18 08:00", id="O1"), recorded("2026-03-18 08:00", "B01", id="O2")]
        found = used(a_line(id="F1"), record=record, scenes=(scene,), type="outpatient")

        assert count == sum(line.item == "A01" for line in found)
        assert 1 == sum(line.item == "B01" for line in found)

    @pytest.mark.parametrize("other", [{"id": "1"}, {"timed": True}])
    def test_told_in_another_manner(self, other):
        """With and without ids or clocks it is the same day told twice: the last telling is a whole."""
        first = replace(recorded("2026-03-18 10:00", quantity=3_0000), **({"id": "", "timed": False} | other))
        later = [replace(recorded("2026-03-18"), id="", timed=False) for _ in range(2)]

        assert [1_0000, 1_0000] == [line.quantity for line in used(record=(first, *later))]
        assert [3_0000] == [line.quantity for line in used(record=(*later, first))]


def used(*sent, record=(), **changes):
    """Return the lines that count, of a payload exactly as it is sent."""
    encounter = an_encounter(a_line(), **changes)
    encounter = replace(encounter, lines=tuple(replace(line, position=at) for at, line in enumerate(sent)))
    told = (record,) if isinstance(record, Line) else tuple(record)
    return View(an_input(encounter, context=Context(history=History(lines=told)))).lines


class TestPlaces:
    def test_a_recorded_line_of_this_visit_names_none(self):
        """It is known from before, at a place that no line of the payload has."""
        record = [recorded("2026-03-17 09:00", id="1"), recorded("2026-03-11 09:00", id="2", visit="V0")]
        record.append(recorded("2026-03-10 09:00", id="3", visit=""))

        assert [(-1, None, False), (-2, "V0", False), (-3, "", False)] == [
            (line.position, line.visit, line.current) for line in a_view(record=record).lines[1:]
        ]

    def test_without_a_visit_none_is_this_one(self):
        """An encounter without an id cannot say which recorded line is its own; the same line it is, still."""
        record = [recorded("2026-03-18 10:00", id="1", visit=""), recorded("2026-03-18 11:00", id="2", visit="")]
        view = a_view(a_line(id="1"), record=record, id="")

        assert [None, ""] == [line.visit for line in view.lines]

    def test_what_the_sender_vouches_for_is_all_there_is(self):
        """A recorded line of such a day that it does not send was taken back; older ones still count."""
        record = [recorded("2026-03-10 09:00", id="1"), recorded("2026-03-09 09:00", id="2"), recorded(None, id="3")]
        view = a_view(record=record, history_since=date(2026, 3, 10))

        assert ["2", "3"] == [line.id for line in view.lines[1:]]

    def test_many_lines_of_one_name_take_no_time(self):
        """Five thousand of one id on both sides: each is looked up, not compared with every other."""
        lines = [replace(a_line(id="1"), begin=NOW + timedelta(seconds=number)) for number in range(5_000)]
        record = [replace(line, begin=line.begin + timedelta(hours=-3), current=False) for line in lines]

        assert 10_000 == len(a_view(*lines, record=record).lines)


# --- what is known to be absent ---


class TestCoverage:
    ASKED = (Asked(since=date(2026, 3, 1), items=("A01", "B*")), Asked(since=date(2026, 2, 1), items=("B01",)))

    @pytest.mark.parametrize(
        ("items", "first", "known"),
        [
            (("A01",), "2026-03-01", True),
            (("A01",), "2026-02-28", False),
            (("B01",), "2026-02-01", True),
            (("B02", "B1*", "B?"), "2026-03-01", True),
            (("A01", "B01"), "2026-02-28", False),
            (("C01",), "2026-03-18", False),
            (("A01", "C01"), "2026-03-18", False),
            (("*",), "2026-03-18", False),
        ],
    )
    def test_the_record_tells_of_what_was_asked_for(self, items, first, known):
        """Items nobody asked about may have been used all the same, and so may those of an earlier day."""
        view = a_view(since=date(2026, 1, 1), asked=self.ASKED)

        assert known == view.covered_since(at(first).date(), items)

    @pytest.mark.parametrize(("since", "known"), [(date(2026, 2, 14), True), (date(2026, 2, 15), False), (None, False)])
    def test_only_where_the_hospital_vouches_for_it(self, since, known):
        """A record that begins later, or that nobody vouches for, tells of use and not of its absence."""
        asked = (Asked(since=date(2026, 1, 1), items=("A01",)),)

        assert known == a_view(since=since, asked=asked).covered_back(date(2026, 2, 15), 1, ("A01",))

    def test_the_sender_vouches_for_every_item(self):
        """Its word needs no asking; the better of both counts."""
        view = a_view(since=date(2026, 1, 1), asked=self.ASKED, history_since=date(2026, 3, 10))

        assert date(2026, 3, 1) == view.known_since(("A01",))
        assert date(2026, 3, 10) == view.known_since(("C01",))
        assert view.covered_since(date(2026, 3, 10))
        assert not view.covered_since(date(2026, 3, 9))

    @pytest.mark.parametrize(
        ("asked", "known"),
        [
            (None, True),
            ((), False),
            ((Asked(since=date(2026, 2, 1), items=("A01",)),), False),
            ((Asked(since=date(2026, 2, 1), visits=True),), True),
            ((Asked(since=date(2026, 2, 2), visits=True),), False),
        ],
    )
    def test_visits_are_known_where_they_were_asked_for(self, asked, known):
        """Lines that were asked for say nothing of visits."""
        assert known == a_view(since=date(2026, 1, 1), asked=asked).visits_covered_since(date(2026, 2, 1))

    def test_nobody_counts_back_beyond_the_first_day(self):
        """A hostile message may be of the year one."""
        assert not a_view().covered_back(date(1, 1, 2), 36_500)


@pytest.mark.parametrize(
    ("patterns", "other", "named"),
    [
        (("A01",), "A01", True),
        (("A*",), "A01", True),
        (("A?",), "A01", True),
        (("A*",), "A0*", True),
        (("A*",), "A0?", True),
        (("*",), "*", True),
        (("A0*",), "A*", False),
        (("A01",), "A01*", False),
        ((), "A01", False),
    ],
)
def test_a_family_names_all_of_a_smaller_one(patterns, other, named):
    """What is asked for by family holds every code that starts so."""
    assert named == names_all(patterns, other)


# --- visits ---


class TestVisits:
    STAY = PastVisit(id="V0", type="inpatient", admitted=at("2026-03-01"), discharged=at("2026-03-05"))

    def test_each_counts_once(self):
        """The payload tells the newer; the record fills what it leaves open."""
        told = PastVisit(id="V0", hospital="H1", discharged=at("2026-03-06"))
        (found,) = other_visits(an_encounter(), (told,), (self.STAY,))

        assert replace(self.STAY, hospital="H1", discharged=at("2026-03-06")) == found

    def test_one_told_by_its_day_alone_is_the_recorded_one_of_that_day(self):
        """Only once: two recorded visits of one day are two."""
        told = PastVisit(type="inpatient", admitted=at("2026-03-01 08:00"))
        second = PastVisit(id="V2", admitted=at("2026-03-01"))

        assert {"", "V2"} == {one.id for one in other_visits(an_encounter(), (told,), (self.STAY, second))}

    def test_another_hospital_s_is_another(self):
        """Ids are a hospital's own, and so are days."""
        told = (PastVisit(id="V0", hospital="H2"), PastVisit(hospital="H2", admitted=at("2026-03-01")))

        assert 3 == len(other_visits(an_encounter(), told, (self.STAY,)))

    def test_this_visit_is_none_of_the_others(self):
        """Whoever tells of it."""
        own = PastVisit(id="V1", admitted=at("2026-03-17"))

        assert (self.STAY,) == other_visits(an_encounter(), (own, self.STAY), (own,))
