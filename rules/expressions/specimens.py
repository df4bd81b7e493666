"""The assignments that build a rule's specimens: ``line.quantity = 6; patient.age_years = 3; diagnosis("E11.900")``.

In: a cell and an encounter with one line of the rule's item. Out: the encounter with every assignment made, in order.
A condition in general tells nobody how to satisfy it, so the author proves each rule by two examples.
"""

import ast
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from rules.expressions.checking import CALLED, Checker, field_named, name_of
from rules.expressions.compiling import REMEMBERED, Cells, constants
from rules.expressions.grammar import one_line, place_of, statements
from rules.expressions.nodes import Constant
from rules.expressions.patterns import System, code_in
from rules.expressions.types import Fault, Value
from rules.kinds._edits import begin_of, past
from rules.model import UNIT, Diagnosis, Encounter, Operation

Edit = Callable[[Encounter], Encounter]
_UNREMARKABLE: Final = "Z00.000"
"""体检: what a plain specimen is diagnosed with."""
_FORMS: Final = (
    'a specimen is made of `field = constant`, `diagnosis("E11.900")`, `operation("36.0601")` and '
    '`charge("001102000010000", quantity, days ago)`, joined by `;`'
)


@lru_cache(maxsize=REMEMBERED)
def specimen(text: str, cells: Cells) -> tuple[tuple[Edit, ...], frozenset[str]]:
    """Return the edits of a specimen, and the parameters it names. Raises ``Fault``."""
    line = one_line(text)
    checker = Checker(line, constants(cells), "line")
    edits = tuple(_edit(statement, checker, line) for statement in statements(line))
    if not edits:
        raise Fault(_FORMS)
    return edits, frozenset(checker.used)


def edited(text: str, cells: Cells, encounter: Encounter) -> Encounter:
    """Return the encounter with every assignment made."""
    for edit in specimen(text, cells)[0]:
        encounter = edit(encounter)
    return encounter


def _edit(statement: ast.stmt, checker: Checker, text: str) -> Edit:
    at = place_of(statement, text)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return _assignment(statement.targets[0], statement.value, checker, at)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        maker = _CALLS.get(name_of(call.func))
        if maker is not None and not call.keywords:
            return maker([_constant(argument, checker, at) for argument in call.args], at)
    raise Fault(_FORMS, at)


def _constant(tree: ast.expr, checker: Checker, at: int) -> Constant:
    node = checker.value(tree)
    if not isinstance(node, Constant):
        raise Fault("a specimen takes constants only", at)
    return node


def _assignment(target: ast.expr, tree: ast.expr, checker: Checker, at: int) -> Edit:
    name = name_of(target)
    if not name:
        raise Fault(_FORMS, at)
    field, constant = field_named(name, "line", at), _constant(tree, checker, at)
    if constant.type != field.type:
        raise Fault(f"`{name}` takes {CALLED[field.type]}, not {CALLED[constant.type]}", at)
    if field.words and constant.value not in field.words:
        raise Fault(f"`{name}` is never `{constant.value}`; known: {', '.join(field.words)}", at)
    put, value = field.put, constant.value
    return lambda encounter: put(encounter, value)


def _diagnosis(given: list[Constant], at: int) -> Edit:
    code = _code(given, "diagnosis", "diagnosis", at)

    def edit(encounter: Encounter) -> Encounter:
        others = tuple(one for one in encounter.diagnoses if one.code not in {_UNREMARKABLE, code})
        return msgspec.structs.replace(encounter, diagnoses=(*others, Diagnosis(code=code, name=code)))

    return edit


def _operation(given: list[Constant], at: int) -> Edit:
    code = _code(given, "operation", "operation", at)
    added = Operation(code=code, name=code)
    return lambda encounter: msgspec.structs.replace(encounter, operations=(*encounter.operations, added))


def _charge(given: list[Constant], at: int) -> Edit:
    """Return an edit that adds a known charge of another item: its quantity, and how many days ago."""
    code = _code(given[:1], "charge", "item", at)
    numbers = [one.value for one in given[1:] if one.type == "number" and isinstance(one.value, int)]
    if len(numbers) != len(given) - 1 or len(numbers) > 2:
        raise Fault('`charge("001102000010000", quantity, days ago)` takes a code and up to two numbers', at)
    quantity = numbers[0] if numbers else UNIT
    days = numbers[1] // UNIT if len(numbers) > 1 else 0

    def edit(encounter: Encounter) -> Encounter:
        begin = begin_of(encounter) - timedelta(days=days)
        change: dict[str, Any] = {"item": code, "name": "", "quantity": quantity, "amount": 10 * quantity}
        return past(encounter, begin, **change)

    return edit


def _code(given: list[Constant], call: str, system: System, at: int) -> str:
    value: Value | None = given[0].value if len(given) == 1 else None
    if not isinstance(value, str):
        raise Fault(f"`{call}` takes one code in quotes", at)
    return code_in(value, system, at)


_CALLS: Final[dict[str, Callable[[list[Constant], int], Edit]]] = {
    "diagnosis": _diagnosis,
    "operation": _operation,
    "charge": _charge,
}
