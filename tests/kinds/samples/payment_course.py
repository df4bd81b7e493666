"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [{"max_days": "14"}, {"span": "episode"}]
