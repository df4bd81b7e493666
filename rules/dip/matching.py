"""Whether a row of the catalogue fits a case: its operations, its diagnoses and its bounds (dip facts 2.4 to 2.6).

A row is ``Prepared`` once, with sets for lookups; a case is ``Coded`` once. A row that fits is a ``Fit``; a row that
fits but for a fact the case does not give is an ``Undecided``; for every other row the answer is ``None``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from rules.dip.coded import Coded
from rules.dip.codes import GroupingReason, Match, Related
from rules.dip.model import Case, Condition, Group, Row
from rules.dip.normalise import head, is_short_operation

Part = Callable[[str], bool]
"""Whether an operation meets one part of an expression."""

SHORTEST_YEAR: Final = 365
LONGEST_YEAR: Final = 366


class Codes:
    """Diagnosis codes of a row: prefixes, or whole codes written with ``=``."""

    __slots__ = ("prefixes", "whole")

    def __init__(self, codes: Iterable[str]) -> None:
        listed = tuple(codes)
        self.prefixes = tuple(code for code in listed if not code.startswith("="))
        self.whole = frozenset(code[1:] for code in listed if code.startswith("="))

    def holds(self, code: str) -> bool:
        """Say whether a normal code is one of them; of a pair, the part before ``+`` may be the whole code."""
        return code.startswith(self.prefixes) or (bool(self.whole) and (code in self.whole or head(code) in self.whole))

    def any_of(self, codes: Iterable[str]) -> bool:
        """Say whether one of several codes is one of them."""
        return any(self.holds(code) for code in codes)


class Ways:
    """A named condition, ready to be judged."""

    __slots__ = ("ways",)

    def __init__(self, condition: Condition) -> None:
        self.ways = tuple(
            (Codes(way.principal) if way.principal else None, Codes(way.other) if way.other else None)
            for way in condition.any
        )

    def holds(self, coded: Coded) -> bool:
        """Say whether one of the ways is met in all that it names."""
        return any(
            (principal is None or principal.holds(coded.code)) and (other is None or other.any_of(coded.others))
            for principal, other in self.ways
        )


class Prepared:
    """A row of the catalogue, ready to be judged under one step."""

    __slots__ = (
        "any_diagnosis",
        "anywhere",
        "bounded",
        "condition",
        "group",
        "main",
        "negated",
        "never",
        "operative",
        "other_diagnoses",
        "plain",
        "related",
        "row",
        "single",
        "without_diagnoses",
    )

    def __init__(self, row: Row, group: Group, conditions: Mapping[str, Ways], match: Match) -> None:
        self.row = row
        self.group = group
        self.main = tuple(part_of(codes, match) for codes in row.main)
        self.related = tuple(part_of(codes, match) for codes in row.related)
        self.anywhere = row.anywhere or not row.main
        self.operative = bool(row.main or row.related) and not row.any_operations
        self.single = self.operative and len(row.main) == 1 and not row.related and not row.anywhere
        self.any_diagnosis = Codes(row.any_diagnosis) if row.any_diagnosis else None
        self.other_diagnoses = Codes(row.other_diagnoses) if row.other_diagnoses else None
        self.without_diagnoses = Codes(row.without_diagnoses) if row.without_diagnoses else None
        self.negated = row.condition.startswith("!")
        name = row.condition.removeprefix("!")
        self.condition = conditions.get(name)
        self.never = bool(name) and self.condition is None
        """Its condition is not one of the scheme's: nothing can be said to meet it."""
        self.bounded = row.sex is not None or any(
            bound is not None
            for bound in (
                row.min_age_days,
                row.max_age_days,
                row.min_weight_g,
                row.max_weight_g,
                row.min_days,
                row.max_days,
            )
        )
        self.plain = not (
            row.any_diagnosis or row.other_diagnoses or row.without_diagnoses or row.condition or self.bounded
        )


