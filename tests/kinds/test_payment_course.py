"""Payment course: distinct days of use, in this stay or in one episode (ruling 20)."""

from datetime import date

import pytest

from rules import KINDS, Look
from rules.model import Asked, Context, History
from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

THREE = a_rule("payment_course", max_days="3", name="重组人脑利钠肽")
EPISODE = a_rule("payment_course", max_days="3", span="episode", name="平衡功能训练")
KNOWN = {"history_since": date(2025, 1, 1)}


def used(*days, **changes):
    return tuple(past(f"2026-03-{day:02d}", **changes) for day in days)


class TestStay:
    def test_the_last_day_of_the_course_is_silent(self):
        """Two days used and one more are three."""
        assert silent(verdict(an_encounter(a_line(), *used(16, 17)), THREE))

    def test_a_day_beyond_fires(self):
        """A doctor reads the limit, the sum, and how many days are still paid for."""
        (finding,) = verdict(an_encounter(a_line(), *used(15, 16, 17)), THREE).findings

        words = "【重组人脑利钠肽】本次就诊支付不超过 3 天:已用 3 天 + 本次 1 天 = 4 天;本次最多可支付 0 天。"
        assert words == finding.message
        assert ((0,), (1, 2, 3)) == (finding.lines, finding.involved)
        assert ("本次就诊支付不超过 3 天", "0 天") == (finding.limit, finding.allowed)
        assert (("past_days", "3"), ("days", "4"), ("allowed_days", "0")) == finding.facts

    @pytest.mark.parametrize(("days", "room"), [((16, 17), "1 天"), ((13, 14, 15, 16), "0 天")])
    def test_what_is_left_of_the_course_is_said(self, days, room):
        """Two of three days used leave one; more days than the course has leave none."""
        line = a_line(begin=at("2026-03-18"), supply_days=2)
        (finding,) = verdict(an_encounter(line, *used(*days)), THREE).findings

        assert room == finding.allowed
        assert finding.message.endswith(f"本次最多可支付 {room}。")

    def test_a_course_has_a_day(self):
        """A course of one day is the shortest there is."""
        assert 1 == a_rule("payment_course", max_days="1").max_days
        with pytest.raises(ValueError, match="max_days"):
            a_rule("payment_course", max_days="0")

    def test_a_day_counts_once(self):
        """Three injections a day are one day of use (audit rules, section 7 point 3)."""
        lines = (a_line(), *used(16, 16, 16, 17, 17))

        assert silent(verdict(an_encounter(*lines), THREE))

    def test_days_need_not_be_consecutive(self):
        """Distinct days are counted, not the span from first to last."""
        assert silent(verdict(an_encounter(a_line(), *used(1, 9)), THREE))

    def test_a_long_term_order_uses_every_day_of_it(self):
        """From the 15th to now, the 18th, are four days: one beyond, a quarter of the money."""
        line = a_line(begin=at("2026-03-15"), long_term=True, amount=40_0000)
        found = verdict(an_encounter(line), THREE)

        assert ((0,), 10_0000) == (said(found)[0], found.amount)

    def test_days_of_a_running_order_may_be_known_already(self):
        """From the 16th to the 18th, each of them charged before: the same three days."""
        line = a_line(begin=at("2026-03-16"), long_term=True)

        assert silent(verdict(an_encounter(line, *used(16, 17, 18)), THREE))

    def test_an_open_order_ends_with_the_stay(self):
        """Discharged on the 17th: the message of a week later adds no days."""
        encounter = an_encounter(a_line(begin=at("2026-03-15"), long_term=True), discharged=at("2026-03-17 12:00"))

        assert silent(verdict(encounter, THREE, time=at("2026-03-25 10:00")))

    def test_all_lines_of_a_day_beyond_are_named(self):
        """Two injections on the fourth day are both not paid for."""
        lines = (a_line(id="a"), a_line(id="b", begin=at("2026-03-18 20:00")), *used(15, 16, 17))

        assert ((0, 1),) == said(verdict(an_encounter(*lines), THREE))

    def test_another_stay_is_not_counted(self):
        """The default scope is this stay, never a lifetime (ruling 20)."""
        assert silent(verdict(an_encounter(a_line(), *used(1, 2, 3, visit="V0")), THREE))

    def test_days_of_supply_win(self):
        """Four days handed out are four days of use."""
        assert ((0,),) == said(verdict(an_encounter(a_line(supply_days=4)), THREE))
        assert silent(verdict(an_encounter(a_line(supply_days=3)), THREE))

    @pytest.mark.parametrize(("days", "fires"), [(1, False), (1_000, True)])
    def test_a_supply_lasts_one_to_a_thousand_days(self, days, fires):
        """Both ends are days of supply like any other."""
        found = verdict(an_encounter(a_line(supply_days=days), type="outpatient"), THREE)

        assert () == unread(found)
        assert fires == (((0,),) == said(found))

    def test_refunded_days_are_not_used(self):
        """Given back is not given."""
        lines = (a_line(), *used(15, 16, 17), past("2026-03-17", quantity=-1_0000))

        assert silent(verdict(an_encounter(*lines), THREE))

    def test_zero_is_no_use(self):
        """A line of quantity zero adds no day."""
        assert silent(verdict(an_encounter(a_line(quantity=0), *used(15, 16, 17)), THREE))


