"""Quantity limit: windows, units, reversals, operations, diseases, sides, and how much of the past must be known."""

from datetime import date

import pytest
from msgspec.structs import replace

from rules.kinds import KINDS
from rules.kinds._contract import Look
from rules.model import Operation
from tests.builders import a_line, a_rule, a_word, an_encounter, at, icd, past, recorded, said, silent, unread, verdict

KNOWN = {"history_since": date(2020, 1, 1)}
FIRST = {"window": "first:365"}
WHOLE = {"history_since": date(1986, 1, 1)}
STENT = {"window": "visit", "max": "2", "unit": "个", "per_ops": "36.06*|36.07*", "name": "冠脉支架"}
CHRONIC = {"disease": "M01600|M03900", "window": "month"}
EYE = {"window": "visit", "max": "9", "unit": "支", "per_side": "true", "name": "雷珠单抗注射液"}


def rule(**cells):
    return a_rule("quantity_limit", **({"max": "5", "unit": "盒", "window": "days:30", "name": "某胶囊"} | cells))


def boxes(count, **changes):
    return a_line(**({"quantity": count * 1_0000, "unit": "盒"} | changes))


def had(day, count, **changes):
    return past(day, **({"quantity": count * 1_0000, "unit": "盒"} | changes))


def judged(limit, *lines, words=(), context=None, operations=(), **changes):
    encounter = an_encounter(*lines, **(KNOWN | changes))
    return verdict(replace(encounter, operations=operations), limit, words=words, context=context)


class TestRolling:
    def test_the_limit_is_silent(self):
        """Two known and three now are five."""
        assert silent(judged(rule(), boxes(3), had("2026-03-10", 2)))

    def test_one_more_fires(self):
        """A doctor reads the sum, who ordered last and when, and how much is still allowed."""
        (finding,) = judged(rule(), boxes(4), had("2026-03-01", 1), had("2026-03-10", 1, doctor="D0012")).findings

        words = (
            "【某胶囊】30 天内限 5 盒:本次 4 盒 + 30 天内已开 2 盒(最近 2026-03-10,开单医师 D0012) = 6 盒;"
            "本次最多可开 3 盒,或经患者同意后自费。"
        )
        assert words == finding.message
        assert ((0,), (1, 2), (10_0000,)) == (finding.lines, finding.involved, finding.amounts)
        assert ("30 天内限 5 盒", "3 盒") == (finding.limit, finding.allowed)
        assert (("past", "2"), ("now", "4"), ("allowed", "3 盒")) == finding.facts

    @pytest.mark.parametrize(("day", "counts"), [("2026-02-17", True), ("2026-02-16", False)])
    def test_thirty_days_are_today_and_the_29_before(self, day, counts):
        """What lies 30 days back has left the window."""
        assert counts == bool(judged(rule(), boxes(4), had(day, 2)).findings)

    def test_a_later_day_shares_the_window(self):
        """A line saved for an earlier day counts what is already there after it."""
        assert ((0,),) == said(judged(rule(), boxes(4, begin=at("2026-03-10")), had("2026-03-17", 2)))

    def test_a_line_over_two_windows_counts_its_worst(self):
        """Overlapping windows hold the same boxes: what is above is not counted twice."""
        found = judged(rule(), boxes(6), had("2026-02-20", 1), had("2026-03-25", 1))

        assert ((20_0000,), "某胶囊") == (found.findings[0].amounts, found.findings[0].item)
        assert "另有" not in found.findings[0].message

    def test_the_worst_window_may_end_with_a_charge(self):
        """One a day on 1-6 March and another on 4-6: the five days to the 6th hold eight, no other five as many."""
        order = {"stop": at("2026-03-06"), "timed": False}
        lines = (boxes(6, begin=at("2026-03-01"), **order), had("2026-03-04", 3, **order))

        assert silent(judged(rule(window="days:5", max="8"), *lines))
        assert ((0,),) == said(judged(rule(window="days:5", max="7.9999"), *lines))

    def test_what_was_there_before_is_not_at_fault(self):
        """Six boxes known: nothing more may be opened, and only what is saved now is named."""
        (finding,) = judged(rule(), boxes(1), had("2026-03-10", 6)).findings

        assert ((0,), "0 盒") == (finding.lines, finding.allowed)

    def test_the_lines_that_exceed_are_named(self):
        """The first of two lines fits, the second does in part."""
        lines = (boxes(3, begin=at("2026-03-18 08:00")), boxes(4, begin=at("2026-03-18 09:00")))
        (finding,) = judged(rule(), *lines).findings

        assert ((1,), (0,), (20_0000,)) == (finding.lines, finding.involved, finding.amounts)
        assert "【某胶囊】30 天内限 5 盒:本次 7 盒;本次最多可开 5 盒,或经患者同意后自费。" == finding.message

    def test_members_of_a_group_count_together(self):
        """Two items under one limit."""
        both = rule(items="A01|B01")

        assert ((0,),) == said(judged(both, boxes(3), had("2026-03-10", 3, item="B01")))


