"""Saved lines in journal records: what a message carries as history, and what callers tell without a verdict.

In: records of a batch. Out: rows of ``saved_line`` and ``saved_visit`` by hospital, without those that this process
told of a moment ago: a message repeats the same history at every check of a stay. What was erased since, or cancelled
by somebody else, is told again: told last stands.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from rules import encode
from rules.model import Line
from service.db.history_writes import LineRow, VisitRow, cancelled, upsert_lines, upsert_visits
from service.db.patient_keys import AnyConnection, Person
from service.db.rows import text_of
from service.db.tables import month_of
from service.history.reading import read_evaluated, visit_row
from service.records import JournalRecord, SavedLinesRecord, VerdictRecord
from service.saved_lines import SavedLine, saved_lines

EARLIEST: Final = timedelta(days=15 * 366)
LATEST: Final = timedelta(days=366)
"""How long before and after its telling a line's day is believed: every other month would get a partition."""
AGAIN_AFTER: Final = timedelta(minutes=10)
"""A message's line that was told of less long ago is not told again, unless it changed."""
_REMEMBERED: Final = 100_000

Keys: TypeAlias = Mapping[Person, UUID]
"""Ids of the keys that a batch's people have now: another one after an erasure."""
_Place: TypeAlias = tuple[str, date | str, UUID | str, UUID | None]


@dataclass(slots=True)
class Told:
    """What a batch tells of lines and visits, by hospital; ``out_of_range`` counts lines whose day nobody believes."""

    lines: dict[str, list[LineRow]] = field(default_factory=dict)
    visits: dict[str, list[VisitRow]] = field(default_factory=dict)
    out_of_range: int = 0

    @property
    def months(self) -> set[date]:
        """The months the lines fall into."""
        return {month_of(row.day) for rows in self.lines.values() for row in rows}

    @property
    def people(self) -> set[Person]:
        """Whose lines and visits they are."""
        of_lines = {(hospital, row.patient) for hospital, rows in self.lines.items() for row in rows}
        return of_lines | {(hospital, row.patient) for hospital, rows in self.visits.items() for row in rows}

    async def write(self, connection: AnyConnection) -> None:
        """Write it, hospital by hospital, in the caller's transaction."""
        for hospital in sorted(self.lines):
            await upsert_lines(connection, hospital, self.lines[hospital])
        for hospital in sorted(self.visits):
            await upsert_visits(connection, hospital, self.visits[hospital])


