"""All that a scheme says of one case, and the words it is said in; no case makes it raise."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.dip.assess import assess
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import (
    AddOn,
    Assessed,
    Auxiliary,
    AuxiliaryRow,
    Case,
    CciEntry,
    Coefficient,
    Comprehensive,
    ComprehensiveRow,
    Converted,
    Deviation,
    Eligibility,
    LastResort,
    OperationEntry,
    PaymentRules,
    PointsNote,
    PointsRules,
    PointValue,
    Review,
    Scheme,
    SeverityEntry,
    Typing,
)
from rules.dip.words import group_words, note_words, number, points_words, typing_words, yuan
from tests.dip.builders import a_case, a_group, a_row, a_scheme


def auxiliary(**changes: Any) -> Auxiliary:
    """Return an auxiliary directory with a row in every part."""
    parts: Any = (("cci", "extremely_severe"), ("severity", "severe"), ("age", "0-28d"), ("icu", "2-7"),
                  ("tumour_severity", "high_cost_1"))  # fmt: skip
    rows = [AuxiliaryRow(type=kind, subtype=name, coefficient=Decimal("1.2")) for kind, name in parts]
    rows.append(
        AuxiliaryRow(type="secondary", subtype="伴糖尿病", coefficient=Decimal("1.1"), other_diagnoses=("E11",))
    )
    given: dict[str, Any] = {
        "rows": tuple(rows),
        "cci": (CciEntry(code="C78", disease="转移", weight=6),),
        "severity": (SeverityEntry(code="A41.900", severity="severe"),),
    }
    return Auxiliary(**(given | changes))


def a_whole_scheme(**changes: Any) -> Scheme:
    """Return a scheme that has every part: all classes, lists, formulas."""
    given: dict[str, Any] = {
        "groups": (
            a_group(name="胆囊结石伴胆囊炎"),
            a_group("C34.1"),
            a_group("F20", kind="bed_day", score=Decimal(30)),
            a_group("J18", kind="primary_care", basic_factor=Decimal("0.9")),
            a_group("Z", score=Decimal(0)),
            a_group("K80-4", kind="comprehensive"),
            a_group("LR", kind="last_resort"),
        ),
        "operations": (OperationEntry(code="51.2300", attribute="surgery"),),
        "comprehensive": Comprehensive(rows=(ComprehensiveRow(group="K80-4", key="K80", attribute="surgery"),)),
        "last_resort": (LastResort(group="LR", key="A"),),
        "auxiliary": auxiliary(),
        "points": PointsRules(
            coefficients=tuple(Coefficient(coefficient=Decimal("1.05"), level=level) for level in (1, 2, 3)),
            deviation=Deviation(formula="proportional", review_from=Decimal(3)),
            last_resort=Converted(factors=(Decimal("0.7"),)),
            ungrouped=Converted(mean_cost=9_000_0000, score=Decimal(900), factors=(Decimal("0.8"),)),
            review=Review(cost_multiple=Decimal(3), long_stay_multiple=Decimal(5), departments=3),
            add_ons=(AddOn(name="新技术", points=Decimal(50), new_technology=True),),
        ),
        "payment": PaymentRules(values=(PointValue(value=Decimal(10)),)),
        "eligibility": Eligibility(insurances=("310", "390"), max_days=180),
    }
    rows = (
        a_row(),
        a_row("C34.1", "C34.1", any_operations=True),
        a_row("F20", "F20", any_operations=True),
        a_row("J18", "J18", any_operations=True),
        a_row("Z", "Z51", any_operations=True),
    )
    return a_scheme(*rows, **(given | changes))


DIRECTORY = Directory.build(a_whole_scheme())
INSIDE = Directory.build(
    a_whole_scheme(
        auxiliary=auxiliary(severity_style="city", mode="replace_hospital_coefficient"),
        points=PointsRules(deviation=Deviation(formula="coefficient_inside", extreme=Decimal(5))),
    )
)
ACTUAL = Directory.build(
    a_whole_scheme(
        points=PointsRules(
            coefficient_required=False,
            deviation=Deviation(
                formula="actual_cost", low_reference="level_mean", average_factors={"310": Decimal(10)}
            ),
        ),
        payment=PaymentRules(values=(PointValue(value=Decimal(10)),), fund="reimbursed"),
    )
)
ACTUAL_LIMITED = Directory.build(
    a_whole_scheme(points=PointsRules(coefficient_required=False, deviation=Deviation(formula="actual_cost")))
)

CODES = st.sampled_from(
    ("K80.100", "K80.1", "C34.100", "C34.100x001", "F20.000", "J18.900", "Z51.100", "A41.900", "C78.000", "E11.900",
     "A01.002+G01*", "ZZZ", "", " k80.1 ", "M8000/3", "V01.000")
)  # fmt: skip
AMOUNTS = st.none() | st.integers(-5, 10**9) | st.integers()
NUMBERS = st.none() | st.decimals(allow_nan=True, allow_infinity=True)
COUNTS = st.none() | st.integers(-2, 200) | st.integers()
FLAGS = st.none() | st.booleans()
CASES = st.builds(
    Case,
    principal=CODES | st.text(max_size=12),
    others=st.lists(CODES | st.text(max_size=8), max_size=5).map(tuple),
    absent_on_admission=st.lists(CODES, max_size=2).map(tuple),
    operations=st.lists(
        st.sampled_from(("51.2300", "99.2500", "51.23", "?", "")) | st.text(max_size=8), max_size=4
    ).map(tuple),
    sex=st.sampled_from((None, "male", "female")),
    age_years=COUNTS,
    age_days=COUNTS,
    weight_g=COUNTS,
    days=COUNTS,
    icu_days=COUNTS,
    died=FLAGS,
    cost=AMOUNTS,
    drug_cost=AMOUNTS,
    treatment_cost=AMOUNTS,
    hospital=st.sampled_from(("", "H1")),
    hospital_level=COUNTS,
    insurance=st.sampled_from((None, "310", "390", "999")),
    discharged=st.none() | st.dates(),
    admitted=st.none() | st.dates(),
    new_technology=FLAGS,
    departments=COUNTS,
    critical=FLAGS,
    deductible=AMOUNTS,
    copayment=AMOUNTS,
    out_of_catalogue=AMOUNTS,
    other_payers=AMOUNTS,
    specified_own=AMOUNTS,
    fund_paid=AMOUNTS,
    reimbursement_ratio=NUMBERS,
    approved_review_coefficient=NUMBERS,
    add_on_points=NUMBERS,
)


class TestAnyCase:
    """Whatever is sent."""

    @settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(case=CASES, directory=st.sampled_from((DIRECTORY, INSIDE, ACTUAL)))
    def test_never_raises(self, case: Case, directory: Directory) -> None:
        """It has an answer that holds together, and words for it."""
        assessed = assess(case, directory)

        holds_together(case, assessed)
        assert all(isinstance(line, str) and line for line in points_words(assessed))
        assert assessed == assess(case, directory)

    @settings(max_examples=200, derandomize=True, deadline=None)
    @given(case=CASES)
    def test_points_are_the_product_of_their_factors(self, case: Case) -> None:
        """Additions aside."""
        for directory in (DIRECTORY, INSIDE, ACTUAL):
            found = assess(case, directory).points
            if found.points is None:
                continue
            product, added = Decimal(1), Decimal(0)
            for factor in found.factors:
                if factor.name == "add_on":
                    added += factor.value
                else:
                    product *= factor.value

            assert abs(found.points - product - added) <= Decimal("0.00006") + abs(product) * Decimal("1e-20")


def holds_together(case: Case, assessed: Assessed) -> None:
    """Check what must hold of every answer."""
    points, payment = assessed.points, assessed.payment
    assert (points.points is not None) or points.notes or points.band == "unknown"
    assert points.ratio is not None or points.band == "unknown"
    if payment.eligible is not True:
        assert (None, None) == (payment.fund, payment.balance)
    if payment.balance is not None and payment.standard is not None:
        assert payment.balance == payment.standard - (case.cost or 0)
    if payment.fund is not None:
        assert payment.fund >= 0


def test_everything_of_a_case() -> None:
    """Group, sub-types, points and money."""
    found = assess(a_case(others=("C78.000", "E11.900"), cost=11_000_0000), DIRECTORY)

    assert ("core", "K80.1", "胆囊结石伴胆囊炎") == (
        found.grouping.status,
        found.grouping.group,
        found.group.name if found.group else "",
    )
    assert ["cci", "severity", "icu", "secondary"] == [typing.type for typing in found.typings]
    assert (Decimal("1260"), 12_600_0000, 1_600_0000) == (
        found.points.points,
        found.payment.standard,
        found.payment.balance,
    )


def test_a_known_grouping() -> None:
    """Is not looked for again."""
    case = a_case()
    elsewhere = group(a_case("J18.900"), DIRECTORY)

    assert elsewhere == assess(case, DIRECTORY, grouping=elsewhere).grouping
    assert assess(case, DIRECTORY) == assess(case, DIRECTORY, grouping=group(case, DIRECTORY))


class TestWords:
    """Lines in Chinese: every factor with its source, the standard as a reference (ruling 24)."""

    def test_product(self) -> None:
        """The brief's own example."""
        scheme = a_scheme(
            a_row(),
            groups=(a_group(score=Decimal(1200)),),
            auxiliary=Auxiliary(
                rows=(AuxiliaryRow(type="cci", subtype="extremely_severe", coefficient=Decimal("1.2")),),
                cci=(CciEntry(code="C78", disease="转移", weight=6),),
            ),
            points=PointsRules(
                coefficients=(Coefficient(coefficient=Decimal("1.05"), level=3, source="2026 年系数表"),)
            ),
            payment=PaymentRules(values=(PointValue(value=Decimal(10)),), fund="less_deductible_and_copayment"),
        )
        case = a_case(others=("C78.000",), cost=16_000_0000, deductible=1_000_0000, copayment=2_000_0000)

        assert (
            "合并症并发症指数:极严重,系数 1.2,指数 6",
            "分值 1,200 × 机构系数 1.05(系数表:三级,2026 年系数表)× 辅助系数 1.2(合并症并发症指数 极严重)= 1,512 分",
            "费用 ÷ 参考均费 10,000.00 元 = 1.6",
            "参考支付标准 15,120.00 元(点值 10.00 元/分,预估)",
            "费用比参考支付标准多 880.00 元(预估)",
            "按方案公式,基金支付 12,120.00 元(预估)",
        ) == points_words(assess(case, Directory.build(scheme)))

    def test_low_cost(self) -> None:
        """A deviating case says by how much, and what it is worth at a normal cost."""
        lines = points_words(assess(a_case(cost=4_000_0000), Directory.build(a_whole_scheme(auxiliary=Auxiliary()))))

        assert (
            "分值 1,000 × 机构系数 1.05(系数表:三级)"
            "× 费用偏差系数 0.4(费用为病种均费的 0.4 倍,低于下限 0.5,按比例 r)= 420 分",
            "费用正常时 1,050 分",
            "费用 ÷ 参考均费 10,000.00 元 = 0.4,费用偏低病例",
            "参考支付标准 4,200.00 元(点值 10.00 元/分,预估)",
            "费用比参考支付标准少 200.00 元(预估)",
            "说明:缺起付线、个人自付、自费、其他支付,不能计算基金支付",
        ) == lines

    def test_not_paid_by_dip(self) -> None:
        """Is said, and no amount is."""
        lines = points_words(assess(a_case(insurance="999"), DIRECTORY))

        assert "险种不在范围,不按病种分值付费" in lines
        assert [] == [line for line in lines if "支付标准" in line]

    def test_nothing_to_apply_for(self) -> None:
        """A case that DIP does not pay is no candidate for a review, however dear; nor is one reviewed already."""
        unpaid = points_words(assess(a_case(insurance="999", cost=40_000_0000), DIRECTORY))
        above = points_words(assess(a_case(insurance="999", cost=40_000_0000), ACTUAL_LIMITED))
        approved = a_case(cost=40_000_0000, approved_review_coefficient=Decimal(1))

        assert [] == [line for line in (*unpaid, *above) if "特例单议" in line]
        assert ["说明:特例单议已通过"] == [
            line for line in points_words(assess(approved, DIRECTORY)) if "特例单议" in line and "= " not in line
        ]

    def test_review_and_actual_cost(self) -> None:
        """Grounds for a review, and the actual cost."""
        costly = points_words(assess(a_case(cost=40_000_0000), DIRECTORY))
        zero = points_words(assess(a_case("Z51.100", cost=4_321_5600), DIRECTORY))

        assert (
            "可申请特例单议:费用为参考均费的 4 倍(方案:3 倍起),为支付标准(参考)的 3.8095 倍(方案:超过 3 倍)" in costly
        )
        assert "按实际费用支付,参考支付标准 4,321.56 元(预估)" in zero

    def test_never_a_cap(self) -> None:
        """No line calls a standard a limit on care (ruling 24)."""
        cases = (a_case(cost=cost * 1_0000) for cost in (1, 4_000, 10_000, 25_000, 90_000))
        lines = [line for case in cases for line in points_words(assess(case, DIRECTORY))]

        assert [] == [line for line in lines if "限额" in line or "封顶" in line]

    def test_absent_points(self) -> None:
        """What is known is shown, and why the rest is not."""
        lines = points_words(assess(a_case("F20.000", days=None), DIRECTORY))
        normal = points_words(assess(a_case(cost=None), Directory.build(a_whole_scheme(auxiliary=Auxiliary()))))

        assert "说明:缺住院天数,床日病种按日计分" in lines
        assert "分值 1,000 × 机构系数 1.05(系数表:三级)= 1,050 分(费用正常时)" == normal[0]
        assert "说明:缺总费用" in normal

    def test_bed_days_and_additions(self) -> None:
        """Days have their unit, additions their sign."""
        lines = points_words(assess(a_case("F20.000", days=40, new_technology=True), DIRECTORY))

        assert "分值 30 × 住院天数 40 天 × 机构系数 1.05(系数表:三级)+ 加成分值 50(加成:新技术)= 1,310 分" == lines[0]

    @pytest.mark.parametrize(
        ("case", "words"),
        [
            (a_case(), "核心病种 K80.1 胆囊结石伴胆囊炎"),
            (a_case("C34.100"), "核心病种 C34.1"),
            (a_case(""), "未入组(缺主要诊断)"),
        ],
    )
    def test_group(self, case: Case, words: str) -> None:
        """Class, code and name, or why there is none."""
        assert words == group_words(assess(case, DIRECTORY))

    @pytest.mark.parametrize(
        ("amount", "words"),
        [(0, "0.00"), (15_120_0000, "15,120.00"), (-5_000, "-0.50"), (12_345, "1.2345"), (12_300, "1.23")],
    )
    def test_yuan(self, amount: int, words: str) -> None:
        """Two decimals, more only where there are any."""
        assert words == yuan(amount)

    @pytest.mark.parametrize(
        ("value", "words"),
        [("1200.0000", "1,200"), ("1E+3", "1,000"), ("0.5", "0.5"), ("-0.00", "0"), ("2.00001", "2.00001")],
    )
    def test_number(self, value: str, words: str) -> None:
        """No idle zeros."""
        assert words == number(Decimal(value))

    def test_typing_and_note(self) -> None:
        """A sub-type without a coefficient, one that could not be judged, a note without particulars."""
        assert "年龄特征:老年,无系数" == typing_words(Typing(type="age", subtype="elderly"))
        assert "年龄特征:缺日龄,未能分型" == typing_words(Typing(type="age", subtype="", note="缺日龄,未能分型"))
        assert "缺均费" == note_words(PointsNote(reason="average_absent"))
