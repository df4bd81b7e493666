"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"dx": "K25*|K26*", "dx_text": "活动性溃疡"},
    {"dx": "K25.000|K26*", "dx_text": "活动性溃疡", "except_dx": "K26.7*"},
]
