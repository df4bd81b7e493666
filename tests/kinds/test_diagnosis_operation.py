"""Diagnosis and operation: diagnoses that support, main diagnoses that do not fit, and those that cannot be read."""

import pytest

from rules.model import Operation
from tests.builders import a_line, a_rule, an_encounter, icd, silent, unread, verdict

NURSING = a_line("001201000030000", name="护理")
GALLBLADDER = a_rule("diagnosis_operation", name="胆囊切除术", ops="51.2*", dx="K80*|K81*", dx_text="胆囊疾病")
POLYP = a_rule(
    "diagnosis_operation", name="胃息肉切除术", ops="43.4105", dx="", forbid_dx="C16*|C15*", dx_text="恶性肿瘤"
)
EXCUSED = a_rule(
    "diagnosis_operation", name="胃息肉切除术", ops="43.4105", dx="K31.7*", forbid_dx="C16*", dx_text="恶性肿瘤"
)


def of(rule, *diagnoses, operation="51.2200", called="胆囊切除术"):
    done = (Operation(code=operation, name=called),)
    return verdict(an_encounter(NURSING, diagnoses=diagnoses, operations=done), rule)


def polyp(rule, *diagnoses):
    return of(rule, *diagnoses, operation="43.4105", called="内镜下胃息肉切除术")


class TestSupported:
    @pytest.mark.parametrize("code", ["K80.000", "K81.100"])
    def test_any_diagnosis_supports(self, code):
        """Main or not, beside others or an unmapped one."""
        assert silent(of(GALLBLADDER, icd("I10.x00", main=True), icd("XYZD018987"), icd(code, main=False)))

    def test_none_fires(self):
        """The finding names the operation, the diagnoses and what is needed; it has no lines."""
        (finding,) = of(GALLBLADDER, icd("I10.x00", name="高血压"), icd("E11.900", name="糖尿病")).findings

        assert "OPERATION_WITHOUT_DIAGNOSIS" == finding.code
        assert (
            "【胆囊切除术】应有胆囊疾病的诊断:当前诊断为高血压、糖尿病,手术操作为胆囊切除术;请核对诊断与手术操作编码。"
            == finding.message
        )
        assert ((), "应有胆囊疾病的诊断") == (finding.lines, finding.limit)
        assert ("高血压、糖尿病", "胆囊疾病") == (finding.present, finding.allowed)
        assert (("operations", "胆囊切除术"), ("diagnoses", "高血压、糖尿病")) == finding.facts

    def test_a_suspected_diagnosis_supports_too(self):
        """Operations are done on a suspicion; nothing is missing from the record then."""
        assert silent(of(GALLBLADDER, icd("K80.000", suspected=True)))
        assert 1 == len(of(GALLBLADDER, icd("K80", system="tcm"), icd("I10.x00")).findings)

    def test_many_diagnoses_are_cut_short(self):
        """A message lists five names, each once."""
        given = [icd(f"I1{number}.900", name=f"病{number}") for number in (0, 0, 1, 2, 3, 5)]

        assert "当前诊断为病0、病1、病2、病3、病5,手术操作" in of(GALLBLADDER, *given).findings[0].message
        assert "病5 等,手术操作" in of(GALLBLADDER, *given, icd("I20.000", name="病6")).findings[0].message

    def test_an_unmapped_diagnosis_is_not_checked(self):
        """A local code may be the very one (ruling 4)."""
        found = of(GALLBLADDER, icd("I10.x00"), icd("XYZD018987"))

        assert ((("diagnosis.code",), "unmapped", ()),) == unread(found)
        assert () == found.findings

    def test_no_diagnosis_is_not_checked(self):
        """Diagnoses may come later."""
        assert ((("diagnoses",), "missing", ()),) == unread(of(GALLBLADDER))

    def test_another_operation_is_none_of_its_business(self):
        """Only its own operations bring the rule up."""
        assert silent(of(GALLBLADDER, icd("I10.x00"), operation="52.0100"))


