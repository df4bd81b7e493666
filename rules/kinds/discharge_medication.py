"""Discharge medication (出院带药): dose forms that are not taken home, and how many drugs may be.

A sender none of whose lines says yes or no does not tell discharge medication from other orders: then nothing is there
to judge. The dose form is the line's own, through the dictionary; else a western drug's code tells an injection.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec
from pydantic import BeforeValidator, Field

from rules.codings import injected
from rules.kinds._contract import Codes, Row, RuleKind, shared, split_cell
from rules.kinds._doses import tells_discharge
from rules.kinds._edits import plus_line, with_first_line, with_visit
from rules.kinds._text import called
from rules.kinds._view import View, judged
from rules.kinds._windows import merged
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

Form = Literal[
    "oral_solid",
    "sustained_release",
    "oral_liquid",
    "injection",
    "patch",
    "inhalation",
    "topical",
    "suppository",
    "decoction_piece",
    "granule",
    "other",
]
WORDS: Final[dict[Form, str]] = {
    "oral_solid": "口服固体制剂",
    "sustained_release": "缓控释制剂",
    "oral_liquid": "口服液体制剂",
    "injection": "注射剂",
    "patch": "贴剂",
    "inhalation": "吸入剂",
    "topical": "外用制剂",
    "suppository": "栓剂",
    "decoction_piece": "中药饮片",
    "granule": "颗粒剂",
    "other": "其他剂型",
}


class DischargeRow(Row):
    """One line of ``discharge_medication.csv``. Either forms that are forbidden or a number of drugs."""

    forbid_forms: Annotated[tuple[Form, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="dose forms that are not taken home"
    )
    max_drugs: int | None = Field(default=None, gt=0, description="most different drugs taken home")
    except_items: Codes = Field(default=(), description="items the row is not about: insulin …")


class DischargeMedication(Rule, frozen=True, kw_only=True):
    """Run form: what may not be taken home, or how many drugs at most (0: not counted)."""

    forbid_forms: tuple[Form, ...] = ()
    max_drugs: int
    except_items: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True):
    """One line that is taken home in a form the row forbids."""

    line: Line
    form: Form


class Counted(msgspec.Struct, frozen=True):
    """The different drugs that were to be taken home before, and the lines that add to them."""

    before: tuple[str, ...]
    lines: tuple[Line, ...]
    involved: tuple[int, ...]


def compile_row(row: DischargeRow) -> DischargeMedication:
    """Return the run form. Raises ``ValueError`` unless the row says one thing."""
    if bool(row.forbid_forms) == bool(row.max_drugs):
        raise ValueError("set either forbid_forms or max_drugs")
    return DischargeMedication(
        **shared(row),
        forbid_forms=row.forbid_forms,
        max_drugs=row.max_drugs or 0,
        except_items=row.except_items,
    )


def read(rule: DischargeMedication, lines: tuple[Line, ...], view: View) -> Iterator[Taken | Counted | Missing]:
    """Yield the lines that are taken home, or what is missing to tell."""
    if not tells_discharge(view):
        return
    possible = tuple(line for line in lines if line.discharge_medication is not False and _meant(rule, line))
    if rule.max_drugs:
        yield from _drugs(rule, possible, view)
    else:
        yield from _forms(rule, possible, view)


def _meant(rule: DischargeMedication, line: Line) -> bool:
    return not rule.except_items or matches(rule.except_items, line.item) != "yes"


def _forms(rule: DischargeMedication, possible: tuple[Line, ...], view: View) -> Iterator[Taken | Missing]:
    gaps: list[Missing] = []
    for line in possible:
        form = _form_of(rule, line, view)
        if form is None:
            gaps.append(view.unread(line.dose_form, "line.dose_form", line))
        elif form in rule.forbid_forms and line.discharge_medication is None:
            gaps.append(Missing(fields=("line.discharge_medication",), lines=(line.position,)))
        elif form in rule.forbid_forms:
            yield Taken(line, form)
    yield from merged(gaps)


def _form_of(rule: DischargeMedication, line: Line, view: View) -> Form | None:
    """Return a line's dose form, ``None`` when nothing tells; a western code only tells injections from the rest."""
    known = view.meaning("dose_form", line.dose_form)
    if known is not None:
        return next(form for form in WORDS if form == known)
    told = injected(line.item)
    if told is False:
        return "other" if rule.forbid_forms == ("injection",) else None
    return "injection" if told else None


