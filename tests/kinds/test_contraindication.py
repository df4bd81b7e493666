"""Contraindication: a named diagnosis forbids the item; suspicion gives notice, the unread keeps it open."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, icd, said, silent, unread, verdict

ASPIRIN = a_rule(
    "contraindication", dx="K25*|K26.000|J45*", except_dx="K25.7*|J45.9*", dx_text="活动性溃疡、哮喘", name="阿司匹林"
)


def diagnosed(*diagnoses, rule=ASPIRIN):
    return verdict(an_encounter(diagnoses=diagnoses), rule)


class TestEvidence:
    @pytest.mark.parametrize("code", ["K25.400", "K26.000", "J45.002", "I10.x00+K25.000"])
    def test_a_named_diagnosis_fires(self, code):
        """Families and whole codes, one of a pair included."""
        (finding,) = diagnosed(icd(code)).findings

        assert ((0,), "block") == (finding.lines, finding.level)

    @pytest.mark.parametrize("code", ["K26.001", "K27.400", "K25.700", "J45.900"])
    def test_another_diagnosis_is_silent(self, code):
        """A neighbour, or one that the exception takes back (ruling 16)."""
        assert silent(diagnosed(icd(code)))

    def test_an_exception_does_not_clear_another_diagnosis(self):
        """Each code is judged by itself."""
        assert ((0,),) == said(diagnosed(icd("K25.700"), icd("K25.400")))

    def test_any_diagnosis_counts(self):
        """Main or not."""
        assert ((0,),) == said(diagnosed(icd("I10.x00", main=True), icd("K25.400", main=False)))

    def test_a_line_taken_back_is_not_at_fault(self):
        """Returned to the pharmacy, it is not used; nor is anything left to be judged."""
        gone = (a_line(id="X"), a_line(id="X", quantity=-1_0000))

        assert silent(verdict(an_encounter(*gone, diagnoses=(icd("K25.400"),)), ASPIRIN))
        assert silent(verdict(an_encounter(*gone, diagnoses=()), ASPIRIN))
        assert ((2,),) == said(verdict(an_encounter(*gone, a_line(), diagnoses=(icd("K25.400"),)), ASPIRIN))

    def test_every_line_is_named_once(self):
        """The diagnosis belongs to the visit."""
        assert ((0, 1),) == said(verdict(an_encounter(a_line(), a_line(), diagnoses=(icd("K25.400"),)), ASPIRIN))


class TestSuspicion:
    def test_a_suspected_diagnosis_gives_notice(self):
        """It is no evidence: info at most."""
        (finding,) = diagnosed(icd("K25.400", name="胃溃疡待查", suspected=True)).findings

        assert ("info", "胃溃疡待查") == (finding.level, finding.present)

    def test_evidence_beside_a_suspicion_speaks_at_full(self):
        """And names the evidence only."""
        (finding,) = diagnosed(icd("K25.400", name="甲", suspected=True), icd("K26.000", name="乙")).findings

        assert ("block", "乙") == (finding.level, finding.present)

    @pytest.mark.parametrize("changes", [{"system": "local"}, {"system": "tcm"}])
    def test_a_suspicion_in_another_system_says_nothing(self, changes):
        """Codes that are not ICD are never matched."""
        assert () == diagnosed(icd("I10.x00"), icd("K25.400", suspected=True, **changes)).findings

    def test_a_suspicion_of_something_else_is_silent(self):
        """The exception holds for suspicions too."""
        assert silent(diagnosed(icd("K25.700", suspected=True)))


class TestUnread:
    def test_an_unmapped_diagnosis_is_not_checked(self):
        """It may be the very contraindication."""
        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(diagnosed(icd("I10.x00"), icd("XYZD018987")))

    @pytest.mark.parametrize("diagnoses", [(), (icd("A17.07"),)])
    def test_without_any_icd_diagnosis_it_is_not_checked(self, diagnoses):
        """Before a diagnosis is entered nothing can be said."""
        assert ((("diagnoses",), "missing", (0,)),) == unread(diagnosed(*diagnoses))

    @pytest.mark.parametrize("suspected", [True, False])
    def test_what_is_found_speaks_beside_an_unread_one(self, suspected):
        """Presence needs nothing else."""
        found = diagnosed(icd("XYZD018987"), icd("K25.400", suspected=suspected))

        assert (((0,),), ()) == (said(found), unread(found))


class TestWords:
    def test_the_message_names_disease_and_diagnosis(self):
        """A doctor reads what is forbidden, what is there and what to do."""
        (finding,) = diagnosed(icd("K25.400", name="胃溃疡伴出血"), icd("J45.002", name="阿司匹林哮喘")).findings

        words = (
            "【阿司匹林】禁用于活动性溃疡、哮喘,当前诊断有胃溃疡伴出血、阿司匹林哮喘;请更换项目,或经评估后注明理由。"
        )
        assert words == finding.message
        assert ("禁用于活动性溃疡、哮喘", "无活动性溃疡、哮喘者") == (finding.limit, finding.allowed)

    def test_a_suspicion_asks_to_confirm(self):
        """A diagnosis without a name is called by the rule's words, never by its code."""
        (finding,) = diagnosed(icd("K25.400", name="", suspected=True)).findings

        words = "【阿司匹林】禁用于活动性溃疡、哮喘,当前诊断有活动性溃疡、哮喘;该诊断尚为疑似,请确认后再用。"
        assert words == finding.message
        assert ("suspected", "1") in finding.facts

    def test_evidence_says_so(self):
        """Facts tell evidence from suspicion; a nameless diagnosis is called by the rule's words."""
        (finding,) = diagnosed(icd("K25.400", name="")).findings

        assert (("diagnoses", "活动性溃疡、哮喘"), ("suspected", "0")) == finding.facts

    def test_self_pay_does_not_matter(self):
        """Safety does not depend on who pays (ruling 1)."""
        encounter = an_encounter(a_line(self_paid=True, consent=True), diagnoses=(icd("K25.400"),))

        assert ((0,),) == said(verdict(encounter, ASPIRIN))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"dx": ""}, "mark the row incomplete"),
        ({"dx_text": ""}, "mark the row incomplete"),
        ({"dx": "K25.7*", "except_dx": "K25*"}, "takes back"),
    ],
)
def test_a_row_without_a_condition_is_refused(columns, words):
    """Nothing to judge by, or all of it taken back."""
    with pytest.raises(ValueError, match=words):
        a_rule("contraindication", **columns)
