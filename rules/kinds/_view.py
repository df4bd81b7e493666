"""One encounter as kinds look at it: indexed once per check, shared by all rules.

In: an ``Input``. Out: the facts that several kinds need (lines by item, days, spans, history coverage), computed
when first asked for. A view is private to one check; nothing in it outlives the answer.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Protocol

import msgspec

from rules.codes import Dictionary, Reason
from rules.dip.result import DipResult, DipSign
from rules.kinds._merging import once, other_visits, unrepeated
from rules.lines import amount_of
from rules.model import Asked, Encounter, Input, Line, Missing, PastVisit, Rule
from rules.patterns import EVERY_ITEM, names_all
from rules.words import NO_WORDS, Words

LONGEST_SPAN = 1_000
"""Days one line may cover; a begin further back is a slip of the pen, and counting its days would take for ever."""


MATERNITY_INSURANCE = "510"
MATERNITY_TYPES = ("51", "52", "53")
OBSTETRIC = ("O", "Z34", "Z35", "Z36", "Z37", "Z38", "Z39")


class Dip(Protocol):
    """What the engine offers of DIP as a fact; kinds know nothing of how it is made."""

    @property
    def result(self) -> DipResult:
        """Where the stay stands, now and after this order."""

    @property
    def digest(self) -> str:
        """Of the scheme that judged."""

    @property
    def signs(self) -> tuple[DipSign, ...]:
        """Signs that the coding may be wrong, looked for when first asked."""


class View:
    """What one check knows. ``encounter`` is the payload; recorded history is merged without double counting."""

    def __init__(self, given: Input, words: Words = NO_WORDS, dip: Dip | None = None) -> None:
        self.given = given
        self.words = words
        self.dip = dip
        """``None``: not in hospital, or no scheme is in force."""
        self.encounter: Encounter = given.encounter
        self.time: datetime = given.time
        self.today: date = given.time.date()
        self._by_length: dict[int, dict[str, list[str]]] = {}

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Payload lines, then recorded ones the payload does not carry (positions from -1 downwards)."""
        recorded = self.given.context.history
        lines = once(self.encounter.lines)
        if recorded is None or not recorded.lines:
            return lines
        return (*lines, *unrepeated(self.encounter, lines, recorded.lines, self.today))

    @cached_property
    def _by_item(self) -> dict[str, list[Line]]:
        table: dict[str, list[Line]] = {}
        for line in self.lines:
            table.setdefault(line.item, []).append(line)
        return table

    def lines_of(self, patterns: tuple[str, ...]) -> tuple[Line, ...]:
        """Return all lines, current and past, whose item the patterns surely name, in time order."""
        if len(patterns) == 1 and patterns[0] in self._by_item:
            found = self._by_item[patterns[0]]
        else:
            found = [line for item in self._named(patterns) for line in self._by_item[item]]
        return self.in_order(found)

    def in_order(self, lines: Iterable[Line]) -> tuple[Line, ...]:
        """Return lines as a message tells of them: known ones first, each in time order, never by their places."""
        found = tuple(lines)
        return tuple(sorted(found, key=self._order)) if len(found) > 1 else found

    def holds(self, patterns: tuple[str, ...]) -> bool:
        """Say whether any line, current or past, is of an item that the patterns surely name."""
        return bool(self._named(patterns))

    def _named(self, patterns: tuple[str, ...]) -> dict[str, None]:
        """Return the items of this encounter that the patterns surely name, each once: look-ups, not comparisons."""
        exact, families = _parted(patterns)
        if len(exact) > len(self._by_item):
            named = dict.fromkeys(item for item in self._by_item if item in exact)
        else:
            named = dict.fromkeys(item for item in exact if item in self._by_item)
        for family in families:
            named.update(dict.fromkeys(self._families(len(family)).get(family, ())))
        return named

    def _families(self, length: int) -> dict[str, list[str]]:
        """Return the encounter's items by their first ``length`` characters, made when first asked for."""
        table = self._by_length.get(length)
        if table is None:
            table = self._by_length[length] = {}
            for item in self._by_item:
                if item:
                    table.setdefault(item[:length], []).append(item)
        return table

    def _order(self, line: Line) -> tuple[bool, bool, datetime, str, int]:
        # Charges known from before come first, so that what is being saved now is what exceeds a limit.
        when = self.time_of(line)
        return (line.current, when is not None, when or self.time, line.id, line.position)

    @cached_property
    def current(self) -> tuple[Line, ...]:
        """Lines being saved now that charge something: what a rule over the whole visit may speak about."""
        gone = self.taken_back
        return tuple(
            line
            for line in self.lines
            if line.current and not (line.quantity is not None and line.quantity <= 0) and line.position not in gone
        )

    @cached_property
    def taken_back(self) -> frozenset[int]:
        """Positions of current lines that reversals take back whole: nothing is charged for them any more."""
        items = {line.item for line in self.lines if line.quantity is not None and line.quantity < 0}
        if not items:
            return frozenset()
        left: dict[int, int | None] = {}
        for item in items:
            left |= self._net(sorted(self._by_item[item], key=self._order))
        return frozenset(
            line.position
            for line in self.lines
            if line.current and left.get(line.position) == 0 and (line.quantity or 0) > 0
        )

    def meaning(self, dictionary: Dictionary, text: str | None) -> str | None:
        """Return what a word of this hospital means to the rules; ``None`` when absent or unmapped."""
        return self.words.meaning(dictionary, self.encounter.hospital, text) if text else None

    def unread(self, text: str | None, field: str, *lines: Line) -> Missing:
        """Return what to report for a word that has no meaning here: absent, or unmapped."""
        reason: Reason = "unmapped" if text else "missing"
        return Missing(fields=(field,), reason=reason, lines=tuple(line.position for line in lines))

    @cached_property
    def past_visits(self) -> tuple[PastVisit, ...]:
        """Other visits of the person, from payload and record, each once, in order of admission."""
        recorded = self.given.context.history
        return other_visits(self.encounter, self.encounter.visits or (), recorded.visits if recorded else ())

    def visits_covered_since(self, first: date) -> bool:
        """Say whether all other visits from ``first`` on are known: the payload says so, or they were asked for."""
        since, recorded = self.encounter.history_since, self.given.context.history
        if self.encounter.visits is not None and since is not None and since <= first:
            return True
        if recorded is None or recorded.since is None or recorded.since > first:
            return False
        return recorded.asked is None or any(one.visits and one.since <= first for one in recorded.asked)

    @cached_property
    def evidence(self) -> tuple[str, ...]:
        """All ICD codes that the diagnoses vouch for."""
        return tuple(code for found in self.encounter.diagnoses for code in found.evidence)

    def time_of(self, line: Line) -> datetime | None:
        """Return the line's time: its own, else the message's for a current line, else unknown."""
        return line.begin or (self.time if line.current else None)

    def day_of(self, line: Line) -> date | None:
        """Return the line's service day, unknown for a past line without a time."""
        when = self.time_of(line)
        return when.date() if when else None

    def service_day(self, line: Line) -> date:
        """Return the service day of a *current* line, which always has one."""
        return (line.begin or self.time).date()

    def charged_day(self, line: Line) -> date:
        """Return the last day a *current* line is charged for: an order's begin is not its service day (ruling 9)."""
        begin = self.service_day(line)
        end = line.stop.date() if line.stop is not None else self._open_end() if line.long_term else begin
        return max(begin, end)

    def span(self, line: Line) -> tuple[date, date] | None:
        """Return the first and last day a line covers (ruling 9); ``None`` when its begin is unknown or absurdly old.

        A long-term line without a stop runs to now, or to the discharge if that came first; any line with a later
        stop day runs to that day; the rest cover one day. When another visit's open-ended line ended, nobody knows.
        """
        begin = self.day_of(line)
        if begin is None or (line.visit is not None and line.long_term and line.stop is None):
            return None
        end = line.stop.date() if line.stop is not None else self._open_end() if line.long_term else begin
        return None if (end - begin).days > LONGEST_SPAN else (begin, max(begin, end))

    def _open_end(self) -> date:
        discharged = self.encounter.visit.discharged
        return min(self.today, discharged.date()) if discharged else self.today

    @cached_property
    def maternity(self) -> bool | None:
        """Whether this visit counts as maternity (ruling 10); ``None`` while something absent could still say so."""
        visit = self.encounter.visit
        kind, insurance = visit.medical_type, visit.insurance
        if (kind or "").startswith(MATERNITY_TYPES) or insurance == MATERNITY_INSURANCE:
            return True
        if any(code.startswith(OBSTETRIC) for code in self.evidence):
            return True
        suspected = any(found.suspected and found.code.startswith(OBSTETRIC) for found in self.encounter.diagnoses)
        known = kind is not None and insurance is not None and self.unread_diagnoses is None and not suspected
        return False if known else None

    @cached_property
    def unread_diagnoses(self) -> Missing | None:
        """What keeps the absence of a diagnosis from being certain (ruling 4): one that is unmapped, or none at all."""
        diagnoses = self.encounter.diagnoses
        if any(found.system == "local" or not found.code for found in diagnoses):
            return Missing(fields=("diagnosis.code",), reason="unmapped")
        return None if any(found.system == "icd" for found in diagnoses) else Missing(fields=("diagnoses",))

    def amount_at(self, position: int) -> int:
        """Return a payload line's amount (``amount_of``)."""
        return amount_of(self.encounter.lines[position])

    def covered_since(self, first: date, items: tuple[str, ...] = (EVERY_ITEM,)) -> bool:
        """Say whether all lines of these items from ``first`` on are known.

        The sender vouches for every item; the record tells only of those that the rule asked for in its ``looks``.
        """
        known = self.known_since(items)
        return known is not None and known <= first

    def covered_back(self, day: date, days: int, items: tuple[str, ...] = (EVERY_ITEM,)) -> bool:
        """Say whether all lines of these items for the ``days`` before ``day`` are known."""
        return self.covered_since(_back_from(day, days), items)

    def sent_since(self, first: date) -> bool:
        """Say whether the sender itself vouches for the past from ``first`` on.

        The record is this hospital's: what it does not hold may have been used in another.
        """
        told = self.encounter.history_since
        return told is not None and told <= first

    def known_since(self, items: tuple[str, ...]) -> date | None:
        """Return the day from which on all lines of these items are known (``covered_since``)."""
        told, recorded = self.encounter.history_since, self.given.context.history
        if recorded is None or recorded.since is None:
            return told
        asked = date.min if recorded.asked is None else _asked_since(recorded.asked, items)
        return told if asked is None else min(max(asked, recorded.since), told or date.max)

    def history_missing(self) -> Missing:
        """Return what to report when the past is needed and not known far enough back."""
        return Missing(fields=("history",), reason="timeout" if "history" in self.given.context.late else "missing")

    def charges(self, patterns: tuple[str, ...], *, visit_only: bool = False) -> tuple["Charge", ...]:
        """Return what remains charged of these items after reversals: known ones first, each in time order.

        A negative line takes back its own line (same id), else the latest charges of the same item up to its day;
        a line taken back whole is gone. A line without a quantity stays, with an unknown quantity.
        """
        lines = [line for line in self.lines_of(patterns) if not (visit_only and line.visit is not None)]
        for line in lines:
            if line.quantity is not None and line.quantity < 0:
                left = self._net(lines)
                charges = [Charge(line, left.get(line.position)) for line in lines]
                return tuple(charge for charge in charges if charge.quantity != 0 and (charge.line.quantity or 0) >= 0)
        return tuple([Charge(line, line.quantity) for line in lines if line.quantity != 0])

    def _net(self, lines: list[Line]) -> dict[int, int | None]:
        """Return what each line's quantity comes to after reversals."""
        left = {line.position: line.quantity for line in lines}
        stacks: dict[tuple[object, ...], list[int]] = {}
        for line in lines:
            if (line.quantity or 0) > 0 and line.id:
                for key in _reach(line):
                    stacks.setdefault((*key, line.id), []).append(line.position)
        for line in sorted(lines, key=self._reversals_last):
            quantity = line.quantity or 0
            if quantity > 0:
                for key in _reach(line):
                    stacks.setdefault(key, []).append(line.position)
            elif quantity < 0:
                reach = (line.item, line.current)
                owed = _take(left, stacks.get((*reach, line.id), []), -quantity)
                _take(left, stacks.get(reach, []), owed)
        return left

    def _reversals_last(self, line: Line) -> tuple[int, bool, bool]:
        # A refund cannot take back what is charged on a later day; on one day, known charges go first.
        day, reversal = self.day_of(line), (line.quantity or 0) < 0
        return ((day or (date.max if reversal else date.min)).toordinal(), reversal, not line.current)


