"""Cost deviation (费用偏差病例): a stay far dearer or far cheaper than others of its DIP group.

``high`` speaks while the stay goes on, from a margin below the scheme's limit if the row names one; ``low`` only at its
end, since every stay begins cheap. Limits and reference are the scheme's. Neither says that care was wrong: a dear case
may be put up for review (特例单议), a cheap one is paid by its cost.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Literal

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.dip.result import DipResult, Standing
from rules.kinds._contract import Quantity, RuleKind, Triggers
from rules.kinds._dip import (
    REFERENCE,
    DipRow,
    DipRule,
    DoctorLevel,
    decimal_words,
    dip_shared,
    group_words,
    grouped,
    heard,
    paid_by_dip,
    payer_unknown,
    yuan,
)
from rules.kinds._dip_specimens import HIGH_LIMIT, LOW_LIMIT, STANDARD, a_stay
from rules.kinds._record import in_its_scene, settling
from rules.kinds._text import number
from rules.kinds._view import View
from rules.model import UNIT, Draft, Encounter, Line, Missing

Side = Literal["high", "low"]
HIGH: Final = "病情复杂的可按规定申请特例单议"
LOW: Final = "分值按实际费用折算,请核对费用是否记全、诊断与手术编码是否与病历一致"


class DeviationRow(DipRow):
    """One line of ``dip_deviation.csv``."""

    side: Side = Field(description="high or low: which deviation the row speaks of")
    margin: Quantity = Field(
        default=0, ge=0, description="high: speaks from so far below the limit on, as a ratio: 0.2"
    )
    doctor_level: DoctorLevel = Field(
        default="info", description="the loudest that doctors, nurses and pharmacists hear it; coders hear `level`"
    )


class Deviation(DipRule, frozen=True, kw_only=True):
    """Run form: which side, and how far below the high limit it begins."""

    side: Side
    margin: Decimal


class Case(msgspec.Struct, frozen=True):
    """A stay's cost as a ratio to its group's, beside the scheme's limit on the row's side."""

    group: str
    cost: int
    ratio: Decimal
    limit: Decimal
    beyond: bool
    """The scheme itself counts it beyond the limit."""
    cap: Level


def compile_row(row: DeviationRow) -> Deviation:
    """Return the run form. Raises ``ValueError`` when a low row names a margin."""
    if row.margin and row.side == "low":
        raise ValueError("margin belongs to the high side")
    return Deviation(**dip_shared(row), side=row.side, margin=Decimal(row.margin) / UNIT)


def read(rule: Deviation, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield the stay with its ratio, or what keeps it from being told; nothing where the scheme has no such rule."""
    if rule.side == "low" and not settling(view):
        return
    result = paid_by_dip(view)
    limit = None if result is None else _limit(rule, result.after)
    if limit is None:
        return
    found = grouped(view)
    said = _measured(rule, found, limit, view) if isinstance(found, DipResult) else found
    if said is not None:
        yield said


def _limit(rule: Deviation, standing: Standing) -> Decimal | None:
    return standing.high_limit if rule.side == "high" else standing.low_limit


def _measured(rule: Deviation, result: DipResult, limit: Decimal, view: View) -> Case | Missing | None:
    standing = result.after
    if standing.ratio is None or standing.cost is None:
        return _unmeasured(standing, view)
    case = Case(
        group=group_words(result, standing),
        cost=standing.cost,
        ratio=standing.ratio,
        limit=limit,
        beyond=standing.band == rule.side,
        cap=heard(rule, view),
    )
    return (payer_unknown(result, view) if check(rule, case) is not None else None) or case


def _unmeasured(standing: Standing, view: View) -> Missing | None:
    """Return what a stay lacks of facts to be compared; nothing where it is the scheme that has no average."""
    reasons = standing.reasons
    if "score_absent" in reasons:
        return None
    if "cost_absent" in reasons:
        return Missing(fields=("visit.total_amount",))
    if "level_absent" in reasons and view.encounter.facility.level is None:
        return Missing(fields=("facility.level",))
    return None


def check(rule: Deviation, case: Case) -> Draft | None:
    """Speak of a stay beyond the scheme's limit, or within the row's margin below the high one."""
    if rule.side == "low":
        return _draft(rule, case, "DIP_LOW_COST", "低于低倍率界限", LOW) if case.beyond else None
    if case.beyond:
        return _draft(rule, case, "DIP_HIGH_COST", "已过高倍率界限", HIGH)
    near = rule.margin > 0 and case.limit - rule.margin <= case.ratio <= case.limit
    return _draft(rule, case, "DIP_HIGH_COST", "接近高倍率界限", HIGH) if near else None


def _draft(rule: Deviation, case: Case, code: str, place: str, then: str) -> Draft:
    ratio, limit = decimal_words(case.ratio), f"{decimal_words(case.limit)} 倍"
    present = f"住院费用 {yuan(case.cost)},为同病种参考均费的 {ratio} 倍"
    return Draft(
        code=code,
        message=f"【{rule.name}】{case.group},{present},{place} {limit};{then};{REFERENCE}。",
        lines=(),
        limit=f"{'高' if rule.side == 'high' else '低'}倍率界限 {limit}",
        present=present,
        allowed=REFERENCE,
        facts=(
            ("group", case.group),
            ("cost", number(case.cost)),
            ("ratio", ratio),
            ("limit", decimal_words(case.limit)),
        ),
        cap=case.cap,
    )


def _costing(rule: Deviation, encounter: Encounter, ratio: Decimal) -> Encounter:
    over = rule.side == "low"
    stay = a_stay(encounter, cost=int(STANDARD * ratio), over=over)
    return in_its_scene(rule, stay)


def _threshold(rule: Deviation) -> tuple[Decimal, Decimal]:
    """Return the ratio at which the row speaks, and the nearest at which it does not, under the specimens' scheme."""
    step = Decimal(1) / STANDARD
    if rule.side == "low":
        return LOW_LIMIT - step, LOW_LIMIT
    if rule.margin:
        return HIGH_LIMIT - rule.margin, HIGH_LIMIT - rule.margin - step
    return HIGH_LIMIT + step, HIGH_LIMIT


def witness(rule: Deviation, encounter: Encounter) -> Encounter:
    """A stay just dear or cheap enough, the cheap one at its end."""
    return _costing(rule, encounter, _threshold(rule)[0])


def near_miss(rule: Deviation, encounter: Encounter) -> Encounter:
    """A stay that just is not."""
    return _costing(rule, encounter, _threshold(rule)[1])


KIND = RuleKind(
    name="dip_deviation",
    title="病种费用偏差",
    codes=(
        ("DIP_HIGH_COST", "费用高倍率"),
        ("DIP_LOW_COST", "费用低倍率"),
    ),
    row=DeviationRow,
    rule=Deviation,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
