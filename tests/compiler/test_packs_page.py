"""``docs/packs.md`` cannot drift: its codes and column tables are those of the program.

After a change of columns: ``python -m tests.compiler.test_packs_page`` writes the tables anew.
"""

import re
from pathlib import Path

from rules.compiler import CODES
from rules.compiler.columns import Column, as_markdown, citation_columns, own_columns, shared_columns, word_columns
from rules.kinds import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "packs.md"
BLOCK = re.compile(r"<!-- columns: (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)


def columns(name: str) -> tuple[Column, ...]:
    special = {"shared": shared_columns, "citations": citation_columns, "words": word_columns}
    return special[name]() if name in special else own_columns(name)


def rewritten(page: str) -> str:
    """Return the page with a section for every kind, and every table anew."""
    start = page.index("\n#### ")
    end = page.index("\n## ", start)
    page = page[:start] + "".join(section(name) for name in KINDS) + page[end:]
    return BLOCK.sub(
        lambda found: f"<!-- columns: {found[1]} -->\n{as_markdown(columns(found[1]))}\n<!-- end -->", page
    )


def section(kind: str) -> str:
    return f"\n#### {kind}\n\n[{KINDS[kind].title}](rules/{kind}.md)\n\n<!-- columns: {kind} -->\n<!-- end -->\n"


def test_codes_are_the_headings_in_order() -> None:
    """Every code has a section under *Diagnostics*, and every section a code."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Diagnostics\n")[2]

    assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == list(CODES)


def test_warnings_are_called_warnings() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## Diagnostics\n")[2]

    called = set(re.findall(r"^### (\w+)\n\nWarning\.", section, re.MULTILINE))
    assert called == {code for code, severity in CODES.items() if severity == "warning"}


def test_every_kind_has_a_section_with_its_columns() -> None:
    page = PAGE.read_text(encoding="utf-8")
    kinds = page.partition("\n### Kinds and their own columns\n")[2].partition("\n## ")[0]

    assert re.findall(r"^#### (\w+)$", kinds, re.MULTILINE) == list(KINDS)
    assert [found[1] for found in BLOCK.finditer(page)] == ["shared", *KINDS, "citations", "words"]


def test_column_tables_are_those_of_the_models() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == rewritten(page), "run: python -m tests.compiler.test_packs_page"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
