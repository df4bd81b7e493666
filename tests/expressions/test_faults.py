"""What an author is told: the place in the cell, the fault, and what to write instead. Nothing is ever executed."""

import ast

import pytest

from rules.expressions.compiling import condition, sentence
from rules.expressions.grammar import MOST_CHARACTERS, children, expression
from rules.expressions.specimens import specimen
from rules.expressions.types import Fault

CELLS = ("5", "310", "", '"12"')
FORMS = "fields, functions, constants, `and or not`, comparisons, `in (…)` and `+ - * /`"


def told(make, *arguments):
    with pytest.raises(Fault) as raised:
        make(*arguments)
    return str(raised.value.in_column("when")).removeprefix("`when`, character ").removeprefix("`when`")


def fault_of(text, place="line"):
    return told(condition, text, CELLS, place)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient.age > 3", "1: unknown field `patient.age`; did you mean `patient.age_years`?"),
        ("line.self_paid or line.quantty > 3", "19: unknown field `line.quantty`; did you mean `line.quantity`?"),
        ("sex == 'male'", "1: unknown field `sex`; did you mean `patient.sex`?"),
        ("数量 > 3", "1: unknown field `数量`; did you mean `line.quantity`?"),
        ("visits.type == 'inpatient'", "1: unknown field `visits.type`; did you mean `visit.type`?"),
        ("p9 > line.quantity", "1: unknown field `p9`; parameters are `p1` to `p4`"),
        ("p3 > line.quantity", "1: `p3` is empty; fill its cell, or give its pack parameter an `example`"),
        ("has_diagnoses('E11*')", "1: unknown function `has_diagnoses`; did you mean `has_diagnosis`?"),
        ("charged", "1: `charged` is a function; write its arguments in parentheses"),
        ("visit.type == 'inpatients'", "15: `visit.type` is never `inpatients`; did you mean `inpatient`?"),
        ("visit.type in ('pharmacy', 'x')", "28: `visit.type` is never `x`; known: outpatient, inpatient, pharmacy"),
    ],
)
def test_unknown_names(text, words):
    """A misspelt name is met with the nearest one."""
    assert words == fault_of(text)


