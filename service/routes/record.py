"""The record's own routes: lists of verdicts, a stay's verdicts, re-checks, reconciliation, its state, coded reasons.

Every route speaks for one hospital: the API key's, else the one that is asked for, else the instance's own.
"""

import asyncio
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ValidationError

from service import metrics, paging, record_answers
from service.belonging import hospital_of
from service.db import rechecks, reconciliation, record_state, verdict_lists
from service.db.verdict_lists import Filters, Order
from service.dialects._contract import Call
from service.errors import INVALID, NO_DATABASE, NOT_FOUND, NOT_RECORDED, Fault, Problem
from service.hot_path import read_body
from service.instance import Instance, require_caller
from service.keys import Caller
from service.privacy.people import person_of
from service.reasons import REASONS
from service.recheck_orders import OrderList, list_id, merged, read_order, read_stay
from service.records import RecheckRecord
from service.routes.bounded import BoundedRoute, decoded, require_json
from service.routes.checks import REFUSALS, Here, Who, answered
from service.schemas.faults import faults_of
from service.schemas.native import ProblemOut
from service.schemas.record import (
    MOST_ROWS,
    ComparedOut,
    HospitalQuery,
    ListQuery,
    Name,
    ReasonsOut,
    RecheckAccepted,
    RecheckProgress,
    RecheckRequest,
    ReconcileQuery,
    ReconcileRequest,
    ReconciliationOut,
    RecordOut,
    RecordQuery,
    SearchRequest,
    StayQuery,
    VerdictListOut,
)

router = APIRouter(tags=["record"], route_class=BoundedRoute)
Model = TypeVar("Model", bound=BaseModel)

MOST_DAYS: Final = 366
MOST_BODIES: Final = 8
"""A list of orders, or of message ids, may be as large as so many single checks."""
CSV: Final = "text/csv"
_log = structlog.get_logger("dipcheck.record")
READS: Final[dict[int | str, dict[str, Any]]] = {
    **{code: REFUSALS[code] for code in (401, 422)},
    503: {"model": ProblemOut, "description": "the database does not answer (no_database)"},
}
TABLE: Final[dict[str, Any]] = {"content": {CSV: {"schema": {"type": "string"}}}}


@router.get(
    "/v1/verdicts",
    summary="Verdicts by day, department, doctor, rule … (判定列表)",
    responses={200: {"model": VerdictListOut, **TABLE}, **READS},
)
async def verdicts(here: Here, who: Who, request: Request, asked: Annotated[ListQuery, Query()]) -> Response:
    """Return verdicts with their findings and what became of them, a page at a time.

    Where something is asked of findings (rule, kind, level, action, outcome), only findings that fit are shown.
    """
    return await _listed(here, who, request, asked)


@router.post(
    "/v1/verdicts:search",
    summary="The same list, also of one patient (按患者查询判定)",
    responses={200: {"model": VerdictListOut, **TABLE}, **REFUSALS},
)
async def search(here: Here, who: Who, request: Request, asked: SearchRequest) -> Response:
    """Return what `GET /v1/verdicts` returns; a person's id goes in the body, since proxies write addresses to logs."""
    hospital = hospital_of(who, asked.hospital, here.settings.hospital)
    patient = None if asked.patient_id is None else person_of(here.identity, hospital, asked.patient_id)[1]
    return await _listed(here, who, request, asked, patient)


async def _listed(
    here: Instance, who: Caller, request: Request, asked: ListQuery, patient: str | None = None
) -> Response:
    """Answer a page of the verdicts asked for; ``patient`` is a pseudonym."""
    call = here.hot_path.call_for(request.scope, b"", who)
    first, last = span_of(asked, today_of(call))
    named = (
        "state", "department", "doctor", "visit", "message_id", "caller", "rule", "kind", "level", "action", "outcome",
        "silent",
    )  # fmt: skip
    filters = Filters(
        hospital_of(who, asked.hospital, here.settings.hospital),
        first,
        last,
        patient=patient,
        **{name: getattr(asked, name) for name in named},
    )
    return await _page(here, request, asked, filters, asked.order)


