"""Two versions run side by side on one schema, so that an upgrade interrupts nothing (N30)."""

import ast
from pathlib import Path

import pytest

import migrations
from service.db.migrate import upgrade
from tests.postgres import execute, value

VERSIONS = sorted((Path(migrations.__path__[0]) / "versions").glob("0*.py"))
ADDING = {"create_table", "create_index", "add_column", "execute"}
"""What a migration may do; `execute` is looked at by itself."""
BEFORE_USE = {"0001_record", "0002_schemes"}
"""Written before anybody ran two versions."""

OLD = {
    "verdict": (
        "INSERT INTO verdict (hospital, day, id, received, dialect, mode, visit, patient, state, amount, elapsed_us,"
        " engine, rulebook, overlay, content_digest, input, verdict) VALUES ('H1', '2026-03-18',"
        " '00000000-0000-8000-8000-000000000001', now(), 'native', 'check', 'v', 'p', 'clear', 0, 1, '3', 'r', '', 'c',"
        " '{}', '{}')"
    ),
    "finding": (
        "INSERT INTO finding (hospital, day, verdict_id, number, rule, kind, code, certainty, level, scope, title,"
        " item, amount, lines, message) VALUES ('H1', '2026-03-18', '00000000-0000-8000-8000-000000000001', 1, 'r',"
        " 'k', 'c', 'violation', 'warn', 'payment', 't', 'i', 0, '{0}', 'm')"
    ),
    "disposition": (
        "INSERT INTO disposition (hospital, day, finding_id, action, reason_digest, verdict_id, number, reason,"
        " explained, received, dialect) VALUES ('H1', '2026-03-18', 'f', 'continued', '', "
        " '00000000-0000-8000-8000-000000000001', 1, 'because', true, now(), 'native')"
    ),
}
"""How the version before writes: it knows nothing of what has been added since."""
PARTITION = "CREATE TABLE {0}_2026_03 PARTITION OF {0} FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"


def changes(path):
    """Return (operation, call) for whatever a migration's way up does."""
    source = ast.parse(path.read_text(encoding="utf-8"))
    down = next(node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == "downgrade")
    inside_down = set(ast.walk(down))
    return [
        (node.func.attr, node)
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "op"
        and node not in inside_down
    ]


@pytest.mark.parametrize("path", [one for one in VERSIONS if one.stem not in BEFORE_USE], ids=lambda path: path.stem)
def test_migrations_only_add(path):
    """Nothing is dropped, renamed or made stricter while a service of the version before still writes."""
    found = changes(path)
    added = [ast.unparse(call) for name, call in found if name == "add_column"]

    assert {name for name, _ in found} <= ADDING
    assert all("nullable=True" in call or "server_default" in call for call in added)


@pytest.mark.db
def test_the_version_before_goes_on_writing(postgres_server):
    """Rows that know nothing of the new columns are taken after the migration as before it."""
    url = postgres_server.new_database()
    upgrade(url, "0002")
    execute(url, *(PARTITION.format(table) for table in OLD), "SELECT 1")
    upgrade(url)
    execute(url, *OLD.values(), "SELECT 1")

    assert [1, 1, 1] == [value(url, f"SELECT count(*) FROM {table}") for table in OLD]
    postgres_server.drop(url)


@pytest.mark.db
def test_tables_of_a_newer_version_are_left_alone(postgres_server):
    """A service that is started again in its old version works on the new tables instead of refusing to start."""
    url = postgres_server.migrated_database()
    execute(url, "UPDATE alembic_version SET version_num = '9999'", "SELECT 1")
    upgrade(url)

    assert "9999" == value(url, "SELECT version_num FROM alembic_version")
    postgres_server.drop(url)
