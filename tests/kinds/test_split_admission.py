"""Split admission: the stay before, what is no split, when it is said, and what has to be known to be silent."""

from datetime import date

import pytest

from rules.model import Context, History, PastVisit
from tests.builders import a_line, a_rule, an_encounter, at, icd, silent, unread, verdict

FIFTEEN = a_rule("split_admission", name="分解住院", min_days="15", except_dx="Z49*|Z51*")
ANY_DISEASE = a_rule("split_admission", name="分解住院", min_days="15", except_dx="", same_diagnosis="false")
ANY_UNPLANNED = a_rule("split_admission", name="分解住院", min_days="15", except_dx="Z51*", same_diagnosis="false")
ANGINA = icd("I20.000", name="不稳定性心绞痛", main=True)
NURSING = a_line("001201000030000", name="护理")


def stay(discharged="2026-03-10", admitted="2026-03-01", **changes):
    given = {
        "id": "V0",
        "type": "inpatient",
        "admitted": at(admitted) if admitted else None,
        "discharged": at(discharged) if discharged else None,
        "diagnosis": "I20.900",
    }
    return PastVisit(**(given | changes))


def admitted(*stays, rule=FIFTEEN, since="2026-01-01", context=None, **changes):
    given = {
        "admitted": at("2026-03-18 08:00"),
        "diagnoses": (ANGINA,),
        "scenes": ("3",),
        "visits": stays,
        "history_since": at(since).date() if since else None,
    }
    return verdict(an_encounter(NURSING, **(given | changes)), rule, context=context)


class TestTooSoon:
    def test_the_message(self):
        """Both days, the gap, the disease, and from when on it would be silent; no lines."""
        (finding,) = admitted(stay()).findings

        assert "READMITTED_TOO_SOON" == finding.code
        assert (
            "【分解住院】同院两次住院间隔不少于 15 天:上次 2026-03-10 出院,本次 2026-03-18 入院,间隔 8 天,"
            "主要诊断同为“不稳定性心绞痛”一类;计划内再入院或病情变化的请注明,2026-03-25 起不再提示。" == finding.message
        )
        assert ((), "同院两次住院间隔不少于 15 天", "间隔 8 天") == (finding.lines, finding.limit, finding.present)
        assert "2026-03-25 起再入院" == finding.allowed
        assert (("discharged", "2026-03-10"), ("admitted", "2026-03-18"), ("days", "8")) == finding.facts

    @pytest.mark.parametrize(("discharged", "fires"), [("2026-03-04", 1), ("2026-03-03 23:00", 0)])
    def test_fourteen_days_are_too_few_and_fifteen_enough(self, discharged, fires):
        """Days are calendar days between discharge and admission."""
        found = admitted(stay(discharged))

        assert fires == len(found.findings)
        assert fires or silent(found)

    def test_the_same_day_is_no_days(self):
        """Discharged in the morning and admitted again: zero days."""
        (finding,) = admitted(stay("2026-03-18 07:00")).findings

        assert "间隔 0 天" == finding.present

    def test_without_an_admission_today_counts(self):
        """At registration the admission may not be written yet."""
        (finding,) = admitted(stay(), admitted=None).findings

        assert "间隔 8 天" == finding.present

    def test_the_last_stay_counts(self):
        """Of several the one discharged last, in whatever order they come."""
        given = (stay("2026-03-12", id="V2"), stay("2026-03-05", id="V1", admitted="2026-03-02"))
        (finding,) = admitted(*given).findings

        assert "间隔 6 天" == finding.present

    def test_a_recorded_stay_counts(self):
        """The record knows stays that the message does not carry."""
        context = Context(history=History(since=date(2026, 1, 1), visits=(stay(),)))

        assert 1 == len(admitted(context=context).findings)

    @pytest.mark.parametrize("hospital", [None, "H1"])
    def test_this_hospital_by_name_or_without(self, hospital):
        """A stay without a hospital is of this one."""
        assert 1 == len(admitted(stay(hospital=hospital)).findings)

    def test_a_rule_for_any_disease(self):
        """Where the disease does not matter it is neither read nor said."""
        (finding,) = admitted(stay(diagnosis=""), rule=ANY_DISEASE, diagnoses=()).findings

        assert "间隔 8 天;计划内" in finding.message


