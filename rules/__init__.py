"""The pure core: encounter and rulebook in, verdict out. No HTTP, database, clock, logging or environment.

This is the public face; ``service`` imports from here and from ``rules.model``, ``rules.codes`` and ``rules.codings``.
"""

from rules.card import Card, cards
from rules.engine.check import ENGINE, check, needs
from rules.engine.reference import reference
from rules.engine.rulebook import Rulebook
from rules.kinds import KINDS
from rules.kinds._contract import Look
from rules.model import Encounter, Finding, Input, NotChecked, Verdict, encode
from rules.pack import CompiledPack

__all__ = [
    "ENGINE",
    "KINDS",
    "Card",
    "CompiledPack",
    "Encounter",
    "Finding",
    "Input",
    "Look",
    "NotChecked",
    "Rulebook",
    "Verdict",
    "cards",
    "check",
    "encode",
    "needs",
    "reference",
]
