"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "*"},
    {"items": "*", "days_before": "1", "days_after": "1", "always_sent": "false"},
]
