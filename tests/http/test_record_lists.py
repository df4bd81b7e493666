"""Lists of verdicts, a stay's verdicts, coded reasons, the record's state: read back through the API."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from service import keys
from service.packs import EXAMPLE
from tests.http.conftest import NOW
from tests.http.test_native import example, post
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

QUIET = [{"id": "Q1", "item": "XA00000000000000000000", "name": "某药品", "quantity": 1}]
DAY = {"from": "2026-03-18", "to": "2026-03-18"}

FILTERED = [
    ({"state": "clear"}, ["M3"]),
    ({"department": "D2"}, ["M2"]),
    ({"doctor": "DR1"}, ["M1"]),
    ({"visit": "V2"}, ["M2"]),
    ({"message_id": "M1"}, ["M1"]),
    ({"kind": "sex_limit"}, ["M1", "M2"]),
    ({"kind": "age_limit", "visit": "V1"}, []),
    ({"level": "warn", "doctor": "DR1"}, ["M1"]),
    ({"level": "info", "doctor": "DR1"}, []),
    ({"action": "unreviewed"}, ["M1", "M2"]),
    ({"action": "continued"}, []),
    ({"outcome": "open", "department": "D1"}, ["M1"]),
    ({"caller": "loopback"}, ["M1", "M2", "M3"]),
    ({"caller": "another"}, []),
    ({"from": "2026-03-19", "to": "2026-03-20"}, []),
    ({"from": "2026-03-01", "to": "2026-03-31", "state": "warned"}, ["M1", "M2"]),
]
FAULTY = [
    {"from": "2026-03-18", "to": "2026-03-17"},
    {"from": "2025-03-17", "to": "2026-03-18"},
    {"from": "yesterday"},
    {"departmnet": "D1"},
    {"limit": 1001},
    {"limit": 0},
    {"after": "nonsense"},
    {"after": "WyJuZXdlc3QiLDEsMiwzXQ"},
    {"state": "green"},
    {"visit": "a\0b"},
]


def a_check(number, **changes):
    """Return a check of its own message and visit, one minute after the one before."""
    visit = EXAMPLE["visit"] | {"id": f"V{number}", "department": f"D{number}", "doctor": f"DR{number}"}
    return example(message_id=f"M{number}", time=f"2026-03-18 09:0{number}:00", visit=visit) | changes


def get(client, path="/v1/verdicts", status=200, **parameters):
    """Return a reply's document."""
    reply = client.get(path, params=parameters)
    assert status == reply.status_code, reply.text
    return reply.json()


def messages(document):
    """Return the message ids of a list, in its order."""
    return [entry["message_id"] for entry in document["verdicts"]]


def paged(client, order):
    """Return the message ids of a list that was read one by one."""
    found, after = [], {}
    while True:
        page = get(client, order=order, limit=1, **after)
        found += messages(page)
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


@pytest.fixture
def recorded(serve, database_url, monkeypatch):
    """Three verdicts of three visits, a second apart, the last without a finding, all in the database."""
    client = serve(database_url=database_url)
    here, seconds = client.app.web.state.instance, count()
    clock = replace(here.hot_path._entrance, clock=lambda: NOW + timedelta(seconds=next(seconds)))
    monkeypatch.setattr(here.hot_path, "_entrance", clock)
    for number in (1, 2):
        post(client, a_check(number))
    post(client, a_check(3, lines=QUIET))
    eventually(lambda: 3 == value(database_url, "SELECT count(*) FROM verdict"))
    return client


