"""Step therapy (限二线使用, 阶梯用药): a drug paid for only after a first-line drug failed or was not borne.

Structured data shows use, not failure, so the evidence is kind: a first-line drug within ``days`` before, the drug
itself used before (maintenance and sequence drugs, ruling 19), an approval on the line, or a diagnosis that speaks
against the first line. Only where the past is known that far back and holds none of these is the doctor asked for a
reason; otherwise the rule is *not checked*. Never louder than warn, and only info where no more is known than this
hospital's own record.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Codes, Look, Row, RuleKind, shared
from rules.kinds._edits import days_before, past, sample_code, with_first_line
from rules.kinds._view import LONGEST_SPAN, View
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches


class StepTherapyRow(Row):
    """One line of ``step_therapy.csv``; all but ``first_dx`` may be empty only on an incomplete row."""

    first_items: Codes = Field(default=(), description="first-line drugs, any of which is evidence")
    first_name: str = Field(default="", description="what people call the first line")
    first_dx: Codes = Field(default=(), description="ICD-10 patterns that speak against the first line")
    days: int = Field(default=365, gt=0, description="how far back a first-line drug counts")
    limit_text: str = Field(default="", description="the limit in the remark's own words, for the message")


class StepTherapy(Rule, frozen=True, kw_only=True):
    """Run form: what is first line, how far back it counts, and the limit in words."""

    first_items: tuple[str, ...]
    first_name: str
    first_dx: tuple[str, ...] = ()
    days: int
    limit_text: str


class FirstLine(msgspec.Struct, frozen=True):
    """One use of a first-line drug; ``begin`` is ``None`` when it has no day."""

    begin: date | None
    last: date
    current: bool


class Case(msgspec.Struct, frozen=True):
    """Lines without any evidence although the past is known."""

    lines: tuple[int, ...]
    here: bool
    """Known from this hospital's record alone; another hospital may have given the first line."""


def compile_row(row: StepTherapyRow) -> StepTherapy:
    """Return the run form. Raises ``ValueError`` for an active row that does not name its first line."""
    if row.status == "active" and not (row.first_items and row.first_name and row.limit_text):
        raise ValueError(
            "an active row names first_items, first_name and limit_text; mark the row incomplete otherwise"
        )
    return StepTherapy(
        **shared(row),
        first_items=row.first_items,
        first_name=row.first_name,
        first_dx=row.first_dx,
        days=row.days,
        limit_text=row.limit_text,
    )


