"""Packs in use: compiled from what ships, cached as files, switched by the database (decision 6).

A start needs no database: ``prepare`` leaves built packs and ``active.json`` in the data directory and workers load
from there. ``service.pack_watch`` follows the database from then on and keeps the cache current.
"""

import asyncio
import json
import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import orjson

from rules import CompiledPack, Rulebook
from rules.compiler import build, compile_pack, load
from rules.dip.directory import Directory
from rules.dip.model import Scheme
from service import keys, schemes
from service.db import packs as stored
from service.db.pool import Pool
from service.errors import NO_DATABASE, Problem
from service.keys import KeyRing
from service.schemes import Schemes
from service.settings import Settings, SettingsError

STARTER: Final = Path(__file__).resolve().parent.parent / "rules" / "packs" / "national-2026"
FOLDER: Final = "packs"
_ACTIVE: Final = "active.json"


class Activation(msgspec.Struct, frozen=True):
    """Which packs and schemes are in use, and whether the database said so or they merely ship with us."""

    packs: dict[str, str]
    """Name to digest."""
    source: Literal["bundled", "database"] = "bundled"
    schemes: tuple[tuple[str, str], ...] = ()
    """(name, digest) of DIP schemes, the one activated last first."""


def prepare(settings: Settings) -> None:
    """Make a start possible: refuse an open door, compile the starter pack, and say what is in use.

    Raises:
        SettingsError: the address is not loopback and no API key is configured (decision 9).
        PackError: the starter pack has faults.
    """
    keys.freeze(settings.data_dir)
    if not settings.loopback and KeyRing.load(settings.data_dir, settings.api_key).empty:
        raise SettingsError(
            f"{settings.host} can be reached from outside and no API key is configured: "
            "set DIPCHECK_API_KEY, or make one with `dipcheck key new NAME`"
        )
    pack, scheme = compile_pack(STARTER), schemes.compile_starter()
    keep(settings.data_dir, pack)
    keep_scheme(settings.data_dir, scheme)
    current = read_activation(settings.data_dir)
    if current is None or current.source == "bundled" or not _held(settings.data_dir, current):
        write_activation(
            settings.data_dir, Activation({pack.name: pack.digest}, schemes=((scheme.name, scheme.digest),))
        )


def keep(data_dir: Path, pack: CompiledPack) -> bytes:
    """Cache a pack as a built file and return its bytes; a file that is there already is left alone."""
    path = built_path(data_dir, pack.digest)
    if path.exists():
        return path.read_bytes()
    data = build(pack)
    keep_bytes(data_dir, pack.digest, data)
    return data


def keep_scheme(data_dir: Path, scheme: Scheme) -> None:
    """Cache a scheme as a built file; one that is there already is left alone."""
    if not built_path(data_dir, scheme.digest).exists():
        keep_bytes(data_dir, scheme.digest, schemes.built(scheme))


def keep_bytes(data_dir: Path, digest: str, data: bytes) -> None:
    """Cache a built pack or scheme, whole or not at all."""
    path = built_path(data_dir, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{time.monotonic_ns()}.part")
    partial.write_bytes(data)
    partial.replace(path)


def built_path(data_dir: Path, digest: str) -> Path:
    """Return where a built pack or scheme is cached: its first line says which of the two it is."""
    return data_dir / FOLDER / f"{digest}.pack"


def _held(data_dir: Path, activation: Activation) -> bool:
    digests = [*activation.packs.values(), *(digest for _, digest in activation.schemes)]
    return all(built_path(data_dir, digest).exists() for digest in digests)


def read_activation(data_dir: Path) -> Activation | None:
    """Return what the data directory says is in use; ``None`` when it says nothing readable."""
    path = data_dir / FOLDER / _ACTIVE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Activation)
    except (OSError, msgspec.DecodeError):
        return None


def write_activation(data_dir: Path, activation: Activation) -> None:
    """Say what is in use, whole or not at all."""
    path = data_dir / FOLDER / _ACTIVE
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{time.monotonic_ns()}.part")
    partial.write_bytes(msgspec.json.encode(activation))
    partial.replace(path)


def rulebook_of(data_dir: Path, activation: Activation) -> Rulebook:
    """Load and index the packs of an activation from the cache.

    Raises:
        OSError: a built pack is not there.
        BuiltPackError: one is damaged, or of a newer format.
    """
    packs = [load(built_path(data_dir, digest).read_bytes()) for digest in activation.packs.values()]
    return Rulebook.build(packs)


def schemes_of(data_dir: Path, activation: Activation) -> Schemes:
    """Load and index the schemes of an activation from the cache; raises as ``rulebook_of`` does."""
    return schemes.directories_of(built_path(data_dir, digest).read_bytes() for _, digest in activation.schemes)


def database_url(settings: Settings) -> str:
    """Return the database's address: the configured one, else that of the bundled one while it runs.

    Raises:
        Problem: neither is known; the service does not run.
    """
    if settings.database_url:
        return settings.database_url
    try:
        return (settings.data_dir / "run" / "database.url").read_text(encoding="utf-8")
    except OSError:
        raise Problem(NO_DATABASE, "start the service first, or set DIPCHECK_DATABASE_URL") from None


