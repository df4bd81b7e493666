"""Replay over HTTP and by the command: the same bytes under its own rules, the difference under others."""

import csv
import hashlib
import json
from dataclasses import replace
from functools import cache

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from rules import ENGINE
from rules.compiler import build, compile_pack
from rules.compiler.loading import read_files
from rules.dip.compiler import build_scheme, compile_scheme
from service import keys, packs, schemes
from service.app import create_app
from service.cli import main
from service.identity import Identity
from service.packs import EXAMPLE, STARTER, activate_pack
from service.routes.replay import Desk
from service.schemas.replay import BulkReplayAnswer, ReplayAnswer
from service.schemes import SHIPPED
from service.sealing import Sealer, bound_to
from service.settings import Settings
from tests.compiler.packs import PACK, UTERUS, sex_table, small
from tests.http.conftest import NOBODY, NOW, starter_pack, starter_scheme
from tests.http.test_native import JSON, post
from tests.http.test_recorded import eventually
from tests.http.test_schemes_in_use import STAY
from tests.postgres import execute, value

pytestmark = pytest.mark.db
DAY = {"from": "2026-03-18", "to": "2026-03-18"}


@pytest.fixture
def recorded(serve, database_url):
    """The application with a database of its own that has taken over its packs."""
    client = serve(database_url=database_url)
    eventually(lambda: client.get("/readyz").json()["activation"] == "database")
    return client


@pytest.fixture
def checked(recorded, database_url):
    """Post a body and wait until its verdict is stored; give its id."""

    def check(body, **options):
        answer = post(recorded, body, **options).json()
        eventually(lambda: value(database_url, f"SELECT count(*) FROM verdict WHERE id = '{answer['id']}'"))
        return answer["id"]

    return check


def replay(client, verdict_id, body=None, **options):
    content = b"" if body is None else json.dumps(body)
    return client.post(f"/v1/verdicts/{verdict_id}:replay", content=content, headers=JSON, **options)


def told(differing):
    return [finding["rule"] for finding in differing]


@cache
def leaner_files():
    """The starter pack in another version, without the rule on the example's first line."""
    files = {name: data for name, data in read_files(STARTER).items() if not name.startswith("cases/")}
    rows = files["sex_limit.csv"].splitlines(keepends=True)
    files["sex_limit.csv"] = b"".join(row for row in rows if not row.startswith(b"sex-XG04CBD247E002,"))
    version = starter_pack().version.encode()
    files["pack.yaml"] = files["pack.yaml"].replace(version, version + b"-leaner")
    return files


@cache
def leaner():
    """That pack, compiled."""
    return compile_pack(leaner_files())


@cache
def own_pack():
    """A hospital's own pack: one rule more on the example's first line."""
    row = "own-1,XG04CBD247E002*,度他雄胺软胶囊,院内提示,suspicious,info,safety,nhsa-1,male"
    return compile_pack(small(pack=PACK.replace(b"small", b"own"), sex_limit=sex_table(row)))


@cache
def clashing():
    """A pack with a rule that the starter pack has, too."""
    row = UTERUS.replace("sex-1", "sex-XG04CBD247E002") + ",female"
    return compile_pack(small(pack=PACK.replace(b"small", b"clash"), sex_limit=sex_table(row)))


def opened(url, data_dir, verdict_id):
    """Return the plain bytes of a stored row: input and verdict."""
    (row,) = execute(
        url,
        "SELECT v.hospital, v.input, v.verdict, k.wrapped FROM verdict v JOIN patient_key k ON k.id = v.key"
        f" WHERE v.id = '{verdict_id}'",
    )
    sealer = Sealer.open(data_dir)
    return [
        sealer.open_sealed(
            sealer.unwrap(row["wrapped"]), row[name], bound_to("verdict", name, row["hospital"], verdict_id)
        )
        for name in ("input", "verdict")
    ]


