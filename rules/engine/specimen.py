"""Specimens: the encounter in which one rule of a rulebook fires, and the nearest one in which it does not.

Built from the kinds' own edits: every *other* rule on the item is first put at rest by its ``near_miss``, so that
what remains is this rule's doing alone. Tests run them over every row of every pack, under the scheme of
``rules.engine.specimen_scheme``, which pays those of DIP rules only.
"""

from datetime import date, datetime, timedelta, timezone

from rules.codes import VisitType
from rules.codings import category_of
from rules.engine.rulebook import Entry, Rulebook
from rules.kinds._edits import sample_code
from rules.model import (
    UNIT,
    Diagnosis,
    Encounter,
    Facility,
    Input,
    Line,
    Patient,
    Rule,
    Visit,
)

ZONE = timezone(timedelta(hours=8))
DEFAULT_DAY = date(2026, 3, 18)
FULL_LENGTH = {"X": 23, "Z": 20}
ORDINARY = "XZ99ZZZ999Z999000000000"
"""An item that no rule names: the line of a rule that is not about items."""


def witness(entry: Entry, rulebook: Rulebook) -> Input:
    """Return an input in which the rule fires."""
    encounter = _at_rest(entry, rulebook)
    return _given(entry.kind.witness(entry.rule, encounter))


def near_miss(entry: Entry, rulebook: Rulebook) -> Input:
    """Return the nearest input in which the rule is silent."""
    encounter = _at_rest(entry, rulebook)
    return _given(entry.kind.near_miss(entry.rule, encounter))


def _at_rest(entry: Entry, rulebook: Rulebook) -> Encounter:
    encounter = plain(entry.rule)
    item = encounter.lines[0].item
    for number in dict.fromkeys([*(number for number, _ in rulebook.items.find(item)), *rulebook.always]):
        other = rulebook.entries[number]
        # A pair rule that has this item as its second half is at rest without its first.
        named = number in rulebook.always or item in other.rule.items or _family(other.rule, item)
        if number != entry.number and named:
            encounter = (other.kind.rest or other.kind.near_miss)(other.rule, encounter)
    return encounter


def _family(rule: Rule, item: str) -> bool:
    return any(pattern.endswith("*") and item.startswith(pattern[:-1]) for pattern in rule.items)


def plain(rule: Rule) -> Encounter:
    """Return an encounter with nothing remarkable and one line of the rule's item."""
    code = full_code(sample_code(rule.items)) if rule.items else ""
    code = code or ORDINARY
    begin = datetime.combine(service_day(rule), datetime.min.time(), ZONE).replace(hour=10)
    line = Line(
        id="L1",
        item=code,
        name=rule.name,
        category="service" if category_of(code) == "service" else "drug",
        quantity=UNIT,
        unit="次",
        price=10 * UNIT,
        amount=10 * UNIT,
        self_paid=False,
        begin=begin,
        timed=True,
        long_term=False,
    )
    return Encounter(
        hospital="H00000000000",
        patient=Patient(pseudonym="specimen", sex="male", birth_date=date(begin.year - 40, 1, 1)),
        facility=Facility(level=rule.hospital_levels[0] if rule.hospital_levels else 3, specialty=""),
        visit=Visit(
            id="V1",
            type=_visit_type(rule),
            emergency="emergency" in rule.visit_types[:1],
            internet=True if "internet" in rule.visit_types[:1] else None,
            out_of_area=True if "out_of_area" in rule.visit_types[:1] else None,
            rescue=False,
            medical_type="21",
            insurance=rule.insurances[0] if rule.insurances else "310",
            work_injury=False,
            admitted=begin - timedelta(days=1),
        ),
        diagnoses=(Diagnosis(code="Z00.000", name="健康查体", main=True),),
        lines=(line,),
        history_since=date(2000, 1, 1),
    )


def _visit_type(rule: Rule) -> VisitType:
    """Return the kind of visit for which a rule speaks, by the first its header names."""
    first = rule.visit_types[0] if rule.visit_types else "inpatient"
    return "inpatient" if first in {"inpatient", "out_of_area"} else "pharmacy" if first == "pharmacy" else "outpatient"


def service_day(rule: Rule) -> date:
    """Return a day on which the rule is in force."""
    if rule.valid_from and rule.valid_from > DEFAULT_DAY:
        return rule.valid_from
    return rule.valid_to if rule.valid_to and rule.valid_to < DEFAULT_DAY else DEFAULT_DAY


def full_code(code: str) -> str:
    """Fill a family up to the length of a real drug code."""
    return code.ljust(FULL_LENGTH.get(code[:1], 0), "0")


def _given(encounter: Encounter) -> Input:
    begin = encounter.lines[0].begin or datetime.combine(DEFAULT_DAY, datetime.min.time(), ZONE)
    return Input(encounter=encounter, time=begin)
