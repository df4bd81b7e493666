"""Record quality index (病案质量指数, K14): how many of the records looked at are filled in and coded as they should.

The national parts are named (合规性, 编码套高, 编码套低), their formula is not public (dip facts 3.7, 9): the index
here is a project formula with weights of the caller's.
"""

from decimal import Decimal
from typing import Final

from rules.dip.amounts import rounded
from rules.noun import Noun

BEST: Final = Decimal(100)
"""An index of records without any fault."""


class RecordChecks(Noun, frozen=True, kw_only=True):
    """What a check of records found (病案质控): how many were looked at, and which cases have which fault."""

    checked: int
    noncompliant: tuple[str, ...] = ()
    """合规性: records that break a rule of filling in (case ids)."""
    upcoded: tuple[str, ...] = ()
    """编码套高."""
    downcoded: tuple[str, ...] = ()
    """编码套低."""


class RecordWeights(Noun, frozen=True, kw_only=True):
    """Weights of the three parts of the record quality index; a project choice, 1 : 1 : 1 unless given."""

    compliance: Decimal = Decimal(1)
    upcoding: Decimal = Decimal(1)
    downcoding: Decimal = Decimal(1)


class RecordQuality(Noun, frozen=True, kw_only=True):
    """病案质量指数 0-100, and its three parts (100 is best), two decimals; ``None`` where nothing was checked."""

    checked: int
    index: Decimal | None = None
    compliance: Decimal | None = None
    upcoding: Decimal | None = None
    downcoding: Decimal | None = None
    cases: tuple[str, ...] = ()
    """Cases with any fault, in order of name."""
    words: str = ""


def record_quality(checks: RecordChecks, weights: RecordWeights | None = None) -> RecordQuality:
    """病案质量指数 (K14), project formula: the weighted mean of three parts, each 100 x (1 - faulty / checked)."""
    given = weights or RecordWeights()
    parts = (
        (_part(checks.noncompliant, checks.checked), given.compliance),
        (_part(checks.upcoded, checks.checked), given.upcoding),
        (_part(checks.downcoded, checks.checked), given.downcoding),
    )
    known = [(part, weight) for part, weight in parts if part is not None]
    whole = sum((weight for _, weight in known), Decimal(0))
    index = sum((part * weight for part, weight in known), Decimal(0)) / whole if whole > 0 else None
    shown = None if index is None else rounded(index, 2)
    compliance, upcoding, downcoding = (None if part is None else rounded(part, 2) for part, _ in parts)
    words = (
        "没有检查病案,病案质量指数无法计算。"
        if shown is None
        else f"检查病案 {checks.checked} 份:不合规 {len(set(checks.noncompliant))} 份,疑似编码套高 "
        f"{len(set(checks.upcoded))} 份,疑似编码套低 {len(set(checks.downcoded))} 份,病案质量指数 {shown}。"
    )
    return RecordQuality(
        checked=checks.checked,
        index=shown,
        compliance=compliance,
        upcoding=upcoding,
        downcoding=downcoding,
        cases=tuple(sorted({*checks.noncompliant, *checks.upcoded, *checks.downcoded})),
        words=words,
    )


def _part(faulty: tuple[str, ...], checked: int) -> Decimal | None:
    """Return 100 x (1 - faulty / checked); more faulty records than were checked count as all of them."""
    return None if checked <= 0 else BEST * (checked - min(len(set(faulty)), checked)) / checked
