"""Required item: windows for the partner, what must be known before its absence counts, and operations."""

from datetime import date

import pytest

from rules import KINDS
from rules.model import Operation
from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

DAY = a_rule("required_item", name="注射用造影剂", with_name="增强扫描")
VISIT = a_rule("required_item", window="visit")
SCRIPT = a_rule("required_item", window="prescription")
THREE = a_rule("required_item", window="days:3", name="注射用青霉素钠", with_name="青霉素皮试")
CODED = a_rule("required_item", window="visit", with_items="", with_ops="36.06*", with_name="支架置入术编码")
CODED_DAY = a_rule("required_item", window="day", with_items="", with_ops="36.06*")
EITHER = a_rule("required_item", window="visit", with_ops="36.06*")

OTHER = "990000000000001"
KNOWN = date(2026, 1, 1)
HISTORY = ((("history",), "missing", (0,)),)


def one(begin="2026-03-18", **changes):
    return a_line("A01", begin=at(begin), **changes)


def known(*lines, since=KNOWN, **changes):
    return an_encounter(*lines, history_since=since, **changes)


def operated(*operations, rule=CODED, lines=(), **changes):
    return verdict(an_encounter(*(lines or (one(),)), operations=operations, **changes), rule)


def operation(code, day="2026-03-18"):
    return Operation(code=code, name="某手术", day=date.fromisoformat(day) if day else None)


class TestWindows:
    @pytest.mark.parametrize(
        ("rule", "begin", "inside"),
        [
            (DAY, "2026-03-18 00:00", True),
            (DAY, "2026-03-17 23:59", False),
            (DAY, "2026-03-19", False),
            (VISIT, "2026-03-02", True),
            (THREE, "2026-03-15", True),
            (THREE, "2026-03-14", False),
            (THREE, "2026-03-21", True),
            (THREE, "2026-03-22", False),
        ],
    )
    def test_both_ends_are_inside(self, rule, begin, inside):
        """A day beyond is beyond, before or after."""
        found = verdict(known(one("2026-03-18 10:00"), past(begin, OTHER)), rule)

        assert (() if inside else ((0,),)) == said(found)
        assert inside == silent(found)

    def test_a_partner_being_saved_too_will_do(self):
        """In any order within the message."""
        assert silent(verdict(known(one(), a_line(OTHER)), DAY))
        assert silent(verdict(known(a_line(OTHER), one()), DAY))

    def test_another_visits_partner_is_none_of_this_visit(self):
        """The window is this visit."""
        assert ((0,),) == said(verdict(known(one(), past("2026-03-18", OTHER, visit="V0")), VISIT))

    def test_a_prescription_is_told_by_its_number(self):
        """Equal numbers only; its lines are saved together, so nothing else need be known."""
        now = one(prescription="P1")

        assert silent(verdict(an_encounter(now, a_line(OTHER, prescription="P1")), SCRIPT))
        assert ((0,),) == said(verdict(an_encounter(now, a_line(OTHER, prescription="P2")), SCRIPT))
        assert ((0,),) == said(verdict(an_encounter(now), SCRIPT))

    def test_a_partner_without_a_number_may_be_on_it(self):
        """Not told apart, not judged."""
        found = verdict(an_encounter(one(prescription="P1"), a_line(OTHER)), SCRIPT)

        assert ((("line.prescription",), "missing", (0,)),) == unread(found)

    def test_a_long_term_order_meets_all_its_days(self):
        """A partner on any of them will do."""
        order = one("2026-03-10", long_term=True, stop=at("2026-03-17"))

        assert silent(verdict(known(order, past("2026-03-17", OTHER)), DAY))
        assert ((0,),) == said(verdict(known(order, past("2026-03-18", OTHER)), DAY))

    def test_lines_are_judged_one_by_one(self):
        """Those without their partner are named, and only they."""
        lines = (one("2026-03-17"), one("2026-03-18"), past("2026-03-17", OTHER), one("2026-03-16"))

        assert ((1, 3),) == said(verdict(known(*lines), DAY))


