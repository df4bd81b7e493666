"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"max_amount": "500", "window": "day"},
    {"window": "line"},
    {"window": "unit"},
    {"window": "prescription"},
    {"window": "month"},
    {"window": "year"},
    {"window": "visit"},
]
