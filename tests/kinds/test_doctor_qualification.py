"""Physician qualification: ranks, grants, antibiotic grades, and non-insurance physicians (K44)."""

import pytest

from tests.builders import UNIT, a_line, a_rule, a_word, an_encounter, past, said, silent, unread, verdict

RESTRICTED = a_rule("doctor_qualification", min_title="attending", grant="antibiotic_restricted", name="头孢曲松")
SPECIAL = a_rule("doctor_qualification", min_title="associate_chief", grant="", name="亚胺培南", scope="payment")
CHIEF = a_rule("doctor_qualification", min_title="chief", grant="", name="会诊用药")
OPIOID = a_rule("doctor_qualification", min_title="", grant="narcotic", name="吗啡注射液")
BARRED = {"min_title": "", "grant": "", "forbid_grant": "non_insurance", "items": "A*|B*|C*", "name": "医保费用"}
INSURED = a_rule("doctor_qualification", **BARRED)
QUIET = a_rule("doctor_qualification", **BARRED, always_sent="false")
WORDS = (
    a_word("title", "3", "attending"),
    a_word("doctor", "D1", "insurance"),
    a_word("doctor", "D2", "insurance|antibiotic_restricted|narcotic"),
    a_word("doctor", "D9", "non_insurance"),
)


def by(title=None, doctor=None, **changes):
    return an_encounter(a_line(doctor_title=title, doctor=doctor), **changes)


class TestRank:
    @pytest.mark.parametrize("title", ["associate_chief", "chief"])
    def test_the_rank_and_above_suffice(self, title):
        """副主任医师 and 主任医师 may order 特殊使用级."""
        assert silent(verdict(by(title), SPECIAL))

    @pytest.mark.parametrize("title", ["none", "nurse", "pharmacist", "resident", "attending"])
    def test_a_lower_rank_fires(self, title):
        """Just one rank below is below; a pharmacist is no physician."""
        assert ((0,),) == said(verdict(by(title), SPECIAL))

    def test_the_message_says_who_may(self):
        """A doctor reads the item, who may order it and the own rank."""
        (finding,) = verdict(by("3"), SPECIAL, words=WORDS).findings

        words = (
            "【亚胺培南】限副主任医师及以上开具,本次开单医师为主治医师;请由副主任医师及以上开具,或经患者同意后自费。"
        )
        assert words == finding.message
        assert ("限副主任医师及以上开具", "主治医师", "副主任医师及以上") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        assert (("line.doctor_title", "attending"), ("line.doctor", "")) == finding.facts
        assert "block" == finding.level

    def test_nothing_is_above_the_highest_rank(self):
        """主任医师 stands alone."""
        (finding,) = verdict(by("associate_chief"), CHIEF).findings

        assert ("主任医师", "副主任医师") == (finding.allowed, finding.present)

    @pytest.mark.parametrize(("title", "reason"), [(None, "missing"), ("7", "unmapped")])
    def test_an_unknown_rank_is_not_checked(self, title, reason):
        """Absent is not low."""
        assert ((("line.doctor_title",), reason, (0,)),) == unread(verdict(by(title, "D1"), SPECIAL, words=WORDS))


