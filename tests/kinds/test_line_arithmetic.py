"""Line arithmetic: price by quantity against the amount, signs, gaps, and the total of the visit."""

from datetime import date

import pytest
from msgspec.structs import replace

from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

PLAIN = a_rule("line_arithmetic", items="*", name="结算明细")
STRICT = a_rule("line_arithmetic", items="*", discounts="false", complete="true", name="结算明细")
TOTAL = a_rule("line_arithmetic", items="*", check_total="true", name="结算明细")
ITEM = "002101030300000"
WHOLE = {"history_since": date(2026, 3, 17)}


def line(price, quantity, amount, **changes):
    return a_line(ITEM, price=price, quantity=quantity, amount=amount, **({"name": "子宫造影"} | changes))


def judged(rule, *lines, context=None, **changes):
    return verdict(an_encounter(*lines, **changes), rule, context=context)


class TestAbove:
    def test_the_product_is_silent(self):
        """Two at ten yuan are twenty."""
        assert silent(judged(PLAIN, line(10_0000, 2_0000, 20_0000)))

    def test_more_than_the_product_fires(self):
        """The line is shown as a sum, with the money above it."""
        (finding,) = judged(PLAIN, line(10_0000, 2_0000, 30_0000)).findings

        words = "【结算明细】子宫造影:单价 10 元 × 数量 2 = 20 元,金额 30 元,多 10 元;请核对单价、数量与金额。"
        assert (words, "AMOUNT_ABOVE_PRICE") == (finding.message, finding.code)
        assert ((0,), (10_0000,), "block") == (finding.lines, finding.amounts, finding.level)
        assert ("单价 × 数量 = 金额", "20 元") == (finding.limit, finding.allowed)
        assert (("line.price", "10"), ("line.quantity", "2"), ("line.amount", "30")) == finding.facts

    def test_all_such_lines_are_one_finding(self):
        """The first is shown, the others are counted."""
        wrong = line(10_0000, 1_0000, 12_0000)
        (finding,) = judged(PLAIN, line(10_0000, 1_0000, 10_0000), wrong, wrong, wrong).findings

        assert ((1, 2, 3), (2_0000, 2_0000, 2_0000)) == (finding.lines, finding.amounts)
        assert ",多 2 元,另有 2 行同样异常;请核对" in finding.message
        (finding,) = judged(PLAIN, wrong, line(10_0000, 1_0000, 15_0000)).findings
        assert ",多 2 元,另有 1 行同样异常;请核对" in finding.message

    def test_the_first_is_so_by_time_then_id(self):
        """Not by its place; each line keeps its own money."""
        (finding,) = judged(
            PLAIN, line(10_0000, 1_0000, 12_0000, id="b"), line(10_0000, 1_0000, 15_0000, id="a")
        ).findings

        assert ((0, 1), (2_0000, 5_0000)) == (finding.lines, finding.amounts)
        assert ",多 5 元,另有 1 行同样异常;请核对" in finding.message

    @pytest.mark.parametrize(
        ("price", "quantity", "most"),
        [
            (10_0000, 1_0000, 10_0150),  # a fen, and half a fen of rounding
            (3300, 100_0000, 33_5100),  # half a fen for each of a hundred
            (3333, 100_0000, 33_3500),  # a price in 1/10,000 is nearly exact
            (3333, 3_0000, 1_0102),
        ],
    )
    def test_rounding_of_the_price_is_allowed_for(self, price, quantity, most):
        """A price is shown in fen; over a hundred units the rest comes to something."""
        assert silent(judged(PLAIN, line(price, quantity, most)))
        assert ((0,),) == said(judged(PLAIN, line(price, quantity, most + 1)))

    def test_a_decoction_may_carry_the_quantity_of_one_dose(self):
        """Ten grams at 0.5 yuan, seven doses: 35 yuan, a fen and rounding seven times."""
        pieces = {"doses": 7}

        assert silent(judged(PLAIN, line(5000, 10_0000, 35_0000, **pieces)))
        assert silent(judged(PLAIN, line(5000, 10_0000, 35_4200, **pieces)))
        assert silent(judged(STRICT, line(5000, 10_0000, 34_5800, **pieces)))
        assert silent(judged(PLAIN, line(5000, 10_0000, 5_0000, **pieces)))
        assert ((0,),) == said(judged(PLAIN, line(5000, 10_0000, 35_4201, **pieces)))
        assert ((0,),) == said(judged(PLAIN, line(5000, 10_0000, 34_5799, **pieces)))
        assert ((0,),) == said(judged(PLAIN, line(5000, 10_0000, 35_0000)))
        assert ((0,),) == said(judged(PLAIN, line(5000, 10_0000, 10_0000, doses=0)))

    @pytest.mark.parametrize(
        ("amount", "passes"),
        [
            (10_0000, True),
            (35_0000, True),
            (300_0000, True),
            (305_0000, False),
            (35_4200, True),
            (35_4201, False),
            (34_5800, True),
            (34_5799, False),
            (7_5000, False),
        ],
    )
    def test_pieces_whose_doses_nobody_sends(self, amount, passes):
        """National messages lack 付数: 2, 7 or 60 doses of five yuan are in order, one and a half or 61 are not."""
        piece = a_line("T001700123", price=5000, quantity=10_0000, amount=amount)

        assert passes == silent(judged(PLAIN, piece))
        assert ((0,),) == said(judged(PLAIN, replace(piece, item="XJ01DDA001B001010100001")))

    def test_pieces_for_nothing(self):
        """No price, no number of doses."""
        assert ((0,),) == said(judged(PLAIN, a_line("T001700123", price=0, quantity=10_0000, amount=35_0000)))


