"""The native dialect's answers: a verdict, its parts and a problem as JSON-ready documents.

Written directly, without a model in between; ``service.schemas.native`` describes them, and a test holds them together.
"""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from rules import Card, cards
from rules.dip.result import DipResult, Standing
from rules.model import UNIT, Citation, Finding, Line, NotChecked
from service.dialects._contract import Answer, Reading
from service.errors import Problem
from service.schemas.words import explain


def answer_document(reading: Reading, answer: Answer) -> dict[str, Any]:
    """Return the verdict as the native contract's ``CheckAnswer``."""
    verdict = answer.verdict
    lines = reading.encounter.lines
    digests = verdict.digests
    return {
        "id": answer.verdict_id,
        "state": verdict.state,
        "recorded": answer.recorded,
        "message_id": reading.message_id,
        "message_id_reused": answer.repeated_id,
        "amount": verdict.amount / UNIT,
        "findings": [
            finding_document(finding, identifier, lines)
            for finding, identifier in zip(verdict.findings, answer.finding_ids, strict=True)
        ],
        "cards": [card_document(card, answer.finding_ids) for card in cards(verdict.findings)],
        "not_checked": [not_checked_document(entry) for entry in verdict.not_checked],
        "dip": None if verdict.dip is None else dip_document(verdict.dip),
        "digests": {
            "engine": digests.engine,
            "rulebook": digests.rulebook,
            "overlay": digests.overlay,
            "dictionary": digests.dictionary,
            "scheme": digests.scheme,
        },
        "elapsed_us": answer.elapsed_us,
    }


def dip_document(dip: DipResult) -> dict[str, Any]:
    """Return where a stay stands as ``DipOut``."""
    return {
        "scheme": dip.scheme,
        "version": dip.version,
        "estimated": dip.estimated,
        "eligible": dip.eligible,
        "ineligible": dip.ineligible or None,
        "now": standing_document(dip.now),
        "after": standing_document(dip.after),
        "moves": [
            {
                "group": move.group,
                "name": move.name,
                "message": move.message,
                "points_difference": number(move.points_difference),
                "evidence": move.evidence,
            }
            for move in dip.moves
        ],
        "explanation": dip.explanation,
    }


def standing_document(standing: Standing) -> dict[str, Any]:
    """Return one standing as ``StandingOut``."""
    return {
        "status": standing.status,
        "group": standing.group or None,
        "name": standing.name or None,
        "reasons": standing.reasons,
        "tied": standing.tied,
        "standard_points": number(standing.standard_points),
        "points": number(standing.points),
        "standard": yuan(standing.standard),
        "payable": yuan(standing.payable),
        "cost": yuan(standing.cost),
        "ratio": number(standing.ratio),
        "band": standing.band,
        "balance": yuan(standing.balance),
    }


def number(value: Decimal | None) -> float | None:
    """Return an exact number as JSON writes it."""
    return None if value is None else float(value)


def yuan(amount: int | None) -> float | None:
    """Return money in yuan as JSON writes it."""
    return None if amount is None else amount / UNIT


def finding_document(finding: Finding, identifier: str, lines: tuple[Line, ...]) -> dict[str, Any]:
    """Return one finding as ``FindingOut``."""
    return {
        "id": identifier,
        "rule": finding.rule,
        "kind": finding.kind,
        "code": finding.code,
        "title": finding.title,
        "item": finding.item,
        "certainty": finding.certainty,
        "level": finding.level,
        "scope": finding.scope,
        "reason_required": finding.reason_required,
        "lines": [
            {"position": at, "id": lines[at].id, "amount": amount / UNIT}
            for at, amount in zip(finding.lines, finding.amounts, strict=True)
        ],
        "involved": [
            {"position": at, "id": lines[at].id if at >= 0 else "", "amount": None} for at in finding.involved
        ],
        "message": finding.message,
        "limit": finding.limit,
        "present": finding.present,
        "allowed": finding.allowed,
        "facts": dict(finding.facts),
        "amount": sum(finding.amounts) / UNIT,
        "basis": finding.basis,
        "citation": citation_document(finding.citation) if finding.citation else None,
        "tags": finding.tags,
    }


def card_document(card: Card, finding_ids: tuple[str, ...]) -> dict[str, Any]:
    """Return one card as ``CardOut``."""
    return {
        "item": card.item,
        "level": card.level,
        "lines": card.lines,
        "findings": [finding_ids[number] for number in card.findings],
        "message": card.message,
    }


@lru_cache(maxsize=4_096)
def citation_document(citation: Citation) -> dict[str, str | date | None]:
    """Return a citation as ``CitationOut``."""
    return {
        "id": citation.id,
        "instrument": citation.instrument,
        "number": citation.number,
        "clause": citation.clause,
        "published": citation.published,
        "valid_from": citation.valid_from,
        "valid_to": citation.valid_to,
    }


def not_checked_document(entry: NotChecked) -> dict[str, Any]:
    """Return one *not checked* as ``NotCheckedOut``."""
    return {
        "rule": entry.rule,
        "kind": entry.kind,
        "title": entry.title,
        "fields": list(entry.fields),
        "reason": entry.reason,
        "lines": list(entry.lines),
        "message": explain(entry),
    }


def problem_document(problem: Problem) -> dict[str, Any]:
    """Return a problem as ``ProblemOut``."""
    return {
        "code": problem.kind.code,
        "title": problem.kind.title,
        "title_zh": problem.kind.title_zh,
        "detail": problem.detail,
        "faults": [{"field": fault.field, "message": fault.message} for fault in problem.faults],
    }
