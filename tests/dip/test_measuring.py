"""Measuring a region: scores from mean costs, auxiliary coefficients, the budget's point value, consumption indices."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.dip.measuring import (
    Measuring,
    Observed,
    YearTotals,
    auxiliary_rows,
    budget_value,
    consumption,
    measure,
    observed,
    percentile,
    variation,
    variation_drop,
    weighted_mean,
)
from rules.dip.model import Typing
from tests.dip.assessed import paid
from tests.dip.builders import a_group

QUICK = settings(max_examples=200, deadline=None)
WEIGHTS = (Decimal(1), Decimal(2), Decimal(7))


def seen(group, year, yuan, *subtypes, **changes):
    """Return one discharge; cost in yuan, sub-types of type severity."""
    typed = tuple(("severity", name) for name in subtypes)
    return Observed(**({"group": group, "year": year, "cost": yuan * 10_000, "subtypes": typed} | changes))


def of(measured, code):
    """Return one group as measured."""
    (found,) = [one for one in measured.groups if one.group == code]
    return found


THREE_YEARS = [
    *(seen("A", year, yuan) for year, yuan in ((0, 8_000), (1, 9_000), (2, 10_000), (2, 12_000))),
    *(seen("B", year, yuan) for year, yuan in ((0, 2_000), (1, 3_000), (2, 4_000), (2, 4_000))),
]


class TestScores:
    """RW = m_i / M, years weighted 1 : 2 : 7."""

    def test_weighted_means(self):
        """A: (8,000 + 2 x 9,000 + 7 x 11,000) / 10 = 10,300; B: (2,000 + 6,000 + 28,000) / 10 = 3,600."""
        found = measure(THREE_YEARS)

        assert 10_300_0000 == of(found, "A").mean_cost
        assert (8_000_0000, 9_000_0000, 11_000_0000) == of(found, "A").yearly_means
        assert 3_600_0000 == of(found, "B").mean_cost

    def test_the_region(self):
        """M = (5,000 + 2 x 6,000 + 7 x 7,500) / 10 = 6,950; RW of A 10,300 / 6,950 = 1.4820."""
        found = measure(THREE_YEARS)

        assert (6_950_0000, Decimal("1.4820"), Decimal("1482.0144")) == (
            found.mean_cost,
            of(found, "A").rw,
            of(found, "A").score,
        )

    def test_a_benchmark_disease(self):
        """Scored by the benchmark's mean cost the benchmark itself has 1,000."""
        found = measure(THREE_YEARS, Measuring(benchmark="B"))

        assert (Decimal("1000.0000"), Decimal("2861.1111")) == (of(found, "B").score, of(found, "A").score)

    def test_a_benchmark_without_cases(self):
        """No score is made up; the note says why."""
        found = measure(THREE_YEARS, Measuring(benchmark="C"))

        assert [None, None] == [one.score for one in found.groups]
        assert ("标杆病种 C 没有可用病例,分值无法测算。",) == found.notes

    def test_a_year_without_cases_does_not_count(self):
        """Years 0 and 2 only: (1 x 1,000 + 7 x 3,000) / 8."""
        found = measure([seen("A", 0, 1_000), seen("A", 2, 3_000)])

        assert 2_750_0000 == of(found, "A").mean_cost

    def test_what_cannot_be_used_is_counted(self):
        """No cost, a cost of zero, no group, a year that is not measured."""
        useless = [
            seen("A", 2, 1, cost=None),
            seen("A", 2, 0),
            seen("", 2, 1_000),
            seen("A", 3, 1_000),
            seen("A", -1, 1_000),
        ]

        found = measure([*THREE_YEARS, *useless])

        assert (13, 5) == (found.cases, found.left_out)
        assert 10_300_0000 == of(found, "A").mean_cost

    def test_nothing(self):
        """No case: no group, and a note."""
        found = measure([])

        assert ((), None, ("没有可用病例,分值无法测算。",)) == (found.groups, found.mean_cost, found.notes)

    def test_last_year_gives_stay_and_deaths(self):
        """Means of the cases that say so; the years before do not count."""
        cases = [
            seen("A", 2, 1_000, days=5, died=False),
            seen("A", 2, 1_000, days=8, died=True),
            seen("A", 2, 1_000),
            seen("A", 1, 1_000, days=90, died=True),
        ]

        found = of(measure(cases), "A")

        assert (Decimal("6.50"), Decimal("0.5000"), 3) == (found.mean_days, found.mortality, found.last_year)


