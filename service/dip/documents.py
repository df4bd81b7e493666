"""What DIP says of a case, as the JSON of ``service.schemas.dip``: money in yuan, points and ratios as numbers.

In: an ``Assessed`` and what was asked beside it. Out: plain documents; absent is ``null``, never zero. Nothing is
computed here.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from rules.dip.auxiliary import SUBTYPE_WORDS, TYPE_WORDS
from rules.dip.codes import ATTRIBUTE_WORDS, FAMILY_WORDS, GROUPING_REASON_WORDS, STATUS_WORDS
from rules.dip.model import Assessed, Case, Group, Grouping, PaymentResult, PointsNote, PointsResult, Scheme, Typing
from rules.dip.moves import Move
from rules.dip.payment import INELIGIBLE_WORDS
from rules.dip.quality_facts import QualityFinding, Sign
from rules.dip.quality_signs import SignKind
from rules.dip.words import BAND_WORDS, POINTS_REASON_WORDS
from rules.model import UNIT
from service.schemes import in_force
from service.settlement_lists.reading import national_name


def number(value: Decimal | None) -> float | None:
    """Return points, a coefficient or a ratio as a JSON number."""
    return None if value is None else float(value)


def yuan(amount: int | None) -> float | None:
    """Return money as yuan."""
    return None if amount is None else amount / UNIT


def scheme_document(scheme: Scheme, day: date | None = None) -> dict[str, Any]:
    """Return which scheme spoke, and whether it is in force on the day of discharge, or today while there is none."""
    return {
        "name": scheme.name,
        "version": scheme.version,
        "title": scheme.title,
        "digest": scheme.digest,
        "partial": scheme.partial,
        "in_force": None if day is None else in_force(scheme, day),
    }


def assessed_document(case: Case, assessed: Assessed, scheme: Scheme) -> dict[str, Any]:
    """Return what a scheme says of one case. Without a day of discharge it is an estimate (ruling 25)."""
    estimated = case.ongoing or case.discharged is None
    return {
        "id": case.id,
        "estimated": estimated,
        "label": "预估" if estimated else "",
        "scheme": scheme_document(scheme, case.discharged),
        "grouping": grouping_document(assessed.grouping, assessed.group),
        "typings": [typing_document(typing) for typing in assessed.typings],
        "points": points_document(assessed.points),
        "payment": payment_document(assessed.payment),
    }


def grouping_document(grouping: Grouping, group: Group | None) -> dict[str, Any]:
    """Return where a case belongs, and why."""
    family = group.family if group else None
    return {
        "status": grouping.status,
        "status_name": STATUS_WORDS[grouping.status],
        "group": grouping.group or None,
        "name": group.name if group else "",
        "class": group.kind if group else None,
        "class_name": STATUS_WORDS[group.kind] if group else None,
        "family": family,
        "family_name": FAMILY_WORDS[family] if family else None,
        "layer": grouping.layer,
        "row": grouping.row,
        "principal": grouping.principal,
        "operations": list(grouping.operations),
        "used": list(grouping.used),
        "attribute": grouping.attribute,
        "attribute_name": ATTRIBUTE_WORDS[grouping.attribute] if grouping.attribute else None,
        "tied": list(grouping.tied),
        "reasons": [
            {"reason": remark.reason, "name": GROUPING_REASON_WORDS[remark.reason], "detail": remark.detail}
            for remark in grouping.remarks
        ],
    }


def typing_document(typing: Typing) -> dict[str, Any]:
    """Return a sub-type of the auxiliary directory."""
    return {
        "type": typing.type,
        "type_name": TYPE_WORDS[typing.type],
        "subtype": typing.subtype,
        "subtype_name": SUBTYPE_WORDS.get(typing.subtype, typing.subtype),
        "coefficient": number(typing.coefficient),
        "note": typing.note,
    }


def points_document(points: PointsResult) -> dict[str, Any]:
    """Return the points, each factor with its source."""
    return {
        "standard_points": number(points.standard_points),
        "points": number(points.points),
        "average": yuan(points.average),
        "ratio": number(points.ratio),
        "band": points.band,
        "band_name": BAND_WORDS[points.band],
        "pays_actual_cost": points.pays_actual_cost,
        "factors": [
            {"name": factor.name, "value": number(factor.value), "source": factor.source} for factor in points.factors
        ],
        "review_candidate": list(points.review_candidate),
        "notes": notes_document(points.notes),
    }


def payment_document(payment: PaymentResult) -> dict[str, Any]:
    """Return money; the standard is a reference and never a cap (ruling 24)."""
    return {
        "eligible": payment.eligible,
        "ineligible": payment.ineligible,
        "ineligible_name": INELIGIBLE_WORDS[payment.ineligible] if payment.ineligible else None,
        "point_value": number(payment.point_value),
        "standard": yuan(payment.standard),
        "normal_standard": yuan(payment.normal_standard),
        "fund": yuan(payment.fund),
        "balance": yuan(payment.balance),
        "notes": notes_document(payment.notes),
    }


def notes_document(notes: tuple[PointsNote, ...]) -> list[dict[str, str]]:
    """Return why something is not known."""
    return [{"reason": note.reason, "name": POINTS_REASON_WORDS[note.reason], "detail": note.detail} for note in notes]


def move_document(move: Move) -> dict[str, Any]:
    """Return another group that what is recorded already supports."""
    return {
        "kind": move.kind,
        "group": move.group,
        "name": move.name,
        "message": move.message,
        "way": move.way,
        "points_difference": number(move.points_difference),
        "evidence": list(move.evidence),
    }


def sign_document(kind: SignKind, sign: Sign) -> dict[str, Any]:
    """Return one sign that the coding may be wrong: a question, never a verdict."""
    return {
        "kind": kind,
        "code": sign.code,
        "message": sign.detail,
        "other_group": sign.other_group or None,
        "points_difference": number(sign.points_difference),
        "evidence": list(sign.evidence),
    }


def quality_document(finding: QualityFinding) -> dict[str, Any]:
    """Return one finding on a settlement list, or one check that could not be made."""
    return {
        "code": finding.code,
        "title": finding.title,
        "certainty": finding.certainty,
        "fields": [national_name(field) for field in finding.fields],
        "message": finding.message,
        "not_checked": list(finding.not_checked),
    }
