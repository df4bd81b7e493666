"""Quantity limit (限数量, 累计支付数量): at most so much of some items over a window, all of them counted together.

Charges known from before use the limit up first; what is being saved now is what exceeds. A limit may grow with the
operations of the visit, hold for some diseases only, or be meant for one eye or limb where messages name no side.
"""

from collections.abc import Iterator
from datetime import date

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Codes, Look, Quantity, Row, RuleKind, shared
from rules.kinds._doses import in_unit
from rules.kinds._edits import sample_code, with_first_line, with_visit
from rules.kinds._reading import or_self_pay
from rules.kinds._text import number
from rules.kinds._view import Charge, View
from rules.kinds._windows import WINDOW, Excess, Tally, WindowRule, excess, in_words, tally, window_of
from rules.model import UNIT, Diagnosis, Draft, Encounter, Line, Missing, Operation
from rules.patterns import matches
from rules.words import normal

SIDES = 2
"""Eyes, limbs: what a limit for one side is doubled by before it is surely exceeded."""


class QuantityRow(Row):
    """One line of ``quantity_limit.csv``."""

    max: Quantity = Field(gt=0, description="a number; kept in 1/10,000")
    unit: str = Field(min_length=1, description="what is counted: 支, 盒, 个")
    window: str = Field(
        pattern=WINDOW, description="line, prescription, day, month, year, visit, lifetime, days:N or first:N"
    )
    content: Codes = Field(default=(), description="what another unit holds of it: 盒=10|瓶=30")
    per_ops: Codes = Field(default=(), description="ICD-9-CM-3 patterns; `max` is for each such operation of the visit")
    disease: Codes = Field(default=(), description="门慢门特病种编码 that the visit is settled under")
    dx: Codes = Field(default=(), description="ICD-10 patterns; the limit holds with one of them only")
    per_side: bool = Field(default=False, description="meant for one eye or limb, which messages do not tell apart")


class QuantityLimit(WindowRule, frozen=True, kw_only=True):
    """Run form: the limit in 1/10,000 units, and for whom it holds."""

    max: int
    unit: str
    content: tuple[tuple[str, int], ...] = ()
    """Other units, normalised, and how much of ``unit`` one of each holds in 1/10,000."""
    per_ops: tuple[str, ...] = ()
    disease: tuple[str, ...] = ()
    dx: tuple[str, ...] = ()
    per_side: bool


class Case(msgspec.Struct, frozen=True):
    """What the windows hold, and the limit that holds here."""

    tally: Tally
    limit: int
    operations: int


def compile_row(row: QuantityRow) -> QuantityLimit:
    """Return the run form. Raises ``ValueError`` for a content that is not ``unit=number``."""
    return QuantityLimit(
        **shared(row),
        max=row.max,
        unit=row.unit,
        window=window_of(row.window),
        content=tuple(_content(cell) for cell in row.content),
        per_ops=row.per_ops,
        disease=row.disease,
        dx=row.dx,
        per_side=row.per_side,
    )


def _content(cell: str) -> tuple[str, int]:
    unit, _, held = cell.partition("=")
    if not unit or not held.isdecimal() or not int(held):
        raise ValueError("content is a unit and the whole number it holds, such as 盒=10")
    return normal(unit), int(held) * UNIT