class TestEpisode:
    def test_visits_close_together_are_one_episode(self):
        """Three days in an earlier visit, a week ago, use the course up."""
        (finding,) = verdict(an_encounter(a_line(), *used(9, 10, 11, visit="V0")), EPISODE).findings

        assert "一个疾病过程支付不超过 3 天" == finding.limit

    def test_a_long_gap_begins_a_new_episode(self):
        """31 days after the last use another episode begins; 30 days after, the same goes on."""
        before = (past("2026-02-13", visit="V0"), past("2026-02-14", visit="V0"), past("2026-02-15", visit="V0"))

        assert silent(verdict(an_encounter(a_line(), *before, **KNOWN), EPISODE))
        assert ((0,),) == said(verdict(an_encounter(a_line(begin=at("2026-03-17")), *before, **KNOWN), EPISODE))

    def test_visits_chain(self):
        """Each use reaches 30 days further back, so January joins March by way of February."""
        before = (past("2026-01-05"), past("2026-02-01"), past("2026-02-25"))

        assert ((0,),) == said(verdict(an_encounter(a_line(), *before), EPISODE))

    @pytest.mark.parametrize(
        "lines",
        [
            (a_line(id="a", begin=at("2026-03-18")), a_line(id="b", begin=at("2026-03-01"), supply_days=17)),
            (a_line(id="a", begin=at("2026-03-01"), long_term=True),),
        ],
    )
    def test_the_chain_begins_with_the_first_day_being_saved(self, lines):
        """18 days from the 1st of March: the three of early February are close to the first, not to the last."""
        rule = a_rule("payment_course", max_days="20", span="episode")
        before = (past("2026-02-01"), past("2026-02-02"), past("2026-02-03"))
        (finding,) = verdict(an_encounter(*lines, *before, **KNOWN), rule).findings

        assert "已用 3 天 + 本次 18 天 = 21 天" == finding.present

    def test_a_long_use_reaches_from_its_first_day_to_its_last(self):
        """Its last day is close to today, its first close to Christmas; what lies within it belongs to it."""
        rule = a_rule("payment_course", max_days="33", span="episode")
        long = past("2026-01-20", long_term=True, stop=at("2026-02-20"))
        lines = (a_line(), past("2025-12-25"), long, past("2026-02-01"))
        (finding,) = verdict(an_encounter(*lines, **KNOWN), rule).findings

        assert "已用 33 天 + 本次 1 天 = 34 天" == finding.present
        assert (1, 2, 3) == finding.involved

    def test_an_unknown_past_is_not_a_pass(self):
        """An episode reaches beyond this visit: without its history nothing is known."""
        assert ((("history",), "missing", (0,)),) == unread(verdict(an_encounter(), EPISODE))

    @pytest.mark.parametrize(("since", "known"), [("2026-01-30", True), ("2026-01-31", False)])
    def test_history_must_reach_a_gap_before_the_chain(self, since, known):
        """First known use on 1 March: the 30 days before it decide whether the chain goes on."""
        found = verdict(an_encounter(a_line(), past("2026-03-01")), EPISODE, context=recorded(since=since))

        assert known == silent(found)

    @pytest.mark.parametrize(("item", "since", "known"), [("A01", 30, True), ("A01", 31, False), ("B01", 30, False)])
    def test_the_record_must_have_been_asked_so_far_back(self, item, since, known):
        """The chain of use reached further back than the look did, or the look was for another item."""
        asked = (Asked(since=date(2026, 1, since), items=(item,)),)
        context = Context(history=History(since=date(2025, 1, 1), asked=asked))
        found = verdict(an_encounter(a_line(), past("2026-03-01")), EPISODE, context=context)

        assert known == silent(found)


