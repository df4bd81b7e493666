"""Looking after the database: backup, restore, retention."""
