"""Never payable (不予支付): an item the fund does not pay for at all, alone or beside others.

Decoction pieces that are paid for neither alone nor in a compound, drugs of the commercial catalogue, what the
authority's lists put outside of payment. The finding is that the line stands as the fund's; a line that does not say
who pays (ruling 2) is warned about at most.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from pydantic import Field

from rules.kinds._contract import Row, RuleKind, shared
from rules.kinds._edits import with_first_line
from rules.kinds._view import Charge, View
from rules.model import Draft, Encounter, Line, Rule

Payer = Literal["fund", "unknown", "refused"]
WORDS: Final[dict[Payer, tuple[str, str]]] = {
    "fund": ("按基金支付", "请更换项目,或经患者同意后自费"),
    "unknown": ("未标明是否自费", "请更换项目,或核对本行是否自费"),
    "refused": ("患者未同意自费", "请更换项目,或取得患者同意"),
}


class NeverPayableRow(Row):
    """One line of ``never_payable.csv``."""

    because: str = Field(min_length=1, max_length=60, description="why the fund never pays, in words for the message")


class NeverPayable(Rule, frozen=True, kw_only=True):
    """Run form: why the fund never pays."""

    because: str


class Case(msgspec.Struct, frozen=True):
    """Lines with the same payer."""

    payer: Payer
    lines: tuple[int, ...]
    amounts: tuple[int, ...]


def compile_row(row: NeverPayableRow) -> NeverPayable:
    """Return the run form."""
    return NeverPayable(**shared(row), because=row.because)


def read(rule: NeverPayable, lines: tuple[Line, ...], view: View) -> Iterator[Case]:
    """Yield one case per payer; lines that the patient agreed to pay, or that were taken back, are not asked about."""
    standing = {charge.line.position: charge for charge in view.charges(rule.items)}
    payers: dict[Payer, list[Charge]] = {}
    for line in lines:
        if line.position in standing:
            payers.setdefault(_payer(line), []).append(standing[line.position])
    for payer, charges in payers.items():
        yield Case(payer, tuple(one.line.position for one in charges), tuple(one.amount for one in charges))


def _payer(line: Line) -> Payer:
    if line.self_paid is None:
        return "unknown"
    return "refused" if line.self_paid else "fund"


def check(rule: NeverPayable, case: Case) -> Draft:
    """Fire: every line that the rule is asked about stands as the fund's, or may do so."""
    present, advice = WORDS[case.payer]
    return Draft(
        code="NEVER_PAYABLE",
        message=f"【{rule.name}】{rule.because},基金不予支付;本次{present},{advice}。",
        lines=case.lines,
        amounts=case.amounts,
        limit=f"{rule.because},基金不予支付",
        present=present,
        allowed="自费",
        facts=(("payer", case.payer),),
        cap="warn" if case.payer == "unknown" else "block",
    )


def witness(rule: NeverPayable, encounter: Encounter) -> Encounter:
    """Charged to the fund."""
    return with_first_line(encounter, self_paid=False)


def near_miss(rule: NeverPayable, encounter: Encounter) -> Encounter:
    """Paid by the patient, who agreed."""
    return with_first_line(encounter, self_paid=True, consent=True)


KIND = RuleKind(
    name="never_payable",
    title="不予支付",
    codes=(("NEVER_PAYABLE", "不予支付"),),
    row=NeverPayableRow,
    rule=NeverPayable,
    compile=compile_row,
    read=read,
    check=check,
    witness=witness,
    near_miss=near_miss,
)
