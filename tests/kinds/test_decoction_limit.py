"""Decoction limit: kinds, doses and grams of a prescription; what only several prescriptions hold is not checked."""

import pytest

from tests.builders import a_line, a_rule, a_word, an_encounter, at, past, said, silent, unread, verdict

SCORPION, CENTIPEDE, ASARUM, LICORICE = "T001500639", "T001500640", "T001500641", "T001500642"
LOCAL = "LOCAL7"


def limit(measure, most, **columns):
    return a_rule("decoction_limit", measure=measure, max=most, **({"items": "T*", "name": "饮片处方"} | columns))


def piece(item=SCORPION, number="P1", **changes):
    return a_line(item, **({"prescription": number, "dose": 3_0000, "dose_unit": "g", "doses": 7} | changes))


def gaps(found):
    return tuple((entry.fields, entry.reason, entry.lines) for entry in found.not_checked if entry.rule == "R1")


class TestKinds:
    RULE = limit("kinds", "2")

    def test_the_limit_itself_is_silent(self):
        """Two are two, however many lines they stand on."""
        assert silent(verdict(an_encounter(piece(), piece(CENTIPEDE), piece(CENTIPEDE)), self.RULE))

    def test_one_more_fires_on_all_of_them(self):
        """Any of them may be left out."""
        (finding,) = verdict(an_encounter(piece(), piece(CENTIPEDE), piece(ASARUM)), self.RULE).findings

        assert ("TOO_MANY_PIECES", (0, 1, 2)) == (finding.code, finding.lines)

    def test_known_lines_of_the_number_count(self):
        """A prescription entered in parts is one prescription."""
        lines = (piece(), piece(CENTIPEDE), past("2026-03-18", ASARUM, prescription="P1"))
        (finding,) = verdict(an_encounter(*lines), self.RULE).findings

        assert ((0, 1), (2,)) == (finding.lines, finding.involved)

    def test_each_day_of_a_number_counts_by_itself(self):
        """Some senders write one number on all of a stay; an unread line counts on its own day."""
        lines = (piece(), piece(CENTIPEDE), piece(ASARUM, begin=at("2026-03-17")), piece(LOCAL, begin=at("2026-03-17")))

        assert () == gaps(verdict(an_encounter(*lines), self.RULE))
        assert () == said(verdict(an_encounter(*lines), self.RULE))
        found = verdict(an_encounter(*lines, piece(LOCAL)), self.RULE)
        assert ((("line.item",), "unmapped", (0, 1)),) == gaps(found)

    def test_each_number_is_a_prescription(self):
        """Two prescriptions hold their own."""
        assert silent(verdict(an_encounter(piece(), piece(CENTIPEDE), piece(ASARUM, "P2")), self.RULE))

    def test_without_numbers_too_many_are_not_checked(self):
        """They may be two prescriptions; few enough are few enough either way."""
        lines = (piece(number=None), piece(CENTIPEDE, None), piece(ASARUM, None))

        assert ((("line.prescription",), "missing", (0, 1, 2)),) == unread(verdict(an_encounter(*lines), self.RULE))
        assert silent(verdict(an_encounter(*lines[:2]), self.RULE))

    def test_an_unread_line_may_be_one_too_many(self):
        """Only where it would decide."""
        decides = verdict(an_encounter(piece(), piece(CENTIPEDE), piece(LOCAL)), self.RULE)
        room = verdict(an_encounter(piece(), piece(LOCAL)), self.RULE)
        over = verdict(an_encounter(piece(), piece(CENTIPEDE), piece(ASARUM), piece(LOCAL)), self.RULE)

        assert (((("line.item",), "unmapped", (0, 1)),), ()) == (gaps(decides), said(decides))
        assert ((), ()) == (gaps(room), said(room))
        assert ((), ((0, 1, 2),)) == (gaps(over), said(over))

    def test_the_message(self):
        """What the prescription holds, and what is allowed."""
        (finding,) = verdict(an_encounter(piece(), piece(CENTIPEDE), piece(ASARUM)), self.RULE).findings

        assert "【饮片处方】本方 3 味,限 2 味;请减至 2 味以内,确有需要请注明理由。" == finding.message
        assert ("本方限 2 味", "2 味以内") == (finding.limit, finding.allowed)
        assert (("measure", "kinds"), ("present", "3"), ("max", "2")) == finding.facts

    def test_a_row_that_could_never_speak_is_refused(self):
        """Two codes never make three pieces."""
        with pytest.raises(ValueError, match="never speak"):
            limit("kinds", "2", items=f"{SCORPION}|{CENTIPEDE}")
        assert limit("kinds", "1", items=f"{SCORPION}|{CENTIPEDE}")

    @pytest.mark.parametrize(("most", "fits"), [("0", False), ("0.0001", True)])
    def test_a_limit_is_more_than_nothing(self, most, fits):
        """A limit of nothing is another kind's matter."""
        if fits:
            assert 1 == limit("piece_grams", most).max
        else:
            with pytest.raises(ValueError, match="greater than 0"):
                limit("piece_grams", most)


