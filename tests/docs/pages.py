"""Pages as the tests read them: tables, fenced blocks, headings, links."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"
OWN = (README, CHINESE, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
"""Every page for people outside the packs."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(found[1], found[2]) for found in _FENCE.finditer(page.read_text(encoding="utf-8"))]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[tuple[int, str]]:
    """Return level and text of every heading, in order."""
    return [(len(found[1]), found[2]) for found in re.finditer(r"^(#+) (.+)$", prose(page), re.MULTILINE)]


def tables(page: Path) -> list[list[list[str]]]:
    """Return the tables of a page: rows of cells, the header first, the line under it left out."""
    found: list[list[list[str]]] = []
    inside = False
    for line in prose(page).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            found.append([])
            inside = True
        found[-1].append(cells(line))
    return [[row for number, row in enumerate(table) if number != 1] for table in found]


def cells(line: str) -> list[str]:
    """Return the cells of a table's line, without code marks; an escaped bar is no border."""
    parts = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [part.strip().strip("`").replace("\\|", "|") for part in parts]


def table(page: Path, *header: str) -> list[list[str]]:
    """Return the rows of the one table with this header."""
    (found,) = [rows for rows in tables(page) if rows[0] == list(header)]
    return found[1:]


def links(page: Path) -> list[str]:
    """Return where a page's links point to."""
    return _LINK.findall(prose(page))