class TestDays:
    def test_days_are_apart(self):
        """Five today and five yesterday are five each."""
        assert silent(judged(rule(window="day"), boxes(5), had("2026-03-17", 5)))
        (finding,) = judged(rule(window="day"), boxes(5), had("2026-03-18", 1)).findings

        words = "本次 5 盒 + 2026-03-18 已开 1 盒(最近 2026-03-18) = 6 盒"
        assert words == finding.present
        assert finding.message.startswith("【某胶囊】每日限 5 盒:")

    def test_a_running_order_is_shared_out(self):
        """Fifteen boxes over three days are five a day; eighteen are six, on each of them."""
        order = {"begin": at("2026-03-16"), "stop": at("2026-03-18"), "timed": False}

        assert silent(judged(rule(window="day"), boxes(15, **order)))
        (finding,) = judged(rule(window="day"), boxes(18, **order)).findings

        words = "【某胶囊】每日限 5 盒:2026-03-16 本次 6 盒,另有 2 处同样超出;本次最多可开 5 盒,或经患者同意后自费。"
        assert words == finding.message
        assert (30_0000,) == finding.amounts

    def test_shares_sum_up(self):
        """Ten over three days are 3.3333, 3.3333 and 3.3334: nothing is lost."""
        order = {"begin": at("2026-03-16"), "stop": at("2026-03-18"), "timed": False}
        (finding,) = judged(rule(window="day", max="3.3333"), boxes(10, **order)).findings

        assert "2026-03-18 本次 3.3334 盒" == finding.present

    @pytest.mark.parametrize(("day", "counts"), [("2026-03-01", True), ("2026-02-28", False), ("2026-03-31", True)])
    def test_a_calendar_month(self, day, counts):
        """From the first to the last of March."""
        found = judged(rule(window="month"), boxes(4), had(day, 2))

        assert counts == bool(found.findings)
        assert not counts or "2026-03 已开 2 盒" in found.findings[0].message

    @pytest.mark.parametrize(("day", "counts"), [("2026-01-01", True), ("2025-12-31", False), ("2026-12-31", True)])
    def test_a_calendar_year(self, day, counts):
        """From New Year to its eve."""
        found = judged(rule(window="year"), boxes(4), had(day, 2))

        assert counts == bool(found.findings)
        assert not counts or "2026 年 已开 2 盒" in found.findings[0].message

    def test_the_month_of_a_line_over_its_end_is_split(self):
        """Ten boxes from 27 March to 5 April: five in each month."""
        line = boxes(10, begin=at("2026-03-27"), stop=at("2026-04-05"), timed=False)

        assert silent(judged(rule(window="month"), line))
        assert ((0,),) == said(judged(rule(window="month", max="4.9999"), line))


