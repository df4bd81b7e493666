"""Drug count (药品种类): at most so many different drugs in one out-patient prescription, or on one day.

The five drugs of the prescription rules are no fund rule and never concern in-patients or a rescue (ruling 21): warn at
most, and no money is at stake. Decoction pieces are not counted (the row's ``items`` leave them out), nor what
``except_items`` names, such as solvents. Two brands or forms of one substance are one drug.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, Literal

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import plus_line, with_first_line, with_visit
from rules.kinds._prescriptions import day_by_day, names, prescriptions, sample_drugs, substance, unread_drugs
from rules.kinds._view import Charge, View
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

Per = Literal["prescription", "day"]
WORDS: Final[dict[Per, tuple[str, str]]] = {
    "prescription": ("本张处方", "请精简用药或分方开具"),
    "day": ("当日", "请精简用药"),
}
"""In what drugs are counted, and the way out."""
PRESCRIPTION = "P1"
UNREAD: Final = Missing(fields=("line.item",), reason="unmapped")
UNDATED: Final = Missing(fields=("line.time",))


class DrugCountRow(Row):
    """One line of ``drug_count.csv``."""

    max: int = Field(gt=0, description="different drugs allowed")
    per: Per = Field(default="prescription", description="in what they are counted")
    except_items: Codes = Field(default=(), description="items that do not count, such as solvents")


class DrugCount(Rule, frozen=True, kw_only=True):
    """Run form: how many drugs, in what, and what does not count."""

    max: int
    per: Per
    except_items: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True):
    """One prescription or day that holds too many drugs."""

    count: int
    beyond: str
    lines: tuple[int, ...]
    involved: tuple[int, ...]


class Counted(msgspec.Struct, frozen=True):
    """What stands together: its charges, how many lines may belong to it besides, and why that is open."""

    charges: tuple[Charge, ...]
    doubtful: int
    doubt: Missing
    certain: bool
    """The charges do stand together; lines without a prescription number may not."""


def compile_row(row: DrugCountRow) -> DrugCount:
    """Return the run form. Raises ``ValueError`` for items that name too few drugs."""
    rule = DrugCount(**shared(row), max=row.max, per=row.per, except_items=row.except_items)
    if len(_samples(rule, row.max + 1)) <= row.max:
        raise ValueError("items name no more drugs than max allows, so the rule could never speak")
    return rule


def read(rule: DrugCount, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case for each prescription or day with too many drugs, or what keeps that from being known."""
    visit = view.encounter.visit
    if visit.rescue is True or (visit.type in {"inpatient", "pharmacy"} and not visit.type_conflict):
        return  # a rescue is ordered by word of mouth and written down afterwards
    if len(view.lines) <= rule.max:
        return  # not even if each were a drug of its own, which settles most visits
    asked = {line.position for line in lines if matches(rule.except_items, line.item) is None}
    for counted in _by_prescription(rule, lines, view) if rule.per == "prescription" else _by_day(rule, view):
        drugs = list(dict.fromkeys(substance(charge.line.item) for charge in counted.charges))
        mine = tuple(charge.line.position for charge in counted.charges if charge.line.position in asked)
        if mine and len(drugs) + counted.doubtful > rule.max:
            lacking = _lacking(rule, len(drugs), counted, view)
            if lacking is not None:
                yield msgspec.structs.replace(lacking, lines=mine)
            else:
                yield _case(rule, drugs, counted, mine)


def _by_prescription(rule: DrugCount, lines: tuple[Line, ...], view: View) -> Iterator[Counted]:
    for whole in prescriptions(rule.items, lines, view):
        for found in day_by_day(whole, view):
            yield Counted(_wanted(rule, found.charges), len(found.unread), UNREAD, bool(found.number))


def _by_day(rule: DrugCount, view: View) -> Iterator[Counted]:
    """All drugs of this visit on one service day, whatever their prescriptions."""
    days: dict[date | None, list[Charge]] = {}
    for charge in _wanted(rule, view.charges(rule.items, visit_only=True)):
        days.setdefault(view.day_of(charge.line), []).append(charge)
    undated = days.pop(None, [])
    strange = [view.day_of(line) for line in unread_drugs(rule.items, view)]
    for day, charges in days.items():
        unread = sum(one in {day, None} for one in strange)
        yield Counted(tuple(charges), unread + len(undated), UNREAD if unread else UNDATED, True)


def _wanted(rule: DrugCount, charges: Iterable[Charge]) -> tuple[Charge, ...]:
    return tuple(charge for charge in charges if matches(rule.except_items, charge.line.item) is None)


def _lacking(rule: DrugCount, count: int, counted: Counted, view: View) -> Missing | None:
    """Return what keeps too many from being certain: unread lines, prescriptions, the kind of visit."""
    if count <= rule.max:
        return counted.doubt
    if not counted.certain:
        return Missing(fields=("line.prescription",))
    if view.encounter.visit.type_conflict:
        return Missing(fields=("visit.type",), reason="conflict")
    return Missing(fields=("visit.type",)) if view.encounter.visit.type is None else None


def _case(rule: DrugCount, drugs: list[str], counted: Counted, mine: tuple[int, ...]) -> Case:
    """Known drugs use the limit up first; lines being saved of the drugs beyond it are at fault."""
    extra = set(drugs[rule.max :])
    held = [charge.line for charge in counted.charges]
    over = [line for line in held if line.position in mine and substance(line.item) in extra]
    lines = tuple(line.position for line in over)
    others = tuple(line.position for line in held if line.position not in lines)
    return Case(len(drugs), names(over, rule.name), lines, others)


def check(rule: DrugCount, case: Case) -> Draft | None:
    """Fire where something being saved is beyond the limit; ``read`` yields a case only for too many drugs."""
    if not case.lines:
        return None
    where, advice = WORDS[rule.per]
    limit, present = f"{where}限 {rule.max} 种药品", f"{where}共 {case.count} 种药品"
    return Draft(
        code="TOO_MANY_DRUGS",
        message=f"【{rule.name}】{present},限 {rule.max} 种;{advice}(超出:{case.beyond})。",
        lines=case.lines,
        involved=case.involved,
        amounts=(0,) * len(case.lines),
        limit=limit,
        present=present,
        allowed=f"{rule.max} 种",
        facts=(("count", str(case.count)), ("max", str(rule.max))),
        cap="warn",
    )


def _samples(rule: DrugCount, count: int) -> tuple[str, ...]:
    """Return up to ``count`` codes of different drugs that are counted."""
    codes = sample_drugs(rule.items, count + len(rule.except_items))
    return tuple(code for code in codes if matches(rule.except_items, code) is None)[:count]


def _holding(rule: DrugCount, encounter: Encounter, count: int) -> Encounter:
    first, *others = _samples(rule, count)
    changed = with_visit(encounter, type="outpatient", type_conflict=False, emergency=False)
    changed = with_first_line(changed, item=first, prescription=PRESCRIPTION)
    for code in others:
        changed = plus_line(changed, item=code)
    return changed


def witness(rule: DrugCount, encounter: Encounter) -> Encounter:
    """One drug more than allowed."""
    return _holding(rule, encounter, rule.max + 1)


def near_miss(rule: DrugCount, encounter: Encounter) -> Encounter:
    """As many as allowed."""
    return _holding(rule, encounter, rule.max)


KIND = RuleKind(
    name="drug_count",
    title="药品种类超标",
    codes=(("TOO_MANY_DRUGS", "药品种类过多"),),
    row=DrugCountRow,
    rule=DrugCount,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
