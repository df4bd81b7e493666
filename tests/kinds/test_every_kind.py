"""What every kind owes: a test, documented finding codes, a witness, a near miss, and agreement with the plain scan."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from rules import KINDS, check, encode, reference
from rules.codes import CERTAINTY_RANK
from rules.engine import specimen
from rules.engine.specimen_scheme import SCHEME
from tests.builders import MORE_RULES, SAMPLES, a_rule, a_rulebook

ROOT = Path(__file__).parents[2]
ROWS = [*SAMPLES.items(), *MORE_RULES]
each_kind = pytest.mark.parametrize("name", sorted(KINDS))
each_row = pytest.mark.parametrize(("name", "columns"), ROWS)


def rulebook_of(name, columns):
    return a_rulebook(a_rule(name, **({"items": "XL02BBA326A001*"} | columns)))


def test_every_kind_has_a_sample_row():
    """A new kind joins these tests by one file in ``samples``."""
    assert sorted(KINDS) == sorted(SAMPLES)


@each_kind
def test_every_kind_has_its_test(name):
    """One test file per kind, of the same name."""
    assert (Path(__file__).parent / f"test_{name}.py").exists()


@each_kind
def test_a_kind_is_named_after_its_file(name):
    """The table, the file and the kind share one name."""
    assert (ROOT / "rules" / "kinds" / f"{name}.py").exists()


@each_kind
def test_every_finding_code_is_documented(name):
    """Codes are upper case, carry a Chinese label, and stand in the kind's section of the page."""
    section = (ROOT / "docs" / "rules" / f"{name}.md").read_text(encoding="utf-8")
    for code, label in KINDS[name].codes:
        assert re.fullmatch(r"[A-Z][A-Z_]+", code)
        assert f"`{code}`" in section
        assert label in section


def test_finding_codes_are_unique():
    """A code names one kind."""
    codes = [code for kind in KINDS.values() for code, _ in kind.codes]

    assert sorted(set(codes)) == sorted(codes)


@each_kind
def test_scopes_are_named(name):
    """A kind says what its rows may protect."""
    assert KINDS[name].scopes
    assert set(KINDS[name].scopes) <= {"payment", "charging", "safety"}


@each_row
def test_the_witness_fires(name, columns):
    """The generated encounter fires the rule, once, with one of its codes and a full message."""
    rulebook = rulebook_of(name, columns)
    verdict = check(specimen.witness(rulebook.entries[0], rulebook), rulebook, SCHEME)

    assert ["R1"] == [finding.rule for finding in verdict.findings]
    (finding,) = verdict.findings
    assert finding.code in dict(KINDS[name].codes)
    assert finding.message.startswith("【某项目】")
    assert finding.message.endswith("。")
    assert all((finding.limit, finding.present, finding.allowed, finding.facts))
    assert len(finding.lines) == len(finding.amounts)
    assert finding.certainty in CERTAINTY_RANK


@each_row
def test_the_near_miss_is_judged_and_silent(name, columns):
    """The nearest encounter within the limit says nothing, and nothing was left unread."""
    rulebook = rulebook_of(name, columns)
    verdict = check(specimen.near_miss(rulebook.entries[0], rulebook), rulebook, SCHEME)

    assert "clear" == verdict.state
    assert () == verdict.not_checked


@pytest.mark.parametrize(
    ("name", "columns", "tighter"),
    [
        ("age_limit", {"min_age": "", "max_age": "28d"}, {"max_age": "27d"}),
        ("age_limit", {"min_age": "16y", "max_age": ""}, {"min_age": "17y"}),
        ("age_limit", {"min_age": "", "max_age": "11y", "silent_until": "12y"}, {"silent_until": "11y"}),
        ("facility_level_limit", {"min_level": "2"}, {"min_level": "3"}),
        ("frequency_limit", {"max": "24", "unit": "小时"}, {"max": "23.9999"}),
        ("item_interval", {"max": "1", "days": "15"}, {"days": "16"}),
        ("payment_course", {"max_days": "14"}, {"max_days": "13"}),
    ],
)
def test_the_near_miss_is_near(name, columns, tighter):
    """What is just allowed is not allowed by the next tighter limit."""
    loose = rulebook_of(name, columns)
    tight = rulebook_of(name, columns | tighter)
    given = specimen.near_miss(loose.entries[0], loose)

    assert ["R1"] == [finding.rule for finding in check(given, tight, SCHEME).findings]


@each_row
def test_the_plain_scan_agrees(name, columns):
    """Both evaluators give the same bytes on both specimens."""
    rulebook = rulebook_of(name, columns)
    for edit in (specimen.witness, specimen.near_miss):
        given = edit(rulebook.entries[0], rulebook)

        assert encode(reference(given, rulebook, SCHEME)) == encode(check(given, rulebook, SCHEME))


@each_row
def test_a_payment_rule_is_cleared_by_self_pay(name, columns):
    """Payment is cleared, charging and safety never, whatever the kind (ruling 1)."""
    for scope in KINDS[name].scopes:
        rulebook = a_rulebook(a_rule(name, **({"items": "XL02BBA326A001*", "scope": scope} | columns)))
        given = specimen.witness(rulebook.entries[0], rulebook)
        lines = tuple(_self_paid(line) for line in given.encounter.lines)
        verdict = check(_with_lines(given, lines), rulebook, SCHEME)

        assert (scope == "payment") == (not verdict.findings)


def _self_paid(line):
    return replace(line, self_paid=True, consent=True) if line.current else line


def _with_lines(given, lines):
    return replace(given, encounter=replace(given.encounter, lines=lines))
