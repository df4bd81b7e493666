"""The contract of the record's routes: lists of verdicts, a stay's verdicts, re-checks, reconciliation, its state."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rules.codes import Certainty, Level, Scope, State
from service.reasons import ReasonCode
from service.records import Action, Mode
from service.schemas import scalars

Status = Literal[Action, "unreviewed"]
Outcome = Literal["charged", "cancelled"]
Format = Literal["json", "csv"]
STORABLE = r"^[^\x00]*$"
"""PostgreSQL holds no U+0000."""
Text = Annotated[str, Field(max_length=200, pattern=STORABLE)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=STORABLE)]
Code = Annotated[str, Field(max_length=50, pattern=STORABLE)]
Cursor = Annotated[
    str | None, Field(max_length=400, description="where the page before ended: its `next`; opaque, for the same query")
]
MOST_ROWS = 1_000
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="rows of a page")]
Hospital = Annotated[Code | None, Field(description="定点机构编码, for keys that belong to no single hospital")]
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
"""Days that may be asked for: the days around them, in any zone, are days that PostgreSQL and Python know."""
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


class _Query(BaseModel):
    """Parameters of a query. An unknown one is a fault: a misspelt filter must not read as none."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class HospitalQuery(_Query):
    """Whose rows."""

    hospital: Hospital = None


class RecordQuery(HospitalQuery):
    """How much about the record."""

    set_aside: Literal["count", "list"] = Field("count", description="list: also where each stands")


class _Page(HospitalQuery):
    limit: Limit = 100
    after: Cursor = None
    format: Format | None = Field(None, description="csv: as a table, also by `Accept: text/csv`")


class StayQuery(_Page):
    """Which verdicts of a stay."""

    silent: bool = Field(False, description="silent findings, too (静默记录)")


class ListQuery(StayQuery):
    """Which verdicts; parameters narrow down together."""

    first: Day | None = Field(None, alias="from", description="first day; without days: today")
    last: Day | None = Field(None, alias="to", description="last day, at most 366 days on; absent: today")
    state: State | None = Field(None, description="判定状态")
    department: Text | None = Field(None, description="科室: of the visit, or of who ordered what a finding is about")
    doctor: Text | None = Field(None, description="医师编码, in the same way")
    rule: Text | None = Field(None, description="规则编号")
    kind: Text | None = Field(None, description="规则类型")
    level: Level | None = Field(None, description="级别 of a finding")
    visit: Text | None = Field(None, description="就诊号; without days: of any day")
    message_id: Text | None = Field(None, description="消息号; without days: of any day")
    caller: Text | None = Field(None, description="calling system, by the name of its key")
    action: Status | None = Field(None, description="处理 of a finding; unreviewed 待处理")
    outcome: Literal[Outcome, "open"] | None = Field(None, description="结局: charged 已收费, cancelled 已撤销, open")
    order: Literal["newest", "oldest", "amount"] = Field("newest", description="排序")


class SearchRequest(ListQuery):
    """Which verdicts, and perhaps whose."""

    patient_id: Annotated[Name | None, BeforeValidator(scalars.text)] = Field(
        None, description="患者 id as in checks; hashed at once, never stored or logged"
    )


class DispositionStepOut(BaseModel):
    """One step of what users did with a finding; its text is in GET /v1/verdicts/{id}."""

    action: Action
    action_zh: str
    reason_code: ReasonCode | Literal[""]
    reason_zh: str
    explained: bool = Field(description="false: the client sent it by itself, without a reason (未说明理由)")
    received: str


class ListedFindingOut(BaseModel):
    """A finding and what became of it."""

    id: str
    number: int
    rule: str
    kind: str
    code: str
    title: str
    item: str
    certainty: Certainty
    level: Level
    scope: Scope
    amount: float
    department: str | None
    doctor: str | None
    message: str
    status: Status = Field(description="unreviewed, or the latest disposition")
    status_zh: str
    acted: str | None
    outcome: Outcome | None = Field(
        description="charged: a line of it was saved; cancelled: all its lines were taken back"
    )
    outcome_zh: str
    concluded: str | None
    dispositions: list[DispositionStepOut] = Field(description="every step, oldest first")


class ListedVerdictOut(BaseModel):
    """A verdict of a list; its input and full text are in GET /v1/verdicts/{id}."""

    id: str
    day: date
    received: str
    dialect: str
    mode: Mode
    message_id: str | None
    visit: str
    department: str | None
    doctor: str | None
    caller: str
    state: State
    amount: float
    not_checked: int = Field(description="rules that applied and could not run (未能判断)")
    findings: list[ListedFindingOut]


class VerdictListOut(BaseModel):
    """A page of verdicts."""

    verdicts: list[ListedVerdictOut]
    next: str | None = Field(description="`after` of the next page; null: this was the last")


class RecheckRequest(BaseModel):
    """Orders that were saved unchecked, and stays to check as a whole."""

    model_config = ConfigDict(extra="forbid")

    orders: list[Any] = Field([], description="as in POST /v1/checks, with `time`: when they were ordered")
    visits: list[Name] = Field(
        [], description="就诊号: re-check the whole stay from the record, as before settlement (预结算)"
    )
    saved: bool = Field(True, description="the orders' lines were saved: they count as history from then on")
    key: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="the caller's name for this list: sent again under the same key it adds nothing"
    )
    reason: Literal["service_down", "network_down", "timeout", "not_recorded", "pre_settlement", "other"] | None = (
        Field(None, description="why they were not checked, for the log")
    )
    hospital: Code | None = Field(None, description="定点机构编码; no other than the API key's; one for the whole list")


