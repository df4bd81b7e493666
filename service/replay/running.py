"""A bulk replay outside the service: own connections, one process or several, differences into a file as they come."""

import asyncio
import csv
import multiprocessing
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from rules import CompiledPack
from rules.compiler import load
from rules.dip.compiler import load_scheme
from rules.dip.directory import Directory
from rules.model import UNIT, Overlay
from service.db.pool import Pool
from service.db.replays import Filters, hospitals
from service.record_answers import cell
from service.replay.bulk import Bulk, Differing, Others
from service.replay.comparing import Said, spoken
from service.replay.loading import Shelf
from service.replay.tally import Tally
from service.sealing import Sealer

EVERY: Final = 5.0
"""Seconds between two lines of progress."""
WITHIN: Final = 7 * 86_400.0
"""Seconds a replay may hold its connection."""
COLUMNS: Final = (
    "verdict", "day", "hospital", "department", "change", "rule", "kind", "lines", "level_before", "level_after",
    "yuan_before", "yuan_after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does; it can be sent to another."""

    url: str
    data_dir: Path
    hospital: str | None
    """``None``: every hospital that has verdicts in the period."""
    filters: Filters
    packs: tuple[str, ...] = ()
    """By name or digest, as the database knows them."""
    built: tuple[bytes, ...] = ()
    """Packs that came as folders or files."""
    scheme: str | None = None
    built_scheme: bytes | None = None
    overlay: Overlay | None = None
    csv: Path | None = None
    part: str = ""
    """Which share it is, for progress."""


def run(job: Job, jobs: int) -> Tally:
    """Do the work in so many processes and return what it adds up to.

    Raises ``NotLoadable`` for a pack or scheme that was asked for, ``Problem`` when the database does not answer,
    ``OSError`` when differences cannot be written, ``Unreadable`` when the key file is damaged.
    """
    if jobs == 1:
        return asyncio.run(share(job))
    parts = [
        replace(
            job,
            filters=replace(job.filters, share=(at, jobs)),
            csv=job.csv and job.csv.with_name(f"{job.csv.name}.{at + 1}.part"),
            part=f"[{at + 1}/{jobs}] ",
        )
        for at in range(jobs)
    ]
    files = [part.csv for part in parts if part.csv is not None]
    try:
        tally = _together(parts)
        if job.csv is not None:
            _join(job.csv, files)
    finally:
        for file in files:
            file.unlink(missing_ok=True)
    return tally


def _together(parts: Sequence[Job]) -> Tally:
    tally = Tally()
    context = multiprocessing.get_context("spawn")  # what this process has open is not theirs
    with ProcessPoolExecutor(len(parts), mp_context=context) as pool:
        for done in as_completed([pool.submit(_share, part) for part in parts]):
            tally.add(done.result())
    return tally


def _share(job: Job) -> Tally:
    return asyncio.run(share(job))


async def share(job: Job) -> Tally:
    """Do one process's share."""
    pool = Pool(job.url, size=3, command_timeout=3_600.0)
    try:
        shelf = Shelf(pool, job.data_dir)
        others = await _others(job, shelf)
        with _sink(job.csv) as rows:
            bulk = Bulk(shelf, others, rows.write if rows else None)
            await _hospitals(job, pool, bulk)
            if rows is not None and rows.fault is not None:
                raise rows.fault
        return bulk.tally
    finally:
        await pool.close()


async def _hospitals(job: Job, pool: Pool, bulk: Bulk) -> None:
    sealer = Sealer.open(job.data_dir)
    progress = _Progress(job.part)
    async with pool.connection(WITHIN) as connection:
        chosen: Sequence[str]
        if job.hospital is not None:
            chosen = (job.hospital,)
        else:
            chosen = await hospitals(connection, job.filters.begin, job.filters.end)
        for hospital in chosen:
            await bulk.run(connection, sealer, hospital, job.filters, progress=progress.show)


async def _others(job: Job, shelf: Shelf) -> Others:
    packs: list[CompiledPack] = [load(data) for data in job.built]
    packs += [await shelf.pack(named) for named in job.packs]
    scheme = None
    if job.built_scheme is not None:
        scheme = Directory.build(load_scheme(job.built_scheme))
    elif job.scheme is not None:
        scheme = await shelf.scheme(job.scheme)
    return Others(tuple(packs), scheme, job.overlay)


class _Progress:
    """Lines on standard error, seconds apart."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._begun = self._last = time.monotonic()

    def show(self, tally: Tally) -> None:
        """Say how far it is, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            pace = tally.read / (now - self._begun)
            sys.stderr.write(f"{self._part}{tally.read} verdicts, {pace:.0f} a second\n")


class _Rows:
    """Writes one line per finding that differs, and keeps a fault of the disk for whoever closes."""

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file)
        self.fault: OSError | None = None
        self._write([COLUMNS])

    def write(self, differing: Differing) -> None:
        """Write what differs in one verdict."""
        self._write(_lines(differing))

    def _write(self, lines: Sequence[Sequence[Any]] | Iterator[Sequence[Any]]) -> None:
        # Not raised here: within the loop over the database's rows it would be taken for the database's.
        if self.fault is None:
            try:
                self._writer.writerows(lines)
            except OSError as fault:
                self.fault = fault


@contextmanager
def _sink(path: Path | None) -> Iterator[_Rows | None]:
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark is what spreadsheets know Chinese by
        yield _Rows(file)


def _lines(differing: Differing) -> Iterator[tuple[Any, ...]]:
    row, difference = differing.row, differing.difference
    place = (row.id, row.day.isoformat(), row.hospital)
    found = list(zip(spoken(difference), differing.departments, strict=True))
    for (change, before, after), department in found:
        finding = after or before
        if finding is not None:
            lines = " ".join(map(str, finding.lines))
            facts = (_level(before), _level(after), _yuan(before), _yuan(after))
            yield (*place, cell(department), change, finding.rule, finding.kind, lines, *facts)
    unread = [("not_checked_added", entry) for entry in difference.unread_added]
    unread += [("not_checked_removed", entry) for entry in difference.unread_removed]
    for change, entry in unread:
        lines = " ".join(map(str, entry.lines))
        yield (*place, cell(row.department or ""), change, entry.rule, entry.kind, lines, "", "", "", "")
    if not found and not unread:
        yield (*place, cell(row.department or ""), "other", "", "", "", "", "", "", "")


def _level(finding: Said | None) -> str:
    return finding.level if finding else ""


def _yuan(finding: Said | None) -> str:
    return f"{finding.amount / UNIT:.2f}" if finding else ""


def _join(target: Path, parts: Sequence[Path]) -> None:
    """Put the parts' lines into one file, under one header."""
    with target.open("w", encoding="utf-8-sig", newline="") as whole:
        csv.writer(whole).writerow(COLUMNS)
        for part in parts:
            with part.open(encoding="utf-8-sig", newline="") as file:
                file.readline()
                shutil.copyfileobj(file, whole)
