"""Line arithmetic (结算明细信息异常): price by quantity against the amount, and the sum of lines against the total.

One pass over the lines being saved. A fact that is not there leaves nothing to compare, so its absence is silent by
design. Prices are shown rounded, to a fen or to 1/10,000 yuan: what that rounding may come to over the quantity is
allowed for. An amount below the product is what a discount looks like (折价, 减免). What refunds put right is right.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.kinds._contract import Quantity, Row, RuleKind, shared
from rules.kinds._edits import with_first_line, with_visit
from rules.kinds._prices import FEN, at_its_price
from rules.kinds._text import called, number
from rules.kinds._view import View
from rules.lines import amount_of
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule

Code = Literal["AMOUNT_ABOVE_PRICE", "AMOUNT_BELOW_PRICE", "NEGATIVE_MONEY", "LINE_INCOMPLETE"]
PIECES: Final = "T"
MOST_DOSES: Final = 60
"""More doses than anybody is given at once."""
FIRST: Final[tuple[Code, ...]] = ("AMOUNT_ABOVE_PRICE", "AMOUNT_BELOW_PRICE", "NEGATIVE_MONEY", "LINE_INCOMPLETE")

CAPS: Final[dict[Code, Level]] = {"AMOUNT_BELOW_PRICE": "info", "NEGATIVE_MONEY": "warn"}
"""A discount is seldom a fault, and a refund with the sign on its money must not be stopped."""


class ArithmeticRow(Row):
    """One line of ``line_arithmetic.csv``."""

    tolerance: Quantity = Field(ge=0, description="yuan by which an amount may differ beyond rounding of the price")
    discounts: bool = Field(default=True, description="amounts below price by quantity pass as discounts")
    complete: bool = Field(default=False, description="a line with a price lacks neither quantity nor amount")
    check_total: bool = Field(default=False, description="the visit's lines must sum up to visit.total_amount")


class LineArithmetic(Rule, frozen=True, kw_only=True):
    """Run form: the tolerance in 1/10,000 yuan, and what is looked at."""

    tolerance: int
    discounts: bool
    complete: bool
    check_total: bool


class Faults(msgspec.Struct, frozen=True):
    """Lines with one and the same kind of fault, as the message counts them."""

    code: Code
    lines: tuple[Line, ...]


class Total(msgspec.Struct, frozen=True):
    """The sum of the visit's lines, and the total that was sent, in 1/10,000 yuan."""

    lines: int
    sent: int


def compile_row(row: ArithmeticRow) -> LineArithmetic:
    """Return the run form."""
    return LineArithmetic(
        **shared(row),
        tolerance=row.tolerance,
        discounts=row.discounts,
        complete=row.complete,
        check_total=row.check_total,
    )


def read(rule: LineArithmetic, lines: tuple[Line, ...], view: View) -> Iterator[Faults | Total | Missing]:
    """Yield the lines at fault, one case for each kind of fault, and the totals where the row asks for them."""
    found: dict[Code, list[Line]] = {}
    refunded: set[str] | None = None
    for line in lines:
        code = _fault(rule, line)
        if code is None:
            continue
        if refunded is None:
            refunded = {other.item for other in view.lines if (other.quantity or 0) < 0}
        if line.item not in refunded or not _put_right(rule, line, view):
            found.setdefault(code, []).append(line)
    for code in FIRST:
        if code in found:
            yield Faults(code, view.in_order(found[code]))
    if rule.check_total:
        yield _total(rule, view)


def _fault(rule: LineArithmetic, line: Line) -> Code | None:
    """Return what is wrong with a line, if anything."""
    price, quantity, amount = line.price, line.quantity, line.amount
    if (price is not None and price < 0) or (amount is not None and amount < 0):
        return "NEGATIVE_MONEY"
    if price is None or quantity is None or amount is None:
        halved = price is not None and (quantity is None) != (amount is None)
        return "LINE_INCOMPLETE" if rule.complete and halved else None
    if amount * UNIT == price * quantity:  # nearly every line
        return None
    if _agrees(rule, price, quantity, amount) or _of_one_dose(rule, line, price, quantity, amount):
        return None
    if amount * UNIT > price * quantity:
        return "AMOUNT_ABOVE_PRICE"
    return None if rule.discounts else "AMOUNT_BELOW_PRICE"


