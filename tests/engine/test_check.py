"""The engine itself: isolation, grades, overlay, scenes, dates, ambiguous codes, money, merging and limits."""

from dataclasses import replace as swap
from datetime import timedelta

import pytest
from msgspec.structs import replace

from rules import KINDS, CompiledPack, Rulebook, check, encode, needs, reference
from rules.engine import rulebook as rulebook_module
from rules.kinds._contract import Look, Triggers
from rules.model import UNIT, Citation, Context, Diagnosis, Draft, History, Operation, Overlay, Patient
from tests.builders import (
    DAY,
    a_line,
    a_pack,
    a_rule,
    a_rulebook,
    an_encounter,
    an_input,
    at,
    icd,
    past,
    recorded,
    said,
    silent,
    unread,
    verdict,
)

FEMALE = a_rule("sex_limit", sex="female", scope="safety")


def book_with(kind, *rules):
    """Return a rulebook whose rules of one kind run through a changed kind."""
    book = a_rulebook(*rules)
    entries = tuple(swap(entry, kind=kind) if entry.kind.name == kind.name else entry for entry in book.entries)
    return swap(book, entries=entries)


class TestIsolation:
    @pytest.mark.parametrize("step", ["read", "check"])
    def test_a_broken_rule_does_not_silence_the_others(self, step):
        """A fault in one kind is *not checked: failed*; every other rule answers."""

        def broken(*_):
            raise KeyError("slip")

        kind = swap(KINDS["age_limit"], **{step: broken})
        book = book_with(kind, a_rule("age_limit", rule_id="R2"), FEMALE)
        found = check(an_input(an_encounter()), book)

        assert ["R1"] == [finding.rule for finding in found.findings]
        assert [("R2", ("rule.KeyError",), "failed", (0,))] == [
            (entry.rule, entry.fields, entry.reason, entry.lines) for entry in found.not_checked
        ]

    @pytest.mark.parametrize(
        "slip",
        [{"lines": (9,)}, {"lines": (-1,)}, {"lines": (0,), "amounts": (1, 2)}],
        ids=["place", "past", "amounts"],
    )
    def test_an_unsound_draft_costs_one_rule(self, slip):
        """A finding about a line that is not there is the kind's fault, not the verdict's."""
        kind = swap(KINDS["age_limit"], check=lambda rule, case: Draft(code="X", message="x", **slip))
        found = check(an_input(an_encounter()), book_with(kind, a_rule("age_limit", rule_id="R2"), FEMALE))

        assert ["R1"] == [finding.rule for finding in found.findings]
        assert ["failed"] == [entry.reason for entry in found.not_checked]

    def test_a_failure_is_never_a_pass(self):
        """With nothing else to say the state is indeterminate."""

        def broken(*_):
            raise RecursionError

        kind = swap(KINDS["sex_limit"], read=broken)

        assert "indeterminate" == check(an_input(an_encounter()), book_with(kind, FEMALE)).state


class TestState:
    def test_a_finding_beats_what_was_not_checked(self):
        """Warned, then indeterminate, then clear (decision 3); what was not checked is listed all the same."""
        age = a_rule("age_limit", rule_id="R2")
        encounter = an_encounter(birth_date=None)

        found = verdict(encounter, FEMALE, age)
        assert ("warned", 1, 1) == (found.state, len(found.findings), len(found.not_checked))
        assert "indeterminate" == verdict(encounter, age).state
        assert "clear" == verdict(an_encounter(sex="female"), FEMALE).state

    def test_a_silent_finding_is_recorded_and_not_heard(self):
        """Level silent keeps the finding, the state stays clear and no money is counted."""
        found = verdict(an_encounter(), a_rule("sex_limit", sex="female", level="silent"))

        assert ("clear", 1, 0) == (found.state, len(found.findings), found.amount)

    def test_no_rule_on_the_items_is_clear(self):
        """Nothing applied, nothing is said."""
        assert silent(verdict(an_encounter(a_line("003199990000000")), FEMALE))

    def test_an_item_nobody_can_recognise_is_not_checked(self):
        """No code, or a local one that no rule names, could be anything; what the patient pays is left alone."""
        lines = (a_line(""), a_line("B01"), a_line("003199990000000"), a_line("B02", self_paid=True), a_line("A01"))
        found = verdict(an_encounter(*lines, sex="female"), FEMALE)

        assert ((("line.item",), "missing", (0,)), (("line.item",), "unmapped", (1,))) == unread(found)


