"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"sub": "B01", "sub_name": "从项", "window": "day"},
    {"window": "visit"},
    {"window": "six_hours"},
    {"window": "hour"},
]
