"""What one unit of a line costs, as sent or worked out, and whether refunds took a charge back."""

import msgspec

from rules.kinds._view import View
from rules.model import UNIT, Line

FEN = UNIT // 100
"""The smallest coin, to which amounts are rounded."""


class UnitPrice(msgspec.Struct, frozen=True):
    """A price in 1/10,000 yuan as people read it, and the least it can be, seeing that amounts are rounded."""

    shown: int
    least: int


def unit_price(line: Line) -> UnitPrice | None:
    """Return what one unit of a line costs; ``None`` when neither its price nor amount and quantity are there."""
    if line.price is not None:
        return UnitPrice(line.price, line.price)
    if line.amount is None or not line.quantity:
        return None
    return UnitPrice(line.amount * UNIT // line.quantity, (line.amount - FEN // 2) * UNIT // line.quantity)


def at_its_price(line: Line, view: View) -> list[Line]:
    """Return the lines of a visit that charge or refund an item at a line's own price, this line among them.

    A refund repeats the price of what it takes back: that tells a wrong charge from the corrected one beside it.
    """
    price = unit_price(line)
    return [
        other
        for other in view.lines_of((line.item,))
        if other.visit == line.visit
        and ((found := unit_price(other)) is None or price is None or found.shown == price.shown)
    ]


def refunded(line: Line, view: View) -> bool:
    """Say whether refunds took a charge back whole, so that nothing of it is left to put right."""
    quantities = [other.quantity or 0 for other in at_its_price(line, view)]
    return min(quantities) < 0 and sum(quantities) <= 0
