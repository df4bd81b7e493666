"""Erasing one person (删除): the database first, then whether more of the person is on its way there.

In: a person and why. Out: what was taken, and whether to come again: records in this machine's journals are not in the
database yet, and one that arrives during the erasure brings new rows. Other replicas' journals are theirs.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from service.db import patients
from service.db.patient_keys import Person
from service.db.patients import Erasure
from service.db.pool import Pool
from service.journal_files import HEADER, Position, read_stretches, segments_in

_log = structlog.get_logger("dipcheck.privacy")
WITHIN: Final = 600.0
"""Seconds an erasure or the look for a person's rows may take: they are found by reading a column of every month."""
_STRETCHES: Final = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did, and what is still on its way."""

    rows: Erasure
    journal_records: int
    """Of anybody, in this machine's journals and not in the database."""
    repeat: bool
    """Something of the person is in a journal, or came from one meanwhile."""


async def erase(pool: Pool, person: Person, *, by: str, reason: str, journal: Path, within: float = WITHIN) -> Erased:
    """Erase a person's data. ``journal`` is the directory of this machine's journals.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer in time; then nothing was erased.
    """
    async with pool.connection(within) as connection:
        rows = await patients.erase(connection, person, by=by, reason=reason, within=within)
        # Positions before files, files before rows: a record is found in a file, or what it brought is there by then.
        positions = {worker: Position(*place) for worker, place in (await patients.positions(connection)).items()}
        records, of_person = await asyncio.to_thread(pending, journal, positions, person[1].encode())
        repeat = of_person > 0 or await patients.has_rows(connection, person)
    _log.info(
        "patient_erased", hospital=person[0], erasure=rows.id and str(rows.id), verdicts=rows.verdicts, repeat=repeat
    )
    return Erased(rows, records, repeat)


def pending(directory: Path, positions: dict[str, Position], mention: bytes) -> tuple[int, int]:
    """Return how many records the journals hold beyond these positions, and how many of them mention something.

    Reads the files: not for an event loop.
    """
    records = mentions = 0
    if not directory.is_dir():
        return 0, 0
    for worker, number, path in segments_in(directory):
        begin = _begin(number, positions.get(worker))
        for payload in _payloads(path, number, begin):
            records += 1
            mentions += mention in payload
    return records, mentions


def _begin(segment: int, position: Position | None) -> int | None:
    """Return where the pending part of a segment begins; ``None``: all of it is in the database."""
    if position is None or segment > position.segment:
        return HEADER.size
    return position.offset if segment == position.segment else None


def _payloads(path: Path, segment: int, begin: int | None) -> Iterator[bytes]:
    """Yield the payloads of a segment from an offset on; a segment that is gone meanwhile is in the database."""
    if begin is None:
        return
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        end = os.fstat(file.fileno()).st_size
        while begin < end:
            stretches = read_stretches(file.fileno(), segment, begin, end, limit=_STRETCHES, sealed=False)
            yield from (stretch.payload for stretch in stretches)
            begin = stretches[-1].end


def message_of(erased: Erased) -> str:
    """Return what an erasure did, in Chinese."""
    rows = erased.rows
    if rows.id is None:
        done = "没有该患者的数据,无需删除。"
    else:
        done = f"已删除该患者的数据:判定 {rows.verdicts} 条、明细 {rows.lines} 条、密钥 {rows.keys} 个。"
    return done + ("仍有该患者的记录尚未入库,请稍后再次调用。" if erased.repeat else "")
