"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"max_single": "1000", "unit": "mg"},
    {"max_single": "", "max_daily": "4000"},
    {"max_single": "2000", "max_daily": "1000"},
    {"max_single": "", "min_single": "250"},
    {"max_single": "15", "per_kg": "true", "max_age": "12y"},
    {"max_single": "15", "min_age": "3y", "max_age": "12y", "routes": "oral|rectal"},
]
