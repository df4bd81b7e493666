"""The DIP interface over HTTP: one case, batches, what-ifs, settlement, search, schemes; and every refusal."""

import dataclasses
import functools
import json
import re
import unicodedata
from datetime import date
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import TypeAdapter

from rules.dip import behaviour, record_quality, settled, strategies
from rules.dip.codes import Status
from rules.dip.compiler import compile_scheme
from rules.dip.directory import Directory
from rules.noun import Noun
from service import keys
from service.dip.command import RESULTS
from service.dip.search import Found, LibraryIndex
from service.dip.sets import MONEY
from service.dip.table import COLUMNS
from service.schemas.dip import BatchLineAnswer, GroupAnswer, SchemesAnswer, SearchAnswer, WhatIfAnswer
from service.schemas.dip_case import CaseIn
from service.schemas.dip_sets import SettleAnswer, StrategiesAnswer
from service.schemes import SHIPPED, Schemes
from tests.http.test_native import fields, post

CASE = {
    "id": "C1",
    "principal": "K80.100",
    "operations": ["51.2300"],
    "sex": "male",
    "age": 50,
    "days": 7,
    "cost": 12000,
    "hospital_level": 3,
    "insurance": "310",
    "medical_type": "21",
    "out_of_area": False,
    "discharged": "2026-03-01",
}
LIST = {
    "infno": "4101",
    "input": {
        "setlinfo": {
            "fixmedins_code": "H33019900001",
            "setl_id": "S1",
            "psn_no": "330199195803120021",
            "psn_name": "张三",
            "gend": "1",
            "age": "50",
            "adm_time": "2026-02-22",
            "dscg_time": "2026-03-01",
            "hi_type": "310",
            "med_type": "21",
        },
        "diseinfo": [
            {"diag_type": "1", "diag_code": "K80.100", "diag_name": "胆囊结石伴其他胆囊炎", "maindiag_flag": "1"}
        ],
        "oprninfo": [{"oprn_oprt_code": "51.2300", "oprn_oprt_name": "腹腔镜下胆囊切除术", "oprn_oprt_type": "1"}],
        "iteminfo": [{"med_chrgitm": "06", "amt": "12000"}],
    },
}
LINES = {"content-type": "application/x-ndjson"}


@functools.cache
def directory(name):
    return Directory.build(compile_scheme(SHIPPED / name))


@pytest.fixture
def city(client):
    """A service whose first scheme is an invented city, with points and money, before the extract that ships."""
    use(client, "example-city-a", "national-3.0-extract")
    return client


def use(client, *names):
    state = client.app.web.state.instance.state
    state.active = dataclasses.replace(state.active, schemes=Schemes(tuple(directory(name) for name in names)))


def ask(client, body, path="group", **options):
    return post(client, body, f"/v1/dip/{path}", **options)


def case(**changes):
    return CASE | changes


def lines(client, *rows, query=""):
    """Post lines; return the answers of a batch."""
    body = b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    reply = ask(client, body, f"group:batch{query}", headers=LINES)
    assert 200 == reply.status_code
    return [json.loads(line) for line in reply.content.splitlines()]


