"""Low-standard admission (无指征住院、低标准入院): a stay that out-patient care would have done for.

Two readings, one a row. ``only_items``: at the end of a stay all that was charged are examinations, board and drugs
taken by mouth. ``minor_dx``: at admission every diagnosis is a disease treated out of hospital. Whatever may justify
the stay keeps the rule silent; what is minor, and how short a stay, is local.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec
from pydantic import Field

from rules.codings import category_of, injected
from rules.kinds._ages import Age, AgeCell, born, completed
from rules.kinds._contract import Codes, Row, RuleKind, Triggers, shared
from rules.kinds._edits import begin_of, sample_code, with_first_line, with_patient, with_visit
from rules.kinds._record import (
    another_type,
    charges_unknown,
    first_day,
    in_its_scene,
    joined,
    listed,
    settling,
    speaks_in,
    sure,
    unreadable,
    urgent,
    with_diagnosis,
    with_operation,
)
from rules.kinds._text import called
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Rule
from rules.patterns import EVERY_ITEM, matches

ADMISSION: Final = ("3",)
"""住院登记."""
BY_MOUTH: Final = frozenset(("oral_solid", "sustained_release", "oral_liquid", "granule"))
"""Dose forms that are swallowed."""
UNNAMED: Final = "未命名项目"
OPERATION: Final = "86.2200"
"""清创术: what a specimen had done to justify its stay."""


class LowStandardRow(Row):
    """One line of ``low_standard_admission.csv``."""

    items: Codes = ()
    only_items: Codes = Field(default=(), description="items that do not justify a stay, however many")
    oral_drugs: bool = Field(default=False, description="true: drugs taken by mouth do not justify it either")
    max_days: int | None = Field(default=None, gt=0, description="only stays of at most so many days are judged")
    minor_dx: Codes = Field(default=(), description="ICD-10 patterns of diseases treated out of hospital")
    except_dx: Codes = Field(default=(), description="ICD-10 patterns, any of which justifies a stay")
    min_age: AgeCell | None = Field(default=None, description="first age judged: 14y")
    max_age: AgeCell | None = Field(default=None, description="last age judged: 69y")


class LowStandard(Rule, frozen=True, kw_only=True):
    """Run form: what does not justify a stay, and for whom that is asked."""

    only_items: tuple[str, ...]
    oral_drugs: bool
    max_days: int | None
    minor_dx: tuple[str, ...]
    except_dx: tuple[str, ...]
    min_age: Age | None = None
    max_age: Age | None = None


class Case(msgspec.Struct, frozen=True):
    """A stay that nothing justifies: its days and all that was charged, or all it was for."""

    days: int
    found: str


def compile_row(row: LowStandardRow) -> LowStandard:
    """Return the run form. Raises ``ValueError`` unless the row has one reading, with the columns that belong to it."""
    if bool(row.only_items) == bool(row.minor_dx):
        raise ValueError("name either only_items or minor_dx")
    if row.minor_dx and (row.max_days is not None or row.oral_drugs):
        raise ValueError("max_days and oral_drugs belong to only_items")
    return LowStandard(
        **shared(row),
        only_items=row.only_items,
        oral_drugs=row.oral_drugs,
        max_days=row.max_days,
        minor_dx=row.minor_dx,
        except_dx=row.except_dx,
        min_age=row.min_age,
        max_age=row.max_age,
    )


def read(rule: LowStandard, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a stay that nothing known justifies, or what keeps that from being certain."""
    speaks = settling(view) if rule.only_items else speaks_in(rule, ADMISSION, view)
    visit = view.encounter.visit
    if not speaks or urgent(view) or visit.planned is True or view.encounter.operations or sure(view, rule.except_dx):
        return
    for outside in (another_type(view, "inpatient"), _of_another_age(rule, view)):
        if isinstance(outside, Missing):
            yield outside
        if outside is not False:
            return
    said = _by_charges(rule, view) if rule.only_items else _by_diagnoses(rule, view)
    if said is not None:
        yield said


def _of_another_age(rule: LowStandard, view: View) -> Missing | bool:
    """Say whether the patient is younger or older, at admission, than those the row judges."""
    birth, low, high = view.encounter.patient.birth_date, rule.min_age, rule.max_age
    if low is None and high is None:
        return False
    if birth is None:
        return Missing(fields=("patient.birth_date",))
    day = first_day(view)
    below = low is not None and completed(birth, day, low.unit) < low.count
    return below or (high is not None and completed(birth, day, high.unit) > high.count)


