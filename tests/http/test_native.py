"""The native API: findings for the starter pack's example, every fault at once, three states, limits, twins."""

import copy
import json

import pytest
from pydantic import TypeAdapter

from service import keys
from service.packs import EXAMPLE
from service.schemas.native import CheckAnswer, ProblemOut

JSON = {"content-type": "application/json"}


def example(**changes):
    return copy.deepcopy(EXAMPLE) | changes


def post(client, body, path="/v1/checks", **options):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(path, content=content, headers=options.pop("headers", JSON), **options)


def fields(reply):
    return [fault["field"] for fault in reply.json()["faults"]]


class TestAnswer:
    def test_the_example_brings_findings(self, client):
        """What `make run` prints is answered with findings that name item, limit and basis."""
        reply = post(client, EXAMPLE)

        assert 200 == reply.status_code
        answer = reply.json()
        assert "warned" == answer["state"]
        sex = next(entry for entry in answer["findings"] if entry["kind"] == "sex_limit")
        assert "【度他雄胺软胶囊】限男性使用,患者为女性,请核对患者性别或更换项目。" == sex["message"]
        assert ("suspicious", "warn") == (sex["certainty"], sex["level"])
        assert [{"position": 0, "id": "CF1-1", "amount": 52.8}] == sex["lines"]
        assert sex["citation"]["instrument"]

    def test_answer_matches_its_documented_model(self, client):
        """The answer is written by hand; the model that OpenAPI shows accepts it without a key too many."""
        document = post(client, EXAMPLE).json()

        model = TypeAdapter(CheckAnswer).validate_python(document)
        assert set(document) == set(CheckAnswer.model_fields)
        assert set(document["findings"][0]) == set(type(model.findings[0]).model_fields)

    def test_nothing_to_say_is_clear(self, client):
        """An item that no rule names is clear, with no findings and nothing unchecked."""
        answer = post(client, example(lines=[{"item": "XA00000000000000000000", "quantity": 1}])).json()

        assert ("clear", [], []) == (answer["state"], answer["findings"], answer["not_checked"])

    def test_absent_sex_is_not_a_pass(self, client):
        """Without the patient's sex the rule is listed as not checked and the state is indeterminate."""
        body = example(patient={"id": "demo"}, lines=EXAMPLE["lines"][:1])
        answer = post(client, body).json()

        assert "indeterminate" == answer["state"]
        (entry,) = answer["not_checked"]
        assert (["patient.sex"], "missing") == (entry["fields"], entry["reason"])
        assert "【药品区分性别使用】未能判断:缺少患者性别。" == entry["message"]

    def test_amount_is_counted_once_per_line(self, client):
        """Several rules on one line put its money at stake once."""
        answer = post(client, example(facility={"level": 1, "specialty": ""})).json()

        assert 52.8 + 186 == pytest.approx(answer["amount"])
        assert len(answer["findings"]) > len(EXAMPLE["lines"])

    def test_reversal_is_legal(self, client):
        """A negative quantity is a charge taken back, not a fault."""
        lines = [{"item": "001109000010000", "quantity": -1, "amount": -35, "begin": "2026-03-18"}]

        assert 200 == post(client, example(lines=lines)).status_code


class TestIdentity:
    def test_same_message_and_content_get_the_same_verdict(self, client):
        """A retry is answered with the same id and is not flagged."""
        first, again = post(client, EXAMPLE).json(), post(client, EXAMPLE).json()

        assert first["id"] == again["id"]
        assert (False, False) == (first["message_id_reused"], again["message_id_reused"])

    def test_the_envelope_time_is_no_content(self, client):
        """A retry that only moves the message's clock within the day keeps its id."""
        later = post(client, example(time="2026-03-18 09:17:00")).json()

        assert post(client, EXAMPLE).json()["id"] == later["id"]

    def test_other_content_is_a_new_verdict_and_flagged(self, client):
        """The same message id with other content gets another id, and the answer says so."""
        first = post(client, EXAMPLE).json()
        other = post(client, example(patient=EXAMPLE["patient"] | {"sex": "male"})).json()

        assert first["id"] != other["id"]
        assert other["message_id_reused"] is True

    def test_without_message_id_every_call_is_its_own(self, client):
        """Nothing says that two calls are one."""
        body = example()
        del body["message_id"]

        assert post(client, body).json()["id"] != post(client, body).json()["id"]


