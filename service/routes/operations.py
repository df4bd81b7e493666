"""Operations: is it alive, is it ready and why not, what does it count, which rules are loaded."""

import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from service import metrics, packs
from service.embedded_postgres import read_state
from service.errors import NOT_READY, Problem
from service.instance import Instance, instance_of, require_caller

router = APIRouter(tags=["operations"])
Here = Annotated[Instance, Depends(instance_of)]


@router.get("/livez", summary="The process answers")
async def livez() -> dict[str, str]:
    """Say that the process answers; nothing else is looked at."""
    return {"status": "alive"}


@router.get("/readyz", summary="Checks can be answered (needs a rulebook) and are recorded")
async def readyz(here: Here) -> Response:
    """Say whether checks can be answered, and what is not as it should be.

    Ready needs a rulebook and a living recorder. The database may be down: checks go on and are recorded later, so
    that is reported and does not make the service unready.
    """
    body = status(here)
    return Response(orjson.dumps(body), 200 if body["ready"] else 503, media_type="application/json")


def status(here: Instance) -> dict[str, Any]:
    """Return readiness with its reasons."""
    active, recorder, confirmed = here.state.active, here.recorder, here.state.confirmed
    reasons = []
    if active is None:
        reasons.append(here.state.why_not_ready)
    reasons += [f"the {name} has stopped" for name in here.stopped]
    return {
        "ready": not reasons,
        "reasons": reasons,
        "rulebook": active.rulebook.digest if active else None,
        "rules": len(active.rulebook.entries) if active else 0,
        "packs": {pack.name: pack.version for pack in active.rulebook.packs} if active else {},
        "schemes": {found.scheme.name: found.scheme.version for found in active.schemes.directories} if active else {},
        "activation": active.source if active else None,
        "activation_confirmed_seconds_ago": round(time.monotonic() - confirmed, 1) if confirmed else None,
        "database": {"bundled": read_state(here.settings.data_dir), "last_error": recorder.last_error},
        "journal": {
            "records": recorder.depth_records,
            "bytes": recorder.depth_bytes,
            "lag_seconds": round(recorder.lag_seconds, 3),
        },
    }


@router.get("/metrics", summary="Prometheus metrics of all workers", response_class=Response)
async def prometheus(here: Here) -> Response:
    """Return the metrics page."""
    here.observe()
    return Response(metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/rulebook", summary="The rulebook in use (规则库)", dependencies=[Depends(require_caller)])
async def rulebook(here: Here, request: Request) -> Response:
    """Say which packs are in use, how many rules of each kind, and which rows are incomplete and why."""
    active = here.state.active
    if active is None:
        raise Problem(NOT_READY, here.state.why_not_ready)
    return Response(packs.describe(active.rulebook), media_type="application/json")
