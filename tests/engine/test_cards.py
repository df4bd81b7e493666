"""Cards: rules of one catalogue remark on one line are one card with several reasons; every other finding its own."""

from rules import cards
from tests.builders import a_line, a_rule, an_encounter, verdict

OLD = {"birth_date": None, "level": 1}


def found(*remarks, lines=None, scopes=("payment",)):
    """Return the findings of two payment limits on one item, with these remarks."""
    rules = (
        a_rule("sex_limit", rule_id="R1", sex="female", name="某药", remark=remarks[0]),
        a_rule("visit_type_limit", rule_id="R2", allow="outpatient", name="某药", remark=remarks[1], level="warn"),
    )
    return verdict(an_encounter(*(lines or (a_line(),))), *rules).findings


class TestFolding:
    def test_one_remark_is_one_card(self):
        """Two reasons on one line, the louder first."""
        (card,) = cards(found("XA01", "XA01"))

        assert (0, 1) == card.findings
        assert ((0,), "block", "某药") == (card.lines, card.level, card.item)

    def test_the_card_names_the_item_once_and_every_reason(self):
        """The messages, without repeating the item."""
        findings = found("XA01", "XA01")
        (card,) = cards(findings)
        reasons = [finding.message.removeprefix("【某药】") for finding in findings]

        assert f"【某药】(1){reasons[0]}(2){reasons[1]}" == card.message

    def test_different_remarks_are_different_cards(self):
        """What does not come from one remark is not folded, though the line is the same."""
        assert [(0,), (1,)] == [card.findings for card in cards(found("XA01", "XA02"))]

    def test_no_remark_is_never_folded(self):
        """Two findings without a remark have nothing in common."""
        first, second = cards(found("", ""))

        assert first.message == found("", "")[0].message
        assert (1,) == second.findings

    def test_other_lines_are_another_card(self):
        """One speaks about both orders, the other leaves out the one the patient pays: not the same card."""
        findings = found("XA01", "XA01", lines=(a_line(), a_line(self_paid=True, consent=True)))

        assert [(0, 1), (0,)] == [card.lines for card in cards(findings)]

    def test_only_the_loud(self):
        """``above`` leaves out what a screen does not show."""
        assert [(0,)] == [card.findings for card in cards(found("XA01", "XA01"), above="warn")]

    def test_at_most_so_many_reasons(self):
        """What no longer fits is a card of its own, never lost."""
        assert [(0,), (1,)] == [card.findings for card in cards(found("XA01", "XA01"), most=1)]