class TestFaults:
    def test_every_fault_at_once_in_the_callers_names(self, client):
        """A misspelt field, a wrong number, a wrong word and an impossible date are all reported together."""
        body = {
            "patient": {"sex": "x", "birth_date": "1958-13-40"},
            "lines": [{"itm": "1", "quantity": "many"}, {"item": "X", "begin": "2026-02-30"}],
        }
        reply = post(client, body)

        assert 422 == reply.status_code
        assert {
            "patient.sex",
            "patient.birth_date",
            "lines[0].itm",
            "lines[0].quantity",
            "lines[1].begin",
        } == set(fields(reply))

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ("", 400),
            ("{", 400),
            ("[]", 422),
            ("null", 422),
            ('{"lines": NaN}', 400),
            ('{"lines": [{"quantity": NaN}]}', 422),
            ('{"lines": [{"quantity": 1e400}]}', 422),
            ('{"lines": [{"quantity": Infinity}]}', 422),
            ('{"lines": [{"quantity": 99999999999999999999}]}', 422),
            ('{"lines": {}}', 422),
            ("[" * 1000 + "]" * 1000, 400),
            ('{"lines": ' + "[" * 1000 + "]" * 1000 + "}", 400),
            (b"\xff\xfe", 400),
        ],
    )
    def test_nonsense_is_a_clear_problem(self, client, body, status):
        """Never a 500, never an empty answer: a documented problem without the offending value."""
        reply = post(client, body)

        assert reply.status_code in {status, 400, 422}
        TypeAdapter(ProblemOut).validate_python(reply.json())

    def test_values_never_come_back(self, client):
        """A problem says where and what, never the value: it may be somebody's name."""
        reply = post(client, {"lines": [], "patient": {"birth_date": "张三丰"}})

        assert "张三丰" not in reply.text

    def test_the_line_limit_is_a_setting(self, serve):
        """DIPCHECK_MAX_LINES holds for every dialect."""
        client = serve(max_lines=1)

        assert 422 == post(client, {"lines": [{"item": "X"}] * 2}).status_code

    def test_too_many_lines(self, client):
        """5,000 lines are the limit."""
        reply = post(client, {"lines": [{"item": "X"}] * 5_001})

        assert (422, ["lines"]) == (reply.status_code, fields(reply))

    def test_a_whole_limit_of_lines_is_answered(self, client):
        """The largest encounter allowed is checked."""
        lines = [{"item": "001109000010000", "quantity": 1, "begin": "2026-03-18"}] * 5_000

        assert "warned" == post(client, {"lines": lines}).json()["state"]

    def test_no_lines_is_no_pass(self, client):
        """An empty list is a slip of the sender, but for registration and admission, where nothing is ordered yet."""
        assert ["lines"] == fields(post(client, {"lines": []}))
        assert 200 == post(client, {"lines": [], "scenes": ["3"]}).status_code

    def test_unknown_mode(self, client):
        """Only now and later exist."""
        assert 422 == post(client, EXAMPLE, "/v1/checks?mode=never").status_code


class TestLimits:
    def test_too_large_announced(self, serve):
        """A body above the limit is refused before it is read."""
        reply = post(serve(max_body_bytes=1_000), b" " * 1_001)

        assert 413 == reply.status_code

    def test_too_large_unannounced(self, serve):
        """Chunks count too."""
        reply = serve(max_body_bytes=1_000).post("/v1/checks", content=iter([b" " * 600, b" " * 600]), headers=JSON)

        assert 413 == reply.status_code

    def test_media_type(self, client):
        """A form is not a check."""
        reply = post(client, "a=1", headers={"content-type": "application/x-www-form-urlencoded"})

        assert 415 == reply.status_code

    def test_wrong_method_and_path_are_problems_too(self, client):
        """One error shape everywhere."""
        for reply, status in ((client.get("/v1/checks"), 405), (client.get("/nowhere"), 404)):
            assert status == reply.status_code
            TypeAdapter(ProblemOut).validate_python(reply.json())


