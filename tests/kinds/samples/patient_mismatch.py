"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "dx": "C61*", "sex": "male"},
    {"items": "", "dx": "C53*", "sex": "female"},
    {"items": "", "dx": "", "ops": "60.2900", "sex": "male"},
    {"items": "", "dx": "A09.900X005", "sex": "", "max_age": "28d"},
    {"items": "", "dx": "P*", "sex": "", "max_age": "28d"},
    {"items": "", "dx": "N95*", "sex": "", "min_age": "30y"},
    {"items": "", "dx": "", "ops": "68.4*", "sex": "", "min_age": "12y", "max_age": "90y"},
]
