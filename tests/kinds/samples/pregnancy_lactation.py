"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"state": "pregnant"},
    {"state": "lactating"},
    {"state": "both"},
    {"allowed_dx": "O14*"},
]
