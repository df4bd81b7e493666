"""Small edits of an encounter, for ``witness`` and ``near_miss``: each returns a new encounter."""

from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from rules.model import Encounter, Line


def with_patient(encounter: Encounter, **changes: Any) -> Encounter:
    """Return the encounter with some of the patient's fields changed."""
    return replace(encounter, patient=replace(encounter.patient, **changes))


def with_visit(encounter: Encounter, **changes: Any) -> Encounter:
    """Return the encounter with some of the visit's fields changed."""
    return replace(encounter, visit=replace(encounter.visit, **changes))


def with_facility(encounter: Encounter, **changes: Any) -> Encounter:
    """Return the encounter with some of the facility's fields changed."""
    return replace(encounter, facility=replace(encounter.facility, **changes))


def with_first_line(encounter: Encounter, **changes: Any) -> Encounter:
    """Return the encounter with its first line, the rule's item, changed."""
    first, *rest = encounter.lines
    return replace(encounter, lines=(replace(first, **changes), *rest))


def plus_line(encounter: Encounter, **changes: Any) -> Encounter:
    """Return the encounter with one more line, like the first but for the changes and an id of its own."""
    position = len(encounter.lines)
    fresh: dict[str, Any] = {"position": position, "id": f"L{position + 1}", "stop": None}
    line = replace(encounter.lines[0], **(fresh | changes))
    return replace(encounter, lines=(*encounter.lines, line))


def begin_of(encounter: Encounter) -> datetime:
    """Return the first line's begin; specimens always have one."""
    begin = encounter.lines[0].begin
    if begin is None:
        raise ValueError("a specimen's first line has a begin")
    return begin


def day_of(encounter: Encounter) -> date:
    """Return the first line's service day."""
    return begin_of(encounter).date()


def days_before(encounter: Encounter, days: int) -> datetime:
    """Return the first line's begin moved back by whole days."""
    return begin_of(encounter) - timedelta(days=days)


def past(encounter: Encounter, begin: datetime, **changes: Any) -> Encounter:
    """Return the encounter with a past line of the first line's item at ``begin``."""
    return plus_line(encounter, current=False, begin=begin, **changes)


def sample_code(patterns: tuple[str, ...]) -> str:
    """Return a code that the patterns surely name: the first exact one, else a family filled up with zeros."""
    exact = [pattern for pattern in patterns if pattern[-1:] not in {"*", "?"}]
    return exact[0] if exact else patterns[0][:-1]


def positions(lines: tuple[Line, ...]) -> tuple[int, ...]:
    """Return the positions of lines."""
    return tuple(line.position for line in lines)
