"""Days of supply (限最大开药天数): how long what is handed out may last, by kind of visit, disease and drug.

Days are those the sender states, else quantity by dose and frequency. A sender none of whose lines states days does not
send this class of fact: then what cannot be worked out is no gap, and the rule says nothing of it (the page says why).
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace
from pydantic import BeforeValidator, Field

from rules.codes import Level
from rules.kinds._contract import Codes, Row, RuleKind, shared, split_cell
from rules.kinds._doses import Supply, supply_of, tells_discharge, tells_supply
from rules.kinds._edits import with_first_line, with_visit
from rules.kinds._text import called
from rules.kinds._view import View
from rules.kinds._windows import merged
from rules.model import Draft, Encounter, Line, Missing, Rule, Visit
from rules.patterns import matches

When = Literal["outpatient", "emergency", "inpatient", "discharge", "any"]
WORDS: Final[dict[When, str]] = {
    "outpatient": "门诊",
    "emergency": "急诊",
    "inpatient": "住院",
    "discharge": "出院带药",
    "any": "每次",
}
CHRONIC_TYPES: Final = "14"
"""First digits of 医疗类别 for 门诊慢特病."""
EMERGENCY_TYPES: Final = "13"
ORDINARY_TYPES: Final = ("11", CHRONIC_TYPES)
"""First digits of 医疗类别 for 急诊, and for visits that are none."""
Limits = tuple[int, list[tuple[int, Missing]]]
"""The limit that surely holds, and what unknown facts could still make of it."""


class SupplyRow(Row):
    """One line of ``supply_days.csv``."""

    max_days: int = Field(gt=0, description="most days of supply")
    when: Annotated[tuple[When, ...], BeforeValidator(split_cell)] = Field(
        min_length=1, description="where what is handed out falls under the limit"
    )
    relax_dx: Codes = Field(default=(), description="ICD-10 patterns with which `relax_days` holds")
    relax_days: int | None = Field(default=None, description="most days with such a diagnosis")
    extends_for_chronic: int | None = Field(
        default=None, description="most days where the visit is settled under a 门慢门特 disease"
    )
    except_items: Codes = Field(default=(), description="items with a limit of their own")


class SupplyDays(Rule, frozen=True, kw_only=True):
    """Run form: the limit in days, where it holds, and what relaxes it."""

    max_days: int
    when: tuple[When, ...]
    relax_dx: tuple[str, ...] = ()
    relax_days: int | None = None
    extends_for_chronic: int | None = None
    except_items: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True):
    """One line: how long it lasts, how long it may, and where."""

    line: Line
    supply: Supply
    limit: int
    when: When
    rescue: bool


def compile_row(row: SupplyRow) -> SupplyDays:
    """Return the run form. Raises ``ValueError`` for a relaxation that is half said, or is none."""
    if bool(row.relax_dx) != (row.relax_days is not None):
        raise ValueError("relax_dx and relax_days belong together")
    if any(days is not None and days <= row.max_days for days in (row.relax_days, row.extends_for_chronic)):
        raise ValueError("what relaxes the limit is more than max_days")
    return SupplyDays(
        **shared(row),
        max_days=row.max_days,
        when=row.when,
        relax_dx=row.relax_dx,
        relax_days=row.relax_days,
        extends_for_chronic=row.extends_for_chronic,
        except_items=row.except_items,
    )


def read(rule: SupplyDays, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case per line above the plain limit: only there it matters what relaxes it and where it holds."""
    open_lines = tuple(_open_lines(rule, lines, view))
    if not open_lines:
        return
    limits = _limits(rule, view)
    gaps: list[Missing] = []
    for line, supply in open_lines:
        found = _case(rule, line, supply, limits, view)
        if isinstance(found, Missing):
            gaps.append(found)
        elif found is not None:
            yield found
    yield from merged(gaps)


def _open_lines(rule: SupplyDays, lines: tuple[Line, ...], view: View) -> Iterator[tuple[Line, Supply | Missing]]:
    """Yield the lines that last longer than the plain limit, and those of which that cannot be told but should be."""
    told = tells_supply(view)
    for line in lines:
        if not told and line.frequency is None:
            continue  # nearly every line of most senders
        supply = supply_of(line, view)
        if isinstance(supply, Supply):
            if supply.days > rule.max_days:
                yield line, supply
        elif told or supply.fields != ("line.supply_days",):
            yield line, supply


def _case(rule: SupplyDays, line: Line, supply: Supply | Missing, limits: Limits, view: View) -> Case | Missing | None:
    """Return the case of a line above the plain limit, or what is missing to tell whether that limit holds."""
    when = _where(rule, line, view)
    if when is None or (rule.except_items and matches(rule.except_items, line.item) == "yes"):
        return None
    if isinstance(supply, Missing):
        return supply
    if isinstance(when, Missing):
        return replace(when, lines=(line.position,))
    limit, gaps = limits
    could = max(limit, *(days for days, _ in gaps)) if gaps else limit
    if limit < supply.days <= could:
        gap = next(gap for days, gap in gaps if supply.days <= days)
        return replace(gap, lines=(line.position,))
    return Case(line, supply, limit, when, view.encounter.visit.rescue is True)


def _where(rule: SupplyDays, line: Line, view: View) -> When | Missing | None:
    """Return where the line falls under the limit; ``None`` when it does not, or what is missing to tell."""
    gap: Missing | None = None
    for when in rule.when:
        found = _falls(when, line, view)
        if found is True:
            return when
        gap = gap or (found if isinstance(found, Missing) else None)
    return gap


