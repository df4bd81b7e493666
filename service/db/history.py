"""Reads what the record holds of one patient: saved lines, visits, and from which day on it is complete.

One statement, so that a check waits for one round trip. ``saved_line`` is found by (hospital, patient, day), which
also picks the months to look in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.db.pool import Connection

MOST_ROWS: Final = 5_000
"""Lines, and visits, that one look may bring: as many as the largest message. Of more, none is read."""

_ROWS: Final = MOST_ROWS + 1
PAST: Final = f"""
(SELECT status AS what, line AS content, NULL::date AS since FROM saved_line
 WHERE hospital = $1 AND patient = $2 AND day >= $3
 AND (item = ANY ($4) OR item LIKE ANY ($5) OR (day >= $6 AND (item = ANY ($7) OR item LIKE ANY ($8))))
 ORDER BY received, line_key LIMIT {_ROWS})
UNION ALL
(SELECT 'visit', past_visit, NULL FROM saved_visit
 WHERE $9 AND hospital = $1 AND patient = $2 AND visit <> '' ORDER BY visit LIMIT {_ROWS})
UNION ALL
(SELECT 'since', NULL, since FROM history_coverage WHERE hospital = $1 ORDER BY id DESC LIMIT 1)
"""
"""Items asked for far back ($3 to $5) and not so far back ($6 to $8), visits if asked for ($9), coverage."""


PLANNED_ONCE: Final = {"plan_cache_mode": "force_generic_plan"}
"""Settings of the pool that looks are made with: to plan for every month there is takes several times as long as to
look, and which months matter is found out as well when the plan runs."""


class TooMany(Exception):
    """There are more rows than one look may bring."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Items to look for, back to a day: exact codes, and the first characters of families."""

    since: date
    codes: Sequence[str] = ()
    families: Sequence[str] = ()

    @property
    def likes(self) -> list[str]:
        """The families as SQL patterns."""
        return [_escaped(family) + "%" for family in self.families]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is: lines in the order they were told, and visits, as canonical bytes (``rules.model``)."""

    lines: list[tuple[bool, bytes]]
    """Whether a line stands as saved, and not as cancelled."""
    visits: list[bytes]
    since: date | None
    """The hospital vouches that its record is complete from this day on."""


async def past(
    connection: Connection, hospital: str, patient: str, *, far: Wanted, near: Wanted, visits: bool
) -> Found:
    """Return what is recorded of a patient.

    ``far`` reaches back at least as far as ``near``. Raises ``TooMany``.
    """
    rows = await connection.fetch(
        PAST,
        hospital,
        patient,
        far.since,
        far.codes,
        far.likes,
        near.since,
        near.codes,
        near.likes,
        visits,
    )
    lines = [(row["what"] == "saved", row["content"]) for row in rows if row["what"] in {"saved", "cancelled"}]
    others = [row["content"] for row in rows if row["what"] == "visit"]
    if max(len(lines), len(others)) > MOST_ROWS:
        raise TooMany
    return Found(lines, others, next((row["since"] for row in rows if row["what"] == "since"), None))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
