"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"max_days": "7", "when": "outpatient"},
    {"max_days": "3", "when": "emergency|outpatient"},
    {"max_days": "1", "when": "inpatient"},
    {"max_days": "14", "when": "discharge"},
    {"when": "any"},
    {"relax_dx": "C*|G89*", "relax_days": "15"},
    {"relax_dx": "I10*", "relax_days": "30", "extends_for_chronic": "84", "except_items": "XJ01*"},
]
