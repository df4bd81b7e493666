"""Replies of the record's routes are what the OpenAPI document says of them: not a key more, not one less."""

import pytest

from service.packs import EXAMPLE
from tests.http.test_native import post
from tests.http.test_recorded import eventually
from tests.postgres import value

pytestmark = pytest.mark.db
PERIOD = {"from": "2026-03-01", "to": "2026-03-31"}
LINE = {"id": "L1", "item": "XA", "begin": "2026-03-10 08:00:00", "quantity": 1}
PAST = b'{"patient_id":"P1","visit":"V1","id":"L1","item":"XA","begin":"2026-03-10 08:00:00","quantity":1}\n{}\n'
ORDER = EXAMPLE | {"lines": [line | {"begin": "2026-03-18 08:00:00"} for line in EXAMPLE["lines"]]}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def differences(schema, document, schemas, place=""):
    """Yield where a document is not what a schema says: keys nobody told of, keys that are missing, other types."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        tried = [list(differences(one, document, schemas, place)) for one in schema["anyOf"]]
        yield from min(tried, key=len)
        return
    kind = schema.get("type")
    if kind == "null" or (kind and not isinstance(document, TYPES[kind])):
        if not (kind == "null" and document is None):
            yield f"{place}: {document!r} is no {kind}"
        return
    if "enum" in schema and document not in schema["enum"]:
        yield f"{place}: {document!r}"
    if isinstance(document, dict) and "properties" in schema:
        yield from (f"{place}.{name} is not told of" for name in document.keys() - schema["properties"].keys())
        yield from (f"{place}.{name} is missing" for name in set(schema.get("required", ())) - document.keys())
    for name, entry in document.items() if isinstance(document, dict) else ():
        inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        if isinstance(inner, dict):
            yield from differences(inner, entry, schemas, f"{place}.{name}")
    for entry in document if isinstance(document, list) else ():
        yield from differences(schema.get("items", {}), entry, schemas, f"{place}[]")


class Described:
    """Asks, and compares each reply with what is written about it."""

    def __init__(self, client):
        self._client = client
        self._document = client.get("/openapi.json").json()

    def __call__(self, method, path, template=None, **options):
        reply = self._client.request(method, path, **options)
        operation = self._document["paths"][template or path][method.lower()]
        said = operation["responses"].get(str(reply.status_code))
        assert said is not None, (method, path, reply.status_code, reply.text[:300])
        kind = reply.headers["content-type"].partition(";")[0]
        schema = said.get("content", {}).get(kind, {}).get("schema")
        if schema is not None and kind == "application/json":
            found = list(differences(schema, reply.json(), self._document["components"]["schemas"]))
            assert [] == found, (method, path, reply.status_code)
        return reply


def test_replies_are_what_is_written_of_them(serve, database_url):
    """Every new route, in the states it can be in."""
    client = serve(database_url=database_url)
    ask = Described(client)
    verdict = post(client, EXAMPLE).json()
    post(client, b"{}")
    one, told = verdict["id"], {"verdict": verdict["id"], "self_pay": True}
    disposed = {"finding": verdict["findings"][0]["id"], "action": "continued", "reason_code": "other"}
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))

    assert 200 == ask("POST", "/v1/dispositions", json={"dispositions": [disposed]}).status_code
    assert 200 == ask("POST", "/v1/lines:confirm", json=told).status_code
    assert (
        200
        == ask(
            "POST", "/v1/lines:cancel", json={"patient_id": "P1", "visit": {"id": "V1"}, "lines": [LINE]}
        ).status_code
    )
    eventually(lambda: value(database_url, "SELECT count(*) FROM finding WHERE outcome IS NOT NULL"))
    for name in ("", "/receipt"):
        ask("GET", f"/v1/verdicts/{one}{name}", "/v1/verdicts/{verdict_id}" + name)
        assert 404 == ask("GET", f"/v1/verdicts/x{name}", "/v1/verdicts/{verdict_id}" + name).status_code
    for given in ({}, {"pack": "starter"}, {"overlay": {"off": ["x"]}}, {"pack": ["nobody's"]}):
        ask("POST", f"/v1/verdicts/{one}:replay", "/v1/verdicts/{verdict_id}:replay", json=given)
    for given in ({}, {"overlay": {"off": [verdict["findings"][0]["rule"]]}}):
        assert 200 == ask("POST", "/v1/replays", json=PERIOD | given).status_code
    for format in ("json", "csv"):
        assert 200 == ask("GET", "/v1/verdicts", params={"format": format}).status_code
        assert 200 == ask("GET", "/v1/reconciliation", params={"format": format}).status_code
        assert 200 == ask("POST", "/v1/verdicts:search", json={"patient_id": "demo", "format": format}).status_code
        ask("GET", "/v1/visits/MZ1/verdicts", "/v1/visits/{visit}/verdicts", params={"format": format})
    assert 200 == ask("POST", "/v1/reconciliation", json={"day": "2026-03-18", "message_ids": ["a"]}).status_code
    assert 200 == ask("GET", "/v1/record", params={"set_aside": "list"}).status_code
    ask("GET", "/v1/reasons")
    taken = ask("POST", "/v1/checks:recheck", json={"orders": [ORDER, {}]})
    assert 202 == taken.status_code
    progress = f"/v1/rechecks/{taken.json()['list']}"
    ask("GET", progress, "/v1/rechecks/{list_id}")
    eventually(lambda: ask("GET", progress, "/v1/rechecks/{list_id}").json().get("checked") == 1)
    headers = {"content-type": "application/x-ndjson", "import-id": "one"}
    assert 200 == ask("POST", "/v1/history:import", content=PAST, headers=headers).status_code
    assert 409 == ask("POST", "/v1/history:import", content=b"{}", headers=headers).status_code
    ask("GET", "/v1/history/imports/one", "/v1/history/imports/{import_id}")
    ask("GET", "/v1/history/coverage")
    assert 200 == ask("PUT", "/v1/history/coverage", json={"since": "2026-01-01", "by": "x"}).status_code
    ask("POST", "/v1/patients:export", json={"patient_id": "demo"})
    assert 200 == ask("POST", "/v1/patients:erase", json={"patient_id": "demo", "reason": "x"}).status_code
    assert 410 == ask("GET", f"/v1/verdicts/{one}", "/v1/verdicts/{verdict_id}").status_code
    assert 200 == ask("GET", f"/v1/verdicts/{one}/receipt", "/v1/verdicts/{verdict_id}/receipt").status_code


@pytest.mark.parametrize(
    "path",
    ["/v1/verdicts", "/v1/reconciliation", "/v1/history/coverage", "/v1/record", "/v1/replays", "/v1/verdicts:search"],
)
def test_refusals_are_written_down(client, path):
    """Without a database, and for a parameter nobody knows."""
    ask = Described(client)
    method, place = ("POST", "json") if path in {"/v1/replays", "/v1/verdicts:search"} else ("GET", "params")

    ask(method, path, **{place: PERIOD if path == "/v1/replays" else {}})
    assert 422 == ask(method, path, **{place: {"misspelt": "x"}}).status_code
