"""The auxiliary directory: which sub-types a case has, and which coefficient the scheme prints for each."""

from decimal import Decimal
from typing import Any

import pytest

from rules.dip.auxiliary import cci, cci_level, shortfall, typings
from rules.dip.directory import Directory
from rules.dip.model import (
    Auxiliary,
    AuxiliaryRow,
    Case,
    CciEntry,
    Coefficient,
    Grouping,
    PaymentRules,
    PointsRules,
    PointValue,
    SeverityEntry,
    SeverityExclusion,
    Typing,
)
from tests.dip.builders import a_case, a_group, a_row, a_scheme

CCI = (
    CciEntry(code="J44", disease="慢性肺病", weight=1),
    CciEntry(code="I50", disease="心衰", weight=1),
    CciEntry(code="E11", disease="糖尿病", weight=1),
    CciEntry(code="E11.200", disease="糖尿病", weight=2),
    CciEntry(code="C78", disease="转移", weight=6),
    CciEntry(code="K70.302+I98.3*", disease="肝硬化", weight=3),
)
LISTS = (
    SeverityEntry(code="J18", severity="moderate"),
    SeverityEntry(code="A41.900", severity="severe"),
    SeverityEntry(code="J96", severity="severe", table="respiratory"),
)


def row(kind: str, subtype: str, coefficient: str = "1.2", **changes: Any) -> AuxiliaryRow:
    """Return a row of the auxiliary directory for all groups."""
    return AuxiliaryRow(**({"type": kind, "subtype": subtype, "coefficient": Decimal(coefficient)} | changes))


def a_directory(*rows: AuxiliaryRow, groups: tuple[Any, ...] = (), **changes: Any) -> Directory:
    """Return a directory of one group whose auxiliary directory has these rows."""
    auxiliary = Auxiliary(**({"rows": rows} | changes))
    return Directory.build(a_scheme(a_row(), auxiliary=auxiliary, groups=groups or (a_group(),)))


def placed(principal: str = "K80.100", group: str = "K80.1", **changes: Any) -> Grouping:
    """Return a grouping in the one group."""
    return Grouping(**({"status": "core", "group": group, "principal": principal} | changes))


def typed(case: Case, directory: Directory, principal: str | None = None) -> list[tuple[str, str, Decimal | None]]:
    """Return type, sub-type and coefficient of each sub-type found."""
    found = typings(case, placed(principal or case.principal), directory)
    return [(typing.type, typing.subtype, typing.coefficient) for typing in found]


class TestCci:
    """Weights of the other diagnoses, the highest of each disease class (dip facts 3.2)."""

    @pytest.mark.parametrize(
        ("others", "index"),
        [
            (("J44.100", "I50.000"), 2),
            (("I10.x00", "E11.900"), 1),
            (("K80.200",), 0),
            ((), 0),
            (("E11.900", "E11.200"), 2),
            (("J44.100", "J44.900"), 1),
            (("C78.000", "I50.000"), 7),
            (("K70.302+I98.3*",), 3),
            (("K70.302",), 0),
            (("e11.9",), 1),
            (("no code", ""), 0),
        ],
    )
    def test_index(self, others: tuple[str, ...], index: int) -> None:
        """Each class counts once, whole codes and families alike."""
        assert index == cci(a_case("K80.100", others=others), a_directory(cci=CCI))

    def test_a_whole_code_is_no_prefix(self) -> None:
        """An extension code is another code than the one it extends."""
        directory = a_directory(cci=(CciEntry(code="E11.200", disease="糖尿病", weight=2),))

        assert 0 == cci(a_case(others=("E11.200x001",)), directory)

    def test_the_principal_does_not_count(self) -> None:
        """Neither as principal nor repeated among the others."""
        assert 1 == cci(a_case("J44.100", others=("J44.100", "I50.000")), a_directory(cci=CCI))

    def test_arisen_in_hospital(self) -> None:
        """What arose in hospital is no comorbidity (dip facts 6.2), unless the scheme counts it."""
        case = a_case(others=("J44.100", "I50.000"), absent_on_admission=("i50.000",))
        counting = a_directory(cci=CCI, arisen_in_hospital=True)

        assert (1, 2) == (cci(case, a_directory(cci=CCI)), cci(case, counting))
        assert [("cci", "general", None)] == typed(case, a_directory(cci=CCI))
        none = a_case(others=("I50.000",), absent_on_admission=("I50.000",))
        assert [("cci", "none", None)] == typed(none, a_directory(cci=CCI))

    @pytest.mark.parametrize(
        ("index", "level"),
        [
            (0, "none"),
            (1, "general"),
            (2, "general"),
            (3, "severe"),
            (4, "severe"),
            (5, "extremely_severe"),
            (40, "extremely_severe"),
        ],
    )
    def test_level(self, index: int, level: str) -> None:
        """0, 1-2, 3-4, 5 and more."""
        assert level == cci_level(index)

    def test_typing(self) -> None:
        """The level, its coefficient and the index."""
        directory = a_directory(row("cci", "extremely_severe", "1.16"), cci=CCI)

        assert (Typing(type="cci", subtype="extremely_severe", coefficient=Decimal("1.16"), note="指数 7"),) == typings(
            a_case(others=("C78.000", "I50.000")), placed(), directory
        )

    def test_no_dictionary(self) -> None:
        """Without a dictionary nothing is said: no code of it is not the same as no comorbidity."""
        assert [] == typed(a_case(others=("I50.000",)), a_directory(row("cci", "none")))


