"""How to choose among rows that fit: filters and tie rules, one function each (dip facts 2.5).

A tie rule returns the rows it keeps, never none; one that lacks a fact it compares by (a mean cost, a score) keeps all
of them, so that an absent fact never decides. To add a rule: its name in ``codes.TieRule`` and one entry in
``TIE_RULES``.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from rules.dip.coded import Coded
from rules.dip.codes import ATTRIBUTE_RANK, GroupClass, RowFilter, TieRule
from rules.dip.directory import Directory
from rules.dip.matching import Fit
from rules.dip.operations import attribute_of_row

Fits = list[Fit]
Rule = Callable[[Fits, Coded, Directory, "Spelling"], Fits]
Spelling = Callable[[str], tuple[str, ...]]
"""The catalogue codes that may stand for an operation."""
WHOLE_CODE: Final = 99
CLASS_ORDER: Final[dict[GroupClass, int]] = {"core": 0, "primary_care": 1, "tcm": 2, "bed_day": 3}


def _largest(fits: Fits, measure: Callable[[Fit], int | Decimal | None]) -> Fits:
    """Return the rows of the largest measure; all of them if one cannot be measured."""
    measured = [(fit, measure(fit)) for fit in fits]
    known = [value for _, value in measured if value is not None]
    if len(known) < len(fits):
        return fits
    best = max(known)
    return [fit for fit, value in measured if value == best]


def most_parts(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows with the most conjunction parts that are met."""
    return _largest(fits, lambda fit: len(fit.row.main) + fit.found)


def most_operations_used(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows that use the most of the case's operations."""
    return _largest(fits, lambda fit: len(fit.used))


def exact_set(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows that leave no operation over, if there are such."""
    return _largest(fits, lambda fit: len(fit.used) == len(coded.operations))


def main_operation_first(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows that use the main operation, if there are such."""
    return _largest(fits, lambda fit: coded.main in fit.used)


def longest_operation_code(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows whose shortest code is longest: whole codes before six characters before four."""
    return _largest(fits, lambda fit: min((_written(fit, code, spelling) for code in fit.used), default=0))


def _written(fit: Fit, operation: str, spelling: Spelling) -> int:
    """Return the length of the longest code by which a row names an operation; a whole code counts as longest."""
    named = {code for part in (*fit.row.row.main, *fit.row.row.related) for code in part}
    if operation in named:
        return WHOLE_CODE
    return max((len(code) for code in spelling(operation) if code in named), default=0)


def longest_diagnosis(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows that name the principal diagnosis by the longest code; ``=`` is a whole code."""
    return _largest(fits, lambda fit: diagnosis_length(fit, coded))


def diagnosis_length(fit: Fit, coded: Coded) -> int:
    """Return the length of the longest code by which a row names the principal diagnosis; 0 if it names none."""
    lengths = [0]
    for code in fit.row.row.diagnoses:
        if code.startswith("="):
            lengths.append(WHOLE_CODE if code[1:] in {coded.code, coded.code.partition("+")[0]} else 0)
        elif coded.code.startswith(code):
            lengths.append(len(code))
    return max(lengths)


def most_related(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows of which the most related operations are found."""
    return _largest(fits, lambda fit: fit.found)


def fewest_related_missing(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows of which the fewest related operations are missing."""
    return _largest(fits, lambda fit: fit.found - len(fit.row.related))


def nearest_mean_cost(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows whose group's mean cost is nearest to the case's cost."""
    cost = coded.case.cost
    if cost is None or cost <= 0:
        return fits

    def nearness(fit: Fit) -> int | None:
        mean = fit.row.group.mean_cost
        return None if mean is None else -abs(mean - cost)

    return _largest(fits, nearness)


def highest_score(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows whose group has the highest score."""
    return _largest(fits, lambda fit: fit.row.group.score)


def highest_attribute(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the rows of the weightiest attribute: surgery before therapeutic before diagnostic."""

    def weight(fit: Fit) -> int | None:
        attribute = attribute_of_row(fit.row.row, fit.used, coded, directory)
        return None if attribute is None else ATTRIBUTE_RANK[attribute]

    return _largest(fits, weight)


def class_order(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep core before primary-care before TCM before bed-day groups."""
    return _largest(fits, lambda fit: -CLASS_ORDER.get(fit.row.group.kind, len(CLASS_ORDER)))


def catalogue_order(fits: Fits, coded: Coded, directory: Directory, spelling: Spelling) -> Fits:
    """Keep the row that stands first; ``choose`` reports what it passes over."""
    return [min(fits, key=lambda fit: fit.row.row.number)]


TIE_RULES: Final[dict[TieRule, Rule]] = {
    "most_parts": most_parts,
    "most_operations_used": most_operations_used,
    "exact_set": exact_set,
    "main_operation_first": main_operation_first,
    "longest_operation_code": longest_operation_code,
    "longest_diagnosis": longest_diagnosis,
    "most_related": most_related,
    "fewest_related_missing": fewest_related_missing,
    "nearest_mean_cost": nearest_mean_cost,
    "highest_score": highest_score,
    "highest_attribute": highest_attribute,
    "class_order": class_order,
    "catalogue_order": catalogue_order,
}


def no_unused_surgery(fit: Fit, coded: Coded, directory: Directory) -> bool | None:
    """Say whether a row leaves no operation of surgery or intervention unused; ``*`` rows look at none."""
    if fit.row.row.any_operations:
        return True
    for code in coded.operations:
        entry = directory.operation(code)
        if code not in fit.used and entry is not None and entry.attribute in {"surgery", "intervention"}:
            return False
    return True


def attribute_equals_case(fit: Fit, coded: Coded, directory: Directory) -> bool | None:
    """Say whether a row's attribute is the case's; ``None`` if one of them is not known. ``*`` rows have none."""
    row = fit.row.row
    if row.any_operations and row.attribute is None:
        return True
    attribute = attribute_of_row(row, fit.used, coded, directory)
    return None if attribute is None or coded.attribute is None else attribute == coded.attribute


FILTERS: Final[dict[RowFilter, Callable[[Fit, Coded, Directory], bool | None]]] = {
    "no_unused_surgery": no_unused_surgery,
    "attribute_equals_case": attribute_equals_case,
}


class Choice:
    """What came of choosing."""

    __slots__ = ("decided_by", "fit", "tied")

    def __init__(self, fit: Fit | None, tied: tuple[str, ...], decided_by: TieRule | None) -> None:
        self.fit = fit
        """``None``: a tie nothing decides."""
        self.tied = tied
        """Other groups that fit equally well; all of them if nothing decides."""
        self.decided_by = decided_by


def choose(fits: Fits, prefer: tuple[TieRule, ...], coded: Coded, directory: Directory, spelling: Spelling) -> Choice:
    """Return the row that the tie rules leave, and the groups that only catalogue order passed over."""
    last: TieRule | None = None
    for name in prefer:
        if len(fits) == 1:
            break
        kept = TIE_RULES[name](fits, coded, directory, spelling)
        if name == "catalogue_order":
            first = kept[0]
            others = dict.fromkeys(fit.row.row.group for fit in sorted(fits, key=lambda fit: fit.row.row.number))
            others.pop(first.row.row.group, None)
            return Choice(first, tuple(others), name)
        if len(kept) < len(fits):
            last = name
        fits = kept
    groups = tuple(dict.fromkeys(fit.row.row.group for fit in sorted(fits, key=lambda fit: fit.row.row.number)))
    if len(groups) > 1:
        return Choice(None, groups, None)
    return Choice(min(fits, key=lambda fit: fit.row.row.number), (), last)
