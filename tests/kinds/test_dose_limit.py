"""Dose limit: single and daily dose in the rule's unit, by weight, age and route."""

from datetime import date

import pytest

from tests.builders import a_line, a_rule, a_word, an_encounter, at, said, silent, unread, verdict

SINGLE = a_rule("dose_limit", max_single="1000", unit="mg", name="对乙酰氨基酚片")
DAILY = a_rule("dose_limit", max_single="", max_daily="4000", unit="mg", name="对乙酰氨基酚片")
LOWEST = a_rule("dose_limit", max_single="", min_single="250", unit="mg", name="阿莫西林胶囊")
BY_WEIGHT = a_rule("dose_limit", max_single="15", max_daily="60", per_kg="true", unit="mg", name="对乙酰氨基酚混悬液")
CHILD = a_rule("dose_limit", max_single="500", unit="mg", min_age="3y", max_age="12y", routes="oral|rectal")
GRAM = a_word("unit", "g", "1000 mg")
TABLET = a_word("unit", "片", "1 片")


def dosed(dose=1000_0000, **changes):
    return a_line(**({"dose": dose, "dose_unit": "mg", "frequency": "3/1", "route": "oral"} | changes))


def judged(rule, *lines, words=(), **changes):
    return verdict(an_encounter(*lines, **changes), rule, words=words)


class TestSingle:
    def test_the_most_in_one_dose_is_silent(self):
        """The limit itself is allowed, whatever the frequency, absent or not."""
        assert silent(judged(SINGLE, dosed()))
        assert silent(judged(SINGLE, dosed(frequency=None)))

    def test_a_little_more_fires(self):
        """A doctor reads the limit, the dose and what to look at."""
        (finding,) = judged(SINGLE, dosed(1000_0001)).findings

        words = "【对乙酰氨基酚片】单次最大 1000 mg,本次 1000.0001 mg;请核对剂量、单位与频次。"
        assert (words, "DOSE_TOO_HIGH") == (finding.message, finding.code)
        assert ("单次最大 1000 mg", "本次 1000.0001 mg", "单次最大 1000 mg") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        assert (("line.dose", "1000.0001 mg"), ("times_a_day", ""), ("patient.weight_g", "")) == finding.facts

    def test_the_least_in_one_dose(self):
        """250 mg is enough; less is not."""
        assert silent(judged(LOWEST, dosed(250_0000)))
        (finding,) = judged(LOWEST, dosed(249_9999)).findings

        words = "【阿莫西林胶囊】单次最小 250 mg,本次 249.9999 mg;请核对剂量、单位与频次。"
        assert (words, "DOSE_TOO_LOW") == (finding.message, finding.code)

    def test_the_least_dose_there_is(self):
        """One ten-thousandth is a dose."""
        assert ((0,),) == said(judged(LOWEST, dosed(1)))

    def test_each_line_is_judged_alone(self):
        """Only the line at fault is named; two faults are two findings."""
        assert ((1,),) == said(judged(SINGLE, dosed(), dosed(2000_0000)))
        assert ((0,), (1,)) == said(judged(SINGLE, dosed(2000_0000), dosed(2000_0000)))


class TestDaily:
    def test_dose_by_times_a_day(self):
        """Four times a gram is the limit; a little more exceeds it."""
        assert silent(judged(DAILY, dosed(frequency="4/1")))
        (finding,) = judged(DAILY, dosed(1500_0000)).findings

        words = "【对乙酰氨基酚片】每日最大 4000 mg,本次 1500 mg × 每日 3 次 = 4500 mg;请核对剂量、单位与频次。"
        assert words == finding.message
        assert ("times_a_day", "3") == finding.facts[1]

    def test_once_a_week_is_one_dose_on_its_day(self):
        """A weekly dose is not shared out over the week, and not multiplied either."""
        assert silent(judged(DAILY, dosed(4000_0000, frequency="1/7")))
        assert ((0,),) == said(judged(DAILY, dosed(4000_0001, frequency="1/7")))

    def test_an_uneven_pace_counts_the_fullest_day(self):
        """Three times in two days puts two doses on one of them."""
        assert silent(judged(DAILY, dosed(2000_0000, frequency="3/2")))
        assert ((0,),) == said(judged(DAILY, dosed(2000_0001, frequency="3/2")))

    @pytest.mark.parametrize("frequency", ["once", "prn"])
    def test_a_single_or_needed_dose_has_no_day(self, frequency):
        """A loading dose may exceed what is taken every day."""
        assert silent(judged(DAILY, dosed(9000_0000, frequency=frequency)))

    def test_both_limits_are_one_finding(self):
        """Two reasons on one line are one card, the single dose first."""
        both = a_rule("dose_limit", max_single="1000", max_daily="4000", unit="mg", name="X")
        (finding,) = judged(both, dosed(2000_0000)).findings

        assert ("单次最大 1000 mg", "本次 2000 mg", "单次最大 1000 mg") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        words = (
            "【X】单次最大 1000 mg,本次 2000 mg;每日最大 4000 mg,本次 2000 mg × 每日 3 次 = 6000 mg;"
            "请核对剂量、单位与频次。"
        )
        assert words == finding.message

    def test_a_single_dose_at_fault_needs_no_frequency(self):
        """What already exceeds its own limit is said; what does not is not checked."""
        both = a_rule("dose_limit", max_single="1000", max_daily="4000", unit="mg")

        assert ((0,),) == said(judged(both, dosed(1000_0001, frequency=None)))
        assert ((("line.frequency",), "missing", (0,)),) == unread(judged(both, dosed(frequency=None)))


