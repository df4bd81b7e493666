"""Rows of the catalogue that say the same, and rows that no case can reach."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final

from rules.compiler.diagnostics import Place, Report
from rules.dip.compiler.drafts import Drafted, Placed
from rules.dip.compiler.ties import check_ties, covers
from rules.dip.model import Group, Row, Scheme, Step

_WHO: Final = tuple(
    name
    for name in Row.__struct_fields__
    if name not in {"group", "number", "layer", "diagnoses", "attribute", "main", "related"}
)
"""Fields that decide, beside operations and principal diagnosis, whether a row fits."""
ALL: Final = "all"
"""In place of a signature: any case."""
EVERY: Final = ("",)
"""A row that names no principal diagnosis holds for each: the empty prefix."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A row that a step can find, and what decides whether it fits, beside the principal diagnosis."""

    placed: Placed[Row]
    step: Step
    signature: Hashable

    @property
    def row(self) -> Row:
        """The row."""
        return self.placed.noun


def check_overlaps(drafted: Drafted, scheme: Scheme, report: Report) -> None:
    """Compare the rows that a step can find, each with those before it."""
    layers = drafted.tables.layers
    found = [placed for placed in drafted.rows if placed.noun.layer in layers]
    rows = [Signed(placed, step := layers[placed.noun.layer], _signature(placed.noun, step)) for placed in found]
    same = _check_same(rows, {group.code: group for group in scheme.groups}, report)
    rules = _Removed(scheme)
    reachable = [signed for signed in rows if not rules.note(signed, report)]
    _check_shadows(reachable, drafted, report)
    if not report.failed:  # the grouper is asked, and it groups by faultless schemes
        check_ties([signed.placed for signed in reachable if id(signed.placed) not in same], drafted, scheme, report)


def _signature(row: Row, step: Step) -> Hashable:
    """Return what decides whether a row fits, beside the principal diagnosis."""
    related = frozenset() if step.related == "ignored" else frozenset(map(frozenset, row.related))
    who = tuple(frozenset(value) if isinstance(value := getattr(row, name), tuple) else value for name in _WHO)
    return (step.operation_match, frozenset(map(frozenset, row.main)), related, who)


def _check_same(rows: Iterable[Signed], groups: dict[str, Group], report: Report) -> frozenset[int]:
    """Note rows of one layer that fit the very same cases; return them."""
    first: dict[Hashable, Signed] = {}
    found: set[int] = set()
    for signed in rows:
        row = signed.row
        for diagnosis in row.diagnoses or EVERY:
            twin = first.setdefault((row.layer, signed.signature, diagnosis), signed)
            if twin is signed or _parted(groups.get(row.group), groups.get(twin.row.group), signed.step):
                continue
            found.add(id(signed.placed))
            _report_twin(signed.placed, twin.placed, diagnosis, report)
            break
    return frozenset(found)


def _parted(one: Group | None, other: Group | None, step: Step) -> bool:
    """Two groups of the same cases may be meant if the case's cost chooses between them."""
    if "nearest_mean_cost" not in step.prefer or one is None or other is None or one is other:
        return False
    return one.mean_cost is not None and other.mean_cost is not None and one.mean_cost != other.mean_cost


def _report_twin(placed: Placed[Row], twin: Placed[Row], diagnosis: str, report: Report) -> None:
    what = f"`{diagnosis}`" if diagnosis else "any diagnosis"
    if placed.noun.group == twin.noun.group:
        message = f"the row says the same as row {twin.place.row} of `{twin.noun.group}`"
        report.at(placed.place, "UNREACHABLE_ROW", message, column="group", help="remove one of them")
        return
    message = f"`{placed.noun.group}` and `{twin.noun.group}` take the same cases of {what}"
    help = f"see {twin.place.file}, row {twin.place.row}; keep one, or say what parts them"
    report.at(placed.place, "OVERLAPPING_ROWS", message, column="group", help=help)


