"""Duplicate medication: same class, same route class, use that overlaps beyond the day of switching (ruling 18)."""

import pytest

from rules import needs
from rules.kinds._contract import Look
from tests.builders import (
    a_line,
    a_rule,
    a_rulebook,
    a_word,
    an_encounter,
    at,
    icd,
    past,
    recorded,
    said,
    silent,
    unread,
    verdict,
)

PPI = a_rule("duplicate_medication", items="XA02BC*", name="质子泵抑制剂")
DUAL = a_rule("duplicate_medication", items="XB01AC*", max_drugs="2", name="血小板聚集抑制剂")
RAAS = a_rule("duplicate_medication", items="XC09A*|XC09C*", count="classes", name="ACEI与ARB联用")
METFORMIN = a_rule("duplicate_medication", items="XA10BA*", same_drug="true", name="双胍类")


def code(stem, substance, form="A001", brand="010101234"):
    return f"{stem}{substance}{form}{brand}".ljust(23, "0")


TABLETS = ["A001", "A006", "A010", "A011", "A012", "A017", "A018", "A022", "A025"]
ORAL = [
    *TABLETS,
    "E001",
    "E002",
    "E003",
    "E005",
    "H002",
    "K001",
    "M002",
    "N001",
    "P001",
    "X001",
    "X002",
    "X004",
    "X006",
]
INJECTED = ["B001", "B002", "B003", "B004", "B014", "B018", "B029"]
VAGINAL = ["A008", "A009", "D009", "E006", "E008", "E009", "F009", "U004"]
OMEPRAZOLE, PANTOPRAZOLE, LANSOPRAZOLE = (code("XA02BC", one) for one in ("A001", "P001", "L001"))
ASPIRIN, CLOPIDOGREL, TICAGRELOR = (code("XB01AC", one) for one in ("A055", "L102", "T001"))


def order(item=PANTOPRAZOLE, **changes):
    """A long-term order being saved."""
    return a_line(item, **({"long_term": True} | changes))


def supply(item=PANTOPRAZOLE, days=7, **changes):
    return a_line(item, **({"supply_days": days} | changes))


def supplied(begin, item=OMEPRAZOLE, days=7, **changes):
    return past(begin, item, **({"supply_days": days} | changes))


def judged(*lines, rule=PPI, words=(), **changes):
    return verdict(an_encounter(*lines, **changes), rule, words=words)


class TestOverlap:
    def test_two_long_term_orders_fire_on_the_later(self):
        """The drug that comes to the other is the one too many."""
        (finding,) = judged(order(OMEPRAZOLE), order(begin=at("2026-03-18 11:00"))).findings

        assert ((1,), (0,)) == (finding.lines, finding.involved)

    @pytest.mark.parametrize(("days", "fires"), [(7, False), (8, False), (9, True)])
    def test_use_must_overlap_beyond_the_day_of_switching(self, days, fires):
        """Supplied on 11 March for seven days it ends on the 17th, for eight on the 18th."""
        assert fires == bool(judged(supply(), supplied("2026-03-11", days=days)).findings)

    @pytest.mark.parametrize(("stop", "fires"), [("2026-03-18", False), ("2026-03-19", True)])
    def test_an_order_stopped_today_was_switched(self, stop, fires):
        """One day in common is a switch."""
        assert fires == bool(judged(order(), past("2026-03-10", OMEPRAZOLE, stop=at(stop))).findings)

    @pytest.mark.parametrize(("days", "fires"), [(1, False), (2, True)])
    def test_one_day_of_use_never_overlaps_beyond(self, days, fires):
        """Neither of what is being saved."""
        assert fires == bool(judged(supply(days=days), supplied("2026-03-15", days=30)).findings)

    def test_a_stop_before_its_begin_is_one_day(self):
        """A slip of the pen does not reach back."""
        lines = (order(stop=at("2026-03-01")), supplied("2026-02-20", days=30))

        assert silent(judged(*lines))

    def test_what_begins_after_the_end_does_not_overlap(self):
        """Order of saving does not matter."""
        assert silent(judged(supply(days=7), supplied("2026-03-25")))
        assert ((0,),) == said(judged(supply(days=9), supplied("2026-03-25")))

    def test_temporary_orders_of_an_in_patient_are_for_their_day(self):
        """Two on one day are not used on."""
        assert silent(judged(a_line(OMEPRAZOLE), a_line(PANTOPRAZOLE)))
        assert silent(judged(order(), past("2026-03-18", OMEPRAZOLE)))

    def test_use_taken_back_does_not_count(self):
        """A refunded supply is not taken."""
        lines = (supply(), supplied("2026-03-17", id="X"), supplied("2026-03-17", id="X", quantity=-1_0000))

        assert silent(judged(*lines))

    def test_recorded_use_counts(self):
        """The payload need not carry it."""
        context = recorded(supplied("2026-03-17", id="X", visit="V0"))
        (finding,) = verdict(an_encounter(supply()), PPI, context=context).findings

        assert ((0,), (-1,)) == (finding.lines, finding.involved)

    def test_an_absurd_supply_is_no_end(self):
        """A slip of the pen; the end is unknown, not a thousand years away."""
        found = judged(supply(), supplied("2026-03-17", days=1001), type="outpatient")

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)
        assert ((0,),) == said(judged(supply(), supplied("2026-03-17", days=1000)))


