"""Brings every pack, scheme and rulebook that was ever in use here into the database, so that replay can load it.

Checks go on without a database, under what the data directory caches; verdicts made then name digests that the database
has never heard of. So whoever follows the database stores what the cache holds at first contact, and says of each
rulebook which packs it is made of.
"""

import asyncio
from pathlib import Path
from typing import Final

import structlog

from rules import Rulebook
from rules.compiler import load
from rules.dip.compiler import load_scheme
from service.db import packs as stored
from service.db import rulebooks
from service.db.pool import Pool
from service.packs import FOLDER

_log = structlog.get_logger("dipcheck.packs")
_SUFFIX: Final = ".pack"
_SCHEME: Final = b"dipcheck-scheme "


class Keeper:
    """What one worker has used and the database may not hold yet."""

    def __init__(self, data_dir: Path, pool: Pool) -> None:
        self._folder = data_dir / FOLDER
        self._pool = pool
        self._rulebooks: dict[str, tuple[str, ...]] = {}
        self._cached = True
        """Whether the cache still has to be gone through."""

    def use(self, rulebook: Rulebook) -> None:
        """Note a rulebook that is taken into use."""
        self._rulebooks[rulebook.digest] = tuple(pack.digest for pack in rulebook.packs)

    async def keep(self) -> None:
        """Store what is not stored; what fails stays noted. Raises ``Problem`` when the database does not answer."""
        if self._cached:
            await self._keep_files()
            self._cached = False
        for digest, packs in tuple(self._rulebooks.items()):
            await rulebooks.keep(self._pool, digest, packs)
            del self._rulebooks[digest]

    async def _keep_files(self) -> None:
        digests = await asyncio.to_thread(_digests, self._folder)
        for digest in sorted(await rulebooks.absent(self._pool, digests)):
            built = await asyncio.to_thread(_built, self._folder / f"{digest}{_SUFFIX}")
            if built is not None:
                await stored.store(self._pool, built)


def _digests(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob(f"*{_SUFFIX}")]


def _built(path: Path) -> stored.Built | None:
    """Return a cached file as it is stored; ``None`` for one that cannot be read, which could judge nothing either."""
    try:
        data = path.read_bytes()
        if data.startswith(_SCHEME):
            scheme = load_scheme(data)
            return stored.Built("scheme", scheme.digest, scheme.name, scheme.version, data)
        pack = load(data)
        return stored.Built("pack", pack.digest, pack.name, pack.version, data)
    except (OSError, ValueError) as fault:
        _log.warning("a cached pack cannot be stored", file=path.name, why=str(fault))
        return None
