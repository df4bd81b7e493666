"""Drug count: different drugs of one out-patient prescription or day; never for in-patients, never above warn."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

FIVE = a_rule("drug_count", items="X*|Z*", max="2", except_items="XB05*", name="处方药品品种")
DAILY = a_rule("drug_count", items="X*|Z*", max="2", per="day", name="当日药品品种")
A, B, C = "XA02BCA348X006010101234", "XJ01CAA040E001010105678", "ZA04CAE0023010100166"
SALINE = "XB05BBL001B002010100001"
PIECE = "T001700368"


def drug(item=A, number="P1", **changes):
    return a_line(item, **({"prescription": number} | changes))


def outpatient(*lines, rule=FIVE, **changes):
    return verdict(an_encounter(*lines, **({"type": "outpatient", "medical_type": "11"} | changes)), rule)


def gaps(found):
    return tuple((entry.fields, entry.reason, entry.lines) for entry in found.not_checked if entry.rule == "R1")


class TestCount:
    def test_the_limit_itself_is_silent(self):
        """Two drugs are two, on however many lines."""
        assert silent(outpatient(drug(), drug(B), drug(B)))

    def test_one_more_fires_on_what_is_beyond(self):
        """The last drug written is the one too many."""
        (finding,) = outpatient(drug(), drug(B), drug(C)).findings

        assert ((2,), (0, 1), "warn") == (finding.lines, finding.involved, finding.level)

    def test_known_drugs_use_the_limit_up_first(self):
        """What was saved before stands; what is being saved is beyond."""
        lines = (drug(), past("2026-03-18", B, prescription="P1"), past("2026-03-18", C, prescription="P1"))
        (finding,) = outpatient(*lines).findings

        assert ((0,), (1, 2)) == (finding.lines, finding.involved)

    def test_all_lines_of_a_drug_beyond_are_named(self):
        """Both would have to go."""
        assert ((2, 3),) == said(outpatient(drug(), drug(B), drug(C), drug(C)))

    @pytest.mark.parametrize("other", ["XA02BCA348E001010100001", "XA02BCA348X006010101235"])
    def test_form_and_brand_do_not_make_another_drug(self, other):
        """One substance is one drug."""
        assert silent(outpatient(drug(), drug(B), drug(other)))

    @pytest.mark.parametrize(("other", "fires"), [("ZA04CAE0023010200999", False), ("ZA04CAE0024010100166", True)])
    def test_a_patent_drug_is_known_by_eleven_characters(self, other, fires):
        """Another specification is the same medicine."""
        assert fires == bool(outpatient(drug(B), drug(C), drug(other)).findings)

    @pytest.mark.parametrize("item", [SALINE, PIECE])
    def test_solvents_and_pieces_do_not_count(self, item):
        """The row excepts the one and does not name the other."""
        assert silent(outpatient(drug(), drug(B), drug(item)))

    def test_a_drug_taken_back_does_not_count(self):
        """A refund leaves two."""
        lines = (drug(), drug(B), drug(C, id="L9"), drug(C, id="L9", quantity=-1_0000))

        assert silent(outpatient(*lines))

    def test_saving_only_what_does_not_count_is_silent(self):
        """The prescription was too long before; the solvent is not at fault."""
        known = [past("2026-03-18", item, prescription="P1") for item in (A, B, C)]

        assert silent(outpatient(drug(SALINE), *known))

    def test_more_of_a_known_drug_is_not_beyond(self):
        """The prescription was too long before; this adds no drug to it."""
        known = [past("2026-03-18", item, prescription="P1") for item in (A, B, C)]

        assert silent(outpatient(drug(), *known))


class TestPrescription:
    def test_each_number_is_a_prescription(self):
        """Two and one."""
        assert silent(outpatient(drug(), drug(B), drug(C, "P2")))

    def test_each_day_of_a_number_counts_by_itself(self):
        """A course of treatment may carry one number; a prescription is written on one day."""
        assert silent(outpatient(drug(), drug(B), drug(C, begin=at("2026-03-17"))))

    def test_without_numbers_too_many_are_not_checked(self):
        """They may be two prescriptions; few enough are few enough either way."""
        found = outpatient(drug(number=None), drug(B, None), drug(C, None), drug(SALINE, None))

        assert ((("line.prescription",), "missing", (0, 1, 2)),) == unread(found)
        assert silent(outpatient(drug(number=None), drug(B, None)))

    def test_a_line_nobody_can_recognise_may_be_one_too_many(self):
        """Only where it would decide."""
        decides = outpatient(drug(), drug(B), drug("LOCAL7"))
        room = outpatient(drug(), drug("LOCAL7"))
        over = outpatient(drug(), drug(B), drug(C), drug("LOCAL7"))

        assert (((("line.item",), "unmapped", (0, 1)),), ()) == (gaps(decides), said(decides))
        assert ((), ()) == (gaps(room), said(room))
        assert ((), ((2,),)) == (gaps(over), said(over))


class TestDay:
    def test_prescriptions_of_a_day_count_together(self):
        """Numbers do not matter, and another prescription is no way out."""
        (finding,) = outpatient(drug(), drug(B, "P2"), drug(C, None), rule=DAILY).findings

        assert ((2,), (0, 1)) == (finding.lines, finding.involved)
        assert "【当日药品品种】当日共 3 种药品,限 2 种;请精简用药(超出:当日药品品种)。" == finding.message

    def test_another_day_does_not_count(self):
        """Nor does another visit."""
        assert silent(outpatient(drug(), drug(B), past("2026-03-17", C), rule=DAILY))
        assert silent(outpatient(drug(), drug(B), past("2026-03-18", C, visit="V0"), rule=DAILY))

    def test_each_day_is_judged(self):
        """Lines being saved may fall on several days."""
        earlier = at("2026-03-17 10:00")
        lines = (drug(), drug(B), drug(C), drug(begin=earlier), drug(B, begin=earlier))

        assert ((2,),) == said(outpatient(*lines, rule=DAILY))

    def test_a_day_on_which_nothing_is_saved_is_silent(self):
        """What was too much before is not at fault now."""
        known = [past("2026-03-17", item) for item in (A, B, C)]

        assert silent(outpatient(drug(), *known, rule=DAILY))

    def test_a_known_drug_without_a_time_may_be_of_the_day(self):
        """Only where it would decide."""
        assert ((("line.time",), "missing", (0, 1)),) == unread(outpatient(drug(), drug(B), past(None, C), rule=DAILY))
        assert silent(outpatient(drug(), past(None, C), rule=DAILY))

    @pytest.mark.parametrize(("begin", "open_"), [("2026-03-18", True), (None, True), ("2026-03-17", False)])
    def test_a_line_nobody_can_recognise_counts_on_its_day(self, begin, open_):
        """Of that day, or of no known day."""
        stranger = recorded(past(begin, "LOCAL7", id="X"))
        found = verdict(
            an_encounter(drug(), drug(B), type="outpatient"), a_rule("drug_count", max="2", per="day"), context=stranger
        )

        assert (((("line.item",), "unmapped", (0, 1)),) if open_ else ()) == gaps(found)


class TestVisit:
    LINES = (drug(), drug(B), drug(C))

    @pytest.mark.parametrize("kind", ["inpatient", "pharmacy"])
    def test_in_patients_and_pharmacies_are_never_judged(self, kind):
        """Ruling 21."""
        assert silent(outpatient(*self.LINES, type=kind))

    @pytest.mark.parametrize("emergency", [True, False, None])
    def test_an_emergency_is_an_out_patient_visit(self, emergency):
        """Both write prescriptions."""
        assert ((2,),) == said(outpatient(*self.LINES, emergency=emergency))

    @pytest.mark.parametrize(("rescue", "fires"), [(True, False), (False, True), (None, True)])
    def test_a_rescue_is_never_interrupted(self, rescue, fires):
        """Ruling 21."""
        assert fires == bool(outpatient(*self.LINES, emergency=True, rescue=rescue).findings)

    def test_an_unknown_visit_is_not_checked(self):
        """Where there are too many."""
        assert ((("visit.type",), "missing", (0, 1, 2)),) == unread(outpatient(*self.LINES, type=None))
        assert silent(outpatient(*self.LINES[:2], type=None))

    @pytest.mark.parametrize("kind", ["inpatient", "outpatient"])
    def test_a_visit_that_contradicts_itself_is_not_checked(self, kind):
        """Ruling 6."""
        found = outpatient(*self.LINES, type=kind, type_conflict=True)

        assert ((("visit.type",), "conflict", (0, 1, 2)),) == unread(found)


class TestWords:
    def test_the_message_names_what_is_beyond(self):
        """A doctor reads how many there are, how many may be, and which to drop."""
        (finding,) = outpatient(drug(), drug(B), drug(C, name="甲颗粒"), drug(C, name="甲颗粒")).findings

        words = "【处方药品品种】本张处方共 3 种药品,限 2 种;请精简用药或分方开具(超出:甲颗粒)。"
        assert words == finding.message
        assert ("本张处方限 2 种药品", "2 种") == (finding.limit, finding.allowed)
        assert (("count", "3"), ("max", "2")) == finding.facts

    def test_no_money_is_at_stake(self):
        """It is no fund rule, and who pays does not matter."""
        (finding,) = outpatient(drug(), drug(B), drug(C, self_paid=True)).findings

        assert ((2,), (0,)) == (finding.lines, finding.amounts)

    def test_a_row_that_could_never_speak_is_refused(self):
        """Its items name too few drugs."""
        with pytest.raises(ValueError, match="never speak"):
            a_rule("drug_count", items=f"{A}|{B}", max="2")
        with pytest.raises(ValueError, match="never speak"):
            a_rule("drug_count", items=f"{A}|{B}|{SALINE}", max="2", except_items="XB05*")
        assert a_rule("drug_count", items=f"{A}|{B}", max="1")
        with pytest.raises(ValueError, match="greater than 0"):
            a_rule("drug_count", max="0")


def test_a_line_out_of_force_is_not_at_fault():
    """A rule that holds from a day on does not speak about an earlier line, though it counts."""
    rule = a_rule("drug_count", items="X*|Z*", max="1", valid_from="2026-03-18")
    lines = (drug(begin=at("2026-03-18 08:00")), drug(B, begin=at("2026-03-18 09:00"), stop=None))

    assert ((1,),) == said(outpatient(*lines, rule=rule))
    early = (drug(begin=at("2026-03-18 08:00")), drug(B, begin=at("2026-03-18 09:00")))
    later = a_rule("drug_count", items="X*|Z*", max="1", valid_from="2026-03-19")
    assert silent(outpatient(*early, rule=later))
