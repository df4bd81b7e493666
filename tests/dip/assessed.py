"""Assessed cases written down as they stand: what a settlement, a score or a strategy is handed."""

from datetime import date
from decimal import Decimal
from typing import Any

from rules.dip.directory import Directory
from rules.dip.model import (
    Assessed,
    Case,
    Factor,
    Group,
    Grouping,
    PaymentResult,
    PaymentRules,
    PointsResult,
    PointValue,
    Typing,
)
from tests.dip.builders import a_case, a_group, a_row, a_scheme

Pair = tuple[Case, Assessed]

VALUES = (PointValue(value=Decimal(10)), PointValue(value=Decimal(9), use="settlement"))
"""A budget of ten yuan a point and a settlement of nine."""


def a_directory(**changes: Any) -> Directory:
    """Return an indexed scheme of one group whose points are worth ten yuan now and nine at the year's end."""
    return Directory.build(a_scheme(a_row(), **({"payment": PaymentRules(values=VALUES)} | changes)))


def paid(points: int | str | None = 1000, **changes: Any) -> Pair:
    """Return a case of a core group with so many points, paid by DIP; the fund bore 7,000 of its 10,000 yuan."""
    given: dict[str, Any] = {
        "deductible": 1_000_0000,
        "copayment": 1_500_0000,
        "out_of_catalogue": 500_0000,
        "other_payers": 0,
        "fund_paid": 7_000_0000,
        "discharged": date(2026, 3, 8),
    }
    for_case = {name: value for name, value in changes.items() if name in Case.__struct_fields__}
    return a_case(**(given | for_case)), an_assessed(points, **{k: v for k, v in changes.items() if k not in for_case})


def an_assessed(
    points: int | str | None = 1000,
    *,
    status: Any = "core",
    group: Group | None = None,
    factors: tuple[tuple[str, str], ...] = (("score", "1000"), ("hospital_coefficient", "1")),
    eligible: bool | None = True,
    typings: tuple[Typing, ...] = (),
    principal: str = "",
    payment: dict[str, Any] | None = None,
    **result: Any,
) -> Assessed:
    """Return what a scheme says of a case."""
    known = None if status == "ungrouped" else group or a_group()
    return Assessed(
        grouping=Grouping(status=status, group=known.code if known else "", principal=principal),
        group=known,
        typings=typings,
        points=PointsResult(
            points=None if points is None else Decimal(points),
            factors=tuple(Factor(name=name, value=Decimal(value), source="") for name, value in factors),
            **result,
        ),
        payment=PaymentResult(eligible=eligible, **(payment or {})),
    )
