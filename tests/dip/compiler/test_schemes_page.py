"""``docs/schemes.md`` cannot drift: its columns, keys and codes are those of the program, and its examples run.

After a change of columns: ``python -m tests.dip.compiler.test_schemes_page`` writes the tables anew.
"""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from rules.dip.codes import TieRule
from rules.dip.compiler import CODES, LAYOUTS, SchemeCase, examine_scheme
from rules.dip.compiler.cases import Expected
from rules.dip.compiler.manifest import ELSEWHERE, Manifest
from rules.dip.model import Case
from service.scheme_files.importing.headings import HEADINGS

PAGE = Path(__file__).parents[3] / "docs" / "schemes.md"
TABLES = re.compile(r"<!-- tables -->\n(.*?)<!-- end -->", re.DOTALL)
WORDS = re.compile(r"<!-- headings -->\n(.*?)<!-- end -->", re.DOTALL)


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def section(table: str) -> str:
    layout = LAYOUTS[table]
    rows = [
        f"| `{column.name}` | {'yes' if column.needed else ''} | {column.cell} | {column.meaning} |"
        for column in layout.columns
    ]
    return "\n".join(
        [
            f"### {table}.csv",
            "",
            layout.about,
            "",
            "| column | needed | cell | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def rewritten(text: str) -> str:
    """Return the page with every table's columns, and the headings of the import, anew."""
    tables = "\n".join(section(table) for table in LAYOUTS)
    words = "\n".join(f"| `{column}` | {'、'.join(found)} |" for column, found in HEADINGS.items())
    text = TABLES.sub(lambda _: f"<!-- tables -->\n{tables}<!-- end -->", text)
    return WORDS.sub(lambda _: f"<!-- headings -->\n| column | headings |\n|---|---|\n{words}\n<!-- end -->", text)


def block(name: str) -> str:
    """Return the YAML that follows a mark."""
    found = re.search(rf"<!-- {name} -->\n```yaml\n(.*?)```", page(), re.DOTALL)
    assert found is not None
    return found[1]


def keys(struct: Any) -> set[str]:
    """Return every key of a noun and of the nouns in it that is written in ``scheme.yaml``."""
    found: set[str] = set()
    for field in msgspec.structs.fields(struct):
        if (struct, field.name) in ELSEWHERE:
            continue
        found.add(field.name)
        for inner in (field.type, *get_args(field.type)):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                found |= keys(inner)
    return found


def test_tables_are_those_of_the_layouts() -> None:
    """Columns, what is needed and what they mean; and the headings that the import knows."""
    assert page() == rewritten(page()), "run: python -m tests.dip.compiler.test_schemes_page"


def test_the_example_names_every_key() -> None:
    """Every key of ``scheme.yaml`` is shown, with its value."""
    written = set(re.findall(r"[\s{](\w+):", "\n" + block("example")))

    assert set() == keys(Manifest) - written


def test_the_example_is_a_scheme() -> None:
    """What the page shows compiles, with a catalogue and a list of its own."""
    files = {
        "scheme.yaml": block("example").encode(),
        "catalogue.csv": b"group,dx,condition\nA15-1,A15,resistant\nA15-2,A15,!resistant\n",
        "lists.csv": b"list,code\nresistant,A15.000\n",
    }

    assert () == examine_scheme(files).diagnostics


def test_the_case_is_a_case() -> None:
    """The case on the page is well formed, and the page names every key of a case."""
    files = {
        "scheme.yaml": b"name: a\nversion: 1\ntitle: a\nsteps: [{step: layer, layers: [core], prefer: [most_parts]}]\n",
        "catalogue.csv": b"group,dx\nK80.1-1,K80.1\n",
        "cases/a.yaml": block("case").encode(),
    }

    assert () == examine_scheme(files).diagnostics
    cases = page().partition("\n## Cases\n")[2].partition("\n## ")[0]
    for noun in (SchemeCase, Case, Expected):
        assert [] == [name for name in noun.__struct_fields__ if not re.search(rf"\b{name}\b", cases)]


def test_codes_are_the_headings_in_order() -> None:
    """Every code has a section under *Diagnostics*, and every section a code."""
    text = page().partition("\n## Diagnostics\n")[2]

    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == list(CODES)


def test_warnings_are_called_warnings() -> None:
    """How grave a code is stands in its first word."""
    text = page().partition("\n## Diagnostics\n")[2]

    called = set(re.findall(r"^### (\w+)\n\nWarning\.", text, re.MULTILINE))
    assert called == {code for code, severity in CODES.items() if severity == "warning"}


@pytest.mark.parametrize("rule", get_args(TieRule))
def test_tie_rules_are_named(rule: str) -> None:
    """Every tie rule stands on the page."""
    assert f"`{rule}`" in page()


@pytest.mark.parametrize("option", ["table", "sheet", "map", "keep", "skip-refused", "full", "write", "undo", "into"])
def test_options_are_named(option: str) -> None:
    """Every option of the import stands on the page."""
    assert f"`--{option}" in page()


if __name__ == "__main__":
    PAGE.write_text(rewritten(page()), encoding="utf-8")
