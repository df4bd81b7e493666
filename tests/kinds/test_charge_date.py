"""Charge date: what an in-patient is charged for lies between admission and discharge."""

from datetime import date

import pytest

from tests.builders import UNIT, a_line, a_rule, an_encounter, at, icd, past, said, silent, unread, verdict

ROW = {"items": "A*", "name": "计费日期"}
STRICT = a_rule("charge_date", **ROW)
LENIENT = a_rule("charge_date", **ROW, days_before="1", days_after="2")
OPTIONAL = a_rule("charge_date", **ROW, always_sent="false")
STAY = {"admitted": at("2026-03-10 14:00"), "discharged": at("2026-03-14 09:00")}


def charged(*days, **changes):
    lines = (a_line(begin=at(day), name="床位费") for day in days)
    return an_encounter(*lines, **(STAY | changes))


class TestStay:
    @pytest.mark.parametrize("day", ["2026-03-10", "2026-03-12 08:00", "2026-03-14 23:59"])
    def test_within_the_stay_is_silent(self, day):
        """The whole days of admission and of discharge are inside."""
        assert silent(verdict(charged(day), STRICT))

    @pytest.mark.parametrize("day", ["2026-03-09 23:59", "2026-03-15", "2025-03-12"])
    def test_beside_the_stay_fires(self, day):
        """The day before, the day after, and the wrong year."""
        assert ((0,),) == said(verdict(charged(day), STRICT))

    @pytest.mark.parametrize("day", ["2026-03-09", "2026-03-15", "2026-03-16"])
    def test_days_let_pass(self, day):
        """Each side has its own tolerance."""
        assert silent(verdict(charged(day), LENIENT))

    @pytest.mark.parametrize("day", ["2026-03-08", "2026-03-17"])
    def test_beyond_the_days_let_pass(self, day):
        """One day more fires."""
        assert ((0,),) == said(verdict(charged(day), LENIENT))

    def test_a_stay_that_goes_on_has_no_end(self):
        """Before the discharge only what lies before the admission can be wrong."""
        found = verdict(charged("2026-03-09", "2026-03-30", discharged=None), STRICT)

        assert ((0,),) == said(found)
        assert "2026-03-10 至 今" == found.findings[0].allowed
        assert ("visit.discharged", "") == found.findings[0].facts[1]

    def test_the_message_names_stay_and_charges(self):
        """One finding for all, three of them by name."""
        found = verdict(charged("2026-03-09", "2026-03-12", "2026-03-16", "2026-03-16", "2026-03-20"), STRICT)

        (finding,) = found.findings
        assert (0, 2, 3, 4) == finding.lines
        words = (
            "【计费日期】住院期间为 2026-03-10 至 2026-03-14,以下计费不在其内:2026-03-09 床位费、"
            "2026-03-16 床位费、2026-03-16 床位费 等 4 项;请核对计费日期,不属本次住院的请退费。"
        )
        assert words == finding.message
        assert "住院期间 2026-03-10 至 2026-03-14" == finding.limit
        facts = (
            ("visit.admitted", "2026-03-10"),
            ("visit.discharged", "2026-03-14"),
            ("days", "2026-03-09、2026-03-16、2026-03-20"),
        )
        assert facts == finding.facts

    def test_charges_stand_by_time_then_id(self):
        """Not by the places of the lines."""
        named = (("c", "2026-03-16", "丙"), ("b", "2026-03-16", "乙"), ("d", "2026-03-09", "丁"))
        lines = (a_line(begin=at(day), id=id, name=name) for id, day, name in named)
        (finding,) = verdict(an_encounter(*lines, **STAY), STRICT).findings

        assert (0, 1, 2) == finding.lines
        assert "2026-03-09 丁、2026-03-16 乙、2026-03-16 丙" == finding.present
        assert ("days", "2026-03-09、2026-03-16") == finding.facts[-1]

    def test_three_are_shown_without_a_count(self):
        """And a line without a name is no code."""
        found = verdict(an_encounter(*(a_line(begin=at("2026-03-16")) for _ in range(3)), **STAY), STRICT)

        assert "2026-03-16 一项、2026-03-16 一项、2026-03-16 一项" == found.findings[0].present

    def test_only_what_is_charged_now_is_judged(self):
        """Known lines and reversals are not at fault; self-pay does not clear a charge (ruling 1)."""
        lines = (past("2026-03-01"), a_line(begin=at("2026-03-01"), quantity=-UNIT))

        assert silent(verdict(an_encounter(*lines, a_line(begin=at("2026-03-11")), **STAY), STRICT))
        assert ((0,),) == said(verdict(an_encounter(a_line(begin=at("2026-03-01"), self_paid=True), **STAY), STRICT))

    def test_what_is_taken_back_whole_is_mended(self):
        """The refund that the message asks for is there already; a refund of a part leaves the charge wrong."""
        wrong = a_line(begin=at("2026-03-17"), quantity=2 * UNIT, id="L1")
        lines = (wrong, a_line(begin=at("2026-03-11")))

        assert silent(verdict(an_encounter(*lines, a_line(begin=wrong.begin, quantity=-2 * UNIT), **STAY), STRICT))
        assert ((0,),) == said(verdict(an_encounter(*lines, a_line(begin=wrong.begin, quantity=-UNIT), **STAY), STRICT))

    def test_far_away_days_are_judged(self):
        """No reckoning with days runs out of the calendar."""
        ever = {"admitted": at("0001-01-01"), "discharged": at("9999-12-31")}

        assert silent(verdict(charged("2026-03-12", **ever), LENIENT))
        assert ((1,),) == said(verdict(charged("2026-03-12", "2026-03-09", discharged=ever["discharged"]), STRICT))
        found = verdict(charged("2026-03-12", "2026-03-17", admitted=ever["admitted"]), LENIENT)
        assert ((1,),) == said(found)

    @pytest.mark.parametrize("column", ["days_before", "days_after"])
    def test_days_let_pass_are_few(self, column):
        """From none to a month."""
        assert [0, 30] == [getattr(a_rule("charge_date", **{column: cell}), column) for cell in ("0", "30")]
        for cell in ("-1", "31"):
            with pytest.raises(ValueError, match=column):
                a_rule("charge_date", **{column: cell})


