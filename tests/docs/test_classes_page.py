"""``docs/rules-classes.md``: none of the 88 national classes and no rule of the checklist is missing.

Each is served by kinds with rows in a pack, or listed with the data it would need. After a change of rows:
``python -m tests.docs.test_classes_page`` counts them anew.
"""

import csv
import json
import re
from collections import Counter
from functools import cache

import pytest

from rules import KINDS
from tests.docs.pages import ROOT, tables

PAGE = ROOT / "docs" / "rules-classes.md"
CATALOGUE = ROOT.parent / "shared" / "data" / "audit-rules" / "liangku" / "rule_catalog_2025_88.json"
CHECKLIST = [
    *(f"B{number}" for number in range(1, 11)),
    "C10",
    "C11",
    *(f"E{number}" for number in range(3, 12)),
    *(f"H{number}" for number in range(14, 30)),
    *(f"I{number}" for number in range(3, 13)),
    "J8",
    "K32",
    "K40",
    "K41",
    "K44",
    "L17",
    "P36",
]
PACKS = ("national-2026", "hospital-example")
NONE = "–"

CLASSES, TERMS = (rows[1:] for rows in tables(PAGE))


def words(cell: str) -> set[str]:
    """Return the words of a cell that may be kinds."""
    return set(re.findall(r"[a-z_]+", cell))


def plain(text: str) -> str:
    """Return a class name without regard to the width of its brackets."""
    return text.replace("（", "(").replace("）", ")")


@cache
def counted(pack: str) -> dict[str, Counter[str]]:
    """Return class to the number of rows of each status in a pack."""
    found: dict[str, Counter[str]] = {}
    for path in sorted((ROOT / "rules" / "packs" / pack).glob("*.csv")):
        if path.stem in KINDS:
            with path.open(encoding="utf-8", newline="") as rows:
                for row in csv.DictReader(rows):
                    found.setdefault(plain(row["title"]), Counter())[row.get("status") or "active"] += 1
    return found


def in_words(pack: str, title: str) -> str:
    """Return ``9 active, 2 incomplete``."""
    found = counted(pack).get(plain(title), Counter())
    return ", ".join(f"{found[status]} {status}" for status in ("active", "incomplete") if found[status]) or NONE


def rewritten(page: str) -> str:
    """Return the page with every count anew."""
    row = re.compile(r"^(\| \d+ \| [^|]+ \| ([^|]+) \| [^|]+ \|) [^|]+ \| [^|]+ \|", re.MULTILINE)
    return row.sub(lambda found: f"{found[1]} {' | '.join(in_words(pack, found[2]) for pack in PACKS)} |", page)


def test_every_class_is_there() -> None:
    """All 88, in order."""
    assert [str(number) for number in range(1, 89)] == [row[0] for row in CLASSES]


def test_names_and_codes_are_the_catalogues() -> None:
    """As the 2025 edition names them."""
    if not CATALOGUE.exists():
        pytest.skip("the published catalogue is not beside the project")
    rules = json.loads(CATALOGUE.read_text(encoding="utf-8"))["rules"]

    assert [(rule["gz_code_1_0"] or NONE, rule["name"]) for rule in rules] == [(row[1], row[2]) for row in CLASSES]


def test_every_kind_named_is_there() -> None:
    """Nothing is promised that does not exist, and every kind but ``custom`` serves something."""
    named = {kind for row in CLASSES for kind in words(row[3])}
    listed = named | {kind for row in TERMS for kind in words(row[2])}

    assert {"indicator"} == named - set(KINDS)
    assert {"custom"} == set(KINDS) - listed


def test_what_has_no_active_row_says_what_it_needs() -> None:
    """Served by rows that may speak, or listed with the data it would need."""
    assert [] == [row[2] for row in CLASSES if "active" not in row[4] and row[6] == NONE]


def test_rows_stand_under_a_kind_the_class_names() -> None:
    """A row's class and its table agree with this page."""
    kinds = {plain(row[2]): words(row[3]) for row in CLASSES}
    strays = set()
    for pack in PACKS:
        for path in sorted((ROOT / "rules" / "packs" / pack).glob("*.csv")):
            if path.stem in KINDS:
                with path.open(encoding="utf-8", newline="") as rows:
                    titles = {plain(row["title"]) for row in csv.DictReader(rows)}
                strays |= {(title, path.stem) for title in titles if path.stem not in kinds.get(title, {path.stem})}

    assert set() == strays


def test_the_counts_are_the_packs() -> None:
    """Counted, not remembered."""
    page = PAGE.read_text(encoding="utf-8")

    assert page == rewritten(page), "run: python -m tests.docs.test_classes_page"


def test_every_rule_of_the_checklist_is_there() -> None:
    """Prompts (B, C), result lists (E), rule types (H), chronic disease (I), DIP, non-insurance physicians (K44)."""
    assert CHECKLIST == [row[0] for row in TERMS]
    assert [] == [row[0] for row in TERMS if not row[2]]


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
