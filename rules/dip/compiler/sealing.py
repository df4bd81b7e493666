"""A faultless scheme in one fixed order, its digest, and the one file that holds it.

The digest covers what decides a grouping, points or money, and what is shown with them; the order of the catalogue's
rows (``catalogue_order``), but not that of other tables, nor cases and pages. The file: a line ``dipcheck-scheme
<format> <SHA-256 of what follows>``, then the scheme's canonical JSON, zlib-compressed.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from rules.dip.compiler.faults import SchemeFileError
from rules.dip.model import Scheme
from rules.model import encode

FORMAT: Final = 1
LARGEST: Final = 1 << 29
"""Bytes of JSON that a file may unpack to."""
_FIRST: Final = re.compile(rb"dipcheck-scheme (\d{1,9}) ([0-9a-f]{64})")
_AGAIN: Final = "build it again from its folder"

T = TypeVar("T", bound=msgspec.Struct)


def sealed(scheme: Scheme) -> Scheme:
    """Return a scheme with its digest."""
    plain: Scheme = _plain(scheme)
    return msgspec.structs.replace(plain, digest=_digest(_content(plain)))


def _plain(value: Any) -> Any:
    """Return a value whose fields are the very defaults where they equal them.

    Encoding leaves out a default only if it is that object; so a default that is written and one that is not give the
    same bytes.
    """
    if isinstance(value, msgspec.Struct):
        fields = _defaults(type(value))
        return type(value)(
            **{name: _plain(given) for name, default in fields if (given := getattr(value, name)) != default}
        )
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return {key: _plain(given) for key, given in value.items()}
    return value


@lru_cache(maxsize=64)
def _defaults(noun: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """Return each field of a noun with its default, or with what equals nothing."""
    found = []
    for field in msgspec.structs.fields(noun):
        made = field.default_factory is not msgspec.NODEFAULT
        found.append((field.name, field.default_factory() if made else field.default))
    return tuple(found)


def in_order(found: Iterable[T]) -> tuple[T, ...]:
    """Return nouns in the order of their bytes, which no file layout changes."""
    return tuple(sorted(found, key=encode))


def build_scheme(scheme: Scheme) -> bytes:
    """Return a scheme as one file; the same scheme gives the same bytes (with the same zlib)."""
    body = zlib.compress(_content(scheme), 6)
    return b"dipcheck-scheme %d %s\n%s" % (FORMAT, hashlib.sha256(body).hexdigest().encode(), body)


def load_scheme(data: bytes) -> Scheme:
    """Return the scheme a file holds, proved. Raises ``SchemeFileError``: damaged, newer, or of another program."""
    line, _, body = data.partition(b"\n")
    found = _FIRST.fullmatch(line)
    if found is None:
        raise SchemeFileError("this is no built scheme, or its first line is damaged")
    if int(found[1]) != FORMAT:
        raise SchemeFileError(f"the scheme has format {int(found[1])}, this program reads {FORMAT}; {_AGAIN}")
    if hashlib.sha256(body).hexdigest() != found[2].decode():
        raise SchemeFileError("the scheme is damaged: its content does not match the digest in its first line")
    content = _unpacked(body)
    try:
        scheme = msgspec.json.decode(content, type=Scheme)
    except (msgspec.DecodeError, msgspec.ValidationError) as fault:
        raise SchemeFileError(f"the scheme does not fit this program ({fault}); {_AGAIN}") from None
    if encode(scheme) != content:  # a field this program does not know would be dropped without a word
        raise SchemeFileError(f"the scheme says what this program does not know; {_AGAIN}")
    return msgspec.structs.replace(scheme, digest=_digest(content))


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(body, LARGEST)
    except zlib.error as fault:
        raise SchemeFileError(f"the scheme cannot be unpacked ({fault})") from None
    if not unpacker.eof or unpacker.unused_data:
        raise SchemeFileError("the scheme cannot be unpacked: it is cut off, or something follows it")
    return content


def _content(scheme: Scheme) -> bytes:
    return encode(msgspec.structs.replace(scheme, digest=""))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
