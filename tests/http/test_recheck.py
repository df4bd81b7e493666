"""Orders saved unchecked are checked in the background, and stays as a whole, from a list to their verdicts."""

from datetime import timedelta

import orjson
import pytest

from rules.model import Encounter, Line, Visit, encode
from service import keys
from service.check_flow import CheckFlow
from service.db.rechecks import Stay
from service.packs import EXAMPLE
from service.recheck_orders import whole_stay
from service.saved_lines import saved_lines
from tests.http.conftest import NOW
from tests.http.test_native import example, post
from tests.http.test_recorded import eventually
from tests.postgres import execute, value
from tests.writer.samples import NOON, SHANGHAI

PATH = "/v1/checks:recheck"


def an_order(number=1, **changes):
    """Return an order of its own message and visit, written the evening before."""
    visit = EXAMPLE["visit"] | {"id": f"V{number}"}
    return example(message_id=f"M{number}", time="2026-03-17 20:00:00", visit=visit) | changes


def send(client, status=202, headers=None, **body):
    """Return the answer to a list."""
    reply = client.post(PATH, json=body, headers=headers)
    assert status == reply.status_code, reply.text
    return reply.json()


def worked_off(client, href):
    """Return the progress of a list once nothing of it waits and its verdicts are in the database."""

    def done():
        reply = client.get(href)
        if reply.status_code != 200:
            return None
        found = reply.json()
        rest = (
            found["waiting"]
            + found["running"]
            + sum(order["verdict"] is not None and order["verdict_state"] is None for order in found["orders"])
        )
        return found if rest == 0 else None

    return eventually(done)


@pytest.fixture
def recorded(serve, database_url, monkeypatch):
    """The application with a database of its own, whose settler goes by the same clock as the rest."""
    client = serve(database_url=database_url)
    monkeypatch.setattr(client.app.web.state.instance.settler, "_clock", lambda: NOW)
    return client


@pytest.mark.db
class TestOrders:
    def test_from_a_list_to_verdicts(self, recorded, database_url):
        """Each order is checked as it was ordered; its verdict is filed under its own day, and its lines are saved."""
        given = send(recorded, orders=[an_order(1), an_order(2)], reason="service_down")
        assert (2, [], ["orders[0]", "orders[1]"]) == (
            given["accepted"],
            given["faults"],
            [order["place"] for order in given["orders"]],
        )
        found = worked_off(recorded, given["href"])

        assert (2, 2, 0, 2) == tuple(found[name] for name in ("total", "checked", "failed", "warned"))
        assert ["M1", "M2"] == sorted(order["message_id"] for order in found["orders"])
        assert {238.8} == {order["amount"] for order in found["orders"]}
        (row,) = execute(database_url, "SELECT mode, day, caller, id FROM verdict WHERE message_id = 'M1'")
        assert ("recheck", "2026-03-17", "loopback") == (row["mode"], row["day"].isoformat(), row["caller"])
        verdict = recorded.get(f"/v1/verdicts/{row['id']}").json()
        assert verdict["input"]["time"].startswith("2026-03-17T20:00:00")
        eventually(lambda: 4 == value(database_url, "SELECT count(*) FROM saved_line WHERE status = 'saved'"))
        assert [("2026-03-17", "confirm")] == [
            (row["day"].isoformat(), row["source"])
            for row in execute(database_url, "SELECT DISTINCT day, source FROM saved_line")
        ]

    def test_lines_that_were_not_saved(self, recorded, database_url):
        """Then the verdict is all there is."""
        given = send(recorded, orders=[an_order()], saved=False)
        worked_off(recorded, given["href"])

        assert 0 == value(database_url, "SELECT count(*) FROM line_event")

    def test_faults_stop_no_other(self, recorded):
        """Every fault is named with its order; what can be read is taken."""
        bad = an_order(2, lines=[EXAMPLE["lines"][0] | {"quantity": "many"}])
        undated = {name: value for name, value in an_order(3).items() if name != "time"}
        given = send(recorded, orders=[an_order(1), bad, undated, an_order(4, hospital="H9"), "x"])

        assert (1, ["orders[0]"]) == (given["accepted"], [order["place"] for order in given["orders"]])
        assert ["orders[1].lines[0].quantity", "orders[2].time", "orders[3].hospital", "orders[4]"] == [
            fault["field"] for fault in given["faults"]
        ]

    def test_dated_lines_need_no_time(self, recorded):
        """What every line says need not be said again."""
        lines = [line | {"begin": "2026-03-17 08:00:00"} for line in EXAMPLE["lines"]]
        undated = {name: value for name, value in an_order(3, lines=lines).items() if name != "time"}

        assert 1 == send(recorded, orders=[undated])["accepted"]

    def test_the_same_key_is_the_same_list(self, recorded, database_url):
        """A list sent again after a time-out adds nothing; more orders under the key are taken."""
        given = [send(recorded, orders=[an_order(1)], key="outage 1") for _ in range(3)]
        more = send(recorded, orders=[an_order(2)], key="outage 1")
        other = send(recorded, orders=[an_order(1)], key="outage 2")
        eventually(lambda: 3 == value(database_url, "SELECT count(*) FROM recheck"))

        assert 1 == len({answer["list"] for answer in [*given, more]})
        assert other["list"] != more["list"]
        assert 2 == worked_off(recorded, more["href"])["total"]

    def test_a_message_that_had_its_answer_keeps_it(self, recorded, database_url):
        """Its caller had given up waiting: the same content under the same rules is the same verdict, once."""
        answer = post(recorded, an_order(1)).json()
        found = worked_off(recorded, send(recorded, orders=[an_order(1)])["href"])

        assert [answer["id"]] == [order["verdict"] for order in found["orders"]]
        assert 1 == value(database_url, "SELECT count(*) FROM verdict")

    def test_nobody_is_named(self, recorded, database_url):
        """The list holds the person's pseudonym, sealed input, and nothing that was sent as an id."""
        send(recorded, orders=[an_order(1, patient={"id": "330102195803120022", "sex": "female"})])
        eventually(lambda: value(database_url, "SELECT count(*) FROM recheck"))
        (row,) = execute(database_url, "SELECT * FROM recheck")

        assert "330102195803120022" not in str(tuple(row))
        assert row["key"] is not None
        assert b"encounter" not in row["input"]