class TestVisits:
    def test_a_line_alone(self):
        """Each line for itself, whatever was there before."""
        assert silent(judged(rule(window="line"), boxes(5), boxes(5), had("2026-03-18", 9)))
        (finding,) = judged(rule(window="line"), boxes(6), boxes(5), boxes(7)).findings

        words = "【某胶囊】单次限 5 盒:本次 7 盒,另有 1 处同样超出;本次最多可开 5 盒,或经患者同意后自费。"
        assert (words, (0, 2)) == (finding.message, finding.lines)

    def test_the_visit(self):
        """Another visit's boxes do not count."""
        assert silent(judged(rule(window="visit"), boxes(4), had("2026-03-17", 2, visit="V0")))
        (finding,) = judged(rule(window="visit"), boxes(4), had("2026-03-17", 2)).findings

        assert "本次 4 盒 + 本次就诊已开 2 盒(最近 2026-03-17) = 6 盒" == finding.present
        assert "本次就诊限 5 盒" == finding.limit

    def test_only_lines_above_the_limit_are_named(self):
        """In order of time: three fit, the next three do in part, the last not at all."""
        lines = tuple(boxes(3, begin=at(f"2026-03-18 0{hour}:00")) for hour in (7, 8, 9))
        (finding,) = judged(rule(window="visit"), *lines).findings

        assert ((1, 2), (0,), (10_0000, 30_0000)) == (finding.lines, finding.involved, finding.amounts)

    def test_a_visit_needs_no_times(self):
        """A known charge without a time is of this visit all the same."""
        (finding,) = judged(rule(window="visit"), boxes(4), had(None, 2)).findings

        assert "本次 4 盒 + 本次就诊已开 2 盒 = 6 盒" == finding.present

    def test_one_prescription(self):
        """Only lines of the same number count together, known ones too."""
        one = rule(window="prescription")
        lines = (boxes(3, prescription="R1"), boxes(3, prescription="R2"), had("2026-03-18", 2, prescription="R1"))

        assert silent(judged(one, *lines))
        (finding,) = judged(one, boxes(4, prescription="R1"), *lines[1:]).findings
        assert "【某胶囊】每张处方限 5 盒:本次 4 盒 + 同一处方已开 2 盒" in finding.message

    def test_another_visit_may_use_the_number_again(self):
        """Numbers are a visit's own."""
        other = had("2026-03-10", 2, prescription="R1", visit="V0")

        assert silent(judged(rule(window="prescription"), boxes(4, prescription="R1"), other))

    def test_without_numbers_only_the_sum_of_all_is_open(self):
        """Alone within and together above: nobody knows; alone above: it fires; together within: silent."""
        one = rule(window="prescription")

        assert silent(judged(one, boxes(2), boxes(3)))
        assert ((("line.prescription",), "missing", (0, 1)),) == unread(judged(one, boxes(3), boxes(3)))
        assert ((1,),) == said(judged(one, boxes(1), boxes(6)))
        assert silent(judged(one, boxes(3), boxes(3, prescription="R1")))


class TestLifetime:
    def test_all_that_is_known_counts(self):
        """Whatever the day, even without one."""
        (finding,) = judged(rule(window="lifetime"), boxes(4), had("2021-01-01", 1, visit="V0"), had(None, 1)).findings

        assert "本次 4 盒 + 此前已开 2 盒(最近 2021-01-01) = 6 盒" == finding.present
        assert "累计限 5 盒" == finding.limit

    def test_silence_needs_the_whole_life(self):
        """Known since birth, or not checked."""
        assert ((("history",), "missing", (0,)),) == unread(judged(rule(window="lifetime"), boxes(5)))
        assert silent(judged(rule(window="lifetime"), boxes(5), history_since=date(1986, 1, 1)))
        assert not silent(judged(rule(window="lifetime"), boxes(5), history_since=date(1986, 1, 2)))

    def test_without_a_birth_date_nothing_is_whole(self):
        """How far back a life goes is then unknown."""
        found = judged(rule(window="lifetime"), boxes(5), birth_date=None, history_since=date(1900, 1, 1))

        assert ((("history",), "missing", (0,)),) == unread(found)

    def test_a_newborn_in_hospital_is_known_whole(self):
        """Admitted on the day of birth."""
        found = judged(rule(window="lifetime"), boxes(5), birth_date=date(2026, 3, 17), history_since=None)

        assert silent(found)


