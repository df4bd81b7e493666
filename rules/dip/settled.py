"""The nouns of a settlement over a set of cases: a month's prepayment, a year's clearing, and what was left out.

Amounts are integers of 1/10,000 yuan, points and coefficients ``Decimal``. ``None`` is not known, never zero. Cases are
named by their place among those handed in, from 0, because an id may be absent or repeat.
"""

from decimal import Decimal
from typing import Final, Literal

from rules.dip.codes import FundFormula, IneligibleReason, PointsReason
from rules.dip.model import SettlementBand
from rules.noun import Noun

Part = Literal[
    "core",
    "comprehensive",
    "tcm",
    "bed_day",
    "primary_care",
    "last_resort",
    "ungrouped",
    "auxiliary",
    "special_review",
    "add_on",
]
"""Parts of the total points (dip facts 5). ``auxiliary``: what the auxiliary coefficient adds to core groups, negative
where it takes away; ``special_review``: all points of reviewed cases but their additions; ``ungrouped``: cases
without a group that are converted by cost."""
PARTS: Final[tuple[Part, ...]] = (
    "core",
    "comprehensive",
    "tcm",
    "bed_day",
    "primary_care",
    "last_resort",
    "ungrouped",
    "auxiliary",
    "special_review",
    "add_on",
)
PART_WORDS: Final[dict[Part, str]] = {
    "core": "核心病种",
    "comprehensive": "综合病种",
    "tcm": "中医优势病种",
    "bed_day": "床日病种",
    "primary_care": "基层病种",
    "last_resort": "保底组",
    "ungrouped": "未入组折算",
    "auxiliary": "辅助目录校正",
    "special_review": "特例单议",
    "add_on": "加成分值",
}

LeftOutReason = IneligibleReason | PointsReason
"""Why a case has no part in a settlement: DIP does not pay it, that is not known, or its points are not."""


class PoolTerms(Noun, frozen=True, kw_only=True):
    """A fund of its own: cases of this insurance and insured place; an empty field holds for all.

    The terms that name most hold; of two that name as many, the first.
    """

    insurance: str = ""
    place: str = ""
    fund: int | None = None
    """What the fund has for DIP in the period (区域医保基金可用于DIP付费总额)."""
    region_points: Decimal | None = None
    """Total points of all hospitals of the region in the period."""
    payment_ratio: Decimal | None = None
    """Fund's share of the total cost; else the scheme's."""


class PartPoints(Noun, frozen=True, kw_only=True):
    """Points of one part, and how many cases have some there."""

    part: Part
    points: Decimal
    cases: int


class LeftOut(Noun, frozen=True, kw_only=True):
    """Cases that are not settled."""

    reason: LeftOutReason
    detail: str = ""
    positions: tuple[int, ...]
    cost: int
    """What those with a recorded cost have cost."""
    deductions: int = 0
    """Their own audit deductions, which are not deducted either."""

    @property
    def cases(self) -> int:
        """How many."""
        return len(self.positions)


class Sum(Noun, frozen=True, kw_only=True):
    """A sum over the settled cases for which the amount is known; ``cases`` + ``absent`` are all settled cases."""

    amount: int = 0
    cases: int = 0
    absent: tuple[int, ...] = ()


class Prepayment(Noun, frozen=True, kw_only=True):
    """月预结算 (dip facts 5): sum(points x budget value - patient payments) x ratio - deductions."""

    fund: Sum
    """Fund shares at the budget value, by the scheme's formula."""
    ratio: Decimal
    deductions: int
    prepayment: int | None = None
    """``None``: there are cases, and the fund share of none of them is known."""
    deposit: int | None = None
    """Kept as quality deposit (质量保证金)."""
    paid: int | None = None
    """prepayment - deposit."""
    advance: int = 0
    """One month's money given beforehand (周转金) and still with the hospital; set off at the year's end."""


class BandPay(Noun, frozen=True, kw_only=True):
    """What a band of actual / payable comes to (结余留用、合理超支分担)."""

    actual: int
    payable: int
    ratio: Decimal | None = None
    """actual / payable, four decimals; ``None`` where nothing is payable."""
    band: SettlementBand | None = None
    """``None``: nothing is payable, and that is what is paid."""
    amount: int


