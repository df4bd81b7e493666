"""Whom a rule concerns by its header: kinds of visit, insurances, hospital levels, stages; absent is not false."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, said, silent, unread, verdict

FEMALE = {"sex": "female"}


def rule(**columns):
    return a_rule("sex_limit", **(FEMALE | columns))


def spoken(encounter, **columns):
    return said(verdict(encounter, rule(**columns)))


class TestInsurance:
    def test_named(self):
        """A rule for residents speaks for residents."""
        assert ((0,),) == spoken(an_encounter(insurance="390"), insurances="390|391")

    def test_not_named(self):
        """And is silent, clear, for employees."""
        assert silent(verdict(an_encounter(insurance="310"), rule(insurances="390|391")))

    def test_unknown(self):
        """Without the insurance nobody can say whom it concerns."""
        assert ((("visit.insurance",), "missing", (0,)),) == unread(
            verdict(an_encounter(insurance=None), rule(insurances="390"))
        )


class TestHospitalLevel:
    @pytest.mark.parametrize(("level", "findings"), [(1, 1), (2, 1), (3, 0)])
    def test_level(self, level, findings):
        """Only at the levels it names."""
        assert findings == len(spoken(an_encounter(level=level), hospital_levels="1|2"))

    def test_unknown(self):
        """The level is a fact like any other."""
        assert (("facility.level",), "missing", (0,)) in unread(
            verdict(an_encounter(level=None), rule(hospital_levels="1"))
        )


class TestVisitType:
    @pytest.mark.parametrize(
        ("visit", "named", "findings"),
        [
            ({"type": "inpatient"}, "inpatient", 1),
            ({"type": "inpatient"}, "outpatient", 0),
            ({"type": "inpatient"}, "outpatient|inpatient", 1),
            ({"type": "outpatient", "emergency": True}, "emergency", 1),
            ({"type": "outpatient", "emergency": True}, "outpatient", 0),
            ({"type": "outpatient", "emergency": False}, "outpatient", 1),
            ({"type": "outpatient", "emergency": False}, "emergency", 0),
            ({"type": "inpatient", "emergency": True}, "emergency", 0),
            ({"type": "outpatient", "internet": True}, "internet", 1),
            ({"type": "outpatient", "internet": False}, "internet", 0),
            ({"out_of_area": True}, "out_of_area", 1),
            ({"out_of_area": False}, "out_of_area", 0),
        ],
    )
    def test_named(self, visit, named, findings):
        """Each word of the authority's header."""
        assert findings == len(spoken(an_encounter(**visit), visit_types=named))

    @pytest.mark.parametrize(
        ("visit", "named"),
        [
            ({"type": None}, "inpatient"),
            ({"type": "inpatient", "type_conflict": True}, "inpatient"),
            ({"type": "outpatient", "emergency": None}, "emergency"),
            ({}, "internet"),
            ({}, "outpatient|internet"),
        ],
    )
    def test_unknown(self, visit, named):
        """What the facts do not tell, or contradict, is not checked."""
        assert ((("visit.type",), "missing", (0,)),) == unread(verdict(an_encounter(**visit), rule(visit_types=named)))

    def test_one_yes_is_enough(self):
        """An unknown alternative does not keep a known one from counting."""
        assert ((0,),) == spoken(an_encounter(type="inpatient"), visit_types="inpatient|internet")

    def test_several_facts_are_all_named(self):
        """Every missing fact is told at once."""
        encounter = an_encounter(insurance=None, level=None)

        assert ((("visit.insurance", "facility.level"), "missing", (0,)),) == unread(
            verdict(encounter, rule(insurances="310", hospital_levels="3"))
        )

    def test_a_no_needs_nothing_else(self):
        """What is surely not concerned is not reported for another missing fact."""
        assert silent(verdict(an_encounter(insurance="310", level=None), rule(insurances="390", hospital_levels="3")))


class TestStages:
    @pytest.mark.parametrize(
        ("scene", "stages", "scenes", "findings"),
        [
            ("2", "before", "", 1),
            ("6", "before", "", 0),
            ("6", "during", "", 1),
            ("5", "during", "", 0),
            ("8", "before|during", "", 1),
            ("8", "during", "9", 0),
            ("9", "during", "9", 1),
            ("2", "before", "9", 0),
            ("2", "after", "", 0),
        ],
    )
    def test_scenes_of_a_stage(self, scene, stages, scenes, findings):
        """事前 is scenes 1 to 5, 事中 6 to 10; scenes narrow it."""
        assert findings == len(spoken(an_encounter(scenes=(scene,)), stages=stages, scenes=scenes))

    @pytest.mark.parametrize(("stages", "findings"), [("before", 1), ("during", 1), ("after", 0)])
    def test_a_sender_without_scenes(self, stages, findings):
        """Every check of it counts, save for rules of 事后 alone."""
        assert findings == len(spoken(an_encounter(), stages=stages))


def test_tags_and_remark_travel_with_the_finding():
    """Lists and cards are built from them."""
    (finding,) = verdict(an_encounter(a_line()), rule(tags="限专|贵重药品", remark="XA01")).findings

    assert (("限专", "贵重药品"), "XA01") == (finding.tags, finding.remark)
