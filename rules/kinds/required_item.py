"""Required item (项目与项目匹配·必须): an item that needs another item or an operation in a window.

A drug or consumable and its service (与医疗服务项目不符), an operation's fee and its code, an antibiotic and its skin
test. The partner may still come while an order is being written, so the rule never goes above ``warn``; ``scenes`` and
``stages`` say when it speaks. A partner that nobody mentions is absent only where the record reaches back over the
window and every code in it can be read, and an operation only once the visit lists operations at all: else the rule is
*not checked*.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Codes, Look, Row, RuleKind, shared
from rules.kinds._edits import day_of, days_before, plus_line, positions, sample_code, with_first_line
from rules.kinds._evidence import Evidence
from rules.kinds._together import WindowCell, days_in, in_words, on_days, share_a_code
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Operation, Rule
from rules.patterns import matches


class RequiredRow(Row):
    """One line of ``required_item.csv``."""

    with_items: Codes = Field(default=(), description="items any of which must be there")
    with_ops: Codes = Field(default=(), description="operations any of which will do as well")
    with_name: str = Field(description="what is needed, for the message")
    window: WindowCell = Field(description="where it must be: day, visit, prescription, or days:N either way")


class RequiredItem(Rule, frozen=True, kw_only=True):
    """Run form: what is needed, and where."""

    with_items: tuple[str, ...]
    with_ops: tuple[str, ...]
    with_name: str
    window: str


class Case(msgspec.Struct, frozen=True):
    """Whether lines have what they need."""

    satisfied: bool
    lines: tuple[int, ...]
    when: str


def compile_row(row: RequiredRow) -> RequiredItem:
    """Return the run form. Raises ``ValueError`` for a row that needs nothing, or needs itself."""
    if row.status == "active" and not (row.with_items or row.with_ops):
        raise ValueError("name what is needed in with_items or with_ops")
    if row.with_ops and row.window == "prescription":
        raise ValueError("an operation stands on no prescription; use day, visit or days:N")
    if share_a_code(row.items, row.with_items):
        raise ValueError("an item cannot require itself; items and with_items share a code")
    return RequiredItem(
        **shared(row),
        with_items=row.with_items,
        with_ops=row.with_ops,
        with_name=row.with_name,
        window=row.window,
    )


def read(rule: RequiredItem, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the lines that have what they need, one for those that lack it, and what is not known."""
    standing = {charge.line.position for charge in view.charges(rule.items)}
    needed = Evidence(rule.with_items, rule.with_ops, rule.window, view, sought_beside=rule.items)
    found: dict[bool | Missing, list[Line]] = {}
    for line in lines:
        if line.position in standing:
            found.setdefault(needed.beside(line), []).append(line)
    for answer, those in found.items():
        if isinstance(answer, Missing):
            yield replace(answer, lines=positions(tuple(those)))
        else:
            days = () if rule.window == "visit" else (view.service_day(line) for line in those)
            yield Case(answer, positions(tuple(those)), on_days(days, view))


def check(rule: RequiredItem, case: Case) -> Draft | None:
    """Fire when nothing that would do is there."""
    if case.satisfied:
        return None
    where = in_words(rule.window)
    return Draft(
        code="REQUIRED_ITEM_MISSING",
        message=f"【{rule.name}】须与【{rule.with_name}】匹配,{where}{case.when}未见;请补开或补录,确不需要的请说明理由。",
        lines=case.lines,
        limit=f"{where}须有{rule.with_name}",
        present=f"未见{rule.with_name}",
        allowed=f"补开或补录{rule.with_name}",
        facts=(("window", rule.window),),
        cap="warn",
    )


def _without(rule: RequiredItem, encounter: Encounter) -> Encounter:
    """Only operations that do not help, so that it is known which were done."""
    others = [one for one in encounter.operations if matches(rule.with_ops, one.code) is None]
    unrelated = Operation(code="00.0000", name="其他操作", day=day_of(encounter))
    return replace(encounter, operations=(*others, unrelated) if rule.with_ops else encounter.operations)


def witness(rule: RequiredItem, encounter: Encounter) -> Encounter:
    """The item alone; where there is an outside to the window, the partner just outside."""
    alone = _without(rule, with_first_line(encounter, prescription="P1"))
    if not rule.with_items:
        return alone
    changes = {"item": sample_code(rule.with_items), "name": rule.with_name, "current": False}
    if rule.window == "prescription":
        return plus_line(alone, **changes, prescription="P2")
    if rule.window == "visit":
        return plus_line(alone, **changes, visit="V0")
    return plus_line(alone, **changes, begin=days_before(alone, days_in(rule.window) + 1))


def near_miss(rule: RequiredItem, encounter: Encounter) -> Encounter:
    """The partner as far off as the window reaches."""
    alone = _without(rule, with_first_line(encounter, prescription="P1"))
    begin = days_before(alone, days_in(rule.window))
    if rule.with_items:
        item = sample_code(rule.with_items)
        return plus_line(alone, item=item, name=rule.with_name, current=False, begin=begin)
    done = Operation(code=sample_code(rule.with_ops), name=rule.with_name, day=begin.date())
    return replace(alone, operations=(*alone.operations, done))


KIND = RuleKind(
    name="required_item",
    title="项目与项目匹配(必须)",
    codes=(("REQUIRED_ITEM_MISSING", "缺少匹配项目"),),
    row=RequiredRow,
    rule=RequiredItem,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety", "charging", "payment"),
    looks=lambda rule: (Look(rule.with_items, days_in(rule.window)),) if days_in(rule.window) else (),
    witness=witness,
    near_miss=near_miss,
)
