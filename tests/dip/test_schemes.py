"""Every scheme that ships, and the city that only exists as a folder: they compile, and do what their cases say."""

import csv
import re
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from rules.dip.assess import assess
from rules.dip.compiler import ExaminedScheme, examine_scheme, run_scheme_cases
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Case, Row, Scheme

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "rules" / "dip" / "schemes"
FOLDERS = {
    folder.name: folder
    for parent in (SHIPPED, ROOT / "tests" / "dip" / "cities")
    for folder in sorted(parent.iterdir())
    if (folder / "scheme.yaml").is_file()
}
FEWEST_CASES = {"national-3.0-extract": 60, "example-city-a": 50, "example-city-b": 35, "riverside": 10}
NATIONAL = "national-3.0-extract"

SHARED = ROOT.parent / "shared" / "data" / "dip"
NEEDS_SHARED = pytest.mark.skipif(not SHARED.is_dir(), reason="the source tables are not part of the repository")


@cache
def examined(name: str) -> ExaminedScheme:
    """Return a scheme's folder as the compiler sees it, read once."""
    return examine_scheme(FOLDERS[name])


def compiled(name: str) -> Scheme:
    """Return a compiled scheme."""
    scheme = examined(name).scheme
    assert scheme is not None
    return scheme


@pytest.mark.parametrize("name", FOLDERS)
class TestEveryScheme:
    """What holds for every scheme."""

    def test_it_has_no_errors(self, name):
        """The compiler finds no fault that keeps it from being built."""
        found = [found for found in examined(name).diagnostics if found.severity == "error"]

        assert [] == found

    def test_its_folder_bears_its_name(self, name):
        """A scheme is found by the name of its folder."""
        assert name == compiled(name).name

    def test_its_cases_pass(self, name):
        """Every worked case says what the scheme says, the numbers to the last decimal."""
        outcomes = list(run_scheme_cases(compiled(name), examined(name).cases))
        differing = {outcome.placed.case.name: outcome.differences for outcome in outcomes if not outcome.passed}

        assert {} == differing
        assert FEWEST_CASES[name] <= len(outcomes)

    def test_every_case_says_why(self, name):
        """A case without a reason teaches nobody anything."""
        assert [] == [placed.case.name for placed in examined(name).cases if not placed.case.why]

    def test_every_step_is_shown_by_a_trace(self, name):
        """Cases look at the words of the trace too, except in the fixture, which has none of its own."""
        traced = [placed for placed in examined(name).cases if placed.case.expect.trace]

        assert (len(traced) >= 8) or name == "riverside"


class TestShipped:
    """What holds for the schemes that ship."""

    def test_there_are_three(self):
        """One extract of the national scheme and two invented cities."""
        assert ["example-city-a", "example-city-b", NATIONAL] == sorted(folder.name for folder in SHIPPED.iterdir())

    @pytest.mark.parametrize("name", [name for name, folder in FOLDERS.items() if folder.parent == SHIPPED])
    def test_each_has_a_page(self, name):
        """The page says what it is, where it comes from and what is absent."""
        page = (FOLDERS[name] / "README.md").read_text(encoding="utf-8")

        assert [] == [heading for heading in ("## 来源", "## 没有的内容") if heading not in page]

    def test_city_a_shows_all_five_families(self):
        """Every one of the five classes of groups occurs."""
        families = {entry.family for entry in compiled("example-city-a").groups if entry.family}

        assert {"strategic", "value", "advantage", "primary_care", "ordinary"} == families

    def test_city_a_prices_laparoscopic_appendectomy_thirty_percent_higher(self):
        """The score of the laparoscopic operation is 1.3 times that of the open one."""
        scores = {entry.code: entry.score for entry in compiled("example-city-a").groups}

        assert 13 * scores["K35.8-S2"] == 10 * scores["K35.8-S1"]

    def test_the_national_scheme_has_no_money(self):
        """No score, mean cost or point value was public, and none is made up."""
        scheme = compiled(NATIONAL)

        assert [] == [entry.code for entry in scheme.groups if entry.score is not None or entry.mean_cost is not None]
        assert () == scheme.payment.values

    def test_the_resistant_list_is_of_whole_codes(self):
        """48 codes of A15 and A19 stand for resistant tuberculosis, no prefix among them."""
        codes = next(way.principal for way in compiled(NATIONAL).conditions[0].any if not way.other)

        assert 48 == len(codes)
        assert {"=A15", "=A19"} == {code[:4] for code in codes}


