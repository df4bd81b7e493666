"""Excluded pair (项目与项目匹配·不得同时): two items that must not stand together in one window.

Drug interactions, decoction pieces that must not be cooked together (十八反、十九畏), services that already include a
consumable. Whichever side is being saved brings the rule up. Where both are, the later one is named; in ``charging``
scope the other item, which is the one already included.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Look, Row, RuleKind, Triggers, shared
from rules.kinds._edits import days_before, plus_line, sample_code, with_first_line, with_visit
from rules.kinds._together import (
    LONGEST_SUPPLY,
    Company,
    PairWindow,
    in_words,
    known_from,
    on_days,
    share_a_code,
    unclear,
)
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule


class PairRow(Row):
    """One line of ``excluded_pair.csv``."""

    other_items: Codes = Field(min_length=1, description="what must not stand beside `items`")
    other_name: str = Field(description="what people call it")
    window: PairWindow = Field(description="where the two must not stand together")


class ExcludedPair(Rule, frozen=True, kw_only=True):
    """Run form: the two sides, and where they must not stand together."""

    other_items: tuple[str, ...]
    other_name: str
    window: PairWindow


class Case(msgspec.Struct, frozen=True):
    """Lines of both sides in one window: those to change, those they meet, and since when these are known."""

    lines: tuple[int, ...]
    involved: tuple[int, ...]
    amounts: tuple[int, ...]
    when: str
    elsewhere: bool
    """Those they meet are all of another visit."""


class Meeting(msgspec.Struct, frozen=True):
    """A line the rule is asked about, and what it meets of the other side."""

    line: Line
    other_side: bool
    """The line is one of ``other_items``."""
    meets: tuple[Line, ...]


def compile_row(row: PairRow) -> ExcludedPair:
    """Return the run form. Raises ``ValueError`` for an item that would exclude itself."""
    if share_a_code(row.items, row.other_items):
        raise ValueError("an item cannot exclude itself; items and other_items share a code")
    return ExcludedPair(**shared(row), other_items=row.other_items, other_name=row.other_name, window=row.window)


def read(rule: ExcludedPair, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the lines that meet the other side, and what keeps the rest from being told."""
    ours, others = view.charges(rule.items), view.charges(rule.other_items)
    if not (ours and others):
        return
    asked = {line.position for line in lines}
    meetings: dict[int, Meeting] = {}
    doubts: dict[int, str] = {}
    for other_side, side, opposite in ((False, ours, others), (True, others, ours)):
        company = Company(rule.window, opposite, view)
        for line in (charge.line for charge in side if charge.line.position in asked):
            found = company.of(line)
            if found.lines:
                meetings[line.position] = Meeting(line, other_side, found.lines)
            elif found.unclear:
                doubts[line.position] = found.unclear
    if meetings:
        yield _case(rule, meetings, {charge.line.position: charge.amount for charge in (*ours, *others)}, view)
    if doubts:
        yield unclear(doubts.values(), doubts)


def _case(rule: ExcludedPair, meetings: dict[int, Meeting], amounts: dict[int, int], view: View) -> Case:
    named = {
        position: meeting
        for position, meeting in sorted(meetings.items(), key=lambda item: _order(item[1].line, view))
        if any(_falls_on(rule, meeting, other, meetings, view) for other in meeting.meets)
    }
    beside = {line.position: line for meeting in named.values() for line in meeting.meets}
    known = [line for line in beside.values() if not line.current]
    stakes = _stakes(rule, named, amounts)
    first = min(known, key=lambda line: _order(line, view), default=None)
    return Case(
        lines=tuple(sorted(named)),
        involved=tuple(sorted(set(beside) - set(named))),
        amounts=tuple(stakes[position] for position in sorted(named)),
        when=known_from(first, view) if first else _days(rule, named, view),
        elsewhere=all(line.visit is not None for line in beside.values()),
    )


