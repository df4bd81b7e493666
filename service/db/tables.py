"""The tables (SQLAlchemy Core). Migrations write their own text; a test holds the two equal.

Every row about a hospital has the hospital first in its key, so that the same tables partition by month and
distribute by hospital. Money is an integer of 1/10,000 yuan. ``input`` and ``verdict`` are the exact bytes that
were evaluated and answered, sealed with the patient's key where ``key`` names one (``service.sealing``): a type that
reformats them (jsonb) could not be replayed.
"""

import re
from datetime import date
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
)

from service.db import evidence_tables, history_tables  # they add their tables to the metadata
from service.db.columns import BY_DAY, TIME, metadata, optional, required

verdict = Table(
    "verdict",
    metadata,
    required("hospital", Text),
    required("day", Date),
    required("id", Uuid),
    required("received", TIME),
    required("dialect", Text),
    required("mode", Text),
    optional("message_id", Text),
    required("visit", Text),
    required("patient", Text),
    optional("department", Text),
    optional("doctor", Text),
    required("state", Text),
    required("amount", BigInteger),
    required("elapsed_us", BigInteger),
    required("engine", Text),
    required("rulebook", Text),
    required("overlay", Text),
    optional("dictionary", Text),
    optional("scheme", Text),
    required("content_digest", Text),
    required("input", LargeBinary),
    required("verdict", LargeBinary),
    optional("caller", Text),
    optional("key", Uuid),
    PrimaryKeyConstraint("hospital", "day", "id"),
    Index(None, "id"),
    Index(None, "hospital", "message_id"),
    Index(None, "hospital", "visit"),
    Index(None, "hospital", "patient"),
    postgresql_partition_by=BY_DAY,
)

finding = Table(
    "finding",
    metadata,
    required("hospital", Text),
    required("day", Date),
    required("verdict_id", Uuid),
    required("number", Integer),
    required("rule", Text),
    required("kind", Text),
    required("code", Text),
    required("certainty", Text),
    required("level", Text),
    required("scope", Text),
    required("title", Text),
    required("item", Text),
    required("amount", BigInteger),
    optional("department", Text),
    optional("doctor", Text),
    required("lines", ARRAY(Integer)),
    required("message", Text),
    optional("action", Text),
    optional("acted", TIME),
    optional("outcome", Text),
    optional("concluded", TIME),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "number"),
    Index(None, "hospital", "rule", "day"),
    postgresql_partition_by=BY_DAY,
)

not_checked = Table(
    "not_checked",
    metadata,
    required("hospital", Text),
    required("day", Date),
    required("verdict_id", Uuid),
    required("number", Integer),
    required("rule", Text),
    required("kind", Text),
    required("title", Text),
    required("reason", Text),
    required("fields", ARRAY(Text)),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "number"),
    postgresql_partition_by=BY_DAY,
)

disposition = Table(
    "disposition",
    metadata,
    required("hospital", Text),
    required("day", Date),
    required("finding_id", Text),
    required("action", Text),
    required("reason_digest", LargeBinary),
    required("verdict_id", Uuid),
    required("number", Integer),
    required("reason", Text),
    required("explained", Boolean),
    required("received", TIME),
    required("dialect", Text),
    optional("reason_code", Text),
    optional("key", Uuid),
    optional("sealed_reason", LargeBinary),
    PrimaryKeyConstraint("hospital", "day", "finding_id", "action", "reason_digest"),
    Index(None, "verdict_id"),
    postgresql_partition_by=BY_DAY,
)

upstream_comparison = Table(
    "upstream_comparison",
    metadata,
    required("hospital", Text),
    required("day", Date),
    required("verdict_id", Uuid),
    required("line_id", Text),
    required("upstream_rule", Text),
    required("our_rule", Text),
    required("outcome", Text),
    required("received", TIME),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "line_id", "upstream_rule", "our_rule", "outcome"),
    postgresql_partition_by=BY_DAY,
)

journal_position = Table(
    "journal_position",
    metadata,
    required("worker", Uuid),
    required("segment", Integer),
    required("offset", BigInteger),
    Column("updated", TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("worker"),
)

set_aside = Table(
    "set_aside",
    metadata,
    required("worker", Uuid),
    required("segment", Integer),
    required("offset", BigInteger),
    required("reason", Text),
    required("payload", LargeBinary),
    Column("created", TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("worker", "segment", "offset"),
)

pack = Table(
    "pack",
    metadata,
    required("digest", Text),
    required("name", Text),
    required("version", Text),
    required("built", LargeBinary),
    required("kind", Text),
    Column("created", TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("digest"),
)

pack_activation = Table(
    "pack_activation",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    required("name", Text),
    Column("digest", Text, ForeignKey("pack.digest"), nullable=True),
    required("active_from", TIME),
    required("activated_by", Text),
    required("kind", Text),
    Column("created", TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("id"),
    Index(None, "name", "active_from"),
)

__all__ = ["PARTITIONED", "evidence_tables", "history_tables", "metadata"]

PARTITIONED: Final = (
    "verdict",
    "finding",
    "not_checked",
    "disposition",
    "upstream_comparison",
    "line_event",
    "refusal",
    "recheck",
    "verdict_repeat",
    "saved_line",
    "evidence",
)
"""Tables with a partition per month of ``day``; their first two columns are ``hospital`` and ``day``."""

_PARTITION_NAME: Final = re.compile(rf"(?:{'|'.join(PARTITIONED)})_\d{{4}}_\d{{2}}")
_YEARS: Final = range(1900, 3000)


def partition_name(table: str, month: date) -> str:
    """Return the name of a table's partition for the month of a day."""
    return f"{table}_{month.year:04}_{month.month:02}"


def is_partition(table: str) -> bool:
    """Say whether a table's name is a partition's."""
    return _PARTITION_NAME.fullmatch(table) is not None


def month_of(day: date) -> date:
    """Return the first day of a day's month. Raises ``ValueError`` for years nobody lives in."""
    if day.year not in _YEARS:
        raise ValueError(f"no partition for the year {day.year}")
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after a month's first day."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
