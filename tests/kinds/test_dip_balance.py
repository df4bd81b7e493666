"""Cost against the reference standard: near it, beyond it by this order or before, who hears it, what is not known."""

import pytest

from rules.model import Overlay
from tests.builders import a_rule, icd, replace, silent, unread, verdict
from tests.kinds.dip_facts import YUAN, a_patient, a_result, a_standing, lost, told

RULE = a_rule("dip_balance", name="住院费用提醒")
BEYOND = a_rule("dip_balance", approaching="", exceeding="1.1")
NONE = a_patient(diagnoses=())


def costing(before, after, *, standard=10_000, **changes):
    """Return a stay's standing before and after an order, in yuan."""
    price = None if standard is None else standard * YUAN
    now = a_standing(standard=price, cost=round(before * YUAN))
    return a_result(now, a_standing(standard=price, cost=round(after * YUAN), **changes))


class TestMessages:
    def test_near_the_standard(self):
        """What it cost, what the order adds, what it is worth, and that this is for reference."""
        (finding,) = told(RULE, costing(9_200, 9_500, balance=500 * YUAN)).findings

        assert "DIP_STANDARD_APPROACHING" == finding.code
        assert (
            "【住院费用提醒】预估病种 K80.1 胆囊结石,参考支付标准 10000 元;此前费用 9200 元,本次 300 元,合计 9500 元,"
            "为参考支付标准的 95%,接近参考支付标准,预估结余 500 元;仅供参考,诊疗以病情需要为准。" == finding.message
        )
        assert ((), (), 0) == (finding.lines, finding.amounts, told(RULE, costing(9_200, 9_500)).amount)
        assert ("参考支付标准 10000 元", "仅供参考,诊疗以病情需要为准") == (finding.limit, finding.allowed)
        assert "此前费用 9200 元,本次 300 元,合计 9500 元,为参考支付标准的 95%" == finding.present
        assert (
            ("group", "预估病种 K80.1 胆囊结石"),
            ("standard", "10000"),
            ("cost_before", "9200"),
            ("cost", "9500"),
            ("share", "95%"),
            ("balance", "500"),
        ) == finding.facts

    def test_beyond_it_by_this_order(self):
        """Before it the stay was within; a loss is a loss."""
        (finding,) = told(RULE, costing(10_000, 10_355.5, balance=-int(355.5 * YUAN))).findings

        assert "DIP_STANDARD_EXCEEDED" == finding.code
        assert "为参考支付标准的 103.6%,本次后超出参考支付标准,预估超支 355.5 元;仅供参考" in finding.message

    def test_beyond_it_already(self):
        """This order is not what leads there; an unknown balance is left out."""
        (finding,) = told(RULE, costing(10_001, 10_100)).findings

        assert "为参考支付标准的 101%,此前已超出参考支付标准;仅供参考" in finding.message
        assert "balance" not in dict(finding.facts)

    def test_the_order_changes_the_group(self):
        """What was beyond is told by the standard of before, and by that of now where there was none."""
        after = a_standing(cost=10_100 * YUAN)
        worth_more = a_result(a_standing(standard=20_000 * YUAN, cost=10_050 * YUAN), after)
        none_before = a_result(a_standing(standard=None, cost=10_050 * YUAN), after)

        assert "本次后超出" in told(RULE, worth_more).findings[0].message
        assert "此前已超出" in told(RULE, none_before).findings[0].message

    def test_nothing_ordered(self):
        """The sum alone is told."""
        (finding,) = told(RULE, costing(9_500, 9_500)).findings

        assert ";住院费用 9500 元,为参考支付标准的 95%,接近参考支付标准;" in finding.message

    def test_what_is_paid_after_deviation_is_named(self):
        """The balance is what is paid at this cost less the cost; where that is not the standard it says so."""
        found = costing(23_000, 23_500, payable=13_500 * YUAN, balance=-10_000 * YUAN)

        assert ",按费用偏差参考支付 13500 元,预估超支 10000 元;" in told(RULE, found).findings[0].message

    def test_a_share_above_the_standard(self):
        """The row's own share is named."""
        (finding,) = told(BEYOND, costing(10_900, 11_001)).findings

        assert "为参考支付标准的 110%,本次后超出参考支付标准的 110%;" in finding.message

    def test_past_the_standard_and_not_yet_beyond_the_share(self):
        """Nothing comes near what it has passed."""
        rule = a_rule("dip_balance", approaching="0.9", exceeding="1.1")

        assert ",已达参考支付标准;" in told(rule, costing(9_000, 10_000)).findings[0].message
        assert ",接近参考支付标准;" in told(rule, costing(9_000, 9_999)).findings[0].message

    def test_a_stay_that_is_over(self):
        """Its group and balance are no estimates; a group without a name is named by its code."""
        found = costing(9_200, 9_500, balance=0, name="K80.1")
        (finding,) = told(RULE, replace(found, estimated=False)).findings

        assert finding.message.startswith("【住院费用提醒】病种 K80.1,参考支付标准")
        assert ",结余 0 元;" in finding.message

    def test_no_word_of_a_cap(self):
        """A reference is never put as what may not be exceeded (ruling 24)."""
        for cost in (9_500, 10_500):
            (finding,) = told(RULE, costing(9_000, cost)).findings
            for word in ("限额", "上限", "不得"):
                assert word not in finding.message


