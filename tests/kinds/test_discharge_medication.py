"""Discharge medication: forms that are not taken home, and how many drugs may be."""

import pytest

from tests.builders import a_line, a_rule, a_word, an_encounter, past, said, silent, unread, verdict

INJECTION = "XJ01DDA001B001010100001"
TABLET = "XJ01CAA001A001010100001"
FORMS = a_rule("discharge_medication", items="X*|Z*", name="出院带药")
DRUGS = a_rule("discharge_medication", items="X*|Z*", forbid_forms="", max_drugs="2", name="出院带药")


def home(item=TABLET, **changes):
    return a_line(item, **({"discharge_medication": True} | changes))


def judged(rule, *lines, words=(), **changes):
    return verdict(an_encounter(*lines, **changes), rule, words=words)


def drug(number):
    return f"XJ01CAA001A0010101{number:05d}"


class TestForms:
    def test_an_injection_is_not_taken_home(self):
        """A doctor reads which drug, why, and what to do."""
        (finding,) = judged(FORMS, home(INJECTION, name="注射用头孢曲松钠")).findings

        words = "【出院带药】注射用头孢曲松钠为注射剂,出院带药不得为注射剂;请改用其他剂型,或在院内用完。"
        assert (words, "DISCHARGE_FORM") == (finding.message, finding.code)
        assert ("出院带药不得为注射剂", "注射剂", "除注射剂以外的剂型") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )
        assert (("line.dose_form", "注射剂"),) == finding.facts

    def test_a_rule_named_after_the_drug_says_it_once(self):
        """No name twice."""
        rule = a_rule("discharge_medication", items=INJECTION, name="头孢曲松")
        (finding,) = judged(rule, home(INJECTION, name="头孢曲松")).findings

        assert finding.message.startswith("【头孢曲松】为注射剂,")

    def test_tablets_are(self):
        """Another form by its code, and by its own word."""
        assert silent(judged(FORMS, home(TABLET)))
        assert silent(judged(FORMS, home(INJECTION, dose_form="oral_solid")))

    def test_the_word_wins_over_the_code(self):
        """The hospital's own form, through the dictionary."""
        words = (a_word("dose_form", "水针", "injection"),)

        assert ((0,),) == said(judged(FORMS, home(TABLET, dose_form="水针"), words=words))

    def test_an_unmapped_word_leaves_the_code(self):
        """A western code still tells an injection; where it cannot, the word is unmapped."""
        assert ((0,),) == said(judged(FORMS, home(INJECTION, dose_form="针")))
        assert silent(judged(FORMS, home(TABLET, dose_form="片")))
        found = judged(FORMS, home("ZA01BAB0001010100001", dose_form="针"))
        assert ((("line.dose_form",), "unmapped", (0,)),) == unread(found)

    def test_without_a_form_a_patent_drug_is_not_checked(self):
        """Its code does not tell; lines that lack the same are one entry."""
        found = judged(FORMS, home("ZA01BAB0001010100001"), home(INJECTION), home("ZA01BAB0001010100002"))

        assert (((1,),), ((("line.dose_form",), "missing", (0, 2)),)) == (said(found), unread(found))

    def test_a_code_tells_injections_only(self):
        """Where patches are forbidden, a western code that is no injection could be one."""
        patches = a_rule("discharge_medication", items="X*|A01", forbid_forms="patch")
        both = a_rule("discharge_medication", items="X*", forbid_forms="injection|patch")

        assert silent(judged(patches, home(INJECTION)))
        assert ((("line.dose_form",), "missing", (0,)),) == unread(judged(patches, home(TABLET)))
        assert ((("line.dose_form",), "missing", (0,)),) == unread(judged(both, home(TABLET)))
        (finding,) = judged(both, home(TABLET, dose_form="patch")).findings
        assert ("出院带药不得为贴剂", "除注射剂、贴剂以外的剂型") == (finding.limit, finding.allowed)

    @pytest.mark.parametrize(("item", "told"), [("XJ01DDA001B001", True), ("XJ01DDA001B00", False), ("A01", False)])
    def test_only_a_whole_family_tells(self, item, told):
        """Fourteen characters hold substance and form; a local code is read as nothing."""
        rule = a_rule("discharge_medication", items=item)
        found = judged(rule, home(item))

        assert ((((0,),), ()) if told else ((), ((("line.dose_form",), "missing", (0,)),))) == (
            said(found),
            unread(found),
        )

    def test_in_the_ward_it_is_given(self):
        """Only what is taken home counts."""
        assert silent(judged(FORMS, home(INJECTION, discharge_medication=False)))

    def test_excepted_items(self):
        """Insulin is injected at home."""
        rule = a_rule("discharge_medication", items="X*", except_items="XA10A*")

        assert silent(judged(rule, home("XA10ABG001B002010100001")))
        assert ((0,),) == said(judged(rule, home(INJECTION)))


class TestChannel:
    def test_a_sender_that_never_tells_is_not_asked(self):
        """No line says yes or no: nothing is there to judge."""
        assert silent(judged(FORMS, home(INJECTION, discharge_medication=None)))
        assert silent(judged(DRUGS, *(home(drug(number), discharge_medication=None) for number in range(3))))

    @pytest.mark.parametrize("other", [True, False])
    def test_where_others_tell_it_is_missing(self, other):
        """For a form that would be forbidden, and for no other."""
        lines = (home(INJECTION, discharge_medication=None), home(TABLET, discharge_medication=other))
        found = judged(FORMS, *lines, home(TABLET, discharge_medication=None))

        assert ((), ((("line.discharge_medication",), "missing", (0,)),)) == (said(found), unread(found))


