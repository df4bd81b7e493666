"""Strategies over a month of cases: what they do to the value of a point, in words that warn (K30, ruling 26)."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.dip.assess import assess
from rules.dip.model import Deviation, PaymentRules, PointsRules, PointValue
from rules.dip.strategies import StrategyParameters, simulate
from tests.dip.assessed import a_directory, paid
from tests.dip.builders import a_case

QUICK = settings(max_examples=40, deadline=None)
YUAN = 10_000
POINTS = PointsRules(coefficient_required=False, deviation=Deviation(formula="proportional"))
DIRECTORY = a_directory(points=POINTS, payment=PaymentRules(values=(PointValue(value=Decimal(10)),)))
REGION = Decimal(100_000)


def month(*costs, **changes):
    """Return a month of assessed cases of so many yuan."""
    cases = [a_case(cost=cost * YUAN, **changes) for cost in costs]
    return [(case, assess(case, DIRECTORY)) for case in cases]


def played(found, strategy, followers="this_hospital"):
    """Return one outcome."""
    (one,) = [one for one in found.outcomes if (one.strategy, one.followers) == (strategy, followers)]
    return one


class TestToday:
    """Where the month stands."""

    def test_worked(self):
        """Two cases of 1,000 points at ten yuan: 20,000 of standard, 17,000 of cost."""
        today = simulate(month(9_000, 8_000), DIRECTORY, region_points=REGION).today

        assert (2, Decimal(2000), Decimal("10.0000")) == (today.cases, today.points, today.point_value)
        assert (20_000 * YUAN, 17_000 * YUAN, 3_000 * YUAN, 0) == (
            today.income,
            today.cost,
            today.balance,
            today.difference,
        )
        assert (
            "现状:2 例,分值 2,000,费用 17,000.00 元,点值 10 元,支付标准(参考)合计 20,000.00 元,结余 3,000.00 元。"
            == today.words
        )

    def test_a_fund_sets_the_value(self):
        """800,000 / 0.8 / 100,000 points."""
        found = simulate(
            month(9_000), DIRECTORY, fund=800_000 * YUAN, payment_ratio=Decimal("0.8"), region_points=REGION
        )

        assert Decimal("10.0000") == found.today.point_value

    def test_a_given_value_stands_in_for_the_schemes(self):
        """Eight yuan."""
        found = simulate(month(9_000), DIRECTORY, point_value=Decimal(8), region_points=REGION)

        assert Decimal("8.0000") == found.today.point_value
        assert "超支 1,000.00 元" in found.today.words


class TestChasingPoints:
    """A: points rise, cost does not."""

    def test_alone(self):
        """2,200 of 100,200 points: 9.9800 yuan; 21,956 - 20,000 more on paper."""
        one = played(simulate(month(9_000, 8_000), DIRECTORY, region_points=REGION), "chase_points")

        assert (Decimal("2200.0"), Decimal("100200.0"), Decimal("9.9800")) == (
            one.points,
            one.region_points,
            one.point_value,
        )
        assert (17_000 * YUAN, 1_956 * YUAN) == (one.cost, one.difference)

    def test_all_alike_gain_nothing(self):
        """A tenth more points everywhere: 9.0909 yuan, and the same money but for rounding of the value."""
        one = played(simulate(month(9_000, 8_000), DIRECTORY, region_points=REGION), "chase_points", "all_hospitals")

        assert (Decimal("110000.0"), Decimal("9.0909")) == (one.region_points, one.point_value)
        assert abs(one.difference) < YUAN

    def test_is_called_a_violation(self):
        """Nobody is invited to it."""
        found = simulate(month(9_000, 8_000), DIRECTORY, region_points=REGION)

        assert [True, True, False, False, False, False] == [one.violation for one in found.outcomes]
        assert (
            "A 冲分值(仅本院如此):费用不变而分值抬高 10%,属高套分值,是违规行为,此处仅说明后果,不得采用。"
            "点值由 10 元变为 9.98 元,本院账面结余增加 1,956.00 元。高套的分值经审核会被追回,并影响年度考核与信用评价。"
            == played(found, "chase_points").words
        )


class TestRaisingCost:
    """B: cost rises, points follow only beyond the limits."""

    def test_inside_the_limits_it_is_loss(self):
        """1,700 more cost for the same points."""
        one = played(simulate(month(9_000, 8_000), DIRECTORY, region_points=REGION), "raise_cost")

        assert (Decimal(2000), -1_700 * YUAN) == (one.points, one.difference)
        assert (
            "B 费用冲高(仅本院如此):费用升高 10%,多出的药品、耗材等都是医院的成本,不合理的费用会被审核扣减。"
            "点值不变,本院账面结余减少 1,700.00 元。" == one.words
        )

    def test_beyond_the_limit_points_rise_less_than_cost(self):
        """19,000 to 20,900: ratio 2.09, 1,090 points of 100,090; cost 1,900 more."""
        one = played(simulate(month(19_000), DIRECTORY, region_points=REGION), "raise_cost")

        assert (Decimal("1090.0000"), Decimal("9.9910"), 1) == (one.points, one.point_value, one.high)
        assert "1 例费用升到正常范围以上,须接受重点审核。" in one.words


class TestControllingCost:
    """C: cost falls; below the limit points fall with it."""

    def test_inside_the_limits_it_is_surplus(self):
        """1,700 less cost for the same points, and care comes first."""
        one = played(simulate(month(9_000, 8_000), DIRECTORY, region_points=REGION), "control_cost")

        assert (Decimal(2000), 1_700 * YUAN) == (one.points, one.difference)
        assert (
            "C 合理控费(仅本院如此):在保证医疗质量、不减少必要诊疗、不推诿患者的前提下,费用降低 10%。点值不变,"
            "本院账面结余增加 1,700.00 元。支付标准仅供参考,具体病例按病情诊疗。" == one.words
        )

    def test_below_the_limit_points_fall(self):
        """5,200 to 4,680: 468 points."""
        one = played(simulate(month(5_200), DIRECTORY, region_points=REGION), "control_cost")

        assert (Decimal("468.0000"), 1) == (one.points, one.low)
        assert "1 例费用降到正常范围以下,分值随之降低。" in one.words

    def test_parameters(self):
        """How far a strategy goes is the caller's."""
        given = StrategyParameters(points_rise=Decimal("0.5"), cost_cut=Decimal("0.25"))

        found = simulate(month(8_000), DIRECTORY, region_points=REGION, parameters=given)

        assert Decimal("1500.0") == played(found, "chase_points").points
        assert 6_000 * YUAN == played(found, "control_cost").cost


