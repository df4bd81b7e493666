"""Item notice: something to say when an item is ordered."""

from tests.builders import UNIT, a_line, a_rule, an_encounter, at, past, said, silent, verdict

EVERY = a_rule("item_notice", text="重点监控药品,请填写用药理由。", name="人血白蛋白")
FIRST = a_rule("item_notice", text="贵重药品,请核对用药指征。", once="true", name="某贵重药品")


class TestItemNotice:
    def test_it_speaks_once_for_all_lines(self):
        """With the row's text, the names, and no money at stake."""
        found = verdict(an_encounter(a_line(name="白蛋白 10g"), a_line("B01"), a_line(name="白蛋白 5g")), EVERY)

        (finding,) = found.findings
        assert (0, 2) == finding.lines
        assert "【人血白蛋白】重点监控药品,请填写用药理由。" == finding.message
        assert ("重点监控药品,请填写用药理由", "本次开具白蛋白 10g、白蛋白 5g") == (finding.limit, finding.present)
        assert (("line.item", "白蛋白 10g、白蛋白 5g"),) == finding.facts
        assert ((0, 0), 0) == (finding.amounts, found.amount)

    def test_a_line_without_a_name_is_called_by_the_rule(self):
        """Never by its code."""
        (finding,) = verdict(an_encounter(), EVERY).findings

        assert "本次开具人血白蛋白" == finding.present

    def test_names_stand_by_time_then_id(self):
        """Not by the places of the lines."""
        lines = (
            a_line(id="b", name="乙"),
            a_line(id="a", name="甲"),
            a_line(id="c", name="丙", begin=at("2026-03-17")),
        )
        (finding,) = verdict(an_encounter(*lines), EVERY).findings

        assert ((0, 1, 2), "本次开具丙、甲、乙") == (finding.lines, finding.present)

    def test_other_items_are_silent(self):
        """Nothing is asked for either."""
        assert silent(verdict(an_encounter(a_line("002101030300000")), EVERY))

    def test_it_speaks_again_unless_the_row_says_once(self):
        """An earlier order of this visit keeps quiet what speaks once."""
        encounter = an_encounter(past("2026-03-17"), a_line())

        assert ((1,),) == said(verdict(encounter, EVERY))
        assert silent(verdict(encounter, FIRST))

    def test_first_orders(self):
        """Another visit, a refunded order and a second line of the same message are no earlier order."""
        refunded = (past("2026-03-17", id="P"), past("2026-03-17", id="P", quantity=-UNIT))

        assert ((1,),) == said(verdict(an_encounter(past("2026-03-17", visit="V0"), a_line()), FIRST))
        assert ((2,),) == said(verdict(an_encounter(*refunded, a_line()), FIRST))
        assert ((0, 1),) == said(verdict(an_encounter(a_line(), a_line()), FIRST))
        assert ((1,),) == said(verdict(an_encounter(past("2026-03-17", "B01"), a_line()), FIRST))

    def test_only_what_is_ordered_now(self):
        """A known line and a reversal are no order."""
        assert silent(verdict(an_encounter(past("2026-03-17"), a_line(quantity=-UNIT)), EVERY))

    def test_self_pay_silences_payment_only(self):
        """Ruling 1 holds for notices as well."""
        encounter = an_encounter(a_line(self_paid=True))

        assert silent(verdict(encounter, EVERY))
        assert ((0,),) == said(verdict(encounter, a_rule("item_notice", scope="safety")))
