"""Importing (导入既往明细): past lines into the record of saved lines, row by row, resumable and idempotent.

In: chunks of NDJSON or CSV. Out: rows of ``saved_line`` and ``saved_visit``; good rows are kept, bad ones reported. A
person's id is hashed as its row is read. How far an import got is kept in a small file of counts and a digest of the
rows done, so that going on with another file is refused.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from pydantic import TypeAdapter, ValidationError

from rules import encode
from rules.model import Encounter
from service import metrics
from service.db import history_writes
from service.db.history_writes import LineRow, VisitRow
from service.db.pool import Pool
from service.dialects._contract import Call
from service.errors import CONFLICT, INVALID, Fault, Problem
from service.history.confirming import line_faults, told_encounter
from service.history.reading import storable, visit_row
from service.history.rows import Form, HeaderFault, RawRow, rows_of
from service.saved_lines import SavedLine, line_key, saved_lines
from service.schemas.faults import faults_of
from service.schemas.lines import PastLineIn
from service.schemas.native import DiagnosisIn, VisitIn
from service.schemas.record import FIRST_DAY
from service.sealing import Sealer

BATCH: Final = 500
"""Rows at once: checks are answered by the same loop, and must not wait for long arrays."""
MOST_LISTED: Final = 100
FOLDER: Final = "imports"
COLUMNS: Final = frozenset(PastLineIn.model_fields)
_KEPT_FOR: Final = 90 * 24 * 3600
"""Seconds that the state of an import is kept."""
_ALIKE: Final = 200_000
"""Lines remembered to tell those alike apart: far more than stand between two lines of one visit."""
_ROWS_A_TURN: Final = 20
_ROW: Final = TypeAdapter(PastLineIn)
_NO_VISIT: Final = VisitIn.model_construct()
_MAIN: Final = DiagnosisIn.model_construct(main=True)
_OF_VISIT: Final = (
    ("id", "visit"),
    ("type", "visit_type"),
    ("admitted", "admitted"),
    ("discharged", "discharged"),
    ("department", "visit_department"),
    ("planned", "planned"),
)
"""Fields of the visit, and what they are called in a row."""


class Progress(msgspec.Struct):
    """How far an import got: rows done, how many of them were rejected, and SHA-256 of what was done."""

    rows: int = 0
    rejected: int = 0
    digest: str = ""
    complete: bool = False


class ProgressFile:
    """Where the progress of one import of one hospital is kept. Without an id nothing is."""

    def __init__(self, data_dir: Path, hospital: str, import_id: str | None) -> None:
        name = hashlib.sha256(f"{hospital}\n{import_id}".encode()).hexdigest()[:32]
        self._folder = data_dir / FOLDER
        self._path = None if import_id is None else self._folder / f"{name}.json"

    def read(self) -> Progress:
        """Return how far it got; nothing yet where nothing readable is kept."""
        try:
            return Progress() if self._path is None else msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except (OSError, msgspec.MsgspecError):
            return Progress()

    def write(self, progress: Progress) -> None:
        """Keep it, whole or not at all. A disk that refuses costs the next call time, and nothing else."""
        if self._path is None:
            return
        part = self._path.with_suffix(f".{time.monotonic_ns()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(progress))
            part.replace(self._path)
        except OSError:
            part.unlink(missing_ok=True)

    def prune(self, now: float) -> None:
        """Remove the state of imports of long ago."""
        for path in self._folder.glob("*.json") if self._folder.is_dir() else ():
            if now - path.stat().st_mtime > _KEPT_FOR:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One thing wrong with one row; never a value."""

    row: int
    field: str
    message: str


