"""What became of orders, history, evidence and patients' keys.

Only adds: a service of the version before goes on writing and reading beside one of this version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BY_DAY = "RANGE (day)"
_TIME = sa.DateTime(timezone=True)

ADDED = {
    "verdict": [("caller", sa.Text), ("key", sa.Uuid)],
    "finding": [("action", sa.Text), ("acted", _TIME), ("outcome", sa.Text), ("concluded", _TIME)],
    "disposition": [("reason_code", sa.Text), ("key", sa.Uuid), ("sealed_reason", sa.LargeBinary)],
}
MADE = (
    "saved_line", "saved_visit", "history_coverage", "line_event", "verdict_repeat", "refusal", "recheck",
    "evidence", "chain_head", "checkpoint", "patient_key", "erasure", "retired", "rulebook",
)  # fmt: skip


def _text(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _column(name: str, kind: object, nullable: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=nullable)


def _now(name: str = "created") -> sa.Column:
    return sa.Column(name, _TIME, nullable=False, server_default=sa.func.now())


def _partitioned(name: str, *columns: sa.Column, key: tuple[str, ...]) -> None:
    op.create_table(
        name,
        *_text("hospital"),
        _column("day", sa.Date),
        *columns,
        sa.PrimaryKeyConstraint("hospital", "day", *key, name=f"{name}_pkey"),
        postgresql_partition_by=_BY_DAY,
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"{table}_{'_'.join(columns)}_idx", table, list(columns))


def upgrade() -> None:
    for table, columns in ADDED.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    _index("verdict", "hospital", "patient")
    _history()
    _calls()
    _evidence()
    _privacy()
    op.create_table(
        "rulebook", *_text("digest"), _column("packs", sa.ARRAY(sa.Text)), _now(),
        sa.PrimaryKeyConstraint("digest", name="rulebook_pkey"),
    )  # fmt: skip


def _history() -> None:
    _partitioned(
        "saved_line",
        _column("line_key", sa.Uuid),
        *_text("patient", "item", "visit", "status", "source"),
        _column("verdict_id", sa.Uuid, nullable=True),
        _column("line", sa.LargeBinary),
        _column("received", _TIME),
        key=("line_key",),
    )
    _index("saved_line", "hospital", "patient", "day")
    _index("saved_line", "hospital", "visit")
    op.create_table(
        "saved_visit",
        *_text("hospital", "patient", "visit"),
        _column("past_visit", sa.LargeBinary),
        _column("received", _TIME),
        sa.PrimaryKeyConstraint("hospital", "patient", "visit", name="saved_visit_pkey"),
    )
    op.create_table(
        "history_coverage",
        *_text("hospital"),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        _column("since", sa.Date, nullable=True),
        *_text("declared_by"),
        _now(),
        sa.PrimaryKeyConstraint("hospital", "id", name="history_coverage_pkey"),
    )
    _partitioned(
        "line_event",
        _column("id", sa.Uuid),
        _column("verdict_id", sa.Uuid),
        _column("number", sa.Integer, nullable=True),
        _column("lines", sa.ARRAY(sa.Text), nullable=True),
        *_text("action", "source"),
        _column("received", _TIME),
        _column("settled", _TIME, nullable=True),
        *_text("result", nullable=True),
        key=("id",),
    )
    _index("line_event", "hospital", "verdict_id")
    op.create_index(
        "line_event_pending_idx", "line_event", ["hospital", "received"], postgresql_where=sa.text("settled IS NULL")
    )


def _calls() -> None:
    _partitioned(
        "verdict_repeat",
        _column("verdict_id", sa.Uuid),
        _column("received", _TIME),
        *_text("dialect"),
        *_text("caller", nullable=True),
        key=("verdict_id", "received"),
    )
    _partitioned(
        "refusal",
        _column("id", sa.Uuid),
        _column("received", _TIME),
        *_text("dialect"),
        *_text("caller", "message_id", nullable=True),
        *_text("problem"),
        key=("id",),
    )
    _partitioned(
        "recheck",
        _column("id", sa.Uuid),
        _column("list_id", sa.Uuid),
        _column("received", _TIME),
        *_text("caller", "message_id", nullable=True),
        _column("key", sa.Uuid, nullable=True),
        *_text("patient"),
        _column("input", sa.LargeBinary),
        _column("started", _TIME, nullable=True),
        _column("finished", _TIME, nullable=True),
        _column("verdict_id", sa.Uuid, nullable=True),
        *_text("problem", nullable=True),
        *_text("dialect"),
        _column("saved", sa.Boolean),
        key=("id",),
    )
    _index("recheck", "hospital", "list_id")
    op.create_index(
        "recheck_pending_idx", "recheck", ["hospital", "received"], postgresql_where=sa.text("finished IS NULL")
    )


def _evidence() -> None:
    _partitioned(
        "evidence",
        _column("worker", sa.Uuid),
        _column("sequence", sa.BigInteger),
        *_text("subject", "subject_id"),
        _column("subject_day", sa.Date),
        _column("digest", sa.LargeBinary),
        _column("link", sa.LargeBinary),
        key=("worker", "sequence"),
    )
    _index("evidence", "hospital", "subject_id")
    op.create_table(
        "chain_head",
        *_chain(),
        _column("link", sa.LargeBinary),
        _column("day", sa.Date),
        _now("updated"),
        sa.PrimaryKeyConstraint("hospital", "worker", name="chain_head_pkey"),
    )
    op.create_table(
        "checkpoint",
        *_chain(),
        _column("link", sa.LargeBinary),
        _column("day", sa.Date),
        _column("mac", sa.LargeBinary),
        _now(),
        sa.PrimaryKeyConstraint("hospital", "worker", "sequence", name="checkpoint_pkey"),
    )


def _chain() -> list[sa.Column]:
    return [*_text("hospital"), _column("worker", sa.Uuid), _column("sequence", sa.BigInteger)]


def _privacy() -> None:
    op.create_table(
        "patient_key",
        *_text("hospital"),
        _column("id", sa.Uuid),
        *_text("patient"),
        _column("wrapped", sa.LargeBinary),
        _now(),
        sa.PrimaryKeyConstraint("hospital", "id", name="patient_key_pkey"),
        sa.UniqueConstraint("hospital", "patient", name="patient_key_hospital_patient_key"),
    )
    op.create_table(
        "erasure",
        *_text("hospital"),
        _column("id", sa.Uuid),
        *_text("erased_by", "reason"),
        _column("keys", sa.ARRAY(sa.Uuid)),
        _column("verdicts", sa.Integer),
        _column("lines", sa.Integer),
        _now("erased"),
        sa.PrimaryKeyConstraint("hospital", "id", name="erasure_pkey"),
    )
    op.create_table(
        "retired",
        *_text("table_name"),
        _column("month", sa.Date),
        _column("rows", sa.BigInteger),
        *_text("retired_by"),
        _now(),
        sa.PrimaryKeyConstraint("table_name", "month", "created", name="retired_pkey"),
    )


def downgrade() -> None:
    op.drop_index("verdict_hospital_patient_idx", "verdict")
    for table in MADE:
        op.drop_table(table)
    for table, columns in ADDED.items():
        for name, _ in columns:
            op.drop_column(table, name)
