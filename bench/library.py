"""The whole library against ten rules: the same messages of 30 lines, of which ten are items that a rule names.

The other twenty lines are items of which the library says nothing, as most of a day's orders are. What the two
rulebooks differ by is thus the size of the library and the rules that every encounter or every item brings up.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final

from bench.inside import Insider
from bench.messages import ROTATION, Body, Order, Person, write
from bench.starter import SHORTEST_FAMILY, shown
from rules import CompiledPack, Rulebook, check
from rules.codings import category_of
from rules.engine.rulebook import Entry

NAMED: Final = 10
_DIAGNOSES: Final = (("I10.x00x002", "高血压"), ("E11.900", "2型糖尿病"))
_PERSON: Final = Person("female", "1971-11-02", _DIAGNOSES)


def ten_rules(rulebook: Rulebook, pack: CompiledPack) -> CompiledPack:
    """Return the pack with ten of its rules: spread over the kinds, one item each that no other rule names."""
    chosen = {entry.rule.id for entry in _chosen(rulebook)}
    rules = {kind: tuple(rule for rule in found if rule.id in chosen) for kind, found in pack.rules.items()}
    return replace(pack, name="ten", digest="ten", rules={kind: found for kind, found in rules.items() if found})


def bodies(rulebook: Rulebook, ten: Rulebook, lines: int, now: datetime) -> tuple[Body, ...]:
    """Return messages about which both rulebooks say the same."""
    orders = [_order(entry) for entry in _chosen(rulebook)]
    plain = [Order(f"XV03AXW{number:03}A001010101234", f"药品{number}", "drug") for number in range(lines - NAMED)]
    insiders = [Insider(book) for book in (rulebook, ten)]
    try:
        return tuple(_body(insiders, [*orders, *plain], number, now) for number in range(ROTATION))
    finally:
        for insider in insiders:
            insider.close()


def _body(insiders: Sequence[Insider], orders: list[Order], number: int, now: datetime) -> Body:
    shuffled = Random(number).sample(orders, len(orders))
    unjudged = write(_PERSON, shuffled, rng=Random(number), now=now)
    said = [shown(check(insider.given(unjudged), insider.rulebook)) for insider in insiders]
    if said[0] != said[1]:
        raise AssertionError(f"the library says more than the ten rules: {sorted(set(said[0]) ^ set(said[1]))}")
    return write(_PERSON, shuffled, rng=Random(number), now=now, expected=said[0])


def _chosen(rulebook: Rulebook) -> list[Entry]:
    """Return ten rules that are alone on their item and silent about this person, by turns of kind."""
    by_kind: dict[str, list[Entry]] = {}
    for entry in rulebook.entries:
        if _alone(entry, rulebook):
            by_kind.setdefault(entry.kind.name, []).append(entry)
    turns = [entry for turn in zip(*(found * NAMED for found in by_kind.values()), strict=False) for entry in turn]
    return list({entry.number: entry for entry in turns}.values())[:NAMED]


def _alone(entry: Entry, rulebook: Rulebook) -> bool:
    items = entry.rule.items
    if len(items) != 1 or len(items[0]) < SHORTEST_FAMILY or items[0].endswith("?") or entry.rule.unset:
        return False
    found = [number for number, _ in rulebook.items.find(_order(entry).code)]
    return [number for number in found if rulebook.entries[number].names] == [entry.number]


def _order(entry: Entry) -> Order:
    pattern = entry.rule.items[0]
    code = pattern if not pattern.endswith("*") else f"{pattern[:-1]}010101234"
    return Order(code, entry.rule.name, "service" if category_of(code) == "service" else "drug")