class TestKeys:
    def test_a_key_is_needed_where_one_is_configured(self, serve):
        """No key, a wrong key, then the right one in each of three headers."""
        client = serve(api_key="secret")

        assert 401 == post(client, EXAMPLE).status_code
        assert 401 == post(client, EXAMPLE, headers=JSON | {"x-api-key": "wrong"}).status_code
        assert 401 == client.get("/v1/rulebook").status_code
        for header in ({"authorization": "Bearer secret"}, {"x-api-key": "secret"}, {"apikey": "secret"}):
            assert 200 == post(client, EXAMPLE, headers=JSON | header).status_code

    def test_a_key_made_while_running_waits_for_the_next_start(self, serve, tmp_path):
        """A worker that is started again must not lock callers out with a key that nobody has yet."""
        serve()
        keys.create(tmp_path, "his", None)

        assert keys.KeyRing.load(tmp_path).empty
        keys.freeze(tmp_path)
        assert not keys.KeyRing.load(tmp_path).empty
        with pytest.raises(ValueError, match="there already"):
            keys.create(tmp_path, "his", None)


class TestTwins:
    def test_fastapi_route_answers_as_the_hot_path(self, client):
        """The documented route behind the hot path gives the same answer, timing apart."""
        instance = client.app.web.state.instance
        through_hot_path = post(client, EXAMPLE).json()
        instance.hot_path._exact.clear()
        through_route = post(client, EXAMPLE).json()

        for document in (through_hot_path, through_route):
            document.pop("elapsed_us")
        assert through_hot_path == through_route

    def test_batch_answers_each_as_alone(self, client):
        """A batch gives each encounter its own answer, and a faulty one its own problem."""
        reply = post(client, {"checks": [EXAMPLE, {"lines": 1}, EXAMPLE]}, "/v1/checks:batch").json()["results"]

        alone = post(client, EXAMPLE).json()
        assert alone["id"] == reply[0]["id"] == reply[2]["id"]
        assert "invalid" == reply[1]["code"]

    @pytest.mark.parametrize("body", ["[]", '{"checks": 1}', "{", '{"checks": [' + ",".join(["{}"] * 1001) + "]}"])
    def test_batch_faults(self, client, body):
        """What is no batch is refused whole."""
        assert post(client, body, "/v1/checks:batch").status_code in {400, 422}


class TestItemCodes:
    @pytest.mark.parametrize(
        ("line", "reason"), [({"quantity": 1}, "missing"), ({"item": "YP1001", "quantity": 1}, "unmapped")]
    )
    def test_an_item_nobody_can_recognise_is_not_a_pass(self, client, line, reason):
        """A line without a national code is listed as not checked, for it could be anything."""
        answer = post(client, example(lines=[line])).json()

        assert "indeterminate" == answer["state"]
        assert [("item-code", reason, [0])] == [
            (entry["rule"], entry["reason"], entry["lines"]) for entry in answer["not_checked"]
        ]

    def test_what_the_patient_pays_needs_no_code(self, client):
        """A self-paid line outside the catalogue is nobody's business here."""
        assert "clear" == post(client, example(lines=[{"name": "陪护床", "self_paid": True}])).json()["state"]


class TestDispositions:
    def report(self, client, *entries):
        return client.post("/v1/dispositions", json={"dispositions": list(entries)})

    def test_ours_is_stored_and_others_are_unknown(self, client):
        """Each disposition says what became of it; repeats are fine."""
        finding = post(client, EXAMPLE).json()["findings"][0]["id"]
        done = {"finding": finding, "action": "revised"}
        reply = self.report(client, done, done, {"finding": "nobody", "action": "ignored"})

        assert {(finding, "stored"), ("nobody", "unknown")} == {
            (entry["finding"], entry["state"]) for entry in reply.json()["dispositions"]
        }

    @pytest.mark.parametrize(
        "entry", [{}, {"finding": "x", "action": "exploded"}, {"finding": "", "action": "ignored"}]
    )
    def test_faults(self, client, entry):
        """Unknown actions and empty ids are refused in the caller's names."""
        reply = self.report(client, entry)

        assert 422 == reply.status_code
        assert fields(reply)


class TestLater:
    def test_later_answers_with_an_address(self, client):
        """mode=later is accepted with an id that is the verdict's own."""
        reply = post(client, EXAMPLE, "/v1/checks?mode=later")

        assert 202 == reply.status_code
        assert {"id": post(client, EXAMPLE).json()["id"], "state": "pending"}.items() <= reply.json().items()