class TestGrant:
    @pytest.mark.parametrize(("title", "doctor"), [("attending", None), ("resident", "D2"), (None, "D2")])
    def test_rank_or_grant_suffices(self, title, doctor):
        """What suffices alone leaves the other unasked."""
        assert silent(verdict(by(title, doctor), RESTRICTED, words=WORDS))

    def test_neither_fires(self):
        """A resident without the grant."""
        (finding,) = verdict(by("resident", "D1"), RESTRICTED, words=WORDS).findings

        words = (
            "【头孢曲松】限主治医师及以上或有限制使用级抗菌药物处方权的医师开具,"
            "本次开单医师为住院医师、无限制使用级抗菌药物处方权;"
            "请由主治医师及以上或有限制使用级抗菌药物处方权的医师开具。"
        )
        assert words == finding.message
        assert (("line.doctor_title", "resident"), ("line.doctor", "insurance")) == finding.facts

    def test_a_grant_alone(self):
        """Without a rank in the row no rank helps, and none is asked for."""
        assert silent(verdict(by(None, "D2"), OPIOID, words=WORDS))
        (finding,) = verdict(by(None, "D1"), OPIOID, words=WORDS).findings
        assert ("有麻醉药品处方权的医师", "无麻醉药品处方权的医师") == (finding.allowed, finding.present)
        assert (("line.doctor_title", ""), ("line.doctor", "insurance")) == finding.facts
        assert ((0,),) == said(verdict(by("chief", "D1"), OPIOID, words=WORDS))

    @pytest.mark.parametrize(
        ("title", "doctor", "fields", "reason"),
        [
            ("resident", None, ("line.doctor",), "missing"),
            ("resident", "D5", ("line.doctor",), "unmapped"),
            (None, "D1", ("line.doctor_title",), "missing"),
            ("8", "D5", ("line.doctor_title", "line.doctor"), "unmapped"),
            (None, "D5", ("line.doctor_title", "line.doctor"), "missing"),
            ("8", None, ("line.doctor_title", "line.doctor"), "missing"),
        ],
    )
    def test_what_could_still_allow_it_must_be_known(self, title, doctor, fields, reason):
        """Every field that could help is named."""
        assert ((fields, reason, (0,)),) == unread(verdict(by(title, doctor), RESTRICTED, words=WORDS))

    def test_the_visits_physician_stands_in(self):
        """A line without a physician was ordered by the visit's."""
        assert silent(verdict(an_encounter(doctor="D2"), OPIOID, words=WORDS))

    def test_at_the_settlement_of_a_stay_only_the_line_tells(self):
        """The visit's physician is the last one then, and need not have ordered what is older."""
        found = verdict(an_encounter(doctor="D1", scenes=("9",)), OPIOID, words=WORDS)

        assert ((), ((("line.doctor",), "missing", (0,)),)) == (said(found), unread(found))

    def test_any_of_several_grants(self):
        """One of those named is enough."""
        rule = a_rule("doctor_qualification", min_title="", grant="antibiotic_special|antibiotic_restricted")

        assert silent(verdict(by(None, "D2"), rule, words=WORDS))
        (finding,) = verdict(by(None, "D1"), rule, words=WORDS).findings
        assert "有特殊使用级抗菌药物处方权或限制使用级抗菌药物处方权的医师" == finding.allowed
        assert "无特殊使用级抗菌药物处方权、限制使用级抗菌药物处方权的医师" == finding.present


