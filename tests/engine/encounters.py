"""Generated encounters and a rulebook of every kind, for properties: odd on purpose, never absurdly large."""

import contextlib
from datetime import date, datetime, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from rules import KINDS
from rules.engine import specimen
from rules.model import UNIT, Context, History, Input, Line, Operation, Overlay, PastVisit
from tests.builders import MORE_RULES, SAMPLES, ZONE, a_rule, a_rulebook, an_encounter, icd, kind_of

ITEMS = [
    "T001700001",
    "A01",
    "A011",
    "A02",
    "B01",
    "B012",
    "C01",
    "XL02BBA326A001010102180",
    "XB05BAZ087B002",
    "unknown",
    "",
]
PATTERNS = ["A01", "A01*", "A0*", "B01|C01", "*", "XL02BBA326A001*", "XB05BAZ087B002?", "A02|XB05BAZ087B002?"]
CODES = ["K21.900", "I10.x00", "O80.000", "P07.300", "A17.07", "XYZD018987", "Z00.000", ""]
HUGE = 10**15


def rules():
    """Every sample row, under several patterns, so that rules meet on one item."""
    rows = [*SAMPLES.items(), *MORE_RULES]
    made = []
    for number, (kind, columns) in enumerate(rows):
        # Two patterns a row, by turns: every kind meets every pattern somewhere, and the plain scan stays affordable.
        for place, pattern in enumerate((PATTERNS[number % len(PATTERNS)], PATTERNS[(number + 3) % len(PATTERNS)])):
            cells = {"rule_id": f"R{number}-{place}", "items": pattern} | columns
            if "items" in columns and not columns["items"]:
                cells["items"] = ""
            partners = [name for name in ("sub", "other_items") if name in KINDS[kind].row.model_fields]
            cells |= dict.fromkeys(partners, "A0*" if pattern.startswith("B") else "B012*")
            if (number + place) % 5 == 0:
                cells |= {"valid_from": "2026-01-01"}
            if (number + place) % 7 == 0:
                cells |= {"scenes": "2|3", "certainty": "suspicious", "level": "warn"}
            with contextlib.suppress(ValueError):  # an item that would be its own partner
                made.append(a_rule(kind, **cells))
    return tuple(made)


RULES = rules()
BOOK = a_rulebook(*RULES)
EACH = tuple(
    a_rule(kind, **({"rule_id": f"E{number}", "items": "XL02BBA326A001*"} | columns))
    for number, (kind, columns) in enumerate([*SAMPLES.items(), *MORE_RULES])
)
"""One rule per sample row, each of items of its own."""

times = st.one_of(
    st.none(),
    st.builds(
        lambda minutes: datetime(2026, 3, 1, tzinfo=ZONE) + timedelta(minutes=minutes), st.integers(-120_000, 40_000)
    ),
)
HOURS = [timedelta(hours=hours) for hours in (-48, -24, -1, 0, 1, 24)]
amounts = st.one_of(
    st.none(), st.integers(-5, 100).map(lambda count: count * 2500), st.sampled_from([0, UNIT, -UNIT, HUGE])
)
maybe = st.sampled_from([None, True, False])
LINE = {
    "id": st.sampled_from(["", "a", "b", "c", "d"]),
    "item": st.sampled_from(ITEMS),
    "name": st.sampled_from(["", "甲", "乙", "丙"]),
    "current": st.booleans(),
    "category": st.sampled_from([None, "drug", "service"]),
    "quantity": amounts,
    "unit": st.sampled_from([None, "次", "日", "小时"]),
    "price": st.sampled_from([None, 0, UNIT, HUGE]),
    "amount": amounts,
    "self_paid": maybe,
    "consent": maybe,
    "begin": times,
    "timed": st.booleans(),
    "stop": times,
    "long_term": maybe,
    "discharge_medication": maybe,
    "visit": st.sampled_from([None, "V0"]),
    "supply_days": st.sampled_from([None, 0, 1, 7, -3, HUGE]),
    "prescription": st.sampled_from([None, "P1", "P2"]),
    "group": st.sampled_from([None, "1"]),
    "department": st.sampled_from([None, "眼科", "0301"]),
    "doctor": st.sampled_from([None, "D1", "non_insurance"]),
    "doctor_title": st.sampled_from([None, "chief", "resident", "9"]),
    "dose": st.sampled_from([None, 0, UNIT, 500 * UNIT, -UNIT, HUGE]),
    "dose_unit": st.sampled_from([None, "mg", "片", "g"]),
    "frequency": st.sampled_from([None, "3/1", "1/7", "once", "prn", "bid"]),
    "route": st.sampled_from([None, "oral", "iv", "口服"]),
    "approval": st.sampled_from([None, "A1"]),
    "fee_class": st.sampled_from([None, "甲", "乙", "丙"]),
    "self_pay_ratio": st.sampled_from([None, 0, 1000, UNIT, -5]),
    "doses": st.sampled_from([None, 0, 1, 7, -2, HUGE]),
    "dose_form": st.sampled_from([None, "injection", "oral_solid", "片剂"]),
    "executing_department": st.sampled_from([None, "康复医学科"]),
}
lines = st.builds(Line, **LINE)
visits = st.builds(
    PastVisit,
    id=st.sampled_from(["", "V0", "V1", "V2"]),
    type=st.sampled_from([None, "inpatient", "outpatient", "pharmacy"]),
    hospital=st.sampled_from([None, "H1", "H2"]),
    admitted=times,
    discharged=times,
    diagnosis=st.sampled_from(["", "K21.900", "Z51.100"]),
    planned=maybe,
)
operations = st.builds(
    Operation,
    code=st.sampled_from(["36.0601", "60.2900", "51.2300", ""]),
    main=maybe,
    day=st.one_of(st.none(), st.dates(date(2026, 3, 1), date(2026, 4, 1))),
)


