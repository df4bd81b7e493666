"""The two READMEs are one document in two languages."""

import pytest

from tests.docs.pages import CHINESE, README, blocks, headings, links, tables


def test_headings() -> None:
    """As many headings, of the same levels, in the same order."""
    assert [level for level, _ in headings(README)] == [level for level, _ in headings(CHINESE)]


def test_blocks() -> None:
    """The same code, letter by letter."""
    assert blocks(README) == blocks(CHINESE)


def test_tables() -> None:
    """The same tables, row for row and cell for cell."""
    shape = [[[len(row) for row in table] for table in tables(page)] for page in (README, CHINESE)]

    assert shape[0] == shape[1]


def test_links() -> None:
    """The same pages are linked, but for the way to the other language."""
    english, chinese = ([link for link in links(page) if "README" not in link] for page in (README, CHINESE))

    assert sorted(english) == sorted(chinese)


@pytest.mark.parametrize(("page", "other"), [(README, CHINESE), (CHINESE, README)], ids=["english", "chinese"])
def test_each_names_the_other(page, other) -> None:
    """A reader finds the other language in the first lines."""
    assert other.name == links(page)[0]