@pytest.mark.db
class TestList:
    def test_a_day_with_findings(self, recorded):
        """Every verdict of the day, each with its findings, none reviewed yet."""
        found = get(recorded)

        assert ["M3", "M2", "M1"] == messages(found)
        assert found["next"] is None
        first = next(entry for entry in found["verdicts"] if entry["message_id"] == "M1")
        assert ("warned", 238.8, "V1", "loopback") == tuple(
            first[name] for name in ("state", "amount", "visit", "caller")
        )
        assert {("unreviewed", "待处理", None)} == {
            (finding["status"], finding["status_zh"], finding["outcome"]) for finding in first["findings"]
        }
        assert [number for number, _ in enumerate(first["findings"], 1)] == [f["number"] for f in first["findings"]]

    def test_pages_are_the_whole_list(self, recorded):
        """Page after page, nothing is missing and nothing comes twice, in every order."""
        for order, whole in (
            ("newest", ["M3", "M2", "M1"]),
            ("oldest", ["M1", "M2", "M3"]),
            ("amount", ["M2", "M1", "M3"]),
        ):
            assert (whole, whole) == (messages(get(recorded, order=order)), paged(recorded, order))

    def test_filters(self, recorded):
        """Each narrows down; together they narrow down further."""
        assert FILTERED == [(asked, sorted(messages(get(recorded, **asked)))) for asked, _ in FILTERED]

    @pytest.mark.parametrize(
        ("patient", "found"), [("demo", ["M1", "M2", "M3"]), (" demo ", ["M1", "M2", "M3"]), ("x", [])]
    )
    def test_of_one_patient(self, recorded, patient, found):
        """By the id that checks carry, in a body: an address ends up in the logs of proxies."""
        reply = post(recorded, {"patient_id": patient, "from": "2026-03-18", "order": "oldest"}, "/v1/verdicts:search")

        assert found == messages(reply.json())
        assert 422 == recorded.get("/v1/verdicts", params={"patient_id": patient}).status_code

    def test_only_findings_that_fit(self, recorded):
        """Where findings are asked for, others of the same verdict are not shown."""
        (found,) = get(recorded, kind="sex_limit", visit="V1")["verdicts"]

        assert ["sex_limit"] == [finding["kind"] for finding in found["findings"]]

    def test_what_users_did(self, recorded, database_url):
        """The latest disposition is the status, the outcome beside it, and both can be asked for."""
        execute(
            database_url,
            "UPDATE finding SET action = 'self_paid', outcome = 'charged', acted = '2026-03-18 02:00Z' WHERE"
            " kind = 'sex_limit' AND verdict_id = (SELECT id FROM verdict WHERE message_id = 'M1')",
            "SELECT 1",
        )
        (found,) = get(recorded, action="self_paid", outcome="charged")["verdicts"]
        (finding,) = found["findings"]

        assert "M1" == found["message_id"]
        assert ("self_paid", "转自费", "charged", "已收费") == (
            finding["status"],
            finding["status_zh"],
            finding["outcome"],
            finding["outcome_zh"],
        )
        assert "2026-03-18T10:00:00+08:00" == finding["acted"]

    def test_a_table(self, recorded):
        """CSV has a row for each finding, says where the next page begins, and opens as text."""
        reply = recorded.get("/v1/verdicts", params={"limit": 2, "order": "oldest"}, headers={"accept": "text/csv"})
        rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
        last = recorded.get(
            "/v1/verdicts", params={"order": "oldest", "after": reply.headers["next-after"], "format": "csv"}
        )
        rest = list(csv.DictReader(io.StringIO(last.content.decode("utf-8-sig"))))

        assert "text/csv; charset=utf-8" == reply.headers["content-type"]
        assert {"M1", "M2"} == {row["消息号"] for row in rows}
        assert {"有提醒"} == {row["判定"] for row in rows}
        assert "52.8" in {row["金额"] for row in rows}
        assert [("M3", "通过", "")] == [(row["消息号"], row["判定"], row["结果编号"]) for row in rest]
        assert "next-after" not in last.headers

    def test_cells_are_no_formulas(self, recorded):
        """What a sender wrote must not run on the machine that opens the table."""
        visit = EXAMPLE["visit"] | {"id": "=cmd|1", "department": "+1", "doctor": "@sum"}
        post(recorded, example(message_id="-2+3", visit=visit))
        found = eventually(
            lambda: (reply := recorded.get("/v1/verdicts?visit=%3Dcmd%7C1&format=csv")).text.count("\n") > 1 and reply
        )
        row = next(csv.DictReader(io.StringIO(found.content.decode("utf-8-sig"))))

        assert ("'=cmd|1", "'-2+3", "'+1", "'@sum") == tuple(
            row[name] for name in ("就诊号", "消息号", "开单科室", "开单医师")
        )

    def test_faults(self, recorded):
        """A misspelt filter must not read as none, nor a cursor as the beginning."""
        assert ["invalid"] * len(FAULTY) == [get(recorded, status=422, **asked)["code"] for asked in FAULTY]

    def test_a_cursor_belongs_to_its_order(self, recorded):
        """Going on in another order would leave rows out."""
        following = get(recorded, limit=1, order="newest")["next"]

        assert "invalid" == get(recorded, status=422, after=following, order="oldest")["code"]


