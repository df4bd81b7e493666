"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"with_items": "990000000000001", "with_name": "配套项目", "window": "day"},
    {"window": "visit"},
    {"window": "prescription"},
    {"window": "days:3"},
    {"with_items": "", "with_ops": "36.06*", "window": "visit"},
    {"with_items": "", "with_ops": "36.06*", "window": "days:1"},
    {"with_ops": "36.06*", "window": "day"},
]
