"""National messages: what is wrong with one, and the nodes of it, both in the caller's own names.

``Faults`` collects; ``Nodes`` is a container in whatever shape it came (list, lone object, ``""``) with the path that
its caller would write for each element: ``patient_dtos[0]`` for a list, ``patient_dtos`` for a lone object.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from service.dialects._national_shape import Node
from service.errors import INVALID, Fault, Problem
from service.schemas.scalars import ABSENT

T = TypeVar("T")
MOST_FAULTS: Final = 500
"""A message with more faults than this has said enough."""


class Faults:
    """Everything wrong with one message, as it is found."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, path: str, message: str) -> None:
        """Note one fault."""
        if len(self._found) < MOST_FAULTS:
            self._found.append(Fault(path, message))

    def leaf(self, parse: Callable[[Any], T], node: Node, key: str, path: str) -> T | None:
        """Read one scalar; one that means nothing becomes a fault."""
        try:
            return parse(getattr(node, key))
        except ValueError as error:
            self.add(f"{path}.{key}" if path else key, str(error))
            return None

    def stop_if_any(self) -> None:
        """Raise what was found."""
        if self._found:
            raise Problem(INVALID, faults=tuple(self._found))


class Nodes:
    """A container's elements: objects, or ``None`` for an empty place; and how to name each."""

    __slots__ = ("items", "listed", "path")

    def __init__(self, path: str, items: list[Any], listed: bool) -> None:
        self.path = path
        self.items = items
        self.listed = listed

    def at(self, number: int) -> str:
        """Return the path of one element."""
        return f"{self.path}[{number}]" if self.listed else self.path


def nodes(value: object, path: str, faults: Faults, most: int) -> Nodes:
    """Return a container's elements; ``""``, ``"-"`` and null are an empty list, a lone object a list of one."""
    if value is None or (isinstance(value, str) and value.strip() in ABSENT):
        return Nodes(path, [], True)
    if isinstance(value, Node):
        return Nodes(path, [value], False)
    if not isinstance(value, list):
        faults.add(path, "应为列表或对象")
        return Nodes(path, [], True)
    if len(value) > most:
        faults.add(path, f"超过 {most} 条")
        return Nodes(path, [], True)
    for number, item in enumerate(value):
        if not (item is None or isinstance(item, Node)):
            faults.add(f"{path}[{number}]", "应为对象")
    return Nodes(path, [item if isinstance(item, Node) else None for item in value], True)
