"""Points of a case: coefficients and where they came from, classes of groups, sub-types, review, additions."""

from datetime import date
from decimal import Decimal
from typing import Any, get_args

import pytest

from rules.dip.codes import GroupingReason
from rules.dip.coefficients import addition
from rules.dip.directory import Directory
from rules.dip.model import (
    AddOn,
    Auxiliary,
    Case,
    Coefficient,
    CoefficientAddOn,
    Converted,
    Deviation,
    Grouping,
    PaymentRules,
    PointsNote,
    PointsResult,
    PointsRules,
    PointValue,
    Remark,
    Review,
    Typing,
)
from rules.dip.points import points
from tests.dip.builders import a_case, a_group, a_row, a_scheme

TEN = PaymentRules(values=(PointValue(value=Decimal(10)),))
LEVELS = tuple(
    Coefficient(coefficient=Decimal(value), level=level) for level, value in ((1, "0.7"), (2, "0.9"), (3, "1.2"))
)
NOWHERE = Grouping(status="ungrouped", remarks=(Remark(reason="no_group"),))


def a_directory(rules: PointsRules | None = None, **changes: Any) -> Directory:
    """Return a directory of one group of 1,000 points."""
    given = {"groups": (a_group(**changes.pop("group", {})),), "points": rules or PointsRules(coefficients=LEVELS)}
    return Directory.build(a_scheme(a_row(), **(given | changes)))


def counted(directory: Directory, case: Case | None = None, *typings: Typing, **changes: Any) -> PointsResult:
    """Return the points of a case in the group."""
    group = next(iter(directory.groups.values()))
    status = changes.pop("status", group.kind)
    placed = Grouping(status=status, group=group.code, principal=(case or a_case()).principal)
    return points(case or a_case(), placed, typings, directory, changes.get("indicators"))


def rows(*given: dict[str, Any]) -> PointsRules:
    """Return rules with these rows of the coefficient table."""
    return PointsRules(coefficients=tuple(Coefficient(**row) for row in given))


def used(rules: PointsRules, case: Case | None = None, **group: Any) -> tuple[str, str] | tuple[str]:
    """Return the hospital coefficient and its source, or the reason there is none."""
    found = counted(a_directory(rules, group=group), case)
    factors = [factor for factor in found.factors if factor.name == "hospital_coefficient"]
    return (str(factors[0].value), factors[0].source) if factors else (found.notes[0].detail,)


def c(value: str, **names: Any) -> dict[str, Any]:
    """Return a row of the coefficient table."""
    return {"coefficient": Decimal(value), **names}


