"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [{"sex": "female"}, {"sex": "male"}]
