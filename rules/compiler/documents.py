"""YAML as this project reads it: typed by our own nouns, exact, and with the line of every fault.

In: text and the type wanted. Out: the noun, or faults. Scalars are read by the type wanted and not by their looks, so
``12.40`` stays exact, ``no`` is a text and ``0011`` keeps its zeros. Unknown and repeated keys are faults.
An empty value counts as absent; ``""`` is the empty text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec.inspect as types
import yaml

from rules.compiler.diagnostics import did_you_mean
from rules.model import UNIT

T = TypeVar("T")

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Times without a zone. A fixed offset: the zone has had no other since 1991, and a zone table would be a file."""

_PLAIN: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_NULLS = frozenset({"", "~", "null"})
_BAD: Final = object()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a document: its line, its key and what to do."""

    line: int
    path: str
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What plain types cannot say about a family of documents."""

    fixed: frozenset[tuple[type, str]] = frozenset()
    """Numbers written plainly and held in 1/10,000."""
    complete: Mapping[type, Callable[[dict[str, Any], Mapping[str, str]], None]] = field(default_factory=dict)
    """Fills in the fields that were not written, given the values read and the texts of the scalars."""
    elsewhere: Mapping[tuple[type, str], str] = field(default_factory=dict)
    """Fields that are not written in the document, and where they come from."""


def parse(text: str, expected: type[T], dialect: Dialect) -> tuple[T | None, tuple[Fault, ...]]:
    """Return the noun that ``text`` writes; ``None`` and every fault when there is one."""
    node, faults = compose(text)
    if faults or node is None:
        return None, faults or (Fault(1, "", "the file is empty"),)
    return read(node, expected, dialect)


