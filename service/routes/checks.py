"""Checks behind the hot path: batches, reading a verdict back, and the documented twins of the dialect routes.

The dialect routes below answer exactly as the hot path does, since they call the same flow; the hot path in front
takes the calls first. They are here so that ``openapi.yaml`` describes them, and as the plain twin for tests.
"""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from rules.model import UNIT
from service.db import verdicts
from service.dialects import DIALECTS
from service.dialects._contract import Dialect, Disposition, Feedback, Reply
from service.errors import ERASED, INTERNAL, INVALID, NOT_FOUND, NOT_JSON, Fault, Problem
from service.hot_path import read_body
from service.instance import Instance, instance_of, require_caller
from service.keys import Caller
from service.routes.bounded import BoundedRoute
from service.schemas.native import (
    BatchAnswer,
    CheckAnswer,
    DispositionAnswer,
    DispositionRequest,
    LaterAnswer,
    ProblemOut,
)
from service.sealing import Unreadable

router = APIRouter(tags=["checks"], route_class=BoundedRoute)
Here = Annotated[Instance, Depends(instance_of)]
Who = Annotated[Caller, Depends(require_caller)]

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemOut, "description": "not JSON"},
    401: {"model": ProblemOut, "description": "no valid API key"},
    413: {"model": ProblemOut, "description": "larger than allowed"},
    415: {"model": ProblemOut, "description": "not a JSON media type"},
    422: {"model": ProblemOut, "description": "every fault, in the caller's own field names"},
    503: {"model": ProblemOut, "description": "not ready: never an empty answer"},
}


def body_schema(name: str) -> dict[str, Any]:
    """Return the OpenAPI part for a JSON body described by a component (``service.openapi`` adds it)."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
    }


async def through(dialect: Dialect, here: Instance, request: Request) -> Response:
    """Answer a call as the hot path would."""
    caught: list[Reply] = []

    async def keep(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            caught.append(Reply(message["status"], b"", headers[b"content-type"]))
        else:
            caught.append(Reply(0, message["body"]))

    await here.hot_path.serve(dialect, request.scope, request.receive, keep)
    if not caught:
        return Response(status_code=499)
    start, end = caught
    return Response(end.body, start.status, media_type=start.content_type.decode())


@router.post(
    "/v1/checks",
    summary="Check one encounter before it is saved (事前审核)",
    responses={200: {"model": CheckAnswer}, 202: {"model": LaterAnswer, "description": "mode=later"}, **REFUSALS},
    openapi_extra=body_schema("CheckRequest")
    | {
        "parameters": [
            {
                "name": "mode",
                "in": "query",
                "required": False,
                "schema": {"enum": ["now", "later"], "default": "now"},
                "description": "later: answer with an id at once; the verdict comes by poll or webhook (事后提交)",
            }
        ]
    },
)
async def check(here: Here, request: Request) -> Response:
    """Return findings, what was not checked and why, and the digests that produced the verdict.

    A repeated `message_id` with the same content returns the same verdict id; with other content it is a new verdict
    and `message_id_reused` is true.
    """
    return await through(here.dialects["native"], here, request)


@router.post(
    "/v1/checks:batch",
    summary="Check several encounters, each answered by itself (批量审核)",
    responses={200: {"model": BatchAnswer}, **REFUSALS},
    openapi_extra=body_schema("BatchRequest"),
)
async def check_batch(here: Here, who: Who, request: Request) -> Response:
    """Answer each encounter as `POST /v1/checks` would; one that has faults does not stop the others."""
    body = await read_body(request.scope["headers"], request.receive, here.settings.max_body_bytes)
    results: list[orjson.Fragment] = []
    for encounter in encounters_of(body, here.settings.max_batch):
        call = here.hot_path.call_for(request.scope, orjson.dumps(encounter), who)
        reply = await here.flow.answer(here.dialects["native"], call, "batch")
        results.append(orjson.Fragment(reply.body))
        # Other callers' checks come in between.
        await asyncio.sleep(0)
    return Response(orjson.dumps({"results": results}), media_type="application/json")


def encounters_of(body: bytes, most: int) -> list[Any]:
    """Return the encounters of a batch. Raises ``Problem``: not JSON, or not a list of at most so many."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(NOT_JSON, error.msg) from None
    checks = document.get("checks") if isinstance(document, dict) else None
    if not isinstance(checks, list):
        raise Problem(INVALID, faults=(Fault("checks", "应为数组"),))
    if len(checks) > most:
        raise Problem(INVALID, faults=(Fault("checks", f"最多 {most} 个"),))
    return checks


@router.post(
    "/v1/dispositions",
    summary="Report what was done with findings (处理反馈)",
    responses={200: {"model": DispositionAnswer}, **REFUSALS},
)
async def dispose(here: Here, who: Who, request: Request, given: DispositionRequest) -> Response:
    """Store what users did with findings; repeats change nothing, and an id that is not ours is said to be unknown."""
    native = here.dialects["native"]
    call = here.hot_path.call_for(request.scope, b"", who)
    whose = {} if who.hospital or given.hospital else await _belonging(here, given)
    feedback = Feedback(
        hospital=who.hospital or given.hospital or here.settings.hospital,
        dispositions=tuple(
            Disposition(
                finding=entry.finding,
                action=entry.action,
                reason=entry.reason,
                explained=entry.action != "continued" or bool(entry.reason.strip() or entry.reason_code),
                reason_code=entry.reason_code or "",
                hospital=whose.get(entry.finding),
            )
            for entry in given.dispositions
        ),
    )
    reply = native.write_feedback(feedback, await here.flow.dispose(native, feedback, call))
    return Response(reply.body, reply.status, media_type="application/json")


