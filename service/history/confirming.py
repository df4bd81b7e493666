"""Confirming and cancelling (确认 / 撤销): what a caller tells of lines its hospital saved or took back.

In: a request body, by verdict or by visit. Out: journal records, and a state per entry. Nothing here needs the
database. Two things are better with it, and it has half a second for each: whose a verdict is, where neither the key
nor the entry says so; and which findings are withdrawn when lines are cancelled by themselves.
"""

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import orjson
import structlog
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from rules.model import Encounter, Line
from service import metrics
from service.db import history_writes
from service.dialects._contract import Call
from service.dialects.native import encounter_of
from service.errors import INVALID, NOT_JSON, Fault, Problem
from service.history.reading import fileable, past_visit_of
from service.instance import Instance
from service.records import LineAction, LineEventRecord, SavedLinesRecord
from service.saved_lines import saved_lines
from service.schemas.faults import faults_of
from service.schemas.lines import MOST_ENTRIES, ByVerdictIn, ByVisitIn
from service.schemas.native import CheckRequest, DiagnosisIn, LineIn, PatientIn, VisitIn

Act = Literal["confirm", "cancel"]
Entry = ByVerdictIn | ByVisitIn
REQUIRED: Final = ("id", "item", "begin", "quantity")
"""What a line told by itself must have: without them it is not known again, or not known when."""
LOOK_UP_WITHIN: Final = 0.5
"""Seconds a cancellation may wait for the database to say which findings it withdraws."""
_NOBODY: Final = PatientIn.model_construct()
_NOTHING: Final = CheckRequest.model_construct(lines=[])
"""Copied, since making one anew costs more than reading a row."""
_BY_VERDICT: Final = TypeAdapter(ByVerdictIn)
_BY_VISIT: Final = TypeAdapter(ByVisitIn)

_log = structlog.get_logger("dipcheck.lines")


@dataclass(frozen=True, slots=True)
class Told:
    """One entry understood: its record, or none when it is about nothing of ours."""

    record: LineEventRecord | SavedLinesRecord | None
    verdict: str | None
    lines: int | None
    anybodys: bool = False
    """Neither the key nor the entry says whose the verdict is."""


class Entries:
    """Reads the entries of one request; every fault of all of them is reported."""

    def __init__(self, here: Instance, call: Call, act: Act) -> None:
        self._here = here
        self._call = call
        self._act = act
        self._faults: list[Fault] = []

    async def read(self, body: bytes) -> list[Told]:
        """Return what each entry tells. Raises ``Problem`` with every fault; nothing is recorded then."""
        document = _document(body)
        several = "entries" in document
        entries = self._several(document) if several else [document]
        told = []
        for number, entry in enumerate(entries):
            told.append(self._entry(entry, f"entries[{number}]" if several else ""))
            # Other callers' checks come in between.
            await asyncio.sleep(0)
        if self._faults:
            raise Problem(INVALID, faults=tuple(self._faults))
        return await self._belonging([entry for entry in told if entry is not None])

    async def _belonging(self, told: list[Told]) -> list[Told]:
        """Give events to the hospitals whose verdicts they are about, where nobody said so."""
        asked = [entry.verdict for entry in told if entry.anybodys and entry.verdict is not None]
        if not asked:
            return told
        whose = await self._here.belonging.find(self._here.pool, asked)
        return [self._given_to(entry, whose.get(entry.verdict or "")) for entry in told]

    def _given_to(self, entry: Told, hospital: str | None) -> Told:
        if hospital is None or not entry.anybodys or entry.record is None:
            return entry
        return dataclasses.replace(entry, record=replace(entry.record, hospital=hospital))

    def _several(self, document: dict[str, Any]) -> list[Any]:
        entries = document["entries"]
        self._faults += [Fault(key, "未知字段,请检查拼写") for key in document if key != "entries"]
        if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_ENTRIES:
            raise Problem(INVALID, faults=(*self._faults, Fault("entries", f"应为 1 至 {MOST_ENTRIES} 条的数组")))
        return entries

    def _entry(self, entry: Any, path: str) -> Told | None:
        by_verdict = isinstance(entry, dict) and ("verdict" in entry or "finding" in entry)
        adapter: TypeAdapter[Any] = _BY_VERDICT if by_verdict else _BY_VISIT
        try:
            given: Entry = adapter.validate_python(entry, context={"zone": self._call.zone})
        except ValidationError as error:
            self._faults += [Fault(_under(path, fault.field), fault.message) for fault in faults_of(error)]
            return None
        if self._act == "cancel" and given.self_pay:
            self._faults.append(Fault(_under(path, "self_pay"), "撤销时不适用"))
        return self._by_verdict(given) if isinstance(given, ByVerdictIn) else self._by_visit(given, path)

    def _action(self, given: Entry) -> LineAction:
        if self._act == "cancel":
            return "cancelled"
        return "self_paid" if given.self_pay else "saved"

    def _hospital(self, given: Entry) -> str:
        return self._call.hospital or given.hospital or self._call.default_hospital

    def _by_verdict(self, given: ByVerdictIn) -> Told:
        verdict, number = given.verdict, None
        if given.finding is not None:
            finding = self._here.identity.parse_finding_id(given.finding)
            if finding is None or (verdict is not None and _same(verdict) != finding[0]):
                return Told(None, verdict, None)
            verdict, number = finding
        if verdict is None or not self._here.identity.is_genuine(verdict):
            return Told(None, verdict, None)
        record = LineEventRecord(
            id=str(uuid4()),
            hospital=self._hospital(given),
            received=self._call.received,
            day=self._day,
            verdict_id=_same(verdict),
            action=self._action(given),
            number=number,
            lines=None if given.lines is None else tuple(given.lines),
        )
        named = None if given.lines is None else len(given.lines)
        return Told(record, record.verdict_id, named, not (self._call.hospital or given.hospital))

    def _by_visit(self, given: ByVisitIn, path: str) -> Told:
        hospital = self._hospital(given)
        encounter = told_encounter(
            self._call, hospital, given.patient_id, visit=given.visit, diagnoses=given.diagnoses, lines=given.lines
        )
        self._faults += [Fault(_under(path, fault.field), fault.message) for fault in self._lacks(encounter)]
        action = self._action(given)
        lines = encounter.lines
        if action == "self_paid":
            lines = tuple(replace(line, self_paid=True) for line in lines)
        record = SavedLinesRecord(
            hospital=hospital,
            received=self._call.received,
            day=self._day,
            patient=encounter.patient.pseudonym,
            visit=encounter.visit.id,
            action=action,
            lines=lines,
            past_visit=None if action == "cancelled" else past_visit_of(encounter),
        )
        return Told(record, None, len(lines))

    def _lacks(self, encounter: Encounter) -> Iterable[Fault]:
        if not encounter.patient.pseudonym:
            yield Fault("patient_id", "必填")
        if not encounter.visit.id:
            yield Fault("visit.id", "必填")
        if len(encounter.lines) > self._call.max_lines:
            yield Fault("lines", f"最多 {self._call.max_lines} 行")
        for number, line in enumerate(encounter.lines):
            for field, message in line_faults(line, self._call.received):
                yield Fault(f"lines[{number}].{field}", message)

    @property
    def _day(self) -> date:
        return self._call.received.astimezone(self._call.zone).date()


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(NOT_JSON, error.msg) from None
    if not isinstance(document, dict):
        raise Problem(INVALID, faults=(Fault("", "应为对象"),))
    return document


