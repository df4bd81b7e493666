"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [{"insurance": "maternity"}, {"insurance": "work_injury"}, {"insurance": "310|340"}]
