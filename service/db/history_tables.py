"""The tables of what became of orders: lines the hospital saved, visits, and what still has to be checked.

Every row about a hospital has the hospital first in its key; see ``service.db.tables``.
"""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy import Column as _Column

from service.db.columns import BY_DAY, TIME, metadata, optional, placed, required, stamped

saved_line: Final = Table(
    "saved_line",
    metadata,
    *placed(),
    required("line_key", Uuid),
    required("patient", Text),
    required("item", Text),
    required("visit", Text),
    required("status", Text),
    required("source", Text),
    optional("verdict_id", Uuid),
    required("line", LargeBinary),
    required("received", TIME),
    PrimaryKeyConstraint("hospital", "day", "line_key"),
    Index(None, "hospital", "patient", "day"),
    Index(None, "hospital", "visit"),
    postgresql_partition_by=BY_DAY,
)
"""A line the hospital saved (``saved``) or took back (``cancelled``). ``day`` is its service day, ``line_key`` a hash
of its identity (decision 10), ``line`` the canonical bytes of ``rules.model.Line``; the latest ``received`` wins.
``source`` says who told: ``confirm``, ``disposition``, ``message`` (carried as history) or ``import``."""

saved_visit: Final = Table(
    "saved_visit",
    metadata,
    required("hospital", Text),
    required("patient", Text),
    required("visit", Text),
    required("past_visit", LargeBinary),
    required("received", TIME),
    PrimaryKeyConstraint("hospital", "patient", "visit"),
)
"""A visit in which something was saved; ``past_visit`` is the canonical bytes of ``rules.model.PastVisit``."""

history_coverage: Final = Table(
    "history_coverage",
    metadata,
    required("hospital", Text),
    _Column("id", BigInteger, Identity(always=True), nullable=False),
    optional("since", Date),
    required("declared_by", Text),
    stamped(),
    PrimaryKeyConstraint("hospital", "id"),
)
"""From which day on a hospital vouches that its saved lines are complete. The latest row holds; null withdraws."""

line_event: Final = Table(
    "line_event",
    metadata,
    *placed(),
    required("id", Uuid),
    required("verdict_id", Uuid),
    optional("number", Integer),
    optional("lines", ARRAY(Text)),
    required("action", Text),
    required("source", Text),
    required("received", TIME),
    optional("settled", TIME),
    optional("result", Text),
    PrimaryKeyConstraint("hospital", "day", "id"),
    Index(None, "hospital", "verdict_id"),
    Index("line_event_pending_idx", "hospital", "received", postgresql_where=text("settled IS NULL")),
    postgresql_partition_by=BY_DAY,
)
"""What became of lines of a verdict (``saved``, ``self_paid``, ``cancelled``): those of finding ``number``, those with
the ids in ``lines``, or all current ones. It is settled (applied to ``saved_line`` and ``finding``) once the verdict
is in the database, in whatever order the two arrive."""

verdict_repeat: Final = Table(
    "verdict_repeat",
    metadata,
    *placed(),
    required("verdict_id", Uuid),
    required("received", TIME),
    required("dialect", Text),
    optional("caller", Text),
    PrimaryKeyConstraint("hospital", "day", "verdict_id", "received"),
    postgresql_partition_by=BY_DAY,
)
"""A call that was answered with a verdict that had been given before: a retry of the caller."""

refusal: Final = Table(
    "refusal",
    metadata,
    *placed(),
    required("id", Uuid),
    required("received", TIME),
    required("dialect", Text),
    optional("caller", Text),
    optional("message_id", Text),
    required("problem", Text),
    PrimaryKeyConstraint("hospital", "day", "id"),
    postgresql_partition_by=BY_DAY,
)
"""A call that got no verdict, and the code of the problem it got instead."""

recheck: Final = Table(
    "recheck",
    metadata,
    *placed(),
    required("id", Uuid),
    required("list_id", Uuid),
    required("received", TIME),
    optional("caller", Text),
    optional("message_id", Text),
    optional("key", Uuid),
    required("patient", Text),
    required("input", LargeBinary),
    optional("started", TIME),
    optional("finished", TIME),
    optional("verdict_id", Uuid),
    optional("problem", Text),
    required("dialect", Text),
    required("saved", Boolean),
    PrimaryKeyConstraint("hospital", "day", "id"),
    Index(None, "hospital", "list_id"),
    Index("recheck_pending_idx", "hospital", "received", postgresql_where=text("finished IS NULL")),
    postgresql_partition_by=BY_DAY,
)
"""An order that was saved unchecked and is checked afterwards (补审); ``input`` is sealed as a verdict's is."""
