"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"forbid_forms": "injection"},
    {"forbid_forms": "", "max_drugs": "3"},
    {"forbid_forms": "patch|decoction_piece", "except_items": "XA10A*"},
]
