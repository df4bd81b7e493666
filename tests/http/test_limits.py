"""What is read, from whom, and what odd values give: a limit and a fault, never a 5xx, and no text of a failure."""

import base64
import json

import orjson
import pytest
from structlog.testing import capture_logs

from service.db import verdict_lists
from service.history.rows import LONGEST, CsvRows
from tests.http.test_native import fields, post

U = "00000000-0000-0000-0000-000000000000"
BODIES = [
    ("POST", "/v1/dispositions"),
    ("POST", "/v1/verdicts:search"),
    ("POST", f"/v1/verdicts/{U}:replay"),
    ("POST", "/v1/replays"),
    ("PUT", "/v1/history/coverage"),
    ("POST", "/v1/patients:export"),
    ("POST", "/v1/patients:erase"),
]
"""Routes whose bodies FastAPI reads."""
PERIOD = {"from": "2026-03-01", "to": "2026-03-31"}
ODD = [
    ("GET", "/v1/verdicts", {"from": "0001-01-01", "to": "0001-01-02"}),
    ("GET", "/v1/verdicts", {"from": "9999-12-31"}),
    ("GET", "/v1/reconciliation", {"day": "9999-12-31"}),
    ("GET", "/v1/reconciliation", {"day": "0001-01-01"}),
    ("POST", "/v1/reconciliation", {"day": "9999-12-31", "message_ids": ["a"]}),
    ("GET", "/v1/history/coverage", {"hospital": "a\0b"}),
    ("GET", "/v1/history/coverage", {"hospitl": "H1"}),
    ("GET", "/v1/record", {"hospitl": "H1"}),
    ("GET", f"/v1/rechecks/{U}", {"hospitl": "H1"}),
    ("PUT", "/v1/history/coverage", {"since": "0001-01-01", "by": "x"}),
    ("PUT", "/v1/history/coverage", {"since": "2026-01-01", "by": "x\0"}),
    ("POST", "/v1/lines:confirm", {"verdict": U, "hospital": "a\0"}),
    ("POST", "/v1/replays", {"from": "0001-01-01", "to": "9999-12-31"}),
    ("POST", "/v1/replays", PERIOD | {"rule": "a\0"}),
    ("POST", "/v1/replays", PERIOD | {"pack": ["a"] * 51}),
    ("POST", "/v1/patients:export", {"patient_id": "P1", "hospital": "a\0"}),
    ("POST", "/v1/patients:erase", {"patient_id": "P1", "reason": "x\0"}),
]
CURSORS = [
    ["newest", "2026-03-18", "0001-01-01T00:00:00+14:00", U],
    ["newest", "2026-03-18", "9999-12-31T23:59:59-14:00", U],
    ["newest", "2026-03-18", "2026-03-18T00:00:00", U],
    ["oldest", "2026-03-18", "2026-03-18T00:00:00Z", U],
    ["amount", 2**62, "2026-03-18T00:00:00Z", U],
]


class TestBodies:
    @pytest.mark.parametrize(("method", "path"), BODIES)
    def test_a_stranger_sends_nothing(self, serve, method, path):
        """Whoever has no key is told so before the body is looked at."""
        client = serve(api_key="secret")

        assert 401 == client.request(method, path, content=b"{", headers={"content-type": "text/plain"}).status_code

    @pytest.mark.parametrize(("method", "path"), BODIES)
    def test_size_type_and_form(self, serve, method, path):
        """413, 415 and 400, as the OpenAPI document says."""
        client = serve(max_body_bytes=100)

        def status(content, media="application/json"):
            return client.request(method, path, content=content, headers={"content-type": media}).status_code

        assert (413, 415, 400) == (status(json.dumps(["x" * 200])), status(b"{}", "text/plain"), status(b"{"))

    def test_lines_of_another_type(self, client):
        """The same holds where the body is read by hand."""
        assert (
            415 == client.post("/v1/lines:confirm", content=b"{}", headers={"content-type": "text/plain"}).status_code
        )


@pytest.mark.db
class TestOdd:
    def test_odd_values_are_faults(self, serve, database_url):
        """Days that neither Python nor PostgreSQL can move, U+0000, misspelt parameters, endless lists: 422."""
        client = serve(database_url=database_url)
        asked = [
            client.request(method, path, **{"params" if method == "GET" else "json": given})
            for method, path, given in ODD
        ]

        assert [422] * len(ODD) == [reply.status_code for reply in asked]

    def test_cursors_of_other_making(self, serve, database_url):
        """One of another order, or of a moment that does not exist in UTC, is a fault."""
        client = serve(database_url=database_url)
        for parts in CURSORS:
            after = base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")
            reply = client.get("/v1/verdicts", params={"after": after})
            assert (422, ["after"]) == (reply.status_code, fields(reply))

    def test_the_time_of_an_import(self, serve, database_url):
        """A file of the year one is a slip of the pen."""
        reply = serve(database_url=database_url).post(
            "/v1/history:import",
            content=b"id\n",
            headers={"content-type": "text/csv"},
            params={"as_of": "0001-01-01T00:00:00+14:00"},
        )

        assert (422, ["as_of"]) == (reply.status_code, fields(reply))


class TestFailures:
    def test_the_text_of_a_failure_goes_nowhere(self, client, monkeypatch):
        """Not to the caller, not into the log, and not on to the server, which would write it down."""

        async def fail(*_, **__):
            raise ValueError("330101195803127766")

        monkeypatch.setattr(verdict_lists, "page", fail)
        monkeypatch.setattr(client._transport, "raise_server_exceptions", True)
        with capture_logs() as logged:
            reply = client.get("/v1/verdicts")

        assert (500, "internal") == (reply.status_code, reply.json()["code"])
        assert ["ValueError"] == [entry["error"] for entry in logged if entry["event"] == "request failed"]
        assert "330101195803127766" not in str(logged) + reply.text

    def test_an_erasure_keeps_no_id(self, client):
        """The reason and the name are kept for good: the id must not be in them."""
        given = {"patient_id": "330101195803127766", "reason": "患者 330101195803127766 申请", "by": "信息科"}
        reply = post(client, given, "/v1/patients:erase")

        assert (422, ["reason"]) == (reply.status_code, fields(reply))
        assert "330101195803127766" not in reply.text


class TestImportRows:
    def test_a_quote_that_nobody_closes(self):
        """The row ends where it is too long, and what comes after it is read again as rows."""
        rows = CsvRows(frozenset({"id", "item"}))
        text = b"id,item\n" + b'"' + b"\n" * (LONGEST + 1) + b'"1\n2",XA\n'
        chunks = [text[begin : begin + 65_536] for begin in range(0, len(text), 65_536)]
        broken, whole = (row for chunk in chunks for row in rows.feed(chunk))

        assert (None, "无法读取该行") == (broken.fields, broken.fault)
        assert {"id": "1\n2", "item": "XA"} == whole.fields
