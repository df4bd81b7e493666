"""Likely up-coding: the signs that are spoken of, when and to whom, how far apart the points must be."""

from decimal import Decimal

import pytest

from rules.model import Overlay
from tests.builders import a_rule, at, icd, replace, silent, unread
from tests.kinds.dip_facts import OVER, a_patient, a_result, a_sign, a_standing, lost, told

RULE = a_rule("dip_upcoding", name="疑似高套")
TENTH = a_rule("dip_upcoding", min_points_difference="0.1")
LEFT = a_patient(**OVER)
CODE = a_sign(
    "upcoding",
    "doubtful_code_raises_group",
    message="编码【96.7201】没有依据。请核对依据。",
    other_group="K80.0",
    points_difference=Decimal("-250.50"),
    evidence=("96.7201", "K80.100"),
)


def test_a_sign():
    """What it is, of which group, and what it rests on."""
    (finding,) = told(RULE, a_result(), CODE).findings

    assert "UPCODING_DOUBTFUL_CODE" == finding.code
    assert "【疑似高套】预估病种 K80.1 胆囊结石:编码【96.7201】没有依据。请核对依据。" == finding.message
    assert ((), "入组有病历依据", "与病历一致的编码") == (finding.lines, finding.limit, finding.allowed)
    assert "编码【96.7201】没有依据。请核对依据" == finding.present
    assert (
        ("group", "预估病种 K80.1 胆囊结石"),
        ("sign", "doubtful_code_raises_group"),
        ("other_group", "K80.0"),
        ("points_difference", "-250.5"),
        ("evidence", "96.7201、K80.100"),
    ) == finding.facts


def test_a_sign_that_does_not_ask():
    """It is a question all the same; what it does not know is left out of the facts."""
    (finding,) = told(RULE, replace(a_result(), estimated=False), a_sign("upcoding")).findings

    assert "【疑似高套】病种 K80.1 胆囊结石:某处存疑;请核对病历与编码。" == finding.message
    assert (("group", "病种 K80.1 胆囊结石"), ("sign", "some_sign")) == finding.facts


def test_one_finding_per_sign_of_its_sort():
    """Each under the code that belongs to it; other sorts and what is said otherwise are left out."""
    codes = ["doubtful_code_raises_group", "low_cost_in_high_group", "point_chasing", "cost_shifted_to_patient", "new"]
    signs = [a_sign("upcoding", code) for code in ("excluded_principal", *codes)]
    others = [a_sign("downcoding"), a_sign("principal")]
    found = told(RULE, a_result(), *signs, *others, encounter=LEFT)

    assert [
        ("doubtful_code_raises_group", "UPCODING_DOUBTFUL_CODE"),
        ("low_cost_in_high_group", "UPCODING_LOW_COST"),
        ("point_chasing", "UPCODING_LOW_COST"),
        ("cost_shifted_to_patient", "UPCODING_SUSPECTED"),
        ("new", "UPCODING_SUSPECTED"),
    ] == sorted(((dict(one.facts)["sign"], one.code) for one in found.findings), key=lambda pair: codes.index(pair[0]))


class TestWhen:
    @pytest.mark.parametrize("code", ["low_cost_in_high_group", "point_chasing", "cost_shifted_to_patient"])
    def test_the_whole_cost_is_known_at_the_end(self, code):
        """Every stay begins cheap, for coders too."""
        assert silent(told(RULE, a_result(), a_sign("upcoding", code)))
        assert 1 == len(told(RULE, a_result(), a_sign("upcoding", code), encounter=LEFT).findings)

    @pytest.mark.parametrize(
        ("role", "doctor_level", "changes", "levels"),
        [
            ("doctor", "", {}, []),
            ("nurse", "", {}, []),
            ("pharmacist", "silent", {}, []),
            ("doctor", "info", {}, ["info"]),
            ("doctor", "warn", {}, ["warn"]),
            ("coder", "", {}, ["warn"]),
            ("insurance_office", "", {}, ["warn"]),
            ("doctor", "", OVER, ["silent"]),
            ("doctor", "info", OVER, ["info"]),
            ("coder", "", OVER, ["warn"]),
            ("doctor", "", {"scenes": ("8",)}, ["silent"]),
            ("doctor", "", {"scenes": ("4",), "discharged": at("2026-03-18 09:00")}, []),
        ],
    )
    def test_codes_are_final_at_the_end(self, role, doctor_level, changes, levels):
        """Before it they concern coders; doctors only where the row lets them hear of it, else silently at the end."""
        rule = a_rule("dip_upcoding", doctor_level=doctor_level)
        found = told(rule, a_result(), CODE, encounter=a_patient(**changes), role=role)

        assert levels == [finding.level for finding in found.findings]
        assert () == found.not_checked

    def test_nothing_makes_it_louder(self):
        """Not even a hospital's own override."""
        overlay = Overlay(levels=(("R1", "block"),))

        assert ["warn"] == [one.level for one in told(RULE, a_result(), CODE, overlay=overlay).findings]


