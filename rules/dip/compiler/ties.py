"""Rows of different groups that can fit one case alike, so that no tie rule of the scheme parts them.

For two rows of a layer a case is thought out that fits both: one operation for every two parts that share a code, one
of their own for the others. The grouper itself then says whether it ties. That nothing is found is no proof that there
is no such case: rows that ask for different named conditions or other diagnoses are left alone, since a case with both
is possible and rare.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rules.compiler.diagnostics import Report
from rules.dip.codes import TieRule
from rules.dip.compiler.drafts import Drafted, Placed
from rules.dip.directory import Directory, PreparedStep
from rules.dip.grouper import code as coded_of
from rules.dip.grouper import layer_step, operations_step
from rules.dip.model import Case, Condition, Either, Row, Scheme, Step

FIGURES: Final[dict[TieRule, str]] = {
    "nearest_mean_cost": "mean_cost",
    "highest_score": "score",
    "class_order": "kind",
}
"""Tie rules that compare a figure of the groups, and the figure."""
MAINS: Final = 4
"""Main operations that are tried for one pair of rows."""
Part = frozenset[str]


def covers(prefixes: Iterable[str], code: str) -> bool:
    """Say whether every code that ``code`` stands for is one of ``prefixes``."""
    bare = code.removeprefix("=")
    return any(prefix == code or (not prefix.startswith("=") and bare.startswith(prefix)) for prefix in prefixes)


def meet(one: str, other: str) -> str | None:
    """Return the longer of two codes if some code is both of them."""
    if one == other or covers((one,), other):
        return other
    return one if covers((other,), one) else None


@dataclass(frozen=True, slots=True)
class Shape:
    """A row as its operations are compared."""

    placed: Placed[Row]
    main: tuple[Part, ...]
    related: tuple[Part, ...]

    @property
    def row(self) -> Row:
        """The row."""
        return self.placed.noun

    @property
    def conservative(self) -> bool:
        """It names no operation, and only cases without fit."""
        return not self.main and not self.related and not self.row.any_operations


def check_ties(rows: Iterable[Placed[Row]], drafted: Drafted, scheme: Scheme, report: Report) -> None:
    """Note rows that can tie with an earlier row, each with the first of them."""
    directory = Directory.build(scheme)
    layers: dict[str, list[Shape]] = {}
    for placed in rows:
        related = () if drafted.tables.layers[placed.noun.layer].related == "ignored" else placed.noun.related
        shape = Shape(placed, tuple(map(frozenset, placed.noun.main)), tuple(map(frozenset, related)))
        layers.setdefault(placed.noun.layer, []).append(shape)
    for layer, shapes in layers.items():
        step = drafted.tables.layers[layer]
        prepared = next(found for found in directory.steps if found.step == step)
        trial = _Trial(directory, prepared, exclude=any(found.step == "operations" for found in scheme.steps))
        for shape, earlier in _Pairs(shapes, short=step.operation_match == "prefix").all():
            _report_first(shape, earlier, trial, report)


def _report_first(shape: Shape, earlier: list[Shape], trial: "_Trial", report: Report) -> None:
    for other in earlier:
        case = trial.tie(other, shape)
        if case:
            place = other.placed.place
            message = f"`{shape.row.group}` and `{other.row.group}` can fit alike: {case}"
            help = f"no tie rule parts this row from {place.file}, row {place.row}; such cases are reported as tied"
            report.at(shape.placed.place, "ROWS_TIE", message, column="group", help=help)
            return


class _Pairs:
    """Finds, for every row of a layer, the rows before it that share a category and an operation."""

    def __init__(self, shapes: list[Shape], *, short: bool) -> None:
        self.shapes = shapes
        self.short = short
        self.seen: dict[tuple[str, str], list[Shape]] = {}

    def all(self) -> Iterator[tuple[Shape, list[Shape]]]:
        """Yield each row with the rows of other groups it may meet."""
        for shape in self.shapes:
            keys = list(self.keys(shape))
            earlier = {id(other): other for key in keys for other in self.seen.get(key, ())}
            yield shape, [other for other in earlier.values() if other.row.group != shape.row.group]
            for key in keys:
                self.seen.setdefault(key, []).append(shape)

    def keys(self, shape: Shape) -> Iterator[tuple[str, str]]:
        """Yield where a row is looked for: rows without a category meet only each other."""
        categories = {code.removeprefix("=")[:3] for code in shape.row.diagnoses} or {""}
        parts = shape.main or shape.related
        operations = {code[:4] if self.short else code for part in parts for code in part} or {""}
        for category in categories:
            for operation in operations:
                yield category, operation


class _Trial:
    """Thinks out cases for two rows of a step, and asks the grouper."""

    def __init__(self, directory: Directory, prepared: PreparedStep, *, exclude: bool) -> None:
        self.directory = directory
        self.prepared = prepared
        self.step: Step = prepared.step
        self.short = self.step.operation_match == "prefix"
        self.exclude = exclude
        self.conditions = {condition.name: condition for condition in directory.scheme.conditions}

    def tie(self, one: Shape, other: Shape) -> str:
        """Return a case that fits both rows alike, in words; ``""`` if none was found."""
        diagnosis = _shared_diagnosis(one.row, other.row)
        if diagnosis is None or one.conservative != other.conservative or not _compatible(one.row, other.row):
            return ""
        if self.parted(one.row.group, other.row.group):
            return ""
        groups = {one.row.group, other.row.group}
        for operations in self.operations(one, other):
            for principal, others in self.diagnoses(one.row, other.row, diagnosis):
                case = self.case(one.row, other.row, principal.removeprefix("="), others, operations)
                if groups <= self.tied(case):
                    return _in_words(case)
        return ""

    def parted(self, one: str, other: str) -> bool:
        """Say whether what two groups are worth parts them in any case."""
        pair = [self.directory.groups[code] for code in (one, other) if code in self.directory.groups]
        for rule, name in FIGURES.items():
            values = [getattr(group, name) for group in pair]
            if rule in self.step.prefer and len(values) == 2 and None not in values and values[0] != values[1]:
                return True
        return False

    def case(self, one: Row, other: Row, principal: str, others: tuple[str, ...], operations: tuple[str, ...]) -> Case:
        """Return a case within the bounds of both rows."""
        groups = self.directory.groups
        means = [groups[row.group].mean_cost for row in (one, other) if row.group in groups]
        return Case(
            principal=principal,
            others=others,
            operations=operations,
            sex=one.sex or other.sex or "male",
            age_days=_between(one, other, "age_days", 18250),
            weight_g=_between(one, other, "weight_g", 3000),
            days=_between(one, other, "days", 7),
            cost=next((mean for mean in means if mean), 10_000_0000),
        )

    def tied(self, case: Case) -> set[str]:
        """Return the groups between which the step cannot choose."""
        coded = coded_of(case, self.directory)
        if self.exclude:
            operations_step(coded, self.directory, self.prepared)
        found = layer_step(coded, self.directory, self.prepared)
        return {found.group, *found.tied} if found is not None and found.tied else set()

    def diagnoses(self, one: Row, other: Row, diagnosis: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield principal and other diagnoses that meet what both rows ask."""
        asked = [_shared(one.other_diagnoses, other.other_diagnoses), _shared(one.any_diagnosis, other.any_diagnosis)]
        others = tuple(code.removeprefix("=") for code in asked if code)
        condition = self.conditions.get(one.condition or other.condition)
        for way in condition.any if isinstance(condition, Condition) else (Either(),):
            principals = [code for named in way.principal if (code := meet(diagnosis, named))] or [diagnosis]
            yield principals[0], (*others, *(code.removeprefix("=") for code in way.other[:1]))

    def operations(self, one: Shape, other: Shape) -> Iterator[tuple[str, ...]]:
        """Yield operations that fit both rows: what they share if that is enough, and all that they name."""
        mains: list[str] = [""]
        if one.main and other.main and not (one.row.anywhere or other.row.anywhere):
            mains = list(dict.fromkeys(code for a in one.main for b in other.main if (code := self.shared(a, b, ()))))
        for main in mains[:MAINS]:
            chosen = [main] if main else []
            ours, theirs = self.without(one.main, main), self.without(other.main, main)
            if self.step.related == "partial":
                yield from self.joined(chosen, ours, theirs)
            yield from self.joined(chosen, [*ours, *one.related], [*theirs, *other.related])

    def without(self, parts: tuple[Part, ...], main: str) -> list[Part]:
        """Return the parts that are left once one of them holds the main operation."""
        holder = next((at for at, part in enumerate(parts) if main and self.meets(main, part)), None)
        return [part for at, part in enumerate(parts) if at != holder]

    def meets(self, code: str, part: Part) -> bool:
        """Say whether an operation meets a part."""
        return code in part or (self.short and any(code.startswith(short) for short in part))

    def joined(self, chosen: list[str], ours: list[Part], theirs: list[Part]) -> Iterator[tuple[str, ...]]:
        """Yield one list of operations that meets all parts, with as few operations as are found in one pass."""
        operations, left = list(chosen), list(theirs)
        alone: list[Part] = []
        for part in ours:
            shared = next(((other, code) for other in left if (code := self.shared(part, other, operations))), None)
            if shared is None:
                alone.append(part)
            else:
                left.remove(shared[0])
                operations.append(shared[1])
        for part in (*alone, *left):
            code = next((code for code in sorted(part) if code not in operations), None)
            if code is None:
                return
            operations.append(code)
        yield tuple(operations)

    def shared(self, one: Part, other: Part, taken: Iterable[str]) -> str | None:
        """Return an operation that meets both parts and is not yet used."""
        both = set(one & other)
        if self.short:
            both |= {longer for a in one for b in other if (longer := meet(a, b))}
        return next((code for code in sorted(both) if code not in taken), None)


