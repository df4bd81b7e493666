"""``docs/dip.md``: every example is computed from the page's own text, and the page names the closed sets."""

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml

from rules.dip.assess import assess
from rules.dip.auxiliary import AGE_BANDS, CCI_LEVELS, cci
from rules.dip.codes import DeviationFormula, FundFormula, PointsReason, Reference
from rules.dip.directory import Directory
from rules.dip.model import Auxiliary, Case, Eligibility, Group, PaymentRules, PointsRules, Scheme
from rules.dip.severity import SUBTYPES
from rules.model import UNIT
from tests.dip.builders import a_row, a_scheme
from tests.docs.pages import ROOT, blocks, tables

PAGE = ROOT / "docs" / "dip.md"
PATIENTS = {"deductible", "copayment", "out_of_catalogue", "other_payers", "specified_own", "fund_paid", "deductions"}
MONEY = {"cost", "drug_cost", "treatment_cost", "material_cost", "mean_cost", "level_mean_costs"} | PATIENTS
SCHEME = {"class", "group", "points", "auxiliary", "payment", "eligibility"}
KEYS = {"example", "case", "indicators", "costs", "expect"} | SCHEME
AMOUNTS = {"standard", "normal_standard", "fund", "balance"}
RATIOS = ["4000", "5000", "5000.1", "10000", "20000", "20000.1", "25000", "60000"]


def examples(page: Path = PAGE) -> list[dict[str, Any]]:
    """Return the examples of the page; all scalars as written."""
    found = [yaml.load(block.text, Loader=yaml.BaseLoader) for block in blocks(page) if block.language == "yaml"]
    return [example for example in found if isinstance(example, dict)]


def in_units(value: Any, key: str = "") -> Any:
    """Return the text of an example with yuan made 1/10,000 yuan and ``null`` made nothing."""
    if isinstance(value, dict):
        return {name: in_units(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [in_units(inner, key) for inner in value]
    if value == "null":
        return None
    return int(Decimal(value) * UNIT) if key in MONEY else value


def a_case_of(example: dict[str, Any], cost: str | None = None) -> Case:
    """Return the case, in a tertiary hospital, insured, unless the example says otherwise."""
    given = {"hospital_level": "3", "insurance": "310"} | example["case"] | ({"cost": cost} if cost else {})
    return msgspec.convert(in_units(given), Case, strict=False)


def a_scheme_of(example: dict[str, Any]) -> Scheme:
    """Return the scheme: one group for the principal diagnosis of the case, if the example has one."""
    parts: Any = {"points": PointsRules, "auxiliary": Auxiliary, "payment": PaymentRules, "eligibility": Eligibility}
    rules = {name: msgspec.convert(in_units(example.get(name, {})), kind, strict=False) for name, kind in parts.items()}
    if "group" not in example:
        return a_scheme(**rules)
    code = example["case"]["principal"][:5]
    given = {"code": code, "kind": example.get("class", "core")} | in_units(example["group"])
    row = a_row(code, code, any_operations=True)
    return a_scheme(row, groups=(msgspec.convert(given, Group, strict=False),), **rules)


def answers(example: dict[str, Any], cost: str | None = None) -> dict[str, Any]:
    """Return what may be expected of an example."""
    directory = Directory.build(a_scheme_of(example))
    case = a_case_of(example, cost)
    indicators = {name: Decimal(value) for name, value in example.get("indicators", {}).items()}
    found = assess(case, directory, indicators=indicators)
    points, payment = found.points, found.payment
    return {
        "cci": cci(case, directory),
        "typings": {typing.type: typing.subtype for typing in found.typings},
        "points": points.points,
        "standard_points": points.standard_points,
        "band": points.band,
        "ratio": points.ratio,
        "factors": [factor.name for factor in points.factors],
        "review_candidate": list(points.review_candidate),
        "notes": [note.reason for note in (*points.notes, *payment.notes) if note.reason not in UNASKED],
        "eligible": payment.eligible,
        **{name: getattr(payment, name) for name in AMOUNTS},
    }


UNASKED: set[PointsReason] = {"patient_share_absent", "cost_absent", "point_value_absent"}
"""Notes on the money, which examples about points do not speak of."""


def expected(name: str, value: Any) -> Any:
    """Return what the page expects, as the answer has it."""
    if value == "null":
        return None
    if isinstance(value, list | dict):
        return value
    if name in AMOUNTS:
        return int(Decimal(value) * UNIT)
    if name == "eligible":
        return value == "true"
    return value if name == "band" else Decimal(value)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["example"])
def test_example(example: dict[str, Any]) -> None:
    """What the page says comes out."""
    assert set() == set(example) - KEYS
    wanted = {name: expected(name, value) for name, value in example.get("expect", {}).items()}

    assert wanted or example["costs"]
    if wanted:
        found = answers(example)
        assert wanted == {name: found[name] for name in wanted}
    costs = {cost: Decimal(points) for cost, points in example.get("costs", {}).items()}
    assert costs == {cost: answers(example, cost)["points"] for cost in costs}


def test_every_formula_has_its_examples() -> None:
    """Every deviation formula at eight ratios, every fund formula."""
    grids = [one for one in examples() if len(one.get("costs", {})) == len(RATIOS)]
    bent = {one["points"].get("deviation", {}).get("formula", "none"): list(one["costs"]) for one in grids}
    funds = {one["payment"].get("fund", "less_patient_share") for one in examples() if "fund" in one.get("expect", {})}

    assert dict.fromkeys(get_args(DeviationFormula), RATIOS) == bent
    assert set(get_args(FundFormula)) == funds


def test_every_name_is_on_the_page() -> None:
    """Reasons, formulas, references and sub-types."""
    text = PAGE.read_text(encoding="utf-8")
    names = {*get_args(PointsReason), *get_args(DeviationFormula), *get_args(FundFormula), *get_args(Reference)}
    subtypes = {*CCI_LEVELS, *AGE_BANDS, *(name for found in SUBTYPES.values() for name in found)}

    assert [] == sorted(name for name in names | subtypes if f"`{name}`" not in text)


def test_the_tables_name_each_formula_once() -> None:
    """The first column of the tables of formulas."""
    columns = {table[0][0]: [row[0] for row in table[1:]] for table in tables(PAGE)}

    assert list(get_args(DeviationFormula)) == columns["formula"]
    assert list(get_args(FundFormula)) == columns["fund"]
