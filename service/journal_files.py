"""The journal's files (see ``docs/journal.md``): their format, and reading them back.

In: segment files, whole, torn or damaged. Out: a ``Tail`` per worker that gives each record's payload once, and says
where bytes are not a record. Nothing here writes.
"""

import os
import re
import struct
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol
from zlib import crc32

MAGIC: Final = b"DIPCHKJ\n"
FORMAT_VERSION: Final = 2
"""Written. Version 2 has the same frames as 1 and kinds of record that version 1 did not have."""
READABLE_VERSIONS: Final = frozenset({1, 2})
HEADER: Final = struct.Struct("<8sII16s")
"""Magic, format version, segment number, worker id."""
FRAME: Final = struct.Struct("<4sII")
"""Mark, payload length, CRC-32 of the payload."""
MARK: Final = b"\xf5DJR"
"""Opens every record. Its first byte never occurs in UTF-8, so no payload holds a mark and reading finds its way
again behind damage."""
MAX_PAYLOAD: Final = 64 * 1024 * 1024

Event = Literal[
    "records_written",
    "batches",
    "retries",
    "set_aside",
    "torn_tails",
    "corrupt_stretches",
    "segments_adopted",
    "segments_refused",
    "sync_failures",
    "not_recorded_full",
    "not_recorded_io_error",
    "not_recorded_too_large",
    "not_recorded_closed",
    "lines_out_of_range",
    "anchors_failed",
]
"""What journal and recorder count; ``not_recorded_*`` are the ways of losing a record."""

SEGMENT_NAME: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d+)\.log")
_FIRST_READ: Final = 256 * 1024


class Counters(Protocol):
    """Where events are counted."""

    def add(self, event: Event, amount: int = 1) -> None:
        """Count an event. Called from the event loop and from the journal's own thread."""
        ...


class Tally:
    """Counters in memory: the default, and what tests read."""

    def __init__(self) -> None:
        self.counts: Counter[Event] = Counter()

    def add(self, event: Event, amount: int = 1) -> None:
        """Count an event."""
        self.counts[event] += amount


class Position(NamedTuple):
    """A place in a worker's journal: everything before it is in the database."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a segment from ``start`` to ``end``: one record's payload, or damage (``fault`` says which)."""

    segment: int
    start: int
    end: int
    payload: bytes
    fault: Literal["", "torn_tail", "corrupt"] = ""


def read_stretches(descriptor: int, segment: int, offset: int, end: int, *, limit: int, sealed: bool) -> list[Stretch]:
    """Return up to ``limit`` consecutive stretches from ``offset``, all within ``end``; empty only at ``end``.

    Damage is returned as a stretch that reaches to the next whole record. If there is none it is a torn tail
    when the segment is sealed (its writer is gone), else it is corrupt. Raises ``OSError``.
    """
    data = os.pread(descriptor, min(end - offset, _FIRST_READ), offset)
    found: list[Stretch] = []
    at = 0
    while offset + at < end and len(found) < limit:
        size = _record_size(data, at, end - offset)
        crosses = size is None or at + size > len(data)
        if crosses and found:
            break
        if crosses and size:
            data = os.pread(descriptor, size, offset)
        if size and _is_whole(data, at, size):
            payload = data[at + FRAME.size : at + size]
            found.append(Stretch(segment, offset + at, offset + at + size, payload))
        else:
            found.append(_damage(descriptor, segment, offset + at, end, sealed=sealed))
        at = found[-1].end - offset
    return found


def _record_size(data: bytes, at: int, room: int) -> int | None:
    """Return the size of the record that claims to begin at ``at``; 0 if none can; ``None`` if too little was read."""
    if len(data) - at < FRAME.size:
        return None
    mark, length, _ = FRAME.unpack_from(data, at)
    plausible = mark == MARK and 0 < length <= MAX_PAYLOAD and at + FRAME.size + length <= room
    return FRAME.size + length if plausible else 0


def _is_whole(data: bytes, at: int, size: int) -> bool:
    if len(data) < at + size:
        return False
    checksum: int = FRAME.unpack_from(data, at)[2]
    return crc32(memoryview(data)[at + FRAME.size : at + size]) == checksum


def _damage(descriptor: int, segment: int, start: int, end: int, *, sealed: bool) -> Stretch:
    """Return the damaged stretch from ``start`` to the next whole record, or to ``end``."""
    data = os.pread(descriptor, end - start, start)
    at = data.find(MARK, 1)
    while at >= 0:
        size = _record_size(data, at, len(data))
        if size and _is_whole(data, at, size):
            return Stretch(segment, start, start + at, data[:at], "corrupt")
        at = data.find(MARK, at + 1)
    return Stretch(segment, start, end, data, "torn_tail" if sealed else "corrupt")


