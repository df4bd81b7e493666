"""What was told of a verdict's lines, put together: which lines were saved, and what became of its findings.

In: the encounter a verdict is about, and everything that was told of it. Out: the state of each line and finding. It
depends on what was told and not on the order in which it came in, so that settling again changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from rules import encode
from rules.model import Encounter, Line, PastVisit
from service.db.history_writes import LineRow, Standing, Status, VisitRow
from service.db.settling import Became, DispositionRow, EventRow
from service.saved_lines import SavedLine, saved_lines

TELLING: Final = frozenset({"saved", "self_paid", "cancelled"})
"""Actions that tell of lines; others only say that a finding was looked at."""
EARLIEST: Final = timedelta(days=15 * 366)
LATEST: Final = timedelta(days=366)
"""How long before and after its telling a line's day is believed: every other month would get a partition."""


class Evaluated(msgspec.Struct, frozen=True):
    """What the record of lines needs of a stored input."""

    encounter: Encounter
    time: datetime


_EVALUATED: Final = msgspec.json.Decoder(Evaluated)


@dataclass(frozen=True, slots=True)
class LineState:
    """What is known of one line after everything that was told of it."""

    status: Status
    self_paid: bool
    """The patient pays for it by a user's word: a later confirmation that it was saved does not take that back."""
    source: str
    received: datetime


def read_evaluated(content: bytes) -> Evaluated:
    """Return what was evaluated. Raises ``msgspec.MsgspecError``."""
    return _EVALUATED.decode(content)


def lines_of(event: EventRow, current: Mapping[int, Line], findings: Mapping[int, Sequence[int]]) -> frozenset[int]:
    """Return the positions an event is about: its finding's lines, those it names, or all current ones."""
    named = current.keys() if event.number is None else current.keys() & set(findings.get(event.number, ()))
    return frozenset(at for at in named if event.lines is None or current[at].id in event.lines)


def line_states(
    events: Iterable[EventRow], current: Mapping[int, Line], findings: Mapping[int, Sequence[int]]
) -> dict[int, LineState]:
    """Return the state of every line that was told of, by position. Of two tellings at one moment cancelled wins."""
    states: dict[int, LineState] = {}
    for event in sorted((event for event in events if event.action in TELLING), key=_order):
        for at in lines_of(event, current, findings):
            before = states.get(at)
            kept = before is not None and before.self_paid and before.status == "saved"
            cancelled = event.action == "cancelled"
            states[at] = LineState(
                "cancelled" if cancelled else "saved",
                not cancelled and (kept or event.action == "self_paid"),
                event.source,
                event.received,
            )
    return states


def _order(event: EventRow) -> tuple[datetime, bool, str, UUID]:
    return event.received, event.action == "cancelled", event.action, event.id


def became(
    findings: Mapping[int, Sequence[int]],
    states: Mapping[int, LineState | Standing],
    dispositions: Iterable[DispositionRow],
) -> dict[int, Became]:
    """Return what became of findings: the latest disposition, and whether their lines were charged or withdrawn."""
    acted = {row.number: row for row in sorted(dispositions, key=lambda row: (row.received, row.action))}
    found = {}
    for number, positions in findings.items():
        outcome, concluded = _outcome(positions, states)
        done = acted.get(number)
        found[number] = Became(done.action if done else None, done.received if done else None, outcome, concluded)
    return found


def _outcome(
    positions: Sequence[int], states: Mapping[int, LineState | Standing]
) -> tuple[str | None, datetime | None]:
    """Return ``charged`` when a line was saved, ``cancelled`` when all were cancelled, and since when."""
    told = [states[at] for at in positions if at in states]
    saved = [state.received for state in told if state.status == "saved"]
    if saved:
        return "charged", max(saved)
    if told and len(told) == len(set(positions)):
        return "cancelled", max(state.received for state in told)
    return None, None


def line_rows(
    evaluated: Evaluated, kept: Mapping[int, SavedLine], states: Mapping[int, LineState], verdict_id: UUID
) -> Iterator[LineRow]:
    """Yield the rows of lines that were told of; a line at a time nobody lives in is no line of any window."""
    for at, state in states.items():
        found = kept.get(at)
        if found is None or not fileable(found.day, state.received):
            continue
        line = replace(found.line, self_paid=True) if state.self_paid else found.line
        yield LineRow(
            day=found.day,
            key=found.key,
            patient=evaluated.encounter.patient.pseudonym,
            item=storable(line.item),
            visit=storable(found.visit),
            status=state.status,
            source=state.source,
            verdict_id=verdict_id,
            line=encode(line),
            received=state.received,
        )


def kept_lines(encounter: Encounter, time: datetime, zone: tzinfo) -> dict[int, SavedLine]:
    """Return the current lines as they are kept, by their positions in the message."""
    handed: list[int] = []

    def handing() -> Iterator[Line]:
        for line in encounter.lines:
            if line.current:
                handed.append(line.position)
                yield line

    found: dict[int, SavedLine] = {}
    for kept in saved_lines(encounter.hospital, encounter.visit.id, handing(), time=time, zone=zone):
        # It is lazy: the line it took last is the one it gives.
        found[handed[-1]] = kept
    return found


def fileable(day: date, told: datetime) -> bool:
    """Say whether a line of that day can be meant: a slip of the pen must not make a month of the year 2206."""
    return told.date() - EARLIEST <= day <= told.date() + LATEST


def visit_row(encounter: Encounter, received: datetime) -> VisitRow | None:
    """Return the row of an encounter's visit; ``None`` where nobody could find it again."""
    patient, visit = encounter.patient.pseudonym, storable(encounter.visit.id)
    if not patient or not visit:
        return None
    return VisitRow(patient, visit, encode(past_visit_of(encounter)), received)


def past_visit_of(encounter: Encounter) -> PastVisit:
    """Return an encounter's visit as later ones see it: its main diagnosis, or the only one."""
    visit, diagnoses = encounter.visit, encounter.diagnoses
    main = [entry for entry in diagnoses if entry.main] or (diagnoses if len(diagnoses) == 1 else [])
    return PastVisit(
        id=visit.id,
        type=visit.type,
        department=visit.department,
        admitted=visit.admitted,
        discharged=visit.discharged,
        diagnosis=main[0].code if main else "",
        planned=visit.planned,
    )


def storable(text: str) -> str:
    """Return the text without U+0000, which PostgreSQL cannot hold; the exact one is in the bytes beside it."""
    return text.replace("\0", "\ufffd") if "\0" in text else text
