"""``docs/dip-settlement.md``: every worked number on the page is what the calculators say."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.dip.assess import assess
from rules.dip.behaviour import low_standard, over_long, readmission
from rules.dip.clearing import banded, floating_value, jumps, settlement_value
from rules.dip.measuring import Observed, YearTotals, budget_value, consumption, measure
from rules.dip.model import (
    AssessmentBand,
    Behaviour,
    Deviation,
    PaymentRules,
    PointsRules,
    PointValue,
    Review,
    SettlementBand,
)
from rules.dip.record_quality import RecordChecks, record_quality
from rules.dip.settlement import settle
from rules.dip.strategies import simulate
from tests.dip.assessed import a_directory, paid
from tests.dip.builders import a_case, a_group
from tests.docs.pages import blocks

PAGE = Path(__file__).parents[2] / "docs" / "dip-settlement.md"
CASE_MONEY = (
    "cost",
    "fund_paid",
    "deductible",
    "copayment",
    "out_of_catalogue",
    "specified_own",
    "other_payers",
)
Example = dict[str, Any]
RULES = Behaviour()


def units(yuan: Any) -> int:
    """Return yuan in 1/10,000."""
    return int(Decimal(str(yuan)) * 10_000)


def yuan(amount: int | None) -> Decimal | None:
    """Return 1/10,000 yuan in yuan."""
    return None if amount is None else Decimal(amount) / 10_000


def number(value: Any) -> Any:
    """Return a page's number as it is written."""
    return Decimal(str(value)) if isinstance(value, int | float) else value


def plain(value: Any) -> Any:
    """Return numbers as decimals, whatever they are in."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return number(value)


def one_case(given: Example):
    """Settle the one case of an example."""
    money = {name: units(given[name]) for name in CASE_MONEY if name in given}
    case = paid(
        given["points"],
        **money,
        deductions=units(given["case_deductions"]) if "case_deductions" in given else None,
        reimbursement_ratio=number(given.get("reimbursement_ratio")),
    )
    values = [PointValue(value=number(given[f"{use}_value"]), use=use) for use in USES if f"{use}_value" in given]
    rules = PaymentRules(
        values=tuple(values),
        prepay_ratio=number(given.get("prepay_ratio", 1)),
        deposit_ratio=number(given.get("deposit_ratio", 0)),
        assessment=tuple(
            AssessmentBand(start=number(start), coefficient=number(coefficient))
            for start, coefficient in given.get("assessment", {}).items()
        ),
    )
    return settle(
        [case],
        a_directory(payment=rules),
        assessment_score=number(given.get("score")),
        deductions=units(given.get("deductions", 0)),
        prepaid=units(given.get("prepaid", 0)),
        advance=units(given.get("advance", 0)),
        care_cost=units(given["care_cost"]) if "care_cost" in given else None,
    ).overall


USES = ("budget", "settlement")


def parts(given: Example) -> Example:
    """Points of each part."""
    cases = [
        paid(case["points"], factors=tuple((name, str(value)) for name, value in case.items() if name != "points"))
        for case in given["cases"]
    ]
    counts = settle(cases, a_directory()).overall.counts
    return {part.part: part.points for part in counts.parts} | {"total": counts.points}


def month(given: Example) -> Example:
    """The month of one case."""
    found = one_case(given | {"other_payers": 0}).month
    return {
        "fund": yuan(found.fund.amount),
        "prepayment": yuan(found.prepayment),
        "deposit": yuan(found.deposit),
        "paid": yuan(found.paid),
    }


def year(given: Example) -> Example:
    """The year of one case."""
    found = one_case(given).year
    return {
        "payable": yuan(found.payable.amount),
        "coefficient": found.coefficient,
        "due": yuan(found.due),
        "balance": yuan(found.balance),
    }


def effects(given: Example) -> Example:
    """What the clearing of one case means."""
    found = one_case(given).effects
    return {
        "surplus": yuan(found.surplus),
        "fund_surplus": yuan(found.fund_surplus),
        "cost_view": found.cost_view,
        "charge_view": found.charge_view,
    }


def band_table(given: Example) -> Example:
    """What a table pays for each actual amount of the page, and where it jumps."""
    table = tuple(SettlementBand(**{name: number(value) for name, value in row.items()}) for row in given["bands"])
    amounts = {}
    for actual in given["expect"]["amounts"]:
        found = banded(units(actual), units(given["payable"]), table)
        amounts[actual] = yuan(found.amount) if found else None
    return {"amounts": amounts, "jumps": [jump._asdict() for jump in jumps(table)]}


def review(given: Example) -> Example:
    """Which candidates fit, by their excess."""
    candidates = [
        paid(review_candidate=("费用高",), payment={"normal_standard": units(10_000 - excess)})
        for excess in given["excesses"]
    ]
    rules = PointsRules(review=Review(share_limit=number(given["share_limit"])))
    others = [paid()] * (given["discharges"] - len(candidates))
    plan = settle([*candidates, *others], a_directory(points=rules)).review
    assert plan is not None
    return {"limit": plan.limit, "within": [yuan(one.excess) for one in plan.candidates if one.within]}


def strategies(given: Example) -> Example:
    """Value of a point and difference of the strategies the page names."""
    directory = a_directory(
        points=PointsRules(coefficient_required=False, deviation=Deviation(formula="proportional")),
        payment=PaymentRules(values=(PointValue(value=number(given["point_value"])),)),
    )
    cases = [a_case(cost=units(cost)) for cost in given["costs"]]
    assessed = [(case, assess(case, directory)) for case in cases]
    assert {Decimal(given["points_each"])} == {one.points.points for _, one in assessed}
    found = simulate(assessed, directory, region_points=number(given["region_points"]))
    outcomes = {f"{one.strategy} {one.followers}": one for one in found.outcomes}
    return {
        name: {"point_value": outcomes[name].point_value, "difference": yuan(outcomes[name].difference)}
        for name in given["expect"]
    }


def risks(score, cases) -> Example:
    """Risk of each case, and the share."""
    said = {one.position: one.risk for one in score.flagged}
    return {"risks": [said.get(place, "none") for place in range(len(cases))], "share": score.share}


def cheap(given: Example) -> Example:
    """Risks of low-standard admission."""
    group = a_group(mean_cost=units(given["mean_cost"]))
    cases = [paid(cost=units(cost), group=group) for cost in given["costs"]]
    return risks(low_standard(cases, RULES), cases)


def long(given: Example) -> Example:
    """Risks of over-long stays."""
    group = a_group(mean_days=number(given["mean_days"]))
    cases = [paid(days=days, group=group) for days in given["days"]]
    return risks(over_long(cases, RULES), cases)


def returned(given: Example) -> Example:
    """Readmissions of one person."""
    score = readmission([paid(patient="p", **stay) for stay in given["stays"]], RULES)
    assert all(isinstance(stay["admitted"], date) for stay in given["stays"])
    return {
        "flagged": [one.position for one in score.flagged],
        "days": [one.days for one in score.flagged],
        "share": score.share,
    }


def records(given: Example) -> Example:
    """The index of records."""

    def some(name: str) -> tuple[str, ...]:
        return tuple(f"c{place}" for place in range(given[name]))

    found = record_quality(
        RecordChecks(
            checked=given["checked"],
            noncompliant=some("noncompliant"),
            upcoded=some("upcoded"),
            downcoded=some("downcoded"),
        )
    )
    return {name: getattr(found, name) for name in given["expect"]}


def scores(given: Example) -> Example:
    """Means, RW and scores of the page's groups."""
    cases = [
        Observed(group=group, year=place, cost=units(cost))
        for group, years in given["cases"].items()
        for place, costs in enumerate(years)
        for cost in costs
    ]
    found = measure(cases)
    groups = {one.group: {"mean": yuan(one.mean_cost), "rw": one.rw, "score": one.score} for one in found.groups}
    return groups | {"region": yuan(found.mean_cost)}