class TestBelow:
    def test_a_discount_passes(self):
        """A second operation at half the price is charged less than price by quantity."""
        assert silent(judged(PLAIN, line(1000_0000, 1_0000, 500_0000)))

    def test_unless_the_row_says_otherwise(self):
        """Then it is shown, at the level of information."""
        (finding,) = judged(STRICT, line(10_0000, 2_0000, 19_0000)).findings

        words = "【结算明细】子宫造影:单价 10 元 × 数量 2 = 20 元,金额 19 元,少 1 元;请核对单价、数量与金额。"
        assert (words, "AMOUNT_BELOW_PRICE") == (finding.message, finding.code)
        assert ((0,), "info") == (finding.amounts, finding.level)

    def test_nothing_for_something(self):
        """An amount of zero is an amount."""
        (finding,) = judged(STRICT, line(10_0000, 2_0000, 0)).findings

        assert "单价 10 元 × 数量 2 = 20 元,金额 0 元,少 20 元" == finding.present

    def test_rounding_goes_both_ways(self):
        """A fen, and half a fen."""
        assert silent(judged(STRICT, line(10_0000, 1_0000, 9_9850)))
        assert ((0,),) == said(judged(STRICT, line(10_0000, 1_0000, 9_9849)))


class TestSigns:
    @pytest.mark.parametrize(
        ("price", "amount", "shown"),
        [(-1, 10_0000, "单价 -0.0001 元,金额 10 元"), (10_0000, -1, "单价 10 元,金额 -0.0001 元")],
    )
    def test_money_below_zero(self, price, amount, shown):
        """A positive quantity has neither a negative price nor a negative amount."""
        (finding,) = judged(PLAIN, line(price, 1_0000, amount)).findings

        words = f"【结算明细】子宫造影:{shown};冲销请用负数量。"
        assert (words, "NEGATIVE_MONEY", "不小于 0 元") == (finding.message, finding.code, finding.allowed)
        assert ("warn", "单价、金额不为负") == (finding.level, finding.limit)

    def test_alone_they_are_wrong_too(self):
        """No second fact is needed."""
        assert ((0, 1),) == said(judged(PLAIN, line(-1, None, None), line(None, None, -1)))

    def test_nothing_is_no_money_below_zero(self):
        """A free item."""
        assert silent(judged(STRICT, line(0, 1_0000, 0)))

    def test_a_reversal_is_in_order(self):
        """A negative quantity takes a charge back."""
        assert silent(judged(PLAIN, line(10_0000, -1_0000, -10_0000)))


class TestRefunds:
    wrong = line(10_0000, 2_0000, 30_0000)

    def test_a_fault_that_was_taken_back(self):
        """Whole, whatever the sign of its money; charged anew, the item's money is right again."""
        for amount in (-30_0000, 30_0000):
            refund, anew = line(10_0000, -2_0000, amount), line(10_0000, 2_0000, 20_0000)

            assert silent(judged(PLAIN, self.wrong, refund))
            assert silent(judged(PLAIN, self.wrong, anew, refund))

    @pytest.mark.parametrize(
        "other",
        [
            line(10_0000, 2_0000, 20_0000),
            line(10_0000, -1_0000, -10_0000),
            line(12_0000, -1_0000, -24_0000),
            line(10_0000, -1_0000, -15_0000, visit="V0", current=False),
        ],
    )
    def test_a_fault_that_is_left(self, other):
        """No refund, one that leaves the money wrong, one of another price or visit."""
        assert ((0,),) == said(judged(PLAIN, self.wrong, other))

    def test_a_gap_is_not_filled_by_another_refund(self):
        """A line without a quantity, and a refund at another price."""
        found = judged(STRICT, line(10_0000, None, 10_0000), line(12_0000, -1_0000, -12_0000))

        assert ((0,),) == said(found)

    def test_a_refund_means_the_charge_of_its_price(self):
        """Charged at ten with too much money, charged anew at fifteen, refunded at ten."""
        anew, refund = line(15_0000, 2_0000, 30_0000), line(10_0000, -2_0000, -30_0000)

        assert silent(judged(PLAIN, self.wrong, anew, refund))
        assert ((0,),) == said(judged(PLAIN, self.wrong, anew, replace(refund, amount=-20_0000)))

    def test_a_negative_amount_without_a_price(self):
        """Nothing tells what it should be."""
        found = judged(PLAIN, line(None, 1_0000, -10_0000), line(None, -5000, 10_0000))

        assert ((0,),) == said(found)

    def test_the_money_above_alone_may_be_taken_back(self):
        """Ten yuan of thirty for two: one is refunded with what was too much."""
        assert silent(judged(PLAIN, self.wrong, line(10_0000, -1_0000, -20_0000)))


