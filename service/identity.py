"""Who is who without saying who: keyed pseudonyms, and ids of verdicts and findings that prove themselves.

In: one secret key of 32 bytes, made at first start and shared by replicas as a copied file. Out: a pseudonym for
a person's id, an id for a verdict, an id for a finding. Each id carries a keyed tag, so that any worker of any
replica says without a database whether an id is one of ours (decision 2).
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32
TAG_BYTES: Final = 4
MAX_FINDING_NUMBER: Final = 0xFFFFF
"""A finding's number has five hex digits at most, which keeps its id within 50 characters."""

_UUID_LENGTH: Final = 36
TAG_HEX: Final = 2 * TAG_BYTES
_CACHED_PSEUDONYMS: Final = 8192


BESIDE: Final = "+"
"""Joins the numbers of further findings of a verdict to the id of one (``finding_ids.joined``)."""


class Identity:
    """Makes and recognises ids with one key. Cheap to call: a few microseconds each."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the pseudonym key must have {KEY_BYTES} bytes, not {len(key)}")
        # One key per purpose: a tag seen outside says nothing about a pseudonym.
        self._person_key = _derive(key, b"pseudonym")
        self._verdict_key = _derive(key, b"verdict")
        self._finding_key = _derive(key, b"finding")
        self.pseudonym: Callable[[str], str] = lru_cache(maxsize=_CACHED_PSEUDONYMS)(self._pseudonym)
        """A person's id to 32 hex digits; ``""`` stays ``""``, so that unknown persons are not one person."""

    @classmethod
    def open(cls, data: Path) -> "Identity":
        """Return the identity of a data directory, making its key file at first start.

        Raises ``OSError`` when it cannot be read or made, ``ValueError`` when it is not a key.
        """
        return cls(load_key(data / "keys" / "pseudonym.key"))

    def verdict_id(
        self, hospital: str, message_id: str | None, content_digest: bytes, digests: bytes, now: datetime
    ) -> str:
        """Return a verdict's id: the same for the same message, content and digests on any replica.

        Without a message id nothing says that two calls are one, so every call gets its own id, in order of time.
        ``now`` (aware) is read only then.
        """
        if message_id:
            return self._tagged(_digest(hospital.encode(), message_id.encode(), content_digest, digests), version=8)
        milliseconds = int(now.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
        return self._tagged(milliseconds.to_bytes(6) + secrets.token_bytes(6), version=7)

    def is_genuine(self, verdict_id: str) -> bool:
        """Say whether a verdict id was made with this key (a forged one passes once in four thousand million)."""
        try:
            raw = uuid.UUID(verdict_id).bytes
        except ValueError:
            return False
        return hmac.compare_digest(raw[12:], self._verdict_tag(raw[:12]))

    def finding_id(self, verdict_id: str, number: int) -> str:
        """Return the id of a verdict's finding, counted from 1, in at most 50 characters (``jr_id``).

        Raises ``ValueError`` beyond ``MAX_FINDING_NUMBER``.
        """
        if not 1 <= number <= MAX_FINDING_NUMBER:
            raise ValueError(f"a finding's number must be within 1 and {MAX_FINDING_NUMBER}")
        return f"{verdict_id}-{number:x}{self._finding_tag(verdict_id, number)}"

    def parse_finding_id(self, text: str) -> tuple[str, int] | None:
        """Return (verdict id, number) of a finding id made with this key, else ``None``. Case does not matter.

        ``<finding id>+<number>`` names another finding of the same verdict, folded into one card with the first.
        """
        text, plus, other = text.strip().lower().partition(BESIDE)
        if plus:
            first, beside = self.parse_finding_id(text), _hex_number(other)
            return (first[0], beside) if first is not None and beside is not None else None
        verdict_id, digits, tag = text[:_UUID_LENGTH], text[_UUID_LENGTH + 1 : -TAG_HEX], text[-TAG_HEX:]
        number = _hex_number(digits)
        if number is None or text[_UUID_LENGTH] != "-" or not tag.isascii():
            return None
        if not hmac.compare_digest(tag, self._finding_tag(verdict_id, number)) or not self.is_genuine(verdict_id):
            return None
        return verdict_id, number

    def _pseudonym(self, text: str) -> str:
        return hmac.digest(self._person_key, text.encode("utf-8", "surrogatepass"), "sha256")[:16].hex() if text else ""

    def _tagged(self, head: bytes, *, version: int) -> str:
        """Return the UUID of 12 bytes and their tag. The six fixed bits are set before the tag is taken."""
        raw = bytearray(head[:12])
        raw[6] = raw[6] & 0x0F | version << 4
        raw[8] = raw[8] & 0x3F | 0x80
        return str(uuid.UUID(bytes=bytes(raw) + self._verdict_tag(bytes(raw))))

    def _verdict_tag(self, head: bytes) -> bytes:
        return _tag(self._verdict_key, head)

    def _finding_tag(self, verdict_id: str, number: int) -> str:
        return _tag(self._finding_key, f"{verdict_id}/{number}".encode()).hex()


def load_key(path: Path) -> bytes:
    """Return the key in a file, making it (mode 0600) if there is none. Safe when several processes start at once.

    Raises ``OSError`` when it cannot be read or made.
    """
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        _write_private(draft, secrets.token_bytes(KEY_BYTES))
        # A link, not a rename: the first process wins and nobody's key is replaced.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        _sync_directory(path.parent)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, "sha256")


def _tag(key: bytes, message: bytes) -> bytes:
    """Return a keyed BLAKE2b tag: a MAC by design, and five times as quick as HMAC on messages this short."""
    return hashlib.blake2b(message, key=key, digest_size=TAG_BYTES).digest()


def _digest(*parts: bytes) -> bytes:
    """Return SHA-256 of the parts, each with its length before it, so that no two lists read the same."""
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()


def _hex_number(digits: str) -> int | None:
    """Return the number written exactly as ``finding_id`` writes it, else ``None``."""
    try:
        number = int(digits, 16)
    except ValueError:
        return None
    return number if 1 <= number <= MAX_FINDING_NUMBER and f"{number:x}" == digits else None
