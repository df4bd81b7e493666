"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "A01|B01", "whole_name": "整项"},
    {"items": "A01|B01|C01", "min_parts": "3", "whole_items": "W01"},
    {"items": "A01|B01|C01", "window": "visit"},
]
