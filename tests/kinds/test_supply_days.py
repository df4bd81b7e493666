"""Days of supply: as stated or worked out, by place, diagnosis and settlement; silent where no sender tells them."""

import pytest

from tests.builders import a_line, a_rule, a_word, an_encounter, at, icd, said, silent, unread, verdict

HOME = {"type": "outpatient", "medical_type": "11"}
TABLETS = {"supply_days": None, "unit": "片", "dose": 1_0000, "dose_unit": "片", "frequency": "3/1"}


def rule(**cells):
    return a_rule("supply_days", **({"max_days": "7", "when": "outpatient", "name": "门诊处方用药"} | cells))


def days(count, **changes):
    return a_line(**({"name": "阿莫西林胶囊", "supply_days": count} | changes))


def tablets(**changes):
    return a_line(**(TABLETS | changes))


def judged(limit, *lines, words=(), **changes):
    return verdict(an_encounter(*lines, **(HOME | changes)), limit, words=words)


class TestStated:
    def test_the_limit_is_silent(self):
        """Seven days are seven days."""
        assert silent(judged(rule(), days(7)))

    def test_a_day_more_fires(self):
        """A doctor reads which drug, the limit, what was asked for, and what is allowed."""
        (finding,) = judged(rule(), days(8)).findings

        assert "【门诊处方用药】阿莫西林胶囊 门诊限 7 天:本次 8 天;最多可开 7 天用量。" == finding.message
        assert ("门诊限 7 天", "本次 8 天", "7 天") == (finding.limit, finding.present, finding.allowed)
        assert (("line.supply_days", "8"), ("allowed_days", "7")) == finding.facts
        assert "block" == finding.level

    def test_a_rule_named_after_the_drug_says_it_once(self):
        """No name twice."""
        (finding,) = judged(rule(name="阿莫西林胶囊"), days(8)).findings

        assert "【阿莫西林胶囊】门诊限 7 天:本次 8 天;最多可开 7 天用量。" == finding.message

    def test_each_line_is_a_finding(self):
        """A card per line; what is within stays out."""
        assert ((0,), (2,)) == said(judged(rule(), days(8), days(7), days(30)))

    @pytest.mark.parametrize("count", [0, -1, 1001])
    def test_absurd_days_are_not_checked(self, count):
        """A slip of the pen is no number of days."""
        assert ((("line.supply_days",), "missing", (0,)),) == unread(judged(rule(), days(count)))

    def test_the_longest_that_is_believed(self):
        """A thousand days are too long, not unreadable."""
        assert ((0,),) == said(judged(rule(), days(1000)))


class TestWorkedOut:
    def test_quantity_by_dose_and_frequency(self):
        """21 tablets at one three times a day last seven days, 24 last eight."""
        assert silent(judged(rule(), tablets(quantity=21_0000)))
        (finding,) = judged(rule(), tablets(quantity=24_0000)).findings

        words = "按数量、单次用量与频次推算可用 8 天"
        assert (words, "info") == (finding.present, finding.level)

    def test_whole_days_count(self):
        """23 tablets are seven whole days and a rest, not eight."""
        assert silent(judged(rule(), tablets(quantity=23_9999)))

    @pytest.mark.parametrize(("quantity", "level"), [(42_0000, "info"), (45_0000, "warn"), (900_0000, "warn")])
    def test_an_estimate_is_never_loud(self, quantity, level):
        """Packs are not split: up to twice the limit it informs, beyond it warns."""
        (finding,) = judged(rule(), tablets(quantity=quantity)).findings

        assert level == finding.level

    def test_a_weekly_dose(self):
        """Two tablets once a week last a fortnight."""
        weekly = tablets(quantity=2_0000, frequency="1/7")

        assert silent(judged(rule(max_days="14"), weekly))
        assert ((0,),) == said(judged(rule(max_days="13"), weekly))

    def test_units_are_converted_where_they_are_known(self):
        """Ten grams at 500 mg twice a day last ten days."""
        grams = tablets(quantity=10_0000, unit="g", dose=500_0000, dose_unit="mg", frequency="2/1")
        words = (a_word("unit", "g", "1000 mg"),)

        assert silent(judged(rule(max_days="10"), grams, words=words))
        assert ((0,),) == said(judged(rule(max_days="9"), grams, words=words))
        assert ((("line.supply_days",), "missing", (0,)),) == unread(judged(rule(), grams, days(7)))

    def test_once_is_a_day(self):
        """A single dose is within every limit."""
        assert silent(judged(rule(max_days="1"), tablets(quantity=90_0000, frequency="once")))

    @pytest.mark.parametrize(
        "changes",
        [
            {"frequency": "prn"},
            {"quantity": None},
            {"dose": None},
            {"dose": 0},
            {"unit": None},
            {"dose_unit": None},
            {"unit": "盒"},
            {"frequency": None},
        ],
    )
    def test_what_cannot_be_worked_out_is_not_checked(self, changes):
        """As needed, by the box, or with a fact missing; another line shows that the sender does tell."""
        found = judged(rule(), tablets(**({"quantity": 90_0000} | changes)), days(7))

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)

    def test_an_unmapped_frequency_is_named(self):
        """So that it can be mapped."""
        found = judged(rule(), tablets(quantity=90_0000, frequency="每日三次"))

        assert ((("line.frequency",), "unmapped", (0,)),) == unread(found)

    def test_gaps_are_said_once(self):
        """One entry names all lines that lack the same."""
        found = judged(rule(), days(None), days(7), days(None))

        assert ((("line.supply_days",), "missing", (0, 2)),) == unread(found)

    def test_a_gap_does_not_hide_the_others(self):
        """Lines whose days are known are judged."""
        found = judged(rule(), days(None), days(8))

        assert (((1,),), ((("line.supply_days",), "missing", (0,)),)) == (said(found), unread(found))