@st.composite
def encounters(draw):
    """Draw an encounter with up to a dozen lines and any fact absent."""
    given = draw(st.lists(lines, min_size=1, max_size=8))
    return an_encounter(
        *given,
        sex=draw(st.sampled_from([None, "male", "female"])),
        birth_date=draw(st.one_of(st.none(), st.dates(date(1950, 1, 1), date(2026, 4, 1)))),
        level=draw(st.sampled_from([None, 0, 1, 2, 3])),
        specialty=draw(st.sampled_from([None, "", "眼科"])),
        type=draw(st.sampled_from([None, "inpatient", "outpatient", "pharmacy"])),
        type_conflict=draw(st.booleans()),
        emergency=draw(maybe),
        insurance=draw(st.sampled_from([None, "310", "510"])),
        medical_type=draw(st.sampled_from([None, "21", "52"])),
        work_injury=draw(maybe),
        admitted=draw(times),
        discharged=draw(times),
        diagnoses=tuple(
            icd(code, suspected=draw(st.booleans())) for code in draw(st.lists(st.sampled_from(CODES), max_size=3))
        ),
        scenes=tuple(draw(st.lists(st.sampled_from(["1", "3", "8", "2", "4"]), max_size=2, unique=True))),
        operations=tuple(draw(st.lists(operations, max_size=2))),
        visits=draw(st.one_of(st.none(), st.lists(visits, max_size=3).map(tuple))),
        weight_g=draw(st.sampled_from([None, 0, 3_000, 70_000])),
        pregnant=draw(maybe),
        lactating=draw(maybe),
        rescue=draw(maybe),
        internet=draw(maybe),
        planned=draw(maybe),
        out_of_area=draw(maybe),
        chronic_disease=draw(st.sampled_from([None, "", "M03900"])),
        insurance_before=draw(st.sampled_from([None, "310", "390"])),
        total_amount=draw(amounts),
        history_since=draw(st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2026, 4, 1)))),
    )


@st.composite
def inputs(draw):
    """Draw an input, with recorded history and an overlay now and then."""
    past = tuple(draw(st.lists(lines, max_size=3)))
    known = tuple(draw(st.lists(visits, max_size=2)))
    history = draw(
        st.one_of(
            st.none(),
            st.dates(date(2025, 1, 1), date(2026, 4, 1)).map(lambda day: History(since=day, lines=past, visits=known)),
        )
    )
    ids = [rule.id for rule in RULES]
    overlay = Overlay(
        levels=tuple(
            draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(["silent", "info", "block"])), max_size=3))
        ),
        off=tuple(draw(st.lists(st.sampled_from(ids), max_size=3))),
    )
    late = ("history",) if draw(st.booleans()) else ()
    time = datetime(2026, 3, 18, 10, tzinfo=ZONE)
    return Input(encounter=draw(encounters()), time=time, context=Context(history=history, late=late), overlay=overlay)


@st.composite
def crowded(draw):
    """Draw a rule alone and its witness, with more lines that are like those of the witness but for a fact or two.

    What is odd in every way seldom brings a rule to speak; here nearly all do, of several lines.
    """
    rule = draw(st.sampled_from(EACH))
    encounter = KINDS[kind_of(rule)].witness(rule, specimen.plain(rule))
    begin = encounter.lines[0].begin
    items = sorted({line.item for line in encounter.lines} | {code.rstrip("*?") for code in rule.items})
    near = LINE | {"item": st.sampled_from(items), "begin": st.sampled_from(HOURS).map(lambda hours: begin + hours)}
    facts = st.sampled_from(sorted(near)).flatmap(lambda name: st.tuples(st.just(name), near[name]))
    more = st.builds(
        lambda line, name, changes: replace(line, **({"name": name, "current": True} | dict(changes))),
        st.sampled_from(encounter.lines),
        LINE["name"],
        st.lists(facts, max_size=3),
    )
    crowd = (*encounter.lines, *draw(st.lists(more, min_size=1, max_size=4)))
    given = replace(encounter, lines=tuple(replace(line, position=place) for place, line in enumerate(crowd)))
    return rule, Input(encounter=given, time=begin)
