"""Money of one case: is it paid by DIP, the value of a point, the payment standard, the fund's share, the balance.

In: a case and its points. Out: amounts of 1/10,000 yuan, or why they cannot be told. A standard is a reference for the
hospital's accounts, never a cap on a patient's care (ruling 24).
Sources: dip facts 5; eligibility: ruling 25; ``reimbursed``: mission K27.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from rules.dip.amounts import in_yuan, money, usable_cost, usable_days, usable_money, usable_number
from rules.dip.codes import FundFormula, IneligibleReason
from rules.dip.directory import Directory
from rules.dip.model import Case, Eligibility, Grouping, PaymentResult, PointsNote, PointsResult, PointValue, Scheme
from rules.dip.selecting import Choice, Ranked, choose, ranked

Use = Literal["budget", "settlement"]
INELIGIBLE_WORDS: Final[dict[IneligibleReason, str]] = {
    "insurance": "险种不在范围",
    "medical_type": "医疗类别不在范围",
    "out_of_area": "异地就医不在范围",
    "stay_too_short": "住院天数少于规定",
    "stay_too_long": "住院天数多于规定",
    "day_surgery": "日间手术不在范围",
}
_EVERYBODY: Final = Eligibility()


def payment(case: Case, grouping: Grouping, points: PointsResult, directory: Directory) -> PaymentResult:
    """Return what a case of these points is paid (dip facts 5).

    standard = points x value, normal_standard = standard points x value, balance = standard - cost; where actual cost
    is paid the standard is the cost. A case that DIP does not pay has no amounts; where that is not known there is a
    standard for reference but no fund share and no balance.
    """
    scheme = directory.scheme
    judged, reason, missing = _judged(case, scheme.eligibility)
    if judged is False:
        words = INELIGIBLE_WORDS[reason] if reason else ""
        note = PointsNote(reason="not_eligible", detail=f"{words},不按病种分值付费")
        return PaymentResult(eligible=False, ineligible=reason, notes=(note,))
    notes: list[PointsNote] = []
    if judged is None:
        notes.append(PointsNote(reason="eligibility_unknown", detail=f"缺{missing},不能确定是否按病种分值付费"))
    choice = budget_value(case, directory)
    value = choice.row.value if choice.row else None
    if value is None:
        notes.append(_no_value(choice))
    standard = _standard(case, points, value, scheme.payment.decimals)
    fund = balance = None
    if judged and standard is not None:
        cost = usable_cost(case.cost)
        if cost is None:
            notes.append(PointsNote(reason="cost_absent", detail="缺总费用,不能计算结余"))
        else:
            balance = standard - cost
        fund, lack = _fund(case, standard, directory)
        if lack:
            notes.append(PointsNote(reason="patient_share_absent", detail=f"缺{lack},不能计算基金支付"))
    return PaymentResult(
        eligible=judged,
        point_value=value,
        standard=standard,
        normal_standard=(
            standard
            if points.standard_points is points.points and not points.pays_actual_cost
            else _times(points.standard_points, value, scheme.payment.decimals)
        ),
        fund=fund,
        balance=balance,
        notes=tuple(notes),
    )


def eligible(case: Case, scheme: Scheme) -> tuple[bool | None, IneligibleReason | None]:
    """Return whether DIP pays the case at all, and why not (ruling 25); ``None`` when a fact it takes is absent."""
    judged, reason, _ = _judged(case, scheme.eligibility)
    return judged, reason


def point_value(case: Case, scheme: Scheme, use: Use, day: date | None) -> Decimal | None:
    """Return yuan per point for the case's insurance and insured place on a day (dip facts 5).

    ``None`` when no row holds, or when a row for a fact that is absent could.
    """
    row = _value(_ranked(scheme, use), case.insurance, case.place, day).row
    return row.value if row else None


# Eligibility


def _judged(case: Case, rules: Eligibility) -> tuple[bool | None, IneligibleReason | None, str]:
    if rules == _EVERYBODY:
        return True, None, ""
    missing = []
    for reason, fails, words in _tests(case, rules):
        if fails:
            return False, reason, ""
        if fails is None:
            missing.append(words)
    return (None, None, "、".join(dict.fromkeys(missing))) if missing else (True, None, "")


def _tests(case: Case, rules: Eligibility) -> tuple[tuple[IneligibleReason, bool | None, str], ...]:
    return (
        ("insurance", _outside(case.insurance, rules.insurances), "险种"),
        ("medical_type", _outside(case.medical_type, rules.medical_types), "医疗类别"),
        ("out_of_area", False if rules.out_of_area else case.out_of_area, "是否异地就医"),
        ("day_surgery", False if rules.day_surgery else case.day_surgery, "是否日间手术"),
        ("stay_too_short", _too_short(case, rules.min_days), "住院天数"),
        ("stay_too_long", _too_long(case, rules.max_days), "住院天数"),
    )


def _outside(value: str | None, allowed: tuple[str, ...]) -> bool | None:
    if not allowed:
        return False
    return None if value is None else value not in allowed


def _too_short(case: Case, least: int | None) -> bool | None:
    if least is None:
        return False
    days = usable_days(case.days)
    if days is None:
        return None
    if case.ongoing:
        return False  # it may still become long enough; what is said meanwhile is an estimate
    under_way = case.admitted is not None and case.discharged is None
    return None if days < least and under_way else days < least


def _too_long(case: Case, most: int | None) -> bool | None:
    if most is None:
        return False
    days = usable_days(case.days)
    return None if days is None else days > most


# Point value and standard


def _ranked(scheme: Scheme, use: Use) -> tuple[Ranked[PointValue], ...]:
    return ranked((row for row in scheme.payment.values if row.use == use), lambda row: (row.insurance, row.place))


class BudgetValues:
    """The budget point values of a directory; what most cases ask is remembered."""

    __slots__ = ("of", "rows")

    def __init__(self, directory: Directory) -> None:
        self.rows = _ranked(directory.scheme, "budget")
        self.of: Callable[[str | None, str | None, date | None], Choice[PointValue]] = lru_cache(maxsize=4_096)(
            self._of
        )

    def _of(self, insurance: str | None, place: str | None, day: date | None) -> Choice[PointValue]:
        return _value(self.rows, insurance, place, day)


def budget_value(case: Case, directory: Directory) -> Choice[PointValue]:
    """Return the budget point value of a case's insurance and place on its day of discharge."""
    return directory.keep(BudgetValues).of(case.insurance, case.place, case.discharged)