@pytest.mark.db
class TestStays:
    def test_a_whole_stay(self, recorded, database_url):
        """All lines of a visit are judged together, under the diagnoses of its newest message."""
        first, second = ([line] for line in EXAMPLE["lines"])
        visit = EXAMPLE["visit"] | {"id": "V1"}
        orders = [
            an_order(1, visit=visit, lines=first),
            an_order(2, visit=visit, lines=second, time="2026-03-17 21:00:00"),
        ]
        worked_off(recorded, send(recorded, orders=orders)["href"])
        eventually(lambda: 2 == value(database_url, "SELECT count(*) FROM saved_line"))
        given = send(recorded, visits=["V1", "V9"], reason="pre_settlement")
        assert [("visits[1]", "没有该就诊的判定记录")] == [
            (fault["field"], fault["message"]) for fault in given["faults"]
        ]
        (order,) = worked_off(recorded, given["href"])["orders"]
        verdict = recorded.get(f"/v1/verdicts/{order['verdict']}").json()
        lines = verdict["input"]["encounter"]["lines"]

        assert 238.8 == order["amount"]
        assert ("recheck", "V1", ["7"]) == (
            verdict["mode"],
            verdict["visit"],
            verdict["input"]["encounter"]["scenes"],
        )
        assert {"CF1-1", "CF1-2"} == {line["id"] for line in lines}
        assert 2 == value(database_url, "SELECT count(*) FROM saved_line")

    def test_nothing_was_saved(self, recorded, database_url):
        """A visit that was only checked has nothing to settle."""
        post(recorded, an_order(1))
        eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))
        refused = send(recorded, status=422, visits=["V1"])

        assert [("visits[0]", "该就诊没有已保存的明细")] == [
            (fault["field"], fault["message"]) for fault in refused["faults"]
        ]


