"""The national dialect's reader on whole messages: golden pairs, both decoders, paths, charsets, choice of visit."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from rules.model import Line
from service.dialects import DIALECTS
from service.dialects._contract import Feedback, Reading
from service.dialects._national_shape import Message, Order, decode_fast, decode_plainly, shaped, to_utf8
from service.dialects.national import DIALECT
from service.errors import Problem
from tests.dialects.national_calls import (
    GOLDEN,
    RECEIVED,
    ZONE,
    a_3103,
    a_call,
    a_message,
    an_order,
    pseudonym,
    read,
    read_feedback,
)


def body_of(golden: dict[str, Any]) -> bytes:
    if "bytes" in golden:
        return base64.b64decode(golden["bytes"])
    return json.dumps(golden["message"], ensure_ascii=False).encode()


def load(path: Path) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert set(golden) <= {"about", "path", "content_type", "message", "bytes", "time", "understood"}
    return golden


def reading_of(golden: dict[str, Any]) -> Reading:
    content_type = golden.get("content_type", "application/json")
    return read(body_of(golden), path=golden.get("path", "/national"), content_type=content_type)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
class TestGolden:
    def test_understood(self, path):
        """Each sender style is understood as its golden file says."""
        golden = load(path)

        assert golden["understood"] == json.loads(msgspec.json.encode(reading_of(golden).encounter))

    def test_time(self, path):
        """The check is about the message's own time."""
        golden = load(path)

        assert golden["time"] == reading_of(golden).time.isoformat()

    def test_fast_decoder_knows_the_shape(self, path):
        """Every style seen takes the fast path, and both decoders give the same nodes; orjson agrees too."""
        utf8, _ = to_utf8(body_of(load(path)), "application/json")

        fast = decode_fast(utf8)

        assert fast == decode_plainly(utf8)
        assert fast == shaped(Message, orjson.loads(utf8))

    def test_understood_without_the_fast_path(self, path, monkeypatch):
        """The reading does not depend on which decoder made the nodes."""
        golden = load(path)
        expected = reading_of(golden)
        monkeypatch.setattr("service.dialects._national_shape.decode_fast", decode_plainly)

        assert expected == reading_of(golden)


def test_at_least_twelve_styles():
    """The sender styles of the interface page are all there."""
    assert len(GOLDEN) >= 12


def test_no_identity_in_the_encounter():
    """What leaves the dialect for rules and record holds neither the person's id nor a name."""
    message = a_message(an_order(drord_dr_name="许示例"), fixmedins_name="示例县中心医院", opter_name="许示例")

    stored = msgspec.json.encode(read(message).encounter).decode()

    assert "44019900000000000000000321" not in stored
    assert "何示例" not in stored
    assert "许示例" not in stored


def test_pseudonym_is_the_hospitals_own():
    """The same person id in two hospitals gives two pseudonyms."""
    expected = pseudonym("H44019900008\n44019900000000000000000321")

    assert expected == read(a_message()).encounter.patient.pseudonym


def test_line_built_by_position():
    """The reader fills ``Line`` by position: its fields are in the order that the reader counts on."""
    expected = (
        "position", "id", "item", "name", "category", "current", "quantity", "unit", "price", "amount", "self_paid",
        "consent", "begin", "timed", "stop", "long_term", "discharge_medication", "prescription", "group", "visit",
        "department", "doctor", "doctor_title",
    )  # fmt: skip

    assert expected == Line.__struct_fields__[: len(expected)]


def test_registered():
    """The dialect is found by walking the folder; its parts are not dialects."""
    assert DIALECTS["national"] is DIALECT
    assert not [name for name in DIALECTS if name.startswith("_")]


