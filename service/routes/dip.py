"""DIP (病种分值付费) for coders and the 医保办: group, what-if, settlement, search, schemes in use.

Nothing is journaled here: these calls judge no order, and the same question gets the same answer.
"""

import asyncio
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import TypeAdapter

from service.dip.answers import Batch, group_document, what_if_document
from service.dip.reading import CaseReader, decoded, named, validated
from service.dip.schemes_document import schemes_document
from service.dip.search import LIBRARIES, Libraries, Library
from service.dip.sets import CaseSet, SetReader
from service.dip.settling import settlement_document, strategies_document
from service.errors import INVALID, MEDIA_TYPE, Fault, Problem
from service.hot_path import JSON_TYPES, content_type, read_body
from service.instance import Instance, instance_of, require_caller
from service.keys import Caller
from service.ndjson import MEDIA_TYPE as NDJSON
from service.ndjson import MEDIA_TYPES, LineAnswers, Upload
from service.routes.checks import REFUSALS, body_schema
from service.schemas.dip import (
    BatchLineAnswer,
    GroupAnswer,
    SchemesAnswer,
    SearchAnswer,
    WhatIfAnswer,
    WhatIfIn,
)
from service.schemas.dip_sets import SettleAnswer, StrategiesAnswer
from service.schemas.native import ProblemOut

router = APIRouter(prefix="/v1/dip", tags=["dip"])
Here = Annotated[Instance, Depends(instance_of)]
Who = Annotated[Caller, Depends(require_caller)]
SchemeName = Annotated[
    str | None,
    Query(description="name of a scheme in use; absent: the one in force on the day of discharge", max_length=100),
]
MOST_FOUND: Final = 200
_WHAT_IF: Final = TypeAdapter(WhatIfIn)
_LIBRARIES: Final = Libraries()
REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    **REFUSALS,
    404: {"model": ProblemOut, "description": "no DIP scheme is in use"},
}
LINES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "one case a line: native, or a settlement list (4101 / 4101A); both may be mixed",
        "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/CaseIn"}}},
    }
}


def _schema(*components: str) -> dict[str, Any]:
    named = [{"$ref": f"#/components/schemas/{name}"} for name in components]
    return {"schema": named[0] if len(named) == 1 else {"anyOf": named}}


SIMULATED: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": 'as lines: a first line `{"strategies": {…}}`, then one case a line',
        "content": {
            "application/json": _schema("WhatIfIn", "StrategySimulationIn"),
            NDJSON: _schema("CaseIn"),
        },
    }
}
SETTLED: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": 'as lines: a first line `{"parameters": {…}}`, then one case a line',
        "content": {"application/json": _schema("SettleIn"), NDJSON: _schema("CaseIn")},
    }
}


def reader_for(here: Instance, request: Request, who: Caller, scheme: str | None) -> CaseReader:
    """Return who reads this call's cases. Raises ``Problem``: not ready, or no such scheme."""
    call = here.hot_path.call_for(request.scope, b"", who)
    return CaseReader(call, here.flow.active().schemes, scheme)


async def json_body(here: Instance, request: Request) -> Any:
    """Return the decoded body. Raises ``Problem``: not JSON, no JSON media type, or too large."""
    media = media_of(request)
    if media and media not in JSON_TYPES:
        raise Problem(MEDIA_TYPE, media)
    return decoded(await read_body(request.scope["headers"], request.receive, here.settings.max_body_bytes))


def media_of(request: Request) -> str:
    """Return the media type without its parameters."""
    return content_type(request.scope["headers"]).partition(";")[0].strip().lower()


def answered(document: Any) -> Response:
    """Return a document as JSON."""
    return Response(orjson.dumps(document), media_type="application/json")


@router.post(
    "/group",
    summary="Group one case, with points and reference payment (入组)",
    responses={200: {"model": GroupAnswer}, **REFUSED},
    openapi_extra=body_schema("CaseIn"),
)
async def group(here: Here, who: Who, request: Request, scheme: SchemeName = None, explain: bool = True) -> Response:
    """Say where a case belongs, what it is worth, what would support another group, and why.

    The body is a native case or a settlement list in the national 4101 / 4101A shape, which is also checked
    (`quality`). Without a day of discharge everything is an estimate (预估) by today's coefficients and point value. A
    payment standard is a reference, never a cap.
    """
    reader = reader_for(here, request, who, scheme)
    return answered(group_document(reader.stay(await json_body(here, request)), explained=explain))


