"""The grouper: a case goes through the scheme's steps in the scheme's order; the first that finds an answer ends it.

Semantics of rows and steps: dip facts 2.5 (city catalogues) and 2.6 (national 3.0). ``rules.dip.reference`` says the
same without any index; ``rules.dip.tracing`` says it in words.
"""

from collections.abc import Callable
from typing import Final

from rules.dip.choosing import FILTERS, choose
from rules.dip.coded import Coded
from rules.dip.codes import GroupingReason, StepName
from rules.dip.comprehensive import pooled
from rules.dip.directory import Directory, LayerIndex, PreparedStep
from rules.dip.matching import Fit, Undecided, judge
from rules.dip.model import Case, Grouping, Step
from rules.dip.operations import counted, exclude, settle
from rules.dip.outcomes import by_row, grouped, missing, nothing, tie, undecided, ungrouped


def group(case: Case, directory: Directory) -> Grouping:
    """Return where a case belongs under a scheme, and why; never raises, whatever the codes."""
    coded = code(case, directory)
    for prepared in directory.steps:
        found = STEPS[prepared.step.step](coded, directory, prepared)
        if found is not None:
            return found
    return nothing(coded, partial=directory.scheme.partial)


def code(case: Case, directory: Directory) -> Coded:
    """Return a case in normal terms."""
    coded = Coded(case, directory.normaliser)
    if coded.operations:
        settle(coded, directory)
    return coded


def principal_step(coded: Coded, directory: Directory, prepared: PreparedStep) -> Grouping | None:
    """Judge the principal diagnosis."""
    found = directory.principals.refused(coded.principal, coded.case.sex)
    return None if found is None else ungrouped(coded, *found)


def operations_step(coded: Coded, directory: Directory, prepared: PreparedStep) -> Grouping | None:
    """Apply the exclusion list of operations."""
    if coded.operations:
        exclude(coded, directory)
    return None


def layer_step(coded: Coded, directory: Directory, prepared: PreparedStep) -> Grouping | None:
    """Look for a row in the step's layers."""
    index = prepared.index
    if index is None or not index.rows:
        return None
    fits, open_ = fitting(coded, index, prepared.step)
    if open_:
        return missing(coded, wanting(open_))
    fits = supported(fits, prepared.step)
    if not fits:
        return None
    if len(fits) == 1 and not prepared.step.require:
        return _by(coded, fits[0])
    return _chosen(fits, coded, directory, index, prepared.step)


def _chosen(fits: list[Fit], coded: Coded, directory: Directory, index: LayerIndex, step: Step) -> Grouping | None:
    """Return the outcome of rows that fit: filtered, then chosen from."""
    kept = required(fits, coded, directory, step)
    if kept is None:
        return undecided(coded, tuple(code for code in coded.operations if counted(code, coded, directory) is None))
    if not kept:
        return None
    choice = choose(kept, step.prefer, coded, directory, index.keys)
    return tie(coded, choice.tied) if choice.fit is None else _by(coded, choice.fit, choice.tied)


def _by(coded: Coded, fit: Fit, tied: tuple[str, ...] = ()) -> Grouping:
    return by_row(coded, fit.row.row, fit.row.group, fit.used, tied)


def fitting(coded: Coded, index: LayerIndex, step: Step) -> tuple[list[Fit], list[Undecided]]:
    """Return the rows of a step that fit, and those that would if a fact were known.

    Conservative rows are looked at only if no row with operations fits and the case is conservative (dip facts 2.5.5).
    """
    buckets = index.buckets(coded)
    fits: list[Fit] = []
    open_: list[Undecided] = []
    if not buckets:
        return fits, open_
    related = step.related
    if coded.main:
        for row in index.candidates(coded, buckets):
            if (answer := judge(row, coded, related)) is not None:
                _enter(answer, fits, open_)
    conservative = coded.attribute == "conservative" and not fits and not open_
    for bucket in buckets:
        for row in bucket.free:
            _enter(judge(row, coded, related), fits, open_)
        if conservative:
            for row in bucket.conservative:
                _enter(judge(row, coded, related), fits, open_)
    return (list({fit.row: fit for fit in fits}.values()) if len(fits) > 1 else fits), open_


def _enter(answer: Fit | Undecided | None, fits: list[Fit], open_: list[Undecided]) -> None:
    """Enter what came of judging a row."""
    if type(answer) is Fit:
        fits.append(answer)
    elif type(answer) is Undecided:
        open_.append(answer)


def required(fits: list[Fit], coded: Coded, directory: Directory, step: Step) -> list[Fit] | None:
    """Return the rows that pass the step's filters; ``None`` if a filter cannot be judged."""
    for name in step.require:
        answers = [FILTERS[name](fit, coded, directory) for fit in fits]
        if None in answers:
            return None
        fits = [fit for fit, answer in zip(fits, answers, strict=True) if answer]
    return fits


def supported(fits: list[Fit], step: Step) -> list[Fit]:
    """Return the rows without those of whose related operations none is found.

    Then "the row without related operations" is taken (dip facts 2.6), and where there is none the next layer is asked:
    a group for an operation that was not done would be a guess.
    """
    if step.related != "partial":
        return fits
    return [fit for fit in fits if fit.found or not fit.row.related]


def wanting(open_: list[Undecided]) -> dict[GroupingReason, list[str]]:
    """Return for each fact that is absent the groups that ask for it."""
    found: dict[GroupingReason, list[str]] = {}
    for one in open_:
        for reason in one.reasons:
            found.setdefault(reason, []).append(one.row.row.group)
    return found


def comprehensive_step(coded: Coded, directory: Directory, prepared: PreparedStep) -> Grouping | None:
    """Look in the comprehensive directory."""
    return pooled(coded, directory)


def last_resort_step(coded: Coded, directory: Directory, prepared: PreparedStep) -> Grouping | None:
    """Look in the last-resort groups."""
    if coded.attribute is None:
        return undecided(coded)
    found = directory.pools.last_resort(coded.code)
    return grouped(coded, "last_resort", found, layer="last_resort") if found else None


STEPS: Final[dict[StepName, Callable[[Coded, Directory, PreparedStep], Grouping | None]]] = {
    "principal": principal_step,
    "operations": operations_step,
    "layer": layer_step,
    "comprehensive": comprehensive_step,
    "last_resort": last_resort_step,
}