class TestPrescription:
    def test_drugs_of_one_prescription_are_taken_together(self):
        """No end is needed."""
        lines = (a_line(OMEPRAZOLE, prescription="P1"), a_line(PANTOPRAZOLE, prescription="P1"))

        assert ((1,),) == said(judged(*lines, type="outpatient"))

    def test_one_of_them_may_tell_its_end(self):
        """Whichever it is."""
        bare, told = {"prescription": "P1"}, {"prescription": "P1", "supply_days": 7}
        for one, other in ((bare, told), (told, bare)):
            assert ((1,),) == said(judged(a_line(OMEPRAZOLE, **one), a_line(PANTOPRAZOLE, **other), type="outpatient"))

    @pytest.mark.parametrize("numbers", [("P1", "P2"), (None, None), ("P1", None), ("", "")])
    def test_without_ends_other_prescriptions_are_not_checked(self, numbers):
        """Nobody says how long they last."""
        lines = [a_line(item, prescription=one) for item, one in zip((OMEPRAZOLE, PANTOPRAZOLE), numbers, strict=True)]
        found = judged(*lines, type="outpatient")

        assert ((("line.supply_days",), "missing", (1,)),) == unread(found)
        assert () == found.findings

    def test_the_number_of_another_visit_is_another_prescription(self):
        """Numbers may start again."""
        lines = (a_line(PANTOPRAZOLE, prescription="P1"), past("2026-03-18", OMEPRAZOLE, prescription="P1", visit="V0"))

        assert ((("line.supply_days",), "missing", (0,)),) == unread(judged(*lines, type="outpatient"))


