"""Formulas of a settlement on sums: the value of a point, the bands of a year's clearing, assessment, deposit.

Sources: dip facts 5; mission K25, K29, L13, L31, L32, M1, O11. Bands and coefficients are the scheme's: no national
numbers exist for surplus and overrun.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec.structs import replace

from rules.dip.amounts import in_yuan, money, rounded
from rules.dip.model import AssessmentBand, PaymentRules, SettlementBand
from rules.dip.settled import BandPay, Prepayment, Sum

RATIO_DECIMALS: Final = 4
VALUE_DECIMALS: Final = 4


def settlement_value(
    fund: int, points: Decimal, payment_ratio: Decimal, decimals: int = VALUE_DECIMALS
) -> Decimal | None:
    """Return yuan per point: (fund / payment ratio) / total points (dip facts 5, K25); more points, a lower value."""
    value = exact_value(fund, points, payment_ratio)
    return None if value is None else rounded(value, decimals)


def exact_value(fund: int, points: Decimal, payment_ratio: Decimal) -> Decimal | None:
    """Return the same before rounding, for a value that is made of it: what is rounded twice is not rounded half up."""
    if fund < 0 or points <= 0 or payment_ratio <= 0:
        return None
    return in_yuan(fund) / payment_ratio / points


def floating_value(base: Decimal, increment: Decimal, share: Decimal, decimals: int = VALUE_DECIMALS) -> Decimal:
    """Return a floating value: base x (1 - share) + increment x share, 8:2 being a share of 0.2 (dip facts 5).

    ``base`` is the year-start value, ``increment`` the value from this year's fund and points.
    """
    return rounded(base * (1 - share) + increment * share, decimals)


def assessment_coefficient(score: Decimal | None, bands: Sequence[AssessmentBand]) -> Decimal | None:
    """Return the coefficient of an assessment score: that of the highest band not above it (L31, L32).

    1 where the scheme has no bands; ``None`` where the score is absent or below every band.
    """
    if not bands:
        return Decimal(1)
    if score is None:
        return None
    reached = [band for band in bands if band.start <= score]
    return max(reached, key=lambda band: band.start).coefficient if reached else None


class Payout(NamedTuple):
    """A band's payment as fixed x payable + moving x actual."""

    fixed: Decimal
    moving: Decimal

    def at(self, ratio: Decimal) -> Decimal:
        """Return payment / payable where actual / payable is ``ratio``."""
        return self.fixed + self.moving * ratio


def payout(band: SettlementBand, bands: Sequence[SettlementBand]) -> Payout:
    """Return how a band pays. ``capped`` pays what the band before pays at its start; with none before, ``start``."""
    share = band.share
    if band.pay == "actual":
        return Payout(Decimal(0), Decimal(1))
    if band.pay == "share_of_excess":
        return Payout(1 - share, share)
    if band.pay == "share_of_surplus":
        return Payout(share, 1 - share)
    if band.pay == "capped":
        before = [other for other in bands if other.start < band.start]
        prior = max(before, key=lambda other: other.start, default=None)
        return Payout(payout(prior, bands).at(band.start) if prior else band.start, Decimal(0))
    return Payout(Decimal(1), Decimal(0))


def banded(actual: int, payable: int, bands: Sequence[SettlementBand], decimals: int = 2) -> BandPay | None:
    """Return what is paid for an actual and a payable amount; ``None`` where no band holds their ratio."""
    if payable <= 0:
        return BandPay(actual=actual, payable=payable, amount=payable)
    for band in bands:
        if band.start * payable <= actual and (band.end is None or actual < band.end * payable):
            fixed, moving = payout(band, bands)
            return BandPay(
                actual=actual,
                payable=payable,
                ratio=rounded(Decimal(actual) / payable, RATIO_DECIMALS),
                band=band,
                amount=money(fixed * in_yuan(payable) + moving * in_yuan(actual), decimals),
            )
    return None


class Jump(NamedTuple):
    """A border of two bands where the payment changes at a stroke: payment / payable just below and from it on."""

    border: Decimal
    before: Decimal
    after: Decimal


def jumps(bands: Sequence[SettlementBand]) -> tuple[Jump, ...]:
    """Return the borders at which neighbouring bands do not pay the same, lowest first."""
    ordered = sorted(bands, key=lambda band: band.start)
    borders = [
        Jump(after.start, payout(before, bands).at(after.start), payout(after, bands).at(after.start))
        for before, after in pairwise(ordered)
        if before.end == after.start
    ]
    return tuple(border for border in borders if border.before != border.after)


def prepayment(fund: Sum, rules: PaymentRules, deductions: int) -> Prepayment:
    """Return a month's prepayment: sum x ratio - deductions, of it the deposit, and what is paid (dip facts 5)."""
    bare = Prepayment(fund=fund, ratio=rules.prepay_ratio, deductions=deductions)
    if fund.absent and not fund.cases:
        return bare
    whole = money(in_yuan(fund.amount) * rules.prepay_ratio, rules.decimals) - deductions
    deposit = money(in_yuan(max(whole, 0)) * rules.deposit_ratio, rules.decimals)
    return replace(bare, prepayment=whole, deposit=deposit, paid=whole - deposit)