class TestAbsence:
    def test_the_day_must_be_known(self):
        """From its first moment: a record from the next day on says nothing of it."""
        assert ((0,),) == said(verdict(known(one(), since=date(2026, 3, 18)), DAY))
        assert HISTORY == unread(verdict(known(one(), since=date(2026, 3, 19)), DAY))
        assert HISTORY == unread(verdict(an_encounter(one()), DAY))

    def test_so_many_days_must_be_known(self):
        """The whole window before."""
        assert ((0,),) == said(verdict(known(one(), since=date(2026, 3, 15)), THREE))
        assert HISTORY == unread(verdict(known(one(), since=date(2026, 3, 16)), THREE))

    def test_the_visit_must_be_known_from_admission_on(self):
        """The builder's stay begins on the 17th."""
        assert ((0,),) == said(verdict(known(one(), since=date(2026, 3, 17)), VISIT))
        assert HISTORY == unread(verdict(known(one(), since=date(2026, 3, 18)), VISIT))

    def test_a_visit_without_an_admission(self):
        """A stay of unknown begin is unknown; an out-patient's visit is of the line's day."""
        clinic = {"admitted": None, "type": "outpatient"}

        assert HISTORY == unread(verdict(known(one(), admitted=None), VISIT))
        assert ((0,),) == said(verdict(known(one(), since=date(2026, 3, 18), **clinic), VISIT))
        assert HISTORY == unread(verdict(known(one(), since=date(2026, 3, 19), **clinic), VISIT))

    def test_recorded_history_counts(self):
        """Both for what it holds and for what it does not."""
        assert ((0,),) == said(verdict(an_encounter(one()), THREE, context=recorded(since="2026-03-15")))
        assert silent(verdict(an_encounter(one()), THREE, context=recorded(past("2026-03-16", OTHER, id="M"))))

    def test_history_that_came_too_late_says_so(self):
        """The reason is the deadline."""
        found = verdict(an_encounter(one()), DAY, context=recorded(since="2026-03-19", late=("history",)))

        assert ((("history",), "timeout", (0,)),) == unread(found)

    def test_a_partner_without_a_time_may_be_the_one(self):
        """Its day is not known."""
        assert ((("line.time",), "missing", (0,)),) == unread(verdict(known(one(), past(None, OTHER)), DAY))

    @pytest.mark.parametrize(
        ("strange", "reason"),
        [
            (past("2026-03-18", "", category="service"), "missing"),
            (past("2026-03-18", "LOCAL7", category="service"), "unmapped"),
            (past("2026-03-18", "LOCAL7", category="other"), "unmapped"),
            (past("2026-03-18", "LOCAL7", category=None), "unmapped"),
        ],
    )
    def test_a_line_nobody_can_read_may_be_the_partner(self, strange, reason):
        """Without a code, or under a local one: an unmapped partner is no missing one."""
        found = verdict(known(one(), strange), DAY)

        assert () == found.findings
        assert (("line.item",), reason, (0,)) in unread(found)

    def test_a_strange_line_that_cannot_be_it_changes_nothing(self):
        """Of another category, of another day, or an item of the rule's own."""
        other_drug = past("2026-03-18", "LOCAL7", category="drug")
        yesterday = past("2026-03-17", "LOCAL7", category="service")

        assert ((0,),) == said(verdict(known(one(), other_drug), DAY))
        assert ((0,),) == said(verdict(known(one(), yesterday), DAY))
        assert ((0, 1),) == said(verdict(known(one(category="service"), one(category="service")), DAY))
        assert silent(verdict(known(one(), past("2026-03-18", ""), past("2026-03-18", OTHER)), DAY))

    def test_an_undated_strange_line_may_be_it(self):
        """Its day is what would tell."""
        found = verdict(known(one(), past(None, "LOCAL7", category="service")), DAY)

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    def test_a_family_may_be_of_any_category(self):
        """Where the pattern does not tell what it names, a line of any category may be it."""
        rule = a_rule("required_item", with_items="99*", window="day")
        found = verdict(known(one(), past("2026-03-18", "LOCAL7", category="drug")), rule)

        assert ((("line.item",), "unmapped", (0,)),) == unread(found)

    def test_a_refunded_partner_is_none(self):
        """What was taken back was not done; a refunded item needs nothing."""
        refunded = (past("2026-03-18", OTHER), past("2026-03-18", OTHER, quantity=-1_0000))

        assert ((0,),) == said(verdict(known(one(), *refunded), DAY))
        assert silent(verdict(known(one(id="X"), one(id="X", quantity=-1_0000)), DAY))

    def test_days_of_history_are_asked_for(self):
        """Only where the window reaches beyond the day and the visit."""
        (look,) = KINDS["required_item"].looks(THREE)

        assert ((OTHER,), 3) == (look.items, look.days)
        assert () == KINDS["required_item"].looks(DAY)


