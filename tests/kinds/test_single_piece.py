"""Single piece: judged over all pieces of the prescription, the unlisted one being what makes it a compound."""

import pytest

from tests.builders import a_line, a_rule, an_encounter, at, past, said, silent, unread, verdict

ASTRAGALUS, ANGELICA, WOLFBERRY = "T001700368", "T001700173", "T001700294"
CODONOPSIS = "T001700999"
RULE = a_rule("single_piece", items=f"{ASTRAGALUS}|{ANGELICA}|{WOLFBERRY}|H0001", name="单味不予支付饮片")


def piece(item=ASTRAGALUS, number="P1", **changes):
    return a_line(item, **({"prescription": number, "unit": "g"} | changes))


def known(begin, item, number="P1", **changes):
    return past(begin, item, prescription=number, **changes)


def judged(*lines, **changes):
    return verdict(an_encounter(*lines, **changes), RULE)


class TestPrescription:
    def test_one_listed_piece_fires(self):
        """At settlement nothing more comes: the single piece is not paid for."""
        (finding,) = judged(piece(), scenes=("7",)).findings

        assert ((0,), "block") == (finding.lines, finding.level)

    def test_listed_pieces_only_fire(self):
        """A prescription of nothing but listed pieces is no compound (audit rules, 7 point 2)."""
        (finding,) = judged(piece(), piece(ANGELICA)).findings

        assert ((0, 1), "block") == (finding.lines, finding.level)

    @pytest.mark.parametrize("changes", [{}, {"self_paid": True}])
    def test_one_unlisted_piece_makes_a_compound(self, changes):
        """Whoever pays for it, the prescription is a compound."""
        assert silent(judged(piece(), piece(ANGELICA), piece(CODONOPSIS, **changes)))

    def test_an_unlisted_piece_alone_is_silent(self):
        """Only listed pieces are limited."""
        assert silent(judged(piece(CODONOPSIS)))

    def test_each_number_is_a_prescription(self):
        """A compound beside it does not help a single piece."""
        lines = (piece(), piece(ANGELICA, "P2"), piece(CODONOPSIS, "P2"))

        assert ((0,),) == said(judged(*lines))

    def test_other_drugs_of_the_prescription_do_not_count(self):
        """Pieces are prescribed on their own; a tablet of the same number is none."""
        assert ((0,),) == said(judged(piece(), piece("XA02BCA348X006000000000")))

    def test_the_rule_may_list_a_hospitals_own_codes(self):
        """A local code that the row names is a listed piece."""
        assert ((0, 1),) == said(judged(piece("H0001"), piece()))

    def test_a_piece_taken_back_is_gone(self):
        """A refunded unlisted piece leaves a single one."""
        lines = (piece(), piece(CODONOPSIS, id="L9"), piece(CODONOPSIS, id="L9", quantity=-1_0000))

        assert ((0,),) == said(judged(*lines))


class TestHistory:
    def test_a_known_unlisted_piece_of_the_same_number_counts(self):
        """A prescription entered in parts is one prescription."""
        assert silent(judged(piece(), known("2026-03-17", CODONOPSIS)))

    def test_a_known_listed_piece_stands_beside(self):
        """What was saved before is named, what is being saved is at fault; entered line by line, more may come."""
        (finding,) = judged(piece(), known("2026-03-17", ANGELICA)).findings

        assert ((0,), (1,), "warn") == (finding.lines, finding.involved, finding.level)

    def test_the_number_of_another_visit_is_another_prescription(self):
        """Numbers may start again."""
        assert ((0,),) == said(judged(piece(), known("2026-03-17", CODONOPSIS, visit="V0")))


class TestWithoutNumber:
    def test_current_pieces_without_numbers_are_one_prescription(self):
        """None of the message carries a number."""
        assert ((0, 1),) == said(judged(piece(number=None), piece(ANGELICA, None)))
        assert silent(judged(piece(number=None), piece(CODONOPSIS, "")))

    def test_beside_a_numbered_unlisted_piece_it_is_not_checked(self):
        """The piece without a number may belong to that prescription."""
        found = judged(piece(number=None), piece(CODONOPSIS))

        assert ((("line.prescription",), "missing", (0,)),) == unread(found)

    def test_beside_a_numbered_listed_piece_it_fires(self):
        """However they belong together, all pieces are listed."""
        assert ((0,), (1,)) == said(judged(piece(number=None), piece(ANGELICA)))

    def test_a_numbered_piece_of_another_day_is_another_matter(self):
        """One prescription is written on one day."""
        lines = (piece(number=None), piece(CODONOPSIS, begin=at("2026-03-17 10:00")))

        assert ((0,),) == said(judged(*lines))

    @pytest.mark.parametrize("begin", ["2026-03-18", None])
    def test_a_known_piece_of_the_day_without_number_may_belong_to_it(self, begin):
        """Entered line by line without numbers, nobody can tell."""
        found = judged(piece(number=None), known(begin, CODONOPSIS, None))

        assert ((("line.prescription",), "missing", (0,)),) == unread(found)
        assert () == found.findings

    @pytest.mark.parametrize(("begin", "number"), [("2026-03-17", None), ("2026-03-18", "P2")])
    def test_a_known_piece_of_another_day_or_number_does_not(self, begin, number):
        """It is another prescription's."""
        assert ((0,),) == said(judged(piece(number=None), known(begin, CODONOPSIS, number)))

    def test_a_known_piece_of_another_visit_does_not(self):
        """Another visit's piece is another prescription's."""
        assert ((0,),) == said(judged(piece(number=None), known("2026-03-18", CODONOPSIS, None, visit="V0")))


