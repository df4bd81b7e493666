"""Item notice (重要提示): something to know or to say when an item is ordered.

Checklist B8, E4 贵重药品, E11 辅助治疗, and 重点监控药品, whose rows ask for a reason. The row's tags put its findings
on the hospital's lists. No limit is broken, so no money is at stake.
"""

from collections.abc import Iterator

import msgspec
from pydantic import Field

from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import positions, with_first_line
from rules.kinds._reading import names_of
from rules.kinds._view import View
from rules.model import Draft, Line, Missing, Rule


class NoticeRow(Row):
    """One line of ``item_notice.csv``."""

    text: str = Field(description="what to say, in full sentences")
    once: bool = Field(default=False, description="speak at the first order of the item in a visit only")


class ItemNotice(Rule, frozen=True, kw_only=True):
    """Run form: what to say, and whether only at the first order."""

    text: str
    once: bool


class Case(msgspec.Struct, frozen=True):
    """The lines to speak about, and what they are called."""

    names: str
    lines: tuple[int, ...]


def compile_row(row: NoticeRow) -> ItemNotice:
    """Return the run form."""
    return ItemNotice(**shared(row), text=row.text.rstrip("。"), once=row.once)


def read(rule: ItemNotice, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for what is being ordered; an order known from before needs no coverage to be known."""
    if not (rule.once and _ordered_before(rule, view)):
        yield Case(names_of(view.in_order(lines), rule.name), positions(lines))


def _ordered_before(rule: ItemNotice, view: View) -> bool:
    return any(not charge.line.current for charge in view.charges(rule.items, visit_only=True))


def check(rule: ItemNotice, case: Case) -> Draft | None:
    """Speak."""
    return Draft(
        code="ITEM_NOTICE",
        message=f"【{rule.name}】{rule.text}。",
        lines=case.lines,
        amounts=(0,) * len(case.lines),
        limit=rule.text,
        present=f"本次开具{case.names}",
        allowed="知悉后使用",
        facts=(("line.item", case.names),),
    )


KIND = RuleKind(
    name="item_notice",
    title="重要提示",
    codes=(("ITEM_NOTICE", "重要提示"),),
    row=NoticeRow,
    rule=ItemNotice,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "charging", "safety"),
    witness=lambda rule, encounter: encounter,
    near_miss=lambda rule, encounter: with_first_line(encounter, current=False),
    rest=lambda rule, encounter: encounter,
)