class TestGroup:
    def test_a_case_is_grouped_and_valued(self, city):
        """Group, points with their sources, and the scheme that said so."""
        answer = ask(city, CASE).json()

        grouping, points = answer["grouping"], answer["points"]
        assert ("core", "核心病种", "K80.100") == (grouping["status"], grouping["status_name"], grouping["principal"])
        assert ["score", "hospital_coefficient"] == [factor["name"] for factor in points["factors"]]
        score, coefficient = (factor["value"] for factor in points["factors"])
        assert score * coefficient == pytest.approx(points["points"])
        assert ("example-city-a", True) == (answer["scheme"]["name"], answer["scheme"]["in_force"])
        assert (False, "") == (answer["estimated"], answer["label"])

    @pytest.mark.parametrize("body", [CASE, {}, LIST], ids=["case", "nothing", "list"])
    def test_the_answer_is_what_openapi_says(self, city, body):
        """Written by hand, accepted by its documented model without a key too many."""
        document = ask(city, body).json()

        TypeAdapter(GroupAnswer).validate_python(document)
        assert set(document) == set(GroupAnswer.model_fields)
        for part in ("scheme", "grouping", "points", "payment"):
            model = GroupAnswer.model_fields[part].annotation
            assert set(document[part]) == {field.alias or name for name, field in model.model_fields.items()}

    def test_a_stay_that_is_not_over_is_an_estimate(self, city):
        """Without a day of discharge the answer is labelled 预估."""
        answer = ask(city, case(discharged=None)).json()

        assert (True, "预估") == (answer["estimated"], answer["label"])

    def test_an_estimate_is_of_today(self, city, monkeypatch):
        """Coefficient and point value of today, as in a check; the same answer as for a discharge today, but 预估."""
        monkeypatch.setattr("service.dip.reading.CaseReader.today", lambda _self: date(2026, 3, 1))
        estimate, answer = (ask(city, case(discharged=day)).json() for day in (None, "2026-03-01"))

        assert (answer["points"], answer["payment"]) == (estimate["points"], estimate["payment"])
        assert (True, True) == (estimate["estimated"], estimate["scheme"]["in_force"])
        assert estimate["payment"]["standard"] is not None

    def test_days_of_an_estimate_are_counted_to_today(self, city, monkeypatch):
        """From admission; who comes tomorrow has no days and no points."""
        monkeypatch.setattr("service.dip.reading.CaseReader.today", lambda _self: date(2027, 3, 1))
        changes = {"discharged": None, "days": None, "admitted": "2027-02-27"}
        today = ask(city, case(**changes), "group?scheme=example-city-a").json()
        later = ask(city, case(**changes | {"admitted": "2027-03-02"})).json()

        assert "今天不在本方案有效期内,结果仅供参考。" in today["explanation"]
        assert today["payment"]["eligible"] is True
        assert later["payment"]["standard"] is None

    def test_a_settlement_list_without_discharge_lacks_it(self, city):
        """The estimate hides nothing from the checks of the list."""
        head = {name: value for name, value in LIST["input"]["setlinfo"].items() if name != "dscg_time"}
        answer = ask(city, {"input": LIST["input"] | {"setlinfo": head}}).json()

        assert "预估" == answer["label"]
        assert any("discharged" in finding["not_checked"] for finding in answer["quality"])

    def test_nothing_known_is_ungrouped_with_its_reason(self, city):
        """An empty case is answered: no group, and why."""
        grouping = ask(city, {}).json()["grouping"]

        assert ("ungrouped", None) == (grouping["status"], grouping["group"])
        assert ["missing_principal_diagnosis"] == [reason["reason"] for reason in grouping["reasons"]]

    def test_codes_may_come_as_they_are_kept(self, city):
        """Full-width, lower case, lost zeros: the same group."""
        untidy = case(principal=" K80.1", operations=["", "51.23", None])

        assert ask(city, CASE).json()["grouping"]["group"] == ask(city, untidy).json()["grouping"]["group"]

    def test_explanation_may_be_left_out(self, city):
        """It is there unless unwanted."""
        with_it, without = ask(city, CASE).json(), ask(city, CASE, "group?explain=false").json()

        assert with_it["explanation"]
        assert with_it.keys() - without.keys() == {"explanation"}

    def test_a_standard_is_never_called_a_limit(self, city):
        """Ruling 24: the words say 参考."""
        texts = json.dumps(ask(city, case(place="", cost=90000)).json(), ensure_ascii=False)

        assert "限额" not in texts

    def test_age_comes_from_dates(self, city):
        """Days of life are counted from the dates, never from years."""
        answer = ask(city, case(age=None, birth_date="2026-02-20", admitted="2026-02-22"))

        assert 200 == answer.status_code

    def test_a_settlement_list_is_taken_as_it_is(self, city):
        """Grouped as the same case in native form, and checked; nothing of the person comes back."""
        reply = ask(city, LIST)
        answer = reply.json()

        assert ask(city, CASE).json()["grouping"]["group"] == answer["grouping"]["group"]
        assert "S1" == answer["id"]
        assert answer["quality"]
        assert "张三" not in reply.text
        assert "330199195803120021" not in reply.text

    @pytest.mark.parametrize(("method", "expected"), [("3", True), ("1", False), ("", None)])
    def test_how_a_list_says_it_is_paid(self, city, method, expected):
        """Told with the answer; a list of another method is read as well."""
        head = LIST["input"]["setlinfo"] | {"hi_paymtd": method}
        answer = ask(city, {"input": LIST["input"] | {"setlinfo": head}}).json()

        assert (expected, "core") == (answer["paid_by_dip"], answer["grouping"]["status"])
        assert (expected is False) == (
            "清单填写的医保支付方式不是病种分值,分值与支付标准仅供参考。" in answer["explanation"]
        )
        assert ask(city, CASE).json()["paid_by_dip"] is None

    def test_a_bare_settlement_list_is_known_too(self, city):
        """Without the envelope."""
        assert "core" == ask(city, LIST["input"]).json()["grouping"]["status"]

    def test_the_keys_hospital_and_its_level_come_first(self, serve, tmp_path):
        """Whatever the case says (decision 2, ruling 7)."""
        sites = tmp_path / "sites.yaml"
        sites.write_text("H33019900002: {level: 1}\n", encoding="utf-8")
        key = keys.create(tmp_path, "his", "H33019900002")
        client = serve(sites_file=sites)
        use(client, "example-city-a")
        headers = {"content-type": "application/json", "x-api-key": key}

        def coefficient(**changes):
            points = ask(client, case(**changes), headers=headers).json()["points"]
            return next(factor for factor in points["factors"] if factor["name"] == "hospital_coefficient")["value"]

        assert coefficient(hospital="H33019900009", hospital_level=3) == coefficient(hospital_level=None)


