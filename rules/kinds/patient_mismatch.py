"""Patient mismatch (诊断、手术与患者不符): a diagnosis or operation that this patient's sex or age cannot have.

A row names diagnoses or operations, and either the one sex or the ages they belong to. Suspected diagnoses say nothing.
A newborn's diseases on its mother's bill, and hers on the newborn's, are nobody's mismatch (audit rules, 7 point 5).
"""

from collections.abc import Iterator
from datetime import date

import msgspec
from pydantic import Field

from rules.codes import Level, Sex
from rules.kinds._ages import DAYS_IN, Age, AgeCell, born, completed, in_words
from rules.kinds._contract import Codes, Row, RuleKind, Triggers, shared
from rules.kinds._edits import day_of, with_patient
from rules.kinds._record import first_day, in_its_scene, listed, operated, sure, with_diagnosis, with_operation
from rules.kinds._view import OBSTETRIC, View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Operation, Rule

WORDS: dict[Sex, str] = {"male": "男性", "female": "女性"}
CHILDBEARING_YEARS = 10
NEWBORN_DAYS = 28
PERINATAL = "P"
"""First letter of P00-P96: diseases of the newborn that may be named long after (ruling 17)."""


class MismatchRow(Row):
    """One line of ``patient_mismatch.csv``."""

    items: Codes = ()
    dx: Codes = Field(default=(), description="ICD-10 patterns that only such patients have")
    ops: Codes = Field(default=(), description="ICD-9-CM-3 patterns done only on such patients")
    sex: Sex | None = Field(default=None, description="the one sex")
    min_age: AgeCell | None = Field(default=None, description="first age: 3y, 6m, 28d")
    max_age: AgeCell | None = Field(default=None, description="last age, whole: 1y ends before the 2nd birthday")


class PatientMismatch(Rule, frozen=True, kw_only=True):
    """Run form: what is named, and the sex or the ages it belongs to."""

    dx: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    sex: Sex | None = None
    min_age: Age | None = None
    max_age: Age | None = None


class Case(msgspec.Struct, frozen=True):
    """What was found, and the patient: sex, or birth date with the days on which the two ends are counted."""

    found: str
    sex: Sex | None = None
    birth: date = date.min
    first: date = date.min
    """The visit's first day: who fell ill young enough stays so while the visit lasts."""
    today: date = date.min
    perinatal: bool = False


def compile_row(row: MismatchRow) -> PatientMismatch:
    """Return the run form. Raises ``ValueError`` for columns that contradict each other."""
    low, high = row.min_age, row.max_age
    if bool(row.dx) == bool(row.ops):
        raise ValueError("name either dx or ops")
    if (row.sex is None) == (low is None and high is None):
        raise ValueError("give either sex or ages (min_age, max_age)")
    if low and high and low.count * DAYS_IN[low.unit] > high.count * DAYS_IN[high.unit]:
        raise ValueError(f"min_age `{low.count}{low.unit}` is above max_age `{high.count}{high.unit}`")
    return PatientMismatch(**shared(row), dx=row.dx, ops=row.ops, sex=row.sex, min_age=low, max_age=high)


