"""Behaviour scores: what is looked into, what is left alone, and what cannot be judged."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.dip.behaviour import behaviour, death_risk, low_standard, over_long, readmission
from rules.dip.model import Behaviour
from rules.dip.record_quality import RecordChecks, RecordWeights, record_quality
from tests.dip.assessed import paid
from tests.dip.builders import a_group

RULES = Behaviour()


def flagged(score):
    """Return position and risk of what was flagged."""
    return [(one.position, one.risk) for one in score.flagged]


def unread(score):
    """Return the reasons for not judging, with their cases."""
    return {one.reason: one.cases for one in score.not_judged}


class TestLowStandard:
    """低标入院: cost / group mean below a threshold."""

    @pytest.mark.parametrize(
        ("cost", "expected"),
        [(2_999, "high"), (3_000, "medium"), (4_999, "medium"), (5_000, "low"), (6_999, "low"), (7_000, "")],
    )
    def test_thresholds_are_strict(self, cost, expected):
        """Exactly 0.3, 0.5 and 0.7 belong to the milder side."""
        (found,) = low_standard([paid(cost=cost * 10_000)], RULES).flagged or (None,)

        assert expected == (found.risk if found else "")

    def test_names_case_and_ratio(self):
        """A quarter of the mean cost is high risk (dip facts 3.7)."""
        (found,) = low_standard([paid(id="c1", cost=2_500_0000)], RULES).flagged

        assert ("c1", "K80.1", Decimal("0.2500"), "high") == (found.case, found.group, found.ratio, found.risk)
        assert "住院费用为病种均费的 25%,高风险,请核查入院指征。" == found.words

    def test_a_death_is_no_low_standard_admission(self):
        """A stay cut short by death costs little."""
        assert [] == flagged(low_standard([paid(cost=1_000_0000, died=True)], RULES))

    def test_what_lacks_is_not_judged(self):
        """No cost, a cost of zero, no mean, no group: counted, neither clean nor suspect."""
        cases = [
            paid(cost=None),
            paid(cost=0),
            paid(group=a_group(mean_cost=None)),
            paid(None, status="ungrouped"),
            paid(),
        ]

        score = low_standard(cases, RULES)

        assert {"cost_absent": 2, "mean_cost_absent": 1, "ungrouped": 1} == unread(score)
        assert (1, Decimal(0)) == (score.judged, score.share)

    def test_nothing_to_judge_has_no_share(self):
        """No case, no share."""
        score = low_standard([], RULES)

        assert (0, None) == (score.judged, score.share)
        assert "低标入院:没有可判断的病例。" == score.words


class TestOverLong:
    """超长住院: stay / mean stay over a threshold."""

    GROUP = a_group(mean_days=Decimal(6))

    @pytest.mark.parametrize(
        ("days", "expected"), [(25, "high"), (18, "medium"), (13, "medium"), (12, "low"), (10, "low"), (9, "")]
    )
    def test_thresholds_are_strict(self, days, expected):
        """Exactly 3, 2 and 1.5 times belong to the milder side; 4.17 times is high risk (dip facts 3.7)."""
        (found,) = over_long([paid(days=days, group=self.GROUP)], RULES).flagged or (None,)

        assert expected == (found.risk if found else "")

    def test_bed_day_groups_are_out_of_scope(self):
        """Psychiatric and rehabilitation stays are long by nature."""
        score = over_long([paid(days=90, status="bed_day", group=self.GROUP)], RULES)

        assert ([], {"bed_day": 1}) == (flagged(score), unread(score))

    def test_what_lacks_is_not_judged(self):
        """No stay, no mean stay, no group."""
        cases = [paid(days=None, group=self.GROUP), paid(days=9), paid(None, status="ungrouped")]

        assert {"days_absent": 1, "mean_days_absent": 1, "ungrouped": 1} == unread(over_long(cases, RULES))

    def test_words_name_days_and_multiple(self):
        """25 days where six are usual."""
        (found,) = over_long([paid(days=25, group=self.GROUP)], RULES).flagged

        assert "住院 25 天,为病种平均住院日的 4.1667 倍,高风险,请核查住院必要性。" == found.words


class TestDeathRisk:
    """死亡风险: deaths in groups in which hardly anybody dies."""

    LOW = a_group(mortality=Decimal("0.01"))
    USUAL = a_group("I50.9", mortality=Decimal("0.05"))

    def test_a_death_in_a_low_mortality_group(self):
        """The share is deaths / cases of low-mortality groups."""
        cases = [
            paid(died=True, group=self.LOW),
            paid(died=False, group=self.LOW),
            paid(died=True, group=self.USUAL),
            paid(died=None, group=self.LOW),
            paid(died=True),
        ]

        score = death_risk(cases, RULES)

        assert [(0, "high")] == flagged(score)
        assert Decimal("0.5000") == score.share
        assert {"usual_mortality": 1, "outcome_absent": 1, "mortality_absent": 1} == unread(score)
        assert "病种通常死亡率 1%,本例死亡,高风险,请组织病例讨论。" == score.flagged[0].words


def stay(admitted, discharged, principal="I25.103", **changes):
    """Return a stay of one person in March 2026."""
    given = {"patient": "p", "admitted": date(2026, 3, admitted), "discharged": date(2026, 3, discharged)}
    return paid(**{"principal": principal, **given, **changes, "planned": changes.get("planned")})


class TestReadmission:
    """二次入院: again, soon, for the same disease, unplanned."""

    def test_flags_the_later_stay(self):
        """Five days after the discharge before, whatever the order handed in."""
        score = readmission([stay(15, 20), stay(1, 10)], RULES)
        (found,) = score.flagged

        assert (0, 1, 5, "high") == (found.position, found.before, found.days, found.risk)
        assert "2026-03-10 出院后 5 天再次入院,高风险;未注明是否计划内再入院,请核实。" == found.words
        assert (2, Decimal("0.5000")) == (score.judged, score.share)

    def test_says_nothing_of_planning_where_it_is_stated(self):
        """Stated as unplanned: no question about it."""
        (found,) = readmission([stay(1, 10), stay(15, 20, planned=False)], RULES).flagged

        assert "2026-03-10 出院后 5 天再次入院,高风险。" == found.words

    @pytest.mark.parametrize(("second", "expected"), [(17, "high"), (18, "medium"), (25, "medium"), (26, "low")])
    def test_risk_by_days(self, second, expected):
        """At most 7 days high, at most 15 medium."""
        assert [(1, expected)] == flagged(readmission([stay(1, 10), stay(second, second)], RULES))

    def test_window_includes_its_last_day(self):
        """31 days are inside, 32 are not."""
        late = {"admitted": date(2026, 4, 10), "discharged": date(2026, 4, 12)}
        later = {"admitted": date(2026, 4, 11), "discharged": date(2026, 4, 12)}

        assert [(1, "low")] == flagged(
            readmission([stay(1, 10), paid(principal="I25.103", patient="p", **late)], RULES)
        )
        assert [] == flagged(readmission([stay(1, 10), paid(principal="I25.103", patient="p", **later)], RULES))

    @pytest.mark.parametrize(
        "second",
        [
            stay(15, 20, planned=True),
            stay(15, 20, "Z51.100"),
            stay(15, 20, "Z51.000"),
            stay(15, 20, "Z49.100"),
            stay(15, 20, "Z47.000"),
            stay(15, 20, operations=("99.2500",)),
            stay(15, 20, operations=("92.2400",)),
            stay(15, 20, "J18.900"),
            stay(15, 20, hospital="H2"),
            stay(15, 20, patient="q"),
        ],
        ids=["said", "chemo", "radio", "dialysis", "staged", "drip", "beam", "disease", "hospital", "person"],
    )
    def test_no_readmission(self, second):
        """Planned care (ruling 27), another disease, hospital or person."""
        assert [] == flagged(readmission([stay(1, 10), second], RULES))

    def test_planned_care_repeats_itself(self):
        """Chemotherapy every ten days is one disease and no readmission."""
        cycles = [stay(day, day + 1, "Z51.101") for day in (1, 10, 20)]

        assert [] == flagged(readmission(cycles, RULES))

    def test_another_disease_counts_where_the_scheme_says_so(self):
        """``same_category`` off."""
        rules = Behaviour(same_category=False)

        assert [(1, "high")] == flagged(readmission([stay(1, 10), stay(15, 20, "J18.900")], rules))

    def test_a_stay_elsewhere_in_between_is_a_transfer(self):
        """Sent to another hospital and back."""
        cases = [stay(1, 10), stay(10, 14, hospital="H2"), stay(15, 20)]

        assert [] == flagged(readmission(cases, RULES))

    def test_nobody_returns_from_death(self):
        """A death is no stay before, whatever the days say."""
        assert [] == flagged(readmission([stay(1, 10, died=True), stay(15, 20)], RULES))

    def test_the_latest_stay_before_counts(self):
        """Of three stays the third follows the second."""
        score = readmission([stay(1, 5), stay(8, 10), stay(14, 20)], RULES)

        assert [(1, 0, 3), (2, 1, 4)] == [(one.position, one.before, one.days) for one in score.flagged]

    def test_two_stays_on_one_day_are_flagged_once(self):
        """Of two equal stays only the one recorded later is the readmission."""
        assert [(1, "high")] == flagged(readmission([stay(10, 10), stay(10, 10)], RULES))

    def test_overlapping_stays_are_no_readmission(self):
        """Admitted before the discharge: the record is wrong, nobody came back."""
        assert [] == flagged(readmission([stay(1, 10), stay(8, 20)], RULES))

    def test_what_lacks_is_not_judged(self):
        """No pseudonym, no days, days that contradict, no principal diagnosis."""
        cases = [
            stay(1, 10, patient=""),
            paid(principal="I25.103", patient="p", admitted=date(2026, 3, 1), discharged=None),
            stay(10, 1),
            stay(1, 10, ""),
        ]

        score = readmission(cases, RULES)

        assert {"patient_unknown": 1, "stay_dates_absent": 2, "principal_absent": 1} == unread(score)
        assert 0 == score.judged


class TestRecordQuality:
    """病案质量指数: a weighted mean of three parts."""

    CHECKS = RecordChecks(checked=200, noncompliant=("a", "b", "c", "d"), upcoded=("a", "e"), downcoded=("f",))

    def test_parts_and_index(self):
        """98, 99 and 99.5 of 100 give 98.83."""
        found = record_quality(self.CHECKS)

        assert (Decimal("98.00"), Decimal("99.00"), Decimal("99.50")) == (
            found.compliance,
            found.upcoding,
            found.downcoding,
        )
        assert Decimal("98.83") == found.index
        assert ("a", "b", "c", "d", "e", "f") == found.cases

    def test_weights(self):
        """Up-coding counted twice: (98 + 2 x 99 + 99.5) / 4."""
        assert Decimal("98.88") == record_quality(self.CHECKS, RecordWeights(upcoding=Decimal(2))).index

    def test_nothing_checked(self):
        """No record, no index."""
        found = record_quality(RecordChecks(checked=0))

        assert (None, "没有检查病案,病案质量指数无法计算。") == (found.index, found.words)

    def test_a_case_counts_once_per_part(self):
        """Two faults of one kind in one record are one faulty record."""
        assert Decimal("90.00") == record_quality(RecordChecks(checked=10, upcoded=("a", "a"))).upcoding


def test_every_score_counts_every_case():
    """Judged and not judged are all cases, for each score."""
    cases = [stay(1, 10), stay(15, 20, cost=None), paid(None, status="ungrouped"), paid(died=True), paid(days=400)]

    report = behaviour(cases, RULES, records=TestRecordQuality.CHECKS)

    assert ["readmission", "low_standard", "over_long", "death_risk"] == [score.name for score in report.scores]
    assert [5] * 4 == [score.judged + sum(one.cases for one in score.not_judged) for score in report.scores]
    assert Decimal("98.83") == (report.records.index if report.records else None)


def test_words_sum_up():
    """Counts, share, risks, and what was not judged."""
    cases = [paid(cost=2_000_0000), paid(cost=6_000_0000), paid(), paid(cost=None)]

    assert (
        "低标入院:可判断 3 例,需核查 2 例(66.67%),高风险 1 例,低风险 1 例;另有 1 例缺少信息或不适用,未判断。"
        == low_standard(cases, RULES).words
    )


DAYS = st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2026, 3, 31)))
ODD = st.builds(
    lambda changes, group: paid(**changes, group=a_group(**group)),
    st.fixed_dictionaries(
        {
            "principal": st.sampled_from(["", "I25.103", "Z51.100", "J18.900"]),
            "patient": st.sampled_from(["", "p", "q"]),
            "hospital": st.sampled_from(["", "H2"]),
            "admitted": DAYS,
            "discharged": DAYS,
            "days": st.one_of(st.none(), st.integers(-5, 10**9)),
            "cost": st.one_of(st.none(), st.integers(-5, 10**18)),
            "died": st.sampled_from([True, False, None]),
            "planned": st.sampled_from([True, False, None]),
            "status": st.sampled_from(["core", "bed_day", "ungrouped"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "mean_cost": st.one_of(st.none(), st.integers(0, 10**9)),
            "mean_days": st.one_of(st.none(), st.decimals(0, 100, places=2)),
            "mortality": st.one_of(st.none(), st.decimals(0, 1, places=4)),
        }
    ),
)


@given(st.lists(ODD, max_size=15))
@settings(max_examples=200, deadline=None)
def test_any_record_is_judged_or_not(cases):
    """Whatever stands in the record, each score says something of every case, once."""
    for score in behaviour(cases, RULES).scores:
        positions = [one.position for one in score.flagged]
        assert len(cases) == score.judged + sum(one.cases for one in score.not_judged)
        assert len(positions) == len(set(positions)) <= score.judged
