"""DIP schemes in use: which directory judges a stay, and where built schemes are cached (decision 6).

In: built schemes by digest. Out: ``Schemes``, from which a stay finds the scheme in force on its day. The one that was
activated last comes first, so that a hospital's own scheme stands before the extract that ships with the service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from rules.dip.compiler import build_scheme, compile_scheme, load_scheme
from rules.dip.directory import Directory
from rules.dip.model import Scheme

SHIPPED: Final = Path(__file__).resolve().parent.parent / "rules" / "dip" / "schemes"
STARTER: Final = SHIPPED / "national-3.0-extract"


@dataclass(frozen=True, slots=True)
class Schemes:
    """The directories in use, the one activated last first."""

    directories: tuple[Directory, ...] = ()

    def find(self, name: str | None = None, day: date | None = None) -> Directory | None:
        """Return the directory of a name, or the first that is in force on a day; ``None`` when there is none."""
        for directory in self.directories:
            scheme = directory.scheme
            if (name is None or scheme.name == name) and (day is None or in_force(scheme, day)):
                return directory
        return None


NO_SCHEMES: Final = Schemes()


def in_force(scheme: Scheme, day: date) -> bool:
    """Say whether a scheme holds for discharges on a day."""
    return (scheme.valid_from is None or scheme.valid_from <= day) and (
        scheme.valid_to is None or day <= scheme.valid_to
    )


def compile_starter() -> Scheme:
    """Return the scheme that ships and is in use until the hospital activates its own."""
    return compile_scheme(STARTER)


@cache
def shipped(name: str) -> Directory | None:
    """Return a scheme that ships, indexed; ``None`` when there is none of that name."""
    folders = {path.parent.name: path.parent for path in SHIPPED.glob("*/scheme.yaml")}
    return Directory.build(compile_scheme(folders[name])) if name in folders else None


def built(scheme: Scheme) -> bytes:
    """Return a scheme as the bytes that are stored."""
    return build_scheme(scheme)


def directories_of(files: Iterable[bytes]) -> Schemes:
    """Load and index built schemes, in order. Raises ``ValueError`` when one is damaged or of a newer format."""
    return Schemes(tuple(Directory.build(load_scheme(data)) for data in files))
