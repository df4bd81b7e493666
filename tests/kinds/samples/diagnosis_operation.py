"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"items": "", "ops": "51.2*", "dx": "K80*|K81*", "dx_text": "胆囊疾病"},
    {"items": "", "dx": "", "forbid_dx": "C16*", "dx_text": "胃恶性肿瘤"},
    {"items": "", "dx": "K31.7*", "forbid_dx": "C16*", "dx_text": "胃恶性肿瘤"},
]
