"""Rulebooks and schemes by digest (按摘要装载): what judged once judges again, whatever is in use today.

In: digests as verdicts name them, or names. Out: ``Rulebook`` and ``Directory``, a few of them remembered. Bytes come
from the data directory's cache or else from the database, and are proved by their digests; a thread decodes them.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Generic, ParamSpec, TypeVar

from rules import CompiledPack, Rulebook
from rules.compiler import load
from rules.dip.compiler import load_scheme
from rules.dip.directory import Directory
from service.db import packs as stored
from service.db import rulebooks
from service.db.packs import Kind
from service.db.pool import Pool
from service.packs import built_path
from service.state import Active

_REMEMBERED: Final = 8
"""Rulebooks, packs and directories each: a period is judged by few of them, and each is some megabytes."""
_DIGEST: Final = 64
"""Characters of a digest; names of packs and schemes are shorter."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
P = ParamSpec("P")
Content = bytes


@dataclass(slots=True)
class NotLoadable(Exception):
    """A rulebook, pack or scheme that cannot be loaded: which one, and why in one Chinese sentence."""

    digest: str
    why: str

    def __str__(self) -> str:
        """Return both."""
        return f"{self.why}:{self.digest}"


class Clash(NotLoadable):
    """Packs that cannot stand beside those of a rulebook."""


class _Remembered(Generic[KeyT, ValueT]):
    """The last few of something."""

    def __init__(self) -> None:
        self._held: OrderedDict[KeyT, ValueT] = OrderedDict()

    def get(self, key: KeyT) -> ValueT | None:
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: KeyT, value: ValueT) -> ValueT:
        self._held[key] = value
        self._held.move_to_end(key)
        while len(self._held) > _REMEMBERED:
            self._held.popitem(last=False)
        return value


def _nothing() -> Active | None:
    """Nothing is in use here."""
    return None


