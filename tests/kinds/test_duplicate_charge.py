"""Duplicate charge: four windows, main and sub, and whose money it is."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

DAY = a_rule("duplicate_charge", window="day", name="急诊监护费", sub_name="床位费")
VISIT = a_rule("duplicate_charge", window="visit")
SIX = a_rule("duplicate_charge", window="six_hours")
HOUR = a_rule("duplicate_charge", window="hour")


def main(begin, **changes):
    return a_line("A01", begin=at(begin), **changes)


def sub(begin, **changes):
    return a_line("B01", begin=at(begin), **changes)


class TestWindows:
    @pytest.mark.parametrize(
        ("rule", "first", "second"),
        [
            (DAY, "2026-03-18 00:00", "2026-03-18 23:59"),
            (VISIT, "2026-03-01 10:00", "2026-03-18 10:00"),
            (SIX, "2026-03-18 10:00", "2026-03-18 16:00"),
            (SIX, "2026-03-18 22:00", "2026-03-19 03:00"),
            (HOUR, "2026-03-18 10:00", "2026-03-18 10:59"),
        ],
    )
    def test_inside_fires_in_either_order(self, rule, first, second):
        """Both ends of a window are inside it, and it does not matter which item came first."""
        assert ((1,),) == said(verdict(an_encounter(main(first), sub(second)), rule))
        assert ((1,),) == said(verdict(an_encounter(main(second), sub(first)), rule))

    @pytest.mark.parametrize(
        ("rule", "first", "second"),
        [
            (DAY, "2026-03-17 23:59", "2026-03-18 00:00"),
            (SIX, "2026-03-18 10:00", "2026-03-18 16:01"),
            (HOUR, "2026-03-18 10:59", "2026-03-18 11:00"),
        ],
    )
    def test_outside_is_silent(self, rule, first, second):
        """A minute beyond the window is beyond it; an hour is a clock hour."""
        assert silent(verdict(an_encounter(main(first), sub(second)), rule))
        assert silent(verdict(an_encounter(main(second), sub(first)), rule))

    def test_another_visit_is_outside_the_visit(self):
        """The window is this visit, whatever else is known of the patient."""
        assert silent(verdict(an_encounter(sub("2026-03-18"), past("2026-03-18", visit="V0")), VISIT))

    @pytest.mark.parametrize("rule", [DAY, VISIT, SIX, HOUR])
    def test_one_item_alone_is_silent(self, rule):
        """The main item twice is no duplicate of this kind."""
        lines = (main("2026-03-18 10:00"), main("2026-03-18 10:00"))

        assert silent(verdict(an_encounter(*lines), rule))

    def test_a_long_term_order_takes_up_all_its_days(self):
        """A bed from the 15th to the 17th meets a charge of the 16th, not one of the 18th (ruling 9)."""
        bed = sub("2026-03-15", long_term=True, stop=at("2026-03-17"))

        assert ((0,),) == said(verdict(an_encounter(bed, past("2026-03-16")), DAY))
        assert silent(verdict(an_encounter(bed, past("2026-03-18")), DAY))

    def test_a_long_one_is_found_behind_shorter_ones(self):
        """A main that runs from the 2nd to the 9th meets the 5th, though others begin and end around it."""
        long = past("2026-03-02", long_term=True, stop=at("2026-03-09"))
        (finding,) = verdict(
            an_encounter(sub("2026-03-05"), past("2026-03-01"), long, past("2026-03-03")), DAY
        ).findings

        assert ((0,), (2,)) == (finding.lines, finding.involved)


class TestTimes:
    @pytest.mark.parametrize("rule", [SIX, HOUR])
    @pytest.mark.parametrize("changes", [{"timed": False}, {"long_term": True}, {"begin": None}])
    def test_short_windows_need_real_times(self, rule, changes):
        """An order's begin day is not its service time (ruling 9)."""
        found = verdict(an_encounter(a_line("B01", **changes), past("2026-03-18 10:00")), rule)

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    @pytest.mark.parametrize(
        ("rule", "begin", "unclear"),
        [
            (SIX, "2026-03-17 17:59", False),
            (SIX, "2026-03-17 18:00", True),
            (SIX, "2026-03-19 05:59", True),
            (SIX, "2026-03-19 06:00", False),
            (HOUR, "2026-03-17 23:59", False),
            (HOUR, "2026-03-18 00:00", True),
            (HOUR, "2026-03-18 23:59", True),
            (HOUR, "2026-03-19 00:00", False),
        ],
    )
    def test_a_day_alone_rules_out_other_days(self, rule, begin, unclear):
        """Without a clock time it may have been any time of its day, and none of another."""
        found = verdict(an_encounter(sub("2026-03-18", timed=False), past(begin)), rule)

        assert unclear == bool(found.not_checked)
        assert unclear != silent(found)

    def test_two_lines_without_clock_times_may_meet(self):
        """Of one day; of two days apart they cannot."""
        timeless = (sub("2026-03-18", timed=False), main("2026-03-18", timed=False))

        assert ((("line.time",), "missing", (0, 1)),) == unread(verdict(an_encounter(*timeless), SIX))
        assert silent(verdict(an_encounter(timeless[0], main("2026-03-16", timed=False)), SIX))

    def test_a_long_order_may_meet_on_any_of_its_days(self):
        """From the first to the last, and not beyond."""
        order = sub("2026-03-13", long_term=True, stop=at("2026-03-16"))
        days = [past(f"2026-03-{day} 12:00") for day in (12, 13, 14, 16, 17)]
        found = [bool(verdict(an_encounter(order, one), HOUR).not_checked) for one in days]

        assert [False, True, True, True, False] == found

    def test_only_lines_that_may_meet_are_unclear(self):
        """The monitoring of days before has nothing to do with the birth."""
        lines = [sub(f"2026-03-{day}", timed=False) for day in (10, 18)]
        found = verdict(an_encounter(*lines, main("2026-03-18 10:00")), SIX)

        assert ((("line.time",), "missing", (1, 2)),) == unread(found)

    def test_a_past_line_without_a_time_is_unclear(self):
        """Its day is not known, so the line being saved cannot be judged against it."""
        found = verdict(an_encounter(sub("2026-03-18"), past(None)), DAY)

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    def test_what_is_sure_is_said_beside_what_is_not(self):
        """A certain duplicate does not hide that another line could not be placed."""
        lines = (sub("2026-03-18 10:00"), sub("2026-03-18 10:00", timed=False), past("2026-03-18 10:00"))
        found = verdict(an_encounter(*lines), HOUR)

        assert ((0,),) == said(found)
        assert ((("line.time",), "missing", (1,)),) == unread(found)

    def test_nothing_being_saved_is_nothing_to_say(self):
        """Two lines of the past are not news, with or without times."""
        lines = (a_line("003199990000000"), past("2026-03-18"), past("2026-03-18", "B01"), past(None, "B01"))

        assert silent(verdict(an_encounter(*lines), DAY))


