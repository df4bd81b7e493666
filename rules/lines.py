"""Money of a line, wherever it is asked for."""

from rules.model import UNIT, Line


def amount_of(line: Line) -> int:
    """Return a line's amount in 1/10,000 yuan: as sent, else price times quantity, else nothing."""
    if line.amount is not None:
        return line.amount
    return line.price * line.quantity // UNIT if line.price and line.quantity else 0
