"""What a saved line is, as the record keeps it: its key, its day, and the line without its place in a message.

In: lines of a visit as a message or a caller tells them. Out: ``SavedLine``, one per charge however often it is told.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from uuid import UUID

from msgspec.structs import replace

from rules.model import Line


@dataclass(frozen=True, slots=True)
class SavedLine:
    """A line of the record: ``line`` has no position, is not current, and names its visit."""

    key: UUID
    day: date
    """Local service day."""
    visit: str
    line: Line


def saved_lines(
    hospital: str, visit: str, lines: Iterable[Line], *, time: datetime | None, zone: tzinfo
) -> Iterator[SavedLine]:
    """Yield lines as they are kept; those without a time, and without ``time`` to stand for it, are left out.

    ``visit`` is whose lines they are where a line does not say. ``time`` is the message's, for lines that were current
    in it (decision 10).
    """
    seen: Counter[tuple[str, ...]] = Counter()
    told: set[tuple[object, ...]] = set()
    for line in lines:
        begin = line.begin or time
        if begin is None:
            continue
        of = line.visit or visit
        identity = (of, line.id, line.item, begin.astimezone(UTC).isoformat())
        exact = (*identity, line.quantity, line.amount)
        if line.id and exact in told:
            continue  # some senders report a line twice; that is one charge
        told.add(exact)
        seen[identity] += 1
        kept = replace(line, position=0, current=False, begin=begin, visit=of or None)
        yield SavedLine(line_key(hospital, identity, seen[identity]), begin.astimezone(zone).date(), of, kept)


def line_key(hospital: str, identity: tuple[str, ...], occurrence: int = 1) -> UUID:
    """Return the key of a line: of its identity (visit, id, item, begin), and which of several alike it is."""
    content = "\x1f".join((hospital, *identity, str(occurrence)))
    return UUID(bytes=hashlib.blake2b(content.encode(), digest_size=16).digest())