class TestGrades:
    @pytest.mark.parametrize(
        ("certainty", "level"), [("violation", "block"), ("notice", "block"), ("suspicious", "warn")]
    )
    def test_suspicious_is_never_above_warn(self, certainty, level):
        """However loud the row is, a suspicion only warns."""
        rule = a_rule("sex_limit", sex="female", certainty=certainty, level="block")

        assert [level] == [finding.level for finding in verdict(an_encounter(), rule).findings]

    @pytest.mark.parametrize(("certainty", "level"), [("violation", "block"), ("suspicious", "warn")])
    def test_nor_is_it_made_so_by_an_overlay(self, certainty, level):
        """The hospital's setting changes the level, never the certainty."""
        rule = a_rule("sex_limit", sex="female", certainty=certainty, level="info")
        found = verdict(an_encounter(), rule, overlay=Overlay(levels=(("R1", "block"),)))

        assert [(level, certainty)] == [(finding.level, finding.certainty) for finding in found.findings]

    def test_a_kinds_cap_holds_against_an_overlay(self):
        """An unknown payer keeps an insurance limit at warn (ruling 2)."""
        encounter = an_encounter(a_line(self_paid=None))
        found = verdict(encounter, a_rule("insurance_limit"), overlay=Overlay(levels=(("R1", "block"),)))

        assert ["warn"] == [finding.level for finding in found.findings]

    def test_the_loudest_comes_first(self):
        """Level, then certainty, then the first line, then the rule."""
        rules = [
            a_rule("sex_limit", sex="female", rule_id=name, level=level, certainty=certainty)
            for name, level, certainty in [
                ("R1", "info", "notice"),
                ("R2", "block", "violation"),
                ("R3", "warn", "suspicious"),
                ("R4", "warn", "violation"),
            ]
        ]

        assert ["R2", "R4", "R3", "R1"] == [finding.rule for finding in verdict(an_encounter(), *rules).findings]


class TestOverlay:
    def test_off_is_off(self):
        """A rule the hospital switched off neither fires nor is listed."""
        assert silent(verdict(an_encounter(), FEMALE, overlay=Overlay(off=("R1",))))
        assert silent(verdict(an_encounter(sex=None), FEMALE, overlay=Overlay(off=("R1",))))

    def test_a_level_may_fall_to_silent(self):
        """The hospital may record without saying."""
        found = verdict(an_encounter(), FEMALE, overlay=Overlay(levels=(("R1", "silent"),)))

        assert ("clear", ["silent"]) == (found.state, [finding.level for finding in found.findings])

    def test_the_overlay_has_a_digest(self):
        """Two settings, two digests; none, an empty one."""
        one = verdict(an_encounter(), FEMALE, overlay=Overlay(off=("R9",))).digests.overlay
        two = verdict(an_encounter(), FEMALE, overlay=Overlay(off=("R8",))).digests.overlay

        assert (64, 64, "") == (len(one), len(two), verdict(an_encounter(), FEMALE).digests.overlay)
        assert one != two