class TestShares:
    @pytest.mark.parametrize(
        ("cost", "codes"),
        [
            (8_999.9999, []),
            (9_000, ["DIP_STANDARD_APPROACHING"]),
            (10_000, ["DIP_STANDARD_APPROACHING"]),
            (10_000.0001, ["DIP_STANDARD_EXCEEDED"]),
        ],
    )
    def test_both_ends(self, cost, codes):
        """From nine tenths on it is near; the standard itself is not exceeded."""
        found = told(RULE, costing(6_000, cost))

        assert codes == [finding.code for finding in found.findings]
        assert () == found.not_checked

    @pytest.mark.parametrize(("cost", "count"), [(10_999, 0), (11_000, 0), (11_000.0001, 1)])
    def test_a_row_without_a_near(self, cost, count):
        """It speaks beyond its share only."""
        assert count == len(told(BEYOND, costing(6_000, cost)).findings)


class TestViewers:
    @pytest.mark.parametrize(
        ("columns", "role", "level"),
        [
            ({}, "doctor", "info"),
            ({}, "nurse", "info"),
            ({}, "pharmacist", "info"),
            ({}, "coder", "warn"),
            ({}, "insurance_office", "warn"),
            ({"doctor_level": "silent"}, "doctor", "silent"),
            ({"doctor_level": "silent"}, "coder", "warn"),
            ({"doctor_level": "warn"}, "doctor", "warn"),
            ({"level": "info", "doctor_level": "warn"}, "doctor", "info"),
            ({"level": "info"}, "coder", "info"),
        ],
    )
    def test_who_hears_it_how_loudly(self, columns, role, level):
        """Doctors hear it at most as the row lets them; coders as the row says."""
        found = told(a_rule("dip_balance", **columns), costing(9_000, 9_500), role=role)

        assert [level] == [finding.level for finding in found.findings]
        assert ("clear" if level == "silent" else "warned") == found.state

    def test_nothing_makes_it_louder(self):
        """Not even a hospital's own override (ruling 24)."""
        overlay = Overlay(levels=(("R1", "block"),))
        found = [told(RULE, costing(9_000, 9_500), role=role, overlay=overlay) for role in ("doctor", "coder")]

        assert ["info", "warn"] == [one.findings[0].level for one in found]


class TestSilent:
    def test_no_fact(self):
        """Out of hospital, or without a scheme."""
        assert silent(told(RULE, None))
        assert silent(verdict(a_patient(), RULE))

    def test_not_paid_by_dip(self):
        """Known not to be: none of our business, whatever it costs and whatever is unknown (ruling 25)."""
        assert silent(told(RULE, replace(costing(9_000, 20_000), eligible=False)))
        assert silent(told(RULE, replace(lost("missing_principal_diagnosis"), eligible=False), encounter=NONE))

    def test_a_scheme_without_prices_lacks_nothing(self):
        """It has nothing to say of money, whatever the record holds."""
        assert silent(told(RULE, replace(lost("missing_principal_diagnosis"), priced=False), encounter=NONE))

    @pytest.mark.parametrize(
        "reasons",
        [("score_absent",), ("score_absent", "level_absent", "point_value_absent"), ("coefficient_absent",), ()],
    )
    def test_a_scheme_without_a_price(self, reasons):
        """It has nothing to say on money, whatever else is unknown."""
        bare = a_patient(level=None, insurance=None)

        assert silent(told(RULE, a_result(a_standing(standard=None, cost=None, reasons=reasons)), encounter=bare))

    @pytest.mark.parametrize("reason", ["level_absent", "point_value_absent"])
    def test_no_price_though_the_facts_are_there(self, reason):
        """The scheme has none for this level or insurance."""
        assert silent(told(RULE, a_result(a_standing(standard=None, reasons=(reason,)))))

    def test_a_group_worth_nothing(self):
        """A standard of zero is none: actual cost is paid."""
        assert silent(told(RULE, costing(9_000, 9_500, standard=0)))

    @pytest.mark.parametrize("reason", ["no_group", "rows_tie", "principal_diagnosis_not_allowed", "sex_conflict"])
    def test_no_group(self, reason):
        """The directory has none for it: nothing to compare with, and nothing that was not checked."""
        bare = a_patient(birth_date=None, sex=None, admitted=None)

        assert silent(told(RULE, lost(reason, cost=None), encounter=bare))


