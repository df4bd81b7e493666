"""One patient's data: export and erasure (个人信息的导出与删除)."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from service.belonging import hospital_of
from service.db.patient_keys import Person
from service.errors import INVALID, Fault, Problem
from service.instance import Instance
from service.keys import Caller
from service.ndjson import MEDIA_TYPE
from service.privacy import erasing, exporting
from service.privacy.people import NO_ID_HERE, names, person_of
from service.routes.bounded import BoundedRoute, turn_of
from service.routes.checks import REFUSALS, Here, Who
from service.schemas.patients import LONGEST_ID, ErasedOut, EraseRequest, ErasureAnswer, ExportRequest

router = APIRouter(tags=["privacy"], route_class=BoundedRoute)
TURN = "patients"
"""One person at a time is looked for in a worker: it reads through every month, and holds a connection meanwhile."""


@router.post(
    "/v1/patients:export",
    summary="Export all that is stored of one person (个人信息导出)",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "one JSON object a line, `record` says of what; the last is `end` with the counts, and an "
            "export without it broke off. A person of whom nothing is stored has only the first and the last.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **REFUSALS,
    },
)
async def export(here: Here, who: Who, request: Request, asked: ExportRequest) -> StreamingResponse:
    """Return verdicts with their input and what became of them, saved lines, visits and re-checks, opened."""
    person = person_asked(here, who, asked)
    async with turn_of(request, TURN):
        lines = await exporting.export(here.pool, here.sealer, person, at=datetime.now(UTC))
    return StreamingResponse(lines, media_type=MEDIA_TYPE)


@router.post(
    "/v1/patients:erase",
    summary="Erase one person's data (个人信息删除)",
    responses={200: {"model": ErasureAnswer}, **REFUSALS},
)
async def erase(here: Here, who: Who, request: Request, asked: EraseRequest) -> ErasureAnswer:
    """Erase the person's key and rows for good; counts, amounts, rules and departments stay, and so does the evidence.

    Doing it again changes nothing. `repeat` says that records of the person are still on their way to the database.
    """
    person = person_asked(here, who, asked)
    journal = here.settings.data_dir / "journal"
    async with turn_of(request, TURN):
        done = await erasing.erase(here.pool, person, by=asked.by or who.name, reason=asked.reason, journal=journal)
    rows = done.rows
    return ErasureAnswer(
        erasure=None if rows.id is None else str(rows.id),
        erased=ErasedOut(**{name: getattr(rows, name) for name in ErasedOut.model_fields}),
        journal_records=done.journal_records,
        repeat=done.repeat,
        message=erasing.message_of(done),
    )


def person_asked(here: Instance, who: Caller, asked: ExportRequest) -> Person:
    """Return who is meant. Raises ``Problem``: no id, an id where none may be, or another hospital than the key's."""
    hospital = hospital_of(who, asked.hospital, here.settings.hospital)
    patient = asked.patient_id
    if not patient or len(patient) > LONGEST_ID:
        raise Problem(INVALID, faults=(Fault("patient_id", f"长度超过 {LONGEST_ID}" if patient else "必填"),))
    if isinstance(asked, EraseRequest):
        kept = {"reason": asked.reason, "by": asked.by or ""}
        faults = tuple(Fault(name, NO_ID_HERE) for name, text in kept.items() if names(text, patient))
        if faults:
            raise Problem(INVALID, faults=faults)
    return person_of(here.identity, hospital, patient)
