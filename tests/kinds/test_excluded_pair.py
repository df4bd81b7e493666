"""Excluded pair: five windows, which side is named, and what a message without numbers tells."""

import pytest

from rules import KINDS
from tests.builders import (
    a_line,
    a_rule,
    a_word,
    an_encounter,
    at,
    past,
    recorded,
    said,
    silent,
    unread,
    verdict,
)

DAY = a_rule("excluded_pair", name="甲药", other_name="乙药")
VISIT = a_rule("excluded_pair", window="visit")
SCRIPT = a_rule("excluded_pair", window="prescription", items="T01", other_items="T02")
OVERLAP = a_rule("excluded_pair", window="overlap", name="索磷维伏片", other_name="达比加群酯")
INFUSION = a_rule("excluded_pair", window="same_infusion", items="XM05BA*", other_items="XA12AA*")
CHARGING = a_rule("excluded_pair", scope="charging", name="血液透析", other_name="透析管路")

ZOLEDRONATE = "XM05BAZ001B002010100001"
CALCIUM_TABLET = "XA12AAC001A001010100001"
CALCIUM_INJECTION = "XA12AAP001B002010100001"


def one(begin="2026-03-18", **changes):
    return a_line("A01", begin=at(begin), **changes)


def other(begin="2026-03-18", **changes):
    return a_line("B01", begin=at(begin), **changes)


def piece(item, **changes):
    return a_line(item, **({"begin": at("2026-03-18")} | changes))


def missing(*lines, rule, **changes):
    return unread(verdict(an_encounter(*lines, **changes), rule))


class TestDayAndVisit:
    def test_one_day_fires_and_the_next_does_not(self):
        """A day is a natural day, in either order."""
        assert ((1,),) == said(verdict(an_encounter(one("2026-03-18 00:00"), other("2026-03-18 23:59")), DAY))
        assert ((0,),) == said(verdict(an_encounter(one("2026-03-18 23:59"), other("2026-03-18 00:00")), DAY))
        assert silent(verdict(an_encounter(one("2026-03-17 23:59"), other("2026-03-18 00:00")), DAY))

    def test_a_long_term_order_takes_up_all_its_days(self):
        """From the 15th to the 17th it meets the 17th, not the 18th (ruling 9)."""
        order = one("2026-03-15", long_term=True, stop=at("2026-03-17"))

        assert ((0,),) == said(verdict(an_encounter(order, past("2026-03-17", "B01")), DAY))
        assert silent(verdict(an_encounter(order, past("2026-03-18", "B01")), DAY))

    def test_the_visit_is_this_one(self):
        """Whatever else is known of the patient."""
        assert ((0,),) == said(verdict(an_encounter(one(), past("2026-03-01", "B01")), VISIT))
        assert silent(verdict(an_encounter(one(), past("2026-03-18", "B01", visit="V0")), VISIT))

    @pytest.mark.parametrize("rule", [DAY, VISIT, OVERLAP])
    def test_one_side_alone_is_silent(self, rule):
        """An item does not exclude itself."""
        assert silent(verdict(an_encounter(one(), one()), rule))
        assert silent(verdict(an_encounter(other(), other()), rule))

    def test_a_past_line_without_a_time_is_unclear(self):
        """Its day is not known; in one visit no day is needed."""
        assert ((("line.time",), "missing", (0,)),) == missing(one(), past(None, "B01"), rule=DAY)
        assert ((0,),) == said(verdict(an_encounter(one(), past(None, "B01")), VISIT))

    def test_what_is_sure_hides_what_is_not(self):
        """A line that surely meets the other side needs no second reason."""
        found = verdict(an_encounter(one(), past(None, "B01"), past("2026-03-18", "B01")), DAY)

        assert ((0,),) == said(found)
        assert () == found.not_checked


