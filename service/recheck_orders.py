"""What is to be checked afterwards, as records (补审): orders a caller sends, and whole stays from the record.

In: native check requests, or visits. Out: ``RecheckRecord`` with the canonical input and nothing that identifies, or
the faults that keep an order from being read, under the caller's own field names.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec
import orjson
from msgspec.structs import replace as changed

from rules import encode
from rules.model import Encounter, Input, Line
from service import records
from service.db import rechecks, verdicts
from service.db.pool import Pool
from service.dialects._contract import Call, Dialect, Feedback
from service.errors import INVALID, Fault, Problem
from service.identity import Identity
from service.saved_lines import saved_lines
from service.sealing import Sealer, Unreadable
from service.verdict_records import content_digest

PRE_SETTLEMENT: Final = {"inpatient": ("9",), "outpatient": ("7",)}
"""The scene of a whole stay: 住院预结算, 门诊预结算."""
_INPUT: Final = msgspec.json.Decoder(Input)
_LINE: Final = msgspec.json.Decoder(Line)


@dataclass(frozen=True, slots=True)
class OrderList:
    """A list of orders of one hospital."""

    id: str
    hospital: str
    received: datetime
    caller: str
    saved: bool
    zone: tzinfo
    identity: Identity


def list_id(identity: Identity, hospital: str, key: str | None, received: datetime) -> str:
    """Return a list's id; the same key names the same list, so that sending it again adds nothing."""
    return identity.verdict_id(hospital, f"recheck-list:{key}" if key else None, b"", b"", received)


def read_order(dialect: Dialect, call: Call, body: Any, index: int, of: OrderList) -> records.RecheckRecord:
    """Return one order as it is kept. Raises ``Problem`` with every fault, its fields under ``orders[n]``."""
    place = f"orders[{index}]"
    try:
        reading = dialect.read(replace(call, body=orjson.dumps(body), query="", default_hospital=of.hospital))
    except Problem as problem:
        faults = problem.faults or (Fault("", problem.detail or problem.kind.title_zh),)
        raise Problem(INVALID, faults=tuple(Fault(_within(place, f.field), f.message) for f in faults)) from None
    if isinstance(reading, Feedback):
        raise Problem(INVALID, faults=(Fault(place, "不是审核请求"),))
    encounter = reading.encounter
    if encounter.hospital != of.hospital:
        raise Problem(INVALID, faults=(Fault(f"{place}.hospital", "一个清单只能有一家医院的医嘱"),))
    if reading.time == call.received and any(line.current and line.begin is None for line in encounter.lines):
        # Checked now, it would be judged on today's day, which is not the day it was ordered.
        raise Problem(INVALID, faults=(Fault(f"{place}.time", "补审须给出报文时间,或每行给出开始时间"),))
    given = Input(encounter=encounter, time=reading.time, role=reading.role)
    return _record(of, given, f"orders/{index}", reading.message_id, saved=of.saved)


async def read_stay(pool: Pool, sealer: Sealer, visit: str, index: int, of: OrderList) -> records.RecheckRecord:
    """Return a stay as it is checked before settlement: the newest message's frame with all saved lines.

    Raises ``Problem`` with a fault when the record holds no such stay (any more), or when the database does not answer.
    """

    def refuse(why: str) -> Problem:
        return Problem(INVALID, faults=(Fault(f"visits[{index}]", why),))

    found = await rechecks.newest_of_visit(pool, of.hospital, visit)
    try:
        stored = await verdicts.find(pool, sealer, found) if found is not None else None
    except Unreadable:
        raise refuse("该就诊的判定无法解密") from None
    if stored is None:
        raise refuse("没有该就诊的判定记录")
    if isinstance(stored, verdicts.Erased):
        raise refuse("该就诊的数据已按要求删除")
    given = _INPUT.decode(stored.input)
    encounter = given.encounter
    stay = await rechecks.stay_of(pool, of.hospital, encounter.patient.pseudonym, visit)
    if not stay.saved:
        raise refuse("该就诊没有已保存的明细")
    whole = whole_stay(encounter, stay, of.zone)
    return _record(of, Input(encounter=whole, time=of.received, role=given.role), f"visits/{index}", None, saved=False)


def whole_stay(encounter: Encounter, stay: rechecks.Stay, zone: tzinfo) -> Encounter:
    """Return the newest message's encounter with the saved lines of its visit as what is judged.

    Lines of other visits stay as history, but those taken back since: carried along they would count again.
    """
    visit = encounter.visit
    others = [line for line in encounter.lines if not line.current and line.visit not in {None, visit.id}]
    past = [
        told.line
        for told in saved_lines(encounter.hospital, visit.id, others, time=None, zone=zone)
        if told.key not in stay.cancelled
    ]
    past += [line for line in encounter.lines if not line.current and line.begin is None]
    own = [changed(_LINE.decode(line), current=True, visit=None) for line in stay.saved]
    lines = tuple(changed(line, position=position) for position, line in enumerate([*own, *past]))
    scenes = PRE_SETTLEMENT.get(visit.type or "", encounter.scenes)
    return changed(encounter, lines=lines, scenes=scenes, visit=changed(visit, **_total(encounter)))


def _total(encounter: Encounter) -> dict[str, Any]:
    """Return the visit's total with the message's own lines in it: all of them are saved lines by now."""
    visit = encounter.visit
    if visit.total_amount is None or not visit.total_before_order:
        return {"total_before_order": False}
    added = sum(line.amount or 0 for line in encounter.lines if line.current)
    return {"total_before_order": False, "total_amount": visit.total_amount + added}


def merged(problems: Iterable[Problem]) -> tuple[Fault, ...]:
    """Return the faults of several orders as one list."""
    return tuple(fault for problem in problems for fault in problem.faults)


def _record(of: OrderList, given: Input, place: str, message_id: str | None, *, saved: bool) -> records.RecheckRecord:
    # The content is in the id, too: a list that is sent on under the same key must not hide behind its first part.
    content = content_digest(given, encode(given.encounter))
    return records.RecheckRecord(
        id=of.identity.verdict_id(of.hospital, f"{of.id}/{place}/{message_id}", content, b"", of.received),
        list_id=of.id,
        hospital=of.hospital,
        received=of.received,
        day=of.received.astimezone(of.zone).date(),
        input=msgspec.Raw(encode(given)),
        patient=given.encounter.patient.pseudonym,
        caller=of.caller,
        message_id=message_id,
        saved=saved,
    )


def _within(place: str, field: str) -> str:
    return f"{place}.{field}" if field else place
