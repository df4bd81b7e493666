"""Generated encounters and a rulebook of every kind, for properties: odd on purpose, never absurdly large."""

from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from rules.model import UNIT, Context, History, Input, Line, Overlay
from tests.builders import MORE_RULES, SAMPLES, ZONE, a_rule, a_rulebook, an_encounter, icd

ITEMS = ["A01", "A011", "A02", "B01", "B012", "C01", "XL02BBA326A001010102180", "XB05BAZ087B002", "unknown", ""]
PATTERNS = ["A01", "A01*", "A0*", "B01|C01", "XL02BBA326A001*", "XB05BAZ087B002?", "A02|XB05BAZ087B002?"]
CODES = ["K21.900", "I10.x00", "O80.000", "P07.300", "A17.07", "XYZD018987", "Z00.000", ""]
HUGE = 10**15


def rules():
    """Every sample row, under several patterns, so that rules meet on one item."""
    rows = [*SAMPLES.items(), *MORE_RULES]
    made = []
    for number, (kind, columns) in enumerate(rows):
        for place, pattern in enumerate(PATTERNS):
            cells = {"rule_id": f"R{number}-{place}", "items": pattern} | columns
            if kind == "duplicate_charge":
                cells["sub"] = "A0*" if pattern.startswith("B") else "B01*"
            if (number + place) % 5 == 0:
                cells |= {"valid_from": "2026-01-01"}
            if (number + place) % 7 == 0:
                cells |= {"scenes": "2|3", "certainty": "suspicious", "level": "warn"}
            made.append(a_rule(kind, **cells))
    return tuple(made)


RULES = rules()
BOOK = a_rulebook(*RULES)

times = st.one_of(
    st.none(),
    st.builds(
        lambda minutes: datetime(2026, 3, 1, tzinfo=ZONE) + timedelta(minutes=minutes), st.integers(-120_000, 40_000)
    ),
)
amounts = st.one_of(
    st.none(), st.integers(-5, 100).map(lambda count: count * 2500), st.sampled_from([0, UNIT, -UNIT, HUGE])
)
maybe = st.sampled_from([None, True, False])
lines = st.builds(
    Line,
    id=st.sampled_from(["", "a", "b", "c", "d"]),
    item=st.sampled_from(ITEMS),
    current=st.booleans(),
    category=st.sampled_from([None, "drug", "service"]),
    quantity=amounts,
    unit=st.sampled_from([None, "次", "日", "小时"]),
    price=st.sampled_from([None, 0, UNIT, HUGE]),
    amount=amounts,
    self_paid=maybe,
    consent=maybe,
    begin=times,
    timed=st.booleans(),
    stop=times,
    long_term=maybe,
    discharge_medication=maybe,
    visit=st.sampled_from([None, "V0"]),
    supply_days=st.sampled_from([None, 0, 1, 7, -3, HUGE]),
)


@st.composite
def encounters(draw):
    """Draw an encounter with up to a dozen lines and any fact absent."""
    given = draw(st.lists(lines, min_size=1, max_size=12))
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
        scenes=tuple(draw(st.lists(st.sampled_from(["2", "4"]), max_size=2, unique=True))),
        history_since=draw(st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2026, 4, 1)))),
    )


@st.composite
def inputs(draw):
    """Draw an input, with recorded history and an overlay now and then."""
    past = tuple(draw(st.lists(lines, max_size=4)))
    history = draw(
        st.one_of(
            st.none(), st.dates(date(2025, 1, 1), date(2026, 4, 1)).map(lambda day: History(since=day, lines=past))
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