def count_records(path: Path, offset: int, end: int) -> int:
    """Return about how many records lie between two offsets, by hopping from frame to frame. Raises ``OSError``."""
    count = 0
    with path.open("rb", buffering=64 * 1024) as file:
        file.seek(offset)
        while offset < end:
            mark, length, _ = _frame_or_none(file.read(FRAME.size))
            if mark != MARK:
                break
            file.seek(length, os.SEEK_CUR)
            offset += FRAME.size + length
            count += offset <= end
    return count


def _frame_or_none(data: bytes) -> tuple[bytes, int, int]:
    return FRAME.unpack(data) if len(data) == FRAME.size else (b"", 0, 0)


class Tail:
    """What one worker journaled and the database does not hold yet: segments and a position in them."""

    def __init__(self, directory: Path, worker: str) -> None:
        self.worker = worker
        self.position = Position(0, HEADER.size)
        self.ends: dict[int, int] = {}
        """Segment number to the offset up to which it may be read."""
        self.growing: int | None = None
        """The segment its writer still appends to; ``None`` when the writer is gone."""
        self.records = 0
        """About how many records are pending."""
        self.current_at = time.monotonic()
        """Everything journaled before this moment (monotonic seconds) is in the database."""
        self._directory = directory
        self._open: tuple[int, int] | None = None
        self._goal: tuple[Position, float] | None = None

    @property
    def bytes(self) -> int:
        """Bytes pending."""
        return sum(self._pending(segment, end) for segment, end in list(self.ends.items()))

    def _pending(self, segment: int, end: int) -> int:
        if segment < self.position.segment:
            return 0
        start = self.position.offset if segment == self.position.segment else HEADER.size
        return max(0, end - start)

    def mark(self) -> None:
        """Remember where the tail ends now, to know later how old the oldest pending record can be."""
        if self._goal is None and self.ends:
            last = max(self.ends)
            self._goal = Position(last, self.ends[last]), time.monotonic()

    def read(self, position: Position, limit: int) -> tuple[list[Stretch], Position]:
        """Return the next stretches and the position behind them; nothing when all was read. Raises ``OSError``."""
        segment, offset = position
        while (end := self.ends.get(segment, 0)) <= offset:
            following = [number for number in self.ends if number > segment]
            if not following:
                return [], Position(segment, offset)
            segment, offset = min(following), HEADER.size
        descriptor = self._descriptor(segment)
        sealed = self.growing is None
        stretches = read_stretches(descriptor, segment, offset, end, limit=limit, sealed=sealed)
        return stretches, Position(segment, stretches[-1].end)

    def commit(self, position: Position, records: int) -> list[Path]:
        """Move to a position the database has; return the segments that are no longer needed."""
        self.position = position
        if self._goal is not None and position >= self._goal[0]:
            self.current_at = self._goal[1]
            self._goal = None
        # Damage makes the count a guess; the end of the tail puts it right.
        self.records = max(0, self.records - records) if self.bytes else 0
        done = [number for number, end in self.ends.items() if self._is_done(number, end)]
        for number in done:
            del self.ends[number]
        if self._open is not None and self._open[0] in done:
            self.close()
        return [segment_path(self._directory, self.worker, number) for number in done]

    def _is_done(self, number: int, end: int) -> bool:
        return number != self.growing and self._pending(number, end) == 0

    def close(self) -> None:
        """Close the file being read."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _descriptor(self, segment: int) -> int:
        if self._open is None or self._open[0] != segment:
            self.close()
            self._open = segment, os.open(segment_path(self._directory, self.worker, segment), os.O_RDONLY)
        return self._open[1]


def segment_path(directory: Path, worker: str, number: int) -> Path:
    """Return where a worker's segment is."""
    return directory / f"{worker}-{number}.log"


def directory_usage(directory: Path) -> int:
    """Return the bytes of all segments, whoever owns them."""
    return sum(_size(path) for _, _, path in segments_in(directory))


def segments_in(directory: Path) -> Iterable[tuple[str, int, Path]]:
    """Yield (worker, number, path) of every segment, whoever owns it."""
    for path in directory.iterdir():
        match = SEGMENT_NAME.fullmatch(path.name)
        if match:
            yield match[1], int(match[2]), path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # recorded and deleted by its owner meanwhile
        return 0
