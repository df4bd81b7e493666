"""The plain table: what was measured, the figure, and the goal beside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from unicodedata import east_asian_width


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. ``met`` is whether the goal is reached; ``None`` where there is no goal."""

    what: str
    figure: str
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together, and what to know to read them."""

    title: str
    rows: tuple[Row, ...]
    note: str = ""


def at_most(what: str, value: float, goal: float, *, unit: str = "", digits: int = 2, later: str = "") -> Row:
    """Return a row whose figure must not exceed a goal."""
    text = f"<= {goal:g}{unit}" + (f" ({later})" if later else "")
    return Row(what, f"{value:.{digits}f}{unit}", text, value <= goal)


def render(section: Section) -> str:
    """Return a section as text, columns aligned."""
    return "\n".join(["", section.title, *_lines(section.rows), *([f"  {section.note}"] if section.note else [])])


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    rows = tuple(rows)
    what = max((_width(row.what) for row in rows), default=0)
    figure = max((_width(row.figure) for row in rows), default=0)
    for row in rows:
        verdict = {None: "", True: "met", False: "NOT MET"}[row.met]
        text = f"  {_pad(row.what, what)}  {' ' * (figure - _width(row.figure))}{row.figure}   {row.goal}  {verdict}"
        yield text.rstrip()


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
