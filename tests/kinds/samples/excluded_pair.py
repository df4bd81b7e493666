"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"other_items": "B01", "other_name": "另一项", "window": "day"},
    {"window": "visit"},
    {"window": "prescription"},
    {"window": "overlap"},
    {"window": "same_infusion"},
]
