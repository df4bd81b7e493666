"""Points and money of a case in Chinese words, for coders and for explanations.

In: an ``Assessed``. Out: lines that name every factor with its source. A standard is a reference (参考), and since the
point value is the budget's, an estimate (预估); it is never called a limit (rulings 24, 25).
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final

from rules.dip.auxiliary import SUBTYPE_WORDS, TYPE_WORDS
from rules.dip.codes import GROUPING_REASON_WORDS, STATUS_WORDS, Band, PointsReason
from rules.dip.model import Assessed, Factor, PaymentResult, PointsNote, PointsResult, Typing
from rules.model import UNIT

FACTOR_WORDS: Final[dict[str, str]] = {
    "score": "分值",
    "days": "住院天数",
    "hospital_coefficient": "机构系数",
    "auxiliary": "辅助系数",
    "deviation": "费用偏差系数",
    "actual_cost": "实际费用折算分值",
    "review": "评审系数",
    "item_share": "项目支付比例",
    "last_resort": "折算系数",
    "ungrouped": "折算系数",
    "add_on": "加成分值",
}
BAND_WORDS: Final[dict[Band, str]] = {
    "low": "费用偏低病例",
    "normal": "正常病例",
    "high": "费用偏高病例",
    "unknown": "未判断费用偏差",
}
POINTS_REASON_WORDS: Final[dict[PointsReason, str]] = {
    "ungrouped": "未入组,没有分值",
    "score_absent": "方案没有该病种的分值",
    "coefficient_absent": "机构系数不能确定",
    "cost_absent": "缺总费用",
    "average_absent": "缺均费",
    "score_zero": "分值为零,按实际费用支付",
    "level_absent": "缺医院级别",
    "point_value_absent": "缺点值",
    "eligibility_unknown": "不能确定是否按病种分值付费",
    "not_eligible": "不按病种分值付费",
    "patient_share_absent": "缺个人负担金额",
    "special_review": "特例单议",
    "days_absent": "缺住院天数",
    "fact_missing": "缺所需信息",
}
OWN_LINES: Final = frozenset(("eligibility_unknown", "not_eligible"))
MONEY_LINES: Final = OWN_LINES | {"special_review"}
"""What is not said of a case that DIP does not pay."""


def yuan(amount: int) -> str:
    """Return an amount of 1/10,000 yuan as people write it: two decimals, more only where there are any."""
    whole, rest = divmod(abs(amount), UNIT)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}.{rest:04}" if rest % 100 else f"{sign}{whole:,}.{rest // 100:02}"


@lru_cache(maxsize=8_192)
def number(value: Decimal) -> str:
    """Return a number with thousands separated and at most six decimals, none idle."""
    text = f"{value + 0:,.6f}"  # a negative zero is zero
    return text.rstrip("0").rstrip(".")


def group_words(assessed: Assessed) -> str:
    """Return the group with its class and name, or why there is none."""
    grouping = assessed.grouping
    reasons = "、".join(GROUPING_REASON_WORDS[remark.reason] for remark in grouping.remarks)
    if grouping.status == "ungrouped":
        return f"{STATUS_WORDS['ungrouped']}({reasons})" if reasons else STATUS_WORDS["ungrouped"]
    name = assessed.group.name if assessed.group is not None else ""
    shown = name if name and name != grouping.group else ""
    return " ".join(part for part in (STATUS_WORDS[grouping.status], grouping.group, shown) if part)


def typing_words(typing: Typing) -> str:
    """Return a sub-type in words with its coefficient, or why there is none."""
    if not typing.subtype:
        return f"{TYPE_WORDS[typing.type]}:{typing.note}"
    words = f"{TYPE_WORDS[typing.type]}:{SUBTYPE_WORDS.get(typing.subtype, typing.subtype)}"
    coefficient = "无系数" if typing.coefficient is None else f"系数 {number(typing.coefficient)}"
    return ",".join(part for part in (words, coefficient, typing.note) if part)


def points_words(assessed: Assessed) -> tuple[str, ...]:
    """Return how points and money came about, line by line."""
    points, payment = assessed.points, assessed.payment
    unpaid = payment.eligible is False
    lines = [typing_words(typing) for typing in assessed.typings]
    lines.extend(_points(points))
    lines.extend(_money(points, payment))
    if points.review_candidate and not unpaid:  # who is not paid by DIP has nothing to apply for
        lines.extend(f"可申请特例单议:{words}" for words in points.review_candidate)
    if points.notes or payment.notes:
        left = MONEY_LINES if unpaid else OWN_LINES
        notes = dict.fromkeys(note_words(note) for note in (*points.notes, *payment.notes) if note.reason not in left)
        lines.extend(f"说明:{words}" for words in notes)
    return tuple(lines)


def note_words(note: PointsNote) -> str:
    """Return a note in words."""
    return note.detail or POINTS_REASON_WORDS[note.reason]


def _points(points: PointsResult) -> list[str]:
    lines = []
    if points.points is not None:
        lines.append(f"{_product(points.factors)}= {number(points.points)} 分")
        if points.standard_points is not None and points.standard_points != points.points:
            lines.append(f"费用正常时 {number(points.standard_points)} 分")
    elif points.standard_points is not None:
        lines.append(f"{_product(points.factors)}= {number(points.standard_points)} 分(费用正常时)")
    elif points.factors:
        lines.append(f"{_product(points.factors).rstrip()},病例分值不能确定")
    if points.ratio is not None and points.average is not None:
        band = "" if points.band == "unknown" else f",{BAND_WORDS[points.band]}"
        lines.append(f"费用 ÷ 参考均费 {yuan(points.average)} 元 = {number(points.ratio)}{band}")
    return lines


def _product(factors: tuple[Factor, ...]) -> str:
    text = ""
    for factor in factors:
        sign = "" if not text else "+ " if factor.name == "add_on" else "× "
        said = _varying(factor) if factor.name in VARYING else _lasting(factor)
        text += f"{sign}{said}"
    return text


VARYING: Final = frozenset(("deviation", "actual_cost", "last_resort", "ungrouped", "days"))
"""Factors that differ from case to case; the words of the others are worth remembering."""


def _varying(factor: Factor) -> str:
    unit = " 天" if factor.name == "days" else ""
    told = f"({factor.source})" if factor.name not in ("score", "days") else " "
    return f"{FACTOR_WORDS.get(factor.name, factor.name)} {number(factor.value)}{unit}{told}"


_lasting = lru_cache(maxsize=8_192)(_varying)


def _money(points: PointsResult, payment: PaymentResult) -> list[str]:
    if payment.eligible is False:
        return [note_words(note) for note in payment.notes]
    lines = [note_words(note) for note in payment.notes if note.reason in OWN_LINES]
    if payment.standard is not None and points.pays_actual_cost:
        lines.append(f"按实际费用支付,参考支付标准 {yuan(payment.standard)} 元(预估)")
    elif payment.standard is not None and payment.point_value is not None:
        lines.append(f"参考支付标准 {yuan(payment.standard)} 元({_value(payment.point_value)},预估)")
    if payment.balance is not None:
        compared = "少" if payment.balance >= 0 else "多"
        lines.append(f"费用比参考支付标准{compared} {yuan(abs(payment.balance))} 元(预估)")
    if payment.fund is not None:
        lines.append(f"按方案公式,基金支付 {yuan(payment.fund)} 元(预估)")
    return lines


@lru_cache(maxsize=1_024)
def _value(value: Decimal) -> str:
    cents = value * 100
    text = f"{value:,.2f}" if cents == cents.to_integral_value() else number(value)
    return f"点值 {text} 元/分"
