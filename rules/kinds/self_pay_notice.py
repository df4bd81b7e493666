"""Self-pay notice (自付比例与费用等级提示): what share of an item the patient bears, and its fee class 甲, 乙, 丙.

Checklist B3, B4, H10, H14. The share is the line's own 先行自付比例, or the row's, which with ``insurances`` says what
it is for residents or employees. The notice speaks from ``min_ratio`` up and for class 丙, once per item; it judges
nobody, so no money is at stake.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import Field

from rules.codes import FeeClass
from rules.kinds._contract import Quantity, Row, RuleKind, shared
from rules.kinds._edits import positions, with_first_line, with_visit
from rules.kinds._reading import ALWAYS_SENT, grouped
from rules.kinds._text import number
from rules.kinds._view import View
from rules.lines import amount_of
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule


class SelfPayRow(Row):
    """One line of ``self_pay_notice.csv``."""

    min_ratio: Quantity = Field(gt=0, le=UNIT, description="share from which it speaks: 0.3 is 30 %")
    ratio: Quantity | None = Field(
        default=None, gt=0, le=UNIT, description="the share itself, where the line's own is not what counts"
    )
    always_sent: bool = Field(default=True, description=ALWAYS_SENT)


class SelfPayNotice(Rule, frozen=True, kw_only=True):
    """Run form: the share from which to speak, and the row's own share if it has one."""

    min_ratio: int
    ratio: int | None
    always_sent: bool


class Share(msgspec.Struct, frozen=True):
    """What the patient bears of an item by the catalogue, in 1/10,000; what they pay and signed for in this order."""

    item: str
    name: str
    fee_class: FeeClass | None
    ratio: int
    whole: bool
    consented: bool


class Case(msgspec.Struct, frozen=True):
    """One item's share, and its lines with what they come to."""

    share: Share
    amount: int
    lines: tuple[int, ...]


def compile_row(row: SelfPayRow) -> SelfPayNotice:
    """Return the run form. Raises ``ValueError`` for a share that could never be spoken of."""
    if row.ratio is not None and row.ratio < row.min_ratio:
        raise ValueError("ratio is below min_ratio, so that the row would never speak")
    return SelfPayNotice(**shared(row), min_ratio=row.min_ratio, ratio=row.ratio, always_sent=row.always_sent)


def read(rule: SelfPayNotice, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case per item whose class or share is known."""
    for share, group in grouped(lines, lambda line: _share(rule, line)).items():
        if share is not None:
            yield Case(share, sum(map(amount_of, group)), positions(group))
        elif rule.always_sent:
            yield Missing(fields=("line.self_pay_ratio",), lines=positions(group))


def _share(rule: SelfPayNotice, line: Line) -> Share | None:
    """Return what the patient bears of a line; ``None`` when nobody says."""
    ratio = line.self_pay_ratio if rule.ratio is None else rule.ratio
    if line.fee_class == "丙":
        ratio = UNIT
    elif ratio is None and line.fee_class == "甲":
        ratio = 0
    if ratio is None:
        return None
    whole = ratio == UNIT or line.self_paid is True
    return Share(line.item, line.name, line.fee_class, ratio, whole, line.consent is True)


def check(rule: SelfPayNotice, case: Case) -> Draft | None:
    """Speak for shares from the row's own on."""
    share = case.share
    if share.ratio < rule.min_ratio:
        return None
    paid = UNIT if share.whole else share.ratio
    percent = f"{number(paid * 100)}%"
    name = share.name if share.name != rule.name else ""
    grade = f"属{share.fee_class}类," if share.fee_class else ""
    money = f",约 {_cents(case.amount * paid // UNIT)} 元" if case.amount else ""
    present = f"{grade}患者{'全部自费' if share.whole else f'先行自付 {percent}'}{money}"
    consent = ",并签署自费知情同意" if share.whole and not share.consented else ""
    return Draft(
        code="SELF_PAY_SHARE",
        message=f"【{rule.name}】{name}{present};请事先告知患者{consent}。",
        lines=case.lines,
        amounts=(0,) * len(case.lines),
        limit=f"自付 {number(rule.min_ratio * 100)}% 起提示",
        present=present,
        allowed="告知患者后使用",
        facts=(("line.fee_class", share.fee_class or ""), ("line.self_pay_ratio", percent)),
    )


def _cents(amount: int) -> str:
    """Return money to the nearest 分."""
    return number((amount + UNIT // 200) // (UNIT // 100) * (UNIT // 100))


def _insured(rule: SelfPayNotice, encounter: Encounter, **changes: Any) -> Encounter:
    """Return the encounter with someone the row speaks for, and the first line changed."""
    insurance = rule.insurances[0] if rule.insurances else encounter.visit.insurance
    return with_first_line(with_visit(encounter, insurance=insurance), **changes)


def witness(rule: SelfPayNotice, encounter: Encounter) -> Encounter:
    """Just the share from which the row speaks."""
    return _insured(rule, encounter, fee_class="乙", self_pay_ratio=rule.min_ratio)


def near_miss(rule: SelfPayNotice, encounter: Encounter) -> Encounter:
    """A share just below; where the row has its own, the same item known from before."""
    if rule.ratio is not None:
        return _insured(rule, encounter, current=False)
    return _insured(rule, encounter, fee_class="乙", self_pay_ratio=rule.min_ratio - 1)


KIND = RuleKind(
    name="self_pay_notice",
    title="自付比例与费用等级提示",
    codes=(("SELF_PAY_SHARE", "自付提示"),),
    row=SelfPayRow,
    rule=SelfPayNotice,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("charging",),
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
