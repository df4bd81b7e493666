"""Money of a case: who is paid by DIP, the point value, the standard, the fund's share, the balance."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rules.dip.codes import FundFormula
from rules.dip.directory import Directory
from rules.dip.model import (
    Case,
    Eligibility,
    Grouping,
    PaymentResult,
    PaymentRules,
    PointsNote,
    PointsResult,
    PointValue,
)
from rules.dip.payment import eligible, payment, point_value
from tests.dip.builders import a_case, a_row, a_scheme

PLACED = Grouping(status="core", group="K80.1")
WORTH = PointsResult(standard_points=Decimal(1000), points=Decimal(1500))
TEN = (PointValue(value=Decimal(10)),)
SHARES = {"deductible": 1_000_0000, "copayment": 2_000_0000, "out_of_catalogue": 500_0000, "other_payers": 300_0000}


def paid(case: Case | None = None, points: PointsResult = WORTH, **changes: Any) -> PaymentResult:
    """Return what a case of 1,500 points, 1,000 at a normal cost, is paid at ten yuan a point."""
    eligibility = changes.pop("eligibility", Eligibility())
    rules = PaymentRules(**({"values": TEN} | changes))
    directory = Directory.build(a_scheme(a_row(), payment=rules, eligibility=eligibility))
    return payment(case or a_case(), PLACED, points, directory)


def value(*values: PointValue, use: Any = "budget", day: date | None = None, **facts: Any) -> Decimal | None:
    """Return the point value a case is settled at."""
    return point_value(a_case(**facts), a_scheme(payment=PaymentRules(values=values)), use, day)


class TestEligibility:
    """Who is paid by DIP at all (ruling 25)."""

    @pytest.mark.parametrize(
        ("rules", "facts", "expected"),
        [
            ({}, {}, (True, None)),
            ({"insurances": ("310", "390")}, {}, (True, None)),
            ({"insurances": ("390",)}, {}, (False, "insurance")),
            ({"insurances": ("390",)}, {"insurance": None}, (None, None)),
            ({"medical_types": ("21",)}, {"medical_type": "21"}, (True, None)),
            ({"medical_types": ("21",)}, {"medical_type": "52"}, (False, "medical_type")),
            ({"medical_types": ("21",)}, {}, (None, None)),
            ({"out_of_area": False}, {"out_of_area": True}, (False, "out_of_area")),
            ({"out_of_area": False}, {"out_of_area": False}, (True, None)),
            ({"out_of_area": False}, {}, (None, None)),
            ({"day_surgery": False}, {"day_surgery": True}, (False, "day_surgery")),
            ({"day_surgery": False}, {}, (None, None)),
            ({"min_days": 2, "max_days": 60}, {"days": 2}, (True, None)),
            ({"min_days": 2}, {"days": 1}, (False, "stay_too_short")),
            ({"min_days": 2}, {"days": 1, "admitted": date(2026, 1, 1)}, (None, None)),
            ({"max_days": 60}, {"days": 60}, (True, None)),
            ({"max_days": 60}, {"days": 61}, (False, "stay_too_long")),
            ({"max_days": 60}, {"days": None}, (None, None)),
            ({"insurances": ("390",), "medical_types": ("21",)}, {}, (False, "insurance")),
        ],
    )
    def test_eligible(self, rules: dict[str, Any], facts: dict[str, Any], expected: Any) -> None:
        """One reason against is enough; else one absent fact leaves it open. A stay under way may still grow."""
        assert expected == eligible(a_case(**facts), a_scheme(eligibility=Eligibility(**rules)))

    def test_not_eligible(self) -> None:
        """Has no amounts at all."""
        assert PaymentResult(
            eligible=False,
            ineligible="insurance",
            notes=(PointsNote(reason="not_eligible", detail="险种不在范围,不按病种分值付费"),),
        ) == paid(eligibility=Eligibility(insurances=("390",)))

    def test_not_known(self) -> None:
        """Has a standard for reference, no fund share and no balance."""
        found = paid(a_case(**SHARES), eligibility=Eligibility(medical_types=("21",), out_of_area=False))

        assert (None, 15_000_0000, None, None) == (found.eligible, found.standard, found.fund, found.balance)
        assert "缺医疗类别、是否异地就医,不能确定是否按病种分值付费" == found.notes[0].detail


JULY = date(2026, 7, 1)


class TestPointValue:
    """By insurance, place, period and use (dip facts 5)."""

    @pytest.mark.parametrize(
        ("values", "facts", "expected"),
        [
            ((), {}, None),
            (({"value": 10},), {}, 10),
            (({"value": 10}, {"value": 9, "insurance": "390"}), {"insurance": "390"}, 9),
            (({"value": 10}, {"value": 9, "insurance": "390"}), {}, 10),
            (({"value": 10}, {"value": 9, "insurance": "390"}), {"insurance": None}, None),
            (({"value": 10, "insurance": "310"}, {"value": 10, "insurance": "390"}), {"insurance": None}, None),
            (({"value": 10, "insurance": "310"}, {"value": 8, "place": "P1"}), {"place": "P1"}, 10),
            (({"value": 10, "insurance": "310"}, {"value": 8, "place": "P1", "insurance": "310"}), {"place": "P1"}, 8),
            (({"value": 10}, {"value": 8, "place": "P1"}), {}, None),
            (({"value": 10, "valid_from": JULY},), {"day": date(2026, 6, 30)}, None),
            (({"value": 10, "valid_from": JULY},), {"day": JULY}, 10),
            (({"value": 10, "valid_to": JULY},), {"day": JULY}, 10),
            (({"value": 9}, {"value": 10, "valid_from": JULY}), {"day": JULY}, 10),
            (({"value": 9, "valid_to": date(2026, 6, 30)}, {"value": 10, "valid_from": JULY}), {}, None),
            (({"value": 10, "valid_from": JULY},), {}, 10),
            (({"value": 10, "use": "settlement"},), {}, None),
            (({"value": 10}, {"value": 11, "use": "settlement"}), {"use": "settlement"}, 11),
        ],
    )
    def test_value(self, values: tuple[dict[str, Any], ...], facts: dict[str, Any], expected: int | None) -> None:
        """The row that names most and came into force last; an absent fact or day only where it makes no difference."""
        rows = tuple(PointValue(**(row | {"value": Decimal(row["value"])})) for row in values)

        assert (None if expected is None else Decimal(expected)) == value(*rows, **facts)

    def test_absent(self) -> None:
        """No money, and why."""
        rows = (PointValue(value=Decimal(10), insurance="310"), PointValue(value=Decimal(9), insurance="390"))

        assert "方案中没有适用的点值" == paid(values=()).notes[0].detail
        found = paid(a_case(insurance=None), values=rows)
        assert (None, None, "缺险种,点值不能确定") == (found.standard, found.balance, found.notes[0].detail)


class TestStandard:
    """Points x value (mission K26)."""

    def test_amounts(self) -> None:
        """Of the points after deviation, and of a case of normal cost; the balance against the cost."""
        found = paid(a_case(cost=12_345_6700))

        assert (15_000_0000, 10_000_0000, 2_654_3300) == (found.standard, found.normal_standard, found.balance)
        assert -5_000_0000 == paid(a_case(cost=20_000_0000)).balance

    @pytest.mark.parametrize(("decimals", "amount"), [(2, 1_235_0000), (0, 1_235_0000), (4, 1_234_9951)])
    def test_rounding(self, decimals: int, amount: int) -> None:
        """Half up, once: 99.9996 points at 12.35 yuan are 1,234.99506 yuan."""
        points = PointsResult(standard_points=Decimal("99.9996"), points=Decimal("99.9996"))

        found = paid(points=points, values=(PointValue(value=Decimal("12.35")),), decimals=decimals)

        assert (amount, amount) == (found.standard, found.normal_standard)

    def test_half_up(self) -> None:
        """Half a fen is a fen."""
        points = PointsResult(standard_points=Decimal("0.5"), points=Decimal("1.5"))
        found = paid(points=points, values=(PointValue(value=Decimal("0.01")),))

        assert (200, 100) == (found.standard, found.normal_standard)

    def test_actual_cost(self) -> None:
        """Where actual cost is paid the standard is the cost, with or without a point value."""
        points = PointsResult(points=Decimal(432), standard_points=Decimal(1200), pays_actual_cost=True)
        found = paid(a_case(cost=4_321_0000), points)
        without = paid(a_case(cost=4_321_0000), PointsResult(pays_actual_cost=True), values=())

        assert (4_321_0000, 12_000_0000, 0) == (found.standard, found.normal_standard, found.balance)
        assert (4_321_0000, None, 0) == (without.standard, without.normal_standard, without.balance)
        assert None is paid(a_case(cost=None), points).standard

    def test_no_points(self) -> None:
        """No standard, but that of a normal case where it is known."""
        found = paid(points=PointsResult(standard_points=Decimal(1000)))

        assert (None, 10_000_0000, None, None) == (found.standard, found.normal_standard, found.fund, found.balance)

    @pytest.mark.parametrize("cost", [None, 0, -5, 10**30])
    def test_no_cost(self, cost: int | None) -> None:
        """No balance, and why."""
        found = paid(a_case(cost=cost))

        assert (15_000_0000, None) == (found.standard, found.balance)
        assert PointsNote(reason="cost_absent", detail="缺总费用,不能计算结余") in found.notes


class TestFund:
    """The fund's share of a standard of 15,000 yuan (dip facts 5, mission K27)."""

    @pytest.mark.parametrize(
        ("formula", "facts", "fund"),
        [
            ("less_patient_share", SHARES, 11_200_0000),
            ("less_deductible_and_copayment", SHARES, 12_000_0000),
            ("times_fund_ratio", {"fund_paid": 7_000_0000}, 10_500_0000),
            (
                "reimbursed",
                SHARES | {"specified_own": 700_0000, "reimbursement_ratio": Decimal("0.85")},
                10_880_0000,
            ),
        ],
    )
    def test_formulas(self, formula: FundFormula, facts: dict[str, Any], fund: int) -> None:
        """15,000 less 3,800; less 3,000; x 7,000 / 10,000; (15,000 - 500 - 700 - 1,000) x 0.85."""
        assert fund == paid(a_case(**facts), fund=formula).fund

    @pytest.mark.parametrize(
        ("formula", "facts", "lack"),
        [
            ("less_patient_share", {}, "起付线、个人自付、自费、其他支付"),
            ("less_patient_share", SHARES | {"other_payers": None}, "其他支付"),
            ("less_deductible_and_copayment", {"deductible": -1, "copayment": 0}, "起付线"),
            ("times_fund_ratio", {}, "基金支付金额"),
            ("times_fund_ratio", {"fund_paid": 1, "cost": 0}, "总费用"),
            ("reimbursed", SHARES | {"specified_own": 0}, "报销比例"),
            ("reimbursed", SHARES | {"reimbursement_ratio": Decimal("NaN")}, "先行自付、报销比例"),
        ],
    )
    def test_absent(self, formula: FundFormula, facts: dict[str, Any], lack: str) -> None:
        """Absent is not zero."""
        found = paid(a_case(**facts), fund=formula)

        assert None is found.fund
        assert PointsNote(reason="patient_share_absent", detail=f"缺{lack},不能计算基金支付") in found.notes

    @pytest.mark.parametrize(("kept", "fund"), [(False, 0), (True, -1_000_0000)])
    def test_negative(self, kept: bool, fund: int) -> None:
        """Clipped at nothing, or kept: a rule of the city."""
        facts = {"deductible": 10_000_0000, "copayment": 6_000_0000}

        found = paid(a_case(**facts), fund="less_deductible_and_copayment", fund_may_be_negative=kept)

        assert fund == found.fund
