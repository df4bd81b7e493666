"""Bad input in the national dialect: every fault in the caller's own field names, and nothing but ``Problem``."""

import json
from typing import Any

import pytest

from service.dialects.national import DIALECT
from service.errors import INTERNAL, MEDIA_TYPE, NOT_READY, PROBLEM_KINDS, TOO_LARGE, UNAUTHENTICATED, Fault, Problem
from tests.dialects.national_calls import a_call, a_message, an_order, read

ORDERS = "input.data.patient_dtos[0].fsi_encounter_dtos[0].fsi_order_dtos"


def faults_of(message: bytes | dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as caught:
        read(message)
    return [(fault.field, fault.message) for fault in caught.value.faults]


def refusal(problem: Problem, body: bytes = b"{}", **changes: Any) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(DIALECT.refuse(problem, a_call(body, **changes)).body)
    return envelope


class TestNames:
    def test_every_fault_with_its_path(self):
        """All faults are reported at once, with the path as the caller would write it."""
        orders = [an_order(), an_order(cnt="两盒", drord_begn_date="2026-02-30"), an_order(sumamt=[1])]

        assert [
            (f"{ORDERS}[1].cnt", "应为数字"),
            (f"{ORDERS}[1].drord_begn_date", "日期时间不存在"),
            (f"{ORDERS}[2].sumamt", "应为有限的数字"),
        ] == faults_of(a_message(*orders))

    def test_lone_objects_have_no_index(self):
        """A lone object is named without an index, as its sender wrote it."""
        visit = {"mdtrt_id": "M1", "fsi_order_dtos": [an_order(cnt="x")], "adm_date": "yesterday"}
        message = a_message(data={"patient_dtos": {"brdy": "17-13-1", "fsi_encounter_dtos": visit}})
        path = "input.data.patient_dtos"

        assert {
            f"{path}.fsi_encounter_dtos.fsi_order_dtos[0].cnt",
            f"{path}.fsi_encounter_dtos.adm_date",
            f"{path}.brdy",
        } == {field for field, _ in faults_of(message)}

    def test_flat_nodes_have_their_own_path(self):
        """Nodes beside ``data`` are named where they stand."""
        message = a_message()
        patient = message["input"]["data"].pop("patient_dtos")[0]
        message["input"]["fsi_encounter_dtos"] = patient.pop("fsi_encounter_dtos")
        message["input"]["patient_dtos"] = [patient]
        message["input"]["fsi_encounter_dtos"][0]["medfee_sumamt"] = "abc"

        assert [("input.fsi_encounter_dtos[0].medfee_sumamt", "应为数字")] == faults_of(message)

    def test_no_fault_quotes_a_value(self):
        """A problem says where and what is wrong, never what stood there."""
        with pytest.raises(Problem) as caught:
            read(a_message(an_order(cnt="何示例"), patient={"brdy": "44019900000000000000000321"}))

        assert "何示例" not in str(caught.value)
        assert "440199" not in str(caught.value)


class TestShapes:
    @pytest.mark.parametrize(
        ("message", "field"),
        [
            (b"[]", "body"),
            (b'"3101"', "body"),
            (a_message(input=None), "input"),
            (a_message(input="{}"), "input"),
            (a_message(input=[]), "input"),
            (a_message(input={}), "input.data"),
            (a_message(input={"data": []}), "input.data"),
            (a_message(data={"patient_dtos": ""}), "input.data.patient_dtos"),
            (a_message(data={"patient_dtos": 5}), "input.data.patient_dtos"),
            (a_message(data={"patient_dtos": ["a"]}), "input.data.patient_dtos[0]"),
            (a_message(patient={"fsi_encounter_dtos": ""}), "input.data.patient_dtos[0].fsi_encounter_dtos"),
            (a_message(patient={"fsi_encounter_dtos": [[]]}), "input.data.patient_dtos[0].fsi_encounter_dtos[0]"),
            (a_message(visit={"fsi_order_dtos": []}), ORDERS),
            (a_message(visit={"fsi_order_dtos": [None]}), ORDERS),
            (a_message(visit={"fsi_order_dtos": "orders"}), ORDERS),
            (a_message(visit={"fsi_order_dtos": [1]}), f"{ORDERS}[0]"),
            (
                a_message(visit={"fsi_diagnose_dtos": {"dise_codg": {}}}),
                ORDERS.replace("order", "diagnose") + ".dise_codg",
            ),
            (a_message(visit={"fsi_operation_dtos": 7}), ORDERS.replace("order", "operation")),
            (a_message(data={"trig_scen": {"a": 1}}), "input.data.trig_scen"),
            (a_message(msgid={}), "msgid"),
            (a_message(inf_time="soon"), "inf_time"),
            (a_message(an_order(rx_id="9" * 600)), f"{ORDERS}[0].rx_id"),
            (a_message(an_order(rx_id=10**600)), f"{ORDERS}[0].rx_id"),
        ],
        ids=str,
    )
    def test_meaningless(self, message, field):
        """What makes a message meaningless is a fault with its place."""
        assert field in [name for name, _ in faults_of(message)]

    @pytest.mark.parametrize("scene", ["1", "3"])
    def test_registration_without_orders(self, scene):
        """Registering a visit is the one time a message has no orders."""
        assert () == read(a_message(visit={"fsi_order_dtos": ""}, data={"trig_scen": scene})).encounter.lines


class TestNumbers:
    @pytest.mark.parametrize("value", ["1e400", "NaN", "Infinity", "1e30", 1e300, 10**40, "12,3,x", True, {}, []])
    @pytest.mark.parametrize("field", ["cnt", "pric", "sumamt", "ownpay_amt", "selfpay_amt"])
    def test_impossible(self, field, value):
        """A quantity or amount that cannot be one is a fault."""
        assert [f"{ORDERS}[0].{field}"] == [name for name, _ in faults_of(a_message(an_order(**{field: value})))]

    @pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"01", b"1.", b"0x1"])
    def test_no_json_numbers(self, literal):
        """What JSON does not know as a number makes the body no JSON."""
        body = json.dumps(a_message(an_order(cnt="@"))).encode().replace(b'"@"', literal)

        with pytest.raises(Problem) as caught:
            read(body)

        assert "not_json" == caught.value.kind.code

    @pytest.mark.parametrize("value", [-1, "0", 0, "-2.5"])
    def test_reversals(self, value):
        """Negative and zero quantities are legal: charges are reversed."""
        assert read(a_message(an_order(cnt=value))).encounter.lines[0].quantity is not None