class TestWeight:
    def test_limits_grow_with_the_patient(self):
        """15 mg for each of 20.5 kg are 307.5 mg."""
        assert silent(judged(BY_WEIGHT, dosed(307_5000), weight_g=20_500))
        (finding,) = judged(BY_WEIGHT, dosed(310_0000), weight_g=20_500).findings

        words = "【对乙酰氨基酚混悬液】单次最大 15 mg/kg × 20.5 kg = 307.5 mg,本次 310 mg;请核对剂量、单位与频次。"
        assert words == finding.message
        assert ("patient.weight_g", "20500") == finding.facts[2]

    def test_the_least_weight_is_one(self):
        """A gram is a weight, if an absurd one."""
        assert ((0,),) == said(judged(BY_WEIGHT, dosed(151), weight_g=1))

    @pytest.mark.parametrize("weight", [None, 0, -1])
    def test_without_a_weight_nothing_is_known(self, weight):
        """Zero is no weight."""
        assert ((("patient.weight_g",), "missing", (0,)),) == unread(judged(BY_WEIGHT, dosed(), weight_g=weight))

    def test_gaps_are_said_once(self):
        """A long order names all lines that lack the same fact in one entry."""
        found = judged(SINGLE, dosed(None), dosed(2000_0000), dosed(None))

        assert (((1,),), ((("line.dose",), "missing", (0, 2)),)) == (said(found), unread(found))


class TestForWhom:
    def test_the_band_and_the_route(self):
        """Only children of 3 to 12, only by mouth or rectum."""
        child = {"birth_date": date(2016, 3, 18)}

        assert ((0,),) == said(judged(CHILD, dosed(), **child))
        assert silent(judged(CHILD, dosed(route="iv"), **child))
        assert silent(judged(CHILD, dosed()))

    @pytest.mark.parametrize(
        ("birth", "inside"),
        [("2023-03-18", True), ("2023-03-19", False), ("2013-03-19", True), ("2013-03-18", False)],
    )
    def test_the_band_is_whole_years(self, birth, inside):
        """From the third birthday to the day before the thirteenth."""
        found = judged(CHILD, dosed(), birth_date=date.fromisoformat(birth))

        assert inside == bool(found.findings)

    @pytest.mark.parametrize(
        ("bounds", "words"),
        [
            ({"min_age": "3y", "max_age": "12y"}, "【X】(3 岁至 12 岁患者)单次"),
            ({"min_age": "65y", "max_age": ""}, "【X】(65 岁及以上患者)单次"),
            ({"min_age": "", "max_age": "28d"}, "【X】(28 天及以下患者)单次"),
        ],
    )
    def test_the_band_is_named(self, bounds, words):
        """A doctor reads for whom the limit is."""
        rule = a_rule("dose_limit", max_single="500", name="X", **bounds)
        birth = {"3y": date(2020, 1, 1), "65y": date(1950, 1, 1), "": date(2026, 3, 10)}[bounds["min_age"]]
        (finding,) = judged(rule, dosed(), birth_date=birth).findings

        assert finding.message.startswith(words)

    def test_a_line_of_another_route_hides_none(self):
        """The one after it is judged all the same."""
        assert ((1,),) == said(judged(CHILD, dosed(route="iv"), dosed(), birth_date=date(2016, 3, 18)))

    def test_an_unknown_age_matters_only_above_the_limit(self):
        """What cannot change the answer need not be known."""
        assert silent(judged(CHILD, dosed(500_0000), birth_date=None))
        assert ((("patient.birth_date",), "missing", (0,)),) == unread(judged(CHILD, dosed(), birth_date=None))

    def test_a_row_for_all_ages_needs_no_age(self):
        """Nothing depends on it."""
        assert ((0,),) == said(judged(SINGLE, dosed(2000_0000), birth_date=None))

    @pytest.mark.parametrize(("route", "reason"), [(None, "missing"), ("鼻饲", "unmapped")])
    def test_an_unknown_route_too(self, route, reason):
        """A word without a meaning is unmapped."""
        child = {"birth_date": date(2016, 3, 18)}

        assert ((("line.route",), reason, (0,)),) == unread(judged(CHILD, dosed(route=route), **child))
        assert silent(judged(CHILD, dosed(500_0000, route=route), **child))

    def test_the_service_day_counts(self):
        """A child of twelve when the dose is given."""
        line = dosed(begin=at("2026-03-17"))

        assert ((0,),) == said(judged(CHILD, line, birth_date=date(2013, 3, 18)))


