"""Cost deviation: dear while the stay goes on, cheap at its end, by the scheme's limits; and what is not known."""

from decimal import Decimal

import pytest

from tests.builders import a_rule, at, replace, silent, unread
from tests.kinds.dip_facts import OVER, YUAN, a_patient, a_result, a_standing, lost, told

HIGH = a_rule("dip_deviation", name="费用偏差提醒")
NEAR = a_rule("dip_deviation", margin="0.2")
LOW = a_rule("dip_deviation", name="费用偏差提醒", side="low")
LEFT = a_patient(**OVER)


def at_ratio(ratio, **changes):
    """Return a stay at this ratio to the mean of ten thousand yuan, with the band a strict scheme gives it."""
    value = Decimal(ratio)
    band = "high" if value > 2 else "low" if value < Decimal("0.5") else "normal"
    given = {"ratio": value, "cost": int(value * 10_000 * YUAN), "band": band}
    return a_result(a_standing(), a_standing(**(given | changes)))


class TestHigh:
    def test_beyond_the_limit(self):
        """The cost, the ratio, the limit, and what may be done."""
        (finding,) = told(HIGH, at_ratio("2.1")).findings

        assert "DIP_HIGH_COST" == finding.code
        assert (
            "【费用偏差提醒】预估病种 K80.1 胆囊结石,住院费用 21000 元,为同病种参考均费的 2.1 倍,已过高倍率界限 2 倍;"
            "病情复杂的可按规定申请特例单议;仅供参考,诊疗以病情需要为准。" == finding.message
        )
        assert ((), "高倍率界限 2 倍", "仅供参考,诊疗以病情需要为准") == (finding.lines, finding.limit, finding.allowed)
        assert "住院费用 21000 元,为同病种参考均费的 2.1 倍" == finding.present
        assert (
            ("group", "预估病种 K80.1 胆囊结石"),
            ("cost", "21000"),
            ("ratio", "2.1"),
            ("limit", "2"),
        ) == finding.facts

    @pytest.mark.parametrize(("band", "count"), [("high", 1), ("normal", 0), ("low", 0), ("unknown", 0)])
    def test_the_scheme_says_whether_the_limit_itself_is_beyond(self, band, count):
        """Strict or not is its choice."""
        assert count == len(told(HIGH, at_ratio("2", band=band)).findings)

    @pytest.mark.parametrize(("ratio", "count"), [("1.7999", 0), ("1.8", 1), ("2", 1), ("2.0001", 1)])
    def test_within_the_margin(self, ratio, count):
        """From a fifth below the limit on."""
        found = told(NEAR, at_ratio(ratio))

        assert count == len(found.findings)
        assert () == found.not_checked

    def test_near_is_said_to_be_near(self):
        """With the ratio rounded to two decimals."""
        (finding,) = told(NEAR, at_ratio("1.985")).findings

        assert ",为同病种参考均费的 1.99 倍,接近高倍率界限 2 倍;" in finding.message

    @pytest.mark.parametrize("margin", ["", "0.2"])
    def test_a_group_the_limits_do_not_hold_for(self, margin):
        """Beyond the limit and normal all the same: it is not near what it has passed."""
        assert silent(told(a_rule("dip_deviation", margin=margin), at_ratio("2.5", band="normal")))

    def test_the_other_side(self):
        """A cheap stay is no dear one."""
        assert silent(told(NEAR, at_ratio("0.1"), encounter=LEFT))


class TestLow:
    def test_below_the_limit(self):
        """At the end of the stay; a stay that is over has no estimates."""
        (finding,) = told(LOW, replace(at_ratio("0.4"), estimated=False), encounter=LEFT).findings

        assert "DIP_LOW_COST" == finding.code
        assert (
            "【费用偏差提醒】病种 K80.1 胆囊结石,住院费用 4000 元,为同病种参考均费的 0.4 倍,低于低倍率界限 0.5 倍;"
            "分值按实际费用折算,请核对费用是否记全、诊断与手术编码是否与病历一致;仅供参考,诊疗以病情需要为准。"
            == finding.message
        )
        assert "低倍率界限 0.5 倍" == finding.limit

    @pytest.mark.parametrize(("band", "count"), [("low", 1), ("normal", 0), ("high", 0)])
    def test_the_scheme_says_whether_the_limit_itself_is_below(self, band, count):
        """Strict or not is its choice."""
        assert count == len(told(LOW, at_ratio("0.5", band=band), encounter=LEFT).findings)

    @pytest.mark.parametrize(
        ("changes", "count"),
        [
            ({}, 0),
            ({"scenes": ("4",)}, 0),
            ({"scenes": ("8",)}, 1),
            ({"scenes": ("4",), "discharged": at("2026-03-18 09:00")}, 0),
            ({"discharged": at("2026-03-18 09:00")}, 1),
            ({"discharged": at("2026-03-19")}, 0),
        ],
    )
    def test_only_at_the_end(self, changes, count):
        """Every stay begins cheap; nothing is asked for before its end either."""
        found = told(LOW, at_ratio("0.1"), encounter=a_patient(**changes))
        unknown = told(LOW, lost("missing_principal_diagnosis"), encounter=a_patient(**changes))

        assert count == len(found.findings) == len(unknown.not_checked)

    def test_it_has_no_margin(self):
        """Just above the limit nothing is said; a dear stay is no cheap one."""
        assert silent(told(LOW, at_ratio("0.51"), encounter=LEFT))
        assert silent(told(LOW, at_ratio("2.5"), encounter=LEFT))


