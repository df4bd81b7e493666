"""From a message to rows: what was answered is in PostgreSQL, once, and can be read back byte for byte."""

import shutil
import time

import pytest

from rules.compiler import compile_pack
from service.packs import EXAMPLE, STARTER, activate_pack, read_activation
from service.settings import Settings
from tests.http.test_native import post
from tests.postgres import execute, value

pytestmark = pytest.mark.db
PATIENCE = 15.0


def eventually(condition):
    """Wait until a condition holds; fail if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


@pytest.fixture
def recorded(serve, database_url):
    """The application with a database of its own."""
    return serve(database_url=database_url)


def test_a_verdict_reaches_the_database(recorded, database_url):
    """One verdict row, one row per finding, with state, money and digests."""
    answer = post(recorded, EXAMPLE).json()
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))

    (row,) = execute(database_url, "SELECT id, state, amount, hospital, message_id FROM verdict")
    assert (answer["id"], "warned", 2_388_000, "demo-1") == (
        str(row["id"]),
        row["state"],
        row["amount"],
        row["message_id"],
    )
    assert len(answer["findings"]) == value(database_url, "SELECT count(*) FROM finding")


def test_reading_back(recorded):
    """GET answers *pending* until the row is there, then the stored bytes; an invented id is not found."""
    answer = post(recorded, EXAMPLE).json()
    reply = eventually(lambda: (found := recorded.get(f"/v1/verdicts/{answer['id']}")).status_code == 200 and found)

    assert answer["state"] == reply.json()["state"]
    assert len(answer["findings"]) == len(reply.json()["verdict"]["findings"])
    assert 404 == recorded.get("/v1/verdicts/00000000-0000-8000-8000-000000000000").status_code
    assert 404 == recorded.get("/v1/verdicts/nonsense").status_code


def test_a_retry_is_one_row(recorded, database_url):
    """However often the same message comes, it is one verdict."""
    for _ in range(3):
        post(recorded, EXAMPLE)
    other = post(recorded, EXAMPLE | {"message_id": "demo-2"}).json()
    eventually(lambda: value(database_url, f"SELECT count(*) FROM verdict WHERE id = '{other['id']}'"))

    assert 2 == value(database_url, "SELECT count(*) FROM verdict")


def test_replay_gives_the_same_bytes(recorded, database_url):
    """The stored input under its own rulebook gives the stored verdict, byte for byte, though both are sealed."""
    answer = post(recorded, EXAMPLE).json()
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict WHERE key IS NOT NULL"))
    (row,) = execute(database_url, "SELECT input, verdict FROM verdict")
    said = recorded.post(f"/v1/verdicts/{answer['id']}:replay", json={}).json()

    assert (True, said["stored_digest"]) == (said["same"], said["digest"])
    assert b"findings" not in row["verdict"] + row["input"]


def test_stopping_drains(serve, database_url):
    """What was answered just before the stop is in the database after it."""
    client = serve(database_url=database_url)
    eventually(lambda: value(database_url, "SELECT count(*) FROM pack_activation"))
    answers = {post(client, EXAMPLE | {"message_id": f"m{at}"}).json()["id"] for at in range(50)}
    client.__exit__(None, None, None)

    stored = {str(row["id"]) for row in execute(database_url, "SELECT id FROM verdict")}
    assert answers == stored


def test_an_unanswered_database_delays_nothing_and_loses_nothing(serve, database_url):
    """Checks are answered without a database; the next start records them."""
    without = serve()
    answer = post(without, EXAMPLE).json()
    assert answer["recorded"] is True
    without.__exit__(None, None, None)

    serve(database_url=database_url)
    eventually(lambda: value(database_url, f"SELECT count(*) FROM verdict WHERE id = '{answer['id']}'"))


def test_the_database_says_which_packs_are_active(recorded, database_url, tmp_path):
    """At first connection what ships is stored and activated, and from then on the database decides."""
    eventually(lambda: value(database_url, "SELECT count(*) FROM pack_activation"))
    eventually(lambda: recorded.get("/readyz").json()["activation"] == "database")

    assert "database" == read_activation(tmp_path).source


def test_another_pack_is_live_within_a_second_or_two(recorded, database_url, tmp_path):
    """A new activation row swaps the rulebook of a running worker; digests name the change."""
    before = post(recorded, EXAMPLE).json()
    eventually(lambda: recorded.get("/readyz").json()["activation"] == "database")
    digest = value(database_url, "SELECT digest FROM pack LIMIT 1")
    other = _other_pack(database_url, tmp_path / "other")
    eventually(lambda: other in str(recorded.get("/v1/rulebook").json()["packs"]))

    after = post(recorded, EXAMPLE).json()
    assert before["digests"]["rulebook"] != after["digests"]["rulebook"]
    assert before["id"] != after["id"]
    assert digest != other


def _other_pack(database_url, folder):
    """Activate the starter pack without its insurance limits; return its digest."""
    shutil.copytree(STARTER, folder)
    (folder / "insurance_limit.csv").unlink()
    shutil.rmtree(folder / "cases")
    manifest = folder / "pack.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("2026.13.0", "2026.13.1"), encoding="utf-8")
    pack = compile_pack(folder)
    activate_pack(Settings(database_url=database_url), pack, by="test")
    return pack.digest


def test_a_second_pack_stands_beside_the_first(recorded, database_url):
    """The hospital's own rules are live together with the national ones."""
    eventually(lambda: recorded.get("/readyz").json()["activation"] == "database")
    activate_pack(Settings(database_url=database_url), compile_pack(STARTER.parent / "hospital-example"), by="test")

    eventually(lambda: set(recorded.get("/readyz").json()["packs"]) == {"national-2026", "hospital-example"})


def test_a_pack_that_cannot_stand_beside_the_others_is_refused(recorded, database_url, tmp_path):
    """Refused where somebody reads it, and nothing changes: the workers would not have taken it."""
    eventually(lambda: recorded.get("/readyz").json()["activation"] == "database")
    folder = tmp_path / "clash"
    shutil.copytree(STARTER, folder)
    manifest = folder / "pack.yaml"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace("name: national-2026", "name: clash"), encoding="utf-8"
    )
    activations = value(database_url, "SELECT count(*) FROM pack_activation")

    with pytest.raises(ValueError, match="stands in two packs"):
        activate_pack(Settings(database_url=database_url), compile_pack(folder), by="test")
    assert activations == value(database_url, "SELECT count(*) FROM pack_activation")
