"""Indication: diagnoses that support an item, and diagnoses that cannot be read (ruling 4)."""

import pytest

from rules.patterns import matches
from tests.builders import a_line, a_rule, an_encounter, icd, said, silent, unread, verdict

REFLUX = a_rule("indication", dx="K20*|K21*|K22.100", dx_text="胃食管反流病", name="奥美拉唑")


def diagnosed(*diagnoses):
    return verdict(an_encounter(diagnoses=diagnoses), REFLUX)


class TestEvidence:
    @pytest.mark.parametrize("code", ["K20.x00", "K21.900", "K219", "k21.001", "K22.100"])
    def test_a_named_diagnosis_is_silent(self, code):
        """A prefix names all that is under it; the code's writing does not matter."""
        assert silent(diagnosed(icd(code)))

    def test_any_diagnosis_may_support_it(self):
        """All diagnoses count, not only the main one."""
        assert silent(diagnosed(icd("I10.x00", main=True), icd("E11.900"), icd("K21.900", main=False)))

    def test_evidence_stands_beside_an_unmapped_diagnosis(self):
        """One known diagnosis is enough; what else there is need not be read."""
        assert silent(diagnosed(icd("XYZD018987"), icd("K21.900")))

    @pytest.mark.parametrize("code", ["K22.101", "K29.700", "K2"])
    def test_another_diagnosis_fires(self, code):
        """A neighbouring code is another disease."""
        assert bool(diagnosed(icd(code, system="icd")).findings)

    def test_a_suspected_diagnosis_is_no_evidence(self):
        """拟诊 and 待查 do not support an indication (audit rules, section 7 point 7)."""
        assert ((0,),) == said(diagnosed(icd("K21.900", suspected=True)))

    def test_a_cause_and_its_manifestation_both_count(self):
        """A pair joined by + vouches for each of its codes."""
        assert silent(diagnosed(icd("E11.200x011+K21.900")))


class TestUnread:
    def test_an_unmapped_diagnosis_is_not_checked(self):
        """A local code may be the very indication: not checked, never fired."""
        found = diagnosed(icd("I10.x00"), icd("XYZD018987"))

        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(found)
        assert () == found.findings

    def test_a_diagnosis_without_a_code_is_unmapped(self):
        """A name alone is not read."""
        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(diagnosed(icd("I10.x00"), icd("", name="反流")))

    @pytest.mark.parametrize("code", ["A17.07", "B04.06.01", "BNX010"])
    def test_a_tcm_code_alone_is_no_diagnosis(self, code):
        """TCM diagnoses say nothing of ICD: without an ICD diagnosis the rule is not checked."""
        assert ((("diagnoses",), "missing", (0,)),) == unread(diagnosed(icd(code)))

    @pytest.mark.parametrize("code", ["A17.07", "A1707"])
    def test_a_tcm_code_is_never_matched_as_icd(self, code):
        """眩晕病 (A17.07) is not tuberculosis of the nervous system (A17)."""
        rule = a_rule("indication", dx="A17*", dx_text="神经系统结核")
        encounter = an_encounter(diagnoses=(icd("I10.x00"), icd(code)))

        assert ((0,),) == said(verdict(encounter, rule))

    def test_no_diagnosis_at_all_is_not_checked(self):
        """Before a diagnosis is entered nothing can be said."""
        assert ((("diagnoses",), "missing", (0,)),) == unread(diagnosed())


class TestWords:
    def test_the_message_names_the_limit_and_the_diagnoses(self):
        """A doctor reads what is wanted, what is there, and the three ways out."""
        (finding,) = diagnosed(icd("I10.x00", name="高血压"), icd("E11.900", name="2型糖尿病")).findings

        words = "【奥美拉唑】限胃食管反流病,当前诊断(高血压、2型糖尿病)未见;确有该病请补录诊断,否则更换项目或自费。"
        assert words == finding.message
        assert "胃食管反流病" == finding.allowed
        assert (("diagnoses", "高血压、2型糖尿病"),) == finding.facts

    def test_a_long_list_is_cut(self):
        """Five names are enough to recognise the visit; five alone are all there are."""
        found = [icd(f"I{number}.x00", name=f"病{number}") for number in range(10, 17)]
        (longer,) = diagnosed(*found).findings
        (five,) = diagnosed(*found[:5]).findings

        assert "病10、病11、病12、病13、病14 等" == longer.present
        assert "病10、病11、病12、病13、病14" == five.present

    def test_self_pay_clears_payment_only(self):
        """A payment limit leaves self-paid lines alone; a safety row does not (ruling 1)."""
        encounter = an_encounter(a_line(self_paid=True, consent=True))

        assert silent(verdict(encounter, REFLUX))
        assert ((0,),) == said(verdict(encounter, a_rule("indication", scope="safety")))

    def test_an_active_row_has_a_condition(self):
        """A limit that cannot be written in codes is listed as incomplete, never evaluated."""
        with pytest.raises(ValueError, match="mark the row incomplete"):
            a_rule("indication", dx="")


@pytest.mark.parametrize("code", ["I63.900", "I64", "I6", "E11.9", "E11.900", "E1", "", "G45.900", "G45.9"])
def test_the_quick_look_agrees_with_the_patterns(code):
    """Families at once and exact codes by hash say what matching every pattern says."""
    rule = a_rule("indication", dx="I63*|I64*|E11.9|G45.900", dx_text="脑梗死")

    assert (matches(rule.dx, code) == "yes") == rule.supports(code)