class TestEnds:
    @pytest.mark.parametrize(
        ("other", "field"),
        [
            (past("2026-03-10", OMEPRAZOLE, long_term=True), "line.stop"),
            (past("2026-03-10", OMEPRAZOLE, long_term=True, visit="V0"), "line.stop"),
            (past("2026-03-10", OMEPRAZOLE, visit="V0"), "line.supply_days"),
            (past("2026-03-10", OMEPRAZOLE, long_term=None), "line.supply_days"),
            (past(None, OMEPRAZOLE, supply_days=7), "line.time"),
        ],
    )
    def test_a_known_line_without_an_end_is_not_checked(self, other, field):
        """Only a current long-term order surely runs on (ruling 18)."""
        found = judged(order(), other)

        assert (((field,), "missing", (0,)),) == unread(found)
        assert () == found.findings

    @pytest.mark.parametrize(("begin", "gap"), [("2025-12-19", True), ("2025-12-18", False)])
    def test_no_supply_lasts_longer_than_a_rule_looks_back(self, begin, gap):
        """What was taken home without days of supply more than 90 days ago is used up."""
        found = judged(supply(), past(begin, OMEPRAZOLE, visit="V0"))

        assert (((("line.supply_days",), "missing", (0,)),) if gap else ()) == unread(found)

    def test_an_end_that_cannot_matter_is_not_missed(self):
        """The other begins when this one has ended, or ended before it began."""
        assert silent(judged(supply(days=3), past("2026-03-30", OMEPRAZOLE, long_term=True)))
        assert silent(judged(a_line(PANTOPRAZOLE), supplied("2026-03-10"), type="outpatient"))

    @pytest.mark.parametrize(("days", "gap"), [(0, True), (1, False), (2, True)])
    def test_a_supply_of_one_day_cannot_duplicate(self, days, gap):
        """None at all is no supply."""
        found = judged(supply(days=days), past("2026-03-10", OMEPRAZOLE), type="outpatient")

        assert (((("line.supply_days",), "missing", (0,)),) if gap else ()) == unread(found)

    def test_a_sure_overlap_needs_nothing_else(self):
        """One known duplicate is enough."""
        lines = (supply(), supplied("2026-03-17"), past("2026-03-10", LANSOPRAZOLE, long_term=True))
        found = judged(*lines)

        assert (((0,),), ()) == (said(found), unread(found))

    def test_a_line_taken_home_without_days_is_not_checked(self):
        """This time it is the line being saved."""
        found = judged(a_line(PANTOPRAZOLE), supplied("2026-03-17"), type="outpatient")

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)


