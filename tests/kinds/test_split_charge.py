"""Split charge: which lines are parts, where they meet, and the whole."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

TWO = a_rule("split_charge", name="血液透析滤过", whole_name="血液透析滤过", whole_items="W01")
THREE = a_rule("split_charge", items="A01|B01|C01", min_parts="3")
VISIT = a_rule("split_charge", window="visit", whole_items="W01")
FAMILY = a_rule("split_charge", items="A0*|B01")

UNTIMED = ((("line.time",), "missing", (0,)),)


def part(item="A01", begin="2026-03-18", **changes):
    return a_line(item, begin=at(begin), **changes)


class TestParts:
    def test_two_parts_of_one_day_fire(self):
        """Both are named, each for its own money."""
        lines = (part(name="血液透析", amount=400_0000), part("B01", name="血液滤过", amount=300_0000))
        (finding,) = verdict(an_encounter(*lines), TWO).findings

        assert ((0, 1), (), (400_0000, 300_0000)) == (finding.lines, finding.involved, finding.amounts)
        words = (
            "【血液透析滤过】疑似分解收费:2026-03-18 分别收取血液透析、血液滤过,共 2 项组成部分;"
            "同一次操作应按【血液透析滤过】合并收费。"
        )
        assert words == finding.message

    def test_the_same_part_twice_is_one(self):
        """That is a matter of frequency; a family counts once."""
        assert silent(verdict(an_encounter(part(), part()), TWO))
        assert silent(verdict(an_encounter(part("A01"), part("A02")), FAMILY))
        assert ((0, 1),) == said(verdict(an_encounter(part("A01"), part("B01")), FAMILY))

    def test_as_many_as_the_row_says(self):
        """Two of three are no split yet."""
        assert silent(verdict(an_encounter(part("A01"), part("B01"), part("B01")), THREE))
        assert ((0, 1, 2),) == said(verdict(an_encounter(part("A01"), part("B01"), part("C01")), THREE))

    def test_a_part_charged_before_is_involved(self):
        """It cannot be changed any more."""
        lines = (part(), past("2026-03-18", "B01", name="血液滤过"), past("2026-03-18", "B01", name="血液滤过"))
        (finding,) = verdict(an_encounter(*lines), TWO).findings

        assert ((0,), (1, 2)) == (finding.lines, finding.involved)
        assert "分别收取血液滤过、组成项目,共 2 项" in finding.message

    def test_nothing_being_saved_is_nothing_to_say(self):
        """A split of the past is no news when another part is saved on another day."""
        lines = (part(begin="2026-03-18"), past("2026-03-17"), past("2026-03-17", "B01"))

        assert silent(verdict(an_encounter(*lines), TWO))

    def test_recorded_parts_count(self):
        """Recorded history joins the payload."""
        found = verdict(an_encounter(part()), TWO, context=recorded(past("2026-03-18", "B01", id="M")))

        assert ((0,),) == said(found)

    def test_refunded_parts_do_not(self):
        """What was taken back is not charged; of a part taken back in part the rest is at stake."""
        gone = (part(), past("2026-03-18", "B01"), past("2026-03-18", "B01", quantity=-1_0000))
        half = (part(quantity=2_0000), part(quantity=-1_0000), past("2026-03-18", "B01"))

        assert silent(verdict(an_encounter(*gone), TWO))
        assert 10_0000 == verdict(an_encounter(*half), TWO).amount

    def test_self_pay_does_not_clear_it(self):
        """It moves the split to the patient (ruling 1)."""
        assert ((0, 1),) == said(verdict(an_encounter(part(), part("B01", self_paid=True, consent=True)), TWO))


class TestDays:
    def test_another_day_is_another_operation(self):
        """Parts of two days do not meet."""
        assert silent(verdict(an_encounter(part(), part("B01", "2026-03-17 23:59")), TWO))

    def test_each_day_is_said_by_itself(self):
        """Two days, two findings."""
        lines = (part(), part("B01"), part(begin="2026-03-17"), part("B01", "2026-03-17"))

        assert [(0, 1), (2, 3)] == sorted(said(verdict(an_encounter(*lines), TWO)))

    def test_a_long_term_order_is_said_once(self):
        """It meets the other part on many days; the first day on which they meet is named."""
        lines = (
            part(begin="2026-03-15", long_term=True, stop=at("2026-03-17")),
            part("B01", "2026-03-16", long_term=True, stop=at("2026-03-18")),
            past("2026-03-17", "B01"),
        )
        (finding,) = verdict(an_encounter(*lines), TWO).findings

        assert ((0, 1), "2026-03-16") == (finding.lines, dict(finding.facts)["day"])
        assert silent(verdict(an_encounter(lines[0], part("B01", "2026-03-18")), TWO))

    def test_the_visit_has_no_days(self):
        """Parts of one visit meet whenever they were charged; another visit's do not."""
        (finding,) = verdict(an_encounter(part(), past("2026-03-01", "B01")), VISIT).findings

        assert "本次就诊分别收取" in finding.message
        assert silent(verdict(an_encounter(part(), past("2026-03-18", "B01", visit="V0")), VISIT))
        assert ((0,),) == said(verdict(an_encounter(part(), past(None, "B01")), VISIT))

    def test_parts_of_another_visit_are_of_another_operation(self):
        """A plain scan at the clinic in the morning, an enhanced one on the ward: nobody could charge them as one."""
        assert silent(verdict(an_encounter(part(), past("2026-03-18", "B01", visit="V0")), TWO))
        assert silent(verdict(an_encounter(part(), past(None, "B01", visit="V0")), TWO))

    def test_a_day_within_a_long_order_counts(self):
        """Both its ends and the days between, in whatever order the lines come."""
        order = part("B01", "2026-03-15", long_term=True, stop=at("2026-03-18"))
        days = [past(f"2026-03-{day}") for day in (14, 15, 16, 18, 19)]
        found = [said(verdict(an_encounter(order, one), TWO)) for one in days]

        assert [(), ((0,),), ((0,),), ((0,),), ()] == found

    def test_an_undated_part_may_complete_the_split(self):
        """Then the line being saved is not judged; where it could not, it is."""
        assert UNTIMED == unread(verdict(an_encounter(part(), past(None, "B01")), TWO))
        assert silent(verdict(an_encounter(part(), past(None, "A01")), TWO))
        assert silent(verdict(an_encounter(part(), past(None, "B01"), past("2026-03-01", "A01")), THREE))

    def test_what_is_sure_is_said_beside_it(self):
        """An undated part hides no sure split."""
        found = verdict(an_encounter(part(), part("B01"), past(None, "B01")), TWO)

        assert ((0, 1),) == said(found)
        assert () == found.not_checked


