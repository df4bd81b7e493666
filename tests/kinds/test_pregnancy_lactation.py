"""Pregnancy and lactation: flags, diagnoses, who may be pregnant at all, and what is normal care."""

from datetime import date

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, icd, said, silent, unread, verdict

PREGNANT = a_rule("pregnancy_lactation", name="醋酸阿比特龙片")
LACTATING = a_rule("pregnancy_lactation", state="lactating", name="某药")
BOTH = a_rule("pregnancy_lactation", state="both", name="某药")
ALLOWED = a_rule("pregnancy_lactation", allowed_dx="O14*", name="硝苯地平控释片")

NOTHING = icd("Z00.000", name="健康查体")


def woman(rule=PREGNANT, *, birth="1996-03-18", dx=(), lines=(), **changes):
    given = {"sex": "female", "birth_date": date.fromisoformat(birth) if birth else None}
    return verdict(an_encounter(*lines, diagnoses=(NOTHING, *dx), **(given | changes)), rule)


class TestFlags:
    def test_a_pregnant_woman(self):
        """Her flag is enough."""
        (finding,) = woman(pregnant=True).findings

        words = "【醋酸阿比特龙片】妊娠期禁用,患者处于妊娠期(妊娠标志);请更换药品或确认利大于弊。"
        assert words == finding.message
        assert ("warn", (0,)) == (finding.level, finding.lines)

    def test_a_lactating_woman(self):
        """For what must not be used then."""
        (finding,) = woman(LACTATING, lactating=True).findings

        words = "【某药】哺乳期禁用,患者处于哺乳期(哺乳标志);请更换药品或确认利大于弊。"
        assert words == finding.message

    def test_the_other_state_is_silent(self):
        """Each rule has its own."""
        assert silent(woman(pregnant=False, lactating=True))
        assert silent(woman(LACTATING, pregnant=True, lactating=False))

    def test_both_means_either(self):
        """And both must be known to be absent."""
        assert "妊娠期和哺乳期禁用,患者处于妊娠期(" in woman(BOTH, pregnant=True).findings[0].message
        assert "妊娠期和哺乳期禁用,患者处于哺乳期(" in woman(BOTH, lactating=True).findings[0].message
        assert silent(woman(BOTH, pregnant=False, lactating=False))
        assert ((("patient.lactating",), "missing", (0,)),) == unread(woman(BOTH, pregnant=False))
        assert ((("patient.pregnant",), "missing", (0,)),) == unread(woman(BOTH, lactating=False))
        assert ((("patient.pregnant", "patient.lactating"), "missing", (0,)),) == unread(woman(BOTH))

    def test_a_man_is_silent_and_a_pregnant_man_a_conflict(self):
        """One of the two facts is wrong."""
        assert silent(woman(sex="male"))
        assert silent(woman(sex="male", pregnant=False, lactating=False, dx=(icd("O14.900"),)))
        assert ((("patient.sex", "patient.pregnant"), "conflict", (0,)),) == unread(woman(sex="male", pregnant=True))
        found = woman(sex="male", lactating=True)
        assert ((("patient.sex", "patient.lactating"), "conflict", (0,)),) == unread(found)