class TestAbsent:
    @pytest.mark.parametrize(
        "facts", [(None, 1, 1), (1_0000, None, 1_0000), (1_0000, 1_0000, None), (None, None, None)]
    )
    def test_nothing_to_compare_is_silent(self, facts):
        """By design: a fact that is not there leaves nothing to judge."""
        assert silent(judged(PLAIN, line(*facts)))

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ((10_0000, None, 10_0000), "有单价,缺数量;请补全数量。"),
            ((10_0000, 1_0000, None), "有单价,缺金额;请补全金额。"),
        ],
    )
    def test_a_row_may_ask_for_whole_lines(self, facts, words):
        """A line with a price and one of the two lacks the other."""
        (finding,) = judged(STRICT, line(*facts)).findings

        assert (f"【结算明细】子宫造影:{words}", "LINE_INCOMPLETE") == (finding.message, finding.code)
        assert ((0,), "block", "单价、数量、金额齐全") == (finding.amounts, finding.level, finding.limit)

    @pytest.mark.parametrize("facts", [(None, 1_0000, 10_0000), (10_0000, None, None), (None, None, 10_0000)])
    def test_but_not_for_prices(self, facts):
        """Without a price, or with nothing but one, nothing is half said."""
        assert silent(judged(STRICT, line(*facts)))

    def test_faults_of_several_kinds_are_apart(self):
        """In a fixed order, each on its own lines."""
        lines = (line(-1, 1_0000, 1), line(1_0000, 1_0000, None), line(1_0000, 1_0000, 2_0000), line(1_0000, 1_0000, 0))
        found = judged(STRICT, *lines)

        codes = {finding.code: finding.lines for finding in found.findings}
        assert {
            "AMOUNT_ABOVE_PRICE": (2,),
            "AMOUNT_BELOW_PRICE": (3,),
            "NEGATIVE_MONEY": (0,),
            "LINE_INCOMPLETE": (1,),
        } == codes

    def test_an_unnamed_line(self):
        """Is called a line."""
        (finding,) = judged(PLAIN, line(10_0000, 1_0000, 20_0000, name="")).findings

        assert finding.message.startswith("【结算明细】明细:单价")


