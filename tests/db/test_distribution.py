"""The tables obey the rules of a distribution by hospital (Citus): the hospital in every key and every join."""

import ast
import re
from pathlib import Path

import pytest
from sqlalchemy import UniqueConstraint

import service.db
from service.db.tables import PARTITIONED, metadata

REFERENCE = {"journal_position", "set_aside", "pack", "pack_activation", "retired", "rulebook"}
"""About the service and its rules, not about a hospital: small, and copied to every node."""
DISTRIBUTED = sorted(metadata.tables.keys() - REFERENCE)
BY_ID = {"verdicts.py", "evidence.py"}
"""May look for an id alone: it proves itself, and whoever presents it need not say whose it is (decision 0004)."""

MODULES = sorted(Path(service.db.__path__[0]).glob("*.py"))
NAMED = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?(\w+)", re.IGNORECASE)
JOINED = re.compile(r"\bJOIN\s+(\w+)(?:\s+(?:AS\s+)?\w+)?\s+(ON|USING)\b(.*?)(?=\bJOIN\b|\bWHERE\b|$)", re.I | re.S)


def statements(path):
    """Yield every text of a module that is SQL, whatever is put into it left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else " x " for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.match(r"\s*(WITH|SELECT|UPDATE|DELETE|INSERT|DECLARE)\b", text):
            yield text


@pytest.mark.parametrize("name", DISTRIBUTED)
def test_the_hospital_is_in_every_key(name):
    """First in the primary key, in every other unique key, and no foreign key crosses hospitals."""
    table = metadata.tables[name]
    keys = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]

    assert "hospital" == next(iter(table.primary_key.columns)).name
    assert all("hospital" in key.columns for key in keys)
    assert all("hospital" in index.columns for index in table.indexes if index.unique)
    assert not table.foreign_keys


@pytest.mark.parametrize("name", sorted(set(PARTITIONED) & set(DISTRIBUTED)))
def test_partitions_are_by_day(name):
    """Distributed by hospital and partitioned by month: both stand first."""
    assert ["hospital", "day"] == [column.name for column in metadata.tables[name].columns][:2]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_statements_name_the_hospital(path):
    """A statement about rows of a hospital says whose: else it would go to every node."""
    wrong = [
        text
        for text in statements(path)
        if {name.lower() for name in NAMED.findall(text)} & set(DISTRIBUTED) and "hospital" not in text
    ]

    assert path.name in BY_ID or wrong == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_joins_are_of_one_hospital(path):
    """Rows are joined with rows of the same hospital."""
    wrong = [
        (table, condition)
        for text in statements(path)
        for table, _, condition in JOINED.findall(text)
        if table.lower() in DISTRIBUTED and "hospital" not in condition
    ]

    assert wrong == []


def test_the_page_distributes_every_table():
    """The statements in docs/scale.md name every table once, each as what it is."""
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL)
    spread, _, copied = commands.partition("create_reference_table")
    spread = re.sub(r"colocate_with => '\w+'", "", spread)
    names = re.compile(r"'(?!hospital')(\w+)'")

    assert DISTRIBUTED == sorted(names.findall(spread))
    assert sorted(REFERENCE) == sorted(names.findall(copied))
