"""Decoction limit (饮片超大处方, 超量上传): at most so many pieces, doses or grams in one decoction prescription.

One limit per row: ``kinds`` (味数) and ``doses`` (付数) of a prescription, ``piece_grams`` of one piece and
``dose_grams`` of all pieces in one dose (每付), which by custom is a day's. Grams are a piece's dose, else its quantity
over the doses. Current lines without a number may be several prescriptions: what only their sum exceeds is *not
checked*.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Quantity, Row, RuleKind, shared
from rules.kinds._edits import plus_line, with_first_line
from rules.kinds._prescriptions import Prescription, day_by_day, names, prescriptions, sample_drugs
from rules.kinds._text import number
from rules.kinds._view import Charge, View
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule

Measure = Literal["kinds", "doses", "piece_grams", "dose_grams"]
WORDS: Final[dict[Measure, tuple[str, str, str]]] = {
    "kinds": ("TOO_MANY_PIECES", "本方", "味"),
    "doses": ("TOO_MANY_DOSES", "本方", "付"),
    "piece_grams": ("PIECE_OVERDOSE", "每付", "克"),
    "dose_grams": ("DECOCTION_TOO_HEAVY", "每付共", "克"),
}
"""Finding code, what is meant, and its unit."""
PER_GRAM: Final = {"g": 1, "G": 1, "克": 1, "mg": 1000, "毫克": 1000}
"""How many of a unit make a gram, for units that need no dictionary."""
PRESCRIPTION = "P1"


class DecoctionRow(Row):
    """One line of ``decoction_limit.csv``."""

    measure: Measure = Field(description="what is counted: 味数, 付数, 一味每付克数, 每付总克数")
    max: Quantity = Field(gt=0, description="a number; kept in 1/10,000")


class DecoctionLimit(Rule, frozen=True, kw_only=True):
    """Run form: what is counted and how much of it is allowed, in 1/10,000."""

    measure: Measure
    max: int


class Case(msgspec.Struct, frozen=True):
    """What one prescription, or one piece of it, comes to (1/10,000)."""

    present: int
    name: str
    lines: tuple[int, ...]
    involved: tuple[int, ...]


Reader = Callable[[DecoctionLimit, Prescription, View], Iterator[Case | Missing]]


def compile_row(row: DecoctionRow) -> DecoctionLimit:
    """Return the run form. Raises ``ValueError`` for part of a piece or dose."""
    if row.measure in {"kinds", "doses"} and row.max % UNIT:
        raise ValueError("pieces and doses are whole numbers")
    kinds = row.max // UNIT
    if row.measure == "kinds" and len(sample_drugs(row.items, kinds + 1)) <= kinds:
        raise ValueError("items name no more pieces than max allows, so the rule could never speak")
    return DecoctionLimit(**shared(row), measure=row.measure, max=row.max)


def read(rule: DecoctionLimit, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield what each prescription comes to (by day, but for its doses), or what keeps that from being known."""
    for whole in prescriptions(rule.items, lines, view):
        for found in [whole] if rule.measure == "doses" else day_by_day(whole, view):
            yield from READERS[rule.measure](rule, found, view)


def _kinds(rule: DecoctionLimit, found: Prescription, view: View) -> Iterator[Case | Missing]:
    count = len({charge.line.item for charge in found.charges}) * UNIT
    yield _whole(rule, found, count, most=count + len(found.unread) * UNIT)


def _dose_grams(rule: DecoctionLimit, found: Prescription, view: View) -> Iterator[Case | Missing]:
    total, lacking = _total((charge.line for charge in found.charges), view)
    if lacking and total <= rule.max:
        yield replace(lacking, lines=found.asked)
    else:
        yield _whole(rule, found, total, most=None if found.unread else total)


def _whole(rule: DecoctionLimit, found: Prescription, present: int, *, most: int | None) -> Case | Missing:
    """Judge a sum over the prescription; unread lines may bring it up to ``most`` (``None``: to anything)."""
    if present > rule.max and not found.number:
        return Missing(fields=("line.prescription",), lines=found.asked)
    if present <= rule.max and (most is None or most > rule.max):
        return Missing(fields=("line.item",), reason="unmapped", lines=found.asked)
    return Case(present, "", found.asked, found.others)


def _doses(rule: DecoctionLimit, found: Prescription, view: View) -> Iterator[Case | Missing]:
    """The doses are the prescription's: one line that tells them speaks for the others of its number."""
    left = {charge.line.position: _doses_left(charge) for charge in found.charges}
    told = max(left.values()) if found.number else 0
    doses = {position: left[position] or told for position in found.asked}
    unknown = tuple(position for position, count in doses.items() if not count)
    if unknown:
        yield Missing(fields=("line.doses",), lines=unknown)
    over = tuple(position for position, count in doses.items() if count * UNIT > rule.max)
    yield Case(max(doses.values()) * UNIT, "", over, tuple(position for position in left if position not in over))