class TestExcuses:
    @pytest.mark.parametrize(
        "changes",
        [
            {"emergency": True},
            {"medical_type": "24"},
            {"medical_type": "2801"},
            {"birth_date": date(2026, 2, 10)},
            {"birth_date": date(2026, 3, 10)},
        ],
    )
    def test_charges_brought_along_are_silent(self, changes):
        """From the emergency room, before day surgery, and of a newborn (28 days on admission)."""
        assert silent(verdict(charged("2026-03-09", **changes), STRICT))
        assert ((0,),) == said(verdict(charged("2026-03-15", **changes), STRICT))

    @pytest.mark.parametrize(
        "changes", [{"birth_date": date(2026, 2, 9)}, {"birth_date": None}, {"medical_type": "22"}]
    )
    def test_others_bring_nothing_along(self, changes):
        """A child of 29 days, and an ordinary stay."""
        assert ((0,),) == said(verdict(charged("2026-03-09", **changes), STRICT))

    def test_a_newborn_may_stay_when_its_mother_has_left(self):
        """What follows a birth is charged to the mother; what lies before the admission is not."""
        birth = {"medical_type": "52", "diagnoses": (icd("O80.000"),)}

        assert silent(verdict(charged("2026-03-16", **birth), STRICT))
        (finding,) = verdict(charged("2026-03-09", **birth), STRICT).findings
        assert "2026-03-10 至 今" == finding.allowed

    @pytest.mark.parametrize(
        ("changes", "fields", "reason"),
        [
            ({"insurance": None}, ("visit.insurance",), "missing"),
            ({"diagnoses": (icd("XYZD018987"),)}, ("diagnosis.code",), "unmapped"),
        ],
    )
    def test_what_may_have_been_a_birth_is_not_checked(self, changes, fields, reason):
        """Except before the admission, and of a man."""
        found = verdict(charged("2026-03-16", "2026-03-09", "2026-03-11", sex=None, **changes), STRICT)

        assert ((fields, reason, (0,)),) == unread(found)
        assert ((1,),) == said(found)
        assert ((0,),) == said(verdict(charged("2026-03-16", sex="male", **changes), STRICT))
        assert ((0,),) == said(verdict(charged("2026-03-16", sex="female"), STRICT))


