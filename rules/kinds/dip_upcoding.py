"""Likely up-coding (高套分值、组别高套): signs that a stay is in a dearer DIP group than its record bears out.

Each sign is a question for coders. That a stay has cost little says nothing before its end.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from rules.kinds._contract import RuleKind, Triggers
from rules.kinds._dip_signs import SignRow, SignRule, Suspicion, sign_draft, sign_shared, suspicions, too_near
from rules.kinds._dip_specimens import VENTILATION, a_stay
from rules.kinds._record import in_its_scene, settling
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing

CODES: Final[Mapping[str, str]] = {
    "doubtful_code_raises_group": "UPCODING_DOUBTFUL_CODE",
    "low_cost_in_high_group": "UPCODING_LOW_COST",
    "point_chasing": "UPCODING_LOW_COST",
}
OF_THE_WHOLE_COST: Final = frozenset(("low_cost_in_high_group", "point_chasing", "cost_shifted_to_patient"))
"""Signs read off what the whole stay cost."""
ENOUGH_DAYS: Final = 4
"""Days in which 96 hours of ventilation have room."""


class UpcodingRow(SignRow):
    """One line of ``dip_upcoding.csv``."""


class Upcoding(SignRule, frozen=True, kw_only=True):
    """Run form."""


def compile_row(row: UpcodingRow) -> Upcoding:
    """Return the run form."""
    return Upcoding(**sign_shared(row))


def read(rule: Upcoding, lines: tuple[Line, ...], view: View) -> Iterator[Suspicion | Missing]:
    """Yield the signs, those of the whole cost only at the end of the stay."""
    unfit = frozenset[str]() if settling(view) else OF_THE_WHOLE_COST
    yield from suspicions("upcoding", rule, view, without=unfit)


def check(rule: Upcoding, case: Suspicion) -> Draft | None:
    """Speak of a sign unless the other group is worth nearly the same."""
    if too_near(rule, case):
        return None
    return sign_draft(rule, case, CODES, "UPCODING_SUSPECTED", "入组有病历依据")


def witness(rule: Upcoding, encounter: Encounter) -> Encounter:
    """96 hours of ventilation in a stay of three days: without them the group is worth a tenth."""
    return in_its_scene(rule, a_stay(encounter, VENTILATION, days=ENOUGH_DAYS - 1))


def near_miss(rule: Upcoding, encounter: Encounter) -> Encounter:
    """The same in a stay that has room for them."""
    return in_its_scene(rule, a_stay(encounter, VENTILATION, days=ENOUGH_DAYS))


KIND = RuleKind(
    name="dip_upcoding",
    title="疑似高套分值",
    codes=(
        ("UPCODING_DOUBTFUL_CODE", "存疑编码抬高入组"),
        ("UPCODING_LOW_COST", "低费用入高分值组"),
        ("UPCODING_SUSPECTED", "疑似高套"),
    ),
    row=UpcodingRow,
    rule=Upcoding,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
