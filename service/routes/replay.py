"""Replay (重放): a stored input under its own rules gives the same bytes, under others the difference.

Nothing is recorded here, and nothing is told to the hospital's system: these calls only ask.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Request, Response

from rules import ENGINE, Rulebook
from rules.model import UNIT, Overlay
from service.belonging import hospital_of
from service.db import verdicts
from service.db.replays import Filters
from service.errors import CONFLICT, INTERNAL, INVALID, NOT_FOUND, Fault, Problem
from service.hot_path import Disconnected
from service.instance import Instance, instance_of
from service.replay.bulk import Bulk, Others
from service.replay.comparing import Difference, compare
from service.replay.loading import Clash, NotLoadable, Shelf
from service.replay.replaying import Unreadable, digest_of, judge_again, judged_by, same_engine
from service.replay.summary import summary_document
from service.routes.bounded import BoundedRoute
from service.routes.checks import REFUSALS, Here, Who, answered, pending, stored_verdict
from service.schemas.native import LaterAnswer, ProblemOut
from service.schemas.replay import (
    MOST,
    BulkReplayAnswer,
    BulkReplayIn,
    OtherRulesIn,
    OverlayIn,
    ReplayAnswer,
    ReplayIn,
)

router = APIRouter(tags=["record"], route_class=BoundedRoute)
BULK_WITHIN: Final = 300.0
"""Seconds a bulk replay may take."""
PAUSE: Final = 0.005
"""Seconds between slices, so that checks of this worker come in between."""


class Desk:
    """What replays of one worker share: loaded rulebooks, and that only one period is gone through at a time."""

    def __init__(self, here: Instance) -> None:
        self.instance = here
        self.shelf = Shelf(here.pool, here.settings.data_dir, lambda: here.state.active)
        self.busy = asyncio.Lock()


def desk_of(request: Request) -> Desk:
    """Return the worker's desk, made when first needed."""
    here = instance_of(request)
    found: Desk | None = getattr(request.app.state, "replay_desk", None)
    if found is None or found.instance is not here:
        found = request.app.state.replay_desk = Desk(here)
    return found


AtDesk = Annotated[Desk, Depends(desk_of)]


@router.post(
    "/v1/verdicts/{verdict_id}:replay",
    summary="Judge a stored verdict's input again (重放)",
    responses={
        200: {"model": ReplayAnswer},
        202: {"model": LaterAnswer, "description": "answered, not in the database yet"},
        404: {"model": ProblemOut, "description": "no such verdict, or a pack, scheme or rulebook that is not kept"},
        410: {"model": ProblemOut, "description": "the patient's data were erased"},
        **REFUSALS,
    },
)
async def replay(
    here: Here, who: Who, desk: AtDesk, verdict_id: str, given: Annotated[ReplayIn | None, Body()] = None
) -> Response:
    """Judge the stored input by the verdict's own rules, or by others, and return what differs.

    An empty body asks for its own rulebook, scheme and overlay, by digest: `same` says whether the bytes came out
    again. They must, unless `engine` says that another version of the service made them. With `pack`, `scheme` or
    `overlay` the answer is what those would have said.
    """
    stored = await stored_verdict(here, who, verdict_id)
    if stored is None:
        return pending(verdict_id)
    return answered(await _replayed(desk.shelf, stored, given or ReplayIn()))


async def _replayed(shelf: Shelf, stored: verdicts.StoredVerdict, given: ReplayIn) -> dict[str, Any]:
    try:
        others = await _others(shelf, given)
        digests = judged_by(stored.verdict)
        rulebook = await shelf.rulebook(digests.rulebook, others.packs)
        scheme = others.scheme
        if scheme is None and digests.scheme is not None:
            scheme = await shelf.directory(digests.scheme)
        again = await shelf.apart(judge_again, stored.input, rulebook, scheme, others.overlay)
        now = judged_by(again.verdict)
        difference = await asyncio.to_thread(compare, stored.verdict, again.verdict)
    except NotLoadable as fault:
        raise _problem(fault) from None
    except Unreadable:
        raise Problem(INTERNAL, "该判定的存储内容无法由本版本读取") from None
    return {
        "id": stored.meta.id,
        "own": others.own,
        "same": again.verdict == stored.verdict,
        "digest": digest_of(again.verdict),
        "stored_digest": digest_of(stored.verdict),
        "engine": {"stored": digests.engine, "now": ENGINE, "same": same_engine(digests)},
        "rulebook": {"before": digests.rulebook, "after": now.rulebook},
        "scheme": {"before": digests.scheme, "after": now.scheme},
        "packs": _packs(rulebook),
        **difference_document(difference),
    }