class TestDrugs:
    def test_as_many_as_allowed(self):
        """Two different drugs, one of them twice."""
        assert silent(judged(DRUGS, home(drug(1)), home(drug(2)), home(drug(2))))

    def test_one_more_fires(self):
        """The lines beyond the number are named, the others are involved."""
        (finding,) = judged(DRUGS, *(home(drug(number)) for number in (1, 2, 3, 3))).findings

        assert "【出院带药】出院带药限 2 种:本次 3 种;本次最多可开 2 种。" == finding.message
        assert ("DISCHARGE_DRUGS_EXCEEDED", (2, 3), (0, 1)) == (finding.code, finding.lines, finding.involved)
        assert (("past", "0"), ("now", "3"), ("allowed", "2")) == finding.facts

    def test_earlier_ones_count(self):
        """What was ordered to be taken home before, in this visit."""
        before = (past("2026-03-17", drug(1), discharge_medication=True), past("2026-03-17", drug(5)))
        (finding,) = judged(DRUGS, home(drug(2)), home(drug(3)), *before).findings

        words = "【出院带药】出院带药限 2 种:已开 1 种 + 本次 2 种 = 3 种;本次最多可开 1 种。"
        assert (words, (1,), (0, 2)) == (finding.message, finding.lines, finding.involved)
        assert ("出院带药限 2 种", "已开 1 种 + 本次 2 种 = 3 种", "1 种") == (
            finding.limit,
            finding.present,
            finding.allowed,
        )

    def test_more_of_what_is_taken_already_is_no_new_drug(self):
        """Three drugs known: a line of one of them adds none, another one does."""
        before = tuple(past("2026-03-17", drug(number), discharge_medication=True) for number in (1, 2, 3))

        assert silent(judged(DRUGS, home(drug(1)), *before))
        (finding,) = judged(DRUGS, home(drug(4)), *before).findings
        assert ("0 种", "已开 3 种 + 本次 1 种 = 4 种") == (finding.allowed, finding.present)

    @pytest.mark.parametrize(
        "changes",
        [{"visit": "V0"}, {"quantity": 0}, {"self_paid": True, "consent": True}, {"discharge_medication": False}],
    )
    def test_what_does_not_count(self, changes):
        """Another visit, nothing charged, paid by the patient, given in the ward."""
        earlier = past("2026-03-17", drug(1), **({"discharge_medication": True} | changes))

        assert silent(judged(DRUGS, home(drug(2)), home(drug(3)), earlier))

    def test_what_was_taken_back_does_not_count(self):
        """Two remain of three; of a line taken back in part the drug remains."""
        three = tuple(home(drug(number), quantity=2_0000) for number in (1, 2, 3))

        assert silent(judged(DRUGS, *three, home(drug(1), quantity=-2_0000)))
        assert ((2,),) == said(judged(DRUGS, *three, home(drug(1), quantity=-1_0000)))

    def test_excepted_items_do_not(self):
        """Neither now nor before."""
        rule = a_rule(
            "discharge_medication", items="X*", forbid_forms="", max_drugs="1", except_items=f"{drug(1)}|{drug(2)}"
        )
        before = past("2026-03-17", drug(1), discharge_medication=True)

        assert silent(judged(rule, home(drug(2)), home(drug(3)), before))

    def test_unknown_lines_matter_where_they_could_exceed(self):
        """Two and one that does not say: not checked; one and one: silent; three and one: it fires."""
        unsure = home(drug(9), discharge_medication=None)
        gap = ((("line.discharge_medication",), "missing", (2,)),)

        assert gap == unread(judged(DRUGS, home(drug(1)), home(drug(2)), unsure))
        assert silent(judged(DRUGS, home(drug(1)), unsure))
        found = judged(DRUGS, home(drug(1)), home(drug(2)), home(drug(3)), unsure)
        assert (((2,),), ()) == (said(found), unread(found))

    def test_only_unknown_lines_are_not_at_fault(self):
        """Too many were taken before; what does not say adds to it or not."""
        before = tuple(past("2026-03-17", drug(number), discharge_medication=True) for number in (1, 2, 3))
        found = judged(DRUGS, home(drug(9), discharge_medication=None), *before)

        assert ((), ((("line.discharge_medication",), "missing", (0,)),)) == (said(found), unread(found))


class TestWhoPays:
    @pytest.mark.parametrize("rule", [FORMS, DRUGS])
    def test_payment_is_cleared_by_self_pay(self, rule):
        """The patient may take home at their own cost (ruling 1)."""
        lines = tuple(home(item, self_paid=True, consent=True) for item in (INJECTION, drug(1), drug(2)))

        assert silent(judged(rule, *lines))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"forbid_forms": ""}, "set either"),
        ({"max_drugs": "5"}, "set either"),
        ({"forbid_forms": "pill"}, "forbid_forms"),
        ({"forbid_forms": "", "max_drugs": "0"}, "max_drugs"),
        ({"max_drugs": "0"}, "max_drugs"),
    ],
)
def test_a_row_says_one_thing(cells, words):
    """Forms or a number, and forms that there are."""
    with pytest.raises(ValueError, match=words):
        a_rule("discharge_medication", **cells)


def test_one_drug_is_a_limit():
    """The second is one too many."""
    rule = a_rule("discharge_medication", items="X*", forbid_forms="", max_drugs="1")

    assert ((1,),) == said(judged(rule, home(drug(1)), home(drug(2))))
