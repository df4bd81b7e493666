"""Writes the hash chain: links for the rows a batch really wrote, heads, and checkpoints, in the batch's transaction.

In: rows by table. Out: rows of ``evidence``, ``chain_head`` and ``checkpoint``; the heads stay in memory from one
batch to the next. A head somebody else moved makes the batch fail, and the next attempt reads it again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final

import asyncpg

from service.db.copying import ROWS_A_TURN, copy
from service.db.rows import COLUMNS, Row
from service.db.tables import month_of
from service.evidence.anchors import Anchor
from service.evidence.chain import (
    HASHED,
    IDENTITIES,
    LASTING,
    Head,
    Link,
    Subject,
    digest_of,
    extend,
    genesis,
    identity_of,
    vouched,
)

CHAINED: Final = tuple(LASTING)
CHECKPOINT_EVERY: Final = 60.0
"""Seconds between a chain's checkpoints."""

Mac = Callable[[bytes], bytes]

_HEAD: Final = 'SELECT sequence, link, "day" FROM chain_head WHERE hospital = $1 AND worker = $2 FOR UPDATE'
_ENDS: Final = (
    # Of every hospital that a worker wrote for, and so the one statement here that names none.
    'SELECT hospital, sequence, link, "day" FROM chain_head WHERE worker = $1 ORDER BY hospital'
)
_BEGIN: Final = (
    'INSERT INTO chain_head (hospital, worker, sequence, link, "day")'
    " SELECT head.hospital, $1, head.sequence, head.link, head.day"
    " FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::date[]) AS head(hospital, sequence, link, day)"
)
_MOVE: Final = (
    'UPDATE chain_head SET sequence = head.sequence, link = head.link, "day" = head.day, updated = now()'
    " FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::date[], $6::bigint[])"
    " AS head(hospital, sequence, link, day, before)"
    " WHERE chain_head.hospital = head.hospital AND chain_head.worker = $1 AND chain_head.sequence = head.before"
)
_CHECKPOINT: Final = (
    'INSERT INTO checkpoint (hospital, worker, sequence, link, "day", mac)'
    " SELECT point.hospital, $1, point.sequence, point.link, point.day, point.mac"
    " FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::date[], $6::bytea[])"
    " AS point(hospital, sequence, link, day, mac) ON CONFLICT DO NOTHING"
)


class HeadMoved(Exception):
    """A chain's head is not where this process left it: somebody else went on with the chain."""


@dataclass(slots=True)
class _Standing:
    """What this process knows of one chain: its head, which link a checkpoint vouches for, and since when."""

    head: Head
    vouched: int = -1
    vouched_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Growth:
    """What a transaction adds to chains: to be taken over once it is committed."""

    worker: str
    standings: Mapping[str, _Standing]
    anchors: Sequence[Anchor]


