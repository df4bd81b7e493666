"""Journal records to rows: one function per kind of record, columns in the order of ``COLUMNS``.

In: a decoded record. Out: (table, row) pairs, nothing sealed yet. A verdict of an older version still makes rows; the
exact bytes of input and verdict go with them. Saved lines are another matter (``service.db.saved_rows``).
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from rules.model import Digests
from service.db.tables import PARTITIONED, metadata
from service.records import (
    Action,
    ComparisonRecord,
    DispositionRecord,
    JournalRecord,
    LineEventRecord,
    RecheckRecord,
    RefusalRecord,
    SavedLinesRecord,
    VerdictRecord,
)

Row: TypeAlias = tuple[Any, ...]


class _Finding(msgspec.Struct):
    """What a finding's row needs; lenient, so that a verdict of an older version still makes rows."""

    rule: str = ""
    kind: str = ""
    code: str = ""
    certainty: str = ""
    level: str = ""
    scope: str = ""
    title: str = ""
    item: str = ""
    message: str = ""
    lines: list[int] = []
    amounts: list[int] = []


class _NotChecked(msgspec.Struct):
    rule: str = ""
    kind: str = ""
    title: str = ""
    fields: list[str] = []
    reason: str = "missing"


class _Verdict(msgspec.Struct):
    digests: Digests
    findings: list[_Finding] = []
    not_checked: list[_NotChecked] = []


_VERDICT: Final = msgspec.json.Decoder(_Verdict)

COLUMNS: Final = {table: tuple(metadata.tables[table].columns.keys()) for table in PARTITIONED}
KEYS: Final = {table: len(metadata.tables[table].primary_key.columns) for table in PARTITIONED}
"""How many columns, from the first on, are a table's key."""

WHAT_BECAME: Final[dict[Action, str]] = {"continued": "saved", "self_paid": "self_paid", "deleted": "cancelled"}
"""What a disposition says about the finding's lines; the others say nothing (``reviewed``)."""


def rows_of(record: JournalRecord) -> Iterable[tuple[str, Row]]:
    """Yield (table, row) of a record, columns as in ``COLUMNS``. Raises ``msgspec.DecodeError`` or ``ValueError``."""
    match record:
        case VerdictRecord():
            yield from _verdict_rows(record)
        case DispositionRecord():
            yield "disposition", _disposition_row(record)
            yield "line_event", _disposed_row(record)
        case ComparisonRecord():
            yield "upstream_comparison", _comparison_row(record)
        case LineEventRecord():
            yield "line_event", _line_event_row(record)
        case RefusalRecord():
            yield "refusal", _refusal_row(record)
        case RecheckRecord():
            yield "recheck", _recheck_row(record)
        case SavedLinesRecord():
            return


def _verdict_rows(record: VerdictRecord) -> Iterable[tuple[str, Row]]:
    content = _VERDICT.decode(record.verdict)
    yield "verdict", _verdict_row(record, content.digests)
    key = (text_of(record.hospital), record.day, UUID(record.id))
    owners = {number: owner for number, *owner in record.owners}
    ordered_by = [record.department, record.doctor]
    for number, finding in enumerate(content.findings, 1):
        yield "finding", (*key, number, *_finding_columns(finding, owners.get(number, ordered_by)))
    for number, missing in enumerate(content.not_checked, 1):
        fields = [text_of(field) for field in missing.fields]
        yield "not_checked", (*key, number, missing.rule, missing.kind, missing.title, missing.reason, fields)


def _verdict_row(record: VerdictRecord, digests: Digests) -> Row:
    return (
        text_of(record.hospital),
        record.day,
        UUID(record.id),
        record.received,
        record.dialect,
        record.mode,
        _maybe(record.message_id),
        text_of(record.visit),
        text_of(record.patient),
        _maybe(record.department),
        _maybe(record.doctor),
        record.state,
        record.amount,
        record.elapsed_us,
        digests.engine,
        digests.rulebook,
        digests.overlay,
        digests.dictionary,
        digests.scheme,
        record.content_digest,
        bytes(record.input),
        bytes(record.verdict),
        text_of(record.caller),
        None,
    )


