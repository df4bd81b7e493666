"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"first_items": "XA10BA*", "first_name": "二甲双胍", "limit_text": "限二甲双胍控制不佳者", "days": "180"},
    {"first_dx": "Z88*"},
    {"first_items": "XL02BBA100A001*|XL02*"},
]
