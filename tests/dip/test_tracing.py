"""The trace of decisions: what it says at each step, and that it ends with the group that ``group`` finds."""

import pytest

from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import (
    Comprehensive,
    ComprehensiveRow,
    Exclusion,
    LastResort,
    Normalisation,
    OperationEntry,
    Step,
)
from rules.dip.tracing import explain
from tests.dip.builders import a_case, a_group, a_row, a_scheme
from tests.dip.made import made

MAIN = "51.8803|51.8805|51.8800x006"
ROWS = (
    a_row("BX-1039", "K80", MAIN, "51.2300|51.8701", layer="BX"),
    a_row("BX-1040", "K80", MAIN, "(51.2300|51.8701)+(51.8806|51.8801)", layer="BX"),
    a_row("BX-1041", "K80", MAIN, layer="BX"),
    a_row("FZ-1", "K80", "39.9500", layer="FZ", other_diagnoses=("C00", "C01", "C02", "C03"), anywhere=True),
    a_row("JC-1", "K80", layer="JC"),
)
STEPS = (
    Step(step="principal"),
    Step(step="operations"),
    Step(step="layer", layers=("BX",), related="partial", prefer=("most_related", "fewest_related_missing")),
    Step(step="layer", layers=("FZ",)),
    Step(step="layer", layers=("JC",)),
    Step(step="comprehensive"),
    Step(step="last_resort"),
)
TABLE = (
    OperationEntry(code="51.8803", name="内镜下胆总管取石", attribute="therapeutic"),
    OperationEntry(code="51.2300", attribute="surgery"),
    OperationEntry(code="51.8801", attribute="therapeutic"),
    OperationEntry(code="88.4100", attribute="diagnostic"),
)


def a_directory(*rows, **changes):
    """Return a directory in the national order."""
    given = {
        "steps": STEPS,
        "operations": TABLE,
        "comprehensive": Comprehensive(
            rows=(ComprehensiveRow(group="Z-D", key="K8", attribute="diagnostic"),), key_lengths=(3, 2, 1)
        ),
        "normalisation": Normalisation(
            operation_map={"99.9211": "51.8803"},
            exclusions=(
                Exclusion(code="81.6200", effect="not_main"),
                Exclusion(code="80.5100", effect="conservative"),
                Exclusion(code="99.9900", effect="removed"),
            ),
        ),
    }
    return Directory.build(a_scheme(*(rows or ROWS), **(given | changes)))


def said(case, directory=None):
    """Return the trace as one text."""
    return "\n".join(explain(case, directory or a_directory()))


def test_the_whole_trace_of_a_case():
    """Codes, each step, the row chosen, why the others were not, and the result."""
    named = tuple(a_group(row.group, name="胆石症" if row.group == "BX-1040" else "") for row in ROWS)

    assert (
        "主要诊断K80.100(原为“k80100”,已规范书写)。",
        "手术操作:51.8803、51.2300(原为“51.23”,已规范书写)、51.8801。",
        "主要诊断判断:K80.100可以作入组主要诊断。",
        "操作属性:手术(51.8803 治疗性操作;51.2300 手术;51.8801 治疗性操作)。",
        "目录BX:查看3行,符合3行。",
        "取BX-1040(胆石症)(用到51.8803、51.2300、51.8801,相关手术操作2项中有2项)。",
        "BX-1039也符合(用到51.8803、51.2300,相关手术操作1项中有1项),未取:按“相关手术操作符合最多”取舍。",
        "BX-1041也符合(用到51.8803),未取:按“相关手术操作符合最多”取舍。",
        "结果:BX-1040(胆石症),核心病种。",
    ) == explain(a_case("k80100", "51.8803", "51.23", "51.8801"), a_directory(groups=named))


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (a_case("K80.100", "99.9211"), "51.8803(“99.9211”按编码版本对照转换)"),
        (a_case("K80.100", "81.6200", "51.8803"), "81.6200不得作主要手术操作,由下一项作主要手术操作。"),
        (a_case("K80.100", "81.6200", "51.8803"), "\n主要手术操作:51.8803。"),
        (a_case("K80.100", "81.6200"), "没有可作主要手术操作的项目,按保守治疗入组。"),
        (a_case("K80.100", "80.5100", "51.8803"), "80.5100作主要手术操作时按保守治疗入组,全部手术操作不计。"),
        (a_case("K80.100", "99.9900", "51.8803"), "99.9900在排除名单中,入组前剔除。"),
        (a_case("K80.100", "51.8803", "51.2300"), "BX-1040也符合(用到51.8803、51.2300,相关手术操作2项中有1项"),
        (a_case("K80.100", "51.8803", "51.2300"), "(缺51.8806或51.8801)),未取:按“相关手术操作缺得最少”取舍。"),
        (a_case("K80.100", "51.8803"), "1项中有0项(缺51.2300或51.8701)),未取:相关手术操作一项也没有。"),
        (a_case("K80.100", "88.4100"), "BX-1041不符合:主要手术操作须为51.8803或51.8805或51.8800x006。"),
        (a_case("K80.100", "88.4100"), "FZ-1不符合:缺39.9500;诊断条件不满足(其他诊断中须有C00或C01或C02等)。"),
        (a_case("K80.100", "88.4100"), "JC-1不符合:该行为保守治疗,病例操作属性为诊断性操作。"),
        (a_case("K80.100", "88.4100"), "综合病种:按K8与诊断性操作取Z-D。\n结果:Z-D,综合病种。"),
        (a_case("K80.100", "51.2300"), "综合病种:按K8与手术没有找到。\n保底组:没有。\n结果:未入组。"),
        (a_case("K80.100"), "取JC-1(保守治疗)。\n结果:JC-1,核心病种。"),
        (a_case("C18.900"), "目录BX:没有该主要诊断的行。"),
        (a_case("W19.x00"), "主要诊断判断:W19.x00属于外因等附加编码,不能作主要诊断入组。\n结果:未入组。"),
        (a_case(""), "没有主要诊断编码。\n没有手术操作。\n主要诊断判断:病例没有主要诊断编码。\n结果:未入组。"),
    ],
)  # fmt: skip
def test_each_step_in_words(case, words):
    """What was mapped, excluded, missing, passed over or found."""
    assert words in said(case)