class TestWhole:
    @pytest.mark.parametrize("rule", [TWO, VISIT])
    def test_the_whole_charged_too_is_no_split(self, rule):
        """Its parts beside it are duplicates, which another kind tells."""
        lines = (part(), part("B01"), past("2026-03-18", "W01"))

        assert silent(verdict(an_encounter(*lines), rule))

    def test_the_whole_of_another_day_is_another_operation(self):
        """It does not excuse the split; one without a day might."""
        assert ((0, 1),) == said(verdict(an_encounter(part(), part("B01"), past("2026-03-17", "W01")), TWO))
        undated = verdict(an_encounter(part(), part("B01"), past(None, "W01")), TWO)
        assert ((("line.time",), "missing", (0, 1)),) == unread(undated)

    def test_whose_visit_the_whole_was_charged_in(self):
        """A day is a day, whatever the visit; a visit is this one."""
        lines = (part(), part("B01"), past("2026-03-18", "W01", visit="V0"))

        assert silent(verdict(an_encounter(*lines), TWO))
        assert ((0, 1),) == said(verdict(an_encounter(*lines), VISIT))

    def test_an_excused_day_hides_no_other(self):
        """The whole was charged on the 17th, not on the 18th."""
        lines = (part(), part("B01"), *(past("2026-03-17", item) for item in ("A01", "B01", "W01")))

        assert ((0, 1),) == said(verdict(an_encounter(*lines), TWO))

    def test_an_excused_day_of_new_lines_hides_no_other(self):
        """Both days are being saved."""
        before = (part(begin="2026-03-17"), part("B01", "2026-03-17"), past("2026-03-17", "W01"))

        assert ((3, 4),) == said(verdict(an_encounter(*before, part(), part("B01")), TWO))


def test_the_facts_of_a_split():
    """Day and number of parts, for those who count findings."""
    (finding,) = verdict(an_encounter(part(), part("B01")), TWO).findings

    assert (("day", "2026-03-18"), ("parts", "2")) == finding.facts


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"items": "A01", "min_parts": "2"}, "names 1 parts, fewer than min_parts 2"),
        ({"items": "A01|B01", "whole_items": "B*"}, "one of its parts"),
        ({"min_parts": "1"}, "greater than or equal to 2"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_fault(columns, words):
    """Columns that contradict each other."""
    with pytest.raises(ValueError, match=words):
        a_rule("split_charge", **columns)


def test_an_incomplete_row_may_lack_its_parts():
    """It is listed and never evaluated."""
    assert "incomplete" == a_rule("split_charge", items="A01", status="incomplete", note="缺编码").status