def _back_from(day: date, days: int) -> date:
    """Return the day so many days before, or the first day there is."""
    return date.fromordinal(max(1, day.toordinal() - days))


def _asked_since(asked: tuple[Asked, ...], items: tuple[str, ...]) -> date | None:
    """Return the day back to which the record was asked for all of these items; ``None`` when it was not."""
    latest = date.min
    for pattern in items:
        since = min((one.since for one in asked if names_all(one.items, pattern)), default=None)
        if since is None:
            return None
        latest = max(latest, since)
    return latest


@lru_cache(maxsize=65_536)
def _parted(patterns: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the exact codes and the families of patterns; ambiguous families name nothing surely."""
    exact = frozenset(pattern for pattern in patterns if pattern[-1:] not in {"*", "?"})
    return exact, tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))


class Charge(msgspec.Struct, frozen=True):
    """A line and how much of its quantity is still charged (1/10,000; ``None`` is unknown)."""

    line: Line
    quantity: int | None

    @property
    def amount(self) -> int:
        """Money still charged: the line's amount, less the part taken back."""
        whole, sent = amount_of(self.line), self.line.quantity
        return whole * self.quantity // sent if sent and self.quantity is not None else whole


def _reach(line: Line) -> tuple[tuple[str, bool], ...]:
    """Return the stacks a charge stands in: current reversals reach all of an item, known ones only known charges."""
    return ((line.item, True),) if line.current else ((line.item, True), (line.item, False))


def _take(left: dict[int, int | None], stack: list[int], owed: int) -> int:
    """Take ``owed`` from the end of a stack of positions, dropping those used up; return what is still owed."""
    while owed > 0 and stack:
        held = left[stack[-1]] or 0
        taken = min(owed, held)
        left[stack[-1]] = held - taken
        owed -= taken
        if held == taken:
            stack.pop()
    return owed


def patient_pays(line: Line) -> bool:
    """Say whether the patient pays the line, with consent or without word of it (ruling 1): no fund, no limit of it."""
    return line.self_paid is True and line.consent is not False


def judged(rule: Rule, charges: Iterable[Charge], lines: tuple[Line, ...]) -> tuple[list[Charge], list[Charge]]:
    """Part charges into what was there before, and what the rule may speak about now (``lines``).

    A current line the rule is not asked about (out of force on its day) counts as there before; what the patient
    pays does not count at all where the rule protects payment.
    """
    asked = {line.position for line in lines}
    before: list[Charge] = []
    now: list[Charge] = []
    for charge in charges:
        if charge.line.position in asked:
            now.append(charge)
        elif not (rule.scope == "payment" and patient_pays(charge.line)):
            before.append(charge)
    return before, now
