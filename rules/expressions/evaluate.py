"""From a checked tree to closures. Total: they never raise, and cost at most the tree's size for each line.

Truth is Kleene's: one false part settles ``and`` and one true part ``or`` whatever is unknown; else what is unknown
stays so and names only the facts that could still decide. Numbers known in part keep their bounds through ``+``,
``-`` and comparisons. ``tests/expressions/twin.py`` interprets the syntax directly and must agree.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

from rules.expressions.nodes import (
    Among,
    Ask,
    Compared,
    Comparison,
    Constant,
    Joined,
    Negative,
    Node,
    Not,
    Operator,
    Read,
    Reckoned,
    facts,
)
from rules.expressions.types import LARGEST, Lack, Scene, Unknown, Value, merged
from rules.model import UNIT

Run = Callable[[Scene], Value]
Bounds = tuple[int | None, int | None]

_TESTS: Final[dict[Comparison, Callable[[Any, Any], bool]]] = {
    "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def closure(node: Node) -> Run:
    """Return a function from a scene to the node's value there."""
    return _MAKERS[type(node)](node)


def _constant(node: Constant) -> Run:
    value = node.value
    return lambda scene: value


def _asked(node: Ask) -> Run:
    answer, patterns, days = node.function.answer, node.patterns, node.days
    return lambda scene: answer(scene, patterns, days)


def _denied(node: Not) -> Run:
    part = closure(node.part)

    def run(scene: Scene) -> Value:
        value = part(scene)
        return value if type(value) is Unknown else not value

    return run


def _joined(node: Joined) -> Run:
    parts = tuple(closure(part) for part in node.parts)
    settles = not node.every
    """The value that one part alone decides by: false for ``and``, true for ``or``."""

    def run(scene: Scene) -> Value:
        unknown: list[Value] = []
        for part in parts:
            value = part(scene)
            if value is settles:
                return settles
            if type(value) is Unknown:
                unknown.append(value)
        return Unknown(merged(*unknown)) if unknown else not settles

    return run


def _compared(node: Compared) -> Run:
    left, right, sign = closure(node.left), closure(node.right), node.operator
    test = _TESTS[sign]
    numeric = node.left.type == "number"

    def run(scene: Scene) -> Value:
        one, other = left(scene), right(scene)
        if type(one) is not Unknown and type(other) is not Unknown:
            return test(one, other)
        settled = decided(sign, _bounds(one), _bounds(other)) if numeric else None
        return Unknown(merged(one, other)) if settled is None else settled

    return run


def _bounds(value: Value) -> Bounds:
    if isinstance(value, Unknown):
        return (value.least, value.most)
    return (value, value) if isinstance(value, int) else (None, None)


def decided(sign: Comparison, one: Bounds, other: Bounds) -> bool | None:
    """Return what a comparison comes to wherever in its bounds each side lies, ``None`` when it depends."""
    if sign in {">", ">="}:
        return decided("<" if sign == ">" else "<=", other, one)
    if sign == "!=":
        equal = decided("==", one, other)
        return None if equal is None else not equal
    if sign == "==":
        return False if _less(one, other, or_equal=False) or _less(other, one, or_equal=False) else None
    below, above = _less(one, other, or_equal=sign == "<="), _less(other, one, or_equal=sign == "<")
    return True if below else False if above else None


def _less(one: Bounds, other: Bounds, *, or_equal: bool) -> bool:
    """Say whether one is surely less than the other."""
    most, least = one[1], other[0]
    if most is None or least is None:
        return False
    return most <= least if or_equal else most < least


def _among(node: Among) -> Run:
    left, options, denied = closure(node.left), frozenset(node.options), node.denied

    def run(scene: Scene) -> Value:
        value = left(scene)
        return Unknown(value.lacks) if isinstance(value, Unknown) else (value in options) is not denied

    return run


def _negative(node: Negative) -> Run:
    part = closure(node.part)

    def run(scene: Scene) -> Value:
        value = part(scene)
        return _turned(value) if isinstance(value, Unknown) else -value  # type: ignore[operator]  # a number, checked

    return run


def _turned(value: Unknown) -> Unknown:
    least, most = value.most, value.least
    return Unknown(value.lacks, None if least is None else -least, None if most is None else -most)


def _reckoned(node: Reckoned) -> Run:
    left, right = closure(node.left), closure(node.right)
    lacks = tuple(dict.fromkeys(_lacks(node)))
    reckon = RECKON[node.operator]

    def run(scene: Scene) -> Value:
        one, other = left(scene), right(scene)
        if type(one) is not Unknown and type(other) is not Unknown:
            result = reckon(one, other)
            return result if result is not None else Unknown(lacks)
        return _reckon_bounds(node.operator, one, other)

    return run


def _lacks(node: Reckoned) -> Iterator[Lack]:
    """Yield what is to blame when numbers cannot be reckoned with: what the divisor rests on, else both sides."""
    blamed = node.right if node.operator == "/" and facts(node.right) else node
    for fact in facts(blamed):
        field = fact.field.lacks or fact.field.name if isinstance(fact, Read) else fact.function.lacks
        yield (field, "missing")


def _times(one: int, other: int) -> int | None:
    result = one * other // UNIT
    return result if abs(result) <= LARGEST else None


def _over(one: int, other: int) -> int | None:
    """A quotient, rounded down to 1/10,000; by zero there is none."""
    if other == 0:
        return None
    result = one * UNIT // other
    return result if abs(result) <= LARGEST else None


RECKON: Final[dict[Operator, Callable[[Any, Any], int | None]]] = {
    "+": operator.add, "-": operator.sub, "*": _times, "/": _over,
}  # fmt: skip
"""What each operator does to two known numbers in 1/10,000; ``None`` where there is no number to give."""


def _reckon_bounds(sign: Operator, one: Value, other: Value) -> Unknown:
    """Return a sum or difference within its bounds; products and quotients keep none."""
    lacks = merged(one, other)
    if sign not in {"+", "-"}:
        return Unknown(lacks)
    low, high = _bounds(one)
    less, more = _bounds(other)
    if sign == "-":
        less, more = (None if more is None else -more), (None if less is None else -less)
    return Unknown(
        lacks,
        least=None if low is None or less is None else low + less,
        most=None if high is None or more is None else high + more,
    )


_MAKERS: Final[dict[type[Node], Callable[[Any], Run]]] = {
    Constant: _constant,
    Read: lambda node: node.field.read,
    Ask: _asked,
    Not: _denied,
    Joined: _joined,
    Compared: _compared,
    Among: _among,
    Negative: _negative,
    Reckoned: _reckoned,
}
