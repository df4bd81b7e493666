"""The contract of ``/v1/dip/settle`` and of strategies in ``/v1/dip/simulate``: cases of a month or a year.

Amounts are yuan. The answers are the nouns of ``rules.dip.settled`` as ``service.dip_sets.noun_document`` writes them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rules.dip.behaviour import NotJudgedReason, ScoreName
from rules.dip.codes import FundFormula
from rules.dip.settled import LeftOutReason, Part
from rules.dip.strategies import Followers, Strategy
from service.schemas.dip import SchemeOut
from service.schemas.dip_case import Amount, Form, Money, Share, Text


class PoolIn(Form):
    """A fund of its own: cases of this insurance and insured place; an empty field holds for all."""

    insurance: Text = Field(None, description="险种; absent: every one")
    place: Text = Field(None, description="参保地; absent: every one")
    fund: Money = Field(None, description="fund for DIP in the period, yuan")
    region_points: Amount = Field(None, description="total points of all hospitals of the region in the period")
    payment_ratio: Share = Field(None, description="fund's share of the total cost; absent: the scheme's")


class SettleParametersIn(Form):
    """What the fund and the hospital's books say beside the cases (月预结算, 年度清算)."""

    budget: Money = Field(None, description="one fund for all cases, yuan; or name `pools`")
    total_region_points: Amount = Field(None, description="total points of the region; absent: these cases are all")
    pools: Annotated[list[PoolIn], Field(max_length=200)] = Field(
        [], description="funds by insurance and insured place"
    )
    budget_value: Amount = Field(None, description="预算点值, yuan; absent: the scheme's")
    assessment_score: Amount = Field(None, description="年度考核得分")
    deductions: Money = Field(None, description="审核扣减 on top of the cases' own, yuan")
    advance: Money = Field(None, description="周转金 already received, yuan")
    prepaid: Money = Field(None, description="月预付 already received, yuan")
    care_cost: Money = Field(None, description="what care cost the hospital, yuan")
    fund_ratio: Share = Field(None, description="fund's share of the cost for all cases; absent: each its own")
    formula: FundFormula = Field("times_fund_ratio", description="fund formula of the year's clearing")
    base_score: Amount = Field(None, description="score of a case of average cost; 1000 if absent")
    behaviour: bool = Field(False, description="also report the behaviour scores (违规行为监管) of these cases")


class SettleIn(Form):
    """Cases of one hospital and period, and the parameters."""

    cases: list[Any] = Field(description="cases as in POST /v1/dip/group")
    parameters: SettleParametersIn = Field(SettleParametersIn.model_construct())


class StrategiesIn(Form):
    """How far each strategy goes, and what pays for the points (K30)."""

    fund: Money = Field(None, description="fund of the region for the month, yuan; or `point_value`")
    region_points: Amount = Field(None, description="total points of the region; absent: these cases are all")
    point_value: Amount = Field(None, description="yuan per point; absent: from the fund, or the scheme's")
    payment_ratio: Share = Field(None, description="fund's share of the total cost; absent: the scheme's")
    points_rise: Share = Field(None, description="A 冲分值: points rise by this share; 0.1 if absent")
    cost_rise: Share = Field(None, description="B 费用冲高: cost rises by this share; 0.1 if absent")
    cost_cut: Share = Field(None, description="C 合理控费: cost falls by this share; 0.1 if absent")


class StrategySimulationIn(Form):
    """Cases of one pool and month."""

    cases: list[Any] = Field(description="cases as in POST /v1/dip/group")
    strategies: StrategiesIn = Field(StrategiesIn.model_construct())


class SumOut(BaseModel):
    """A sum over the cases for which the amount is known."""

    amount: float
    cases: int
    absent: list[int] = Field(description="places of the cases for which it is not known, from 0")


class PartOut(BaseModel):
    """Points of one part (核心, 综合, 中医, 床日, 基层, 辅助, 特例单议, 加成 …)."""

    part: Part
    name: str
    points: float
    cases: int


class LeftOutOut(BaseModel):
    """Cases that have no part in it, and why."""

    reason: LeftOutReason
    name: str = Field(description="the reason in Chinese")
    detail: str
    positions: list[int] = Field(description="places of the cases, from 0")
    cost: float
    deductions: float


