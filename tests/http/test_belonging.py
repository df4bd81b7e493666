"""A disposition finds its verdict's hospital where the caller speaks for several and names none."""

import pytest

from service.packs import EXAMPLE
from tests.http.test_native import post
from tests.http.test_recorded import eventually
from tests.postgres import value

pytestmark = pytest.mark.db
ELSEWHERE = "H33019900001"


def dispose(client, finding, **more):
    body = {"dispositions": [{"finding": finding, "action": "revised"}], **more}
    assert "stored" == client.post("/v1/dispositions", json=body).json()["dispositions"][0]["state"]


def filed(url):
    eventually(lambda: value(url, "SELECT count(*) FROM disposition"))
    return value(url, "SELECT array_agg(DISTINCT hospital) FROM disposition")


def test_what_this_worker_answered_lately_is_known(serve, database_url):
    """Before the verdict is in the database, too."""
    client = serve(database_url=database_url)
    finding = post(client, EXAMPLE | {"hospital": ELSEWHERE}).json()["findings"][0]["id"]
    dispose(client, finding)

    assert [ELSEWHERE] == filed(database_url)


def test_else_the_database_knows(serve, database_url):
    """Whichever worker or replica gave the verdict."""
    client = serve(database_url=database_url)
    finding = post(client, EXAMPLE | {"hospital": ELSEWHERE}).json()["findings"][0]["id"]
    eventually(lambda: value(database_url, "SELECT count(*) FROM verdict"))
    client.app.web.state.instance.belonging._elsewhere.clear()
    dispose(client, finding)

    assert [ELSEWHERE] == filed(database_url)


def test_what_the_caller_says_comes_before(serve, database_url):
    """And nobody is asked."""
    client = serve(database_url=database_url)
    finding = post(client, EXAMPLE).json()["findings"][0]["id"]
    dispose(client, finding, hospital=ELSEWHERE)

    assert [ELSEWHERE] == filed(database_url)


def test_nothing_known_means_the_instances_own(client):
    """Without a database the call is answered all the same."""
    dispose(client, post(client, EXAMPLE).json()["findings"][0]["id"])
