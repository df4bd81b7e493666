"""One worker's parts, put together once and handed to routes."""

from dataclasses import dataclass

from fastapi import Request

from service import keys, metrics
from service.check_flow import CheckFlow
from service.db.pool import Pool
from service.dialects._contract import Dialect
from service.errors import UNAUTHENTICATED, Problem
from service.hot_path import HotPath
from service.identity import Identity
from service.recorder import Recorder
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
    flow: CheckFlow
    hot_path: HotPath
    dialects: dict[str, Dialect]

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
