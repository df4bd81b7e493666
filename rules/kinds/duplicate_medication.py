"""Duplicate medication (重复开药): more drugs of one pharmacological class in use together than are needed.

Two drugs duplicate each other when they are of the same class *and* the same route class, and their use overlaps
beyond the day of switching (ruling 18). A line without an end is *not checked* for overlap, except a long-term order
that begins now, lines that a stay repeats day by day, each for its day, and lines of one prescription, which are meant
to be taken together. ``max_drugs`` 2 leaves dual therapy alone (aspirin with clopidogrel, ruling 16).

The rule judges the lines it is given: unless ``history_days`` asks for it, an unknown past is no gap, for otherwise
every order of a common class would be one.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, Literal

import msgspec
from msgspec.structs import replace
from pydantic import Field

from rules.kinds._contract import Codes, Look, Row, RuleKind, shared
from rules.kinds._edits import begin_of, days_before, past, plus_line, with_first_line
from rules.kinds._prescriptions import names, sample_drugs, substance
from rules.kinds._text import called
from rules.kinds._uses import DAY, Use, same_route, uses
from rules.kinds._view import View
from rules.model import Draft, Encounter, Line, Missing, Rule
from rules.patterns import matches

Count = Literal["drugs", "classes"]
WORDS: Final[dict[Count, str]] = {"drugs": "种", "classes": "类"}
LOOK_BACK: Final = 90
"""Days of history to ask for, and the most that a supply of unknown length lasts: 84 days are the longest there are."""
ROUTE: Final = "line.route"
Span = tuple[date, date]


class DuplicateMedicationRow(Row):
    """One line of ``duplicate_medication.csv``: ``items`` is the class, by the families of its codes."""

    max_drugs: int = Field(default=1, gt=0, description="how many may be used together")
    count: Count = Field(default="drugs", description="what is counted: different drugs, or patterns of items")
    same_drug: bool = Field(default=False, description="brands and forms of one substance count as different drugs")
    except_dx: Codes = Field(default=(), description="ICD-10 patterns of diseases in which the rule is silent")
    history_days: int | None = Field(default=None, gt=0, description="days before that must be known to judge")


class DuplicateMedication(Rule, frozen=True, kw_only=True):
    """Run form: how many of what may be used together."""

    max_drugs: int
    count: Count
    same_drug: bool
    except_dx: tuple[str, ...] = ()
    history_days: int | None = None

    def drug(self, item: str) -> str:
        """Return what tells one drug of the class from another."""
        if self.count == "classes":
            return next((pattern for pattern in self.items if matches((pattern,), item) == "yes"), item)
        return item if self.same_drug else substance(item)


class Case(msgspec.Struct, frozen=True):
    """Lines of one too many drug, and the uses they stand beside."""

    lines: tuple[int, ...]
    involved: tuple[int, ...]
    mine: str
    others: str


def compile_row(row: DuplicateMedicationRow) -> DuplicateMedication:
    """Return the run form. Raises ``ValueError`` for items that name too few drugs."""
    rule = DuplicateMedication(
        **shared(row),
        max_drugs=row.max_drugs,
        count=row.count,
        same_drug=row.same_drug,
        except_dx=row.except_dx,
        history_days=row.history_days,
    )
    if len(_samples(rule)) <= row.max_drugs:
        raise ValueError("items name no more drugs than max_drugs allows, so the rule could never speak")
    return rule


def read(rule: DuplicateMedication, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield one case for the drugs that are one too many, and what keeps others from being judged."""
    held = [charge.line for charge in view.charges(rule.items)]
    if rule.history_days is None and len({rule.drug(line.item) for line in held}) <= rule.max_drugs:
        return  # too few drugs to be too many, which settles most visits
    if any(matches(rule.except_dx, code) == "yes" for code in view.evidence):
        return
    asked = {line.position for line in lines}
    found = uses(held, rule.drug, view)
    over: list[Line] = []
    beside: dict[Use, None] = {}
    for number, use in enumerate(found):
        mine = [line for line in use.lines if line.position in asked]
        if not mine or use.first == use.last:
            continue
        # What is known, or written first, stands; the drug that comes to it is the one too many.
        others = [other for other in found[:number] if other.drug != use.drug and _may_meet(use, other)]
        together = _together(use, others)
        if len({other.drug for other in together}) >= rule.max_drugs:
            over.extend(_overlapping(mine, together, view))
            beside.update(dict.fromkeys(together))
        elif (doubt := _doubt(rule, use, others, view)) is not None:
            yield replace(doubt, lines=tuple(line.position for line in mine))
    if over:
        yield _unless_excepted(rule, over, view) or _case(rule, over, list(beside), view)


