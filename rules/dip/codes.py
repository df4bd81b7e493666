"""Closed sets of DIP (病种分值付费): what a grouping can come to, why, and the names a scheme may choose from.

A scheme (``scheme.yaml``) names steps, tie rules, formulas and filters out of these sets; nothing in code knows a
region.
"""

from typing import Final, Literal

Status = Literal["core", "primary_care", "tcm", "bed_day", "comprehensive", "last_resort", "ungrouped"]
"""入组结果: 核心病种, 基层病种, 中医优势病种, 床日病种, 综合病种, 保底组, 未入组."""

GroupClass = Literal["core", "primary_care", "tcm", "bed_day", "comprehensive", "last_resort"]
"""What a group of the directory is; a case in it has the same word as its status."""

Family = Literal["strategic", "value", "advantage", "primary_care", "ordinary"]
"""Five classes of groups for managing a hospital's portfolio (战略性, 价值性, 优势, 基层, 普通病种)."""

GroupingReason = Literal[
    "missing_principal_diagnosis",
    "diagnosis_not_in_table",
    "principal_diagnosis_not_allowed",
    "sex_conflict",
    "age_missing",
    "weight_missing",
    "fact_missing",
    "operation_not_known",
    "rows_tie",
    "no_group",
]
"""Why a case is not grouped, or what to know about its group.

``diagnosis_not_in_table``: the principal code is unknown. ``principal_diagnosis_not_allowed``: external cause,
morphology, asterisk code or on the exclusion list. ``sex_conflict``: the principal diagnosis is of the other sex.
``age_missing``, ``weight_missing``: a newborn rule cannot be judged; ``fact_missing``: another row condition cannot.
``operation_not_known``: a code without a known attribute. ``rows_tie``: several rows fit equally well.
``no_group``: nothing in the directory fits.
"""

Attribute = Literal["conservative", "diagnostic", "therapeutic", "intervention", "surgery"]
"""操作属性 by weight: 保守治疗, 诊断性操作, 治疗性操作, 介入治疗, 手术."""
ATTRIBUTE_RANK: Final[dict[Attribute, int]] = {
    "conservative": 0,
    "diagnostic": 1,
    "therapeutic": 2,
    "intervention": 3,
    "surgery": 4,
}

StepName = Literal["principal", "operations", "layer", "comprehensive", "last_resort"]
"""Steps of a grouper; a scheme lists the ones it has, in its own order.

``principal`` judges the principal diagnosis, ``operations`` applies the exclusion list of operations, ``layer`` looks
for a row in one or several layers of the catalogue, ``comprehensive`` in the comprehensive directory, ``last_resort``
in the 保底 groups. The first that finds a group ends the search.
"""

TieRule = Literal[
    "most_parts",
    "most_operations_used",
    "exact_set",
    "main_operation_first",
    "longest_operation_code",
    "longest_diagnosis",
    "most_related",
    "fewest_related_missing",
    "nearest_mean_cost",
    "highest_score",
    "highest_attribute",
    "class_order",
    "catalogue_order",
]
"""How to choose among rows that fit; a scheme lists the ones it uses in order. What still ties is reported.

``most_parts``: most conjunction parts. ``most_operations_used``: rows that use most of the case's operations.
``exact_set``: no operation left over. ``main_operation_first``: rows that use the main operation.
``longest_operation_code``, ``longest_diagnosis``: full codes before short ones. ``most_related``: most related
operations found; ``fewest_related_missing``: fewest not found. ``nearest_mean_cost``: mean cost nearest to the case's.
``highest_score``. ``highest_attribute``: surgery before therapeutic before diagnostic. ``class_order``: core before
primary-care before TCM before bed-day. ``catalogue_order``: the row that stands first; only so is a tie decided
without a reason, hence it is still reported.
"""

RowFilter = Literal["no_unused_surgery", "attribute_equals_case"]
"""Rows a layer drops before it chooses.

``no_unused_surgery``: rows that leave an operation of surgery or intervention unused. ``attribute_equals_case``: rows
whose attribute is not the case's highest.
"""

Related = Literal["complete", "partial", "ignored"]
"""How much of a row's related operations must be there: all; at least one (``most_related`` then chooses); or the
column is not read."""

