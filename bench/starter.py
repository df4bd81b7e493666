"""Messages that meet the starter pack: every line is an item it has rules on, and about eight findings a message."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Final

from bench.inside import Insider
from bench.messages import ROTATION, Body, Kind, Order, Person, write
from rules import CompiledPack, Rulebook, cards, check, reference
from rules.codings import category_of
from rules.compiler import compile_pack
from rules.model import Input, Verdict
from service.dialects._finding_ids import most_joined
from service.packs import STARTER

FIRING: Final = 8
"""Lines of a 30-line message about which a rule speaks by itself; other lengths in proportion."""
TYPICAL_LINES: Final = 30
SHORTEST_FAMILY: Final = 10
"""A shorter pattern (``*``, ``X*``, a pharmacological class) is no item anybody orders."""
_DIAGNOSES: Final = (
    ("K80.100x003", "胆囊结石伴慢性胆囊炎"),
    ("I10.x00x002", "高血压"),
    ("E11.900", "2型糖尿病"),
    ("K21.000", "胃食管反流病"),
    ("M81.900", "骨质疏松"),
)
_BIRTHS: Final = ("1958-03-12", "1971-11-02")


def pack() -> CompiledPack:
    """Compile the starter pack."""
    return compile_pack(STARTER)


def bodies(rulebook: Rulebook, lines: int, now: datetime, count: int = ROTATION) -> tuple[Body, ...]:
    """Return messages, each with what a plain scan of the rulebook finds in it."""
    insider = Insider(rulebook)
    try:
        return tuple(_body(insider, number, lines, now) for number in range(count))
    finally:
        insider.close()


def _body(insider: Insider, number: int, lines: int, now: datetime) -> Body:
    rng = Random(number)
    person = Person("male" if number % 2 else "female", _BIRTHS[number % len(_BIRTHS)], _DIAGNOSES)
    loud, quiet = _sorted_out(insider, person, now)
    firing = min(len(loud), max(1, lines * FIRING // TYPICAL_LINES))
    orders = rng.sample(loud, firing) + rng.sample(quiet, lines - firing)
    rng.shuffle(orders)
    unjudged = write(person, orders, rng=Random(number), now=now)
    expected = shown(reference(insider.given(unjudged), insider.rulebook))
    if not expected:
        raise AssertionError("a message of the bench lost what its lines bring up one by one")
    return write(person, orders, rng=Random(number), now=now, expected=expected)


@lru_cache(maxsize=64)
def _sorted_out(insider: Insider, person: Person, now: datetime) -> tuple[list[Order], list[Order]]:
    """Return the items about which something is said for this person, and those about which nothing is."""
    loud: list[Order] = []
    quiet: list[Order] = []
    for order in _orders(insider.rulebook):
        alone: Input = insider.given(write(person, [order], rng=Random(0), now=now))
        (loud if shown(check(alone, insider.rulebook)) else quiet).append(order)
    return loud, quiet


def _orders(rulebook: Rulebook) -> Iterator[Order]:
    """Yield one order for each item that a rule names surely."""
    seen: set[str] = set()
    for entry in rulebook.entries:
        for pattern in entry.rule.items:
            code = pattern if pattern[-1] not in "*?" else f"{pattern[:-1]}010101234"
            if code not in seen and pattern[-1] != "?" and len(pattern) >= SHORTEST_FAMILY:
                seen.add(code)
                kind: Kind = "service" if category_of(code) == "service" else "drug"
                yield Order(code, entry.rule.name, kind)


def shown(verdict: Verdict) -> tuple[str, ...]:
    """Return the rules that a national answer's rows name, in order, with repeats: the first of each card."""
    found = verdict.findings
    folded = cards(found, above="info", most=most_joined(len(found)))
    return tuple(sorted(found[card.findings[0]].rule for card in folded))