class TestSeverity:
    """Severity of disease (dip facts 3.3)."""

    @pytest.mark.parametrize(
        ("others", "days", "national", "city"),
        [
            ((), 3, "mild", "I-A"),
            ((), 4, "mild", "I-B"),
            (("J18.900",), 4, "moderate", "II"),
            (("J18.900",), 3, "mild", "I-A"),
            (("A41.900",), 4, "severe", "III"),
            (("J18.900", "A41.900"), 4, "severe", "III"),
            (("A41.900",), 3, "mild", "I-A"),
        ],
    )
    def test_styles(self, others: tuple[str, ...], days: int, national: str, city: str) -> None:
        """The worst other diagnosis counts, in a stay over three days."""
        case = a_case(others=others, days=days)

        assert [("severity", national, None)] == typed(case, a_directory(severity=LISTS))
        assert [("severity", city, None)] == typed(case, a_directory(severity=LISTS, severity_style="city"))

    @pytest.mark.parametrize(("days", "city"), [(3, "IV-A"), (4, "IV-B")])
    def test_death(self, days: int, city: str) -> None:
        """Death comes before everything; the city style tells it by the stay."""
        case = a_case(others=("A41.900",), days=days, died=True)

        assert [("severity", "death", None)] == typed(case, a_directory(severity=LISTS))
        assert [("severity", city, None)] == typed(case, a_directory(severity=LISTS, severity_style="city"))

    def test_boundary_is_the_schemes(self) -> None:
        """Three days are a long stay where the scheme counts the bound in."""
        case = a_case(others=("A41.900",), days=3)

        assert [("severity", "severe", None)] == typed(case, a_directory(severity=LISTS, long_stay_inclusive=True))

    def test_part_of_the_principal_disease(self) -> None:
        """A complication of the same exclusion table as the principal diagnosis does not count."""
        exclusions = (SeverityExclusion(code="J44", table="respiratory"),)
        directory = a_directory(severity=LISTS, severity_exclusions=exclusions)

        assert [("severity", "mild", None)] == typed(a_case("J44.100", others=("J96.000",)), directory)
        assert [("severity", "severe", None)] == typed(a_case("K80.100", others=("J96.000",)), directory)
        assert [("severity", "severe", None)] == typed(a_case("J44.100", others=("A41.900",)), directory)

    def test_arisen_in_hospital(self) -> None:
        """A diagnosis that arose in hospital makes a case severe only where the scheme says so."""
        case = a_case(others=("A41.900",), absent_on_admission=("a41.900",))

        assert [("severity", "mild", None)] == typed(case, a_directory(severity=LISTS))
        assert [("severity", "severe", None)] == typed(case, a_directory(severity=LISTS, arisen_in_hospital=True))

    def test_dagger_pair(self) -> None:
        """A pair belongs to its own entry, else to that of its first part."""
        lists = (
            SeverityEntry(code="A01.002+G01*", severity="severe"),
            SeverityEntry(code="A01.002", severity="moderate"),
        )
        directory = a_directory(severity=lists)

        assert [("severity", "severe", None)] == typed(a_case(others=("A01.002+G01*",)), directory)
        assert [("severity", "moderate", None)] == typed(a_case(others=("A01.002+H01*",)), directory)

    def test_stay_not_known(self) -> None:
        """Without days only what does not need them is told."""
        used = a_directory(row("severity", "severe"), severity=LISTS)
        case = a_case(others=("A41.900",), days=None)

        assert [("severity", "", None)] == typed(case, used)
        assert "缺住院天数,未能分型" == typings(case, placed(), used)[0].note
        assert [("severity", "mild", None)] == typed(a_case(days=None), used)
        assert [] == typed(case, a_directory(severity=LISTS))

    def test_death_not_known(self) -> None:
        """A case whose end is not told counts as alive, and where death has a coefficient this is said."""
        directory = a_directory(row("severity", "death", "1.4"), severity=LISTS)

        assert (Typing(type="severity", subtype="mild", note="未提供离院方式,按存活判断"),) == typings(
            a_case(), placed(), directory
        )
        assert (Typing(type="severity", subtype="mild"),) == typings(a_case(died=False), placed(), directory)