class TestWholeStay:
    """The encounter that is judged, without a database."""

    def test_lines(self):
        """Saved lines are current; other visits' lines are history, but those taken back; own old lines go."""
        saved = Line(id="s", item="XA", begin=NOON, current=False, visit="V1", quantity=10_000)
        other, gone = (
            Line(id=name, item="XB", begin=NOON - timedelta(days=9), current=False, visit="V0") for name in ("o", "g")
        )
        own, undated = (Line(id=name, item="XC", begin=at, current=False) for name, at in (("w", NOON), ("u", None)))
        encounter = Encounter(
            hospital="H1",
            visit=Visit(id="V1", type="inpatient"),
            lines=(Line(id="c", item="XA", begin=NOON), other, gone, own, undated),
        )
        (key,) = (told.key for told in saved_lines("H1", "V1", [gone], time=None, zone=SHANGHAI))
        found = whole_stay(encounter, Stay((encode(saved),), frozenset({key})), SHANGHAI)

        assert [("s", True, None), ("o", False, "V0"), ("u", False, None)] == [
            (line.id, line.current, line.visit) for line in found.lines
        ]
        assert [0, 1, 2] == [line.position for line in found.lines]
        assert ("9",) == found.scenes

    @pytest.mark.parametrize(("before", "total", "expected"), [(True, 500, 800), (False, 500, 500), (True, None, None)])
    def test_the_total(self, before, total, expected):
        """A total without the message's own lines gets them, since they are among the saved ones now."""
        visit = Visit(id="V1", type="outpatient", total_amount=total, total_before_order=before)
        lines = (Line(amount=300), Line(amount=900, current=False))
        found = whole_stay(Encounter(hospital="H1", visit=visit, lines=lines), Stay((), frozenset()), SHANGHAI)

        assert (expected, False) == (found.visit.total_amount, found.visit.total_before_order)

    def test_an_unknown_kind_of_visit_keeps_its_scenes(self):
        """A guess would bring rules that do not belong there."""
        encounter = Encounter(hospital="H1", visit=Visit(id="V1"), scenes=("10",))

        assert ("10",) == whole_stay(encounter, Stay((), frozenset()), SHANGHAI).scenes
        assert encounter.visit.type is None


class TestRefusals:
    def test_without_a_database(self, client):
        """Orders are taken and wait in the journal; stays are read from the record and have to be asked for later."""
        given = send(client, orders=[an_order(1)])

        assert 1 == given["accepted"]
        assert "no_database" == send(client, status=503, visits=["V1"])["code"]
        assert "no_database" == client.get(given["href"]).json()["code"]

    def test_what_is_no_list(self, client):
        """Not JSON, another type, an unknown key, nothing to check, too much, or only faults: a problem each."""
        many = [an_order(number) for number in range(1001)]
        replies = [
            client.post(PATH, content=b"{"),
            client.post(PATH, content=b"a,b", headers={"content-type": "text/csv"}),
            client.post(PATH, json={"order": []}),
            client.post(PATH, json={}),
            client.post(PATH, json={"orders": many}),
            client.post(PATH, json={"orders": [{}]}),
            client.get("/v1/rechecks/nonsense"),
            client.get("/v1/rechecks/00000000-0000-8000-8000-000000000000"),
        ]

        assert [400, 415, 422, 422, 422, 422, 404, 404] == [reply.status_code for reply in replies]

    def test_a_journal_that_refuses(self, client, monkeypatch):
        """Nothing is passed off as taken: 503, and the whole list is to be sent again."""

        async def refuse(self, record):
            return False

        monkeypatch.setattr(CheckFlow, "keep", refuse)

        assert "not_recorded" == send(client, status=503, orders=[an_order(1)])["code"]

    @pytest.mark.db
    def test_another_hospitals_key(self, serve, database_url, tmp_path):
        """A list is its hospital's; others do not see what is on it."""
        one, two = ({"authorization": f"Bearer {keys.create(tmp_path, name, name)}"} for name in ("H1", "H2"))
        client = serve(database_url=database_url)
        given = send(client, headers=one, orders=[an_order(1)])
        eventually(lambda: client.get(given["href"], headers=one).status_code == 200)

        assert 404 == client.get(given["href"], headers=two).status_code
        assert 404 == client.post(PATH, json={"orders": [an_order(1)], "hospital": "H1"}, headers=two).status_code
        assert 401 == client.post(PATH, content=orjson.dumps({"orders": [an_order(1)]})).status_code
