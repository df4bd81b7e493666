"""Invented messages of the national interface (3101), every field of it filled; nobody in them exists.

In: what is ordered, for whom, and a seeded generator. Out: a ``Body`` whose message id can be made new for every
request without touching the rest, since a repeated id would be stored by another path than a first one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final, Literal

import orjson

HOSPITAL: Final = "H33019900001"
NUMBER_DIGITS: Final = 10
ROTATION: Final = 16
"""Different bodies a server is asked in turn."""
Kind = Literal["drug", "service"]

_MARK: Final = "7" * NUMBER_DIGITS
_NOT_DISCHARGED: Final = "9999-12-31 00:00:00"
_DEPARTMENTS: Final = (("0301", "心血管内科"), ("0402", "肝胆外科"), ("0503", "妇产科"), ("0710", "神经内科"))
_DOCTORS: Final = (("D330199000417", "孙示例"), ("D330199000533", "周示例"), ("D330199000618", "吴示例"))
_OPERATIONS: Final = (("51.2300", "腹腔镜下胆囊切除术"), ("54.2100", "腹腔镜检查"))


@dataclass(frozen=True, slots=True)
class Order:
    """One order line to be written."""

    code: str
    name: str
    kind: Kind
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Person:
    """An invented patient and stay, as far as rules can tell patients apart."""

    sex: Literal["male", "female"]
    birth: str
    diagnoses: tuple[tuple[str, str], ...]
    """Code and name; the first is the main one."""


@dataclass(frozen=True, slots=True)
class Body:
    """A message before and behind the number in its id, and the rules that must speak about it."""

    head: bytes
    tail: bytes
    expected: tuple[str, ...] = ()
    """Ids of the rules whose findings the answer must carry, in order, with repeats."""

    def numbered(self, number: int) -> bytes:
        """Return the message with an id of its own; its length is always the same."""
        return b"%b%0*d%b" % (self.head, NUMBER_DIGITS, number, self.tail)

    @property
    def size(self) -> int:
        """Bytes of the message."""
        return len(self.head) + NUMBER_DIGITS + len(self.tail)


def write(person: Person, orders: Sequence[Order], *, rng: Random, now: datetime, expected: Sequence[str] = ()) -> Body:
    """Return a message; ``now`` is its time and the day of every order."""
    visit_id = f"ZY{now:%Y%m%d}{rng.randrange(10**6):06d}"
    patient = {
        "patn_id": f"330199{rng.randrange(10**20):020d}",
        "patn_name": "李示例",
        "gend": "1" if person.sex == "male" else "2",
        "brdy": person.birth,
        "poolarea": "330199",
        "curr_mdtrt_id": visit_id,
        "fsi_encounter_dtos": [_encounter(person, orders, visit_id, rng, now)],
        "fsi_his_data_dto": "",
    }
    data = {
        "syscode": "3101",
        "patient_dtos": [patient],
        "rule_ids": [],
        "task_id": f"{rng.getrandbits(128):032x}",
        "trig_scen": "5",
    }
    text = orjson.dumps(_envelope(now) | {"input": {"data": data}})
    head, tail = text.split(_MARK.encode())
    return Body(head, tail, tuple(sorted(expected)))


def _envelope(now: datetime) -> dict[str, Any]:
    return {
        "infno": "3101",
        "msgid": f"{HOSPITAL}{now:%Y%m%d}{_MARK}",
        "mdtrtarea_admvs": "330199",
        "insuplc_admdvs": "330199",
        "recer_sys_code": "FSI_LOCAL",
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "D0417",
        "opter_name": "孙示例",
        "inf_time": f"{now:%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": HOSPITAL,
        "fixmedins_name": "示例市第一人民医院",
        "sign_no": "",
    }


def _encounter(person: Person, orders: Sequence[Order], visit_id: str, rng: Random, now: datetime) -> dict[str, Any]:
    main_code, main_name = person.diagnoses[0]
    department, department_name = rng.choice(_DEPARTMENTS)
    admitted = f"{now:%Y-%m-%d} 00:10:00"
    lines = [_order(order, number, rng, now) for number, order in enumerate(orders)]
    total = sum(line["sumamt"] for line in lines)
    return {
        "mdtrt_id": visit_id,
        "medins_id": HOSPITAL,
        "medins_name": "示例市第一人民医院",
        "medins_admdvs": "330199",
        "medins_type": "A1",
        "medins_lv": "02",
        "wardarea_codg": "W0402",
        "wardno": "0412",
        "bedno": f"{rng.randrange(1, 60):02d}",
        "adm_date": admitted,
        "dscg_date": _NOT_DISCHARGED,
        "dscg_main_dise_codg": main_code,
        "dscg_main_dise_name": main_name,
        "fsi_diagnose_dtos": [
            _diagnosis(code, name, at, admitted) for at, (code, name) in enumerate(person.diagnoses, start=1)
        ],
        "dr_codg": _DOCTORS[0][0],
        "adm_dept_codg": department,
        "adm_dept_name": department_name,
        "dscg_dept_codg": department,
        "dscg_dept_name": department_name,
        "med_mdtrt_type": "2",
        "med_type": "21",
        "fsi_order_dtos": lines,
        "matn_stas": "0",
        "medfee_sumamt": round(total, 2),
        "ownpay_amt": 0.0,
        "selfpay_amt": round(total * 0.1, 2),
        "acct_payamt": None,
        "ma_amt": None,
        "hifp_payamt": None,
        "setl_totlnum": 1,
        "insutype": "310",
        "reim_flag": "1",
        "out_setl_flag": "0",
        "fsi_operation_dtos": [_operation(code, name, at, now) for at, (code, name) in enumerate(_OPERATIONS)],
    }


def _diagnosis(code: str, name: str, at: int, when: str) -> dict[str, Any]:
    return {
        "dise_id": f"7700{at}",
        "inout_dise_type": "1",
        "maindise_flag": "1" if at == 1 else "0",
        "dias_srt_no": str(at),
        "dise_codg": code,
        "dise_name": name,
        "dise_date": when,
    }


def _operation(code: str, name: str, at: int, now: datetime) -> dict[str, Any]:
    return {
        "setl_list_oprn_id": f"OP{now:%Y%m%d}{at:03d}",
        "oprn_code": code,
        "oprn_name": name,
        "main_oprn_flag": "1" if at == 0 else "0",
        "oprn_date": f"{now:%Y-%m-%d}",
        "anst_way": "1",
        "oper_dr_name": "孙示例",
        "oper_dr_code": "D330199000417",
        "anst_dr_name": "钱示例",
        "anst_dr_code": "D330199000555",
    }


def _order(order: Order, number: int, rng: Random, now: datetime) -> dict[str, Any]:
    price = rng.randrange(100, 50_000) / 100
    amount = round(price * order.quantity, 2)
    department, department_name = rng.choice(_DEPARTMENTS)
    doctor, doctor_name = rng.choice(_DOCTORS)
    drug = order.kind == "drug"
    return {
        "rx_id": f"YZ{rng.randrange(10**10):010d}{number:04d}",
        "rxno": f"YZ{number // 5:08d}",
        "grpno": str(number + 1),
        "long_drord_flag": "0",
        "hilist_type": "101" if drug else "201",
        "chrg_type": "09" if drug else "06",
        "drord_bhvr": "0",
        "hilist_code": order.code,
        "hilist_name": order.name,
        "hilist_dosform": "注射剂" if drug else "",
        "hilist_lv": "02",
        "hilist_pric": price,
        "lv1_hosp_item_pric": None,
        "lv2_hosp_item_pric": None,
        "lv3_hosp_item_pric": price,
        "hilist_memo": "",
        "hosplist_code": f"XM{number:04d}",
        "hosplist_name": order.name,
        "hosplist_dosform": "注射剂" if drug else "",
        "cnt": float(order.quantity),
        "pric": price,
        "sumamt": amount,
        "ownpay_amt": 0.0,
        "selfpay_amt": round(amount * 0.1, 2),
        "spec": "10mg*7片/盒" if drug else "次",
        "spec_unt": "盒" if drug else "次",
        "drord_begn_date": f"{now:%Y-%m-%d} 00:{rng.randrange(15, 60):02d}:00",
        "drord_stop_date": None,
        "drord_dept_codg": department,
        "drord_dept_name": department_name,
        "drord_dr_codg": doctor,
        "drord_dr_name": doctor_name,
        "drord_dr_profttl": "5",
        "curr_drord_flag": "1",
    }
