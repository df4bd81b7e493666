"""Rows of an import: from chunks of a file, as NDJSON or CSV, to one mapping a row; memory stays flat.

A CSV file is UTF-8 or GB18030 (as Excel in China writes it), told apart row by row; its first row names the columns.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from service.ndjson import LineSplitter

Form = Literal["ndjson", "csv"]
LONGEST: Final = 256 * 1024
"""Bytes of one row."""
_YES_NO: Final = {"是": "true", "否": "false"}


class HeaderFault(ValueError):
    """A CSV file without a usable first row."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as sent; ``fields`` is missing where it could not be read, and ``fault`` says why."""

    content: bytes
    fields: Mapping[str, Any] | None
    fault: str = ""


class NdjsonRows:
    """One JSON object a line."""

    def __init__(self) -> None:
        self._splitter = LineSplitter(LONGEST)

    def feed(self, chunk: bytes) -> Iterator[RawRow]:
        """Yield the rows that a chunk completes."""
        for line in self._splitter.feed(chunk):
            yield self._row(line.body)

    def end(self) -> Iterator[RawRow]:
        """Yield the last row, which need not end in a line break."""
        for line in self._splitter.end():
            yield self._row(line.body)

    def _row(self, body: bytes | None) -> RawRow:
        if body is None:
            return RawRow(b"", None, f"超过 {LONGEST} 字节")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return RawRow(body, None, "不是合法的 JSON")
        return RawRow(body, document) if isinstance(document, dict) else RawRow(body, None, "应为对象")


class CsvRows:
    """Columns by name, cells as text; an empty cell is absent. Raises ``HeaderFault``."""

    def __init__(self, known: frozenset[str]) -> None:
        """``known`` are the columns there may be: a misspelt one must not read as an absent one."""
        self._known = known
        self._header: list[str] | None = None
        self._rest: list[bytes] = []
        """Parts of a row that has not ended, joined once when it has: a cell may hold very many line breaks."""
        self._size = 0
        self._open = False
        """The rest ends within quotes: a line break in it belongs to the cell."""

    def feed(self, chunk: bytes) -> Iterator[RawRow]:
        """Yield the rows that a chunk completes."""
        at = 0
        while at < len(chunk):
            if self._continues:
                # At once up to the quote that may close the cell, however many line breaks stand before it.
                end = chunk.find(b'"', at, at + LONGEST - self._size) + 1 or at + LONGEST + 1 - self._size
                self._add(chunk[at:end])
                at = min(end, len(chunk))
                continue
            end = chunk.find(b"\n", at)
            self._add(chunk[at:] if end < 0 else chunk[at:end])
            if end < 0:
                break
            at = end
            if not self._continues:
                at += 1
                yield from self._record()
        if self._size > 2 * LONGEST:
            raise HeaderFault(f"有超过 {LONGEST} 字节的行,文件可能不是 CSV")

    def end(self) -> Iterator[RawRow]:
        """Yield the last row, which need not end in a line break."""
        yield from self._record()

    @property
    def _continues(self) -> bool:
        """Whether a line break belongs to the row; in one that is too long it ends it."""
        return self._open and self._size <= LONGEST

    def _add(self, part: bytes) -> None:
        self._rest.append(part)
        self._size += len(part)
        self._open ^= part.count(b'"') % 2 == 1

    def _record(self) -> Iterator[RawRow]:
        content = b"".join(self._rest).rstrip(b"\r")
        self._rest, self._size, self._open = [], 0, False
        if not content.strip(b", \t\r"):
            return
        if self._header is None:
            self._header = self._columns(_cells(content.removeprefix(b"\xef\xbb\xbf")))
            return
        cells = _cells(content)
        if cells is None or len(content) > LONGEST:
            yield RawRow(content, None, "无法读取该行")
        elif len(cells) > len(self._header):
            yield RawRow(content, None, f"有 {len(cells)} 格,表头只有 {len(self._header)} 列")
        else:
            named = zip(self._header, cells, strict=False)
            yield RawRow(content, {name: _YES_NO.get(cell, cell) for name, cell in named if cell})

    def _columns(self, cells: list[str] | None) -> list[str]:
        if cells is None:
            raise HeaderFault("首行无法读取:应为 UTF-8 或 GB18030 编码的 CSV")
        if not self._known.intersection(cells):
            # Then it is likely a row of data, which no fault repeats.
            raise HeaderFault("首行应为列名,以逗号分隔")
        unknown = sorted(set(cells) - self._known)
        if unknown:
            raise HeaderFault(f"未知列:{', '.join(unknown)}")
        if len(set(cells)) < len(cells):
            raise HeaderFault("表头有重复的列")
        return cells


def _cells(content: bytes) -> list[str] | None:
    """Return the cells of a record; ``None`` where it is no text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            return None
    try:
        return [cell.strip() for cell in next(csv.reader([text], strict=True), [])]
    except csv.Error:
        return None


def rows_of(form: Form, columns: frozenset[str]) -> NdjsonRows | CsvRows:
    """Return a reader of rows."""
    return CsvRows(columns) if form == "csv" else NdjsonRows()
