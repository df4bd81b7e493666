"""Swapped item: evidence for another item, evidence for its own, and what is not known of either."""

from datetime import date

import pytest

from rules.model import Operation
from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

OPS = a_rule("swapped_item", name="血浆置换术", shown_name="人工肝治疗")
ITEMS = a_rule("swapped_item", shown_ops="", shown_items="B01", proper_ops="", proper_items="C01", window="day")
BARE = a_rule("swapped_item", proper_ops="")
BOTH = a_rule("swapped_item", shown_items="B01")
OPS_DAY = a_rule("swapped_item", window="day")

HISTORY = ((("history",), "missing", (0,)),)

SHOWN = Operation(code="50.9200", name="体外肝脏支持", day=date(2026, 3, 18))
PROPER = Operation(code="99.7100", name="治疗性血浆去除", day=date(2026, 3, 18))
OTHER = Operation(code="00.0000", name="其他操作", day=date(2026, 3, 18))


def one(begin="2026-03-18", **changes):
    return a_line("A01", begin=at(begin), **changes)


def operated(*operations, rule=OPS, lines=()):
    return verdict(an_encounter(*(lines or (one(),)), operations=operations), rule)


def dated(operation, day):
    return Operation(code=operation.code, name=operation.name, day=day)


def beside(*lines, since=date(2026, 3, 18), **changes):
    return verdict(an_encounter(*lines, history_since=since), ITEMS, **changes)


class TestOperations:
    def test_only_the_other_one_fires(self):
        """The record names what was done, and nothing of what is charged."""
        (finding,) = operated(SHOWN, OTHER).findings

        words = (
            "【血浆置换术】疑似串换收费:本次就诊记录为人工肝治疗(体外肝脏支持),"
            "未见支持【血浆置换术】的记录;请按实际开展的项目收费。"
        )
        assert words == finding.message
        assert (("shown", "体外肝脏支持"),) == finding.facts
        assert ("warn", (0,), (), (10_0000,)) == (finding.level, finding.lines, finding.involved, finding.amounts)

    def test_its_own_operation_clears_it(self):
        """Both were done."""
        assert silent(operated(SHOWN, PROPER))

    def test_without_the_other_nothing_is_shown(self):
        """No evidence, no suspicion."""
        assert silent(operated(OTHER))
        assert silent(operated(PROPER))

    def test_without_any_operation_nothing_is_known(self):
        """They are coded late: absent is not none."""
        assert ((("operations",), "missing", (0,)),) == unread(operated())
        assert ((("operations",), "missing", (0,)),) == unread(operated(rule=BARE))

    def test_no_evidence_of_its_own_can_be_asked_for(self):
        """Then the other thing alone decides."""
        assert ((0,),) == said(operated(SHOWN, rule=BARE))
        assert ((0,),) == said(operated(SHOWN, PROPER, rule=BARE))

    def test_the_day_counts_where_the_row_says_so(self):
        """An operation of another day shows nothing of this one; one without a day may."""
        assert ((0,),) == said(operated(SHOWN, rule=OPS_DAY))
        assert silent(operated(dated(SHOWN, date(2026, 3, 17)), rule=OPS_DAY))
        assert ((0,),) == said(operated(SHOWN, dated(PROPER, date(2026, 3, 17)), rule=OPS_DAY))
        shown = operated(dated(SHOWN, None), rule=OPS_DAY)
        proper = operated(SHOWN, dated(PROPER, None), rule=OPS_DAY)
        assert ((("operation.day",), "missing", (0,)),) == unread(shown) == unread(proper)

    def test_a_sure_no_decides_whatever_else_is_unknown(self):
        """Its own operation clears it although the other's day is unknown."""
        assert silent(operated(dated(SHOWN, None), PROPER, rule=OPS_DAY))


