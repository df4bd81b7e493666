"""The tables (SQLAlchemy Core). Migrations write their own text; a test holds the two equal.

Every row about a hospital has the hospital first in its key, so that the same tables partition by month and
distribute by hospital. Money is an integer of 1/10,000 yuan. ``input`` and ``verdict`` are the exact bytes that
were evaluated and answered: a type that reformats them (jsonb) could not be replayed.
"""

import re
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
)

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)

_BY_DAY: Final = "RANGE (day)"
_TIME: Final = DateTime(timezone=True)


def _required(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _optional(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=True)


verdict = Table(
    "verdict",
    metadata,
    _required("hospital", Text),
    _required("day", Date),
    _required("id", Uuid),
    _required("received", _TIME),
    _required("dialect", Text),
    _required("mode", Text),
    _optional("message_id", Text),
    _required("visit", Text),
    _required("patient", Text),
    _optional("department", Text),
    _optional("doctor", Text),
    _required("state", Text),
    _required("amount", BigInteger),
    _required("elapsed_us", BigInteger),
    _required("engine", Text),
    _required("rulebook", Text),
    _required("overlay", Text),
    _optional("dictionary", Text),
    _optional("scheme", Text),
    _required("content_digest", Text),
    _required("input", LargeBinary),
    _required("verdict", LargeBinary),
    PrimaryKeyConstraint("hospital", "day", "id"),
    Index(None, "id"),
    Index(None, "hospital", "message_id"),
    Index(None, "hospital", "visit"),
    postgresql_partition_by=_BY_DAY,
)

finding = Table(
    "finding",
    metadata,
    _required("hospital", Text),
    _required("day", Date),
    _required("verdict_id", Uuid),
    _required("number", Integer),
    _required("rule", Text),
    _required("kind", Text),
    _required("code", Text),
    _required("certainty", Text),
    _required("level", Text),
    _required("scope", Text),
    _required("title", Text),
    _required("item", Text),
    _required("amount", BigInteger),
    _optional("department", Text),
    _optional("doctor", Text),
    _required("lines", ARRAY(Integer)),
    _required("message", Text),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "number"),
    Index(None, "hospital", "rule", "day"),
    postgresql_partition_by=_BY_DAY,
)

not_checked = Table(
    "not_checked",
    metadata,
    _required("hospital", Text),
    _required("day", Date),
    _required("verdict_id", Uuid),
    _required("number", Integer),
    _required("rule", Text),
    _required("kind", Text),
    _required("title", Text),
    _required("reason", Text),
    _required("fields", ARRAY(Text)),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "number"),
    postgresql_partition_by=_BY_DAY,
)

disposition = Table(
    "disposition",
    metadata,
    _required("hospital", Text),
    _required("day", Date),
    _required("finding_id", Text),
    _required("action", Text),
    _required("reason_digest", LargeBinary),
    _required("verdict_id", Uuid),
    _required("number", Integer),
    _required("reason", Text),
    _required("explained", Boolean),
    _required("received", _TIME),
    _required("dialect", Text),
    PrimaryKeyConstraint("hospital", "day", "finding_id", "action", "reason_digest"),
    Index(None, "verdict_id"),
    postgresql_partition_by=_BY_DAY,
)

upstream_comparison = Table(
    "upstream_comparison",
    metadata,
    _required("hospital", Text),
    _required("day", Date),
    _required("verdict_id", Uuid),
    _required("line_id", Text),
    _required("upstream_rule", Text),
    _required("our_rule", Text),
    _required("outcome", Text),
    _required("received", _TIME),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "line_id", "upstream_rule", "our_rule", "outcome"),
    postgresql_partition_by=_BY_DAY,
)

journal_position = Table(
    "journal_position",
    metadata,
    _required("worker", Uuid),
    _required("segment", Integer),
    _required("offset", BigInteger),
    Column("updated", _TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("worker"),
)

set_aside = Table(
    "set_aside",
    metadata,
    _required("worker", Uuid),
    _required("segment", Integer),
    _required("offset", BigInteger),
    _required("reason", Text),
    _required("payload", LargeBinary),
    Column("created", _TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("worker", "segment", "offset"),
)

pack = Table(
    "pack",
    metadata,
    _required("digest", Text),
    _required("name", Text),
    _required("version", Text),
    _required("built", LargeBinary),
    _required("kind", Text),
    Column("created", _TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("digest"),
)

pack_activation = Table(
    "pack_activation",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    _required("name", Text),
    Column("digest", Text, ForeignKey("pack.digest"), nullable=True),
    _required("active_from", _TIME),
    _required("activated_by", Text),
    _required("kind", Text),
    Column("created", _TIME, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("id"),
    Index(None, "name", "active_from"),
)

PARTITIONED: Final = ("verdict", "finding", "not_checked", "disposition", "upstream_comparison")
"""Tables with a partition per month of ``day``."""

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