class TestSchemes:
    def test_by_name(self, city):
        """A scheme may be asked for."""
        assert "national-3.0-extract" == ask(city, CASE, "group?scheme=national-3.0-extract").json()["scheme"]["name"]

    def test_an_extract_says_so(self, city):
        """Ungrouped in an extract is not ungrouped in its directory."""
        answer = ask(city, case(principal="Z99.900"), "group?scheme=national-3.0-extract").json()

        assert answer["scheme"]["partial"]

    def test_a_scheme_that_is_not_in_force_says_so(self, city):
        """The first scheme judges, and the answer tells."""
        answer = ask(city, case(discharged="1999-01-01"), "group?scheme=example-city-a").json()

        assert answer["scheme"]["in_force"] is False
        assert "出院日期不在本方案有效期内,结果仅供参考。" in answer["explanation"]

    def test_an_unknown_name_is_a_fault(self, city):
        """Never another scheme instead."""
        reply = ask(city, CASE, "group?scheme=nowhere")

        assert (422, ["scheme"]) == (reply.status_code, fields(reply))

    def test_without_any_scheme(self, client):
        """Not found, and why."""
        use(client)
        reply = ask(client, CASE)

        assert (404, "尚未装载 DIP 方案") == (reply.status_code, reply.json()["detail"])

    def test_listed_with_what_they_lack(self, city):
        """The extract holds no scores; the city does."""
        document = city.get("/v1/dip/schemes").json()

        TypeAdapter(SchemesAnswer).validate_python(document)
        own, extract = document["schemes"]
        assert ["example-city-a", "national-3.0-extract"] == [own["name"], extract["name"]]
        assert "病种分值:无法计算分值与支付标准" in extract["absent"]
        assert "病种分值:无法计算分值与支付标准" not in own["absent"]
        assert own["counts"]["rows"] > 0


