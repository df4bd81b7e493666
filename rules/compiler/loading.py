"""Stage *load*: the files of a pack. The only module of the rules that opens a file.

In: a folder, or files by name. Out: names relative to the folder, with their bytes. Hidden files are left out.
"""

from collections.abc import Mapping
from pathlib import Path

from rules.compiler.diagnostics import Report, did_you_mean
from rules.compiler.drafts import Loaded, Source

REQUIRED = ("pack.yaml", "citations.csv")


def load(source: Source, report: Report) -> Loaded:
    """Read every file. Faults: a required file is missing; a file has no place in a pack."""
    files = read_files(source)
    for name in REQUIRED:
        if name not in files:
            strays = [file for file in files if not has_place(file) or file.endswith(".csv")]
            near = did_you_mean(name, strays) if strays else ""
            help = near if near.startswith("did") else f"a pack has {' and '.join(REQUIRED)}"
            report.add("MISSING_FILE", name, f"the pack has no `{name}`", help=help)
    for name in files:
        if not has_place(name):
            help = "a pack holds pack.yaml, *.csv tables, cases/*.yaml and *.md pages"
            report.add("UNKNOWN_FILE", name, f"`{name}` is not read", help=help)
    return Loaded({name: files[name] for name in sorted(files)})


def has_place(name: str) -> bool:
    """Say whether a file of this name means something in a pack."""
    if name.startswith("cases/"):
        return name.count("/") == 1 and name.endswith((".yaml", ".md"))
    return "/" not in name and (name == "pack.yaml" or name.endswith((".csv", ".md")))


def read_files(source: Source) -> Mapping[str, bytes]:
    """Return the files of a folder by their names in it; what is given as files is returned as it is."""
    if not isinstance(source, Path):
        return source
    paths = ((path.relative_to(source), path) for path in source.rglob("*") if path.is_file())
    return {
        name.as_posix(): path.read_bytes()
        for name, path in paths
        if not any(part.startswith(".") for part in name.parts)
    }


def decode(file: str, content: bytes, report: Report) -> str | None:
    """Return a file's text without its byte-order mark; ``None`` after a fault: not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        row = content.count(b"\n", 0, fault.start) + 1
        help = "save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
        report.add("NOT_UTF8", file, f"byte `0x{content[fault.start]:02x}` is not UTF-8", row=row, help=help)
        return None
