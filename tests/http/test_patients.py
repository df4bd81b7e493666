"""One patient's data over HTTP and by command: exported whole, erased for good, and the raw id nowhere."""

import io
import json
import subprocess
import sys

import pytest

from service import cli, keys
from service.packs import EXAMPLE
from tests.http.test_native import fields, post
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

HOSPITAL = "H00000000000"
ANNA, BERT = "330101195803127766", "330101196901014321"


def check(client, patient, message, **changes):
    """Check the example for a patient; return the answer."""
    body = EXAMPLE | {"message_id": message, "patient": EXAMPLE["patient"] | {"id": patient}} | changes
    return post(client, body).json()


def recorded_checks(client, database_url):
    """Check two patients and wait until all is in the database; return the answers' ids."""
    ids = [check(client, ANNA, "a1")["id"], check(client, BERT, "b1")["id"], check(client, ANNA, "a2")["id"]]
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict") == 3)
    return ids


def lines(reply):
    """Return the documents of an export."""
    assert 200 == reply.status_code
    return [json.loads(line) for line in reply.text.splitlines()]


def export(client, patient, **asked):
    return post(client, {"patient_id": patient} | asked, "/v1/patients:export")


def erase(client, patient, **asked):
    return post(client, {"patient_id": patient, "reason": "request 12"} | asked, "/v1/patients:erase")


@pytest.fixture
def recorded(database_url, serve):
    """The application with a database of its own."""
    return serve(database_url=database_url)


@pytest.mark.db
class TestExport:
    def test_it_holds_exactly_the_persons_rows(self, recorded, database_url):
        """Verdicts with their input, what was done and told, in order, and the counts at the end."""
        first, other, second = recorded_checks(recorded, database_url)
        answer = recorded.get(f"/v1/verdicts/{first}").json()
        said = {"finding": check(recorded, ANNA, "a1")["findings"][0]["id"], "action": "disputed", "reason": "病情需要"}
        post(recorded, {"dispositions": [said]}, "/v1/dispositions")
        eventually(lambda: value(database_url, "SELECT count(*) FROM disposition"))
        head, *documents, end = lines(export(recorded, ANNA))
        found = {document["id"]: document for document in documents}

        assert ("export", HOSPITAL) == (head["record"], head["hospital"])
        assert {"record": "end", "counts": {"verdict": 2}} == end
        assert {first, second} == found.keys()
        assert other not in json.dumps(documents)
        assert (answer["input"], answer["verdict"]) == (found[first]["input"], found[first]["verdict"])
        assert [("disputed", "病情需要")] == [(row["action"], row["reason"]) for row in found[first]["dispositions"]]
        assert [] == found[second]["dispositions"]
        assert len(found[first]["findings"]) == len(found[first]["verdict"]["findings"])

    def test_of_whom_nothing_is_stored(self, recorded, database_url):
        """There is a beginning and an end, and nothing between them."""
        recorded_checks(recorded, database_url)

        assert ["export", "end"] == [document["record"] for document in lines(export(recorded, "nobody"))]


@pytest.mark.db
class TestErase:
    def test_what_is_erased_is_gone_and_counts_stay(self, recorded, database_url):
        """GET says 410 `erased`; how many verdicts and findings there were can still be counted."""
        first, other, second = recorded_checks(recorded, database_url)
        counted = "SELECT (SELECT count(*) FROM verdict) * 1000 + (SELECT count(*) FROM finding)"
        before = value(database_url, counted)
        reply = erase(recorded, ANNA, by="officer").json()

        assert 3 == value(database_url, "SELECT count(*) FROM verdict WHERE key IS NOT NULL")
        assert (2, 1) == (reply["erased"]["verdicts"], reply["erased"]["keys"])
        assert "已删除该患者的数据:判定 2 条" in reply["message"]
        for verdict_id in (first, second):
            gone = recorded.get(f"/v1/verdicts/{verdict_id}")
            assert (410, "erased") == (gone.status_code, gone.json()["code"])
        assert 200 == recorded.get(f"/v1/verdicts/{other}").status_code
        assert before == value(database_url, counted)
        assert ["export", "end"] == [document["record"] for document in lines(export(recorded, ANNA))]
        (noted,) = execute(database_url, "SELECT erased_by, reason, verdicts FROM erasure")
        assert ("officer", "request 12", 2) == tuple(noted)

    def test_again_there_is_nothing(self, recorded, database_url):
        """The second time says so, and notes nothing."""
        recorded_checks(recorded, database_url)
        erase(recorded, ANNA)
        again = erase(recorded, ANNA).json()

        assert (None, False, {0}) == (again["erasure"], again["repeat"], set(again["erased"].values()))
        assert "没有该患者的数据,无需删除。" == again["message"]
        assert 1 == value(database_url, "SELECT count(*) FROM erasure")

    def test_who_comes_back_is_recorded_again(self, recorded, database_url):
        """A later check has a new key, and can be read."""
        recorded_checks(recorded, database_url)
        erase(recorded, ANNA)
        later = check(recorded, ANNA, "a3")["id"]

        assert eventually(lambda: recorded.get(f"/v1/verdicts/{later}").status_code == 200)
        assert 1 == len(lines(export(recorded, ANNA))) - 2

    def test_the_callers_name_stands_where_nobody_is_named(self, database_url, serve):
        """Somebody did it: the calling system."""
        client = serve(database_url=database_url, api_key="secret")
        headers = {"content-type": "application/json", "x-api-key": "secret"}
        body = EXAMPLE | {"patient": EXAMPLE["patient"] | {"id": ANNA}}
        post(client, body, headers=headers)
        eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))
        post(client, {"patient_id": ANNA, "reason": "request"}, "/v1/patients:erase", headers=headers)

        assert "environment" == value(database_url, "SELECT erased_by FROM erasure")