class TestTumour:
    """Severity of tumours (dip facts 3.4)."""

    @pytest.mark.parametrize(
        ("changes", "national", "city"),
        [
            ({}, "other", ["I-B"]),
            ({"days": 2}, "other", ["I-A"]),
            ({"others": ("C78.000",)}, "metastasis", ["IV"]),
            ({"others": ("C78.000",), "days": 3}, "other", ["IV"]),
            ({"others": ("C50.900",)}, "metastasis", ["I-B"]),
            ({"others": ("C34.200",)}, "other", ["I-B"]),
            ({"others": ("J18.900",)}, "moderate", ["II"]),
            ({"others": ("A41.900",)}, "severe", ["III"]),
            ({"operations": ("92.2400",)}, "other", ["V-A"]),
            ({"operations": ("99.2500",), "others": ("C78.000",)}, "metastasis", ["V-B"]),
            ({"operations": ("99.2500", "92.2400")}, "other", ["V-A", "V-B"]),
            ({"died": True, "days": 3}, "death", ["VI-A"]),
            ({"died": True, "others": ("C78.000",)}, "death", ["VI-B"]),
        ],
    )
    def test_styles(self, changes: dict[str, Any], national: str, city: list[str]) -> None:
        """Both orders over the same cases."""
        case = a_case("C34.100", **changes)

        assert [("tumour_severity", national, None)] == typed(case, a_directory(severity=LISTS))
        assert [("tumour_severity", name, None) for name in city] == typed(
            case, a_directory(severity=LISTS, severity_style="city")
        )

    @pytest.mark.parametrize(
        ("changes", "subtype"),
        [
            ({"cost": 31_500_0000, "treatment_cost": 15_750_0000}, "high_cost_1"),
            ({"cost": 31_500_0000, "treatment_cost": 15_749_9999, "drug_cost": 15_750_0000}, "high_cost_2"),
            ({"cost": 31_500_0000, "treatment_cost": 0, "drug_cost": 0}, "other"),
            ({"cost": 31_499_9999}, "other"),
            ({"cost": 31_500_0000}, ""),
            ({"cost": 31_500_0000, "treatment_cost": 0}, ""),
            ({"cost": None}, ""),
        ],
    )
    def test_high_cost(self, changes: dict[str, Any], subtype: str) -> None:
        """Three times score x coefficient x value, here 1,000 x 1.05 x 10, and half of it treatment or drugs."""
        auxiliary = Auxiliary(rows=(row("tumour_severity", "high_cost_1", "1.5"),), severity=LISTS)
        points = PointsRules(coefficients=(Coefficient(coefficient=Decimal("1.05"), level=3),))
        payment = PaymentRules(values=(PointValue(value=Decimal(10)),))
        directory = Directory.build(
            a_scheme(a_row(), auxiliary=auxiliary, points=points, payment=payment, groups=(a_group(),))
        )

        assert [subtype] == [one[1] for one in typed(a_case("C34.100", **changes), directory)]

    def test_no_standard(self) -> None:
        """Without a point value a high cost cannot be told; where it has no coefficient it is not asked for."""
        used = a_directory(row("tumour_severity", "high_cost_2"), severity=LISTS)

        assert "缺支付标准,未能分型" == typings(a_case("C34.100"), placed("C34.100"), used)[0].note
        assert [("tumour_severity", "other", None)] == typed(a_case("C34.100"), a_directory(severity=LISTS))


