"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "only_items": "001102000010000|0021*|0025*", "oral_drugs": "true", "max_days": "3", "max_age": "69y"},
    {"items": "", "only_items": "001102000010000", "oral_drugs": "", "max_days": "", "except_dx": "F*"},
    {
        "items": "",
        "only_items": "",
        "oral_drugs": "",
        "max_days": "",
        "minor_dx": "J06*",
        "min_age": "14y",
        "max_age": "60y",
    },
    {"items": "", "only_items": "", "oral_drugs": "", "max_days": "", "minor_dx": "J06*", "scenes": "3|4"},
]