class TestChannel:
    @pytest.mark.parametrize("facts", [{}, {"dose": 1_0000, "dose_unit": "片"}, {"frequency": "3/1"}])
    def test_a_sender_that_never_tells_is_not_asked(self, facts):
        """No line with days, nor with dose and frequency: this class of fact is not sent, and nothing is judged."""
        assert silent(judged(rule(), days(None, **facts), days(None)))

    def test_boxes_by_dose_and_frequency_are_no_gap(self):
        """An ordinary order: two boxes at a tablet three times a day. What can be worked out beside it is judged."""
        box = tablets(quantity=2_0000, unit="盒")

        assert silent(judged(rule(), box, tablets(quantity=2_0000, unit="盒", frequency="每日三次")))
        assert (((1,),), ()) == ((said(found := judged(rule(), box, tablets(quantity=24_0000)))), unread(found))

    def test_one_line_that_tells_is_enough(self):
        """Then its absence elsewhere is a gap, also on another item."""
        found = judged(rule(), days(None), a_line("002101030300000", supply_days=3))

        assert ((("line.supply_days",), "missing", (0,)),) == unread(found)


class TestPlaces:
    @pytest.mark.parametrize(
        ("when", "fires"),
        [
            ("outpatient", {"ordinary"}),
            ("emergency", {"emergency"}),
            ("outpatient|emergency", {"ordinary", "emergency"}),
            ("inpatient", {"ward"}),
            ("discharge", {"discharge"}),
            ("any", {"ordinary", "emergency", "ward", "discharge"}),
        ],
    )
    def test_where_the_limit_holds(self, when, fires):
        """Each place has its own limits."""
        places = {
            "ordinary": ({"type": "outpatient", "emergency": False}, {}),
            "emergency": ({"type": "outpatient", "emergency": True, "medical_type": "13"}, {}),
            "ward": ({"type": "inpatient"}, {"discharge_medication": False}),
            "discharge": ({"type": "inpatient"}, {"discharge_medication": True}),
        }
        for place, (visit, line) in places.items():
            found = judged(rule(when=when), days(8, **line), **visit)

            assert (place in fires) == bool(found.findings), place
            assert () == found.not_checked

    @pytest.mark.parametrize(
        ("when", "word"),
        [("emergency", "急诊限"), ("inpatient", "住院限"), ("discharge", "出院带药限"), ("any", "每次限")],
    )
    def test_the_place_is_named(self, when, word):
        """A doctor reads which limit it is."""
        visit = {"emergency": True} if when == "emergency" else {"type": "inpatient"}
        (finding,) = judged(rule(when=when), days(8, discharge_medication=when == "discharge"), **visit).findings

        assert finding.limit.startswith(word)

    @pytest.mark.parametrize("kind", ["pharmacy", None])
    def test_elsewhere(self, kind):
        """A pharmacy has other limits; an unknown visit is not checked above the limit."""
        for when in ("outpatient", "discharge"):
            found = judged(rule(when=when), days(8), type=kind)
            gap = ((("visit.type",), "missing", (0,)),) if kind is None else ()

            assert ((), gap) == (said(found), unread(found))
            assert silent(judged(rule(when=when), days(7), type=kind))

    def test_a_contradiction_is_named(self):
        """Scene and codes disagree about the visit (ruling 6)."""
        found = judged(rule(), days(8), type_conflict=True)

        assert ((("visit.type",), "conflict", (0,)),) == unread(found)

    def test_whether_it_is_an_emergency(self):
        """Must be known for the shorter limit only, and only above it; the ordinary one holds either way."""
        short, unknown = rule(when="emergency", max_days="3"), {"emergency": None, "medical_type": None}

        assert ((("visit.emergency",), "missing", (0,)),) == unread(judged(short, days(4), **unknown))
        assert silent(judged(short, days(3), **unknown))
        assert ((0,),) == said(judged(rule(), days(8), **unknown))
        assert ((0,),) == said(judged(rule(when="emergency|outpatient"), days(8), **unknown))

    @pytest.mark.parametrize(("kind", "emergency"), [("13", True), ("11", False), ("140104", False), ("19", None)])
    def test_the_medical_type_tells_an_emergency(self, kind, emergency):
        """Where no flag does; the flag itself comes first."""
        short, visit = rule(when="emergency", max_days="3"), {"medical_type": kind, "emergency": None}
        found = judged(short, days(4), **visit)

        assert ((((0,),) if emergency else ()), emergency is None) == (said(found), bool(found.not_checked))
        assert emergency is True or said(judged(rule(), days(8), **visit)) == ((0,),)
        assert emergency is not True or silent(judged(rule(), days(8), **visit))
        assert ((0,),) == said(judged(short, days(4), medical_type=kind, emergency=True))
        assert silent(judged(short, days(4), medical_type=kind, emergency=False))

    def test_rescue_is_not_interrupted(self):
        """An ordinary emergency keeps its three days; a rescue is informed at most (ruling 21)."""
        short = rule(when="emergency", max_days="3")
        levels = [judged(short, days(4), emergency=True, rescue=rescue).findings[0].level for rescue in (True, False)]

        assert ["info", "block"] == levels

    @pytest.mark.parametrize("changes", [{"long_term": True}, {"stop": at("2026-03-28")}])
    def test_a_running_order_in_the_ward_is_handed_out_daily(self, changes):
        """However long it runs."""
        assert silent(judged(rule(when="inpatient"), days(8, **changes), type="inpatient"))

    def test_discharge_that_is_not_said(self):
        """Where others say it, it is missing above the limit; where nobody does, the sender does not tell."""
        ward, leaving = rule(when="discharge"), days(3, discharge_medication=False)
        gap = ((("line.discharge_medication",), "missing", (0,)),)

        assert gap == unread(judged(ward, days(8), leaving, type="inpatient"))
        assert silent(judged(ward, days(7), leaving, type="inpatient"))
        assert silent(judged(ward, days(8), type="inpatient"))