class TestItems:
    def test_only_the_other_item_fires(self):
        """The line that shows it is involved, and named as it calls itself."""
        (finding,) = beside(one(), past("2026-03-18", "B01", name="冰袋降温")).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)
        assert "同一日记录为人工肝治疗(冰袋降温)," in finding.message

    def test_without_a_name_the_rules_own_is_used(self):
        """Never a bare code."""
        (finding,) = beside(one(), past("2026-03-18", "B01")).findings

        assert "同一日记录为人工肝治疗," in finding.message

    def test_names_stand_by_time_then_id(self):
        """Not by the places of the lines that show it, nor of those they are shown beside."""
        shown = (a_line("B01", id=id, name=name, begin=at("2026-03-18")) for id, name in (("b", "乙"), ("a", "甲")))
        (finding,) = beside(one(), *shown).findings

        assert ((0,), (1, 2), "记录为甲、乙") == (finding.lines, finding.involved, finding.present)

    def test_its_own_item_clears_it(self):
        """On the same day; another day's does not."""
        shown = past("2026-03-18", "B01")

        assert silent(beside(one(), shown, past("2026-03-18", "C01")))
        assert ((0,),) == said(beside(one(), shown, past("2026-03-17", "C01")))

    def test_its_absence_must_be_known(self):
        """What nobody mentions may have been charged before: absent is not false."""
        lines = (one(), past("2026-03-18", "B01"))

        assert ((0,),) == said(beside(*lines))
        assert HISTORY == unread(beside(*lines, since=date(2026, 3, 19)))
        assert HISTORY == unread(beside(*lines, since=None))
        assert ((0,),) == said(beside(*lines, since=None, context=recorded(since="2026-03-18")))
        assert silent(beside(one(), since=None))

    def test_a_line_nobody_can_read_may_be_its_own(self):
        """A national item under a local code, or under none; what it shows is not asked for."""
        rule = a_rule("swapped_item", shown_ops="", shown_items="B01", proper_ops="", proper_items="990000000000001")
        lines = (one(), past("2026-03-18", "B01"), past("2026-03-18", "", category="service"))
        found = verdict(an_encounter(*lines, history_since=date(2026, 3, 17)), rule)

        assert () == found.findings
        assert ((("line.item",), "missing", (0,)),) == unread(found)

    def test_the_days_are_named_to_those_who_read_it_later(self):
        """At settlement the order's day is not today."""
        lines = (one("2026-03-16"), one("2026-03-17"), past("2026-03-16", "B01"), past("2026-03-17", "B01"))
        (finding,) = beside(*lines, since=date(2026, 3, 1)).findings
        (visit,) = operated(SHOWN, lines=(one("2026-03-16"),)).findings

        assert "疑似串换收费:同一日(2026-03-16 等 2 日)记录为" in finding.message
        assert "疑似串换收费:本次就诊记录为" in visit.message

    def test_undated_lines_are_unclear(self):
        """Either side's."""
        untimed = ((("line.time",), "missing", (0,)),)

        assert untimed == unread(beside(one(), past(None, "B01")))
        assert untimed == unread(beside(one(), past("2026-03-18", "B01"), past(None, "C01")))

    def test_lines_are_judged_one_by_one(self):
        """Only the day on which the other was done is at fault."""
        lines = (one("2026-03-17"), one("2026-03-18"), past("2026-03-18", "B01"))

        assert ((1,),) == said(beside(*lines))

    def test_a_sure_line_is_said_beside_an_unclear_one(self):
        """One finding, one gap."""
        lines = (one("2026-03-17"), one("2026-03-18"), past("2026-03-18", "B01"), past(None, "B01"))
        found = beside(*lines)

        assert ((1,),) == said(found)
        assert ((("line.time",), "missing", (0,)),) == unread(found)

    def test_items_or_operations_show_it(self):
        """Either will do."""
        assert ((0,),) == said(verdict(an_encounter(one(), past("2026-03-01", "B01"), operations=(OTHER,)), BOTH))
        assert ((0,),) == said(operated(SHOWN, rule=BOTH))
        assert silent(operated(OTHER, rule=BOTH))

    def test_another_visit_shows_nothing_of_this_one(self):
        """The window is this visit."""
        lines = (one(), past("2026-03-18", "B01", visit="V0"))

        assert silent(verdict(an_encounter(*lines, operations=(OTHER,)), BOTH))

    def test_refunds_take_back_both(self):
        """A refunded item shows nothing; a refunded charge is none."""
        shown = (past("2026-03-18", "B01"), past("2026-03-18", "B01", quantity=-1_0000))
        charge = (one(id="X"), one(id="X", quantity=-1_0000), past("2026-03-18", "B01"))

        assert silent(beside(one(), *shown))
        assert silent(beside(*charge))

    def test_self_pay_does_not_clear_it(self):
        """It moves the wrong charge to the patient (ruling 1)."""
        lines = (one(self_paid=True, consent=True), past("2026-03-18", "B01"))

        assert ((0,),) == said(beside(*lines))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"shown_ops": ""}, "name what the record shows"),
        ({"shown_items": "A*"}, "no evidence about itself"),
        ({"proper_items": "A01"}, "no evidence about itself"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_fault(columns, words):
    """Columns that contradict each other."""
    with pytest.raises(ValueError, match=words):
        a_rule("swapped_item", **columns)


def test_an_incomplete_row_may_lack_its_evidence():
    """It is listed and never evaluated."""
    assert "incomplete" == a_rule("swapped_item", shown_ops="", status="incomplete", note="缺编码").status
