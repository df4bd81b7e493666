"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "certainty": "suspicious", "level": "warn"},
    {"items": "", "certainty": "suspicious", "level": "warn", "min_points_difference": "0.9"},
    {"items": "", "certainty": "suspicious", "level": "warn", "doctor_level": "info", "scenes": "8"},
]
