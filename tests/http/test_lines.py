"""The whole circle: checked, confirmed, counted by the next check, cancelled, forgotten and withdrawn."""

import copy
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.compiler import compile_pack
from service import keys, packs, records
from service.packs import EXAMPLE, STARTER, Activation, keep, prepare, write_activation
from tests.http.conftest import NOW, starter_pack, starter_scheme
from tests.http.test_kept import Journal
from tests.http.test_national_flow import MESSAGE
from tests.http.test_native import post
from tests.http.test_operations import metric
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

STATIN = {
    "id": "rx1",
    "item": "H00220001",
    "name": "阿托伐他汀",
    "quantity": 3,
    "unit": "盒",
    "price": 20,
    "amount": 60,
}
"""The example pack allows five boxes of statins in thirty days."""
RULE = "h-qty-statin"
ROW = {
    "patient_id": "P1",
    "visit": "MZ0",
    "visit_type": "outpatient",
    **{name: STATIN[name] for name in ("id", "item", "quantity", "unit")},
    "begin": "2026-03-10",
}
"""A row of an import."""
TOLD = "dipcheck_history_told_total"


def order(visit, line_id, **others):
    """An encounter that orders three boxes; the dates make every line one of its own."""
    return {
        "time": "2026-03-18 09:15:22",
        "patient": {"id": "P1", "sex": "male", "birth_date": "1958-03-12"},
        "facility": {"level": 3, "specialty": ""},
        "visit": {"id": visit, "type": "outpatient", "medical_type": "11", "insurance": "310"},
        "diagnoses": [{"code": "E78.500", "name": "高脂血症", "main": True}],
        "lines": [{**STATIN, "id": line_id}],
        **others,
    }


def excess(answer):
    return next((found for found in answer["findings"] if found["rule"] == RULE), None)


@pytest.fixture
def hospital(serve, database_url, tmp_path):
    """The application with the example pack beside the national one, and a database."""
    packs_there = [starter_pack(), compile_pack(STARTER.parent / "hospital-example")]
    settings = packs.Settings(data_dir=tmp_path)
    prepare(settings)
    for pack in packs_there:
        keep(tmp_path, pack)
    scheme = starter_scheme()
    names = {pack.name: pack.digest for pack in packs_there}
    write_activation(tmp_path, Activation(names, source="database", schemes=((scheme.name, scheme.digest),)))
    client = serve(database_url=database_url)
    instance = client.app.web.state.instance
    instance.settler._clock = lambda: NOW
    later = [NOW]

    def tick():
        later[0] += timedelta(seconds=1)
        return later[0]

    instance.hot_path._entrance = replace(instance.hot_path._entrance, clock=tick)
    return client


def told(client, what, *entries):
    reply = client.post(f"/v1/lines:{what}", json={"entries": list(entries)})
    assert 200 == reply.status_code, reply.text
    return [entry["state"] for entry in reply.json()["entries"]]


def statuses(url):
    rows = execute(url, "SELECT line, status FROM saved_line ORDER BY line_key")
    return sorted((json.loads(row["line"])["id"], row["status"]) for row in rows)


def outcome(url, verdict):
    rows = execute(url, f"SELECT outcome FROM finding WHERE verdict_id = '{verdict}' AND rule = '{RULE}'")
    return rows[0]["outcome"] if rows else None