class TestDates:
    @pytest.mark.parametrize("value", ["2026-02-30", "2026-13-01", "0000-01-01", "25:00", "明天", 1e300, True, {}])
    @pytest.mark.parametrize("field", ["drord_begn_date", "drord_stop_date"])
    def test_impossible(self, field, value):
        """A time that cannot be one is a fault."""
        assert [f"{ORDERS}[0].{field}"] == [name for name, _ in faults_of(a_message(an_order(**{field: value})))]


class TestAbsurdSizes:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"infno":"3101"',
            b"\x00" * 100,
            b"[" * 1_000 + b"]" * 1_000,
            b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
            b'{"infno":"3101","zz":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
            b'{"infno":"3101","input":' + b"[" * 100_000 + b"}",
            b'{"infno":"3101\\ud800"}',
        ],
        ids=lambda body: repr(body[:24]),
    )
    def test_no_json(self, body):
        """A body that is no JSON, or nested a thousand deep, is a clear problem."""
        with pytest.raises(Problem):
            read(body)

    @pytest.mark.parametrize("field", ["cnt", "rx_id", "drord_begn_date", "unread"])
    def test_deep_leaf(self, field):
        """Depth inside an order is a problem too, wherever it stands."""
        body = json.dumps(a_message(an_order(**{field: "@"}))).replace('"@"', "[" * 1_000 + "]" * 1_000)

        with pytest.raises(Problem):
            read(body.encode())

    def test_too_many_orders(self):
        """100,000 orders are one fault, found before any of them is read."""
        body = json.dumps(a_message(an_order())).encode()
        order = json.dumps(an_order()).encode()
        body = body.replace(order, b",".join([b"{}"] * 100_000))

        assert [(ORDERS, "超过 5000 条")] == [fault for fault in faults_of(body) if fault[0] == ORDERS][:1]

    def test_too_many_orders_in_all(self):
        """The limit counts all encounters together."""
        visits = [{"mdtrt_id": str(at), "fsi_order_dtos": [{}] * 2_600} for at in range(2)]

        assert "超过 5000 条" in faults_of(a_message(patient={"fsi_encounter_dtos": visits}))[0][1]

    def test_exactly_the_limit(self):
        """5,000 lines are read."""
        assert 5_000 == len(read(a_message(*[an_order()] * 5_000)).encounter.lines)

    def test_faults_are_bounded(self):
        """A message wrong in every line names the first 500 faults."""
        assert 500 == len(faults_of(a_message(*[an_order(cnt="x")] * 2_000)))


