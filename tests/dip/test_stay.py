"""An encounter as DIP sees it: the case, the cost before and after the order, and what of it reaches the verdict."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from rules import check, encode, reference
from rules.codes import SETTLEMENT
from rules.dip.directory import Directory
from rules.dip.model import (
    Coefficient,
    Deviation,
    Eligibility,
    OperationEntry,
    PaymentRules,
    PointsRules,
    PointValue,
    Step,
)
from rules.dip.stay import case_of, cost_after, cost_before, stay_of
from rules.model import UNIT, Operation
from service.verdict_records import content_digest
from tests.builders import NOW, a_line, a_rulebook, an_encounter, an_input, at, icd, past
from tests.dip.builders import a_group, a_row, a_scheme

YUAN = UNIT
STONES = icd("K80.100", main=True)


def priced(**changes):
    """Return a scheme that pays ten yuan a point to insured of 310."""
    given = {
        "points": PointsRules(
            coefficients=(Coefficient(coefficient=Decimal(1)),), deviation=Deviation(formula="proportional")
        ),
        "payment": PaymentRules(values=(PointValue(value=Decimal(10)),)),
        "eligibility": Eligibility(insurances=("310",)),
        "operations": (OperationEntry(code="51.2300", attribute="surgery"),),
    }
    return a_scheme(a_row("K80.1"), a_row("K80.1-a", main="51.2300"), **(given | changes))


def directory(**changes):
    """Return it, indexed."""
    return Directory.build(priced(**changes))


def dip_of(encounter, scheme=None):
    """Return what the verdict says of DIP."""
    return check(an_input(encounter), a_rulebook(), scheme or directory()).dip


class TestCase:
    """From an encounter to a case."""

    def test_the_flagged_diagnosis_is_principal(self):
        """Wherever it stands; the rest keep their order, and TCM ones group nothing."""
        encounter = an_encounter(diagnoses=(icd("I10.x00"), icd("A17.07", system="tcm"), STONES, icd("E11.900")))

        case = case_of(an_input(encounter))

        assert ("K80.100", ("I10.X00", "E11.900")) == (case.principal, case.others)

    def test_else_the_first(self):
        """A message without a main flag lists the principal first."""
        case = case_of(an_input(an_encounter(diagnoses=(icd("I10.x00"), icd("E11.900")))))

        assert "I10.X00" == case.principal

    def test_the_main_operation_comes_first(self):
        """By its flag; without one the order is that of the message."""
        encounter = replace(
            an_encounter(), operations=(Operation(code="88.7200"), Operation(code="51.2300", main=True))
        )

        assert ("51.2300", "88.7200") == case_of(an_input(encounter)).operations

    @pytest.mark.parametrize(
        ("born", "expected"),
        [
            (date(1986, 1, 1), (40, None)),
            (date(2026, 3, 7), (0, 10)),
            (date(2025, 3, 18), (0, 364)),
            (date(2024, 3, 18), (1, None)),
            (None, (None, None)),
            (date(2026, 4, 1), (None, None)),
        ],
    )
    def test_age_at_admission(self, born, expected):
        """Days are counted for infants; a birth after admission is no age."""
        case = case_of(an_input(an_encounter(birth_date=born)))

        assert expected == (case.age_years, case.age_days)

    def test_days_so_far(self):
        """From admission to discharge, or to today; a day at least."""
        today = case_of(an_input(an_encounter(admitted=at("2026-03-18 08:00"))))
        week = case_of(an_input(an_encounter(admitted=at("2026-03-01"), discharged=at("2026-03-08"))))

        assert (1, 7, None) == (today.days, week.days, case_of(an_input(an_encounter(admitted=None))).days)


class TestCost:
    """Before and after the order, in 1/10,000 yuan."""

    def test_a_total_includes_the_order(self):
        """As senders write it; what is being saved is taken off for what it was before."""
        encounter = an_encounter(a_line(amount=30 * YUAN), total_amount=1_000 * YUAN)

        assert (970 * YUAN, 1_000 * YUAN) == (cost_before(encounter), cost_after(encounter))

    def test_unless_the_site_says_otherwise(self):
        """Then the order comes on top."""
        encounter = an_encounter(a_line(amount=30 * YUAN), total_amount=1_000 * YUAN, total_before_order=True)

        assert (1_000 * YUAN, 1_030 * YUAN) == (cost_before(encounter), cost_after(encounter))

    def test_without_a_total_the_whole_history_counts(self):
        """History that is complete since admission adds up; lines of other visits do not belong."""
        lines = (a_line(amount=30 * YUAN), past("2026-03-17", amount=70 * YUAN), past("2026-03-17", visit="V0"))
        encounter = replace(an_encounter(*lines), history_since=date(2026, 3, 17))

        assert (70 * YUAN, 100 * YUAN) == (cost_before(encounter), cost_after(encounter))

    @pytest.mark.parametrize("scene", sorted(SETTLEMENT))
    def test_at_settlement_nothing_is_being_added(self, scene):
        """Every line was charged before: the stay costs its total, whether or not the total leaves lines out."""
        lines = (a_line(amount=30 * YUAN), a_line(amount=70 * YUAN))
        for leaves_out in (True, False):
            encounter = an_encounter(*lines, total_amount=1_000 * YUAN, total_before_order=leaves_out)
            settled = replace(encounter, scenes=(scene,))

            assert (1_000 * YUAN, 1_000 * YUAN) == (cost_before(settled), cost_after(settled))

    def test_at_settlement_the_lines_stand_for_a_total_that_is_not_said(self):
        """Where the sender vouches for the history, its lines are the whole stay; else nobody knows."""
        lines = (a_line(amount=30 * YUAN), a_line(amount=70 * YUAN))
        admitted = at("2026-03-10")
        told = replace(an_encounter(*lines, admitted=admitted), scenes=("9",), history_since=admitted.date())

        assert (100 * YUAN, 100 * YUAN) == (cost_before(told), cost_after(told))
        assert (None, None) == (cost_before(silent := replace(told, history_since=None)), cost_after(silent))

    def test_else_nobody_knows(self):
        """A history that begins after admission says nothing of the whole."""
        encounter = replace(an_encounter(a_line()), history_since=date(2026, 3, 18))

        assert (None, None) == (cost_before(encounter), cost_after(encounter))


class TestContent:
    """What makes two checks of a stay the same one."""

    @pytest.mark.parametrize(("discharged", "same"), [(None, False), ("2026-03-18 09:00", True)])
    def test_the_day_counts_while_the_stay_goes_on(self, discharged, same):
        """Its length is counted up to the message's day; once it is over that day is nothing any more."""
        encounter = an_encounter(discharged=at(discharged) if discharged else None)
        days = [an_input(encounter, time=NOW + timedelta(days=later)) for later in (0, 1)]

        assert same == (len({content_digest(given, encode(encounter)) for given in days}) == 1)


