"""The page of capabilities: complete, and every proof it names is there."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, tables

PAGE = ROOT / "docs" / "mission.md"
CHECKLIST = ROOT.parent / "shared" / "facts" / "mission.md"
NOT_YET = "not yet"
_ROW = re.compile(r"^\| ([A-Z]\d+) \| (.*?) \| .* \| (?:core|DIP|supporting) \|$", re.MULTILINE)

ROWS = [row for rows in tables(PAGE) for row in rows[1:]]


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the tests of a file as pytest names them: ``function`` or ``Class::method``."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{item.name}"
                for item in node.body
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def exists(proof: str) -> bool:
    """Say whether a proof names a test that is there."""
    file, _, name = proof.partition("::")
    return name.rpartition("::")[2].startswith("test") and (ROOT / file).is_file() and name in names_in(ROOT / file)


def test_every_proof_exists() -> None:
    """A capability that works names a test, by file and name, that is there."""
    assert [] == [row[0] for row in ROWS if row[2] != NOT_YET and not exists(row[3])]


def test_what_is_not_there_has_no_proof() -> None:
    """*Not yet* stands alone."""
    assert [] == [row[0] for row in ROWS if (row[2] == NOT_YET) != (row[3] == "–")]


def test_a_missing_proof_is_seen() -> None:
    """The search above is no yes-man."""
    here = "tests/docs/test_mission.py"

    assert exists(f"{here}::test_a_missing_proof_is_seen")
    assert not exists(f"{here}::test_that_nobody_wrote")
    assert not exists(f"{here}::exists")
    assert not exists("tests/docs/test_nothing.py::test_x")


def test_each_id_stands_once() -> None:
    """One capability, one row."""
    assert [] == [name for name, times in Counter(row[0] for row in ROWS).items() if times > 1]


def test_the_totals_are_counted() -> None:
    """The sentence with the numbers is true."""
    partly = sum(row[2].startswith("partly") for row in ROWS)
    missing = sum(row[2] == NOT_YET for row in ROWS)
    sentence = f"Of {len(ROWS)}: {len(ROWS) - partly - missing} work, {partly} partly, {missing} not yet."

    assert sentence in PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(not CHECKLIST.exists(), reason="the checklist is not beside the repository")
def test_every_capability_of_the_checklist_is_listed() -> None:
    """Each id of scope core, DIP and supporting, with its term; nothing else."""
    listed = dict(_ROW.findall(CHECKLIST.read_text(encoding="utf-8")))

    assert len(listed) > 400
    assert listed == {row[0]: row[1] for row in ROWS}
