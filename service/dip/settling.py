"""Settlement and strategies over a set of cases, as the API answers them.

In: a ``CaseSet``. Out: documents of ``service.schemas.dip_sets``. The sums are made beside the event loop, so that
other callers' checks go on.
"""

import asyncio
from typing import Any, Final

from pydantic import TypeAdapter

from rules.dip.behaviour import BehaviourReport, behaviour
from rules.dip.model import Assessed, Case
from rules.dip.payment import INELIGIBLE_WORDS
from rules.dip.quality import check_record, passed
from rules.dip.quality_signs import signs
from rules.dip.record_quality import RecordChecks
from rules.dip.settled import PART_WORDS, LeftOut, Pool, PoolTerms, Settlement
from rules.dip.settlement import settle
from rules.dip.strategies import STRATEGY_WORDS, Outcome, Simulation, StrategyParameters, simulate
from rules.dip.words import POINTS_REASON_WORDS
from service.dip.documents import scheme_document
from service.dip.reading import validated
from service.dip.sets import CaseSet, noun_document
from service.dip.what_if import LABEL
from service.schemas.dip_sets import PoolIn, SettleParametersIn, StrategiesIn

PARAMETERS: Final = TypeAdapter(SettleParametersIn)
STRATEGIES: Final = TypeAdapter(StrategiesIn)
STRATEGY_NOTE: Final = "本结果为测算,用于说明各种做法对点值的影响,仅供参考;抬高分值属违规行为,不得采用。"
LEFT_OUT_WORDS: Final[dict[Any, str]] = {**POINTS_REASON_WORDS, **INELIGIBLE_WORDS}
NOTE: Final = "支付标准为参考,供结算核对使用,不是对单个患者费用的限制。"


async def settlement_document(found: CaseSet) -> dict[str, Any]:
    """Settle the cases."""
    given = parameters_of(found)
    pairs = await found.assessed()
    settlement: Settlement = await asyncio.to_thread(settle, pairs, found.directory, **settle_arguments(given))
    report = await _behaviour(found, pairs) if given.behaviour else None
    pools = [pool_document(pool) for pool in settlement.pools]
    return {
        "scheme": scheme_document(found.directory.scheme),
        "note": NOTE,
        "overall": pool_document(settlement.overall),
        "pools": pools,
        "review": noun_document(settlement.review),
        "behaviour": noun_document(report),
    }


async def _behaviour(found: CaseSet, pairs: list[tuple[Case, Assessed]]) -> BehaviourReport:
    """Score the cases; the quality of records only where they came as settlement lists."""
    rules = found.directory.scheme.behaviour
    return await asyncio.to_thread(behaviour, pairs, rules, records=await _record_checks(found, pairs))


async def _record_checks(found: CaseSet, pairs: list[tuple[Case, Assessed]]) -> RecordChecks | None:
    """Check every settlement list of a set; ``None`` when there is none."""
    checked = 0
    faulty: dict[str, list[str]] = {"noncompliant": [], "upcoding": [], "downcoding": []}
    for place, (filed, (case, assessed)) in enumerate(zip(found.filed, pairs, strict=True)):
        if filed.facts is not None:
            checked += 1
            name = case.id or str(place)
            kinds: set[str] = {kind for kind, _ in signs(case, assessed, found.directory)}
            if not passed(check_record(filed.facts, found.directory)):
                kinds.add("noncompliant")
            for kind in kinds & faulty.keys():
                faulty[kind].append(name)
            await asyncio.sleep(0)
    if not checked:
        return None
    return RecordChecks(
        checked=checked,
        noncompliant=tuple(faulty["noncompliant"]),
        upcoded=tuple(faulty["upcoding"]),
        downcoded=tuple(faulty["downcoding"]),
    )


async def strategies_document(found: CaseSet) -> dict[str, Any]:
    """Play the strategies over the cases."""
    given = validated(STRATEGIES, found.parameters.get("strategies") or {}, "strategies", found.zone)
    pairs = await found.assessed()
    simulation: Simulation = await asyncio.to_thread(simulate, pairs, found.directory, **strategy_arguments(given))
    return {
        "label": LABEL,
        "note": STRATEGY_NOTE,
        "scheme": scheme_document(found.directory.scheme),
        "today": outcome_document(simulation.today),
        "outcomes": [outcome_document(outcome) for outcome in simulation.outcomes],
        "left_out": [left_out_document(one) for one in simulation.left_out],
        "notes": list(simulation.notes),
    }


def strategy_arguments(given: StrategiesIn) -> dict[str, Any]:
    """Return the simulation's arguments; what was not given keeps its default."""
    names = ("points_rise", "cost_rise", "cost_cut")
    shares = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return {
        "fund": given.fund,
        "region_points": given.region_points,
        "point_value": given.point_value,
        "payment_ratio": given.payment_ratio,
        "parameters": StrategyParameters(**shares),
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return what a strategy comes to, with its name."""
    document: dict[str, Any] = noun_document(outcome)
    return document | {"name": STRATEGY_WORDS[outcome.strategy]}


def parameters_of(found: CaseSet) -> SettleParametersIn:
    """Return the parameters that came with a set. Raises ``Problem`` with every fault."""
    return validated(PARAMETERS, found.parameters.get("parameters") or {}, "parameters", found.zone)


def settle_arguments(given: SettleParametersIn) -> dict[str, Any]:
    """Return the settlement's arguments; what was not given keeps its default."""
    named: dict[str, Any] = {
        "budget": given.budget,
        "total_region_points": given.total_region_points,
        "budget_value": given.budget_value,
        "assessment_score": given.assessment_score,
        "deductions": given.deductions,
        "advance": given.advance,
        "prepaid": given.prepaid,
        "care_cost": given.care_cost,
        "fund_ratio": given.fund_ratio,
        "formula": given.formula,
        "base_score": given.base_score,
        "pools": tuple(_terms(pool) for pool in given.pools),
    }
    return {name: value for name, value in named.items() if value is not None}


def _terms(pool: PoolIn) -> PoolTerms:
    return PoolTerms(
        insurance=pool.insurance or "",
        place=pool.place or "",
        fund=pool.fund,
        region_points=pool.region_points,
        payment_ratio=pool.payment_ratio,
    )


def pool_document(pool: Pool) -> dict[str, Any]:
    """Return one pool; its parts and what was left out with their names."""
    document: dict[str, Any] = noun_document(pool)
    for part in document["counts"]["parts"]:
        part["name"] = PART_WORDS[part["part"]]
    document["counts"]["left_out"] = [left_out_document(one) for one in pool.counts.left_out]
    return document


def left_out_document(left_out: LeftOut) -> dict[str, Any]:
    """Return cases that have no part in a sum, with the reason in words."""
    document: dict[str, Any] = noun_document(left_out)
    return document | {"name": LEFT_OUT_WORDS[left_out.reason]}
