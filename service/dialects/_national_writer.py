"""National messages, step three: a verdict, a disposition's fate or a problem in the standard envelope.

In: the reading's ``Echo`` and the answer. Out: bytes, in the caller's charset, keys in the order of the interface page
(section 1.2, 3.1, 3.2) and by its writer rules. Findings of level ``info`` and ``silent`` never appear (ruling 11).
"""

import random
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

import orjson

from rules import Card, cards
from rules.model import Citation, Encounter, Finding
from service.dialects import _finding_ids as finding_ids
from service.dialects._contract import Answer, FeedbackAnswer, Reply
from service.dialects._national_reader import Echo, Frame
from service.dialects._national_shape import UTF_8
from service.dialects._national_words import LIMIT, cut, dip_notice, explain, not_checked
from service.errors import Problem

OK: Final = 0
FAILED: Final = -1
KEPT_STATUS: Final = frozenset({401, 413, 415})
"""Problems that keep their HTTP status; every other is 200 with infcode -1 (decision 4)."""

SEVERITY_VIOLATION: Final = "1"
SEVERITY_LIGHT: Final = "3"
AMOUNT_NORMAL: Final = "1"
BEHAVIOUR: Final = {"conduct": "1", "item": "2"}
"""vola_bhvr_type: 行为类 and 项目类 are the known labels; their numbers are published nowhere (6.16)."""
VIOLATING: Final = "1"
INVOLVED: Final = "2"
UPSTREAM_MARK: Final = "【省平台】"
NOT_CHECKED_PREFIX: Final = "NC-"
"""Begins the jr_id of the row that stands for *not checked*; a 3103 about it is accepted and stores nothing."""

_LARGEST_INTEGER: Final = 2**63


def write_check(echo: Echo, encounter: Encounter, answer: Answer) -> Reply:
    """Write the answer to a 3101 or 3102."""
    writer = _Rows(echo, encounter)
    findings = answer.verdict.findings
    rows = [
        writer.card(card, findings, answer.finding_ids)
        for card in cards(findings, above="info", most=finding_ids.most_joined(len(findings)))
    ]
    lacking = not_checked(answer.verdict.not_checked)
    if lacking and echo.site.indeterminate_row:
        rows.append(writer.indeterminate(lacking, answer.verdict_id))
    rows += upstream_rows(answer.upstream)
    envelope = _envelope(echo.frame, OK, answer.elapsed_us)
    envelope["warn_msg"] = _warning(echo, answer, lacking)
    envelope["output"] = {"result": rows}
    return _reply(envelope, echo.frame.charset)


def write_feedback(frame: Frame, answer: FeedbackAnswer) -> Reply:
    """Write the answer to a 3103: refused when any id is unknown or could not be kept, naming them."""
    unknown = [finding for finding, state in answer.states if state == "unknown"]
    failed = [finding for finding, state in answer.states if state == "failed"]
    said = [f"未知的warn_rslt_id:{'、'.join(unknown)}"] if unknown else []
    said += [f"未能保存或转发:{'、'.join(failed)}"] if failed else []
    envelope = _envelope(frame, FAILED if said else OK)
    envelope["err_msg"] = cut(";".join(said), LIMIT) or None
    return _reply(envelope, frame.charset)


def write_problem(problem: Problem, frame: Frame) -> Reply:
    """Write a problem."""
    envelope = _envelope(frame, FAILED)
    envelope["err_msg"] = explain(problem)
    status = problem.kind.status if problem.kind.status in KEPT_STATUS else 200
    return _reply(envelope, frame.charset, status)


def _envelope(frame: Frame, infcode: int, elapsed_us: int = 0) -> dict[str, Any]:
    received = _seventeen(frame.received)
    return {
        "infcode": infcode,
        "inf_refmsgid": f"{frame.region}{received[:14]}{int(random.random() * 10**10):010d}",
        "refmsg_time": received,
        "respond_time": _seventeen(frame.received + timedelta(microseconds=elapsed_us)),
        "err_msg": None,
        "warn_msg": None,
        "cainfo": None,
        "signtype": None,
        "output": None,
    }


def _seventeen(when: datetime) -> str:
    """Return yyyyMMddHHmmssSSS; formatting field by field costs as much as a row."""
    day, _, clock = when.isoformat("T", "milliseconds").partition("T")
    return day.replace("-", "") + clock[:12].replace(":", "").replace(".", "")


def _reply(envelope: dict[str, Any], charset: str, status: int = 200) -> Reply:
    body = orjson.dumps(envelope)
    if charset == UTF_8:
        return Reply(status, body)
    # GB18030 writes what GBK knows as GBK does, and has a form for everything else.
    return Reply(status, body.decode().encode("gb18030"), f"application/json; charset={charset}".encode())


def _warning(echo: Echo, answer: Answer, lacking: str) -> str | None:
    """Return everything that keeps this answer from being a plain pass, or ``None``."""
    said = []
    if echo.others:
        said.append(f"报文含{echo.others + 1}名参保人,仅审核1名")
    if not answer.recorded:
        said.append("本次审核未留痕")
    if answer.upstream is not None and answer.upstream.notice:
        said.append(answer.upstream.notice)
    if lacking or answer.verdict.state == "indeterminate":
        said.append(lacking or "部分规则未能判断")
    if echo.site.dip_notice and answer.verdict.dip is not None:
        said.append(dip_notice(answer.verdict.dip))
    return cut(";".join(said), LIMIT) if said else None