class TestNotChecked:
    @pytest.mark.parametrize("unknown", ["now", "after", "both"])
    def test_the_cost(self, unknown):
        """Nobody says what the stay cost."""
        now = a_standing(cost=9_500 * YUAN if unknown == "after" else None)
        after = a_standing(cost=9_500 * YUAN if unknown == "now" else None)

        assert ((("visit.total_amount",), "missing", ()),) == unread(told(RULE, a_result(now, after)))

    @pytest.mark.parametrize(
        ("reason", "changes", "field"),
        [
            ("level_absent", {"level": None}, "facility.level"),
            ("point_value_absent", {"insurance": None}, "visit.insurance"),
        ],
    )
    def test_what_the_price_hangs_on(self, reason, changes, field):
        """A price by level or insurance needs to know it."""
        found = told(RULE, a_result(a_standing(standard=None, reasons=(reason,))), encounter=a_patient(**changes))

        assert (((field,), "missing", ()),) == unread(found)

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"insurance": None, "out_of_area": False}, ("visit.insurance",)),
            ({"medical_type": None, "out_of_area": False}, ("visit.medical_type",)),
            ({}, ("visit.out_of_area",)),
            ({"admitted": None, "out_of_area": True}, ("visit.admitted",)),
            ({"insurance": None, "medical_type": None}, ("visit.insurance", "visit.medical_type", "visit.out_of_area")),
            ({"out_of_area": False}, ("visit.discharged",)),
        ],
    )
    def test_whether_dip_pays(self, changes, fields):
        """Asked only where the rule would speak; where only the length of the stay is open, its end is waited for."""
        given = {"encounter": a_patient(**changes)}
        found = told(RULE, replace(costing(9_000, 9_500), eligible=None), **given)

        assert ((fields, "missing", ()),) == unread(found)
        assert () == found.findings
        assert silent(told(RULE, replace(costing(5_000, 6_000), eligible=None), **given))

    def test_no_diagnosis(self):
        """Nothing to group by."""
        found = told(RULE, lost("missing_principal_diagnosis"), encounter=NONE)

        assert ((("diagnoses",), "missing", ()),) == unread(found)

    def test_a_diagnosis_without_a_code(self):
        """It came as words only."""
        given = a_patient(diagnoses=(icd("", system="local"),))

        assert ((("diagnosis.code",), "unmapped", ()),) == unread(
            told(RULE, lost("missing_principal_diagnosis"), encounter=given)
        )

    @pytest.mark.parametrize(
        ("diagnoses", "gaps"),
        [
            ((icd("XYZD01"),), 1),
            ((icd("XYZD01"), icd("K80.100")), 1),
            ((icd("K80.100"), icd("XYZD01")), 0),
            ((icd("K80.100"), icd("XYZD01", main=True)), 1),
            ((icd("XYZD01"), icd("K80.100", main=True)), 0),
            ((icd("XYZD01", system="tcm"), icd("K80.100")), 0),
            ((icd("", system="local"), icd("K80.100")), 0),
        ],
    )
    def test_a_principal_diagnosis_of_the_hospitals_own(self, diagnoses, gaps):
        """The flagged one, else the first: an unmapped code is not a wrong one."""
        found = told(RULE, lost("no_group"), encounter=a_patient(diagnoses=diagnoses))

        assert ((("diagnosis.code",), "unmapped", ()),) * gaps == unread(found)
        assert gaps or silent(found)

    def test_a_grouped_one_is_grouped(self):
        """Whatever system its code is of: a scheme may map it."""
        given = a_patient(diagnoses=(icd("XYZD01"),))

        assert 1 == len(told(RULE, costing(9_000, 9_500), encounter=given).findings)

    def test_an_unknown_operation(self):
        """Its attribute decides the group."""
        found = told(RULE, lost("operation_not_known"))

        assert ((("operation.code",), "unmapped", ()),) == unread(found)

    @pytest.mark.parametrize(
        ("reason", "changes", "fields"),
        [
            ("age_missing", {"birth_date": None}, ("patient.birth_date",)),
            ("age_missing", {"admitted": None}, ("visit.admitted",)),
            ("weight_missing", {}, ("patient.weight_g",)),
            ("fact_missing", {"sex": None}, ("patient.sex",)),
            ("fact_missing", {"admitted": None}, ("visit.admitted",)),
            ("fact_missing", {"sex": None, "birth_date": None, "admitted": None}, ("patient.sex", "visit.admitted")),
        ],
    )
    def test_a_fact_that_a_group_hangs_on(self, reason, changes, fields):
        """What is asked for, and only that."""
        found = told(RULE, lost(reason), encounter=a_patient(**changes))

        assert ((fields, "missing", ()),) == unread(found)

    def test_a_fact_nobody_can_name(self):
        """All that we know of is there: nothing to ask for."""
        assert silent(told(RULE, lost("fact_missing", "weight_missing"), encounter=a_patient(weight_g=3_000)))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"level": "block"}, "never blocks"),
        ({"reason": "true"}, "never asks for a reason"),
        ({"certainty": "violation"}, "suspicious or notice"),
        ({"approaching": "1"}, "approaching must be below exceeding"),
        ({"approaching": "-0.1"}, "greater than or equal to 0"),
        ({"exceeding": "0", "approaching": ""}, "greater than 0"),
        ({"exceeding": ""}, "Field required"),
        ({"doctor_level": "block"}, "Input should be"),
    ],
)
def test_columns_that_make_a_cap_or_no_sense(columns, message):
    """A standard is a reference (ruling 24)."""
    with pytest.raises(ValueError, match=message):
        a_rule("dip_balance", **columns)
    assert 9999 == a_rule("dip_balance", approaching="0.9999").approaching
