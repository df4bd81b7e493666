"""Imports run one way, and the core touches nothing of the world (architecture, section 2)."""

import ast
import sys

import pytest

import rules
from tests.architecture.trees import ROOT, imports, inside, modules, tree

RULES = modules("rules")
SERVICE = modules("service")

PURE = {
    "ast",
    "calendar",
    "bisect",
    "collections",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "functools",
    "hashlib",
    "importlib",
    "io",
    "itertools",
    "math",
    "operator",
    "pathlib",
    "re",
    "string",
    "types",
    "typing",
    "unicodedata",
    "zlib",
    "zoneinfo",
}
"""Parts of the standard library that know no clock, file, socket, environment or chance (as used here)."""
LIBRARIES = {"msgspec", "pydantic", "pydantic_core"}
MAY_READ = {"rules.compiler.loading", "rules.kinds"}
"""The only modules of the core that look at files: the pack's, and the folder of kinds."""
READING = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "rglob",
    "glob",
    "iterdir",
    "unlink",
    "mkdir",
}
WORLDLY = {"environ", "getenv", "urandom", "getLogger"}
CLOCK = {"now", "today", "utcnow", "fromtimestamp"}

FACE = {
    "rules",
    "rules.model",
    "rules.noun",
    "rules.codes",
    "rules.codings",
    "rules.pack",
    "rules.kinds",
    "rules.patterns",
}
"""What the service may use of the core, besides the compilers' public modules."""
DIP = {
    "rules.dip.auxiliary",
    "rules.dip.assess",
    "rules.dip.codes",
    "rules.dip.compiler",
    "rules.dip.directory",
    "rules.dip.grouper",
    "rules.dip.model",
    "rules.dip.moves",
    "rules.dip.normalise",
    "rules.dip.payment",
    "rules.dip.record_quality",
    "rules.dip.quality",
    "rules.dip.quality_facts",
    "rules.dip.quality_signs",
    "rules.dip.result",
    "rules.dip.settlement",
    "rules.dip.settled",
    "rules.dip.strategies",
    "rules.dip.behaviour",
    "rules.dip.measuring",
    "rules.dip.tracing",
    "rules.dip.words",
}
"""The face of DIP: one module a use."""


def offenders(named, allowed):
    """Return module -> imports that are not allowed."""
    wrong = {name: sorted(found for found in imports(path) if not allowed(found)) for name, path in named.items()}
    return {name: found for name, found in wrong.items() if found}


def test_rules_import_nothing_of_the_service():
    """The core does not know that there is a service."""
    assert {} == offenders(
        RULES, lambda found: not any(inside(found, room) for room in ("service", "migrations", "tests"))
    )


def test_rules_import_only_pure_libraries():
    """No HTTP, database, clock, logging or environment can be reached from the core; YAML only by the compiler."""

    def allowed(name):
        return lambda found: (
            inside(found, "rules")
            or found.partition(".")[0] in PURE | LIBRARIES
            or (found.partition(".")[0] == "yaml" and inside(name, "rules.compiler"))
        )

    wrong = {name: offenders({name: path}, allowed(name)) for name, path in RULES.items()}

    assert {} == {name: found for name, found in wrong.items() if found}
    assert sys.stdlib_module_names >= PURE


def touches(source):
    """Yield line and word wherever code reads a file, a clock or the environment."""
    for node in ast.walk(source):
        if isinstance(node, ast.Name) and node.id in READING | WORLDLY:
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and node.attr in READING | WORLDLY:
            yield node.lineno, node.attr
        elif isinstance(node, ast.Attribute) and node.attr in CLOCK:
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            if name in {"date", "datetime"}:
                yield node.lineno, f"{name}.{node.attr}"


def test_rules_touch_no_file_clock_or_environment():
    """Rows, clock and settings are handed in; ``open`` and its like stand in one module."""
    found = {name: list(touches(tree(path))) for name, path in RULES.items() if name not in MAY_READ}

    assert {} == {name: places for name, places in found.items() if places}