class TestDirection:
    def test_the_sub_is_flagged_for_its_own_money(self):
        """The main's content includes the sub: the sub is what to drop (audit rules, section 7 point 1)."""
        lines = (main("2026-03-18", amount=100_0000), sub("2026-03-18", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), DAY).findings

        assert ((1,), (0,), (30_0000,)) == (finding.lines, finding.involved, finding.amounts)

    def test_the_message_names_both_and_the_window(self):
        """A doctor reads main, sub, window and what to do; an earlier charge is dated."""
        (now,) = verdict(an_encounter(main("2026-03-18"), sub("2026-03-18")), DAY).findings
        (later,) = verdict(an_encounter(sub("2026-03-18"), past("2026-03-18")), DAY).findings

        assert "【急诊监护费】已包含【床位费】,同一日不得同时收费;请只保留其中一项。" == now.message
        words = "【急诊监护费】已包含【床位费】,同一日不得同时收费(2026-03-18 已收);请只保留其中一项。"
        assert words == later.message
        assert "只收【急诊监护费】" == now.allowed
        assert (("window", "day"),) == now.facts

    def test_of_several_earlier_charges_the_first_is_dated(self):
        """The oldest charge says since when the other was unnecessary."""
        lines = (sub("2026-03-18"), past("2026-03-10"), past("2026-03-05"))
        (finding,) = verdict(an_encounter(*lines), VISIT).findings

        assert "(2026-03-05 已收)" in finding.message

    def test_a_main_after_a_known_sub_is_flagged_for_the_subs_money(self):
        """The sub cannot be changed any more: the main is the line to reconsider, the sub the money at stake."""
        lines = (main("2026-03-18", amount=100_0000), past("2026-03-18", "B01", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), DAY).findings

        assert ((0,), (1,), (30_0000,)) == (finding.lines, finding.involved, finding.amounts)

    def test_a_known_sub_is_at_stake_once(self):
        """Two mains beside one earlier sub are both named, and the sub's money is counted once, on the first."""
        lines = (main("2026-03-18"), main("2026-03-18"), past("2026-03-18", "B01", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), DAY).findings

        assert ((0, 1), (30_0000, 0)) == (finding.lines, finding.amounts)

    def test_the_money_stands_on_the_main_of_its_day(self):
        """Of two mains only the one beside the earlier sub is to be reconsidered."""
        lines = (main("2026-03-17"), main("2026-03-18"), past("2026-03-18", "B01", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), DAY).findings

        assert ((1,), (2,), (30_0000,)) == (finding.lines, finding.involved, finding.amounts)

    def test_each_sub_counts(self):
        """Two included items are two charges too many."""
        lines = (main("2026-03-18"), sub("2026-03-18", amount=5_0000), sub("2026-03-18", amount=7_0000))

        assert 12_0000 == verdict(an_encounter(*lines), DAY).amount

    def test_an_item_is_no_duplicate_of_itself(self):
        """A pair whose halves can name one code is a fault of the row."""
        for one, other in (("A01*", "A01"), ("A01*", "A*"), ("A01*", "A01X"), ("A01", "A01"), ("A01X", "A01*")):
            with pytest.raises(ValueError, match="cannot be a duplicate of itself"):
                a_rule("duplicate_charge", items=one, sub=other)

    @pytest.mark.parametrize(("one", "other"), [("A01", "A01X"), ("A01", "A01X*"), ("A01X*", "A01"), ("A01*", "A02*")])
    def test_a_longer_code_is_another_item(self, one, other):
        """An exact code names nothing but itself, however another one goes on from it."""
        assert (one,) == a_rule("duplicate_charge", items=one, sub=other).items

    def test_both_items_are_named(self):
        """A row without its included item, or without a word for it, is a fault; a word may be short."""
        with pytest.raises(ValueError, match="sub"):
            a_rule("duplicate_charge", sub="|")
        with pytest.raises(ValueError, match="sub_name"):
            a_rule("duplicate_charge", sub_name=" ")
        assert "床" == a_rule("duplicate_charge", sub_name="床").sub_name


