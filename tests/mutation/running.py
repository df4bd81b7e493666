"""Tests against a seeded fault: each in a forked child, where the changed module stands in for the real one.

The parent imports everything once; a child only runs the module again with its fault and then the tests of that kind.
"""

import ast
import contextlib
import gc
import importlib
import os
import resource
import sys
import time
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path
from typing import Literal

import hypothesis
import pytest

from rules.kinds import KINDS
from tests.mutation.faults import Fault, seeded

ROOT = Path(__file__).parents[2]
LIMIT = 20.0
"""Seconds until a child is stopped; a fault that makes a test run for ever is caught."""
MEMORY = 2 << 30
"""Bytes a child may take beyond what it begins with: a loop without an end must not take the machine down."""
UNFIT, BROKEN = 97, 98
"""Exit codes beyond pytest's own: the module does not import with its fault; the child itself failed."""
NEITHER = {BROKEN, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}

Outcome = Literal["caught", "survived", "unfit"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A module, and the tests that must notice what goes wrong in it."""

    name: str
    module: str
    path: Path
    source: str
    """The module's text, read once: somebody may be editing the file."""
    tests: tuple[Path, ...]


def subject_of(kind: str) -> Subject:
    """Return a kind with its own tests and those that every kind owes."""
    tests = ROOT / "tests" / "kinds"
    path = ROOT / "rules" / "kinds" / f"{kind}.py"
    return Subject(
        name=kind,
        module=f"rules.kinds.{kind}",
        path=path,
        source=path.read_text(encoding="utf-8"),
        tests=(tests / f"test_{kind}.py", tests / "test_every_kind.py"),
    )


def warm_up() -> None:
    """Import what every child needs, but no test module: those build rules of the kind when imported."""
    for name in ("tests.builders", "tests.conftest"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def sound(subject: Subject, *, limit: float = LIMIT) -> bool:
    """Say whether the tests pass without any fault; where they do not, nothing can be measured."""
    try:
        ((_, outcome),) = run(subject, [None], limit=limit)
    except RuntimeError:
        return False
    return outcome == "survived"


def run(
    subject: Subject, planted: Iterable[Fault | None], *, jobs: int = 1, limit: float = LIMIT
) -> Iterator[tuple[Fault | None, Outcome]]:
    """Yield each fault with what became of it, as the children end. ``None`` is the module as it stands."""
    waiting = list(planted)[::-1]
    running: list[_Trial] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_Trial(subject, waiting.pop(), time.monotonic() + limit))
            left = min(trial.until for trial in running) - time.monotonic()
            connection.wait([trial.process.sentinel for trial in running], max(0.0, left))
            for trial in [trial for trial in running if trial.over]:
                running.remove(trial)
                yield trial.fault, trial.outcome()
    finally:
        for trial in running:
            trial.process.kill()


class _Trial:
    """One child at work."""

    def __init__(self, subject: Subject, fault: Fault | None, until: float) -> None:
        self.subject = subject
        self.fault = fault
        self.until = until
        self.process = get_context("fork").Process(target=_child, args=(subject, fault))
        self.process.start()

    @property
    def over(self) -> bool:
        """Ended by itself, or out of time."""
        return not self.process.is_alive() or self.until <= time.monotonic()

    def outcome(self) -> Outcome:
        """Return what became of the fault, stopping the child where it still runs."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        code = self.process.exitcode
        if code in NEITHER:
            raise RuntimeError(f"the tests of `{self.subject.name}` could not be run (exit code {code})")
        if code == pytest.ExitCode.OK:
            return "survived"
        return "unfit" if code == UNFIT else "caught"


def _child(subject: Subject, fault: Fault | None) -> None:
    """Never returns: whatever a fault does to this process, its exit code is one of those above or pytest's."""
    try:
        code = _tested(subject, fault)
    except BaseException:
        code = BROKEN
    os._exit(code)


def _tested(subject: Subject, fault: Fault | None) -> int:
    nowhere = open(os.devnull, "r+")  # noqa: SIM115 - held until the process ends
    sys.stdin = sys.stdout = sys.stderr = nowhere
    for stream in range(3):
        os.dup2(nowhere.fileno(), stream)
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + MEMORY, resource.RLIM_INFINITY))
    tree = ast.parse(subject.source) if fault is None else seeded(subject.source, fault.number)
    _forget(subject.tests)
    try:
        install(subject, tree)
    except Exception:
        return UNFIT
    hypothesis.settings.register_profile("mutation", derandomize=True, database=None)
    hypothesis.settings.load_profile("mutation")
    os.environ.pop("PYTEST_ADDOPTS", None)
    return int(pytest.main(_arguments(subject)))


def _mapped() -> int:
    """Return the bytes of address space in use: what a long test session has loaded is no fault's doing."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _arguments(subject: Subject) -> list[str]:
    options = ["-c", str(ROOT / "pyproject.toml"), "-x", "--tb=no", "--assert=plain", "-m", "not db and not slow"]
    # Each plugin left out saves a child some of its start.
    unused = ["cacheprovider", "anyio", "unraisableexception", "threadexception", "faulthandler"]
    options += [part for plugin in unused for part in ("-p", f"no:{plugin}")]
    return [*options, "-k", subject.name, *map(str, subject.tests)]


def _forget(tests: tuple[Path, ...]) -> None:
    """Drop test modules that somebody imported before: they hold rules made by the real kind."""
    files = set(map(str, tests))
    for name in [name for name, module in sys.modules.items() if getattr(module, "__file__", None) in files]:
        del sys.modules[name]


def install(subject: Subject, tree: ast.Module) -> None:
    """Let the module of this tree stand in for the real one: among modules, kinds, and names others imported."""
    real = importlib.import_module(subject.module)
    module = types.ModuleType(real.__name__)
    module.__dict__.update({name: value for name, value in vars(real).items() if name.startswith("__")})
    sys.modules[subject.module] = module
    exec(compile(tree, str(subject.path), "exec"), module.__dict__)
    package, _, name = subject.module.rpartition(".")
    if package:
        setattr(sys.modules[package], name, module)
    if subject.name in KINDS and KINDS[subject.name] is getattr(real, "KIND", None):
        KINDS[subject.name] = module.KIND
    _replace_imported(real, module)


def _replace_imported(real: types.ModuleType, module: types.ModuleType) -> None:
    own = {
        id(value): getattr(module, name)
        for name, value in vars(real).items()
        if getattr(value, "__module__", None) == real.__name__ and hasattr(module, name)
    }
    for other in [
        found for key, found in sys.modules.items() if key.partition(".")[0] in {"rules", "service", "tests"}
    ]:
        if other in (real, module):
            continue
        for name, value in list(vars(other).items()):
            if id(value) in own:
                setattr(other, name, own[id(value)])
