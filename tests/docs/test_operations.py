"""The operations page names every way of losing something."""

import ast

from service import journal, journal_files, journal_owners, recorder
from tests.docs.pages import ROOT, table


def events() -> set[str]:
    """Return the names of journal events, as the program writes them: `….add("name")` and the closed set of reasons."""
    found = set()
    for module in (journal, journal_files, journal_owners, recorder):
        with open(module.__file__, encoding="utf-8") as file:
            source = ast.parse(file.read())
        for node in ast.walk(source):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.startswith("not_recorded_")
            ):
                found.add(node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add":
                found |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and arg.value}
    return {name for name in found if isinstance(name, str) and name.replace("_", "").isalpha()}


def test_every_journal_event_is_explained() -> None:
    """A counter that nobody can read is no counter."""
    rows = table(ROOT / "docs" / "operations.md", "event", "means", "do")
    explained = {name.strip("` ") for row in rows for name in row[0].split(",")}

    assert events() == explained
