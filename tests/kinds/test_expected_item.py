"""Expected item: what bears a diagnosis or operation out, when it is asked, and what keeps it from being absent."""

from datetime import date

import pytest

from rules.model import UNIT, Operation
from tests.builders import a_line, a_rule, an_encounter, at, icd, past, recorded, silent, unread, verdict

DIABETES = a_rule("expected_item", name="糖尿病", dx="E10*|E11*", expect_items="XA10*", expect_name="降糖药")
CHOLECYSTECTOMY = a_rule(
    "expected_item", name="胆囊切除", dx="", ops="51.2*", expect_items="003310070010000", expect_name="胆囊切除术"
)
NURSING = a_line("001201000030000", name="护理")
INSULIN = "XA10ABY001B001010100001"
KNOWN = recorded(since="2026-03-17")


def at_the_end(*lines, rule=DIABETES, context=KNOWN, **changes):
    given = {"diagnoses": (icd("E11.900", name="2型糖尿病"),), "discharged": at("2026-03-18 09:00")}
    return verdict(an_encounter(*lines or (NURSING,), **(given | changes)), rule, context=context)


class TestExpected:
    def test_nothing_bears_it_out(self):
        """The finding names the diagnosis and what is expected; it has no lines."""
        (finding,) = at_the_end().findings

        assert "DIAGNOSIS_WITHOUT_ITEM" == finding.code
        assert "【糖尿病】诊断(2型糖尿病)应有降糖药的收费,本次就诊未见;请核对诊断编码,漏收的请补记。" == finding.message
        assert ((), "应有降糖药的收费", "未见降糖药") == (finding.lines, finding.limit, finding.present)
        assert "降糖药" == finding.allowed
        assert (("found", "2型糖尿病"), ("expected", "降糖药")) == finding.facts

    def test_an_operation_without_its_fee(self):
        """Operations have their own code and wording."""
        done = (Operation(code="51.2300", name="腹腔镜下胆囊切除术"),)
        (finding,) = at_the_end(rule=CHOLECYSTECTOMY, operations=done).findings

        assert "OPERATION_WITHOUT_ITEM" == finding.code
        assert (
            "【胆囊切除】手术操作(腹腔镜下胆囊切除术)应有胆囊切除术的收费,本次就诊未见;"
            "请核对手术操作编码,漏收的请补记。" == finding.message
        )

    @pytest.mark.parametrize(
        "line",
        [
            a_line(INSULIN),
            a_line(INSULIN, quantity=None, amount=None),
            a_line(INSULIN, self_paid=True, consent=True),
            past("2026-03-17", INSULIN),
        ],
    )
    def test_one_of_the_items_is_enough(self, line):
        """Current or known from before, of unknown quantity, whoever pays."""
        assert silent(at_the_end(NURSING, line, context=None))

    def test_a_recorded_line_of_this_visit_counts(self):
        """What was recorded before bears it out."""
        assert silent(at_the_end(context=recorded(past("2026-03-17", INSULIN, id="X"))))

    def test_another_visits_line_does_not(self):
        """The drug of an earlier visit bears nothing out now."""
        assert 1 == len(at_the_end(NURSING, past("2026-03-01", INSULIN, visit="V0")).findings)

    def test_a_charge_taken_back_does_not(self):
        """What was reversed was not given."""
        taken = (past("2026-03-17", INSULIN, id="X"), past("2026-03-17", INSULIN, id="X", quantity=-UNIT))

        assert 1 == len(at_the_end(NURSING, *taken).findings)

    def test_a_suspected_diagnosis_asks_for_nothing(self):
        """待查 is no code to bear out."""
        assert silent(at_the_end(diagnoses=(icd("E11.900", suspected=True),)))


