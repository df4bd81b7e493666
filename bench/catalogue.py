"""A generated DIP catalogue of national size: 11,553 core and 2,499 comprehensive rows over the real code tables.

The tables are read in place (``../shared/data/dip/icd-chs``); without them codes of the same shapes are made up, so
that the bench runs anywhere. Which codes go together is drawn from a fixed seed: sizes and shapes are those of a real
directory, its contents mean nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

from rules.dip.codes import Attribute
from rules.dip.model import (
    Case,
    Coefficient,
    Comprehensive,
    ComprehensiveRow,
    Deviation,
    Group,
    Normalisation,
    OperationEntry,
    PaymentRules,
    PointsRules,
    PointValue,
    Row,
    Scheme,
    Step,
)

TABLES: Final = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "dip" / "icd-chs"
CORE, COMPREHENSIVE, KEYS = 11_553, 2_499, 4_000
SEED: Final = 2026
ATTRIBUTES: Final[tuple[Attribute, ...]] = ("conservative", "diagnostic", "therapeutic", "surgery")
STEPS: Final = (
    Step(step="principal"),
    Step(step="operations"),
    Step(
        step="layer",
        layers=("core",),
        prefer=("most_parts", "most_operations_used", "nearest_mean_cost", "catalogue_order"),
    ),
    Step(step="comprehensive"),
    Step(step="last_resort"),
)


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes to draw from."""

    diagnoses: tuple[str, ...]
    operations: tuple[str, ...]
    real: bool


def codes() -> Codes:
    """Return the codes of the real tables, else made-up ones of the same shapes and numbers."""
    if TABLES.is_dir():
        diagnoses = tuple(code for code in _column("ZD_INFO.dat") if code[0] not in "VWXY" and "+" not in code)
        return Codes(diagnoses, tuple(_column("SS_INFO.dat")), real=True)
    letters = "ABCDEFGHIJKLMNOPQRSTZ"
    return Codes(
        tuple(f"{letter}{number // 10:02}.{number % 10}00" for letter in letters for number in range(1000)),
        tuple(f"{number // 100:02}.{number % 100:02}{more}" for number in range(10_000) for more in ("00", "01")),
        real=False,
    )


def _column(name: str) -> Iterator[str]:
    with (TABLES / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield line.split(" ", 1)[0].strip()


def scheme(known: Codes) -> Scheme:
    """Return the generated scheme, priced so that points and money are computed for every case."""
    rng = Random(SEED)
    keys = rng.sample(sorted({code[:5] for code in known.diagnoses}), KEYS)
    rows = tuple(_row(number, keys[number % KEYS], known, rng) for number in range(CORE))
    pooled = tuple(_pooled(sorted({code[:3] for code in known.diagnoses})))[:COMPREHENSIVE]
    groups = [_group(row.group, rng) for row in rows] + [_group(row.group, rng, "comprehensive") for row in pooled]
    return Scheme(
        name="bench",
        version="1",
        title="generated catalogue",
        digest="bench",
        steps=STEPS,
        rows=rows,
        groups=tuple(groups),
        normalisation=Normalisation(categories=("A00-U99", "Z00-Z99")),
        operations=tuple(OperationEntry(code=code, attribute=rng.choice(ATTRIBUTES[1:])) for code in known.operations),
        comprehensive=Comprehensive(rows=pooled),
        points=PointsRules(
            coefficients=tuple(Coefficient(coefficient=Decimal(level) / 10 + 1, level=level) for level in (1, 2, 3)),
            deviation=Deviation(formula="proportional"),
        ),
        payment=PaymentRules(values=(PointValue(value=Decimal("10.5")),)),
    )


def _row(number: int, key: str, known: Codes, rng: Random) -> Row:
    """Return one row: each key has a conservative row first, then rows of one, two and three operations."""
    picks = rng.sample(known.operations, 4)
    depth = number // KEYS
    main = () if depth == 0 else (tuple(picks[: rng.choice((1, 1, 2, 3))]),)
    related = ((picks[3],),) if depth == 2 else ()
    return Row(group=f"G{number}", number=number, diagnoses=(key,), main=main, related=related)


def _pooled(categories: list[str]) -> Iterator[ComprehensiveRow]:
    for category in categories:
        for attribute in ATTRIBUTES:
            yield ComprehensiveRow(group=f"{category}-{attribute}", key=category, attribute=attribute)


def _group(code: str, rng: Random, kind: str = "core") -> Group:
    score = Decimal(rng.randrange(2_000, 400_000)) / 100
    return Group(
        code=code,
        name=code,
        kind="comprehensive" if kind != "core" else "core",
        score=score,
        mean_cost=int(score * 10_0000),
    )


def cases(made: Scheme, known: Codes, count: int) -> list[Case]:
    """Return cases: most fit a core row, with other operations and diagnoses beside it; some fit none."""
    rng = Random(SEED + 1)
    found = []
    for number in range(count):
        row = rng.choice(made.rows)
        principal = (
            next(code for code in known.diagnoses if code.startswith(row.diagnoses[0])) if number % 2 == 0 else ""
        )
        principal = principal or rng.choice(known.diagnoses)
        operations = [rng.choice(part) for part in (*row.main, *row.related)]
        operations += rng.sample(known.operations, rng.choice((0, 0, 1, 3)))
        found.append(
            Case(
                id=str(number),
                principal=principal,
                others=tuple(rng.sample(known.diagnoses, rng.randrange(9))),
                operations=tuple(operations),
                sex=rng.choice(("male", "female")),
                age_years=rng.randrange(1, 95),
                days=rng.randrange(1, 30),
                cost=rng.randrange(1_000, 200_000) * 10_000,
                hospital_level=rng.choice((1, 2, 3)),
                insurance="310",
            )
        )
    return found
