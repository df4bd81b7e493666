"""Whatever a file holds, the answer is diagnostics: no cell, key or byte makes the compiler raise."""

import pytest

from rules.dip.compiler import LAYOUTS, examine_scheme
from rules.dip.compiler.layout import MANIFEST
from tests.dip.compiler.schemes import SCHEME, small

NASTY = [
    "-", "0", "-1", "1e9", "NaN", "Infinity", "1" * 40, "51.2300", "K80.1", "=", "=K", "@", "@x", "A-B", "A00-", "-Z99",
    "(", ")", "|", "+", "/", "*", "**", "!", "!x", "a" * 300, "汉字", "\u00a0", "２８ｄ", "28d", "99999y", "surgery:9",
    "surgery:", "true", "2026-13-01", "{category}", "\ud7ff", "´", "K80.1|", "51.2300+", "((((", "x" * 9, "1.", ".5",
]  # fmt: skip
YAML = [
    "", "[]", "{}", "a", "- a", "steps: 1", "steps: [1]", "steps: [{}]", "steps: [{step: layer}]", "points: []",
    "conditions: [{name: a, any: [{principal: ['@x', '=', A-B]}]}]", "comprehensive: {key_lengths: [99, -1]}",
    "comprehensive: {template: '{category', numbers: {a: b}}", "payment: {bands: [{}], assessment: [{}]}",
    "payment: {bands: [{start: -1, end: -2}]}", "auxiliary: {age_bands: [[a, 1]], icu_bands: []}", "? [a]\n: b",
    "behaviour: {low_standard: [], over_long: [[1, 2, 3]]}", "points: {deviation: {average_factors: {a: 0}}}",
    "name: &a [*a]", "valid_from: 0001-01-01", "normalisation: {not_principal: [''], excluded_match: x}",
]  # fmt: skip


PLAIN = {"group": "K1", "dx": "K80", "main_op": "51.2300", "key": "K80", "attribute": "surgery", "code": "K80.100"}


def table(name: str, column: str) -> str:
    """Return a table with two rows for every nasty cell: it alone, and it beside what is sound."""
    columns = [one.name for one in LAYOUTS[name].columns]
    lines = [",".join(columns)]
    for cell in NASTY:
        quoted = '"' + cell.replace('"', '""') + '"'
        lines.append(",".join(quoted if one == column else "" for one in columns))
        lines.append(",".join(quoted if one == column else PLAIN.get(one, "") for one in columns))
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_cell_raises(name: str) -> None:
    """Every column of every table with every nasty cell: the diagnostics say where."""
    for column in LAYOUTS[name].columns:
        found = examine_scheme(small(**{name: table(name, column.name)}))
        assert all(one.file for one in found.diagnostics)


@pytest.mark.parametrize("text", YAML)
def test_no_manifest_raises(text: str) -> None:
    """Keys of any shape, alone and after sound ones."""
    for whole in (text, SCHEME + text + "\n"):
        found = examine_scheme(small(scheme=whole))
        assert found.scheme is not None or found.diagnostics


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b",\n,", b'"', b"a\r\rb", b"\x1a"])
@pytest.mark.parametrize("file", [MANIFEST, "catalogue.csv", "cci.csv", "cases/a.yaml", "x/y.csv", "cases/b/c.yaml"])
def test_no_bytes_raise(file: str, content: bytes) -> None:
    """Files that are no text, or no table."""
    found = examine_scheme(small() | {file: content})

    assert found.scheme is not None or found.diagnostics


def test_nothing_at_all() -> None:
    """An empty folder lacks its manifest."""
    assert ["MISSING_FILE"] == [one.code for one in examine_scheme({}).diagnostics]
