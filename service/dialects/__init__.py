"""The registry of dialects, filled by walking this folder: a dialect is one file with one ``DIALECT`` in it.

Files that begin with ``_`` are parts of a dialect, or the contract, and are not walked.
"""

from importlib import import_module
from pathlib import Path
from typing import Final

from service.dialects._contract import Dialect


def _walk() -> dict[str, Dialect]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    dialects: list[Dialect] = [import_module(f"{__name__}.{name}").DIALECT for name in names]
    return {dialect.name: dialect for dialect in dialects}


DIALECTS: Final[dict[str, Dialect]] = _walk()
"""Dialect name to dialect, in name order."""