class TestStay:
    """Lines of a stay: repeated day by day, without stops, all of them current at settlement (ruling 5)."""

    DAYS = tuple(f"2026-03-{day:02d} 08:00" for day in range(10, 19))

    def daily(self, item, days, **changes):
        return [order(item, **({"begin": at(day)} | changes)) for day in days]

    def test_a_drug_that_replaces_another_is_switched(self):
        """At settlement each day of the long-term orders is a line, none has a stop, and all are current."""
        lines = [*self.daily(OMEPRAZOLE, self.DAYS[:5]), *self.daily(PANTOPRAZOLE, self.DAYS[4:])]

        assert silent(judged(*lines, scenes=("9",)))

    @pytest.mark.parametrize("long_term", [True, False, None])
    def test_two_drugs_on_the_same_days_fire_on_those_days(self, long_term):
        """Two days in common are more than a switch, whatever the sender calls the order."""
        lines = [
            *self.daily(OMEPRAZOLE, self.DAYS[:6], long_term=long_term),
            *self.daily(PANTOPRAZOLE, self.DAYS[4:], long_term=long_term),
        ]
        (finding,) = judged(*lines).findings

        assert ((6, 7), (0, 1, 2, 3, 4, 5)) == (finding.lines, finding.involved)
        assert "(2026-03-10 起)用药期重叠" in finding.message

    def test_a_day_left_out_ends_the_stretch(self):
        """The first drug was given until the 12th and again on the 16th."""
        lines = [*self.daily(OMEPRAZOLE, (*self.DAYS[:3], self.DAYS[6])), *self.daily(PANTOPRAZOLE, self.DAYS[3:])]

        assert silent(judged(*lines))

    def test_known_days_and_todays_are_one_stretch(self):
        """Today's share of a known order is no new order, whichever was saved first."""
        known = [past(day, OMEPRAZOLE, long_term=True) for day in ("2026-03-16", "2026-03-17")]

        assert silent(judged(order(), order(OMEPRAZOLE), *known))
        assert ((0,),) == said(
            judged(order(), order(OMEPRAZOLE), past("2026-03-17", PANTOPRAZOLE, long_term=True), *known)
        )
        late = past("2026-03-18", OMEPRAZOLE, long_term=True)
        assert silent(judged(order(OMEPRAZOLE, begin=at("2026-03-17")), late, supply(days=3)))

    def test_an_order_that_began_before_may_have_ended(self):
        """A sender that flags no line as current sends old orders without their stops: nobody can tell."""
        found = judged(order(OMEPRAZOLE, begin=at("2026-03-10")), order())

        assert ((("line.stop",), "missing", (1,)),) == unread(found)
        assert () == found.findings

    @pytest.mark.parametrize(("discharged", "fires"), [("2026-03-18", False), ("2026-03-19", True)])
    def test_orders_end_with_the_stay(self, discharged, fires):
        """A day case: both were ordered on the day of discharge."""
        found = judged(order(OMEPRAZOLE), order(), discharged=at(discharged))

        assert fires == bool(found.findings)
        assert not found.not_checked

    @pytest.mark.parametrize("supply_days", [14, None])
    @pytest.mark.parametrize("flag", [False, None])
    def test_what_is_taken_home_follows_the_stay(self, supply_days, flag):
        """The order of the stay ends when what is taken home begins."""
        home = a_line(PANTOPRAZOLE, discharge_medication=True, supply_days=supply_days)

        assert silent(judged(order(OMEPRAZOLE, discharge_medication=flag), home))
        assert silent(judged(home, past("2026-03-10", OMEPRAZOLE, long_term=True, discharge_medication=flag)))

    def test_only_the_days_that_all_have_in_common_are_at_fault(self):
        """Ticagrelor day by day from the 12th: three together from the 15th to the 17th."""
        known = [past(f"2026-03-{day}", ASPIRIN, long_term=True) for day in range(10, 18)]
        known += [past(f"2026-03-{day}", CLOPIDOGREL, long_term=True) for day in range(15, 18)]
        lines = self.daily(TICAGRELOR, self.DAYS[2:])

        assert ((3, 4, 5),) == said(judged(*lines, *known, rule=DUAL))

    def test_two_that_are_taken_home_duplicate(self):
        """So does what is taken home beside an earlier visit's supply."""
        home = a_line(PANTOPRAZOLE, discharge_medication=True, supply_days=14)
        other = a_line(OMEPRAZOLE, discharge_medication=True, supply_days=14)

        assert ((1,),) == said(judged(other, home))
        assert ((0,),) == said(judged(home, supplied("2026-03-16", visit="V0")))

    def test_the_number_of_a_stays_orders_is_no_prescription(self):
        """Some senders write one number on all orders of a stay; unknown ends stay unknown."""
        lines = [a_line(item, prescription="P1", long_term=None) for item in (OMEPRAZOLE, PANTOPRAZOLE)]

        assert ((("line.supply_days",), "missing", (1,)),) == unread(judged(*lines))

    def test_a_long_stay_is_judged_in_time_that_grows_with_its_lines(self):
        """Each drug is one stretch, however many days it was given."""
        days = [f"2026-{month:02d}-{day:02d}" for month in (1, 2) for day in range(1, 29)]
        lines = [line for day in days for line in (order(OMEPRAZOLE, begin=at(day)), order(begin=at(day)))]
        (finding,) = judged(*lines).findings

        assert 56 == len(finding.lines)


