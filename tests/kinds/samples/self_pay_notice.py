"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"min_ratio": "0.3"},
    {"min_ratio": "0.2", "ratio": "0.2", "insurances": "390|391", "always_sent": "false"},
]