@pytest.mark.db
class TestCircle:
    def test_confirmed_lines_count_and_cancelled_ones_do_not(self, hospital, database_url):
        """Three boxes are within the limit; three more are not, until the first are taken back."""
        first = post(hospital, order("MZ1", "rx1")).json()
        assert excess(first) is None
        assert ["accepted"] == told(hospital, "confirm", {"verdict": first["id"]})
        eventually(lambda: statuses(database_url) == [("rx1", "saved")])

        second = post(hospital, order("MZ2", "rx2")).json()
        assert "30 天内已开 3 盒" in excess(second)["message"]
        told(hospital, "confirm", {"finding": excess(second)["id"], "self_pay": True})
        eventually(lambda: outcome(database_url, second["id"]) == "charged")
        told(hospital, "cancel", {"verdict": first["id"]}, {"verdict": second["id"], "lines": ["rx2"]})
        eventually(lambda: outcome(database_url, second["id"]) == "cancelled")

        assert [("rx1", "cancelled"), ("rx2", "cancelled")] == statuses(database_url)
        assert excess(post(hospital, order("MZ3", "rx3")).json()) is None

    def test_lines_told_by_themselves(self, hospital, database_url):
        """Without a check before: the same fields, and the same line when a check carries it later."""
        line = {**STATIN, "begin": "2026-03-10 08:00:00", "doctor": "D0012"}
        entry = {"patient_id": "P1", "visit": {"id": "MZ0", "type": "outpatient"}, "lines": [line]}
        assert ["accepted"] == told(hospital, "confirm", entry)
        eventually(lambda: statuses(database_url) == [("rx1", "saved")])

        answer = post(hospital, order("MZ2", "rx2")).json()
        assert "30 天内已开 3 盒(最近 2026-03-10,开单医师 D0012)" in excess(answer)["message"]
        past = {**line, "current": False, "visit": "MZ0"}
        again = post(hospital, order("MZ2", "rx2", lines=[{**STATIN, "id": "rx2"}, past])).json()
        assert "30 天内已开 3 盒" in excess(again)["message"]

        told(hospital, "cancel", entry)
        eventually(lambda: statuses(database_url) == [("rx1", "cancelled")])
        assert excess(post(hospital, order("MZ3", "rx3")).json()) is None
        assert 1 == value(database_url, "SELECT count(*) FROM saved_visit WHERE visit = 'MZ0'")

    def test_lines_cancelled_by_themselves_withdraw_findings(self, hospital, database_url):
        """Whoever deletes an order knows its visit and line, not our verdict."""
        body = order("MZ1", "rx1", lines=[{**STATIN, "quantity": 6, "begin": "2026-03-18 09:00:00"}])
        answer = post(hospital, body).json()
        told(hospital, "confirm", {"verdict": answer["id"]})
        eventually(lambda: outcome(database_url, answer["id"]) == "charged")

        gone = {"patient_id": "P1", "visit": {"id": "MZ1"}, "lines": body["lines"]}
        told(hospital, "cancel", gone)
        eventually(lambda: outcome(database_url, answer["id"]) == "cancelled")
        assert [("rx1", "cancelled")] == statuses(database_url)

    def test_a_later_message_counts_once_what_was_confirmed(self, hospital, database_url):
        """A message that carries the line as history tells of the same line."""
        body = order("MZ1", "rx1", lines=[{**STATIN, "begin": "2026-03-18 08:00:00"}])
        first = post(hospital, body).json()
        told(hospital, "confirm", {"verdict": first["id"]})
        eventually(lambda: statuses(database_url) == [("rx1", "saved")])

        past = {**body["lines"][0], "current": False, "visit": "MZ1"}
        second = post(hospital, order("MZ2", "rx2", lines=[{**STATIN, "id": "rx2"}, past])).json()
        assert "30 天内已开 3 盒" in excess(second)["message"]
        eventually(lambda: value(database_url, f"SELECT count(*) FROM verdict WHERE id = '{second['id']}'"))
        assert [("rx1", "saved")] == statuses(database_url)

    def test_national_dispositions(self, hospital, database_url):
        """Way 1 of 3103 tells that the lines were saved; way 2 that the user went back, and nothing is saved."""
        (row,) = hospital.post("/national", json=MESSAGE).json()["output"]["result"]
        self._dispose(hospital, row["jr_id"], "2")
        eventually(lambda: value(database_url, "SELECT count(*) FROM finding WHERE action = 'revised'"))
        assert [] == statuses(database_url)

        self._dispose(hospital, row["jr_id"], "1")
        eventually(lambda: value(database_url, "SELECT count(*) FROM finding WHERE action = 'continued'"))
        assert [("CF1-1", "saved")] == statuses(database_url)
        assert "charged" == value(database_url, "SELECT outcome FROM finding WHERE action = 'continued'")
        reasons = execute(database_url, "SELECT reason, sealed_reason FROM disposition WHERE action = 'continued'")
        assert [("", True)] == [(found["reason"], bool(found["sealed_reason"])) for found in reasons]

    def _dispose(self, client, finding, way):
        warns = [{"warn_rslt_id": finding, "dspo_way": way, "dspo_way_rea": "病情需要"}]
        message = {"infno": "3103", "fixmedins_code": "H33019900001", "input": {"data": {"warns": warns}}}
        assert 0 == client.post("/national", json=message).json()["infcode"]

    def test_whose_verdict_it_is(self, hospital, database_url):
        """A caller for several hospitals need not say it: what the verdict belongs to holds."""
        answer = post(hospital, order("MZ1", "rx1", hospital="H00000000009")).json()
        told(hospital, "confirm", {"verdict": answer["id"]})
        eventually(lambda: statuses(database_url) == [("rx1", "saved")])

        assert "H00000000009" == value(database_url, "SELECT hospital FROM saved_line")