class TestRelaxed:
    PAIN = ("C*|G89*", "15")

    def pain(self, **cells):
        return rule(**({"max_days": "3", "relax_dx": self.PAIN[0], "relax_days": self.PAIN[1]} | cells))

    def test_cancer_relaxes_opioids(self):
        """Fifteen days with the diagnosis, three without (ruling 21)."""
        cancer = {"diagnoses": (icd("C34.900"),)}

        assert silent(judged(self.pain(), days(15), **cancer))
        (finding,) = judged(self.pain(), days(16), **cancer).findings
        assert ("门诊限 15 天", "15 天") == (finding.limit, finding.allowed)
        assert "门诊限 3 天" == judged(self.pain(), days(4)).findings[0].limit

    def test_a_suspicion_does_not(self):
        """Suspected diagnoses are no evidence."""
        found = judged(self.pain(), days(4), diagnoses=(icd("C34.900", suspected=True), icd("I10.x00")))

        assert ((0,),) == said(found)

    def test_an_unread_diagnosis_matters_between_the_limits(self):
        """It could relax: not checked; above even that it fires, by the limit that surely holds."""
        local = {"diagnoses": (icd("XYZD018987"),)}

        assert silent(judged(self.pain(), days(3), **local))
        for count in (4, 15):
            found = judged(self.pain(), days(count), **local)
            assert ((("diagnosis.code",), "unmapped", (0,)),) == unread(found)
        assert "门诊限 3 天" == judged(self.pain(), days(16), **local).findings[0].limit

    @pytest.mark.parametrize(
        ("visit", "chronic"),
        [
            ({"chronic_disease": "M01600"}, True),
            ({"medical_type": "140104", "chronic_disease": None}, True),
            ({"medical_type": "140104", "chronic_disease": ""}, True),
            ({"medical_type": "11", "chronic_disease": None}, False),
            ({"medical_type": None, "chronic_disease": ""}, False),
        ],
    )
    def test_a_chronic_settlement_extends(self, visit, chronic):
        """Twelve weeks where the visit is settled under a chronic disease."""
        extended = rule(extends_for_chronic="84")

        assert (() if chronic else ((0,),)) == said(judged(extended, days(84), **visit))
        assert ((0,),) == said(judged(extended, days(85), **visit))

    def test_an_unknown_settlement_matters_between_the_limits(self):
        """Neither code nor disease says."""
        unknown = {"medical_type": None, "chronic_disease": None}
        extended = rule(extends_for_chronic="84")

        for count in (8, 84):
            found = judged(extended, days(count), **unknown)
            assert ((("visit.chronic_disease",), "missing", (0,)),) == unread(found)
        assert ((0,),) == said(judged(extended, days(85), **unknown))

    def test_the_longest_relaxation_holds(self):
        """Diagnosis and settlement together: the longer one, whichever it is."""
        both = {"diagnoses": (icd("C34.900"),), "chronic_disease": "M00500"}

        for chronic in ("10", "30"):
            longest = max(15, int(chronic))
            relaxed = self.pain(extends_for_chronic=chronic)
            assert silent(judged(relaxed, days(longest), **both))
            assert f"门诊限 {longest} 天" == judged(relaxed, days(longest + 1), **both).findings[0].limit

    def test_what_could_relax_further_is_named(self):
        """With a diagnosis relaxing to 15, only the settlement can allow 30."""
        relaxed = self.pain(extends_for_chronic="30")
        unknown = {"medical_type": None, "diagnoses": (icd("XYZD018987"),)}

        assert (("diagnosis.code",),) == tuple(gap[0] for gap in unread(judged(relaxed, days(15), **unknown)))
        assert (("visit.chronic_disease",),) == tuple(gap[0] for gap in unread(judged(relaxed, days(16), **unknown)))
        assert ((0,),) == said(judged(relaxed, days(31), **unknown))

    def test_other_items_have_limits_of_their_own(self):
        """Excepted items are none of this row's business."""
        assert silent(judged(rule(items="A*", except_items="A01*"), days(8)))
        assert ((0,),) == said(judged(rule(items="A*", except_items="A02*"), days(8)))
        both = (days(8, item="A01"), days(8, item="A02"))
        assert ((1,),) == said(judged(rule(items="A*", except_items="A01*"), *both))


class TestWhoPays:
    def test_payment_is_cleared_by_self_pay(self):
        """The patient may take more home at their own cost; safety rules still speak (ruling 1)."""
        line = days(8, self_paid=True, consent=True)

        assert silent(judged(rule(scope="payment"), line))
        assert ((0,),) == said(judged(rule(scope="safety"), line))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"relax_dx": "C*"}, "belong together"),
        ({"relax_days": "15"}, "belong together"),
        ({"relax_dx": "C*", "relax_days": "7"}, "more than max_days"),
        ({"extends_for_chronic": "7"}, "more than max_days"),
        ({"max_days": "0"}, "max_days"),
        ({"when": "home"}, "when"),
        ({"when": ""}, "when"),
        ({"when": "|"}, "when"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(cells, words):
    """With a sentence that says what is wrong."""
    with pytest.raises(ValueError, match=words):
        rule(**cells)


def test_a_day_is_a_limit():
    """One day, relaxed to two."""
    least = rule(max_days="1", relax_dx="C*", relax_days="2", extends_for_chronic="2")

    assert (1, 2, 2) == (least.max_days, least.relax_days, least.extends_for_chronic)
    assert silent(judged(least, days(1)))
    assert ((0,),) == said(judged(least, days(2)))
