"""The text of a condition: Python's expressions, cut down to a short list of forms, read by the standard library.

In: a cell. Out: its syntax tree, within the limits below. The tree is only ever looked at; nothing is executed. Slips
that a spreadsheet or an input method makes (full-width signs, ``=`` for ``==``) are named before the parser sees them,
since its own words would not help.
"""

import ast
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from rules.expressions.types import Fault

MOST_CHARACTERS: Final = 2_000
MOST_NODES: Final = 200
"""Fields, calls, constants and operators of one condition."""
DEEPEST: Final = 20
MOST_PATTERNS: Final = 50

_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_NUMBER = re.compile(r"(?<![\w.])\.?\d[\w.]*")
_PLAIN_NUMBER = re.compile(r"(0|[1-9]\d{0,12})(\.\d{1,4})?")
_SLIPS: Final = (
    (re.compile(r"&&"), "and"),
    (re.compile(r"\|\|"), "or"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"!(?!=)"), "not"),
    (re.compile(r"(?<![=<>!])=(?!=)"), "=="),
    (re.compile(r"\bAND\b"), "and"),
    (re.compile(r"\bOR\b"), "or"),
    (re.compile(r"\bNOT\b"), "not"),
    (re.compile(r"\bIN\b"), "in"),
    (re.compile(r"\b(?:true|TRUE)\b"), "True"),
    (re.compile(r"\b(?:false|FALSE)\b"), "False"),
)
_MARKS: Final = {"“": '"', "”": '"', "‘": "'", "’": "'", "、": ",", "。": ".", "×": "*", "÷": "/", "≥": ">=", "≤": "<=",
                 "≠": "!="}  # fmt: skip


def expression(text: str) -> ast.expr:
    """Return the syntax tree of one expression. Raises ``Fault`` for what is no expression, or beyond the limits."""
    masked = _masked(text)
    for slip, instead in _SLIPS:
        if (found := slip.search(masked)) is not None:
            raise Fault(f"write `{instead}` instead of `{found[0]}`", found.start())
    tree = _parsed(text, "eval")
    body: ast.expr = tree.body  # type: ignore[attr-defined]  # an ``Expression``, by its mode
    _measure(body, text)
    return body


def statements(text: str) -> list[ast.stmt]:
    """Return the statements of a specimen (``line.quantity = 6; diagnosis("E11.900")``), unread as yet."""
    _masked(text)
    tree = _parsed(text, "exec")
    body: list[ast.stmt] = tree.body  # type: ignore[attr-defined]  # a ``Module``, by its mode
    if len(body) > MOST_NODES:
        raise Fault(f"more than {MOST_NODES} assignments")
    for statement in body:
        for part in ast.iter_child_nodes(statement):
            if isinstance(part, ast.expr):
                _measure(part, text)
    return body


def place_of(node: ast.AST, text: str) -> int:
    """Return the character (from 0) a node begins at; the parser counts bytes, and from 1 in lines."""
    column = getattr(node, "col_offset", 0)
    return len(text.encode()[:column].decode(errors="ignore"))


def one_line(text: str) -> str:
    """Return a cell's text on one line, so that every place in it is a count of characters."""
    return re.sub(r"\s", " ", text).strip()


def children(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of an expression that count as parts: a field is one, and a call's name is none."""
    if isinstance(node, ast.Call):
        yield from node.args
    elif not isinstance(node, ast.Attribute):
        yield from (part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))


def _masked(text: str) -> str:
    """Return the text with its quoted texts blanked, after a look for characters that have no place in it."""
    if len(text) > MOST_CHARACTERS:
        raise Fault(f"has {len(text)} characters, at most {MOST_CHARACTERS} are allowed")
    strange = next((place for place, character in enumerate(text) if not character.isprintable()), None)
    if strange is not None:
        raise Fault("a character that cannot be printed", strange)
    masked = _QUOTED.sub(lambda found: f'"{" " * (len(found[0]) - 2)}"', text)
    for place, character in enumerate(masked):
        instead = _MARKS.get(character) or unicodedata.normalize("NFKC", character)
        if instead != character:
            raise Fault(f"write `{instead}` instead of `{character}`", place)
    for sign, meaning, where in (("\\", "a backslash", text), ("#", "a comment", masked)):
        if sign in where:
            raise Fault(f"{meaning} has no place in a condition", where.index(sign))
    if (quotes := [place for place, character in enumerate(masked) if character in "\"'"]) and len(quotes) % 2:
        raise Fault("a text is not closed; write a quote at its end", quotes[-1])
    for found in _NUMBER.finditer(masked):
        if _PLAIN_NUMBER.fullmatch(found[0]) is None:
            raise Fault(f"`{found[0]}` is no plain number: digits, and at most four decimals", found.start())
    return masked


def _parsed(text: str, mode: str) -> ast.AST:
    if not text:
        raise Fault("is empty")
    try:
        return ast.parse(text, mode=mode)
    except SyntaxError as fault:
        if not fault.offset:  # the parser came to the end and wanted more
            raise Fault("ends before it is complete", len(text)) from None
        place = min(max((fault.offset or 1) - 1, 0), len(text))
        raise Fault(f"cannot be read: {fault.msg}", place) from None
    except (ValueError, RecursionError, MemoryError):
        raise Fault("cannot be read: nested too deeply") from None


def _measure(tree: ast.expr, text: str) -> None:
    """Refuse what is too large, without recursion."""
    count, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > DEEPEST:
            raise Fault(f"is nested more than {DEEPEST} deep; split the rule", place_of(node, text))
        if count > MOST_NODES:
            raise Fault(f"has more than {MOST_NODES} parts; split the rule")
        waiting.extend((part, depth + 1) for part in children(node))
