"""Why a user kept an order in spite of a finding, as a closed list (处理理由): countable without reading text.

The codes are the contract; the labels are what a workstation shows. Codes are only ever added.
"""

from typing import Final, Literal

ReasonCode = Literal[
    "patient_request",
    "clinical_need",
    "no_alternative",
    "allergy_or_intolerance",
    "specialist_advice",
    "already_approved",
    "data_wrong",
    "rule_wrong",
    "other",
]

REASONS: Final[dict[ReasonCode, str]] = {
    "patient_request": "患者要求",
    "clinical_need": "病情需要",
    "no_alternative": "无替代药品或项目",
    "allergy_or_intolerance": "对替代方案过敏或不耐受",
    "specialist_advice": "会诊或专科意见",
    "already_approved": "已审批或备案",
    "data_wrong": "传入信息有误或不全",
    "rule_wrong": "规则与政策不符",
    "other": "其他",
}
"""Code to label, in the order they are offered."""
