"""Reads lists of verdicts with their findings: by day, department, doctor, rule, visit … and in what state they are.

In: ``Filters``, an order and where the page before ended. Out: ``Listed`` verdicts. Nothing is unsealed: findings and
dispositions have rows of their own. Days bound every read to the months it needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from service.db.pool import Connection, Pool

LIST_WITHIN: Final = 10.0
"""Seconds a list may take before it is a ``NO_DATABASE`` problem."""

Order = Literal["newest", "oldest", "amount"]
Cursor = tuple[date, datetime, UUID] | tuple[int, datetime, UUID]
"""Where a page ended: (day or amount, received, id)."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which verdicts; ``None`` and ``False`` ask for nothing in particular."""

    hospital: str
    first: date | None = None
    last: date | None = None
    state: str | None = None
    department: str | None = None
    """Of the verdict, or of whoever ordered what a finding is about."""
    doctor: str | None = None
    visit: str | None = None
    patient: str | None = None
    """Keyed pseudonym."""
    message_id: str | None = None
    caller: str | None = None
    rule: str | None = None
    kind: str | None = None
    level: str | None = None
    action: str | None = None
    """A disposition, or ``unreviewed``."""
    outcome: str | None = None
    """``charged``, ``cancelled``, or ``open``."""
    silent: bool = False
    """Show silent findings, too."""

    @property
    def about_findings(self) -> bool:
        """Whether anything is asked of findings: then only those that fit are shown, and verdicts that have one."""
        return bool(self.rule or self.kind or self.level or self.action or self.outcome)


@dataclass(frozen=True, slots=True)
class ListedFinding:
    """A finding and what became of it. ``amount`` is in 1/10,000 yuan."""

    number: int
    rule: str
    kind: str
    code: str
    certainty: str
    level: str
    scope: str
    title: str
    item: str
    amount: int
    department: str | None
    doctor: str | None
    message: str
    action: str | None
    acted: datetime | None
    outcome: str | None
    concluded: datetime | None


