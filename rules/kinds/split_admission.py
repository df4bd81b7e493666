"""Split admission (分解住院): admitted again to the same hospital too soon after a discharge, for the same disease.

It compares two stays that follow each other: a stay elsewhere between them is a transfer. Planned admissions
(chemotherapy, dialysis, staged surgery) and emergencies are no split. The 31-day unplanned readmission is a statistic
and not this (ruling 27); how few days are too few is local. It speaks at admission and when the stay is settled.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
from pydantic import Field

from rules.codings import diagnosis_code
from rules.kinds._contract import Codes, Look, Row, RuleKind, Triggers, shared
from rules.kinds._edits import begin_of
from rules.kinds._record import another_type, first_day, in_its_scene, main_diagnosis, speaks_in, sure, urgent
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, PastVisit, Rule
from rules.patterns import matches

SCENES = ("3", "4", "8", "9")
"""住院登记, 住院收费登记, 住院结算, 住院预结算."""
CATEGORY = 3
"""Characters of an ICD-10 category: I25."""
DISEASE = Diagnosis(code="I25.103", name="冠状动脉粥样硬化性心脏病", main=True)
EARLY = date(2000, 1, 1)
"""What specimens are of, and since when their visits are known."""


class SplitRow(Row):
    """One line of ``split_admission.csv``."""

    items: Codes = ()
    min_days: int = Field(gt=0, description="days from discharge to admission that are no split")
    same_diagnosis: bool = Field(default=True, description="only for the same main diagnosis (ICD-10 category)")
    except_dx: Codes = Field(default=(), description="ICD-10 patterns of planned care: chemotherapy, dialysis …")


class SplitAdmission(Rule, frozen=True, kw_only=True):
    """Run form: days that must lie between, and what is no split."""

    min_days: int
    same_diagnosis: bool
    except_dx: tuple[str, ...]


class Case(msgspec.Struct, frozen=True):
    """Two stays too close to each other: the discharge, the admission, and the disease where the rule asks for it."""

    discharged: date
    admitted: date
    disease: str


def compile_row(row: SplitRow) -> SplitAdmission:
    """Return the run form."""
    return SplitAdmission(
        **shared(row), min_days=row.min_days, same_diagnosis=row.same_diagnosis, except_dx=row.except_dx
    )


def read(rule: SplitAdmission, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield the case of a stay too soon after another, or what is not known of the one before."""
    if not speaks_in(rule, SCENES, view) or urgent(view) or view.encounter.visit.planned is True:
        return
    other = another_type(view, "inpatient")
    if isinstance(other, Missing):
        yield other
    elif not other and not sure(view, rule.except_dx):
        yield from _judged(rule, first_day(view), view)


def _judged(rule: SplitAdmission, admitted: date, view: View) -> Iterator[Case | Missing]:
    """Yield the case, or what is missing; nothing where the stay before is known and no split."""
    last = _stay_before(view)
    said = last if isinstance(last, Missing) else _compared(rule, last, admitted, view) if last else None
    if said is not None:
        yield said
    elif not view.visits_covered_since(admitted - timedelta(days=rule.min_days)):
        yield view.history_missing()


def _stay_before(view: View) -> PastVisit | Missing | None:
    """Return the stay discharged last before this admission, in any hospital; one of unknown type may be a stay."""
    admitted = view.encounter.visit.admitted or view.time
    stays = [visit for visit in view.past_visits if visit.type in {"inpatient", None}]
    earlier = [visit for visit in stays if visit.admitted is None or visit.admitted < admitted]
    ended = [(visit.discharged, visit) for visit in earlier if visit.discharged and visit.discharged <= admitted]
    last, stay = max(ended, key=lambda end: end[0], default=(None, None))
    # Nobody is in two hospitals at once: a stay that began before the last one did was over by then.
    begun = stay.admitted or last if stay else None
    endless = [visit for visit in earlier if visit.discharged is None]
    if any(begun is None or visit.admitted is None or visit.admitted >= begun for visit in endless):
        return Missing(fields=("visits.discharged",))
    return stay


