"""A pack of any size at one density, and messages that meet it: 20 items carry 40 rules, block after block.

A message takes each line from a random block but by a fixed sequence of items, so the same seed brings the same
findings whatever the size of the pack. What must be found is worked out here from the definition of the rules, not
by the engine that is measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, Final, Literal

from bench.messages import ROTATION, Body, Order, Person, write
from rules import CompiledPack
from rules.compiler.sealing import digest_of, head_of, lines_of, sections_of
from rules.kinds._ages import Age
from rules.kinds.age_limit import AgeLimit
from rules.kinds.duplicate_charge import DuplicateCharge
from rules.kinds.frequency_limit import FrequencyLimit
from rules.kinds.indication import Indication
from rules.kinds.sex_limit import SexLimit
from rules.model import UNIT, Citation, Rule, encode

Kind = Literal["sex_limit", "age_limit", "frequency_limit", "duplicate_charge", "indication"]
SHARES: Final[tuple[tuple[Kind, int], ...]] = (
    ("sex_limit", 4),
    ("age_limit", 8),
    ("frequency_limit", 10),
    ("duplicate_charge", 8),
    ("indication", 10),
)
"""Rules of each kind in a block."""
RULES: Final = sum(count for _, count in SHARES)
ITEMS: Final = RULES // 2
"""Items of a block: each names two rules."""
PREFIXES: Final = (3, 4, 5, 6, 7, 8, 9, 10, 12, 31)
"""Diagnosis patterns of a block's indications: on average what the starter pack has; in one block of ten, 300 once."""
COMMON: Final = (
    ("I10.x00x002", "高血压"),
    ("E11.900", "2型糖尿病"),
    ("K21.000", "胃食管反流病"),
    ("J44.900", "慢性阻塞性肺病"),
    ("N18.900", "慢性肾脏病"),
)
"""Each indication names one of these; a patient lacks one of the five."""
ELSEWHERE: Final = ("Z51.100", "肿瘤化学治疗")
"""A diagnosis that no rule names."""
DAILY: Final = 2
MANY: Final = 5
BIRTH: Final = "1956-02-11"
_LETTERS: Final = "ABCDFGHLMOQRST"


@dataclass(frozen=True, slots=True)
class Template:
    """A rule of every block: ``variant`` counts the block's rules of its kind."""

    number: int
    item: int
    kind: Kind
    variant: int


@dataclass(frozen=True, slots=True)
class Place:
    """An item: its block, and its place there."""

    block: int
    item: int


def _templates() -> tuple[Template, ...]:
    kinds = [(kind, variant) for kind, count in SHARES for variant in range(count)]
    Random(7).shuffle(kinds)
    return tuple(Template(number, number % ITEMS, kind, variant) for number, (kind, variant) in enumerate(kinds))


TEMPLATES: Final = _templates()


# --- the pack ---