def as_before(url, data_dir, verdict_id, change=lambda verdict: verdict):
    """Make a row one of the version before: neither sealed nor with a caller."""
    given, verdict = opened(url, data_dir, verdict_id)
    execute(
        url,
        f"UPDATE verdict SET key = NULL, caller = NULL, input = '\\x{given.hex()}',"
        f" verdict = '\\x{change(verdict).hex()}' WHERE id = '{verdict_id}'",
        "SELECT 1",
    )


class TestOwnRules:
    """By the verdict's own digests."""

    def test_the_same_bytes(self, recorded, checked, database_url, tmp_path):
        """Bytes and SHA-256 agree, nothing differs, and nothing is written."""
        verdict_id = checked(EXAMPLE)
        _, stored = opened(database_url, tmp_path, verdict_id)

        reply = replay(recorded, verdict_id)

        assert 200 == reply.status_code
        answer = TypeAdapter(ReplayAnswer).validate_python(reply.json(), strict=True)
        assert set(reply.json()) == set(ReplayAnswer.model_fields)
        assert (True, True) == (answer.own, answer.same)
        assert hashlib.sha256(stored).hexdigest() == answer.digest == answer.stored_digest
        assert (ENGINE, ENGINE, True) == (answer.engine.stored, answer.engine.now, answer.engine.same)
        assert ([], [], []) == (answer.findings.added, answer.findings.removed, answer.findings.changed)
        assert (238.8, 238.8, 0) == (answer.amount.before, answer.amount.after, answer.amount.difference)
        assert 1 == value(database_url, "SELECT count(*) FROM verdict")
        assert replay(recorded, verdict_id, {}).json() == reply.json()

    def test_after_another_pack_and_scheme_were_activated(self, recorded, checked, database_url):
        """The old ones are loaded by digest, and judge as they did: group and all."""
        first, stay = checked(EXAMPLE), checked(STAY)
        before = recorded.get("/v1/rulebook").json()["digest"]
        activate_pack(Settings(database_url=database_url), leaner(), by="test")
        eventually(lambda: recorded.get("/v1/rulebook").json()["digest"] != before)
        later = checked(EXAMPLE)

        answers = [replay(recorded, verdict_id).json() for verdict_id in (first, stay, later)]

        assert [True, True, True] == [answer["same"] for answer in answers]
        assert [before, before] == [answer["rulebook"]["after"] for answer in answers[:2]]
        assert first != later
        assert "BX-1029" == answers[1]["dip"]["after"]["group"]

    def test_a_rulebook_that_no_database_had_seen(self, serve, database_url, tmp_path):
        """Checked without a database, recorded by the next start: its pack comes with it."""
        without = serve()
        verdict_id = post(without, EXAMPLE).json()["id"]
        without.__exit__(None, None, None)

        recorded = serve(database_url=database_url)
        eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))
        eventually(lambda: value(database_url, "SELECT count(*) FROM rulebook"))

        assert replay(recorded, verdict_id).json()["same"] is True

    def test_rows_of_the_version_before(self, recorded, checked, database_url, tmp_path):
        """Not sealed: they replay all the same."""
        verdict_id = checked(EXAMPLE)
        as_before(database_url, tmp_path, verdict_id)

        assert replay(recorded, verdict_id).json()["same"] is True

    def test_another_engine_is_said(self, recorded, checked, database_url, tmp_path):
        """Its bytes cannot come out again; whether what is said differs is shown beside."""
        verdict_id = checked(EXAMPLE)
        as_before(
            database_url,
            tmp_path,
            verdict_id,
            lambda verdict: verdict.replace(b'"engine":"%s"' % ENGINE.encode(), b'"engine":"1"'),
        )

        answer = replay(recorded, verdict_id).json()

        assert (False, {"stored": "1", "now": ENGINE, "same": False}) == (answer["same"], answer["engine"])
        assert {"added": [], "removed": [], "changed": []} == answer["findings"]

    def test_altered_bytes_are_not_the_same(self, recorded, checked, database_url, tmp_path):
        """A verdict that says another level than its rules is found, and what differs is named."""
        verdict_id = checked(EXAMPLE)
        as_before(
            database_url, tmp_path, verdict_id, lambda verdict: verdict.replace(b'"level":"warn"', b'"level":"info"', 1)
        )

        answer = replay(recorded, verdict_id).json()

        assert (False, True) == (answer["same"], answer["engine"]["same"])
        assert [["level"]] == [changed["fields"] for changed in answer["findings"]["changed"]]

    def test_an_altered_seal_is_a_problem(self, recorded, checked, database_url):
        """Sealed bytes that were tampered with do not open; that is said, and not the bytes."""
        verdict_id = checked(EXAMPLE)
        execute(
            database_url,
            f"UPDATE verdict SET input = set_byte(input, 40, get_byte(input, 40) # 1) WHERE id = '{verdict_id}'",
            "SELECT 1",
        )

        reply = replay(recorded, verdict_id)

        assert (500, "internal") == (reply.status_code, reply.json()["code"])
        assert "无法解密" in reply.json()["detail"]


