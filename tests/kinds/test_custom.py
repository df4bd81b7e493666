"""Custom rules: what a row may say, what is found, what is not checked, and that its texts stay texts."""

from collections import Counter
from datetime import date, timedelta

import msgspec
import pytest

from rules import KINDS, check, needs
from rules.expressions.charges import Laid
from rules.kinds._contract import Look, Triggers
from rules.kinds._view import View
from rules.model import UNIT, Asked, Context, History, encode
from tests.builders import (
    a_line,
    a_rule,
    a_rulebook,
    an_encounter,
    an_input,
    at,
    icd,
    past,
    said,
    silent,
    unread,
    verdict,
)

DRUG = "XL02BBA326A001010102180"
LIMITED = a_rule("custom", name="某药")
"""At most five at a time (the kind's sample row)."""
BESIDE = a_rule(
    "custom",
    name="头颅CT",
    items="C01",
    when="total_quantity(p1, 1) > 0",
    message="【{name}】{line.day} 同日已做 {charged(p1)};请说明理由。",
    limit="同日限一项",
    allowed="填写理由",
    p1="M01",
    witness="charge(p1)",
    near_miss="charge(p1, 1, 1)",
)
LONG_STAY = a_rule(
    "custom",
    name="长期住院",
    items="*",
    scope="charging",
    scope_of="visit",
    when="visit.stay_days > p1",
    message="【{name}】已住院 {visit.stay_days} 天,请评估。",
    limit="{p1} 天",
    allowed="评估后继续",
    p1="30",
    witness="visit.stay_days = 31",
    near_miss="visit.stay_days = 30",
)


