"""Two evaluators, one truth: the index and the plain scan agree, and order never matters."""

import random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rules import Input, Rulebook, check, encode, reference
from rules.patterns import PatternIndex, find_by_scan, matches
from tests.builders import a_pack, a_rulebook
from tests.engine.encounters import BOOK, RULES, inputs

many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@many
@given(inputs())
def test_the_index_answers_like_the_plain_scan(given_input):
    """The fast path and its twin give the same bytes on odd input."""
    assert encode(reference(given_input, BOOK)) == encode(check(given_input, BOOK))


@many
@given(inputs())
def test_no_rule_breaks(given_input):
    """Whatever the lines hold, no rule of the shipped kinds raises."""
    assert [] == [entry for entry in check(given_input, BOOK).not_checked if entry.reason == "failed"]


@many
@given(inputs())
def test_the_answer_is_sound(given_input):
    """Lines are current lines of the payload, amounts match them, and a state is what its parts say."""
    found = check(given_input, BOOK)
    current = {line.position for line in given_input.encounter.lines if line.current}
    rules = {rule.id: rule for rule in RULES}
    for finding in found.findings:
        assert finding.lines
        assert set(finding.lines) <= current
        assert len(finding.lines) == len(finding.amounts) == len(set(finding.lines))
        assert not set(finding.lines) & set(finding.involved)
        assert rules[finding.rule].certainty != "suspicious" or finding.level != "block"
    for entry in found.not_checked:
        assert entry.fields
        assert set(entry.lines) <= current
    loud = any(finding.level != "silent" for finding in found.findings)
    assert found.state == ("warned" if loud else "indeterminate" if found.not_checked else "clear")


@many
@given(inputs())
def test_a_reversal_is_never_flagged(given_input):
    """Lines with a negative quantity appear in no finding's lines."""
    for finding in check(given_input, BOOK).findings:
        assert all((given_input.encounter.lines[place].quantity or 0) >= 0 for place in finding.lines)


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
