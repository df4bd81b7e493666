"""Which dated row of a scheme's table holds for a case: the one that names most of what is known of it.

In: rows in order of how much they name, the case's facts, the discharge day. Out: the row, or why none can be told.
A fact that is absent decides nothing: where a row that names it could hold and says otherwise, nothing is chosen.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Generic, NamedTuple, Protocol, TypeVar

DISCHARGE_DAY = "出院日期"


class Dated(Protocol):
    """A row with a period in which it holds."""

    @property
    def valid_from(self) -> date | None:
        """First day; ``None`` for always."""

    @property
    def valid_to(self) -> date | None:
        """Last day; ``None`` for ever."""


RowT = TypeVar("RowT", bound=Dated)
Rank = tuple[int, ...]
"""How much a row names: larger is more."""
Ranked = tuple[Rank, RowT]
Fits = Callable[[RowT], str | None]
"""``""``: the row holds; words: it holds only if the facts so named say so; ``None``: it does not hold."""


class Choice(NamedTuple, Generic[RowT]):
    """The row that holds."""

    row: RowT | None = None
    rank: Rank = ()
    missing: str = ""
    """The facts without which no row can be told, in words; then there is no row."""
    rivals: bool = False
    """Another row names as much, came into force on the same day and says something else; the first was taken."""


def ranked(rows: Iterable[RowT], names: Callable[[RowT], tuple[object, ...]]) -> tuple[Ranked[RowT], ...]:
    """Return rows, those that name most first, then those in force latest, then as listed.

    ``names`` tells a row's conditions, the weightiest first; of two rows that name equally many, the one that names a
    weightier one comes first.
    """

    def key(row: RowT) -> Rank:
        named = tuple(int(name not in ("", None, ())) for name in names(row))
        return (sum(named), *named)

    return tuple(sorted(((key(row), row) for row in rows), key=lambda pair: (pair[0], _since(pair[1])), reverse=True))


def _since(row: Dated) -> int:
    return row.valid_from.toordinal() if row.valid_from else 0


def _dated(row: Dated) -> bool:
    return row.valid_from is not None or row.valid_to is not None


def _covers(row: Dated, other: Dated) -> bool:
    """Return whether a row holds on every day on which another does."""
    since = row.valid_from is None or (other.valid_from is not None and row.valid_from <= other.valid_from)
    return since and (row.valid_to is None or (other.valid_to is not None and other.valid_to <= row.valid_to))


def in_force(row: Dated, day: date) -> bool:
    """Return whether a row holds on a day."""
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day <= row.valid_to)


def choose(
    rows: Iterable[Ranked[RowT]], fits: Fits[RowT], says: Callable[[RowT], Decimal], day: date | None
) -> Choice[RowT]:
    """Return the first row that holds on a day; without a day, what all periods agree on.

    Of rows that name as much, the one that came into force last holds. A dated row that may be out of force without a
    day holds only if what would hold instead says the same.
    """
    best: Choice[RowT] = Choice()
    perhaps: list[tuple[RowT, str]] = []
    settled = False
    for rank, row in rows:
        if settled and rank < best.rank:
            break
        missing = fits(row) if day is None or in_force(row, day) else None
        if missing is None or (best.row is not None and rank < best.rank and _covers(best.row, row)):
            continue
        if missing:
            perhaps.append((row, missing))
            continue
        settled = settled or day is not None or not _dated(row)
        if best.row is None:
            best = Choice(row, rank)
        elif says(row) != says(best.row):
            if day is None and (_dated(row) or _dated(best.row)):
                return Choice(missing=DISCHARGE_DAY)
            best = best._replace(rivals=best.rivals or _since(row) == _since(best.row))
    for row, missing in perhaps:
        if best.row is None or says(row) != says(best.row):
            return Choice(missing=missing)
    return best