class TestRefusals:
    @pytest.mark.parametrize("path", ["group", "simulate", "settle"])
    @pytest.mark.parametrize(("body", "status"), [("", 400), ("{", 400), ("[]", 422), ("null", 422), ("1", 422)])
    def test_bodies_that_are_none(self, city, path, body, status):
        """Not JSON, or JSON of another shape."""
        assert status == ask(city, body, path).status_code

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"principle": "K80.100"}, "principle"),
            ({"age": -1}, "age"),
            ({"age": 4.5}, "age"),
            ({"cost": -1}, "cost"),
            ({"cost": "many"}, "cost"),
            ({"cost": [1]}, "cost"),
            ({"sex": "x"}, "sex"),
            ({"principal": "K" * 51}, "principal"),
            ({"principal": {"code": "K80.1"}}, "principal"),
            ({"others": "K80.1"}, "others"),
            ({"others": [["K80.1"]]}, "others[0]"),
            ({"operations": ["51.2300"] * 201}, "operations"),
            ({"discharged": "2026-02-30"}, "discharged"),
            ({"weight_g": 0}, "weight_g"),
            ({"hospital_level": 4}, "hospital_level"),
            ({"reimbursement_ratio": 1.5}, "reimbursement_ratio"),
            ({"add_on_points": "NaN"}, "add_on_points"),
            ({"admitted": "2026-03-02", "discharged": "2026-03-01"}, ""),
            ({"birth_date": "1900-03-02", "admitted": "2026-03-01"}, None),
            ({"birth_date": "1950-03-02", "admitted": "2026-03-01", "age": 5}, ""),
        ],
    )
    def test_faults_are_named(self, city, changes, field):
        """Each under its own path; year 1900 is how senders write *unknown*."""
        reply = ask(city, case(**changes))

        assert (200 if field is None else 422) == reply.status_code
        if field is not None:
            assert [field] == fields(reply)

    def test_a_settlement_lists_faults_are_under_its_own_names(self, city):
        """As its sender spells them."""
        head = LIST["input"]["setlinfo"] | {"adm_time": "yesterday"}
        reply = ask(city, {"input": LIST["input"] | {"setlinfo": head}})

        assert ["input.setlinfo.adm_time"] == fields(reply)

    def test_too_large(self, serve):
        """A single case is bounded."""
        client = serve(max_body_bytes=100)
        use(client, "example-city-a")

        assert 413 == ask(client, case(department="x" * 200)).status_code

    def test_other_media_types(self, city):
        """A form is no JSON."""
        headers = {"content-type": "application/x-www-form-urlencoded"}

        assert 415 == ask(city, CASE, headers=headers).status_code

    @pytest.mark.parametrize("path", ["group", "group:batch", "simulate", "settle"])
    def test_without_a_rulebook(self, client, path):
        """Not ready; never an empty answer."""
        client.app.web.state.instance.state.active = None

        assert 503 == ask(client, CASE, path).status_code
        assert 503 == client.get("/v1/dip/search?q=a").status_code

    @pytest.mark.parametrize("path", ["group", "group:batch", "simulate", "settle"])
    def test_without_a_key(self, serve, path):
        """As everywhere."""
        client = serve(api_key="secret-of-the-test")

        assert 401 == ask(client, CASE, path).status_code
        assert 401 == client.get("/v1/dip/schemes").status_code
        assert 401 == client.get("/v1/dip/search").status_code


