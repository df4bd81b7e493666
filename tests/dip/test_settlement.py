"""Settlement: points, the value of a point, prepayment, clearing, bands, review; and that nothing is dropped."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rules.dip.assess import assess
from rules.dip.clearing import assessment_coefficient, banded, floating_value, jumps, settlement_value
from rules.dip.model import (
    AddOn,
    AssessmentBand,
    Auxiliary,
    AuxiliaryRow,
    Coefficient,
    PaymentRules,
    PointsNote,
    PointsRules,
    PointValue,
    Review,
    SettlementBand,
)
from rules.dip.settled import PoolTerms
from rules.dip.settlement import settle
from tests.dip.assessed import VALUES, a_directory, paid
from tests.dip.builders import a_case, a_group

QUICK = settings(max_examples=200, deadline=None)
YUAN = 10_000


def rules(**changes):
    """Return rules of payment with the usual values."""
    return PaymentRules(**({"values": VALUES} | changes))


def bands(*rows):
    """Return a band table from (start, end, pay, share)."""
    return tuple(
        SettlementBand(
            start=Decimal(start), end=None if end is None else Decimal(end), pay=pay, share=Decimal(share or 0)
        )
        for start, end, pay, share in rows
    )


STYLE = bands(
    ("0", "0.85", "actual", None),
    ("0.85", "1", "payable", None),
    ("1", "1.15", "share_of_excess", "0.6"),
    ("1.15", None, "capped", None),
)
"""85 / 100 / 115."""
ASSESSED = tuple(
    AssessmentBand(start=Decimal(start), coefficient=Decimal(coefficient))
    for start, coefficient in (("0", "0.9"), ("70", "1"), ("90", "1.05"))
)


class TestPointValue:
    """(fund / payment ratio) / total points."""

    def test_worked(self):
        """63 million / 0.7 / 9 million points = 10 yuan."""
        assert Decimal("10.0000") == settlement_value(63_000_000 * YUAN, Decimal(9_000_000), Decimal("0.7"))

    def test_more_points_lower_value(self):
        """A tenth more points: 9.0909."""
        assert Decimal("9.0909") == settlement_value(63_000_000 * YUAN, Decimal(9_900_000), Decimal("0.7"))

    @pytest.mark.parametrize(("points", "ratio"), [("0", "0.7"), ("-1", "0.7"), ("1", "0")])
    def test_no_value(self, points, ratio):
        """Without points or ratio there is none."""
        assert None is settlement_value(1, Decimal(points), Decimal(ratio))

    def test_a_fund_below_zero_has_no_value(self):
        """What cannot be is not divided."""
        assert None is settlement_value(-1, Decimal(1), Decimal(1))

    @pytest.mark.parametrize(("share", "expected"), [("0.2", "10.1600"), ("0.3", "10.2400")])
    def test_floating(self, share, expected):
        """8:2 and 7:3 of ten yuan and 10.80."""
        assert Decimal(expected) == floating_value(Decimal(10), Decimal("10.8"), Decimal(share))

    def test_of_a_fund(self):
        """The fund's money and the region's points set the value of all cases."""
        found = settle(
            [paid(), paid(500)], a_directory(), budget=1_000_000 * YUAN, total_region_points=Decimal(100_000)
        )

        assert (Decimal("10.0000"), 15_000 * YUAN) == (found.overall.settlement_value, found.overall.standard.amount)
        assert () == found.overall.notes

    def test_without_the_regions_points_the_cases_are_the_region(self):
        """Said in a note."""
        found = settle([paid(), paid(500)], a_directory(), budget=18_000 * YUAN).overall

        assert Decimal("12.0000") == found.settlement_value
        assert ("未提供区域总分值,按本批病例即为全部病例计算点值。",) == found.notes

    def test_a_region_smaller_than_its_hospital(self):
        """Contradicting figures give no value, and no amounts."""
        found = settle([paid()], a_directory(), budget=1, total_region_points=Decimal(10)).overall

        assert (None, None, None) == (found.settlement_value, found.year.due, found.effects.surplus)
        assert "区域总分值 10 小于本批病例分值 1000,点值不能确定。" == found.notes[0]

    def test_the_schemes_value_holds_without_a_fund(self):
        """Nine yuan, from its table."""
        assert Decimal(9) == settle([paid()], a_directory()).overall.settlement_value

    def test_a_scheme_may_float_the_value(self):
        """8 parts of ten yuan (budget) and 2 of 12."""
        directory = a_directory(payment=rules(floating_share=Decimal("0.2")))

        assert Decimal("10.4000") == settle([paid()], directory, budget=12_000 * YUAN).overall.settlement_value

    def test_a_floating_value_is_rounded_once(self):
        """8,000.05 / 1,000 = 8.00005: half of it and half of ten is 9.000025, not half of 8.0001 and ten."""
        directory = a_directory(payment=rules(floating_share=Decimal("0.5")))

        assert Decimal("9.0000") == settle([paid()], directory, budget=80_000_500).overall.settlement_value


class TestPools:
    """Insurance and insured place have funds of their own."""

    CASES = (
        paid(insurance="310", place="P1"),
        paid(2000, insurance="390", place="P1"),
        paid(insurance="390", place="P2"),
    )

    def test_each_its_fund(self):
        """The terms that name most hold; those of one fund share its points."""
        pools = (
            PoolTerms(fund=8_000 * YUAN, region_points=Decimal(1_000)),
            PoolTerms(insurance="390", fund=24_000 * YUAN),
            PoolTerms(insurance="390", place="P2", fund=20_000 * YUAN),
        )

        found = settle(self.CASES, a_directory(), pools=pools)

        assert [
            ("310", "P1", Decimal("8.0000")),
            ("390", "P1", Decimal("12.0000")),
            ("390", "P2", Decimal("20.0000")),
        ] == [(pool.insurance, pool.place, pool.settlement_value) for pool in found.pools]
        assert (None, 52_000 * YUAN) == (found.overall.settlement_value, found.overall.standard.amount)

    def test_one_fund_for_two_pools(self):
        """24,000 yuan over the 3,000 points of both places."""
        found = settle(self.CASES[1:], a_directory(), pools=(PoolTerms(insurance="390", fund=24_000 * YUAN),))

        assert [Decimal("8.0000")] * 2 == [pool.settlement_value for pool in found.pools]

    def test_a_budget_is_for_pools_without_terms(self):
        """Insurance 390 has its own."""
        pools = (PoolTerms(insurance="390", fund=24_000 * YUAN),)

        found = settle(self.CASES, a_directory(), budget=7_000 * YUAN, pools=pools)

        assert [Decimal(7), Decimal(8), Decimal(8)] == [pool.settlement_value for pool in found.pools]

    def test_an_unknown_insurance_is_a_pool(self):
        """It is not counted with any other."""
        found = settle([paid(insurance=None), paid()], a_directory())

        assert [None, "310"] == [pool.insurance for pool in found.pools]


class TestParts:
    """Total points = core + comprehensive + TCM + bed-day + auxiliary + primary-care + review + add-on."""

    def test_every_part(self):
        """The auxiliary coefficient's part is what it adds; a review takes all but the additions."""
        base = (("score", "1000"), ("hospital_coefficient", "1"))
        cases = [
            paid(1000),
            paid(1200, factors=(*base, ("auxiliary", "1.2"))),
            paid(700, status="comprehensive"),
            paid(800, status="tcm"),
            paid(90, status="bed_day"),
            paid(400, status="primary_care"),
            paid(3050, factors=(("actual_cost", "2500"), ("review", "1.2"), ("add_on", "50"))),
            paid(1030, factors=(*base, ("add_on", "30"))),
            paid(100, status="last_resort"),
            paid(60, status="ungrouped"),
        ]

        found = settle(cases, a_directory()).overall.counts

        assert {
            "core": (Decimal(3000), 3),
            "comprehensive": (Decimal(700), 1),
            "tcm": (Decimal(800), 1),
            "bed_day": (Decimal(90), 1),
            "primary_care": (Decimal(400), 1),
            "last_resort": (Decimal(100), 1),
            "ungrouped": (Decimal(60), 1),
            "auxiliary": (Decimal(200), 1),
            "special_review": (Decimal(3000), 1),
            "add_on": (Decimal(80), 2),
        } == {part.part: (part.points, part.cases) for part in found.parts}
        assert Decimal(8430) == found.points

    def test_a_coefficient_below_one_takes_away(self):
        """0.8: the core has 1,000, the auxiliary part -200."""
        found = settle([paid(800, factors=(("score", "1000"), ("auxiliary", "0.8")))], a_directory()).overall.counts

        assert [("core", Decimal(1000)), ("auxiliary", Decimal(-200))] == [
            (one.part, one.points) for one in found.parts
        ]

    def test_names_of_factors_are_those_of_the_points(self):
        """A real case with sub-type and addition comes apart as it was made."""
        directory = a_directory(
            auxiliary=Auxiliary(rows=(AuxiliaryRow(type="age", subtype="elderly", coefficient=Decimal("1.1")),)),
            points=PointsRules(
                coefficients=(Coefficient(coefficient=Decimal(1)),),
                add_ons=(AddOn(name="新技术", points=Decimal(20), new_technology=True),),
            ),
        )
        case = a_case(age_years=70, new_technology=True)

        found = settle([(case, assess(case, directory))], directory).overall.counts

        assert [("core", Decimal(1000)), ("auxiliary", Decimal(100)), ("add_on", Decimal(20))] == [
            (one.part, one.points) for one in found.parts
        ]


