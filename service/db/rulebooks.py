"""Which packs made which rulebook, and where a pack or scheme of some name or digest is: what a replay loads again.

None of these tables belongs to a hospital, and retention touches none of them: what once judged can always be loaded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.db.packs import Kind
from service.db.pool import Pool

_WITHIN: Final = 5.0


@dataclass(frozen=True, slots=True)
class StoredPack:
    """A pack or scheme that is kept, without its content."""

    kind: Kind
    name: str
    version: str
    digest: str
    created: datetime


async def keep(pool: Pool, digest: str, packs: Sequence[str], *, within: float = _WITHIN) -> None:
    """Say which packs, by digest, make a rulebook; saying it again changes nothing. Raises ``Problem``."""
    async with pool.connection(within) as connection:
        await connection.execute(
            "INSERT INTO rulebook (digest, packs) VALUES ($1, $2) ON CONFLICT DO NOTHING", digest, list(packs)
        )


async def packs_of(pool: Pool, digest: str, *, within: float = _WITHIN) -> tuple[str, ...] | None:
    """Return the digests of a rulebook's packs; ``None`` when nobody wrote them down. Raises ``Problem``."""
    async with pool.connection(within) as connection:
        packs: list[str] | None = await connection.fetchval("SELECT packs FROM rulebook WHERE digest = $1", digest)
    return None if packs is None else tuple(packs)


async def absent(pool: Pool, digests: Iterable[str], *, within: float = _WITHIN) -> frozenset[str]:
    """Return those of some packs' and schemes' digests that are not kept. Raises ``Problem``."""
    wanted = sorted(set(digests))
    async with pool.connection(within) as connection:
        rows = await connection.fetch("SELECT digest FROM pack WHERE digest = ANY($1::text[])", wanted)
    return frozenset(wanted) - {row["digest"] for row in rows}


async def stored_packs(pool: Pool, *, within: float = _WITHIN) -> tuple[StoredPack, ...]:
    """Return every pack and scheme that is kept, newest first. Raises ``Problem``."""
    async with pool.connection(within) as connection:
        rows = await connection.fetch(
            "SELECT kind, name, version, digest, created FROM pack ORDER BY created DESC, digest"
        )
    return tuple(StoredPack(**row) for row in rows)
