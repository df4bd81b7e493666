"""Every active row of every pack that ships: its witness fires it and only it, its near miss is silent.

``implied_by`` names the rules that speak whenever a row's witness does; the list is exact, so it stays minimal.
"""

from pathlib import Path

import pytest

from rules import KINDS, Rulebook, check, encode, reference
from rules.compiler import compile_pack, examine, run_cases
from rules.engine import specimen
from rules.engine.specimen_scheme import SCHEME
from service.schemes import shipped

PACKS = sorted(path.parent for path in (Path(__file__).parents[2] / "rules" / "packs").glob("*/pack.yaml"))


@pytest.fixture(scope="module", params=PACKS, ids=lambda path: path.name)
def folder(request):
    """Each pack that ships."""
    return request.param


@pytest.fixture(scope="module")
def rulebook(folder):
    """The pack alone, compiled."""
    return Rulebook.build([compile_pack(folder)])


def spoken(verdict):
    return {finding.rule for finding in verdict.findings}


def unread(verdict, rule):
    return [entry for entry in verdict.not_checked if entry.rule == rule]


def test_every_witness_fires_its_row_and_only_what_it_implies(rulebook):
    """A row that its own witness does not fire, or that drags others along unnamed, is a fault."""
    wrong = {}
    for entry in rulebook.entries:
        verdict = check(specimen.witness(entry, rulebook), rulebook, SCHEME)
        expected = set() if entry.rule.unset else {entry.rule.id, *entry.rule.implied_by}
        if spoken(verdict) != expected:
            wrong[entry.rule.id] = sorted(spoken(verdict))

    assert {} == wrong


def test_every_near_miss_is_silent(rulebook):
    """The nearest encounter that the limit allows raises nothing, and is judged rather than skipped."""
    wrong = {}
    for entry in rulebook.entries:
        verdict = check(specimen.near_miss(entry, rulebook), rulebook, SCHEME)
        skipped = bool(unread(verdict, entry.rule.id)) and not entry.rule.unset
        if entry.rule.id in spoken(verdict) or skipped:
            wrong[entry.rule.id] = verdict

    assert {} == wrong


def test_a_row_with_an_unset_parameter_says_so(rulebook):
    """A parameter that the hospital has not set makes its rows *not checked*, naming the parameter."""
    for entry in rulebook.entries:
        if entry.rule.unset:
            verdict = check(specimen.witness(entry, rulebook), rulebook, SCHEME)
            (said,) = unread(verdict, entry.rule.id)
            assert ("parameter", tuple(f"parameter.{name}" for name in entry.rule.unset)) == (said.reason, said.fields)


@pytest.mark.slow
def test_the_plain_scan_agrees_on_every_specimen(rulebook):
    """Index and reference give the same bytes for every witness and near miss."""
    for entry in rulebook.entries:
        for given in (specimen.witness(entry, rulebook), specimen.near_miss(entry, rulebook)):
            assert encode(reference(given, rulebook, SCHEME)) == encode(check(given, rulebook, SCHEME))


def test_incomplete_rows_never_speak(rulebook):
    """Rows listed as incomplete are in the rulebook's list with a note, and nowhere in its index (ruling 15)."""
    speaking = {entry.rule.id for entry in rulebook.entries}

    assert [] == [rule.id for rule in rulebook.incomplete if rule.id in speaking or not rule.note]


def test_named_cases_pass(folder):
    """The pack's own cases give exactly the findings and the *not checked* that they list."""
    examined = examine(folder)
    book = Rulebook.build([examined.pack])
    failed = {
        outcome.placed.case.name: outcome.differences
        for outcome in run_cases(examined.cases, lambda given, scheme: check(given, book, scheme), shipped)
        if not outcome.passed
    }

    assert {} == failed
    assert len(examined.cases) >= 25


def test_every_active_rule_is_cited(rulebook):
    """A finding without a legal basis cannot be defended."""
    assert [] == [entry.rule.id for entry in rulebook.entries if entry.rule.citation not in rulebook.citations]


def test_every_kind_speaks_in_some_pack():
    """What the national content lacks stands in the example pack: no kind is without a row that runs."""
    speaking = {entry.kind.name for folder in PACKS for entry in Rulebook.build([compile_pack(folder)]).entries}

    assert set() == set(KINDS) - speaking


def test_the_packs_may_be_active_together():
    """No rule id stands in two of them, and no citation means two instruments."""
    packs = [compile_pack(folder) for folder in PACKS]
    book = Rulebook.build(packs)

    assert len(book.entries) + len(book.incomplete) == sum(
        len(found) for pack in packs for found in pack.rules.values()
    )
