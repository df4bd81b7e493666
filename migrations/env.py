"""Runs migrations on the connection that ``service.db.migrate`` hands over."""

from alembic import context

from service.db.migrate import is_ours
from service.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, include_name=is_ours)
with context.begin_transaction():
    context.run_migrations()