class TestDiagnoses:
    @pytest.mark.parametrize("code", ["O09.900", "O14.900", "O26.900", "O60.000", "O88.100", "O99.800"])
    def test_obstetric_diagnoses_speak_of_pregnancy(self, code):
        """Ruling 8, whatever the flag says."""
        assert ((0,),) == said(woman(dx=(icd(code, name="妊娠"),)))
        assert ((0,),) == said(woman(dx=(icd(code, name="妊娠"),), pregnant=False))

    @pytest.mark.parametrize("code", ["Z33.x00", "Z34.900", "Z35.900", "Z36.900"])
    def test_supervision_does_too(self, code):
        """Z33-Z36, and not what stands beside them."""
        assert ((0,),) == said(woman(dx=(icd(code),)))
        assert silent(woman(dx=(icd("Z32.000"), icd("Z40.000"), icd("N80.900")), pregnant=False))

    def test_the_diagnosis_is_named(self):
        """As the doctor wrote it; without a name by its code."""
        (named,) = woman(dx=(icd("O14.900", name="子痫前期"),)).findings
        (bare,) = woman(dx=(icd("O14.900", name=""),)).findings

        assert "患者处于妊娠期(诊断子痫前期);" in named.message
        assert "患者处于妊娠期(诊断O14.900);" in bare.message
        assert (("patient.pregnant", "诊断子痫前期"),) == named.facts

    def test_the_first_of_several_is_named(self):
        """In the order of the message."""
        several = (icd("O14.900", name="子痫前期"), icd("O26.900", name="妊娠"))
        after = (icd("O80.000", name="顺产"), icd("Z37.000", name="单胎活产"))

        assert "(诊断子痫前期)" in woman(dx=several).findings[0].message
        assert "(诊断顺产)" in woman(LACTATING, dx=after).findings[0].message

    @pytest.mark.parametrize(
        "code",
        [
            "O70.100",
            "O72.100",
            "O73.000",
            "O80.000",
            "O84.900",
            "O85.x00",
            "O87.900",
            "O89.900",
            "O92.700",
            "Z37.000",
            "Z39.100",
        ],
    )
    def test_after_delivery_it_is_lactation(self, code):
        """The pregnancy is over, whatever flag or diagnosis is left from before."""
        delivered = (icd(code), icd("O14.900"))

        assert silent(woman(dx=delivered, pregnant=True))
        assert ((0,),) == said(woman(LACTATING, dx=delivered))
        assert ((0,),) == said(woman(LACTATING, dx=delivered, lactating=False))

    @pytest.mark.parametrize("code", ["O00.100", "O03.900", "O08.900"])
    def test_of_a_pregnancy_that_ended_early_little_is_said(self, code):
        """There is no child to protect; beside another pregnancy diagnosis there may be."""
        assert ["info"] == [finding.level for finding in woman(dx=(icd(code),)).findings]
        assert ["info"] == [finding.level for finding in woman(dx=(icd(code),), pregnant=True).findings]
        assert ["warn"] == [finding.level for finding in woman(dx=(icd(code), icd("O20.000"))).findings]

    def test_a_pregnancy_that_ended_is_not_called_one(self):
        """The words say what the diagnosis does."""
        (finding,) = woman(dx=(icd("O03.900", name="自然流产"),)).findings

        assert "患者处于妊娠早期终止前后(诊断自然流产);" in finding.message

    def test_after_effects_tell_nothing_of_today(self):
        """O94 speaks of a pregnancy long over."""
        assert silent(woman(dx=(icd("O94.x00"),), pregnant=False))
        assert ["info"] == [finding.level for finding in woman(dx=(icd("O94.x00"), icd("O03.900"))).findings]

    def test_a_suspected_pregnancy_is_no_evidence(self):
        """It leaves the state unknown."""
        found = woman(dx=(icd("O14.900", suspected=True),))

        assert ((("patient.pregnant",), "missing", (0,)),) == unread(found)

    def test_a_newborns_own_record_speaks_of_the_birth(self):
        """Z38 on a girl of two days is no lactation, and nothing about her is unknown."""
        baby = (icd("Z38.000"), icd("O80.000"))

        assert silent(woman(BOTH, birth="2026-03-16", dx=baby))
        assert silent(woman(BOTH, birth="2016-03-19", dx=baby))
        assert ((0,),) == said(woman(BOTH, birth="2016-03-18", dx=baby))


class TestUnknown:
    @pytest.mark.parametrize(
        ("birth", "known"),
        [("2011-03-18", False), ("2011-03-19", True), ("1976-03-19", False), ("1976-03-18", True)],
    )
    def test_it_matters_from_15_to_49(self, birth, known):
        """Most senders never say; only where it could be otherwise is that a gap."""
        found = woman(birth=birth)

        assert known == silent(found)
        assert (() if known else ((("patient.pregnant",), "missing", (0,)),)) == unread(found)

    @pytest.mark.parametrize("code", ["N95.100", "Z90.700", "Z78.000"])
    def test_past_childbearing_it_does_not(self, code):
        """Menopause, or organs removed."""
        assert silent(woman(dx=(icd(code),)))

    def test_any_line_inside_the_years_counts(self):
        """Age is taken on the day of service."""
        lines = (a_line("A01", begin=at("2026-03-17")), a_line("A01", begin=at("2026-03-18")))
        found = woman(birth="2011-03-18", lines=lines)

        assert ((("patient.pregnant",), "missing", (0, 1)),) == unread(found)

    def test_who_is_unknown_is_named_too(self):
        """A sex or a birth date would settle it as well."""
        nobody = woman(sex=None, birth=None)

        assert ((("patient.sex", "patient.birth_date", "patient.pregnant"), "missing", (0,)),) == unread(nobody)
        assert silent(woman(sex=None, birth="1950-01-01"))
        assert ((0,),) == said(woman(sex=None, birth=None, pregnant=True))


class TestNormalCare:
    def test_a_diagnosis_makes_it_normal_care(self):
        """硝苯地平控释 in pre-eclampsia (ruling 16)."""
        assert silent(woman(ALLOWED, pregnant=True, dx=(icd("O14.900"),)))
        assert ((0,),) == said(woman(ALLOWED, pregnant=True, dx=(icd("O20.000"),)))

    def test_an_unread_diagnosis_may_be_that_one(self):
        """Then nothing is said against the drug, only that it was not judged."""
        local = woman(ALLOWED, pregnant=True, dx=(icd("XYZD018987"),))

        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(local)
        assert ((0,),) == said(woman(PREGNANT, pregnant=True, dx=(icd("XYZD018987"),)))

    def test_safety_does_not_depend_on_who_pays(self):
        """A self-paid drug is as unsafe (ruling 1)."""
        assert ((0,),) == said(woman(pregnant=True, lines=(a_line("A01", self_paid=True, consent=True),)))

    def test_all_lines_are_one_finding(self):
        """Two orders of the drug."""
        assert ((0, 1),) == said(woman(pregnant=True, lines=(a_line("A01"), a_line("A01"))))
