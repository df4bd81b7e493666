"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "A01|B01|C01", "group": "肝胆手术组", "rate": "0.5"},
    {"items": "A01|B01", "rate": "0.75"},
]
