"""Age limit: both ends of the band, units of days, months and years, and the service day."""

from datetime import date

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, icd, said, silent, unread, verdict

CHILD = a_rule("age_limit", min_age="3y", max_age="12y", name="波生坦分散片")
NEWBORN = a_rule("age_limit", min_age="", max_age="28d", name="新生儿护理", scope="safety")
CHILDREN = a_rule("age_limit", min_age="", max_age="14y", silent_until="17y")


class TestBand:
    @pytest.mark.parametrize("birth", [date(2023, 3, 18), date(2015, 1, 1), date(2013, 3, 19)])
    def test_both_ends_are_inside(self, birth):
        """The third birthday and the last day before the thirteenth are both allowed."""
        assert silent(verdict(an_encounter(birth_date=birth), CHILD))

    @pytest.mark.parametrize("birth", [date(2023, 3, 19), date(2013, 3, 18), date(1980, 1, 1)])
    def test_outside_fires(self, birth):
        """The day before the third birthday and the thirteenth birthday itself are outside."""
        assert ((0,),) == said(verdict(an_encounter(birth_date=birth), CHILD))

    def test_the_message_names_band_day_and_age(self):
        """A doctor reads the item, the band, and the age on the service day."""
        (finding,) = verdict(an_encounter(birth_date=date(1981, 3, 18)), CHILD).findings

        assert "【波生坦分散片】限 3 岁至 12 岁患者使用,患者 2026-03-18 时为 45 岁。" == finding.message
        assert "3 岁至 12 岁患者" == finding.allowed
        assert (("patient.age", "45 岁"), ("line.day", "2026-03-18")) == finding.facts

    @pytest.mark.parametrize(
        ("birth", "words"),
        [(date(2026, 2, 17), "1 个月"), (date(2024, 3, 18), "2 岁"), (date(2024, 3, 19), "23 个月")],
    )
    def test_small_ages_read_in_months(self, birth, words):
        """Ages under two years read in completed months."""
        rule = a_rule("age_limit", min_age="3y", max_age="")
        (finding,) = verdict(an_encounter(birth_date=birth), rule).findings

        assert words == finding.present

    def test_an_open_end_has_no_limit(self):
        """A row with only a lower bound says nothing of great ages."""
        rule = a_rule("age_limit", min_age="16y", max_age="")

        assert silent(verdict(an_encounter(birth_date=date(1920, 1, 1)), rule))
        assert ((0,),) == said(verdict(an_encounter(birth_date=date(2010, 3, 19)), rule))

    def test_an_empty_band_does_not_compile(self):
        """A lower bound above the upper one is a fault of the row."""
        with pytest.raises(ValueError, match="min_age `12y` is above max_age `3y`"):
            a_rule("age_limit", min_age="12y", max_age="3y")

    def test_a_band_of_one_year_compiles(self):
        """First and last age allowed may be the same."""
        rule = a_rule("age_limit", min_age="12y", max_age="12y")

        assert silent(verdict(an_encounter(birth_date=date(2013, 3, 19)), rule))
        assert ((0,),) == said(verdict(an_encounter(birth_date=date(2013, 3, 18)), rule))

    @pytest.mark.parametrize("cell", ["12", "y", "-3y", "3 years"])
    def test_an_age_has_a_unit(self, cell):
        """A bound without d, m or y is refused rather than guessed."""
        with pytest.raises(ValueError, match="an age is a number with d, m or y"):
            a_rule("age_limit", max_age=cell)


class TestServiceDay:
    def test_age_is_taken_on_the_service_day_not_the_save_day(self):
        """A charge of the day before the birthday, saved after it, is judged by the day of service."""
        encounter = an_encounter(a_line(begin=at("2026-03-17 23:00")), birth_date=date(2013, 3, 18))

        assert silent(verdict(encounter, CHILD, time=at("2026-03-20 08:00")))

    def test_each_day_is_judged_by_itself(self):
        """Lines on both sides of a birthday part: only those after it are named."""
        lines = (a_line(begin=at("2026-03-17")), a_line(begin=at("2026-03-18")))

        assert ((1,),) == said(verdict(an_encounter(*lines, birth_date=date(2013, 3, 18)), CHILD))

    def test_a_line_without_time_counts_on_the_message_day(self):
        """A current line that carries no time is of the message's day (decision 10)."""
        encounter = an_encounter(a_line(begin=None), birth_date=date(2013, 3, 18))

        assert silent(verdict(encounter, CHILD, time=at("2026-03-17 10:00")))
        assert ((0,),) == said(verdict(encounter, CHILD, time=at("2026-03-18 10:00")))

    def test_an_unknown_birth_date_is_not_a_pass(self):
        """Without a birth date the rule says for which field it could not run."""
        found = verdict(an_encounter(birth_date=None), CHILD)

        assert ((("patient.birth_date",), "missing", (0,)),) == unread(found)

    def test_service_before_birth_is_a_conflict(self):
        """A service day before the birth date is no age at all."""
        found = verdict(an_encounter(birth_date=date(2026, 3, 19)), CHILD)

        assert ((("patient.birth_date", "line.time"), "conflict", (0,)),) == unread(found)

    def test_the_day_of_birth_is_an_age(self):
        """A child is zero days old on the day it is born."""
        assert silent(verdict(an_encounter(birth_date=date(2026, 3, 18)), NEWBORN))

    @pytest.mark.parametrize(("day", "fires"), [("2026-02-28", False), ("2026-03-01", True)])
    def test_a_leap_day_birthday_is_kept_on_the_first_of_march(self, day, fires):
        """Born on 29 February 2013's leap year: in a common year the year is complete on 1 March."""
        encounter = an_encounter(a_line(begin=at(day)), birth_date=date(2012, 2, 29))
        rule = a_rule("age_limit", min_age="", max_age="13y")

        assert fires == bool(verdict(encounter, rule, time=at(day)).findings)


