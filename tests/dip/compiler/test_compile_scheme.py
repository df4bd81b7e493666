"""Tables and ``scheme.yaml`` become the nouns of a scheme, whatever the notation."""

from datetime import date
from decimal import Decimal

import pytest

from rules.dip.compiler import compile_scheme, examine_scheme
from rules.dip.model import (
    AuxiliaryRow,
    CciEntry,
    Coefficient,
    ComprehensiveRow,
    Condition,
    Converted,
    DiagnosisEntry,
    Either,
    Exclusion,
    Expression,
    Group,
    IncompleteRow,
    LastResort,
    Limit,
    OperationEntry,
    PointValue,
    Row,
    Scheme,
    SettlementBand,
    SeverityEntry,
    SeverityExclusion,
    Step,
)
from rules.dip.normalise import Normaliser
from tests.dip.compiler.schemes import SCHEME, keys, rows, small


def compiled(**files: str) -> Scheme:
    return compile_scheme(small(**files))


def only_row(header: str, line: str, **files: str) -> Row:
    """Return the one row of a catalogue."""
    (row,) = compiled(catalogue=rows(header, line), **files).rows
    return row


def main_of(cell: str, scheme: str = SCHEME) -> Expression:
    """Return the operations of one cell."""
    return only_row("group,dx,main_op", f'K1,K80.1,"{cell}"', scheme=scheme).main


def dx_of(cell: str, **files: str) -> tuple[str, ...]:
    """Return the diagnoses of one cell."""
    return only_row("group,dx", f"K1,{cell}", **files).diagnoses


class TestOperations:
    """Every notation of dip facts 2.4."""

    @pytest.mark.parametrize("cell", ["51.2300|51.2400", "51.2300/51.2400", "(51.2300|51.2400)", "51.2300 | 51.2400"])
    def test_any_of(self, cell: str) -> None:
        """``|`` and ``/`` mean the same."""
        assert (("51.2300", "51.2400"),) == main_of(cell)

    def test_all_of(self) -> None:
        """``+`` asks for every part."""
        assert (("99.2503",), ("99.2800x005",)) == main_of("99.2503+99.2800x005")

    @pytest.mark.parametrize(
        "cell",
        [
            "51.2300|51.8701+51.8806|51.8801",
            "(51.2300|51.8701)+(51.8806|51.8801)",
            "((51.2300/51.8701)+(51.8806|51.8801))",
            "\uff0851.2300\uff5c51.8701\uff09\uff0b(51.8806/51.8801)",
        ],
    )
    def test_alternatives_inside_a_conjunction(self, cell: str) -> None:
        """``+`` binds less tightly; parentheses and full-width signs change nothing."""
        assert (("51.2300", "51.8701"), ("51.8806", "51.8801")) == main_of(cell)

    def test_comma_where_the_scheme_says_so(self) -> None:
        """Some cities write ``,`` for all."""
        scheme = keys("notation: {comma_is_all: true}\n")

        assert (("51.2300",), ("51.8803",)) == main_of("51.2300,51.8803", scheme)
        assert (("51.2300",), ("51.8803",)) == main_of("51.2300\uff0c51.8803", scheme)

    @pytest.mark.parametrize(
        ("cell", "code"),
        [("51.23", "51.2300"), ("6.31", "06.3100"), ("33.6X00", "33.6x00"), ("51.2300X001", "51.2300x001")],
    )
    def test_codes_are_put_right(self, cell: str, code: str) -> None:
        """Lost zeros, case and width are mended where shape alone tells."""
        assert ((code,),) == main_of(cell)

    def test_short_codes_of_a_prefix_layer_stay_short(self) -> None:
        """Where short codes stand for all that begin so, nothing is filled up."""
        scheme = SCHEME.replace("prefer:", "operation_match: prefix, prefer:")

        assert (("51.23", "51.2"),) == main_of("51.23|51.2", scheme)

    def test_a_code_twice_is_once(self) -> None:
        """An alternative that repeats itself says nothing more."""
        assert (("51.2300",),) == main_of("51.2300|51.23")

    def test_star(self) -> None:
        """``*``: operations do not matter."""
        row = only_row("group,dx,main_op", "K1,K80.1,*")

        assert (True, ()) == (row.any_operations, row.main)

    @pytest.mark.parametrize("cell", ["51.2300|", "+51.2300", "51.2300++51.2400", "()", "51.2300)", "51.2300、51.2400"])
    def test_what_is_no_expression(self, cell: str) -> None:
        """Nothing is guessed of a cell that does not parse."""
        (found,) = examine_scheme(small(catalogue=rows("group,dx,main_op", f"K1,K80.1,{cell}"))).diagnostics

        assert "INVALID_EXPRESSION" == found.code


