"""Custom rules (自定义规则): a hospital's own condition over fields of the glossary, where no other kind fits.

The condition is a small typed language (``rules.expressions``, ``docs/conditions.md``): checked when the pack is
compiled, bounded, and never executed as code. What it cannot tell it does not guess: unknown is *not checked*, naming
the facts that would decide. The author proves each rule by two examples, since no witness follows from a condition.
"""

from collections.abc import Callable, Hashable, Iterator
from datetime import date
from typing import TypeVar

import msgspec
from pydantic import Field

from rules.codes import Reason
from rules.expressions.compiling import Cells, Condition, condition, sentence, stated
from rules.expressions.nodes import Ask
from rules.expressions.specimens import edited, specimen
from rules.expressions.types import Fault, Place, Scene, Unknown
from rules.kinds._contract import Look, Row, RuleKind, Triggers, shared
from rules.kinds._edits import begin_of
from rules.kinds._view import View, patient_pays
from rules.model import Draft, Encounter, Input, Line, Missing, Rule
from rules.patterns import EVERY_ITEM

SHOWN = 4
"""Facts a finding states in its sentence; all of them stand in its list."""
Made = TypeVar("Made")


class CustomRow(Row):
    """One line of ``custom.csv``."""

    when: str = Field(description="the condition under which the rule speaks")
    scope_of: Place = Field(default="line", description="judged at each line that matches, or once for the visit")
    message: str = Field(min_length=1, max_length=500, description="the sentence; fields in braces: {line.quantity}")
    limit: str = Field(min_length=1, max_length=60, description="the limit in a few words, for lists")
    allowed: str = Field(min_length=1, max_length=60, description="what is permitted, in a few words")
    p1: str = Field(default="", max_length=200, description="a number, day or text that the condition names `p1`")
    p2: str = Field(default="", max_length=200, description="likewise `p2`")
    p3: str = Field(default="", max_length=200, description="likewise `p3`")
    p4: str = Field(default="", max_length=200, description="likewise `p4`")
    witness: str = Field(min_length=1, description="assignments that make the rule fire")
    near_miss: str = Field(min_length=1, description="assignments under which it is just silent")


class Custom(Rule, frozen=True, kw_only=True):
    """Run form: the texts as written. What runs is made from them at first use and remembered."""

    when: str
    scope_of: Place = "line"
    message: str
    limit: str
    allowed: str
    cells: Cells = ("", "", "", "")
    """``p1`` to ``p4``."""
    witness: str = ""
    near_miss: str = ""

    @property
    def condition(self) -> Condition:
        """The condition, ready to run."""
        return condition(self.when, self.cells, self.scope_of)


class Words(msgspec.Struct, frozen=True):
    """All that a finding says: lines that share it are one finding."""

    message: str
    limit: str
    present: str
    allowed: str
    facts: tuple[tuple[str, str], ...]


class Case(msgspec.Struct, frozen=True):
    """Lines at which the condition holds, what there is to say of them, and the other lines that rests on."""

    lines: tuple[int, ...]
    words: Words
    involved: tuple[int, ...]


def compile_row(row: CustomRow) -> Custom:
    """Return the run form. Raises ``ValueError`` with column, place and what to write."""
    cells = (row.p1, row.p2, row.p3, row.p4)
    used = set(_in("when", lambda: condition(row.when, cells, row.scope_of).used))
    for column, text in (("message", row.message), ("limit", row.limit), ("allowed", row.allowed)):
        used |= _in(column, lambda text=text: sentence(text, cells, row.scope_of).used)  # type: ignore[misc]
    for column, text in (("witness", row.witness), ("near_miss", row.near_miss)):
        used |= _in(column, lambda text=text: specimen(text, cells)[1])  # type: ignore[misc]
    if not (row.message.startswith("【") and row.message.endswith("。")):
        raise ValueError("`message`: begin with the item, as in 【{name}】, and end with 。")
    for name, cell in zip(("p1", "p2", "p3", "p4"), cells, strict=True):
        if cell and name not in used:
            raise ValueError(f"`{name}`: is filled, but neither the condition nor a text names `{name}`")
    return Custom(
        **shared(row),
        when=row.when,
        scope_of=row.scope_of,
        message=row.message,
        limit=row.limit,
        allowed=row.allowed,
        cells=cells,
        witness=row.witness,
        near_miss=row.near_miss,
    )


def _in(column: str, make: Callable[[], Made]) -> Made:
    try:
        return make()
    except Fault as fault:
        raise fault.in_column(column) from None


