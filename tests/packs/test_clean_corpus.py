"""The clean corpus: encounters as good doctors order them, about which nothing louder than ``info`` may be said.

Silence must mean something, so the tests also measure what the encounters bring up: how many items the pack names,
how many rules came up and were judged, how few came out *not checked*, and what the same encounters say once spoilt.
"""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from rules import Rulebook, check, encode, needs, reference
from rules.codes import LEVEL_RANK
from rules.compiler import examine
from rules.engine.check import applicable, candidates
from rules.engine.selection import selects
from rules.kinds._view import View
from rules.model import NO_CONTEXT, Context, Diagnosis, Facility, History
from rules.patterns import PatternIndex
from service.asked import whole_visit
from service.history.context import asked_of

PACK = Path(__file__).parents[2] / "rules" / "packs" / "national-2026"
CHECK_UP = (Diagnosis(code="Z00.001", name="健康查体"),)
CLASS_WIDE = {"*", "X*", "Z*", "T*", "C*"}
"""Patterns that name a whole class of goods and so no item."""


@pytest.fixture(scope="module")
def examined():
    """The national pack with its cases."""
    return examine(PACK)


@pytest.fixture(scope="module")
def rulebook(examined):
    """The national pack alone, compiled."""
    return Rulebook.build([examined.pack])


@pytest.fixture(scope="module")
def corpus(examined):
    """Every case of the files ``clean_<department>.yaml``."""
    return tuple(placed.case for placed in examined.cases if Path(placed.file).name.startswith("clean_"))


def lines_of(corpus):
    return [line for case in corpus for line in case.encounter.lines]


def said(case, rulebook):
    """Return what is said above ``info``, one readable line each."""
    return [
        f"{case.name}: {finding.rule} ({finding.level}) {finding.message}"
        for finding in check(case.input, rulebook).findings
        if LEVEL_RANK[finding.level] > LEVEL_RANK["info"]
    ]


def came_up(case, rulebook):
    """Return the rules that had something to judge: brought up, in force, and speaking for this kind of visit."""
    view = View(case.input, rulebook.words)
    return {
        rulebook.entries[number].rule.id
        for number, lines in candidates(view, rulebook).items()
        if (not lines or any(applicable(rulebook.entries[number], lines, view)))
        and selects(rulebook.entries[number].rule, view) is None
    }


def unread(case, rulebook):
    """Return the rules that came out *not checked*, each with its reasons."""
    found = {}
    for entry in check(case.input, rulebook).not_checked:
        found.setdefault(entry.rule, set()).add(entry.reason)
    return found


def without_diagnosis(encounter):
    return replace(encounter, diagnoses=CHECK_UP)


def in_a_small_hospital(encounter):
    return replace(encounter, facility=Facility(level=1, specialty=""))


def of_the_other_sex(encounter):
    other = {"male": "female", "female": "male"}
    return replace(encounter, patient=replace(encounter.patient, sex=other[encounter.patient.sex]))


def of_another_age(encounter):
    """Make a grown-up of every child, and a child of every grown-up."""
    birth = encounter.patient.birth_date
    return replace(
        encounter,
        patient=replace(encounter.patient, birth_date=birth.replace(year=2024 if birth.year < 2008 else 1980, day=1)),
    )


def as_outpatient(encounter):
    visit = replace(encounter.visit, type="outpatient", medical_type="11", emergency=False)
    return replace(encounter, visit=visit, scenes=("2",))


def charged_twice(encounter):
    again = tuple(replace(line, position=len(encounter.lines) + line.position) for line in encounter.lines)
    return replace(encounter, lines=(*encounter.lines, *again))


def told_by_the_national_message(encounter):
    """Leave out what that message has no field for: doses, days, prescriptions, groups, and who pays."""
    lines = tuple(
        replace(
            line,
            dose=None,
            dose_unit=None,
            frequency=None,
            route=None,
            supply_days=None,
            prescription=None,
            group=None,
            doses=None,
            long_term=None,
            discharge_medication=None,
            self_paid=line.self_paid or None,
        )
        for line in encounter.lines
    )
    visit = replace(encounter.visit, work_injury=None, emergency=None)
    patient = replace(encounter.patient, pregnant=None, lactating=None, weight_g=None)
    return replace(encounter, lines=lines, visit=visit, patient=patient, history_since=None)


def without_clock_times(encounter):
    midnight = {"hour": 0, "minute": 0}
    lines = tuple(
        replace(
            line,
            begin=line.begin and line.begin.replace(**midnight),
            stop=line.stop and line.stop.replace(**midnight),
            timed=False,
        )
        for line in encounter.lines
    )
    return replace(encounter, lines=lines)


def at_settlement(encounter):
    scene = {"inpatient": "8", "outpatient": "6", "pharmacy": "10"}[encounter.visit.type]
    return replace(encounter, scenes=(scene,))


def settled_as_a_whole(encounter):
    """Every line of the visit is judged with the others, as the service does before settlement."""
    scene = {"inpatient": "9", "outpatient": "7", "pharmacy": "6"}[encounter.visit.type]
    return whole_visit(replace(encounter, scenes=(scene,)))


def without_scene(encounter):
    return replace(encounter, scenes=())


