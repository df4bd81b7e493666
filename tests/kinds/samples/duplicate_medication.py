"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "XA02BC*"},
    {"items": "XB01AC*", "max_drugs": "2"},
    {"items": "XC09A*|XC09C*", "count": "classes"},
    {"items": "XA10BA*", "same_drug": "true"},
    {"items": "H0001|H0002", "except_dx": "I60*"},
    {"items": "XA02BC*", "history_days": "30"},
]