class TestTransaction:
    @pytest.mark.parametrize(
        ("path", "infno"),
        [
            ("/national", "3101"),
            ("/national", 3102),
            ("/national/3101", None),
            ("/national/3102", "3102"),
            ("/fsi/api/riskConService/beforeAnalyze", "3101"),
            ("/fsi/api/riskConService/courseAnalyze", None),
        ],
    )
    def test_named_by_path_or_body(self, path, infno):
        """The transaction stands in the path, the body, or both."""
        assert "M1" == read(a_message(infno=infno), path=path).encounter.visit.id

    def test_path_and_body_differ(self):
        """A body that names another transaction than the path is a fault."""
        with pytest.raises(Problem) as caught:
            read(a_message(infno="3102"), path="/national/3101")

        assert ["infno"] == [fault.field for fault in caught.value.faults]

    @pytest.mark.parametrize("infno", ["3301", "3660", "2204", "", None, "31O1"])
    def test_unknown(self, infno):
        """Anything but 3101, 3102 and 3103 is refused; 3301 is 目录对照上传 and no alias."""
        with pytest.raises(Problem) as caught:
            read(a_message(infno=infno))

        assert ["infno"] == [fault.field for fault in caught.value.faults]

    def test_unknown_in_the_path(self):
        """The path is held to the same list."""
        with pytest.raises(Problem):
            read(a_message(infno=None), path="/national/3301")

    def test_feedback(self):
        """3103 is read as dispositions."""
        assert isinstance(DIALECT.read(a_call(a_3103(), path="/national/3103")), Feedback)


class TestCharset:
    def test_declared_gbk(self):
        """A declared GB charset is believed."""
        body = json.dumps(a_message(), ensure_ascii=False).encode("gbk")

        reading = read(body, content_type="application/json; charset=GBK")

        assert "苯磺酸氨氯地平片" == reading.encounter.lines[0].name
        assert "gbk" == reading.echo.frame.charset

    def test_undeclared_gbk_in_unread_fields_only(self):
        """GBK is noticed even where only fields that are not read carry Chinese text."""
        order = an_order(hilist_name="AMLODIPINE", spec_unt="")
        visit = {"fsi_diagnose_dtos": [{"dise_codg": "I10.x00"}]}
        message = a_message(order, visit=visit, fixmedins_name="示例县中心医院")

        reading = read(json.dumps(message, ensure_ascii=False).encode("gbk"))

        assert "gb18030" == reading.echo.frame.charset

    def test_byte_order_mark(self):
        """A UTF-8 byte-order mark is tolerated."""
        body = b"\xef\xbb\xbf" + json.dumps(a_message()).encode()

        assert "M1" == read(body).encounter.visit.id

    def test_neither(self):
        """Bytes that are neither UTF-8 nor GB18030 are not JSON."""
        with pytest.raises(Problem) as caught:
            read(b'{"infno":"3101\xff\xff"}')

        assert "not_json" == caught.value.kind.code

    def test_forwarded_as_it_came(self):
        """What an upstream gets are the very bytes of the caller."""
        body = json.dumps(a_message(), ensure_ascii=False).encode("gbk")

        assert body == read(body).forward


class TestEnvelope:
    def test_hospital_of_the_key_first(self):
        """The API key's hospital overrules what the message says."""
        assert "H9" == read(a_message(), hospital="H9").encounter.hospital

    def test_hospital_of_the_message_then_default(self):
        """Without a key's hospital the message's institution counts, then the default."""
        assert "H44019900008" == read(a_message()).encounter.hospital
        assert "H0" == read(a_message(fixmedins_code="")).encounter.hospital

    def test_message_id(self):
        """msgid is what retries are told by."""
        assert "H44019900008202604090915220001" == read(a_message()).message_id
        assert read(a_message(msgid="")).message_id is None

    @pytest.mark.parametrize("sent", ["", None, "-", "9999-12-31 00:00:00", "2026-04-09"])
    def test_time_of_receipt(self, sent):
        """Without a usable inf_time, or with today's date alone, the time of receipt counts."""
        assert read(a_message(inf_time=sent)).time == RECEIVED

    def test_another_day(self):
        """A date alone that is not today's is that day."""
        assert datetime(2026, 3, 1, tzinfo=ZONE) == read(a_message(inf_time="2026-03-01")).time

    def test_duplicate_keys(self):
        """The last of two equal keys wins, on both decoders."""
        body = json.dumps(a_message()).replace('"cnt": "2"', '"cnt": "2", "cnt": "7"').encode()

        assert 70_000 == read(body).encounter.lines[0].quantity
        assert decode_fast(body) == decode_plainly(body)

    def test_role(self):
        """The message does not say who reads the answer: a doctor."""
        assert "doctor" == read(a_message(opter_type="2")).role


