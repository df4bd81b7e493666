"""Step therapy: the first line, the drug itself, approval or a diagnosis is evidence; the past must be known."""

import pytest

from rules import needs
from rules.kinds._contract import Look
from tests.builders import (
    a_line,
    a_rule,
    a_rulebook,
    an_encounter,
    at,
    icd,
    past,
    recorded,
    said,
    silent,
    unread,
    verdict,
)

DRUG, METFORMIN = "A01", "B01"
RULE = a_rule(
    "step_therapy",
    items=DRUG,
    first_items=f"{METFORMIN}|C0*",
    first_name="二甲双胍等口服降糖药",
    days="180",
    limit_text="限口服降糖药控制不佳者",
    name="度拉糖肽",
)
WITH_DX = a_rule(
    "step_therapy",
    items=DRUG,
    first_items=METFORMIN,
    first_dx="Z88*",
    first_name="一线",
    limit_text="限二线",
    days="180",
)


def known(*lines, rule=RULE, since="2020-01-01", **changes):
    return verdict(an_encounter(*lines, **({"history_since": at(since).date()} | changes)), rule)


class TestEvidence:
    def test_nothing_known_of_the_first_line_fires(self):
        """The doctor is asked for a reason, never stopped."""
        (finding,) = known(a_line()).findings

        assert ((0,), "warn") == (finding.lines, finding.level)

    @pytest.mark.parametrize("item", [METFORMIN, "C01"])
    def test_a_first_line_drug_is_evidence(self, item):
        """Any of them."""
        assert silent(known(a_line(), past("2026-03-01", item)))

    @pytest.mark.parametrize(("begin", "fires"), [("2025-09-19", False), ("2025-09-18", True)])
    def test_it_counts_as_far_back_as_the_row_says(self, begin, fires):
        """180 days before 18 March 2026 is 19 September."""
        assert fires == bool(known(a_line(), past(begin, METFORMIN)).findings)

    def test_its_last_day_decides(self):
        """An order begun long ago that ran until lately."""
        assert silent(known(a_line(), past("2025-01-01", METFORMIN, stop=at("2025-10-01"))))

    @pytest.mark.parametrize("begin", ["2026-03-10", "2026-03-18 07:00"])
    def test_one_that_goes_on_is_evidence(self, begin):
        """Its begin says that it came first."""
        assert silent(known(a_line(), past(begin, METFORMIN, stop=at("2026-03-25"))))

    @pytest.mark.parametrize(("begin", "fires"), [("2026-03-18 12:00", False), ("2026-03-19", True)])
    def test_a_known_one_of_the_day_is_evidence_a_later_one_is_not(self, begin, fires):
        """It was saved before this line."""
        assert fires == bool(known(a_line(), past(begin, METFORMIN)).findings)

    @pytest.mark.parametrize(("begin", "fires"), [("2026-03-17 23:00", False), ("2026-03-18 08:00", True)])
    def test_one_being_saved_must_be_of_an_earlier_day(self, begin, fires):
        """Begun together is no second line; at settlement all lines of the stay are current."""
        assert fires == bool(known(a_line(), a_line(METFORMIN, begin=at(begin))).findings)

    @pytest.mark.parametrize(("days", "fires"), [(28, True), (29, False), (None, True)])
    def test_its_days_of_supply_count(self, days, fires):
        """Taken home on 22 August 2025, it lasts to 18 or 19 September."""
        assert fires == bool(known(a_line(), past("2025-08-22", METFORMIN, supply_days=days)).findings)

    def test_one_of_another_stay_needs_no_end(self):
        """Nobody says when that order ended, but it began in time."""
        assert silent(known(a_line(), past("2025-12-01", METFORMIN, long_term=True, visit="V0")))
        assert ((0,),) == said(known(a_line(), past("2021-12-01", METFORMIN, long_term=True, visit="V0")))

    def test_one_taken_back_is_no_evidence(self):
        """A refund undoes the use."""
        lines = (past("2026-03-01", METFORMIN, id="X"), past("2026-03-02", METFORMIN, id="X", quantity=-1_0000))

        assert ((0,),) == said(known(a_line(), *lines))

    def test_recorded_use_is_evidence(self):
        """The payload need not carry it."""
        found = verdict(an_encounter(), RULE, context=recorded(past("2026-01-01", METFORMIN, visit="V0")))

        assert silent(found)


class TestOwnUse:
    @pytest.mark.parametrize("begin", ["2026-03-01", "2021-01-01", None])
    def test_the_drug_itself_used_before_is_evidence(self, begin):
        """It was accepted then, however long ago (ruling 19)."""
        assert silent(known(a_line(), past(begin, DRUG)))

    def test_another_line_being_saved_is_none(self):
        """Both are new."""
        assert ((0, 1),) == said(known(a_line(), a_line(begin=at("2026-03-01"))))

    def test_the_drug_may_be_of_the_class_of_its_first_line(self):
        """A wide class names the drug itself: its own lines are no evidence for it."""
        rule = a_rule("step_therapy", items=DRUG, first_items="A*")

        assert ((0,),) == said(known(a_line(), rule=rule))
        assert ((0, 1),) == said(known(a_line(), a_line(begin=at("2026-03-01")), rule=rule))

    def test_a_line_taken_back_needs_no_evidence(self):
        """At settlement the refund stands beside it; refunded earlier use was no use."""
        lines = (a_line(id="X"), a_line(id="X", quantity=-1_0000))

        assert silent(known(*lines))
        gone = (past("2026-03-01", DRUG, id="Y"), past("2026-03-02", DRUG, id="Y", quantity=-1_0000))
        assert ((0,),) == said(known(a_line(), *gone))


