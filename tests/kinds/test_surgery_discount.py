"""Surgery discount: shares of the full price, which operation is in full, and whose money is at stake."""

import pytest

from rules.model import UNIT
from tests.builders import a_line, a_rule, an_encounter, at, past, recorded, said, silent, unread, verdict

HALF = a_rule("surgery_discount", name="肝胆手术组", rate="0.5")


def operation(item, price=1000, quantity=1.0, begin="2026-03-18", **changes):
    given = {"price": price * UNIT, "quantity": int(quantity * UNIT), "amount": int(price * quantity * UNIT)}
    return a_line(item, begin=at(begin), **({"name": f"手术{item}"} | given | changes))


def known(item, price=1000, **changes):
    return operation(item, price, current=False, **changes)


def judged(*lines, rule=HALF, **changes):
    return verdict(an_encounter(*lines), rule, **changes)


class TestShare:
    def test_two_in_full_fire(self):
        """The dearer is the one in full, the other is flagged for what is above the rate."""
        (finding,) = judged(operation("A01", 1000), operation("B01", 2000)).findings

        assert ((0,), (1,), (500_0000,)) == (finding.lines, finding.involved, finding.amounts)
        words = (
            "【肝胆手术组】2026-03-18 同组手术以【手术B01】为全价,【手术A01】未见按 50% 以内折价;"
            "经同一切口的第二项及以后手术应折价,请核对是否已折价。"
        )
        assert words == finding.message
        assert "warn" == finding.level

    def test_half_a_quantity_is_discounted(self):
        """The limit is allowed; what is above it by more than a rounded price is not."""
        assert silent(judged(operation("A01"), operation("B01", quantity=0.5)))
        assert ((1,),) == said(judged(operation("A01"), operation("B01", quantity=0.5011)))

    def test_half_an_amount_is_discounted(self):
        """Some senders keep quantity and price and lower the amount."""
        assert silent(judged(operation("A01"), operation("B01", amount=500_0000)))
        assert ((1,),) == said(judged(operation("A01"), operation("B01", amount=501_1000)))

    def test_a_rounded_price_is_no_excess(self):
        """Half of 1325 is 662.5, charged as 663; one yuan is what rounding may do."""
        rounded = operation("B01", 1325, amount=663_0000)

        assert silent(judged(operation("A01", 3000), rounded))
        assert silent(judged(operation("A01"), operation("B01", amount=501_0000)))
        assert ((1,),) == said(judged(operation("A01"), operation("B01", amount=501_0001 + 9999)))

    def test_several_at_half_the_price_each_are_discounted(self):
        """Two of one operation at half the price come to one full price, and to no excess."""
        halves = operation("B01", 400, quantity=2)

        assert silent(judged(operation("A01"), halves, known("B01", 800, begin="2026-02-01")))
        (finding,) = judged(operation("A01", 2000), operation("B01", 800, quantity=2)).findings
        assert (800_0000,) == finding.amounts

    def test_several_without_money_are_several_in_full(self):
        """Their number is no share."""
        bare = a_line("B01", price=None, amount=None, quantity=2 * UNIT)

        assert ((1,),) == said(judged(operation("A01"), bare))

    def test_half_a_price_is_discounted_where_the_full_one_is_known(self):
        """From another charge of the item, of any day; else it looks like the full one."""
        lines = (operation("A01"), operation("B01", 400))

        assert ((1,),) == said(judged(*lines))
        assert silent(judged(*lines, known("B01", 800, begin="2026-02-01")))
        assert silent(judged(*lines, context=recorded(known("B01", 800, begin="2026-02-01", visit="V0"))))

    def test_an_amount_is_worked_out_from_price_and_quantity(self):
        """Where none is sent."""
        assert silent(judged(operation("A01"), operation("B01", quantity=0.5, amount=None)))
        assert ((1,),) == said(judged(operation("A01"), operation("B01", amount=None)))

    def test_a_lower_price_is_seen_without_an_amount_too(self):
        """Worked out from the line's own price, against the highest."""
        lines = (operation("A01"), operation("B01", 400, amount=None))

        assert silent(judged(*lines, known("B01", 800, begin="2026-02-01")))
        assert ((1,),) == said(judged(*lines, known("B01", 797, begin="2026-02-01")))

    def test_without_amount_and_price_the_quantity_tells(self):
        """Though the full price is known from another day."""
        bare = a_line("B01", price=None, amount=None)

        assert ((1,),) == said(judged(operation("A01"), bare, known("B01", 800, begin="2026-02-01")))

    def test_without_a_price_an_amount_tells_nothing(self):
        """There is no full price to hold it against: the quantity tells."""
        half = {"price": None, "amount": 500_0000}

        assert silent(judged(operation("A01"), a_line("B01", quantity=UNIT // 2, **half)))
        assert ((1,),) == said(judged(operation("A01"), a_line("B01", quantity=UNIT, **half)))
        assert ((("line.quantity",), "missing", (0, 1)),) == unread(
            judged(operation("A01"), a_line("B01", quantity=None, **half))
        )

    def test_without_any_price_the_quantity_tells(self):
        """As a share of one."""
        whole, half = ({"price": None, "amount": None, "quantity": quantity} for quantity in (UNIT, UNIT // 2))

        assert silent(judged(a_line("A01", **whole), a_line("B01", **half)))
        assert ((1,),) == said(judged(a_line("A01", **whole), a_line("B01", **whole)))

    def test_a_free_operation_is_discounted(self):
        """Nothing is charged for it."""
        assert silent(judged(operation("A01"), operation("B01", amount=0)))

    def test_without_amount_or_quantity_nobody_knows(self):
        """It may be the second in full."""
        unknown = {"price": None, "amount": None, "quantity": None}
        found = judged(operation("A01"), a_line("B01", **unknown))

        assert ((("line.quantity",), "missing", (0, 1)),) == unread(found)
        assert silent(judged(operation("A01", quantity=0.5), a_line("B01", **unknown)))

    def test_a_part_refund_leaves_a_share(self):
        """Of a whole charge half was given back."""
        lines = (operation("A01"), operation("B01", id="X"), operation("B01", id="X", quantity=-0.5))

        assert silent(judged(*lines))

    def test_another_rate(self):
        """Local: here the second costs four fifths."""
        rule = a_rule("surgery_discount", rate="0.8")

        assert silent(judged(operation("A01"), operation("B01", quantity=0.8), rule=rule))
        (finding,) = judged(operation("A01"), operation("B01", 900), rule=rule).findings
        assert (180_0000,) == finding.amounts
        assert "80%" in finding.message


class TestWhich:
    def test_one_operation_alone_is_in_full(self):
        """Nothing to discount; the same one twice is a matter of frequency."""
        assert silent(judged(operation("A01")))
        assert silent(judged(operation("A01"), operation("A01")))

    def test_another_day_is_another_operation(self):
        """Each day has one in full."""
        assert silent(judged(operation("A01"), operation("B01", begin="2026-03-17 23:59")))

    def test_another_visit_is_another_operation(self):
        """Even of the same day."""
        assert silent(judged(operation("A01"), known("B01", visit="V0")))

    def test_of_equal_prices_the_first_is_in_full(self):
        """By its place."""
        assert ((1, 2),) == said(judged(operation("A01"), operation("B01"), operation("C01")))

    def test_of_equal_prices_and_times_the_id_tells_the_first(self):
        """The order of the lines does not."""
        assert ((0,),) == said(judged(operation("A01", id="b"), operation("B01", id="a")))
        assert ((1,),) == said(judged(operation("A01", id="a"), operation("B01", id="b")))

    def test_the_others_stand_by_time_then_id(self):
        """Not by the places of the lines."""
        lines = (operation("B01", 800, id="c"), operation("C01", 800, id="b"), operation("A01", id="a"))
        rule = a_rule("surgery_discount", name="肝胆手术组", rate="0.5", items="A01|B01|C01")
        (finding,) = judged(*lines, rule=rule).findings

        assert ((0, 1), "【手术C01】、【手术B01】未见折价") == (finding.lines, finding.present)

    def test_the_line_that_stands_for_the_past_is_the_first_by_id(self):
        """Not the first by its place."""
        new = (operation("A01", 2000, id="b"), operation("A01", 2000, id="a"))
        (finding,) = judged(*new, known("B01", 800)).findings

        assert ((1,), (400_0000,)) == (finding.lines, finding.amounts)

    def test_each_further_one_is_named(self):
        """For its own money."""
        lines = (operation("A01", 1000), operation("B01", 3000), operation("C01", 2000))
        (finding,) = judged(*lines).findings

        assert ((0, 2), (1,), (500_0000, 1000_0000)) == (finding.lines, finding.involved, finding.amounts)
        assert "【手术A01】、【手术C01】未见" in finding.message

    def test_a_discounted_one_is_left_out(self):
        """Only those above the rate."""
        (finding,) = judged(operation("A01"), operation("B01"), operation("C01", quantity=0.5)).findings

        assert ((1,), (0,)) == (finding.lines, finding.involved)

    def test_where_only_the_past_was_too_dear_the_new_line_is_named(self):
        """It is the one to look at, for the money of the others."""
        lines = (operation("A01", 3000), known("B01", 1000), known("C01", 2000))
        (finding,) = judged(*lines).findings

        assert ((0,), (1, 2), (1500_0000,)) == (finding.lines, finding.involved, finding.amounts)

    def test_a_fault_of_the_past_is_no_news(self):
        """A discounted operation being saved does not bring it up."""
        assert silent(judged(operation("A01", quantity=0.5), known("B01"), known("C01")))

    def test_one_line_stands_for_the_past(self):
        """The first of those being saved."""
        (finding,) = judged(operation("A01", 3000), operation("A01", 3000), known("B01", 1000)).findings

        assert ((0,), (1, 2), (500_0000,)) == (finding.lines, finding.involved, finding.amounts)
        assert (("day", "2026-03-18"), ("rate", "0.5")) == finding.facts

    def test_a_day_without_news_hides_no_other(self):
        """Nothing on the 17th, two in full on the 18th."""
        lines = (operation("A01", quantity=0.5, begin="2026-03-17"), operation("A01"), operation("B01"))

        assert ((2,),) == said(judged(*lines))

    def test_each_day_is_said_by_itself(self):
        """Two days, two findings."""
        lines = (*(operation(item) for item in ("A01", "B01")),)
        before = tuple(operation(item, begin="2026-03-17") for item in ("A01", "B01"))

        assert [(1,), (3,)] == sorted(said(judged(*lines, *before)))

    def test_a_line_without_a_name_goes_by_the_groups(self):
        """Never a bare code."""
        (finding,) = judged(operation("A01", name=""), operation("B01", name="")).findings

        assert "以【肝胆手术组】为全价,【肝胆手术组】未见" in finding.message


class TestUnread:
    def test_an_undated_line_may_be_of_the_day(self):
        """Another operation of the group whose day is unknown."""
        found = judged(operation("A01"), past(None, "B01"))

        assert ((("line.time",), "missing", (0,)),) == unread(found)

    def test_it_matters_only_where_it_would_decide(self):
        """A discounted line needs no second look; the same item is no second operation."""
        assert silent(judged(operation("A01"), past(None, "A01")))
        assert ((0,),) == said(judged(operation("A01"), known("B01", 2000), past(None, "C01")))
        assert silent(judged(operation("A01", quantity=0.5), past(None, "B01"), past(None, "C01")))

    def test_a_new_line_of_unknown_share_beside_two_of_the_past(self):
        """They are no news; the new one may be a third."""
        unknown = a_line("C01", price=None, amount=None, quantity=None)
        found = judged(unknown, known("A01"), known("B01"))

        assert () == found.findings
        assert ((("line.quantity",), "missing", (0,)),) == unread(found)

    def test_all_that_would_tell_is_named(self):
        """A share and a day."""
        unknown = a_line("B01", price=None, amount=None, quantity=None)
        found = judged(operation("A01"), unknown, past(None, "C01"))

        assert ((("line.quantity", "line.time"), "missing", (0, 1)),) == unread(found)

    def test_an_unknown_share_belongs_to_its_day(self):
        """It does not trouble another day's operation."""
        unknown = a_line("B01", current=False, begin=at("2026-03-17"), price=None, amount=None, quantity=None)

        assert silent(judged(operation("A01"), unknown))


def test_self_pay_does_not_clear_it():
    """It moves the excess to the patient (ruling 1)."""
    assert ((1,),) == said(judged(operation("A01"), operation("B01", self_paid=True, consent=True)))


def test_what_is_being_saved_speaks():
    """Two operations of the past are not news."""
    lines = (a_line("003199990000000"), known("A01"), known("B01"))

    assert silent(judged(*lines))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"items": "A01"}, "at least 2 items"),
        ({"rate": "1"}, "less than 10000"),
        ({"rate": "0"}, "greater than 0"),
        ({"rate": ""}, "Field required"),
        ({"group": ""}, "Field required"),
    ],
)
def test_a_row_that_makes_no_sense_is_a_fault(columns, words):
    """A group has two members, and a rate lies between nothing and the whole."""
    with pytest.raises(ValueError, match=words):
        a_rule("surgery_discount", **columns)