class TestCoefficient:
    """The row that names most of the case (dip facts 4.3)."""

    def test_levels(self) -> None:
        """By the hospital's level."""
        assert ["700", "900", "1200"] == [
            f"{counted(a_directory(), a_case(hospital_level=level)).points:.0f}" for level in (1, 2, 3)
        ]

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            ((c("1"), c("1.1", level=3)), ("1.1", "系数表:三级")),
            ((c("1.1", level=3), c("1.2", level=3, insurance="310")), ("1.2", "系数表:险种 310,三级")),
            ((c("1.1", level=3, insurance="310"), c("1.3", hospital="H1")), ("1.1", "系数表:险种 310,三级")),
            ((c("1.1", level=3), c("1.3", hospital="H1")), ("1.3", "系数表:机构 H1")),
            ((c("1.1", level=3), c("0.7", diagnoses=("K80",))), ("0.7", "系数表:主要诊断 K80")),
            ((c("1.1", level=3), c("0.7", diagnoses=("O",))), ("1.1", "系数表:三级")),
            ((c("1.1", level=3), c("1.3", level=3, kind="tcm")), ("1.1", "系数表:三级")),
            ((c("1.1", level=3), c("1.3", level=3, kind="core")), ("1.3", "系数表:核心病种,三级")),
            ((c("1.1", level=3), c("1.4", group="K80.1")), ("1.4", "系数表:病种 K80.1")),
            ((c("1.1", level=3, source="某文件"),), ("1.1", "系数表:三级,某文件")),
            ((c("1.1"),), ("1.1", "系数表:通用")),
            ((c("1.1", level=2),), ("方案中没有适用的机构系数",)),
            ((c("1.1", level=3), c("1.2", level=3)), ("1.1", "系数表:三级,有同等条件的行,取在前者")),
        ],
    )  # fmt: skip
    def test_most_named(self, table: tuple[dict[str, Any], ...], expected: tuple[str, ...]) -> None:
        """Of rows that name equally many, the one that names a weightier fact: hospital, group, diagnosis, class …"""
        assert expected == used(rows(*table), a_case(hospital="H1"))

    def test_in_force(self) -> None:
        """On the day of discharge; without one, only if all periods agree."""
        table = rows(
            c("1.1", level=3, valid_to=date(2025, 12, 31)),
            c("1.2", level=3, valid_from=date(2026, 1, 1)),
        )

        assert ("1.1", "系数表:三级") == used(table, a_case(discharged=date(2025, 12, 31)))
        assert ("1.2", "系数表:三级") == used(table, a_case(discharged=date(2026, 1, 1)))
        assert ("缺出院日期,机构系数不能确定",) == used(table)
        assert ("1.1", "系数表:三级") == used(rows(c("1.1", level=3, valid_to=date(2025, 12, 31))))

    @pytest.mark.parametrize(
        ("general", "expected"),
        [
            ({}, ("缺出院日期,机构系数不能确定",)),
            ({"valid_from": date(2025, 1, 1)}, ("缺出院日期,机构系数不能确定",)),
            ({"valid_from": date(2026, 1, 1)}, ("1.3", "系数表:病种 K80.1")),
            ({"valid_from": date(2026, 5, 1)}, ("1.3", "系数表:病种 K80.1")),
            ({"coefficient": Decimal("1.3")}, ("1.3", "系数表:病种 K80.1")),
        ],
    )
    def test_out_of_force_without_a_day(self, general: dict[str, Any], expected: tuple[str, ...]) -> None:
        """Before 2026 the general row would hold, so without a day nothing is told unless it says the same."""
        table = rows(c("1.3", group="K80.1", valid_from=date(2026, 1, 1)), {"coefficient": Decimal("1.1")} | general)

        assert expected == used(table)

    @pytest.mark.parametrize(
        ("changes", "table", "expected"),
        [
            ({"hospital_level": None}, (c("1.1", level=3),), ("缺医院级别,机构系数不能确定",)),
            ({"hospital_level": 9}, (c("1.1", level=3),), ("缺医院级别,机构系数不能确定",)),
            ({"hospital_level": None}, (c("1.1"),), ("1.1", "系数表:通用")),
            ({"hospital_level": None}, (c("1.1"), c("1.2", level=3)), ("缺医院级别,机构系数不能确定",)),
            ({"insurance": None}, (c("1", insurance="310"), c("2", insurance="390")), ("缺险种,机构系数不能确定",)),
            ({"insurance": None}, (c("1", insurance="310"), c("1")), ("1", "系数表:通用")),
        ],
    )
    def test_absent_facts(self, changes: dict[str, Any], table: tuple[dict[str, Any], ...], expected: Any) -> None:
        """A fact that is absent decides nothing, unless every answer would be the same."""
        assert expected == used(rows(*table), a_case(**changes))

    def test_one_directory_knows_nothing_of_another(self) -> None:
        """What is remembered is remembered with the directory."""
        first, second = (a_directory(rows(c(value, level=3))) for value in ("1.1", "1.2"))

        assert [Decimal(1100), Decimal(1200), Decimal(1100)] == [
            counted(directory).points for directory in (first, second, first)
        ]

    def test_hospital_not_named(self) -> None:
        """The row for all hospitals is taken, and that a hospital's own was not looked for is said."""
        found = counted(a_directory(rows(c("1.1", level=3), c("1.5", hospital="H1"))))

        assert Decimal(1100) == found.points
        assert ("未提供医疗机构编码,没有查机构专属系数",) == tuple(note.detail for note in found.notes)


OWN = (Decimal("0.8"), None, Decimal("1.3"))


