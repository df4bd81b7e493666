"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"tolerance": "0.01"},
    {"tolerance": "0", "discounts": "false", "complete": "true"},
    {"check_total": "true"},
]