def read(rule: StepTherapy, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case with the lines that lack evidence, or what keeps its absence from being known."""
    own = view.charges(rule.items)
    if _spoken_against(rule, view) or not all(charge.line.current for charge in own):
        return  # earlier use of the drug itself was accepted then
    standing = {charge.line.position for charge in own}
    others = [charge.line for charge in view.charges(rule.first_items) if charge.line.position not in standing]
    firsts = [_first_line(line, view) for line in others]
    lacking: list[int] = []
    gaps: dict[Missing, list[int]] = {}
    for line in lines:
        if line.position in standing and not line.approval:
            said = _unshown(rule, line, firsts, view)
            if isinstance(said, Missing):
                gaps.setdefault(said, []).append(line.position)
            elif said:
                lacking.append(line.position)
    if lacking and rule.first_dx and view.unread_diagnoses is not None:
        gaps.setdefault(view.unread_diagnoses, []).extend(lacking)
    elif lacking:
        first = min(view.service_day(line) for line in lines if line.position in lacking)
        yield Case(tuple(lacking), here=not view.sent_since(first - timedelta(days=rule.days)))
    for gap, concerned in gaps.items():
        yield replace(gap, lines=tuple(concerned))


def _spoken_against(rule: StepTherapy, view: View) -> bool:
    """Say whether a diagnosis shows that the first line is not for this patient."""
    return any(_against(rule, code) for code in view.evidence)


def _against(rule: StepTherapy, code: str) -> bool:
    return matches(rule.first_dx, code) == "yes"


def _unshown(rule: StepTherapy, line: Line, firsts: list[FirstLine], view: View) -> Missing | bool:
    """Say whether no first-line drug was used before this line and not too long ago, or what leaves that open."""
    day = view.service_day(line)
    since = day - timedelta(days=rule.days)
    undated = False
    for first in firsts:
        if first.begin is None:
            undated = True
        elif first.last >= since and (first.begin < day or (first.begin == day and not first.current)):
            return False  # what is being saved with the drug must be of an earlier day
    if undated:
        return Missing(fields=("line.time",))
    return True if view.covered_back(day, rule.days, _searched(rule)) else view.history_missing()


def _first_line(line: Line, view: View) -> FirstLine:
    """Return when a first-line drug was used for certain: as its order says, or for its days of supply."""
    begin = view.day_of(line)
    if begin is None:
        return FirstLine(None, date.min, line.current)
    span = view.span(line)
    supplied = begin + timedelta(days=min(line.supply_days or 1, LONGEST_SPAN) - 1)
    return FirstLine(begin, max(supplied, span[1] if span else begin), line.current)


def check(rule: StepTherapy, case: Case) -> Draft:
    """Fire: ``read`` yields a case only when nothing known speaks for the second line."""
    present = f"{'本院' if case.here else ''}近 {rule.days} 天内未见{rule.first_name}使用记录"
    return Draft(
        code="FIRST_LINE_NOT_SHOWN",
        message=f"【{rule.name}】{rule.limit_text}:{present};{_way_out(rule, case)}。",
        lines=case.lines,
        limit=rule.limit_text,
        present=present,
        allowed=f"先用{rule.first_name}",
        facts=(("first_line", rule.first_name), ("days", str(rule.days))),
        cap="info" if case.here else "warn",
    )


def _way_out(rule: StepTherapy, case: Case) -> str:
    if case.here:
        return "曾在外院治疗的,请在病历中记录一线治疗情况"
    return f"请填写一线治疗无效或不耐受的依据,或先用{rule.first_name}"


def looks(rule: StepTherapy) -> tuple[Look, ...]:
    """Both the first line and the drug itself are looked for."""
    return (Look(_searched(rule), rule.days),)


def _searched(rule: StepTherapy) -> tuple[str, ...]:
    return (*rule.first_items, *rule.items)


def _bare(rule: StepTherapy, encounter: Encounter) -> Encounter:
    """Return the encounter without anything that speaks for the second line, its past known."""
    first, *others = encounter.lines
    evidence = (*rule.first_items, *rule.items)
    kept = [line for line in others if line.current or matches(evidence, line.item) is None]
    lines = tuple(replace(line, position=place) for place, line in enumerate([first, *kept]))
    diagnoses = tuple(
        found for found in encounter.diagnoses if not any(_against(rule, code) for code in found.evidence)
    )
    changed = replace(encounter, lines=lines, diagnoses=diagnoses, history_since=date(2000, 1, 1))
    return with_first_line(changed, approval=None)


def witness(rule: StepTherapy, encounter: Encounter) -> Encounter:
    """Nothing known of the first line, nor of the drug itself."""
    return _bare(rule, encounter)


def near_miss(rule: StepTherapy, encounter: Encounter) -> Encounter:
    """The first line used as long ago as still counts."""
    begin = days_before(encounter, rule.days)
    return past(_bare(rule, encounter), begin, item=sample_code(rule.first_items), name=rule.first_name)


KIND = RuleKind(
    name="step_therapy",
    title="限二线使用",
    codes=(("FIRST_LINE_NOT_SHOWN", "未见一线治疗"),),
    row=StepTherapyRow,
    rule=StepTherapy,
    compile=compile_row,
    read=read,
    check=check,
    looks=looks,
    witness=witness,
    near_miss=near_miss,
)
