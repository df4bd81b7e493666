"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "X*|Z*", "max": "5"},
    {"items": "X*|Z*", "max": "3", "per": "day", "except_items": "XB05*"},
]