class TestApproval:
    def test_an_approval_is_evidence_for_its_line(self):
        """Only for that one."""
        assert ((1,),) == said(known(a_line(approval="S-1"), a_line()))

    def test_a_diagnosis_may_speak_against_the_first_line(self):
        """Intolerance is coded."""
        assert silent(known(a_line(), rule=WITH_DX, diagnoses=(icd("Z88.800"),)))

    @pytest.mark.parametrize("diagnosis", [icd("Z88.800", suspected=True), icd("Z87.800")])
    def test_a_suspected_or_other_one_does_not(self, diagnosis):
        """Suspicion is no evidence."""
        assert ((0,),) == said(known(a_line(), rule=WITH_DX, diagnoses=(icd("I10.x00"), diagnosis)))

    def test_an_unmapped_diagnosis_may_be_the_one(self):
        """Where the row names such diagnoses."""
        found = known(a_line(approval="S-1"), a_line(), rule=WITH_DX, diagnoses=(icd("XYZD018987"),))

        assert ((("diagnosis.code",), "unmapped", (1,)),) == unread(found)
        assert () == found.findings

    def test_an_unmapped_diagnosis_does_not_matter_otherwise(self):
        """A row without such diagnoses does not read them; nor does one that has evidence."""
        unmapped = (icd("XYZD018987"),)

        assert ((0,),) == said(known(a_line(), diagnoses=unmapped))
        assert silent(known(a_line(), past("2026-03-01", METFORMIN), rule=WITH_DX, diagnoses=unmapped))


class TestHistory:
    @pytest.mark.parametrize(("since", "state"), [("2025-09-19", "warned"), ("2025-09-20", "indeterminate")])
    def test_the_past_must_be_known_far_enough(self, since, state):
        """One day less, and the first line may lie on it."""
        assert state == known(a_line(), since=since).state

    def test_an_unknown_past_is_not_checked(self):
        """Said once for all lines: a settlement may hold one for each day."""
        found = verdict(an_encounter(a_line(), a_line(approval="S-1"), a_line()), RULE)

        assert ((("history",), "missing", (0, 2)),) == unread(found)
        assert () == found.findings

    def test_our_own_record_says_so_quietly(self):
        """A patient who comes with the second line had the first one elsewhere: nobody is stopped for that."""
        (finding,) = verdict(an_encounter(), RULE, context=recorded()).findings

        assert "info" == finding.level
        words = (
            "【度拉糖肽】限口服降糖药控制不佳者:本院近 180 天内未见二甲双胍等口服降糖药使用记录;"
            "曾在外院治疗的,请在病历中记录一线治疗情况。"
        )
        assert words == finding.message

    def test_a_late_past_is_said_to_be_late(self):
        """The record missed its deadline."""
        found = verdict(an_encounter(), RULE, context=recorded(since="2026-03-01", late=("history",)))

        assert ((("history",), "timeout", (0,)),) == unread(found)

    def test_presence_needs_no_coverage(self):
        """What is there is there."""
        assert silent(verdict(an_encounter(a_line(), past("2026-03-01", METFORMIN)), RULE))

    def test_a_first_line_drug_without_a_day_is_not_checked(self):
        """It may have been used in time."""
        found = known(a_line(), past(None, METFORMIN))

        assert ((("line.time",), "missing", (0,)),) == unread(found)
        assert silent(known(a_line(), past(None, METFORMIN), past("2026-03-01", METFORMIN)))

    def test_the_rule_looks_for_both_drugs(self):
        """As far back as it counts."""
        assert (Look((METFORMIN, "C0*", DRUG), 180),) == needs(an_encounter(), a_rulebook(RULE))


class TestWords:
    def test_the_message(self):
        """A doctor reads the limit, what was looked for, and the two ways on."""
        (finding,) = known(a_line()).findings

        words = (
            "【度拉糖肽】限口服降糖药控制不佳者:近 180 天内未见二甲双胍等口服降糖药使用记录;"
            "请填写一线治疗无效或不耐受的依据,或先用二甲双胍等口服降糖药。"
        )
        assert words == finding.message
        assert ("限口服降糖药控制不佳者", "先用二甲双胍等口服降糖药") == (finding.limit, finding.allowed)
        assert (("first_line", "二甲双胍等口服降糖药"), ("days", "180")) == finding.facts

    def test_self_pay_clears_it(self):
        """A payment limit leaves self-paid lines alone (ruling 1)."""
        assert silent(known(a_line(self_paid=True)))

    @pytest.mark.parametrize("column", ["first_items", "first_name", "limit_text"])
    def test_an_active_row_names_its_first_line(self, column):
        """Otherwise it is listed as incomplete, never evaluated."""
        with pytest.raises(ValueError, match="mark the row incomplete"):
            a_rule("step_therapy", **{column: ""})

    def test_a_year_is_looked_back_unless_the_row_says_otherwise(self):
        """The column's default."""
        assert 365 == a_rule("step_therapy", days="").days
        assert 1 == a_rule("step_therapy", days="1").days
        with pytest.raises(ValueError, match="greater than 0"):
            a_rule("step_therapy", days="0")