class TestLeftOut:
    """Nothing is dropped in silence."""

    CASES = (
        paid(),
        paid(eligible=False, payment={"ineligible": "out_of_area"}, cost=3_000_0000, deductions=5 * YUAN),
        paid(eligible=None, cost=None),
        paid(None, status="ungrouped"),
        paid(None, pays_actual_cost=True, cost=None),
        paid(None, pays_actual_cost=True),
        paid(None, status="ungrouped", eligible=False, payment={"ineligible": "insurance"}),
    )

    def test_reasons(self):
        """By reason, with positions, cost and deductions."""
        found = settle(self.CASES, a_directory()).overall.counts

        assert {
            "out_of_area": ((1,), 3_000_0000, 5 * YUAN),
            "eligibility_unknown": ((2,), 0, 0),
            "ungrouped": ((3,), 10_000_0000, 0),
            "cost_absent": ((4,), 0, 0),
            "insurance": ((6,), 10_000_0000, 0),
        } == {one.reason: (one.positions, one.cost, one.deductions) for one in found.left_out}
        assert (7, 2) == (found.cases, found.settled)

    def test_the_reason_is_what_keeps_the_points_away(self):
        """Not what merely was noted of the case before."""
        notes = tuple(PointsNote(reason=reason) for reason in ("fact_missing", "special_review", "cost_absent"))
        found = settle([paid(None, notes=notes), paid(None, notes=notes[:1])], a_directory()).overall.counts

        assert [("cost_absent", (0,)), ("fact_missing", (1,))] == [
            (one.reason, one.positions) for one in found.left_out
        ]

    def test_actual_cost_has_no_points_and_is_paid(self):
        """Its standard is its cost."""
        found = settle(self.CASES, a_directory()).overall

        assert (Decimal(1000), 19_000 * YUAN) == (found.counts.points, found.standard.amount)

    def test_grouping_rate_is_of_dip_discharges(self):
        """Five of seven are DIP discharges, four of them have a group."""
        found = settle(self.CASES, a_directory()).overall.counts

        assert (4, 5, Decimal("0.8000")) == (found.grouped, found.discharges, found.grouping_rate)

    def test_no_case_at_all(self):
        """A settlement of nothing is nothing."""
        found = settle([], a_directory(), budget=1).overall

        assert (0, 0, 0, None) == (found.counts.cases, found.month.prepayment, found.year.due, found.counts.cmi)