class TestOtherRules:
    """What others would have said."""

    def test_another_pack(self, recorded, checked):
        """By digest once it is stored; what it no longer says is removed, and money follows."""
        pack = leaner()
        verdict_id = checked(EXAMPLE)
        missing = replay(recorded, verdict_id, {"pack": pack.digest})
        assert (404, True) == (missing.status_code, pack.digest in missing.json()["detail"])
        _store(recorded, pack)

        answer = replay(recorded, verdict_id, {"pack": [pack.digest]}).json()

        assert (False, False) == (answer["own"], answer["same"])
        assert ["sex-XG04CBD247E002"] == told(answer["findings"]["removed"])
        assert (238.8, 186.0, -52.8) == tuple(answer["amount"].values())
        assert [pack.digest] == [entry["digest"] for entry in answer["packs"]]

    def test_a_pack_beside_the_others(self, recorded, checked):
        """A pack of another name is added, by name; what it says is added."""
        _store(recorded, own_pack())
        verdict_id = checked(EXAMPLE)

        answer = replay(recorded, verdict_id, {"pack": "own"}).json()

        assert ["national-2026", "own"] == [entry["name"] for entry in answer["packs"]]
        assert (["own-1"], []) == (told(answer["findings"]["added"]), answer["findings"]["removed"])

    def test_another_scheme(self, recorded, checked):
        """A stay gets the group, points and money of a scheme that was not in force then."""
        _store_scheme(recorded)
        verdict_id = checked(STAY)

        answer = replay(recorded, verdict_id, {"scheme": "example-city-a"}).json()

        before, after = answer["dip"]["before"], answer["dip"]["after"]
        assert ("national-3.0-extract", None) == (before["scheme"], before["points"])
        assert "example-city-a" == after["scheme"]
        assert after["points"] > 0
        assert after["standard"] > 0
        assert 8_000 == after["cost"]

    def test_an_overlay(self, recorded, checked):
        """A rule switched off is removed, one made quieter is changed, and the own rules stay loaded."""
        verdict_id = checked(EXAMPLE)
        findings = recorded.get(f"/v1/verdicts/{verdict_id}").json()["verdict"]["findings"]
        first, second = (finding["rule"] for finding in findings[:2])

        answer = replay(recorded, verdict_id, {"overlay": {"off": [first], "levels": {second: "info"}}}).json()

        assert [first] == told(answer["findings"]["removed"])
        assert [["level"]] == [changed["fields"] for changed in answer["findings"]["changed"]]
        assert answer["rulebook"]["before"] == answer["rulebook"]["after"]

    def test_faults_are_named(self, client):
        """Unknown keys and values are faults, not ignored."""
        for body in ({"packs": ["x"]}, {"overlay": {"levels": {"r": "deafening"}}}, {"pack": ""}, {"scheme": 7}):
            assert 422 == replay(client, "00000000-0000-8000-8000-000000000000", body).status_code

    def test_packs_that_clash(self, recorded, checked):
        """What could not be active together is a fault of the request."""
        _store(recorded, clashing())

        reply = replay(recorded, checked(EXAMPLE), {"pack": "clash"})

        assert (422, ["pack"]) == (reply.status_code, [fault["field"] for fault in reply.json()["faults"]])


