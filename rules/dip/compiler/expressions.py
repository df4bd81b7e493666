"""Operation expressions as catalogues write them, to conjunctive form (dip facts 2.4).

``|`` and ``/`` join operations any of which will do, ``+`` joins what must all be there and binds less tightly, so
``a/b+c`` is (a or b) and c; parentheses may stand round either. Where a scheme says so, ``,`` is ``+``.
"""

import re
import unicodedata
from typing import Final

from rules.dip.model import Expression
from rules.dip.normalise import operation

_TOKEN: Final = re.compile(r"\s*([()|/+,、;]|[^()|/+,、;\s]+)")
_CODE: Final = re.compile(r"\d\d(\.[0-9A-Zx]{0,9})?")
_WHOLE: Final = re.compile(r"\d\d\.(\d{4}|\dx\d\d|\d{5}|\d{3}[A-Z]\d|\d{3}(?=x\d{4}))(x\d{3,4})?")


class ExpressionError(ValueError):
    """A cell is no expression; the message says why."""


class ShortCode(ExpressionError):
    """A code that stands for all that begin so, where whole codes are compared."""


class NestedConjunction(ExpressionError):
    """A conjunction stands inside an alternative, which no row of a catalogue can mean."""


def parse_expression(text: str, *, short: bool, comma_is_all: bool) -> Expression:
    """Return the parts of an expression, every code in normal form. Raises ``ExpressionError``.

    ``short``: codes may be the beginnings of codes, and nothing is filled up.
    """
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text))
    return _Reader(tokens, short=short, comma_is_all=comma_is_all).whole()


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[str], *, short: bool, comma_is_all: bool) -> None:
        self.tokens = tokens
        self.short = short
        self.all = {"+", ","} if comma_is_all else {"+"}
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def whole(self) -> Expression:
        parts = self.conjunction()
        if self.next:
            raise ExpressionError(_unexpected(self.next))
        return tuple(tuple(dict.fromkeys(part)) for part in parts)

    def conjunction(self) -> list[list[str]]:
        parts = self.alternative()
        while self.next in self.all:
            self.at += 1
            parts = [*parts, *self.alternative()]
        return parts

    def alternative(self) -> list[list[str]]:
        found = [self.operand()]
        while self.next in {"|", "/"}:
            self.at += 1
            found.append(self.operand())
        if len(found) > 1 and any(len(parts) > 1 for parts in found):
            raise NestedConjunction("`+` stands inside an alternative")
        return [[code for parts in found for code in parts[0]]] if len(found) > 1 else found[0]

    def operand(self) -> list[list[str]]:
        token = self.next
        self.at += 1
        if token == "(":
            parts = self.conjunction()
            if self.next != ")":
                raise ExpressionError("a parenthesis is not closed" if not self.next else _unexpected(self.next))
            self.at += 1
            return parts
        if not token or token in "()|/+,、;":
            raise ExpressionError(f"an operation is missing before `{token}`" if token else "an operation is missing")
        code = short_operation(token) if self.short else operation(token)
        if not is_operation(code):
            raise ExpressionError(f"`{token}` is no operation code")
        if not self.short and not is_whole_operation(code):
            raise ShortCode(f"`{token}` is not a whole operation code")
        return [[code]]


def _unexpected(token: str) -> str:
    if token == ",":
        return "`,` joins nothing in this scheme"
    return "a parenthesis closes nothing" if token == ")" else f"`{token}` stands where `+` or `|` is expected"


def is_operation(code: str) -> bool:
    """Say whether a normal code, or the beginning of one, has the shape of an operation code."""
    return bool(_CODE.fullmatch(code))


def is_whole_operation(code: str) -> bool:
    """Say whether a normal code has the shape of a whole operation code."""
    return bool(_WHOLE.fullmatch(code))


def short_operation(text: str) -> str:
    """Return the beginning of an operation code as catalogues of short codes write it: nothing is filled up."""
    code = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper().replace("X", "x")
    return f"0{code}" if re.match(r"\d\.", code) else code
