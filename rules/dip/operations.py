"""The operations of a case: the exclusion list, and the case's attribute (dip facts 2.3 and 2.6)."""

from typing import Final

from rules.dip.coded import Coded
from rules.dip.codes import ATTRIBUTE_RANK, Attribute
from rules.dip.directory import Directory
from rules.dip.model import Row

LOWEST_LEVEL: Final = 1
HIGHEST_LEVEL: Final = 4
MAJOR_LEVEL: Final = 3


def exclude(coded: Coded, directory: Directory) -> None:
    """Apply the exclusion list, then settle the attribute again.

    Removed codes go first. Then the first operation that may be main is: one that may not is passed over and stays a
    related one; one that makes the case conservative, or is main only within a scope the principal diagnosis is not
    in, ends the search and the case counts as having no operation; so does a case none of whose operations may be
    main.
    """
    exclusions = directory.exclusions
    if exclusions.keys().isdisjoint(coded.operations):
        return
    effects = []
    left = []
    for code in coded.operations:
        if code in exclusions and exclusions[code][0].effect == "removed":
            effects.append((code, "removed"))
        else:
            left.append(code)
    main = ""
    for code in left:
        effect = effect_on_main(coded, directory, code)
        if effect == "not_main":
            effects.append((code, effect))
            continue
        if effect == "conservative":
            effects.append((code, effect))
            coded.conservative_because = code
        else:
            main = code
        break
    coded.effects = tuple(effects)
    coded.main = main
    coded.operations = (main, *(code for code in left if code != main)) if main else ()
    settle(coded, directory)


def effect_on_main(coded: Coded, directory: Directory, code: str) -> str:
    """Return what the exclusion list does to an operation as the main one: ``not_main``, ``conservative`` or ``""``."""
    found = directory.exclusions.get(code)
    if found is None:
        return ""
    exclusion, scope = found
    if exclusion.effect == "within_scope":
        return "" if scope.holds(coded.code) else "conservative"
    return exclusion.effect


def settle(coded: Coded, directory: Directory) -> None:
    """Set the attribute of the case, the surgery levels it may have, and its operations of unknown attribute.

    The attribute is the highest of all operations, or that of the main one; an operation that the exclusion list makes
    conservative counts as such. Where an unknown operation leaves it open, it stays open only if the scheme says so.
    """
    if not coded.operations:
        coded.attribute, coded.levels, coded.unknown = "conservative", (), ()
        return
    rules = directory.scheme.comprehensive
    considered = coded.operations if rules.attribute_of == "highest" else (coded.main,)
    best: Attribute = "conservative"
    rank = 0
    unknown: tuple[str, ...] = ()
    listed = directory.exclusions
    for code in considered:
        attribute = directory.attribute(code) if code not in listed else counted(code, coded, directory)
        if attribute is None:
            unknown += (code,)
        elif ATTRIBUTE_RANK[attribute] > rank:
            best, rank = attribute, ATTRIBUTE_RANK[attribute]
    coded.unknown = unknown
    if best == "surgery" and not rules.minor_is_conservative and not directory.pools.levelled:
        coded.attribute = best
        return
    open_ = bool(unknown) and directory.scheme.normalisation.unknown_operation == "undecided"
    coded.levels = ()
    if rules.minor_is_conservative and not unknown and all(_minor(code, coded, directory) for code in considered):
        coded.attribute = "conservative"
    elif best == "surgery":
        coded.attribute = best
        coded.levels = _levels(considered, coded, directory, open_=open_) if directory.pools.levelled else ()
    else:
        coded.attribute = None if open_ else best


def counted(code: str, coded: Coded, directory: Directory) -> Attribute | None:
    """Return the attribute an operation counts with; ``None`` if it has none that is known."""
    if code in directory.exclusions and effect_on_main(coded, directory, code) == "conservative":
        return "conservative"
    return directory.attribute(code)


def _levels(considered: tuple[str, ...], coded: Coded, directory: Directory, *, open_: bool) -> tuple[int, ...]:
    """Return the surgery levels the highest may be: every level from the highest known one up, if one is not known."""
    kinds = [(directory.operation(code), counted(code, coded, directory)) for code in considered]
    levels = [entry.level if entry is not None else None for entry, kind in kinds if kind == "surgery"]
    known = max((level for level in levels if level is not None), default=LOWEST_LEVEL)
    if None in levels or (open_ and any(kind is None for _, kind in kinds)):
        return tuple(range(known, max(known, HIGHEST_LEVEL) + 1))
    return (known,)


def _minor(code: str, coded: Coded, directory: Directory) -> bool:
    """Say whether an operation is of incision class 0 and below level 3; surgery without a level is not known to be."""
    entry = directory.operation(code)
    if entry is None or entry.incision != 0:
        return False
    return entry.level < MAJOR_LEVEL if entry.level is not None else counted(code, coded, directory) != "surgery"


def attribute_of_row(row: Row, used: tuple[str, ...], coded: Coded, directory: Directory) -> Attribute | None:
    """Return a row's attribute: as printed, else the highest of the operations it uses; ``None`` if not known."""
    if row.attribute is not None:
        return directory.scheme.comprehensive.intervention_as if row.attribute == "intervention" else row.attribute
    best: Attribute = "conservative"
    for code in used:
        attribute = counted(code, coded, directory)
        if attribute is None:
            if directory.scheme.normalisation.unknown_operation == "undecided":
                return None
            attribute = "conservative"
        if ATTRIBUTE_RANK[attribute] > ATTRIBUTE_RANK[best]:
            best = attribute
    return best