def _compared(rule: SplitAdmission, last: PastVisit, admitted: date, view: View) -> Case | Missing | None:
    """Compare with the stay before: too soon, in this hospital, not planned, and for the same disease."""
    discharged = last.discharged.date() if last.discharged else date.min
    if (admitted - discharged).days >= rule.min_days:
        return None
    if last.type is None:
        return Missing(fields=("visits.type",))
    elsewhere = last.hospital not in {None, view.encounter.hospital}
    if elsewhere or last.planned is True or matches(rule.except_dx, last.diagnosis):
        return None
    disease = _same_disease(rule, last, view)
    return Case(discharged, admitted, disease) if isinstance(disease, str) else disease


def _same_disease(rule: SplitAdmission, last: PastVisit, view: View) -> str | Missing | None:
    """Return the disease of both stays (empty where the rule does not ask), or nothing where they differ."""
    asked = rule.same_diagnosis or rule.except_dx
    if asked and diagnosis_code(last.diagnosis)[1] != "icd":
        return Missing(fields=("visits.diagnosis",), reason="unmapped" if last.diagnosis else "missing")
    main = main_diagnosis(view) if rule.same_diagnosis else None
    if isinstance(main, Missing):
        return main
    if main is not None and last.diagnosis[:CATEGORY] not in {code[:CATEGORY] for code in main.evidence}:
        return None
    # Planned care may hide behind a diagnosis that nobody can read.
    unread = view.unread_diagnoses if rule.except_dx else None
    return unread or (main.name or main.code if main else "")


def looks(rule: SplitAdmission) -> tuple[Look, ...]:
    """The stays of the days that count, at the moments it speaks."""
    return (Look(days=rule.min_days, visits=True, scenes=rule.scenes or SCENES),)


def check(rule: SplitAdmission, case: Case) -> Draft | None:
    """Say how close the stays are, and from when on they would not be."""
    gap = (case.admitted - case.discharged).days
    again = (case.discharged + timedelta(days=rule.min_days)).isoformat()
    same = f",主要诊断同为“{case.disease}”一类" if case.disease else ""
    limit = f"同院两次住院间隔不少于 {rule.min_days} 天"
    return Draft(
        code="READMITTED_TOO_SOON",
        message=f"【{rule.name}】{limit}:上次 {case.discharged.isoformat()} 出院,本次 {case.admitted.isoformat()} 入院,"
        f"间隔 {gap} 天{same};计划内再入院或病情变化的请注明,{again} 起不再提示。",
        lines=(),
        limit=limit,
        present=f"间隔 {gap} 天",
        allowed=f"{again} 起再入院",
        facts=(
            ("discharged", case.discharged.isoformat()),
            ("admitted", case.admitted.isoformat()),
            ("days", str(gap)),
        ),
    )


def _after(rule: SplitAdmission, encounter: Encounter, days: int) -> Encounter:
    """A stay in this hospital that ended so many days before this admission, for the same disease."""
    admitted = encounter.visit.admitted or begin_of(encounter)
    stay = PastVisit(
        id="V0",
        type="inpatient",
        admitted=admitted - timedelta(days=days + 7),
        discharged=admitted - timedelta(days=days),
        diagnosis=DISEASE.code,
    )
    spoken = in_its_scene(rule, encounter, SCENES)
    return msgspec.structs.replace(spoken, diagnoses=(DISEASE,), visits=(stay,), history_since=EARLY)


KIND = RuleKind(
    name="split_admission",
    title="分解住院",
    codes=(("READMITTED_TOO_SOON", "短期再入院"),),
    row=SplitRow,
    rule=SplitAdmission,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    triggers=lambda rule: Triggers(visit=True),
    looks=looks,
    witness=lambda rule, encounter: _after(rule, encounter, rule.min_days - 1),
    near_miss=lambda rule, encounter: _after(rule, encounter, rule.min_days),
    rest=lambda rule, encounter: encounter,
)
