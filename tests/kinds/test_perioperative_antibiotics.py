"""Perioperative antibiotics: whole days for hours, what makes it treatment, other operations, and what is not known."""

from datetime import date

import pytest

from rules.model import UNIT, Operation
from tests.builders import a_line, a_rule, an_encounter, at, icd, said, silent, unread, verdict

CEFAZOLIN = "XJ01DBT064B001010100001"
HERNIA = "腹股沟疝修补术"
CLEAN = {
    "name": "清洁手术预防用药",
    "items": "XJ01*",
    "ops": "53.0*",
    "infection_dx": "J15*|T81.4*",
    "with_ops": "39.6*",
}
DAY = a_rule("perioperative_antibiotics", **CLEAN, max_hours_after="24", window_before_hours="2")
NEEDLESS = a_rule(
    "perioperative_antibiotics",
    **CLEAN,
    max_hours_after="",
    window_before_hours="",
    indicated="false",
    risk_dx="E11*",
)


def hours(after, before):
    return a_rule("perioperative_antibiotics", **CLEAN, max_hours_after=after, window_before_hours=before)


def done(day, code="53.0000", name=HERNIA):
    return Operation(code=code, name=name, day=date.fromisoformat(day) if day else None)


def dose(begin="2026-03-18 08:00", **changes):
    return a_line(CEFAZOLIN, **({"name": "注射用头孢唑林钠", "begin": at(begin)} | changes))


DOSE = dose()
INGUINAL_HERNIA = icd("K40.900")


def used(*operations, rule=DAY, lines=(DOSE,), diagnoses=(INGUINAL_HERNIA,), **changes):
    given = an_encounter(*lines, operations=operations, diagnoses=diagnoses, admitted=at("2026-03-01"), **changes)
    return verdict(given, rule)


class TestTooLong:
    @pytest.mark.parametrize(("day", "count"), [("2026-03-18", 0), ("2026-03-17", 0), ("2026-03-16", 1)])
    def test_a_day_reaches_into_the_next(self, day, count):
        """24 hours from any hour of the operation's day end on the next; the day after is too long."""
        found = used(done(day))

        assert ((0,),) * count == said(found)
        assert count or silent(found)

    def test_the_message(self):
        """Operation, limit, drug, the last day and the last one permitted."""
        (finding,) = used(done("2026-03-14")).findings

        assert "PROPHYLAXIS_TOO_LONG" == finding.code
        assert (
            "【清洁手术预防用药】腹股沟疝修补术术后预防用药不超过 24 小时:注射用头孢唑林钠 2026-03-18 仍在用,"
            "手术日期 2026-03-14;按日期最晚用至 2026-03-15。有感染的请补录诊断,否则请停用。" == finding.message
        )
        assert "术后预防用药不超过 24 小时" == finding.limit
        assert "注射用头孢唑林钠 2026-03-18 仍在用,手术日期 2026-03-14" == finding.present
        assert "按日期最晚用至 2026-03-15" == finding.allowed
        assert (
            ("operations", HERNIA),
            ("operation.days", "2026-03-14"),
            ("days", "2026-03-18"),
        ) == finding.facts
        assert (10 * UNIT,) == finding.amounts

    def test_a_long_order_counts_by_its_days(self):
        """Of five days two are within; the money is that of the other three."""
        line = dose("2026-03-14 08:00", long_term=True, amount=500 * UNIT)
        (finding,) = used(done("2026-03-14"), lines=(line,)).findings

        assert (300 * UNIT,) == finding.amounts
        assert "2026-03-16、2026-03-17、2026-03-18" == dict(finding.facts)["days"]
        assert " 2026-03-18 仍在用" in finding.message

    def test_only_the_lines_beyond_are_named(self):
        """A dose within the hours is right; each name comes once."""
        lines = (dose("2026-03-14 09:00"), dose("2026-03-17 09:00"), dose("2026-03-18 09:00", name=""))
        (finding,) = used(done("2026-03-14"), lines=lines).findings

        assert (1, 2) == finding.lines
        assert "注射用头孢唑林钠、清洁手术预防用药 2026-03-18 仍在用" == finding.present.split(",")[0]

    def test_names_stand_by_time_then_id(self):
        """Not by the places of the lines; each line keeps its own money."""
        lines = (dose(id="b", name="乙药", amount=20 * UNIT), dose(id="a", name="甲药", amount=30 * UNIT))
        (finding,) = used(done("2026-03-14"), lines=lines).findings

        assert ((0, 1), (20 * UNIT, 30 * UNIT)) == (finding.lines, finding.amounts)
        assert "甲药、乙药 2026-03-18 仍在用" == finding.present.split(",")[0]

    @pytest.mark.parametrize(("after", "day", "count"), [("48", "2026-03-16", 0), ("48", "2026-03-15", 1)])
    def test_two_days(self, after, day, count):
        """48 hours reach two days on."""
        assert count == len(used(done(day), rule=hours(after, "")).findings)

    @pytest.mark.parametrize(("after", "day", "count"), [("25", "2026-03-16", 0), ("0", "2026-03-17", 1)])
    def test_part_of_a_day_is_a_day(self, after, day, count):
        """25 hours may reach two days on; none ends with the operation's day."""
        assert count == len(used(done(day), rule=hours(after, "")).findings)
        assert silent(used(done("2026-03-18"), rule=hours(after, "")))

    def test_no_hours_end_with_the_day(self):
        """What is permitted is the operation's day itself, on either side."""
        (late,) = used(done("2026-03-10"), rule=hours("0", "")).findings
        (early,) = used(done("2026-03-20"), rule=hours("", "0")).findings

        assert ("按日期最晚用至 2026-03-10", "按日期最早 2026-03-20 可用") == (late.allowed, early.allowed)

    def test_a_second_operation_begins_anew(self):
        """Each day is seen from every operation, in whatever order they are listed."""
        assert silent(used(done("2026-03-17"), done("2026-03-10")))
        (finding,) = used(done("2026-03-15"), done("2026-03-10")).findings

        assert "手术日期 2026-03-15" in finding.message
        assert "2026-03-10、2026-03-15" == dict(finding.facts)["operation.days"]

    def test_between_two_operations_it_is_too_long(self):
        """After the first and not yet before the second."""
        (finding,) = used(done("2026-03-10"), done("2026-03-20")).findings

        assert "PROPHYLAXIS_TOO_LONG" == finding.code
        assert "手术日期 2026-03-10" in finding.message

    def test_without_a_limit_after_it_never_is(self):
        """A rule on the time before says nothing of the time after."""
        assert silent(used(done("2026-03-02"), rule=hours("", "2")))


