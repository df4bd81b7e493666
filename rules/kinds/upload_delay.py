"""Upload delay (就诊数据非实时上传): orders that reach the check long after they were given.

A line's delay runs from its begin (from the end of its day, where it carries no clock time; from its stop, where it
went on) to the time of the message. A long-term order without a stop is still running and has no delay. A settlement
(事中 scenes) carries the whole stay by design, so that nothing in it is late.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from pydantic import Field

from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import begin_of, plus_line, positions, with_visit
from rules.kinds._reading import grouped, names_of
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule, Visit

SETTLING: Final = frozenset(("6", "7", "8", "9", "10"))
"""触发场景 of the 事中 stage: settlement and its rehearsal, for out-patients, in-patients and in the pharmacy."""


class UploadRow(Row):
    """One line of ``upload_delay.csv``."""

    max_hours: int = Field(gt=0, le=100_000, description="hours from order to message that are let pass")


class UploadDelay(Rule, frozen=True, kw_only=True):
    """Run form: the hours let pass."""

    max_hours: int


class Case(msgspec.Struct, frozen=True):
    """Orders that have ended: what they are called, the earliest end of them, and when the message was sent."""

    names: str
    lines: tuple[int, ...]
    since: datetime
    time: datetime


def compile_row(row: UploadRow) -> UploadDelay:
    """Return the run form."""
    return UploadDelay(**shared(row), max_hours=row.max_hours)


def read(rule: UploadDelay, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the lines that came late; a line without a time is as old as its message."""
    due = view.time - timedelta(hours=rule.max_hours)
    late = [line for line in lines if line.begin is not None and line.begin < due and _since(line, view) < due]
    if not late or SETTLING.intersection(view.encounter.scenes):
        return
    visit = view.encounter.visit
    for runs, group in grouped(late, lambda line: _still_runs(line, visit)).items():
        if runs is None:
            yield Missing(fields=("line.long_term",), lines=positions(group))
        elif not runs:
            since = min(_since(line, view) for line in group)
            yield Case(names_of(view.in_order(group), f" {len(group)} 项"), positions(group), since, view.time)


def _since(line: Line, view: View) -> datetime:
    begin = line.begin or view.time
    end = begin if line.timed else begin + timedelta(days=1)
    return end if line.stop is None else max(end, line.stop)


def _still_runs(line: Line, visit: Visit) -> bool | None:
    """Say whether a line is a long-term order without an end; only in-patients have such, and absent is not false."""
    if line.stop is not None or line.long_term is not None:
        return line.stop is None and line.long_term is True
    return None if visit.type_conflict or visit.type in {"inpatient", None} else False


def check(rule: UploadDelay, case: Case) -> Draft | None:
    """Fire: every line of a case came later than the hours let pass."""
    hours = (case.time - case.since) // timedelta(hours=1)
    present = f"{case.names}晚于规定时间上传,最早一项已 {hours} 小时"
    limit = f"开立后 {rule.max_hours} 小时内上传"
    return Draft(
        code="UPLOADED_LATE",
        message=f"【{rule.name}】应在{limit},本次{present}({case.since:%Y-%m-%d %H:%M} 起);"
        "请核对是否补录,今后于开立时上传。",
        lines=case.lines,
        amounts=(0,) * len(case.lines),
        limit=limit,
        present=present.strip(),
        allowed=f"{rule.max_hours} 小时",
        facts=(("since", f"{case.since:%Y-%m-%d %H:%M}"), ("hours", str(hours))),
    )


def _with_older(rule: UploadDelay, encounter: Encounter, age: timedelta) -> Encounter:
    # A second line: specimens are sent at the time of the first.
    begin = begin_of(encounter) - age
    stay = with_visit(encounter, admitted=begin - timedelta(days=1))
    return plus_line(stay, begin=begin, timed=True, long_term=False)


KIND = RuleKind(
    name="upload_delay",
    title="就诊数据非实时上传",
    codes=(("UPLOADED_LATE", "未及时上传"),),
    row=UploadRow,
    rule=UploadDelay,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=lambda rule, encounter: _with_older(rule, encounter, timedelta(hours=rule.max_hours, minutes=1)),
    near_miss=lambda rule, encounter: _with_older(rule, encounter, timedelta(hours=rule.max_hours)),
    rest=lambda rule, encounter: encounter,
)
