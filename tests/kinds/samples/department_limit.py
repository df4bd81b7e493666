"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"allow": "心血管内科"},
    {"allow": "眼科|口腔科"},
    {"allow": "", "deny": "体检科|急诊科"},
    {"allow": "康复医学科", "executing": "true"},
    {"allow": "", "deny": "体检科", "executing": "true"},
]
