"""Cases as they come to the DIP interface: native JSON or a settlement list, with the directory that judges each.

In: decoded JSON of one case. Out: ``Filed``. Raises ``Problem`` with every fault under the caller's own path. A
person's id never leaves this module but as a keyed pseudonym.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, Final, TypeVar

import orjson
from msgspec.structs import replace
from pydantic import BaseModel, TypeAdapter, ValidationError

from rules.dip.directory import Directory
from rules.dip.model import Case
from rules.dip.quality_facts import RecordFacts
from service.dialects._contract import Call
from service.errors import INVALID, NOT_FOUND, NOT_JSON, Fault, Problem
from service.schemas.dip_case import CaseIn, case_of
from service.schemas.faults import faults_of
from service.schemes import Schemes
from service.settlement_lists.reading import SettlementList, read_settlement_list

Model = TypeVar("Model", bound=BaseModel)
_CASES: Final = TypeAdapter(CaseIn)
LIST_KEYS: Final = frozenset({"input", "setlinfo", "infno"})
"""Keys by which a settlement list is known: no native case has one."""


@dataclass(frozen=True, slots=True)
class Filed:
    """One case and the directory that judges it."""

    case: Case
    directory: Directory
    facts: RecordFacts | None = None
    """What a settlement list says beyond the case; ``None`` for a native case."""
    left_out: tuple[str, ...] = ()
    """Entries of a settlement list that do not group, in words."""
    paid_by_dip: bool | None = None
    """What a settlement list says of how it is paid; ``None`` where it says nothing, and for a native case."""


class CaseReader:
    """Reads the cases of one call: who sends, which hospital, which scheme. Raises ``Problem``: no such scheme."""

    def __init__(self, call: Call, schemes: Schemes, scheme: str | None) -> None:
        self.call = call
        self._schemes = schemes
        self._scheme = scheme
        self._default = named(schemes, scheme)

    def read(self, document: Any, at: str = "") -> Filed:
        """Understand one case. ``at`` is its path, for faults."""
        if isinstance(document, Mapping) and LIST_KEYS & document.keys():
            return self._settlement_list(document, at)
        given = validated(_CASES, document, at, self.call.zone)
        return self.filed(self.native(given))

    def stay(self, document: Any, at: str = "") -> Filed:
        """Understand one case; without a day of discharge it is valued as a stay of today, as a check values it.

        Not for settlement: who has not been discharged is not settled.
        """
        filed = self.read(document, at)
        case, today = filed.case, self.today()
        if case.discharged is not None or (case.admitted is not None and case.admitted > today):
            return filed
        days = case.days
        if days is None and case.admitted is not None:
            days = max(1, (today - case.admitted).days)
        return dataclasses.replace(filed, case=replace(case, discharged=today, days=days, ongoing=True))

    def today(self) -> date:
        """Return the local day on which the call came."""
        return self.call.received.astimezone(self.call.zone).date()

    def native(self, given: CaseIn) -> Case:
        """Return the frozen case: the key's hospital and the kept profile come first (decision 2, ruling 7)."""
        call = self.call
        hospital = call.hospital or given.hospital or call.default_hospital
        site = call.sites.of(hospital)
        found = case_of(
            given,
            hospital=hospital,
            hospital_level=site.level,
            patient=call.pseudonym(f"{hospital}\n{given.patient}") if given.patient else "",
        )
        return found if found.out_of_area is not None else replace(found, out_of_area=site.out_of_area(found.place))

    def filed(self, case: Case) -> Filed:
        """Return a case with the scheme asked for, else the one in force on its day."""
        return Filed(case, self.directory_of(case))

    def directory_of(self, case: Case) -> Directory:
        """Return the directory in force on the day of discharge (today while the patient is here), else the first."""
        return self._schemes.find(self._scheme, case.discharged or self.today()) or self._default

    def _settlement_list(self, document: Mapping[str, Any], at: str) -> Filed:
        call = self.call
        hospital = call.hospital or _hospital_of(document) or call.default_hospital
        path = ".".join(part for part in (at, "input" if "input" in document else "") if part)
        found: SettlementList = read_settlement_list(
            document, path=path, zone=call.zone, site=call.sites.of(hospital), pseudonym=call.pseudonym
        )
        case = replace(found.case, hospital=hospital)
        facts = replace(found.facts, case=case)
        return Filed(case, self.directory_of(case), facts, found.left_out, found.paid_by_dip)


def named(schemes: Schemes, scheme: str | None) -> Directory:
    """Return a scheme by name, or the default one. Raises ``Problem``: none is in use, or none of that name."""
    found = schemes.find(scheme)
    if found is not None:
        return found
    if scheme is None:
        raise Problem(NOT_FOUND, "尚未装载 DIP 方案")
    raise Problem(INVALID, faults=(Fault("scheme", "没有装载这个 DIP 方案"),))


def _hospital_of(document: Mapping[str, Any]) -> str:
    """Return the hospital a list names, before it is read: its profile says what its codes mean."""
    given = document.get("input", document)
    head = given.get("setlinfo") if isinstance(given, Mapping) else None
    if isinstance(head, list) and head:
        head = head[0]
    code = head.get("fixmedins_code") if isinstance(head, Mapping) else None
    return code.strip() if isinstance(code, str) else ""


def validated(adapter: TypeAdapter[Model], document: Any, at: str, zone: tzinfo) -> Model:
    """Return a document as its model. Raises ``Problem`` with every fault."""
    try:
        return adapter.validate_python(document, context={"zone": zone})
    except ValidationError as error:
        faults = faults_of(error)
        raise Problem(INVALID, faults=tuple(_below(at, fault) for fault in faults)) from None


def _below(at: str, fault: Fault) -> Fault:
    joint = "." if at and fault.field and not fault.field.startswith("[") else ""
    return Fault(f"{at}{joint}{fault.field}", fault.message)


def decoded(body: bytes) -> Any:
    """Return JSON as Python. Raises ``Problem``."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(NOT_JSON, error.msg) from None
