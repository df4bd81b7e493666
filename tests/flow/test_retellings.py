"""However a sender repeats a stay, day after day, what is recorded and what is sent add up to what was used."""

from collections import Counter
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rules import encode
from rules.kinds._view import View
from rules.model import Asked, Context, Line
from service.db.history import Found
from service.history.context import history_of
from service.saved_lines import saved_lines
from tests.builders import NOW, UNIT, ZONE, an_encounter, an_input

DAYS = 4
ASKED = (Asked(since=date(2026, 1, 1), items=("*",)),)


@st.composite
def a_stay(draw):
    """Draw orders as (day, item, quantity at first, quantity at last): some are corrected after they were saved."""
    facts = st.tuples(
        st.integers(0, DAYS - 1), st.sampled_from(["A01", "B01"]), st.integers(1, 3), st.sampled_from([0, 0, 1])
    )
    drawn = draw(st.lists(facts, max_size=6))
    return [(f"O{number}", day, item, count, count + more) for number, (day, item, count, more) in enumerate(drawn)]


@st.composite
def a_manner(draw):
    """Draw how a sender repeats: under which ids, with which times, and whether orders say how they are taken."""
    ids = draw(st.sampled_from(["own", "charges", "none"]))
    times = draw(st.sampled_from(["clock", "day", "none"]))
    return ids, times, draw(st.booleans()), draw(st.booleans())


def ordered(order, manner):
    name, day, item, count, _ = order
    begin = NOW + timedelta(days=day, minutes=int(name[1:]))
    return Line(
        id=name,
        item=item,
        quantity=count * UNIT,
        begin=begin,
        timed=True,
        dose=UNIT if manner[2] else None,
        current=True,
    )


def repeated(order, manner):
    """Return an order as the sender tells it later: with the quantity that was really used."""
    line, (ids, times, _, rich) = ordered(order, manner), manner
    begin = {"clock": line.begin + timedelta(minutes=30 if ids == "charges" else 0), "none": None}
    midnight = datetime(line.begin.year, line.begin.month, line.begin.day, tzinfo=ZONE)
    return replace(
        line,
        id={"own": line.id, "charges": f"F{line.id}", "none": ""}[ids],
        begin=begin.get(times, midnight),
        timed=times == "clock",
        quantity=order[4] * UNIT,
        dose=line.dose if rich and ids == "own" else None,
        current=False,
    )


class Record:
    """``saved_line`` in memory: what was told last holds."""

    def __init__(self):
        self.rows = {}

    def tell(self, lines, time=None):
        for kept in saved_lines("H1", "V1", lines, time=time, zone=ZONE):
            self.rows.pop(kept.key, None)
            self.rows[kept.key] = (True, encode(kept.line))

    def context(self, encounter):
        found = Found(list(self.rows.values()), [], date(2026, 1, 1))
        return Context(history=history_of(found, ASKED, encounter, ZONE))


def after(stay, manner):
    """Return the record after each day of a stay was checked and confirmed, all of it repeated every day."""
    record = Record()
    for day in range(DAYS):
        record.tell(repeated(order, manner) for order in stay if order[1] < day)
        record.tell((ordered(order, manner) for order in stay if order[1] == day), NOW + timedelta(days=day))
    return record


def total(stay, *, corrected=True):
    found = Counter()
    for _, _, item, first, last in stay:
        found[item] += (last if corrected else first) * UNIT
    return found


def used(record, *sent, **changes):
    lines = tuple(replace(line, position=at) for at, line in enumerate(sent))
    encounter = replace(an_encounter(**changes), lines=lines)
    time = NOW + timedelta(days=DAYS)
    found = Counter()
    for line in View(an_input(encounter, time=time, context=record.context(encounter))).lines:
        found[line.item] += line.quantity
    return found


@given(a_stay(), a_manner())
def test_a_message_that_repeats_its_stay(stay, manner):
    """Whatever ids and times it gives: each use counts once, as the sender tells it now."""
    assert total(stay) == used(after(stay, manner), *(repeated(order, manner) for order in stay))


@given(a_stay(), a_manner())
def test_a_message_of_a_later_visit(stay, manner):
    """The record alone never tells of more than there was, where ids agree or orders can be told from charges."""
    ids, _, orders_say_how, _ = manner
    if ids == "charges" and not orders_say_how:
        return
    found = used(after(stay, manner), id="V2")

    most = total(stay)
    assert {item: count for item, count in found.items() if count > most[item]} == {}