Match = Literal["equal", "prefix"]
ExclusionEffect = Literal["removed", "conservative", "not_main", "within_scope"]
"""What an excluded operation does: it is removed before grouping (灰码); the case is grouped as conservative; it may
not be the main operation and the next one is tried; it is main only for listed diagnoses, else conservative."""

AttributeOf = Literal["highest", "main"]
"""Whose attribute a case has: the highest of all its operations, or its main operation's."""

UnknownOperation = Literal["conservative", "undecided"]
"""What an operation without a known attribute does to the case's attribute: nothing, or it cannot be told."""

AuxiliaryType = Literal["cci", "severity", "tumour_severity", "age", "icu", "secondary"]
"""辅助目录: 合并症并发症指数, 疾病严重程度, 肿瘤严重程度, 年龄特征, 重症监护天数, 次要诊断."""
AuxiliaryMode = Literal["multiply", "replace_hospital_coefficient"]
"""What the highest coefficient does: multiplies the score, or stands in for the hospital coefficient."""

DeviationFormula = Literal["none", "proportional", "coefficient_inside", "actual_cost"]
"""费用偏差 formulas (``rules.dip.points``): r is cost / reference average, C the hospital coefficient.

``proportional``: low: factor r; high: factor r - limit + 1. ``coefficient_inside``: low: factor r without C; high:
factor r - limit + C and nothing more. ``actual_cost``: low: the points that pay the actual cost; high: special review.
"""
Band = Literal["low", "normal", "high", "unknown"]
Reference = Literal["group_mean", "level_mean", "points_times_average"]
"""What a cost is compared with: the group's mean, the mean of hospitals of the same level, or points x average."""

PointsReason = Literal[
    "ungrouped",
    "score_absent",
    "coefficient_absent",
    "cost_absent",
    "average_absent",
    "score_zero",
    "level_absent",
    "point_value_absent",
    "eligibility_unknown",
    "not_eligible",
    "patient_share_absent",
    "special_review",
    "days_absent",
    "fact_missing",
]
"""Why points or money are not known, or what to know about them."""

FundFormula = Literal["less_patient_share", "less_deductible_and_copayment", "times_fund_ratio", "reimbursed"]
"""基金支付 of one case: standard - everything the patient and others bear; standard - deductible - co-payment;
standard x (fund part / total cost); (standard - own - specified own - deductible) x reimbursement ratio."""

SignKind = Literal["upcoding", "downcoding", "principal"]
"""What a sign of wrong coding is about: 高套, 低套, 主要诊断选择."""

IneligibleReason = Literal["insurance", "medical_type", "out_of_area", "stay_too_short", "stay_too_long", "day_surgery"]

STATUS_WORDS: Final[dict[Status, str]] = {
    "core": "核心病种",
    "primary_care": "基层病种",
    "tcm": "中医优势病种",
    "bed_day": "床日病种",
    "comprehensive": "综合病种",
    "last_resort": "保底组",
    "ungrouped": "未入组",
}
GROUPING_REASON_WORDS: Final[dict[GroupingReason, str]] = {
    "missing_principal_diagnosis": "缺主要诊断",
    "diagnosis_not_in_table": "主要诊断编码不在编码库",
    "principal_diagnosis_not_allowed": "该编码不能作主要诊断",
    "sex_conflict": "主要诊断与性别不符",
    "age_missing": "缺年龄",
    "weight_missing": "缺体重",
    "fact_missing": "缺入组条件所需信息",
    "operation_not_known": "手术操作编码属性未知",
    "rows_tie": "多个病种同等符合",
    "no_group": "目录中没有对应病种",
}
ATTRIBUTE_WORDS: Final[dict[Attribute, str]] = {
    "conservative": "保守治疗",
    "diagnostic": "诊断性操作",
    "therapeutic": "治疗性操作",
    "intervention": "介入治疗",
    "surgery": "手术",
}
FAMILY_WORDS: Final[dict[Family, str]] = {
    "strategic": "战略性病种",
    "value": "价值性病种",
    "advantage": "优势病种",
    "primary_care": "基层病种",
    "ordinary": "普通病种",
}
