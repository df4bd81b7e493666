"""How points and money are made: coefficients, deviation, review, point values, bands."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from rules.dip.codes import DeviationFormula, FundFormula, GroupClass, Reference
from rules.noun import Noun


class Coefficient(Noun, frozen=True, kw_only=True):
    """A hospital coefficient (机构系数); empty fields hold for all. The row that names most of them is used."""

    coefficient: Decimal
    hospital: str = ""
    level: int | None = None
    insurance: str = ""
    group: str = ""
    diagnoses: tuple[str, ...] = ()
    """Prefixes of principal diagnoses (obstetrics …)."""
    kind: GroupClass | None = None
    """Only for groups of this class (TCM groups have their own level coefficients)."""
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""


class CoefficientAddOn(Noun, frozen=True, kw_only=True):
    """An addition to the hospital coefficient earned by an indicator: so much per step, up to a cap."""

    indicator: str
    """cmi_growth, young_share, old_share, tcm_share … as the hospital's profile names it."""
    step: Decimal
    per_step: Decimal
    start: Decimal = Decimal(0)
    cap: Decimal | None = None
    level: int | None = None


class Deviation(Noun, frozen=True, kw_only=True):
    """Deviation cases (费用偏差病例)."""

    formula: DeviationFormula = "none"
    low: Decimal = Decimal("0.5")
    high: Decimal = Decimal(2)
    low_inclusive: bool = False
    """r equal to the low limit is low."""
    high_inclusive: bool = False
    low_reference: Reference = "group_mean"
    high_reference: Reference = "group_mean"
    average_factors: dict[str, Decimal] = msgspec.field(default_factory=dict)
    """Yuan per point by insurance (``""`` for all), for ``points_times_average`` and where a group has no mean."""
    extreme: Decimal | None = None
    """coefficient_inside: above this r only the coefficient counts."""
    review_from: Decimal | None = None
    """r from which a case is a candidate for special-case review."""
    classes: tuple[GroupClass, ...] = ("core", "primary_care", "comprehensive")


class Converted(Noun, frozen=True, kw_only=True):
    """Points of a case by its actual cost: score x cost / mean cost x factors (blank and last-resort groups)."""

    factors: tuple[Decimal, ...] = ()
    mean_cost: int | None = None
    """Used where the group has none (an ungrouped case: mean of the region)."""
    score: Decimal | None = None


class Review(Noun, frozen=True, kw_only=True):
    """Special-case review (特例单议): what makes a candidate, and how its points are set."""

    cost_multiple: Decimal | None = None
    long_stay_multiple: Decimal | None = None
    """Stay / mean stay of the group."""
    new_technology: bool = True
    departments: int | None = None
    critical: bool = True
    share_limit: Decimal = Decimal("0.005")
    """Of DIP discharges."""
    points_from: Literal["actual_cost", "item_share"] = "actual_cost"
    item_share: Decimal = Decimal(1)
    """Share of the actual cost that is paid when items are paid by ratio (按比例项目支付)."""


class AddOn(Noun, frozen=True, kw_only=True):
    """Points on top: new technology, negotiated drugs, combined tumour therapy (加成分值)."""

    name: str
    points: Decimal
    operations: tuple[str, ...] = ()
    new_technology: bool = False


class PointsRules(Noun, frozen=True, kw_only=True):
    """How points of a case are made."""

    decimals: int = 4
    """Points are rounded half up to so many decimals, once, at the end."""
    coefficient_required: bool = True
    """Without a coefficient the points are not known; otherwise it counts as 1."""
    no_coefficient: tuple[GroupClass, ...] = ()
    """Classes paid alike at every hospital. Primary-care groups use their basic factor in any case."""
    coefficients: tuple[Coefficient, ...] = ()
    add_ons_to_coefficient: tuple[CoefficientAddOn, ...] = ()
    deviation: Deviation = Deviation()
    last_resort: Converted | None = None
    ungrouped: Converted | None = None
    bed_day: Literal["per_day", "per_case"] = "per_day"
    review: Review | None = None
    add_ons: tuple[AddOn, ...] = ()


class PointValue(Noun, frozen=True, kw_only=True):
    """Yuan per point (点值) for a period, an insurance and an insured place; empty holds for all."""

    value: Decimal
    use: Literal["budget", "settlement"] = "budget"
    insurance: str = ""
    place: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


class SettlementBand(Noun, frozen=True, kw_only=True):
    """One band of actual cost / payable amount (结余留用、合理超支分担). Bounds: from included, to excluded."""

    start: Decimal = Decimal(0)
    end: Decimal | None = None
    pay: Literal["actual", "payable", "share_of_excess", "share_of_surplus", "capped"] = "payable"
    """actual: the actual cost; payable: all of it, the hospital keeps the rest; share_of_excess: payable plus
    ``share`` of what the cost exceeds it; share_of_surplus: actual plus ``share`` of the surplus; capped: as if the
    ratio were ``start``, by the band before."""
    share: Decimal = Decimal(0)
    condition: str = ""
    """In words, where the scheme ties the band to something else (附加条件)."""


class AssessmentBand(Noun, frozen=True, kw_only=True):
    """Assessment coefficient by score: from ``start`` (included) on."""

    start: Decimal
    coefficient: Decimal


class PaymentRules(Noun, frozen=True, kw_only=True):
    """How money follows from points."""

    values: tuple[PointValue, ...] = ()
    decimals: int = 2
    """Money is rounded half up to so many decimals of a yuan."""
    fund: FundFormula = "less_patient_share"
    fund_may_be_negative: bool = False
    prepay_ratio: Decimal = Decimal(1)
    deposit_ratio: Decimal = Decimal(0)
    """Share of the prepayment kept as quality deposit (质量保证金)."""
    bands: tuple[SettlementBand, ...] = ()
    assessment: tuple[AssessmentBand, ...] = ()
    floating_share: Decimal | None = None
    """Share of the increment in a floating point value (8:2 is 0.2); the rest is the base part."""
    payment_ratio: Decimal = Decimal(1)
    """Fund's share of the total cost, for a point value from a budget."""


class Eligibility(Noun, frozen=True, kw_only=True):
    """Who is paid by DIP at all (ruling 25); empty lists hold for all."""

    insurances: tuple[str, ...] = ()
    medical_types: tuple[str, ...] = ()
    out_of_area: bool = True
    """Patients insured elsewhere are in."""
    day_surgery: bool = True
    min_days: int | None = None
    max_days: int | None = None