class TestBatch:
    def test_lines_are_answered_in_order(self, city):
        """Native cases and settlement lists mixed; blank lines only count."""
        answers = lines(city, case(id="A"), LIST, b"", case(id="B"))

        assert [(1, "A"), (2, "S1"), (4, "B")] == [(answer["line"], answer["id"]) for answer in answers]
        for answer in answers:
            TypeAdapter(BatchLineAnswer).validate_python(answer)

    def test_an_answer_is_that_of_the_single_call(self, city):
        """But for the line number."""
        (answer,) = lines(city, CASE)

        assert {"line": 1, **ask(city, CASE).json()} == answer

    def test_a_bad_line_stops_no_other(self, city):
        """It is answered with its number and what is wrong with it."""
        answers = lines(city, CASE, b"{", {"cost": -1}, b"[]", CASE)

        assert [None, "not_json", "invalid", "invalid", None] == [
            answer.get("problem", {}).get("code") for answer in answers
        ]
        assert [1, 2, 3, 4, 5] == [answer["line"] for answer in answers]
        assert [{"field": "cost", "message": "不能为负数"}] == answers[2]["problem"]["faults"]

    def test_a_long_line_is_answered_by_itself(self, serve):
        """The limit is on a line, not on the stream."""
        client = serve(max_body_bytes=600)
        use(client, "example-city-a")
        answers = lines(client, CASE, case(department="x" * 900), *[CASE] * 10)

        assert [2] == [answer["line"] for answer in answers if "problem" in answer]
        assert "too_large" == answers[1]["problem"]["code"]
        assert 12 == len(answers)

    def test_the_summary_is_last(self, city):
        """It accounts for every line."""
        *answers, last = lines(city, CASE, {}, b"{", query="?summary=true&explain=false")

        assert 3 == len(answers)
        assert {
            "cases": 2,
            "grouped": 1,
            "ungrouped": 1,
            "problems": 1,
            "by_status": {"core": 1, "ungrouped": 1},
        } == last["summary"]

    def test_nothing_in_nothing_out(self, city):
        """An empty body has no lines."""
        assert [] == lines(city)

    def test_a_fault_of_ours_is_one_line_too(self, city, monkeypatch):
        """Said as an internal error, without content."""
        monkeypatch.setattr("service.dip.answers.group_document", lambda *_, **__: 1 / 0)

        assert ["internal"] == [answer["problem"]["code"] for answer in lines(city, CASE)]

    def test_no_value_of_any_field_breaks_a_line(self, city):
        """Whatever stands anywhere: an answer, or a fault that names the field."""
        values = [
            None,
            "",
            "x",
            "-",
            -1,
            0,
            1e308,
            10**18,
            "9" * 400,
            "1e-999999",
            True,
            [],
            {},
            [None, [], {}],
            "\x00",
            "𠀀",
        ]
        rows = [(name, case(**{name: value})) for name in CaseIn.model_fields for value in values]
        answers = lines(city, *(row for _, row in rows), query="?explain=true")

        assert len(rows) == len(answers)
        for (name, _), answer in zip(rows, answers, strict=True):
            problem = answer.get("problem")
            if problem is not None:
                assert "invalid" == problem["code"]
                # Dates and ages contradict each other as a whole.
                assert {fault["field"].partition("[")[0] for fault in problem["faults"]} <= {name, ""}

    def test_an_unknown_scheme_is_refused_before_the_stream_starts(self, city):
        """The status still can say so."""
        assert 422 == ask(city, CASE, "group:batch?scheme=nowhere", headers=LINES).status_code


class TestWhatIf:
    def test_without_the_operation(self, city):
        """The group changes; the difference names both."""
        body = {"case": CASE, "changes": [{"name": "no operation", "remove_operations": ["51.23"]}]}
        answer = ask(city, body, "simulate").json()

        TypeAdapter(WhatIfAnswer).validate_python(answer)
        (change,) = answer["changes"]
        before, after = answer["before"]["grouping"]["group"], change["after"]["grouping"]["group"]
        assert [before, after] == change["differences"]["group"]
        assert before != after
        assert ("预估", "no operation") == (answer["label"], change["name"])
        assert "病历" in answer["note"]

    def test_changes_are_independent(self, city):
        """Each starts from the case as it is; one that changes nothing differs in nothing."""
        body = {"case": CASE, "changes": [{"cost": 1}, {"cost": 12000}]}
        first, second = ask(city, body, "simulate").json()["changes"]

        assert "ratio" in first["differences"]
        assert {} == second["differences"]

    def test_the_principal_changes_places(self, city):
        """One of the other diagnoses as principal puts the principal among the others."""
        body = {"case": case(others=["I10.x00", "E11.900"]), "changes": [{"principal": "i10"}]}
        (change,) = ask(city, body, "simulate").json()["changes"]

        assert change["after"]["grouping"]["principal"].startswith("I10")

    def test_what_is_not_there_cannot_be_removed(self, city):
        """A slip must not read as *no difference*."""
        body = {"case": CASE, "changes": [{}, {"remove_others": ["I10.x00"]}]}

        assert ["changes[1].remove_others"] == fields(ask(city, body, "simulate"))

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"case": CASE, "changes": []}, "changes"),
            ({"case": CASE}, "changes"),
            ({"changes": [{}]}, "case"),
            ({"case": {"cost": -1}, "changes": [{}]}, "case.cost"),
            ({"case": CASE, "changes": [{"price": 1}]}, "changes[0].price"),
        ],
    )
    def test_faults(self, city, body, field):
        """Named under the caller's own path."""
        assert [field] == fields(ask(city, body, "simulate"))

    def test_a_settlement_list_may_be_changed_too(self, city):
        """It is a case like any other."""
        answer = ask(city, {"case": LIST, "changes": [{"add_others": ["I50.000"], "age": 80}]}, "simulate")

        assert 200 == answer.status_code