class TestRefusal:
    """Problems in the standard envelope (decision 4)."""

    def test_faults_of_content(self):
        """A fault of content is HTTP 200 with infcode -1 and the field in err_msg."""
        call = a_call(a_message(an_order(cnt="x")))
        with pytest.raises(Problem) as caught:
            DIALECT.read(call)

        reply = DIALECT.refuse(caught.value, call)

        envelope = json.loads(reply.body)
        assert (200, -1) == (reply.status, envelope["infcode"])
        assert f"报文有误:[{ORDERS}[0].cnt]应为数字" == envelope["err_msg"]
        assert envelope["output"] is None

    def test_as_many_faults_as_fit(self):
        """err_msg has at most 200 characters: whole faults that fit, and how many there are."""
        problem = Problem(PROBLEM_KINDS[1], faults=tuple(Fault(f"{ORDERS}[{at}].cnt", "应为数字") for at in range(40)))

        text = refusal(problem)["err_msg"]

        assert len(text) <= 200
        assert text.endswith("…共40处")
        assert f"[{ORDERS}[1].cnt]应为数字" in text

    def test_one_very_long_fault(self):
        """A fault too long for the field is cut, not dropped."""
        text = refusal(Problem(PROBLEM_KINDS[1], faults=(Fault("x" * 400, "应为数字"),)))["err_msg"]

        assert len(text) <= 200
        assert text.startswith("报文有误:[xxx")

    @pytest.mark.parametrize("kind", PROBLEM_KINDS, ids=lambda kind: kind.code)
    def test_status(self, kind):
        """401, 413 and 415 keep their status; all else is HTTP 200. infcode is -1 always, with a text."""
        reply = DIALECT.refuse(Problem(kind), a_call(b"{}"))

        expected = kind.status if kind in {UNAUTHENTICATED, TOO_LARGE, MEDIA_TYPE} else 200
        envelope = json.loads(reply.body)
        assert expected == reply.status
        assert -1 == envelope["infcode"]
        assert envelope["err_msg"]

    @pytest.mark.parametrize("kind", [NOT_READY, INTERNAL], ids=lambda kind: kind.code)
    def test_never_an_empty_answer(self, kind):
        """What was not checked never comes with a result list: that would look like a pass."""
        assert refusal(Problem(kind))["output"] is None

    def test_region_and_charset(self):
        """The refusal carries the caller's region and comes in the caller's charset."""
        body = json.dumps(a_message(an_order(cnt="x")), ensure_ascii=False).encode("gbk")
        call = a_call(body)

        reply = DIALECT.refuse(Problem(PROBLEM_KINDS[1], "示例"), call)

        assert "440199" == json.loads(reply.body.decode("gbk"))["inf_refmsgid"][:6]
        assert b"application/json; charset=gb18030" == reply.content_type

    def test_unreadable_body(self):
        """A body in no charset is still refused in an envelope."""
        assert -1 == refusal(Problem(PROBLEM_KINDS[0]), b"\xff\xff\x00")["infcode"]