class TestWhatIsNotKnown:
    """No value, no region, cases that cannot be reckoned."""

    def test_without_the_region(self):
        """This hospital is the region, which a note says."""
        found = simulate(month(9_000), DIRECTORY)

        assert ("未提供区域总分值,按本院即为全区域模拟。",) == found.notes
        assert played(found, "chase_points").point_value == played(found, "chase_points", "all_hospitals").point_value

    def test_without_a_value(self):
        """Points and cost are told, money is not."""
        directory = a_directory(points=POINTS, payment=PaymentRules())

        found = simulate(month(9_000), directory, region_points=REGION)

        assert (None, None) == (found.today.income, played(found, "chase_points").difference)
        assert ("未提供基金总额,也没有唯一的点值,只能模拟分值与费用。",) == found.notes
        assert "本院分值由 1,000 变为 1,100;点值未知。" in played(found, "chase_points").words

    def test_a_region_smaller_than_its_hospital(self):
        """No value is made of figures that contradict."""
        found = simulate(month(9_000), DIRECTORY, region_points=Decimal(1))

        assert (None, ("区域总分值 1 小于本院分值 1,000,点值不能确定。",)) == (found.today.point_value, found.notes)

    def test_cases_are_taken_or_left_out(self):
        """Not paid by DIP, ungrouped, without cost: each by its reason."""
        cases = [*month(9_000), paid(None, status="ungrouped"), paid(eligible=False), paid(cost=None)]

        found = simulate(cases, DIRECTORY, region_points=REGION)

        assert {"ungrouped": (1,), "not_eligible": (2,), "cost_absent": (3,)} == {
            one.reason: one.positions for one in found.left_out
        }
        assert 1 == found.today.cases

    def test_no_case(self):
        """Nothing changes nothing."""
        found = simulate([], DIRECTORY, fund=1, region_points=REGION)

        assert [0] * 6 == [one.difference for one in found.outcomes]

    def test_actual_cost_is_paid_as_it_is(self):
        """Points that nobody counts do not chase anything."""
        cases = [paid(None, pays_actual_cost=True)]
        directory = a_directory(points=POINTS)

        found = simulate(cases, directory, region_points=REGION)

        assert (10_000 * YUAN, 0) == (found.today.income, played(found, "chase_points").difference)


@pytest.mark.parametrize("word", ["限额", "建议", "应当抬高", "可采用"])
def test_words_neither_cap_nor_recommend(word):
    """Ruling 24: a reference is no cap; and nothing is advised."""
    found = simulate(month(9_000, 5_200, 19_000), DIRECTORY, region_points=REGION)

    assert [] == [one.words for one in (found.today, *found.outcomes) if word in one.words]


@given(
    st.lists(st.integers(1, 60_000), max_size=5),
    st.decimals(0, "0.9", places=2),
    st.decimals(0, "0.9", places=2),
    st.one_of(st.none(), st.decimals(0, 10**6, places=2)),
)
@QUICK
def test_more_points_never_raise_the_value(costs, rise, change, region):
    """A fixed fund: where the region's points rise the value falls, and the other way round; cases add up."""
    cases = month(*costs)
    shares = StrategyParameters(points_rise=rise, cost_rise=change, cost_cut=change)

    found = simulate(cases, DIRECTORY, region_points=region, parameters=shares)

    assert len(cases) == found.today.cases + sum(one.cases for one in found.left_out)
    for one in found.outcomes:
        if one.point_value is not None and found.today.point_value is not None:
            more = one.region_points >= found.today.region_points
            assert (
                (one.point_value <= found.today.point_value) if more else (one.point_value >= found.today.point_value)
            )