@dataclass(frozen=True, slots=True)
class ListedDisposition:
    """A disposition without its text, which may be sealed."""

    number: int
    action: str
    reason_code: str
    explained: bool
    received: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A verdict of a list. ``amount`` is in 1/10,000 yuan."""

    id: UUID
    day: date
    received: datetime
    dialect: str
    mode: str
    message_id: str | None
    visit: str
    department: str | None
    doctor: str | None
    state: str
    amount: int
    caller: str
    not_checked: int = 0
    findings: tuple[ListedFinding, ...] = ()
    dispositions: tuple[ListedDisposition, ...] = field(default=())


_COLUMNS: Final = (
    "v.id, v.day, v.received, v.dialect, v.mode, v.message_id, v.visit, v.department, v.doctor, v.state, v.amount,"
    " coalesce(v.caller, '') AS caller"
)
_FINDING: Final = ", ".join(f"f.{name}" for name in ListedFinding.__slots__)
# The key's own columns come first, so that a page of a long span is read from the index and not sorted whole.
_ORDERS: Final[dict[Order, tuple[str, str, str]]] = {
    "newest": ("v.day DESC, v.received DESC, v.id DESC", "(v.day, v.received, v.id) <", "v.day <="),
    "oldest": ("v.day, v.received, v.id", "(v.day, v.received, v.id) >", "v.day >="),
    "amount": ("v.amount DESC, v.received DESC, v.id DESC", "(v.amount, v.received, v.id) <", "v.amount <="),
}


class _Where:
    """Conditions and their arguments."""

    def __init__(self, hospital: str) -> None:
        self.arguments: list[Any] = [hospital]
        self.parts: list[str] = []

    def add(self, condition: str, *values: Any) -> None:
        """Add a condition with ``{}`` for each value."""
        places = []
        for value in values:
            self.arguments.append(value)
            places.append(f"${len(self.arguments)}")
        self.parts.append(condition.format(*places))

    def text(self) -> str:
        """Return the conditions, each behind an AND."""
        return "".join(f" AND {part}" for part in self.parts)


async def page(
    pool: Pool, filters: Filters, order: Order, limit: int, after: Cursor | None = None, *, within: float = LIST_WITHIN
) -> tuple[Listed, ...]:
    """Return one page of verdicts with their findings and dispositions.

    Raises ``Problem`` (``NO_DATABASE``) when the database does not answer within that many seconds.
    """
    async with pool.connection(within) as connection:
        rows = await _verdicts(connection, filters, order, limit, after)
        if not rows:
            return ()
        ids, days = [row["id"] for row in rows], [row["day"] for row in rows]
        span = (min(days), max(days))
        findings = await _findings(connection, filters, ids, span)
        dispositions = await _dispositions(connection, filters.hospital, ids, span[0])
        lacking = await _not_checked(connection, filters.hospital, ids, span)
    return tuple(
        replace(
            Listed(**row),
            not_checked=lacking.get(row["id"], 0),
            findings=findings.get(row["id"], ()),
            dispositions=dispositions.get(row["id"], ()),
        )
        for row in rows
    )


async def _verdicts(
    connection: Connection, filters: Filters, order: Order, limit: int, after: Cursor | None
) -> list[asyncpg.Record]:
    where = _Where(filters.hospital)
    if filters.first is not None:
        where.add("v.day >= {}", filters.first)
    if filters.last is not None:
        where.add("v.day <= {}", filters.last)
    for name in ("state", "visit", "patient", "message_id", "caller"):
        if (value := getattr(filters, name)) is not None:
            where.add(f"v.{name} = {{}}", value)
    for name in ("department", "doctor"):
        if (value := getattr(filters, name)) is not None:
            where.add(f"(v.{name} = {{0}} OR {_exists(f'f.{name} = {{0}}')})", value)
    if filters.about_findings:
        where.add(_exists(*_about(filters, where)))
    ordering, behind, bound = _ORDERS[order]
    if after is not None:
        where.add(f"{behind} ({{}}, {{}}, {{}})", *after)
        where.add(f"{bound} {{}}", after[0])
    where.arguments.append(limit)
    query = (
        f"SELECT {_COLUMNS} FROM verdict v WHERE v.hospital = $1{where.text()}"
        f" ORDER BY {ordering} LIMIT ${len(where.arguments)}"
    )
    return await connection.fetch(query, *where.arguments)


def _exists(*conditions: str) -> str:
    fits = "".join(f" AND {condition}" for condition in conditions)
    return f"EXISTS (SELECT FROM finding f WHERE f.hospital = $1 AND f.day = v.day AND f.verdict_id = v.id{fits})"


def _about(filters: Filters, where: _Where) -> list[str]:
    """Return what is asked of a finding, its values added to the arguments."""
    conditions = []
    for name in ("rule", "kind", "level", "action", "outcome"):
        value = getattr(filters, name)
        if value == "unreviewed":
            conditions.append("f.action IS NULL AND f.level <> 'silent'")
        elif value == "open":
            conditions.append("f.outcome IS NULL")
        elif value is not None:
            where.arguments.append(value)
            conditions.append(f"f.{name} = ${len(where.arguments)}")
    return conditions


async def _findings(
    connection: Connection, filters: Filters, ids: Sequence[UUID], span: tuple[date, date]
) -> dict[UUID, tuple[ListedFinding, ...]]:
    where = _Where(filters.hospital)
    where.add("f.day BETWEEN {} AND {} AND f.verdict_id = ANY({})", *span, ids)
    where.parts += _about(filters, where)
    if not filters.silent and filters.level != "silent":
        where.parts.append("f.level <> 'silent'")
    rows = await connection.fetch(
        f"SELECT f.verdict_id, {_FINDING} FROM finding f WHERE f.hospital = $1{where.text()} ORDER BY f.number",
        *where.arguments,
    )
    return _by_verdict(rows, ListedFinding)


async def _dispositions(
    connection: Connection, hospital: str, ids: Sequence[UUID], first: date
) -> dict[UUID, tuple[ListedDisposition, ...]]:
    rows = await connection.fetch(
        "SELECT verdict_id, number, action, coalesce(reason_code, '') AS reason_code, explained, received"
        # A message's own day may be two days ahead of the day it came, and dispositions come when they come.
        " FROM disposition WHERE hospital = $1 AND day >= $2::date - 3 AND verdict_id = ANY($3)"
        " ORDER BY received, number",
        hospital,
        first,
        ids,
    )
    return _by_verdict(rows, ListedDisposition)


async def _not_checked(
    connection: Connection, hospital: str, ids: Sequence[UUID], span: tuple[date, date]
) -> dict[UUID, int]:
    rows = await connection.fetch(
        "SELECT verdict_id, count(*) FROM not_checked"
        " WHERE hospital = $1 AND day BETWEEN $2 AND $3 AND verdict_id = ANY($4) GROUP BY verdict_id",
        hospital,
        *span,
        ids,
    )
    return {row["verdict_id"]: row["count"] for row in rows}


def _by_verdict(rows: list[asyncpg.Record], kind: Any) -> dict[UUID, tuple[Any, ...]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        fields = dict(row)
        found.setdefault(fields.pop("verdict_id"), []).append(kind(**fields))
    return {verdict: tuple(entries) for verdict, entries in found.items()}