class TestNoSplit:
    def test_another_disease(self):
        """Another category of the main diagnosis is another reason."""
        assert silent(admitted(stay(diagnosis="I21.900")))

    def test_either_half_of_a_pair_is_the_disease(self):
        """Cause and manifestation both count."""
        assert 1 == len(admitted(stay(), diagnoses=(icd("E11.200x011+I20.000", main=True),)).findings)

    def test_a_transfer(self):
        """The stay right before was elsewhere."""
        assert silent(admitted(stay(), stay("2026-03-17", id="V2", admitted="2026-03-10", hospital="H2")))

    @pytest.mark.parametrize("changes", [{"planned": True}, {"emergency": True}, {"rescue": True}])
    def test_this_stay_is_known_to_be_planned_or_urgent(self, changes):
        """Nobody counts days then; nor need the past be known."""
        assert silent(admitted(stay(), since=None, **changes))

    @pytest.mark.parametrize("changes", [{"planned": False}, {"emergency": None}, {"rescue": None}])
    def test_not_planned_or_unknown_speaks(self, changes):
        """Most senders never say; the message asks."""
        assert 1 == len(admitted(stay(), **changes).findings)

    def test_the_last_stay_was_planned(self):
        """A cycle that was planned has a next one."""
        assert silent(admitted(stay(planned=True)))
        assert 1 == len(admitted(stay(planned=False)).findings)

    def test_planned_care_by_diagnosis(self):
        """Chemotherapy and dialysis, now or then."""
        assert silent(admitted(stay(), diagnoses=(ANGINA, icd("Z51.100"))))
        assert silent(admitted(stay(diagnosis="Z51.100"), diagnoses=(icd("Z51.800", main=True),)))
        assert silent(admitted(stay(diagnosis="Z49.100"), rule=FIFTEEN, diagnoses=(icd("Z49.000", main=True),)))
        assert silent(admitted(stay(diagnosis="Z51.100"), rule=ANY_UNPLANNED))

    @pytest.mark.parametrize("kind", ["outpatient", "pharmacy"])
    def test_other_visits_are_no_stays(self, kind):
        """Only in-patient stays are compared, open or not."""
        assert silent(admitted(stay(type=kind), stay(None, id="V2", type=kind)))

    def test_this_visit_is_no_stay(self):
        """An out-patient is not admitted."""
        assert silent(admitted(stay(), since=None, type="outpatient"))

    def test_this_very_stay_and_later_ones_are_not_before(self):
        """A stay that began with this one or after it is not before it, open or ended."""
        this = stay(None, admitted="2026-03-18 08:00", id="other")
        later = stay("2026-03-18 09:00", admitted="2026-03-18 08:30", id="V3")
        endless = stay("2026-03-18 09:00", admitted="2026-03-01", id="V4")

        assert silent(admitted(this, later, endless))


class TestMoment:
    @pytest.mark.parametrize(("scene", "count"), [("3", 1), ("4", 1), ("8", 1), ("9", 1), ("5", 0), ("1", 0)])
    def test_its_scenes(self, scene, count):
        """Admission, its charging, settlement and pre-settlement."""
        assert count == len(admitted(stay(), scenes=(scene,)).findings)

    def test_a_message_without_a_scene_is_an_order(self):
        """Repeating it with each order would be noise."""
        assert silent(admitted(stay(), scenes=(), since=None))

    def test_a_row_may_name_fewer(self):
        """``scenes`` of the row stands for the kind's own."""
        rule = a_rule("split_admission", min_days="15", scenes="9|5")

        assert 1 == len(admitted(stay(), rule=rule, scenes=("5",)).findings)
        assert silent(admitted(stay(), rule=rule, scenes=("3",)))

    def test_nothing_ordered(self):
        """At 住院登记 there are no lines at all."""
        given = an_encounter(diagnoses=(ANGINA,), scenes=("3",), visits=(stay(),), admitted=at("2026-03-18"))
        bare = type(given)(hospital="H1", visit=given.visit, scenes=("3",), diagnoses=(ANGINA,), visits=(stay(),))

        assert 1 == len(verdict(bare, FIFTEEN).findings)


