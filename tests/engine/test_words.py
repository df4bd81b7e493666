"""Dictionaries: a hospital's own word first, everybody's next, a word of the dictionary's own form means itself."""

import pytest

from rules.words import Words, normal
from tests.builders import a_word

WORDS = Words(
    [
        a_word("frequency", "bid", "2/1"),
        a_word("frequency", "bid", "3/1", hospital="H2"),
        a_word("department", "0301", "眼科"),
        a_word("unit", "克", "1000 mg"),
    ]
)


@pytest.mark.parametrize(
    ("dictionary", "hospital", "text", "meaning"),
    [
        ("frequency", "H1", "bid", "2/1"),
        ("frequency", "H1", "BID ", "2/1"),
        ("frequency", "H1", "ＢＩＤ", "2/1"),
        ("frequency", "H2", "bid", "3/1"),
        ("frequency", "H1", "每日2次", None),
        ("frequency", "H1", "2/1", "2/1"),
        ("frequency", "H1", "1/0", None),
        ("route", "H1", "oral", "oral"),
        ("title", "H1", "chief", "chief"),
        ("department", "H1", "0301", "眼科"),
        ("department", "H1", "眼科", None),
        ("unit", "H1", "克", "1000 mg"),
        ("unit", "H1", "1 mg", None),
    ],
)
def test_meaning(dictionary, hospital, text, meaning):
    """Own entry, everybody's entry, the form itself, or nothing."""
    assert meaning == WORDS.meaning(dictionary, hospital, text)


def test_two_meanings_of_one_word_are_refused():
    """Which one a rule would read must not depend on the order of packs."""
    with pytest.raises(ValueError, match="two meanings"):
        Words([a_word("frequency", "bid", "2/1"), a_word("frequency", "Bid", "3/1")])


def test_a_word_said_twice_alike_is_one():
    """Two packs may agree."""
    words = Words([a_word("frequency", "bid", "2/1"), a_word("frequency", "BID", "2/1")])

    assert "2/1" == words.meaning("frequency", "", "bid")


@pytest.mark.parametrize(("text", "word"), [(" Ｑ ８ Ｈ ", "q8h"), ("每日 3 次", "每日3次")])
def test_normal(text, word):
    """Width, case and blanks do not matter."""
    assert word == normal(text)
