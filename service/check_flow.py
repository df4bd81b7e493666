"""The use case: bytes in, verdict out, record kept. The steps of ``architecture.md`` section 3 in order.

In: a ``Call`` and its dialect. Out: a ``Reply``; every failure is a problem in the dialect's own envelope, never an
empty answer. The check never waits for the database.
"""

import asyncio
import dataclasses
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Final, Protocol

import structlog
from msgspec import Raw
from msgspec.structs import replace

from rules import Look, check, encode, needs
from rules.codes import Role
from rules.model import NO_CONTEXT, NO_OVERLAY, Context, Encounter, Input, Overlay, Verdict
from rules.noun import Noun
from service import metrics, records
from service.dialects._contract import Answer, Call, Dialect, Disposition, Feedback, FeedbackAnswer, Reading, Reply
from service.errors import INTERNAL, NOT_READY, Problem
from service.identity import Identity
from service.state import Active, State
from service.upstream import Upstream, agreement

_log = structlog.get_logger("dipcheck.check")
REMEMBERED: Final = 50_000
"""Message ids a worker remembers, to flag one that comes again with other content."""


class Appends(Protocol):
    """Where records go before the answer leaves (``service.journal``)."""

    def append(self, payload: bytes) -> bool:
        """Keep a record; ``False`` when it could not be kept (counted by the journal)."""
        ...


ContextSource = Callable[[tuple[Look, ...], Encounter, float], Awaitable[Context]]
"""Fetches what rules need and the payload lacks, within a deadline in seconds."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a flow is made of."""

    state: State
    identity: Identity
    journal: Appends
    zone: tzinfo
    context: ContextSource | None = None
    context_deadline: float = 0.05
    upstream: Upstream | None = None
    """A provincial platform that 3101/3102 and foreign 3103 entries also go to (ruling 13)."""
    delivered: Callable[[Reading, Answer], None] | None = None
    """Takes verdicts of mode=later for the webhook."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One check as it was asked for."""

    dialect: str
    reading: Reading
    received: datetime
    mode: records.Mode
    started: float
    """``time.perf_counter`` when the message was complete."""


