"""Lines the hospital saved: confirm, cancel, import, and from when on they are complete."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Header, Query, Request, Response

from service.belonging import hospital_of
from service.db import history_writes
from service.errors import INVALID, MEDIA_TYPE, NO_DATABASE, NOT_FOUND, TOO_LARGE, Fault, Problem
from service.history import confirming
from service.history.confirming import Act, Entries
from service.history.importing import Importer, ProgressFile, told_at
from service.history.rows import Form
from service.hot_path import content_type, read_body
from service.instance import Instance
from service.keys import Caller
from service.ndjson import MEDIA_TYPES
from service.routes.bounded import BoundedRoute, require_json, turn_of
from service.routes.checks import REFUSALS, Here, Who, answered, body_schema
from service.schemas.lines import CoverageIn, CoverageOut, ImportAnswer, ImportQuery, ImportStateOut, LinesAnswer
from service.schemas.native import ProblemOut
from service.schemas.record import HospitalQuery

router = APIRouter(tags=["history"], route_class=BoundedRoute)


@router.post(
    "/v1/lines:confirm",
    summary="Tell that lines were saved (确认保存)",
    responses={200: {"model": LinesAnswer}, **REFUSALS},
    openapi_extra=body_schema("LinesRequest"),
)
async def confirm(here: Here, who: Who, request: Request) -> Response:
    """Take lines into the record of what the hospital saved; later checks of the patient count them.

    By verdict (all its current lines, those of a finding, or those named), or by visit with the lines themselves. With
    `self_pay`, they were saved after the patient agreed to pay. Repeats change nothing. Of two messages about a line
    the later one holds, in whatever order they arrive in the database.
    """
    return await _told(here, who, request, "confirm")


@router.post(
    "/v1/lines:cancel",
    summary="Tell that lines were taken back (撤销)",
    responses={200: {"model": LinesAnswer}, **REFUSALS},
    openapi_extra=body_schema("LinesRequest"),
)
async def cancel(here: Here, who: Who, request: Request) -> Response:
    """Take lines out of what later checks count; a finding all of whose lines are cancelled is withdrawn.

    The same forms as `lines:confirm`. A line may be cancelled before anybody told that it was saved.
    """
    return await _told(here, who, request, "cancel")


async def _told(here: Instance, who: Caller, request: Request, act: Act) -> Response:
    require_json(request)
    body = await read_body(request.scope["headers"], request.receive, here.settings.max_body_bytes)
    told = await Entries(here, here.hot_path.call_for(request.scope, b"", who), act).read(body)
    entries = await confirming.record(here, told, act)
    if act == "cancel":
        await confirming.withdraw(here, told)
    return answered({"entries": entries})


FORMS: Final[dict[str, Form]] = {**dict.fromkeys(MEDIA_TYPES, "ndjson"), "text/csv": "csv"}
LARGEST_IMPORT: Final = 64 * 1024 * 1024
"""Bytes of one import; larger files are cut, or imported with ``dipcheck history import``."""
_Named: TypeAlias = Annotated[str | None, Header(max_length=200, description="names the import, so that it can go on")]


@router.post(
    "/v1/history:import",
    summary="Import past lines (导入既往明细)",
    responses={
        200: {"model": ImportAnswer},
        409: {"model": ProblemOut, "description": "this Import-Id was used for another file"},
        **REFUSALS,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "One line a row, fields as in PastLineIn; at most 64 MiB.",
            "content": {
                "application/x-ndjson": {"schema": {"$ref": "#/components/schemas/PastLineIn"}},
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    },
)
async def import_history(
    here: Here,
    who: Who,
    request: Request,
    asked: Annotated[ImportQuery, Query()],
    import_id: _Named = None,
) -> Response:
    """Load past lines, one a row; rows with faults are reported and the others kept.

    The same rows again change nothing. With an `Import-Id`, an import that broke off goes on where it was when the same
    file is sent again. What was told of a line after `as_of` is left alone. A worker takes one file at a time, others
    wait their turn.
    """
    form = FORMS.get(content_type(request.scope["headers"]).partition(";")[0].strip().lower())
    if form is None:
        raise Problem(MEDIA_TYPE, "应为 application/x-ndjson 或 text/csv")
    call = here.hot_path.call_for(request.scope, b"", who)
    whose = hospital_of(who, asked.hospital, here.settings.hospital)
    told = told_at(asked.as_of, call)
    async with turn_of(request, "import"):
        progress = ProgressFile(here.settings.data_dir, whose, import_id)
        progress.prune(time.time())
        importer = Importer(here.pool, here.sealer, call, whose, form=form, told=told, progress=progress)
        try:
            report = await importer.run(_at_most(request, LARGEST_IMPORT))
        except Problem as problem:
            if problem.kind != NO_DATABASE:
                raise
            detail = f"已完成 {importer.safe_rows} 行;请带同一 Import-Id 重发,将从断点继续"
            raise Problem(NO_DATABASE, detail) from None
    return answered(report.document(import_id))


async def _at_most(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises ``Problem`` beyond the limit."""
    announced = request.headers.get("content-length", "0")
    size = 0
    if announced.isdigit() and int(announced) > limit:
        raise Problem(TOO_LARGE, f"上限 {limit} 字节")
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Problem(TOO_LARGE, f"上限 {limit} 字节")
        yield chunk


