"""The hash chain (证据链): one a hospital and worker, over what was really written, in the order it was written.

In: digests of rows. Out: links, each over the one before it, so that no row can be changed, taken out, put in or
moved without breaking the rest. Nothing here reads or writes; ``docs/evidence.md`` specifies the bytes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

VERSION: Final = "dipcheck evidence 1"
_ENCODER: Final = msgspec.json.Encoder()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_AS_THEY_ARE: Final = frozenset({str, int, bool, list, type(None)})
"""Types that JSON has, by themselves most of the columns."""

LASTING: Final[dict[str, tuple[str, ...]]] = {
    "verdict": (
        "hospital", "day", "id", "received", "dialect", "mode", "department", "doctor", "state", "amount",
        "elapsed_us", "engine", "rulebook", "overlay", "dictionary", "scheme", "content_digest", "caller", "key",
        "input", "verdict",
    ),
    "disposition": (
        "hospital", "day", "finding_id", "action", "reason_digest", "verdict_id", "number", "explained", "received",
        "dialect", "reason_code",
    ),
    "line_event": (
        "hospital", "day", "id", "verdict_id", "number", "lines", "action", "source", "received",
    ),
}  # fmt: skip
"""Columns that never change again: neither settling nor an erasure touches them."""
HASHED: Final = frozenset({"input", "verdict"})
"""Columns that go into a digest as their SHA-256: ciphertexts, which a receipt need not hold."""
IDENTITIES: Final[dict[str, tuple[str, ...]]] = {
    "verdict": ("id",),
    "disposition": ("finding_id", "action", "reason_digest"),
    "line_event": ("id",),
}
"""Columns that name a row beside hospital and day."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A row the chain is about: its table, what names it there, its partition day, and its digest."""

    table: str
    id: str
    day: date
    digest: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """One link: what the table ``evidence`` holds beside hospital and worker."""

    sequence: int
    subject: Subject
    day: date
    """Local day of writing; never before the link before it."""
    link: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands; before its first link ``sequence`` is 0."""

    sequence: int
    link: bytes
    day: date


def plain(value: Any) -> Any:
    """Return a column's value as digests and receipts write it: times in microseconds since 1970, bytes in hex."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return value


def digest_of(table: str, values: Sequence[Any]) -> bytes:
    """Return a row's digest from its lasting columns in order; those in ``HASHED`` as their SHA-256."""
    return hashlib.sha256(_ENCODER.encode([table, *map(plain, values)])).digest()


def identity_of(values: Iterable[Any]) -> str:
    """Return what names a row in the chain, from the columns of ``IDENTITIES``."""
    return "|".join(str(plain(value)) for value in values)


def genesis(hospital: str, worker: str, day: date) -> Head:
    """Return the head of a chain without links: it binds whose chain it is."""
    return Head(0, hashlib.sha256(_ENCODER.encode([VERSION, hospital, worker])).digest(), day)


def entry_of(sequence: int, subject: Subject, day: date) -> bytes:
    """Return the digest of what one link says; a receipt shows no more than this of its neighbours."""
    content = [sequence, subject.table, subject.id, str(subject.day), subject.digest.hex(), str(day)]
    return hashlib.sha256(_ENCODER.encode(content)).digest()


def link_of(previous: bytes, entry: bytes) -> bytes:
    """Return the link that follows one."""
    return hashlib.sha256(previous + entry).digest()


def extend(head: Head, subjects: Iterable[Subject], day: date) -> list[Link]:
    """Return the links of subjects behind a head; a clock that was put back does not take the day back."""
    day = max(day, head.day)
    links: list[Link] = []
    sequence, previous = head.sequence, head.link
    for subject in subjects:
        sequence += 1
        previous = link_of(previous, entry_of(sequence, subject, day))
        links.append(Link(sequence, subject, day, previous))
    return links


def vouched(hospital: str, worker: str, head: Head) -> bytes:
    """Return what a checkpoint's MAC is over."""
    return _ENCODER.encode([VERSION, "checkpoint", hospital, worker, head.sequence, head.link.hex(), str(head.day)])