def _by_charges(rule: LowStandard, view: View) -> Case | Missing | None:
    """Judge a stay by all that was charged in it; one thing that may justify it is enough."""
    visit = view.encounter.visit
    if visit.admitted is None:
        return Missing(fields=("visit.admitted",))
    end = visit.discharged.date() if visit.discharged else view.today
    days = max(1, (end - visit.admitted.date()).days)
    if rule.max_days is not None and days > rule.max_days:
        return None
    lines = _charged(view)
    unclear: Missing | None = None
    for line in {(line.item, line.route, line.dose_form): line for line in lines}.values():
        justifies = _justifies(rule, line, view)
        if justifies is True:
            return None
        unclear = unclear or justifies or None
    if not lines:
        return None
    excused = view.unread_diagnoses if rule.except_dx else None
    lacking = unclear or charges_unknown(view, rule.only_items) or excused
    return lacking or Case(days, joined(called(line, UNNAMED) for line in view.in_order(lines)))


def _charged(view: View) -> list[Line]:
    """Return what the stay was charged for: at settlement that is the whole stay, seldom with a reversal in it."""
    lines = [line for line in view.lines if line.visit is None and line.item and line.quantity != 0]
    if any(line.quantity is not None and line.quantity < 0 for line in lines):
        return [charge.line for charge in view.charges((EVERY_ITEM,), visit_only=True)]
    return lines


def _justifies(rule: LowStandard, line: Line, view: View) -> Missing | bool:
    """Say whether a charge may need a stay; one that cannot be read is asked about with the whole."""
    if matches(rule.only_items, line.item) or unreadable(line, rule.only_items):
        return False
    if not rule.oral_drugs or category_of(line.item) != "drug":
        return True
    route = view.meaning("route", line.route)
    if route is not None:
        return route != "oral"
    form = view.meaning("dose_form", line.dose_form)
    if form is not None:
        return form not in BY_MOUTH
    return injected(line.item) or view.unread(line.route, "line.route")


def _by_diagnoses(rule: LowStandard, view: View) -> Case | Missing | None:
    """Judge an admission by its diagnoses; one that is not minor, or only suspected, is enough."""
    western = [found for found in view.encounter.diagnoses if found.system == "icd"]
    if not all(_minor(rule, found) for found in western):
        return None
    return view.unread_diagnoses or Case(0, listed(western))


def _minor(rule: LowStandard, found: Diagnosis) -> bool:
    return bool(found.evidence) and all(matches(rule.minor_dx, code) for code in found.evidence)


def check(rule: LowStandard, case: Case) -> Draft | None:
    """Say what the stay consists of, and what would justify it."""
    if rule.minor_dx:
        code, limit, present = "MINOR_ILLNESS_ADMISSION", "一般可在门诊治疗", f"入院诊断仅为{case.found}"
        ask = "有住院指征的请补录诊断或注明,否则请转门诊"
    else:
        code, limit = "STAY_WITHOUT_TREATMENT", "未见需住院的治疗"
        present = f"住院 {case.days} 天,收费仅有{case.found}"
        ask = "有住院指征的请注明,否则请按门诊结算"
    return Draft(
        code=code,
        message=f"【{rule.name}】{present},{limit};{ask}。",
        lines=(),
        limit=limit,
        present=present,
        allowed="有住院指征的诊断" if rule.minor_dx else "需住院的治疗",
        facts=(("found", case.found), *((("days", str(case.days)),) if case.days else ())),
    )


def _moment(rule: LowStandard, encounter: Encounter) -> Encounter:
    """The moment at which the row is judged, for a patient it judges: discharged, or at admission."""
    changed = with_visit(encounter, type="inpatient", type_conflict=False)
    age = rule.min_age or rule.max_age
    if age is not None:
        admitted = encounter.visit.admitted or begin_of(encounter)
        changed = with_patient(changed, birth_date=born(admitted.date(), age))
    if rule.minor_dx:
        return in_its_scene(rule, changed, ADMISSION)
    begin = begin_of(encounter)
    return in_its_scene(rule, with_visit(changed, admitted=begin - timedelta(days=1), discharged=begin))


def witness(rule: LowStandard, encounter: Encounter) -> Encounter:
    """One day in hospital for one item of the list; or admitted for one minor disease."""
    changed = _moment(rule, encounter)
    if rule.only_items:
        return with_first_line(changed, item=sample_code(rule.only_items))
    return with_diagnosis(msgspec.structs.replace(changed, diagnoses=()), rule.minor_dx)


def near_miss(rule: LowStandard, encounter: Encounter) -> Encounter:
    """The same with an operation, or with another disease beside it."""
    changed = _moment(rule, encounter)
    if rule.only_items:
        return with_operation(with_first_line(changed, item=sample_code(rule.only_items)), (OPERATION,))
    return with_diagnosis(changed, rule.minor_dx)


KIND = RuleKind(
    name="low_standard_admission",
    title="无指征住院",
    codes=(
        ("STAY_WITHOUT_TREATMENT", "住院期间无治疗"),
        ("MINOR_ILLNESS_ADMISSION", "轻症入院"),
    ),
    row=LowStandardRow,
    rule=LowStandard,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(diagnoses=rule.minor_dx, visit=not rule.minor_dx),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
