"""Short enough to read, and every kind in its three places."""

import re

import pytest

from rules import KINDS
from rules.kinds._contract import Row
from tests.architecture.trees import ROOT, functions, modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
CODE = modules("rules") | modules("service")
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def page_of(name):
    """Return a kind's page."""
    return (ROOT / "docs" / "rules" / f"{name}.md").read_text(encoding="utf-8")


def test_no_module_is_too_long():
    """A module is read in one sitting."""
    sizes = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in CODE.items()}

    assert {} == {name: size for name, size in sizes.items() if size > LONGEST_MODULE}


def test_no_function_is_too_long():
    """A function is read without scrolling."""
    sizes = {f"{name}.{function}": size for name, path in CODE.items() for function, size in functions(path)}

    assert {} == {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION}


def test_every_kind_has_its_test_sample_and_page():
    """One place to add a kind: these are the places that must not be forgotten, and none is left over."""
    files = {path.stem for path in (ROOT / "rules" / "kinds").glob("[a-z]*.py")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "kinds").glob("test_*.py")}
    samples = {path.stem for path in (ROOT / "tests" / "kinds" / "samples").glob("[a-z]*.py")}
    pages = {path.stem for path in (ROOT / "docs" / "rules").glob("*.md")}
    listed = re.findall(r"^\| \[`([a-z_]+)`\]\(rules/\1\.md\) \|", PAGE, flags=re.MULTILINE)

    assert sorted(KINDS) == sorted(files)
    assert sorted(KINDS) == sorted(tests - {"every_kind"})
    assert sorted(KINDS) == sorted(samples)
    assert sorted(KINDS) == sorted(pages)
    assert sorted(KINDS) == listed


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_page_names_every_column(name):
    """Columns of the table, scopes, and an example message."""
    text = page_of(name)
    own = set(KINDS[name].row.model_fields) - set(Row.model_fields)

    assert [] == [column for column in sorted(own) if f"`{column}`" not in text]
    assert [] == [scope for scope in KINDS[name].scopes if f"`{scope}`" not in text]
    for label in ("Finding:", "Columns:", "Reads:", "Message:", "Pitfalls:"):
        assert f"* {label}" in text


def test_the_page_names_every_shared_column():
    """What all tables share is said once."""
    shared = PAGE.split("## What all kinds share")[1].split("\n## ")[0]

    assert [] == [column for column in Row.model_fields if f"`{column}`" not in shared]
