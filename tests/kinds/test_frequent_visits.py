"""Frequent visits: windows, what counts, when it is said, and visits that may or may not count."""

from datetime import date

import pytest

from rules.model import Context, History, PastVisit
from tests.builders import NOW, a_line, a_rule, an_encounter, at, icd, silent, unread, verdict

NURSING = a_line("001201000030000", name="护理")
MONTHLY = a_rule("frequent_visits", name="频繁门诊", type="outpatient", window="month", max="2")
DAILY = a_rule("frequent_visits", name="频繁门诊", type="outpatient", window="day", max="1")
YEARLY = a_rule("frequent_visits", name="频繁住院", type="inpatient", window="year", max="1")
WEEK = a_rule("frequent_visits", name="频繁购药", type="pharmacy", window="days:7", max="1")
SECOND = a_rule("frequent_visits", name="频繁门诊", type="outpatient", window="month", max="1")
SERIES = a_rule("frequent_visits", name="频繁门诊", type="outpatient", window="month", max="1", except_dx="Z49*")


def visit(begin, **changes):
    given = {"id": str(begin), "type": "outpatient", "admitted": at(begin) if begin else None, "diagnosis": "I10.x00"}
    return PastVisit(**(given | changes))


def visiting(*others, rule=MONTHLY, since="2025-01-01", context=None, **changes):
    given = {
        "type": rule.type,
        "admitted": None,
        "scenes": ("1",),
        "visits": others,
        "history_since": at(since).date() if since else None,
    }
    return verdict(an_encounter(NURSING, **(given | changes)), rule, context=context)


class TestCount:
    def test_the_message(self):
        """The window, what was before, this one, and the last day; no lines."""
        (finding,) = visiting(visit("2026-03-16"), visit("2026-03-02")).findings

        assert "VISITS_TOO_FREQUENT" == finding.code
        assert (
            "【频繁门诊】每月门诊不超过 2 次:2026-03-01 至 2026-03-18 已有 2 次 + 本次 = 3 次,最近一次为 2026-03-16;"
            "请核实本次门诊是否必要。" == finding.message
        )
        assert ((), "每月门诊不超过 2 次", "已有 2 次 + 本次 = 3 次") == (
            finding.lines,
            finding.limit,
            finding.present,
        )
        assert "2 次" == finding.allowed
        assert (("first", "2026-03-01"), ("day", "2026-03-18"), ("visits", "3")) == finding.facts

    def test_as_many_as_allowed_are_silent(self):
        """This one is the second of two."""
        assert silent(visiting(visit("2026-03-02")))

    def test_a_day(self):
        """A single day is named once."""
        (finding,) = visiting(visit("2026-03-18 08:00"), rule=DAILY).findings

        assert "每日门诊不超过 1 次:2026-03-18 已有 1 次 + 本次 = 2 次" in finding.message
        assert silent(visiting(visit("2026-03-17 23:59"), rule=DAILY))

    @pytest.mark.parametrize(("begin", "count"), [("2026-01-01", 1), ("2025-12-31", 0)])
    def test_a_calendar_year(self, begin, count):
        """It begins on the first of January."""
        given = {"rule": YEARLY, "admitted": at("2026-03-18 08:00"), "scenes": ("3",)}
        found = visiting(visit(begin, type="inpatient"), **given)

        assert count == len(found.findings)
        assert all("每年住院不超过 1 次:2026-01-01 至 2026-03-18" in finding.message for finding in found.findings)

    @pytest.mark.parametrize(("begin", "count"), [("2026-03-12", 1), ("2026-03-11", 0)])
    def test_rolling_days(self, begin, count):
        """Seven days, today among them."""
        found = visiting(visit(begin, type="pharmacy"), rule=WEEK, scenes=("10",))

        assert count == len(found.findings)
        assert all("】7 天内购药不超过 1 次:2026-03-12 至 2026-03-18" in finding.message for finding in found.findings)

    @pytest.mark.parametrize(("begin", "count"), [("2026-03-01", 1), ("2026-02-28", 0)])
    def test_a_calendar_month(self, begin, count):
        """It begins on the first."""
        assert count == len(visiting(visit("2026-03-16"), visit(begin)).findings)

    def test_a_visit_is_of_its_begin(self):
        """A stay admitted before the window and discharged in it is before it; without a begin its end tells."""
        long = visit("2025-12-30", type="inpatient", discharged=at("2026-01-20"))
        ended = visit(None, type="inpatient", discharged=at("2026-01-20"))
        given = {"rule": YEARLY, "scenes": ("3",)}

        assert silent(visiting(long, **given))
        assert 1 == len(visiting(ended, **given).findings)

    def test_the_stays_own_begin_counts(self):
        """At settlement the window ends with the admission, not with today."""
        given = {"rule": YEARLY, "scenes": ("8",), "admitted": at("2025-12-20")}

        assert silent(visiting(visit("2024-12-31", type="inpatient"), since="2024-12-31", **given))
        assert 1 == len(visiting(visit("2025-02-01", type="inpatient"), **given).findings)

    def test_this_visit_and_later_ones_are_not_before(self):
        """What begins with this visit is this visit."""
        now = visit("2026-03-18", id="other", admitted=NOW)

        assert silent(visiting(visit("2026-03-02"), now))

    def test_other_types_do_not_count(self):
        """A stay is no out-patient visit, nor do visits before the window hide those in it."""
        stay, before = visit("2026-03-01", type="inpatient"), visit("2026-02-28")

        assert silent(visiting(visit("2026-03-02"), stay))
        assert 1 == len(visiting(before, stay, visit("2026-03-02"), visit("2026-03-03")).findings)

    def test_recorded_visits_count(self):
        """What the message lacks, in any hospital."""
        context = Context(history=History(since=date(2026, 1, 1), visits=(visit("2026-03-03", hospital="H2"),)))

        assert 1 == len(visiting(visit("2026-03-02"), context=context).findings)


