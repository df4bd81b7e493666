"""Stage *manifest*: ``pack.yaml`` says what the pack is called and which values it leaves to the hospital."""

import re

from rules.compiler.diagnostics import Report
from rules.compiler.documents import Dialect, compose, key_lines, read
from rules.compiler.drafts import Described, Loaded, Manifest
from rules.compiler.loading import decode

FILE = "pack.yaml"
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,49}$")
_PARAMETER = re.compile(r"^[a-z][a-z0-9_]{0,49}$")


def describe(loaded: Loaded, report: Report) -> Described:
    """Read the manifest. Faults: not UTF-8, not YAML, unknown or missing keys, names of the wrong shape."""
    content = loaded.files.get(FILE)
    text = decode(FILE, content, report) if content is not None else None
    manifest = _read(text, report) if text is not None else None
    return Described(manifest, loaded.files)


def _read(text: str, report: Report) -> Manifest | None:
    node, faults = compose(text)
    for fault in faults:
        report.add("INVALID_YAML", FILE, fault.message, row=fault.line, help=fault.help)
    if node is None:
        if not faults:
            report.add("INVALID_MANIFEST", FILE, "the file is empty", help="it names name, version and title")
        return None
    manifest, faults = read(node, Manifest, Dialect())
    for fault in faults:
        report.add("INVALID_MANIFEST", FILE, fault.message, row=fault.line, column=fault.path, help=fault.help)
    if isinstance(manifest, Manifest):
        _check_names(manifest, key_lines(node), report)
        return manifest
    return None


def _check_names(manifest: Manifest, lines: dict[str, int], report: Report) -> None:
    if not _NAME.match(manifest.name):
        help = "lower-case letters, digits, `.`, `_` and `-`, at most 50"
        message = f"`{manifest.name}` is no pack name"
        report.add("INVALID_MANIFEST", FILE, message, row=lines["name"], column="name", help=help)
    for name in manifest.parameters:
        if not _PARAMETER.match(name):
            help = "lower-case letters, digits and `_`, at most 50, a letter first"
            column = f"parameters.{name}"
            message = f"`{name}` is no parameter name"
            report.add("INVALID_MANIFEST", FILE, message, row=lines[column], column=column, help=help)
