"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [{"days": "15", "max": "1"}, {"days": "90", "max": "2"}]
