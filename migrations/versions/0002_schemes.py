"""DIP schemes are kept and activated as packs are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("pack", "pack_activation")


def upgrade() -> None:
    for table in TABLES:
        # What is there already is a pack; new rows say what they are.
        op.add_column(table, sa.Column("kind", sa.Text, nullable=False, server_default="pack"))
        op.alter_column(table, "kind", server_default=None)


def downgrade() -> None:
    op.execute("DELETE FROM pack_activation WHERE kind <> 'pack'")
    op.execute("DELETE FROM pack WHERE kind <> 'pack'")
    for table in TABLES:
        op.drop_column(table, "kind")