@dataclass(slots=True)
class Report:
    """What an import did so far."""

    rows_done: int = 0
    rows_written: int = 0
    rows_skipped: int = 0
    rows_rejected: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    seconds: float = 0.0

    def document(self, import_id: str | None) -> dict[str, Any]:
        """Return it as ``ImportAnswer``."""
        told = asdict(self)
        seconds = told.pop("seconds")
        rate = int((self.rows_done - self.rows_skipped) / seconds) if seconds else 0
        return {"import_id": import_id, **told, "rows_per_second": rate}


class Alike:
    """Tells lines of one identity apart, as ``saved_lines`` does within a message: by what they charge."""

    def __init__(self, hospital: str) -> None:
        self._hospital = hospital
        self._seen: OrderedDict[UUID, list[tuple[int | None, int | None]]] = OrderedDict()

    def key(self, kept: SavedLine) -> UUID:
        """Return the line's key: of its identity, and which of several alike it is."""
        known = self._seen.setdefault(kept.key, [])
        self._seen.move_to_end(kept.key)
        if len(self._seen) > _ALIKE:
            self._seen.popitem(last=False)
        charged = (kept.line.quantity, kept.line.amount)
        if charged not in known:
            known.append(charged)
        at = known.index(charged)
        return kept.key if at == 0 else line_key(self._hospital, identity_of(kept), at + 1)


def identity_of(kept: SavedLine) -> tuple[str, ...]:
    """Return what makes a line the same line (decision 10), as ``saved_lines`` takes it."""
    line = kept.line
    begin = line.begin.astimezone(UTC).isoformat() if line.begin else ""
    return kept.visit, line.id, line.item, begin


@dataclass(frozen=True, slots=True)
class _PastLine:
    """One row understood: its line alone in its visit."""

    encounter: Encounter
    cancelled: bool


def told_at(as_of: datetime | None, call: Call) -> datetime:
    """Return when a file was true: as its sender says, in the hospital's zone where none is said; else now.

    Raises ``Problem`` for a time that has not come, or so long ago that no line can be of it.
    """
    if as_of is None:
        return call.received
    if as_of.year < FIRST_DAY.year:
        raise Problem(INVALID, faults=(Fault("as_of", "日期不合理"),))
    told = as_of.replace(tzinfo=call.zone) if as_of.tzinfo is None else as_of
    if told > call.received:
        raise Problem(INVALID, faults=(Fault("as_of", "不能晚于现在"),))
    return told


