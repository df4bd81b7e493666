"""Two evaluators, one truth: the index and the plain scan agree, and order never matters."""

import random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rules import Input, Rulebook, check, encode, reference
from rules.patterns import PatternIndex, find_by_scan, matches
from tests.builders import a_pack, a_rulebook
from tests.engine.encounters import BOOK, RULES, crowded, inputs

LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
many = settings(max_examples=60, deadline=None, suppress_health_check=LARGE)
most = settings(max_examples=500, deadline=None, suppress_health_check=LARGE)
"""For encounters that one rule alone judges."""
few = settings(max_examples=20, deadline=None, suppress_health_check=LARGE)


@many
@given(inputs())
def test_the_index_answers_like_the_plain_scan(given_input):
    """The fast path and its twin give the same bytes on odd input."""
    assert encode(reference(given_input, BOOK)) == encode(check(given_input, BOOK))


def assert_sound(found, given_input, rules):
    """Say what holds of every answer, whatever was asked."""
    sent = given_input.encounter.lines
    current = {line.position for line in sent if line.current}
    named = {rule.id: rule for rule in rules}
    for finding in found.findings:
        assert set(finding.lines) <= current
        assert len(finding.lines) == len(finding.amounts) == len(set(finding.lines))
        assert not set(finding.lines) & set(finding.involved)
        assert len(finding.involved) == len(set(finding.involved))
        assert all((sent[place].quantity or 0) >= 0 for place in finding.lines), "a reversal is never flagged"
        assert named[finding.rule].certainty != "suspicious" or finding.level != "block"
    for entry in found.not_checked:
        assert entry.reason != "failed", entry.fields
        assert entry.fields
        assert set(entry.lines) <= current
        assert len(entry.lines) == len(set(entry.lines))
    loud = any(finding.level != "silent" for finding in found.findings)
    assert found.state == ("warned" if loud else "indeterminate" if found.not_checked else "clear")


@many
@given(inputs())
def test_the_answer_is_sound(given_input):
    """No rule breaks; lines are current charges of the payload, amounts match, and a state is what its parts say."""
    assert_sound(check(given_input, BOOK), given_input, RULES)


@most
@given(crowded())
def test_the_answer_of_one_rule_is_sound(given_rule):
    """Where the rule speaks about many lines that are nearly alike."""
    rule, given_input = given_rule

    assert_sound(check(given_input, a_rulebook(rule)), given_input, [rule])


@many
@given(inputs())
def test_the_same_input_gives_the_same_bytes(given_input):
    """Twice, and after a journey through the journal."""
    stored = msgspec.json.decode(encode(given_input), type=Input)

    assert given_input == stored
    assert encode(given_input) == encode(stored)
    assert encode(check(given_input, BOOK)) == encode(check(stored, BOOK))


@few
@given(inputs(), st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(given_input, shuffler):
    """Packs list their rules in any order."""
    rules = list(RULES)
    shuffler.shuffle(rules)

    assert encode(check(given_input, BOOK)) == encode(check(given_input, a_rulebook(*rules)))


@few
@given(inputs(), st.lists(st.booleans(), min_size=len(RULES), max_size=len(RULES)))
def test_the_order_of_packs_does_not_matter(given_input, split):
    """Two packs give one rulebook, whichever comes first."""
    one = a_pack(*(rule for rule, left in zip(RULES, split, strict=True) if left), name="p1", digest="x")
    two = a_pack(*(rule for rule, left in zip(RULES, split, strict=True) if not left), name="p2", digest="y")
    first, second = Rulebook.build([one, two]), Rulebook.build([two, one])

    assert first.digest == second.digest
    assert encode(check(given_input, first)) == encode(check(given_input, second))


def renamed(given_input):
    """Return the input with an id of its own per line, so that only identity and not place tells lines apart."""
    lines = tuple(replace(line, id=f"id{place:02}") for place, line in enumerate(given_input.encounter.lines))
    return replace(given_input, encounter=replace(given_input.encounter, lines=lines))


def permuted(given_input, shuffler: random.Random):
    """Return the input with its lines in another order, and the place each came from."""
    order = list(range(len(given_input.encounter.lines)))
    shuffler.shuffle(order)
    lines = tuple(replace(given_input.encounter.lines[old], position=new) for new, old in enumerate(order))
    return replace(given_input, encounter=replace(given_input.encounter, lines=lines)), order


def told(found, order):
    """Return what a verdict says, with places mapped back and without the order in which it says it."""
    back = dict(enumerate(order))

    def places(positions):
        return tuple(sorted(back.get(position, position) for position in positions))

    findings = sorted(
        (
            finding.rule,
            finding.code,
            finding.level,
            finding.message,
            (finding.limit, finding.present, finding.allowed, finding.facts),
            places(finding.lines),
            places(finding.involved),
            tuple(sorted((back[place], money) for place, money in zip(finding.lines, finding.amounts, strict=True))),
        )
        for finding in found.findings
    )
    unread = sorted((entry.rule, entry.reason, entry.fields, places(entry.lines)) for entry in found.not_checked)
    return found.state, found.amount, findings, unread


@many
@given(inputs(), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(given_input, shuffler):
    """The same lines in another order say the same of the same lines."""
    plain = renamed(given_input)
    mixed, order = permuted(plain, shuffler)

    assert told(check(plain, BOOK), range(len(order))) == told(check(mixed, BOOK), order)


@most
@given(crowded(), st.randoms(use_true_random=False))
def test_the_order_of_nearly_equal_lines_does_not_matter(given_rule, shuffler):
    """Lines of one time are told apart by their ids."""
    rule, given_input = given_rule
    plain, book = renamed(given_input), a_rulebook(rule)
    mixed, order = permuted(plain, shuffler)

    assert told(check(plain, book), range(len(order))) == told(check(mixed, book), order)


codes = st.text(alphabet="AB0", max_size=5)
patterns = st.lists(st.builds(lambda code, tail: code + tail, codes, st.sampled_from(["", "*", "?"])), max_size=4)


@given(st.lists(patterns.map(tuple), max_size=8), codes)
def test_the_pattern_index_answers_like_the_plain_scan(entries, code):
    """Exact codes, families and ambiguous families, nested in any way."""
    numbered = [(named, number) for number, named in enumerate(entries)]

    assert sorted(find_by_scan(numbered, code)) == sorted(PatternIndex(numbered).find(code))


def test_a_sure_pattern_beats_an_ambiguous_one():
    """A code listed beside an ambiguous family is meant (ruling 3)."""
    assert "yes" == matches(("X1?", "X12"), "X12")
    assert "ambiguous" == matches(("X1?", "X12"), "X13")
    assert matches(("X1?", "X12"), "X2") is None
