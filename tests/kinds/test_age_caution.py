"""Age caution: the band in which an item is advised against, and its edges."""

from datetime import date

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, said, silent, unread, verdict

OLD = a_rule("age_caution", name="清开灵注射液", certainty="notice")
CHILD = a_rule("age_caution", name="四环素片", from_age="", to_age="7y", caution="说明书 8 岁以下禁用")
BAND = a_rule("age_caution", from_age="6m", to_age="6y")
NEWBORN = a_rule("age_caution", from_age="", to_age="28d")


def born_on(text, rule=OLD, lines=()):
    return verdict(an_encounter(*lines, birth_date=date.fromisoformat(text)), rule)


@pytest.mark.parametrize(
    ("rule", "birth", "inside"),
    [
        (OLD, "1961-03-18", True),
        (OLD, "1961-03-19", False),
        (CHILD, "2018-03-19", True),
        (CHILD, "2018-03-18", False),
        (CHILD, "2026-03-18", True),
        (BAND, "2025-09-18", True),
        (BAND, "2025-09-19", False),
        (BAND, "2019-03-19", True),
        (BAND, "2019-03-18", False),
        (NEWBORN, "2026-02-18", True),
        (NEWBORN, "2026-02-17", False),
    ],
)
def test_both_edges_are_inside(rule, birth, inside):
    """A birthday completes a year; the last age lasts to the day before the next birthday."""
    found = born_on(birth, rule)

    assert (((0,),) if inside else ()) == said(found)
    assert inside != silent(found)


def test_the_message_says_what_is_advised():
    """Band, advice, age on the day, and what to do."""
    (old,) = born_on("1956-01-01").findings
    (child,) = born_on("2020-01-01", CHILD).findings
    (band,) = born_on("2025-01-01", BAND).findings

    words = "【清开灵注射液】65 岁及以上患者:说明书老年慎用;患者 2026-03-18 时为 70 岁,请核对用药必要性与剂量。"
    assert words == old.message
    words = "【四环素片】7 岁及以内患者:说明书 8 岁以下禁用;患者 2026-03-18 时为 6 岁,请更换药品或确认利大于弊。"
    assert words == child.message
    assert band.message.startswith("【某项目】6 个月至 6 岁患者:")
    assert ("warn", (10_0000,)) == (old.level, old.amounts)
    assert (("patient.age", "70 岁"), ("line.day", "2026-03-18")) == old.facts


def test_age_is_taken_on_the_day_of_service():
    """Two lines, a birthday between them: only the later is concerned."""
    lines = (a_line("A01", begin=at("2026-03-17")), a_line("A01", begin=at("2026-03-18")))

    assert ((1,),) == said(born_on("1961-03-18", lines=lines))


def test_lines_of_one_day_are_one_finding():
    """Each day once."""
    assert ((0, 1),) == said(born_on("1950-01-01", lines=(a_line("A01"), a_line("A01"))))


def test_an_unknown_birth_date_is_not_checked():
    """Absent is not young."""
    assert ((("patient.birth_date",), "missing", (0,)),) == unread(verdict(an_encounter(birth_date=None), OLD))


def test_a_birth_after_the_service_is_a_conflict():
    """One of the two dates is wrong; the day of birth itself is none."""
    found = born_on("2026-03-19", CHILD)

    assert ((("patient.birth_date", "line.time"), "conflict", (0,)),) == unread(found)
    assert ((0,),) == said(born_on("2026-03-18", CHILD))


def test_safety_does_not_depend_on_who_pays():
    """A self-paid drug is as unsafe (ruling 1)."""
    assert ((0,),) == said(born_on("1950-01-01", lines=(a_line("A01", self_paid=True, consent=True),)))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"from_age": ""}, "name the ages"),
        ({"from_age": "7y", "to_age": "6y"}, "`7y` is above to_age `6y`"),
        ({"caution": ""}, "Field required"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_fault(columns, words):
    """A band has an end, and is not empty."""
    with pytest.raises(ValueError, match=words):
        a_rule("age_caution", **columns)


def test_a_band_of_one_age_is_one():
    """And units of different length are left to the author; an incomplete row may lack its band."""
    assert "6 岁至 6 岁" in born_on("2020-03-18", a_rule("age_caution", from_age="6y", to_age="6y")).findings[0].message
    assert a_rule("age_caution", from_age="28d", to_age="6m").to_age
    assert "incomplete" == a_rule("age_caution", from_age="", status="incomplete", note="缺编码").status
