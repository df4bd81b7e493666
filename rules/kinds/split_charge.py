"""Split charge (分解收费): several parts of one whole charged one by one instead of the whole.

Each pattern of ``items`` is one part, so a family of codes (``00210200001*``) counts once. Where the whole is charged
in the same window as well, its parts are no split but a duplicate, and this kind is silent. Parts of another visit are
of another operation. Self-pay never clears it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import days_before, plus_line, sample_code
from rules.kinds._together import in_words, share_a_code
from rules.kinds._view import Charge, View
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

SplitWindow = Literal["day", "visit"]


class SplitRow(Row):
    """One line of ``split_charge.csv``."""

    min_parts: int = Field(default=2, ge=2, description="different parts from which on it is a split")
    whole_name: str = Field(description="what is to be charged instead")
    whole_items: Codes = Field(default=(), description="its codes; where it is charged too, nothing was split")
    window: SplitWindow = Field(default="day", description="where the parts come together")


class SplitCharge(Rule, frozen=True, kw_only=True):
    """Run form: the parts are ``items``, one pattern each."""

    min_parts: int
    whole_name: str
    whole_items: tuple[str, ...]
    window: SplitWindow


class Case(msgspec.Struct, frozen=True):
    """Parts charged in one window: the current lines among them, the rest, and their names."""

    day: str
    lines: tuple[int, ...]
    involved: tuple[int, ...]
    amounts: tuple[int, ...]
    names: tuple[str, ...]
    parts: int


class Placed(msgspec.Struct, frozen=True):
    """A charge, the part it is of, and the days it takes up (``None``: nobody knows)."""

    charge: Charge
    part: str
    span: tuple[date, date] | None


def compile_row(row: SplitRow) -> SplitCharge:
    """Return the run form. Raises ``ValueError`` for fewer parts than make a split, or a whole among its parts."""
    if row.status == "active" and len(row.items) < row.min_parts:
        raise ValueError(f"items names {len(row.items)} parts, fewer than min_parts {row.min_parts}")
    if share_a_code(row.items, row.whole_items):
        raise ValueError("the whole cannot be one of its parts; items and whole_items share a code")
    return SplitCharge(
        **shared(row),
        min_parts=row.min_parts,
        whole_name=row.whole_name,
        whole_items=row.whole_items,
        window=row.window,
    )


def read(rule: SplitCharge, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case per day (or the one visit) on which enough parts meet, and what cannot be placed."""
    parts = _placed(rule, view.charges(rule.items, visit_only=True), view)
    if _count(parts) < rule.min_parts:
        return
    asked = {line.position for line in lines}
    wholes = _placed(rule, view.charges(rule.whole_items, visit_only=rule.window == "visit"), view)
    days = _days(rule, parts)
    charged_whole = _by_day(wholes, days)
    lost = [one for one in parts if one.span is None]
    undated_whole = rule.window == "day" and any(one.span is None for one in wholes)
    said: set[int] = set()
    unclear: set[int] = set()
    for day, found in _by_day(parts, days).items():
        now = {one.charge.line.position for one in found} & asked
        if now <= said or charged_whole[day]:
            continue
        sure = _count(found) >= rule.min_parts
        if sure and not undated_whole:
            said |= now
            yield _case(day, found, now)
        elif sure or _count([*found, *lost]) >= rule.min_parts:
            unclear |= now
    if unclear - said:
        yield Missing(fields=("line.time",), lines=tuple(sorted(unclear - said)))


def _placed(rule: SplitCharge, charges: Iterable[Charge], view: View) -> list[Placed]:
    return [Placed(one, _part(rule, one.line.item), view.span(one.line)) for one in charges]


def _part(rule: SplitCharge, item: str) -> str:
    """Return the pattern that names an item: the part it is; a whole is none."""
    return next((pattern for pattern in rule.items if matches((pattern,), item) == "yes"), "")


def _count(placed: list[Placed]) -> int:
    return len({one.part for one in placed})


def _days(rule: SplitCharge, parts: list[Placed]) -> list[date | None]:
    """Return the days to look at: most parts meet on a day on which one of them begins. A visit has no days."""
    if rule.window == "visit":
        return [None]
    return [*sorted({one.span[0] for one in parts if one.span is not None})]


def _by_day(placed: list[Placed], days: list[date | None]) -> dict[date | None, list[Placed]]:
    """Return the charges that fall on each day."""
    if days == [None]:
        return {None: placed}
    known = [day for day in days if day is not None]
    found: dict[date | None, list[Placed]] = {day: [] for day in known}
    for one in placed:
        if one.span is not None:
            for day in known[bisect_left(known, one.span[0]) : bisect_right(known, one.span[1])]:
                found[day].append(one)
    return found


def _case(day: date | None, found: list[Placed], now: set[int]) -> Case:
    mine = sorted((one for one in found if one.charge.line.position in now), key=lambda one: one.charge.line.position)
    names = dict.fromkeys(one.charge.line.name or "组成项目" for one in found)
    return Case(
        day=day.isoformat() if day else "",
        lines=tuple(one.charge.line.position for one in mine),
        involved=tuple(sorted({one.charge.line.position for one in found} - now)),
        amounts=tuple(one.charge.amount for one in mine),
        names=tuple(names),
        parts=len({one.part for one in found}),
    )


def check(rule: SplitCharge, case: Case) -> Draft:
    """Fire: ``read`` yields a case only when enough parts meet without the whole."""
    where = f"{case.day} " if case.day else in_words(rule.window)
    names = "、".join(case.names)
    return Draft(
        code="SPLIT_CHARGE",
        message=f"【{rule.name}】疑似分解收费:{where}分别收取{names},共 {case.parts} 项组成部分;"
        f"同一次操作应按【{rule.whole_name}】合并收费。",
        lines=case.lines,
        involved=case.involved,
        amounts=case.amounts,
        limit=f"应按{rule.whole_name}合并收费",
        present=f"{case.parts} 项分别收费:{names}",
        allowed=f"改收{rule.whole_name}",
        facts=(("day", case.day), ("parts", str(case.parts))),
    )


def _with_parts(rule: SplitCharge, encounter: Encounter, count: int) -> Encounter:
    """The first line's part and others, each from a pattern of its own, until there are ``count``."""
    held = _part(rule, encounter.lines[0].item)
    others = [pattern for pattern in rule.items if pattern != held]
    for number, pattern in enumerate(others[: count - 1], start=2):
        encounter = plus_line(encounter, item=sample_code((pattern,)), name=f"组成部分{number}")
    return encounter


def witness(rule: SplitCharge, encounter: Encounter) -> Encounter:
    """As many parts as make a split."""
    return _with_parts(rule, encounter, rule.min_parts)


def near_miss(rule: SplitCharge, encounter: Encounter) -> Encounter:
    """One part fewer, and where days count, the last one on the day before."""
    fewer = _with_parts(rule, encounter, rule.min_parts - 1)
    if rule.window == "visit":
        return fewer
    last = witness(rule, encounter).lines[-1]
    return plus_line(fewer, item=last.item, name=last.name, begin=days_before(encounter, 1), current=False)


KIND = RuleKind(
    name="split_charge",
    title="分解收费",
    codes=(("SPLIT_CHARGE", "分解收费"),),
    row=SplitRow,
    rule=SplitCharge,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