def part_of(codes: Sequence[str], match: Match) -> Part:
    """Return the judge of one part: whole codes, and with ``prefix`` short ones that stand for all that begin so."""
    if match == "equal":
        return frozenset(codes).__contains__
    whole = frozenset(codes)
    beginnings = tuple(filter(is_short_operation, codes))
    return lambda operation: operation in whole or operation.startswith(beginnings)


class Fit:
    """A row that fits a case, and by which operations."""

    __slots__ = ("found", "row", "used")

    def __init__(self, row: Prepared, used: tuple[str, ...], found: int) -> None:
        self.row = row
        self.used = used
        self.found = found
        """Parts of the related operations that are met."""


class Undecided:
    """A row that would fit if a fact were known."""

    __slots__ = ("reasons", "row")

    def __init__(self, row: Prepared, reasons: tuple[GroupingReason, ...]) -> None:
        self.row = row
        self.reasons = reasons


def judge(row: Prepared, coded: Coded, related: Related) -> Fit | Undecided | None:
    """Say whether a row whose principal diagnosis holds fits a case."""
    used: tuple[str, ...] = ()
    found = 0
    if row.single:
        if not row.main[0](coded.main):
            return None
        used = (coded.main,)
    elif row.operative:
        assigned = assign(row, coded, related)
        if assigned is None:
            return None
        used, found = assigned
    if row.plain:
        return Fit(row, used, found)
    if row.never or not diagnoses_hold(row, coded):
        return None
    missing = missing_facts(row.row, coded.case) if row.bounded else ()
    if missing is None:
        return None
    return Undecided(row, missing) if missing else Fit(row, used, found)


def diagnoses_hold(row: Prepared, coded: Coded) -> bool:
    """Say whether what a row asks of the diagnoses beside its own principal one holds."""
    if row.other_diagnoses is not None and not row.other_diagnoses.any_of(coded.others):
        return False
    if row.any_diagnosis is not None and not (
        row.any_diagnosis.holds(coded.code) or row.any_diagnosis.any_of(coded.others)
    ):
        return False
    if row.without_diagnoses is not None and row.without_diagnoses.any_of(coded.others):
        return False
    return row.condition is None or row.condition.holds(coded) is not row.negated


def assign(row: Prepared, coded: Coded, related: Related) -> tuple[tuple[str, ...], int] | None:
    """Return the operations a row uses and how many related parts they meet, or ``None`` if it does not fit.

    No operation meets two parts. Of several main parts one must hold the case's main operation, unless the row lets
    it stand anywhere. The answer does not depend on the order of the other operations.
    """
    main = coded.main
    more = () if related == "ignored" else row.related
    if not row.anywhere and len(row.main) == 1:
        if not row.main[0](main):
            return None
        if not more or (related == "partial" and len(coded.operations) == 1):
            return (main,), 0
        if len(more) == 1:
            hits = [code for code in coded.operations if code != main and more[0](code)]
            if hits:
                return (main, min(hits)), 1
            return ((main,), 0) if related == "partial" else None
    rest = sorted(code for code in coded.operations if code != main)
    best: tuple[set[str], int] | None = None
    if row.anywhere:
        best = _met(row.main, more, sorted(coded.operations), related)
    else:
        for number, part in enumerate(row.main):
            if part(main):
                met = _met(row.main[:number] + row.main[number + 1 :], more, rest, related)
                if met is not None and (best is None or (-met[1], sorted(met[0])) < (-best[1], sorted(best[0]))):
                    best = met
    if best is None or (not row.main and not best[1]):
        return None
    if not row.anywhere:
        best[0].add(main)
    return tuple(code for code in coded.operations if code in best[0]), best[1]


def _met(
    needed: Sequence[Part], related: Sequence[Part], operations: Sequence[str], mode: Related
) -> tuple[set[str], int] | None:
    """Return operations that meet all needed parts and all, or with ``partial`` the most, related ones.

    Augmenting paths: a part once met stays met, so the needed ones go first and the count of the others is the most.
    """
    parts = (*needed, *related)
    holder: dict[str, int] = {}
    found = 0
    for number in range(len(parts)):
        if _place(number, parts, operations, holder, set()):
            found += 1
        elif number < len(needed) or mode == "complete":
            return None
    return _first_met(parts, operations, holder), found - len(needed)


