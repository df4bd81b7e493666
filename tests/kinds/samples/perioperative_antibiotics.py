"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

CLEAN = {"ops": "53.0*|53.1*", "infection_dx": "J15*|T81.4*"}

ROWS: list[dict[str, str]] = [
    CLEAN | {"max_hours_after": "24", "window_before_hours": "2"},
    CLEAN | {"max_hours_after": "48", "window_before_hours": ""},
    CLEAN | {"max_hours_after": "", "window_before_hours": "2"},
    CLEAN | {"max_hours_after": "", "window_before_hours": "", "indicated": "false", "risk_dx": "E11*"},
]