class TestDrugs:
    @pytest.mark.parametrize("other", [code("XA02BC", "P001", brand="020205678"), code("XA02BC", "P001", "A012")])
    def test_one_substance_is_one_drug(self, other):
        """Another brand or form of it is no duplicate."""
        assert silent(judged(order(), order(other)))

    def test_it_is_where_the_row_says_so(self):
        """Two forms of metformin; the same code twice is one drug still."""
        tablet, slow = code("XA10BA", "E001"), code("XA10BA", "E001", "A010")

        assert ((1,),) == said(judged(order(tablet), order(slow), rule=METFORMIN))
        assert silent(judged(order(tablet), order(tablet), rule=METFORMIN))

    def test_a_drug_of_another_class_does_not_count(self):
        """The row names one class."""
        assert silent(judged(order(), order(code("XA02BA", "F001"))))

    def test_two_of_a_class_may_be_normal(self):
        """Aspirin with clopidogrel after a stent (ruling 16); a third is too much."""
        assert silent(judged(order(ASPIRIN), order(CLOPIDOGREL), rule=DUAL))
        assert ((2,),) == said(judged(order(ASPIRIN), order(CLOPIDOGREL), order(TICAGRELOR), rule=DUAL))

    def test_a_third_that_replaces_the_second_is_normal(self):
        """Aspirin goes on while clopidogrel gives way to ticagrelor."""
        lines = (
            order(TICAGRELOR),
            past("2026-03-01", ASPIRIN, stop=at("2026-04-30")),
            past("2026-03-01", CLOPIDOGREL, stop=at("2026-03-18")),
        )

        assert silent(judged(*lines, rule=DUAL))

    def test_two_that_do_not_meet_are_not_three(self):
        """Each overlaps with the third, but not with the other."""
        lines = (
            supply(TICAGRELOR, days=28),
            supplied("2026-03-10", ASPIRIN, days=12),
            supplied("2026-03-21", CLOPIDOGREL, days=20),
        )

        assert silent(judged(*lines, rule=DUAL))
        assert ((0,),) == said(judged(lines[0], lines[1], supplied("2026-03-20", CLOPIDOGREL, days=20), rule=DUAL))

    def test_classes_may_be_counted(self):
        """An ACE inhibitor beside a sartan; two of one class are another row's matter."""
        pril, other, sartan = code("XC09AA", "E001"), code("XC09AA", "B001"), code("XC09CA", "V001")

        assert ((1,),) == said(judged(order(pril), order(sartan), rule=RAAS))
        assert silent(judged(order(pril), order(other), rule=RAAS))

    def test_a_hospitals_own_codes_are_drugs_of_their_own(self):
        """No structure is read into them."""
        rule = a_rule("duplicate_medication", items="H0001|H0002")
        lines = (order("H0001", route="oral"), order("H0002", route="oral"))

        assert ((1,),) == said(judged(*lines, rule=rule))

    @pytest.mark.parametrize(
        "columns",
        [
            {"items": PANTOPRAZOLE},
            {"items": "XA02BCP001A001*"},
            {"items": "XA02BC*", "count": "classes"},
            {"items": f"{OMEPRAZOLE}|{PANTOPRAZOLE}", "max_drugs": "2"},
        ],
    )
    def test_a_row_that_could_never_speak_is_refused(self, columns):
        """Its items name too few drugs."""
        with pytest.raises(ValueError, match="never speak"):
            a_rule("duplicate_medication", **columns)

    @pytest.mark.parametrize("column", ["max_drugs", "history_days"])
    def test_a_count_is_one_at_least(self, column):
        """Nothing and no days are no rule."""
        assert 1 == getattr(a_rule("duplicate_medication", **{column: "1"}), column)
        with pytest.raises(ValueError, match="greater than 0"):
            a_rule("duplicate_medication", **{column: "0"})


