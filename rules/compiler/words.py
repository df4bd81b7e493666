"""Dictionary entries: ``words.csv`` to words, each meaning in its dictionary's own form.

In: tables of cells. Out: the well-formed entries; faults are reported by row and column.
"""

from collections.abc import Iterable, Iterator
from typing import get_args

import msgspec

from rules.codes import Dictionary
from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.drafts import RawRow, Table
from rules.words import FORMS, Word, normal

_COLUMNS = ("dictionary", "code", "meaning")


def read_words(tables: Iterable[Table], report: Report) -> tuple[Word, ...]:
    """Return the entries. Faults: an empty cell, an unknown dictionary, a meaning of the wrong form, one word twice."""
    seen: dict[tuple[str, str, str], str] = {}
    return tuple(word for table in tables for word in _words(table, seen, report))


def _words(table: Table, seen: dict[tuple[str, str, str], str], report: Report) -> Iterator[Word]:
    for raw in table.rows:
        if not _whole(raw, report):
            continue
        cells = {name: raw.cells[name] for name in (*_COLUMNS, "hospital") if name in raw.cells}
        word = msgspec.convert(cells, Word)
        key = (word.dictionary, word.hospital, normal(word.code))
        if seen.setdefault(key, word.meaning) != word.meaning:
            message = f"`{word.code}` already means `{seen[key]}`"
            report.at(raw.place, "INVALID_CELL", message, column="meaning", help="a word has one meaning per hospital")
        else:
            yield word


def _whole(raw: RawRow, report: Report) -> bool:
    empty = [name for name in _COLUMNS if not raw.cells.get(name)]
    for name in empty:
        report.at(raw.place, "INVALID_CELL", f"`{name}` is empty", column=name)
    if empty:
        return False
    dictionary = next((name for name in FORMS if name == raw.cells["dictionary"]), None)
    if dictionary is None:
        help = did_you_mean(raw.cells["dictionary"], get_args(Dictionary))
        report.at(raw.place, "INVALID_CELL", "there is no such dictionary", column="dictionary", help=help)
        return False
    if not FORMS[dictionary].match(raw.cells["meaning"]):
        message = f"`{raw.cells['meaning']}` is no meaning of dictionary `{dictionary}`"
        help = f"its form is {FORMS[dictionary].pattern}"
        report.at(raw.place, "INVALID_CELL", message, column="meaning", help=help)
        return False
    return True
