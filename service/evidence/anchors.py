"""Anchors: checkpoints noted beside the database as well, in ``<data>/evidence/anchors.jsonl``.

In: checkpoints that were committed. Out: the last one of each chain, which shows if a chain's end was cut off in the
database. A witness and no record: losing the file is no error, and it never keeps anything from being recorded.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from service.evidence.chain import Head

FILE: Final = Path("evidence") / "anchors.jsonl"
_MOST_BYTES: Final = 8 * 1024 * 1024
"""Size at which only the last anchor of each chain is kept."""

Chain: TypeAlias = tuple[str, str]
"""Hospital and worker."""


class Anchor(msgspec.Struct, frozen=True):
    """A checkpoint as the file holds it; ``link`` and ``mac`` in hex."""

    hospital: str
    worker: str
    sequence: int
    link: str
    day: date
    mac: str

    @property
    def head(self) -> Head:
        """What it vouches for."""
        return Head(self.sequence, bytes.fromhex(self.link), self.day)


_DECODER: Final = msgspec.json.Decoder(Anchor)
_ENCODER: Final = msgspec.json.Encoder()


def read(path: Path) -> dict[Chain, Anchor]:
    """Return the last anchor of each chain; lines that are none are passed over. Raises ``OSError``."""
    last: dict[Chain, Anchor] = {}
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return last
    with file:
        for line in file:
            with contextlib.suppress(msgspec.DecodeError):
                anchor = _DECODER.decode(line)
                known = last.get((anchor.hospital, anchor.worker))
                if known is None or known.sequence <= anchor.sequence:
                    last[anchor.hospital, anchor.worker] = anchor
    return last


def append(path: Path, anchors: Iterable[Anchor]) -> None:
    """Note anchors behind the others, and shorten the file when it is long. Raises ``OSError``."""
    content = b"".join(_ENCODER.encode(anchor) + b"\n" for anchor in anchors)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(path.parent):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, content)
            long = os.fstat(descriptor).st_size > _MOST_BYTES
        finally:
            os.close(descriptor)
        if long:
            _shorten(path)


def _shorten(path: Path) -> None:
    last = read(path)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(_ENCODER.encode(anchor) + b"\n" for anchor in last.values())
    part.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other workers out: one that shortens the file must not lose what another appends."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