class _Rows:
    """Result rows of one answer: the caller's ids around the service's words."""

    def __init__(self, echo: Echo, encounter: Encounter) -> None:
        self.echo = echo
        self.encounter = encounter
        self.patn_id = as_sent(echo.patn_id)
        self.mdtrt_id = as_sent(echo.mdtrt_id)
        self.task_id = as_sent(echo.task_id)

    def card(self, card: Card, findings: tuple[Finding, ...], ids: tuple[str, ...]) -> dict[str, Any]:
        """Return one row: the loudest finding's, with every reason and basis; its id names them all."""
        finding = findings[card.findings[0]]
        finding_id = finding_ids.joined([ids[number] for number in card.findings])
        base = _detail_base(finding_id)
        cents = [_cents(amount) for amount in finding.amounts or self._whole_amounts(finding)]
        details = [
            self._detail(f"{base}-{number}", position, VIOLATING, cent)
            for number, (position, cent) in enumerate(zip(finding.lines, cents, strict=False), start=1)
        ]
        for position in finding.involved:
            if position >= 0:  # recorded history is no line of this message
                details.append(self._detail(f"{base}-{len(details) + 1}", position, INVOLVED, 0))
        return self._row(
            finding_id,
            (finding.rule, finding.title, card.message, _evidence_of([findings[number] for number in card.findings])),
            details=details,
            cents=sum(cents),
            severity=self._severity(finding),
            behaviour=BEHAVIOUR["item" if details else "conduct"],
        )

    def indeterminate(self, lacking: str, verdict_id: str) -> dict[str, Any]:
        """Return the one row that stands for everything not checked (ruling 11, where a site wants it)."""
        return self._row(
            NOT_CHECKED_PREFIX + verdict_id,
            ("NOT_CHECKED", "未能判断", lacking, ""),
            details=[],
            cents=0,
            severity=SEVERITY_LIGHT,
            behaviour=BEHAVIOUR["conduct"],
        )

    def _row(
        self,
        jr_id: str,
        words: tuple[str, str, str, str],
        *,
        details: list[dict[str, Any]],
        cents: int,
        severity: str,
        behaviour: str,
    ) -> dict[str, Any]:
        rule, title, message, basis = words
        return {
            "jr_id": jr_id,
            "rule_id": rule,
            "rule_name": cut(title, 200),
            "vola_cont": cut(message, 500),
            "patn_id": self.patn_id,
            "mdtrt_id": self.mdtrt_id,
            "judge_result_detail_dtos": details,
            "vola_amt": cents / 100,
            "vola_amt_stas": AMOUNT_NORMAL,
            "sev_deg": severity,
            "vola_evid": cut(basis, 500),
            "vola_bhvr_type": behaviour,
            "task_id": self.task_id,
        }

    def _detail(self, jrd_id: str, position: int, item_type: str, cents: int) -> dict[str, Any]:
        return {
            "jrd_id": jrd_id,
            "patn_id": self.patn_id,
            "mdtrt_id": self._visit_of(position),
            "rx_id": as_sent(self.echo.rx_ids[position]),
            "vola_item_type": item_type,
            "vola_amt": cents / 100,
        }

    def _visit_of(self, position: int) -> Any:
        """Return the ``mdtrt_id`` of the encounter a line came in."""
        found = self.mdtrt_id
        for first, visit in self.echo.elsewhere:
            if position >= first:
                found = as_sent(visit)
        return found

    def _whole_amounts(self, finding: Finding) -> tuple[int, ...]:
        return tuple(self.encounter.lines[position].amount or 0 for position in finding.lines)

    def _severity(self, finding: Finding) -> str:
        if finding.certainty == "violation":
            return SEVERITY_VIOLATION
        return str(self.echo.site.suspicious_severity) if finding.certainty == "suspicious" else SEVERITY_LIGHT


def as_sent(value: Any) -> str | int | float:
    """Return an id for echoing: as sent, absent as ``""``, and only a number JSON writers cannot hold as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        return str(value) if value.bit_length() < 1_000 else ""
    return value if isinstance(value, int | float) else ""


def _cents(amount: int) -> int:
    """Return 1/10,000 yuan in cents, rounded half away from zero."""
    return (amount + 50) // 100 if amount >= 0 else -((50 - amount) // 100)


@lru_cache(maxsize=4_096)
def evidence(citation: Citation | None, basis: str) -> str:
    """Return what a finding rests on: instrument, number, clause, and the basis in our words."""
    named = (citation.instrument, citation.number, citation.clause) if citation else ()
    cited = " ".join(part for part in named if part)
    return ":".join(part for part in (cited, basis) if part)


def _evidence_of(found: list[Finding]) -> str:
    return ";".join(dict.fromkeys(evidence(one.citation, one.basis) for one in found))


def _detail_base(finding_id: str) -> str:
    """Return what a finding's line ids begin with: within 50 characters with the line number, unique as the id."""
    base = finding_id.replace("-", "")
    return base if len(base) <= 44 else blake2b(finding_id.encode(), digest_size=20).hexdigest()


def upstream_rows(upstream: Any) -> list[dict[str, Any]]:
    """Return an upstream platform's rows, marked; ids stay as they are, so that a 3103 about them can be relayed."""
    return [_marked(row) for row in upstream.rows] if upstream is not None else []


def _marked(row: dict[str, Any]) -> dict[str, Any]:
    name = row.get("rule_name")
    return row | {"rule_name": cut(UPSTREAM_MARK + (name if isinstance(name, str) else ""), 200)}
