"""The README cannot drift: its tables, commands and answers are those of the program."""

import asyncio
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from service.app import create_app
from service.dialects import DIALECTS
from service.errors import PROBLEM_KINDS
from service.packs import EXAMPLE, prepare, welcome
from service.settings import Settings, table
from tests.docs.pages import CHINESE, README, ROOT, blocks, prose
from tests.docs.pages import table as table_of

PRODUCT = (README, CHINESE)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """The service as it comes, without a database."""
    settings = replace(Settings(), data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    prepare(settings)
    with TestClient(create_app(replace(settings, drain_seconds=4.0))) as client:
        yield client


def only(language: str, containing: str = "") -> str:
    """Return the README's one block of a language that contains a text."""
    (found,) = [block.text for block in blocks(README) if block.language == language and containing in block.text]
    return found


class TestTables:
    def test_settings(self) -> None:
        """Every setting stands in the table, in order, with its default and meaning."""
        expected = [[name, default or "unset", about.replace("`", "")] for name, default, about in table()]

        assert expected == [
            [cell.replace("`", "") for cell in row] for row in table_of(README, "variable", "default", "meaning")
        ]

    def test_settings_in_chinese(self) -> None:
        """Names and defaults do not depend on the language."""
        expected = [[name, default or "未设"] for name, default, _ in table()]

        assert expected == [row[:2] for row in table_of(CHINESE, "变量", "默认值", "含义")]

    def test_problems(self) -> None:
        """The closed set of problems, with status and title in both languages."""
        english = table_of(README, "code", "HTTP status", "meaning")
        chinese = table_of(CHINESE, "代码", "HTTP 状态", "含义")

        assert [[kind.code, str(kind.status), kind.title] for kind in PROBLEM_KINDS] == english
        assert [[kind.code, str(kind.status), kind.title_zh] for kind in PROBLEM_KINDS] == chinese

    def test_metrics(self) -> None:
        """Every metric of the service under the name that is exported, and no other."""
        expected = {
            family.name + ("_total" if family.type == "counter" else ""): family.type
            for family in REGISTRY.collect()
            if family.name.startswith("dipcheck_")
        }

        assert expected == {row[0]: row[1] for row in table_of(README, "metric", "type", "counts")}

    def test_national_paths(self) -> None:
        """Every path of the national dialect is listed."""
        listed = [row[0].removeprefix("POST ") for row in table_of(README, "path", "transaction")]

        assert sorted(DIALECTS["national"].paths) == sorted(path.replace("{infno}", "*") for path in listed)

    def test_wheels_are_the_locked_ones(self) -> None:
        """What is said of a wheel's needs is said of the version in the lock file."""
        locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
        named = {row[0].split(" ")[0].lower(): row[1] for row in table_of(README, *WHEELS)}

        assert named == {name: locked[name] for name in named}


WHEELS = ("wheel", "version", "glibc by its tag", "symbols up to")


class TestFirstFinding:
    def test_the_command_is_the_printed_one(self, tmp_path: Path) -> None:
        """The command in the README says what `make run` prints, only broken into lines."""
        settings = replace(Settings(), data_dir=tmp_path)
        (printed,) = [shlex.split(line) for line in welcome(settings).splitlines() if line.startswith("  curl")]
        shown = shlex.split(only("bash", "curl"))

        assert printed[:-1] == shown[:-1]
        assert json.loads(printed[-1]) == json.loads(shown[-1]) == EXAMPLE

    def test_the_answer_is_the_real_one(self, client: TestClient) -> None:
        """All that is shown of the answer is in it, entry by entry."""
        answer = client.post("/v1/checks", json=EXAMPLE).json()

        assert [] == list(differences(json.loads(only("json")), answer))

    def test_one_more_field_is_one_gap_less(self, client: TestClient) -> None:
        """What the README invites to try is true."""
        answer = client.post("/v1/checks", json=EXAMPLE | {"facility": {"level": 3}}).json()

        assert ["payment_course"] == [gap["kind"] for gap in answer["not_checked"]]

    def test_a_line_without_an_item_is_not_checked(self, client: TestClient) -> None:
        """The table of fields says so."""
        answer = client.post("/v1/checks", json={"lines": [{"id": "1", "name": "某药"}]}).json()

        (gap,) = answer["not_checked"]
        assert ("indeterminate", "item-code", "missing") == (answer["state"], gap["rule"], gap["reason"])


def differences(shown: Any, real: Any, where: str = "") -> Iterator[str]:
    """Yield places where something shown is not in the real thing; lists have the same length."""
    if isinstance(shown, dict) and isinstance(real, dict):
        for key, value in shown.items():
            yield from differences(value, real.get(key), f"{where}.{key}")
    elif isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        for number, value in enumerate(shown):
            yield from differences(value, real[number], f"{where}[{number}]")
    elif shown != real:
        yield f"{where}: {shown!r} is not {real!r}"


def test_differences_are_seen() -> None:
    """The comparison above is no yes-man."""
    assert [".a: 1 is not 2", ".b: [1] is not []", ".c: 3 is not None"] == list(
        differences({"a": 1, "b": [1], "c": 3}, {"a": 2, "b": [], "d": 4})
    )


class TestClientCode:
    """The fifteen lines for a caller do what the text says."""

    @staticmethod
    def ask(*answers: Callable[[httpx.Request], httpx.Response]) -> list[dict[str, Any] | None]:
        """Ask once per answer, and once more, of a service that answers so."""
        room: dict[str, Any] = {}
        exec(only("python"), room)
        room["BUDGET"] = 0.05
        queue = list(answers)

        async def serve(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            if not queue:
                return httpx.Response(200, json={"state": "clear"})
            answer = queue.pop(0)(request)
            if answer.status_code == 599:
                await asyncio.sleep(1)
            return answer

        async def run() -> list[dict[str, Any] | None]:
            async with httpx.AsyncClient(transport=httpx.MockTransport(serve), base_url="http://x") as client:
                return [await room["check"](client, {"lines": []}) for _ in range(len(answers) + 1)]

        return asyncio.run(run())

    def test_a_verdict(self) -> None:
        """A 200 is a verdict."""
        assert [{"state": "clear"}] == self.ask()

    @pytest.mark.parametrize("status", [599, 503, 422, 401, 202])
    def test_anything_else_is_not_checked(self, status: int) -> None:
        """A time-out (here 599) and every other status are None, never a pass; the next call is asked again."""
        assert [None, {"state": "clear"}] == self.ask(lambda _: httpx.Response(status))

    def test_no_connection(self) -> None:
        """A refused connection is None."""

        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        assert [None, {"state": "clear"}] == self.ask(refuse)

    def test_the_breaker_opens(self) -> None:
        """After five failures in a row nobody is asked for a while."""
        assert [None] * 6 == self.ask(*[lambda _: httpx.Response(503)] * 5)

    def test_faults_of_the_message_do_not_open_it(self) -> None:
        """Waiting does not mend a message."""
        assert [None] * 5 + [{"state": "clear"}] == self.ask(*[lambda _: httpx.Response(422)] * 5)


@pytest.mark.parametrize("page", PRODUCT, ids=lambda page: page.name)
def test_python_is_the_one_the_project_needs(page: Path) -> None:
    """The version that the README asks for is the oldest that the project admits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert f"Python {project['requires-python'].removeprefix('>=')}" in prose(page)


@pytest.mark.parametrize("page", PRODUCT, ids=lambda page: page.name)
def test_the_two_commands_come_first(page: Path) -> None:
    """A newcomer sees what to type before anything else."""
    assert ["make run\n", "make test\n"] == [block.text for block in blocks(page)[:2]]