class TestPrescription:
    def test_numbers_decide(self):
        """Equal numbers are one prescription, whatever the days and groups."""
        same = (piece("T01", prescription="P1", group="1"), piece("T02", prescription="P1", begin=at("2026-03-17")))
        two = (piece("T01", prescription="P1", group="1"), piece("T02", prescription="P2", group="1"))

        assert ((0,),) == said(verdict(an_encounter(*same), SCRIPT))
        assert silent(verdict(an_encounter(*two), SCRIPT))

    def test_a_number_belongs_to_its_visit(self):
        """Counters start anew."""
        earlier = past("2026-03-18", "T02", prescription="P1", visit="V0")

        assert silent(verdict(an_encounter(piece("T01", prescription="P1"), earlier), SCRIPT))

    def test_groups_stand_in_for_numbers(self):
        """Without numbers an equal group of the same day is one prescription, another group is not."""
        assert ((1,),) == said(verdict(an_encounter(piece("T01", group="1"), piece("T02", group="1")), SCRIPT))
        assert silent(verdict(an_encounter(piece("T01", group="1"), piece("T02", group="2")), SCRIPT))

    def test_half_a_number_or_group_tells_nothing(self):
        """Only what both lines say can be compared."""
        unclear = ((("line.prescription",), "missing", (0, 1)),)

        assert unclear == missing(piece("T01", prescription="P1", group="1"), piece("T02", group="1"), rule=SCRIPT)
        assert unclear == missing(piece("T01", group="1"), piece("T02"), rule=SCRIPT)

    def test_one_decoction_needs_neither(self):
        """Unnumbered pieces of one message that agree in all else are one decoction."""
        lines = (piece("T01", doses=7), piece("T009900003", doses=7), piece("T02", doses=7))

        assert ((2,),) == said(verdict(an_encounter(*lines), SCRIPT))

    @pytest.mark.parametrize("changes", [{"doses": 5}, {"group": "2"}, {"doctor": "D2"}, {"department": "骨科"}])
    def test_two_decoctions_are_not_told_apart(self, changes):
        """Where any unnumbered piece differs there are several, and nobody says which piece is whose."""
        lines = (piece("T01", doses=7), piece("T02", doses=7), piece("T009900003", **({"doses": 7} | changes)))

        assert ((("line.prescription",), "missing", (0, 1)),) == missing(*lines, rule=SCRIPT)

    def test_each_day_has_its_own_decoction(self):
        """At settlement the pieces of a stay are all current: another day's formula does not blur this one."""
        lines = (piece("T01", doses=7), piece("T02", doses=7), piece("T03", doses=5, begin=at("2026-03-12")))
        apart = (piece("T01", doses=7), piece("T02", doses=7, begin=at("2026-03-12")))

        assert ((1,),) == said(verdict(an_encounter(*lines), SCRIPT))
        assert silent(verdict(an_encounter(*apart), SCRIPT))

    def test_a_numbered_piece_is_no_second_decoction(self):
        """It has its place; the unnumbered ones remain one decoction."""
        lines = (piece("T01", doses=7), piece("T02", doses=7), piece("T009900003", doses=5, prescription="P9"))

        assert ((1,),) == said(verdict(an_encounter(*lines), SCRIPT))

    def test_a_piece_is_known_by_code_or_by_its_count(self):
        """A local code counted in 付 is a piece; a drug of any other code is none."""
        local = a_rule("excluded_pair", window="prescription", items="H01", other_items="H02")

        assert ((1,),) == said(verdict(an_encounter(piece("H01", doses=7), piece("H02", doses=7)), local))
        assert ((("line.prescription",), "missing", (0, 1)),) == missing(piece("H01"), piece("H02"), rule=local)

    def test_a_number_against_none_is_unclear(self):
        """Of one day; another day is another prescription."""
        now = piece("T01", prescription="P1")

        assert ((("line.prescription",), "missing", (0,)),) == missing(now, past("2026-03-18", "T02"), rule=SCRIPT)
        assert silent(verdict(an_encounter(now, past("2026-03-17", "T02")), SCRIPT))

    def test_an_unnumbered_line_of_the_past_is_unclear(self):
        """It was saved before: whether on this prescription, nobody says. Another visit's was not."""
        assert ((("line.prescription",), "missing", (0,)),) == missing(
            piece("T01"), past("2026-03-18", "T02"), rule=SCRIPT
        )
        assert ((("line.prescription",), "missing", (0,)),) == missing(piece("T01"), past(None, "T02"), rule=SCRIPT)
        assert silent(verdict(an_encounter(piece("T01"), past("2026-03-18", "T02", visit="V0")), SCRIPT))


