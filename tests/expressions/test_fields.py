"""The table of fields: every one can be read, set in a specimen, and be absent; the page shows the same table."""

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from rules.expressions.fields import FIELDS, FORM_WORDS, ROUTE_WORDS
from rules.expressions.functions import FUNCTIONS
from rules.expressions.grammar import DEEPEST, MOST_CHARACTERS, MOST_NODES, MOST_PATTERNS
from rules.expressions.types import Scene, Unknown, in_words
from rules.kinds._view import View
from rules.model import UNIT, Encounter, Line
from rules.words import DOSE_FORMS, ROUTES, Words
from tests.builders import a_line, a_word, an_encounter, an_input, at
from tests.docs.pages import blocks, table

PAGE = Path(__file__).parents[2] / "docs" / "conditions.md"
VALUES = {"boolean": (True, False), "number": (3 * UNIT, 0), "day": (date(2026, 3, 1),)}
each = pytest.mark.parametrize("name", sorted(FIELDS))


def scene_of(encounter, words=()):
    view = View(an_input(encounter), Words(words))
    return Scene(view, view.encounter.lines[0], payment=False, memo={})


@each
def test_what_a_specimen_sets_is_read(name):
    """Setting and reading are each other's inverse, for every value of a closed set."""
    field = FIELDS[name]
    for value in field.words or VALUES.get(field.type, ("眼科", "11")):
        assert value == field.read(scene_of(field.put(an_encounter(), value)))


@each
def test_an_absent_field_is_unknown_and_says_what_is_lacking(name):
    """Nothing is false or zero for want of a fact; a line's time falls back to the message's."""
    bare = Encounter(hospital="H1", lines=(Line(),))
    found = FIELDS[name].read(scene_of(bare))
    known = {"line.day": date(2026, 3, 18), "line.hour": 10 * UNIT}

    if name in known:
        assert known[name] == found
    elif name == "visit.maternity":
        lacks = ("visit.medical_type", "visit.insurance", "diagnoses")
        assert tuple((field, "missing") for field in lacks) == found.lacks
    else:
        assert ((FIELDS[name].lacks or name, "missing"),) == found.lacks


@each
def test_names_are_of_the_glossary(name):
    """A noun and a word; units and Chinese names stand in the table."""
    field = FIELDS[name]

    assert name == field.name
    assert name.partition(".")[0] in {"patient", "facility", "visit", "line"}
    assert field.title
    assert (field.type == "text") or not field.words


@pytest.mark.parametrize(
    ("name", "changes", "value"),
    [
        ("patient.age_years", {"birth_date": date(2012, 3, 18)}, 14 * UNIT),
        ("patient.age_years", {"birth_date": date(2012, 3, 19)}, 13 * UNIT),
        ("patient.age_days", {"birth_date": date(2026, 3, 18)}, 0),
        ("patient.weight_kg", {"weight_g": 2_550}, 25_500),
        ("facility.specialty", {"specialty": ""}, ""),
        ("visit.chronic_disease", {"chronic_disease": ""}, ""),
        ("visit.stay_days", {"admitted": at("2026-03-18")}, 0),
        ("visit.stay_days", {"admitted": at("2026-03-08"), "discharged": at("2026-03-12")}, 4 * UNIT),
    ],
)
def test_readings(name, changes, value):
    """Ages are completed on the line's day; an empty text that means none is known."""
    assert value == FIELDS[name].read(scene_of(an_encounter(**changes)))


@pytest.mark.parametrize(
    ("name", "changes", "lacks"),
    [
        ("patient.age_years", {"birth_date": date(2026, 3, 19)}, ("patient.birth_date", "line.time")),
        ("visit.stay_days", {"admitted": at("2026-03-19")}, ("visit.admitted",)),
        ("visit.type", {"type_conflict": True}, ("visit.type",)),
    ],
)
def test_contradictions_are_unknown(name, changes, lacks):
    """Facts that contradict each other decide nothing."""
    found = FIELDS[name].read(scene_of(an_encounter(**changes)))

    assert tuple((field, "conflict") for field in lacks) == found.lacks