def test_ties_in_words():
    """A tie that catalogue order decides is said, and so is one that nothing decides."""
    rows = (a_row("A"), a_row("B"))

    def of(*prefer):
        steps = (Step(step="layer", layers=("core",), prefer=prefer),)
        return said(a_case(), a_directory(*rows, steps=steps))

    assert "取A(保守治疗)。\nB同等符合,只因目录次序在后未取。\n结果:A,核心病种。" in of("catalogue_order")
    assert "A、B同等符合,方案没有规定取舍,不入组。\n结果:未入组。" in of()


def test_absent_facts_in_words():
    """Which fact is missing, and for which group."""
    rows = (a_row("XQ-16", max_weight_g=999, any_operations=True),)
    steps = (Step(step="layer", layers=("core",)),)

    assert "目录core:查看1行,符合0行。\n缺体重,不能判断是否入XQ-16。" in said(a_case(), a_directory(*rows, steps=steps))


def test_filters_in_words():
    """What is asked, and how many rows are left."""
    steps = (Step(step="layer", layers=("core",), require=("no_unused_surgery",)),)
    directory = a_directory(a_row("D", main="88.4100"), steps=steps)

    assert "筛选(不得剩下手术或介入操作未用):余0行。" in said(a_case("K80.100", "88.4100", "51.2300"), directory)


def test_a_row_for_any_diagnosis_is_a_neighbour_only_by_an_operation():
    """Transplants are not named to a patient with stones, unless one was done."""
    rows = (a_row("XQ-1", "", "33.6x00"), a_row("XQ-13", "", "96.7201+39.9500"))
    directory = a_directory(*rows, steps=(Step(step="layer", layers=("core",)),))

    assert "XQ-13不符合" not in said(a_case(), directory)
    assert "XQ-1不符合" not in said(a_case("K80.100", "96.7201"), directory)
    assert "XQ-13不符合:缺39.9500。" in said(a_case("K80.100", "96.7201"), directory)


BOTH = "须同时有51.8803(内镜下胆总管取石)与(51.2300或51.2400),其中一项为主要手术操作"


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        (("88.4100",), f"{BOTH}。"),
        (("88.4100", "51.8803"), f"{BOTH};缺51.2300或51.2400。"),
        (("88.4100", "51.8803", "51.2300"), f"{BOTH}。"),
        (("51.2300",), "缺51.8803(内镜下胆总管取石)。"),
        (("51.8803",), "缺51.2300或51.2400。"),
    ],
)  # fmt: skip
def test_a_conjunction_in_words(operations, words):
    """One of its parts must hold the main operation, the others stand anywhere: it is never said that each is main."""
    directory = a_directory(a_row("A", main="51.8803+51.2300|51.2400"), steps=(Step(step="layer", layers=("core",)),))

    assert f"\nA不符合:{words}\n" in said(a_case("K80.100", *operations), directory)


def test_only_the_conditions_that_fail_are_named():
    """What holds already is not asked of the coder again."""
    row = a_row("A", other_diagnoses=("I10",), without_diagnoses=("E11",), any_diagnosis=("K80", "C00"))
    directory = a_directory(row, steps=(Step(step="layer", layers=("core",)),))

    assert "A不符合:诊断条件不满足(其他诊断中须有I10)。" in said(a_case(), directory)
    assert "A不符合:诊断条件不满足(其他诊断中不得有E11)。" in said(a_case(others=("I10.x00", "E11.900")), directory)


