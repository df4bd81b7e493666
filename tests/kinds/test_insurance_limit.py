"""Insurance limit: work injury and maternity (rulings 2 and 10)."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, icd, said, silent, unread, verdict

INJURY = a_rule("insurance_limit", insurance="work_injury", name="氢醌乳膏")
MATERNITY = a_rule("insurance_limit", insurance="maternity", name="地诺前列酮栓")


class TestWorkInjury:
    def test_a_work_injury_is_silent(self):
        """The site's own flag says that work-injury insurance pays."""
        assert silent(verdict(an_encounter(work_injury=True), INJURY))

    def test_any_other_visit_fires(self):
        """The message names the fund and the insurance of this visit."""
        (finding,) = verdict(an_encounter(), INJURY).findings

        words = "【氢醌乳膏】限工伤保险支付,本次就诊为职工基本医疗保险;请更换项目,或经患者同意后自费。"
        assert words == finding.message
        assert ("限工伤保险", "职工基本医疗保险", "工伤保险") == (finding.limit, finding.present, finding.allowed)
        assert (("visit.insurance", "310"),) == finding.facts

    @pytest.mark.parametrize(("insurance", "words"), [("999", "险种 999"), (None, "非工伤保险")])
    def test_an_insurance_without_a_name_is_called_by_its_code(self, insurance, words):
        """What the code list does not hold is shown as sent; nothing sent is only not this fund."""
        (finding,) = verdict(an_encounter(insurance=insurance), INJURY).findings

        assert words == finding.present

    def test_an_unmapped_site_is_not_checked(self):
        """No 险种 value says work injury; without the site's flag nothing is known (ruling 10)."""
        assert ((("visit.work_injury",), "missing", (0,)),) == unread(verdict(an_encounter(work_injury=None), INJURY))


class TestMaternity:
    @pytest.mark.parametrize("kind", ["51", "52", "53", "5201"])
    def test_maternity_visits_pass(self, kind):
        """med_type 51, 52 and 53 are maternity visits."""
        assert silent(verdict(an_encounter(medical_type=kind), MATERNITY))

    def test_maternity_insurance_passes(self):
        """insutype 510 is maternity insurance."""
        assert silent(verdict(an_encounter(insurance="510"), MATERNITY))

    @pytest.mark.parametrize("code", ["O00.100", "O99.800", "Z34.900", "Z39.200", "o80.000"])
    def test_obstetric_diagnoses_pass(self, code):
        """Births arrive as 310 or 390 since the funds merged; the diagnosis tells (ruling 10)."""
        assert silent(verdict(an_encounter(insurance="390", diagnoses=(icd(code),)), MATERNITY))

    @pytest.mark.parametrize("diagnosis", [icd("Z33.x00"), icd("N80.000")])
    def test_other_diagnoses_do_not(self, diagnosis):
        """Z33 and a gynaecological diagnosis are no maternity."""
        assert ((0,),) == said(verdict(an_encounter(diagnoses=(diagnosis,)), MATERNITY))

    def test_a_suspected_one_leaves_it_open(self):
        """疑似异位妊娠 is no evidence, and no evidence of the contrary either."""
        encounter = an_encounter(diagnoses=(icd("O00.900", name="疑似异位妊娠", suspected=True), icd("K35.900")))

        assert ((("diagnosis.suspected",), "missing", (0,)),) == unread(verdict(encounter, MATERNITY))

    @pytest.mark.parametrize("insurance", ["310", "390", "340", "999"])
    def test_another_insurance_fires(self, insurance):
        """Nothing says maternity: the rule speaks."""
        assert ((0,),) == said(verdict(an_encounter(insurance=insurance), MATERNITY))

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"insurance": None}, ("visit.insurance",)),
            ({"medical_type": None}, ("visit.medical_type",)),
            ({"insurance": None, "medical_type": None}, ("visit.insurance", "visit.medical_type")),
            ({"diagnoses": ()}, ("diagnoses",)),
            ({"insurance": None, "diagnoses": ()}, ("visit.insurance",)),
        ],
    )
    def test_what_could_still_say_maternity_must_be_known(self, changes, fields):
        """An absent field is not a no: the rule names it."""
        assert ((fields, "missing", (0,)),) == unread(verdict(an_encounter(**changes), MATERNITY))

    def test_an_unmapped_diagnosis_might_be_a_birth(self):
        """A local code is no evidence against maternity (ruling 4)."""
        found = verdict(an_encounter(diagnoses=(icd("I10.x00"), icd("XYZD018987"))), MATERNITY)

        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(found)


EMPLOYEES = a_rule("insurance_limit", insurance="310|340", name="特需检查")


class TestOtherInsurances:
    @pytest.mark.parametrize("insurance", ["310", "340"])
    def test_a_named_insurance_is_silent(self, insurance):
        """Any of those the row names."""
        assert silent(verdict(an_encounter(insurance=insurance), EMPLOYEES))

    @pytest.mark.parametrize("insurance", ["390", "31", "510"])
    def test_another_one_fires(self, insurance):
        """A code is a whole code, and maternity stands for itself."""
        assert ((0,),) == said(verdict(an_encounter(insurance=insurance), EMPLOYEES))

    def test_the_message_names_insurances(self):
        """By name, joined by 或."""
        (finding,) = verdict(an_encounter(insurance="390"), EMPLOYEES).findings

        words = (
            "【特需检查】限职工基本医疗保险或离休人员医疗保障支付,本次就诊为城乡居民基本医疗保险;"
            "请更换项目,或经患者同意后自费。"
        )
        assert words == finding.message
        assert "职工基本医疗保险或离休人员医疗保障" == finding.allowed

    @pytest.mark.parametrize("insurance", [None, ""])
    def test_an_unknown_insurance_is_not_checked(self, insurance):
        """Maternity by diagnosis does not help a limit by code."""
        encounter = an_encounter(insurance=insurance, diagnoses=(icd("O80.000"),))

        assert ((("visit.insurance",), "missing", (0,)),) == unread(verdict(encounter, EMPLOYEES))

    @pytest.mark.parametrize("cell", ["maternity|work_injury", "maternity|310", "31", "resident"])
    def test_a_row_names_one_fund_or_codes(self, cell):
        """Anything else is a fault of the row."""
        with pytest.raises(ValueError, match="codes of three digits"):
            a_rule("insurance_limit", insurance=cell)

    def test_a_row_names_something(self):
        """A limit to no insurance at all is a fault too."""
        with pytest.raises(ValueError, match="insurance"):
            a_rule("insurance_limit", insurance="|")


class TestWhoPays:
    def test_a_self_paid_line_is_cleared(self):
        """With the patient's consent the fund has nothing to say (ruling 1)."""
        assert silent(verdict(an_encounter(a_line(self_paid=True, consent=True)), MATERNITY))

    def test_self_pay_without_word_of_consent_is_cleared(self):
        """Most senders have no field for consent; its absence is no refusal."""
        assert silent(verdict(an_encounter(a_line(self_paid=True, consent=None)), MATERNITY))

    def test_self_pay_against_consent_keeps_speaking(self):
        """The patient did not sign: the charge may not be moved to them."""
        assert ((0,),) == said(verdict(an_encounter(a_line(self_paid=True, consent=False)), MATERNITY))

    def test_an_unknown_payer_is_at_most_a_warning(self):
        """All-zero amounts say nothing of who pays (ruling 2); known lines keep their level."""
        lines = (a_line(), a_line(self_paid=None))
        found = verdict(an_encounter(*lines), MATERNITY)

        assert [("block", (0,)), ("warn", (1,))] == [(finding.level, finding.lines) for finding in found.findings]