class _Removed:
    """What a scheme takes out before a row is looked for."""

    def __init__(self, scheme: Scheme) -> None:
        steps = {step.step for step in scheme.steps}
        exclusions = scheme.normalisation.exclusions if "operations" in steps else ()
        self.rules = scheme.normalisation
        self.judged = "principal" in steps
        self.removed = {one.code for one in exclusions if one.effect == "removed"}
        self.never_main = {one.code for one in exclusions if one.effect == "not_main"}

    def note(self, signed: Signed, report: Report) -> bool:
        """Note a row that contradicts itself or asks for what is taken out, and say so."""
        problem = self.contradiction(signed.row, signed.step)
        if problem:
            column, message = problem
            help = "no case can reach this row"
            report.at(signed.placed.place, "UNREACHABLE_ROW", message, column=column, help=help)
        return bool(problem)

    def contradiction(self, row: Row, step: Step) -> tuple[str, str] | None:
        """Return the column at fault and why no case can reach a row."""
        needed = row.related if step.related == "complete" else ()
        for column, parts in (("main_op", row.main), ("related_op", needed)):
            for part in parts:
                if self.removed.issuperset(part):
                    return column, f"`{'|'.join(part)}` is removed before grouping"
        if len(row.main) == 1 and not row.anywhere and self.never_main.issuperset(row.main[0]):
            return "main_op", f"`{'|'.join(row.main[0])}` may not be the main operation"
        if self.judged and row.diagnoses and all(map(self.is_excluded, row.diagnoses)):
            return "dx", "no diagnosis of the row may be principal"
        others = row.other_diagnoses
        if others and all(covers(row.without_diagnoses, code) for code in others):
            return "without_dx", "without_dx forbids all that other_dx asks for"
        return None

    def is_excluded(self, code: str) -> bool:
        """Say whether no code that ``code`` stands for may be principal."""
        whole = code.removeprefix("=")
        if whole.startswith(self.rules.not_principal):
            return True
        if self.rules.excluded_match == "prefix":
            return whole.startswith(self.rules.excluded_principal)
        return code.startswith("=") and whole in self.rules.excluded_principal


def _check_shadows(rows: Iterable[Signed], drafted: Drafted, report: Report) -> None:
    """Note rows whose every case an earlier step has already placed."""
    by_layer: dict[str, list[Signed]] = {}
    for signed in rows:
        by_layer.setdefault(signed.row.layer, []).append(signed)
    taken: dict[tuple[Hashable, str], Place] = {}
    seen: set[str] = set()
    for step in drafted.tables.written.manifest.steps:
        here = [signed for layer in step.layers if layer not in seen for signed in by_layer.get(layer, ())]
        seen.update(step.layers)
        for signed in here if taken else ():
            shadow = _shadow(signed, taken)
            if shadow is not None:
                message = f"every case of this row is placed by row {shadow.row}, in an earlier step"
                help = "no case can reach this row"
                report.at(signed.placed.place, "UNREACHABLE_ROW", message, column="layer", help=help)
        for signed in here if not step.require else ():
            keys = (signed.signature, ALL) if _takes_all(signed.row) else (signed.signature,)
            for diagnosis in signed.row.diagnoses or EVERY:
                for key in keys:
                    taken.setdefault((key, diagnosis), signed.placed.place)


def _takes_all(row: Row) -> bool:
    """Say whether a row takes any case of its diagnoses."""
    return row.any_operations and not any(getattr(row, name) for name in _WHO if name != "any_operations")


def _shadow(signed: Signed, taken: dict[tuple[Hashable, str], Place]) -> Place | None:
    """Return the place of an earlier row for every diagnosis of this one, ``None`` if one is left."""
    place = None
    for diagnosis in signed.row.diagnoses or EVERY:
        bare = diagnosis.removeprefix("=")
        beginnings = [diagnosis, *(bare[:length] for length in range(len(bare), -1, -1))]
        keys = ((key, beginning) for key in (ALL, signed.signature) for beginning in beginnings)
        place = next((taken[key] for key in keys if key in taken), None)
        if place is None:
            return None
    return place
