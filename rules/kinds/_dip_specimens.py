"""Stays for the specimens of the DIP kinds, under the scheme of ``rules.engine.specimen_scheme``.

Both are written for each other: what a witness stays for, costs and had done is here, what that is worth there.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from rules.kinds._edits import begin_of, with_visit
from rules.model import UNIT, Diagnosis, Encounter, Operation

PAID: Final = "specimen"
"""医疗类别 that the specimens' scheme pays: every other specimen is out of it, and DIP kinds say nothing there."""
ORDINARY: Final = "K80.100"
"""A principal diagnosis whose group has the standard below."""
STANDARD: Final = 10_000 * UNIT
"""Reference standard and mean cost of that group."""
MODEST: Final = STANDARD * 6 // 10
"""A cost about which nothing is remarkable."""
LOW_LIMIT: Final = Decimal("0.5")
HIGH_LIMIT: Final = Decimal(2)
"""Ratios of cost to the mean at which the specimens' scheme counts a case as a deviation."""
SMALL_OPERATION: Final = "51.1000"
GREAT_OPERATION: Final = "51.2300"
VENTILATION: Final = "96.7201"
"""Operations with that diagnosis: the first leaves the points as they are, the other two make them tenfold."""
TENFOLD: Final = 10
NEVER_PRINCIPAL: Final = "W19.X00"
"""An external cause."""


def a_stay(
    encounter: Encounter,
    *operations: str,
    principal: str = ORDINARY,
    cost: int = MODEST,
    days: int = 5,
    over: bool = True,
) -> Encounter:
    """Return a stay that the specimens' scheme pays, of these operations, the main one first (an edit for specimens).

    ``cost`` is that of the whole stay with its current lines; ``over``: the patient is discharged.
    """
    begin = begin_of(encounter)
    changed = with_visit(
        encounter,
        type="inpatient",
        type_conflict=False,
        medical_type=PAID,
        total_amount=cost,
        total_before_order=False,
        admitted=begin - timedelta(days=days),
        discharged=begin if over else None,
    )
    done = tuple(Operation(code=code, name=code, main=not place) for place, code in enumerate(operations))
    return replace(changed, diagnoses=(Diagnosis(code=principal, name=principal, main=True),), operations=done)
