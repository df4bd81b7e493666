"""``docs/rules.md`` lists every kind, with its Chinese name and the first sentence of its own page.

After a new kind: ``python -m tests.docs.test_rules_page`` writes the list anew.
"""

import re
from pathlib import Path

from rules import KINDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "rules.md"
LIST = re.compile(r"<!-- kinds -->\n(.*?)<!-- end -->", re.DOTALL)


def listed() -> str:
    """Return the table: kind, Chinese name, what it judges."""
    rows = (f"| [`{name}`](rules/{name}.md) | {kind.title} | {sentence(name)} |" for name, kind in KINDS.items())
    return "\n".join(["| kind | 名称 | judges |", "|---|---|---|", *rows])


def sentence(name: str) -> str:
    """Return the first sentence of a kind's page, after its Chinese name."""
    paragraph = (DOCS / "rules" / f"{name}.md").read_text(encoding="utf-8").split("\n\n")[1]
    first = re.split(r"(?<=[.。])\s", " ".join(paragraph.split()))[0]
    return first.partition(": ")[2] or first


def rewritten(page: str) -> str:
    return LIST.sub(lambda _: f"<!-- kinds -->\n{listed()}\n<!-- end -->", page)


def test_the_list_is_that_of_the_kinds() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == rewritten(page), "run: python -m tests.docs.test_rules_page"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
