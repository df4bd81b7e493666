"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [{"max": "1", "unit": "次"}, {"max": "24", "unit": "小时"}, {"max": "1", "unit": "日"}]
