"""The contract of a rule kind (规则类型): one file in this folder, one ``KIND`` in it, found by walking.

A kind is four small pure steps around two types. ``Row`` is the written form, one line of ``<name>.csv``;
the run form is a ``Rule`` subclass. ``compile`` turns the first into the second. ``read`` looks the facts up and
yields one *case* per thing to judge, or what is missing; ``check`` judges a case and cannot see absent data.
``witness`` and ``near_miss`` edit an encounter so that the rule fires, or just does not: tests run them on every row.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rules.codes import Certainty, Level, Scope, Stage, Status, VisitScene
from rules.kinds._view import View
from rules.model import UNIT, Draft, Encounter, Line, Missing, Rule

RowT = TypeVar("RowT", bound="Row")
RuleT = TypeVar("RuleT", bound=Rule)
CaseT = TypeVar("CaseT")


def split_cell(value: object) -> object:
    return tuple(part.strip() for part in value.split("|") if part.strip()) if isinstance(value, str) else value


Codes = Annotated[tuple[str, ...], BeforeValidator(split_cell)]
"""A cell with several values, joined by ``|``."""


def _scaled(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        number = Decimal(value.strip()) * UNIT
    except InvalidOperation:
        raise ValueError("expected a number") from None
    if not number.is_finite() or number != number.to_integral_value() or abs(number) > LARGEST:
        raise ValueError("expected a number with at most four decimals")
    return int(number)


LARGEST = 10**13
Quantity = Annotated[int, BeforeValidator(_scaled)]
"""A cell with a number, kept in 1/10,000."""


class Row(BaseModel):
    """The columns every rule table shares; a kind adds its own. An empty cell counts as absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    rule_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,50}$", description="unique in the pack, never reused")
    items: Codes = Field(min_length=1, description="code patterns joined by |; X* is a family, X? an ambiguous one")
    name: str = Field(min_length=1, description="the item as people call it")
    title: str = Field(min_length=1, description="national rule class")
    certainty: Certainty
    level: Level
    reason: bool = Field(default=False, description="going on needs a reason")
    scope: Scope
    citation: str = Field(min_length=1, description="id in citations.csv")
    basis: str = Field(default="", max_length=40, description="our own short wording of the basis")
    valid_from: date | None = None
    valid_to: date | None = None
    scenes: Codes = Field(default=(), description="trig_scen values 1-10; empty means all")
    visit_types: Annotated[tuple[VisitScene, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="就医方式 in which the rule speaks; empty means all"
    )
    insurances: Codes = Field(default=(), description="险种 (310, 390 …) for which the rule speaks; empty means all")
    hospital_levels: Annotated[tuple[int, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="hospital levels 1-3 at which the rule speaks; empty means all"
    )
    stages: Annotated[tuple[Stage, ...], BeforeValidator(split_cell)] = Field(
        default=(), description="监管环节; narrows `scenes` to 1-5 (before) and 6-10 (during)"
    )
    time_span: str = Field(default="", max_length=20, description="统计时间窗, as the authority's header names it")
    funds: Codes = Field(default=(), description="基金类型, as the authority's header names it")
    tags: Codes = Field(default=(), description="the hospital's own lists (限专, 辅助治疗 …)")
    remark: str = Field(default="", max_length=50, description="rules of one remark share it: one card")
    implied_by: Codes = Field(default=(), description="rules that fire whenever this one's witness does")
    status: Status = "active"
    note: str = Field(default="", description="why the row is incomplete, or what to know about it")


def shared(row: Row) -> dict[str, Any]:
    """Return the run form's common fields of a row, for ``compile``."""
    fields = row.model_dump(include=set(Row.model_fields), exclude={"rule_id", "reason", "stages"})
    return fields | {"id": row.rule_id, "reason_required": row.reason, "scenes": _scenes(row)}


AFTER: Final = "after"
"""Stands for no scene of a check: a rule of the 事后 stage alone is for statistics and never speaks here."""
_SCENES: Final[dict[Stage, tuple[str, ...]]] = {
    "before": ("1", "2", "3", "4", "5"),
    "during": ("6", "7", "8", "9", "10"),
    "after": (AFTER,),
}


def _scenes(row: Row) -> tuple[str, ...]:
    """Return the scenes of a row: those it names, narrowed to its stages."""
    staged = [scene for stage in row.stages for scene in _SCENES[stage]]
    if not staged:
        return row.scenes
    named = tuple(scene for scene in staged if not row.scenes or scene in row.scenes)
    return named or (AFTER,)


@dataclass(frozen=True, slots=True)
class Triggers:
    """Code patterns that bring a rule up: it runs when a current line, a diagnosis or an operation matches."""

    items: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    visit: bool = False
    """Brought up by every encounter, whatever is ordered: for rules over a whole visit or prescription."""


@dataclass(frozen=True, slots=True)
class Look:
    """A need for the past: lines of these items, or visits, this many days back from each current line's day."""

    items: tuple[str, ...] = ()
    """Patterns, all that the rule searches the past for: what is not asked for here is never known to be absent."""
    days: int = 0
    visits: bool = False
    """Other visits of the person; their days count back from the admission where that is earlier."""
    scenes: tuple[str, ...] = ()
    """Asked only in a message of one of these scenes; empty means in any."""


@dataclass(frozen=True, slots=True)
class RuleKind(Generic[RowT, RuleT, CaseT]):
    """One kind of rule. Every field is data or a pure function; nothing here knows HTTP, files or clocks."""

    name: str
    title: str
    """Chinese name, as the insurance office reads it."""
    codes: tuple[tuple[str, str], ...]
    """Finding codes this kind can raise, each with its Chinese label."""
    row: type[RowT]
    rule: type[RuleT]
    compile: Callable[[RowT], RuleT]
    """Row to run form. Raises ``ValueError`` with a plain sentence when columns contradict each other."""
    read: Callable[[RuleT, tuple[Line, ...], View], Iterable[CaseT | Missing]]
    """Facts for the current lines that triggered the rule, one case per thing to judge."""
    check: Callable[[RuleT, CaseT], Draft | None]
    witness: Callable[[RuleT, Encounter], Encounter]
    """Edit an encounter whose first line is the rule's item so that the rule fires."""
    near_miss: Callable[[RuleT, Encounter], Encounter]
    """Edit it so that the rule is silent, as near to firing as its limit allows."""
    scopes: tuple[Scope, ...] = ("payment",)
    """What rows of this kind may protect; the compiler refuses others."""
    triggers: Callable[[RuleT], Triggers] = lambda rule: Triggers(items=rule.items)
    rest: Callable[[RuleT, Encounter], Encounter] | None = None
    """Edit that puts the rule at rest while another is tried; absent: ``near_miss``."""
    looks: Callable[[RuleT], tuple[Look, ...]] = lambda rule: ()
    """The past this rule needs beyond the present visit (``needs``)."""
