"""Each pack's README counts its rules truly.

After a change of rows: ``python -m tests.packs.test_readmes`` counts them anew.
"""

import csv
import re
from pathlib import Path

import pytest

from rules import KINDS

PACKS = sorted(path.parent for path in (Path(__file__).parents[2] / "rules" / "packs").glob("*/pack.yaml"))
BLOCK = re.compile(r"<!-- counts -->\n(.*?)<!-- end -->", re.DOTALL)


def counts(pack: Path) -> str:
    """Return the table: kind, file, rows that may speak, rows that are only listed."""
    lines, active, listed = [], 0, 0
    for name, kind in KINDS.items():
        path = pack / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8", newline="") as rows:
                found = [row.get("status") or "active" for row in csv.DictReader(rows)]
            speak = found.count("active")
            lines.append(f"| {kind.title} | `{name}.csv` | {speak} | {len(found) - speak} |")
            active, listed = active + speak, listed + len(found) - speak
    head = ["| 规则类型 | 文件 | 启用 | 未启用 |", "|---|---|---|---|"]
    return "\n".join([*head, *lines, f"| 合计 | | {active} | {listed} |"])


def rewritten(pack: Path) -> str:
    page = (pack / "README.md").read_text(encoding="utf-8")
    return BLOCK.sub(lambda _: f"<!-- counts -->\n{counts(pack)}\n<!-- end -->", page)


@pytest.mark.parametrize("pack", PACKS, ids=lambda path: path.name)
def test_the_counts_are_those_of_the_tables(pack: Path) -> None:
    page = (pack / "README.md").read_text(encoding="utf-8")

    assert "<!-- counts -->" in page
    assert page == rewritten(pack), "run: python -m tests.packs.test_readmes"


if __name__ == "__main__":
    for folder in PACKS:
        page = rewritten(folder)
        (folder / "README.md").write_text(page, encoding="utf-8")