def _days(rule: ExcludedPair, named: dict[int, Meeting], view: View) -> str:
    """Return the days of the lines named; where the whole visit is the window, days say nothing."""
    return "" if rule.window == "visit" else on_days((view.service_day(one.line) for one in named.values()), view)


def _falls_on(rule: ExcludedPair, one: Meeting, other: Line, meetings: dict[int, Meeting], view: View) -> bool:
    """Say whether, of two lines that meet, this is the one to change."""
    if other.position not in meetings:
        return True  # the other can no longer be changed
    if rule.scope == "charging":
        return one.other_side
    return _order(one.line, view) > _order(other, view)


def _order(line: Line, view: View) -> tuple[datetime, str, int]:
    return (view.time_of(line) or view.time, line.id, line.position)


def _stakes(rule: ExcludedPair, named: dict[int, Meeting], amounts: dict[int, int]) -> dict[int, int]:
    """Return the money per named line: its own, or what it already includes where that was charged before."""
    if rule.scope != "charging":
        return {position: amounts[position] for position in named}
    counted: set[int] = set()
    stakes: dict[int, int] = {}
    for position, meeting in named.items():
        included = {position} if meeting.other_side else {line.position for line in meeting.meets}
        stakes[position] = sum(amounts[other] for other in included - counted)
        counted |= included
    return stakes


def looks(rule: ExcludedPair) -> tuple[Look, ...]:
    """Return the past that may still be in use, where that is what counts."""
    return (Look(rule.items + rule.other_items, LONGEST_SUPPLY),) if rule.window == "overlap" else ()


def check(rule: ExcludedPair, case: Case) -> Draft:
    """Fire: ``read`` yields a case only when both sides stand in one window."""
    where = in_words(rule.window)
    if rule.scope == "charging":
        message = f"【{rule.name}】已包含【{rule.other_name}】,{where}不得另行收费{case.when};请只保留其中一项。"
    else:
        message = f"【{rule.name}】与【{rule.other_name}】{where}不宜合用{case.when};请核对并调整其中一项。"
    return Draft(
        code="EXCLUDED_PAIR",
        message=message,
        lines=case.lines,
        involved=case.involved,
        amounts=case.amounts,
        limit=f"{where}不得同时存在",
        present="两项同时存在",
        allowed="只保留其中一项",
        facts=(("window", rule.window),),
        # One day in the emergency room and on the ward: that it was one service, nobody says.
        cap="warn" if case.elsewhere and rule.scope == "charging" else "block",
    )


def _first(encounter: Encounter) -> Encounter:
    """The rule's item as an in-patient's order, with a prescription and a group."""
    order = with_first_line(encounter, prescription="P1", group="G1", route="iv", supply_days=None)
    return with_visit(order, type="inpatient")


def _other(rule: ExcludedPair, encounter: Encounter, **changes: Any) -> Encounter:
    return plus_line(_first(encounter), item=sample_code(rule.other_items), name=rule.other_name, **changes)


def witness(rule: ExcludedPair, encounter: Encounter) -> Encounter:
    """The other item beside the first, in every window there is."""
    return _other(rule, encounter)


def near_miss(rule: ExcludedPair, encounter: Encounter) -> Encounter:
    """The other item just outside the window; in one visit nothing is outside, so there it is of another visit."""
    if rule.window == "visit":
        return _other(rule, encounter, visit="V0", current=False)
    if rule.window == "prescription":
        return _other(rule, encounter, prescription="P2")
    if rule.window == "same_infusion":
        return _other(rule, encounter, group="G2")
    return _other(rule, encounter, begin=days_before(encounter, 1), current=False)


KIND = RuleKind(
    name="excluded_pair",
    title="项目与项目匹配(不得同时)",
    codes=(("EXCLUDED_PAIR", "不得同时使用"),),
    row=PairRow,
    rule=ExcludedPair,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety", "charging"),
    triggers=lambda rule: Triggers(items=rule.items + rule.other_items),
    looks=looks,
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