def outpatient(*lines):
    return an_encounter(*lines, type="outpatient", medical_type="11", admitted=None)


class TestOverlap:
    def test_begun_on_one_day_is_at_once(self):
        """However long each lasts."""
        assert ((1,),) == said(verdict(outpatient(one(), other()), OVERLAP))

    def test_days_of_supply_say_how_long_the_earlier_one_lasts(self):
        """Seven days from the 11th end on the 17th."""
        assert silent(verdict(outpatient(one(), past("2026-03-11", "B01", supply_days=7)), OVERLAP))
        assert ((0,),) == said(verdict(outpatient(one(), past("2026-03-11", "B01", supply_days=8)), OVERLAP))

    def test_one_day_of_supply_is_one_day(self):
        """Used up on the day it was given out."""
        assert silent(verdict(outpatient(one(), past("2026-03-17", "B01", supply_days=1)), OVERLAP))

    def test_the_end_of_the_later_one_does_not_matter(self):
        """The earlier one reaches its first day, or not."""
        later = past("2026-03-20", "B01")

        assert ((0,),) == said(verdict(outpatient(one(supply_days=3), later), OVERLAP))
        assert silent(verdict(outpatient(one(supply_days=2), later), OVERLAP))

    def test_without_days_of_supply_nobody_knows(self):
        """What an out-patient takes home may last twelve weeks, and not a day longer (ruling 18)."""
        assert ((("line.supply_days",), "missing", (0,)),) == missing(
            one(), past("2025-12-25", "B01", visit="V0"), rule=OVERLAP
        )
        assert silent(verdict(outpatient(one(), past("2025-12-24", "B01", visit="V0")), OVERLAP))
        assert ((("line.supply_days",), "missing", (0,)),) == unread(
            verdict(outpatient(one(), past("2026-03-17", "B01")), OVERLAP)
        )

    @pytest.mark.parametrize("days", [0, -1])
    def test_a_supply_of_no_days_is_none(self, days):
        """It says nothing."""
        found = verdict(outpatient(one(), past("2026-03-17", "B01", supply_days=days)), OVERLAP)

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)

    def test_an_absurd_supply_does_not_break_the_rule(self):
        """A slip of the pen reaches far enough to meet, and no further than dates do."""
        assert ((0,),) == said(verdict(outpatient(one(), past("2026-03-17", "B01", supply_days=9**9)), OVERLAP))

    def test_an_in_patients_order_is_of_its_day(self):
        """A temporary order of the ward ends with the day; discharge medication does not."""
        assert silent(verdict(an_encounter(one(), past("2026-03-17", "B01")), OVERLAP))
        leaving = past("2026-03-17", "B01", discharge_medication=True)
        assert ((("line.supply_days",), "missing", (0,)),) == missing(one(), leaving, rule=OVERLAP)

    def test_a_long_term_order_runs_to_its_stop_or_to_now(self):
        """Its last day is in use too."""
        running = past("2026-03-10", "B01", long_term=True)
        stopped = past("2026-03-10", "B01", long_term=True, stop=at("2026-03-17"))

        assert ((0,),) == said(verdict(an_encounter(one(), running), OVERLAP))
        assert silent(verdict(an_encounter(one(), stopped), OVERLAP))

    def test_the_day_of_a_stop_is_the_day_of_switching(self):
        """What replaces the drug begins on it (ruling 18); an order stopped on its first day was in use that day."""
        stopped = past("2026-03-10", "B01", long_term=True, stop=at("2026-03-18 09:00"))
        tomorrow = past("2026-03-10", "B01", long_term=True, stop=at("2026-03-19"))
        begun = past("2026-03-18", "B01", long_term=True, stop=at("2026-03-18 09:00"))

        assert silent(verdict(an_encounter(one(), stopped), OVERLAP))
        assert ((0,),) == said(verdict(an_encounter(one(), tomorrow), OVERLAP))
        assert ((0,),) == said(verdict(an_encounter(one(), begun), OVERLAP))
        assert silent(verdict(an_encounter(one("2026-03-19"), begun), OVERLAP))

    def test_another_visits_open_order_ended_nobody_knows_when(self):
        """A long-term order of another visit without a stop."""
        found = past("2026-03-01", "B01", long_term=True, visit="V0")

        assert ((("line.supply_days",), "missing", (0,)),) == missing(one(), found, rule=OVERLAP)

    def test_a_past_line_without_a_time_is_unclear(self):
        """Nothing tells when it began."""
        assert ((("line.time",), "missing", (0,)),) == missing(one(), past(None, "B01"), rule=OVERLAP)

    def test_twelve_weeks_of_history_are_asked_for(self):
        """Only for drugs in use at once."""
        (look,) = KINDS["excluded_pair"].looks(OVERLAP)

        assert (("A01", "B01"), 84) == (look.items, look.days)
        assert () == KINDS["excluded_pair"].looks(DAY)


