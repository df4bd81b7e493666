"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "T*", "measure": "kinds", "max": "3"},
    {"items": "T*", "measure": "doses", "max": "14"},
    {"items": "T001800847|T001800569", "measure": "piece_grams", "max": "6"},
    {"items": "T*", "measure": "dose_grams", "max": "300"},
]