def _drugs(rule: DischargeMedication, possible: tuple[Line, ...], view: View) -> Iterator[Counted | Missing]:
    before, now = judged(rule, view.charges(rule.items, visit_only=True), possible)
    standing = tuple(charge.line for charge in now)
    sure = tuple(line for line in standing if line.discharge_medication is True)
    known = [charge.line for charge in before if charge.line.discharge_medication is True and _meant(rule, charge.line)]
    case = Counted(
        before=tuple(dict.fromkeys(line.item for line in known)),
        lines=sure,
        involved=tuple(line.position for line in known),
    )
    unsure = tuple(line for line in standing if line.discharge_medication is None)
    if unsure and check(rule, case) is None and _different(case.before, (*sure, *unsure)) > rule.max_drugs:
        yield Missing(fields=("line.discharge_medication",), lines=tuple(line.position for line in unsure))
    else:
        yield case


def _different(before: tuple[str, ...], lines: tuple[Line, ...]) -> int:
    return len({*before, *(line.item for line in lines)})


def check(rule: DischargeMedication, case: Taken | Counted) -> Draft | None:
    """Fire for a form that is not taken home, or for the drugs beyond the number."""
    return _form_draft(rule, case) if isinstance(case, Taken) else _count_draft(rule, case)


def _form_draft(rule: DischargeMedication, case: Taken) -> Draft:
    form = WORDS[case.form]
    limit = f"出院带药不得为{form}"
    name = called(case.line, rule.name)
    drug = "" if name == rule.name else name
    return Draft(
        code="DISCHARGE_FORM",
        message=f"【{rule.name}】{drug}为{form},{limit};请改用其他剂型,或在院内用完。",
        lines=(case.line.position,),
        limit=limit,
        present=form,
        allowed=f"除{'、'.join(WORDS[form] for form in rule.forbid_forms)}以外的剂型",
        facts=(("line.dose_form", form),),
    )


def _count_draft(rule: DischargeMedication, case: Counted) -> Draft | None:
    total, had = _different(case.before, case.lines), len(case.before)
    if total <= rule.max_drugs:
        return None
    room = max(0, rule.max_drugs - had)
    fresh = tuple(dict.fromkeys(line.item for line in case.lines if line.item not in case.before))
    beyond = set(fresh[room:])
    lines = tuple(line.position for line in case.lines if line.item in beyond)
    if not lines:
        return None
    within = {line.position for line in case.lines} - set(lines)
    known = f"已开 {had} 种 + " if had else ""
    present = f"{known}本次 {total - had} 种" + (f" = {total} 种" if had else "")
    limit = f"出院带药限 {rule.max_drugs} 种"
    return Draft(
        code="DISCHARGE_DRUGS_EXCEEDED",
        message=f"【{rule.name}】{limit}:{present};本次最多可开 {room} 种。",
        lines=lines,
        involved=tuple(sorted({*case.involved, *within})),
        limit=limit,
        present=present,
        allowed=f"{room} 种",
        facts=(("past", str(had)), ("now", str(total - had)), ("allowed", str(room))),
    )


def _taken_home(encounter: Encounter, **changes: object) -> Encounter:
    placed = with_visit(encounter, type="inpatient", type_conflict=False)
    return with_first_line(placed, discharge_medication=True, **changes)


def _several(rule: DischargeMedication, encounter: Encounter, drugs: int) -> Encounter:
    changed = _taken_home(encounter)
    first = changed.lines[0].item
    exact = [pattern for pattern in rule.items if not pattern.endswith(("*", "?"))]
    # A family has as many codes as are wanted: longer ones begin alike.
    names = dict.fromkeys([first, *exact, *(f"{first}{number:02d}" for number in range(drugs))])
    for item in list(names)[1:drugs]:
        changed = plus_line(changed, item=item)
    return changed


def witness(rule: DischargeMedication, encounter: Encounter) -> Encounter:
    """One drug more than may be taken home, or one in a form that may not."""
    if rule.max_drugs:
        return _several(rule, encounter, rule.max_drugs + 1)
    return _taken_home(encounter, dose_form=rule.forbid_forms[0])


def near_miss(rule: DischargeMedication, encounter: Encounter) -> Encounter:
    """As many drugs as may be taken home, or the forbidden form given in the ward."""
    if rule.max_drugs:
        return _several(rule, encounter, rule.max_drugs)
    return with_first_line(witness(rule, encounter), discharge_medication=False)


KIND: RuleKind[DischargeRow, DischargeMedication, Taken | Counted] = RuleKind(
    name="discharge_medication",
    title="出院带药",
    codes=(("DISCHARGE_FORM", "出院带药剂型不符"), ("DISCHARGE_DRUGS_EXCEEDED", "出院带药超品种数")),
    row=DischargeRow,
    rule=DischargeMedication,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "safety"),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