def _packs(rulebook: Rulebook) -> list[dict[str, str]]:
    return [{"name": pack.name, "version": pack.version, "digest": pack.digest} for pack in rulebook.packs]


def difference_document(difference: Difference) -> dict[str, Any]:
    """Return a difference as ``ReplayAnswer`` writes it: money in yuan."""
    before, after = difference.amount
    return {
        "state": dict(zip(("before", "after"), difference.state, strict=True)),
        "amount": {"before": before / UNIT, "after": after / UNIT, "difference": (after - before) / UNIT},
        "dip": {"before": _standing(difference.dip[0]), "after": _standing(difference.dip[1])},
        "findings": {
            "added": [_said(asdict(entry)) for entry in difference.added],
            "removed": [_said(asdict(entry)) for entry in difference.removed],
            "changed": [
                {"before": _said(asdict(entry.before)), "after": _said(asdict(entry.after)), "fields": entry.fields}
                for entry in difference.changed
            ],
        },
        "not_checked": {
            "added": [asdict(entry) for entry in difference.unread_added],
            "removed": [asdict(entry) for entry in difference.unread_removed],
        },
    }


def _said(finding: dict[str, Any]) -> dict[str, Any]:
    return finding | {"amount": finding["amount"] / UNIT}


def _standing(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a stay's standing: points are stored as text, to be exact, and money in 1/10,000 yuan."""
    if found is None:
        return None
    points = {name: None if found[name] is None else float(found[name]) for name in ("points", "standard_points")}
    money = {
        name: None if found[name] is None else found[name] / UNIT for name in ("standard", "payable", "cost", "balance")
    }
    return found | points | money


@router.post(
    "/v1/replays",
    summary="Judge a period's verdicts again (批量重放)",
    responses={
        200: {"model": BulkReplayAnswer},
        404: {"model": ProblemOut, "description": "a pack or scheme that is not kept"},
        409: {"model": ProblemOut, "description": "this worker is going through another period"},
        **REFUSALS,
    },
)
async def replay_many(here: Here, who: Who, request: Request, desk: AtDesk, given: BulkReplayIn) -> Response:
    """Say what the period's verdicts come to under their own rules, or what other rules would have said.

    At most 10,000 verdicts; `dipcheck replay` goes through any number. Checks go on meanwhile. It ends when the caller
    goes away.
    """
    hospital = hospital_of(who, given.hospital, here.settings.hospital)
    if desk.busy.locked():
        raise Problem(CONFLICT, "正在进行另一次批量重放,请稍后再试")
    async with desk.busy:
        try:
            others = await _others(desk.shelf, given)
        except NotLoadable as fault:
            raise _problem(fault) from None
        bulk = Bulk(desk.shelf, others)
        async with here.pool.connection(BULK_WITHIN) as connection:
            await while_there(request, bulk.run(connection, here.sealer, hospital, filters_of(given), pause=PAUSE))
    return answered(summary_document(bulk.tally, own=others.own))


async def while_there(request: Request, work: Coroutine[Any, Any, None]) -> None:
    """Do something long for as long as the caller waits for it. Raises ``Disconnected`` when it went away."""
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise Disconnected
        doing.result()
    finally:
        doing.cancel()
        leaving.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def filters_of(given: BulkReplayIn) -> Filters:
    """Return which verdicts a request means."""
    return Filters(
        begin=given.begin,
        end=given.end,
        department=given.department,
        doctor=given.doctor,
        rule=given.rule,
        kind=given.kind,
        state=given.state,
        dialect=given.dialect,
        visit=given.visit,
        limit=min(given.limit, MOST),
        sample=given.sample,
    )


async def _others(shelf: Shelf, given: OtherRulesIn) -> Others:
    """Load what should judge instead. Raises ``NotLoadable``."""
    return Others(
        packs=tuple([await shelf.pack(named) for named in given.packs]),
        scheme=await shelf.scheme(given.scheme) if given.scheme is not None else None,
        overlay=None if given.overlay is None else overlay_of(given.overlay),
    )


def overlay_of(given: OverlayIn) -> Overlay:
    """Return an overlay in one order, whichever way it was written."""
    return Overlay(levels=tuple(sorted(given.levels.items())), off=tuple(sorted(given.off)))


def _problem(fault: NotLoadable) -> Problem:
    if isinstance(fault, Clash):
        return Problem(INVALID, faults=(Fault("pack", fault.why),))
    return Problem(NOT_FOUND, str(fault))
