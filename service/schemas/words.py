"""Field names and reasons in plain Chinese, for every dialect that explains what was not checked."""

from typing import Final

from rules.codes import Reason
from rules.model import NotChecked

FIELDS: Final[dict[str, str]] = {
    "patient.sex": "患者性别",
    "patient.birth_date": "出生日期",
    "visit.type": "就医方式",
    "visit.emergency": "是否急诊",
    "visit.insurance": "险种",
    "visit.medical_type": "医疗类别",
    "visit.work_injury": "是否工伤",
    "facility.level": "医院级别",
    "facility.specialty": "是否专科医院",
    "diagnoses": "西医诊断",
    "diagnosis.code": "诊断编码",
    "line.item": "项目编码",
    "line.time": "项目时间",
    "line.quantity": "数量",
    "line.unit": "计价单位",
    "line.supply_days": "用药天数",
    "history": "既往用药与收费记录",
}
"""Core field names that rules may lack, in the words of the ward; a test holds it against all kinds."""

REASONS: Final[dict[Reason, str]] = {
    "missing": "缺少{fields}",
    "unmapped": "{fields}未对照",
    "ambiguous": "{fields}对应多个项目",
    "conflict": "{fields}前后矛盾",
    "timeout": "{fields}查询超时",
    "parameter": "医院尚未设置参数{fields}",
    "failed": "规则运行出错,已报告",
}


def explain(entry: NotChecked) -> str:
    """Return one sentence: which rule class could not be judged, and why."""
    named = [FIELDS.get(field, field.removeprefix("parameter.")) for field in entry.fields]
    return f"【{entry.title}】未能判断:{REASONS[entry.reason].format(fields='、'.join(named))}。"
