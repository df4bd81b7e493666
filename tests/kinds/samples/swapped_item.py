"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"shown_ops": "50.92*", "shown_name": "人工肝治疗", "proper_ops": "99.71*"},
    {"shown_ops": "", "shown_items": "B01", "proper_ops": "", "proper_items": "C01", "window": "day"},
    {"proper_ops": ""},
    {"shown_ops": "", "shown_items": "B01", "proper_ops": ""},
    {"shown_items": "B01"},
]