class TestChoice:
    """Several patients and encounters."""

    def visit(self, identifier: str, rx_id: str) -> dict[str, Any]:
        return {"mdtrt_id": identifier, "med_type": "11", "fsi_order_dtos": [an_order(rx_id=rx_id)]}

    def test_current_encounter(self):
        """The encounter that curr_mdtrt_id names is checked; others of the person are history."""
        visits = [self.visit("A", "a"), self.visit("B", "b"), self.visit("C", "c")]

        lines = read(a_message(patient={"curr_mdtrt_id": "B", "fsi_encounter_dtos": visits})).encounter.lines

        assert [("b", True, None), ("a", False, "A"), ("c", False, "C")] == [
            (line.id, line.current, line.visit) for line in lines
        ]

    def test_last_encounter(self):
        """Where no encounter is the current one, the last is checked."""
        visits = [self.visit("A", "a"), self.visit("B", "b")]

        encounter = read(a_message(patient={"curr_mdtrt_id": "X", "fsi_encounter_dtos": visits})).encounter

        assert "B" == encounter.visit.id

    def test_other_patients_are_left_out(self):
        """Another person's orders are neither checked nor history; the answer says that they were not checked."""
        first = {"patn_id": "P1", "curr_mdtrt_id": "A", "fsi_encounter_dtos": [self.visit("A", "a")]}
        second = {"patn_id": "P2", "curr_mdtrt_id": "", "fsi_encounter_dtos": [self.visit("B", "b")]}

        reading = read(a_message(data={"patient_dtos": [first, second]}))

        assert ["a"] == [line.id for line in reading.encounter.lines]
        assert 1 == reading.echo.others

    def test_same_patient_twice(self):
        """Two entries of one person are one person."""
        first = {"patn_id": "P1", "curr_mdtrt_id": "B", "fsi_encounter_dtos": [self.visit("A", "a")]}
        second = {"patn_id": "P1", "curr_mdtrt_id": "B", "fsi_encounter_dtos": [self.visit("B", "b")]}

        reading = read(a_message(data={"patient_dtos": [first, second]}))

        assert ["b", "a"] == [line.id for line in reading.encounter.lines]
        assert 0 == reading.echo.others

    def test_one_encounter_in_two_nodes(self):
        """Orders of the checked visit may be split over two nodes: they stay its own."""
        more = {"mdtrt_id": "A", "fsi_order_dtos": [an_order(rx_id="b", curr_drord_flag="0"), an_order(rx_id="c")]}
        visits = [self.visit("A", "a"), more]

        lines = read(a_message(patient={"curr_mdtrt_id": "A", "fsi_encounter_dtos": visits})).encounter.lines

        assert [("a", True, None), ("b", False, None), ("c", True, None)] == [
            (line.id, line.current, line.visit) for line in lines
        ]

    def test_one_encounter_under_another_id(self):
        """In one system the patient's current id is not the encounter's: the only encounter is checked."""
        assert "M1" == read(a_message(patient={"curr_mdtrt_id": "ZY-1"})).encounter.visit.id