class TestOwnCoefficient:
    """What the catalogue prints with the group for each level (dip facts 4.3 c)."""

    def test_own(self) -> None:
        """Counts as a row that names group and level."""
        assert ("1.3", "病种目录 K80.1 三级系数") == used(PointsRules(), coefficients=OWN)
        assert ("1.3", "病种目录 K80.1 三级系数") == used(PointsRules(coefficients=LEVELS), coefficients=OWN)
        assert ("1.4", "系数表:病种 K80.1,三级") == used(rows(c("1.4", group="K80.1", level=3)), coefficients=OWN)
        hospital = rows(c("1.5", hospital="H1", insurance="310"))
        assert ("1.5", "系数表:机构 H1,险种 310") == used(hospital, a_case(hospital="H1"), coefficients=OWN)

    def test_own_comes_before_rows_that_name_less(self) -> None:
        """So what those would take to be told is not asked for; what could come before it is."""
        unknown = a_case(hospital="H1", insurance=None)
        less = rows(c("1.1", level=3, insurance="310"), c("1.2", level=3, insurance="390"))
        more = rows(c("1.1", level=3), c("1.1", hospital="H1", insurance="310"))

        assert ("1.3", "病种目录 K80.1 三级系数") == used(less, unknown, coefficients=OWN)
        assert ("缺险种,机构系数不能确定",) == used(more, unknown, coefficients=OWN)

    def test_none_at_this_level(self) -> None:
        """A group that has coefficients elsewhere has none here, whatever holds for other groups."""
        second = a_case(hospital_level=2)

        assert ("病种 K80.1 在二级医院没有系数",) == used(PointsRules(coefficients=LEVELS), second, coefficients=OWN)
        assert ("1.4", "系数表:病种 K80.1") == used(rows(c("1.4", group="K80.1")), second, coefficients=OWN)
        assert ("缺医院级别,机构系数不能确定",) == used(PointsRules(), a_case(hospital_level=None), coefficients=OWN)

    def test_not_required(self) -> None:
        """A scheme may count a missing coefficient as one, and says so."""
        found = counted(a_directory(PointsRules(coefficient_required=False)))

        assert Decimal(1000) == found.points
        assert ("方案中没有适用的机构系数,按 1 计",) == tuple(factor.source for factor in found.factors[1:])

    def test_required(self) -> None:
        """Otherwise points are absent."""
        found = counted(a_directory(PointsRules()))

        assert (None, None) == (found.standard_points, found.points)
        assert (PointsNote(reason="coefficient_absent", detail="方案中没有适用的机构系数"),) == found.notes


class TestAdditionsToTheCoefficient:
    """Earned by indicators (dip facts 4.3 b)."""

    @pytest.mark.parametrize(
        ("figure", "added"),
        [("-3", "0"), ("0", "0"), ("4.99", "0"), ("5", "0.01"), ("12", "0.02"), ("65", "0.13"), ("900", "0.13")],
    )
    def test_addition(self, figure: str, added: str) -> None:
        """+0.01 for each whole 5 % of CMI, at most 0.13."""
        rule = CoefficientAddOn(indicator="cmi_growth", step=Decimal(5), per_step=Decimal("0.01"), cap=Decimal("0.13"))

        assert Decimal(added) == addition(rule, Decimal(figure))

    def test_points(self) -> None:
        """Only those of the hospital's level, and only where the figure is given."""
        step = {"step": Decimal(5), "per_step": Decimal("0.01")}
        rules = PointsRules(
            coefficients=LEVELS,
            add_ons_to_coefficient=(
                CoefficientAddOn(indicator="cmi_growth", **step),
                CoefficientAddOn(indicator="young_share", level=2, **step),
                CoefficientAddOn(indicator="tcm_share", start=Decimal(10), **step),
            ),
        )
        given = {"cmi_growth": Decimal(10), "young_share": Decimal(50), "tcm_share": Decimal(16)}

        found = counted(a_directory(rules), indicators=given)
        without = counted(a_directory(rules))

        assert (Decimal(1230), "系数表:三级,cmi_growth 加成 0.02,tcm_share 加成 0.01") == (
            found.points,
            found.factors[1].source,
        )
        assert (Decimal(1200), ["未提供机构指标 cmi_growth,未计其加成", "未提供机构指标 tcm_share,未计其加成"]) == (
            without.points,
            [note.detail for note in without.notes],
        )