class TestSameInfusion:
    def poured(self, *lines, words=()):
        return verdict(an_encounter(*lines), INFUSION, words=words)

    def test_an_equal_group_is_one_infusion(self):
        """成组医嘱 run together; other groups, and lines in none, do not."""
        acid = a_line(ZOLEDRONATE, group="1")

        assert ((1,),) == said(self.poured(acid, a_line(CALCIUM_INJECTION, group="1")))
        assert silent(self.poured(acid, a_line(CALCIUM_INJECTION, group="2")))
        assert silent(self.poured(acid, a_line(CALCIUM_INJECTION)))
        assert silent(
            self.poured(a_line(ZOLEDRONATE), a_line(CALCIUM_INJECTION), a_line("A09", group="1", self_paid=True))
        )

    def test_a_group_is_of_its_day_and_visit(self):
        """Group numbers start anew."""
        acid = a_line(ZOLEDRONATE, group="1")

        assert silent(self.poured(acid, past("2026-03-17", CALCIUM_INJECTION, group="1")))
        assert silent(self.poured(acid, past("2026-03-18", CALCIUM_INJECTION, group="1", visit="V0")))
        assert ((("line.time",), "missing", (0,)),) == unread(
            self.poured(acid, past(None, CALCIUM_INJECTION, group="1"))
        )

    def test_a_group_is_of_its_prescription(self):
        """Where both are numbered and the numbers differ, an equal group is none."""
        acid = a_line(ZOLEDRONATE, group="1", prescription="P1")

        assert silent(self.poured(acid, a_line(CALCIUM_INJECTION, group="1", prescription="P2")))
        assert ((1,),) == said(self.poured(acid, a_line(CALCIUM_INJECTION, group="1", prescription="P1")))
        assert ((1,),) == said(self.poured(acid, a_line(CALCIUM_INJECTION, group="1")))

    def test_oral_calcium_is_normal_care(self):
        """Only the same infusion is barred (ruling 16): the code alone tells a tablet."""
        assert silent(self.poured(a_line(ZOLEDRONATE), a_line(CALCIUM_TABLET)))

    def test_without_groups_two_injections_are_unclear(self):
        """A sender without groups does not say what runs together."""
        found = self.poured(a_line(ZOLEDRONATE), a_line(CALCIUM_INJECTION))

        assert ((("line.group",), "missing", (0, 1)),) == unread(found)

    @pytest.mark.parametrize(("route", "clear"), [("oral", True), ("im", True), ("iv", False), ("other", False)])
    def test_a_route_tells_first(self, route, clear):
        """What is swallowed or injected elsewhere is in no infusion, whatever the code says."""
        found = self.poured(a_line(ZOLEDRONATE), a_line(CALCIUM_INJECTION, route=route))

        assert clear == silent(found)

    @pytest.mark.parametrize(("form", "clear"), [("oral_solid", True), ("injection", False), ("other", False)])
    def test_then_a_dose_form(self, form, clear):
        """By its own name."""
        found = self.poured(a_line(ZOLEDRONATE), a_line(CALCIUM_INJECTION, dose_form=form))

        assert clear == silent(found)

    def test_a_route_through_the_dictionary(self):
        """The hospital's word for it; an unmapped word leaves it to the code."""
        word = a_word("route", "口服", "oral")
        lines = (a_line(ZOLEDRONATE), a_line(CALCIUM_INJECTION, route="口服"))

        assert silent(self.poured(*lines, words=(word,)))
        assert ((("line.group",), "missing", (0, 1)),) == unread(self.poured(*lines))

    def test_a_code_of_another_shape_tells_nothing(self):
        """A code cut off before its family ends does not tell the form."""
        found = self.poured(a_line(ZOLEDRONATE), a_line("XA12AAC001"))

        assert ((("line.group",), "missing", (0, 1)),) == unread(found)


