"""Frequency limit: quantities spread over the days they belong to, then added up (ruling 9)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.kinds._view import View
from rules.kinds.frequency_limit import over_days
from rules.model import UNIT, Missing
from tests.builders import (
    NOW,
    a_line,
    a_rule,
    an_encounter,
    an_input,
    at,
    past,
    recorded,
    said,
    silent,
    unread,
    verdict,
)

ONCE = a_rule("frequency_limit", max="1", unit="次", name="住院诊查费")
BED = a_rule("frequency_limit", max="1", unit="日", name="床位费")
HOURS = a_rule("frequency_limit", max="24", unit="小时", name="心电监测")


def hours(count, begin="2026-03-18 10:00", **changes):
    return a_line(quantity=count * 1_0000, unit="小时", begin=at(begin), **changes)


class TestCount:
    def test_the_limit_itself_is_silent(self):
        """Once a day is allowed once a day."""
        assert silent(verdict(an_encounter(a_line(), past("2026-03-17")), ONCE))

    def test_one_more_fires_on_the_line_that_exceeds(self):
        """The second of the day is named, the first is what it stands beside."""
        (finding,) = verdict(an_encounter(a_line(), a_line(begin=at("2026-03-18 11:00"))), ONCE).findings

        assert ((1,), (0,)) == (finding.lines, finding.involved)

    def test_charges_known_from_before_use_the_limit_up_first(self):
        """A known charge later in the day still comes first: only what is being saved can be changed."""
        (finding,) = verdict(an_encounter(a_line(), past("2026-03-18 20:00")), ONCE).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)

    def test_the_later_in_time_is_the_one_too_many(self):
        """Time decides, not the order of the message."""
        lines = (a_line(begin=at("2026-03-18 11:00")), a_line(begin=at("2026-03-18 09:00")))

        assert ((0,),) == said(verdict(an_encounter(*lines), ONCE))

    def test_recorded_lines_have_places_of_their_own(self):
        """What the payload does not carry counts down from -1."""
        context = recorded(past("2026-03-18 07:00", id="X"), past("2026-03-18 08:00", id="Y"))
        (finding,) = verdict(an_encounter(), ONCE, context=context).findings

        assert ((0,), (-2, -1)) == (finding.lines, finding.involved)

    def test_the_message_counts_what_was_and_what_is(self):
        """A doctor reads limit, day, sum, and how many may be charged."""
        lines = (a_line(quantity=2_0000), past("2026-03-18"))
        (finding,) = verdict(an_encounter(*lines), a_rule("frequency_limit", max="2", unit="次", name="雾化")).findings

        words = "【雾化】限 2 次/日:2026-03-18 已计 1 次 + 本次 2 次 = 3 次;当日本次最多可计 1 次。"
        assert words == finding.message
        assert ("限 2 次/日", "1 次") == (finding.limit, finding.allowed)
        assert (("day", "2026-03-18"), ("past", "1"), ("now", "2"), ("allowed", "1")) == finding.facts

    def test_without_a_past_the_message_has_no_sum(self):
        """Nothing was charged before: only what is being saved is named."""
        (finding,) = verdict(an_encounter(a_line(quantity=3_0000)), ONCE).findings

        assert "【住院诊查费】限 1 次/日:2026-03-18 本次 3 次;当日本次最多可计 1 次。" == finding.message

    def test_only_the_excess_is_at_stake(self):
        """Three where one is allowed: two thirds of the money."""
        assert 20_0000 == verdict(an_encounter(a_line(quantity=3_0000, amount=30_0000)), ONCE).amount

    @pytest.mark.parametrize("before", [1_0000, 2_0000])
    def test_a_limit_used_up_leaves_no_room(self, before):
        """Once or twice before where once is allowed: all of what is added is too much, and no more than all."""
        (finding,) = verdict(an_encounter(a_line(), past("2026-03-18", quantity=before)), ONCE).findings

        assert ((10_0000,), "0 次") == (finding.amounts, finding.allowed)

    @pytest.mark.parametrize(
        ("quantities", "lines", "amounts"),
        [
            ((1_0000, 1_0000, 1_0000), (2,), (10_0000,)),
            ((3_0000, 1_0000), (0, 1), (10_0000, 10_0000)),
        ],
    )
    def test_each_line_takes_its_part_of_the_room(self, quantities, lines, amounts):
        """Two are allowed: the first lines use that up, the rest is too much, line by line."""
        sent = (a_line(id=f"{place}", quantity=quantity) for place, quantity in enumerate(quantities))
        (finding,) = verdict(an_encounter(*sent), a_rule("frequency_limit", max="2", unit="次")).findings

        assert (lines, amounts) == (finding.lines, finding.amounts)

    def test_the_worst_day_is_named(self):
        """Two on the 17th and three on the 18th: the message speaks of the 18th."""
        lines = (a_line(begin=at("2026-03-17")), a_line(quantity=3_0000), past("2026-03-17"))
        (finding,) = verdict(an_encounter(*lines), ONCE).findings

        assert "2026-03-18 本次 3 次,另有 1 天同样超出;" in finding.message
        assert ("day", "2026-03-18") in finding.facts

    def test_a_limit_is_above_nothing(self):
        """A ten-thousandth is the least there is."""
        assert 1 == a_rule("frequency_limit", max="0.0001").max
        with pytest.raises(ValueError, match="max"):
            a_rule("frequency_limit", max="0")

    def test_parts_of_one_are_counted_exactly(self):
        """Half and half is one; a ten-thousandth more is too much."""
        assert silent(verdict(an_encounter(a_line(quantity=5000), a_line(quantity=5000)), ONCE))
        assert ((1,),) == said(verdict(an_encounter(a_line(quantity=5000), a_line(quantity=5001)), ONCE))

    def test_exact_repeats_are_one_charge(self):
        """Some senders report a line twice (national interface, reader rule 5)."""
        assert silent(verdict(an_encounter(a_line(id="R1"), a_line(id="R1")), ONCE))

    def test_a_repeated_id_with_other_content_is_another_line(self):
        """rx_id repeats in some senders: only exact repeats are one."""
        assert ((1,),) == said(
            verdict(an_encounter(a_line(id="R1"), a_line(id="R1", begin=at("2026-03-18 11:00"))), ONCE)
        )

    def test_recorded_history_counts_once(self):
        """The recorded copy of a payload line is not a second charge; another recorded line is."""
        copy = past("2026-03-18 10:00", id="L1")
        other = past("2026-03-18 08:00", id="X9")

        assert silent(verdict(an_encounter(a_line()), ONCE, context=recorded(copy)))
        assert ((0,),) == said(verdict(an_encounter(a_line()), ONCE, context=recorded(copy, other)))

    def test_a_line_recorded_twice_is_one(self):
        """Two verdicts on one order leave two records of one line."""
        rule = a_rule("frequency_limit", max="2", unit="次")
        other = past("2026-03-18 08:00", id="X9")

        assert silent(verdict(an_encounter(a_line()), rule, context=recorded(other, other)))


class TestReversals:
    def test_a_refund_cancels_its_charge(self):
        """Charged, given back, charged again: once."""
        lines = (a_line(), past("2026-03-18 08:00", id="C1"), past("2026-03-18 09:00", id="C1", quantity=-1_0000))

        assert silent(verdict(an_encounter(*lines), ONCE))

    def test_a_refund_of_another_day_cancels_nothing_here(self):
        """The charge of the 16th was given back; two on the 18th are two."""
        lines = (a_line(), a_line(), past("2026-03-16"), past("2026-03-16", quantity=-1_0000))

        assert ((1,),) == said(verdict(an_encounter(*lines), ONCE))

    def test_a_refund_of_what_is_not_here_cancels_nothing(self):
        """A refund whose charge was never sent does not make room."""
        lines = (a_line(), a_line(), past("2026-03-16", quantity=-1_0000))

        assert ((1,),) == said(verdict(an_encounter(*lines), ONCE))

    def test_refund_and_charge_in_one_message(self):
        """A correction saved at once: back one, on one."""
        lines = (past("2026-03-18 08:00"), a_line(quantity=-1_0000), a_line())

        assert silent(verdict(an_encounter(*lines), ONCE))

    def test_zero_is_no_charge(self):
        """Quantity zero neither counts nor fires."""
        assert silent(verdict(an_encounter(a_line(quantity=0), a_line()), ONCE))


class TestDays:
    def test_three_beds_of_a_long_term_order_are_three_days(self):
        """cnt 3 of 床位费 on one begin date of a running order is three days, not three a day (ruling 9)."""
        line = a_line(quantity=3_0000, unit="日", begin=at("2026-03-16"), long_term=True)

        assert silent(verdict(an_encounter(line), BED))
        assert silent(verdict(an_encounter(line), ONCE))

    def test_a_fourth_bed_is_too_many(self):
        """Four over three days is above one a day whatever the unit of the line."""
        line = a_line(quantity=4_0000, unit="次", begin=at("2026-03-16"), long_term=True)

        assert ((0,),) == said(verdict(an_encounter(line), BED))

    def test_days_in_the_lines_own_unit_run_on(self):
        """Three 日 from one begin date are that day and the two after it; a bed on the second is one too many."""
        line = a_line(quantity=3_0000, unit="日", begin=at("2026-03-16"))

        assert silent(verdict(an_encounter(line), BED))
        assert ((0,),) == said(verdict(an_encounter(line, past("2026-03-17", unit="日")), BED))

    @pytest.mark.parametrize("unit", ["日", "天", "床日", "d", "D", "day", "days"])
    def test_days_have_several_names(self, unit):
        """Senders write 日, 天, 床日 or a foreign word: two of them are two days, two 次 are not."""
        assert silent(verdict(an_encounter(a_line(quantity=2_0000, unit=unit)), BED))
        assert ((0,),) == said(verdict(an_encounter(a_line(quantity=2_0000, unit="次")), BED))

    def test_a_stop_day_ends_the_span(self):
        """Two over [16th, 17th] is one a day, three is not."""
        span = {"begin": at("2026-03-16"), "stop": at("2026-03-17")}

        assert silent(verdict(an_encounter(a_line(quantity=2_0000, **span)), ONCE))
        (finding,) = verdict(an_encounter(a_line(quantity=4_0000, **span)), ONCE).findings
        assert "另有 1 天同样超出" in finding.message

    def test_an_open_order_ends_with_the_stay(self):
        """Charged after discharge: the bed stood until the 17th, not until the message."""
        line = a_line(quantity=3_0000, begin=at("2026-03-16"), long_term=True)
        encounter = an_encounter(line, discharged=at("2026-03-17 12:00"))

        assert ((0,),) == said(verdict(encounter, ONCE, time=at("2026-03-25 09:00")))

    def test_an_absurd_span_is_not_checked(self):
        """A begin of 1970 is a slip of the pen: its days are not counted."""
        found = verdict(an_encounter(a_line(begin=at("1970-01-01"), long_term=True, quantity=20_000)), ONCE)

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    def test_another_visits_open_order_ends_nobody_knows_when(self):
        """It does not run into this visit and use its days up; what it holds is not known (ruling 18)."""
        past = a_line("A01", current=False, begin=at("2026-03-10"), long_term=True, visit="V0")
        found = verdict(an_encounter(a_line(), past), ONCE)

        assert ((("line.time",), "missing", (0,)),) == unread(found)


class TestHours:
    @pytest.mark.parametrize(("begin", "count"), [("2026-03-18 00:00", 24), ("2026-03-18 22:00", 26)])
    def test_hours_split_at_midnight(self, begin, count):
        """22:00 and 26 hours are 2 and 24; the clock decides the day (audit rules, section 7 point 4)."""
        assert silent(verdict(an_encounter(hours(count, begin)), HOURS))

    def test_too_many_hours_of_one_day_fire(self):
        """20 hours from 22:00 leave 18 for the next day; 7 more of that day are one too many."""
        (finding,) = verdict(
            an_encounter(hours(20, "2026-03-17 22:00", current=False), hours(7, "2026-03-18 00:00")), HOURS
        ).findings

        words = "【心电监测】限 24 小时/日:2026-03-18 已计 18 小时 + 本次 7 小时 = 25 小时;当日本次最多可计 6 小时。"
        assert words == finding.message
        assert (10_0000,) == finding.amounts

    def test_an_untimed_begin_keeps_its_hours(self):
        """Without a clock there is nothing to run on from: 25 hours on a day are 25."""
        assert silent(verdict(an_encounter(hours(24, "2026-03-18", timed=False)), HOURS))
        assert ((0,),) == said(verdict(an_encounter(hours(25, "2026-03-18", timed=False)), HOURS))

    def test_a_span_of_days_shares_its_hours(self):
        """72 hours over three days are 24 a day."""
        assert silent(verdict(an_encounter(hours(72, "2026-03-16", long_term=True)), HOURS))

    @pytest.mark.parametrize("unit", ["次", None, "日"])
    def test_another_unit_is_not_hours(self, unit):
        """30 of something that is not hours does not break a limit in hours: not checked."""
        found = verdict(an_encounter(a_line(quantity=30_0000, unit=unit, timed=False)), HOURS)

        assert ((("line.unit",), "missing", (0,)),) == unread(found)

    def test_a_known_charge_in_another_unit_does_not_use_up_hours(self):
        """What was charged before in 次 says nothing about hours: not checked rather than fired."""
        found = verdict(an_encounter(hours(5), past("2026-03-18", quantity=20_0000, unit="次")), HOURS)

        assert ((("line.unit",), "missing", (0,)),) == unread(found)

    def test_hours_that_end_at_midnight_touch_one_day(self):
        """Two hours from 22:00 leave nothing for the next day."""
        line = hours(2, "2026-03-18 22:00")

        assert {NOW.date(): 2_0000} == over_days(line, 2_0000, "小时", View(an_input(an_encounter(line))))

    @pytest.mark.parametrize("unit", ["小时", "时", "h", "H", "hour", "hours"])
    def test_hours_have_several_names(self, unit):
        """Senders write 小时, 时, h, H or a foreign word."""
        assert ((0,),) == said(verdict(an_encounter(a_line(quantity=25_0000, unit=unit, timed=False)), HOURS))


@given(
    st.integers(1, 100_0000),
    st.integers(0, 40),
    st.booleans(),
    st.sampled_from(["次", "日", "小时"]),
    st.sampled_from(["次", "小时", "日"]),
)
def test_spreading_loses_nothing(quantity, days, timed, unit, limit):
    """Whatever the span and the units, the days add up to the quantity, and each holds something of it."""
    line = a_line(quantity=quantity, unit=unit, timed=timed, stop=NOW + timedelta(days=days) if days else None)
    spread = over_days(line, quantity, limit, View(an_input(an_encounter(line))))

    assert quantity == sum(spread.values())
    assert min(spread.values()) >= 0
    assert NOW.date() == min(spread)


class TestAbsent:
    def test_no_quantity_is_not_checked(self):
        """How many is what is judged."""
        found = verdict(an_encounter(a_line(quantity=None)), ONCE)

        assert ((("line.quantity",), "missing", (0,)),) == unread(found)

    def test_one_line_without_a_quantity_does_not_hide_the_others(self):
        """The lines that can be judged are judged."""
        found = verdict(an_encounter(a_line(quantity=None), a_line(quantity=2_0000)), ONCE)

        assert ((1,),) == said(found)
        assert ((("line.quantity",), "missing", (0,)),) == unread(found)

    def test_a_known_charge_without_a_quantity_is_not_zero(self):
        """Something was charged that day, and nobody says how much."""
        found = verdict(an_encounter(a_line(), past("2026-03-18", quantity=None)), ONCE)

        assert ((("line.quantity",), "missing", (0,)),) == unread(found)
        assert silent(verdict(an_encounter(a_line(), past("2026-03-17", quantity=None)), ONCE))

    def test_a_known_charge_without_a_quantity_excuses_nothing(self):
        """What is too much by itself is too much, by however little, whatever there was before."""
        lines = (a_line(quantity=1_0001), past("2026-03-18", quantity=None))

        assert ((0,),) == said(verdict(an_encounter(*lines), ONCE))

    def test_what_exceeds_without_it_needs_no_time(self):
        """An order of another stay that nobody saw stop takes nothing from what is plain today."""
        elsewhere = past("2026-01-05", long_term=True, visit="V0")
        found = verdict(an_encounter(a_line(), past("2026-03-18 08:00"), elsewhere), ONCE)

        assert (((0,),), ()) == (said(found), unread(found))
        assert ((("line.time",), "missing", (0,)),) == unread(verdict(an_encounter(a_line(), elsewhere), ONCE))

    def test_a_past_line_without_a_time_is_not_checked(self):
        """It may be of the same day (decision 10)."""
        found = verdict(an_encounter(a_line(), past(None)), ONCE)

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    @pytest.mark.parametrize("changes", [{"unit": "日"}, {"unit": "小时"}])
    def test_an_absurd_quantity_is_not_checked(self, changes):
        """A thousand million days is a slip of the pen, and counting them would take for ever."""
        rule = HOURS if changes["unit"] == "小时" else BED
        found = verdict(an_encounter(a_line(quantity=10**15, **changes)), rule)

        assert ((("line.quantity",), "missing", (0,)),) == unread(found)


@pytest.mark.parametrize(("unit", "most"), [("小时", 24_000 * UNIT), ("日", 1_000 * UNIT)])
def test_a_thousand_days_are_not_yet_absurd(unit, most):
    """That many days, or hours of them, are still spread; a ten-thousandth more is not."""
    line = a_line(unit=unit)
    view = View(an_input(an_encounter(line)))
    spread = over_days(line, most, unit, view)

    assert most == sum(spread.values())
    assert Missing(fields=("line.quantity",)) == over_days(line, most + 1, unit, view)


def test_self_pay_never_clears_it():
    """Charging too often is not mended by charging the patient (ruling 1)."""
    assert ((0,),) == said(verdict(an_encounter(a_line(quantity=2_0000, self_paid=True, consent=True)), ONCE))


def test_lines_before_the_rule_are_not_judged():
    """The catalogue changed on 2026-01-01: charges of the year before are not measured by it."""
    rule = a_rule("frequency_limit", max="1", unit="次", valid_from="2026-01-01")
    lines = (
        a_line(begin=at("2025-12-31"), quantity=2_0000),
        a_line(begin=at("2026-01-01"), quantity=2_0000),
    )

    assert ((1,),) == said(verdict(an_encounter(*lines), rule, time=NOW))