def read(rule: QuantityLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield what the windows hold; for whom the limit holds must be known only where it is exceeded."""
    concern = _concerns(rule, view)
    if concern is False:
        return
    operations = sum(matches(rule.per_ops, found.code) is not None for found in view.encounter.operations)
    if rule.per_ops and not operations:
        concern = Missing(fields=("operations",))  # not coded yet, or more than one: what one allows is allowed anyway
    limit = rule.max * max(operations, 1)
    for found in tally(rule, lines, view, lambda charge: _measured(rule, charge, view), limit=limit):
        if isinstance(found, Missing):
            yield found
        elif isinstance(concern, Missing) and excess(found, limit) is not None:
            yield concern
        else:
            yield Case(found, limit, operations)


def _concerns(rule: QuantityLimit, view: View) -> bool | Missing:
    """Say whether the limit holds for this visit and patient, or what is missing to tell."""
    visit = view.encounter.visit
    if rule.disease:
        if visit.chronic_disease is None and (visit.medical_type or "14").startswith("14"):
            return Missing(fields=("visit.chronic_disease",))
        if visit.chronic_disease not in rule.disease:
            return False
    if not rule.dx or any(matches(rule.dx, code) for code in view.evidence):
        return True
    return view.unread_diagnoses or False


def _measured(rule: QuantityLimit, charge: Charge, view: View) -> int | Missing:
    """Return a charge's quantity in the rule's unit."""
    line = charge.line
    if charge.quantity is None:
        return Missing(fields=("line.quantity",))
    held = dict(rule.content).get(normal(line.unit or ""))
    if held is not None:
        return charge.quantity * held // UNIT
    return in_unit(charge.quantity, line.unit, rule.unit, line, view, field="line.unit")


def check(rule: QuantityLimit, case: Case) -> Draft | None:
    """Fire for what exceeds the limit, on the lines being saved."""
    found = excess(case.tally, case.limit)
    if found is None:
        return None
    room = f"{number(max(0, case.limit - found.worst.before))} {rule.unit}"
    present = in_words(found, rule.unit, "已开")
    more = f",另有 {found.others} 处同样超出" if found.others else ""
    limit = _limit(rule, case)
    return Draft(
        code="QUANTITY_EXCEEDED",
        message=f"【{rule.name}】{limit}:{present}{more};本次最多可开 {room}{_way_out(rule, case, found)}。",
        lines=found.lines,
        involved=found.involved,
        amounts=found.amounts,
        limit=limit,
        present=present,
        allowed=room,
        facts=(
            ("past", number(found.worst.before)),
            ("now", number(found.worst.now)),
            ("allowed", room),
        ),
        cap="block" if _sure(rule, case, found) else "info",
    )


def _limit(rule: QuantityLimit, case: Case) -> str:
    each = f"{number(rule.max)} {rule.unit}"
    if rule.per_ops:
        total = f"{number(case.limit)} {rule.unit}"
        return f"每次手术限 {each},{rule.window} {case.operations} 次手术共限 {total}"
    return f"{rule.window}{'每侧' if rule.per_side else ''}限 {each}"


def _sure(rule: QuantityLimit, case: Case, found: Excess) -> bool:
    """Both sides together may hold twice the limit of one; only what is above that surely exceeds it."""
    return not rule.per_side or found.worst.total > SIDES * case.limit


def _way_out(rule: QuantityLimit, case: Case, found: Excess) -> str:
    """Return what else may be done; nobody is sent to pay for a second side that the fund may well cover."""
    if not _sure(rule, case, found):
        return ";明细未分左右侧,双侧用药的请核对每侧数量"
    return f"{or_self_pay(rule)}{';按双侧合计亦已超出' if rule.per_side else ''}"


def _of(rule: QuantityLimit, encounter: Encounter, more: int) -> Encounter:
    """Return the encounter with the limit and ``more`` on its first line, and the rule's conditions met."""
    changed = with_first_line(encounter, quantity=rule.max + more, unit=rule.unit, prescription="RX1", stop=None)
    if rule.disease:
        changed = with_visit(changed, chronic_disease=rule.disease[0])
    if rule.per_ops:
        changed = replace(changed, operations=(Operation(code=sample_code(rule.per_ops)),))
    if rule.dx:
        shown = Diagnosis(code=sample_code(rule.dx), name=sample_code(rule.dx))
        changed = replace(changed, diagnoses=(*changed.diagnoses, shown))
    return replace(changed, history_since=date(1900, 1, 1))


def witness(rule: QuantityLimit, encounter: Encounter) -> Encounter:
    """One unit more than the limit."""
    return _of(rule, encounter, UNIT)


def near_miss(rule: QuantityLimit, encounter: Encounter) -> Encounter:
    """Exactly the limit."""
    return _of(rule, encounter, 0)


def looks(rule: QuantityLimit) -> tuple[Look, ...]:
    """The past that the window needs."""
    return rule.window.looks(rule.items)


KIND = RuleKind(
    name="quantity_limit",
    title="限数量",
    codes=(("QUANTITY_EXCEEDED", "超数量"),),
    row=QuantityRow,
    rule=QuantityLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "charging"),
    looks=looks,
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
