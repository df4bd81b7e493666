"""Signs of coding too high, too low, or by a wrong principal diagnosis; and signs over a set of cases."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.dip.directory import Directory
from rules.dip.model import Assessed, Auxiliary, Case, DiagnosisEntry, Quality
from rules.dip.naming import diagnosis, operation
from rules.dip.quality import downcoding, principal_errors, signs, upcoding
from rules.dip.quality_facts import Sign
from rules.dip.quality_sets import cost_shift, drift, own_share, point_chasing
from tests.dip.builders import a_case
from tests.dip.quality_scheme import DIRECTORY, assessed, the_scheme
from tests.dip.test_moves import CODES, DONE


def of(function: Any, case: Case, *more: Any) -> tuple[Sign, ...]:
    """Return the signs of a case."""
    found: tuple[Sign, ...] = function(case, assessed(case), DIRECTORY, *more)
    return found


def named(found: tuple[Sign, ...]) -> list[tuple[str, str, Decimal | None, tuple[str, ...]]]:
    """Return what signs say, without the words."""
    return [(sign.code, sign.other_group, sign.points_difference, sign.evidence) for sign in found]


class TestUpcoding:
    def test_a_clean_case(self):
        """An ordinary cholecystectomy at an ordinary cost."""
        assert () == of(upcoding, a_case("K80.100", "51.2300", others=("I10.x00",)))

    def test_an_excluded_principal_diagnosis(self):
        """A code of the exclusion list as principal is a coding fault."""
        (sign,) = of(upcoding, a_case("K80.900", "51.2300"))

        assert ("excluded_principal", ("K80.900",)) == (sign.code, sign.evidence)
        assert sign.detail.startswith("主要诊断【K80.900】不能作主要诊断:")

    def test_a_code_the_chart_does_not_support(self):
        """The caller found no procedure record of the stone extraction: 1500 points become 1000."""
        case = a_case("K80.100", "51.2300", "51.8801")
        (sign,) = of(upcoding, case, ("51.8801",))

        assert [("doubtful_code_raises_group", "K80.1:LC", Decimal(-500), ("51.8801",))] == named((sign,))
        assert (
            "编码【51.8801 内镜下胆总管取石】在病历中没有找到依据;"
            "去掉该编码后将入【K80.1:LC 胆囊结石伴胆囊炎 腹腔镜胆囊切除】,标准分值低 500 分。请核对依据。"
        ) == sign.detail

    def test_a_doubtful_code_that_changes_nothing(self):
        """A doubtful gastroscopy is worth nothing here."""
        assert () == of(upcoding, a_case("K80.100", "51.2300", "45.1300"), ("45.1300",))

    def test_long_ventilation_in_a_short_stay(self):
        """96 hours do not fit into two days."""
        case = a_case("J96.000", "96.7201", days=2)

        assert [("doubtful_code_raises_group", "J96.0:C", Decimal(-4100), ("96.7201",))] == named(of(upcoding, case))
        assert () == of(upcoding, a_case("J96.000", "96.7201", days=9))

    def test_a_complication_of_the_stay_that_raises_the_points(self):
        """Where the scheme counts what arose in hospital, it lifts the auxiliary coefficient from 1 to 1.5."""
        case = a_case("K80.100", "51.2300", others=("J96.000",), absent_on_admission=("J96.000",))
        parts = {name: getattr(DIRECTORY.scheme.auxiliary, name) for name in ("cci", "rows")}
        counting = Directory.build(the_scheme(auxiliary=Auxiliary(arisen_in_hospital=True, **parts)))
        (sign,) = upcoding(case, assessed(case, counting), counting)

        assert [("doubtful_code_raises_group", "K80.1:LC", Decimal(-500), ("J96.000",))] == named((sign,))
        assert (
            "编码【J96.000】入院病情为“无”(院内发生),不应提高分值;去掉该编码后病种不变而辅助目录系数降低,"
            "标准分值低 500 分。请核对依据。"
        ) == sign.detail
        assert () == of(upcoding, a_case("K80.100", "51.2300", others=("J96.000",)))
        assert () == of(upcoding, case)

    def test_a_cheap_case_in_a_high_group(self):
        """40 % of the mean cost, and the group is high only by an operation."""
        (sign,) = of(upcoding, a_case("K80.100", "51.2300", cost=4_000_0000))

        assert [("low_cost_in_high_group", "K80.1:C", Decimal(-600), ("51.2300",))] == named((sign,))
        assert (
            "费用为参考均费的 40%,低于 50%,而入高分值病种【K80.1:LC 胆囊结石伴胆囊炎 腹腔镜胆囊切除】;"
            "如无手术操作【51.2300 腹腔镜下胆囊切除术】将入【K80.1:C】,标准分值低 600 分。请核对该手术操作是否实施。"
        ) == sign.detail

    def test_a_share_just_below_the_limit(self):
        """Is not shown as the limit itself."""
        (sign,) = of(upcoding, a_case("K80.100", "51.2300", cost=4_999_0000))

        assert sign.detail.startswith("费用为参考均费的 49.9%,低于 50%,")

    def test_a_cheap_case_in_a_low_group(self):
        """Low cost alone says nothing of the coding; neither does one that is not known, or still grows."""
        assert () == of(upcoding, a_case("K80.100", "51.2300", cost=4_000_0000, ongoing=True))
        assert () == of(upcoding, a_case("K80.100", cost=4_000_0000))
        assert () == of(upcoding, a_case("K80.100", "51.2300", cost=None))


class TestNames:
    def test_diagnoses_have_their_names_too(self):
        """A coder reads code and name wherever the scheme's tables know it."""
        named_too = Directory.build(
            the_scheme(
                diagnoses=(
                    DiagnosisEntry(code="R10.400", name="腹痛"),
                    DiagnosisEntry(code="K35.800", name="急性阑尾炎"),
                )
            )
        )
        case = a_case("R10.400", "47.0100", others=("K35.800",))
        (sign,) = principal_errors(case, assessed(case, named_too), named_too)

        assert (
            "主要诊断【R10.400 腹痛】是症状或体征,而已记录疾病诊断【K35.800 急性阑尾炎】。请核对主要诊断的选择。"
            == sign.detail
        )

    def test_an_extension_code_has_no_name_of_its_stem(self):
        """What the table does not list has no name; neither has a code of a family."""
        assert "【51.2300x009】" == operation("51.2300x009", DIRECTORY)
        assert "【51.2300 腹腔镜下胆囊切除术】" == operation("51.2300", DIRECTORY)
        assert "【K80.100】" == diagnosis("K80.100", DIRECTORY)