class CheckFlow:
    """Answers checks for one worker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def answer(self, dialect: Dialect, call: Call, mode: records.Mode = "check") -> Reply:
        """Answer one message. Never raises."""
        started = time.perf_counter()
        try:
            reading = dialect.read(call)
            if isinstance(reading, Feedback):
                return dialect.write_feedback(reading, await self.dispose(dialect, reading, call))
            asked = Asked(dialect.name, reading, call.received, mode, started)
            reply = dialect.write(reading, await self._with_upstream(asked, call))
            metrics.SECONDS.labels(dialect.name).observe(time.perf_counter() - started)
            return reply
        except Problem as problem:
            return self.refuse(dialect, problem, call)
        except Exception as error:
            # The last line of defence: say so loudly, never pass it off as an answer, and log no content.
            _log.exception("check failed", dialect=dialect.name, error=type(error).__name__, exc_info=False)
            return self.refuse(dialect, Problem(INTERNAL), call)

    def refuse(self, dialect: Dialect, problem: Problem, call: Call) -> Reply:
        """Write a problem in the dialect's envelope, and count it."""
        metrics.PROBLEMS.labels(dialect.name, problem.kind.code).inc()
        return dialect.refuse(problem, call)

    async def _with_upstream(self, asked: Asked, call: Call) -> Answer:
        """Check here and, where a platform is configured, there in parallel; its failure never takes ours away."""
        upstream, reading = self._parts.upstream, asked.reading
        if upstream is None or reading.forward is None:
            return await self.check(asked)
        forwarded = asyncio.create_task(
            upstream.check(reading.forward, path=call.path, headers=header_texts(call), deadline_ms=reading.deadline_ms)
        )
        try:
            answer = await self.check(asked)
            theirs = await forwarded
        finally:
            forwarded.cancel()
        metrics.UPSTREAM.labels(theirs.outcome).inc()
        if theirs.outcome == "answered":
            self._compare(asked, answer, theirs.rows)
        return dataclasses.replace(answer, upstream=theirs)

    def _compare(self, asked: Asked, answer: Answer, rows: tuple[dict[str, Any], ...]) -> None:
        """Journal where the platform and we agree and disagree, per line and rule; nothing of a person."""
        encounter = asked.reading.encounter
        for found in agreement(answer.verdict.findings, encounter, rows):
            metrics.COMPARISONS.labels(found.outcome).inc()
            record = records.ComparisonRecord(
                verdict_id=answer.verdict_id,
                hospital=encounter.hospital,
                received=asked.received,
                day=records.partition_day(asked.reading.time, asked.received, self._parts.zone),
                outcome=found.outcome,
                line_id=found.line_id,
                upstream_rule=found.upstream_rule,
                our_rule=found.our_rule,
            )
            self._parts.journal.append(records.encode(record))

    async def check(self, asked: Asked) -> Answer:
        """Check one encounter and record the verdict. Raises ``Problem`` when no rulebook is loaded."""
        active = self.active()
        reading = asked.reading
        context = await self._context(reading, active)
        given = Input(encounter=reading.encounter, time=reading.time, role=reading.role, context=context)
        scheme = active.schemes.find(None, service_day(given)) if reading.encounter.visit.type == "inpatient" else None
        return self._record(asked, given, check(given, active.rulebook, scheme))

    def active(self) -> Active:
        """Return rulebook and schemes in use, captured once.

        Raises ``Problem``: an empty answer would look like a pass.
        """
        active = self._parts.state.active
        if active is None:
            raise Problem(NOT_READY, self._parts.state.why_not_ready)
        return active

    async def _context(self, reading: Reading, active: Active) -> Context:
        source = self._parts.context
        if source is None:
            return NO_CONTEXT
        looks = needs(reading.encounter, active.rulebook)
        return await source(looks, reading.encounter, self._parts.context_deadline) if looks else NO_CONTEXT

    def _record(self, asked: Asked, given: Input, verdict: Verdict) -> Answer:
        """Give the verdict its id, journal it, and count it."""
        reading, identity = asked.reading, self._parts.identity
        stored = encode(given.encounter)
        content = content_digest(given, stored)
        verdict_id = identity.verdict_id(
            reading.encounter.hospital, reading.message_id, content, encode(verdict.digests), asked.received
        )
        elapsed = int((time.perf_counter() - asked.started) * 1_000_000)
        record = verdict_record(asked, given, verdict, self._parts.zone)
        record = replace(
            record,
            id=verdict_id,
            content_digest=content.hex(),
            elapsed_us=elapsed,
            input=Raw(input_bytes(given, stored)),
        )
        answer = Answer(
            verdict_id=verdict_id,
            verdict=verdict,
            finding_ids=tuple(identity.finding_id(verdict_id, at + 1) for at in range(len(verdict.findings))),
            recorded=self._parts.journal.append(records.encode(record)),
            repeated_id=self._reused(reading, content),
            elapsed_us=elapsed,
        )
        metrics.count(asked.dialect, verdict)
        if reading.later and self._parts.delivered is not None:
            self._parts.delivered(reading, answer)
        return answer

    def _reused(self, reading: Reading, content: bytes) -> bool:
        """Say whether this worker answered the same message id with other content before, and remember it."""
        if reading.message_id is None:
            return False
        key = (reading.encounter.hospital, reading.message_id)
        known = self._seen.get(key)
        self._seen[key] = content
        if known is None and len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if known is not None and known != content:
            metrics.REUSED_IDS.inc()
            return True
        return False

    async def dispose(self, dialect: Dialect, feedback: Feedback, call: Call) -> FeedbackAnswer:
        """Journal what users did with our findings; relay what is about a platform's; the rest is *unknown*."""
        states = {entry.finding: self._stored(dialect, feedback, entry, call) for entry in feedback.dispositions}
        theirs = [finding for finding, state in states.items() if state == "unknown"]
        if theirs and self._parts.upstream is not None and feedback.forward is not None:
            said = await self._parts.upstream.relay(
                feedback.forward, theirs, path=call.path, headers=header_texts(call)
            )
            state = "relayed" if said is not None and said.outcome == "answered" else "failed"
            states.update(dict.fromkeys(theirs, state))
        for state in states.values():
            metrics.DISPOSITIONS.labels(state).inc()
        return FeedbackAnswer(tuple(states.items()))

    def _stored(self, dialect: Dialect, feedback: Feedback, entry: Disposition, call: Call) -> str:
        ours = self._parts.identity.parse_finding_id(entry.finding)
        if ours is None:
            return "unknown"
        record = records.DispositionRecord(
            finding_id=self._parts.identity.finding_id(*ours),
            verdict_id=ours[0],
            number=ours[1],
            hospital=feedback.hospital,
            received=call.received,
            day=call.received.astimezone(self._parts.zone).date(),
            action=entry.action,
            dialect=dialect.name,
            reason=entry.reason,
            explained=entry.explained,
        )
        return "stored" if self._parts.journal.append(records.encode(record)) else "failed"


def service_day(given: Input) -> date:
    """Return the day whose scheme judges: of discharge, or today while the patient is in."""
    discharged = given.encounter.visit.discharged
    return discharged.date() if discharged else given.time.date()


def header_texts(call: Call) -> dict[str, str]:
    """Return a call's headers as text, for a platform that wants its own among them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers}


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
