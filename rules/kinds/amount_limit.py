"""Amount limit (限定总额): at most so much money for some items over a window, all of them counted together.

Money known from before uses the limit up first; the part above it is what is at stake. The window ``unit`` looks at the
price of one: single consumables above a thousand yuan, expensive drugs.
"""

from collections.abc import Iterator
from datetime import date

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Look, Quantity, Row, RuleKind, shared
from rules.kinds._edits import with_first_line
from rules.kinds._prices import UnitPrice, refunded, unit_price
from rules.kinds._reading import or_self_pay
from rules.kinds._text import called, number
from rules.kinds._view import Charge, View
from rules.kinds._windows import Tally, WindowRule, excess, in_words, merged, tally, window_of
from rules.model import UNIT, Draft, Encounter, Line, Missing

EACH = "unit"


class AmountRow(Row):
    """One line of ``amount_limit.csv``."""

    max_amount: Quantity = Field(gt=0, description="most money, in yuan")
    window: str = Field(
        pattern=r"^(line|unit|prescription|day|month|year|visit)$",
        description="line, unit (the price of one), prescription, day, month, year or visit",
    )


class AmountLimit(WindowRule, frozen=True, kw_only=True):
    """Run form: most money in 1/10,000 yuan over the window, or with ``each`` for one unit of a line."""

    max_amount: int
    each: bool


class Priced(msgspec.Struct, frozen=True):
    """One line and the price of one unit of it, which is above the limit."""

    line: Line
    price: UnitPrice


def compile_row(row: AmountRow) -> AmountLimit:
    """Return the run form."""
    each = row.window == EACH
    window = window_of("line" if each else row.window)
    return AmountLimit(**shared(row), max_amount=row.max_amount, window=window, each=each)


def read(rule: AmountLimit, lines: tuple[Line, ...], view: View) -> Iterator[Tally | Priced | Missing]:
    """Yield what the windows hold, or each line whose price is above, and what could not be counted."""
    if not rule.each:
        yield from tally(rule, lines, view, _measured, limit=rule.max_amount)
        return
    gaps: list[Missing] = []
    for line in lines:
        price = unit_price(line)
        if price is None:
            gaps.append(Missing(fields=("line.price",), lines=(line.position,)))
        elif price.least > rule.max_amount and not refunded(line, view):
            yield Priced(line, price)
    yield from merged(gaps)


def _measured(charge: Charge) -> int | Missing:
    """Return the money still charged."""
    line = charge.line
    unknown = line.amount is None and (line.price is None or line.quantity is None)
    return Missing(fields=("line.amount",)) if unknown else charge.amount


def check(rule: AmountLimit, case: Tally | Priced) -> Draft | None:
    """Fire for the money above the limit."""
    return _price_draft(rule, case) if isinstance(case, Priced) else _sum_draft(rule, case)


def _price_draft(rule: AmountLimit, case: Priced) -> Draft:
    line, price = case.line, case.price
    over = price.shown - rule.max_amount
    limit = f"单价限 {number(rule.max_amount)} 元"
    present = f"单价 {number(price.shown)} 元"
    name = called(line, rule.name)
    item = "" if name == rule.name else name
    return Draft(
        code="UNIT_AMOUNT_EXCEEDED",
        message=f"【{rule.name}】{item}{present},{limit},超出 {number(over)} 元;请核对是否确需使用。",
        lines=(line.position,),
        amounts=(over * (UNIT if line.quantity is None else line.quantity) // UNIT,),
        limit=limit,
        present=present,
        allowed=f"{number(rule.max_amount)} 元",
        facts=(("line.price", number(price.shown)), ("over", number(over))),
    )


def _sum_draft(rule: AmountLimit, case: Tally) -> Draft | None:
    found = excess(case, rule.max_amount)
    if found is None:
        return None
    worst = found.worst
    room = number(max(0, rule.max_amount - worst.before))
    over = number(worst.total - rule.max_amount)
    present = in_words(found, "元", "已计")
    more = f",另有 {found.others} 处同样超出" if found.others else ""
    limit = f"{rule.window}限 {number(rule.max_amount)} 元"
    return Draft(
        code="AMOUNT_EXCEEDED",
        message=f"【{rule.name}】{limit}:{present},超出 {over} 元{more};本次最多可计 {room} 元{or_self_pay(rule)}。",
        lines=found.lines,
        involved=found.involved,
        amounts=found.amounts,
        limit=limit,
        present=present,
        allowed=f"{room} 元",
        facts=(("past", number(worst.before)), ("now", number(worst.now)), ("over", over), ("allowed", room)),
    )


def _charged(rule: AmountLimit, encounter: Encounter, amount: int) -> Encounter:
    changed = with_first_line(
        encounter, quantity=UNIT, price=amount, amount=amount, prescription="RX1", long_term=False, stop=None
    )
    return replace(changed, history_since=date(1900, 1, 1))


def witness(rule: AmountLimit, encounter: Encounter) -> Encounter:
    """One yuan more than the limit."""
    return _charged(rule, encounter, rule.max_amount + UNIT)


def near_miss(rule: AmountLimit, encounter: Encounter) -> Encounter:
    """Exactly the limit."""
    return _charged(rule, encounter, rule.max_amount)


def looks(rule: AmountLimit) -> tuple[Look, ...]:
    """The past that the window needs."""
    return rule.window.looks(rule.items)


KIND: RuleKind[AmountRow, AmountLimit, Tally | Priced] = RuleKind(
    name="amount_limit",
    title="限定总额",
    codes=(("AMOUNT_EXCEEDED", "超限定总额"), ("UNIT_AMOUNT_EXCEEDED", "单项超额")),
    row=AmountRow,
    rule=AmountLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "charging"),
    looks=looks,
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
