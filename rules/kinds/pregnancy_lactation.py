"""Pregnancy and lactation (妊娠期及哺乳期用药安全): an item that women in that state must not have.

The state is the patient's own flag, else what the diagnoses say (ruling 8): O00-O99 and Z33-Z36 speak of a pregnancy,
deliveries and the time after (O70, O72, O73, O80-O84, the puerperium, Z37-Z39) of lactation, and these outweigh a flag
left over from admission. Of a pregnancy that ended early (O00-O08) nothing is said above ``info``.

Most senders never say who is pregnant (a constant 0 means unknown). Unknown is therefore *not checked* only where it
could be otherwise: for women of 15 to 49. For men, for other ages and after the menopause silence is an answer.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.codes import Level
from rules.kinds._ages import Age, born, completed
from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import day_of, sample_code, with_patient
from rules.kinds._view import View
from rules.model import Diagnosis, Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

Condition = Literal["pregnant", "lactating", "both"]
WORDS: dict[Condition, str] = {"pregnant": "妊娠期", "lactating": "哺乳期", "both": "妊娠期和哺乳期"}
CHILDBEARING = range(15, 50)
"""Completed years of age in which an unknown state leaves the rule *not checked*."""
YOUNGEST = 10
"""Completed years below which no diagnosis speaks of the patient's own pregnancy."""
PREGNANCY = ("O", "Z33", "Z34", "Z35", "Z36")
ENDED_EARLY = ("O00", "O01", "O02", "O03", "O04", "O05", "O06", "O07", "O08")
DELIVERED = (
    "O70", "O72", "O73", "O80", "O81", "O82", "O83", "O84", "O85", "O86", "O87", "O89", "O90", "O91", "O92",
    "Z37", "Z38", "Z39"
)  # fmt: skip
"""Delivery with its tears and bleedings, puerperium and the care after (O88 may come at any time)."""
SEQUELAE = "O94"
"""After-effects of a pregnancy long over: they tell nothing of today."""
PAST_CHILDBEARING = ("N95", "Z90.7", "Z78.0")
"""Menopause and absent uterus or ovaries."""


class PregnancyRow(Row):
    """One line of ``pregnancy_lactation.csv``."""

    state: Condition = Field(description="when the item must not be used")
    allowed_dx: Codes = Field(default=(), description="ICD-10 patterns under which it is normal care all the same")


class PregnancyLactation(Rule, frozen=True, kw_only=True):
    """Run form: the state, and the diagnoses that make the item normal care."""

    state: Condition
    allowed_dx: tuple[str, ...]


class Case(msgspec.Struct, frozen=True):
    """The state found (empty: none), what says so, and the lines."""

    present: str
    source: str
    ended_early: bool
    lines: tuple[int, ...]


class Found(msgspec.Struct, frozen=True):
    """What flag and diagnoses say of one state; ``None`` is unknown."""

    present: bool | None
    source: str = ""
    ended_early: bool = False


def compile_row(row: PregnancyRow) -> PregnancyLactation:
    """Return the run form."""
    return PregnancyLactation(**shared(row), state=row.state, allowed_dx=row.allowed_dx)