class TestMoment:
    @pytest.mark.parametrize("scene", ["1", "3", "6", "7", "8", "9", "10"])
    def test_moments_of_the_visit(self, scene):
        """Registration, settlement, pre-settlement and purchase."""
        assert 1 == len(visiting(visit("2026-03-18"), rule=DAILY, scenes=(scene,)).findings)

    @pytest.mark.parametrize("scenes", [(), ("2",), ("4",), ("5",)])
    def test_orders_are_not(self, scenes):
        """Nor is anything missing then."""
        assert silent(visiting(visit("2026-03-18"), rule=DAILY, scenes=scenes, since=None))

    def test_a_row_may_name_others(self):
        """``scenes`` of the row stands for the kind's own."""
        rule = a_rule("frequent_visits", type="outpatient", window="day", max="1", scenes="2")

        assert 1 == len(visiting(visit("2026-03-18"), rule=rule, scenes=("2",)).findings)
        assert silent(visiting(visit("2026-03-18"), rule=rule, scenes=("1",)))

    @pytest.mark.parametrize(("changes", "count"), [({"emergency": True}, 0), ({"rescue": True}, 0), ({}, 1)])
    def test_nobody_asks_whether_an_emergency_is_necessary(self, changes, count):
        """Nor need the past be known then; before a later visit it counts like any other."""
        found = visiting(visit("2026-03-18"), rule=DAILY, since=None, **changes)

        assert count == len(found.findings)
        assert count or silent(found)

    def test_another_visit_is_none_of_its_business(self):
        """A rule on purchases is silent at a registration."""
        assert silent(visiting(rule=WEEK, type="outpatient", since=None))


class TestUnknown:
    @pytest.mark.parametrize(("since", "gaps"), [("2026-03-01", 0), ("2026-03-02", 1), (None, 1)])
    def test_few_visits_need_the_whole_window(self, since, gaps):
        """Silence is only certain where all visits of the window are known."""
        found = visiting(visit("2026-03-02"), since=since)

        assert ((("history",), "missing", ()),) * gaps == unread(found)
        assert gaps or silent(found)

    def test_too_many_need_no_coverage(self):
        """What is known is enough to speak."""
        assert 1 == len(visiting(visit("2026-03-16"), visit("2026-03-02"), since=None).findings)

    @pytest.mark.parametrize(
        ("changes", "reason"), [({"type": None}, "missing"), ({"type_conflict": True}, "conflict")]
    )
    def test_the_type_of_this_visit(self, changes, reason):
        """It may be one that counts."""
        assert ((("visit.type",), reason, ()),) == unread(visiting(**changes))

    @pytest.mark.parametrize(
        ("unsure", "field"),
        [(visit(None), "visits.admitted"), (visit("2026-03-03", type=None), "visits.type")],
    )
    def test_a_visit_that_may_count(self, unsure, field):
        """It is said only where it would decide."""
        assert (((field,), "missing", ()),) == unread(visiting(visit("2026-03-02"), unsure))
        assert silent(visiting(unsure))
        assert 1 == len(visiting(visit("2026-03-02"), visit("2026-03-16"), unsure).findings)

    @pytest.mark.parametrize("begin", ["2026-02-28", "2026-03-19"])
    def test_a_visit_of_unknown_type_outside_the_window(self, begin):
        """Whatever it was, it does not count."""
        assert silent(visiting(visit("2026-03-02"), visit(begin, type=None)))


class TestSeries:
    def test_care_in_series_is_excepted(self):
        """Dialysis now, or then."""
        assert silent(visiting(visit("2026-03-02"), rule=SERIES, diagnoses=(icd("Z49.100"),), since=None))
        assert silent(visiting(visit("2026-03-02", diagnosis="Z49.100"), rule=SERIES))
        assert 1 == len(visiting(visit("2026-03-02"), rule=SERIES).findings)

    @pytest.mark.parametrize(
        ("diagnoses", "field", "reason"),
        [((), "diagnoses", "missing"), ((icd("XYZD01"),), "diagnosis.code", "unmapped")],
    )
    def test_an_unread_diagnosis_may_be_one_of_it(self, diagnoses, field, reason):
        """Not checked only where it would speak."""
        found = visiting(visit("2026-03-02"), rule=SERIES, diagnoses=diagnoses)

        assert (((field,), reason, ()),) == unread(found)
        assert () == found.findings
        assert silent(visiting(rule=SERIES, diagnoses=diagnoses))
        assert 1 == len(visiting(visit("2026-03-02"), rule=SECOND, diagnoses=diagnoses).findings)

    @pytest.mark.parametrize(("diagnosis", "reason"), [("", "missing"), ("XYZD01", "unmapped")])
    def test_another_visits_unread_diagnosis(self, diagnosis, reason):
        """It counts only as possible."""
        other = visit("2026-03-02", diagnosis=diagnosis)

        assert ((("visits.diagnosis",), reason, ()),) == unread(visiting(other, rule=SERIES))
        assert 1 == len(visiting(other, rule=SECOND).findings)


@pytest.mark.parametrize("columns", [{"max": "0"}, {"window": "week"}, {"window": "days:0"}, {"window": "days:1000"}])
def test_columns(columns):
    """At least one visit; windows of the four forms, up to 999 days."""
    with pytest.raises(ValueError, match=r"greater than 0|match pattern"):
        a_rule("frequent_visits", **columns)
    assert 999 == int(a_rule("frequent_visits", window="days:999").window[5:])
