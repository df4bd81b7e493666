"""The national dialect: 医保 interface 3101 (事前), 3102 (事中) and 3103 (反馈), as unchanged senders speak it.

In: a POST on one of ``paths``. Out: a ``Reading`` or ``Feedback``, and replies in the standard envelope. The work is
in the sibling modules, step by step: ``_national_shape`` (bytes to dictionaries), ``_national_reader`` (to an
encounter), ``_national_writer`` (verdict to bytes). ``docs/dialects/national.md`` says how every field is understood.
"""

import re
from dataclasses import replace
from typing import Any, Final

from service.dialects._contract import Answer, Call, Dialect, Disposition, Feedback, FeedbackAnswer, Reading, Reply
from service.dialects._finding_ids import parted
from service.dialects._national_codes import code
from service.dialects._national_faults import Faults, nodes
from service.dialects._national_reader import Frame, hospital_of, read_check
from service.dialects._national_shape import UTF_8, Data, Input, Message, Warn, declared_charset, decode, to_utf8
from service.dialects._national_writer import NOT_CHECKED_PREFIX, write_check, write_feedback, write_problem
from service.errors import INVALID, Fault, Problem
from service.records import Action

CHECKS: Final = frozenset({"3101", "3102"})
FEEDBACK: Final = "3103"
SERVICE_PATHS: Final = {
    "/fsi/api/riskConService/beforeAnalyze": "3101",
    "/fsi/api/riskConService/courseAnalyze": "3102",
}
BASE: Final = "/national"
ACTIONS: Final[dict[str, Action]] = {"1": "continued", "2": "revised"}
"""dspo_way: 1 继续执行, 2 返回修改."""
LONGEST_REASON: Final = 500

_MSGID = re.compile(rb'"msgid"\s*:\s*"([!-~]{1,64}?)"')
_REGION = re.compile(rb'"mdtrtarea_admvs"\s*:\s*"?(\d{6})\b')


class National:
    """3101, 3102 and 3103 in, the standard envelope out."""

    name = "national"
    about = "National interface 3101 / 3102 / 3103, in its own envelope (医保智能审核: 事前, 事中, 反馈)"
    paths = (BASE, f"{BASE}/*", *SERVICE_PATHS)

    def read(self, call: Call) -> Reading | Feedback:
        """Understand a message. Raises ``Problem`` with every fault."""
        message, charset = decode(call.body, call.content_type)
        infno = transaction(message, call.path)
        frame = Frame(_region(message), call.received.astimezone(call.zone), charset)
        if infno in CHECKS:
            return read_check(message, frame, call, call.max_lines)
        return self._read_feedback(message, frame, call)

    def write(self, reading: Reading, answer: Answer) -> Reply:
        """Write the answer to a check."""
        return write_check(reading.echo, reading.encounter, answer)

    def write_feedback(self, feedback: Feedback, answer: FeedbackAnswer) -> Reply:
        """Write the answer to dispositions."""
        return write_feedback(feedback.echo, answer)

    def refuse(self, problem: Problem, call: Call) -> Reply:
        """Write a problem: 401, 413 and 415 keep their status, all else is HTTP 200 with infcode -1."""
        found = _REGION.search(call.body[:100_000])
        region = found[1].decode() if found else "000000"
        frame = Frame(region, call.received.astimezone(call.zone), _charset(call))
        return write_problem(problem, frame)

    def message_id(self, call: Call) -> str | None:
        """Return the ``msgid`` of a message, whatever else is wrong with it."""
        found = _MSGID.search(call.body[:100_000])
        return found[1].decode("ascii", "replace") if found else None

    def _read_feedback(self, message: Message, frame: Frame, call: Call) -> Feedback:
        faults = Faults()
        hospital = hospital_of(message, call, faults)
        given, path = _warns(message)
        if given is None:
            faults.add(f"{path}.warns", "缺少该节点")
        warns = nodes(given, f"{path}.warns", faults, call.max_lines)
        given_back = [
            _disposition(warn, warns.at(at), faults) for at, warn in enumerate(warns.items) if warn is not None
        ]
        faults.stop_if_any()
        found = [replace(one, finding=finding) for one in given_back for finding in parted(one.finding)]
        ours = tuple(one for one in found if not one.finding.startswith(NOT_CHECKED_PREFIX))
        return Feedback(hospital=hospital, dispositions=ours, echo=frame, forward=call.body)


def transaction(message: Message, path: str) -> str:
    """Return the transaction a message is: named by the path, the body, or both alike. 3301 is no alias of any."""
    faults = Faults()
    named = faults.leaf(code, message, "infno", "")
    by_path = SERVICE_PATHS.get(path)
    if by_path is None and path.startswith(f"{BASE}/"):
        by_path = path.removeprefix(f"{BASE}/").rstrip("/") or None
    if named and by_path and named != by_path:
        faults.add("infno", "与请求地址中的交易编号不一致")
    faults.stop_if_any()
    found = by_path or named
    if found is not None and (found in CHECKS or found == FEEDBACK):
        return found
    raise Problem(INVALID, faults=(Fault("infno", "仅支持3101、3102、3103" if found else "缺少交易编号"),))


def _region(message: Message) -> str:
    sent = message.mdtrtarea_admvs
    known = str(sent) if isinstance(sent, str | int) else ""
    return known if len(known) == 6 and known.isascii() and known.isdigit() else "000000"


def _charset(call: Call) -> str:
    """Return the charset to refuse in, whatever is wrong with the body."""
    try:
        return to_utf8(call.body, call.content_type)[1]
    except Problem:
        return declared_charset(call.content_type) or UTF_8


def _warns(message: Message) -> tuple[Any, str]:
    """Return ``warns`` and its parent's path: in ``input.data``, or flat in ``input``."""
    given = message.input
    if not isinstance(given, Input):
        return None, "input.data"
    if isinstance(given.data, Data):
        return given.data.warns, "input.data"
    return given.warns, "input" if given.warns is not None else "input.data"


def _disposition(warn: Warn, path: str, faults: Faults) -> Disposition:
    """Return one disposition; way 1 without a reason is accepted but *unexplained* (ruling 12)."""
    leaf = faults.leaf
    finding = leaf(code, warn, "warn_rslt_id", path)
    way = leaf(code, warn, "dspo_way", path)
    action = ACTIONS.get(way or "")
    if finding is None:
        faults.add(f"{path}.warn_rslt_id", "缺少结果编号")
    if action is None:
        faults.add(f"{path}.dspo_way", "应为1(继续执行)或2(返回修改)")
    reason = leaf(_reason, warn, "dspo_way_rea", path) or ""
    explained = bool(reason) or action != "continued"
    return Disposition(finding=finding or "", action=action or "continued", reason=reason, explained=explained)


def _reason(value: object) -> str:
    if value is None or isinstance(value, str):
        return (value or "").replace("\0", "").strip()[:LONGEST_REASON]
    return code(value) or ""


DIALECT: Final[Dialect] = National()