class TestDoses:
    RULE = limit("doses", "7")

    def test_the_limit_itself_is_silent(self):
        """Seven doses are seven."""
        assert silent(verdict(an_encounter(piece(), piece(CENTIPEDE)), self.RULE))

    def test_one_more_fires(self):
        """On every line that says so."""
        (finding,) = verdict(an_encounter(piece(doses=8), piece(CENTIPEDE, doses=8)), self.RULE).findings

        assert ("TOO_MANY_DOSES", (0, 1)) == (finding.code, finding.lines)
        assert "【饮片处方】本方 8 付,限 7 付;请减至 7 付以内,确有需要请注明理由。" == finding.message

    @pytest.mark.parametrize(("back", "fires"), [(7_0000, False), (6_9999, True), (6_0000, True)])
    def test_doses_taken_back_do_not_count(self, back, fires):
        """Fourteen doses, half of them returned, are seven."""
        lines = (piece(doses=14, quantity=14_0000, id="X"), piece(quantity=-back, id="X", doses=None))

        assert fires == bool(verdict(an_encounter(*lines), self.RULE).findings)

    def test_one_line_tells_for_its_number(self):
        """The doses are the prescription's."""
        assert ((0, 1),) == said(verdict(an_encounter(piece(doses=8), piece(CENTIPEDE, doses=None)), self.RULE))
        assert silent(verdict(an_encounter(piece(), piece(CENTIPEDE, doses=0)), self.RULE))

    def test_without_number_each_line_tells_for_itself(self):
        """Another prescription's doses say nothing of this one's."""
        lines = (piece(number=None, doses=8), piece(CENTIPEDE, None, doses=None), piece(ASARUM, None))
        found = verdict(an_encounter(*lines), self.RULE)

        assert ((0,),) == said(found)
        assert ((("line.doses",), "missing", (1,)),) == unread(found)
        assert (1, 2) == found.findings[0].involved

    def test_unknown_doses_are_not_checked(self):
        """Nobody tells them."""
        found = verdict(an_encounter(piece(doses=None), piece(CENTIPEDE, doses=None)), self.RULE)

        assert ((("line.doses",), "missing", (0, 1)),) == unread(found)

    def test_a_known_line_tells_and_is_not_at_fault(self):
        """Only what is being saved can be changed."""
        lines = (piece(doses=None), past("2026-03-18", CENTIPEDE, prescription="P1", doses=8))
        (finding,) = verdict(an_encounter(*lines), self.RULE).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)

    def test_part_of_a_dose_is_refused(self):
        """Pieces and doses are counted whole."""
        with pytest.raises(ValueError, match="whole numbers"):
            limit("doses", "7.5")
        with pytest.raises(ValueError, match="whole numbers"):
            limit("kinds", "7.5")


