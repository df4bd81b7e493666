"""Follows the database's active packs and schemes and swaps them within a second of a change (decision 6).

Each worker listens for a notice and also polls every half second. It loads only what changed, builds the new rulebook
beside the old one and swaps one reference; a pack that does not load leaves the old rulebook in use and is counted.
"""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from service import metrics, packs, schemes
from service.db import packs as stored
from service.db.pool import Pool
from service.errors import Problem
from service.replay.keeping import Keeper
from service.state import Active, State

_log = structlog.get_logger("dipcheck.packs")
POLL_SECONDS: Final = 0.5
SEEDED_BY: Final = "bundled"


class PackWatch:
    """One worker's view of what is active."""

    def __init__(self, data_dir: Path, pool: Pool, state: State) -> None:
        self._data_dir = data_dir
        self._pool = pool
        self._state = state
        self._current: stored.Generation | None = None
        self._refused: stored.Generation | None = None
        self._notice = asyncio.Event()
        self._keeper = Keeper(data_dir, pool)

    def load_cached(self) -> None:
        """Take into use what the data directory holds; without it the service is not ready, and says why."""
        activation = packs.read_activation(self._data_dir)
        if activation is None:
            self._state.why_not_ready = "no built pack in the data directory yet"
            return
        try:
            rulebook = packs.rulebook_of(self._data_dir, activation)
            held = packs.schemes_of(self._data_dir, activation)
        except (OSError, ValueError) as error:
            self._state.why_not_ready = f"the cached rulebook cannot be loaded: {type(error).__name__}"
            _log.warning("cached rulebook refused", error=str(error))
            return
        self._swap(Active(rulebook, activation.source, held))

    async def run(self) -> None:
        """Follow the database until cancelled; without it keep the last rulebook and its age."""
        while True:
            try:
                await self.step()
                await self._keep()
            except Problem:
                pass  # The database does not answer; the age says for how long.
            except Exception as error:  # whatever it is, the old rulebook stays in use and this task goes on
                metrics.SWAPS.labels("refused").inc()
                _log.warning("active packs refused", error=type(error).__name__, why=str(error))
            if self._state.confirmed is not None:
                metrics.RULEBOOK_AGE.set(time.monotonic() - self._state.confirmed)
            await self._wait()

    def notice(self) -> None:
        """Look at once: the database says that something was activated."""
        self._notice.set()

    async def _keep(self) -> None:
        """Bring what is and was in use here into the database; where that fails, rules go on and it is tried again."""
        try:
            await self._keeper.keep()
        except asyncpg.PostgresError as error:  # a standby that takes no writes, a right that is missing
            _log.warning("packs in use cannot be stored", error=type(error).__name__)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._notice.wait()
        self._notice.clear()

    async def step(self) -> None:
        """Compare with the database once, and swap when it says something else.

        Raises:
            Problem: the database does not answer.
            OSError, ValueError: a pack that it names is missing, damaged or of a newer format.
        """
        generation = await stored.generation(self._pool)
        if not generation.packs:
            await self._seed()
            generation = await stored.generation(self._pool)
        if not generation.schemes and not await stored.ever(self._pool, "scheme"):
            await self._seed_schemes()
            generation = await stored.generation(self._pool)
        self._state.confirmed = time.monotonic()
        if generation in {self._current, self._refused}:
            return
        self._refused = generation
        activation = packs.Activation(dict(generation.packs), source="database", schemes=generation.schemes)
        for digest in (*activation.packs.values(), *(digest for _, digest in activation.schemes)):
            await self._fetch(digest)
        rulebook = await asyncio.to_thread(packs.rulebook_of, self._data_dir, activation)
        held = await asyncio.to_thread(packs.schemes_of, self._data_dir, activation)
        self._current, self._refused = generation, None
        packs.write_activation(self._data_dir, activation)
        self._swap(Active(rulebook, activation.source, held))

    def _swap(self, active: Active) -> None:
        before, self._state.active = self._state.active, active
        self._keeper.use(active.rulebook)
        if before is None or identity(before) != identity(active):
            metrics.SWAPS.labels("taken").inc()
            _log.info(
                "rules in use",
                digest=active.rulebook.digest[:12],
                rules=len(active.rulebook.entries),
                schemes=[found.scheme.name for found in active.schemes.directories],
                source=active.source,
            )

    async def _fetch(self, digest: str) -> None:
        if packs.built_path(self._data_dir, digest).exists():
            return
        built = await stored.fetch(self._pool, digest)
        if built is None:
            raise ValueError(f"pack or scheme {digest[:12]} is active but not kept")
        packs.keep_bytes(self._data_dir, digest, built)

    async def _seed(self) -> None:
        """Put what ships with us into an empty database, so that from then on the database says what is active."""
        activation = packs.read_activation(self._data_dir)
        active = self._state.active
        if activation is None or active is None:
            return
        for pack in active.rulebook.packs:
            built = packs.built_path(self._data_dir, pack.digest).read_bytes()
            kept = stored.Built("pack", pack.digest, pack.name, pack.version, built)
            await stored.store(self._pool, kept)
            await stored.activate(self._pool, name=pack.name, digest=pack.digest, activated_by=SEEDED_BY)

    async def _seed_schemes(self) -> None:
        """Put the scheme that ships into a database that never held one; one withdrawn by the hospital stays away.

        It is compiled, not taken from what is in use: after an upgrade from a version without schemes none is.
        """
        scheme = await asyncio.to_thread(schemes.compile_starter)
        kept = stored.Built("scheme", scheme.digest, scheme.name, scheme.version, schemes.built(scheme))
        await stored.store(self._pool, kept)
        await stored.activate(self._pool, name=scheme.name, digest=scheme.digest, activated_by=SEEDED_BY, kind="scheme")


def identity(active: Active) -> tuple[str, ...]:
    """Return the digests of what is in use."""
    return (active.rulebook.digest, *(found.scheme.digest for found in active.schemes.directories))
