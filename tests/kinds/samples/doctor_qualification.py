"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"min_title": "attending", "grant": "antibiotic_restricted"},
    {"min_title": "associate_chief", "grant": ""},
    {"min_title": "", "grant": "insurance"},
    {"min_title": "", "grant": "narcotic|antibiotic_special"},
    {"min_title": "", "grant": "", "forbid_grant": "non_insurance", "items": "*"},
]