class TestDiagnoses:
    """Prefixes, whole codes, ranges and lists."""

    @pytest.mark.parametrize(
        ("cell", "codes"),
        [
            ("K80.1|A40|C", ("K80.1", "A40", "C")),
            ("k80.1 | n40.X", ("K80.1", "N40.x")),
            ("=A09.900", ("=A09.900",)),
            ("C88-C91", ("C88", "C89", "C90", "C91")),
            ("A98-B01", ("A98", "A99", "B00", "B01")),
            ("T31.1-T31.3", ("T31.1", "T31.2", "T31.3")),
            ("A01.002+G01*", ("A01.002+G01*",)),
            ("K80.1|K80.1", ("K80.1",)),
        ],
    )
    def test_cells(self, cell: str, codes: tuple[str, ...]) -> None:
        """Each notation, in normal form."""
        assert codes == dx_of(cell)

    def test_lists(self) -> None:
        """``@list`` stands for its values, ranges spread out."""
        lists = rows("list,code", "tb,=A15.000", "tb,A17-A18")

        assert ("K80", "=A15.000", "A17", "A18") == dx_of("K80|@tb", lists=lists)

    @pytest.mark.parametrize("cell", ["80K", "C00-75", "T31.1-T32.1", "K80.1-K80", "=K8", "汉"])
    def test_what_is_no_diagnosis(self, cell: str) -> None:
        """Half a code, a crooked range or a word is a fault."""
        found = examine_scheme(small(catalogue=rows("group,dx", f"K1,{cell}"))).diagnostics

        assert ["INVALID_CODE"] == [one.code for one in found]


class TestCatalogue:
    """Rows and groups."""

    def test_a_row_with_everything(self) -> None:
        """Each column has its field; bounds of age are days."""
        header = (
            "group,layer,dx,any_dx,other_dx,without_dx,condition,main_op,related_op,anywhere,attribute,sex,"
            "min_age,max_age,min_weight_g,max_weight_g,min_days,max_days"
        )
        line = "P1,XQ,P07,P07.0,I10,C,!old,39.6500,37.5200x001,true,surgery,male,1d,28d,500,999,2,30"
        condition = "conditions: [{name: old, any: [{other: [I10]}]}]\n"
        scheme = keys(condition).replace("[core]", "[XQ]")

        assert only_row(header, line, scheme=scheme) == Row(
            group="P1",
            layer="XQ",
            number=0,
            diagnoses=("P07",),
            any_diagnosis=("P07.0",),
            other_diagnoses=("I10",),
            without_diagnoses=("C",),
            condition="!old",
            main=(("39.6500",),),
            related=(("37.5200x001",),),
            anywhere=True,
            attribute="surgery",
            sex="male",
            min_age_days=1,
            max_age_days=28,
            min_weight_g=500,
            max_weight_g=999,
            min_days=2,
            max_days=30,
        )

    @pytest.mark.parametrize(
        ("column", "cell", "days"),
        [("min_age", "18y", 6570), ("max_age", "17y", 6569), ("min_age", "6m", 180), ("max_age", "6m", 209)],
    )
    def test_ages(self, column: str, cell: str, days: int) -> None:
        """A last age is whole, so that 17y ends on the day before 18y."""
        row = only_row(f"group,dx,{column}", f"K1,K80.1,{cell}")

        assert days == getattr(row, f"{column}_days")

    def test_a_group_with_everything(self) -> None:
        """Money in 1/10,000 yuan, everything else as it stands."""
        header = (
            "group,name,class,family,dx,score,mean_cost,mean_cost_1,mean_cost_2,mean_cost_3,coefficient_1,"
            "coefficient_2,coefficient_3,basic_factor,mean_days,mortality,cases,variation"
        )
        line = "K1,胆囊炎,primary_care,advantage,K81,810.5,5000.25,1,2,3,0.6,0.80,1,1,7.5,0.01,120,0.42"
        (group,) = compiled(catalogue=rows(header, line)).groups

        assert group == Group(
            code="K1",
            name="胆囊炎",
            kind="primary_care",
            family="advantage",
            score=Decimal("810.5"),
            mean_cost=50_002_500,
            level_mean_costs=(10_000, 20_000, 30_000),
            coefficients=(Decimal("0.6"), Decimal("0.8"), Decimal(1)),
            basic_factor=Decimal(1),
            mean_days=Decimal("7.5"),
            mortality=Decimal("0.01"),
            cases=120,
            variation=Decimal("0.42"),
        )

    def test_absent_is_not_zero(self) -> None:
        """An empty cell is absent, and 0 is zero."""
        groups = compiled(catalogue=rows("group,dx,score", "K1,K80,", "K2,K81,0")).groups

        assert [None, Decimal(0)] == [group.score for group in groups]

    def test_rows_share_a_group(self) -> None:
        """What a group is worth may stand in one of its rows."""
        table = rows("group,name,class,dx,score", "K1,,,K80.1,", "K1,胆石,tcm,K80.2,700")
        scheme = compiled(catalogue=table)

        assert (Group(code="K1", name="胆石", kind="tcm", score=Decimal(700)),) == scheme.groups
        assert [0, 1] == [row.number for row in scheme.rows]

    def test_incomplete_rows_are_listed_and_group_nothing(self) -> None:
        """They keep group, name, layer and what is missing."""
        scheme = compiled(
            catalogue=rows("group,name,dx,status,note", "K1,胆石,K80.1,,", "K2,胆囊炎,,incomplete,来源截断")
        )

        assert ["K1"] == [row.group for row in scheme.rows]
        assert (IncompleteRow(group="K2", name="胆囊炎", note="来源截断"),) == scheme.incomplete
        assert ["K1"] == [group.code for group in scheme.groups]


