"""Single piece (饮片单方不予支付): decoction pieces the fund pays for only in a compound.

Judged over the whole prescription (audit rules, 7 point 2): nothing is paid when it holds one piece and that is
listed, or when all its pieces are listed; one piece beyond the list makes it a compound, whoever pays for it. One row
holds the whole list, for a piece's own row could not know the others.
"""

from collections.abc import Iterator

import msgspec

from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import plus_line, with_first_line
from rules.kinds._prescriptions import PIECES, SETTLING, Prescription, names, prescriptions
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule

UNLISTED = "T999999999"
"""A piece that no list names."""
PRESCRIPTION = "P1"


class SinglePieceRow(Row):
    """One line of ``single_piece.csv``: ``items`` is the whole list of pieces."""


class SinglePiece(Rule, frozen=True, kw_only=True):
    """Run form: the list stands in ``items``; ``pieces`` are all that may stand in a prescription of them."""

    pieces: tuple[str, ...]


class Case(msgspec.Struct, frozen=True):
    """One prescription of listed pieces only."""

    count: int
    names: str
    lines: tuple[int, ...]
    involved: tuple[int, ...]
    unfinished: bool
    """It is being entered line by line, so that more may yet be written into it."""
    unknown_payer: bool


def compile_row(row: SinglePieceRow) -> SinglePiece:
    """Return the run form."""
    local = tuple(pattern for pattern in row.items if not pattern.startswith("T"))
    return SinglePiece(**shared(row), pieces=(PIECES, *local))


def read(rule: SinglePiece, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case per prescription that holds listed pieces only, or what keeps that from being certain."""
    listed = {line.position for line in view.lines_of(rule.items)}
    for found in prescriptions(rule.pieces, lines, view):
        if all(charge.line.position in listed for charge in found.charges):
            yield _uncertain(rule, found, listed, view) or _case(rule, found, view)


def _uncertain(rule: SinglePiece, found: Prescription, listed: set[int], view: View) -> Missing | None:
    """Return what may hide an unlisted piece: a line nobody can recognise, or one that may stand in this prescription.

    Pieces of a message without any number are one prescription. Beside other pieces of that day, numbered or known
    from before, a piece without a number may belong to theirs.
    """
    if found.unread:
        return Missing(fields=("line.item",), reason="unmapped", lines=found.asked)
    if found.number:
        return None
    mine = {charge.line.position for charge in found.charges}
    days = {None, *(view.day_of(charge.line) for charge in found.charges)}
    for charge in view.charges(rule.pieces, visit_only=True):
        line = charge.line
        loose = line.position not in mine and (line.current or not line.prescription) and view.day_of(line) in days
        if loose and line.position not in listed:
            return Missing(fields=("line.prescription",), lines=found.asked)
    return None


def _case(rule: SinglePiece, found: Prescription, view: View) -> Case:
    lines = [charge.line for charge in found.charges]
    return Case(
        count=len({line.item for line in lines}),
        names=names(lines, rule.name),
        lines=found.asked,
        involved=found.others,
        unfinished=sum(line.current for line in lines) == 1 and SETTLING.isdisjoint(view.encounter.scenes),
        unknown_payer=any(line.self_paid is None for line in lines if line.position in found.asked),
    )


def check(rule: SinglePiece, case: Case) -> Draft:
    """Fire: ``read`` yields a case only for prescriptions that are not paid for."""
    alone = case.count == 1
    present = f"本方仅有{case.names}一味" if alone else f"本方{case.count}味({case.names})均在单方不予支付之列"
    limit = "单味使用不予支付" if alone else "全部由此类饮片组成的处方不予支付"
    return Draft(
        code="SINGLE_PIECE",
        message=f"【{rule.name}】{present},{limit};请按复方配伍,或经患者同意后自费。",
        lines=case.lines,
        involved=case.involved,
        limit=limit,
        present=present,
        allowed="复方配伍使用",
        facts=(("pieces", str(case.count)), ("names", case.names)),
        cap="warn" if case.unfinished or case.unknown_payer else "block",
    )


def witness(rule: SinglePiece, encounter: Encounter) -> Encounter:
    """The piece is the only one of its prescription."""
    return with_first_line(encounter, prescription=PRESCRIPTION)


def near_miss(rule: SinglePiece, encounter: Encounter) -> Encounter:
    """Beside one piece that is not listed."""
    return plus_line(witness(rule, encounter), item=UNLISTED, name="未列入的饮片")


KIND = RuleKind(
    name="single_piece",
    title="饮片单方不予支付",
    codes=(("SINGLE_PIECE", "饮片单方使用"),),
    row=SinglePieceRow,
    rule=SinglePiece,
    compile=compile_row,
    read=read,
    check=check,
    witness=witness,
    near_miss=near_miss,
)