async def _belonging(here: Instance, given: DispositionRequest) -> dict[str, str]:
    """Return the hospital of each finding, by its id as the caller quotes it, as far as it is known."""
    ours = {entry.finding: here.identity.parse_finding_id(entry.finding) for entry in given.dispositions}
    found = await here.belonging.find(here.pool, (one[0] for one in ours.values() if one))
    return {finding: found[one[0]] for finding, one in ours.items() if one and one[0] in found}


ENVELOPE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The standard envelope (infno, msgid, inf_time, fixmedins_code, input …); see docs/dialects.",
        "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
    }
}


def _describe(dialect: Dialect, path: str) -> None:
    """Add the plain twin of a dialect's path, which also puts it into the documentation."""
    named = f"{path.removesuffix('*')}{{transaction}}" if path.endswith("/*") else path
    parameter = {"name": "transaction", "in": "path", "required": True, "schema": {"type": "string"}}
    extra = ENVELOPE | ({"parameters": [parameter]} if path.endswith("/*") else {})

    async def answer(here: Here, request: Request) -> Response:
        return await through(here.dialects[dialect.name], here, request)

    router.add_api_route(
        named,
        answer,
        methods=["POST"],
        name=f"{dialect.name}_{named}",
        summary=dialect.about,
        description="Faults of content, and *not ready*, keep HTTP 200 and say so in the envelope; "
        "401, 413 and 415 keep their status.",
        responses={
            200: {"description": "the dialect's own envelope"},
            **{code: REFUSALS[code] for code in (401, 413, 415)},
        },
        openapi_extra=extra,
    )


for _dialect in DIALECTS.values():
    for _path in _dialect.paths:
        if _dialect.name != "native":  # described above, field by field
            _describe(_dialect, _path)


class StoredDispositionOut(BaseModel):
    """What a user did with a finding (处理)."""

    finding: str
    action: str
    reason: str
    reason_code: str = Field(description="coded reason; empty: none was chosen")
    explained: bool
    received: str


class StoredVerdictOut(BaseModel):
    """A verdict read back, with what it was made from and what became of it."""

    id: str
    state: str
    received: str
    dialect: str
    mode: str
    message_id: str | None
    visit: str
    amount: float
    elapsed_us: int
    verdict: dict[str, Any]
    input: dict[str, Any]
    dispositions: list[StoredDispositionOut]


@router.get(
    "/v1/verdicts/{verdict_id}",
    summary="Read a verdict back (查询判定)",
    responses={
        200: {"model": StoredVerdictOut},
        202: {"model": LaterAnswer, "description": "answered, not in the database yet"},
        404: {"model": ProblemOut, "description": "no such verdict was ever given"},
        410: {"model": ProblemOut, "description": "the person's data were erased (已按要求删除)"},
        **REFUSALS,
    },
)
async def verdict(here: Here, who: Who, verdict_id: str) -> Response:
    """Return a recorded verdict; one that was answered and is not in the database yet is *pending*, not unknown."""
    stored = await stored_verdict(here, who, verdict_id)
    return pending(verdict_id) if stored is None else answered(stored_document(stored))


def answered(document: Any, status: int = 200) -> Response:
    """Return a document as JSON."""
    return Response(orjson.dumps(document), status, media_type="application/json")


def pending(verdict_id: str, beneath: str = "") -> Response:
    """Return that a verdict was answered and is not in the database yet, and where to ask again (``LaterAnswer``)."""
    return answered({"id": verdict_id, "state": "pending", "href": f"/v1/verdicts/{verdict_id}{beneath}"}, 202)


async def stored_verdict(here: Instance, who: Caller, verdict_id: str) -> verdicts.StoredVerdict | None:
    """Return a recorded verdict of the caller's, or ``None`` when it was answered and is not in the database yet.

    Raises ``Problem``: not found (ids of other hospitals are), erased, or not to be opened with this key file.
    """
    if not here.identity.is_genuine(verdict_id):
        raise Problem(NOT_FOUND, "没有这个判定编号")
    try:
        stored = await verdicts.find(here.pool, here.sealer, verdict_id)
    except Unreadable:
        if who.hospital is not None:
            whose = await verdicts.hospitals(here.pool, [verdict_id])
            if set(whose.values()) != {who.hospital}:
                raise Problem(NOT_FOUND, "没有这个判定编号") from None
        raise Problem(INTERNAL, "该判定无法解密:内容被改动,或密钥文件不是当时的那一份") from None
    if stored is not None and who.hospital not in {None, stored.meta.hospital}:
        raise Problem(NOT_FOUND, "没有这个判定编号")
    if isinstance(stored, verdicts.Erased):
        raise Problem(ERASED)
    return stored


def stored_document(stored: verdicts.StoredVerdict) -> dict[str, Any]:
    """Return a stored verdict as ``StoredVerdictOut``; its bytes go out as they were stored."""
    meta = stored.meta
    return {
        "id": meta.id,
        "state": meta.state,
        "received": meta.received,
        "dialect": meta.dialect,
        "mode": meta.mode,
        "message_id": meta.message_id,
        "visit": meta.visit,
        "amount": meta.amount / UNIT,
        "elapsed_us": meta.elapsed_us,
        "verdict": orjson.Fragment(stored.verdict),
        "input": orjson.Fragment(stored.input),
        "dispositions": [
            {
                "finding": entry.finding_id,
                "action": entry.action,
                "reason": entry.reason,
                "reason_code": entry.reason_code,
                "explained": entry.explained,
                "received": entry.received,
            }
            for entry in stored.dispositions
        ],
    }