@pytest.mark.parametrize(
    ("bounds", "facts", "words"),
    [
        ({"min_weight_g": 1000, "max_weight_g": 1499}, {"weight_g": 2600}, "体重须为1000至1499克"),
        ({"max_weight_g": 999}, {"weight_g": 2600}, "体重须不超过999克"),
        ({"max_age_days": 28}, {"age_days": 40}, "年龄须不超过28天"),
        ({"min_age_days": 29, "max_age_days": 6569}, {"age_years": 40}, "年龄须不少于29天且不满18岁"),
        ({"min_age_days": 6570}, {"age_years": 4}, "年龄须满18岁"),
        ({"sex": "female", "min_days": 3}, {"sex": "male", "days": 2}, "性别须为女性;住院天数须不少于3天"),
    ],
)
def test_the_bound_that_fails_is_named(bounds, facts, words):
    """Which fact is outside, and what the row asks; a fact that is within is not mentioned."""
    directory = a_directory(a_row("A", any_operations=True, **bounds), steps=(Step(step="layer", layers=("core",)),))

    assert f"\nA不符合:{words}。\n" in said(a_case(**facts), directory)


class TestAttribute:
    """The attribute of the case follows from what stands behind it."""

    TABLE = (
        OperationEntry(code="36.0601", attribute="intervention"),
        OperationEntry(code="88.5500", attribute="diagnostic"),
        OperationEntry(code="86.2200", attribute="surgery", level=2, incision=0),
    )

    def of(self, *operations, exclusions=(), **comprehensive):
        """Return the line that says the attribute."""
        directory = a_directory(
            operations=self.TABLE,
            comprehensive=Comprehensive(**comprehensive),
            normalisation=Normalisation(exclusions=exclusions),
        )
        (line,) = [line for line in explain(a_case("I20.000", *operations), directory) if line.startswith("操作属性")]
        return line

    def test_an_intervention_that_counts_as_something_else(self):
        """As therapeutic in some cities, as surgery in others."""
        assert "操作属性:治疗性操作(36.0601 介入治疗,按治疗性操作计)。" == self.of(
            "36.0601", intervention_as="therapeutic"
        )

    def test_an_excluded_operation_that_counts_as_none(self):
        """In second place it makes nothing, and that is said."""
        exclusions = (Exclusion(code="86.2200", effect="conservative"),)

        assert "操作属性:诊断性操作(88.5500 诊断性操作;86.2200 手术,按保守治疗计)。" == self.of(
            "88.5500", "86.2200", exclusions=exclusions
        )

    def test_the_main_operation_alone(self):
        """Why surgery in second place is not looked at."""
        assert "操作属性:诊断性操作(88.5500 诊断性操作;86.2200 手术;只看主要手术操作88.5500)。" == self.of(
            "88.5500", "86.2200", attribute_of="main"
        )

    def test_minor_operations(self):
        """Why surgery counts as conservative."""
        assert "操作属性:保守治疗(86.2200 手术;切口等级为0且手术级别低于3级,按保守治疗)。" == self.of(
            "86.2200", minor_is_conservative=True
        )


@pytest.mark.parametrize("partial", [True, False])
def test_a_pooled_case_of_an_extract(partial):
    """A core row may exist that the extract lacks: said in the trace, never as a reason."""
    directory = a_directory(partial=partial, last_resort=(LastResort(group="KBBZ", key="*"),))
    words = "\n本方案是目录节选:完整目录中可能有更具体的病种,此处未收录,入组结果须以完整目录为准。\n结果:"

    for case in (a_case("K80.100", "88.4100"), a_case("C18.900")):
        assert partial is (words in said(case, directory))
        assert () == group(case, directory).remarks
    assert "节选" not in said(a_case("K80.100", "51.8803"), directory)


def test_last_resort_in_words():
    """保底组 is named."""
    directory = a_directory(last_resort=(LastResort(group="KBBZ", key="*"),))

    assert "保底组:取KBBZ。\n结果:KBBZ,保底组。" in said(a_case("C18.900"), directory)


@pytest.mark.parametrize("number", range(8))
def test_the_trace_ends_with_the_group(number):
    """Whatever the scheme: one result, and it is the grouper's; every line is a sentence."""
    for nth in range(40):
        scheme, cases = made(number * 40 + nth)
        directory = Directory.build(scheme)
        for case in cases:
            found, lines = group(case, directory), explain(case, directory)
            results = [line for line in lines if line.startswith("结果:")]
            assert [f"结果:{found.group or '未入组'}"] == [line.split(",")[0].rstrip("。") for line in results]
            assert all(line.endswith("。") for line in lines)
            assert [remark.detail in lines[-1 - place] for place, remark in enumerate(reversed(found.remarks))] == [
                True
            ] * len(found.remarks)
