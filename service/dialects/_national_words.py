"""National messages: what goes into ``warn_msg`` and ``err_msg``, in plain words with the caller's field names.

In: a verdict, or a problem. Out: short Chinese sentences of at most ``LIMIT`` characters.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rules.codes import Reason
from rules.dip.codes import STATUS_WORDS
from rules.dip.result import DipResult
from rules.model import UNIT, NotChecked
from service.errors import Problem
from service.schemas.words import FIELDS, REASONS

LIMIT: Final = 200

CALLED: Final[dict[str, str]] = {
    "patient.sex": "gend",
    "patient.birth_date": "brdy",
    "patient.pregnant": "matn_stas",
    "patient.lactating": "matn_stas",
    "patient.weight_g": "",
    "visit.type": "trig_scen,med_type,med_mdtrt_type",
    "visit.emergency": "med_type",
    "visit.rescue": "",
    "visit.insurance": "insutype",
    "visit.medical_type": "med_type",
    "visit.work_injury": "",
    "facility.level": "medins_lv",
    "facility.specialty": "",
    "diagnoses": "fsi_diagnose_dtos",
    "diagnosis.code": "dise_codg",
    "operations": "fsi_operation_dtos",
    "line.item": "hilist_code",
    "line.time": "drord_begn_date",
    "line.day": "drord_begn_date",
    "line.stop": "drord_stop_date",
    "line.quantity": "cnt",
    "line.unit": "spec_unt",
    "line.price": "pric",
    "line.amount": "sumamt",
    "line.self_paid": "ownpay_amt",
    "line.supply_days": "",
    "patient.weight_kg": "",
    "visit.planned": "",
    "visit.internet": "",
    "visit.out_of_area": "out_setl_flag",
    "visit.chronic_disease": "",
    "visit.insurance_before": "",
    "visit.department": "adm_dept_codg",
    "visit.doctor": "dr_codg",
    "visit.total_amount": "medfee_sumamt",
    "visit.admitted": "adm_date",
    "visit.discharged": "dscg_date",
    "visits": "",
    "visits.type": "",
    "visits.admitted": "",
    "visits.discharged": "",
    "visits.diagnosis": "",
    "lines": "fsi_order_dtos",
    "operation.code": "oprn_code",
    "operation.day": "oprn_date",
    "diagnosis.main": "maindise_flag",
    "diagnosis.suspected": "dise_name",
    "line.name": "hilist_name",
    "line.category": "hilist_type",
    "line.self_pay_consent": "",
    "line.fee_class": "hilist_lv",
    "line.self_pay_ratio": "",
    "line.long_term": "long_drord_flag",
    "line.discharge_medication": "drord_bhvr",
    "line.prescription": "rxno",
    "line.group": "grpno",
    "line.department": "drord_dept_codg",
    "line.executing_department": "",
    "line.doctor": "drord_dr_codg",
    "line.doctor_title": "drord_dr_profttl",
    "line.dose": "",
    "line.dose_unit": "",
    "line.frequency": "",
    "line.route": "",
    "line.dose_form": "hilist_dosform",
    "line.doses": "",
    "history": "",
}
"""Core field to the caller's; ``""`` where this interface has none (a site's profile or another feed must say)."""


def cut(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def not_checked(entries: Iterable[NotChecked]) -> str:
    """Return how many rules could not judge, and why, the commonest reason first."""
    rules: set[str] = set()
    reasons: dict[str, set[str]] = {}
    for entry in entries:
        rules.add(entry.rule)
        reasons.setdefault(_because(entry.fields, entry.reason), set()).add(entry.rule)
    if not rules:
        return ""
    ordered = sorted(reasons.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return f"{len(rules)}条规则未能判断:" + ";".join(f"{because}({len(hit)}条)" for because, hit in ordered)


@lru_cache(maxsize=4_096)
def _because(fields: tuple[str, ...], reason: Reason) -> str:
    return REASONS[reason].format(fields="、".join(dict.fromkeys(_named(field) for field in fields)))


def _named(field: str) -> str:
    called = CALLED.get(field)
    name = FIELDS.get(field, field.removeprefix("parameter."))
    return f"{name}({called})" if called else name


def explain(problem: Problem) -> str:
    """Return a problem in one text: every fault that fits, and how many there are."""
    title = "".join([problem.kind.title_zh, f"({problem.detail})" if problem.detail else ""])
    faults = [f"[{fault.field}]{fault.message}" for fault in problem.faults]
    whole = f"{title}:{';'.join(faults)}" if faults else title
    if len(whole) <= LIMIT or not faults:
        return cut(whole, LIMIT)
    return _first_faults(title, faults)


def _first_faults(title: str, faults: list[str]) -> str:
    """Return the faults that fit whole, and the count of all."""
    tail = f"…共{len(faults)}处"
    shown = title + ":"
    for number, fault in enumerate(faults):
        longer = shown + (";" if number else "") + fault
        if len(longer) + len(tail) > LIMIT:
            break
        shown = longer
    return shown + tail if shown != title + ":" else cut(shown + faults[0], LIMIT - len(tail)) + tail


def dip_notice(dip: DipResult) -> str:
    """Return where a stay stands after this order, in one line; a standard is a reference, never a cap (ruling 24)."""
    after = dip.after
    said = [f"DIP{'预估' if dip.estimated else '入组'}:{STATUS_WORDS[after.status]}"]
    if after.group:
        said[0] += f" {after.group} {after.name}".rstrip()
    if dip.eligible is False:
        return f"{said[0]},不按DIP付费"
    if after.standard is not None:
        said.append(f"参考支付标准{_yuan(after.standard)}元")
    if after.cost is not None:
        said.append(f"本单后费用{_yuan(after.cost)}元")
    if after.payable is not None and after.payable != after.standard:
        said.append(f"按费用偏差参考支付{_yuan(after.payable)}元")
    if after.balance is not None:
        said.append(f"预计{'结余' if after.balance >= 0 else '超出'}{_yuan(abs(after.balance))}元")
    return ",".join(said)


def _yuan(amount: int) -> str:
    return f"{amount / UNIT:.2f}"
