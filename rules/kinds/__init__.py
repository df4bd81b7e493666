"""The registry of kinds, filled by walking this folder: a kind is one file with one ``KIND`` in it."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from rules.kinds._contract import RuleKind

AnyKind = RuleKind[Any, Any, Any]


def _walk() -> dict[str, AnyKind]:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    kinds = [import_module(f"{__name__}.{name}").KIND for name in names]
    return {kind.name: kind for kind in kinds}


KINDS: Final[dict[str, AnyKind]] = _walk()
"""Kind name to kind, in name order."""
