"""What the answer says of its record: kept, on the disk, or not recorded, and calls that got no verdict."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from service import records
from service.app import _say_if_dead, configure_logging
from service.packs import EXAMPLE
from tests.http.test_native import post


class Journal:
    """Keeps payloads in memory; says of the disk what the test wants."""

    def __init__(self, *, waits: bool = False, disk: bool = True, room: bool = True) -> None:
        self.waits, self.disk, self.room = waits, disk, room
        self.payloads: list[bytes] = []
        self.asked = 0

    def append(self, payload: bytes) -> bool:
        self.payloads.append(payload)
        return self.room

    async def durable(self) -> bool:
        self.asked += 1
        return self.disk

    @property
    def records(self) -> list[records.JournalRecord]:
        return [records.decode(payload) for payload in self.payloads]


@pytest.fixture
def journaled(client):
    """Give the running application another journal."""

    def use(journal: Journal) -> Journal:
        flow = client.app.web.state.instance.flow
        flow._parts = replace(flow._parts, journal=journal)
        return journal

    return use


def test_an_answer_waits_for_the_disk_where_the_policy_says_so(client, journaled):
    """With `always` the reply leaves after the sync; otherwise nobody asks."""
    waiting = journaled(Journal(waits=True))
    assert post(client, EXAMPLE).json()["recorded"] is True
    assert 1 == waiting.asked

    at_once = journaled(Journal())
    assert post(client, EXAMPLE).json()["recorded"] is True
    assert 0 == at_once.asked


@pytest.mark.parametrize("journal", [Journal(room=False), Journal(waits=True, disk=False)])
def test_what_is_not_recorded_is_said_and_answered_all_the_same(client, journaled, journal):
    """No room and a refused sync change `recorded`, and nothing else of the answer."""
    usual = post(client, EXAMPLE).json()
    journaled(journal)
    found = post(client, EXAMPLE).json()

    assert found["recorded"] is False
    assert usual | {"recorded": False, "elapsed_us": 0} == found | {"elapsed_us": 0}


@pytest.mark.parametrize("journal", [Journal(room=False), Journal(waits=True, disk=False)])
def test_an_address_that_will_never_hold_a_verdict_is_not_passed_off_as_one(client, journaled, journal):
    """mode=later says whether the journal took it, too."""
    assert post(client, EXAMPLE, "/v1/checks?mode=later").json()["recorded"] is True
    journaled(journal)

    assert post(client, EXAMPLE, "/v1/checks?mode=later").json()["recorded"] is False


def test_a_refused_call_is_journaled_without_its_content(client, journaled):
    """Who called, when, with which message id and which problem: nothing of the message."""
    journal = journaled(Journal())
    post(client, {"message_id": "m-7", "patient": {"id": "330199-SECRET"}, "lines": "nonsense"})
    (record,) = journal.records

    assert isinstance(record, records.RefusalRecord)
    assert ("loopback", "m-7", "invalid", "native") == (
        record.caller,
        record.message_id,
        record.problem,
        record.dialect,
    )
    assert b"SECRET" not in msgspec.json.encode(record)


def test_a_verdict_names_its_caller(client, journaled):
    """Whoever called can be asked to account for its calls."""
    journal = journaled(Journal())
    post(client, EXAMPLE)
    (record,) = journal.records

    assert isinstance(record, records.VerdictRecord)
    assert "loopback" == record.caller
    assert record.carries_history is any(not line.get("current", True) for line in EXAMPLE["lines"])


def test_feedback_waits_for_the_disk_too(client, journaled):
    """A disposition that the disk refused is *failed*, never *stored*."""
    finding = post(client, EXAMPLE).json()["findings"][0]["id"]
    journaled(Journal(waits=True, disk=False))
    reply = client.post("/v1/dispositions", json={"dispositions": [{"finding": finding, "action": "revised"}]})

    assert [{"finding": finding, "state": "failed"}] == reply.json()["dispositions"]


@pytest.mark.parametrize("name", ["settler", "rechecker", "pack-watch"])
def test_readiness_says_when_a_task_has_stopped(client, name):
    """What runs behind the answers is not missed in silence."""
    assert 200 == client.get("/readyz").status_code
    (task,) = [task for task in client.app.web.state.instance.tasks if task.get_name() == name]
    client.portal.call(task.cancel)
    client.portal.call(asyncio.sleep, 0.05)
    reply = client.get("/readyz")

    assert (503, [f"the {name} has stopped"]) == (reply.status_code, reply.json()["reasons"])


def test_what_a_task_died_of_is_logged_at_once(capfd):
    """By its kind, never by its message, which may quote values."""

    async def die():
        raise RuntimeError("SECRET")

    async def run():
        task = asyncio.create_task(die(), name="settler")
        task.add_done_callback(_say_if_dead)
        await asyncio.gather(task, return_exceptions=True)

    configure_logging("info")
    asyncio.run(run())
    said = capfd.readouterr().err

    assert "a background task has died" in said
    assert ("settler" in said, "RuntimeError" in said, "SECRET" in said) == (True, True, False)


def test_a_request_that_breaks_off_leaves_no_text_in_the_log(client, monkeypatch):
    """What a fault says may quote a person: its kind is logged, and the server gets nothing to print."""
    said = []

    class Log:
        def error(self, event, **fields):
            said.append((event, fields))

    def broken(*_, **__):
        raise RuntimeError("SECRET")

    monkeypatch.setattr("service.app._log", Log())
    monkeypatch.setattr("service.routes.operations.status", broken)
    reply = client.get("/readyz")

    assert (500, "internal") == (reply.status_code, reply.json()["code"])
    assert [{"error": "RuntimeError"}] * 2 == [fields for _, fields in said]
    assert "request broke off" == said[-1][0]