class TestDirection:
    def test_the_line_being_saved_is_named(self):
        """With the earlier one, its day and who ordered it."""
        earlier = past("2026-03-10", "B01", supply_days=14, doctor="D07", visit="V0")
        (finding,) = verdict(outpatient(one(), earlier), OVERLAP).findings

        assert ((0,), (1,), (10_0000,)) == (finding.lines, finding.involved, finding.amounts)
        words = "【索磷维伏片】与【达比加群酯】用药期间不宜合用(2026-03-10 已开,开单医师 D07);请核对并调整其中一项。"
        assert words == finding.message

    def test_of_two_being_saved_the_later_is_named(self):
        """By time, then by place in the message."""
        (finding,) = verdict(an_encounter(one("2026-03-18 11:00"), other("2026-03-18 10:00")), DAY).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)
        assert "【甲药】与【乙药】同一日不宜合用;请核对并调整其中一项。" == finding.message

    def test_of_two_at_one_time_the_id_tells(self):
        """The order of the lines does not."""
        assert ((0,),) == said(verdict(an_encounter(one(id="b"), other(id="a")), DAY))
        assert ((1,),) == said(verdict(an_encounter(one(id="a"), other(id="b")), DAY))

    def test_each_line_that_meets_an_earlier_one_is_named(self):
        """A, then B, then A again: B and the second A."""
        lines = (one("2026-03-18 08:00"), other("2026-03-18 09:00"), one("2026-03-18 10:00"))
        (finding,) = verdict(an_encounter(*lines), DAY).findings

        assert ((1, 2), (0,)) == (finding.lines, finding.involved)

    def test_the_earliest_known_line_is_dated(self):
        """One date is enough; an undated one has none to give."""
        lines = (one(), past("2026-03-18 09:00", "B01", doctor="D2"), past("2026-03-18 08:00", "B01", doctor="D1"))
        (dated,) = verdict(an_encounter(*lines), DAY).findings
        (undated,) = verdict(an_encounter(one(), past(None, "B01")), VISIT).findings

        assert "(2026-03-18 已开,开单医师 D1)" in dated.message
        assert "(此前 已开)" in undated.message

    def test_a_rule_out_of_force_leaves_the_other_line_as_it_is(self):
        """The line of a day before the rule cannot be named, but is met."""
        rule = a_rule("excluded_pair", window="visit", valid_from="2026-03-18")
        (finding,) = verdict(an_encounter(one("2026-03-18"), other("2026-03-17")), rule).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)

    def test_an_item_cannot_exclude_itself(self):
        """A pair whose sides can name one code is a fault of the row."""
        for items, others in (("A01", "A01"), ("A*", "A01"), ("A01X", "A01*"), ("A01|C01", "B01|C*")):
            with pytest.raises(ValueError, match="cannot exclude itself"):
                a_rule("excluded_pair", items=items, other_items=others)
        assert ("A01",) == a_rule("excluded_pair", items="A01", other_items="A011|B*").items

    def test_a_pair_has_two_sides(self):
        """A cell of bars alone names nothing."""
        with pytest.raises(ValueError, match="at least 1 item"):
            a_rule("excluded_pair", other_items="|")

    def test_the_days_are_named_to_those_who_read_it_later(self):
        """At settlement both are current, and their day is not today."""
        lines = [line for day in (16, 17) for line in (one(f"2026-03-{day}"), other(f"2026-03-{day}"))]
        (day,) = verdict(an_encounter(*lines), DAY).findings
        (visit,) = verdict(an_encounter(*lines), VISIT).findings

        assert "同一日不宜合用(2026-03-16 等 2 日);" in day.message
        assert "本次就诊不宜合用;" in visit.message

    def test_the_window_is_a_fact(self):
        """For those who count findings."""
        (finding,) = verdict(an_encounter(one(), other()), DAY).findings

        assert (("window", "day"),) == finding.facts


