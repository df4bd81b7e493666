"""Likely down-coding: the signs that are spoken of, when and to whom, how far apart the points must be."""

from decimal import Decimal

import pytest

from tests.builders import a_rule, replace, silent, unread
from tests.kinds.dip_facts import OVER, a_patient, a_result, a_sign, lost, told

RULE = a_rule("dip_downcoding", name="疑似低套")
OPERATION = a_sign(
    "downcoding",
    "recorded_operation_higher",
    message="已记录的手术操作【51.2300】如为主要手术操作,将入【K80.1-a】。请核对主要手术操作的选择。",
    other_group="K80.1-a",
    points_difference=Decimal(100),
    evidence=("51.2300",),
)


def test_a_sign():
    """What is recorded, and what to verify: never to code something."""
    (finding,) = told(RULE, a_result(), OPERATION).findings

    assert "DOWNCODING_OPERATION" == finding.code
    assert (
        "【疑似低套】预估病种 K80.1 胆囊结石:已记录的手术操作【51.2300】如为主要手术操作,将入【K80.1-a】。"
        "请核对主要手术操作的选择。" == finding.message
    )
    assert ((), "主要诊断与主要手术选择恰当", "与病历一致的编码") == (finding.lines, finding.limit, finding.allowed)
    assert "100" == dict(finding.facts)["points_difference"]


@pytest.mark.parametrize(
    ("sign", "code"),
    [
        ("secondary_diagnosis_higher", "DOWNCODING_DIAGNOSIS"),
        ("recorded_operation_higher", "DOWNCODING_OPERATION"),
        ("another", "DOWNCODING_SUSPECTED"),
    ],
)
def test_codes(sign, code):
    """Each sign under the code that belongs to it; other sorts are not of this kind."""
    others = (a_sign("upcoding"), a_sign("principal"))
    found = told(RULE, a_result(), a_sign("downcoding", sign), *others)

    assert [code] == [finding.code for finding in found.findings]


@pytest.mark.parametrize(("least", "count"), [("0.1", 1), ("0.1001", 0)])
def test_how_far_apart(least, count):
    """A tenth of the present points."""
    found = told(a_rule("dip_downcoding", min_points_difference=least), a_result(), OPERATION)

    assert count == len(found.findings)


@pytest.mark.parametrize(
    ("role", "changes", "levels"),
    [("doctor", {}, []), ("doctor", OVER, ["silent"]), ("coder", {}, ["warn"]), ("insurance_office", OVER, ["warn"])],
)
def test_when_and_to_whom(role, changes, levels):
    """Coders at any time, the rest silently at the end."""
    found = told(RULE, a_result(), OPERATION, encounter=a_patient(**changes), role=role)

    assert levels == [finding.level for finding in found.findings]


def test_silent():
    """No fact, no sign, or not paid by DIP."""
    assert silent(told(RULE, None))
    assert silent(told(RULE, a_result()))
    assert silent(told(RULE, replace(a_result(), eligible=False), OPERATION))


def test_not_checked():
    """No diagnosis; nobody knows whether DIP pays."""
    bare = told(RULE, lost("missing_principal_diagnosis"), encounter=a_patient(diagnoses=()))
    unpaid = told(RULE, replace(a_result(), eligible=None), OPERATION)

    assert ((("diagnoses",), "missing", ()),) == unread(bare)
    assert ((("visit.out_of_area",), "missing", ()),) == unread(unpaid)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"level": "block"}, "never blocks"),
        ({"reason": "true"}, "never asks for a reason"),
        ({"certainty": "violation"}, "suspicious or notice"),
    ],
)
def test_columns(columns, message):
    """A sign is a question."""
    with pytest.raises(ValueError, match=message):
        a_rule("dip_downcoding", **columns)
