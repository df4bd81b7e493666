"""Chronic-disease scope: items and departments for a visit settled under a disease (I3 to I7)."""

import pytest

from tests.builders import UNIT, a_line, a_rule, a_word, an_encounter, past, said, silent, unread, verdict

PRESSURE = {"items": "X*|Z*", "disease": "M03900", "disease_name": "高血压", "name": "高血压慢病用药"}
DRUGS = a_rule("chronic_disease_scope", **PRESSURE, allow_items="XC09*|XC08CA01?")
OPTIONAL = a_rule("chronic_disease_scope", **PRESSURE, allow_items="XC09*", always_sent="false")
CANCER = a_rule(
    "chronic_disease_scope",
    items="X*",
    disease="M005*|M00600",
    disease_name="恶性肿瘤",
    name="肿瘤门特",
    allow_items="",
    departments="肿瘤内科|血液内科",
)
BOTH = a_rule("chronic_disease_scope", **PRESSURE, allow_items="XC09*", departments="心血管内科")
WORDS = (a_word("department", "0301", "心血管内科"), a_word("department", "0401", "消化内科"))


def settled(*lines, disease="M03900", **changes):
    frame = {"type": "outpatient", "medical_type": "140104", "chronic_disease": disease}
    return an_encounter(*lines, **(frame | changes))


class TestItems:
    def test_what_belongs_to_the_disease_is_silent(self):
        """And what the row does not limit at all."""
        assert silent(verdict(settled(a_line("XC09A1"), a_line("002503020030000")), DRUGS))

    def test_what_does_not_belong_fires(self):
        """One finding names the items and the disease."""
        lines = (a_line("XA10B1", name="格列齐特片"), a_line("XC09A1"), a_line("ZA01", name="六味地黄丸"))
        (finding,) = verdict(settled(*lines), DRUGS).findings

        assert ("ITEM_OUTSIDE_DISEASE", (0, 2)) == (finding.code, finding.lines)
        words = (
            "【高血压慢病用药】格列齐特片、六味地黄丸不在高血压目录范围内,本次按该病种结算;"
            "请改用目录内项目,或改按普通门诊结算,或经患者同意后自费。"
        )
        assert words == finding.message
        assert ("限高血压目录范围", "格列齐特片、六味地黄丸", "目录内项目") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        assert (("visit.chronic_disease", "高血压"), ("line.item", "格列齐特片、六味地黄丸")) == finding.facts

    def test_many_items_are_named_in_part(self):
        """A bill of weeks: the first few, and how many there are."""
        lines = (a_line("XA10B1", name=name) for name in ("甲药", "乙药", "甲药", "丙药", "丁药"))
        (finding,) = verdict(settled(*lines), DRUGS).findings

        assert ((0, 1, 2, 3, 4), "甲药、乙药、丙药 等 4 项") == (finding.lines, finding.present)

    def test_items_stand_by_time_then_id(self):
        """Not by the places of the lines."""
        lines = (a_line("XA10B1", id=id, name=name) for id, name in (("b", "乙药"), ("a", "甲药")))
        (finding,) = verdict(settled(*lines), DRUGS).findings

        assert ((0, 1), "甲药、乙药") == (finding.lines, finding.present)

    def test_an_item_without_a_name_is_no_code(self):
        """The message does without."""
        (finding,) = verdict(settled(a_line("XA10B1")), DRUGS).findings

        assert "所列项目" == finding.present

    def test_an_ambiguous_item_is_not_checked(self):
        """Its family means several items; the others are judged."""
        found = verdict(settled(a_line("XC08CA01B"), a_line("XA10B1")), DRUGS)

        assert ((("line.item",), "ambiguous", (0,)),) == unread(found)
        assert ((1,),) == said(found)

    def test_only_what_is_ordered_now(self):
        """Known lines and reversals are none of its business."""
        lines = (past("2026-03-17", "XA10B1"), a_line("XA10B1", quantity=-UNIT), a_line("XC09A1"))

        assert silent(verdict(settled(*lines), DRUGS))

    def test_self_pay_clears_it(self):
        """The fund of the disease pays nothing then (ruling 1)."""
        assert silent(verdict(settled(a_line("XA10B1", self_paid=True)), DRUGS))