class Shelf:
    """What was in use once, by digest. Belongs to one event loop.

    Rulebooks and directories remember what they looked up, and are made for one thread. So what is here is never what
    checks are using at the same time, even where the digest is the same, and is only judged by within ``apart``.
    """

    def __init__(self, pool: Pool, data_dir: Path, active: Callable[[], Active | None] = _nothing) -> None:
        """``active`` says what is in use: of that rulebook it is known what it is made of."""
        self.pool = pool
        self._data_dir = data_dir
        self._active = active
        self._one_at_a_time = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "replay")
        self._packs: _Remembered[str, CompiledPack] = _Remembered()
        self._directories: _Remembered[str, Directory] = _Remembered()
        self._rulebooks: _Remembered[tuple[str, tuple[str, ...]], Rulebook] = _Remembered()
        self._made_of: _Remembered[str, tuple[str, ...]] = _Remembered()

    async def apart(self, judge: Callable[P, ValueT], *args: P.args, **options: P.kwargs) -> ValueT:
        """Run what judges in the one thread that may."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(judge, *args, **options))

    async def rulebook(self, digest: str, others: Sequence[CompiledPack] = ()) -> Rulebook:
        """Return the rulebook of a digest, or what it would be with other packs activated beside or instead of its own.

        Raises ``NotLoadable`` (``Clash`` when the packs cannot stand beside each other), ``Problem`` when the database
        does not answer.
        """
        key = (digest, tuple(pack.digest for pack in others))
        async with self._one_at_a_time:
            found = self._rulebooks.get(key)
            if found is None:
                packs = {pack.name: pack for pack in [await self._pack(made) for made in await self._packs_of(digest)]}
                packs |= {pack.name: pack for pack in others}
                try:
                    found = await asyncio.to_thread(Rulebook.build, list(packs.values()))
                except ValueError as fault:
                    raise Clash(digest, f"这些规则包不能同时使用({fault})") from None
                if not others and found.digest != digest:
                    raise NotLoadable(digest, "这些规则包组成的不是该规则库")
                self._rulebooks.put(key, found)
        return found

    async def directory(self, digest: str) -> Directory:
        """Return the DIP scheme of a digest, indexed. Raises ``NotLoadable`` or ``Problem``."""
        async with self._one_at_a_time:
            found = self._directories.get(digest)
            if found is None:
                loaded = await self._loaded(digest, _directory, lambda directory: directory.scheme.digest, "DIP 方案")
                found = self._directories.put(digest, loaded)
        return found

    async def pack(self, name_or_digest: str) -> CompiledPack:
        """Return the pack of a digest, or the one of a name: that in use now, else the one stored last.

        Raises ``NotLoadable`` or ``Problem``.
        """
        digest = await self._meant(name_or_digest, "pack", "没有该规则包")
        async with self._one_at_a_time:
            return await self._pack(digest)

    async def scheme(self, name_or_digest: str) -> Directory:
        """Return the scheme of a digest or name, as ``pack`` does."""
        return await self.directory(await self._meant(name_or_digest, "scheme", "没有该 DIP 方案"))

    async def _meant(self, name_or_digest: str, kind: Kind, why: str) -> str:
        if len(name_or_digest) == _DIGEST:
            return name_or_digest
        active = await stored.generation(self.pool)
        found = dict(active.packs if kind == "pack" else active.schemes).get(name_or_digest)
        if found is None:
            kept = await rulebooks.stored_packs(self.pool)
            found = next((pack.digest for pack in kept if (pack.kind, pack.name) == (kind, name_or_digest)), None)
        if found is None:
            raise NotLoadable(name_or_digest, why)
        return found

    async def _pack(self, digest: str) -> CompiledPack:
        found = self._packs.get(digest)
        if found is None:
            found = self._packs.put(digest, await self._loaded(digest, load, lambda pack: pack.digest, "规则包"))
        return found

    async def _packs_of(self, digest: str) -> tuple[str, ...]:
        """Return what a rulebook is made of: as written down, else as the history of activations explains it."""
        active = self._active()
        if active is not None and active.rulebook.digest == digest:
            return tuple(pack.digest for pack in active.rulebook.packs)
        found = self._made_of.get(digest) or await rulebooks.packs_of(self.pool, digest)
        if found is None:
            activations = await stored.activations(self.pool)
            kept = await rulebooks.stored_packs(self.pool)
            found = await asyncio.to_thread(explain, digest, activations, kept)
        if found is None:
            raise NotLoadable(digest, "没有该规则库")
        return self._made_of.put(digest, found)

    async def _loaded(
        self, digest: str, decode: Callable[[Content], ValueT], digest_of: Callable[[ValueT], str], what: str
    ) -> ValueT:
        """Return what a digest names, from the cache or else from the database, proved to be just that."""
        why = f"没有该{what}"
        for read in (self._from_cache, self._from_database):
            data = await read(digest)
            if data is None:
                continue
            try:
                found = await asyncio.to_thread(decode, data)
            except ValueError as fault:
                why = f"该{what}无法装载({fault})"
                continue
            if digest_of(found) == digest:
                return found
            why = f"所存内容不是该{what}"
        raise NotLoadable(digest, why)

    async def _from_cache(self, digest: str) -> Content | None:
        return await asyncio.to_thread(_cached, self._data_dir, digest)

    async def _from_database(self, digest: str) -> Content | None:
        return await stored.fetch(self.pool, digest)


def rulebook_digest(packs: Iterable[tuple[str, str]]) -> str:
    """Return the digest that the rulebook of these packs, (name, digest) each, has."""
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in sorted(packs)).encode()).hexdigest()


def explain(
    digest: str, activations: Sequence[stored.Activation], kept: Sequence[rulebooks.StoredPack]
) -> tuple[str, ...] | None:
    """Return the packs that were active together and make a rulebook, or the one pack that makes it alone."""
    for packs in (*_active_together(activations), *({pack.name: pack.digest} for pack in kept if pack.kind == "pack")):
        if rulebook_digest(packs.items()) == digest:
            return tuple(packs[name] for name in sorted(packs))
    return None


def _active_together(activations: Sequence[stored.Activation]) -> Iterator[dict[str, str]]:
    """Yield what was active whenever something changed, newest first: on its date, or when a past one was written."""
    rows = [row for row in activations if row.kind == "pack"]
    moments = {row.active_from for row in rows} | {row.created for row in rows}
    for moment in sorted(moments, reverse=True):
        known = [row for row in rows if row.active_from <= moment and row.created <= moment]
        latest = {row.name: row.digest for row in sorted(known, key=lambda row: (row.active_from, row.id))}
        yield {name: digest for name, digest in latest.items() if digest is not None}


def _directory(data: Content) -> Directory:
    return Directory.build(load_scheme(data))


def _cached(data_dir: Path, digest: str) -> Content | None:
    """Return a built file of the cache; only names that are digests are ever looked for."""
    if len(digest) != _DIGEST or not digest.isalnum():
        return None
    try:
        return built_path(data_dir, digest).read_bytes()
    except OSError:
        return None