class TestStrategies:
    def test_strategies_over_a_month(self, city):
        """A, B and C, by this hospital and by all; A is marked as a violation."""
        body = {"cases": [CASE] * 5, "strategies": {"fund": 100000, "points_rise": 0.2}}
        answer = ask(city, body, "simulate").json()

        TypeAdapter(StrategiesAnswer).validate_python(answer)
        assert "预估" == answer["label"]
        assert {"chase_points", "raise_cost", "control_cost"} == {one["strategy"] for one in answer["outcomes"]}
        assert {"chase_points"} == {one["strategy"] for one in answer["outcomes"] if one["violation"]}
        assert 60000 == answer["today"]["cost"]

    def test_lines_are_taken(self, city):
        """The first one may hold the parameters."""
        rows = [{"strategies": {"fund": 100000}}, CASE, CASE]
        reply = ask(city, "\n".join(map(json.dumps, rows)), "simulate", headers=LINES)

        assert 2 == reply.json()["today"]["cases"]

    def test_faults(self, city):
        """Cases and parameters alike."""
        reply = ask(city, {"cases": [CASE], "strategies": {"points_rise": 2}}, "simulate")

        assert ["strategies.points_rise"] == fields(reply)


class TestSettle:
    def test_a_month(self, city):
        """Points by part add up; money is yuan."""
        body = {"cases": [CASE, case(cost=20000), {}], "parameters": {"budget": 100000, "behaviour": True}}
        answer = ask(city, body, "settle").json()

        TypeAdapter(SettleAnswer).validate_python(answer)
        overall = answer["overall"]["counts"]
        assert (3, 2) == (overall["cases"], overall["settled"])
        assert [([2], "不能确定是否按病种分值付费")] == [
            (left["positions"], left["name"]) for left in overall["left_out"]
        ]
        assert 32000 == overall["cost"]["amount"]
        assert overall["points"] == pytest.approx(sum(part["points"] for part in overall["parts"]))
        assert 3 == answer["behaviour"]["cases"]

    def test_answer_keys_are_documented(self, city):
        """The models and the nouns say the same."""
        answer = ask(city, {"cases": [CASE]}, "settle").json()

        assert set(answer) == set(SettleAnswer.model_fields)
        for part, document in (("overall", answer["overall"]),):
            assert set(document) == set(SettleAnswer.model_fields[part].annotation.model_fields)
        assert answer["behaviour"] is None

    def test_who_is_not_discharged_is_not_settled(self, city):
        """No day is assumed for him."""
        answer = ask(city, {"cases": [CASE, case(discharged=None)]}, "settle?scheme=example-city-a").json()

        (left,) = answer["overall"]["counts"]["left_out"]
        assert ([1], "coefficient_absent", "机构系数不能确定") == (left["positions"], left["reason"], left["name"])

    def test_lines_and_list_are_the_same(self, city):
        """A year may come as lines; blank ones do not count."""
        parameters = {"budget": 100000}
        rows = [{"parameters": parameters}, CASE, case(cost=20000)]
        as_lines = ask(city, "\n\n".join(map(json.dumps, rows)), "settle", headers=LINES)
        as_list = ask(city, {"cases": rows[1:], "parameters": parameters}, "settle")

        assert as_list.json() == as_lines.json()

    def test_settlement_lists_give_a_record_quality_index(self, city):
        """Only they can be checked."""
        body = {"cases": [LIST, CASE], "parameters": {"behaviour": True}}

        assert 1 == ask(city, body, "settle").json()["behaviour"]["records"]["checked"]

    def test_all_or_nothing(self, city):
        """Every unreadable case is named with its place."""
        body = {"cases": [CASE, {"cost": -1}, {"age": -1}], "extra": 1}
        reply = ask(city, body, "settle")

        assert ["extra", "cases[1].cost", "cases[2].age"] == fields(reply)
        rows = [CASE, {"cost": -1}]
        reply = ask(city, "\n".join([*map(json.dumps, rows), "{"]), "settle", headers=LINES)
        assert ["line[2].cost", "line[3]"] == fields(reply)

    def test_no_cases(self, city):
        """A settlement of nothing is a slip."""
        assert ["cases"] == fields(ask(city, {"cases": []}, "settle"))
        assert ["cases"] == fields(ask(city, "", "settle", headers=LINES))

    def test_many_faults_are_cut(self, city):
        """The first hundred are enough."""
        reply = ask(city, {"cases": [{"cost": -1}] * 300}, "settle")

        assert 100 == len(reply.json()["faults"])

    def test_one_scheme_for_all(self, city):
        """Cases of two schemes cannot be settled together, unless one is asked for."""
        body = {"cases": [CASE, case(discharged="1999-01-01")]}
        reply = ask(city, body, "settle")

        if reply.status_code != 200:  # both are in force where the extract has no dates
            assert ["scheme"] == fields(reply)
        assert 200 == ask(city, body, "settle?scheme=example-city-a").status_code