class Importer:
    """Imports one file of one hospital."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        call: Call,
        hospital: str,
        *,
        form: Form,
        told: datetime,
        progress: ProgressFile,
    ) -> None:
        """``told`` is when the file was true: what was told of a line later than that is left alone."""
        self._pool = pool
        self._sealer = sealer
        self._call = call
        self._hospital = hospital
        self._told = told
        self._rows = rows_of(form, COLUMNS)
        self._file = progress
        self._before = progress.read()
        self._alike = Alike(hospital)
        self._months = history_writes.Months()
        self._digest = hashlib.sha256()
        self._lines: list[LineRow] = []
        self._visits: list[VisitRow] = []
        self.report = Report()
        self.safe_rows = self._before.rows
        """Rows behind us for good, whatever breaks next."""

    async def run(self, chunks: AsyncIterator[bytes]) -> Report:
        """Import what comes. Raises ``Problem``: no database, a file that is none, another file than it was."""
        started = time.monotonic()
        try:
            async for chunk in chunks:
                await self._take(self._rows.feed(chunk))
                # A chunk need not end a row, and the next one may be there already.
                await asyncio.sleep(0)
            await self._take(self._rows.end())
        except HeaderFault as fault:
            raise Problem(INVALID, faults=(Fault("header", str(fault)),)) from None
        finally:
            self.report.seconds = time.monotonic() - started
        if self.report.rows_done < self._before.rows:
            raise self._another_file()
        await self._flush(complete=True)
        self.report.seconds = time.monotonic() - started
        return self.report

    async def _take(self, rows: Iterable[RawRow]) -> None:
        for row in rows:
            self._add(row)
            if len(self._lines) >= BATCH:
                await self._flush()
            elif self.report.rows_done % _ROWS_A_TURN == 0:
                await asyncio.sleep(0)

    def _add(self, row: RawRow) -> None:
        """Read one row; one that an earlier call has done is read again, so that lines alike keep their places."""
        report = self.report
        report.rows_done += 1
        self._digest.update(len(row.content).to_bytes(4) + row.content)
        skipping = report.rows_done <= self._before.rows
        if report.rows_done == self._before.rows and self._digest.hexdigest() != self._before.digest:
            raise self._another_file()
        found = self._read(row)
        if isinstance(found, _PastLine):
            self._keep(found, skipping=skipping)
        else:
            self._reject(found, skipping=skipping)
        report.rows_skipped += skipping

    def _reject(self, faults: list[tuple[str, str]], *, skipping: bool) -> None:
        report = self.report
        report.rows_rejected += 1
        if skipping:
            return
        metrics.HISTORY_TOLD.labels("import", "rejected").inc()
        report.rejected += [
            Rejected(report.rows_done, *fault) for fault in faults[: MOST_LISTED - len(report.rejected)]
        ]

    def _another_file(self) -> Problem:
        return Problem(CONFLICT, "该 Import-Id 已用于另一个文件,请换一个")

    def _read(self, row: RawRow) -> _PastLine | list[tuple[str, str]]:
        """Return the line in its visit, or everything wrong with the row."""
        if row.fields is None:
            return [("", row.fault)]
        try:
            given = _ROW.validate_python(row.fields, context={"zone": self._call.zone})
        except ValidationError as error:
            return [(fault.field, fault.message) for fault in faults_of(error)]
        visit = _NO_VISIT.model_copy(update={to: getattr(given, name) for to, name in _OF_VISIT})
        diagnoses = [_MAIN.model_copy(update={"code": given.diagnosis})] if given.diagnosis else []
        encounter = told_encounter(
            self._call, self._hospital, given.patient_id, visit=visit, diagnoses=diagnoses, lines=[given]
        )
        faults = list(line_faults(encounter.lines[0], self._told))
        faults += [(name, "必填") for name in ("patient_id", "visit") if not getattr(given, name)]
        return faults or _PastLine(encounter, bool(given.cancelled))

    def _keep(self, found: _PastLine, *, skipping: bool) -> None:
        """Add the rows of one line and its visit to the batch."""
        encounter, cancelled = found.encounter, found.cancelled
        (kept,) = saved_lines(self._hospital, encounter.visit.id, encounter.lines, time=None, zone=self._call.zone)
        key = self._alike.key(kept)
        if skipping:
            return
        self._lines.append(
            LineRow(
                day=kept.day,
                key=key,
                patient=encounter.patient.pseudonym,
                item=storable(kept.line.item),
                visit=storable(kept.visit),
                status="cancelled" if cancelled else "saved",
                source="import",
                verdict_id=None,
                line=encode(kept.line),
                received=self._told,
            )
        )
        visit = encounter.visit
        says = encounter.diagnoses or any((visit.type, visit.admitted, visit.discharged, visit.department))
        told = visit_row(encounter, self._told) if says and not cancelled else None
        if told is not None:
            self._visits.append(told)

    async def _flush(self, *, complete: bool = False) -> None:
        """Write the batch and remember how far we got."""
        if self._lines:
            await history_writes.write_past(
                self._pool, self._months, self._hospital, self._lines, self._visits, sealer=self._sealer
            )
        self.report.rows_written += len(self._lines)
        metrics.HISTORY_TOLD.labels("import", "written").inc(len(self._lines))
        self._lines, self._visits = [], []
        self.safe_rows = max(self.safe_rows, self.report.rows_done)
        if self.report.rows_done > self._before.rows or complete:
            self._file.write(
                Progress(self.report.rows_done, self.report.rows_rejected, self._digest.hexdigest(), complete)
            )
