"""Change of insurance: what a visit was registered with and what insures it now."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, said, silent, unread, verdict

RULE = a_rule("insurance_change", items="", name="费别变更")
OPTIONAL = a_rule("insurance_change", items="", name="费别变更", always_sent="false")


ORDER = a_line("002101030300000")


class TestInsuranceChange:
    def test_the_same_insurance_is_silent(self):
        """Nothing changed."""
        assert silent(verdict(an_encounter(ORDER, insurance="310", insurance_before="310"), RULE))

    def test_a_change_fires_once_for_the_visit(self):
        """However many lines, and without blaming one of them."""
        encounter = an_encounter(ORDER, a_line("002101030280000"), insurance="310", insurance_before="390")
        (finding,) = verdict(encounter, RULE).findings

        words = (
            "【费别变更】本次就诊登记时为城乡居民基本医疗保险,现为职工基本医疗保险;"
            "请核对参保信息,已开医嘱按现费别重新审核。"
        )
        assert words == finding.message
        assert ((), ()) == (finding.lines, finding.amounts)
        assert ("登记时为城乡居民基本医疗保险", "职工基本医疗保险") == (finding.limit, finding.present)
        assert (("visit.insurance_before", "390"), ("visit.insurance", "310")) == finding.facts

    def test_an_encounter_without_orders_is_judged(self):
        """The visit is what changed."""
        known = a_line(current=False)

        assert ((),) == said(verdict(an_encounter(known, insurance="310", insurance_before="390"), RULE))

    def test_a_local_insurance_keeps_its_number(self):
        """Nobody here knows its name."""
        (finding,) = verdict(an_encounter(ORDER, insurance="91", insurance_before="310"), RULE).findings

        assert "险种 91" == finding.present

    @pytest.mark.parametrize("rule", [RULE, OPTIONAL])
    def test_an_unknown_present_insurance_is_not_checked(self, rule):
        """It may be the same."""
        found = verdict(an_encounter(ORDER, insurance=None, insurance_before="310"), rule)

        assert ((("visit.insurance",), "missing", ()),) == unread(found)

    @pytest.mark.parametrize("insurance", ["310", None])
    def test_an_unknown_former_insurance_is_not_checked(self, insurance):
        """Unless the row says that senders do not always keep it."""
        encounter = an_encounter(ORDER, insurance=insurance, insurance_before=None)

        assert ((("visit.insurance_before",), "missing", ()),) == unread(verdict(encounter, RULE))
        assert silent(verdict(encounter, OPTIONAL))

    def test_what_is_sent_counts_though_it_is_optional(self):
        """A change is a change."""
        assert ((),) == said(verdict(an_encounter(ORDER, insurance="310", insurance_before="390"), OPTIONAL))