class TestNewborn:
    @pytest.mark.parametrize(("birth", "fires"), [(date(2026, 2, 18), False), (date(2026, 2, 17), True)])
    def test_twenty_eight_days_are_inside(self, birth, fires):
        """Day 28 is the last day of a newborn."""
        assert fires == bool(verdict(an_encounter(birth_date=birth), NEWBORN).findings)

    def test_perinatal_disease_makes_it_info(self):
        """Care of a premature child after 28 days is at most info (ruling 17)."""
        found = verdict(an_encounter(birth_date=date(2026, 2, 1), diagnoses=(icd("P07.300"),)), NEWBORN)

        assert ["info"] == [finding.level for finding in found.findings]

    @pytest.mark.parametrize("diagnosis", [icd("P07.300", suspected=True), icd("PZ0001"), icd("J21.900")])
    def test_only_a_sure_icd_code_is_perinatal(self, diagnosis):
        """A suspected diagnosis, a local code that begins with P, or another disease is no evidence."""
        found = verdict(an_encounter(birth_date=date(2026, 2, 1), diagnoses=(diagnosis,)), NEWBORN)

        assert ["block"] == [finding.level for finding in found.findings]

    def test_a_newborn_on_its_mothers_bill_is_not_judged_by_her_age(self):
        """The items are the child's, and the child's birth date is not here: not checked, never a pass."""
        found = verdict(an_encounter(birth_date=date(1996, 1, 1), medical_type="52"), NEWBORN)

        assert ((("patient.birth_date",), "missing", (0,)),) == unread(found)
        assert () == found.findings

    @pytest.mark.parametrize(("birth", "judged"), [(date(2016, 3, 18), False), (date(2016, 3, 19), True)])
    def test_nobody_under_ten_is_the_mother(self, birth, judged):
        """A child of nine is too old for a newborn's item itself, whatever the visit says."""
        found = verdict(an_encounter(birth_date=birth, medical_type="52"), NEWBORN)

        assert judged == (((0,),) == said(found))
        assert judged == (() == unread(found))


class TestUnclearBounds:
    @pytest.mark.parametrize("birth", [date(2012, 3, 18), date(2011, 3, 18), date(2008, 3, 19)])
    def test_a_child_without_an_age_is_silent_from_14_to_18(self, birth):
        """Where the source says child without an age, 14 to 17 completed years say nothing (ruling 17)."""
        assert silent(verdict(an_encounter(birth_date=birth), CHILDREN))

    def test_from_the_18th_birthday_it_fires(self):
        """At 18 nobody is a child, and the message names the stated limit."""
        (finding,) = verdict(an_encounter(birth_date=date(2008, 3, 18)), CHILDREN).findings

        assert "限 14 岁及以内患者" == finding.limit

    @pytest.mark.parametrize(("birth", "fires"), [(date(2014, 3, 18), False), (date(2013, 3, 18), True)])
    def test_an_ambiguous_upper_bound_is_silent_exactly_there(self, birth, fires):
        """12 岁以下 may or may not hold 12: silent through the 12th year of age, sure from 13."""
        rule = a_rule("age_limit", min_age="", max_age="11y", silent_until="12y")

        assert fires == bool(verdict(an_encounter(birth_date=birth), rule).findings)


@pytest.mark.parametrize(("scope", "fires"), [("payment", False), ("safety", True)])
def test_self_pay_clears_payment_only(scope, fires):
    """Payment is cleared by self-pay; safety is not (ruling 1)."""
    found = verdict(an_encounter(a_line(self_paid=True, consent=True)), a_rule("age_limit", scope=scope))

    assert fires == bool(found.findings)