class TestSettlement:
    @pytest.mark.parametrize("disease", ["M01600", "", "M0390"])
    def test_another_disease_or_none_is_silent(self, disease):
        """The rule speaks for its own disease only; an empty code says that there is none."""
        assert silent(verdict(settled(a_line("XA10B1"), disease=disease), DRUGS))

    def test_the_code_tells_whatever_the_medical_type(self):
        """A visit with the disease is settled under it."""
        assert ((0,),) == said(verdict(settled(a_line("XA10B1"), medical_type=None), DRUGS))

    @pytest.mark.parametrize("medical_type", ["21", "14", None])
    def test_an_in_patient_is_settled_as_one(self, medical_type):
        """Some senders keep the diseases a person is entitled to on every visit."""
        stay = {"type": "inpatient", "medical_type": medical_type}

        assert silent(verdict(settled(a_line("XA10B1"), **stay), DRUGS))
        assert silent(verdict(settled(a_line("XA10B1"), disease=None, **stay), DRUGS))
        assert ((0,),) == said(verdict(settled(a_line("XA10B1"), type_conflict=True, **stay), DRUGS))

    @pytest.mark.parametrize("code", ["M00500", "M00503", "M00600"])
    def test_diseases_may_be_families(self, code):
        """M005*: all codes of malignant tumours."""
        encounter = settled(a_line("XL01", department="麻醉科"), disease=code)

        assert ((0,),) == said(verdict(encounter, CANCER))

    @pytest.mark.parametrize("medical_type", ["14", "140104", "140201"])
    @pytest.mark.parametrize("rule", [DRUGS, OPTIONAL])
    def test_a_chronic_visit_without_its_disease_is_not_checked(self, medical_type, rule):
        """门慢门特, but which disease?"""
        found = verdict(settled(a_line("XA10B1"), disease=None, medical_type=medical_type), rule)

        assert ((("visit.chronic_disease",), "missing", (0,)),) == unread(found)

    @pytest.mark.parametrize("medical_type", ["11", "13", "21", "1"])
    def test_another_medical_type_is_no_chronic_visit(self, medical_type):
        """What it says is enough."""
        assert silent(verdict(settled(a_line("XA10B1"), disease=None, medical_type=medical_type), DRUGS))

    @pytest.mark.parametrize("kind", ["outpatient", None])
    def test_a_visit_that_may_be_chronic_is_not_checked(self, kind):
        """Neither disease nor 医疗类别; silent where the row calls the disease optional."""
        encounter = settled(a_line("XA10B1"), disease=None, medical_type=None, type=kind)

        assert ((("visit.chronic_disease",), "missing", (0,)),) == unread(verdict(encounter, DRUGS))
        assert silent(verdict(encounter, OPTIONAL))

    @pytest.mark.parametrize("kind", ["inpatient", "pharmacy"])
    def test_others_than_out_patients_are_not_chronic_visits(self, kind):
        """Nothing is asked for there."""
        assert silent(verdict(settled(a_line("XA10B1"), disease=None, medical_type=None, type=kind), DRUGS))


class TestDepartments:
    def test_an_allowed_department_is_silent(self):
        """Any drug, since the row limits none."""
        assert silent(verdict(settled(a_line("XA01", department="血液内科"), disease="M00500"), CANCER))

    def test_another_department_fires(self):
        """The message names the disease, who may, and who did."""
        encounter = settled(a_line("XL01A1", name="卡培他滨片"), disease="M00503", department="麻醉科")
        (finding,) = verdict(encounter, CANCER).findings

        assert "DEPARTMENT_OUTSIDE_DISEASE" == finding.code
        words = (
            "【肿瘤门特】恶性肿瘤限肿瘤内科或血液内科开具,本次卡培他滨片的开单科室为麻醉科;"
            "请由肿瘤内科或血液内科开具,或改按普通门诊结算,或经患者同意后自费。"
        )
        assert words == finding.message
        assert ("恶性肿瘤限肿瘤内科或血液内科", "麻醉科", "肿瘤内科或血液内科") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        assert (("visit.chronic_disease", "恶性肿瘤"), ("line.department", "麻醉科")) == finding.facts

    def test_its_items_stand_by_time_then_id(self):
        """In the message of a department as well."""
        lines = (a_line("XL01", id=id, name=name, department="眼科") for id, name in (("b", "乙药"), ("a", "甲药")))
        (finding,) = verdict(settled(*lines, disease="M00600"), CANCER).findings

        assert "本次甲药、乙药的开单科室为眼科;" in finding.message

    def test_item_and_department_are_two_matters(self):
        """A drug of another disease ordered by another department breaks both limits."""
        lines = (
            a_line("XA10B1", department="0401"),
            a_line("XC09A1", department="0401"),
            a_line("XC09A1", department="0301"),
        )
        found = verdict(settled(*lines), BOTH, words=WORDS)

        assert {("ITEM_OUTSIDE_DISEASE", (0,)), ("DEPARTMENT_OUTSIDE_DISEASE", (0, 1))} == {
            (finding.code, finding.lines) for finding in found.findings
        }

    def test_an_unknown_department_is_not_checked(self):
        """Absent or unmapped; the items are judged all the same."""
        lines = (a_line("XC09A1", department="0999"), a_line("XA10B1"), a_line("XC09A2"))
        found = verdict(settled(*lines), BOTH, words=WORDS)

        missing = ((("line.department",), "missing", (1, 2)), (("line.department",), "unmapped", (0,)))
        assert missing == unread(found)
        assert ((1,),) == said(found)

    def test_departments_matter_only_for_the_disease(self):
        """Another settlement asks for none."""
        assert silent(verdict(settled(a_line("XA01"), disease="M03900"), CANCER))

    def test_a_row_names_a_disease(self):
        """A rule for no disease is a fault of the row."""
        with pytest.raises(ValueError, match="disease"):
            a_rule("chronic_disease_scope", disease="|")

    def test_a_row_limits_something(self):
        """Neither items nor departments is a fault of the row."""
        with pytest.raises(ValueError, match="allow_items, departments or both"):
            a_rule("chronic_disease_scope", allow_items="")