class TestUnknown:
    @pytest.mark.parametrize("kind", ["outpatient", "pharmacy"])
    def test_others_than_in_patients_are_left_alone(self, kind):
        """Nobody is admitted there, and nothing is asked for."""
        assert silent(verdict(charged("2026-03-01", type=kind), STRICT))
        assert silent(verdict(charged("2026-03-01", type=kind, admitted=None), STRICT))

    def test_an_unknown_type_matters_only_beside_the_stay(self):
        """What lies inside is right whatever the visit."""
        assert silent(verdict(charged("2026-03-12", type=None), STRICT))
        found = verdict(charged("2026-03-12", "2026-03-16", type=None), STRICT)
        assert ((("visit.type",), "missing", (1,)),) == unread(found)
        assert () == said(found)

    @pytest.mark.parametrize("kind", ["inpatient", "outpatient", None])
    def test_a_contradicted_type_is_not_checked(self, kind):
        """Scene and codes disagree (ruling 6)."""
        found = verdict(charged("2026-03-16", type=kind, type_conflict=True), STRICT)

        assert ((("visit.type",), "conflict", (0,)),) == unread(found)

    def test_without_an_admission_the_stay_is_not_known(self):
        """Said once for all lines, and not at all where the row calls the date optional."""
        encounter = charged("2026-03-12", "2026-03-13", admitted=None, discharged=None)

        assert ((("visit.admitted",), "missing", (0, 1)),) == unread(verdict(encounter, STRICT))
        assert silent(verdict(encounter, OPTIONAL))

    def test_a_discharge_alone_is_judged(self):
        """The side that is known counts."""
        found = verdict(charged("2026-03-01", "2026-03-16", admitted=None), OPTIONAL)

        (finding,) = found.findings
        assert ((1,), "2026-03-14 及以前", ()) == (finding.lines, finding.allowed, found.not_checked)
        assert ("visit.admitted", "") == finding.facts[0]

    def test_a_discharge_before_the_admission_is_a_contradiction(self):
        """Nothing is judged by it."""
        found = verdict(charged("2026-03-12", discharged=at("2026-03-09")), STRICT)

        assert ((("visit.admitted", "visit.discharged"), "conflict", (0,)),) == unread(found)

    def test_a_stay_of_no_length_is_none(self):
        """Admitted and discharged on one day, the discharge without a clock time: the day counts."""
        assert silent(verdict(charged("2026-03-10", discharged=at("2026-03-10")), STRICT))

    def test_a_line_without_a_day_is_not_checked_after_the_discharge(self):
        """The message's day stands in, which says nothing of a bill sent later."""
        encounter = an_encounter(a_line(begin=None), a_line(begin=at("2026-03-16")), **STAY)
        found = verdict(encounter, STRICT)

        assert ((("line.time",), "missing", (0,)),) == unread(found)
        assert ((1,),) == said(found)
        assert silent(verdict(an_encounter(a_line(begin=None), admitted=at("2026-03-10")), STRICT))

    def test_how_the_patient_came_in_must_be_known(self):
        """Neither 医疗类别 nor an emergency flag: charges from before may have been brought along."""
        unknown = {"medical_type": None, "emergency": None}
        found = verdict(charged("2026-03-09", "2026-03-15", "2026-03-10", **unknown), STRICT)

        assert ((("visit.medical_type",), "missing", (0,)),) == unread(found)
        assert ((1,),) == said(found)
        assert ((0,),) == said(verdict(charged("2026-03-09", medical_type=None), STRICT))
        assert ((0,),) == said(verdict(charged("2026-03-09", emergency=None), STRICT))


@pytest.mark.parametrize("quantity", [UNIT, 400 * UNIT])
@pytest.mark.parametrize(
    ("begin", "fires"),
    [("2026-03-17 00:00", False), ("2026-03-16 23:59", True), ("2026-03-20 23:59", False), ("2026-03-21 00:00", True)],
)
def test_the_first_and_the_last_day_belong_to_the_stay(quantity, begin, fires):
    """Without tolerance the days of admission and discharge are the ends, whatever the quantity."""
    rule = a_rule("charge_date", days_before="0", days_after="0")
    stay = {"admitted": at("2026-03-17 09:00"), "discharged": at("2026-03-20 10:00")}
    found = verdict(an_encounter(a_line(begin=at(begin), quantity=quantity), **stay), rule, time=at("2026-03-21 12:00"))

    assert fires == bool(found.findings)