class PrepaymentOut(BaseModel):
    """月预结算."""

    fund: SumOut
    ratio: float
    deductions: float
    prepayment: float | None
    deposit: float | None
    paid: float | None
    advance: float


class BandPayOut(BaseModel):
    """What the band of actual / payable comes to (结余留用、合理超支分担)."""

    actual: float
    payable: float
    ratio: float | None
    band: dict[str, Any] | None
    amount: float


class ClearingOut(BaseModel):
    """年度清算."""

    formula: FundFormula
    payable: SumOut
    recorded: SumOut
    band: BandPayOut | None
    banded: float | None
    coefficient: float | None
    deductions: float
    due: float | None
    prepaid: float
    advance: float
    balance: float | None


class EffectsOut(BaseModel):
    """What the clearing means for the hospital."""

    surplus: float | None
    surplus_cases: int
    fund_surplus: float | None
    cost_view: float | None
    charge_view: float | None


class CountsOut(BaseModel):
    """How many cases, and what they are worth in points."""

    cases: int
    settled: int
    left_out: list[LeftOutOut]
    points: float
    parts: list[PartOut] = Field(description="add up to `points`")
    mean_points: float | None
    cmi: float | None
    grouped: int
    discharges: int
    grouping_rate: float | None
    cost: SumOut


class PoolOut(BaseModel):
    """One pool (insurance and insured place), or all of them together."""

    insurance: str | None
    place: str | None
    counts: CountsOut
    budget_value: float | None
    settlement_value: float | None
    standard: SumOut = Field(description="支付标准(参考) at the settlement value")
    budget_standard: SumOut
    reimbursed: SumOut
    month: PrepaymentOut
    year: ClearingOut
    effects: EffectsOut
    notes: list[str]


class ReviewCandidateOut(BaseModel):
    """A case that may be put up for special-case review (特例单议)."""

    position: int
    case: str
    why: list[str]
    excess: float | None
    within: bool = Field(description="fits the share limit when cases of larger excess come first")


class ReviewPlanOut(BaseModel):
    """Which candidates fit the share limit."""

    share_limit: float
    discharges: int
    limit: int
    approved: list[int]
    candidates: list[ReviewCandidateOut]


class FlaggedOut(BaseModel):
    """A case that shows a sign."""

    position: int
    case: str
    group: str
    ratio: float | None
    days: int | None
    before: int | None
    risk: str
    words: str


class NotJudgedOut(BaseModel):
    """Cases a score says nothing of."""

    reason: NotJudgedReason
    cases: int


class ScoreOut(BaseModel):
    """One behaviour score: judged and not judged are all cases."""

    name: ScoreName
    judged: int
    flagged: list[FlaggedOut]
    not_judged: list[NotJudgedOut]
    share: float | None
    words: str


class RecordQualityOut(BaseModel):
    """病案质量指数, of settlement lists."""

    checked: int
    index: float | None
    compliance: float | None
    upcoding: float | None
    downcoding: float | None
    cases: list[str]
    words: str


class BehaviourOut(BaseModel):
    """Signs to look into, none of them proof of anything (违规行为监管)."""

    cases: int
    scores: list[ScoreOut]
    records: RecordQualityOut | None


class SettleAnswer(BaseModel):
    """Money of a set of cases, yuan."""

    scheme: SchemeOut
    note: str
    overall: PoolOut
    pools: list[PoolOut]
    review: ReviewPlanOut | None = Field(description="null: the scheme has no special-case review")
    behaviour: BehaviourOut | None = Field(description="null unless asked for")


class OutcomeOut(BaseModel):
    """What a strategy comes to."""

    strategy: Strategy
    name: str
    followers: Followers
    violation: bool = Field(description="forbidden; shown to warn of it")
    cases: int
    points: float
    region_points: float
    point_value: float | None
    income: float | None
    cost: float
    balance: float | None
    difference: float | None
    low: int
    high: int
    words: str


class StrategiesAnswer(BaseModel):
    """Today, and each strategy by this hospital alone and by all."""

    label: Literal["预估"]
    note: str
    scheme: SchemeOut
    today: OutcomeOut
    outcomes: list[OutcomeOut]
    left_out: list[LeftOutOut]
    notes: list[str]
