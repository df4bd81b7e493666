"""Settlement-list checks (医保基金结算清单质控): timeliness, completeness, accuracy (dip facts 6.1 and 6.2).

In: ``RecordFacts`` and a directory. Out: findings in a fixed order. Every check says what it could not look at for
want of facts (``not_checked``): absent is not false. Parameters are the scheme's (``Quality``). Signs of coding too
high, too low or by a wrong principal diagnosis are separate (``quality_signs``), and so are those over a set of cases
(``quality_sets``).
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final

from rules.dip import quality_codes, quality_dates, quality_fees, quality_patient
from rules.dip.directory import Directory
from rules.dip.quality_facts import QualityFinding, RecordFacts
from rules.dip.quality_signs import downcoding, principal_errors, signs, upcoding
from rules.dip.quality_view import Record, found, lacking

MOST_NAMED: Final = 20
"""Blank fields that a message lists."""


def check_record(facts: RecordFacts, directory: Directory) -> tuple[QualityFinding, ...]:
    """Return all that is wrong with a list, and every check that could not be made."""
    record = Record(facts, directory)
    return tuple(dict.fromkeys(finding for check in CHECKS for finding in check(record)))


def completeness(facts: RecordFacts) -> Decimal | None:
    """Return the share of required fields that are filled (必填项完整率, L9); ``None`` when nobody counted them."""
    if facts.required <= 0:
        return None
    return Decimal(facts.required - min(len(facts.blank), facts.required)) / facts.required


def passed(findings: Iterable[QualityFinding]) -> bool:
    """Say whether a list breaks no rule of filling in (合规性): only violations count, no questions."""
    return not any(finding.certainty == "violation" and not finding.not_checked for finding in findings)


def _complete(record: Record) -> Iterator[QualityFinding]:
    """Required fields are filled; too few of them is a violation, any blank one is named."""
    share, blank = completeness(record.facts), record.facts.blank
    if share is None:
        yield lacking("incomplete", "required")
    elif blank:
        wanted = record.quality.required_share
        named = "、".join(blank[:MOST_NAMED]) + ("等" if len(blank) > MOST_NAMED else "")
        words = f"必填项完整率 {share * 1000 // 1 / 10:.1f}%(要求不低于 {wanted * 100:.0f}%),未填写:{named}。请补填。"
        yield found("incomplete", words, blank, "violation" if share < wanted else "notice")


CHECKS: Final[tuple[Callable[[Record], Iterator[QualityFinding]], ...]] = (
    quality_dates.upload,
    _complete,
    quality_codes.principal,
    quality_codes.main_operation,
    quality_codes.counts,
    quality_codes.duplicates,
    quality_codes.tables,
    quality_codes.admission,
    quality_patient.sex_and_age,
    quality_patient.birth_weight,
    quality_patient.age,
    quality_dates.order,
    quality_dates.stay,
    quality_dates.operations,
    quality_dates.durations,
    quality_dates.ventilator,
    quality_dates.readmission,
    quality_codes.operation_has_diagnosis,
    quality_fees.staff,
    quality_fees.sums,
    quality_fees.pairs,
)

__all__ = ["CHECKS", "check_record", "completeness", "downcoding", "passed", "principal_errors", "signs", "upcoding"]
