"""The record's answers as documents and as tables: lists of verdicts, progress of re-checks, reconciliation, state.

In: rows of the database. Out: documents for JSON in the shape of ``service.schemas.record``, and rows for CSV.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from rules.model import UNIT
from service.db.rechecks import Listed as ListedOrder
from service.db.reconciliation import Comparison, Count, Message
from service.db.record_state import Place, RecordState, Waiting
from service.db.verdict_lists import Listed, ListedDisposition, ListedFinding
from service.identity import Identity
from service.reasons import REASONS

ACTIONS: Final = {
    "unreviewed": "待处理",
    "continued": "坚持执行",
    "revised": "返回修改",
    "deleted": "删除",
    "self_paid": "转自费",
    "disputed": "对规则有异议",
    "ignored": "未处理",
}
OUTCOMES: Final = {"charged": "已收费", "cancelled": "已撤销"}
STATES: Final = {"clear": "通过", "warned": "有提醒", "indeterminate": "未能判断"}
LEVELS: Final = {"silent": "静默", "info": "提示", "warn": "警告", "block": "拦截"}
_LABELS: Final = {str(code): label for code, label in REASONS.items()}
_EXPLAINED: Final = {True: "是", False: "否"}

VERDICT_HEADER: Final = (
    "判定编号", "日期", "接收时间", "调用方", "消息号", "就诊号", "判定", "结果编号", "规则", "规则类型", "规则名称",
    "级别", "项目", "提示内容", "金额", "开单科室", "开单医师", "处理", "理由", "已说明理由", "处理时间",
    "结局", "结局时间",
)  # fmt: skip
MESSAGE_HEADER: Final = ("消息号", "首次应答时间", "判定编号", "重发次数", "补审")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return CSV that opens as what it is: marked as UTF-8, and no text that a spreadsheet takes for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def cell(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


class VerdictPages:
    """Writes pages of verdicts."""

    def __init__(self, identity: Identity, zone: tzinfo) -> None:
        self._identity = identity
        self._zone = zone

    def documents(self, page: Iterable[Listed]) -> list[dict[str, Any]]:
        """Return verdicts as ``ListedVerdictOut``."""
        return [self._verdict(listed) for listed in page]

    def rows(self, page: Iterable[Listed]) -> Iterable[list[Any]]:
        """Yield a row for each finding; one without findings has a row of its own."""
        for verdict in self.documents(page):
            head = [verdict[name] for name in ("id", "day", "received", "caller", "message_id", "visit")]
            head.append(STATES[verdict["state"]])
            if not verdict["findings"]:
                yield head + [""] * (len(VERDICT_HEADER) - len(head))
            for finding in verdict["findings"]:
                yield head + _finding_cells(finding)

    def _verdict(self, listed: Listed) -> dict[str, Any]:
        steps: dict[int, list[ListedDisposition]] = {}
        for step in listed.dispositions:
            steps.setdefault(step.number, []).append(step)
        names = ("dialect", "mode", "message_id", "visit", "department", "doctor", "caller", "state", "not_checked")
        return {
            "id": str(listed.id),
            "day": listed.day.isoformat(),
            "received": iso(listed.received, self._zone),
            **{name: getattr(listed, name) for name in names},
            "amount": listed.amount / UNIT,
            "findings": [
                self._finding(str(listed.id), finding, steps.get(finding.number, ())) for finding in listed.findings
            ],
        }

    def _finding(self, verdict_id: str, found: ListedFinding, steps: Iterable[ListedDisposition]) -> dict[str, Any]:
        names = (
            "number", "rule", "kind", "code", "title", "item", "certainty", "level", "scope", "department", "doctor",
            "message", "outcome",
        )  # fmt: skip
        status = found.action or "unreviewed"
        return {
            "id": self._identity.finding_id(verdict_id, found.number),
            **{name: getattr(found, name) for name in names},
            "amount": found.amount / UNIT,
            "status": status,
            "status_zh": ACTIONS.get(status, status),
            "acted": iso(found.acted, self._zone),
            "outcome_zh": OUTCOMES.get(found.outcome or "", ""),
            "concluded": iso(found.concluded, self._zone),
            "dispositions": [self._step(step) for step in steps],
        }

    def _step(self, step: ListedDisposition) -> dict[str, Any]:
        return {
            "action": step.action,
            "action_zh": ACTIONS.get(step.action, step.action),
            "reason_code": step.reason_code,
            "reason_zh": _LABELS.get(step.reason_code, ""),
            "explained": step.explained,
            "received": iso(step.received, self._zone),
        }


def _finding_cells(finding: dict[str, Any]) -> list[Any]:
    steps = finding["dispositions"]
    return [
        *(finding[name] for name in ("id", "rule", "kind", "title")),
        LEVELS[finding["level"]],
        *(finding[name] for name in ("item", "message", "amount", "department", "doctor", "status_zh")),
        steps[-1]["reason_zh"] if steps else "",
        _EXPLAINED[steps[-1]["explained"]] if steps else "",
        *(finding[name] for name in ("acted", "outcome_zh", "concluded")),
    ]


def progress(list_id: str, orders: Sequence[ListedOrder]) -> dict[str, Any]:
    """Return how far a list of re-checks is."""
    states = [_order_state(order) for order in orders]
    return {
        "list": list_id,
        "total": len(orders),
        **{state: states.count(state) for state in ("waiting", "running", "checked", "failed")},
        "warned": sum(order.state == "warned" for order in orders),
        "orders": [
            {
                "id": str(order.id),
                "message_id": order.message_id,
                "state": state,
                "verdict": None if order.verdict_id is None else str(order.verdict_id),
                "verdict_state": order.state,
                "amount": None if order.amount is None else order.amount / UNIT,
                "problem": order.problem,
            }
            for order, state in zip(orders, states, strict=True)
        ],
    }


def _order_state(order: ListedOrder) -> str:
    if order.finished is not None:
        return "checked" if order.verdict_id is not None else "failed"
    return "waiting" if order.started is None else "running"


def callers(counts: Iterable[Count]) -> list[dict[str, Any]]:
    """Return the calls of a day by caller and dialect."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    parts = {"verdict": "verdicts", "refusal": "refused", "recheck": "rechecked"}
    for count in counts:
        entry = found.setdefault(
            (count.caller, count.dialect),
            {
                "caller": count.caller, "dialect": count.dialect, "calls": 0, "verdicts": {}, "repeats": 0,
                "refused": {}, "rechecked": {},
            },
        )  # fmt: skip
        if count.part == "repeat":
            entry["repeats"] += count.calls
        else:
            entry[parts[count.part]][count.what] = count.calls
        if count.part != "recheck":
            entry["calls"] += count.calls
    return list(found.values())