class TestIndices:
    """CMI and mean points."""

    def test_worked(self):
        """Scores 1,000 and 500: CMI 0.75; points 1,200 and 500: mean 850."""
        cases = [paid(1200), paid(500, group=a_group(score=Decimal(500)))]

        found = settle(cases, a_directory()).overall.counts

        assert (Decimal("0.7500"), Decimal("850.0000")) == (found.cmi, found.mean_points)

    def test_another_scale(self):
        """A place whose average case has 100."""
        assert Decimal("10.0000") == settle([paid()], a_directory(), base_score=Decimal(100)).overall.counts.cmi


class TestMonth:
    """Prepayment: sum(points x budget value - patient payments) x ratio - deductions."""

    def test_worked(self):
        """10,000 - 3,000 = 7,000; x 0.9 = 6,300; - 100 - 50 = 6,150; a twentieth of 6,250 kept."""
        directory = a_directory(payment=rules(prepay_ratio=Decimal("0.9"), deposit_ratio=Decimal("0.05")))

        found = settle(
            [paid(deductions=50 * YUAN)], directory, deductions=100 * YUAN, advance=6_000 * YUAN
        ).overall.month

        assert 7_000 * YUAN == found.fund.amount
        assert (6_150 * YUAN, 312_5000, 58_375_000) == (found.prepayment, found.deposit, found.paid)
        assert (150 * YUAN, 6_000 * YUAN) == (found.deductions, found.advance)

    def test_patient_share_absent(self):
        """The case is named and not paid; the rest is."""
        found = settle([paid(), paid(deductible=None)], a_directory()).overall

        assert (7_000 * YUAN, (1,)) == (found.month.fund.amount, found.month.fund.absent)
        assert ("1 例缺患者负担等信息,未计入月预结算。",) == found.notes

    def test_no_budget_value(self):
        """Nothing is known, so nothing is said."""
        found = settle([paid()], a_directory(payment=PaymentRules(values=VALUES[1:]))).overall

        assert (None, (0,)) == (found.month.prepayment, found.month.fund.absent)
        assert "1 例没有预算点值。" in found.notes

    def test_a_given_budget_value(self):
        """It stands in for the scheme's."""
        assert 8_000 * YUAN == settle([paid()], a_directory(), budget_value=Decimal(8)).overall.budget_standard.amount

    def test_a_negative_share(self):
        """Kept or cut at nothing, as the scheme says."""
        cases = [paid(100)]

        assert [0, -2_000 * YUAN] == [
            settle(cases, a_directory(payment=rules(fund_may_be_negative=kept))).overall.month.fund.amount
            for kept in (False, True)
        ]

    def test_deductions_can_exceed_the_payment(self):
        """Then the hospital owes, and no deposit is kept."""
        directory = a_directory(payment=rules(deposit_ratio=Decimal("0.1")))

        found = settle([paid(deductions=8_000 * YUAN)], directory).overall.month

        assert (-1_000 * YUAN, 0, -1_000 * YUAN) == (found.prepayment, found.deposit, found.paid)


