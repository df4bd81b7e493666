"""What is journaled: verdicts, dispositions, saved lines, refusals, comparisons with a platform, as bytes and back.

No name, no identity number and no raw body is in a record (decision 8). A disposition's free-text reason is typed
by a person and may hold a name: it is stored and never logged. Fields are only ever added, with a default, so that
a newer service reads what an older one left in its journal.
"""

from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal, get_args

import msgspec
from msgspec.structs import replace

from rules.codes import State
from rules.model import Line, PastVisit

Action = Literal["continued", "revised", "deleted", "self_paid", "disputed", "ignored"]
"""What a user did with a finding: 坚持执行, 返回修改, 删除, 转自费, 对规则有异议, 未处理."""
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

Outcome = Literal["both", "ours_only", "upstream_only"]
"""Who found something about a line: this service and the upstream platform, or one of them."""

Mode = Literal["check", "batch", "later", "recheck"]
"""How the verdict was asked for."""

LineAction = Literal["saved", "self_paid", "cancelled"]
"""What became of lines in the hospital's own system: 已保存, 转自费后保存, 已撤销."""

Source = Literal["confirm", "disposition", "message", "import"]
"""Who told of a saved line: the caller, a disposition, a later message that carries it as history, or an import."""

MAX_CLOCK_SKEW: Final = timedelta(hours=48)


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="verdict", tag_field="record"):
    """A verdict and all that produced it (判定)."""

    id: str
    hospital: str
    received: datetime
    day: date
    """Partition day: see ``partition_day``."""
    dialect: str
    mode: Mode = "check"
    input: msgspec.Raw
    """The canonical bytes of ``rules.model.Input``."""
    verdict: msgspec.Raw
    """The canonical bytes of ``rules.model.Verdict``."""
    content_digest: str
    """Hex digest of the input's bytes."""
    state: State
    amount: int = 0
    """Money at stake in 1/10,000 yuan."""
    elapsed_us: int = 0
    message_id: str | None = None
    patient: str = ""
    """Keyed pseudonym."""
    visit: str = ""
    department: str | None = None
    doctor: str | None = None
    owners: tuple[tuple[int, str | None, str | None], ...] = ()
    """Finding number, ordering department and doctor, where a finding's first line was ordered by somebody else.
    Statistics go by who ordered, and reading the whole input for it again is what a batch would mostly do."""
    caller: str = ""
    """The calling system, as its key names it."""
    carries_history: bool = False
    """The input holds lines that the hospital saved before: they go into the record of saved lines, too."""


class DispositionRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="disposition", tag_field="record"
):
    """What a user did with one finding (处理)."""

    finding_id: str
    verdict_id: str
    number: int
    hospital: str
    received: datetime
    day: date
    """The local day of receipt."""
    action: Action
    dialect: str
    reason: str = ""
    """May hold a name somebody typed: never logged."""
    explained: bool = True
    reason_code: str = ""
    """From the closed list of coded reasons; ``""``: none was chosen."""


class ComparisonRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="comparison", tag_field="record"
):
    """Whether an upstream platform and this service said the same about one line."""

    verdict_id: str
    hospital: str
    received: datetime
    day: date
    outcome: Outcome
    line_id: str = ""
    upstream_rule: str = ""
    our_rule: str = ""


class LineEventRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="line_event", tag_field="record"
):
    """What became of lines of a verdict that was given before (确认 / 撤销)."""

    id: str
    """A UUID made when the call came in, so that writing the record twice is writing it once."""
    hospital: str
    received: datetime
    day: date
    """The local day of receipt."""
    verdict_id: str
    action: LineAction
    source: Source = "confirm"
    number: int | None = None
    """Only the lines of this finding."""
    lines: tuple[str, ...] | None = None
    """Only the lines with these ids; ``None``: all current ones."""


class SavedLinesRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="saved_lines", tag_field="record"
):
    """Lines the hospital saved or took back, told by themselves and not by a verdict."""

    hospital: str
    received: datetime
    day: date
    patient: str
    """Keyed pseudonym; never empty."""
    visit: str = ""
    action: LineAction = "saved"
    source: Source = "confirm"
    lines: tuple[Line, ...] = ()
    """With ``begin``: without a time nobody knows which window they fall into."""
    past_visit: PastVisit | None = None
    """The visit they belong to, where the caller says."""


class RefusalRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="refusal", tag_field="record"):
    """A call of a known caller that got a problem instead of a verdict: nothing of its content."""

    id: str
    hospital: str
    received: datetime
    day: date
    dialect: str
    problem: str
    """The problem's code."""
    caller: str = ""
    message_id: str | None = None


class RecheckRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="recheck", tag_field="record"):
    """An order that was saved unchecked and waits to be checked in the background (补审)."""

    id: str
    list_id: str
    hospital: str
    received: datetime
    day: date
    input: msgspec.Raw
    """The canonical bytes of ``rules.model.Input``."""
    dialect: str = "native"
    patient: str = ""
    caller: str = ""
    message_id: str | None = None
    saved: bool = True
    """The lines were saved in the hospital's system: they count as history from then on."""


JournalRecord = (
    VerdictRecord
    | DispositionRecord
    | ComparisonRecord
    | LineEventRecord
    | SavedLinesRecord
    | RefusalRecord
    | RecheckRecord
)

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[JournalRecord]] = msgspec.json.Decoder(JournalRecord)


_PARTED: Final = b"V"
_LENGTH: Final = 8
_HEAD: Final = len(_PARTED) + 2 * _LENGTH
_NOTHING: Final = msgspec.Raw(b"null")


def encode(record: JournalRecord) -> bytes:
    """Return a record's bytes for the journal.

    A verdict stands in three parts, ``V``, two lengths in hex, then head, input and verdict: whoever reads it back
    need not go through the input to find its end. Everything is UTF-8, which the journal relies on.
    """
    if not isinstance(record, VerdictRecord):
        return _ENCODER.encode(record)
    head = _ENCODER.encode(replace(record, input=_NOTHING, verdict=_NOTHING))
    lengths = b"%b%08x%08x" % (_PARTED, len(head), len(memoryview(record.input)))
    return b"".join((lengths, head, record.input, record.verdict))


def decode(payload: bytes) -> JournalRecord:
    """Return the record in a journal payload. Raises ``msgspec.DecodeError`` (its text may quote the payload)."""
    if payload[:1] != _PARTED:
        return _DECODER.decode(payload)
    try:
        middle = _HEAD + int(payload[1 : 1 + _LENGTH], 16)
        end = middle + int(payload[1 + _LENGTH : _HEAD], 16)
    except ValueError:
        raise msgspec.DecodeError("a verdict's parts have no lengths") from None
    head = _DECODER.decode(payload[_HEAD:middle])
    if not isinstance(head, VerdictRecord) or end > len(payload):
        raise msgspec.DecodeError("a verdict's parts do not fit together")
    return replace(head, input=msgspec.Raw(payload[middle:end]), verdict=msgspec.Raw(payload[end:]))


def partition_day(message_time: datetime | None, received: datetime, zone: tzinfo) -> date:
    """Return the local day a record is filed under (decision 7): the message's own time, if it can be believed."""
    if message_time is None or abs(message_time - received) > MAX_CLOCK_SKEW:
        message_time = received
    return message_time.astimezone(zone).date()