def message_documents(messages: Iterable[Message], zone: tzinfo) -> list[dict[str, Any]]:
    """Return messages as ``MessageOut``."""
    return [
        {
            "message_id": message.message_id,
            "first": iso(message.first, zone),
            "verdicts": [str(verdict) for verdict in message.verdicts],
            "repeats": message.repeats,
            "rechecked": message.rechecked,
        }
        for message in messages
    ]


def message_rows(messages: Iterable[Message], zone: tzinfo) -> Iterable[list[Any]]:
    """Yield a row for each message."""
    for message in message_documents(messages, zone):
        verdicts = " ".join(message["verdicts"])
        yield [
            message["message_id"],
            message["first"],
            verdicts,
            message["repeats"],
            "是" if message["rechecked"] else "",
        ]


def compared(found: Comparison, shown: int) -> dict[str, Any]:
    """Return a comparison without its day and what was sent."""
    return {
        "known": found.known,
        "unknown": list(found.unknown),
        "refused": [{"message_id": message, "problem": problem} for message, problem in found.refused.items()],
        "waiting": list(found.waiting),
        "only_here": list(found.only_here[:shown]),
        "only_here_more": len(found.only_here) > shown,
    }


def stored_state(state: RecordState, places: Sequence[Place] | None, zone: tzinfo) -> dict[str, Any]:
    """Return what the database knows of the record."""
    checkpoint = state.checkpoint
    return {
        "positions": [
            {"worker": str(at.worker), "segment": at.segment, "offset": at.offset, "updated": iso(at.updated, zone)}
            for at in state.positions
        ],
        "partitions": [
            {"table": months.table, "oldest": months.oldest, "newest": months.newest, "count": months.count}
            for months in state.months
        ],
        "set_aside": [
            {"reason": aside.reason, "count": aside.count, "newest": iso(aside.newest, zone)}
            for aside in state.set_aside
        ],
        "set_aside_places": None if places is None else [_place(place, zone) for place in places],
        "line_events": _waiting(state.line_events, zone),
        "rechecks": _waiting(state.rechecks, zone),
        "checkpoint": None
        if checkpoint is None
        else {
            "worker": str(checkpoint.worker),
            "sequence": checkpoint.sequence,
            "day": checkpoint.day.isoformat(),
            "created": iso(checkpoint.created, zone),
        },
    }


def _place(place: Place, zone: tzinfo) -> dict[str, Any]:
    named = {"segment": place.segment, "offset": place.offset, "reason": place.reason}
    return {"worker": str(place.worker), **named, "created": iso(place.created, zone)}


def _waiting(waiting: Waiting, zone: tzinfo) -> dict[str, Any]:
    return {"count": waiting.count, "oldest": iso(waiting.oldest, zone)}


def iso(moment: datetime | None, zone: tzinfo) -> str | None:
    """Return a moment in local time."""
    return None if moment is None else moment.astimezone(zone).isoformat()
