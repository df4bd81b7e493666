"""PostgreSQL: tables, migrations, the writes of the recorder, and the reads of routes. Sees no schema of the API."""
