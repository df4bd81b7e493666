"""Sets of cases: a month or a year of discharges, read from JSON or from lines of JSON, and what is computed over them.

In: a request whose cases all have to be read, since a settlement over some of them would be wrong. Out: assessed cases
of one directory, and documents of the settlement's nouns with money in yuan. Between cases other callers are served.
"""

import asyncio
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Any, Final

import msgspec

from rules.dip.assess import assess
from rules.dip.directory import Directory
from rules.dip.model import Assessed, Case
from rules.model import UNIT
from service.dip.reading import CaseReader, Filed, decoded
from service.errors import INVALID, NOT_JSON, TOO_LARGE, Fault, Problem
from service.hot_path import Disconnected
from service.ndjson import NumberedLine, Upload, lines_of

MOST_CASES: Final = 200_000
"""More than a year of the largest hospitals."""
MOST_FAULTS: Final = 100
MONEY: Final = frozenset(
    {
        "actual", "advance", "amount", "balance", "banded", "cost", "deductions", "deposit", "difference", "due",
        "excess", "fund", "fund_surplus", "income", "paid", "payable", "prepaid", "prepayment", "surplus",
    }
)  # fmt: skip
"""Fields of the settlement's nouns whose integers are 1/10,000 yuan; all other integers are counts and places."""


@dataclass(frozen=True, slots=True)
class CaseSet:
    """Cases under one directory, and the parameters that came with them."""

    directory: Directory
    filed: tuple[Filed, ...]
    parameters: dict[str, Any]
    zone: tzinfo

    async def assessed(self) -> list[tuple[Case, Assessed]]:
        """Return every case with what the scheme says of it."""
        pairs = []
        for filed in self.filed:
            pairs.append((filed.case, assess(filed.case, self.directory)))
            # Other callers' checks come in between.
            await asyncio.sleep(0)
        return pairs


class SetReader:
    """Reads the cases of one set; every fault of all of them is reported, up to so many."""

    def __init__(self, reader: CaseReader) -> None:
        self._reader = reader
        self._filed: list[Filed] = []
        self._faults: list[Fault] = []

    async def document(self, document: dict[str, Any], *keys: str) -> CaseSet:
        """Read ``{"cases": […], …}``; ``keys`` are what else may stand there."""
        cases = document.get("cases")
        if not isinstance(cases, list):
            raise Problem(INVALID, faults=(Fault("cases", "应为数组"),))
        self._faults += [Fault(key, "未知字段,请检查拼写") for key in document if key not in {"cases", *keys}]
        for place, case in enumerate(cases):
            self._read(case, f"cases[{place}]")
            await asyncio.sleep(0)
        return self._done({key: document[key] for key in keys if key in document})

    async def lines(self, upload: Upload, limit: int, *keys: str) -> CaseSet:
        """Read one case a line; a first line with nothing but ``keys`` holds the parameters."""
        parameters: dict[str, Any] = {}
        async for line in lines_of(upload, limit):
            try:
                document = _decoded(line, limit)
            except Problem as problem:
                self._faults.append(Fault(f"line[{line.number}]", str(problem)))
                document = None
            if not self._filed and not parameters and isinstance(document, dict) and document.keys() <= set(keys):
                parameters = document
            elif document is not None:
                self._read(document, f"line[{line.number}]")
            if len(self._filed) > MOST_CASES:
                raise Problem(TOO_LARGE, f"最多 {MOST_CASES} 例")
            await asyncio.sleep(0)
        if upload.cut:
            raise Disconnected
        return self._done(parameters)

    def _read(self, document: Any, at: str) -> None:
        try:
            self._filed.append(self._reader.read(document, at))
        except Problem as problem:
            self._faults += problem.faults or (Fault(at, problem.detail),)
        if len(self._faults) >= MOST_FAULTS:
            raise Problem(INVALID, f"仅列出前 {MOST_FAULTS} 处", tuple(self._faults[:MOST_FAULTS]))

    def _done(self, parameters: dict[str, Any]) -> CaseSet:
        if self._faults:
            raise Problem(INVALID, faults=tuple(self._faults))
        if not self._filed:
            raise Problem(INVALID, faults=(Fault("cases", "没有病例"),))
        names = {filed.directory.scheme.digest: filed.directory for filed in self._filed}
        if len(names) > 1:
            named = "、".join(sorted(f"{one.scheme.name} {one.scheme.version}" for one in names.values()))
            raise Problem(INVALID, faults=(Fault("scheme", f"病例分属不同方案({named}),请用 scheme 指定"),))
        return CaseSet(self._filed[0].directory, tuple(self._filed), parameters, self._reader.call.zone)


def _decoded(line: NumberedLine, limit: int) -> Any:
    if line.body is None:
        raise Problem(TOO_LARGE, f"每行上限 {limit} 字节")
    document = decoded(line.body)
    if not isinstance(document, dict):
        raise Problem(NOT_JSON, "每行应为一个对象")
    return document


def noun_document(noun: Any, name: str = "") -> Any:
    """Return a noun as JSON: money in yuan, decimals as numbers, absent as ``null``."""
    if isinstance(noun, msgspec.Struct):
        return {field: noun_document(getattr(noun, field), field) for field in noun.__struct_fields__}
    if isinstance(noun, Decimal):
        return float(noun)
    if isinstance(noun, bool) or not isinstance(noun, int):
        return _plain(noun, name)
    return noun / UNIT if name in MONEY else noun


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, tuple | list):
        return [noun_document(entry, name) for entry in value]
    if isinstance(value, dict):
        return {key: noun_document(entry, name) for key, entry in value.items()}
    return value