class TestAbsent:
    @pytest.mark.parametrize(
        "changes", [{"discharge_medication": True}, {"supply_days": 0, "discharge_medication": True}]
    )
    def test_discharge_medication_needs_days_of_supply(self, changes):
        """What is taken home could last any time."""
        found = verdict(an_encounter(a_line(**changes)), THREE)

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)

    @pytest.mark.parametrize("kind", ["outpatient", "pharmacy", None])
    def test_so_do_drugs_of_an_out_patient(self, kind):
        """A box handed out in one day is not one day of use; a service is."""
        found = verdict(an_encounter(a_line(), type=kind), THREE)

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)
        assert silent(verdict(an_encounter(a_line(category="service"), type=kind), THREE))

    @pytest.mark.parametrize("days", [-1, 100_000])
    def test_absurd_days_of_supply_are_not_checked(self, days):
        """A slip of the pen is no number of days."""
        found = verdict(an_encounter(a_line(supply_days=days)), THREE)

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)

    def test_a_past_line_without_a_time_is_not_checked(self):
        """It may have used any day."""
        assert ((("line.time",), "missing", (0,)),) == unread(verdict(an_encounter(a_line(), past(None)), THREE))

    def test_an_out_patients_order_with_a_stop_day_covers_its_days(self):
        """Begin and stop say how long it lasts: nothing more need be known."""
        line = a_line(begin=at("2026-03-17"), stop=at("2026-03-18"))

        assert silent(verdict(an_encounter(line, type="outpatient"), THREE))

    def test_a_course_used_up_before_does_not_judge_an_unread_line(self):
        """More days than the course has are known; how many the new line adds is not."""
        found = verdict(an_encounter(a_line(discharge_medication=True), *used(14, 15, 16, 17)), THREE)

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)
        assert () == found.findings

    def test_one_unread_line_does_not_hide_the_others(self):
        """The lines whose days are known are judged."""
        found = verdict(an_encounter(a_line(), a_line(discharge_medication=True), *used(15, 16, 17)), THREE)

        assert ((0,),) == said(found)
        assert ((("line.supply_days",), "missing", (1,)),) == unread(found)


class TestWhoPays:
    def test_a_self_paid_line_is_cleared(self):
        """The patient may go on at their own cost (ruling 1)."""
        assert silent(verdict(an_encounter(a_line(self_paid=True, consent=True), *used(15, 16, 17)), THREE))

    def test_a_self_paid_line_is_not_named_beside_others(self):
        """Only what the fund pays beyond the course is at fault."""
        lines = (a_line(self_paid=True), a_line(begin=at("2026-03-18 11:00")), *used(15, 16, 17))

        assert ((1,),) == said(verdict(an_encounter(*lines), THREE))

    def test_self_paid_days_do_not_use_up_the_course(self):
        """The limit is on days the fund pays for."""
        assert silent(verdict(an_encounter(a_line(), *used(15, 16, 17, self_paid=True)), THREE))

    def test_without_consent_they_do(self):
        """What the patient did not agree to pay is the fund's affair."""
        lines = (a_line(), *used(15, 16, 17, self_paid=True, consent=False))

        assert ((0,),) == said(verdict(an_encounter(*lines), THREE))


def test_recorded_lines_are_merged_without_counting_twice():
    """The recorded copies of payload lines add no days; a recorded line of its own does."""
    lines = (a_line(), *used(16, 17))
    copies = (past("2026-03-16", id="L2"), past("2026-03-17", id="L3"))

    assert silent(verdict(an_encounter(*lines), THREE, context=recorded(*copies)))
    assert ((0,),) == said(verdict(an_encounter(*lines), THREE, context=recorded(*copies, past("2026-03-15", id="X"))))


def test_only_an_episode_needs_the_past():
    """As many days as the course has, and the gap that ends an episode; a stay asks for nothing."""
    looks = KINDS["payment_course"].looks

    assert (Look(("A01",), 33),) == looks(EPISODE)
    assert () == looks(THREE)
