"""Faults that can be seeded in a kind's module: where they stand, what they change, and a fair sample of them.

What is left alone: annotations and types, docstrings and message text, names and labels of the kind, and test
equipment, that is ``witness``, ``near_miss``, ``rest`` and whatever only these use.
"""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutation.operators import OPERATORS

EQUIPMENT = frozenset({"witness", "near_miss", "rest"})
LABELS = frozenset({"name", "title", "codes", "row", "rule"})
"""Fields of a ``RuleKind`` that hold no judgement; that codes are documented is tested for all kinds at once."""
TYPES = frozenset({"Literal", "Annotated"})
MODULE = "(module)"


@dataclass(frozen=True, slots=True)
class Fault:
    """One change of one place, known by its number in the module."""

    number: int
    function: str
    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: the function and statement it is part of, and the field of its owner that holds it."""

    function: str
    statement: ast.AST
    owner: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        """Put a node in this place."""
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node


def faults(source: str) -> list[Fault]:
    """Return every fault that can be seeded, in the order of the source."""
    return [
        Fault(
            number, place.function, getattr(place.node, "lineno", _line(place.statement)), *_words(place, replacement)
        )
        for number, (place, replacement) in enumerate(_changes(ast.parse(source)))
    ]


def seeded(source: str, number: int) -> ast.Module:
    """Return the module with one fault in it."""
    tree = ast.parse(source)
    for place, replacement in _at(number, tree):
        place.put(ast.copy_location(replacement, place.node))
    return ast.fix_missing_locations(tree)


def sample(found: list[Fault], count: int, seed: str) -> list[Fault]:
    """Return at most ``count`` faults, taken in turn from each function; the same ones for the same seed."""
    rows: dict[str, list[Fault]] = {}
    for fault in found:
        rows.setdefault(fault.function, []).append(fault)
    dice = random.Random(seed)
    for row in rows.values():
        dice.shuffle(row)
    turns = [
        row[turn] for turn in range(max(map(len, rows.values()), default=0)) for row in rows.values() if turn < len(row)
    ]
    return sorted(turns[:count], key=lambda fault: fault.number)


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _at(number: int, tree: ast.Module) -> Iterator[tuple[Place, ast.AST]]:
    for current, change in enumerate(_changes(tree)):
        if current == number:
            yield change
            return


def _changes(tree: ast.Module) -> Iterator[tuple[Place, ast.AST]]:
    for place in _places(tree):
        for operator in OPERATORS:
            for replacement in operator(place.node):
                yield place, replacement


def _words(place: Place, replacement: ast.AST) -> tuple[str, str]:
    """Return the first line of the statement before and after; a header is all that can have changed of a block."""
    before = ast.unparse(place.statement)
    place.put(replacement)
    after = ast.unparse(replacement if place.node is place.statement else place.statement)
    place.put(place.node)
    return before.splitlines()[0], after.splitlines()[0]


def _places(tree: ast.Module) -> Iterator[Place]:
    aside = _equipment(tree)
    for index, statement in enumerate(tree.body):
        names = _defined(statement)
        if "KIND" in names:
            yield from _kind(statement)
        elif not names or not names <= aside:
            yield from _inside(Place(MODULE, statement, tree, "body", index, statement))


def _kind(statement: ast.stmt) -> Iterator[Place]:
    call = getattr(statement, "value", None)
    for keyword in call.keywords if isinstance(call, ast.Call) else ():
        if keyword.arg not in EQUIPMENT | LABELS:
            yield from _inside(Place(MODULE, keyword.value, keyword, "value", None, keyword.value))


def _inside(place: Place) -> Iterator[Place]:
    """Yield a place and the places of everything under it that counts."""
    node, function, statement = place.node, place.function, place.statement
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in TYPES:
        return
    yield place
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = node.name if function == MODULE else f"{function}.{node.name}"
    for field, value in ast.iter_fields(node):
        if field in _unread(node):
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST):
                within = child if isinstance(child, ast.stmt) else statement
                yield from _inside(Place(function, within, node, field, index, child))


def _unread(node: ast.AST) -> tuple[str, ...]:
    """Return the fields of a node that are types or text rather than judgement."""
    if isinstance(node, ast.FunctionDef):
        return ("decorator_list", "returns")
    if isinstance(node, ast.ClassDef):
        return ("bases", "keywords", "decorator_list")
    if isinstance(node, ast.FormattedValue):
        return ("format_spec",)
    return ("annotation",) if isinstance(node, ast.AnnAssign | ast.arg) else ()


def _equipment(tree: ast.Module) -> set[str]:
    """Return the names of the module that only test equipment uses."""
    users: dict[str, set[str]] = {}
    for statement in tree.body:
        for user, name in _uses(statement):
            users.setdefault(name, set()).add(user)
    aside = set(EQUIPMENT)
    while more := {name for name, by in users.items() if by <= aside} - aside:
        aside |= more
    return aside


def _uses(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    names = _defined(statement)
    value = getattr(statement, "value", None)
    if "KIND" in names and isinstance(value, ast.Call):
        for keyword in value.keywords:
            yield from ((keyword.arg or "KIND", name) for name in _names(keyword.value))
        return
    for user in names:
        yield from ((user, name) for name in _names(statement) if name != user)


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)}


def _defined(statement: ast.stmt) -> set[str]:
    """Return the names that a statement of the module defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}
