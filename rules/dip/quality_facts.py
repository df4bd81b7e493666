"""The frozen nouns of settlement-list checks (清单质控): what a list says beyond the case, and what is said of it.

``RecordFacts`` is filled by whoever reads a list (``service.settlement_lists``). ``None`` is *not sent*, an empty tuple
*sent and empty*. Positions (``at``) are places in the sender's own lists, so that a finding can name its line. Nothing
here identifies a person: of doctors only whether one is named.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from rules.codes import Certainty
from rules.dip.model import Case
from rules.noun import Noun

Admission = Literal["present", "undetermined", "unknown", "absent"]
"""入院病情: 有, 临床未确定, 情况不明, 无."""

FeeClass = Literal[
    "bed", "consultation", "examination", "laboratory", "treatment", "surgery", "nursing", "material",
    "western_drug", "herbal_pieces", "patent_drug", "general_service", "registration", "other",
]  # fmt: skip
"""收费项目类别 01-14 of the settlement list: 床位 … 其他."""


class RecordDiagnosis(Noun, frozen=True, kw_only=True):
    """One western diagnosis of a list, as sent."""

    code: str
    name: str = ""
    admission: Admission | None = None
    main: bool | None = None
    at: int = 0


class RecordOperation(Noun, frozen=True, kw_only=True):
    """One operation of a list, as sent."""

    code: str
    name: str = ""
    main: bool | None = None
    began: datetime | None = None
    ended: datetime | None = None
    timed: bool = False
    """Begin and end carry clock times; otherwise only their days count."""
    surgeon: bool = False
    """A surgeon is named."""
    anaesthesia: str | None = None
    """麻醉方式 as sent; ``""`` says that there was none."""
    anaesthetist: bool = False
    at: int = 0


class FeeItem(Noun, frozen=True, kw_only=True):
    """One class of fees (收费项目). Amounts in 1/10,000 yuan."""

    fee_class: FeeClass | None
    """``None``: a class that is not in the national list."""
    amount: int
    class_a: int | None = None
    class_b: int | None = None
    own: int | None = None
    other: int | None = None
    at: int = 0


class RecordFacts(Noun, frozen=True, kw_only=True):
    """A settlement list for checking: the case a grouper sees, and what else the list says."""

    case: Case
    diagnoses: tuple[RecordDiagnosis, ...] | None = None
    """Principal first; TCM diagnoses are not among them."""
    operations: tuple[RecordOperation, ...] | None = None
    """Main operation first."""
    fees: tuple[FeeItem, ...] | None = None
    total: int | None = None
    """总费用 as stated by itself."""
    charged: dict[str, int] | None = None
    """Amounts of single chargeable items by what they are (``ventilation`` …), where itemised charges are at hand."""
    admitted: datetime | None = None
    discharged: datetime | None = None
    stay_timed: bool = False
    """Admission and discharge carry clock times."""
    uploaded: datetime | None = None
    born: date | None = None
    stated_age_years: int | None = None
    stated_age_days: int | None = None
    stated_days: int | None = None
    """住院天数 as stated; ``case.days`` may have been counted from the dates."""
    birth_weight_g: int | None = None
    admission_weight_g: int | None = None
    ventilator_minutes: int | None = None
    coma_minutes: tuple[int | None, int | None] = (None, None)
    """Before and after admission."""
    nursing_days: dict[str, int] | None = None
    """Days by nursing grade: special, first, second, third."""
    readmission_planned: bool | None = None
    """A further admission within 31 days of *this* discharge is planned; says nothing about this stay itself."""
    readmission_purpose: str = ""
    payment_method: str | None = None
    """医保支付方式: 3 is DIP."""
    inpatient_type: str | None = None
    """住院医疗类型 as sent."""
    declared_diagnoses: int | None = None
    declared_operations: int | None = None
    listed_diagnoses: int | None = None
    """Diagnoses in the list before any was left out (TCM …)."""
    listed_operations: int | None = None
    required: int = 0
    """Fields this kind of list must fill."""
    blank: tuple[str, ...] = ()
    """Those that are not filled, in the sender's own names."""