class TestMoment:
    @pytest.mark.parametrize("scene", ["6", "7", "8", "9", "10"])
    def test_it_speaks_at_settlement(self, scene):
        """Settlement and pre-settlement, discharged or not."""
        assert 1 == len(at_the_end(discharged=None, scenes=(scene,)).findings)

    @pytest.mark.parametrize("scenes", [(), ("2",), ("4",), ("5",)])
    def test_before_the_end_it_is_silent(self, scenes):
        """While orders are written the item may yet come."""
        assert silent(at_the_end(discharged=None, scenes=scenes, context=None))

    @pytest.mark.parametrize("scene", ["2", "4", "5"])
    def test_an_order_after_the_discharge_is_an_order(self, scene):
        """The message's own scene says that more is being written."""
        assert silent(at_the_end(scenes=(scene,), context=None))

    @pytest.mark.parametrize(("discharged", "count"), [("2026-03-18 10:00", 1), ("2026-03-18 10:01", 0)])
    def test_a_discharge_yet_to_come_is_a_plan(self, discharged, count):
        """Until then the item may yet come."""
        assert count == len(at_the_end(discharged=at(discharged)).findings)


class TestUnknown:
    def test_charges_not_known_back_to_the_admission(self):
        """One day short is not known; from the admission on is enough."""
        found = at_the_end(context=recorded(since="2026-03-18"))

        assert ((("history",), "missing", ()),) == unread(found)
        assert () == found.findings

    def test_the_sender_may_vouch_for_them(self):
        """A message that says its history is complete needs no record."""
        assert 1 == len(at_the_end(context=None, history_since=date(2026, 3, 17)).findings)

    def test_history_that_came_too_late(self):
        """A deadline missed is said as such."""
        found = at_the_end(context=recorded(since="2026-03-18", late=("history",)))

        assert ((("history",), "timeout", ()),) == unread(found)

    @pytest.mark.parametrize(("kind", "gaps"), [("inpatient", 1), (None, 1), ("outpatient", 0)])
    def test_an_in_patient_needs_his_admission(self, kind, gaps):
        """Without it nobody knows how far back to look; an out-patient visit is of today."""
        found = at_the_end(type=kind, admitted=None)

        assert ((("visit.admitted",), "missing", ()),) * gaps == unread(found)
        assert 1 - gaps == len(found.findings)

    def test_a_line_without_a_code_may_be_anything(self):
        """The rule says which current line it cannot read; a known one without a code counts too."""
        given = (NURSING, a_line("", name="某药"), past("2026-03-17", "", name="某药"))
        found = [gap for gap in unread(at_the_end(*given)) if gap[1] == "missing"]

        assert [(("line.item",), "missing", (1,))] * 2 == found

    def test_a_line_without_a_code_on_another_visit(self):
        """Only this visit's lines could bear it out."""
        assert 1 == len(at_the_end(NURSING, past("2026-03-01", "", visit="V0")).findings)

    def test_a_local_code_may_stand_for_a_national_one(self):
        """Unmapped lines keep absence from being certain."""
        found = at_the_end(NURSING, a_line("Y0012"), past("2026-03-17", "Y0013"))

        assert (("line.item",), "unmapped", (1,)) in unread(found)
        assert 2 == len(found.not_checked)
        assert () == found.findings

    def test_a_rule_on_local_codes_reads_them(self):
        """Where the row names a local code, other local codes are other items."""
        rule = a_rule("expected_item", dx="E11*", expect_items="XA10*|H0011", expect_name="降糖药")

        assert 1 == len(at_the_end(NURSING, past("2026-03-17", "Y0013"), rule=rule).findings)
        assert silent(at_the_end(NURSING, past("2026-03-17", "H0011"), rule=rule))


@pytest.mark.parametrize("columns", [{"dx": ""}, {"ops": "51.2*"}])
def test_a_row_names_one_thing(columns):
    """Either diagnoses or operations, never both or none."""
    with pytest.raises(ValueError, match="name either dx or ops"):
        a_rule("expected_item", **columns)


@pytest.mark.parametrize("columns", [{"expect_items": "|"}, {"expect_name": " "}])
def test_what_is_expected_cannot_be_empty(columns):
    """An item and its name are needed; a name may be a single character."""
    with pytest.raises(ValueError, match="at least 1"):
        a_rule("expected_item", **columns)
    assert "药" == a_rule("expected_item", expect_name="药").expect_name