class TestYear:
    """Clearing: sum(points x value x fund ratio) x assessment coefficient - deductions."""

    def test_worked(self):
        """9,000 x 0.7 = 6,300; x 1.05 = 6,615; - 15 = 6,600; 5,000 and 600 received: 1,000 to come."""
        directory = a_directory(payment=rules(assessment=ASSESSED))

        found = settle(
            [paid(deductions=5 * YUAN)],
            directory,
            assessment_score=Decimal(92),
            deductions=10 * YUAN,
            prepaid=5_000 * YUAN,
            advance=600 * YUAN,
        ).overall.year

        assert (6_300 * YUAN, 6_300 * YUAN) == (found.payable.amount, found.banded)
        assert (Decimal("1.05"), 15 * YUAN) == (found.coefficient, found.deductions)
        assert (6_600 * YUAN, 1_000 * YUAN) == (found.due, found.balance)

    def test_a_fund_ratio_for_all(self):
        """It stands in for the case's own, and for what the fund bore where that is absent."""
        found = settle([paid(fund_paid=None)], a_directory(), fund_ratio=Decimal("0.8")).overall.year

        assert (7_200 * YUAN, 8_000 * YUAN) == (found.payable.amount, found.recorded.amount)

    def test_another_formula(self):
        """By what the patient bears: 9,000 - 3,000."""
        assert 6_000 * YUAN == settle([paid()], a_directory(), formula="less_patient_share").overall.year.due

    def test_reimbursed(self):
        """K27: (9,000 - 500 - 700 - 1,000) x 0.85 = 5,780."""
        case = paid(specified_own=700 * YUAN, reimbursement_ratio=Decimal("0.85"))

        found = settle([case, paid()], a_directory()).overall.reimbursed

        assert (5_780 * YUAN, 1, (1,)) == (found.amount, found.cases, found.absent)

    def test_no_score(self):
        """A scheme with an assessment cannot clear without its score."""
        found = settle([paid()], a_directory(payment=rules(assessment=ASSESSED))).overall

        assert (None, None) == (found.year.coefficient, found.year.due)
        assert ("缺年度考核得分或得分低于各档,清算金额不能确定。",) == found.notes

    @pytest.mark.parametrize(
        ("score", "expected"),
        [("100", "1.05"), ("90", "1.05"), ("89.9", "1"), ("70", "1"), ("69.9", "0.9"), ("0", "0.9"), ("-1", None)],
    )
    def test_coefficients(self, score, expected):
        """L31, L32: from 90 on 1.05, below 70 0.9."""
        found = assessment_coefficient(Decimal(score), ASSESSED)

        assert expected == (None if found is None else str(found))

    def test_no_assessment(self):
        """A scheme without one clears at 1."""
        assert Decimal(1) == assessment_coefficient(None, ())