class TestRoute:
    def pair(self, one, other, words=(), **changes):
        first, second = code("XA02BC", "A001", one), code("XA02BC", "P001", other)
        return judged(order(first), order(second, **changes), words=words)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            *((form, "A001") for form in ORAL[1:]),
            *((form, "B001") for form in INJECTED[1:]),
            *((form, "A008") for form in VAGINAL[1:]),
            ("F001", "F002"),
            ("L025", "L025"),
            ("D003", "D003"),
            ("ZZ99", "ZZ99"),
        ],
    )
    def test_forms_of_one_route_class_duplicate(self, one, other):
        """Coded forms tell it; one unknown form twice is one route."""
        assert ((1,),) == said(self.pair(one, other))

    @pytest.mark.parametrize(
        ("one", "other"), [("A001", "B002"), ("A008", "A001"), ("L031", "L025"), ("V002", "F001"), ("G010", "A001")]
    )
    def test_forms_of_two_route_classes_do_not(self, one, other):
        """By mouth and by vein is sequence or need, not duplication."""
        assert silent(self.pair(one, other))

    def test_an_unknown_form_is_not_checked(self):
        """A suppository may be rectal or vaginal."""
        assert ((("line.route",), "missing", (1,)),) == unread(self.pair("D003", "A001"))
        assert ((("line.route",), "missing", (1,)),) == unread(self.pair("A001", "D003"))

    @pytest.mark.parametrize(
        ("route", "fires"), [("oral", True), ("iv", False), ("rectal", False), ("other", True), ("鼻饲", True)]
    )
    def test_the_lines_route_comes_first(self, route, fires):
        """Unless it says nothing: then the form speaks."""
        assert fires == bool(self.pair("A001", "A001", route=route).findings)

    @pytest.mark.parametrize("route", ["iv", "im", "sc", "静滴"])
    def test_injections_are_one_class(self, route):
        """Whichever way they go in, through the dictionary if need be."""
        assert ((1,),) == said(self.pair("B002", "A001", words=(a_word("route", "静滴", "iv"),), route=route))

    @pytest.mark.parametrize(
        ("form", "fires"),
        [
            ("oral_solid", True),
            ("sustained_release", True),
            ("oral_liquid", True),
            ("granule", True),
            ("decoction_piece", True),
            ("injection", False),
            ("inhalation", False),
            ("topical", False),
            ("patch", False),
            ("片", True),
            ("suppository", True),
        ],
    )
    def test_then_comes_its_dose_form(self, form, fires):
        """Read through the dictionary; a form that tells no route leaves it to the code."""
        assert fires == bool(self.pair("A001", "A001", dose_form=form).findings)

    def test_an_unmapped_route_says_so(self):
        """A word nobody has explained, and a code without a form."""
        rule = a_rule("duplicate_medication", items="H0001|H0002")
        found = judged(order("H0001", route="oral"), order("H0002", route="怪法"), rule=rule)
        other = judged(order("H0001", route="怪法"), order("H0002"), rule=rule)
        bare = judged(order("H0001"), order("H0002"), rule=rule)

        assert ((("line.route",), "unmapped", (1,)),) == unread(found) == unread(other)
        assert ((("line.route",), "missing", (1,)),) == unread(bare)

    def test_a_route_that_would_not_decide_is_not_missed(self):
        """They do not meet anyway."""
        rule = a_rule("duplicate_medication", items="H0001|H0002")

        assert silent(judged(supply("H0001"), supplied("2026-03-01", "H0002"), rule=rule))

    def test_route_and_end_may_both_be_unknown(self):
        """All that is missing is named once."""
        rule = a_rule("duplicate_medication", items="H0001|H0002")
        found = judged(order("H0001", route="怪法"), past("2026-03-01", "H0002", long_term=True), rule=rule)

        assert ((("line.route", "line.stop"), "missing", (0,)),) == unread(found)

    def test_a_patent_drugs_code_tells_no_form(self):
        """Only western codes hold one."""
        rule = a_rule("duplicate_medication", items="ZA04*")
        lines = (order("ZA04CAE002A001010166"), order("ZA04CAE003A001010166"))

        assert ((("line.route",), "missing", (1,)),) == unread(judged(*lines, rule=rule))


class TestExceptions:
    RULE = a_rule("duplicate_medication", items="XA02BC*", except_dx="E16.4*")
    LINES = (order(OMEPRAZOLE), order())

    def test_a_disease_may_need_both(self):
        """The row names it."""
        assert silent(judged(*self.LINES, rule=self.RULE, diagnoses=(icd("E16.400"),)))

    @pytest.mark.parametrize("diagnosis", [icd("E16.400", suspected=True), icd("E16.300")])
    def test_another_or_suspected_one_does_not(self, diagnosis):
        """Suspicion is no evidence."""
        assert ((1,),) == said(judged(*self.LINES, rule=self.RULE, diagnoses=(icd("I10.x00"), diagnosis)))

    def test_an_unmapped_diagnosis_may_be_it(self):
        """Only where the row has exceptions, and there is something to except."""
        unmapped = (icd("XYZD018987"),)
        found = judged(*self.LINES, rule=self.RULE, diagnoses=unmapped)

        assert (((("diagnosis.code",), "unmapped", (1,)),), ()) == (unread(found), found.findings)
        assert ((1,),) == said(judged(*self.LINES, diagnoses=unmapped))
        assert silent(judged(order(), rule=self.RULE, diagnoses=unmapped))


