"""Calls, messages and answers of the national dialect for tests: fixed values, invented persons."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rules.model import Digests, Finding, NotChecked, Verdict
from service.dialects._contract import Answer, Call, Feedback, Reading
from service.dialects.national import DIALECT
from service.sites import Site, Sites

ZONE = ZoneInfo("Asia/Shanghai")
RECEIVED = datetime(2026, 4, 9, 9, 15, 23, 456_000, tzinfo=ZONE)
GOLDEN = sorted((Path(__file__).parent / "national").glob("*.json"))
VERDICT_ID = "0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b"
DIGESTS = Digests(engine="e", rulebook="r", overlay="o")


def pseudonym(text: str) -> str:
    """A stand-in for the keyed hash."""
    return "P" + hashlib.sha256(text.encode()).hexdigest()[:8]


def a_call(body: bytes | dict[str, Any], **changes: Any) -> Call:
    """A call that posts a message."""
    given: dict[str, Any] = {
        "path": "/national",
        "query": "",
        "body": body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode(),
        "content_type": "application/json",
        "received": RECEIVED,
        "hospital": None,
        "default_hospital": "H0",
        "sites": Sites(),
        "pseudonym": pseudonym,
        "zone": ZONE,
    }
    return Call(**(given | changes))


def an_order(**fields: Any) -> dict[str, Any]:
    """One ordinary order."""
    order = {
        "rx_id": "R1",
        "rxno": "R",
        "long_drord_flag": "0",
        "hilist_type": "101",
        "hilist_code": "XC08CAA116A001010100001",
        "hilist_name": "苯磺酸氨氯地平片",
        "hilist_lv": "01",
        "cnt": "2",
        "pric": "18.60",
        "sumamt": "37.20",
        "ownpay_amt": "0.00",
        "selfpay_amt": "0.00",
        "spec_unt": "盒",
        "drord_begn_date": "2026-04-09 09:14:40",
        "drord_stop_date": "",
        "curr_drord_flag": "1",
    }
    return order | fields


def a_message(
    *orders: dict[str, Any],
    visit: dict[str, Any] | None = None,
    patient: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    **envelope: Any,
) -> dict[str, Any]:
    """One ordinary out-patient 3101, with changes at each level."""
    encounter = {
        "mdtrt_id": "M1",
        "medins_lv": "05",
        "adm_date": "2026-04-09 09:00:00",
        "fsi_diagnose_dtos": [{"maindise_flag": "1", "dise_codg": "I10.x00x002", "dise_name": "高血压"}],
        "med_mdtrt_type": "1",
        "med_type": "11",
        "fsi_order_dtos": list(orders) or [an_order()],
        "matn_stas": "0",
        "insutype": "390",
        "fsi_operation_dtos": "",
    } | (visit or {})
    person = {
        "patn_id": "44019900000000000000000321",
        "patn_name": "何示例",
        "gend": "2",
        "brdy": "1957-08-30",
        "curr_mdtrt_id": "M1",
        "fsi_encounter_dtos": [encounter],
    } | (patient or {})
    content = {"task_id": "T1", "trig_scen": "2", "patient_dtos": [person]} | (data or {})
    message = {
        "infno": "3101",
        "msgid": "H44019900008202604090915220001",
        "mdtrtarea_admvs": "440199",
        "inf_time": "2026-04-09 09:15:22",
        "fixmedins_code": "H44019900008",
        "input": {"data": content},
    }
    return message | envelope


def a_3103(*warns: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    """A feedback message."""
    return a_message(infno="3103", input={"data": {"warn_type": "1", "warns": list(warns)}}) | envelope


def read(message: bytes | dict[str, Any], site: Site | None = None, **changes: Any) -> Reading:
    """The reading of a 3101 or 3102."""
    if site is not None:
        changes["sites"] = Sites(default=site)
    reading = DIALECT.read(a_call(message, **changes))
    assert isinstance(reading, Reading)
    return reading


def read_feedback(message: bytes | dict[str, Any]) -> Feedback:
    """The reading of a 3103."""
    feedback = DIALECT.read(a_call(message))
    assert isinstance(feedback, Feedback)
    return feedback


def a_finding(**fields: Any) -> Finding:
    """One ordinary violation about the first line."""
    given: dict[str, Any] = {
        "rule": "R1",
        "kind": "sex_limit",
        "code": "SEX_MISMATCH",
        "title": "药品区分性别使用",
        "item": "XC08CAA116A001010100001",
        "certainty": "violation",
        "level": "warn",
        "scope": "payment",
        "lines": (0,),
        "message": "【苯磺酸氨氯地平片】限男性使用。",
        "amounts": (372_000,),
    }
    return Finding(**(given | fields))


def an_answer(*findings: Finding, not_checked: tuple[NotChecked, ...] = (), **fields: Any) -> Answer:
    """An answer with these findings."""
    state = "warned" if findings else "indeterminate" if not_checked else "clear"
    given: dict[str, Any] = {
        "verdict_id": VERDICT_ID,
        "verdict": Verdict(state=state, findings=findings, not_checked=not_checked, digests=DIGESTS),
        "finding_ids": tuple(f"{VERDICT_ID}-{number:x}0a1b2c3d" for number in range(1, len(findings) + 1)),
        "recorded": True,
        "repeated_id": False,
        "elapsed_us": 1_500,
    }
    return Answer(**(given | fields))