@pytest.mark.db
def test_the_raw_id_is_nowhere(capfd, database_url, serve, tmp_path):
    """Not in a log line, a table or a file, before and after."""
    client = serve(database_url=database_url, log_level="debug")
    recorded_checks(client, database_url)
    export(client, ANNA)
    erase(client, ANNA)
    erase(client, ANNA)
    said = "".join(capfd.readouterr())
    names = [row[0] for row in execute(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    stored = "".join(
        str(execute(database_url, f'SELECT string_agg(t::text, chr(10)) FROM "{name}" AS t')) for name in names
    )
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert "patient_exported" in said
    assert "patient_erased" in said
    assert ANNA not in said + stored
    assert ANNA.encode().hex() not in stored
    assert ANNA.encode() not in files


@pytest.mark.db
def test_a_hospitals_key_reaches_its_own_patients_only(database_url, serve, tmp_path):
    """The same id in another hospital is another person, and cannot be named."""
    names = {hospital: keys.create(tmp_path, hospital, hospital) for hospital in ("H1", "H2")}
    client = serve(database_url=database_url)

    def ask(hospital, body, path):
        headers = {"content-type": "application/json", "x-api-key": names[hospital]}
        return post(client, body, path, headers=headers)

    for hospital in names:
        ask(hospital, EXAMPLE | {"patient": EXAMPLE["patient"] | {"id": ANNA}}, "/v1/checks")
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict") == 2)
    foreign = ask("H1", {"patient_id": ANNA, "hospital": "H2", "reason": "x"}, "/v1/patients:erase")
    own = ask("H1", {"patient_id": ANNA, "reason": "x"}, "/v1/patients:erase").json()

    assert 404 == foreign.status_code
    assert 1 == own["erased"]["verdicts"]
    assert 1 == value(database_url, "SELECT count(*) FROM verdict WHERE hospital = 'H2' AND patient <> ''")
    assert 3 == len(lines(ask("H2", {"patient_id": ANNA}, "/v1/patients:export")))


@pytest.mark.parametrize("path", ["/v1/patients:export", "/v1/patients:erase"])
class TestRefused:
    def test_without_a_database(self, client, path):
        """Nothing is said to be done that was not: 503."""
        reply = post(client, {"patient_id": ANNA} | ({"reason": "x"} if "erase" in path else {}), path)

        assert (503, "no_database") == (reply.status_code, reply.json()["code"])

    @pytest.mark.parametrize("patient", ["", "  ", "-", None, "9" * 201])
    def test_without_an_id(self, client, path, patient):
        """The empty id is everybody's of whom none is known."""
        reply = post(client, {"patient_id": patient} | ({"reason": "x"} if "erase" in path else {}), path)

        assert 422 == reply.status_code
        assert "patient_id" in fields(reply)[0]

    def test_without_a_key(self, serve, path):
        """Personal data need a caller."""
        reply = post(serve(api_key="secret"), {"patient_id": ANNA, "reason": "x"}, path)

        assert 401 == reply.status_code


@pytest.mark.db
class TestCommand:
    @pytest.fixture
    def dipcheck(self, recorded, database_url, tmp_path, monkeypatch):
        """Run a command beside the running service, with an id on standard input."""
        monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("DIPCHECK_DATABASE_URL", database_url)

        def run(patient, *arguments):
            monkeypatch.setattr(sys, "stdin", io.StringIO(f"{patient}\n"))
            return cli.main(["patient", *arguments])

        return run

    def test_export(self, dipcheck, recorded, database_url, tmp_path):
        """A new file that only its owner reads, with what the service exports; an old one is left alone."""
        recorded_checks(recorded, database_url)
        file = tmp_path / "person.ndjson"

        assert 0 == dipcheck(ANNA, "export", "--to", str(file))
        assert 0o600 == file.stat().st_mode & 0o777
        documents = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert lines(export(recorded, ANNA))[1:] == documents[1:]
        assert 2 == dipcheck(ANNA, "export", "--to", str(file))

    def test_the_screen_shows_nothing_but_the_export(self, dipcheck, recorded, database_url):
        """Standard output can be sent to a file: what is logged goes to standard error."""
        recorded_checks(recorded, database_url)
        command = [sys.executable, "-c", "from service.cli import main; raise SystemExit(main())", "patient", "export"]
        done = subprocess.run(command, input=ANNA, capture_output=True, text=True, check=True, timeout=60)

        documents = [json.loads(line) for line in done.stdout.splitlines()]
        assert ["export", "verdict", "verdict", "end"] == [document["record"] for document in documents]
        assert "patient_exported" in done.stderr

    def test_erase(self, dipcheck, recorded, database_url, capsys):
        """It needs a yes; then it erases, and the second time there is nothing."""
        recorded_checks(recorded, database_url)

        assert 2 == dipcheck(ANNA, "erase", "--reason", "request")
        assert 0 == value(database_url, "SELECT count(*) FROM erasure")
        assert 0 == dipcheck(ANNA, "erase", "--reason", "request", "--yes")
        assert "2 verdicts" in capsys.readouterr().out
        assert 0 == dipcheck(ANNA, "erase", "--reason", "request", "--yes")
        assert "nothing is stored of this person" in capsys.readouterr().out

    def test_misuse(self, dipcheck, tmp_path, monkeypatch, capsys):
        """No id, and a data directory without keys: a key made now would find nobody."""
        assert 2 == dipcheck("", "export")
        monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path / "elsewhere"))
        assert 2 == dipcheck(ANNA, "export")
        assert "no pseudonym.key" in capsys.readouterr().err
        assert not (tmp_path / "elsewhere").exists()
