"""What a calling system and this record say of one day, side by side (对账): counts, messages, and what is missing.

In: a hospital, a ``Day`` and perhaps a caller. Out: rows. Calls count on the day they were received; the partitions of
verdicts follow the message's own time, which is believed up to 48 hours from that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from service.db.pool import Connection, Pool

RECONCILE_WITHIN: Final = 30.0
"""Seconds a reconciliation may take before it is a ``NO_DATABASE`` problem."""
SHOWN: Final = 1_000
"""Most messages listed that only this record has."""
_SPREAD: Final = timedelta(days=3)
_LATER: Final = timedelta(days=31)
"""How long after a day a message of it may have been checked at last."""


@dataclass(frozen=True, slots=True)
class Day:
    """A local day and the moments it begins and ends."""

    day: date
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """Calls of one caller in one dialect; ``what`` is a verdict's state, ``repeat``, ``recheck``, or a problem."""

    caller: str
    dialect: str
    part: str
    """``verdict``, ``repeat``, ``recheck`` or ``refusal``."""
    what: str
    calls: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message id and what it was answered with that day."""

    message_id: str
    first: datetime
    verdicts: list[UUID]
    repeats: int
    rechecked: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the messages that the other side says it sent."""

    known: int
    unknown: tuple[str, ...]
    """No answer is in the record: they were saved unchecked, or their answer was not recorded."""
    refused: dict[str, str]
    """Refused and never answered: message id to the problem's code."""
    waiting: tuple[str, ...]
    """On a list to be checked afterwards."""
    only_here: tuple[str, ...]
    """Answered that day and not named by the other side; at most ``SHOWN`` and one more."""


_WITHIN: Final = "day BETWEEN $2 AND $3 AND received >= $4 AND received < $5"
_BY: Final = " AND ($6::text IS NULL OR coalesce(caller, '') = $6)"
_COUNTS: Final = (
    "SELECT coalesce(caller, '') AS caller, dialect, CASE mode WHEN 'recheck' THEN mode ELSE 'verdict' END AS part,"
    f" state AS what, count(*) AS calls FROM verdict WHERE hospital = $1 AND {_WITHIN}{_BY} GROUP BY 1, 2, 3, 4",
    "SELECT coalesce(caller, '') AS caller, dialect, 'repeat' AS part, 'repeat' AS what, count(*) AS calls"
    f" FROM verdict_repeat WHERE hospital = $1 AND {_WITHIN}{_BY} GROUP BY 1, 2",
    "SELECT coalesce(caller, '') AS caller, dialect, 'refusal' AS part, problem AS what, count(*) AS calls"
    f" FROM refusal WHERE hospital = $1 AND {_WITHIN}{_BY} GROUP BY 1, 2, 4",
)
_MESSAGES: Final = f"""
WITH told AS (
  SELECT message_id, id, received, false AS repeat, mode = 'recheck' AS rechecked
  FROM verdict WHERE hospital = $1 AND {_WITHIN}{_BY}
  UNION ALL
  SELECT v.message_id, v.id, r.received, true, false
  FROM (SELECT * FROM verdict_repeat WHERE hospital = $1 AND {_WITHIN}{_BY}) r
  JOIN verdict v ON v.hospital = r.hospital AND v.day = r.day AND v.id = r.verdict_id
)
SELECT message_id, min(received) AS first, array_agg(DISTINCT id ORDER BY id) AS verdicts,
       count(*) FILTER (WHERE repeat) AS repeats, bool_or(rechecked) AS rechecked
FROM told WHERE message_id IS NOT NULL AND message_id > $7
GROUP BY message_id ORDER BY message_id LIMIT $8
"""
_KNOWN: Final = (
    "SELECT DISTINCT message_id FROM verdict WHERE hospital = $1 AND day BETWEEN $2 AND $3 AND message_id = ANY($4)"
)
_REFUSED: Final = (
    "SELECT DISTINCT ON (message_id) message_id, problem FROM refusal"
    " WHERE hospital = $1 AND day BETWEEN $2 AND $3 AND message_id = ANY($4) ORDER BY message_id, received DESC"
)
_WAITING: Final = (
    "SELECT DISTINCT message_id FROM recheck"
    " WHERE hospital = $1 AND day BETWEEN $2 AND $3 AND message_id = ANY($4) AND finished IS NULL"
)
_ONLY_HERE: Final = (
    f"SELECT DISTINCT message_id FROM verdict WHERE hospital = $1 AND {_WITHIN}{_BY}"
    " AND message_id IS NOT NULL AND mode <> 'recheck'"
    " AND NOT EXISTS (SELECT FROM unnest($7::text[]) AS named(id) WHERE named.id = message_id)"
    " ORDER BY message_id LIMIT $8"
)


async def counts(pool: Pool, hospital: str, day: Day, caller: str | None) -> tuple[Count, ...]:
    """Return the calls of a day by caller, dialect and what they were answered with.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer in time; so do the others.
    """
    rows: list[asyncpg.Record] = []
    async with pool.connection(RECONCILE_WITHIN) as connection:
        for query in _COUNTS:
            rows += await connection.fetch(query, *_bounds(hospital, day, caller))
    found = (Count(**row) for row in rows)
    return tuple(sorted(found, key=lambda count: (count.caller, count.dialect, count.part, count.what)))


async def messages(
    pool: Pool, hospital: str, day: Day, caller: str | None, *, after: str, limit: int
) -> tuple[Message, ...]:
    """Return the messages of a day by their id, those behind ``after``."""
    async with pool.connection(RECONCILE_WITHIN) as connection:
        rows = await connection.fetch(_MESSAGES, *_bounds(hospital, day, caller), after, limit)
    return tuple(Message(**row) for row in rows)


async def compare(pool: Pool, hospital: str, day: Day, caller: str | None, named: Sequence[str]) -> Comparison:
    """Return what the record knows of messages that were sent on a day, and what else it has of that day."""
    async with pool.connection(RECONCILE_WITHIN) as connection:
        around = (hospital, day.day - _SPREAD, day.day + _LATER)
        known = await _ids(connection, _KNOWN, *around, named)
        missing = [message for message in named if message not in known]
        refused = {row["message_id"]: row["problem"] for row in await connection.fetch(_REFUSED, *around, missing)}
        waiting = await _ids(connection, _WAITING, *around, missing)
        others = await connection.fetch(_ONLY_HERE, *_bounds(hospital, day, caller), named, SHOWN + 1)
    return Comparison(
        known=len(known),
        unknown=tuple(message for message in missing if message not in refused and message not in waiting),
        refused={message: refused[message] for message in missing if message in refused and message not in waiting},
        waiting=tuple(message for message in missing if message in waiting),
        only_here=tuple(row["message_id"] for row in others),
    )


async def _ids(connection: Connection, query: str, *arguments: object) -> set[str]:
    return {row["message_id"] for row in await connection.fetch(query, *arguments)}


def _bounds(hospital: str, day: Day, caller: str | None) -> tuple[object, ...]:
    return hospital, day.day - _SPREAD, day.day + _SPREAD, day.begin, day.end, caller
