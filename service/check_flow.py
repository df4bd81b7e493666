"""The use case: bytes in, verdict out, record kept. The steps of ``architecture.md`` section 3 in order.

In: a ``Call`` and its dialect. Out: a ``Reply``; every failure is a problem in the dialect's own envelope, never an
empty answer. The check never waits for the database.
"""

import asyncio
import dataclasses
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, Protocol

import structlog
from msgspec import Raw
from msgspec.structs import replace

from rules import Look, check, encode, needs
from rules.model import NO_CONTEXT, Context, Encounter, Input, Verdict
from service import metrics, records
from service.asked import Asked, service_day, whole_visit
from service.belonging import Belonging
from service.dialects._contract import Answer, Call, Dialect, Disposition, Feedback, FeedbackAnswer, Reading, Reply
from service.errors import INTERNAL, NOT_READY, Problem
from service.history.context import LATE
from service.identity import Identity
from service.state import Active, State
from service.upstream import Upstream, agreement
from service.verdict_records import content_digest, input_bytes, sent_digest, verdict_record

_log = structlog.get_logger("dipcheck.check")
RESERVED: Final = 0.02
"""Seconds of a caller's deadline kept for the check itself and the answer."""
SHORTEST: Final = 0.01
"""Seconds below which history is not asked for."""
REMEMBERED: Final = 50_000
"""Message ids a worker remembers, to flag one that comes again with other content."""


class Appends(Protocol):
    """Where records go before the answer leaves (``service.journal``)."""

    def append(self, payload: bytes) -> bool:
        """Keep a record; ``False`` when it could not be kept (counted by the journal)."""
        ...

    @property
    def waits(self) -> bool:
        """Whether an answer waits until what was kept is on the disk."""
        ...

    async def durable(self) -> bool:
        """Wait until what was kept before is on the disk; ``False`` when the disk refused (counted)."""
        ...


ContextSource = Callable[[tuple[Look, ...], Encounter, float, datetime], Awaitable[Context]]
"""Fetches what rules need and the payload lacks, within a deadline in seconds, as of the message's time."""


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
    belonging: Belonging | None = None
    delivered: Callable[[Reading, Answer], None] | None = None
    """Takes verdicts of mode=later for the webhook."""


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
            asked = Asked(dialect.name, reading, call.received, mode, started, call.caller)
            answer = await self._with_upstream(asked, call)
            reply = dialect.write(reading, answer)
            if answer.recorded and self._parts.journal.waits:
                # The object trees go before the wait: many alive at once are what makes waiting dear.
                del asked, reading
                reply = await self._when_durable(dialect, call, answer, reply)
            metrics.SECONDS.labels(dialect.name).observe(time.perf_counter() - started)
            return reply
        except Problem as problem:
            return self.refuse(dialect, problem, call)
        except Exception as error:
            # The last line of defence: say so loudly, never pass it off as an answer, and log no content.
            _log.exception("check failed", dialect=dialect.name, error=type(error).__name__, exc_info=False)
            return self.refuse(dialect, Problem(INTERNAL), call)

    async def _when_durable(self, dialect: Dialect, call: Call, answer: Answer, reply: Reply) -> Reply:
        """Return the reply once its record is on the disk; one that says so, if the disk refused."""
        if await self._parts.journal.durable():
            return reply
        return dialect.write(dialect.read(call), dataclasses.replace(answer, recorded=False))  # type: ignore[arg-type]

    def refuse(self, dialect: Dialect, problem: Problem, call: Call) -> Reply:
        """Write a problem in the dialect's envelope, count it, and journal that a known caller got no verdict."""
        metrics.PROBLEMS.labels(dialect.name, problem.kind.code).inc()
        if call.caller:
            record = records.RefusalRecord(
                id=str(uuid.uuid4()),
                hospital=call.hospital or call.default_hospital,
                received=call.received,
                day=call.received.astimezone(self._parts.zone).date(),
                dialect=dialect.name,
                problem=problem.kind.code,
                caller=call.caller,
                message_id=dialect.message_id(call),
            )
            self._parts.journal.append(records.encode(record))
        return dialect.refuse(problem, call)

    async def keep(self, record: records.JournalRecord) -> bool:
        """Journal a record and wait as the policy asks; ``False`` when it was not recorded (counted)."""
        journal = self._parts.journal
        return journal.append(records.encode(record)) and (not journal.waits or await journal.durable())

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
        reading, encounter = asked.reading, whole_visit(asked.reading.encounter)
        context = await self._context(asked, encounter, active)
        given = Input(encounter=encounter, time=reading.time, role=reading.role, context=context)
        scheme = active.schemes.find(None, service_day(given)) if encounter.visit.type == "inpatient" else None
        return self._record(asked, given, check(given, active.rulebook, scheme))

    def active(self) -> Active:
        """Return rulebook and schemes in use, captured once.

        Raises ``Problem``: an empty answer would look like a pass.
        """
        active = self._parts.state.active
        if active is None:
            raise Problem(NOT_READY, self._parts.state.why_not_ready)
        return active

    async def _context(self, asked: Asked, encounter: Encounter, active: Active) -> Context:
        source = self._parts.context
        if source is None:
            return NO_CONTEXT
        looks = needs(encounter, active.rulebook)
        if not looks:
            return NO_CONTEXT
        patience = self._patience(asked)
        # So short a look would only be missed, and a miss keeps other callers from asking for a while.
        return await source(looks, encounter, patience, asked.reading.time) if patience >= SHORTEST else LATE

    def _patience(self, asked: Asked) -> float:
        """Return the seconds that history may take: ours, or what the caller's own deadline leaves."""
        allowed, deadline = self._parts.context_deadline, asked.reading.deadline_ms
        if deadline is None:
            return allowed
        left = deadline / 1000 - (time.perf_counter() - asked.started) - RESERVED
        return max(0.0, min(allowed, left))

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
            repeated_id=self._reused(reading, content if given.context == NO_CONTEXT else sent_digest(given, stored)),
            elapsed_us=elapsed,
        )
        if self._parts.belonging is not None:
            self._parts.belonging.note(verdict_id, reading.encounter.hospital)
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
        if "stored" in states.values() and self._parts.journal.waits and not await self._parts.journal.durable():
            states = {finding: "failed" if state == "stored" else state for finding, state in states.items()}
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
            hospital=entry.hospital or feedback.hospital,
            received=call.received,
            day=call.received.astimezone(self._parts.zone).date(),
            action=entry.action,
            dialect=dialect.name,
            reason=entry.reason,
            explained=entry.explained,
            reason_code=entry.reason_code,
        )
        return "stored" if self._parts.journal.append(records.encode(record)) else "failed"


def header_texts(call: Call) -> dict[str, str]:
    """Return a call's headers as text, for a platform that wants its own among them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers}
