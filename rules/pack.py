"""A compiled pack: what the compiler hands to the engine, and what a built pack file holds.

A pack is known by its digest, which covers its content and not the file it travels in.
"""

from dataclasses import dataclass, field

from rules.model import Citation, Rule
from rules.words import Word


@dataclass(frozen=True, slots=True)
class CompiledPack:
    """Rules in run form by kind, their citations, and the pack's own name, version and parameters."""

    name: str
    version: str
    title: str
    digest: str
    rules: dict[str, tuple[Rule, ...]]
    """Kind name to its rules, incomplete ones included (they are listed, never evaluated)."""
    citations: dict[str, Citation] = field(default_factory=dict)
    parameters: dict[str, str | None] = field(default_factory=dict)
    """Parameters the sources leave open; ``None`` is unset."""
    words: tuple[Word, ...] = ()
    """Entries of the dictionaries rules read through."""
