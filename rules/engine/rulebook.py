"""The rulebook (编译后的规则库): all active packs, indexed from codes to rules. Immutable, known by its digest."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rules.codes import Status
from rules.kinds import KINDS, AnyKind
from rules.kinds._contract import Look, Triggers
from rules.model import Citation, Rule
from rules.pack import CompiledPack
from rules.patterns import EVERY_ITEM, PatternIndex
from rules.words import Words


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule with its kind and its place in the rulebook."""

    number: int
    rule: Rule
    kind: AnyKind
    bounded: bool
    """In force only on some days, or only in some scenes."""
    payment: bool
    """Protects payment: what the patient pays is none of its business (ruling 1)."""
    selective: bool
    """Speaks only for some kinds of visit, insurances or hospital levels."""
    always: bool
    """Brought up by every encounter."""
    names: bool
    """Its patterns name items; ``*`` names none, so that it does not make a strange code look known."""
    looks: tuple[Look, ...]
    """The past it would like to know."""


@dataclass(frozen=True, slots=True)
class Index:
    """From what an encounter holds to the numbers of the rules it brings up."""

    items: PatternIndex[int]
    diagnoses: PatternIndex[int]
    operations: PatternIndex[int]
    always: tuple[int, ...]
    """Rules that every encounter brings up."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Index":
        """Index rules by their triggers."""
        triggers = [(entry.number, entry.kind.triggers(entry.rule)) for entry in entries]
        return cls(
            items=PatternIndex((trigger.items, number) for number, trigger in triggers),
            diagnoses=PatternIndex((trigger.diagnoses, number) for number, trigger in triggers),
            operations=PatternIndex((trigger.operations, number) for number, trigger in triggers),
            always=tuple(number for number, trigger in triggers if trigger.visit),
        )


@dataclass(frozen=True, slots=True)
class PackName:
    """Which pack, in which version and content, a rulebook was built from."""

    name: str
    version: str
    digest: str
    title: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What a check runs against; swapped as a whole, captured once per request."""

    digest: str
    packs: tuple[PackName, ...]
    entries: tuple[Entry, ...]
    """Every rule that may speak, ordered by kind and then by id."""
    incomplete: tuple[Rule, ...]
    """Rules listed but never evaluated (ruling 15)."""
    citations: dict[str, Citation]
    items: PatternIndex[int]
    diagnoses: PatternIndex[int]
    operations: PatternIndex[int]
    always: tuple[int, ...]
    """Rules that every encounter brings up."""
    looking: Index
    """Only the rules that would like to know the past, so that asking costs next to nothing where none does."""
    words: Words

    @classmethod
    def build(cls, packs: Sequence[CompiledPack]) -> "Rulebook":
        """Index packs. Order of packs and of rules in them does not matter; a later id of the same name is a fault.

        Raises:
            ValueError: two packs hold a rule of the same id, or different citations of one, or a pack holds rules of
                a kind that is not here.
        """
        ordered = sorted(packs, key=lambda pack: pack.name)
        _refuse_strangers(ordered)
        entries = tuple(_entry(number, rule, kind) for number, (kind, rule) in enumerate(_rules(ordered, "active")))
        _refuse_repeats(entries)
        index = Index.of(entries)
        return cls(
            digest=_digest(ordered),
            packs=tuple(PackName(pack.name, pack.version, pack.digest, pack.title) for pack in ordered),
            entries=entries,
            incomplete=tuple(rule for _, rule in _rules(ordered, "incomplete")),
            citations=_citations(ordered),
            items=index.items,
            diagnoses=index.diagnoses,
            operations=index.operations,
            always=index.always,
            looking=Index.of(entry for entry in entries if entry.looks),
            words=Words(word for pack in ordered for word in pack.words),
        )

    def triggers(self, entry: Entry) -> Triggers:
        """Return the patterns that bring a rule up, for the plain scan."""
        return entry.kind.triggers(entry.rule)


def _rules(packs: Sequence[CompiledPack], status: Status) -> Iterator[tuple[AnyKind, Rule]]:
    for name, kind in KINDS.items():
        rules = [rule for pack in packs for rule in pack.rules.get(name, ()) if rule.status == status]
        for rule in sorted(rules, key=lambda rule: rule.id):
            yield kind, rule


def _refuse_strangers(packs: Sequence[CompiledPack]) -> None:
    for pack in packs:
        for name in sorted(pack.rules.keys() - KINDS.keys()):
            raise ValueError(f"pack `{pack.name}` holds rules of kind `{name}`, which this version does not know")


def _entry(number: int, rule: Rule, kind: AnyKind) -> Entry:
    bounded = bool(rule.scenes) or rule.valid_from is not None or rule.valid_to is not None
    selective = bool(rule.visit_types or rule.insurances or rule.hospital_levels)
    names = EVERY_ITEM not in rule.items
    always = kind.triggers(rule).visit
    looks = () if rule.unset else kind.looks(rule)
    return Entry(number, rule, kind, bounded, rule.scope == "payment", selective, always, names, looks)


def _refuse_repeats(entries: tuple[Entry, ...]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.rule.id in seen:
            raise ValueError(f"rule `{entry.rule.id}` stands in two packs")
        seen.add(entry.rule.id)


def _citations(packs: Sequence[CompiledPack]) -> dict[str, Citation]:
    found: dict[str, Citation] = {}
    for pack in packs:
        for key, citation in pack.citations.items():
            if found.setdefault(key, citation) != citation:
                raise ValueError(f"citation `{key}` means different instruments in two packs")
    return found


def _digest(packs: Sequence[CompiledPack]) -> str:
    content = "\n".join(f"{pack.name} {pack.digest}" for pack in packs)
    return hashlib.sha256(content.encode()).hexdigest()
