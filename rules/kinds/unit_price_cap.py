"""Unit price cap (超限定单价): one unit of an item charged above the price that is set for hospitals of this level.

Prices are dated by the row. A price that is not sent is worked out from amount and quantity. Where the hospital's level
is unknown, what every level allows is silent and what none allows fires; only what lies between is *not checked*.
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._contract import Quantity, Row, RuleKind, shared
from rules.kinds._doses import based
from rules.kinds._edits import with_facility, with_first_line
from rules.kinds._prices import UnitPrice, refunded, unit_price
from rules.kinds._text import number
from rules.kinds._view import View
from rules.kinds._windows import merged
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule
from rules.words import normal

LEVELS = {1: "一级", 2: "二级", 3: "三级"}


class PriceRow(Row):
    """One line of ``unit_price_cap.csv``. A price for all, or for some levels of hospital; the level's own wins."""

    max_price: Quantity | None = Field(default=None, gt=0, description="highest price of one unit, in yuan")
    max_price_1: Quantity | None = Field(default=None, gt=0, description="the same in hospitals of level 1")
    max_price_2: Quantity | None = Field(default=None, gt=0, description="the same in hospitals of level 2")
    max_price_3: Quantity | None = Field(default=None, gt=0, description="the same in hospitals of level 3")
    unit: str = Field(default="", description="计价单位 the price is for; empty means any")


class UnitPriceCap(Rule, frozen=True, kw_only=True):
    """Run form: the highest price in 1/10,000 yuan by hospital level; no entry means no cap there."""

    caps: tuple[tuple[int, int], ...]
    unit: str = ""


class Case(msgspec.Struct, frozen=True):
    """One line's price, and the cap it is above."""

    line: Line
    price: UnitPrice
    cap: int
    level: int | None
    """``None`` where the level is unknown and no level allows the price."""


def compile_row(row: PriceRow) -> UnitPriceCap:
    """Return the run form. Raises ``ValueError`` for a row without a price."""
    own = {1: row.max_price_1, 2: row.max_price_2, 3: row.max_price_3}
    caps = {level: row.max_price if price is None else price for level, price in own.items()}
    set_caps = tuple((level, cap) for level, cap in caps.items() if cap is not None)
    if not set_caps:
        raise ValueError("set max_price, or the price of at least one hospital level")
    return UnitPriceCap(**shared(row), caps=set_caps, unit=row.unit)


def read(rule: UnitPriceCap, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case per line above its cap; level and unit need be known only for a price that they decide about."""
    caps, level = dict(rule.caps), view.encounter.facility.level
    if level is not None and level not in caps:
        return
    possible = sorted(caps.values()) if level is None else [caps[level]]
    gaps: list[Missing] = []
    for line in lines:
        price = unit_price(line)
        if price is None:
            gaps.append(Missing(fields=("line.price",), lines=(line.position,)))
        elif price.least > possible[0] and not refunded(line, view):
            found = _case(rule, line, price, possible, view)
            if isinstance(found, Missing):
                gaps.append(found)
            else:
                yield found
    yield from merged(gaps)


def _case(rule: UnitPriceCap, line: Line, price: UnitPrice, possible: list[int], view: View) -> Case | Missing:
    """Return the case of a line above the lowest cap that may hold, or what keeps it from being judged."""
    if rule.unit and not _same(rule.unit, line.unit, view):
        return view.unread(line.unit, "line.unit", line)
    level = view.encounter.facility.level
    capped = level is not None or len(rule.caps) == len(LEVELS)
    if capped and price.least > possible[-1]:
        return Case(line, price, possible[-1], level)
    return Missing(fields=("facility.level",), lines=(line.position,))


def _same(unit: str, text: str | None, view: View) -> bool:
    """Say whether a price is for the rule's unit, under this or another word (床日 is 日)."""
    return text is not None and (normal(text) == normal(unit) or based(UNIT, text, view) == based(UNIT, unit, view))


def check(rule: UnitPriceCap, case: Case) -> Draft:
    """Fire for the part above the cap."""
    line, unit = case.line, rule.unit or case.line.unit or ""
    over = case.price.shown - case.cap
    where = f"{LEVELS[case.level]}医疗机构" if case.level in LEVELS else "各级医疗机构"
    limit = f"{where}最高单价 {number(case.cap)} 元{'/' if unit else ''}{unit}"
    present = f"本次单价 {number(case.price.shown)} 元"
    return Draft(
        code="PRICE_ABOVE_CAP",
        message=f"【{rule.name}】{limit},{present},每单位超出 {number(over)} 元;请按规定价格收费。",
        lines=(line.position,),
        amounts=(over * (UNIT if line.quantity is None else line.quantity) // UNIT,),
        limit=limit,
        present=present,
        allowed=f"{number(case.cap)} 元",
        facts=(("line.price", number(case.price.shown)), ("max_price", number(case.cap))),
    )


def _priced(rule: UnitPriceCap, encounter: Encounter, more: int) -> Encounter:
    level, cap = rule.caps[-1]
    unit = rule.unit or encounter.lines[0].unit
    placed = with_facility(encounter, level=level)
    return with_first_line(placed, price=cap + more, quantity=UNIT, amount=cap + more, unit=unit)


def witness(rule: UnitPriceCap, encounter: Encounter) -> Encounter:
    """One fen above the cap."""
    return _priced(rule, encounter, UNIT // 100)


def near_miss(rule: UnitPriceCap, encounter: Encounter) -> Encounter:
    """Exactly the cap."""
    return _priced(rule, encounter, 0)


KIND = RuleKind(
    name="unit_price_cap",
    title="超限定单价",
    codes=(("PRICE_ABOVE_CAP", "超限定单价"),),
    row=PriceRow,
    rule=UnitPriceCap,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
