"""Low-standard admission: what justifies a stay, by charges and by diagnoses, and what keeps that from being known."""

from datetime import date

import pytest

from rules.model import UNIT, Encounter, Operation, Patient
from tests.builders import a_line, a_rule, a_word, an_encounter, at, icd, past, recorded, silent, unread, verdict

BED = "001109000010000"
CT = "002103000010000"
INFUSION = "001204000060000"
TABLET = "XA02BCA348X006010100001"
CHARGES = a_rule(
    "low_standard_admission", name="低标准入院", only_items=f"{BED}|0021*", oral_drugs="true", max_days="3", max_age=""
)
NO_DRUGS = a_rule("low_standard_admission", only_items=f"{BED}|0021*", oral_drugs="", max_days="", max_age="")
SPECIAL = a_rule("low_standard_admission", only_items=f"{BED}|0021*", max_age="", except_dx="F*")
MINOR = a_rule(
    "low_standard_admission",
    name="低标准入院",
    only_items="",
    oral_drugs="",
    max_days="",
    minor_dx="J06*|J00*",
    max_age="",
)
COLD = icd("J06.900", name="急性上呼吸道感染")
KNOWN = recorded(since="2026-03-16")


def bed(**changes):
    return a_line(BED, **({"name": "床位费"} | changes))


def scan(**changes):
    return a_line(CT, **({"name": "X线计算机体层平扫"} | changes))


def drug(item=TABLET, **changes):
    return a_line(item, **({"name": "奥美拉唑"} | changes))


def leaving(*lines, rule=CHARGES, context=KNOWN, words=(), **changes):
    given = {"admitted": at("2026-03-16 10:00"), "discharged": at("2026-03-18 09:00")}
    return verdict(an_encounter(*lines or (bed(), scan()), **(given | changes)), rule, context=context, words=words)


def entering(*diagnoses, rule=MINOR, **changes):
    given = {"diagnoses": diagnoses or (COLD,), "scenes": ("3",)}
    return verdict(an_encounter(bed(), **(given | changes)), rule)


