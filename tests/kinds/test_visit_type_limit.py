"""Visit-type limit: in-patient, out-patient, emergency, pharmacy, and what contradicts itself (ruling 6)."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, said, silent, unread, verdict

WARD = a_rule("visit_type_limit", allow="inpatient", name="脂肪乳注射液")
URGENT = a_rule("visit_type_limit", allow="emergency|inpatient", name="安宫牛黄丸")


class TestVisitTypeLimit:
    @pytest.mark.parametrize("rule", [WARD, URGENT])
    def test_an_allowed_visit_is_silent(self, rule):
        """In-patients satisfy either limit."""
        assert silent(verdict(an_encounter(type="inpatient"), rule))

    def test_an_emergency_is_silent_where_allowed(self):
        """An out-patient visit that is an emergency satisfies 急诊."""
        assert silent(verdict(an_encounter(type="outpatient", emergency=True), URGENT))

    @pytest.mark.parametrize("kind", ["outpatient", "pharmacy"])
    def test_another_visit_fires(self, kind):
        """Out-patient and pharmacy visits are neither."""
        assert ((0,),) == said(verdict(an_encounter(type=kind), URGENT))

    def test_the_message_says_what_is_allowed_and_what_this_is(self):
        """A doctor reads the item, the visits allowed, and the present one."""
        (finding,) = verdict(an_encounter(type="outpatient"), URGENT).findings

        words = "【安宫牛黄丸】限急诊或住院使用方予支付,本次为门诊就诊;请更换项目,或经患者同意后自费。"
        assert words == finding.message
        assert ("限急诊或住院", "门诊", "急诊或住院") == (finding.limit, finding.present, finding.allowed)

    def test_an_emergency_is_called_one_where_it_does_not_help(self):
        """A ward-only item in the emergency room: the message says 急诊, not 门诊."""
        (finding,) = verdict(an_encounter(type="outpatient", emergency=True), WARD).findings

        assert "急诊" == finding.present

    def test_an_unknown_type_is_not_checked(self):
        """Without a type nothing is said."""
        assert ((("visit.type",), "missing", (0,)),) == unread(verdict(an_encounter(type=None), WARD))

    def test_a_contradiction_is_not_checked(self):
        """Scene and codes that still conflict decide nothing (ruling 6)."""
        found = verdict(an_encounter(type="inpatient", type_conflict=True), WARD)

        assert ((("visit.type",), "conflict", (0,)),) == unread(found)

    def test_an_unknown_emergency_is_not_checked_where_it_would_decide(self):
        """An out-patient visit may have been an emergency."""
        encounter = an_encounter(type="outpatient", emergency=None)

        assert ((("visit.emergency",), "missing", (0,)),) == unread(verdict(encounter, URGENT))
        assert ((0,),) == said(verdict(encounter, WARD))

    def test_an_unknown_emergency_does_not_matter_where_the_type_is_allowed(self):
        """Out-patients are allowed anyhow."""
        rule = a_rule("visit_type_limit", allow="outpatient|emergency")

        assert silent(verdict(an_encounter(type="outpatient", emergency=None), rule))

    def test_an_in_patient_may_have_come_as_an_emergency(self):
        """An item for emergencies alone is not refused to an in-patient whose admission is not described."""
        rule = a_rule("visit_type_limit", allow="emergency")

        assert ((("visit.emergency",), "missing", (0,)),) == unread(verdict(an_encounter(emergency=None), rule))
        assert ((0,),) == said(verdict(an_encounter(emergency=False), rule))

    def test_self_pay_clears_it(self):
        """A payment limit leaves self-paid lines alone; the others are named (ruling 1)."""
        lines = (a_line(self_paid=True), a_line())

        assert ((1,),) == said(verdict(an_encounter(*lines, type="outpatient"), WARD))