class TestLines:
    @pytest.mark.parametrize(("quantity", "fires"), [(5, False), (5.0001, True), (6, True)])
    def test_it_speaks_where_its_condition_holds(self, quantity, fires):
        """Exactly at the limit nothing is said."""
        found = verdict(an_encounter(a_line(quantity=round(quantity * UNIT))), LIMITED)

        assert fires == bool(found.findings)
        assert silent(found) != fires

    def test_what_a_finding_says(self):
        """The author's sentence with its holes filled, and the facts it rests on."""
        (finding,) = verdict(an_encounter(a_line(quantity=6 * UNIT)), LIMITED).findings

        assert "CUSTOM_CONDITION" == finding.code
        assert "【某药】每次不超过 5,本次 6;请核对数量。" == finding.message
        assert ("每次不超过 5", "数量 6", "5") == (finding.limit, finding.present, finding.allowed)
        assert (("line.quantity", "6"),) == finding.facts

    def test_four_facts_stand_in_the_sentence_and_all_in_the_list(self):
        """More would be no sentence."""
        rule = a_rule(
            "custom",
            when="line.quantity > p1 and line.price > 0 and line.amount > 0 and patient.age_years > 0"
            " and patient.sex == 'male' and line.unit == '次'",
        )
        (finding,) = verdict(an_encounter(a_line(quantity=6 * UNIT)), rule).findings

        assert "数量 6,单价 10 元,金额 60 元,年龄 40 岁" == finding.present
        assert 6 == len(finding.facts)

    def test_each_line_is_judged_by_itself(self):
        """Lines that say the same are one finding; one that cannot be judged does not silence the others."""
        lines = (a_line(quantity=6 * UNIT), a_line(quantity=UNIT), a_line(quantity=None), a_line(quantity=6 * UNIT))
        found = verdict(an_encounter(*lines, a_line(quantity=7 * UNIT)), LIMITED)

        assert ((0, 3), (4,)) == said(found)
        assert ((("line.quantity",), "missing", (2,)),) == unread(found)

    def test_only_what_could_decide_is_named(self):
        """An absent fact that cannot change the answer is no reason for *not checked*."""
        rule = a_rule("custom", when="visit.rescue and line.quantity > p1", witness="visit.rescue = True")

        assert silent(verdict(an_encounter(a_line(quantity=None)), rule))
        assert ((("line.quantity",), "missing", (0,)),) == unread(
            verdict(an_encounter(a_line(quantity=None), rescue=True), rule)
        )

    def test_each_reason_has_an_entry_of_its_own(self):
        """What is absent and what is unmapped are mended by different people."""
        rule = a_rule("custom", when='line.quantity > p1 or line.route == "iv"')
        found = verdict(an_encounter(a_line(quantity=None, route="某途径")), rule)

        assert ((("line.quantity",), "missing", (0,)), (("line.route",), "unmapped", (0,))) == unread(found)

    def test_the_other_lines_it_rests_on_are_named(self):
        """The earlier line, its day and who ordered it stand in the sentence, its place in the finding."""
        earlier = past("2026-03-18 08:00", "M01", name="头颅MRI", department="神经内科")
        (finding,) = verdict(an_encounter(a_line("C01"), earlier), BESIDE).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)
        assert (
            "【头颅CT】2026-03-18 同日已做 本次就诊已收【头颅MRI】(2026-03-18 神经内科);请说明理由。" == finding.message
        )
        assert "【头颅MRI】(2026-03-18 神经内科)当日合计数量 1" == finding.present

    def test_lines_of_several_days_that_say_the_same(self):
        """They are one finding; of what they rest on, each line is named once, and none that is at fault itself."""
        rule = msgspec.structs.replace(BESIDE, items=("C01", "M02"), when="charged('M0*')", message="【{name}】并存。")
        lines = (a_line("C01"), a_line("C01", begin=at("2026-03-17")), past("2026-03-17", "M01"), a_line("M02"))

        assert [((0, 1, 3), (2,))] == [
            (one.lines, one.involved) for one in verdict(an_encounter(*lines), rule).findings
        ]

    def test_a_settlement_of_hundreds_of_lines_is_added_up_once_a_day(self):
        """All lines are current then; each day's charges are gone through once, not once for every line."""
        rule = a_rule("custom", items="A*", when="total_quantity('A*', 30) > p1", message="【{name}】{p1}。")
        lines = tuple(a_line(f"A{number:03d}") for number in range(40))
        view = View(an_input(an_encounter(*lines)))
        shares = Counter()
        whole = Laid.share

        def counted(self, *given):
            shares["asked"] += 1
            return whole(self, *given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Laid, "share", counted)
            cases = list(KINDS["custom"].read(rule, view.encounter.lines, view))

        assert [tuple(range(40))] == [case.lines for case in cases]
        assert 2 * 40 == shares["asked"]

    def test_a_hole_that_nobody_can_fill(self):
        """A finding that stands all the same says so."""
        rule = a_rule("custom", message="【{name}】{patient.pregnant} {patient.sex} {p1} {line.quantity}。")
        (finding,) = verdict(an_encounter(a_line(quantity=6 * UNIT)), rule).findings

        assert "【某项目】未知 男 5 6。" == finding.message

    def test_every_item(self):
        """``*`` is judged at every line and names none of them."""
        rule = a_rule("custom", items="*", message="【{line.name}】{p1}。", limit="x")
        found = verdict(an_encounter(a_line("A01", quantity=6 * UNIT, name="甲"), a_line("B01")), rule)

        assert ["【甲】5。"] == [finding.message for finding in found.findings]

    def test_reversals_and_self_pay(self):
        """As for every kind: a reversal is never at fault, and self-pay silences payment rules only (ruling 1)."""
        lines = (a_line(quantity=-9 * UNIT, begin=at("2026-03-17")), a_line(quantity=9 * UNIT, self_paid=True))

        assert silent(verdict(an_encounter(*lines), LIMITED))
        assert ((1,),) == said(verdict(an_encounter(*lines), a_rule("custom", scope="safety")))


class TestVisits:
    def test_it_is_judged_once_for_all_lines(self):
        """One finding, about everything that is being charged."""
        lines = (a_line("A01"), a_line("B01", quantity=0), a_line("B02"), past("2026-03-01"))
        found = verdict(an_encounter(*lines, admitted=at("2026-02-01")), LONG_STAY)

        assert ((0, 2),) == said(found)
        assert "【长期住院】已住院 45 天,请评估。" == found.findings[0].message

    def test_what_is_missing_concerns_all_of_them(self):
        """Not checked, for the lines a finding would be about."""
        found = verdict(an_encounter(a_line(DRUG), a_line(DRUG), admitted=None), LONG_STAY)

        assert ((("visit.admitted",), "missing", (0, 1)),) == unread(found)

    def test_with_nothing_charged_there_is_nothing_to_change(self):
        """A message of history lines alone, or of what the patient pays under a payment rule, is left alone."""
        payment = msgspec.structs.replace(LONG_STAY, scope="payment")

        assert silent(verdict(an_encounter(past("2026-03-01"), admitted=at("2026-02-01")), LONG_STAY))
        assert silent(verdict(an_encounter(a_line(self_paid=True), admitted=at("2026-02-01")), payment))

    def test_items_narrow_it(self):
        """With items it is brought up by their lines, and about them."""
        rule = msgspec.structs.replace(LONG_STAY, items=("B*",))
        lines = (a_line("A01"), a_line("B01"), a_line("B02"))

        assert ((1, 2),) == said(verdict(an_encounter(*lines, admitted=at("2026-02-01")), rule))
        assert silent(verdict(an_encounter(a_line(DRUG), admitted=at("2026-02-01")), rule))

    def test_what_brings_it_up(self):
        """Every encounter, or the lines of its items."""
        triggers = KINDS["custom"].triggers

        assert Triggers(visit=True) == triggers(LONG_STAY)
        assert Triggers(items=("A01",)) == triggers(LIMITED)