class TestCharges:
    def test_board_and_examinations_only(self):
        """The finding says how long and what for; it has no lines."""
        (finding,) = leaving().findings

        assert "STAY_WITHOUT_TREATMENT" == finding.code
        assert (
            "【低标准入院】住院 2 天,收费仅有床位费、X线计算机体层平扫,未见需住院的治疗;有住院指征的请注明,"
            "否则请按门诊结算。" == finding.message
        )
        assert ((), "未见需住院的治疗", "需住院的治疗") == (finding.lines, finding.limit, finding.allowed)
        assert "住院 2 天,收费仅有床位费、X线计算机体层平扫" == finding.present
        assert (("found", "床位费、X线计算机体层平扫"), ("days", "2")) == finding.facts

    def test_names_stand_by_time_then_id(self):
        """Not by the places of the lines."""
        assert "收费仅有X线计算机体层平扫、床位费,未见" in leaving(bed(id="b"), scan(id="a")).findings[0].message

    def test_a_line_without_a_name(self):
        """A bare code is never shown."""
        assert "收费仅有未命名项目,未见" in leaving(bed(name="")).findings[0].message

    @pytest.mark.parametrize(
        "line",
        [
            a_line(INFUSION),
            a_line(INFUSION, self_paid=True, consent=True),
            past("2026-03-17", INFUSION),
            drug(route="iv"),
            drug(dose_form="injection"),
            drug(route="iv", dose_form="oral_solid"),
            drug("XJ01DBT064B001010100001"),
            drug("XJ01DBT064B001", route="某途径"),
        ],
    )
    def test_a_treatment_justifies_it(self, line):
        """Current or known, whoever pays; the route tells, else the form, else the code. No history is needed then."""
        assert silent(leaving(bed(), line, context=None))

    @pytest.mark.parametrize(
        "facts",
        [
            {"route": "oral"},
            {"route": "oral", "dose_form": "injection"},
            {"dose_form": "oral_solid"},
            {"dose_form": "sustained_release"},
            {"dose_form": "oral_liquid"},
            {"dose_form": "granule"},
            {"route": "PO甲", "dose_form": "granule"},
            {"item": "XJ01DBT064B001010100001", "route": "oral"},
            {"item": "XJ01DBT064B001010100001", "dose_form": "oral_liquid"},
        ],
    )
    def test_drugs_by_mouth_do_not(self, facts):
        """By route, else by dose form; the code is asked last."""
        assert 1 == len(leaving(bed(), drug(**facts)).findings)

    def test_where_drugs_are_not_excepted_they_justify(self):
        """Without ``oral_drugs`` any drug is a treatment."""
        assert silent(leaving(bed(), drug(route="oral"), rule=NO_DRUGS))
        assert 1 == len(leaving(rule=NO_DRUGS).findings)

    def test_a_consumable_is_no_drug(self):
        """Only drugs are asked for a route."""
        assert silent(leaving(bed(), a_line("C0101010010000000000000000")))

    def test_what_was_taken_back_or_of_another_visit_does_not_count(self):
        """Neither justifies this stay."""
        taken = (past("2026-03-17", INFUSION, id="X"), past("2026-03-17", INFUSION, id="X", quantity=-UNIT))

        assert 1 == len(leaving(bed(), *taken, past("2026-03-01", INFUSION, visit="V0")).findings)

    def test_a_settlement_sends_its_reversals_with_it(self):
        """Nothing of what was given back is left; other visits' reversals take nothing."""
        given = (a_line(INFUSION, id="X"), a_line(INFUSION, id="X", quantity=-UNIT))

        assert 1 == len(leaving(bed(), *given).findings)
        assert silent(leaving(bed(), given[0], past("2026-03-01", INFUSION, id="X", quantity=-UNIT, visit="V0")))
        assert silent(leaving(bed(), a_line(INFUSION, quantity=None)))

    def test_nothing_charged_says_nothing(self):
        """A stay without charges is another matter."""
        assert silent(leaving(bed(quantity=0)))

    @pytest.mark.parametrize(("begin", "count"), [("2026-03-15", 1), ("2026-03-14", 0)])
    def test_only_short_stays(self, begin, count):
        """Three nights are judged, four are not."""
        assert count == len(leaving(admitted=at(begin), context=recorded(since="2026-03-01")).findings)

    def test_days_without_a_limit_and_without_a_discharge(self):
        """Any stay; until today where the patient is still in; a few hours are one day."""
        early = {"admitted": at("2026-03-01"), "discharged": None, "scenes": ("8",)}
        same = {"admitted": at("2026-03-18 01:00"), "discharged": at("2026-03-18 09:00")}
        (long,) = leaving(rule=NO_DRUGS, context=recorded(since="2026-03-01"), **early).findings
        (short,) = leaving(**same).findings

        assert ("17", "1") == (dict(long.facts)["days"], dict(short.facts)["days"])

    @pytest.mark.parametrize(("scenes", "count"), [(("8",), 1), (("9",), 1), (("5",), 0), ((), 0)])
    def test_it_speaks_at_the_end(self, scenes, count):
        """Settlement, or a discharge that is written."""
        found = leaving(discharged=None, scenes=scenes)

        assert count == len(found.findings)
        assert count or silent(found)


