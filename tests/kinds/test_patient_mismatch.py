"""Patient mismatch: diagnoses and operations against sex and age, and mother and newborn on one record."""

from datetime import date

import pytest

from rules.model import Operation
from tests.builders import a_line, a_rule, an_encounter, at, icd, silent, unread, verdict

PROSTATE = a_rule("patient_mismatch", dx="N40*|C61*", sex="male", name="前列腺疾病")
DELIVERY = a_rule("patient_mismatch", dx="O*|C53*", sex="female", name="妊娠分娩")
RESECTION = a_rule("patient_mismatch", dx="", ops="60.2900", sex="male", name="经尿道前列腺切除术")
DIARRHOEA = a_rule("patient_mismatch", dx="A09.900X005", sex="", max_age="28d", name="新生儿腹泻")
MENOPAUSE = a_rule("patient_mismatch", dx="N95*", sex="", min_age="30y", name="绝经期疾病")
BAND = a_rule("patient_mismatch", dx="", ops="68.4*", sex="", min_age="12y", max_age="90y", name="子宫切除术")


NURSING = a_line("001201000030000", name="护理")


def of(rule, *diagnoses, **changes):
    return verdict(an_encounter(NURSING, diagnoses=diagnoses, **changes), rule)


def fires(found):
    return [finding.code for finding in found.findings]


def operation(code, name=""):
    return Operation(code=code, name=name)


class TestSex:
    def test_the_other_sex_fires_once_for_all_that_was_found(self):
        """One finding names every diagnosis, has no lines and no money."""
        given = (icd("N40.x00", name="前列腺增生"), icd("C61.x00", name="前列腺恶性肿瘤"), icd("I10.x00"))
        (finding,) = of(PROSTATE, *given, sex="female").findings

        assert "DIAGNOSIS_SEX_MISMATCH" == finding.code
        assert (
            "【前列腺疾病】仅见于男性,患者为女性(诊断:前列腺增生、前列腺恶性肿瘤);请核对诊断编码或患者性别。"
            == finding.message
        )
        assert ((), ()) == (finding.lines, finding.amounts)
        assert ("仅见于男性", "女性", "男性") == (finding.limit, finding.present, finding.allowed)
        assert (("patient.sex", "female"), ("found", "前列腺增生、前列腺恶性肿瘤")) == finding.facts
        assert "block" == finding.level

    @pytest.mark.parametrize(("rule", "code", "sex"), [(PROSTATE, "N40.x00", "male"), (DELIVERY, "C53.900", "female")])
    def test_the_same_sex_is_silent(self, rule, code, sex):
        """A disease of this patient's sex is no mismatch."""
        assert silent(of(rule, icd(code), sex=sex))

    def test_a_female_disease_on_a_man_fires(self):
        """It works both ways."""
        assert "【妊娠分娩】仅见于女性,患者为男性(诊断:C53.900)" in of(DELIVERY, icd("C53.900")).findings[0].message

    def test_an_operation_on_the_other_sex_fires(self):
        """Operations have their own code and wording."""
        given = an_encounter(sex="female", operations=(operation("60.2900", "经尿道前列腺切除术"),))
        (finding,) = verdict(given, RESECTION).findings

        assert "OPERATION_SEX_MISMATCH" == finding.code
        assert (
            "【经尿道前列腺切除术】仅见于男性,患者为女性(手术操作:经尿道前列腺切除术);请核对手术操作编码或患者性别。"
            == finding.message
        )

    def test_an_operation_on_the_same_sex_is_silent(self):
        """The operation fits."""
        assert silent(verdict(an_encounter(NURSING, sex="male", operations=(operation("60.2900"),)), RESECTION))

    def test_an_unknown_sex_is_not_checked(self):
        """0 and 9 are no mismatch (audit rules, section 7 point 5)."""
        found = of(PROSTATE, icd("N40.x00"), sex=None)

        assert ((("patient.sex",), "missing", ()),) == unread(found)

    @pytest.mark.parametrize("diagnosis", [icd("N40.x00", suspected=True), icd("I10.x00")])
    def test_a_suspected_diagnosis_says_nothing(self, diagnosis):
        """拟诊 is not yet a disease, and another disease is none of the rule's business."""
        assert silent(of(PROSTATE, diagnosis, sex="female"))

    def test_only_the_sure_one_of_two_is_named(self):
        """A suspected diagnosis beside a sure one stays out of the message."""
        given = (icd("N40.x00", name="前列腺增生"), icd("C61.x00", name="前列腺癌待排", suspected=True))

        assert "(诊断:前列腺增生)" in of(PROSTATE, *given, sex="female").findings[0].message


