"""The re-checker: checks, in the background, orders that were saved unchecked (补审).

In: rows of ``recheck`` that wait. Out: verdicts through the same flow as any other, under the rules and with the
history of now, and the row finished with its verdict or with the problem that kept it from one. Each order is taken by
one worker; one that died over it leaves it to another, which finds the verdict if there is one already, and otherwise
makes it with the same id.
"""

import asyncio
import hashlib
import time
from datetime import tzinfo
from typing import Final
from uuid import UUID

import msgspec
import structlog

from rules.model import Input
from service import metrics, records
from service.asked import Asked
from service.check_flow import Appends, CheckFlow
from service.db import rechecks
from service.db.pool import Pool
from service.db.rechecks import Due
from service.dialects._contract import Reading
from service.errors import INTERNAL, Problem
from service.sealing import Sealer

UNREADABLE: Final = "unreadable"
"""The stored order cannot be opened: altered, or sealed under another key file."""
ERASED: Final = "erased"
"""The person's data were erased before the order was checked."""
_INPUT: Final = msgspec.json.Decoder(Input)
_log = structlog.get_logger("dipcheck.recheck")


class Later(Exception):
    """It cannot be done now; the order waits again."""


class Rechecker:
    """One task per worker. Belongs to one event loop."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        flow: CheckFlow,
        journal: Appends,
        zone: tzinfo,
        *,
        every: float = 1.0,
        most: int = 20,
    ) -> None:
        """``every`` is the pause in seconds when nothing waits, ``most`` how many orders are taken at a time."""
        self._pool = pool
        self._sealer = sealer
        self._flow = flow
        self._journal = journal
        self._zone = zone
        self._every = every
        self._most = most
        self.last_error: str | None = None
        """Class of the last failure; ``None`` once a pass succeeds again. Never a message: it may quote values."""

    async def run(self) -> None:
        """Work off what waits, for ever. Whatever goes wrong is tried again later."""
        while True:
            try:
                busy = await self.pass_once()
                self.last_error = None
            except Exception as error:  # the list is in the database: nothing is lost by going on
                busy, kind = False, _name_of(error)
                if self.last_error != kind:
                    _log.warning("rechecks_wait", error=kind)
                self.last_error = kind
            if not busy:
                await asyncio.sleep(self._every)

    async def pass_once(self) -> bool:
        """Check one batch of every hospital's; say whether there was any."""
        busy = False
        for hospital in await rechecks.hospitals_due(self._pool):
            taken = await rechecks.take(self._pool, self._sealer, hospital, self._most)
            for at, due in enumerate(taken):
                try:
                    await self._work_off(due)
                except BaseException:
                    await self._put_back(taken[at:])
                    raise
                # Callers' checks come in between.
                await asyncio.sleep(0)
            busy |= bool(taken)
        return busy

    async def _put_back(self, rest: tuple[Due, ...]) -> None:
        """Let orders wait again, the first of them tried; if even that fails they are free again by themselves."""
        for at, due in enumerate(rest):
            try:
                await rechecks.put_back(self._pool, due, tried=at == 0)
            except Problem:
                return

    async def _work_off(self, due: Due) -> None:
        try:
            verdict_id = await self._verdict_of(due)
        except msgspec.MsgspecError:
            await self._fail(due, UNREADABLE)
        except Problem as problem:
            if problem.kind.status == 503:
                raise
            await self._fail(due, problem.kind.code)
        else:
            if verdict_id is None:
                await self._fail(due, UNREADABLE if due.unreadable else ERASED)
                return
            await self._keep_saved(due, verdict_id)
            await rechecks.finish(self._pool, due, verdict_id=verdict_id)
            metrics.RECHECKS.labels("checked").inc()

    async def _fail(self, due: Due, problem: str) -> None:
        await rechecks.finish(self._pool, due, problem=problem)
        metrics.RECHECKS.labels(problem).inc()

    async def _verdict_of(self, due: Due) -> str | None:
        """Return the id of the order's verdict, given now or before; ``None`` when the order cannot be read."""
        if due.input is None:
            return None
        message_id = due.message_id or unnamed(due.id)
        if due.again:
            given = await rechecks.verdict_given(self._pool, due.hospital, message_id, due.received)
            if given is not None:
                return given
        stored = _INPUT.decode(due.input)
        reading = Reading(encounter=stored.encounter, time=stored.time, message_id=message_id, role=stored.role)
        asked = Asked(due.dialect, reading, due.received, "recheck", time.perf_counter(), due.caller)
        try:
            answer = await self._flow.check(asked)
        except Problem:
            raise
        except Exception as error:  # an order that breaks the check must not hold up those behind it
            _log.error("recheck_failed", error=type(error).__name__)
            raise Problem(INTERNAL) from None
        if not answer.recorded:
            raise Later
        return answer.verdict_id

    async def _keep_saved(self, due: Due, verdict_id: str) -> None:
        """Journal that the order's lines were saved; by then its verdict is as safe as the policy asks."""
        if not due.saved:
            if self._journal.waits and not await self._journal.durable():
                raise Later
            return
        event = records.LineEventRecord(
            id=str(_event_id(due.id)),
            hospital=due.hospital,
            received=due.received,
            day=due.received.astimezone(self._zone).date(),
            verdict_id=verdict_id,
            action="saved",
        )
        if not await self._flow.keep(event):
            raise Later


def unnamed(order: UUID) -> str:
    """Return the message id of an order that came without one: its verdict's id must not depend on the moment."""
    return f"recheck:{order}"


def _event_id(order: UUID) -> UUID:
    """Return the id of the event that an order's lines were saved: the same, however often it is written."""
    return UUID(bytes=hashlib.blake2b(b"recheck saved" + order.bytes, digest_size=16).digest())


def _name_of(error: Exception) -> str:
    return error.kind.code if isinstance(error, Problem) else type(error).__name__
