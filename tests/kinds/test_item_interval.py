"""Item interval: days between two charges of an item, across visits."""

from datetime import date

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

FORTNIGHT = a_rule("item_interval", max="1", days="15", name="糖化血红蛋白测定")
TWICE = a_rule("item_interval", max="2", days="30", name="某项检查")
KNOWN = {"history_since": date(2025, 1, 1)}


class TestInterval:
    def test_day_fifteen_is_too_early(self):
        """Used on day 1: on day 15, 14 days later, the interval has not passed."""
        assert ((0,),) == said(verdict(an_encounter(a_line(), past("2026-03-04"), **KNOWN), FORTNIGHT))

    def test_day_sixteen_is_silent(self):
        """15 days have passed."""
        assert silent(verdict(an_encounter(a_line(), past("2026-03-03"), **KNOWN), FORTNIGHT))

    def test_the_message_dates_the_last_and_the_next(self):
        """A doctor reads the limit, when it was done, and when it may be done again."""
        (finding,) = verdict(an_encounter(a_line(), past("2026-03-10"), **KNOWN), FORTNIGHT).findings

        words = (
            "【糖化血红蛋白测定】15 天内限 1 次:2026-03-10 已做 1 次,本次 1 次;"
            "本次最多可做 0 次;最早 2026-03-25 可再做。"
        )
        assert words == finding.message
        assert (("line.day", "2026-03-18"), ("past", "1"), ("last_day", "2026-03-10")) == finding.facts

    def test_the_next_day_is_when_enough_has_passed(self):
        """Two in 30 days, done on the 1st and the 10th: again 30 days after the 1st."""
        (finding,) = verdict(an_encounter(a_line(), past("2026-03-01"), past("2026-03-10"), **KNOWN), TWICE).findings

        assert finding.message.endswith("最早 2026-03-31 可再做。")

    def test_more_at_once_than_allowed(self):
        """Three where two are allowed: the third is too many, and so is its money."""
        (finding,) = verdict(an_encounter(a_line(quantity=3_0000), **KNOWN), TWICE).findings

        assert "【某项检查】30 天内限 2 次:本次 3 次;本次最多可做 2 次。" == finding.message
        assert (10_0000,) == finding.amounts

    def test_two_lines_of_one_message(self):
        """The first is allowed, the second is named beside it."""
        (finding,) = verdict(an_encounter(a_line(id="a"), a_line(id="b"), **KNOWN), FORTNIGHT).findings

        assert ((1,), (0,)) == (finding.lines, finding.involved)

    def test_all_that_exceed_are_named_with_their_whole_money(self):
        """Three at once where one is allowed: two lines too many."""
        lines = tuple(a_line(id=name) for name in "abc")
        (finding,) = verdict(an_encounter(*lines, **KNOWN), FORTNIGHT).findings

        assert ((1, 2), (10_0000, 10_0000)) == (finding.lines, finding.amounts)

    def test_what_room_is_left_is_said(self):
        """One done, two wanted, two allowed: one more, and no date to wait for."""
        lines = (a_line(quantity=2_0000), past("2026-03-10"))
        (finding,) = verdict(an_encounter(*lines, **KNOWN), TWICE).findings

        assert finding.message.endswith("2026-03-10 已做 1 次,本次 2 次;本次最多可做 1 次。")
        assert (10_0000,) == finding.amounts

    def test_of_several_days_the_last_is_named(self):
        """Two done before: the message dates the nearer one, and what is left of a limit used up is nothing."""
        (finding,) = verdict(
            an_encounter(a_line(), past("2026-03-10"), past("2026-03-12"), **KNOWN), FORTNIGHT
        ).findings

        words = "2026-03-12 已做 2 次,本次 1 次"
        assert words == finding.present
        assert "0 次" == finding.allowed

    def test_the_next_day_waits_until_there_is_room(self):
        """One on the 1st and two on the 10th, two allowed: when the 1st has passed, two are still held."""
        lines = (a_line(), past("2026-03-01"), past("2026-03-10", quantity=2_0000))
        (finding,) = verdict(an_encounter(*lines, **KNOWN), TWICE).findings

        assert finding.message.endswith("最早 2026-04-09 可再做。")

    def test_a_line_that_fits_is_not_named(self):
        """Half of one fits where two are allowed; two more after it do not."""
        lines = (a_line(id="a", quantity=5000), a_line(id="b", quantity=2_0000))
        (finding,) = verdict(an_encounter(*lines, **KNOWN), TWICE).findings

        assert ((1,), (0,), (5_0000,)) == (finding.lines, finding.involved, finding.amounts)

    def test_a_limit_is_above_nothing(self):
        """A ten-thousandth and one day are the least there is."""
        least = a_rule("item_interval", max="0.0001", days="1")

        assert (1, 1) == (least.max, least.days)
        with pytest.raises(ValueError, match="max"):
            a_rule("item_interval", max="0")
        with pytest.raises(ValueError, match="days"):
            a_rule("item_interval", days="0")

    def test_two_days_of_one_message(self):
        """A line of the 10th counts for the line of the 18th."""
        found = verdict(an_encounter(a_line(), a_line(begin=at("2026-03-10")), **KNOWN), FORTNIGHT)

        assert ((0,),) == said(found)

    def test_a_known_later_charge_counts_too(self):
        """Entered late: the days on both sides are near."""
        assert ((0,),) == said(verdict(an_encounter(a_line(), past("2026-03-20"), **KNOWN), FORTNIGHT))

    def test_a_refund_leaves_it_undone(self):
        """Ordered and given back: not done."""
        lines = (a_line(), past("2026-03-10"), past("2026-03-11", quantity=-1_0000))

        assert silent(verdict(an_encounter(*lines, **KNOWN), FORTNIGHT))


