"""What a condition asks beside its fields: diagnoses, operations and charges, and how far the past is known."""

from datetime import date

import pytest
from msgspec.structs import replace

from rules.expressions.compiling import condition
from rules.expressions.types import Scene, Unknown
from rules.kinds._view import View
from rules.model import UNIT, Context, Operation
from tests.builders import a_line, an_encounter, an_input, at, icd, past, recorded
from tests.expressions.material import CELLS, CONDITIONS, changed, encounters, scene_of

COVERED = date(2025, 1, 1)


def found(text, *lines, payment=False, context=None, operations=(), **changes):
    """Return truth, or the facts that are lacking."""
    encounter = replace(an_encounter(*lines, **changes), operations=operations)
    view = View(an_input(encounter, context=context or Context()))
    value = condition(text, CELLS, "line").run(scene_of(view, payment=payment))
    return value.lacks if isinstance(value, Unknown) else value


class TestCodes:
    def test_a_diagnosis(self):
        """By family, by whole code, several at once; causes and manifestations count each."""
        held = {"diagnoses": (icd("E11.200x011+N08.3"),)}

        assert found('has_diagnosis("E11*")', **held) is True
        assert found('has_diagnosis("I10*", "N08.3")', **held) is True
        assert found('has_diagnosis("I10*|N08*")', **held) is True
        assert found('has_diagnosis("E10*", "E11")', **held) is False

    def test_a_suspicion_is_no_diagnosis(self):
        """拟诊 and the like vouch for nothing."""
        assert found('has_diagnosis("E11*")', diagnoses=(icd("E11.900", suspected=True),)) is False

    def test_an_unread_diagnosis_may_be_any(self):
        """One unmapped code, or none at all, keeps the absence from being certain (ruling 4)."""
        local = (icd("XYZ1"), icd("I10.x00"))

        assert (("diagnosis.code", "unmapped"),) == found('has_diagnosis("E11*")', diagnoses=local)
        assert (("diagnoses", "missing"),) == found('has_diagnosis("E11*")', diagnoses=())
        assert found('has_diagnosis("I10*")', diagnoses=local) is True

    def test_operations(self):
        """Likewise: none sent is not none done."""
        done = (Operation(code="36.0601"), Operation())

        assert found('has_operation("36.06*")', operations=done) is True
        assert found('has_operation("45*")', operations=done[:1]) is False
        assert (("operation.code", "missing"),) == found('has_operation("45*")', operations=done)
        local = (*done[:1], replace(done[0], code="SS0012"))
        assert (("operation.code", "unmapped"),) == found('has_operation("45*")', operations=local)
        assert found('has_operation("36.06*")', operations=local) is True
        assert (("operations", "missing"),) == found('has_operation("45*")')

    def test_the_line_itself(self):
        """For rules over every item that leave some out."""
        assert found('is_item("A0*", "B")', a_line("A01")) is True
        assert found('is_item("B")', a_line("A01")) is False


class TestCharged:
    def test_any_line_of_this_visit(self):
        """Current or known, but not taken back, and not of another visit."""
        assert found('charged("B*")', a_line(), a_line("B01")) is True
        assert found('charged("B*")', a_line(), past("2026-03-17", "B01")) is True
        assert found('charged("B*")', a_line(), past("2026-03-10", "B01", visit="V0")) is False
        back = past("2026-03-17", "B01", quantity=-UNIT)
        assert found('charged("B*")', a_line(), past("2026-03-17", "B01"), back) is False

    def test_what_the_patient_pays_is_no_charge_to_a_payment_rule(self):
        """Ruling 1: it counts to charging and safety rules only."""
        lines = (a_line(), a_line("B01", self_paid=True))

        assert found('charged("B01")', *lines) is True
        assert found('charged("B01")', *lines, payment=True) is False