class TestOtherVisits:
    def test_beside_another_visits_charge_it_is_a_warning(self):
        """The emergency room in the morning, the ward at noon: nobody says that it was one service."""
        (sub_now,) = verdict(an_encounter(sub("2026-03-18"), past("2026-03-18", visit="V0")), DAY).findings
        (main_now,) = verdict(an_encounter(main("2026-03-18"), past("2026-03-18", "B01", visit="V0")), DAY).findings

        assert ("warn", (0,), (1,)) == (sub_now.level, sub_now.lines, sub_now.involved)
        assert "同一日不得同时收费(2026-03-18 另一次就诊已收);" in sub_now.message
        assert ("warn", (0,), (1,)) == (main_now.level, main_now.lines, main_now.involved)

    def test_this_visits_charge_comes_first(self):
        """Where both are there, the sure one is said, and only it."""
        lines = (sub("2026-03-18"), past("2026-03-18", visit="V0"), past("2026-03-18"))
        (finding,) = verdict(an_encounter(*lines), DAY).findings

        assert ("block", (0,), (2,)) == (finding.level, finding.lines, finding.involved)
        subs = (past("2026-03-18", "B01", visit="V0"), past("2026-03-18", "B01"))
        (other,) = verdict(an_encounter(main("2026-03-18"), *subs), DAY).findings
        assert ("block", (0,), (2,)) == (other.level, other.lines, other.involved)
        assert "(2026-03-18 已收)" in finding.message

    def test_each_line_is_said_of_its_own(self):
        """One sub beside this visit's main, one beside another's."""
        lines = (sub("2026-03-17"), sub("2026-03-18"), past("2026-03-17"), past("2026-03-18", visit="V0"))
        found = verdict(an_encounter(*lines), DAY)

        assert [((0,), "block"), ((1,), "warn")] == [(one.lines, one.level) for one in found.findings]


