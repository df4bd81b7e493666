"""Operations: alive, ready and why not, metrics, the rulebook, offline documentation, a current openapi.yaml."""

import re
from pathlib import Path

import pytest

from service.app import create_app
from service.dialects import DIALECTS
from service.openapi import as_yaml
from service.packs import EXAMPLE
from service.settings import Settings, SettingsError
from tests.http.test_native import post

ROOT = Path(__file__).parents[2]


def metric(client, name, **labels):
    """Return a metric's value on the page, 0 when it has none."""
    for line in client.get("/metrics").text.splitlines():
        if re.match(rf"{name}(\{{|\s)", line) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_alive_and_ready(client):
    """A worker with a rulebook is ready though no database answers, and says what it holds."""
    assert 200 == client.get("/livez").status_code
    ready = client.get("/readyz")
    assert (200, True) == (ready.status_code, ready.json()["ready"])
    assert {"national-2026"} == set(ready.json()["packs"])


def test_not_ready_without_a_rulebook(client):
    """Without a rulebook: 503 with a reason, on /readyz and on every check; never an empty answer."""
    client.app.web.state.instance.state.active = None

    assert 503 == client.get("/readyz").status_code
    assert client.get("/readyz").json()["reasons"]
    reply = post(client, EXAMPLE)
    assert (503, "not_ready") == (reply.status_code, reply.json()["code"])
    national = client.post("/national/3101", json={"infno": "3101"})
    assert (200, -1) == (national.status_code, national.json()["infcode"])


def test_metrics_move(client):
    """A check moves the counters of checks, findings by kind and level, and the histogram."""
    before = metric(client, "dipcheck_checks_total", dialect="native", state="warned")
    findings = metric(client, "dipcheck_findings_total", kind="sex_limit", level="warn")
    seconds = metric(client, "dipcheck_check_seconds_count", dialect="native")
    post(client, EXAMPLE)

    assert before + 1 == metric(client, "dipcheck_checks_total", dialect="native", state="warned")
    assert findings + 1 == metric(client, "dipcheck_findings_total", kind="sex_limit", level="warn")
    assert seconds + 1 == metric(client, "dipcheck_check_seconds_count", dialect="native")


def test_not_checked_and_problems_are_counted(client):
    """What was not checked, and what was refused, have counters of their own."""
    unread = metric(client, "dipcheck_not_checked_total", kind="sex_limit", reason="missing")
    refused = metric(client, "dipcheck_problems_total", dialect="native", code="not_json")
    post(client, EXAMPLE | {"patient": {}})
    post(client, "{")

    assert unread + 1 == metric(client, "dipcheck_not_checked_total", kind="sex_limit", reason="missing")
    assert refused + 1 == metric(client, "dipcheck_problems_total", dialect="native", code="not_json")


def test_rulebook_lists_what_is_incomplete(client):
    """Rows that must not fire are listed with their reason, and unset parameters are named."""
    document = client.get("/v1/rulebook").json()

    assert document["rules"]["sex_limit"] > 100
    assert all(entry["note"] for entry in document["incomplete"])
    assert ["second_surgery_rate", "working_age"] == document["unset"]


def test_documentation_needs_no_internet(client):
    """The Swagger page names no outside address, and its assets are served from here."""
    page = client.get("/docs").text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert assets
    assert [] == [asset for asset in assets if "//" in asset]
    assert {200} == {client.get(asset).status_code for asset in assets}


def test_openapi_is_current(client):
    """`openapi.yaml` is what the service says of itself; `make openapi` writes it."""
    assert as_yaml(client.get("/openapi.json").json()) == (ROOT / "openapi.yaml").read_text(encoding="utf-8")


def test_openapi_describes_every_dialect_path(client):
    """What the hot path answers without FastAPI is documented all the same."""
    paths = client.get("/openapi.json").json()["paths"]

    for dialect in DIALECTS.values():
        for path in dialect.paths:
            assert "post" in paths[path.replace("*", "{transaction}")]


def test_openapi_references_resolve(client):
    """Every reference points at a component, and the check route documents its body."""
    document = client.get("/openapi.json").json()
    names = set(document["components"]["schemas"])

    assert set(re.findall(r"#/components/schemas/(\w+)", str(document))) <= names
    assert "requestBody" in document["paths"]["/v1/checks"]["post"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "his.example"])
def test_an_open_door_is_refused(tmp_path, host):
    """An address that others can reach needs an API key (decision 9)."""
    with pytest.raises(SettingsError, match="no API key"):
        create_app(Settings(host=host, data_dir=tmp_path))


def test_logs_carry_no_identity(client, capfd):
    """Neither a check nor a refusal writes anything of the patient to the log."""
    body = EXAMPLE | {"patient": {"id": "330199195803120021", "sex": "female"}}
    post(client, body)
    post(client, {"patient": {"id": "330199195803120021", "sex": "李四"}, "lines": []})

    out, err = capfd.readouterr()
    assert "330199195803120021" not in out + err
    assert "李四" not in out + err


def test_journal_carries_no_identity(client, tmp_path):
    """The journal holds a pseudonym, never the person's id."""
    post(client, EXAMPLE | {"patient": {"id": "330199195803120021", "sex": "female"}})
    written = b"".join(path.read_bytes() for path in (tmp_path / "journal").rglob("*") if path.is_file())

    assert b"330199195803120021" not in written
    assert b'"pseudonym":"' in written