def _overlapping(lines: list[Line], together: list[Use], view: View) -> list[Line]:
    """Return the lines at fault: of an order repeated day by day, only those of the days in common."""
    first, last = max(_widest(other)[0] for other in together), min(_widest(other)[1] for other in together)
    return [line for line in lines if first <= view.service_day(line) <= last] or lines


def _unless_excepted(rule: DuplicateMedication, over: list[Line], view: View) -> Missing | None:
    """Return the diagnosis that could not be read, where one of ``except_dx`` would silence the rule."""
    if not rule.except_dx or view.unread_diagnoses is None:
        return None
    return replace(view.unread_diagnoses, lines=tuple(line.position for line in over))


def _case(rule: DuplicateMedication, over: list[Line], beside: list[Use], view: View) -> Case:
    lines = tuple(line.position for line in over)
    kept = [other for other in beside if not {line.position for line in other.lines} & set(lines)]
    return Case(
        lines=lines,
        involved=tuple(sorted(line.position for other in kept for line in other.lines)),
        mine=names(over, rule.name),
        others="、".join(dict.fromkeys(_in_words(other, rule.name, view) for other in kept)),
    )


def _in_words(use: Use, otherwise: str, view: View) -> str:
    """Return a drug's name, with the day it began if that was before, or if it is known from before."""
    told = use.first is not None and (use.first < view.today or not use.line.current)
    return called(use.line, otherwise) + (f"({use.first} 起)" if told else "")


def _may_meet(use: Use, other: Use) -> bool:
    """Say whether two uses can go on at once: what is taken home begins when the orders of the stay end."""
    follows = use.ordered != other.ordered and (use.line.discharge_medication or other.line.discharge_medication)
    return not follows or use.line.visit != other.line.visit


def _together(use: Use, others: Iterable[Use]) -> list[Use]:
    """Return the uses that surely go on beside this one, at the point where the most drugs do."""
    same = [other for other in others if same_route(use, other)]
    return _most(_sure_span(use, use), [(other, _sure_span(other, use)) for other in same])


def _sure_span(use: Use, beside: Use) -> Span | None:
    """Return first and last day for certain; drugs of one prescription are taken together for a day at least."""
    if use.first is None:
        return None
    if use.last is not None and beside.last is not None:
        return use.first, use.last
    number, visit = beside.line.prescription, beside.line.visit
    if not number or use.ordered or (use.line.prescription, use.line.visit) != (number, visit):
        return None  # the number of a stay's orders may be that of the whole stay
    return use.first, use.last or use.first + DAY


def _most(own: Span | None, spans: Iterable[tuple[Use, Span | None]]) -> list[Use]:
    """Return the uses on the day with the most drugs, counting those that go on beyond that day, as this one does."""
    if own is None:
        return []
    known = [(other, span) for other, span in spans if span is not None]
    best: list[Use] = []
    for day in (own[0], *(span[0] for _, span in known)):
        if own[0] <= day < own[1]:
            held = [other for other, (first, last) in known if first <= day < last]
            if len({other.drug for other in held}) > len({other.drug for other in best}):
                best = held
    return best