class TestMemory:
    """What is remembered of a stay must not show in another answer."""

    def test_a_group_that_hangs_on_the_cost(self):
        """Two rows fit and the nearer mean decides: the moves are those of that group, whichever stay came first."""
        nearest = Step(step="layer", layers=("core",), prefer=("nearest_mean_cost",))
        scheme = a_scheme(
            a_row("cheap", main="51.2300"),
            a_row("dear", main="51.2300"),
            a_row("other", main="51.8803"),
            steps=(Step(step="principal"), nearest),
            points=PointsRules(coefficients=(Coefficient(coefficient=Decimal(1)),)),
            groups=(
                a_group("cheap", mean_cost=5_000 * YUAN, score=Decimal(500)),
                a_group("dear", mean_cost=50_000 * YUAN, score=Decimal(5_000)),
                a_group("other", score=Decimal(2_000)),
            ),
        )
        stays = [
            replace(
                an_encounter(diagnoses=(STONES,), total_amount=cost * YUAN),
                operations=(Operation(code="51.2300"), Operation(code="51.8803")),
            )
            for cost in (5_000, 50_000)
        ]
        after_another = Directory.build(scheme)
        dip_of(stays[0], after_another)

        expected = dip_of(stays[1], Directory.build(scheme))
        assert expected == dip_of(stays[1], after_another)
        assert ("dear", ["other"]) == (expected.after.group, [move.group for move in expected.moves])