class TestTrimming:
    """2.5 to 97.5 percentile inside a group and a year."""

    def test_from_25_cases_on(self):
        """Of 1,000, 2,000 … 25,000 the first and the last are left out, of 24 none."""
        many = [seen("A", 2, thousand * 1_000) for thousand in range(1, 26)]

        assert [2, 0] == [of(measure(cases), "A").trimmed for cases in (many, many[:24])]

    def test_an_outlier_does_not_move_the_mean(self):
        """24 cases of 1,000 and one of a million."""
        cases = [*(seen("A", 2, 1_000) for _ in range(24)), seen("A", 2, 1_000_000)]

        assert 1_000_0000 == of(measure(cases), "A").mean_cost

    @pytest.mark.parametrize(
        ("share", "expected"), [("0", "10"), ("0.5", "25"), ("0.25", "17.5"), ("1", "40"), ("2", "40"), ("-1", "10")]
    )
    def test_percentiles_are_linear(self, share, expected):
        """Place (n - 1) x share between its neighbours."""
        assert Decimal(expected) == percentile([10, 20, 30, 40], Decimal(share))

    @given(st.lists(st.integers(1, 10**9), min_size=25, max_size=60))
    @QUICK
    def test_mean_stays_between_the_costs(self, costs):
        """Trimming keeps cases, and the mean lies among them."""
        found = of(measure([Observed(group="A", year=2, cost=cost) for cost in costs]), "A")

        assert found.cases > found.trimmed
        assert min(costs) <= found.mean_cost <= max(costs)


class TestAuxiliary:
    """m_j / M and its trigger."""

    CASES = (
        *(seen("A", 2, 20_000, "severe") for _ in range(5)),
        *(seen("A", 2, 8_000) for _ in range(10)),
    )

    def test_coefficient(self):
        """M = (5 x 20,000 + 10 x 8,000) / 15 = 12,000; severe 20,000 / 12,000; the split leaves no variation."""
        (row,) = auxiliary_rows(measure(self.CASES))

        assert ("severity", "severe", "A") == (row.type, row.subtype, row.group)
        assert (Decimal("1.6667"), 15, 5, Decimal("1.0000")) == (
            row.coefficient,
            row.group_cases,
            row.subtype_cases,
            row.variation_drop,
        )

    @pytest.mark.parametrize(
        ("cases", "words"),
        [
            (CASES[:-1], "未达触发条件:病种 14 例,不足 15 例"),
            (CASES[1:] + CASES[-1:], "未达触发条件:该分型 4 例,不足 5 例"),
            (tuple(seen("A", 2, 1_000, "severe") for _ in range(15)), "上年费用没有差异,无从降低变异系数"),
        ],
    )
    def test_trigger(self, cases, words):
        """Too few cases, or nothing to gain."""
        (found,) = measure(cases).subtypes

        assert words == found.why_not
        assert () == auxiliary_rows(measure(cases))

    def test_half_is_enough_for_icu_days(self):
        """Eight cases, three of them in the ICU."""
        typed = {"subtypes": (("icu", "2-7"),)}
        cases = [*(seen("A", 2, 20_000, **typed) for _ in range(3)), *(seen("A", 2, 8_000) for _ in range(5))]

        assert ["2-7"] == [row.subtype for row in auxiliary_rows(measure(cases))]

    def test_a_split_without_gain(self):
        """Both halves vary as the whole does: nothing drops."""
        cases = [(cost, seen("A", 2, 1, name)) for cost in (100, 200) for name in ("moderate", "severe")]

        assert Decimal(0) == round(variation_drop(cases, "severity"), 12)

    def test_cases_are_observed_with_their_subtypes(self):
        """A sub-type that could not be judged is none."""
        case, assessed = paid(
            typings=(Typing(type="cci", subtype="severe"), Typing(type="age", subtype="", note="缺年龄")), died=False
        )

        assert Observed(
            group="K80.1", year=1, cost=10_000_0000, days=7, died=False, subtypes=(("cci", "severe"),)
        ) == observed(case, assessed, 1)