def read(rule: PregnancyLactation, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for all lines, unless the state is unknown in a woman who may be in it."""
    patient = view.encounter.patient
    positions = tuple(line.position for line in lines)
    nothing = Case("", "", False, positions)
    if patient.sex == "male":
        flags = (("patient.pregnant", patient.pregnant), ("patient.lactating", patient.lactating))
        told = tuple(field for field, flag in flags if flag)
        yield Missing(fields=("patient.sex", *told), reason="conflict") if told else nothing
        return
    if _child(lines, view) or any(matches(rule.allowed_dx, code) for code in view.evidence):
        yield nothing
        return
    states = {"pregnant": _pregnant(view), "lactating": _lactating(view)}
    asked = {name: found for name, found in states.items() if rule.state in {name, "both"}}
    for name, found in asked.items():
        if found.present:
            excused = view.unread_diagnoses if rule.allowed_dx else None
            yield excused or Case(name, found.source, found.ended_early, positions)
            return
    unknown = tuple(f"patient.{name}" for name, found in asked.items() if found.present is None)
    yield Missing(fields=(*_unknown_person(view), *unknown)) if unknown and _may_be(lines, view) else nothing


def _pregnant(view: View) -> Found:
    """A delivery ends what a flag or another diagnosis says; a pregnancy that ended early is still told, softly."""
    if _evidence(view, DELIVERED):
        return Found(False)
    codes = [code for code in _evidence(view, PREGNANCY) if not code.startswith(SEQUELAE)]
    early = bool(codes) and all(code.startswith(ENDED_EARLY) for code in codes)
    if view.encounter.patient.pregnant:
        return Found(True, "妊娠标志", early)
    if codes:
        return Found(True, _named(codes[0], view), early)
    return Found(view.encounter.patient.pregnant)


def _lactating(view: View) -> Found:
    if view.encounter.patient.lactating:
        return Found(True, "哺乳标志")
    codes = _evidence(view, DELIVERED)
    return Found(True, _named(codes[0], view)) if codes else Found(view.encounter.patient.lactating)


def _evidence(view: View, families: tuple[str, ...]) -> list[str]:
    return [code for code in view.evidence if code.startswith(families)]


def _named(code: str, view: View) -> str:
    """Return the name of the diagnosis that vouches for a code."""
    names = [found.name for found in view.encounter.diagnoses if code in found.evidence and found.name]
    return f"诊断{names[0] if names else code}"


def _child(lines: tuple[Line, ...], view: View) -> bool:
    """A newborn's own record holds Z38 and the like, which say nothing of the child's state."""
    birth = view.encounter.patient.birth_date
    return birth is not None and all(completed(birth, view.service_day(line), "y") < YOUNGEST for line in lines)


def _may_be(lines: tuple[Line, ...], view: View) -> bool:
    """Say whether the patient may be in the state, for all that sex, age and diagnoses say."""
    if _evidence(view, PAST_CHILDBEARING):
        return False
    birth = view.encounter.patient.birth_date
    days = {view.service_day(line) for line in lines}
    return birth is None or any(completed(birth, day, "y") in CHILDBEARING for day in days)


def _unknown_person(view: View) -> tuple[str, ...]:
    """Return which of sex and birth date are unknown, since either could settle it."""
    patient = view.encounter.patient
    sent = (("patient.sex", patient.sex), ("patient.birth_date", patient.birth_date))
    return tuple(field for field, value in sent if value is None)


def check(rule: PregnancyLactation, case: Case) -> Draft | None:
    """Fire when the patient is in the state."""
    if not case.present:
        return None
    when = WORDS[rule.state]
    present = "妊娠期" if case.present == "pregnant" else "哺乳期"
    if case.ended_early:
        present = "妊娠早期终止前后"
    cap: Level = "info" if case.ended_early else "warn"
    return Draft(
        code="NOT_IN_PREGNANCY_OR_LACTATION",
        message=f"【{rule.name}】{when}禁用,患者处于{present}({case.source});请更换药品或确认利大于弊。",
        lines=case.lines,
        limit=f"{when}禁用",
        present=f"{present}({case.source})",
        allowed="更换药品",
        facts=((f"patient.{case.present}", case.source),),
        cap=cap,
    )


def _woman(encounter: Encounter, *, pregnant: bool, lactating: bool) -> Encounter:
    birth = born(day_of(encounter), Age(30, "y"))
    told = tuple(found for found in encounter.diagnoses if not found.code.startswith(PREGNANCY + DELIVERED))
    woman = with_patient(encounter, sex="female", birth_date=birth, pregnant=pregnant, lactating=lactating)
    return replace(woman, diagnoses=told)


def witness(rule: PregnancyLactation, encounter: Encounter) -> Encounter:
    """A woman in the state, by her flag."""
    return _woman(encounter, pregnant=rule.state != "lactating", lactating=rule.state != "pregnant")


def near_miss(rule: PregnancyLactation, encounter: Encounter) -> Encounter:
    """A woman in the other state, or in the very one under a diagnosis that makes the item normal care."""
    if rule.allowed_dx:
        allowed = Diagnosis(code=sample_code(rule.allowed_dx), name="允许的诊断")
        woman = witness(rule, encounter)
        return replace(woman, diagnoses=(*woman.diagnoses, allowed))
    return _woman(encounter, pregnant=rule.state == "lactating", lactating=rule.state == "pregnant")


KIND = RuleKind(
    name="pregnancy_lactation",
    title="妊娠期及哺乳期用药",
    codes=(("NOT_IN_PREGNANCY_OR_LACTATION", "妊娠哺乳期禁用"),),
    row=PregnancyRow,
    rule=PregnancyLactation,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