class ChainWriter:
    """The chains one recorder writes: its own worker's, and those of the workers it adopted."""

    def __init__(
        self,
        mac: Mac | None,
        *,
        today: Callable[[], date],
        every: float = CHECKPOINT_EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``today`` is the local day; without ``mac`` there are no checkpoints; ``every`` in seconds."""
        self._mac = mac
        self._today = today
        self._every = every
        self._monotonic = monotonic
        self._standings: dict[str, dict[str, _Standing]] = {}

    def forget(self) -> None:
        """Read all heads again: what was written is no longer known."""
        self._standings.clear()

    @property
    def month(self) -> date:
        """The month the next links fall into, unless a chain is ahead of it already."""
        return month_of(self._today())

    async def grow(
        self, connection: "asyncpg.Connection[asyncpg.Record]", worker: str, rows: Mapping[str, Sequence[Row]]
    ) -> Growth:
        """Add links for rows that were really written. Raises ``HeadMoved``."""
        subjects = await _by_hospital(rows)
        before = await self._heads(connection, worker, subjects)
        grown: dict[str, _Standing] = {}
        links: list[Row] = []
        points: list[tuple[str, Head]] = []
        for hospital, found in subjects.items():
            standing = before[hospital]
            added = extend(standing.head, found, self._today())
            links += [_row(hospital, worker, link) for link in added]
            await asyncio.sleep(0)
            last = Head(added[-1].sequence, added[-1].link, added[-1].day)
            grown[hospital] = _Standing(last, standing.vouched, standing.vouched_at)
            if month_of(last.day) != month_of(standing.head.day) and 0 < standing.head.sequence > standing.vouched:
                points.append((hospital, standing.head))
            if self._is_due(grown[hospital]):
                points.append((hospital, last))
        await copy(connection, "evidence", links)
        await _move(connection, worker, before, grown)
        anchors = await self._vouch(connection, worker, points)
        self._note(grown, anchors)
        return Growth(worker, grown, anchors)

    def committed(self, growth: Growth) -> None:
        """Take over what has been committed."""
        self._standings.setdefault(growth.worker, {}).update(growth.standings)

    def due(self) -> list[str]:
        """Return the workers of which some chain has links that no checkpoint vouches for and it is time."""
        return [
            worker
            for worker, standings in self._standings.items()
            if any(
                standing.head.sequence > standing.vouched and self._is_due(standing) for standing in standings.values()
            )
        ]

    async def vouch_due(self, connection: "asyncpg.Connection[asyncpg.Record]", worker: str) -> Growth:
        """Make the checkpoints of a worker's chains whose time has come."""
        standings = {
            hospital: _Standing(standing.head, standing.vouched, standing.vouched_at)
            for hospital, standing in self._standings.get(worker, {}).items()
            if standing.head.sequence > standing.vouched and self._is_due(standing)
        }
        anchors = await self._vouch(connection, worker, [(name, found.head) for name, found in standings.items()])
        self._note(standings, anchors)
        return Growth(worker, standings, anchors)

    async def finish(self, connection: "asyncpg.Connection[asyncpg.Record]", worker: str) -> Growth:
        """Vouch for where all chains of a worker end, as the database has them: nobody goes on with them."""
        rows = await connection.fetch(_ENDS, worker)
        heads = [(row["hospital"], Head(row["sequence"], row["link"], row["day"])) for row in rows]
        return Growth(worker, {}, await self._vouch(connection, worker, heads))

    def ended(self, worker: str) -> None:
        """Let go of a worker's chains."""
        self._standings.pop(worker, None)

    def _is_due(self, standing: _Standing) -> bool:
        return self._monotonic() - standing.vouched_at >= self._every

    def _note(self, standings: Mapping[str, _Standing], anchors: Iterable[Anchor]) -> None:
        for anchor in anchors:
            standing = standings[anchor.hospital]
            standing.vouched = max(standing.vouched, anchor.sequence)
            if anchor.sequence == standing.head.sequence:
                standing.vouched_at = self._monotonic()

    async def _heads(
        self, connection: "asyncpg.Connection[asyncpg.Record]", worker: str, hospitals: Iterable[str]
    ) -> dict[str, _Standing]:
        known = self._standings.get(worker, {})
        found: dict[str, _Standing] = {}
        for hospital in hospitals:
            if hospital not in known:
                row = await connection.fetchrow(_HEAD, hospital, worker)
                head = genesis(hospital, worker, self._today())
                found[hospital] = _Standing(Head(row["sequence"], row["link"], row["day"]) if row else head)
        return known | found

    async def _vouch(
        self, connection: "asyncpg.Connection[asyncpg.Record]", worker: str, heads: list[tuple[str, Head]]
    ) -> list[Anchor]:
        mac = self._mac
        if mac is None or not heads:
            return []
        macs = [mac(vouched(hospital, worker, head)) for hospital, head in heads]
        await connection.execute(
            _CHECKPOINT,
            worker,
            [hospital for hospital, _ in heads],
            [head.sequence for _, head in heads],
            [head.link for _, head in heads],
            [head.day for _, head in heads],
            macs,
        )
        return [
            Anchor(hospital, worker, head.sequence, head.link.hex(), head.day, made.hex())
            for (hospital, head), made in zip(heads, macs, strict=True)
        ]


async def _move(
    connection: "asyncpg.Connection[asyncpg.Record]",
    worker: str,
    before: Mapping[str, _Standing],
    grown: Mapping[str, _Standing],
) -> None:
    """Move the heads on. Raises ``HeadMoved`` when one is not where it was."""
    new = [hospital for hospital in grown if before[hospital].head.sequence == 0]
    old = [hospital for hospital in grown if before[hospital].head.sequence > 0]
    if new:
        await connection.execute(_BEGIN, worker, *_columns(new, grown))
    if old:
        moved = await connection.execute(
            _MOVE, worker, *_columns(old, grown), [before[hospital].head.sequence for hospital in old]
        )
        if int(moved.rpartition(" ")[2]) != len(old):
            raise HeadMoved("a chain's head is not where it was left")


def _columns(hospitals: Sequence[str], standings: Mapping[str, _Standing]) -> tuple[list[Any], ...]:
    heads = [standings[hospital].head for hospital in hospitals]
    return (
        list(hospitals),
        [head.sequence for head in heads],
        [head.link for head in heads],
        [head.day for head in heads],
    )


def _row(hospital: str, worker: str, link: Link) -> Row:
    subject = link.subject
    return hospital, link.day, worker, link.sequence, subject.table, subject.id, subject.day, subject.digest, link.link


_LASTING_OF: Final = {
    table: itemgetter(*(COLUMNS[table].index(name) for name in names)) for table, names in LASTING.items()
}
_IDENTITY_AT: Final = {table: [COLUMNS[table].index(name) for name in names] for table, names in IDENTITIES.items()}
_HASHED_AT: Final = {table: [at for at, name in enumerate(names) if name in HASHED] for table, names in LASTING.items()}


def subject_of(table: str, row: Row) -> Subject:
    """Return what the chain holds of a row as it was written."""
    values = list(_LASTING_OF[table](row))
    for at in _HASHED_AT[table]:
        values[at] = sha256(values[at]).digest()
    identity = identity_of(row[at] for at in _IDENTITY_AT[table])
    return Subject(table, identity, row[1], digest_of(table, values))


async def _by_hospital(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Subject]]:
    """Return the chain's subjects by hospital, giving other tasks their turn."""
    found: dict[str, list[Subject]] = {}
    for table in CHAINED:
        for count, row in enumerate(rows.get(table, ()), 1):
            found.setdefault(row[0], []).append(subject_of(table, row))
            if count % ROWS_A_TURN == 0:
                await asyncio.sleep(0)
    return found
