"""Reads stored verdicts in bulk, to be judged again: one hospital at a time, behind a cursor, memory flat.

In: ``Filters``. Out: ``Row``s with their bytes opened. Everything is read in one snapshot, which must not be open for
days: a month that is retired meanwhile waits for it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import asyncpg

from service.db.patient_keys import AnyConnection
from service.db.verdicts import opened
from service.sealing import Sealer, Unreadable

Lost = Literal["erased", "damaged"]
"""Why a row has no bytes: its patient was erased, or it was altered (or is another key file's)."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which verdicts, by what was said then; ``None`` is all."""

    begin: date
    end: date
    """The last day, itself included."""
    department: str | None = None
    doctor: str | None = None
    rule: str | None = None
    """With a finding of this rule."""
    kind: str | None = None
    """With a finding of this kind of rule."""
    state: str | None = None
    dialect: str | None = None
    visit: str | None = None
    limit: int | None = None
    """The first so many, by day."""
    sample: int | None = None
    """So many, spread over all: the same ones every time."""
    share: tuple[int, int] = (0, 1)
    """(n, of): the nth part of them, so that several processes divide the work."""


@dataclass(frozen=True, slots=True)
class Row:
    """One stored verdict; ``input`` and ``verdict`` are the plain bytes."""

    id: str
    hospital: str
    day: date
    department: str | None
    doctor: str | None
    elapsed_us: int
    engine: str
    rulebook: str
    scheme: str | None
    input: bytes
    verdict: bytes
    lost: Lost | None = None


_CHOSEN: Final = (
    "v.hospital = $1 AND v.day BETWEEN $2 AND $3"
    " AND ($4::text IS NULL OR v.department = $4) AND ($5::text IS NULL OR v.doctor = $5)"
    " AND ($6::text IS NULL OR v.state = $6) AND ($7::text IS NULL OR v.dialect = $7)"
    " AND ($8::text IS NULL OR v.visit = $8)"
    " AND get_byte(uuid_send(v.id), 15) % $9 = $10"
)
_SAID: Final = (
    " AND EXISTS (SELECT FROM finding f WHERE f.hospital = v.hospital AND f.day = v.day AND f.verdict_id = v.id"
    " AND ($11::text IS NULL OR f.rule = $11) AND ($12::text IS NULL OR f.kind = $12))"
)
_UNASKED: Final = " AND $11::text IS NULL AND $12::text IS NULL"
"""Neither rule nor kind: no finding need be looked at."""
_COLUMNS: Final = (
    "v.id, v.hospital, v.day, v.department, v.doctor, v.elapsed_us, v.engine, v.rulebook, v.scheme, v.input, v.verdict,"
    " v.key, k.wrapped"
)
_KEYED: Final = "LEFT JOIN patient_key k ON k.hospital = v.hospital AND k.id = v.key"

# The ids' last bytes are as good as drawn by lot, so their order is a sample that is the same every time.
_BY_LOT: Final = "substring(uuid_send(v.id) FROM 9), v.id"


def _statement(filters: Filters) -> str:
    said = _SAID if filters.rule or filters.kind else _UNASKED
    if filters.sample is None:
        return (
            f"SELECT {_COLUMNS} FROM verdict v {_KEYED} WHERE {_CHOSEN}{said} ORDER BY v.hospital, v.day, v.id"
            " LIMIT $13::bigint"
        )
    drawn = f"SELECT v.hospital, v.day, v.id FROM verdict v WHERE {_CHOSEN}{said} ORDER BY {_BY_LOT} LIMIT $13::bigint"
    return (
        f"SELECT {_COLUMNS} FROM ({drawn}) drawn JOIN verdict v ON v.hospital = drawn.hospital"
        f" AND v.day = drawn.day AND v.id = drawn.id {_KEYED} ORDER BY v.hospital, v.day, v.id"
    )


def _values(hospital: str, filters: Filters) -> tuple[Any, ...]:
    part, parts = filters.share
    most = filters.sample if filters.sample is not None else filters.limit
    of_this = None if most is None else most // parts + (part < most % parts)
    return (
        hospital,
        filters.begin,
        filters.end,
        filters.department,
        filters.doctor,
        filters.state,
        filters.dialect,
        filters.visit,
        parts,
        part,
        filters.rule,
        filters.kind,
        of_this,
    )


Fetch = Callable[[int], Any]


@asynccontextmanager
async def stored_rows(
    connection: AnyConnection, sealer: Sealer, hospital: str, filters: Filters
) -> AsyncIterator["Cursor"]:
    """Lend a cursor over a hospital's verdicts, in the order of day and id, as they are at this moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # A cursor's plan is made for its first rows; these are all wanted.
        await connection.execute("SET LOCAL cursor_tuple_fraction = 1.0")
        found = await connection.cursor(_statement(filters), *_values(hospital, filters))
        yield Cursor(found, sealer)


class Cursor:
    """Rows, a few at a time."""

    def __init__(self, found: Any, sealer: Sealer) -> None:
        self._found = found
        self._sealer = sealer

    async def fetch(self, most: int) -> list[Row]:
        """Return the next rows; none at the end."""
        return [_row(self._sealer, row) for row in await self._found.fetch(most)]


_FIRST: Final = "SELECT min(hospital) FROM verdict WHERE hospital > $1 AND day BETWEEN $2 AND $3"


async def hospitals(connection: AnyConnection, begin: date, end: date) -> tuple[str, ...]:
    """Return the hospitals that have verdicts in a period: one look into the index for each."""
    found: list[str] = []
    while (following := await connection.fetchval(_FIRST, found[-1] if found else "", begin, end)) is not None:
        found.append(following)
    return tuple(found)


def _row(sealer: Sealer, row: asyncpg.Record) -> Row:
    identifier, lost = str(row["id"]), None
    given: bytes | None = b""
    verdict: bytes | None = b""
    try:
        given, verdict = (opened(sealer, row, "verdict", column, identifier) for column in ("input", "verdict"))
    except Unreadable:
        lost = "damaged"
    if given is None or verdict is None:
        lost = "erased"
    names = ("hospital", "day", "department", "doctor", "elapsed_us", "engine", "rulebook", "scheme")
    return Row(
        id=identifier,
        input=given or b"",
        verdict=verdict or b"",
        lost=lost,  # type: ignore[arg-type]
        **{name: row[name] for name in names},
    )
