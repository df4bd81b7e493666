"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"disease": "M03900", "disease_name": "高血压", "allow_items": "XC09AAA001A001*"},
    {"disease": "M005*", "disease_name": "恶性肿瘤", "allow_items": "", "departments": "肿瘤内科|肿瘤外科"},
    {"disease": "M01600", "disease_name": "糖尿病", "departments": "内分泌科", "always_sent": "false"},
]
