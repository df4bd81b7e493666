"""Surgery discount (手术项目未按规定折价): of several operations through one incision only one is charged in full.

A row is one group of operations (``items``); ``rate`` is what the second and further ones may cost of the full price.
The full price is not in the message. It is taken as the highest unit price known of the item, and a line's *share* is
what it charges of that, per operation where there are several: half a quantity, half an amount or half a price all come
to one half, give or take the rounding of prices. The group's dearest operation is the full one. Whether there was one
incision, nobody says: at most ``warn`` (ruling 22).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

import msgspec
from pydantic import Field

from rules.kinds._contract import Codes, Quantity, Row, RuleKind, shared
from rules.kinds._edits import days_before, plus_line, sample_code, with_first_line
from rules.kinds._text import number
from rules.kinds._view import Charge, View
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule

ROUNDING: Final = UNIT
"""Discounted prices are rounded, in places to whole yuan: an excess up to this is none."""


class DiscountRow(Row):
    """One line of ``surgery_discount.csv``."""

    items: Codes = Field(min_length=2, description="all operations of the group")
    group: str = Field(description="what the group is called")
    rate: Quantity = Field(gt=0, lt=UNIT, description="share of the full price from the second on, such as 0.5")


class SurgeryDiscount(Rule, frozen=True, kw_only=True):
    """Run form: the group's name, and the share (1/10,000) from the second on."""

    group: str
    rate: int


class Share(msgspec.Struct, frozen=True):
    """What one charge takes of its item's full price on a day."""

    line: Line
    day: date
    full: int
    """The highest unit price known of the item; 0 when none is."""
    taken: int
    """In 1/10,000 of the full price; of each, where several were done."""
    amount: int

    def above(self, rate: int) -> bool:
        """Say whether more than the rate is charged, beyond what rounding may do."""
        return self.taken > rate and not 0 < self.amount * (self.taken - rate) <= ROUNDING * self.taken

    def excess(self, rate: int) -> int:
        """Return the money above the rate."""
        return self.amount * (self.taken - rate) // self.taken


class Case(msgspec.Struct, frozen=True):
    """One day: the operation in full, the others above the rate, and the lines to change for how much."""

    day: date
    first: str
    others: tuple[str, ...]
    lines: tuple[int, ...]
    involved: tuple[int, ...]
    amounts: tuple[int, ...]


def compile_row(row: DiscountRow) -> SurgeryDiscount:
    """Return the run form."""
    return SurgeryDiscount(**shared(row), group=row.group, rate=row.rate)