def _doubt(rule: DuplicateMedication, use: Use, others: list[Use], view: View) -> Missing | None:
    """Return what keeps a use from being surely within the limit: a route, an end, or the past itself."""
    possible = [(other, _widest(other)) for other in others if same_route(use, other) is not False]
    held = _most(_widest(use), possible)
    if len({other.drug for other in held}) < rule.max_drugs:
        days, day = rule.history_days, view.service_day(use.line)
        return None if days is None or view.covered_back(day, days, rule.items) else view.history_missing()
    fields = dict.fromkeys(field for other in held for field in _lacking(use, other))
    written = any(one.line.route for one in (use, *held))
    return Missing(fields=tuple(fields), reason="unmapped" if written and list(fields) == [ROUTE] else "missing")


def _widest(use: Use) -> Span:
    """Return the longest stretch that a use may take up, for all that is known."""
    if use.first is None or use.last is not None:
        return use.first or date.min, use.last or date.max
    return use.first, date.max if use.line.long_term and use.line.visit is None else use.first + LOOK_BACK * DAY


def _lacking(use: Use, other: Use) -> Iterator[str]:
    """Yield the fields that leave two uses in doubt."""
    if same_route(use, other) is None:
        yield ROUTE
    if _sure_span(other, use) is None:
        for one in (use, other):
            if one.first is None:
                yield "line.time"
            elif one.last is None:
                yield "line.stop" if one.line.long_term else "line.supply_days"


def check(rule: DuplicateMedication, case: Case) -> Draft:
    """Fire: ``read`` yields a case only for one drug too many."""
    limit = f"同类药同时使用不超过 {rule.max_drugs} {WORDS[rule.count]}"
    present = f"{case.mine}与{case.others}用药期重叠"
    return Draft(
        code="DUPLICATE_MEDICATION",
        message=f"【{rule.name}】{limit}:{present};请保留其中 {rule.max_drugs} {WORDS[rule.count]},"
        "或待前药用完、停用后再开。",
        lines=case.lines,
        involved=case.involved,
        limit=limit,
        present=present,
        allowed=f"{rule.max_drugs} {WORDS[rule.count]}",
        facts=(("drugs", case.mine), ("beside", case.others)),
    )


def looks(rule: DuplicateMedication) -> tuple[Look, ...]:
    """What was supplied before may still be in use."""
    return (Look(rule.items, rule.history_days or LOOK_BACK),)


def _samples(rule: DuplicateMedication) -> tuple[str, ...]:
    """Return codes of one drug more than may be used together, if the items name so many."""
    return sample_drugs(rule.items, rule.max_drugs + 1, rule.drug)


def _ordered(rule: DuplicateMedication, encounter: Encounter, codes: Iterable[str]) -> Encounter:
    """Return the encounter with one long-term order by mouth of each code, and nothing that excepts them."""
    first, *others = codes
    diagnoses = tuple(found for found in encounter.diagnoses if matches(rule.except_dx, found.code) is None)
    known = replace(encounter, diagnoses=diagnoses, history_since=date(2000, 1, 1))
    changed = with_first_line(known, item=first, route="oral", long_term=True, stop=None, supply_days=None)
    for code in others:
        changed = plus_line(changed, item=code)
    return changed


def witness(rule: DuplicateMedication, encounter: Encounter) -> Encounter:
    """One drug more than may be used together."""
    return _ordered(rule, encounter, _samples(rule))


def near_miss(rule: DuplicateMedication, encounter: Encounter) -> Encounter:
    """One drug more, but it was stopped on the day of switching."""
    *kept, stopped = _samples(rule)
    changed = _ordered(rule, encounter, kept)
    return past(changed, days_before(encounter, 3), item=stopped, stop=begin_of(encounter))


KIND = RuleKind(
    name="duplicate_medication",
    title="重复开药",
    codes=(("DUPLICATE_MEDICATION", "重复用药"),),
    row=DuplicateMedicationRow,
    rule=DuplicateMedication,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("safety",),
    looks=looks,
    witness=witness,
    near_miss=near_miss,
    rest=lambda rule, encounter: encounter,
)