class TestBands:
    """结余留用、合理超支分担 of actual / payable."""

    @pytest.mark.parametrize(
        ("actual", "expected"),
        [(800, 800), (849, 849), (850, 1000), (1000, 1000), (1100, 1060), (1149, 1089), (1150, 1090), (2000, 1090)],
    )
    def test_style(self, actual, expected):
        """Below 85 % the actual cost, to 100 % all, then 60 % of the excess, above 115 % as at 115 %."""
        found = banded(actual * YUAN, 1000 * YUAN, STYLE, 0)

        assert expected * YUAN == found.amount

    def test_it_jumps_at_85_only(self):
        """850 of 1,000 pays 1,000, a little less pays less than 850; every other border is continuous."""
        assert [(Decimal("0.85"), Decimal("0.85"), Decimal(1))] == [tuple(one) for one in jumps(STYLE)]

    def test_a_share_of_the_surplus(self):
        """A half of what was saved: 800 + 100."""
        table = bands(("0", "1", "share_of_surplus", "0.5"), ("1", None, "payable", None))

        assert (900 * YUAN, ()) == (banded(800 * YUAN, 1000 * YUAN, table).amount, jumps(table))

    def test_a_second_share_of_the_excess_jumps(self):
        """Each share is of the whole excess: 70 % up to 110 %, then 30 %."""
        table = bands(("1", "1.1", "share_of_excess", "0.7"), ("1.1", None, "share_of_excess", "0.3"))

        assert [(Decimal("1.1"), Decimal("1.07"), Decimal("1.03"))] == [tuple(one) for one in jumps(table)]

    def test_a_cap_with_nothing_before(self):
        """It pays its own start."""
        assert 1_150 * YUAN == banded(2_000 * YUAN, 1_000 * YUAN, bands(("1.15", None, "capped", None))).amount

    def test_a_gap(self):
        """No band, no amount."""
        assert None is banded(900 * YUAN, 1_000 * YUAN, bands(("1", None, "payable", None)))

    def test_nothing_payable(self):
        """No ratio, and no band."""
        found = banded(900, 0, STYLE)

        assert (None, None, 0) == (found.ratio, found.band, found.amount)

    def test_in_the_clearing(self):
        """Fund's part of the cost 7,000 of 6,300: 6,300 + 60 % of 700."""
        found = settle([paid()], a_directory(payment=rules(bands=STYLE))).overall.year

        assert (6_720 * YUAN, 6_720 * YUAN) == (found.banded, found.due)

    def test_by_pool(self):
        """A surplus of one pool does not fill the overrun of another."""
        cases = [paid(), paid(insurance="390", fund_paid=4_000_0000, cost=8_000_0000)]

        found = settle(cases, a_directory(payment=rules(bands=STYLE)))

        assert [Decimal("1.1111"), Decimal("0.8889")] == [pool.year.band.ratio for pool in found.pools]
        assert 6_720 * YUAN + 4_500 * YUAN == found.overall.year.banded

    def test_what_was_recorded_is_not_known(self):
        """Then no band is guessed."""
        directory = a_directory(payment=rules(bands=STYLE))

        found = settle([paid(fund_paid=None)], directory, formula="less_patient_share").overall

        assert (None, None) == (found.year.banded, found.year.due)
        assert ("1 例缺基金记账金额,不能与应付金额比较。",) == found.notes

    def test_a_ratio_in_no_band(self):
        """The table has a hole."""
        directory = a_directory(payment=rules(bands=bands(("0", "0.5", "actual", None))))

        assert ("实际与应付金额之比不在任何分担档内。",) == settle([paid()], directory).overall.notes

    @given(st.integers(1, 10**12), st.integers(0, 2 * 10**12), st.sampled_from(STYLE[1:]))
    @QUICK
    def test_more_cost_never_pays_less(self, payable, more, band):
        """From 85 % on the payment grows with the cost, and neighbours agree at their border."""
        start = int(band.start * payable) + 1
        less = banded(start, payable, STYLE, 4).amount

        assert less <= banded(start + more, payable, STYLE, 4).amount