class TestWho:
    """What cannot be replayed, and for whom."""

    def test_erased(self, recorded, checked, database_url):
        """Once the patient's key is gone nobody can read it again: 410."""
        verdict_id = checked(EXAMPLE)
        execute(database_url, "DELETE FROM patient_key", "SELECT 1")

        reply = replay(recorded, verdict_id)

        assert (410, "erased") == (reply.status_code, reply.json()["code"])

    def test_pending_and_unknown(self, recorded, tmp_path):
        """A genuine id that is not stored yet is pending; any other is not found."""
        genuine = Identity.open(tmp_path).verdict_id("H1", "M1", b"1", b"2", NOW)

        assert (202, "pending") == ((reply := replay(recorded, genuine)).status_code, reply.json()["state"])
        assert 404 == replay(recorded, "00000000-0000-8000-8000-000000000000").status_code
        assert 404 == replay(recorded, "nonsense").status_code

    def test_another_hospitals_verdict(self, serve, database_url, tmp_path):
        """A caller whose key is bound to a hospital sees no other's, neither singly nor in bulk."""
        ours, theirs = (keys.create(tmp_path, name, name) for name in ("H33019900001", "H33019900002"))
        client = serve(database_url=database_url)
        verdict_id = post(client, EXAMPLE, headers=_with(ours)).json()["id"]
        eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))
        path = f"/v1/verdicts/{verdict_id}:replay"
        bulk = json.dumps(DAY | {"hospital": "H33019900001"})

        assert 200 == client.post(path, headers=_with(ours)).status_code
        assert 404 == client.post(path, headers=_with(theirs)).status_code
        assert 401 == client.post(path).status_code
        assert 404 == client.post("/v1/replays", content=bulk, headers=_with(theirs)).status_code
        assert 1 == client.post("/v1/replays", content=bulk, headers=_with(ours)).json()["read"]
        assert 0 == client.post("/v1/replays", content=json.dumps(DAY), headers=_with(theirs)).json()["read"]

    def test_without_a_database(self, client, tmp_path):
        """No database, no record to replay: said, within the read's own time."""
        verdict_id = post(client, EXAMPLE).json()["id"]

        assert (503, "no_database") == ((reply := replay(client, verdict_id)).status_code, reply.json()["code"])


def _with(key):
    return JSON | {"authorization": f"Bearer {key}"}


def _store(client, pack):
    """Store a pack without activating it."""
    _insert(client, "pack", pack, build(pack))


def _store_scheme(client):
    scheme = compile_scheme(SHIPPED / "example-city-a")
    _insert(client, "scheme", scheme, build_scheme(scheme))


def _insert(client, kind, kept, data):
    url = client.app.web.state.instance.settings.database_url
    execute(
        url,
        f"INSERT INTO pack (digest, name, version, built, kind) VALUES ('{kept.digest}', '{kept.name}',"
        f" '{kept.version}', '\\x{data.hex()}', '{kind}')",
        "SELECT 1",
    )


def orders(count):
    """Yield messages over several departments, of which every other one has findings."""
    for number in range(count):
        lines = [line | {"department": f"D{number % 3}"} for line in EXAMPLE["lines"]]
        if number % 2:
            lines = [{"id": "1", "item": "XA00000000000000000000", "quantity": 1, "department": "D9"}]
        visit = EXAMPLE["visit"] | {"id": f"MZ{number}"}
        patient = EXAMPLE["patient"] | {"id": f"P{number}"}
        yield EXAMPLE | {"message_id": f"bulk-{number}", "lines": lines, "visit": visit, "patient": patient}