class TestTotal:
    def test_the_sum_is_silent(self):
        """Ten and ten are twenty; a fen may be lost."""
        two = (line(10_0000, 1_0000, 10_0000), line(10_0000, 1_0000, 10_0000))

        for total in (20_0000, 20_0100, 19_9900):
            assert silent(judged(TOTAL, *two, total_amount=total, **WHOLE))

    @pytest.mark.parametrize(("total", "apart"), [(20_0101, "0.0101"), (19_9899, "0.0101"), (15_0000, "5")])
    def test_another_total_fires(self, total, apart):
        """A finding about the visit, never louder than a warning."""
        two = (line(10_0000, 1_0000, 10_0000), line(10_0000, 1_0000, 10_0000))
        (finding,) = judged(TOTAL, *two, total_amount=total, **WHOLE).findings

        assert ("TOTAL_MISMATCH", (), "warn") == (finding.code, finding.lines, finding.level)
        assert f",相差 {apart} 元;请核对明细与总费用。" in finding.message

    def test_its_words(self):
        """Both totals and what they are apart."""
        (finding,) = judged(TOTAL, line(10_0000, 2_0000, 20_0000), total_amount=25_0000, **WHOLE).findings

        words = "【结算明细】本次就诊明细合计 20 元,总费用 25 元,相差 5 元;请核对明细与总费用。"
        assert (words, "明细合计 = 总费用", "25 元") == (finding.message, finding.limit, finding.allowed)
        assert (("lines", "20"), ("visit.total_amount", "25")) == finding.facts

    def test_a_total_from_before_this_order_agrees(self):
        """Some senders leave the lines being saved out."""
        known = past("2026-03-17", ITEM, amount=30_0000, price=30_0000)

        assert silent(judged(TOTAL, line(10_0000, 1_0000, 10_0000), known, total_amount=30_0100, **WHOLE))
        assert silent(judged(TOTAL, line(10_0000, 1_0000, 10_0000), known, total_amount=29_9900, **WHOLE))
        found = judged(TOTAL, line(10_0000, 1_0000, 10_0000), known, total_amount=29_9899, **WHOLE)
        assert ((),) == said(found)

    def test_other_visits_do_not_count(self):
        """Only what this visit is charged."""
        other = past("2026-03-17", ITEM, amount=30_0000, visit="V0")

        assert silent(judged(TOTAL, line(10_0000, 1_0000, 10_0000), other, total_amount=10_0000, **WHOLE))

    def test_recorded_lines_do(self):
        """What the message lacks and the record has."""
        kept = recorded(past("2026-03-17", ITEM, amount=30_0000, price=30_0000, id="Z"), since="2026-03-17")

        assert silent(judged(TOTAL, line(10_0000, 1_0000, 10_0000), total_amount=40_0000, context=kept))

    @pytest.mark.parametrize("amount", [-4_0000, 4_0000])
    def test_reversals_take_back(self, amount):
        """Whatever sign their money has."""
        refund = past("2026-03-18", ITEM, quantity=-1_0000, amount=amount)

        assert silent(judged(TOTAL, line(10_0000, 1_0000, 10_0000), refund, total_amount=6_0000, **WHOLE))

    @pytest.mark.parametrize("quantity", [0, None, 1])
    def test_other_lines_count_as_sent(self, quantity):
        """Only a negative quantity takes money back."""
        known = past("2026-03-18", ITEM, quantity=quantity, amount=4_0000)

        assert silent(judged(TOTAL, line(10_0000, 1_0000, 10_0000), known, total_amount=14_0000, **WHOLE))

    def test_a_line_without_an_amount_is_price_by_quantity(self):
        """Where both are there; else the sum is not known."""
        whole = {"total_amount": 20_0000} | WHOLE

        assert silent(judged(TOTAL, line(10_0000, 2_0000, None), **whole))
        for facts in ((None, 2_0000, None), (10_0000, None, None)):
            found = judged(TOTAL, line(*facts), **whole)
            assert ((("line.amount",), "missing", (0,)),) == unread(found)

    def test_without_a_total_nothing_is_known(self):
        """The row asks for it."""
        found = judged(TOTAL, line(10_0000, 1_0000, 10_0000), **WHOLE)

        assert ((("visit.total_amount",), "missing", (0,)),) == unread(found)

    @pytest.mark.parametrize("changes", [{"history_since": date(2026, 3, 18)}, {"history_since": None}])
    def test_lines_may_be_unknown(self, changes):
        """Fewer than the total: the rest may be elsewhere. More than the total is certain."""
        one = line(10_0000, 1_0000, 10_0000)

        assert ((("history",), "missing", (0,)),) == unread(judged(TOTAL, one, total_amount=10_0101, **changes))
        assert silent(judged(TOTAL, one, total_amount=10_0100, **changes))
        assert ((),) == said(judged(TOTAL, one, total_amount=9_9899, **changes))

    def test_so_may_the_admission(self):
        """Then nobody knows since when lines should be there."""
        found = judged(TOTAL, line(10_0000, 1_0000, 10_0000), total_amount=30_0000, admitted=None, **WHOLE)

        assert ((("history",), "missing", (0,)),) == unread(found)

    def test_it_is_looked_at_only_where_asked(self):
        """Other rows do not read the total."""
        assert silent(judged(PLAIN, line(10_0000, 1_0000, 10_0000), total_amount=1, admitted=at("2026-03-17")))


def test_self_pay_is_no_excuse():
    """A wrong bill is wrong whoever pays it (ruling 1)."""
    assert ((0,),) == said(judged(PLAIN, line(10_0000, 1_0000, 20_0000, self_paid=True, consent=True)))


def test_known_lines_are_not_judged():
    """Only what is being saved can be changed."""
    wrong = past("2026-03-17", ITEM, price=10_0000, amount=90_0000)

    assert silent(judged(PLAIN, line(10_0000, 1_0000, 10_0000), wrong))


def test_a_tolerance_is_not_negative():
    """Zero is one, and the ordinary row keeps discounts, gaps and totals out."""
    assert 0 == a_rule("line_arithmetic", tolerance="0").tolerance
    assert (True, False, False) == (PLAIN.discounts, PLAIN.complete, PLAIN.check_total)
    with pytest.raises(ValueError, match="tolerance"):
        a_rule("line_arithmetic", tolerance="-0.0001")