class TestSize:
    """The corpus is as large and as mixed as the promise that rests on it."""

    def test_encounters_are_many_and_all_quiet(self, corpus):
        """Some 200 encounters, each of them marked as normal care."""
        assert len(corpus) >= 195
        assert [] == [case.name for case in corpus if not case.quiet]

    def test_departments_and_lines_are_many(self, corpus):
        """Every large department of a general hospital orders here, over several days and with history."""
        departments = {case.encounter.visit.department for case in corpus}

        assert len(departments) >= 90
        assert len(lines_of(corpus)) >= 1100
        assert sum(not line.current for line in lines_of(corpus)) >= 60

    def test_items_are_many_and_most_are_named_by_rules(self, corpus, rulebook):
        """Some 500 items, half of which an active rule names, not merely a whole class of goods."""
        named = PatternIndex(
            (tuple(pattern for pattern in entry.kind.triggers(entry.rule).items if pattern not in CLASS_WIDE), 1)
            for entry in rulebook.entries
        )
        items = {line.item for line in lines_of(corpus)}

        assert len(items) >= 500
        assert sum(bool(list(named.find(item))) for item in items) >= 250

    def test_rich_and_poor_messages_are_both_there(self, corpus):
        """Some senders tell dose, frequency and payer of every line; the national message tells none of them."""
        poor = [case for case in corpus if all(line.self_paid is None for line in case.encounter.lines)]
        rich = [case for case in corpus if any(line.dose and line.frequency for line in case.encounter.lines)]

        assert len(poor) >= 25
        assert len(rich) >= 150

    @pytest.mark.parametrize("number", [1, 5, 9, 10, 16, 17, 18, 19, 20, 21])
    def test_rulings_on_normal_care_have_their_encounters(self, corpus, number):
        """What a naive row would flag, and a ruling says is normal, is named after its ruling."""
        assert any(f"裁定{number}" in case.name for case in corpus)


def test_nothing_louder_than_info_is_said(corpus, rulebook):
    """Zero findings above ``info``: what a good doctor really orders is not flagged."""
    assert [] == [line for case in corpus for line in said(case, rulebook)]


@pytest.mark.parametrize(
    "told", [told_by_the_national_message, without_clock_times, at_settlement, settled_as_a_whole, without_scene]
)
def test_the_same_care_told_otherwise_stays_quiet(corpus, rulebook, told):
    """Normal care does not become a fault because a message says less of it, or is sent at another moment."""
    loud = [line for case in corpus for line in said(replace(case, encounter=told(case.encounter)), rulebook)]

    assert [] == loud


def asked_about(case, rulebook, since):
    """Return what an empty record tells of an encounter: all that was asked for, from a day on or from none."""
    looks = needs(case.encounter, rulebook)
    asked = tuple(asked_of(looks, case.encounter, case.input.time))
    return Context(history=History(since=since, asked=asked)) if looks else NO_CONTEXT


def test_a_record_leaves_no_more_open_than_none(corpus, rulebook):
    """Without coverage it changes nothing; with it, absence is known and fewer rules lack the past."""

    def open_for_history(since=None, *, recorded=True):
        return sum(
            "history" in entry.fields
            for case in corpus
            for entry in check(
                replace(case.input, context=asked_about(case, rulebook, since) if recorded else NO_CONTEXT), rulebook
            ).not_checked
        )

    alone = open_for_history(recorded=False)
    assert alone == open_for_history()
    assert open_for_history(date(2000, 1, 1)) < alone


def test_the_plain_scan_agrees(corpus, rulebook):
    """Index and reference give the same bytes for every encounter."""
    differing = [
        case.name for case in corpus if encode(reference(case.input, rulebook)) != encode(check(case.input, rulebook))
    ]

    assert [] == differing


class TestSilenceMeansSomething:
    """Rules came up and judged; they were not merely absent, skipped or deaf."""

    def test_many_rules_of_many_kinds_judge(self, corpus, rulebook):
        """Each rule counted came up in some encounter and did not come out *not checked* there."""
        kinds = {entry.rule.id: entry.kind.name for entry in rulebook.entries}
        judged = {rule for case in corpus for rule in came_up(case, rulebook) - set(unread(case, rulebook))}

        assert len(judged) >= 285
        assert len({kinds[rule] for rule in judged}) >= 20

    def test_few_come_out_not_checked(self, corpus, rulebook, record_property):
        """Share of (rule, encounter) pairs without an answer: for lack of facts, and with unset parameters."""
        pairs = sum(len(came_up(case, rulebook)) for case in corpus)
        reasons = Counter(
            "parameter" if found == {"parameter"} else "facts"
            for case in corpus
            for found in unread(case, rulebook).values()
        )
        record_property("pairs", pairs)
        record_property("not_checked", dict(reasons))

        assert pairs >= 1700
        assert reasons["facts"] / pairs <= 0.01
        assert reasons.total() / pairs <= 0.02

    @pytest.mark.parametrize(
        ("spoil", "kind", "least"),
        [
            (without_diagnosis, "indication", 40),
            (in_a_small_hospital, "facility_level_limit", 10),
            (of_the_other_sex, "sex_limit", 15),
            (of_another_age, "age_limit", 12),
            (as_outpatient, "visit_type_limit", 8),
            (charged_twice, "frequency_limit", 40),
        ],
    )
    def test_the_same_encounters_spoilt_are_flagged(self, corpus, rulebook, spoil, kind, least):
        """One wrong fact in each encounter, and the kind that watches over it speaks in many of them."""
        loud = 0
        for case in corpus:
            found = check(replace(case, encounter=spoil(case.encounter)).input, rulebook).findings
            loud += any(one.kind == kind and LEVEL_RANK[one.level] > LEVEL_RANK["info"] for one in found)

        assert loud >= least
