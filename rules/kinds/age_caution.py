"""Age caution (老年人用药安全, 药品儿童禁用): an item to take care with, or not to use, inside an age band.

The reverse of ``age_limit``: both bounds are the first and last age concerned, in completed units on the day of
service. Advice, not a limit: at most ``warn``.
"""

from collections.abc import Iterator
from datetime import date

import msgspec
from pydantic import Field

from rules.kinds._ages import Age, AgeCell, born, completed, in_words
from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import day_of, with_patient
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule


class CautionRow(Row):
    """One line of ``age_caution.csv``."""

    from_age: AgeCell | None = Field(default=None, description="first age concerned: 65y")
    to_age: AgeCell | None = Field(
        default=None, description="last age concerned, whole: 17y ends before the 18th birthday"
    )
    caution: str = Field(description="what is advised, such as 说明书老年慎用")


class AgeCaution(Rule, frozen=True, kw_only=True):
    """Run form: the band, and what is advised in it."""

    from_age: Age | None = None
    to_age: Age | None = None
    caution: str


class Case(msgspec.Struct, frozen=True):
    """One service day: the patient's birth date and the lines of that day."""

    birth: date
    day: date
    lines: tuple[int, ...]


def compile_row(row: CautionRow) -> AgeCaution:
    """Return the run form. Raises ``ValueError`` for a row without a band, or with an empty one."""
    low, high = row.from_age, row.to_age
    if row.status == "active" and low is None and high is None:
        raise ValueError("name the ages concerned in from_age, to_age or both")
    if low and high and low.unit == high.unit and low.count > high.count:
        raise ValueError(f"from_age `{low.count}{low.unit}` is above to_age `{high.count}{high.unit}`")
    return AgeCaution(**shared(row), from_age=low, to_age=high, caution=row.caution)


def read(rule: AgeCaution, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case per service day, since age is taken on the day of service."""
    birth = view.encounter.patient.birth_date
    if birth is None:
        yield Missing(fields=("patient.birth_date",))
        return
    days: dict[date, list[int]] = {}
    for line in lines:
        days.setdefault(view.service_day(line), []).append(line.position)
    for day, positions in days.items():
        if day < birth:
            yield Missing(fields=("patient.birth_date", "line.time"), reason="conflict", lines=tuple(positions))
        else:
            yield Case(birth, day, tuple(positions))


def check(rule: AgeCaution, case: Case) -> Draft | None:
    """Fire inside the band."""
    low, high = rule.from_age, rule.to_age
    below = low is not None and completed(case.birth, case.day, low.unit) < low.count
    above = high is not None and completed(case.birth, case.day, high.unit) > high.count
    if below or above:
        return None
    age, ages = in_words(case.birth, case.day), band(rule)
    # 慎用 is a notice, 禁用 more than that: to check the dose of what is forbidden would be contradictory advice.
    advice = "请核对用药必要性与剂量" if rule.certainty == "notice" else "请更换药品或确认利大于弊"
    return Draft(
        code="AGE_CAUTION",
        message=f"【{rule.name}】{ages}患者:{rule.caution};患者 {case.day.isoformat()} 时为 {age},{advice}。",
        lines=case.lines,
        limit=f"{ages}患者:{rule.caution}",
        present=age,
        allowed="权衡利弊后使用或更换",
        facts=(("patient.age", age), ("line.day", case.day.isoformat())),
        cap="warn",
    )


def band(rule: AgeCaution) -> str:
    """Return the band in words: 65 岁及以上, 17 岁及以内, 1 岁至 6 岁."""
    if rule.from_age and rule.to_age:
        return f"{rule.from_age}至 {rule.to_age}"
    return f"{rule.to_age}及以内" if rule.to_age else f"{rule.from_age}及以上"


def _edge(rule: AgeCaution, beyond: int) -> Age:
    """Return the last age concerned, or the one beyond; without an upper end, the first or the one before."""
    if rule.to_age is not None:
        return Age(rule.to_age.count + beyond, rule.to_age.unit)
    low = rule.from_age or Age(0, "d")
    return Age(low.count - beyond, low.unit)


def witness(rule: AgeCaution, encounter: Encounter) -> Encounter:
    """An age at the edge of the band."""
    return with_patient(encounter, birth_date=born(day_of(encounter), _edge(rule, 0)))


def near_miss(rule: AgeCaution, encounter: Encounter) -> Encounter:
    """The nearest age outside."""
    return with_patient(encounter, birth_date=born(day_of(encounter), _edge(rule, 1)))


KIND = RuleKind(
    name="age_caution",
    title="特殊年龄用药提醒",
    codes=(("AGE_CAUTION", "年龄慎用或禁用"),),
    row=CautionRow,
    rule=AgeCaution,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    witness=witness,
    near_miss=near_miss,
)