def pack(rules: int) -> CompiledPack:
    """Return a pack of so many rules, rounded down to whole blocks."""
    rng = Random(rules)
    by_kind: dict[str, list[Rule]] = {kind: [] for kind, _ in SHARES}
    for block in range(rules // RULES):
        for template in TEMPLATES:
            by_kind[template.kind].append(_rule(template, block, rng))
    found = CompiledPack(
        name="synthetic",
        version=str(rules),
        title="合成规则",
        digest="",
        rules={kind: tuple(sorted(by_kind[kind], key=lambda rule: rule.id)) for kind in sorted(by_kind)},
        citations={"synthetic": Citation(id="synthetic", instrument="合成规则", number="第1批")},
    )
    sections = {name: digest_of(lines_of(rows)) for name, rows in sections_of(found.rules).items()}
    return replace(found, digest=digest_of(encode(head_of(found, sections))))


def rule_id(template: Template, block: int) -> str:
    """Return the id of a template's rule in a block."""
    return f"{template.kind}-{block:06d}-{template.number:02d}"


def code(place: Place) -> str:
    """Return an item's national code: western drugs and services in turn."""
    return f"{_family(place)}010101234" if place.item % 2 == 0 else _family(place)


def _family(place: Place) -> str:
    """Return the 14 characters of a drug's family, or a service's 15 digits."""
    block, item = place.block, place.item
    return f"X{block:07d}{item:02d}A001" if item % 2 == 0 else f"00{block:09d}{item:02d}00"


def _pattern(place: Place) -> str:
    return f"{_family(place)}*" if place.item % 2 == 0 else _family(place)


def _name(place: Place) -> str:
    return f"合成{'药品' if place.item % 2 == 0 else '项目'}{place.block:06d}-{place.item:02d}"


def _beside(place: Place) -> Place:
    """Return the item that a pair rule forbids on the same day."""
    return Place(place.block, (place.item + 1) % ITEMS)


def _rule(template: Template, block: int, rng: Random) -> Rule:
    place, variant = Place(block, template.item), template.variant
    shared: dict[str, Any] = {
        "id": rule_id(template, block),
        "name": _name(place),
        "title": "合成规则",
        "items": (_pattern(place),),
        "certainty": "violation",
        "level": "warn",
        "scope": "safety",
        "citation": "synthetic",
        "basis": "合成的依据",
    }
    match template.kind:
        case "sex_limit":
            return SexLimit(**shared, sex="female" if variant == 0 else "male")
        case "age_limit":
            return (
                AgeLimit(**shared, max_age=Age(14, "y")) if variant == 0 else AgeLimit(**shared, min_age=Age(18, "y"))
            )
        case "frequency_limit":
            return FrequencyLimit(**shared, max=DAILY * UNIT, unit="次")
        case "duplicate_charge":
            sub = _beside(place)
            return DuplicateCharge(**shared, sub=(_pattern(sub),), sub_name=_name(sub), window="day")
        case "indication":
            families = tuple(pattern.removesuffix("*") for pattern in _diagnoses(variant, block, rng))
            return Indication(**shared, dx_families=families, dx_exact=(), dx_text="合成的适应症")


def _diagnoses(variant: int, block: int, rng: Random) -> tuple[str, ...]:
    count = PREFIXES[variant]
    if count == max(PREFIXES) and block % 10 == 0:
        count = 300
    others = {f"{rng.choice(_LETTERS)}{rng.randrange(100):02d}.{rng.randrange(10)}*" for _ in range(count - 1)}
    return (f"{COMMON[variant % len(COMMON)][0][:3]}*", *sorted(others))


# --- the messages ---


def bodies(rules: int, lines: int, now: datetime, count: int = ROTATION) -> tuple[Body, ...]:
    """Return messages for the pack of that size, and what it must find in each.

    Raises ``ValueError`` for a pack with too few items for so many different lines.
    """
    if lines * 4 > rules // 2:
        raise ValueError(f"{lines} different lines need a pack of at least {lines * 8} rules")
    return tuple(_body(number, rules // RULES, lines, now) for number in range(count))


def _body(number: int, blocks: int, lines: int, now: datetime) -> Body:
    places = _places(number, blocks, lines)
    quantities = [MANY if at % 10 == 3 else 1 for at in range(lines)]
    without = number % len(COMMON)
    diagnoses = (*(pair for at, pair in enumerate(COMMON) if at != without), ELSEWHERE)
    orders = [
        Order(code(place), _name(place), "drug" if place.item % 2 == 0 else "service", quantity)
        for place, quantity in zip(places, quantities, strict=True)
    ]
    expected = [*_expected(places, quantities, without)]
    return write(Person("male", BIRTH, diagnoses), orders, rng=Random(number), now=now, expected=expected)


def _places(number: int, blocks: int, lines: int) -> list[Place]:
    """Return each line's item: all of one message different, and only the first two of one block and neighbours.

    Even items come from even blocks and odd ones from odd blocks, so that no further pair arises by chance.
    """
    rng = Random(f"{number}/{blocks}")
    main = next(template.item for template in TEMPLATES if template.kind == "duplicate_charge")
    first = Place(_block(rng, blocks, main), main)
    found: dict[Place, None] = {first: None, _beside(first): None}
    at = 2
    while len(found) < lines:
        item = (7 * at + number) % ITEMS
        place = Place(_block(rng, blocks, item), item)
        if place not in found:
            found[place] = None
            at += 1
    return list(found)[:lines]


def _block(rng: Random, blocks: int, item: int) -> int:
    return 2 * rng.randrange(blocks // 2) + item % 2


def _expected(places: Sequence[Place], quantities: Sequence[int], without: int) -> Iterator[str]:
    """Yield the rules that must speak, by their definition alone."""
    present = set(places)
    for place, quantity in zip(places, quantities, strict=True):
        for template in TEMPLATES:
            if template.item != place.item:
                continue
            fires = {
                "sex_limit": template.variant == 0,
                "age_limit": template.variant == 0,
                "frequency_limit": quantity > DAILY,
                "duplicate_charge": _beside(place) in present,
                "indication": template.variant % len(COMMON) == without,
            }[template.kind]
            if fires:
                yield rule_id(template, place.block)
