"""Unit price cap: by hospital level, from price or amount, in the unit the price is for."""

import pytest
from msgspec.structs import replace

from tests.builders import a_line, a_rule, a_word, an_encounter, at, said, silent, unread, verdict


def rule(**cells):
    return a_rule("unit_price_cap", **({"max_price": "100", "name": "CT平扫"} | cells))


LEVELS = {"max_price": "", "max_price_1": "80", "max_price_2": "90", "max_price_3": "100"}


def priced(price, **changes):
    return a_line(**({"price": price, "amount": price} | changes))


def judged(cap, *lines, **changes):
    return verdict(an_encounter(*lines, **changes), cap)


class TestCap:
    def test_the_price_is_silent(self):
        """What is set is allowed."""
        assert silent(judged(rule(), priced(100_0000)))

    def test_above_it_fires_for_the_difference(self):
        """A nurse reads the cap, the price, and by how much it is too high."""
        (finding,) = judged(rule(), priced(120_0000, quantity=3_0000, amount=360_0000)).findings

        words = "【CT平扫】三级医疗机构最高单价 100 元/次,本次单价 120 元,每单位超出 20 元;请按规定价格收费。"
        assert (words, "PRICE_ABOVE_CAP") == (finding.message, finding.code)
        assert ((0,), (60_0000,)) == (finding.lines, finding.amounts)
        assert ("三级医疗机构最高单价 100 元/次", "本次单价 120 元", "100 元") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        assert (("line.price", "120"), ("max_price", "100")) == finding.facts

    def test_the_least_above(self):
        """A ten-thousandth of a yuan, on the line at fault only."""
        assert ((1,),) == said(judged(rule(), priced(100_0000), priced(100_0001)))

    def test_without_a_unit(self):
        """Nothing stands behind the slash."""
        (finding,) = judged(rule(), priced(101_0000, unit=None)).findings

        assert "三级医疗机构最高单价 100 元" == finding.limit

    def test_a_price_needs_no_quantity(self):
        """One is then at stake."""
        (finding,) = judged(rule(), priced(101_0000, quantity=None)).findings

        assert (1_0000,) == finding.amounts

    def test_self_pay_is_no_excuse(self):
        """Overcharging a patient is still overcharging (ruling 1)."""
        assert ((0,),) == said(judged(rule(), priced(101_0000, self_paid=True, consent=True)))


class TestLevels:
    @pytest.mark.parametrize(("level", "cap"), [(1, 80), (2, 90), (3, 100)])
    def test_each_level_has_its_own(self, level, cap):
        """The hospital's level decides."""
        assert silent(judged(rule(**LEVELS), priced(cap * 1_0000), level=level))
        (finding,) = judged(rule(**LEVELS), priced(cap * 1_0000 + 1), level=level).findings
        assert finding.limit.startswith(f"{'一二三'[level - 1]}级医疗机构最高单价 {cap} 元")

    def test_a_level_without_a_price_is_free(self):
        """Only level 2 is bound."""
        second = rule(max_price="", max_price_2="90")

        assert silent(judged(second, priced(500_0000), level=3))
        assert ((0,),) == said(judged(second, priced(90_0001), level=2))

    def test_the_levels_own_price_wins(self):
        """A price for all is for the others."""
        mixed = rule(max_price="100", max_price_1="80")

        assert ((0,),) == said(judged(mixed, priced(81_0000), level=1))
        assert silent(judged(mixed, priced(100_0000), level=2))
        assert ((0,),) == said(judged(mixed, priced(101_0000), level=2))

    def test_an_unknown_level_matters_between_the_prices(self):
        """Allowed everywhere: silent. Allowed nowhere: it fires. Between: not checked."""
        assert silent(judged(rule(**LEVELS), priced(80_0000), level=None))
        for price in (80_0001, 100_0000):
            found = judged(rule(**LEVELS), priced(price), level=None)
            assert ((("facility.level",), "missing", (0,)),) == unread(found)
        (finding,) = judged(rule(**LEVELS), priced(101_0000), level=None).findings
        assert finding.message.startswith("【CT平扫】各级医疗机构最高单价 100 元/次,")

    def test_one_price_for_all_needs_no_level(self):
        """It decides nothing."""
        assert ((0,),) == said(judged(rule(), priced(101_0000), level=None))

    def test_where_some_level_is_free_the_unknown_may_be(self):
        """Never above every cap."""
        found = judged(rule(max_price="", max_price_2="90"), priced(500_0000), level=None)

        assert ((("facility.level",), "missing", (0,)),) == unread(found)


