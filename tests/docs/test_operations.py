"""The operations page names every way of losing something."""

from typing import get_args

from service.journal_files import Event
from tests.docs.pages import ROOT, table


def events() -> set[str]:
    """Return the closed set of journal events: the type checker lets nobody count another."""
    return set(get_args(Event))


def test_every_journal_event_is_explained() -> None:
    """A counter that nobody can read is no counter."""
    rows = table(ROOT / "docs" / "operations.md", "event", "means", "do")
    explained = {name.strip("` ") for row in rows for name in row[0].split(",")}

    assert events() == explained