class TestFirstUse:
    def test_the_year_begins_with_the_first_use(self):
        """On day 365 it still runs, on day 366 it is over."""
        inside = (boxes(4), had("2025-03-19", 2, visit="V0"))
        outside = (boxes(4), had("2025-03-18", 2, visit="V0"))

        (finding,) = judged(rule(**FIRST), *inside, **WHOLE).findings
        words = "本次 4 盒 + 首次使用起 365 天内已开 2 盒(最近 2025-03-19) = 6 盒"
        assert (words, "首次使用起 365 天内限 5 盒") == (finding.present, finding.limit)
        assert silent(judged(rule(**FIRST), *outside, **WHOLE))

    def test_an_unknown_past_may_hold_the_first_use(self):
        """Then the window would begin on another day: neither finding nor silence."""
        found = judged(rule(**FIRST), boxes(6))

        assert (((), ((("history",), "missing", (0,)),))) == (said(found), unread(found))

    def test_after_the_window_no_past_is_needed(self):
        """An earlier first use would only have ended it earlier."""
        assert silent(judged(rule(**FIRST), boxes(6), had("2024-01-01", 1, visit="V0")))
        assert silent(judged(rule(**FIRST), boxes(6), had("2025-03-18", 1, visit="V0")))

    def test_a_first_use_of_several_days_begins_on_its_first(self):
        """Used from 10 to 25 March 2025, the year is over on 10 March 2026."""
        long = had("2025-03-10", 2, visit="V0", stop=at("2025-03-25"))

        assert silent(judged(rule(**FIRST), boxes(6), long, **WHOLE))

    def test_a_single_first_use(self):
        """The line being saved is the first."""
        assert silent(judged(rule(**FIRST), boxes(5), **WHOLE))
        assert ((0,),) == said(judged(rule(**FIRST), boxes(6), **WHOLE))


class TestHistory:
    @pytest.mark.parametrize(
        ("window", "enough", "short"),
        [
            ("days:30", date(2026, 2, 17), date(2026, 2, 18)),
            ("month", date(2026, 3, 1), date(2026, 3, 2)),
            ("year", date(2026, 1, 1), date(2026, 1, 2)),
        ],
    )
    def test_silence_needs_the_window_known(self, window, enough, short):
        """From its first day on; a day later is not enough."""
        assert silent(judged(rule(window=window), boxes(5), history_since=enough))
        found = judged(rule(window=window), boxes(5), history_since=short)
        assert ((("history",), "missing", (0,)),) == unread(found)

    def test_firing_does_not(self):
        """What is known already exceeds the limit."""
        assert ((0,),) == said(judged(rule(), boxes(6), history_since=None))

    @pytest.mark.parametrize(("admitted", "known"), [("2026-02-17", True), ("2026-02-18", False)])
    def test_a_long_stay_is_its_own_past(self, admitted, known):
        """In hospital for the whole window."""
        assert known == silent(judged(rule(), boxes(5), history_since=None, admitted=at(admitted)))

    @pytest.mark.parametrize("window", ["line", "prescription", "day", "visit"])
    def test_a_visit_needs_no_history(self, window):
        """What is sent and recorded of it is what there is."""
        assert silent(judged(rule(window=window), boxes(5), history_since=None))

    def test_recorded_lines_count_once(self):
        """The recorded copy of a payload line adds nothing; a line of its own does."""
        copy, other = had("2026-03-10", 2, id="L2"), had("2026-03-01", 1, id="Z")

        sent = (boxes(3), had("2026-03-10", 2))

        assert silent(judged(rule(), *sent, history_since=None, context=recorded(copy)))
        assert ((0,),) == said(judged(rule(), *sent, history_since=None, context=recorded(copy, other)))

    def test_what_a_sender_that_knows_all_leaves_out_was_taken_back(self):
        """It vouches for days whose recorded line it does not send."""
        assert silent(judged(rule(), boxes(5), context=recorded(had("2026-03-01", 1, id="Z"))))

    @pytest.mark.parametrize(
        ("window", "days"),
        [("days:30", 30), ("month", 31), ("year", 366), ("lifetime", 36_500), ("first:365", 36_500), ("day", 0)],
    )
    def test_the_past_is_asked_for(self, window, days):
        """As far back as the window reaches; none where this visit is enough."""
        looks = KINDS["quantity_limit"].looks(rule(window=window))

        assert ((Look(("A01",), days),) if days else ()) == looks