def _value(
    rows: tuple[Ranked[PointValue], ...], insurance: str | None, place: str | None, day: date | None
) -> Choice[PointValue]:
    def fits(row: PointValue) -> str | None:
        if row.insurance and insurance is not None and row.insurance != insurance:
            return None
        if row.place and place is not None and row.place != place:
            return None
        missing = ["险种"] if row.insurance and insurance is None else []
        return "、".join([*missing, "参保地"] if row.place and place is None else missing)

    return choose(rows, fits, lambda row: row.value, day)


def _no_value(choice: Choice[PointValue]) -> PointsNote:
    detail = f"缺{choice.missing},点值不能确定" if choice.missing else "方案中没有适用的点值"
    return PointsNote(reason="point_value_absent", detail=detail)


def _times(points: Decimal | None, value: Decimal | None, decimals: int) -> int | None:
    return None if points is None or value is None else money(points * value, decimals)


def _standard(case: Case, points: PointsResult, value: Decimal | None, decimals: int) -> int | None:
    if not points.pays_actual_cost:
        return _times(points.points, value, decimals)
    cost = usable_cost(case.cost)
    return None if cost is None else money(in_yuan(cost), decimals)


# The fund's share


def _fund(case: Case, standard: int, directory: Directory) -> tuple[int | None, str]:
    rules = directory.scheme.payment
    amount, lack = FUND[rules.fund](case, in_yuan(standard))
    if amount is None:
        return None, lack
    return money(amount if rules.fund_may_be_negative else max(amount, Decimal(0)), rules.decimals), ""


Share = tuple[Decimal | None, str]


def _less(standard: Decimal, *parts: tuple[int | None, str]) -> Share:
    rest, lack = standard, ""
    for amount, words in parts:
        if amount is None or usable_money(amount) is None:
            lack = f"{lack}、{words}" if lack else words
        elif amount:
            rest -= in_yuan(amount)
    return (None, lack) if lack else (rest, "")


def _less_patient_share(case: Case, standard: Decimal) -> Share:
    """Standard - deductible - co-payment - own expense - what other payers bear (dip facts 5)."""
    return _less(
        standard,
        (case.deductible, "起付线"),
        (case.copayment, "个人自付"),
        (case.out_of_catalogue, "自费"),
        (case.other_payers, "其他支付"),
    )


def _less_deductible_and_copayment(case: Case, standard: Decimal) -> Share:
    """Standard - deductible - co-payment (dip facts 5: some cities subtract only these two)."""
    return _less(standard, (case.deductible, "起付线"), (case.copayment, "个人自付"))


def _times_fund_ratio(case: Case, standard: Decimal) -> Share:
    """Standard x what the fund bore of the cost / total cost (dip facts 5)."""
    paid, cost = usable_money(case.fund_paid), usable_cost(case.cost)
    if paid is None or cost is None:
        return None, "、".join(words for amount, words in ((paid, "基金支付金额"), (cost, "总费用")) if amount is None)
    return standard * paid / cost, ""


def _reimbursed(case: Case, standard: Decimal) -> Share:
    """(standard - own expense - specified own - deductible) x reimbursement ratio (mission K27)."""
    rest, lack = _less(
        standard, (case.out_of_catalogue, "自费"), (case.specified_own, "先行自付"), (case.deductible, "起付线")
    )
    ratio = usable_number(case.reimbursement_ratio)
    if rest is None or ratio is None or ratio < 0:
        return None, "、".join(filter(None, (lack, "报销比例" if ratio is None or ratio < 0 else "")))
    return rest * ratio, ""


FUND: Final[dict[FundFormula, Callable[[Case, Decimal], Share]]] = {
    "less_patient_share": _less_patient_share,
    "less_deductible_and_copayment": _less_deductible_and_copayment,
    "times_fund_ratio": _times_fund_ratio,
    "reimbursed": _reimbursed,
}
"""Fund-share formulas a scheme may choose; each takes and gives yuan."""
