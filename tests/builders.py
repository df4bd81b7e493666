"""Builders with fixed defaults: no randomness, no clock. A test names only what it is about."""

from datetime import date, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec.structs import fields, replace

from rules import KINDS, Encounter, Input, Rulebook, Verdict, check
from rules.codings import diagnosis_code
from rules.model import (
    UNIT,
    Citation,
    Context,
    Diagnosis,
    Facility,
    History,
    Line,
    Overlay,
    Patient,
    Rule,
    Visit,
)
from rules.pack import CompiledPack
from rules.words import Word

ZONE = timezone(timedelta(hours=8))
DAY = date(2026, 3, 18)
NOW = datetime(2026, 3, 18, 10, 0, tzinfo=ZONE)

ROWS: dict[str, list[dict[str, str]]] = {
    path.stem: import_module(f"tests.kinds.samples.{path.stem}").ROWS
    for path in sorted((Path(__file__).parent / "kinds" / "samples").glob("[a-z]*.py"))
}
"""Kind to its sample rows, one file each: an ordinary row first, then one for each branch a column opens."""

SAMPLES: dict[str, dict[str, str]] = {kind: rows[0] for kind, rows in ROWS.items()}
MORE_RULES: list[tuple[str, dict[str, str]]] = [(kind, row) for kind, rows in ROWS.items() for row in rows[1:]]


def at(text: str) -> datetime:
    """Return a time in the hospital's zone: ``2026-03-18`` or ``2026-03-18 22:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def a_line(item: str = "A01", **changes: Any) -> Line:
    """Return a current line of one unit at ten yuan, paid by the fund, at ``NOW``."""
    quantity = changes.get("quantity", UNIT)
    given: dict[str, Any] = {
        "item": item,
        "category": "drug",
        "quantity": quantity,
        "unit": "次",
        "price": 10 * UNIT,
        "amount": None if quantity is None else 10 * quantity,
        "self_paid": False,
        "begin": NOW,
        "timed": True,
        "long_term": False,
    }
    return Line(**(given | changes))


def past(begin: str | None, item: str = "A01", **changes: Any) -> Line:
    """Return a line known from before."""
    return a_line(item, current=False, begin=at(begin) if begin else None, **changes)


def icd(code: str, **changes: Any) -> Diagnosis:
    """Return a diagnosis by code, of the system its shape says."""
    normal, system = diagnosis_code(code)
    return Diagnosis(**({"code": normal, "name": code, "system": system} | changes))


def numbered(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Give lines their places, and ids where they have none."""
    return tuple(replace(line, position=place, id=line.id or f"L{place + 1}") for place, line in enumerate(lines))


def an_encounter(*lines: Line, **changes: Any) -> Encounter:
    """Return an in-patient of 40 in a general tertiary hospital; each change goes to the noun that has such a field."""
    nouns: dict[str, dict[str, Any]] = {
        "patient": {"pseudonym": "p", "sex": "male", "birth_date": date(1986, 1, 1)},
        "facility": {"level": 3, "specialty": ""},
        "visit": {
            "id": "V1",
            "type": "inpatient",
            "emergency": False,
            "rescue": False,
            "medical_type": "21",
            "insurance": "310",
            "work_injury": False,
            "admitted": at("2026-03-17"),
        },
        "encounter": {"hospital": "H1", "diagnoses": (icd("Z00.000", name="健康查体"),)},
    }
    types = {"patient": Patient, "facility": Facility, "visit": Visit, "encounter": Encounter}
    for name, value in changes.items():
        owner = next(noun for noun, kind in types.items() if name in {field.name for field in fields(kind)})
        nouns[owner][name] = value
    parts = {noun: types[noun](**nouns[noun]) for noun in ("patient", "facility", "visit")}
    return Encounter(**nouns["encounter"], **parts, lines=numbered(lines or (a_line(),)))


def a_rule(kind: str, **columns: str) -> Rule:
    """Return a rule in run form, read from the cells of a table row; unnamed cells come from ``SAMPLES``."""
    shared = {
        "rule_id": "R1",
        "items": "A01",
        "name": "某项目",
        "title": "某规则",
        "certainty": "violation",
        "level": "block",
        "scope": KINDS[kind].scopes[0],
        "citation": "c1",
    }
    cells = {name: cell for name, cell in (shared | SAMPLES[kind] | columns).items() if cell != ""}
    return KINDS[kind].compile(KINDS[kind].row.model_validate(cells))


def kind_of(rule: Rule) -> str:
    """Return the name of the kind whose run form this is."""
    return next(name for name, kind in KINDS.items() if type(rule) is kind.rule)


def a_pack(*rules: Rule, name: str = "p1", digest: str = "d1", words: tuple[Word, ...] = ()) -> CompiledPack:
    """Return a pack of these rules."""
    held: dict[str, tuple[Rule, ...]] = {}
    for rule in rules:
        held[kind_of(rule)] = (*held.get(kind_of(rule), ()), rule)
    citations = {"c1": Citation(id="c1", instrument="某办法")}
    return CompiledPack(name=name, version="1", title=name, digest=digest, rules=held, citations=citations, words=words)


def a_rulebook(*rules: Rule, words: tuple[Word, ...] = ()) -> Rulebook:
    """Return the rulebook of one pack of these rules and words."""
    return Rulebook.build([a_pack(*rules, words=words)])


def a_word(dictionary: str, code: str, meaning: str, **changes: str) -> Word:
    """Return one dictionary entry."""
    return Word(**({"dictionary": dictionary, "code": code, "meaning": meaning} | changes))


def an_input(
    encounter: Encounter, *, time: datetime = NOW, context: Context | None = None, overlay: Overlay | None = None
) -> Input:
    """Return an input at ``NOW``, without context or overlay."""
    return Input(encounter=encounter, time=time, context=context or Context(), overlay=overlay or Overlay())


def verdict(
    encounter: Encounter,
    *rules: Rule,
    time: datetime = NOW,
    context: Context | None = None,
    overlay: Overlay | None = None,
    words: tuple[Word, ...] = (),
) -> Verdict:
    """Return what these rules say of an encounter, reading it through these words."""
    return check(an_input(encounter, time=time, context=context, overlay=overlay), a_rulebook(*rules, words=words))


def recorded(*lines: Line, since: str = "2025-01-01", late: tuple[str, ...] = ()) -> Context:
    """Return a context with recorded history."""
    return Context(history=History(since=at(since).date(), lines=lines), late=late)


def said(found: Verdict) -> tuple[tuple[int, ...], ...]:
    """Return the lines of each finding."""
    return tuple(finding.lines for finding in found.findings)


def unread(found: Verdict) -> tuple[tuple[tuple[str, ...], str, tuple[int, ...]], ...]:
    """Return fields, reason and lines of what was not checked."""
    return tuple((entry.fields, entry.reason, entry.lines) for entry in found.not_checked)


def silent(found: Verdict) -> bool:
    """Say whether everything was judged and nothing said."""
    return not found.findings and not found.not_checked and found.state == "clear"
