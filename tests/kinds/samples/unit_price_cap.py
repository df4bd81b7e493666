"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"max_price": "100"},
    {"max_price": "", "max_price_1": "80", "max_price_2": "90", "max_price_3": "100"},
    {"max_price": "100", "max_price_1": "80", "unit": "小时"},
]
