"""Principal diagnosis: what may not be one, what speaks against the choice, when and to whom, and what is not known."""

import pytest

from tests.builders import a_rule, icd, replace, silent, unread
from tests.kinds.dip_facts import OVER, a_patient, a_result, a_sign, lost, told

RULE = a_rule("dip_principal", name="主诊断核对")
FAINT = icd("R55.x00", name="晕厥")
FALL = icd("W19.x00", name="跌倒")
SYMPTOM = a_sign(
    "principal",
    "symptom_as_principal",
    message="主要诊断【R55.x00】是症状或体征,而已记录疾病诊断【I49.500】。请核对主要诊断的选择。",
    evidence=("R55.x00", "I49.500"),
)


def refused(reason, *diagnoses, **changes):
    """Return what is said of a stay that cannot be grouped for this reason."""
    given = a_patient(diagnoses=diagnoses or (FALL,), **changes)
    return told(RULE, lost(reason), encounter=given)


class TestRefused:
    def test_it_may_not_be_principal(self):
        """The diagnosis by name and code, and what to do."""
        (finding,) = refused("principal_diagnosis_not_allowed").findings

        assert "PRINCIPAL_NOT_ALLOWED" == finding.code
        assert (
            "【主诊断核对】主要诊断 跌倒(W19.X00) 不能作主要诊断,本次住院不能入组;请核对主要诊断的选择与编码。"
            == finding.message
        )
        assert ((), "主要诊断可入组且选择恰当") == (finding.lines, finding.limit)
        assert ("主要诊断 跌倒(W19.X00) 不能作主要诊断", "与病历一致的编码") == (finding.present, finding.allowed)
        assert (("diagnosis", "跌倒(W19.X00)"), ("reason", "principal_diagnosis_not_allowed")) == finding.facts

    @pytest.mark.parametrize(
        ("reason", "code", "words"),
        [
            ("sex_conflict", "PRINCIPAL_SEX_CONFLICT", "与患者性别不符"),
            ("diagnosis_not_in_table", "PRINCIPAL_NOT_IN_TABLE", "不在病种方案的诊断编码库中"),
        ],
    )
    def test_other_reasons(self, reason, code, words):
        """Each under its own code."""
        (finding,) = refused(reason).findings

        assert (code, True) == (finding.code, f"主要诊断 跌倒(W19.X00) {words},本次" in finding.message)

    @pytest.mark.parametrize(
        ("diagnoses", "named"),
        [
            ((FAINT, FALL), "晕厥(R55.X00)"),
            ((FAINT, replace(FALL, main=True)), "跌倒(W19.X00)"),
            ((icd("A17.07", system="tcm"), FALL), "跌倒(W19.X00)"),
            ((icd("W19.x00", name=""),), "W19.X00"),
            ((icd("W19.x00", name="W19.X00"),), "W19.X00"),
        ],
    )
    def test_which_one_is_named(self, diagnoses, named):
        """The flagged one, else the first that is not TCM; by code alone where it has no name."""
        (finding,) = refused("principal_diagnosis_not_allowed", *diagnoses).findings

        assert named == dict(finding.facts)["diagnosis"]

    @pytest.mark.parametrize("reason", ["no_group", "rows_tie", "age_missing", "principal"])
    def test_reasons_that_are_no_fault_of_it(self, reason):
        """The directory has no group, or something else is missing."""
        assert () == refused(reason, weight_g=3_000).findings

    def test_a_group_with_a_reason(self):
        """What makes a group uncertain may be told with it."""
        found = told(RULE, a_result(lost("sex_conflict").now), encounter=a_patient(diagnoses=(FALL,)))

        assert ["PRINCIPAL_SEX_CONFLICT"] == [finding.code for finding in found.findings]