class TestTakenBack:
    def test_what_was_returned_was_not_used(self):
        """A settlement carries the charge and its reversal; nothing is left of it."""
        lines = (dose(id="X"), dose(id="X", quantity=-UNIT))

        assert silent(used(done("2026-03-10"), lines=lines))

    def test_of_what_was_returned_in_part_the_rest_was_used(self):
        """The money is that of the rest; known lines of the drug are not asked about."""
        lines = (dose(id="Y", current=False), dose(id="X", quantity=3 * UNIT), dose(id="X", quantity=-UNIT))
        (finding,) = used(done("2026-03-10"), lines=lines).findings

        assert ((1,), (20 * UNIT,)) == (finding.lines, finding.amounts)

    def test_lines_stand_as_they_were_sent(self):
        """Whatever their times."""
        lines = (dose("2026-03-18 09:00"), dose("2026-03-17 09:00"))

        assert ((0, 1),) == said(used(done("2026-03-10"), lines=lines))


class TestTooEarly:
    @pytest.mark.parametrize(("day", "count"), [("2026-03-18", 0), ("2026-03-19", 0), ("2026-03-20", 1)])
    def test_two_hours_reach_into_the_day_before(self, day, count):
        """An operation soon after midnight; two days before is too early at any hour."""
        assert count == len(used(done(day)).findings)

    def test_the_message(self):
        """The first day of use and the first one permitted."""
        (finding,) = used(done("2026-03-25"), lines=(dose("2026-03-17 08:00"), dose())).findings

        assert "PROPHYLAXIS_TOO_EARLY" == finding.code
        assert (
            "【清洁手术预防用药】腹股沟疝修补术预防用药应在术前 2 小时内:注射用头孢唑林钠 2026-03-17 已用,"
            "手术日期 2026-03-25;按日期最早 2026-03-24 可用。有感染的请补录诊断,否则请停用。" == finding.message
        )
        assert (0, 1) == finding.lines
        assert "预防用药应在术前 2 小时内" == finding.limit
        assert "按日期最早 2026-03-24 可用" == finding.allowed

    def test_too_long_is_said_before_too_early(self):
        """One finding at a time."""
        lines = (dose("2026-03-05 08:00"), dose("2026-03-18 08:00"))

        assert ((1,),) == said(used(done("2026-03-10"), lines=lines))

    def test_without_a_limit_before_it_never_is(self):
        """A rule on the time after says nothing of the time before."""
        assert silent(used(done("2026-03-28"), rule=hours("24", "")))


class TestNeedless:
    def test_the_message(self):
        """Any use is said; the day of the operation need not be known."""
        (finding,) = used(done(None), rule=NEEDLESS).findings

        assert "PROPHYLAXIS_NOT_INDICATED" == finding.code
        assert (
            "【清洁手术预防用药】腹股沟疝修补术为清洁手术,一般不需预防用药:注射用头孢唑林钠已开具;"
            "有高危因素的请注明。有感染的请补录诊断,否则请停用。" == finding.message
        )
        assert (10 * UNIT,) == finding.amounts

    def test_a_patient_at_risk_needs_it(self):
        """A risk must be sure; an unmapped diagnosis may be one."""
        assert silent(used(done("2026-03-18"), rule=NEEDLESS, diagnoses=(icd("E11.900"),)))
        assert 1 == len(used(done("2026-03-18"), rule=NEEDLESS, diagnoses=(icd("E11.900", suspected=True),)).findings)