class TestEffects:
    """What the clearing means for the hospital."""

    def test_worked(self):
        """Standard 9,000 and cost 10,000; due 6,300 of 7,000 charged, against 9,000 of care."""
        found = settle([paid()], a_directory(), care_cost=9_000 * YUAN).overall.effects

        assert (-1_000 * YUAN, -700 * YUAN) == (found.surplus, found.fund_surplus)
        assert 1 == found.surplus_cases
        assert (Decimal("0.7000"), Decimal("0.9000")) == (found.cost_view, found.charge_view)

    def test_a_surplus_says_how_many_cases_it_is_of(self):
        """A case without a cost has none, and must not look like one that broke even."""
        found = settle([paid(), paid(cost=None)], a_directory()).overall.effects

        assert (-1_000 * YUAN, 1) == (found.surplus, found.surplus_cases)

    def test_without_cost_of_care(self):
        """Only the charge view."""
        found = settle([paid()], a_directory()).overall.effects

        assert (None, Decimal("0.9000")) == (found.cost_view, found.charge_view)


class TestReview:
    """特例单议: 0.5 % of DIP discharges."""

    @staticmethod
    def costly(excess, **changes):
        """Return a candidate whose cost exceeds the normal standard by so many yuan."""
        standard = None if excess is None else 10_000_0000 - excess * YUAN
        return paid(review_candidate=("费用高",), payment={"normal_standard": standard}, **changes)

    def plan(self, cases, **changes):
        """Return the plan under a scheme with reviews."""
        return settle(cases, a_directory(points=PointsRules(review=Review(**changes)))).review

    def test_the_largest_excess_fits(self):
        """Two of 400: unknown excess comes last."""
        cases = [self.costly(None), self.costly(100), self.costly(300), self.costly(200), *([paid()] * 396)]

        found = self.plan(cases)

        assert (2, 400) == (found.limit, found.discharges)
        assert [(2, True), (3, True), (1, False), (0, False)] == [
            (one.position, one.within) for one in found.candidates
        ]

    def test_reviewed_cases_count(self):
        """One of the two places is taken, and the reviewed case is no candidate."""
        cases = [
            self.costly(500, approved_review_coefficient=Decimal(1)),
            self.costly(100),
            self.costly(300),
            *([paid()] * 397),
        ]

        found = self.plan(cases)

        assert ((0,), [(2, True), (1, False)]) == (
            found.approved,
            [(one.position, one.within) for one in found.candidates],
        )

    def test_a_coefficient_of_zero_approves_nothing(self):
        """It takes no place, and the case is still a candidate."""
        cases = [self.costly(500, approved_review_coefficient=Decimal(0)), *([paid()] * 399)]

        found = self.plan(cases)

        assert ((), [0]) == (found.approved, [one.position for one in found.candidates])

    def test_199_discharges_have_no_place(self):
        """Whole cases only."""
        assert (0, False) == (
            self.plan([self.costly(1), *([paid()] * 198)]).limit,
            self.plan([self.costly(1)]).candidates[0].within,
        )

    def test_who_is_not_paid_by_dip_does_not_count(self):
        """Neither as a discharge nor as a candidate."""
        found = self.plan([self.costly(1, eligible=False), paid()], share_limit=Decimal(1))

        assert (1, ()) == (found.limit, found.candidates)

    def test_a_scheme_without_reviews(self):
        """No plan."""
        assert None is settle([paid()], a_directory()).review