def test_a_name_like_nothing_points_to_the_page():
    """Nobody is shown fifty names."""
    assert "fields begin with patient., facility., visit. or line.; docs/conditions.md lists them" in fault_of("foo")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("line.quantity", "1: `line.quantity` is a number, not a condition; compare it"),
        ("line.self_paid and 3", "20: `3` is a number, not a condition; compare it"),
        ("line.self_paid or True", "19: `True` is always the same; a condition reads a field"),
        ("p1 > 3", "1: `p1` and `3` are both constant"),
        ("p1 in (3, 4)", "1: `p1` is constant; a condition reads a field"),
        (
            "line.quantity > '3'",
            "1: `line.quantity` is a number and `'3'` is a text; a number stands without quotes",
        ),
        (
            "visit.insurance == p2",
            "1: `visit.insurance` is a text and `p2` is a number; write a code in quotes (in a parameter's cell too)",
        ),
        (
            "line.day > '2026-01-01'",
            "1: `line.day` is a day and `'2026-01-01'` is a text; write a day as day(\"2026-03-18\")",
        ),
        ("line.name + 1 > 2", "1: `line.name` is a text; a number is needed here"),
        ("line.name < 'a'", "1: `<` compares numbers or days, not a text; write `==` or `in`"),
        ("line.self_paid >= True", "1: `>=` compares numbers or days, not a truth value; write `==` or `in`"),
        ("line.quantity > (1, 2)", "17: a list of constants stands only after `in`"),
        (
            "line.name in ('a')",
            '15: after `in` comes a list of constants in parentheses: `in ("11", "13")`, `in ("11",)`',
        ),
        ("line.name in ('a', line.unit)", "20: `line.unit` is no constant"),
        ("line.name in ('a', 3)", "20: `line.name` is a text and `3` is a number; write a code in quotes"),
        ("line.quantity / 0 > 1", "1: `line.quantity / 0` divides by zero"),
        ("line.quantity / (p1 - 5) > 1", "1: `line.quantity / (p1 - 5)` divides by zero"),
        ("line.day > day('2026-02-30')", "12: `2026-02-30` is no day; write it as 2026-03-18"),
        ("line.day > day('20260301')", "12: `20260301` is no day; write it as 2026-03-18"),
    ],
)
def test_types(text, words):
    """Types are settled when the pack is compiled."""
    assert fault_of(text).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("has_diagnosis()", "1: `has_diagnosis` needs its codes or text in quotes"),
        ("has_diagnosis(line.name)", "15: `line.name`: `has_diagnosis` takes constant texts; write it in quotes"),
        ("has_diagnosis('e11*')", "1: `e11*` is not in normal form; write `E11*`"),
        ("has_diagnosis('E11?')", "1: `E11?`: an ambiguous family cannot be asked about; list codes, or write `*`"),
        ("has_diagnosis('A17.07')", "1: `A17.07` is no whole ICD-10 code; write an ICD-10 code such as N40.X00"),
        ("has_operation('3606')", "1: `3606` is no operation pattern; write an ICD-9-CM-3 code such as 36.0601"),
        ("charged('')", "1: an empty pattern; write a national code, or its first characters and `*`"),
        ("charged('*')", "1: `*` is no item pattern; write a national code, or its first characters and `*`"),
        ("charged(*p1)", "1: `charged` takes plain arguments only"),
        ("total_quantity('A') > 1", "1: `total_quantity` ends with a number of days, 0 to 3650"),
        ("total_amount('A', 1.5) > 1", "1: `total_amount` ends with a number of days, 0 to 3650"),
        ("total_amount('A', -1) > 1", "1: `total_amount` ends with a number of days, 0 to 3650"),
        ("total_amount('A', line.quantity) > 1", "1: `total_amount` ends with a number of days, 0 to 3650"),
        ("total_amount(7) > 1", "1: `total_amount` needs its codes or text in quotes"),
    ],
)
def test_functions(text, words):
    """Arguments are constants, patterns are in normal form."""
    assert fault_of(text).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("line.quantity = 3", "15: write `==` instead of `=`"),
        ("line.self_paid && line.consent", "16: write `and` instead of `&&`"),
        ("line.self_paid || line.consent", "16: write `or` instead of `||`"),
        ("line.self_paid AND line.consent", "16: write `and` instead of `AND`"),
        ("line.quantity <> 3", "15: write `!=` instead of `<>`"),
        ("!line.self_paid", "1: write `not` instead of `!`"),
        ("line.self_paid == true", "19: write `True` instead of `true`"),
        ("line.quantity ＞ 3", "15: write `>` instead of `＞`"),
        ("line.name == “甲”", '14: write `"` instead of `“`'),
        ('line.name == "，" or line.quantity ≥ 3', "35: write `>=` instead of `≥`"),
        ('line.name == "甲', "14: a text is not closed; write a quote at its end"),
        ('line.name == "甲" and x.y == 1', "22: unknown field `x.y`; fields begin with"),
        ("line.quantity > 3 # x", "19: a comment has no place in a condition"),
        ("line.name == 'a\\n'", "16: a backslash has no place in a condition"),
        ("line.quantity > 1e5", "17: `1e5` is no plain number: digits, and at most four decimals"),
        ("line.quantity > 0x1f", "17: `0x1f` is no plain number"),
        ("line.quantity > 1_000", "17: `1_000` is no plain number"),
        ("line.quantity > 007", "17: `007` is no plain number"),
        ("line.quantity > .5", "17: `.5` is no plain number"),
        ("line.quantity > 3and line.self_paid", "17: `3and` is no plain number"),
        ("line.quantity > 1.00001", "17: `1.00001` is no plain number: digits, and at most four decimals"),
        ("line.quantity > 12345678901234", "17: `12345678901234` is no plain number"),
        ("line.quantity >", "16: ends before it is complete"),
        ("(line.quantity > 3", "1: cannot be read: '(' was never closed"),
        ("line.quantity > 3; 1", "18: cannot be read: invalid syntax"),
        ("", ": is empty"),
        ("line.name\0", "10: a character that cannot be printed"),
        ("line.name == '\ud800'", "15: a character that cannot be printed"),
    ],
)
def test_slips_of_writing(text, words):
    """What a spreadsheet or an input method does to a condition is named before the parser's own words."""
    assert fault_of(text).startswith(words)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "().__class__.__bases__[0]",
        "(lambda: 1)()",
        "[x for x in line]",
        "{1: 2}",
        "f'{line.quantity}' == 'a'",
        "line.quantity ** 2 > 1",
        "line.quantity % 2 == 1",
        "line.quantity // 2 == 1",
        "~line.quantity > 1",
        "+line.quantity > 1",
        "line.self_paid if line.consent else line.consent",
        "line['quantity'] > 3",
        "await line",
        "...",
    ],
)
def test_other_forms_of_the_host_language_have_no_place(text):
    """All that is not on the list is refused, and what is on it is said."""
    assert FORMS in fault_of(text) or "has no place in a condition" in fault_of(text) or "a list of" in fault_of(text)