class TestUnits:
    def test_a_pack_holds_units(self):
        """Two boxes of ten and five capsules are twenty-five capsules."""
        capsules = rule(max="25", unit="粒", content="盒=10|瓶=100")

        assert silent(judged(capsules, boxes(2), a_line(quantity=5_0000, unit="粒")))
        (finding,) = judged(capsules, boxes(2), a_line(quantity=6_0000, unit="粒")).findings
        assert "本次 26 粒" == finding.present
        assert ((0,),) == said(judged(capsules, a_line(quantity=1_0000, unit="瓶")))

    def test_a_mapped_unit_is_converted(self):
        """One kilogram is a thousand grams here."""
        grams = rule(max="1000", unit="g")
        words = (a_word("unit", "kg", "1000 g"),)

        assert silent(judged(grams, a_line(quantity=1_0000, unit="kg"), words=words))
        assert ((0,),) == said(judged(grams, a_line(quantity=1_0001, unit="kg"), words=words))

    @pytest.mark.parametrize(("unit", "reason"), [(None, "missing"), ("瓶", "unmapped")])
    def test_an_unknown_unit_is_not_checked(self, unit, reason):
        """Nobody knows how many boxes a bottle is."""
        assert ((("line.unit",), reason, (0,)),) == unread(judged(rule(), boxes(1, unit=unit)))

    def test_a_known_charge_in_an_unknown_unit(self):
        """It could use the limit up: not checked, unless the rest exceeds already."""
        lines = (boxes(3), had("2026-03-10", 1, unit="瓶"))

        assert ((("line.unit",), "unmapped", (0,)),) == unread(judged(rule(), *lines))
        found = judged(rule(), boxes(6), lines[1])
        assert (((0,),), ()) == (said(found), unread(found))

    @pytest.mark.parametrize("content", ["盒", "盒=", "=10", "盒=0", "盒=x", "盒=-1"])
    def test_a_content_that_says_nothing_is_refused(self, content):
        """With what it should look like."""
        with pytest.raises(ValueError, match="盒=10"):
            rule(content=content)


