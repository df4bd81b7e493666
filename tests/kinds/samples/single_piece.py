"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "T001700368|T001700173|T001700294"},
    {"items": "H0001"},
]
