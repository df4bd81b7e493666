"""Age limit (限年龄, 限儿童, 儿童专用, 限新生儿): an item for patients inside an age band on the service day.

Both bounds are the first and last age allowed, each counted in completed units of its own: ``max_age`` 12y lasts to
the day before the 13th birthday. ``silent_until`` widens the upper end where the source leaves it unclear (ruling 17).
A newborn band (in days) is at most ``info`` for patients with a perinatal diagnosis (P00-P96).
"""

from collections.abc import Iterator
from datetime import date

import msgspec
from pydantic import Field

from rules.codes import Level
from rules.kinds._ages import DAYS_IN, Age, AgeCell, born, completed, in_words
from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import day_of, with_patient
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

CHILDBEARING_YEARS = 10


class AgeRow(Row):
    """One line of ``age_limit.csv``."""

    min_age: AgeCell | None = Field(default=None, description="first age allowed: 3y, 6m, 28d")
    max_age: AgeCell | None = Field(
        default=None, description="last age allowed, whole: 12y ends before the 13th birthday"
    )
    silent_until: AgeCell | None = Field(default=None, description="last age above max_age at which nothing is said")


class AgeLimit(Rule, frozen=True, kw_only=True):
    """Run form: the band, and how far above it the rule stays silent."""

    min_age: Age | None = None
    max_age: Age | None = None
    silent_until: Age | None = None


class Case(msgspec.Struct, frozen=True):
    """One service day: the patient's birth date and the lines of that day."""

    birth: date
    day: date
    lines: tuple[int, ...]
    perinatal: bool


def compile_row(row: AgeRow) -> AgeLimit:
    """Return the run form. Raises ``ValueError`` for a band that is empty."""
    low, high = row.min_age, row.max_age
    if low and high and low.unit == high.unit and low.count > high.count:
        raise ValueError(f"min_age `{low.count}{low.unit}` is above max_age `{high.count}{high.unit}`")
    return AgeLimit(**shared(row), min_age=low, max_age=high, silent_until=row.silent_until)


def read(rule: AgeLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case per service day, since age is taken on the day of service."""
    birth = view.encounter.patient.birth_date
    if birth is None:
        yield Missing(fields=("patient.birth_date",))
        return
    days: dict[date, list[int]] = {}
    for line in lines:
        days.setdefault(view.service_day(line), []).append(line.position)
    if _on_the_mother(rule, birth, min(days), view):
        yield Missing(fields=("patient.birth_date",))
        return
    perinatal = any(code.startswith("P") for code in view.evidence)
    for day, positions in days.items():
        if day < birth:
            yield Missing(fields=("patient.birth_date", "line.time"), reason="conflict", lines=tuple(positions))
        else:
            yield Case(birth, day, tuple(positions), perinatal)


def _on_the_mother(rule: AgeLimit, birth: date, day: date, view: View) -> bool:
    """A newborn's items on its mother's bill are the child's, whose age is not here (audit rules, 7 point 5)."""
    newborn = rule.max_age is not None and rule.max_age.unit == "d"
    return newborn and view.maternity is True and completed(birth, day, "y") >= CHILDBEARING_YEARS


def check(rule: AgeLimit, case: Case) -> Draft | None:
    """Fire below the lower bound, or above the upper one and the unclear years after it."""
    low = rule.min_age
    below = low is not None and completed(case.birth, case.day, low.unit) < low.count
    above = rule.max_age is not None and all(
        completed(case.birth, case.day, high.unit) > high.count for high in (rule.max_age, rule.silent_until) if high
    )
    if not below and not above:
        return None
    age, limit = in_words(case.birth, case.day), band(rule)
    newborn = rule.max_age is not None and rule.max_age.unit == "d" and case.perinatal
    cap: Level = "info" if newborn else "block"
    return Draft(
        code="AGE_OUT_OF_BAND",
        message=f"【{rule.name}】限{limit}使用,患者 {case.day.isoformat()} 时为 {age}。",
        lines=case.lines,
        limit=f"限{limit}",
        present=age,
        allowed=limit.strip(),
        facts=(("patient.age", age), ("line.day", case.day.isoformat())),
        cap=cap,
    )


def band(rule: AgeLimit) -> str:
    """Return the band in words: 3 岁至 12 岁, 28 天及以内, 16 岁及以上."""
    if rule.min_age and rule.max_age:
        return f" {rule.min_age}至 {rule.max_age}患者"
    return f" {rule.max_age}及以内患者" if rule.max_age else f" {rule.min_age}及以上患者"


def _aged(encounter: Encounter, age: Age) -> Encounter:
    return with_patient(encounter, birth_date=born(day_of(encounter), age))


def _top(rule: AgeLimit) -> Age | None:
    """Return the oldest age at which nothing is said."""
    ends = [age for age in (rule.max_age, rule.silent_until) if age]
    return max(ends, key=lambda age: age.count * DAYS_IN[age.unit], default=None)


def witness(rule: AgeLimit, encounter: Encounter) -> Encounter:
    """One completed unit above the band, or just under its lower end."""
    top = _top(rule)
    if top is not None:
        return _aged(encounter, Age(top.count + 1, top.unit))
    low = rule.min_age or Age(0, "d")
    return _aged(encounter, Age(low.count - 1, low.unit))


def near_miss(rule: AgeLimit, encounter: Encounter) -> Encounter:
    """The last age at which nothing is said, or the first one allowed."""
    age = _top(rule) or rule.min_age
    return _aged(encounter, age) if age else encounter


KIND = RuleKind(
    name="age_limit",
    title="限年龄",
    codes=(("AGE_OUT_OF_BAND", "年龄不符"),),
    row=AgeRow,
    rule=AgeLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "safety"),
    witness=witness,
    near_miss=near_miss,
)
