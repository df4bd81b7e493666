"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"max_age": "12y", "min_age": "3y"},
    {"max_age": "28d", "min_age": ""},
    {"max_age": "", "min_age": "16y"},
    {"max_age": "11y", "min_age": "", "silent_until": "12y"},
]
