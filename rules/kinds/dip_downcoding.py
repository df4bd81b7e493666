"""Likely down-coding (低套): signs that the record bears out a DIP group worth more than the one a stay is in.

Each sign rests on codes that are recorded already and asks coders to verify which of them stands first. It never asks
for a code that the record does not hold.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from rules.kinds._contract import RuleKind, Triggers
from rules.kinds._dip_signs import SignRow, SignRule, Suspicion, sign_draft, sign_shared, suspicions, too_near
from rules.kinds._dip_specimens import GREAT_OPERATION, SMALL_OPERATION, a_stay
from rules.kinds._record import in_its_scene
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing

CODES: Final[Mapping[str, str]] = {
    "secondary_diagnosis_higher": "DOWNCODING_DIAGNOSIS",
    "recorded_operation_higher": "DOWNCODING_OPERATION",
}


class DowncodingRow(SignRow):
    """One line of ``dip_downcoding.csv``."""


class Downcoding(SignRule, frozen=True, kw_only=True):
    """Run form."""


def compile_row(row: DowncodingRow) -> Downcoding:
    """Return the run form."""
    return Downcoding(**sign_shared(row))


def read(rule: Downcoding, lines: tuple[Line, ...], view: View) -> Iterator[Suspicion | Missing]:
    """Yield the signs, or what keeps them from being looked for."""
    return suspicions("downcoding", rule, view)


def check(rule: Downcoding, case: Suspicion) -> Draft | None:
    """Speak of a sign unless the other group is worth nearly the same."""
    if too_near(rule, case):
        return None
    return sign_draft(rule, case, CODES, "DOWNCODING_SUSPECTED", "主要诊断与主要手术选择恰当")


def witness(rule: Downcoding, encounter: Encounter) -> Encounter:
    """The greater of two operations stands second."""
    return in_its_scene(rule, a_stay(encounter, SMALL_OPERATION, GREAT_OPERATION))


def near_miss(rule: Downcoding, encounter: Encounter) -> Encounter:
    """It stands first."""
    return in_its_scene(rule, a_stay(encounter, GREAT_OPERATION, SMALL_OPERATION))


KIND = RuleKind(
    name="dip_downcoding",
    title="疑似低套分值",
    codes=(
        ("DOWNCODING_DIAGNOSIS", "主要诊断选择偏低"),
        ("DOWNCODING_OPERATION", "主要手术选择偏低"),
        ("DOWNCODING_SUSPECTED", "疑似低套"),
    ),
    row=DowncodingRow,
    rule=Downcoding,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