class TestSearch:
    def search(self, client, query):
        reply = client.get(f"/v1/dip/search?{query}")
        assert 200 == reply.status_code
        document = reply.json()
        TypeAdapter(SearchAnswer).validate_python(document)
        return document

    def test_four_libraries(self, city):
        """Without a library all four are searched; rows say where they are from."""
        results = self.search(city, "q=5&limit=200")["results"]

        assert {"diagnoses", "operations", "items", "groups"} >= {row["library"] for row in results}
        assert "operations" in {row["library"] for row in results}

    @pytest.mark.parametrize("q", ["K80.1", "k80.1", "K801", " K80.1"])
    def test_codes_in_any_form(self, city, q):
        """Full-width, lower case, without the dot."""
        rows = self.search(city, f"q={q}&library=groups")["results"]

        assert rows
        assert all(row["code"].startswith("K80.1") for row in rows)
        assert {"score", "class", "class_name", "family", "mean_cost"} <= set(rows[0])

    def test_names_and_limit(self, city):
        """Part of a name; `more` says that there is more."""
        found = self.search(city, "q=胆囊&library=groups&limit=1")

        assert 1 == len(found["results"])
        assert "胆囊" in found["results"][0]["name"]
        assert ["groups"] == found["more"]

    def test_a_library_named_twice(self, city):
        """Is searched once."""
        once, twice = (self.search(city, f"q=胆囊&limit=1{'&library=groups' * times}") for times in (1, 2))

        assert once == twice

    def test_items_of_the_rulebook(self, city):
        """Found by the name that rules give them, with how many rules name them."""
        rows = self.search(city, "q=度他雄胺&library=items")["results"]

        assert rows
        assert all(row["rules"] > 0 for row in rows)

    def test_nothing_asked_nothing_found(self, city):
        """An empty question has no answer."""
        assert [] == self.search(city, "q=")["results"]
        assert [] == self.search(city, "q=%20")["results"]

    @pytest.mark.parametrize(
        "query", ["q=a&library=drugs", "q=a&limit=0", "q=a&limit=201", "q=a&scheme=nowhere", "Q=a", ""]
    )
    def test_refusals(self, city, query):
        """Unknown library or scheme, impossible limit, nothing asked: a slip must not read as *nothing found*."""
        assert 422 == city.get(f"/v1/dip/search?{query}").status_code