class TestClasses:
    """Groups that are paid in their own way (dip facts 2.1)."""

    def test_primary_care(self) -> None:
        """The same at every hospital: its basic factor, else one."""
        with_factor = a_directory(group={"kind": "primary_care", "basic_factor": Decimal("0.9")})

        assert Decimal(900) == counted(with_factor, a_case(hospital_level=None)).points
        assert Decimal(1000) == counted(a_directory(group={"kind": "primary_care"})).points

    def test_no_coefficient(self) -> None:
        """Classes the scheme pays alike everywhere."""
        rules = PointsRules(coefficients=LEVELS, no_coefficient=("comprehensive",))

        assert ("1", "综合病种不乘机构系数") == used(rules, kind="comprehensive")

    def test_tcm(self) -> None:
        """Its own level coefficients."""
        own = tuple(Coefficient(coefficient=Decimal(v), level=n, kind="tcm") for n, v in ((3, "1.3"), (2, "1.17")))
        rules = PointsRules(coefficients=(*LEVELS, *own))

        assert ("1.3", "系数表:中医优势病种,三级") == used(rules, kind="tcm")
        assert ("1.2", "系数表:三级") == used(rules)

    def test_bed_day(self) -> None:
        """Score x days; without days nothing."""
        directory = a_directory(group={"kind": "bed_day", "score": Decimal(30)})
        per_case = a_directory(PointsRules(coefficients=LEVELS, bed_day="per_case"), group={"kind": "bed_day"})

        assert Decimal(1080) == counted(directory, a_case(days=30)).points
        assert ["score", "days", "hospital_coefficient"] == [part.name for part in counted(directory).factors]
        assert Decimal(1200) == counted(per_case, a_case(days=30)).points
        for days in (None, 0, -1):
            absent = counted(directory, a_case(days=days))
            assert (None, None, "days_absent") == (absent.points, absent.standard_points, absent.notes[0].reason)

    def test_ungrouped(self) -> None:
        """No points but by conversion of the actual cost, where the scheme has one (dip facts 2.5)."""
        rule = Converted(factors=(Decimal("0.8"),), mean_cost=7_955_5200, score=Decimal("795.552"))
        placed = NOWHERE

        without = points(a_case(), placed, (), a_directory())
        converted = points(a_case(cost=10_000_0000), placed, (), a_directory(PointsRules(ungrouped=rule)))

        assert PointsResult(notes=(PointsNote(reason="ungrouped"),)) == without
        assert (Decimal(800), None, 7_955_5200) == (converted.points, converted.standard_points, converted.average)

    @pytest.mark.parametrize("reason", [reason for reason in get_args(GroupingReason) if reason != "no_group"])
    def test_a_case_that_is_not_sound_is_not_converted(self, reason: GroupingReason) -> None:
        """Money by the actual cost would pass an unreadable code or a lacking fact off as an answer."""
        rule = Converted(factors=(Decimal("0.8"),), mean_cost=7_955_5200, score=Decimal("795.552"))
        placed = Grouping(status="ungrouped", remarks=(Remark(reason=reason),))

        found = points(a_case(cost=10_000_0000), placed, (), a_directory(PointsRules(ungrouped=rule)))

        assert PointsResult(notes=(PointsNote(reason="ungrouped"),)) == found

    def test_last_resort(self) -> None:
        """Score x cost / mean x factors in turn: 1,000 x 0.5 x 0.4368 x 0.9 (dip facts 4.4)."""
        rule = Converted(factors=(Decimal("0.4368"), Decimal("0.9")))
        directory = a_directory(PointsRules(last_resort=rule), group={"kind": "last_resort"})
        found = counted(directory, a_case(cost=5_000_0000))

        assert (Decimal("196.56"), Decimal("0.5")) == (found.points, found.ratio)
        assert "费用 ÷ 均费 = 0.5 × 0.4368 × 0.9" == found.factors[1].source

    def test_last_resort_as_any_other(self) -> None:
        """Where the scheme has no rule for it."""
        assert Decimal(1200) == counted(a_directory(group={"kind": "last_resort"})).points

    @pytest.mark.parametrize(
        ("cost", "rule", "reason"),
        [
            (None, {"mean_cost": 1, "score": Decimal(1)}, "cost_absent"),
            (5, {"score": Decimal(1)}, "average_absent"),
            (5, {"mean_cost": 1}, "score_absent"),
        ],
    )
    def test_conversion_lacks(self, cost: int | None, rule: dict[str, Any], reason: str) -> None:
        """Cost, mean and score are all needed."""
        directory = a_directory(PointsRules(ungrouped=Converted(**rule)))
        found = points(a_case(cost=cost), NOWHERE, (), directory)

        assert (None, [reason]) == (found.points, [note.reason for note in found.notes])

    def test_no_score(self) -> None:
        """Points are absent; the ratio is not."""
        found = counted(a_directory(PointsRules(coefficients=LEVELS, deviation=Deviation(formula="proportional")),
                                    group={"score": None}), a_case(cost=4_000_0000))  # fmt: skip

        assert (None, None, Decimal("0.4"), "low") == (found.points, found.standard_points, found.ratio, found.band)
        assert (PointsNote(reason="score_absent", detail="方案没有病种 K80.1 的分值"),) == found.notes

    def test_group_the_scheme_does_not_describe(self) -> None:
        """Has no score either."""
        found = points(a_case(), Grouping(status="comprehensive", group="I25-4"), (), a_directory())

        assert ("score_absent", "方案没有病种 I25-4 的分值") == (found.notes[0].reason, found.notes[0].detail)

    def test_score_of_zero(self) -> None:
        """Pays the actual cost (dip facts 4.4)."""
        directory = a_directory(payment=TEN, group={"score": Decimal(0)})
        found = counted(directory, a_case(cost=4_321_0000))

        assert (Decimal("432.1"), None, True) == (found.points, found.standard_points, found.pays_actual_cost)
        assert ["score_zero"] == [note.reason for note in found.notes]
        lacking = counted(a_directory(group={"score": Decimal(0)}), a_case(cost=4_321_0000))
        assert (None, True, ["score_zero", "point_value_absent"]) == (
            lacking.points, lacking.pays_actual_cost, [note.reason for note in lacking.notes],
        )  # fmt: skip