class TestMotherAndNewborn:
    @pytest.mark.parametrize(("kind", "gaps"), [("52", 1), ("21", 0)])
    def test_a_boys_disease_on_his_mothers_bill_is_not_checked(self, kind, gaps):
        """The boy's sex is not on a maternity visit; on any other visit it is a mismatch."""
        found = of(PROSTATE, icd("N40.x00"), sex="female", medical_type=kind)

        assert ((("patient.sex",), "conflict", ()),) * gaps == unread(found)
        assert 1 - gaps == len(found.findings)

    @pytest.mark.parametrize(("born", "fires"), [(date(2026, 2, 17), 0), (date(2026, 2, 16), 1)])
    def test_a_delivery_on_a_newborn_son_is_not_checked(self, born, fires):
        """Up to 28 days at admission the mother's diagnosis may stand on her son's record."""
        found = of(DELIVERY, icd("O80.000"), sex="male", birth_date=born)

        assert fires == len(found.findings)
        assert ((("patient.sex",), "conflict", ()),) * (1 - fires) == unread(found)

    def test_another_female_disease_on_a_newborn_son_fires(self):
        """Only what belongs to a birth can be the mother's."""
        given = (icd("C53.900"), icd("O80.000"))

        assert 1 == len(of(DELIVERY, *given, sex="male", birth_date=date(2026, 3, 10)).findings)

    def test_a_delivery_on_a_man_of_unknown_age_is_not_checked(self):
        """Without a birth date he may be the newborn."""
        found = of(DELIVERY, icd("O80.000"), sex="male", birth_date=None)

        assert ((("patient.birth_date",), "missing", ()),) == unread(found)

    @pytest.mark.parametrize(("birth", "judged"), [(date(2016, 3, 17), False), (date(2016, 3, 18), True)])
    def test_a_newborns_disease_on_the_mothers_bill_is_not_checked(self, birth, judged):
        """From ten years on, a woman on a maternity visit may be the mother."""
        found = of(DIARRHOEA, icd("A09.900x005"), sex="female", birth_date=birth, medical_type="52")

        assert judged == bool(found.findings)
        assert judged == (((("patient.birth_date",), "conflict", ()),) != unread(found))

    @pytest.mark.parametrize("changes", [{"sex": "male", "medical_type": "52"}, {"sex": "female"}])
    def test_no_man_is_a_mother_and_no_other_visit_a_birth(self, changes):
        """Both are needed to excuse an age."""
        assert 1 == len(of(DIARRHOEA, icd("A09.900x005"), **changes).findings)

    def test_a_mothers_own_lower_bound_is_judged(self):
        """A first age is hers, birth or not."""
        found = of(MENOPAUSE, icd("N95.100"), sex="female", medical_type="52", birth_date=date(2006, 1, 1))

        assert ["DIAGNOSIS_AGE_MISMATCH"] == fires(found)


class TestAge:
    @pytest.mark.parametrize(("birth", "count"), [(date(2026, 2, 17), 0), (date(2026, 2, 16), 1)])
    def test_the_last_age_is_counted_at_admission(self, birth, count):
        """28 days on the day of admission are inside, however long the stay lasts."""
        found = of(DIARRHOEA, icd("A09.900x005"), birth_date=birth)

        assert count == len(found.findings)

    def test_the_message(self):
        """It names the day on which the age was taken."""
        (finding,) = of(DIARRHOEA, icd("A09.900x005", name="新生儿腹泻"), birth_date=date(2026, 1, 17)).findings

        assert (
            "【新生儿腹泻】仅见于 28 天及以内患者,患者 2026-03-17 时为 2 个月(诊断:新生儿腹泻);"
            "请核对诊断编码或出生日期。" == finding.message
        )
        assert ("仅见于 28 天及以内患者", "2 个月", "28 天及以内") == (finding.limit, finding.present, finding.allowed)
        assert (("patient.age", "2 个月"), ("day", "2026-03-17"), ("found", "新生儿腹泻")) == finding.facts
        assert "block" == finding.level

    @pytest.mark.parametrize(("birth", "count"), [(date(1996, 3, 18), 0), (date(1996, 3, 19), 1)])
    def test_the_first_age_is_counted_today(self, birth, count):
        """Who turns 30 on the day of the message is old enough."""
        found = of(MENOPAUSE, icd("N95.100"), birth_date=birth)

        assert count == len(found.findings)
        assert all(
            "【绝经期疾病】仅见于 30 岁及以上患者,患者 2026-03-18 时为 29 岁" in f.message for f in found.findings
        )

    @pytest.mark.parametrize(
        ("birth", "count"),
        [(date(2014, 3, 18), 0), (date(2014, 3, 19), 1), (date(1935, 3, 18), 0), (date(1935, 3, 17), 1)],
    )
    def test_an_operation_has_both_ends(self, birth, count):
        """12 to 90 years: both belong to the band."""
        found = verdict(an_encounter(NURSING, birth_date=birth, operations=(operation("68.4100"),)), BAND)

        assert ["OPERATION_AGE_MISMATCH"] * count == fires(found)
        assert all("仅见于 12 岁至 90 岁患者" == finding.limit for finding in found.findings)

    def test_an_unknown_birth_date_is_not_checked(self):
        """Absent is not a mismatch."""
        found = of(DIARRHOEA, icd("A09.900x005"), birth_date=None)

        assert ((("patient.birth_date",), "missing", ()),) == unread(found)

    @pytest.mark.parametrize(("birth", "gaps"), [(date(2026, 3, 18), 0), (date(2026, 3, 19), 1)])
    def test_born_during_the_stay_or_after_it(self, birth, gaps):
        """Born after the admission is a newborn; born after the message is a conflict."""
        found = of(DIARRHOEA, icd("A09.900x005"), birth_date=birth)

        assert ((("patient.birth_date",), "conflict", ()),) * gaps == unread(found)
        assert () == found.findings

    def test_without_an_admission_the_message_counts(self):
        """An out-patient's age is taken today."""
        given = {"admitted": None, "type": "outpatient", "birth_date": date(2026, 2, 17)}

        assert ["DIAGNOSIS_AGE_MISMATCH"] == fires(of(DIARRHOEA, icd("A09.900x005"), **given))

    @pytest.mark.parametrize("kind", ["inpatient", None])
    def test_a_stay_of_unknown_begin_may_have_begun_young_enough(self, kind):
        """Who is still young enough was so at admission too; who is not may have grown out of it in hospital."""
        given = {"admitted": None, "type": kind}
        found = of(DIARRHOEA, icd("A09.900x005"), birth_date=date(2026, 2, 17), **given)

        assert ((("visit.admitted",), "missing", ()),) == unread(found)
        assert () == found.findings
        assert silent(of(DIARRHOEA, icd("A09.900x005"), birth_date=date(2026, 2, 18), **given))

    def test_a_first_age_needs_no_admission(self):
        """It is counted today."""
        found = of(MENOPAUSE, icd("N95.100"), admitted=None, birth_date=date(1996, 3, 19))

        assert ["DIAGNOSIS_AGE_MISMATCH"] == fires(found)

    def test_an_admission_that_is_yet_to_come_counts_today(self):
        """A planned admission cannot make the patient older."""
        given = {"admitted": at("2026-04-01"), "birth_date": date(2026, 2, 18)}

        assert silent(of(DIARRHOEA, icd("A09.900x005"), **given))


