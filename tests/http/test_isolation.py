"""A key of one hospital learns nothing of another's: whatever it names, the answer is that of what is not there."""

import pytest

from service import keys
from service.packs import EXAMPLE
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

pytestmark = pytest.mark.db
PERIOD = {"from": "2026-03-01", "to": "2026-03-31"}
NAMING_ANOTHER = [
    ("GET", "/v1/verdicts", {"params": {"hospital": "H1"}}),
    ("POST", "/v1/verdicts:search", {"json": {"hospital": "H1"}}),
    ("GET", "/v1/visits/MZ1/verdicts", {"params": {"hospital": "H1"}}),
    ("GET", "/v1/reconciliation", {"params": {"hospital": "H1"}}),
    ("POST", "/v1/reconciliation", {"json": {"day": "2026-03-18", "message_ids": ["a"], "hospital": "H1"}}),
    ("GET", "/v1/record", {"params": {"hospital": "H1"}}),
    ("POST", "/v1/checks:recheck", {"json": {"orders": [EXAMPLE], "hospital": "H1"}}),
    ("POST", "/v1/replays", {"json": PERIOD | {"hospital": "H1"}}),
    ("GET", "/v1/history/coverage", {"params": {"hospital": "H1"}}),
    ("PUT", "/v1/history/coverage", {"json": {"since": None, "by": "x", "hospital": "H1"}}),
    ("GET", "/v1/history/imports/file-1", {"params": {"hospital": "H1"}}),
    (
        "POST",
        "/v1/history:import",
        {"params": {"hospital": "H1"}, "content": b"", "headers": {"content-type": "text/csv"}},
    ),
    ("POST", "/v1/patients:export", {"json": {"patient_id": "demo", "hospital": "H1"}}),
    ("POST", "/v1/patients:erase", {"json": {"patient_id": "demo", "hospital": "H1", "reason": "x"}}),
]


@pytest.fixture
def asked(serve, database_url, tmp_path):
    """Ask as the key of hospital H1 or H2."""
    headers = {name: {"x-api-key": keys.create(tmp_path, name, name)} for name in ("H1", "H2")}
    client = serve(database_url=database_url)

    def ask(hospital, method, path, **options):
        given = headers[hospital] | options.pop("headers", {})
        return client.request(method, path, headers=given, **options)

    return ask


@pytest.fixture
def theirs(asked, database_url):
    """A verdict of H1, in the database."""
    found = asked("H1", "POST", "/v1/checks", json=EXAMPLE).json()["id"]
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))
    return found


def test_another_hospital_cannot_be_named(asked):
    """404 wherever a hospital can be named, whether there is such a one or not."""
    assert {404} == {asked("H2", method, path, **options).status_code for method, path, options in NAMING_ANOTHER}


@pytest.mark.parametrize("state", ["whole", "erased", "damaged"])
def test_another_hospitals_verdict_is_not_found(asked, theirs, database_url, state):
    """Read, replayed or proved, and in whatever state it is: nothing tells it from one that never was."""
    if state == "erased":
        asked("H1", "POST", "/v1/patients:erase", json={"patient_id": "demo", "reason": "x"})
    if state == "damaged":
        execute(database_url, "UPDATE verdict SET input = set_byte(input, 40, get_byte(input, 40) # 1)", "SELECT 1")
    own = {"whole": 200, "erased": 410, "damaged": 500}[state]

    for method, beneath in (("GET", ""), ("POST", ":replay")):
        assert own == asked("H1", method, f"/v1/verdicts/{theirs}{beneath}").status_code
        foreign = asked("H2", method, f"/v1/verdicts/{theirs}{beneath}")
        never = asked("H2", method, f"/v1/verdicts/00000000-0000-4000-8000-000000000000{beneath}")
        assert (404, never.json()) == (foreign.status_code, foreign.json())
    assert 404 == asked("H2", "GET", f"/v1/verdicts/{theirs}/receipt").status_code


def test_another_hospitals_rows_are_in_no_answer(asked, theirs):
    """Lists, a visit, a search by patient, a day and a period are as empty as if nothing had ever happened."""
    assert [] == asked("H2", "GET", "/v1/verdicts").json()["verdicts"]
    assert [] == asked("H2", "GET", "/v1/visits/MZ1/verdicts").json()["verdicts"]
    assert [] == asked("H2", "POST", "/v1/verdicts:search", json={"patient_id": "demo"}).json()["verdicts"]
    day = asked("H2", "GET", "/v1/reconciliation").json()
    assert ([], []) == (day["callers"], day["messages"])
    sent = {"day": "2026-03-18", "message_ids": [EXAMPLE["message_id"]]}
    assert [EXAMPLE["message_id"]] == asked("H2", "POST", "/v1/reconciliation", json=sent).json()["unknown"]
    assert 0 == asked("H2", "POST", "/v1/replays", json=PERIOD).json()["read"]


def test_another_hospitals_verdict_cannot_be_written_to(asked, theirs, database_url):
    """Lines told of it and dispositions go nowhere near it."""
    asked("H2", "POST", "/v1/lines:confirm", json={"verdict": theirs, "hospital": "H1"})
    finding = asked("H1", "GET", "/v1/verdicts").json()["verdicts"][0]["findings"][0]["id"]
    asked("H2", "POST", "/v1/dispositions", json={"dispositions": [{"finding": finding, "action": "deleted"}]})
    eventually(lambda: value(database_url, "SELECT count(*) FROM disposition"))
    eventually(lambda: value(database_url, "SELECT count(*) FROM line_event"))

    assert ["H2"] == value(database_url, "SELECT array_agg(DISTINCT hospital) FROM line_event")
    assert 0 == value(database_url, "SELECT count(*) FROM saved_line")
    assert "unreviewed" == asked("H1", "GET", "/v1/verdicts").json()["verdicts"][0]["findings"][0]["status"]


def test_another_hospitals_list_of_rechecks_is_not_shown(asked, theirs, database_url):
    """It stays pending, as any list that is not there yet."""
    lines = [line | {"begin": "2026-03-18 08:00:00"} for line in EXAMPLE["lines"]]
    taken = asked("H1", "POST", "/v1/checks:recheck", json={"orders": [EXAMPLE | {"lines": lines}]}).json()
    eventually(lambda: value(database_url, "SELECT count(*) FROM recheck"))

    assert 200 == asked("H1", "GET", taken["href"].partition("?")[0]).status_code
    assert (202, "pending") == (
        (reply := asked("H2", "GET", f"/v1/rechecks/{taken['list']}")).status_code,
        reply.json()["state"],
    )