class TestPoints:
    @pytest.mark.parametrize(("difference", "count"), [("-99.9999", 0), ("-100", 1), ("100", 1), ("0", 0)])
    def test_how_far_apart(self, difference, count):
        """A share of the present group's standard points."""
        sign = a_sign("upcoding", other_group="K80.0", points_difference=Decimal(difference))
        found = told(TENTH, a_result(), sign)

        assert count == len(found.findings)
        assert () == found.not_checked

    @pytest.mark.parametrize("points", [None, Decimal(0)])
    def test_points_nobody_knows(self, points):
        """Left out where the row names a difference, else not."""
        result = a_result(a_standing(standard_points=points))
        sign = a_sign("upcoding", other_group="K80.0", points_difference=Decimal(-500))

        assert silent(told(TENTH, result, sign))
        assert 1 == len(told(RULE, result, sign).findings)

    def test_a_difference_nobody_knows(self):
        """Left out where the row names one."""
        sign = a_sign("upcoding", other_group="K80.0")

        assert silent(told(TENTH, a_result(), sign))
        assert 1 == len(told(RULE, a_result(), sign).findings)

    def test_a_sign_without_another_group(self):
        """There is nothing to compare."""
        assert 1 == len(told(TENTH, a_result(), a_sign("upcoding")).findings)


class TestSilent:
    def test_without_a_fact_or_a_sign(self):
        """Out of hospital, without a scheme, and where nothing is odd."""
        assert silent(told(RULE, None))
        assert silent(told(RULE, a_result()))

    def test_not_paid_by_dip(self):
        """None of our business (ruling 25)."""
        assert silent(told(RULE, replace(a_result(), eligible=False), CODE))


class TestNotChecked:
    @pytest.mark.parametrize(
        ("result", "changes", "gap"),
        [
            (lost("missing_principal_diagnosis"), {"diagnoses": ()}, (("diagnoses",), "missing")),
            (lost("no_group"), {"diagnoses": (icd("XYZD01"),)}, (("diagnosis.code",), "unmapped")),
            (lost("operation_not_known"), {}, (("operation.code",), "unmapped")),
            (replace(a_result(), eligible=None), {}, (("visit.out_of_area",), "missing")),
        ],
    )
    def test_what_keeps_signs_from_being_looked_for(self, result, changes, gap):
        """Said once, however many signs there are; not asked of doctors while codes are none of their business."""
        signs = (CODE, a_sign("upcoding"))
        given = a_patient(**changes)

        assert ((*gap, ()),) == unread(told(RULE, result, *signs, encounter=given))
        assert () == told(RULE, result, *signs, encounter=given).findings
        assert silent(told(RULE, result, *signs, encounter=given, role="doctor"))

    def test_whether_dip_pays_matters_to_a_sign_only(self):
        """Without one there is nothing to ask."""
        assert silent(told(RULE, replace(a_result(), eligible=None), a_sign("downcoding")))

    def test_a_stay_without_a_group(self):
        """Nothing is missing, and signs may still be there."""
        (finding,) = told(RULE, lost("no_group"), a_sign("upcoding")).findings

        assert "【疑似高套】未入组:某处存疑;请核对病历与编码。" == finding.message


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"min_points_difference": "-0.1"}, "greater than or equal to 0"),
        ({"min_points_difference": "0.9001"}, "less than or equal to 9000"),
        ({"level": "block"}, "never blocks"),
        ({"reason": "true"}, "never asks for a reason"),
        ({"certainty": "violation"}, "suspicious or notice"),
    ],
)
def test_columns(columns, message):
    """A sign is a question."""
    with pytest.raises(ValueError, match=message):
        a_rule("dip_upcoding", **columns)