def typing(kind: Any, subtype: str, coefficient: str | None, note: str = "") -> Typing:
    """Return a sub-type."""
    value = None if coefficient is None else Decimal(coefficient)
    return Typing(type=kind, subtype=subtype, coefficient=value, note=note)


class TestAuxiliary:
    """The highest coefficient, never the product (dip facts 3.1)."""

    SEVERAL = (
        typing("cci", "extremely_severe", "1.2"),
        typing("severity", "severe", "1.35"),
        typing("age", "elderly", None),
    )

    def test_highest(self) -> None:
        """Named with its part of the directory."""
        found = counted(a_directory(), None, *self.SEVERAL)

        assert Decimal("1620") == found.points
        assert "疾病严重程度 严重,取各分型最高" == found.factors[-1].source

    def test_one_below_one(self) -> None:
        """A sub-type that costs less than the group counts as printed."""
        assert Decimal(960) == counted(a_directory(), None, typing("severity", "I-A", "0.8")).points

    def test_replacing(self) -> None:
        """The highest stands in for the hospital coefficient (dip facts 3.1)."""
        directory = a_directory(auxiliary=Auxiliary(mode="replace_hospital_coefficient"))
        found = counted(directory, None, *self.SEVERAL)

        assert (Decimal(1350), "疾病严重程度 严重,取各分型最高,代替机构系数") == (
            found.points,
            found.factors[-1].source,
        )
        assert Decimal(1200) == counted(directory).points

    def test_not_judged(self) -> None:
        """A part that could not be judged is said; the points stand without it."""
        found = counted(a_directory(), None, typing("icu", "", None, "缺重症监护天数,未能分型"))

        assert (Decimal(1200), (PointsNote(reason="fact_missing", detail="重症监护天数:缺重症监护天数,未能分型"),)) == (
            found.points,
            found.notes,
        )


