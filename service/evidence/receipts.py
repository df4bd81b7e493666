"""The receipt of one verdict (存证凭证): enough to prove, with the key file and nothing else, that it was recorded.

In: what the database holds of the verdict's link. Out: a ``Receipt``, and what is wrong with one that is handed in. It
holds digests of what was evaluated and answered and no word of either, so it can be shown to others.
"""

import hmac
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec

from service.db.evidence import Held
from service.evidence.chain import (
    LASTING,
    VERSION,
    Head,
    Subject,
    digest_of,
    entry_of,
    link_of,
    plain,
    vouched,
)
from service.sealing import Sealer


class Entry(msgspec.Struct, frozen=True):
    """The verdict's link; bytes in hex, days as in 2026-03-18."""

    worker: str
    sequence: int
    day: str
    digest: str
    previous: str
    link: str


class Point(msgspec.Struct, frozen=True):
    """The next checkpoint of the chain, at or behind the verdict's link."""

    sequence: int
    link: str
    day: str
    mac: str


class Receipt(msgspec.Struct, frozen=True):
    """A verdict's receipt. ``docs/evidence.md`` says how to check one without this program."""

    version: str
    verdict: dict[str, Any]
    """The lasting columns; ``received`` in microseconds since 1970, ``input`` and ``verdict`` as SHA-256 of what is
    stored, sealed."""
    entry: Entry
    following: tuple[str, ...] = ()
    """What the links from the verdict's to the checkpoint say, as their digests, in order."""
    checkpoint: Point | None = None
    """``None``: the next one is not made yet."""


_DECODER: Final = msgspec.json.Decoder(Receipt)


def receipt_of(held: Held) -> Receipt:
    """Return the receipt of what the database holds."""
    link, point = held.link, held.checkpoint
    return Receipt(
        version=VERSION,
        verdict={name: plain(held.row[name]) for name in LASTING["verdict"]},
        entry=Entry(
            worker=str(link["worker"]),
            sequence=link["sequence"],
            day=str(link["day"]),
            digest=link["digest"].hex(),
            previous=held.previous.hex(),
            link=link["link"].hex(),
        ),
        following=tuple(
            entry_of(
                row["sequence"],
                Subject(row["subject"], row["subject_id"], row["subject_day"], row["digest"]),
                row["day"],
            ).hex()
            for row in held.following
        ),
        checkpoint=None
        if point is None
        else Point(point["sequence"], point["link"].hex(), str(point["day"]), point["mac"].hex()),
    )


def read(content: bytes) -> Receipt:
    """Return a receipt from its bytes. Raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(content)


def faults_of(receipt: Receipt, sealer: Sealer | None) -> Iterable[str]:
    """Yield what is wrong with a receipt; nothing if it proves its verdict.

    Without a ``sealer`` only what anybody can compute is checked: that its parts fit together.
    """
    try:
        yield from _faults(receipt, sealer)
    except (ValueError, TypeError, KeyError, AttributeError, msgspec.MsgspecError):
        yield "a value is not in its form"


def _faults(receipt: Receipt, sealer: Sealer | None) -> Iterable[str]:
    entry, point = receipt.entry, receipt.checkpoint
    if receipt.version != VERSION:
        yield f"this program checks receipts of version {VERSION!r}"
        return
    if set(receipt.verdict) != set(LASTING["verdict"]):
        yield "the verdict's columns are not those of a receipt"
        return
    digest = digest_of("verdict", [receipt.verdict[name] for name in LASTING["verdict"]])
    if digest.hex() != entry.digest:
        yield "the verdict's columns are not those the link is about"
    hospital, day = receipt.verdict["hospital"], _day(receipt.verdict["day"])
    subject = Subject("verdict", receipt.verdict["id"], day, bytes.fromhex(entry.digest))
    link = link_of(bytes.fromhex(entry.previous), entry_of(entry.sequence, subject, _day(entry.day)))
    if link.hex() != entry.link:
        yield "the link does not follow from the one before it and from what it says"
    if point is None:
        yield "no checkpoint vouches for the link yet: have the receipt made again in a minute or two"
        return
    for following in receipt.following:
        link = link_of(link, bytes.fromhex(following))
    if link.hex() != point.link or entry.sequence + len(receipt.following) != point.sequence:
        yield "the links do not lead to the checkpoint"
    head = Head(point.sequence, bytes.fromhex(point.link), _day(point.day))
    if sealer is not None:
        mac = sealer.mac(vouched(hospital, entry.worker, head))
        if not hmac.compare_digest(mac, bytes.fromhex(point.mac)):
            yield "the checkpoint's MAC was not made with this key"


def _day(text: object) -> date:
    return msgspec.convert(text, type=date)


def differences(receipt: Receipt, now: Receipt | None) -> Iterable[str]:
    """Yield how the database differs from a receipt: a later checkpoint of the same chain is no difference."""
    if now is None:
        yield "the database has no such verdict, or no link about it"
        return
    for name in LASTING["verdict"]:
        if receipt.verdict[name] != now.verdict[name]:
            yield f"{name} is another one in the database"
    if receipt.entry != now.entry:
        yield "the link is another one in the database"
    if receipt.checkpoint is not None and receipt.checkpoint != now.checkpoint:
        yield "the checkpoint is another one in the database"