class TestOperations:
    def test_a_named_operation_will_do(self):
        """By its family."""
        assert silent(operated(operation("36.0601")))
        assert silent(operated(operation("36.0601", None)))

    def test_others_will_not(self):
        """The visit lists operations, and not this one."""
        assert ((0,),) == said(operated(operation("36.0701")))

    def test_without_any_operation_it_is_not_yet_known(self):
        """Operations are coded late: absent is not none."""
        assert ((("operations",), "missing", (0,)),) == unread(operated())

    def test_the_day_of_an_operation_counts(self):
        """In a window of days; without its day it may be the one."""
        assert silent(operated(operation("36.0601"), rule=CODED_DAY))
        assert ((0,),) == said(operated(operation("36.0601", "2026-03-17"), rule=CODED_DAY))
        assert ((("operation.day",), "missing", (0,)),) == unread(operated(operation("36.0601", None), rule=CODED_DAY))
        assert silent(operated(operation("36.0601", None), operation("36.0601"), rule=CODED_DAY))

    def test_days_reach_either_way(self):
        """As for items."""
        rule = a_rule("required_item", window="days:1", with_items="", with_ops="36.06*")

        assert silent(operated(operation("36.0601", "2026-03-17"), rule=rule))
        assert silent(operated(operation("36.0601", "2026-03-19"), rule=rule))
        assert ((0,),) == said(operated(operation("36.0601", "2026-03-16"), rule=rule))

    def test_items_or_operations(self):
        """Either will do; both must be known to be absent."""
        assert silent(verdict(an_encounter(one(), a_line(OTHER)), EITHER))
        assert silent(operated(operation("36.0601"), rule=EITHER))
        assert HISTORY == unread(operated(operation("36.0701"), rule=EITHER))
        assert ((("operations",), "missing", (0,)),) == unread(operated(rule=EITHER, history_since=KNOWN))
        assert ((0,),) == said(operated(operation("36.0701"), rule=EITHER, history_since=KNOWN))


def test_the_message_names_what_is_needed():
    """And where it was looked for; never above a warning, for the partner may still come."""
    (finding,) = verdict(known(one()), THREE).findings
    (daily,) = verdict(known(one()), DAY).findings

    words = "【注射用青霉素钠】须与【青霉素皮试】匹配,前后 3 天内未见;请补开或补录,确不需要的请说明理由。"
    assert words == finding.message
    assert "【注射用造影剂】须与【增强扫描】匹配,同一日未见;请补开或补录,确不需要的请说明理由。" == daily.message
    assert ("warn", (10_0000,), (("window", "days:3"),)) == (finding.level, finding.amounts, finding.facts)


def test_the_days_are_named_to_those_who_read_it_later():
    """At settlement the order's day is not today; a whole visit needs none."""
    (day,) = verdict(known(one("2026-03-17")), DAY).findings
    (days,) = verdict(known(one("2026-03-17"), one("2026-03-16"), one("2026-03-16")), DAY).findings
    (visit,) = verdict(known(one("2026-03-17")), VISIT).findings

    assert "同一日(2026-03-17)未见;" in day.message
    assert "同一日(2026-03-16 等 2 日)未见;" in days.message
    assert "本次就诊未见;" in visit.message


def test_scenes_decide_when_it_speaks():
    """An operation's fee without its code is a matter of settlement."""
    late = a_rule("required_item", window="visit", with_items="", with_ops="36.06*", scenes="8|9")

    assert silent(operated(operation("36.0701"), rule=late, scenes=("4",)))
    assert ((0,),) == said(operated(operation("36.0701"), rule=late, scenes=("8",)))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"with_items": ""}, "name what is needed"),
        ({"with_ops": "36.06*", "window": "prescription"}, "no prescription"),
        ({"with_items": "A*"}, "cannot require itself"),
        ({"window": "overlap"}, "a window is"),
        ({"window": "days:0"}, "a window is"),
        ({"window": "days:"}, "a window is"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_fault(columns, words):
    """Columns that contradict each other."""
    with pytest.raises(ValueError, match=words):
        a_rule("required_item", **columns)


def test_an_incomplete_row_may_lack_its_partner():
    """It is listed and never evaluated."""
    assert "incomplete" == a_rule("required_item", with_items="", status="incomplete", note="缺编码").status