class TestPieceGrams:
    RULE = limit("piece_grams", "6", items=f"{SCORPION}|{CENTIPEDE}|H0007", name="有毒饮片")

    def test_the_limit_itself_is_silent(self):
        """Six grams a dose are allowed, whatever the other pieces weigh."""
        assert silent(verdict(an_encounter(piece(dose=6_0000), piece(LICORICE, dose=30_0000)), self.RULE))

    def test_a_little_more_fires(self):
        """Each piece by itself."""
        (finding,) = verdict(an_encounter(piece(dose=6_0001, name="全蝎"), piece(CENTIPEDE)), self.RULE).findings

        assert ("PIECE_OVERDOSE", (0,), ()) == (finding.code, finding.lines, finding.involved)
        words = "【有毒饮片】全蝎每付 6.0001 克,限 6 克;请减至 6 克以内,确有需要请注明理由。"
        assert words == finding.message

    def test_a_piece_written_twice_counts_together(self):
        """Within one number."""
        lines = (piece(dose=4_0000), past("2026-03-18", SCORPION, prescription="P1", dose=3_0000, dose_unit="g"))
        (finding,) = verdict(an_encounter(*lines), self.RULE).findings

        assert ((0,), (1,)) == (finding.lines, finding.involved)

    def test_without_number_each_line_stands_alone(self):
        """The same piece again may be another prescription's."""
        lines = (piece(number=None, dose=4_0000), piece(number=None, dose=7_0000))

        assert ((1,),) == said(verdict(an_encounter(*lines), self.RULE))

    @pytest.mark.parametrize(
        ("changes", "gap"),
        [
            ({"dose": None, "doses": None}, (("line.dose",), "missing")),
            ({"dose": None, "doses": 0}, (("line.dose",), "missing")),
            ({"dose": None, "quantity": None}, (("line.dose",), "missing")),
            ({"dose_unit": None}, (("line.dose_unit",), "missing")),
            ({"dose_unit": "袋"}, (("line.dose_unit",), "unmapped")),
            ({"dose": None, "unit": "包"}, (("line.unit",), "unmapped")),
            ({"dose": None, "unit": None}, (("line.unit",), "missing")),
        ],
    )
    def test_unknown_grams_are_not_checked(self, changes, gap):
        """Weight, unit and doses must be read."""
        found = verdict(an_encounter(piece(CENTIPEDE), piece(**changes)), self.RULE)

        assert ((*gap, (1,)),) == unread(found)

    @pytest.mark.parametrize("dose", [6_0000, 5_9999])
    def test_what_is_known_may_reach_the_limit(self, dose):
        """And the unknown line may exceed it."""
        found = verdict(an_encounter(piece(dose=dose), piece(dose_unit=None)), self.RULE)

        assert ((("line.dose_unit",), "missing", (0, 1)),) == unread(found)

    def test_a_gap_of_several_pieces_is_said_once(self):
        """The national message carries no doses: not one remark for each of thirty pieces."""
        found = verdict(an_encounter(piece(dose=None, doses=None), piece(CENTIPEDE, dose=None, doses=None)), self.RULE)

        assert ((("line.dose",), "missing", (0, 1)),) == unread(found)

    def test_a_piece_charged_day_by_day_is_not_added_up(self):
        """A stay charges one dose a day under one number; at settlement all of them are current."""
        lines = [piece(dose=6_0000, doses=1, begin=at(f"2026-03-{day} 08:00")) for day in (16, 17, 18)]

        assert silent(verdict(an_encounter(*lines), self.RULE))
        (finding,) = verdict(an_encounter(*lines, piece(dose=1_0000)), self.RULE).findings
        assert ((2, 3), ()) == (finding.lines, finding.involved)

    def test_a_known_piece_without_a_day_may_be_of_any(self):
        """It counts beside those of each day."""
        known = past(None, SCORPION, prescription="P1", dose=3_0000, dose_unit="g")
        lines = [piece(dose=4_0000, begin=at(f"2026-03-{day} 08:00")) for day in (17, 18)]
        found = verdict(an_encounter(known, *lines), self.RULE)

        assert [((1,), (0,)), ((2,), (0,))] == [(finding.lines, finding.involved) for finding in found.findings]

    def test_the_first_gap_is_named(self):
        """One is enough to say why."""
        found = verdict(an_encounter(piece(dose=None, doses=None), piece(dose_unit="袋")), self.RULE)

        assert ((("line.dose",), "missing", (0, 1)),) == unread(found)

    def test_what_is_known_may_exceed_already(self):
        """The unknown line would only add."""
        lines = (piece(dose=7_0000), piece(dose_unit=None))

        assert ((0, 1),) == said(verdict(an_encounter(*lines), self.RULE))

    def test_a_known_line_without_weight_leaves_the_sum_unknown(self):
        """The gap is of what is being saved."""
        lines = (piece(), past("2026-03-18", SCORPION, prescription="P1"))

        assert ((("line.dose",), "missing", (0,)),) == unread(verdict(an_encounter(*lines), self.RULE))

    def test_known_pieces_alone_are_not_judged(self):
        """Another piece of the prescription is being saved, not this one."""
        lines = (piece(), past("2026-03-18", CENTIPEDE, prescription="P1", dose=9_0000, dose_unit="g"))

        assert silent(verdict(an_encounter(*lines), self.RULE))