@router.post(
    "/group:batch",
    summary="Group thousands of discharges, line by line (批量入组)",
    responses={
        200: {"description": "one answer a line, in order", "content": {NDJSON: {}}, "model": BatchLineAnswer},
        **{code: REFUSED[code] for code in (401, 404, 422, 503)},
    },
    openapi_extra=LINES,
    response_class=Response,
)
async def group_batch(
    here: Here,
    who: Who,
    request: Request,
    *,
    scheme: SchemeName = None,
    explain: bool = True,
    summary: bool = False,
) -> Response:
    """Answer each line as `POST /v1/dip/group` would, as it comes; any length, only lines are bounded.

    A line that cannot be read is answered with `{"line": n, "problem": …}` and stops no other. Blank lines are counted
    and not answered. With `summary=true` a last line says how many were grouped.
    """
    batch = Batch(reader_for(here, request, who, scheme), explain, here.settings.max_body_bytes)
    return LineAnswers(batch.answer, limit=batch.limit, closing=batch.summary if summary else bytes)


@router.post(
    "/simulate",
    summary="What if: one case changed, or strategies over a month (模拟)",
    responses={200: {"model": WhatIfAnswer | StrategiesAnswer}, **REFUSED},
    openapi_extra=SIMULATED,
)
async def simulate(here: Here, who: Who, request: Request, scheme: SchemeName = None) -> Response:
    """Compute; never advise. `{"case", "changes"}` shows a case before and after each change.

    `{"cases", "strategies"}` shows what chasing points, raising cost or controlling cost would do to the value of a
    point over a set of cases. Whoever changes a code needs evidence for it in the record.
    """
    reader = reader_for(here, request, who, scheme)
    if media_of(request) in MEDIA_TYPES:
        return answered(await strategies_document(await case_set(here, request, reader, "strategies")))
    document = await json_body(here, request)
    if not isinstance(document, dict):
        raise Problem(INVALID, faults=(Fault("", "应为对象"),))
    if "cases" in document:
        found = await SetReader(reader).document(document, "strategies")
        return answered(await strategies_document(found))
    asked = validated(_WHAT_IF, document, "", reader.call.zone)
    return answered(what_if_document(reader.stay(asked.case, "case"), asked))


@router.post(
    "/settle",
    summary="Settle a month or a year of cases (月预结算, 年度清算)",
    responses={200: {"model": SettleAnswer}, **REFUSED},
    openapi_extra=SETTLED,
)
async def settle(here: Here, who: Who, request: Request, scheme: SchemeName = None) -> Response:
    """Return points, the value of a point, prepayment and clearing, by insurance and place and overall.

    JSON, or lines of JSON (`application/x-ndjson`): a first line `{"parameters": {…}}` and then one case a line. Unlike
    a batch it is all or nothing: a settlement over the readable cases alone would be wrong.
    """
    reader = reader_for(here, request, who, scheme)
    return answered(await settlement_document(await case_set(here, request, reader, "parameters")))


async def case_set(here: Instance, request: Request, reader: CaseReader, *keys: str) -> CaseSet:
    """Return the cases of a request, from a document or from lines."""
    sets = SetReader(reader)
    if media_of(request) not in MEDIA_TYPES:
        document = await json_body(here, request)
        if not isinstance(document, dict):
            raise Problem(INVALID, faults=(Fault("", "应为对象"),))
        return await sets.document(document, *keys)
    upload = Upload(request.receive)
    taking = asyncio.create_task(upload.run(), name="ndjson-upload")
    try:
        return await sets.lines(upload, here.settings.max_body_bytes, *keys)
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        upload.close()


@router.get(
    "/search",
    summary="Search diagnoses, operations, items and groups (四库检索)",
    responses={200: {"model": SearchAnswer}, **{code: REFUSED[code] for code in (401, 404, 422, 503)}},
    dependencies=[Depends(require_caller)],
)
async def search(
    here: Here,
    q: Annotated[str, Query(description="part of a code or of a name", max_length=100)],
    library: Annotated[list[Library] | None, Query(description="one or several; absent: all four")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_FOUND, description="rows of each library")] = 20,
    scheme: SchemeName = None,
) -> Response:
    """Find by the beginning of a code (its dot may be left out) or by part of a name, in any width and case."""
    active = here.flow.active()
    directory = named(active.schemes, scheme)
    # Indexing a large scheme takes a while, once.
    indexes = await asyncio.to_thread(_LIBRARIES.of, directory, active.rulebook)
    results, more = [], []
    for name in dict.fromkeys(library or LIBRARIES):
        found = indexes[name].search(q, limit + 1)
        results += [{"library": row.library, "code": row.code, "name": row.name} | row.more for row in found[:limit]]
        if len(found) > limit:
            more.append(name)
    return answered({"q": q, "results": results, "more": more})


@router.get(
    "/schemes",
    summary="DIP schemes in use (方案)",
    responses={200: {"model": SchemesAnswer}, 401: REFUSALS[401], 503: REFUSALS[503]},
    dependencies=[Depends(require_caller)],
)
async def schemes(here: Here) -> Response:
    """Say which schemes are in use, what each holds, and what it lacks."""
    return answered(schemes_document(here.flow.active().schemes.directories))
