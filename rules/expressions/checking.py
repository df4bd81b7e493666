"""From syntax to a checked tree: every name resolved, every type right, every pattern well formed, or a ``Fault``.

Faults say what to write instead. The recursion is bounded by ``grammar.DEEPEST``.
"""

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

from rules.expressions.evaluate import RECKON
from rules.expressions.fields import FIELDS, Field
from rules.expressions.functions import FUNCTIONS, MOST_DAYS, Function
from rules.expressions.grammar import MOST_PATTERNS, place_of
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
from rules.expressions.patterns import patterns_in
from rules.expressions.types import Fault, Place, Type, Value
from rules.model import UNIT

PARAMETERS: Final = ("p1", "p2", "p3", "p4")
_COMPARISONS: Final[dict[type[ast.cmpop], Comparison]] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_OPERATORS: Final[dict[type[ast.operator], Operator]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
CALLED: Final[dict[Type, str]] = {"boolean": "a truth value", "number": "a number", "text": "a text", "day": "a day"}
_NUMBER = re.compile(r"^-?(0|[1-9]\d{0,12})(\.\d{1,4})?$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def number_in(text: str) -> int:
    """Return a plain number with at most four decimals in 1/10,000, exactly."""
    whole, _, rest = text.lstrip("-").partition(".")
    scaled = int(whole) * UNIT + int(rest.ljust(4, "0") or 0)
    return -scaled if text.startswith("-") else scaled


def day_in(text: str, at: int | None) -> date:
    """Return a day as written. Raises ``Fault`` for another form."""
    try:
        if _DAY.match(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Fault(f"`{text}` is no day; write it as 2026-03-18", at)


def parameter(name: str, cell: str) -> Constant:
    """Return a parameter's cell: a plain number, a day, else a text; quotes make a text of anything."""
    if len(cell) >= 2 and cell[0] == cell[-1] and cell[0] in "\"'":
        return Constant("text", cell[1:-1], 0, name)
    if _NUMBER.match(cell):
        return Constant("number", number_in(cell), 0, name)
    return Constant("day", day_in(cell, None), 0, name) if _DAY.match(cell) else Constant("text", cell, 0, name)


def name_of(node: ast.expr) -> str:
    """Return a dotted name as written, ``""`` for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := name_of(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def field_named(name: str, place: Place, at: int) -> Field:
    """Return a field. Raises ``Fault`` for an unknown one, or one of a line where there is none."""
    if name not in FIELDS:
        raise Fault(f"unknown field `{name}`; {_nearest_field(name)}", at)
    field = FIELDS[name]
    if field.of_line and place == "visit":
        raise Fault(f"`{name}` belongs to a line; set `scope_of` to `line`, or ask `total_quantity` and its like", at)
    return field


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    begun = [other for other in names if other.startswith(name)] if name else []
    near = begun or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"known: {', '.join(names)}"


def _nearest_field(name: str) -> str:
    """Return help for a name that is no field: by its spelling, its last part, or its Chinese name."""
    owner, _, last = name.rpartition(".")
    meant = [other for other, field in FIELDS.items() if name in {other.rpartition(".")[2], field.title}]
    if meant:
        return f"did you mean `{meant[0]}`?"
    family = [other for other in FIELDS if other.startswith(f"{owner}.")]
    if family or difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.7):
        return _nearest(name, family or FIELDS)
    if last in {"p5", "p6", "p7", "p8", "p9"}:
        return "parameters are `p1` to `p4`"
    return "fields begin with patient., facility., visit. or line.; docs/conditions.md lists them"


class Checker:
    """Checks one text; knows its parameters and where it is judged."""

    def __init__(self, text: str, parameters: Mapping[str, Constant], place: Place) -> None:
        self._text = text
        self._parameters = parameters
        self._place = place
        self._patterns = 0
        self.used: set[str] = set()
        """Parameters the text names."""

    def condition(self, tree: ast.expr) -> Node:
        """Return a checked condition: a truth value that rests on the encounter."""
        return self._truth(tree)

    def value(self, tree: ast.expr) -> Node:
        """Return a checked value of any type."""
        if isinstance(tree, ast.UnaryOp):
            return self._truth(tree) if isinstance(tree.op, ast.Not) else self._negative(tree)
        readers: dict[type[ast.expr], Callable[[Any], Node]] = {
            ast.BoolOp: self._truth,
            ast.Compare: self._truth,
            ast.Constant: self._constant,
            ast.Call: self._call,
            ast.Name: self._named,
            ast.Attribute: self._named,
            ast.BinOp: self._reckoned,
        }
        read = readers.get(type(tree))
        if read is None:
            raise self._not_allowed(tree)
        return read(tree)

    def _negative(self, tree: ast.UnaryOp) -> Node:
        if not isinstance(tree.op, ast.USub):
            raise self._not_allowed(tree)
        part = self._of_type(tree.operand, "number")
        if isinstance(part, Constant) and isinstance(part.value, int):
            return Constant("number", -part.value, self._at(tree), part.source)
        return Negative(part, self._at(tree))

    def _at(self, node: ast.AST) -> int:
        return place_of(node, self._text)

    def _not_allowed(self, node: ast.AST) -> Fault:
        written = (ast.get_source_segment(self._text, node) or "")[:40]
        if isinstance(node, ast.Tuple | ast.List):
            return Fault("a list of constants stands only after `in`", self._at(node))
        return Fault(
            f"`{written}` has no place in a condition; it is made of fields, functions, constants, "
            "`and or not`, comparisons, `in (…)` and `+ - * /`",
            self._at(node),
        )

    def _truth(self, tree: ast.expr) -> Node:
        at = self._at(tree)
        if isinstance(tree, ast.BoolOp):
            return Joined(isinstance(tree.op, ast.And), tuple(self._truth(part) for part in tree.values), at)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            return Not(self._truth(tree.operand), at)
        if isinstance(tree, ast.Compare):
            return self._compared(tree)
        node = self.value(tree)
        if node.type != "boolean":
            raise Fault(f"`{self._written(tree)}` is {CALLED[node.type]}, not a condition; compare it", at)
        if isinstance(node, Constant):
            raise Fault(f"`{self._written(tree)}` is always the same; a condition reads a field", at)
        return node

    def _written(self, node: ast.AST) -> str:
        return (ast.get_source_segment(self._text, node) or "")[:60]

    def _of_type(self, tree: ast.expr, wanted: Type) -> Node:
        node = self.value(tree)
        if node.type != wanted:
            message = f"`{self._written(tree)}` is {CALLED[node.type]}; {CALLED[wanted]} is needed here"
            raise Fault(message, self._at(tree))
        return node

    def _constant(self, tree: ast.Constant) -> Constant:
        at, value = self._at(tree), tree.value
        if isinstance(value, bool):
            return Constant("boolean", value, at)
        if isinstance(value, int | float):
            return Constant("number", number_in(self._written(tree)), at)
        if isinstance(value, str):
            return Constant("text", value, at)
        help = "; an absent fact makes the rule *not checked* by itself" if value is None else ""
        raise Fault(f"`{self._written(tree)}` has no place in a condition{help}", at)

    def _named(self, tree: ast.Name | ast.Attribute) -> Node:
        name, at = name_of(tree), self._at(tree)
        if not name:
            raise self._not_allowed(tree)
        if name in PARAMETERS:
            if name not in self._parameters:
                raise Fault(f"`{name}` is empty; fill its cell, or give its pack parameter an `example`", at)
            self.used.add(name)
            return self._parameters[name]
        if name in FUNCTIONS:
            raise Fault(f"`{name}` is a function; write its arguments in parentheses", at)
        return Read(field_named(name, self._place, at), at)

    def _call(self, tree: ast.Call) -> Node:
        name, at = name_of(tree.func), self._at(tree)
        if tree.keywords or any(isinstance(argument, ast.Starred) for argument in tree.args):
            raise Fault(f"`{name}` takes plain arguments only", at)
        if name == "day":
            (text,) = self._texts(tree, "day", 1)
            return Constant("day", day_in(text, at), at)
        if not name:
            raise self._not_allowed(tree.func)
        if name not in FUNCTIONS:
            raise Fault(f"unknown function `{name}`; {_nearest(name, [*FUNCTIONS, 'day'])}", at)
        function = FUNCTIONS[name]
        if function.of_line and self._place == "visit":
            raise Fault(f"`{name}` asks about a line; set `scope_of` to `line`", at)
        days = self._days(tree, function) if function.days else 0
        texts = self._texts(tree, name, len(tree.args) - function.days)
        patterns = tuple(one for text in texts for one in patterns_in(text, function.system, at))
        self._patterns += len(patterns)
        if self._patterns > MOST_PATTERNS:
            raise Fault(f"more than {MOST_PATTERNS} patterns; name families, or split the rule", at)
        return Ask(function, tuple(dict.fromkeys(patterns)), days, at)

    def _texts(self, tree: ast.Call, name: str, count: int) -> tuple[str, ...]:
        """Return the first arguments, which are constant texts."""
        if count < 1 or (name == "day" and len(tree.args) != 1):
            raise Fault(f"`{name}` needs its codes or text in quotes", self._at(tree))
        texts = []
        for argument in tree.args[:count]:
            node = self.value(argument)
            if not (isinstance(node, Constant) and isinstance(node.value, str)):
                message = f"`{self._written(argument)}`: `{name}` takes constant texts; write it in quotes"
                raise Fault(message, self._at(argument))
            texts.append(node.value)
        return tuple(texts)

    def _days(self, tree: ast.Call, function: Function) -> int:
        node = self.value(tree.args[-1]) if tree.args else None
        value = node.value if isinstance(node, Constant) and node.type == "number" else None
        if not isinstance(value, int) or value % UNIT or not 0 <= value <= MOST_DAYS * UNIT:
            message = f"`{function.name}` ends with a number of days, 0 to {MOST_DAYS} (0 is the whole visit)"
            raise Fault(message, self._at(tree))
        return value // UNIT

    def _reckoned(self, tree: ast.BinOp) -> Node:
        at = self._at(tree)
        if type(tree.op) not in _OPERATORS:
            raise self._not_allowed(tree)
        left, right = self._of_type(tree.left, "number"), self._of_type(tree.right, "number")
        operator = _OPERATORS[type(tree.op)]
        if operator == "/" and isinstance(right, Constant) and right.value == 0:
            raise Fault(f"`{self._written(tree)}` divides by zero", at)
        if isinstance(left, Constant) and isinstance(right, Constant):
            result = RECKON[operator](left.value, right.value)
            if result is None:
                raise Fault(f"`{self._written(tree)}` is too large", at)
            return Constant("number", result, at)
        return Reckoned(operator, left, right, at)

    def _compared(self, tree: ast.Compare) -> Node:
        pairs: list[Node] = []
        left = tree.left
        for operator, right in zip(tree.ops, tree.comparators, strict=True):
            pairs.append(self._pair(left, operator, right))
            left = right
        return pairs[0] if len(pairs) == 1 else Joined(True, tuple(pairs), self._at(tree))

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Node:
        one = self.value(left)
        if isinstance(operator, ast.In | ast.NotIn):
            return self._among(one, left, right, denied=isinstance(operator, ast.NotIn))
        sign = _COMPARISONS.get(type(operator))
        if sign is None:
            raise Fault("`is` has no place in a condition; write `==`", self._at(left))
        other = self.value(right)
        at = self._at(left)
        if one.type != other.type:
            raise Fault(self._mismatch(left, one, right, other), at)
        if not facts(one) and not facts(other):
            raise Fault(f"`{self._written(left)}` and `{self._written(right)}` are both constant", at)
        if sign not in {"==", "!="} and one.type in {"text", "boolean"}:
            raise Fault(f"`{sign}` compares numbers or days, not {CALLED[one.type]}; write `==` or `in`", at)
        _check_word(one, other)
        _check_word(other, one)
        return Compared(sign, one, other, at)

    def _mismatch(self, left: ast.expr, one: Node, right: ast.expr, other: Node) -> str:
        said = f"`{self._written(left)}` is {CALLED[one.type]} and `{self._written(right)}` is {CALLED[other.type]}"
        types = {one.type, other.type}
        if types == {"text", "number"}:
            text = one if one.type == "text" else other
            if isinstance(text, Constant) and not text.source:
                return f"{said}; a number stands without quotes"
            return f"{said}; write a code in quotes (in a parameter's cell too)"
        return f'{said}; write a day as day("2026-03-18")' if types == {"text", "day"} else said

    def _among(self, one: Node, left: ast.expr, right: ast.expr, *, denied: bool) -> Node:
        at = self._at(right)
        if not isinstance(right, ast.Tuple) or not right.elts:
            raise Fault('after `in` comes a list of constants in parentheses: `in ("11", "13")`, `in ("11",)`', at)
        if not facts(one):
            raise Fault(f"`{self._written(left)}` is constant; a condition reads a field", self._at(left))
        options: list[Value] = []
        for element in right.elts:
            option = self.value(element)
            if not isinstance(option, Constant):
                raise Fault(f"`{self._written(element)}` is no constant", self._at(element))
            if option.type != one.type:
                raise Fault(self._mismatch(left, one, element, option), self._at(element))
            _check_word(one, option)
            options.append(option.value)
        return Among(one, tuple(options), denied, self._at(left))


def _check_word(one: Node, other: Node) -> None:
    """A field with a closed set of values is never anything else."""
    if isinstance(one, Read) and one.field.words and isinstance(other, Constant):
        known = one.field.words
        if isinstance(other.value, str) and other.value not in known:
            help = _nearest(other.value, known)
            raise Fault(f"`{one.field.name}` is never `{other.value}`; {help}", other.at)