class TestSigns:
    def test_a_sign(self):
        """As the engine words it."""
        (finding,) = told(RULE, a_result(), SYMPTOM).findings

        assert "PRINCIPAL_SYMPTOM" == finding.code
        assert (
            "【主诊断核对】预估病种 K80.1 胆囊结石:主要诊断【R55.x00】是症状或体征,而已记录疾病诊断【I49.500】。"
            "请核对主要诊断的选择。" == finding.message
        )
        assert ("主要诊断可入组且选择恰当", ()) == (finding.limit, finding.lines)

    @pytest.mark.parametrize(
        ("sign", "code"),
        [
            ("symptom_as_principal", "PRINCIPAL_SYMPTOM"),
            ("history_as_principal", "PRINCIPAL_HISTORY"),
            ("principal_arose_in_hospital", "PRINCIPAL_AROSE_IN_HOSPITAL"),
            ("operation_of_other_diagnosis", "PRINCIPAL_OPERATION_MISMATCH"),
            ("another", "PRINCIPAL_QUESTIONABLE"),
        ],
    )
    def test_codes(self, sign, code):
        """Each under the code that belongs to it; other sorts are not of this kind."""
        found = told(RULE, a_result(), a_sign("principal", sign), a_sign("upcoding"), a_sign("downcoding"))

        assert [code] == [finding.code for finding in found.findings]

    def test_a_refusal_is_said_once(self):
        """The sign of it says nothing new; another one does."""
        signs = (a_sign("upcoding", "excluded_principal"), a_sign("principal", "excluded_principal"), SYMPTOM)
        result = lost("principal_diagnosis_not_allowed")
        found = told(RULE, result, *signs, encounter=a_patient(diagnoses=(FAINT,)))

        assert ["PRINCIPAL_NOT_ALLOWED", "PRINCIPAL_SYMPTOM"] == sorted(finding.code for finding in found.findings)


class TestWhen:
    @pytest.mark.parametrize(
        ("role", "doctor_level", "changes", "levels"),
        [
            ("doctor", "", {}, []),
            ("doctor", "info", {}, ["info", "info"]),
            ("doctor", "", OVER, ["silent", "silent"]),
            ("coder", "", {}, ["warn", "warn"]),
            ("insurance_office", "", OVER, ["warn", "warn"]),
        ],
    )
    def test_when_and_to_whom(self, role, doctor_level, changes, levels):
        """Refusals and signs alike: coders at any time, the rest silently at the end."""
        rule = a_rule("dip_principal", doctor_level=doctor_level)
        given = a_patient(diagnoses=(FALL,), **changes)
        found = told(rule, lost("sex_conflict"), SYMPTOM, encounter=given, role=role)

        assert levels == [finding.level for finding in found.findings]
        assert () == found.not_checked

    def test_silent(self):
        """No fact, nothing odd, or not paid by DIP."""
        assert silent(told(RULE, None))
        assert silent(told(RULE, a_result()))
        assert silent(told(RULE, replace(lost("sex_conflict"), eligible=False), SYMPTOM))


class TestNotChecked:
    def test_no_diagnosis(self):
        """There is none to judge."""
        found = told(RULE, lost("missing_principal_diagnosis"), encounter=a_patient(diagnoses=()))

        assert ((("diagnoses",), "missing", ()),) == unread(found)

    def test_a_code_of_the_hospitals_own(self):
        """It is not mapped; that does not make it wrong."""
        found = refused("diagnosis_not_in_table", icd("XYZD01"))

        assert ((("diagnosis.code",), "unmapped", ()),) == unread(found)
        assert () == found.findings

    def test_a_refusal_of_nobody_knows_what(self):
        """The message has no diagnosis with a code: there is nothing to name."""
        assert silent(refused("sex_conflict", icd("", system="icd")))

    @pytest.mark.parametrize("result", [lost("sex_conflict"), a_result()])
    def test_whether_dip_pays(self, result):
        """Asked once, where something would be said."""
        unknown = replace(result, eligible=None)
        given = a_patient(diagnoses=(FALL,))

        assert ((("visit.out_of_area",), "missing", ()),) == unread(told(RULE, unknown, SYMPTOM, encounter=given))
        assert () == told(RULE, unknown, SYMPTOM, encounter=given).findings
        assert silent(told(RULE, replace(a_result(), eligible=None), encounter=given))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"level": "block"}, "never blocks"),
        ({"reason": "true"}, "never asks for a reason"),
        ({"certainty": "violation"}, "suspicious or notice"),
    ],
)
def test_columns(columns, message):
    """A question is no verdict."""
    with pytest.raises(ValueError, match=message):
        a_rule("dip_principal", **columns)