def _agrees(rule: LineArithmetic, price: int, quantity: int, amount: int, times: int = 1) -> bool:
    """Say whether an amount is price by quantity, so many times, as far as rounding lets one see."""
    slack = (rule.tolerance * UNIT + _rounding(price) * quantity) * times
    return abs(amount * UNIT - price * quantity * times) <= slack


def _of_one_dose(rule: LineArithmetic, line: Line, price: int, quantity: int, amount: int) -> bool:
    """Say whether the amount is that of all doses of a decoction (付数), whose quantity may be that of one.

    National messages do not carry the number of doses: of decoction pieces any whole number will do.
    """
    if line.doses:
        return _agrees(rule, price, quantity, amount, line.doses)
    if not line.item.startswith(PIECES) or price * quantity <= 0:
        return False
    doses = (amount * UNIT + price * quantity // 2) // (price * quantity)
    return 1 < doses <= MOST_DOSES and _agrees(rule, price, quantity, amount, doses)


def _put_right(rule: LineArithmetic, line: Line, view: View) -> bool:
    """Say whether refunds took the fault back: with them, the money of the item at this price is right."""
    same = at_its_price(line, view)
    quantity, amount = sum(other.quantity or 0 for other in same), sum(_signed(other) for other in same)
    return line.price is not None and _agrees(rule, line.price, quantity, amount)


def _rounding(price: int) -> int:
    """Return how far a price may be from the true one: half a fen when it is shown in fen."""
    return FEN // 2 if price % FEN == 0 else 1


def _total(rule: LineArithmetic, view: View) -> Total | Missing:
    """Return both totals, or what keeps them from being compared."""
    visit = view.encounter.visit
    if visit.total_amount is None:
        return Missing(fields=("visit.total_amount",))
    known = _all_known(view)
    # A record that was asked for some items only is no part of a sum over all.
    own = [line for line in view.lines if line.visit is None and (known or line.position >= 0)]
    if any(line.amount is None and (line.price is None or line.quantity is None) for line in own):
        return Missing(fields=("line.amount",))
    whole = sum(_signed(line) for line in own)
    saved = whole - sum(_signed(line) for line in own if line.current)
    case = Total(whole, visit.total_amount)
    if abs(saved - case.sent) <= rule.tolerance:
        return Total(saved, case.sent)  # the total is that of before this order
    if case.lines >= case.sent - rule.tolerance or known:
        return case
    return view.history_missing()


def _signed(line: Line) -> int:
    """Return a line's money; a reversal takes it back whatever the sign it was sent with."""
    back = line.quantity is not None and line.quantity < 0
    return -abs(amount_of(line)) if back else amount_of(line)


def _all_known(view: View) -> bool:
    """Say whether every line of this visit is known."""
    admitted = view.encounter.visit.admitted
    return admitted is not None and view.covered_since(admitted.date())


def check(rule: LineArithmetic, case: Faults | Total) -> Draft | None:
    """Fire for the lines at fault, or for totals that differ."""
    return _total_draft(rule, case) if isinstance(case, Total) else _line_draft(rule, case)


def _line_draft(rule: LineArithmetic, case: Faults) -> Draft:
    first, lines = case.lines[0], sorted(case.lines, key=lambda line: line.position)
    limit, present, allowed, fix = _words(case.code, first)
    more = f",另有 {len(case.lines) - 1} 行同样异常" if len(case.lines) > 1 else ""
    return Draft(
        code=case.code,
        message=f"【{rule.name}】{called(first, '明细')}:{present}{more};{fix}。",
        lines=tuple(line.position for line in lines),
        amounts=tuple(_above(line) for line in lines),
        limit=limit,
        present=present,
        allowed=allowed,
        facts=(
            ("line.price", _shown(first.price)),
            ("line.quantity", _shown(first.quantity)),
            ("line.amount", _shown(first.amount)),
        ),
        cap=CAPS.get(case.code, "block"),
    )


def _words(code: Code, line: Line) -> tuple[str, str, str, str]:
    """Return what is expected, what is there, what is allowed, and what to do."""
    if code == "NEGATIVE_MONEY":
        present = f"单价 {_shown(line.price)} 元,金额 {_shown(line.amount)} 元"
        return "单价、金额不为负", present, "不小于 0 元", "冲销请用负数量"
    if code == "LINE_INCOMPLETE":
        lacking = "数量" if line.quantity is None else "金额"
        return "单价、数量、金额齐全", f"有单价,缺{lacking}", f"有{lacking}", f"请补全{lacking}"
    product = (line.price or 0) * (line.quantity or 0) // UNIT
    sums = f"单价 {_shown(line.price)} 元 × 数量 {_shown(line.quantity)} = {number(product)} 元"
    amount = line.amount or 0
    side = f"{'多' if amount > product else '少'} {number(abs(amount - product))} 元"
    present = f"{sums},金额 {number(amount)} 元,{side}"
    return "单价 × 数量 = 金额", present, f"{number(product)} 元", "请核对单价、数量与金额"


def _shown(value: int | None) -> str:
    return "无" if value is None else number(value)


def _above(line: Line) -> int:
    """Return the money charged above price by quantity."""
    if line.amount is None or line.price is None or line.quantity is None:
        return 0
    return max(0, line.amount - line.price * line.quantity // UNIT)


def _total_draft(rule: LineArithmetic, case: Total) -> Draft | None:
    apart = abs(case.lines - case.sent)
    if apart <= rule.tolerance:
        return None
    present = f"本次就诊明细合计 {number(case.lines)} 元,总费用 {number(case.sent)} 元,相差 {number(apart)} 元"
    return Draft(
        code="TOTAL_MISMATCH",
        message=f"【{rule.name}】{present};请核对明细与总费用。",
        lines=(),
        limit="明细合计 = 总费用",
        present=present,
        allowed=f"{number(case.sent)} 元",
        facts=(("lines", number(case.lines)), ("visit.total_amount", number(case.sent))),
        cap="warn",
    )


def _charged(rule: LineArithmetic, encounter: Encounter, more: int) -> Encounter:
    """Return the encounter with a first line of one unit at ten yuan, charged as far above that as passes, and more."""
    price = 10 * UNIT
    amount = price + rule.tolerance + _rounding(price) + more
    changed = with_first_line(encounter, price=price, quantity=UNIT, amount=amount)
    total = sum(amount_of(line) for line in changed.lines if line.visit is None)
    return with_visit(changed, total_amount=total) if rule.check_total else changed


def witness(rule: LineArithmetic, encounter: Encounter) -> Encounter:
    """One fen more than rounding explains."""
    return _charged(rule, encounter, FEN)


def near_miss(rule: LineArithmetic, encounter: Encounter) -> Encounter:
    """As much as rounding explains."""
    return _charged(rule, encounter, 0)


KIND: RuleKind[ArithmeticRow, LineArithmetic, Faults | Total] = RuleKind(
    name="line_arithmetic",
    title="结算明细信息异常",
    codes=(
        ("AMOUNT_ABOVE_PRICE", "金额多于单价乘数量"),
        ("AMOUNT_BELOW_PRICE", "金额少于单价乘数量"),
        ("NEGATIVE_MONEY", "单价或金额为负"),
        ("LINE_INCOMPLETE", "明细缺项"),
        ("TOTAL_MISMATCH", "合计与总费用不符"),
    ),
    row=ArithmeticRow,
    rule=LineArithmetic,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
