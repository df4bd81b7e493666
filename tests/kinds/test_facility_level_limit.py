"""Facility-level limit: the level, the specialist hospital, and the first prescription."""

import pytest

from rules import KINDS, Look
from rules.kinds.facility_level_limit import FacilityLimit
from rules.model import Rule
from tests.builders import NOW, a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

LEVEL_TWO = a_rule("facility_level_limit", min_level="2", name="丹红注射液")
EYES = a_rule("facility_level_limit", min_level="3", alt_specialty="眼科", alt_level="2", name="雷珠单抗")
FIRST = a_rule("facility_level_limit", min_level="2", first_prescription="true", name="度拉糖肽注射液")


class TestLevel:
    @pytest.mark.parametrize("level", [2, 3])
    def test_the_level_and_above_are_silent(self, level):
        """二级及以上 holds 二级."""
        assert silent(verdict(an_encounter(level=level), LEVEL_TWO))

    def test_below_fires(self):
        """The message names the level wanted and the hospital's own."""
        (finding,) = verdict(an_encounter(level=1), LEVEL_TWO).findings

        words = "【丹红注射液】限二级及以上医疗机构使用方予支付,本院为一级医疗机构;请更换项目,或经患者同意后自费。"
        assert words == finding.message
        assert "二级及以上医疗机构" == finding.allowed

    def test_a_hospital_without_a_level_is_below_all(self):
        """A level outside 1 to 3 is 未定级, and never breaks the rule."""
        (finding,) = verdict(an_encounter(level=0), LEVEL_TWO).findings

        assert "未定级医疗机构" == finding.present

    def test_an_unknown_level_is_not_checked(self):
        """No profile and no usable message: not checked."""
        assert ((("facility.level",), "missing", (0,)),) == unread(verdict(an_encounter(level=None), LEVEL_TWO))

    @pytest.mark.parametrize("columns", [{"min_level": "1"}, {"min_level": "4"}])
    def test_a_limit_names_the_second_or_third_level(self, columns):
        """Every hospital is of the first level, and none above the third."""
        with pytest.raises(ValueError, match="min_level"):
            a_rule("facility_level_limit", **columns)

    def test_columns_left_out_are_the_run_forms_defaults(self):
        """Defaults are left out of stored packs: what they stand for is part of the format."""
        common = {name: getattr(LEVEL_TWO, name) for name in Rule.__struct_fields__}

        assert LEVEL_TWO == FacilityLimit(**common, min_level=2)

    def test_the_facts_are_level_and_field(self):
        """What was read of the hospital is kept with the finding."""
        (finding,) = verdict(an_encounter(level=1, specialty="口腔"), LEVEL_TWO).findings

        assert (("facility.level", "1"), ("facility.specialty", "口腔")) == finding.facts

    def test_self_pay_clears_it(self):
        """A payment limit leaves self-paid lines alone."""
        assert silent(verdict(an_encounter(a_line(self_paid=True), level=1), LEVEL_TWO))


class TestSpecialist:
    @pytest.mark.parametrize(("level", "specialty"), [(3, ""), (2, "眼科"), (2, "眼科、耳鼻喉科")])
    def test_either_way_is_silent(self, level, specialty):
        """三级, or a specialist hospital of the field from its own level."""
        assert silent(verdict(an_encounter(level=level, specialty=specialty), EYES))

    @pytest.mark.parametrize(("level", "specialty"), [(2, ""), (2, "口腔"), (1, "眼科"), (1, None)])
    def test_neither_way_fires(self, level, specialty):
        """A general hospital, another field, or a level below the exception."""
        (finding,) = verdict(an_encounter(level=level, specialty=specialty), EYES).findings

        assert "三级及以上医疗机构或二级及以上眼科专科医院" == finding.allowed

    def test_an_unknown_field_is_not_checked_where_it_would_decide(self):
        """A 二级 hospital may be an eye hospital."""
        found = verdict(an_encounter(level=2, specialty=None), EYES)

        assert ((("facility.specialty",), "missing", (0,)),) == unread(found)

    def test_an_unknown_field_does_not_matter_at_the_level(self):
        """What cannot change the answer need not be known."""
        assert silent(verdict(an_encounter(level=3, specialty=None), EYES))

    def test_half_an_exception_does_not_compile(self):
        """A field without a level is a fault of the row."""
        with pytest.raises(ValueError, match="belong together"):
            a_rule("facility_level_limit", alt_specialty="眼科")

    @pytest.mark.parametrize(("level", "valid"), [("0", False), ("1", True), ("3", True), ("4", False)])
    def test_the_exception_names_a_level(self, level, valid):
        """A specialist hospital is of the first to third level."""
        if valid:
            assert int(level) == a_rule("facility_level_limit", alt_specialty="眼科", alt_level=level).alt_level
        else:
            with pytest.raises(ValueError, match="alt_level"):
                a_rule("facility_level_limit", alt_specialty="眼科", alt_level=level)

    def test_a_hospital_without_a_level_is_no_specialist_of_one(self):
        """未定级 is below the first level too: its field would not help."""
        rule = a_rule("facility_level_limit", alt_specialty="眼科", alt_level="1")

        assert ((0,),) == said(verdict(an_encounter(level=0, specialty=None), rule))