AGE = tuple(row("age", name) for name in ("0-28d", "29d-1y", "1-6y", "7-17y", "elderly"))


class TestAge:
    """Age bands (dip facts 3.5); days are never derived from years."""

    @pytest.mark.parametrize(
        ("years", "days", "bands"),
        [
            (0, 28, ["0-28d"]),
            (0, 29, ["29d-1y"]),
            (0, None, [""]),
            (None, 0, ["0-28d"]),
            (None, 364, ["29d-1y"]),
            (None, 365, [""]),
            (None, 366, ["1-6y"]),
            (1, None, ["1-6y"]),
            (6, None, ["1-6y"]),
            (7, None, ["7-17y"]),
            (17, None, ["7-17y"]),
            (18, None, []),
            (64, None, []),
            (65, None, ["elderly"]),
            (None, None, [""]),
            (-1, None, [""]),
            (5, 10, [""]),
            (0, 4000, [""]),
            (400, None, [""]),
        ],
    )
    def test_bands(self, years: int | None, days: int | None, bands: list[str]) -> None:
        """What lacks a fact or contradicts itself is not told."""
        found = typed(a_case(age_years=years, age_days=days), a_directory(*AGE))

        assert bands == [subtype for _, subtype, _ in found]

    def test_elderly_from(self) -> None:
        """A city may begin at 66."""
        assert [] == typed(a_case(age_years=65), a_directory(*AGE, elderly_from=66))

    @pytest.mark.parametrize(
        ("years", "days", "bands"),
        [
            (0, 10, ["新生儿"]),
            (0, 200, []),
            (0, None, [""]),
            (3, None, ["幼儿"]),
            (4, None, []),
            (None, 1460, []),
            (90, None, ["高龄"]),
            (3, 10, [""]),
        ],
    )
    def test_bands_of_the_scheme(self, years: int | None, days: int | None, bands: list[str]) -> None:
        """In days of age; whole years are 365 days each."""
        own = (("新生儿", 0, 28), ("幼儿", 365, 1459), ("高龄", 29_200, None))
        directory = a_directory(*(row("age", name) for name, _, _ in own), age_bands=own)

        assert bands == [found[1] for found in typed(a_case(age_years=years, age_days=days), directory)]


class TestIcu:
    """Days in intensive care (dip facts 3.5)."""

    @pytest.mark.parametrize(
        ("days", "bands"),
        [(0, []), (1, []), (2, ["2-7"]), (7, ["2-7"]), (8, ["8-14"]), (15, ["15-30"]), (31, ["31+"]), (None, [""])],
    )
    def test_bands(self, days: int | None, bands: list[str]) -> None:
        """2-7, 8-14, 15-30, 31 and more."""
        assert bands == [found[1] for found in typed(a_case(icu_days=days), a_directory(row("icu", "2-7")))]