@pytest.mark.db
class TestStay:
    def test_a_stay_for_its_doctor(self, recorded, database_url):
        """All verdicts of a visit, oldest first, with every step of what was done and why."""
        post(recorded, a_check(1, message_id="M9", time="2026-03-17 20:00:00"))
        answer = post(recorded, a_check(1, message_id="M8", time="2026-03-18 11:00:00")).json()
        given = {"finding": answer["findings"][0]["id"], "action": "continued", "reason_code": "clinical_need"}
        recorded.post("/v1/dispositions", json={"dispositions": [given]})
        eventually(lambda: value(database_url, "SELECT count(*) FROM disposition"))
        eventually(lambda: 5 == value(database_url, "SELECT count(*) FROM verdict"))
        found = get(recorded, "/v1/visits/V1/verdicts")

        assert ["M9", "M1", "M8"] == messages(found)
        assert {"V1"} == {entry["visit"] for entry in found["verdicts"]}
        last = next(entry for entry in found["verdicts"] if entry["id"] == answer["id"])
        (step,) = next(finding for finding in last["findings"] if finding["id"] == given["finding"])["dispositions"]
        assert ("continued", "坚持执行", "clinical_need", "病情需要", True) == tuple(
            step[name] for name in ("action", "action_zh", "reason_code", "reason_zh", "explained")
        )

    def test_silent_findings_are_not_for_the_ward(self, recorded, database_url):
        """They are recorded, and shown to who asks for them."""
        execute(database_url, "UPDATE finding SET level = 'silent' WHERE kind = 'sex_limit'", "SELECT 1")
        shown, all_of_them = (get(recorded, "/v1/visits/V1/verdicts", **more) for more in ({}, {"silent": True}))

        assert 1 == sum(len(entry["findings"]) for entry in all_of_them["verdicts"]) - sum(
            len(entry["findings"]) for entry in shown["verdicts"]
        )

    def test_a_visit_number_with_a_slash(self, recorded):
        """Any number that a HIS gives its visits can be asked for."""
        visit = EXAMPLE["visit"] | {"id": "ZY/2026/1"}
        post(recorded, example(message_id="M7", visit=visit))

        eventually(lambda: ["M7"] == messages(get(recorded, "/v1/visits/ZY/2026/1/verdicts")))


@pytest.mark.db
class TestHospitals:
    def test_a_bound_key_sees_its_own_hospital(self, serve, database_url, tmp_path):
        """Other hospitals' rows are not found, whatever is asked; a key without a hospital may name one."""
        one, two, free = (
            {"authorization": f"Bearer {keys.create(tmp_path, name, hospital)}"}
            for name, hospital in (("one", "H1"), ("two", "H2"), ("free", None))
        )
        client = serve(database_url=database_url)
        post(client, example(message_id="M1"), headers=one | {"content-type": "application/json"})
        eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))

        def seen(headers, **parameters):
            reply = client.get("/v1/verdicts", params=parameters, headers=headers)
            return messages(reply.json()) if reply.status_code == 200 else reply.status_code

        assert (["M1"], []) == (seen(one), seen(two))
        assert (404, ["M1"], []) == (seen(two, hospital="H1"), seen(free, hospital="H1"), seen(free))
        assert [] == client.get("/v1/visits/MZ1/verdicts", headers=two).json()["verdicts"]
        assert 401 == client.get("/v1/verdicts").status_code


class TestReasons:
    def test_the_list(self, client):
        """A closed list with Chinese labels, in the order to offer them."""
        found = get(client, "/v1/reasons")["reasons"]

        assert {"code": "patient_request", "label": "患者要求"} == found[0]
        assert "other" == found[-1]["code"]
        assert 9 == len(found)

    def test_an_unknown_code_is_a_fault(self, client):
        """Only what is on the list can be counted."""
        given = {"finding": "x", "action": "continued", "reason_code": "because"}

        assert 422 == client.post("/v1/dispositions", json={"dispositions": [given]}).status_code


class TestState:
    def test_without_a_database(self, client):
        """The worker's own part is there; the database's is null, and lists say so."""
        post(client, EXAMPLE)
        found = get(client, "/v1/record")

        assert found["database"] is None
        assert found["tasks"]["recorder"] is True
        assert 1 == found["journal"]["records"]
        assert "no_database" == get(client, status=503)["code"]

    @pytest.mark.db
    def test_with_one(self, recorded, database_url):
        """Partitions by table, what waits, and what was set aside: its place and reason, never its content."""
        execute(
            database_url,
            'INSERT INTO set_aside (worker, segment, "offset", reason, payload)'
            " VALUES ('00000000-0000-0000-0000-000000000001', 1, 32, 'DataError 22003', 'secret')",
            "SELECT 1",
        )
        counted, placed = (get(recorded, "/v1/record", **more)["database"] for more in ({}, {"set_aside": "list"}))

        months = {entry["table"]: entry for entry in counted["partitions"]}
        assert months["verdict"]["oldest"] <= "2026-03" <= months["verdict"]["newest"]
        assert [("DataError 22003", 1)] == [(entry["reason"], entry["count"]) for entry in counted["set_aside"]]
        assert counted["set_aside_places"] is None
        assert [(1, 32)] == [(entry["segment"], entry["offset"]) for entry in placed["set_aside_places"]]
        assert "secret" not in str(placed)
        assert (0, 0) == (counted["line_events"]["count"], counted["rechecks"]["count"])