class Month:
    """A running service whose database holds twelve orders and a stay of one day; tests only read it."""

    def __init__(self, client, url, data_dir):
        self.client, self.url, self.data_dir = client, url, data_dir


@pytest.fixture(scope="module")
def month(postgres_server, tmp_path_factory):
    """Started once for all tests that only read."""
    data_dir, url = tmp_path_factory.mktemp("month"), postgres_server.migrated_database()
    settings = replace(Settings(), data_dir=data_dir, database_url=url, drain_seconds=8.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "compile_pack", lambda folder: starter_pack())
        patch.setattr(schemes, "compile_starter", starter_scheme)
        packs.prepare(settings)
        with TestClient(create_app(settings, clock=lambda: NOW), raise_server_exceptions=False) as client:
            filled(client, url)
            yield Month(client, url, data_dir)


def filled(client, url):
    """Give a service twelve orders and a stay."""
    eventually(lambda: client.get("/readyz").json()["activation"] == "database")
    for body in orders(12):
        post(client, body)
    post(client, STAY)
    eventually(lambda: value(url, "SELECT count(*) FROM verdict") == 13)
    _store(client, leaner())
    _store_scheme(client)


def many(client, **body):
    reply = client.post("/v1/replays", content=json.dumps(DAY | body), headers=JSON)
    assert 200 == reply.status_code, reply.text
    TypeAdapter(BulkReplayAnswer).validate_python(reply.json(), strict=True)
    return reply.json()


FILTERS = (
    ({"department": "D9"}, 6),
    ({"department": "D0"}, 2),
    ({"state": "clear"}, 6),
    ({"kind": "sex_limit"}, 6),
    ({"kind": "sex_limit", "department": "D2"}, 2),
    ({"rule": "sex-XG04CBD247E002"}, 6),
    ({"rule": "no such rule"}, 0),
    ({"visit": "MZ3"}, 1),
    ({"dialect": "national"}, 0),
    ({"doctor": "nobody"}, 0),
    ({"limit": 5}, 5),
    ({"sample": 4}, 4),
    ({"sample": 100}, 13),
    ({"from": "2026-03-01", "to": "2026-03-17"}, 0),
    ({"from": "2026-01-01", "to": "2026-12-31"}, 13),
    ({"from": "1999-01-01", "to": "1999-12-31"}, 0),
    ({"hospital": "H33019900001"}, 0),
)


