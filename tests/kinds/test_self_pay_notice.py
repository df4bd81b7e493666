"""Self-pay notice: the patient's share and the fee class of each line."""

import pytest

from tests.builders import UNIT, a_line, a_rule, an_encounter, past, said, silent, unread, verdict

RULE = a_rule("self_pay_notice", items="A*", min_ratio="0.3", name="自付提示")
OPTIONAL = a_rule("self_pay_notice", items="A*", min_ratio="0.3", name="自付提示", always_sent="false")
RESIDENTS = a_rule("self_pay_notice", min_ratio="0.2", ratio="0.2", insurances="390|391", name="心脏起搏器")


def paid(fee_class=None, ratio=None, **changes):
    return a_line(fee_class=fee_class, self_pay_ratio=ratio, **changes)


class TestSelfPayNotice:
    @pytest.mark.parametrize(("fee_class", "ratio"), [("乙", 2999), (None, 0), ("甲", None), ("甲", 0)])
    def test_a_small_share_is_silent(self, fee_class, ratio):
        """Just below the share, and class 甲, of which the patient bears nothing first."""
        assert silent(verdict(an_encounter(paid(fee_class, ratio)), RULE))

    def test_a_share_from_the_limit_up_speaks(self):
        """With class, share and money, and nothing at stake."""
        found = verdict(an_encounter(paid("乙", 3000, name="进口支架", amount=123_456_700)), RULE)

        (finding,) = found.findings
        words = "【自付提示】进口支架属乙类,患者先行自付 30%,约 3703.7 元;请事先告知患者。"
        assert words == finding.message
        assert ("自付 30% 起提示", "属乙类,患者先行自付 30%,约 3703.7 元") == (finding.limit, finding.present)
        assert (("line.fee_class", "乙"), ("line.self_pay_ratio", "30%")) == finding.facts
        assert ((0,), 0) == (finding.amounts, found.amount)

    def test_a_share_without_a_class_speaks(self):
        """What is not known is left out; an unknown amount too."""
        (finding,) = verdict(an_encounter(paid(None, 3550, amount=None, price=None)), RULE).findings

        assert "【自付提示】患者先行自付 35.5%;请事先告知患者。" == finding.message
        assert (("line.fee_class", ""), ("line.self_pay_ratio", "35.5%")) == finding.facts

    @pytest.mark.parametrize("ratio", [None, 0, 1000, UNIT])
    def test_class_c_is_paid_whole(self, ratio):
        """丙: the patient bears all, whatever share was sent, and signs for it."""
        (finding,) = verdict(an_encounter(paid("丙", ratio, amount=12 * UNIT)), RULE).findings

        assert "【自付提示】属丙类,患者全部自费,约 12 元;请事先告知患者,并签署自费知情同意。" == finding.message

    @pytest.mark.parametrize(
        ("amount", "money"), [(10_049, "0.3"), (10_350, "0.31"), (10_150, "0.3"), (10_167, "0.31")]
    )
    def test_money_is_rounded_to_cents(self, amount, money):
        """Half a 分 rounds up."""
        (finding,) = verdict(an_encounter(paid("乙", 3000, amount=amount)), RULE).findings

        assert f"属乙类,患者先行自付 30%,约 {money} 元" == finding.present

    def test_each_item_for_itself(self):
        """One finding per item and share that has something to say, with what its lines come to."""
        lines = (
            paid("乙", 4000, name="支架", amount=100 * UNIT),
            paid("乙", 1000, name="导管"),
            paid("丙"),
            paid("乙", 4000, name="支架", amount=50 * UNIT),
            paid("乙", 4000, item="A02", name="支架"),
            paid("乙", 4000, name="球囊"),
            paid("乙", 5000, name="支架"),
        )
        found = verdict(an_encounter(*lines), RULE)

        assert ((0, 3), (2,), (4,), (5,), (6,)) == said(found)
        assert "属乙类,患者先行自付 40%,约 60 元" == found.findings[0].present
        assert ((0, 0), 0) == (found.findings[0].amounts, found.amount)

    def test_an_item_is_not_named_twice(self):
        """A rule about one item already says its name."""
        (finding,) = verdict(an_encounter(paid("乙", 5000, name="自付提示", amount=0)), RULE).findings

        assert "属乙类,患者先行自付 50%" == finding.present

    @pytest.mark.parametrize("fee_class", ["乙", None])
    def test_an_unknown_share_is_not_checked(self, fee_class):
        """Said once; not at all where the row calls the share optional."""
        encounter = an_encounter(paid(fee_class), paid("乙", 1000), paid(fee_class))

        assert ((("line.self_pay_ratio",), "missing", (0, 2)),) == unread(verdict(encounter, RULE))
        assert silent(verdict(encounter, OPTIONAL))

    def test_what_is_sent_counts_though_it_is_optional(self):
        """The share is there."""
        assert ((0,),) == said(verdict(an_encounter(paid("乙", 3000)), OPTIONAL))

    def test_only_what_is_ordered_now(self):
        """Known lines and reversals were told before."""
        lines = (past("2026-03-17", fee_class="丙"), paid("丙", quantity=-UNIT), paid("甲", 0))

        assert silent(verdict(an_encounter(*lines), RULE))

    def test_it_tells_those_who_pay_themselves(self):
        """They most of all need to know."""
        assert ((0,),) == said(verdict(an_encounter(paid("丙", self_paid=True)), RULE))

    def test_what_the_patient_pays_anyway_is_borne_whole(self):
        """The catalogue's share says whether to speak, not what is paid."""
        line = paid("乙", 3000, self_paid=True, amount=12 * UNIT)
        (finding,) = verdict(an_encounter(line), RULE).findings

        words = "【自付提示】属乙类,患者全部自费,约 12 元;请事先告知患者,并签署自费知情同意。"
        assert words == finding.message
        assert ("line.self_pay_ratio", "100%") == finding.facts[1]
        assert silent(verdict(an_encounter(paid("乙", 2999, self_paid=True)), RULE))
        assert silent(verdict(an_encounter(paid(None, None, self_paid=True)), OPTIONAL))

    def test_a_signed_consent_is_not_asked_for_again(self):
        """Refused or not sent, it still is."""
        lines = (paid("丙", name=name, consent=consent) for name, consent in (("甲", True), ("乙", False)))
        signed, refused = verdict(an_encounter(*lines), RULE).findings

        assert signed.message.endswith("请事先告知患者。")
        assert refused.message.endswith("请事先告知患者,并签署自费知情同意。")