class TestVariation:
    """CV = population standard deviation / mean."""

    def test_worked(self):
        """Of 2, 4, 4, 4, 5, 5, 7, 9: standard deviation 2, mean 5."""
        assert Decimal("0.4") == variation([2, 4, 4, 4, 5, 5, 7, 9])

    @pytest.mark.parametrize(("costs", "expected"), [([], None), ([0, 0], None), ([5], Decimal(0))])
    def test_edges(self, costs, expected):
        """Nothing has none; a single cost does not vary."""
        assert expected == variation(costs)


class TestBudgetValue:
    """Year-start value: weighted cost / weighted points."""

    YEARS = (
        YearTotals(cost=90_000_000_0000, points=Decimal(10_000_000)),
        YearTotals(cost=95_000_000_0000, points=Decimal(10_000_000)),
        YearTotals(cost=110_000_000_0000, points=Decimal(11_000_000)),
    )

    def test_worked(self):
        """(90 + 2 x 95 + 7 x 110) / (10 + 2 x 10 + 7 x 11) = 1,050 / 107 = 9.8131."""
        assert Decimal("9.8131") == budget_value(self.YEARS)

    def test_adjusted_to_the_budget(self):
        """Two per cent more money."""
        assert Decimal("10.0093") == budget_value(self.YEARS, adjustment=Decimal("1.02"))

    def test_without_points_there_is_none(self):
        """No year, or no points."""
        assert [None, None] == [budget_value([]), budget_value([YearTotals(cost=1, points=Decimal(0))])]


def test_weighted_mean_of_nothing():
    """Absent years, or no years."""
    assert [None, None] == [weighted_mean([None, None], WEIGHTS), weighted_mean([], WEIGHTS)]


class TestConsumption:
    """费用消耗指数 and 时间消耗指数."""

    def test_worked(self):
        """Costs 0.8, 1.2 and 1.6 of the mean; stays 1.0 and 0.5 of it."""
        group = a_group(mean_days=Decimal(7))
        cases = [
            paid(cost=8_000_0000, group=group),
            paid(cost=12_000_0000, days=None, group=group),
            paid(cost=16_000_0000),
            paid(cost=None, group=a_group(mean_days=Decimal(14))),
            paid(None, status="ungrouped"),
        ]

        found = consumption(cases)

        assert (Decimal("1.2000"), 3) == (found.cost_index, found.cost_cases)
        assert (Decimal("0.7500"), 2) == (found.time_index, found.time_cases)
        assert 1 == found.left_out

    def test_nothing(self):
        """No case: no index."""
        assert (None, None) == (consumption([]).cost_index, consumption([]).time_index)


ODD = st.builds(
    Observed,
    group=st.sampled_from(["", "A", "B"]),
    year=st.integers(-1, 3),
    cost=st.one_of(st.none(), st.integers(-5, 10**12)),
    days=st.one_of(st.none(), st.integers(-5, 400)),
    died=st.sampled_from([True, False, None]),
    subtypes=st.sampled_from([(), (("severity", "severe"),), (("severity", "severe"), ("icu", "2-7"))]),
)


@given(st.lists(ODD, max_size=60))
@QUICK
def test_every_discharge_is_counted(cases):
    """Left out, trimmed or measured, whatever stands in the record."""
    found = measure(cases, Measuring(trim_from=5))

    assert len(cases) == found.cases == found.left_out + sum(group.cases for group in found.groups)
    assert all(group.trimmed < group.cases for group in found.groups)