class TestEntries:
    @pytest.fixture
    def journal(self, client):
        """Records in memory, and whatever is to be said of the disk."""
        flow = client.app.web.state.instance.flow
        kept = Journal()
        flow._parts = replace(flow._parts, journal=kept)
        return kept

    def test_an_id_that_is_nobodys(self, client, journal):
        """It is said per entry, and the others are accepted all the same."""
        answer = post(client, EXAMPLE).json()
        finding, other = answer["findings"][0]["id"], post(client, EXAMPLE | {"message_id": "m2"}).json()["id"]
        del journal.payloads[:]
        entries = [
            {"verdict": answer["id"].upper()},
            {"verdict": "00000000-0000-8000-8000-000000000000"},
            {"finding": "nonsense"},
            {"finding": finding, "verdict": other},
            {"finding": finding, "self_pay": True},
        ]

        assert ["accepted", "unknown", "unknown", "unknown", "accepted"] == told(client, "confirm", *entries)
        first, second = journal.records
        assert (answer["id"], "saved", None, None) == (first.verdict_id, first.action, first.number, first.lines)
        assert (answer["id"], "self_paid", 1) == (second.verdict_id, second.action, second.number)

    def test_one_entry_by_itself(self, client, journal):
        """`entries` is for several."""
        answer = post(client, EXAMPLE).json()
        reply = client.post("/v1/lines:cancel", json={"verdict": answer["id"], "lines": ["CF1-2"]})

        assert [{"state": "accepted", "verdict": answer["id"], "lines": 1}] == reply.json()["entries"]
        assert ("cancelled", ("CF1-2",)) == (journal.records[-1].action, journal.records[-1].lines)

    def test_lines_are_read_as_a_check_reads_them(self, client, journal):
        """One reader: what is told is what was checked."""
        lines = [{**line, "begin": "2026-03-18 09:00:00"} for line in EXAMPLE["lines"]]
        post(client, EXAMPLE | {"lines": lines})
        entry = {"patient_id": "demo", "visit": EXAMPLE["visit"], "diagnoses": EXAMPLE["diagnoses"], "lines": lines}
        told(client, "confirm", entry)

        checked, saved = journal.records
        encounter = json.loads(bytes(checked.input))["encounter"]
        assert isinstance(saved, records.SavedLinesRecord)
        assert encounter["patient"]["pseudonym"] == saved.patient
        assert encounter["lines"] == json.loads(records.encode(saved))["lines"]
        assert ("MZ1", "outpatient", "I10.X00X002") == (saved.visit, saved.past_visit.type, saved.past_visit.diagnosis)
        assert b"demo" not in journal.payloads[-1]

    def test_not_recorded(self, client, journal):
        """A journal without room: it is said, counted, and to be sent again."""
        answer = post(client, EXAMPLE).json()
        before = metric(client, TOLD, by="confirm", result="not_recorded")
        journal.room = False

        assert ["not_recorded"] == told(client, "confirm", {"verdict": answer["id"]})
        assert before + 1 == metric(client, TOLD, by="confirm", result="not_recorded")

    def test_a_database_that_is_away(self, client, journal):
        """Cancelled lines are recorded; that findings about them are left is counted."""
        left = {"by": "cancel", "result": "findings_left"}
        before = metric(client, TOLD, **left)
        line = {**STATIN, "begin": "2026-03-18 09:00:00"}

        assert ["accepted"] == told(client, "cancel", {"patient_id": "P1", "visit": {"id": "V"}, "lines": [line]})
        assert before + 1 == metric(client, TOLD, **left)

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({}, {"visit", "lines"}),
            ({"verdict": "v", "line": ["rx1"]}, {"line"}),
            ({"verdict": "v", "lines": []}, {"lines"}),
            ({"patient_id": "", "visit": {}, "lines": [STATIN]}, {"patient_id", "visit.id", "lines[0].begin"}),
            (
                {"entries": [{"patient_id": "P", "visit": {"id": "V"}, "lines": [{"id": "a", "dose_": 1}]}]},
                {"entries[0].lines[0].dose_"},
            ),
            (
                {"patient_id": "P", "visit": {"id": "V"}, "lines": [{**STATIN, "begin": "2206-01-01"}]},
                {"lines[0].begin"},
            ),
            ({"entries": []}, {"entries"}),
            ({"entries": [{}] * 1001}, {"entries"}),
            ({"entries": [7], "more": 1}, {"entries[0]", "more"}),
            ([], {""}),
        ],
    )
    def test_every_fault_at_once(self, client, body, fields):
        """In the caller's own names; nothing is recorded then."""
        reply = client.post("/v1/lines:confirm", json=body)

        assert 422 == reply.status_code
        assert fields == {fault["field"] for fault in reply.json()["faults"]}

    def test_self_pay_is_no_cancelling(self, client):
        """It says how a line was saved."""
        reply = client.post("/v1/lines:cancel", json={"verdict": "v", "self_pay": True})

        assert ["self_pay"] == [fault["field"] for fault in reply.json()["faults"]]

    def test_no_json(self, client):
        """A problem, as everywhere."""
        assert 400 == client.post("/v1/lines:confirm", content=b"{").status_code


