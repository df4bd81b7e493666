"""The record: verdicts, findings, dispositions, the recorder's position, packs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BY_DAY = "RANGE (day)"
_TIME = sa.DateTime(timezone=True)


def _text(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _key(*more: str) -> list[sa.Column]:
    return [
        sa.Column("hospital", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        *(sa.Column(name, sa.Uuid, nullable=False) for name in more),
    ]


def _column(name: str, kind: object, nullable: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=nullable)


def _now(name: str) -> sa.Column:
    return sa.Column(name, _TIME, nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    _verdicts()
    _feedback()
    _recorder()
    _packs()


def _verdicts() -> None:
    op.create_table(
        "verdict",
        *_key("id"),
        _column("received", _TIME),
        *_text("dialect", "mode"),
        *_text("message_id", nullable=True),
        *_text("visit", "patient"),
        *_text("department", "doctor", nullable=True),
        *_text("state"),
        _column("amount", sa.BigInteger),
        _column("elapsed_us", sa.BigInteger),
        *_text("engine", "rulebook", "overlay"),
        *_text("dictionary", "scheme", nullable=True),
        *_text("content_digest"),
        _column("input", sa.LargeBinary),
        _column("verdict", sa.LargeBinary),
        sa.PrimaryKeyConstraint("hospital", "day", "id", name="verdict_pkey"),
        postgresql_partition_by=_BY_DAY,
    )
    op.create_index("verdict_id_idx", "verdict", ["id"])
    op.create_index("verdict_hospital_message_id_idx", "verdict", ["hospital", "message_id"])
    op.create_index("verdict_hospital_visit_idx", "verdict", ["hospital", "visit"])
    op.create_table(
        "finding",
        *_key("verdict_id"),
        _column("number", sa.Integer),
        *_text("rule", "kind", "code", "certainty", "level", "scope", "title", "item"),
        _column("amount", sa.BigInteger),
        *_text("department", "doctor", nullable=True),
        _column("lines", sa.ARRAY(sa.Integer)),
        *_text("message"),
        sa.PrimaryKeyConstraint("hospital", "day", "verdict_id", "number", name="finding_pkey"),
        postgresql_partition_by=_BY_DAY,
    )
    op.create_index("finding_hospital_rule_day_idx", "finding", ["hospital", "rule", "day"])
    op.create_table(
        "not_checked",
        *_key("verdict_id"),
        _column("number", sa.Integer),
        *_text("rule", "kind", "title", "reason"),
        _column("fields", sa.ARRAY(sa.Text)),
        sa.PrimaryKeyConstraint("hospital", "day", "verdict_id", "number", name="not_checked_pkey"),
        postgresql_partition_by=_BY_DAY,
    )


def _feedback() -> None:
    op.create_table(
        "disposition",
        *_key(),
        *_text("finding_id", "action"),
        _column("reason_digest", sa.LargeBinary),
        _column("verdict_id", sa.Uuid),
        _column("number", sa.Integer),
        *_text("reason"),
        _column("explained", sa.Boolean),
        _column("received", _TIME),
        *_text("dialect"),
        sa.PrimaryKeyConstraint("hospital", "day", "finding_id", "action", "reason_digest", name="disposition_pkey"),
        postgresql_partition_by=_BY_DAY,
    )
    op.create_index("disposition_verdict_id_idx", "disposition", ["verdict_id"])
    op.create_table(
        "upstream_comparison",
        *_key("verdict_id"),
        *_text("line_id", "upstream_rule", "our_rule", "outcome"),
        _column("received", _TIME),
        sa.PrimaryKeyConstraint(
            "hospital", "day", "verdict_id", "line_id", "upstream_rule", "our_rule", "outcome",
            name="upstream_comparison_pkey",
        ),
        postgresql_partition_by=_BY_DAY,
    )  # fmt: skip


def _recorder() -> None:
    op.create_table(
        "journal_position",
        _column("worker", sa.Uuid),
        _column("segment", sa.Integer),
        _column("offset", sa.BigInteger),
        _now("updated"),
        sa.PrimaryKeyConstraint("worker", name="journal_position_pkey"),
    )
    op.create_table(
        "set_aside",
        _column("worker", sa.Uuid),
        _column("segment", sa.Integer),
        _column("offset", sa.BigInteger),
        *_text("reason"),
        _column("payload", sa.LargeBinary),
        _now("created"),
        sa.PrimaryKeyConstraint("worker", "segment", "offset", name="set_aside_pkey"),
    )


def _packs() -> None:
    op.create_table(
        "pack",
        *_text("digest", "name", "version"),
        _column("built", sa.LargeBinary),
        _now("created"),
        sa.PrimaryKeyConstraint("digest", name="pack_pkey"),
    )
    op.create_table(
        "pack_activation",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        *_text("name"),
        sa.Column("digest", sa.Text, sa.ForeignKey("pack.digest", name="pack_activation_digest_fkey"), nullable=True),
        _column("active_from", _TIME),
        *_text("activated_by"),
        _now("created"),
        sa.PrimaryKeyConstraint("id", name="pack_activation_pkey"),
    )
    op.create_index("pack_activation_name_active_from_idx", "pack_activation", ["name", "active_from"])


def downgrade() -> None:
    for table in (
        "pack_activation", "pack", "set_aside", "journal_position", "upstream_comparison", "disposition",
        "not_checked", "finding", "verdict",
    ):  # fmt: skip
        op.drop_table(table)
