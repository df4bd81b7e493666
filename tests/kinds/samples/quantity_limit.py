"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"max": "5", "unit": "盒", "window": "days:30"},
    {"window": "line"},
    {"window": "prescription"},
    {"window": "day"},
    {"window": "month"},
    {"window": "year"},
    {"window": "visit"},
    {"window": "lifetime", "per_side": "true"},
    {"window": "first:365", "per_side": "true"},
    {"window": "visit", "per_ops": "36.06*|36.07*"},
    {"window": "month", "disease": "M01600"},
    {"window": "year", "dx": "E11*", "content": "瓶=10"},
]