class TestDowncoding:
    def test_a_recorded_operation_is_worth_more(self):
        """The transplant stands second."""
        assert [("recorded_operation_higher", "XQ-1", Decimal(29000), ("33.6x00",))] == named(
            of(downcoding, a_case("K80.100", "51.2300", "33.6x00"))
        )

    def test_a_secondary_diagnosis_is_worth_more(self):
        """Appendicitis filed as principal, gallstones operated on as well."""
        case = a_case("K35.800", "47.0100", "51.2300", others=("K80.100",))
        found = of(downcoding, case)

        assert [("secondary_diagnosis_higher", "K80.1:LC", Decimal(300), ("K80.100", "51.2300"))] == named(found)

    def test_lower_or_equal_is_no_sign(self):
        """The other way round the case stands where it is worth most."""
        assert () == of(downcoding, a_case("K80.100", "51.2300", "47.0100", others=("K35.800",)))

    def test_a_difference_below_the_scheme_s_share(self):
        """Clearly higher means at least a tenth."""
        assert () == of(downcoding, a_case("K80.100", "51.2300", others=("J96.000",)))


class TestPrincipal:
    def test_a_symptom_before_an_operated_disease(self):
        """Abdominal pain as principal, appendix taken out."""
        (sign,) = of(principal_errors, a_case("R10.400", "47.0100", others=("K35.800",)))

        assert ("symptom_as_principal", "K35.8:A", ("R10.400", "K35.800", "47.0100")) == (
            sign.code,
            sign.other_group,
            sign.evidence,
        )
        assert ("主要诊断【R10.400】是症状或体征,而已记录疾病诊断【K35.800】。请核对主要诊断的选择。") == sign.detail

    def test_a_symptom_alone(self):
        """Pain of no found cause is a proper principal diagnosis; so is pain beside a disease nobody treated."""
        assert () == of(principal_errors, a_case("R10.400"))
        assert () == of(principal_errors, a_case("R10.400", others=("I10.x00",)))

    def test_a_history_before_a_disease(self):
        """A history of tumour is never the reason for a stay that treats a disease."""
        (sign,) = of(principal_errors, a_case("Z85.000", others=("R10.400", "K35.800")))

        assert ("history_as_principal", ("Z85.000", "K35.800")) == (sign.code, sign.evidence)

    def test_a_principal_diagnosis_of_the_stay(self):
        """入院病情 无 at the principal diagnosis."""
        (sign,) = of(principal_errors, a_case("J96.000", absent_on_admission=("J96.000",)))

        assert ("principal_arose_in_hospital", ("J96.000",)) == (sign.code, sign.evidence)

    def test_the_operation_belongs_elsewhere(self):
        """Gallstones as principal, but only the appendix was taken out."""
        (sign,) = of(principal_errors, a_case("K80.100", "47.0100", others=("K35.800",)))

        assert ("operation_of_other_diagnosis", "K35.8:A", ("47.0100", "K35.800")) == (
            sign.code,
            sign.other_group,
            sign.evidence,
        )

    def test_an_operation_of_both(self):
        """What the principal diagnosis owns belongs nowhere else."""
        assert () == of(principal_errors, a_case("K80.100", "51.2300", others=("K35.800",)))