def compose(text: str) -> tuple[yaml.Node | None, tuple[Fault, ...]]:
    """Return the document as a tree with lines; a fault when it is not YAML."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader), ()
    except RecursionError:
        return None, (Fault(1, "", "not YAML: nested too deeply"),)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        problem = getattr(fault, "problem", None) or "special characters are not allowed"
        return None, (Fault(mark.line + 1 if mark else 1, "", f"not YAML: {problem}"),)


def read(node: yaml.Node, expected: Any, dialect: Dialect) -> tuple[Any, tuple[Fault, ...]]:
    """Return the value of one tree as the type wanted; ``None`` and every fault when there is one."""
    reader = _Reader(dialect)
    value = reader.read(node, _shape(expected), "")
    return (None, tuple(reader.faults)) if reader.faults else (value, ())


@lru_cache(maxsize=16)
def _shape(expected: Any) -> types.Type:
    return types.type_info(expected)


def read_list(
    text: str, expected: type[T], dialect: Dialect, *, one: str
) -> tuple[tuple[tuple[int, T], ...], tuple[Fault, ...]]:
    """Return the nouns a document lists, each with its line, and every fault; a faulty one hides no other."""
    node, faults = compose(text)
    if node is None:
        return (), faults
    if not isinstance(node, yaml.SequenceNode):
        return (), (Fault(line_of(node), "", f"expected a list of {one}s", f"start each {one} with `- name:`"),)
    found: list[tuple[int, T]] = []
    wrong: list[Fault] = []
    for child in node.value:
        value, faults = read(child, expected, dialect)
        wrong.extend(faults)
        if isinstance(value, expected):
            found.append((line_of(child), value))
    return tuple(found), tuple(wrong)


def key_lines(node: yaml.Node, path: str = "") -> dict[str, int]:
    """Return the line of every key and list entry, by its path: ``steps[1].layers``."""
    lines: dict[str, int] = {}
    for number, child in enumerate(node.value) if isinstance(node, yaml.SequenceNode) else ():
        lines[f"{path}[{number}]"] = line_of(child)
        lines.update(key_lines(child, f"{path}[{number}]"))
    for key, child in node.value if isinstance(node, yaml.MappingNode) else ():
        name = _join(path, str(key.value))
        lines[name] = line_of(key)
        lines.update(key_lines(child, name))
    return lines


def line_of(node: yaml.Node) -> int:
    """Return the line a tree starts on, from 1."""
    return int(node.start_mark.line) + 1


class _Reader:
    """Walks one tree beside the type wanted; notes every fault and goes on."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.faults: list[Fault] = []

    def fault(self, node: yaml.Node, path: str, message: str, help: str = "") -> Any:
        self.faults.append(Fault(line_of(node), path, message, help))
        return _BAD

    def read(self, node: yaml.Node, expected: types.Type, path: str) -> Any:
        if isinstance(expected, types.UnionType):  # ours are all ``X | None``
            if _is_null(node):
                return None
            expected = next(one for one in expected.types if not isinstance(one, types.NoneType))
        value: Any
        match expected:
            case types.StructType():
                value = self.struct(node, expected, path)
            case types.DictType(value_type=each):
                pairs = self.pairs(node, path)
                value = {key: self.read(child, each, _join(path, key)) for key, child in pairs.items()}
            case types.VarTupleType(item_type=each):
                children = self.items(node, path)
                value = tuple(self.read(child, each, f"{path}[{i}]") for i, child in enumerate(children))
            case types.TupleType(item_types=items):
                value = self.fixed_tuple(node, items, path)
            case _:
                value = self.scalar(node, expected, path)
        return value

    def struct(self, node: yaml.Node, expected: types.StructType, path: str) -> Any:
        known = {found.name: found for found in expected.fields}
        values: dict[str, Any] = {}
        texts: dict[str, str] = {}
        before = len(self.faults)
        for key, child in self.pairs(node, path).items():
            if (expected.cls, key) in self.dialect.elsewhere:
                place = self.dialect.elsewhere[expected.cls, key]
                self.fault(child, _join(path, key), f"`{key}` is not written here", f"it comes from {place}")
            elif key not in known:
                written = [name for name in known if (expected.cls, name) not in self.dialect.elsewhere]
                self.fault(child, _join(path, key), f"unknown key `{key}`", did_you_mean(key, written))
            elif not _is_null(child):
                values[key] = self.field(child, expected.cls, known[key], _join(path, key))
                texts[key] = child.value if isinstance(child, yaml.ScalarNode) else ""
        if len(self.faults) == before and expected.cls in self.dialect.complete:
            self.dialect.complete[expected.cls](values, texts)
        for name, found in known.items():
            if found.required and name not in values and len(self.faults) == before:
                self.fault(node, path, f"`{name}` is missing")
        return expected.cls(**values) if len(self.faults) == before else _BAD

    def field(self, node: yaml.Node, owner: type, found: types.Field, path: str) -> Any:
        if (owner, found.name) not in self.dialect.fixed:
            return self.read(node, found.type, path)
        if not isinstance(node, yaml.ScalarNode):
            return self.fault(node, path, "expected a number")
        try:
            return fixed(node.value)
        except ValueError as fault:
            return self.fault(node, path, str(fault))

    def pairs(self, node: yaml.Node, path: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, path, "expected keys with values")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fault(key, path, "a key is one word")
            elif key.value in found:
                self.fault(key, _join(path, key.value), f"`{key.value}` is written twice")
            else:
                found[key.value] = child
        return found

    def items(self, node: yaml.Node, path: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.fault(node, path, "expected a list", "write [a, b], or one `- ` line for each")
        return []

    def fixed_tuple(self, node: yaml.Node, items: tuple[types.Type, ...], path: str) -> Any:
        children = self.items(node, path)
        if len(children) != len(items):
            return self.fault(node, path, f"expected {len(items)} values, found {len(children)}")
        return tuple(self.read(child, item, path) for child, item in zip(children, items, strict=True))

    def scalar(self, node: yaml.Node, expected: types.Type, path: str) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.fault(node, path, "expected one value, not a list or keys")
        text = node.value
        if isinstance(expected, types.LiteralType) and text not in expected.values:
            known = [str(value) for value in expected.values]
            return self.fault(node, path, f"`{text}` is not one of {', '.join(known)}", did_you_mean(text, known))
        try:
            return _SCALARS.get(type(expected), str)(text)
        except ValueError as fault:
            return self.fault(node, path, str(fault))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"`{text}` is neither true nor false")
    return text == "true"


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a whole number") from None


def exact(text: str) -> Decimal:
    """Return a plainly written number as it stands. Raises ``ValueError`` when it is none."""
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"`{text}` is not a number")
    return Decimal(text)


def fixed(text: str) -> int:
    """Return a plainly written number in 1/10,000. Raises ``ValueError`` when it is finer or no number."""
    try:
        scaled = Decimal(text) * UNIT
        whole = int(scaled)
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(f"`{text}` is not a number") from None
    if scaled != whole:
        raise ValueError(f"`{text}` has more than four decimals")
    return whole


def day(text: str) -> date:
    """Return a date written as 2026-01-31. Raises ``ValueError`` for any other form."""
    if len(text) == len("2026-01-31"):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"`{text}` is not a date such as 2026-01-31")


def moment(text: str) -> datetime:
    """Return a time, in China's zone unless it names one. Raises ``ValueError`` for what is no ISO time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a time such as 2026-01-31T09:15:00") from None
    return found.replace(tzinfo=SHANGHAI) if found.tzinfo is None else found.astimezone(SHANGHAI)


_SCALARS: Final[dict[type[types.Type], Callable[[str], Any]]] = {
    types.BoolType: _boolean,
    types.IntType: _whole,
    types.DecimalType: exact,
    types.DateType: day,
    types.DateTimeType: moment,
}
