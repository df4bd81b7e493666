"""Upload delay: orders that reach the check long after they were given."""

import pytest

from tests.builders import UNIT, a_line, a_rule, an_encounter, at, past, said, silent, unread, verdict

RULE = a_rule("upload_delay", items="A*", max_hours="72", name="就诊数据上传")
NOW = at("2026-03-18 10:00")


def found(*lines, **changes):
    return verdict(an_encounter(*lines, **changes), RULE, time=NOW)


class TestUploadDelay:
    @pytest.mark.parametrize("begin", ["2026-03-15 10:00", "2026-03-18 10:00", "2026-03-19 08:00"])
    def test_in_time_is_silent(self, begin):
        """Just the hours allowed, now, and an order for tomorrow."""
        assert silent(found(a_line(begin=at(begin))))

    def test_a_minute_more_is_late(self):
        """The message says how many, since when, and how long ago; no money is at stake."""
        verdict_ = found(a_line(begin=at("2026-03-15 09:59")), a_line(), a_line(begin=at("2026-03-14 09:30")))

        (finding,) = verdict_.findings
        assert (0, 2) == finding.lines
        words = (
            "【就诊数据上传】应在开立后 72 小时内上传,本次 2 项晚于规定时间上传,最早一项已 96 小时"
            "(2026-03-14 09:30 起);请核对是否补录,今后于开立时上传。"
        )
        assert words == finding.message
        assert (("since", "2026-03-14 09:30"), ("hours", "96")) == finding.facts
        assert ((0, 0), 0) == (finding.amounts, verdict_.amount)

    def test_the_message_names_what_came_late(self):
        """The first few by name."""
        names = ("静脉采血", "血常规", "静脉采血", "肝功能", "肾功能")
        (finding,) = found(*(a_line(begin=at("2026-03-14 10:00"), name=name) for name in names)).findings

        assert "静脉采血、血常规、肝功能 等 4 项晚于规定时间上传,最早一项已 96 小时" == finding.present

    def test_names_stand_by_time_then_id(self):
        """Not by the places of the lines."""
        late = (a_line(begin=at("2026-03-14 10:00"), id=id, name=name) for id, name in (("b", "乙"), ("a", "甲")))
        (finding,) = found(*late).findings

        assert (0, 1) == finding.lines
        assert finding.present.startswith("甲、乙晚于规定时间上传")

    def test_a_day_without_a_clock_time_counts_from_its_end(self):
        """It may have been ordered in the evening."""
        assert silent(found(a_line(begin=at("2026-03-14 10:00"), timed=False)))
        assert ((0,),) == said(found(a_line(begin=at("2026-03-14 09:59"), timed=False)))

    def test_a_running_order_is_not_late(self):
        """A long-term order is sent again every day; once stopped it counts from its stop."""
        old = at("2026-03-01")

        assert silent(found(a_line(begin=old, long_term=True)))
        assert silent(found(a_line(begin=old, long_term=True, stop=at("2026-03-15 10:00"))))
        assert ((0,),) == said(found(a_line(begin=old, long_term=True, stop=at("2026-03-15 09:59"))))
        assert silent(found(a_line(begin=old, stop=at("2026-03-17"))))

    def test_an_order_that_may_run_on_is_not_checked(self):
        """An in-patient's line that does not say whether it is a long-term order; others have none."""
        lines = (a_line(long_term=None), a_line(begin=at("2026-03-01"), long_term=None))
        open_ = a_line(begin=at("2026-03-01"), long_term=None)

        assert ((("line.long_term",), "missing", (1,)),) == unread(found(*lines))
        assert ((("line.long_term",), "missing", (0,)),) == unread(found(open_, type=None))
        assert ((("line.long_term",), "missing", (0,)),) == unread(found(open_, type="outpatient", type_conflict=True))
        assert ((0,),) == said(found(open_, type="outpatient"))
        stopped = a_line(begin=at("2026-03-01"), long_term=None, stop=at("2026-03-01"))
        assert ((0,),) == said(found(stopped))

    @pytest.mark.parametrize("scene", ["6", "7", "8", "9", "10"])
    def test_a_settlement_carries_the_whole_stay(self, scene):
        """All its lines are current, and none of them is late for that."""
        stay = [a_line(begin=at(f"2026-03-{day:02}")) for day in range(1, 18)]

        assert silent(found(*stay, scenes=(scene,)))
        assert ((0,),) == said(found(stay[0], scenes=("5",)))

    def test_a_stop_before_the_begin_is_no_time(self):
        """The later of both counts."""
        assert silent(found(a_line(begin=at("2026-03-17"), stop=at("2026-03-01"))))

    def test_a_line_without_a_time_is_as_old_as_the_message(self):
        """By the model's own reading; there is nothing to compare."""
        assert silent(found(a_line(begin=None)))

    def test_only_what_is_sent_now_is_judged(self):
        """The past was sent before, and a reversal is a correction."""
        assert silent(found(past("2026-03-01"), a_line(begin=at("2026-03-01"), quantity=-UNIT), a_line()))

    def test_hours_let_pass(self):
        """From one hour to some eleven years."""
        assert [1, 100_000] == [a_rule("upload_delay", max_hours=cell).max_hours for cell in ("1", "100000")]
        for cell in ("0", "100001"):
            with pytest.raises(ValueError, match="max_hours"):
                a_rule("upload_delay", max_hours=cell)

    def test_self_pay_does_not_matter(self):
        """A matter of data, not of payment."""
        assert ((0,),) == said(found(a_line(begin=at("2026-03-01"), self_paid=True)))