class TestAbsent:
    def test_a_line_without_a_quantity(self):
        """It is named; the others are still judged."""
        found = judged(rule(), boxes(6), a_line(quantity=None, unit="盒"))

        assert (((0,),), ((("line.quantity",), "missing", (1,)),)) == (said(found), unread(found))

    def test_gaps_of_one_kind_are_said_once(self):
        """Two lines lack the same fact."""
        found = judged(rule(), a_line(quantity=None, unit="盒"), boxes(1), a_line(quantity=None, unit="盒"))

        assert ((("line.quantity",), "missing", (0, 2)),) == unread(found)

    def test_a_known_charge_without_a_quantity(self):
        """It could have been any number."""
        found = judged(rule(), boxes(1), past("2026-03-10", quantity=None, unit="盒"))

        assert ((("line.quantity",), "missing", (0,)),) == unread(found)

    @pytest.mark.parametrize(
        ("window", "inside", "outside"),
        [
            ("day", "2026-03-18", "2026-03-17"),
            ("month", "2026-03-01", "2026-02-28"),
            ("year", "2026-12-31", "2025-12-31"),
            ("days:30", "2026-02-17", "2026-02-16"),
            ("days:30", "2026-04-16", "2026-04-17"),
            ("first:365", "2025-01-01", None),
            ("lifetime", "2025-01-01", None),
        ],
    )
    def test_a_known_charge_matters_only_in_the_window(self, window, inside, outside):
        """An unknown quantity of long ago is no gap of a day's limit."""
        given = rule(window=window)

        gap = ((("line.quantity",), "missing", (0,)),)
        assert gap == unread(judged(given, boxes(1), past(inside, quantity=None, unit="盒"), **WHOLE))
        if outside:
            assert silent(judged(given, boxes(1), past(outside, quantity=None, unit="盒"), **WHOLE))

    def test_without_a_line_that_counts_the_past_is_no_gap(self):
        """Only the line being saved lacks its quantity."""
        lines = (a_line(quantity=None, unit="盒"), past("2026-03-10", unit="瓶"))

        for window in ("days:30", "lifetime"):
            assert ((("line.quantity",), "missing", (0,)),) == unread(judged(rule(window=window), *lines, **WHOLE))

    def test_a_known_charge_without_a_time(self):
        """It could lie in the window."""
        assert ((("line.time",), "missing", (0,)),) == unread(judged(rule(), boxes(1), had(None, 1)))
        assert ((0,),) == said(judged(rule(), boxes(6), had(None, 1)))


class TestReversals:
    def test_what_was_taken_back_does_not_count(self):
        """Five boxes refunded leave room for five."""
        lines = (boxes(5), had("2026-03-10", 5), had("2026-03-11", -5))

        assert silent(judged(rule(), *lines))

    def test_in_part(self):
        """Two of five remain."""
        lines = (boxes(4), had("2026-03-10", 5), had("2026-03-11", -3))
        (finding,) = judged(rule(), *lines).findings

        assert "3 盒" == finding.allowed


class TestWhoPays:
    def test_payment_leaves_out_what_the_patient_pays(self):
        """Neither flagged nor counted, unless consent is refused (ruling 1)."""
        paid = {"self_paid": True, "consent": True}

        assert silent(judged(rule(), boxes(6, **paid)))
        assert silent(judged(rule(), boxes(3), had("2026-03-10", 3, **paid)))
        assert ((0,),) == said(judged(rule(), boxes(3), had("2026-03-10", 3, self_paid=True, consent=False)))

    def test_charging_offers_no_way_out(self):
        """What is charged beyond its number is not to be moved to the patient (ruling 1)."""
        (finding,) = judged(rule(scope="charging"), boxes(6)).findings

        assert finding.message.endswith("本次最多可开 5 盒。")

    def test_charging_does_not(self):
        """A consumable above its number is no less charged for being self-paid."""
        assert ((0,),) == said(judged(rule(scope="charging"), boxes(6, self_paid=True, consent=True)))


class TestOperations:
    def test_the_limit_grows_with_the_operations(self):
        """Two for each of two operations; others do not count."""
        two = tuple(Operation(code=code) for code in ("36.0601", "36.0700", "88.5500"))

        assert silent(judged(rule(**STENT), boxes(4, unit="个"), operations=two))
        (finding,) = judged(rule(**STENT), boxes(5, unit="个"), operations=two).findings
        words = (
            "【冠脉支架】每次手术限 2 个,本次就诊 2 次手术共限 4 个:本次 5 个;本次最多可开 4 个,或经患者同意后自费。"
        )
        assert words == finding.message

    def test_one_operation(self):
        """The number as the row says it."""
        one = (Operation(code="36.0601"),)

        assert silent(judged(rule(**STENT), boxes(2, unit="个"), operations=one))
        assert ((0,),) == said(judged(rule(**STENT), boxes(3, unit="个"), operations=one))

    def test_without_the_operation_nothing_is_known(self):
        """It may not be coded yet: that another kind of rule looks at."""
        found = judged(rule(**STENT), boxes(3, unit="个"), operations=(Operation(code="88.5500"),))

        assert ((), ((("operations",), "missing", (0,)),)) == (said(found), unread(found))

    def test_what_one_operation_allows_needs_none(self):
        """Two stents are in order whether their operation is coded yet or not."""
        assert silent(judged(rule(**STENT), boxes(2, unit="个")))