class TestFirstPrescription:
    def test_a_first_prescription_fires(self):
        """Nothing earlier in a year known to be complete."""
        (finding,) = verdict(an_encounter(level=1, history_since=at("2025-01-01").date()), FIRST).findings

        words = (
            "【度拉糖肽注射液】限二级及以上医疗机构首次处方方予支付,本院为一级医疗机构;请更换项目,或经患者同意后自费。"
        )
        assert words == finding.message

    def test_our_own_record_does_not_show_a_first_prescription(self):
        """Primary care goes on with what larger hospitals begin, and those are not in it, however complete it is."""
        found = verdict(an_encounter(level=1), FIRST, context=recorded())

        assert ((), ((("history",), "missing", (0,)),)) == (said(found), unread(found))

    @pytest.mark.parametrize("day", ["2026-03-01", "2025-03-18"])
    def test_a_later_one_is_silent(self, day):
        """Primary care may go on with what was begun elsewhere (audit rules, section 7 point 9)."""
        assert silent(verdict(an_encounter(a_line(), past(day), level=1), FIRST))

    def test_one_of_the_same_day_is_earlier(self):
        """What was prescribed this morning was begun before this line."""
        assert silent(verdict(an_encounter(a_line(), past("2026-03-18 08:00"), level=1), FIRST))

    def test_the_year_is_counted_from_the_first_line(self):
        """Within a year of the line of the 10th, though not of the one of the 18th."""
        lines = (a_line(begin=at("2026-03-18")), a_line(begin=at("2026-03-10")), past("2025-03-12"))

        assert silent(verdict(an_encounter(*lines, level=1), FIRST))

    def test_recorded_history_counts(self):
        """The earlier prescription may come from what was recorded here."""
        found = verdict(an_encounter(level=1), FIRST, context=recorded(past("2026-01-05", id="X", visit="V0")))

        assert silent(found)

    def test_more_than_a_year_ago_is_a_new_start(self):
        """The prescription of 366 days before is no longer the first of this treatment."""
        encounter = an_encounter(a_line(), past("2025-03-17"), level=1, history_since=at("2025-01-01").date())

        assert ((0,),) == said(verdict(encounter, FIRST))

    def test_a_refunded_prescription_is_none(self):
        """What was taken back was never begun."""
        lines = (a_line(), past("2026-03-01"), past("2026-03-02", quantity=-1_0000))
        encounter = an_encounter(*lines, level=1, history_since=at("2025-01-01").date())

        assert ((0,),) == said(verdict(encounter, FIRST))

    def test_an_undated_one_is_not_checked(self):
        """An earlier line without a time may lie within the year or not."""
        encounter = an_encounter(a_line(), past(None), level=1, history_since=at("2025-01-01").date())

        assert ((("line.time",), "missing", (0,)),) == unread(verdict(encounter, FIRST))

    @pytest.mark.parametrize("late", [(), ("history",)])
    def test_without_history_it_is_not_checked(self, late):
        """An unknown past, absent or late, is not a first prescription."""
        context = recorded(since="2025-06-01", late=late)
        found = verdict(an_encounter(level=1), FIRST, context=context)

        assert ((("history",), "timeout" if late else "missing", (0,)),) == unread(found)

    def test_history_does_not_matter_at_the_level(self):
        """A 二级 hospital may write the first prescription."""
        assert silent(verdict(an_encounter(level=2), FIRST, time=NOW))

    def test_only_a_first_prescription_needs_the_past(self):
        """A year of it; a plain limit asks for nothing."""
        looks = KINDS["facility_level_limit"].looks

        assert (Look(("A01",), 365),) == looks(FIRST)
        assert () == looks(LEVEL_TWO)
