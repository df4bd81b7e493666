"""Calls answered with a verdict that was given before: one verdict, and a row in ``verdict_repeat`` for each retry.

In: rows of a batch. Out: the rows without those of verdicts that are filed under another day already, and the rows of
the retries. An id says what was asked and answered, so a retry past midnight, or with a clock that was put right in
between, is the same verdict; its key in the table has the day in it and would not tell.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from service.db.rows import COLUMNS, KEYS, Row, repeat_row

SPREAD: Final = timedelta(days=3)
"""How far apart a verdict and its retry are found to be one: further would be a look into every month there is."""

_VERDICT: Final = COLUMNS["verdict"]
_AT: Final = {name: _VERDICT.index(name) for name in ("id", "received", "message_id", "patient")}
_BESIDE: Final = ("finding", "not_checked")
"""Tables whose rows are made of a verdict's, under its day."""
_Key: TypeAlias = tuple[str, date, UUID]

_GIVEN: Final = (
    "SELECT asked.hospital, asked.day, asked.id, given.received"
    " FROM unnest($1::text[], $2::date[], $3::uuid[]) AS asked(hospital, day, id)"
    " CROSS JOIN LATERAL (SELECT received FROM verdict WHERE verdict.hospital = asked.hospital"
    " AND verdict.day = asked.day AND verdict.id = asked.id LIMIT 1) AS given"
)
# Of an erased verdict nothing can be read any more, and nobody is its patient: what comes then is kept by itself.
_ELSEWHERE: Final = (
    "SELECT asked.day AS asked, asked.id, given.day"
    " FROM unnest($2::date[], $3::uuid[], $4::text[]) AS asked(day, id, patient)"
    " CROSS JOIN LATERAL (SELECT day FROM verdict WHERE verdict.hospital = $1 AND verdict.id = asked.id"
    " AND verdict.day BETWEEN $5 AND $6 AND abs(verdict.day - asked.day) BETWEEN 1 AND $7"
    " AND verdict.patient = asked.patient ORDER BY received LIMIT 1) AS given"
)


async def refiled(
    connection: "asyncpg.Connection[asyncpg.Record]", tables: Mapping[str, list[Row]]
) -> tuple[dict[str, list[Row]], list[Row]]:
    """Return the rows by table without verdicts filed under another day, and rows of ``verdict_repeat`` for those."""
    rows = tables.get("verdict", [])
    moved = _within(rows) | await _elsewhere(connection, rows)
    if not moved:
        return dict(tables), []
    left = dict(tables)
    for table in ("verdict", *_BESIDE):
        if table in left:
            left[table] = [row for row in left[table] if row[: KEYS["verdict"]] not in moved]
    retries = [repeat_row((row[0], moved[key], *row[2:])) for row in rows if (key := row[: KEYS["verdict"]]) in moved]
    return {table: found for table, found in left.items() if found}, retries


def _within(rows: Sequence[Row]) -> dict[Row, date]:
    """Return the rows whose verdict this batch files under another day itself, and that day."""
    first: dict[tuple[str, UUID], date] = {}
    moved: dict[Row, date] = {}
    for row in rows:
        if row[_AT["message_id"]] is not None:
            day = first.setdefault((row[0], row[_AT["id"]]), row[1])
            if day != row[1] and abs(day - row[1]) <= SPREAD:
                moved[row[: KEYS["verdict"]]] = day
    return moved


async def _elsewhere(connection: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Row]) -> dict[Row, date]:
    """Return the rows whose verdict is in the database under another day, and that day."""
    by_hospital: dict[str, list[Row]] = {}
    for row in rows:
        # Without a message id every call has an id of its own.
        if row[_AT["message_id"]] is not None:
            by_hospital.setdefault(row[0], []).append(row)
    moved: dict[Row, date] = {}
    for hospital, asked in by_hospital.items():
        days = [row[1] for row in asked]
        columns = (days, [row[_AT["id"]] for row in asked], [row[_AT["patient"]] for row in asked])
        span = (min(days) - SPREAD, max(days) + SPREAD, SPREAD.days)
        for found in await connection.fetch(_ELSEWHERE, hospital, *columns, *span):
            moved[hospital, found["asked"], found["id"]] = found["day"]
    return moved


async def of_the_same_day(
    connection: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Row], written: Sequence[Row]
) -> list[Row]:
    """Return the rows of retries among verdicts of which only some were ``written``: at another time than it was."""
    length = KEYS["verdict"]
    given = {row[:length]: row[_AT["received"]] for row in written}
    others = {row[:length] for row in rows} - given.keys()
    if others:
        columns = list(zip(*sorted(others), strict=True))
        found = await connection.fetch(_GIVEN, *(list(column) for column in columns))
        given |= {(row["hospital"], row["day"], row["id"]): row["received"] for row in found}
    received = _AT["received"]
    return [repeat_row(row) for row in rows if given.get(row[:length], row[received]) != row[received]]
