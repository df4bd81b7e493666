"""What holds for every page, and for every text file of the project."""

import re
import subprocess
from pathlib import Path

import pytest

from service.sites import Sites
from tests.docs.pages import OWN, ROOT, blocks, headings, links

# Put together from parts, so that this file does not hold what it forbids.
MACHINE = re.compile(
    "|".join(rf"(?<![\w.~-])/{name}\b" for name in ("work/", "root/", "opt/wh" + "eels", "opt/py" + "pi"))
)
HOSTS = re.compile("|".join(re.escape(name) for name in ("pypi" + ".org", "python" + "hosted.org", "/simp" + "le/")))
PLACES = re.compile(r"^--(?:index-url|extra-index-url|find-links|trusted-host)\b", re.MULTILINE)


def ours() -> list[Path]:
    """Return every file that is, or would be, tracked and is text."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a working copy of the repository")
    return [path for name in listed if name and (path := ROOT / name).is_file() and is_text(path)]


def is_text(path: Path) -> bool:
    """Say whether a file is text."""
    with path.open("rb") as file:
        return b"\0" not in file.read(8_192)


def found(path: Path, pattern: re.Pattern[str]) -> list[str]:
    """Return where a file holds what it must not: name, line and match."""
    text = path.read_text(encoding="utf-8", errors="replace")
    name = path.relative_to(ROOT)
    return [f"{name}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]}" for hit in pattern.finditer(text)]


@pytest.mark.parametrize("pattern", [MACHINE, HOSTS], ids=["machine-paths", "registry-hosts"])
def test_no_trace_of_a_machine(pattern: re.Pattern[str]) -> None:
    """No path of a developer's machine and no registry's name is in any file."""
    assert [] == [place for path in ours() for place in found(path, pattern)]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_name_no_place(name: str) -> None:
    """Where packages come from is the installing machine's business."""
    assert [] == found(ROOT / name, PLACES)


@pytest.mark.parametrize("page", OWN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page: Path) -> None:
    """Every link to a file leads to a file, and every anchor to a heading."""
    broken = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert [] == broken


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as hosts of repositories make them."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for _, text in headings(page)}


def test_every_decision_is_listed() -> None:
    """The list of decisions has each page, with its own sentence, and no other."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))

    assert pages == links(folder / "README.md")
    for name in pages:
        text = (folder / name).read_text(encoding="utf-8")
        parts = re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Cost accepted", "Alternatives"], name
        (sentence,) = re.findall(r"^\*\*Decision\.\*\* (.+?)\n\n", text, re.MULTILINE | re.DOTALL)
        assert sentence.replace("\n", " ") in (folder / "README.md").read_text(encoding="utf-8"), name


def test_the_sites_example_is_read(tmp_path: Path) -> None:
    """The profile on the operations page is one that the service takes."""
    (example,) = [block.text for block in blocks(ROOT / "docs" / "operations.md") if block.language == "yaml"]
    file = tmp_path / "sites.yaml"
    file.write_text(example, encoding="utf-8")

    assert 3 == Sites.from_file(file).of("H33019900001").level
    assert 2 == Sites.from_file(file).of("H00000000000").level
