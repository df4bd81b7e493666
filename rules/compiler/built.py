"""Built packs: one file that starts a service without tables, parsing or a database.

The file, from its first byte: a line ``dipcheck-pack <format> <SHA-256 of all that follows>``, a line of JSON
(``Contents``: head, shapes, sections), then the sections, each zlib-compressed lines of JSON, one rule a line.
Loading proves the whole file, each kind's lines and the pack's own digest, so a changed byte is never a changed rule.
"""

import hashlib
import re
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from rules.compiler.sealing import Head, digest_of, head_of, lines_of, sections_of
from rules.kinds import KINDS
from rules.model import Rule, encode
from rules.pack import CompiledPack

FORMAT: Final = 1
CHUNK: Final = 10_000
"""Rules per section: bounds what is in memory beside the rules while a pack is loaded."""
LEVEL: Final = 6

_FIRST = re.compile(rb"^dipcheck-pack (\d{1,9}) ([0-9a-f]{64})$")
_AGAIN = "build it again from its folder"


class BuiltPackError(ValueError):
    """A built pack cannot be used; the message says why in one sentence."""


class Section(msgspec.Struct, frozen=True):
    """A run of lines of one kind and status."""

    name: str
    count: int
    size: int
    """Bytes in the file."""
    length: int
    """Bytes once unpacked."""


class Contents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The second line: all but the rules themselves."""

    digest: str
    head: Head
    shapes: dict[str, tuple[str, ...]]
    """Section name to the fields its rules may carry: a program that does not know one refuses the pack."""
    sections: tuple[Section, ...]


def build(pack: CompiledPack) -> bytes:
    """Return a pack as one file; the same pack gives the same bytes (with the same zlib)."""
    by_name = sections_of(pack.rules)
    sections: list[Section] = []
    bodies: list[bytes] = []
    for name, rules in by_name.items():
        for start in range(0, len(rules), CHUNK):
            chunk = rules[start : start + CHUNK]
            lines = lines_of(chunk)
            bodies.append(zlib.compress(lines, LEVEL))
            sections.append(Section(name, len(chunk), len(bodies[-1]), len(lines)))
    contents = Contents(
        digest=pack.digest,
        head=head_of(pack, {name: digest_of(lines_of(rules)) for name, rules in by_name.items()}),
        shapes={name: tuple(sorted(_shape(name).__struct_fields__)) for name in by_name},
        sections=tuple(sections),
    )
    rest = b"".join([encode(contents), b"\n", *bodies])
    return b"dipcheck-pack %d %s\n%s" % (FORMAT, digest_of(rest).encode(), rest)


def load(data: bytes) -> CompiledPack:
    """Return the pack a file holds, every digest verified. Raises ``BuiltPackError``: damaged, newer, unknown."""
    rest = _proved(memoryview(data))
    contents, bodies = _contents(rest)
    _check_shapes(contents)
    rules: dict[str, list[Rule]] = {}
    digests: dict[str, hashlib._Hash] = {}
    for section, lines in _sections(contents, bodies):
        digests.setdefault(section.name, hashlib.sha256()).update(lines)
        rules.setdefault(_kind(section.name), []).extend(_decode(section, lines))
    _check_digests(contents, {name: found.hexdigest() for name, found in digests.items()})
    head = contents.head
    return CompiledPack(
        name=head.name,
        version=head.version,
        title=head.title,
        digest=contents.digest,
        rules={kind: tuple(sorted(found, key=lambda rule: rule.id)) for kind, found in rules.items()},
        citations={citation.id: citation for citation in head.citations},
        parameters=head.parameters,
        words=head.words,
    )


def _proved(data: memoryview) -> memoryview:
    """Return what follows the first line, proved by the digest in it."""
    end = bytes(data[:100]).find(b"\n")
    found = _FIRST.match(bytes(data[: max(end, 0)]))
    if found is None:
        raise BuiltPackError("this is no built pack, or its first line is damaged")
    if int(found[1]) != FORMAT:
        raise BuiltPackError(f"the pack has format {int(found[1])}, this program reads {FORMAT}; {_AGAIN}")
    rest = data[end + 1 :]
    if hashlib.sha256(rest).hexdigest() != found[2].decode():
        raise BuiltPackError("the pack is damaged: its content does not match the digest in its first line")
    return rest


def _contents(rest: memoryview) -> tuple[Contents, memoryview]:
    data = bytes(rest[: 1 << 24])
    end = data.find(b"\n")
    try:
        contents = msgspec.json.decode(data[: max(end, 0)], type=Contents)
    except (msgspec.DecodeError, msgspec.ValidationError) as fault:
        raise BuiltPackError(f"the pack's list of contents cannot be read ({fault}); {_AGAIN}") from None
    return contents, rest[end + 1 :]


def _check_shapes(contents: Contents) -> None:
    for name, fields in contents.shapes.items():
        if _kind(name) not in KINDS:
            raise BuiltPackError(f"the pack holds rules of kind `{_kind(name)}`, which this program does not know")
        strange = set(fields) - set(_shape(name).__struct_fields__)
        if strange:
            listed = ", ".join(f"`{field}`" for field in sorted(strange))
            raise BuiltPackError(f"rules of kind `{_kind(name)}` carry {listed}, unknown to this program")


def _sections(contents: Contents, bodies: memoryview) -> Iterator[tuple[Section, bytes]]:
    start = 0
    for section in contents.sections:
        if section.name not in contents.shapes:
            raise BuiltPackError(f"section `{section.name}` has no shape; {_AGAIN}")
        unpacker = zlib.decompressobj()
        try:
            lines = unpacker.decompress(bodies[start : start + section.size], section.length)
        except zlib.error as fault:
            raise BuiltPackError(f"section `{section.name}` cannot be unpacked ({fault})") from None
        yield section, lines
        start += section.size
    if start != len(bodies):
        raise BuiltPackError("the pack's sections do not add up to its size")


def _decode(section: Section, lines: bytes) -> list[Rule]:
    try:
        found = msgspec.json.Decoder(_shape(section.name)).decode_lines(lines)
    except (msgspec.DecodeError, msgspec.ValidationError) as fault:
        raise BuiltPackError(f"section `{section.name}` does not fit this program ({fault}); {_AGAIN}") from None
    if len(found) != section.count:
        raise BuiltPackError(f"section `{section.name}` holds {len(found)} rules, not {section.count}")
    return found


def _check_digests(contents: Contents, sections: dict[str, str]) -> None:
    if sections != contents.head.sections:
        wrong = sorted(set(sections.items()) ^ set(contents.head.sections.items()))
        raise BuiltPackError(f"the rules of `{wrong[0][0]}` do not match their digest")
    if digest_of(encode(contents.head)) != contents.digest:
        raise BuiltPackError("the pack's content does not match the pack's digest")


def _kind(section: str) -> str:
    return section.partition("/")[2]


def _shape(section: str) -> type[Rule]:
    """Return the run form of a section: an incomplete rule has only what all kinds share."""
    rule: type[Rule] = KINDS[_kind(section)].rule
    return rule if section.startswith("active/") else Rule