class TestOtherTables:
    """One reader for each."""

    @pytest.mark.parametrize(
        ("table", "text", "where", "noun"),
        [
            (
                "operations",
                rows("code,name,attribute,level,incision", "51.23,胆囊切除,surgery,3,2"),
                "operations",
                OperationEntry(code="51.2300", name="胆囊切除", attribute="surgery", level=3, incision=2),
            ),
            (
                "operations",
                rows("code,attribute", "51.2*,surgery"),
                "operations",
                OperationEntry(code="51.2*", attribute="surgery"),
            ),
            (
                "diagnoses",
                rows("code,name", "n40.X00,前列腺增生"),
                "diagnoses",
                DiagnosisEntry(code="N40.x00", name="前列腺增生"),
            ),
            (
                "excluded_operations",
                rows("code,effect,scope", "44.1300x001,within_scope,K25-K26"),
                "normalisation.exclusions",
                Exclusion(code="44.1300x001", effect="within_scope", scope=("K25", "K26")),
            ),
            ("limits", rows("code,sex,max_age", "P,,28d"), "normalisation.limits", Limit(code="P", max_age_days=28)),
            ("limits", rows("code,sex", "65.6,female"), "normalisation.limits", Limit(code="65.6", sex="female")),
            (
                "auxiliary",
                rows("type,subtype,group,coefficient,other_dx,group_cases", "secondary,糖尿病,K80.1-1,1.15,E10-E11,50"),
                "auxiliary.rows",
                AuxiliaryRow(
                    type="secondary",
                    subtype="糖尿病",
                    group="K80.1-1",
                    coefficient=Decimal("1.15"),
                    other_diagnoses=("E10", "E11"),
                    group_cases=50,
                ),
            ),
            (
                "cci",
                rows("code,disease,weight", "I50.000,chf,2"),
                "auxiliary.cci",
                CciEntry(code="I50.000", disease="chf", weight=2),
            ),
            (
                "severity",
                rows("code,severity,table", "A41.900,severe,0001"),
                "auxiliary.severity",
                SeverityEntry(code="A41.900", severity="severe", table="0001"),
            ),
            (
                "severity_exclusions",
                rows("code,table", "J,0001"),
                "auxiliary.severity_exclusions",
                SeverityExclusion(code="J", table="0001"),
            ),
            (
                "coefficients",
                rows("coefficient,level,dx,class,valid_from,source", "0.93,3,O00-O01,tcm,2026-01-01,2026 年文件"),
                "points.coefficients",
                Coefficient(
                    coefficient=Decimal("0.93"),
                    level=3,
                    diagnoses=("O00", "O01"),
                    kind="tcm",
                    valid_from=date(2026, 1, 1),
                    source="2026 年文件",
                ),
            ),
            (
                "point_values",
                rows("value,use,insurance,place,valid_to", "9.87,settlement,310,某区,2026-12-31"),
                "payment.values",
                PointValue(
                    value=Decimal("9.87"), use="settlement", insurance="310", place="某区", valid_to=date(2026, 12, 31)
                ),
            ),
        ],
    )  # fmt: skip
    def test_one_row(self, table: str, text: str, where: str, noun: object) -> None:
        """A row becomes its noun, where the scheme keeps it."""
        found: object = compiled(**{table: text})
        for name in where.split("."):
            found = getattr(found, name)

        assert (noun,) == found

    def test_maps(self) -> None:
        """A map keeps what changes a code; what is sent may be of any shape."""
        scheme = compiled(
            operation_map=rows("from,to", "51.2300,51.2300", "66.69x001,66.6900x001"),
            diagnosis_map=rows("from,to", "B37.600I39.8,B37.600+I39.8*"),
        )

        assert {"66.69x001": "66.6900x001"} == scheme.normalisation.operation_map
        assert {"B37.600I39.8": "B37.600+I39.8*"} == scheme.normalisation.diagnosis_map

    def test_a_pair_that_a_map_leaves_as_it_is(self) -> None:
        """The pair is said to stay: the map of its first part does not hold for it."""
        table = rows("from,to", "N18.900x012,N18.902", "N18.900x012+D63.8*,N18.900x012+D63.8*", "I10.x00,I10.x00")
        scheme = compiled(diagnosis_map=table)

        assert {
            "N18.900x012": "N18.902",
            "N18.900x012+D63.8*": "N18.900x012+D63.8*",
        } == scheme.normalisation.diagnosis_map
        assert "N18.900x012+D63.8*" == Normaliser(scheme).principal("N18.900x012+D63.8*")

    def test_excluded_diagnoses(self) -> None:
        """Codes that may not be principal, in order."""
        scheme = compiled(excluded_diagnoses=rows("code,note", "Z51.100,", "A09.900,未特指"))

        assert ("A09.900", "Z51.100") == scheme.normalisation.excluded_principal

    def test_comprehensive_and_last_resort(self) -> None:
        """Long keys stand before short ones, ranges after them, the narrowest first."""
        scheme = compiled(
            comprehensive=rows(
                "group,key,attribute,score", "Z-4,A00-Z99,surgery,1", "K8-4,K8,surgery,2", "K80-4,K80,surgery:3|4,3",
                "K-4,K00-K93,surgery,4",
            ),
            last_resort=rows("group,key,score", "BD,*,1", "BD-K,K,2"),
            scheme=SCHEME + "  - {step: last_resort}\n",
        )  # fmt: skip

        assert ["K80", "K8", "K00-K93", "A00-Z99"] == [row.key for row in scheme.comprehensive.rows]
        assert ComprehensiveRow(group="K80-4", key="K80", attribute="surgery:3|4") == scheme.comprehensive.rows[0]
        assert {LastResort(group="BD", key="*"), LastResort(group="BD-K", key="K")} == set(scheme.last_resort)
        assert {"core": 2, "comprehensive": 4, "last_resort": 2} == {
            kind: sum(group.kind == kind for group in scheme.groups)
            for kind in ("core", "comprehensive", "last_resort")
        }


