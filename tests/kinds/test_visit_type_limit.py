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
        assert (("visit.type", "outpatient"), ("visit.emergency", "0")) == finding.facts

    def test_an_emergency_is_called_one_where_it_does_not_help(self):
        """A ward-only item in the emergency room: the message says 急诊, not 门诊."""
        (finding,) = verdict(an_encounter(type="outpatient", emergency=True), WARD).findings

        assert "急诊" == finding.present
        assert (("visit.type", "outpatient"), ("visit.emergency", "1")) == finding.facts

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

    def test_a_row_allows_something(self):
        """A limit that allows no visit at all is a fault of the row."""
        with pytest.raises(ValueError, match="allow"):
            a_rule("visit_type_limit", allow="|")

    def test_self_pay_clears_it(self):
        """A payment limit leaves self-paid lines alone; the others are named (ruling 1)."""
        lines = (a_line(self_paid=True), a_line())

        assert ((1,),) == said(verdict(an_encounter(*lines, type="outpatient"), WARD))


OPIOID = {"allow": "", "deny": "internet", "scope": "safety", "name": "吗啡片"}
ONLINE = a_rule("visit_type_limit", **OPIOID)
UNMARKED = a_rule("visit_type_limit", **OPIOID, always_sent="false")


class TestDeniedVisits:
    def test_an_online_visit_fires(self):
        """Controlled drugs are not prescribed online, whoever pays."""
        encounter = an_encounter(a_line(self_paid=True), type="outpatient", internet=True)
        (finding,) = verdict(encounter, ONLINE).findings

        words = "【吗啡片】互联网诊疗不得使用,本次为互联网诊疗;请更换项目或改换就医方式。"
        assert words == finding.message
        assert ("互联网诊疗不得使用", "互联网诊疗", "互联网诊疗以外的就医方式") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        facts = (("visit.type", "outpatient"), ("visit.emergency", "0"), ("visit.denied", "internet"))
        assert facts == finding.facts

    def test_the_flag_tells_whatever_the_type(self):
        """Also where the type is unknown or contradicted."""
        for changes in ({"type": None}, {"type": None, "type_conflict": True}, {"type": "inpatient"}):
            assert ((0,),) == said(verdict(an_encounter(internet=True, **changes), ONLINE))
            assert silent(verdict(an_encounter(internet=False, **changes), ONLINE))

    @pytest.mark.parametrize(
        "changes", [{"type": "inpatient"}, {"type": "pharmacy"}, {"type": "outpatient", "emergency": True}]
    )
    def test_nobody_is_in_a_ward_online(self, changes):
        """Without a flag these visits are known not to be online."""
        assert silent(verdict(an_encounter(internet=None, **changes), ONLINE))

    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "outpatient"},
            {"type": "outpatient", "emergency": None},
            {"type": None},
            {"type": "inpatient", "type_conflict": True},
        ],
    )
    def test_an_out_patient_visit_may_be_online(self, changes):
        """Without the flag it is not checked; silent where the row says that ordinary visits carry none."""
        encounter = an_encounter(internet=None, **changes)

        assert ((("visit.internet",), "missing", (0,)),) == unread(verdict(encounter, ONLINE))
        assert silent(verdict(encounter, UNMARKED))

    def test_what_is_sent_counts_though_it_is_optional(self):
        """Online is online."""
        assert ((0,),) == said(verdict(an_encounter(type="outpatient", internet=True), UNMARKED))

    def test_denied_types(self):
        """In-patients are denied; everybody else may, and the payment remedy is there."""
        rule = a_rule("visit_type_limit", allow="", deny="inpatient|emergency", name="健康体检")

        assert silent(verdict(an_encounter(type="outpatient"), rule))
        assert silent(verdict(an_encounter(type="pharmacy", emergency=None), rule))
        (finding,) = verdict(an_encounter(type="inpatient"), rule).findings
        words = "【健康体检】住院、急诊不得使用,本次为住院;请更换项目或改换就医方式,或经患者同意后自费。"
        assert words == finding.message
        (finding,) = verdict(an_encounter(type="outpatient", emergency=True), rule).findings
        assert "急诊" == finding.present

    def test_a_denied_emergency_is_an_out_patients(self):
        """Who came in through the emergency room is an in-patient; an unknown one decides."""
        rule = a_rule("visit_type_limit", allow="", deny="emergency")

        assert silent(verdict(an_encounter(type="inpatient", emergency=True), rule))
        encounter = an_encounter(type="outpatient", emergency=None)
        assert ((("visit.emergency",), "missing", (0,)),) == unread(verdict(encounter, rule))

    @pytest.mark.parametrize(("conflict", "reason"), [(True, "conflict"), (False, "missing")])
    def test_an_untold_type_is_not_checked(self, conflict, reason):
        """Whatever is optional."""
        rule = a_rule("visit_type_limit", allow="", deny="internet|inpatient", always_sent="false")
        encounter = an_encounter(type=None, type_conflict=conflict)

        assert ((("visit.type",), reason, (0,)),) == unread(verdict(encounter, rule))

    def test_the_first_fact_that_is_missing_is_named(self):
        """Online or in the emergency room: the flag is asked for first."""
        rule = a_rule("visit_type_limit", allow="", deny="internet|emergency")
        encounter = an_encounter(type="outpatient", emergency=None)

        assert ((("visit.internet",), "missing", (0,)),) == unread(verdict(encounter, rule))

    def test_an_allowing_row_of_another_scope_does_not_speak_of_payment(self):
        """A safety limit cannot be bought off."""
        rule = a_rule("visit_type_limit", allow="inpatient", scope="safety", name="全麻药")
        (finding,) = verdict(an_encounter(type="outpatient"), rule).findings

        assert "【全麻药】限住院使用,本次为门诊就诊;请更换项目。" == finding.message

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ({"allow": "", "deny": ""}, "either allow or deny"),
            ({"allow": "inpatient", "deny": "internet"}, "either allow or deny"),
            ({"allow": "", "deny": "pharmacy|inpatient|outpatient"}, "leaves no kind"),
        ],
    )
    def test_a_row_has_one_list_and_leaves_a_visit(self, columns, words):
        """Allowed or denied, and not everything denied."""
        with pytest.raises(ValueError, match=words):
            a_rule("visit_type_limit", **columns)
