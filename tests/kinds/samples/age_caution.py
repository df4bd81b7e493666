"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"from_age": "65y", "caution": "说明书老年慎用"},
    {"from_age": "", "to_age": "17y"},
    {"from_age": "1y", "to_age": "6y"},
    {"from_age": "", "to_age": "28d"},
]
