"""Proof that a period of the record is whole and unaltered, or the name of the first break.

In: a connection in one transaction, the service's key, the anchors. Out: a ``Report`` of counts and breaks. A chain is
walked link by link, each row it is about is hashed again, and rows that no chain knows are looked for; the memory it
takes does not grow with what there is.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from service.db import evidence as stored
from service.db.evidence import EVER, Span
from service.db.patient_keys import AnyConnection
from service.db.tables import month_of
from service.evidence.anchors import Anchor, Chain
from service.evidence.chain import LASTING, Head, Subject, digest_of, entry_of, genesis, link_of, vouched
from service.evidence.contents import Contents
from service.sealing import Sealer

_LISTED: Final = 20
_SIDE_BY_SIDE: Final = timedelta(days=1)
"""How long after the first link a version without a chain may have gone on writing beside one that has it."""
_UNVOUCHED: Final = timedelta(days=1)
"""Over how many days links may lie that no checkpoint vouches for: a service makes one a minute."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something that is not as it was written: where it stands, and what is wrong with it."""

    hospital: str
    table: str
    id: str
    what: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.table} {self.id} (hospital {self.hospital}): {self.what}"


@dataclass(slots=True)
class Report:
    """What was verified."""

    links: int = 0
    chains: int = 0
    checkpoints: int = 0
    anchors: int = 0
    subjects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LASTING, 0))
    retired: int = 0
    """Rows, or links, of months that retention dropped."""
    before: int = 0
    """Rows from before there was a chain."""
    unvouched: int = 0
    """Links behind the last checkpoint of their chain."""
    opened: int = 0
    erased: int = 0
    broken: int = 0
    breaks: list[Break] = field(default_factory=list)
    """The first ones."""

    @property
    def whole(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken

    def add(self, found: Break) -> None:
        """Take note of a break."""
        self.broken += 1
        if len(self.breaks) < _LISTED:
            self.breaks.append(found)


@dataclass(slots=True)
class _Walk:
    """Where the walk along one chain is."""

    head: Head
    vouched: int
    unvouched_since: date | None = None
    unvouched: int = 0
    broken: bool = False


async def verify(
    connection: AnyConnection,
    sealer: Sealer,
    *,
    first: date = EVER[0],
    last: date = EVER[1],
    hospital: str | None = None,
    anchors: Mapping[Chain, Anchor] | None = None,
    contents: Contents | None = None,
) -> Report:
    """Verify the links of a span of days of one hospital or all, and the rows they are about.

    Call it in a repeatable-read transaction, with ``anchors`` read before that began. ``contents`` also opens what is
    sealed.
    """
    report = Report()
    retired = await stored.retired(connection)
    known = anchors or {}
    named = {found for found, _ in known} if last == EVER[1] else set()
    every = [hospital] if hospital else sorted({*await stored.hospitals(connection, first, last), *named})
    for name in every:
        span = Span(name, first, last)
        own = {worker: anchor for (of, worker), anchor in known.items() if of == name}
        await _Verifier(connection, sealer, span, report, retired=retired, contents=contents).run(own)
    return report


class _Verifier:
    """Verifies one hospital."""

    def __init__(
        self,
        connection: AnyConnection,
        sealer: Sealer,
        span: Span,
        report: Report,
        *,
        retired: set[tuple[str, date]],
        contents: Contents | None,
    ) -> None:
        self._connection = connection
        self._sealer = sealer
        self._span = span
        self._report = report
        self._retired = retired
        self._contents = contents
        self._walks: dict[UUID, _Walk] = {}

    async def run(self, anchors: Mapping[str, Anchor]) -> None:
        """Walk the chains, then compare heads, checkpoints, anchors and what no chain knows."""
        async for rows in stored.links(self._connection, self._span):
            sound = [row for row in rows if await self._walk(row)]
            await self._compare(sound)
        await self._ends()
        async for rows in stored.checkpoints_without_link(self._connection, self._span):
            for row in rows:
                self._checkpoint_without_link(row)
        if self._span.whole:
            for anchor in anchors.values():
                await self._anchor(anchor)
        begun = await stored.begun(self._connection, self._span.hospital)
        for table in LASTING:
            async for rows in stored.unlinked(self._connection, self._span, table):
                for row in rows:
                    self._unlinked(table, row, begun)

    def _break(self, table: str, identifier: object, what: str) -> None:
        self._report.add(Break(self._span.hospital, table, str(identifier), what))

    # --- the chain ---

    async def _walk(self, row: asyncpg.Record) -> bool:
        """Take one step; say whether the link is sound."""
        worker, sequence = row["worker"], row["sequence"]
        walk = self._walks.get(worker)
        if walk is None:
            walk = self._walks[worker] = await self._begin(row)
            self._report.chains += 1
        if walk.broken:
            return False
        place = f"{worker}/{sequence}"
        self._report.links += 1
        if sequence != walk.head.sequence + 1:
            return self._broken(walk, place, f"it should be link {walk.head.sequence + 1} of its chain")
        if row["day"] < walk.head.day:
            return self._broken(walk, place, "it was written before the link before it")
        subject = Subject(row["subject"], row["subject_id"], row["subject_day"], row["digest"])
        if subject.table not in LASTING:
            return self._broken(walk, place, "it is about a table that no chain is about")
        link = link_of(walk.head.link, entry_of(sequence, subject, row["day"]))
        if link != row["link"]:
            return self._broken(walk, place, "the link does not follow from the one before it and from what it says")
        walk.head = Head(sequence, link, row["day"])
        self._vouch(walk, row, worker)
        return True

    def _broken(self, walk: _Walk, place: str, what: str) -> bool:
        """Note a break; what lies behind it in the chain cannot be judged."""
        walk.broken = True
        self._break("evidence", place, what)
        return False

    async def _begin(self, row: asyncpg.Record) -> _Walk:
        """Return where the walk along a chain begins: at its genesis, at a checkpoint, or before the span."""
        hospital, worker, before = self._span.hospital, row["worker"], row["sequence"] - 1
        origin = genesis(hospital, str(worker), EVER[0])
        if before == 0:
            return _Walk(origin, 0)
        point = await stored.checkpoint_at(self._connection, hospital, worker, before)
        if point is not None and self._is_genuine(worker, Head(before, point["link"], point["day"]), point["mac"]):
            return _Walk(Head(before, point["link"], point["day"]), before)
        found = await stored.link_at(self._connection, hospital, worker, before)
        if found is not None and found["day"] < self._span.first:
            # Any later checkpoint vouches for it, too.
            return _Walk(Head(before, found["link"], found["day"]), 0)
        walk = _Walk(origin, 0)
        self._broken(
            walk, f"{worker}/{row['sequence']}", "the links before it are gone, and no checkpoint vouches for them"
        )
        return walk

    def _vouch(self, walk: _Walk, row: asyncpg.Record, worker: UUID) -> None:
        """Compare the checkpoint at a link, if there is one."""
        head = walk.head
        if row["mac"] is None:
            walk.unvouched += 1
            walk.unvouched_since = walk.unvouched_since or head.day
            return
        self._report.checkpoints += 1
        if row["vouched_link"] != head.link or row["vouched_day"] != head.day:
            self._break("checkpoint", f"{worker}/{head.sequence}", "it vouches for another link than the one there")
        elif not self._is_genuine(worker, head, row["mac"]):
            self._break("checkpoint", f"{worker}/{head.sequence}", "its MAC was not made with this service's key")
        walk.vouched, walk.unvouched, walk.unvouched_since = head.sequence, 0, None

    def _is_genuine(self, worker: UUID | str, head: Head, mac: bytes) -> bool:
        return hmac.compare_digest(self._sealer.mac(vouched(self._span.hospital, str(worker), head)), mac)

    async def _ends(self) -> None:
        """Compare where the walks ended with the heads, and see that checkpoints vouch for them."""
        heads = await stored.heads(self._connection, self._span.hospital)
        for worker, walk in self._walks.items():
            if walk.broken:
                continue
            await self._end(worker, walk, heads.get(worker))
        for worker in heads.keys() - self._walks.keys():
            day = heads[worker].day
            if self._span.first <= day <= self._span.last and not self._is_retired("evidence", day):
                self._break("chain_head", worker, f"it says {heads[worker].sequence} links, and none is there")

    async def _end(self, worker: UUID, walk: _Walk, head: Head | None) -> None:
        self._report.unvouched += walk.unvouched
        last = walk.head
        if head is None:
            self._break("evidence", f"{worker}/{last.sequence}", "its chain has no head")
        elif head.sequence == last.sequence:
            if head.link != last.link:
                self._break("chain_head", worker, "its link is not the last one's")
        elif self._span.whole or not await self._goes_on(worker, last.sequence):
            self._break(
                "evidence",
                f"{worker}/{last.sequence + 1}",
                f"the chain ends before it, and its head says {head.sequence} links",
            )
        reaches_back = walk.unvouched_since is not None and last.day - walk.unvouched_since > _UNVOUCHED
        if (walk.vouched == 0 or reaches_back) and self._span.whole:
            where = f"{worker}/{walk.vouched + 1}"
            self._break("evidence", where, "no checkpoint vouches for it and those behind it")

    async def _goes_on(self, worker: UUID, sequence: int) -> bool:
        """Say whether the next link is there and behind the span."""
        following = await stored.link_at(self._connection, self._span.hospital, worker, sequence + 1)
        return following is not None and following["day"] > self._span.last

    def _checkpoint_without_link(self, row: asyncpg.Record) -> None:
        place = f"{row['worker']}/{row['sequence']}"
        if not self._is_genuine(row["worker"], Head(row["sequence"], row["link"], row["day"]), row["mac"]):
            self._break("checkpoint", place, "its MAC was not made with this service's key")
        elif self._is_retired("evidence", row["day"]):
            self._report.checkpoints += 1
        else:
            self._break("checkpoint", place, "the link it vouches for is gone")

    async def _anchor(self, anchor: Anchor) -> None:
        """See that what was noted beside the database is still in it."""
        place = f"{anchor.worker}/{anchor.sequence}"
        self._report.anchors += 1
        if not self._is_genuine(anchor.worker, anchor.head, bytes.fromhex(anchor.mac)):
            self._break("anchors.jsonl", place, "its MAC was not made with this service's key")
            return
        hospital, worker = self._span.hospital, UUID(anchor.worker)
        found = await stored.link_at(self._connection, hospital, worker, anchor.sequence)
        if found is None and self._is_retired("evidence", anchor.day):
            found = await stored.checkpoint_at(self._connection, hospital, worker, anchor.sequence)
        if found is None:
            self._break("evidence", place, "the end of its chain was cut off: an anchor vouches for this link")
        elif found["link"] != anchor.head.link:
            self._break("evidence", place, "it is not the link that an anchor vouches for")

    def _is_retired(self, table: str, day: date) -> bool:
        return (table, month_of(day)) in self._retired

    # --- the rows ---

    async def _compare(self, rows: Sequence[asyncpg.Record]) -> None:
        """Hash the rows that links are about again."""
        for table in LASTING:
            about = [row for row in rows if row["subject"] == table]
            size = 100 if self._contents is not None else len(about) or 1
            for at in range(0, len(about), size):
                await self._compare_some(table, about[at : at + size])

    async def _compare_some(self, table: str, about: Sequence[asyncpg.Record]) -> None:
        keys = [(row["subject_day"], row["subject_id"]) for row in about]
        deep = self._contents is not None
        found = await stored.subjects(self._connection, self._span.hospital, table, keys, deep=deep)
        whole: list[asyncpg.Record] = []
        for link, key in zip(about, keys, strict=True):
            row = found.get(key)
            if row is None:
                self._missing(table, link)
            elif digest_of(table, [row[name] for name in LASTING[table]]) == link["digest"]:
                self._report.subjects[table] += 1
                whole.append(row)
            else:
                await self._differs(table, link, row)
        if self._contents is not None and table == "verdict":
            await self._open(self._contents, whole)

    def _missing(self, table: str, link: asyncpg.Record) -> None:
        if self._is_retired(table, link["subject_day"]):
            self._report.retired += 1
        else:
            self._break(table, link["subject_id"], "the row is gone")

    async def _differs(self, table: str, link: asyncpg.Record, row: asyncpg.Record) -> None:
        digest = digest_of(table, [row[name] for name in LASTING[table]])
        written_again = self._is_retired(table, link["subject_day"]) and await stored.known_elsewhere(
            self._connection, self._span.hospital, table, link["subject_id"], digest
        )
        if written_again:
            self._report.retired += 1
        else:
            self._break(table, link["subject_id"], "a column, or a ciphertext, is not what was written")

    async def _open(self, contents: Contents, rows: Iterable[asyncpg.Record]) -> None:
        outcome = await contents.compare(self._connection, self._span.hospital, list(rows))
        self._report.opened += outcome.opened
        self._report.erased += outcome.erased
        for table, identifier, what in outcome.faults:
            self._break(table, identifier, what)

    def _unlinked(self, table: str, row: asyncpg.Record, begun: date | None) -> None:
        day = row["received"].date()
        if row["older"] and (begun is None or day <= begun + _SIDE_BY_SIDE):
            self._report.before += 1
        elif self._is_retired("evidence", day):
            self._report.retired += 1
        else:
            self._break(table, row["subject"], "no chain knows the row")
