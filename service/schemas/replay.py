"""Replay (重放) as the API writes it: one verdict under its own rules or others, and a period in bulk."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from rules.codes import Level, State
from service.schemas.record import Day, Name

MOST_PACKS: int = 50
MOST: int = 10_000
"""Verdicts in one bulk replay over HTTP; the command has no such bound."""


def _listed(given: Any) -> Any:
    """Return one name as a list of one, and nothing as none."""
    return [] if given is None else [given] if isinstance(given, str) else given


Packs = Annotated[
    list[Name],
    Field(max_length=MOST_PACKS),
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 200},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": MOST_PACKS},
                {"type": "null"},
            ]
        }
    ),
]


class OverlayIn(BaseModel):
    """Settings of a hospital to try (院内设置): it stands in for the one stored with the verdict."""

    model_config = ConfigDict(extra="forbid")

    levels: dict[Name, Level] = Field({}, description="rule id to level")
    off: list[Name] = Field([], description="rule ids that do not speak")


class OtherRulesIn(BaseModel):
    """What should judge instead of the verdict's own rules; nothing at all: its own, and the bytes are compared."""

    model_config = ConfigDict(extra="forbid")

    packs: Packs = Field(
        [],
        alias="pack",
        description="packs (规则包) by name or digest, one or a list, as if activated: each takes the place of its "
        "namesake in the verdict's rulebook, or stands beside the others",
    )
    scheme: Name | None = Field(None, description="DIP scheme by name or digest; judges stays whatever their day")
    overlay: OverlayIn | None = None


class ReplayIn(OtherRulesIn):
    """How one verdict is to be judged again."""


class BulkReplayIn(OtherRulesIn):
    """Which verdicts are to be judged again, by what was said then, and by which rules."""

    begin: Day = Field(alias="from", description="first day (of the verdict's record)")
    end: Day = Field(alias="to", description="last day, itself included")
    hospital: Name | None = Field(None, description="absent: the caller's, else this service's own")
    department: Name | None = None
    doctor: Name | None = None
    rule: Name | None = Field(None, description="only verdicts with a finding of this rule")
    kind: Name | None = Field(None, description="only verdicts with a finding of this kind of rule")
    state: State | None = None
    dialect: Name | None = None
    visit: Name | None = None
    limit: int = Field(1_000, ge=1, le=MOST, description="at most so many, by day")
    sample: int | None = Field(None, ge=1, le=MOST, description="so many spread over all, the same ones every time")

    @model_validator(mode="after")
    def _in_order(self) -> "BulkReplayIn":
        if self.end < self.begin:
            raise ValueError("起止日期颠倒")
        return self


class SaidOut(BaseModel):
    """A finding as a comparison shows it."""

    rule: str
    kind: str
    level: str
    item: str
    message: str
    lines: list[int]
    amount: float = Field(description="yuan at stake; 0 for a silent one")


class ChangedOut(BaseModel):
    """A finding of the same rule on the same lines that says something else."""

    before: SaidOut
    after: SaidOut
    fields: list[str]


class UnreadOut(BaseModel):
    """A rule that could not be judged (未能判断)."""

    rule: str
    kind: str
    reason: str
    fields: list[str]
    lines: list[int]


class FindingsOut(BaseModel):
    """Findings that differ."""

    added: list[SaidOut]
    removed: list[SaidOut]
    changed: list[ChangedOut]


class NotCheckedOut(BaseModel):
    """What could not be judged in one of the two only."""

    added: list[UnreadOut]
    removed: list[UnreadOut]


class EngineOut(BaseModel):
    """Versions of the evaluation itself (判定引擎): only the same one must give the same bytes."""

    stored: str
    now: str
    same: bool


class BeforeAfter(BaseModel):
    """A text before and after."""

    before: str
    after: str


class AmountOut(BaseModel):
    """Money at stake in yuan."""

    before: float
    after: float
    difference: float


class StandingOut(BaseModel):
    """Where a stay stands after the order: group, points (分值) and money in yuan."""

    scheme: str
    version: str
    status: str | None
    group: str
    points: float | None
    standard_points: float | None
    standard: float | None
    payable: float | None
    cost: float | None
    balance: float | None


class DipOut(BaseModel):
    """The stay before and after; null for what is no stay."""

    before: StandingOut | None
    after: StandingOut | None


class ReplayAnswer(BaseModel):
    """One verdict judged again. Nothing of it is recorded."""

    id: str
    own: bool = Field(description="judged by its own rulebook, scheme and overlay")
    same: bool = Field(description="the same bytes")
    digest: str = Field(description="SHA-256 of the verdict's bytes now")
    stored_digest: str = Field(description="SHA-256 of the stored bytes")
    engine: EngineOut
    rulebook: BeforeAfter
    scheme: dict[str, str | None] = Field(description="digests before and after; null: none judged")
    packs: list[dict[str, str]] = Field(description="name, version and digest of the packs that judged now")
    state: BeforeAfter
    amount: AmountOut
    dip: DipOut
    findings: FindingsOut
    not_checked: NotCheckedOut


class BulkReplayAnswer(BaseModel):
    """What a period gives when it is judged again."""

    read: int
    replayed: int
    skipped: dict[str, int] = Field(description="erased (已删除), damaged, unloadable")
    unloadable: dict[str, int] = Field(description="what could not be loaded, to the number of verdicts")
    engine: str
    engine_differs: int
    mean_ms: dict[str, float | None] = Field(
        description="stored: from message to answer then; now: evaluation alone, without reading and writing"
    )
    differing: list[str] = Field(description="ids of verdicts that came out otherwise; at most 1,000")
    own: dict[str, int] | None = Field(description="same, different, engine_speaks_differently")
    other: dict[str, Any] | None = Field(
        description="unchanged, changed, states, findings, not_checked, amount, rules, departments"
    )
