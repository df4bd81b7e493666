"""The provincial platform behind this service (上游平台, ruling 13): forward, merge, relay, compare.

In: the bytes of a 3101 / 3102 as they came. Out: the platform's result rows, or why there are none; its failure never
takes away this service's own answer, and never looks like a pass. 3103 entries that are not this service's own go on
unchanged. ``agreement`` says line by line who found something; it keeps rule ids and order ids, nothing of a person.
"""

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx
import msgspec
import orjson

from rules.model import Encounter, Finding
from service.records import Outcome as Side

Outcome = Literal["answered", "timeout", "refused", "unreachable", "unreadable"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("answered", "timeout", "refused", "unreachable", "unreadable")
"""Each is a counter of the caller's."""

LARGEST_REPLY: Final = 4 * 1024 * 1024
LONGEST_RULE: Final = 50
_PASSED_ON: Final = ("content-type", "x-tif-", "x-ca-", "_api_")
"""Headers by beginning: the body's type, and what the three signing families put there. Nothing else goes out, least
of all the caller's key for this service."""
_NOTICES: Final[dict[Outcome, str]] = {
    "timeout": "省平台超时未应答,仅有院内审核结果",
    "refused": "省平台拒绝审核,仅有院内审核结果",
    "unreachable": "省平台无法连接,仅有院内审核结果",
    "unreadable": "省平台应答无法识别,仅有院内审核结果",
}
_INFNO = re.compile(rb'"infno"\s*:\s*"?(\d{4,5}[A-Z]?)\b')
_SERVICE_PATHS: Final = {"beforeAnalyze": "3101", "courseAnalyze": "3102"}


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """What the platform said. Rows and texts may name persons: for the reply only, never stored or logged."""

    outcome: Outcome
    rows: tuple[dict[str, Any], ...] = ()
    text: str = ""
    """Its error or warning text."""

    @property
    def notice(self) -> str:
        """Return what the user must be told, or ``""``."""
        if self.outcome == "answered":
            return f"省平台提示:{self.text}" if self.text else ""
        return _NOTICES[self.outcome] + (f":{self.text}" if self.text else "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether one rule of ours and one of the platform's spoke about the same line.

    ``both`` comes once per pair of rules that met on the line, ``ours_only`` and ``upstream_only`` once per rule.
    """

    outcome: Side
    line_id: str
    """The order's rx_id; ``""`` where the platform named no order of this message."""
    our_rule: str = ""
    upstream_rule: str = ""


class Upstream:
    """One platform at one address. ``{infno}`` in the address is replaced by the transaction."""

    def __init__(self, url: str, deadline_ms: int, client: httpx.AsyncClient) -> None:
        self._url = url
        self._deadline = deadline_ms / 1000
        self._client = client

    async def check(
        self, body: bytes, *, path: str = "", headers: Mapping[str, str] | None = None, deadline_ms: int | None = None
    ) -> UpstreamAnswer:
        """Forward a 3101 or 3102 unchanged. Never raises but when cancelled.

        ``path`` is where the caller posted it (the transaction, where the body does not name one); ``deadline_ms``
        can only shorten the configured deadline.
        """
        deadline = self._deadline if deadline_ms is None else min(self._deadline, deadline_ms / 1000)
        try:
            async with asyncio.timeout(deadline):
                return await self._post(body, transaction(body, path), headers or {})
        except (TimeoutError, httpx.TimeoutException):
            return UpstreamAnswer("timeout")
        except (httpx.HTTPError, httpx.InvalidURL):
            return UpstreamAnswer("unreachable")

    async def relay(
        self, body: bytes, theirs: Collection[str], *, path: str = "", headers: Mapping[str, str] | None = None
    ) -> UpstreamAnswer | None:
        """Forward a 3103's entries about ``theirs`` (ids that are not ours); ``None`` when there is none."""
        rest = only(body, theirs)
        return None if rest is None else await self.check(rest, path=path, headers=headers)

    async def _post(self, body: bytes, infno: str, headers: Mapping[str, str]) -> UpstreamAnswer:
        url = self._url.replace("{infno}", infno)
        sent = {name.lower(): value for name, value in headers.items() if name.lower().startswith(_PASSED_ON)}
        sent.setdefault("content-type", "application/json")
        async with self._client.stream("POST", url, content=body, headers=sent) as response:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > LARGEST_REPLY:
                    return UpstreamAnswer("unreadable")
        return parse(bytes(received))


def transaction(body: bytes, path: str) -> str:
    """Return the transaction a message is, as its body or else its path says."""
    found = _INFNO.search(body)
    if found:
        return found[1].decode()
    last = path.rstrip("/").rpartition("/")[2]
    return _SERVICE_PATHS.get(last, last)


def parse(body: bytes) -> UpstreamAnswer:
    """Read a platform's reply tolerantly.

    Any error text is a refusal, even with infcode 0 (one province really answers so). ``result`` may be a list, a lone
    object, null or missing.
    """
    envelope = _loads(body)
    if not isinstance(envelope, dict):
        return UpstreamAnswer("unreadable")
    said = _text(envelope.get("err_msg"))
    code = _text(envelope.get("infcode"))
    if said or code != "0":
        return UpstreamAnswer("refused" if code else "unreadable", text=said[:100])
    output = envelope.get("output")
    result = output.get("result") if isinstance(output, dict) else None
    rows = _objects(result)
    if rows is None:
        return UpstreamAnswer("unreadable")
    return UpstreamAnswer("answered", tuple(_tidy(row) for row in rows), _text(envelope.get("warn_msg"))[:100])


def only(body: bytes, theirs: Collection[str]) -> bytes | None:
    """Return a 3103 with only the entries about ``theirs``: the very bytes where that is all of them."""
    text, charset = _decoded(body)
    try:
        message = msgspec.json.decode(text)
        data = message["input"].get("data") or message["input"]
        warns = data["warns"]
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    listed = warns if isinstance(warns, list) else [warns]
    kept = [warn for warn in listed if isinstance(warn, dict) and _text(warn.get("warn_rslt_id")) in theirs]
    if not kept:
        return None
    if len(kept) == len(listed):
        return body
    data["warns"] = kept
    return msgspec.json.encode(message).decode().encode(charset)


def agreement(
    findings: tuple[Finding, ...], encounter: Encounter, rows: tuple[dict[str, Any], ...]
) -> tuple[Comparison, ...]:
    """Compare what both sides found, line by line; lines that neither flagged are not listed."""
    ours: dict[str, set[str]] = {}
    for finding in findings:
        for position in finding.lines:
            ours.setdefault(encounter.lines[position].id, set()).add(finding.rule)
    known = {line.id for line in encounter.lines}
    theirs: dict[str, set[str]] = {}
    for row in rows:
        rule = (_text(row.get("rule_id")) or "?")[:LONGEST_RULE]
        for line_id in _flagged(row):
            theirs.setdefault(line_id if line_id in known else "", set()).add(rule)
    return tuple(
        comparison
        for line_id in sorted(ours.keys() | theirs.keys())
        for comparison in _compared(line_id, ours.get(line_id, set()), theirs.get(line_id, set()))
    )


def _compared(line_id: str, ours: set[str], theirs: set[str]) -> list[Comparison]:
    # Without an order id nothing says that both spoke of the same thing.
    if ours and theirs and line_id:
        return [Comparison("both", line_id, our, their) for our in sorted(ours) for their in sorted(theirs)]
    found = [Comparison("ours_only", line_id, our_rule=our) for our in sorted(ours)]
    return found + [Comparison("upstream_only", line_id, upstream_rule=their) for their in sorted(theirs)]


def _flagged(row: dict[str, Any]) -> set[str]:
    """Return the rx_ids a row calls violating; involved items are not flagged."""
    details = [detail for detail in row["judge_result_detail_dtos"] if _text(detail.get("vola_item_type")) != "2"]
    return {_text(detail.get("rx_id")) for detail in details} or {""}


def _tidy(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as clients can bear it: details always a list of objects, amounts always numbers. Ids stay."""
    details = [_scalars(detail) for detail in _objects(row.get("judge_result_detail_dtos")) or []]
    return _scalars(row) | {"judge_result_detail_dtos": details}


def _scalars(node: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in node.items() if not isinstance(value, dict | list)}
    return kept | {"vola_amt": _amount(node.get("vola_amt"))}


def _amount(value: object) -> float:
    try:
        amount = round(float(value), 2) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return amount if abs(amount) < 1e13 else 0.0


def _objects(value: object) -> list[dict[str, Any]] | None:
    """Return a list of objects from a list, a lone object or nothing; ``None`` for anything else."""
    if value is None or value == "":
        return []
    listed = value if isinstance(value, list) else [value]
    objects = [item for item in listed if isinstance(item, dict)]
    return objects if len(objects) == len(listed) else None


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(_decoded(body)[0])
    except orjson.JSONDecodeError:
        return None


def _decoded(body: bytes) -> tuple[str, str]:
    """Return the text and its charset: UTF-8, else GB18030 (DLL bridges), else with replacement signs."""
    for charset in ("utf-8", "gb18030"):
        try:
            return body.decode(charset).removeprefix("\ufeff"), charset
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace"), "utf-8"


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
