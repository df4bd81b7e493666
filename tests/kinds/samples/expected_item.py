"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "dx": "E10*|E11*", "expect_items": "XA10*|002503020010000", "expect_name": "降糖药或血糖测定"},
    {"items": "", "dx": "", "ops": "51.2*", "expect_items": "003310070010000", "expect_name": "胆囊切除术"},
]