class TestDates:
    def test_parameters_are_dated_by_their_row(self):
        """Two rows, two limits, each in force on its days."""
        old = a_rule("custom", rule_id="R1", p1="5", valid_to="2025-12-31")
        new = a_rule("custom", rule_id="R2", p1="8", valid_from="2026-01-01")

        def fired(begin, quantity):
            found = verdict(an_encounter(a_line(quantity=quantity * UNIT, begin=at(begin))), old, new)
            return [finding.rule for finding in found.findings]

        assert [["R1"], [], ["R2"]] == [fired("2025-12-31", 6), fired("2026-01-01", 6), fired("2026-01-01", 9)]

    def test_the_past_it_asks_for(self):
        """Days of totals beyond the day itself, and a year for the last time."""
        rule = a_rule(
            "custom",
            when="total_amount('B01*', 30) > p1 or days_since('C01') < 7 or total_quantity('D01', 1) > 3"
            " or charged('E01')",
        )

        assert (Look(("B01*",), 30), Look(("C01",), 365)) == needs(an_encounter(), a_rulebook(rule))


class TestRow:
    @pytest.mark.parametrize(
        ("cells", "words"),
        [
            (
                {"when": "line.quantty > p1"},
                "`when`, character 1: unknown field `line.quantty`; did you mean `line.quantity`?",
            ),
            ({"message": "【{name}】{line.x}。"}, "`message`, character 9: {line.x}: unknown field `line.x`"),
            ({"limit": "{p2}"}, "`limit`, character 1: {p2}: `p2` is empty; fill its cell"),
            ({"allowed": "{"}, "`allowed`: a brace is not closed"),
            ({"witness": "line.quantity"}, "`witness`, character 1: a specimen is made of `field = constant`"),
            (
                {"near_miss": "line.quantity = p1 + 'x'"},
                "`near_miss`, character 22: `'x'` is a text; a number is needed here",
            ),
            ({"message": "请核对 {p1}。"}, "`message`: begin with the item, as in 【{name}】, and end with 。"),
            ({"message": "【{name}】{p1}"}, "`message`: begin with the item, as in 【{name}】, and end with 。"),
            ({"p3": "7"}, "`p3`: is filled, but neither the condition nor a text names `p3`"),
            ({"p1": "五"}, "`when`, character 1: `line.quantity` is a number and `p1` is a text"),
            ({"scope_of": "visit"}, "`when`, character 1: `line.quantity` belongs to a line; set `scope_of` to `line`"),
        ],
    )
    def test_a_faulty_cell_is_named_with_its_column_and_place(self, cells, words):
        """The author reads where, what, and what to write."""
        with pytest.raises(ValueError, match=r"^`") as raised:
            a_rule("custom", **cells)

        assert str(raised.value).startswith(words)

    @pytest.mark.parametrize(
        ("cell", "when"),
        [
            ("5", "line.quantity > p1"),
            ("-0.5", "line.quantity > p1"),
            ("2026-03-01", "line.day > p1"),
            ("主任医师", "line.department == p1"),
            ("0101", "line.department == p1"),
            ('"310"', "visit.insurance == p1"),
            ("001102*|001103*", "charged(p1)"),
        ],
    )
    def test_a_parameter_is_a_number_a_day_or_a_text(self, cell, when):
        """As it looks; quotes make a text of digits."""
        assert a_rule("custom", p1=cell, when=when, witness="line.quantity = 1", near_miss="line.quantity = 1")

    def test_line_breaks_of_a_spreadsheet_do_no_harm(self):
        """A long condition may be laid out over several lines of its cell."""
        assert ((0,),) == said(
            verdict(
                an_encounter(a_line(quantity=6 * UNIT)),
                a_rule("custom", when="line.quantity >\n  p1\n  and not\tvisit.rescue"),
            )
        )