QualityCode = Literal[
    "late_upload",
    "incomplete",
    "missing_principal",
    "several_principals",
    "several_main_operations",
    "count_mismatch",
    "duplicate_diagnosis",
    "principal_not_allowed",
    "principal_absent_on_admission",
    "arose_in_hospital",
    "admission_condition_missing",
    "diagnosis_not_in_table",
    "operation_not_in_table",
    "code_of_other_version",
    "diagnosis_sex",
    "operation_sex",
    "diagnosis_age",
    "operation_age",
    "newborn_diagnosis_age",
    "pregnancy_age",
    "pregnancy_sex",
    "birth_weight_missing",
    "birth_weight_implausible",
    "age_mismatch",
    "date_order",
    "stay_mismatch",
    "operation_outside_stay",
    "operation_order",
    "before_birth",
    "operation_without_diagnosis",
    "anaesthesia_missing",
    "surgeon_missing",
    "fees_do_not_add_up",
    "fee_parts_exceed_amount",
    "fee_without_procedure",
    "procedure_without_fee",
    "nursing_exceeds_stay",
    "ventilator_exceeds_stay",
    "ventilator_code_mismatch",
    "icu_exceeds_stay",
    "readmission_purpose_missing",
]
"""What a settlement-list check can find (dip facts 6.2)."""


class QualityFinding(Noun, frozen=True, kw_only=True):
    """One thing found on a list, or one check that could not be made for want of facts."""

    code: QualityCode
    title: str
    certainty: Certainty
    fields: tuple[str, ...] = ()
    """Fields concerned, in the terms of ``RecordFacts``: ``case.sex``, ``diagnoses[2]`` (the sender's position) …"""
    message: str
    """In plain Chinese: what is wrong and what to do; or what the check lacked."""
    not_checked: tuple[str, ...] = ()
    """Facts that are absent: then nothing was found, and nothing was cleared either."""


SignCode = Literal[
    "doubtful_code_raises_group",
    "low_cost_in_high_group",
    "excluded_principal",
    "secondary_diagnosis_higher",
    "recorded_operation_higher",
    "symptom_as_principal",
    "history_as_principal",
    "principal_arose_in_hospital",
    "operation_of_other_diagnosis",
    "point_chasing",
    "cost_shifted_to_patient",
]
"""Signs of fraud and of wrong choice (dip facts 6.1): questions to look into, never verdicts."""


class Sign(Noun, frozen=True, kw_only=True):
    """One sign that a group may be too high, too low or chosen by a wrong principal diagnosis."""

    code: SignCode
    detail: str
    """In plain Chinese, with the codes and the groups compared."""
    other_group: str = ""
    """Group the case would be in otherwise."""
    points_difference: Decimal | None = None
    """Other group's standard points less the present one's; ``None`` when either is not known."""
    evidence: tuple[str, ...] = ()
    """Codes it rests on, in normal form."""


QUALITY_TITLES: dict[QualityCode, str] = {
    "late_upload": "清单上传超期",
    "incomplete": "必填项不完整",
    "missing_principal": "缺主要诊断",
    "several_principals": "主要诊断不唯一",
    "several_main_operations": "主要手术不唯一",
    "count_mismatch": "诊断或手术个数不符",
    "duplicate_diagnosis": "诊断重复",
    "principal_not_allowed": "该编码不能作主要诊断",
    "principal_absent_on_admission": "主要诊断入院病情为“无”",
    "arose_in_hospital": "院内发生的诊断",
    "admission_condition_missing": "缺入院病情",
    "diagnosis_not_in_table": "诊断编码不在编码库",
    "operation_not_in_table": "手术操作编码不在编码库",
    "code_of_other_version": "编码版本不同",
    "diagnosis_sex": "诊断与性别不符",
    "operation_sex": "手术操作与性别不符",
    "diagnosis_age": "诊断与年龄不符",
    "operation_age": "手术操作与年龄不符",
    "newborn_diagnosis_age": "围生期诊断与年龄不符",
    "pregnancy_age": "妊娠相关诊断与年龄不符",
    "pregnancy_sex": "妊娠相关诊断与性别不符",
    "birth_weight_missing": "缺新生儿体重",
    "birth_weight_implausible": "新生儿体重数值异常",
    "age_mismatch": "年龄与出生日期不符",
    "date_order": "日期先后颠倒",
    "stay_mismatch": "住院天数与日期不符",
    "operation_outside_stay": "手术日期不在住院期间",
    "operation_order": "手术起止时间颠倒",
    "before_birth": "日期早于出生日期",
    "operation_without_diagnosis": "手术操作缺少对应诊断",
    "anaesthesia_missing": "手术缺麻醉方式",
    "surgeon_missing": "手术缺术者",
    "fees_do_not_add_up": "费用合计不符",
    "fee_parts_exceed_amount": "费用构成超过金额",
    "fee_without_procedure": "有收费无操作编码",
    "procedure_without_fee": "有操作编码无收费",
    "nursing_exceeds_stay": "护理天数超过住院天数",
    "ventilator_exceeds_stay": "呼吸机使用时间超过住院时间",
    "ventilator_code_mismatch": "呼吸机使用时间与操作编码不符",
    "icu_exceeds_stay": "重症监护天数超过住院天数",
    "readmission_purpose_missing": "缺再住院计划目的",
}
