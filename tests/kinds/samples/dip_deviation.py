"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "certainty": "suspicious", "level": "warn", "side": "high"},
    {"items": "", "certainty": "notice", "level": "info", "side": "high", "margin": "0.2"},
    {"items": "", "certainty": "suspicious", "level": "warn", "side": "low", "doctor_level": "silent"},
    {"items": "", "certainty": "suspicious", "level": "warn", "side": "low", "scenes": "8"},
]
