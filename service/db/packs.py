"""Built packs and DIP schemes and which of them is active: dated rows, so that what was in force can be told.

Workers poll ``generation`` (a few hundred bytes) and are told by NOTIFY on ``CHANNEL`` as well.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import asyncpg

from service.db.pool import UNAVAILABLE, Pool

CHANNEL: Final = "dipcheck_packs"
"""Notified, with the pack's name, when an activation is written."""
_WITHIN: Final = 2.0
_RECONNECT: Final = 2.0


Kind = Literal["pack", "scheme"]


@dataclass(frozen=True, slots=True)
class Built:
    """A built pack or scheme as it is kept."""

    kind: Kind
    digest: str
    name: str
    version: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Generation:
    """What is active: two generations are equal when nothing has to be loaded."""

    packs: tuple[tuple[str, str], ...] = ()
    """(name, digest) of every active pack, by name."""
    schemes: tuple[tuple[str, str], ...] = ()
    """(name, digest) of every active scheme, the one activated last first."""


@dataclass(frozen=True, slots=True)
class Activation:
    """One dated row: from when on which build of a pack or scheme is active; no digest withdraws it."""

    id: int
    kind: Kind
    name: str
    digest: str | None
    active_from: datetime
    activated_by: str
    created: datetime


async def store(pool: Pool, built: Built, *, within: float = 30.0) -> None:
    """Keep a built pack or scheme; the same digest again changes nothing. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(within) as connection:
        await connection.execute(
            "INSERT INTO pack (digest, name, version, built, kind) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            built.digest,
            built.name,
            built.version,
            built.data,
            built.kind,
        )


async def fetch(pool: Pool, digest: str, *, within: float = 30.0) -> bytes | None:
    """Return a built pack by digest, or ``None``. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(within) as connection:
        built: bytes | None = await connection.fetchval("SELECT built FROM pack WHERE digest = $1", digest)
    return built


async def activate(
    pool: Pool,
    *,
    name: str,
    digest: str | None,
    activated_by: str,
    active_from: datetime | None = None,
    kind: Kind = "pack",
    within: float = _WITHIN,
) -> int:
    """Write an activation, from now on unless said otherwise (aware), and tell the workers. Return its number.

    ``digest`` ``None`` withdraws the pack or scheme. Raises ``LookupError`` when none of that kind, name and digest is
    kept, ``Problem`` (``NO_DATABASE``) when the database does not answer.
    """
    async with pool.connection(within) as connection, connection.transaction():
        known = digest is None or await connection.fetchval(
            "SELECT true FROM pack WHERE digest = $1 AND name = $2 AND kind = $3", digest, name, kind
        )
        number: int | None = None
        if known:
            number = await connection.fetchval(
                "INSERT INTO pack_activation (name, digest, active_from, activated_by, kind)"
                " VALUES ($1, $2, coalesce($3, now()), $4, $5) RETURNING id",
                name,
                digest,
                active_from,
                activated_by,
                kind,
            )
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, name)
    if number is None:
        raise LookupError(f"no {kind} `{name}` with digest `{digest}` is kept")
    return number


async def generation(pool: Pool, *, at: datetime | None = None, within: float = _WITHIN) -> Generation:
    """Return what is active now, or at a time (aware). Raises ``Problem`` (``NO_DATABASE``).

    The database's clock decides, so that all workers switch together.
    """
    async with pool.connection(within) as connection:
        rows = await connection.fetch(
            "SELECT DISTINCT ON (kind, name) kind, name, digest, active_from, id FROM pack_activation"
            " WHERE active_from <= coalesce($1, now()) ORDER BY kind, name, active_from DESC, id DESC",
            at,
        )
    active = [row for row in rows if row["digest"] is not None]
    latest = sorted(active, key=lambda row: (row["active_from"], row["id"]), reverse=True)
    return Generation(
        packs=tuple((row["name"], row["digest"]) for row in active if row["kind"] == "pack"),
        schemes=tuple((row["name"], row["digest"]) for row in latest if row["kind"] == "scheme"),
    )


async def ever(pool: Pool, kind: Kind, *, within: float = _WITHIN) -> bool:
    """Say whether anything of a kind was ever activated. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(within) as connection:
        found: bool = await connection.fetchval("SELECT EXISTS (SELECT FROM pack_activation WHERE kind = $1)", kind)
    return found


async def activations(pool: Pool, *, within: float = _WITHIN) -> tuple[Activation, ...]:
    """Return every activation, newest first. Raises ``Problem`` (``NO_DATABASE``)."""
    async with pool.connection(within) as connection:
        rows = await connection.fetch(
            "SELECT id, kind, name, digest, active_from, activated_by, created FROM pack_activation ORDER BY id DESC"
        )
    return tuple(Activation(**row) for row in rows)


async def listen(url: str, on_notice: Callable[[], None]) -> None:
    """Call ``on_notice`` whenever an activation is written, until cancelled; connect again after every loss."""
    while True:
        with contextlib.suppress(*UNAVAILABLE):  # polling goes on meanwhile
            await _listen_once(url, on_notice)
        await asyncio.sleep(_RECONNECT)


async def _listen_once(url: str, on_notice: Callable[[], None]) -> None:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(url, timeout=_WITHIN)
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _: closed.set())
    try:
        await connection.add_listener(CHANNEL, lambda *_: on_notice())
        await closed.wait()
    finally:
        connection.terminate()