class TestTotals:
    @pytest.mark.parametrize(
        ("begin", "days", "total"),
        [
            ("2026-03-18 07:00", 1, 2),
            ("2026-03-17", 1, 1),
            ("2026-03-17", 2, 2),
            ("2026-03-12", 7, 2),
            ("2026-03-11", 7, 1),
        ],
    )
    def test_the_window_ends_on_the_line_s_day(self, begin, days, total):
        """One day is the day itself; seven reach back six more."""
        lines = (a_line(), past(begin))

        assert found(f'total_quantity("A01", {days}) == {total}', *lines, history_since=COVERED) is True
        assert found(f'total_amount("A01", {days}) == {10 * total}', *lines, history_since=COVERED) is True

    def test_later_days_do_not_count(self):
        """What is ordered for tomorrow is no part of today."""
        assert found('total_quantity("A01", 7) == 1', a_line(), a_line(begin=at("2026-03-19")), history_since=COVERED)

    def test_the_whole_visit(self):
        """Every day of this visit, and no other visit; nothing beyond it needs to be known."""
        lines = (a_line(), past("2026-01-01"), past("2026-03-17", visit="V0"), past(None))

        assert found('total_quantity("A01", 0) == 3', *lines) is True

    @pytest.mark.parametrize(("days", "known"), [(1, True), (2, False), (30, False)])
    def test_days_before_this_visit_must_be_known(self, days, known):
        """This day is taken as sent; earlier ones need a stay or a past that reaches back (decision 0006)."""
        value = found(f'total_quantity("A01", {days}) <= 5', admitted=at("2026-03-17"))

        assert value is True if known else value == (("history", "missing"),)

    def test_a_stay_or_a_covered_past_is_enough(self):
        """Either of them; and a late answer is called so."""
        text = 'total_quantity("A01", 7) <= 5'

        assert found(text, admitted=at("2026-03-11")) is True
        assert found(text, history_since=date(2026, 3, 12)) is True
        assert found(text, history_since=date(2026, 3, 13)) == (("history", "missing"),)
        assert found(text, context=recorded(since="2026-03-12")) is True
        assert found(text, context=Context(late=("history",))) == (("history", "timeout"),)

    def test_what_has_no_number_or_time_can_only_add(self):
        """Above the limit it does not matter; below it is named."""
        lines = (a_line(quantity=4 * UNIT), past("2026-03-17", quantity=None), past(None))
        unclear = (("line.quantity", "missing"), ("line.time", "missing"))

        assert found('total_quantity("A01", 2) > 3', *lines, history_since=COVERED) is True
        assert sorted(found('total_quantity("A01", 2) > 4', *lines, history_since=COVERED)) == sorted(unclear)
        assert found('total_quantity("A01", 2) < 4', *lines, history_since=COVERED) is False

    def test_an_amount_that_nobody_sent_is_not_nothing(self):
        """Without amount and price the money is unknown."""
        lines = (a_line(), past("2026-03-18 08:00", amount=None, price=None))

        assert found('total_amount("A01", 1) > 10', *lines) == (("line.amount", "missing"),)
        assert found('total_amount("A01", 1) >= 10', *lines) is True

    def test_long_lines_are_shared_out(self):
        """Eight over four days are two a day, and three 床日 begun on one day are one a day (ruling 9)."""
        long = past("2026-03-16", quantity=8 * UNIT, long_term=True, stop=at("2026-03-19"))
        beds = past("2026-03-17", quantity=3 * UNIT, unit="日")

        assert found('total_quantity("A01", 1) == 3', a_line(), long) is True
        assert found('total_quantity("A01", 1) == 2', a_line(), beds) is True
        assert found('total_quantity("A01", 2) == 3', a_line(), beds, history_since=COVERED) is True

    def test_absurd_lengths_have_no_days(self):
        """A quantity of thousands of days is a slip of the pen."""
        beds = past("2026-03-17", quantity=3_000 * UNIT, unit="日")

        assert found('total_quantity("A01", 1) > 5', a_line(), beds) == (("line.time", "missing"),)


