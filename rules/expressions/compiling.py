"""From cells to what runs: a condition's closure, a sentence's pieces, remembered by their text.

A rule in run form must encode to JSON and back (built packs); closures cannot. So a rule keeps its texts only, and
each use asks here and finds what was made at first use. Only a text that is at fault raises, and raises ``Fault``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rules.expressions.checking import PARAMETERS, Checker, parameter
from rules.expressions.evaluate import Run, closure
from rules.expressions.grammar import expression, one_line
from rules.expressions.nodes import Ask, Constant, Node, Read, facts
from rules.expressions.types import Fault, Place, Scene, Unknown, Value, in_words

Cells = tuple[str, str, str, str]
"""The cells of ``p1`` to ``p4``; ``""`` is an empty one."""
NAME: Final = "name"
"""The placeholder of the rule's own name."""
REMEMBERED: Final = 65_536
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition ready to run: its truth at a scene, what it rests on, and the parameters it names."""

    run: Run
    facts: tuple[Read | Ask, ...]
    used: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with holes: texts and what stands between them; ``None`` is the rule's name."""

    texts: tuple[str, ...]
    holes: tuple[tuple[Node, Run] | None, ...]
    used: frozenset[str]

    def at(self, scene: Scene, name: str) -> str:
        """Return the sentence as it reads at a scene."""
        said = [self.texts[0]]
        for hole, text in zip(self.holes, self.texts[1:], strict=True):
            said += [name if hole is None else _in_sentence(hole[0], hole[1](scene), scene), text]
        return "".join(said)


def _in_sentence(node: Node, value: Value, scene: Scene) -> str:
    """A yes or no to a question reads as what it rests on: which line, on which day."""
    if isinstance(node, Ask) and node.type == "boolean" and not isinstance(value, Unknown):
        return node.function.say(scene, node.patterns, node.days, value)
    return shown(node, value)


def constants(cells: Cells) -> dict[str, Constant]:
    """Return the parameters that have a value."""
    return {name: parameter(name, cell) for name, cell in zip(PARAMETERS, cells, strict=True) if cell}


@lru_cache(maxsize=REMEMBERED)
def condition(text: str, cells: Cells, place: Place) -> Condition:
    """Return a condition. Raises ``Fault``."""
    line = one_line(text)
    checker = Checker(line, constants(cells), place)
    node = checker.condition(expression(line))
    return Condition(closure(node), tuple(dict.fromkeys(_placeless(facts(node)))), frozenset(checker.used))


def _placeless(found: tuple[Read | Ask, ...]) -> tuple[Read | Ask, ...]:
    """Return facts without their places in the text, so that each stands once."""
    return tuple(
        Read(fact.field, 0) if isinstance(fact, Read) else Ask(fact.function, fact.patterns, fact.days, 0)
        for fact in found
    )


@lru_cache(maxsize=REMEMBERED)
def sentence(text: str, cells: Cells, place: Place) -> Sentence:
    """Return a sentence with its holes (``{line.quantity}``, ``{p1}``, ``{name}``). Raises ``Fault``."""
    parts = _HOLE.split(text)
    texts, written = parts[::2], parts[1::2]
    for piece in texts:
        if "{" in piece or "}" in piece:
            raise Fault("a brace is not closed; a field stands in one pair of them: {line.quantity}")
    parameters, used = constants(cells), set[str]()
    holes: list[tuple[Node, Run] | None] = []
    for hole in written:
        inside = one_line(hole)
        if inside == NAME:
            holes.append(None)
            continue
        try:
            checker = Checker(inside, parameters, place)
            node = checker.value(expression(inside))
        except Fault as fault:
            raise Fault(f"{{{inside}}}: {fault}", text.index(f"{{{hole}}}")) from None
        used |= checker.used
        holes.append((node, closure(node)))
    return Sentence(tuple(texts), tuple(holes), frozenset(used))


def shown(node: Node, value: Value) -> str:
    """Return a value in Chinese: a closed set's word, a number that is known in part as *at least*."""
    if isinstance(node, Read) and isinstance(value, str):
        return node.field.words.get(value, value)
    if isinstance(value, Unknown) and value.least is not None:
        return f"至少 {in_words(value.least)}"
    return in_words(value)


def stated(fact: Read | Ask, scene: Scene) -> tuple[str, str, str] | None:
    """Return a fact's name, its value, and both in a few words; ``None`` when nothing of it is known."""
    if isinstance(fact, Ask):
        value = fact.function.answer(scene, fact.patterns, fact.days)
        if isinstance(value, Unknown) and value.least is None:
            return None
        return fact.source, shown(fact, value), fact.function.say(scene, fact.patterns, fact.days, value)
    field = fact.field
    known = field.read(scene)
    if isinstance(known, Unknown):
        return None
    value_in_words = shown(fact, known)
    unit = f" {field.unit}" if field.unit else ""
    return field.name, value_in_words, f"{field.title.partition('(')[0]} {value_in_words}{unit}"