@pytest.mark.db
class TestImport:
    def _import(self, client, content, **options):
        headers = {"content-type": "application/x-ndjson"} | options.pop("headers", {})
        return client.post("/v1/history:import", content=content, headers=headers, params=options)

    def test_imported_lines_count(self, hospital, database_url):
        """They are history from then on; the same again changes nothing."""
        content = copy.deepcopy([ROW, {**ROW, "quantity": "x"}])
        body = "\n".join(json.dumps(row) for row in content)
        report = self._import(hospital, body).json()

        assert (2, 1, 1) == (report["rows_done"], report["rows_written"], report["rows_rejected"])
        assert [{"row": 2, "field": "quantity", "message": "应为数字"}] == report["rejected"]
        assert "30 天内已开 3 盒" in excess(post(hospital, order("MZ2", "rx2")).json())["message"]
        self._import(hospital, body)
        assert [("rx1", "saved")] == statuses(database_url)

    def test_an_import_has_a_name_and_a_state(self, hospital):
        """It can be asked how far it got, and another file under its name is refused."""
        body = json.dumps(ROW)
        report = self._import(hospital, body, headers={"import-id": "his-2025"}).json()
        assert ("his-2025", 1) == (report["import_id"], report["rows_written"])
        assert {"import_id": "his-2025", "rows_done": 1, "rows_rejected": 0, "complete": True} == hospital.get(
            "/v1/history/imports/his-2025"
        ).json()

        assert 409 == self._import(hospital, "{}", headers={"import-id": "his-2025"}).status_code
        assert 404 == hospital.get("/v1/history/imports/other").status_code

    def test_a_table(self, hospital, database_url):
        """CSV, of a hospital that the caller names, as of a day."""
        names = [*ROW]
        text = ",".join(names) + "\n" + ",".join(str(ROW[name]) for name in names)
        options = {"hospital": "H9", "as_of": "2026-03-17T00:00:00"}
        report = self._import(hospital, text, headers={"content-type": "text/csv"}, **options).json()

        assert 1 == report["rows_written"]
        (row,) = execute(database_url, "SELECT hospital, received FROM saved_line")
        assert ("H9", 16) == (row["hospital"], row["received"].day)

    def test_coverage(self, hospital):
        """Declared, read back, withdrawn; the last word holds."""
        nobody = hospital.get("/v1/history/coverage").json()
        assert (None, None, None) == (nobody["since"], nobody["by"], nobody["declared"])
        hospital.put("/v1/history/coverage", json={"since": "2025-01-01", "by": "信息科"})
        found = hospital.get("/v1/history/coverage").json()
        assert ("2025-01-01", "信息科") == (found["since"], found["by"])

        assert hospital.put("/v1/history/coverage", json={"since": None, "by": "信息科"}).json()["since"] is None
        reply = hospital.put("/v1/history/coverage", json={"since": "2999-01-01", "by": "信息科"})
        assert ["since"] == [fault["field"] for fault in reply.json()["faults"]]

    def test_a_bound_key_speaks_for_its_hospital_only(self, serve, database_url, tmp_path):
        """Another one is refused, not taken for its own."""
        key = {"authorization": f"Bearer {keys.create(tmp_path, 'his', 'H1')}"}
        client = serve(database_url=database_url)

        assert 404 == self._import(client, json.dumps(ROW), headers=key, hospital="H9").status_code
        declared = {"since": None, "by": "x"}
        assert 404 == client.put("/v1/history/coverage", json=declared | {"hospital": "H9"}, headers=key).status_code
        assert 200 == self._import(client, json.dumps(ROW), headers=key).status_code
        assert 200 == client.put("/v1/history/coverage", json=declared, headers=key).status_code
        assert "H1" == value(database_url, "SELECT hospital FROM saved_line")
        assert "H1" == value(database_url, "SELECT hospital FROM history_coverage")
        assert 401 == client.get("/v1/history/coverage").status_code


class TestImportFaults:
    def test_no_rows_form(self, client):
        """JSON is no table."""
        assert 415 == client.post("/v1/history:import", json={}).status_code

    def test_too_large_announced(self, client):
        """Refused before it is read."""
        headers = {"content-type": "text/csv", "content-length": str(65 * 1024 * 1024)}
        assert 413 == client.post("/v1/history:import", content=b"x", headers=headers).status_code

    def test_a_header_nobody_knows(self, client):
        """A misspelt column must not read as an absent one."""
        reply = client.post("/v1/history:import", content=b"patient,item\n1,2\n", headers={"content-type": "text/csv"})

        assert ["header"] == [fault["field"] for fault in reply.json()["faults"]]

    def test_without_a_database(self, client):
        """It says how far it got, and that it can go on."""
        row = json.dumps(ROW)
        headers = {"content-type": "application/x-ndjson", "import-id": "a"}
        reply = client.post("/v1/history:import", content=row, headers=headers)

        assert (503, "no_database") == (reply.status_code, reply.json()["code"])
        assert "已完成 0 行" in reply.json()["detail"]