def test_the_run_form_is_text_only():
    """It encodes to JSON and back (built packs), and says the same afterwards."""
    encounter = an_encounter(a_line("C01"), past("2026-03-18 08:00", "M01"))
    again = msgspec.json.decode(encode(BESIDE), type=type(BESIDE))

    assert BESIDE == again
    assert encode(verdict(encounter, BESIDE)) == encode(verdict(encounter, again))


def test_what_was_made_is_remembered():
    """A condition is read once, however many lines are judged by it."""
    assert LIMITED.condition is msgspec.json.decode(encode(LIMITED), type=type(LIMITED)).condition


class TestAtRest:
    def test_a_silent_rule_leaves_an_encounter_as_it_is(self):
        """The author's edits would only disturb the rule being tried."""
        encounter = an_encounter()

        assert encounter is KINDS["custom"].rest(LIMITED, encounter)

    def test_a_speaking_or_unknown_one_is_put_at_rest(self):
        """By its near miss."""
        for quantity in (6 * UNIT, None):
            rested = KINDS["custom"].rest(LIMITED, an_encounter(a_line(quantity=quantity)))

            assert 5 * UNIT == rested.lines[0].quantity


def test_it_never_breaks():
    """Whatever is absent, the rule answers or says what it lacks; nothing is *failed*."""
    rules = [
        a_rule("custom", rule_id="R1", when="line.amount / line.quantity / line.price > p1"),
        a_rule("custom", rule_id="R2", when="days_since('A*') * total_amount('A*', 30) > p1 * line.hour"),
    ]
    for changes in ({}, {"quantity": None}, {"amount": None, "price": 0}, {"begin": None}, {"quantity": 10**15}):
        encounter = an_encounter(
            a_line(**changes), past(None), past("2026-03-01", quantity=None), diagnoses=(icd("x"),)
        )
        found = check(an_input(encounter), a_rulebook(*rules))

        assert [] == [entry for entry in found.not_checked if entry.reason == "failed"]


class TestLengths:
    """Cells are bounded, so that a pasted page is a fault and not a rule."""

    @pytest.mark.parametrize("name", ["p1", "p2", "p3", "p4"])
    def test_a_value_has_at_most_200_characters(self, name):
        """At the limit it compiles, beyond it the row is refused."""
        row = {"when": f"line.name == {name}", "witness": "line.name = 'a'", "near_miss": "line.name = 'b'"}
        plain = {"p1": "", "message": "【{name}】请核对。", "limit": "核对", "allowed": "核对后继续"}

        assert a_rule("custom", **(row | plain | {name: "值" * 200}))
        with pytest.raises(ValueError, match="at most 200"):
            a_rule("custom", **(row | plain | {name: "值" * 201}))

    def test_a_condition_has_at_most_2000(self):
        """Blanks inside count like any other character."""
        wide = "line.quantity" + " " * (2000 - len("line.quantity> p1")) + "> p1"

        assert a_rule("custom", when=wide)
        with pytest.raises(ValueError, match="2001 characters"):
            a_rule("custom", when=wide.replace(">", " >"))


class TestRecord:
    """A record tells only of items that the rule asked for (``looks``)."""

    @pytest.mark.parametrize(
        ("when", "asked", "since"),
        [
            ("total_quantity('B01', 30) < 1", "B01", "2026-02-17"),
            ("total_amount('B*', 30) < 1", "B*", "2026-02-17"),
            ("days_since('B01') > 20", "B01", "2026-02-26"),
        ],
    )
    def test_an_item_is_absent_where_it_was_asked_for(self, when, asked, since):
        """A day less, another item, or nothing at all leaves it open."""
        rule = a_rule("custom", when=when, message="【{name}】请核实。")
        day = at(since).date()

        assert ((0,),) == said(looked_up(rule, Asked(since=day, items=(asked,))))
        for other in (Asked(since=day + timedelta(days=1), items=(asked,)), Asked(since=day, items=("C01",)), None):
            assert ((("history",), "missing", (0,)),) == unread(looked_up(rule, other))


def looked_up(rule, asked):
    """Judge an out-patient whose record was asked for so much and is whole."""
    history = History(since=date(2020, 1, 1), asked=(asked,) if asked else ())
    encounter = an_encounter(type="outpatient", admitted=None)
    return verdict(encounter, rule, context=Context(history=history))