FUNDS = {
    # 1380 x 1.20 x 8.60 = 14241.60, less what patient and others bear: 800 + 2100.50 + 950 + 0
    "example-city-a": (14241_6000, 10391_1000),
    # 135 x 1.06 x 96.50 = 13809.15, times 9100 / 14000 of the cost, rounded half up
    "example-city-b": (13809_1500, 8975_9500),
    # 1350 x 1.05 x 10.00 = 14175.00, less 950 and 800, times 0.80
    "riverside": (14175_0000, 9940_0000),
}


@pytest.mark.parametrize("name", FUNDS)
def test_each_city_has_its_own_formula_for_the_fund(name):
    """The same stay, paid three ways; amounts in 1/10,000 yuan."""
    stay = Case(
        principal="K80.100",
        operations=("51.2300",),
        sex="female",
        age_years=50,
        days=7,
        icu_days=0,
        cost=14000_0000,
        hospital_level=3,
        insurance="310",
        medical_type="21",
        out_of_area=False,
        day_surgery=False,
        place="示例市",
        discharged=date(2026, 5, 20),
        deductible=800_0000,
        copayment=2100_5000,
        out_of_catalogue=950_0000,
        other_payers=0,
        fund_paid=9100_0000,
        reimbursement_ratio=Decimal("0.8"),
        specified_own=0,
    )
    paid = assess(stay, Directory.build(compiled(name))).payment

    assert FUNDS[name] == (paid.standard, paid.fund)


# The extract that the national scheme was written from


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a source table."""
    with (SHARED / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def diagnosis_names() -> dict[str, str]:
    """Return the diagnosis table, code to name."""
    lines = (SHARED / "icd-chs" / "ZD_INFO.dat").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def complete() -> list[dict[str, str]]:
    """Return the rows of the extract that are wholly known."""
    return [row for row in table("dip30-catalogue-extract.csv") if row["row_complete"] == "1"]


def code_of(row: dict[str, str]) -> str:
    """Return the group code of a row of the extract."""
    return f"{row['layer']}-{row['group_no']}"


def alternatives(cell: str) -> list[frozenset[str]]:
    """Return the parts of an expression."""
    return [frozenset(part.strip("()").split("|")) for part in cell.split("+")] if cell else []


def categories(cell: str) -> frozenset[str]:
    """Return the diagnoses of a cell, ranges spread out."""
    found = set()
    for part in filter(None, cell.split("|")):
        first, _, last = part.partition("-")
        found |= {f"{first[0]}{number:02}" for number in range(int(first[1:]), int(last[1:]) + 1)} if last else {part}
    return frozenset(found)


def stated(row: dict[str, str]) -> dict[str, object]:
    """Return what a row of the extract says, by the fields of a scheme's row."""
    other = row["other_condition"]
    said = re.search(r"weight_g (\d+)-(\d+)", other)
    newborn = said is not None
    weights = (int(said[1]) or None, int(said[2])) if said else (None, None)
    return {
        "diagnoses": frozenset() if newborn else categories(row["dx"]),
        "any_diagnosis": frozenset({"P07"}) if newborn else frozenset(),
        "other_diagnoses": categories(other.removeprefix("other_dx in "))
        if other.startswith("other_dx")
        else frozenset(),
        "condition": {"resistant tuberculosis": "耐药结核", "not resistant tuberculosis": "!耐药结核"}.get(other, ""),
        "main": alternatives(row["main_op"]),
        "related": alternatives(row["related_op"]),
        "anywhere": "any position" in row["note"],
        "any_operations": newborn,
        "max_age_days": 28 if newborn else None,
        "weights": weights,
    }


def carried(row: Row) -> dict[str, object]:
    """Return the same of a row of the scheme."""
    return {
        "diagnoses": frozenset(row.diagnoses),
        "any_diagnosis": frozenset(row.any_diagnosis),
        "other_diagnoses": frozenset(row.other_diagnoses),
        "condition": row.condition,
        "main": [frozenset(part) for part in row.main],
        "related": [frozenset(part) for part in row.related],
        "anywhere": row.anywhere,
        "any_operations": row.any_operations,
        "max_age_days": row.max_age_days,
        "weights": (row.min_weight_g, row.max_weight_g),
    }


def case_of(row: dict[str, str]) -> Case:
    """Return a case made of a row of the extract alone, its codes from the national table."""
    said = stated(row)
    resistant = said["condition"] == "耐药结核"
    others = [next(code for code in diagnosis_names() if code[:3] in cell or code[:5] in cell)
              for cell in (said["other_diagnoses"],) if cell]  # fmt: skip
    principal = next(code for code in diagnosis_names() if _begins(code, row, resistant=resistant))
    if resistant and principal.startswith(("A17", "A18")):
        others.append("U84.300")
    expressions = (*alternatives(row["main_op"]), *alternatives(row["related_op"]))
    newborn = said["max_age_days"] is not None
    return Case(
        principal=principal,
        others=tuple(others),
        operations=tuple(min(part) for part in expressions),
        age_days=3 if newborn else None,
        weight_g=said["weights"][1] if newborn else None,
    )


