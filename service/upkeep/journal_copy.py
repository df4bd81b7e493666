"""The journal's part of a backup: its segments as they stand, while their writers go on.

In: the journal's directory. Out: copies that end after a whole record, and later what of them is still to be recorded.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from service.journal_files import FRAME, HEADER, MARK, count_records, read_stretches, segments_in
from service.records import VerdictRecord, decode

_PIECE: Final = 4 * 1024 * 1024
_AT_ONCE: Final = 256
_MOMENT: Final = 0.02
"""Seconds in which a write that we met half done is done."""


def copy_journal(source: Path, target: Path) -> int:
    """Copy every segment up to its present end; return how many records the copies hold.

    A segment that vanishes meanwhile was recorded by its owner: a snapshot of the database taken later holds it.
    """
    target.mkdir(mode=0o700, parents=True)
    if not source.is_dir():
        return 0
    records = 0
    for _, _, path in sorted(segments_in(source)):
        copy = target / path.name
        try:
            size = copy_segment(path, copy)
        except FileNotFoundError:
            continue
        if size <= HEADER.size:
            copy.unlink()  # nothing was ever recorded in it
            continue
        records += count_records(copy, HEADER.size, size)
    return records


def copy_segment(source: Path, target: Path) -> int:
    """Copy one segment and return the copy's size; it ends after a whole record, if its writer is alive."""
    with source.open("rb") as reading, open(_made(target), "r+b") as writing:
        size = os.fstat(reading.fileno()).st_size
        left = size
        while left and (piece := reading.read(min(left, _PIECE))):
            writing.write(piece)
            left -= len(piece)
        writing.flush()
        whole = whole_length(target, size)
        if whole < size and _grows(reading.fileno(), size):
            # The record that was being written had not been acknowledged when we began.
            writing.truncate(whole)
            return whole
    return size


def whole_length(path: Path, size: int) -> int:
    """Return where the last whole record ends, as frames say; the size itself where a frame cannot be read."""
    at = HEADER.size
    with path.open("rb", buffering=0) as file:
        while at < size:
            file.seek(at)
            frame = file.read(FRAME.size)
            if len(frame) < FRAME.size:
                return at
            mark, length, _ = FRAME.unpack(frame)
            if mark != MARK:
                return size  # damage: the reader finds its way behind it
            if at + FRAME.size + length > size:
                return at
            at += FRAME.size + length
    return min(at, size)


def pending_verdicts(journal: Path, positions: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """Yield (hospital, id) of the verdicts that stand behind the position of their worker."""
    for worker, number, path in sorted(segments_in(journal)):
        segment, offset = positions.get(worker, (0, HEADER.size))
        if number >= segment:
            yield from _verdicts(path, number, offset if number == segment else HEADER.size)


def _verdicts(path: Path, number: int, offset: int) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        while offset < end:
            stretches = read_stretches(file.fileno(), number, offset, end, limit=_AT_ONCE, sealed=True)
            offset = stretches[-1].end
            for stretch in stretches:
                if not stretch.fault and (found := _verdict(stretch.payload)):
                    yield found


def _verdict(payload: bytes) -> tuple[str, str] | None:
    try:
        record = decode(payload)
    except (msgspec.MsgspecError, ValueError):
        return None
    return (record.hospital, record.id) if isinstance(record, VerdictRecord) else None


def _grows(descriptor: int, size: int) -> bool:
    """Say whether a segment has grown since; a torn tail, whose writer is gone, does not."""
    for _ in range(5):
        if os.fstat(descriptor).st_size > size:
            return True
        time.sleep(_MOMENT)
    return False


def _made(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