@router.get(
    "/v1/visits/{visit:path}/verdicts",
    summary="All verdicts of a visit or stay, oldest first (就诊的全部判定)",
    responses={200: {"model": VerdictListOut, **TABLE}, **READS},
)
async def stay(here: Here, who: Who, request: Request, visit: Name, asked: Annotated[StayQuery, Query()]) -> Response:
    """Return every verdict of a stay for its doctor: each finding with its status, its reasons and its outcome."""
    filters = Filters(hospital_of(who, asked.hospital, here.settings.hospital), visit=visit, silent=asked.silent)
    return await _page(here, request, asked, filters, "oldest")


async def _page(here: Instance, request: Request, asked: StayQuery, filters: Filters, order: Order) -> Response:
    """Answer one page of verdicts, as a document or as a table."""
    after = paging.verdict_cursor(asked.after, order) if asked.after else None
    found = await verdict_lists.page(here.pool, filters, order, asked.limit, after)
    following = paging.after_verdict(found[-1], order) if len(found) == asked.limit else None
    pages = record_answers.VerdictPages(here.identity, here.settings.tz)
    if wants_table(request, asked.format):
        return await asyncio.to_thread(as_table, record_answers.VERDICT_HEADER, pages.rows(found), following)
    # A thousand verdicts take long to write: in a thread, checks come in between.
    return await asyncio.to_thread(lambda: answered({"verdicts": pages.documents(found), "next": following}))


def _body(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI part of a body that is read under a limit of its own; its model nests no other."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/v1/checks:recheck",
    summary="Check afterwards what was saved unchecked (补审)",
    responses={202: {"model": RecheckAccepted}, **REFUSALS},
    status_code=202,
    openapi_extra=_body(RecheckRequest),
)
async def recheck(here: Here, who: Who, request: Request) -> Response:
    """Take a list of orders, or whole stays, and check them in the background; read how far it is by `href`.

    An order with faults stops no other. 503 `not_recorded` means that not all could be kept: send the list again under
    the same `key`, and what was kept is not taken twice.
    """
    given = await body_of(here, request, RecheckRequest)
    if not 1 <= len(given.orders) + len(given.visits) <= here.settings.max_batch:
        raise Problem(INVALID, faults=(Fault("orders", f"orders 与 visits 合计 1 至 {here.settings.max_batch} 个"),))
    call = here.hot_path.call_for(request.scope, b"", who)
    hospital = hospital_of(who, given.hospital, here.settings.hospital)
    of = OrderList(
        id=list_id(here.identity, hospital, given.key, call.received),
        hospital=hospital,
        received=call.received,
        caller=who.name,
        saved=given.saved,
        zone=call.zone,
        identity=here.identity,
    )
    found, problems = await _read_list(here, call, given, of)
    if not found:
        raise Problem(INVALID, faults=merged(problems))
    kept = await asyncio.gather(*(here.flow.keep(record) for record in found.values()))
    metrics.RECHECKS.labels("accepted").inc(sum(kept))
    if not all(kept):
        metrics.RECHECKS.labels("not_recorded").inc(len(kept) - sum(kept))
        raise Problem(NOT_RECORDED, "部分医嘱未能记录;请以同一 key 重发整个清单")
    _log.info("recheck_accepted", list=of.id, orders=len(kept), reason=given.reason, faulty=len(problems))
    return answered(_accepted(of, found, problems, here.settings.hospital), 202)


async def _read_list(
    here: Instance, call: Call, given: RecheckRequest, of: OrderList
) -> tuple[dict[str, RecheckRecord], list[Problem]]:
    """Return what can be checked by where it stands, and what is wrong with the rest."""
    found: dict[str, RecheckRecord] = {}
    problems: list[Problem] = []
    for index, body in enumerate(given.orders):
        try:
            found[f"orders[{index}]"] = read_order(here.dialects["native"], call, body, index, of)
        except Problem as problem:
            problems.append(problem)
        # Other callers' checks come in between.
        await asyncio.sleep(0)
    for index, visit in enumerate(given.visits):
        try:
            found[f"visits[{index}]"] = await read_stay(here.pool, here.sealer, visit, index, of)
        except Problem as problem:
            if problem.kind is not INVALID:
                raise
            problems.append(problem)
    return found, problems


