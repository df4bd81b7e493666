"""Swapped item (串换项目): an item charged while the record shows that something else was done.

The record shows it by an item or an operation, and shows nothing of the charged item's own (``proper_items``,
``proper_ops``), which nobody mentions and which would be known. Only suspicious: what was really done stands in the
case history, so nothing goes above ``warn``.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Codes, Row, RuleKind, shared
from rules.kinds._edits import day_of, plus_line, positions, sample_code
from rules.kinds._evidence import Evidence
from rules.kinds._together import in_words, on_days, share_a_code
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Operation, Rule
from rules.patterns import matches

SwapWindow = Literal["day", "visit"]


class SwappedRow(Row):
    """One line of ``swapped_item.csv``."""

    shown_items: Codes = Field(default=(), description="items that show what was really done")
    shown_ops: Codes = Field(default=(), description="operations that show it")
    shown_name: str = Field(description="what was really done, for the message")
    proper_items: Codes = Field(default=(), description="items that show the charged item was done after all")
    proper_ops: Codes = Field(default=(), description="operations that show it was")
    window: SwapWindow = Field(default="visit", description="where the record is looked at")


class SwappedItem(Rule, frozen=True, kw_only=True):
    """Run form: evidence for the other item, and evidence for the charged one."""

    shown_items: tuple[str, ...]
    shown_ops: tuple[str, ...]
    shown_name: str
    proper_items: tuple[str, ...]
    proper_ops: tuple[str, ...]
    window: SwapWindow


class Case(msgspec.Struct, frozen=True):
    """Lines beside which the record shows something else, and the lines that show it."""

    lines: tuple[int, ...]
    involved: tuple[int, ...]
    shown: str
    when: str


def compile_row(row: SwappedRow) -> SwappedItem:
    """Return the run form. Raises ``ValueError`` where nothing could show the swap, or the item itself would."""
    if row.status == "active" and not (row.shown_items or row.shown_ops):
        raise ValueError("name what the record shows in shown_items or shown_ops")
    if share_a_code(row.items, row.shown_items + row.proper_items):
        raise ValueError("an item is no evidence about itself; items shares a code with shown_items or proper_items")
    return SwappedItem(
        **shared(row),
        shown_items=row.shown_items,
        shown_ops=row.shown_ops,
        shown_name=row.shown_name,
        proper_items=row.proper_items,
        proper_ops=row.proper_ops,
        window=row.window,
    )


def read(rule: SwappedItem, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the lines beside which only something else is shown, and what keeps the rest from it."""
    shown = Evidence(rule.shown_items, rule.shown_ops, rule.window, view)
    if not shown.possible:
        return
    standing = {charge.line.position for charge in view.charges(rule.items)}
    named = rule.items + rule.shown_items
    proper = Evidence(rule.proper_items, rule.proper_ops, rule.window, view, sought_beside=named)
    found: dict[bool | Missing, list[Line]] = {}
    for line in lines:
        if line.position in standing:
            found.setdefault(_swapped(line, shown, proper), []).append(line)
    for answer, those in found.items():
        if isinstance(answer, Missing):
            yield replace(answer, lines=positions(tuple(those)))
        elif answer:
            yield _case(rule, those, shown, view)


def _swapped(line: Line, shown: Evidence, proper: Evidence) -> bool | Missing:
    """Kleene's *and* of *the other is shown* and *its own is not*: a sure no decides, whatever else is unknown."""
    other, own = shown.beside(line), proper.beside(line)
    if other is False or own is True:
        return False
    return other if other is not True else own or True


def _case(rule: SwappedItem, swapped: list[Line], shown: Evidence, view: View) -> Case:
    """Name what the record shows as it calls it itself."""
    beside = {other.position: other for line in swapped for other in shown.company.of(line).lines}
    operations = [one.name for one in view.encounter.operations if matches(rule.shown_ops, one.code) == "yes"]
    names = dict.fromkeys(
        name for name in (*(other.name for other in view.in_order(beside.values())), *operations) if name
    )
    days = () if rule.window == "visit" else (view.service_day(line) for line in swapped)
    return Case(
        lines=positions(tuple(swapped)),
        involved=tuple(sorted(beside)),
        shown="、".join(names) or rule.shown_name,
        when=on_days(days, view),
    )


def check(rule: SwappedItem, case: Case) -> Draft:
    """Fire: ``read`` yields a case only when the record shows something else."""
    where = in_words(rule.window)
    what = rule.shown_name if case.shown == rule.shown_name else f"{rule.shown_name}({case.shown})"
    return Draft(
        code="SWAPPED_ITEM",
        message=f"【{rule.name}】疑似串换收费:{where}{case.when}记录为{what},"
        f"未见支持【{rule.name}】的记录;请按实际开展的项目收费。",
        lines=case.lines,
        involved=case.involved,
        limit="按实际开展的项目收费",
        present=f"记录为{case.shown}",
        allowed=rule.shown_name,
        facts=(("shown", case.shown),),
        cap="warn",
    )


def _shown(rule: SwappedItem, encounter: Encounter) -> Encounter:
    """The other thing in the record, and operations among which the item's own is not."""
    others = tuple(one for one in encounter.operations if matches(rule.proper_ops, one.code) is None)
    unrelated = Operation(code="00.0000", name="其他操作", day=day_of(encounter))
    known = replace(encounter, operations=(*others, unrelated))
    if rule.shown_items:
        return plus_line(known, item=sample_code(rule.shown_items), name=rule.shown_name, current=False)
    done = Operation(code=sample_code(rule.shown_ops), name=rule.shown_name, day=day_of(encounter))
    return replace(known, operations=(*known.operations, done))


def witness(rule: SwappedItem, encounter: Encounter) -> Encounter:
    """Only the other thing in the record."""
    return _shown(rule, encounter)


def near_miss(rule: SwappedItem, encounter: Encounter) -> Encounter:
    """The item's own evidence as well; where none is named, an operation that shows nothing."""
    if rule.proper_items:
        return plus_line(_shown(rule, encounter), item=sample_code(rule.proper_items), current=False)
    if rule.proper_ops:
        shown = _shown(rule, encounter)
        done = Operation(code=sample_code(rule.proper_ops), day=day_of(encounter))
        return replace(shown, operations=(*shown.operations, done))
    return rest(rule, encounter)


def rest(rule: SwappedItem, encounter: Encounter) -> Encounter:
    """Operations that show nothing."""
    others = tuple(one for one in encounter.operations if matches(rule.shown_ops, one.code) is None)
    return replace(encounter, operations=(*others, Operation(code="00.0000", name="其他操作", day=day_of(encounter))))


KIND = RuleKind(
    name="swapped_item",
    title="串换项目",
    codes=(("SWAPPED_ITEM", "疑似串换"),),
    row=SwappedRow,
    rule=SwappedItem,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=rest,
)