class TestForWhom:
    def test_only_visits_settled_under_the_disease(self):
        """Another disease, or none, has other limits."""
        for disease, fires in (("M01600", True), ("M03900", True), ("M00500", False), ("", False)):
            found = judged(rule(**CHRONIC), boxes(6), chronic_disease=disease)

            assert (((0,),) if fires else ()) == said(found)
            assert () == found.not_checked

    def test_an_unknown_disease_matters_above_the_limit(self):
        """In a visit of that kind, or of an unknown one."""
        gap = ((("visit.chronic_disease",), "missing", (0,)),)

        assert gap == unread(judged(rule(**CHRONIC), boxes(6), medical_type="140104"))
        assert gap == unread(judged(rule(**CHRONIC), boxes(6), medical_type=None))
        assert silent(judged(rule(**CHRONIC), boxes(5), medical_type="140104"))
        assert silent(judged(rule(**CHRONIC), boxes(6), medical_type="11"))

    def test_only_with_the_diagnosis(self):
        """Evidence must name it; a suspicion or another one does not."""
        diabetic = rule(dx="E11*")

        assert ((0,),) == said(judged(diabetic, boxes(6), diagnoses=(icd("E11.900"),)))
        assert silent(judged(diabetic, boxes(6), diagnoses=(icd("E11.900", suspected=True), icd("I10.x00"))))

    def test_an_unread_diagnosis_matters_above_the_limit(self):
        """A local code could be it (ruling 4)."""
        local = {"diagnoses": (icd("XYZD018987"),)}

        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(judged(rule(dx="E11*"), boxes(6), **local))
        assert silent(judged(rule(dx="E11*"), boxes(5), **local))

    def test_both_conditions_must_hold(self):
        """The disease of the settlement, and the diagnosis."""
        both = rule(dx="E11*", **CHRONIC)

        assert silent(judged(both, boxes(6), chronic_disease="M01600"))
        assert silent(judged(both, boxes(6), chronic_disease="", diagnoses=(icd("E11.900"),)))


class TestSides:
    def test_up_to_twice_the_limit_is_a_question(self):
        """Two eyes may have had nine each: the message asks, at the level of information."""
        (finding,) = judged(rule(**EYE), boxes(18, unit="支")).findings

        words = (
            "【雷珠单抗注射液】本次就诊每侧限 9 支:本次 18 支;本次最多可开 9 支;"
            "明细未分左右侧,双侧用药的请核对每侧数量。"
        )
        assert (words, "info") == (finding.message, finding.level)

    def test_beyond_it_is_certain(self):
        """Nineteen are too many for two eyes."""
        (finding,) = judged(rule(**EYE), boxes(19, unit="支")).findings

        assert ("block", True) == (
            finding.level,
            finding.message.endswith("可开 9 支,或经患者同意后自费;按双侧合计亦已超出。"),
        )

    def test_one_side_is_silent(self):
        """Nine are allowed whichever eye."""
        assert silent(judged(rule(**EYE), boxes(9, unit="支")))


@pytest.mark.parametrize("window", ["week", "days", "days:0", "days:x", "first", "line:3", ""])
def test_an_unknown_window_is_refused(window):
    """The row says which there are."""
    with pytest.raises(ValueError, match="window"):
        rule(window=window)


def test_a_limit_is_more_than_nothing():
    """The least number a cell can hold is one; zero is none, and something is counted."""
    assert 1 == rule(max="0.0001").max
    with pytest.raises(ValueError, match="max"):
        rule(max="0")
    with pytest.raises(ValueError, match="unit"):
        rule(unit="")