class TestNonInsurance:
    def test_an_insurance_physician_is_silent(self):
        """Whatever the rank."""
        assert silent(verdict(by(None, "D1"), INSURED, words=WORDS))

    def test_a_barred_physician_fires(self):
        """All lines at once, in one finding."""
        lines = (a_line(doctor="D9"), a_line("B01", doctor="D1"), a_line("C01", doctor="D9"))
        (finding,) = verdict(an_encounter(*lines), INSURED, words=WORDS).findings

        assert (0, 2) == finding.lines
        words = "【医保费用】不得由非医保医师开具,本次开单医师为非医保医师;请由医保医师开具。"
        assert words == finding.message
        assert ("不得由非医保医师开具", "非医保医师", "医保医师") == (finding.limit, finding.present, finding.allowed)

    def test_the_rank_does_not_part_the_lines_of_one_physician(self):
        """Nor does it matter."""
        lines = (a_line(doctor="D9", doctor_title=title) for title in ("3", None, "chief"))

        assert ((0, 1, 2),) == said(verdict(an_encounter(*lines), INSURED, words=WORDS))

    @pytest.mark.parametrize("doctor", ["D9", "D5"])
    def test_what_the_fund_never_pays_is_left_alone(self, doctor):
        """Class 丙 is not claimed, whoever ordered it; 乙 is."""
        lines = (a_line(doctor=doctor, fee_class="丙"), a_line(doctor="D9", fee_class="乙"))

        assert silent(verdict(an_encounter(lines[0]), INSURED, words=WORDS))
        assert ((1,),) == said(verdict(an_encounter(*lines), INSURED, words=WORDS))

    def test_the_patient_does_not_pay_for_a_missing_contract(self):
        """Also a payment rule does not send the charge to the patient (转嫁费用)."""
        rule = a_rule("doctor_qualification", **BARRED, scope="payment")
        (finding,) = verdict(by(None, "D9"), rule, words=WORDS).findings

        assert finding.message.endswith("请由医保医师开具。")

    @pytest.mark.parametrize(("doctor", "reason"), [(None, "missing"), ("D5", "unmapped")])
    def test_an_unlisted_physician_is_not_checked(self, doctor, reason):
        """Unless the row says that only some are listed."""
        encounter = an_encounter(a_line(doctor=doctor), a_line(doctor=doctor))

        assert ((("line.doctor",), reason, (0, 1)),) == unread(verdict(encounter, INSURED, words=WORDS))
        assert silent(verdict(encounter, QUIET, words=WORDS))

    def test_physicians_are_judged_apart_and_asked_for_together(self):
        """One finding for each who is barred, one entry for all who are unlisted."""
        lines = (a_line(doctor=doctor) for doctor in ("D9", "D5", "non_insurance", "D6", "D9"))
        found = verdict(an_encounter(*lines), INSURED, words=WORDS)

        assert ((0, 4), (2,)) == said(found)
        assert ((("line.doctor",), "unmapped", (1, 3)),) == unread(found)

    def test_a_listed_physician_is_judged_all_the_same(self):
        """What is sent counts."""
        assert ((0,),) == said(verdict(by(None, "D9"), QUIET, words=WORDS))


class TestOtherwise:
    def test_a_rescue_is_never_interrupted(self):
        """抢救: at most a prompt, with the way to go on (ruling 21)."""
        (finding,) = verdict(by("resident", rescue=True), SPECIAL).findings

        assert "info" == finding.level
        assert finding.message.endswith("或经患者同意后自费;抢救可先使用,事后按规定补办手续。")

    def test_an_unknown_rescue_is_none(self):
        """Only the word for it lowers the level."""
        (finding,) = verdict(by("resident", rescue=None), SPECIAL).findings

        assert "block" == finding.level

    def test_only_what_is_ordered_now_is_judged(self):
        """Known lines and reversals are none of its business."""
        lines = (past("2026-03-17", doctor_title="resident"), a_line(doctor_title="resident", quantity=-UNIT))

        assert silent(verdict(an_encounter(*lines, a_line(doctor_title="chief")), SPECIAL))

    def test_self_pay_clears_a_payment_limit_only(self):
        """Ruling 1: who may prescribe is a matter of safety, whoever pays."""
        lines = (a_line(self_paid=True, doctor_title="resident", doctor="D1"),)

        assert silent(verdict(an_encounter(*lines), SPECIAL, words=WORDS))
        assert ((0,),) == said(verdict(an_encounter(*lines), RESTRICTED, words=WORDS))

    @pytest.mark.parametrize(
        "columns",
        [
            {"min_title": "", "grant": ""},
            {"min_title": "chief", "grant": "", "forbid_grant": "non_insurance"},
            {"min_title": "", "grant": "narcotic", "forbid_grant": "non_insurance"},
        ],
    )
    def test_a_row_says_who_may_or_who_may_not(self, columns):
        """Both at once, or nothing, is a fault of the row."""
        with pytest.raises(ValueError, match="forbid_grant alone"):
            a_rule("doctor_qualification", **columns)
