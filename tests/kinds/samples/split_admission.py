"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "min_days": "15", "except_dx": "Z49*|Z51*"},
    {"items": "", "min_days": "1", "except_dx": "", "same_diagnosis": "false"},
    {"items": "", "min_days": "10", "scenes": "9"},
]
