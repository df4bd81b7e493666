"""What brings a rule up besides an item: a diagnosis, an operation, or every encounter; and whom it then asks."""

import pytest

from rules import encode, needs, reference
from rules.engine.check import check
from rules.kinds._view import View
from rules.model import Operation, PastVisit
from tests.builders import a_line, a_rule, a_rulebook, an_encounter, an_input, at, icd, past, recorded, verdict

ANY_SPEND = {
    "items": "*",
    "scope_of": "visit",
    "when": 'total_amount("A01", 30) > 5',
    "message": "【{name}】30 天内超过 5 元。",
    "limit": "5 元",
    "allowed": "5 元以内",
    "p1": "",
    "witness": 'charge("A01", 1, 6)',
    "near_miss": 'charge("A01", 1, 5)',
}


def rules_of(found):
    return [finding.rule for finding in found.findings]


class TestDiagnoses:
    MALE = a_rule("patient_mismatch", items="", dx="C61*", sex="male")

    @pytest.mark.parametrize("code", ["C61", "C61.x00", "C79.500+C61.x00", "C61.x00+M90.7"])
    def test_each_part_of_a_pair_counts(self, code):
        """Cause and manifestation each bring a rule up, in both evaluators."""
        given = an_input(an_encounter(sex="female", diagnoses=(icd(code),)))
        book = a_rulebook(self.MALE)

        assert ["R1"] == rules_of(check(given, book))
        assert encode(reference(given, book)) == encode(check(given, book))

    @pytest.mark.parametrize("code", ["A17.07", "XYZD018987"])
    def test_no_other_system_does(self, code):
        """A TCM or local code is no ICD code (ruling 4)."""
        assert [] == rules_of(verdict(an_encounter(sex="female", diagnoses=(icd(code),)), self.MALE))


class TestEveryEncounter:
    ADMISSION = a_rule("split_admission", items="", min_days="15", scenes="3|4")
    BEFORE = PastVisit(
        id="V0", type="inpatient", admitted=at("2026-03-01"), discharged=at("2026-03-08"), diagnosis="Z00.000"
    )

    def encounter(self, *scenes):
        return an_encounter(
            scenes=scenes, visits=(self.BEFORE,), history_since=at("2025-01-01").date(), diagnoses=(icd("Z00.000"),)
        )

    def test_it_speaks_in_its_scene(self):
        """An admission is asked about the stay before."""
        assert ["R1"] == rules_of(verdict(self.encounter("3"), self.ADMISSION))

    @pytest.mark.parametrize("scenes", [(), ("5",)])
    def test_and_in_no_other(self, scenes):
        """An order is not asked what an admission is asked, nor a message that names no scene."""
        given, book = an_input(self.encounter(*scenes)), a_rulebook(self.ADMISSION)

        assert [] == rules_of(check(given, book))
        assert encode(reference(given, book)) == encode(check(given, book))

    def test_it_needs_no_line(self):
        """A registration carries no orders."""
        encounter = self.encounter("3")
        given, book = an_input(type(encounter)(**{**fields_of(encounter), "lines": ()})), a_rulebook(self.ADMISSION)

        assert ["R1"] == rules_of(check(given, book))
        assert encode(reference(given, book)) == encode(check(given, book))


def fields_of(noun):
    return {name: getattr(noun, name) for name in noun.__struct_fields__}


class TestNeeds:
    def test_rules_without_a_line_of_their_own_are_asked_too(self):
        """What every encounter brings up may look back like any other rule."""
        looks = needs(an_encounter(a_line("B01")), a_rulebook(a_rule("custom", **ANY_SPEND)))

        assert {("A01",)} == {look.items for look in looks}

    @pytest.mark.parametrize("columns", [{"dx": "C61*"}, {"dx": "", "ops": "60.2900"}])
    def test_what_looks_nowhere_asks_nothing(self, columns):
        """Brought up by a diagnosis or an operation, and content with what is there."""
        book = a_rulebook(a_rule("patient_mismatch", items="", sex="male", **columns))
        encounter = an_encounter(diagnoses=(icd("C61.x00"),), operations=(Operation(code="60.2900"),))

        assert () == needs(encounter, book)


class TestUnknownItems:
    def test_a_rule_on_every_item_does_not_make_a_code_known(self):
        """A local code stays unmapped though a rule on ``*`` ran on it."""
        star = a_rule("line_arithmetic", items="*")
        found = verdict(an_encounter(a_line("LOCAL-7")), star)

        assert [("item-code", "unmapped")] == [(entry.rule, entry.reason) for entry in found.not_checked]

    def test_every_item_is_every_coded_one(self):
        """``*`` runs on drugs, services and local codes, not on a line without a code."""
        star = a_rule("line_arithmetic", items="*")
        wrong = {"price": 10_000, "quantity": 10_000, "amount": 50_000}
        found = verdict(an_encounter(a_line("A01", **wrong), a_line("", **wrong)), star)

        assert [(0,)] == [finding.lines for finding in found.findings]


class TestPastVisits:
    def view(self, *sent, recorded_visits=(), **changes):
        context = recorded(past("2026-03-01"))
        if recorded_visits:
            history = type(context.history)(since=context.history.since, visits=recorded_visits)
            context = type(context)(history=history)
        return View(an_input(an_encounter(visits=sent or None, **changes), context=context))

    def test_one_visit_reported_twice_is_one(self):
        """Payload and record name the same stay, one with the hospital's code."""
        one = PastVisit(id="V0", admitted=at("2026-03-01"))
        other = PastVisit(id="V0", admitted=at("2026-03-01"), hospital="H1")

        assert 1 == len(self.view(one, recorded_visits=(other,)).past_visits)

    def test_another_hospitals_visit_of_the_same_number_is_another(self):
        """Numbers are a hospital's own."""
        one = PastVisit(id="V0", admitted=at("2026-03-01"))
        other = PastVisit(id="V0", admitted=at("2026-03-02"), hospital="H2")

        assert 2 == len(self.view(one, other).past_visits)

    def test_this_visit_is_not_a_past_one(self):
        """A sender may list the visit being checked."""
        assert () == self.view(PastVisit(id="V1", admitted=at("2026-03-17"))).past_visits

    def test_in_order_of_admission(self):
        """Oldest first."""
        later, earlier = (PastVisit(id=id, admitted=at(day)) for id, day in (("B", "2026-03-09"), ("A", "2026-02-09")))

        assert ["A", "B"] == [visit.id for visit in self.view(later, earlier).past_visits]

    @pytest.mark.parametrize(
        ("visits", "since", "covered"),
        [((), "2026-01-01", True), ((), "2026-02-02", False), (None, "2026-01-01", False), ((), None, False)],
    )
    def test_all_visits_are_known_only_where_the_sender_says_so(self, visits, since, covered):
        """An empty list is an answer, a missing one is not."""
        known = at(since).date() if since else None
        view = View(an_input(an_encounter(visits=visits, history_since=known)))

        assert covered == view.visits_covered_since(at("2026-02-01").date())