def test_every_amount_of_the_settlement_is_known_as_money():
    """An integer of the nouns is a count, a place, or listed as money: nothing is 10,000 times too large."""
    counts = {
        "cases", "settled", "grouped", "discharges", "position", "limit", "days", "before", "judged", "low", "high",
        "checked", "absent", "positions", "approved", "surplus_cases",
    }  # fmt: skip
    modules = (settled, strategies, behaviour, record_quality)
    given = (settled.PoolTerms, strategies.StrategyParameters, record_quality.RecordChecks)
    nouns = [
        noun
        for module in modules
        for noun in vars(module).values()
        if isinstance(noun, type) and issubclass(noun, Noun) and noun.__module__ == module.__name__
    ]
    integers = {
        name
        for noun in nouns
        if noun not in given
        for name, kind in get_type_hints(noun).items()
        if holds_integers(kind)
    }

    assert set() == integers - MONEY - counts
    assert set() == MONEY & counts


def holds_integers(kind):
    """Say whether a type is an integer, or made of them."""
    return kind is int or (get_origin(kind) is not Literal and any(holds_integers(part) for part in get_args(kind)))


class TestIndex:
    ROWS = (
        ("K80.100", "胆囊结石伴其他胆囊炎"),
        ("K80.1", ""),
        ("K80.000", "胆囊结石伴急性胆囊炎"),
        ("K81.000", "急性胆囊炎"),
        ("I10.x00", "特发性(原发性)高血压"),
        ("I10.x0", "I10 K80"),
        ("51.2300", "腹腔镜下胆囊切除术"),
        ("5123", "Laparoscopic  Cholecystectomy"),
    )

    def by_scan(self, asked, limit):
        """Return what a walk over all rows finds, in the promised order."""
        name = "".join(unicodedata.normalize("NFKC", asked).casefold().split())
        code = name.replace(".", "")
        ranked = []
        for own, words in self.ROWS:
            key = own.casefold().replace(".", "")
            text = "".join(unicodedata.normalize("NFKC", words).casefold().split())
            rank = next(
                (
                    rank
                    for rank, fits in enumerate(
                        (code and key.startswith(code), name and text.startswith(name), name and name in text)
                    )
                    if fits
                ),
                None,
            )
            if rank is not None:
                ranked.append((rank, key, own))
        return [own for _, _, own in sorted(ranked)][:limit]

    @pytest.mark.parametrize("limit", [1, 3, 99])
    @pytest.mark.parametrize(
        "asked",
        [
            "k80",
            "K80.1",
            "胆囊",
            "急性",
            "胆囊炎",
            "i10",
            "(原",
            "lap cho",
            "CHOLE",
            "512",
            "0",
            "x",
            ".",
            " ",
            "",
            "术\n腹",
        ],
    )
    def test_the_index_finds_what_a_walk_finds(self, asked, limit):
        """Same rows, same order."""
        index = LibraryIndex(Found("diagnoses", code, name, {}) for code, name in self.ROWS)

        assert self.by_scan(asked, limit) == [row.code for row in index.search(asked, limit)]

    def test_a_table_comes_after_what_rows_name(self):
        """One row per code, and the one with a name."""
        index = LibraryIndex([Found("diagnoses", "I10", "", {}), Found("diagnoses", "I10", "高血压", {})])

        assert ["高血压"] == [row.name for row in index.search("I10", 9)]

    def test_an_empty_library_finds_nothing(self):
        """And does not fail."""
        assert [] == LibraryIndex([]).search("I10", 9)


class TestPage:
    TEXT = (Path(__file__).parents[2] / "docs" / "integrate" / "dip.md").read_text(encoding="utf-8")

    def test_the_examples_are_taken(self, city):
        """What the page shows can be sent as it stands."""
        one, what_if = re.findall(r"```json\n(.+?)```", self.TEXT, flags=re.DOTALL)

        assert "core" == ask(city, one).json()["grouping"]["status"]
        assert 2 == len(ask(city, what_if, "simulate").json()["changes"])

    def test_every_path_status_and_column_is_named(self, city):
        """Nothing of the interface is left out."""
        paths = [path for path in city.get("/openapi.json").json()["paths"] if path.startswith("/v1/dip/")]

        assert 6 == len(paths)
        assert [] == [path for path in paths if path not in self.TEXT]
        assert [] == [name for name in (*COLUMNS, *RESULTS, *get_args(Status)) if f"`{name}`" not in self.TEXT]
