"""A case in normal terms: its codes, main operation and attribute, as the steps of the grouper hand it on."""

from typing import Final

from rules.dip.codes import Attribute
from rules.dip.model import Case
from rules.dip.normalise import Normaliser

BARE_CATEGORY: Final = 3


class Coded:
    """One case while it is grouped. The ``operations`` step changes it; nothing else does."""

    attribute: Attribute | None = "conservative"
    levels: tuple[int, ...] = ()
    """Surgery levels the case may have."""
    unknown: tuple[str, ...] = ()
    """Operations without a known attribute."""
    effects: tuple[tuple[str, str], ...] = ()
    """(operation, effect) of the exclusion list where it changed something."""
    conservative_because: str = ""
    """The excluded operation that makes the case conservative."""
    operations: tuple[str, ...] = ()
    """Main operation first."""
    main: str = ""
    _others: tuple[str, ...] | None = None

    def __init__(self, case: Case, normaliser: Normaliser) -> None:
        self.case = case
        self.normaliser = normaliser
        self.principal = principal = normaliser.principal(case.principal)
        self.code = principal if len(principal) != BARE_CATEGORY else f"{principal}.x"
        """What prefixes of the catalogue are compared with: a bare category is padded (N40.x, dip facts 2.1)."""
        if case.operations:
            self.operations = operations = normaliser.operations(case.operations)
            if operations:
                self.main = operations[0]

    @property
    def others(self) -> tuple[str, ...]:
        """Other diagnoses in normal form; most rows never ask for them."""
        if self._others is None:
            self._others = self.normaliser.diagnoses(self.case.others)
        return self._others