def _falls(when: When, line: Line, view: View) -> bool | Missing:
    """Say whether a line falls under one place, or what is missing to tell."""
    visit = view.encounter.visit
    if when == "any":
        return True
    if visit.type is None or visit.type_conflict:
        return Missing(fields=("visit.type",), reason="conflict" if visit.type_conflict else "missing")
    if when in {"outpatient", "emergency"}:
        return visit.type == "outpatient" and _hurried(when, visit)
    return visit.type == "inpatient" and _in_ward(when, line, view)


def _hurried(when: When, visit: Visit) -> bool | Missing:
    """An out-patient visit that does not say falls under the limit of ordinary ones, which is the longer."""
    emergency = _emergency(visit)
    if when == "outpatient":
        return emergency is not True
    return Missing(fields=("visit.emergency",)) if emergency is None else emergency


def _emergency(visit: Visit) -> bool | None:
    """Whether this is an emergency visit, as sent, else by its 医疗类别."""
    kind = visit.medical_type or ""
    if visit.emergency is not None:
        return visit.emergency
    return True if kind.startswith(EMERGENCY_TYPES) else False if kind.startswith(ORDINARY_TYPES) else None


def _in_ward(when: When, line: Line, view: View) -> bool | Missing:
    """A running order is handed out day by day, however long it runs."""
    if when == "discharge":
        if line.discharge_medication is None and tells_discharge(view):
            return Missing(fields=("line.discharge_medication",))
        return line.discharge_medication is True
    return line.discharge_medication is not True and line.long_term is not True and line.stop is None


def _limits(rule: SupplyDays, view: View) -> Limits:
    """Return the limit that surely holds, and what unknown facts could still make of it."""
    limit = rule.max_days
    gaps: list[tuple[int, Missing]] = []
    if rule.relax_days is not None:
        if any(matches(rule.relax_dx, code) for code in view.evidence):
            limit = max(limit, rule.relax_days)
        elif view.unread_diagnoses is not None:
            gaps.append((rule.relax_days, view.unread_diagnoses))
    if rule.extends_for_chronic is not None:
        chronic = _chronic(view.encounter.visit)
        if chronic:
            limit = max(limit, rule.extends_for_chronic)
        elif chronic is None:
            gaps.append((rule.extends_for_chronic, Missing(fields=("visit.chronic_disease",))))
    return limit, gaps


def _chronic(visit: Visit) -> bool | None:
    """Whether the visit is settled under a chronic or special disease; ``None`` when nothing says."""
    if visit.chronic_disease or (visit.medical_type or "").startswith(CHRONIC_TYPES):
        return True
    return None if visit.chronic_disease is None and visit.medical_type is None else False


def check(rule: SupplyDays, case: Case) -> Draft | None:
    """Fire when the line lasts longer than it may."""
    days = case.supply.days
    if days <= case.limit:
        return None
    present = f"本次 {days} 天" if case.supply.stated else f"按数量、单次用量与频次推算可用 {days} 天"
    limit = f"{WORDS[case.when]}限 {case.limit} 天"
    name = called(case.line, rule.name)
    drug = "" if name == rule.name else f"{name} "
    return Draft(
        code="SUPPLY_TOO_LONG",
        message=f"【{rule.name}】{drug}{limit}:{present};最多可开 {case.limit} 天用量。",
        lines=(case.line.position,),
        limit=limit,
        present=present,
        allowed=f"{case.limit} 天",
        facts=(("line.supply_days", str(days)), ("allowed_days", str(case.limit))),
        cap=_cap(case),
    )


def _cap(case: Case) -> Level:
    """Rescue is never interrupted (ruling 21); days worked out from whole packs are an estimate."""
    if case.rescue:
        return "info"
    if case.supply.stated:
        return "block"
    return "warn" if case.supply.days > 2 * case.limit else "info"


def _supplied(rule: SupplyDays, encounter: Encounter, days: int) -> Encounter:
    when = rule.when[0]
    at_home = when in {"outpatient", "emergency"}
    placed = encounter
    if when != "any":
        placed = with_visit(
            encounter,
            type="outpatient" if at_home else "inpatient",
            type_conflict=False,
            emergency=when == "emergency",
            rescue=False,
            medical_type="11" if at_home else "21",
            chronic_disease="",
        )
    relaxing = {found.code for found in encounter.diagnoses if matches(rule.relax_dx, found.code)}
    kept = tuple(found for found in placed.diagnoses if found.code not in relaxing)
    placed = replace(placed, diagnoses=kept or placed.diagnoses)
    return with_first_line(
        placed, supply_days=days, discharge_medication=when == "discharge", long_term=False, stop=None
    )


def witness(rule: SupplyDays, encounter: Encounter) -> Encounter:
    """One day more than the limit."""
    return _supplied(rule, encounter, rule.max_days + 1)


def near_miss(rule: SupplyDays, encounter: Encounter) -> Encounter:
    """Exactly the limit."""
    return _supplied(rule, encounter, rule.max_days)


KIND = RuleKind(
    name="supply_days",
    title="限最大开药天数",
    codes=(("SUPPLY_TOO_LONG", "超开药天数"),),
    row=SupplyRow,
    rule=SupplyDays,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "safety"),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