def read(rule: Custom, lines: tuple[Line, ...], view: View) -> Iterator[Case | Missing]:
    """Yield a case for the lines that say the same, and what others lack; where the condition is false, nothing."""
    memo: dict[Hashable, object] = {}
    said: dict[Words, list[int]] = {}
    lacking: dict[tuple[Reason, tuple[str, ...]], list[int]] = {}
    involved: dict[Words, dict[date, frozenset[int]]] = {}
    """By day: all lines of one day that say the same rest on the same others."""
    holds = rule.condition.run
    for scene, positions in _scenes(rule, lines, view, memo):
        held = holds(scene)
        if isinstance(held, Unknown):
            for reason in dict.fromkeys(reason for _, reason in held.lacks):
                fields = tuple(field for field, why in held.lacks if why == reason)
                lacking.setdefault((reason, fields), []).extend(positions)
        elif held:
            words = _words(rule, scene)
            said.setdefault(words, []).extend(positions)
            if scene.day not in (days := involved.setdefault(words, {})):
                days[scene.day] = frozenset(_involved(rule, scene))
    for words, at in said.items():
        yield Case(tuple(at), words, tuple(sorted(frozenset[int]().union(*involved[words].values()) - set(at))))
    for (reason, fields), at in lacking.items():
        yield Missing(fields=fields, reason=reason, lines=tuple(at))


def _scenes(
    rule: Custom, lines: tuple[Line, ...], view: View, memo: dict[Hashable, object]
) -> Iterator[tuple[Scene, tuple[int, ...]]]:
    """Yield where the condition is judged, with the lines a finding would be about."""
    payment = rule.scope == "payment"
    if rule.scope_of == "line":
        for line in lines:
            yield Scene(view, line, payment=payment, memo=memo), (line.position,)
        return
    about = lines or tuple(line for line in view.current if not (payment and patient_pays(line)))
    if about:  # with nothing charged there is nothing to change
        yield Scene(view, None, payment=payment, memo=memo), tuple(line.position for line in about)


def _words(rule: Custom, scene: Scene) -> Words:
    known = [found for fact in rule.condition.facts if (found := stated(fact, scene))]
    message, limit, allowed = (
        sentence(text, rule.cells, rule.scope_of).at(scene, rule.name)
        for text in (rule.message, rule.limit, rule.allowed)
    )
    present = ",".join(words for _, _, words in known[:SHOWN])
    return Words(message, limit, present, allowed, tuple((name, value) for name, value, _ in known))


def _involved(rule: Custom, scene: Scene) -> Iterator[int]:
    """Yield the other lines the condition rests on."""
    for fact in rule.condition.facts:
        if isinstance(fact, Ask):
            for line in fact.function.involved(scene, fact.patterns, fact.days):
                yield line.position


def check(rule: Custom, case: Case) -> Draft:
    """Say what the author wrote; where the condition does not hold there is no case."""
    words = case.words
    return Draft(
        code="CUSTOM_CONDITION",
        message=words.message,
        lines=case.lines,
        involved=case.involved,
        limit=words.limit,
        present=words.present,
        allowed=words.allowed,
        facts=words.facts,
    )


def triggers(rule: Custom) -> Triggers:
    """A rule over the visit whose item is ``*`` is brought up by every encounter, and is about all it charges."""
    if rule.scope_of == "visit" and EVERY_ITEM in rule.items:
        return Triggers(visit=True)
    return Triggers(items=rule.items)


def looks(rule: Custom) -> tuple[Look, ...]:
    """The past its functions ask for."""
    asked = (fact for fact in rule.condition.facts if isinstance(fact, Ask))
    found = (Look(ask.patterns, days) for ask in asked if (days := ask.function.looks(ask.days)))
    return tuple(dict.fromkeys(found))


def witness(rule: Custom, encounter: Encounter) -> Encounter:
    """As the author wrote."""
    return edited(rule.witness, rule.cells, encounter)


def near_miss(rule: Custom, encounter: Encounter) -> Encounter:
    """As the author wrote."""
    return edited(rule.near_miss, rule.cells, encounter)


def rest(rule: Custom, encounter: Encounter) -> Encounter:
    """Left as it is where the rule is silent anyhow; an author's edits would only disturb the rule being tried."""
    view = View(Input(encounter=encounter, time=begin_of(encounter)))
    speaks = any(True for _ in read(rule, encounter.lines[:1], view))
    return near_miss(rule, encounter) if speaks else encounter


KIND = RuleKind(
    name="custom",
    title="自定义规则",
    codes=(("CUSTOM_CONDITION", "符合自定义条件"),),
    row=CustomRow,
    rule=Custom,
    compile=compile_row,
    read=read,
    check=check,
    scopes=("payment", "charging", "safety"),
    triggers=triggers,
    looks=looks,
    witness=witness,
    near_miss=near_miss,
    rest=rest,
)