class TestHistory:
    STRICT = a_rule("duplicate_medication", items="XA02BC*", history_days="30")

    def test_an_unknown_past_is_no_gap(self):
        """Every order of a common class would be one."""
        assert silent(judged(order()))

    @pytest.mark.parametrize(("since", "gap"), [("2026-02-16", False), ("2026-02-17", True)])
    def test_it_is_where_the_row_asks_for_it(self, since, gap):
        """Thirty days before 18 March is 16 February."""
        found = judged(order(), rule=self.STRICT, history_since=at(since).date())

        assert (((("history",), "missing", (0,)),) if gap else ()) == unread(found)

    def test_a_day_of_use_asks_for_no_past(self):
        """It can duplicate nothing."""
        assert silent(judged(a_line(PANTOPRAZOLE), rule=self.STRICT))

    def test_a_duplicate_needs_no_coverage(self):
        """What is there is there."""
        found = judged(supply(), supplied("2026-03-17"), rule=self.STRICT)

        assert (((0,),), ()) == (said(found), unread(found))

    def test_the_rule_looks_as_far_as_a_long_supply(self):
        """Or as the row says."""
        assert (Look(("XA02BC*",), 90),) == needs(an_encounter(order()), a_rulebook(PPI))
        assert (Look(("XA02BC*",), 30),) == needs(an_encounter(order()), a_rulebook(self.STRICT))


class TestWords:
    def test_the_message_names_both_drugs_and_the_earlier_day(self):
        """A doctor reads the limit, what meets what, and what to do."""
        lines = (supply(name="泮托拉唑"), supplied("2026-03-15", name="奥美拉唑"))
        (finding,) = judged(*lines).findings

        words = (
            "【质子泵抑制剂】同类药同时使用不超过 1 种:泮托拉唑与奥美拉唑(2026-03-15 起)用药期重叠;"
            "请保留其中 1 种,或待前药用完、停用后再开。"
        )
        assert words == finding.message
        assert ("同类药同时使用不超过 1 种", "1 种") == (finding.limit, finding.allowed)
        assert (("drugs", "泮托拉唑"), ("beside", "奥美拉唑(2026-03-15 起)")) == finding.facts

    def test_a_drug_being_saved_has_no_day(self):
        """Both stand in the message at hand; classes are counted as such."""
        lines = (order(code("XC09AA", "E001"), name="依那普利"), order(code("XC09CA", "V001"), name="缬沙坦"))
        (finding,) = judged(*lines, rule=RAAS).findings

        words = (
            "【ACEI与ARB联用】同类药同时使用不超过 1 类:缬沙坦与依那普利用药期重叠;"
            "请保留其中 1 类,或待前药用完、停用后再开。"
        )
        assert words == finding.message

    def test_three_drugs_are_one_finding(self):
        """Each that came too much is named, beside what may stay."""
        lines = (order(OMEPRAZOLE, name="甲"), order(PANTOPRAZOLE, name="乙"), order(LANSOPRAZOLE, name="丙"))
        (finding,) = judged(*lines).findings

        assert ((1, 2), (0,)) == (finding.lines, finding.involved)
        assert "乙、丙与甲用药期重叠" == finding.present

    def test_who_pays_does_not_matter(self):
        """Safety (ruling 1)."""
        assert ((1,),) == said(judged(order(OMEPRAZOLE), order(self_paid=True)))