class TestAgainst:
    def test_the_main_diagnosis_does_not_fit(self):
        """The finding names the main diagnosis only."""
        given = (icd("C16.000", name="贲门恶性肿瘤", main=True), icd("I10.x00", name="高血压"))
        (finding,) = polyp(POLYP, *given).findings

        assert "OPERATION_AGAINST_DIAGNOSIS" == finding.code
        assert (
            "【胃息肉切除术】主要诊断不应为恶性肿瘤:主要诊断为贲门恶性肿瘤,手术操作为内镜下胃息肉切除术;"
            "请核对诊断与手术操作编码。" == finding.message
        )
        assert ("主要诊断不应为恶性肿瘤", "恶性肿瘤以外的诊断") == (finding.limit, finding.allowed)

    def test_a_secondary_one_may_be_anything(self):
        """Only the main diagnosis is judged; an unmapped one beside it changes nothing."""
        given = (icd("K31.700", main=True), icd("C16.000", main=False), icd("XYZD018987"))

        assert silent(polyp(POLYP, *given))

    def test_the_only_diagnosis_is_the_main_one(self):
        """One diagnosis needs no flag, and a TCM one beside it is never the main one."""
        assert 1 == len(polyp(POLYP, icd("C16.000"), icd("A17.07", main=True)).findings)
        assert silent(polyp(POLYP, icd("K31.700")))

    def test_several_without_a_flag_are_not_checked(self):
        """Nobody knows which is the main one."""
        found = polyp(POLYP, icd("C16.000"), icd("I10.x00"))

        assert ((("diagnosis.main",), "missing", ()),) == unread(found)

    def test_without_a_diagnosis_it_does_not_fit_none_need_be_the_main_one(self):
        """Whichever of them it is, it fits; an unmapped one may be neither."""
        assert silent(polyp(POLYP, icd("K31.700"), icd("I10.x00")))
        assert silent(polyp(POLYP, icd("K31.700", suspected=True), icd("I10.x00")))
        found = polyp(POLYP, icd("K31.700"), icd("XYZD018987"))

        assert ((("diagnosis.code",), "unmapped", ()),) == unread(found)

    def test_a_suspected_diagnosis_excuses_too(self):
        """The tumour is settled, the polyp suspected: reason enough to operate."""
        assert silent(polyp(EXCUSED, icd("C16.000", main=True), icd("K31.700", suspected=True)))

    def test_a_suspected_main_diagnosis_is_not_checked(self):
        """The main diagnosis is not settled, and no other stands in for it."""
        for given in ((icd("C16.000", main=True, suspected=True), icd("I10.x00")), (icd("C16.000", suspected=True),)):
            found = polyp(POLYP, *given)

            assert ((("diagnosis.main",), "missing", ()),) == unread(found)

    @pytest.mark.parametrize(
        ("given", "field", "reason"),
        [
            ((icd("XYZD018987", main=True), icd("C16.000")), "diagnosis.code", "unmapped"),
            ((), "diagnoses", "missing"),
            ((icd("A17.07"),), "diagnoses", "missing"),
        ],
    )
    def test_an_unread_main_diagnosis_is_not_checked(self, given, field, reason):
        """A local main diagnosis, or none in ICD at all."""
        assert (((field,), reason, ()),) == unread(polyp(POLYP, *given))

    def test_a_supporting_diagnosis_excuses(self):
        """A polyp beside the tumour is reason enough."""
        assert silent(polyp(EXCUSED, icd("C16.000", main=True), icd("K31.700")))
        assert 1 == len(polyp(EXCUSED, icd("C16.000", main=True), icd("I10.x00")).findings)

    @pytest.mark.parametrize(("rule", "gaps"), [(EXCUSED, 1), (POLYP, 0)])
    def test_an_unmapped_diagnosis_may_excuse(self, rule, gaps):
        """Only where something could excuse is an unmapped diagnosis a reason not to speak."""
        found = polyp(rule, icd("C16.000", main=True), icd("XYZD018987"))

        assert ((("diagnosis.code",), "unmapped", ()),) * gaps == unread(found)
        assert 1 - gaps == len(found.findings)

    def test_a_fitting_main_diagnosis_needs_no_excuse(self):
        """An unmapped diagnosis beside a main one that fits changes nothing."""
        assert silent(polyp(EXCUSED, icd("K29.500", main=True), icd("XYZD018987")))

    def test_a_pair_of_cause_and_manifestation_counts_with_both(self):
        """Each code of a joined pair is judged."""
        assert 1 == len(polyp(POLYP, icd("I10.x00+C16.000", main=True)).findings)


@pytest.mark.parametrize("columns", [{"dx": ""}, {"dx_text": ""}, {"dx": "", "forbid_dx": "C16*", "dx_text": ""}])
def test_an_active_row_needs_a_condition(columns):
    """Without diagnoses or words there is nothing to judge or to say; an incomplete row may lack both."""
    with pytest.raises(ValueError, match="an active row names dx or forbid_dx, and dx_text"):
        a_rule("diagnosis_operation", **columns)
    a_rule("diagnosis_operation", status="incomplete", **columns)