class TestViewers:
    @pytest.mark.parametrize(
        ("doctor_level", "role", "level"),
        [
            ("", "doctor", "info"),
            ("silent", "nurse", "silent"),
            ("silent", "coder", "warn"),
            ("", "insurance_office", "warn"),
        ],
    )
    def test_who_hears_it(self, doctor_level, role, level):
        """Doctors hear it at most as the row lets them."""
        rule = a_rule("dip_deviation", doctor_level=doctor_level)

        assert [level] == [finding.level for finding in told(rule, at_ratio("2.1"), role=role).findings]


class TestSilent:
    @pytest.mark.parametrize(
        "result",
        [
            None,
            replace(at_ratio("2.1"), eligible=False),
            at_ratio("2.1", high_limit=None),
            a_result(a_standing(cost=None, ratio=None, reasons=("score_absent", "cost_absent"))),
            a_result(a_standing(ratio=None, reasons=("average_absent",))),
            a_result(a_standing(ratio=None, reasons=("level_absent",))),
            a_result(a_standing(ratio=None)),
            lost("no_group", "cost_absent"),
            lost("missing_principal_diagnosis", high_limit=None),
        ],
    )
    def test_nothing_to_compare(self, result):
        """No fact, no limit, no average, no group; or DIP does not pay."""
        assert silent(told(NEAR, result))

    def test_each_side_has_its_own_limit(self):
        """A scheme without the other one says nothing of it."""
        assert silent(told(LOW, at_ratio("0.1", low_limit=None), encounter=LEFT))
        assert 1 == len(told(LOW, at_ratio("0.1", high_limit=None), encounter=LEFT).findings)
        assert 1 == len(told(HIGH, at_ratio("2.1", low_limit=None)).findings)


class TestNotChecked:
    @pytest.mark.parametrize(
        ("reasons", "changes", "field"),
        [
            (("cost_absent",), {}, "visit.total_amount"),
            (("cost_absent", "level_absent"), {"level": None}, "visit.total_amount"),
            (("level_absent",), {"level": None}, "facility.level"),
        ],
    )
    def test_what_the_ratio_hangs_on(self, reasons, changes, field):
        """The cost, and the level where averages go by it."""
        standing = a_standing(ratio=None, reasons=reasons)

        assert (((field,), "missing", ()),) == unread(told(HIGH, a_result(standing), encounter=a_patient(**changes)))

    def test_a_ratio_without_its_cost(self):
        """Nothing is told of a cost that is not there."""
        assert silent(told(HIGH, at_ratio("2.1", cost=None)))

    def test_no_diagnosis(self):
        """Nothing to group by."""
        found = told(HIGH, lost("missing_principal_diagnosis"), encounter=a_patient(diagnoses=()))

        assert ((("diagnoses",), "missing", ()),) == unread(found)

    def test_whether_dip_pays(self):
        """Asked only where the rule would speak."""
        found = told(HIGH, replace(at_ratio("2.1"), eligible=None))

        assert (((("visit.out_of_area",), "missing", ()),), ()) == (unread(found), found.findings)
        assert silent(told(HIGH, replace(at_ratio("1.9"), eligible=None)))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"side": "low", "margin": "0.1"}, "margin belongs to the high side"),
        ({"margin": "-0.1"}, "greater than or equal to 0"),
        ({"side": "both"}, "Input should be"),
        ({"level": "block"}, "never blocks"),
        ({"reason": "true"}, "never asks for a reason"),
        ({"certainty": "violation"}, "suspicious or notice"),
    ],
)
def test_columns(columns, message):
    """One side a row; a reference is no cap."""
    with pytest.raises(ValueError, match=message):
        a_rule("dip_deviation", **columns)