def _first_met(parts: Sequence[Part], operations: Sequence[str], holder: dict[str, int]) -> set[str]:
    """Return of all sets of operations that meet as many parts the one that comes first in code order."""
    if len(holder) == len(operations):
        return set(holder)
    by_part: dict[int, str] = {}
    return {code for code in operations if _seat(code, parts, by_part, set())}


def _seat(code: str, parts: Sequence[Part], by_part: dict[int, str], seen: set[int]) -> bool:
    """Give an operation a part, if need be by finding another one for the operation that has it."""
    for number, part in enumerate(parts):
        if number not in seen and part(code):
            seen.add(number)
            if number not in by_part or _seat(by_part[number], parts, by_part, seen):
                by_part[number] = code
                return True
    return False


def _place(
    number: int, parts: Sequence[Part], operations: Sequence[str], holder: dict[str, int], seen: set[str]
) -> bool:
    """Give a part an operation, if need be by finding another one for the part that holds it."""
    part = parts[number]
    for code in operations:
        if code not in seen and part(code):
            seen.add(code)
            if code not in holder or _place(holder[code], parts, operations, holder, seen):
                holder[code] = number
                return True
    return False


BoundName = Literal["age", "weight", "sex", "days"]


def bounds(row: Row, case: Case) -> tuple[tuple[BoundName, GroupingReason, bool | None], ...]:
    """Return for each bound of a row the reason given where its fact is absent, and whether the case is within it."""
    return (
        ("age", "age_missing", age_within(row, case)),
        ("weight", "weight_missing", _within(_positive(case.weight_g), row.min_weight_g, row.max_weight_g)),
        ("sex", "fact_missing", _same_sex(row, case)),
        ("days", "fact_missing", _within(_natural(case.days), row.min_days, row.max_days)),
    )


def missing_facts(row: Row, case: Case) -> tuple[GroupingReason, ...] | None:
    """Return the facts without which a row's bounds cannot be judged; ``None`` if one of them is known to fail."""
    answers = bounds(row, case)
    if any(answer is False for _, _, answer in answers):
        return None
    return tuple(dict.fromkeys(reason for _, reason, answer in answers if answer is None))


def age_within(row: Row, case: Case) -> bool | None:
    """Say whether the age is within a row's bounds (days, inclusive); ``None`` if it cannot be told.

    Age in days is never made up from years: years only tell where they leave no doubt (a year has 365 or 366 days).
    """
    low, high = row.min_age_days, row.max_age_days
    if low is None and high is None:
        return True
    days, years = _natural(case.age_days), _natural(case.age_years)
    if years is None or (days is not None and days < LONGEST_YEAR):
        return None if days is None else _within(days, low, high)
    # From the first birthday on years decide: a bound in years is 365 days each, which age in days outgrows.
    if low is not None and (years + 1) * SHORTEST_YEAR <= low:
        return False
    if high is not None and years * LONGEST_YEAR > high:
        return False
    reached = low is None or years * LONGEST_YEAR >= low
    not_passed = high is None or (years + 1) * SHORTEST_YEAR - 1 <= high
    return True if reached and not_passed else None


def _within(value: int | None, low: int | None, high: int | None) -> bool | None:
    if low is None and high is None:
        return True
    if value is None:
        return None
    return (low is None or value >= low) and (high is None or value <= high)


def _same_sex(row: Row, case: Case) -> bool | None:
    if row.sex is None:
        return True
    return None if case.sex is None else case.sex == row.sex


def _natural(value: int | None) -> int | None:
    """Return a count, or nothing where a negative number stands for none."""
    return None if value is None or value < 0 else value


def _positive(value: int | None) -> int | None:
    return None if value is None or value <= 0 else value