class TestPrice:
    def test_it_is_worked_out_from_the_amount(self):
        """Three for 300 are a hundred each; rounding of the amount is no excess."""
        line = {"quantity": 3_0000}

        assert silent(judged(rule(), priced(None, amount=300_0000, **line)))
        assert silent(judged(rule(), priced(None, amount=300_0050, **line)))
        (finding,) = judged(rule(), priced(None, amount=330_0000, **line)).findings
        assert ("本次单价 110 元", (30_0000,)) == (finding.present, finding.amounts)

    @pytest.mark.parametrize("changes", [{"amount": None}, {"quantity": None, "amount": 900_0000}])
    def test_or_not_checked(self, changes):
        """One line lacks it, the other is judged."""
        found = judged(rule(), priced(None, **changes), priced(101_0000), priced(None, **changes))

        assert (((1,),), ((("line.price",), "missing", (0, 2)),)) == (said(found), unread(found))

    def test_a_level_that_is_free_asks_for_nothing(self):
        """Not even a price."""
        assert silent(judged(rule(max_price="", max_price_2="90"), priced(None), level=3))


class TestRefunds:
    def wrong(self, **changes):
        return replace(priced(180_0000, begin=at("2026-03-18 08:00")), **changes)

    def refund(self, **changes):
        given = {"begin": at("2026-03-18 09:00"), "quantity": -1_0000, "amount": -180_0000}
        return priced(**({"price": 180_0000} | given | changes))

    def test_a_price_that_was_put_right(self):
        """Charged at 180, taken back at 180, charged at 100: the refund's price tells which of the two it meant."""
        right = priced(100_0000, begin=at("2026-03-18 08:30"))

        assert silent(judged(rule(), self.wrong(), self.refund(), right))
        assert silent(judged(rule(), self.wrong(), self.refund(price=None, amount=None), right))
        assert silent(judged(rule(), self.wrong(price=None), self.refund(price=None), right))
        assert silent(judged(rule(), self.wrong(), self.refund(quantity=-2_0000, amount=-360_0000), right))

    @pytest.mark.parametrize(
        "changes", [{"quantity": -5000, "amount": -90_0000}, {"price": 100_0000}, {"visit": "V0", "current": False}]
    )
    def test_what_is_left_is_still_above(self, changes):
        """Half of it, a refund of something else, another visit's."""
        right = priced(100_0000, begin=at("2026-03-18 08:30"))

        assert ((0,),) == said(judged(rule(), self.wrong(), self.refund(**changes), right))


class TestUnit:
    def test_another_word_for_the_unit(self):
        """床日 and 日 are one; what is two of them, or something else, is not."""
        bed = rule(unit="日")
        words = (a_word("unit", "床日", "1 日"), a_word("unit", "日", "1 日"), a_word("unit", "双日", "2 日"))

        for unit, fires in (("床日", True), ("双日", False), ("次", False)):
            found = verdict(an_encounter(priced(101_0000, unit=unit)), bed, words=words)
            assert fires == bool(found.findings)
            assert fires != bool(found.not_checked)

    def test_only_the_unit_the_price_is_for(self):
        """A box is no tablet; case and width do not matter."""
        tablet = rule(unit="Tab")

        (finding,) = judged(tablet, priced(101_0000, unit="ｔａｂ")).findings
        assert "三级医疗机构最高单价 100 元/Tab" == finding.limit
        assert ((("line.unit",), "unmapped", (0,)),) == unread(judged(tablet, priced(101_0000, unit="盒")))
        assert ((("line.unit",), "missing", (0,)),) == unread(judged(tablet, priced(101_0000, unit=None)))

    def test_a_price_within_needs_no_unit(self):
        """What cannot change the answer need not be known."""
        assert silent(judged(rule(unit="片"), priced(100_0000, unit="盒")))


@pytest.mark.parametrize(
    ("cells", "words"),
    [({"max_price": ""}, "set max_price"), *(({name: "0"}, name) for name in LEVELS)],
)
def test_a_row_without_a_price_is_refused(cells, words):
    """For all levels or for one; zero is no price."""
    with pytest.raises(ValueError, match=words):
        rule(**cells)


@pytest.mark.parametrize("name", list(LEVELS))
def test_the_least_price(name):
    """One ten-thousandth of a yuan."""
    assert 1 in dict(rule(**{"max_price": "", name: "0.0001"}).caps).values()