class TestPerinatal:
    def test_a_perinatal_disease_is_at_most_info(self):
        """P00-P96 after 28 days is no more than a remark (ruling 17)."""
        rule = a_rule("patient_mismatch", dx="P*", sex="", max_age="1m", name="围生期疾病")

        assert ["info"] == [finding.level for finding in of(rule, icd("P07.300")).findings]

    def test_beside_a_perinatal_disease_a_newborns_is_at_most_info(self):
        """Care of the premature goes on after 28 days."""
        given = (icd("A09.900x005"), icd("P07.300"))

        assert ["info"] == [finding.level for finding in of(DIARRHOEA, *given).findings]

    @pytest.mark.parametrize("other", [icd("P07.300", suspected=True), icd("PZ0001")])
    def test_only_a_sure_one(self, other):
        """A suspected diagnosis or a local code that begins with P is no evidence."""
        assert ["block"] == [finding.level for finding in of(DIARRHOEA, icd("A09.900x005"), other).findings]

    def test_a_band_in_years_is_not_the_newborns(self):
        """An infant's diarrhoea in an adult is a mismatch, perinatal history or not."""
        rule = a_rule("patient_mismatch", dx="A09.903", sex="", max_age="1y", name="婴儿腹泻")

        assert ["block"] == [finding.level for finding in of(rule, icd("A09.903"), icd("P07.300")).findings]


class TestColumns:
    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"ops": "60.2900"}, "name either dx or ops"),
            ({"dx": ""}, "name either dx or ops"),
            ({"sex": ""}, "give either sex or ages"),
            ({"max_age": "1y"}, "give either sex or ages"),
            ({"min_age": "1y"}, "give either sex or ages"),
            ({"sex": "", "min_age": "2y", "max_age": "23m"}, "min_age `2y` is above max_age `23m`"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, columns, message):
        """A row says one thing of one sort of patient."""
        with pytest.raises(ValueError, match=message):
            a_rule("patient_mismatch", **({"dx": "C61*", "sex": "male"} | columns))

    def test_a_band_of_one_age_is_allowed(self):
        """Both ends may be the same."""
        rule = a_rule("patient_mismatch", dx="C61*", sex="", min_age="5y", max_age="5y")

        assert rule.min_age == rule.max_age


def test_nothing_ordered_is_judged_all_the_same():
    """A self-paid line changes nothing: the record is wrong whoever pays (ruling 1)."""
    given = an_encounter(a_line(self_paid=True, consent=True), diagnoses=(icd("N40.x00"),), sex="female")

    assert ["DIAGNOSIS_SEX_MISMATCH"] == fires(verdict(given, PROSTATE))
