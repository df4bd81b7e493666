"""Rows of the kind: an ordinary one, and one for each branch that a column opens."""

ROWS: list[dict[str, str]] = [
    {"text": "贵重药品,请核对用药指征。"},
    {"text": "重点监控药品,请填写用药理由", "once": "true"},
]
