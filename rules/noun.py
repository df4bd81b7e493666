"""The base of all nouns that are stored."""

import msgspec


class Noun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of the nouns that are stored: immutable, compared by value, absent fields left out of the bytes.

    None can be part of a cycle, so the garbage collector need not walk them (a rulebook has hundreds of thousands).
    """