class TestScenesAndDates:
    @pytest.mark.parametrize(("scenes", "fires"), [(("2",), True), (("4", "3"), True), (("4",), False), ((), True)])
    def test_a_rule_speaks_in_its_scenes(self, scenes, fires):
        """A message may carry several scenes; one that names none is spoken to."""
        rule = a_rule("sex_limit", sex="female", scenes="2|3")

        assert fires == bool(verdict(an_encounter(scenes=scenes), rule).findings)

    @pytest.mark.parametrize(("day", "rule"), [("2025-12-31 23:59", "old"), ("2026-01-01 00:00", "new")])
    def test_the_catalogue_changes_with_the_service_day(self, day, rule):
        """Saved in March: the version of the day of service judges (audit rules, section 7 point 11)."""
        old = a_rule("sex_limit", sex="female", rule_id="old", valid_to="2025-12-31")
        new = a_rule("sex_limit", sex="female", rule_id="new", valid_from="2026-01-01")
        found = verdict(an_encounter(a_line(begin=at(day))), old, new)

        assert [rule] == [finding.rule for finding in found.findings]

    def test_lines_of_two_years_meet_two_versions(self):
        """Each line is judged by its own day."""
        old = a_rule("sex_limit", sex="female", rule_id="old", valid_to="2025-12-31")
        new = a_rule("sex_limit", sex="female", rule_id="new", valid_from="2026-01-01")
        found = verdict(an_encounter(a_line(begin=at("2025-12-31")), a_line(begin=at("2026-01-01"))), old, new)

        assert {("old", (0,)), ("new", (1,))} == {(finding.rule, finding.lines) for finding in found.findings}

    @pytest.mark.parametrize(
        ("columns", "scenes", "fires"),
        [
            ({}, (), True),
            ({"valid_from": "2026-03-19"}, (), False),
            ({"valid_to": "2026-03-17"}, (), False),
            ({"scenes": "2"}, ("4",), False),
        ],
    )
    def test_so_is_a_rule_brought_up_by_a_diagnosis(self, columns, scenes, fires):
        """Without a line of its own a rule goes by the message's day and scene."""

        def spoken(rule, lines, view):
            yield "case"

        kind = swap(
            KINDS["sex_limit"],
            triggers=lambda rule: Triggers(diagnoses=("Z00*",), operations=("47.0*",)),
            read=spoken,
            check=lambda rule, case: Draft(code="X", message="x", lines=(0,)),
        )
        pack = a_pack(a_rule("sex_limit", **columns))
        original = rulebook_module.KINDS["sex_limit"]
        rulebook_module.KINDS["sex_limit"] = kind
        try:
            book = Rulebook.build([pack])
        finally:
            rulebook_module.KINDS["sex_limit"] = original
        by_diagnosis = an_encounter(a_line("B01"), scenes=scenes)
        by_operation = replace(by_diagnosis, diagnoses=(), operations=(Operation(code="47.01"),))
        by_tcm = replace(by_diagnosis, diagnoses=(Diagnosis(code="Z00.000", system="tcm"),))

        assert fires == bool(check(an_input(by_diagnosis), book).findings)
        assert fires == bool(check(an_input(by_operation), book).findings)
        assert () == check(an_input(by_tcm), book).findings


class TestCodes:
    def test_an_ambiguous_code_is_not_checked(self):
        """A family that means several items decides nothing (ruling 3)."""
        rule = a_rule("sex_limit", sex="female", items="X12|X1?")
        found = verdict(an_encounter(a_line("X12"), a_line("X13")), rule)

        assert ((0,),) == said(found)
        assert ((("line.item",), "ambiguous", (1,)),) == unread(found)

    def test_an_unset_parameter_is_not_checked(self):
        """The pack leaves a value to the hospital, and it is not there."""
        rule = replace(FEMALE, unset=("child_years",))
        found = verdict(an_encounter(), rule)

        assert ((("parameter.child_years",), "parameter", (0,)),) == unread(found)

    def test_an_incomplete_row_is_listed_and_never_evaluated(self):
        """Ruling 15: silent, and known to be there."""
        book = a_rulebook(replace(FEMALE, items=("003199990000000",), status="incomplete", note="待补全"))

        assert ["R1"] == [rule.id for rule in book.incomplete]
        assert silent(check(an_input(an_encounter(a_line("003199990000000"), sex="male")), book))

    def test_a_self_paid_line_is_left_out_of_a_payment_rule(self):
        """One finding names the lines the fund pays for, not the others (ruling 1)."""
        rule = a_rule("sex_limit", sex="female", scope="payment")
        lines = (a_line(self_paid=True), a_line(self_paid=None), a_line(self_paid=True, consent=False))

        assert ((1, 2),) == said(verdict(an_encounter(*lines), rule))


class TestMoney:
    def test_a_line_counts_once_however_many_rules_fire(self):
        """Three rules on one line: the most that any puts at stake."""
        rules = (
            FEMALE,
            a_rule("age_limit", rule_id="R2"),
            a_rule("frequency_limit", rule_id="R3", max="1", unit="次"),
        )
        found = verdict(an_encounter(a_line(quantity=2_0000, amount=20_0000)), *rules)

        assert [("R1", (20_0000,)), ("R2", (20_0000,)), ("R3", (10_0000,))] == sorted(
            (finding.rule, finding.amounts) for finding in found.findings
        )
        assert 20_0000 == found.amount

    def test_lines_add_up(self):
        """Each line once, all lines together."""
        assert 30_0000 == verdict(an_encounter(a_line(), a_line(quantity=2_0000)), FEMALE).amount

    def test_silent_findings_put_nothing_at_stake(self):
        """What is not said is not counted."""
        rules = (a_rule("sex_limit", sex="female", level="silent"),)

        assert 0 == verdict(an_encounter(), *rules).amount