class TestReview:
    """Special-case review (dip facts 4.5, mission K23)."""

    RULES = PointsRules(
        coefficients=LEVELS,
        deviation=Deviation(formula="proportional", review_from=Decimal(3)),
        review=Review(cost_multiple=Decimal(2), long_stay_multiple=Decimal(5), departments=3),
    )

    def test_candidates(self) -> None:
        """Every ground in words."""
        case = a_case(cost=30_000_0000, days=36, new_technology=True, departments=3, critical=True)
        found = counted(a_directory(self.RULES, payment=TEN, group={"mean_days": Decimal(7)}), case)

        assert (
            "费用为参考均费的 3 倍(方案:3 倍起),为支付标准(参考)的 2.5 倍(方案:超过 2 倍)",
            "住院 36 天,为病种平均的 5.1429 倍(方案:超过 5 倍)",
            "使用新药新技术",
            "3 个科室联合诊疗(方案:3 个起)",
            "危急重症抢救",
        ) == found.review_candidate

    def test_no_candidate(self) -> None:
        """On the bounds, and where nothing is known."""
        exact = a_case(cost=24_000_0000, days=35, departments=2)
        directory = a_directory(self.RULES, payment=TEN, group={"mean_days": Decimal(7)})

        assert () == counted(directory, exact).review_candidate
        assert () == counted(directory, a_case(cost=None, days=None)).review_candidate

    def test_without_a_point_value(self) -> None:
        """The cost is compared with the average."""
        found = counted(a_directory(self.RULES), a_case(cost=25_000_0000))

        assert ("费用为参考均费的 2.5 倍(方案:超过 2 倍)",) == found.review_candidate
        dearer = counted(a_directory(self.RULES), a_case(cost=40_000_0000))
        assert ("费用为参考均费的 4 倍(方案:3 倍起)",) == dearer.review_candidate

    def test_approved(self) -> None:
        """Points come from the actual cost, times the coefficient stored with the case."""
        case = a_case(cost=40_000_0000, approved_review_coefficient=Decimal("0.9"))
        found = counted(a_directory(self.RULES, payment=TEN), case)

        assert (Decimal(3600), Decimal(1200), False) == (found.points, found.standard_points, found.pays_actual_cost)
        assert ["actual_cost", "review"] == [factor.name for factor in found.factors]
        assert () == found.review_candidate

    def test_approved_by_item_share(self) -> None:
        """Only a share of the cost is paid, item by item."""
        rules = PointsRules(coefficients=LEVELS, review=Review(points_from="item_share", item_share=Decimal("0.7")))
        case = a_case(cost=40_000_0000, approved_review_coefficient=Decimal(1))

        assert Decimal(2800) == counted(a_directory(rules, payment=TEN), case).points

    @pytest.mark.parametrize("approved", ["0", "-1", "NaN", "Infinity", "1E+12"])
    def test_no_coefficient_at_all(self, approved: str) -> None:
        """What cannot be one approves nothing."""
        case = a_case(approved_review_coefficient=Decimal(approved))

        assert Decimal(1200) == counted(a_directory(payment=TEN), case).points

    def test_approved_without_cost_or_value(self) -> None:
        """Nothing to turn into points."""
        approved = Decimal(1)
        ungrouped = Grouping(status="ungrouped")

        assert ["cost_absent"] == [
            note.reason
            for note in counted(a_directory(), a_case(cost=None, approved_review_coefficient=approved)).notes
        ]
        found = points(a_case(approved_review_coefficient=approved), ungrouped, (), a_directory())
        assert (None, ["point_value_absent"]) == (found.points, [note.reason for note in found.notes])


class TestAdditions:
    """Points on top (dip facts 4.1)."""

    RULES = PointsRules(
        coefficients=LEVELS,
        add_ons=(
            AddOn(name="新技术", points=Decimal(50), new_technology=True),
            AddOn(name="靶向", points=Decimal(30), operations=("99.2800x006",)),
            AddOn(name="联合", points=Decimal(7), operations=("99.25",), new_technology=True),
            AddOn(name="谈判药", points=Decimal(5)),
        ),
    )

    @pytest.mark.parametrize(
        ("operations", "changes", "total"),
        [
            ((), {}, "1200"),
            ((), {"new_technology": True}, "1250"),
            (("99.2800X006",), {}, "1230"),
            (("99.2800x005", "99.2500"), {}, "1200"),
            (("99.2500",), {"new_technology": True}, "1257"),
            (("99.2800x006",), {"new_technology": True, "add_on_points": Decimal(12)}, "1212"),
            ((), {"new_technology": True, "add_on_points": Decimal(0)}, "1200"),
            ((), {"new_technology": True, "add_on_points": Decimal("NaN")}, "1250"),
        ],
    )
    def test_points(self, operations: tuple[str, ...], changes: dict[str, Any], total: str) -> None:
        """All that an addition names must hold; points granted with the case stand for all of them."""
        found = counted(a_directory(self.RULES), a_case("K80.100", *operations, **changes))

        assert (Decimal(total), Decimal(1200)) == (found.points, found.standard_points)


def test_rounded_once() -> None:
    """Half up at the end, to the scheme's decimals: 333.335 x 1.03 = 343.33505; a rounded step would lose a cent."""
    coefficient = (Coefficient(coefficient=Decimal("1.03")),)
    group = {"score": Decimal("333.335")}

    assert (
        Decimal("343.34") == counted(a_directory(PointsRules(coefficients=coefficient, decimals=2), group=group)).points
    )
    assert Decimal("343.3351") == counted(a_directory(PointsRules(coefficients=coefficient), group=group)).points