def read(rule: PatientMismatch, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for all that was found: sex and age belong to the patient, not to a line."""
    found: tuple[Diagnosis | Operation, ...] = sure(view, rule.dx) or operated(view, rule.ops)
    if found and rule.sex:
        yield _case_of_sex(rule.sex, found, view)
    elif found:
        yield _case_of_age(rule, found, view)


def _case_of_sex(wanted: Sex, found: tuple[Diagnosis | Operation, ...], view: View) -> Case | Missing:
    sex = view.encounter.patient.sex
    if sex is None:
        return Missing(fields=("patient.sex",))
    lacking = None if sex == wanted else _another_person(wanted, found, view)
    return lacking or Case(listed(found), sex=sex)


def _another_person(wanted: Sex, found: tuple[Diagnosis | Operation, ...], view: View) -> Missing | None:
    """Return what to say where mother and newborn share a record: what was found may be the other one's.

    A boy's disease on his mother's bill is no fault of her sex, nor is her delivery on her newborn son's record.
    """
    conflict = Missing(fields=("patient.sex",), reason="conflict")
    if wanted == "male":
        return conflict if view.maternity is True else None
    if not all(one.code.startswith(OBSTETRIC) for one in found):
        return None
    birth = view.encounter.patient.birth_date
    if birth is None:
        return Missing(fields=("patient.birth_date",))
    return conflict if completed(birth, first_day(view), "d") <= NEWBORN_DAYS else None


def _case_of_age(rule: PatientMismatch, found: tuple[Diagnosis | Operation, ...], view: View) -> Case | Missing:
    birth, first = view.encounter.patient.birth_date, first_day(view)
    if birth is None:
        return Missing(fields=("patient.birth_date",))
    if view.today < birth or _on_the_mother(rule, birth, first, view):
        return Missing(fields=("patient.birth_date",), reason="conflict")
    if _admitted_younger(rule, birth, view):
        return Missing(fields=("visit.admitted",))
    perinatal = any(code.startswith(PERINATAL) for code in view.evidence)
    return Case(listed(found), birth=birth, first=max(first, birth), today=view.today, perinatal=perinatal)


def _on_the_mother(rule: PatientMismatch, birth: date, first: date, view: View) -> bool:
    grown = completed(birth, first, "y") >= CHILDBEARING_YEARS
    return rule.max_age is not None and grown and view.maternity is True and view.encounter.patient.sex != "male"


def _admitted_younger(rule: PatientMismatch, birth: date, view: View) -> bool:
    """Say whether a stay of unknown begin may have begun at an age that the patient has since outgrown."""
    visit, high = view.encounter.visit, rule.max_age
    staying = visit.admitted is None and visit.type != "outpatient"
    return staying and high is not None and completed(birth, view.today, high.unit) > high.count


def check(rule: PatientMismatch, case: Case) -> Draft | None:
    """Fire for the other sex, or for an age outside the band."""
    return _of_sex(rule, rule.sex, case.sex, case.found) if rule.sex and case.sex else _of_age(rule, case)


def _of_sex(rule: PatientMismatch, wanted: Sex, sex: Sex, found: str) -> Draft | None:
    if sex == wanted:
        return None
    allowed, present = WORDS[wanted], WORDS[sex]
    return Draft(
        code="DIAGNOSIS_SEX_MISMATCH" if rule.dx else "OPERATION_SEX_MISMATCH",
        message=f"【{rule.name}】仅见于{allowed},患者为{present}({_what(rule)}:{found});"
        f"请核对{_what(rule)}编码或患者性别。",
        lines=(),
        limit=f"仅见于{allowed}",
        present=present,
        allowed=allowed,
        facts=(("patient.sex", sex), ("found", found)),
    )


def _of_age(rule: PatientMismatch, case: Case) -> Draft | None:
    low, high = rule.min_age, rule.max_age
    below = low is not None and completed(case.birth, case.today, low.unit) < low.count
    above = high is not None and completed(case.birth, case.first, high.unit) > high.count
    if not below and not above:
        return None
    day = case.first if above else case.today
    age, limit = in_words(case.birth, day), f"仅见于 {_band(rule)}患者"
    # Care of the premature goes on after 28 days, and a perinatal disease may be named at any age (ruling 17).
    named = any(pattern.startswith(PERINATAL) for pattern in rule.dx)
    newborn = high is not None and high.unit == "d" and case.perinatal
    cap: Level = "info" if named or newborn else "block"
    return Draft(
        code="DIAGNOSIS_AGE_MISMATCH" if rule.dx else "OPERATION_AGE_MISMATCH",
        message=f"【{rule.name}】{limit},患者 {day.isoformat()} 时为 {age}({_what(rule)}:{case.found});"
        f"请核对{_what(rule)}编码或出生日期。",
        lines=(),
        limit=limit,
        present=age,
        allowed=_band(rule),
        facts=(("patient.age", age), ("day", day.isoformat()), ("found", case.found)),
        cap=cap,
    )


def _what(rule: PatientMismatch) -> str:
    return "诊断" if rule.dx else "手术操作"


def _band(rule: PatientMismatch) -> str:
    if rule.min_age and rule.max_age:
        return f"{rule.min_age}至 {rule.max_age}"
    return f"{rule.max_age}及以内" if rule.max_age else f"{rule.min_age}及以上"


def triggers(rule: PatientMismatch) -> Triggers:
    """Diagnoses and operations bring the rule up, whatever is ordered."""
    return Triggers(diagnoses=rule.dx, operations=rule.ops)


def _with_it(rule: PatientMismatch, encounter: Encounter) -> Encounter:
    spoken = in_its_scene(rule, encounter)
    return with_diagnosis(spoken, rule.dx) if rule.dx else with_operation(spoken, rule.ops)


def _aged(encounter: Encounter, age: Age, *, at_admission: bool) -> Encounter:
    admitted = encounter.visit.admitted
    day = admitted.date() if admitted and at_admission else day_of(encounter)
    return with_patient(encounter, birth_date=born(day, age))


def witness(rule: PatientMismatch, encounter: Encounter) -> Encounter:
    """The other sex; one completed unit above the band, or just under its lower end."""
    found = _with_it(rule, encounter)
    if rule.sex:
        return with_patient(found, sex="female" if rule.sex == "male" else "male")
    if rule.max_age:
        return _aged(found, Age(rule.max_age.count + 1, rule.max_age.unit), at_admission=True)
    low = rule.min_age or Age(1, "d")
    return _aged(found, Age(low.count - 1, low.unit), at_admission=False)


def near_miss(rule: PatientMismatch, encounter: Encounter) -> Encounter:
    """That sex; the last age of the band at admission, or the first one today."""
    found = _with_it(rule, encounter)
    if rule.sex:
        return with_patient(found, sex=rule.sex)
    if rule.max_age:
        return _aged(found, rule.max_age, at_admission=True)
    return _aged(found, rule.min_age or Age(0, "d"), at_admission=False)


KIND = RuleKind(
    name="patient_mismatch",
    title="诊断、手术与患者不符",
    codes=(
        ("DIAGNOSIS_SEX_MISMATCH", "诊断与性别不符"),
        ("DIAGNOSIS_AGE_MISMATCH", "诊断与年龄不符"),
        ("OPERATION_SEX_MISMATCH", "手术与性别不符"),
        ("OPERATION_AGE_MISMATCH", "手术与年龄不符"),
    ),
    row=MismatchRow,
    rule=PatientMismatch,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    triggers=triggers,
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
