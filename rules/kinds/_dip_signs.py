"""Signs that the coding of a stay may be wrong (编码疑点), as the DIP kinds on coding speak of them.

A sign is a question to verify against the chart, never an instruction to code. Codes are final at the end of a stay:
before it they concern those who code, and doctors only where the row lets them hear of it.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.dip.result import DipResult, DipSign
from rules.kinds._contract import Quantity
from rules.kinds._dip import (
    DipRow,
    DipRule,
    decimal_words,
    dip_shared,
    group_words,
    heard,
    paid_by_dip,
    payer_unknown,
    ungrouped,
)
from rules.kinds._record import settling
from rules.kinds._view import View
from rules.model import UNIT, Draft, Missing

VERIFY: Final = "请核对病历与编码"
ALLOWED: Final = "与病历一致的编码"
LARGEST_SHARE: Final = UNIT * 9 // 10
SAID_OTHERWISE: Final = frozenset(("excluded_principal",))
"""Signs of what ``dip_principal`` says by the reason why a stay cannot be grouped."""


class SignRow(DipRow):
    """Columns of the tables on coding."""

    min_points_difference: Quantity = Field(
        default=0,
        ge=0,
        le=LARGEST_SHARE,
        description="leaves out signs whose other group differs by less, as a share of the points: 0.1",
    )


class SignRule(DipRule, frozen=True, kw_only=True):
    """Run form: how far apart the points must be, as a share of the present group's."""

    min_points_difference: Decimal


class Suspicion(msgspec.Struct, frozen=True):
    """One sign about a grouped stay, and the share by which the points would differ, where both are known."""

    group: str
    sign: DipSign
    apart: Decimal | None
    cap: Level


def sign_shared(row: SignRow) -> dict[str, Any]:
    """Return the run form's fields of a table on coding. Raises ``ValueError`` as ``dip_shared`` does."""
    return dip_shared(row) | {"min_points_difference": Decimal(row.min_points_difference) / UNIT}


def coding(rule: DipRule, view: View) -> DipResult | None:
    """Return what DIP says of the stay, where codes are asked about at all: now, or of this viewer."""
    return paid_by_dip(view) if settling(view) or heard(rule, view) != "silent" else None


def suspicions(
    sort: str, rule: DipRule, view: View, *, without: frozenset[str] = frozenset()
) -> Iterator[Suspicion | Missing]:
    """Yield the signs of one sort but those of some codes, or what keeps signs from being looked for."""
    result = coding(rule, view)
    if result is None or view.dip is None:
        return
    lacking = ungrouped(result.after, view) if result.after.status == "ungrouped" else None
    if lacking is not None:
        yield lacking
        return
    signs = [sign for sign in view.dip.signs if sign.kind == sort and sign.code not in without | SAID_OTHERWISE]
    unknown = payer_unknown(result, view) if signs else None
    if unknown is not None:
        yield unknown
        return
    group, cap = group_words(result, result.after), heard(rule, view)
    for sign in signs:
        yield Suspicion(group, sign, _apart(sign.points_difference, result.after.standard_points), cap)


def _apart(difference: Decimal | None, points: Decimal | None) -> Decimal | None:
    return abs(difference) / points if difference is not None and points else None


def too_near(rule: SignRule, case: Suspicion) -> bool:
    """Say whether another group is worth too nearly the same, or nobody knows what; a sign without one never is."""
    if not case.sign.other_group or not rule.min_points_difference:
        return False
    return case.apart is None or case.apart < rule.min_points_difference


def sign_draft(rule: DipRule, case: Suspicion, codes: Mapping[str, str], default: str, limit: str) -> Draft:
    """Say what the sign is, under the finding code that belongs to it."""
    sign = case.sign
    said = sign.message.rstrip("。")
    ask = "" if "请核对" in said else f";{VERIFY}"
    facts = {
        "group": case.group,
        "sign": sign.code,
        "other_group": sign.other_group,
        "points_difference": "" if sign.points_difference is None else decimal_words(sign.points_difference, 4),
        "evidence": "、".join(sign.evidence),
    }
    return Draft(
        code=codes.get(sign.code, default),
        message=f"【{rule.name}】{case.group}:{said}{ask}。",
        lines=(),
        limit=limit,
        present=said,
        allowed=ALLOWED,
        facts=tuple((name, value) for name, value in facts.items() if value),
        cap=case.cap,
    )
