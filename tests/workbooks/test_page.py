"""The page on workbooks says what the program does."""

import argparse
from pathlib import Path

from service.workbooks.classes import CLASSES
from service.workbooks.command import add_arguments

PAGE = (Path(__file__).parents[2] / "docs" / "workbooks.md").read_text(encoding="utf-8")
PER = {
    "name": "name, with all its codes",
    "code": "code",
    "pair": "pair of codes",
    "group": "group of operations",
    "class": "class",
}


def test_every_class_is_listed():
    """Title, table, what a rule is about, and how loud it is."""
    listed = PAGE.split("<!-- classes -->\n")[1].split("\n<!-- end -->")[0].splitlines()[2:]
    expected = [
        f"| {one.title} | `{one.kind}` | {PER[one.per]} | {one.grade.certainty}, {one.grade.level}"
        f"{', reason' if one.grade.reason else ''} |"
        for one in CLASSES
    ]

    assert expected == listed


def test_every_option_is_explained():
    """Nothing of the command is left out."""
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    options = [option for action in parser._actions for option in action.option_strings]

    assert [] == [option for option in options if f"`{option}" not in PAGE and f"{option} " not in PAGE]
