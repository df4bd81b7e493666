"""What is kept of a check: the verdict's record, the canonical bytes of its input, and the digest of its content.

Bytes are made once where the plain way would make them twice; tests hold both ways equal.
"""

import hashlib
from datetime import datetime, tzinfo

from msgspec import Raw
from msgspec.structs import replace

from rules import encode
from rules.codes import Role
from rules.model import NO_CONTEXT, NO_OVERLAY, Context, Encounter, Input, Overlay, Verdict
from rules.noun import Noun
from service import records
from service.asked import Asked


def verdict_record(asked: Asked, given: Input, verdict: Verdict, zone: tzinfo) -> records.VerdictRecord:
    """Return what is kept of a verdict, still without its id, its input's bytes and its timing."""
    encounter, reading = given.encounter, asked.reading
    first = next((line for line in encounter.lines if line.current), None)
    department = (first.department if first else None) or encounter.visit.department
    doctor = (first.doctor if first else None) or encounter.visit.doctor
    return records.VerdictRecord(
        id="",
        hospital=encounter.hospital,
        received=asked.received,
        day=records.partition_day(reading.time, asked.received, zone),
        dialect=asked.dialect,
        mode="later" if reading.later else asked.mode,
        input=Raw(b""),
        verdict=Raw(encode(verdict)),
        content_digest="",
        state=verdict.state,
        amount=verdict.amount,
        message_id=reading.message_id,
        patient=encounter.patient.pseudonym,
        visit=encounter.visit.id,
        department=department,
        doctor=doctor,
        owners=owners_of(verdict, encounter, department, doctor),
        caller=asked.caller,
        carries_history=any(not line.current for line in encounter.lines),
    )


def owners_of(
    verdict: Verdict, encounter: Encounter, department: str | None, doctor: str | None
) -> tuple[tuple[int, str | None, str | None], ...]:
    """Return who ordered a finding's first line, by finding number, where it is somebody else than the record says."""
    found = []
    for number, finding in enumerate(verdict.findings, 1):
        line = encounter.lines[finding.lines[0]] if finding.lines else None
        owner = ((line and line.department) or department, (line and line.doctor) or doctor)
        if owner != (department, doctor):
            found.append((number, *owner))
    return tuple(found)


class _StoredInput(Noun, frozen=True, kw_only=True):
    """``Input`` field by field, with an encounter that is bytes already."""

    encounter: Raw
    time: datetime
    role: Role = "doctor"
    context: Context = NO_CONTEXT
    overlay: Overlay = NO_OVERLAY


def input_bytes(given: Input, encounter: bytes) -> bytes:
    """Return the canonical bytes of an input whose encounter has been encoded before (tested equal to ``encode``)."""
    return encode(
        _StoredInput(
            encounter=Raw(encounter), time=given.time, role=given.role, context=given.context, overlay=given.overlay
        )
    )


def content_digest(given: Input, encounter: bytes) -> bytes:
    """Return BLAKE2b-256 of what was evaluated, without the envelope's time (decision 2).

    ``encounter`` is the encounter's canonical bytes.

    The *day* of that time stays in when a current line leans on it, or a stay that is not over, whose days are counted
    up to it: then it is part of what was evaluated.
    """
    visit = given.encounter.visit
    staying = visit.type == "inpatient" and visit.discharged is None
    leans = staying or any(line.current and line.begin is None for line in given.encounter.lines)
    digest = hashlib.blake2b(encounter, digest_size=32)
    rest = (given.time.date().isoformat() if leans else "", given.role)
    digest.update("\n".join(rest).encode())
    digest.update(encode(given.context))
    digest.update(encode(given.overlay))
    return digest.digest()


def sent_digest(given: Input, encounter: bytes) -> bytes:
    """Return the digest of what the caller sent, whatever the record knew besides: the same message may be judged
    with more history a minute later, and is no other message for that.
    """
    return content_digest(replace(given, context=NO_CONTEXT), encounter)
