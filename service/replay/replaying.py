"""Judges a stored input again (重放). Pure: bytes, rulebook and scheme in; bytes out.

"The same" is said of the verdict's canonical bytes (decision 1): id, timings and a dialect's envelope stand outside.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from rules import ENGINE, Rulebook, check, encode
from rules.dip.directory import Directory
from rules.model import Digests, Encounter, Input, Overlay

_INPUT: Final = msgspec.json.Decoder(Input)


class _Judged(msgspec.Struct):
    """What judged, of a verdict of any version."""

    digests: Digests


_JUDGED: Final = msgspec.json.Decoder(_Judged)


class Unreadable(ValueError):
    """Stored bytes that are no input, or no verdict."""


@dataclass(frozen=True, slots=True)
class Again:
    """An input judged again."""

    encounter: Encounter
    verdict: bytes
    seconds: float
    """Of evaluation alone: without reading, decoding and encoding."""


def judge_again(given: bytes, rulebook: Rulebook, scheme: Directory | None, overlay: Overlay | None = None) -> Again:
    """Judge a stored input; ``overlay`` stands in for the stored one. Raises ``Unreadable``."""
    try:
        content = _INPUT.decode(given)
    except msgspec.MsgspecError as fault:
        raise Unreadable(type(fault).__name__) from None  # its text may quote the input
    if overlay is not None:
        content = replace(content, overlay=overlay)
    started = time.perf_counter()
    verdict = check(content, rulebook, scheme)
    seconds = time.perf_counter() - started
    return Again(content.encounter, encode(verdict), seconds)


def judged_by(verdict: bytes) -> Digests:
    """Return what a stored verdict says produced it. Raises ``Unreadable``."""
    try:
        return _JUDGED.decode(verdict).digests
    except msgspec.MsgspecError as fault:
        raise Unreadable(type(fault).__name__) from None


def digest_of(verdict: bytes) -> str:
    """Return the SHA-256 of a verdict's bytes."""
    return hashlib.sha256(verdict).hexdigest()


def same_engine(digests: Digests) -> bool:
    """Say whether this version of the engine made a verdict: only then must its bytes come out again."""
    return digests.engine == ENGINE


def department_of(encounter: Encounter, lines: tuple[int, ...], otherwise: str | None) -> str | None:
    """Return who ordered the first of a finding's lines, which is whom statistics count it for."""
    line = encounter.lines[lines[0]] if lines and lines[0] < len(encounter.lines) else None
    return (line and line.department) or otherwise