class TestManifest:
    """``scheme.yaml``."""

    def test_numbers_are_exact(self) -> None:
        """Decimals as written, money in 1/10,000 yuan, days as dates."""
        scheme = compiled(
            scheme=keys(
                "valid_from: 2026-01-01\npoints:\n  deviation: {low: 0.4, average_factors: {'': 9.8765}}\n"
                "  ungrouped: {factors: [0.4368, 0.9], mean_cost: 7955.52}\n"
                "payment:\n  bands: [{end: 0.85, pay: actual}, {start: 0.85, share: 0.5}]\n"
            )
        )

        assert date(2026, 1, 1) == scheme.valid_from
        assert Decimal("0.4") == scheme.points.deviation.low
        assert {"": Decimal("9.8765")} == scheme.points.deviation.average_factors
        assert Converted(factors=(Decimal("0.4368"), Decimal("0.9")), mean_cost=79_555_200) == scheme.points.ungrouped
        assert (
            SettlementBand(end=Decimal("0.85"), pay="actual"),
            SettlementBand(start=Decimal("0.85"), share=Decimal("0.5")),
        ) == scheme.payment.bands

    def test_conditions_take_ranges_and_lists(self) -> None:
        """The notation of diagnosis cells holds in conditions."""
        scheme = compiled(
            scheme=keys(
                'conditions: [{name: tb, any: [{principal: ["@tb"], other: [=U84.300]}, {other: [A17-A18]}]}]\n'
            ),
            lists=rows("list,code", "tb,A15.000"),
            catalogue=rows("group,dx,condition", "A15-1,A15,tb"),
        )

        ways = (Either(principal=("A15.000",), other=("=U84.300",)), Either(other=("A17", "A18")))
        assert (Condition(name="tb", any=ways),) == scheme.conditions

    def test_bands_may_be_open(self) -> None:
        """``null`` ends a band nowhere."""
        scheme = compiled(scheme=keys('auxiliary:\n  age_bands: [["0-28d", 0, 28], ["66y+", 24090, null]]\n'))

        assert (("0-28d", 0, 28), ("66y+", 24090, None)) == scheme.auxiliary.age_bands

    def test_steps(self) -> None:
        """Steps stand in the scheme's order."""
        assert compiled().steps[2:] == (
            Step(step="layer", layers=("core",), prefer=("most_parts", "most_operations_used")),
            Step(step="comprehensive"),
        )