class TestChargesUnknown:
    def test_a_drug_without_a_route(self):
        """It may be an injection."""
        found = leaving(bed(), drug())

        assert ((("line.route",), "missing", ()),) == unread(found)
        assert () == found.findings

    @pytest.mark.parametrize("item", ["XJ01DBT064A001010100001", "ZA12BBB0010010100001", "TB000000010000"])
    def test_a_code_that_does_not_say(self, item):
        """Only the letter of an injection in a western drug's code tells."""
        assert ((("line.route",), "missing", ()),) == unread(leaving(bed(), drug(item)))

    def test_the_first_drug_that_cannot_be_told_is_reported(self):
        """One reason is enough not to know; a treatment after it settles the matter."""
        found = leaving(bed(), drug(), drug(route="PO甲"))

        assert ((("line.route",), "missing", ()),) == unread(found)
        assert silent(leaving(bed(), drug(), a_line(INFUSION)))

    def test_a_route_that_nobody_can_read(self):
        """A hospital's word has a meaning or it has none."""
        words = (a_word("route", "PO甲", "oral"),)

        assert ((("line.route",), "unmapped", ()),) == unread(leaving(bed(), drug(route="PO甲")))
        assert 1 == len(leaving(bed(), drug(route="PO甲"), words=words).findings)

    @pytest.mark.parametrize(("item", "reason"), [("", "missing"), ("Y0001", "unmapped")])
    def test_a_line_that_cannot_be_read(self, item, reason):
        """It may be a treatment."""
        found = [gap for gap in leaving(bed(), a_line(item)).not_checked if gap.rule == "R1"]

        assert [(("line.item",), reason, (1,))] == [(gap.fields, gap.reason, gap.lines) for gap in found]

    def test_a_rule_on_local_codes_reads_them(self):
        """Where the row names a local code, another local code is something else."""
        rule = a_rule("low_standard_admission", only_items="H0001|0021*", max_age="")

        assert 1 == len(leaving(past("2026-03-17", "H0001"), scan(), rule=rule).findings)
        assert silent(leaving(past("2026-03-17", "H0002"), scan(), rule=rule))

    @pytest.mark.parametrize("since", ["2026-03-17", None])
    def test_a_stay_not_known_from_its_admission(self, since):
        """A treatment may be unknown."""
        found = leaving(context=recorded(since=since) if since else None)

        assert ((("history",), "missing", ()),) == unread(found)

    def test_no_admission(self):
        """Nobody knows how long the stay was."""
        assert ((("visit.admitted",), "missing", ()),) == unread(leaving(admitted=None))

    @pytest.mark.parametrize(("rule", "gaps"), [(SPECIAL, 1), (CHARGES, 0)])
    def test_a_diagnosis_that_may_justify_it(self, rule, gaps):
        """Where some diagnoses are excepted, all must be readable."""
        found = leaving(rule=rule, diagnoses=(icd("XYZD01"),))

        assert ((("diagnosis.code",), "unmapped", ()),) * gaps == unread(found)
        assert 1 - gaps == len(found.findings)

    def test_a_diagnosis_that_does(self):
        """Excepted care is never judged."""
        assert silent(leaving(rule=SPECIAL, diagnoses=(icd("F20.000"),), context=None))


class TestMinorIllness:
    def test_only_minor_diagnoses(self):
        """The finding names them."""
        (finding,) = entering(COLD, icd("J00.x00", name="急性鼻咽炎")).findings

        assert "MINOR_ILLNESS_ADMISSION" == finding.code
        assert (
            "【低标准入院】入院诊断仅为急性上呼吸道感染、急性鼻咽炎,一般可在门诊治疗;有住院指征的请补录诊断或注明,"
            "否则请转门诊。" == finding.message
        )
        assert ((), "一般可在门诊治疗", "有住院指征的诊断") == (finding.lines, finding.limit, finding.allowed)
        assert "入院诊断仅为急性上呼吸道感染、急性鼻咽炎" == finding.present
        assert (("found", "急性上呼吸道感染、急性鼻咽炎"),) == finding.facts

    @pytest.mark.parametrize(
        "other",
        [
            icd("J18.900"),
            icd("J18.900", suspected=True),
            icd("J06.900", suspected=True),
            icd("J06.900+J18.900"),
        ],
    )
    def test_another_disease_justifies_it(self, other):
        """Sure or suspected, beside an unmapped one too."""
        assert silent(entering(COLD, other))
        assert silent(entering(COLD, other, icd("XYZD01")))

    def test_a_tcm_diagnosis_beside_it_changes_nothing(self):
        """It names the same illness in other words."""
        assert 1 == len(entering(COLD, icd("A17.07")).findings)

    def test_an_unmapped_diagnosis_is_not_checked(self):
        """It may be a grave one."""
        found = entering(COLD, icd("XYZD01"))

        assert ((("diagnosis.code",), "unmapped", ()),) == unread(found)

    @pytest.mark.parametrize(("scenes", "count"), [(("3",), 1), (("4",), 0), (("8",), 0), ((), 0)])
    def test_it_speaks_at_registration(self, scenes, count):
        """Later the diagnoses have grown, or the stay is judged by its charges."""
        found = entering(scenes=scenes)

        assert count == len(found.findings)
        assert count or silent(found)

    def test_nothing_ordered(self):
        """At 住院登记 there are no lines at all."""
        given = an_encounter(diagnoses=(COLD,), scenes=("3",))
        bare = Encounter(hospital="H1", patient=Patient(), visit=given.visit, scenes=("3",), diagnoses=(COLD,))

        assert 1 == len(verdict(bare, MINOR).findings)