@router.get(
    "/v1/history/imports/{import_id}",
    summary="How far an import got (导入进度)",
    responses={200: {"model": ImportStateOut}, 404: {"model": ProblemOut, "description": "no such import"}, **REFUSALS},
)
async def import_state(here: Here, who: Who, import_id: str, asked: Annotated[HospitalQuery, Query()]) -> Response:
    """Say how many rows of an import are behind us; known on the machine that took it, for ninety days."""
    whose = hospital_of(who, asked.hospital, here.settings.hospital)
    found = ProgressFile(here.settings.data_dir, whose, import_id).read()
    if not found.rows and not found.complete:
        raise Problem(NOT_FOUND, "没有这个 Import-Id 的导入记录")
    return answered(
        {
            "import_id": import_id,
            "rows_done": found.rows,
            "rows_rejected": found.rejected,
            "complete": found.complete,
        }
    )


@router.put(
    "/v1/history/coverage",
    summary="Vouch for the record from a day on (声明既往数据完整起始日)",
    responses={200: {"model": CoverageOut}, **REFUSALS},
)
async def vouch(here: Here, who: Who, request: Request, given: CoverageIn) -> Response:
    """Declare from which day on every line the hospital saved is in the record, or withdraw that with null.

    Until then rules take a recorded line as evidence of what was used, and never its absence as evidence of anything.
    """
    whose = hospital_of(who, given.hospital, here.settings.hospital)
    now = here.hot_path.call_for(request.scope, b"", who).received
    if given.since is not None and given.since > now.astimezone(here.settings.tz).date():
        raise Problem(INVALID, faults=(Fault("since", "不能晚于今天"),))
    return _covered(whose, await history_writes.declare_coverage(here.pool, whose, given.since, given.by))


@router.get(
    "/v1/history/coverage",
    summary="From when on the record is complete (既往数据完整起始日)",
    responses={200: {"model": CoverageOut}, **REFUSALS},
)
async def covered(here: Here, who: Who, asked: Annotated[HospitalQuery, Query()]) -> Response:
    """Return what was declared last."""
    whose = hospital_of(who, asked.hospital, here.settings.hospital)
    return _covered(whose, await history_writes.coverage(here.pool, whose))


def _covered(hospital: str, found: history_writes.Coverage | None) -> Response:
    return answered(
        {
            "hospital": hospital,
            "since": found.since if found else None,
            "by": found.declared_by if found else None,
            "declared": found.declared if found else None,
        }
    )
