"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"allow": "inpatient"},
    {"allow": "emergency|inpatient"},
    {"allow": "outpatient"},
    {"allow": "outpatient|inpatient"},
    {"allow": "", "deny": "internet"},
    {"allow": "", "deny": "internet", "always_sent": "false"},
    {"allow": "", "deny": "inpatient"},
    {"allow": "", "deny": "emergency|pharmacy"},
    {"allow": "", "deny": "outpatient|inpatient"},
]
