"""Evidence: the receipt of a verdict."""

from uuid import UUID

import msgspec
from fastapi import APIRouter, Response

from service.db import evidence as stored
from service.db.verdicts import READ_WITHIN
from service.errors import NOT_FOUND, Problem
from service.evidence.receipts import receipt_of
from service.routes.bounded import BoundedRoute
from service.routes.checks import REFUSALS, Here, Who, pending
from service.schemas.evidence import ReceiptOut
from service.schemas.native import LaterAnswer, ProblemOut

router = APIRouter(tags=["evidence"], route_class=BoundedRoute)


@router.get(
    "/v1/verdicts/{verdict_id}/receipt",
    summary="Receipt of a verdict (存证凭证)",
    responses={
        200: {"model": ReceiptOut},
        202: {"model": LaterAnswer, "description": "answered, not in the database yet"},
        404: {"model": ProblemOut, "description": "no such verdict was ever given"},
        **REFUSALS,
    },
)
async def receipt(here: Here, who: Who, verdict_id: str) -> Response:
    """Return what proves that a verdict was recorded as it is: its digests, its link, and the next checkpoint.

    Nothing of the patient is in it, so there is one for an erased verdict, too.
    """
    if not here.identity.is_genuine(verdict_id):
        raise Problem(NOT_FOUND, "没有这个判定编号")
    held = await stored.held(here.pool, UUID(verdict_id), within=READ_WITHIN)
    if held is None:
        return pending(verdict_id, "/receipt")
    if who.hospital not in {None, held.row["hospital"]}:
        raise Problem(NOT_FOUND, "没有这个判定编号")
    return Response(msgspec.json.encode(receipt_of(held)), media_type="application/json")