def _under(path: str, field: str) -> str:
    return f"{path}.{field}" if path and field else path or field


def _same(verdict_id: str) -> str:
    """Return a genuine id as it was given; other ids as they are."""
    try:
        return str(UUID(verdict_id))
    except ValueError:
        return verdict_id


def told_encounter(
    call: Call,
    hospital: str,
    patient_id: str | None,
    *,
    visit: VisitIn,
    diagnoses: Sequence[DiagnosisIn],
    lines: Sequence[LineIn],
) -> Encounter:
    """Return lines and their visit as the native dialect reads them."""
    said = {"patient": _NOBODY.model_copy(update={"id": patient_id}), "visit": visit}
    request = _NOTHING.model_copy(update=said | {"diagnoses": diagnoses, "lines": lines})
    return encounter_of(request, call, hospital)


def line_faults(line: Line, told: datetime) -> Iterable[tuple[str, str]]:
    """Yield (field, what is wrong) of a line that is told by itself."""
    for field in REQUIRED:
        if getattr(line, field) in {None, ""}:
            yield field, "必填"
    if line.begin is not None and not fileable(line.begin.date(), told):
        yield "begin", "日期不合理"


async def record(here: Instance, told: Sequence[Told], act: Act) -> list[dict[str, Any]]:
    """Journal what was told; return a state per entry, as ``EntryOut``."""
    kept = await asyncio.gather(*(here.flow.keep(entry.record) for entry in told if entry.record is not None))
    states = iter("accepted" if done else "not_recorded" for done in kept)
    answer = []
    for entry in told:
        state = "unknown" if entry.record is None else next(states)
        metrics.HISTORY_TOLD.labels(act, state).inc()
        answer.append({"state": state, "verdict": entry.verdict, "lines": entry.lines})
    return answer


async def withdraw(here: Instance, told: Sequence[Told]) -> None:
    """Journal, for lines cancelled by themselves, that they are cancelled in the verdicts they were saved by.

    The lines' own record is kept already. Without a database now, findings about them stay as they are, and that is
    counted.
    """
    try:
        events = await _withdrawals(
            here, [entry.record for entry in told if isinstance(entry.record, SavedLinesRecord)]
        )
    except Problem:
        metrics.HISTORY_TOLD.labels("cancel", "findings_left").inc()
        _log.warning("the database does not answer: findings about cancelled lines are not withdrawn")
        return
    await asyncio.gather(*(here.flow.keep(event) for event in events))


async def _withdrawals(here: Instance, cancelled: Sequence[SavedLinesRecord]) -> list[LineEventRecord]:
    """Return an event per verdict that a cancelled line was saved by."""
    if not cancelled:
        return []
    events = []
    async with here.pool.connection(LOOK_UP_WITHIN) as connection:
        for gone in cancelled:
            kept = list(saved_lines(gone.hospital, gone.visit, gone.lines, time=gone.received, zone=here.settings.tz))
            places = [(line.day, line.key) for line in kept]
            standing = await history_writes.standing(connection, gone.hospital, places)
            ids: dict[UUID, list[str]] = {}
            for line in kept:
                known = standing.get(line.key)
                if known is not None and known.verdict_id is not None:
                    ids.setdefault(known.verdict_id, []).append(line.line.id)
            events += [
                LineEventRecord(
                    id=str(uuid4()),
                    hospital=gone.hospital,
                    received=gone.received,
                    day=gone.day,
                    verdict_id=str(verdict_id),
                    action="cancelled",
                    lines=tuple(lines),
                )
                for verdict_id, lines in ids.items()
            ]
    return events