class AcceptedOut(BaseModel):
    """One order that waits."""

    place: str = Field(description="where it stands in the request: `orders[3]`, `visits[0]`")
    id: str
    message_id: str | None


class RecheckFaultOut(BaseModel):
    """Why an order cannot be checked."""

    field: str
    message: str


class RecheckAccepted(BaseModel):
    """What waits now; an order with faults stops no other."""

    list: str
    href: str
    accepted: int
    orders: Sequence[AcceptedOut]
    faults: Sequence[RecheckFaultOut]


class RecheckedOut(BaseModel):
    """How far one order is."""

    id: str
    message_id: str | None
    state: Literal["waiting", "running", "checked", "failed"]
    verdict: str | None
    verdict_state: State | None = Field(description="null also while the verdict is not in the database yet")
    amount: float | None
    problem: str | None = Field(description="erased, unreadable, internal")


class RecheckProgress(BaseModel):
    """How far a list is."""

    list: str
    total: int
    waiting: int
    running: int
    checked: int
    failed: int
    warned: int
    orders: Sequence[RecheckedOut]


class ReconcileQuery(_Page):
    """Which day, and whose calls."""

    day: Day | None = Field(None, description="local day of receipt; absent: today")
    caller: Text | None = Field(None, description="calling system; absent: all")


class CallsOut(BaseModel):
    """The calls of one caller in one dialect."""

    caller: str
    dialect: str
    calls: int = Field(description="answered, repeated and refused")
    verdicts: dict[str, int] = Field(description="answered, by state")
    repeats: int = Field(description="answered with a verdict given before (重发)")
    refused: dict[str, int] = Field(description="refused, by problem")
    rechecked: dict[str, int] = Field(description="checked afterwards, by state: not calls of that day")


class MessageOut(BaseModel):
    """A message of the day."""

    message_id: str
    first: str
    verdicts: list[str] = Field(description="several: its content, or what it was judged by, had changed")
    repeats: int
    rechecked: bool


class ReconciliationOut(BaseModel):
    """One day's calls as this record has them."""

    hospital: str
    day: date
    pending: int = Field(description="records of this worker that are not in the database yet: ask again when 0")
    callers: list[CallsOut]
    messages: list[MessageOut]
    next: str | None


class ReconcileRequest(BaseModel):
    """What the calling system sent on a day."""

    model_config = ConfigDict(extra="forbid")

    day: Day
    message_ids: Annotated[list[Name], Field(max_length=100_000)]
    caller: Text | None = Field(None, description="whose other messages `only_here` lists; absent: the caller's own")
    hospital: Code | None = None


class RefusedOut(BaseModel):
    """A message that was refused and never answered."""

    message_id: str
    problem: str


class ComparedOut(BaseModel):
    """What this record knows of them."""

    day: date
    sent: int = Field(description="different message ids in the request")
    known: int
    unknown: list[str] = Field(description="no answer is in the record: check them again (POST /v1/checks:recheck)")
    refused: list[RefusedOut]
    waiting: list[str] = Field(description="on a list to be checked afterwards")
    only_here: list[str] = Field(description="answered here that day and not named; at most 1,000")
    only_here_more: bool
    pending: int = Field(description="records of this worker that are not in the database yet: ask again when 0")


class WaitingOut(BaseModel):
    """What waits, and since when."""

    count: int
    oldest: str | None


class MonthsOut(BaseModel):
    """The months a table has partitions for."""

    table: str
    oldest: str
    newest: str
    count: int


class SetAsideOut(BaseModel):
    """Records that could not be written, by reason."""

    reason: str
    count: int
    newest: str


class PlaceOut(BaseModel):
    """Where such a record stands; never what is in it."""

    worker: str
    segment: int
    offset: int
    reason: str
    created: str


class PositionOut(BaseModel):
    """Up to where a worker's journal is in the database."""

    worker: str
    segment: int
    offset: int
    updated: str


class CheckpointOut(BaseModel):
    """The newest evidence vouched for."""

    worker: str
    sequence: int
    day: date
    created: str


class JournalOut(BaseModel):
    """What this worker holds that the database does not."""

    records: int
    bytes: int
    lag_seconds: float
    last_error: str | None


class StoredStateOut(BaseModel):
    """What the database knows."""

    positions: list[PositionOut]
    partitions: list[MonthsOut]
    set_aside: list[SetAsideOut]
    set_aside_places: list[PlaceOut] | None = Field(description="with `set_aside=list`: the newest 1,000")
    line_events: WaitingOut
    rechecks: WaitingOut
    checkpoint: CheckpointOut | None


class RecordOut(BaseModel):
    """How the record is: this worker's part, and the database's where it answers."""

    tasks: dict[str, bool] = Field(description="background tasks of this worker, and whether each runs")
    journal: JournalOut
    database: StoredStateOut | None = Field(description="null: it does not answer now")


class ReasonOut(BaseModel):
    """A coded reason."""

    code: ReasonCode
    label: str


class ReasonsOut(BaseModel):
    """The closed list of reasons (处理理由)."""

    reasons: list[ReasonOut]