def _accepted(of: OrderList, found: dict[str, RecheckRecord], problems: list[Problem], own: str) -> dict[str, Any]:
    beside = "" if of.hospital == own else f"?{urlencode({'hospital': of.hospital})}"
    return {
        "list": of.id,
        "href": f"/v1/rechecks/{of.id}{beside}",
        "accepted": len(found),
        "orders": [
            {"place": place, "id": record.id, "message_id": record.message_id} for place, record in found.items()
        ],
        "faults": [{"field": fault.field, "message": fault.message} for fault in merged(problems)],
    }


@router.get(
    "/v1/rechecks/{list_id}",
    summary="How far a list of re-checks is (补审进度)",
    responses={
        200: {"model": RecheckProgress},
        202: {"description": "taken, not in the database yet"},
        404: {"model": ProblemOut, "description": "no such list was ever given"},
        **READS,
    },
)
async def progress(here: Here, who: Who, list_id: str, asked: Annotated[HospitalQuery, Query()]) -> Response:
    """Return the state of every order of a list, with its verdict or with what kept it from one."""
    if not here.identity.is_genuine(list_id):
        raise Problem(NOT_FOUND, "没有这个补审清单")
    hospital = hospital_of(who, asked.hospital, here.settings.hospital)
    orders = await rechecks.listed(here.pool, hospital, UUID(list_id))
    if not orders:
        return answered({"list": list_id, "state": "pending"}, 202)
    return answered(record_answers.progress(list_id, orders))


@router.get(
    "/v1/reconciliation",
    summary="A day's calls, by caller and message (对账)",
    responses={200: {"model": ReconciliationOut, **TABLE}, **READS},
)
async def reconcile(here: Here, who: Who, request: Request, asked: Annotated[ReconcileQuery, Query()]) -> Response:
    """Return what was answered, repeated and refused on a day, and the messages by id, a page at a time.

    What could not be recorded is in no database: it is what `POST /v1/reconciliation` calls unknown.
    """
    hospital = hospital_of(who, asked.hospital, here.settings.hospital)
    call = here.hot_path.call_for(request.scope, b"", who)
    day = day_of(asked.day or today_of(call), here)
    after = paging.text_cursor(asked.after) if asked.after else ""
    found = await reconciliation.messages(here.pool, hospital, day, asked.caller, after=after, limit=asked.limit)
    following = paging.after_text(found[-1].message_id) if len(found) == asked.limit else None
    if wants_table(request, asked.format):
        rows = record_answers.message_rows(found, call.zone)
        return as_table(record_answers.MESSAGE_HEADER, rows, following)
    counts = await reconciliation.counts(here.pool, hospital, day, asked.caller)
    return answered(
        {
            "hospital": hospital,
            "day": day.day.isoformat(),
            "pending": here.recorder.depth_records,
            "callers": record_answers.callers(counts),
            "messages": record_answers.message_documents(found, call.zone),
            "next": following,
        }
    )


@router.post(
    "/v1/reconciliation",
    summary="Which of these messages have an answer? (对账比对)",
    responses={200: {"model": ComparedOut}, **REFUSALS},
    openapi_extra=_body(ReconcileRequest),
)
async def compare(here: Here, who: Who, request: Request) -> Response:
    """Compare what the calling system sent on a day with what is in the record.

    `unknown` messages have no answer here: check them again. An answer counts from three days before the day to a month
    after it, so that a message that was checked late is known.
    """
    given = await body_of(here, request, ReconcileRequest)
    named = list(dict.fromkeys(given.message_ids))
    # Before the question, so that what comes meanwhile cannot make the answer look complete.
    pending = here.recorder.depth_records
    caller = given.caller if given.caller is not None else who.name
    hospital = hospital_of(who, given.hospital, here.settings.hospital)
    found = await reconciliation.compare(here.pool, hospital, day_of(given.day, here), caller, named)
    document = record_answers.compared(found, reconciliation.SHOWN)
    return answered({"day": given.day.isoformat(), "sent": len(named), **document, "pending": pending})