@cache
def excluded() -> frozenset[str]:
    """Return the diagnoses that the extract says are not to be grouped by."""
    rows = table("dip30-exclusions-extract.csv")
    return frozenset(entry["code"] for entry in rows if entry["list"] == "principal_dx")


def _begins(code: str, row: dict[str, str], *, resistant: bool) -> bool:
    if not code.startswith(tuple(row["dx"].split("|")) if row["dx"] else "J84") or code in excluded():
        return False
    if "tuberculosis" not in row["other_condition"] or code.startswith(("A17", "A18")):
        return True
    return resistant == ("耐" in diagnosis_names()[code])


@NEEDS_SHARED
class TestTheExtract:
    """The national scheme carries its source wholly."""

    def test_every_complete_row_is_there_with_its_meaning(self):
        """Diagnoses, operations, conditions and bounds of each row are those of the source."""
        rows = {row.group: row for row in compiled(NATIONAL).rows}

        assert {code_of(row): stated(row) for row in complete()} == {code: carried(row) for code, row in rows.items()}

    def test_incomplete_rows_are_listed_and_not_used(self):
        """What the source left open stands in the catalogue, and groups nothing."""
        text = (FOLDERS[NATIONAL] / "catalogue.csv").read_text(encoding="utf-8")
        listed = {row["group"]: row["status"] for row in csv.DictReader(text.splitlines())}

        assert {code_of(row): "active" if row["row_complete"] == "1" else "incomplete"
                for row in table("dip30-catalogue-extract.csv")} == listed  # fmt: skip

    def test_every_row_groups_a_case_made_of_it(self):
        """A case made of a row alone goes to that row's group."""
        directory = Directory.build(compiled(NATIONAL))
        found = {code_of(row): group(case_of(row), directory).group for row in complete()}

        assert {code_of(row): code_of(row) for row in complete()} == found

    def test_every_exclusion_is_there(self):
        """Diagnoses and operations of the exclusion lists, with their effects."""
        rules = compiled(NATIONAL).normalisation
        words = {"removed": "", "conservative": "grouped as conservative", "not_main": "next one is tried"}
        effects = {entry.code: words.get(entry.effect, "listed scope") for entry in rules.exclusions}
        source = table("dip30-exclusions-extract.csv")

        assert {row["code"] for row in source if row["list"] == "principal_dx"} == set(rules.excluded_principal)
        assert {row["code"] for row in source if row["list"] == "operation"} == set(effects)
        assert [] == [row for row in source if effects.get(row["code"], "") not in row["effect"]]

    def test_every_known_attribute_is_there(self):
        """The attribute of each operation of the source; surgery and intervention where it does not tell them apart."""
        words = {
            "诊断性操作": {"diagnostic"},
            "治疗性操作": {"therapeutic"},
            "手术": {"surgery"},
            "介入治疗": {"intervention"},
            "手术或介入治疗": {"surgery", "intervention"},
        }
        entries = {entry.code: entry.attribute for entry in compiled(NATIONAL).operations}

        source = table("operation-type-extract.csv")
        assert [] == [row for row in source if entries.get(row["op_code"]) not in words[row["op_type"]]]

    def test_resistant_codes_are_those_whose_name_says_so(self):
        """Exactly the codes of A15 to A19 whose name speaks of resistance."""
        named = {f"={code}" for code, name in diagnosis_names().items() if "A15" <= code[:3] <= "A19" and "耐" in name}
        way = next(way for way in compiled(NATIONAL).conditions[0].any if not way.other)

        assert named == set(way.principal)

    @pytest.mark.parametrize("name", ["example-city-a", "example-city-b"])
    def test_codes_of_the_invented_cities_are_real(self, name):
        """Diagnoses and operations bear the code and the name of the national table, but those of the older version."""
        lines = (SHARED / "icd-chs" / "SS_INFO.dat").read_text(encoding="utf-8").splitlines()
        known = diagnosis_names() | dict(line.split(" ", 1) for line in lines)
        scheme = compiled(name)
        entries = {entry.code: entry.name for entry in (*scheme.diagnoses, *scheme.operations)}
        older = set(scheme.normalisation.diagnosis_map.values()) | set(scheme.normalisation.operation_map.values())

        assert {} == {
            code: given
            for code, given in entries.items()
            if code not in older and not code.endswith("*") and known.get(code) != given
        }