class TestUnits:
    def test_a_mapped_unit_is_converted(self):
        """1.5 g are 1500 mg."""
        (finding,) = judged(SINGLE, dosed(1_5000, dose_unit="g"), words=(GRAM,)).findings

        assert "本次 1500 mg" == finding.present
        assert silent(judged(SINGLE, dosed(1_0000, dose_unit="g"), words=(GRAM,)))

    def test_the_rules_unit_may_be_mapped_too(self):
        """A limit of 1 g holds for 1001 mg."""
        rule = a_rule("dose_limit", max_single="1", unit="g")

        assert silent(judged(rule, dosed(1000_0000), words=(GRAM,)))
        assert ((0,),) == said(judged(rule, dosed(1001_0000), words=(GRAM,)))

    def test_case_and_width_do_not_matter(self):
        """ＭＧ is mg."""
        assert ((0,),) == said(judged(SINGLE, dosed(1001_0000, dose_unit="ＭＧ")))

    @pytest.mark.parametrize(
        ("unit", "reason", "words"),
        [(None, "missing", ()), ("g", "unmapped", ()), ("片", "unmapped", (TABLET,))],
    )
    def test_an_unknown_unit_is_not_checked(self, unit, reason, words):
        """Absent, unmapped, or of no known relation to the rule's unit."""
        assert ((("line.dose_unit",), reason, (0,)),) == unread(judged(SINGLE, dosed(dose_unit=unit), words=words))


class TestAbsent:
    @pytest.mark.parametrize("dose", [None, 0, -1])
    def test_without_a_dose_nothing_is_known(self, dose):
        """No dose, or one that is none."""
        assert ((("line.dose",), "missing", (0,)),) == unread(judged(SINGLE, dosed(dose)))

    @pytest.mark.parametrize(("frequency", "reason"), [(None, "missing"), ("q5h", "unmapped"), ("0/1", "unmapped")])
    def test_a_frequency_without_meaning(self, frequency, reason):
        """The daily dose needs one that the dictionary knows."""
        assert ((("line.frequency",), reason, (0,)),) == unread(judged(DAILY, dosed(frequency=frequency)))

    def test_the_dictionary_is_asked(self):
        """tid means three times a day here."""
        words = (a_word("frequency", "tid", "3/1"),)

        assert silent(judged(DAILY, dosed(frequency="TID"), words=words))
        assert ((0,),) == said(judged(DAILY, dosed(1500_0000, frequency="TID"), words=words))

    def test_self_pay_does_not_make_it_safe(self):
        """A dose is no less for who pays for it (ruling 1)."""
        assert ((0,),) == said(judged(SINGLE, dosed(2000_0000, self_paid=True, consent=True)))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"max_single": ""}, "set max_single"),
        ({"min_single": "1001"}, "min_single is above"),
        ({"min_age": "13y", "max_age": "12y"}, "min_age is above"),
        ({"routes": "by mouth"}, "`by mouth` is no route"),
        ({"unit": ""}, "unit"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(cells, words):
    """With a sentence that says what is wrong."""
    with pytest.raises(ValueError, match=words):
        a_rule("dose_limit", **({"max_single": "1000", "unit": "mg"} | cells))


@pytest.mark.parametrize("limit", ["max_single", "max_daily", "min_single"])
def test_a_limit_is_more_than_nothing(limit):
    """The least number a cell can hold is one; zero is none."""
    assert 1 == getattr(a_rule("dose_limit", **{"max_single": "", "unit": "mg", limit: "0.0001"}), limit)
    with pytest.raises(ValueError, match=limit):
        a_rule("dose_limit", **{"max_single": "", "unit": "mg", limit: "0"})


def test_too_much_a_day_and_too_little_at_once():
    """A row may find fault both ways; too much is what the finding is called."""
    rule = a_rule("dose_limit", max_single="", max_daily="400", min_single="250", unit="mg")
    (finding,) = judged(rule, dosed(200_0000)).findings

    assert ("DOSE_TOO_HIGH", "每日最大 400 mg", "每日最大 400 mg") == (finding.code, finding.limit, finding.allowed)


def test_equal_bounds_are_a_row():
    """One dose only, at one age only."""
    rule = a_rule("dose_limit", max_single="1000", min_single="1000", min_age="12y", max_age="12y")

    assert (rule.max_single, rule.min_age) == (rule.min_single, rule.max_age)
