"""Builders of DIP nouns with fixed defaults: a test names only what it is about."""

from decimal import Decimal
from typing import Any

from rules.dip.model import Case, Group, Row, Scheme, Step

STEPS = (
    Step(step="principal"),
    Step(step="operations"),
    Step(step="layer", layers=("core",), prefer=("most_parts", "most_operations_used", "catalogue_order")),
    Step(step="comprehensive"),
    Step(step="last_resort"),
)


def a_case(principal: str = "K80.100", *operations: str, **changes: Any) -> Case:
    """Return a stay of seven days at ten thousand yuan in a tertiary hospital."""
    given: dict[str, Any] = {
        "principal": principal,
        "operations": operations,
        "sex": "male",
        "age_years": 50,
        "days": 7,
        "cost": 10_000_0000,
        "hospital_level": 3,
        "insurance": "310",
    }
    return Case(**(given | changes))


def a_group(code: str = "K80.1", **changes: Any) -> Group:
    """Return a core group of 1,000 points whose cases cost ten thousand yuan on average."""
    given: dict[str, Any] = {"code": code, "name": code, "score": Decimal(1000), "mean_cost": 10_000_0000}
    return Group(**(given | changes))


def a_row(group: str = "K80.1", diagnoses: str = "K80.1", main: str = "", related: str = "", **changes: Any) -> Row:
    """Return a catalogue row; expressions are written with ``|`` for any and ``+`` for all."""
    given: dict[str, Any] = {
        "group": group,
        "diagnoses": tuple(diagnoses.split("|")) if diagnoses else (),
        "main": expression(main),
        "related": expression(related),
    }
    return Row(**(given | changes))


def expression(text: str) -> tuple[tuple[str, ...], ...]:
    """Return an expression in conjunctive form."""
    return tuple(tuple(part.strip("()").split("|")) for part in text.split("+")) if text else ()


def a_scheme(*rows: Row, **changes: Any) -> Scheme:
    """Return a scheme of these rows in catalogue order, each of their groups an ordinary one unless given."""
    numbered = tuple(row if row.number else _numbered(row, number) for number, row in enumerate(rows))
    codes = dict.fromkeys(row.group for row in rows)
    given: dict[str, Any] = {
        "name": "test",
        "version": "1",
        "title": "测试方案",
        "digest": "d",
        "steps": STEPS,
        "rows": numbered,
        "groups": tuple(a_group(code) for code in codes),
    }
    return Scheme(**(given | changes))


def _numbered(row: Row, number: int) -> Row:
    return Row(**({name: getattr(row, name) for name in row.__struct_fields__} | {"number": number}))