def activate_pack(settings: Settings, pack: CompiledPack, *, by: str, at: datetime | None = None) -> int:
    """Store a pack and make it the active one of its name from a time on; return the activation's number.

    Raises:
        Problem: the database does not answer.
        ValueError: the pack cannot stand beside the others that are active at that time; nothing was changed.
    """

    async def write() -> int:
        pool = Pool(database_url(settings))
        try:
            others = await _others(pool, pack.name, at)
            Rulebook.build([*others, pack])  # what the workers would refuse is refused here, where somebody reads it
            await stored.store(pool, stored.Built("pack", pack.digest, pack.name, pack.version, build(pack)))
            return await stored.activate(pool, name=pack.name, digest=pack.digest, activated_by=by, active_from=at)
        finally:
            await pool.close()

    return asyncio.run(write())


def activate_scheme(settings: Settings, scheme: Scheme, *, by: str, at: datetime | None = None) -> int:
    """Store a scheme and make it the active one of its name from a time on; return the activation's number.

    Raises:
        Problem: the database does not answer.
        ValueError: the scheme cannot be indexed; nothing was changed.
    """
    Directory.build(scheme)

    async def write() -> int:
        pool = Pool(database_url(settings))
        try:
            kept = stored.Built("scheme", scheme.digest, scheme.name, scheme.version, schemes.built(scheme))
            await stored.store(pool, kept)
            return await stored.activate(
                pool, name=scheme.name, digest=scheme.digest, activated_by=by, active_from=at, kind="scheme"
            )
        finally:
            await pool.close()

    return asyncio.run(write())


def withdraw_scheme(settings: Settings, name: str, *, by: str, at: datetime | None = None) -> int:
    """Take the scheme of a name out of use from a time on; return the activation's number.

    Raises:
        Problem: the database does not answer.
        LookupError: no scheme of that name is in use at that time.
    """

    async def write() -> int:
        pool = Pool(database_url(settings))
        try:
            active = await stored.generation(pool, at=at)
            if name not in dict(active.schemes):
                raise LookupError(f"no scheme `{name}` is in use")
            return await stored.activate(pool, name=name, digest=None, activated_by=by, active_from=at, kind="scheme")
        finally:
            await pool.close()

    return asyncio.run(write())


async def _others(pool: Pool, name: str, at: datetime | None) -> list[CompiledPack]:
    """Return the packs of other names that are active at a time."""
    active = await stored.generation(pool, at=at)
    built = [await stored.fetch(pool, digest) for other, digest in active.packs if other != name]
    return [load(data) for data in built if data is not None]


EXAMPLE: Final[dict[str, Any]] = {
    "message_id": "demo-1",
    "time": "2026-03-18 09:15:22",
    "patient": {"id": "demo", "sex": "female", "birth_date": "1958-03-12"},
    "visit": {"id": "MZ1", "type": "outpatient", "medical_type": "11", "insurance": "390"},
    "diagnoses": [{"code": "I10.x00x002", "name": "高血压"}],
    "lines": [
        {
            "id": "CF1-1",
            "item": "XG04CBD247E002010101503",
            "name": "度他雄胺软胶囊",
            "quantity": 1,
            "unit": "盒",
            "price": 52.8,
            "amount": 52.8,
        },
        {
            "id": "CF1-2",
            "item": "ZA12HAY0759010106725",
            "name": "银杏内酯注射液",
            "quantity": 6,
            "unit": "支",
            "price": 31,
            "amount": 186,
        },
    ],
}
"""An invented encounter that the starter pack has something to say about."""


def address(settings: Settings) -> str:
    """Return where the service answers, as a person on this machine would write it."""
    scheme = "https" if settings.tls_certificate else "http"
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::", ""} else settings.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def welcome(settings: Settings) -> str:
    """Return what a newcomer needs: where it serves, and a command that brings findings."""
    where = address(settings)
    key = "" if KeyRing.load(settings.data_dir, settings.api_key).empty else " -H 'Authorization: Bearer YOUR-KEY'"
    insecure = " -k" if settings.tls_certificate else ""
    body = shlex.quote(json.dumps(EXAMPLE, ensure_ascii=False))
    open_door = "" if key else "  open on loopback only: no API key is configured\n"
    return (
        f"dipcheck serves on {where}\n"
        f"  API documentation: {where}/docs\n"
        f"  data directory:    {settings.data_dir.absolute()}\n"
        f"{open_door}"
        f"Try it:\n\n"
        f"  curl -s{insecure}{key} {where}/v1/checks -H 'Content-Type: application/json' -d {body}\n"
    )


def describe(rulebook: Rulebook) -> bytes:
    """Return what a rulebook holds as JSON: packs, counts by kind, and what is listed but never evaluated."""
    counts: dict[str, int] = {}
    for entry in rulebook.entries:
        counts[entry.kind.name] = counts.get(entry.kind.name, 0) + 1
    return orjson.dumps(
        {
            "digest": rulebook.digest,
            "packs": [
                {"name": pack.name, "version": pack.version, "title": pack.title, "digest": pack.digest}
                for pack in rulebook.packs
            ],
            "rules": counts,
            "incomplete": [
                {"rule": rule.id, "title": rule.title, "item": rule.name, "note": rule.note}
                for rule in rulebook.incomplete
            ],
            "unset": sorted({name for entry in rulebook.entries for name in entry.rule.unset}),
        }
    )
