"""Payment course (限支付疗程): at most so many distinct days of use are paid for.

The default span is this stay, with what was used before in it; ``episode`` chains visits whose days of use lie close
together (ruling 20: never a lifetime count). Days count once however many lines fall on them (audit rules, 7 point 3).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

import msgspec
from pydantic import Field

from rules.kinds._contract import Look, Row, RuleKind, shared
from rules.kinds._edits import days_before, past, with_visit
from rules.kinds._view import LONGEST_SPAN, View, judged
from rules.model import Draft, Encounter, Line, Missing, Rule

Span = Literal["stay", "episode"]
Days = tuple[date, ...]
WORDS: dict[Span, str] = {"stay": "本次就诊", "episode": "一个疾病过程"}
EPISODE_GAP = timedelta(days=30)
"""Two uses further apart than this belong to two episodes."""


class CourseRow(Row):
    """One line of ``payment_course.csv``."""

    max_days: int = Field(gt=0, description="distinct days of use that are paid for")
    span: Span = Field(default="stay", description="what the days are counted over")


class PaymentCourse(Rule, frozen=True, kw_only=True):
    """Run form: days paid for, and over what they are counted."""

    max_days: int
    span: Span = "stay"


class Use(msgspec.Struct, frozen=True):
    """One current line: the days it adds and its amount."""

    line: int
    days: Days
    amount: int


class Case(msgspec.Struct, frozen=True):
    """Days used before, and what each current line adds."""

    past: frozenset[date]
    uses: tuple[Use, ...]
    involved: tuple[int, ...]


def compile_row(row: CourseRow) -> PaymentCourse:
    """Return the run form."""
    return PaymentCourse(**shared(row), max_days=row.max_days, span=row.span)


def read(rule: PaymentCourse, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case with all days of use, or what keeps a line's days from being known."""
    before, now = judged(rule, view.charges(rule.items, visit_only=rule.span == "stay"), lines)
    uses: list[Use] = []
    for charge in now:
        days, lacking = days_of(charge.line, view)
        if lacking:
            yield Missing(fields=lacking, lines=(charge.line.position,))
        else:
            uses.append(Use(charge.line.position, days, charge.amount))
    known: list[tuple[int, Days]] = []
    for charge in before:
        days, lacking = days_of(charge.line, view)
        if lacking:
            yield Missing(fields=lacking)
            return
        known.append((charge.line.position, days))
    if uses and not _surely_within(rule, known, uses):
        yield _case(rule, known, tuple(uses), view)


def _surely_within(rule: PaymentCourse, known: list[tuple[int, Days]], uses: list[Use]) -> bool:
    """Say whether even all days as distinct days fit the course, which settles most stays without counting."""
    days = sum(len(use.days) for use in uses) + sum(len(days) for _, days in known)
    return rule.span == "stay" and days <= rule.max_days


def _case(rule: PaymentCourse, known: list[tuple[int, Days]], uses: tuple[Use, ...], view: View) -> Case | Missing:
    """Return the case; an episode that could reach further back than the past is known is *not checked*."""
    start = min(use.days[0] for use in uses)
    if rule.span == "episode":
        known, start = _episode(known, start)
    used = frozenset(day for _, days in known for day in days)
    case = Case(used, uses, tuple(position for position, _ in known))
    if rule.span == "stay" or check(rule, case) is not None or view.covered_since(start - EPISODE_GAP, rule.items):
        return case
    return msgspec.structs.replace(view.history_missing(), lines=tuple(use.line for use in uses))


def days_of(line: Line, view: View) -> tuple[Days, tuple[str, ...]]:
    """Return the days a line covers, or the fields it lacks to tell.

    Days of supply win; a long-term or stopped line covers its span; a temporary in-patient line or a service covers
    its day. What a patient takes home without days of supply could last any time.
    """
    span = view.span(line)
    if span is None:
        return (), ("line.time",)
    first, last = span
    if first == last and not line.supply_days and not _taken_home(line, view):
        return (first,), ()
    if line.supply_days:
        if not 0 < line.supply_days <= LONGEST_SPAN:
            return (), ("line.supply_days",)
        last = first + timedelta(days=line.supply_days - 1)
    elif first == last and _taken_home(line, view):
        return (), ("line.supply_days",)
    return tuple(first + timedelta(days=step) for step in range((last - first).days + 1)), ()


def _taken_home(line: Line, view: View) -> bool:
    if line.category == "service":
        return False
    return view.encounter.visit.type != "inpatient" or bool(line.discharge_medication)


def _episode(known: list[tuple[int, Days]], start: date) -> tuple[list[tuple[int, Days]], date]:
    """Keep the uses that chain back from ``start`` without a longer gap than ``EPISODE_GAP``; and where that begins."""
    kept = []
    for position, days in sorted(known, key=lambda use: use[1][-1], reverse=True):
        if start - days[-1] <= EPISODE_GAP:
            kept.append((position, days))
            start = min(start, days[0])
    return kept[::-1], start


def check(rule: PaymentCourse, case: Case) -> Draft | None:
    """Fire when the days used and the days being added exceed the course, on the lines that exceed it."""
    used = set(case.past)
    beyond: set[date] = set()
    for use in case.uses:
        for day in use.days:
            if day not in used and len(used) >= rule.max_days:
                beyond.add(day)
            used.add(day)
    parts = {use: sum(day in beyond for day in use.days) for use in case.uses}
    over = {use.line: use.amount * part // len(use.days) for use, part in parts.items() if part}
    if not over:
        return None
    involved = {*case.involved, *(use.line for use in case.uses)}
    before, total = len(case.past), len(used)
    room = max(0, rule.max_days - before)
    where, lines = WORDS[rule.span], tuple(sorted(over))
    present = f"已用 {before} 天 + 本次 {total - before} 天 = {total} 天"
    return Draft(
        code="COURSE_EXCEEDED",
        message=f"【{rule.name}】{where}支付不超过 {rule.max_days} 天:{present};本次最多可支付 {room} 天。",
        lines=lines,
        involved=tuple(sorted(involved - set(lines))),
        amounts=tuple(over[line] for line in lines),
        limit=f"{where}支付不超过 {rule.max_days} 天",
        present=present,
        allowed=f"{room} 天",
        facts=(("past_days", str(before)), ("days", str(total)), ("allowed_days", str(room))),
    )


def looks(rule: PaymentCourse) -> tuple[Look, ...]:
    """Only an episode reaches beyond this visit."""
    return (Look(rule.items, rule.max_days + EPISODE_GAP.days),) if rule.span == "episode" else ()


def _used_before(encounter: Encounter, days: int) -> Encounter:
    changed = with_visit(encounter, type="inpatient", type_conflict=False)
    for step in range(days, 0, -1):
        changed = past(changed, days_before(encounter, step))
    return changed


def witness(rule: PaymentCourse, encounter: Encounter) -> Encounter:
    """The whole course used on earlier days of the stay, and one day more."""
    return _used_before(encounter, rule.max_days)


def near_miss(rule: PaymentCourse, encounter: Encounter) -> Encounter:
    """The last day of the course."""
    return _used_before(encounter, rule.max_days - 1)


KIND = RuleKind(
    name="payment_course",
    title="限支付疗程",
    codes=(("COURSE_EXCEEDED", "超支付疗程"),),
    row=CourseRow,
    rule=PaymentCourse,
    compile=compile_row,
    read=read,
    check=check,
    looks=looks,
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
