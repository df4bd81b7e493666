"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"min_level": "2"},
    {"alt_level": "2", "alt_specialty": "眼科", "min_level": "3"},
    {"first_prescription": "true"},
]
