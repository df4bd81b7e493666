"""A running application: lifespan entered, starter pack loaded, a fixed clock, and no database unless asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from rules import CompiledPack
from rules.compiler import compile_pack
from rules.dip.compiler import compile_scheme
from rules.dip.model import Scheme
from service import packs, schemes
from service.app import create_app
from service.packs import prepare
from service.settings import Settings

NOBODY = "postgresql://nobody@127.0.0.1:1/none"
"""An address where no database answers."""
NOW = datetime(2026, 3, 18, 9, 15, 22, tzinfo=ZoneInfo("Asia/Shanghai"))

Serve = Callable[..., TestClient]


@cache
def starter_pack() -> CompiledPack:
    """Return the starter pack, compiled once for all tests: compiling is pure, and each start would do it again."""
    return compile_pack(packs.STARTER)


@cache
def starter_scheme() -> Scheme:
    """Return the starter scheme, compiled once."""
    return compile_scheme(schemes.STARTER)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start the application with settings of the test's own."""
    monkeypatch.setattr(packs, "compile_pack", lambda folder: starter_pack())
    monkeypatch.setattr(schemes, "compile_starter", starter_scheme)
    with ExitStack() as stack:

        def start(**settings: Any) -> TestClient:
            basis = {"data_dir": tmp_path, "database_url": NOBODY, "drain_seconds": 8.0}
            chosen = replace(Settings(), **(basis | settings))
            prepare(chosen)
            app = create_app(chosen, clock=lambda: NOW)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    """The application with default settings and no database."""
    return serve()
