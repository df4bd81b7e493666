"""Receipts and `dipcheck verify`: what was answered over HTTP can be proven, offline too, and a forgery shows."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from starlette.testclient import TestClient

from service import keys
from service.cli import main
from service.evidence import receipts
from service.evidence.receipts import Entry, Point, Receipt
from service.packs import EXAMPLE
from service.schemas.evidence import ReceiptOut
from service.sealing import Sealer
from tests.http.test_native import post
from tests.postgres import execute

pytestmark = pytest.mark.db
PATIENCE = 15.0


def eventually(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds; fail if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def receipt_of(client: TestClient, identifier: str, **headers: str) -> dict[str, Any]:
    """Return a verdict's receipt, once it is in the database."""
    place = f"/v1/verdicts/{identifier}/receipt"
    reply = eventually(lambda: (found := client.get(place, headers=headers)).status_code == 200 and found)
    document: dict[str, Any] = reply.json()
    return document


@pytest.fixture
def recorded(serve: Callable[..., TestClient], database_url: str) -> TestClient:
    """The application with a database of its own."""
    return serve(database_url=database_url)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Callable[..., int]:
    """`dipcheck` beside that application."""
    monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DIPCHECK_DATABASE_URL", database_url)
    return lambda *arguments: main(arguments)


def test_a_receipt(recorded: TestClient, tmp_path: Path) -> None:
    """It proves its verdict with the key file alone, says nothing of the patient, and is what the API describes."""
    answer = post(recorded, EXAMPLE).json()
    document = receipt_of(recorded, answer["id"])
    receipt = receipts.read(orjson.dumps(document))
    sealer = Sealer((tmp_path / "keys" / "seal.key").read_bytes())

    assert list(receipts.faults_of(receipt, sealer)) == []
    assert (document["verdict"]["id"], document["verdict"]["state"]) == (answer["id"], "warned")
    assert (document["entry"]["sequence"], document["checkpoint"]["sequence"]) == (1, 1)
    assert "MZ1" not in orjson.dumps(document).decode()
    assert ReceiptOut.model_validate(document).model_dump() == document
    assert list(receipts.faults_of(receipt, Sealer(bytes(32)))) == ["the checkpoint's MAC was not made with this key"]


def test_who_asks(serve: Callable[..., TestClient], database_url: str, tmp_path: Path) -> None:
    """An invented id and another hospital's are not found; what is answered and not yet written is pending."""
    own = keys.create(tmp_path, "his", None)
    foreign = keys.create(tmp_path, "elsewhere", "H-OTHER")
    client = serve(database_url=database_url)
    answer = client.post("/v1/checks", json=EXAMPLE, headers={"x-api-key": own}).json()
    place = f"/v1/verdicts/{answer['id']}/receipt"
    receipt_of(client, answer["id"], **{"x-api-key": own})

    assert client.get(place, headers={"x-api-key": foreign}).status_code == 404
    assert client.get(place).status_code == 401
    assert client.get("/v1/verdicts/nonsense/receipt", headers={"x-api-key": own}).status_code == 404


def test_pending(serve: Callable[..., TestClient]) -> None:
    """Without a database there is a problem, and never an invented receipt."""
    client = serve()
    answer = post(client, EXAMPLE).json()

    assert client.get(f"/v1/verdicts/{answer['id']}/receipt").status_code == 503