def auxiliary(given: Example) -> Example:
    """The coefficient of one sub-type."""
    (cost, count), (other, others) = given["severe"], given["others"]
    typed = [Observed(group="A", year=2, cost=units(cost), subtypes=(("severity", "severe"),))] * count
    (found,) = measure([*typed, *[Observed(group="A", year=2, cost=units(other))] * others]).subtypes
    return {
        "coefficient": found.row.coefficient,
        "variation_drop": found.row.variation_drop,
        "why_not": found.why_not,
    }


def used(given: Example) -> Example:
    """The consumption indices."""
    group = a_group(mean_cost=units(given["mean_cost"]), mean_days=number(given["mean_days"]))
    found = consumption([paid(cost=units(cost), days=days, group=group) for cost, days in given["cases"]])
    return {"cost_index": found.cost_index, "time_index": found.time_index}


CALCULATORS: dict[str, Callable[[Example], Example]] = {
    "parts": parts,
    "settlement value": lambda given: {
        "point_value": settlement_value(
            units(given["fund"]), number(given["region_points"]), number(given["payment_ratio"])
        )
    },
    "floating value": lambda given: {
        "point_value": floating_value(number(given["base"]), number(given["increment"]), number(given["share"]))
    },
    "budget value": lambda given: {
        "point_value": budget_value(
            [YearTotals(cost=units(one["cost"]), points=number(one["points"])) for one in given["years"]]
        )
    },
    "prepayment": month,
    "clearing": year,
    "reimbursed": lambda given: {"reimbursed": yuan(one_case(given).reimbursed.amount)},
    "bands": band_table,
    "effects": effects,
    "review": review,
    "strategies": strategies,
    "low standard": cheap,
    "over long": long,
    "readmission": returned,
    "record quality": records,
    "score": scores,
    "auxiliary": auxiliary,
    "consumption": used,
}
EXAMPLES: list[Example] = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["example"])
def test_example(example: Example) -> None:
    """What the page expects is what comes out."""
    assert plain(example["expect"]) == plain(CALCULATORS[example["example"]](example))


def test_every_calculator_has_an_example() -> None:
    """No formula without worked numbers."""
    assert set(CALCULATORS) == {example["example"] for example in EXAMPLES}


def test_the_page_names_the_parameters_as_they_stand() -> None:
    """Thresholds that the page prints are the scheme's defaults."""
    text = PAGE.read_text(encoding="utf-8")

    assert [] == [code for code in RULES.planned_principals if code not in text]
    assert [] == [code for code in RULES.planned_operations if code not in text]
    assert ["0.3 / 0.5 / 0.7", "3 / 2 / 1.5"] == [
        " / ".join(str(limit) for limit, _ in limits) for limits in (RULES.low_standard, RULES.over_long)
    ]
    assert (31, Decimal("0.05"), ((7, "high"), (15, "medium"))) == (
        RULES.readmission_days,
        RULES.low_mortality,
        RULES.readmission_risk,
    )
