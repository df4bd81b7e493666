"""One day as the record has it, beside what a calling system says it sent: real calls, a retry, a refusal, a gap."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from service import keys
from tests.http.conftest import NOW
from tests.http.test_native import EXAMPLE, example, post
from tests.http.test_recorded import eventually
from tests.postgres import value

pytestmark = pytest.mark.db

PATH = "/v1/reconciliation"
DAY = "2026-03-18"
QUIET = [{"id": "Q1", "item": "XA00000000000000000000", "name": "某药品", "quantity": 1}]


@pytest.fixture
def recorded(serve, database_url, monkeypatch):
    """Two messages, one of them sent again, one refused, one without an id: a second apart, all in the database."""
    client = serve(database_url=database_url)
    here = client.app.web.state.instance
    seconds = count()
    clock = replace(here.hot_path._entrance, clock=lambda: NOW + timedelta(seconds=next(seconds)))
    monkeypatch.setattr(here.hot_path, "_entrance", clock)
    for body in (an_order(1), an_order(2, lines=QUIET), an_order(1), an_order(None), an_order(3, lines="none")):
        post(client, body)
    eventually(lambda: 3 == value(database_url, "SELECT count(*) FROM verdict"))
    eventually(lambda: 1 == value(database_url, "SELECT count(*) FROM refusal"))
    eventually(lambda: 1 == value(database_url, "SELECT count(*) FROM verdict_repeat"))
    return client


def an_order(number, **changes):
    """Return a message with an id of its own, or with none."""
    return example(message_id=None if number is None else f"M{number}") | changes


def get(client, **parameters):
    """Return the day as the record has it."""
    reply = client.get(PATH, params={"day": DAY} | parameters)
    assert 200 == reply.status_code, reply.text
    return reply.json()


def compare(client, *named, status=200, **more):
    """Return what the record knows of messages."""
    reply = client.post(PATH, json={"day": DAY, "message_ids": list(named)} | more)
    assert status == reply.status_code, reply.text
    return reply.json()


def test_calls_by_caller(recorded):
    """Five calls: three answered, one repeated, one refused."""
    (found,) = get(recorded)["callers"]

    assert {
        "caller": "loopback",
        "dialect": "native",
        "calls": 5,
        "verdicts": {"clear": 1, "warned": 2},
        "repeats": 1,
        "refused": {"invalid": 1},
        "rechecked": {},
    } == found


def test_messages(recorded):
    """Each by its id, with its first answer, its verdicts, and how often it came again; page by page."""
    whole = get(recorded)["messages"]
    first = get(recorded, limit=1)
    rest = get(recorded, limit=1, after=first["next"])

    assert [("M1", "2026-03-18T09:15:22+08:00", 1, 1, False), ("M2", "2026-03-18T09:15:23+08:00", 1, 0, False)] == [
        (entry["message_id"], entry["first"], len(entry["verdicts"]), entry["repeats"], entry["rechecked"])
        for entry in whole
    ]
    assert whole == first["messages"] + rest["messages"]


def test_a_table(recorded):
    """The same as CSV."""
    reply = recorded.get(PATH, params={"day": DAY, "limit": 1}, headers={"accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig")))

    assert ("M1", "1", "") == (row["消息号"], row["重发次数"], row["补审"])
    assert reply.headers["next-after"]


def test_another_day_and_another_caller(recorded):
    """Nothing of them is among the calls."""
    for asked in ({"day": "2026-03-17"}, {"day": "2026-03-19"}, {"caller": "another"}):
        found = get(recorded, **asked)
        assert ([], []) == (found["callers"], found["messages"])


def test_what_the_other_side_sent(recorded):
    """Known, missing, refused, and what it did not name; a message named twice is one."""
    assert {
        "day": DAY,
        "sent": 3,
        "known": 1,
        "unknown": ["M9"],
        "refused": [{"message_id": "M3", "problem": "invalid"}],
        "waiting": [],
        "only_here": ["M2"],
        "only_here_more": False,
        "pending": 0,
    } == compare(recorded, "M1", "M9", "M3", "M1")
    assert [] == compare(recorded, "M1", caller="another")["only_here"]


def test_what_was_missing_is_checked_afterwards(recorded, database_url):
    """From *unknown* over *waiting* to *known*, and no call of that day."""
    missing = example(message_id="M9", visit=EXAMPLE["visit"] | {"id": "V9"})
    recorded.post("/v1/checks:recheck", json={"orders": [missing]})
    eventually(lambda: 1 == compare(recorded, "M9")["known"])

    assert ([], []) == tuple(compare(recorded, "M9")[name] for name in ("unknown", "waiting"))
    found = get(recorded)
    assert (5, {"warned": 1}) == (found["callers"][0]["calls"], found["callers"][0]["rechecked"])
    assert [("M9", True)] == [
        (entry["message_id"], entry["rechecked"]) for entry in found["messages"] if entry["rechecked"]
    ]
    assert "M9" not in compare(recorded, "M1")["only_here"]


def test_a_hundred_thousand_messages(recorded):
    """A large hospital's day is one question; more is a fault."""
    found = compare(recorded, *(f"M{number}" for number in range(100_000)))

    assert (100_000, 2, 99_997) == (found["sent"], found["known"], len(found["unknown"]))
    assert "invalid" == compare(recorded, *(f"M{number}" for number in range(100_001)), status=422)["code"]


def test_faults(recorded):
    """What is no day, no list, or a misspelt key is named."""
    replies = [
        recorded.post(PATH, json={"message_ids": []}),
        recorded.post(PATH, json={"day": DAY, "message_ids": "M1"}),
        recorded.post(PATH, json={"day": DAY, "message_ids": ["a\0b"]}),
        recorded.get(PATH, params={"date": DAY}),
        recorded.get(PATH, params={"after": "x"}),
    ]

    assert [422] * 5 == [reply.status_code for reply in replies]


def test_hospitals_are_apart(serve, database_url, tmp_path):
    """A bound key reconciles its own hospital."""
    one, two = ({"authorization": f"Bearer {keys.create(tmp_path, name, name)}"} for name in ("H1", "H2"))
    client = serve(database_url=database_url)
    post(client, an_order(1), headers=one | {"content-type": "application/json"})
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))

    assert "H1" == client.get(PATH, params={"day": DAY}, headers=one).json()["callers"][0]["caller"]
    assert [] == client.get(PATH, params={"day": DAY}, headers=two).json()["callers"]
    assert 404 == client.get(PATH, params={"day": DAY, "hospital": "H1"}, headers=two).status_code
    asked = {"day": DAY, "message_ids": ["M1"], "caller": "H1"}
    assert ["M1"] == client.post(PATH, json=asked, headers=two).json()["unknown"]
    assert 1 == client.post(PATH, json=asked, headers=one).json()["known"]