class Clearing(Noun, frozen=True, kw_only=True):
    """年度清算 (dip facts 5): sum(points x value x fund ratio), banded, x assessment coefficient - deductions."""

    formula: FundFormula
    payable: Sum
    """基金应付 at the settlement value, by the formula."""
    recorded: Sum
    """基金记账: the fund's part of the actual cost, of the cases that ``payable`` counts."""
    band: BandPay | None = None
    """``None``: the scheme has no bands, or they cannot be judged; the whole is banded pool by pool."""
    banded: int | None = None
    """What the bands pay; without bands the payable amount: surplus kept, overrun borne (O11)."""
    coefficient: Decimal | None = None
    """Of the annual assessment; 1 where the scheme has none, ``None`` where the score is not known."""
    deductions: int
    due: int | None = None
    """banded x coefficient - deductions."""
    prepaid: int = 0
    advance: int = 0
    balance: int | None = None
    """多退少补: due - prepaid - advance; negative is paid back."""


class Effects(Noun, frozen=True, kw_only=True):
    """What the clearing means for the hospital; shares with four decimals."""

    surplus: int | None = None
    """结余 (O11): standard - cost over the cases for which both are known."""
    surplus_cases: int = 0
    """How many cases that are."""
    fund_surplus: int | None = None
    """医院获得的经济效益 (K35): due - what the fund's part of the actual cost was."""
    cost_view: Decimal | None = None
    """医保支付效果 (K33): due / cost of care, where the hospital says what care cost."""
    charge_view: Decimal | None = None
    """医保支付效果 (K34): due / what was charged to the fund."""


class Counts(Noun, frozen=True, kw_only=True):
    """How many cases, and what they are worth in points; ``cases`` = ``settled`` + those of ``left_out``."""

    cases: int
    settled: int
    left_out: tuple[LeftOut, ...] = ()
    points: Decimal
    """Of the settled cases; those paid by actual cost alone have none."""
    parts: tuple[PartPoints, ...] = ()
    """Every part that has cases; their points add up to ``points``."""
    mean_points: Decimal | None = None
    """points / cases with points, four decimals."""
    cmi: Decimal | None = None
    """Mean RW (score / base score) of the settled cases whose group has a score, four decimals."""
    grouped: int = 0
    """Cases with a group among the DIP discharges."""
    discharges: int = 0
    """DIP discharges: all cases but those that DIP is known not to pay."""
    grouping_rate: Decimal | None = None
    """grouped / discharges (入组率), four decimals."""
    cost: Sum
    """Total cost of the settled cases."""


class Pool(Noun, frozen=True, kw_only=True):
    """One pool (insurance and insured place), or all of them together."""

    insurance: str | None = None
    place: str | None = None
    counts: Counts
    budget_value: Decimal | None = None
    """Yuan per point, where it is one for all settled cases."""
    settlement_value: Decimal | None = None
    standard: Sum
    """支付标准 (reference, no cap) at the settlement value."""
    budget_standard: Sum
    """支付标准 at the budget value."""
    reimbursed: Sum
    """K27: sum of (standard - own - specified own - deductible) x reimbursement ratio, before deductions."""
    month: Prepayment
    year: Clearing
    effects: Effects = Effects()
    notes: tuple[str, ...] = ()


class ReviewCandidate(Noun, frozen=True, kw_only=True):
    """A case that may be put up for special-case review (特例单议)."""

    position: int
    case: str = ""
    why: tuple[str, ...] = ()
    excess: int | None = None
    """cost - standard of a normal case at the budget value."""
    within: bool = False
    """Fits the share limit when cases of larger excess come first."""


class ReviewPlan(Noun, frozen=True, kw_only=True):
    """Which candidates fit the share limit."""

    share_limit: Decimal
    discharges: int
    limit: int
    """Whole cases: share limit x DIP discharges, cut."""
    approved: tuple[int, ...] = ()
    """Cases reviewed already; they count against the limit."""
    candidates: tuple[ReviewCandidate, ...] = ()
    """Largest excess first; unknown excess last."""


class Settlement(Noun, frozen=True, kw_only=True):
    """Money of a set of cases, by pool and overall."""

    pools: tuple[Pool, ...]
    overall: Pool
    review: ReviewPlan | None = None
    """``None``: the scheme has no special-case review."""