class TestWhoIsJudged:
    @pytest.mark.parametrize(
        "changes",
        [
            {"emergency": True},
            {"rescue": True},
            {"planned": True},
            {"operations": (Operation(code="86.2200"),)},
            {"type": "outpatient"},
        ],
    )
    def test_what_is_never_judged(self, changes):
        """Urgent, planned, operated on, or no stay at all."""
        assert silent(entering(**changes))
        assert silent(leaving(**changes))

    @pytest.mark.parametrize("changes", [{"emergency": None}, {"rescue": None}, {"planned": False}, {"planned": None}])
    def test_unknown_is_no_excuse(self, changes):
        """Most senders never say."""
        assert 1 == len(entering(**changes).findings)

    @pytest.mark.parametrize(
        ("changes", "reason"), [({"type": None}, "missing"), ({"type_conflict": True}, "conflict")]
    )
    def test_a_visit_of_unknown_type(self, changes, reason):
        """It may be no stay."""
        assert ((("visit.type",), reason, ()),) == unread(entering(**changes))
        assert ((("visit.type",), reason, ()),) == unread(leaving(**changes))

    @pytest.mark.parametrize(
        ("birth", "count"),
        [(date(2012, 3, 17), 1), (date(2012, 3, 18), 0), (date(1955, 3, 18), 1), (date(1955, 3, 17), 0)],
    )
    def test_only_these_ages(self, birth, count):
        """14 to 70 at admission: both belong to it."""
        rule = a_rule(
            "low_standard_admission",
            only_items="",
            oral_drugs="",
            max_days="",
            minor_dx="J06*",
            min_age="14y",
            max_age="70y",
        )

        assert count == len(entering(rule=rule, birth_date=birth).findings)

    @pytest.mark.parametrize("band", [{"min_age": "14y", "max_age": ""}, {"max_age": "70y"}])
    def test_an_unknown_age(self, band):
        """Where ages matter the birth date is needed; where they do not it is not."""
        rule = a_rule("low_standard_admission", **({"only_items": f"{BED}|0021*"} | band))

        assert ((("patient.birth_date",), "missing", ()),) == unread(leaving(rule=rule, birth_date=None))
        assert 1 == len(leaving(birth_date=None).findings)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"minor_dx": "J06*"}, "name either only_items or minor_dx"),
        ({"only_items": ""}, "name either only_items or minor_dx"),
        ({"only_items": "", "minor_dx": "J06*", "oral_drugs": ""}, "belong to only_items"),
        ({"only_items": "", "minor_dx": "J06*", "max_days": ""}, "belong to only_items"),
        ({"max_days": "0"}, "greater than 0"),
    ],
)
def test_columns_that_contradict_each_other(columns, message):
    """A row has one reading."""
    with pytest.raises(ValueError, match=message):
        a_rule("low_standard_admission", **columns)