def _finding_columns(finding: _Finding, owner: list[str | None]) -> Row:
    department, doctor = owner
    return (
        finding.rule,
        finding.kind,
        finding.code,
        finding.certainty,
        finding.level,
        finding.scope,
        finding.title,
        text_of(finding.item),
        sum(finding.amounts),
        _maybe(department),
        _maybe(doctor),
        finding.lines,
        text_of(finding.message),
        None,
        None,
        None,
        None,
    )


def findings_of(verdict: bytes) -> list[Row]:
    """Return what of findings' rows follows from a verdict's bytes: rule to item, amount, lines, message.

    Raises ``msgspec.DecodeError``.
    """
    rows = [_finding_columns(finding, [None, None]) for finding in _VERDICT.decode(verdict).findings]
    return [(*row[:9], *row[11:13]) for row in rows]


def _disposition_row(record: DispositionRecord) -> Row:
    reason = text_of(record.reason)
    return (
        text_of(record.hospital),
        record.day,
        text_of(record.finding_id),
        record.action,
        hashlib.sha256(reason.encode()).digest(),
        UUID(record.verdict_id),
        record.number,
        reason,
        record.explained,
        record.received,
        record.dialect,
        text_of(record.reason_code) or None,
        None,
        None,
    )


def _disposed_row(record: DispositionRecord) -> Row:
    """Return what a disposition says about lines. Its id follows from its content: written twice, it is there once."""
    content = "\x1f".join((record.hospital, record.finding_id, record.action, record.received.isoformat()))
    identifier = UUID(bytes=hashlib.blake2b(content.encode(), digest_size=16).digest())
    action = WHAT_BECAME.get(record.action, "reviewed")
    key = (text_of(record.hospital), record.day, identifier)
    return (*key, UUID(record.verdict_id), record.number, None, action, "disposition", record.received, None, None)


def _line_event_row(record: LineEventRecord) -> Row:
    return (
        text_of(record.hospital),
        record.day,
        UUID(record.id),
        UUID(record.verdict_id),
        record.number,
        None if record.lines is None else [text_of(line) for line in record.lines],
        record.action,
        record.source,
        record.received,
        None,
        None,
    )


def _refusal_row(record: RefusalRecord) -> Row:
    return (
        text_of(record.hospital),
        record.day,
        UUID(record.id),
        record.received,
        record.dialect,
        text_of(record.caller),
        _maybe(record.message_id),
        record.problem,
    )


def _recheck_row(record: RecheckRecord) -> Row:
    return (
        text_of(record.hospital),
        record.day,
        UUID(record.id),
        UUID(record.list_id),
        record.received,
        text_of(record.caller),
        _maybe(record.message_id),
        None,
        text_of(record.patient),
        bytes(record.input),
        None,
        None,
        None,
        None,
        record.dialect,
        record.saved,
    )


def _comparison_row(record: ComparisonRecord) -> Row:
    return (
        text_of(record.hospital),
        record.day,
        UUID(record.verdict_id),
        text_of(record.line_id),
        text_of(record.upstream_rule),
        text_of(record.our_rule),
        record.outcome,
        record.received,
    )


def repeat_row(verdict: Row) -> Row:
    """Return the row of a call that was answered with a verdict that is there already."""
    call = dict(zip(COLUMNS["verdict"], verdict, strict=True))
    return tuple(call[name] for name in ("hospital", "day", "id", "received", "dialect", "caller"))


def text_of(value: str) -> str:
    """Return the text without U+0000, which PostgreSQL cannot hold; the exact bytes are in ``input``."""
    return value.replace("\0", "\ufffd") if "\0" in value else value


def _maybe(value: str | None) -> str | None:
    return None if value is None else text_of(value)
