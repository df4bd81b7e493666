"""Where a page ended, as an opaque text that the next request hands back (``after``).

In: the last row of a page. Out: a text, and from it the position again. Raises ``Problem`` for what is no such text.
"""

import base64
import binascii
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from service.db.verdict_lists import Cursor, Listed, Order
from service.errors import INVALID, Fault, Problem

_LARGEST: Final = 2**63


def after_verdict(last: Listed, order: Order) -> str:
    """Return where a page of verdicts ended."""
    lead = last.amount if order == "amount" else last.day.isoformat()
    return _packed([order, lead, last.received.isoformat(), str(last.id)])


def verdict_cursor(text: str, order: Order) -> Cursor:
    """Return where a page of verdicts ended, in the same order."""
    match _unpacked(text):
        case ["amount", int(amount), str(received), str(key)] if order == "amount" and abs(amount) < _LARGEST:
            return amount, _moment(received), _uuid(key)
        case [name, str(day), str(received), str(key)] if name == order != "amount":
            return _day(day), _moment(received), _uuid(key)
    raise _wrong()


def after_text(last: str) -> str:
    """Return where a page of messages ended."""
    return _packed([last])


def text_cursor(text: str) -> str:
    """Return the last message id of the page before."""
    match _unpacked(text):
        case [str(last)] if "\0" not in last:
            return last
    raise _wrong()


def _packed(parts: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _unpacked(text: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _wrong()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong() from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _wrong() from None


def _wrong() -> Problem:
    return Problem(INVALID, faults=(Fault("after", "不是本查询返回的 next 值"),))