def read(rule: SurgeryDiscount, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case per day with more than one operation above the rate, and what cannot be told."""
    charges = view.charges(rule.items, visit_only=True)
    if len({charge.line.item for charge in charges}) < 2:
        return
    shares, unsure = _shares(charges, _full_prices(view.lines_of(rule.items)), view)
    asked = {line.position for line in lines}
    for day in sorted({view.service_day(line) for line in lines}):
        above = [share for share in shares if share.day == day and share.above(rule.rate)]
        perhaps = [line for line in unsure if view.day_of(line) in {None, day}]
        items = {share.line.item for share in above}
        now = [share.line.position for share in above if share.line.position in asked]
        if now and len(items) > 1:
            yield _case(rule, day, above, now)
        elif len(items | {line.item for line in perhaps}) > 1:
            now += [line.position for line in perhaps if line.position in asked]
            fields = {"line.quantity" if view.day_of(line) else "line.time" for line in perhaps}
            if now and perhaps:
                yield Missing(fields=tuple(sorted(fields)), lines=tuple(now))


def _full_prices(lines: tuple[Line, ...]) -> dict[str, int]:
    """Return the highest unit price known of each item."""
    prices: dict[str, int] = {}
    for line in lines:
        if line.price:
            prices[line.item] = max(line.price, prices.get(line.item, line.price))
    return prices


def _shares(charges: Iterable[Charge], prices: dict[str, int], view: View) -> tuple[list[Share], list[Line]]:
    """Return each charge's share, and the lines whose share or day nobody knows."""
    shares: list[Share] = []
    unsure: list[Line] = []
    for charge in charges:
        line, day = charge.line, view.day_of(charge.line)
        full = prices.get(line.item, 0)
        taken = _taken(charge, full)
        if day is None or taken is None:
            unsure.append(line)
        else:
            shares.append(Share(line, day, full, taken, charge.amount))
    return shares, unsure


def _taken(charge: Charge, full: int) -> int | None:
    """Return the share of the full price: by money, else by quantity; ``None`` when neither came."""
    quantity = charge.quantity
    if full and (charge.amount or charge.line.amount is not None):
        return charge.amount * UNIT * UNIT // (full * max(quantity or UNIT, UNIT))
    return None if quantity is None else min(quantity, UNIT)


def _case(rule: SurgeryDiscount, day: date, above: list[Share], now: list[int]) -> Case:
    """Take the dearest operation for the one in full; the others' money above the rate is at stake.

    Where the others were all charged before, the one being saved is the line to look at, for their money.
    """
    first = max(above, key=lambda share: share.full)  # of equals, the one that was first
    others = [share for share in above if share.line.item != first.line.item]
    stakes = {share.line.position: share.excess(rule.rate) for share in others if share.line.position in now}
    if not stakes:
        stakes = {now[0]: sum(share.excess(rule.rate) for share in others)}
    return Case(
        day=day,
        first=first.line.name or rule.group,
        others=tuple(dict.fromkeys(share.line.name or rule.group for share in others)),
        lines=tuple(sorted(stakes)),
        involved=tuple(sorted({share.line.position for share in above} - set(stakes))),
        amounts=tuple(stakes[position] for position in sorted(stakes)),
    )


def check(rule: SurgeryDiscount, case: Case) -> Draft:
    """Fire: ``read`` yields a case only when more than one operation is above the rate."""
    rate = f"{number(rule.rate * 100)}%"
    others = "、".join(f"【{name}】" for name in case.others)
    return Draft(
        code="SURGERY_NOT_DISCOUNTED",
        message=f"【{rule.name}】{case.day.isoformat()} 同组手术以【{case.first}】为全价,"
        f"{others}未见按 {rate} 以内折价;经同一切口的第二项及以后手术应折价,请核对是否已折价。",
        lines=case.lines,
        involved=case.involved,
        amounts=case.amounts,
        limit=f"{rule.group}同一切口第二项及以后不超过全价的 {rate}",
        present=f"{others}未见折价",
        allowed=f"全价的 {rate}",
        facts=(("day", case.day.isoformat()), ("rate", number(rule.rate))),
        cap="warn",
    )


def _two(rule: SurgeryDiscount, encounter: Encounter, quantity: int) -> Encounter:
    """The first operation in full and another of the group, of the same price, for a quantity."""
    full = with_first_line(encounter, quantity=UNIT, price=1000 * UNIT, amount=None)
    item = full.lines[0].item
    others = tuple(pattern for pattern in rule.items if not item.startswith(pattern.rstrip("*?")))
    return plus_line(full, item=sample_code(others), name="第二项手术", quantity=quantity)


def witness(rule: SurgeryDiscount, encounter: Encounter) -> Encounter:
    """Two operations of the group, both in full."""
    return _two(rule, encounter, UNIT)


def near_miss(rule: SurgeryDiscount, encounter: Encounter) -> Encounter:
    """The second operation at the rate; in full only on the day before."""
    discounted = _two(rule, encounter, rule.rate)
    second = discounted.lines[-1].item
    return plus_line(discounted, item=second, begin=days_before(encounter, 1), current=False)


KIND = RuleKind(
    name="surgery_discount",
    title="手术未按规定折价",
    codes=(("SURGERY_NOT_DISCOUNTED", "手术未折价"),),
    row=DiscountRow,
    rule=SurgeryDiscount,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
