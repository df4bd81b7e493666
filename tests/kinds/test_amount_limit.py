"""Amount limit: money over a window, the price of one, reversals, and who pays."""

import pytest

from rules.kinds import KINDS
from rules.kinds._contract import Look
from tests.builders import a_line, a_rule, an_encounter, at, past, said, silent, unread, verdict


def rule(**cells):
    return a_rule("amount_limit", **({"max_amount": "500", "window": "day", "name": "伽玛刀"} | cells))


def paid(yuan, **changes):
    return a_line(**({"quantity": 1_0000, "price": yuan * 1_0000, "amount": yuan * 1_0000} | changes))


def had(day, yuan, **changes):
    return past(day, **({"price": yuan * 1_0000, "amount": yuan * 1_0000} | changes))


def judged(limit, *lines, **changes):
    return verdict(an_encounter(*lines, **changes), limit)


class TestSum:
    def test_the_limit_is_silent(self):
        """Two hundred known and three hundred now are five hundred."""
        assert silent(judged(rule(), paid(300), had("2026-03-18", 200)))

    def test_above_it_fires_for_the_part_above(self):
        """A doctor reads the sum, what is above, and what is left."""
        (finding,) = judged(rule(), paid(400), had("2026-03-18", 300, doctor="D7")).findings

        words = (
            "【伽玛刀】每日限 500 元:本次 400 元 + 2026-03-18 已计 300 元(最近 2026-03-18,开单医师 D7) = 700 元,"
            "超出 200 元;本次最多可计 200 元,或经患者同意后自费。"
        )
        assert (words, "AMOUNT_EXCEEDED") == (finding.message, finding.code)
        assert ((0,), (1,), (200_0000,)) == (finding.lines, finding.involved, finding.amounts)
        assert ("每日限 500 元", "200 元") == (finding.limit, finding.allowed)
        assert (("past", "300"), ("now", "400"), ("over", "200"), ("allowed", "200")) == finding.facts

    def test_the_least_above(self):
        """A ten-thousandth of a yuan."""
        assert ((0,),) == said(judged(rule(), paid(500, amount=500_0001)))

    def test_nothing_is_left(self):
        """All used up before."""
        (finding,) = judged(rule(), paid(10), had("2026-03-18", 600)).findings

        assert ("0 元", (10_0000,)) == (finding.allowed, finding.amounts)

    def test_tags_are_on_the_finding(self):
        """Hospital lists gather what the office looks at."""
        (finding,) = judged(rule(tags="大额"), paid(501)).findings

        assert ("大额",) == finding.tags

    def test_days_are_apart_and_all_are_counted(self):
        """Another day has its own five hundred; two days above are one finding."""
        assert silent(judged(rule(), paid(500), had("2026-03-17", 500)))
        order = paid(1800, begin=at("2026-03-16"), stop=at("2026-03-18"), timed=False)
        (finding,) = judged(rule(), order).findings
        assert "2026-03-16 本次 600 元,超出 100 元,另有 2 处同样超出;" in finding.message
        assert (300_0000,) == finding.amounts

    @pytest.mark.parametrize(
        ("window", "word", "other"),
        [
            ("line", "单次限", {"begin": at("2026-03-18 09:00")}),
            ("prescription", "每张处方限", {"prescription": "R2"}),
            ("month", "每自然月限", {"begin": at("2026-02-28")}),
            ("year", "每自然年限", {"begin": at("2025-12-31")}),
            ("visit", "本次就诊限", {"visit": "V0"}),
        ],
    )
    def test_windows(self, window, word, other):
        """Together above, apart within."""
        known = {"history_since": at("2020-01-01").date()}
        same = a_line(quantity=1_0000, amount=300_0000, current=False, prescription="R1", id="K")
        apart = a_line(**({"quantity": 1_0000, "amount": 300_0000, "current": False, "prescription": "R1"} | other))

        assert silent(judged(rule(window=window), paid(300, prescription="R1"), apart, **known))
        if window != "line":
            (finding,) = judged(rule(window=window), paid(300, prescription="R1"), same, **known).findings
            assert finding.limit.startswith(word)
        assert ((0,),) == said(judged(rule(window=window), paid(501, prescription="R1"), **known))

    def test_a_month_needs_its_past(self):
        """From its first day on."""
        assert ((("history",), "missing", (0,)),) == unread(judged(rule(window="month"), paid(500)))
        assert (Look(("A01",), 31),) == KINDS["amount_limit"].looks(rule(window="month"))
        assert () == KINDS["amount_limit"].looks(rule(window="unit"))

    def test_price_by_quantity_is_money_too(self):
        """Where no amount is sent."""
        line = a_line(quantity=3_0000, price=200_0000, amount=None)

        assert ((0,),) == said(judged(rule(), line))

    @pytest.mark.parametrize("changes", [{"price": None}, {"quantity": None}])
    def test_without_money_nothing_is_known(self, changes):
        """Neither amount nor price by quantity; the other line is judged."""
        line = a_line(**({"quantity": 1_0000, "price": 10_0000, "amount": None} | changes))
        found = judged(rule(), line, paid(501))

        assert (((1,),), ((("line.amount",), "missing", (0,)),)) == (said(found), unread(found))

    def test_an_amount_needs_neither_price_nor_quantity(self):
        """It is the money."""
        assert ((0,),) == said(judged(rule(), a_line(quantity=None, price=None, amount=501_0000)))

    def test_refunds(self):
        """What was taken back is not charged, in part or whole."""
        refund = had("2026-03-18", 0, quantity=-1_0000, amount=-300_0000)

        assert silent(judged(rule(), paid(500), had("2026-03-18", 300), refund))
        half = had("2026-03-18", 0, quantity=-5000, amount=-150_0000)
        (finding,) = judged(rule(), paid(500), had("2026-03-18", 300), half).findings
        assert "350 元" == finding.allowed


