"""Never payable: whatever the fund pays of the item is at fault; who pays may be unknown (ruling 2)."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, past, said, silent, verdict

DONKEY_GLUE = a_rule("never_payable", name="阿胶", because="单味、复方均不予支付")


def spoken(*lines):
    return verdict(an_encounter(*lines), DONKEY_GLUE).findings


class TestPayer:
    def test_a_line_of_the_fund_is_blocked(self):
        """The fund never pays it."""
        (finding,) = spoken(a_line(self_paid=False))

        assert ((0,), "block", "按基金支付") == (finding.lines, finding.level, finding.present)

    def test_an_unknown_payer_is_warned_about_at_most(self):
        """All-zero amounts say nothing of who pays."""
        (finding,) = spoken(a_line(self_paid=None))

        assert ((0,), "warn", "未标明是否自费") == (finding.lines, finding.level, finding.present)

    @pytest.mark.parametrize("consent", [True, None])
    def test_a_line_the_patient_pays_is_silent(self, consent):
        """Self-pay with consent, or without word of it, is no matter of the fund's (ruling 1)."""
        assert silent(verdict(an_encounter(a_line(self_paid=True, consent=consent)), DONKEY_GLUE))

    def test_self_pay_without_consent_speaks(self):
        """The patient did not agree: the line is nobody's yet."""
        (finding,) = spoken(a_line(self_paid=True, consent=False))

        assert ("block", "患者未同意自费") == (finding.level, finding.present)

    def test_each_payer_has_its_finding(self):
        """Lines of one payer are one finding; only the unknown ones are said more quietly."""
        found = spoken(a_line(), a_line(self_paid=None), a_line(), a_line(self_paid=True))

        assert [((0, 2), "block"), ((1,), "warn")] == [(finding.lines, finding.level) for finding in found]


class TestLines:
    def test_known_and_reversed_lines_are_not_at_fault(self):
        """Only what is being saved can be changed, and a reversal charges nothing."""
        lines = (past("2026-03-17"), a_line(quantity=-1_0000), a_line("B01"))

        assert () == said(verdict(an_encounter(*lines), DONKEY_GLUE))

    def test_what_was_taken_back_is_not_at_stake(self):
        """A settlement holds the charge and its refund: nothing is left of the one, two of three of the other."""
        gone = (a_line(id="X"), a_line(id="X", quantity=-1_0000))
        part = (a_line(id="Y", quantity=3_0000), a_line(id="Y", quantity=-1_0000))
        (finding,) = spoken(*gone, *part)

        assert silent(verdict(an_encounter(*gone), DONKEY_GLUE))
        assert ((2,), (20_0000,)) == (finding.lines, finding.amounts)

    def test_the_whole_amount_is_at_stake(self):
        """Nothing of the line is payable."""
        (finding,) = spoken(a_line(quantity=3_0000))

        assert (30_0000,) == finding.amounts


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"self_paid": False}, "本次按基金支付,请更换项目,或经患者同意后自费。"),
        ({"self_paid": None}, "本次未标明是否自费,请更换项目,或核对本行是否自费。"),
        ({"self_paid": True, "consent": False}, "本次患者未同意自费,请更换项目,或取得患者同意。"),
    ],
)
def test_the_message_says_why_and_what_to_do(changes, words):
    """A doctor reads the reason, who pays now, and the ways out."""
    (finding,) = spoken(a_line(**changes))

    assert f"【阿胶】单味、复方均不予支付,基金不予支付;{words}" == finding.message
    assert ("单味、复方均不予支付,基金不予支付", "自费") == (finding.limit, finding.allowed)
    assert ("payer",) == tuple(name for name, _ in finding.facts)


@pytest.mark.parametrize(("words", "fits"), [("", False), ("贵", True), ("贵" * 60, True), ("贵" * 61, False)])
def test_a_row_says_why_in_a_few_words(words, fits):
    """The reason is part of the message."""
    if fits:
        assert words == a_rule("never_payable", because=words).because
    else:
        with pytest.raises(ValueError, match="because"):
            a_rule("never_payable", because=words)
