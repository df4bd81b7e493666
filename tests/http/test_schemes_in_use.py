"""The DIP scheme in use: what ships at first, then what the database says, on the day that counts."""

import copy
from datetime import date

import pytest
from msgspec.structs import replace

from rules.dip.compiler import compile_scheme
from rules.dip.directory import Directory
from service.cli import MISUSE, OK, main
from service.packs import read_activation, schemes_of, write_activation
from service.schemes import SHIPPED, STARTER, Schemes
from tests.dip.builders import a_row, a_scheme
from tests.http.conftest import NOBODY
from tests.http.test_native import post
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

STAY = {
    "time": "2026-03-18 09:15:22",
    "patient": {"id": "demo", "sex": "female", "birth_date": "1958-03-12"},
    "facility": {"level": 3},
    "visit": {
        "id": "ZY1",
        "type": "inpatient",
        "medical_type": "21",
        "insurance": "310",
        "admitted": "2026-03-16 10:00:00",
        "total_amount": 8000,
    },
    "diagnoses": [{"code": "K80.100", "name": "胆囊结石伴其他胆囊炎", "main": True}],
    "operations": [{"code": "51.2300", "name": "腹腔镜下胆囊切除术", "main": True}],
    "lines": [{"id": "Y1", "item": "XB05BAZ087B002010100001", "quantity": 1, "amount": 30, "price": 30}],
}


def stay(**visit):
    """Return the stay with another visit."""
    found = copy.deepcopy(STAY)
    found["visit"].update(visit)
    return found


class TestChoice:
    """Which scheme judges a stay."""

    OLD = replace(a_scheme(a_row(), name="old", digest="1"), valid_to=date(2025, 12, 31))
    NEW = replace(a_scheme(a_row(), name="new", digest="2"), valid_from=date(2026, 1, 1))
    SCHEMES = Schemes((Directory.build(NEW), Directory.build(OLD)))

    @pytest.mark.parametrize(
        ("name", "day", "expected"),
        [
            (None, date(2025, 12, 31), "old"),
            (None, date(2026, 1, 1), "new"),
            ("old", None, "old"),
            ("old", date(2026, 1, 1), None),
            ("other", None, None),
            (None, None, "new"),
        ],
    )
    def test_by_name_and_day(self, name, day, expected):
        """The one in force on the day; of several the first; none rather than a wrong one."""
        found = self.SCHEMES.find(name, day)

        assert expected == (found.scheme.name if found else None)


class TestAtStart:
    """What ships is in use at once."""

    def test_the_extract_is_in_use(self, client):
        """Ready says so, and a stay is grouped under it: a group, and no money that nobody published."""
        assert {"national-3.0-extract"} == set(client.get("/readyz").json()["schemes"])

        answer = post(client, STAY).json()
        after = answer["dip"]["after"]
        assert "national-3.0-extract" == answer["dip"]["scheme"]
        assert ("core", "BX-1029") == (after["status"], after["group"])
        assert (None, None, None) == (after["points"], after["standard"], after["balance"])
        assert "score_absent" in after["reasons"]
        assert answer["digests"]["scheme"]

    def test_out_patients_have_no_dip(self, client):
        """Null, and no scheme among the digests."""
        answer = post(client, stay(type="outpatient", medical_type="11")).json()

        assert (None, None) == (answer["dip"], answer["digests"]["scheme"])

    def test_the_cache_is_enough(self, client, tmp_path):
        """A start needs no database: the built scheme lies beside the packs."""
        found = schemes_of(tmp_path, read_activation(tmp_path))

        assert [compile_scheme(STARTER).digest] == [one.scheme.digest for one in found.directories]

    def test_a_damaged_scheme_is_not_served(self, serve, tmp_path):
        """Refused with the rest of what is cached, and the reason is said: no stay is judged by half a catalogue."""
        serve()
        path = next((tmp_path / "packs").glob(f"{compile_scheme(STARTER).digest}*"))
        path.write_bytes(path.read_bytes()[:-20])

        again = serve()

        assert 503 == again.get("/readyz").status_code
        assert "cannot be loaded" in again.get("/readyz").json()["reasons"][0]