class TestRulebook:
    def test_two_packs_cannot_hold_one_id(self):
        """Which of them would speak? Neither: it is a fault."""
        with pytest.raises(ValueError, match="rule `R1` stands in two packs"):
            Rulebook.build([a_pack(FEMALE), a_pack(FEMALE, name="p2")])

    def test_rules_of_an_unknown_kind_are_refused(self):
        """A pack built by a newer version is not loaded with some of its rules lost."""
        pack = a_pack(FEMALE)
        strange = swap(pack, rules=pack.rules | {"moon_phase": (FEMALE,)})

        with pytest.raises(ValueError, match="kind `moon_phase`, which this version does not know"):
            Rulebook.build([strange])

    def test_the_digest_covers_all_packs(self):
        """Another content, another digest."""
        one, two = Rulebook.build([a_pack(FEMALE)]), Rulebook.build([a_pack(FEMALE, digest="d2")])

        assert one.digest != two.digest
        assert one.digest == check(an_input(an_encounter()), one).digests.rulebook

    def test_a_finding_carries_its_citation(self):
        """The instrument a rule rests on."""
        (finding,) = verdict(an_encounter(), FEMALE).findings

        assert ("c1", "某办法") == (finding.citation.id, finding.citation.instrument)


class TestNeeds:
    def test_rules_on_current_items_say_what_they_would_look_up(self):
        """Intervals and first prescriptions look back; sex limits do not; items only known from before do not ask."""
        book = a_rulebook(
            FEMALE,
            a_rule("item_interval", rule_id="R2"),
            a_rule("facility_level_limit", rule_id="R3", first_prescription="true"),
            a_rule("payment_course", rule_id="R4", span="episode"),
            a_rule("item_interval", rule_id="R5", items="B01"),
        )
        expected = {Look(("A01",), 15), Look(("A01",), 365), Look(("A01",), 44)}

        assert expected == set(needs(an_encounter(a_line(), a_line(), past("2026-03-01", "B01")), book))
        assert () == needs(an_encounter(a_line("C01")), book)


class TestHistory:
    def test_recorded_repeats_of_payload_lines_are_dropped(self):
        """Same id, item and begin are the same line, whatever its other fields became."""
        rule = a_rule("frequency_limit", max="1", unit="次")
        context = recorded(past("2026-03-18 10:00", id="L1", quantity=5_0000))

        assert silent(verdict(an_encounter(), rule, context=context))

    def test_without_a_time_the_visit_tells_lines_apart(self):
        """An undated line 1 of another visit is not line 1 of this one."""
        rule = a_rule("item_interval")
        encounter = an_encounter(a_line(id="1", begin=None), history_since=at("2025-01-01").date())
        found = verdict(encounter, rule, context=recorded(past(None, id="1", visit="V0")))

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    def test_a_past_copy_of_a_current_line_is_dropped(self):
        """The payload's own repetition of what is being saved."""
        rule = a_rule("frequency_limit", max="1", unit="次")
        lines = (past("2026-03-18 10:00", id="R1"), a_line(id="R1"))

        assert silent(verdict(an_encounter(*lines), rule))


class TestBounds:
    @pytest.mark.parametrize("spread", ["one day", "many days", "long spans", "half refunded"])
    def test_five_thousand_lines_are_answered(self, spread):
        """The largest message there is (decision 4), all of it on rules that look at every line."""
        rules = (
            a_rule("duplicate_charge", rule_id="R1", items="A01", sub="B01", window="six_hours"),
            a_rule("duplicate_charge", rule_id="R2", items="A01", sub="B01", window="day"),
            a_rule("frequency_limit", rule_id="R3", items="A01|B01"),
            a_rule("item_interval", rule_id="R4", items="A01|B01", max="1", days="90"),
            a_rule("payment_course", rule_id="R5", items="A01|B01"),
            a_rule("payment_course", rule_id="R6", items="A01|B01", span="episode"),
            a_rule("sex_limit", rule_id="R7", items="A01|B01"),
        )
        lines = [a_line("A01" if place % 2 else "B01", **changed(spread, place)) for place in range(5000)]
        found = verdict(an_encounter(*lines), *rules)

        assert "warned" == found.state
        assert len(found.findings) < 5_100
        assert len(encode(found)) < 20_000_000


