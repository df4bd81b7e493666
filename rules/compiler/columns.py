"""The columns of every table, as an author needs to know them: for the pages and for ``dipcheck pack columns``.

In: a kind's name, or ``citations``. Out: one ``Column`` for each, from the very models that rows are read by.
"""

import types
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from rules.compiler.tables import CITATIONS, WORDS, columns_of
from rules.kinds import KINDS
from rules.kinds._ages import Age
from rules.kinds._contract import Quantity, Row
from rules.words import FORMS

CITATION_HELP: Final[dict[str, tuple[str, str]]] = {
    "id": ("text", "what the rules' `citation` column names"),
    "instrument": ("text", "the instrument's title"),
    "number": ("text", "its number, such as 医保发〔2025〕33号"),
    "clause": ("text", "article or list the rule rests on"),
    "published": ("date", "day of publication"),
    "valid_from": ("date", "first day in force"),
    "valid_to": ("date", "last day in force"),
}
WORD_HELP: Final[dict[str, tuple[str, str]]] = {
    "dictionary": (" / ".join(f"`{name}`" for name in FORMS), "which dictionary"),
    "code": ("text", "the word or code as the hospital sends it"),
    "meaning": ("text", "what it means, in the dictionary's own form"),
    "hospital": ("text", "定点机构编码; empty means every hospital"),
    "note": ("text", "what to know about it"),
}
_PLAIN: Final[dict[object, str]] = {
    str: "text",
    int: "whole number",
    bool: "true or false",
    date: "date",
    Age: "age such as `28d`, `6m`, `14y`",
}
_SCALED: Final = get_args(Quantity)[1]
"""Marks a column written as a plain number and held in 1/10,000."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, whether an active row needs it, what a cell looks like, what it means."""

    name: str
    needed: bool
    form: str
    meaning: str


def shared_columns() -> tuple[Column, ...]:
    """Return the columns that every rule table has."""
    return tuple(_column(name, field) for name, field in Row.model_fields.items())


def own_columns(kind: str) -> tuple[Column, ...]:
    """Return the columns that only this kind has."""
    fields = KINDS[kind].row.model_fields
    return tuple(_column(name, field) for name, field in fields.items() if name not in Row.model_fields)


def citation_columns() -> tuple[Column, ...]:
    """Return the columns of ``citations.csv``."""
    columns = columns_of(CITATIONS)
    return tuple(Column(name, name in columns.required, *CITATION_HELP[name]) for name in columns.known)


def word_columns() -> tuple[Column, ...]:
    """Return the columns of ``words.csv``."""
    columns = columns_of(WORDS)
    return tuple(Column(name, name in columns.required, *WORD_HELP[name]) for name in columns.known)


def as_markdown(columns: tuple[Column, ...]) -> str:
    """Return columns as a Markdown table."""
    head = ["| column | needed | cell | meaning |", "|---|---|---|---|"]
    rows = (f"| `{c.name}` | {'yes' if c.needed else ''} | {c.form} | {c.meaning} |" for c in columns)
    return "\n".join([*head, *rows])


def _column(name: str, field: FieldInfo) -> Column:
    meaning = (field.description or "").replace("|", "\\|")
    if not field.is_required() and field.default not in (None, "", ()):
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        meaning = f"{meaning}; empty means `{default}`".removeprefix("; ")
    form = "number" if _SCALED in field.metadata else _form(field.annotation)
    return Column(name, field.is_required(), form, meaning)


def _form(annotation: Any) -> str:
    """Return what a cell of this type looks like."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _form(arguments[0])
    if origin is types.UnionType or type(None) in arguments:
        return _form(next(one for one in arguments if one is not type(None)))
    if origin is Literal:
        return " / ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"{_form(arguments[0])}, joined by \\|"
    return _PLAIN.get(annotation, str(getattr(annotation, "__name__", annotation)).lower())