class TestBulk:
    """``POST /v1/replays``."""

    def test_own_rules(self, month):
        """Everything gives its own bytes, and what it took is told beside what it took then."""
        answer = many(month.client)

        assert (13, 13, {"same": 13, "different": 0, "engine_speaks_differently": 0}) == (
            answer["read"],
            answer["replayed"],
            answer["own"],
        )
        assert {"erased": 0, "damaged": 0, "unloadable": 0} == answer["skipped"]
        assert answer["mean_ms"]["now"] > 0
        assert answer["mean_ms"]["stored"] > 0
        assert [] == answer["differing"]
        assert answer["other"] is None

    def test_filters(self, month):
        """By what was said then; a period beyond any partition is merely empty."""
        answers = [many(month.client, **filters) for filters, _ in FILTERS]

        assert [expected for _, expected in FILTERS] == [answer["read"] for answer in answers]
        assert [expected for _, expected in FILTERS] == [answer["own"]["same"] for answer in answers]

    def test_other_rules(self, month):
        """Added, removed and changed by rule and department, states and money before and after."""
        answer = many(month.client, pack=leaner().digest)

        other = answer["other"]
        assert (7, 6) == (other["unchanged"], other["changed"])
        assert {"added": 0, "removed": 6, "changed": 0} == other["findings"]
        (rule,) = other["rules"]
        assert (6, {"before": 316.8, "after": 0.0, "difference": -316.8}) == (rule["removed"], rule["amount"])
        assert {"D0": 2, "D1": 2, "D2": 2} == {row["department"]: row["removed"] for row in other["departments"]}
        assert -316.8 == pytest.approx(other["amount"]["difference"])
        assert 13 == sum(row["verdicts"] for row in other["states"])
        assert 6 == len(answer["differing"])
        assert answer["own"] is None

    def test_another_scheme_moves_groups(self, month):
        """Only stays have a group."""
        other = many(month.client, scheme="example-city-a")["other"]

        assert (1, 12) == (other["dip_groups_changed"], other["unchanged"])

    def test_one_period_at_a_time(self, month):
        """A worker goes through one; whoever comes meanwhile is told, and checks go on."""
        desk = Desk(month.client.app.web.state.instance)
        month.client.app.web.state.replay_desk = desk
        month.client.portal.call(desk.busy.acquire)

        reply = month.client.post("/v1/replays", content=json.dumps(DAY), headers=JSON)
        checked = post(month.client, next(orders(1))).status_code
        month.client.portal.call(_release, desk)

        assert (409, "conflict", 200) == (reply.status_code, reply.json()["code"], checked)

    def test_erased_damaged_and_unloadable_are_counted(self, recorded, database_url):
        """None of them stops the rest."""
        filled(recorded, database_url)
        execute(
            database_url,
            "DELETE FROM patient_key WHERE id = (SELECT key FROM verdict WHERE visit = 'MZ0')",
            f"UPDATE verdict SET rulebook = '{'0' * 64}' WHERE visit = 'MZ1'",
            "UPDATE verdict SET verdict = set_byte(verdict, 40, get_byte(verdict, 40) # 1) WHERE visit = 'MZ2'",
            "UPDATE verdict SET key = NULL, input = '{}' WHERE visit = 'MZ3'",
            "SELECT 1",
        )

        answer = many(recorded)

        assert {"erased": 1, "damaged": 2, "unloadable": 1} == answer["skipped"]
        assert {f"没有该规则库:{'0' * 64}": 1} == answer["unloadable"]
        assert 9 == answer["own"]["same"]

    def test_faults(self, client):
        """Days in the wrong order, more than is allowed, and keys that mean nothing."""
        for body in ({"from": "2026-03-19"}, {"limit": 10_001}, {"sample": 0}, {"from": "yesterday"}, {"form": "x"}):
            reply = client.post("/v1/replays", content=json.dumps(DAY | body), headers=JSON)

            assert (422, "invalid") == (reply.status_code, reply.json()["code"])

    def test_unknown_pack(self, month):
        """A name that nothing is kept under."""
        reply = month.client.post("/v1/replays", content=json.dumps(DAY | {"pack": "nowhere"}), headers=JSON)

        assert (404, True) == (reply.status_code, "nowhere" in reply.json()["detail"])


async def _release(desk):
    desk.busy.release()


