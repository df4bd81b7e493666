"""Stage *seal*: a faultless pack in one fixed order, with the digest of its content.

The digest covers what decides a verdict and what is shown with it; not row order, file layout, cases or pages.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from rules.compiler.diagnostics import Report
from rules.compiler.drafts import Compiled, PlacedRule, Sealed
from rules.model import Citation, Rule, encode
from rules.pack import CompiledPack
from rules.words import Word

_LINES = msgspec.json.Encoder(order="deterministic")


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of a pack but its rules, which it names by digest."""

    name: str
    version: str
    title: str
    parameters: dict[str, str | None]
    citations: tuple[Citation, ...]
    sections: dict[str, str]
    """Section name to the SHA-256 of its lines."""
    words: tuple[Word, ...] = ()


def seal(compiled: Compiled, _report: Report) -> Sealed:
    """Return the pack. Only called when no stage found an error."""
    manifest = compiled.manifest
    if manifest is None:
        raise ValueError("a pack without a manifest cannot be sealed")
    citations = {found.citation.id: found.citation for found in compiled.citations}
    pack = CompiledPack(
        name=manifest.name,
        version=manifest.version,
        title=manifest.title,
        digest="",
        rules=_by_kind(compiled.rules),
        citations={name: citations[name] for name in sorted(citations)},
        parameters={name: manifest.parameters[name].value for name in sorted(manifest.parameters)},
        words=tuple(sorted(compiled.words, key=lambda word: (word.dictionary, word.hospital, word.code))),
    )
    sections = {name: digest_of(lines_of(rules)) for name, rules in sections_of(pack.rules).items()}
    return Sealed(replace(pack, digest=digest_of(encode(head_of(pack, sections)))), compiled.cases)


def head_of(pack: CompiledPack, sections: dict[str, str]) -> Head:
    """Return a pack's head, given the digests of its sections."""
    return Head(
        name=pack.name,
        version=pack.version,
        title=pack.title,
        parameters=pack.parameters,
        citations=tuple(pack.citations[name] for name in sorted(pack.citations)),
        sections=sections,
        words=pack.words,
    )


def _by_kind(found: Iterable[PlacedRule]) -> dict[str, tuple[Rule, ...]]:
    kinds: dict[str, list[Rule]] = {}
    for placed in found:
        kinds.setdefault(placed.kind, []).append(placed.rule)
    return {kind: tuple(sorted(kinds[kind], key=lambda rule: rule.id)) for kind in sorted(kinds)}


def sections_of(rules: Mapping[str, tuple[Rule, ...]]) -> dict[str, tuple[Rule, ...]]:
    """Split each kind's rules into those that run and those that are only listed: ``active/sex_limit`` …"""
    sections: dict[str, tuple[Rule, ...]] = {}
    for kind in sorted(rules):
        for status in ("active", "incomplete"):
            found = tuple(rule for rule in rules[kind] if rule.status == status)
            if found:
                sections[f"{status}/{kind}"] = found
    return sections


def lines_of(rules: Iterable[Rule]) -> bytes:
    """Return the canonical lines of rules: one JSON object a line."""
    return _LINES.encode_lines(tuple(rules))


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