class TestSecondary:
    """Groups split by a named other diagnosis (dip facts 3.6)."""

    def test_named_diagnoses(self) -> None:
        """Prefixes and whole codes; several may hold."""
        directory = a_directory(
            row("secondary", "伴糖尿病", "1.07", other_diagnoses=("E10", "E11")),
            row("secondary", "伴肺炎", "1.3", other_diagnoses=("=J18.900",), group="K80.1"),
            row("secondary", "伴骨转移", "1.5", other_diagnoses=("C79.5",)),
        )
        case = a_case(others=("E11.900", "J18.900"))

        assert [("secondary", "伴肺炎", Decimal("1.3")), ("secondary", "伴糖尿病", Decimal("1.07"))] == typed(
            case, directory
        )
        assert [] == typed(a_case(others=("J18.900x001",)), directory)

    def test_arisen_in_hospital(self) -> None:
        """A diagnosis that arose in hospital names no sub-type unless the scheme counts it."""
        named = row("secondary", "伴肺炎", "1.3", other_diagnoses=("J18",))
        case = a_case(others=("J18.900",), absent_on_admission=("J18.900",))

        assert [] == typed(case, a_directory(named))
        assert [("secondary", "伴肺炎", Decimal("1.3"))] == typed(case, a_directory(named, arisen_in_hospital=True))

    def test_own_row_before_that_of_all_groups(self) -> None:
        """The same sub-type printed twice is that of the group."""
        rows = (
            row("secondary", "伴糖尿病", "1.5", other_diagnoses=("E11",)),
            row("secondary", "伴糖尿病", "1.1", other_diagnoses=("E11",), group="K80.1"),
        )

        assert [("secondary", "伴糖尿病", Decimal("1.1"))] == typed(a_case(others=("E11.900",)), a_directory(*rows))


class TestRows:
    """Which row gives the coefficient."""

    def test_own_row_before_that_of_all_groups(self) -> None:
        """Though it is lower."""
        rows = (row("icu", "2-7", "1.5"), row("icu", "2-7", "1.1", group="K80.1"))

        assert [("icu", "2-7", Decimal("1.1"))] == typed(a_case(icu_days=3), a_directory(*rows))

    def test_row_of_another_group(self) -> None:
        """Says nothing here."""
        assert [] == typed(a_case(icu_days=3), a_directory(row("icu", "2-7", group="other")))

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"group_cases": 15, "subtype_cases": 5, "variation_drop": Decimal("0.2")}, ""),
            ({}, ""),
            ({"group_cases": 14}, "未达触发条件:病种 14 例,不足 15 例"),
            ({"subtype_cases": 4}, "未达触发条件:该分型 4 例,不足 5 例"),
            ({"variation_drop": Decimal("0.19")}, "未达触发条件:变异系数降幅 0.19,不足 0.2"),
            ({"type": "icu", "group_cases": 8, "subtype_cases": 3, "variation_drop": Decimal("0.1")}, ""),
            ({"type": "icu", "group_cases": 7}, "未达触发条件:病种 7 例,不足 7.5 例"),
        ],
    )
    def test_trigger(self, changes: dict[str, Any], words: str) -> None:
        """A stated figure must reach the threshold; intensive care needs half."""
        rules = Auxiliary(min_group_cases=15, min_subtype_cases=5, min_variation_drop=Decimal("0.2"))

        assert words == shortfall(row("severity", "severe", **changes), rules)

    def test_row_that_falls_short(self) -> None:
        """Is as if it were not there: the row for all groups holds, and without one the note says why."""
        short = row("icu", "2-7", "1.9", group="K80.1", group_cases=3)
        case = a_case(icu_days=3)

        assert [("icu", "2-7", Decimal("1.2"))] == typed(
            case, a_directory(short, row("icu", "2-7"), min_group_cases=15)
        )
        assert (Typing(type="icu", subtype="2-7", note="未达触发条件:病种 3 例,不足 7.5 例"),) == typings(
            case, placed(), a_directory(short, min_group_cases=15)
        )

    @pytest.mark.parametrize("status", ["tcm", "bed_day", "comprehensive", "primary_care", "last_resort", "ungrouped"])
    def test_classes(self, status: str) -> None:
        """Only core groups are corrected."""
        directory = a_directory(row("icu", "2-7"), cci=CCI, severity=LISTS)

        assert () == typings(a_case(icu_days=3), placed(status=status), directory)

    def test_no_directory(self) -> None:
        """A scheme without one types nothing."""
        assert () == typings(a_case(icu_days=3), placed(), a_directory())