def test_commands(
    recorded: TestClient, command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`receipt` prints what `receipt --check` accepts, and `verify` finds the record whole."""
    answer = post(recorded, EXAMPLE).json()
    receipt_of(recorded, answer["id"])
    assert command("receipt", answer["id"]) == 0
    file = tmp_path / "receipt.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert command("receipt", "--check", str(file)) == 0
    assert "compared with the database" in capsys.readouterr().out
    assert command("verify", "--deep") == 0

    assert capsys.readouterr().out.splitlines() == [
        "1 chains, 1 links, 1 checkpoints, 1 anchors",
        "1 verdict rows, 0 disposition rows, 0 line_event rows are as they were written",
        "1 verdicts opened and compared, 0 erased",
        "whole and unaltered",
    ]


def test_commands_name_what_was_changed(
    recorded: TestClient,
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    database_url: str,
    tmp_path: Path,
) -> None:
    """The verdict by its id, and how it differs from its receipt."""
    answer = post(recorded, EXAMPLE).json()
    document = receipt_of(recorded, answer["id"])
    file = tmp_path / "receipt.json"
    file.write_bytes(orjson.dumps(document))
    execute(database_url, "UPDATE verdict SET state = 'clear'", "SELECT 1")

    assert command("verify") == 1
    assert f"BROKEN  verdict {answer['id']}" in capsys.readouterr().out
    assert command("receipt", "--check", str(file)) == 1
    assert capsys.readouterr().out == "BROKEN  state is another one in the database\n"
    file.write_bytes(orjson.dumps(document | {"verdict": document["verdict"] | {"amount": 1}}))
    assert command("receipt", "--check", str(file)) == 1
    assert capsys.readouterr().out == "BROKEN  the verdict's columns are not those the link is about\n"


def test_misuse(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key file, no database, no receipt: said so, with exit code 2, and no key is made on the way."""
    assert command("verify", "--from", "2026-11-23", "--to", "2026-11-01") == 2
    assert "nothing would be proven" in capsys.readouterr().err
    assert command("verify") == 2
    assert "cannot read the key file" in capsys.readouterr().err
    assert not (tmp_path / "keys").exists()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "seal.key").write_bytes(bytes(32))
    file = tmp_path / "receipt.json"
    file.write_text("{}")
    assert command("receipt", "--check", str(file)) == 2
    assert command("receipt", "--check", str(tmp_path / "none")) == 2
    assert command("receipt", "00000000-0000-8000-8000-000000000000") == 2
    monkeypatch.setenv("DIPCHECK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert command("verify") == 2
    assert command("receipt", "00000000-0000-8000-8000-000000000000") == 2
    assert "does not answer" in capsys.readouterr().err


def altered(document: dict[str, Any], part: str, **changes: Any) -> Receipt:
    """Return a receipt with some of a part's values changed."""
    inner = document[part] | changes if part in {"verdict", "entry", "checkpoint"} else changes[part]
    return receipts.read(orjson.dumps(document | {part: inner}))


def test_forged_receipts(recorded: TestClient, tmp_path: Path) -> None:
    """Each value is bound to the others, or to the key."""
    document = receipt_of(recorded, post(recorded, EXAMPLE).json()["id"])
    sealer = Sealer((tmp_path / "keys" / "seal.key").read_bytes())
    forged = [
        *(altered(document, "verdict", **{name: "x"}) for name in document["verdict"]),
        *(altered(document, "entry", **{name: "00" * 32}) for name in ("digest", "previous", "link")),
        altered(document, "entry", sequence=2),
        altered(document, "entry", day="2026-03-19"),
        altered(document, "entry", worker="00000000-0000-0000-0000-000000000001"),
        *(altered(document, "checkpoint", **{name: "00" * 32}) for name in ("link", "mac")),
        altered(document, "checkpoint", sequence=2),
        altered(document, "checkpoint", day="2026-03-19"),
        altered(document, "following", following=["00" * 32]),
        altered(document, "version", version="another"),
        receipts.read(orjson.dumps(document | {"verdict": {"id": "x"}})),
        receipts.read(orjson.dumps(document | {"checkpoint": None})),
    ]

    assert [bool(list(receipts.faults_of(one, sealer))) for one in forged] == [True] * len(forged)


def test_what_differs_from_the_database(recorded: TestClient) -> None:
    """Gone, another link, another checkpoint: each in a sentence."""
    given = receipts.read(orjson.dumps(receipt_of(recorded, post(recorded, EXAMPLE).json()["id"])))
    entry = Entry("w", 1, "2026-03-18", "", "", "")
    point = Point(1, "", "2026-03-18", "")

    assert list(receipts.differences(given, given)) == []
    assert list(receipts.differences(given, None)) == ["the database has no such verdict, or no link about it"]
    assert list(receipts.differences(given, msgspec.structs.replace(given, entry=entry, checkpoint=point))) == [
        "the link is another one in the database",
        "the checkpoint is another one in the database",
    ]