class TestHistory:
    def test_an_unknown_past_is_not_a_pass(self):
        """Nothing is known of the days before this visit."""
        assert ((("history",), "missing", (0,)),) == unread(verdict(an_encounter(), FORTNIGHT))

    @pytest.mark.parametrize(("since", "known"), [(date(2026, 3, 4), True), (date(2026, 3, 5), False)])
    def test_the_sender_may_vouch(self, since, known):
        """The 14 days before the day are what must be complete."""
        assert known == silent(verdict(an_encounter(history_since=since), FORTNIGHT))

    @pytest.mark.parametrize(("since", "known"), [("2026-03-04", True), ("2026-03-05", False)])
    def test_recorded_history_may_cover(self, since, known):
        """What was recorded here is complete from a day on."""
        assert known == silent(verdict(an_encounter(), FORTNIGHT, context=recorded(since=since)))

    @pytest.mark.parametrize(("admitted", "known"), [("2026-03-03", True), ("2026-03-04", False)])
    def test_a_long_stay_covers_itself(self, admitted, known):
        """In a stay that began an interval ago the payload holds all there is."""
        assert known == silent(verdict(an_encounter(admitted=at(admitted)), FORTNIGHT))

    def test_history_that_came_too_late_is_named_so(self):
        """Missing its deadline is another reason than not existing."""
        found = verdict(an_encounter(), FORTNIGHT, context=recorded(since="2026-03-18", late=("history",)))

        assert ((("history",), "timeout", (0,)),) == unread(found)

    def test_what_is_known_may_be_enough_to_fire(self):
        """An early repeat is one whatever else there was."""
        assert ((0,),) == said(verdict(an_encounter(a_line(), past("2026-03-10")), FORTNIGHT))

    def test_recorded_lines_of_other_visits_count(self):
        """周期超频次 reaches across visits."""
        context = recorded(past("2026-03-10", id="X1", visit="V0"))

        assert ((0,),) == said(verdict(an_encounter(), FORTNIGHT, context=context))

    def test_a_line_known_twice_is_one(self):
        """The payload's own line, recorded at an earlier check, does not stand in its own way."""
        context = recorded(past("2026-03-18 10:00", id="L1"))

        assert silent(verdict(an_encounter(), FORTNIGHT, context=context))


class TestAbsent:
    def test_no_quantity_is_not_checked(self):
        """How many is what is judged."""
        found = verdict(an_encounter(a_line(quantity=None), **KNOWN), FORTNIGHT)

        assert ((("line.quantity",), "missing", (0,)),) == unread(found)

    def test_a_past_line_without_a_quantity_was_done_at_least_once(self):
        """Once is too often where one is allowed; where two are, nobody knows."""
        lines = (a_line(), past("2026-03-10", quantity=None))

        assert ((0,),) == said(verdict(an_encounter(*lines, **KNOWN), FORTNIGHT))
        assert ((("line.quantity",), "missing", (0,)),) == unread(verdict(an_encounter(*lines, **KNOWN), TWICE))

    def test_a_past_line_without_a_time_is_not_checked(self):
        """It may lie within the interval or not."""
        found = verdict(an_encounter(a_line(), past(None), **KNOWN), FORTNIGHT)

        assert ((("line.time",), "missing", (0,)),) == unread(found)


@pytest.mark.parametrize(("scope", "fires"), [("charging", True), ("payment", False)])
def test_self_pay_clears_payment_only(scope, fires):
    """A charging fault stays one whoever pays (ruling 1)."""
    rule = a_rule("item_interval", max="1", days="15", scope=scope)
    encounter = an_encounter(a_line(self_paid=True, consent=True), past("2026-03-10"), **KNOWN)

    assert fires == bool(verdict(encounter, rule).findings)


def test_zero_and_refunds_are_not_judged():
    """Neither charges anything."""
    assert silent(verdict(an_encounter(a_line(quantity=0), past("2026-03-10"), **KNOWN), FORTNIGHT))
    assert silent(verdict(an_encounter(a_line(quantity=-1_0000), past("2026-03-10"), **KNOWN), FORTNIGHT))