@pytest.mark.parametrize(
    "slip",
    [
        "open('x')",
        "path.read_text()",
        "datetime.now(ZONE)",
        "datetime.date.today()",
        "os.environ['X']",
        "os.getenv('X')",
    ],
)
def test_a_slip_would_be_seen(slip):
    """The walk above finds what it is for."""
    assert [1] == [line for line, _ in touches(ast.parse(slip))]


def test_the_view_may_speak_of_today():
    """The message's day is a fact handed in, not a clock."""
    assert [] == list(touches(ast.parse("view.today")))


def test_kinds_do_not_import_each_other():
    """A kind is one file: it knows the contract and the shared views, no other kind, and not the engine."""
    kinds = {name: path for name, path in RULES.items() if inside(name, "rules.kinds") and name != "rules.kinds"}
    below = {"rules.model", "rules.codes", "rules.codings", "rules.patterns", "rules.words", "rules.lines"}
    below |= {"rules.dip.codes", "rules.dip.result"}  # DIP is a fact to kinds, whatever makes it

    def allowed(found):
        shared = found.rpartition(".")[2].startswith("_") and inside(found, "rules.kinds")
        return not inside(found, "rules") or shared or found in below or inside(found, "rules.expressions")

    assert {} == offenders(kinds, allowed)


def test_the_engine_does_not_know_the_compiler():
    """A rulebook is built from compiled packs, wherever they came from."""
    engine = {name: path for name, path in RULES.items() if inside(name, "rules.engine") or name.count(".") == 1}
    engine = {name: path for name, path in engine.items() if not inside(name, "rules.compiler")}

    assert {} == offenders(engine, lambda found: not inside(found, "rules.compiler"))


def test_dip_knows_neither_rules_nor_engine():
    """DIP stands below the engine and beside the rules: it sees nouns and codes, no kind and no rulebook."""
    dip = {name: path for name, path in RULES.items() if inside(name, "rules.dip")}
    below = {"rules.model", "rules.noun", "rules.lines", "rules.codes", "rules.codings", "rules.patterns"}

    def allowed(name):
        compiling = inside(name, "rules.dip.compiler")
        return lambda found: (
            not inside(found, "rules")
            or inside(found, "rules.dip")
            or found in below
            or (compiling and inside(found, "rules.compiler"))
        )

    wrong = {name: offenders({name: path}, allowed(name)) for name, path in dip.items()}
    assert {} == {name: found for name, found in wrong.items() if found}


def test_the_service_uses_the_public_face():
    """All of the service reaches the core by its face and the compiler's public modules."""

    def allowed(found):
        compiler = inside(found, "rules.compiler") and not found.rpartition(".")[2].startswith("_")
        return not inside(found, "rules") or found in FACE | DIP or compiler

    assert {} == offenders(SERVICE, allowed)


@pytest.mark.parametrize(
    ("room", "closed"),
    [
        ("service.dialects", ("service.db", "service.routes", "service.check_flow", "service.app", "service.cli")),
        ("service.db", ("service.schemas", "service.dialects", "service.routes", "service.check_flow", "service.app")),
        ("service.schemas", ("service.db", "service.dialects", "service.routes", "service.check_flow", "service.app")),
        ("service.journal", ("service.dialects", "service.routes", "service.check_flow", "service.app", "service.cli")),
        ("service.check_flow", ("service.routes", "service.app", "service.cli")),
    ],
)
def test_rooms_of_the_service_are_entered_one_way(room, closed):
    """Routes, then the flow, then dialects, context and journal, then schemas and database."""
    here = {name: path for name, path in SERVICE.items() if inside(name, room)}

    assert {} == offenders(here, lambda found: not any(inside(found, door) for door in closed))


def test_the_public_face_is_what_it_says():
    """``rules.__all__`` holds every public name of the package, sorted by ruff's rule, and nothing else."""
    imported = {
        alias.asname or alias.name
        for node in tree(ROOT / "rules" / "__init__.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert imported == set(rules.__all__)
    assert len(rules.__all__) == len(set(rules.__all__))
    assert all(hasattr(rules, name) for name in rules.__all__)
