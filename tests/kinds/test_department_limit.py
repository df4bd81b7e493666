"""Department limit: who may order or carry out an item, read through the department dictionary."""

import pytest

from tests.builders import a_line, a_rule, a_word, an_encounter, past, said, silent, unread, verdict

HEART = a_rule("department_limit", allow="心血管内科", name="心脏电生理检查")
EYES = a_rule("department_limit", allow="眼科|口腔科", name="手术显微镜加收")
CHECKUP = a_rule("department_limit", allow="", deny="体检科|急诊科", name="肿瘤标志物", scope="safety")
DONE_BY = a_rule("department_limit", allow="康复医学科", executing="true", name="起立床训练")
WORDS = (
    a_word("department", "0301", "心血管内科"),
    a_word("department", "0302", "心血管内科"),
    a_word("department", "0401", "消化内科"),
    a_word("department", "0900", "体检科"),
)


def ordered_by(*departments, **changes):
    return an_encounter(*(a_line(department=department) for department in departments), **changes)


class TestDepartmentLimit:
    def test_an_allowed_department_is_silent(self):
        """A local code means a department by the dictionary; several codes may mean one."""
        assert silent(verdict(ordered_by("0301", "0302"), HEART, words=WORDS))

    def test_another_department_fires(self):
        """The message names both departments, never a code."""
        (finding,) = verdict(ordered_by("0401"), HEART, words=WORDS).findings

        words = (
            "【心脏电生理检查】限心血管内科开具,本次开单科室为消化内科;"
            "请由心血管内科开具或更换项目,或经患者同意后自费。"
        )
        assert words == finding.message
        assert ("限心血管内科开具", "消化内科", "心血管内科") == (finding.limit, finding.present, finding.allowed)
        assert (("line.department", "消化内科"),) == finding.facts

    def test_one_or_two_specialties(self):
        """限二专: either of two is allowed."""
        assert silent(verdict(ordered_by("眼科", "口腔科"), EYES))
        (finding,) = verdict(ordered_by("麻醉科"), EYES).findings
        assert "眼科或口腔科" == finding.allowed

    def test_a_denied_department_fires(self):
        """The reverse list: these may not, all others may."""
        found = verdict(ordered_by("0900", "0301"), CHECKUP, words=WORDS)

        assert ((0,),) == said(found)
        words = "【肿瘤标志物】体检科、急诊科不得开具,本次开单科室为体检科;请由其他科室开具或更换项目。"
        assert words == found.findings[0].message

    def test_departments_are_judged_apart(self):
        """Lines of several departments: one finding for each that is not allowed."""
        found = verdict(ordered_by("0401", "0301", "麻醉科", "0401"), HEART, words=WORDS)

        assert ((0, 3), (2,)) == said(found)

    def test_at_the_settlement_of_a_stay_only_the_line_tells(self):
        """The visit's department is the last one then; who ordered before a transfer is known by the line alone."""
        lines = (a_line(department="0401"), a_line(department=None))
        found = verdict(an_encounter(*lines, department="0401", scenes=("9",)), HEART, words=WORDS)

        assert ((0,),) == said(found)
        assert ((("line.department",), "missing", (1,)),) == unread(found)
        assert silent(verdict(an_encounter(lines[1], department="0301", scenes=("9",)), HEART, words=WORDS))

    def test_the_visit_stands_in_for_the_line(self):
        """A line without a department was ordered by the visit's."""
        assert ((1,),) == said(verdict(ordered_by("眼科", None, department="麻醉科"), EYES))

    @pytest.mark.parametrize(("department", "reason"), [(None, "missing"), ("0777", "unmapped")])
    def test_an_unknown_department_is_not_checked(self, department, reason):
        """Neither absence nor a code without meaning is another department."""
        for rule in (HEART, CHECKUP):
            found = verdict(ordered_by(department, "麻醉科", department), rule, words=WORDS)
            assert ((("line.department",), reason, (0, 2)),) == unread(found)

    def test_unmapped_departments_are_told_from_absent_ones(self):
        """One entry for each reason."""
        found = verdict(ordered_by(None, "0777", "0778"), HEART)

        reasons = ((("line.department",), "missing", (0,)), (("line.department",), "unmapped", (1, 2)))
        assert reasons == unread(found)

    def test_the_rules_own_names_mean_themselves(self):
        """No dictionary is needed for a name that the rule itself uses."""
        assert silent(verdict(ordered_by("心血管内科"), HEART))
        assert ((0,),) == said(verdict(ordered_by("急诊科"), CHECKUP))

    def test_a_hospital_may_mean_something_else_by_a_name(self):
        """Its dictionary comes before what the name says."""
        words = (a_word("department", "眼科", "消化内科", hospital="H1"),)

        assert ((0,),) == said(verdict(ordered_by("眼科"), EYES, words=words))

    def test_undivided_subjects_mean_themselves_unless_the_rule_names_their_kin(self):
        """急诊医学科 may be what a rule calls 急诊科; 麻醉科 is surely not."""
        assert ((("line.department",), "unmapped", (0,)),) == unread(verdict(ordered_by("急诊医学科"), CHECKUP))
        assert silent(verdict(ordered_by("麻醉科"), CHECKUP))
        assert ((0,),) == said(verdict(ordered_by("急诊医学科"), HEART))

    def test_the_executing_department_is_judged_where_the_row_says_so(self):
        """Who ordered it does not matter then, and does not stand in."""
        line = a_line(department="眼科", executing_department="麻醉科")
        found = verdict(an_encounter(line), DONE_BY)

        (finding,) = found.findings
        words = "【起立床训练】限康复医学科执行,本次执行科室为麻醉科;请由康复医学科执行或更换项目,或经患者同意后自费。"
        assert words == finding.message
        assert (("line.executing_department", "麻醉科"),) == finding.facts
        assert silent(verdict(an_encounter(a_line(department="眼科", executing_department="康复医学科")), DONE_BY))
        absent = verdict(ordered_by("康复医学科", department="康复医学科"), DONE_BY)
        assert ((("line.executing_department",), "missing", (0,)),) == unread(absent)

    def test_only_what_is_ordered_now_is_judged(self):
        """A known line of another department and a reversal are none of its business."""
        lines = (past("2026-03-17", department="麻醉科"), a_line(department="麻醉科", quantity=-10_000))

        assert silent(verdict(an_encounter(*lines, a_line(department="眼科")), EYES))

    def test_self_pay_clears_a_payment_limit_only(self):
        """Ruling 1: a safety limit keeps speaking."""
        encounter = an_encounter(a_line(self_paid=True, department="体检科"))

        assert silent(verdict(encounter, a_rule("department_limit", allow="", deny="体检科")))
        assert ((0,),) == said(verdict(encounter, CHECKUP))

    @pytest.mark.parametrize("columns", [{"allow": ""}, {"allow": "眼科", "deny": "体检科"}])
    def test_a_row_has_one_list(self, columns):
        """Allowed or denied, not both and not neither."""
        with pytest.raises(ValueError, match="either allow or deny"):
            a_rule("department_limit", **columns)
