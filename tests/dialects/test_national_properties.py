"""The national dialect on generated messages: reading is total, and both decoders agree."""

import json
import random
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.model import Encounter
from service.dialects._contract import Feedback, FeedbackAnswer, Reading
from service.dialects._national_shape import _INNER, Message, Node, decode_fast, decode_plainly, shaped
from service.dialects.national import DIALECT
from service.errors import Problem
from tests.dialects.national_calls import a_call, a_finding, a_message, an_answer

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

CODES = [
    "1",
    "0",
    1,
    0,
    2,
    "2",
    "3",
    "03",
    "5",
    "11",
    "13",
    "21",
    "53",
    "2,4",
    "-",
    "",
    None,
    "A17.07",
    "I10.x00",
    "O80",
]
USUAL = ["1", "0", 1, 0, 2, "2", "3", "03", "5", "37.20", 37.2, -1]
NUMBERS = ["1", "0.00", "37.20", 37.2, -1, 0, 0.0, 1e15, "1e9", "x", "1,000", True, 2**70, "１２"]
TIMES = [
    "2026-04-09 09:14:40",
    "2026-04-09",
    "9999-12-31 00:00:00",
    "2026/4/9 9:1:2",
    "2026-02-30",
    1775696080000,
    "",
    5e20,
]
ODD: list[Any] = [[], {}, [[]], [None], {"a": 1}, "苯", "\0", "9" * 600, float(2**60), -0.0]

leaves = st.one_of(
    st.sampled_from(CODES + NUMBERS + TIMES),
    st.sampled_from(ODD),
    st.text(max_size=8),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


class Pairs(list[Any]):
    """An object as pairs, so that a key can come twice."""


def written(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(key)}:{written(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner) for inner in value) + "]"
    return json.dumps(value)


class Sender:
    """Writes messages that no sender should: any keys, some twice, some unknown, containers of any shape.

    Whole messages come from a seed, since drawing each of their hundreds of values singly takes seconds.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.odd = self.random.choice([0.0, 0.0, 0.0, 0.02, 0.2])

    def leaf(self, key: str) -> Any:
        if self.random.random() < self.odd:
            return self.random.choice(CODES + NUMBERS + TIMES + ODD)
        dated = key.endswith(("_date", "_time")) or key == "brdy"
        return self.random.choice(TIMES[:4] if dated else ["1", "2"] if key == "dspo_way" else USUAL)

    def container(self, kind: type[Node]) -> Any:
        if self.random.random() < self.odd:
            return self.random.choice([5, "x", [1], [[]], [None], {"a": 1}, "", None, True])
        if self.random.random() < 0.3:
            return self.node(kind)
        return [self.node(kind) for _ in range(self.random.choice([0, 1, 1, 1, 2, 3]))]

    def node(self, kind: type[Node]) -> Pairs:
        inner = _INNER.get(kind, {})
        keys = [key for key in inner if self.random.random() < 0.8]
        keys += self.random.choices(kind.__struct_fields__, k=self.random.randrange(9))
        pairs = Pairs()
        for key in keys:
            if key in {"input", "data"} and self.random.random() > self.odd:
                pairs.append((key, self.node(inner[key])))
            else:
                pairs.append((key, self.container(inner[key]) if key in inner else self.leaf(key)))
        pairs.append(("unknown", self.leaf("unknown")))
        return pairs

    def body(self, infno: str) -> bytes:
        message = self.node(Message)
        message.append(("infno", infno))
        return written(message).encode()


def bodies(*infno: str) -> st.SearchStrategy[bytes]:
    """Messages as bytes; the transaction is sure to be one of these."""
    seeds = st.integers(min_value=0, max_value=2**32)
    return st.builds(lambda seed, number: Sender(seed).body(number), seeds, st.sampled_from(infno))


def outcome(body: bytes) -> Reading | Feedback | Problem:
    try:
        return DIALECT.read(a_call(body))
    except Problem as problem:
        return problem


class TestTotal:
    @QUICK
    @given(bodies("3101", "3102"))
    def test_checks(self, body):
        """No generated 3101 or 3102 raises anything but a Problem; what is read is stored, read back and answered."""
        found = outcome(body)

        if isinstance(found, Problem):
            reply = DIALECT.refuse(found, a_call(body))
            assert -1 == json.loads(reply.body)["infcode"]
            assert len(json.loads(reply.body)["err_msg"]) <= 200
        else:
            assert isinstance(found, Reading)
            assert found.encounter == msgspec.json.decode(msgspec.json.encode(found.encounter), type=Encounter)
            every = tuple(range(len(found.encounter.lines)))
            reply = DIALECT.write(found, an_answer(a_finding(lines=every, amounts=())))
            assert len(every) == len(json.loads(reply.body)["output"]["result"][0]["judge_result_detail_dtos"])

    @QUICK
    @given(bodies("3103"))
    def test_feedback(self, body):
        """No generated 3103 raises anything but a Problem."""
        found = outcome(body)

        if isinstance(found, Feedback):
            states = tuple((one.finding, "unknown") for one in found.dispositions)
            assert json.loads(DIALECT.write_feedback(found, FeedbackAnswer(states)).body)

    @QUICK
    @given(st.binary(max_size=300))
    def test_bytes(self, body):
        """No bytes whatever raise anything but a Problem."""
        assert isinstance(outcome(body), Problem)

    @QUICK
    @given(st.sampled_from(["cnt", "drord_begn_date", "rx_id", "hilist_code", "hilist_lv", "curr_drord_flag"]), leaves)
    def test_one_odd_field(self, field, value):
        """One odd value in an otherwise plain message is read, or a fault with that very name."""
        message = a_message()
        message["input"]["data"]["patient_dtos"][0]["fsi_encounter_dtos"][0]["fsi_order_dtos"][0][field] = value
        try:
            body = json.dumps(message).encode()
        except ValueError:
            return
        found = outcome(body)

        if isinstance(found, Problem) and found.faults:
            assert [field] == [fault.field.rpartition(".")[2] for fault in found.faults]


class TestAgreement:
    @QUICK
    @given(bodies("3101", "3103"))
    def test_decoders_agree(self, body):
        """Whatever the fast decoder takes, the plain one and orjson read alike, duplicate keys included."""
        try:
            fast = decode_fast(body)
        except msgspec.MsgspecError:
            return
        assert fast == decode_plainly(body)
        if str(2**70).encode() not in body:  # orjson makes a float of it, which is why it is not the twin
            assert fast == shaped(Message, orjson.loads(body))

    @QUICK
    @given(bodies("3101", "3103"))
    def test_readings_agree(self, body):
        """The reading and every fault are the same with the fast decoder and without."""
        expected = outcome(body)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("service.dialects._national_shape.decode_fast", decode_plainly)
            found = outcome(body)

        if isinstance(expected, Problem):
            assert isinstance(found, Problem)
            assert expected.faults == found.faults
        else:
            assert expected == found