class Memory:
    """What this process told of lately, so that it need not be told again."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Place, tuple[bytes, datetime]] = OrderedDict()

    async def spare(self, connection: AnyConnection, told: Told, keys: Keys) -> Told:
        """Return what has to be written: all but a message's lines that were told of alike a moment ago.

        In the transaction that writes it, with the people's keys held. A cancellation that is settled only after a
        later message's line was spared stands for ``AGAIN_AFTER`` at most: then the next message is written again.
        """
        left = Told(out_of_range=told.out_of_range)
        for hospital, rows in told.lines.items():
            left.lines[hospital] = await self._left(connection, hospital, rows, keys)
        for hospital, visits in told.visits.items():
            left.visits[hospital] = [row for row in visits if not self._spares(hospital, row, keys)]
        return left

    async def _left(
        self, connection: AnyConnection, hospital: str, rows: Sequence[LineRow], keys: Keys
    ) -> list[LineRow]:
        taken_back = {row.key for row in rows if row.status == "cancelled"}
        spares = [row.key not in taken_back and self._spares(hospital, row, keys) for row in rows]
        places = {(row.day, row.key) for row, spared in zip(rows, spares, strict=True) if spared}
        # Somebody else may have cancelled them; to ask costs less than to write them.
        stand = await cancelled(connection, hospital, places) if places else set()
        return [row for row, spared in zip(rows, spares, strict=True) if not spared or (row.day, row.key) in stand]

    def _spares(self, hospital: str, row: LineRow | VisitRow, keys: Keys) -> bool:
        if isinstance(row, LineRow) and row.source != "message":
            return False
        known = self._known.get(_place(hospital, row, keys))
        return known is not None and known[0] == _content(row) and abs(row.received - known[1]) < AGAIN_AFTER

    def remember(self, told: Told, keys: Keys) -> None:
        """Take note of what has been committed. What was cancelled may come back by the next message."""
        for hospital, lines in told.lines.items():
            for line in lines:
                self._note(_place(hospital, line, keys), line)
        for hospital, visits in told.visits.items():
            for visit in visits:
                self._note(_place(hospital, visit, keys), visit)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _note(self, place: _Place, row: LineRow | VisitRow) -> None:
        self._known[place] = _content(row), row.received
        self._known.move_to_end(place)


def _place(hospital: str, row: LineRow | VisitRow, keys: Keys) -> _Place:
    key = keys.get((hospital, row.patient))
    if isinstance(row, VisitRow):
        return hospital, row.patient, row.visit, key
    return hospital, row.day, row.key, key


def _content(row: LineRow | VisitRow) -> bytes:
    if isinstance(row, VisitRow):
        return hashlib.blake2b(row.past_visit, digest_size=16).digest()
    return hashlib.blake2b(row.status.encode() + row.line, digest_size=16).digest()


def tell(told: Told, record: JournalRecord, zone: tzinfo) -> None:
    """Add what a record tells of saved lines. Raises ``msgspec.DecodeError``."""
    match record:
        case VerdictRecord() if record.carries_history and record.patient:
            _tell_carried(told, record, zone)
        case SavedLinesRecord() if record.patient:
            _tell_saved(told, record, zone)
        case _:
            return


def _tell_carried(told: Told, record: VerdictRecord, zone: tzinfo) -> None:
    """Add the lines a message carries as history, and its visit, if any of them is of that visit."""
    encounter = read_evaluated(bytes(record.input)).encounter
    before = (line for line in encounter.lines if not line.current)
    kept = list(saved_lines(record.hospital, encounter.visit.id, before, time=None, zone=zone))
    _add_lines(told, record, kept, "message")
    if any(entry.visit == encounter.visit.id for entry in kept) and (row := visit_row(encounter, record.received)):
        told.visits.setdefault(text_of(record.hospital), []).append(row)


def _tell_saved(told: Told, record: SavedLinesRecord, zone: tzinfo) -> None:
    lines: Iterable[Line] = record.lines
    if record.action == "self_paid":
        lines = (replace(line, self_paid=True) for line in lines)
    kept = saved_lines(record.hospital, record.visit, lines, time=None, zone=zone)
    _add_lines(told, record, kept, record.source)
    visit = text_of(record.past_visit.id or record.visit) if record.past_visit is not None else ""
    if visit and record.past_visit is not None:
        row = VisitRow(text_of(record.patient), visit, encode(record.past_visit), record.received)
        told.visits.setdefault(text_of(record.hospital), []).append(row)


def _add_lines(told: Told, record: VerdictRecord | SavedLinesRecord, kept: Iterable[SavedLine], source: str) -> None:
    today = record.received.date()
    cancelled = isinstance(record, SavedLinesRecord) and record.action == "cancelled"
    for entry in kept:
        if not today - EARLIEST <= entry.day <= today + LATEST:
            told.out_of_range += 1
            continue
        row = LineRow(
            day=entry.day,
            key=entry.key,
            patient=text_of(record.patient),
            item=text_of(entry.line.item),
            visit=text_of(entry.visit),
            status="cancelled" if cancelled else "saved",
            source=source,
            verdict_id=UUID(record.id) if isinstance(record, VerdictRecord) else None,
            line=encode(entry.line),
            received=record.received,
        )
        told.lines.setdefault(text_of(record.hospital), []).append(row)