class TestSomethingElse:
    @pytest.mark.parametrize(
        "infection",
        [icd("T81.400"), icd("J15.900", suspected=True), icd("I10.x00+J15.900")],
    )
    def test_an_infection_makes_it_treatment(self, infection):
        """Sure or suspected, beside an unmapped diagnosis too."""
        assert silent(used(done("2026-03-10"), diagnoses=(infection, icd("XYZD01"))))

    def test_a_local_code_is_no_infection(self):
        """Its letters may look like one."""
        found = used(done("2026-03-10"), diagnoses=(icd("J15*", system="local"),))

        assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(found)

    @pytest.mark.parametrize("other", ["47.0901", "00.6600", "86.2200", "17.1100"])
    def test_another_operation_may_need_it(self, other):
        """Nobody knows which operation the drug is for."""
        assert silent(used(done("2026-03-10"), done("2026-03-10", other)))

    @pytest.mark.parametrize("other", ["87.4100", "88.7200", "89.5200", "90.5900", "99.0400", "17.91100", "39.6100"])
    def test_a_procedure_without_an_incision_does_not(self, other):
        """Imaging, transfusion, acupuncture, and what the row says goes with it."""
        assert 1 == len(used(done("2026-03-10"), done("2026-03-10", other)).findings)

    @pytest.mark.parametrize("operations", [(), (done("2026-03-10", "47.0901"),)])
    def test_without_a_clean_operation_it_is_silent(self, operations):
        """The drug is for something else."""
        assert silent(used(*operations))

    def test_another_drug_is_none_of_its_business(self):
        """Only antibiotics bring the rule up."""
        assert silent(used(done("2026-03-10"), lines=(a_line("XA02BCA348X006010100001"),)))


class TestUnknown:
    def test_an_unmapped_diagnosis_may_be_an_infection(self):
        """Not checked, never fired (ruling 4); even where prophylaxis is never needed."""
        for rule in (DAY, NEEDLESS):
            found = used(done("2026-03-10"), rule=rule, diagnoses=(icd("K40.900"), icd("XYZD01")))

            assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(found)
            assert () == found.findings

    def test_no_diagnosis_at_all(self):
        """Diagnoses may come later."""
        assert ((("diagnoses",), "missing", (0,)),) == unread(used(done("2026-03-10"), diagnoses=()))

    def test_an_operation_without_its_day(self):
        """One of two without a day is enough not to know."""
        found = used(done("2026-03-10"), done(None))

        assert ((("operation.day",), "missing", (0,)),) == unread(found)
        assert () == found.findings

    @pytest.mark.parametrize(("code", "reason"), [("", "missing"), ("SS0012", "unmapped")])
    def test_an_operation_that_cannot_be_read(self, code, reason):
        """It may be one that needs prophylaxis; a readable one that does settles it."""
        other = done("2026-03-10", code)

        assert ((("operation.code",), reason, (0,)),) == unread(used(done("2026-03-10"), other))
        assert silent(used(done("2026-03-10"), other, done("2026-03-10", "47.0901")))

    def test_an_operation_without_a_code_beside_a_local_one(self):
        """One is missing outright."""
        found = used(done("2026-03-10"), done("2026-03-10", "SS0012"), done("2026-03-10", ""))

        assert ((("operation.code",), "missing", (0,)),) == unread(found)

    def test_a_line_that_began_absurdly_long_ago(self):
        """Its days cannot be counted; the other line is judged."""
        lines = (dose("2020-01-01", long_term=True), dose())
        found = used(done("2026-03-10"), lines=lines)

        assert ((("line.time",), "missing", (0,)),) == unread(found)
        assert ((1,),) == said(found)


def test_self_pay_does_not_clear_it():
    """Safety does not depend on who pays (ruling 1)."""
    assert 1 == len(used(done("2026-03-10"), lines=(dose(self_paid=True, consent=True),)).findings)


@pytest.mark.parametrize(
    "columns",
    [
        {"max_hours_after": "", "window_before_hours": ""},
        {"indicated": "false"},
        {"indicated": "false", "max_hours_after": ""},
    ],
)
def test_hours_go_with_an_indication(columns):
    """Hours where it is indicated, none where it is not."""
    with pytest.raises(ValueError, match="give max_hours_after or window_before_hours"):
        a_rule("perioperative_antibiotics", **columns)


@pytest.mark.parametrize(
    "columns", [{"ops": "|"}, {"infection_dx": "|"}, {"max_hours_after": "-1"}, {"window_before_hours": "-1"}]
)
def test_columns_that_cannot_be(columns):
    """Operations and infections are named; hours are not negative."""
    with pytest.raises(ValueError, match=r"at least 1|greater than or equal to 0"):
        a_rule("perioperative_antibiotics", **columns)