class TestAll:
    def test_kinds(self):
        """Every sign with the kind it is of, in a fixed order."""
        case = a_case("R10.400", others=("K35.800",))

        assert ["downcoding", "principal"] == [kind for kind, _ in signs(case, assessed(case), DIRECTORY)]

    @given(
        principal=st.sampled_from(CODES),
        others=st.lists(st.sampled_from(CODES), max_size=12).map(tuple),
        operations=st.lists(st.sampled_from(DONE), max_size=8).map(tuple),
        days=st.one_of(st.none(), st.integers(-2, 40)),
        cost=st.one_of(st.none(), st.integers(-1, 30_000_0000)),
    )
    def test_any_record(self, principal, others, operations, days, cost):
        """Whatever is sent, signs are questions that rest on recorded codes."""
        case = a_case(principal, *operations, others=others, absent_on_admission=others[:2], days=days, cost=cost)
        normal = DIRECTORY.normaliser
        recorded = {*normal.diagnoses((principal, *others)), *normal.operations(operations)}

        for _, sign in signs(case, assessed(case), DIRECTORY, operations[:1]):
            assert set(sign.evidence) <= recorded
            assert sign.detail.endswith("。")


def several(count: int, cost: int, principal: str = "K80.100") -> list[tuple[Case, Assessed]]:
    """Return cases of one group at one cost."""
    cases = [a_case(principal, id=f"{principal}-{cost}-{number}", cost=cost) for number in range(count)]
    return [(case, assessed(case)) for case in cases]


class TestSets:
    def test_point_chasing(self):
        """Four of ten cases below half of the mean cost."""
        cases = several(4, 3_000_0000) + several(6, 9_000_0000)
        (sign,) = point_chasing(cases, Quality())

        assert ("point_chasing", "K80.1:C", 4) == (sign.code, sign.other_group, len(sign.evidence))
        assert (
            "病种【K80.1:C】可比较的 10 例中有 4 例费用低于参考均费的 50%,占 40%。请核对这些病例的入院指征与编码依据。"
        ) == sign.detail

    @pytest.mark.parametrize(("low", "normal"), [(2, 8), (4, 5), (0, 20)])
    def test_few_cases_or_a_small_share(self, low, normal):
        """Below 30 %, or of fewer than ten cases, it says nothing."""
        assert () == point_chasing(several(low, 3_000_0000) + several(normal, 9_000_0000), Quality())

    def test_cases_without_a_cost_do_not_count(self):
        """Absent is neither cheap nor dear."""
        unknown = [a_case("K80.100", cost=None) for _ in range(9)]
        cases = several(4, 3_000_0000) + [(case, assessed(case)) for case in unknown]

        assert () == point_chasing(cases, Quality())

    def test_drift(self):
        """A group of 10 % of all cases becomes one of 20 %: +100 %; one that keeps its share says nothing."""
        (sign,) = drift({"A": 20, "B": 80}, {"A": 10, "B": 90}, Quality())

        assert ("A", "病种【A】占全部病例的比例由 10.00% 变为 20.00%,变动 100%。请分析收治结构与编码变化。") == (
            sign.other_group,
            sign.detail,
        )
        assert () == drift({}, {"A": 10}, Quality())
        assert () == drift({"A": 10}, {}, Quality())

    def test_cost_shift(self):
        """The patients' own share rises from 5 % to 20 % of cost."""
        before = [a_case(out_of_catalogue=500_0000), a_case(out_of_catalogue=None)]
        now = [a_case(out_of_catalogue=2_000_0000)]

        assert Decimal("0.05") == own_share(before)
        assert ["患者自费占总费用的比例由 5.0% 升至 20.0%。请核对目录内项目是否转由患者自费或院外购买。"] == [
            sign.detail for sign in cost_shift(now, before, Quality())
        ]
        assert () == cost_shift(before, now, Quality())
        assert () == cost_shift([], before, Quality())
