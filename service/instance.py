"""One worker's parts, put together once and handed to routes."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request

from service import keys, metrics
from service.belonging import Belonging
from service.check_flow import CheckFlow
from service.db.pool import Pool
from service.dialects._contract import Dialect
from service.errors import UNAUTHENTICATED, Problem
from service.history.context import HistoryContext
from service.history.settling import Settler
from service.hot_path import HotPath
from service.identity import Identity
from service.rechecking import Rechecker
from service.recorder import Recorder
from service.sealing import Sealer
from service.settings import Settings
from service.state import State


@dataclass(slots=True)
class Instance:
    """What routes may use."""

    settings: Settings
    state: State
    identity: Identity
    keyring: keys.KeyRing
    pool: Pool
    recorder: Recorder
    sealer: Sealer
    history: HistoryContext
    belonging: Belonging
    settler: Settler
    rechecker: Rechecker
    flow: CheckFlow
    hot_path: HotPath
    dialects: dict[str, Dialect]
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    """What runs behind the answers, each task by its name."""

    @property
    def stopped(self) -> tuple[str, ...]:
        """Names of what should run behind the answers and does not."""
        dead = [task.get_name() for task in self.tasks if task.done()]
        return tuple(dead if self.recorder.alive else ["recorder", *dead])

    def observe(self) -> None:
        """Bring the gauges up to date."""
        metrics.JOURNAL_BYTES.set(self.recorder.depth_bytes)
        metrics.JOURNAL_RECORDS.set(self.recorder.depth_records)
        metrics.JOURNAL_LAG.set(self.recorder.lag_seconds)


def instance_of(request: Request) -> Instance:
    """Return the worker's parts."""
    found: Instance = request.app.state.instance
    return found


def require_caller(request: Request) -> keys.Caller:
    """Return who calls. Raises ``Problem`` without a valid key."""
    caller = instance_of(request).keyring.caller(keys.presented(request.scope["headers"]))
    if caller is None:
        raise Problem(UNAUTHENTICATED)
    return caller