def _in_words(case: Case) -> str:
    words = [f"`{case.principal or 'any'}`"]
    if case.operations:
        words.append(f"with {', '.join(f'`{code}`' for code in case.operations)}")
    if case.others:
        words.append(f"and {', '.join(f'`{code}`' for code in case.others)} beside it")
    return " ".join(words)


def _shared_diagnosis(one: Row, other: Row) -> str | None:
    """Return the longest code that is a principal diagnosis of both rows; ``None`` if there is none."""
    if not one.diagnoses or not other.diagnoses:
        return min(one.diagnoses or other.diagnoses, default="")
    return _shared(one.diagnoses, other.diagnoses) or None


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    """Return a code that is among both; one of either where the other asks for nothing."""
    if not one or not other:
        return min(one or other, default="")
    both = set(one).intersection(other)
    return min(both) if both else next((code for a in one for b in other if (code := meet(a, b))), "")


def _compatible(one: Row, other: Row) -> bool:
    """Say whether a case may well meet what both rows ask besides operations and the principal diagnosis."""
    if one.sex and other.sex and one.sex != other.sex:
        return False
    if one.condition and other.condition and one.condition != other.condition:
        return False
    if any(_reversed(*_bounds(one, other, name)) for name in ("age_days", "weight_g", "days")):
        return False
    for name in ("other_diagnoses", "any_diagnosis"):
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours and theirs and not _shared(ours, theirs):
            return False
    return True


def _bounds(one: Row, other: Row, name: str) -> tuple[int | None, int | None]:
    lows = [low for row in (one, other) if (low := getattr(row, f"min_{name}")) is not None]
    highs = [high for row in (one, other) if (high := getattr(row, f"max_{name}")) is not None]
    return max(lows, default=None), min(highs, default=None)


def _reversed(low: int | None, high: int | None) -> bool:
    return low is not None and high is not None and low > high


def _between(one: Row, other: Row, name: str, usual: int) -> int:
    """Return a number within the bounds of both rows, the usual one if it is."""
    low, high = _bounds(one, other, name)
    found = usual if low is None else max(usual, low)
    return found if high is None else min(found, high)