class TestUnknown:
    @pytest.mark.parametrize(("since", "gaps"), [("2026-03-03", 0), ("2026-03-04", 1), (None, 1)])
    def test_visits_not_known_far_enough_back(self, since, gaps):
        """Silence needs the visits of the days that count."""
        found = admitted(since=since)

        assert ((("history",), "missing", ()),) * gaps == unread(found)
        assert gaps or silent(found)

    @pytest.mark.parametrize(
        "last", [stay("2026-03-01"), stay(diagnosis="I21.900"), stay(hospital="H2"), stay(planned=True)]
    )
    def test_a_known_stay_that_is_no_split_is_not_enough(self, last):
        """Another one may be unknown."""
        assert ((("history",), "missing", ()),) == unread(admitted(last, since="2026-03-05"))

    def test_no_word_of_other_visits(self):
        """History lines known far back say nothing of visits."""
        assert ((("history",), "missing", ()),) == unread(admitted(visits=None))

    def test_a_split_needs_no_coverage(self):
        """What is known is enough to speak."""
        assert 1 == len(admitted(stay(), since=None).findings)

    @pytest.mark.parametrize(
        ("last", "field", "reason"),
        [
            (stay(None), "visits.discharged", "missing"),
            (stay(None, admitted=None, type=None), "visits.discharged", "missing"),
            (stay(type=None), "visits.type", "missing"),
            (stay(diagnosis=""), "visits.diagnosis", "missing"),
            (stay(diagnosis="XYZD01"), "visits.diagnosis", "unmapped"),
        ],
    )
    def test_a_stay_with_gaps(self, last, field, reason):
        """What the comparison needs is named."""
        assert (((field,), reason, ()),) == unread(admitted(last))

    def test_an_open_stay_before_another_one_was_over_by_then(self):
        """Nobody is in two hospitals at once; one that began with the last stay or after it may still be going on."""
        last = stay("2026-03-03", admitted="2026-03-01")
        gap = ((("visits.discharged",), "missing", ()),)

        assert silent(admitted(last, stay(None, admitted="2026-02-28 23:59", id="V2")))
        for other in (
            stay(None, admitted="2026-03-01", id="V2"),
            stay(None, admitted="2026-03-05", id="V2"),
            stay(None, admitted=None, id="V2"),
        ):
            assert gap == unread(admitted(last, other))

    def test_a_stay_of_unknown_begin_began_no_later_than_it_ended(self):
        """Its end stands for its begin."""
        last = stay("2026-03-03", admitted=None)

        assert silent(admitted(last, stay(None, admitted="2026-03-02", id="V2")))
        assert 1 == len(admitted(stay(admitted=None), stay(None, admitted="2026-03-02", id="V2")).findings)

    def test_a_visit_of_unknown_type_long_ago(self):
        """Whatever it was, it is out of reach."""
        assert silent(admitted(stay("2026-03-03", type=None)))

    @pytest.mark.parametrize(
        ("changes", "reason"), [({"type": None}, "missing"), ({"type_conflict": True}, "conflict")]
    )
    def test_an_unknown_type_of_this_visit(self, changes, reason):
        """It may be no stay at all."""
        assert ((("visit.type",), reason, ()),) == unread(admitted(stay(), **changes))

    def test_a_main_diagnosis_that_cannot_be_told(self):
        """Two without a flag: nobody knows what the stay is for."""
        assert ((("diagnosis.main",), "missing", ()),) == unread(
            admitted(stay(), diagnoses=(icd("I20.000"), icd("I10.x00")))
        )

    @pytest.mark.parametrize(("rule", "gaps"), [(FIFTEEN, 1), (ANY_UNPLANNED, 1), (ANY_DISEASE, 0)])
    def test_an_unmapped_diagnosis_may_be_planned_care(self, rule, gaps):
        """Where planned care is excepted, all diagnoses must be readable."""
        found = admitted(stay(), rule=rule, diagnoses=(ANGINA, icd("XYZD01")))

        assert ((("diagnosis.code",), "unmapped", ()),) * gaps == unread(found)
        assert 1 - gaps == len(found.findings)

    def test_the_last_stays_diagnosis_may_be_planned_care(self):
        """Without it nobody knows, even where the disease does not matter."""
        found = admitted(stay(diagnosis=""), rule=ANY_UNPLANNED)

        assert ((("visits.diagnosis",), "missing", ()),) == unread(found)


def test_at_least_one_day():
    """A limit of no days would be none."""
    with pytest.raises(ValueError, match="greater than 0"):
        a_rule("split_admission", min_days="0")
