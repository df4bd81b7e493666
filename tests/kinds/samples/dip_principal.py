"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "certainty": "suspicious", "level": "warn"},
    {"items": "", "certainty": "notice", "level": "info", "doctor_level": "info", "scenes": "8"},
]