def _doses_left(charge: Charge) -> int:
    """Return a line's doses less those taken back with part of its quantity; 0 is unknown."""
    doses, sent = charge.line.doses or 0, charge.line.quantity
    return -(-doses * charge.quantity // sent) if sent and charge.quantity is not None else doses


def _piece_grams(rule: DecoctionLimit, found: Prescription, view: View) -> Iterator[Case | Missing]:
    """A piece written twice into one prescription counts together; without a number each line stands alone."""
    pieces: dict[object, list[Line]] = {}
    for charge in found.charges:
        pieces.setdefault(charge.line.item if found.number else charge.line.position, []).append(charge.line)
    wanted = set(found.asked)
    gaps: dict[Missing, list[int]] = {}
    for lines in pieces.values():
        asked = tuple(line.position for line in lines if line.position in wanted)
        if asked:
            total, lacking = _total(lines, view)
            if total > rule.max:
                others = tuple(line.position for line in lines if line.position not in wanted)
                yield Case(total, names(lines, rule.name), asked, others)
            elif lacking:
                gaps.setdefault(lacking, []).extend(asked)
    for gap, positions in gaps.items():
        yield replace(gap, lines=tuple(positions))


def _total(lines: Iterable[Line], view: View) -> tuple[int, Missing | None]:
    """Return the grams that lines hold for certain, and what keeps the rest from being known."""
    total, lacking = 0, None
    for line in lines:
        known = grams(line, view)
        if isinstance(known, int):
            total += known
        else:
            lacking = lacking or known
    return total, lacking


def grams(line: Line, view: View) -> int | Missing:
    """Return a piece's grams in one dose (1/10,000): its dose, else its quantity over the doses."""
    if line.dose is not None:
        return _in_grams(line.dose, line.dose_unit, "line.dose_unit", view)
    if line.quantity is None or not line.doses:
        return Missing(fields=("line.dose",))
    return _in_grams(line.quantity // line.doses, line.unit, "line.unit", view)


def _in_grams(value: int, unit: str | None, field: str, view: View) -> int | Missing:
    """Read a weight through the ``unit`` dictionary (``1000 mg``), unless the unit is a gram's own."""
    weight = _grams_of(view.meaning("unit", unit) or f"1 {unit}")
    return view.unread(unit, field) if weight is None else value * weight[0] // weight[1]


@lru_cache(maxsize=1024)
def _grams_of(meaning: str) -> tuple[int, int] | None:
    """Return the grams of a unit as a fraction (``3000 mg`` is 3); ``None`` for what is no weight."""
    count, _, base = meaning.partition(" ")
    return (Decimal(count) / PER_GRAM[base]).as_integer_ratio() if base in PER_GRAM else None


READERS: Final[dict[Measure, Reader]] = {
    "kinds": _kinds,
    "doses": _doses,
    "piece_grams": _piece_grams,
    "dose_grams": _dose_grams,
}


def check(rule: DecoctionLimit, case: Case) -> Draft | None:
    """Fire above the limit, on the lines that exceed it together."""
    if case.present <= rule.max:
        return None
    code, subject, unit = WORDS[rule.measure]
    most = f"{number(rule.max)} {unit}"
    present = f"{case.name}{subject} {number(case.present)} {unit}"
    return Draft(
        code=code,
        message=f"【{rule.name}】{present},限 {most};请减至 {most}以内,确有需要请注明理由。",
        lines=case.lines,
        involved=case.involved,
        limit=f"{subject}限 {most}",
        present=present,
        allowed=f"{most}以内",
        facts=(("measure", rule.measure), ("present", number(case.present)), ("max", number(rule.max))),
    )


def _holding(rule: DecoctionLimit, encounter: Encounter, count: int) -> Encounter:
    """Return the encounter with a prescription that comes to ``count`` (1/10,000) of what the rule counts."""
    kinds = count // UNIT if rule.measure == "kinds" else 1
    first, *others = sample_drugs(rule.items, kinds)
    doses = count // UNIT if rule.measure == "doses" else 1
    weight = count if rule.measure in {"piece_grams", "dose_grams"} else UNIT
    changed = with_first_line(
        encounter, item=first, prescription=PRESCRIPTION, doses=doses, dose=weight, dose_unit="克"
    )
    for code in others:
        changed = plus_line(changed, item=code)
    return changed


def witness(rule: DecoctionLimit, encounter: Encounter) -> Encounter:
    """One piece, dose or gram more than allowed."""
    return _holding(rule, encounter, rule.max + UNIT)


def near_miss(rule: DecoctionLimit, encounter: Encounter) -> Encounter:
    """Exactly what is allowed."""
    return _holding(rule, encounter, rule.max)


KIND = RuleKind(
    name="decoction_limit",
    title="中药饮片处方限量",
    codes=(
        ("TOO_MANY_PIECES", "味数过多"),
        ("TOO_MANY_DOSES", "付数过多"),
        ("PIECE_OVERDOSE", "单味超量"),
        ("DECOCTION_TOO_HEAVY", "每付总量过大"),
    ),
    row=DecoctionRow,
    rule=DecoctionLimit,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety", "payment"),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
