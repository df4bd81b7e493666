"""The bench's messages: the same for the same seed, new by number only, and with the findings they promise."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from bench import inside, starter, synthetic
from bench.baseline import Message
from bench.load import Target, head_of
from rules import Rulebook, check

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
FIELDS = {"order": 34, "encounter": 34, "diagnosis": 7, "operation": 10}


def nodes(data: bytes) -> dict[str, list[dict[str, Any]]]:
    encounter = orjson.loads(data)["input"]["data"]["patient_dtos"][0]["fsi_encounter_dtos"][0]
    return {
        "encounter": [encounter],
        "order": encounter["fsi_order_dtos"],
        "diagnosis": encounter["fsi_diagnose_dtos"],
        "operation": encounter["fsi_operation_dtos"],
    }


def test_a_message_has_every_field_of_the_interface() -> None:
    (body,) = synthetic.bodies(1_000, 30, NOW, 1)
    found = nodes(body.numbered(1))
    assert {name: {len(node) for node in some} for name, some in found.items()} == {
        name: {count} for name, count in FIELDS.items()
    }
    assert [len(found[name]) for name in ("order", "diagnosis", "operation")] == [30, 5, 2]
    assert 24_000 < body.size < 29_000


def test_messages_are_the_same_for_the_same_seed_and_differ_from_each_other() -> None:
    once, again = (synthetic.bodies(1_000, 30, NOW) for _ in range(2))
    assert once == again
    assert len({body.tail for body in once}) == 16


def test_a_number_changes_the_message_id_and_nothing_else() -> None:
    (body,) = synthetic.bodies(1_000, 3, NOW, 1)
    one, other = orjson.loads(body.numbered(1)), orjson.loads(body.numbered(2))
    assert one.pop("msgid") != other.pop("msgid")
    assert one == other
    assert len(body.numbered(10**10 - 1)) == body.size
    assert f"Content-Length: {body.size}\r\n".encode() in head_of(Target(1, "/national", [body]), body)


def test_the_baseline_takes_the_messages() -> None:
    for body in synthetic.bodies(1_000, 30, NOW, 2):
        assert len(Message.model_validate_json(body.numbered(1)).input.data.patient_dtos) == 1


@pytest.mark.parametrize(("lines", "rules"), [(3, 1_000), (30, 1_000), (300, 4_000)])
def test_the_synthetic_rules_find_what_their_definition_says(lines: int, rules: int) -> None:
    rulebook = Rulebook.build([synthetic.pack(rules)])
    insider = inside.Insider(rulebook)
    try:
        for body in synthetic.bodies(rules, lines, NOW):
            assert starter.shown(check(insider.given(body), rulebook)) == body.expected
    finally:
        insider.close()


def test_more_lines_than_a_pack_has_items_for_are_refused() -> None:
    with pytest.raises(ValueError, match="2400 rules"):
        synthetic.bodies(1_000, 300, NOW)


def test_findings_do_not_depend_on_the_size_of_the_pack() -> None:
    by_size = [
        [sorted(rule.rpartition("-")[2] for rule in body.expected) for body in synthetic.bodies(size, 30, NOW)]
        for size in (1_000, 10_000)
    ]
    assert by_size[0] == by_size[1]
    assert all(by_size[0])


def test_the_starter_messages_keep_their_findings() -> None:
    rulebook = Rulebook.build([starter.pack()])
    insider = inside.Insider(rulebook)
    try:
        for body in starter.bodies(rulebook, 30, NOW, 2):
            answer = orjson.loads(insider.request(insider.fresh(body)))
            assert tuple(sorted(row["rule_id"] for row in answer["output"]["result"])) == body.expected
            assert answer["warn_msg"] is None or "未留痕" not in answer["warn_msg"]
        assert insider.journal.size > 0
    finally:
        insider.close()
