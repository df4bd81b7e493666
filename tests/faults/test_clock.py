"""A clock that is set back: every check is answered, ids stay unique, no age is negative, nothing is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service import packs, schemes
from service.app import create_app
from service.packs import EXAMPLE
from service.settings import Settings
from tests.faults.server import eventually
from tests.http.conftest import NOBODY, NOW, starter_pack, starter_scheme
from tests.postgres import execute

pytestmark = [pytest.mark.db, pytest.mark.slow]
WITHOUT_ID = {name: value for name, value in EXAMPLE.items() if name != "message_id"}


class Clock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


Start = Callable[[str, Clock], TestClient]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Run the application on a database and by a clock."""
    monkeypatch.setattr(packs, "compile_pack", lambda folder: starter_pack())
    monkeypatch.setattr(schemes, "compile_starter", starter_scheme)
    with ExitStack() as stack:

        def run(database_url: str, clock: Clock) -> TestClient:
            settings = replace(Settings(), data_dir=tmp_path, database_url=database_url, drain_seconds=8.0)
            packs.prepare(settings)
            return stack.enter_context(TestClient(create_app(settings, clock=clock)))

        yield run


def ask(client: TestClient, body: dict[str, object]) -> str:
    reply = client.post("/v1/checks", json=body)
    assert reply.status_code == 200
    assert reply.json()["recorded"] is True
    return str(reply.json()["id"])


def lag(client: TestClient) -> float:
    return float(client.get("/readyz").json()["journal"]["lag_seconds"])


def ids_in(url: str) -> list[str]:
    return sorted(str(row["id"]) for row in execute(url, "SELECT id FROM verdict"))


@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(hours=5), timedelta(days=40)])
def test_calls_without_an_id_stay_apart(start: Start, database_url: str, back: timedelta) -> None:
    """The same encounter again and again, the clock back in between: every call is a verdict of its own."""
    clock = Clock()
    client = start(database_url, clock)
    given, lags = [], []
    for _ in range(3):
        given += [ask(client, WITHOUT_ID) for _ in range(10)]
        clock.now -= back
        lags.append(lag(client))
    eventually(lambda: len(ids_in(database_url)) >= 30, "all rows", 30.0)

    assert ids_in(database_url) == sorted(set(given))
    assert len(set(given)) == 30
    assert min([*lags, lag(client)]) >= 0


def test_a_message_asked_again_is_one(start: Start, database_url: str) -> None:
    """A retry after the clock went back is the verdict that was given before."""
    clock = Clock()
    client = start(database_url, clock)
    first = ask(client, EXAMPLE)
    clock.now -= timedelta(hours=3)
    again = ask(client, EXAMPLE)
    last = ask(client, WITHOUT_ID)
    eventually(lambda: last in ids_in(database_url), "the last row", 30.0)

    assert first == again
    assert ids_in(database_url) == sorted([first, last])


def test_taking_over_files_from_the_future(start: Start, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a dead worker left seems to be written later than now: it is no younger than nothing, and comes."""
    clock = Clock()
    without = start(NOBODY, clock)
    given = [ask(without, WITHOUT_ID) for _ in range(5)]
    without.__exit__(None, None, None)
    whole, set_back = time.time, 10 * 86_400
    monkeypatch.setattr(time, "time", lambda: whole() - set_back)
    client = start(database_url, clock)
    lags = [lag(client) for _ in range(5)]
    eventually(lambda: len(ids_in(database_url)) == 5, "what was left", 30.0)

    assert ids_in(database_url) == sorted(given)
    assert min(lags) >= 0
