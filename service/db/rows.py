"""Journal records to rows: one function per kind of record, columns in the order of ``COLUMNS``.

In: a decoded record. Out: (table, row) pairs. A verdict of an older version still makes rows; the exact bytes of
input and verdict go with them.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from rules.model import Digests
from service.db.tables import PARTITIONED, metadata
from service.records import ComparisonRecord, DispositionRecord, JournalRecord, VerdictRecord

Row = tuple[Any, ...]


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


def rows_of(record: JournalRecord) -> Iterable[tuple[str, Row]]:
    """Yield (table, row) of a record, columns as in ``COLUMNS``. Raises ``msgspec.DecodeError`` or ``ValueError``."""
    match record:
        case VerdictRecord():
            yield from _verdict_rows(record)
        case DispositionRecord():
            yield "disposition", _disposition_row(record)
        case ComparisonRecord():
            yield "upstream_comparison", _comparison_row(record)


def _verdict_rows(record: VerdictRecord) -> Iterable[tuple[str, Row]]:
    content = _VERDICT.decode(record.verdict)
    yield "verdict", _verdict_row(record, content.digests)
    key = (_text(record.hospital), record.day, record.id)
    owners = {number: owner for number, *owner in record.owners}
    ordered_by = [record.department, record.doctor]
    for number, finding in enumerate(content.findings, 1):
        yield "finding", (*key, number, *_finding_columns(finding, owners.get(number, ordered_by)))
    for number, missing in enumerate(content.not_checked, 1):
        fields = [_text(field) for field in missing.fields]
        yield "not_checked", (*key, number, missing.rule, missing.kind, missing.title, missing.reason, fields)


def _verdict_row(record: VerdictRecord, digests: Digests) -> Row:
    return (
        _text(record.hospital),
        record.day,
        record.id,
        record.received,
        record.dialect,
        record.mode,
        _maybe(record.message_id),
        _text(record.visit),
        record.patient,
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
        _text(finding.item),
        sum(finding.amounts),
        _maybe(department),
        _maybe(doctor),
        finding.lines,
        _text(finding.message),
    )


def _disposition_row(record: DispositionRecord) -> Row:
    reason = _text(record.reason)
    return (
        _text(record.hospital),
        record.day,
        _text(record.finding_id),
        record.action,
        hashlib.sha256(reason.encode()).digest(),
        record.verdict_id,
        record.number,
        reason,
        record.explained,
        record.received,
        record.dialect,
    )


def _comparison_row(record: ComparisonRecord) -> Row:
    return (
        _text(record.hospital),
        record.day,
        record.verdict_id,
        _text(record.line_id),
        _text(record.upstream_rule),
        _text(record.our_rule),
        record.outcome,
        record.received,
    )


def _text(value: str) -> str:
    """Return the text without U+0000, which PostgreSQL cannot hold; the exact bytes are in ``input``."""
    return value.replace("\0", "\ufffd") if "\0" in value else value


def _maybe(value: str | None) -> str | None:
    return None if value is None else _text(value)
