"""One check as it was asked for, whoever asks: a caller, a batch, or the service itself."""

from dataclasses import dataclass
from datetime import date, datetime

from msgspec.structs import replace

from rules.codes import SETTLEMENT
from rules.model import Encounter, Input
from service import records
from service.dialects._contract import Reading


@dataclass(frozen=True, slots=True)
class Asked:
    """One check as it was asked for."""

    dialect: str
    reading: Reading
    received: datetime
    mode: records.Mode
    started: float
    """``time.perf_counter`` when the message was complete."""
    caller: str = ""
    """The calling system."""


def service_day(given: Input) -> date:
    """Return the day whose scheme judges: of discharge, or today while the patient is in."""
    discharged = given.encounter.visit.discharged
    return discharged.date() if discharged else given.time.date()


def whole_visit(encounter: Encounter) -> Encounter:
    """Return the encounter with the lines that name its own visit as its own; all to be judged where it is settled."""
    encounter = _own_named(encounter)
    if not SETTLEMENT & set(encounter.scenes):
        return encounter
    if all(line.current or line.visit is not None for line in encounter.lines):
        return encounter
    lines = tuple(line if line.visit is not None else replace(line, current=True) for line in encounter.lines)
    return replace(encounter, lines=lines)


def _own_named(encounter: Encounter) -> Encounter:
    """Some senders name the visit on every line of it; only another visit's lines are told by a name."""
    own = encounter.visit.id
    if not own or all(line.visit != own for line in encounter.lines):
        return encounter
    lines = tuple(replace(line, visit=None) if line.visit == own else line for line in encounter.lines)
    return replace(encounter, lines=lines)
