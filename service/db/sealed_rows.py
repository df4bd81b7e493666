"""Seals what a batch's rows hold of patients, with the patients' own keys, within the transaction that writes them.

In: plain rows by table. Out: the same rows, ``input`` and ``verdict`` sealed and ``key`` set. Keys are taken for a
whole batch at once (``service.db.patient_keys``).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from service.db.batches import Poisoned
from service.db.patient_keys import PatientKey, Person, keys_for
from service.db.rows import COLUMNS, Row
from service.sealing import Sealer, Unreadable, bound_to

SEALED: Final[dict[str, tuple[str, ...]]] = {"verdict": ("input", "verdict"), "recheck": ("input",)}
"""Columns that are sealed, by table; each has ``hospital``, ``id``, ``patient`` and ``key`` beside them."""
_ROWS_A_TURN: Final = 8
"""Rows sealed before other tasks of the event loop get their turn: about a millisecond."""
_AT: Final = {
    table: {name: COLUMNS[table].index(name) for name in ("hospital", "id", "patient", "key", *names)}
    for table, names in SEALED.items()
}


class RowSealer:
    """Seals batches. A batch that is written anew keeps what was sealed, as long as the keys are the same."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def keys(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        tables: Mapping[str, Sequence[Row]],
        others: Iterable[Person],
    ) -> dict[Person, PatientKey]:
        """Take the keys of the people in these rows, and of others of whom the transaction writes something.

        All at once, before anything else is written: so nobody waits in a circle, and an erasure waits for all of it.
        Raises ``Poisoned`` when one patient's key does not open, ``Unreadable`` when the service's key opens none.
        """
        people = {
            (row[_AT[table]["hospital"]], row[_AT[table]["patient"]])
            for table in SEALED
            for row in tables.get(table, ())
        }
        people.update(others)
        return await self._keys(connection, people) if people else {}

    async def seal(
        self,
        tables: Mapping[str, list[Row]],
        keys: Mapping[Person, PatientKey],
        done: dict[tuple[str, int], tuple[UUID, Row]],
    ) -> dict[str, list[Row]]:
        """Return the rows by table, sealed. ``done`` holds what earlier attempts at this batch sealed."""
        sealed = dict(tables)
        for table in SEALED:
            if rows := tables.get(table):
                sealed[table] = await self._table(table, rows, keys, done)
        return sealed

    async def _keys(
        self, connection: "asyncpg.Connection[asyncpg.Record]", people: set[Person]
    ) -> dict[Person, PatientKey]:
        try:
            return await keys_for(connection, self._sealer, people)
        except Unreadable:
            if await self._opens_others(connection, {hospital for hospital, _ in people}):
                raise Poisoned("Unreadable") from None
            # Another key file than the one the keys were made with: to be put right, and no record's fault.
            raise

    async def _opens_others(self, connection: "asyncpg.Connection[asyncpg.Record]", hospitals: set[str]) -> bool:
        """Say whether the service's key opens most of some keys that are there."""
        opened = refused = 0
        for hospital in sorted(hospitals):
            rows = await connection.fetch("SELECT wrapped FROM patient_key WHERE hospital = $1 LIMIT 20", hospital)
            for row in rows:
                try:
                    self._sealer.unwrap(row["wrapped"])
                    opened += 1
                except Unreadable:
                    refused += 1
        return opened >= refused

    async def _table(
        self,
        table: str,
        rows: Sequence[Row],
        keys: Mapping[Person, PatientKey],
        done: dict[tuple[str, int], tuple[UUID, Row]],
    ) -> list[Row]:
        at = _AT[table]
        sealed: list[Row] = []
        for number, row in enumerate(rows):
            key = keys[row[at["hospital"]], row[at["patient"]]]
            before = done.get((table, number))
            if before is None or before[0] != key.id:
                before = done[table, number] = key.id, self._row(table, row, key)
                if number % _ROWS_A_TURN == _ROWS_A_TURN - 1:
                    await asyncio.sleep(0)
            sealed.append(before[1])
        return sealed

    def _row(self, table: str, row: Row, key: PatientKey) -> Row:
        at = _AT[table]
        values = list(row)
        values[at["key"]] = key.id
        for column in SEALED[table]:
            bound = bound_to(table, column, row[at["hospital"]], str(row[at["id"]]))
            values[at[column]] = self._sealer.seal(key.key, row[at[column]], bound)
        return tuple(values)