@pytest.mark.parametrize("text", ["line.__class__ == 'a'", "line.get == 1", "open('x')", "eval('1')", "len(line)"])
def test_only_names_of_the_tables_exist(text):
    """No attribute, built-in or module of the program can be named."""
    assert "unknown" in fault_of(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("line.quantity > 1" + " or line.self_paid" * 120, f"at most {MOST_CHARACTERS} are allowed"),
        ("1" + "+1" * 101 + " > line.quantity", "is nested more than 20 deep; split the rule"),
        ("(" * 300 + "line.self_paid" + ")" * 300, "too many nested parentheses"),
        ("-" * 1_900 + "line.quantity > 1", "is nested more than 20 deep; split the rule"),
        ("not " * 20 + "line.self_paid", "is nested more than 20 deep; split the rule"),
        ("line.quantity in (" + "1, " * 250 + ")", "has more than 200 parts; split the rule"),
        ("has_diagnosis('" + "|".join(f"E{n}*" for n in range(10, 61)) + "')", "more than 50 patterns"),
        ("has_diagnosis('E10*') or " * 50 + "has_diagnosis('E11*')", "more than 50 patterns"),
    ],
)
def test_limits(text, words):
    """Whoever writes without end is told to split the rule."""
    assert words in fault_of(text)


def test_the_limits_themselves_are_allowed():
    """At the limit nothing is refused."""
    assert condition("not " * 19 + "line.self_paid", CELLS, "line").facts
    assert condition("line.quantity in (" + "1, " * 197 + ")", CELLS, "line").facts
    assert condition("has_diagnosis('" + "|".join(f"E{n}*" for n in range(10, 60)) + "')", CELLS, "line").facts


def test_a_field_counts_as_one_part():
    """Dots and a function's name are no parts."""
    tree = expression("charged('A') and line.quantity > 1")

    assert [ast.Call, ast.Compare] == [type(part) for part in children(tree)]
    assert [ast.Attribute, ast.Constant] == [type(part) for part in children(tree.values[1])]
    assert [] == list(children(tree.values[1].left))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("line.quantity > 3", "1: `line.quantity` belongs to a line; set `scope_of` to `line`"),
        ("visit.emergency and is_item('A')", "21: `is_item` asks about a line; set `scope_of` to `line`"),
    ],
)
def test_a_visit_has_no_line(text, words):
    """What is judged once for the visit reads no line's fields."""
    assert fault_of(text, "visit").startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "【{name}】{line.quantty}。",
            "9: {line.quantty}: unknown field `line.quantty`; did you mean `line.quantity`?",
        ),
        ("【{line.quantity}】{", ": a brace is not closed; a field stands in one pair of them: {line.quantity}"),
        ("}", ": a brace is not closed; a field stands in one pair of them: {line.quantity}"),
        ("{}", "1: {}: is empty"),
        ("{p1}{p3}", "5: {p3}: `p3` is empty; fill its cell, or give its pack parameter an `example`"),
        ("{line.quantity:d}", "1: {line.quantity:d}: cannot be read: invalid syntax"),
    ],
)
def test_sentences(text, words):
    """Holes in a message are conditions' parts, checked likewise."""
    assert words == told(sentence, text, CELLS, "line")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ": is empty"),
        ("line.quantity == 6", "1: a specimen is made of `field = constant`"),
        ("line.quantity = '6'", "1: `line.quantity` takes a number, not a text"),
        ("visit.type = True", "1: `visit.type` takes a text, not a truth value"),
        ("patient.sex = 'man'", "1: `patient.sex` is never `man`; known: male, female"),
        ("line.x = 1", "1: unknown field `line.x`; did you mean"),
        ("line.quantity = line.price", "1: a specimen takes constants only"),
        ("line.quantity = 1; a = b = 3", "20: a specimen is made of"),
        ("'a' = 3", "1: cannot be read: cannot assign to literal here"),
        ("diagnosis('E11*')", "1: `E11*` is a family; a specimen needs a whole code"),
        ("diagnosis(3)", "1: `diagnosis` takes one code in quotes"),
        ("charge('A', 'B')", '1: `charge("001102000010000", quantity, days ago)` takes a code and up to two numbers'),
        ("import os", "1: a specimen is made of"),
        ("open('x')", "1: a specimen is made of"),
        ("line.quantity += 3", "1: a specimen is made of"),
        ("; ".join(["line.quantity = 1"] * 120), "at most 2000 are allowed"),
    ],
)
def test_specimens(text, words):
    """A specimen is a list of assignments, and nothing else is run."""
    found = told(specimen, text, CELLS)

    assert found.startswith(words) or words in found
