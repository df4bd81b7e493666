"""Sex limit: the patient's sex against the one the item is for."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, said, silent, unread, verdict

FEMALE = a_rule("sex_limit", sex="female", scope="safety", certainty="suspicious", level="warn", name="子宫造影")


class TestSexLimit:
    def test_the_sex_allowed_is_silent(self):
        """Nothing is said of a patient of the sex the item is for."""
        assert silent(verdict(an_encounter(sex="female"), FEMALE))

    def test_the_other_sex_fires_once_for_all_lines(self):
        """Sex belongs to the patient: one finding names every line of the item."""
        found = verdict(an_encounter(a_line(), a_line("B01"), a_line()), FEMALE)

        assert ((0, 2),) == said(found)

    def test_the_message_says_limit_and_fact(self):
        """A doctor reads the item, the limit, the patient's sex and what to do."""
        (finding,) = verdict(an_encounter(), FEMALE).findings

        assert "【子宫造影】限女性使用,患者为男性,请核对患者性别或更换项目。" == finding.message
        assert ("限女性", "男性", "女性") == (finding.limit, finding.present, finding.allowed)
        assert (("patient.sex", "male"),) == finding.facts

    def test_an_unknown_sex_is_not_a_mismatch(self):
        """Sex 0 or 9 is no evidence either way (audit rules, section 7 point 5)."""
        found = verdict(an_encounter(sex=None), FEMALE)

        assert ((("patient.sex",), "missing", (0,)),) == unread(found)
        assert "indeterminate" == found.state

    @pytest.mark.parametrize(("scope", "fires"), [("payment", False), ("safety", True)])
    def test_self_pay_clears_payment_only(self, scope, fires):
        """The patient may pay for what the fund does not, but safety does not depend on who pays (ruling 1)."""
        rule = a_rule("sex_limit", sex="female", scope=scope)
        found = verdict(an_encounter(a_line(self_paid=True, consent=True)), rule)

        assert fires == bool(found.findings)

    def test_the_whole_line_is_at_stake(self):
        """The amount is each line's own."""
        (finding,) = verdict(an_encounter(a_line(amount=12_3400)), FEMALE).findings

        assert (12_3400,) == finding.amounts

    def test_the_amount_may_come_from_price_and_quantity(self):
        """A line without an amount is worth price times quantity."""
        (finding,) = verdict(an_encounter(a_line(quantity=2_5000, price=4_0000, amount=None)), FEMALE).findings

        assert (10_0000,) == finding.amounts

    def test_a_refund_is_never_at_fault(self):
        """Taking a charge back must not be stopped by the rule it broke."""
        assert silent(verdict(an_encounter(a_line(quantity=-1_0000)), FEMALE))
