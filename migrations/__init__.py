"""The database's history (Alembic). Run by ``service.db.migrate.upgrade``."""