class TestDaysSince:
    def test_the_nearest_earlier_charge(self):
        """Known charges up to the day itself; what is being saved for the day is not earlier."""
        assert found('days_since("A01") == 3', a_line(), past("2026-03-15"), past("2026-03-01"), history_since=COVERED)
        assert found('days_since("A01") == 0', a_line(), past("2026-03-18 08:00")) is True
        assert found('days_since("A01") == 1', a_line(), a_line(begin=at("2026-03-17"))) is True
        assert found('days_since("A01") == 0', a_line(), a_line(), past("2026-03-17")) is False

    def test_a_line_still_running(self):
        """An order that covers the day was used on it."""
        running = past("2026-03-10", long_term=True, stop=at("2026-03-20"))

        assert found('days_since("A01") == 0', a_line(), running) is True

    def test_a_nearer_one_may_be_unknown(self):
        """Between what is known and what was found there may be another: only bounds are certain."""
        lines = (a_line(), past("2026-01-27", visit="V0"))
        text = 'days_since("A01") {}'

        def at_least(condition):
            return found(text.format(condition), *lines, history_since=date(2026, 3, 8))

        assert at_least("> 10") is True
        assert at_least("<= 50") is True
        assert at_least("== 10") is False
        assert (("history", "missing"),) == at_least("> 11") == at_least("< 50")

    def test_the_day_before_what_is_known(self):
        """A charge on it leaves no room for a nearer one."""
        lines = (a_line(), past("2026-03-07", visit="V0"))

        assert found('days_since("A01") == 11', *lines, history_since=date(2026, 3, 8)) is True

    def test_never_is_more_than_what_is_known(self):
        """No number is made up for never."""
        assert found('days_since("B01") > 76', history_since=date(2026, 1, 1)) is True
        assert found('days_since("B01") > 77', history_since=date(2026, 1, 1)) == (("history", "missing"),)
        assert found('days_since("B01") < 30', history_since=date(2026, 1, 1)) is False

    def test_a_charge_without_a_time_may_be_any_day(self):
        """It may be nearer, never farther."""
        lines = (a_line(), past("2026-03-15"), past(None))

        assert found('days_since("A01") <= 3', *lines, history_since=COVERED) is True
        assert found('days_since("A01") > 1', *lines, history_since=COVERED) == (("line.time", "missing"),)


FULL = encounters()[0]
LESS = [
    *[replace(FULL, **{noun: replace(getattr(FULL, noun), **{name: None})})
      for noun, name in (
          ("patient", "sex"), ("patient", "birth_date"), ("patient", "pregnant"), ("visit", "type"),
          ("visit", "emergency"), ("visit", "rescue"), ("visit", "insurance"), ("visit", "total_amount"))],
    *[changed(FULL, 0, **{name: None})
      for name in ("quantity", "price", "self_paid", "doctor_title", "discharge_medication")],
    *[changed(FULL, place, **{name: None}) for place in (1, 2, 3) for name in ("begin", "quantity")],
    *[replace(FULL, history_since=since) for since in (None, date(2026, 3, 10))],
    replace(FULL, history_since=None, lines=FULL.lines[:3]),
    replace(FULL, history_since=date(2026, 3, 1), lines=FULL.lines[:3]),
    replace(FULL, history_since=None, lines=(FULL.lines[0], *FULL.lines[2:])),
]  # fmt: skip


@pytest.mark.parametrize("text", CONDITIONS)
def test_knowing_less_never_changes_an_answer(text):
    """With a fact taken away, or a past line that nobody vouches for, the answer is the same or unknown."""

    def truth(encounter):
        return condition(text, CELLS, "line").run(scene_of(View(an_input(encounter))))

    whole = truth(FULL)
    for encounter in LESS:
        part = truth(encounter)

        assert isinstance(part, Unknown) or isinstance(whole, Unknown) or part is whole


def test_a_visit_counts_from_the_message_s_day():
    """Where there is no line, windows end on the day of the message."""
    view = View(an_input(an_encounter(a_line(begin=at("2026-03-17"))), time=at("2026-03-18 09:00")))

    def truth(text):
        return condition(text, CELLS, "visit").run(Scene(view, None, payment=False, memo={}))

    assert truth('total_quantity("A01", 1) == 0') is True
    assert truth('days_since("A01") == 1') is True
