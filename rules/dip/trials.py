"""What-if groupings over codes that are already recorded: the ground of moves and of signs (dip facts 6.1).

Nothing outside the record is ever tried, and only what the catalogue gives a reason to (``rules.dip.ownership``). Most
records give none: then nothing is grouped a second time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import islice

from msgspec.structs import replace

from rules.dip.auxiliary import typings
from rules.dip.directory import Directory
from rules.dip.grouper import group
from rules.dip.model import Assessed, Case, Grouping
from rules.dip.naming import diagnosis_name, operation_name, quoted
from rules.dip.normalise import is_tcm
from rules.dip.ownership import ownership
from rules.dip.points import points

MAIN_TRIED = 12
OTHERS_TRIED = 24
"""So many of a case's operations and other diagnoses are tried: real records hold fewer, hostile ones cost no more."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Where the case would be with other codes first."""

    grouping: Grouping
    name: str
    points: Decimal | None
    """Standard points, of a case of normal cost."""


class Trials:
    """One case under one directory, and what-if groupings of it, each made once."""

    def __init__(self, case: Case, assessed: Assessed, directory: Directory) -> None:
        self.case = case
        self.assessed = assessed
        self.directory = directory
        self.ownership = ownership(directory)
        self.principal = assessed.grouping.principal or directory.normaliser.principal(case.principal)
        self.counting = assessed.grouping.operations
        """Operations that count for grouping, in normal form, the main one first."""
        self._made: dict[tuple[str, tuple[str, ...]], Trial] = {}

    @cached_property
    def others(self) -> dict[str, str]:
        """Other diagnoses in normal form, each once in its order, with the text it came as."""
        normal, found = self.directory.normaliser.principal, dict[str, str]()
        for text in self.case.others:
            code = normal(text)
            if code and code != self.principal and not is_tcm(code):
                found.setdefault(code, text)
        return found

    @cached_property
    def operations(self) -> dict[str, str]:
        """Operations in normal form, each once in its order, with the text it came as."""
        normal, found = self.directory.normaliser.operations, dict[str, str]()
        for text in self.case.operations:
            for code in normal((text,)):
                found.setdefault(code, text)
        return found

    @cached_property
    def arose(self) -> frozenset[str]:
        """Diagnoses that arose in hospital."""
        absent = self.case.absent_on_admission
        return frozenset(self.directory.normaliser.diagnoses(absent)) if absent else frozenset()

    @property
    def now(self) -> Decimal | None:
        """Standard points of the present group."""
        return self.assessed.points.standard_points

    def called(self, code: str) -> str:
        """Return a code of the record (or an ordered one) with its name, for a message."""
        known = operation_name if code in self.operations else diagnosis_name
        name = known(code, self.directory) or operation_name(code, self.directory)
        return quoted(code, name)

    def owned(self, diagnosis: str) -> tuple[str, ...]:
        """Return the recorded operations that belong to a diagnosis by the catalogue."""
        owned = self.ownership.of(diagnosis)
        if not owned.whole and not owned.prefixes:
            return ()
        return tuple(code for code in self.counting[:MAIN_TRIED] if owned.holds(code))

    def main_candidates(self) -> tuple[str, ...]:
        """Return recorded operations, but the main one, that a row of the principal diagnosis, or of any, names."""
        if len(self.counting) <= 1:
            return ()
        owned, of_any = self.ownership.of(self.principal), self.ownership.of_any
        return tuple(code for code in self.counting[1:MAIN_TRIED] if owned.holds(code) or of_any.holds(code))

    def may_be_principal(self, code: str) -> bool:
        """Say whether a code can be grouped by as principal diagnosis."""
        return self.directory.principals.refused(code, None) is None

    def candidates(self) -> Iterator[str]:
        """Yield other diagnoses that could have been the reason of admission: present then, and allowed as such."""
        for code in islice(self.others, OTHERS_TRIED):
            if code not in self.arose and self.may_be_principal(code):
                yield code

    def with_main(self, operation: str) -> Trial:
        """Return the case with a recorded operation as its main one."""
        return self._try(self.principal, (operation, *(code for code in self.counting if code != operation)))

    def with_principal(self, diagnosis: str, operation: str = "") -> Trial:
        """Return the case with a recorded diagnosis as principal, and a recorded operation first if one is named."""
        operations = self.counting
        if operation:
            operations = (operation, *(code for code in operations if code != operation))
        return self._try(diagnosis, operations)

    def without(self, code: str) -> Trial:
        """Return the case without a recorded operation or other diagnosis."""
        kept = tuple(found for found in self.operations if found != code)
        case = replace(
            self._case(self.principal, kept),
            others=tuple(sent for found, sent in self.others.items() if found != code),
        )
        return self._of(case, same_codes=False)

    def with_ordered(self, operation: str, *, first: bool) -> Trial:
        """Return the case once an ordered operation is done."""
        operations = tuple(self.case.operations)
        ordered = (operation, *operations) if first else (*operations, operation)
        return self._of(replace(self.case, operations=ordered))

    def _try(self, principal: str, operations: tuple[str, ...]) -> Trial:
        key = (principal, operations)
        if key not in self._made:
            self._made[key] = self._of(self._case(principal, operations))
        return self._made[key]

    def _case(self, principal: str, operations: tuple[str, ...]) -> Case:
        """Return the case with its codes in another order, each as it was sent."""
        sent = {self.principal: self.case.principal, **self.others}
        return replace(
            self.case,
            principal=sent[principal],
            others=tuple(text for code, text in sent.items() if code != principal),
            operations=tuple(self.operations[code] for code in operations),
        )

    def _of(self, case: Case, *, same_codes: bool = True) -> Trial:
        """Group a case; with the same codes in another order, points are counted only where the group is another."""
        found = group(case, self.directory)
        known = self.directory.groups.get(found.group)
        name = known.name if known else ""
        if same_codes and found.group == self.assessed.grouping.group:
            return Trial(found, name, self.now)
        counted = points(case, found, typings(case, found, self.directory), self.directory)
        return Trial(found, name, counted.standard_points)
