"""Sex limit (区分性别): an item that only fits, or is only paid for, patients of one sex.

Rows name items and the one sex allowed. An unknown sex is never a mismatch (audit rules, section 7 point 5).
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.codes import Sex
from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

WORDS: dict[Sex, str] = {"male": "男性", "female": "女性"}


class SexRow(Row):
    """One line of ``sex_limit.csv``."""

    sex: Sex = Field(description="the one sex allowed")


class SexLimit(Rule, frozen=True, kw_only=True):
    """Run form: the one sex allowed."""

    sex: Sex


class Case(msgspec.Struct, frozen=True):
    """The patient's sex and the lines it concerns."""

    sex: Sex
    lines: tuple[int, ...]


def compile_row(row: SexRow) -> SexLimit:
    """Return the run form."""
    return SexLimit(**shared(row), sex=row.sex)


def read(rule: SexLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for all lines: sex belongs to the patient."""
    sex = view.encounter.patient.sex
    yield Missing(fields=("patient.sex",)) if sex is None else Case(sex, tuple(line.position for line in lines))


def check(rule: SexLimit, case: Case) -> Draft | None:
    """Fire when the patient is of the other sex."""
    if case.sex == rule.sex:
        return None
    allowed, present = WORDS[rule.sex], WORDS[case.sex]
    return Draft(
        code="SEX_MISMATCH",
        message=f"【{rule.name}】限{allowed}使用,患者为{present},请核对患者性别或更换项目。",
        lines=case.lines,
        limit=f"限{allowed}",
        present=present,
        allowed=allowed,
        facts=(("patient.sex", case.sex),),
    )


def _as(sex: Sex, encounter: Encounter) -> Encounter:
    patient = msgspec.structs.replace(encounter.patient, sex=sex)
    return msgspec.structs.replace(encounter, patient=patient)


KIND = RuleKind(
    name="sex_limit",
    title="限性别",
    codes=(("SEX_MISMATCH", "性别不符"),),
    row=SexRow,
    rule=SexLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety", "payment"),
    witness=lambda rule, encounter: _as("female" if rule.sex == "male" else "male", encounter),
    near_miss=lambda rule, encounter: _as(rule.sex, encounter),
)
