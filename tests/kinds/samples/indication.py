"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [{"dx": "K20*|K21*", "dx_text": "胃食管反流病"}]