class TestOwnShare:
    @pytest.mark.parametrize("ratio", [None, 500, UNIT])
    def test_the_rows_share_stands_above_the_lines(self, ratio):
        """城乡居民: the share that local policy sets for them."""
        (finding,) = verdict(an_encounter(paid(None, ratio), insurance="390"), RESIDENTS).findings

        assert "【心脏起搏器】患者先行自付 20%,约 2 元;请事先告知患者。" == finding.message

    def test_class_c_stays_paid_whole(self):
        """No share helps an item outside the catalogue."""
        (finding,) = verdict(an_encounter(paid("丙"), insurance="390"), RESIDENTS).findings

        assert ("line.self_pay_ratio", "100%") == finding.facts[1]

    def test_it_speaks_for_its_insurances_only(self):
        """An employee's share is another matter; an unknown insurance is not checked."""
        assert silent(verdict(an_encounter(insurance="310"), RESIDENTS))
        assert ((("visit.insurance",), "missing", (0,)),) == unread(verdict(an_encounter(insurance=None), RESIDENTS))

    @pytest.mark.parametrize("cell", ["0", "1.0001"])
    def test_shares_are_parts_of_a_whole(self, cell):
        """Above nothing, up to everything."""
        with pytest.raises(ValueError, match="min_ratio"):
            a_rule("self_pay_notice", min_ratio=cell)
        with pytest.raises(ValueError, match="ratio"):
            a_rule("self_pay_notice", min_ratio="0.0001", ratio=cell)
        smallest = a_rule("self_pay_notice", min_ratio="0.0001", ratio="0.0001")
        whole = a_rule("self_pay_notice", min_ratio="1", ratio="1")
        assert (1, 1, UNIT, UNIT) == (smallest.min_ratio, smallest.ratio, whole.min_ratio, whole.ratio)

    def test_the_smallest_share_counts(self):
        """And class 甲 without a share has not even that."""
        rule = a_rule("self_pay_notice", items="A*", min_ratio="0.0001")

        assert ((0,),) == said(verdict(an_encounter(paid("乙", 1), paid("甲")), rule))

    def test_a_share_below_the_limit_is_a_fault(self):
        """Such a row would never speak."""
        with pytest.raises(ValueError, match="below min_ratio"):
            a_rule("self_pay_notice", min_ratio="0.2", ratio="0.1999")
        assert 2000 == a_rule("self_pay_notice", min_ratio="0.2", ratio="0.2").ratio