def changed(spread, place):
    """Return how line ``place`` of five thousand differs."""
    now = at("2026-03-18 10:00")
    if spread == "one day":
        return {"begin": now + timedelta(seconds=place)}
    if spread == "many days":
        return {"begin": now - timedelta(days=place % 2500, seconds=place), "current": place % 3 != 0}
    if spread == "long spans":
        return {"begin": now - timedelta(days=place % 300), "long_term": True, "quantity": 300_0000}
    return {"id": "same", "quantity": -1_0000 if place % 4 == 0 else 1_0000, "begin": now + timedelta(seconds=place)}


def test_the_builders_hold_no_clock():
    """Two encounters built alike are equal."""
    assert an_encounter() == an_encounter()
    assert Patient() != an_encounter().patient
    assert DAY == at("2026-03-18").date()
    assert Context() == Context(history=None)
    assert History(since=DAY) == History(since=DAY, lines=())
    assert icd("K21.900").system == "icd"


def test_citations_of_two_packs_must_not_contradict_each_other():
    """One id, one instrument: otherwise a finding would cite what its rule does not rest on."""
    law, other = Citation(id="c1", instrument="甲"), Citation(id="c1", instrument="乙")
    packs = [CompiledPack(name, "1", name, name, {}, {"c1": citation}) for name, citation in (("a", law), ("b", other))]

    with pytest.raises(ValueError, match="`c1` means different instruments"):
        Rulebook.build(packs)


class TestInForce:
    RULE = a_rule("sex_limit", sex="female", valid_from="2026-01-01")

    @pytest.mark.parametrize(
        ("line", "speaks"),
        [
            (a_line(begin=at("2025-12-31 23:00")), False),
            (a_line(begin=at("2025-12-31 23:00"), long_term=True), True),
            (a_line(begin=at("2025-12-31 23:00"), stop=at("2026-01-02 08:00")), True),
            (a_line(begin=at("2025-12-01 08:00"), stop=at("2025-12-31 08:00"), long_term=True), False),
        ],
    )
    def test_an_order_over_new_year_is_judged_by_what_is_charged_now(self, line, speaks):
        """The begin day of an order is not its service day (ruling 9)."""
        assert speaks == bool(verdict(an_encounter(line, sex="male"), self.RULE).findings)


def test_a_quantity_of_zero_is_no_charge():
    """Nothing is charged, so nothing is wrong."""
    assert silent(verdict(an_encounter(a_line(quantity=0), sex="male"), FEMALE))


class TestTakenBack:
    """A line taken back whole in the same message is nobody's fault any more."""

    LIMIT = ("sex_limit", {"sex": "female"})

    def found(self, *lines):
        kind, columns = self.LIMIT
        return verdict(an_encounter(*lines), a_rule(kind, **columns))

    def test_whole(self):
        """Charged and refunded before anything was saved."""
        assert silent(self.found(a_line(id="L1"), a_line(id="L2", quantity=-UNIT)))

    def test_in_part(self):
        """What is left is still charged."""
        assert ((0,),) == said(self.found(a_line(id="L1", quantity=2 * UNIT), a_line(id="L2", quantity=-UNIT)))

    def test_the_line_the_refund_names(self):
        """A refund of the same id takes back its own line, not another."""
        lines = (a_line(id="L1"), a_line(id="L2"), a_line(id="L1", quantity=-UNIT))

        assert ((1,),) == said(self.found(*lines))

    def test_another_item_is_not_taken_back(self):
        """A refund of something else changes nothing."""
        assert ((0,),) == said(self.found(a_line(id="L1"), a_line("B01", id="L2", quantity=-UNIT)))

    def test_the_plain_scan_agrees(self):
        """Both evaluators leave it out."""
        kind, columns = self.LIMIT
        book = a_rulebook(a_rule(kind, **columns))
        given = an_input(an_encounter(a_line(id="L1"), a_line(id="L2", quantity=-UNIT)))

        assert encode(reference(given, book)) == encode(check(given, book))
