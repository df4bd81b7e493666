"""API keys of calling systems: who may call, and for which hospital (decision 9).

Keys are kept hashed in ``<data>/keys/api-keys.json``; the key itself is shown once, when it is made. A lookup hashes
what was presented, so that neither file nor memory holds a usable key. People's accounts are another matter.
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path("keys") / "api-keys.json"
FROZEN: Final = Path("run") / "api-keys.json"
HEADERS: Final = (b"authorization", b"x-api-key", b"apikey")


@dataclass(frozen=True, slots=True)
class Caller:
    """A calling system: its name and the hospital its messages belong to (``None``: the message says)."""

    name: str
    hospital: str | None


ANYONE: Final = Caller("loopback", None)
"""Without a configured key the service is open on loopback only, and says so."""


def digest(key: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """Keys in force. Empty means open (the caller makes sure that this is loopback only)."""

    def __init__(self, callers: dict[str, Caller]) -> None:
        self._callers = callers

    @property
    def empty(self) -> bool:
        """No key is configured."""
        return not self._callers

    def caller(self, presented: str | None) -> Caller | None:
        """Return who presents a key, or ``None`` when it is not known."""
        if self.empty:
            return ANYONE
        return self._callers.get(digest(presented)) if presented else None

    @classmethod
    def load(cls, data_dir: Path, single: str | None = None) -> "KeyRing":
        """Read the keys in force, and the one key of the environment. Raises ``ValueError`` for a file that is no list.

        Under a parent these are the keys as they were when it started (``freeze``), so that a worker that has to be
        started again does not lock callers out with a key made since.
        """
        callers = {digest(single): Caller("environment", None)} if single else {}
        frozen = data_dir / FROZEN
        for entry in _entries(frozen if frozen.exists() else data_dir / FILE):
            callers[entry["sha256"]] = Caller(entry["name"], entry.get("hospital"))
        return cls(callers)


def presented(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return the key in a request's headers: ``Authorization: Bearer``, ``X-API-Key`` or ``apikey``."""
    found = {name: value for name, value in headers if name in HEADERS}
    bearer = found.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip().decode("latin-1")
    for name in HEADERS[1:]:
        if name in found:
            return found[name].strip().decode("latin-1")
    return None


def freeze(data_dir: Path) -> None:
    """Note the keys as they are now: what every worker of this start goes by."""
    frozen = data_dir / FROZEN
    frozen.unlink(missing_ok=True)
    frozen.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(frozen, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(_entries(data_dir / FILE), file, ensure_ascii=False)


def create(data_dir: Path, name: str, hospital: str | None) -> str:
    """Make a key, store its hash (mode 0600), and return the key: the only time it is seen.

    Raises ``ValueError`` when there is a key of that name.
    """
    path = data_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(entry["name"] == name for entry in _entries(path)):
        raise ValueError(f"a key named `{name}` is there already")
    key = "dip_" + secrets.token_urlsafe(32)
    entries = [*_entries(path), {"name": name, "hospital": hospital, "sha256": digest(key)}]
    partial = path.with_suffix(".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(entries, file, ensure_ascii=False, indent=1)
    partial.replace(path)
    return key


def _entries(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, list):
        raise ValueError(f"{path.name}: expected a list of keys")
    return content
