"""How numbers, days and lines read in a Chinese message: short, exact, and the same in every kind."""

from datetime import date

from rules.model import UNIT, Line


def number(value: int) -> str:
    """Return a quantity or money without trailing zeros: 25000 reads ``2.5``."""
    whole, rest = divmod(abs(value), UNIT)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}" if not rest else f"{sign}{whole}.{rest:04d}".rstrip("0")


def day(value: date) -> str:
    """Return a day as ``2026-03-18``."""
    return value.isoformat()


def called(line: Line, name: str) -> str:
    """Return a line's own name, else the rule's."""
    return line.name or name