class TestCharging:
    def test_what_is_included_is_named_for_its_money(self):
        """The consumable, whichever came first."""
        lines = (one("2026-03-18 11:00", amount=400_0000), other("2026-03-18 10:00", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), CHARGING).findings

        assert ((1,), (0,), (30_0000,)) == (finding.lines, finding.involved, finding.amounts)
        assert "【血液透析】已包含【透析管路】,同一日不得另行收费;请只保留其中一项。" == finding.message

    def test_a_service_after_a_known_consumable_is_named_for_the_consumables_money(self):
        """It cannot be changed any more; each is counted once."""
        lines = (one(amount=400_0000), one(amount=400_0000), past("2026-03-18", "B01", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), CHARGING).findings

        assert ((0, 1), (2,), (30_0000, 0)) == (finding.lines, finding.involved, finding.amounts)
        assert "(2026-03-18 已开)" in finding.message

    def test_the_money_is_put_on_the_earliest_line(self):
        """Whichever place it has."""
        lines = (one(id="b"), one(id="a"), past("2026-03-18", "B01", amount=30_0000))
        (finding,) = verdict(an_encounter(*lines), CHARGING).findings

        assert ((0, 1), (0, 30_0000)) == (finding.lines, finding.amounts)

    def test_self_pay_does_not_clear_it(self):
        """Moving it to the patient is a violation itself (ruling 1)."""
        lines = (one(), other(self_paid=True, consent=True))

        assert ((1,),) == said(verdict(an_encounter(*lines), CHARGING))

    def test_beside_another_visits_charge_it_is_a_warning(self):
        """That it was one service nobody says; safety does not ask whose visit it was."""
        lines = (one(), past("2026-03-18", "B01", visit="V0"))

        assert ["warn"] == [found.level for found in verdict(an_encounter(*lines), CHARGING).findings]
        assert ["block"] == [found.level for found in verdict(an_encounter(*lines), DAY).findings]
        both = (*lines, past("2026-03-18", "B01"))
        assert ["block"] == [found.level for found in verdict(an_encounter(*both), CHARGING).findings]


class TestReversals:
    def test_a_refunded_side_leaves_the_other_free(self):
        """What was taken back is not there."""
        lines = (one(), past("2026-03-18", "B01"), past("2026-03-18", "B01", quantity=-1_0000))

        assert silent(verdict(an_encounter(*lines), DAY))

    def test_recorded_lines_count(self):
        """Recorded history joins the payload."""
        (finding,) = verdict(an_encounter(one()), DAY, context=recorded(past("2026-03-18", "B01", id="M"))).findings

        assert ((0,), (-1,)) == (finding.lines, finding.involved)

    def test_nothing_being_saved_is_nothing_to_say(self):
        """Two lines of the past are not news."""
        lines = (a_line("003199990000000"), past("2026-03-18"), past("2026-03-18", "B01"))

        assert silent(verdict(an_encounter(*lines), DAY))