@pytest.mark.db
class TestActivation:
    """A hospital's own scheme."""

    @pytest.fixture
    def recorded(self, serve, database_url):
        """The application with a database of its own."""
        return serve(database_url=database_url)

    def test_what_ships_is_seeded(self, recorded, database_url):
        """Once, beside the packs."""
        eventually(lambda: value(database_url, "SELECT count(*) FROM pack_activation WHERE kind = 'scheme'"))

        assert 1 == value(database_url, "SELECT count(*) FROM pack_activation WHERE kind = 'scheme'")

    def test_an_upgrade_brings_what_ships(self, serve, database_url, tmp_path):
        """What a version without schemes left, data directory and database, gets the one that ships."""
        first = serve(database_url=database_url)
        eventually(lambda: first.get("/readyz").json()["activation"] == "database")
        first.__exit__(None, None, None)
        execute(database_url, "DELETE FROM pack_activation WHERE kind = 'scheme'")
        execute(database_url, "DELETE FROM pack WHERE kind = 'scheme'")
        write_activation(tmp_path, replace(read_activation(tmp_path), schemes=()))

        upgraded = serve(database_url=database_url)

        eventually(lambda: "national-3.0-extract" in upgraded.get("/readyz").json()["schemes"])

    def test_the_city_s_scheme_is_live_within_a_second_or_two(self, recorded, database_url, tmp_path, monkeypatch):
        """It stands before the extract, prices the stay, and its digest is in verdict and row."""
        eventually(lambda: recorded.get("/readyz").json()["activation"] == "database")
        monkeypatch.setenv("DIPCHECK_DATABASE_URL", database_url)
        before = post(recorded, STAY).json()
        scheme = compile_scheme(SHIPPED / "example-city-a")
        assert OK == main(["scheme", "activate", "example-city-a", "--by", "test"])
        eventually(lambda: "example-city-a" in recorded.get("/readyz").json()["schemes"])

        answer = post(recorded, STAY).json()

        assert ("example-city-a", scheme.digest) == (answer["dip"]["scheme"], answer["digests"]["scheme"])
        assert before["digests"]["scheme"] != answer["digests"]["scheme"]
        assert answer["dip"]["after"]["standard"] > 0
        assert {scheme.digest} <= {digest for _, digest in read_activation(tmp_path).schemes}
        eventually(lambda: value(database_url, f"SELECT count(*) FROM verdict WHERE scheme = '{scheme.digest}'"))

    def test_a_withdrawn_scheme_does_not_come_back(self, recorded, database_url, monkeypatch, capsys):
        """Withdrawing the last one is the hospital's word: no stay is grouped, and nothing is seeded again."""
        monkeypatch.setenv("DIPCHECK_DATABASE_URL", database_url)
        eventually(lambda: value(database_url, "SELECT count(*) FROM pack_activation WHERE kind = 'scheme'"))

        assert OK == main(["scheme", "withdraw", "national-3.0-extract"])
        eventually(lambda: not recorded.get("/readyz").json()["schemes"])

        assert post(recorded, STAY).json()["dip"] is None
        assert 2 == value(database_url, "SELECT count(*) FROM pack_activation WHERE kind = 'scheme'")
        assert MISUSE == main(["scheme", "withdraw", "national-3.0-extract"])
        assert "no scheme `national-3.0-extract` is in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["activate", "nowhere"], "there is no scheme `nowhere`"),
        (["activate", "example-city-a", "--from", "tomorrow"], "`tomorrow` is no time"),
        (["activate", "example-city-a", "--from", "2026-04-01"], "needs a zone"),
        (["withdraw", "example-city-a"], "the database does not answer"),
    ],
)
def test_what_cannot_be_activated_says_why(arguments, said, monkeypatch, capsys):
    """Wrong use: a sentence, exit code 2, and nothing written."""
    monkeypatch.setenv("DIPCHECK_DATABASE_URL", NOBODY)

    assert MISUSE == main(["scheme", *arguments])
    assert said in capsys.readouterr().err