class TestPriceOfOne:
    COSTLY = "单项材料超千元"

    def test_the_limit_is_silent(self):
        """A thousand is not above a thousand, however many there are."""
        assert silent(judged(rule(window="unit", max_amount="1000"), paid(1000, quantity=3_0000, amount=3000_0000)))

    def test_above_it_fires(self):
        """For each one of them."""
        line = paid(1500, quantity=2_0000, amount=3000_0000, name="冠脉支架")
        (finding,) = judged(rule(window="unit", max_amount="1000", name=self.COSTLY), line).findings

        words = "【单项材料超千元】冠脉支架单价 1500 元,单价限 1000 元,超出 500 元;请核对是否确需使用。"
        assert (words, "UNIT_AMOUNT_EXCEEDED") == (finding.message, finding.code)
        assert ("单价限 1000 元", "单价 1500 元", "1000 元") == (finding.limit, finding.present, finding.allowed)
        assert ((1000_0000,), (("line.price", "1500"), ("over", "500"))) == (finding.amounts, finding.facts)

    def test_a_rule_named_after_the_item_says_it_once(self):
        """No name twice."""
        (finding,) = judged(rule(window="unit", name="支架"), paid(501, name="支架")).findings

        assert finding.message.startswith("【支架】单价 501 元,")

    def test_what_was_refunded_at_its_price_is_not_judged(self):
        """Charged at 1500, taken back, charged at 900: nothing is left to put right."""
        wrong, refund = paid(1500), paid(1500, quantity=-1_0000, amount=-1500_0000)

        assert silent(judged(rule(window="unit", max_amount="1000"), wrong, refund, paid(900)))
        assert ((0,),) == said(judged(rule(window="unit", max_amount="1000"), wrong, paid(1500, quantity=0), paid(900)))

    def test_each_line_is_a_finding(self):
        """Prices do not add up."""
        found = judged(rule(window="unit"), paid(400), paid(501), paid(502))

        assert ((1,), (2,)) == said(found)

    def test_without_a_price_it_is_worked_out(self):
        """Amount by quantity; rounding to a fen is no excess."""
        line = {"price": None, "quantity": 3_0000}

        assert silent(judged(rule(window="unit"), paid(1500, **line)))
        assert silent(judged(rule(window="unit"), paid(1500, **(line | {"amount": 1500_0050}))))
        assert ((0,),) == said(judged(rule(window="unit"), paid(1500, **(line | {"amount": 1500_0100}))))

    @pytest.mark.parametrize("changes", [{"amount": None}, {"quantity": None}])
    def test_or_not_checked(self, changes):
        """Lines that lack it are one entry."""
        line = paid(900, **({"price": None} | changes))

        found = judged(rule(window="unit"), line, paid(501), line)
        assert (((1,),), ((("line.price",), "missing", (0, 2)),)) == (said(found), unread(found))

    def test_a_price_needs_no_quantity(self):
        """One is then at stake."""
        (finding,) = judged(rule(window="unit"), paid(600, quantity=None)).findings

        assert (100_0000,) == finding.amounts


class TestWhoPays:
    def test_payment_leaves_out_what_the_patient_pays(self):
        """Neither flagged nor counted (ruling 1)."""
        self_paid = {"self_paid": True, "consent": True}

        assert silent(judged(rule(), paid(900, **self_paid)))
        assert silent(judged(rule(), paid(500), had("2026-03-18", 300, **self_paid)))
        assert silent(judged(rule(window="unit"), paid(900, **self_paid)))

    def test_charging_does_not(self):
        """A price is no lower for being self-paid."""
        limit = rule(scope="charging")
        (finding,) = judged(limit, paid(600)).findings

        assert finding.message.endswith("本次最多可计 500 元。")
        assert ((0,),) == said(judged(limit, paid(500, self_paid=True), had("2026-03-18", 300, self_paid=True)))


@pytest.mark.parametrize(
    "cells", [{"window": "week"}, {"window": "days:30"}, {"max_amount": "0"}, {"window": "a unit"}]
)
def test_a_row_that_says_nothing_is_refused(cells):
    """Money above nothing, over a window that there is."""
    with pytest.raises(ValueError, match=next(iter(cells))):
        rule(**cells)


def test_the_least_limit():
    """One ten-thousandth of a yuan."""
    assert 1 == rule(max_amount="0.0001").max_amount
