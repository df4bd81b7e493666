"""A running application: lifespan entered, starter pack loaded, a fixed clock, and no database unless asked for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.packs import prepare
from service.settings import Settings

NOBODY = "postgresql://nobody@127.0.0.1:1/none"
"""An address where no database answers."""
NOW = datetime(2026, 3, 18, 9, 15, 22, tzinfo=ZoneInfo("Asia/Shanghai"))

Serve = Callable[..., TestClient]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start the application with settings of the test's own."""
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