class TestUnits:
    RULE = limit("piece_grams", "6")

    @pytest.mark.parametrize(
        ("dose", "unit", "fires"),
        [
            (6_0000, "克", False),
            (6_0001, "G", True),
            (6000_0000, "mg", False),
            (6000_0000, "毫克", False),
            (6001_0000, "毫克", True),
            (2_0000, "钱", False),
            (2_0001, "钱", True),
        ],
    )
    def test_a_dose_is_read_in_grams(self, dose, unit, fires):
        """Grams and milligrams mean themselves; the dictionary knows the rest."""
        words = (a_word("unit", "钱", "3000 mg"),)

        assert fires == bool(verdict(an_encounter(piece(dose=dose, dose_unit=unit)), self.RULE, words=words).findings)

    @pytest.mark.parametrize(("quantity", "fires"), [(42_0000, False), (42_0007, True)])
    def test_quantity_over_doses_is_a_dose(self, quantity, fires):
        """Seven doses of six grams are 42 grams in all."""
        line = piece(dose=None, quantity=quantity, unit="g")

        assert fires == bool(verdict(an_encounter(line), self.RULE).findings)

    def test_a_unit_of_something_else_is_unmapped(self):
        """A dictionary that counts pieces says nothing of grams."""
        found = verdict(an_encounter(piece(dose_unit="条")), self.RULE, words=(a_word("unit", "条", "1 条"),))

        assert ((("line.dose_unit",), "unmapped", (0,)),) == unread(found)


class TestDoseGrams:
    RULE = limit("dose_grams", "10")

    def test_the_limit_itself_is_silent(self):
        """Ten grams in one dose."""
        assert silent(verdict(an_encounter(piece(), piece(CENTIPEDE, dose=7_0000)), self.RULE))

    def test_a_little_more_fires(self):
        """All pieces of the prescription together."""
        (finding,) = verdict(an_encounter(piece(), piece(CENTIPEDE, dose=7_0001)), self.RULE).findings

        assert ("DECOCTION_TOO_HEAVY", (0, 1)) == (finding.code, finding.lines)
        words = "【饮片处方】每付共 10.0001 克,限 10 克;请减至 10 克以内,确有需要请注明理由。"
        assert words == finding.message

    def test_an_unknown_weight_leaves_the_sum_unknown(self):
        """Unless the known ones exceed already."""
        found = verdict(an_encounter(piece(dose=10_0000), piece(CENTIPEDE, dose_unit="袋")), self.RULE)

        assert ((("line.dose_unit",), "unmapped", (0, 1)),) == unread(found)
        assert ((0, 1),) == said(
            verdict(an_encounter(piece(dose=11_0000), piece(CENTIPEDE, dose_unit="袋")), self.RULE)
        )

    def test_an_unread_line_leaves_the_sum_unknown(self):
        """It may weigh anything."""
        found = verdict(an_encounter(piece(), piece(LOCAL)), self.RULE)

        assert ((("line.item",), "unmapped", (0,)),) == gaps(found)

    def test_without_numbers_too_much_is_not_checked(self):
        """It may be two prescriptions."""
        lines = (piece(number=None), piece(CENTIPEDE, None, dose=8_0000))

        assert ((("line.prescription",), "missing", (0, 1)),) == unread(verdict(an_encounter(*lines), self.RULE))


def test_self_pay_clears_a_payment_row_only():
    """A safety row speaks whoever pays (ruling 1)."""
    lines = (piece(doses=9, self_paid=True),)

    assert ((0,),) == said(verdict(an_encounter(*lines), limit("doses", "7")))
    assert silent(verdict(an_encounter(*lines), limit("doses", "7", scope="payment")))


def test_an_item_the_row_does_not_name_is_not_counted():
    """A tablet of the same number is no piece, and a piece taken back is gone."""
    lines = (
        piece(),
        piece("XA02BCA348X006000000000"),
        piece(CENTIPEDE, id="L9"),
        piece(CENTIPEDE, id="L9", quantity=-1_0000),
    )

    assert silent(verdict(an_encounter(*lines), limit("kinds", "1")))
