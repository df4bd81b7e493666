"""Facility-level limit (限医疗机构级别): an item paid for only from a hospital level upwards.

Two ways past the level: a specialist hospital of the named field at its own, lower level; and, where only the first
prescription is bound, an earlier prescription of the same item (audit rules, section 7 point 9).
"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
from pydantic import Field

from rules.kinds._contract import Look, Row, RuleKind, shared
from rules.kinds._edits import with_facility
from rules.kinds._view import View
from rules.model import Draft, Encounter, Facility, Line, Missing, Rule

LEVELS = {1: "一级", 2: "二级", 3: "三级"}
FIRST_PRESCRIPTION_DAYS = 365
"""How far back an earlier prescription counts as the first one; beyond a year it is a new start."""


class FacilityRow(Row):
    """One line of ``facility_level_limit.csv``."""

    min_level: int = Field(ge=2, le=3, description="lowest level allowed: 2 or 3")
    alt_specialty: str = Field(default="", description="field of a specialist hospital that may be lower")
    alt_level: int | None = Field(default=None, ge=1, le=3, description="lowest level of that specialist hospital")
    first_prescription: bool = Field(default=False, description="only the first prescription is bound")


class FacilityLimit(Rule, frozen=True, kw_only=True):
    """Run form: the level, the specialist exception, and whether only the first prescription is bound."""

    min_level: int
    alt_specialty: str = ""
    alt_level: int = 0
    first_prescription: bool = False


class Case(msgspec.Struct, frozen=True):
    """The hospital's level and field, and the lines it is too low for or not."""

    level: int
    specialty: str
    continued: bool
    lines: tuple[int, ...]


def compile_row(row: FacilityRow) -> FacilityLimit:
    """Return the run form. Raises ``ValueError`` for half an exception."""
    if bool(row.alt_specialty) != (row.alt_level is not None):
        raise ValueError("alt_specialty and alt_level belong together; fill both or neither")
    return FacilityLimit(
        **shared(row),
        min_level=row.min_level,
        alt_specialty=row.alt_specialty,
        alt_level=row.alt_level or 0,
        first_prescription=row.first_prescription,
    )


def read(rule: FacilityLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case; what cannot change the answer need not be known."""
    facility = view.encounter.facility
    if facility.level is None:
        yield Missing(fields=("facility.level",))
        return
    case = Case(facility.level, facility.specialty or "", False, tuple(line.position for line in lines))
    if check(rule, case) is None:
        yield case
        return
    continued = _continued(rule, lines, view) if rule.first_prescription else False
    if continued is True:
        yield msgspec.structs.replace(case, continued=True)
    elif _may_be_specialist(rule, facility) and facility.specialty is None:
        yield Missing(fields=("facility.specialty",))
    else:
        yield continued or case


def _may_be_specialist(rule: FacilityLimit, facility: Facility) -> bool:
    return bool(rule.alt_specialty) and (facility.level or 0) >= rule.alt_level


def _continued(rule: FacilityLimit, lines: tuple[Line, ...], view: View) -> bool | Missing:
    """Say whether the item was prescribed within the year before, and not taken back; or what keeps it unknown."""
    first = min(view.service_day(line) for line in lines)
    since = first - timedelta(days=FIRST_PRESCRIPTION_DAYS)
    days = [view.day_of(charge.line) for charge in view.charges(rule.items) if not charge.line.current]
    if any(day is not None and since <= day <= first for day in days):
        return True
    if None in days:
        return Missing(fields=("line.time",))
    # A patient whom a larger hospital put on it goes on here: our own record cannot tell that nobody did.
    return False if view.sent_since(since) else view.history_missing()


def check(rule: FacilityLimit, case: Case) -> Draft | None:
    """Fire when the hospital is below the level and no exception holds."""
    special = rule.alt_specialty and rule.alt_specialty in case.specialty and case.level >= rule.alt_level
    if case.level >= rule.min_level or special or case.continued:
        return None
    allowed = f"{LEVELS[rule.min_level]}及以上医疗机构"
    if rule.alt_specialty:
        allowed += f"或{LEVELS[rule.alt_level]}及以上{rule.alt_specialty}专科医院"
    present = f"{LEVELS.get(case.level, '未定级')}医疗机构"
    when = "首次处方" if rule.first_prescription else "使用"
    return Draft(
        code="FACILITY_LEVEL_TOO_LOW",
        message=f"【{rule.name}】限{allowed}{when}方予支付,本院为{present};请更换项目,或经患者同意后自费。",
        lines=case.lines,
        limit=f"限{allowed}",
        present=present,
        allowed=allowed,
        facts=(("facility.level", str(case.level)), ("facility.specialty", case.specialty)),
    )


def witness(rule: FacilityLimit, encounter: Encounter) -> Encounter:
    """A general hospital one level too low (no level lies below the first)."""
    return with_facility(encounter, level=max(1, rule.min_level - 1), specialty="")


def near_miss(rule: FacilityLimit, encounter: Encounter) -> Encounter:
    """A hospital of exactly the level."""
    return with_facility(encounter, level=rule.min_level, specialty="")


def looks(rule: FacilityLimit) -> tuple[Look, ...]:
    """Only rules on the first prescription need the past."""
    return (Look(rule.items, FIRST_PRESCRIPTION_DAYS),) if rule.first_prescription else ()


KIND = RuleKind(
    name="facility_level_limit",
    title="限医疗机构级别",
    codes=(("FACILITY_LEVEL_TOO_LOW", "医疗机构级别不符"),),
    row=FacilityRow,
    rule=FacilityLimit,
    compile=compile_row,
    read=read,
    check=check,
    witness=witness,
    near_miss=near_miss,
    looks=looks,
)
