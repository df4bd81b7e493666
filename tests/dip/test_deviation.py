"""Deviation of cost: bands with their strictness, references, formulas, and where the points do not jump."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from rules.dip.auxiliary import typings
from rules.dip.deviation import average, judge
from rules.dip.directory import Directory
from rules.dip.model import (
    Auxiliary,
    AuxiliaryRow,
    Coefficient,
    Deviation,
    Grouping,
    PaymentRules,
    PointsNote,
    PointsResult,
    PointsRules,
    PointValue,
    SeverityEntry,
)
from rules.dip.points import points
from tests.dip.builders import a_case, a_group, a_row, a_scheme

MEAN = 10_000_0000
PLACED = Grouping(status="core", group="K80.1", principal="K80.100")
BASE = Deviation(formula="proportional")
INSIDE = Deviation(formula="coefficient_inside", low_inclusive=True, extreme=Decimal(5))
ACTUAL = Deviation(formula="actual_cost", low_reference="points_times_average", high_reference="points_times_average",
                   average_factors={"": Decimal(10)})  # fmt: skip


def a_directory(deviation: Deviation, *, auxiliary: bool = False, **changes: Any) -> Directory:
    """Return a directory of one group: 1,000 points, mean 10,000 yuan, coefficient 1.2, ten yuan a point."""
    rules = {
        "points": PointsRules(coefficients=(Coefficient(coefficient=Decimal("1.2"), level=3),), deviation=deviation),
        "payment": PaymentRules(values=(PointValue(value=Decimal(10)),)),
        "auxiliary": Auxiliary(
            rows=(AuxiliaryRow(type="severity", subtype="severe", coefficient=Decimal("1.5")),) if auxiliary else (),
            severity=(SeverityEntry(code="A41.900", severity="severe"),),
        ),
    }
    return Directory.build(a_scheme(a_row(), **({"groups": (a_group(),)} | rules | changes)))


def counted(directory: Directory, cost: int | None, *others: str) -> PointsResult:
    """Return the points of a case of this cost in 1/10,000 yuan."""
    case = a_case(cost=cost, others=others)
    return points(case, PLACED, typings(case, PLACED, directory), directory)


def at(ratio: str, deviation: Deviation, *others: str, auxiliary: bool = False) -> Decimal | None:
    """Return the points of a case whose cost is so many times the mean."""
    return counted(a_directory(deviation, auxiliary=auxiliary), int(Decimal(ratio) * MEAN), *others).points


RATIOS = ("0.4", "0.5", "0.50001", "1", "2", "2.00001", "2.5", "5", "6")


class TestFormulas:
    """Score 1,000 and coefficient 1.2 at every ratio (dip facts 4.4)."""

    @pytest.mark.parametrize(
        ("deviation", "expected"),
        [
            (Deviation(), ("1200",) * 9),
            (BASE, ("480", "1200", "1200", "1200", "1200", "1200.012", "1800", "4800", "6000")),
            (INSIDE, ("400", "500", "1200", "1200", "1200", "1200.01", "1700", "4200", "1200")),
            (ACTUAL, ("400", "1200", "1200", "1200", "1200", "1200", "1200", "1200", "1200")),
        ],
        ids=["none", "proportional", "coefficient_inside", "actual_cost"],
    )
    def test_points(self, deviation: Deviation, expected: tuple[str, ...]) -> None:
        """Low, on the low limit, just above it, normal, on the high limit, just above it, high, far off."""
        assert [Decimal(points) for points in expected] == [at(ratio, deviation) for ratio in RATIOS]

    @pytest.mark.parametrize(
        ("deviation", "expected"),
        [
            (BASE, ("720", "1800", "1800", "1800", "1800", "1800.018", "2700", "7200", "9000")),
            (INSIDE, ("600", "750", "1800", "1800", "1800", "1200.01", "1700", "4200", "1200")),
            (ACTUAL, ("400", "1800", "1800", "1800", "1800", "1800", "1800", "1800", "1800")),
        ],
        ids=["proportional", "coefficient_inside", "actual_cost"],
    )
    def test_with_an_auxiliary_coefficient(self, deviation: Deviation, expected: tuple[str, ...]) -> None:
        """Of 1.5: it multiplies, but for what the formula replaces."""
        assert [Decimal(points) for points in expected] == [
            at(ratio, deviation, "A41.900", auxiliary=True) for ratio in RATIOS
        ]

    @pytest.mark.parametrize(
        ("low_inclusive", "high_inclusive", "bands"),
        [
            (False, False, ["low", "normal", "normal", "normal", "high"]),
            (True, True, ["low", "low", "normal", "high", "high"]),
        ],
    )
    def test_strictness(self, low_inclusive: bool, high_inclusive: bool, bands: list[str]) -> None:
        """Whether a ratio equal to a limit is beyond it is the scheme's choice."""
        rules = Deviation(formula="proportional", low_inclusive=low_inclusive, high_inclusive=high_inclusive)
        costs = (MEAN // 2 - 1, MEAN // 2, MEAN, MEAN * 2, MEAN * 2 + 1)

        assert bands == [judge(a_case(cost=cost), a_group(), rules).band for cost in costs]

    def test_words_of_the_limit_itself(self) -> None:
        """A ratio that is the limit is not said to be below or above it."""
        strict, both = BASE, Deviation(formula="proportional", low_inclusive=True, high_inclusive=True)
        sources = [
            counted(a_directory(rules), cost).factors[-1].source
            for rules, cost in ((strict, 4_000_0000), (both, 5_000_0000), (both, 20_000_0000))
        ]

        assert [
            "费用为病种均费的 0.4 倍,低于下限 0.5,按比例 r",
            "费用为病种均费的 0.5 倍,不高于下限 0.5,按比例 r",
            "费用为病种均费的 2 倍,不低于上限 2,r-2+1",
        ] == sources

    def test_limit_is_exact(self) -> None:
        """A mean that does not divide evenly does not blur the limit."""
        group = a_group(mean_cost=3)

        assert "high" == judge(a_case(cost=7), group, BASE).band
        assert "normal" == judge(a_case(cost=6), group, BASE).band

    def test_product_of_factors(self) -> None:
        """The factors named multiply to the points, whatever the formula left out."""
        for deviation in (Deviation(), BASE, INSIDE, ACTUAL):
            for ratio in RATIOS:
                found = counted(a_directory(deviation, auxiliary=True), int(Decimal(ratio) * MEAN), "A41.900")
                product = Decimal(1)
                for factor in found.factors:
                    product *= factor.value

                assert found.points == product

    def test_actual_cost_is_paid(self) -> None:
        """Below the limit of DIP 3.0 the points pay the cost; above the other the case may go to review."""
        directory = a_directory(ACTUAL)
        low, high = counted(directory, 4_000_0000), counted(directory, 25_000_0000)

        assert (Decimal(400), True, "low") == (low.points, low.pays_actual_cost, low.band)
        assert (False, "high", ("special_review",)) == (
            high.pays_actual_cost, high.band, tuple(note.reason for note in high.notes),
        )  # fmt: skip

    def test_actual_cost_without_a_point_value(self) -> None:
        """A point is then worth average / score."""
        rules = Deviation(formula="actual_cost")

        assert Decimal(400) == counted(a_directory(rules, payment=PaymentRules()), 4_000_0000).points


class TestContinuity:
    """Where a formula says so, a yuan more never makes the points jump (dip facts 4.4)."""

    STEP = 1_0000
    """One yuan: a ten-thousandth of the mean."""
    MOST = Decimal("0.12")
    """What it is worth: 1,200 points for 10,000 yuan."""

    @pytest.mark.parametrize("deviation", [BASE, Deviation(formula="coefficient_inside")], ids=["base", "inside"])
    @pytest.mark.parametrize("high", ["1.5", "2", "2.5", "3"])
    def test_at_the_high_limit(self, deviation: Deviation, high: str) -> None:
        """On a grid of one yuan around the limit."""
        rules = Deviation(formula=deviation.formula, high=Decimal(high))
        directory = a_directory(rules)
        limit = int(Decimal(high) * MEAN)
        found = [counted(directory, limit + step * self.STEP).points or Decimal(-1) for step in range(-20, 21)]

        assert [] == [pair for pair in pairwise(found) if not 0 <= pair[1] - pair[0] <= self.MOST]

    @pytest.mark.parametrize("deviation", [BASE, INSIDE, ACTUAL], ids=["base", "inside", "actual_cost"])
    def test_never_less_for_more_cost_below_the_extreme(self, deviation: Deviation) -> None:
        """On a grid over all bands points never fall as the cost rises."""
        directory = a_directory(deviation)
        found = [counted(directory, MEAN * step // 100).points or Decimal(-1) for step in range(1, 500)]

        assert found == sorted(found)

    def test_jumps(self) -> None:
        """At the low limit, and where the coefficient alone counts."""
        assert Decimal("600") > (at("0.4999", BASE) or 0)
        assert Decimal(1200) == at("0.5", BASE)
        assert (Decimal("4200"), Decimal("1200")) == (at("5", INSIDE), at("5.0001", INSIDE))


class TestReferences:
    """What a cost is compared with."""

    GROUP = a_group(level_mean_costs=(4_000_0000, 8_000_0000, 12_000_0000))

    @pytest.mark.parametrize(
        ("reference", "changes", "amount"),
        [
            ("group_mean", {}, 10_000_0000),
            ("level_mean", {}, 12_000_0000),
            ("level_mean", {"hospital_level": 1}, 4_000_0000),
            ("points_times_average", {}, 9_500_0000),
            ("points_times_average", {"insurance": "390"}, 9_000_0000),
            ("points_times_average", {"insurance": "999"}, 9_000_0000),
            ("points_times_average", {"insurance": None}, None),
            ("level_mean", {"hospital_level": None}, None),
        ],
    )
    def test_average(self, reference: Any, changes: dict[str, Any], amount: int | None) -> None:
        """Mean of the group, of hospitals of the level, or score x yuan per point of the insurance."""
        rules = Deviation(average_factors={"310": Decimal("9.5"), "": Decimal(9)})

        assert amount == average(reference, a_case(**changes), self.GROUP, rules).amount

    def test_no_mean(self) -> None:
        """Points x average stands in; a primary-care group counts its basic factor."""
        rules = Deviation(average_factors={"": Decimal(10)})
        plain = a_group(mean_cost=None)
        basic = a_group(mean_cost=None, kind="primary_care", basic_factor=Decimal("0.8"))

        assert 10_000_0000 == average("group_mean", a_case(), plain, rules).amount
        assert 8_000_0000 == average("group_mean", a_case(), basic, rules).amount
        assert (None, "缺病种均费") == average("group_mean", a_case(), plain, Deviation())[::2]

    def test_two_references(self) -> None:
        """Low against the mean of the level, high against that of all hospitals (mission K21, K22)."""
        rules = Deviation(formula="proportional", low_reference="level_mean")

        low = judge(a_case(cost=5_400_0000), self.GROUP, rules)
        normal = judge(a_case(cost=6_000_0000), self.GROUP, rules)
        high = judge(a_case(cost=25_000_0000), self.GROUP, rules)

        assert ("low", Decimal("0.45"), 12_000_0000) == low[:3]
        assert ("normal", Decimal("0.6"), 10_000_0000) == normal[:3]
        assert ("high", Decimal("2.5"), 10_000_0000) == high[:3]


class TestAbsent:
    """What is not known is not judged."""

    @pytest.mark.parametrize(
        ("cost", "detail"), [(None, "缺总费用"), (0, "总费用不是正常金额"), (-1, "总费用不是正常金额")]
    )
    def test_cost(self, cost: int | None, detail: str) -> None:
        """Points are absent with the reason; those of a normal case are given."""
        found = counted(a_directory(BASE), cost)

        assert (None, Decimal(1200), "unknown") == (found.points, found.standard_points, found.band)
        assert (PointsNote(reason="cost_absent", detail=detail),) == found.notes

    def test_cost_that_does_not_matter(self) -> None:
        """Without a formula, or for a class it leaves alone, the points do not wait for a cost."""
        tcm = a_directory(BASE, groups=(a_group(kind="tcm"),))

        assert Decimal(1200) == counted(a_directory(Deviation()), None).points
        assert Decimal(1200) == counted(tcm, 1_0000).points
        assert ("unknown", Decimal("0.0001")) == (counted(tcm, 1_0000).band, counted(tcm, 1_0000).ratio)

    @pytest.mark.parametrize("cost", [None, 1_0000, MEAN, 60_000_0000])
    def test_without_a_formula_nothing_is_judged(self, cost: int | None) -> None:
        """No band, with a ratio or without; and the points do not wait for one."""
        found = counted(a_directory(Deviation()), cost)

        assert ("unknown", Decimal(1200), ()) == (found.band, found.points, found.notes)
        assert (found.ratio is None) == (cost is None)

    def test_average(self) -> None:
        """A group without a mean has points for a normal case only."""
        found = counted(a_directory(BASE, groups=(a_group(mean_cost=None),)), MEAN)

        assert (None, Decimal(1200)) == (found.points, found.standard_points)
        assert (PointsNote(reason="average_absent", detail="缺病种均费"),) == found.notes

    def test_mean_of_zero(self) -> None:
        """Is none."""
        assert "unknown" == counted(a_directory(BASE, groups=(a_group(mean_cost=0),)), MEAN).band