@pytest.fixture
def command(month, monkeypatch, capsys):
    """Run ``dipcheck replay`` on that day; give exit code, output and errors."""
    monkeypatch.setenv("DIPCHECK_DATABASE_URL", month.url)
    monkeypatch.setenv("DIPCHECK_DATA_DIR", str(month.data_dir))

    def run(*arguments):
        code = main(["replay", "--from", "2026-03-18", "--to", "2026-03-18", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


class TestCommand:
    """``dipcheck replay``."""

    def test_own_rules(self, command):
        """Everything is the same: exit code 0."""
        code, out, _ = command()

        assert 0 == code
        assert out.startswith("13 verdicts read, 13 judged again\nsame bytes: 13\ndifferent:  0\n")

    def test_a_folder(self, command, tmp_path):
        """A pack that is not stored anywhere: compiled, tried, and each finding that differs written down."""
        folder, target = tmp_path / "leaner", tmp_path / "differences.csv"
        folder.mkdir()
        for name, data in leaner_files().items():
            (folder / name).write_bytes(data)

        code, out, _ = command("--pack", str(folder), "--json", "--csv", str(target))

        document = json.loads(out)
        assert (0, 6) == (code, document["other"]["findings"]["removed"])
        with target.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
        assert 6 == len(lines)
        assert {("removed", "sex_limit", "52.80", "")} == {
            (line["change"], line["kind"], line["yuan_before"], line["yuan_after"]) for line in lines
        }
        assert ["D0", "D0", "D1", "D1", "D2", "D2"] == sorted(line["department"] for line in lines)

    def test_for_people(self, command):
        """Tables by rule and department; every hospital there is, and a scheme from a folder beside."""
        _, out, _ = command("--pack", leaner().digest, "--sample", "13", "--hospital", "all")

        assert "changed:   6\nfindings:  0 added, 6 removed, 0 changed\n" in out
        assert "by department" in out
        assert "stays with another DIP group: 1\n" in command("--scheme", str(SHIPPED / "example-city-a"))[1]

    def test_a_rule_switched_off(self, command):
        """As the hospital's setting would do it."""
        _, out, _ = command("--off", "sex-XG04CBD247E002")

        assert "findings:  0 added, 6 removed, 0 changed\n" in out

    @pytest.mark.slow
    def test_several_processes(self, command, tmp_path):
        """They divide the work and put their counts and lines together."""
        target = tmp_path / "differences.csv"

        code, out, _ = command("--pack", leaner().digest, "--jobs", "2", "--csv", str(target), "--json")

        document = json.loads(out)
        assert (0, 13, 6) == (code, document["read"], document["other"]["findings"]["removed"])
        assert 7 == len(target.read_text(encoding="utf-8-sig").splitlines())
        assert [] == list(tmp_path.glob("*.part"))

    def test_wrong_use(self, command):
        """Exit code 2 and a sentence."""
        for arguments, said in (
            (["--pack", "nowhere"], "没有该规则包:nowhere"),
            (["--scheme", "nowhere"], "没有该 DIP 方案:nowhere"),
            (["--to", "2026-03-01"], "--to is before --from"),
            (["--csv", "/nonexistent/out.csv"], "/nonexistent/out.csv: No such file or directory"),
        ):
            code, _, err = command(*arguments)

            assert (2, True) == (code, said in err)


def test_the_command_lists_what_differs(checked, database_url, tmp_path, monkeypatch, capsys):
    """A verdict that does not give its own bytes: exit code 1, its id, and a line in the file."""
    monkeypatch.setenv("DIPCHECK_DATABASE_URL", database_url)
    monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path))
    verdict_id = checked(EXAMPLE)
    as_before(database_url, tmp_path, verdict_id, lambda verdict: verdict.replace(b'"warned"', b'"clear"', 1))
    target = tmp_path / "out.csv"

    code = main(["replay", "--from", "2026-03-18", "--to", "2026-03-18", "--csv", str(target)])

    assert (1, True) == (code, f"different:  1\n  {verdict_id}\n" in capsys.readouterr().out)
    with target.open(encoding="utf-8-sig", newline="") as file:
        (line,) = csv.DictReader(file)
    assert (verdict_id, "other") == (line["verdict"], line["change"])


def test_a_command_without_its_keys_or_database(tmp_path, monkeypatch, capsys):
    """Another data directory has no key; it is never made by looking for it."""
    monkeypatch.setenv("DIPCHECK_DATABASE_URL", NOBODY)
    monkeypatch.setenv("DIPCHECK_DATA_DIR", str(tmp_path))
    arguments = ["replay", "--from", "2026-03-18", "--to", "2026-03-18"]

    assert 2 == main(arguments)
    assert "there is no key" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())
    Sealer.open(tmp_path)
    assert 2 == main(arguments)
    assert "the database does not answer" in capsys.readouterr().err
