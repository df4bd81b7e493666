"""The coded record and the frame of a visit: what rules on diagnoses, operations and whole stays share.

Only sure ICD-10 diagnoses count. A rule about a whole visit speaks at its own moment, in the scenes it names, not with
every order; what a silent answer needs to know of the stay is asked for here.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from msgspec.structs import replace

from rules.codes import Reason
from rules.codings import category_of
from rules.kinds._edits import sample_code
from rules.kinds._view import View
from rules.model import Diagnosis, Encounter, Line, Missing, Operation, Rule
from rules.patterns import matches

SHOWN: Final = 5
"""Names listed in a message before 等."""
SETTLEMENT: Final = frozenset(("6", "7", "8", "9", "10"))
"""结算 and 预结算: the visit's charges are complete."""
NATIONAL_LETTERS: Final = "XZTC0123456789"
"""First characters of national item codes; what begins otherwise is a hospital's own."""

_CODED: Final = re.compile(r"^\d\d\.")
"""How an ICD-9-CM-3 code begins."""


def sure(view: View, patterns: tuple[str, ...]) -> tuple[Diagnosis, ...]:
    """Return the diagnoses surely of these codes: neither suspected nor outside ICD-10."""
    diagnoses = view.encounter.diagnoses
    return tuple(found for found in diagnoses if any(matches(patterns, code) for code in found.evidence))


def thought_of(view: View, patterns: tuple[str, ...]) -> bool:
    """Say whether an ICD-10 diagnosis is of these codes, a suspected one too: it is reason enough to treat."""
    held = [code for found in view.encounter.diagnoses if found.system == "icd" for code in found.code.split("+")]
    return any(matches(patterns, code) for code in held)


def operated(view: View, patterns: tuple[str, ...]) -> tuple[Operation, ...]:
    """Return the operations of these codes."""
    return tuple(found for found in view.encounter.operations if matches(patterns, found.code))


def is_coded(operation: str) -> bool:
    """Say whether an operation's code is of ICD-9-CM-3, so that it tells what was done and what was not."""
    return _CODED.match(operation) is not None


def unread_operation(codes: Iterable[str]) -> Missing | None:
    """Return what keeps the absence of an operation from being certain: one without a code, or of a local one."""
    unread = [code for code in codes if not is_coded(code)]
    return Missing(fields=("operation.code",), reason="unmapped" if all(unread) else "missing") if unread else None


def main_diagnosis(view: View) -> Diagnosis | Missing:
    """Return the main diagnosis as sure ICD-10: the one flagged, else the only one, else what is missing.

    A TCM diagnosis stands beside the main one and is never it.
    """
    western = [found for found in view.encounter.diagnoses if found.system != "tcm"]
    main = next((found for found in western if found.main), western[0] if len(western) == 1 else None)
    if main is not None and main.evidence:
        return main
    return view.unread_diagnoses or Missing(fields=("diagnosis.main",))


def listed(found: Iterable[Diagnosis | Operation]) -> str:
    """Return diagnoses or operations by name as a message lists them; a code only where no name came."""
    return joined(one.name or one.code for one in found)


def joined(names: Iterable[str]) -> str:
    """Return names as a message lists them: each once, and not too many."""
    once = list(dict.fromkeys(names))
    return "、".join(once[:SHOWN]) + (" 等" if len(once) > SHOWN else "")


def settling(view: View) -> bool:
    """Say whether the visit is at its end: the message's scene says, else a discharge that is not yet to come.

    Orders are written under their own scenes after a discharge too, and a discharge may be planned days ahead.
    """
    scenes, discharged = view.encounter.scenes, view.encounter.visit.discharged
    if scenes:
        return not SETTLEMENT.isdisjoint(scenes)
    return discharged is not None and discharged <= view.time


def speaks_in(rule: Rule, scenes: tuple[str, ...], view: View) -> bool:
    """Say whether the message names a scene in which a rule about the visit itself speaks: the row's, else these.

    A message without a scene is an order like any other; to repeat a remark on the visit with each would be noise.
    """
    return not set(rule.scenes or scenes).isdisjoint(view.encounter.scenes)


def another_type(view: View, wanted: str) -> Missing | bool:
    """Say whether the visit is of another type than the wanted one, or what keeps that from being known."""
    visit = view.encounter.visit
    if visit.type_conflict:
        return Missing(fields=("visit.type",), reason="conflict")
    return Missing(fields=("visit.type",)) if visit.type is None else visit.type != wanted


def urgent(view: View) -> bool:
    """Say whether the visit is known to be an emergency or a rescue, where nobody counts days or charges."""
    visit = view.encounter.visit
    return visit.emergency is True or visit.rescue is True


def first_day(view: View) -> date:
    """Return the day the visit began: its admission, else the message's day; never after the message."""
    admitted = view.encounter.visit.admitted
    return min(admitted.date(), view.today) if admitted else view.today


def charges_unknown(view: View, patterns: tuple[str, ...]) -> Missing | None:
    """Return what keeps the absence of an item from this visit's charges from being certain.

    A line without a code may be anything; one of a local code may stand for a national item that the patterns name.
    """
    strange = _strange(view, patterns)
    if strange is not None:
        return strange
    visit = view.encounter.visit
    if visit.admitted is None and visit.type != "outpatient":
        return Missing(fields=("visit.admitted",))
    return None if view.covered_since(first_day(view)) else view.history_missing()


def unreadable(line: Line, patterns: tuple[str, ...]) -> bool:
    """Say whether a line may be of the patterns without showing it: no code, or a local one beside national ones."""
    if category_of(line.item) is not None or matches(patterns, line.item) == "yes":
        return False
    return not line.item or all(pattern[:1] in NATIONAL_LETTERS for pattern in patterns)


def _strange(view: View, patterns: tuple[str, ...]) -> Missing | None:
    lines = [line for line in view.lines if line.visit is None and unreadable(line, patterns)]
    if not lines:
        return None
    current = tuple(line.position for line in lines if line.current)
    reason: Reason = "unmapped" if all(line.item for line in lines) else "missing"
    return Missing(fields=("line.item",), reason=reason, lines=current)


def in_its_scene(rule: Rule, encounter: Encounter, scenes: tuple[str, ...] = ()) -> Encounter:
    """Return the encounter in the first scene the rule speaks in, the row's or else these (an edit for specimens)."""
    named = (rule.scenes or scenes)[:1]
    return replace(encounter, scenes=named) if named else encounter


def with_diagnosis(encounter: Encounter, patterns: tuple[str, ...]) -> Encounter:
    """Return the encounter with one more diagnosis, of a code that the patterns name (an edit for specimens)."""
    code = sample_code(patterns)
    return replace(encounter, diagnoses=(*encounter.diagnoses, Diagnosis(code=code, name=code)))


def with_operation(encounter: Encounter, patterns: tuple[str, ...], day: date | None = None) -> Encounter:
    """Return the encounter with one more operation, of a code that the patterns name (an edit for specimens)."""
    code = sample_code(patterns)
    return replace(encounter, operations=(*encounter.operations, Operation(code=code, name=code, day=day)))