class TestVerdict:
    """What an answer says."""

    def test_out_patients_have_none(self):
        """Only stays are grouped, and the verdict then names no scheme."""
        verdict = check(an_input(an_encounter(type="outpatient")), a_rulebook(), directory())

        assert (None, None) == (verdict.dip, verdict.digests.scheme)

    def test_without_a_scheme_there_is_none(self):
        """Nothing is guessed."""
        assert check(an_input(an_encounter()), a_rulebook()).dip is None

    def test_group_points_standard_and_balance(self):
        """1,000 points at ten yuan: a reference of 10,000 yuan, against 8,000 spent."""
        dip = dip_of(an_encounter(diagnoses=(STONES,), total_amount=8_000 * YUAN))

        after = dip.after
        assert ("K80.1", "core", Decimal(1000)) == (after.group, after.status, after.points)
        assert (10_000 * YUAN, 8_000 * YUAN, 2_000 * YUAN) == (after.standard, after.cost, after.balance)
        assert ("normal", True, True) == (after.band, dip.eligible, dip.estimated)

    def test_it_says_why(self):
        """The group by its diagnosis and operations, then where points and money come from."""
        stay = replace(
            an_encounter(diagnoses=(STONES,), total_amount=8_000 * YUAN), operations=(Operation(code="51.2300"),)
        )

        lines = dip_of(stay).explanation

        assert "核心病种 K80.1-a:主要诊断 K80.100,手术操作 51.2300" == lines[0]
        assert any("参考支付标准 10,000.00 元" in line for line in lines)
        assert "核心病种 K80.1:主要诊断 K80.100,保守治疗" == dip_of(an_encounter(diagnoses=(STONES,))).explanation[0]
        assert "未入组(缺主要诊断)" == dip_of(an_encounter(diagnoses=())).explanation[0]

    def test_two_main_operations_are_said(self):
        """The first counts, and somebody should look."""
        operations = (Operation(code="51.2300", main=True), Operation(code="47.0100", main=True))

        lines = dip_of(replace(an_encounter(diagnoses=(STONES,)), operations=operations)).explanation

        assert "有多项手术操作标为主要手术操作,以第一项为准,请核对" in lines

    def test_what_is_paid_at_a_deviating_cost(self):
        """At 25,000 yuan the factor is 2.5 - 2 + 1: 1,500 points, and the balance is of those."""
        after = dip_of(an_encounter(diagnoses=(STONES,), total_amount=25_000 * YUAN)).after

        assert (10_000 * YUAN, 15_000 * YUAN, -10_000 * YUAN) == (after.standard, after.payable, after.balance)

    def test_before_and_after(self):
        """The order costs 30 yuan; the group stays."""
        dip = dip_of(an_encounter(a_line(amount=30 * YUAN), diagnoses=(STONES,), total_amount=8_000 * YUAN))

        assert (7_970 * YUAN, 8_000 * YUAN) == (dip.now.cost, dip.after.cost)
        assert dip.now.group == dip.after.group

    def test_an_ordered_operation_groups_only_afterwards(self):
        """What the site's map says an item stands for is not performed yet."""
        encounter = replace(an_encounter(diagnoses=(STONES,)), ordered_operations=(Operation(code="51.2300"),))

        dip = dip_of(encounter)

        assert ("K80.1", "K80.1-a") == (dip.now.group, dip.after.group)

    @pytest.mark.parametrize(("insurance", "eligible"), [("390", False), (None, None)])
    def test_who_is_not_paid_by_dip_has_no_balance(self, insurance, eligible):
        """Ruling 25: a group may be shown, money is not; nor when nobody knows."""
        dip = dip_of(an_encounter(diagnoses=(STONES,), insurance=insurance, total_amount=8_000 * YUAN))

        assert (eligible, "K80.1", None) == (dip.eligible, dip.after.group, dip.after.balance)

    def test_a_stay_under_way_is_not_too_short(self):
        """It may still become long enough; a finished one may not."""
        scheme = directory(eligibility=Eligibility(min_days=3))
        staying = an_encounter(diagnoses=(STONES,), total_amount=8_000 * YUAN)
        over = an_encounter(diagnoses=(STONES,), total_amount=8_000 * YUAN, discharged=at("2026-03-18"))

        assert (True, 2_000 * YUAN) == ((found := dip_of(staying, scheme)).eligible, found.after.balance)
        assert (False, "stay_too_short") == ((found := dip_of(over, scheme)).eligible, found.ineligible)

    @pytest.mark.parametrize(
        ("admitted", "said", "eligible"),
        [
            ("2026-03-17", None, None),
            ("2026-03-15", None, True),
            ("2026-03-17", False, True),
            ("2026-03-15", True, False),
        ],
    )
    def test_day_surgery(self, admitted, said, eligible):
        """A stay of more than two days is none; a shorter one only the sender can tell."""
        scheme = directory(eligibility=Eligibility(day_surgery=False))

        found = dip_of(an_encounter(diagnoses=(STONES,), admitted=at(admitted), day_surgery=said), scheme)

        assert eligible == found.eligible

    def test_the_insured_place_has_its_value(self):
        """Point values differ by place (参保地)."""
        values = (PointValue(value=Decimal(10), place="a"), PointValue(value=Decimal(12), place="b"))
        scheme = directory(payment=PaymentRules(values=values))

        found = dip_of(an_encounter(diagnoses=(STONES,), insured_place="b"), scheme)

        assert 12_000 * YUAN == found.after.standard

    def test_an_unpriced_scheme_says_so(self):
        """Without scores or point values there is nothing to say of money."""
        assert (True, False) == (
            dip_of(an_encounter(diagnoses=(STONES,))).priced,
            dip_of(an_encounter(diagnoses=(STONES,)), directory(payment=PaymentRules())).priced,
        )

    def test_after_discharge_it_is_no_estimate(self):
        """预估 is for the time of the stay."""
        encounter = an_encounter(diagnoses=(STONES,), discharged=at("2026-03-18 09:00"))

        assert dip_of(encounter).estimated is False

    def test_no_principal_diagnosis_is_a_reason(self):
        """Not an exception, and no group."""
        after = dip_of(an_encounter(diagnoses=())).after

        assert ("ungrouped", "") == (after.status, after.group)
        assert "missing_principal_diagnosis" in after.reasons

    def test_the_digest_is_named(self):
        """So that the verdict can be replayed under the same scheme."""
        verdict = check(an_input(an_encounter(diagnoses=(STONES,))), a_rulebook(), directory())

        assert "d" == verdict.digests.scheme

    def test_the_plain_twin_says_the_same(self):
        """Byte for byte, though it scans the catalogue."""
        given = an_input(an_encounter(diagnoses=(STONES, icd("E11.900")), total_amount=8_000 * YUAN))

        assert encode(reference(given, a_rulebook(), directory())) == encode(check(given, a_rulebook(), directory()))

    def test_a_stay_is_not_made_for_others(self):
        """Neither for out-patients nor without a scheme."""
        assert stay_of(an_input(an_encounter(type="outpatient")), directory()) is None
        assert stay_of(an_input(an_encounter()), None) is None

    def test_a_fault_in_dip_is_contained_and_said(self, monkeypatch):
        """The rules answer all the same, and nothing looks like a pass."""

        def broken(*_, **__):
            raise KeyError("a bug")

        monkeypatch.setattr("rules.dip.stay.assess", broken)
        verdict = check(an_input(an_encounter(a_line(self_paid=True), diagnoses=(STONES,))), a_rulebook(), directory())

        assert (None, "indeterminate") == (verdict.dip, verdict.state)
        assert directory().scheme.digest == verdict.digests.scheme
        assert [("dip", "failed", ("rule.KeyError",))] == [
            (entry.kind, entry.reason, entry.fields) for entry in verdict.not_checked
        ]