def test_the_days_are_named_to_those_who_read_it_later():
    """At settlement every line is current, and its day is not today."""
    days = [line for day in (16, 17) for line in (main(f"2026-03-{day}"), sub(f"2026-03-{day}"))]
    (several,) = verdict(an_encounter(*days), DAY).findings
    (one,) = verdict(an_encounter(*days[:2]), DAY).findings

    assert "同一日不得同时收费(2026-03-16 等 2 日);" in several.message
    assert "同一日不得同时收费(2026-03-16);" in one.message


class TestReversals:
    def test_a_refunded_main_leaves_the_sub_free(self):
        """What was taken back is no longer charged."""
        lines = (sub("2026-03-18"), past("2026-03-18"), past("2026-03-18", quantity=-1_0000))

        assert silent(verdict(an_encounter(*lines), DAY))

    def test_a_refund_of_the_sub_in_the_same_message_clears_it(self):
        """Saving the refund is how the duplicate is mended."""
        lines = (main("2026-03-18"), past("2026-03-18", "B01"), sub("2026-03-18", quantity=-1_0000))

        assert silent(verdict(an_encounter(*lines), DAY))

    def test_an_earlier_refund_does_not_clear_what_is_saved_now(self):
        """A refund of the 16th took back the charge of the 16th, not the one of the 18th."""
        lines = (
            main("2026-03-18"),
            sub("2026-03-18"),
            past("2026-03-16", "B01"),
            past("2026-03-16", "B01", quantity=-1_0000),
        )

        assert ((1,),) == said(verdict(an_encounter(*lines), DAY))

    def test_what_remains_after_a_part_refund_is_at_stake(self):
        """Two taken, one given back: half the money."""
        lines = (main("2026-03-18"), sub("2026-03-18", quantity=2_0000), sub("2026-03-18", quantity=-1_0000))

        assert 10_0000 == verdict(an_encounter(*lines), DAY).amount

    def test_a_line_of_nothing_is_no_charge(self):
        """Quantity zero charges nothing."""
        assert silent(verdict(an_encounter(main("2026-03-18"), sub("2026-03-18", quantity=0)), DAY))


def test_self_pay_never_clears_it():
    """Moving a double charge to the patient is a violation itself (ruling 1, 转嫁费用)."""
    lines = (main("2026-03-18"), sub("2026-03-18", self_paid=True, consent=True))

    assert ((1,),) == said(verdict(an_encounter(*lines), DAY))


def test_recorded_history_counts_without_counting_twice():
    """What was recorded here joins the payload; a line known from both is one."""
    context = recorded(past("2026-03-18", id="M1", amount=1_0000), past("2026-03-18", "B01", id="L1", amount=2_0000))
    (finding,) = verdict(an_encounter(a_line("B01", id="L1", begin=at("2026-03-18"))), DAY, context=context).findings

    assert ((0,), (-1,)) == (finding.lines, finding.involved)


def test_a_rule_out_of_force_on_the_lines_day_does_not_judge_it():
    """One message, two catalogue years: only the line of the year in force is named."""
    rule = a_rule("duplicate_charge", window="day", valid_from="2026-01-01")
    lines = (main("2025-12-31"), sub("2025-12-31"), main("2026-01-01"), sub("2026-01-01"))

    assert ((3,),) == said(verdict(an_encounter(*lines), rule))