class TestUnread:
    def rule_gaps(self, *lines):
        found = judged(*lines)
        gaps = tuple((entry.fields, entry.reason, entry.lines) for entry in found.not_checked if entry.rule == "R1")
        return gaps, said(found)

    @pytest.mark.parametrize("changes", [{}, {"category": None}, {"quantity": None}])
    def test_a_line_nobody_can_recognise_may_be_another_piece(self, changes):
        """A local code without mapping is not checked, never fired."""
        assert (((("line.item",), "unmapped", (0,)),), ()) == self.rule_gaps(piece(), piece("LOCAL7", **changes))

    @pytest.mark.parametrize(
        "stranger",
        [
            piece("LOCAL7", category="service"),
            piece("LOCAL7", quantity=0),
            piece("LOCAL7", "P2"),
            piece("LOCAL7", visit="V0"),
            piece("LOCAL7", None, current=False),
        ],
    )
    def test_a_line_that_cannot_be_a_piece_of_it_does_not_matter(self, stranger):
        """A service, a line of nothing, another prescription's or another visit's."""
        assert ((), ((0,),)) == self.rule_gaps(piece(), stranger)

    def test_a_known_line_without_number_is_none_of_the_message(self):
        """Only current lines without a number are read together."""
        assert ((), ((0,),)) == self.rule_gaps(piece(number=None), piece("LOCAL7", None, current=False))

    def test_an_unread_line_does_not_matter_to_a_compound(self):
        """The prescription holds an unlisted piece already."""
        assert ((), ()) == self.rule_gaps(piece(), piece(CODONOPSIS), piece("LOCAL7"))


class TestLevel:
    @pytest.mark.parametrize("scene", ["2", "4", "5"])
    def test_a_prescription_just_begun_is_only_warned_about(self, scene):
        """Pieces may be entered line by line: more may come."""
        (finding,) = judged(piece(), scenes=(scene,)).findings

        assert "warn" == finding.level

    @pytest.mark.parametrize("scene", ["6", "7", "8", "9", "10"])
    def test_at_settlement_the_prescription_is_complete(self, scene):
        """Nothing more is written then."""
        (finding,) = judged(piece(), scenes=(scene,)).findings

        assert "block" == finding.level

    def test_a_piece_written_twice_is_one_kind_but_no_beginning(self):
        """Two lines of one piece: single, and saved as it is."""
        (finding,) = judged(piece(), piece()).findings

        assert ("block", "1") == (finding.level, dict(finding.facts)["pieces"])

    def test_an_unknown_payer_is_warned_about_at_most(self):
        """Ruling 2."""
        (finding,) = judged(piece(), piece(ANGELICA, self_paid=None)).findings

        assert "warn" == finding.level

    def test_the_payer_of_known_lines_does_not_matter(self):
        """Only what is being saved is at stake."""
        lines = (piece(), piece(WOLFBERRY), known("2026-03-17", ANGELICA, self_paid=None))
        (finding,) = judged(*lines).findings

        assert "block" == finding.level

    def test_self_paid_pieces_are_not_at_fault(self):
        """What the patient pays is none of the fund's business; it still stands in the prescription."""
        assert silent(judged(piece(self_paid=True)))
        (finding,) = judged(piece(), piece(ANGELICA, self_paid=True)).findings
        assert ((0,), (1,)) == (finding.lines, finding.involved)


class TestWords:
    def test_a_single_piece(self):
        """The piece is named."""
        (finding,) = judged(piece(name="黄芪")).findings

        words = "【单味不予支付饮片】本方仅有黄芪一味,单味使用不予支付;请按复方配伍,或经患者同意后自费。"
        assert words == finding.message
        assert "复方配伍使用" == finding.allowed
        assert (("pieces", "1"), ("names", "黄芪")) == finding.facts

    def test_several_pieces(self):
        """All are named, each once."""
        (finding,) = judged(piece(name="黄芪"), piece(ANGELICA, name="当归"), piece(ANGELICA, name="当归")).findings

        words = (
            "【单味不予支付饮片】本方2味(黄芪、当归)均在单方不予支付之列,"
            "全部由此类饮片组成的处方不予支付;请按复方配伍,或经患者同意后自费。"
        )
        assert words == finding.message
