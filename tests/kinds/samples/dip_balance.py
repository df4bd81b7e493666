"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "certainty": "suspicious", "level": "warn", "approaching": "0.9", "exceeding": "1"},
    {"items": "", "certainty": "notice", "level": "info", "approaching": "", "exceeding": "1.1"},
    {"items": "", "certainty": "notice", "level": "info", "approaching": "0.8", "exceeding": "1", "scenes": "4"},
]
