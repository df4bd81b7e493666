"""The plain twin of the closures: walks the syntax itself and asks of each value what it could still be.

It shares the fields and functions, and nothing else: no checked tree, no closures, and its own idea of bounds (the
set of answers that are still possible) instead of the evaluator's comparisons.
"""

import ast
import math
from datetime import date

from rules.expressions.checking import PARAMETERS, parameter
from rules.expressions.fields import FIELDS
from rules.expressions.functions import FUNCTIONS
from rules.expressions.types import LARGEST, Unknown
from rules.model import UNIT


class Twin:
    """Interprets a condition at one scene."""

    def __init__(self, text, cells, scene):
        self.text = text
        self.scene = scene
        self.given = {name: parameter(name, cell).value for name, cell in zip(PARAMETERS, cells, strict=True) if cell}

    def run(self):
        """Return the condition's value: true, false, or what is unknown."""
        return self.of(ast.parse(self.text.strip(), mode="eval").body)

    def of(self, node):
        return getattr(self, f"of_{type(node).__name__.lower()}")(node)

    def of_constant(self, node):
        if isinstance(node.value, bool | str):
            return node.value
        return round(float(ast.get_source_segment(self.text.strip(), node)) * UNIT)

    def of_name(self, node):
        return self.given[node.id]

    def of_attribute(self, node):
        return FIELDS[f"{node.value.id}.{node.attr}"].read(self.scene)

    def of_call(self, node):
        arguments = [self.of(argument) for argument in node.args]
        if node.func.id == "day":
            return date.fromisoformat(arguments[0])
        function = FUNCTIONS[node.func.id]
        days = arguments.pop() // UNIT if function.days else 0
        patterns = tuple(dict.fromkeys(part for text in arguments for part in text.split("|")))
        return function.answer(self.scene, patterns, days)

    def of_boolop(self, node):
        values = [self.of(part) for part in node.values]
        settling = isinstance(node.op, ast.Or)
        if any(value is settling for value in values):
            return settling
        unknown = [value for value in values if isinstance(value, Unknown)]
        return together(*unknown) if unknown else not settling

    def of_unaryop(self, node):
        value = self.of(node.operand)
        if isinstance(node.op, ast.Not):
            return value if isinstance(value, Unknown) else not value
        if isinstance(value, Unknown):
            low, high = interval(value)
            return within(value.lacks, -high, -low)
        return -value

    def of_binop(self, node):
        one, other = self.of(node.left), self.of(node.right)
        sign = type(node.op).__name__
        if not isinstance(one, Unknown) and not isinstance(other, Unknown):
            found = exactly(sign, one, other)
            return together(*self.blamed(node)) if found is None else found
        lacks = together(one, other).lacks
        if sign not in {"Add", "Sub"}:
            return Unknown(lacks)
        (low, high), (least, most) = interval(one), interval(other)
        return within(lacks, low + least, high + most) if sign == "Add" else within(lacks, low - most, high - least)

    def blamed(self, node):
        """Return what a number that is none is blamed on: the divisor's facts, else all."""
        right = leaves(node.right) if isinstance(node.op, ast.Div) else []
        names = right or [*leaves(node.left), *leaves(node.right)]
        return [Unknown(((name, "missing"),)) for name in names]

    def of_compare(self, node):
        sides = [node.left, *node.comparators]
        found = [self.pair(sides[place], operator, sides[place + 1]) for place, operator in enumerate(node.ops)]
        if any(value is False for value in found):
            return False
        unknown = [value for value in found if isinstance(value, Unknown)]
        return together(*unknown) if unknown else True

    def pair(self, left, operator, right):
        one = self.of(left)
        if isinstance(operator, ast.In | ast.NotIn):
            if isinstance(one, Unknown):
                return together(one)
            return any(one == self.of(option) for option in right.elts) == isinstance(operator, ast.In)
        other = self.of(right)
        known = not isinstance(one, Unknown) and not isinstance(other, Unknown)
        could = {holds(operator, one, other)} if known else possible(operator, one, other)
        return could.pop() if len(could) == 1 else together(one, other)


def together(*values):
    """Return what values lack, each once."""
    lacks = []
    for value in values:
        lacks += [lack for lack in (value.lacks if isinstance(value, Unknown) else ()) if lack not in lacks]
    return Unknown(tuple(lacks))


def leaves(node):
    """Return the facts that fields and functions under a node lack when they are of no use."""
    if isinstance(node, ast.Attribute):
        field = FIELDS[f"{node.value.id}.{node.attr}"]
        return [field.lacks or field.name]
    if isinstance(node, ast.Call):
        return [FUNCTIONS[node.func.id].lacks] if node.func.id in FUNCTIONS else []
    return [name for part in ast.iter_child_nodes(node) for name in leaves(part)]


def exactly(sign, one, other):
    """Return a result in 1/10,000, rounded down; ``None`` where there is none."""
    if sign in {"Add", "Sub"}:
        return one + other if sign == "Add" else one - other
    if sign == "Div" and other == 0:
        return None
    found = one * other // UNIT if sign == "Mult" else one * UNIT // other
    return None if abs(found) > LARGEST else found


def holds(operator, one, other):
    """Compare two known values."""
    return {
        ast.Eq: lambda: one == other,
        ast.NotEq: lambda: one != other,
        ast.Lt: lambda: one < other,
        ast.LtE: lambda: one <= other,
        ast.Gt: lambda: one > other,
        ast.GtE: lambda: one >= other,
    }[type(operator)]()


def interval(value):
    """Return the least and the most a value may be; anything but a number may be anything."""
    if isinstance(value, Unknown):
        least = -math.inf if value.least is None else value.least
        return least, math.inf if value.most is None else value.most
    return (value, value) if isinstance(value, int) else (-math.inf, math.inf)


def within(lacks, low, high):
    """Return an unknown number between two bounds."""
    return Unknown(lacks, None if math.isinf(low) else low, None if math.isinf(high) else high)


def possible(operator, one, other):
    """Return every answer a comparison could still have."""
    (low, high), (least, most) = interval(one), interval(other)
    meet = low <= most and least <= high
    could = {
        ast.Eq: (meet, True),
        ast.NotEq: (True, meet),
        ast.Lt: (low < most, high >= least),
        ast.LtE: (low <= most, high > least),
        ast.Gt: (high > least, low <= most),
        ast.GtE: (high >= least, low < most),
    }[type(operator)]
    return {answer for answer, can_be in zip((True, False), could, strict=True) if can_be}
