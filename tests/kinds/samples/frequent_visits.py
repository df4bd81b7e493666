"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "type": "outpatient", "window": "day", "max": "3"},
    {"items": "", "type": "pharmacy", "window": "month", "max": "4", "scenes": "10"},
    {"items": "", "type": "inpatient", "window": "year", "max": "1", "except_dx": "Z49*|Z51*"},
    {"items": "", "type": "outpatient", "window": "days:7", "max": "5"},
]