class TestTolerance:
    @pytest.mark.parametrize("empty", ["", None, [], "-"])
    def test_empty_containers(self, empty):
        """Every way of writing an empty list is one."""
        encounter = read(a_message(visit={"fsi_diagnose_dtos": empty, "fsi_operation_dtos": empty})).encounter

        assert () == encounter.diagnoses == encounter.operations

    def test_null_entries(self):
        """A null among orders is no order; the others keep their places."""
        lines = read(a_message(visit={"fsi_order_dtos": [None, an_order(rx_id="a"), None]})).encounter.lines

        assert [("a", 0)] == [(line.id, line.position) for line in lines]

    def test_missing_person_id(self):
        """A person without an id has no pseudonym, and is checked all the same: no rule needs it."""
        assert "" == read(a_message(patient={"patn_id": ""})).encounter.patient.pseudonym

    def test_total_of_nothing(self):
        """A total of 0 with orders is an absent number of some serialiser."""
        assert read(a_message(visit={"medfee_sumamt": 0})).encounter.visit.total_amount is None

    def test_identical_numbers_of_other_types(self):
        """A quantity of true is a fault even where 1 was read before."""
        assert 10_000 == read(a_message(an_order(cnt=1))).encounter.lines[0].quantity
        with pytest.raises(Problem):
            read(a_message(an_order(cnt=True)))

    def test_nul_characters(self):
        """A NUL never reaches the record, which could not hold it."""
        line = read(a_message(an_order(rx_id="a\0b", hilist_name="x\0y"))).encounter.lines[0]

        assert ("ab", "xy") == (line.id, line.name)

    @pytest.mark.parametrize("missing", Order.__struct_fields__)
    def test_no_order_field_is_required(self, missing):
        """No single missing order field is a fault."""
        order = an_order()
        order.pop(missing, None)

        assert 1 == len(read(a_message(order)).encounter.lines)

    @pytest.mark.parametrize("missing", ["gend", "brdy", "patn_id", "curr_mdtrt_id", "patn_name"])
    def test_no_patient_field_is_required(self, missing):
        """No single missing patient field is a fault."""
        message = a_message()
        del message["input"]["data"]["patient_dtos"][0][missing]

        assert "M1" == read(message).encounter.visit.id

    @pytest.mark.parametrize("missing", ["msgid", "mdtrtarea_admvs", "inf_time", "fixmedins_code"])
    def test_no_envelope_field_is_required(self, missing):
        """No single missing envelope field is a fault."""
        message = a_message()
        del message[missing]

        assert "M1" == read(message).encounter.visit.id


def test_line_limit_is_a_setting():
    """The most lines a message may have is the service's setting."""
    message = a_message(an_order(), an_order())

    with pytest.raises(Problem) as caught:
        DIALECT.read(a_call(message, max_lines=1))

    path = "input.data.patient_dtos[0].fsi_encounter_dtos[0].fsi_order_dtos"
    assert (path, "超过 1 条") == (caught.value.faults[0].field, caught.value.faults[0].message)


class TestFeedback:
    def warn(self, **fields: Any) -> dict[str, Any]:
        return {"warn_rslt_id": "J1", "dspo_way": "2", "dspo_way_rea": ""} | fields

    def test_ways(self):
        """Way 1 went on, way 2 went back to revise."""
        feedback = read_feedback(a_3103(self.warn(dspo_way=1, dspo_way_rea="病情需要"), self.warn(warn_rslt_id="J2")))

        assert [("J1", "continued", "病情需要"), ("J2", "revised", "")] == [
            (one.finding, one.action, one.reason) for one in feedback.dispositions
        ]

    def test_unexplained(self):
        """Ruling 12: way 1 with an empty reason is accepted and marked unexplained; with one it is explained."""
        silent = self.warn(dspo_way="1", dspo_way_rea="  ")
        spoken = self.warn(dspo_way="1", dspo_way_rea="病情需要")
        went_back = self.warn(dspo_way="2")

        dispositions = read_feedback(a_3103(silent, spoken, went_back)).dispositions

        assert [False, True, True] == [one.explained for one in dispositions]

    def test_lone_object(self):
        """A lone warn object is a list of one."""
        feedback = read_feedback(a_3103() | {"input": {"data": {"warns": self.warn()}}})

        assert 1 == len(feedback.dispositions)

    def test_row_that_stands_for_not_checked(self):
        """The row that stands for *not checked* is answered by clients like any other; it is no disposition."""
        feedback = read_feedback(a_3103(self.warn(warn_rslt_id="NC-0190a1b2"), self.warn()))

        assert ["J1"] == [one.finding for one in feedback.dispositions]

    def test_faults(self):
        """Every fault is named in the caller's words."""
        with pytest.raises(Problem) as caught:
            read_feedback(a_3103(self.warn(dspo_way="3"), self.warn(warn_rslt_id="")))

        assert ["input.data.warns[0].dspo_way", "input.data.warns[1].warn_rslt_id"] == [
            fault.field for fault in caught.value.faults
        ]

    def test_no_warns(self):
        """A 3103 without warns says nothing."""
        with pytest.raises(Problem) as caught:
            read_feedback(a_3103() | {"input": {"data": {}}})

        assert ["input.data.warns"] == [fault.field for fault in caught.value.faults]
