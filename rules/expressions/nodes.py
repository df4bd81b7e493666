"""The checked tree of a condition: every part has its type, every name is resolved, every pattern is well formed."""

from dataclasses import dataclass
from typing import Literal

from rules.expressions.fields import Field
from rules.expressions.functions import Function
from rules.expressions.types import Type, Value

Comparison = Literal["==", "!=", "<", "<=", ">", ">="]
Operator = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, text, day or truth value that the author wrote, or a parameter."""

    type: Type
    value: Value
    at: int
    source: str = ""
    """The parameter's name, where it is one."""


@dataclass(frozen=True, slots=True)
class Read:
    """A field."""

    field: Field
    at: int

    @property
    def type(self) -> Type:
        """The field's type."""
        return self.field.type


@dataclass(frozen=True, slots=True)
class Ask:
    """A question with its patterns, and its days where it has them."""

    function: Function
    patterns: tuple[str, ...]
    days: int
    at: int

    @property
    def type(self) -> Type:
        """The answer's type."""
        return self.function.type

    @property
    def source(self) -> str:
        """The call as it reads in a finding's facts."""
        arguments = [f'"{pattern}"' for pattern in self.patterns] + ([str(self.days)] if self.function.days else [])
        return f"{self.function.name}({', '.join(arguments)})"


@dataclass(frozen=True, slots=True)
class Not:
    """Denial."""

    part: "Node"
    at: int
    type: Type = "boolean"


@dataclass(frozen=True, slots=True)
class Joined:
    """``and`` (every) or ``or`` of several parts."""

    every: bool
    parts: tuple["Node", ...]
    at: int
    type: Type = "boolean"


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sides of one type; texts and truth values only by ``==`` and ``!=``."""

    operator: Comparison
    left: "Node"
    right: "Node"
    at: int
    type: Type = "boolean"


@dataclass(frozen=True, slots=True)
class Among:
    """A value among constants of its type."""

    left: "Node"
    options: tuple[Value, ...]
    denied: bool
    at: int
    type: Type = "boolean"


@dataclass(frozen=True, slots=True)
class Reckoned:
    """Two numbers and an operator."""

    operator: Operator
    left: "Node"
    right: "Node"
    at: int
    type: Type = "number"


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with its sign turned."""

    part: "Node"
    at: int
    type: Type = "number"


Node = Constant | Read | Ask | Not | Joined | Compared | Among | Reckoned | Negative


def parts(node: Node) -> tuple[Node, ...]:
    """Return the parts of a node, as written."""
    if isinstance(node, Joined):
        return node.parts
    if isinstance(node, Compared | Reckoned):
        return (node.left, node.right)
    if isinstance(node, Among):
        return (node.left,)
    return (node.part,) if isinstance(node, Not | Negative) else ()


def facts(node: Node) -> tuple[Read | Ask, ...]:
    """Return the fields and questions a node rests on, as written."""
    if isinstance(node, Read | Ask):
        return (node,)
    return tuple(fact for part in parts(node) for fact in facts(part))