AMOUNTS = st.one_of(st.none(), st.integers(-5, 10**9))
CASES = st.builds(
    lambda points, changes: paid(None if points is None else str(points), **changes),
    st.one_of(st.none(), st.decimals(0, 10**5, places=4)),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["core", "comprehensive", "tcm", "bed_day", "primary_care", "ungrouped"]),
            "eligible": st.sampled_from([True, True, True, False, None]),
            "pays_actual_cost": st.sampled_from([False, False, True]),
            "insurance": st.sampled_from(["310", "390", None]),
            "place": st.sampled_from(["P", None]),
            "cost": AMOUNTS,
            "deductible": AMOUNTS,
            "fund_paid": AMOUNTS,
            "deductions": AMOUNTS,
            "factors": st.sampled_from(
                [
                    (("score", "1"),),
                    (("score", "1"), ("auxiliary", "1.37")),
                    (("review", "1"),),
                    (("score", "1"), ("add_on", "12.5")),
                ]
            ),
        }
    ),
)


@given(st.lists(CASES, max_size=12), st.one_of(st.none(), st.integers(0, 10**12)), st.booleans())
@QUICK
def test_nothing_is_lost(cases, budget, with_bands):
    """Cases, cost, points, sums and amounts of the pools add up to the whole, whatever is handed in."""
    directory = a_directory(payment=rules(bands=STYLE if with_bands else ()))

    found = settle(cases, directory, budget=budget, deductions=7)

    whole = found.overall
    for pool in (whole, *found.pools):
        counts = pool.counts
        assert counts.cases == counts.settled + sum(one.cases for one in counts.left_out)
        assert counts.points == sum((part.points for part in counts.parts), Decimal(0))
        for total in (counts.cost, pool.standard, pool.budget_standard, pool.month.fund, pool.year.payable):
            assert counts.settled == total.cases + len(total.absent)
    known = sum(case.cost for case, _ in cases if case.cost and case.cost > 0)
    assert known == whole.counts.cost.amount + sum(one.cost for one in whole.counts.left_out)
    everyone = [position for one in whole.counts.left_out for position in one.positions]
    assert len(cases) == len(everyone) + whole.counts.settled == len(set(everyone)) + whole.counts.settled
    for name in ("cases", "settled", "points", "grouped", "discharges"):
        assert getattr(whole.counts, name) == sum(getattr(pool.counts, name) for pool in found.pools)
    if whole.month.prepayment is not None:
        assert (
            whole.month.prepayment == sum(pool.month.prepayment or 0 for pool in found.pools if pool.counts.settled) - 7
        )
        assert whole.month.paid == whole.month.prepayment - whole.month.deposit
    if whole.year.due is not None:
        assert whole.year.due == sum(pool.year.due or 0 for pool in found.pools if pool.counts.settled) - 7


@given(st.lists(CASES, min_size=1, max_size=8), st.randoms(use_true_random=False))
@QUICK
def test_order_does_not_matter(cases, shuffler):
    """The sums of the same cases in another order are the same."""
    other = list(cases)
    shuffler.shuffle(other)

    def amounts(pairs):
        found = settle(pairs, a_directory(), budget=10**9).overall
        return found.counts.points, found.settlement_value, found.standard.amount, found.month.paid, found.year.due

    assert amounts(cases) == amounts(other)


def test_the_day_chooses_the_value():
    """Each case by its discharge; the pool then has no single value."""
    values = tuple(
        PointValue(
            value=Decimal(value), use="settlement", valid_from=date(2026, month, 1), valid_to=date(2026, month, 28)
        )
        for value, month in ((9, 2), (10, 3))
    )
    cases = [paid(discharged=date(2026, month, 5)) for month in (2, 3)]

    found = settle(cases, a_directory(payment=PaymentRules(values=values))).overall

    assert (None, 19_000 * YUAN) == (found.settlement_value, found.standard.amount)


def test_assessed_cases_settle():
    """From a case to its clearing, with nothing written down by hand but the case."""
    directory = a_directory(points=replace(a_directory().scheme.points, coefficient_required=False))
    case = a_case(fund_paid=6_000_0000, deductible=0, copayment=0, out_of_catalogue=0, other_payers=0)

    found = settle([(case, assess(case, directory))], directory).overall

    assert (Decimal(1000), 10_000 * YUAN, 5_400 * YUAN) == (
        found.counts.points,
        found.month.prepayment,
        found.year.due,
    )