@pytest.mark.parametrize(
    ("name", "line", "value"),
    [
        ("line.amount", {"amount": None, "price": 2 * UNIT, "quantity": 3 * UNIT}, 6 * UNIT),
        ("line.amount", {"amount": None, "price": None}, None),
        ("line.amount", {"amount": 0}, 0),
        ("line.hour", {"begin": at("2026-03-18 23:30")}, 23 * UNIT),
        ("line.hour", {"timed": False}, None),
        ("line.hour", {"begin": None, "timed": False}, 10 * UNIT),
        ("line.name", {"name": ""}, None),
        ("line.supply_days", {"supply_days": 7}, 7 * UNIT),
        ("line.self_pay_ratio", {"self_pay_ratio": 1_000}, 1_000),
    ],
)
def test_lines(name, line, value):
    """An amount is made of price and quantity where none was sent; an hour needs a clock time."""
    found = FIELDS[name].read(scene_of(an_encounter(a_line(**line))))

    assert value == (None if isinstance(found, Unknown) else found)


def test_words_of_a_hospital_are_read_through_its_dictionaries():
    """A mapped word means what it is mapped to; an unmapped one is unknown where a closed set is asked for."""
    words = (a_word("title", "D3", "chief"), a_word("department", "0101", "眼科"))
    mapped = scene_of(an_encounter(a_line(doctor_title="D3", department="0101"), department="0101"), words)
    unmapped = scene_of(an_encounter(a_line(doctor_title="D4", department="0102")), words)

    assert "chief" == FIELDS["line.doctor_title"].read(mapped)
    assert ["眼科", "眼科"] == [FIELDS[name].read(mapped) for name in ("line.department", "visit.department")]
    assert (("line.doctor_title", "unmapped"),) == FIELDS["line.doctor_title"].read(unmapped).lacks
    assert "0102" == FIELDS["line.department"].read(unmapped)


def test_closed_sets_are_those_of_the_dictionaries():
    """A route or dose form that the dictionaries gain must get its Chinese word here."""
    assert set(ROUTES) == set(ROUTE_WORDS)
    assert set(DOSE_FORMS) == set(FORM_WORDS)


def test_a_line_field_needs_a_line():
    """The checker refuses it before; were it asked all the same, it would not answer."""
    view = View(an_input(replace(an_encounter(), lines=())))

    with pytest.raises(TypeError):
        FIELDS["line.quantity"].read(Scene(view, None, payment=False, memo={}))


def test_the_page_has_the_table_of_fields():
    """Name, type, Chinese name, unit and closed set are those of the program."""
    expected = [
        [
            field.name,
            field.type,
            field.title,
            field.unit,
            ", ".join(f"{key} {word}" for key, word in field.words.items()),
        ]
        for field in FIELDS.values()
    ]

    assert expected == table(PAGE, "field", "type", "中文", "unit", "values")


def test_the_page_has_the_table_of_functions():
    """Name, type and Chinese meaning are those of the program."""
    found = table(PAGE, "function", "type", "中文")

    assert [[f.type, f.title] for f in FUNCTIONS.values()] == [row[1:] for row in found]
    assert list(FUNCTIONS) == [row[0].partition("(")[0] for row in found]


def test_the_page_names_the_limits():
    """The limits an author meets are the program's."""
    text = PAGE.read_text(encoding="utf-8")

    for limit in (
        f"{MOST_CHARACTERS:,} characters",
        f"{MOST_NODES} parts",
        f"{DEEPEST} deep",
        f"{MOST_PATTERNS} pattern",
    ):
        assert limit in text


def test_the_examples_of_the_page_are_conditions():
    """Every example compiles, in the place its comment says."""
    from rules.expressions.compiling import condition

    examples = [line for block in blocks(PAGE) if block.language == "text" for line in block.text.splitlines() if line]

    assert len(examples) >= 6
    for example in examples:
        assert condition(example, ("3", '"310"', "主任医师", "2026-01-01"), "line").facts


def test_values_in_words():
    """What a sentence shows."""
    assert ["是", "否", "2.5", "2026-03-01", "甲", "未知"] == [
        in_words(value) for value in (True, False, 25_000, date(2026, 3, 1), "甲", Unknown(()))
    ]