@router.get(
    "/v1/record",
    summary="How the record is (记录状态)",
    responses={200: {"model": RecordOut}, **{code: REFUSALS[code] for code in (401, 422)}},
)
async def record(here: Here, who: Who, asked: Annotated[RecordQuery, Query()]) -> Response:
    """Say what this worker still holds, what waits in the database, which months are there, what was set aside.

    It answers without a database, too: then that part is null.
    """
    recorder = here.recorder
    hospital = hospital_of(who, asked.hospital, here.settings.hospital)
    try:
        state = await record_state.state(here.pool, hospital)
        places = await record_state.places(here.pool, MOST_ROWS) if asked.set_aside == "list" else None
    except Problem as problem:
        if problem.kind is not NO_DATABASE:
            raise
        database = None
    else:
        database = record_answers.stored_state(state, places, here.settings.tz)
    journal = {
        "records": recorder.depth_records,
        "bytes": recorder.depth_bytes,
        "lag_seconds": round(recorder.lag_seconds, 3),
        "last_error": recorder.last_error,
    }
    return answered({"tasks": tasks_of(here), "journal": journal, "database": database})


@router.get(
    "/v1/reasons",
    summary="Coded reasons for a disposition (处理理由)",
    responses={200: {"model": ReasonsOut}, 401: REFUSALS[401]},
    dependencies=[Depends(require_caller)],
)
async def reasons() -> Response:
    """Return the closed list of reasons that a disposition may name, in the order to offer them."""
    return answered({"reasons": [{"code": code, "label": label} for code, label in REASONS.items()]})


def tasks_of(here: Instance) -> dict[str, bool]:
    """Return this worker's background tasks, and whether each runs."""
    return {"recorder": here.recorder.alive} | {task.get_name(): not task.done() for task in here.tasks}


def today_of(call: Call) -> date:
    """Return the local day of a call."""
    return call.received.astimezone(call.zone).date()


def span_of(asked: ListQuery, today: date) -> tuple[date | None, date | None]:
    """Return the first and last day of a list. Raises ``Problem``: the wrong way round, or too long."""
    first, last = asked.first, asked.last
    if first is None and last is None and (asked.visit is not None or asked.message_id is not None):
        return None, None
    last = last or max(first or today, today)
    first = first or last
    if first > last:
        raise Problem(INVALID, faults=(Fault("from", "起始日期晚于截止日期"),))
    if (last - first).days >= MOST_DAYS:
        raise Problem(INVALID, faults=(Fault("to", f"最多 {MOST_DAYS} 天"),))
    return first, last


def day_of(day: date, here: Instance) -> reconciliation.Day:
    """Return a local day with its bounds."""
    zone = here.settings.tz
    begin, end = (datetime(at.year, at.month, at.day, tzinfo=zone) for at in (day, day + timedelta(days=1)))
    return reconciliation.Day(day, begin, end)


async def body_of(here: Instance, request: Request, model: type[Model]) -> Model:
    """Return a request's body, which may be larger than a check's. Raises ``Problem``."""
    require_json(request)
    limit = here.settings.max_body_bytes * MOST_BODIES
    document = decoded(await read_body(request.scope["headers"], request.receive, limit))
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise Problem(INVALID, faults=faults_of(error)) from None


def wants_table(request: Request, chosen: str | None) -> bool:
    """Say whether the answer is to be CSV."""
    return chosen == "csv" or (chosen is None and request.headers.get("accept", "").startswith(CSV))


def as_table(header: tuple[str, ...], rows: Any, following: str | None) -> Response:
    """Return a table; where the next page begins is in the header ``Next-After``."""
    headers = {"next-after": following} if following else None
    return Response(record_answers.table(header, rows), headers=headers, media_type=f"{CSV}; charset=utf-8")
