"""What is said of a case under a scheme: group, sub-types, points, money."""

from decimal import Decimal

from rules.dip.catalogue import Group
from rules.dip.codes import Attribute, AuxiliaryType, Band, GroupingReason, IneligibleReason, PointsReason, Status
from rules.noun import Noun


class Remark(Noun, frozen=True, kw_only=True):
    """A reason with its particulars in words."""

    reason: GroupingReason
    detail: str = ""


class Grouping(Noun, frozen=True, kw_only=True):
    """Where a case belongs, and why (入组结果)."""

    status: Status
    group: str = ""
    layer: str = ""
    row: int | None = None
    """Number of the catalogue row."""
    principal: str = ""
    """Principal diagnosis in normal form."""
    operations: tuple[str, ...] = ()
    """Operations in normal form, main operation first, those left out of grouping not among them."""
    used: tuple[str, ...] = ()
    """Operations the row uses."""
    attribute: Attribute | None = None
    """The case's attribute; ``None`` when it cannot be told."""
    tied: tuple[str, ...] = ()
    """Other groups that fit equally well."""
    remarks: tuple[Remark, ...] = ()


class Typing(Noun, frozen=True, kw_only=True):
    """A case's sub-type in one part of the auxiliary directory."""

    type: AuxiliaryType
    subtype: str
    coefficient: Decimal | None = None
    """``None``: the scheme prints none for this group, or its trigger is not met."""
    note: str = ""


class Factor(Noun, frozen=True, kw_only=True):
    """One factor of the points, and where it came from."""

    name: str
    """score, hospital_coefficient, auxiliary, deviation, days, review, last_resort …"""
    value: Decimal
    source: str
    """In words, for coders."""


class PointsNote(Noun, frozen=True, kw_only=True):
    """Why something is not known, or what to know."""

    reason: PointsReason
    detail: str = ""


class PointsResult(Noun, frozen=True, kw_only=True):
    """Points of a case (病例分值)."""

    standard_points: Decimal | None = None
    """Score x coefficient x auxiliary, before any deviation: what the case is worth at a normal cost."""
    points: Decimal | None = None
    """After deviation, review and add-ons; ``None`` when it cannot be told."""
    ratio: Decimal | None = None
    """Cost / reference average."""
    average: int | None = None
    """The reference average the ratio was taken with."""
    band: Band = "unknown"
    review_candidate: tuple[str, ...] = ()
    """In words, why it may be put up for special-case review."""
    pays_actual_cost: bool = False
    factors: tuple[Factor, ...] = ()
    notes: tuple[PointsNote, ...] = ()


class PaymentResult(Noun, frozen=True, kw_only=True):
    """Money of a case under the points (支付标准). Amounts in 1/10,000 yuan."""

    eligible: bool | None = None
    ineligible: IneligibleReason | None = None
    point_value: Decimal | None = None
    standard: int | None = None
    """支付标准: points x value, of the points after deviation."""
    normal_standard: int | None = None
    """支付标准 of a case of normal cost: standard points x value."""
    fund: int | None = None
    """What the fund pays."""
    balance: int | None = None
    """standard - cost: surplus (结余) or loss."""
    notes: tuple[PointsNote, ...] = ()


class Assessed(Noun, frozen=True, kw_only=True):
    """All that a scheme says of one case."""

    grouping: Grouping
    group: Group | None = None
    typings: tuple[Typing, ...] = ()
    points: PointsResult = PointsResult()
    payment: PaymentResult = PaymentResult()
