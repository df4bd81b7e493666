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
    "patient.weight_kg": "体重",
    "patient.weight_g": "体重",
    "patient.pregnant": "是否妊娠",
    "patient.lactating": "是否哺乳",
    "visit.rescue": "是否抢救",
    "visit.planned": "是否计划内入院",
    "visit.internet": "是否互联网诊疗",
    "visit.out_of_area": "是否异地就医",
    "visit.chronic_disease": "门慢门特病种",
    "visit.insurance_before": "变更前的险种",
    "visit.department": "就诊科室",
    "visit.doctor": "接诊医师",
    "visit.total_amount": "费用总额",
    "visit.admitted": "入院时间",
    "visit.discharged": "出院时间",
    "visits": "既往就诊记录",
    "visits.type": "既往就诊的就医方式",
    "visits.admitted": "既往就诊的入院时间",
    "visits.discharged": "既往就诊的出院时间",
    "visits.diagnosis": "既往就诊的主要诊断",
    "lines": "本次明细",
    "operations": "手术操作",
    "operation.code": "手术操作编码",
    "operation.day": "手术日期",
    "diagnosis.main": "主要诊断",
    "diagnosis.suspected": "疑似诊断的确认",
    "line.name": "项目名称",
    "line.category": "项目类别",
    "line.price": "单价",
    "line.amount": "金额",
    "line.self_paid": "是否自费",
    "line.self_pay_consent": "自费同意书",
    "line.fee_class": "费用等级",
    "line.self_pay_ratio": "先行自付比例",
    "line.long_term": "是否长期医嘱",
    "line.stop": "停止时间",
    "line.discharge_medication": "是否出院带药",
    "line.prescription": "处方号",
    "line.group": "组号",
    "line.department": "开单科室",
    "line.executing_department": "执行科室",
    "line.doctor": "开单医师",
    "line.doctor_title": "医师职称",
    "line.dose": "单次剂量",
    "line.dose_unit": "剂量单位",
    "line.frequency": "频次",
    "line.route": "给药途径",
    "line.dose_form": "剂型",
    "line.doses": "付数",
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
